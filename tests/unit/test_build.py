"""State becomes Model: networks, ports, replicas, claims, readiness; and that no container can harm another by it."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confgen.build import Built, build
from confgen.model import Model, Pool, Redirect, Route, ServerState
from confgen.offer import Vantage
from confgen.problem import Effect
from confgen.settings import Frame, LabelSettings
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Health, Instance, Phase, State
from confgen.values import Balance, Host, Match, Name, Path, Url
from tests.unit.facts import FRONT, built, container, model, names, pool, problem, route, server, state

ANYWHERE = Vantage(None)


# --- the common case ---


def test_two_labels_make_a_route_a_pool_and_a_server() -> None:
    found = model(container("web-1", of="shop/web", address="10.0.0.7"))
    (listener,) = found.listeners
    assert (listener.name, listener.port, listener.protocol) == ("http", 80, "http")
    (only,) = listener.routes
    assert (only.name, only.hosts, only.match, only.pool) == (
        "shop.web.default",
        (Host("shop.example.com"),),
        Match(Path("/")),
        "shop.web-8080",
    )
    (one,) = pool(found, "shop.web-8080").servers
    assert (one.name, one.address, one.port, one.weight, one.state) == ("web-1", "10.0.0.7", 8080, 1, ServerState.READY)


def test_without_containers_there_is_the_http_listener_alone() -> None:
    assert [(x.name, x.routes) for x in model().listeners] == [("http", ())]
    assert built(frame=Frame(http_port=8080)).model.listeners[0].port == 8080


def test_replicas_share_a_route_and_a_pool() -> None:
    found = model(*(container(f"web-{i}", of="shop/web", address=f"10.0.0.{i}") for i in (1, 2, 3)))
    assert len(found.routes()) == 1
    assert names(found) == ["web-1", "web-2", "web-3"]


def test_the_same_stack_twice_does_not_collide() -> None:
    found = model(
        container("a-web-1", {"host": "a.example", "port": "80"}, of="a/web"),
        container("b-web-1", {"host": "b.example", "port": "80"}, of="b/web"),
    )
    assert [p.name for p in found.pools] == ["a.web-80", "b.web-80"]


def test_everything_that_labels_say_arrives() -> None:
    found = model(
        container(
            labels={
                "host": "b.example,a.example", "path": "/api", "strip-prefix": "true", "timeout.read": "5s", "timeout.send": "6s", "timeout.idle": "7s", "port": "80", "scheme": "https",
                "pool": "web", "balance": "leastconn", "sticky": "cookie:srv", "retry": "0", "drain": "0s", "timeout.connect": "1s", "weight": "7", "backup": "true", "max-connections": "9",
            }
        )
    )  # fmt: skip
    (only,) = found.routes()
    assert only == Route(
        name=Name("web-1.default"), hosts=(Host("a.example"), Host("b.example")), match=Match(Path("/api")), pool=Name("web"), strip=True, read=5000, send=6000, idle=7000
    )  # type: ignore[arg-type]  # fmt: skip
    expected = Pool(name=Name("web"), protocol="https", balance=Balance("leastconn"), retry=0, drain=0, connect=1000)  # type: ignore[arg-type]
    web = pool(found)
    assert replace(web, servers=(), sticky=None) == expected
    assert web.sticky is not None
    assert web.sticky.cookie == "srv"
    (one,) = web.servers
    assert (one.weight, one.backup, one.max_connections) == (7, True, 9)


def test_a_redirect_needs_neither_port_nor_network() -> None:
    found = model(
        container(
            labels={"host": "old.example", "redirect": "https://new.example/", "redirect.code": "301"}, networks=("elsewhere",)
        )
    )
    assert found.routes()[0].redirect == Redirect(Url("https://new.example/"), 301)
    assert found.routes()[0].pool is None
    assert found.pools == ()


def test_several_routes_of_one_container_to_one_port_share_a_pool() -> None:
    found = model(container(labels={"port": "80", "host": "a.example", "routes.api.host": "a.example", "routes.api.path": "/api", "routes.adm.host": "a.example", "routes.adm.path": "/adm", "routes.adm.port": "81"}))  # fmt: skip
    assert [p.name for p in found.pools] == ["web-1-80", "web-1-81"]
    assert [(r.name, r.pool) for r in found.routes()] == [
        ("web-1.adm", "web-1-81"),
        ("web-1.api", "web-1-80"),
        ("web-1.default", "web-1-80"),
    ]


def test_tcp_and_udp_listeners() -> None:
    found = model(container("db", {"tcp.3306": "3306", "udp.53": "5353"}))
    assert [(x.name, x.protocol, x.port, [r.pool for r in x.routes]) for x in found.listeners] == [
        ("http", "http", 80, []), ("tcp-3306", "tcp", 3306, ["db-3306-tcp"]), ("udp-53", "udp", 53, ["db-5353-udp"]),
    ]  # fmt: skip
    assert [p.protocol for p in found.pools] == ["tcp", "udp"]


# --- ports ---


def test_the_only_exposed_port_is_taken() -> None:
    assert pool(model(container(labels={"host": "a.example"}, exposed=[3000]))).servers[0].port == 3000


def test_udp_ports_do_not_count_for_http() -> None:
    one = replace(container(labels={"host": "a.example"}), exposed=(Exposed(53, "udp"), Exposed(80, "tcp")))
    assert pool(model(one)).servers[0].port == 80


@pytest.mark.parametrize(("exposed", "said"), [([], "exposes none"), ([80, 443], "several: 80, 443")])
def test_a_port_that_cannot_be_chosen_is_asked_for(exposed: list[int], said: str) -> None:
    wrong = problem(built(container(labels={"host": "a.example"}, exposed=exposed)).problems, "CG121")
    assert said in wrong.message
    assert "confgen.port" in wrong.hint
    assert wrong.effect is Effect.SERVER


# --- networks ---


def on(**networks: str) -> tuple[Attachment, ...]:
    return tuple(sorted(Attachment(name, address) for name, address in networks.items()))


def address_of(one: Instance, *others: Instance, vantage: Vantage = FRONT) -> str:
    return server(model(one, *others, vantage=vantage), one.name).address


def test_the_address_on_a_shared_network_is_taken_and_no_other() -> None:
    one = container(attachments=on(back="10.1.0.2", front="10.2.0.2", zoo="10.3.0.2"))
    assert address_of(one) == "10.2.0.2"
    assert address_of(one, vantage=Vantage(frozenset({"zoo", "back"}))) == "10.1.0.2"
    assert address_of(one, vantage=ANYWHERE) == "10.1.0.2"


def test_the_network_label_chooses_also_by_its_name_in_the_compose_file() -> None:
    vantage = Vantage(frozenset({"shop_a", "shop_b"}))
    attachments = on(shop_a="10.1.0.2", shop_b="10.2.0.2")
    labels = {"host": "a.example", "port": "80"}
    assert address_of(container(labels=labels | {"network": "shop_b"}, attachments=attachments), vantage=vantage) == "10.2.0.2"
    assert (
        address_of(container(labels=labels | {"network": "b"}, attachments=attachments, of="shop/web"), vantage=vantage)
        == "10.2.0.2"
    )


def test_a_network_without_an_address_yet_yields_to_one_with_it() -> None:
    assert address_of(container(attachments=on(a="", b="10.0.0.9")), vantage=ANYWHERE) == "10.0.0.9"


def test_ipv6_alone_is_enough() -> None:
    assert address_of(container(attachments=(Attachment("front", "", "fd00::2"),))) == "fd00::2"
    assert address_of(container(attachments=(Attachment("front", "10.0.0.2", "fd00::2"),))) == "10.0.0.2"


@pytest.mark.parametrize(
    ("one", "said", "hint"),
    [
        (container(networks=("back",)), "shares no network with the proxy (it is on: back; the proxy on: front)", "docker network connect front web-1"),
        (container(networks=()), "it is on: none", "docker network connect front web-1"),
        (container(attachments=on(front="")), 'no address on network "front" yet', "looked at again"),
        (container(labels={"host": "a.example", "port": "80", "network": "nope"}), 'not on network "nope"', "it is on: front"),
        (container(labels={"host": "a.example", "port": "80", "network": "back"}, attachments=on(front="10.0.0.2", back="10.1.0.2")), "shares no network", "front"),
        (container(network_mode="host", networks=("host",)), "on the host's network", "a network of the proxy"),
        (container(network_mode="container:" + "f" * 64, networks=()), "whose network it uses is not running", "start that container"),
        (container(address="127.0.0.1"), "not one that a proxy may send requests to", "bridge network"),
        (container(address="169.254.169.254"), "not one that a proxy may send requests to", "bridge network"),
        (container(address="10.0.0.2; } evil {"), "is not an IP address", "attach"),
    ],
)  # fmt: skip
def test_one_that_cannot_be_reached_is_named_with_what_would_help(one: Instance, said: str, hint: str) -> None:
    found = built(one)
    wrong = problem(found.problems, "CG122")
    assert said in wrong.message
    assert hint in wrong.hint
    assert wrong.effect is Effect.SERVER
    assert (found.model.routes(), found.model.pools) == ((), ())


def test_a_container_that_uses_anothers_network_is_reached_through_its_owner() -> None:
    owner = container("vpn", {}, address="10.0.0.5", identity="a" * 64)
    assert address_of(container(network_mode="container:" + "a" * 64, networks=()), owner) == "10.0.0.5"


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (container("vpn", {}, network_mode="host", networks=("host",), identity="a" * 64), "has no address of its own"),
        (container("vpn", {}, network_mode="container:" + "b" * 64, networks=(), identity="a" * 64), "has no address of its own"),
        (container("vpn", {}, phase=Phase.EXITED, identity="a" * 64), "is not running"),
    ],
)
def test_an_owner_that_cannot_be_reached(owner: Instance, said: str) -> None:
    found = built(container(network_mode="container:" + "a" * 64, networks=()), owner)
    assert said in problem(found.problems, "CG122").message


def test_a_network_may_be_named_as_the_hosts_is() -> None:
    owner = container("vpn", {}, address="10.0.0.5", network_mode="hosting", identity="a" * 64)
    assert address_of(container(network_mode="container:" + "a" * 64, networks=()), owner) == "10.0.0.5"
    assert address_of(container(network_mode="hosting")) == "10.0.0.2"


def test_the_network_of_an_owner_is_mended_at_the_owner() -> None:
    owner = container("vpn", {}, networks=("back",), identity="a" * 64)
    found = built(container(network_mode="container:" + "a" * 64, networks=()), owner)
    assert problem(found.problems, "CG122").hint == "docker network connect front vpn"


def test_what_another_proxy_can_reach_is_nobodys_mistake_here() -> None:
    proxies = (container("p1", {"proxy": "nginx"}, networks=("front",)), container("p2", {"proxy": "nginx"}, networks=("back",)))
    found = built(container(networks=("back",)), *proxies)
    assert (found.problems, found.model.routes()) == ((), ())
    assert len(built(container(networks=("back",)), *proxies, vantage=Vantage(frozenset({"back"}))).model.routes()) == 1


# --- who is a replica, and who is looked at ---


@pytest.mark.parametrize("phase", [Phase.CREATED, Phase.EXITED, Phase.DEAD])
def test_what_is_gone_is_gone_with_its_mistakes(phase: Phase) -> None:
    found = built(container(phase=phase), container("bad", {"hots": "x"}, phase=phase))
    assert (found.model.routes(), found.problems, found.placements) == ((), (), ())


def test_one_off_containers_and_proxies_are_no_replicas() -> None:
    one_off = container("run", {" com.docker.compose.oneoff": "True", "host": "shop.example.com", "port": "8080"}, of="shop/web")
    proxy = container("proxy", {"proxy": "nginx", "host": "p.example", "port": "80"})
    found = built(container(of="shop/web"), one_off, proxy)
    assert names(found.model) == ["web-1"]
    assert found.problems == ()
    assert names(model(replace(one_off, labels=tuple((k, "False" if v == "True" else v) for k, v in one_off.labels)))) == ["run"]


@pytest.mark.parametrize(
    ("change", "state", "why"),
    [
        ({}, ServerState.READY, ""),
        ({"health": Health.HEALTHY}, ServerState.READY, ""),
        ({"health": Health.STARTING}, ServerState.STARTING, "health check: starting"),
        ({"health": Health.UNHEALTHY}, ServerState.DOWN, "health check: unhealthy"),
        ({"phase": Phase.PAUSED}, ServerState.DOWN, "paused"),
        ({"phase": Phase.PAUSED, "health": Health.HEALTHY}, ServerState.DOWN, "paused"),
        ({"phase": Phase.RESTARTING}, ServerState.DOWN, "restarting"),
        ({"stopping": True}, ServerState.DRAINING, "stopping"),
        ({"stopping": True, "health": Health.UNHEALTHY}, ServerState.DOWN, "health check: unhealthy"),
        ({"labels": {"host": "shop.example.com", "port": "8080", "weight": "0"}}, ServerState.DRAINING, "weight 0"),
    ],
)  # fmt: skip
def test_who_may_get_requests(change: dict[str, object], state: ServerState, why: str) -> None:
    one = container("web-1", of="shop/web", **change)  # type: ignore[arg-type]
    found = server(model(one, container("web-2", of="shop/web", address="10.0.0.3", created=2000)), "web-1")
    assert (found.state, found.why) == (state, why)


def test_where_all_that_is_left_is_stopping_they_go_on_serving() -> None:
    """`docker compose up` kills all replicas at once: a request to one that drains is better than a sure 503."""
    stopping = [container(f"web-{i}", of="shop/web", address=f"10.0.0.{i}", stopping=True) for i in (1, 2)]
    unhealthy = container("web-3", of="shop/web", health=Health.UNHEALTHY, address="10.0.0.3")
    found = built(*stopping, unhealthy)
    assert [(s.name, s.state.value) for s in pool(found.model).servers] == [
        ("web-1", "ready"),
        ("web-2", "ready"),
        ("web-3", "down"),
    ]
    assert all(s.why for s in pool(found.model).servers)
    assert [p.server for p in found.placements] == list(pool(found.model).servers), "explain tells what the model says"
    ready = container("web-4", of="shop/web", address="10.0.0.4")
    assert [s.state.value for s in pool(model(*stopping, unhealthy, ready)).servers] == ["draining", "draining", "down", "ready"]


def test_a_drained_weight_is_not_put_back() -> None:
    drained = container(labels={"host": "a.example", "port": "80", "weight": "0"})
    assert server(model(drained), "web-1").state is ServerState.DRAINING


# --- replicas that disagree ---


def replicas(first: dict[str, str], second: dict[str, str], **changes: object) -> Built:
    old = container("web-1", {"host": "a.example", "port": "80"} | first, of="shop/web", created=1)
    new = container("web-2", {"host": "a.example", "port": "80"} | second, of="shop/web", created=2, address="10.0.0.3")
    return built(replace(old, **changes), new)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [{"weight": "5"}, {"backup": "true"}, {"max-connections": "9"}])
def test_server_keys_may_differ(key: dict[str, str]) -> None:
    found = replicas({}, key)
    assert found.problems == ()
    assert names(found.model) == ["web-1", "web-2"]


@pytest.mark.parametrize(
    ("key", "field"),
    [({"host": "b.example"}, "hosts"), ({"path": "/x"}, "match"), ({"port": "81"}, "pool"), ({"balance": "leastconn"}, "balance"), ({"timeout.read": "1s"}, "read"),
     ({"scheme": "https"}, "protocol"), ({"sticky": "source"}, "sticky"), ({"redirect": "https://x.example"}, "redirect"), ({"auth": "x"}, "withheld")],
)  # fmt: skip
def test_where_route_or_pool_keys_differ_the_oldest_holds_and_the_other_is_named(key: dict[str, str], field: str) -> None:
    found = replicas({}, key)
    wrong = next(p for p in found.problems if p.code == "CG005")
    assert field in wrong.message
    assert "web-1" in wrong.message
    assert wrong.origin.object == "container web-2"
    assert wrong.effect is Effect.SERVER
    assert names(found.model) == ["web-1"]


def test_an_unhealthy_oldest_does_not_hold() -> None:
    found = replicas({}, {"balance": "leastconn"}, health=Health.UNHEALTHY)
    assert problem(found.problems, "CG005").origin.object == "container web-1"
    assert names(found.model) == ["web-2"]


def test_disagreement_never_drops_both() -> None:
    found = built(*(container(f"web-{i}", {"host": "a.example", "port": "80", "balance": b}, of="shop/web", created=i) for i, b in enumerate(["uri", "source", "uri", "first"])))  # fmt: skip
    assert names(found.model) == ["web-0", "web-2"]
    assert [p.code for p in found.problems] == ["CG005"] * 2


def test_pools_that_several_share_must_say_the_same() -> None:
    def of(name: str, created: int, **labels: str) -> Instance:
        return container(name, {"host": f"{name}.example", "port": "80", "pool": "web"} | labels, created=created)

    assert names(model(of("a", 1), of("b", 2))) == ["a", "b"]
    found = built(of("a", 1), of("b", 2, balance="uri"))
    assert problem(found.problems, "CG005").origin.object == "container b"
    assert names(found.model) == ["a"]


def test_two_routes_of_one_container_cannot_be_two_servers_of_one_name() -> None:
    found = built(
        container(labels={"host": "a.example", "pool": "web", "port": "80", "routes.b.host": "b.example", "routes.b.port": "81"})
    )
    assert problem(found.problems, "CG003").effect is Effect.SERVER
    assert len(pool(found.model).servers) == 1


# --- claims ---


def claimants(first: dict[str, str], second: dict[str, str]) -> Built:
    old = container("old", {"host": "a.example", "port": "80"} | first, created=1)
    new = container("new", {"host": "a.example", "port": "80"} | second, created=2, address="10.0.0.3")
    return built(new, old)


def test_a_host_and_path_stay_with_who_had_them_first() -> None:
    found = claimants({}, {})
    wrong = problem(found.problems, "CG006")
    assert (wrong.origin.object, wrong.effect) == ("container new", Effect.ROUTE)
    assert "a.example/ is held by old" in wrong.message
    assert [r.name for r in found.model.routes()] == ["old.default"]
    assert names(found.model) == ["old"]


@pytest.mark.parametrize("second", [{"path": "/api"}, {"path": "=/"}, {"host": "b.example"}, {"host": "*.a.example"}])
def test_what_differs_in_host_or_path_is_no_clash(second: dict[str, str]) -> None:
    assert claimants({}, second).problems == ()


def test_of_several_hosts_only_the_taken_one_is_lost() -> None:
    found = claimants({}, {"host": "a.example, b.example"})
    assert problem(found.problems, "CG006")
    assert route(found.model, "new.default").hosts == ("b.example",)
    assert route(found.model, "old.default").hosts == ("a.example",)


def test_an_unhealthy_holder_gives_way() -> None:
    old, new = container("old", created=1, health=Health.UNHEALTHY), container("new", created=2)
    assert names(built(old, new).model) == ["new"]


def test_two_that_lead_to_the_same_pool_do_not_clash() -> None:
    found = claimants({"pool": "web"}, {"pool": "web"})
    assert found.problems == ()
    assert names(found.model) == ["new", "old"]
    assert [r.hosts for r in found.model.routes()] == [("a.example",)], "no host is written twice"


def test_a_tcp_port_stays_with_who_had_it_first() -> None:
    found = built(container("old", {"tcp.25": "25"}, created=1), container("new", {"tcp.25": "2525", "udp.25": "25"}, created=2))
    assert "port 25/tcp is held by old" in problem(found.problems, "CG006").message
    assert sorted(names(found.model)) == ["new", "old"], "udp is another port"


def test_a_tcp_listener_has_one_route_even_where_two_lead_to_one_pool() -> None:
    found = built(
        *(container(n, {"tcp.25": "25", "tcp.25.pool": "mail"}, created=i, address=f"10.0.0.{i + 1}") for i, n in enumerate("ab"))
    )
    assert found.problems == ()
    assert [len(x.routes) for x in found.model.listeners] == [0, 1]
    assert names(found.model) == ["a", "b"]


@pytest.mark.parametrize("port", ["80", "443", "8081"])
def test_a_tcp_route_may_not_take_a_port_of_the_http_listeners(port: str) -> None:
    found = built(container(labels={f"tcp.{port}": "25"}), container("web"), frame=Frame(https_port=8081))
    taken = port in ("80", "8081")
    assert bool(found.problems) is taken
    assert names(found.model) == (["web"] if taken else ["web", "web-1"]) or not taken
    assert len(built(container(labels={f"udp.{port}": "25"})).model.pools) == 1


def test_a_container_named_like_anothers_service_gets_nothing_of_it() -> None:
    shop = container("shop-web-1", of="shop/web", created=2)
    for created in (1, 3):
        found = built(shop, container("shop.web", {"host": "evil.example", "port": "8080"}, created=created))
        assert len(pool(found.model, "shop.web-8080").servers) == 1
        assert problem(found.problems, "CG006")
        found = built(shop, container("shop.web", {"routes.x.host": "evil.example", "routes.x.port": "8080"}, created=created))
        assert len(pool(found.model, "shop.web-8080").servers) == 1
        assert problem(found.problems, "CG006")


def test_nobody_joins_a_pool_whose_holder_did_not_name_it() -> None:
    shop = container("shop-web-1", of="shop/web", created=1)
    found = built(shop, container("x", {"host": "evil.example", "port": "8080", "pool": "shop.web-8080"}, created=2))
    assert names(found.model) == ["shop-web-1"]
    assert problem(found.problems, "CG006").origin.object == "container x"


# --- withheld ---


def test_a_withheld_route_answers_and_leads_nowhere() -> None:
    found = built(container(labels={"host": "a.example", "port": "80", "auth.basic": "u"}))
    (only,) = found.model.routes()
    assert (only.withheld, only.pool, only.redirect) == ("auth.basic", None, None)
    assert found.model.pools == ()
    assert [p.effect for p in found.problems] == [Effect.WITHHELD]


def test_a_withheld_redirect_redirects_nobody() -> None:
    found = built(container(labels={"host": "a.example", "redirect": "https://b.example/", "auth.basic": "u"}))
    assert found.model.routes()[0].redirect is None


def test_a_withheld_route_holds_its_claim() -> None:
    old = container("old", {"host": "a.example", "port": "80", "deny": "all"}, created=1)
    found = built(old, container("new", {"host": "a.example", "port": "80"}, created=2))
    assert {p.code for p in found.problems} == {"CG151", "CG006"}
    assert [bool(r.withheld) for r in found.model.routes()] == [True]


# --- names from outside never become text of ours unread ---

HOSTILE = ["x; } evil {", "x\n", "x y", "$x", "x#", "é", "", "..", "-x", "a" * 300, "x/y", "x'y", 'x"y', "x{y}", "\\"]
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


def all_names(found: Model) -> list[str]:
    listed = [x for listener in found.listeners for x in (listener.name, *(r.name for r in listener.routes))]
    return [*listed, *(x for p in found.pools for x in (p.name, *(s.name for s in p.servers), *(s.address for s in p.servers)))]


@pytest.mark.parametrize("text", HOSTILE)
def test_compose_labels_are_labels_too(text: str) -> None:
    for key in (COMPOSE_PROJECT, COMPOSE_SERVICE):
        one = container(of="shop/web")
        one = replace(one, labels=tuple((k, text if k == key else v) for k, v in one.labels))
        found = built(one, container("other", {"host": "b.example", "port": "80"}))
        assert all(SAFE.fullmatch(name) for name in all_names(found.model)), all_names(found.model)
        assert "other.default" in all_names(found.model)


@pytest.mark.parametrize("text", [t for t in HOSTILE if t not in ("a" * 300,)])
def test_an_instance_with_a_name_that_no_engine_gives_is_left_out(text: str) -> None:
    borrowed = container("vpn", {}, identity="a" * 64), container(network_mode="container:" + "a" * 64, networks=())
    for some in (
        (replace(container(), name=text),),
        (replace(container(), host_name=text or "x y"),),
        (replace(borrowed[0], host_name=text or "x y"), borrowed[1]),
    ):
        found = built(*some, container("other", {"host": "b.example", "port": "80"}))
        assert names(found.model) == ["other"]
        assert problem(found.problems, "CG185")


def test_a_project_with_a_dot_is_not_read_in_two_ways() -> None:
    found = built(
        container("x-1", {"host": "a.example", "port": "80"}, of="a.b/c"),
        container("y-1", {"host": "b.example", "port": "80"}, of="a/b.c"),
    )
    assert found.problems == ()
    assert len(found.model.pools) == 2


# --- properties ---

_HOSTS = st.sampled_from(["a.example", "b.example", "a.example,b.example", "*.example.com", "bad_host", ""])
_LABELS = st.fixed_dictionaries(
    {},
    optional={
        "host": _HOSTS, "path": st.sampled_from(["/", "/api", "=/x", "bad"]), "port": st.sampled_from(["80", "81", "x"]), "pool": st.sampled_from(["web", "api", "s.web-80"]),
        "balance": st.sampled_from(["uri", "leastconn", "nope"]), "weight": st.sampled_from(["0", "1", "9", "-1"]), "auth.basic": st.just("u"), "redirect": st.just("https://x.example"),
        "tcp.25": st.sampled_from(["25", "2525"]), "tcp.80": st.just("80"), "udp.25": st.just("25"), "routes.r.host": _HOSTS, "routes.r.path": st.sampled_from(["/api", "/r"]),
        "routes.r.port": st.sampled_from(["80", "82"]), "enable": st.sampled_from(["true", "false"]), "network": st.sampled_from(["front", "back"]), "proxy": st.just("nginx"),
    },
)  # fmt: skip
_NAMES = st.sampled_from(["s-web-1", "s-web-2", "s.web", "web-80", "lone"])
CONTAINERS = st.builds(
    container, name=_NAMES, labels=_LABELS, of=st.sampled_from(["", "s/web", "s/api", "t/web"]), address=st.sampled_from(["10.0.0.1", "10.0.0.2", ""]),
    networks=st.sampled_from([("front",), ("back",), ("back", "front"), ()]), phase=st.sampled_from([*Phase, *[Phase.RUNNING] * 6]), health=st.sampled_from(Health),
    created=st.integers(0, 3), stopping=st.booleans(), exposed=st.sampled_from([(), (80,), (80, 81)]), network_mode=st.sampled_from(["front", "host", "container:" + b"lone".hex().ljust(64, "0")]),
)  # fmt: skip
WORLDS = st.lists(CONTAINERS, max_size=6, unique_by=lambda i: i.name)


@given(world=WORLDS, seed=st.integers())
def test_order_does_not_matter(world: list[Instance], seed: int) -> None:
    shuffled = random.Random(seed).sample(world, len(world))
    for make in (built, lambda *instances: build(State(instances), FRONT, LabelSettings(), Frame())):
        assert make(*world) == make(*shuffled)


@given(world=WORLDS)
def test_every_model_keeps_its_promises(world: list[Instance]) -> None:
    found = built(*world).model
    assert [x.name for x in found.listeners] == sorted({x.name for x in found.listeners})
    assert [p.name for p in found.pools] == sorted({p.name for p in found.pools})
    assert {r.pool for r in found.routes() if r.pool} == {p.name for p in found.pools}, (
        "each pool is used, each that is used is there"
    )
    for listener in found.listeners:
        assert [r.name for r in listener.routes] == sorted({r.name for r in listener.routes})
        claims = [(h, r.match) for r in listener.routes for h in r.hosts]
        assert len(claims) == len(set(claims)), "a host and path lead to one place"
        assert listener.protocol == "http" or len(listener.routes) == 1
        for one in listener.routes:
            assert sum((one.pool is not None, one.redirect is not None, bool(one.withheld))) == 1
            assert bool(one.hosts) is (listener.protocol == "http")
            assert one.pool is None or pool(found, one.pool).stream is (listener.protocol != "http")
    for one_pool in found.pools:
        assert one_pool.servers
        assert [s.name for s in one_pool.servers] == sorted({s.name for s in one_pool.servers})


@given(world=WORLDS)
def test_every_problem_says_what_to_do_and_every_wish_is_granted_or_named(world: list[Instance]) -> None:
    found = built(*world)
    for wrong in found.problems:
        assert wrong.hint
        assert str(wrong).isprintable()
        assert wrong.origin.object
    named = {p.origin.object for p in found.problems}
    for placement in found.placements:
        placed = placement.pool is None or any(s.name == placement.instance for s in pool(found.model, placement.pool).servers)
        assert placed or f"container {placement.instance}" in named


#: Each is wrong in its own way, and alone on its hosts.
BAD: list[dict[str, object]] = [
    {"labels": {"host": "bad_host", "port": "80"}}, {"labels": {"host": "z.example"}}, {"labels": {"host": "z.example", "port": "x"}}, {"labels": {"hots": "z.example"}}, {"labels": {"port": "80"}},
    {"labels": {"host": "a.example", "port": "80"}, "created": 9}, {"labels": {"host": "*.example.com", "port": "80", "path": "/.."}}, {"labels": {"tcp.80": "80"}}, {"labels": {"tcp.x": "80"}},
    {"labels": {"host": "z.example", "port": "80"}, "networks": ("elsewhere",)}, {"labels": {"host": "z.example", "port": "80"}, "address": "x; }"}, {"labels": {"routes.; }.host": "z.example"}},
    {"labels": {"host": "z.example", "port": "80"}, "network_mode": "host"}, {"labels": {"enable": "x", "host": "z.example"}}, {"of": "s/web", "labels": {"host": "a.example", "port": "99"}, "created": 9},
    {"labels": {" com.docker.compose.project": "x; }", " com.docker.compose.service": "y", "host": "bad_host"}}, {"labels": {"host": "z.example", "port": "80", "pool": "s.web-80"}, "created": 9},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
@settings(max_examples=8)
@given(world=WORLDS)
def test_one_bad_container_changes_nothing_for_the_others(bad: dict[str, object], world: list[Instance]) -> None:
    good = [
        container("s-web-1", {"host": "a.example", "port": "80"}, of="s/web", created=1),
        *(i for i in world if i.name != "s-web-1"),
    ]
    without, beside = built(*good), built(*good, container("bad", **bad))  # type: ignore[arg-type]
    if not any(p.instance == "bad" for p in beside.placements):
        assert beside.model == without.model
        assert set(without.problems) <= set(beside.problems)
        assert {p.origin.object for p in set(beside.problems) - set(without.problems)} <= {"container bad"}


@pytest.mark.parametrize("bad", BAD)
def test_the_bad_container_is_named_and_nobody_else_loses_a_byte(bad: dict[str, object]) -> None:
    good = (
        container("s-web-1", {"host": "a.example", "port": "80"}, of="s/web", created=1),
        container("lone", {"host": "b.example", "port": "80", "tcp.25": "25"}, created=1, address="10.0.0.9"),
    )
    found = built(*good, container("bad", **bad))  # type: ignore[arg-type]
    assert found.model == model(*good)
    assert {p.origin.object for p in found.problems} == {"container bad"}


def test_problems_are_sorted_and_each_once() -> None:
    found = built(*(container(f"c{i}", {"hots": "x"}) for i in (3, 1, 2)))
    assert list(found.problems) == sorted(set(found.problems))


def test_a_container_that_joins_another_ones_route_is_placed_in_it() -> None:
    shared = {"host": "pair.example.com", "port": "80", "pool": "pair"}
    found = built(container("one", shared), container("two", shared, address="10.0.0.3", created=2000))
    assert [(p.instance, p.route, p.server and p.server.name) for p in found.placements] == [
        ("one", "one.default", "one"),
        ("two", "one.default", "two"),
    ]


@pytest.mark.parametrize(
    "labels",
    [
        {"host": "a.test"},
        {"host": "a.test/api", "port": "80"},
        {"tcp.3306.idle": "10s"},
        {"port": "80"},
        {"host": "shop.example.com", "port": "80"},
        {"host": "b.test", "port": "80", "pool": "web-1-8080"},
    ],
)
def test_what_to_do_is_said_with_the_prefix_that_is_in_use(labels: dict[str, str]) -> None:
    first = replace(container(), labels=(("acme.host", "shop.example.com"), ("acme.port", "8080")))
    second = replace(container("web-2", created=2000), labels=tuple((f"acme.{key}", text) for key, text in labels.items()))
    found = build(state(first, second), FRONT, LabelSettings(prefix="acme"), Frame())
    assert found.problems
    assert not [p.hint for p in found.problems if "confgen." in p.hint]
