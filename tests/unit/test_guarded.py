"""A route that says who may come in is shut where it cannot be served: left out, its requests would go to another."""

from __future__ import annotations

import pytest

from confgen.build import build
from confgen.errors import RefusedText
from confgen.kept import Claim, Kept, Quarantined
from confgen.model import Route
from confgen.policy import parse
from confgen.problem import Effect, Problem
from confgen.proxies import PROXIES
from confgen.readback import verify
from confgen.render import Renderer
from confgen.settings import Frame, LabelSettings, Settings
from confgen.state import Exposed, Instance, Snapshot, State
from confgen.want import definition, shape
from tests.unit.facts import FRONT, container, state

OPEN = {"routes.web.host": "a.example", "routes.web.port": "80"}
SHUT = {"routes.adm.host": "a.example", "routes.adm.path": "/admin", "routes.adm.allow": "10.0.0.0/8"}

NOTHING = Kept()


def shaped(
    name: str, instance: Instance, kept: Kept = NOTHING, others: tuple[Instance, ...] = ()
) -> tuple[dict[str, Route], tuple[Problem, ...]]:
    proxy = PROXIES[name]
    settings = Settings()
    state = State.of((Snapshot("docker", (instance, *others)),))
    built = shape(state, proxy, proxy.caps("1.22" if name == "nginx" else "2.6"), FRONT, settings, settings.frame, kept)
    return {route.name.rpartition(".")[2]: route for route in built.model.routes()}, built.problems


both = pytest.mark.parametrize("name", PROXIES)


@both
def test_without_a_port(name: str) -> None:
    exposed = (Exposed(80, "tcp"), Exposed(81, "tcp"))
    routes, problems = shaped(name, container(labels=OPEN | SHUT, exposed=exposed))
    assert (routes["adm"].withheld, routes["adm"].pool, routes["web"].withheld) == ("port", None, "")
    assert [p.effect for p in problems] == [Effect.WITHHELD]


@both
def test_in_quarantine(name: str) -> None:
    instance = container(labels=OPEN | SHUT | {"routes.adm.port": "81"})
    proxy = PROXIES[name]
    settings = Settings()
    state = State.of((Snapshot("docker", (instance,)),))
    model = shape(state, proxy, proxy.caps(proxy.newest), FRONT, settings, settings.frame).model
    guarded = next(route for route in model.routes() if route.guarded)
    kept = Kept(quarantined=(Quarantined(guarded.name, definition(guarded, model), "no"),))
    routes, problems = shaped(name, instance, kept)
    assert (routes["adm"].withheld, routes["adm"].pool) == ("quarantine", None)
    assert [p.effect for p in problems] == [Effect.WITHHELD]


def test_what_this_nginx_cannot_do() -> None:
    labels = OPEN | SHUT | {"routes.adm.port": "81", "routes.adm.scheme": "grpc"}
    routes, problems = shaped("nginx", container(labels=labels))
    assert (routes["adm"].withheld, routes["adm"].pool) == ("nginx", None)
    assert [p.effect for p in problems] == [Effect.WITHHELD]
    assert "adm" not in shaped("nginx", container(labels={k: v for k, v in labels.items() if "allow" not in k}))[0]


@both
@pytest.mark.parametrize(
    "guard", [{"routes.adm.allow": "10.0.0.0/8"}, {"routes.adm.tls": "require"}, {"routes.adm.auth.nobody": "x"}], ids=str
)
def test_without_an_address(name: str, guard: dict[str, str]) -> None:
    """On no network of the proxy: nobody can serve it, and the open route of its owner must not."""
    adm = {key: text for key, text in SHUT.items() if "allow" not in key} | {"routes.adm.port": "81"}
    web, away = container("web", OPEN, of="shop/web"), container("adm", adm | guard, of="shop/adm", networks=("elsewhere",))
    routes, _ = shaped(name, web, others=(away,))
    assert routes["web"].pool == "shop.web-80"
    assert routes["adm"].withheld or routes["adm"].pool == "shop.adm-81", "a pool without a server answers 503"


@both
def test_an_unreachable_replica_takes_nothing_from_one_that_is_reached(name: str) -> None:
    labels = {"host": "a.example", "port": "81", "allow": "10.0.0.0/8"}
    away = container("adm-1", labels, of="shop/adm", networks=("elsewhere",), created=1)
    here = container("adm-2", labels | {"allow": "10.0.0.0/9"}, of="shop/adm", created=2)
    routes, problems = shaped(name, away, others=(here,))
    assert str(routes["default"].allow[0]) == "10.0.0.0/9"
    assert sorted(p.code for p in problems) == ["CG005", "CG122"]


GRPC = {"host": "a.example", "path": "/admin", "port": "82", "scheme": "grpc"}
GUARDS = [{"allow": "10.0.0.0/8"}, {"tls": "require"}, {"allow": "nonsense"}]


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_what_was_lost_to_a_route_that_nginx_cannot_serve_is_not_left_to_an_open_one(guard: dict[str, str]) -> None:
    """grpc needs a newer nginx: the holder's route would be left out, and /admin go to the route of /."""
    holder = container("grpc", GRPC, of="blog/grpc", created=1)
    web = container("web", {"host": "a.example", "port": "80"}, of="shop/web", created=2)
    adm = container("adm", {"host": "a.example", "path": "/admin", "port": "81", **guard}, of="shop/adm", created=3)
    settings = Settings()
    proxy = PROXIES["nginx"]
    built = shape(state(holder, web, adm), proxy, proxy.caps("1.22"), FRONT, settings, settings.frame)
    at = {str(route.match.path): route for route in built.model.routes()}
    assert (at["/"].withheld, at["/admin"].withheld, at["/admin"].pool) == ("", "nginx", None)
    assert [p.effect for p in built.problems if p.code == "CG004"] == [Effect.WITHHELD]
    without = shape(state(holder, web), proxy, proxy.caps("1.22"), FRONT, settings, settings.frame)
    assert [str(route.match.path) for route in without.model.routes()] == ["/"]


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_what_a_replica_that_disagrees_would_guard_is_shut(guard: dict[str, str]) -> None:
    old = container("web-1", {"host": "a.example", "port": "80"}, of="shop/web", created=1)
    new = [
        container(f"web-{n}", {"host": "a.example", "path": path, "port": "80", **guard}, of="shop/web", created=n)
        for n, path in ((2, "/admin"), (3, "/secret"))
    ]
    found = build(state(old, *new), FRONT, LabelSettings(), Frame())
    assert {str(r.match.path): r.withheld for r in found.model.routes()} == {"/": "", "/admin": "claim", "/secret": "claim"}


TENANTS = """
[[allow]]
owner = "shop"
hosts = ["a.example", "*.b.example"]
[[allow]]
owner = "blog"
hosts = ["a.example"]
paths = ["/blog"]
[[allow]]
owner = "blog"
hosts = ["*.b.example"]
paths = ["/b"]
"""


def routed(name: str, host: str, path: str, **more: str) -> dict[str, str]:
    return {f"routes.{name}.{key}": text for key, text in {"host": host, "path": path, "port": "80", **more}.items()}


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_what_is_asked_for_beyond_a_grant_shuts_nobody_elses_path(guard: dict[str, str]) -> None:
    """Nobody has just that path, and requests for it go to the route of another owner, as if nothing had been asked."""
    shop = container("shop", routed("a", "a.example", "/") | routed("w", "*.b.example", "/"), of="shop/web", created=1)
    granted = routed("b", "a.example", "/blog") | routed("w", "*.b.example", "/b")
    beyond = routed("x", "a.example", "/login", **guard) | routed("z", "c.b.example", "/z", **guard)
    blog = container("blog", granted | beyond, of="blog/web", created=2)
    built = build(state(shop, blog), FRONT, LabelSettings(), Frame(), policy=parse(TENANTS, "policy.toml"))
    assert sorted(f"{r.hosts[0]} {r.match.path}" for r in built.model.routes()) == [
        "*.b.example /", "*.b.example /b", "a.example /", "a.example /blog",
    ]  # fmt: skip
    assert {p.code for p in built.problems} >= {"CG008"}


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_what_would_go_to_a_route_of_its_own_is_shut_beside_other_owners(guard: dict[str, str]) -> None:
    shop = container("shop", routed("a", "a.example", "/"), of="shop/web", created=1)
    own = routed("b", "a.example", "/blog") | routed("y", "a.example", "/blog/admin", **guard)
    held = Claim("http:80 a.example /blog/admin", "nobody", "gone")
    found = build(
        state(shop, container("blog", own, of="blog/web", created=2)), FRONT, LabelSettings(), Frame(), {held.name: held}
    )
    assert {str(r.match.path): r.withheld for r in found.model.routes()} == {"/": "", "/blog": "", "/blog/admin": "claim"}


@pytest.mark.parametrize("first", [{}, {"tls.cert": "shop"}])
def test_whoever_has_a_host_chooses_its_certificate(first: dict[str, str]) -> None:
    """Names sort before ages in a model: a newcomer must not gain by its name what it did not by its age."""
    old = container("old", {"host": "a.example", "port": "80", **first}, of="zeta/web", created=1)
    new = container("new", {"host": "a.example", "path": "/b", "port": "80", "tls.cert": "former"}, of="alpha/web", created=2)
    found = build(state(old, new), FRONT, LabelSettings(), Frame())
    wishes = {str(r.match.path): (r.tls.certificate, r.tls.needed) for r in found.model.routes()}
    assert wishes == {"/": (first.get("tls.cert"), bool(first)), "/b": (None, True)}
    assert [(p.code, p.effect) for p in found.problems] == [("CG003", Effect.LABEL)]
    again = {"routes.c.host": "a.example", "routes.c.path": "/c", "routes.c.port": "80", "routes.c.tls.cert": "other"}
    mine = build(state(old, container("more", again, of="zeta/more", created=3)), FRONT, LabelSettings(), Frame())
    assert {str(r.match.path): r.tls.certificate for r in mine.model.routes()}["/c"] == "other", "its owner may"


@both
def test_the_order_of_rules_is_read_back(name: str) -> None:
    """The first rule that fits holds: an allow in front of a deny, or a redirect in front of both, would open the door."""
    proxy = PROXIES[name]
    caps = proxy.caps(proxy.newest)
    labels = SHUT | {"routes.adm.port": "81", "routes.adm.deny": "10.1.0.0/16"}
    old = {"host": "old.example", "redirect": "https://a.example/"} | ({"allow": "10.0.0.0/8"} if name == "haproxy" else {})
    state = State.of((Snapshot("docker", (container(labels=labels), container("old", old))),))
    settings = Settings()
    model = shape(state, proxy, caps, FRONT, settings, settings.frame).model
    files = (
        Renderer((), proxy.filters).render(proxy.outputs, proxy.view(model, caps, settings.frame), proxy.secrets(model)).as_dict()
    )
    main = proxy.outputs[0].path
    lines = files[main].decode().splitlines(keepends=True)
    rules = [
        n for n, line in enumerate(lines) if line.strip().startswith(("deny ", "allow ", "http-request deny deny_status 403"))
    ]
    assert len(rules) >= 5
    for at in rules:
        if lines[at + 1].strip().startswith(("deny ", "allow ", "http-request ")) and lines[at] != lines[at + 1]:
            swapped = "".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
            with pytest.raises(RefusedText):
                verify(proxy.expected(model, caps, settings.frame), proxy.structure({**files, main: swapped.encode()}))


@pytest.mark.parametrize(
    "guard", [{"allow": "10.0.0.0/8"}, {"auth.basic": "bob:$5$saltsalt$" + "a" * 43}, {"limit.rate": "1r/s"}, {}]
)
def test_what_is_kept_for_one_who_is_gone_is_not_left_to_an_open_route_of_its_owner(guard: dict[str, str]) -> None:
    """Else /admin would be served by the route of /, for a minute."""
    claims = ("http:80 a.example /admin", "http:80 b.example /admin")
    adm = container("adm", {"host": "a.example, b.example", "path": "/admin", "port": "80", **guard}, of="shop/adm")
    web = container("web", {"host": "a.example, b.example", "port": "80"}, of="shop/web")
    gone = {claim: Claim(claim, "other") for claim in claims}
    found = build(state(adm, web), FRONT, LabelSettings(), Frame(), gone)
    shut = [route for route in found.model.routes() if route.match.path == "/admin"]
    assert [(route.withheld, route.pool, route.hosts) for route in shut] == [("claim", None, ("a.example", "b.example"))] * bool(
        guard
    )
    assert "shop.adm.default:shut" not in {placement.route for placement in found.placements}, "the claim stays with the other"
    stranger = container("web", {"host": "a.example", "port": "80"}, of="blog/web")
    found = build(state(adm, stranger), FRONT, LabelSettings(), Frame(), gone)
    assert [str(route.match.path) for route in found.model.routes()] == ["/"], "nobody shuts another one's host"
