"""What templates get, as JSON for people who write them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from confgen.values import Text


def names(view: Mapping[str, object]) -> dict[str, object]:
    """Every name that templates get, with its value."""
    return {name: plain(value) for name, value in view.items()}


def plain(value: object) -> object:
    """Every field, and every property that is a plain value, since templates may use both; free text as the label has it."""
    if is_dataclass(value) and not isinstance(value, type):
        made = {name: getattr(value, name) for name, kind in vars(type(value)).items() if isinstance(kind, property)}
        told = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: plain(one) for name, one in {**told, **made}.items() if name in told or not is_dataclass(one)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return [plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value.raw if isinstance(value, Text) else value
