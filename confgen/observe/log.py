"""The log: one line per turn that changed something, a Problem when it appears and when it goes."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable

from confgen.apply import Result
from confgen.errors import ConfgenError, Unavailable
from confgen.plan import Impact
from confgen.problem import Effect, Problem, count
from confgen.report import OutputReport, Report, SeatReport
from confgen.settings import LogSettings

log = logging.getLogger("confgen")


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00 INFO message`; control characters of whatever came from outside are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(record.created))
        return f"{moment} {record.levelname} {one_line(record.getMessage())}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(record.created))
        return json.dumps({"time": moment, "level": record.levelname.lower(), "message": record.getMessage()})


def one_line(text: str) -> str:
    """No text from outside may start a line of its own or steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def set_up(settings: LogSettings) -> None:
    """The log goes to stderr; stdout carries only the product."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(logging.WARNING if settings.quiet else logging.DEBUG if settings.verbose else logging.INFO)


#: A proxy that is restarted is away in many words, one after the other: so many seconds after one of them the next is told
#: only if it still holds then.
_CALM = 2.0


class Teller:
    """Remembers what was told, so that nothing is told twice.  hint: what to say where there is no proxy."""

    def __init__(self, hint: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._hint = hint
        self._clock = clock
        self._problems: frozenset[Problem] = frozenset()
        self._errors: dict[str, str] = {}
        self._writes: dict[str, int] = {}
        self._standby: dict[str, bool] = {}
        self._alone = False
        self._away: dict[str, float] = {}  # when it was told last that a proxy is away, by its name

    def tell(self, report: Report) -> None:
        self._away = {name: told for name, told in self._away.items() if self._clock() - told < _CALM}
        held = frozenset(p for p in report.problems if _absent(p) in self._away and p not in self._problems)
        for seat in report.seats:
            self._tell_seat(seat, report)
        for output in report.outputs:
            self._tell_output(output)
        problems = frozenset(report.all_problems()) - held
        # Where a turn ended early, or no proxy is there to serve, not all Problems are known, so none is gone.
        if not report.seats or any(seat.error for seat in report.seats):
            problems |= self._problems
        self._tell_problems(problems)
        self._tell_alone(report)

    def _tell_alone(self, report: Report) -> None:
        """That there is no proxy at all, where no Problem says more of it, and nothing else to keep right."""
        alone = not (report.seats or report.outputs) and not any(problem.effect is Effect.PROXY for problem in report.problems)
        if alone and not self._alone:
            if self._away:
                return
            log.warning("no proxy container is running: %s", self._hint)
        self._alone = alone

    def _tell_output(self, output: OutputReport) -> None:
        name, now = f"output {output.name}", _words(output.error)
        before = self._errors.get(name, "")
        self._errors[name] = now
        if now and now != before:
            log.error("%s", now)
        if before and not now:
            log.info("%s: is right again", name)
        if output.writes != self._writes.get(name, 0):
            log.info("%s: %s is written anew", name, output.to)
        self._writes[name] = output.writes

    def _tell_seat(self, seat: SeatReport, report: Report) -> None:
        before, now = self._errors.get(seat.seat, ""), _words(seat.error)
        away = isinstance(seat.error, Unavailable)
        if now and now != before and not (away and seat.seat in self._away):
            log.error("%s: %s", seat.seat, now)
            self._errors[seat.seat] = now
            if away:
                self._away[seat.seat] = self._clock()
        if before and not now:
            log.info("%s: is right again", seat.seat)
            self._errors[seat.seat] = ""
        standby = bool(seat.applied and seat.applied.result is Result.STANDBY)
        if standby and not self._standby.get(seat.seat):
            log.info("%s: another confgen has the right to write there; this one stands by", seat.seat)
        self._standby[seat.seat] = standby
        if seat.applied and seat.applied.changed:
            log.info("%s", _applied(seat, report))
        log.debug("%s: turn of %.0f ms, woken by %s", seat.seat, report.took * 1000, report.woken)

    def _tell_problems(self, now: frozenset[Problem]) -> None:
        for problem in sorted(now - self._problems):
            log.warning("%s%s", problem, f"; {problem.hint}" if problem.hint else "")
            if name := _absent(problem):
                self._away[name] = self._clock()
        for problem in sorted(self._problems - now):
            log.info("gone: %s %s: %s", problem.code, problem.origin, problem.message)
        self._problems = now


def _absent(problem: Problem) -> str:
    """The name of the proxy that does not run, where a Problem says so; "" of any other Problem."""
    return problem.origin.object.removeprefix("container ") if problem.code == "CG009" else ""


def _words(error: ConfgenError | None) -> str:
    return "" if error is None else f"{error.message}. {error.hint}".rstrip(". ") + "."


def _applied(seat: SeatReport, report: Report) -> str:
    assert seat.applied is not None
    servers = sum(len(pool.ready) for pool in seat.model.pools)
    return (
        f"{seat.seat}: serves generation {seat.applied.generation}: {count(len(seat.model.routes()), 'route')}, {count(servers, 'server')}; "
        f"{_why(seat)} in {report.took * 1000:.0f} ms "
        f"(test {seat.applied.tested * 1000:.0f}, {_HOW[seat.applied.result][1]} {seat.applied.loaded * 1000:.0f}); woken by {report.woken}"
    )


#: How something was brought to a proxy, and what the time is called that it took.
_HOW = {Result.WRITTEN: ("written", "load"), Result.ADJUSTED: ("runtime change", "change"), Result.RELOADED: ("reload", "reload")}


def _why(seat: SeatReport) -> str:
    """How it was brought there, for which reason, and how many changes that were."""
    assert seat.applied is not None
    reason = "pinned by confgen rollback" if seat.pinned else seat.plan.reason or "brought back"
    unforeseen = f" ({seat.applied.why})" if seat.applied.why and seat.plan.impact is not Impact.RELOAD else ""
    changes = f"; {count(len(seat.plan.changes), 'change')}" if seat.plan.changes and not seat.pinned else ""
    return f"{_HOW[seat.applied.result][0]}: {reason}{unforeseen}{changes}"
