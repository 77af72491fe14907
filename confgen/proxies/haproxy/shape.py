"""The model in HAProxy's words: what goes into which section and map, before it is text.  Pure.

A request is sent by three look-ups, whatever the number of routes: its host leads to a site (hosts.map, or the longest
suffix of wildcards.map), the site and the path to a route and its backend (exact.map, or the longest prefix of
prefixes.map).  Keys hold the listener's port, so that the same host can mean something else on another port.  A host that
has a site of its own never falls back to a wildcard's routes: as nginx does it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.proxies.haproxy import guards
from confgen.proxies.haproxy.quote import decoded, lf, period
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.secure import opened
from confgen.settings import Frame
from confgen.snippets import Snippet
from confgen.values import Host, Name, Port, Text, Wildcard

#: Backends of our own; names of pools hold no colon.
NOT_FOUND, WITHHELD, SECURE = "confgen:not-found", "confgen:withheld", "confgen:https"
#: The file that says which name a client may ask for over TLS, and which certificate it gets.
CERTIFICATES = "certificates.list"

#: What a server's protocol adds to its line.  A container's own certificate is not verified: it can vouch for no name.
_TLS = "ssl verify none sni req.hdr(host),host_only alpn"
_TRANSPORT = {"https": f"{_TLS} http/1.1", "h2c": "proto h2", "grpc": "proto h2", "grpcs": f"{_TLS} h2"}

#: How many addresses of one DNS name are used.
_SLOTS = 16

_BALANCE = {"random": "random(2)", "uri": "uri whole", "header": "hdr({})", "cookie": "hash req.cook({})"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a map file."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Maps:
    """The four map files."""

    hosts: tuple[Entry, ...]
    wildcards: tuple[Entry, ...]
    exact: tuple[Entry, ...]
    prefixes: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """One frontend, by a name that no pool can have: HAProxy 3.3 refuses a frontend and a backend of one name.

    protocol: http, https, tcp.
    wildcards, exact, paths, spaces, strict: whether a route needs such a look-up; what no route needs is left out.
    backend: where all of it goes, "" for HTTP or when it must be refused.  idle: milliseconds, tcp only.
    refused: conditions of which each is enough for a connection to be refused, tcp only.  table: where the connections of
    each client are counted, of which it may have `most`; tcp only, "" where nobody counts.
    """

    name: str
    port: Port
    protocol: str
    binds: tuple[str, ...]
    wildcards: bool = False
    exact: bool = False
    paths: bool = False
    spaces: bool = False
    strict: bool = False
    backend: str = ""
    idle: int = 0
    acls: tuple[guards.Acl, ...] = ()
    refused: tuple[str, ...] = ()
    table: str = ""
    most: int = 0

    @property
    def web(self) -> bool:
        return self.protocol in ("http", "https")

    @property
    def plain(self) -> bool:
        """Whether a site's own name alone says the route."""
        return not (self.wildcards or self.exact or self.paths or self.strict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route of a backend needs beyond it.

    value: the action's last word, "" for none.  also: a further condition.  of: "request", or "after-response": any answer,
    HAProxy's own too.
    """

    action: str
    value: str | Text
    route: Name
    front: str
    also: str = ""
    of: str = "request"


@dataclass(frozen=True, slots=True)
class Line:
    """One server, or as many as a DNS name has addresses (slots of them at most; 0 for an address).

    most: connections at once, 0 without limit.  slow: milliseconds in which its share grows once it takes requests.
    """

    name: str
    address: str
    weight: int
    most: int
    backup: bool
    cookie: str
    transport: str
    slots: int
    disabled: bool
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Back:
    """One pool.  cookie: "" where none sticks.  silence: milliseconds that a server may be silent.

    snippet: the operator's own text for this pool.

    widths: of the longest name and address, so that a template can put the servers into columns.
    """

    name: Name
    protocol: str
    balance: str
    cookie: str
    retries: int
    connect: int
    silence: int
    rules: tuple[Rule, ...]
    servers: tuple[Line, ...]
    acls: tuple[guards.Acl, ...] = ()
    snippet: Snippet | None = None

    @property
    def widths(self) -> tuple[int, int]:
        return max((len(s.name) for s in self.servers), default=0), max((len(s.address) for s in self.servers), default=0)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The backend of one redirect; location is a log-format."""

    name: str
    location: str
    code: int
    acls: tuple[guards.Acl, ...] = ()
    rules: tuple[Rule, ...] = ()


def ports(model: Model, frame: Frame, recent: Recent) -> Model:
    """The model with the listeners that are opened: an HTTP one in any case, since hosts that nobody claims are told so."""
    if not any(listener.protocol == "http" for listener in model.listeners):
        model = replace(model, listeners=(Listener(name=Name("http"), port=Port(frame.http_port)), *model.listeners))
    return opened(model, frame, recent)


def maps(model: Model, recent: Recent) -> Maps:
    """The files that lead a request to its backend; the longest suffix first, since HAProxy takes the first that fits."""
    web = [listener for listener in model.listeners if listener.web]
    sites = {(host, listener.port) for listener in web for route in listener.routes for host in route.hosts}
    of_port = {listener.port: recent.over(_host, listener.port) for listener in web}
    exact, prefixes = list[Entry](), list[Entry]()
    for listener in web:
        entries = recent.over(_entries, listener.port)
        for route in listener.routes:
            (exact if route.match.exact else prefixes).extend(entries(route))
    return Maps(
        hosts=_sorted(of_port[port](h) for h, port in sites if not isinstance(h, Wildcard)),
        wildcards=tuple(
            Entry(f"{h.suffix}:{port}", f"{h}:{port}")
            for h, port in sorted(sites, key=lambda site: (-len(site[0]), site))
            if isinstance(h, Wildcard)
        ),
        exact=_sorted(exact),
        prefixes=_sorted(prefixes),
    )


def _host(host: Host, port: Port) -> Entry:
    return Entry(f"{host}:{port}", f"{host}:{port}")


def _entries(route: Route, port: Port) -> tuple[Entry, ...]:
    to, path = f"{route.name} {_destination(route, port)}", _spelled(route)
    below = f"={path}" if route.match.exact else path.rstrip("/") + "/"
    return tuple(Entry(f"{host}:{port}{below}", to) for host in route.hosts)


def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=attrgetter("key")))


def _spelled(route: Route) -> str:
    """The path as the frontend compares it: decoded, but for blanks, at which a map's key would end."""
    return decoded(route.match.path).replace(" ", "%20")


#: Where requests go that came to the port on which their route is not served.
_ELSEWHERE = {"https": SECURE, "http": NOT_FOUND}


def _destination(route: Route, port: Port) -> str:
    if route.withheld or route.only:
        return WITHHELD if route.withheld else _ELSEWHERE[route.only]
    return str(route.pool) if route.pool else f"redirect:{port}:{route.name}"


def fronts(model: Model, caps: Caps, frame: Frame) -> tuple[Front, ...]:
    """The frontends, in the order of the model's listeners."""
    return tuple(_front(listener, caps, frame) for listener in model.listeners)


def _front(listener: Listener, caps: Caps, frame: Frame) -> Front:
    binds: tuple[str, ...] = (f":{listener.port}",)
    if frame.ipv6 and "ipv6" in caps.features:
        # Two sockets and not one for both: a kernel that was told bindv6only=1 would leave IPv4 out of the one.
        binds += (f"[::]:{listener.port} v6only",)
    if listener.protocol == "https":
        binds = tuple(f"{bind} ssl crt-list {CERTIFICATES} strict-sni alpn h2,http/1.1" for bind in binds)
    front = Front(_front_name(listener), listener.port, listener.protocol, binds)
    return _web(front, listener) if listener.web else _stream(front, listener)


def _front_name(listener: Listener) -> str:
    return f"port:{listener.name}"


def _web(front: Front, listener: Listener) -> Front:
    routes = listener.routes
    return replace(
        front,
        wildcards=any(isinstance(host, Wildcard) for route in routes for host in route.hosts),
        exact=any(route.match.exact for route in routes),
        paths=any(route.match.exact or route.match.path != "/" or route.rewrite for route in routes),
        strict=bool(listener.strict()),
        spaces=any(" " in decoded(route.match.path) for route in routes),
    )


def _stream(front: Front, listener: Listener) -> Front:
    route = listener.routes[0]
    if not route.pool:
        return replace(front, idle=route.idle)
    refused = tuple(guards.strangers(route, listener))
    table, most = guards.connections(route, listener)
    return replace(
        front,
        backend=str(route.pool),
        idle=route.idle,
        acls=guards.acls(route, listener),
        refused=refused,
        table=table,
        most=most,
    )


def elsewheres(model: Model) -> tuple[Elsewhere, ...]:
    """A backend for each route that redirects."""
    return tuple(
        Elsewhere(
            _destination(route, listener.port),
            lf(route.redirect.url),
            route.redirect.code,
            guards.acls(route, listener),
            (*_guard_rules(route, listener), *_header_rules(route, listener, "after-response")),
        )
        for listener, route in _each_once((x, r) for x in model.listeners for r in x.routes if not r.withheld)
        if isinstance(route.redirect, Redirect)
    )


def withholds(model: Model) -> bool:
    """Whether any route of an HTTP listener must answer 503."""
    return any(route.withheld for x in model.listeners if x.web for route in x.routes)


def secures(model: Model, frame: Frame) -> str:
    """Where those are sent who came without TLS, as a log-format; "" where nobody is."""
    if not any(route.only == "https" for x in model.listeners for route in x.routes):
        return ""
    port = "" if frame.https_port == 443 else f":{frame.https_port}"
    return f"https://%[var(txn.host)]{port}%[pathq]"


def certificates(model: Model, frame: Frame) -> tuple[Entry, ...]:
    """A line for each host that is served over TLS: the file of its certificate, and the host."""
    known = {host for x in model.listeners if x.protocol == "https" for route in x.routes for host in route.hosts}
    return _sorted(
        Entry(str(host), f"{frame.directory}/certs/{certificate.digest}.pem")
        for certificate in model.certificates
        for host in certificate.hosts
        if host in known
    )


def backs(model: Model, recent: Recent) -> tuple[Back, ...]:
    """The backends of the pools."""
    users: defaultdict[Name, list[tuple[Listener, Route]]] = defaultdict(list)
    for listener in model.listeners:
        port = recent.one(replace(listener, routes=()))  # all that a pool needs of it, the same whatever other routes there are
        for route in listener.routes:
            if route.pool:
                users[route.pool].append((port, route))
    return tuple(recent.once(_back, pool, *chain.from_iterable(users[pool.name])) for pool in model.pools)


def _each_once(users: Iterable[tuple[Listener, Route]]) -> tuple[tuple[Listener, Route], ...]:
    """A route that stands on a port for several groups of hosts has its rules once: some of them count."""
    return tuple({(listener.name, route.name): (listener, route) for listener, route in users}.values())


def _back(pool: Pool, *by: Any) -> Back:
    """by: of each route that leads there its port, then itself; one by one, since by the same ones the same is known again."""
    users = _each_once(zip(by[::2], by[1::2], strict=True))
    silence = max((route.idle if pool.stream else route.read for _, route in users), default=60_000)
    return Back(
        name=pool.name,
        protocol=pool.protocol,
        balance=_balance(pool),
        cookie=str(pool.sticky.cookie) if pool.sticky and pool.sticky.cookie else "",
        retries=pool.retry,
        connect=pool.connect,
        silence=silence,
        rules=() if pool.stream else tuple(rule for listener, route in users for rule in _rules(route, listener, silence)),
        servers=tuple(_line(server, pool) for server in pool.servers if server.state is not ServerState.STARTING),
        acls=() if pool.stream else tuple(acl for listener, route in users for acl in guards.acls(route, listener)),
    )


def _balance(pool: Pool) -> str:
    algorithm = "source" if pool.sticky and pool.sticky.kind == "source" else pool.balance.algorithm
    return _BALANCE.get(algorithm, algorithm).format(pool.balance.key)


def _rules(route: Route, listener: Listener, silence: int) -> list[Rule]:
    found = _guard_rules(route, listener)
    if route.read != silence:
        found += [
            Rule(f"set-timeout {what}", period(route.read), route.name, _front_name(listener)) for what in ("server", "tunnel")
        ]
    told = _header_rules(route, listener, "request") + _header_rules(route, listener, "after-response")
    return found + _path_rules(route, listener) + told


def _header_rules(route: Route, listener: Listener, of: str) -> list[Rule]:
    """What the server is told, or the client; an empty value removes a header."""
    front = _front_name(listener)
    return [
        Rule(f"set-header {header.name}", lf(header.value), route.name, front, of=of)
        if header.value.raw
        else Rule("del-header", str(header.name), route.name, front, of=of)
        for header in (route.request_headers if of == "request" else route.response_headers)
    ]


def _guard_rules(route: Route, listener: Listener) -> list[Rule]:
    front = _front_name(listener)
    return [Rule(action, value, route.name, front, also=also) for action, value, also in guards.steps(route, listener)]


def _path_rules(route: Route, listener: Listener) -> list[Rule]:
    """What a server sees instead of the path; the rest of it is kept in the client's spelling, normalised."""
    target = "/" if route.rewrite is None else route.rewrite
    if route.rewrite is None and (not route.strip or route.match == Route(name=route.name).match):
        return []
    if route.match.exact:
        return [Rule("set-path", lf(target), route.name, _front_name(listener))]
    # Segments are counted and not bytes: what the client wrote may be longer than the route's path (%21 for !).
    rest = f"%[var(txn.clean),field({_first_field(route)},/,0)]"
    below = Rule("set-path", f"{lf(target.rstrip('/'))}/{rest}", route.name, _front_name(listener))
    if target == "/":
        return [below]
    goes_on = f"{{ var(txn.clean),field({_first_field(route)},/) -m found }}"
    return [replace(below, also=goes_on), Rule("set-path", lf(target), route.name, _front_name(listener), f"!{goes_on}")]


def _first_field(route: Route) -> int:
    """Which part of the path, cut at slashes, is the first one behind the prefix; the first of all is empty."""
    return route.match.path.rstrip("/").count("/") + 2


def _line(server: Server, pool: Pool) -> Line:
    address = f"[{server.address}]" if ":" in server.address else str(server.address)
    sticks = pool.sticky is not None and pool.sticky.cookie is not None
    # A cookie names one server, so where one sticks a name stands for one server: its first address.
    slots = _SLOTS if server.resolve and not sticks else int(server.resolve)
    return Line(
        # A prefix: the servers are then named web.dns1, web.dns2, ...
        name=f"{server.name}.dns" if slots > 1 else server.name,
        address=f"{address}:{server.port}",
        weight=0 if server.state is ServerState.DRAINING else server.weight,
        most=server.max_connections or 0,
        backup=server.backup,
        cookie=_token(server.name) if sticks else "",
        transport=_TRANSPORT.get(pool.protocol, ""),
        slots=slots,
        disabled=server.state is ServerState.DOWN,
        slow=pool.slow_start,
    )


def _token(name: Name) -> str:
    """What a sticky cookie says of a server: the same for the same name over reloads, and not the name itself."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def resolves(model: Model) -> bool:
    """Whether any server is a name that Docker's DNS answers for."""
    return any(server.resolve for pool in model.pools for server in pool.servers)
