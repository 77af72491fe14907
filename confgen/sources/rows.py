"""The engine's list of containers, row by row, as Instances (`GET /containers/json`, API 1.41 to 1.52).

A row carries labels, state, health (in its Status text), ports, networks with addresses and mounts, and no Env: so no
secret of any container ever comes near.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confgen.errors import SourceUnavailable
from confgen.problem import Origin
from confgen.state import Attachment, Exposed, Health, Instance, Mount, Phase

_PHASES = {phase.value: phase for phase in Phase}


def instance(row: object, source: str = "docker") -> Instance:
    """One row of the list.  Raises SourceUnavailable when the answer is not shaped as the API says."""
    try:
        return _instance(_mapping(row), source)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceUnavailable(
            f"the engine's list of containers has a row that cannot be read ({type(error).__name__}: {error})",
            "what was known before stays; is this a Docker-compatible engine, API 1.41 or later?",
        ) from error


def _instance(row: Mapping[str, Any], source: str) -> Instance:
    name = _name(row["Names"], str(row["Id"]))
    networks = _mapping(_mapping(row.get("NetworkSettings") or {}).get("Networks") or {})
    return Instance(
        name=name,
        source=source,
        id=str(row["Id"]),
        labels=tuple(sorted((str(k), str(v)) for k, v in _mapping(row.get("Labels") or {}).items())),
        phase=_PHASES.get(str(row["State"]), Phase.DEAD),
        health=_health(str(row.get("Status", ""))),
        attachments=tuple(sorted(_attachment(str(k), _mapping(v or {})) for k, v in networks.items())),
        network_mode=str(_mapping(row.get("HostConfig") or {}).get("NetworkMode", "default")),
        exposed=tuple(sorted({Exposed(int(p["PrivatePort"]), str(p["Type"])) for p in row.get("Ports") or ()})),
        mounts=tuple(sorted(_mount(_mapping(m)) for m in row.get("Mounts") or ())),
        created=int(row.get("Created", 0)),
        origin=Origin(source, f"container {name}"),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return value


def _name(names: object, fallback: str) -> str:
    """The container's own name: links add names with more slashes.  Docker allows [a-zA-Z0-9][a-zA-Z0-9_.-]+ alone."""
    if not isinstance(names, list):
        raise TypeError("Names is not a list")
    own = [str(name)[1:] for name in names if str(name).count("/") == 1]
    name = own[0] if own else fallback[:12]
    if not name.isascii() or not name or not all(c.isalnum() or c in "_.-" for c in name):
        raise ValueError("a container's name holds characters that the engine does not allow")
    return name


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
    source = str(mount.get("Source") or "")
    return Mount(str(mount.get("Name") or source), source, str(mount.get("Destination") or ""))


def _attachment(network: str, settings: Mapping[str, Any]) -> Attachment:
    return Attachment(network, str(settings.get("IPAddress") or ""), str(settings.get("GlobalIPv6Address") or ""))
