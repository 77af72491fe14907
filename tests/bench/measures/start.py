"""From the engine's `start` event to the first 200."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.hand import hand
from tests.bench.measure import Measure
from tests.bench.places import THROTTLE, Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, until

#: Starts at rest in each pass.
STARTS = 8
#: So many starts in a row; the first of them was at rest and is not counted.
ROW = 5
#: What 197 others more may cost is less than what a machine differs from itself a minute later.
PASSES = 4
#: Between two requests of the one who waits, in seconds.
PAUSE = 0.002


def run(scene: Scene, others: int) -> Iterator[Figure]:
    with hand() as by_hand:
        yield from _figures("at rest", others, _at_rest(scene, others, by_hand))
        yield from _figures("in a row", others, _in_a_row(scene, others, by_hand))


def _figures(case: str, others: int, found: dict[str, list[float]]) -> Iterator[Figure]:
    for place, values in found.items():
        yield Figure(f"{case}, {others} others", place, tuple(values), "ms")


def _at_rest(scene: Scene, others: int, by_hand: Place) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for number, place in scene.turns(scene.times(STARTS), "starts at rest", by_hand):
        name = f"rest{others}-{number}"
        container = place.create(name, f"{name}.localhost")
        time.sleep(place.quiet)
        found[place.name].append(_start(scene, place, container, f"{name}.localhost"))
        docker("rm", "-f", container)
    return found


def _in_a_row(scene: Scene, others: int, by_hand: Place) -> dict[str, list[float]]:
    """Each starts as soon as the one before is served."""
    found: dict[str, list[float]] = defaultdict(list)
    for number, place in scene.turns(-(-scene.times(ROW) // ROW), "starts in a row", by_hand):
        names = [f"row{others}-{number}-{index}" for index in range(ROW + 1)]
        containers = [place.create(name, f"{name}.localhost") for name in names]
        time.sleep(place.quiet)
        times = [_start(scene, place, container, f"{name}.localhost") for name, container in zip(names, containers, strict=True)]
        found[place.name] += times[1:]
        docker("rm", "-f", *containers)
    return found


def _start(scene: Scene, place: Place, container: str, host: str) -> float:
    with _asked(place, host) as first:
        docker("start", container)
        until(lambda: first, f"{place.name} serves {host}")
    return (first[0] - scene.events.time("start", container)) * 1000


@contextlib.contextmanager
def _asked(place: Place, host: str) -> Iterator[list[float]]:
    """When the first 200 came: asked all the time, each time over a new connection."""
    first: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not first and not stop.wait(PAUSE):
            if place.status(host) == 200:
                first.append(time.time())

    thread = threading.Thread(target=ask, name="asks")
    thread.start()
    try:
        yield first
    finally:
        stop.set()
        thread.join()


MEASURE = Measure(
    title="From the start of a container to its first 200",
    how=f"""A container with a new host starts (busybox httpd, which listens within milliseconds). Counted from the engine's
`start` event to the first 200; a client asks every {PAUSE * 1000:g} ms over new connections. *At rest*: nothing is held back from before
(Traefik puts changes together for {THROTTLE:g} s, `providersThrottleDuration`, so nothing happens for longer than twice that).
*In a row*: {ROW + 1} starts, each as soon as the one before was served; the first is not counted. There the throttle shows.
In {PASSES} passes, from few others to many and back. *Against*: the medians of each pass.
*nginx told by hand*: the same nginx with no follower; a few lines, on this machine, read the engine's event, ask it for the address, write the
text, and have nginx test and load it by the same start script. Nobody who follows containers with nginx can be quicker in the same
way, and what grows there with the others is the machine's and the engine's. It needs an engine on this machine.""",
    run=run,
    others=(3, 200),
    chart=("at rest", "in a row"),
    passes=PASSES,
    grows=("at rest", "in a row"),
)
