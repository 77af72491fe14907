"""Texts for labels: valid ones at the edges of their grammar, the same with something hostile in them, and plain junk.

An engine takes any bytes in a label: line breaks, NUL, terminal codes, quotes, a megabyte (measured).  A chance that is
given a seed makes the same texts again.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from confgen.keys import BY_NAME, KEYS, SECURITY, row
from confgen.values import ALGORITHMS, SIGNALS

#: What means something to nginx, HAProxy, Jinja, a shell, a terminal or a reader of logs.
HOSTILE = (
    *("\n", "\r", "\r\n", "\t", "\0", "\x01", "\x0b", "\x0c", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "é", "٣", "²"),
    *("\x01generation\x01", "\ufffd", "\udc80", "\U0001f40b", ";", "{", "}", '"', "'", "\\", "\\n", "\\x41", "\\;", "#", " # ", "$", "${"),
    *("$host", "${confgen_dollar}", "%", "%%", "%0a", "%00", "%2f", "%2e%2e", "%24", "%7B", "%7d", "%22", "%27", "%3B", "%5C", "%20"),
    *("%[env(PATH)]", "%{+Q}o", "*", "~", "=", "@", ",", ":", "::", "..", "//", "/../", "|", "&", "(", ")", "[", "]", "<", ">", "^", "`", "--"),
    *("{{ 7 * 7 }}", "{{", "}}", "{%", "{% include 'x' %}", "{# x #}", "{{ self.__init__.__globals__ }}", "{0.__class__}", "%s%n"),
    *("; }", "; } server { listen 81; ", ";load_module /tmp/x.so;", "; include /etc/passwd;", ";\n}\nserver {\n", "\nreturn 200 own;"),
    *("; return 200 own;#", "} location / { root /; }", "; proxy_pass http://169.254.169.254;", ";access_log /etc/cron.d/x;"),
    *("\nbackend own\n  server s 192.0.2.9:80\n", "\nglobal\n lua-load /x.lua\n", " if TRUE", "'\nuse_backend own\n'", " -f /etc/passwd"),
    *("\nlisten own\n bind :81\n", " }", " { env(PATH) -m found }", "unix:/run/docker.sock", "127.0.0.1", "169.254.169.254", "fe80::1%eth0; }"),
    *("default_server", "server_name evil.test;", "ssl_verify_client off", "$(id)", "`id`", "../../etc/passwd", "\x1b]0;x\x07", "\u0000"),
)  # fmt: skip
_DNS = string.ascii_lowercase + string.digits
_PATH = string.ascii_letters + string.digits + "._~!&'()*+,;=:@-"
#: Bytes that a path may hold percent-encoded alone, and that reach a file decoded: blanks, quotes, braces, backticks.
_ENCODED = (
    "%20",
    "%22",
    "%7B",
    "%7D",
    "%3C",
    "%3E",
    "%5E",
    "%60",
    "%7C",
    "%23",
    "%3F",
    "%5B",
    "%5D",
    "%C3%A9",
    "%E2%80%AE",
    "%c2%85",
)


def text(chance: random.Random, key: str, hostility: float) -> str:
    """A text for a label: valid, unless hostility (0 to 1) has it mutated or replaced."""
    if chance.random() >= hostility:
        return valid(chance, key)
    return junk(chance) if chance.random() < 0.2 else mutated(chance, valid(chance, key))


def junk(chance: random.Random) -> str:
    """Anything; now and then longer than what is read at all, or than nginx's longest word."""
    if chance.random() < 0.02:
        return chance.choice(HOSTILE) * chance.choice((4096, 20_000))
    pieces = [*HOSTILE, "a", "/", "x.test", "true", "80", "10s", *BY_NAME]
    return "".join(chance.choice(pieces) for _ in range(chance.randint(0, 6)))


def mutated(chance: random.Random, said: str) -> str:
    """The text with one to three changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        said = chance.choice(_MUTATIONS)(chance, said)
    return said


def _insert(chance: random.Random, said: str) -> str:
    at = chance.choice((0, len(said), chance.randint(0, len(said))))
    return said[:at] + chance.choice(HOSTILE) + said[at:]


def _replace(chance: random.Random, said: str) -> str:
    at = chance.randrange(len(said) + 1)
    return said[:at] + chance.choice(HOSTILE) + said[at + 1 :]


def _cut(chance: random.Random, said: str) -> str:
    return said[: chance.randrange(len(said) + 1)]


def _flip(chance: random.Random, said: str) -> str:
    at = chance.randrange(len(said) + 1)
    return said[:at] + "".join(chr(ord(c) ^ (1 << chance.randrange(8))) for c in said[at : at + 1]) + said[at + 1 :]


def _twice(chance: random.Random, said: str) -> str:
    return (said * chance.choice((2, 2, 40)))[:6000]


def _swap_case(chance: random.Random, said: str) -> str:
    return said.swapcase()


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    _insert,
    _insert,
    _insert,
    _replace,
    _cut,
    _flip,
    _twice,
    _swap_case,
)


# --- valid texts


def valid(chance: random.Random, key: str) -> str:
    """A text that the key's reader takes (or nearly: what it makes of two hosts that are one is its own affair)."""
    make = _VALID.get(row(key).name)
    return make(chance) if make else row(key).example


def host(chance: random.Random) -> str:
    """Few names, so that several want the same one; long ones, wildcards, capitals and trailing dots among them."""
    name = ".".join(_word(chance, _DNS, chance.choice((1, 1, 2, 8, 63))) for _ in range(chance.choice((1, 2, 2, 3)))) + ".test"
    kind = chance.random()
    if kind < 0.15:
        return "*." + name
    if kind < 0.3:
        return name.upper() + chance.choice(("", "."))
    return chance.choice(("a.test", "b.test", "*.c.test", "x.c.test")) if kind < 0.5 else name


def _hosts(chance: random.Random) -> str:
    return chance.choice((",", ", ")).join(host(chance) for _ in range(chance.choice((1, 1, 1, 2, 4))))


def _word(chance: random.Random, letters: str, length: int) -> str:
    return "".join(chance.choice(letters) for _ in range(length))


def _segment(chance: random.Random) -> str:
    said = "".join(
        chance.choice(_ENCODED) if chance.random() < 0.15 else chance.choice(_PATH) for _ in range(chance.randint(1, 9))
    )
    return said if said.strip(".") else said + "x"


def _prefix(chance: random.Random) -> str:
    return "/" + "/".join(_segment(chance) for _ in range(chance.choice((0, 1, 1, 2, 5)))) + chance.choice(("", "", "/"))


def _path(chance: random.Random) -> str:
    path = _prefix(chance).replace("//", "/")
    return chance.choice(("", "", "", "=")) + path


def _url(chance: random.Random) -> str:
    query = "".join(chance.choice(_PATH.replace("'", "") + "?/%&") for _ in range(chance.randint(0, 20))).replace("%", "%25")
    port = chance.choice(("", "", ":8443"))
    return f"{chance.choice(('http', 'https'))}://{host(chance).replace('*.', '').rstrip('.')}{port}{chance.choice(('', '/' + query))}"


def name(chance: random.Random) -> str:
    """Few short ones, so that pools are shared, and long ones; with capitals, which nginx does not tell apart."""
    few = ("p", "P", "web", "Web", "confgen", "default", "own")
    letters = string.ascii_letters + string.digits + "_.-"
    return chance.choice(few) if chance.random() < 0.4 else "x" + _word(chance, letters, chance.choice((1, 5, 62)))


def _duration(chance: random.Random) -> str:
    return f"{chance.choice((1, 2, 10, 999, 1500))}{chance.choice(('ms', 's', 'm'))}"


def _balance(chance: random.Random) -> str:
    algorithm = chance.choice(ALGORITHMS)
    if algorithm == "header":
        return "header:" + _word(chance, string.ascii_letters + "-", chance.choice((1, 8, 64)))
    return f"cookie:{name(chance)}" if algorithm == "cookie" else algorithm


def _sticky(chance: random.Random) -> str:
    return chance.choice(("cookie", "source", "off", f"cookie:{name(chance)}"))


def _signals(chance: random.Random) -> str:
    return ",".join(chance.choice(("", "SIG")) + chance.choice(SIGNALS) for _ in range(chance.choice((1, 2))))


def _ranges(chance: random.Random) -> str:
    some = ("10.0.0.0/8", "192.0.2.7", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "fd00::1", "::/0", "10.1.0.0/16")
    return ", ".join(chance.choice(some) for _ in range(chance.choice((1, 1, 2, 5, 80))))


def _header_value(chance: random.Random) -> str:
    return _word(chance, string.printable[:95], chance.choice((0, 1, 10, 40, 500)))


_HASHES = (
    "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "$5$rounds=10000$saltsalt$RUsnTSO2Cw.gkRW/RZSmG6BCeuh1a6eDbZfnX4oz1c5",
    "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0",
    "$2b$10$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
)


def _users(chance: random.Random) -> str:
    names = {
        _word(chance, string.ascii_letters + string.digits + "._@-", chance.choice((1, 5, 64)))
        for _ in range(chance.choice((1, 2, 5)))
    }
    weights = (10, 10, 1, 1)
    return ", ".join(f"{name}:{chance.choices(_HASHES, weights)[0]}" for name in sorted(names))


def _one_of(*words: str) -> Callable[[random.Random], str]:
    return lambda chance: chance.choice(words)


_VALID: dict[str, Callable[[random.Random], str]] = {
    "host": _hosts,
    "path": _path,
    "rewrite": _prefix,
    "redirect": _url,
    "redirect.code": _one_of("301", "302", "303", "307", "308", "304"),
    "port": _one_of("80", "8080", "1", "65535"),
    "scheme": _one_of("http", "http", "https", "h2c", "grpc", "grpcs"),
    "pool": name,
    "balance": _balance,
    "sticky": _sticky,
    "retry": _one_of("0", "1", "2", "100"),
    "weight": _one_of("0", "1", "2", "256"),
    "max-connections": _one_of("1", "100", "1000000"),
    "header.request.<Name>": _header_value,
    "header.response.<Name>": _header_value,
    "network": _one_of("front", "front", "back"),
    "stop-signal": _signals,
    "allow": _ranges,
    "deny": _ranges,
    "auth.basic": _users,
    "limit.body": _one_of("0", "1", "512k", "10m", "3G", "1024g"),
    "limit.rate": _one_of("1r/m", "7r/s", "10r/s", "100r/m", "999999r/s"),
    "limit.burst": _one_of("0", "20", "10000"),
    "limit.connections": _one_of("1", "20", "65535"),
    "health": _one_of("/healthz", "/a%20b?", "tcp", "off"),
    "health.status": _one_of("200-399", "200,204", "399-200"),
    "health.start": _one_of("checked", "ready"),
    "tls": _one_of("auto", "require", "off"),
    "tls.cert": _one_of("exact", "shop", "wild", "nobody"),
    "tls.hsts": _one_of("off", "1", "365d"),
    **dict.fromkeys(("health.rise", "health.fall"), _one_of("1", "100", "0")),
    **dict.fromkeys(("strip-prefix", "backup", "tls.redirect"), _one_of("true", "false")),
    **dict.fromkeys(
        (
            "timeout.connect",
            "timeout.read",
            "timeout.send",
            "timeout.idle",
            "drain",
            "slow-start",
            "health.interval",
            "health.timeout",
        ),
        _duration,
    ),
}

#: Keys that there are, that there are not, and that shut doors.
STRANGE_KEYS = (
    *(f"{word}{rest}" for word in SECURITY for rest in ("", ".basic", "-from", ".client-ca", ".rate")),
    *("snippet", "configuration-snippet", "alow", "autth", "heal", "header.request.X-A", "hots", "server", "enable"),
)


def key(chance: random.Random) -> str:
    """A key of the table, mostly; else one that is not, or one with something hostile in it."""
    kind = chance.random()
    if kind < 0.94:
        return chance.choice(KEYS).sample
    return chance.choice(STRANGE_KEYS) if kind < 0.97 else mutated(chance, chance.choice(KEYS).name)
