"""What a change takes: with nginx a reload, if the text says it at all.  Pure."""

from __future__ import annotations

from confgen.model import Route, Server, ServerState
from confgen.plan import Change, Impact

#: Fields that the text does not hold: nginx's old workers finish what they have however long a drain may take.
_SILENT = {
    *(("servers", "why"), ("pools", "drain"), ("pools", "check"), ("pools", "waits")),
    *(("certificates", "names"), ("certificates", "not_after"), ("certificates", "expired")),
}
#: States in which a server is not written.
_OUT = (ServerState.DOWN, ServerState.STARTING)


def weigh(change: Change) -> tuple[Impact, str]:
    """The impact and the reason in a few words: "new host shop.example.com", "server web-2 of pool shop.web-80 ready"."""
    kind, _, field = change.place
    if (kind, field) in _SILENT or (_unwritten(change.before) and _unwritten(change.after)):
        return Impact.NONE, ""
    return Impact.RELOAD, _reason(change)


def _unwritten(side: object) -> bool:
    """What a server that is not there, or that takes nothing, leaves in the text: nothing."""
    return side is None or side in _OUT or (isinstance(side, Server) and side.state in _OUT)


def _reason(change: Change) -> str:
    match change.path:
        case (kind, name):
            return f"{_verb(change)} {kind.removesuffix('s')} {name}"
        case ("listeners", _, "routes", route):
            return _route(change, route)
        case ("listeners", _, "routes", route, field, *_):
            return f"{field} of route {route}"
        case ("pools", pool, "servers", server, *_):
            return _server(change, pool, server)
        case (_, name, field, *_):
            return f"{field} of {name}"
    return str(change)


def _route(change: Change, name: str) -> str:
    route = change.after or change.before
    hosts = ", ".join(route.hosts[:3]) if isinstance(route, Route) else ""
    return f"{_verb(change)} host {hosts}" if hosts else f"{_verb(change)} route {name}"


def _server(change: Change, pool: str, server: str) -> str:
    if len(change.path) == 4:
        return f"{_verb(change)} server {server} of pool {pool}"
    if isinstance(change.after, ServerState):
        return f"server {server} of pool {pool} {change.after.value}"
    return f"{change.path[-1]} of server {server} of pool {pool}"


def _verb(change: Change) -> str:
    return {"add": "new", "remove": "removed"}.get(change.verb, change.verb)
