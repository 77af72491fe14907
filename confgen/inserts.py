"""The operator's snippets at one proxy: which of them are in force, what is wrong with the others, and who waits for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from confgen.known import Known
from confgen.model import Model
from confgen.seats import Seat
from confgen.snippets import Mistake, Snippet, Snippets, in_force, waiting
from confgen.tries import Tries
from confgen.want import without


class Inserts:
    """given: all that the operator's folder holds, of other proxies too."""

    def __init__(self, known: Known, tries: Tries) -> None:
        self.given: Snippets = ()
        self._known = known
        self._tries = tries
        self._proven: tuple[Snippets, tuple[Mistake, ...]] = ((), ())
        self._refused: dict[Snippet, Mistake] = {}

    def forget(self) -> None:
        """What the proxy refused may be right now."""
        self._refused.clear()

    def refuse(self, snippet: Snippet, said: str) -> None:
        """The proxy takes no text with it.  said: its words."""
        self._tries.refused(snippet.name)
        line = re.search(rf"{re.escape(snippet.file)}:([0-9]+)", said)
        self._refused[snippet] = Mistake(snippet, said, int(line[1]) if line else 0)

    def wrong(self, seat: Seat) -> dict[Snippet, Mistake]:
        """What is wrong in the snippets: as they stand, and in the proxy's eyes until the time for another try has come."""
        if self._proven[0] is not self.given:
            self._proven = (self.given, tuple(m for s in self._own(seat) if (m := seat.proxy.mistake(s))))
        refused = {s: m for s, m in self._refused.items() if self._tries.wait(s.name)}
        return {**refused, **{mistake.snippet: mistake for mistake in self._proven[1]}}

    def in_force(self, seat: Seat, wrong: Mapping[Snippet, Mistake] | None = None) -> Snippets:
        """wrong: those that are left out, if others than those that are known to be so."""
        return in_force(self._own(seat), self.wrong(seat) if wrong is None else wrong, self._known.kept(seat).snippets)

    def fresh(self, seat: Seat) -> list[Snippet]:
        """Those that are new or changed, and not known to be wrong: what a refused text may be due to."""
        kept, wrong = self._known.kept(seat).snippets, self.wrong(seat)
        return [s for s in self._own(seat) if s not in kept and s not in wrong]

    def hold_back(self, seat: Seat, model: Model) -> Model:
        """With new routes shut that wait for a snippet of which no good text is known."""
        kept = {snippet.name for snippet in self._known.kept(seat).snippets}
        served = frozenset(str(route.name) for route in self._known.live(seat).model.routes() if not route.withheld)
        held = waiting(model, [s for s in self.wrong(seat) if s.name not in kept], served)
        return without(held, ()) if held != model else model

    def _own(self, seat: Seat) -> Snippets:
        return tuple(s for s in self.given if s.name.startswith(f"{seat.proxy.name}/"))
