"""Which of several offers hold: those that a policy grants, that agree with their replicas, that were there first.  Pure.

In each question the oldest holds and the newcomer is named, so that a container that comes later can take nothing from one
that is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from confgen.kept import Claim
from confgen.model import Server, withheld
from confgen.offer import ENGINE_PORTS, Offer
from confgen.policy import Policy
from confgen.problem import Effect, Problem
from confgen.settings import Frame
from confgen.values import Host, Match, Name, Port, Wildcard


def off_our_ports(offers: list[Offer], frame: Frame, problems: list[Problem]) -> list[Offer]:
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


def off_engines(offers: list[Offer], policy: Policy | None, problems: list[Problem]) -> list[Offer]:
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


def granted(offers: list[Offer], policy: Policy | None, problems: list[Problem]) -> list[Offer]:
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
            kept += _featured(offer.narrowed(hosts), policy, problems)
    return kept


def _featured(offer: Offer, policy: Policy, problems: list[Problem]) -> list[Offer]:
    """Nothing of a route that uses what is not granted: without a part of its labels it would be another one than is meant."""
    owner, route = offer.owner, offer.route
    missing = {
        name
        for host in (route.hosts or (None,))
        for name in policy.forbidden(owner, *offer.listener, route, host, offer.features)
    }
    if not missing:
        return [offer]
    message = f"the policy does not let {owner} use {', '.join(sorted(missing))}"
    effect = Effect.WITHHELD if route.guarded else Effect.ROUTE
    hint = "remove the labels, or ask who keeps the policy file for a grant"
    problems.append(Problem(route.origin, "CG008", message, effect, hint))
    return [replace(offer, route=withheld(route, "policy"), pool=None, server=None)] if route.guarded else []


def agree(offers: list[Offer], problems: list[Problem]) -> list[Offer]:
    """Replicas, and pools that several share, must say the same; the oldest healthy definition holds."""
    routes: dict[tuple[tuple[str, Port], Name], Offer] = {}
    pools: dict[Name, Offer] = {}
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
        if offer.pool:
            holder = pools.setdefault(offer.pool.name, offer)
            if holder.owner != offer.owner and not (holder.named and offer.named):
                problems.append(_not_shared(offer, holder))
                continue
            if holder.pool != offer.pool:
                problems.append(_disagrees(offer, holder))
                continue
            server = offer.server
            if server and servers.setdefault((offer.pool.name, server.name), server) != server:
                problems.append(_two_ports(offer))
                continue
        kept.append(offer)
    return kept


def _same_definition(first: Offer, other: Offer) -> bool:
    return first.route == other.route and first.pool == other.pool


#: What a field of a route or a pool is called in a label, where that is another word.
_LABELS = {"protocol": "scheme", "connect": "timeout.connect", "read": "timeout.read", "send": "timeout.send", "idle": "timeout.idle",
           "match": "path", "hosts": "host", "strip": "strip-prefix", "users": "auth.basic", "slow_start": "slow-start", "check": "health"}  # fmt: skip


def _disagrees(offer: Offer, holder: Offer) -> Problem:
    mine, theirs = (offer.route, offer.pool), (holder.route, holder.pool)
    differing = sorted({name for a, b in zip(mine, theirs, strict=True) for name in _differing(a, b)})
    return Problem(
        offer.route.origin.at(*(_LABELS.get(name, name) for name in differing)),
        "CG005",
        f"differs from {holder.instance.name}{_there_first(holder)} in: {', '.join(differing)}",
        Effect.SERVER,
        "give both the same labels, or remove the older one: then this one holds",
    )


def _namesake(offer: Offer, holder: Offer) -> Problem:
    """A container may be named as another project's service is; it does not become its replica by that."""
    message = f"its name reads like {holder.instance.group}, to which {holder.instance.name} belongs"
    return Problem(offer.route.origin, "CG006", message, Effect.ROUTE, "rename the container")


def _not_shared(offer: Offer, holder: Offer) -> Problem:
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


def _two_ports(offer: Offer) -> Problem:
    assert offer.pool is not None
    return Problem(
        offer.route.origin,
        "CG003",
        f"two routes of this container put different servers into pool {offer.pool.name}",
        Effect.SERVER,
        "give the pools different names",
    )


def claim(offers: list[Offer], incumbents: Mapping[str, Claim], problems: list[Problem]) -> list[Offer]:
    """Each host and path, and each stream port, goes to its incumbent, else to the oldest route that wants it."""
    holders: dict[str, Offer] = {}
    for offer in offers:
        for claim in offer.claims:
            if claim not in incumbents or incumbents[claim].is_of(offer.owner, offer.instance.id):
                holders.setdefault(claim, offer)
    kept: list[Offer] = []
    for offer in offers:
        lost = [c for c in offer.claims if c not in holders or not _may_have(offer, holders[c])]
        if not lost:
            kept.append(offer)
            continue
        problems += [_taken(offer, claim, holders.get(claim), incumbents) for claim in lost]
        hosts = tuple(host for host, claim in zip(offer.route.hosts, offer.claims, strict=False) if claim not in lost)
        if hosts:
            kept.append(offer.narrowed(hosts))
    return kept


def shut(asked: list[Offer], kept: list[Offer]) -> tuple[list[Offer], list[Offer]]:
    """What is kept, and what has to answer 503 beside it.

    A route that says who may come in, and did not get what it asked for, must not leave those requests to another route of
    its owner, which may ask nobody.  What nobody else has answers 503.  Whoever else has it, or answers for it, is sealed: where
    the proxy cannot serve that one, it is not left out but answers 503 too.
    """
    holders: dict[str, Offer] = {}
    own: defaultdict[str, set[Host | Wildcard]] = defaultdict(set)
    for offer in kept:
        own[offer.owner].update(offer.route.hosts)
        for claim in offer.claims:
            holders.setdefault(claim, offer)
    closed: list[Offer] = []
    sealed: set[Name] = set()
    for offer in asked:
        free = []
        for host, claim in zip(offer.route.hosts, offer.claims, strict=False) if offer.route.guarded else ():
            holder = holders.get(claim)
            if (holder and holder.route.guarded) or not leads(host, own[offer.owner]):
                continue
            if holder:
                sealed.add(holder.route.name)
            elif line := _next_in_line(offer, host, kept):
                sealed.update(one.route.name for one in line[:-1])
                free += [host] if len(line) == 1 else []
        if free:
            closed.append(_closed(offer.narrowed(tuple(free)), len(closed)))
    return [_sealed(offer) if offer.route.name in sealed else offer for offer in kept], closed


def certified(offers: list[Offer], problems: list[Problem]) -> list[Offer]:
    """A host has one certificate for all of its routes, so whoever has the host, its oldest route's owner, chooses it."""
    if not any(_wish(offer) for offer in offers):
        return offers
    holders: dict[str, Offer] = {}
    chosen: set[tuple[str, Name | None]] = set()
    for offer in offers:
        for host in offer.route.hosts if offer.listener[0] == "http" else ():
            if holders.setdefault(host, offer).owner == offer.owner:
                chosen.add((host, _wish(offer)))
    kept = []
    for offer in offers:
        wish = _wish(offer)
        if wish and (foreign := [host for host in offer.route.hosts if (host, wish) not in chosen]):
            message = f"{foreign[0]} belongs to {holders[foreign[0]].instance.name}, whose labels choose its certificate"
            hint = "remove the label, or give the hosts that are its own a route of their own"
            problems.append(Problem(offer.route.origin.at("tls.cert"), "CG003", message, Effect.LABEL, hint))
            # As with the label, it is not served without.
            tls = replace(offer.route.tls, certificate=None, mode="require")
            kept.append(replace(offer, route=replace(offer.route, tls=tls)))
        else:
            kept.append(offer)
    return kept


def _wish(offer: Offer) -> Name | None:
    return offer.route.tls.certificate if offer.route.tls.mode != "off" else None


def leads(host: Host | Wildcard, own: Collection[Host | Wildcard]) -> bool:
    """Requests for a host may go to a route of one of these."""
    return host in own or any(_stands_for(mine, host) for mine in own)


def _next_in_line(offer: Offer, host: Host | Wildcard, kept: list[Offer]) -> list[Offer]:
    """Whose routes get requests for what it asked for, up to the first of its own owner; empty where none is its owner's.

    They go to the longest path that fits, of the host itself, else of the longest wildcard that stands for it; and on from
    a route that the proxy cannot serve and that is left out.
    """
    wish = offer.route.match
    beside = [one for one in kept if one.listener == offer.listener]
    sites = {name for one in beside for name in one.route.hosts if name == host or _stands_for(name, host)}
    line: list[Offer] = []
    for site in sorted(sites, key=lambda name: (name != host, -len(name))):
        exactly = wish.exact or site != host
        fitting = [one for one in beside if site in one.route.hosts and _beneath(wish, one.route.match, exactly)]
        line += sorted(fitting, key=lambda one: (not one.route.match.exact, -len(one.route.match.path)))
    own = next((place for place, one in enumerate(line) if one.owner == offer.owner), None)
    return [] if own is None else line[: own + 1]


def _stands_for(name: Host | Wildcard, host: Host | Wildcard) -> bool:
    return isinstance(name, Wildcard) and host.endswith(name.suffix)


def _beneath(match: Match, other: Match, exactly: bool) -> bool:
    """What the one fits is fitted by the other.

    exactly: so it is too where the other is for the path alone; below a host's own prefix such a one says what it wants itself.
    """
    if other.exact:
        return exactly and other.path == match.path
    return f"{match.path}/".startswith(f"{other.path.rstrip('/')}/")


def _closed(offer: Offer, number: int) -> Offer:
    """Under another name: the claim stays with whoever it is kept for, and a route of that name may be there too."""
    route = replace(offer.route, name=Name(f"{offer.route.name}:shut{number or ''}"))
    return replace(offer, route=withheld(route, "claim"), pool=None, server=None)


def _sealed(offer: Offer) -> Offer:
    return offer if offer.route.guarded else replace(offer, route=replace(offer.route, sealed=True))


def _may_have(offer: Offer, holder: Offer) -> bool:
    """A replica of the holder, or another route that leads the same requests to the same place."""
    same_name = offer.route.name == holder.route.name
    return same_name or replace(offer.route, name=holder.route.name, hosts=()) == replace(holder.route, hosts=())


def _there_first(holder: Offer) -> str:
    """In a file nobody is older: there it is told where the other one stands."""
    place = holder.route.origin.place
    return f" ({place})" if place else ", which was there first,"


def _taken(offer: Offer, claim: str, holder: Offer | None, incumbents: Mapping[str, Claim]) -> Problem:
    protocol, port = offer.listener
    what = claim.partition(" ")[2].replace(" ", "") or f"port {port}/{protocol}"
    who = (
        f"{holder.instance.name}{_there_first(holder).removesuffix(',')}"
        if holder
        else f"{incumbents[claim].owner}, which was there until a moment ago"
    )
    return Problem(
        offer.route.origin,
        "CG006",
        f"{what} is held by {who}",
        Effect.ROUTE,
        "choose another host or path; if both are replicas of one thing, give both the same label pool",
    )
