"""The model in nginx's own terms: upstream blocks, server blocks, locations.  What the templates print.  Pure.

nginx says `upstream` where we say pool, and has two namespaces of them: one in http, one in stream.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from confgen.model import Listener, Model, Pool, Route, Server
from confgen.proxies.nginx.guards import Directives, access, limits, users_file
from confgen.proxies.nginx.headers import answered, told
from confgen.proxies.nginx.quote import DOLLAR, decoded, duration, regex, variable
from confgen.proxies.nginx.rotation import drains, serves, sticky_cookie, taking
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Snippet, placed
from confgen.values import Duration, Name, Text

#: Where Docker answers for the names of containers and services, inside each container.
RESOLVER = "127.0.0.11 valid=1s ipv6=off"
#: A server is passed over for 2 s after 3 failures in 2 s.  Docker tells of a stopped one sooner, and a failed connection
#: is tried elsewhere anyway: this is for a machine that is gone without a word.
MAX_FAILS = "max_fails=3 fail_timeout=2s"
#: Seconds after which a client that was answered 503 may try again.
RETRY_AFTER = 5

NOT_FOUND = "404: no route for this host and path\n"
NOT_READY = "503: no server is ready for this\n"
WITHHELD = "503: withheld\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One `server` of an upstream: address and parameters as written, and the server's name for the comment."""

    name: Name
    address: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """zone: name and size, "" without.  method: the balance directive, "" for roundrobin.  sticky: its directive's words, or ""."""

    name: str
    servers: tuple[Line, ...]
    zone: str = ""
    method: str = ""
    sticky: str = ""
    resolver: str = ""
    keepalive: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """nginx answers by itself: text, or the URL of a redirect.

    url: as written, with variables; stands in place of text.  headers: of this answer, those that say something.
    """

    code: int
    text: str = ""
    retry_after: int = 0
    url: str = ""
    headers: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """Requests go on.

    module: "proxy" or "grpc", the prefix of the directives.  url: with the path that replaces the matched one, if any.
    http2: HTTP/2 without TLS.  tls: to the server.  target: name and port that are looked up for each request, "" where
    the url names an upstream.  rewrite: regular expression and replacement, where the url cannot hold the path.
    timeouts: directive and value of each that is not the default.  told: headers for the server, all of them or none, where
    http says them; a Text is quoted, all else stands as written.  answered: headers of the response, in place of the server's.
    """

    module: str
    url: str
    http2: bool = False
    tls: bool = False
    target: str = ""
    rewrite: tuple[str, str] | None = None
    timeouts: Directives = ()
    told: tuple[tuple[str, str | Text], ...] = ()
    answered: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """modifier: "=", "^~" or "".  path: decoded, as nginx compares it.  Either answer or to is set.

    limits, access, users: who may come in, and how much of it one client may take (guards.py); empty where nginx answers by
    itself, since `return` asks nobody who they are.  users: a file of the generation, "" where nobody has to log in.
    generations: the folder of the generations, "" where the file is looked for beside the text.  snippet: the operator's own
    text for this route, None where nginx answers by itself.
    """

    modifier: str
    path: str
    route: str
    answer: Answer | None = None
    to: Pass | None = None
    limits: Directives = ()
    access: Directives = ()
    users: str = ""
    generations: str = ""
    snippet: Snippet | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Hosts with the same routes, and over TLS the same certificate: one server block.

    certificate: its file.  strict: paths that can be read in two ways are refused.  snippet: the operator's own text for this
    host.
    """

    names: tuple[str, ...]
    locations: tuple[Location, ...]
    certificate: str = ""
    strict: bool = False
    snippet: Snippet | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A tcp or udp server block.  upstream, target: both "" while nobody is ready; target: as in Pass."""

    number: int
    udp: bool
    listens: tuple[str, ...]
    route: Name
    upstream: str
    target: str
    timeouts: Directives
    limits: Directives = ()
    access: Directives = ()


def upstreams(model: Model, caps: Caps, recent: Recent, stream: bool) -> tuple[Upstream, ...]:
    """The upstream blocks of http, or of stream."""
    written = recent.over(_upstream, caps)
    found = (written(pool) for pool in model.pools if pool.stream is stream)
    return tuple(upstream for upstream in found if upstream)


def by_name(pool: Pool, caps: Caps) -> bool:
    """The pool is a DNS name that this nginx cannot hold in an upstream (it would have to resolve at start, or nothing starts)."""
    return any(s.resolve for s in taking(pool)) and "resolve" not in caps.features


def upstream_name(name: Name) -> str:
    """nginx takes "Shop" and "shop" for one upstream and refuses the file, so capitals are told apart by a hash."""
    return name if name == name.lower() else f"{name.lower()}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _upstream(pool: Pool, caps: Caps) -> Upstream | None:
    """None for a pool of which nothing is written."""
    if not serves(pool) or by_name(pool, caps):
        return None
    servers = taking(pool)
    backups = not all(s.backup for s in servers if not drains(s))
    resolves = any(s.resolve for s in servers)
    name = upstream_name(pool.name)
    return Upstream(
        name=name,
        servers=tuple(_line(s, pool, backups, len(servers) > 1 or resolves) for s in servers),
        zone=_zone(name, servers),
        method=_method(pool),
        sticky=f"cookie {pool.sticky.cookie} path=/ httponly samesite=lax" if pool.sticky and sticky_cookie(pool) else "",
        resolver=RESOLVER if resolves else "",
        keepalive=not pool.stream,
    )


def _line(server: Server, pool: Pool, backups: bool, counts: bool) -> Line:
    address = f"[{server.address}]" if ":" in server.address else server.address
    words = [
        f"weight={server.weight}" if server.weight > 1 else "",
        f"max_conns={server.max_connections}" if server.max_connections else "",
        MAX_FAILS if counts else "",
        "resolve" if server.resolve else "",
        f"route={_cookie(server)}" if sticky_cookie(pool) else "",
        "drain" if drains(server) else "backup" if server.backup and backups else "",
    ]
    return Line(server.name, f"{address}:{server.port}", " ".join(word for word in words if word))


def _cookie(server: Server) -> str:
    """What a client's cookie says: the same for the container's successor, without telling its name."""
    return hashlib.sha256(server.name.encode()).hexdigest()[:16]


def _zone(name: str, servers: tuple[Server, ...]) -> str:
    """Memory that the workers share, so that counts and failures are those of all.

    The name holds the size, since nginx refuses a zone whose definition changed.  64 KiB hold 48 servers, 32 of names
    (measured on 1.22, 1.26 and 1.30); one name can stand for many addresses.
    """
    resolves = any(s.resolve for s in servers)
    if len(servers) == 1 and not resolves and not servers[0].max_connections:
        return ""
    size = 64 * (1 + len(servers) // 32) * (4 if resolves else 1)
    return f"{name}:{size}k {size}k"


def _method(pool: Pool) -> str:
    """`hash ... consistent` and not ip_hash, which looks at three of the four bytes of an address."""
    algorithm, key = pool.balance.algorithm, pool.balance.key
    if algorithm == "source" or (pool.sticky and pool.sticky.kind == "source"):
        return "hash $remote_addr consistent"
    if key is not None:
        return f"hash {variable('http' if algorithm == 'header' else 'cookie', key)} consistent"
    return {"leastconn": "least_conn", "random": "random two least_conn", "uri": "hash $request_uri consistent"}.get(
        algorithm, ""
    )


def sites(listener: Listener, model: Model, caps: Caps, frame: Frame, recent: Recent) -> tuple[Site, ...]:
    """One server block for the hosts of a port that have exactly the same routes, in the order of their first names."""
    files = _files(model, frame) if listener.protocol == "https" else {}
    strict = {*listener.strict()}
    several = Counter(route.name for route in listener.routes)  # one that is here for several groups of hosts
    of_host: dict[str, list[Route]] = {}
    for route in listener.routes:
        for host in route.hosts:
            of_host.setdefault(host, []).append(route)
    own = placed(frame.snippets, "nginx", "server")
    groups: dict[tuple[str, Snippet | None, tuple[int, ...]], tuple[list[str], list[Route]]] = {}
    for name, routes in sorted(of_host.items()):
        alike = [route if several[route.name] == 1 else recent.one(recent.of(_hostless, route)) for route in routes]
        groups.setdefault((files.get(name, ""), own.get(name), tuple(map(id, alike))), ([], alike))[0].append(name)
    pools = {pool.name: pool for pool in model.pools}
    return tuple(
        recent.of(
            _site,
            recent.one(certificate),
            names[0] in strict,
            snippet,
            caps,
            frame,
            len(names),
            *names,
            *routes,
            *(pools.get(route.pool) if route.pool else None for route in routes),
        )
        for (certificate, snippet, _), (names, routes) in groups.items()
    )


def _hostless(route: Route) -> Route:
    return replace(route, hosts=())


def _files(model: Model, frame: Frame) -> dict[str, str]:
    """The file of each host's certificate, chain and key in one."""
    return {host: f"{frame.directory}/certs/{c.digest}.pem" for c in model.certificates for host in c.hosts}


def _site(certificate: str, strict: bool, snippet: Snippet | None, caps: Caps, frame: Frame, count: int, *what: Any) -> Site:
    """Exact paths first, then the longest prefix: nginx needs no order, a reader does.

    what: so many names, then the routes, then their pools; one by one, since by the same things the same site is known again.
    """
    names, of_them = what[:count], what[count:]
    served: list[tuple[Route, Pool | None]] = list(zip(of_them[: len(of_them) // 2], of_them[len(of_them) // 2 :], strict=True))
    found: dict[tuple[str, str], Location] = {}
    for route, pool in sorted(served, key=lambda pair: not pair[0].match.exact):
        for location in _of_route(route, pool, caps, frame):
            found.setdefault((location.modifier, location.path), location)
    found.setdefault(("", "/"), Location("", "/", "-", Answer(404, NOT_FOUND)))
    ordered = sorted(found.values(), key=lambda at: (-len(at.path.rstrip("/")), at.path.rstrip("/"), at.modifier != "=", at.path))
    return Site(names, tuple(ordered), certificate, strict, snippet)


def _of_route(route: Route, pool: Pool | None, caps: Caps, frame: Frame) -> list[Location]:
    """/api is the pair `= /api` and `^~ /api/`: a prefix ends at a slash."""
    path = decoded(route.match.path)
    answer = _elsewhere(route, frame) or _answer(route, pool)
    if route.match.exact:
        places = [("=", path, False)]
    else:
        places = [("", "/", True)] if path == "/" else [("=", path, False), ("^~", path + "/", True)]
    own = placed(frame.snippets, "nginx", "location")
    if answer or not pool:
        return [Location(modifier, place, route.name, answer) for modifier, place, _ in places]
    guards = (limits(route), access(route), *users_file(route.users, frame), own.get(route.name))
    return [
        Location(modifier, place, route.name, None, _pass(route, pool, caps, below), *guards) for modifier, place, below in places
    ]


def _elsewhere(route: Route, frame: Frame) -> Answer | None:
    """Of a route that is not served on this port.  The host without its port: that one is of another listener."""
    if route.only == "https":
        port = "" if frame.https_port == 443 else f":{frame.https_port}"
        return Answer(308, url=f"https://$host{port}$request_uri")
    return Answer(404, NOT_FOUND) if route.only else None


def _answer(route: Route, pool: Pool | None) -> Answer | None:
    if route.withheld:
        return Answer(503, WITHHELD, RETRY_AFTER)
    if route.redirect:
        return Answer(route.redirect.code, route.redirect.url, headers=_said(route))
    return None if pool and serves(pool) else Answer(503, NOT_READY, RETRY_AFTER, headers=_said(route))


def _said(route: Route) -> tuple[tuple[str, Text], ...]:
    """There is no server whose headers could be hidden."""
    return tuple((name, text) for name, text in answered(route) if text.raw)


def _pass(route: Route, pool: Pool, caps: Caps, below: bool) -> Pass:
    """below: the location stands for the paths below the matched one too, and its own path ends in a slash."""
    module = "grpc" if pool.protocol in ("grpc", "grpcs") else "proxy"
    tls = pool.protocol in ("https", "grpcs")
    scheme = ("grpcs" if tls else "grpc") if module == "grpc" else "https" if tls else "http"
    server = taking(pool)[0]
    target = f"{server.address}:{server.port}" if by_name(pool, caps) else ""
    path = _instead(route)
    url = f"{scheme}://" + ("$confgen_server" if target else upstream_name(pool.name))
    inline = path is not None and module == "proxy" and not target
    return Pass(
        module=module,
        url=url + (_below(path, below) if inline and path is not None else ""),
        http2=pool.protocol == "h2c",
        tls=tls,
        target=target,
        rewrite=_rewrite(route, path, below) if path is not None and not inline else None,
        timeouts=_timeouts(module, route, pool),
        told=told(route, module),
        answered=answered(route),
    )


def _instead(route: Route) -> str | None:
    """The path that takes the place of the matched one; None where the request's own goes on."""
    return route.rewrite if route.rewrite is not None else "/" if route.strip and route.match.path != "/" else None


def _below(path: str, below: bool) -> str:
    return path.rstrip("/") + "/" if below else path


def _rewrite(route: Route, path: str, below: bool) -> tuple[str, str]:
    """The same for directives whose URL holds no path.  No "?" in the replacement (CVE-2026-42945), see fit.py."""
    matched = regex(decoded(route.match.path).rstrip("/"))
    instead = decoded(_below(path, below)).replace("$", DOLLAR)
    return (f"^{matched}/(.*)$", instead + "$1") if below else ("^", instead)


def _timeouts(module: str, route: Route, pool: Pool) -> Directives:
    """The directives that are not as http says (see `defaults`)."""
    said = dict(defaults(module))
    wanted = (
        *_all_timeouts(module, route.read, route.send, pool.connect, pool.retry),
        ("keepalive_timeout", duration(route.idle)),
    )
    return tuple((name, value) for name, value in wanted if said.get(name, "60s") != value)


def defaults(module: str) -> Directives:
    """What http says for every location, from the model's own defaults."""
    route, pool = Route(name=Name("-")), Pool(name=Name("-"))
    return _all_timeouts(module, route.read, route.send, pool.connect, pool.retry)


def _all_timeouts(module: str, read: Duration, send: Duration, connect: Duration, retry: int) -> Directives:
    """A failed connection is tried elsewhere, but not what took `read` to fail: that work would be done again and again."""
    return (
        (f"{module}_connect_timeout", duration(connect)),
        (f"{module}_read_timeout", duration(read)),
        (f"{module}_send_timeout", duration(send)),
        (f"{module}_next_upstream_tries", str(retry + 1)),
        (f"{module}_next_upstream_timeout", duration(max(read, connect * (retry + 1)))),
    )


def listens(port: int, caps: Caps, frame: Frame, words: str = "") -> tuple[str, ...]:
    """The `listen` directives for one port: IPv4, and IPv6 where it is wanted and the kernel has it."""
    addresses = (f"{port}", f"[::]:{port}") if frame.ipv6 and "ipv6" in caps.features else (f"{port}",)
    return tuple(address + words for address in addresses)


def ports(model: Model, caps: Caps, frame: Frame) -> tuple[Port, ...]:
    """The server blocks of stream, by number."""
    found = [_port(li, model.pool(li.routes[0].pool), caps, frame) for li in model.listeners if not li.web]
    return tuple(sorted(found, key=lambda port: (port.number, port.udp)))


def _port(listener: Listener, pool: Pool | None, caps: Caps, frame: Frame) -> Port:
    """reuseport for udp: the kernel gives a client's datagrams to one worker, so that they reach one server."""
    route = listener.routes[0]
    there = pool is not None and serves(pool)
    server = taking(pool)[0] if pool and there and by_name(pool, caps) else None
    retry, connect = (pool.retry, pool.connect) if pool else (0, Duration(0))
    return Port(
        number=listener.port,
        udp=listener.protocol == "udp",
        listens=listens(listener.port, caps, frame, " udp reuseport" if listener.protocol == "udp" else ""),
        route=route.name,
        upstream=upstream_name(pool.name) if pool and there and not server else "",
        target=f"{server.address}:{server.port}" if server else "",
        timeouts=(
            ("proxy_connect_timeout", duration(connect)),
            ("proxy_timeout", duration(route.idle)),
            ("proxy_next_upstream_tries", str(retry + 1)),
        )
        if there
        else (),
        limits=() if route.withheld else limits(route, stream=True),
        access=access(route),
    )


def hash_sizes(names: list[str]) -> tuple[int, int]:
    """server_names_hash_bucket_size and _max_size for these names.

    A name of n bytes takes align8(n + 2) + 16 bytes of a bucket: 46 fit in 64, 110 in 128 (measured); the default of 64
    would let one long name break every site.  Of many names some must share a bucket, or nginx finds no table (measured
    with 1,000).
    """
    longest = max((len(name) for name in names), default=0)
    need = ((longest + 2 + 7) // 8 * 8 + 16) * (4 if len(names) > 32 else 1)
    bucket, most = 64, 512
    while need > bucket:
        bucket *= 2
    while most < 2 * len(names):
        most *= 2
    return bucket, most
