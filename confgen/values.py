"""The typed values: a label's text is parsed once, here, and is safe for ever after.

Each `parse_*` takes the raw text and returns a value of its type, or raises Refusal with a code of problem.CODES, what
is wrong (with its position where that helps) and what would be right.  Grammars are allow-lists over ASCII, matched
whole (`re.fullmatch`: `$` would let a trailing newline pass), and control characters are refused before anything else.
The rules, and why each is as it is, stand in docs/values.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import unquote_to_bytes

from confgen.problem import show

#: Longest label text that is looked at, in characters.
MAX_TEXT = 4096


class Refusal(Exception):
    """The text is not a value of its kind.  `hint` says what would be."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Host(str):
    """A DNS name, lower case, no trailing dot (RFC 1123 section 2.1): safe bare in nginx and as a HAProxy map key."""

    __slots__ = ()


class Wildcard(str):
    """`*.example.com`: one or more labels in front of a name of at least two labels."""

    __slots__ = ()

    @property
    def suffix(self) -> str:
        """`.example.com`, dot included: what a matching host ends in."""
        return self[1:]


class Path(str):
    """A normalised absolute URL path in its percent-encoded spelling (RFC 3986 section 3.3)."""

    __slots__ = ()


class Name(str):
    """A name of ours in someone else's file: pool, server, route, zone, cookie, header."""

    __slots__ = ()


class Address(str):
    """An IP address as the engine reported it, or a DNS name that Docker answers for; never from a label."""

    __slots__ = ()


class Cidr(str):
    """A network in its shortest spelling, its prefix length included, without host bits: safe bare in both proxies."""

    __slots__ = ()

    @property
    def v6(self) -> bool:
        return ":" in self


class Url(str):
    """An absolute http or https URL without user info, `$` or fragments: for redirects."""

    __slots__ = ()


class Port(int):
    """1 to 65535."""

    __slots__ = ()


class Duration(int):
    """Milliseconds."""

    __slots__ = ()


class Weight(int):
    """0 to 256; 0 drains."""

    __slots__ = ()


class Text:
    """Free text: header values and the like.  Opaque: only a proxy's quoting filter may look inside (`raw`).

    Everything that would print it by accident raises, so a template that forgets to quote fails, closed.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        self.raw = raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(("Text", self.raw))

    def __repr__(self) -> str:
        return f"Text({len(self.raw)} characters)"

    def __str__(self) -> str:
        raise TypeError("free text must go through the quoting filter: {{ value | q }}")

    def __format__(self, spec: str) -> str:
        raise TypeError("free text must go through the quoting filter: {{ value | q }}")


@dataclass(frozen=True, slots=True)
class Header:
    """A header to set; one whose value is empty is removed."""

    name: Name
    value: Text


@dataclass(frozen=True, slots=True)
class Balance:
    """How a pool spreads requests: an algorithm, and the header or cookie name that `header` and `cookie` need."""

    algorithm: str = "roundrobin"
    key: Name | None = None


@dataclass(frozen=True, slots=True)
class Sticky:
    """`cookie` with its name, or `source`: how a client is kept on one server."""

    kind: str
    cookie: Name | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A path and how it matches: whole, or as a prefix that ends at a `/`."""

    path: Path
    exact: bool = False


def plain(text: str) -> str:
    """The text without surrounding blanks; refuses control characters, non-ASCII and anything over MAX_TEXT."""
    if len(text) > MAX_TEXT:
        raise Refusal("CG185", f"the value has {len(text)} characters; at most {MAX_TEXT} are read", "shorten it")
    for position, char in enumerate(text, 1):
        if char < " " or char == "\x7f":
            raise Refusal(
                "CG185",
                f"{show(text)}: control character {show(char)} at position {position}",
                "write the value on one line, without control characters",
            )
    if not text.isascii():
        position = next(i for i, char in enumerate(text, 1) if not char.isascii())
        raise Refusal("CG185", f"{show(text)}: the character at position {position} is not ASCII", _punycode(text))
    return text.strip(" ")


def _punycode(text: str) -> str:
    try:
        return f'for a host name, write its ASCII form: "{text.strip().encode("idna").decode("ascii")}"'
    except UnicodeError:
        return "use ASCII characters"


def _bad_at(pattern: str, text: str) -> tuple[str, int]:
    """The first character that `pattern` (one character class) does not allow, and its position from 1."""
    for position, char in enumerate(text, 1):
        if not re.fullmatch(pattern, char, re.ASCII):
            return char, position
    return "", 0


_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


def parse_host(text: str) -> Host | Wildcard:
    """`shop.example.com`, or `*.example.com`; case and one trailing dot are folded away."""
    host = plain(text).lower().removesuffix(".")
    if "*" in host:
        return _parse_wildcard(host)
    if not host:
        raise Refusal("CG101", "the host is empty", "write a name such as shop.example.com, or remove the label")
    char, position = _bad_at(r"[a-z0-9.-]", host)
    if char:
        raise Refusal(
            "CG101",
            f"host {show(host)}: {show(char)} at position {position} is not allowed in a DNS name",
            _host_hint(host, char, position),
        )
    if len(host) > 253:
        raise Refusal("CG101", f"host {show(host)} has {len(host)} characters; a DNS name has at most 253", "shorten it")
    if not re.fullmatch(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*", host, re.ASCII):
        raise Refusal(
            "CG101",
            f"host {show(host)} is not a DNS name",
            "each part between dots has 1 to 63 letters, digits and inner hyphens",
        )
    if re.fullmatch(r"[0-9.]+", host):
        raise Refusal("CG101", f"host {show(host)} is an address, not a name", "use a host name; addresses are not matched")
    return Host(host)


def _host_hint(host: str, char: str, position: int) -> str:
    """What to write instead, with the name itself wherever it can be told."""
    before, after = host[: position - 1], host[position - 1 :]
    if "://" in host:
        return f"leave out the scheme: {show(re.split('[:/]', host.split('://', 1)[1], maxsplit=1)[0])}"
    if rule := re.search(r"host\w*\(\s*[`'\"]([a-z0-9.-]+)", host):
        return f"write the name alone: {show(rule[1])}"
    hints = {
        "/": f"write {show(before)}, and the path in a label of its own: path: {after}",
        ":": f"leave out the port, since every port of the listener is matched: {show(before)}",
        " ": f"separate hosts by commas: {show(', '.join(host.split()))}",
        "_": f'use letters, digits, "-" and ".", as in {show(re.sub("[-_]+", "-", host).strip("-"))}',
        **dict.fromkeys("\"'`", f"leave out the quotes: {show(re.sub('[^a-z0-9.-]', '', host))}"),
    }
    return hints.get(char, 'use letters, digits, "-" and "."')


def _parse_wildcard(host: str) -> Wildcard:
    if not re.fullmatch(rf"\*(?:\.{_DNS_LABEL}){{2,}}", host, re.ASCII) or len(host) > 253:
        raise Refusal(
            "CG102",
            f'host {show(host)}: "*" may stand only as the whole first label, in front of at least two more',
            f'write it as "*.{_below(host)}"',
        )
    return Wildcard(host)


def _below(host: str) -> str:
    """The name behind the last "*", where it can stand behind a wildcard."""
    name = host.rpartition("*")[2].lstrip(".-")
    return name if re.fullmatch(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})+", name, re.ASCII) else "example.com"


def parse_hosts(text: str) -> tuple[Host | Wildcard, ...]:
    """One or more hosts, comma-separated; sorted, each once."""
    return tuple(sorted({parse_host(part) for part in plain(text).split(",")}))


_PATH_CHAR = r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]"


def parse_path(text: str) -> Match:
    """`/api` matches /api and what is below it; `=/healthz` matches that path alone.  A trailing `/` makes no difference."""
    raw = plain(text)
    exact = raw.startswith("=")
    path = raw[1:] if exact else raw
    if not path.startswith("/"):
        hint = f"write {'=' if exact else ''}/{path}" if re.fullmatch(rf"{_PATH_CHAR}*", path) else "start it with /"
        raise Refusal("CG111", f'path {show(raw)} does not start with "/"', hint)
    char, position = _bad_at(_PATH_CHAR, path)
    if char:
        raise Refusal(
            "CG111",
            f"path {show(raw)}: {show(char)} at position {position + exact} is not allowed in a URL path",
            "write it percent-encoded, for example %20 for a space",
        )
    if len(path) > 1024:
        raise Refusal("CG111", f"path {show(raw)} has {len(path)} characters; at most 1024 are allowed", "shorten it")
    _refuse_ambiguous(raw, path)
    # %c3 and %C3 are one byte: two spellings would be two claims on the same requests.
    path = re.sub(r"%..", lambda code: code[0].upper(), path)
    return Match(Path(path if exact else path.rstrip("/") or "/"), exact)


def _refuse_ambiguous(raw: str, path: str) -> None:
    """Refuse spellings that two programs may read as two different paths."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        raise Refusal("CG111", f'path {show(raw)}: "%" must be followed by two hex digits', "leave a literal percent sign out")
    if re.search(r"%(2f|5c|25|[01][0-9a-f]|7f)", path, re.IGNORECASE):
        raise Refusal(
            "CG111", f"path {show(raw)} holds an encoded slash, backslash, percent or control character", "leave it out"
        )
    # nginx compares decoded paths; HAProxy decodes letters, digits and `-._~` alone: to it /a:b and /a%3Ab are two paths.
    if any(re.fullmatch(_PATH_CHAR, chr(int(code, 16))) for code in re.findall(r"%(..)", path)):
        raise Refusal("CG111", f"path {show(raw)} encodes a character that needs no encoding", "write the character itself")
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        message, hint = f"path {show(raw)} is not UTF-8 text once decoded", "encode it as UTF-8: %C3%A9 for é"
        raise Refusal("CG111", message, hint) from None
    if "//" in path:
        raise Refusal("CG111", f'path {show(raw)}: "//" is not allowed', "use a single slash")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise Refusal("CG111", f'path {show(raw)}: "." and ".." segments are not allowed', "write the path they lead to")
    if "$" in path:
        raise Refusal("CG111", f'path {show(raw)}: "$" cannot be written in every proxy', "choose a path without it")


def parse_port(text: str) -> Port:
    """1 to 65535, decimal, no sign, no leading zero."""
    raw = plain(text)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", raw, re.ASCII) or int(raw) > 65535:
        raise Refusal("CG121", f"port {show(raw)} is not a number from 1 to 65535", 'write the container\'s port, as in "8080"')
    return Port(int(raw))


_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
#: HAProxy's timers overflow at 2^31 ms, about 24.8 days (measured on 2.6).
_LONGEST = 24 * _UNITS["d"]


def parse_duration(text: str) -> Duration:
    """`500ms`, `30s`, `5m`: one number, one unit, more than nothing and at most 24 days."""
    duration = parse_duration_or_zero(text)
    if duration == 0:
        raise Refusal("CG141", f"duration {show(plain(text))} is nothing", "write at least 1ms")
    return duration


def parse_duration_or_zero(text: str) -> Duration:
    """As parse_duration; `0s` is allowed where it means "not at all"."""
    raw = plain(text)
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", raw, re.ASCII)
    if not match:
        if re.fullmatch(r"[0-9]{1,9}", raw, re.ASCII):
            # A bare number is seconds to nginx and milliseconds to HAProxy.
            raise Refusal("CG141", f"duration {show(raw)} has no unit", f'write "{raw}s" or "{raw}ms"')
        raise Refusal("CG141", f"duration {show(raw)} is not a number with a unit", 'write it as in "500ms", "30s", "5m"')
    value = int(match[1]) * _UNITS[match[2]]
    if value > _LONGEST:
        raise Refusal("CG141", f"duration {show(raw)} is longer than 24 days", "24d is the longest that both proxies hold")
    return Duration(value)


def parse_weight(text: str) -> Weight:
    """0 to 256; 0 takes no new requests."""
    raw = plain(text)
    if not re.fullmatch(r"0|[1-9][0-9]{0,2}", raw, re.ASCII) or int(raw) > 256:
        raise Refusal(
            "CG143", f"weight {show(raw)} is not a number from 0 to 256", 'write it as in "10"; 0 drains, "256" is the most'
        )
    return Weight(int(raw))


def number(low: int, high: int) -> Callable[[str], int]:
    """A reader for whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        raw = plain(text)
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", raw, re.ASCII) or not low <= int(raw) <= high:
            raise Refusal("CG182", f"{show(raw)} is not a number from {low} to {high}", f'write it as in "{low}"')
        return int(raw)

    return parse


def parse_bool(text: str) -> bool:
    """`true` or `false`."""
    raw = plain(text)
    if raw not in ("true", "false"):
        raise Refusal("CG181", f'{show(raw)} is neither "true" nor "false"', nearest(raw.lower(), ("true", "false")))
    return raw == "true"


def nearest(word: str, words: tuple[str, ...]) -> str:
    """The word that was probably meant, as a hint; or the list."""
    close = get_close_matches(word, words, n=1)
    return f'did you mean "{close[0]}"?' if close else "one of: " + ", ".join(words)


def word(*words: str) -> Callable[[str], str]:
    """A reader for one word of a list."""

    def parse(text: str) -> str:
        raw = plain(text)
        if raw not in words:
            raise Refusal("CG181", f"{show(raw)} is not known here", nearest(raw, words))
        return raw

    return parse


def parse_name(text: str) -> Name:
    """A name for pools, routes, zones, cookies: letters, digits, `_ . -`, at most 63 characters."""
    raw = plain(text)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", raw, re.ASCII):
        raise Refusal(
            "CG185",
            f"name {show(raw)} is not allowed",
            'use 1 to 63 letters, digits, "_", "." and "-", the first a letter or digit',
        )
    return Name(raw)


def parse_network(text: str) -> str:
    """The name of an engine's network; it is compared, never written into a file."""
    return plain(text)


def parse_header_name(text: str) -> Name:
    """A header's name: letters, digits and hyphens (RFC 9110 tokens without what a proxy or an app reads as another)."""
    raw = plain(text)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", raw, re.ASCII):
        char, position = _bad_at(r"[A-Za-z0-9-]", raw)
        what = f"{show(char)} at position {position} is not allowed" if char else "it has 1 to 64 characters"
        raise Refusal("CG131", f"header name {show(raw)}: {what}", 'use letters, digits and "-"')
    return Name(raw)


#: Headers that say where a message ends, who the client is, or what the proxy does: theirs to set, not a label's.
_PROXYS_OWN = re.compile(
    r"host|content-length|transfer-encoding|connection|te|upgrade|trailer|keep-alive|forwarded|x-real-ip|(x-accel|x-forwarded|proxy)-.*"
)


def parse_settable_header(text: str) -> Name:
    """The name of a header that a label may set or remove."""
    name = parse_header_name(text)
    if _PROXYS_OWN.fullmatch(name.lower()):
        raise Refusal("CG131", f"header {show(name)} is the proxy's own", "choose another name")
    return name


#: Longest header value, in characters.
MAX_VALUE = 2000


def parse_text(text: str) -> Text:
    """Free text of one line: visible ASCII and blanks; may be empty."""
    raw = text.replace("\t", " ").strip(" ")
    if len(raw) > MAX_VALUE:
        raise Refusal("CG132", f"the value has {len(raw)} characters; at most {MAX_VALUE} are allowed", "shorten it")
    for position, char in enumerate(raw, 1):
        if not " " <= char <= "~":
            what = "a line break" if char in "\r\n" else f"the character {show(char)}"
            raise Refusal("CG132", f"the value contains {what} at position {position}", "header values are one line of ASCII")
    return Text(raw)


ALGORITHMS = ("roundrobin", "leastconn", "source", "random", "uri", "first", "header", "cookie")


def parse_balance(text: str) -> Balance:
    """An algorithm, as `leastconn`; `header:<Name>` and `cookie:<name>` hash what the client sent."""
    raw = plain(text)
    algorithm, colon, key = raw.partition(":")
    if algorithm not in ALGORITHMS:
        raise Refusal("CG181", f"balance {show(raw)} is not known", nearest(algorithm, ALGORITHMS))
    if algorithm not in ("header", "cookie"):
        if colon:
            raise Refusal("CG181", f'balance {show(raw)}: "{algorithm}" takes no name', f'write "{algorithm}"')
        return Balance(algorithm)
    if not key:
        example = "header:X-User" if algorithm == "header" else "cookie:session"
        raise Refusal("CG181", f"balance {show(raw)} needs a name to hash", f'write it as in "{example}"')
    return Balance(algorithm, parse_header_name(key) if algorithm == "header" else parse_name(key))


def parse_sticky(text: str) -> Sticky | None:
    """`cookie`, `cookie:<name>`, `source` or `off`."""
    raw = plain(text)
    kind, colon, name = raw.partition(":")
    if kind == "cookie":
        return Sticky("cookie", parse_name(name) if colon else Name("confgen"))
    if raw in ("source", "off"):
        return Sticky("source") if raw == "source" else None
    raise Refusal("CG181", f"sticky {show(raw)} is not known", nearest(raw, ("cookie", "cookie:<name>", "source", "off")))


def parse_health(text: str) -> Path | str:
    """`/healthz`, the path that an HTTP check asks for; or `tcp`, `off`."""
    raw = plain(text)
    if raw in ("tcp", "off"):
        return raw
    if not raw.startswith("/"):
        raise Refusal("CG181", f"health {show(raw)} is neither a path nor known", nearest(raw, ("/healthz", "tcp", "off")))
    return parse_path(raw).path


def parse_statuses(text: str) -> tuple[tuple[int, int], ...]:
    """`200-399`, `200,204`: HTTP status codes and ranges of them (RFC 9110 section 15: 100 to 599), in order."""
    found = []
    for part in plain(text).split(","):
        match = re.fullmatch(r" *([1-5][0-9]{2})(?:-([1-5][0-9]{2}))? *", part, re.ASCII)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise Refusal("CG182", f"{show(part)} is no HTTP status and no range of them", "write it as in 200-399 or 200,204")
        found.append((int(match[1]), int(match[2] or match[1])))
    return tuple(sorted(set(found)))


#: RFC 3986 path, query characters and what stands for itself in both proxies; no `$`, quotes or backslash.
_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(/[A-Za-z0-9._~!&()*+,;=:@%/?-]*)?", re.ASCII)


def _with_scheme(raw: str) -> str:
    """The same with https in front, where that makes it a URL."""
    return f"https://{raw}" if _URL.fullmatch(f"https://{raw}") and "." in raw else "https://www.example.com/new"


def parse_url(text: str) -> Url:
    """`https://host[:port]/path?query` for a redirect."""
    raw = plain(text)
    match = _URL.fullmatch(raw)
    if not match or len(raw) > 2000:
        raise Refusal("CG184", f"URL {show(raw)} is not an absolute http or https URL", f"write it as in {_with_scheme(raw)}")
    scheme, host, port, path = match.groups()
    parsed = parse_host(host)
    if isinstance(parsed, Wildcard):
        raise Refusal("CG184", f"URL {show(raw)} has a wildcard host", "name the host")
    if path and re.search(r"%(?![0-9A-Fa-f]{2})", path):
        raise Refusal("CG184", f'URL {show(raw)}: "%" must be followed by two hex digits', "write %25 for a percent sign")
    return Url(f"{scheme}://{parsed}" + (f":{parse_port(port)}" if port else "") + (path or ""))


SIGNALS = ("TERM", "INT", "QUIT", "KILL", "HUP", "USR1", "USR2", "WINCH")


def parse_signals(text: str) -> tuple[str, ...]:
    """One or more signal names, comma-separated, with or without SIG."""
    names = tuple(sorted({part.strip().upper().removeprefix("SIG") for part in plain(text).split(",")}))
    for name in names:
        if name not in SIGNALS:
            raise Refusal("CG181", f"signal {show(name)} is not known", nearest(name, SIGNALS))
    return names


def parse_address(text: str) -> Address:
    """An address as an engine reports it: a plain IPv4 or IPv6 unicast address.

    `ipaddress` accepts any text after `%` as a scope and prints it back, so a scope is refused (measured).
    """
    raw = text.strip()
    try:
        if "%" in raw:
            raise ValueError("scope")
        address = ipaddress.ip_address(raw)
    except ValueError:
        raise Refusal(
            "CG122", f"{show(raw)} is not an IP address", "the engine reported it; attach the container to a network"
        ) from None
    # ::ffff:127.0.0.1 is loopback too, though Python before 3.13 does not say so; an engine never reports such an address.
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    if (
        mapped
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    ):
        raise Refusal(
            "CG122",
            f"address {show(raw)} is not one that a proxy may send requests to",
            "attach the container to a bridge network",
        )
    return Address(str(address))


#: Most address ranges in one list.
MAX_RANGES = 256

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def parse_ranges(text: str) -> tuple[Cidr, ...]:
    """One or more networks or addresses, comma-separated; sorted, each once, never empty."""
    parts = [part.strip(" ") for part in plain(text).split(",")]
    if parts == [""]:
        raise Refusal("CG151", "the list is empty", "write at least one range, as in 10.0.0.0/8")
    if len(parts) > MAX_RANGES:
        raise Refusal("CG151", f"the list has {len(parts)} ranges; at most {MAX_RANGES} are allowed", "put ranges together")
    found = {_network(part) for part in parts}
    return tuple(
        Cidr(str(network)) for network in sorted(found, key=lambda n: (n.version, n.network_address.packed, n.prefixlen))
    )


def _network(part: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The characters are looked at before `ipaddress` is, which would take any text after a `%`."""
    example = "write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"
    if not re.fullmatch(r"[0-9a-fA-F.:]+(/(0|[1-9][0-9]{0,2}))?", part, re.ASCII):
        raise Refusal("CG151", f"{show(part)} is not an address range", f"{example}; there are no words such as all")
    try:
        network = ipaddress.ip_network(part, strict=False)
    except ValueError:
        raise Refusal("CG151", f"{show(part)} is not an address range", example) from None
    address = ipaddress.ip_address(part.partition("/")[0])
    if address != network.network_address:
        raise Refusal("CG151", f"{show(part)} has host bits", f"did you mean {network} or {address}/{address.max_prefixlen}?")
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        raise Refusal("CG151", f"{show(part)} is an IPv4 range in IPv6 clothes, which no client has", "write it as IPv4")
    return network
