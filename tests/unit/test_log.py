"""The log: nobody forges a line of it, and nothing is told twice."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.apply import Applied, Result
from confgen.errors import RefusedByProxy, TargetUnavailable
from confgen.observe.log import JsonFormatter, Teller, TextFormatter, log, one_line, set_up
from confgen.plan import Change, Impact, Plan
from confgen.problem import Effect, Origin, Problem
from confgen.report import Report, SeatReport
from confgen.settings import LogSettings
from tests.unit.facts import container, model

FORGED = [
    "a\nERROR forged",
    "a\r\nERROR forged",
    "\x1b[2J\x1b[1;31m",
    "\u202egnp.exe",
    "\u2028forged",
    "\x85forged",
    "\x00",
    "\ud800",
    "\u200b",
    "\x9b2J",
    "a\x0bb\x0cc",
    "\x7f",
]


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """The log as it was, afterwards."""
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


def told(*reports: Report | float, level: int = logging.INFO) -> list[str]:
    """What one Teller says of one report after the other, as level and words; a number is a pause, in seconds."""
    now = 100.0
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.handlers[:], log.propagate = [handler], False
    log.setLevel(level)
    teller = Teller("label one", lambda: now)
    for each in reports:
        if isinstance(each, Report):
            teller.tell(each)
        else:
            now += each
    return stream.getvalue().splitlines()


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("confgen", logging.WARNING, __file__, 1, "%s", (message,), None)


# --- forging ---


@pytest.mark.parametrize("text", FORGED)
def test_no_text_starts_a_line_or_steers_a_terminal(text: str) -> None:
    line = TextFormatter().format(record(text))
    assert line.isprintable()
    assert len(line.splitlines()) == 1
    found = JsonFormatter().format(record(text))
    assert found.isascii()
    assert len(found.splitlines()) == 1
    assert json.loads(found)["message"] == text


@given(text=st.text())
def test_any_text_is_one_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert TextFormatter().format(record(text)).isprintable()
    assert json.loads(JsonFormatter().format(record(text)))["level"] == "warning"
    one_line(text).encode()


def test_what_is_plain_stays_as_it_is() -> None:
    assert one_line("container shop-1: é ü 漢 …") == "container shop-1: é ü 漢 …"


def test_a_line_says_when_how_grave_and_what() -> None:
    line = TextFormatter().format(record("x"))
    moment, level, words = line.split(" ", 2)
    assert len(moment) == len("2026-01-31T12:00:00+0000")
    assert (level, words) == ("WARNING", "x")


@pytest.mark.parametrize(("said", "level"), [("quiet", logging.WARNING), ("", logging.INFO), ("verbose", logging.DEBUG)])
@pytest.mark.parametrize(("kind", "formatter"), [("text", TextFormatter), ("json", JsonFormatter)])
def test_setting_up(said: str, level: int, kind: str, formatter: type[logging.Formatter]) -> None:
    settings = LogSettings(format=kind, verbose=said == "verbose", quiet=said == "quiet")
    set_up(settings)
    set_up(settings)
    assert log.level == level
    assert [type(h.formatter) for h in log.handlers] == [formatter], "set up twice tells once"


def test_the_log_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSettings())
    log.info("words")
    out, err = capsys.readouterr()
    assert (out, err.endswith("INFO words\n")) == ("", True)


# --- told once ---

WRONG = Problem(Origin("docker", "container web", "label confgen.port"), "CG121", "port is wrong", Effect.ROUTE, "write 80")


def seat(**more: object) -> SeatReport:
    fine = {
        "seat": "container proxy",
        "proxy": "nginx",
        "model": model(container()),
        "applied": Applied("00ff", Result.UNCHANGED),
    }
    return SeatReport(**{**fine, **more})  # type: ignore[arg-type]


def report(*seats: SeatReport, **more: object) -> Report:
    return Report(woken="container start web", took=0.05, seats=seats, **more)  # type: ignore[arg-type]


def test_a_turn_that_changed_nothing_says_nothing() -> None:
    assert told(report(seat()), report(seat())) == []


def test_a_turn_that_changed_something_is_one_line() -> None:
    plan = Plan((Change(("pools", "web"), None, 1),), Impact.RELOAD, "new pool web")
    applied = Applied("00ff00ff00ff00ff", Result.RELOADED, 0.012, 0.105)
    (line,) = told(report(seat(applied=applied, plan=plan)))
    for words in (
        "INFO container proxy",
        "00ff00ff00ff00ff",
        "1 route, 1 server",
        "reload: new pool web",
        "1 change",
        "test 12",
        "reload 105",
        "woken by container start web",
    ):
        assert words in line


@pytest.mark.parametrize(
    ("result", "impact", "why", "told_as"),
    [
        (Result.RELOADED, Impact.RELOAD, "backend b is new", "reload: new server web-2; 1 change"),
        (Result.ADJUSTED, Impact.HOT, "", "runtime change: new server web-2; 1 change"),
        (Result.RELOADED, Impact.HOT, "no answer in time", "reload: new server web-2 (no answer in time); 1 change"),
        (Result.WRITTEN, Impact.RELOAD, "", "written: new server web-2; 1 change"),
    ],
)
def test_the_line_says_how_it_was_brought_there_and_why(result: Result, impact: Impact, why: str, told_as: str) -> None:
    plan = Plan((Change(("pools", "web"), None, 1),), impact, "new server web-2")
    (line,) = told(report(seat(applied=Applied("00ff", result, why=why), plan=plan)))
    assert f"; {told_as} in " in line


def test_what_was_brought_back_and_what_is_pinned_say_so() -> None:
    back, pinned = (
        Applied("00ff", Result.RELOADED, why="what is running is no text that is known"),
        Applied("00ff", Result.ADJUSTED),
    )
    lines = told(report(seat(applied=back)), report(seat(applied=pinned, pinned="00ff")))
    assert "; reload: brought back (what is running is no text that is known) in " in lines[0]
    assert "; runtime change: pinned by confgen rollback in " in lines[1]


def test_a_problem_is_told_when_it_appears_and_when_it_goes() -> None:
    lines = told(
        report(seat(problems=(WRONG,))),
        report(seat(problems=(WRONG,))),
        report(seat()),
        report(seat()),
        report(seat(problems=(WRONG,))),
    )
    assert lines == [
        "WARNING CG121 container web, label confgen.port: port is wrong (the route is left out); write 80",
        "INFO gone: CG121 container web, label confgen.port: port is wrong",
        "WARNING CG121 container web, label confgen.port: port is wrong (the route is left out); write 80",
    ]


def test_a_problem_of_two_proxies_is_told_once() -> None:
    lines = told(report(seat(problems=(WRONG,)), SeatReport(seat="other", proxy="haproxy", problems=(WRONG,))))
    assert len(lines) == 1


def test_an_error_is_told_once_and_that_it_is_right_again() -> None:
    error = TargetUnavailable("the proxy takes no requests", "is it running?")
    broken, fine = report(seat(error=error, applied=None)), report(seat())
    assert told(fine, broken, broken, fine, fine) == [
        "ERROR container proxy: the proxy takes no requests. is it running?.",
        "INFO container proxy: is right again",
    ]
    assert len(told(broken, 60.0, broken)) == 1, "nor later"
    other = report(seat(error=RefusedByProxy("something else"), applied=None))
    assert len(told(broken, other, 2.0, broken)) == 3


# --- a proxy that is away ---

EXITED = Problem(
    Origin("docker", "container proxy", "label confgen.proxy"), "CG009", "the proxy is exited", Effect.PROXY, "start it"
)


def away(words: str, of: str = "proxy") -> Report:
    return report(seat(seat=of, error=TargetUnavailable(words), applied=None))


def test_a_proxy_that_is_restarted_is_told_in_two_lines() -> None:
    """Meanwhile it is away in many words, and each lasts for a moment."""
    restart = (away("cannot be asked"), report(problems=(EXITED,)), 0.3, away("takes no requests"), 0.2, away("it ended"), 0.1)
    here = report(seat(seat="proxy"))
    assert told(here, *restart, here, here) == ["ERROR proxy: cannot be asked.", "INFO proxy: is right again"]
    begun = told(here, report(problems=(EXITED,)), 0.3, away("takes no requests"), 0.2, here)
    assert begun == [
        "WARNING CG009 container proxy, label confgen.proxy: the proxy is exited (this proxy is left alone); start it",
        "INFO gone: CG009 container proxy, label confgen.proxy: the proxy is exited",
    ]


@pytest.mark.parametrize(
    ("lasts", "words"),
    [
        (away("takes no requests"), "ERROR proxy: takes no requests."),
        (report(problems=(EXITED,)), "WARNING CG009 container proxy"),
        (report(), "WARNING no proxy container is running: label one"),
    ],
)
def test_what_lasts_is_told_however_it_began(lasts: Report, words: str) -> None:
    lines = told(away("cannot be asked"), 0.5, lasts, 1.0, lasts, 1.0, lasts, lasts)
    assert (lines[0], lines[1].startswith(words), len(lines)) == ("ERROR proxy: cannot be asked.", True, 2)
    assert told(away("cannot be asked"), 0.5, lasts, 1.0, lasts) == lines[:1], "not at once"
    again = told(away("cannot be asked"), report(seat(seat="proxy")), 0.5, lasts, 2.0, lasts)
    assert again[-1].startswith(words), "one that goes away again at once"


def test_a_proxy_that_does_not_run_is_one_line_however_often_it_is_seen() -> None:
    """Beside another that is right, where each turn knows all Problems, and where it is the only one."""
    beside = report(seat(), problems=(EXITED,))
    assert len(told(beside, beside, 60.0, beside)) == 1
    alone = report(problems=(EXITED,))
    assert len(told(alone, 60.0, alone)) == 1
    assert told(alone, 60.0, report())[1:] == ["WARNING no proxy container is running: label one"]


def test_whose_right_to_write_it_is_is_told_when_it_changes() -> None:
    stands = report(seat(applied=Applied("00ff", Result.STANDBY)))
    line = "INFO container proxy: another confgen has the right to write there; this one stands by"
    assert told(stands, stands, report(seat()), stands) == [line] * 2


def test_what_is_told_of_one_proxy_holds_back_nothing_of_another_nor_what_is_no_absence() -> None:
    refused = report(seat(seat="proxy", error=RefusedByProxy("no"), applied=None))
    label = replace(WRONG, origin=Origin("docker", "container proxy", "label confgen.port"))
    assert told(away("x"), away("y", of="other"), refused, report(problems=(label, EXITED)))[1:] == [
        "ERROR other: y.",
        "ERROR proxy: no.",
        "WARNING CG121 container proxy, label confgen.port: port is wrong (the route is left out); write 80",
    ]


def test_without_a_proxy_it_is_said_once() -> None:
    lines = told(report(), report(), report(seat()), report())
    assert lines == ["WARNING no proxy container is running: label one"] * 2


def test_where_a_turn_ended_early_problems_are_told_and_none_is_gone() -> None:
    away = seat(error=TargetUnavailable("the proxy is away", ""), applied=None)
    lines = told(report(seat(problems=(WRONG,))), report(away), report(), report(replace(away, problems=(WRONG,))))
    assert [line for line in lines if "CG121" in line or "gone" in line] == lines[:1]
    lines = told(report(replace(away, problems=(WRONG,))))
    assert [line.split()[1] for line in lines] == ["container", "CG121"]


def test_each_turn_is_told_to_who_wants_all() -> None:
    assert len(told(report(seat()), report(seat()), level=logging.DEBUG)) == 2
