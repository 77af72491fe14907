"""An unrelated container starts while one of two servers is known to be dead."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.bench.figures import Figure, counted
from tests.bench.measure import Measure
from tests.bench.places import Place, words
from tests.bench.scene import Scene
from tests.e2e.stack import docker, get, until
from tests.load import Load

HOST = "half.localhost"
#: Slower than this is noticed, in seconds.
SLOW = 0.25
PROBE = "wget -q -T 1 -O /dev/null http://127.0.0.1/"
HEALTHCHECK = ("--health-cmd", PROBE, "--health-interval", "1s", "--health-timeout", "2s", "--health-retries", "1")
POOL = "traefik.http.services.half.loadbalancer"
#: That two containers are one pool.
POOLED = {
    "confgen.host": HOST,
    "confgen.port": "80",
    "confgen.pool": "half",
    "traefik.enable": "true",
    "traefik.http.routers.half.rule": f"Host(`{HOST}`)",
    "traefik.http.routers.half.service": "half",
    f"{POOL}.server.port": "80",
}
#: That whoever follows asks them itself.
PROBED = {
    "confgen.health": "/",
    "confgen.health.interval": "5s",
    "confgen.health.timeout": "1s",
    f"{POOL}.healthcheck.path": "/",
    f"{POOL}.healthcheck.interval": "5s",
    f"{POOL}.healthcheck.timeout": "1s",
}


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    yield from _counted(scene, "known by HEALTHCHECK", HEALTHCHECK, {})
    yield from _counted(scene, "known by probes", (), PROBED)


def _counted(scene: Scene, case: str, options: tuple[str, ...], more: Mapping[str, str]) -> Iterator[Figure]:
    noticed: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for _, place in scene.turns(scene.times(3), f"one of two hangs, {case}"):
        slow, asked = _round(place, (*options, *words({**POOLED, **more})))
        noticed[place.name] += slow
        requests[place.name] += asked
    for place in scene.places:
        yield counted(f"{case}: failed or over 250 ms", place.name, noticed[place.name], of=requests[place.name])


def _round(place: Place, options: tuple[str, ...]) -> tuple[int, int]:
    containers = [place.world.run(f"half{number}", *options, image="confgen-test/web") for number in range(2)]
    try:
        until(lambda: get(place.world.port, HOST).status == 200, f"{place.name} serves {HOST}", deadline=30)
        docker("exec", containers[0], "kill", "-STOP", "-1")
        until(lambda: all(_quick(place) for _ in range(20)), f"{place.name} knows that one hangs", deadline=60)
        return _unrelated(place)
    finally:
        docker("rm", "-f", *containers)


def _quick(place: Place) -> bool:
    return get(place.world.port, HOST, timeout=SLOW).status == 200


def _unrelated(place: Place) -> tuple[int, int]:
    """How many requests were noticed in the seconds around it, of how many."""
    with Load(place.world.port, HOST, timeout=5) as load:
        time.sleep(0.5)
        other = place.run("unrelated", "unrelated.localhost")
        place.serves("unrelated.localhost")
        time.sleep(3)
    docker("rm", "-f", other)
    seen = load.result
    quick_failures = seen.failures - seen.failed["TimeoutError"]
    return seen.over(SLOW) + quick_failures, seen.requests


MEASURE = Measure(
    title="An unrelated container starts while one of two servers hangs",
    how="""The app of one of two servers is frozen, and requests are quick again, since it is known to be dead: to all by a HEALTHCHECK of
the container (the engine tells `unhealthy`), or by probes of the follower or its proxy (`health`, in Traefik `healthcheck`; every 5 s). Then a container with another host starts, at
200 requests/s, and the 4 s around it are counted.""",
    run=run,
    chart=("known",),
)
