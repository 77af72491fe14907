"""nginx's tokenizer (ngx_conf_read_token), byte for byte: what a text means is what it means to nginx.

Only the reading of words, not of directives.  Proven against `nginx -t` by a differential fuzz (tests/integration).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from confgen.problem import show
from confgen.proxies.nginx.quote import LONGEST

_BLANK = b" \t\r\n"
_BLANKS = re.compile(rb"[ \t\r\n]*")
#: A word without anything special in it, as almost all are, up to where it ends.
_SIMPLE = re.compile(rb"[^ \t\r\n;{}\"'#\\$][^ \t\r\n;{\\$]*(?=[ \t\r\n;{])")
_AFTER_BACKSLASH = {b'"': b'"', b"'": b"'", b"\\": b"\\", b"t": b"\t", b"r": b"\r", b"n": b"\n"}


class Unreadable(Exception):
    """nginx would refuse this text; says where, by line."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {what}" if line else what)
        self.what, self.line = what, line


#: The words of one statement and what ends it: ";", "{", or "}" (then there are no words).
Token = tuple[tuple[bytes, ...], str]


def statements(text: bytes) -> Iterator[Token]:
    """Each statement's words; raises Unreadable where nginx would."""
    return (token for token, _ in located(text))


def located(text: bytes) -> Iterator[tuple[Token, int]]:
    """The same, each with where it begins."""
    at = start = 0
    words: list[bytes] = []
    while True:
        at = _skip(text, at)
        if at == len(text):
            if words:
                raise _bad(text, at, 'the file ends where ";" or "}" should be')
            return
        char = text[at : at + 1]
        if char in (b";", b"{"):
            if not words:
                raise _bad(text, at, f"unexpected {show(char.decode())}")
            yield (tuple(words), char.decode()), start
            words, at = [], at + 1
        elif char == b"}":
            if words:
                raise _bad(text, at, 'unexpected "}"')
            yield ((), "}"), at
            at += 1
        else:
            start = start if words else at
            word, at = _quoted(text, at) if char in (b'"', b"'") else _bare(text, at)
            words.append(word)


def unclosed(text: bytes) -> int:
    """The line of the block that lacks its end, 0 where none does; raises Unreadable where nginx would for another reason.

    Where a "}" that stands alone is indented as another block than the one that it closes, it is that one's that is missing.
    """
    opened: list[int] = []
    astray = 0
    for (_, end), at in located(text):
        if end == "{":
            opened.append(at)
        elif end == "}" and opened:
            begun = opened.pop()
            if not astray and not _column(text, at)[1] and _column(text, at)[0] != _column(text, begun)[0]:
                astray = begun
    return text.count(b"\n", 0, astray or opened[-1]) + 1 if opened else 0


def _column(text: bytes, at: int) -> tuple[bytes, bytes]:
    """The blanks that its line begins with, and what stands before it on its line beside them."""
    before = text[text.rfind(b"\n", 0, at) + 1 : at]
    said = before.lstrip(b" \t")
    return before[: len(before) - len(said)], said


def _skip(text: bytes, at: int) -> int:
    """Over blanks and comments; a comment starts only where a word could."""
    while True:
        blanks = _BLANKS.match(text, at)
        at = blanks.end() if blanks else at
        if text[at : at + 1] == b"#":
            end = text.find(b"\n", at) % (len(text) + 1)
            most = LONGEST + (2 if end == len(text) else 1)
            if end - at > most:
                raise _bad(text, at, f"a comment of {end - at} bytes; nginx reads at most {most}")
            at = end
        else:
            return at


def _bare(text: bytes, start: int) -> tuple[bytes, int]:
    """A word without quotes ends at a blank, ";" or "{"; a "{" behind "$" does not end it, a backslash hides one byte."""
    simple = _SIMPLE.match(text, start)
    if simple and simple.end() - start <= LONGEST:
        return simple[0], simple.end()
    at = start
    while at < len(text):
        char = text[at : at + 1]
        if char == b"\\":
            at += 2
        elif char == b"$":
            at += 1
            while text[at : at + 1] == b"{":
                at += 1
        elif text[at] in _BLANK or char in (b";", b"{"):
            return _unescaped(text, start, at, LONGEST + (char in (b";", b"{"))), at
        else:
            at += 1
    raise _bad(text, len(text), "the file ends inside a word")


def _quoted(text: bytes, start: int) -> tuple[bytes, int]:
    """A word in quotes ends at the same quote; only a blank, ";", "{" or ")" may follow."""
    quote, at = text[start], start + 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at : at + 1] == b"\\" else 1
    after = text[at + 1 : at + 2]
    if at >= len(text) or not after:
        raise _bad(text, len(text), "the file ends inside a quoted word")
    if after not in (b" ", b"\t", b"\r", b"\n", b";", b"{", b")"):
        raise _bad(text, at + 1, f"unexpected {show(after.decode('latin-1'))} after a quoted word")
    return _unescaped(text, start + 1, at, LONGEST), at + 1


def _unescaped(text: bytes, start: int, end: int, most: int) -> bytes:
    """Copies a word as nginx does: a backslash goes only before quotes, itself, t, r and n.

    most: nginx's buffer holds 4096 bytes, for the word and what it reads before it is done with it.
    """
    raw, out, at = text[start:end], bytearray(), 0
    if len(raw) > most:
        raise _bad(text, start, f"a word of {len(raw)} bytes; nginx reads at most {most}")
    if b"\\" not in raw:
        return raw
    while at < len(raw):
        known = _AFTER_BACKSLASH.get(raw[at + 1 : at + 2]) if raw[at : at + 1] == b"\\" else None
        out += known if known is not None else raw[at : at + 1]
        at += 1 if known is None else 2
    return bytes(out)


def _bad(text: bytes, at: int, what: str) -> Unreadable:
    return Unreadable(what, text.count(b"\n", 0, at) + 1)
