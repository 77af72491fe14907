"""Servers that answer, refuse, hang and lie, asked over real sockets."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from confgen.kept import Verdict
from confgen.model import Check
from confgen.probe import Judge
from confgen.values import Duration, Path
from confgen.verdict import Probe
from tests.e2e.stack import until
from tests.ports import free_port

QUICK = Check(path=Path("/up"), interval=Duration(20), timeout=Duration(500), rise=2, fall=3)


@dataclass
class Rung:
    """Who rang, and how urgently."""

    said: list[tuple[str, bool]] = field(default_factory=list)

    def __call__(self, reason: str, urgent: bool) -> None:
        self.said.append((reason, urgent))


@dataclass
class App:
    """An HTTP server on 127.0.0.1 whose answer can be changed."""

    port: int
    status: int = 200


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def judge(rung: Rung) -> Iterator[Judge]:
    made = Judge(rung)
    yield made
    made.keep_to(frozenset())


@pytest.fixture
def serve() -> Iterator[Callable[[int], App]]:
    servers: list[http.server.HTTPServer] = []

    def start(port: int) -> App:
        app = App(port)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(app.status if self.path == "/up" else 404)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return app

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def probe(port: int, check: Check | None = None, name: str = "") -> Probe:
    return Probe(name or f"web app-{port} 127.0.0.1:{port}", "127.0.0.1", port, check=check)


def ask(judge: Judge, *wanted: Probe, before: dict[str, Verdict] | None = None) -> dict[int, bool | None]:
    """Whether each is up, by port; None where nothing is known."""
    found = judge.ask("proxy", wanted, before or {}, 1.0)
    return {p.port: found[p.name].up if p.name in found else None for p in wanted}


def test_ports_are_known_in_the_first_answer(judge: Judge, serve: Callable[[int], App]) -> None:
    up, shut = serve(free_port()).port, free_port()
    assert ask(judge, probe(up), probe(shut)) == {up: True, shut: False}


def test_a_port_that_opens_rings_once_and_is_asked_no_more(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    port = free_port()
    assert ask(judge, probe(port)) == {port: False}
    serve(port)
    until(lambda: bool(rung.said), "it rings")
    assert rung.said == [(f"app-{port} is up", False)]
    assert ask(judge, probe(port)) == {port: True}


def test_a_server_that_swallows_packets_is_unknown(judge: Judge) -> None:
    """A listener whose queue is full drops what comes, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, contextlib.ExitStack() as queue:
        port = listening.getsockname()[1]
        with contextlib.suppress(TimeoutError):
            while True:
                queue.enter_context(socket.create_connection(("127.0.0.1", port), 0.2))
        assert ask(judge, probe(port)) == {port: None}


def test_a_check_turns_after_rise_and_fall(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    app = serve(free_port())
    asked = probe(app.port, QUICK)
    assert ask(judge, asked) == {app.port: True}
    app.status = 500
    until(lambda: bool(rung.said), "it falls")
    assert rung.said == [(f"app-{app.port}: it answers 500", True)]
    assert judge.ask("proxy", (asked,), {}, 0)[asked.name].words == "it answers 500"
    app.status = 204
    until(lambda: len(rung.said) == 2, "it rises")
    assert rung.said[1] == (f"app-{app.port} is up", False)


def test_a_verdict_from_before_stands_until_it_is_refuted(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    app = serve(free_port())
    asked = probe(app.port, QUICK)
    assert ask(judge, asked, before={asked.name: Verdict(asked.name, False, "it answers 500")}) == {app.port: False}
    until(lambda: ask(judge, asked) == {app.port: True}, "two good checks bring it back")


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1\r\n", b"HTTP/1.1 abc\r\n", b"x" * 9000, b"\xff\xfe\r\n", b"\r\n"]
)
def test_what_is_not_http_is_not_well(judge: Judge, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def speak() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(answer)

        threading.Thread(target=speak, daemon=True).start()
        asked = probe(port, QUICK)
        found = judge.ask("proxy", (asked,), {}, 1.0)
        assert found[asked.name].words == "its answer is not HTTP"
        listening.shutdown(socket.SHUT_RDWR)


def test_silence_counts_only_while_others_answer(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    """Who hears nobody at all is deaf: nobody is taken out for that."""
    hasty = Check(path=Path("/up"), interval=Duration(20), timeout=Duration(100), fall=2)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        mute = probe(listening.getsockname()[1], hasty)
        before = {mute.name: Verdict(mute.name, True)}
        assert ask(judge, mute, before=before) == {mute.port: True}
        watched = judge._watched[mute]
        until(watched.asked.is_set, "it was asked")
        assert rung.said == []
        app = serve(free_port())
        ask(judge, mute, probe(app.port, hasty))
        until(lambda: bool(rung.said), "now its silence counts")
        assert rung.said[0] == (f"app-{mute.port}: it does not answer", True)


def test_who_is_of_no_interest_any_more_is_not_asked(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    app, other = serve(free_port()), serve(free_port())
    ask(judge, probe(app.port, QUICK))
    assert ask(judge, probe(other.port, QUICK)) == {other.port: True}
    app.status = other.status = 500
    until(lambda: bool(rung.said), "the other one falls")
    assert [said for said, _ in rung.said] == [f"app-{other.port}: it answers 500"]
