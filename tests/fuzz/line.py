"""A world through the whole line, for both proxies: labels, model, what the proxy can do, text, read-back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from confgen import want
from confgen.codec import decode
from confgen.keys import BY_NAME, find
from confgen.model import Model
from confgen.problem import Problem
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Caps, Proxy
from confgen.render import Candidate, Renderer
from confgen.settings import Settings
from confgen.state import Instance, Snapshot, State
from confgen.tls import Certificate, Shelf
from confgen.values import Name, Refusal
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
