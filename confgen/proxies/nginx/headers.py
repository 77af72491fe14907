"""What a server is told of the client, and what a route says beside it.  Pure."""

from __future__ import annotations

from confgen.model import Route
from confgen.policy import ACCEL, FORWARDED
from confgen.readback import Statement
from confgen.values import Text

#: Headers that a server may believe: name and value as written.  $host and not $http_host, which lies when the request
#: line holds an absolute URL (measured); the port goes with it, since apps make links of it.
SAID = (
    ("Host", "$host$confgen_colon_port"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$remote_addr"),
    ("X-Forwarded-Proto", "$scheme"),
    ("X-Forwarded-Host", "$host$confgen_colon_port"),
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

#: The variables that these values are made of: each map, and what stands in it.
MAPS: tuple[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    (("map", "$http_upgrade", "$confgen_upgrade"), (("default", "$http_upgrade"), ("~*h2c", ""))),
    (("map", "$confgen_upgrade", "$confgen_connection"), (("default", "upgrade"), ("", ""))),
    (("map", "$http_host", "$confgen_colon_port"), (("default", ""), ("~(?<confgen_colon>:[0-9]{1,5})$", "$confgen_colon"))),
    (
        ("map", "$scheme$confgen_colon_port", "$confgen_port"),
        (("http", "80"), ("https", "443"), ("~:(?<confgen_number>.*)$", "$confgen_number")),
    ),
)
VARIABLES = frozenset(words[-1] for words, _ in MAPS)

#: What servers may not steer: all but X-Accel-Buffering, which is about their own response.
IGNORED = ("X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate", "X-Accel-Charset")

#: For upgrades; HTTP/2 has none.
UPGRADE = (("Upgrade", "$confgen_upgrade"), ("Connection", "$confgen_connection"))

_NAMES = frozenset(name.lower() for name, _ in TOLD + UPGRADE)


def part(statement: Statement) -> str:
    """The part of http to which a statement belongs that an operator's policy may leave to the templates; "" for none."""
    if statement.blocks[:1] != (("http",),) or len(statement.blocks) > 2:
        return ""
    around = statement.blocks[1] if statement.blocks[1:] else statement.words
    if around[0] == "map":
        return FORWARDED if around[-1] in VARIABLES else ""
    if statement.blocks[1:]:
        return ""
    if around[0].endswith("_ignore_headers"):
        return ACCEL
    return FORWARDED if around[0].endswith("_set_header") and len(around) > 1 and around[1].lower() in _NAMES else ""


#: Headers that nginx writes by itself into every response.
OWN = ("server", "date")


def told(route: Route, module: str) -> tuple[tuple[str, str | Text], ...]:
    """The whole list for a location: nginx forgets the one of http where a location has any of its own."""
    if not route.request_headers:
        return ()
    given = {header.name.lower() for header in route.request_headers}
    common = TOLD + (UPGRADE if module == "proxy" else ())
    own = tuple((str(header.name), header.value) for header in route.request_headers)
    return tuple((name, value) for name, value in common if name.lower() not in given) + own


def answered(route: Route) -> tuple[tuple[str, Text], ...]:
    """What a client is told instead of what the server says; an empty one is only hidden."""
    return tuple((str(header.name), header.value) for header in route.response_headers)
