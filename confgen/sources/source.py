"""Where facts come from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from confgen.state import Snapshot

#: Called with the reason for looking again, and whether it is urgent: somebody is going away.
Wake = Callable[[str, bool], None]


class Source(Protocol):
    """Something that knows instances."""

    @property
    def name(self) -> str:
        """Which source it is, for people and in Origins."""

    def snapshot(self) -> Snapshot:
        """All that it knows, whole.  Raises SourceUnavailable; an error never means that nothing is there."""

    def expects(self) -> bool:
        """Whether more is known to be about to come, so that additions may wait for it.  Called by another thread than the rest."""

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Blocks, and wakes whenever something may have changed, until `stop` is set or the connection ends.

        Raises SourceUnavailable when it cannot be watched.  The caller opens it again, and wakes itself, since
        something may have been missed.
        """
