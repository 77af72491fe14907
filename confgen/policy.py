"""Who may claim what: an operator's file that grants hosts, paths and listeners to owners (compose projects).

Without a file everything may be claimed and the incumbent wins.  With one, what is not granted is refused:

    [[allow]]
    owner = "shop"                        # a compose project, or a container's name; "*" for everybody
    hosts = ["shop.example.com", "*.shop.example.com"]
    paths = ["/"]                         # prefixes; ["/"] if not given
    tcp = [3306]                          # listen ports; none if not given
    udp = []
    engine_ports = []                     # ports of an engine's API that its containers may serve; none if not given

A host `*.shop.example.com` in a grant covers every name below it, and the wildcard route itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confgen.errors import BadInput
from confgen.model import Route
from confgen.values import Host, Match, Path, Port, Refusal, Wildcard, nearest, parse_host, parse_path, parse_port


@dataclass(frozen=True, slots=True)
class Grant:
    """What one owner may have."""

    owner: str
    hosts: tuple[Host | Wildcard, ...] = ()
    paths: tuple[Match, ...] = (Match(Path("/")),)
    tcp: tuple[Port, ...] = ()
    udp: tuple[Port, ...] = ()
    engine_ports: tuple[Port, ...] = ()

    def covers_host(self, host: Host | Wildcard) -> bool:
        return host in self.hosts or any(
            isinstance(mine, Wildcard) and host.removeprefix("*").endswith(mine.suffix) for mine in self.hosts
        )

    def covers_path(self, path: str) -> bool:
        return any((path + "/").startswith(mine.path.rstrip("/") + "/") for mine in self.paths)


@dataclass(frozen=True, slots=True)
class Policy:
    """All grants."""

    grants: tuple[Grant, ...] = ()

    def refusal(self, owner: str, protocol: str, port: int, route: Route, host: Host | Wildcard | None) -> str:
        """Why `owner` may not have this host and path, or this stream port; "" when it may."""
        mine = self._of(owner)
        if host is None:
            ports = {p for grant in mine for p in (grant.tcp if protocol == "tcp" else grant.udp)}
            return "" if port in ports else f"the policy grants {protocol} port {port} not to {owner}"
        if any(grant.covers_host(host) and grant.covers_path(route.match.path) for grant in mine):
            return ""
        return f"the policy grants {host}{route.match.path} not to {owner}"

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
    _known(data, ("allow",), name)
    grants = data.get("allow", [])
    if not isinstance(grants, list) or not all(isinstance(grant, dict) for grant in grants):
        raise BadInput(f"{name}: allow is not a list of tables", "write each grant under its own [[allow]]")
    return Policy(tuple(_grant(grant, f"{name}: grant {number}") for number, grant in enumerate(grants, 1)))


def _grant(data: Mapping[str, Any], where: str) -> Grant:
    _known(data, ("owner", "hosts", "paths", "tcp", "udp", "engine_ports"), where)
    owner = data.get("owner")
    if not isinstance(owner, str) or not owner:
        raise BadInput(f"{where} names no owner", 'write owner = "<compose project>"')
    paths = _list(data, "paths", parse_path, where)
    return Grant(
        owner,
        _list(data, "hosts", parse_host, where),
        paths if "paths" in data else Grant(owner).paths,
        _list(data, "tcp", parse_port, where),
        _list(data, "udp", parse_port, where),
        _list(data, "engine_ports", parse_port, where),
    )


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
            raise BadInput(f"{where}: {key!r} is not known", nearest(key, keys))
