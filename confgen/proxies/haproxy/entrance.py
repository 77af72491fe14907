"""What an HTTP port does to each request before its route, as templates/haproxy/http.j2 writes it.  Pure.

It decides which route a request takes, and keeps clients and servers from saying what is not theirs to say: a text that
lacks a line of it, or has one in another place, is refused.  What an operator may leave out by policy is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from confgen.policy import ACCEL, FORWARDED
from confgen.proxies.haproxy import guards
from confgen.proxies.haproxy.shape import Front

Words = tuple[str, ...]

#: What no site can have meant.
_SHAPELESS = (
    "http-request deny deny_status 405 if { method CONNECT TRACE }",
    "http-request deny deny_status 400 unless { path -m beg / } { req.fhdr_cnt(host) eq 1 } { req.fhdr(host) -m len gt 0 }",
)
_ABSOLUTE = "http-request set-uri %[pathq] if { url -m beg -i http } { req.ver 1.0 1.1 }"
_NUL = "http-request deny deny_status 400 if { path -m sub %00 }"
_ABOVE = "http-request deny deny_status 400 if { path /.. } || { path -m beg /../ }"
_HOST = r"http-request set-var(txn.host) req.hdr(host),host_only,lower,regsub(\.$,)"
_MISSED = "unless { var(txn.%s) -m found }"
#: The path in one spelling, whatever the client's was.
_SPELLED = (
    _NUL,
    "http-request set-var(txn.asked) pathq",
    "http-request set-pathq %[path,regsub(%2f,/,gi)]",
    "http-request normalize-uri percent-to-uppercase strict",
    "http-request normalize-uri percent-decode-unreserved strict",
    "http-request normalize-uri path-merge-slashes",
    "http-request normalize-uri path-strip-dot",
    "http-request normalize-uri path-strip-dotdot",
    _ABOVE,
    "http-request set-var(txn.clean) path",
)
_ASKED = "http-request set-pathq %[var(txn.asked)]"
_EXACT = "http-request set-var(txn.match) var(txn.site),concat(=,txn.path),map_str(exact.map)"
_PREFIX = "http-request set-var(txn.match) var(txn.site),concat(,txn.path,/),map_beg(prefixes.map)"
_SITE = "http-request set-var(txn.match) var(txn.site),concat(/),map_str(prefixes.map)"
_PLAIN = "http-request set-var(txn.match) var(txn.host),concat(:{port}),map_str(hosts.map),concat(/),map_str(prefixes.map)"
#: The headers in which a client could forge what a server is told; HAProxy keeps names in lower case.
_FORGED = "^(forwarded|proxy|connection|front-end-https|x-(real-ip|url-scheme|(forwarded|original|rewrite)-.*)|.*_.*)$"
#: What a server is told of the client, made anew.  HAProxy walks through all headers for each look at one that is not there
#: and for each `set-header`, so the client's go in one look, and ours are only added, last.
_TOLD = (
    f"http-request del-header {_FORGED} -m reg",
    "http-request del-header Upgrade if { req.hdr(upgrade) -m sub -i h2c }",
    "http-request add-header Connection upgrade if { req.hdr(upgrade) -m found }",
    "http-request add-header X-Real-IP %[src]",
    "http-request add-header X-Forwarded-For %[src]",
    "http-request add-header X-Forwarded-Proto {protocol}",
    "http-request add-header X-Forwarded-Host %[req.hdr(host)]",
    "http-request add-header X-Forwarded-Port {port} if { req.hdr(host),port_only eq 0 }",
    "http-request add-header X-Forwarded-Port %[req.hdr(host),port_only] unless { req.hdr(host),port_only eq 0 }",
)
_STEERS = "http-response del-header X-Accel- -m beg"


def entrance(front: Front) -> Iterator[Words]:
    """All of it, in its order."""
    for line in (*_SHAPELESS, _ABSOLUTE, _HOST):
        yield _words(line)
    if front.plain:
        yield _words(_PLAIN.replace("{port}", str(front.port)))
    else:
        yield from _found(front)
    yield ("http-request", "set-var(txn.route)", "var(txn.match),word(1, )")
    port = "443" if front.protocol == "https" else "80"
    for line in _TOLD:
        yield _words(line.replace("{protocol}", front.protocol).replace("{port}", port))
    yield _words(_STEERS)


def _found(front: Front) -> Iterator[Words]:
    """The site, then the path in one spelling, then the route."""
    site = f"http-request set-var(txn.site) var(txn.host),concat(:{front.port})"
    yield _words(f"{site},map_str(hosts.map)")
    if front.wildcards:
        yield _words(f"{site},map_end(wildcards.map) {_MISSED % 'site'}")
    if front.strict:
        yield from _strict()
    if front.paths:
        yield from map(_words, _SPELLED)
        yield ("http-request", "set-var(txn.path)", "path,url_dec" + (",regsub( ,%20,g)" if front.spaces else ""))
        yield _words(_ASKED)
    if front.exact:
        yield _words(_EXACT)
        yield _words(f"{_PREFIX} {_MISSED % 'match'}")
    else:
        yield _words(_PREFIX if front.paths else _SITE)


def _strict() -> Iterator[Words]:
    answer = ("http-request", "return", "status", "400", "content-type", "text/plain", "string", guards.AMBIGUOUS_TEXT)
    asked = ("if", "{", "var(txn.site),map_str(strict.map)", "-m", "found", "}", "{", "path", "-m")
    yield (*answer, *asked, "sub", "-i", "--", *guards.AMBIGUOUS, "}")
    yield (*answer, *asked, "reg", "-i", guards.UPWARDS, "}")


def _words(line: str) -> Words:
    return tuple(line.split(" "))


_ALWAYS = frozenset(map(_words, (*_SHAPELESS, _NUL, _ABOVE)))
#: Sets one of the variables that find the route, and say who may come in with it.
SETS = re.compile(r"(?:un)?set-var(?:-fmt)?\(txn\.(?:host|site|asked|clean|path|match|route)[,)]")
#: Sets the path that is asked for.
_SPELLS = ("set-pathq", "set-uri", "normalize-uri")
#: Headers by which a route is found, or a server is told of its client.
_HEADERS = re.compile(
    r"host|connection|upgrade|forwarded|x-real-ip|x-url-scheme|front-end-https|proxy|x-(?:forwarded|original|rewrite)-.*|.*_.*",
    re.DOTALL,
)


def belongs(words: Words) -> bool:
    """Whether a line of an HTTP port is of this kind, as it should be or not."""
    if words in _ALWAYS or part(words) == ACCEL:
        return True
    if words[0] != "http-request" or len(words) < 2:
        return False
    return bool(SETS.match(words[1])) or words[1] in _SPELLS or (words[1] in _ON_HEADERS and _named(words))


#: What `del-header` may be told to look for, by the word behind its -m; an expression may mean any header.
_WAYS = {"beg": str.startswith, "end": str.endswith, "sub": str.__contains__, "str": str.__eq__}
_OURS = ("host", "connection", "upgrade", "x-real-ip", *(f"x-forwarded-{told}" for told in ("for", "proto", "host", "port")))
_ON_HEADERS = ("add-header", "set-header", "del-header", "replace-header", "replace-value")


def _named(words: Words) -> bool:
    """Whether it is about a header that is ours to say."""
    if len(words) < 3:
        return False
    name, way = words[2].lower(), words[4] if words[3:4] == ("-m",) and len(words) > 4 else ""
    if way in _WAYS:
        return any(_WAYS[way](ours, name) for ours in _OURS)
    return bool(way) or _HEADERS.fullmatch(name) is not None


def part(words: Words) -> str:
    """The part that an operator's policy may leave to the templates; "" for what must be there in any case."""
    if words[:1] == ("http-response",) and len(words) > 2 and words[1] in _ON_HEADERS:
        return ACCEL if words[2].lower().startswith("x-accel-") else ""
    told = words[:1] == ("http-request",) and len(words) > 2 and words[1] in _ON_HEADERS and words[2].lower() != "host"
    return FORWARDED if told and _named(words) else ""
