"""Why a container is routed, or not: the chain from container to served request, with the first step that fails.

Pure: it reads the values of a turn, and says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confgen.build import Placement
from confgen.labels import proxy_kind, read
from confgen.model import Model, Route, Server, ServerState
from confgen.offer import GONE, ONE_OFF
from confgen.problem import Effect, Problem, count
from confgen.report import SeatReport
from confgen.settings import LabelSettings
from confgen.state import Instance
from confgen.values import Wildcard


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain.  hint: what mends it, "" where nothing is wrong."""

    name: str
    ok: bool
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps in order, up to the first that fails."""

    subject: str
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)


#: Which step a Problem belongs to; all others, and all that a label's own text is to blame for, are mistakes in the labels.
_STEPS = {
    "CG121": "port",
    "CG122": "network",
    "CG123": "ready",
    "CG005": "agreement",
    "CG006": "claim",
    "CG004": "proxy",
    "CG301": "proxy",
}


def _step_of(problem: Problem) -> str:
    return "labels" if problem.origin.key.startswith("label ") else _STEPS.get(problem.code, "labels")


def container(instance: Instance, seat: SeatReport, labels: LabelSettings) -> Chain:
    """The chain of one container at one proxy."""
    return Chain(f"container {instance.name} at {seat.seat}", _until_broken(_container_steps(instance, seat, labels)))


def _until_broken(steps: Iterable[Step]) -> tuple[Step, ...]:
    taken = []
    for step in steps:
        taken.append(step)
        if not step.ok:
            break
    return tuple(taken)


def _container_steps(instance: Instance, seat: SeatReport, labels: LabelSettings) -> Iterable[Step]:
    mine = [p for p in seat.problems if p.origin.object == instance.origin.object]
    yield Step(
        "running",
        instance.phase not in GONE,
        f"its state is {instance.phase.value}",
        "" if instance.phase not in GONE else f"docker start {instance.name}",
    )
    yield from _label_steps(instance, mine, labels)
    placements = [p for p in seat.placements if p.instance == instance.name and _stands(p, seat.model)]
    for name in ("network", "port", "agreement", "claim", "proxy"):
        wrong = [p for p in mine if _step_of(p) == name]
        yield _from_problems(name, wrong, _FINE[name], fatal=not placements)
    yield Step(
        "route",
        bool(placements),
        ", ".join(str(p.route) for p in placements) or "no route leads to it",
        "" if placements else "see the labels",
    )
    yield from _open_steps(placements, mine, seat.model)
    yield from _covered_steps(placements, seat.model)
    yield _ready_step([p.server for p in placements if p.server], [p for p in mine if _step_of(p) == "ready"])
    yield _live_step(seat)


_FINE = {
    "network": "the proxy reaches it",
    "port": "its port is known",
    "agreement": "its replicas say the same",
    "claim": "its hosts and paths are its own",
    "proxy": "the proxy can do what it asks for",
}


def _stands(placement: Placement, model: Model) -> bool:
    """It is still there after what the proxy cannot do was left out."""
    if placement.pool is None:
        return any(route.name == placement.route for route in model.routes())
    pool = model.pool(placement.pool)
    return pool is not None and any(server.name == placement.instance for server in pool.servers)


def _open_steps(placements: list[Placement], mine: list[Problem], model: Model) -> Iterable[Step]:
    """Routes that are withheld; told only where there are some."""
    reasons = {route.name: route.withheld for route in model.routes() if route.withheld}
    shut = [p.route for p in placements if p.route in reasons]
    if shut:
        text = ", ".join(f"{name} answers 503, since {reasons[name]} cannot be obeyed" for name in shut)
        hint = next((p.hint for p in mine if p.effect is Effect.WITHHELD), "mend or remove that label")
        yield Step("open", len(shut) < len(placements), text, hint)


def _covered_steps(placements: list[Placement], model: Model) -> Iterable[Step]:
    """With which certificate its hosts are served; told only where there are some, or one is needed."""
    names = {placement.route for placement in placements}
    for route in (r for r in model.routes() if r.name in names and r.hosts and r.tls.mode != "off"):
        found = {host: model.certificate(host) for host in route.hosts}
        bare = [host for host, certificate in found.items() if not certificate]
        if route.tls.needed and bare:
            yield Step("tls", False, f"{route.name} requires TLS, and no certificate covers {', '.join(bare)}", _PUT_ONE)
        elif told := [f"{host} with certificate {certificate}" for host, certificate in found.items() if certificate]:
            yield Step("tls", True, ", ".join(told))


def _label_steps(instance: Instance, mine: list[Problem], labels: LabelSettings) -> Iterable[Step]:
    if instance.label(ONE_OFF) == "True":
        yield Step(
            "enabled", False, "it is a one-off container of `docker compose run`", "start the service with `docker compose up`"
        )
    if proxy_kind(instance, labels):
        yield Step("enabled", False, "it is a proxy itself", f"remove {labels.prefix}.proxy to have it routed")
    wishes = read(instance, labels)
    hint = f'set {labels.prefix}.enable: "true"'
    yield Step("enabled", wishes.enabled, "it is looked at" if wishes.enabled else "it is hidden", "" if wishes.enabled else hint)
    wrong = [p for p in mine if _step_of(p) == "labels"]
    yield _from_problems("labels", wrong, "its labels can be read", fatal=not wishes.routes)
    asked = bool(wishes.routes)
    yield Step(
        "host",
        asked,
        f"it asks for {count(len(wishes.routes), 'route')}" if asked else "it asks for no route",
        "" if asked else f"add a label {labels.prefix}.host",
    )


def _from_problems(name: str, wrong: list[Problem], fine: str, fatal: bool) -> Step:
    if not wrong:
        return Step(name, True, fine)
    text = "; ".join(f"{p.code} {p.origin.key}: {p.message} ({p.effect.value})" for p in wrong)
    return Step(name, not fatal, text, wrong[0].hint)


def _ready_step(servers: list[Server], wrong: list[Problem]) -> Step:
    waiting = [server for server in servers if server.state is not ServerState.READY]
    if wrong or not waiting:
        return _from_problems("ready", wrong, "it takes requests", fatal=True)
    return Step("ready", False, f"{waiting[0].state.value}: {waiting[0].why}", _ready_hint(waiting[0].why))


def _ready_hint(why: str) -> str:
    if why.startswith("health check: it") or "refuses connections" in why:
        return "ask it from a container on the same network, and see the app's log"
    if why.startswith("health check"):
        return "docker inspect --format '{{json .State.Health}}' shows what its health check says"
    return {"paused": "docker unpause it", "drained": "confgen undrain it", "weight 0": "give it a weight from 1 to 256"}.get(
        why, "it comes back when it runs again"
    )


def _live_step(seat: SeatReport) -> Step:
    if seat.error:
        return Step("live", False, seat.error.message, seat.error.hint)
    if not seat.right:
        text = "not yet in the proxy" + (f": {seat.plan.reason}" if seat.plan.reason else "")
        return Step("live", False, text, "is `confgen watch` running? See its log")
    return Step("live", True, "the proxy serves it")


def request(host: str, path: str, seat: SeatReport, secure: bool = False) -> Chain:
    """The chain of one request at one proxy: which host matches, which path, which pool, which servers.  secure: over https."""
    steps = _request_steps(host.lower().removesuffix("."), path, seat, secure)
    return Chain(f"{'https' if secure else 'http'}://{host}{path} at {seat.seat}", _until_broken(steps))


def _request_steps(host: str, path: str, seat: SeatReport, secure: bool) -> Iterable[Step]:
    known = _site(host, seat.model)
    yield Step(
        "host",
        bool(known),
        f"{host} is matched by {known}" if known else f"no route has the host {host}",
        "" if known else "confgen status lists every host",
    )
    routes = [r for listener in seat.model.listeners for r in listener.routes if known in r.hosts]
    route = match_path(path, routes)
    if route is None:
        yield Step(
            "path",
            False,
            f"no route of {known} has the path {path}",
            "its paths: " + ", ".join(sorted(r.match.path for r in routes)),
        )
        return
    yield Step("path", True, f"route {route.name} ({'=' if route.match.exact else ''}{route.match.path})")
    if route.withheld:
        yield Step("open", False, f"it answers 503: the label {route.withheld} could not be obeyed", "mend or remove that label")
    yield from _tls_steps(known, route, seat.model, secure)
    if route.redirect:
        yield Step("redirect", True, f"answers {route.redirect.code} to {route.redirect.url}")
        return
    pool = seat.model.pool(route.pool)
    ready = pool.ready if pool else ()
    states = ", ".join(f"{s.name} {s.state.value}" + (f" ({s.why})" if s.why else "") for s in pool.servers) if pool else ""
    yield Step(
        "server",
        bool(ready),
        f"pool {route.pool}: {states or 'no servers'}",
        "" if ready else "confgen explain CONTAINER says more",
    )
    yield _live_step(seat)


#: What mends that a host has no certificate.
_PUT_ONE = "put a certificate for it into the folder of --certificates"


def _tls_steps(host: str, route: Route, model: Model, secure: bool) -> Iterable[Step]:
    """Told where TLS has a part in it."""
    certificate = model.certificate(host)
    if secure and route.tls.mode == "off":
        yield Step("tls", False, "the route is not served over https", "it says tls: off; ask for http://")
    elif secure and not certificate:
        yield Step("tls", False, f"no certificate covers {host}, so the handshake is refused", _PUT_ONE)
    elif route.tls.needed and not certificate:
        yield Step("tls", False, f"it requires TLS, and no certificate covers {host}: it answers 503", _PUT_ONE)
    elif certificate and route.tls.mode != "off":
        redirect = "; http is answered with a redirect to https" if route.tls.redirect else ""
        yield Step("tls", True, f"certificate {certificate}{redirect}")


def _site(host: str, model: Model) -> str:
    """The host pattern that both proxies choose: the exact name, else the longest wildcard."""
    patterns = {h for route in model.routes() for h in route.hosts}
    if host in patterns:
        return host
    wild = [h for h in patterns if isinstance(h, Wildcard) and host.endswith(h.suffix)]
    return max(wild, key=len, default="")


def match_path(path: str, routes: list[Route]) -> Route | None:
    """The route that both proxies choose: the exact path, else the longest prefix that ends at a slash."""
    for route in routes:
        if route.match.exact and route.match.path == path:
            return route
    fitting = [r for r in routes if not r.match.exact and (path + "/").startswith(r.match.path.rstrip("/") + "/")]
    return max(fitting, key=lambda r: len(r.match.path), default=None)
