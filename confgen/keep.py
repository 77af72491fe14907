"""Keeps one proxy right: what it should serve, brought to it, and what the attempts have taught."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from confgen import settle, vault
from confgen.apart import renderer
from confgen.apply import Applied, Result, apply, put, words
from confgen.build import Built
from confgen.codec import decode, encode
from confgen.errors import BadInput, BadTemplate, ConfgenError, NotApplied, RefusedByProxy, RefusedText, ReloadFailed
from confgen.kept import Claim, Kept, Quarantined, Verdict, claim_names
from confgen.model import Model, Pool, Route
from confgen.offer import Vantage
from confgen.policy import Policy
from confgen.problem import Effect, Origin, Problem
from confgen.proxies.proxy import Caps
from confgen.quarantine import offenders
from confgen.recent import Recent
from confgen.render import Candidate, Renders
from confgen.report import SeatReport
from confgen.seats import Seat
from confgen.settings import Frame, Settings
from confgen.snippets import Mistake, Snippet, Snippets, in_force, waiting
from confgen.sources.users import read_users
from confgen.state import Instance, State
from confgen.tls import Shelf
from confgen.users import Files
from confgen.verdict import Probe, complaints, decides, judged, probes, taking
from confgen.want import QUARANTINE, Live, Wanted, definition, look_into, planned, printed, shape, without, write

log = logging.getLogger(__name__)

KEPT_FILE = "kept.json"
PIN_FILE = "pin"
#: The ids of the containers that an operator has taken out of rotation (cli/drain.py), one a line.
DRAINED_FILE = "drained"
#: A claim is kept for its owner so long after its last route went: `docker compose up` makes containers anew, and nobody
#: shall take the host meanwhile.
_RESERVED = 60.0
#: After this a route in quarantine is tried once more; doubled each time.
_SECOND_TRY = 30.0
#: So often in one turn something is found that is refused: snippets, then routes as they are, as a 503, and once more.
_BLAMES = 4
#: So many new routes are tried one by one; of more, those that are refused are found by halves.
_FEW = 32
#: What a reload that fails after a good test is blamed on: a port that could not be opened.
_PORT_WORDS = "its port could not be opened (is something else listening there?)"


#: Finds out what a proxy's servers answer (Judge.ask): its name, what is to be found out, and what was known before.
Judging = Callable[[str, tuple[Probe, ...], Mapping[str, Verdict]], Mapping[str, Verdict]]


@dataclass(frozen=True, slots=True)
class Refused:
    """What failed, a generation that did not go live or a model that could not be rendered.

    until: when it may be tried again.  failures: how often it failed.
    """

    what: str | Model
    failures: int
    until: float
    error: ConfgenError


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
        self._settings = settings
        self._clock = clock
        self._stopped = stopped
        self._policy: Policy | None = None
        self._edition = 0
        self.snippets: Snippets = ()
        self._proven: tuple[Snippets, tuple[Mistake, ...]] = ((), ())
        self._bad: dict[Snippet, Mistake] = {}
        self.shelf = Shelf()
        self._https = (0, 0.0)  # how often its port could not be opened, and until when it is not tried
        self.judge: Judging | None = None
        self._verdicts: tuple[Verdict, ...] = ()
        self._life = ""
        self._caps: Caps | None = None
        self._renders: Renders | None = None
        self._refused: Refused | None = None
        self._spoilt: Refused | None = None
        self._kept: Kept | None = None
        self._lock: int | None = None
        # What costs time and follows from what was seen before: what was asked for, the parts of the text, a model's text,
        # and what is live.
        self._asked, self._parts = Recent(), Recent()
        self._shaped: tuple[_Given, Built] | None = None
        self._claimed: Built | None = None
        self._written: tuple[Model, Frame, Candidate] | None = None
        self._live: Live | None = None
        self._missing: dict[str, float] = {}
        self._tries: dict[str, tuple[int, float]] = {}

    def keep(self, seat: Seat, state: State) -> SeatReport:
        """Brings the proxy to what the state asks for; what goes wrong is told in the report and stops nobody else."""
        return self._report(seat, state, self._keep)

    def inspect(self, seat: Seat, state: State) -> SeatReport:
        """What the proxy serves and should serve; nothing is changed."""
        return self._report(seat, state, self._look)

    def want(self, seat: Seat, state: State) -> Wanted:
        """What the proxy should serve, rendered and read back; nothing is written."""
        self._meet(seat)
        built = self._judged(seat, self._shape(seat, state, self._abilities(seat)))
        frame = self._frame(seat)
        if self._written is None or _untold(self._written[0]) != _untold(built.model) or self._written[1] != frame:
            self._written = (built.model, frame, self._render(built.model, seat))
        candidate = self._written[2]
        return Wanted(built, planned(self._is_live(seat), built.model, candidate, seat.proxy, self._abilities(seat)), candidate)

    def release(self) -> None:
        """Gives up the right to write, for a standby to take, and what renders."""
        if self._renders is not None:
            self._renders.close()
            self._renders = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def obey(self, settings: Settings, edition: int, policy: Policy | None, shelf: Shelf, snippets: Snippets = ()) -> None:
        """What holds from now on.  edition: another number where settings, templates or snippets are others."""
        self.shelf, self.snippets = shelf, snippets
        if edition != self._edition:
            self._edition = edition
            self.take(settings)
        if policy != self._policy:  # it says what templates may omit, too
            self._policy = policy
            self._forget_texts()

    def take(self, settings: Settings) -> None:
        """Settings, templates or snippets have changed: everything is made anew, and what was refused may be right now."""
        self._bad.clear()
        if self._renders is not None and _renderer_of(settings) == _renderer_of(self._settings):
            self._renders.forget()
        elif self._renders is not None:
            self._renders.close()
            self._renders = None
        if settings.frame != self._settings.frame:
            self._https = (0, 0.0)
        self._settings, self._shaped, self._asked, self._parts = settings, None, Recent(), Recent()
        self._forget_texts()

    def _forget_texts(self) -> None:
        """What was refused may be right now."""
        self._written = self._refused = self._spoilt = None
        self._tries = {name: (tries, self._clock()) for name, (tries, _) in self._tries.items()}

    # --- one part of a turn ---

    def _report(self, seat: Seat, state: State, act: Callable[[Seat, State], tuple[Wanted, Applied]]) -> SeatReport:
        report = SeatReport(seat=seat.name, proxy=seat.proxy.name, pinned=_pin(seat))
        try:
            wanted, applied = act(seat, _without_drained(seat, state))
        except ConfgenError as error:
            problems = self._shape(seat, state, self._caps).problems
            self._caps = None
            live = self._is_live(seat)
            return replace(
                report, error=error, problems=problems, model=live.model, wanted=self._generation(), live=live.generation
            )
        served = {route.name for route in wanted.built.model.routes()}
        return replace(
            report,
            version=self._abilities(seat).text,
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
            wanted = replace(wanted, built=replace(wanted.built, model=self._is_live(seat).model))
        return wanted, Applied(running, Result.UNCHANGED if right else Result.OUTDATED)

    def _keep(self, seat: Seat, state: State) -> tuple[Wanted, Applied]:
        for _ in range(_BLAMES):
            try:
                return self._attempt(seat, state)
            except (RefusedText, RefusedByProxy, ReloadFailed) as error:
                if not self._blame(seat, self._shape(seat, state, self._abilities(seat)), error):
                    raise
        return self._attempt(seat, state)

    def _attempt(self, seat: Seat, state: State) -> tuple[Wanted, Applied]:
        wanted = self.want(seat, state)
        if self._lock is None:
            self._lock = seat.target.folder.lock()
        if self._lock is None:
            return wanted, Applied(wanted.candidate.generation, Result.STANDBY)
        if pinned := _pin(seat):
            return wanted, self._bring(seat, _pinned(seat, pinned))
        if self._unapproved(wanted):
            return wanted, self._hold(seat)
        vault.put(seat.target.folder, wanted.built.model, self._certificates(seat))
        applied = self._bring(seat, wanted.candidate)
        if applied.changed:
            self._live = Live(wanted.candidate.generation, wanted.built.model, wanted.candidate.as_dict())
        vault.tidy(seat.target.folder, wanted.built.model)
        self._claim(seat, state, wanted)
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
        self._still(self._refused, candidate.generation)
        try:
            if seat.caps:
                applied = put(candidate, seat.target.folder, self._settings.keep)
            else:
                applied = apply(candidate, seat.proxy, self._abilities(seat), seat.target, self._settings.keep)
        except NotApplied as error:
            if isinstance(error, RefusedByProxy) and self._written and self._written[2] == candidate:
                error = RefusedByProxy(
                    error.message + self._printed(error.message, self._written[0], candidate, seat), error.hint
                )
            self._refused = self._again(self._refused, candidate.generation, error)
            raise error from None
        self._refused = None
        return applied

    def _render(self, model: Model, seat: Seat) -> Candidate:
        """Nor is a model whose rendering failed: a template without an end would keep the machine busy."""
        self._still(self._spoilt, model)
        try:
            candidate = self._write(model, seat)
        except BadTemplate as error:
            self._spoilt = self._again(self._spoilt, model, error)
            raise
        self._spoilt = None
        return candidate

    def _still(self, before: Refused | None, what: str | Model) -> None:
        if before and before.what == what and self._clock() < before.until:
            raise before.error

    def _again(self, before: Refused | None, what: str | Model, error: ConfgenError) -> Refused:
        failures = before.failures + 1 if before and before.what == what else 1
        return Refused(what, failures, self._clock() + settle.backoff(failures, self._settings.pace), error)

    # --- what is known of the proxy ---

    def _meet(self, seat: Seat) -> None:
        """Another container in the same place is asked anew."""
        if seat.life != self._life:
            self._life, self._caps, self._written, self._live = seat.life, None, None, None

    def _abilities(self, seat: Seat) -> Caps:
        if self._caps is None:
            self._caps = seat.caps or seat.proxy.probe(seat.target)
        return self._caps

    def _shape(self, seat: Seat, state: State, caps: Caps | None) -> Built:
        """What the state asks for; most wakes find the very same state again."""
        frame, shelf = self._frame(seat), self._certificates(seat)
        kept = replace(self._trusted(seat), verdicts=())
        users = read_users(self._settings.users)
        given = _Given(state, caps, seat.vantage, frame, kept, self._policy, shelf, users)
        if self._shaped is None or self._shaped[0] != given:
            self._asked.next()
            wrong = self._wrong(seat)
            hold = partial(self._hold_back, seat, frozenset(wrong))
            known = (kept, self._policy, shelf, self._asked, users)
            built = shape(state, seat.proxy, caps, seat.vantage, self._settings, frame, *known, hold=hold)
            problems = {*built.problems, *(mistake.problem() for mistake in wrong.values())}
            self._shaped = (given, replace(built, problems=tuple(sorted(problems))))
        return self._shaped[1]

    def _certificates(self, seat: Seat) -> Shelf:
        """What can be used; nothing for a while after the port for https could not be opened."""
        if self._clock() < self._https[1]:
            origin = Origin(seat.name, seat.name, f"port {self._settings.frame.https_port}")
            hint = "free it, or choose another with --https-port; it is tried again by itself from time to time"
            return Shelf(problems=(Problem(origin, "CG301", f"no https: {_PORT_WORDS}", Effect.NOTHING, hint),))
        return vault.recall(seat.target.folder, self._is_live(seat).model, self.shelf) if self.shelf.broken else self.shelf

    def _frame(self, seat: Seat, bad: Mapping[Snippet, Mistake] | None = None) -> Frame:
        """bad: the snippets that are left out, if others than those that are known to be wrong."""
        may_omit = self._policy.may_omit if self._policy else ()
        good = self._recall(seat).snippets
        snippets = in_force(self._own(seat), self._wrong(seat) if bad is None else bad, good)
        frame = replace(self._settings.frame, directory=seat.target.view, may_omit=may_omit, snippets=snippets)
        return frame if snippets else self._asked.one(frame)  # where a snippet stands does not count in comparisons

    def _renderer(self, seat: Seat) -> Renders:
        if self._renders is None:
            self._renders = renderer(self._settings.templates, seat.proxy.filters, self._stopped, self._settings.filters)
        return self._renders

    def _write(self, model: Model, seat: Seat, frame: Frame | None = None) -> Candidate:
        frame = frame or self._frame(seat)
        return write(model, seat.proxy, self._abilities(seat), frame, self._renderer(seat), self._parts)

    def _printed(self, words: str, model: Model, candidate: Candidate, seat: Seat, frame: Frame | None = None) -> str:
        """Which lines of the operator's own files the proxy's words are about."""
        if not self._settings.has_own_text:
            return ""
        frame = frame or self._frame(seat)
        return printed(words, candidate, model, seat.proxy, self._abilities(seat), frame, self._renderer(seat))

    # --- the operator's snippets ---

    def _own(self, seat: Seat) -> Snippets:
        return tuple(s for s in self.snippets if s.name.startswith(f"{seat.proxy.name}/"))

    def _wrong(self, seat: Seat) -> dict[Snippet, Mistake]:
        """What is wrong in the snippets: as they stand, and in the proxy's eyes until the time for another try has come."""
        if self._proven[0] is not self.snippets:
            self._proven = (self.snippets, tuple(m for s in self._own(seat) if (m := seat.proxy.mistake(s))))
        refused = {s: m for s, m in self._bad.items() if self._tries[s.name][1] > self._clock()}
        return {**refused, **{mistake.snippet: mistake for mistake in self._proven[1]}}

    def _hold_back(self, seat: Seat, wrong: frozenset[Snippet], model: Model) -> Model:
        """With new routes shut that wait for a snippet of which no good text is known."""
        kept = {snippet.name for snippet in self._recall(seat).snippets}
        served = frozenset(str(route.name) for route in self._is_live(seat).model.routes() if not route.withheld)
        held = waiting(model, [s for s in wrong if s.name not in kept], served)
        return without(held, ()) if held != model else model

    def _blame_snippets(self, seat: Seat, model: Model, error: NotApplied) -> bool:
        """Finds the snippets because of which the text is refused, among those that are new or changed; False if there are none."""
        kept, wrong = self._recall(seat).snippets, self._wrong(seat)
        fresh = [s for s in self._own(seat) if s not in kept and s not in wrong]
        if not fresh:
            return False
        if isinstance(error, ReloadFailed):
            blamed = dict.fromkeys(fresh, error.message)
        else:
            blamed = self._refused_snippets(seat, model, fresh, wrong) or self._refused_snippets(
                seat, self._is_live(seat).model, fresh, wrong
            )
        for snippet, said in blamed.items():
            tries, _ = self._tries.get(snippet.name, (0, 0.0))
            self._tries[snippet.name] = (tries + 1, self._clock() + _SECOND_TRY * 2 ** min(tries, 10))
            line = re.search(rf"{re.escape(snippet.file)}:([0-9]+)", said)
            self._bad[snippet] = Mistake(snippet, said, int(line[1]) if line else 0)
        self._shaped = None
        return bool(blamed)

    def _refused_snippets(
        self, seat: Seat, model: Model, fresh: list[Snippet], wrong: Mapping[Snippet, Mistake]
    ) -> dict[Snippet, str]:
        def said(some: Sequence[Snippet]) -> str:
            out = {snippet: Mistake(snippet, "") for snippet in fresh if snippet not in some}
            return self._said(seat, model, self._frame(seat, {**wrong, **out}))

        found = offenders(fresh, lambda some: not said(some))
        return {snippet: said([snippet]) for snippet in found or ()}

    def _is_live(self, seat: Seat) -> Live:
        """What is live; read from the folder only when it is not what was read last."""
        if self._live is None or self._live.generation != seat.target.folder.live():
            self._live = look_into(seat.target.folder)
        return self._live

    # --- who is well ---

    def _judged(self, seat: Seat, built: Built) -> Built:
        """With the servers in the state that their checks and ports call for."""
        kept = {verdict.name: verdict for verdict in self._recall(seat).verdicts}
        wanted = probes(built.model, self._asked)
        found = self.judge(seat.name, wanted, kept) if self.judge else kept
        checked = {probe.name for probe in wanted if probe.check}
        self._verdicts = tuple(sorted(v for v in found.values() if not v.up or v.name in checked))
        live = taking(self._is_live(seat).model) if decides(built.model, found) else frozenset()
        model = judged(built.model, found, live)
        if model == built.model:
            said = complaints(model, found)
            return replace(built, problems=tuple(sorted({*built.problems, *said}))) if said else built
        servers = {(pool.name, server.name): server for pool in model.pools for server in pool.servers}
        placements = tuple(
            replace(p, server=servers.get((p.pool, p.server.name), p.server)) if p.pool and p.server else p
            for p in built.placements
        )
        return Built(model, tuple(sorted({*built.problems, *complaints(model, found)})), placements)

    # --- quarantine ---

    def _gives_up_https(self, seat: Seat, model: Model, error: NotApplied) -> bool:
        """Where the port for https is new and cannot be had, http goes on without it for a while, and no route is blamed."""
        taken = isinstance(error, ReloadFailed) or os.strerror(errno.EADDRINUSE) in error.message
        if not taken or not model.certificates or self._is_live(seat).model.certificates:
            return False
        tries, _ = self._https
        self._https = (tries + 1, self._clock() + _SECOND_TRY * 2 ** min(tries, 10))
        return True

    def _blame(self, seat: Seat, built: Built, error: NotApplied) -> bool:
        """Finds the routes because of which the text is refused and puts them into quarantine; False if there are none.

        One that is refused although it answers 503 by now stays for what it said, and is not written at all.
        """
        model = built.model
        if self._gives_up_https(seat, model, error):
            return True
        if self._blame_snippets(seat, model, error):
            return True
        if isinstance(error, ReloadFailed):
            known = {listener.name for listener in self._is_live(seat).model.listeners}
            fresh_ports = [x for x in model.listeners if x.name not in known and x.protocol != "http"]
            blamed = {str(route.name): _PORT_WORDS for listener in fresh_ports for route in listener.routes}
        else:
            blamed = self._tested(seat, model)
        by_name = {str(route.name): route for route in model.routes()}
        for name in blamed:
            tries, _ = self._tries.get(name, (0, 0.0))
            tries -= by_name[name].withheld == QUARANTINE  # of the same try
            self._tries[name] = (tries + 1, self._clock() + _SECOND_TRY * 2 ** min(max(tries, 0), 10))
        kept = self._recall(seat)
        before = {q.name: q for q in kept.quarantined}
        fresh = tuple(_quarantined(by_name[name], model, said, before.get(name)) for name, said in sorted(blamed.items()))
        self._remember(
            seat, replace(kept, quarantined=tuple(sorted((*(q for q in kept.quarantined if q.name not in blamed), *fresh))))
        )
        return bool(fresh)

    def _tested(self, seat: Seat, model: Model) -> dict[str, str]:
        """Which routes the proxy's own test refuses, each with the proxy's words; those that are live are trusted first.

        Empty when what is live would be refused too: then the fault is in a template, and no template's mistake may take
        down a route that is up.
        """
        live = self._is_live(seat).model
        if self._said(seat, live):
            return {}
        known = set(live.routes())
        trusted = sorted((r for r in model.routes() if r in known), key=lambda r: r.name)
        fresh = sorted((r for r in model.routes() if r not in known), key=lambda r: r.name)
        said = ""

        def passes(some: Sequence[Route]) -> bool:
            nonlocal said
            names = {route.name for route in some}
            said = self._said(seat, without(model, {r.name for r in model.routes()} - names))
            return not said

        alone = self._refused_alone(fresh, lambda some: "" if passes(some) else said)
        if alone and passes([*trusted, *(r for r in fresh if str(r.name) not in alone)]):
            return alone
        found = offenders(fresh, lambda some: passes([*trusted, *some]))
        if found is None:  # a pool of theirs has changed
            found = offenders([*trusted, *fresh], passes)
        blamed = {}
        for route in found or ():
            passes([route])
            blamed[str(route.name)] = said
        return blamed

    def _refused_alone(self, fresh: Sequence[Route], against: Callable[[Sequence[Route]], str]) -> dict[str, str]:
        """Of a few new routes those that are refused each by itself: a text of one route is tested in a moment.

        Empty where a text without any route is refused too, and where there are too many to try one by one.
        """
        if len(fresh) > _FEW or against([]):
            return {}
        return {str(route.name): words for route in fresh if (words := against([route]))}

    def _said(self, seat: Seat, model: Model, frame: Frame | None = None) -> str:
        """What is said against the text of a model, by the read-back or by the proxy's own test; "" when nothing is."""
        try:
            candidate = self._write(model, seat, frame)
        except RefusedText as error:
            return error.message
        folder = seat.target.folder
        vault.put(folder, model, self._certificates(seat))
        folder.stage(candidate.generation, candidate.as_dict(), candidate.private)
        answer = seat.proxy.test(seat.target, candidate.generation)
        folder.discard(candidate.generation)
        said = words(answer.output) if answer.code else ""
        return said and said + self._printed(said, model, candidate, seat, frame)

    def _trusted(self, seat: Seat) -> Kept:
        """What is kept, without the routes whose time for another try has come."""
        kept = self._recall(seat)
        now = self._clock()
        due = {q.name for q in kept.quarantined if self._tries.setdefault(q.name, (1, now + _SECOND_TRY))[1] <= now}
        return replace(kept, quarantined=tuple(q for q in kept.quarantined if q.name not in due)) if due else kept

    # --- claims ---

    def _claim(self, seat: Seat, state: State, wanted: Wanted) -> None:
        """Notes who holds what; a claim whose routes are gone stays reserved for a while."""
        kept = self._recall(seat)
        if wanted.built is self._claimed and not self._missing and kept.verdicts == self._verdicts:
            return
        self._claimed = wanted.built
        instances = {i.name: i for i in state.instances}
        placed = reversed(wanted.built.placements)  # the oldest of a route speaks for it
        holders = {p.route: instances[p.instance] for p in placed if p.instance in instances}
        held = {
            claim.name: claim
            for listener in wanted.built.model.listeners
            for route in listener.routes
            if route.name in holders
            for claim in self._asked.of(_claims, listener.protocol, self._asked.one(listener.port), route, holders[route.name])
        }
        now = self._clock()
        absent = {c.name: c for c in kept.claims if c.name not in held}
        self._missing = {name: self._missing.get(name, now) for name in absent}
        reserved = {name: claim for name, claim in absent.items() if now - self._missing[name] < _RESERVED}
        claims = tuple(sorted({**reserved, **held}.values(), key=lambda claim: claim.name))
        served = {str(r.name) for r in wanted.built.model.routes() if r.withheld != QUARANTINE}
        refused = {str(p.route) for p in wanted.built.placements} - served
        quarantined = tuple(q for q in kept.quarantined if q.name in refused)
        self._remember(seat, Kept(claims, quarantined, self._verdicts, self._frame(seat).snippets))
        self._expect(kept, quarantined)

    def _expect(self, before: Kept, quarantined: tuple[Quarantined, ...]) -> None:
        """New claims alone change nothing of what was built: whoever holds one now was the first that asked for it."""
        if (
            self._shaped is None
            or self._kept is None
            or quarantined != before.quarantined
            or self._kept.snippets != before.snippets
        ):
            return
        if {*before.claims} <= {*self._kept.claims} and self._shaped[0].kept == replace(before, verdicts=()):
            self._shaped = (replace(self._shaped[0], kept=replace(self._kept, verdicts=())), self._shaped[1])

    def _recall(self, seat: Seat) -> Kept:
        if self._kept is None:
            try:
                self._kept = decode(Kept, json.loads(seat.target.folder.recall(KEPT_FILE) or b"{}"))
            except (ValueError, BadInput) as error:
                log.warning("%s: %s cannot be read (%s); it is made anew", seat.name, KEPT_FILE, error)
                self._kept = Kept()
        return self._kept

    def _remember(self, seat: Seat, kept: Kept) -> None:
        if kept != self._kept:
            self._kept = kept
            seat.target.folder.remember(KEPT_FILE, json.dumps(encode(kept)).encode())


def _quarantined(route: Route, model: Model, said: str, before: Quarantined | None) -> Quarantined:
    if before and route.withheld == QUARANTINE:
        return replace(before, words=said, unwritable=True)
    defined = definition(route, model)
    return Quarantined(route.name, defined, said, before is not None and before.definition == defined and before.unwritable)


def _renderer_of(settings: Settings) -> tuple[object, ...]:
    """What a renderer is made for."""
    return settings.templates, settings.filters


def _untold(model: Model) -> Model:
    """The model without words for people, which are in no proxy's text."""
    if not any(server.why for pool in model.pools for server in pool.servers):
        return model
    return replace(model, pools=tuple(_bare(pool) if any(s.why for s in pool.servers) else pool for pool in model.pools))


def _bare(pool: Pool) -> Pool:
    return replace(pool, servers=tuple(replace(server, why="") for server in pool.servers))


def _claims(protocol: str, port: int, route: Route, holder: Instance) -> tuple[Claim, ...]:
    return tuple(Claim(name, holder.owner, holder.id) for name in claim_names(protocol, port, route))


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
