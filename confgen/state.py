"""What runs now: the facts, as the sources told them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from confgen.problem import Origin, Problem

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
#: What compose lets them be (compose-spec.io), and no longer than a DNS label.
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9._-]{1,63}", re.ASCII)


class Phase(enum.Enum):
    """A container's life as the engine names it."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"


class Health(enum.Enum):
    """What the image's HEALTHCHECK says; NONE where there is none."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, order=True)
class Attachment:
    """One network that an instance is on, with its addresses there ("" where it has none yet)."""

    network: str
    address: str = ""
    address6: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Exposed:
    """A port that the image or the run command declares: 8080, "tcp"."""

    port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True, order=True)
class Published:
    """A port of the host that leads to a container: 8080 on "127.0.0.1" or "0.0.0.0"."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, order=True)
class Mount:
    """One mount of a container.  origin: the volume's name, else the path on the host.  source: the path on the host."""

    origin: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One running copy of something: a container, a service of a compose file.

    id: the engine's id, "" in a file.  created: seconds since 1970.  network_mode: as the engine says it ("bridge",
    "host", "container:<id>", a network's name).  stopping: a stop signal was seen and the instance has not gone yet.
    drained: an operator has taken it out of rotation.
    image: as the file names it, "" where it is not known.
    host_name: the DNS name under which Docker's resolver knows it, where a source has no address to offer.
    places: of the labels, by key, where they stand in a file; parts: the same of what says how it is reached ("networks").
    doubts: what its source found wrong with it, beside what its labels say.
    """

    name: str
    source: str
    id: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    phase: Phase = Phase.RUNNING
    health: Health = Health.NONE
    attachments: tuple[Attachment, ...] = ()
    network_mode: str = "default"
    exposed: tuple[Exposed, ...] = ()
    published: tuple[Published, ...] = ()
    mounts: tuple[Mount, ...] = ()
    created: int = 0
    stopping: bool = False
    drained: bool = False
    image: str = ""
    host_name: str = ""
    places: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    parts: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    doubts: tuple[Problem, ...] = ()
    origin: Origin = field(default=Origin(""), compare=False)

    def place(self, key: str) -> str:
        """Where a label stands in a file, "" where it stands in none."""
        return next((place for name, place in self.places if name == key), self.origin.place)

    def label(self, key: str) -> str:
        """The label's text, "" where there is none."""
        for name, value in self.labels:  # a loop, as each turn asks each instance several times
            if name == key:
                return value
        return ""

    @property
    def owner(self) -> str:
        """Who this instance belongs to: its compose project, else itself."""
        return self._composed[0] or self.name

    @property
    def group(self) -> str:
        """What its replicas have in common: compose project and service, else its own name.

        A project's name holds no dot, so the pair cannot be read in two ways.
        """
        project, service = self._composed
        return f"{project}.{service}" if project else self.name

    @property
    def _composed(self) -> tuple[str, str]:
        """Compose's project and service; ("", "") where there are none, or where no compose can have written them.

        Anybody can set these labels, and they become names in the proxy's file.
        """
        project, service = self.label(COMPOSE_PROJECT), self.label(COMPOSE_SERVICE)
        real = _PROJECT.fullmatch(project) and _SERVICE.fullmatch(service)
        return (project, service) if real else ("", "")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one source knows, whole.

    stale: the source no longer answers and this is what it said last.  again: look again after so many seconds even if
    nothing wakes, since something in it holds for a time only; None where nothing does.
    """

    source: str
    instances: tuple[Instance, ...] = ()
    stale: bool = False
    again: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What every source says, in one order whatever the order it came in."""

    instances: tuple[Instance, ...] = ()
    stale: tuple[str, ...] = ()

    @classmethod
    def of(cls, snapshots: tuple[Snapshot, ...]) -> State:
        instances = sorted((i for snapshot in snapshots for i in snapshot.instances), key=lambda i: (i.source, i.name, i.id))
        return cls(tuple(instances), tuple(sorted(s.source for s in snapshots if s.stale)))
