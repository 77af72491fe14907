"""A scribe for each output, beside the line: no proxy waits for an output, and no output for another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from confgen.beside import Beside
from confgen.output import Output
from confgen.policy import Policy
from confgen.report import OutputReport
from confgen.scribe import Order, Scribe
from confgen.settings import Settings
from confgen.state import State

#: Seconds that each thread has to end what it has begun, when confgen is stopped.
_PATIENCE = 1.0


class Desk:
    """All outputs.  For one thread alone.  ring: asks for a turn that tells what has become of one.  start: runs a thread."""

    def __init__(self, ring: Callable[[str, bool], None], start: Callable[[Callable[[], None], str], None]) -> None:
        self._ring, self._start = ring, start
        self._scribes: dict[str, Scribe] = {}
        self._threads: dict[str, Beside[Order]] = {}

    def write(
        self, state: State, settings: Settings, policy: Policy | None, edition: int, *, wait: bool
    ) -> tuple[OutputReport, ...]:
        """Has each output brought to what the state asks for; how they stood last.  wait: until all are done."""
        orders = {output.name: Order(output, state, settings, policy, edition) for output in settings.outputs}
        self._keep_to(settings.outputs)
        for name, order in orders.items():
            scribe = self._scribes.setdefault(name, Scribe(partial(self._ring, f"output {name}", False)))
            if wait:
                scribe.keep(order)
                scribe.close()
                continue
            if name not in self._threads:
                self._threads[name] = Beside(f"output-{name}", scribe.keep, scribe.close, self._start)
            self._threads[name].give(order)
        return tuple(
            self._scribes[name].report or OutputReport(name=name, to=str(order.output.to)) for name, order in orders.items()
        )

    def end(self) -> None:
        """What is run is ended, and due at the next start."""
        threads = list(self._threads.values())
        self._keep_to(())
        for thread in threads:
            thread.ended(_PATIENCE)

    def _keep_to(self, outputs: tuple[Output, ...]) -> None:
        names = {output.name for output in outputs}
        for gone in self._scribes.keys() - names:
            self._scribes.pop(gone).stop()
            if gone in self._threads:
                self._threads.pop(gone).end()
