"""How much of a route one client may take: sizes, rates, and all limits of a route as one value.  Pure.

As in values.py each `parse_*` takes a label's text and returns a value, or raises Refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from confgen.problem import show
from confgen.values import Refusal, plain


class Size(int):
    """Bytes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in each period of so many seconds, 1 or 60."""

    requests: int
    seconds: int = 1

    def __str__(self) -> str:
        return f"{self.requests}r/{'s' if self.seconds == 1 else 'm'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client address may take of a route; None where nothing limits it.

    body: bytes of a request's body, 0 for any number.  connections: requests at once (tcp, udp: connections).
    rate: requests over time.  burst: how many may come at once beyond the one that is due.
    """

    body: Size | None = None
    connections: int | None = None
    rate: Rate | None = None
    burst: int = 0

    def __bool__(self) -> bool:
        return self != _NONE

    @property
    def window(self) -> int:
        """Milliseconds in which a whole burst is made up for, at least 1; 0 without a rate."""
        return max(1, -(-(self.burst + 1) * self.rate.seconds * 1000 // self.rate.requests)) if self.rate else 0


_NONE = Limits()

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_LARGEST = 1024**4


def parse_size(text: str) -> Size:
    """`512k`, `10m`, `1g`, `10mb`; a bare number is bytes."""
    raw = plain(text)
    match = re.fullmatch(r"([0-9]{1,9})([kmg]?)b?", raw.lower(), re.ASCII)
    if not match:
        raise Refusal("CG142", f"size {show(raw)} is not a number with k, m or g", 'write it as in "512k", "10m", "1g"')
    size = int(match[1]) * _UNITS[match[2]]
    if size > _LARGEST:
        raise Refusal("CG142", f"size {show(raw)} is more than 1024g", "0 is for any size")
    return Size(size)


def parse_rate(text: str) -> Rate:
    """`10r/s`, `100r/m`."""
    raw = plain(text)
    match = re.fullmatch(r"([0-9]{1,6})r/([sm])", raw, re.ASCII)
    if not match:
        if re.fullmatch(r"[0-9]{1,6}", raw, re.ASCII):
            raise Refusal("CG183", f"rate {show(raw)} has no period", f'write "{raw}r/s" or "{raw}r/m"')
        if near := re.fullmatch(r"([0-9]{1,6}) *(?:r|req)? *(?:/|per) *([sm])[a-z]*", raw, re.ASCII):
            raise Refusal("CG183", f"rate {show(raw)} is not a number of requests in a time", f'write "{near[1]}r/{near[2]}"')
        raise Refusal("CG183", f"rate {show(raw)} is not a number of requests in a time", 'write it as in "10r/s", "100r/m"')
    if int(match[1]) == 0:
        raise Refusal("CG183", f"rate {show(raw)} lets nobody in", "write at least 1r/m, or use deny")
    return Rate(int(match[1]), 1 if match[2] == "s" else 60)
