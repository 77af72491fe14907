"""What one instance asks for and where it can be reached: its labels as offers, and a Problem for each that cannot be one.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from confgen.kept import claim_names
from confgen.keys import KEYS, WILDCARD
from confgen.labels import Wish, proxy_kind, read
from confgen.limits import Limits, Rate
from confgen.model import Check, Pool, Redirect, Route, Server, ServerState, withheld
from confgen.problem import Effect, Origin, Problem, show
from confgen.settings import Frame, LabelSettings
from confgen.state import Attachment, Health, Instance, Phase
from confgen.tls import Tls
from confgen.users import Files, UsersFile, look_up
from confgen.values import Address, Header, Host, Name, Path, Port, Refusal, Text, Weight, Wildcard, parse_address

#: Docker's API without and with TLS, swarm's managers, and Docker's API before it was given these.
ENGINE_PORTS = (2375, 2376, 2377, 4243)
#: An instance in one of these phases is gone: its routes go with it.
GONE = (Phase.CREATED, Phase.EXITED, Phase.DEAD)

#: `docker compose run` copies a service's labels to its one-off container, which is not a replica.
ONE_OFF = "com.docker.compose.oneoff"

#: What engines let a container's name be.  A file may say anything, and names go into the proxy's text.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_NAME_HINT = 'use letters, digits, "_", "." and "-", the first a letter or digit'


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where the proxy looks.  networks: the ones it is on; None where it reaches every address (a process on the host)."""

    networks: frozenset[str] | None = None

    def reaches(self, network: str) -> bool:
        return self.networks is None or network in self.networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One route that one instance can serve.

    age: what decides between offers; the smallest is the oldest.  named: the labels name the pool, so it may be shared.
    claims: what can be had by one route alone: each host with its path, in the hosts' order, or the port of a stream listener.
    features: what a policy may forbid (keys.FEATURES) of all that its labels say.
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
    features: frozenset[str] = frozenset()

    def narrowed(self, hosts: tuple[Host | Wildcard, ...]) -> Offer:
        """The same for some of its hosts."""
        if hosts == self.route.hosts:
            return self
        route = replace(self.route, hosts=hosts)
        return replace(self, route=route, claims=claim_names(*self.listener, route))


#: What comes before the other's id in the network mode of a container that uses the network of another one.
_OF = "container:"


def lender(instance: Instance, by_id: dict[str, Instance]) -> Instance | None:
    """The container whose network this one uses; None where it has its own, or where that one is not there."""
    mode = instance.network_mode
    return by_id.get(mode.removeprefix(_OF)) if mode.startswith(_OF) else None


#: The users files that labels of one instance may mean.
UsersOf = tuple[tuple[str, UsersFile], ...]


def users_of(instance: Instance, users: Files) -> UsersOf:
    """Those that its labels name: what another file says does not change what this instance asks for."""
    if not users:
        return ()
    said = {text.strip(" ") for label, text in instance.labels if label.endswith("auth.basic")}
    return tuple((name, users[name]) for name in sorted(said) if name in users)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one instance asks for, and what is wrong with it."""

    offers: tuple[Offer, ...] = ()
    problems: tuple[Problem, ...] = ()


def asked(
    instance: Instance,
    origin: Origin,  # noqa: ARG001 - part of what is remembered by
    lender: Instance | None,
    files: UsersOf,
    vantage: Vantage,
    labels: LabelSettings,
    frame: Frame,
    others: frozenset[str],
) -> Asked:
    """All of one instance; nothing of those that are gone, are proxies themselves, or belong to another proxy.

    origin: the instance's own, which does not count when instances are compared and stands in every Problem.
    """
    if instance.phase in GONE or proxy_kind(instance, labels) or instance.label(ONE_OFF) == "True":
        return Asked()
    if _elsewhere(lender or instance, vantage, others):
        return Asked()
    problems: list[Problem] = []
    offers = tuple(_offers(instance, lender, dict(files), vantage, labels, frame, problems))
    return Asked(offers, tuple(problems))


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
) -> Iterable[Offer]:
    wishes = read(instance, labels)
    problems += (*wishes.problems, *(instance.doubts if wishes.enabled else ()))
    routes = wishes.routes
    if routes and not _NAME.fullmatch(instance.name):
        problems.append(_no_name(instance))
        routes = ()
    for asked in routes:
        wish = _with_users(asked, files, problems)
        offer = replace(_offer(instance, wish, frame), features=_features(asked))
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
            problems.append(Problem(_reached(instance, wish), refusal.code, refusal.message, Effect.SERVER, refusal.hint))
            if offer.route.guarded:  # a pool without a server: left out, its requests would go to another route
                yield _served(offer, _pool(instance, wish, port), None, wish)
            continue
        yield _served(offer, _pool(instance, wish, port), _server(instance, wish, address, port), wish)


def _served(offer: Offer, pool: Pool, server: Server | None, wish: Wish) -> Offer:
    """The offer with its pool.  Without a server it comes after those of the same age that have one."""
    age = (offer.age[0] or server is None, *offer.age[1:])
    return replace(
        offer, age=age, route=replace(offer.route, pool=pool.name), pool=pool, server=server, named=wish.pool is not None
    )


def _reached(instance: Instance, wish: Wish) -> Origin:
    """The route's origin at the line that says how it is reached, where a file says so."""
    if wish.network:
        return wish.origin.at("network")
    return replace(wish.origin, place=next((place for _, place in instance.parts), wish.origin.place))


_UNSAID = Wish(name="")


def _features(wish: Wish) -> frozenset[str]:
    said = {key.feature for key in KEYS if key.feature and getattr(wish, key.field) != getattr(_UNSAID, key.field)}
    return frozenset(said | ({WILDCARD} if any(isinstance(host, Wildcard) for host in wish.hosts) else set()))


def _no_name(instance: Instance) -> Problem:
    origin = Origin(instance.source, instance.origin.object or f"container {show(instance.name)}", "name", instance.origin.place)
    return Problem(origin, "CG185", f"{show(instance.name)} is no name of a container", Effect.SERVER, _NAME_HINT)


def _offer(instance: Instance, wish: Wish, frame: Frame) -> Offer:
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
    return Offer(age=age, instance=instance, owner=instance.owner, listener=listener, route=route, claims=claims)


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
            "remove network_mode" if instance.host_name else "put it on a network of the proxy",
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
            raise Refusal("CG122", f"it is not on network {show(wish.network)}", _other_network(instance, wish.network, known))
        reachable = [a for a in named if a in reachable]
    if not reachable:
        offered = sorted(vantage.networks or ())
        network = listed(offered[:1]) if offered else "<network of the proxy>"
        raise Refusal(
            "CG122",
            f"it shares no network with the proxy (it is on: {_names(known)}; the proxy on: {listed(offered)})",
            _join(instance, network) if instance.host_name else f"docker network connect {network} {instance.name}",
        )
    with_address = [a for a in reachable if a.address or a.address6]
    return (with_address or reachable)[0]


def _in_file(network: str, owner: str) -> str:
    """What a compose file calls a network of its own project."""
    return network.removeprefix(f"{owner}_")


def _join(instance: Instance, network: str) -> str:
    """What mends in a compose file that a service is on no network of the proxy."""
    if instance.network_mode == "none":
        return "remove network_mode"
    return f"add {_in_file(network, instance.owner)} to the networks of service {instance.name}"


def _other_network(instance: Instance, wished: str, known: list[Attachment]) -> str:
    if not instance.host_name:
        return f"it is on: {_names(known)}"
    own = listed(_in_file(a.network, instance.owner) for a in known)
    return f"it is on: {own}; name that one, or add {wished if _NAME.fullmatch(wished) else show(wished)} to the networks of service {instance.name}"


def _names(attachments: list[Attachment]) -> str:
    return listed(a.network for a in attachments)


def listed(networks: Iterable[str]) -> str:
    """Names of networks for people; what no engine calls a network is shown as a quoted value."""
    return ", ".join(name if _NAME.fullmatch(name) else show(name) for name in networks) or "none"
