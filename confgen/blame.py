"""Finds what a refused text is due to: the port for https, snippets, or routes, which go into quarantine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from confgen import vault
from confgen.apply import words
from confgen.build import Built
from confgen.errors import NotApplied, RefusedText, ReloadFailed
from confgen.https import PORT_WORDS, Https
from confgen.inserts import Inserts
from confgen.kept import Kept, Quarantined
from confgen.known import Known
from confgen.model import Model, Route
from confgen.quarantine import offenders
from confgen.seats import Seat
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet
from confgen.tries import Tries
from confgen.want import QUARANTINE, definition, without
from confgen.writer import Writer

#: So many new routes are tried one by one; of more, those that are refused are found by halves.
_FEW = 32


class Blame:
    """tries: of snippets and routes alike, each by its name."""

    def __init__(self, known: Known, tries: Tries, inserts: Inserts, writer: Writer, https: Https) -> None:
        self._known = known
        self._tries = tries
        self._inserts = inserts
        self._writer = writer
        self._https = https

    def trusted(self, seat: Seat) -> Kept:
        """What is kept, without the routes whose time for another try has come."""
        kept = self._known.kept(seat)
        for one in kept.quarantined:
            self._tries.known(one.name)
        held = tuple(one for one in kept.quarantined if self._tries.wait(one.name))
        return replace(kept, quarantined=held) if held != kept.quarantined else kept

    def find(self, seat: Seat, built: Built, error: NotApplied) -> bool:
        """Finds what is to blame and leaves it out from now on; False if there is nothing."""
        return (
            self._https.give_up(seat, built.model, error)
            or self._find_snippets(seat, built.model, error)
            or self._find_routes(seat, built.model, error)
        )

    # --- snippets ---

    def _find_snippets(self, seat: Seat, model: Model, error: NotApplied) -> bool:
        """Among those that are new or changed."""
        fresh, wrong = self._inserts.fresh(seat), self._inserts.wrong(seat)
        if not fresh:
            return False
        if isinstance(error, ReloadFailed):
            blamed = dict.fromkeys(fresh, error.message)
        else:
            live = _told(self._known.live(seat).model, model)
            blamed = self._refused_snippets(seat, model, fresh, wrong) or self._refused_snippets(seat, live, fresh, wrong)
        for snippet, said in blamed.items():
            self._inserts.refuse(snippet, said)
        return bool(blamed)

    def _refused_snippets(
        self, seat: Seat, model: Model, fresh: list[Snippet], wrong: Mapping[Snippet, Mistake]
    ) -> dict[Snippet, str]:
        def said(some: Sequence[Snippet]) -> str:
            out = {snippet: Mistake(snippet, "") for snippet in fresh if snippet not in some}
            return self._said(seat, model, self._writer.frame(seat, {**wrong, **out}))

        found = offenders(fresh, lambda some: not said(some))
        return {snippet: said([snippet]) for snippet in found or ()}

    # --- routes ---

    def _find_routes(self, seat: Seat, model: Model, error: NotApplied) -> bool:
        """One that is refused although it answers 503 by now stays for what it said, and is not written at all."""
        if isinstance(error, ReloadFailed):
            known = {listener.name for listener in self._known.live(seat).model.listeners}
            fresh_ports = [x for x in model.listeners if x.name not in known and x.protocol != "http"]
            blamed = {str(route.name): PORT_WORDS for listener in fresh_ports for route in listener.routes}
        else:
            blamed = self._tested(seat, model)
        by_name = {str(route.name): route for route in model.routes()}
        for name in blamed:
            self._tries.refused(name, same=by_name[name].withheld == QUARANTINE)
        kept = self._known.kept(seat)
        before = {q.name: q for q in kept.quarantined}
        fresh = tuple(_quarantined(by_name[name], model, said, before.get(name)) for name, said in sorted(blamed.items()))
        rest = (q for q in kept.quarantined if q.name not in blamed)
        self._known.keep(seat, replace(kept, quarantined=tuple(sorted((*rest, *fresh)))))
        return bool(fresh)

    def _tested(self, seat: Seat, model: Model) -> dict[str, str]:
        """Which routes the proxy's own test refuses, each with the proxy's words; those that are live are trusted first.

        Empty when what is live would be refused too: then the fault is in a template, and no template's mistake may take
        down a route that is up.
        """
        live = self._known.live(seat).model
        if self._said(seat, _told(live, model)):
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

        alone = _refused_alone(fresh, lambda some: "" if passes(some) else said)
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

    def _said(self, seat: Seat, model: Model, frame: Frame | None = None) -> str:
        """What is said against the text of a model, by the read-back or by the proxy's own test; "" when nothing is."""
        try:
            candidate = self._writer.write(seat, model, frame)
        except RefusedText as error:
            return error.message
        folder = seat.target.folder
        vault.put(folder, model, self._https.certificates(seat))
        folder.stage(candidate.generation, candidate.as_dict(), candidate.private)
        answer = seat.proxy.test(seat.target, candidate.generation)
        folder.discard(candidate.generation)
        said = words(answer.output) if answer.code else ""
        return said and said + self._writer.printed(seat, said, model, candidate, frame)


def _told(live: Model, wanted: Model) -> Model:
    """The live model as it can be written: what a restart has left of it holds digests of passwords' hashes alone.

    The hashes are those of the wanted model; without the routes that have others.
    """
    hashes = {user.hash: user.hash for route in wanted.routes() for user in route.users}

    def told(route: Route) -> Route:
        return replace(route, users=tuple(replace(user, hash=hashes.get(user.hash, user.hash)) for user in route.users))

    model = replace(live, listeners=tuple(replace(x, routes=tuple(map(told, x.routes))) for x in live.listeners))
    return without(model, {route.name for route in model.routes() if any(user.hash.lost for user in route.users)})


def _refused_alone(fresh: Sequence[Route], against: Callable[[Sequence[Route]], str]) -> dict[str, str]:
    """Of a few new routes those that are refused each by itself: a text of one route is tested in a moment.

    Empty where a text without any route is refused too, and where there are too many to try one by one.
    """
    if len(fresh) > _FEW or against([]):
        return {}
    return {str(route.name): words for route in fresh if (words := against([route]))}


def _quarantined(route: Route, model: Model, said: str, before: Quarantined | None) -> Quarantined:
    if before and route.withheld == QUARANTINE:
        return replace(before, words=said, unwritable=True)
    defined = definition(route, model)
    return Quarantined(route.name, defined, said, before is not None and before.definition == defined and before.unwritable)
