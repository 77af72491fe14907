"""A folder that nobody runs from here: the text is written as for a running proxy, and whoever wants it takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from confgen.errors import TargetUnavailable
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command


@dataclass(frozen=True, slots=True)
class FilesTarget:
    """Generations and the live link in a folder; there is no proxy to ask."""

    name: str
    folder: Folder

    @property
    def view(self) -> PurePosixPath:
        return PurePosixPath(self.folder.path)

    def run(self, command: Command, deadline: float) -> Answer:
        raise TargetUnavailable(
            f"{self.name} is a folder: {command.verb!r} can be asked of no one there", "name a container or a process"
        )

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        raise TargetUnavailable(f"{self.name} is a folder: nobody listens at {socket}", "name a container or a process")
