"""What fails to connect is tried elsewhere, whatever chooses the server; what a server may have done is not done twice."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from confgen.model import ServerState
from confgen.values import Balance, Duration, Name, Sticky
from tests.integration.haproxy_bed import Bench, bench, binaries, newest  # noqa: F401 - the fixtures
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    backends,
    free_port,
    model,
    pool,
    route,
    server,
    wait_for,
)

Make = Callable[..., Backend]

CHOICES: dict[str, dict[str, object]] = {
    **{kind: {"balance": Balance(kind)} for kind in ("roundrobin", "leastconn", "source", "random", "uri", "first")},
    "header": {"balance": Balance("header", Name("X-User"))},
    "cookie": {"balance": Balance("cookie", Name("user"))},
    "sticky-source": {"sticky": Sticky("source")},
    "sticky-cookie": {"sticky": Sticky("cookie", Name("sid"))},
}


def test_a_dead_server_is_passed_over_whatever_chooses(bench: Bench, backends: Make) -> None:
    live, dying = backends("live"), backends("dying")
    pools = [pool(kind, server("dying", dying.port), server("live", live.port), **how) for kind, how in CHOICES.items()]
    bench.serve(model(*(route(f"a.{kind}", f"{kind}.test", to=kind) for kind in CHOICES), *pools))
    stuck = [
        seen.headers["set-cookie"].split(";")[0]
        for seen in (bench.ask("sticky-cookie.test") for _ in range(6))
        if seen.server == "dying"
    ]
    assert stuck
    dying.close()
    started = time.monotonic()
    for kind in CHOICES:
        for number in range(8):
            headers = {"X-User": f"u{number}", "Cookie": f"user=u{number}; {stuck[0]}"}
            for method in ("GET", "POST"):
                seen = bench.ask(f"{kind}.test", f"/{number}", method, b"x" if method == "POST" else None, headers)
                assert (seen.status, seen.server) == (200, "live"), (kind, number, method)
    assert time.monotonic() - started < 10, "refused connections cost next to nothing"


class Rude:
    """A server that reads the request and goes away without a word."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client:
                    if asked := client.recv(65536):
                        self.requests.append(asked)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(5)


@pytest.fixture
def rude() -> Iterator[Rude]:
    made = Rude()
    yield made
    made.close()


def test_a_post_is_sent_once_and_a_get_again(bench: Bench, backends: Make, rude: Rude) -> None:
    bench.serve(
        model(route("a.web", "a.test", to="p"), pool("p", server("a-rude", rude.port), server("b-live", backends("live").port)))
    )
    assert {bench.ask("a.test").server for _ in range(6)} == {"live"}
    asked = len(rude.requests)
    assert asked
    statuses = [bench.ask("a.test", method="POST", body=b"buy").status for _ in range(6)]
    assert sorted(set(statuses)) == [200, 502]
    assert statuses.count(502) == len(rude.requests) - asked, "each that was refused was sent once, and to one server"


def test_a_silent_server_costs_its_timeout_and_no_second_request(newest: Bench, backends: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        newest.serve(
            model(
                route("a.web", "a.test", to="p", read=Duration(300)),
                pool("p", server("a-silent", silent.getsockname()[1]), server("b-live", backends("live").port)),
            )
        )
        started = time.monotonic()
        statuses = sorted({newest.ask("a.test").status for _ in range(2)})
        assert statuses == [200, 504]
        assert 0.25 < time.monotonic() - started < 5


def test_each_route_of_a_pool_has_its_own_patience(newest: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        newest.serve(
            model(
                route("a.fast", "fast.test", to="p", read=Duration(200)),
                route("b.slow", "slow.test", to="p", read=Duration(900)),
                pool("p", server("silent", silent.getsockname()[1])),
            )
        )
        took = {}
        for host in ("fast.test", "slow.test"):
            started = time.monotonic()
            assert newest.ask(host).status == 504
            took[host] = time.monotonic() - started
        assert 0.15 < took["fast.test"] < took["slow.test"]
        assert took["slow.test"] > 0.8


def test_more_than_a_server_may_take_waits_for_its_turn(newest: Bench, backends: Make) -> None:
    web = backends("web")
    newest.serve(model(route("a.web", "a.test", to="p"), pool("p", server("web", web.port, max_connections=1))))
    statuses: list[int] = []
    clients = [threading.Thread(target=lambda: statuses.append(newest.ask("a.test", "/stream").status)) for _ in range(3)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert statuses == [200, 200, 200]


def test_a_pool_of_which_nobody_is_ready_says_so_at_once(newest: Bench) -> None:
    down, draining = (
        server("down", free_port(), state=ServerState.DOWN),
        server("x-draining", free_port(), state=ServerState.DRAINING),
    )
    newest.serve(model(route("a.web", "a.test", to="p"), pool("p", down, draining)))
    seen = newest.ask("a.test")
    assert (seen.status, seen.headers["retry-after"], seen.headers["content-type"]) == (503, "5", "text/plain")
