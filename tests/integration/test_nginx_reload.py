# ruff: noqa: F811 - a fixture's name is an argument's name
"""Reloads under load lose nothing: idle kept-alive connections, servers that go, requests in flight."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confgen.apply import Result
from confgen.model import Model, ServerState
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    Bench,
    backends,
    bench,
    binaries,
    free_port,
    model,
    newest,
    pool,
    route,
    server,
    wait_for,
)

Make = Callable[..., Backend]


class Clients:
    """Clients that keep their connections, half of them with pauses in which a connection is idle."""

    def __init__(self, port: int, count: int, posts: bool = True) -> None:
        self.posts = posts
        self.port = port
        self.answered = 0
        self.failed: list[str] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(i,)) for i in range(count)]

    def _work(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        method = "POST" if self.posts and number % 4 == 3 else "GET"
        while not self.stop.is_set():
            try:
                connection.request(method, "/", body=b"x" if method == "POST" else None, headers={"Host": "a.test"})
                response = connection.getresponse()
                response.read()
                trouble = "" if response.status == 200 else f"status {response.status}"
            except (OSError, http.client.HTTPException) as error:
                trouble = repr(error)
                connection.close()
            with self._lock:
                self.answered += 1
                self.failed += [trouble] if trouble else []
            self.stop.wait(0.03 * (number % 2))
        connection.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in self._threads:
                thread.join()


def two(one: Backend, other: Backend, state: ServerState, more: int = 0) -> Model:
    extra = [route(f"x{i}", f"x{i}.test", to="web") for i in range(more)]
    return model(
        route("a.web", "a.test", to="web"), pool("web", server("one", one.port, state=state), server("two", other.port)), *extra
    )


def test_reloads_under_keep_alive_load_lose_nothing(newest: Bench, backends: Make) -> None:
    one, other = backends("one"), backends("two")
    newest.serve(two(one, other, ServerState.READY))
    clients = Clients(newest.http_port, 8)
    with clients.running():
        wait_for(lambda: clients.answered > 100)
        for more in range(1, 9):
            assert newest.serve(two(one, other, ServerState.READY, more)).result is Result.RELOADED
            before = clients.answered
            wait_for(lambda before=before: clients.answered > before + 50)  # type: ignore[misc]
    assert (clients.failed, clients.answered > 500) == ([], True)


def test_a_server_that_stops_is_not_missed(newest: Bench, backends: Make) -> None:
    """Out of rotation at the notice, gone when it has finished, back under another address: 0 failed requests.

    Old workers ask it still, once for each connection that a client has kept (keepalive_min_timeout): hence the drain.
    GET alone: a POST that waits in the queue of a listener that its app closes is lost, and nobody may send it again.
    """
    one, other = backends("one"), backends("two")
    newest.serve(two(one, other, ServerState.READY))
    clients = Clients(newest.http_port, 8, posts=False)
    with clients.running():
        for _ in range(3):
            wait_for(lambda one=one: one.requests > 20)  # type: ignore[misc]
            newest.serve(two(one, other, ServerState.DRAINING))
            one.drain()
            one = backends("one")
            newest.serve(two(one, other, ServerState.READY))
    assert clients.failed == []


def test_a_server_that_dies_without_a_word_costs_no_get(bench: Bench, backends: Make) -> None:
    """Its connections are reset in the middle of a request; what may be sent twice is, to the other server."""
    one, other = backends("one"), backends("two")
    bench.serve(two(one, other, ServerState.READY))
    failed = []
    for number in range(60):
        if number == 20:
            one.close()
        seen = bench.ask("a.test")
        failed += [seen.status] if seen.status != 200 else []
    assert failed == []
