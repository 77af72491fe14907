"""What a measure gives, and the arithmetic on it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

#: Which way is better; "" where that is no question (how many requests were sent).
Better = Literal["less", "more", ""]
#: Differences smaller than this are the machine's.
MARGIN = 0.1
#: A case with so many other containers around.
OTHERS = re.compile(r"(.*), (\d+) others")
#: In the case of a figure that sets two numbers of others against each other.
AGAINST = " others against "


@dataclass(frozen=True, slots=True)
class Figure:
    """One case at one place: a value for each round.  of: the values are counts out of so many."""

    case: str
    place: str
    values: tuple[float, ...]
    unit: str = ""
    better: Better = "less"
    of: int = 0

    @property
    def middle(self) -> float:
        return statistics.median(self.values)


def counted(case: str, place: str, count: int, of: int) -> Figure:
    """How many of all the requests."""
    return Figure(case, place, (float(count),), of=of)


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> tuple[float, ...]:
    """Pair by pair, as they were measured one after the other."""
    return tuple(a / b for a, b in zip(ours, theirs, strict=True))


def joined(known: Sequence[Figure], more: Iterable[Figure]) -> list[Figure]:
    """A case that was measured before goes on; others come after it."""
    found = {(figure.case, figure.place): figure for figure in known}
    for figure in more:
        former = found.get((figure.case, figure.place))
        found[figure.case, figure.place] = replace(figure, values=former.values + figure.values) if former else figure
    return list(found.values())


def growth(figures: Sequence[Figure], passes: int, begin: tuple[str, ...]) -> list[Figure]:
    """Pass by pass, the median with the most others around against that with the fewest; and what differs without any reason.

    The latter is the median with the fewest against that of the pass before: nothing but the machine lies between.
    """
    sized: dict[tuple[str, str], dict[int, tuple[float, ...]]] = {}
    for figure in figures:
        if (found := OTHERS.fullmatch(figure.case)) and figure.case.startswith(begin):
            sized.setdefault((found[1], figure.place), {})[int(found[2])] = _medians(figure.values, passes)
    made = []
    for (case, place), by_size in sized.items():
        few, many = min(by_size), max(by_size)
        if many > few:
            made.append(Figure(f"{case}, {many}{AGAINST}{few}", place, ratios(by_size[many], by_size[few]), "×", ""))
        again = ratios(by_size[few][1:], by_size[few][:-1])
        made.append(Figure(f"{case}, {few}{AGAINST}{few} a pass before", place, again, "×", ""))
    return made


def _medians(values: tuple[float, ...], passes: int) -> tuple[float, ...]:
    """Each pass has as many rounds."""
    size = len(values) // passes
    return tuple(statistics.median(values[at : at + size]) for at in range(0, size * passes, size))


def number(value: float) -> str:
    """Three digits that count, as a person would write them."""
    size = abs(value)
    if size >= 99.95 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2g}" if size < 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def cell(figure: Figure | None) -> str:
    """`62 (51 to 153)`: the median, and the least and the most where there were several rounds."""
    if figure is None:
        return "-"
    if figure.of:
        return f"{number(figure.middle)} of {figure.of:,}"
    spread = f" ({number(min(figure.values))} to {number(max(figure.values))})" if len(figure.values) > 1 else ""
    return number(figure.middle) + spread


def cases(figures: Iterable[Figure]) -> dict[str, dict[str, Figure]]:
    """Case by case, in the order of measuring, what each place had."""
    found: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        found.setdefault(figure.case, {})[figure.place] = figure
    return found


def share(figure: Figure) -> float:
    """What is compared: counts by how many they are out of."""
    return figure.middle / figure.of if figure.of else figure.middle


def beaten(figures: Iterable[Figure], ours: Sequence[str], peers: Sequence[str]) -> list[tuple[Figure, list[Figure]]]:
    """Each figure of a peer that is better than one of ours by more than the machine's noise, with those of ours."""
    lost = []
    for row in cases(figures).values():
        for peer in (row[name] for name in peers if name in row):
            worse = [row[name] for name in ours if name in row and _better(peer, row[name])]
            if worse:
                lost.append((peer, worse))
    return lost


def _better(one: Figure, other: Figure) -> bool:
    a, b = share(one), share(other)
    if one.better == "less":
        return a < b * (1 - MARGIN)
    return one.better == "more" and a > b * (1 + MARGIN)


def as_json(figure: Figure) -> dict[str, Any]:
    return {name: value for name, value in asdict(figure).items() if value or name in {"values", "better"}}


def from_json(data: dict[str, Any]) -> Figure:
    return Figure(**{**data, "values": tuple(data["values"])})
