"""Worlds made by chance: containers with labels, some of them hostile in name, network, address and project too."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from confgen.keys import find
from confgen.offer import Vantage
from confgen.problem import Origin
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Health, Instance, Phase
from tests.fuzz import texts

Part = TypeVar("Part")
FRONT = Vantage(frozenset({"front", "back"}))
#: Containers of one world: one text of each proxy proves the labels of all of them.
SIZE = 30


def world(seed: str, size: int = SIZE) -> tuple[Instance, ...]:
    """The same for the same seed."""
    chance = random.Random(f"confgen fuzz {seed}")
    return tuple(_instance(chance, number) for number in range(size))


def labels(world: tuple[Instance, ...]) -> int:
    """How many label texts there are in it."""
    return sum(len(instance.labels) for instance in world)


def _instance(chance: random.Random, number: int) -> Instance:
    said = _labels(chance)
    name = f"c{number}" if chance.random() < 0.9 else _name(chance, number)
    if chance.random() < 0.3:
        said |= {
            COMPOSE_PROJECT: _rarely(chance, chance.choice(("shop", "blog"))),
            COMPOSE_SERVICE: _rarely(chance, texts.name(chance)),
        }
    return Instance(
        name=name,
        source="docker",
        id=f"{number:064x}",
        labels=tuple(sorted(said.items())),
        phase=chance.choice((Phase.RUNNING,) * 12 + (Phase.PAUSED, Phase.EXITED)),
        health=chance.choice((Health.NONE,) * 8 + (Health.HEALTHY, Health.UNHEALTHY, Health.STARTING)),
        attachments=_attachments(chance, number),
        network_mode="front",
        exposed=tuple(Exposed(port) for port in chance.choice(((), (8080,), (80, 443)))),
        created=chance.randrange(1000),
        stopping=chance.random() < 0.05,
        host_name=_rarely(chance, f"s{number}") if chance.random() < 0.05 else "",
        origin=Origin("docker", f"container c{number}"),
    )


def _name(chance: random.Random, number: int) -> str:
    """A name as engines let them be, up to 300 characters; or one that no engine gives, but a file may."""
    if chance.random() < 0.7:
        return f"C{number}_" + "".join(chance.choice("aB0_.-") for _ in range(chance.choice((1, 20, 300))))
    return texts.mutated(chance, f"c{number}")


def _rarely(chance: random.Random, said: str) -> str:
    return texts.mutated(chance, said) if chance.random() < 0.1 else said


def _attachments(chance: random.Random, number: int) -> tuple[Attachment, ...]:
    address = (
        _rarely(chance, f"10.9.{number // 250}.{number % 250 + 1}") if chance.random() < 0.2 else f"10.9.0.{number % 250 + 1}"
    )
    six = _rarely(chance, f"fd00::{number:x}") if chance.random() < 0.1 else ""
    found = [Attachment("front", "" if six and chance.random() < 0.5 else address, six)]
    if chance.random() < 0.1:
        found.append(Attachment(_rarely(chance, chance.choice(("back", "other"))), "10.8.0.5"))
    return tuple(sorted(found))


#: Chance that a text is hostile; in half of the containers almost none is, so that their routes are rendered.
_HOSTILITY = (0.0, 0.05, 0.15, 0.4, 0.9)


def _labels(chance: random.Random) -> dict[str, str]:
    hostility = chance.choice(_HOSTILITY)
    said: dict[str, str] = {}
    for prefix in _sections(chance, hostility):
        stream = prefix.startswith(("confgen.tcp.", "confgen.udp."))
        if stream:
            said[prefix.removesuffix(".")] = texts.text(chance, "port", hostility)
        else:
            said[prefix + "host"] = texts.text(chance, "host", hostility)
            said[prefix + "port"] = texts.text(chance, "port", hostility / 2)
        for _ in range(chance.randint(1, 6)):
            key = texts.key(chance)
            told = texts.text(chance, key, hostility) if find(key) else texts.junk(chance)
            said[prefix + key] = told
        if "." in prefix and chance.random() < 0.6:
            said.pop(prefix + chance.choice(("rewrite", "strip-prefix", "redirect")), None)  # they contradict each other
    return said


def _sections(chance: random.Random, hostility: float) -> tuple[str, ...]:
    kind = chance.random()
    if kind < 0.5:
        return ("confgen.",)
    if kind < 0.75:
        names = [texts.name(chance) for _ in range(chance.choice((1, 2)))]
        names = [texts.mutated(chance, n) if chance.random() < hostility / 3 else n for n in names]
        return tuple(f"confgen.routes.{n}." for n in names)
    port = str(chance.choice((5432, 3306, 80, chance.randint(1, 65535))))
    port = texts.mutated(chance, port) if chance.random() < hostility / 3 else port
    return (f"confgen.{chance.choice(('tcp', 'udp'))}.{port}.", *(("confgen.",) if kind > 0.9 else ()))


def minimal(world: tuple[Instance, ...], wrong: Callable[[tuple[Instance, ...]], bool]) -> tuple[Instance, ...]:
    """The smallest part of a world with which `wrong` is still true: without containers, labels and ends of texts."""
    kept = _shrunk(list(world), lambda some: wrong(tuple(some)))
    for at in range(len(kept)):
        kept[at] = _with(kept[at], _shrunk(list(kept[at].labels), lambda said, at=at: wrong(_put(kept, at, said))))  # type: ignore[misc]
        for number, (key, said) in enumerate(kept[at].labels):
            text = _shrunk(
                list(said), lambda some, at=at, n=number, k=key: wrong(_put(kept, at, _change(kept[at], n, (k, "".join(some)))))
            )  # type: ignore[misc]
            kept[at] = _with(kept[at], _change(kept[at], number, (key, "".join(text))))
    return tuple(kept)


Labels = list[tuple[str, str]]


def _change(instance: Instance, number: int, label: tuple[str, str]) -> Labels:
    return [label if at == number else said for at, said in enumerate(instance.labels)]


def _with(instance: Instance, said: Labels) -> Instance:
    return replace(instance, labels=tuple(said))


def _put(kept: list[Instance], at: int, said: Labels) -> tuple[Instance, ...]:
    return (*kept[:at], _with(kept[at], said), *kept[at + 1 :])


def _shrunk(parts: list[Part], wrong: Callable[[list[Part]], bool]) -> list[Part]:
    """Leaves out ever smaller runs of parts while it stays wrong."""
    length = max(1, len(parts) // 2)
    while parts:
        fewer = next((some for at in range(0, len(parts), length) if wrong(some := parts[:at] + parts[at + length :])), None)
        if fewer is not None:
            parts = fewer
        elif length == 1:
            break
        else:
            length = max(1, length // 2)
    return parts


def crowded(seed: str) -> tuple[Instance, ...]:
    """Few owners that want the same few hosts and paths, some guarded, some of which no proxy, or not every one, can serve."""
    chance = random.Random(f"confgen crowd {seed}")
    return tuple(_rival(chance, number) for number in range(8))


_GUARDS = (
    {},
    {},
    {"allow": "10.0.0.0/8"},
    {"allow": "nonsense"},
    {"tls": "require"},
    {"tls.cert": "nobody"},
    {"limit.rate": "1r/s"},
)


def _rival(chance: random.Random, number: int) -> Instance:
    said = {
        "host": chance.choice(("a.test", "x.c.test", "*.c.test", "a.test, x.c.test")),
        "port": chance.choice(("80", "81", "2375")),
    }
    said |= {"path": chance.choice(("/", "/", "/x", "/x/y", "=/x"))} | chance.choice(_GUARDS)
    said |= chance.choice(({}, {}, {"scheme": "grpc"}, {"pool": "p"}, {"redirect": "https://b.test"}))
    project = {COMPOSE_PROJECT: chance.choice(("shop", "blog")), COMPOSE_SERVICE: chance.choice(("web", "api"))}
    return Instance(
        name=f"c{number}",
        source="docker",
        id=f"{number:064x}",
        labels=tuple(sorted({f"confgen.{key}": text for key, text in said.items()}.items() | project.items())),
        attachments=(Attachment(chance.choice(("front", "front", "elsewhere")), f"10.9.0.{number + 1}"),),
        network_mode="front",
        created=chance.randrange(1000),
        origin=Origin("docker", f"container c{number}"),
    )
