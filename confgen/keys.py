"""The one table of everything a label can say.

docs/labels.md and docs/labels.schema.json are made from it (confgen/reference.py), and a key that has no reader cannot exist,
since the reader is a field of its row.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from confgen.limits import parse_rate, parse_size
from confgen.problem import Effect
from confgen.tls import MODES, parse_certificate, parse_hsts, parse_mode
from confgen.users import parse_users
from confgen.values import (
    ALGORITHMS,
    Header,
    Name,
    Text,
    number,
    parse_balance,
    parse_bool,
    parse_duration,
    parse_duration_or_zero,
    parse_health,
    parse_hosts,
    parse_name,
    parse_network,
    parse_path,
    parse_port,
    parse_ranges,
    parse_settable_header,
    parse_signals,
    parse_statuses,
    parse_sticky,
    parse_text,
    parse_url,
    parse_weight,
    word,
)


class Scope(enum.Enum):
    """What a key describes.  ROUTE keys say which requests, POOL keys who answers them, SERVER keys this one instance."""

    CONTAINER = "container"
    ROUTE = "route"
    POOL = "pool"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its reader, how its grammar reads to people, and as a pattern for editors (a hint, not the rule)."""

    name: str
    parse: Callable[[str], object]
    grammar: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the label table.

    field: the attribute of Wish that holds the value.  wrong: what a value that cannot be read costs.
    stream: the key may stand behind `tcp.<port>.` and `udp.<port>.`.  route: it may stand in a route.
    parameter: where the name ends in a word in angle brackets, the kind of what stands there in a label.
    """

    name: str
    field: str
    kind: Kind
    scope: Scope
    means: str
    default: str
    example: str
    wrong: Effect = Effect.ROUTE
    stream: bool = True
    http: bool = True
    parameter: Kind | None = None

    @property
    def stem(self) -> str:
        """What stands in front of the parameter; the whole name where there is none."""
        return self.name.partition("<")[0]

    @property
    def sample(self) -> str:
        """The key as it may stand in a label."""
        return self.stem + (_SAMPLE if self.parameter else "")

    def value(self, key: str, text: str, before: object) -> object:
        """What a label says; of a key with a parameter, together with what others of its kind said `before`.  Raises Refusal."""
        if self.parameter is None:
            return self.kind.parse(text)
        one = Header(Name(str(self.parameter.parse(key[len(self.stem) :]))), _text(self.kind.parse(text)))
        return tuple(sorted((*(before if isinstance(before, tuple) else ()), one), key=lambda header: header.name.lower()))

    @property
    def feature(self) -> str:
        """What a policy calls it: its first word; "" for what a policy's hosts, paths and ports are about."""
        word = self.stem.partition(".")[0]
        return "" if word in ("host", "path", "port") else word

    @property
    def security(self) -> bool:
        """It shuts a door: said in the short form it holds for every route of the container that says nothing else."""
        return self.name.split(".")[0] in SECURITY


#: First words of keys that shut doors.  One of them that cannot be obeyed withholds the route; it never opens it.
SECURITY = ("tls", "auth", "allow", "deny", "limit")


#: Stands for any parameter in examples.
_SAMPLE = "X-Robots-Tag"


def _text(value: object) -> Text:
    assert isinstance(value, Text)
    return value


HEADER = Kind("header", parse_settable_header, "letters, digits and `-`", r"[A-Za-z0-9-]{1,64}")
TEXT = Kind("text", parse_text, "one line of ASCII, at most 2000 characters; empty removes the header", r"^[ -~\t]*$")
HOSTS = Kind("hosts", parse_hosts, "DNS names, comma-separated; `*.example.com` for all below", r"^[A-Za-z0-9.*, -]+$")
PATH = Kind("path", parse_path, "`/prefix`, or `=/exact`", r"^=?/[^\s\\\"#{}$]*$")
PORT = Kind("port", parse_port, "1 to 65535", r"^[1-9][0-9]{0,4}$")
BOOL = Kind("yes or no", parse_bool, "`true` or `false`", r"^(true|false)$")
NAME = Kind("name", parse_name, "letters, digits, `_`, `.`, `-`; at most 63", r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
NETWORK = Kind("network", parse_network, "a network's name, as `docker network ls` shows it", r"^.+$")
DURATION = Kind("duration", parse_duration, "a number with `ms`, `s`, `m`, `h` or `d`; at most 24d", r"^[0-9]{1,9}(ms|s|m|h|d)$")
DURATION0 = Kind(
    "duration", parse_duration_or_zero, "a number with `ms`, `s`, `m`, `h` or `d`; `0s` for not at all", DURATION.pattern
)
WEIGHT = Kind("weight", parse_weight, "0 to 256; 0 drains", r"^[0-9]{1,3}$")
RANGES = Kind(
    "ranges", parse_ranges, "addresses and networks, comma-separated: `10.0.0.0/8, 2001:db8::/32`", r"^[0-9a-fA-F.:/, ]+$"
)
URL = Kind("URL", parse_url, "an absolute http or https URL", r"^https?://.+$")
SIGNALS = Kind("signals", parse_signals, "signal names, comma-separated", r"^[A-Za-z0-9, ]+$")
SCHEMES = ("http", "https", "h2c", "grpc", "grpcs")
SCHEME = Kind("word", word(*SCHEMES), ", ".join(f"`{s}`" for s in SCHEMES), rf"^({'|'.join(SCHEMES)})$")
BALANCE = Kind(
    "algorithm",
    parse_balance,
    ", ".join(f"`{a}`" for a in ALGORITHMS[:-2]) + ", `header:<Name>`, `cookie:<name>`",
    rf"^({'|'.join(ALGORITHMS[:-2])}|header:[A-Za-z0-9-]+|cookie:[A-Za-z0-9_.-]+)$",
)
STICKY = Kind("sticky", parse_sticky, "`cookie`, `cookie:<name>`, `source`, `off`", r"^(cookie(:[A-Za-z0-9_.-]+)?|source|off)$")
HEALTH = Kind("check", parse_health, "a path, `tcp`, `off`", r"^(/[^\s\\\"#{}$]*|tcp|off)$")
STATUSES = Kind(
    "statuses", parse_statuses, "HTTP statuses and ranges, comma-separated", r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?(, ?.*)*$"
)
TIMES = Kind("number", number(1, 100), "1 to 100", r"^[1-9][0-9]{0,2}$")
START = Kind("word", word("ready", "checked"), "`checked`, `ready`", r"^(checked|ready)$")
RETRIES = Kind("number", number(0, 100), "0 to 100", r"^[0-9]{1,3}$")
CONNECTIONS = Kind("number", number(1, 1_000_000), "1 to 1000000", r"^[1-9][0-9]{0,6}$")
#: nginx's limit_conn takes less than 65536 (`nginx -t`).
AT_ONCE = Kind("number", number(1, 65_535), "1 to 65535", r"^[1-9][0-9]{0,4}$")
USERS = Kind(
    "users",
    parse_users,
    "`name:hash, name:hash`, or the name of a users file",
    r"^([A-Za-z0-9._@-]{1,64}:\$.+|[A-Za-z0-9][A-Za-z0-9_.-]{0,62})$",
)
SIZE = Kind("size", parse_size, "a number with `k`, `m` or `g`; 0 for any size", r"^[0-9]{1,9}[kmgKMG]?[bB]?$")
RATE = Kind("rate", parse_rate, "`10r/s` or `100r/m`", r"^[0-9]{1,6}r/[sm]$")
BURST = Kind("number", number(0, 10_000), "0 to 10000", r"^[0-9]{1,5}$")
REDIRECT_CODE = Kind("code", number(301, 308), "301, 302, 303, 307 or 308", r"^30[12378]$")

TLS = Kind("word", parse_mode, ", ".join(f"`{m}`" for m in MODES), rf"^({'|'.join(MODES)})$")
CERTIFICATE = Kind(
    "certificate", parse_certificate, "small letters, digits, `.`, `_`, `-`", r"^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$"
)
HSTS = Kind("time", parse_hsts, "seconds, or a number with `s`, `m`, `h` or `d`; `off`", r"^([0-9]{1,9}[smhd]?|off)$")

_R, _P, _S = Scope.ROUTE, Scope.POOL, Scope.SERVER

KEYS: tuple[Key, ...] = (
    Key("host", "hosts", HOSTS, _R, "Hosts whose requests come here.", "none: not routed", "shop.example.com", stream=False),
    Key("path", "match", PATH, _R, "Paths whose requests come here: `/api` is /api and all below it.", "`/`", "/api", stream=False),
    Key("strip-prefix", "strip", BOOL, _R, "Drop the matched prefix before the request goes on.", "`false`", "true", stream=False),
    Key("rewrite", "rewrite", PATH, _R, "Put this path in place of the matched prefix.", "none", "/v2", stream=False),
    Key("redirect", "redirect", URL, _R, "Answer with a redirect to this URL.", "none", "https://www.example.com", stream=False),
    Key("redirect.code", "redirect_code", REDIRECT_CODE, _R, "The redirect's status code.", "308", "302", Effect.LABEL, stream=False),
    Key("allow", "allow", RANGES, _R, "The only client addresses that are let in; the others get 403.", "all", "10.0.0.0/8, 192.168.0.0/16",
        Effect.WITHHELD),
    Key("deny", "deny", RANGES, _R, "Client addresses that get 403, also where `allow` names them.", "none", "203.0.113.0/24",
        Effect.WITHHELD),
    Key("auth.basic", "users", USERS, _R, "Who may come in with a name and a password; the others get 401.", "nobody has to log in", "admins",
        Effect.WITHHELD, stream=False),
    Key("limit.body", "body", SIZE, _R, "Largest body of a request; more gets 413.", "any size", "10m", Effect.WITHHELD, stream=False),
    Key("limit.connections", "connections", AT_ONCE, _R, "Requests of one client address at once (tcp: connections); more get 429.",
        "no limit", "20", Effect.WITHHELD),
    Key("limit.rate", "rate", RATE, _R, "Requests of one client address over time; more get 429.", "no limit", "10r/s",
        Effect.WITHHELD, stream=False),
    Key("limit.burst", "burst", BURST, _R, "How many requests may come at once beyond the one that is due.",
        "one less than the rate's number", "20", Effect.WITHHELD, stream=False),
    Key("tls", "tls", TLS, _R, "Served over https: where a certificate covers the host, only so, or not at all.", "`auto`", "require",
        Effect.WITHHELD, stream=False),
    Key("tls.cert", "tls_cert", CERTIFICATE, _R, "Name of a certificate in the operator's folder.", "chosen by host", "shop",
        Effect.WITHHELD, stream=False),
    Key("tls.redirect", "tls_redirect", BOOL, _R, "Answer http with a redirect to https, where there is https.", "`true`", "false",
        Effect.WITHHELD, stream=False),
    Key("tls.hsts", "tls_hsts", HSTS, _R, "How long browsers shall ask for https alone (Strict-Transport-Security).", "`off`", "365d",
        Effect.WITHHELD, stream=False),
    Key("header.request.<Name>", "request_headers", TEXT, _R, "Tell the server this header, whatever the client said.", "as the client said",
        "noindex", Effect.LABEL, stream=False, parameter=HEADER),
    Key("header.response.<Name>", "response_headers", TEXT, _R, "Tell the client this header, whatever the server said.", "as the server said",
        "noindex", Effect.LABEL, stream=False, parameter=HEADER),
    Key("timeout.connect", "connect", DURATION, _P, "Longest time for a connection to come about.", "`500ms`", "1s", Effect.LABEL),
    Key("timeout.read", "read", DURATION, _R, "Longest silence of the server.", "`60s`", "5m", Effect.LABEL, stream=False),
    Key("timeout.send", "send", DURATION, _R, "Longest time the server may refuse to take bytes.", "`60s`", "5m", Effect.LABEL, stream=False),
    Key("timeout.idle", "idle", DURATION, _R, "Longest idle time: a client's kept-alive connection; with tcp, both sides silent.",
        "`60s`", "10m", Effect.LABEL),
    Key("port", "port", PORT, _P, "The container's port.", "the only exposed one", "8080", stream=False),
    Key("scheme", "scheme", SCHEME, _P, "What the container speaks.", "`http`", "grpc", stream=False),
    Key("pool", "pool", NAME, _P, "Name of the pool; containers with the same name share it.", "compose project and service, else the container",
        "web"),
    Key("balance", "balance", BALANCE, _P, "How requests are spread.", "`roundrobin`", "leastconn", Effect.LABEL),
    Key("sticky", "sticky", STICKY, _P, "Keep a client on one server.", "`off`", "cookie", Effect.LABEL),
    Key("retry", "retry", RETRIES, _P, "How often a failed connection is tried on another server.", "`2`", "3", Effect.LABEL),
    Key("drain", "drain", DURATION0, _P, "How long a stopping server is kept for its open requests.", "`10s`", "30s", Effect.LABEL),
    Key("slow-start", "slow_start", DURATION0, _P, "Time in which a new server's share grows to its weight.", "`0s`", "30s", Effect.LABEL),
    Key("health", "health", HEALTH, _P, "How servers are asked whether they are well, beside Docker's HEALTHCHECK: an HTTP path, or `tcp`.",
        "Docker's HEALTHCHECK alone", "/healthz", Effect.LABEL),
    Key("health.interval", "health_interval", DURATION, _P, "Time between two checks of a server.", "`2s`", "5s", Effect.LABEL),
    Key("health.timeout", "health_timeout", DURATION, _P, "Longest time that a check may take.", "`1s`", "3s", Effect.LABEL),
    Key("health.rise", "health_rise", TIMES, _P, "Good checks in a row that bring a server back.", "`2`", "1", Effect.LABEL),
    Key("health.fall", "health_fall", TIMES, _P, "Bad checks in a row that take a server out.", "`3`", "2", Effect.LABEL),
    Key("health.status", "health_status", STATUSES, _P, "Statuses that are good answers.", "`200-399`", "200,204", Effect.LABEL, stream=False),
    Key("health.start", "health_start", START, _P,
        "A new server gets requests when it is `checked` (without `health`: when its port accepts a connection), or at once.",
        "`checked`", "ready", Effect.LABEL),
    Key("weight", "weight", WEIGHT, _S, "Share of the requests, against the other servers.", "`1`", "3", Effect.SERVER),
    Key("backup", "backup", BOOL, _S, "Used only when no other server is ready.", "`false`", "true", Effect.SERVER),
    Key("max-connections", "max_connections", CONNECTIONS, _S, "Most connections at once to this container.", "no limit", "100", Effect.SERVER),
    Key("network", "network", NETWORK, _S, "Network whose address is used.", "one shared with the proxy, by name", "shop_front", Effect.SERVER),
    Key("stop-signal", "stop_signal", SIGNALS, _S, "Signals that mean stop for this image.", "`TERM, INT, QUIT`, and always KILL", "WINCH",
        Effect.LABEL),
)  # fmt: skip

#: Hosts such as *.example.com, as a policy calls them.
WILDCARD = "wildcard"
#: All that a policy may grant and forbid.
FEATURES = tuple(sorted({WILDCARD, *(key.feature for key in KEYS if key.feature)}))

BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}
_WITH_PARAMETER = tuple(key for key in KEYS if key.parameter)


def find(name: str) -> Key | None:
    """The row of a label's key."""
    return BY_NAME.get(name) or next((key for key in _WITH_PARAMETER if name.startswith(key.stem) and name != key.stem), None)


def row(name: str) -> Key:
    """The same for a key that is known."""
    found = find(name)
    assert found is not None
    return found
