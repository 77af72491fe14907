"""State becomes Model: which instance serves which route, and a Problem for each wish that cannot be granted.

Pure.  Three steps: what each instance asks for and where it can be reached (`_offers`), which definition holds where
several disagree (`_agree`), which claim holds where several want the same requests (`_claim`).  In each, the oldest
holds and the newcomer is named, so that a container that comes later can take nothing from one that is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from confgen.kept import Claim, claim_names
from confgen.labels import Wish, proxy_kind, read
from confgen.limits import Limits, Rate
from confgen.model import Check, Listener, Model, Pool, Redirect, Route, Server, ServerState, withheld
from confgen.policy import Policy
from confgen.problem import Effect, Origin, Problem, show
from confgen.recent import Recent
from confgen.settings import Frame, LabelSettings
from confgen.state import Attachment, Health, Instance, Phase, State
from confgen.tls import Tls
from confgen.users import Files, UsersFile, look_up
from confgen.values import Address, Header, Host, Name, Path, Port, Refusal, Text, Weight, Wildcard, parse_address

#: An instance in one of these phases is gone: its routes go with it.
#: Docker's API without and with TLS, swarm's managers, and Docker's API before it was given these.
ENGINE_PORTS = (2375, 2376, 2377, 4243)
GONE = (Phase.CREATED, Phase.EXITED, Phase.DEAD)

#: `docker compose run` copies a service's labels to its one-off container, which is not a replica.
ONE_OFF = "com.docker.compose.oneoff"

#: What engines let a container's name be.  A file may say anything, and names go into the proxy's text.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_NAME_HINT = 'use letters, digits, "_", "." and "-", the first a letter or digit'


_NOBODY: Mapping[str, Claim] = {}
_NO_FILES: Files = {}


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where the proxy looks.  networks: the ones it is on; None where it reaches every address (a process on the host)."""

    networks: frozenset[str] | None = None

    def reaches(self, network: str) -> bool:
        return self.networks is None or network in self.networks


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one route of one instance ended up: in `pool` as `server`, or nowhere for the reason in the Problems."""

    instance: str
    route: Name
    pool: Name | None
    server: Server | None


@dataclass(frozen=True, slots=True)
class Built:
    """What building gives: the Model, what went wrong, and who serves what."""

    model: Model
    problems: tuple[Problem, ...]
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """One route that one instance can serve.

    age: what decides between offers; the smallest is the oldest.  named: the labels name the pool, so it may be shared.
    claims: what can be had by one route alone: each host with its path, in the hosts' order, or the port of a stream listener.
    """

    age: tuple[bool, int, str]
    instance: Instance
    owner: str
    listener: tuple[str, Port]
    route: Route
    claims: tuple[str, ...]
    pool: Pool | None = None
    server: Server | None = None
    named: bool = False

    def narrowed(self, hosts: tuple[Host | Wildcard, ...]) -> _Offer:
        """The same for some of its hosts."""
        if hosts == self.route.hosts:
            return self
        route = replace(self.route, hosts=hosts)
        return replace(self, route=route, claims=claim_names(*self.listener, route))


def build(
    state: State,
    vantage: Vantage,
    labels: LabelSettings,
    frame: Frame,
    incumbents: Mapping[str, Claim] = _NOBODY,
    policy: Policy | None = None,
    recent: Recent | None = None,
    users: Files = _NO_FILES,
) -> Built:
    """The Model of one proxy that looks from `vantage`.  The same input gives the same Model whatever its order was.

    incumbents: who holds which claim (kept.py) from before; nobody else gets it while that is remembered.
    policy: what owners may claim; None where everything may be.  users: the operator's users files.
    recent: what instances asked for the last time; most ask for the same again.
    """
    recent = recent or Recent()
    by_id = {i.id: i for i in state.instances if i.id}
    others = _networks_of_proxies(state, labels)
    asked = [
        recent.of(
            _asked, instance, instance.origin, _lender(instance, by_id), _files(instance, users), vantage, labels, frame, others
        )
        for instance in state.instances
    ]
    offers = [offer for one in asked for offer in one.offers]
    problems = [problem for one in asked for problem in one.problems]
    offers.sort(key=lambda o: (o.age, o.route.name))
    offers = _off_engines(_off_our_ports(offers, frame, problems), policy, problems)
    offers = _agree(_granted(offers, policy, problems), problems)
    offers, shut = _claim(offers, incumbents, problems)
    model = _model([*offers, *shut], frame)
    return Built(model, tuple(sorted(set(problems))), tuple(_placements(offers, model)))


def _networks_of_proxies(state: State, labels: LabelSettings) -> frozenset[str]:
    return frozenset(a.network for i in state.instances if proxy_kind(i, labels) and i.phase not in GONE for a in i.attachments)


def _lender(instance: Instance, by_id: dict[str, Instance]) -> Instance | None:
    """The container whose network this one uses; None where it has its own, or where that one is not there."""
    _, colon, other = instance.network_mode.partition("container:")
    return by_id.get(other) if colon else None


#: The users files that labels of one instance may mean.
_Files = tuple[tuple[str, UsersFile], ...]


def _files(instance: Instance, users: Files) -> _Files:
    said = {text.strip(" ") for label, text in instance.labels if label.endswith("auth.basic")} if users else set()
    return tuple((name, users[name]) for name in sorted(said) if name in users)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one instance asks for, and what is wrong with it."""

    offers: tuple[_Offer, ...] = ()
    problems: tuple[Problem, ...] = ()


def _asked(
    instance: Instance,
    origin: Origin,  # noqa: ARG001 - part of what is remembered by
    lender: Instance | None,
    files: _Files,
    vantage: Vantage,
    labels: LabelSettings,
    frame: Frame,
    others: frozenset[str],
) -> _Asked:
    """All of one instance; nothing of those that are gone, are proxies themselves, or belong to another proxy.

    origin: the instance's own, which does not count when instances are compared and stands in every Problem.
    """
    if instance.phase in GONE or proxy_kind(instance, labels) or instance.label(ONE_OFF) == "True":
        return _Asked()
    if _elsewhere(lender or instance, vantage, others):
        return _Asked()
    problems: list[Problem] = []
    offers = tuple(_offers(instance, lender, dict(files), vantage, labels, frame, problems))
    return _Asked(offers, tuple(problems))


def _elsewhere(instance: Instance, vantage: Vantage, others: frozenset[str]) -> bool:
    """It is on a network of another proxy and on none of this one: that it cannot be reached from here is nobody's mistake."""
    networks = {a.network for a in instance.attachments}
    return bool(networks & others) and not any(vantage.reaches(network) for network in networks)


def _offers(
    instance: Instance,
    lender: Instance | None,
    files: Files,
    vantage: Vantage,
    labels: LabelSettings,
    frame: Frame,
    problems: list[Problem],
) -> Iterable[_Offer]:
    wishes = read(instance, labels)
    problems += wishes.problems
    routes = wishes.routes
    if routes and not _NAME.fullmatch(instance.name):
        problems.append(_no_name(instance))
        routes = ()
    for asked in routes:
        wish = _with_users(asked, files, problems)
        offer = _offer(instance, wish, frame)
        if wish.redirect or wish.withheld:
            yield offer
            continue
        try:
            port = _port(instance, wish, labels.prefix)
        except Refusal as refusal:
            effect = Effect.WITHHELD if offer.route.guarded else Effect.SERVER
            problems.append(Problem(wish.origin, refusal.code, refusal.message, effect, refusal.hint))
            if offer.route.guarded:  # left out, its requests would go to a route that asks nobody who they are
                yield replace(offer, route=withheld(offer.route, "port"))
            continue
        try:
            address = _address(instance, lender, wish, vantage)
        except Refusal as refusal:
            problems.append(Problem(wish.origin, refusal.code, refusal.message, Effect.SERVER, refusal.hint))
            continue
        pool = _pool(instance, wish, port)
        server = _server(instance, wish, address, port)
        route = replace(offer.route, pool=pool.name)
        yield replace(offer, route=route, pool=pool, server=server, named=wish.pool is not None)


def _no_name(instance: Instance) -> Problem:
    origin = Origin(instance.source, instance.origin.object or f"container {show(instance.name)}", "name", instance.origin.place)
    return Problem(origin, "CG185", f"{show(instance.name)} is no name of a container", Effect.SERVER, _NAME_HINT)


def _offer(instance: Instance, wish: Wish, frame: Frame) -> _Offer:
    """The route of a wish, not yet with a pool."""
    listen = wish.listen or Port(frame.http_port)
    defaults = Route(name=Name(f"{instance.group}.{wish.name}"))
    route = Route(
        name=defaults.name,
        hosts=wish.hosts,
        match=wish.match or defaults.match,
        redirect=Redirect(wish.redirect, wish.redirect_code or 308) if wish.redirect and not wish.withheld else None,
        withheld=wish.withheld,
        strip=bool(wish.strip),
        rewrite=wish.rewrite.path if wish.rewrite and not wish.withheld else None,
        read=wish.read or defaults.read,
        send=wish.send or defaults.send,
        idle=wish.idle or defaults.idle,
        allow=wish.allow,
        deny=wish.deny,
        users=wish.users if isinstance(wish.users, tuple) else (),
        limits=_limits(wish),
        tls=_tls(wish),
        request_headers=wish.request_headers,
        response_headers=wish.response_headers,
        origin=wish.origin,
    )
    age = (instance.health is Health.UNHEALTHY, instance.created, instance.name)
    listener = (wish.protocol, listen)
    claims = claim_names(*listener, route)
    return _Offer(age=age, instance=instance, owner=instance.owner, listener=listener, route=route, claims=claims)


def _tls(wish: Wish) -> Tls:
    defaults = Tls()
    return Tls(
        mode=wish.tls or defaults.mode,
        certificate=wish.tls_cert,
        redirect=defaults.redirect if wish.tls_redirect is None else wish.tls_redirect,
        hsts=wish.tls_hsts or 0,
    )


#: What one client may ask of a route that checks passwords, unless its labels say otherwise: each check costs the proxy
#: milliseconds, whoever asks and whatever the password.
LOGINS, LOGINS_AT_ONCE = Rate(50), 100


def _limits(wish: Wish) -> Limits:
    """What the labels say; a burst is a rate's own number where they say none."""
    rate, burst = (LOGINS, LOGINS_AT_ONCE) if wish.users and not wish.rate else (wish.rate, None)
    if burst is None:
        burst = wish.burst if wish.burst is not None else rate.requests - 1 if rate else 0
    return Limits(body=wish.body, connections=wish.connections, rate=rate, burst=burst)


def _with_users(wish: Wish, files: Files, problems: list[Problem]) -> Wish:
    """With the users of the file that it names.  Its passwords are the operator's: the container does not see them."""
    if isinstance(wish.users, tuple):
        return wish
    try:
        found = look_up(wish.users, files)
    except Refusal as refusal:
        problems.append(Problem(wish.origin, refusal.code, refusal.message, Effect.WITHHELD, refusal.hint))
        return replace(wish, users=(), withheld="auth.basic")
    file = Origin("users", f'users file "{wish.users}"')
    problems += [Problem(file, "CG161", message, Effect.USER, hint) for message, hint in found.mistakes]
    said = any(header.name.lower() == "authorization" for header in wish.request_headers)
    hidden = () if said else (Header(Name("Authorization"), Text("")),)
    headers = tuple(sorted((*wish.request_headers, *hidden), key=lambda header: header.name.lower()))
    return replace(wish, users=found.users, request_headers=headers)


def _port(instance: Instance, wish: Wish, prefix: str) -> Port:
    if wish.port:
        return wish.port
    exposed = sorted(e.port for e in instance.exposed if e.protocol == "tcp")
    if len(exposed) == 1:
        return Port(exposed[0])
    if not exposed:
        raise Refusal("CG121", "no port is given and the image exposes none", f'add the label {prefix}.port: "<container port>"')
    listed = ", ".join(str(port) for port in exposed)
    raise Refusal(
        "CG121", f"no port is given and the image exposes several: {listed}", f'add the label {prefix}.port: "{exposed[0]}"'
    )


def _pool(instance: Instance, wish: Wish, port: Port) -> Pool:
    stream = wish.protocol != "http"
    suffix = f"-{wish.protocol}" if stream else ""
    defaults = Pool(name=wish.pool or Name(f"{instance.group}-{port}{suffix}"))
    return Pool(
        name=defaults.name,
        protocol=wish.protocol if stream else wish.scheme or "http",
        balance=wish.balance or defaults.balance,
        sticky=wish.sticky,
        retry=defaults.retry if wish.retry is None else wish.retry,
        connect=wish.connect or defaults.connect,
        drain=defaults.drain if wish.drain is None else wish.drain,
        slow_start=wish.slow_start or defaults.slow_start,
        check=_check(wish),
        waits=wish.health_start != "ready",
        origin=wish.origin,
    )


def _check(wish: Wish) -> Check | None:
    if wish.health in (None, "off") or wish.protocol == "udp":
        return None
    defaults = Check()
    return Check(
        path=wish.health if isinstance(wish.health, Path) else None,
        status=wish.health_status or defaults.status,
        interval=wish.health_interval or defaults.interval,
        timeout=wish.health_timeout or defaults.timeout,
        rise=wish.health_rise or defaults.rise,
        fall=wish.health_fall or defaults.fall,
        waits=wish.health_start != "ready",
    )


def _server(instance: Instance, wish: Wish, address: Address, port: Port) -> Server:
    state, why = _readiness(instance, wish)
    return Server(
        name=Name(instance.name),
        address=address,
        port=port,
        weight=Weight(1) if wish.weight is None else wish.weight,
        backup=bool(wish.backup),
        state=state,
        why=why,
        max_connections=wish.max_connections,
        resolve=bool(instance.host_name),
        origin=wish.origin,
    )


def _readiness(instance: Instance, wish: Wish) -> tuple[ServerState, str]:
    """Whether an instance may get requests, and if not, why in fixed words: the first reason that holds."""
    reasons = (
        (instance.phase is not Phase.RUNNING, ServerState.DOWN, instance.phase.value),
        (instance.health is Health.STARTING, ServerState.STARTING, "health check: starting"),
        (instance.health is Health.UNHEALTHY, ServerState.DOWN, "health check: unhealthy"),
        (instance.stopping, ServerState.DRAINING, "stopping"),
        (instance.drained, ServerState.DRAINING, "drained"),
        (wish.weight == 0, ServerState.DRAINING, "weight 0"),
    )
    return next(((state, why) for holds, state, why in reasons if holds), (ServerState.READY, ""))


def _address(instance: Instance, lender: Instance | None, wish: Wish, vantage: Vantage) -> Address:
    """The address under which the proxy reaches an instance; raises Refusal with what would make it reachable."""
    if instance.network_mode == "host":
        raise Refusal(
            "CG122",
            "the container is on the host's network, where it has no address of its own",
            "put it on a network of the proxy",
        )
    if instance.network_mode.startswith("container:"):
        if lender is None or lender.phase in GONE:
            raise Refusal("CG122", "the container whose network it uses is not running", "start that container")
        instance = replace(lender, labels=instance.labels)
        if lender.network_mode == "host" or lender.network_mode.startswith("container:"):
            raise Refusal(
                "CG122", "the container whose network it uses has no address of its own", "put that one on a network of the proxy"
            )
    chosen = _attachment(instance, wish, vantage)
    if instance.host_name:
        if not _NAME.fullmatch(instance.host_name):
            raise Refusal("CG185", f"{show(instance.host_name)} is no name that can be looked up", _NAME_HINT)
        return Address(instance.host_name)
    if not (chosen.address or chosen.address6):
        raise Refusal(
            "CG122",
            f"it has no address on network {show(chosen.network)} yet",
            "it is looked at again when the engine reports one",
        )
    return parse_address(chosen.address or chosen.address6)


def _attachment(instance: Instance, wish: Wish, vantage: Vantage) -> Attachment:
    known = sorted(instance.attachments)
    reachable = [a for a in known if vantage.reaches(a.network)]
    if wish.network:
        named = [a for a in known if a.network in (wish.network, f"{instance.owner}_{wish.network}")]
        if not named:
            raise Refusal("CG122", f"it is not on network {show(wish.network)}", f"it is on: {_names(known)}")
        reachable = [a for a in named if a in reachable]
    if not reachable:
        offered = sorted(vantage.networks or ())
        network = _listed(offered[:1]) if offered else "<network of the proxy>"
        raise Refusal(
            "CG122",
            f"it shares no network with the proxy (it is on: {_names(known)}; the proxy on: {_listed(offered)})",
            f"docker network connect {network} {instance.name}",
        )
    with_address = [a for a in reachable if a.address or a.address6]
    return (with_address or reachable)[0]


def _names(attachments: list[Attachment]) -> str:
    return _listed(a.network for a in attachments)


def _listed(networks: Iterable[str]) -> str:
    """Names of networks for people; what no engine calls a network is shown as a quoted value."""
    return ", ".join(name if _NAME.fullmatch(name) else show(name) for name in networks) or "none"


def _off_our_ports(offers: list[_Offer], frame: Frame, problems: list[Problem]) -> list[_Offer]:
    """A tcp route may not take the ports of the HTTP listeners: every site would be gone with them."""
    kept = []
    for offer in offers:
        protocol, port = offer.listener
        if protocol == "tcp" and port in (frame.http_port, frame.https_port):
            message = f"port {port} is the proxy's own, for HTTP"
            problems.append(Problem(offer.route.origin, "CG006", message, Effect.ROUTE, "listen on another port"))
        else:
            kept.append(offer)
    return kept


def _off_engines(offers: list[_Offer], policy: Policy | None, problems: list[Problem]) -> list[_Offer]:
    """Whoever reaches an engine's API may start any container on its machine: only the operator's policy can open that."""
    kept = []
    for offer in offers:
        port, route = offer.server.port if offer.server else 0, offer.route
        if port not in ENGINE_PORTS or (policy and policy.opens_engine(offer.instance.owner, port)):
            kept.append(offer)
            continue
        effect = Effect.WITHHELD if route.guarded else Effect.SERVER
        hint = f"name another port; if it is meant: engine_ports = [{port}] in a grant of the policy file"
        problems.append(Problem(route.origin, "CG121", f"port {port} is one at which engines take orders", effect, hint))
        if route.guarded:
            kept.append(replace(offer, route=withheld(route, "port"), pool=None, server=None))
    return kept


def _granted(offers: list[_Offer], policy: Policy | None, problems: list[Problem]) -> list[_Offer]:
    """What the operator's policy does not grant is left out, host by host."""
    if policy is None:
        return offers
    kept = []
    for offer in offers:
        owner, route = offer.owner, offer.route
        refusals = {host: policy.refusal(owner, *offer.listener, route, host) for host in (route.hosts or (None,))}
        problems += [
            Problem(route.origin, "CG008", why, Effect.ROUTE, "ask who keeps the policy file for a grant")
            for why in refusals.values()
            if why
        ]
        hosts = tuple(host for host in route.hosts if not refusals[host])
        if hosts or not any(refusals.values()):
            kept.append(offer.narrowed(hosts))
    return kept


def _agree(offers: list[_Offer], problems: list[Problem]) -> list[_Offer]:
    """Replicas, and pools that several share, must say the same; the oldest healthy definition holds."""
    routes: dict[tuple[tuple[str, Port], Name], _Offer] = {}
    pools: dict[Name, _Offer] = {}
    servers: dict[tuple[Name, str], Server] = {}
    kept = []
    for offer in offers:
        first = routes.setdefault((offer.listener, offer.route.name), offer)
        if first.owner != offer.owner:
            problems.append(_namesake(offer, first))
            continue
        if not _same_definition(first, offer):
            problems.append(_disagrees(offer, first))
            continue
        if offer.pool and offer.server:
            holder = pools.setdefault(offer.pool.name, offer)
            if holder.owner != offer.owner and not (holder.named and offer.named):
                problems.append(_not_shared(offer, holder))
                continue
            if holder.pool != offer.pool:
                problems.append(_disagrees(offer, holder))
                continue
            if servers.setdefault((offer.pool.name, offer.server.name), offer.server) != offer.server:
                problems.append(_two_ports(offer))
                continue
        kept.append(offer)
    return kept


def _same_definition(first: _Offer, other: _Offer) -> bool:
    return first.route == other.route and first.pool == other.pool


def _disagrees(offer: _Offer, holder: _Offer) -> Problem:
    mine, theirs = (offer.route, offer.pool), (holder.route, holder.pool)
    differing = sorted({name for a, b in zip(mine, theirs, strict=True) for name in _differing(a, b)})
    return Problem(
        offer.route.origin,
        "CG005",
        f"differs from {holder.instance.name}, which was there first, in: {', '.join(differing)}",
        Effect.SERVER,
        "give both the same labels, or remove the older one: then this one holds",
    )


def _namesake(offer: _Offer, holder: _Offer) -> Problem:
    """A container may be named as another project's service is; it does not become its replica by that."""
    message = f"its name reads like {holder.instance.group}, to which {holder.instance.name} belongs"
    return Problem(offer.route.origin, "CG006", message, Effect.ROUTE, "rename the container")


def _not_shared(offer: _Offer, holder: _Offer) -> Problem:
    """Traffic of a service goes to others only where it says so itself, by naming its pool."""
    assert offer.pool is not None
    message = f"pool {offer.pool.name} belongs to {holder.instance.name}"
    hint = "to share a pool, set the label pool to the same name on both; else choose another name"
    return Problem(offer.route.origin, "CG006", message, Effect.SERVER, hint)


def _differing(one: object, other: object) -> list[str]:
    if one is None or other is None:
        return ["pool"] if one != other else []
    names = [name for name in getattr(type(one), "__slots__", ()) if name not in ("origin", "servers")]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def _two_ports(offer: _Offer) -> Problem:
    assert offer.pool is not None
    return Problem(
        offer.route.origin,
        "CG003",
        f"two routes of this container put different servers into pool {offer.pool.name}",
        Effect.SERVER,
        "give the pools different names",
    )


def _claim(offers: list[_Offer], incumbents: Mapping[str, Claim], problems: list[Problem]) -> tuple[list[_Offer], list[_Offer]]:
    """Each host and path, and each stream port, goes to its incumbent, else to the oldest route that wants it.

    Beside those that have something, what has to be shut instead (`_shut`).
    """
    holders: dict[str, _Offer] = {}
    for offer in offers:
        for claim in offer.claims:
            if claim not in incumbents or incumbents[claim].is_of(offer.owner, offer.instance.id):
                holders.setdefault(claim, offer)
    kept: list[_Offer] = []
    nobodys: list[_Offer] = []
    for offer in offers:
        lost = [c for c in offer.claims if c not in holders or not _may_have(offer, holders[c])]
        if not lost:
            kept.append(offer)
            continue
        problems += [_taken(offer, claim, holders.get(claim), incumbents) for claim in lost]
        nobodys.append(
            offer.narrowed(tuple(h for h, c in zip(offer.route.hosts, offer.claims, strict=False) if c not in holders))
        )
        hosts = tuple(host for host, claim in zip(offer.route.hosts, offer.claims, strict=False) if claim not in lost)
        if hosts:
            kept.append(offer.narrowed(hosts))
    return kept, [
        _shut(offer.narrowed(hosts)) for offer in nobodys if offer.route.guarded and (hosts := _falls_back(offer, kept))
    ]


def _falls_back(offer: _Offer, kept: list[_Offer]) -> tuple[Host | Wildcard, ...]:
    """Its hosts whose requests would go to another route of its own owner, which may ask nobody who they are."""
    own = {mine for one in kept if one.owner == offer.owner for mine in one.route.hosts}
    wild = [mine for mine in own if isinstance(mine, Wildcard)]
    return tuple(host for host in offer.route.hosts if host in own or any(host.endswith(mine.suffix) for mine in wild))


def _shut(offer: _Offer) -> _Offer:
    """What is kept for one who is gone answers 503.  Under another name: the claim stays with that one."""
    route = replace(offer.route, name=Name(f"{offer.route.name}:shut"))
    return replace(offer, route=withheld(route, "claim"), pool=None, server=None)


def _may_have(offer: _Offer, holder: _Offer) -> bool:
    """A replica of the holder, or another route that leads the same requests to the same place."""
    same_name = offer.route.name == holder.route.name
    return same_name or replace(offer.route, name=holder.route.name, hosts=()) == replace(holder.route, hosts=())


def _taken(offer: _Offer, claim: str, holder: _Offer | None, incumbents: Mapping[str, Claim]) -> Problem:
    protocol, port = offer.listener
    what = claim.partition(" ")[2].replace(" ", "") or f"port {port}/{protocol}"
    who = (
        f"{holder.instance.name}, which was there first"
        if holder
        else f"{incumbents[claim].owner}, which was there until a moment ago"
    )
    return Problem(
        offer.route.origin,
        "CG006",
        f"{what} is held by {who}",
        Effect.ROUTE,
        "choose another; if both are replicas of one thing, give both the same label pool",
    )


def _model(offers: list[_Offer], frame: Frame) -> Model:
    """Routes by listener and servers by pool, each once, sorted by name; the HTTP listener is there without a route too."""
    listeners: dict[tuple[str, Port], dict[str, Route]] = {("http", Port(frame.http_port)): {}}
    pools: dict[Name, Pool] = {}
    servers: dict[Name, dict[str, Server]] = {}
    taken: set[object] = set()
    for offer in offers:
        fresh = tuple(claim for claim in offer.claims if claim not in taken)
        routes = listeners.setdefault(offer.listener, {})
        if fresh and offer.route.name not in routes:
            hosts = tuple(h for h, claim in zip(offer.route.hosts, offer.claims, strict=False) if claim in fresh)
            routes[offer.route.name] = offer.narrowed(hosts).route
            taken.update(fresh)
        if offer.pool and offer.server:
            pools.setdefault(offer.pool.name, offer.pool)
            servers.setdefault(offer.pool.name, {}).setdefault(offer.server.name, offer.server)
    used = {route.pool for routes in listeners.values() for route in routes.values()}
    return Model(
        tuple(sorted((_listener(key, routes) for key, routes in listeners.items()), key=lambda x: x.name)),
        tuple(
            replace(pool, servers=in_rotation(tuple(servers[name][key] for key in sorted(servers[name]))))
            for name, pool in sorted(pools.items())
            if name in used
        ),
    )


def _listener(key: tuple[str, Port], routes: dict[str, Route]) -> Listener:
    protocol, port = key
    name = Name("http") if protocol == "http" else Name(f"{protocol}-{port}")
    return Listener(name=name, port=port, protocol=protocol, routes=tuple(routes[n] for n in sorted(routes)))


def in_rotation(servers: tuple[Server, ...]) -> tuple[Server, ...]:
    """Where every server that is left is stopping, they go on serving until they are gone: better than a sure 503."""
    if any(s.state is ServerState.READY for s in servers):
        return servers
    return tuple(
        replace(s, state=ServerState.READY, why="stopping, but nothing else is ready") if s.why == "stopping" else s
        for s in servers
    )


def _placements(offers: list[_Offer], model: Model) -> Iterable[Placement]:
    """With the servers as the model has them, since it may have put one that is stopping back into rotation.

    Of two routes that lead the same requests to one pool the model has one: it is the other's too.
    """
    servers = {(pool.name, server.name): server for pool in model.pools for server in pool.servers}
    names = {route.name for route in model.routes()}
    held = {c: route.name for x in model.listeners for route in x.routes for c in claim_names(x.protocol, x.port, route)}
    for offer in offers:
        key = (offer.route.pool or Name(""), Name(offer.instance.name))
        route = offer.route.name if offer.route.name in names else held.get(offer.claims[0], offer.route.name)
        yield Placement(offer.instance.name, route, offer.route.pool, servers.get(key))
