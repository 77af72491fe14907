"""What nginx cannot do is a Problem with a name, a way out, and an honest price."""

from __future__ import annotations

import pytest

from confgen.model import Listener, Model, Pool, Route, Server, ServerState
from confgen.problem import Effect, Origin
from confgen.proxies.nginx import NGINX
from confgen.proxies.proxy import Caps
from confgen.values import Address, Balance, Header, Name, Path, Port, Sticky, Text, Weight, parse_host, parse_path
from tests.unit.nginx_models import CAPS

NEW, OLD = CAPS["1.30.6"], CAPS["1.22"]


def server(name: str, **more: object) -> Server:
    return Server(name=Name(name), address=Address("10.0.0.1"), port=Port(80), origin=Origin("test", name), **more)  # type: ignore[arg-type]


def pool(*servers: Server, **more: object) -> Pool:
    return Pool(name=Name("p"), servers=servers or (server("a"), server("b")), origin=Origin("test", "pool"), **more)  # type: ignore[arg-type]


def around(pool: Pool, **more: object) -> Model:
    """A model with one route to the pool."""
    route = Route(
        name=Name("r"),
        hosts=() if pool.stream else (parse_host("a.test"),),
        pool=pool.name,
        origin=Origin("test", "route"),
        **more,
    )  # type: ignore[arg-type]
    protocol = pool.protocol if pool.stream else "http"
    return Model((Listener(name=Name("x"), port=Port(80), protocol=protocol, routes=(route,)),), (pool,))


def fitted(pool: Pool, caps: Caps, **more: object) -> tuple[Pool | None, list[tuple[str, Effect]], str]:
    """What is left of the pool, who is named with which price, and all the words."""
    model, problems = NGINX.fit(around(pool, **more), caps)
    assert all(p.code == "CG004" and p.hint for p in problems)
    return model.pool("p"), [(p.origin.object, p.effect) for p in problems], " ".join(f"{p.message} {p.hint}" for p in problems)


@pytest.mark.parametrize("algorithm", ["roundrobin", "leastconn", "source", "random", "uri"])
@pytest.mark.parametrize("caps", [OLD, NEW], ids=lambda c: c.text)
def test_what_it_can_do_is_left_as_it_is(algorithm: str, caps: Caps) -> None:
    asked = pool(balance=Balance(algorithm), sticky=Sticky("source") if algorithm == "source" else None)
    assert fitted(asked, caps) == (asked, [], "")


@pytest.mark.parametrize(
    ("balance", "protocol", "word"),
    [
        (Balance("first"), "http", "HAProxy"),
        (Balance("uri"), "tcp", "needs HTTP requests"),
        (Balance("header", Name("X-User")), "tcp", "needs HTTP requests"),
        (Balance("cookie", Name("my.session")), "http", '"my.session"'),
    ],
)
def test_balances_that_it_has_not_become_roundrobin(balance: Balance, protocol: str, word: str) -> None:
    left, named, words = fitted(pool(balance=balance, protocol=protocol), NEW)
    assert left
    assert left.balance == Balance()
    assert named == [("pool", Effect.LABEL)]
    assert word in words


def test_sticky_cookies_from_1_29_6() -> None:
    asked = pool(sticky=Sticky("cookie", Name("sid")))
    assert fitted(asked, NEW) == (asked, [], "")
    left, named, words = fitted(asked, CAPS["1.27.4"])
    assert left
    assert left.sticky is None
    assert named == [("pool", Effect.LABEL)]
    assert "1.29.6" in words
    assert "HAProxy" in words
    assert "nginx 1.27.4" in words


def test_a_tcp_pool_has_no_cookies() -> None:
    left, named, words = fitted(pool(protocol="tcp", sticky=Sticky("cookie", Name("sid"))), NEW)
    assert left
    assert left.sticky is None
    assert named == [("pool", Effect.LABEL)]
    assert "no cookies" in words


def test_sticky_source_says_that_the_balance_is_void() -> None:
    left, named, words = fitted(pool(balance=Balance("leastconn"), sticky=Sticky("source")), NEW)
    assert left
    assert (left.balance, left.sticky) == (Balance(), Sticky("source"))
    assert named == [("pool", Effect.LABEL)]
    assert "leastconn" in words


@pytest.mark.parametrize("kind", [{"balance": Balance("source")}, {"balance": Balance("random")}, {"sticky": Sticky("source")}])
def test_a_backup_never_becomes_one_of_the_many(kind: dict[str, object]) -> None:
    left, named, words = fitted(pool(server("a"), server("spare", backup=True), **kind), NEW)
    assert left
    assert [s.name for s in left.servers] == ["a"]
    assert named == [("spare", Effect.SERVER)]
    assert "spare" in words


@pytest.mark.parametrize("first", [{"state": ServerState.DOWN}, {"weight": Weight(0)}, {"backup": True}])
def test_a_backup_serves_when_nobody_else_does(first: dict[str, object]) -> None:
    left, named, _ = fitted(pool(server("a", **first), server("spare", backup=True), balance=Balance("source")), NEW)
    assert left
    assert "spare" in [s.name for s in left.servers]
    assert not any(s.backup for s in left.servers)
    assert named == []


def test_backups_stay_where_nginx_has_them() -> None:
    asked = pool(server("a"), server("spare", backup=True), balance=Balance("leastconn"))
    assert fitted(asked, OLD) == (asked, [], "")


@pytest.mark.parametrize(
    ("protocol", "since", "before"), [("grpc", "1.25.1", "1.22"), ("grpcs", "1.25.1", "1.22"), ("h2c", "1.30.6", "1.27.4")]
)
def test_protocols_by_version(protocol: str, since: str, before: str) -> None:
    assert fitted(pool(protocol=protocol), CAPS[since])[1] == []
    left, named, words = fitted(pool(protocol=protocol), CAPS[before])
    assert left is None, "a pool without a route goes too"
    assert named == [("route", Effect.ROUTE)]
    assert "HAProxy" in words
    assert CAPS[before].text in words


def test_modules_that_were_not_built_in() -> None:
    bare = Caps("nginx", (1, 30, 6), NEW.features - {"stream", "ssl", "http2"})
    for protocol in ("tcp", "udp", "https", "grpc", "h2c"):
        left, named, _ = fitted(pool(protocol=protocol), bare)
        assert (left, named) == (None, [("route", Effect.ROUTE)]), protocol
    model, _ = NGINX.fit(around(pool(protocol="tcp")), bare)
    assert model.listeners == ()


def test_names_before_resolve() -> None:
    def named(name: str, **more: object) -> Server:
        return Server(
            name=Name(name), address=Address(f"{name}.internal"), port=Port(80), resolve=True, origin=Origin("test", name), **more
        )  # type: ignore[arg-type]

    asked = pool(named("a", weight=Weight(3)), named("b"))
    assert fitted(asked, NEW) == (asked, [], "")
    left, who, words = fitted(asked, OLD)
    assert left
    assert [s.name for s in left.servers] == ["a"]
    assert who == [("b", Effect.SERVER)]
    assert "1.27.3" in words


def test_a_rewrite_that_would_start_a_query_is_refused_where_it_cannot_be_written() -> None:
    left, named, words = fitted(pool(protocol="grpc"), NEW, match=parse_path("/a"), rewrite=Path("/b%3Fc"))
    assert (left, named) == (None, [("route", Effect.ROUTE)])
    assert "%3F" in words
    assert fitted(pool(), NEW, match=parse_path("/a"), rewrite=Path("/b%3Fc"))[1] == []


def test_origins_are_kept() -> None:
    model, _ = NGINX.fit(around(pool()), NEW)
    assert model.pools[0].origin.object == "pool"


def test_a_header_name_that_is_too_long_for_grpc_is_left_out_and_told() -> None:
    long = Header(Name(f"X-{'a' * 45}"), Text("1"))
    _, named, words = fitted(pool(protocol="grpc"), NEW, request_headers=(long,))
    assert [effect for _, effect in named] == [Effect.LABEL]
    assert "more than 46 letters for gRPC" in words
    assert fitted(pool(), NEW, request_headers=(long,))[1] == []
