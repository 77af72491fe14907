"""`make faults`: every fault in its long form, and a table of what was seen.  `--short` runs the form of `make test`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from tests.faults.catalogue import FAULTS, Fault

WORDS = {"passed": "holds", "failed": "FAILS", "open": "open", "skipped": "FAILS", "missing": "not yet"}
COLOURS = {"holds": "green", "FAILS": "bold red", "open": "yellow", "not yet": "dim"}
Lines = list[dict[str, Any]]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the short form of each")
    parser.add_argument("--json", type=Path, help="write the rows into this file too")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/reliability.md")
    parser.add_argument("-k", default="", help="only some, as pytest's -k: f13 or f21")
    asked = parser.parse_args(words)
    started = time.monotonic()
    lines, code = run(asked.k, short=asked.short)
    rows = table_rows(lines, everything=not asked.k)
    data = {
        "machine": machine(),
        "form": "short" if asked.short else "long",
        "seconds": round(time.monotonic() - started),
        "rows": rows,
    }
    if asked.json:
        asked.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(markdown(data)) if asked.markdown else show(data)
    return code


def run(chosen: str, *, short: bool) -> tuple[Lines, int]:
    """pytest as a process of its own, which writes a line a test."""
    with tempfile.TemporaryDirectory() as scratch:
        record, log = Path(scratch) / "rows", Path(scratch) / "log"
        env = {**os.environ, "CONFGEN_FAULTS": "short" if short else "full", "CONFGEN_FAULTS_RECORD": str(record)}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--timeout=3600",
            str(Path(__file__).parent),
            *(("-k", chosen) if chosen else ()),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: process.send_signal(signal.SIGTERM))
            follow(process, record)
        if process.returncode:
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
        return read(record), process.returncode


def follow(process: subprocess.Popen[bytes], record: Path) -> None:
    """Tells what was done last, while it goes on."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("the first fault", total=None)
        while process.poll() is None:
            lines = read(record)
            if lines:
                progress.update(task, description=f"{len(lines)} tests, last {lines[-1]['test'].rpartition('::')[2]}")
            time.sleep(0.2)


def read(record: Path) -> Lines:
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()] if record.exists() else []


def table_rows(lines: Lines, *, everything: bool) -> list[dict[str, str]]:
    """Each fault once, with a line for each of its tests."""
    by_fault: dict[str, Lines] = defaultdict(list)
    for line in lines:
        for fault in line["faults"]:
            by_fault[fault].append(line)
    return [_row(fault, by_fault[fault.name]) for fault in FAULTS if everything or by_fault[fault.name]]


def _row(fault: Fault, lines: Lines) -> dict[str, str]:
    verdicts = {WORDS[line["verdict"]] for line in lines} or {WORDS["missing"]}
    worst = next(word for word in ("FAILS", "open", "not yet", "holds") if word in verdicts)
    seen = "\n".join(_said(line) for line in lines) or fault.missing or "no test ran"
    return {"fault": fault.name, "injected": fault.injected, "expected": fault.expected, "seen": seen, "verdict": worst}


def _said(line: dict[str, Any]) -> str:
    prefix = f"{line['variant']}: " if line["variant"] else ""
    return prefix + ("; ".join(line["seen"]) if line["verdict"] == "passed" else line["why"])


def machine() -> str:
    done = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False)
    return f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Docker {done.stdout.strip()}, Python {platform.python_version()}"


def show(data: dict[str, Any]) -> None:
    table = Table(title=f"Faults, {data['form']} form, {data['seconds']} s; {data['machine']}", show_lines=True)
    for name in ("fault", "injected", "expected", "seen", "verdict"):
        table.add_column(name, overflow="fold", ratio={"seen": 5, "injected": 3, "expected": 3}.get(name))
    for row in data["rows"]:
        colour = COLOURS[row["verdict"]]
        table.add_row(row["fault"], row["injected"], row["expected"], Text(row["seen"]), Text(row["verdict"], style=colour))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def markdown(data: dict[str, Any]) -> str:
    head = f"{time.strftime('%Y-%m-%d')}; {data['machine']}; the {data['form']} form took {data['seconds'] // 60} min {data['seconds'] % 60} s.\n"
    lines = [head, "| fault | done | expected | seen | verdict |", "| --- | --- | --- | --- | --- |"]
    for row in data["rows"]:
        cells = [
            str(row[key]).replace("|", "\\|").replace("\n", "<br>")
            for key in ("fault", "injected", "expected", "seen", "verdict")
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
