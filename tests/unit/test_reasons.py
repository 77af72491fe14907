"""Every reason that `explain` can name: a situation made of real values, in which it is the true first failing step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from confgen.apply import Applied, Result
from confgen.errors import ConfgenError, TargetUnavailable
from confgen.explain import Chain, connection, request, unserved
from confgen.explain import container as explain_container
from confgen.kept import Kept, Quarantined
from confgen.observe.metrics import Metrics
from confgen.observe.status import as_chain, as_data
from confgen.offer import Vantage
from confgen.policy import parse as parse_policy
from confgen.proxies import PROXIES
from confgen.reason import TOLD, Reason
from confgen.report import Report, SeatReport
from confgen.settings import Frame, LabelSettings, Settings
from confgen.state import Health, Instance, Phase, State
from confgen.tls import Certificate, Shelf
from confgen.values import Name
from confgen.verdict import Verdict, complaints, judged, probes
from confgen.want import definition, shape
from tests.unit.facts import FRONT, container, state

SHOP = {"host": "shop.example.com", "port": "8080"}
POLICY = parse_policy('[[allow]]\nowner = "*"\nhosts = ["*.example.com"]\n', "policy.toml")
COVER = Certificate(name=Name("c"), digest="0" * 32, names=("other.example",), not_after="2030-01-31T12:00:00Z")
TEAM = container("team", {"host": "shop.example.com", "port": "80", "auth.basic": "team"})
UNLIKE = "web-1 says something else"


@dataclass(frozen=True)
class World:
    """Containers and a proxy that looks at them; what a turn makes of it."""

    instances: tuple[Instance, ...]
    proxy: str = "nginx"
    version: str = "1.30"
    vantage: Vantage = FRONT
    require_enable: bool = False
    granted: bool = False
    refused: str = ""
    verdict: Verdict | None = None
    running: Result = Result.UNCHANGED
    pinned: str = ""
    error: ConfgenError | None = None

    @property
    def labels(self) -> LabelSettings:
        return LabelSettings(require_enable=self.require_enable)

    @property
    def state(self) -> State:
        return state(*self.instances)

    @property
    def seat(self) -> SeatReport:
        proxy = PROXIES[self.proxy]
        given = (self.state, proxy, proxy.caps(self.version), self.vantage, Settings(labels=self.labels), Frame())
        policy = POLICY if self.granted else None
        built = shape(*given, policy=policy, shelf=Shelf(certificates=(COVER,)))
        if self.refused:
            route = next(r for r in built.model.routes() if r.name == self.refused)
            kept = Kept(quarantined=(Quarantined(route.name, definition(route, built.model), "unknown directive"),))
            built = shape(*given, kept=kept, policy=policy, shelf=Shelf(certificates=(COVER,)))
        if self.verdict:
            about = f" {self.instances[0].name} "
            found = {probe.name: self.verdict for probe in probes(built.model) if about in probe.name}
            model = judged(built.model, found, ())
            servers = {server.name: server for pool in model.pools for server in pool.servers}
            placements = tuple(replace(p, server=servers[Name(p.instance)]) for p in built.placements)
            problems = (*built.problems, *complaints(built.model, found))
            built = replace(built, model=model, problems=problems, placements=placements)
        report = SeatReport(seat="proxy", proxy=self.proxy, pinned=self.pinned, wanted="f" * 16, live="0" * 16)
        if self.error:
            return replace(report, error=self.error, problems=built.problems)
        applied = Applied("0" * 16, self.running)
        return replace(report, model=built.model, problems=built.problems, placements=built.placements, applied=applied)


def world(*instances: Instance, **more: object) -> World:
    return World(instances, **more)  # type: ignore[arg-type]


NEW = container("new", SHOP, created=2)
WEB = container("web-1", SHOP)
DOWN = TargetUnavailable("the proxy is silent", "start it")
CONTAINERS: list[tuple[Reason, World]] = [
    (Reason.NOT_RUNNING, world(container(phase=Phase.EXITED))),
    (Reason.NOT_RUNNING, world(container(phase=Phase.DEAD))),
    (Reason.ONE_OFF, world(container(labels=SHOP | {" com.docker.compose.oneoff": "True"}))),
    (Reason.PROXY_ITSELF, world(container(labels={"proxy": "nginx"}))),
    (Reason.HIDDEN, world(container(labels=SHOP | {"enable": "false"}))),
    (Reason.HIDDEN, world(container(labels=SHOP | {"enable": "yes please"}))),
    (Reason.NOT_ENABLED, world(WEB, require_enable=True)),
    (Reason.UNKNOWN_LABEL, world(container(labels={"hots": "shop.example.com", "port": "80"}))),
    (Reason.UNKNOWN_LABEL, world(container(labels={" congfen.host": "shop.example.com"}))),
    (Reason.WRONG_LABEL, world(container(labels=SHOP | {"path": "api"}))),
    (Reason.WRONG_LABEL, world(container(labels={"routes.api.path": "/api"}))),
    (Reason.WRONG_LABEL, world(container(labels={"port": "80"}))),
    (Reason.NO_LABELS, world(container(labels={}))),
    (Reason.NO_HOST, world(container(labels={"enable": "true"}))),
    (Reason.ELSEWHERE, world(container(networks=("other",)), container("proxy-2", {"proxy": "haproxy"}, networks=("other",)))),
    (Reason.NO_NETWORK, world(container(networks=("back",)))),
    (Reason.NO_NETWORK, world(container(labels=SHOP | {"network": "fornt"}))),
    (Reason.NO_NETWORK, world(container(network_mode="host", networks=("host",)))),
    (Reason.NO_PORT, world(container(labels={"host": "shop.example.com"}))),
    (Reason.NO_PORT, world(container(labels={"host": "shop.example.com"}, exposed=(80, 81)))),
    (Reason.NO_PORT, world(container(labels={"host": "shop.example.com", "port": "2375"}))),
    (Reason.DISAGREES, world(container("web-2", SHOP | {"balance": "uri"}, of="a/b", created=2), container("web-1", SHOP, of="a/b", created=1))),
    (Reason.NOT_GRANTED, world(container(labels={"host": "shop.example.org", "port": "80"}), granted=True)),
    (Reason.HELD, world(NEW, container("old", SHOP, created=1))),
    (Reason.HELD, world(container(labels={"tcp.80": "80"}))),
    (Reason.UNSUPPORTED, world(container(labels=SHOP | {"scheme": "grpc"}), version="1.22")),
    (Reason.UNSUPPORTED, world(container(labels={"udp.53": "53"}), proxy="haproxy", version="3.2")),
    (Reason.REFUSED, world(WEB, refused="web-1.default")),
    (Reason.WITHHELD, world(container(labels=SHOP | {"auth.forward": "https://login.example.com"}))),
    (Reason.WITHHELD, world(container(labels=SHOP | {"alow": "10.0.0.0/8"}))),
    (Reason.WITHHELD, world(TEAM)),
    (Reason.NO_CERTIFICATE, world(container(labels=SHOP | {"tls": "require"}))),
    (Reason.NOT_LISTENING, world(WEB, verdict=Verdict(name="", up=False, words="port 8080 refuses connections", long=True))),
    (Reason.NOT_LISTENING, world(container("web-1", of="a/b"), container("web-2", of="a/b"), verdict=Verdict(name="", up=False, words="port 8080 refuses connections"))),
    (Reason.STARTING, world(container(health=Health.STARTING))),
    (Reason.UNHEALTHY, world(container(health=Health.UNHEALTHY))),
    (Reason.CHECK_FAILS, world(container(labels=SHOP | {"health": "/healthz"}), verdict=Verdict(name="", up=False, words="it answers 503"))),
    (Reason.PAUSED, world(container(phase=Phase.PAUSED))),
    (Reason.RESTARTING, world(container(phase=Phase.RESTARTING))),
    (Reason.STOPPING, world(container("web-2", of="a/b", stopping=True), container("web-1", of="a/b"))),
    (Reason.DRAINED, world(replace(WEB, drained=True))),
    (Reason.WEIGHT_0, world(container(labels=SHOP | {"weight": "0"}))),
    (Reason.PINNED, world(WEB, pinned="0" * 16)),
    (Reason.PROXY_FAILS, world(WEB, error=DOWN)),
    (Reason.NOT_LIVE, world(WEB, running=Result.OUTDATED)),
]  # fmt: skip

Asked = Callable[[SeatReport], Chain]


def http(host: str, path: str = "/", secure: bool = False) -> Asked:
    return lambda seat: request(host, path, seat, secure)


def port(protocol: str, number: int) -> Asked:
    return lambda seat: connection(protocol, number, seat)


DB = container("db", {"tcp.3306": "3306"})
REQUESTS: list[tuple[Reason, World, Asked]] = [
    (Reason.UNKNOWN_HOST, world(WEB), http("shpo.example.com")),
    (Reason.UNKNOWN_PATH, world(container(labels=SHOP | {"path": "/api"})), http("shop.example.com", "/apis")),
    (Reason.UNKNOWN_PORT, world(DB), port("tcp", 3307)),
    (Reason.UNKNOWN_PORT, world(DB), port("udp", 3306)),
    (Reason.NO_SERVER, world(container(health=Health.UNHEALTHY)), http("shop.example.com")),
    (Reason.NO_SERVER, world(container("db", {"tcp.3306": "3306"}, phase=Phase.PAUSED)), port("tcp", 3306)),
    (Reason.WITHHELD, world(TEAM), http("shop.example.com")),
    (Reason.WITHHELD, world(container("db", {"tcp.3306": "3306", "tcp.3306.allow": "all"})), port("tcp", 3306)),
    (Reason.NO_CERTIFICATE, world(WEB), http("shop.example.com", secure=True)),
    (Reason.NO_CERTIFICATE, world(container(labels=SHOP | {"tls": "require"})), http("shop.example.com")),
    (Reason.NOT_OVER_HTTPS, world(container(labels=SHOP | {"tls": "off"})), http("shop.example.com", secure=True)),
    (Reason.PROXY_FAILS, world(WEB, error=DOWN), http("shop.example.com")),
    (Reason.PROXY_FAILS, world(DB, error=DOWN), port("tcp", 3306)),
    (Reason.NOT_LIVE, world(WEB, running=Result.OUTDATED), http("shop.example.com")),
    (Reason.NOT_LIVE, world(running=Result.OUTDATED), http("shop.example.com")),
    (Reason.PINNED, world(pinned="0" * 16), http("shop.example.com")),
]  # fmt: skip


def mine(found: World) -> Chain:
    return explain_container(found.instances[0], found.seat, found.labels)


def stops(chain: Chain, reason: Reason) -> None:
    """At that reason, in its step, the last one, with a mend."""
    assert [step.reason for step in chain.steps] == [None] * (len(chain.steps) - 1) + [reason], chain.steps[-1]
    assert chain.steps[-1].name == TOLD[reason].step
    assert chain.steps[-1].hint
    assert chain.reason is reason


@pytest.mark.parametrize(("reason", "found"), CONTAINERS, ids=[reason.value for reason, _ in CONTAINERS])
def test_a_container_stops_at_its_reason(reason: Reason, found: World) -> None:
    stops(mine(found), reason)


@pytest.mark.parametrize(("reason", "found", "ask"), REQUESTS, ids=[reason.value for reason, *_ in REQUESTS])
def test_a_request_stops_at_its_reason(reason: Reason, found: World, ask: Asked) -> None:
    stops(ask(found.seat), reason)


def test_what_is_served_has_no_reason() -> None:
    for found in (world(WEB), world(DB), world(WEB, pinned="f" * 16), world(container("web-2", of="a/b", stopping=True))):
        assert mine(found).reason is None
    assert connection("tcp", 3306, world(DB).seat).ok
    assert request("shop.example.com", "/", world(WEB).seat).ok


def test_every_reason_is_documented_and_has_a_situation() -> None:
    assert set(TOLD) == set(Reason)
    made = {reason for reason, *_ in (*CONTAINERS, *REQUESTS)}
    # Two need what no state holds: a request that is sent, and a mistake of ours.
    assert set(Reason) - made == {Reason.NO_ANSWER, Reason.NO_ROUTE, Reason.NOT_READY}


def test_a_host_that_is_nearly_right_is_named() -> None:
    assert "did you mean shop.example.com?" in request("shpo.example.com", "/", world(WEB).seat).steps[-1].hint
    assert "tcp/3306" in connection("tcp", 3307, world(DB).seat).steps[-1].hint


def test_a_label_that_costs_nothing_is_not_the_reason_where_the_proxy_is_held() -> None:
    """What the proxy cannot do but serves all the same is told, and the pin is what stops it."""
    found = world(container(labels=SHOP | {"slow-start": "30s"}), pinned="0" * 16)
    seat = replace(found.seat, placements=())
    chain = explain_container(found.instances[0], seat, found.labels)
    stops(chain, Reason.PINNED)
    assert any("slow start" in step.text for step in chain.steps)


# --- the same in status and in metrics


QUIET = (Reason.ONE_OFF, Reason.PROXY_ITSELF, Reason.HIDDEN, Reason.NOT_ENABLED, Reason.ELSEWHERE, Reason.NO_LABELS)


@pytest.mark.parametrize(("reason", "found"), CONTAINERS, ids=[reason.value for reason, _ in CONTAINERS])
def test_status_and_metrics_say_the_same(reason: Reason, found: World) -> None:
    name = found.instances[0].name
    missed = {one.instance: one for one in unserved(found.state, found.seat, found.labels)}
    if reason in QUIET or any(label.startswith("congfen") for label, _ in found.instances[0].labels):
        assert name not in missed, "nobody wants it served here, or nobody can know that it is meant for us"
        return
    assert (missed[name].reason, missed[name].hint) == (reason, mine(found).steps[-1].hint)
    report = Report(seats=(found.seat,), unserved=tuple(missed.values()))
    data = json.loads(json.dumps(as_data(report, found.state)))["proxies"][0]["unserved"]
    assert (name, reason.value) in {(one["container"], one["reason"]) for one in data}
    metrics = Metrics()
    metrics.tell(report)
    assert f'confgen_unserved{{proxy="proxy",reason="{reason.value}"}} 1.0' in metrics.text().decode()


def test_who_is_served_is_not_counted_and_its_labels_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = world(*(container(f"web-{n}", {"host": f"h{n}.example.com", "port": "80"}) for n in range(5)))
    seat = found.seat
    monkeypatch.setattr("confgen.explain.read", None)
    assert list(unserved(found.state, seat, found.labels)) == []


def test_metrics_forget_what_is_mended() -> None:
    found = world(container(phase=Phase.PAUSED))
    metrics = Metrics()
    metrics.tell(Report(seats=(found.seat,), unserved=tuple(unserved(found.state, found.seat, found.labels))))
    assert 'reason="paused"' in metrics.text().decode()
    metrics.tell(Report(seats=(world(WEB).seat,)))
    assert 'reason="paused"' not in metrics.text().decode()


def test_a_chain_as_json_names_its_reason() -> None:
    said = as_chain(mine(world(container(phase=Phase.PAUSED))))
    assert (said["ok"], said["reason"]) == (False, "paused")
    assert as_chain(mine(world(WEB)))["reason"] is None
