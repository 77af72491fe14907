"""docs/context.md: what templates get, made from the types that they get."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

from confgen.render import ADDED, CONTEXT

_HEAD = f"""# What templates get

*Made from the code by `make reference`; do not edit.*

This is version {CONTEXT} of the context; templates see it as `context`. It is raised when a name goes or means something else, and the
[changelog](../CHANGELOG.md) says how to follow; new names come without it. `confgen templates context compose.yaml` prints all of it
with its values, for a compose file, a snapshot or what runs now.

A type with a capital letter is described below its table. Text of labels that may hold anything is `Text`: it is printed through a
quoting filter, and in no other way. How to write templates: [templates.md](templates.md).

| name, in every template | is |
| --- | --- |
"""


class Described(Protocol):
    """Whoever has templates: a proxy, the outputs.  names: with the type of each, and what it is."""

    @property
    def names(self) -> Mapping[str, tuple[Any, str]]: ...

    @property
    def filters(self) -> Mapping[str, Callable[..., str]]: ...


def page(proxies: Mapping[str, Described]) -> str:
    """The whole page."""
    parts = [_HEAD, *(f"| `{name}` | {means} |\n" for name, means in ADDED.items())]
    for name, proxy in sorted(proxies.items(), reverse=True):
        parts.append(f"\n## {name}\n\n| name | type | is |\n| --- | --- | --- |\n")
        parts += [f"| `{one}` | {_said(kind)} | {means} |\n" for one, (kind, means) in sorted(proxy.names.items())]
        parts.append("\n| filter | does |\n| --- | --- |\n")
        parts += [f"| `{one}` | {_first(function)} |\n" for one, function in sorted(proxy.filters.items())]
        for kind in _kinds(proxy):
            parts.append(f"\n### {name}: {kind.__name__}\n\n{_doc(kind)}\n\n| field | type |\n| --- | --- |\n")
            parts += [f"| `{field}` | {_said(its)} |\n" for field, its in members(kind).items()]
    return "".join(parts)


def words(proxy: Described) -> Iterator[str]:
    """Every name, filter and field, as `doors`, `q |`, `Site.names`."""
    yield from proxy.names
    yield from (f"{name} |" for name in proxy.filters)
    yield from (f"{kind.__name__}.{field}" for kind in _kinds(proxy) for field in members(kind))


def members(kind: type) -> dict[str, Any]:
    """The fields of a value, and what is worked out of them, each with its type."""
    hints = typing.get_type_hints(kind)
    made = {name: prop.fget for name, prop in vars(kind).items() if isinstance(prop, property) and prop.fget}
    told = {field.name: hints[field.name] for field in fields(kind)}
    return told | {name: typing.get_type_hints(function)["return"] for name, function in made.items()}


def _kinds(proxy: Described) -> list[type]:
    """The types of values that the names lead to, by name."""
    found: dict[str, type] = {}
    open_ = [kind for kind, _ in proxy.names.values()]
    while open_:
        kind = open_.pop()
        if isinstance(kind, type) and is_dataclass(kind) and kind.__name__ not in found and kind.__name__ != "Text":
            found[kind.__name__] = kind
            open_ += members(kind).values()
        open_ += typing.get_args(kind)
    return [found[name] for name in sorted(found)]


def _said(kind: Any) -> str:
    """A type in words."""
    inside = [one for one in typing.get_args(kind) if one is not Ellipsis]
    if isinstance(kind, types.UnionType):
        return " or ".join("none" if one is type(None) else _said(one) for one in inside)
    if typing.get_origin(kind) is tuple and len(inside) == 1:
        return f"list of {_said(inside[0])}"
    if typing.get_origin(kind) is tuple:
        return f"({', '.join(map(_said, inside))})"
    if typing.get_origin(kind) is dict:
        return f"{_said(inside[0])} → {_said(inside[1])}"
    return {"str": "text", "int": "number", "bool": "yes or no"}.get(kind.__name__, f"`{kind.__name__}`")


def _doc(kind: type) -> str:
    return re.sub(r"\s+", " ", kind.__doc__ or "").strip()


def _first(function: Callable[..., str]) -> str:
    return re.sub(r"\s+", " ", (function.__doc__ or "").strip().split("\n\n", maxsplit=1)[0])
