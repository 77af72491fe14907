"""What a test of a fault has seen, on its way to the table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_FIGURES: dict[str, list[str]] = {}


class Seen:
    """Collects the figures of one test."""

    def __init__(self, test: str) -> None:
        self._figures = _FIGURES.setdefault(test, [])

    def __call__(self, figure: str) -> None:
        self._figures.append(figure)


def write(path: Path, test: str, report: Any) -> None:
    """One JSON line a test of a fault."""
    function, _, variant = test.rpartition("::")[2].rstrip("]").partition("[")
    own = re.match(r"f([0-9]+)-(.*)", variant)  # a parameter may name its own fault
    faults = [own[1]] if own else re.findall(r"(?<=_)f([0-9]+)(?=_)", function)
    if not faults:
        return
    line = {
        "faults": [f"F{int(number)}" for number in faults],
        "test": test,
        "variant": own[2] if own else variant,
        "seen": _FIGURES.get(test, []),
        "verdict": "open" if getattr(report, "wasxfail", None) else report.outcome,
        "why": str(getattr(report, "wasxfail", "")).removeprefix("reason: ")
        or (str(report.longrepr).splitlines()[-1][:300] if report.failed else ""),
        "seconds": round(report.duration, 1),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
