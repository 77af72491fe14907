"""Work that nobody waits for: a thread of its own does the newest of what it is given, and again when it failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Task = TypeVar("Task")


class Beside(Generic[Task]):
    """do: the work; after how many seconds the same is to be done again, None where it is done.

    over: called by the thread when it ends, which `end` asks for.  start: runs something in a thread of that name.
    """

    def __init__(
        self,
        name: str,
        do: Callable[[Task], float | None],
        over: Callable[[], None],
        start: Callable[[Callable[[], None], str], None],
    ) -> None:
        self._do, self._end = do, over
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._given: list[Task] = []
        self._fresh = self._over = False
        start(self._run, f"confgen-{name}")

    def give(self, task: Task) -> None:
        """To be done as soon as what is under way has ended; what was given before and not begun is left out."""
        with self._changed:
            self._given, self._fresh = [task], True
            self._changed.notify()

    def end(self) -> None:
        """Nothing more is begun."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def ended(self, patience: float) -> bool:
        """Whether the thread has ended, which is waited for so many seconds."""
        return self._ended.wait(patience)

    def _run(self) -> None:
        again: float | None = None
        while True:
            with self._changed:
                left = None if again is None else max(0.0, again - time.monotonic())
                self._changed.wait_for(lambda: self._fresh or self._over, left)
                if self._over:
                    break
                task, self._fresh = self._given[0], False
            pause = self._do(task)
            again = None if pause is None else time.monotonic() + pause
        self._end()
        self._ended.set()
