"""A compose project of a test on the real engine, and requests to what it serves."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bed import own
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
#: The longest that the proxy may take to follow; what it really takes is measured by `make bench`.
DEADLINE = 15.0
#: How long a container that is gone may still count as one on its network, in seconds.
LEAVING = 3.0
#: The engine will not remove a network.
_OCCUPIED = re.compile(r"network (\S+) (?:id \S+ )?has active endpoints")


def docker(*words: str, check: bool = True, env: dict[str, str] | None = None, timeout: float = 120, merged: bool = False) -> str:
    """One command of the engine's client; its stdout (`merged`: stderr too).  A failure shows what it said."""
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}, timeout=timeout
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr or done.stdout}"
    return (done.stdout + done.stderr if merged else done.stdout).strip()


def engine_socket() -> str:
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


def _on(network: str) -> bool:
    """Whether any container is."""
    return docker("network", "inspect", "--format", "{{len .Containers}}", network) != "0"


@dataclass(frozen=True)
class Response:
    """status 0: nobody answered; body then says why."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def hostname(self) -> str:
        """Which container answered, as whoami tells it."""
        return next((line.removeprefix("Hostname: ") for line in self.body.splitlines() if line.startswith("Hostname: ")), "")


def get(
    port: int,
    host: str,
    path: str = "/",
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """One request over a connection of its own, to a published port on this machine; with `tls` the host has to prove its name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            if tls:
                connection.sock = tls.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout), server_hostname=host)
            connection.request("GET", path, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            body = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return Response(0, repr(error))
        return Response(answer.status, body, {k.lower(): v for k, v in answer.getheaders()})


def until(true: Callable[[], Any], what: str | Callable[[], str], deadline: float = DEADLINE, pause: float = 0.01) -> float:
    """Waits for the thing itself; how many seconds it took. `what` may be a function, to say how it stands when time is up."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started >= deadline:
            raise AssertionError(f"after {deadline:g} s still not: {what() if callable(what) else what}")
        time.sleep(pause)
    return time.monotonic() - started


def steadily(true: Callable[[], bool], what: str) -> None:
    """Waits until it has been true for 0.3 s: in a reload old workers answer beside the new ones for about 105 ms."""
    since = [time.monotonic()]

    def held() -> bool:
        if not true():
            since[0] = time.monotonic()
        return time.monotonic() - since[0] > 0.3

    until(held, what)


@dataclass
class Stack:
    """One compose project, from a compose file, with a port of its own on 127.0.0.1."""

    file: Path
    port: int
    name: str
    env: dict[str, str]
    #: Further compose files, merged over the first.
    files: list[Path] = field(default_factory=list)

    def compose(self, *words: str, check: bool = True) -> str:
        files = [word for file in (self.file, *self.files) for word in ("-f", str(file))]
        return docker("compose", "-p", self.name, *files, *words, check=check, env=self.env)

    def get(self, host: str, path: str = "/", **options: Any) -> Response:
        return get(self.port, host, path, **options)

    def container(self, service: str, number: int = 1) -> str:
        return f"{self.name}-{service}-{number}"

    @property
    def network(self) -> str:
        return f"{self.name}_default"

    def run(self, name: str, *options: str, image: str = "confgen-test/whoami", command: tuple[str, ...] = ()) -> str:
        """A container beside the project's own, on its network; its full name."""
        full = f"{self.name}-{name}"
        docker(
            "run",
            "-d",
            "--name",
            full,
            "--hostname",
            name,
            "--label",
            f"cgtest={self.name}",
            "--network",
            self.network,
            *options,
            image,
            *command,
        )
        return full

    def confgen(self, *words: str, check: bool = False) -> str:
        """A confgen command in the companion container."""
        return self.compose("exec", "-T", "confgen", "confgen", *words, check=check)

    def serves(self, host: str, path: str = "/", status: int = 200) -> float:
        """Waits until the host is answered with that status."""
        return until(
            lambda: self.get(host, path).status == status,
            lambda: f"{status} for {host}{path} (now {self.get(host, path)}); log: {self.log()[-4000:]}",
        )

    def hostnames(self, host: str, requests: int = 12) -> set[str]:
        """Which containers answer."""
        return {self.get(host).hostname for _ in range(requests)}

    def server_state(self, container: str) -> str:
        """What `status` says of a container's server, once the running proxy serves just that; "" if it has none."""
        proxies = json.loads(self.confgen("status", "--json") or '{"proxies": []}')["proxies"]
        servers = [s for p in proxies if p["right"] for pool in p["model"].get("pools", ()) for s in pool["servers"]]
        return next((str(s.get("state", "ready")) for s in servers if s["name"] == container), "")

    def log(self) -> str:
        return docker("logs", self.container("confgen"), check=False, merged=True)

    def generation(self, directory: str) -> str:
        return docker("exec", self.container("proxy"), "readlink", f"{directory}/live").rpartition("/")[2]

    def inspect(self, container: str) -> Any:
        return json.loads(docker("inspect", container))[0]

    def remove(self) -> None:
        left = docker("ps", "-aq", "--filter", f"label=cgtest={self.name}").split()
        if left:
            docker("rm", "-f", "-v", *left)
        given_up = time.monotonic() + LEAVING
        while kept := self._down():
            if time.monotonic() >= given_up:
                assert not (there := [name for name in kept if _on(name)]), (
                    f"somebody is on {', '.join(there)}: {self.name} cannot be removed"
                )
                sys.stderr.write(
                    f"the engine keeps {', '.join(kept)}, where nobody is any more, until it is restarted (moby#43286)\n"
                )
                return

    def _down(self) -> list[str]:
        """The networks that the engine keeps, since it counts endpoints on them."""
        try:
            self.compose("down", "-v", "--remove-orphans", "-t", "1")
        except AssertionError as error:
            if not (kept := _OCCUPIED.findall(str(error))):
                raise
            return list(dict.fromkeys(kept))
        return []


@contextlib.contextmanager
def stack(file: Path, *up: str, env: dict[str, str] | None = None, files: tuple[Path, ...] = ()) -> Iterator[Stack]:
    """The project, up; gone afterwards with its volumes and all that was run beside it.  files: merged over the first."""
    port = free_port()
    settings = {
        "HTTP_PORT": str(port),
        "DOCKER_SOCKET": engine_socket(),
        "DOCKER_GID": str(os.stat(engine_socket()).st_gid),
        "CONFGEN_IMAGE": own.tag(),
        "COMPOSE_PROGRESS": "quiet",
        **(env or {}),
    }
    made = Stack(file, port, f"cgt{secrets.token_hex(3)}", settings, list(files))
    try:
        made.compose("up", "-d", "--no-build", *up)
        yield made
    finally:
        made.remove()
