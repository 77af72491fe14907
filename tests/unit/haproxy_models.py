"""Models of every shape that build.py may make, for HAProxy's tests."""

from __future__ import annotations

from hypothesis import strategies as st

from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.proxies.haproxy import HAPROXY
from confgen.render import Candidate, Renderer
from confgen.settings import Frame
from confgen.values import (
    ALGORITHMS,
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
    parse_url,
)
from tests.unit.guards import headers, limits, ranges, users

_RENDERER = Renderer((), HAPROXY.filters)

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True).map(Name)
hosts = st.one_of(
    st.from_regex(r"[a-z0-9]{1,5}\.(test|example\.com)", fullmatch=True).map(Host),
    st.from_regex(r"\*\.[a-z0-9]{1,5}\.(test|example\.com)", fullmatch=True).map(Wildcard),
)
durations = st.one_of(st.just(60_000), st.integers(1, 24 * 86_400_000)).map(Duration)
addresses = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)).map(Address)


def _path(text: str) -> Match | None:
    try:
        return parse_path(text)
    except Refusal:
        return None


def _url(text: str) -> Url | None:
    try:
        return parse_url(text)
    except Refusal:
        return None


_segments = st.lists(
    st.text("aZ09-._~!&'()*+,;=:@", min_size=1, max_size=4) | st.sampled_from(["%20", "%C3%A9", "%21", "%7C", "api"]), max_size=4
)
paths = st.builds(lambda exact, parts: _path("=" * exact + "/" + "/".join(parts)), st.booleans(), _segments).filter(bool)
urls = st.builds(
    lambda parts: _url("https://new.test/" + "".join(parts)), st.lists(st.sampled_from("aZ09-._~!&()*+,;=:@%20?/"), max_size=20)
).filter(bool)

servers = st.builds(
    Server,
    name=names,
    address=addresses,
    port=st.integers(1, 65535).map(Port),
    weight=st.integers(0, 256).map(Weight),
    backup=st.booleans(),
    state=st.sampled_from(ServerState),
    max_connections=st.none() | st.integers(1, 100_000),
)
balances = st.builds(
    lambda a, key: Balance(a, key if a in ("header", "cookie") else None), st.sampled_from(ALGORITHMS), st.just(Name("X-Key"))
)
stickies = st.none() | st.just(Sticky("source")) | st.builds(Sticky, st.just("cookie"), names)


def _pools(protocols: tuple[str, ...]) -> st.SearchStrategy[Pool]:
    return st.builds(
        Pool,
        name=names,
        protocol=st.sampled_from(protocols),
        servers=st.lists(servers, max_size=4, unique_by=lambda s: s.name).map(
            lambda found: tuple(sorted(found, key=lambda s: s.name))
        ),
        balance=balances,
        sticky=stickies,
        retry=st.integers(0, 10),
        connect=durations,
    )


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A model that hangs together: every route's pool is there, every pool is used, nothing is claimed twice."""
    web = draw(st.lists(_pools(("http", "https", "h2c", "grpc", "grpcs")), max_size=3, unique_by=lambda p: p.name))
    tcp = draw(st.lists(_pools(("tcp", "udp")), max_size=2, unique_by=lambda p: p.name))
    taken = {pool.name for pool in web}
    tcp = [pool for pool in tcp if pool.name not in taken]
    routes = draw(st.lists(_routes([p.name for p in web]), max_size=6, unique_by=lambda r: r.name))
    kept, claimed = [], set()
    for route in sorted(routes, key=lambda r: r.name):
        mine = tuple(sorted(h for h in route.hosts if (h, route.match) not in claimed))
        claimed |= {(h, route.match) for h in mine}
        if mine:
            kept.append(Route(**{f: getattr(route, f) for f in Route.__slots__ if f != "hosts"}, hosts=mine))
    listeners = [Listener(name=Name("http"), port=Port(80), routes=tuple(kept))]
    for number, pool in enumerate(tcp):
        name = Name(f"{pool.protocol}-{3306 + number}")
        only = Route(name=name, pool=pool.name, idle=draw(durations), allow=draw(ranges), deny=draw(ranges))
        listeners.append(Listener(name=name, port=Port(3306 + number), protocol=pool.protocol, routes=(only,)))
    used = {route.pool for listener in listeners for route in listener.routes}
    pools = sorted((p for p in [*web, *tcp] if p.name in used), key=lambda p: p.name)
    return Model(tuple(sorted(listeners, key=lambda x: x.name)), tuple(pools))


@st.composite
def _routes(draw: st.DrawFn, pools: list[Name]) -> Route:
    kind = draw(st.sampled_from(["pool", "pool", "redirect", "withheld"] if pools else ["redirect", "withheld"]))
    return Route(
        name=draw(names),
        hosts=tuple(sorted(set(draw(st.lists(hosts, min_size=1, max_size=3))))),
        match=draw(paths),
        pool=draw(st.sampled_from(pools)) if kind == "pool" else None,
        redirect=draw(st.builds(Redirect, urls, st.sampled_from([301, 302, 303, 307, 308]))) if kind == "redirect" else None,
        withheld="a security label could not be obeyed" if kind == "withheld" else "",
        strip=draw(st.booleans()),
        rewrite=draw(st.none() | paths.map(lambda match: Path(match.path))),
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


def text_of(model: Model, version: str = "3.2", frame: Frame | None = None) -> tuple[Model, Candidate]:
    """What of a model HAProxy can do, and the files that say it."""
    caps = HAPROXY.caps(version)
    fitted, _ = HAPROXY.fit(model, caps)
    return fitted, _RENDERER.render(HAPROXY.outputs, HAPROXY.view(fitted, caps, frame or Frame()))


# --- models, short to write


def server(name: str, address: str = "10.0.0.2", **more: object) -> Server:
    return Server(name=Name(name), address=Address(address), port=Port(8080), **more)  # type: ignore[arg-type]


def pool(name: str, *servers: Server, **more: object) -> Pool:
    return Pool(name=Name(name), servers=servers or (server("only"),), **more)  # type: ignore[arg-type]


def route(name: str, hosts: str = "", path: str = "/", to: str = "", **more: object) -> Route:
    found = tuple(sorted(parse_host(h) for h in hosts.split()))
    return Route(name=Name(name), hosts=found, match=parse_path(path), pool=Name(to) if to else None, **more)  # type: ignore[arg-type]


def model(*parts: Route | Pool | Listener) -> Model:
    routes = tuple(sorted((p for p in parts if isinstance(p, Route)), key=lambda r: r.name))
    listeners = [Listener(name=Name("http"), port=Port(80), routes=routes), *(p for p in parts if isinstance(p, Listener))]
    pools = sorted((p for p in parts if isinstance(p, Pool)), key=lambda p: p.name)
    return Model(tuple(sorted(listeners, key=lambda x: x.name)), tuple(pools))


def stream(port: int, to: str, protocol: str = "tcp", **more: object) -> Listener:
    name = Name(f"{protocol}-{port}")
    return Listener(name=name, port=Port(port), protocol=protocol, routes=(Route(name=name, pool=Name(to), **more),))  # type: ignore[arg-type]


STORY = model(
    route("shop.web", "shop.test www.shop.test", to="shop"),
    route("shop.api", "shop.test", "/api", to="shop", strip=True, read=Duration(5000)),
    route("shop.move", "shop.test", "/old", to="api", rewrite=Path("/it's/100%25")),
    route("shop.one", "shop.test", "=/one%20two", to="api", rewrite=Path("/else")),
    route("any.web", "*.shop.test *.deep.shop.test", to="tls"),
    route("old", "old.test", redirect=Redirect(Url("https://shop.test/a%20b"), 301)),
    route("shut", "shut.test", withheld="auth.basic: unknown"),
    pool(
        "shop",
        server("shop-1", weight=Weight(3)),
        server("shop-22", "fd00::2", state=ServerState.DRAINING),
        sticky=Sticky("cookie", Name("sid")),
    ),
    pool(
        "api",
        server("api", max_connections=7, backup=True),
        server("gone", state=ServerState.DOWN),
        protocol="grpc",
        retry=0,
        connect=Duration(1500),
    ),
    pool("tls", server("tls", "web", resolve=True), protocol="https", balance=Balance("header", Name("X-User"))),
    pool("db", server("db"), protocol="tcp", balance=Balance("leastconn")),
    stream(3306, "db", idle=Duration(7_200_000)),
)
