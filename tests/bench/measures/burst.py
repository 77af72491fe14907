"""Twenty containers start at once, and stop at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from tests.bench import engine
from tests.bench.figures import Better, Figure
from tests.bench.measure import Measure
from tests.bench.places import Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, get, until

SIZE = 20
#: An answer that takes longer is none, in seconds.
AT_ONCE = 0.25
#: How each is done to many at once, and the event that tells that it is done.
VERBS = {"start": (engine.start, "start"), "stop": (engine.stop, "die")}
UNITS = {"until all is done": "ms", "CPU": "ms"}


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number, place in scene.turns(scene.times(3), f"{SIZE} at once"):
        for case, value in _burst(scene, place, number):
            found[case, place.name].append(value)
    for (case, name), values in sorted(found.items(), key=lambda item: item[0][0].startswith("stop")):
        what = case.partition(": ")[2]
        better: Better = "" if what == "changes applied" else "less"
        yield Figure(case, name, tuple(values), UNITS.get(what, ""), better)


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
    applied, reloads, cpu = place.applied(), place.reloads(), engine.cpu_ms(*place.containers)
    act, event = VERBS[verb]
    act(containers)
    until(done, f"{place.name} has followed {verb}")
    at = time.time()
    last = max(scene.events.time(event, container) for container in containers)
    time.sleep(place.quiet)
    yield f"{verb}: until all is done", (at - last) * 1000
    yield f"{verb}: changes applied", place.applied() - applied
    yield f"{verb}: reloads", place.reloads() - reloads
    yield f"{verb}: CPU", engine.cpu_ms(*place.containers) - cpu


MEASURE = Measure(
    title=f"{SIZE} containers start at once, and stop at once",
    how=f"""{SIZE} containers, each with a host of its own, are started by as many calls at once, and then stopped. Until all is done: from
the engine's last `start` event until all hosts are served, from the last `die` until none is, and none hangs. Changes applied: how often
something new was brought to the proxy; reloads: how many of these needed new workers. CPU: of the follower and its proxy together,
their tests of texts included, and the requests that ask whether it is done.""",
    run=run,
    chart=("start: until", "stop: until"),
)
