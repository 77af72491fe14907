"""Side by side: who hangs keeps nobody else waiting, and what it says in the end is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from confgen.abreast import Abreast


class Frozen:
    """A question that is answered when it is let go; how often it was asked."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.go = threading.Event()
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        self.go.wait()
        return self._answer


def at_once(answer: str) -> Callable[[], str]:
    return lambda: answer


def test_who_hangs_keeps_nobody_waiting_and_is_heard_later() -> None:
    late = threading.Event()
    side, frozen = Abreast[str](late.set), Frozen("a")
    questions = {"a": frozen, "b": at_once("b")}
    assert side.ask(questions, 0.0) == ({"b": "b"}, {})
    assert side.ask({**questions, "b": at_once("b again")}, 0.0) == ({"b": "b again"}, {})
    assert (frozen.asked, side.busy) == (1, {"a"})
    assert not late.is_set()
    frozen.go.set()
    assert late.wait(60), "told when it has come"
    assert side.ask(questions, None) == ({"b": "b"}, {"a": "a"})
    assert frozen.asked == 1, "its answer to the former question"
    assert side.ask(questions, None) == ({"a": "a", "b": "b"}, {})
    assert (frozen.asked, side.busy) == (2, frozenset())


def test_who_is_not_asked_any_more_is_forgotten_once_it_is_done() -> None:
    """A proxy that hung and was removed: when one of its name comes back, an answer about the world of then is worth nothing."""
    late = threading.Event()
    side, frozen = Abreast[str](late.set), Frozen("of then")
    assert side.ask({"a": frozen, "b": at_once("b")}, 0.0) == ({"b": "b"}, {})
    assert side.ask({"b": at_once("b")}, 0.0) == ({"b": "b"}, {})
    assert side.busy == {"a"}
    assert side.ask({"a": frozen}, 0.0) == ({}, {}), "it is still at it: not asked twice at the same time"
    frozen.go.set()
    assert late.wait(60)
    assert side.ask({"b": at_once("b")}, None) == ({"b": "b"}, {})
    assert side.ask({"a": at_once("of now")}, None) == ({"a": "of now"}, {})


def test_an_answer_to_a_former_question_is_known_as_one_also_after_a_turn_without_it() -> None:
    late = threading.Event()
    side, frozen = Abreast[str](late.set), Frozen("of then")
    side.ask({"a": frozen, "b": at_once("b")}, 0.0)
    side.ask({"b": at_once("b")}, 0.0)
    frozen.go.set()
    assert late.wait(60)
    assert side.ask({"a": at_once("of now"), "b": at_once("b")}, None) == ({"b": "b"}, {"a": "of then"})


def test_without_patience_set_all_are_waited_for() -> None:
    side, frozen = Abreast[str](lambda: None), Frozen("a")
    threading.Timer(0.05, frozen.go.set).start()
    assert side.ask({"a": frozen, "b": at_once("b")}, None) == ({"a": "a", "b": "b"}, {})


def test_they_are_asked_at_the_same_time() -> None:
    """Each waits for the other."""
    meeting = threading.Barrier(3, timeout=60)
    side = Abreast[int](lambda: None)
    assert set(side.ask(dict.fromkeys("abc", meeting.wait), None)[0].values()) == {0, 1, 2}


def test_what_breaks_is_raised_where_it_was_asked_for() -> None:
    side = Abreast[float](lambda: None)
    with pytest.raises(ZeroDivisionError):
        side.ask({"a": lambda: 1 / 0, "b": lambda: 1.0}, None)


def test_one_alone_needs_no_thread() -> None:
    side = Abreast[int](lambda: None)
    assert side.ask({"a": threading.get_ident}, None) == ({"a": threading.get_ident()}, {})
    assert side.ask({}, None) == ({}, {})
