"""When to act: arithmetic, as a table of times."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.settings import Pace
from confgen.settle import Pending, adapted, backoff, counted, due

PACE = Pace(quiet=0.05, most=0.5, gap=0.3, hold=2.0, relist=30.0, retry=0.5, retry_most=60.0)


@pytest.mark.parametrize(
    ("pending", "applied", "looked", "when"),
    [
        # nothing pending: a regular look, `relist` after the last one
        (None, 0.0, 100.0, 130.0),
        # one change after a quiet time: at once
        (Pending(100.0, 100.0), 0.0, 0.0, 100.0),
        (Pending(100.0, 100.0), 99.69, 0.0, 100.0),
        # shortly after the last reload: when it is quiet, but not before `gap` has passed since that reload
        (Pending(100.0, 100.0), 99.9, 0.0, 100.2),
        (Pending(100.0, 100.19), 99.9, 0.0, 100.24),
        # a storm: at most `most` after the first
        (Pending(100.0, 100.48), 99.9, 0.0, 100.5),
        (Pending(100.0, 200.0), 99.9, 0.0, 100.5),
        # somebody leaves: at once, whatever was just applied
        (Pending(100.0, 100.0, urgent=True), 99.99, 0.0, 100.0),
        (Pending(100.0, 100.3, urgent=True), 99.99, 0.0, 100.0),
        # while a reload ran a change came: it waits for that reload and then for its turn
        (Pending(99.9, 99.9), 100.0, 0.0, 100.3),
    ],
)  # fmt: skip
def test_when_the_next_turn_starts(pending: Pending | None, applied: float, looked: float, when: float) -> None:
    assert due(pending, applied, looked, PACE) == pytest.approx(when)


@pytest.mark.parametrize(
    ("pending", "applied", "when"),
    [
        # a single one is acted on at once all the same: whoever comes first waits for nobody
        (Pending(100.0, 100.0), 0.0, 100.0),
        (Pending(100.0, 100.2, urgent=True), 99.9, 100.0),
        (Pending(100.0, 100.0), 99.5, 100.0),
        # one reload for all that are announced, but not for ever
        (Pending(100.0, 100.0), 99.6, 102.0),
        (Pending(100.0, 100.2), 99.9, 102.0),
        (Pending(100.0, 109.9), 99.9, 102.0),
    ],
)
def test_additions_wait_for_those_that_are_announced(pending: Pending, applied: float, when: float) -> None:
    assert due(pending, applied, 0.0, PACE, more=True) == pytest.approx(when)


def test_what_a_running_proxy_takes_waits_for_no_announcement() -> None:
    pace = adapted(PACE, cost=0.01)
    assert due(Pending(100.0, 100.0), 99.99, 0.0, pace, more=True) == due(Pending(100.0, 100.0), 99.99, 0.0, pace)


def test_a_wake_that_is_urgent_makes_all_that_wait_with_it_urgent() -> None:
    pending = Pending(1.0, 1.0).and_another(2.0, urgent=True).and_another(3.0, urgent=False)
    assert pending == Pending(1.0, 3.0, urgent=True)


_TIMES = st.floats(0, 1000, allow_nan=False)


@given(first=_TIMES, more=st.lists(st.floats(0, 0.3), max_size=20), applied=_TIMES)
def test_nothing_waits_longer_than_the_maximum_and_never_for_ever(first: float, more: list[float], applied: float) -> None:
    pending = Pending(first, first)
    now = first
    for pause in more:
        now += pause
        pending = pending.and_another(now, urgent=False)
        assert first <= due(pending, min(applied, first), 0.0, PACE) <= first + PACE.most + 1e-9
    assert due(pending.and_another(now, urgent=True), applied, 0.0, PACE) == first


@pytest.mark.parametrize(("cost", "most"), [(0.0, 0.5), (0.2, 0.5), (1.0, 2.0), (60.0, 10.0)])
def test_where_changes_take_long_additions_are_put_together_for_longer(cost: float, most: float) -> None:
    assert adapted(PACE, cost, reloads=9.0) == replace(PACE, most=most, gap=most, hold=max(2.0, most))


@pytest.mark.parametrize(("cost", "most"), [(0.0, 0.05), (0.1, 0.2), (1.0, 2.0), (60.0, 10.0)])
def test_after_a_change_without_a_reload_additions_wait_for_no_more_than_its_cost(cost: float, most: float) -> None:
    assert adapted(PACE, cost) == replace(PACE, most=most, gap=most, hold=most)


@pytest.mark.parametrize(
    ("reloads", "cost", "gap"), [(1.0, 0.01, 0.05), (2.0, 0.01, 0.15), (3.0, 0.01, 0.35), (4.0, 0.01, 0.5), (1.0, 0.2, 0.2)]
)
def test_the_more_reloads_there_were_lately_the_longer_additions_wait(reloads: float, cost: float, gap: float) -> None:
    assert adapted(PACE, cost, reloads).gap == pytest.approx(gap)


def test_reloads_are_forgotten_one_after_the_other() -> None:
    assert counted(3.0, 0.0, PACE, reloaded=True) == 4.0
    assert counted(3.0, 0.5, PACE, reloaded=False) == 2.0
    assert counted(3.0, 100.0, PACE, reloaded=True) == 1.0


def test_a_storm_of_removals_is_forgotten_soon_and_breaks_nothing() -> None:
    reloads = 0.0
    for _ in range(10_000):
        reloads = counted(reloads, 0.05, PACE, reloaded=True)
        assert adapted(PACE, 0.05, reloads).gap <= PACE.most
    assert counted(reloads, 3.0, PACE, reloaded=False) == 0.0


def _storm(every: float, seconds: float) -> list[float]:
    """When reloads of 50 ms come while something is added all the time."""
    applied, reloads, times = -PACE.relist, 0.0, list[float]()
    now, pending = 0.0, None
    while now < seconds:
        pending = pending.and_another(now, urgent=False) if pending else Pending(now, now)
        pace = adapted(PACE, 0.05, reloads)
        if due(pending, applied, 0.0, pace) < now + every:
            done = now + 0.05
            reloads, applied, pending = counted(reloads, done - applied, PACE, reloaded=True), done, None
            times.append(done)
        now += every
    return times


def test_some_in_a_row_are_served_at_once_and_a_storm_costs_few_reloads() -> None:
    assert _storm(every=0.35, seconds=2.0) == pytest.approx([0.05, 0.40, 0.75, 1.10, 1.45, 1.80])
    storm = _storm(every=0.02, seconds=60.0)
    assert len(storm) < 2 * 60 + 5


@pytest.mark.parametrize(("failures", "pause"), [(0, 0.5), (1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (1000, 60.0)])
def test_pauses_after_failures_double_up_to_the_most(failures: int, pause: float) -> None:
    assert backoff(failures, PACE) == pause
