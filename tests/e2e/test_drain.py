"""Out of rotation by hand, and back."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.stack import Stack, docker, get, until
from tests.e2e.test_follow import labels


def drain(world: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "exec", world.container("confgen"), "confgen", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_drain_waits_for_what_is_open_and_undrain_lets_back_in(world: Stack, proxy: str) -> None:
    one, two = (world.run(name, *labels("pair.localhost", pool="pair", drain="2s")) for name in ("one", "two"))
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "both answer")
    done = drain(world, "drain", two)
    assert done.returncode == 0, done.stderr
    assert f"{two}: gets no new requests" in done.stderr
    assert world.hostnames("pair.localhost", 20) == {"one"}
    world.compose("restart", "-t", "3", "confgen")
    docker("restart", "-t", "1", two)
    until(lambda: world.server_state(two) == "draining", "it is out after both restarts")
    assert world.hostnames("pair.localhost", 20) == {"one"}
    refused = drain(world, "drain", one)
    assert refused.returncode == 64
    assert "only ready server" in refused.stderr
    assert drain(world, "undrain", two).returncode == 0
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "both answer again")
    assert drain(world, "undrain", two).returncode == 64


def test_what_is_open_is_counted_where_the_proxy_tells(world: Stack, proxy: str) -> None:
    for name in ("one", "two"):
        world.run(name, *labels("pair.localhost", pool="pair"))
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "both answer")
    with ThreadPoolExecutor(4) as clients:
        slow = [clients.submit(get, world.port, "pair.localhost", "/slow?ms=5000", timeout=15) for _ in range(4)]
        quick = drain(world, "drain", f"{world.name}-two", "--wait", "0.5")
        told = "2 still open after 0.5 s" in quick.stderr
        assert (quick.returncode, told) == ((1, True) if proxy == "haproxy" else (0, False)), quick.stderr
        patient = drain(world, "drain", f"{world.name}-two", "--wait", "10") if proxy == "haproxy" else quick
        assert patient.returncode == 0
        assert [answer.result().status for answer in slow] == [200] * 4
