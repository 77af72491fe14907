"""/healthz and /metrics of `confgen watch --listen`: two pages over plain HTTP, for an orchestrator and for Prometheus."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from confgen.errors import UsageError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

TEXT = "text/plain; charset=utf-8"
#: Requests at once.  Whoever can reach the port can keep connections open; more than these are closed at once.
_MOST = 16

#: A page: status, content type and body, made anew for each request.
Page = Callable[[], tuple[str, str, bytes]]


class _Handler(WSGIRequestHandler):
    #: Seconds in which a request has to come.
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the library gives it
        """No line a request: probes come every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, application: Callable[..., Iterable[bytes]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._places = threading.Semaphore(_MOST)
        super().__init__((host, port), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """As the library's, without its look-up of this machine's name, which may take seconds where DNS is slow."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: object, client_address: object) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nobody's mistake."""


def parse(listen: str) -> tuple[str, int]:
    """`9180`, `:9180`, `127.0.0.1:9180` or `[::]:9180` as host and port; port 0 is any that is free.  Raises UsageError."""
    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise UsageError(f"--listen {listen!r} names no port", "write an address and a port, as 127.0.0.1:9180 or :9180")
    return host.removeprefix("[").removesuffix("]") or "::", int(port)


def serve(listen: str, pages: dict[str, Page]) -> int:
    """Answers GET for the pages' paths in threads of its own, until the process ends; the port that it listens on.

    Raises UsageError when it cannot listen there.
    """

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        page = pages.get(environ["PATH_INFO"])
        if page is None:
            status, kind, body = "404 Not Found", TEXT, f"there are: {' '.join(pages)}\n".encode()
        elif environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            status, kind, body = "405 Method Not Allowed", TEXT, b"GET it\n"
        else:
            status, kind, body = page()
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    host, port = parse(listen)
    try:
        server = _Server(host, port, application)
    except OSError as error:
        if host != "::" or listen.startswith("["):
            raise _cannot(listen, error) from error
        try:  # no IPv6 on this machine
            server = _Server("0.0.0.0", port, application)  # noqa: S104  # every address is what was asked for
        except OSError:
            raise _cannot(listen, error) from error
    threading.Thread(target=server.serve_forever, daemon=True, name="confgen-endpoint").start()
    return server.server_port


def _cannot(listen: str, error: OSError) -> UsageError:
    return UsageError(
        f"confgen cannot listen on {listen}: {error.strerror}", "choose another --listen; something else may have that port"
    )
