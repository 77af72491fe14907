"""Why something is served or not: each situation stops at its own step, with what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confgen.apply import Applied, Result
from confgen.errors import ReloadFailed, TargetUnavailable
from confgen.explain import Chain, match_path, request
from confgen.explain import container as explain_container
from confgen.keys import SECURITY
from confgen.model import Model, Route
from confgen.offer import Vantage
from confgen.plan import Change, Impact, Plan
from confgen.problem import Effect, Problem
from confgen.report import SeatReport
from confgen.secure import secure
from confgen.settings import LabelSettings
from confgen.state import Health, Instance, Phase
from confgen.tls import Certificate
from confgen.values import Name, parse_path
from tests.unit.facts import FRONT, built, container

SHOP = {"host": "shop.example.com", "port": "8080"}


#: The running proxy serves something else than what is wanted.
OUTDATED = Applied("0123456789abcdef", Result.OUTDATED)


def seat(*instances: Instance, vantage: Vantage = FRONT, prefix: str = "confgen", **more: object) -> SeatReport:
    """What a turn reports of a proxy that serves these containers."""
    found = built(*instances, vantage=vantage, prefix=prefix)
    return SeatReport(seat="container proxy", proxy="nginx", model=found.model, problems=found.problems, placements=found.placements, **more)  # type: ignore[arg-type]  # fmt: skip


def chain(one: Instance, *others: Instance, settings: LabelSettings | None = None, **more: object) -> Chain:
    return explain_container(one, seat(one, *others, **more), settings or LabelSettings())  # type: ignore[arg-type]


def stop(found: Chain) -> tuple[str, str, str]:
    """The step that fails, which must be the last."""
    assert not found.ok, [step.name for step in found.steps]
    assert [step.ok for step in found.steps] == [True] * (len(found.steps) - 1) + [False]
    last = found.steps[-1]
    assert last.hint, "what stops somebody has a mend"
    return last.name, last.text, last.hint


def test_what_is_served_is_told_step_by_step() -> None:
    found = chain(container(of="shop/web"))
    assert found.ok
    assert found.subject == "container web-1 at container proxy"
    assert [step.name for step in found.steps] == [
        "running",
        "enabled",
        "labels",
        "host",
        "network",
        "port",
        "agreement",
        "claim",
        "proxy",
        "route",
        "ready",
        "live",
    ]
    assert {step.name: step.text for step in found.steps}["route"] == "shop.web.default"


OLD = container("old", SHOP, created=1)
GONE = "f" * 64


@pytest.mark.parametrize(
    ("one", "others", "step", "said", "mend"),
    [
        (container(phase=Phase.EXITED), (), "running", "its state is exited", "docker start web-1"),
        (container(phase=Phase.CREATED), (), "running", "its state is created", "docker start web-1"),
        (container(labels=SHOP | {" com.docker.compose.oneoff": "True"}), (), "enabled", "one-off container", "docker compose up"),
        (container(labels={"proxy": "nginx"}), (), "enabled", "is a proxy itself", "confgen.proxy"),
        (container(labels=SHOP | {"enable": "false"}), (), "enabled", "is hidden", 'confgen.enable: "true"'),
        (container(labels={}), (), "host", "no route", "confgen.host"),
        (container(labels={"port": "80"}), (), "labels", "no host", "confgen.host"),
        (container(labels={"hots": "a.example", "port": "80"}), (), "labels", 'unknown key "hots"', 'did you mean "confgen.host"'),
        (container(labels={"host": "a_b", "port": "80"}), (), "labels", "CG101", "letters"),
        (container(labels={"host": "a.example", "port": "70000"}), (), "labels", "CG121 label confgen.port", "8080"),
        (container(labels={"tcp.0": "80"}), (), "labels", "CG121 label confgen.tcp.0", "confgen.tcp.80"),
        (container(labels={"host": "a.example", "path": "x"}), (), "labels", "CG111", "/x"),
        (container(labels=SHOP | {"auth.forward": "team"}), (), "open", "503", "remove it if the route may be open"),
        (container(networks=("back",)), (), "network", "shares no network", "docker network connect front web-1"),
        (container(network_mode="host", networks=("host",)), (), "network", "the host's network", "network of the proxy"),
        (container(network_mode=f"container:{GONE}", networks=()), (), "network", "is not running", "start that container"),
        (container(labels={"host": "a.example"}), (), "port", "exposes none", "confgen.port"),
        (container(labels={"host": "a.example"}, exposed=(80, 81)), (), "port", "several: 80, 81", "confgen.port"),
        (container("web-2", SHOP | {"balance": "uri"}, of="a/b", created=2), (container("web-1", SHOP, of="a/b", created=1),), "agreement", "differs from web-1", "same labels"),
        (container("new", SHOP, created=2), (OLD,), "claim", "held by old", "choose another"),
        (container("new", {"tcp.80": "80"}), (), "claim", "the proxy's own", "another port"),
        (container(health=Health.STARTING), (), "ready", "health check: starting", "docker inspect"),
        (container(health=Health.UNHEALTHY), (), "ready", "health check: unhealthy", "docker inspect"),
        (container(phase=Phase.PAUSED), (), "ready", "paused", "docker unpause"),
        (container(phase=Phase.RESTARTING), (), "ready", "restarting", "runs again"),
        (container(labels=SHOP | {"weight": "0"}), (), "ready", "weight 0", "weight from 1 to 256"),
        (container("web-2", of="a/b", stopping=True), (container("web-1", of="a/b"),), "ready", "draining: stopping", "runs again"),
    ],
)  # fmt: skip
def test_each_situation_stops_at_its_own_step(
    one: Instance, others: tuple[Instance, ...], step: str, said: str, mend: str
) -> None:
    name, text, hint = stop(chain(one, *others))
    assert name == step
    assert said in text
    assert mend in hint


def test_with_require_enable_silence_hides() -> None:
    settings = LabelSettings(require_enable=True)
    name, _, hint = stop(chain(container(), settings=settings))
    assert (name, hint) == ("enabled", 'set confgen.enable: "true"')


def test_another_prefix_is_named_in_the_mends() -> None:
    settings = LabelSettings(prefix="edge")
    assert "edge.host" in stop(chain(container(labels={}), settings=settings, prefix="edge"))[2]


@pytest.mark.parametrize(
    "labels",
    [
        SHOP | {"balance": "leastcon"},
        SHOP | {"wieght": "3"},
        {"host": "shop.example.com, held.example", "port": "8080"},
        SHOP | {"tcp.80": "80"},
        SHOP | {"routes.bad.host": "a_b"},
    ],
)
def test_a_mistake_that_costs_only_a_part_does_not_stop_the_rest(labels: dict[str, str]) -> None:
    one = container("one", labels, created=2)
    found = chain(one, container("held", {"host": "held.example", "port": "80"}, created=1))
    assert found.ok, found.steps[-1]
    assert any("CG" in step.text for step in found.steps), "but it is told"


def test_what_the_proxy_cannot_do_but_serves_all_the_same_does_not_stop() -> None:
    one = container()
    said = Problem(
        replace(one.origin, key="route default"), "CG004", "nginx 1.26 has no sticky cookie", Effect.LABEL, "use sticky: source"
    )
    report = seat(one)
    found = explain_container(one, replace(report, problems=(said,)), LabelSettings())
    assert found.ok
    lost = replace(report, problems=(replace(said, effect=Effect.ROUTE),), model=Model())
    assert stop(explain_container(one, lost, LabelSettings()))[0] == "proxy"


def test_all_that_stop_and_go_on_serving_are_served() -> None:
    found = chain(container("web-1", of="a/b", stopping=True), container("web-2", of="a/b", stopping=True))
    assert found.ok


def test_one_route_withheld_of_two_is_told_and_the_other_served() -> None:
    found = chain(container(labels=SHOP | {"routes.adm.host": "adm.example", "routes.adm.auth": "x"}))
    assert any("adm" in step.text and "503" in step.text for step in found.steps)


def test_what_is_not_live_yet_is_told() -> None:
    plan = Plan((Change(("pools", "web"), None, 1),), Impact.RELOAD, "a new pool")
    name, text, hint = stop(chain(container(), plan=plan, applied=OUTDATED))
    assert (name, "a new pool" in text, "confgen watch" in hint) == ("live", True, True)
    name, text, hint = stop(chain(container(), error=ReloadFailed("it still serves the former generation", "see its log")))
    assert (name, text, hint) == ("live", "it still serves the former generation", "see its log")


def test_a_change_that_needs_no_other_text_is_live() -> None:
    """A longer drain changes the model and not a byte of the text: the running proxy shows the generation, so it is live."""
    plan = Plan((Change(("pools", "web", "drain"), 10_000, 1000),), Impact.NONE, "")
    assert chain(container(), plan=plan, applied=Applied("00", Result.UNCHANGED)).ok


def test_others_mistakes_are_not_told() -> None:
    found = chain(container("web-1"), container("web-10", {"hots": "x"}), container("web", {"hots": "x"}))
    assert found.ok
    assert not any("hots" in step.text for step in found.steps)


# --- requests ---

WORLD = (
    container("web", {"host": "shop.example.com", "port": "80"}),
    container("api", {"host": "shop.example.com", "path": "/api", "port": "80"}, address="10.0.0.3"),
    container("health", {"host": "shop.example.com", "path": "=/healthz", "port": "80"}, address="10.0.0.4"),
    container("wild", {"host": "*.example.com", "path": "/w", "port": "80"}, address="10.0.0.5"),
    container("deep", {"host": "*.eu.example.com", "port": "80"}, address="10.0.0.6"),
    container("old", {"host": "old.example.org", "redirect": "https://shop.example.com/"}),
    container("admin", {"host": "admin.example.org", "port": "80", "auth": "x"}, address="10.0.0.7"),
    container("ill", {"host": "ill.example.org", "port": "80"}, health=Health.UNHEALTHY, address="10.0.0.8"),
)


@pytest.mark.parametrize(
    ("host", "path", "route"),
    [
        ("shop.example.com", "/", "web"), ("SHOP.Example.com.", "/", "web"), ("shop.example.com", "/x/y", "web"), ("shop.example.com", "/api", "api"), ("shop.example.com", "/api/x", "api"),
        ("shop.example.com", "/apix", "web"), ("shop.example.com", "/healthz", "health"), ("shop.example.com", "/healthz/", "web"), ("a.example.com", "/w", "wild"), ("a.b.example.com", "/w/x", "wild"),
        ("a.eu.example.com", "/w", "deep"), ("b.a.eu.example.com", "/", "deep"), ("old.example.org", "/any", "old"),
    ],
)  # fmt: skip
def test_a_request_finds_its_route(host: str, path: str, route: str) -> None:
    found = request(host, path, seat(*WORLD))
    assert found.ok, found.steps[-1]
    assert any(f"route {route}.default" in step.text for step in found.steps)


@pytest.mark.parametrize(
    ("host", "path", "step", "said", "mend"),
    [
        ("nobody.example", "/", "host", "no route has the host nobody.example", "confgen status"), ("example.com", "/", "host", "no route", "status"), ("a.example.com", "/", "path", "no route of *.example.com has the path /", "/w"),
        ("eu.example.com", "/x", "path", "*.example.com", "/w"), ("admin.example.org", "/", "open", "503", "mend or remove"), ("ill.example.org", "/", "server", "ill down (health check: unhealthy)", "explain"),
        ("", "/", "host", "no route", "status"),
    ],
)  # fmt: skip
def test_a_request_that_is_not_served(host: str, path: str, step: str, said: str, mend: str) -> None:
    name, text, hint = stop(request(host, path, seat(*WORLD)))
    assert name == step
    assert said in text
    assert mend in hint


def test_a_redirect_before_the_proxy_has_it() -> None:
    old = container("former", {"host": "former.example.net", "redirect": "https://shop.example.com"})
    assert request("former.example.net", "/", seat(*WORLD, old)).ok
    assert stop(request("former.example.net", "/", seat(*WORLD, old, applied=OUTDATED)))[0] == "live"
    assert stop(request("former.example.net", "/", seat(*WORLD, old, error=TargetUnavailable("gone", "start it"))))[0] == "live"


def test_a_request_before_the_proxy_has_it() -> None:
    plan = Plan((Change(("pools", "web"), None, 1),), Impact.RELOAD, "")
    assert stop(request("shop.example.com", "/", seat(*WORLD, plan=plan, applied=OUTDATED)))[0] == "live"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "root"),
        ("/a", "a"),
        ("/a/", "a"),
        ("/a/b", "ab"),
        ("/a/b/c", "ab"),
        ("/ab", "root"),
        ("/x", "exact"),
        ("/x/", "root"),
        ("/a/x", "a"),
    ],
)
def test_the_longest_path_wins_and_the_exact_one_before_all(path: str, route: str) -> None:
    routes = [
        Route(name=Name(name), match=parse_path(text))
        for name, text in (("root", "/"), ("a", "/a"), ("ab", "/a/b"), ("exact", "=/x"))
    ]
    found = match_path(path, routes)
    assert found is not None
    assert found.name == route
    assert match_path("/y", routes[1:]) is None


def test_the_words_for_security_are_those_of_the_labels() -> None:
    """A withheld route names its label in the chain; the words must be ones that people can look up."""
    for word in SECURITY:
        assert word in stop(request("a.example", "/", seat(container(labels={"host": "a.example", "port": "80", word: "x"}))))[1]


def over_tls(certificate: bool = True, **tls: object) -> SeatReport:
    """A seat whose only host is served over TLS as its route says."""
    labels = {
        "host": "shop.example.com",
        "port": "80",
        **{f"tls.{key}" if key != "mode" else "tls": str(text) for key, text in tls.items()},
    }
    one = container(labels=labels)
    shop = Certificate(name=Name("shop"), digest="0" * 32, names=("shop.example.com",), not_after="2027-01-31T12:00:00Z")
    found, problems = secure(seat(one).model, (shop,) if certificate else ())
    return replace(seat(one), model=found, problems=problems)


@pytest.mark.parametrize(
    ("report", "https", "said"),
    [
        (over_tls(), False, "certificate shop until 2027-01-31; http is answered with a redirect to https"),
        (over_tls(redirect="false"), True, "certificate shop until 2027-01-31"),
    ],
)  # fmt: skip
def test_a_request_over_tls(report: SeatReport, https: bool, said: str) -> None:
    found = request("shop.example.com", "/", report, secure=https)
    assert found.ok
    assert next(step.text for step in found.steps if step.name == "tls") == said


@pytest.mark.parametrize(
    ("report", "https", "said"),
    [
        (over_tls(certificate=False), True, "handshake is refused"), (over_tls(mode="off"), True, "not served over https"),
        (over_tls(certificate=False, mode="require"), False, "answers 503"),
    ],
)  # fmt: skip
def test_a_request_that_tls_stops(report: SeatReport, https: bool, said: str) -> None:
    name, text, _ = stop(request("shop.example.com", "/", report, secure=https))
    assert (name, said in text) == ("tls", True)


def test_a_container_is_told_its_certificate() -> None:
    report = over_tls()
    found = explain_container(container(labels={"host": "shop.example.com", "port": "80"}), report, LabelSettings())
    assert "shop.example.com with certificate shop until 2027-01-31" in [step.text for step in found.steps]
