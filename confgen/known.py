"""What is known of one proxy from turn to turn: what it can do, what is live there, and what outlives a restart."""

from __future__ import annotations

import json
import logging

from confgen.codec import decode, encode
from confgen.errors import BadInput
from confgen.kept import Kept
from confgen.proxies.proxy import Caps
from confgen.seats import Seat
from confgen.want import Live, look_into

log = logging.getLogger(__name__)

KEPT_FILE = "kept.json"


class Known:
    """caps: what the proxy can do; None as long as it was not asked, or did not answer."""

    def __init__(self) -> None:
        self.caps: Caps | None = None
        self._life = ""
        self._live: Live | None = None
        self._kept: Kept | None = None

    def meet(self, seat: Seat) -> bool:
        """Whether another container stands in the same place, which is asked anew."""
        if seat.life == self._life:
            return False
        self._life, self.caps, self._live = seat.life, None, None
        return True

    def abilities(self, seat: Seat) -> Caps:
        """Raises TargetUnavailable where the proxy does not say."""
        if self.caps is None:
            self.caps = seat.caps or seat.proxy.probe(seat.target)
        return self.caps

    def live(self, seat: Seat) -> Live:
        """What is live; read from the folder only when it is not what was read last."""
        if self._live is None or self._live.generation != seat.target.folder.live():
            self._live = look_into(seat.target.folder)
        return self._live

    def went_live(self, live: Live) -> None:
        self._live = live

    def kept(self, seat: Seat) -> Kept:
        if self._kept is None:
            try:
                self._kept = decode(Kept, json.loads(seat.target.folder.recall(KEPT_FILE) or b"{}"))
            except (ValueError, BadInput) as error:
                log.warning("%s: %s cannot be read (%s); it is made anew", seat.name, KEPT_FILE, error)
                self._kept = Kept()
        return self._kept

    def forget(self) -> None:
        """What outlives a restart is read from the folder again."""
        self._kept = None

    def keep(self, seat: Seat, kept: Kept) -> None:
        """Raises BadVolume."""
        if kept != self._kept:
            self._kept = kept
            seat.target.folder.remember(KEPT_FILE, json.dumps(encode(kept)).encode())
