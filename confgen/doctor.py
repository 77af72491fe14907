"""What is wrong or risky in a set-up, each with the mend.  Pure; what is looked at is gathered by the command."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from confgen.model import Pool
from confgen.problem import count
from confgen.report import SeatReport
from confgen.settings import LabelSettings
from confgen.sources.compose.declared import Declared
from confgen.state import Health, Instance, State

#: Reloads cost requests on clients' idle connections before this (`keepalive_min_timeout`; measured: 0 to 14 a reload).
_KEEPS_IDLE = (1, 27, 4)
#: The last nginx with CVE-2026-42945 (a `rewrite` with captures and a question mark; the shipped templates have none).
_RIFT = (1, 30, 0)
#: In these a reload with a port that is taken kills the master.
_FRAGILE = ((2, 7, 0), (2, 8, 0))
#: Hosts with a pool of their own take no reload from this on.
_ADDS_BACKENDS = (3, 4)


@dataclass(frozen=True, slots=True)
class _Hole:
    """A known hole of a proxy that what confgen writes can meet.

    fixed: the first good release of each branch, the newest branch first; later branches are good, older ones are not mended.
    tls: only with certificates for clients; https: only towards servers that are asked over https.
    """

    name: str
    what: str
    fixed: tuple[tuple[int, int, int], ...]
    since: tuple[int, ...] = (0,)
    tls: bool = False
    https: bool = False

    def has(self, version: tuple[int, ...]) -> bool:
        """Whether a release has it; of a tag that names a branch alone ("3.2") nobody knows, and it is mostly the newest."""
        if len(version) < 3 or version < self.since:
            return False
        mended = [good for good in self.fixed if good[:2] == version[:2]]
        return version < mended[0] if mended else version[:2] < self.fixed[0][:2]

    @property
    def mend(self) -> str:
        return " or ".join(".".join(map(str, good)) for good in self.fixed)


#: nginx.org/en/security_advisories.html; haproxy.org and its announcements.
_HOLES: Mapping[str, tuple[_Hole, ...]] = {
    "nginx": (
        _Hole("CVE-2026-1642", "who sits between nginx and a server that is asked over https can answer in its place",
              ((1, 29, 5), (1, 28, 2)), https=True),
    ),
    "haproxy": (
        _Hole("CVE-2024-45506", "an HTTP/2 client can keep it busy for ever", ((3, 0, 4), (2, 9, 10)), since=(2, 9), tls=True),
        _Hole("CVE-2023-40225", "an empty Content-Length is passed on: a request can be smuggled past it", ((2, 8, 2), (2, 7, 10), (2, 6, 15))),
        _Hole("CVE-2023-25725", "a header without a name hides those after it: rules can be got round", ((2, 7, 3), (2, 6, 9))),
    ),
}  # fmt: skip


class Level(enum.Enum):
    """RISK: it can cost requests or security.  HINT: it could be better."""

    RISK = "risk"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding.  about: a proxy, a container, confgen itself."""

    level: Level
    about: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that is looked at.

    own: the container that confgen runs in, None where it runs in none.  ailments: what `confgen health` says of `watch`.
    guarded: there is a policy file.  ours: text of the operator's own, templates or snippets, goes into the proxy's.  exec: test and reload go through the engine.
    declared: what compose files say, by service; None where what runs is looked at.
    """

    state: State
    seats: tuple[SeatReport, ...] = ()
    own: Instance | None = None
    ailments: Sequence[str] = ()
    guarded: bool = False
    ours: bool = False
    exec: bool = False
    declared: Mapping[str, Declared] | None = field(default=None)
    labels: LabelSettings = LabelSettings()


def examine(setup: Setup) -> tuple[Advice, ...]:
    """All that there is to say, risks first."""
    found = [*_confgen(setup), *(advice for seat in setup.seats for advice in _seat(seat, setup)), *_containers(setup)]
    return tuple(sorted(found, key=lambda advice: (advice.level is not Level.RISK, advice.about, advice.message)))


# --- confgen itself


def _confgen(setup: Setup) -> Iterator[Advice]:
    for ailment in setup.ailments:
        yield Advice(Level.RISK, "confgen watch", ailment, "docker compose logs confgen")
    for mount in setup.own.mounts if setup.own else ():
        if mount.destination.endswith("docker.sock"):
            message = (
                "the engine's own socket is mounted: whoever breaks into this container rules the engine; `:ro` changes nothing, "
                "and when the engine starts anew, the file is a dead one"
            )
            yield Advice(
                Level.RISK,
                "confgen",
                message,
                "put a gate before it that lets five kinds of request through: examples/07-socket-proxy",
            )
    if setup.exec:
        message = "it tests and reloads through the engine's exec, which takes the right to run anything anywhere"
        yield Advice(
            Level.RISK, "confgen", message, "start the proxy by the start script, and leave --allow-exec out: docs/operations.md"
        )
    owners = {instance.owner for seat in setup.seats for instance in _routed(seat, setup.state)}
    if len(owners) > 1 and not setup.guarded:
        message = f"{count(len(owners), 'project')} may claim any host that is free: there is no policy file"
        yield Advice(Level.HINT, "confgen", message, "if they are not all yours: --policy, docs/operations.md#who-may-claim-what")


# --- a proxy


def _seat(seat: SeatReport, setup: Setup) -> Iterator[Advice]:
    if seat.error:
        yield Advice(Level.RISK, seat.seat, seat.error.message, seat.error.hint)
    elif not seat.right:
        yield Advice(
            Level.RISK, seat.seat, "it does not serve what is wanted", "is `confgen watch` running? `confgen plan` shows more"
        )
    if seat.pinned:
        yield Advice(
            Level.RISK,
            seat.seat,
            f"generation {seat.pinned} is pinned: containers are not followed",
            "confgen rollback --release",
        )
    if seat.problems:
        yield Advice(
            Level.RISK, seat.seat, f"{count(len(seat.problems), 'problem')} in labels", "confgen status names each with its mend"
        )
    version = tuple(int(part) for part in seat.version.split(".") if part.isdigit())
    if version:
        yield from _holes(seat, version)
        yield from (_nginx if seat.proxy == "nginx" else _haproxy)(seat.seat, version, setup)
    container = next((i for i in setup.state.instances if i.name == seat.seat), None)
    if container:
        yield from _doors(container)
        yield from _files(container)


def _holes(seat: SeatReport, version: tuple[int, ...]) -> Iterator[Advice]:
    https = any(pool.protocol == "https" for pool in seat.model.pools)
    for hole in _HOLES.get(seat.proxy, ()):
        met = (https or not hole.https) and (bool(seat.model.certificates) or not hole.tls)
        if met and hole.has(version):
            yield Advice(
                Level.RISK,
                seat.seat,
                f"{seat.proxy} {seat.version} has {hole.name}: {hole.what}",
                f"{seat.proxy} {hole.mend}, or later",
            )


def _nginx(name: str, version: tuple[int, ...], setup: Setup) -> Iterator[Advice]:
    # A tag that names a branch alone (`nginx:1.30`) is mostly the newest of it: it counts as one where that has what is asked.
    if version < _KEEPS_IDLE[: len(version)]:
        message = "before 1.27.4 each reload may cost a request on a client's idle connection"
        yield Advice(Level.HINT, name, message, "nginx:1.30 or later")
    if (version <= _RIFT if len(version) > 2 else version < _RIFT[:2]) and setup.ours:
        message = "CVE-2026-42945: a `rewrite` with captures and a `?` overflows the heap; the shipped templates have none, your own text may"
        yield Advice(Level.RISK, name, message, "nginx 1.30.1 or later")


def _haproxy(name: str, version: tuple[int, ...], setup: Setup) -> Iterator[Advice]:  # noqa: ARG001 - as _nginx
    if version in _FRAGILE:
        yield Advice(
            Level.RISK, name, "one reload with a port that is taken kills this version's master", "the next patch release"
        )
    if version[:2] < _ADDS_BACKENDS:
        yield Advice(Level.HINT, name, "before 3.4 a host with a pool of its own takes a reload", "haproxy:3.4 or later")


def _doors(container: Instance) -> Iterator[Advice]:
    published = [port for port in container.published if port.address]
    if container.network_mode != "host" and not published:
        yield Advice(Level.HINT, container.name, "none of its ports is published: containers alone reach it", 'ports: ["80:80"]')
    elif published and all(port.address in ("127.0.0.1", "::1") for port in published):
        message = "its ports are published on this machine's own address alone"
        yield Advice(Level.HINT, container.name, message, 'ports: ["80:80"], if others shall reach it')


def _files(container: Instance) -> Iterator[Advice]:
    for mount in container.mounts:
        if mount.destination.endswith((".conf", ".cfg")):
            message = f"{mount.destination} is mounted as a single file: no file can be renamed over it, so it is not what confgen writes"
            yield Advice(
                Level.HINT, container.name, message, "mount the folder that confgen shares, and start by the start script"
            )


# --- containers


def _containers(setup: Setup) -> Iterator[Advice]:
    for seat in setup.seats:
        unasked = [i.name for i in _routed(seat, setup.state) if not _asked(i, setup)]
        if unasked:
            unless = " (unless their images have a HEALTHCHECK)" if setup.declared is not None else ""
            message = f"{_some(unasked)}: nobody asks whether they are well; a container that hangs gets requests{unless}"
            yield Advice(Level.HINT, seat.seat, message, f"a HEALTHCHECK, or the label {setup.labels.prefix}.health: /healthz")
        single = [str(pool.name) for pool in seat.model.pools if len(pool.servers) == 1 and not _scaled(pool, setup)]
        if single:
            message = f"{_some(single)}: one server, so nobody answers while its container is made anew"
            yield Advice(Level.HINT, seat.seat, message, "docker compose up --scale SERVICE=2")

        for pool in seat.model.pools:
            yield from _of_file(pool, seat, setup)


def _asked(instance: Instance, setup: Setup) -> bool:
    said = (setup.declared or {}).get(instance.name)
    return (
        instance.health is not Health.NONE or bool(instance.label(f"{setup.labels.prefix}.health")) or bool(said and said.asked)
    )


def _scaled(pool: Pool, setup: Setup) -> bool:
    """A service's replicas have one name in a file."""
    return any(said.replicas > 1 for said in _said(pool, setup).values())


def _said(pool: Pool, setup: Setup) -> dict[str, Declared]:
    names = {str(server.name): (setup.declared or {}).get(str(server.name)) for server in pool.servers}
    return {name: said for name, said in names.items() if said}


def _of_file(pool: Pool, seat: SeatReport, setup: Setup) -> Iterator[Advice]:
    """What only a compose file tells."""
    long_lived = any(r.pool == pool.name for x in seat.model.listeners if x.protocol != "http" for r in x.routes)
    for name, said in _said(pool, setup).items():
        if said.grace < pool.drain:
            message = f"{name} is killed {said.grace / 1000:g} s after its stop signal, and its open requests may take {pool.drain / 1000:g} s"
            mend = f"stop_grace_period: {pool.drain / 1000:g}s, or the label {setup.labels.prefix}.drain: {said.grace / 1000:g}s"
            yield Advice(Level.RISK, said.grace_place, message, mend)
        if said.vip and long_lived:
            message = f"{name} has endpoint_mode vip: the proxy sees one address for all replicas, and Swarm forgets a connection that is silent for 15 minutes"
            yield Advice(Level.RISK, said.place, message, "deploy: {endpoint_mode: dnsrr}")
        elif said.vip:
            message = f"{name} has endpoint_mode vip: the proxy sees one address for all replicas, so it can neither balance nor drain them"
            yield Advice(Level.HINT, said.place, message, "deploy: {endpoint_mode: dnsrr}")


def _routed(seat: SeatReport, state: State) -> list[Instance]:
    names = {placement.instance for placement in seat.placements if placement.server}
    return [instance for instance in state.instances if instance.name in names]


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
