"""What is to be found out of servers, and what follows from it for the model.  Pure.

A server may be in the model, and in Docker's words running, and still answer nobody: its app has not opened its port yet, or
its check fails.  Who finds that out (probe.py) does so beside the line and says it as verdicts, which are facts like those
of a source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from confgen.build import in_rotation
from confgen.kept import Verdict
from confgen.model import Check, Model, Pool, Server, ServerState
from confgen.problem import Effect, Problem
from confgen.recent import Recent


@dataclass(frozen=True, slots=True, order=True)
class Probe:
    """One thing to find out.

    name: of its verdict.  check: None asks whether the port accepts a connection, until it does once.
    tls: the server speaks TLS.
    """

    name: str
    address: str
    port: int
    tls: bool = False
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What the checks of one server add up to.  up: the verdict, None before there is one.  run: good (positive) or bad
    (negative) ones in a row."""

    up: bool | None = None
    run: int = 0

    def and_one(self, good: bool, check: Check | None) -> Tally:
        """One more answer.  The first one decides at once; later ones need `rise` or `fall` in a row."""
        run = max(self.run, 0) + 1 if good else min(self.run, 0) - 1
        if self.up is None or check is None:
            return Tally(good, run)
        turned = run >= check.rise if good else -run >= check.fall
        return Tally(good if turned else self.up, run)


def probes(model: Model, recent: Recent | None = None) -> tuple[Probe, ...]:
    """Everything that is to be found out of the servers that would take requests.  recent: of most pools it is the same again."""
    recent = recent or Recent()
    of_pool = recent.over(_of_pool)
    return tuple(sorted((p for pool in model.pools for p in of_pool(pool)), key=attrgetter("name")))


def _of_pool(pool: Pool) -> tuple[Probe, ...]:
    return tuple(probe for server in pool.servers for probe in _probe(pool, server))


def _probe(pool: Pool, server: Server) -> Iterator[Probe]:
    if pool.protocol != "udp" and server.state is ServerState.READY and not server.resolve:
        tls = pool.protocol in ("https", "grpcs")
        yield Probe(_name(pool, server), str(server.address), int(server.port), tls, pool.check)


def _name(pool: Pool, server: Server) -> str:
    return f"{pool.name} {server.name} {server.address}:{server.port}"


def taking(model: Model) -> frozenset[str]:
    """The names of the servers that take requests: one that has done so once need not show that its port is open."""
    return frozenset(_name(pool, s) for pool in model.pools for s in pool.ready)


def judged(model: Model, verdicts: Mapping[str, Verdict], live: Collection[str]) -> Model:
    """The model with the servers in the state that follows from the verdicts.  live: those that take requests now."""
    if not decides(model, verdicts):
        return model
    return replace(model, pools=tuple(_judged(pool, verdicts, live) for pool in model.pools))


def decides(model: Model, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether anything can follow from the verdicts: somebody is not up, or has to show first that it is."""
    return any(not verdict.up for verdict in verdicts.values()) or any(pool.check for pool in model.pools)


def _judged(pool: Pool, verdicts: Mapping[str, Verdict], live: Collection[str]) -> Pool:
    servers = in_rotation(tuple(_state(s, pool, verdicts.get(_name(pool, s)), _name(pool, s) in live) for s in pool.servers))
    # Where nobody else can answer, a server that opens its port while the proxy reloads shall be found at once.
    nobody = not pool.check and all(s.state is not ServerState.READY for s in servers)
    return pool if nobody or servers == pool.servers else replace(pool, servers=servers)


def _state(server: Server, pool: Pool, verdict: Verdict | None, live: bool) -> Server:
    if server.state is not ServerState.READY or server.resolve:
        return server
    if pool.check is None:
        shut = verdict is not None and not verdict.up and pool.waits and not live
        return replace(server, state=ServerState.STARTING, why=verdict.words) if shut and verdict else server
    if verdict is None:
        waits = pool.check.waits and not live
        return replace(server, state=ServerState.STARTING, why="health check: not done yet") if waits else server
    return server if verdict.up else replace(server, state=ServerState.DOWN, why=f"health check: {verdict.words}")


def complaints(model: Model, verdicts: Mapping[str, Verdict]) -> tuple[Problem, ...]:
    """A Problem for each server whose port has refused connections for long: most of the time the label names another port
    than the app's."""
    if not any(verdict.long and not verdict.up for verdict in verdicts.values()):
        return ()
    return tuple(
        Problem(server.origin, "CG123", f"{verdict.words} at {server.address}", Effect.SERVER, _PORT_HINT)
        for pool in model.pools
        for server in pool.servers
        if (verdict := verdicts.get(_name(pool, server))) and verdict.long and not verdict.up and not pool.check
    )


_PORT_HINT = "does the app listen on another port, or on 127.0.0.1 alone? It has to listen on 0.0.0.0"
