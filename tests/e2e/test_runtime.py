"""HAProxy follows containers as it runs: no reload, and no request lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import Stack, docker, stack, until
from tests.load import Load


@pytest.fixture
def newest(image: None, tmp_path: Path) -> Iterator[Stack]:
    """The first example, with an HAProxy that takes whole hosts as it runs."""
    override = tmp_path / "newest.yaml"
    override.write_text("services: {proxy: {image: 'haproxy:3.4'}}\n")
    with stack(EXAMPLES["haproxy"], files=(override,)) as made:
        made.serves("shop.localhost")
        until(lambda: "serves generation" in made.log(), "confgen has told its first turn")
        yield made


def reloads(world: Stack) -> int:
    """How many the master has done; asked in confgen's container, which shares its socket."""
    ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/var/lib/haproxy/run/master.sock'); s.sendall(b'show proc\\n'); s.shutdown(1); print(s.recv(9999).decode())"
    told = world.compose("exec", "-T", "confgen", "python", "-c", ask)
    return int(re.findall(r"master +([0-9]+)", told)[0])


def test_servers_and_hosts_come_and_go_without_a_reload_and_no_request_is_lost(newest: Stack) -> None:
    before = reloads(newest)
    with Load(newest.port, "shop.localhost", rate=100) as load:
        newest.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=3")
        until(lambda: len(newest.hostnames("shop.localhost", 20)) == 3, "three containers answer")
        for _ in range(2):
            docker("restart", "-t", "1", newest.container("web", 3))
        name = newest.run("new", "--label", "confgen.host=new.localhost", "--label", "confgen.port=80")
        newest.serves("new.localhost")
        docker("rm", "-f", name)
        newest.serves("new.localhost", status=404)
        newest.compose("up", "-d", "--no-build", "--no-recreate", "-t", "1", "--scale", "web=2")
        until(lambda: len(newest.hostnames("shop.localhost", 20)) == 2, "two containers answer")
    assert load.result.failures == 0, f"{load.result}\n{newest.log()}"
    assert load.result.over(1.0) == 0, load.result
    told = newest.log().split("serves generation")[2:]
    assert len(told) > 6
    assert all("runtime change: " in line for line in told), newest.log()
    assert reloads(newest) == before
