"""Values of the line as JSON and back: for the model that is kept beside each generation, and for snapshots in files."""

from __future__ import annotations

import enum
import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from confgen.errors import BadInput
from confgen.users import Hash
from confgen.values import Host, Refusal, Text, Wildcard, parse_host

Value = TypeVar("Value")


def encode(value: object) -> object:
    """Dataclasses as objects without the fields that hold their default, tuples as lists, enums by their value."""
    if isinstance(value, (str, int)):  # most of what there is; typed values are texts and numbers
        return value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Text):
        return value.digest if isinstance(value, Hash) else value.raw  # whoever reads the file learns no hash
    if is_dataclass(value) and not isinstance(value, type):
        found = ((name, getattr(value, name), default) for name, default in _fields(type(value)))
        return {name: encode(said) for name, said, default in found if said is not default and said != default}
    return value


def decode(kind: type[Value], data: object) -> Value:
    """The reverse; raises BadInput when the data does not have the shape of `kind`."""
    try:
        found: Value = _decode(kind, data)
    except (KeyError, TypeError, ValueError, AttributeError, Refusal) as error:
        raise BadInput(
            f"the file does not hold a {kind.__name__.lower()}: {error}", "was it written by another version of confgen?"
        ) from error
    return found


def _decode(kind: Any, data: Any) -> Any:
    if kind == Host | Wildcard:
        return parse_host(data)
    if get_origin(kind) in (Union, types.UnionType):
        inner = [k for k in get_args(kind) if k is not type(None)]
        return None if data is None else _decode(inner[0], data)
    if get_origin(kind) is tuple:
        return _decode_tuple(get_args(kind), data)
    if is_dataclass(kind):
        if not isinstance(data, Mapping):
            raise TypeError(f"expected an object, found {type(data).__name__}")
        hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
        make: Any = kind
        return make(**{name: _decode(hints[name], value) for name, value in data.items() if name in hints})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(data)
    return _scalar(kind, data)


def _scalar(kind: Any, data: Any) -> Any:
    """Only what is a text becomes one, and only a whole number a number: int(True), int(1.5) and str(None) would not complain."""
    wanted: type = bool if kind is bool else str if issubclass(kind, (str, Text)) else int
    if not isinstance(data, wanted) or (isinstance(data, bool) and wanted is not bool):
        raise TypeError(f"expected {wanted.__name__}, found {type(data).__name__}")
    return Hash.known(str(data)) if kind is Hash else kind(data)


def _decode_tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise TypeError(f"expected a list, found {type(data).__name__}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item) for item in data)
    return tuple(_decode(kind, item) for kind, item in zip(kinds, data, strict=True))


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _fields(kind: Any) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, _default(field)) for field in fields(kind))


def _default(field: Any) -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING
