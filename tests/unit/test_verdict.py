"""What follows from what checks and ports say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confgen.kept import Verdict
from confgen.model import Check, Model, Pool, Server, ServerState
from confgen.values import Address, Duration, Name, Path, Port
from confgen.verdict import Probe, Tally, complaints, judged, probes, taking
from tests.unit.facts import container, model, problem, wish, wishes

STARTING, READY, DOWN, DRAINING = ServerState.STARTING, ServerState.READY, ServerState.DOWN, ServerState.DRAINING
CHECK = Check(path=Path("/healthz"))


def server(name: str, state: ServerState = READY, why: str = "") -> Server:
    return Server(name=Name(name), address=Address(f"10.0.0.{ord(name)}"), port=Port(80), state=state, why=why)


def named(found: Model) -> Model:
    """The same with servers that are known by a DNS name."""
    return Model(pools=tuple(replace(p, servers=tuple(replace(s, resolve=True) for s in p.servers)) for p in found.pools))


def pool(*servers: Server, check: Check | None = None, waits: bool = True) -> Model:
    return Model(pools=(Pool(name=Name("web"), servers=servers, check=check, waits=waits),))


def said(**up: bool) -> dict[str, Verdict]:
    names = {name: f"web {name} 10.0.0.{ord(name)}:80" for name in up}
    return {names[name]: Verdict(names[name], good, "" if good else "wrong") for name, good in up.items()}


def states(found: Model) -> dict[str, ServerState]:
    return {s.name: s.state for s in found.pools[0].servers}


# --- Ports


def test_a_new_server_waits_for_its_port_while_another_answers() -> None:
    found = judged(pool(server("a"), server("b")), said(a=True, b=False), ())
    assert states(found) == {"a": READY, "b": STARTING}
    assert found.pools[0].servers[1].why == "wrong"


def test_a_port_of_which_nothing_is_known_holds_nobody_up() -> None:
    assert states(judged(pool(server("a"), server("b")), said(a=True), ())) == {"a": READY, "b": READY}


def test_a_server_that_has_taken_requests_is_not_taken_for_a_new_one() -> None:
    live = taking(pool(server("b")))
    assert states(judged(pool(server("a"), server("b")), said(a=True, b=False), live)) == {"a": READY, "b": READY}


def test_where_nobody_else_can_answer_a_server_does_not_wait() -> None:
    assert states(judged(pool(server("a")), said(a=False), ())) == {"a": READY}


def test_who_stops_serves_on_until_the_new_one_has_opened_its_port() -> None:
    """`docker compose up` makes a container anew."""
    both = pool(server("a", DRAINING, "stopping"), server("b"))
    assert states(judged(both, said(b=False), ())) == {"a": READY, "b": STARTING}
    assert states(judged(both, said(b=True), ())) == {"a": DRAINING, "b": READY}


def test_health_start_ready_waits_for_nothing() -> None:
    assert states(judged(pool(server("a"), server("b"), waits=False), said(a=True, b=False), ())) == {"a": READY, "b": READY}


def test_where_somebody_else_is_down_a_port_of_which_nothing_is_known_holds_nobody_up() -> None:
    found = judged(pool(server("a"), server("b"), server("c")), said(a=True, b=False), ())
    assert states(found) == {"a": READY, "b": STARTING, "c": READY}


@pytest.mark.parametrize("check", [None, CHECK])
def test_who_is_known_by_a_name_is_not_asked_and_stays_as_he_is(check: Check | None) -> None:
    """The proxy resolves it; here nobody knows which address answers."""
    found = named(pool(server("a"), server("b"), check=check))
    assert probes(found) == ()
    assert judged(found, said(a=True, b=False), ()) == found


def test_of_a_pool_with_a_check_a_closed_port_is_no_complaint_of_its_own() -> None:
    """Its server is down, and says why."""
    verdicts = {name: replace(v, long=True) for name, v in said(a=False).items()}
    assert complaints(pool(server("a"), check=CHECK), verdicts) == ()
    mixed = {**verdicts, **{name: replace(v, long=True) for name, v in said(b=True).items()}}
    assert [p.message for p in complaints(pool(server("a"), server("b")), mixed)] == ["wrong at 10.0.0.97"]


def test_a_port_that_is_closed_for_long_is_a_problem_even_where_nobody_waits_for_it() -> None:
    verdicts = {name: replace(v, long=True) for name, v in said(a=False).items()}
    assert problem(complaints(pool(server("a")), verdicts), "CG123").message == "wrong at 10.0.0.97"
    assert complaints(pool(server("a")), said(a=False)) == ()
    assert complaints(pool(server("a")), {name: replace(v, up=True) for name, v in verdicts.items()}) == ()


# --- Checks


def test_a_bad_check_takes_out_and_a_good_one_lets_in() -> None:
    found = judged(pool(server("a"), server("b"), check=CHECK), said(a=True, b=False), ())
    assert states(found) == {"a": READY, "b": DOWN}
    assert found.pools[0].servers[1].why == "health check: wrong"


def test_before_its_first_check_a_new_server_waits_and_a_live_one_serves() -> None:
    both = pool(server("a"), server("b"), check=CHECK)
    assert states(judged(both, {}, taking(pool(server("a"))))) == {"a": READY, "b": STARTING}
    assert states(judged(pool(server("a"), check=replace(CHECK, waits=False)), {}, ())) == {"a": READY}


def test_a_check_that_nobody_passes_leaves_nobody_but_who_stops() -> None:
    assert states(judged(pool(server("a"), server("b"), check=CHECK), said(a=False, b=False), ())) == {"a": DOWN, "b": DOWN}
    last = pool(server("a", DRAINING, "stopping"), server("b"), check=CHECK)
    assert states(judged(last, said(b=False), ())) == {"a": READY, "b": DOWN}


def test_who_is_out_for_another_reason_is_not_asked_and_stays_out() -> None:
    away = pool(server("a", DOWN, "paused"), server("b", DRAINING, "stopping"), server("c"))
    assert [p.name for p in probes(away)] == ["web c 10.0.0.99:80"]
    assert states(judged(away, said(a=True, b=True, c=True), ())) == {"a": DOWN, "b": DRAINING, "c": READY}


def test_what_is_asked_and_of_whom() -> None:
    made = model(container(labels={"host": "a.example", "port": "8443", "scheme": "https", "health": "/up", "health.rise": "1"}))
    assert probes(made) == (
        Probe("web-1-8443 web-1 10.0.0.2:8443", "10.0.0.2", 8443, tls=True, check=Check(path=Path("/up"), rise=1)),
    )
    assert probes(model(container(labels={"udp.53": "53"}))) == ()
    assert probes(model(container(labels={"tcp.53": "53"})))[0].check is None


# --- Rise and fall


@pytest.mark.parametrize(
    ("answers", "up"),
    [
        ("+", True),
        ("-", False),
        ("+--", True),
        ("+---", False),
        ("+--+--", True),
        ("---+", False),
        ("---++", True),
        ("-+-+-+", False),
        ("+---+-++", True),
    ],
)
def test_rise_and_fall(answers: str, up: bool) -> None:
    tally = Tally()
    for answer in answers:
        tally = tally.and_one(answer == "+", Check(rise=2, fall=3))
    assert tally.up is up


def test_a_port_is_as_it_was_seen_last() -> None:
    assert Tally().and_one(False, None).and_one(True, None).up
    assert not Tally().and_one(True, None).and_one(False, None).up


# --- Labels


def test_the_labels_of_a_check() -> None:
    asked = {
        "health": "/healthz",
        "health.interval": "5s",
        "health.timeout": "2s",
        "health.fall": "1",
        "health.status": "200, 204-206",
    }
    found = model(container(labels={"host": "a.example", "port": "80", **asked})).pools[0].check
    assert found == Check(
        path=Path("/healthz"), interval=Duration(5000), timeout=Duration(2000), fall=1, status=((200, 200), (204, 206))
    )


@pytest.mark.parametrize(("text", "check"), [("tcp", Check()), ("off", None)])
def test_checks_without_a_path(text: str, check: Check | None) -> None:
    assert model(container(labels={"host": "a.example", "port": "80", "health": text})).pools[0].check == check


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("health", "healthz", "CG181"),
        ("health", "/a b", "CG111"),
        ("health", "/\r\nHost: x", "CG185"),
        ("health.status", "200-", "CG182"),
        ("health.status", "300-200", "CG182"),
        ("health.status", "٢00", "CG185"),
        ("health.rise", "0", "CG182"),
        ("health.start", "checkd", "CG181"),
    ],
)
def test_a_check_that_cannot_be_read_is_ignored_and_told(key: str, text: str, code: str) -> None:
    found = wishes({"host": "a.example", "port": "80", key: text})
    assert problem(found.problems, code).effect.value == "the label is ignored"
    assert found.routes == (replace(wish({"host": "a.example", "port": "80"}), origin=found.routes[0].origin),)
