"""When to act: arithmetic on times (seconds of a monotonic clock); no clock, no thread.

A single change is acted on at once.  While changes keep coming, additions are put together: one reload per `most`, or as
soon as it has been `quiet` after that; where more are announced by then, they are waited for up to `hold`.  A removal waits
for nothing: each moment it waits, requests go to a server that is going away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from confgen.settings import Pace


@dataclass(frozen=True, slots=True)
class Pending:
    """Wakes that were not acted on yet: when the first and the last came, and whether one of them is urgent."""

    first: float
    last: float
    urgent: bool = False

    def and_another(self, now: float, urgent: bool) -> Pending:
        return Pending(self.first, now, self.urgent or urgent)


#: However long turns take, additions wait no longer than this between two of them.
_MOST = 10.0


def adapted(pace: Pace, cost: float, reloaded: bool = True) -> Pace:
    """The pace for a proxy whose last change took `cost` seconds, its own test and reload included.

    Half of the time at most is spent on additions, so that a removal seldom finds a turn under way.  reloaded: the change
    took new workers, of which there shall be few; one that a running proxy took costs it nothing, and the next need not wait.
    """
    most = max(pace.most if reloaded else pace.quiet, min(2 * cost, _MOST))
    return replace(pace, most=most, hold=max(pace.hold, most) if reloaded else most)


def due(pending: Pending | None, applied: float, listed: float, pace: Pace, more: bool = False) -> float:
    """When the next turn is to start.

    applied: when a turn last changed the proxy; listed: when everything was last looked at.  Without a wake that is due
    again after `relist`.  more: other changes are about to come.
    """
    if pending is None:
        return listed + pace.relist
    if pending.urgent:
        return pending.first
    if pending.first - applied >= pace.most:
        return pending.first
    settled = min(pending.first + pace.most, max(pending.last + pace.quiet, applied + pace.most))
    return max(settled, pending.first + pace.hold) if more else settled


def backoff(failures: int, pace: Pace) -> float:
    """The pause after so many failures in a row: doubled each time, from `retry` up to `retry_most`."""
    return float(min(pace.retry * 2 ** max(0, min(failures, 30) - 1), pace.retry_most))
