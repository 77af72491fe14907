"""Words of nginx's language.  The tokenizer that reads them back is in tokens.py; both follow ngx_conf_read_token."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from confgen.values import Path, Text

#: The longest word, in bytes, that nginx reads whatever stands behind it (measured: 4095 do not pass in quotes).
LONGEST = 4094

#: nginx has no escape for `$` where variables are expanded; the skeleton defines a variable that holds one.
DOLLAR = "${confgen_dollar}"

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(value: str | Text) -> str:
    """Any text as one word, for directives that expand variables: it arrives there byte for byte."""
    return literal(value).replace("$", DOLLAR)


def literal(value: str | Text) -> str:
    """Any text as one word, for directives that do not expand variables (location, server_name)."""
    raw = value.raw if isinstance(value, Text) else value
    if "\0" in raw:
        raise ValueError("a NUL byte cannot be written into nginx's file")
    return '"' + "".join(_ESCAPES.get(char, char) for char in raw) + '"'


def decoded(path: Path | str) -> str:
    """A path as nginx compares it: without percent-encoding.  Raises ValueError when that is not UTF-8 text."""
    return unquote_to_bytes(path).decode("utf-8")


def duration(milliseconds: int) -> str:
    """500ms, 60s."""
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{int(milliseconds)}ms"


def variable(prefix: str, name: str) -> str:
    """The variable that holds a request header or cookie, "" where nginx has none by that name."""
    word = name.lower().replace("-", "_") if prefix == "http" else name
    return f"${prefix}_{word}" if re.fullmatch(r"[A-Za-z0-9_]+", word, re.ASCII) else ""


def regex(path: str) -> str:
    """A decoded path as part of a regular expression; the result still has to be quoted as a word."""
    return re.sub(r"([^A-Za-z0-9/_~!&',;=:@%<> \x80-\U0010ffff-])", r"\\\1", path)
