"""The examples of docs/templates.md: its files, their wrong versions, and what is said then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "templates.md"
PROXIES = ("nginx", "haproxy")
_FILE = re.compile(
    r"^\*\*(?P<wrong>wrong )?`(?P<path>[^`]+)`\*\*\n```\w+\n(?P<text>.*?)^```\n(?:```text\n(?P<said>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Wrong:
    """A file that is wrong, and each line of what is said about it."""

    path: str
    text: str
    said: tuple[str, ...]

    @property
    def proxies(self) -> tuple[str, ...]:
        return _proxies(self.path)


@dataclass(frozen=True)
class Example:
    """A chapter of the guide: files by path, and wrong versions."""

    title: str
    files: dict[str, str]
    wrong: tuple[Wrong, ...]

    def of(self, proxy: str) -> dict[str, str]:
        """Its templates and snippets."""
        return {path: text for path, text in self.files.items() if _proxies(path) == (proxy,)}

    @property
    def common(self) -> dict[str, str]:
        """What is for no proxy alone: settings, filters."""
        return {path: text for path, text in self.files.items() if _proxies(path) == PROXIES}

    def put(self, folder: Path, proxy: str) -> None:
        for path, text in {**self.common, **self.of(proxy)}.items():
            write(folder / path, text)


def _proxies(path: str) -> tuple[str, ...]:
    return tuple(name for name in PROXIES if name in path.split("/")) or PROXIES


def write(file: Path, text: str) -> None:
    """Readable by whoever confgen is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def compose_file() -> str:
    return next(m["text"] for m in _FILE.finditer(GUIDE.read_text()) if m["path"] == "compose.yaml")


def examples() -> list[Example]:
    found = []
    for chapter in re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[1:]:
        blocks = list(_FILE.finditer(chapter))
        if blocks:
            found.append(
                Example(
                    title=chapter.splitlines()[0],
                    files={m["path"]: m["text"] for m in blocks if not m["wrong"]},
                    wrong=tuple(Wrong(m["path"], m["text"], tuple(m["said"].splitlines())) for m in blocks if m["wrong"]),
                )
            )
    return found
