"""What nginx cannot do, in this version, becomes a Problem; what is left of the model is what is rendered.  Pure."""

from __future__ import annotations

from dataclasses import replace

from confgen.model import Listener, Model, Pool, Route, ServerState, withheld
from confgen.problem import Effect, Problem, show
from confgen.proxies.nginx.headers import OWN
from confgen.proxies.nginx.quote import LONGEST, decoded, quoted, variable
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.secure import unsecured
from confgen.values import Balance, Header, Name

#: Methods whose servers nginx does not let be backups (`nginx -t`: "balancing method does not support parameter").
_WITHOUT_BACKUP = ("source", "random", "uri", "header", "cookie")
#: Methods that read an HTTP request, which a tcp or udp connection has not.
_OF_HTTP = ("uri", "header", "cookie")
CODE = "CG004"
#: Letters of a header's name: its grpc module has a table of 64 bytes for each, and no directive for more (measured on 1.30).
_LONGEST_OF_GRPC, _ANY = 46, 64


def fit(model: Model, caps: Caps, recent: Recent) -> tuple[Model, tuple[Problem, ...]]:
    """The model without what this nginx cannot do, and why each thing is left out."""
    fitted = [*map(recent.over(_fit_pool, caps), model.pools)]
    pools = tuple(pool for pool, _ in fitted)
    problems = [problem for _, found in fitted for problem in found]
    listeners = tuple(_fit_listener(listener, {p.name: p for p in pools}, caps, problems) for listener in model.listeners)
    listeners = tuple(listener for listener in listeners if listener.protocol == "http" or listener.routes)
    used = {route.pool for listener in listeners for route in listener.routes}
    model = replace(model, listeners=listeners, pools=tuple(p for p in pools if p.name in used))
    if "ssl" not in caps.features:
        model, bare = unsecured(
            model, "this nginx was built without its ssl module, so it has no https", "use the official image"
        )
        problems += bare
    return model, tuple(sorted(set(problems)))


def _fit_pool(pool: Pool, caps: Caps) -> tuple[Pool, tuple[Problem, ...]]:
    """A pool that nginx can hold: method and stickiness it knows, servers that the method can take."""
    problems: list[Problem] = []
    pool = _fit_sticky(_fit_balance(_fit_slow_start(pool, problems), problems), caps, problems)
    return _fit_names(_fit_backups(pool, problems), caps, problems), tuple(problems)


def _fit_slow_start(pool: Pool, problems: list[Problem]) -> Pool:
    if not pool.slow_start:
        return pool
    message = "nginx has no slow start: each step of it would be a reload"
    problems.append(Problem(pool.origin.at("slow-start"), CODE, message, Effect.LABEL, "remove the label, or use HAProxy"))
    return replace(pool, slow_start=Pool(name=pool.name).slow_start)


def _fit_balance(pool: Pool, problems: list[Problem]) -> Pool:
    what = _balance_trouble(pool)
    if not what:
        return pool
    message, hint = what
    problems.append(Problem(pool.origin.at("balance"), CODE, message, Effect.LABEL, hint))
    return replace(pool, balance=Balance())


def _balance_trouble(pool: Pool) -> tuple[str, str] | None:
    algorithm, key = pool.balance.algorithm, pool.balance.key
    if algorithm == "first":
        return "nginx has no balance first; roundrobin is used", "HAProxy has it; or use leastconn"
    if pool.stream and algorithm in _OF_HTTP:
        return (
            f"balance {algorithm} needs HTTP requests, and this is a {pool.protocol} pool; roundrobin is used",
            "use source, leastconn or random",
        )
    if key is not None and not variable("http" if algorithm == "header" else "cookie", key):
        return (
            f"nginx cannot read a cookie named {show(key)}; roundrobin is used",
            'use letters, digits and "_" in its name, or HAProxy',
        )
    if pool.sticky and pool.sticky.kind == "source" and algorithm not in ("roundrobin", "source"):
        message = f"nginx has no balance {algorithm} beside sticky source: the client's address alone chooses its server"
        return message, "leave one of them out, or use HAProxy"
    return None


def _fit_sticky(pool: Pool, caps: Caps, problems: list[Problem]) -> Pool:
    if not pool.sticky or pool.sticky.kind != "cookie":
        return pool
    if pool.stream:
        message, hint = f"a {pool.protocol} pool has no cookies", "use sticky: source"
    elif "sticky" not in caps.features:
        message, hint = (
            f"nginx {caps.text} has no sticky cookie",
            "nginx 1.29.6 and later and HAProxy have it; or use sticky: source",
        )
    else:
        return pool
    problems.append(Problem(pool.origin.at("sticky"), CODE, message, Effect.LABEL, hint))
    return replace(pool, sticky=None)


def hashed(pool: Pool) -> bool:
    """The pool's method does not let a server be a backup."""
    return pool.balance.algorithm in _WITHOUT_BACKUP or (pool.sticky is not None and pool.sticky.kind == "source")


def _fit_backups(pool: Pool, problems: list[Problem]) -> Pool:
    """A backup must not become one of the many: beside ready servers it is left out, without them it serves."""
    takes = [s for s in pool.ready if s.weight]
    backups = [s for s in takes if s.backup]
    if not hashed(pool) or not backups:
        return pool
    if len(backups) == len(takes):
        return replace(pool, servers=tuple(replace(s, backup=False) for s in pool.servers))
    for server in backups:
        message = (
            f"nginx has no backup servers with {_method(pool)}: {server.name} gets traffic only when no other server is ready"
        )
        problems.append(
            Problem(server.origin.at("backup"), CODE, message, Effect.SERVER, "use roundrobin or leastconn, or HAProxy")
        )
    return replace(pool, servers=tuple(s for s in pool.servers if s not in backups))


def _method(pool: Pool) -> str:
    return "sticky source" if pool.sticky else f"balance {pool.balance.algorithm}"


def _fit_names(pool: Pool, caps: Caps, problems: list[Problem]) -> Pool:
    """Before `resolve` a name can only be proxied to as a whole, one for a pool, without a balance of our own."""
    named = [s for s in pool.servers if s.resolve and s.state is ServerState.READY]
    if not named or "resolve" in caps.features:
        return pool
    kept = named[0]
    for server in pool.ready:
        if server != kept:
            message = f"nginx {caps.text} can hold one DNS name in a pool: {server.name} is left out beside {kept.name}"
            problems.append(
                Problem(server.origin, CODE, message, Effect.SERVER, "nginx 1.27.3 and later and HAProxy can hold more")
            )
    if pool.balance != Balance() or pool.sticky:
        what = "balance" if pool.balance != Balance() else "sticky"
        message = f"nginx {caps.text} cannot apply {what} to servers that are known by DNS name; Docker's DNS chooses"
        problems.append(Problem(pool.origin.at(what), CODE, message, Effect.LABEL, "nginx 1.27.3 and later and HAProxy can"))
    bare = replace(kept, weight=type(kept.weight)(1), backup=False, max_connections=None)
    return replace(pool, servers=(bare,), balance=Balance(), sticky=None)


def _fit_listener(listener: Listener, pools: dict[Name, Pool], caps: Caps, problems: list[Problem]) -> Listener:
    if listener.protocol != "http":
        if listener.routes and not {"stream", "stream_module"} & caps.features:
            problems += [
                Problem(
                    r.origin,
                    CODE,
                    f"this nginx was built without its stream module, so it has no {listener.protocol} ports",
                    Effect.ROUTE,
                    "use the official image, or HAProxy for tcp",
                )
                for r in listener.routes
            ]
            return replace(listener, routes=())
        return listener
    fitted = (_fit_route(route, pools.get(route.pool) if route.pool else None, caps, problems) for route in listener.routes)
    return replace(listener, routes=tuple(route for route in fitted if route))


def _fit_route(route: Route, pool: Pool | None, caps: Caps, problems: list[Problem]) -> Route | None:
    """None for a route that is left out; one that asks who comes is withheld instead, or its requests would go to another."""
    what = _guard_trouble(route) or (_pool_trouble(route, pool, caps) if pool else None)
    if not what:
        return _fit_headers(route, pool, problems)
    problems.append(Problem(route.origin.at(what[2]), CODE, what[0], Effect.WITHHELD if route.guarded else Effect.ROUTE, what[1]))
    return withheld(route, "nginx") if route.guarded else None


def _fit_headers(route: Route, pool: Pool | None, problems: list[Problem]) -> Route:
    """Without those that cannot be written."""
    if not (route.request_headers or route.response_headers):
        return route
    longest = _LONGEST_OF_GRPC if pool and pool.protocol in ("grpc", "grpcs") else _ANY
    told = tuple(header for header in route.request_headers if not _header_trouble(header, (), longest, route, problems))
    answered = tuple(header for header in route.response_headers if not _header_trouble(header, OWN, longest, route, problems))
    return replace(route, request_headers=told, response_headers=answered)


def _header_trouble(header: Header, own: tuple[str, ...], longest: int, route: Route, problems: list[Problem]) -> bool:
    if header.name.lower() in own:
        message, hint = f"nginx writes the header {header.name} by itself", "leave it out, or use HAProxy"
    elif len(header.name) > longest:
        message = (
            f"nginx cannot hold a header name of more than {longest} letters for gRPC, and {header.name} has {len(header.name)}"
        )
        hint = "choose a shorter one, or use HAProxy"
    elif len(quoted(header.value)) > LONGEST:
        message, hint = f"the value of header {header.name} is longer than a word of nginx's file may be", "shorten it"
    else:
        return False
    origin = route.origin.at(f"header.request.{header.name}", f"header.response.{header.name}")
    problems.append(Problem(origin, CODE, message, Effect.LABEL, hint))
    return True


def _guard_trouble(route: Route) -> tuple[str, str, str] | None:
    """`return` answers before nginx looks at who asks."""
    if not route.redirect or not route.asks:
        return None
    return "nginx cannot choose to whom it answers with a redirect", "remove one of them, or use HAProxy", "redirect"


def _pool_trouble(route: Route, pool: Pool, caps: Caps) -> tuple[str, str, str] | None:
    if (
        route.rewrite
        and "?" in decoded(route.rewrite)
        and (pool.protocol in ("grpc", "grpcs") or any(s.resolve for s in pool.servers))
    ):
        return (
            f"nginx cannot put {show(route.rewrite)} in the place of a path here: the %3F would start a query",
            "choose another path",
            "rewrite",
        )
    return _protocol_trouble(pool.protocol, caps)


def _protocol_trouble(protocol: str, caps: Caps) -> tuple[str, str, str] | None:
    needs = {
        "https": ({"ssl"}, "the ssl module"),
        "grpc": ({"http2", "http2_directive"}, "HTTP/2 beside HTTP/1.1 on one port, which is there from 1.25.1"),
        "grpcs": ({"http2", "http2_directive", "ssl"}, "HTTP/2 beside HTTP/1.1 on one port, which is there from 1.25.1"),
        "h2c": ({"http2", "proxy_http2"}, "HTTP/2 to servers, which is there from 1.29.4"),
    }
    features, words = needs.get(protocol, (set(), ""))
    if features <= caps.features:
        return None
    return f"scheme {protocol} needs {words}; this is nginx {caps.text}", "use a newer nginx, or HAProxy", "scheme"
