"""The services of a project as instances.

There are no addresses yet: each service is reached by the DNS name under which Docker's resolver will know it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from confgen.errors import BadInput
from confgen.problem import Origin
from confgen.sources.compose.document import mapping, place_of
from confgen.sources.compose.doubts import doubts
from confgen.sources.compose.project import Project, Service
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Instance


def instances(project: Project, prefix: str) -> list[Instance]:
    """One for each service, by name: Docker's DNS knows its replicas under that one name.  prefix: of labels that are ours."""
    return [_instance(project.services[name], project, prefix) for name in sorted(project.services)]


def _instance(service: Service, project: Project, prefix: str) -> Instance:
    labels = {**service.body["labels"], COMPOSE_PROJECT: project.name, COMPOSE_SERVICE: service.name}
    lender = _lender(service, project)
    mode = str(lender.body.get("network_mode") or "default")
    return Instance(
        name=service.name,
        source=service.place.rpartition(":")[0] or service.place,
        labels=tuple(sorted((key, str(text)) for key, text in labels.items())),
        places=tuple(sorted((key, place_of(text, service.place)) for key, text in labels.items())),
        parts=tuple((str(key), place_of(key, service.place)) for key in service.body if key in ("networks", "network_mode")),
        doubts=tuple(doubts(service, prefix)),
        attachments=() if mode in ("host", "none") else _attachments(lender, project),
        network_mode=mode,
        exposed=tuple(sorted(_exposed(service))),
        image=str(service.body.get("image") or ""),
        host_name=lender.name,
        origin=Origin(service.place.rpartition(":")[0], f"service {service.name}", place=service.place),
    )


def _lender(service: Service, project: Project) -> Service:
    """The service whose network it uses: itself, or with `network_mode: service:NAME` that one."""
    mode = str(service.body.get("network_mode") or "")
    return project.services.get(mode.removeprefix("service:"), service) if mode.startswith("service:") else service


def _attachments(service: Service, project: Project) -> tuple[Attachment, ...]:
    names = list(mapping(service.body.get("networks"), service.place, "networks of a service")) or ["default"]
    return tuple(sorted(Attachment(_network(str(name), project, service.place)) for name in names))


def _network(name: str, project: Project, place: str) -> str:
    body = mapping(project.networks.get(name), place, f"networks.{name}")
    external = body.get("external")
    if isinstance(external, Mapping) and external.get("name"):
        return str(external["name"])
    return str(body.get("name") or (name if external else f"{project.name}_{name}"))


def _exposed(service: Service) -> set[Exposed]:
    """Container ports of `expose` and `ports`, short and long form; ranges are left out."""
    found = set()
    for key in ("expose", "ports"):
        for item in _items(service, key):
            text = f"{item.get('target')}/{item.get('protocol', 'tcp')}" if isinstance(item, Mapping) else str(item)
            match = re.fullmatch(r"(?:.*:)?([0-9]{1,5})(?:/(tcp|udp))?", text, re.ASCII)
            if match and 0 < int(match[1]) < 65536:
                found.add(Exposed(int(match[1]), match[2] or "tcp"))
    return found


def _items(service: Service, key: str) -> list[Any]:
    items = service.body.get(key) or []
    if not isinstance(items, list):
        raise BadInput(f"{service.place}: services.{service.name}.{key} is not a list", "see compose-spec.io")
    return items
