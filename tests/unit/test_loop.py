"""What keeps the loop turning: no thread of it dies unseen."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from confgen.apply import Result
from confgen.errors import BadInput, ConfgenError, SourceUnavailable
from confgen.loop import Loop
from confgen.offer import Vantage
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Proxy
from confgen.report import Report
from confgen.seats import Seat
from confgen.settings import Pace, Settings
from confgen.sources.source import Wake
from confgen.state import Instance, Snapshot
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command
from tests.unit.facts import container
from tests.unit.test_keep import Nginx


class Source:
    """One that is empty, and whose watch does what it is told."""

    name = "fake"

    def __init__(self, watch: Callable[[int], None]) -> None:
        self._watch = watch
        self.watched = 0
        self.instances: tuple[Instance, ...] = ()

    def snapshot(self) -> Snapshot:
        return Snapshot(self.name, self.instances)

    def expects(self) -> bool:
        return False

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


def test_that_a_source_is_silent_and_that_it_answers_again_is_told_once_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    source = Source(lambda _: None)
    line = loop(tmp_path, source)
    line.look()

    def silent() -> Snapshot:
        raise SourceUnavailable("the engine does not answer", "is it running?")

    with monkeypatch.context() as broken:
        broken.setattr(source, "snapshot", silent)
        assert [line.look().stale for _ in range(2)] == [("fake",), ("fake",)]
    assert [line.look().stale for _ in range(2)] == [(), ()]
    words = [record.message for record in caplog.records]
    assert words == ["the engine does not answer; what was known before stays. is it running?", "source fake answers again"]


@pytest.mark.parametrize("error", [ConfgenError("no"), BadInput("no")])
def test_a_watch_that_fails_is_opened_again(tmp_path: Path, error: ConfgenError) -> None:
    stop = threading.Event()
    source = Source(lambda times: stop.set() if times > 1 else fails(error)(times))
    loop(tmp_path, source).run(stop, lambda report: None)
    assert source.watched == 2


def test_a_watch_that_breaks_ends_the_program(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        loop(tmp_path, Source(lambda times: print(1 / 0))).run(threading.Event(), lambda report: None)


@pytest.mark.parametrize("folder", ["same", "other"])
def test_a_proxy_that_comes_back_under_another_name_is_kept_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """The right to write into its folder was held for the name that it had."""
    there = [Seat("before", "1", *_with(tmp_path / "same"))]
    monkeypatch.setattr("confgen.loop.seats", lambda state, settings: (tuple(there), ()))
    source = Source(lambda times: None)
    line = loop(tmp_path, source)
    assert [seat.applied.result for seat in line.turn().seats if seat.applied] == [Result.RELOADED]
    there[:] = [Seat("after" if folder == "same" else "before", "2", *_with(tmp_path / folder))]
    source.instances = (container("web", {"host": "a.example.com", "redirect": "https://b.example.com"}),)
    assert [seat.applied.result for seat in line.turn().seats if seat.applied] == [Result.RELOADED]
    assert "a.example.com" in (tmp_path / folder / "live/nginx.conf").read_text()


def _with(folder: Path) -> tuple[Proxy, Nginx, Vantage]:
    return PROXIES["nginx"], Nginx(Folder(folder)), Vantage(frozenset({"front"}))


def test_while_a_source_is_silent_what_it_said_last_asks_for_no_haste(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, stop, looks = Source(lambda times: None), threading.Event(), list[float]()

    def snapshot() -> Snapshot:
        looks.append(time.monotonic())
        if len(looks) > 1:
            raise SourceUnavailable("the engine does not answer", "is it running?")
        return Snapshot(source.name, (), again=0.0)

    monkeypatch.setattr(source, "snapshot", snapshot)
    threading.Timer(1.0, stop.set).start()
    Loop(replace(Settings(), directory=tmp_path, pace=Pace(retry=0.4)), (source,)).run(stop, lambda report: None)
    assert 2 <= len(looks) < 8, len(looks)


class FrozenNginx(Nginx):
    """Answers nobody until it is let go."""

    def __init__(self, folder: Folder, go: threading.Event) -> None:
        super().__init__(folder)
        self._go = go
        self.asked = threading.Event()

    def run(self, command: Command, deadline: float) -> Answer:
        self.asked.set()
        self._go.wait()
        return super().run(command, deadline)


def test_a_frozen_proxy_keeps_no_other_one_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other follows change upon change meanwhile; and what the frozen one should serve by then it serves in the end."""
    go, stop, right = threading.Event(), threading.Event(), threading.Event()
    frozen, other = FrozenNginx(Folder(tmp_path / "a"), go), Nginx(Folder(tmp_path / "b"))
    both = tuple(
        Seat(name, "1", PROXIES["nginx"], nginx, Vantage(frozenset({"front"}))) for name, nginx in (("a", frozen), ("b", other))
    )
    monkeypatch.setattr("confgen.loop.seats", lambda state, settings: (both, ()))
    source = Source(lambda times: None)
    running = loop(tmp_path, source)

    def serves(nginx: Nginx, host: str) -> bool:
        return host in (nginx.folder.path / "live" / "nginx.conf").read_text()

    def tell(report: Report) -> None:
        hosts = [str(number) + ".example.com" for number in range(1, 4)]
        for number, host in enumerate(hosts, 1):
            served = source.instances and source.instances[-1].name == f"web-{number}" and other.loaded == other.folder.live()
            if served and serves(other, host) and number < len(hosts):
                source.instances += (
                    container(f"web-{number + 1}", {"host": hosts[number], "redirect": "https://a.example.com"}),
                )
                running.look_again("another one")
                return
        if other.loaded != "skeleton" and serves(other, hosts[-1]):
            go.set()
        if frozen.loaded != "skeleton" and serves(frozen, hosts[-1]):
            right.set()
            stop.set()

    source.instances = (container("web-1", {"host": "1.example.com", "redirect": "https://a.example.com"}),)
    guard = threading.Timer(120, stop.set)
    guard.start()
    running.run(stop, tell)
    guard.cancel()
    assert right.is_set()
    assert frozen.asked.is_set()
