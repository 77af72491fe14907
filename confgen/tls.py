"""What labels say of TLS, and what a certificate is good for.  Pure; the files are read in sources/certificates.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confgen.problem import Problem, show
from confgen.values import Host, Name, Refusal, Wildcard, plain, word

MODES = ("auto", "require", "off")
#: Words of `tls` that are meant to come; until then a route that says one is withheld.
_LATER = {
    "acme": "certificates come from files: put one into the folder of --certificates and use auto or require",
    "passthrough": "TLS ends at the proxy: use auto, require or off",
}
#: What YAML 1.1 makes of a bare `off`.
_YAML_OFF = "false"
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?", re.ASCII)
_HSTS = re.compile(r"([0-9]{1,9})(s|m|h|d)?", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
#: Ten years, in seconds; browsers ask for two at most.
_LONGEST = 315_360_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a route asks for.

    mode: "auto" (https for each host that a certificate covers), "require" (a host that none covers answers 503), "off".
    certificate: the name of one, None to choose by host.  redirect: answer http with a redirect to https.
    hsts: seconds that a browser shall ask for https alone, 0 to say nothing.
    """

    mode: str = "auto"
    certificate: Name | None = None
    redirect: bool = True
    hsts: int = 0

    @property
    def needed(self) -> bool:
        """It must not be served without."""
        return self.mode == "require" or (self.mode == "auto" and self.certificate is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with its chain and key, without the key.

    digest: of the file that holds them all, and its name in the shared folder.  names: the DNS names that it is for.
    not_after: when it ends, as "2027-01-31T12:00:00Z".  hosts: the ones that are served with it, sorted.
    """

    name: Name
    digest: str
    names: tuple[str, ...]
    not_after: str
    expired: bool = False
    hosts: tuple[Host | Wildcard, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {'ended' if self.expired else 'until'} {self.not_after.partition('T')[0]}"

    def covers(self, host: Host | Wildcard) -> bool:
        return any(pattern in self.names for pattern in patterns(host))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The certificates that can be used, sorted by name, and what is wrong with the others.

    pems: what each file holds, key included, by digest; shown to nobody.  broken: names whose files cannot be used, and of
    which no good copy is at hand.
    """

    certificates: tuple[Certificate, ...] = ()
    problems: tuple[Problem, ...] = ()
    pems: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    broken: tuple[Name, ...] = ()


def patterns(host: Host | Wildcard) -> tuple[str, ...]:
    """The names in a certificate that cover a host.  RFC 6125, 6.4.3: a wildcard stands for one whole label."""
    return (host, "*." + host.partition(".")[2]) if isinstance(host, Host) else (host,)


def choose(host: Host | Wildcard, certificates: Iterable[Certificate]) -> Certificate | None:
    """One that has not ended, then one that names the host itself, then the one that lasts longest, then by name."""
    fitting = sorted((c for c in certificates if c.covers(host)), key=lambda c: c.name)
    return max(fitting, key=lambda c: (not c.expired, host in c.names, c.not_after), default=None)


def parse_mode(text: str) -> str:
    """auto, require or off."""
    said = plain(text)
    if said in _LATER:
        raise Refusal("CG004", f"tls {said} is not there yet", _LATER[said])
    if said == _YAML_OFF:
        raise Refusal("CG181", f"{show(said)} is not known here", 'write "off" in quotes: in YAML a bare off is false')
    return word(*MODES)(said)


def parse_certificate(text: str) -> Name:
    """The name of a certificate in the folder; never a path."""
    name = plain(text)
    if not _NAME.fullmatch(name) or ".." in name:
        hint = 'small letters, digits, ".", "_" and "-"; of the file shop.pem, or the folder shop, the name is shop'
        raise Refusal("CG171", f"{show(name)} is no name of a certificate", hint)
    return Name(name)


def parse_hsts(text: str) -> int:
    """Seconds, or a number with s, m, h or d; `off` is 0."""
    said = plain(text)
    if said == "off":
        return 0
    match = _HSTS.fullmatch(said)
    seconds = int(match[1]) * _SECONDS[match[2] or ""] if match else 0
    if not 1 <= seconds <= _LONGEST:
        raise Refusal("CG141", f"{show(said)} is no time for browsers to keep", "write seconds, or as in 365d; or off")
    return seconds
