"""Compose files as a source: what would run, read from the file alone (compose-spec.io).

There are no addresses yet: each service is reached by the DNS name under which Docker's resolver will know it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from confgen.errors import BadInput
from confgen.problem import Origin
from confgen.sources.files import read_text
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Instance


def read(files: tuple[Path, ...]) -> list[Instance]:
    """The services of one project from its files, merged in order.  Raises BadInput with the file, and the line where known."""
    documents = [_load(file) for file in files]
    environment = {**_dotenv(files[0].parent / ".env"), **os.environ}
    merged: dict[str, Any] = {}
    for file, document in zip(files, documents, strict=True):
        merged = _merge(merged, _interpolate(document, environment, str(file)))
    project = _project(merged, files[0], environment)
    services = _mapping(merged.get("services") or {}, files[-1], "services")
    networks = _mapping(merged.get("networks") or {}, files[-1], "networks")
    return [
        _instance(name, _mapping(body or {}, files[-1], f"services.{name}"), project, networks, files[-1])
        for name, body in sorted(services.items())
    ]


def _load(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(read_text(file))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(
            f"{file}:{line}: is not YAML: {error.problem}", "check the indentation and quotes near that line"
        ) from error
    except yaml.YAMLError as error:
        raise BadInput(f"{file}: is not YAML: {error}", "save it as plain UTF-8 text") from error
    return _mapping(document or {}, file, "the file")


def _mapping(value: object, file: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{file}: {what} is not a mapping", "see compose-spec.io")
    return value


def _dotenv(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}


_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^}]*))?\})")


def _interpolate(value: Any, environment: Mapping[str, str], file: str) -> Any:
    """`$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR:?message}`, `${VAR:+other}` and `$$`, in values as compose does."""
    if isinstance(value, Mapping):
        return {key: _interpolate(item, environment, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolate(item, environment, file) for item in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name, operator, other = match[2] or match[3], match[4] or "", match[5] or ""
        found = environment.get(name)
        there = bool(found) if operator.startswith(":") else found is not None
        if operator.endswith("?") and not there:
            raise BadInput(
                f"{file}: variable {name} is required: {other or 'it is not set'}", f"set {name} in the environment or in .env"
            )
        if operator.endswith("+"):
            return other if there else ""
        return found if there and found is not None else (other if operator.endswith("-") else found or "")

    return _VARIABLE.sub(one, value)


def _merge(base: Any, over: Any) -> Any:
    """As compose merges files: mappings by key, lists one after the other, everything else replaced."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over


def _project(merged: Mapping[str, Any], file: Path, environment: Mapping[str, str]) -> str:
    name = environment.get("COMPOSE_PROJECT_NAME") or str(merged.get("name") or file.resolve().parent.name)
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "default"


def _instance(service: str, body: Mapping[str, Any], project: str, networks: Mapping[str, Any], file: Path) -> Instance:
    labels = {**_pairs(body.get("labels"), file, service), COMPOSE_PROJECT: project, COMPOSE_SERVICE: service}
    mode = str(body.get("network_mode") or "default")
    return Instance(
        name=service,
        source=str(file),
        labels=tuple(sorted(labels.items())),
        attachments=() if mode in ("host", "none") else _attachments(body.get("networks"), project, networks, file),
        network_mode=mode,
        exposed=tuple(sorted(_exposed(body))),
        host_name=service,
        origin=Origin(str(file), f"service {service}"),
    )


def _pairs(value: object, file: Path, service: str) -> dict[str, str]:
    """Labels as a mapping or as a list of KEY=VALUE."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(k): _text(v) for k, v in value.items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {key: text for key, _, text in (str(item).partition("=") for item in value)}
    raise BadInput(f"{file}: services.{service}.labels is neither a mapping nor a list of KEY=VALUE", "see compose-spec.io")


def _text(value: object) -> str:
    """A label's text as compose writes it: YAML's true is "true", nothing is ""."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _attachments(value: object, project: str, networks: Mapping[str, Any], file: Path) -> tuple[Attachment, ...]:
    names = list(value) if isinstance(value, (list, Mapping)) else ["default"]
    return tuple(sorted(Attachment(_network(str(name), project, networks, file)) for name in names))


def _network(name: str, project: str, networks: Mapping[str, Any], file: Path) -> str:
    body = _mapping(networks.get(name) or {}, file, f"networks.{name}")
    external = body.get("external")
    if isinstance(external, Mapping) and external.get("name"):
        return str(external["name"])
    return str(body.get("name") or (name if external else f"{project}_{name}"))


def _exposed(body: Mapping[str, Any]) -> set[Exposed]:
    """Container ports of `expose` and `ports`, short and long form; ranges are left out."""
    found = set()
    for item in (*(body.get("expose") or ()), *(body.get("ports") or ())):
        text = f"{item.get('target')}/{item.get('protocol', 'tcp')}" if isinstance(item, Mapping) else str(item)
        match = re.fullmatch(r"(?:.*:)?([0-9]{1,5})(?:/(tcp|udp))?", text)
        if match:
            found.add(Exposed(int(match[1]), match[2] or "tcp"))
    return found
