"""/healthz and /metrics over a real socket, of a real watcher."""

from __future__ import annotations

import http.client
import socket

import pytest

from confgen.errors import UsageError
from confgen.observe.endpoint import _MOST, parse, serve


def answer(port: int, method: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        got = connection.getresponse()
        return got.status, got.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def port() -> int:
    return serve("127.0.0.1:0", {"/healthz": lambda: ("503 Service Unavailable", "text/plain", b"edge: away\n")})


def test_a_page_is_asked_for_anew_and_says_its_own_status(port: int) -> None:
    assert answer(port, "GET", "/healthz") == (503, "edge: away\n")
    assert answer(port, "GET", "/healthz?full") == (503, "edge: away\n")
    assert answer(port, "HEAD", "/healthz") == (503, "")


def test_what_is_not_there_and_what_is_not_asked(port: int) -> None:
    assert answer(port, "GET", "/") == (404, "there are: /healthz\n")
    assert answer(port, "POST", "/healthz")[0] == 405


def test_a_taken_port_is_told_in_words(port: int) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
        serve(f"127.0.0.1:{port}", {})


def test_nobody_can_take_all_places_for_good(port: int) -> None:
    """Connections that say nothing hold their places for some seconds; one too many is closed, later ones are answered."""
    patience = 30  # each is closed after 5 s, and somewhat later on a busy machine
    idle = [socket.create_connection(("127.0.0.1", port), patience) for _ in range(_MOST)]
    try:
        one_more = socket.create_connection(("127.0.0.1", port), 5)
        assert one_more.recv(1) == b""
        one_more.close()
        assert [s.recv(1) for s in idle] == [b""] * _MOST  # each is closed after its time
    finally:
        for s in idle:
            s.close()
    assert answer(port, "GET", "/healthz")[0] == 503


def test_every_address_of_both_kinds() -> None:
    assert parse(":0")[0] == "::"
    everywhere = serve(":0", {"/healthz": lambda: ("200 OK", "text/plain", b"ok\n")})
    assert answer(everywhere, "GET", "/healthz") == (200, "ok\n")
