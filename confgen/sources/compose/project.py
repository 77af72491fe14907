"""The files of a project put together: several that are merged, what they include, what services extend."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

from confgen.errors import BadInput
from confgen.problem import show
from confgen.sources.compose.document import Override, Reset, Word, mapping, parse, place_of
from confgen.sources.compose.variables import dotenv, interpolated
from confgen.sources.files import read_text

#: Of a list these hold one thing whole, so that the later file's stands in place of the former's.
_REPLACED = ("command", "entrypoint", "test")


@dataclass(frozen=True, slots=True)
class Service:
    """One service, whole.  body: as in the file, with labels and networks as mappings.  place: where its name stands."""

    name: str
    body: Mapping[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Project:
    """What would run.  services: the active ones, by name.  networks: of the top level."""

    name: str
    services: Mapping[str, Service] = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Source:
    """From where a file is read: its folder's variables hold for it."""

    folder: Path
    environment: Mapping[str, str]


def load(files: tuple[Path, ...]) -> Project:
    """The project of some files, merged in order.  Raises BadInput with the file, and the line where known."""
    source = _source(files[0].parent, os.environ)
    try:
        merged = _files(files, source, ())
    except RecursionError as error:
        raise BadInput(f"{files[0]}: is nested too deep to be read", "does an anchor hold itself?") from error
    services = {name: s for name, s in merged["services"].items() if _active(s, source.environment) and _runs(s)}
    return Project(
        _name(merged, files[0], source.environment), services, mapping(merged.get("networks"), str(files[-1]), "networks")
    )


def _source(folder: Path, environment: Mapping[str, str], *files: Path) -> _Source:
    """With the variables of .env, or of other files in its place; what stands in the environment goes before."""
    found: dict[str, str] = {}
    for file in files or (folder / ".env",):
        found |= dotenv(file, {**found, **environment})
    return _Source(folder, {**found, **environment})


def _files(files: tuple[Path, ...], source: _Source, seen: tuple[Path, ...]) -> dict[str, Any]:
    """seen: the files that led here, so that a circle is told and not followed."""
    merged: dict[str, Any] = {"services": {}}
    for file in files:
        merged = _together(merged, _file(file, source, seen))
    return merged


def _file(file: Path, source: _Source, seen: tuple[Path, ...]) -> dict[str, Any]:
    """One file, with what it includes below it and what its services extend in them."""
    if file.resolve() in seen:
        raise BadInput(f"{file}: includes or extends itself", "leave one of the two out")
    seen = (*seen, file.resolve())
    document = interpolated(parse(file), source.environment, str(file))
    services = _services(document, file, source)
    whole = {name: _extended(name, services, file, source, seen) for name in services}
    own = {key: value for key, value in document.items() if key != "include"}
    included = _included(document, file, source, seen)
    document = {**own, "services": whole}
    return _together(included, document) if included else document  # else !reset and !override are for the files before


def _services(document: Mapping[str, Any], file: Path, source: _Source) -> dict[str, Service]:
    """What may be a list or a mapping, as a mapping, so that files can be merged."""
    services = {}
    _no_slips(document, _OF_FILES, "the file", str(file))
    for name, given in mapping(document.get("services"), str(file), "services").items():
        place = place_of(name, str(file))
        if not re.fullmatch(r"[A-Za-z0-9._-]+", str(name), re.ASCII):
            raise BadInput(f"{place}: {show(str(name))} is no name of a service", 'use letters, digits, "_", "." and "-"')
        body = dict(mapping(given, place, f"services.{name}"))
        _no_slips(body, _OF_SERVICES, f"services.{name}", place)
        labels = body.get("labels")
        given_labels = None if labels is Reset else labels.value if isinstance(labels, Override) else labels
        said = _labels(given_labels, place, str(name))
        said = {**_label_files(body.get("label_file"), source), **said}
        body["labels"] = Override(said) if isinstance(labels, Override) or labels is Reset else said
        networks = body.get("networks")
        if isinstance(networks, list):
            body["networks"] = _by_name(networks)
        elif isinstance(networks, Override) and isinstance(networks.value, list):
            body["networks"] = Override(_by_name(networks.value))
        services[str(name)] = Service(str(name), body, place)
    return services


def _by_name(networks: list[Any]) -> dict[str, None]:
    return {str(network): None for network in networks}


#: What is read here of a file and of a service; a key that is nearly one of these is a slip, which compose refuses too.
_OF_FILES = ("services", "networks", "include", "name")
_OF_SERVICES = (
    "labels",
    "networks",
    "network_mode",
    "ports",
    "expose",
    "extends",
    "deploy",
    "profiles",
    "scale",
    "label_file",
    "image",
)


def _no_slips(body: Mapping[str, Any], known: tuple[str, ...], what: str, place: str) -> None:
    """Raises BadInput for a misspelt key, and for a label that stands beside `labels` and not below it."""
    for key in (str(key) for key in body if key not in known and not str(key).startswith("x-")):
        where = next(place_of(said, place) for said in body if str(said) == key)
        if "." in key and known is _OF_SERVICES:
            raise BadInput(f"{where}: {show(key)} stands beside labels, not below it", f"move it to {what}.labels")
        if close := get_close_matches(key, known, n=1, cutoff=0.8):
            raise BadInput(f"{where}: {what} has no key {show(key)}", f'did you mean "{close[0]}"?')


def _labels(value: object, place: str, service: str) -> dict[str, Any]:
    """Labels as a mapping or as a list of KEY=VALUE; each text with the place of its label."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): _label(text, place_of(key, place), f"services.{service}.labels.{key}") for key, text in value.items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        pairs = ((item.partition("="), place_of(item, place), getattr(item, "unset", ())) for item in value)
        return {key: Word(text, where, unset) for (key, _, text), where, unset in pairs}
    hint = "see compose-spec.io"
    if isinstance(value, list) and (mixed := next((item for item in value if isinstance(item, Mapping) and item), None)):
        (key, text), *_ = mixed.items()
        place, hint = place_of(key, place), f'write "{key}={text}", or leave the "-" out'
    raise BadInput(f"{place}: services.{service}.labels is neither a mapping nor a list of KEY=VALUE", hint)


def _label(value: object, place: str, what: str) -> Any:
    """A label's text as compose writes it: YAML's true is "true", nothing is ""."""
    if value is Reset:
        return value
    if isinstance(value, (Mapping, list)):
        raise BadInput(f"{place}: {what} is not a text, number or true or false", "put it in quotes")
    if isinstance(value, bool):
        return Word("true" if value else "false", place)
    if isinstance(value, float):
        return Word(_decimal(value), place)
    return Word("" if value is None else str(value), place, value.unset if isinstance(value, Word) else ())


def _decimal(value: float) -> str:
    """As Go prints it: the shortest text that reads back, with an exponent below 0.0001 and from a million on."""
    if not isfinite(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, shift = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(shift, int)
    exponent = len(digits) + shift - 1
    if value and not -5 < exponent < 6:
        head, tail = str(digits[0]), "".join(map(str, digits[1:]))
        return f"{'-' * sign}{head}{'.' + tail if tail else ''}e{exponent:+03d}"
    return format(Decimal(repr(value)).normalize(), "f")


def _label_files(value: object, source: _Source) -> dict[str, Any]:
    """`label_file`: one or more files of KEY=VALUE lines; the labels of the service go before them."""
    found: dict[str, Any] = {}
    for name in _list(value):
        file = source.folder / str(name)
        for number, line in enumerate(read_text(file, pipe=False).splitlines(), 1):
            key, _, text = line.strip().partition("=")
            if key and not key.startswith("#"):
                found[key] = Word(text, f"{file}:{number}")
    return found


# --- what stands elsewhere


def _extended(name: str, services: Mapping[str, Service], file: Path, source: _Source, seen: tuple[Path, ...]) -> Service:
    """The service with what it extends under it."""
    service = services[name]
    asked = service.body.get("extends")
    if not asked:
        return service
    wanted = {"service": asked} if isinstance(asked, str) else mapping(asked, service.place, f"services.{name}.extends")
    other, elsewhere = str(wanted.get("service") or name), wanted.get("file")
    if elsewhere:
        path = _there(source.folder / str(elsewhere), place_of(elsewhere, service.place))
        base = _file(path, replace(source, folder=path.parent), seen)["services"].get(other)
    else:
        if other == name:
            raise BadInput(f"{service.place}: services.{name} extends itself", "leave extends out")
        base = _extended(other, _without(services, name), file, source, seen) if other in services else None
    if base is None:
        where = f"{elsewhere}" if elsewhere else str(file)
        raise BadInput(f"{service.place}: services.{name} extends {show(other)}, which is not in {where}", "mend the name")
    own = {key: value for key, value in service.body.items() if key != "extends"}
    return Service(name, _together(base.body, own), service.place)


def _without(services: Mapping[str, Service], name: str) -> dict[str, Service]:
    """For the next step, so that a circle ends as a name that is not there."""
    return {key: service for key, service in services.items() if key != name}


def _included(document: Mapping[str, Any], file: Path, source: _Source, seen: tuple[Path, ...]) -> dict[str, Any]:
    """What `include` names: projects of their own, each with the variables of its folder, put together first."""
    merged: dict[str, Any] = {}
    asked = document.get("include") or []
    if not isinstance(asked, list):
        raise BadInput(f"{file}: include is not a list", "see compose-spec.io")
    for item in asked:
        place = place_of(item, str(file))
        given = {"path": item} if isinstance(item, str) else mapping(item, place, "include")
        paths = tuple(_there(source.folder / str(path), place) for path in _list(given.get("path")))
        if not paths:
            raise BadInput(f"{place}: include names no path", "see compose-spec.io")
        folder = source.folder / str(given["project_directory"]) if given.get("project_directory") else paths[0].parent
        variables = tuple(source.folder / str(path) for path in _list(given.get("env_file")))
        part = _files(paths, _source(folder, source.environment, *variables), seen)
        merged = _together(merged, {key: part[key] for key in ("services", "networks") if key in part})
    return merged


def _there(file: Path, place: str) -> Path:
    if not file.is_file():
        raise BadInput(
            f"{place}: {file}: there is no such file", "mend the path; it counts from the folder of the file that names it"
        )
    return file


def _list(value: object) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


# --- putting together


def _together(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """As compose merges files: mappings by key, lists one after the other, nothing over something; everything else replaced."""
    kept = {name: value for name, value in base.items() if over.get(name) is not Reset}
    put = {name: _merge(base.get(name), value, str(name)) for name, value in over.items() if value is not Reset}
    return {**kept, **put}


def _merge(base: Any, over: Any, key: str = "") -> Any:
    if isinstance(over, Service):
        return replace(over, body=_together(base.body if isinstance(base, Service) else {}, over.body))
    if isinstance(over, Mapping):
        return _together(base if isinstance(base, Mapping) else {}, over)
    if isinstance(over, Override):
        return over.value
    if isinstance(base, list) and isinstance(over, list) and key not in _REPLACED:
        return [*base, *over]
    return base if over is None else over


# --- what would run


def _active(service: Service, environment: Mapping[str, str]) -> bool:
    """A service with profiles is there when one of them was asked for (COMPOSE_PROFILES)."""
    profiles = {str(profile) for profile in _list(service.body.get("profiles"))}
    asked = {word.strip() for word in environment.get("COMPOSE_PROFILES", "").split(",")}
    return not profiles or bool(profiles & asked) or "*" in asked


def _runs(service: Service) -> bool:
    """Not where it was scaled to none."""
    deploy = mapping(service.body.get("deploy"), service.place, f"services.{service.name}.deploy")
    wanted = [str(value) for value in (service.body.get("scale"), deploy.get("replicas")) if value is not None]
    return "0" not in wanted


def _name(merged: Mapping[str, Any], file: Path, environment: Mapping[str, str]) -> str:
    name = environment.get("COMPOSE_PROJECT_NAME") or str(merged.get("name") or file.resolve().parent.name)
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "default"
