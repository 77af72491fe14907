"""What the proxy should do.  Frozen, sorted, the same for the same facts in whatever order they came."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field, replace

from confgen.limits import Limits
from confgen.problem import Origin
from confgen.tls import Certificate, Tls
from confgen.users import Users
from confgen.values import Address, Balance, Cidr, Duration, Header, Host, Match, Name, Path, Port, Sticky, Url, Weight, Wildcard


class ServerState(enum.Enum):
    """READY takes requests; DRAINING finishes what it has; DOWN is known but takes nothing; so does STARTING, which has not
    taken any yet, so that no text needs to know of it."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One address that takes traffic.

    name: from the container, never from an index (cookies, statistics and state files go by it).
    resolve: the address is a DNS name that Docker answers for (text made from a compose file); else an IP address.
    max_connections: at most this many at once, None without limit.  why: for people, why it is not READY.
    """

    name: Name
    address: Address
    port: Port
    weight: Weight = Weight(1)
    backup: bool = False
    state: ServerState = ServerState.READY
    max_connections: int | None = None
    resolve: bool = False
    why: str = ""
    origin: Origin = field(default=Origin(""), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How servers are asked, again and again, whether they are well.

    path: what an HTTP GET asks for; None where an accepted connection is enough.  status: what answers are good, as pairs
    of first and last.  interval: between two checks.  rise, fall: so many good ones in a row bring a server back, so many
    bad ones take it out.  waits: a new server gets nothing before its first good one.
    """

    path: Path | None = None
    status: tuple[tuple[int, int], ...] = ((200, 399),)
    interval: Duration = Duration(2_000)
    timeout: Duration = Duration(1_000)
    rise: int = 2
    fall: int = 3
    waits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Servers that can stand in for each other, sorted by name.

    protocol: http, https, h2c, grpc, grpcs (what the servers speak); tcp, udp for pools of stream routes.
    retry: how often a failed connection is tried on another server.  connect: time for a connection to come about.
    drain: how long a stopping server is kept for its open requests.
    slow_start: time in which the share of a server that comes into rotation grows to its weight.
    check: asked of each server beside Docker's own HEALTHCHECK.  waits: without one, a new server gets nothing while its
    port refuses connections.
    """

    name: Name
    protocol: str = "http"
    servers: tuple[Server, ...] = ()
    balance: Balance = Balance()
    sticky: Sticky | None = None
    retry: int = 2
    connect: Duration = Duration(500)
    drain: Duration = Duration(10_000)
    slow_start: Duration = Duration(0)
    check: Check | None = None
    waits: bool = True
    origin: Origin = field(default=Origin(""), compare=False)

    @property
    def stream(self) -> bool:
        return self.protocol in ("tcp", "udp")

    @property
    def ready(self) -> tuple[Server, ...]:
        """The servers that take requests."""
        return tuple(s for s in self.servers if s.state is ServerState.READY)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with `code` and Location `url`."""

    url: Url
    code: int = 308


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which requests go to which pool.

    hosts: sorted; empty for the route of a tcp or udp listener.  Exactly one of pool, redirect, withheld and only is set.
    withheld: why it must answer 503 instead of serving (a security label that could not be obeyed).
    only: set by secure.opened() alone, on the port where it is not served: "https" answers with a redirect there, "http" 404.
    strip: drop the matched prefix; rewrite: put this path in its place.
    read, send: silence that the server or the client is allowed.  idle: HTTP: an idle kept-alive connection of a
    client; tcp, udp: a connection that is silent on both sides.
    deny: clients that are refused; allow: the only ones that are not, empty for all.  An address in both is refused.
    users: who may log in, empty where nobody has to.  limits: what one client may take.
    sealed: somebody who says who may come in asked for the same requests, so they go to no other route where this one cannot
    be served.
    request_headers: told to the server, response_headers: told to the client instead of what the server says; by name.
    """

    name: Name
    hosts: tuple[Host | Wildcard, ...] = ()
    match: Match = Match(Path("/"))
    pool: Name | None = None
    redirect: Redirect | None = None
    withheld: str = ""
    only: str = ""
    strip: bool = False
    rewrite: Path | None = None
    read: Duration = Duration(60_000)
    send: Duration = Duration(60_000)
    idle: Duration = Duration(60_000)
    allow: tuple[Cidr, ...] = ()
    deny: tuple[Cidr, ...] = ()
    users: Users = ()
    limits: Limits = Limits()
    tls: Tls = Tls()
    sealed: bool = False
    request_headers: tuple[Header, ...] = ()
    response_headers: tuple[Header, ...] = ()
    origin: Origin = field(default=Origin(""), compare=False)

    @property
    def asks(self) -> bool:
        """It looks at who comes, and how often."""
        return bool(self.allow or self.deny or self.users or self.limits)

    @property
    def guarded(self) -> bool:
        """A security label is said of it: where it cannot be served, it must answer 503 and not leave its requests to another."""
        return bool(self.asks or self.tls.needed or self.withheld or self.sealed)

    @property
    def gated(self) -> bool:
        """Not everybody may reach its servers: no other spelling of its path may lead to them by way of another route."""
        return bool(self.allow or self.deny or self.users or self.withheld)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A port and its routes.  protocol: http, tcp, udp; https once secure.opened() has made it of the http one.

    routes: sorted by name; a tcp or udp listener has one.
    """

    name: Name
    port: Port
    protocol: str = "http"
    routes: tuple[Route, ...] = ()

    @property
    def web(self) -> bool:
        """It takes HTTP requests, over TLS or not."""
        return self.protocol in ("http", "https")

    def strict(self) -> tuple[Host | Wildcard, ...]:
        """Hosts on which the path decides who may come in: what may be read as two paths is refused there."""
        routes = Counter(host for route in self.routes for host in route.hosts)
        gated = {host for route in self.routes if route.gated for host in route.hosts}
        return tuple(sorted(host for host in gated if routes[host] > 1))


@dataclass(frozen=True, slots=True)
class Model:
    """All that one proxy should do.  Each sorted by name; every pool is used by a route, every certificate by a host."""

    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()
    certificates: tuple[Certificate, ...] = ()

    def pool(self, name: str | None) -> Pool | None:
        return next((p for p in self.pools if p.name == name), None)

    def certificate(self, host: str) -> Certificate | None:
        """The one that a host is served with."""
        return next((c for c in self.certificates if host in c.hosts), None)

    def routes(self) -> tuple[Route, ...]:
        return tuple(route for listener in self.listeners for route in listener.routes)


def withheld(route: Route, why: str) -> Route:
    """The route that answers 503, so that its requests go to no other route, and nothing else."""
    return replace(shut(route), withheld=why)


def shut(route: Route, only: str = "") -> Route:
    """The route without all that it would lead to."""
    bare = replace(route, only=only, pool=None, redirect=None, strip=False, rewrite=None)
    return replace(bare, request_headers=(), response_headers=())
