"""What the template of an output gets: the containers that run, and the routes that their labels ask for.  Pure.

Names and addresses are safe as they stand wherever words are; what anybody may write is `Text`, printed through a filter.
"""

from __future__ import annotations

import ipaddress
import json as jsons
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from confgen.model import Listener, Model, Route, Server
from confgen.offer import GONE
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Instance, State
from confgen.values import Address, Host, Name, Port, Text, Weight, Wildcard


@dataclass(frozen=True, slots=True)
class Network:
    """One that a container is on, and its addresses there; "" where it has none."""

    name: Name
    address: Address
    address6: Address


@dataclass(frozen=True, slots=True)
class Label:
    """One label, whoever wrote it."""

    key: Text
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One that has been started and not ended.

    project, service: of compose, "" where there is none.  phase: `running`, `paused` or `restarting`.  health: `healthy`,
    `unhealthy`, `starting`, or `none` where the image has no check.  ports: those that the image or the run command declares.
    `container.label("key")` is one label's Text, or none; `container.says("key", "value")` is whether it says just that.
    """

    name: Name
    id: str
    project: Name
    service: Name
    phase: str
    health: str
    stopping: bool
    networks: tuple[Network, ...]
    ports: tuple[Port, ...]
    labels: tuple[Label, ...]

    def label(self, key: str) -> Text | None:
        return next((label.value for label in self.labels if label.key.raw == key), None)

    def says(self, key: str, value: str) -> bool:
        return any(label.key.raw == key and label.value.raw == value for label in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One server that takes requests now.  port: its own.  at: both, as a URL has them."""

    name: Name
    address: Address
    port: Port
    weight: Weight
    backup: bool
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A route that labels ask for.

    protocol, port: `http`, `tcp` or `udp`, and where clients come.  hosts: empty for tcp and udp.  path: all below it, or it
    alone where `exact`.  speaks: what the servers speak: http, https, h2c, grpc, grpcs, tcp, udp.
    guarded: its labels say who may come in, or it is shut.  It has no servers here: a template that knew nothing of the rules would
    open it.
    """

    name: Name
    protocol: str
    port: Port
    hosts: tuple[Host | Wildcard, ...]
    path: Text
    exact: bool
    speaks: str
    guarded: bool
    servers: tuple[Upstream, ...]


def json(value: object, after: str = "") -> str:
    """A text in double quotes, as JSON has it: for JSON, YAML, TOML, and most of what knows quotes; `json("/*")` adds to its end."""
    return jsons.dumps(_raw(value) + after)


def word(value: object) -> str:
    """A text in which everything but letters, digits and `. _ : / @ + -` has become `_`: one word wherever words are."""
    return re.sub(r"[^A-Za-z0-9._:/@+-]", "_", _raw(value)) or "_"


def shell(value: object) -> str:
    """One word for sh, in quotes where it needs some; a new line in it has become a blank."""
    return shlex.quote(re.sub(r"[\x00-\x1f\x7f]", " ", _raw(value)))


def _raw(value: object) -> str:
    if value is None:
        raise TypeError("there is nothing to print: ask with `if` first")
    return value.raw if isinstance(value, Text) else str(value)


@dataclass(frozen=True, slots=True)
class Described:
    """names: with the type of each, and what it is."""

    names: Mapping[str, tuple[Any, str]]
    filters: Mapping[str, Callable[..., str]]


FILTERS: Mapping[str, Callable[..., str]] = {"json": json, "word": word, "shell": shell}
_NAMES: Mapping[str, tuple[Any, str]] = {
    "containers": (tuple[Container, ...], "every container that has been started and not ended, by name"),
    "routes": (
        tuple[Asked, ...],
        "what labels ask for, as a proxy that reaches every network would serve it; in the order in which a request is held against them",
    ),
}
#: What docs/context.md says of it.
OUTPUTS = Described(_NAMES, FILTERS)


def view(state: State, model: Model) -> dict[str, object]:
    """Both of them."""
    containers = [_container(i) for i in state.instances if i.phase not in GONE and _is_name(i.name)]
    routes = [_asked(listener, route, model) for listener in model.listeners for route in listener.routes]
    return {
        "containers": tuple(sorted(containers, key=lambda one: (one.name, one.id))),
        "routes": tuple(sorted(routes, key=lambda one: (one.protocol, one.port, -len(one.path.raw), not one.exact, one.name))),
    }


def _container(instance: Instance) -> Container:
    composed = instance.group != instance.name
    return Container(
        name=Name(instance.name),
        id=instance.id if instance.id.isalnum() else "",
        project=Name(instance.label(COMPOSE_PROJECT) if composed else ""),
        service=Name(instance.label(COMPOSE_SERVICE) if composed else ""),
        phase=instance.phase.value,
        health=instance.health.value,
        stopping=instance.stopping,
        networks=tuple(
            Network(Name(a.network), _address(a.address), _address(a.address6))
            for a in instance.attachments
            if _is_name(a.network)
        ),
        ports=tuple(sorted({Port(exposed.port) for exposed in instance.exposed})),
        labels=tuple(Label(Text(key), Text(value)) for key, value in instance.labels),
    )


def _asked(listener: Listener, route: Route, model: Model) -> Asked:
    pool = model.pool(route.pool)
    ready = pool.ready if pool and not route.guarded else ()
    return Asked(
        name=route.name,
        protocol=listener.protocol,
        port=listener.port,
        hosts=route.hosts,
        path=Text(route.match.path),
        exact=route.match.exact,
        speaks=pool.protocol if pool else "",
        guarded=route.guarded,
        servers=tuple(map(_upstream, ready)),
    )


def _upstream(server: Server) -> Upstream:
    at = f"[{server.address}]:{server.port}" if ":" in server.address else f"{server.address}:{server.port}"
    return Upstream(name=server.name, address=server.address, port=server.port, weight=server.weight, backup=server.backup, at=at)


def _is_name(text: str) -> bool:
    """As the engine allows them for containers and networks; a file may hold others."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text, re.ASCII) is not None


def _address(text: str) -> Address:
    with suppress(ValueError):
        if "%" not in text:
            return Address(ipaddress.ip_address(text))
    return Address("")
