"""Writes the text of one proxy, with what it can do, what the operator gave, and the process that renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from confgen.apart import renderer
from confgen.inserts import Inserts
from confgen.known import Known
from confgen.model import Model
from confgen.policy import Policy
from confgen.recent import Recent
from confgen.render import Candidate, Renders
from confgen.seats import Seat
from confgen.settings import Frame, Settings
from confgen.snippets import Mistake, Snippet
from confgen.want import printed, write


class Writer:
    """policy: it says what templates may omit.  stopped: whether confgen is being stopped; then a rendering raises Stopped."""

    def __init__(self, settings: Settings, stopped: Callable[[], bool], known: Known, inserts: Inserts, asked: Recent) -> None:
        self.policy: Policy | None = None
        self._settings = settings
        self._stopped = stopped
        self._known = known
        self._inserts = inserts
        self._asked = asked
        self._parts = Recent()
        self._renders: Renders | None = None

    def take(self, settings: Settings) -> None:
        """Settings, templates or snippets are others."""
        if self._renders is not None and _renderer_of(settings) == _renderer_of(self._settings):
            self._renders.forget()
        else:
            self.close()
        self._settings = settings
        self._parts.forget()

    def close(self) -> None:
        """Ends what renders; it is begun again when it is needed."""
        if self._renders is not None:
            self._renders.close()
            self._renders = None

    def frame(self, seat: Seat, wrong: Mapping[Snippet, Mistake] | None = None) -> Frame:
        """wrong: the snippets that are left out, if others than those that are known to be wrong."""
        may_omit = self.policy.may_omit if self.policy else ()
        snippets = self._inserts.in_force(seat, wrong)
        frame = replace(self._settings.frame, directory=seat.target.view, may_omit=may_omit, snippets=snippets)
        return frame if snippets else self._asked.one(frame)  # where a snippet stands does not count in comparisons

    def write(self, seat: Seat, model: Model, frame: Frame | None = None) -> Candidate:
        """Raises BadTemplate and RefusedText, and TargetUnavailable where the proxy does not say what it can do."""
        frame = frame or self.frame(seat)
        return write(model, seat.proxy, self._known.abilities(seat), frame, self._renderer(seat), self._parts)

    def printed(self, seat: Seat, words: str, model: Model, candidate: Candidate, frame: Frame | None = None) -> str:
        """Which lines of the operator's own files the proxy's words are about."""
        if not self._settings.has_own_text:
            return ""
        frame = frame or self.frame(seat)
        return printed(words, candidate, model, seat.proxy, self._known.abilities(seat), frame, self._renderer(seat))

    def _renderer(self, seat: Seat) -> Renders:
        if self._renders is None:
            self._renders = renderer(self._settings.templates, seat.proxy.filters, self._stopped, self._settings.filters)
        return self._renders


def _renderer_of(settings: Settings) -> tuple[object, ...]:
    """What a renderer is made for."""
    return settings.templates, settings.filters
