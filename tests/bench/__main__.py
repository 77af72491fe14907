"""`make bench`: confgen with nginx, confgen with HAProxy, Traefik, and Caddy for the way of the bytes, side by side."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bed import engine as bed_engine
from tests.bed import own, peers, tools
from tests.bed.shell import BedError
from tests.bench import engine, page, places
from tests.bench.figures import Figure, as_json, cases, cell, growth, joined
from tests.bench.measure import Measure
from tests.bench.measures import MEASURES
from tests.bench.scene import Scene, scene
from tests.e2e.stack import ROOT

Found = dict[str, list[Figure]]
#: How long the machine may take to come to rest, in seconds: from a load of 4 it takes two minutes.
PATIENCE = 180.0


def main(words: list[str]) -> int:
    asked = parsed(words)
    if asked.source:
        page.write(asked.source, MEASURES, asked.write or Path("docs"))
        return 0
    running = bed_engine.find()
    if running is None:
        sys.stderr.write("no engine answers; run `make bench`\n")
        return 1
    try:
        own.ensure(running)
        peers.ensure()
        tools.ensure_apt("wrk")
    except BedError as error:
        sys.stderr.write(f"tests.bench: {error}\n{error.hint}\n")
        return 1
    # An end asked for by `kill` cleans up as one by Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if asked.into and (why := foreign(asked.into)):
            sys.stderr.write(f"tests.bench: the former figures are of {why}: figures of two kinds do not go into one page\n")
            return 1
        data = _bench(asked)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    _keep(again(asked.into, data) if asked.into else data, asked)
    return 1 if data["missing"] else 0


def parsed(words: list[str]) -> argparse.Namespace:
    """What is asked for; ends the program where it makes no sense."""
    parser = _parser()
    asked = parser.parse_args(words)
    if asked.into and asked.only == tuple(MEASURES):
        parser.error("--into puts some measures into the figures of a former run: say which, with --only")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=tuple(MEASURES), help=f"some of: {','.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each measure, where it is not to decide itself")
    parser.add_argument("--others", type=int, default=200, help="at most so many other containers")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write benchmarks.md, .json and the charts into this folder")
    parser.add_argument(
        "--into",
        type=_former,
        metavar="JSON",
        help="with --only: these measures take the place of those in a former run's figures",
    )
    parser.add_argument(
        "--from", dest="source", type=_former, metavar="JSON", help="measure nothing: write the page of these figures"
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    unknown = [name for name in chosen if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: no such measure; there are {', '.join(MEASURES)}")
    return chosen


def _former(text: str) -> dict[str, Any]:
    """The figures of a run, as `--json` writes them."""
    try:
        data = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    if not isinstance(data, dict) or "measures" not in data:
        raise argparse.ArgumentTypeError(f"{text} has no figures of a run")
    return data


def _bench(asked: argparse.Namespace) -> dict[str, Any]:
    console = _console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        load, started = _quiet(progress), time.time()
        with scene(asked.rounds, progress) as made:
            found, missing = _all(made, asked.only, asked.others, console)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime(started)),
        "machine": machine(),
        "load": round(load, 2),
        "seconds": round(time.time() - started),
        "rounds": asked.rounds,
        "versions": places.versions(),
        "measures": {name: [as_json(figure) for figure in figures] for name, figures in found.items()},
        "missing": missing,
    }


def _quiet(progress: Progress) -> float:
    """The load once what was prepared for this run has passed; where others keep the machine busy, it is measured all the same."""
    task = progress.add_task("the machine comes to rest", total=None)
    given_up = time.monotonic() + PATIENCE
    while os.getloadavg()[0] >= page.BUSY and time.monotonic() < given_up:
        time.sleep(1)
    progress.remove_task(task)
    return os.getloadavg()[0]


def foreign(former: dict[str, Any]) -> str:
    """What else the former run had than this one would have; "" if it is the same machine with the same programs."""
    now = {"machine": machine(), "versions": places.versions()}
    return next((f"another {name.removesuffix('s')} ({former[name]})" for name in now if former[name] != now[name]), "")


def again(former: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The former run's figures with those of some measures that were run by themselves later, and when that was."""
    apart = {name: {key: data[key] for key in ("date", "load", "seconds")} for name in data["measures"]}
    left = {name: why for name, why in former["missing"].items() if name not in data["measures"]}
    return {
        **former,
        "measures": {**former["measures"], **data["measures"]},
        "missing": {**left, **data["missing"]},
        "again": {**former.get("again", {}), **apart},
    }


def _console() -> Console:
    """Tables keep their width where nobody looks at a terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = 200
    return console


def _all(made: Scene, only: tuple[str, ...], most: int, console: Console) -> tuple[Found, dict[str, str]]:
    """What was found, and what failed, and why."""
    found: Found = {name: [] for name in MEASURES if name in only}
    missing: dict[str, str] = {}
    for size, name in order({name: MEASURES[name] for name in found}, most):
        made.gather(size)
        part: list[Figure] = []
        try:
            part.extend(MEASURES[name].run(made, size))
        except (AssertionError, subprocess.SubprocessError) as error:
            missing[name] = f"with {size} others: {reason(error)}"
            console.print(f"{name}, with {size} others: {error}", style="red")
        if part:
            show(MEASURES[name].title, part, console)
        found[name] = joined(found[name], part)
    for name in (name for name in found if name not in missing):
        if more := growth(found[name], MEASURES[name].passes, MEASURES[name].grows):
            show(MEASURES[name].title, more, console)
            found[name] += more
    return found, missing


def reason(error: Exception) -> str:
    """The end of what was said, since a failed command begins with all its words; without this checkout's place."""
    return " ".join(str(error).replace(f"{ROOT}/", "").split())[-200:]


def order(measures: dict[str, Measure], most: int) -> list[tuple[int, str]]:
    """Which measure with how many others around, pass by pass; one that wants more than there may be is content with these.

    Few others come first, so that in each pass as few as possible come and go.
    """
    steps: list[tuple[int, str]] = []
    for number in range(max(measure.passes for measure in measures.values())):
        left = {name: measure.others for name, measure in measures.items() if measure.passes > number}
        steps += sorted(
            {(min(size, most), name): None for name, sizes in left.items() for size in sizes}, key=lambda pair: pair[0]
        )
    return steps


def machine() -> str:
    cpu = next((x for x in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if x.startswith("model name")), "")
    name = cpu.partition(":")[2].strip()
    return f"{os.cpu_count()} cores ({name or platform.machine()}), Linux {platform.release()}, Docker {engine.version()}, Python {platform.python_version()}"


def show(title: str, figures: list[Figure], console: Console) -> None:
    """A table for people, as soon as there is one."""
    names = list(dict.fromkeys(figure.place for figure in figures))
    table = Table("", *names, title=title, title_justify="left")
    for case, row in cases(figures).items():
        unit = next(iter(row.values())).unit
        table.add_row(f"{case}, {unit}" if unit else case, *(cell(row.get(name)) for name in names))
    console.print(table)


def _keep(data: dict[str, Any], asked: argparse.Namespace) -> None:
    text = json.dumps(data, indent=1) + "\n"
    for path in filter(None, (asked.json, asked.write and asked.write / "benchmarks.json")):
        path.write_text(text, encoding="utf-8")
    if asked.write:
        page.write(data, MEASURES, asked.write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
