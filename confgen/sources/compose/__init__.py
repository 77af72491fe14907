"""Compose files as a source: what would run, read from the files alone (compose-spec.io)."""

from __future__ import annotations

from pathlib import Path

from confgen.sources.compose.project import load
from confgen.sources.compose.services import instances
from confgen.state import Instance


def read(files: tuple[Path, ...], prefix: str = "confgen") -> list[Instance]:
    """The services of one project from its files, merged in order.  Raises BadInput with the file, and the line where known.

    prefix: of labels that are ours, for what is told of them.
    """
    return instances(load(files), prefix)
