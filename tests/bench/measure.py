"""What a measure is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.figures import Figure
from tests.bench.scene import Scene


@dataclass(frozen=True, slots=True)
class Measure:
    """run is called for each number of other containers, with that many around.

    how: what is done and counted, for the page; markdown.  chart: words that the cases worth a picture begin with.
    passes: how many times it goes through these numbers, where a difference between them matters that is smaller than what a
    machine does in the minutes between.  grows: words that the cases begin with of which that difference is a figure too.
    """

    title: str
    how: str
    run: Callable[[Scene, int], Iterator[Figure]]
    others: tuple[int, ...] = (3,)
    chart: tuple[str, ...] = ()
    passes: int = 1
    grows: tuple[str, ...] = ()
