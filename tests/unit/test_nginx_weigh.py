"""A reason for every reload, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.plan import Impact, make
from confgen.problem import Origin
from confgen.proxies.nginx import NGINX
from confgen.values import Address, Balance, Duration, Match, Name, Path, Port, Url, Weight, parse_host

SERVER = Server(name=Name("web-1"), address=Address("10.0.0.1"), port=Port(80))
POOL = Pool(name=Name("shop.web-80"), servers=(SERVER,))
ROUTE = Route(name=Name("shop.web"), hosts=(parse_host("shop.test"),), pool=POOL.name)
BEFORE = Model((Listener(name=Name("http"), port=Port(80), routes=(ROUTE,)),), (POOL,))


def with_server(**fields: object) -> Model:
    return replace(BEFORE, pools=(replace(POOL, servers=(replace(SERVER, **fields),)),))


def with_pool(**fields: object) -> Model:
    return replace(BEFORE, pools=(replace(POOL, **fields),))


def with_route(**fields: object) -> Model:
    return replace(BEFORE, listeners=(replace(BEFORE.listeners[0], routes=(replace(ROUTE, **fields),)),))


def another(**fields: object) -> Model:
    return with_pool(servers=(SERVER, replace(SERVER, name=Name("web-2"), **fields)))


TCP = Listener(name=Name("tcp-3306"), port=Port(3306), protocol="tcp", routes=(Route(name=Name("db"), pool=POOL.name),))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (another, "new server web-2 of pool shop.web-80"),
        (lambda: another(state=ServerState.DRAINING), "new server web-2 of pool shop.web-80"),
        (lambda: with_pool(servers=()), "removed server web-1 of pool shop.web-80"),
        (lambda: with_server(state=ServerState.DRAINING), "server web-1 of pool shop.web-80 draining"),
        (lambda: with_server(weight=Weight(3)), "weight of server web-1 of pool shop.web-80"),
        (lambda: with_server(address=Address("10.0.0.2")), "address of server web-1 of pool shop.web-80"),
        (lambda: with_pool(balance=Balance("leastconn")), "balance of shop.web-80"),
        (lambda: with_pool(retry=5), "retry of shop.web-80"),
        (lambda: with_route(read=Duration(1)), "read of route shop.web"),
        (lambda: with_route(match=Match(Path("/x"))), "match of route shop.web"),
        (lambda: with_route(pool=None, redirect=Redirect(Url("https://a.test"))), "pool of route shop.web"),
        (lambda: with_route(name=Name("other"), hosts=(parse_host("b.test"), parse_host("c.test"))), "new host b.test, c.test"),
        (lambda: replace(BEFORE, listeners=(*BEFORE.listeners, TCP)), "new listener tcp-3306"),
        (lambda: replace(BEFORE, pools=()), "removed pool shop.web-80"),
    ],
)
def test_reloads_say_why(after: Callable[[], Model], reason: str) -> None:
    plan = make(BEFORE, after(), NGINX.weigh)
    assert (plan.impact, plan.reason) == (Impact.RELOAD, reason)


@pytest.mark.parametrize(
    "after",
    [
        lambda: BEFORE,
        lambda: with_server(why="something to read"),
        lambda: with_server(origin=Origin("elsewhere")),
        lambda: with_pool(drain=Duration(1)),
        lambda: another(state=ServerState.DOWN),
    ],
)
def test_what_the_text_does_not_hold_takes_nothing(after: Callable[[], Model]) -> None:
    assert make(BEFORE, after(), NGINX.weigh).impact is Impact.NONE


def test_ready_at_last() -> None:
    plan = make(with_server(state=ServerState.DOWN, why="health check: starting"), BEFORE, NGINX.weigh)
    assert (plan.impact, plan.reason) == (Impact.RELOAD, "server web-1 of pool shop.web-80 ready")
