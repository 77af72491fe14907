"""From the engine's `kill` event to the last new request that the stopping container gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.places import HOST, Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, until
from tests.load import Load


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    found = defaultdict(list)
    for _, place in scene.turns(scene.times(5), "stops of an app that lingers"):
        found[place.name].append(_stop(scene, place))
    for name, values in found.items():
        yield Figure("last new request after `kill`", name, tuple(values), "ms")


def _stop(scene: Scene, place: Place) -> float:
    container = place.replicas(2, "lingers")[0]
    hostname = docker("inspect", "--format", "{{.Config.Hostname}}", container)
    scene.events.forget(container)
    with Load(place.world.port, HOST) as load:
        until(lambda: load.result.answered_by[hostname] > 20, "the one that will stop gets requests")
        docker("stop", container)
    docker("start", container)
    return (load.result.last_sent[hostname] - scene.events.time("kill", container)) * 1000


MEASURE = Measure(
    title="From `docker stop` to the last new request",
    how="""One of two replicas is stopped at 200 requests/s; its app serves for 3 s more after SIGTERM, as if nothing were.
Counted from the engine's `kill` event to the moment at which the last request was sent that it answered. What is sent there later
than necessary is lost by any app that ends sooner.""",
    run=run,
    chart=("last new",),
)
