"""A real HAProxy of each version on loopback, started by our start script, with real little servers behind it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pytest

from confgen.apply import Applied, apply
from confgen.errors import TargetUnavailable
from confgen.model import Model
from confgen.problem import Problem
from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.proxy import Caps
from confgen.render import Candidate, Renderer, shipped
from confgen.settings import Frame
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from confgen.values import Port
from confgen.want import write
from tests.bed import natives
from tests.integration.nginx_bed import Seen, ask, free_port, wait_for

VERSIONS = ("2.6", "3.0", "3.2", "3.4")
START = shipped() / "haproxy" / "start.sh"


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    """The native haproxy commands by version, as "3.2"; an experimental one may be missing."""
    return {n.name.removeprefix("haproxy-"): Path(n.path) for n in natives.build() if n.name.startswith("haproxy-")}


@dataclass
class Bench:
    """One HAProxy in one folder of its own."""

    version: str
    binary: Path
    folder: Path
    http_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)
    access_log: str = "text"
    process: subprocess.Popen[bytes] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def target(self) -> ChannelTarget:
        return ChannelTarget(f"haproxy {self.version}", Folder(self.shared), PurePosixPath(self.shared))

    @property
    def frame(self) -> Frame:
        return Frame(http_port=self.http_port, https_port=self.https_port, access_log=self.access_log, directory=self.target.view)

    def start(self) -> Bench:
        """As a container would: our start script is the command, HAProxy becomes the process."""
        path = self.folder / "path"
        path.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (path / "haproxy").symlink_to(self.binary)
        environment = {
            "PATH": f"{path}:/usr/sbin:/usr/bin:/sbin:/bin",
            "CONFGEN_DIR": str(self.shared),
            "CONFGEN_HTTP_PORT": str(self.http_port),
            "SECRET": "must not be seen",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", str(START)], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_for(lambda: self.running() or self.ended())
        assert not self.ended(), self.log.read_text()
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def running(self) -> str:
        try:
            return HAPROXY.running(self.target)
        except TargetUnavailable:
            return ""

    def stop(self, sign: int = signal.SIGUSR1) -> None:
        """And waits until it is gone; USR1 is what the official image is stopped with."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(15)
        self.process = None

    def caps(self) -> Caps:
        return HAPROXY.probe(self.target)

    def candidate(self, model: Model, caps: Caps | None = None) -> Candidate:
        caps = caps or self.caps()
        fitted, self.problems = HAPROXY.fit(on_port(model, self.http_port), caps)
        return write(fitted, HAPROXY, caps, self.frame, Renderer((), HAPROXY.filters))

    def serve(self, model: Model) -> Applied:
        caps = self.caps()
        return apply(self.candidate(model, caps), HAPROXY, caps, self.target, 5)

    def ask(
        self, host: str, path: str = "/", method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Seen:
        return ask(self.http_port, host, path, method, body, headers)

    def spread(self, host: str, times: int, path: Callable[[int], str] = lambda _: "/", **headers: str) -> Counter[str]:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        return Counter(self.ask(host, path(i), headers=named).server for i in range(times))


def on_port(model: Model, port: int) -> Model:
    """The model with its HTTP listener on another port."""
    return replace(model, listeners=tuple(replace(x, port=Port(port)) if x.protocol == "http" else x for x in model.listeners))


@pytest.fixture(params=VERSIONS)
def bench(request: pytest.FixtureRequest, binaries: dict[str, Path]) -> Iterator[Bench]:
    """A running HAProxy of each version."""
    yield from _bench(request.param, binaries)


@pytest.fixture
def newest(binaries: dict[str, Path]) -> Iterator[Bench]:
    """A running HAProxy of the newest stable version alone."""
    yield from _bench("3.2", binaries)


def _bench(version: str, binaries: dict[str, Path]) -> Iterator[Bench]:
    if version not in binaries:
        pytest.skip(f"HAProxy {version} is not to be had here")
    # The master's socket is bound under a longer name first, and a unix socket's path has at most 107 bytes: a short folder.
    with tempfile.TemporaryDirectory(prefix="hap") as folder:
        found = Bench(version, binaries[version], Path(folder))
        found.start()
        try:
            yield found
        finally:
            found.stop(signal.SIGTERM)
