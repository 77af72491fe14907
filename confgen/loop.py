"""The whole program: look, build, plan, render, apply, report; and what keeps it turning."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from confgen import settle
from confgen.abreast import Abreast
from confgen.apply import Result
from confgen.desk import Desk
from confgen.errors import ConfgenError, SourceUnavailable, StaleSocket, Stopped, TargetUnavailable, UsageError
from confgen.explain import unserved
from confgen.given import Given, Rereads
from confgen.keep import Keeper
from confgen.probe import Judge
from confgen.report import Report, SeatReport
from confgen.seats import Seat, seats
from confgen.settings import Settings
from confgen.sources.source import Source
from confgen.state import Snapshot, State

log = logging.getLogger(__name__)

#: How many seconds a turn waits for the first answers of new servers: a single turn, and one that others follow, where
#: who is up has answered in a millisecond, and who is not is seen when it is.
_PATIENCE, _GLANCE = 2.0, 0.02
#: So many seconds after the first proxy the others have time in a turn; what they do after that counts in a later one.
_LATE = 1.0
#: How often a standby looks whether it may take over, in seconds.
_TAKEOVER = 1.0


class Loop:
    """One watcher of all sources and all proxies.  `turn` may be called by one thread alone."""

    def __init__(
        self,
        settings: Settings,
        sources: tuple[Source, ...],
        clock: Callable[[], float] = time.monotonic,
        rereads: Rereads | None = None,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._last: dict[str, Snapshot] = {}
        self._keepers: dict[tuple[str, str], Keeper] = {}  # by the proxy's name and its folder
        self._bell = Bell(clock)
        self._given = Given(settings, rereads, self._bell.ring)
        self._abreast: Abreast[list[SeatReport]] = Abreast(lambda: self._bell.ring("", urgent=True))
        self._reports: tuple[SeatReport, ...] = ()
        self._late: float | None = None
        self._edition = 0  # of what was given
        self._judge = Judge(self._bell.ring)
        self._desk, self._once = Desk(self._bell.ring, self._start), True
        self._patience = _PATIENCE
        self._applied = self._looked = -settings.pace.relist  # as if long ago: the first turn is due at once
        self._listed = self._looked
        self._cost, self._reloads = 0.0, 0.0  # of the last change, and the reloads that counted after it
        self._failures = 0
        self._standby = False
        self._stop = threading.Event()
        self._broken: Exception | None = None

    def turn(self, woken: str = "", since: float | None = None) -> Report:
        """One look at everything, and what follows from it.  since: when its first wake came, on this loop's clock."""
        started = self._clock()
        if self._given.renew():
            self._edition += 1
        state = self.look()
        found, problems = seats(state, self._settings)
        self._judge.keep_to(frozenset(seat.name for seat in found))
        reports = self._kept(found, state)
        return Report(
            woken=woken,
            waited=0.0 if since is None else started - since,
            took=self._clock() - started,
            instances=len(state.instances),
            sources=tuple(self._last),
            stale=state.stale,
            seats=reports,
            problems=(*self._given.problems, *problems),
            outputs=self._desk.write(state, self._settings, self._given.policy, self._edition, wait=self._once),
            unserved=tuple(one for seat in reports for one in unserved(state, seat, self._settings.labels)),
        )

    @property
    def _settings(self) -> Settings:
        return self._given.settings

    def look(self) -> State:
        """What every source says; one that does not answer is represented by what it said last, marked stale.

        Raises SourceUnavailable while a source has never answered: nothing is known then, which is not the same as
        nothing being there.
        """
        for source in self._sources:
            try:
                snapshot = source.snapshot()
            except SourceUnavailable as error:
                if source.name not in self._last:
                    raise
                if not self._last[source.name].stale:
                    log.warning("%s; what was known before stays. %s", error.message, error.hint)
                self._last[source.name] = replace(self._last[source.name], stale=True, again=None)
            else:
                if source.name in self._last and self._last[source.name].stale and not snapshot.stale:
                    log.info("source %s answers again", source.name)
                self._last[source.name] = snapshot
        return State.of(tuple(self._last.values()))

    def keeper(self, seat: Seat) -> Keeper:
        """The keeper of that proxy, made when it is first met."""
        keeper = self._keepers.setdefault(_place(seat), Keeper(self._settings, self._clock, self._stopped))
        keeper.obey(self._settings, self._edition, self._given.policy, self._given.shelf, self._given.snippets)
        return keeper

    def _kept(self, found: tuple[Seat, ...], state: State) -> tuple[SeatReport, ...]:
        """All proxies side by side; those that share a folder one after the other, since one of them alone may write there."""
        sharing: defaultdict[str, list[Seat]] = defaultdict(list)
        for seat in found:
            sharing[str(seat.target.folder.path)].append(seat)
        self._hand_over(found)
        answers, late = self._abreast.ask({at: partial(self._keep, some, state) for at, some in sharing.items()}, self._late)
        if any(report.error is None for reports in late.values() for report in reports):
            self._bell.ring("", urgent=True)  # what that one has done is what was to be done when it began
        fresh = {report.seat: report for reports in (*answers.values(), *late.values()) for report in reports}
        known = {**{seat.name: _waited_for(seat) for seat in found}, **{r.seat: replace(r, applied=None) for r in self._reports}}
        self._reports = tuple(fresh.get(seat.name, known[seat.name]) for seat in found)
        return self._reports

    def _hand_over(self, found: tuple[Seat, ...]) -> None:
        """Who keeps a proxy that is gone gives up its folder where another has it now: renamed, or made anew with another name."""
        taken = {str(seat.target.folder.path) for seat in found} - self._abreast.busy
        for place in self._keepers.keys() - {_place(seat) for seat in found}:
            if place[1] in taken:
                self._keepers.pop(place).release()

    def _keep(self, some: list[Seat], state: State) -> list[SeatReport]:
        return [self._asking(seat).keep(seat, state) for seat in some]

    def _stopped(self) -> bool:
        return self._stop.is_set()

    def _asking(self, seat: Seat) -> Keeper:
        """The keeper, with somebody who asks the servers: looking on, one believes what `watch` has found."""
        keeper = self.keeper(seat)
        keeper.judge = partial(self._judge.ask, patience=self._patience)
        return keeper

    # --- what keeps it turning ---

    def run(self, stop: threading.Event, tell: Callable[[Report], None]) -> None:
        """Turns until `stop` is set; one thread a source drains its events, this one does all the rest.

        Raises what ended one of those threads by surprise: nobody would miss a dead watcher until its news is missed.
        """
        self._stop, self._once = stop, False
        self._patience, self._late = _GLANCE, _LATE
        self._start_threads()
        try:
            while (waited := self._wait()) is not None:
                news, since = waited
                report = self._turn_or_tell(news or ("the start" if self._looked < 0 else "a regular look"), since)
                self._note(report, news)
                if report:
                    tell(report)
        except Stopped:
            pass
        finally:
            self._given.close()
            self._desk.end()
            if not self._abreast.busy:  # else the end of the process releases everything
                for keeper in self._keepers.values():
                    keeper.release()

    def _start_threads(self) -> None:
        for source in self._sources:
            self._start(partial(self._watch, source), f"confgen-watch-{source.name}")
        self._start(self._ring_at_stop, "confgen-stop")
        self._given.watch(self._start)

    def _start(self, run: Callable[[], None], name: str) -> None:
        threading.Thread(target=self._run_or_break, args=(run,), daemon=True, name=name).start()

    def _run_or_break(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # raised again by `run`, in the thread that can end the program
            self._broken = error
            self._bell.ring("a failure", urgent=True)

    def _wait(self) -> tuple[str, float | None] | None:
        """Until a turn is due: what Bell.wait says, None to stop.  Raises what ended another thread."""
        news, since = self._bell.wait(self._due)
        if self._broken:
            raise self._broken
        if self._stop.is_set():
            return None
        if not news and self._clock() - self._listed >= self._settings.pace.relist:
            self._refresh()
            self._listed = self._clock()
        return news, since

    def _note(self, report: Report | None, news: str) -> None:
        """When this turn was, and what follows from it for when the next one is due."""
        self._looked = self._clock()
        # News is worth a quick second try: a proxy that has just started may not take requests yet.
        failures = 0 if news else self._failures
        self._failures = failures + 1 if report is None or report.failed else 0
        if report:
            if report.changed:
                reloaded = any(s.applied and s.applied.changed and s.applied.result is not Result.ADJUSTED for s in report.seats)
                since = self._looked - self._applied
                self._reloads = settle.counted(self._reloads, since, self._settings.pace, reloaded)
                self._applied, self._cost = self._looked, report.took
            self._standby = any(s.applied and s.applied.result is Result.STANDBY for s in report.seats)

    def _due(self, pending: settle.Pending | None) -> float:
        pace = settle.adapted(self._settings.pace, self._cost, self._reloads)
        more = pending is not None and any(source.expects() for source in self._sources)
        due = settle.due(pending, self._applied, self._listed, pace, more)
        again = [s.again for s in self._last.values() if s.again is not None]
        if self._standby:
            again.append(_TAKEOVER)
        due = min([due, *(self._looked + seconds for seconds in again)])
        return min(due, self._looked + settle.backoff(self._failures, self._settings.pace)) if self._failures else due

    def _ring_at_stop(self) -> None:
        self._stop.wait()
        self._bell.ring("stop", urgent=True)

    def look_again(self, reason: str) -> None:
        """Asks for a turn that looks at everything, the settings too."""
        self._given.reread()
        self._refresh()
        self._bell.ring(reason, urgent=True)

    def _turn_or_tell(self, woken: str, since: float | None) -> Report | None:
        try:
            return self.turn(woken, since)
        except (UsageError, StaleSocket):
            raise
        except ConfgenError as error:
            log.error("%s. %s", error.message, error.hint)
            return None

    def _refresh(self) -> None:
        self._given.look_again()
        for source in self._sources:
            refresh = getattr(source, "refresh", None)
            if refresh:
                refresh()

    def _watch(self, source: Source) -> None:
        """Opens a source's watch again and again; after each end everything is looked at, since something may be missed."""
        failures = 0
        while not self._stop.is_set():
            opened = self._clock()
            try:
                source.watch(self._bell.ring, self._stop)
            except ConfgenError as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s. %s", error.message, error.hint)
            failures = 1 if self._clock() - opened > self._settings.pace.retry_most else failures + 1
            self._stop.wait(min(settle.backoff(failures, self._settings.pace), 10.0))


def _place(seat: Seat) -> tuple[str, str]:
    return seat.name, str(seat.target.folder.path)


def _waited_for(seat: Seat) -> SeatReport:
    """Of a proxy that nothing is known of yet."""
    error = TargetUnavailable(f"{seat.target.name} has not answered yet", "the others are kept right meanwhile")
    return SeatReport(seat=seat.name, proxy=seat.proxy.name, error=error)


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

    def wait(self, due: Callable[[settle.Pending | None], float]) -> tuple[str, float | None]:
        """Blocks until a turn is due; what woke it and when that came first, ("", None) when it was time alone."""
        with self._changed:
            while True:
                left = due(self._pending) - self._clock()
                if left <= 0:
                    reasons, since = self._reasons, self._pending.first if self._pending else None
                    self._reasons, self._pending = [], None
                    return ", ".join(filter(None, dict.fromkeys(reasons))), since
                self._changed.wait(left)
