"""HAProxy's own way of cutting a line into words, and its way of reading a map file.  Pure.

A port of `parse_line()` (src/tools.c), of the loop around it (`parse_cfg()`, src/cfgparse.c) and of
`pat_ref_read_from_file_smp()` (src/pattern.c), which are the same from 2.6 to 3.4; a differential fuzz holds it against
the real binaries.  What HAProxy would take from its surroundings (`$NAME` in double quotes, `.if`, `[scope]`) is
refused: nothing that we write needs it, and a secret in the environment must have no way into the file.
"""

from __future__ import annotations

from confgen.errors import RefusedText
from confgen.problem import show

#: How every refusal here begins.
READING = "the rendered text cannot be read as HAProxy reads it"
#: MAX_LINE_ARGS of HAProxy: what is longer is an error.
MOST_WORDS = 64
#: What C's isspace() knows.
_BLANK = b" \t\n\v\f\r"
_HEX = b"0123456789abcdefABCDEF"
#: `\t`, `\n`, `\r` and what stands for itself behind a backslash outside single quotes.
_ESCAPES = {ord("t"): b"\t", ord("n"): b"\n", ord("r"): b"\r", **{c: bytes([c]) for c in b" \\#'\""}}
#: Longest line of a map file: HAProxy reads it into a buffer of tune.bufsize, and would take the rest for a line of its own.
_LONGEST_ENTRY = 16_000


def lines(text: bytes) -> list[tuple[bytes, ...]]:
    """The words of each line that has any.  Raises RefusedText where HAProxy would refuse the text or look beyond it."""
    if text and not text.endswith(b"\n"):
        raise refused("the last line does not end", text[text.rfind(b"\n") + 1 :])
    return [found for line in text.split(b"\n") if (found := words(line))]


def words(line: bytes) -> tuple[bytes, ...]:
    """The words of one line; none where HAProxy skips it."""
    stripped = line.lstrip(_BLANK)
    if stripped.startswith(b"["):
        raise refused("a line that opens a scope", line)
    if b"\0" in stripped:
        raise refused("a line with a NUL", line)
    found = _Line(stripped).read()
    if found[:1] and found[0].startswith(b"."):
        raise refused("a line that is a macro", line)
    return tuple(found)


class _Line:
    """One line while it is read; a word ends where HAProxy writes a zero byte."""

    def __init__(self, line: bytes) -> None:
        self._line = line
        self._at = 0
        self._found = [bytearray()]
        self._quote = 0
        self._quoted = False

    def read(self) -> list[bytes]:
        while self._at < len(self._line) and self._step(self._line[self._at]):
            pass
        if self._quote:
            raise refused("a quote is not closed", self._line)
        if len(self._found) > MOST_WORDS:  # counted before the last is left out, as HAProxy does it
            raise refused(f"a line of more than {MOST_WORDS} words", self._line)
        if not self._found[-1] and not self._quoted:
            self._found.pop()  # nothing but a blank at the end
        if self._found and not (self._found[0] and self._found[-1]):
            # Up to 3.0 an empty last word is not counted and an empty first one hides the line; from 3.1 on they count.
            raise refused("a line with an empty first or last word", self._line)
        return [bytes(word) for word in self._found]

    def _step(self, char: int) -> bool:
        """Takes what stands here; false where HAProxy reads no further."""
        if char == 0x0D or (char == 0x23 and not self._quote):
            return False
        if char in b"\"'" and self._quote in (0, char):
            self._quote = 0 if self._quote else char
            self._quoted = True
            self._at += 1
        elif char == 0x5C and self._quote != 0x27:
            self._escape()
        elif char in _BLANK and not self._quote:
            self._next_word()
        elif char == 0x24 and self._quote == 0x22:
            raise refused("a variable of the environment", self._line)
        else:
            self._found[-1].append(char)
            self._at += 1
        return True

    def _escape(self) -> None:
        follows = self._line[self._at + 1 : self._at + 2]
        if follows == b"x":
            self._hex()
        elif follows == b"$" and self._quote:
            self._emit(b"$", 2)
        elif follows and follows[0] in _ESCAPES:
            self._emit(_ESCAPES[follows[0]], 2)
        else:
            self._emit(b"\\", 1)

    def _hex(self) -> None:
        digits = self._line[self._at + 2 : self._at + 4]
        if len(digits) < 2 or any(digit not in _HEX for digit in digits) or digits == b"00":
            raise refused("\\x without two hex digits of a character", self._line)
        self._emit(bytes([int(digits, 16)]), 4)

    def _emit(self, what: bytes, taken: int) -> None:
        self._found[-1] += what
        self._at += taken

    def _next_word(self) -> None:
        while self._at < len(self._line) and self._line[self._at] in _BLANK:
            self._at += 1
        self._found.append(bytearray())
        self._quoted = False


def entries(text: bytes) -> list[tuple[bytes, ...]]:
    """Key and value of each line of a map file, the value cut at blanks as our converters cut it."""
    found = []
    plain = not any(char in text for char in (b"\0", b"\r", b"\t", b"  "))  # as all text is that our templates make
    for line in text.split(b"\n"):
        if len(line) > _LONGEST_ENTRY or (not plain and b"\0" in line):
            raise refused("a map line that HAProxy would not read as one", line)
        if not line or line.startswith(b"#"):
            continue
        content = line if plain else line.split(b"\r")[0].replace(b"\t", b" ")
        words = tuple(content.strip(b" ").split(b" "))
        words = words if plain and words[0] else tuple(word for word in words if word)
        if words:
            found.append(words)
    return found


def refused(what: str, line: bytes) -> RefusedText:
    """The error for text that cannot be what was meant."""
    return RefusedText(
        f"{READING}: {what}: {show(line.decode('latin-1'), 120)}",
        "a template prints something else than the model says; the last good text stays live",
    )
