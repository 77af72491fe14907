"""Fuzzing for a given time, on every core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache

from tests.fuzz import differential
from tests.fuzz.line import VERSIONS, Difference, Side, Tally, walk, written
from tests.fuzz.worlds import SIZE, minimal, world

#: Worlds that a process makes before it tells of them: half a second of work.
BATCH = 5


@cache
def sides() -> dict[str, tuple[Side, ...]]:
    """Every version that is written for; made once in each process."""
    return {name: tuple(Side.of(name, version) for version in versions) for name, versions in VERSIONS.items()}


def batch(seed: str, first: int, count: int = BATCH, size: int = SIZE) -> Tally:
    """Some worlds through the line."""
    tally = Tally()
    for number in range(first, first + count):
        walk(world(f"{seed}/{number}", size), number, sides(), tally)
        tally.counts["worlds"] += 1
    return tally


def labels(seed: str, seconds: float, tell: Callable[[Tally], None]) -> Tally:
    """Worlds until the time is over; `tell` hears of the sum so far."""
    whole, end = Tally(), time.monotonic() + seconds
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        numbers = iter(range(0, 10**9, BATCH))
        running = {pool.submit(batch, seed, next(numbers)) for _ in range(2 * (os.cpu_count() or 1))}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                whole.add(future.result())
                if time.monotonic() < end:
                    running.add(pool.submit(batch, seed, next(numbers)))
            tell(whole)
    return whole


def programs(seed: str, seconds: float, tell: Callable[[str, Tally], None]) -> Tally:
    """Every part of the differential against every program, each for its share of the time."""
    parts = [(part, program) for part in differential.PARTS for program in differential.programs()]
    share = seconds * (os.cpu_count() or 1) / len(parts)
    whole = Tally()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running: dict[Future[Tally], str] = {
            pool.submit(differential.PARTS[part], program, seed, share): f"{part} {program.name}" for part, program in parts
        }
        for future, title in _as_they_end(running):
            whole.add(future.result())
            tell(title, whole)
    return whole


def _as_they_end(running: dict[Future[Tally], str]) -> Iterator[tuple[Future[Tally], str]]:
    left = set(running)
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
        for future in done:
            yield future, running[future]


def reproduced(seed: str, number: int) -> list[str]:
    """What is wrong with a world, and the smallest part of it with which the same proxy is wrong, label by label."""
    said = []
    for name, some in sides().items():
        side = some[number % len(some)]
        whole = world(f"{seed}/{number}")
        message = _wrong(whole, side)
        if message:
            small = minimal(whole, lambda part, side=side: bool(_wrong(part, side)))  # type: ignore[misc]
            said.append(f"world {seed}/{number}, {name} {side.caps.text}: {_wrong(small, side)}")
            said += [f"    container {i.name!r}, label {key!r}: {text!r}" for i in small for key, text in i.labels]
            said += [f"    container {i.name!r}: {i.attachments} {i.host_name!r}" for i in small if not i.labels]
    return said


def _wrong(part: tuple, side: Side) -> str:  # type: ignore[type-arg]
    try:
        written(part, side)
    except Difference as difference:
        return str(difference)
    return ""
