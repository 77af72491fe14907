"""What was worked out a moment ago: between two turns nearly everything stays the same, and a thousand routes are many."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

Answer = TypeVar("Answer")

#: For so many rounds an answer is kept that nobody asks for: the search for what a proxy refuses writes a part of the whole
#: for some rounds in a row, and the whole after it.
_ROUNDS = 16


@dataclass(slots=True)
class _Known:
    """An answer, and the round that asked for it last."""

    answer: object
    asked: int = 0


class Recent:
    """Answers of pure functions to frozen values, kept for as long as one of the last rounds asked for them.

    Bounded by what those rounds asked for, so it holds little more than the last one, however many containers come and go.
    Whatever an answer depends on has to be an input that counts when inputs are compared (an Origin inside a value does
    not, and is given beside it where it matters).  Not for more than one thread.
    """

    def __init__(self) -> None:
        self._round = 0
        # One look-up a question: hashing the inputs is what it costs.
        self._known: dict[Hashable, _Known] = {}

    def next(self) -> None:
        """A new round begins: what the last ones did not ask for is forgotten."""
        self._round += 1
        for key in [key for key, known in self._known.items() if known.asked < self._round - _ROUNDS]:
            del self._known[key]

    def of(self, function: Callable[..., Answer], *inputs: Any) -> Answer:
        """`function(*inputs)`, or what it gave when it was asked the same before."""
        key = (function, *inputs)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(function(*inputs))
        known.asked = self._round
        return cast(Answer, known.answer)
