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
from confgen.problem import Origin, show
from confgen.sources.files import read_text
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Instance

#: Compose would fetch these from elsewhere; leaving them out silently would leave out routes.
_ELSEWHERE = ("extends", "include")


def read(files: tuple[Path, ...]) -> list[Instance]:
    """The services of one project from its files, merged in order.  Raises BadInput with the file, and the line where known."""
    environment = {**_dotenv(files[0].parent / ".env"), **os.environ}
    merged: dict[str, Any] = {}
    for file in files:
        try:
            merged = _merge(merged, _shaped(_interpolate(_load(file), environment, str(file)), file))
        except RecursionError as error:
            raise BadInput(f"{file}: is nested too deep to be read", "does an anchor hold itself?") from error
    project = _project(merged, files[0], environment)
    services: Mapping[str, Mapping[str, Any]] = merged.get("services") or {}
    networks = _mapping(merged.get("networks"), files[-1], "networks")
    return [_instance(name, services, project, networks, files[-1]) for name in sorted(services)]


class _Loader(yaml.SafeLoader):
    """YAML as compose reads it (1.2 for the most part): `off` and `yes` are texts, `22:22` is no number, a key stands once."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"the key {show(key.value)} stands twice", key.start_mark)
            seen.add(key.value)
        return node


_KEPT = {
    "tag:yaml.org,2002:bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)"),
    "tag:yaml.org,2002:float": re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"),
    "tag:yaml.org,2002:null": re.compile(r"~|null|Null|NULL|"),
    "tag:yaml.org,2002:merge": re.compile(r"<<"),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in _KEPT.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern.pattern})\Z"), None)


def _load(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(read_text(file), _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(
            f"{file}:{line}: is not YAML: {error.problem}", "check the indentation and quotes near that line"
        ) from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:  # `!!bool x` is a KeyError to PyYAML
        raise BadInput(f"{file}: is not YAML: {error}", "save it as plain UTF-8 text") from error
    return _mapping(document, file, "the file")


def _mapping(value: object, file: Path, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadInput(f"{file}: {what} is not a mapping", "see compose-spec.io")
    return value


def _dotenv(file: Path) -> dict[str, str]:
    """`KEY=value` lines as compose reads them: blanks around both, an `export` before, a comment behind ` #`, quotes."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = (_DOTENV.fullmatch(line) for line in lines)
    return {match["key"]: match["single"] or match["double"] or match["bare"] or "" for match in found if match}


_DOTENV = re.compile(
    r"""\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>.*?))\s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


def _interpolate(value: Any, environment: Mapping[str, str], file: str, seen: dict[int, Any] | None = None) -> Any:
    """`$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR:?message}`, `${VAR:+other}` and `$$`, in values as compose does.

    seen: what an alias (`*name`) stands for is made once, however often it is named: nine lines of YAML can name a billion.
    """
    seen = {} if seen is None else seen
    if isinstance(value, str):
        return _substitute(value, environment, file)
    if not isinstance(value, (Mapping, list)):
        return value
    if id(value) not in seen:
        seen[id(value)] = None
        if isinstance(value, Mapping):
            seen[id(value)] = {key: _interpolate(item, environment, file, seen) for key, item in value.items()}
        else:
            seen[id(value)] = [_interpolate(item, environment, file, seen) for item in value]
    return seen[id(value)]


def _substitute(text: str, environment: Mapping[str, str], file: str) -> str:
    done = []
    while True:
        head, dollar, text = text.partition("$")
        done.append(head)
        if not dollar:
            return "".join(done)
        if text.startswith("$"):
            done.append("$")
            text = text[1:]
            continue
        braced = text.startswith("{")
        name = _VARIABLE.match(text, 1 if braced else 0)
        end = _closing(text) if braced else name.end() if name else 0
        if not name or not end:
            raise BadInput(f"{file}: {show('$' + text)} is not a variable that compose knows", "write $$ for a dollar sign")
        done.append(_variable(name[0], text[name.end() : end] if braced else "", environment, file))
        text = text[end + braced :]


def _closing(rest: str) -> int:
    """Where the brace that `rest` begins with is closed, 0 for nowhere; a default may hold variables itself."""
    depth = 0
    for position, char in enumerate(rest):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return position
    return 0


def _variable(name: str, word: str, environment: Mapping[str, str], file: str) -> str:
    """What `${name}` stands for.  word: what follows the name, as `:-default`."""
    operator = _OPERATOR.match(word)
    if word and not operator:
        raise BadInput(f"{file}: {show('${' + name + word + '}')} is not a variable that compose knows", "see compose-spec.io")
    kind, other = (operator[0], word[operator.end() :]) if operator else ("", "")
    found = environment.get(name)
    there = bool(found) if kind.startswith(":") else found is not None
    if kind.endswith("?") and not there:
        what = _substitute(other, environment, file) or "it is not set"
        raise BadInput(f"{file}: variable {name} is required: {what}", f"set {name} in the environment or in .env")
    if kind.endswith("+"):
        return _substitute(other, environment, file) if there else ""
    if kind.endswith("-") and not there:
        return _substitute(other, environment, file)
    return found or ""


def _shaped(document: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """What may be a list or a mapping, as a mapping, so that files can be merged."""
    services = {}
    for name, given in _mapping(document.get("services"), file, "services").items():
        if not re.fullmatch(r"[A-Za-z0-9._-]+", str(name), re.ASCII):
            raise BadInput(f"{file}: {show(str(name))} is no name of a service", 'use letters, digits, "_", "." and "-"')
        body = dict(_mapping(given, file, f"services.{name}"))
        _refuse_elsewhere(body, file, f"services.{name}.")
        body["labels"] = _pairs(body.get("labels"), file, str(name))
        if isinstance(body.get("networks"), list):
            body["networks"] = {str(network): None for network in body["networks"]}
        services[str(name)] = body
    _refuse_elsewhere(document, file, "")
    return {**document, "services": services}


def _refuse_elsewhere(part: Mapping[str, Any], file: Path, where: str) -> None:
    for key in _ELSEWHERE:
        if part.get(key):
            hint = "put it together first: `docker compose config > whole.yaml`"
            raise BadInput(f"{file}: {where}{key} is not read by confgen", hint)


def _merge(base: Any, over: Any) -> Any:
    """As compose merges files: mappings by key, lists one after the other, nothing over something; everything else replaced."""
    if over is None:
        return base
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over


def _project(merged: Mapping[str, Any], file: Path, environment: Mapping[str, str]) -> str:
    name = environment.get("COMPOSE_PROJECT_NAME") or str(merged.get("name") or file.resolve().parent.name)
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "default"


def _instance(
    service: str, services: Mapping[str, Mapping[str, Any]], project: str, networks: Mapping[str, Any], file: Path
) -> Instance:
    body = services[service]
    labels = {**body["labels"], COMPOSE_PROJECT: project, COMPOSE_SERVICE: service}
    host = _network_of(service, services)
    mode = str(services[host].get("network_mode") or "default")
    return Instance(
        name=service,
        source=str(file),
        labels=tuple(sorted(labels.items())),
        attachments=() if mode in ("host", "none") else _attachments(services[host].get("networks"), project, networks, file),
        network_mode=mode,
        exposed=tuple(sorted(_exposed(body, file, service))),
        image=str(body.get("image") or ""),
        host_name=host,
        origin=Origin(str(file), f"service {service}"),
    )


def _network_of(service: str, services: Mapping[str, Mapping[str, Any]]) -> str:
    """The service whose network it uses: itself, or with `network_mode: service:NAME` that one."""
    mode = str(services[service].get("network_mode") or "")
    other = mode.removeprefix("service:")
    return other if mode.startswith("service:") and other in services else service


def _pairs(value: object, file: Path, service: str) -> dict[str, str]:
    """Labels as a mapping or as a list of KEY=VALUE."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(k): _text(v, f"{file}: services.{service}.labels.{k}") for k, v in value.items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {key: text for key, _, text in (str(item).partition("=") for item in value)}
    raise BadInput(f"{file}: services.{service}.labels is neither a mapping nor a list of KEY=VALUE", "see compose-spec.io")


def _text(value: object, where: str) -> str:
    """A label's text as compose writes it: YAML's true is "true", 3.0 is "3", nothing is ""."""
    if isinstance(value, (Mapping, list)):
        raise BadInput(f"{where} is not a text, number or true or false", "put it in quotes")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _attachments(value: object, project: str, networks: Mapping[str, Any], file: Path) -> tuple[Attachment, ...]:
    names = list(_mapping(value, file, "networks of a service")) or ["default"]
    return tuple(sorted(Attachment(_network(str(name), project, networks, file)) for name in names))


def _network(name: str, project: str, networks: Mapping[str, Any], file: Path) -> str:
    body = _mapping(networks.get(name), file, f"networks.{name}")
    external = body.get("external")
    if isinstance(external, Mapping) and external.get("name"):
        return str(external["name"])
    return str(body.get("name") or (name if external else f"{project}_{name}"))


def _exposed(body: Mapping[str, Any], file: Path, service: str) -> set[Exposed]:
    """Container ports of `expose` and `ports`, short and long form; ranges are left out."""
    found = set()
    for key in ("expose", "ports"):
        items = body.get(key) or []
        if not isinstance(items, list):
            raise BadInput(f"{file}: services.{service}.{key} is not a list", "see compose-spec.io")
        for item in items:
            text = f"{item.get('target')}/{item.get('protocol', 'tcp')}" if isinstance(item, Mapping) else str(item)
            match = re.fullmatch(r"(?:.*:)?([0-9]{1,5})(?:/(tcp|udp))?", text, re.ASCII)
            if match and 0 < int(match[1]) < 65536:
                found.add(Exposed(int(match[1]), match[2] or "tcp"))
    return found
