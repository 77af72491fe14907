"""What outlives a restart beside the generations: who holds which host and path, what is in quarantine, who is not well."""

from __future__ import annotations

from dataclasses import dataclass

from confgen.model import Route
from confgen.snippets import Snippets


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A host and path, or a stream port, and the owner (compose project, else container) that was there first.

    container: the id of one that holds it, since a container of no project is its own owner, and may be renamed.
    """

    name: str
    owner: str
    container: str = ""

    def is_of(self, owner: str, container: str) -> bool:
        return owner == self.owner or (bool(container) and container == self.container)


@dataclass(frozen=True, slots=True, order=True)
class Quarantined:
    """A route that the proxy itself refused.

    definition: digest of what it said, so that a changed one is tried again.  words: the proxy's own.
    unwritable: not even its 503 can be written, where it has to be shut.
    """

    name: str
    definition: str
    words: str
    unwritable: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """What checks have found out of a server.

    name: pool, server and address, since another address is another server.  words: what was wrong, "" when nothing was.
    long: it has been so for some time.
    """

    name: str
    up: bool
    words: str = ""
    long: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """All of it, for one proxy; sorted by name.  snippets: those of the generation that went live last."""

    claims: tuple[Claim, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    snippets: Snippets = ()


def claim_names(protocol: str, port: int, route: Route) -> tuple[str, ...]:
    """What a route holds, in words that stay the same: `http:80 shop.example.com /api` for each host, or `tcp:3306`."""
    match = ("=" if route.match.exact else "") + route.match.path
    return tuple(f"{protocol}:{port} {host} {match}" for host in route.hosts) or (f"{protocol}:{port}",)
