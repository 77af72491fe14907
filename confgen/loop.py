"""The whole program: look, build, plan, render, apply, report; and what keeps it turning."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from confgen import settle
from confgen.apply import Applied, apply
from confgen.build import Built, build
from confgen.codec import decode, encode
from confgen.errors import BadInput, ConfgenError, SourceUnavailable, UsageError
from confgen.model import Model
from confgen.plan import Plan, make
from confgen.proxies.proxy import Caps
from confgen.readback import verify
from confgen.render import Candidate, Renderer
from confgen.report import Report, SeatReport
from confgen.seats import Seat, seats
from confgen.settings import Frame, Settings
from confgen.sources.source import Source
from confgen.state import Snapshot, State
from confgen.targets.folder import Folder

log = logging.getLogger(__name__)

#: The model as JSON beside the proxy's files: what `plan`, `status` and `history` compare with.
MODEL_FILE = "model.json"


@dataclass(frozen=True, slots=True)
class Refused:
    """A generation that did not go live: when it may be tried again, how often it failed, and how."""

    generation: str
    failures: int
    until: float
    error: ConfgenError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one proxy should serve: the model, its text, and the way there from what is live."""

    built: Built
    plan: Plan
    candidate: Candidate


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
        self._bell = Bell(clock)

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
        caps = self._caps.get(seat.life) or seat.proxy.probe(seat.target)
        self._caps[seat.life] = caps
        frame = replace(self._settings.frame, directory=seat.target.view)
        built = build(state, seat.vantage, self._settings.labels, frame)
        model, cannot = seat.proxy.fit(built.model, caps)
        candidate = render(self._renderer(seat), seat, model, caps, frame)
        plan = make(live_model(seat.target.folder), model, seat.proxy.weigh)
        return Wanted(replace(built, model=model, problems=tuple(sorted({*built.problems, *cannot}))), plan, candidate)

    def _keep(self, seat: Seat, state: State) -> SeatReport:
        """Keeps one proxy right; what goes wrong with it is told and stops nobody else."""
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
            return replace(report, applied=self._apply(seat, wanted.candidate))
        except ConfgenError as error:
            self._caps.pop(seat.life, None)
            return replace(report, error=error)

    def _apply(self, seat: Seat, candidate: Candidate) -> Applied:
        """A generation that was refused is not tried at every wake but after a pause that grows."""
        before = self._refused.get(seat.name)
        if before and before.generation == candidate.generation and self._clock() < before.until:
            raise before.error
        try:
            applied = apply(candidate, seat.proxy, seat.target, self._settings.keep)
        except ConfgenError as error:
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
        self._caps = {life: caps for life, caps in self._caps.items() if life in lives}

    # --- what keeps it turning ---

    def run(self, stop: threading.Event, tell: Callable[[Report], None]) -> None:
        """Turns until `stop` is set; one thread a source drains its events, this one does all the rest."""
        for source in self._sources:
            threading.Thread(target=self._watch, args=(source, stop), daemon=True, name=f"confgen-watch-{source.name}").start()
        threading.Thread(target=lambda: (stop.wait(), self._bell.ring("stop", True)), daemon=True, name="confgen-stop").start()
        applied = looked = -self._settings.pace.relist
        failures = 0
        while True:
            retry = looked + settle.backoff(failures, self._settings.pace) if failures else None
            woken = self._bell.wait(lambda pending: settle.due(pending, applied, looked, self._settings.pace), retry)
            if stop.is_set():
                return
            if not woken:
                self._refresh()
            report = self._turn_or_tell(woken or "a regular look")
            looked = self._clock()
            if report is None:
                failures += 1
                continue
            tell(report)
            failures = failures + 1 if report.failed else 0
            applied = looked if report.changed else applied

    def _turn_or_tell(self, woken: str) -> Report | None:
        try:
            return self.turn(woken)
        except UsageError:
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

    def wait(self, due: Callable[[settle.Pending | None], float], retry: float | None) -> str:
        """Blocks until a turn is due; what woke it, "" when it was time alone."""
        with self._changed:
            while True:
                when = due(self._pending) if retry is None else min(retry, due(self._pending))
                left = when - self._clock()
                if left <= 0:
                    reasons, self._reasons, self._pending = self._reasons, [], None
                    return ", ".join(dict.fromkeys(reasons))
                self._changed.wait(left)


def render(renderer: Renderer, seat: Seat, model: Model, caps: Caps, frame: Frame) -> Candidate:
    """The text for a model, proven to say what the model says; raises BadTemplate or RefusedText."""
    proxy = seat.proxy
    candidate = renderer.render(proxy.outputs, proxy.view(model, caps, frame))
    verify(proxy.expected(model, caps, frame), proxy.structure(candidate.as_dict()))
    kept = json.dumps(encode(model), indent=1, sort_keys=True).encode()
    return replace(candidate, files=(*candidate.files, (MODEL_FILE, kept)))


def live_model(folder: Folder) -> Model:
    """The model of the live generation; an empty one where there is none, or one that this version cannot read."""
    try:
        return decode(Model, json.loads((folder.path / "live" / MODEL_FILE).read_bytes()))
    except (OSError, ValueError, BadInput):
        return Model()
