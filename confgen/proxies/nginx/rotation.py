"""Which servers of a pool are written, and how they take part.  Pure."""

from __future__ import annotations

from confgen.model import Pool, Server, ServerState

_OUT = (ServerState.DOWN, ServerState.STARTING)


def taking(pool: Pool) -> tuple[Server, ...]:
    """The servers that are written: ready ones, and with a sticky cookie those that finish what they have.

    The others leave no trace in the text, not even a comment, or each stop would cost a second reload for it.
    """
    return tuple(s for s in pool.servers if _ready(s) or (sticky_cookie(pool) and s.state not in _OUT))


def serves(pool: Pool | None) -> bool:
    """Whether there is anybody to send a request to."""
    return pool is not None and any(_ready(s) for s in pool.servers)


def drains(server: Server) -> bool:
    """Of those that are written: takes no new clients, only those whose cookie names it."""
    return not _ready(server)


def sticky_cookie(pool: Pool) -> bool:
    return pool.sticky is not None and pool.sticky.kind == "cookie"


def _ready(server: Server) -> bool:
    return server.state is ServerState.READY and server.weight > 0
