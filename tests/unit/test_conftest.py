"""The guard itself: a unit test that reaches for the network must fail, with words that help."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_network_socket_fails_the_test_and_says_what_to_do(family: int) -> None:
    with pytest.raises(pytest.fail.Exception, match="give the code under test a fake"):
        socket.socket(family, socket.SOCK_STREAM)


def test_a_library_cannot_swallow_it() -> None:
    with pytest.raises(pytest.fail.Exception, match="tests/integration"):
        urllib.request.urlopen("http://127.0.0.1:1/")


def test_a_unix_socket_is_allowed(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
