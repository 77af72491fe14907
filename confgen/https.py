"""The certificates that one proxy can use: none for a while after its port for https could not be opened."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from confgen import vault
from confgen.errors import NotApplied, ReloadFailed
from confgen.known import Known
from confgen.model import Model
from confgen.problem import Effect, Origin, Problem
from confgen.seats import Seat
from confgen.settings import Frame
from confgen.tls import Shelf
from confgen.tries import Tries

#: What a reload that fails after a good test is blamed on: a port that could not be opened.
PORT_WORDS = "its port could not be opened (is something else listening there?)"
_PORT = "https"


class Https:
    """shelf: the certificates in the operator's folder."""

    def __init__(self, frame: Frame, clock: Callable[[], float], known: Known) -> None:
        self.shelf = Shelf()
        self._frame = frame
        self._clock = clock
        self._known = known
        self._tries = Tries(clock)

    def take(self, frame: Frame) -> None:
        """With another one the port may be another."""
        if frame != self._frame:
            self._frame, self._tries = frame, Tries(self._clock)

    def certificates(self, seat: Seat) -> Shelf:
        """What can be used, with what is live in place of files that are broken."""
        if self._tries.wait(_PORT):
            origin = Origin(seat.name, seat.name, f"port {self._frame.https_port}")
            hint = "free it, or choose another with --https-port; it is tried again by itself from time to time"
            return Shelf(problems=(Problem(origin, "CG301", f"no https: {PORT_WORDS}", Effect.NOTHING, hint),))
        return vault.recall(seat.target.folder, self._known.live(seat).model, self.shelf) if self.shelf.broken else self.shelf

    def give_up(self, seat: Seat, model: Model, error: NotApplied) -> bool:
        """Where the port for https is new and cannot be had, http goes on without it for a while, and no route is blamed."""
        taken = isinstance(error, ReloadFailed) or os.strerror(errno.EADDRINUSE) in error.message
        if not taken or not model.certificates or self._known.live(seat).model.certificates:
            return False
        self._tries.refused(_PORT)
        return True
