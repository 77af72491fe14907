"""Keeps one proxy right: what it should serve, brought to it, and what the attempts have taught."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from confgen import vault
from confgen.apply import Applied, Result, apply, put
from confgen.blame import Blame
from confgen.build import Built
from confgen.claims import Claims
from confgen.errors import BadTemplate, ConfgenError, NotApplied, RefusedByProxy, RefusedText, ReloadFailed
from confgen.https import Https
from confgen.inserts import Inserts
from confgen.kept import Kept
from confgen.known import Known
from confgen.model import Model, Pool
from confgen.offer import Vantage
from confgen.policy import Policy
from confgen.problem import Effect, Origin, Problem
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.render import Candidate
from confgen.report import SeatReport
from confgen.seats import Seat
from confgen.settings import Frame, Settings
from confgen.snippets import Snippets
from confgen.sources.users import read_users
from confgen.state import State
from confgen.tls import Shelf
from confgen.tries import Pause, Tries
from confgen.users import Files
from confgen.want import Live, Wanted, planned, shape
from confgen.wellness import Judging, Wellness
from confgen.writer import Writer

#: Where the command line leaves what it was told, beside the generations: a folder of its own, since it is watched, and
#: each turn writes into the one around it.
ASKED = "asked"
#: The generation that an operator went back to (cli/past.py).
PIN_FILE = f"{ASKED}/pin"
#: The ids of the containers that an operator has taken out of rotation (cli/drain.py), one a line.
DRAINED_FILE = f"{ASKED}/drained"
#: So often in one turn something is found that is refused: snippets, then routes as they are, as a 503, and once more.
_BLAMES = 4


@dataclass(frozen=True, slots=True)
class _Given:
    """All that a proxy's model follows from."""

    state: State
    caps: Caps | None
    vantage: Vantage
    frame: Frame
    kept: Kept
    policy: Policy | None
    shelf: Shelf
    users: Files


class Keeper:
    """One proxy's keeper, for as long as that proxy is there.  Not for more than one thread.

    stopped: whether confgen is being stopped; then what can be dropped raises Stopped.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], stopped: Callable[[], bool] = lambda: False) -> None:
        self.judge: Judging | None = None
        self._settings = settings
        self._edition = 0
        self._policy: Policy | None = None
        self._asked = Recent()  # what follows from what was asked for, and costs time
        self._known = Known()
        self._tries = Tries(clock)
        self._https = Https(settings.frame, clock, self._known)
        self._inserts = Inserts(self._known, self._tries)
        self._writer = Writer(settings, stopped, self._known, self._inserts, self._asked)
        self._blame = Blame(self._known, self._tries, self._inserts, self._writer, self._https)
        self._wellness = Wellness(self._known, self._asked)
        self._claims = Claims(clock, self._known, self._asked)
        self._refused: Pause[str] = Pause(clock)  # a generation that did not go live
        self._spoilt: Pause[Model] = Pause(clock)  # a model that could not be rendered
        self._shaped: tuple[_Given, Built] | None = None
        self._written: tuple[Model, Frame, Candidate] | None = None
        self._lock: int | None = None

    def keep(self, seat: Seat, state: State) -> SeatReport:
        """Brings the proxy to what the state asks for; what goes wrong is told in the report and stops nobody else."""
        return self._report(seat, state, self._keep)

    def inspect(self, seat: Seat, state: State) -> SeatReport:
        """What the proxy serves and should serve; nothing is changed."""
        return self._report(seat, state, self._look)

    def want(self, seat: Seat, state: State) -> Wanted:
        """What the proxy should serve, rendered and read back; nothing is written."""
        if self._known.meet(seat):
            self._written = None
        built = self._wellness.judged(seat, self._shape(seat, state, self._known.abilities(seat)), self.judge)
        frame = self._writer.frame(seat)
        if self._written is None or _untold(self._written[0]) != _untold(built.model) or self._written[1] != frame:
            self._written = (built.model, frame, self._render(built.model, seat))
        candidate = self._written[2]
        live, caps = self._known.live(seat), self._known.abilities(seat)
        return Wanted(built, planned(live, built.model, candidate, seat.proxy, caps), candidate)

    def release(self) -> None:
        """Gives up the right to write, for a standby to take, and what renders."""
        self._writer.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def obey(self, settings: Settings, edition: int, policy: Policy | None, shelf: Shelf, snippets: Snippets = ()) -> None:
        """What holds from now on.  edition: another number where settings, templates or snippets are others."""
        self._https.shelf, self._inserts.given = shelf, snippets
        if edition != self._edition:
            self._edition = edition
            self.take(settings)
        if policy != self._policy:  # it says what templates may omit, too
            self._policy = self._writer.policy = policy
            self._forget_texts()

    def take(self, settings: Settings) -> None:
        """Settings, templates or snippets have changed: everything is made anew, and what was refused may be right now."""
        self._inserts.forget()
        self._writer.take(settings)
        self._https.take(settings.frame)
        self._settings, self._shaped = settings, None
        self._asked.forget()
        self._forget_texts()

    def _forget_texts(self) -> None:
        """What was refused may be right now."""
        self._written = None
        self._refused.over()
        self._spoilt.over()
        self._tries.hasten()

    # --- one part of a turn ---

    def _report(self, seat: Seat, state: State, act: Callable[[Seat, State], tuple[Wanted, Applied]]) -> SeatReport:
        report = SeatReport(seat=seat.name, proxy=seat.proxy.name, pinned=_pin(seat))
        try:
            wanted, applied = act(seat, _without_drained(seat, state))
        except ConfgenError as error:
            problems = self._shape(seat, state, self._known.caps).problems
            self._known.caps = None
            live = self._known.live(seat)
            return replace(
                report, error=error, problems=problems, model=live.model, wanted=self._generation(), live=live.generation
            )
        served = {route.name for route in wanted.built.model.routes()}
        return replace(
            report,
            version=self._known.abilities(seat).text,
            model=wanted.built.model,
            plan=wanted.plan,
            problems=(*wanted.built.problems, *([_waiting(seat, wanted)] if self._unapproved(wanted) else [])),
            placements=tuple(p for p in wanted.built.placements if p.route in served),
            applied=applied,
            wanted=self._generation(),
            live=seat.target.folder.live(),
        )

    def _generation(self) -> str:
        return self._written[2].generation if self._written else ""

    def _look(self, seat: Seat, state: State) -> tuple[Wanted, Applied]:
        wanted = self.want(seat, state)
        running = seat.target.folder.live() if seat.caps else seat.proxy.running(seat.target)
        right = running == (_pin(seat) or self._may(seat, wanted))
        if running != wanted.candidate.generation:
            wanted = replace(wanted, built=replace(wanted.built, model=self._known.live(seat).model))
        return wanted, Applied(running, Result.UNCHANGED if right else Result.OUTDATED)

    def _keep(self, seat: Seat, state: State) -> tuple[Wanted, Applied]:
        for _ in range(_BLAMES):
            try:
                return self._attempt(seat, state)
            except (RefusedText, RefusedByProxy, ReloadFailed) as error:
                found = self._blame.find(seat, self._shape(seat, state, self._known.abilities(seat)), error)
                self._shaped = None
                if not found:
                    raise
        return self._attempt(seat, state)

    def _attempt(self, seat: Seat, state: State) -> tuple[Wanted, Applied]:
        if self._lock is None:
            self._lock = seat.target.folder.lock()
            self._known.forget()  # whoever else has written there may have granted and refused more meanwhile
        wanted = self.want(seat, state)
        if self._lock is None:
            return wanted, Applied(wanted.candidate.generation, Result.STANDBY)
        if pinned := _pin(seat):
            return wanted, self._bring(seat, _pinned(seat, pinned))
        if self._unapproved(wanted):
            return wanted, self._hold(seat)
        vault.put(seat.target.folder, wanted.built.model, self._https.certificates(seat))
        applied = self._bring(seat, wanted.candidate)
        if applied.changed:
            self._known.went_live(Live(wanted.candidate.generation, wanted.built.model, wanted.candidate.as_dict()))
        vault.tidy(seat.target.folder, wanted.built.model)
        before = self._known.kept(seat)
        self._claims.note(seat, state, wanted.built, self._wellness.verdicts, self._inserts.in_force(seat))
        self._expect(before, self._known.kept(seat))
        return wanted, applied

    def _unapproved(self, wanted: Wanted) -> bool:
        return bool(self._settings.expect) and wanted.candidate.generation not in self._settings.expect

    def _may(self, seat: Seat, wanted: Wanted) -> str:
        """The generation that may be live: what is wanted, or what is there while that waits for approval."""
        return seat.target.folder.live() if self._unapproved(wanted) else wanted.candidate.generation

    def _hold(self, seat: Seat) -> Applied:
        """What was approved and is live stays so, should the proxy lose it; all else is left as it is."""
        live = seat.target.folder.live()
        if live in self._settings.expect:
            self._bring(seat, _found(seat, live))
        return Applied(live, Result.WAITING)

    def _bring(self, seat: Seat, candidate: Candidate) -> Applied:
        """A generation that was refused is not tried at every wake but after a pause that grows."""
        self._refused.mind(candidate.generation)
        try:
            if seat.caps:
                applied = put(candidate, seat.target.folder, self._settings.keep)
            else:
                live = self._known.live(seat)
                known = {live.generation: live.files}
                applied = apply(candidate, seat.proxy, self._known.abilities(seat), seat.target, self._settings.keep, known)
        except NotApplied as error:
            if isinstance(error, RefusedByProxy) and self._written and self._written[2] == candidate:
                where = self._writer.printed(seat, error.message, self._written[0], candidate)
                error = RefusedByProxy(error.message + where, error.hint)
            self._refused.failed(candidate.generation, error, self._settings.pace)
            raise error from None
        self._refused.over()
        return applied

    def _render(self, model: Model, seat: Seat) -> Candidate:
        """Nor is a model whose rendering failed: a template without an end would keep the machine busy."""
        self._spoilt.mind(model)
        try:
            candidate = self._writer.write(seat, model)
        except BadTemplate as error:
            self._spoilt.failed(model, error, self._settings.pace)
            raise
        self._spoilt.over()
        return candidate

    # --- what the state asks for ---

    def _shape(self, seat: Seat, state: State, caps: Caps | None) -> Built:
        """What the state asks for; most wakes find the very same state again."""
        frame, shelf = self._writer.frame(seat), self._https.certificates(seat)
        kept = replace(self._blame.trusted(seat), verdicts=())
        users = read_users(self._settings.users)
        given = _Given(state, caps, seat.vantage, frame, kept, self._policy, shelf, users)
        if self._shaped is None or self._shaped[0] != given:
            self._asked.next()
            hold = partial(self._inserts.hold_back, seat)
            known = (kept, self._policy, shelf, self._asked, users)
            built = shape(state, seat.proxy, caps, seat.vantage, self._settings, frame, *known, hold=hold)
            problems = {*built.problems, *(mistake.problem() for mistake in self._inserts.wrong(seat).values())}
            self._shaped = (given, replace(built, problems=tuple(sorted(problems))))
        return self._shaped[1]

    def _expect(self, before: Kept, now: Kept) -> None:
        """New claims alone change nothing of what was built: whoever holds one now was the first that asked for it."""
        if now is before or self._shaped is None or now.quarantined != before.quarantined or now.snippets != before.snippets:
            return
        if {*before.claims} <= {*now.claims} and self._shaped[0].kept == replace(before, verdicts=()):
            self._shaped = (replace(self._shaped[0], kept=replace(now, verdicts=())), self._shaped[1])


def _untold(model: Model) -> Model:
    """The model without words for people, which are in no proxy's text."""
    if not any(server.why for pool in model.pools for server in pool.servers):
        return model
    return replace(model, pools=tuple(_bare(pool) if any(s.why for s in pool.servers) else pool for pool in model.pools))


def _bare(pool: Pool) -> Pool:
    return replace(pool, servers=tuple(replace(server, why="") for server in pool.servers))


def _without_drained(seat: Seat, state: State) -> State:
    """The state with those out of rotation that an operator has taken out."""
    drained = set(seat.target.folder.recall(DRAINED_FILE).decode("ascii", "replace").split())
    if not drained:
        return state
    return replace(state, instances=tuple(replace(i, drained=True) if i.id in drained else i for i in state.instances))


def _pin(seat: Seat) -> str:
    return seat.target.folder.recall(PIN_FILE).decode("ascii", "replace").strip()


def _pinned(seat: Seat, generation: str) -> Candidate:
    """The generation that an operator went back to; it is tested again before it goes live."""
    found = _found(seat, generation)
    if not found.files:
        raise NotApplied(f"generation {generation} is pinned and no longer there", "confgen rollback --release, or pin another")
    return found


def _found(seat: Seat, generation: str) -> Candidate:
    """A kept generation, as it was written."""
    return Candidate(generation, tuple(sorted(seat.target.folder.read(generation).items())))


def _waiting(seat: Seat, wanted: Wanted) -> Problem:
    """What is wanted is not what was approved."""
    why = f" ({wanted.plan.impact.words}: {wanted.plan.reason})" if wanted.plan.reason else ""
    message = f"generation {wanted.candidate.generation} waits for approval{why}"
    hint = "confgen plan shows it; to take it, name it in --expect, CONFGEN_EXPECT or confgen.toml"
    return Problem(Origin("settings", f"proxy {seat.name}", "expect"), "CG011", message, Effect.PROXY, hint)
