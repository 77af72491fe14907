"""Where a proxy runs: the only hands that confgen has there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from confgen.targets.folder import Folder


@dataclass(frozen=True, slots=True)
class Command:
    """Something to be done in the proxy's own world.

    verb, argument: as the start script knows it ("test", "<generation>"); argv: as a program to run, where there is no
    start script (a local process, exec through the engine).  soonest: seconds within which no answer is to be expected.
    """

    verb: str
    argument: str
    argv: tuple[str, ...]
    soonest: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said: its exit code, and stdout and stderr together."""

    code: int
    output: str


class Target(Protocol):
    """A running proxy's place in the world."""

    @property
    def name(self) -> str:
        """For people: "container shop-proxy-1"."""

    @property
    def folder(self) -> Folder:
        """The proxy's shared folder, as confgen sees it."""

    @property
    def view(self) -> PurePosixPath:
        """The same folder, as the proxy sees it."""

    def run(self, command: Command, deadline: float) -> Answer:
        """Runs one command there; raises TargetUnavailable when nobody answers within `deadline` seconds."""

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        """Sends `request` to the unix socket run/<socket> of the folder, shuts down the writing side, reads to the end.

        Raises TargetUnavailable when nobody listens, or the answer is not whole within `deadline` seconds.
        """
