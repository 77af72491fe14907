"""Who may claim what: an operator's file that grants hosts, paths and listeners to owners (compose projects).

Without a file everything may be claimed and the incumbent wins.  With one, what is not granted is refused:

    [[allow]]
    owner = "shop"                        # a compose project, or a container's name; "*" for everybody
    hosts = ["shop.example.com", "*.shop.example.com"]
    paths = ["/"]                         # prefixes; ["/"] if not given
    tcp = [3306]                          # listen ports; none if not given
    udp = []
    engine_ports = []                     # ports of an engine's API that its containers may serve; none if not given
    features = ["tls", "auth"]            # first words of label keys that its routes may use; all if not given
    forbidden = ["redirect"]              # or those that they may not

    [templates]
    may_omit = ["forwarded"]              # parts of the text that the operator's own templates may leave out or change

A host `*.shop.example.com` in a grant covers every name below it, and the wildcard route itself; `*` covers all.
A route needs one grant that covers its host, its path and all the features that it uses.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confgen.errors import BadInput
from confgen.keys import FEATURES
from confgen.model import Route
from confgen.problem import show
from confgen.values import Host, Match, Path, Port, Refusal, Wildcard, nearest, parse_host, parse_path, parse_port

#: In place of the hosts of a grant.
_EVERYWHERE = "*"
#: Parts of a text that protect and carry nothing of the model, and that the operator's templates may be let off (readback.py):
#: what servers are told of the client, and that what servers say does not steer the proxy.
PARTS = (FORWARDED, ACCEL) = ("forwarded", "accel")
_ALL = frozenset(FEATURES)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one owner may have."""

    owner: str
    hosts: tuple[Host | Wildcard, ...] = ()
    paths: tuple[Match, ...] = (Match(Path("/")),)
    tcp: tuple[Port, ...] = ()
    udp: tuple[Port, ...] = ()
    engine_ports: tuple[Port, ...] = ()
    everywhere: bool = False
    features: frozenset[str] = _ALL

    def covers(self, protocol: str, port: int, route: Route, host: Host | Wildcard | None) -> bool:
        """This host and path, or this stream port."""
        if host is None:
            return port in (self.tcp if protocol == "tcp" else self.udp)
        return self.covers_host(host) and self.covers_path(route.match.path)

    def covers_host(self, host: Host | Wildcard) -> bool:
        return (
            self.everywhere
            or host in self.hosts
            or any(isinstance(mine, Wildcard) and host.removeprefix("*").endswith(mine.suffix) for mine in self.hosts)
        )

    def covers_path(self, path: str) -> bool:
        return any((path + "/").startswith(mine.path.rstrip("/") + "/") for mine in self.paths)


@dataclass(frozen=True, slots=True)
class Policy:
    """All grants.  may_omit: what the operator's templates need not write."""

    grants: tuple[Grant, ...] = ()
    may_omit: tuple[str, ...] = ()

    def refusal(self, owner: str, protocol: str, port: int, route: Route, host: Host | Wildcard | None) -> str:
        """Why `owner` may not have this host and path, or this stream port; "" when it may."""
        if any(grant.covers(protocol, port, route, host) for grant in self._of(owner)):
            return ""
        what = f"{protocol} port {port}" if host is None else f"{host}{route.match.path}"
        return f"the policy grants {what} not to {owner}"

    def forbidden(
        self, owner: str, protocol: str, port: int, route: Route, host: Host | Wildcard | None, used: frozenset[str]
    ) -> frozenset[str]:
        """Which of the features in use `owner` may not use there: by the grant that comes nearest; empty when it may all."""
        missing = [used - grant.features for grant in self._of(owner) if grant.covers(protocol, port, route, host)]
        return min(missing, key=lambda names: (len(names), sorted(names)), default=frozenset())

    def opens_engine(self, owner: str, port: int) -> bool:
        """Whether `owner` may serve a port at which an engine takes orders."""
        return any(port in grant.engine_ports for grant in self._of(owner))

    def _of(self, owner: str) -> list[Grant]:
        return [grant for grant in self.grants if grant.owner in (owner, "*")]


def parse(text: str, name: str) -> Policy:
    """The policy in a TOML file; raises BadInput with what is wrong and where."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name}: is not TOML: {error}", "see docs/operations.md, policy") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in thousands of lists
        raise BadInput(
            f"{name}: cannot be read: a number is too long, or it is nested too deep", "see docs/operations.md, policy"
        ) from error
    _known(data, ("allow", "templates"), name)
    grants = data.get("allow", [])
    if not isinstance(grants, list) or not all(isinstance(grant, dict) for grant in grants):
        raise BadInput(f"{name}: allow is not a list of tables", "write each grant under its own [[allow]]")
    may_omit = _may_omit(data.get("templates", {}), f"{name}: templates")
    return Policy(tuple(_grant(grant, f"{name}: grant {number}") for number, grant in enumerate(grants, 1)), may_omit)


def _may_omit(data: object, where: str) -> tuple[str, ...]:
    if not isinstance(data, dict):
        raise BadInput(f"{where} is not a table", "write may_omit below [templates]")
    _known(data, ("may_omit",), where)
    return tuple(sorted(_words(data, "may_omit", PARTS, where)))


def _grant(data: Mapping[str, Any], where: str) -> Grant:
    _known(data, ("owner", "hosts", "paths", "tcp", "udp", "engine_ports", "features", "forbidden"), where)
    owner = data.get("owner")
    if not isinstance(owner, str) or not owner:
        raise BadInput(f"{where} names no owner", 'write owner = "<compose project>"')
    paths = _list(data, "paths", parse_path, where)
    hosts = data.get("hosts", [])
    everywhere = isinstance(hosts, list) and _EVERYWHERE in hosts
    if everywhere:
        data = {**data, "hosts": [host for host in hosts if host != _EVERYWHERE]}
    return Grant(
        owner,
        _list(data, "hosts", parse_host, where),
        paths if "paths" in data else Grant(owner).paths,
        _list(data, "tcp", parse_port, where),
        _list(data, "udp", parse_port, where),
        _list(data, "engine_ports", parse_port, where),
        everywhere,
        _features(data, where),
    )


def _features(data: Mapping[str, Any], where: str) -> frozenset[str]:
    if "features" in data and "forbidden" in data:
        raise BadInput(f"{where} has both features and forbidden", "say what may be used, or what may not")
    if "features" in data:
        return _words(data, "features", FEATURES, where)
    return _ALL - _words(data, "forbidden", FEATURES, where)


def _words(data: Mapping[str, Any], key: str, known: tuple[str, ...], where: str) -> frozenset[str]:
    """Names that all have to be known: a misspelt one would grant less than is meant, or forbid less."""
    words = _list(data, key, str, where)
    for word in words:
        if word not in known:
            raise BadInput(f"{where}: {key}: {show(word)} is not known", nearest(word, known))
    return frozenset(words)


def _list(data: Mapping[str, Any], key: str, read: Callable[[str], Any], where: str) -> tuple[Any, ...]:
    values = data.get(key, [])
    if not isinstance(values, list):
        raise BadInput(f"{where}: {key} is not a list", f'write {key} = ["..."]')
    try:
        return tuple(read(str(value)) for value in values)
    except Refusal as refusal:
        raise BadInput(f"{where}: {key}: {refusal.message}", refusal.hint) from refusal


def _known(data: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in keys:
            raise BadInput(f"{where}: {show(key)} is not known", nearest(key, keys))
