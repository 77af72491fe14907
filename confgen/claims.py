"""Notes who holds what at one proxy, and what else of a generation that went live outlives a restart."""

from __future__ import annotations

from collections.abc import Callable

from confgen.build import Built
from confgen.kept import Claim, Kept, Verdict, claim_names
from confgen.known import Known
from confgen.model import Route
from confgen.recent import Recent
from confgen.seats import Seat
from confgen.snippets import Snippets
from confgen.state import Instance, State
from confgen.want import QUARANTINE

#: A claim is kept for its owner so many seconds after its last route went: `docker compose up` makes containers anew, and
#: nobody shall take the host meanwhile.
_RESERVED = 60.0


class Claims:
    """Of one proxy, from turn to turn."""

    def __init__(self, clock: Callable[[], float], known: Known, asked: Recent) -> None:
        self._clock = clock
        self._known = known
        self._asked = asked
        self._noted: Built | None = None
        self._missing: dict[str, float] = {}  # since when the routes of a claim are gone

    def note(self, seat: Seat, state: State, built: Built, verdicts: tuple[Verdict, ...], snippets: Snippets) -> None:
        """Of what is live now; a claim whose routes are gone stays reserved for a while.  snippets: those in its text.

        Raises BadVolume.
        """
        kept = self._known.kept(seat)
        if built is self._noted and not self._missing and kept.verdicts == verdicts:
            return
        self._noted = built
        held = self._held(state, built)
        now = self._clock()
        absent = {c.name: c for c in kept.claims if c.name not in held}
        self._missing = {name: self._missing.get(name, now) for name in absent}
        reserved = {name: claim for name, claim in absent.items() if now - self._missing[name] < _RESERVED}
        claims = tuple(sorted({**reserved, **held}.values(), key=lambda claim: claim.name))
        served = {str(r.name) for r in built.model.routes() if r.withheld != QUARANTINE}
        refused = {str(p.route) for p in built.placements} - served
        quarantined = tuple(q for q in kept.quarantined if q.name in refused)
        self._known.keep(seat, Kept(claims, quarantined, verdicts, snippets))

    def _held(self, state: State, built: Built) -> dict[str, Claim]:
        instances = {i.name: i for i in state.instances}
        placed = reversed(built.placements)  # the oldest of a route speaks for it
        holders = {p.route: instances[p.instance] for p in placed if p.instance in instances}
        return {
            claim.name: claim
            for listener, port in ((listener, self._asked.one(listener.port)) for listener in built.model.listeners)
            for route in listener.routes
            if route.name in holders
            for claim in self._asked.of(_of_route, listener.protocol, port, route, holders[route.name])
        }


def _of_route(protocol: str, port: int, route: Route, holder: Instance) -> tuple[Claim, ...]:
    return tuple(Claim(name, holder.owner, holder.id) for name in claim_names(protocol, port, route))
