"""The same model gives the same answers on both proxies, for whatever a client may write into a request."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from confgen import values
from confgen.model import Model, Redirect, ServerState
from confgen.values import Url
from tests.integration import haproxy_bed, nginx_bed
from tests.integration.nginx_bed import Backend, backends, model, pool, route, server  # noqa: F401 - the fixtures

Make = Callable[..., Backend]


@dataclass
class Pair:
    """An nginx and a HAProxy that serve the same model."""

    nginx: nginx_bed.Bench
    haproxy: haproxy_bed.Bench

    def serve(self, model: Model) -> None:
        self.nginx.serve(model)
        self.haproxy.serve(model)

    def answers(self, request: bytes) -> tuple[object, object]:
        return said(self.nginx.http_port, request), said(self.haproxy.http_port, request)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    nginxes = nginx_bed.natives.build()
    paths = {native.name: Path(native.path) for native in nginxes}
    for_nginx = nginx_bed._bench("1.30", {"1.30": paths["nginx-1.30"]}, tmp_path_factory)
    for_haproxy = haproxy_bed._bench("3.2", {"3.2": paths["haproxy-3.2"]})
    yield Pair(next(for_nginx), next(for_haproxy))
    for generator in (for_nginx, for_haproxy):
        generator.close()


def said(port: int, request: bytes) -> object:
    """The status, and of an answer from a server which it was and which path it saw; of a redirect where to."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(request)
        got = b""
        try:
            while part := client.recv(65536):
                got += part
        except ConnectionResetError:
            pass
    status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/") else 0
    server = re.search(rb'"server": "([^"]*)"', got)
    path = re.search(rb'"path": "([^"]*)"', got)
    location = re.search(rb"(?im)^location: (\S*)", got)
    return status, server and server[1], path and path[1], location and location[1]


HOSTS = ("a.test", "A.Test", "a.test.", "a.test:81", "b.a.test", "c.b.a.test", "x.wild.test", "y.x.wild.test", "wild.test",
         "deep.x.wild.test", "only.test", "unknown.test", "", ".wild.test", "127.0.0.1", "[::1]:80", "shut.test", "down.test",
         "old.test")  # fmt: skip

PATHS = (
    "/", "/api", "/api/", "/api/x", "/apix", "/api?q=1", "/api/?q=/../x", "/API", "//api", "/api//x", "/./api", "/x/../api",
    "/api/../x", "/api/..", "/api/.", "/%61pi", "/ap%69/", "/api%2fx", "/api%2Fx", "/x/..%2fapi", "/x/%2e%2e/api", "/api%3fx",
    "/../api", "/..", "/../../x", "/..api", "/api;x", "/api%00", "/%zz", "/%2", "/api%20x", "/api/%C3%A9", "/caf%c3%a9",
    "/caf%C3%A9/x", "/it's%20(1)!", "/it%27s%20%281%29%21/x", "/it's+(1)!", "/one", "/one/", "/one?x=%zz", "/%6fne", "/strip",
    "/strip/", "/strip/a/b?c=d", "/strip/a%2fb", "/strip//a", "/moved", "/moved/", "/moved/x?y", "/flat/x", "/exact", "/exact?q",
    "/api/deeper", "/api/deeper/x", "/api/deep", "/%252e%252e/api", "/x%2f..%2fapi", "/a%5cb", "/api%", "/@scope%2fname",
    "/%40scope/name", "/@scope/name",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(pair: Pair) -> Iterator[Pair]:
    """A table in which every kind of route stands beside its neighbours."""
    servers = {name: Backend(name) for name in ("web", "api", "deep", "one", "wild", "deepwild", "cafe", "its")}
    pair.serve(
        model(
            route("a.web", "a.test b.a.test", to="web"),
            route("a.api", "a.test", "/api", to="api"),
            route("a.deep", "a.test", "/api/deeper", to="deep"),
            route("a.one", "a.test", "=/one", to="one"),
            route("a.cafe", "a.test", "/caf%C3%A9", to="cafe"),
            route("a.its", "a.test", "/it's%20(1)!", to="its"),
            route("a.scope", "a.test", "/@scope", to="its"),
            route("a.strip", "a.test", "/strip", to="api", strip=True),
            route("a.moved", "a.test", "/moved", to="api", rewrite=values.Path("/to/here")),
            route("a.flat", "a.test", "/flat", to="api", rewrite=values.Path("/")),
            route("a.exact", "a.test", "=/exact", to="api", rewrite=values.Path("/else")),
            route("w.wild", "*.wild.test", to="wild"),
            route("w.deep", "*.x.wild.test", "/api", to="deepwild"),
            route("w.exact", "deep.x.wild.test", "/api", to="one"),
            route("o.only", "only.test", "/api", to="api"),
            route("s.shut", "shut.test", withheld="auth.basic: unknown"),
            route("d.down", "down.test", to="down"),
            route("r.old", "old.test", redirect=Redirect(Url("https://new.test/a%20b?c=d"), 302)),
            *(pool(name, server(name, backend.port)) for name, backend in servers.items()),
            pool("down", server("down", 1, state=ServerState.DOWN)),
        )
    )
    yield pair
    for backend in servers.values():
        backend.close()


def _request(host: str, path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def test_every_host_at_the_root(served: Pair) -> None:
    requests = {host: served.answers(_request(host, "/api/x")) for host in HOSTS}
    assert {host: found for host, found in requests.items() if found[0] != found[1]} == {}


def test_every_path(served: Pair) -> None:
    requests = {(host, path): served.answers(_request(host, path)) for host in ("a.test", "x.wild.test") for path in PATHS}
    assert {asked: found for asked, found in requests.items() if found[0] != found[1]} == {}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\nConnection: close\r\n\r\n",
        b"GET http://a.test/api HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        b"GET http://a.test HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        b"OPTIONS /api HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nConnection: close\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        b"PUT /api HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nHo st: b\r\nConnection: close\r\n\r\n",
    ],
)
def test_odd_requests(served: Pair, request_: bytes) -> None:
    nginx, haproxy = served.answers(request_)
    assert nginx == haproxy
