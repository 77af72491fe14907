"""What stands in a rendered text, read by other means than confgen's own, and what its model says should.

Written from the manuals of nginx and HAProxy and on purpose without confgen.proxies.*.structure and .tokens: a mistake that
those share with the templates would be seen here.  Every statement's first word, every comment, host, path, destination,
server and port is compared.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote

from confgen.model import Listener, Model, Pool, Route, Server, ServerState
from confgen.render import shipped
from confgen.values import Name, Port

#: Facts of one text: pairs of what it is and its words.
Facts = frozenset[tuple[str, ...]]


def differences(proxy: str, files: Mapping[str, bytes], model: Model, features: Iterable[str]) -> list[str]:
    """What the text has and the model has not, and the other way round; nothing when they agree."""
    texts = {name: content.decode("utf-8") for name, content in files.items() if name != "model.json"}
    try:
        found = _READ[proxy](texts)
    except (IndexError, ValueError) as error:  # a statement without the words that it must have
        return [f"the text has a statement that is cut off: {error}"]
    meant = _MEANT[proxy](model, frozenset(features))
    surplus = [f"the text has {' '.join(fact)!r}" for fact in sorted(found - meant)]
    return surplus + [f"the text lacks {' '.join(fact)!r}" for fact in sorted(meant - found)] + list(_stray(proxy, texts))


def _stray(proxy: str, texts: Mapping[str, str]) -> Iterator[str]:
    """Control characters, and comments that no template holds."""
    for name, text in texts.items():
        bad = re.search(r"[^\n -~\u0080-\U0010ffff]", text)
        if bad:
            yield f"{name} holds the control character {bad[0]!r}"
    for comment in _comments(proxy, texts):
        if not any(known.fullmatch(comment) for known in _known_comments(proxy)):
            yield f"the comment {comment!r} stands in no template"


def _comments(proxy: str, texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        if name == "nginx.conf":
            yield from (word for kind, word in _nginx_words(text) if kind == "comment")
        elif name == "haproxy.cfg":
            yield from (comment for line in text.split("\n") if (comment := _haproxy_words(line)[1]))
        else:
            yield from (line for line in text.split("\n") if line.startswith("#"))


@cache
def _known_comments(proxy: str) -> tuple[re.Pattern[str], ...]:
    """The comments of the templates; what they print there may only be names and numbers."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((shipped() / proxy).glob("*.j2")))
    lines = {line.strip() for line in re.findall(r"(?:^|(?<=\s))#(?:[ ].*|$)", text, re.MULTILINE)}
    return tuple(re.compile(r"[A-Za-z0-9_.-]+".join(map(re.escape, re.split(r"\{\{.*?\}\}", line)))) for line in sorted(lines))


# --- nginx

_NGINX = re.compile(
    r"""(?P<blank>[ \t\r\n]+) | (?P<comment>\#[^\n]*) | (?P<quoted>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*') | (?P<end>[;{}])
      | (?P<bare>(?:[^ \t\r\n;{\\$]|\\.|\$\{*)+)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Statements by the names of the blocks around them, as the templates write them.
NGINX_STATEMENTS: dict[str, frozenset[str]] = {
    "": _words("load_module worker_processes worker_rlimit_nofile worker_shutdown_timeout error_log events http stream"),
    "events": frozenset({"worker_connections"}),
    "http": _words(
        "server_tokens default_type client_max_body_size resolver_timeout resolver server_names_hash_bucket_size keepalive_timeout "
        "server_names_hash_max_size uninitialized_variable_warn keepalive_min_timeout http2 log_format access_log map geo upstream "
        "server grpc_next_upstream grpc_connect_timeout grpc_read_timeout grpc_send_timeout grpc_next_upstream_tries grpc_set_header "
        "grpc_next_upstream_timeout grpc_socket_keepalive grpc_buffer_size grpc_ignore_headers grpc_ssl_server_name grpc_ssl_name "
        "grpc_ssl_verify proxy_http_version proxy_next_upstream proxy_connect_timeout proxy_read_timeout proxy_send_timeout "
        "proxy_next_upstream_tries proxy_next_upstream_timeout proxy_redirect proxy_socket_keepalive proxy_buffer_size proxy_buffers "
        "proxy_busy_buffers_size proxy_ignore_headers proxy_ssl_server_name proxy_ssl_name proxy_ssl_verify proxy_set_header "
        "proxy_headers_hash_bucket_size proxy_headers_hash_max_size large_client_header_buffers ssl_protocols ssl_ciphers "
        "ssl_prefer_server_ciphers ssl_ecdh_curve ssl_session_cache ssl_session_timeout ssl_session_tickets "
        "limit_req_zone limit_conn_zone"
    ),
    "http upstream": _words("zone resolver least_conn random hash server sticky keepalive keepalive_timeout"),
    "http server": _words(
        "listen server_name access_log location if http2 ssl_certificate ssl_certificate_key ssl_reject_handshake"
    ),
    "http server if": frozenset({"return"}),
    "http server location": _words(
        "set return add_header rewrite proxy_http_version proxy_pass grpc_pass proxy_connect_timeout proxy_read_timeout "
        "proxy_send_timeout proxy_next_upstream_tries proxy_next_upstream_timeout grpc_connect_timeout grpc_read_timeout "
        "grpc_send_timeout grpc_next_upstream_tries grpc_next_upstream_timeout keepalive_timeout allow deny "
        "proxy_set_header grpc_set_header proxy_hide_header grpc_hide_header auth_basic auth_basic_user_file client_max_body_size "
        "limit_req limit_req_status limit_conn limit_conn_status"
    ),
    "stream": _words("log_format access_log resolver proxy_next_upstream proxy_socket_keepalive upstream server limit_conn_zone"),
    "stream upstream": _words("zone resolver least_conn random hash server"),
    "stream server": _words(
        "listen set proxy_connect_timeout proxy_timeout proxy_next_upstream_tries proxy_pass return allow deny limit_conn"
    ),
}


@dataclass
class _Block:
    """A block of nginx's file: its words, and what stands in it."""

    words: list[str]
    statements: list[list[str]] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)

    def named(self, name: str) -> list[list[str]]:
        return [words[1:] for words in self.statements if words[0] == name]

    def within(self, name: str) -> list[_Block]:
        return [block for block in self.blocks if block.words[0] == name]


def _nginx_words(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _NGINX.match(text, at)
        if not found or not found.lastgroup:
            yield "unreadable", text[at : at + 60]
            return
        at = found.end()
        said = found[0][1:-1] if found.lastgroup == "quoted" else found[0]
        if found.lastgroup in ("quoted", "bare"):
            said = re.sub(r"\\([\"'\\nrt])", lambda m: _ESCAPED.get(m[1], m[1]), said)
        yield found.lastgroup, said


def _nginx_tree(text: str) -> _Block:
    tree = [_Block([""])]
    words: list[str] = []
    for kind, said in _nginx_words(text):
        if kind in ("quoted", "bare", "unreadable"):
            words.append(said)
        elif kind == "end" and said == ";":
            tree[-1].statements.append(words)
            words = []
        elif kind == "end" and said == "{":
            block = _Block(words)
            tree[-1].blocks.append(block)
            tree.append(block)
            words = []
        elif kind == "end":
            tree.pop()
    return tree[0]


def read_nginx(texts: Mapping[str, str]) -> Facts:
    """Hosts, paths with where they lead, upstreams with their servers, ports, and whatever stands where it should not."""
    tree = _nginx_tree(texts["nginx.conf"])
    facts = set(_strangers(tree, ""))
    for part in ("http", "stream"):
        for block in tree.within(part):
            for upstream in block.within("upstream"):
                facts.add((part, "upstream", *upstream.words[1:]))
                facts.update((part, "upstream", *upstream.words[1:], "server", words[0]) for words in upstream.named("server"))
    for part in ("http", "stream"):
        for block in tree.within(part):
            guards = _Guards(block, texts)
            for server in block.within("server"):
                facts |= _nginx_site(server, guards) if part == "http" else _nginx_port(server, guards)
            facts.update(("counted for several", zone) for zone, routes in guards.users.items() if len(routes) > 1)
    return frozenset(facts)


class _Guards:
    """What the zones and users files of one part mean, and for which routes each zone counts."""

    def __init__(self, block: _Block, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._zones: dict[str, tuple[str, ...]] = {}
        self.users: dict[str, set[str]] = {}
        self.ambiguous = [m.statements for m in block.within("map") if m.words[1:] == ["$request_uri", "$confgen_ambiguous"]]
        for words in block.named("limit_req_zone") + block.named("limit_conn_zone"):
            self._zones[words[1].removeprefix("zone=").partition(":")[0]] = (words[0], *words[2:])

    def _zone(self, name: str, block: _Block) -> tuple[str, ...]:
        route = next(words[1] for words in block.named("set") if words[0] == "$confgen_route")
        self.users.setdefault(name, set()).add(route)
        return self._zones.get(name, ("no zone",))

    def of(self, block: _Block) -> Iterator[tuple[str, ...]]:
        yield from (("body", words[0]) for words in block.named("client_max_body_size"))
        for words in block.named("limit_req"):
            yield ("rate", *self._zone(words[0].removeprefix("zone="), block), *words[1:])
        for words in block.named("limit_conn"):
            yield ("at once", *self._zone(words[0], block), *words[1:])
        yield from (("status", *words) for kind in ("limit_req_status", "limit_conn_status") for words in block.named(kind))
        for words in block.named("auth_basic_user_file"):
            path = re.fullmatch(r"/.*/generations/[0-9a-f]{16}/(users/[0-9a-f]{16})", words[0])
            yield ("users", *(self._texts[path[1]].split("\n")[:-1] if path else ["not of this generation"]))
        yield from (("asked", words[0]) for words in block.named("auth_basic"))


def _strangers(block: _Block, around: str) -> Iterator[tuple[str, ...]]:
    """Statements that have no business where they stand."""
    known = NGINX_STATEMENTS.get(around, frozenset())
    own_map = around in ("http map", "http geo")
    for words in [*block.statements, *(inner.words for inner in block.blocks)]:
        if not words or (words[0] not in known and not own_map):
            yield ("stranger", around, *words[:1])
    for inner in block.blocks:
        yield from _strangers(inner, f"{around} {inner.words[0]}".strip())


def _nginx_site(server: _Block, guards: _Guards) -> set[tuple[str, ...]]:
    names = [name for words in server.named("server_name") for name in words]
    if not names:  # the server block for confgen itself
        return {("control", *words) for location in server.within("location") for words in [location.words[1:]]}
    side = "tls" if any("ssl" in words for words in server.named("listen")) else "plain"
    shown = [words for name in ("ssl_certificate", "ssl_certificate_key") for words in server.named(name)]
    shown = shown or [["rejected", *words] for words in server.named("ssl_reject_handshake")] or [["none"]]
    facts: set[tuple[str, ...]] = {("host", side, name, *words) for name in names for words in shown}
    for test in server.within("if"):
        refused = guards.ambiguous == [_AMBIGUOUS] and test.words[1:] == ["($confgen_ambiguous)"]
        facts.update(("strict", side, name, *test.statements[0][:2]) if refused else ("if", *test.words) for name in names)
    for location in server.within("location"):
        facts.update(
            ("location", side, name, *location.words[1:], "to", *_nginx_to(location), *_nginx_access(location)) for name in names
        )
        said = {*_nginx_headers(location), *guards.of(location)}
        facts.update(("in", side, name, *location.words[1:], *fact) for name in names for fact in said)
    return facts


def _nginx_headers(block: _Block) -> Iterator[tuple[str, ...]]:
    """Headers with a text of their own; the others are variables of nginx's, or dropped."""
    hidden = {words[0] for module in ("proxy", "grpc") for words in block.named(f"{module}_hide_header")}
    yield from (("hide", name) for name in hidden)
    for words in block.named("add_header"):
        if words[0] in hidden:
            yield ("answer", words[0], words[1].replace("${confgen_dollar}", "$"))
    for words in [*block.named("proxy_set_header"), *block.named("grpc_set_header")]:
        if not re.fullmatch(r"(\$[a-z_]+)*", words[1]):
            yield ("tell", words[0], words[1].replace("${confgen_dollar}", "$"))


def _nginx_to(block: _Block) -> tuple[str, ...]:
    found = [("return", *words) for words in block.named("return")]
    for words in block.named("proxy_pass") + block.named("grpc_pass"):
        targets = [w[1] for w in block.named("set") if w[0] == "$confgen_server"]
        url = re.fullmatch(r"(?:(?:https?|grpcs?)://)?([^/]+)(?:/.*)?", words[0], re.DOTALL)
        said = url[1] if url else words[0]
        found.append(("pass", *targets) if said == "$confgen_server" else ("pass", said))
    (only,) = found if len(found) == 1 else [("nowhere or twice",)]
    return tuple(word.replace("${confgen_dollar}", "$") for word in only)


def _nginx_access(block: _Block) -> tuple[str, ...]:
    """Who may come in: the first that fits holds, so the order counts."""
    return tuple(" ".join(words) for words in block.statements if words[0] in ("allow", "deny"))


#: What the map that finds ambiguous paths says.
_AMBIGUOUS = [["default", ""], [r"~*^[^?]*(%2[35f]|%3[bf]|%5c|%00|%c[01]|[;\\#]|/([.]|%2e)([.]|%2e)(/|[?]|$))", "1"]]


def _nginx_port(server: _Block, guards: _Guards) -> set[tuple[str, ...]]:
    to = (*_nginx_to(server), *_nginx_access(server), *(word for fact in guards.of(server) for word in fact))
    ports = {re.sub(r"^\[::\]:", "", words[0]) + ("/udp" if "udp" in words else "/tcp") for words in server.named("listen")}
    return {("port", port, "to", *to) for port in ports}


def meant_for_nginx(model: Model, features: frozenset[str]) -> Facts:
    """The same from the model."""
    facts: set[tuple[str, ...]] = {("host", "plain", "_", "none"), ("control", "=", "/.confgen/generation"), ("control", "/")}
    pools = {pool.name: pool for pool in model.pools}
    whole = "resolve" in features
    for pool in model.pools:
        facts |= _meant_upstream(pool, whole)
    for listener in model.listeners:
        for route in listener.routes:
            to = _nginx_goes(route, pools.get(route.pool) if route.pool else None, whole)
            if listener.protocol == "http":
                facts |= {fact for host in route.hosts for fact in _meant_site(model, route, host, to)}
                continue
            served = to if to[0] == "pass" else ("return", "")
            most = 0 if route.withheld else route.limits.connections
            counted = ("at once", "$binary_remote_addr", str(most)) if most else ()
            facts.add(("port", f"{int(listener.port)}/{listener.protocol}", "to", *served, *_meant_access(route), *counted))
    if any(fact[:2] == ("host", "tls") for fact in facts):
        facts.add(("host", "tls", "_", "rejected", "on"))
    facts |= {("strict", side, host, "return", "400") for side, host in _strict(model)}
    rooted = {fact[1:3] for fact in facts if fact[0] == "location" and fact[3] == "/"}
    facts |= {
        ("location", *fact[1:3], "/", "to", "return", "404", _NOT_FOUND)
        for fact in facts
        if fact[0] == "host" and fact[1:3] not in rooted
    }
    return frozenset(facts)


def _meant_site(model: Model, route: Route, host: str, to: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a route means for one of its hosts, on each side."""
    file = _certificate(model, host)
    ways = {"plain": ("none",), "tls": (file,) if file else ("rejected", "on")}
    for side, does in _sides(model, route, host):
        served = {"https": ("return", "308", "https://$host$request_uri"), "nothing": ("return", "404", _NOT_FOUND)}
        served["withheld"] = ("return", "503", "503: withheld\n")
        goes = served.get(does, to)
        yield ("host", side, host, *ways[side])
        for place in _places(route):
            yield ("location", side, host, *place, "to", *goes, *(_meant_access(route) if goes[0] == "pass" else ()))
            if goes[0] == "pass":
                yield from (("in", side, host, *place, *fact) for fact in (*_meant_headers(route, side), *_meant_guards(route)))
            elif does == "route" and not route.withheld:
                said = [(name, value) for name, value in _answered(route, side) if value]
                yield from (("in", side, host, *place, *fact) for n, v in said for fact in (("hide", n), ("answer", n, v)))


def _certificate(model: Model, host: str) -> str:
    return next((f"/confgen/certs/{c.digest}.pem" for c in model.certificates if host in c.hosts), "")


def _under_wildcard(model: Model, host: str) -> bool:
    """A wildcard with a certificate fits this name, or all names that this wildcard stands for."""
    wild = {str(name) for c in model.certificates for name in c.hosts if name.startswith("*.")}
    served = {str(name) for listener in model.listeners for route in listener.routes for name in route.hosts}
    labels = host.split(".")
    return any(".".join(["*", *labels[n:]]) in wild & served for n in range(1, len(labels)) if labels[:n] != ["*"])


def _sides(model: Model, route: Route, host: str) -> Iterator[tuple[str, str]]:
    """What a client gets that asks this route for this host: on the plain port, and over TLS where the host has that."""
    has, tls = bool(_certificate(model, host)), route.tls
    if not has and _under_wildcard(model, host):
        yield "tls", "nothing"
    if route.withheld:
        yield from ((side, "withheld") for side in ("plain", *(["tls"] if has else [])))
    elif tls.mode == "off":
        yield from (("plain", "route"), *([("tls", "nothing")] if has else []))
    elif has:
        otherwise = "withheld" if tls.mode == "require" else "route"
        yield from (("plain", "https" if tls.redirect else otherwise), ("tls", "route"))
    else:
        yield "plain", "withheld" if tls.mode == "require" or tls.certificate else "route"


_NOT_FOUND = "404: no route for this host and path\n"


def _places(route: Route) -> list[tuple[str, str]] | list[tuple[str]]:
    path = unquote(route.match.path, errors="strict")
    if route.match.exact:
        return [("=", path)]
    return [("/",)] if path == "/" else [("=", path), ("^~", path + "/")]


def _nginx_goes(route: Route, pool: Pool | None, whole: bool) -> tuple[str, ...]:
    if route.withheld:
        return ("return", "503", "503: withheld\n")
    if route.redirect:
        return ("return", str(int(route.redirect.code)), str(route.redirect.url))
    if pool is None or not any(_takes(server) for server in pool.servers):
        return ("return", "503", "503: no server is ready for this\n")
    named = [server for server in _written(pool) if server.resolve]
    return ("pass", _at(named[0])) if named and not whole else ("pass", _upstream_name(pool))


_STRICT = "Strict-Transport-Security"


def _meant_headers(route: Route, side: str) -> list[tuple[str, ...]]:
    said = [("tell", str(h.name), h.value.raw) for h in route.request_headers if h.value.raw]
    for name, value in _answered(route, side):
        said += [("hide", name), *([("answer", name, value)] if value else [])]
    return said


def _answered(route: Route, side: str) -> list[tuple[str, str]]:
    """What a client is told there: over TLS also to stay there, whatever another label says of it."""
    strict = side == "tls" and route.tls.hsts
    own = [(str(h.name), h.value.raw) for h in route.response_headers if not (strict and h.name.lower() == _STRICT.lower())]
    return own + ([(_STRICT, f"max-age={route.tls.hsts}")] if strict else [])


def _strict(model: Model) -> set[tuple[str, str]]:
    """Hosts with several routes, on each side, of which one is not for everybody there."""
    there: dict[tuple[str, str], list[bool]] = {}
    for listener in model.listeners:
        for route in listener.routes:
            for host in route.hosts:
                for side, does in _sides(model, route, host):
                    shut = bool(route.allow or route.deny or route.users) or does == "withheld"
                    there.setdefault((side, str(host)), []).append(shut)
    return {where for where, shut in there.items() if len(shut) > 1 and any(shut)}


def _meant_guards(route: Route) -> list[tuple[str, ...]]:
    limits, client = route.limits, "$binary_remote_addr"
    found: list[tuple[str, ...]] = []
    if limits.body is not None:
        found.append(("body", _nginx_size(int(limits.body))))
    if limits.rate:
        found.append(("rate", client, f"rate={limits.rate}", *([f"burst={limits.burst}", "nodelay"] if limits.burst else [])))
    if limits.connections:
        found.append(("at once", client, str(limits.connections)))
    if limits.rate or limits.connections:
        found.append(("status", "429"))
    if route.users:
        found += [("users", *(f"{user.name}:{user.hash.raw}" for user in route.users)), ("asked", "Restricted")]
    return found


def _nginx_size(size: int) -> str:
    power = max(power for power in range(4) if size % 1024**power == 0) if size else 0
    return f"{size // 1024**power}{' kmg'[power].strip()}"


def _meant_access(route: Route) -> tuple[str, ...]:
    allowed = [f"allow {network}" for network in route.allow]
    return (*(f"deny {network}" for network in route.deny), *allowed, *(["deny all"] if allowed else []))


def _takes(server: Server) -> bool:
    return server.state is ServerState.READY and int(server.weight) > 0


def _written(pool: Pool) -> list[Server]:
    sticks = pool.sticky is not None and pool.sticky.kind == "cookie"
    return [s for s in pool.servers if _takes(s) or (sticks and s.state is ServerState.DRAINING)]


def _at(server: Server) -> str:
    return f"[{server.address}]:{int(server.port)}" if ":" in server.address else f"{server.address}:{int(server.port)}"


def _upstream_name(pool: Pool) -> str:
    """nginx compares the names of upstreams without regard to case."""
    lower = pool.name.lower()
    return lower if lower == pool.name else f"{lower}-{hashlib.sha256(pool.name.encode()).hexdigest()[:8]}"


def _meant_upstream(pool: Pool, whole: bool) -> set[tuple[str, ...]]:
    servers = _written(pool)
    if not any(_takes(server) for server in servers) or (not whole and any(server.resolve for server in servers)):
        return set()
    title = ("stream" if pool.stream else "http", "upstream", _upstream_name(pool))
    return {title, *((*title, "server", _at(server)) for server in servers)}


# --- HAProxy

_HAPROXY = re.compile(
    r"""(?P<blank>[ \t\v\f]+) | (?P<piece>'[^']*' | "(?:[^"\\]|\\.)*" | \\.? | [^ \t\v\f#'"\\]+) | (?P<comment>\#.*)""",
    re.VERBOSE,
)

#: First words of the lines of each kind of section, as the templates write them.
HAPROXY_LINES: dict[str, frozenset[str]] = {
    "": frozenset(),
    "global": _words(
        "default-path set-var log hard-stop-after fd-hard-limit expose-experimental-directives ssl-default-bind-options "
        "ssl-default-bind-ciphers ssl-default-bind-ciphersuites ssl-default-bind-curves"
    ),
    "defaults": _words("mode log log-format option balance retry-on retries hash-type http-reuse timeout http-error"),
    "resolvers": _words("nameserver resolve_retries timeout hold"),
    "frontend": _words("acl bind http-request http-response use_backend default_backend timeout tcp-request"),
    "backend": _words("acl balance cookie retries timeout http-request http-after-response server server-template stick-table"),
    "userlist": frozenset({"user"}),
}
#: What a rule may do; the first word behind `http-request`, `http-response` or `tcp-request`.
HAPROXY_RULES = _words(
    "deny set-uri disable-l7-retry set-var(txn.agent) set-var(txn.host) set-var(txn.site) set-var(txn.asked) set-pathq normalize-uri "
    "set-var(txn.clean) set-var(txn.path) set-var(txn.match) set-var(txn.route) del-header add-header set-header return redirect set-path "
    "set-timeout connection auth track-sc0 sc-inc-gpc0(0) wait-for-body"
)


def _haproxy_words(line: str) -> tuple[list[str], str]:
    """The words of a line, and its comment."""
    words: list[str] = []
    line = line.partition("\r")[0]  # ends a line too
    at, joined = 0, False
    while at < len(line):
        found = _HAPROXY.match(line, at)
        if not found:
            return ["unreadable", line[at:]], ""
        at = found.end()
        if found.lastgroup == "comment":
            return words, found[0]
        if found.lastgroup == "piece":
            piece = found[0]
            said = piece[1:-1] if piece[0] in "'\"" else piece[1:] if piece[0] == "\\" else piece
            words[-1:] = [words[-1] + said] if joined else [*words[-1:], said]
        joined = found.lastgroup == "piece"
    return words, ""


def read_haproxy(texts: Mapping[str, str]) -> Facts:
    """Sections, ports, servers, redirects, the lines of the maps, and whatever stands where it should not."""
    facts: set[tuple[str, ...]] = set()
    section = [""]
    for line in texts["haproxy.cfg"].split("\n"):
        words, _ = _haproxy_words(line)
        if not words:
            continue
        if words[0] in HAPROXY_LINES:
            section = words[:2]
            facts.add(("section", *words[:2]))
        else:
            facts |= _haproxy_line(section, words)
    facts = _resolved(facts)
    for name in ("hosts", "wildcards", "exact", "prefixes", "strict"):
        lines = [line.partition("\r")[0] for line in texts[f"{name}.map"].split("\n") if not line.startswith("#")]
        facts.update((f"{name}.map", *re.split("[ \t]+", line.strip(" \t"))) for line in lines if line.strip(" \t"))
    facts.update(("shows", *line.split()) for line in texts["certificates.list"].split("\n") if line and line[0] != "#")
    return frozenset(facts)


def _resolved(facts: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """With what a table counts and who stands in a list in the place of their names."""
    means = {fact[1]: " ".join(fact[2:]) for fact in facts if fact[0] == "table"}
    for name in [fact[2] for fact in facts if fact[:2] == ("section", "userlist")]:
        means[name] = ",".join(sorted(":".join(fact[2:]) for fact in facts if fact[:2] == ("user", name)))
    counting = {(fact[5], fact[fact.index("--") + 1] if "--" in fact else "") for fact in facts if "track-sc0" in fact}
    counted = Counter(table for table, _ in counting)
    found = {("counted for several", table) for table in counted if counted[table] > 1}
    for fact in facts:
        if fact[0] not in ("table", "user") and not (fact[0] == "section" and fact[-1] in means):
            found.add(tuple(re.sub(r"(?:limit|users):[0-9a-f]{16}", lambda m: means.get(m[0], m[0]), word) for word in fact))
    return found


def _haproxy_line(section: list[str], words: list[str]) -> set[tuple[str, ...]]:
    kind, first = section[0], words[0]
    rule = first in ("http-request", "http-response", "http-after-response", "tcp-request")
    if first not in HAPROXY_LINES.get(kind, frozenset()) or (rule and words[1] not in HAPROXY_RULES):
        return {("stranger", *section, *words)}
    facts: set[tuple[str, ...]] = set()
    match words:
        case ["server-template", name, _, address, *_] | ["server", name, address, *_]:
            facts = {("server", section[1], name, address)}
        case ["bind", address, *rest]:
            facts = {("bind", section[1], address.rpartition(":")[2], *(word for word in rest if word != "v6only"))}
        case ["default_backend", name, *_]:
            facts = {("default", section[1], name)}
        case ["acl", name, "src", "--", *networks]:
            facts = {("acl", section[1], name, "src", "--", network) for network in networks}
        case ["acl", *_]:
            facts = {("stranger", *section, *words)}
        case ["stick-table", *rest]:
            facts = {("table", section[1], *rest)}
        case ["user", name, "password", hashed]:
            facts = {("user", section[1], name, hashed)}
        case ["http-request", "return", "status", "400", *rest]:
            facts = {("strict", section[1], *rest)}
        case ["http-request", "return", "status", *_] if section[1] in ("confgen:not-found", "confgen:withheld"):
            facts = set()
        case ["http-request", "return" | "auth" | "track-sc0" | "sc-inc-gpc0(0)" | "wait-for-body", *rest]:
            facts = {("guard", section[1], words[1], *rest)}
        case ["tcp-request", "connection", "track-sc0", *rest]:
            facts = {("guard", section[1], "track-sc0", *rest)}
        case ["tcp-request", "connection", *rest]:
            facts = {("refuses", section[1], *rest[1:])}
        case ["http-request", "deny", _, *rest] if kind == "backend":
            facts = {("refuses", section[1], *rest)}
        case ["http-request" | "http-after-response", "set-header" | "del-header", *_] if kind == "backend":
            facts = {("header", section[1], *words)}
        case ["http-request", "redirect", _, url, _, code, *_]:
            facts = {("redirect", section[1], url, code)}
        case ["use_backend", *_]:
            facts = {("dynamic", *words[1:])}
    return facts


def meant_for_haproxy(model: Model, features: frozenset[str]) -> Facts:
    """The same from the model."""
    facts: set[tuple[str, ...]] = {
        ("section", "global"),
        ("section", "defaults", "confgen:http"),
        ("section", "defaults", "confgen:tcp"),
    }
    facts.add(("section", "backend", "confgen:not-found"))
    if any(server.resolve for pool in model.pools for server in pool.servers):
        facts.add(("section", "resolvers", "docker"))
    for pool in model.pools:
        facts.add(("section", "backend", pool.name))
        facts.update(
            ("server", pool.name, _haproxy_name(server, pool), _at(server))
            for server in pool.servers
            if server.state is not ServerState.STARTING
        )
    for listener in model.listeners:
        front = f"port:{listener.name}"
        facts |= {("section", "frontend", front), ("bind", front, str(int(listener.port)))}
        if listener.protocol == "http":
            facts |= {("default", front, "confgen:not-found"), _LOOKED_UP}
            for side, host in _strict(model):
                port, name = (443, "port:https") if side == "tls" else (int(listener.port), front)
                facts |= {("strict.map", f"{host}:{port}", "1"), ("strict", name, *_ONE_WAY), ("strict", name, *_DOWNWARDS)}
            for route in listener.routes:
                facts |= {fact for host in route.hosts for fact in _haproxy_host(model, listener, route, host)}
        else:
            for route in listener.routes:
                facts.add(("default", front, str(route.pool)) if route.pool else ("refuses", front))
                facts |= _haproxy_access(front, "", listener, route) if route.pool else set()
                if route.pool and route.limits.connections:
                    facts.add(("guard", front, "track-sc0", "src", "table", _table(route)))
                    facts.add(("refuses", front, "if", "{", "sc_conn_cur(0)", "gt", str(route.limits.connections), "}"))
    return frozenset(facts)


_REFUSED = (
    *("content-type", "text/plain", "string", "400: this path can be read in two ways\\n", "if", "{"),
    *("var(txn.site),map_str(strict.map)", "-m", "found", "}", "{", "path", "-m"),
)
_DOWNWARDS = (*_REFUSED, "reg", "-i", "/([.]|%2e)([.]|%2e)(/|$)", "}")
_ONE_WAY = (
    *(*_REFUSED, "sub", "-i", "--"),
    *("%23", "%25", "%2f", "%3b", "%3f", "%5c", "%00", "%c0", "%c1", ";", "\\", "#", "}"),
)
_LOOKED_UP = ("dynamic", "%[var(txn.match),word(2, )]", "if", "{", "var(txn.match)", "-m", "found", "}")


def _haproxy_name(server: Server, pool: Pool) -> str:
    sticks = pool.sticky is not None and pool.sticky.kind == "cookie"
    return f"{server.name}.dns" if server.resolve and not sticks else str(server.name)


def _haproxy_host(model: Model, listener: Listener, route: Route, host: str) -> set[tuple[str, ...]]:
    """What a route means for one of its hosts, on each port."""
    facts: set[tuple[str, ...]] = set()
    for side, does in _sides(model, route, host):
        port, name = (443, "https") if side == "tls" else (int(listener.port), "http")
        if side == "tls":
            bind = ["ssl", "crt-list", "certificates.list", "strict-sni", "alpn", "h2,http/1.1"]
            facts |= {("section", "frontend", "port:https"), ("bind", "port:https", "443", *bind)}
            facts.add(("default", "port:https", "confgen:not-found"))
            facts |= {("shows", file, host)} if (file := _certificate(model, host)) else set()
        elsewhere = {"withheld": "confgen:withheld", "https": "confgen:https", "nothing": "confgen:not-found"}
        own = str(route.pool) if route.pool else f"redirect:{port}:{route.name}"
        to = elsewhere.get(does, own)
        facts |= {("section", "backend", to)} if to != str(route.pool) else set()
        facts |= {("redirect", to, "https://%[var(txn.host)]%[pathq]", "308")} if does == "https" else set()
        facts |= _haproxy_serves(route, port, name, side, to) if does == "route" else set()
        facts |= _haproxy_keys(route, host, port, to)
    return facts


def _haproxy_keys(route: Route, host: str, port: int, to: str) -> set[tuple[str, ...]]:
    site, path = f"{host}:{port}", unquote(route.match.path, errors="strict").replace(" ", "%20")
    key = f"{site}={path}" if route.match.exact else f"{site}{path.rstrip('/')}/"
    return {
        ("wildcards.map", f"{host[1:]}:{port}", site) if host.startswith("*") else ("hosts.map", site, site),
        ("exact.map" if route.match.exact else "prefixes.map", key, str(route.name), to),
    }


def _haproxy_serves(route: Route, port: int, name: str, side: str, to: str) -> set[tuple[str, ...]]:
    facts: set[tuple[str, ...]] = set()
    if route.redirect:
        facts.add(("redirect", to, route.redirect.url.replace("%", "%%"), str(int(route.redirect.code))))
    condition = f"403 if {{ var(txn.route) -m str -- {route.name} }} {{ fe_name port:{name} }}"
    facts |= _haproxy_access(to, condition, Listener(name=Name(name), port=Port(port)), route)
    facts |= _haproxy_guards(to, condition.removeprefix("403 "), route)
    return facts | _haproxy_headers(to, condition.removeprefix("403 "), route, side)


def _table(route: Route) -> str:
    """What has to be counted of a client; a whole burst is made up for in that time, and remembered twice as long."""
    limits = route.limits
    window = -(-(limits.burst + 1) * limits.rate.seconds * 1000 // limits.rate.requests) if limits.rate else 0
    counts = [*(["conn_cur"] if limits.connections else []), *([f"gpc0_rate({max(window, 1)}ms)"] if limits.rate else [])]
    kept = max(60_000, 2 * max(window, 1))
    expire = f"{kept // 1000}s" if kept % 1000 == 0 else f"{kept}ms"
    return f"type ipv6 size 100k expire {expire} store {','.join(counts)}"


def _haproxy_guards(section: str, condition: str, route: Route) -> set[tuple[str, ...]]:
    """What one client may take, and who has to log in."""
    limits, when = route.limits, tuple(condition.split())
    rules: list[str] = []
    if limits.body:
        unsaid = "!{ req.hdr(content-length) -m found }"
        rules += [
            f"refuses 413 IF {{ req.body_size gt {int(limits.body)} }}",
            "refuses 413 IF { req.hdr(content-length) -m len gt 15 }",
        ]
        rules += ["guard return status 411 IF { req.hdr(transfer-encoding) -m found }"]
        rules += [f"guard return status 411 IF {unsaid} {{ req.body_len gt 0 }}"]
        rules += [f"guard wait-for-body time 10s at-least 1 IF {unsaid} {{ req.ver 2.0 }}"]
    if limits.rate:
        rules += [f"refuses 429 IF {{ sc_gpc0_rate(0) gt {limits.burst} }}", "guard sc-inc-gpc0(0) IF"]
    if limits.connections:
        rules.append(f"refuses 429 IF {{ sc_conn_cur(0) gt {limits.connections} }}")
    facts = set()
    for rule in rules:
        kind, *words = rule.split()
        at = words.index("IF")
        facts.add((kind, section, *words[:at], *when, *words[at + 1 :]))
    if limits.rate or limits.connections:
        facts.add(("guard", section, "track-sc0", "src", "table", _table(route), *when))
    if route.users:
        users = ",".join(sorted(f"{user.name}:{user.hash.raw}" for user in route.users))
        facts.add(("guard", section, "auth", "realm", "Restricted", *when, "!{", f"http_auth({users})", "}"))
    return facts


def _haproxy_headers(section: str, condition: str, route: Route, side: str) -> set[tuple[str, ...]]:
    """What is set there, or removed where the value is empty; a percent sign stands for itself when it is doubled."""
    facts: set[tuple[str, ...]] = set()
    told = [(str(header.name), header.value.raw) for header in route.request_headers]
    for of, headers in (("request", told if route.pool else []), ("after-response", _answered(route, side))):
        for header, raw in headers:
            value = raw.replace("%", "%%")
            what = ("set-header", header, value) if value else ("del-header", header)
            facts.add(("header", section, f"http-{of}", *what, *condition.split()))
    return facts


def _haproxy_access(section: str, condition: str, listener: Listener, route: Route) -> set[tuple[str, ...]]:
    """Who is refused there: IPv4 and IPv6 apart; where only ranges of one family are allowed, all of the other."""
    facts: set[tuple[str, ...]] = set()
    for family, v6, is_family in (("4", False, "!{ src -m sub : }"), ("6", True, "{ src -m sub : }")):
        for what, sign, networks in (("deny", "", route.deny), ("allow", "!", route.allow)):
            mine = [network for network in networks if (":" in network) is v6]
            name = f"{what}{family}:{int(listener.port)}:{route.name}"
            facts.update(("acl", section, name, "src", "--", network) for network in mine)
            if mine or (what == "allow" and networks):
                refused = f"{condition or 'if'} {is_family} {sign + name if mine else ''}".split()
                facts.add(("refuses", section, *refused))
    return facts


_READ = {"nginx": read_nginx, "haproxy": read_haproxy}
_MEANT = {"nginx": meant_for_nginx, "haproxy": meant_for_haproxy}
