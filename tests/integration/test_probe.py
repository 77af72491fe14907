"""Servers that answer, refuse, hang and lie, asked over real sockets."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from confgen.kept import Verdict
from confgen.model import Check
from confgen.probe import Judge
from confgen.values import Duration, Path
from confgen.verdict import Probe
from tests import certificates
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
    delay: float = 0.0


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
                time.sleep(app.delay)
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
        fill(listening, queue)
        port = listening.getsockname()[1]
        assert ask(judge, probe(port)) == {port: None}


def fill(listening: socket.socket, queue: contextlib.ExitStack) -> None:
    """Connects until it takes no more."""
    with contextlib.suppress(TimeoutError):
        while True:
            queue.enter_context(socket.create_connection(listening.getsockname(), 0.2))


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


@pytest.mark.parametrize("heard", [True, False])
def test_what_was_said_by_who_is_asked_no_more_is_asked_again_before_silence_counts(
    judge: Judge, rung: Rung, heard: bool
) -> None:
    """A plain port is asked until it is open, once: that says nothing about whether it can be reached now."""
    hasty = Check(path=Path("/up"), interval=Duration(20), timeout=Duration(100), fall=2)
    with socket.create_server(("127.0.0.1", 0)) as checked, socket.create_server(("127.0.0.1", 0), backlog=0) as plain:
        mute, once = probe(checked.getsockname()[1], hasty), probe(plain.getsockname()[1])
        before = {mute.name: Verdict(mute.name, True)}
        assert ask(judge, once) == {once.port: True}
        with contextlib.ExitStack() as queue:
            if heard:
                plain.listen(100)
            else:
                fill(plain, queue)
            assert ask(judge, once, mute, before=before) == {once.port: True, mute.port: True}
            for _ in range(4):  # one more than it takes to fall, since the last one may be under way
                queue.enter_context(checked.accept()[0])
            until(lambda: bool(rung.said) is heard, "it falls where others can be heard")
            assert rung.said == ([(f"app-{mute.port}: it does not answer", True)] if heard else [])


def test_a_first_answer_that_nobody_waited_for_rings(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    app = serve(free_port())
    app.delay = 0.2
    asked = probe(app.port, QUICK)
    assert judge.ask("proxy", (asked,), {}, 0.02) == {}
    until(lambda: bool(rung.said), "the answer is told")
    assert rung.said == [(f"app-{app.port} is up", False)]
    assert judge.ask("proxy", (asked,), {}, 0)[asked.name].up


def test_a_second_proxy_hears_of_an_answer_that_the_first_one_waited_for(
    judge: Judge, rung: Rung, serve: Callable[[int], App]
) -> None:
    app = serve(free_port())
    app.delay = 0.2
    asked, found = probe(app.port, QUICK), list[dict[str, Verdict]]()
    first = threading.Thread(target=lambda: found.append(judge.ask("one", (asked,), {}, 2.0)))
    first.start()
    until(lambda: asked in judge._watched, "the first one waits")
    assert judge.ask("other", (asked,), {}, 0.02) == {}
    first.join()
    assert found[0][asked.name].up
    until(lambda: bool(rung.said), "the other one is told")


@contextlib.contextmanager
def hanging(folder: pathlib.Path, answers: bool) -> Iterator[int]:
    """A TLS server that shakes hands and then does nothing more, or that after an answer; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.put(folder, "one.pem", certificates.one("a.test")))
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as held:

        def speak() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = held.enter_context(context.wrap_socket(listening.accept()[0], server_side=True))
                    connection.recv(1000)
                    if answers:
                        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("answers", [True, False])
def test_how_a_tls_server_ends_a_connection_is_no_part_of_its_answer(
    judge: Judge, rung: Rung, tmp_path: pathlib.Path, serve: Callable[[int], App], answers: bool
) -> None:
    """One that answers and then hangs is up; one that hangs before it answers is found out no later for that."""
    check = Check(path=Path("/up"), interval=Duration(20), timeout=Duration(300), fall=2)
    with hanging(tmp_path, answers) as port:
        asked = Probe(f"web app-{port} 127.0.0.1:{port}", "127.0.0.1", port, tls=True, check=check)
        before = {} if answers else {asked.name: Verdict(asked.name, True)}
        assert ask(judge, asked, probe(serve(free_port()).port, QUICK), before=before)[port] is True
        if not answers:
            until(lambda: bool(rung.said), "it falls", deadline=5)
            assert rung.said == [(f"app-{port}: it does not answer", True)]


def test_who_is_of_no_interest_any_more_is_not_asked(judge: Judge, rung: Rung, serve: Callable[[int], App]) -> None:
    app, other = serve(free_port()), serve(free_port())
    ask(judge, probe(app.port, QUICK))
    assert ask(judge, probe(other.port, QUICK)) == {other.port: True}
    app.status = other.status = 500
    until(lambda: bool(rung.said), "the other one falls")
    assert [said for said, _ in rung.said] == [f"app-{other.port}: it answers 500"]
