"""Models of every shape, as building could give them, and the capabilities of each line of nginx."""

from __future__ import annotations

from hypothesis import strategies as st

from confgen.limits import Limits
from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.proxies.nginx import NGINX
from confgen.values import (
    Address,
    Balance,
    Duration,
    Host,
    Match,
    Name,
    Path,
    Port,
    Refusal,
    Sticky,
    Url,
    Weight,
    Wildcard,
    parse_host,
    parse_path,
)
from tests.unit.guards import headers, limits, ranges, users

CAPS = {version: NGINX.caps(version) for version in ("1.22", "1.25.1", "1.26", "1.27.4", "1.30.6")}

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True).map(Name)
_hosts = st.from_regex(r"(?:\*\.)?[a-z][a-z0-9-]{0,8}[a-z]\.(?:[a-z]{1,8}\.)?test", fullmatch=True)
hosts: st.SearchStrategy[Host | Wildcard] = _hosts.map(parse_host)
durations = st.sampled_from([1, 250, 500, 1000, 1500, 60_000, 90_000, 3_600_000]).map(Duration)


def _path(text: str) -> Match | None:
    try:
        return parse_path(text)
    except Refusal:
        return None


#: Every character that a path may hold, with the ones that mean something to nginx more often.
paths = st.lists(
    st.sampled_from([*"abcXYZ019._~!&'()*+,;=:@-", "%20", "%22", "%7B", "%7D", "%23", "%24", "%3F", "%3B", "%C3%A9"]),
    max_size=6,
)
matches = st.builds(
    lambda exact, segments: _path(("=/" if exact else "/") + "/".join("".join(s) for s in segments)),
    st.booleans(),
    st.lists(paths, max_size=3),
).filter(lambda match: match is not None)

servers = st.builds(
    Server,
    name=names,
    address=st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.just("db.internal"), st.just("web_1")).map(
        Address
    ),
    port=st.integers(1, 65535).map(Port),
    weight=st.integers(0, 256).map(Weight),
    backup=st.booleans(),
    state=st.sampled_from(list(ServerState)),
    max_connections=st.none() | st.integers(1, 9999),
).map(lambda s: s if not s.address[-1].isalpha() and not s.address.endswith("_1") else _named(s))


def _named(server: Server) -> Server:
    from dataclasses import replace

    return replace(server, resolve=True)


def _unique(items: list[Server]) -> tuple[Server, ...]:
    return tuple(sorted({s.name: s for s in items}.values(), key=lambda s: s.name))


balances = st.one_of(
    st.sampled_from(["roundrobin", "leastconn", "source", "random", "uri", "first"]).map(Balance),
    st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True).map(lambda key: Balance("header", Name(key))),
    names.map(lambda key: Balance("cookie", key)),
)
stickies = st.none() | st.just(Sticky("source")) | names.map(lambda name: Sticky("cookie", name))


def pools(protocols: list[str]) -> st.SearchStrategy[Pool]:
    return st.builds(
        Pool,
        name=names,
        protocol=st.sampled_from(protocols),
        servers=st.lists(servers, max_size=4).map(_unique),
        balance=balances,
        sticky=stickies,
        retry=st.integers(0, 5),
        connect=durations,
    )


@st.composite
def routes(draw: st.DrawFn, pool_names: list[Name]) -> Route:
    """Exactly one of pool, redirect and withheld."""
    kind = draw(st.sampled_from(["pool", "pool", "pool", "redirect", "withheld"])) if pool_names else "redirect"
    return Route(
        name=draw(names),
        hosts=tuple(sorted(set(draw(st.lists(hosts, min_size=1, max_size=3))))),
        match=draw(matches),
        pool=draw(st.sampled_from(pool_names)) if kind == "pool" else None,
        redirect=Redirect(Url("https://www.example.com/a;b?c=d"), draw(st.sampled_from([301, 302, 307, 308])))
        if kind == "redirect"
        else None,
        withheld="auth.basic cannot be read" if kind == "withheld" else "",
        strip=draw(st.booleans()),
        rewrite=draw(st.none() | matches.map(lambda m: Path(m.path))),
        read=draw(durations),
        send=draw(durations),
        idle=draw(durations),
        allow=draw(ranges),
        deny=draw(ranges),
        users=draw(users),
        limits=draw(limits),
        request_headers=draw(headers),
        response_headers=draw(headers),
    )


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Sorted and with unique names, as building promises; each claim is held once."""
    http = {p.name: p for p in draw(st.lists(pools(["http", "https", "h2c", "grpc", "grpcs"]), max_size=4))}
    stream = {p.name: p for p in draw(st.lists(pools(["tcp", "udp"]), max_size=2)) if p.name not in http}
    found: dict[Name, Route] = {}
    taken: set[tuple[object, ...]] = set()
    for route in draw(st.lists(routes(sorted(http)), max_size=6)):
        claims = {(host, route.match) for host in route.hosts}
        if route.name not in found and not claims & taken:
            taken |= claims
            found[route.name] = route
    listeners = [Listener(name=Name("http"), port=Port(80), routes=tuple(found[n] for n in sorted(found)))]
    for number, (name, pool) in enumerate(sorted(stream.items())):
        route = Route(
            name=Name(f"stream.{number}"),
            pool=name,
            idle=draw(durations),
            allow=draw(ranges),
            deny=draw(ranges),
            users=draw(users),
            limits=Limits(connections=draw(limits).connections),  # what labels can say of a port
            request_headers=draw(headers),
            response_headers=draw(headers),
        )
        listeners.append(
            Listener(
                name=Name(f"{pool.protocol}-{7000 + number}"), port=Port(7000 + number), protocol=pool.protocol, routes=(route,)
            )
        )
    used = {route.pool for listener in listeners for route in listener.routes}
    kept = sorted((p for p in (*http.values(), *stream.values()) if p.name in used), key=lambda p: p.name)
    return Model(tuple(sorted(listeners, key=lambda x: x.name)), tuple(kept))
