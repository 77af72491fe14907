"""A world through the whole line, for both proxies: labels, model, what the proxy can do, text, read-back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from confgen import labels, want
from confgen.codec import decode
from confgen.keys import BY_NAME, find
from confgen.model import Model, Route
from confgen.offer import GONE
from confgen.problem import Problem
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Caps, Proxy
from confgen.render import Candidate, Renderer
from confgen.settings import Settings
from confgen.state import Instance, Snapshot, State
from confgen.tls import Certificate, Shelf
from confgen.values import Match, Name, Path, Refusal
from tests.fuzz import reading
from tests.fuzz.worlds import FRONT

#: Versions whose texts differ; a world is written for one of each proxy, by its number.
VERSIONS = {"nginx": ("1.22", "1.26", "1.30"), "haproxy": ("2.6", "3.0", "3.2", "3.4")}
SETTINGS = Settings()
#: Certificates for some of the hosts of the worlds; keys have no part in this.
SHELF = Shelf(
    certificates=tuple(
        Certificate(name=Name(name), digest=f"{number:032x}", names=tuple(names.split()), not_after="2027-01-31T12:00:00Z")
        for number, (name, names) in enumerate(
            (("exact", "a.test x.c.test"), ("shop", "a.test b.test"), ("wild", "*.c.test *.test"))
        )
    )
)


class Difference(Exception):
    """The text says something else than the model, or something failed that may not."""


@dataclass(frozen=True, slots=True)
class Side:
    """One proxy in one version, and what renders for it."""

    proxy: Proxy
    caps: Caps
    renderer: Renderer

    @classmethod
    def of(cls, name: str, version: str) -> Side:
        proxy = PROXIES[name]
        return cls(proxy, proxy.caps(version), Renderer((), proxy.filters))


@dataclass(slots=True)
class Tally:
    """What has been counted.  failures: number of the world and what was wrong with it."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.failures += other.failures


def shaped(world: tuple[Instance, ...], side: Side) -> tuple[Model, tuple[Problem, ...]]:
    """The model of a world as this proxy can do it, and what is wrong."""
    state = State.of((Snapshot("docker", world),))
    built = want.shape(state, side.proxy, side.caps, FRONT, SETTINGS, SETTINGS.frame, shelf=SHELF)
    return built.model, built.problems


def written(world: tuple[Instance, ...], side: Side) -> tuple[Model, Candidate, tuple[Problem, ...]]:
    """Its text, proven by the line itself (readback.verify) and once more by reading it with other eyes.

    Raises Difference for whatever goes wrong: no label may make anything raise.
    """
    try:
        model, problems = shaped(world, side)
        candidate = want.write(model, side.proxy, side.caps, SETTINGS.frame, side.renderer)
        prove(candidate.as_dict(), model, side)
    except Difference:
        raise
    except Exception as error:
        raise Difference(f"{type(error).__name__}: {error}") from error
    for problem in problems:
        if not (str(problem) + problem.hint).isprintable():
            raise Difference(f"a problem that forges lines of a log: {str(problem) + problem.hint!r}")
    return model, candidate, problems


def prove(files: dict[str, bytes], model: Model, side: Side) -> None:
    """Raises Difference when other eyes read something else than the model, or the kept model is not this one."""
    found = reading.differences(side.proxy.name, files, model, side.caps.features)
    if found:
        raise Difference("; ".join(found[:4]))
    kept = decode(Model, want.json.loads(files[want.MODEL_FILE]))
    if kept != model:
        raise Difference("the kept model is not the one that was rendered")


def walk(world: tuple[Instance, ...], number: int, sides: dict[str, tuple[Side, ...]], tally: Tally) -> None:
    """One world through both proxies."""
    for name, some in sides.items():
        side = some[number % len(some)]
        try:
            model, candidate, problems = written(world, side)
        except Difference as difference:
            tally.failures.append((number, f"{name} {side.caps.text}: {difference}"))
            continue
        tally.counts[f"{name} texts"] += 1
        tally.counts[f"{name} bytes"] += sum(len(content) for _, content in candidate.files)
        tally.counts[f"{name} routes"] += len(model.routes())
        tally.counts[f"{name} problems"] += len(problems)
    count(world, tally)


def count(world: tuple[Instance, ...], tally: Tally) -> None:
    """Label texts, those of a known key, and those of them that are values."""
    for instance in world:
        for label, text in instance.labels:
            tally.counts["labels"] += 1
            key = next((row.name for k in (label.partition(".")[2], label.split(".", 3)[-1]) if (row := find(k))), "")
            if not text.isprintable() or not text.isascii():
                tally.counts["with control or non-ASCII characters"] += 1
            if key:
                tally.counts[f"key {key}"] += 1
                tally.counts["accepted"] += _accepted(key, text)


def _accepted(key: str, text: str) -> bool:
    try:
        BY_NAME[key].kind.parse(text)
    except Refusal:
        return False
    return True


def unguarded(world: tuple[Instance, ...], side: Side) -> list[str]:
    """Requests that a container wants guarded, and that go to a route of its owner that is not.

    Where an older route of that owner has the very same host and path, it holds: they disagree, and are told so.  A route is
    that owner's who was first, whoever says the very same.
    """
    state = State.of((Snapshot("docker", world),))
    built = want.shape(state, side.proxy, side.caps, FRONT, SETTINGS, SETTINGS.frame, shelf=SHELF)
    owners = {instance.name: instance.owner for instance in world}
    owner = {placement.route: owners[placement.instance] for placement in reversed(built.placements)}
    routes = [route for listener in built.model.listeners if listener.protocol == "http" for route in listener.routes]
    found = []
    for instance in (i for i in world if i.phase not in GONE and i.name.isascii() and i.name.replace("_", "").isalnum()):
        for wish in labels.read(instance, SETTINGS.labels).routes:
            match = wish.match or Match(Path("/"))
            for host in wish.hosts if _guards(wish) else ():
                # Below a prefix, since the path itself may be another route's that asks for exactly that.
                route = _answering(routes, host, match.path if match.exact else match.path.rstrip("/") + "/~")
                held = route and host in route.hosts and route.match == match
                if route and owner.get(route.name) == instance.owner and not route.guarded and not held:
                    found.append(f"{host}{match.path} of {instance.name}: {route.name}")
    return found


def _guards(wish: labels.Wish) -> bool:
    tls = wish.tls == "require" or (wish.tls != "off" and wish.tls_cert)
    return bool(
        wish.allow or wish.deny or wish.users or wish.withheld or wish.rate or wish.connections or wish.body is not None or tls
    )


def _answering(routes: list[Route], host: str, path: str) -> Route | None:
    """The route that a request goes to: of the host's own ones, else of the longest wildcard's."""
    own = [route for route in routes if host in route.hosts]
    if not own:
        wild = {h for route in routes for h in route.hosts if h.startswith("*") and host.endswith(h[1:])}
        own = [route for route in routes if max(wild, key=len, default="") in route.hosts]
    exact = [route for route in own if route.match.exact and route.match.path == path]
    below = [route for route in own if not route.match.exact and f"{path}/".startswith(route.match.path.rstrip("/") + "/")]
    return exact[0] if exact else max(below, key=lambda route: len(route.match.path), default=None)
