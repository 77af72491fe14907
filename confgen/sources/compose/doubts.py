"""What can be seen to be wrong in a compose file alone, where the engine would say nothing and the route would not come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from confgen.problem import Effect, Origin, Problem
from confgen.sources.compose.document import Word, place_of
from confgen.sources.compose.project import Service


def doubts(service: Service, prefix: str) -> Iterator[Problem]:
    """Of one service, whose labels begin with `prefix` and a dot."""
    yield from _elsewhere(service, prefix)
    yield from _unset(service, prefix)
    yield from _ports(service, prefix)


def _origin(service: Service, key: str, place: str) -> Origin:
    return Origin(service.place.rpartition(":")[0], f"service {service.name}", f"label {key}", place)


def _elsewhere(service: Service, prefix: str) -> Iterator[Problem]:
    """Labels of ours that stand where no container gets them from."""
    sections = {
        "build": ("makes it a label of the image at its next build, which is not seen here", _under(service, "build")),
        "deploy": ("makes it a label of a Swarm service, which its containers do not have", _under(service, "deploy")),
    }
    for section, (why, labels) in sections.items():
        for key, place in _named(labels, service.place):
            if key.startswith(prefix + "."):
                hint = f"move it to services.{service.name}.labels"
                yield Problem(_origin(service, key, place), "CG201", f"{section}.labels {why}", Effect.LABEL, hint)


def _under(service: Service, section: str) -> object:
    """The labels of a section; compose lets `build` be a text."""
    body = service.body.get(section)
    return body.get("labels") if isinstance(body, Mapping) else None


def _named(labels: object, place: str) -> Iterator[tuple[str, str]]:
    """Each key of a mapping or a list of KEY=VALUE, and where it stands."""
    for key in labels if isinstance(labels, (Mapping, list)) else ():
        yield str(key).partition("=")[0], place_of(key, place)


def _unset(service: Service, prefix: str) -> Iterator[Problem]:
    """Variables that compose puts nothing in for, with no more than a warning."""
    for key, text in service.body["labels"].items():
        if not key.startswith(prefix + ".") or not isinstance(text, Word) or not text.unset:
            continue
        named = ", ".join(f"${name}" for name in dict.fromkeys(text.unset))
        message = f"nothing stands in the place of {named}, which nobody set"
        hint = f"set {text.unset[0]} in the environment or in .env; where a dollar sign is meant, write $$"
        if ".auth." in key:  # what is taken for a variable may be the hash of a password
            message = "what follows a dollar sign is taken for a variable, and that is not set"
            hint = "write $$ for each dollar sign"
        yield Problem(_origin(service, key, text.place), "CG202", message, Effect.NOTHING, hint)


def _ports(service: Service, prefix: str) -> Iterator[Problem]:
    """A label's port that is the host's and not the container's, or another one than the service exposes."""
    ports = list(_published(service))
    published = {host: target for host, target in ports if host}
    exposed = {int(str(port).partition("/")[0]) for port in _list(service, "expose") if re.match(r"[0-9]+(/|\Z)", str(port))}
    targets = {target for _, target in ports}
    # A range says too little by itself, and may hold any port: where there is one, nothing is doubted.
    ranges = [
        item for key in ("expose", "ports") for item in _list(service, key) if not isinstance(item, Mapping) and "-" in str(item)
    ]
    pattern = re.compile(rf"{re.escape(prefix)}\.(?:(?:routes\.[^.]+\.)?port|(?:tcp|udp)\.[0-9]+)")
    for key, text in service.body["labels"].items():
        if not pattern.fullmatch(key) or not re.fullmatch(r"[1-9][0-9]{0,4}", str(text)):
            continue
        port, origin = int(text), _origin(service, key, place_of(text, service.place))
        if port in exposed | targets:
            continue
        if target := published.get(port):
            message = f"{port} is the port of the host, and the container's is {target}"
            yield Problem(origin, "CG121", message, Effect.NOTHING, f'write "{target}"')
        elif exposed and not ranges:
            told = ", ".join(f'"{other}"' for other in sorted(exposed | targets))
            message = f"{port} is none of the ports that the service exposes"
            yield Problem(origin, "CG121", message, Effect.NOTHING, f"write {told}, or add {port} to expose")


def _published(service: Service) -> Iterator[tuple[int, int]]:
    """Ports of the host (0 where the engine chooses) with the container's behind each; short and long form, ranges left out."""
    for item in _list(service, "ports"):
        if isinstance(item, Mapping):
            text = f"{item.get('published', '')}:{item.get('target', '')}"
        else:
            text = re.sub(r"/(tcp|udp)\Z", "", str(item))
        *_, host, target = ("", *text.rsplit(":", 2)) if ":" in text else ("", "", text)
        if target.isdecimal():
            yield (int(host) if host.isdecimal() else 0), int(target)


def _list(service: Service, key: str) -> list[Any]:
    items = service.body.get(key)
    return items if isinstance(items, list) else []
