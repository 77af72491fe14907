"""What reports become as numbers, read by prometheus-client's own parser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from confgen.apply import Applied, Result
from confgen.errors import RefusedByProxy, UsageError
from confgen.model import Listener, Model, Pool, Route, Server, ServerState
from confgen.observe.endpoint import parse
from confgen.observe.metrics import Metrics
from confgen.plan import Plan
from confgen.problem import Effect, Origin, Problem
from confgen.report import Report, SeatReport
from confgen.values import Address, Host, Name, Port

SERVER = Server(name=Name("web-1"), address=Address("10.0.0.2"), port=Port(80))
MODEL = Model(
    (
        Listener(
            name=Name("http"),
            port=Port(80),
            routes=(
                Route(name=Name("shop"), hosts=(Host("shop.example"),), pool=Name("web")),
                Route(name=Name("shut"), hosts=(Host("shut.example"),), withheld="auth.basic"),
            ),
        ),
    ),
    (Pool(name=Name("web"), servers=(SERVER, replace(SERVER, name=Name("web-2"), state=ServerState.DRAINING))),),
)
SEAT = SeatReport(
    seat="edge",
    proxy="nginx",
    model=MODEL,
    wanted="b",
    live="b",
    plan=Plan(reason="new server web-2 of pool web", cause="add servers"),
    applied=Applied("b", Result.RELOADED),
)
REPORT = Report(waited=0.2, took=0.1, instances=2, sources=("docker",), seats=(SEAT,))


def read(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def told(*reports: Report) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    metrics = Metrics()
    for report in reports:
        metrics.tell(report)
    return read(metrics)


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_what_was_brought_to_a_proxy_is_counted_with_its_reason_and_time() -> None:
    found = told(REPORT, replace(REPORT, seats=(replace(SEAT, applied=Applied("b", Result.UNCHANGED)),)))
    assert value(found, "confgen_applies_total", proxy="edge", result="reloaded", reason="add servers") == 1
    assert value(found, "confgen_turns_total") == 2
    assert value(found, "confgen_event_to_applied_seconds_count") == 1
    assert value(found, "confgen_event_to_applied_seconds_sum") == pytest.approx(0.3)
    assert value(found, "confgen_event_to_applied_seconds_bucket", le="0.25") == 0
    assert value(found, "confgen_event_to_applied_seconds_bucket", le="0.5") == 1


def test_routes_and_servers_by_state() -> None:
    found = told(REPORT)
    assert value(found, "confgen_routes", proxy="edge") == 2
    assert value(found, "confgen_routes_withheld", proxy="edge") == 1
    counted = {state.value: value(found, "confgen_servers", proxy="edge", state=state.value) for state in ServerState}
    assert counted == {"starting": 0, "ready": 1, "draining": 1, "down": 0}
    assert value(found, "confgen_instances") == 2


def test_a_refusal_is_counted_and_shows_what_is_wanted_and_what_is_live() -> None:
    failed = replace(SEAT, error=RefusedByProxy("no"), applied=None, wanted="c")
    found = told(replace(REPORT, seats=(failed,)))
    assert value(found, "confgen_apply_failures_total", proxy="edge", error="RefusedByProxy") == 1
    assert value(found, "confgen_generation", proxy="edge", kind="wanted", generation="c") == 1
    assert value(found, "confgen_generation", proxy="edge", kind="live", generation="b") == 1
    assert value(found, "confgen_proxy_right", proxy="edge") == 0


def test_what_is_over_is_not_told_any_more() -> None:
    problem = Problem(Origin("docker", "container web"), "CG001", "unknown key", Effect.LABEL, "")
    before = replace(REPORT, problems=(problem,), stale=("docker",))
    assert value(told(before), "confgen_problems", code="CG001") == 1
    assert value(told(before), "confgen_source_stale", source="docker") == 1
    after = told(before, replace(REPORT, seats=()))
    assert value(after, "confgen_problems", code="CG001") is None
    assert value(after, "confgen_source_stale", source="docker") == 0
    assert value(after, "confgen_proxy_right", proxy="edge") is None
    assert value(after, "confgen_generation", proxy="edge", kind="live", generation="b") is None


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [("9180", "::", 9180), (":9180", "::", 9180), ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65535)],
)
def test_where_to_listen(listen: str, host: str, port: int) -> None:
    assert parse(listen) == (host, port)


@pytest.mark.parametrize("listen", ["", "here", "127.0.0.1:", ":65536", ":-1", ":٣", ":99999999999"])
def test_where_nobody_can_listen(listen: str) -> None:
    with pytest.raises(UsageError, match="names no port"):
        parse(listen)
