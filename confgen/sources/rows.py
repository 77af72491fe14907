"""The engine's list of containers, row by row, as Instances (`GET /containers/json`, API 1.41 to 1.52).

A row carries labels, state, health (in its Status text), ports, networks with addresses and mounts, and no Env: so no
secret of any container ever comes near.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from confgen.errors import SourceUnavailable
from confgen.problem import Origin
from confgen.state import Attachment, Exposed, Health, Instance, Mount, Phase, Published

_PHASES = {phase.value: phase for phase in Phase}


def instance(row: object, source: str = "docker") -> Instance:
    """One row of the list.  Raises SourceUnavailable when the answer is not shaped as the API says."""
    try:
        return _instance(_mapping(row), source)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceUnavailable(
            f"the engine's list of containers has a row that cannot be read ({type(error).__name__}: {error})",
            "is this a Docker-compatible engine, API 1.41 or later?",
        ) from error


def _instance(row: Mapping[str, Any], source: str) -> Instance:
    identity = _text(row["Id"] or None)
    name = _name(_list(row.get("Names")), identity)
    networks = _mapping(_mapping(row.get("NetworkSettings")).get("Networks"))
    return Instance(
        name=name,
        source=source,
        id=identity,
        labels=tuple(sorted((str(k), _text(v)) for k, v in _mapping(row.get("Labels")).items())),
        phase=_PHASES.get(_text(row["State"]), Phase.DEAD),
        health=_health(_text(row.get("Status") or "")),
        attachments=tuple(sorted(_attachment(str(k), _mapping(v)) for k, v in networks.items())),
        network_mode=_text(_mapping(row.get("HostConfig")).get("NetworkMode") or "default"),
        exposed=tuple(sorted(set(_exposed(_list(row.get("Ports")))))),
        published=tuple(sorted(set(_published(_list(row.get("Ports")))))),
        mounts=tuple(sorted(_mount(_mapping(m)) for m in _list(row.get("Mounts")))),
        created=_number(row.get("Created") or 0),
        origin=Origin(source, f"container {name}"),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    """An object of the answer; null is an empty one, as Go writes it."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return value or {}


def _list(value: object) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value or []


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    return value


def _name(names: list[Any], identity: str) -> str:
    """The container's own name: links add names with more slashes.  One that is being removed may have none left."""
    own = [name[1:] for name in map(_text, names) if name.count("/") == 1]
    name = own[0] if own else identity[:12]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name, re.ASCII):
        raise ValueError("a container's name holds characters that the engine does not allow")
    return name


def _exposed(ports: list[Any]) -> Iterator[Exposed]:
    for port in map(_mapping, ports):
        number = _number(port["PrivatePort"])
        if 0 < number < 65536:
            yield Exposed(number, _text(port["Type"]))


def _published(ports: list[Any]) -> Iterator[Published]:
    for port in map(_mapping, ports):
        if port.get("PublicPort"):
            yield Published(_text(port.get("IP") or "0.0.0.0"), _number(port["PublicPort"]))  # noqa: S104 - as the engine means it


def _health(status: str) -> Health:
    """`Up 3 minutes (healthy)`; the list has no field of its own for it."""
    for text, health in (
        ("(healthy)", Health.HEALTHY),
        ("(unhealthy)", Health.UNHEALTHY),
        ("(health: starting)", Health.STARTING),
    ):
        if text in status:
            return health
    return Health.NONE


def _mount(mount: Mapping[str, Any]) -> Mount:
    source = _text(mount.get("Source") or "")
    return Mount(_text(mount.get("Name") or source), source, _text(mount.get("Destination") or ""))


def _attachment(network: str, settings: Mapping[str, Any]) -> Attachment:
    return Attachment(network, _text(settings.get("IPAddress") or ""), _text(settings.get("GlobalIPv6Address") or ""))
