"""What was worked out a moment ago: between two turns nearly everything stays the same, and a thousand routes are many."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = TypeVar("Answer")

#: For so many rounds an answer is kept that nobody asks for: the search for what a proxy refuses writes a part of the whole
#: for some rounds in a row, and the whole after it.
_ROUNDS = 16


@dataclass(slots=True)
class _Known:
    """An answer, the round that asked for it last, and the very objects that it was asked with then, by their ids.

    They are held here, so that no other object can have one of these ids.
    """

    answer: Any
    asked: int = 0
    ids: tuple[int, ...] = ()
    inputs: tuple[object, ...] = ()


@dataclass(slots=True, eq=False)
class _Many:
    """What one function said of many things: of those that were asked for lately, and of those before."""

    lately: dict[Hashable, tuple[object, Any]] = field(default_factory=dict)
    before: dict[Hashable, tuple[object, Any]] = field(default_factory=dict)

    def age(self) -> None:
        self.lately, self.before = {}, self.lately


class Recent:
    """Answers of pure functions to frozen values, kept for as long as one of the last rounds asked for them.

    Bounded by what those rounds asked for, so it holds little more than the last one, however many containers come and go.
    Whatever an answer depends on has to be an input that counts when inputs are compared (an Origin inside a value does
    not, and is given beside it where it matters).  Not for more than one thread.
    """

    def __init__(self) -> None:
        self._round = 0
        # By value; and by the objects themselves, since what is the same object need not be hashed to be known.
        self._known: dict[Hashable, _Known] = {}
        self._same: dict[tuple[int, ...], _Known] = {}

    def next(self) -> None:
        """A new round begins: what the last ones did not ask for is forgotten."""
        self._round += 1
        before = self._round - _ROUNDS
        for key in [key for key, known in self._known.items() if known.asked < before]:
            del self._known[key]
        for ids in [ids for ids, known in self._same.items() if known.asked < before]:
            del self._same[ids]
        if self._round % _ROUNDS == 0:
            for many in [known.answer for known in self._known.values() if isinstance(known.answer, _Many)]:
                many.age()

    def forget(self) -> None:
        """As if nothing had been asked."""
        self._known.clear()
        self._same.clear()

    def of(self, function: Callable[..., Answer], *inputs: Any) -> Answer:
        """`function(*inputs)`, or what it gave when it was asked the same before."""
        ids = (id(function), *map(id, inputs))
        known = self._same.get(ids)
        if known is None:
            key = (function, *inputs)
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = _Known(function(*inputs))
            self._same.pop(known.ids, None)
            known.ids, known.inputs = ids, key
            self._same[ids] = known
        known.asked = self._round
        answer: Answer = known.answer
        return answer

    def once(self, function: Callable[..., Answer], *inputs: Any) -> Answer:
        """As `of`, for inputs that are large: only the very same objects are known again, equal ones are not looked for."""
        ids = (id(function), *map(id, inputs))
        known = self._same.get(ids)
        if known is None:
            known = self._same[ids] = _Known(function(*inputs), 0, ids, (function, *inputs))
        known.asked = self._round
        answer: Answer = known.answer
        return answer

    def over(self, function: Callable[..., Answer], *shared: Any) -> Callable[[Any], Answer]:
        """`function(thing, *shared)` as a function of the thing alone, for many of which nearly all are those of the last time.

        A tenth of the cost of `of`: a thing is known by being the very same object, so that even what does not count in a
        comparison is the same in it; one that is equal to it is asked about anew.
        """
        return self._over(id, function, *shared)

    def over_texts(self, function: Callable[..., Answer], *shared: Any) -> Callable[[Any], Answer]:
        """As `over`, for pieces of a text, which are never the same object: known by what they say."""
        return self._over(_itself, function, *shared)

    def _over(self, key: Callable[[Any], Hashable], function: Callable[..., Answer], *shared: Any) -> Callable[[Any], Answer]:
        many = self.of(_many, key, function, *shared)
        lately, before = many.lately, many.before

        def ask(thing: Any) -> Answer:
            at = key(thing)
            known = lately.get(at)
            if known is None:
                # The thing is held beside its answer, so that no other object can have its id.
                known = lately[at] = before.get(at) or (thing, function(thing, *shared))
            answer: Answer = known[1]
            return answer

        return ask

    def one(self, value: Answer) -> Answer:
        """One and the same object for all that are equal to it, so that what is asked of it is known again at once."""
        same: Answer = self.of(_itself, value)
        return same


def _itself(value: Answer) -> Answer:
    return value


def _many(*_asked: object) -> _Many:
    return _Many()
