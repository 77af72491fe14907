"""Who may come in, as the real proxies see it: nginx and HAProxy of every version answer the same."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from confgen.model import Redirect
from confgen.values import Url, parse_ranges
from tests.integration import haproxy_bed, nginx_bed
from tests.integration.nginx_bed import Backend, backends, free_port, model, pool, route, server, stream  # noqa: F401 - fixtures

Make = Callable[..., Backend]
Bench = nginx_bed.Bench | haproxy_bed.Bench
VERSIONS = [*(f"nginx-{v}" for v in nginx_bed.VERSIONS), *(f"haproxy-{v}" for v in haproxy_bed.VERSIONS)]


@pytest.fixture(scope="module", params=VERSIONS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running proxy of each kind and version."""
    kind, _, version = request.param.partition("-")
    paths = {n.name: Path(n.path) for n in nginx_bed.natives.build()}
    binaries = {version: paths[request.param]} if request.param in paths else {}
    yield from nginx_bed._bench(version, binaries, tmp_path_factory) if kind == "nginx" else haproxy_bed._bench(version, binaries)


def status(bench: Bench, source: str, host: str, path: str = "/") -> int:
    """What a client with this address is answered."""
    to = "::1" if ":" in source else "127.0.0.1"
    connection = http.client.HTTPConnection(to, bench.http_port, timeout=10, source_address=(source, 0))
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def test_addresses(bench: Bench, backends: Make) -> None:
    ours, one, other = parse_ranges("127.0.0.2, ::1"), parse_ranges("127.0.0.3"), parse_ranges("127.0.0.0/8")
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route("a.adm", "a.test", "/admin", to="web", allow=ours, strip=True),
            route("a.bad", "a.test", "/bad", to="web", deny=one),
            route("a.both", "a.test", "/both", to="web", deny=one, allow=other),
            route("a.four", "a.test", "/four", to="web", allow=parse_ranges("0.0.0.0/0")),
            route("a.six", "a.test", "/six", to="web", allow=parse_ranges("::/0")),
            route("a.no6", "a.test", "/no6", to="web", deny=parse_ranges("::/0")),
            route(
                "a.many",
                "a.test",
                "/many",
                to="web",
                allow=parse_ranges(",".join(f"127.0.{n}.0/24" for n in range(1, 256)) + ",127.0.0.2"),
            ),
            pool("web", server("web", backends("web").port)),
        )
    )
    clients = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1")
    table = {
        "/": (200, 200, 200, 200), "/admin": (403, 200, 403, 200), "/admin/x": (403, 200, 403, 200), "/%61dmin": (403, 200, 403, 200),
        "//admin": (403, 200, 403, 200), "/x/../admin": (400, 400, 400, 400), "/x/..%2fadmin": (400, 400, 400, 400),
        "/bad": (200, 200, 403, 200), "/both": (200, 200, 403, 403), "/four": (200, 200, 200, 403), "/six": (403, 403, 403, 200),
        "/no6": (200, 200, 200, 403), "/many": (403, 200, 403, 403),
    }  # fmt: skip
    assert {path: tuple(status(bench, c, "a.test", path) for c in clients) for path in table} == table


def test_a_redirect_is_for_those_who_may_come_in_or_for_nobody(bench: Bench) -> None:
    allow = parse_ranges("127.0.0.2")
    bench.serve(model(route("old", "old.test", redirect=Redirect(Url("https://new.test/"), 308), allow=allow)))
    answers = [status(bench, client, "old.test") for client in ("127.0.0.1", "127.0.0.2")]
    if isinstance(bench, haproxy_bed.Bench):
        assert answers == [403, 308]
    else:
        assert answers == [503, 503]
        assert "HAProxy" in bench.problems[0].hint


def test_a_port(bench: Bench) -> None:
    """The proxy takes the connection and gives it up; it never reaches the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = free_port()
        bench.serve(
            model(
                pool("db", server("db", listener.getsockname()[1]), protocol="tcp"),
                stream("tcp", port, "db", allow=parse_ranges("127.0.0.2, 127.0.0.3"), deny=parse_ranges("127.0.0.3")),
            )
        )
        for source in ("127.0.0.1", "127.0.0.3"):
            with (
                contextlib.suppress(ConnectionResetError),
                socket.create_connection(("127.0.0.1", port), 5, (source, 0)) as client,
            ):
                assert client.recv(1) == b""
        with socket.create_connection(("127.0.0.1", port), 5, ("127.0.0.2", 0)) as client:
            client.sendall(b"x")
            listener.settimeout(5)
            served, _ = listener.accept()
            with served:
                served.settimeout(5)
                assert served.recv(1) == b"x"
