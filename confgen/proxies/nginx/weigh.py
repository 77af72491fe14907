"""What a change takes: with nginx a reload, if the text says it at all.  Pure."""

from __future__ import annotations

from confgen.model import Listener, Route, Server, ServerState
from confgen.plan import Change, Impact

#: Fields that the text does not hold: nginx's old workers finish what they have however long a drain may take.
_SILENT = ("why", "drain")


def weigh(change: Change) -> tuple[Impact, str]:
    """The impact and the reason in a few words: "new host shop.example.com", "server web-2 of pool shop.web-80 ready"."""
    if change.path[-1] in _SILENT or _unwritten(change):
        return Impact.NONE, ""
    return Impact.RELOAD, _reason(change)


def _unwritten(change: Change) -> bool:
    """A server that comes or goes without ever having taken a request."""
    server = change.before or change.after
    return change.verb != "change" and isinstance(server, Server) and server.state is ServerState.DOWN


def _reason(change: Change) -> str:
    names = change.path[1::2]
    match change.path[0], len(change.path):
        case "listeners", 2:
            return _listener(change, names[0])
        case "listeners", 4:
            return _route(change, names[1])
        case "pools", 4:
            return f"{_verb(change)} server {names[1]} of pool {names[0]}"
        case "pools", 5:
            return _server(change, names[0], names[1])
        case "listeners", _:
            return f"{change.path[-1]} of route {names[1]}" if len(names) > 1 and len(change.path) > 4 else f"{change.path[-1]} of listener {names[0]}"
        case _, 2:
            return f"{_verb(change)} pool {names[0]}"
    return f"{change.path[-1]} of pool {names[0]}" if names else str(change)


def _listener(change: Change, name: str) -> str:
    listener = change.after or change.before
    return f"{_verb(change)} listener {name}" if isinstance(listener, Listener) else str(change)


def _route(change: Change, name: str) -> str:
    route = change.after or change.before
    hosts = ", ".join(route.hosts[:3]) if isinstance(route, Route) else ""
    return f"{_verb(change)} host {hosts}" if hosts else f"{_verb(change)} route {name}"


def _server(change: Change, pool: str, server: str) -> str:
    if isinstance(change.after, ServerState):
        return f"server {server} of pool {pool} {change.after.value}"
    return f"{change.path[-1]} of server {server} of pool {pool}"


def _verb(change: Change) -> str:
    return {"add": "new", "remove": "removed"}.get(change.verb, change.verb)
