# ruff: noqa: F811 - a fixture's name is an argument's name
"""Servers that are DNS names: text made from a compose file serves with no confgen running, whatever is up already."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from confgen.values import Path
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    Bench,
    ask,
    backends,
    bench,
    binaries,
    free_port,
    model,
    pool,
    route,
    server,
    stream,
    wait_for,
)

Make = Callable[..., Backend]


class Docker:
    """Docker's own DNS, as far as it goes: 127.0.0.11 answers for the names it has been told, for no others."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wait_for(self._bind, 120)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _bind(self) -> bool:
        """There is one such address on a machine: a test that runs beside this one may have it."""
        try:
            self._socket.bind(("127.0.0.11", 53))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True

    def _serve(self) -> None:
        while True:
            question, peer = self._socket.recvfrom(512)
            if question == b"end":
                return
            self._socket.sendto(self._answer(question), peer)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += question[at] + 1
        addresses = self.names.get(".".join(labels), [])
        code = b"\x81\x80" if addresses else b"\x81\x83"
        records = b"".join(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x02\x58\x00\x04" + socket.inet_aton(a) for a in addresses)
        counts = b"\x00\x01" + len(addresses).to_bytes(2, "big") + b"\x00\x00\x00\x00"
        return question[:2] + code + counts + question[12 : at + 5] + records

    def close(self) -> None:
        self._socket.sendto(b"end", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.fixture
def docker() -> Iterator[Docker]:
    made = Docker()
    yield made
    made.close()


def test_a_name_that_is_not_there_yet_fails_nothing_and_is_found_later(bench: Bench, docker: Docker, backends: Make) -> None:
    web, api, tcp = backends("web"), backends("api"), free_port()
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route("a.api", "a.test", "/api", to="api", strip=True),
            route("a.v2", "a.test", "/v1", to="api", rewrite=Path("/v2")),
            route("b.there", "b.test", to="there"),
            stream("tcp", tcp, "db"),
            pool("web", server("web", web.port, "web", resolve=True)),
            pool("api", server("api", api.port, "api.internal", resolve=True)),
            pool("there", server("there", web.port)),
            pool("db", server("db", web.port, "db", resolve=True), protocol="tcp"),
        )
    )
    assert bench.ask("b.test").server == "web", "the others serve"
    assert bench.ask("a.test").status == 502
    docker.names.update({"web": ["127.0.0.1"], "api.internal": ["127.0.0.1"], "db": ["127.0.0.1"]})
    wait_for(lambda: bench.ask("a.test").status == 200)
    wait_for(lambda: bench.ask("a.test", "/api").status == 200)
    assert bench.ask("a.test", "/x?y").json()["path"] == "/x?y"
    table = {"/api": "/", "/api/x/%C3%A9?q=1": "/x/%C3%A9?q=1", "/v1": "/v2", "/v1/x": "/v2/x"}
    assert {path: bench.ask("a.test", path).json()["path"] for path in table} == table

    def reached() -> bool:
        try:
            return ask(tcp, "any", "/").server == "web"
        except OSError:
            return False

    wait_for(reached)


def test_a_name_that_moves_is_followed(bench: Bench, docker: Docker, backends: Make) -> None:
    """Its containers were made anew: a second later their addresses are used."""
    one = backends("one")
    docker.names["web"] = ["127.0.0.1"]
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", one.port, "web", resolve=True))))
    wait_for(lambda: bench.ask("a.test").status == 200)
    docker.names["web"] = ["127.0.0.99"]
    wait_for(lambda: bench.ask("a.test").status != 200)
    docker.names["web"] = ["127.0.0.1"]
    wait_for(lambda: bench.ask("a.test").status == 200)
