"""What HAProxy cannot do, in this version, becomes a Problem; what is left of the model is what is rendered.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from confgen.model import Listener, Model, Pool, Route, withheld
from confgen.problem import Effect, Origin, Problem
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.secure import unsecured
from confgen.values import Balance, Name

#: Methods that read an HTTP request, which a tcp connection has not.
_OF_HTTP = ("uri", "header", "cookie")
_DEFAULTS = Route(name=Name("default"))


@dataclass(slots=True)
class _Fitting:
    """What is known while the model is fitted: what the proxy can do, the pools, and the Problems so far."""

    caps: Caps
    pools: dict[Name, Pool]
    problems: list[Problem] = field(default_factory=list)

    def tell(self, origin: Origin, message: str, effect: Effect, hint: str) -> None:
        self.problems.append(Problem(origin, "CG004", message, effect, hint))


def fit(model: Model, caps: Caps, recent: Recent) -> tuple[Model, tuple[Problem, ...]]:
    """The model without what this HAProxy cannot do, and why each thing is left out."""
    fitting = _Fitting(caps, {pool.name: pool for pool in model.pools})
    fitted = [*map(recent.over(_pool_alone, caps), model.pools)]
    pools = tuple(pool for pool, _ in fitted)
    fitting.problems += (problem for _, found in fitted for problem in found)
    listeners = tuple(_fit_listener(listener, fitting) for listener in model.listeners)
    listeners = tuple(listener for listener in listeners if listener.protocol == "http" or listener.routes)
    used = {route.pool for listener in listeners for route in listener.routes}
    model = replace(model, listeners=listeners, pools=tuple(p for p in pools if p.name in used))
    if "openssl" not in caps.features:
        model, bare = unsecured(model, "this HAProxy was built without OpenSSL, so it has no https", "use the official image")
        fitting.problems += bare
    return model, tuple(sorted(set(fitting.problems)))


def _pool_alone(pool: Pool, caps: Caps) -> tuple[Pool, tuple[Problem, ...]]:
    fitting = _Fitting(caps, {})
    return _fit_pool(pool, fitting), tuple(fitting.problems)


def _fit_pool(pool: Pool, fitting: _Fitting) -> Pool:
    if pool.stream and pool.balance.algorithm in _OF_HTTP:
        message = f"balance {pool.balance.algorithm} needs HTTP requests, and this is a {pool.protocol} pool; roundrobin is used"
        fitting.tell(pool.origin.at("balance"), message, Effect.LABEL, "use source, leastconn, random or first")
        pool = replace(pool, balance=Balance())
    if pool.stream and pool.sticky and pool.sticky.kind == "cookie":
        fitting.tell(pool.origin.at("sticky"), f"a {pool.protocol} pool has no cookies", Effect.LABEL, "use sticky: source")
        pool = replace(pool, sticky=None)
    if pool.sticky and pool.sticky.kind == "source" and pool.balance.algorithm not in ("roundrobin", "source"):
        message = f"balance {pool.balance.algorithm} has no meaning beside sticky source, which chooses by the client's address"
        fitting.tell(pool.origin.at("balance"), message, Effect.LABEL, "leave one of them out, or use sticky: cookie")
        pool = replace(pool, balance=Balance())
    return pool


def _fit_listener(listener: Listener, fitting: _Fitting) -> Listener:
    if listener.protocol == "http":
        routes = tuple(fitted for route in listener.routes if (fitted := _http_route(route, fitting)))
        return replace(listener, routes=routes)
    if listener.protocol == "udp":
        for route in listener.routes:
            fitting.tell(route.origin, "HAProxy has no udp ports", Effect.ROUTE, "use nginx for this one")
        return replace(listener, routes=())
    return listener


def _http_route(route: Route, fitting: _Fitting) -> Route | None:
    pool = fitting.pools.get(route.pool) if route.pool else None
    trouble = _users_trouble(route) or _protocol_trouble(pool, fitting.caps)
    if trouble:
        shut = route.guarded  # left out, its requests would go to another route
        fitting.tell(route.origin.at(trouble[2]), trouble[0], Effect.WITHHELD if shut else Effect.ROUTE, trouble[1])
        return withheld(route, "haproxy") if shut else None
    return _fit_timeouts(route, fitting) if pool else route


def _users_trouble(route: Route) -> tuple[str, str, str] | None:
    """HAProxy asks the system's crypt(3), which knows no apr1: such a user could never log in (tried on 2.6 to 3.4)."""
    names = [user.name for user in route.users if user.hash.apache]
    if not names:
        return None
    message = f"HAProxy cannot check the apr1 password of {', '.join(names[:3])}"
    return message, "use bcrypt (`htpasswd -nB NAME`) or SHA-512", "auth.basic"


def _protocol_trouble(pool: Pool | None, caps: Caps) -> tuple[str, str, str] | None:
    if pool is None or pool.protocol not in ("https", "grpcs") or "openssl" in caps.features:
        return None
    message = f"scheme {pool.protocol} needs TLS, which this HAProxy {caps.text} was built without"
    return message, "use the official image", "scheme"


def _fit_timeouts(route: Route, fitting: _Fitting) -> Route:
    """HAProxy knows one silence of a server, whichever way the bytes go, and one idle time for all that a port serves."""
    if route.idle != _DEFAULTS.idle:
        message = "HAProxy has one idle time for all routes of a port, 60s"
        fitting.tell(route.origin.at("timeout.idle"), message, Effect.LABEL, "remove timeout.idle, or use nginx")
    if route.send not in (_DEFAULTS.send, route.read):
        message = "HAProxy has one timer for the silence of a server, and timeout.read sets it"
        fitting.tell(route.origin.at("timeout.send"), message, Effect.LABEL, "remove timeout.send, or use nginx")
    usual = route.idle == _DEFAULTS.idle and route.send == _DEFAULTS.send
    return route if usual else replace(route, idle=_DEFAULTS.idle, send=_DEFAULTS.send)
