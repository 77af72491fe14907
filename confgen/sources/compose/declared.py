"""What compose files say of services beyond what becomes an Instance: for advice, not for the proxy's text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confgen.sources.compose.document import mapping, place_of
from confgen.sources.compose.project import Service, load
from confgen.state import Mount, Published

#: What compose takes for a service that does not say (compose-spec.io, stop_grace_period).
_GRACE = 10_000
_UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """grace: milliseconds between the stop signal and the end.  asked: it has a healthcheck.  vip: Swarm is told to give all its
    replicas one address.  place: of the service, "compose.yaml:12"; grace_place: of what says the grace."""

    grace: int = _GRACE
    asked: bool = False
    vip: bool = False
    replicas: int = 1
    published: tuple[Published, ...] = ()
    mounts: tuple[Mount, ...] = ()
    place: str = ""
    grace_place: str = ""


def declared(files: tuple[Path, ...]) -> dict[str, Declared]:
    """Each service that runs, by name.  Raises BadInput as `read` does."""
    composed = tuple(file for file in files if file.suffix != ".json")
    if not composed:
        return {}
    project = load(composed)
    return {name: _declared(service, project.name) for name, service in project.services.items()}


def _declared(service: Service, project: str) -> Declared:
    body = service.body
    deploy = mapping(body.get("deploy"), service.place, f"services.{service.name}.deploy")
    check = mapping(body.get("healthcheck"), service.place, f"services.{service.name}.healthcheck")
    asked = bool(check) and not _true(check.get("disable")) and check.get("test") not in (["NONE"], "NONE")
    grace = body.get("stop_grace_period")
    return Declared(
        grace=_GRACE if grace is None else _milliseconds(str(grace)),
        asked=asked,
        vip=str(deploy.get("endpoint_mode") or "") == "vip",
        replicas=_number(body.get("scale") or deploy.get("replicas")),
        published=tuple(_published(body.get("ports"))),
        mounts=tuple(_mounts(body.get("volumes"), project)),
        place=service.place,
        grace_place=place_of(grace, service.place),
    )


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "yes", "on")


def _number(value: object) -> int:
    return int(str(value)) if re.fullmatch("[0-9]{1,6}", str(value), re.ASCII) else 1


def _milliseconds(text: str) -> int:
    """A duration as compose writes it ("1m30s"); what is none is the default."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)", text)
    whole = "".join(number + unit for number, unit in parts) == text
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts)) if parts and whole else _GRACE


def _published(ports: object) -> Iterator[Published]:
    """The host's ports; ranges and those that the engine chooses are left out."""
    for item in ports if isinstance(ports, list) else []:
        if isinstance(item, Mapping):
            address, port = str(item.get("host_ip") or ""), str(item.get("published") or "")
        else:
            match = re.fullmatch(r"(?:(.*):)?([0-9]+):[0-9]+(?:/(?:tcp|udp))?", str(item), re.ASCII)
            address, port = (match[1] or "", match[2]) if match else ("", "")
        if re.fullmatch("[0-9]{1,5}", port, re.ASCII):
            yield Published(address.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - what compose makes of none


def _mounts(volumes: object, project: str) -> Iterator[Mount]:
    for item in volumes if isinstance(volumes, list) else []:
        source, target = _ends(item)
        if target:
            named = source and not source.startswith((".", "/", "~"))
            yield Mount(f"{project}_{source}" if named else source, source, target)


def _ends(item: Any) -> tuple[str, str]:
    if isinstance(item, Mapping):
        return str(item.get("source") or ""), str(item.get("target") or "")
    source, _, rest = str(item).partition(":")
    return (source, rest.partition(":")[0]) if rest else ("", source)
