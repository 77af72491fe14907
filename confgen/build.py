"""State becomes Model: which instance serves which route, and a Problem for each wish that cannot be granted.  Pure.

What each instance asks for and where it can be reached stands in offer.py, which of several hold in rival.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from confgen.kept import Claim, claim_names
from confgen.labels import proxy_kind
from confgen.model import Listener, Model, Pool, Route, Server, ServerState
from confgen.offer import GONE, Asked, Offer, Vantage, asked, lender, users_of
from confgen.policy import Policy
from confgen.problem import Problem
from confgen.recent import Recent
from confgen.rival import agree, certified, claim, granted, off_engines, off_our_ports, shut
from confgen.settings import Frame, LabelSettings
from confgen.state import Instance, State
from confgen.users import Files
from confgen.values import Name, Port

_NOBODY: Mapping[str, Claim] = {}
_NO_FILES: Files = {}


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
    vantage, frame = recent.one(vantage), recent.one(frame)
    by_id = {i.id: i for i in state.instances if i.id}
    others = recent.one(frozenset(chain.from_iterable(map(recent.over(_networks_of_proxy, labels), state.instances))))
    alone = recent.over(_alone, vantage, labels, frame, others, recent)
    found = [
        recent.of(asked, i, i.origin, lent, users_of(i, users), vantage, labels, frame, others) if lent or users else alone(i)
        for i, lent in ((i, lender(i, by_id)) for i in state.instances)
    ]
    offers = [offer for one in found for offer in one.offers]
    problems = [problem for one in found for problem in one.problems]
    offers.sort(key=lambda o: (o.age, o.route.name))
    kept = off_engines(off_our_ports(offers, frame, problems), policy, problems)
    kept = certified(claim(agree(granted(kept, policy, problems), problems), incumbents, problems), problems)
    kept, closed = shut(offers, kept)
    model = _model([*kept, *closed], frame, recent)
    return Built(model, tuple(sorted(set(problems))), tuple(_placements(kept, model)))


def _alone(
    instance: Instance, vantage: Vantage, labels: LabelSettings, frame: Frame, others: frozenset[str], recent: Recent
) -> Asked:
    """What an instance asks for where it depends on nobody else's network and on no users file, as most do."""
    return recent.of(asked, instance, instance.origin, None, (), vantage, labels, frame, others)


def _networks_of_proxy(instance: Instance, labels: LabelSettings) -> tuple[str, ...]:
    """None of those that are no proxy."""
    there = proxy_kind(instance, labels) and instance.phase not in GONE
    return tuple(a.network for a in instance.attachments) if there else ()


def _model(offers: list[Offer], frame: Frame, recent: Recent) -> Model:
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
        if offer.pool:
            pools.setdefault(offer.pool.name, offer.pool)
            of_pool = servers.setdefault(offer.pool.name, {})
            if offer.server:
                of_pool.setdefault(offer.server.name, offer.server)
    used = {route.pool for routes in listeners.values() for route in routes.values()}
    return Model(
        tuple(sorted((_listener(key, routes) for key, routes in listeners.items()), key=lambda x: x.name)),
        tuple(
            _filled(pool, [servers[name][key] for key in sorted(servers[name])], recent)
            for name, pool in sorted(pools.items())
            if name in used
        ),
    )


def _filled(pool: Pool, servers: list[Server], recent: Recent) -> Pool:
    """The pool with its servers, known by these very objects: what they are from does not count in comparisons."""
    return recent.once(_full, pool, *servers)


def _full(pool: Pool, *servers: Server) -> Pool:
    return replace(pool, servers=in_rotation(servers))


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


def _placements(offers: list[Offer], model: Model) -> Iterable[Placement]:
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
