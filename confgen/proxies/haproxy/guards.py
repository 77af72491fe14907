"""Who may come in, and how much of a route one client may take, in HAProxy's words.  Pure.

nginx's order: the body's size, what one client may take, the address, the password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from confgen.limits import Limits
from confgen.model import Listener, Model, Route
from confgen.users import Users

#: Spellings that some app reads as another path: `;`, `#`, a backslash, and encoded what ends a segment or a path when it is decoded
#: once more: `# % / ; ? \`, NUL, and what is a long form of ASCII (%c0, %c1).
AMBIGUOUS = ("%23", "%25", "%2f", "%3b", "%3f", "%5c", "%00", "%c0", "%c1", ";", "\\", "#")
#: A segment that leads back up: some apps go by what a path begins with, and see the segments before it.
UPWARDS = "/([.]|%2e)([.]|%2e)(/|$)"
AMBIGUOUS_TEXT = "400: this path can be read in two ways\n"

#: What is shown beside the name and the password.
REALM = "Restricted"

#: How long a client is remembered at least, in milliseconds.
_REMEMBERED = 60_000


@dataclass(frozen=True, slots=True)
class Acl:
    """A named set of client addresses.  Lines of one name belong together, since a line has 64 words at most."""

    name: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What is counted of each client of one route: a backend of its own, as a backend holds one table.

    expire: milliseconds for which a client is remembered.  counts: what of it, as written.
    """

    name: str
    expire: int
    counts: str


@dataclass(frozen=True, slots=True)
class UserList:
    """Who may log in."""

    name: str
    users: Users


#: Action, value and condition of a rule.
Step = tuple[str, str, str]

#: Networks on one line.
_ON_A_LINE = 32


def acls(route: Route, listener: Listener) -> tuple[Acl, ...]:
    """The sets of a route, IPv4 and IPv6 apart: HAProxy takes an IPv4 address for its IPv6 spelling too, and some the other way."""
    found = []
    for what in ("allow", "deny"):
        for v6 in (False, True):
            networks = tuple(str(network) for network in getattr(route, what) if network.v6 is v6)
            parts = (networks[at : at + _ON_A_LINE] for at in range(0, len(networks), _ON_A_LINE))
            found += [Acl(_acl_name(what, v6, route, listener), part) for part in parts]
    return tuple(found)


def _acl_name(what: str, v6: bool, route: Route, listener: Listener) -> str:
    """With the port: sets of one name are one set."""
    return f"{what}{'6' if v6 else '4'}:{listener.port}:{route.name}"


def strangers(route: Route, listener: Listener) -> Iterable[str]:
    """Conditions of which each tells a client that may not come in."""
    for v6, of_family in ((False, "!{ src -m sub : }"), (True, "{ src -m sub : }")):
        if any(network.v6 is v6 for network in route.deny):
            yield f"{of_family} {_acl_name('deny', v6, route, listener)}"
        if any(network.v6 is v6 for network in route.allow):
            yield f"{of_family} !{_acl_name('allow', v6, route, listener)}"
        elif route.allow:
            yield of_family


def steps(route: Route, listener: Listener) -> list[Step]:
    """All that stands between a request and the servers of its route."""
    denied = [("deny deny_status", "403", stranger) for stranger in strangers(route, listener)]
    asked = [("auth realm", REALM, f"!{{ http_auth({list_name(route.users)}) }}")] if route.users else []
    return [*_body(route.limits), *_counted(route, listener), *denied, *asked]


def _body(limits: Limits) -> list[Step]:
    """A body whose length nobody says cannot be measured before a server has seen it: it is refused.

    A length of more than 15 digits is one that not every HAProxy can count (2.6 and 3.2 pass some: measured).  HTTP/2 says
    no `Transfer-Encoding`, so whether there is a body shows when its first byte or its end has come.
    """
    if not limits.body:
        return []
    unsaid = "!{ req.hdr(content-length) -m found }"
    return [
        ("deny deny_status", "413", f"{{ req.body_size gt {int(limits.body)} }}"),
        ("deny deny_status", "413", "{ req.hdr(content-length) -m len gt 15 }"),
        ("return status", "411", "{ req.hdr(transfer-encoding) -m found }"),
        ("wait-for-body time 10s at-least", "1", f"{unsaid} {{ req.ver 2.0 }}"),
        ("return status", "411", f"{unsaid} {{ req.body_len gt 0 }}"),
    ]


def _counted(route: Route, listener: Listener) -> list[Step]:
    """Only what is let through counts against the rate, as with nginx: who knocks too fast still gets the share of one who does not."""
    limits = route.limits
    if not (limits.rate or limits.connections):
        return []
    found = [("track-sc0 src table", table_name(route, listener), "")]
    if limits.rate:
        found += [("deny deny_status", "429", f"{{ sc_gpc0_rate(0) gt {limits.burst} }}"), ("sc-inc-gpc0(0)", "", "")]
    if limits.connections:
        found.append(("deny deny_status", "429", f"{{ sc_conn_cur(0) gt {limits.connections} }}"))
    return found


def connections(route: Route, listener: Listener) -> tuple[str, int]:
    """The table of a tcp route and how many connections one client may have, ("", 0) for any number."""
    most = route.limits.connections
    return (table_name(route, listener), most) if most else ("", 0)


def tables(model: Model) -> tuple[Table, ...]:
    """One for each route that counts, on whatever ports it is served."""
    found = {
        table_name(route, listener): Table(
            table_name(route, listener), max(_REMEMBERED, 2 * route.limits.window), _counts(route.limits)
        )
        for listener in model.listeners
        for route in listener.routes
        if (route.limits.rate or route.limits.connections) and not route.withheld
    }
    return tuple(found[name] for name in sorted(found))


def table_name(route: Route, listener: Listener) -> str:
    """By a hash: a name of a table is short, and one that counts something else is another.  http and https count together."""
    definition = f"{'http' if listener.web else 'stream'} {route.name} {_counts(route.limits)}"
    return f"limit:{hashlib.sha256(definition.encode()).hexdigest()[:16]}"


def _counts(limits: Limits) -> str:
    """HAProxy has no leaking bucket: in the time that a whole burst takes to be made up for, so many are let through."""
    return ",".join([*(["conn_cur"] if limits.connections else []), *([f"gpc0_rate({limits.window}ms)"] if limits.rate else [])])


def list_name(users: Users) -> str:
    """By a hash of all in it."""
    said = " ".join(f"{user.name}:{user.hash.digest}" for user in users)
    return f"users:{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def user_lists(model: Model) -> tuple[UserList, ...]:
    """Each list once, whoever uses it."""
    lists = {list_name(route.users): route.users for route in model.routes() if route.users and not route.withheld}
    return tuple(UserList(name, users) for name, users in sorted(lists.items()))


def strict(model: Model) -> tuple[str, ...]:
    """The sites on which a path that can be read in two ways is refused."""
    return tuple(sorted(f"{host}:{x.port}" for x in model.listeners if x.web for host in x.strict()))
