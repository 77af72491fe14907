"""What following costs the engine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import places
from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.places import Place
from tests.bench.scene import Scene
from tests.e2e.gate import ALLOWED, Gate, gate
from tests.e2e.stack import docker, engine_socket, until

#: A turn of the other side is over when it has asked nothing for so many seconds.
SILENCE = 1.0


def run(scene: Scene, others: int) -> Iterator[Figure]:
    """Both confgens ask alike, so one is enough."""
    for make, allowed in ((lambda env: places.confgen("nginx", env), ALLOWED), (places.traefik, (".*",))):
        with tempfile.TemporaryDirectory(prefix="confgen-bench-") as folder:
            path = Path(folder) / "engine.sock"
            path.parent.chmod(0o755)
            with gate(engine_socket(), path, allowed) as counter, make({"DOCKER_SOCKET": str(path)}) as place:
                yield _calls(scene, others, place, counter)


def _calls(scene: Scene, others: int, place: Place, counter: Gate) -> Figure:
    _silent(counter)
    rounds = [
        _cycle(place, number, counter) for number in scene.each(range(scene.times(5)), f"{place.name}: calls, {others} others")
    ]
    return Figure(f"calls for a start and a removal, {others} others", place.name, tuple(map(float, rounds)))


def _cycle(place: Place, number: int, counter: Gate) -> int:
    before = len(counter.asked)
    container = place.run(f"calls{number}", f"calls{number}.localhost")
    place.serves(f"calls{number}.localhost")
    docker("rm", "-f", container)
    place.forgets(f"calls{number}.localhost")
    _silent(counter)
    return len(counter.asked) - before


def _silent(counter: Gate) -> None:
    known, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal known, since
        if len(counter.asked) != known:
            known, since = len(counter.asked), time.monotonic()
        return time.monotonic() - since > SILENCE

    until(quiet, "nothing more is asked", deadline=30)


MEASURE = Measure(
    title="Calls to the engine",
    how="""A gate before the engine's socket counts every request. One container with a label starts, is served, is removed and
forgotten; the engine tells seven events of it. Both confgens ask alike; it is counted with nginx.""",
    run=run,
    others=(10, 50, 200),
    chart=("calls",),
)
