"""Every measure, by the name that `make bench ONLY=…` takes, in the order of the page."""

from __future__ import annotations

from tests.bench.measure import Measure
from tests.bench.measures import burst, calls, check, dead, kill, memory, offline, reloads, replicas, start, turn, wire

MEASURES: dict[str, Measure] = {
    "start": start.MEASURE,
    "kill": kill.MEASURE,
    "replicas": replicas.MEASURE,
    "reloads": reloads.MEASURE,
    "dead": dead.MEASURE,
    "burst": burst.MEASURE,
    "calls": calls.MEASURE,
    "memory": memory.MEASURE,
    "turn": turn.MEASURE,
    "wire": wire.MEASURE,
    "offline": offline.MEASURE,
    "check": check.MEASURE,
}
