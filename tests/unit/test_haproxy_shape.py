"""The model in HAProxy's words: maps, backends, what is left out and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confgen.errors import BadInput
from confgen.model import Model, ServerState
from confgen.plan import Change, Impact, diff, make
from confgen.problem import Effect, Origin
from confgen.proxies.haproxy import HAPROXY, shape
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.values import Balance, Duration, Name, Sticky, Weight
from tests.unit.haproxy_models import STORY, model, pool, route, server, stream, text_of


def text(found: Model, version: str = "3.2", frame: Frame | None = None) -> dict[str, str]:
    _, candidate = text_of(found, version, frame or Frame())
    return {name: content.decode() for name, content in candidate.files}


def test_no_host_and_no_path_stands_in_a_line_of_the_configuration() -> None:
    for word in ("shop.test", "/api", "/old", "shut.test"):
        assert word not in text(STORY)["haproxy.cfg"].replace("https://shop.test/a", "")


def test_maps_lead_from_host_to_site_to_route_and_backend() -> None:
    maps = shape.maps(STORY, Recent())
    assert [(e.key, e.value) for e in maps.hosts] == [
        (f"{h}:80", f"{h}:80") for h in ("old.test", "shop.test", "shut.test", "www.shop.test")
    ]
    assert [e.key for e in maps.wildcards] == [".deep.shop.test:80", ".shop.test:80"]
    assert [(e.key, e.value) for e in maps.exact] == [("shop.test:80=/one%20two", "shop.one api")]
    assert ("shop.test:80/api/", "shop.api shop") in [(e.key, e.value) for e in maps.prefixes]
    assert ("old.test:80/", "old redirect:80:old") in [(e.key, e.value) for e in maps.prefixes]
    assert ("shut.test:80/", "shut confgen:withheld") in [(e.key, e.value) for e in maps.prefixes]


def test_server_lines_are_whole_and_stand_in_columns() -> None:
    cfg = text(STORY)["haproxy.cfg"]
    assert "    server shop-1  10.0.0.2:8080  weight 3 cookie " in cfg
    assert "    server shop-22 [fd00::2]:8080 weight 0 cookie " in cfg
    assert "    server api  10.0.0.2:8080 weight 1 maxconn 7 backup proto h2\n" in cfg
    assert "    server gone 10.0.0.2:8080 weight 1 proto h2 disabled\n" in cfg
    assert "web:8080 weight 1 ssl verify none sni req.hdr(host),host_only alpn http/1.1 resolvers docker" in cfg
    assert "default-server" not in cfg


def test_what_no_route_needs_is_left_out() -> None:
    plain = text(model(route("a", "a.test", to="p"), pool("p")))["haproxy.cfg"]
    for word in ("normalize-uri", "expose-experimental", "exact.map", "wildcards.map", "resolvers", "withheld", "redirect"):
        assert word not in plain
        assert word in text(STORY)["haproxy.cfg"]


def test_there_is_a_port_for_http_without_any_route() -> None:
    for empty in (Model(), model()):
        cfg = text(empty)["haproxy.cfg"]
        assert "    bind :80\n    bind [::]:80 v6only\n" in cfg
        assert "default_backend confgen:not-found" in cfg
    assert "bind :8081\n" in text(Model(), frame=Frame(http_port=8081))["haproxy.cfg"]


@pytest.mark.parametrize(
    ("balance", "sticky", "written"),
    [
        (Balance(), None, "roundrobin"),
        (Balance("random"), None, "random(2)"),
        (Balance("uri"), None, "uri whole"),
        (Balance("first"), None, "first"),
        (Balance("header", Name("X-User")), None, "hdr(X-User)"),
        (Balance("cookie", Name("sid")), None, "hash req.cook(sid)"),
        (Balance(), Sticky("source"), "source"),
        (Balance("leastconn"), Sticky("cookie", Name("c")), "leastconn"),
    ],
)
def test_balances(balance: Balance, sticky: Sticky | None, written: str) -> None:
    found = text(model(route("a", "a.test", to="p"), pool("p", balance=balance, sticky=sticky)))["haproxy.cfg"]
    assert f"    balance {written}\n" in found


def test_a_cookie_says_neither_the_name_nor_the_order_of_a_server() -> None:
    (back,) = [b for b in shape.backs(STORY, Recent()) if b.name == "shop"]
    other = replace(STORY, pools=tuple(replace(p, servers=p.servers[1:]) for p in STORY.pools))
    (fewer,) = [b for b in shape.backs(other, Recent()) if b.name == "shop"]
    assert fewer.servers[0].cookie == back.servers[1].cookie
    assert back.servers[0].cookie not in ("", back.servers[1].cookie)
    assert "shop" not in back.servers[0].cookie


def test_the_pool_waits_as_long_as_its_most_patient_route() -> None:
    found = text(model(route("a", "a.test", to="p"), route("b", "b.test", to="p", read=Duration(300_000)), pool("p")))[
        "haproxy.cfg"
    ]
    assert "    timeout server 300s\n    timeout tunnel 300s\n" in found
    assert "    http-request set-timeout server 60s if { var(txn.route) -m str -- a } { fe_name port:http }\n" in found


def where() -> Origin:
    return Origin("docker", "container web-1")


@pytest.mark.parametrize(
    ("found", "effect", "words"),
    [
        (model(stream(53, "u", "udp"), pool("u", protocol="udp")), Effect.ROUTE, "no udp"),
        (model(route("a", "a.test", to="p", idle=Duration(5000)), pool("p")), Effect.LABEL, "idle"),
        (model(route("a", "a.test", to="p", send=Duration(5000)), pool("p")), Effect.LABEL, "timeout.read"),
        (model(stream(1, "p"), pool("p", protocol="tcp", balance=Balance("uri"))), Effect.LABEL, "needs HTTP"),
        (model(stream(1, "p"), pool("p", protocol="tcp", sticky=Sticky("cookie", Name("c")))), Effect.LABEL, "no cookies"),
        (
            model(route("a", "a.test", to="p"), pool("p", balance=Balance("leastconn"), sticky=Sticky("source"))),
            Effect.LABEL,
            "sticky source",
        ),
    ],
)
def test_what_haproxy_cannot_do_is_told_and_left_out(found: Model, effect: Effect, words: str) -> None:
    fitted, problems = HAPROXY.fit(found, HAPROXY.caps("3.2"))
    assert [p.effect for p in problems] == [effect]
    assert words in problems[0].message
    assert problems[0].hint
    assert HAPROXY.fit(fitted, HAPROXY.caps("3.2")) == (fitted, ())
    if effect is Effect.ROUTE:
        assert len(fitted.routes()) == len(found.routes()) - 1


def test_a_send_time_that_equals_the_read_time_is_no_problem() -> None:
    both = model(route("a", "a.test", to="p", read=Duration(5000), send=Duration(5000)), pool("p"))
    assert HAPROXY.fit(both, HAPROXY.caps("3.2"))[1] == ()


def test_without_tls_no_tls_to_servers() -> None:
    caps = HAPROXY.caps("HAProxy version 3.2.1-abc 2025/01/01 - https://haproxy.org/\nFeature list : +EPOLL -OPENSSL\n")
    fitted, problems = HAPROXY.fit(STORY, caps)
    assert [(p.effect, "TLS" in p.message) for p in problems] == [(Effect.ROUTE, True)]
    assert "tls" not in [p.name for p in fitted.pools]


SAID = "HAProxy version {} 2025/10/03 - https://haproxy.org/\nFeature list : -51DEGREES +OPENSSL +QUIC\n\nAvailable services : none\n"


@pytest.mark.parametrize(
    ("said", "version", "has", "lacks"),
    [
        ("2.6", (2, 6), {"openssl", "ipv6"}, {"reload-answer", "add-backend"}),
        (" 3.4\n", (3, 4), {"add-backend", "init-state", "reload-answer"}, {"quic"}),
        ("3.2.26-1", (3, 2, 26), {"init-state"}, {"add-backend"}),
        (SAID.format("2.6.12-1+deb12u4"), (2, 6, 12), {"openssl", "quic", "ipv6"}, {"51degrees", "reload-answer"}),
        (SAID.format("3.5-dev5-1a2b3c4"), (3, 5), {"add-backend"}, set()),
        (SAID.format("2.8.1-ss1"), (2, 8, 1), {"reload-answer"}, {"init-state"}),
        (SAID.format("3.0.1") + "confgen: ipv6=yes\n", (3, 0, 1), {"ipv6"}, set()),
        (SAID.format("3.0.1") + "confgen: ipv6=no\n", (3, 0, 1), {"openssl"}, {"ipv6"}),
        ("HA-Proxy version 2.6.1 2022/06/21 - https://haproxy.org/\n", (2, 6, 1), set(), {"openssl"}),
    ],
)
def test_what_a_version_can_do(said: str, version: tuple[int, ...], has: set[str], lacks: set[str]) -> None:
    caps = HAPROXY.caps(said)
    assert caps.version == version
    assert has <= caps.features
    assert not lacks & caps.features


@pytest.mark.parametrize(
    "said", ["", "nginx version: nginx/1.30.6", "3", "3.2; rm", "2.5", "HA-Proxy version 1.8.4", "latest", "3.2\n3.3"]
)
def test_what_is_no_version(said: str) -> None:
    with pytest.raises(BadInput):
        HAPROXY.caps(said)


def test_the_newest_is_one_that_can_be_read() -> None:
    assert HAPROXY.caps(HAPROXY.newest).version == (3, 4)


def changed(**fields: object) -> Model:
    """The story with other fields in the pool "shop"."""
    return replace(STORY, pools=tuple(replace(p, **fields) if p.name == "shop" else p for p in STORY.pools))  # type: ignore[arg-type]


def test_what_alters_no_text_takes_nothing_and_all_else_a_reload_with_a_reason() -> None:
    servers = STORY.pool("shop").servers  # type: ignore[union-attr]
    quiet = changed(drain=Duration(1), servers=tuple(replace(s, why="stopping") for s in servers))
    assert make(STORY, quiet, HAPROXY.weigh).impact is Impact.NONE
    assert text(quiet) == text(STORY)
    for loud in (
        changed(servers=servers[1:]),
        changed(servers=(replace(servers[0], weight=Weight(9)), servers[1])),
        changed(retry=5),
        changed(balance=Balance("leastconn")),
        replace(STORY, listeners=STORY.listeners[:1]),
        model(*STORY.pools, *STORY.listeners[1:], *(r for r in STORY.listeners[0].routes if r.name != "shut")),
    ):
        plan = make(STORY, loud, HAPROXY.weigh)
        assert plan.impact is Impact.RELOAD
        assert plan.reason
        assert text(loud) != text(STORY)


def test_every_change_that_weighs_nothing_alters_no_text() -> None:
    """Field by field, so that a new field of the model cannot be forgotten."""
    shut = next(r for r in STORY.listeners[0].routes if r.name == "shut")
    other = [replace(shut, withheld="another reason"), replace(shut, send=Duration(1))]
    for one in other:
        routes = tuple(one if r.name == "shut" else r for r in STORY.listeners[0].routes)
        after = replace(STORY, listeners=(replace(STORY.listeners[0], routes=routes), *STORY.listeners[1:]))
        assert [HAPROXY.weigh(change)[0] for change in diff(STORY, after)] == [Impact.NONE]
        assert text(after) == text(STORY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change(("pools", "p", "servers", "s"), None, server("s")), "new server s of pool p"),
        (Change(("pools", "p", "servers", "s"), server("s"), None), "removed server s of pool p"),
        (Change(("pools", "p", "servers", "s", "weight"), Weight(1), Weight(2)), "weight of server s of pool p"),
        (Change(("pools", "p", "servers", "s", "state"), ServerState.DOWN, ServerState.READY), "server s of pool p ready"),
        (Change(("pools", "p"), None, pool("p")), "new pool p"),
        (Change(("pools", "p", "balance", "algorithm"), "a", "b"), "balance of pool p"),
        (Change(("pools",), (), (pool("p"),)), "change pools"),
        (Change(("listeners", "http", "routes", "r"), None, route("r", "a.test b.test")), "new host a.test, b.test"),
        (Change(("listeners", "http", "routes", "r", "match", "path"), "/", "/a"), "match of route r"),
        (Change(("listeners", "tcp-1"), stream(1, "p"), None), "removed listener tcp-1"),
    ],
)
def test_reasons_are_words(change: Change, reason: str) -> None:
    assert HAPROXY.weigh(change) == (Impact.RELOAD, reason)


def test_a_server_whose_name_is_a_field_is_not_taken_for_it() -> None:
    assert HAPROXY.weigh(Change(("pools", "drain", "servers", "why"), server("why"), None))[0] is Impact.RELOAD
    assert HAPROXY.weigh(Change(("pools", "drain"), pool("drain"), None))[0] is Impact.RELOAD
    assert HAPROXY.weigh(Change(("pools", "p", "servers", "s", "why"), "a", "b"))[0] is Impact.NONE
