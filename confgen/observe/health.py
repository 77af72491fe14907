"""The companion's health, in a small file that `confgen health` reads: no port, no privilege, nothing to hang on.

Times are of the kernel's monotonic clock, which every process of a machine shares and which nobody can set.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from confgen.errors import BadVolume
from confgen.report import Report
from confgen.targets.folder import Folder

FILE = "health.json"


def folders(directory: Path) -> list[Folder]:
    """The shared folder, or where several proxies have one each, those."""
    below = sorted(path.parent for path in directory.glob("*/generations"))
    return [Folder(path) for path in (below if below and not (directory / "generations").is_dir() else [directory])]


class Pulse:
    """Writes down that a turn was done, and how it went; only when something changed or some seconds have passed."""

    def __init__(self, directory: Path, every: float = 5.0) -> None:
        self._directory = directory
        self._every = every
        self._last: tuple[float, object] = (0.0, None)

    def tell(self, report: Report) -> None:
        right = {seat.seat: seat.error.message if seat.error else "" for seat in report.seats}
        right |= {f"output {output.name}": output.error.message for output in report.outputs if output.error}
        now = time.monotonic()
        said = (right, report.stale)
        if self._last[1] == said and now - self._last[0] < self._every:
            return
        self._last = (now, said)
        data = {"monotonic": now, "stale": report.stale, "seats": right, "pid": os.getpid()}
        for folder in folders(self._directory):
            _put(folder, json.dumps(data).encode())


def _put(folder: Folder, content: bytes) -> None:
    """On a full disk what was said before goes: it is no longer true, and its room may be all there is."""
    try:
        folder.remember(FILE, content)
    except BadVolume:  # told where the generation could not be written
        with suppress(BadVolume):
            folder.forget(FILE)
            folder.remember(FILE, content)


def ailments(directory: Path, longest: float) -> list[str]:
    """What is wrong, in words; empty when the last look is fresher than `longest` seconds and every proxy is right."""
    try:
        data = json.loads(next(filter(None, (folder.recall(FILE) for folder in folders(directory))), b""))
        age = time.monotonic() - float(data["monotonic"])
        seats: dict[str, str] = dict(data["seats"])
        stale = [str(source) for source in data["stale"]]
    except (OSError, ValueError, KeyError, TypeError):
        return [
            f"there is no sign of life in {directory / FILE}: is `confgen watch` running with this folder, and is there room in it?"
        ]
    found = [f"the last look is {age:.0f} s old"] if not 0 <= age <= longest else []
    found += [f"source {source} does not answer" for source in stale]
    return found + [f"{seat}: {message}" for seat, message in seats.items() if message]
