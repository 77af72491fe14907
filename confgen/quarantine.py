"""Which few of many items make the whole fail: found by testing prefixes, not one by one (pure but for the given test)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def offenders(items: Sequence[Item], passes: Callable[[Sequence[Item]], bool]) -> list[Item] | None:
    """The items without which the rest passes; None when even no items at all fail, so that none of them is to blame.

    Put those that are trusted first: of two that clash, the later one goes.  One offender among n costs about
    log2(n) + 2 tests, each further one about log2(n) + 1.
    """
    if not passes([]):
        return None
    found: list[Item] = []
    good: list[Item] = []
    rest = list(items)
    while rest and not passes([*good, *rest]):
        low, high = 0, len(rest)  # a prefix of `low` passes, one of `high` fails
        while high - low > 1:
            middle = (low + high) // 2
            if passes([*good, *rest[:middle]]):
                low = middle
            else:
                high = middle
        found.append(rest[low])
        good, rest = [*good, *rest[:low]], rest[low + 1 :]
    return found
