"""One of three replicas is stopped and started again, under load: what the clients notice."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figures import Figure, counted
from tests.bench.measure import Measure
from tests.bench.places import HOST, Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, until
from tests.load import Load, Result

MANNERS = {"dies": "app dies at once", "drains": "app drains", "lingers": "app lingers 3 s"}
#: How long the stopped one stays away, in seconds (nobody answers at its address), and how long it then serves.
AWAY = BACK = 1.0
#: So many requests at least, and more cycles for it.
ENOUGH = 20_000


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    for manner, words in MANNERS.items():
        for place in scene.places:
            with scene.only(place):
                yield from noticed(words, place.name, _cycles(scene, place, manner))


def _cycles(scene: Scene, place: Place, manner: str) -> Result:
    containers = place.replicas(3, manner)
    hostnames = docker("inspect", "--format", "{{.Config.Hostname}}", *containers).split()
    with Load(place.world.port, HOST) as load:
        for number in scene.each(range(scene.times(20)), f"{place.name}: {MANNERS[manner]}"):
            _cycle(load.result, containers[number % 3], hostnames[number % 3])
        while not scene.rounds and load.result.requests < ENOUGH:
            number += 1
            _cycle(load.result, containers[number % 3], hostnames[number % 3])
    return load.result


def _cycle(seen: Result, container: str, hostname: str) -> None:
    docker("stop", container)
    time.sleep(AWAY)
    before = seen.answered_by[hostname]
    docker("start", container)
    until(lambda: seen.answered_by[hostname] > before, f"{container} answers again")
    time.sleep(BACK)


def noticed(case: str, place: str, seen: Result) -> Iterator[Figure]:
    """What a load has found, as Figures."""
    yield counted(f"{case}: failed", place, seen.failures, of=seen.requests)
    yield counted(f"{case}: over 250 ms", place, seen.over(0.25), of=seen.requests)
    yield counted(f"{case}: over 1 s", place, seen.over(1), of=seen.requests)
    yield Figure(f"{case}: longest", place, (max(seen.times) * 1000,), "ms")


MEASURE = Measure(
    title="One of three replicas stops and starts, at 200 requests/s",
    how=f"""Ten keep-alive clients, each of which waits for its answer; `docker stop`, {AWAY:g} s without it, `docker start`, and the next one {BACK:g} s after it answers again; 20 times, and more until there were {ENOUGH:,} requests.
After SIGTERM the app either *dies* at once, *drains* (no new connections, open ones are answered, 3 s), or *lingers* (serves for 3 s
more). Failed: a status other than 200, a connection that broke, no answer in 10 s.""",
    run=run,
    chart=tuple(f"{words}: {what}" for words in MANNERS.values() for what in ("failed", "over 1 s")),
)
