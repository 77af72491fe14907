"""What a turn did, as one value; the log, the metrics and the status page are its sinks."""

from __future__ import annotations

from dataclasses import dataclass, field

from confgen.apply import Applied, Result
from confgen.build import Placement
from confgen.errors import ConfgenError
from confgen.model import Model
from confgen.plan import Plan
from confgen.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatReport:
    """One proxy in one turn.  error: why nothing was applied; None when what is wanted is what runs.
    pinned: the generation that an operator went back to, "" when there is none."""

    seat: str
    proxy: str
    version: str = ""
    pinned: str = ""
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
class Report:
    """One turn.  woken: what woke it.  took: seconds.  retry: whether something failed that is worth another try."""

    woken: str = ""
    took: float = 0.0
    instances: int = 0
    stale: tuple[str, ...] = ()
    seats: tuple[SeatReport, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> bool:
        return any(s.applied and s.applied.result in (Result.WRITTEN, Result.RELOADED) for s in self.seats)

    @property
    def failed(self) -> bool:
        return bool(self.stale) or any(not s.right for s in self.seats)

    def all_problems(self) -> tuple[Problem, ...]:
        """Everything that users should mend, each once."""
        return tuple(dict.fromkeys((*self.problems, *(p for s in self.seats for p in s.problems))))
