"""Small builders: instances as an engine would tell of them, and the Model that they lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confgen.build import Built, build
from confgen.labels import Wish, Wishes, read
from confgen.model import Model, Pool, Route, Server
from confgen.offer import Vantage
from confgen.problem import Effect, Origin, Problem
from confgen.settings import Frame, LabelSettings
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Health, Instance, Phase, Snapshot, State

FRONT = Vantage(frozenset({"front"}))
TWO_LABELS = {"host": "shop.example.com", "port": "8080"}


def ours(labels: Mapping[str, str], prefix: str = "confgen") -> dict[str, str]:
    """`host` means `confgen.host`; a key with a space in front is taken as it is, without it."""
    return {key[1:] if key.startswith(" ") else f"{prefix}.{key}": text for key, text in labels.items()}


def container(
    name: str = "web-1",
    labels: Mapping[str, str] = TWO_LABELS,
    *,
    of: str = "",
    address: str = "10.0.0.2",
    networks: Iterable[str] = ("front",),
    attachments: tuple[Attachment, ...] | None = None,
    phase: Phase = Phase.RUNNING,
    health: Health = Health.NONE,
    exposed: Iterable[int] = (),
    created: int = 1000,
    stopping: bool = False,
    network_mode: str = "front",
    identity: str = "",
) -> Instance:
    """A container.  of: "project/service" for one of a compose project."""
    said = ours(labels)
    if of:
        project, _, service = of.partition("/")
        said |= {COMPOSE_PROJECT: project, COMPOSE_SERVICE: service}
    return Instance(
        name=name,
        source="docker",
        id=identity or name.encode().hex().ljust(64, "0")[:64],
        labels=tuple(sorted(said.items())),
        phase=phase,
        health=health,
        attachments=tuple(Attachment(n, address) for n in sorted(networks)) if attachments is None else attachments,
        network_mode=network_mode,
        exposed=tuple(Exposed(port) for port in exposed),
        created=created,
        stopping=stopping,
        origin=Origin("docker", f"container {name}"),
    )


def state(*instances: Instance) -> State:
    return State.of((Snapshot("docker", instances),))


def built(*instances: Instance, vantage: Vantage = FRONT, prefix: str = "confgen", frame: Frame | None = None) -> Built:
    return build(state(*instances), vantage, LabelSettings(prefix=prefix), frame or Frame())


def model(*instances: Instance, vantage: Vantage = FRONT) -> Model:
    """The model of instances with which nothing is wrong."""
    result = built(*instances, vantage=vantage)
    assert result.problems == (), result.problems
    return result.model


def wishes(labels: Mapping[str, str], settings: LabelSettings | None = None) -> Wishes:
    return read(container(labels=labels), settings or LabelSettings())


def wish(labels: Mapping[str, str]) -> Wish:
    """The only route of labels with which nothing is wrong."""
    found = wishes(labels)
    assert found.problems == ()
    (only,) = found.routes
    return only


def problem(problems: Iterable[Problem], code: str) -> Problem:
    """The only Problem with this code, which must be the only one at all."""
    (only,) = problems
    assert only.code == code, only
    return only


def route(model: Model, name: str) -> Route:
    return next(r for r in model.routes() if r.name == name)


def pool(model: Model, name: str | None = None) -> Pool:
    if name is None:
        (only,) = model.pools
        return only
    found = model.pool(name)
    assert found is not None, [p.name for p in model.pools]
    return found


def server(model: Model, name: str) -> Server:
    return next(s for p in model.pools for s in p.servers if s.name == name)


def names(model: Model) -> list[str]:
    return [s.name for p in model.pools for s in p.servers]


def effects(problems: Iterable[Problem]) -> set[Effect]:
    return {p.effect for p in problems}
