"""When what failed is tried again: never at each wake, ever more seldom, and at once when something is other."""

from __future__ import annotations

import pytest

from confgen.errors import BadTemplate
from confgen.settings import Pace
from confgen.tries import Pause, Tries


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_pause_after_each_refusal_is_twice_the_last_one_up_to_a_bound() -> None:
    clock = Clock()
    tries = Tries(clock)
    assert not tries.wait("a")
    pauses = []
    for _ in range(13):
        tries.refused("a")
        began = clock.now
        while tries.wait("a"):
            clock.now += 30
        pauses.append(clock.now - began)
    assert pauses == [30.0 * 2 ** min(n, 10) for n in range(13)]
    assert not tries.wait("b"), "one has nothing to do with another"


def test_two_refusals_of_one_try_count_once() -> None:
    clock = Clock()
    tries = Tries(clock)
    tries.refused("a")
    tries.refused("a", same=True)
    clock.now += 30
    assert not tries.wait("a")
    tries.refused("a")
    clock.now += 30
    assert tries.wait("a")


def test_what_was_refused_before_a_restart_waits_from_now_on() -> None:
    clock = Clock()
    tries = Tries(clock)
    tries.known("a")
    assert tries.wait("a")
    clock.now += 29
    tries.known("a")
    clock.now += 1
    assert not tries.wait("a"), "to be told again prolongs nothing"


def test_something_else_makes_all_due_and_forgets_nothing() -> None:
    clock = Clock()
    tries = Tries(clock)
    tries.refused("a")
    tries.hasten()
    assert not tries.wait("a")
    tries.refused("a")
    clock.now += 30
    assert tries.wait("a")


def test_the_very_same_thing_is_not_tried_at_each_wake() -> None:
    clock, pace = Clock(), Pace(retry=1.0, retry_most=8.0)
    pause: Pause[str] = Pause(clock)
    pause.mind("one")
    for seconds in (1, 2, 4, 8, 8):
        pause.failed("one", BadTemplate("no"), pace)
        clock.now += seconds - 0.5
        with pytest.raises(BadTemplate, match="no"):
            pause.mind("one")
        pause.mind("other")
        clock.now += 0.5
        pause.mind("one")
    pause.failed("other", BadTemplate("no"), pace)
    clock.now += 1
    pause.mind("other")
    pause.failed("other", BadTemplate("no"), pace)
    pause.over()
    pause.mind("other")
