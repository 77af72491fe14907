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
    """One JSON line a test."""
    found = re.search(r"::test_(f[0-9]+)", test)
    variant = re.search(r"\[(.*)\]$", test)
    line = {
        "fault": found[1].upper() if found else "",
        "test": test,
        "variant": variant[1] if variant else "",
        "seen": _FIGURES.get(test, []),
        "verdict": "open" if getattr(report, "wasxfail", None) else report.outcome,
        "why": getattr(report, "wasxfail", "") or (str(report.longrepr).splitlines()[-1][:300] if report.failed else ""),
        "seconds": round(report.duration, 1),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
