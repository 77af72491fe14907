"""Several things at once, a thread each: one that hangs keeps nobody else waiting.  The line stays straight: it asks, it gets
answers, and what is late is an answer of a later turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Abreast(Generic[Answer]):
    """Asks by name.  For one thread alone.  late: called by another one when an answer has come that nobody waits for."""

    def __init__(self, late: Callable[[], None]) -> None:
        self._late = late
        self._changed = threading.Condition()
        self._asked: dict[str, _Asked[Answer]] = {}

    def ask(
        self, questions: Mapping[str, Callable[[], Answer]], patience: float | None
    ) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """The answers that are there `patience` seconds after the first one, or all (None); and those to former questions.

        Who is still at a former question is neither asked another nor waited for; its answer is given when it has come, if
        its name is among the questions then, and else forgotten.  Raises what a question raised.
        """
        self._asked = {name: asked for name, asked in self._asked.items() if name in questions or not asked.done}
        if len(questions) == 1 and not self._asked:
            return {name: question() for name, question in questions.items()}, {}
        fresh = {name: _Asked(question, self) for name, question in questions.items() if name not in self._asked}
        for name, asked in fresh.items():
            self._asked[name] = asked
            threading.Thread(target=asked.answer, daemon=True, name=f"confgen-{name}").start()
        with self._changed:
            self._changed.wait_for(lambda: not fresh or any(asked.done for asked in fresh.values()))
            self._changed.wait_for(lambda: all(asked.done for asked in fresh.values()), patience)
            for asked in fresh.values():
                asked.awaited = False
            done = [name for name in questions if self._asked[name].done]
        said = {name: self._asked.pop(name).said() for name in done}
        return {n: s for n, s in said.items() if n in fresh}, {n: s for n, s in said.items() if n not in fresh}

    @property
    def busy(self) -> frozenset[str]:
        """Who is still at it."""
        with self._changed:
            return frozenset(name for name, asked in self._asked.items() if not asked.done)

    def heard(self, asked: _Asked[Answer]) -> None:
        """Called by the thread of a question when it is done."""
        with self._changed:
            asked.done = True
            late = not asked.awaited
            self._changed.notify_all()
        if late:
            self._late()


class _Asked(Generic[Answer]):
    """One question.  awaited: somebody waits for it."""

    def __init__(self, question: Callable[[], Answer], to: Abreast[Answer]) -> None:
        self._question = question
        self._to = to
        self._answers: list[Answer] = []
        self._raised: Exception | None = None
        self.done, self.awaited = False, True

    def answer(self) -> None:
        try:
            self._answers.append(self._question())
        except Exception as error:  # raised again in the thread that asked
            self._raised = error
        self._to.heard(self)

    def said(self) -> Answer:
        if self._raised:
            raise self._raised
        return self._answers[0]
