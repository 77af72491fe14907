"""What following costs: memory and CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.bench.engine import cpu_ms, memory_mb, own_cpu_ms
from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.places import Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker

#: For how many seconds nothing happens.
IDLE = 20
#: A machine is slower at times, for minutes.
PASSES = 2


def run(scene: Scene, others: int) -> Iterator[Figure]:
    for place in scene.places:
        with scene.only(place):
            yield from _cost(scene, others, place)
    yield from _idle(scene, others)


def _cost(scene: Scene, others: int, place: Place) -> Iterator[Figure]:
    rounds = scene.times(5)
    kept, host = place.create(f"kept{others}", f"kept{others}.localhost"), f"kept{others}.localhost"

    def same() -> None:
        docker("start", kept)
        place.serves(host)
        docker("stop", "-t", "0", kept)
        place.forgets(host)

    def another(name: str) -> None:
        container = place.run(name, f"{name}.localhost")
        place.serves(f"{name}.localhost")
        docker("rm", "-f", container)
        place.forgets(f"{name}.localhost")

    yield from _each(scene, others, place, "start and stop", [same] * (rounds + 1))
    docker("rm", kept)
    names = [f"cost{others}-{number}" for number in range(rounds + 1)]
    yield from _each(scene, others, place, "start and removal", [partial(another, name) for name in names])
    yield Figure(f"resident, follower, {others} others", place.name, (place.resident_mb,), "MB")
    yield Figure(f"memory, with its proxy, {others} others", place.name, (memory_mb(*place.containers),), "MB")


def _each(scene: Scene, others: int, place: Place, what: str, cycles: Sequence[Callable[[], None]]) -> Iterator[Figure]:
    """CPU that one of them costs; the first, after which a process that had nothing to do is awake again, is not counted."""
    first, *cycles = cycles
    first()
    scene.catch_up()
    own, whole = own_cpu_ms(place.pid), cpu_ms(*place.containers)
    for cycle in scene.each(cycles, f"{place.name}: cost of a {what}"):
        cycle()
    scene.catch_up()  # what is still done about the last one is counted too
    for case, used in (("follower", own_cpu_ms(place.pid) - own), ("with its proxy", cpu_ms(*place.containers) - whole)):
        yield Figure(f"CPU a {what}, {case}, {others} others", place.name, (used / len(cycles),), "ms")


def _idle(scene: Scene, others: int) -> Iterator[Figure]:
    before = {place.name: own_cpu_ms(place.pid) for place in scene.places}
    for _ in scene.each(range(IDLE), "nothing happens"):
        time.sleep(1)
    for place in scene.places:
        used = own_cpu_ms(place.pid) - before[place.name]
        yield Figure(f"CPU a minute while nothing happens, follower, {others} others", place.name, (used * 60 / IDLE,), "ms")


MEASURE = Measure(
    title="Memory and CPU",
    how=f"""A container with a label starts, is served, is stopped and forgotten, once and then five times that count, in each of {PASSES} passes, from few others to many and
back; and the same with a new container each time, which is removed. *Follower*: the process that follows the
containers, by itself; Traefik is proxy and follower in one. *With its proxy*: both containers whole, as `docker stats` counts them,
with the proxy's tests of texts and the new workers of a reload; what the engine spends is in neither. Nothing happens: for {IDLE} s.
The figures of the process need an engine on this machine.""",
    run=run,
    others=(3, 200),
    chart=("resident", "memory", "CPU a start and"),
    passes=PASSES,
    grows=("CPU a start and",),
)
