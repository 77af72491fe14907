"""The last resort, opt-in: test and reload through the engine's exec, which needs write access to the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import docker
import docker.errors
import requests

from confgen.errors import TargetUnavailable
from confgen.targets.channel import talk
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command


@dataclass(frozen=True, slots=True)
class ExecTarget:
    """A proxy's container without the start script.  `container` is its id; nothing else in the engine is touched."""

    name: str
    folder: Folder
    view: PurePosixPath
    engine: str
    container: str

    def run(self, command: Command, deadline: float) -> Answer:
        try:
            client = docker.APIClient(base_url=self.engine or None, version="auto", timeout=max(1, round(deadline)))
            execution = client.exec_create(self.container, list(command.argv))
            output = client.exec_start(execution["Id"])
            code = client.exec_inspect(execution["Id"])["ExitCode"]
        except (docker.errors.DockerException, requests.RequestException, OSError, KeyError, ValueError) as error:
            raise TargetUnavailable(
                f"{self.name} cannot be asked through the engine's exec: {error}",
                "the engine (or the socket proxy before it) must allow POST .../exec, or use the start script instead",
            ) from error
        return Answer(int(code or 0), bytes(output).decode("utf-8", "replace"))

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        return talk(self.name, self.folder.run / socket, request, deadline)
