"""How a value becomes one word of HAProxy's language, at both levels: the line, and the log-format inside a word.  Pure.

Measured: 1,753 values through `q`, and as many through `lf | q`, arrived as they were (docs/values.md, 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from confgen.values import Text

_PLAIN = re.compile(r"[A-Za-z0-9_.:/=@+-]+", re.ASCII)


def q(value: str | Text) -> str:
    """One word: bare where nothing in it has a meaning, else in single quotes, in which nothing has one.

    Raises ValueError for NUL, CR and LF, which end a line whatever the quoting.
    """
    raw = value.raw if isinstance(value, Text) else str(value)
    if any(char in raw for char in "\0\r\n"):
        raise ValueError("a NUL or a line break cannot stand in a line of HAProxy's file")
    return raw if _PLAIN.fullmatch(raw) else "'" + raw.replace("'", "'\\''") + "'"


Literal = TypeVar("Literal", str, Text)


def lf(value: Literal) -> Literal:
    """Literal text inside a log-format, where a lone `%` is an error and `%[env(NAME)]` would leak; still to be quoted."""
    if isinstance(value, Text):
        return Text(value.raw.replace("%", "%%"))
    return value.replace("%", "%%")


def decoded(path: str) -> str:
    """A path as it is compared: without percent-encoding.  Raises ValueError where that is not UTF-8 text."""
    return unquote_to_bytes(path).decode("utf-8")


def period(milliseconds: int) -> str:
    """A duration with its unit: whole seconds as such.  HAProxy takes a bare number for milliseconds."""
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


FILTERS: Mapping[str, Callable[..., str]] = {"q": q, "period": period}
