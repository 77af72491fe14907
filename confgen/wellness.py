"""Puts the servers of one proxy into the state that their checks and ports call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from confgen.build import Built
from confgen.kept import Verdict
from confgen.known import Known
from confgen.recent import Recent
from confgen.seats import Seat
from confgen.verdict import Probe, complaints, decides, judged, probes, taking

#: Finds out what a proxy's servers answer (Judge.ask): its name, what is to be found out, and what was known before.
Judging = Callable[[str, tuple[Probe, ...], Mapping[str, Verdict]], Mapping[str, Verdict]]


class Wellness:
    """verdicts: what was found last and is worth to outlive a restart."""

    def __init__(self, known: Known, asked: Recent) -> None:
        self.verdicts: tuple[Verdict, ...] = ()
        self._known = known
        self._asked = asked

    def judged(self, seat: Seat, built: Built, judge: Judging | None) -> Built:
        """judge: None where nobody is asked, and what was found before is believed."""
        kept = {verdict.name: verdict for verdict in self._known.kept(seat).verdicts}
        wanted = probes(built.model, self._asked)
        found = judge(seat.name, wanted, kept) if judge else kept
        checked = {probe.name for probe in wanted if probe.check}
        self.verdicts = tuple(sorted(v for v in found.values() if not v.up or v.name in checked))
        live = taking(self._known.live(seat).model) if decides(built.model, found) else frozenset()
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
