"""Why a container is routed, or not: the chain from container to served request, with the first step that fails.

Pure: it reads the values of a turn, and says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from confgen.build import Placement
from confgen.labels import proxy_kind, read
from confgen.model import Model, Route, Server, ServerState
from confgen.offer import GONE, ONE_OFF
from confgen.problem import Effect, Problem, count
from confgen.reason import Reason
from confgen.report import SeatReport, Unserved
from confgen.settings import LabelSettings
from confgen.state import Instance, Phase, State
from confgen.values import Wildcard, nearest


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain.  hint: what mends it, "" where nothing is wrong; reason: why it fails, None where it does not."""

    name: str
    ok: bool
    text: str
    hint: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps in order, up to the first that fails."""

    subject: str
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def reason(self) -> Reason | None:
        """Why the first step that fails does; None where all is well."""
        return next((step.reason for step in self.steps if not step.ok), None)


def _fails(name: str, reason: Reason, text: str, hint: str) -> Step:
    return Step(name, False, text, hint, reason)


#: Which step a Problem belongs to; all others, and all that a label's own text is to blame for, are mistakes in the labels.
_STEPS = {
    "CG121": "port",
    "CG122": "network",
    "CG123": "ready",
    "CG005": "agreement",
    "CG006": "claim",
    "CG008": "granted",
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
    said = f"its state is {instance.phase.value}"
    if instance.phase in GONE:
        yield _fails("running", Reason.NOT_RUNNING, said, f"docker start {instance.name}")
    yield Step("running", True, said)
    yield from _label_steps(instance, mine, labels)
    placements = [p for p in seat.placements if p.instance == instance.name and _stands(p, seat.model)]
    if not (placements or mine or _behind(seat)):
        text = "it is on a network of another proxy, and on none of this one"
        yield _fails("network", Reason.ELSEWHERE, text, "ask for that proxy, or put it on a network of this one")
    for name, fine in _FINE.items():
        wrong = [p for p in mine if _step_of(p) == name]
        if wrong or fine:
            yield _from_problems(name, wrong, fine, fatal=not placements)
    if not placements and _behind(seat):
        yield _live_step(seat)
    if not placements:
        yield _fails("route", Reason.NO_ROUTE, "no route leads to it", "see the labels")
    yield Step("route", True, ", ".join(str(p.route) for p in placements))
    yield from _open_steps(placements, mine, seat.model)
    yield from _covered_steps(placements, seat.model)
    yield _ready_step([p.server for p in placements if p.server], [p for p in mine if _step_of(p) == "ready"])
    yield _live_step(seat)


def _behind(seat: SeatReport) -> bool:
    """What is known of the proxy is not what is wanted: it fails, has not come so far, or is held where it is."""
    return not seat.right or bool(seat.pinned)


#: What is said of a step that nothing is wrong with; "" for one that is not told then.
_FINE = {
    "network": "the proxy reaches it",
    "port": "its port is known",
    "agreement": "its replicas say the same",
    "granted": "",
    "claim": "its hosts and paths are its own",
    "proxy": "the proxy can do what it asks for",
}

#: Why a step fails that Problems tell of.
_REASONS = {
    "network": Reason.NO_NETWORK,
    "port": Reason.NO_PORT,
    "agreement": Reason.DISAGREES,
    "granted": Reason.NOT_GRANTED,
    "claim": Reason.HELD,
    "proxy": Reason.UNSUPPORTED,
    "labels": Reason.WRONG_LABEL,
    "ready": Reason.NOT_LISTENING,
}
#: Codes that say more than their step.
_BY_CODE = {"CG301": Reason.REFUSED, "CG001": Reason.UNKNOWN_LABEL}
#: What leaves a container without a route.
_COSTLY = (Effect.ROUTE, Effect.SERVER, Effect.WITHHELD)


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
        whole = len(shut) == len(placements)
        yield _fails("open", Reason.WITHHELD, text, hint) if whole else Step("open", True, text, hint)


def _covered_steps(placements: list[Placement], model: Model) -> Iterable[Step]:
    """With which certificate its hosts are served; told only where there are some, or one is needed."""
    names = {placement.route for placement in placements}
    for route in (r for r in model.routes() if r.name in names and r.hosts and r.tls.mode != "off"):
        found = {host: model.certificate(host) for host in route.hosts}
        bare = [host for host, certificate in found.items() if not certificate]
        if route.tls.needed and bare:
            text = f"{route.name} requires TLS, and no certificate covers {', '.join(bare)}"
            yield _fails("tls", Reason.NO_CERTIFICATE, text, _PUT_ONE)
        elif told := [f"{host} with certificate {certificate}" for host, certificate in found.items() if certificate]:
            yield Step("tls", True, ", ".join(told))


def _label_steps(instance: Instance, mine: list[Problem], labels: LabelSettings) -> Iterable[Step]:
    if instance.label(ONE_OFF) == "True":
        text = "it is a one-off container of `docker compose run`"
        yield _fails("enabled", Reason.ONE_OFF, text, "start the service with `docker compose up`")
    if proxy_kind(instance, labels):
        hint = f"remove {labels.prefix}.proxy to have it routed"
        yield _fails("enabled", Reason.PROXY_ITSELF, "it is a proxy itself", hint)
    wishes = read(instance, labels)
    if not wishes.enabled:
        silent = not instance.label(f"{labels.prefix}.enable")
        text = "it is hidden: with --require-enable only who says so is looked at" if silent else "it is hidden"
        hint = f'set {labels.prefix}.enable: "true"'
        yield _fails("enabled", Reason.NOT_ENABLED if silent else Reason.HIDDEN, text, hint)
    yield Step("enabled", True, "it is looked at")
    wrong = [p for p in mine if _step_of(p) == "labels"]
    yield _from_problems("labels", wrong, "its labels can be read", fatal=not wishes.routes)
    if not wishes.routes:
        ours = _asks(instance, labels)
        hint = f"add a label {labels.prefix}.host"
        yield _fails("host", Reason.NO_HOST if ours else Reason.NO_LABELS, "it asks for no route", hint)
    yield Step("host", True, f"it asks for {count(len(wishes.routes), 'route')}")


def _asks(instance: Instance, labels: LabelSettings) -> bool:
    """Some label of ours is there."""
    return any(label.startswith(f"{labels.prefix}.") for label, _ in instance.labels)


def _from_problems(name: str, wrong: list[Problem], fine: str, fatal: bool) -> Step:
    if not wrong:
        return Step(name, True, fine)
    wrong = sorted(wrong, key=lambda p: p.effect not in _COSTLY)
    text = "; ".join(f"{p.code} {p.origin.key}: {p.message} ({p.effect.value})" for p in wrong)
    if not fatal or (name != "labels" and wrong[0].effect not in _COSTLY):
        return Step(name, True, text, wrong[0].hint)
    return _fails(name, _BY_CODE.get(wrong[0].code, _REASONS[name]), text, wrong[0].hint)


def _ready_step(servers: list[Server], wrong: list[Problem]) -> Step:
    waiting = [server for server in servers if server.state is not ServerState.READY]
    if wrong or not waiting:
        return _from_problems("ready", wrong, "it takes requests", fatal=True)
    why = waiting[0].why
    reason, hint = _WAITS.get(why) or _unwell(why)
    return _fails("ready", reason, f"{waiting[0].state.value}: {why}", hint)


_INSPECT = "docker inspect --format '{{json .State.Health}}' shows what its health check says"
#: What a server that takes no requests waits for, by the words that say it (offer.py, verdict.py).
_WAITS = {
    Phase.PAUSED.value: (Reason.PAUSED, "docker unpause it"),
    Phase.RESTARTING.value: (Reason.RESTARTING, "it comes back when it runs again; its log says why it ended"),
    "stopping": (Reason.STOPPING, "it comes back when it runs again"),
    "drained": (Reason.DRAINED, "confgen undrain it"),
    "weight 0": (Reason.WEIGHT_0, "give it a weight from 1 to 256"),
    "health check: starting": (Reason.STARTING, _INSPECT),
    "health check: unhealthy": (Reason.UNHEALTHY, _INSPECT),
    "health check: not done yet": (Reason.STARTING, "it is asked at once; is `confgen watch` running?"),
}


def _unwell(why: str) -> tuple[Reason, str]:
    """What confgen itself found when it asked."""
    ask = "ask it from a container on the same network, and see the app's log"
    if why.startswith("health check: "):
        return Reason.CHECK_FAILS, ask
    return (Reason.NOT_LISTENING, ask) if "connection" in why else (Reason.NOT_READY, "it comes back when it runs again")


def _live_step(seat: SeatReport) -> Step:
    if seat.error:
        return _fails("live", Reason.PROXY_FAILS, seat.error.message, seat.error.hint)
    if seat.pinned and seat.pinned != seat.wanted:
        text = f"the proxy is held at generation {seat.pinned}"
        return _fails("live", Reason.PINNED, text, "confgen rollback --release follows the containers again")
    if not seat.right:
        text = "not yet in the proxy" + (f": {seat.plan.reason}" if seat.plan.reason else "")
        return _fails("live", Reason.NOT_LIVE, text, "is `confgen watch` running? See its log")
    return Step("live", True, "the proxy serves it")


def unserved(state: State, seat: SeatReport, labels: LabelSettings) -> Iterator[Unserved]:
    """Each container that asks this proxy for something and is not served, with the first step that fails.

    Those that nobody wants served are not told: hidden ones, proxies, containers of another proxy.
    """
    served = _served(seat) if not _behind(seat) else set()
    silent = {p.origin.object for p in seat.problems if _step_of(p) == "ready"}
    for instance in state.instances:
        if (instance.name in served and instance.origin.object not in silent) or not _asks(instance, labels):
            continue
        steps = container(instance, seat, labels).steps
        if steps[-1].reason and steps[-1].reason not in _MEANT:
            yield Unserved(seat.seat, instance.name, steps[-1].reason, steps[-1].name, steps[-1].text, steps[-1].hint)


_MEANT = (Reason.ONE_OFF, Reason.PROXY_ITSELF, Reason.HIDDEN, Reason.NOT_ENABLED, Reason.ELSEWHERE)


def _served(seat: SeatReport) -> set[str]:
    """Who is, beyond doubt: a server of theirs stands in the model, takes requests, and no route of it is withheld."""
    ready = {(pool.name, s.name) for pool in seat.model.pools for s in pool.servers if s.state is ServerState.READY}
    doubtful = {route.name for route in seat.model.routes() if route.withheld or route.tls.needed}
    return {p.instance for p in seat.placements if (p.pool, p.instance) in ready and p.route not in doubtful}


def request(host: str, path: str, seat: SeatReport, secure: bool = False) -> Chain:
    """The chain of one request at one proxy: which host matches, which path, which pool, which servers.  secure: over https."""
    steps = _request_steps(host.lower().removesuffix("."), path, seat, secure)
    return Chain(f"{'https' if secure else 'http'}://{host}{path} at {seat.seat}", _until_broken(steps))


def _request_steps(host: str, path: str, seat: SeatReport, secure: bool) -> Iterable[Step]:
    known = _site(host, seat.model)
    if not known and _behind(seat):
        yield _live_step(seat)
    if not known:
        close = get_close_matches(host, {str(h) for route in seat.model.routes() for h in route.hosts}, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        yield _fails("host", Reason.UNKNOWN_HOST, f"no route has the host {host}", f"{hint}confgen status lists every host")
    yield Step("host", True, f"{host} is matched by {known}")
    routes = [r for listener in seat.model.listeners for r in listener.routes if known in r.hosts]
    route = match_path(path, routes)
    if route is None:
        hint = "its paths: " + ", ".join(sorted(r.match.path for r in routes))
        yield _fails("path", Reason.UNKNOWN_PATH, f"no route of {known} has the path {path}", hint)
        return
    yield Step("path", True, f"route {route.name} ({'=' if route.match.exact else ''}{route.match.path})")
    if route.withheld:
        text = f"it answers 503: the label {route.withheld} could not be obeyed"
        yield _fails("open", Reason.WITHHELD, text, "mend or remove that label")
    yield from _tls_steps(known, route, seat.model, secure)
    if route.redirect:
        yield Step("redirect", True, f"answers {route.redirect.code} to {route.redirect.url}")
        yield _live_step(seat)
        return
    yield from _server_steps(route, seat)


def _server_steps(route: Route, seat: SeatReport) -> Iterable[Step]:
    pool = seat.model.pool(route.pool)
    states = ", ".join(f"{s.name} {s.state.value}" + (f" ({s.why})" if s.why else "") for s in pool.servers) if pool else ""
    text = f"pool {route.pool}: {states or 'no servers'}"
    if not pool or not pool.ready:
        name = pool.servers[0].name if pool and pool.servers else "CONTAINER"
        yield _fails("server", Reason.NO_SERVER, text, f"confgen explain {name} says more")
    yield Step("server", True, text)
    yield _live_step(seat)


def with_answer(chain: Chain, status: int, seconds: float, server: str, words: str, seat: SeatReport) -> Chain:
    """The chain with what a request that was sent came to, also where a step before it fails.

    status: 0 for no answer.  server: as the proxy's log names it, "-" for the proxy itself, "" where it is not known.
    """
    if not status:
        hint = "send it from where the proxy can be reached: from a container on one of its networks"
        return Chain(chain.subject, (*chain.steps, _fails("answer", Reason.NO_ANSWER, words, hint)))
    by_address = {f"{s.address}:{s.port}": s.name for pool in seat.model.pools for s in pool.servers}
    name = by_address.get(server, server.rpartition("/")[2])
    who = {"-": "the proxy itself", "": "a server that its access log does not tell"}.get(server, name)
    text = f"{status}{f' {words}' if words else ''} from {who} in {seconds * 1000:.0f} ms"
    if status in (502, 503, 504) and server == "-" and chain.ok:
        return Chain(chain.subject, (*chain.steps, _fails("answer", Reason.NO_ANSWER, text, "see the proxy's log")))
    return Chain(chain.subject, (*chain.steps, Step("answer", True, text)))


def connection(protocol: str, port: int, seat: SeatReport) -> Chain:
    """The chain of one connection to a tcp or udp port of one proxy."""
    return Chain(f"{protocol}://:{port} at {seat.seat}", _until_broken(_connection_steps(protocol, port, seat)))


def _connection_steps(protocol: str, port: int, seat: SeatReport) -> Iterable[Step]:
    streams = {(x.protocol, int(x.port)): x for x in seat.model.listeners if x.protocol in ("tcp", "udp")}
    listener = streams.get((protocol, port))
    if listener is None:
        if _behind(seat):
            yield _live_step(seat)
        known = nearest(f"{protocol}/{port}", tuple(f"{kind}/{number}" for kind, number in sorted(streams)))
        hint = known if streams else f"a label such as confgen.{protocol}.{port} opens it"
        yield _fails("port", Reason.UNKNOWN_PORT, f"nothing listens on {protocol} port {port}", hint)
        return
    yield Step("port", True, f"route {listener.routes[0].name}")
    route = listener.routes[0]
    if route.withheld:
        text = f"every connection is refused: the label {route.withheld} could not be obeyed"
        yield _fails("open", Reason.WITHHELD, text, "mend or remove that label")
    yield from _server_steps(route, seat)


#: What mends that a host has no certificate.
_PUT_ONE = "put a certificate for it into the folder of --certificates"


def _tls_steps(host: str, route: Route, model: Model, secure: bool) -> Iterable[Step]:
    """Told where TLS has a part in it."""
    certificate = model.certificate(host)
    if secure and route.tls.mode == "off":
        yield _fails("tls", Reason.NOT_OVER_HTTPS, "the route is not served over https", "it says tls: off; ask for http://")
    elif secure and not certificate:
        yield _fails("tls", Reason.NO_CERTIFICATE, f"no certificate covers {host}, so the handshake is refused", _PUT_ONE)
    elif route.tls.needed and not certificate:
        text = f"it requires TLS, and no certificate covers {host}: it answers 503"
        yield _fails("tls", Reason.NO_CERTIFICATE, text, _PUT_ONE)
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
