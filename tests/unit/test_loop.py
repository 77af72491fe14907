"""What keeps the loop turning: no thread of it dies unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from confgen.errors import BadInput, ConfgenError
from confgen.loop import Loop
from confgen.settings import Pace, Settings
from confgen.sources.source import Wake
from confgen.state import Snapshot


class Source:
    """One that is empty, and whose watch does what it is told."""

    name = "fake"

    def __init__(self, watch: Callable[[int], None]) -> None:
        self._watch = watch
        self.watched = 0

    def snapshot(self) -> Snapshot:
        return Snapshot(self.name)

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        self.watched += 1
        self._watch(self.watched)
        stop.wait()


def loop(tmp_path: Path, source: Source) -> Loop:
    return Loop(replace(Settings(), directory=tmp_path, pace=Pace(retry=0.01)), (source,))


def fails(error: Exception) -> Callable[[int], None]:
    def watch(times: int) -> None:
        if times == 1:
            raise error

    return watch


@pytest.mark.parametrize("error", [ConfgenError("no"), BadInput("no")])
def test_a_watch_that_fails_is_opened_again(tmp_path: Path, error: ConfgenError) -> None:
    stop = threading.Event()
    source = Source(lambda times: stop.set() if times > 1 else fails(error)(times))
    loop(tmp_path, source).run(stop, lambda report: None)
    assert source.watched == 2


def test_a_watch_that_breaks_ends_the_program(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        loop(tmp_path, Source(lambda times: print(1 / 0))).run(threading.Event(), lambda report: None)
