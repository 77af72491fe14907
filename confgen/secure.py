"""Which hosts are served over TLS, each by which certificate; and what that makes of the ports.  Pure.

A host has one certificate, whatever routes it has: the one that a route names, else the one that fits best.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from operator import itemgetter

from confgen.model import Listener, Model, Route, shut, withheld
from confgen.problem import Effect, Problem
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.tls import Certificate, choose, patterns
from confgen.values import Header, Host, Name, Port, Text, Wildcard, nearest

Hosts = frozenset[Host | Wildcard]
Served = dict[Host | Wildcard, Certificate]
#: RFC 6797, 6.1.
_HSTS = Name("Strict-Transport-Security")


def secure(model: Model, certificates: tuple[Certificate, ...]) -> tuple[Model, tuple[Problem, ...]]:
    """The model with the certificates that its hosts are served with, and a Problem for each route that lacks one."""
    problems: list[Problem] = []
    known = {certificate.name: certificate for certificate in certificates}
    listeners = tuple(
        replace(x, routes=tuple(_named(route, known, problems) for route in x.routes)) if x.protocol == "http" else x
        for x in model.listeners
    )
    routes = [route for x in listeners if x.protocol == "http" for route in x.routes if route.tls.mode != "off"]
    served = _chosen(routes, certificates, problems)
    for route in routes:
        problems += _bare(route, served)
    hosts: defaultdict[Name, list[Host | Wildcard]] = defaultdict(list)
    for host, certificate in sorted(served.items(), key=itemgetter(0)):
        hosts[certificate.name].append(host)
    used = tuple(replace(c, hosts=tuple(hosts[c.name])) for c in certificates if c.name in hosts)
    return replace(model, listeners=listeners, certificates=used), tuple(sorted(set(problems)))


def _named(route: Route, known: dict[Name, Certificate], problems: list[Problem]) -> Route:
    """Withheld where it names a certificate that is not there, or is not for all of its hosts."""
    name = route.tls.certificate
    if name is None or route.tls.mode == "off":
        return route
    if name not in known:
        message, hint = f"there is no certificate {name}", nearest(name, tuple(known)) if known else "is --certificates set?"
    elif bare := [host for host in route.hosts if not known[name].covers(host)]:
        message = f"certificate {name} is not for {', '.join(bare)}"
        hint = f"it is for: {', '.join(known[name].names)}"
    else:
        return route
    problems.append(Problem(route.origin.at("tls.cert"), "CG171", message, Effect.WITHHELD, hint))
    return withheld(route, "tls.cert")


def _chosen(routes: list[Route], certificates: tuple[Certificate, ...], problems: list[Problem]) -> Served:
    """One certificate for each host that one covers; a route's own wish holds for the other routes of the host too."""
    by_name = {certificate.name: certificate for certificate in certificates}
    wished: dict[Host | Wildcard, Route] = {}
    for route in (r for r in routes if r.tls.certificate and not r.withheld):
        for host in route.hosts:
            first = wished.setdefault(host, route)
            if first.tls.certificate != route.tls.certificate:
                message = f"{host} is served with certificate {first.tls.certificate}, which route {first.name} names"
                problems.append(Problem(route.origin.at("tls.cert"), "CG003", message, Effect.LABEL, "name the same one in both"))
    if not certificates:
        return {}
    fitting: defaultdict[str, list[Certificate]] = defaultdict(list)
    for certificate in certificates:
        for said in certificate.names:
            fitting[said].append(certificate)
    chosen = {
        host: by_name[name]
        if host in wished and (name := wished[host].tls.certificate)
        else choose(host, [c for said in patterns(host) for c in fitting.get(said, ())])
        for route in routes
        for host in route.hosts
    }
    return {host: certificate for host, certificate in chosen.items() if certificate}


def _bare(route: Route, served: Served) -> Iterator[Problem]:
    if route.tls.mode != "require" or route.withheld:
        return
    if bare := [host for host in route.hosts if host not in served]:
        message = f"no certificate covers {', '.join(bare)}: requests for it answer 503"
        yield Problem(route.origin.at("tls"), "CG171", message, Effect.WITHHELD, "put one into the folder of --certificates")


def unsecured(model: Model, why: str, hint: str) -> tuple[Model, tuple[Problem, ...]]:
    """The model for a proxy that cannot do TLS, and a Problem for each route that would have been served over it."""
    covered = {host for certificate in model.certificates for host in certificate.hosts}
    routes = [route for x in model.listeners if x.protocol == "http" for route in x.routes if route.tls.mode != "off"]
    problems = tuple(
        Problem(route.origin.at("tls"), "CG004", why, Effect.WITHHELD if route.tls.needed else Effect.LABEL, hint)
        for route in routes
        if not covered.isdisjoint(route.hosts)
    )
    return replace(model, certificates=()), problems


def opened(model: Model, frame: Frame, recent: Recent) -> Model:
    """The model as ports that a proxy opens: with one for https beside http where any host is served over TLS.

    A route may stand on a port more than once then, under one name: for hosts of which only some are covered.  recent: what
    was made of the very same route is the same object again, by which it is known further on.
    """
    covered = frozenset(host for certificate in model.certificates for host in certificate.hosts)
    return replace(model, listeners=tuple(port for x in model.listeners for port in _ports(x, covered, frame, recent)))


def _ports(listener: Listener, covered: Hosts, frame: Frame, recent: Recent) -> Iterator[Listener]:
    if listener.protocol != "http":
        yield listener
        return
    served = [(route, _of(route, covered, recent)) for route in listener.routes]
    plain = tuple(
        part for route, own in served for part in (recent.once(_plain, route, own) if own or route.tls.needed else (route,))
    )
    yield replace(listener, routes=plain)
    beneath = _beneath(listener, covered)
    routes = tuple(
        part for route, own in served if own or beneath for part in recent.once(_secured, route, own, _of(route, beneath, recent))
    )
    if routes:
        yield Listener(name=Name("https"), port=Port(frame.https_port), protocol="https", routes=routes)


def _of(route: Route, hosts: Hosts, recent: Recent) -> tuple[Host | Wildcard, ...]:
    """Those of a route's hosts that are among these."""
    if not hosts:
        return ()
    found = tuple(host for host in route.hosts if host in hosts)
    return route.hosts if len(found) == len(route.hosts) else recent.one(found)


def _beneath(listener: Listener, covered: Hosts) -> Hosts:
    """Hosts without https whose names a wildcard with https fits: it must not answer for them there, as it does not on http."""
    routed = {host for route in listener.routes for host in route.hosts}
    wildcards = [host for host in covered & routed if isinstance(host, Wildcard)]
    hosts = routed - covered if wildcards else ()
    return frozenset(host for host in hosts if any(host.removeprefix("*").endswith(wild.suffix) for wild in wildcards))


def _plain(route: Route, covered: tuple[Host | Wildcard, ...]) -> tuple[Route, ...]:
    """A route that has to do with TLS on the http port, apart by what becomes of its hosts there.

    covered: those of them that have a certificate.
    """
    if route.withheld or route.tls.mode == "off":
        return (route,)
    without = tuple(host for host in route.hosts if host not in covered)
    parts: list[Route] = []
    if covered:
        here = replace(route, hosts=covered)
        if route.tls.redirect:
            parts.append(shut(here, only="https"))
        else:
            parts.append(withheld(here, "tls") if route.tls.mode == "require" else here)
    if without or not route.hosts:
        here = replace(route, hosts=without)
        parts.append(withheld(here, "tls") if route.tls.needed else here)
    return tuple(parts)


def _secured(route: Route, covered: tuple[Host | Wildcard, ...], beneath: tuple[Host | Wildcard, ...]) -> tuple[Route, ...]:
    """A route on the https port; one that is not served over TLS stands there too, so that its paths go to no other route."""
    parts: list[Route] = []
    if covered:
        here = replace(route, hosts=covered)
        off = route.tls.mode == "off" and not route.withheld
        parts.append(shut(here, only="http") if off else _strict(here))
    if beneath:
        parts.append(shut(replace(route, hosts=beneath, withheld=""), only="http"))
    return tuple(parts)


def _strict(route: Route) -> Route:
    """The route with what it says of HSTS, in place of what another label or the server says."""
    if not route.tls.hsts or route.withheld:
        return route
    others = tuple(header for header in route.response_headers if header.name.lower() != _HSTS.lower())
    said = Header(_HSTS, Text(f"max-age={route.tls.hsts}"))
    return replace(route, response_headers=tuple(sorted((*others, said), key=lambda header: header.name.lower())))
