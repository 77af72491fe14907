"""Two texts, line by line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Lines around a change.
_AROUND = 3
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One file of one proxy.  lines: a unified diff, empty where there is none."""

    seat: str
    path: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, seat: str, path: str, before: Path, after: str) -> Difference:
        """What `after` is against a file; a file that is not there, or holds no text, is taken for an empty one."""
        try:
            former = before.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            former = ""
        made = difflib.unified_diff(former.splitlines(), after.splitlines(), str(before), path, lineterm="", n=_AROUND)
        return cls(seat, path, tuple(made))


def show(found: Sequence[Difference]) -> None:
    """Each file with its lines; colours on a terminal alone."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for difference in found:
        if not difference.lines:
            console.print(Text(f"{difference.seat} {difference.path}: no difference"))
        for line in difference.lines:
            console.print(Text(line, style="bold" if line[:3] in ("+++", "---") else _STYLES.get(line[:1], "")))
