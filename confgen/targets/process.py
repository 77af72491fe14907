"""A proxy that runs on this machine without the start script: its programs are run directly."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath

from confgen.errors import TargetUnavailable
from confgen.targets.channel import talk
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command


@dataclass(frozen=True, slots=True)
class ProcessTarget:
    """A local nginx or HAProxy, started by whoever likes, with `-c`/`-f` <folder>/live/<main file>.

    within: a program, with its arguments, that runs the proxy's.
    """

    name: str
    folder: Folder
    within: tuple[str, ...] = ()

    @property
    def view(self) -> PurePosixPath:
        return PurePosixPath(self.folder.path)

    def run(self, command: Command, deadline: float) -> Answer:
        try:
            done = subprocess.run(  # noqa: S603 - argv comes from our own proxies/, never from a label
                (*self.within, *command.argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=deadline,
                check=False,
            )
        except FileNotFoundError as error:
            raise TargetUnavailable(
                f"{command.argv[0]} is not installed here", "install it, or name the container with --target"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TargetUnavailable(f"{' '.join(command.argv)} did not end: {error}", "look at the proxy's log") from error
        return Answer(done.returncode, done.stdout.decode("utf-8", "replace"))

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        return talk(self.name, self.folder.run / socket, request, deadline)
