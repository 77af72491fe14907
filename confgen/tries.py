"""When what failed may be tried again.  The clock is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from confgen import settle
from confgen.errors import ConfgenError
from confgen.settings import Pace

#: After so many seconds what was found to be refused is tried once more; doubled each time, so often at most.
_SECOND_TRY, _DOUBLED = 30.0, 10

What = TypeVar("What")


class Tries:
    """Of what was found to be refused, by name: how often it was, and until when it is not tried."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: dict[str, tuple[int, float]] = {}

    def refused(self, name: str, *, same: bool = False) -> None:
        """Once more.  same: still in the try that was counted last."""
        before = max(self._of.get(name, (0, 0.0))[0] - same, 0)
        self._of[name] = (before + 1, self._clock() + _SECOND_TRY * 2 ** min(before, _DOUBLED))

    def known(self, name: str) -> None:
        """It was refused before anything was counted here: its time begins now."""
        self._of.setdefault(name, (1, self._clock() + _SECOND_TRY))

    def wait(self, name: str) -> bool:
        """It is not to be tried yet."""
        return self._of.get(name, (0, 0.0))[1] > self._clock()

    def hasten(self) -> None:
        """Everything may be tried at once; how often it was refused still counts."""
        self._of = {name: (tries, self._clock()) for name, (tries, _) in self._of.items()}


@dataclass(frozen=True, slots=True)
class _Failed(Generic[What]):
    """what, and how often it failed, with what in the end, and until when it is not tried."""

    what: What
    failures: int
    until: float
    error: ConfgenError


class Pause(Generic[What]):
    """Keeps the very thing that failed last from being tried at each wake: the pause grows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: _Failed[What] | None = None

    def mind(self, what: What) -> None:
        """Raises the error that it failed with, as long as the pause lasts."""
        if self._last and self._last.what == what and self._clock() < self._last.until:
            raise self._last.error

    def failed(self, what: What, error: ConfgenError, pace: Pace) -> None:
        failures = self._last.failures + 1 if self._last and self._last.what == what else 1
        self._last = _Failed(what, failures, self._clock() + settle.backoff(failures, pace), error)

    def over(self) -> None:
        """It went well, or may go well now."""
        self._last = None
