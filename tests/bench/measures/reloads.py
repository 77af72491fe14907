"""Unrelated hosts come and go: what the clients of another host notice."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.measures.replicas import noticed
from tests.bench.places import HOST, Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker
from tests.load import Load, Result


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    for place in scene.places:
        with scene.only(place):
            place.replicas(3)
            time.sleep(place.quiet)
            applied, reloads = place.applied(), place.reloads()
            seen = _changes(scene, place)
            yield from noticed("clients of another host", place.name, seen)
            yield Figure("changes applied", place.name, (place.applied() - applied,), better="")
            yield Figure("reloads", place.name, (place.reloads() - reloads,))


def _changes(scene: Scene, place: Place) -> Result:
    with Load(place.world.port, HOST) as load:
        for number in scene.each(range(-(-scene.times(20) // 2)), f"{place.name}: unrelated hosts"):
            host = f"other{number}.localhost"
            container = place.run(f"other{number}", host)
            place.serves(host)
            docker("rm", "-f", container)
            place.forgets(host)
    return load.result


MEASURE = Measure(
    title="Unrelated hosts come and go, at 200 requests/s",
    how="""A container with a host of its own starts, is served, is removed and forgotten, ten times; ten keep-alive clients ask for
another host meanwhile. With nginx each of these changes is a reload. *Changes applied*: how often something new was brought to the
proxy, in whatever way.""",
    run=run,
)
