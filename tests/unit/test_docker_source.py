"""The Docker source against a fake engine: what is asked for, what is believed and for how long, and what no event may do."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.errors import SourceUnavailable, StaleSocket
from confgen.settings import LabelSettings
from confgen.sources.docker import DRAIN_MARKER, DockerSource, lines
from confgen.state import Instance, Phase

MEBI = 1 << 20


class Stream:
    """An event stream: chunks that were said, then silence until it is closed or broken."""

    def __init__(self, chunks: list[bytes], error: Exception | None = None) -> None:
        self._chunks, self._error = chunks, error
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed.set()


class FakeEngine:
    """Containers by id, as rows of the list; remembers for which ids it was asked, () for all."""

    url = "unix:///nowhere/docker.sock"

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, ...]] = []
        self.error: Exception | None = None
        self.stream = Stream([])
        self.answer: object = None
        self.filters: tuple[str, ...] = ()

    def run(self, identity: str, state: str = "running", networks: Sequence[str] = ("front",), **labels: str) -> None:
        self.rows[identity] = {
            "Id": identity, "Names": [f"/{identity}"], "State": state, "Labels": {f"confgen.{k.replace('_', '-')}": v for k, v in labels.items()},
            "NetworkSettings": {"Networks": {n: {"IPAddress": "10.0.0.2"} for n in networks}},
        }  # fmt: skip

    def address(self, identity: str, address: str) -> None:
        for attachment in self.rows[identity]["NetworkSettings"]["Networks"].values():
            attachment["IPAddress"] = address

    def containers(self, ids: Sequence[str] = ()) -> object:
        self.asked.append(tuple(ids))
        if self.error:
            raise self.error
        if self.answer is not None:
            return self.answer
        return [row for identity, row in self.rows.items() if not ids or identity in ids]

    def events(self, actions: Sequence[str]) -> Stream:
        self.filters = tuple(actions)
        if self.error:
            raise self.error
        return self.stream

    def ping(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bed:
    """A source with its engine and clock, and the wakes that it gave."""

    def __init__(self) -> None:
        self.engine, self.clock = FakeEngine(), Clock()
        self.source = DockerSource(self.engine, LabelSettings(), self.clock)  # type: ignore[arg-type]
        self.wakes: list[tuple[str, bool]] = []

    def tell(self, *events: object, error: Exception | None = None) -> None:
        """The engine says these events, and its stream ends."""
        said = b"".join((e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n" for e in events)
        self.engine.stream = Stream([said], error)
        self.source.watch(lambda reason, urgent: self.wakes.append((reason, urgent)), threading.Event())

    def hint(self, *events: object) -> None:
        """The same in a stream that stood before: nothing but the events counts."""
        for event in events:
            self.source._hint(
                event if isinstance(event, bytes) else json.dumps(event).encode(),
                lambda reason, urgent: self.wakes.append((reason, urgent)),
            )

    def look(self, seconds: float = 0.0) -> dict[str, Instance]:
        self.clock.now += seconds
        return {i.name: i for i in self.source.snapshot().instances}

    def asks(self, act: Callable[[], object]) -> list[tuple[str, ...]]:
        before = len(self.engine.asked)
        act()
        return self.engine.asked[before:]


@pytest.fixture
def bed() -> Bed:
    """Two containers run, and were looked at."""
    found = Bed()
    found.engine.run("web")
    found.engine.run("api")
    found.look()
    return found


def event(action: str, identity: str = "web", kind: str = "container", **attributes: str) -> dict[str, object]:
    if kind == "network":
        return {"Type": kind, "Action": action, "Actor": {"ID": "n1", "Attributes": {"container": identity, **attributes}}}
    return {"Type": kind, "Action": action, "Actor": {"ID": identity, "Attributes": {"name": identity, **attributes}}}


# --- which rows are asked for ---


def test_the_first_look_asks_for_all_and_the_next_for_nothing(bed: Bed) -> None:
    assert bed.engine.asked == [()]
    assert bed.asks(bed.look) == []
    assert sorted(bed.look()) == ["api", "web"]


@pytest.mark.parametrize("action", ["start", "rename", "health_status: healthy", "health_status: unhealthy", "stop", "destroy"])
def test_an_event_names_one_row_and_one_call_asks_for_it(bed: Bed, action: str) -> None:
    bed.hint(event(action))
    assert bed.asks(bed.look) == [("web",)]
    assert bed.asks(bed.look) == []


def test_many_events_are_one_call(bed: Bed) -> None:
    bed.hint(*(event("rename", identity) for identity in ("web", "api", "web", "new")))
    assert bed.asks(bed.look) == [("api", "new", "web")]


def test_a_row_that_is_not_there_any_more_is_forgotten(bed: Bed) -> None:
    del bed.engine.rows["web"]
    bed.hint(event("destroy"))
    assert sorted(bed.look()) == ["api"]


def test_a_row_that_is_new_is_there(bed: Bed) -> None:
    bed.engine.run("new")
    bed.hint(event("start", "new"))
    assert sorted(bed.look()) == ["api", "new", "web"]


def test_a_refresh_asks_for_all(bed: Bed) -> None:
    bed.source.refresh()
    bed.hint(event("rename"))
    assert bed.asks(bed.look) == [()]


def test_what_is_as_before_is_the_same_object_whoever_changed(bed: Bed) -> None:
    bed.engine.run("shop")
    bed.source.refresh()
    before = bed.look()
    bed.engine.run("shop", host="shop.test")
    bed.source.refresh()
    after = bed.look()
    assert after["web"] is before["web"]
    assert after["shop"] != before["shop"]


def test_after_each_reconnect_all_is_asked_for_once_the_subscription_stands(bed: Bed) -> None:
    bed.tell()
    assert bed.asks(bed.look) == [()]
    assert bed.wakes[0] == ("watching the engine", False)


def test_a_kill_alone_asks_for_nothing(bed: Bed) -> None:
    bed.hint(event("kill", signal="15"))
    assert bed.asks(bed.look) == []


def test_the_engine_filters_and_the_actions_are_those_that_matter(bed: Bed) -> None:
    bed.tell()
    assert {"start", "die", "kill", "pause", "unpause", "destroy", "health_status", "connect", "disconnect", "rename"} <= set(
        bed.engine.filters
    )
    assert DRAIN_MARKER in bed.engine.filters
    assert not [a for a in bed.engine.filters if a.startswith("exec_") and a != DRAIN_MARKER], (
        "probes are exec events, three each"
    )


# --- before a start and after an end ---


def attached(action: str, identity: str) -> dict[str, object]:
    return event(action, identity, kind="network", name="front")


def test_a_start_that_is_announced_costs_one_call_and_is_expected(bed: Bed) -> None:
    bed.hint(attached("connect", "new"))
    assert (bed.wakes, bed.asks(bed.look), bed.source.expects()) == ([], [], True)
    bed.engine.run("new")
    bed.hint(event("start", "new"))
    assert not bed.source.expects()
    assert bed.asks(bed.look) == [("new",)]


def test_an_end_costs_one_call_whatever_is_told_of_its_networks(bed: Bed) -> None:
    bed.hint(event("kill", signal="9"), event("die"))
    bed.engine.run("web", state="exited", networks=())
    bed.hint(attached("disconnect", "web"))
    assert len(bed.wakes) == 2
    assert bed.asks(lambda: bed.look(0.06)) == [("web",)]
    bed.hint(attached("disconnect", "web"))
    assert len(bed.wakes) == 2
    assert bed.asks(lambda: bed.look(1)) == []


def test_a_start_that_fails_is_expected_no_more(bed: Bed) -> None:
    bed.hint(attached("connect", "new"), attached("disconnect", "new"))
    assert not bed.source.expects()
    assert bed.wakes, "additions that waited for it wait no more"


def test_an_announcement_that_nothing_follows_is_looked_at_in_the_end(bed: Bed) -> None:
    bed.engine.run("new", state="created", networks=())
    bed.look()
    bed.source.refresh()
    bed.look()
    bed.engine.run("new", state="created")
    bed.hint(attached("connect", "new"))
    assert bed.source.snapshot().again == 5
    assert bed.asks(lambda: bed.look(5)) == [("new",)]
    assert (bed.source.expects(), bed.source.snapshot().again) == (False, None)


def test_a_connection_of_one_that_has_just_started_is_no_announcement(bed: Bed) -> None:
    """The start was told and the list not asked for it yet, or is being asked: a look that comes too early is not the last."""
    bed.engine.run("new", networks=())
    bed.hint(event("start", "new"), attached("connect", "new"))
    bed.look()
    bed.engine.run("new")
    assert bed.look(0.06)["new"].attachments
    bed.hint(event("start", "late"))
    bed.engine.run("late", networks=())
    answer = bed.engine.containers

    def while_asked(ids: Sequence[str] = ()) -> object:
        bed.engine.containers = answer  # type: ignore[method-assign]
        found = answer(ids)
        bed.engine.run("late")
        bed.hint(attached("connect", "late"))
        return found

    bed.engine.containers = while_asked  # type: ignore[method-assign]
    bed.look()
    assert bed.look(0.06)["late"].attachments


@pytest.mark.parametrize("late", [0, 0.2])
def test_who_leaves_a_network_and_is_back_at_once_has_another_address_there(bed: Bed, late: float) -> None:
    """late: for so many seconds the list does not show it on that network again."""
    bed.hint(attached("disconnect", "web"))
    bed.look()
    bed.engine.run("web", networks=() if late else ("front",))
    bed.engine.address("web", "10.0.0.9")
    bed.hint(attached("connect", "web"))
    bed.look()
    bed.engine.run("web")
    bed.engine.address("web", "10.0.0.9")
    assert [a.address for a in bed.look(late)["web"].attachments] == ["10.0.0.9"]


def test_a_paused_one_can_still_leave_a_network(bed: Bed) -> None:
    bed.hint(event("pause"))
    bed.engine.run("web", state="paused", networks=())
    bed.hint(attached("disconnect", "web"))
    assert bed.wakes[-1][1], "urgent"
    assert not bed.look(0.06)["web"].attachments


def test_who_is_known_to_have_ended_is_forgotten_without_haste(bed: Bed) -> None:
    """It gets no requests any more: what is left to be done is to forget its host, which can be done with others."""
    bed.hint(event("die"), event("destroy"))
    assert [urgent for _, urgent in bed.wakes] == [True, False]


# --- wakes ---


@pytest.mark.parametrize(
    ("said", "urgent"),
    [
        (event("start"), False), (event("unpause"), False), (event("health_status: healthy"), False), (event("health_status: unhealthy"), True), (event("die"), True), (event("kill", signal="15"), True),
        (event("pause"), True), (event("destroy"), True), (event("connect", kind="network"), False), (event("disconnect", kind="network"), True), (event(DRAIN_MARKER), True),
    ],
)  # fmt: skip
def test_whoever_leaves_is_urgent(bed: Bed, said: dict[str, object], urgent: bool) -> None:
    bed.hint(said)
    ((reason, is_urgent),) = bed.wakes
    assert is_urgent is urgent
    assert str(said["Action"]).split(":")[0] in reason


def test_a_network_event_names_its_container(bed: Bed) -> None:
    bed.engine.run("web", networks=("front", "back"))
    bed.hint(event("connect", kind="network", name="back"))
    assert bed.asks(lambda: bed.look(0.06)) == [("web",)]
    assert len(bed.look()["web"].attachments) == 2


def test_a_network_without_an_address_yet_is_looked_at_again(bed: Bed) -> None:
    bed.engine.run("web", networks=("front", "back"))
    bed.engine.rows["web"]["NetworkSettings"]["Networks"]["back"]["IPAddress"] = ""
    bed.hint(event("connect", kind="network", name="back"))
    bed.look(0.06)
    assert bed.source.snapshot().again is not None
    bed.engine.run("web", networks=("front", "back"))
    bed.look(0.2)
    assert bed.source.snapshot().again is None


def test_a_network_that_comes_or_goes_names_nobody(bed: Bed) -> None:
    bed.hint({"Type": "network", "Action": "destroy", "Actor": {"ID": "n1", "Attributes": {"name": "front"}}})
    assert (bed.wakes, bed.asks(bed.look)) == ([], [])


# --- what the list does not show: stopping ---


@pytest.mark.parametrize("signal", ["15", "SIGTERM", "TERM", "2", "3", "9", "SIGKILL", "KILL", "SIGINT", "SIGQUIT"])
def test_a_stop_signal_makes_a_container_stopping_at_once(bed: Bed, signal: str) -> None:
    bed.hint(event("kill", signal=signal))
    found = bed.look()
    assert (found["web"].stopping, found["api"].stopping) == (True, False)


@pytest.mark.parametrize("signal", ["1", "SIGHUP", "10", "28", "WINCH", "SIGUSR2", "", "64", "x"])
def test_another_signal_does_not(bed: Bed, signal: str) -> None:
    bed.hint(event("kill", signal=signal))
    assert not bed.look()["web"].stopping


def test_the_stop_signal_label_says_which(bed: Bed) -> None:
    bed.engine.run("web", stop_signal="WINCH")
    bed.source.refresh()
    bed.look()
    bed.hint(event("kill", signal="15"))
    assert not bed.look()["web"].stopping
    bed.hint(event("kill", signal="28"))
    assert bed.look()["web"].stopping


@pytest.mark.parametrize("section", ["routes.default", "routes.api", "tcp.3306"])
def test_what_a_named_route_says_holds_for_its_container(bed: Bed, section: str) -> None:
    bed.engine.run("web", **{f"{section}.stop-signal": "WINCH", f"{section}.drain": "1m"})
    bed.source.refresh()
    bed.look()
    bed.hint(event("kill", signal="15"))
    assert not bed.look()["web"].stopping
    bed.hint(event("kill", signal="28"))
    assert bed.look(64)["web"].stopping


def test_a_label_that_cannot_be_read_leaves_the_defaults(bed: Bed) -> None:
    bed.engine.run("web", stop_signal="NOPE", drain="soon")
    bed.source.refresh()
    bed.look()
    bed.hint(event("kill", signal="15"))
    assert bed.look()["web"].stopping
    assert bed.look(14.9)["web"].stopping
    assert not bed.look(0.2)["web"].stopping


def test_the_drain_notice_is_an_exec_that_says_so(bed: Bed) -> None:
    bed.hint(event(DRAIN_MARKER))
    assert bed.look()["web"].stopping


@pytest.mark.parametrize(("drain", "seconds"), [("", 15.0), ("0s", 5.0), ("1m", 65.0)])
def test_who_was_told_to_stop_and_still_runs_is_taken_back_after_its_drain_and_five_seconds(drain: str, seconds: float) -> None:
    bed = Bed()
    bed.engine.run("web", **({"drain": drain} if drain else {}))
    bed.look()
    bed.hint(event("kill", signal="15"))
    snapshot = bed.source.snapshot()
    assert snapshot.again == pytest.approx(seconds), "and the loop is told when to look, for nothing else will wake it"
    assert bed.look(seconds - 0.1)["web"].stopping
    assert not bed.look(0.1)["web"].stopping
    assert bed.source.snapshot().again is None


def test_a_container_that_starts_again_is_not_stopping(bed: Bed) -> None:
    bed.hint(event("kill", signal="15"), event("die"), event("start"))
    found = bed.look()["web"]
    assert (found.stopping, found.phase) == (False, Phase.RUNNING)


def test_a_kill_of_somebody_unknown_is_nothing(bed: Bed) -> None:
    bed.hint(event("kill", "stranger", signal="15"))
    assert sorted(bed.look()) == ["api", "web"]


# --- what the list shows late ---


def test_a_death_is_believed_before_the_list_shows_it(bed: Bed) -> None:
    bed.hint(event("die"))
    assert bed.look()["web"].phase is Phase.RESTARTING
    again = bed.source.snapshot().again
    assert again is not None
    assert again <= 0.1
    bed.engine.run("web", "exited")
    assert bed.look(again)["web"].phase is Phase.EXITED
    assert bed.source.snapshot().again is None


def test_in_the_end_the_list_is_right(bed: Bed) -> None:
    bed.hint(event("die"))
    phases = [bed.look(0.5)["web"].phase for _ in range(20)]
    assert phases[0] is Phase.RESTARTING
    assert phases[-1] is Phase.RUNNING
    assert bed.source.snapshot().again is None


def test_a_pause_is_believed_and_taken_back(bed: Bed) -> None:
    bed.hint(event("pause"))
    assert bed.look()["web"].phase is Phase.PAUSED
    bed.hint(event("unpause"))
    assert bed.look()["web"].phase is Phase.RUNNING


# --- errors ---


def test_an_error_keeps_what_was_named_for_the_next_look(bed: Bed) -> None:
    bed.hint(event("rename"))
    bed.engine.error = SourceUnavailable("no")
    with pytest.raises(SourceUnavailable):
        bed.look()
    bed.engine.error = None
    bed.engine.run("web", "exited")
    assert bed.look()["web"].phase is Phase.EXITED


def test_an_error_forgets_nothing(bed: Bed) -> None:
    bed.engine.error = SourceUnavailable("no")
    bed.source.refresh()
    with pytest.raises(SourceUnavailable):
        bed.look()
    bed.engine.error, bed.engine.answer = None, {"message": "no"}
    with pytest.raises(SourceUnavailable, match="not a list"):
        bed.look()
    bed.engine.answer = [{"Id": 5}]
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        bed.look()
    bed.engine.answer = None
    assert sorted(bed.look()) == ["api", "web"]


def test_a_socket_that_refuses_for_a_minute_is_a_stale_one(bed: Bed) -> None:
    bed.engine.error = SourceUnavailable("no")
    bed.engine.error.__cause__ = ConnectionRefusedError()
    bed.source.refresh()
    for seconds, kind in ((0, SourceUnavailable), (59, SourceUnavailable), (2, StaleSocket)):
        with pytest.raises(kind):
            bed.look(seconds)
    bed.engine.error = None
    bed.look()
    bed.engine.error = SourceUnavailable("no")
    bed.engine.error.__cause__ = ConnectionRefusedError()
    bed.source.refresh()
    with pytest.raises(SourceUnavailable):
        bed.look()


def test_an_engine_that_cannot_be_watched_is_unavailable(bed: Bed) -> None:
    bed.engine.error = SourceUnavailable("no")
    with pytest.raises(SourceUnavailable):
        bed.tell()


@pytest.mark.parametrize("error", [OSError("reset"), ConnectionResetError(), ValueError("chunk"), TimeoutError()])
def test_a_stream_that_breaks_is_unavailable_after_its_events_were_taken(bed: Bed, error: Exception) -> None:
    with pytest.raises(SourceUnavailable, match="stream broke"):
        bed.tell(event("die"), error=error)
    assert bed.wakes[-1] == ("container die web", True)


def test_a_stream_that_ends_is_opened_again_by_the_caller(bed: Bed) -> None:
    bed.tell()
    bed.tell()
    assert [reason for reason, _ in bed.wakes] == ["watching the engine"] * 2


def test_watching_again_and_again_leaves_no_threads(bed: Bed) -> None:
    before = threading.active_count()
    for _ in range(20):
        bed.tell()
    for thread in threading.enumerate():
        if thread.name.startswith("confgen"):
            thread.join(2)
    assert threading.active_count() <= before


# --- after a reconnect the engine may not have its containers back ---


def test_right_after_a_reconnect_a_list_that_lacks_many_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    bed = Bed()
    for i in range(6):
        bed.engine.run(f"c{i}")
    bed.look()
    rows, bed.engine.rows = bed.engine.rows, {}
    bed.tell()
    with caplog.at_level(logging.WARNING):
        assert len(bed.look()) == 6
    assert "lacks 6 of 6" in caplog.text
    bed.hint(event("destroy", "c0"))
    bed.source.refresh()
    assert len(bed.look()) == 5, "an event says that this one is gone"
    bed.engine.rows = rows
    bed.source.refresh()
    assert len(bed.look(1)) == 6
    assert bed.source.snapshot().again is None


def test_what_does_not_come_back_goes_after_a_while() -> None:
    bed = Bed()
    for i in range(6):
        bed.engine.run(f"c{i}")
    bed.look()
    bed.engine.rows = {}
    bed.tell()
    assert len(bed.look()) == 6
    again = bed.source.snapshot().again
    assert again == pytest.approx(30)
    assert bed.look(30) == {}


@pytest.mark.parametrize("missing", [3, 6])
def test_a_few_that_are_missing_or_a_list_long_after_are_believed(missing: int) -> None:
    bed = Bed()
    for i in range(8):
        bed.engine.run(f"c{i}")
    bed.look()
    bed.tell()
    for i in range(missing):
        del bed.engine.rows[f"c{i}"]
    assert len(bed.look(11 if missing == 6 else 0)) == 8 - missing


# --- what no event may do ---

GARBAGE: list[object] = [
    b"", b"{", b"null", b"5", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, {"Type": "container"}, {"Type": "container", "Action": "die"}, {"Type": "container", "Action": "die", "Actor": None},
    {"Type": "container", "Action": "die", "Actor": []}, {"Type": "container", "Action": "die", "Actor": "x"}, {"Type": "container", "Action": "die", "Actor": {}},
    {"Type": "container", "Action": "die", "Actor": {"ID": "web", "Attributes": []}}, {"Type": "container", "Action": "die", "Actor": {"ID": "web", "Attributes": [1]}},
    {"Type": "container", "Action": "die", "Actor": {"ID": "web", "Attributes": "x"}}, {"Type": "container", "Action": "die", "Actor": {"ID": "web", "Attributes": 5}},
    {"Type": "network", "Action": "connect", "Actor": {"ID": "n", "Attributes": [1]}}, {"Type": "container", "Action": None, "Actor": {"ID": None, "Attributes": None}},
    {"Type": [], "Action": {}, "Actor": {"ID": [], "Attributes": {"name": {}, "signal": []}}},
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda g: repr(g)[:40])
def test_after_an_event_that_cannot_be_read_the_next_is_taken(bed: Bed, garbage: object) -> None:
    bed.tell(garbage, event("die", "api"))
    assert bed.wakes[-1] == ("container die api", True)
    assert bed.look()["api"].phase is Phase.RESTARTING


def test_an_unreadable_event_asks_for_all(bed: Bed) -> None:
    bed.hint(b"{")
    assert bed.wakes == [("unreadable event", False)]
    assert bed.asks(bed.look) == [()]


@given(data=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["Type", "Action", "Actor", "ID", "Attributes", "name", "signal", "container"]), x, max_size=4)))  # fmt: skip
def test_any_json_as_an_event_raises_nothing(data: object) -> None:
    bed = Bed()
    bed.engine.run("web")
    bed.look()
    bed.hint(data)
    bed.look()


# --- lines ---


def cut(text: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in itertools.pairwise(edges)]


@given(
    said=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=10),
    rest=st.sampled_from([b"", b"half"]),
    places=st.lists(st.integers(0, 300), max_size=20),
)
def test_lines_are_those_of_the_whole_however_it_was_cut(said: list[bytes], rest: bytes, places: list[int]) -> None:
    text = b"".join(line + b"\n" for line in said) + rest
    assert list(lines(cut(text, places))) == [line.strip() for line in said if line.strip()]


@pytest.mark.parametrize("size", [MEBI - 1, MEBI, MEBI + 1, 3 * MEBI])
@pytest.mark.parametrize("chunk", [1000, 65536, MEBI, MEBI + 1, 10 * MEBI])
def test_a_line_too_long_is_one_that_cannot_be_read_however_it_was_cut(size: int, chunk: int) -> None:
    text = b"a\n" + b"x" * size + b"\nb\n"
    chunks = [text[i : i + chunk] for i in range(0, len(text), chunk)]
    long = b"x" * size if size <= MEBI else b""
    assert list(lines(chunks)) == [b"a", long, b"b"]


def test_a_line_that_never_ends_does_not_fill_the_memory() -> None:
    tracemalloc.start()
    try:
        assert list(lines(b"x" * 65536 for _ in range(1000))) == [b""]
        assert tracemalloc.get_traced_memory()[1] < 4 * MEBI
    finally:
        tracemalloc.stop()


def test_many_lines_in_one_chunk_take_no_time() -> None:
    """Cutting one line after the other from the front would copy the rest each time: 20 GB for this."""
    assert sum(1 for _ in lines([b"x\n" * 200_000])) == 200_000
