"""A real nginx of each version on loopback, started by our start script, with real little servers behind it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from confgen.apply import Applied, apply
from confgen.errors import TargetUnavailable
from confgen.model import Listener, Model, Pool, Route, Server
from confgen.problem import Problem
from confgen.proxies.nginx import NGINX
from confgen.proxies.proxy import Caps
from confgen.render import Candidate, Renderer, shipped
from confgen.settings import Frame
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from confgen.values import Address, Name, Port, parse_host, parse_path
from confgen.want import write
from tests.bed import natives
from tests.ports import free_port

VERSIONS = ("1.22", "1.26", "1.30")
START = shipped() / "nginx" / "start.sh"


def wait_for(what: Callable[[], object], seconds: float = 15.0) -> None:
    """Until it is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not so after {seconds} s: {what}"
        time.sleep(0.005)


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    """The native nginx commands by version, as "1.30"."""
    Path("/var/lib/nginx").mkdir(parents=True, exist_ok=True)  # where Debian's builds keep bodies that do not fit in memory
    return {n.name.removeprefix("nginx-"): Path(n.path) for n in natives.build() if n.name.startswith("nginx-")}


@dataclass(slots=True)
class Seen:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def server(self) -> str:
        return str(self.json()["server"])


class _Listener(ThreadingHTTPServer):
    """As many may wait as the kernel lets; a client that resets its connection is no news."""

    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Backend:
    """A server that says who it is and what it was asked; paths of its own make it misbehave."""

    def __init__(self, name: str, port: int = 0) -> None:
        self.name = name
        backend = self

        class Handler(_Handler):
            owner = backend

        self.http = _Listener(("127.0.0.1", port), Handler)
        self.port = int(self.http.server_address[1])
        self.requests = 0
        self.accepted = 0
        self.draining = False
        self.connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """As an app that was told to stop: no new connections, each open one ends with its next answer or when it is idle."""
        self.draining = True
        self.http.shutdown()
        self.http.server_close()
        wait_for(lambda: not self.connections)

    def close(self) -> None:
        """As a container that is killed: open connections go too.  Closing twice is no harm."""
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Backend

    def setup(self) -> None:
        super().setup()
        self.owner.accepted += 1
        self.owner.connections.add(self.connection)

    def finish(self) -> None:
        self.owner.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self.owner.requests += 1
        if self.headers.get("Upgrade", "").lower() == "websocket" and self.headers.get("Connection", "").lower() == "upgrade":
            self._websocket()
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        told = {
            "server": self.owner.name,
            "method": self.command,
            "path": self.path,
            "headers": [[k.lower(), v] for k, v in self.headers.items()],
            "body": body.decode("latin-1"),
        }
        text = json.dumps(told).encode()
        self.send_response(200)
        for name, value in self._extra():
            self.send_header(name, value)
        if "/stream" in self.path:
            self._stream()
            return
        self.send_header("Content-Length", str(len(text)))
        if self.owner.draining:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self) -> None:
        self.do_GET()

    def _extra(self) -> Iterator[tuple[str, str]]:
        if "/accel" in self.path:
            yield "X-Accel-Redirect", "/secret"
            yield "X-Accel-Limit-Rate", "200"
            yield "X-Accel-Expires", "60"
            yield "X-Accel-Charset", "koi8-r"
        if "/unbuffered" in self.path:
            yield "X-Accel-Buffering", "no"

    def _stream(self) -> None:
        """One event, and the next only after half a second: does the first arrive at once?"""
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        time.sleep(0.5)
        with contextlib.suppress(OSError):
            self.wfile.write(b"data: second\n\n")
        self.close_connection = True

    def _websocket(self) -> None:
        """RFC 6455's handshake, then every byte comes back."""
        key = self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key).digest()).decode())
        self.end_headers()
        with contextlib.suppress(OSError):
            while data := self.connection.recv(4096):
                self.connection.sendall(data)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Quiet."""


@dataclass
class Bench:
    """One nginx in one folder of its own."""

    version: str
    binary: Path
    folder: Path
    http_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)
    access_log: str = "text"
    shell: tuple[str, ...] = ("/bin/sh",)
    process: subprocess.Popen[bytes] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def target(self) -> ChannelTarget:
        return ChannelTarget(f"nginx {self.version}", Folder(self.folder / "shared"), PurePosixPath(self.folder / "shared"))

    @property
    def frame(self) -> Frame:
        return Frame(http_port=self.http_port, https_port=self.https_port, access_log=self.access_log, directory=self.target.view)

    def start(self) -> Bench:
        """As a container would: our start script is the command, nginx becomes the process."""
        path = self.folder / "path"
        path.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (path / "nginx").symlink_to(self.binary)
        environment = {
            "PATH": f"{path}:/usr/sbin:/usr/bin:/sbin:/bin",
            "CONFGEN_DIR": str(self.folder / "shared"),
            "CONFGEN_HTTP_PORT": str(self.http_port),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.shell, str(START)], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_for(lambda: self.running() or self.ended())
        assert not self.ended(), self.log.read_text()
        return self

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def running(self) -> str:
        try:
            return NGINX.running(self.target)
        except TargetUnavailable:
            return ""

    def stop(self, sign: int = signal.SIGQUIT) -> None:
        """And waits until it is gone; QUIT is what the official image is stopped with."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(15)
        self.process = None

    def caps(self) -> Caps:
        return NGINX.probe(self.target)

    def candidate(self, model: Model, caps: Caps | None = None) -> Candidate:
        caps = caps or self.caps()
        fitted, self.problems = NGINX.fit(model, caps)
        return write(fitted, NGINX, caps, self.frame, Renderer((), NGINX.filters))

    def serve(self, model: Model) -> Applied:
        return apply(self.candidate(model), NGINX, self.caps(), self.target, 5)

    def ask(
        self, host: str, path: str = "/", method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Seen:
        return ask(self.http_port, host, path, method, body, headers)

    def spread(self, host: str, times: int, path: Callable[[int], str] = lambda _: "/", **headers: str) -> Counter[str]:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        return Counter(self.ask(host, path(i), headers=named).server for i in range(times))


def ask(
    port: int, host: str, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> Seen:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Seen(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


# --- models, short to write


def server(name: str, port: int, address: str = "127.0.0.1", **more: object) -> Server:
    return Server(name=Name(name), address=Address(address), port=Port(port), **more)  # type: ignore[arg-type]


def pool(name: str, *servers: Server, **more: object) -> Pool:
    return Pool(name=Name(name), servers=servers, **more)  # type: ignore[arg-type]


def route(name: str, hosts: str = "", path: str = "/", to: str | None = None, **more: object) -> Route:
    found = tuple(sorted(parse_host(h) for h in hosts.split())) if hosts else ()
    return Route(name=Name(name), hosts=found, match=parse_path(path), pool=Name(to) if to else None, **more)  # type: ignore[arg-type]


def model(*parts: Route | Pool | Listener) -> Model:
    """Routes go to the HTTP listener."""
    routes = tuple(sorted((p for p in parts if isinstance(p, Route)), key=lambda r: r.name))
    listeners = [Listener(name=Name("http"), port=Port(80), routes=routes), *(p for p in parts if isinstance(p, Listener))]
    pools = sorted((p for p in parts if isinstance(p, Pool)), key=lambda p: p.name)
    return Model(tuple(sorted(listeners, key=lambda x: x.name)), tuple(pools))


def stream(protocol: str, port: int, to: str, **more: object) -> Listener:
    name = Name(f"{protocol}-{port}")
    return Listener(name=name, port=Port(port), protocol=protocol, routes=(Route(name=name, pool=Name(to), **more),))  # type: ignore[arg-type]


@pytest.fixture(params=VERSIONS)
def bench(request: pytest.FixtureRequest, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running nginx of each version."""
    yield from _bench(request.param, binaries, tmp_path_factory)


@pytest.fixture
def newest(binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running nginx of the newest version alone."""
    yield from _bench(VERSIONS[-1], binaries, tmp_path_factory)


def _bench(version: str, binaries: dict[str, Path], folders: pytest.TempPathFactory) -> Iterator[Bench]:
    # A unix socket's path has at most 107 bytes, so the folder's name is short; nginx's workers are no root and read in it.
    with tempfile.TemporaryDirectory(prefix="ngx") as folder:
        Path(folder).chmod(0o755)
        found = Bench(version, binaries[version], Path(folder))
        found.start()
        try:
            yield found
        finally:
            found.stop(signal.SIGKILL if found.ended() else signal.SIGTERM)


@pytest.fixture
def backends() -> Iterator[Callable[..., Backend]]:
    """Makes servers, and ends them after the test."""
    made: list[Backend] = []

    def make(name: str, port: int = 0) -> Backend:
        made.append(Backend(name, port))
        return made[-1]

    yield make
    for one in made:
        one.close()


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
