"""`python -m tests.fuzz --seconds 300`: any labels through the line, and the texts through the real programs."""

from __future__ import annotations

import json
import secrets
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table

from tests.fuzz import run
from tests.fuzz.line import Tally

#: Shares of the time: labels through the line; the real programs.
LABELS, PROGRAMS = 0.5, 0.5
#: Failures that are made small and shown.
SHOWN = 5


@click.command(help=__doc__)
@click.option("--seconds", default=300.0, show_default=True, help="How long, about.")
@click.option("--seed", default="", help="Makes the same worlds again; by chance where not given.")
@click.option("--world", type=int, help="Only this one of them, through the line, made small if it fails.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the counts to this file too.")
def main(seconds: float, seed: str, world: int | None, file: Path | None) -> None:
    seed = seed or secrets.token_hex(4)
    console = Console(width=None if sys.stdout.isatty() else 120)
    if world is not None:
        sys.exit(_again(console, seed, world))
    console.print(f"seed {seed}")
    started = time.monotonic()
    with console.status("starting") as status:
        said = run.labels(seed, seconds * LABELS, lambda tally: _line(status, tally, time.monotonic() - started))
        took = time.monotonic() - started
        programs = run.programs(seed, seconds * PROGRAMS, lambda title, _: status.update(f"programs: {title}"))
    _table(console, "Labels through the line", _summary(said, took))
    _table(console, "Texts through the real programs", dict(sorted(programs.counts.items())))
    if file:
        counts = {
            "seed": seed,
            "seconds": round(time.monotonic() - started, 1),
            "differences": len(said.failures + programs.failures),
        }
        file.write_text(json.dumps({**counts, "labels": _summary(said, took), "programs": programs.counts}, indent=2) + "\n")
    sys.exit(_failed(console, seed, said, programs))


def _line(status: Status, tally: Tally, seconds: float) -> None:
    rate = tally.counts["labels"] / seconds
    status.update(f"labels: {tally.counts['labels']:,} texts, {rate:,.0f} a second, {len(tally.failures)} differences")


def _summary(tally: Tally, seconds: float) -> dict[str, float]:
    counts = tally.counts
    shown = ("labels", "accepted", "with control or non-ASCII characters", "worlds")
    sides = tuple(f"{name} {what}" for name in ("nginx", "haproxy") for what in ("texts", "bytes", "routes", "problems"))
    kinds = sorted(key for key in counts if key.startswith("key "))
    few = {"kinds of labels": len(kinds), "fewest of a kind": min((counts[key] for key in kinds), default=0)}
    rate = {"labels a second": round(counts["labels"] / seconds), "seconds": round(seconds)}
    return {
        **{name: counts[name] for name in shown},
        **few,
        **{n: counts[n] for n in sides},
        **rate,
        "differences": len(tally.failures),
    }


def _table(console: Console, title: str, rows: dict[str, float]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)


def _failed(console: Console, seed: str, said: Tally, programs: Tally) -> int:
    for number, message in said.failures[:SHOWN]:
        console.print(f"again with: --seed {seed} --world {number}: {message}", markup=False, highlight=False, style="red")
        console.print("\n".join(run.reproduced(seed, number)), markup=False, highlight=False)
    for _, message in programs.failures[:SHOWN]:
        console.print(message, markup=False, highlight=False, style="red")
    return 1 if said.failures or programs.failures else 0


def _again(console: Console, seed: str, world: int) -> int:
    wrong = run.reproduced(seed, world)
    console.print("\n".join(wrong) or f"nothing is wrong with world {seed}/{world}", markup=False, highlight=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
