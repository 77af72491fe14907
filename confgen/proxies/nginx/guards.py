"""Who may come in, and how much of a route one client may take, in nginx's words.  Pure."""

from __future__ import annotations

import hashlib

from confgen.limits import Size
from confgen.model import Model, Route
from confgen.settings import Frame
from confgen.users import Users

#: Directives with their values as written.
Directives = tuple[tuple[str, str], ...]

#: Spellings that some app reads as another path: `;`, `#`, a backslash, and encoded what ends a segment or a path when it is decoded
#: once more: `/ ; # ? % \`, NUL, and what is a long form of ASCII (%c0, %c1). And a segment that leads back up: some apps go by what
#: a path begins with, and see the segments before it.
AMBIGUOUS = r"~*^[^?]*(%2[35f]|%3[bf]|%5c|%00|%c[01]|[;\\#]|/([.]|%2e)([.]|%2e)(/|[?]|$))"
AMBIGUOUS_TEXT = "400: this path can be read in two ways\n"

#: What is shown beside the name and the password.
REALM = "Restricted"

#: 2 MiB hold about 16,000 clients; of these only what is used is taken, and the one that was idle for longest makes room.
_ZONE = "2m"


def access(route: Route) -> Directives:
    """`deny` and `allow`; nginx obeys the first that fits."""
    denied = tuple(("deny", str(network)) for network in route.deny)
    return denied + tuple(("allow", str(network)) for network in route.allow) + ((("deny", "all"),) if route.allow else ())


def limits(route: Route, stream: bool = False) -> Directives:
    """What a location, or a stream's server, says of one client's share."""
    given = route.limits
    found: list[tuple[str, str]] = []
    if given.body is not None:
        found.append(("client_max_body_size", _size(given.body)))
    if given.rate:
        burst = f" burst={given.burst} nodelay" if given.burst else ""  # nginx refuses burst=0
        found += [("limit_req", f"zone={_name('req', route)}{burst}"), ("limit_req_status", "429")]
    if given.connections:
        found.append(("limit_conn", f"{_name('conn', route, stream)} {given.connections}"))
        found += [] if stream else [("limit_conn_status", "429")]
    return tuple(found)


def zones(model: Model, stream: bool) -> Directives:
    """The memory in which http, or stream, counts."""
    routes = [route for x in model.listeners if x.web is not stream for route in x.routes if not route.withheld]
    return tuple(dict.fromkeys(zone for route in routes for zone in _zones(route, stream)))


def _zones(route: Route, stream: bool) -> Directives:
    key, given = "$binary_remote_addr", route.limits
    found = []
    if given.rate:
        found.append(("limit_req_zone", f"{key} zone={_name('req', route)}:{_ZONE} rate={given.rate}"))
    if given.connections:
        found.append(("limit_conn_zone", f"{key} zone={_name('conn', route, stream)}:{_ZONE}"))
    return tuple(found)


def _name(kind: str, route: Route, stream: bool = False) -> str:
    """A hash of all that the zone is: nginx refuses a reload that changes one.  http and https count together."""
    definition = (kind, "stream" if stream else "http", route.name, _ZONE, str(route.limits.rate) if kind == "req" else "")
    return f"{kind}.{hashlib.sha256(' '.join(definition).encode()).hexdigest()[:16]}"


def _size(size: Size) -> str:
    """10m, 512k, 1000."""
    for unit, bytes_ in (("g", 1024**3), ("m", 1024**2), ("k", 1024)):
        if size and size % bytes_ == 0:
            return f"{size // bytes_}{unit}"
    return str(int(size))


def users_file(users: Users, frame: Frame) -> tuple[str, str]:
    """Where in a generation the users are, and where the generations are; "" for none.

    The text names its own generation, and not `live`: old workers read this file while they finish.
    """
    return (_path(users), f"{frame.directory}/generations/" if frame.followed else "") if users else ("", "")


def _path(users: Users) -> str:
    """The same users, the same file."""
    said = " ".join(f"{user.name}:{user.hash.digest}" for user in users)
    return f"users/{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def users_lists(model: Model) -> dict[str, Users]:
    """Who stands in which file."""
    return {_path(route.users): route.users for route in model.routes() if route.users and not route.withheld}


def users_files(model: Model) -> dict[str, bytes]:
    """The files that nginx's workers look passwords up in."""
    lists = sorted(users_lists(model).items())
    return {path: "".join(f"{user.name}:{user.hash.raw}\n" for user in users).encode() for path, users in lists}
