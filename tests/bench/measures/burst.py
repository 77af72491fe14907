"""Twenty containers start at once, and stop at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from tests.bench.engine import cpu_ms
from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.places import Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, get, until

SIZE = 20
#: An answer that takes longer is none, in seconds.
AT_ONCE = 0.25
UNITS = {"until all is done": "ms", "loads": "", "CPU": "ms"}


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number, place in scene.turns(scene.times(3), f"{SIZE} at once"):
        for case, value in _burst(scene, place, number):
            found[case, place.name].append(value)
    for case, place in sorted(found, key=lambda key: key[0].startswith("stop")):
        yield Figure(case, place, tuple(found[case, place]), UNITS[case.partition(": ")[2]])


def _burst(scene: Scene, place: Place, number: int) -> Iterator[tuple[str, float]]:
    hosts = [f"burst{number}-{index}.localhost" for index in range(SIZE)]
    containers = [place.create(host.partition(".")[0], host) for host in hosts]
    time.sleep(place.quiet)

    def all_served() -> bool:
        return all(place.status(host) == 200 for host in hosts)

    def none_served() -> bool:
        return all(get(place.world.port, host, timeout=AT_ONCE).status not in {0, 200} for host in hosts)

    yield from _change(scene, place, "start", containers, all_served)
    yield from _change(scene, place, "stop", containers, none_served)
    docker("rm", "-f", *containers)


def _change(
    scene: Scene, place: Place, verb: str, containers: list[str], done: Callable[[], bool]
) -> Iterator[tuple[str, float]]:
    loads, cpu = place.loads(), cpu_ms(*place.containers)
    docker(verb, *containers)
    until(done, f"{place.name} has followed {verb}")
    at = time.time()
    last = max(scene.events.time({"start": "start", "stop": "die"}[verb], container) for container in containers)
    time.sleep(place.quiet)
    yield f"{verb}: until all is done", (at - last) * 1000
    yield f"{verb}: loads", place.loads() - loads
    yield f"{verb}: CPU", cpu_ms(*place.containers) - cpu


MEASURE = Measure(
    title=f"{SIZE} containers start at once, and stop at once",
    how=f"""`docker start` and `docker stop` with {SIZE} names, each container with a host of its own. Until all is done: from the engine's
last `start` event until all hosts are served, from the last `die` until none is (each answered within 250 ms that it is gone). Loads: reloads, or
configurations that Traefik took. CPU: of the follower and its proxy together, their tests of texts included; the requests that ask
whether it is done are in it too.""",
    run=run,
    chart=("start: until", "stop: until"),
)
