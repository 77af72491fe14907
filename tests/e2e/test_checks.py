"""Who gets requests: checks of our own, ports that are closed, and what a restart of confgen makes of it."""

from __future__ import annotations

from tests.e2e.stack import Stack, docker, until
from tests.e2e.test_follow import labels

ASK = "import urllib.request; urllib.request.urlopen('http://127.0.0.1/{}')"


def tell(container: str, path: str) -> None:
    """Asks the app in a container for a path: it has some that change what it answers."""
    docker("exec", container, "python3", "-c", ASK.format(path))


def test_a_failing_check_takes_a_container_out_until_it_is_well_again(world: Stack) -> None:
    asked = {"pool": "pair", "health": "/health", "health.interval": "200ms", "health.fall": "2", "health.rise": "1"}
    one, two = (world.run(name, *labels("pair.localhost", **asked)) for name in ("one", "two"))
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "both answer")
    tell(two, "fail-health")
    until(lambda: world.server_state(two) == "down", "it is out")
    assert world.hostnames("pair.localhost", 20) == {"one"}
    world.compose("restart", "-t", "3", "confgen")
    until(lambda: world.server_state(two) == "down", "it is still out for a new confgen")
    assert world.hostnames("pair.localhost", 20) == {"one"}
    assert "it answers 503" in world.confgen("explain", two)
    tell(two, "ok-health")
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "it is back")
    assert one


def test_a_new_container_waits_for_its_port(world: Stack) -> None:
    """The label names port 80, and the app listens on 8080: it gets nothing, and who asks is told why."""
    world.run("one", *labels("port.localhost", pool="pair"))
    world.serves("port.localhost")
    two = world.run("two", "-e", "WHOAMI_PORT_NUMBER=8080", *labels("port.localhost", pool="pair"))
    until(lambda: world.server_state(two) == "starting", "it waits")
    explained = world.confgen("explain", two)
    assert "port 80 refuses connections" in explained
    assert "STOP" in explained
    assert world.hostnames("port.localhost", 10) == {"one"}
    assert "the engine's own socket is mounted" in world.confgen("doctor")
