"""What a turn did, as one value; the log, the metrics and the status page are its sinks."""

from __future__ import annotations

from dataclasses import dataclass, field

from confgen.apply import Applied, Result
from confgen.build import Placement
from confgen.errors import ConfgenError
from confgen.model import Model
from confgen.plan import Plan
from confgen.problem import Problem
from confgen.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatReport:
    """One proxy in one turn.  error: why nothing was applied; None when what is wanted is what runs.
    pinned: the generation that an operator went back to, "" when there is none.  wanted, live: the generation that follows
    from what was seen, and the one in the folder; "" where none is known."""

    seat: str
    proxy: str
    version: str = ""
    pinned: str = ""
    wanted: str = ""
    live: str = ""
    model: Model = Model()
    plan: Plan = Plan()
    applied: Applied | None = None
    problems: tuple[Problem, ...] = ()
    placements: tuple[Placement, ...] = field(default=(), repr=False)
    error: ConfgenError | None = None

    @property
    def right(self) -> bool:
        """What is wanted is what runs, as far as is known."""
        return self.error is None and not (self.applied and self.applied.result is Result.OUTDATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReport:
    """One output.  writes: how often its file has become another.  error: why it is not right, or what is run for it failed."""

    name: str
    to: str
    writes: int = 0
    error: ConfgenError | None = None


@dataclass(frozen=True, slots=True)
class Unserved:
    """One container that asks one proxy for something and is not served: the step that fails first, why, and the mend."""

    seat: str
    instance: str
    reason: Reason
    step: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One turn.  woken: what woke it; waited: seconds from the first wake until the turn began.  took: its own seconds."""

    woken: str = ""
    waited: float = 0.0
    took: float = 0.0
    instances: int = 0
    sources: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    seats: tuple[SeatReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    outputs: tuple[OutputReport, ...] = ()

    @property
    def changed(self) -> bool:
        return any(s.applied and s.applied.changed for s in self.seats)

    @property
    def failed(self) -> bool:
        return bool(self.stale) or any(not s.right for s in self.seats)

    def all_problems(self) -> tuple[Problem, ...]:
        """Everything that users should mend, each once."""
        return tuple(dict.fromkeys((*self.problems, *(p for s in self.seats for p in s.problems))))
