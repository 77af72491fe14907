"""Where it is measured: the places, up for the whole run, other containers around them, and the engine's events."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from rich.progress import Progress

from tests.bench import places
from tests.bench.engine import Events, at_rest, busy, events, remove
from tests.bench.places import Place
from tests.e2e.stack import docker

Item = TypeVar("Item")
#: How long one may take to catch up, in seconds.
PATIENCE = 30.0
#: The share of all cores up to which a machine counts as idle; 200 containers that sleep keep two cores 5 % busy.
IDLE = 0.08


@dataclass
class Scene:
    """rounds: asked for by the user, 0 for what each measure thinks right."""

    places: tuple[Place, ...]
    events: Events
    rounds: int
    progress: Progress
    #: Containers that have nothing to do with anything.
    crowd: list[str] = field(default_factory=list)
    _mark: str = field(default_factory=lambda: f"cgbench-{secrets.token_hex(3)}")

    def times(self, usual: int) -> int:
        return self.rounds or usual

    def each(self, items: Iterable[Item], text: str) -> Iterator[Item]:
        """Tells how far it is."""
        listed = list(items)
        task = self.progress.add_task(text, total=len(listed))
        for item in listed:
            yield item
            self.progress.advance(task)
        self.progress.remove_task(task)

    def turns(self, rounds: int, text: str, *more: Place) -> Iterator[tuple[int, Place]]:
        """Every place in every round, one after the other, so that what the machine does meanwhile meets all alike.

        more: places of one measure alone.
        """
        pairs = [(number, place) for number in range(rounds) for place in (*self.places, *more)]
        for number, place in self.each(pairs, text):
            with self.only(place):
                yield number, place

    @contextlib.contextmanager
    def only(self, place: Place) -> Iterator[None]:
        """The others' followers are frozen: they would use the same two cores to look at the same events.

        All catch up first with what they missed: one that is frozen in the middle of its work would believe afterwards that
        it had taken so long.
        """
        self.catch_up()
        others = [other.world.container(other.follower) for other in self.places if other is not place]
        docker("kill", "--signal", "STOP", *others)
        try:
            yield
        finally:
            docker("kill", "--signal", "CONT", *others)

    def catch_up(self) -> None:
        """On a machine where others start containers nobody comes to rest, and it is measured all the same."""
        numbers = [place.pid for place in self.places]
        given_up = time.monotonic() + PATIENCE
        while not at_rest(numbers) and time.monotonic() < given_up:
            pass

    def gather(self, size: int) -> None:
        """Other containers come or go until there are so many: idle, without labels and without a network."""
        self.crowd, left = self.crowd[:size], self.crowd[size:]
        if left:
            for _ in self.each((left,), f"other containers: {size}"):
                remove(left)
        names = [f"{self._mark}-{number}" for number in range(len(self.crowd), size)]
        self.crowd += names
        with ThreadPoolExecutor(max_workers=4) as pool:
            waiting = [pool.submit(_idle, name) for name in names]
            try:
                for future in self.each(waiting, f"other containers: {size}"):
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)
        if names or left:
            self._settle()

    def _settle(self) -> None:
        """What the engine and the disk still have to do for containers that came or went a moment ago is none of what is measured."""
        os.sync()
        given_up = time.monotonic() + PATIENCE
        while busy() > IDLE and time.monotonic() < given_up:
            pass


def _idle(name: str) -> None:
    docker("run", "-d", "--name", name, "--network", "none", "--entrypoint", "sleep", "busybox", "86400")


@contextlib.contextmanager
def scene(rounds: int, progress: Progress) -> Iterator[Scene]:
    """All of it, until the end of the block; then nothing is left."""
    with contextlib.ExitStack() as stack:
        task = progress.add_task("confgen with nginx, confgen with HAProxy, Traefik", total=None)
        found = [stack.enter_context(make) for make in (places.confgen("nginx"), places.confgen("haproxy"), places.traefik())]
        made = Scene(tuple(found), stack.enter_context(events()), rounds, progress)
        stack.callback(lambda: remove(made.crowd))
        progress.remove_task(task)
        stack.callback(_unmoved)
        yield made


def _unmoved() -> None:
    """Once the tidying has begun, nobody's impatience leaves half of it behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
