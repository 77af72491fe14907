"""What confgen asks of the engine: few calls, none that could show a container's environment."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES
from tests.e2e.gate import Gate, gate
from tests.e2e.stack import Stack, docker, engine_socket, stack, until
from tests.e2e.test_follow import labels


@pytest.fixture
def watched(image: None, tmp_path: Path) -> Iterator[tuple[Stack, Gate]]:
    tmp_path.chmod(0o755)
    with (
        gate(engine_socket(), tmp_path / "engine.sock") as made,
        stack(EXAMPLES["nginx"], env={"DOCKER_SOCKET": str(made.path)}) as world,
    ):
        world.serves("shop.localhost")
        until(lambda: made.count("GET /containers/json") >= 2, "the full look that follows the subscription")
        yield world, made


@pytest.fixture(params=[10, 200])
def crowd(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many containers that have nothing to do with it."""
    mark = f"crowd={secrets.token_hex(4)}"
    names = [docker("create", "--label", mark, "--network", "none", "confgen-test/web") for _ in range(request.param)]
    yield len(names)
    docker("rm", "-f", *names)


def settled(made: Gate, about: str) -> list[str]:
    """The calls for rows of which one is `about`, once no more come for longer than most second looks take."""
    found: list[str] = []
    since = time.monotonic()
    while time.monotonic() - since < 2:
        now = [asked for asked in made.asked if about in asked]
        if now != found:
            found, since = now, time.monotonic()
        time.sleep(0.05)
    return found


def test_one_call_an_event_whatever_the_number_of_containers(crowd: int, watched: tuple[Stack, Gate]) -> None:
    world, made = watched
    name = world.run("new", *labels("new.localhost"))  # create, connect, start
    world.serves("new.localhost")
    about = str(world.inspect(name)["Id"])
    started = settled(made, about)
    assert 1 <= len(started) <= 2, started
    docker("rm", "-f", name)  # kill, die, disconnect, destroy
    world.serves("new.localhost", status=404)
    removed = settled(made, about)[len(started) :]
    assert 1 <= len(removed) <= 4, removed


def test_only_what_is_needed_is_asked(watched: tuple[Stack, Gate]) -> None:
    world, made = watched
    name = world.run("new", *labels("new.localhost"))
    world.serves("new.localhost")
    docker("rm", "-f", name)
    world.serves("new.localhost", status=404)
    assert "new.localhost" not in world.confgen("status")
    assert made.refused == []
    assert made.count("GET /events") >= 1
    assert made.count("GET /containers/json") >= 3


def test_thirty_unrelated_containers_cost_at_most_a_call_an_event(watched: tuple[Stack, Gate]) -> None:
    world, made = watched
    names = [world.run(f"idle{number}", image="confgen-test/web", command=("sleep", "3600")) for number in range(30)]
    ids = [str(world.inspect(name)["Id"]) for name in names]
    settled(made, ids[-1])
    calls = [asked for asked in made.asked if any(container in asked for container in ids)]
    assert len(calls) <= 60, f"{len(calls)} calls for 30 connect and 30 start events"
