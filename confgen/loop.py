"""The whole program: look, build, plan, render, apply, report; and what keeps it turning."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from confgen import settle
from confgen.apply import Applied, Result, apply, put
from confgen.errors import ConfgenError, NotApplied, SourceUnavailable, StaleSocket, UsageError
from confgen.model import Model
from confgen.plan import make
from confgen.proxies.proxy import Caps
from confgen.render import Candidate, Renderer
from confgen.report import Report, SeatReport
from confgen.seats import Seat, seats
from confgen.settings import Settings
from confgen.sources.source import Source
from confgen.state import Snapshot, State
from confgen.want import Wanted, live_model, shape, write

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """A generation that did not go live: when it may be tried again, how often it failed, and how."""

    generation: str
    failures: int
    until: float
    error: ConfgenError


class Loop:
    """One watcher of all sources and all proxies.  `turn` may be called by one thread alone."""

    def __init__(self, settings: Settings, sources: tuple[Source, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._sources = sources
        self._clock = clock
        self._last: dict[str, Snapshot] = {}
        self._caps: dict[str, Caps] = {}
        self._renderers: dict[str, Renderer] = {}
        self._refused: dict[str, Refused] = {}
        # What costs time and follows from what was seen before: a model's text, and the model that is live.
        self._written: dict[str, tuple[Model, Candidate]] = {}
        self._live: dict[str, tuple[str, Model]] = {}
        self._bell = Bell(clock)
        self._applied = self._looked = -settings.pace.relist  # as if long ago: the first turn is due at once
        self._listed = self._looked
        self._failures = 0

    def turn(self, woken: str = "") -> Report:
        """One look at everything, and what follows from it."""
        started = self._clock()
        state = self.look()
        found, problems = seats(state, self._settings)
        reports = tuple(self._keep(seat, state) for seat in found)
        self._forget({seat.name for seat in found}, {seat.life for seat in found})
        return Report(
            woken=woken,
            took=self._clock() - started,
            instances=len(state.instances),
            stale=state.stale,
            seats=reports,
            problems=problems,
        )

    def look(self) -> State:
        """What every source says; one that does not answer is represented by what it said last, marked stale.

        Raises SourceUnavailable while a source has never answered: nothing is known then, which is not the same as
        nothing being there.
        """
        for source in self._sources:
            try:
                self._last[source.name] = source.snapshot()
            except SourceUnavailable as error:
                if source.name not in self._last:
                    raise
                if not self._last[source.name].stale:
                    log.warning("%s; what was known before stays. %s", error.message, error.hint)
                self._last[source.name] = replace(self._last[source.name], stale=True)
        return State.of(tuple(self._last.values()))

    def want(self, seat: Seat, state: State) -> Wanted:
        """What a proxy should serve, rendered and read back; nothing is written."""
        caps = seat.caps or self._caps.get(seat.life) or seat.proxy.probe(seat.target)
        self._caps[seat.life] = caps
        frame = replace(self._settings.frame, directory=seat.target.view)
        built = shape(state, seat.proxy, caps, seat.vantage, self._settings, frame)
        known = self._written.get(seat.life)
        if known is None or known[0] != built.model:
            known = (built.model, write(built.model, seat.proxy, caps, frame, self._renderer(seat)))
            self._written[seat.life] = known
        return Wanted(built, make(self._live_model(seat), built.model, seat.proxy.weigh), known[1])

    def _live_model(self, seat: Seat) -> Model:
        """The model that is live; read from the folder only when it is not the one that was read last."""
        live = seat.target.folder.live()
        if seat.life not in self._live or self._live[seat.life][0] != live:
            self._live[seat.life] = (live, live_model(seat.target.folder))
        return self._live[seat.life][1]

    def inspect(self, seat: Seat, state: State) -> SeatReport:
        """What a proxy serves and should serve; nothing is changed."""
        return self._report(seat, state, self._running)

    def _running(self, seat: Seat, candidate: Candidate) -> Applied:
        running = seat.target.folder.live() if seat.caps else seat.proxy.running(seat.target)
        if running != candidate.generation:
            raise NotApplied(
                f"serves generation {running or 'none'}, wanted is {candidate.generation}",
                "is `confgen watch` running? See its log",
            )
        return Applied(running, Result.UNCHANGED)

    def _keep(self, seat: Seat, state: State) -> SeatReport:
        return self._report(seat, state, self._apply)

    def _report(self, seat: Seat, state: State, act: Callable[[Seat, Candidate], Applied]) -> SeatReport:
        """One proxy's part of a turn; what goes wrong with it is told and stops nobody else."""
        report = SeatReport(seat=seat.name, proxy=seat.proxy.name)
        try:
            wanted = self.want(seat, state)
            report = replace(
                report,
                version=self._caps[seat.life].text,
                model=wanted.built.model,
                plan=wanted.plan,
                problems=wanted.built.problems,
                placements=wanted.built.placements,
            )
            return replace(report, applied=act(seat, wanted.candidate))
        except ConfgenError as error:
            self._caps.pop(seat.life, None)
            return replace(report, error=error)

    def _apply(self, seat: Seat, candidate: Candidate) -> Applied:
        """A generation that was refused is not tried at every wake but after a pause that grows."""
        before = self._refused.get(seat.name)
        if before and before.generation == candidate.generation and self._clock() < before.until:
            raise before.error
        try:
            if seat.caps:
                applied = put(candidate, seat.target.folder, self._settings.keep)
            else:
                applied = apply(candidate, seat.proxy, seat.target, self._settings.keep)
        except NotApplied as error:
            failures = before.failures + 1 if before and before.generation == candidate.generation else 1
            until = self._clock() + settle.backoff(failures, self._settings.pace)
            self._refused[seat.name] = Refused(candidate.generation, failures, until, error)
            raise
        self._refused.pop(seat.name, None)
        return applied

    def _renderer(self, seat: Seat) -> Renderer:
        if seat.proxy.name not in self._renderers:
            self._renderers[seat.proxy.name] = Renderer(self._settings.templates, seat.proxy.filters)
        return self._renderers[seat.proxy.name]

    def _forget(self, names: set[str], lives: set[str]) -> None:
        self._refused = {name: refused for name, refused in self._refused.items() if name in names}
        for kept in (self._caps, self._written, self._live):
            for life in kept.keys() - lives:
                del kept[life]

    # --- what keeps it turning ---

    def run(self, stop: threading.Event, tell: Callable[[Report], None]) -> None:
        """Turns until `stop` is set; one thread a source drains its events, this one does all the rest."""
        for source in self._sources:
            threading.Thread(target=self._watch, args=(source, stop), daemon=True, name=f"confgen-watch-{source.name}").start()
        threading.Thread(target=self._ring_at, args=(stop,), daemon=True, name="confgen-stop").start()
        while True:
            woken = self._bell.wait(self._due)
            if stop.is_set():
                return
            if not woken and self._clock() - self._listed >= self._settings.pace.relist:
                self._refresh()
                self._listed = self._clock()
            report = self._turn_or_tell(woken or "a regular look")
            self._looked = self._clock()
            # News is worth a quick second try: a proxy that has just started may not take requests yet.
            failures = 0 if woken else self._failures
            self._failures = failures + 1 if report is None or report.failed else 0
            if report:
                tell(report)
                self._applied = self._looked if report.changed else self._applied

    def _due(self, pending: settle.Pending | None) -> float:
        due = settle.due(pending, self._applied, self._listed, self._settings.pace)
        again = [s.again for s in self._last.values() if s.again is not None]
        due = min([due, *(self._looked + seconds for seconds in again)])
        return min(due, self._looked + settle.backoff(self._failures, self._settings.pace)) if self._failures else due

    def _ring_at(self, stop: threading.Event) -> None:
        stop.wait()
        self._bell.ring("stop", urgent=True)

    def look_again(self, reason: str) -> None:
        """Asks for a turn that looks at everything."""
        self._refresh()
        self._bell.ring(reason, urgent=True)

    def _turn_or_tell(self, woken: str) -> Report | None:
        try:
            return self.turn(woken)
        except (UsageError, StaleSocket):
            raise
        except ConfgenError as error:
            log.error("%s. %s", error.message, error.hint)
            return None

    def _refresh(self) -> None:
        for source in self._sources:
            refresh = getattr(source, "refresh", None)
            if refresh:
                refresh()

    def _watch(self, source: Source, stop: threading.Event) -> None:
        """Opens a source's watch again and again; after each end everything is looked at, since something may be missed."""
        failures = 0
        while not stop.is_set():
            opened = self._clock()
            try:
                source.watch(self._bell.ring, stop)
            except SourceUnavailable as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s. %s", error.message, error.hint)
            failures = 1 if self._clock() - opened > self._settings.pace.retry_most else failures + 1
            stop.wait(min(settle.backoff(failures, self._settings.pace), 10.0))


class Bell:
    """Wakes that wait to be acted on: not a queue, so it cannot overflow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._pending: settle.Pending | None = None
        self._reasons: list[str] = []

    def ring(self, reason: str, urgent: bool) -> None:
        with self._changed:
            now = self._clock()
            self._pending = self._pending.and_another(now, urgent) if self._pending else settle.Pending(now, now, urgent)
            self._reasons = [*self._reasons[:2], reason]
            self._changed.notify()

    def wait(self, due: Callable[[settle.Pending | None], float]) -> str:
        """Blocks until a turn is due; what woke it, "" when it was time alone."""
        with self._changed:
            while True:
                left = due(self._pending) - self._clock()
                if left <= 0:
                    reasons, self._reasons, self._pending = self._reasons, [], None
                    return ", ".join(dict.fromkeys(reasons))
                self._changed.wait(left)
