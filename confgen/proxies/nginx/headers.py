"""What a server is told of the client, and what a route says beside it.  Pure."""

from __future__ import annotations

from confgen.model import Route
from confgen.values import Text

#: Headers that a server may believe: name and value as written.  $host and not $http_host, which lies when the request
#: line holds an absolute URL (measured); the port goes with it, since apps make links of it.
SAID = (
    ("Host", "$confgen_host"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$remote_addr"),
    ("X-Forwarded-Proto", "$scheme"),
    ("X-Forwarded-Host", "$confgen_host"),
    ("X-Forwarded-Port", "$confgen_port"),
)

#: Headers by which a client could make an app believe what is not so; dropped.  nginx drops those with "_" by itself.
DROPPED = (
    "Forwarded",
    "Front-End-Https",
    "Proxy",
    "X-Forwarded-By",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Method",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-Uri",
    "X-Forwarded-User",
    "X-Original-For",
    "X-Original-Forwarded-For",
    "X-Original-Host",
    "X-Original-Method",
    "X-Original-Prefix",
    "X-Original-Proto",
    "X-Original-Remote-Addr",
    "X-Original-Uri",
    "X-Original-Url",
    "X-Rewrite-Uri",
    "X-Rewrite-Url",
    "X-Url-Scheme",
)

#: All of it: name and value as written, "" for what is dropped.
TOLD = SAID + tuple((name, "") for name in DROPPED)

#: For upgrades; HTTP/2 has none.
_UPGRADE = (("Upgrade", "$confgen_upgrade"), ("Connection", "$confgen_connection"))

#: Headers that nginx writes by itself into every response.
OWN = ("server", "date")


def told(route: Route, module: str) -> tuple[tuple[str, str | Text], ...]:
    """The whole list for a location: nginx forgets the one of http where a location has any of its own."""
    if not route.request_headers:
        return ()
    given = {header.name.lower() for header in route.request_headers}
    common = TOLD + (_UPGRADE if module == "proxy" else ())
    own = tuple((str(header.name), header.value) for header in route.request_headers)
    return tuple((name, value) for name, value in common if name.lower() not in given) + own


def answered(route: Route) -> tuple[tuple[str, Text], ...]:
    """What a client is told instead of what the server says; an empty one is only hidden."""
    return tuple((str(header.name), header.value) for header in route.response_headers)
