"""When to act: arithmetic on times (seconds of a monotonic clock); no clock, no thread.

A single change is acted on at once, and so are some in a row, as somebody makes who starts one container after the other.
While changes keep coming, additions are put together: the more reloads there were lately, the longer the `gap` after one of
them, up to `most`, and then until it has been `quiet`; where more are announced by then, they are waited for up to `hold`.  A
removal waits for nothing: each moment it waits, requests go to a server that is going away.
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


#: More reloads than these count for no more, and so are forgotten as soon: removals wait for nothing, and can be many.
_COUNTED = 5.0


def counted(reloads: float, seconds: float, pace: Pace, reloaded: bool) -> float:
    """How many reloads count after a change, of those that counted so many seconds before it: one is forgotten in each `most`."""
    return min(max(0.0, reloads - seconds / pace.most) + reloaded, _COUNTED)


def adapted(pace: Pace, cost: float, reloads: float = 0.0) -> Pace:
    """The pace for a proxy whose last change took `cost` seconds, its own test and reload included.

    Half of the time at most is spent on additions, so that a removal seldom finds a turn under way.  reloads: how many counted
    after that change; where none did the running proxy takes changes as they come, and the next need not wait.
    """
    if not reloads:
        most = max(pace.quiet, min(2 * cost, _MOST))
        return replace(pace, most=most, hold=most, gap=most)
    most = max(pace.most, min(2 * cost, _MOST))
    gap = min(most, max(pace.quiet, cost) * (2**reloads - 1))
    return replace(pace, most=most, hold=max(pace.hold, most), gap=gap)


def due(pending: Pending | None, applied: float, listed: float, pace: Pace, more: bool = False) -> float:
    """When the next turn is to start.

    applied: when a turn last changed the proxy; listed: when everything was last looked at.  Without a wake that is due
    again after `relist`.  more: other changes are about to come, so this one is not alone.
    """
    if pending is None:
        return listed + pace.relist
    if pending.urgent:
        return pending.first
    if pending.first - applied >= (pace.most if more else pace.gap):
        return pending.first
    settled = min(pending.first + pace.most, max(pending.last + pace.quiet, applied + pace.gap))
    return max(settled, pending.first + pace.hold) if more else settled


def backoff(failures: int, pace: Pace) -> float:
    """The pause after so many failures in a row: doubled each time, from `retry` up to `retry_most`."""
    return float(min(pace.retry * 2 ** max(0, min(failures, 30) - 1), pace.retry_most))
