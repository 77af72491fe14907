"""The difference of two models as a value: what changes, and what it takes."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass

from confgen.model import Model
from confgen.values import Text


class Impact(enum.IntEnum):
    """What it takes to bring a change into the running proxy; the strongest of a plan counts."""

    NONE = 0
    HOT = 1
    RELOAD = 2

    @property
    def words(self) -> str:
        """For people."""
        return ("nothing", "runtime change", "reload")[self]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.  path: names from the model's root down, as ("pools", "shop.web-80", "servers", "web-1", "weight").

    before, after: the values; None where something was added or removed.
    """

    path: tuple[str, ...]
    before: object
    after: object

    @property
    def verb(self) -> str:
        return "add" if self.before is None else "remove" if self.after is None else "change"

    @property
    def place(self) -> tuple[str, tuple[str, ...], str]:
        """Of what kind of thing it is ("servers"), its names from the outermost in, and the field; "" where the thing came or went.

        A path reads (kind, name, kind, name, field, ...): names may be any word, so positions count and not what they hold.
        """
        path = self.path
        if len(path) > 3 and path[2] in ("servers", "routes"):
            return path[2], (path[1], path[3]), "".join(path[4:5])
        return "".join(path[0:1]), path[1:2], "".join(path[2:3])

    def __str__(self) -> str:
        where = " ".join(_singular(part) for part in self.path)
        if self.verb != "change":
            return f"{self.verb} {where}"
        return f"change {where}: {_plain(self.before)} -> {_plain(self.after)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in order, the impact of the whole, and the reason for it in words ("new listener tcp-3306").

    cause: the same without names ("add listeners"), of which there are few: what metrics are counted by.
    """

    changes: tuple[Change, ...] = ()
    impact: Impact = Impact.NONE
    reason: str = ""
    cause: str = ""


def make(before: Model, after: Model, weigh: Callable[[Change], tuple[Impact, str]]) -> Plan:
    """The plan that leads from one model to the other; `weigh` is the proxy's knowledge of what a change takes."""
    changes = tuple(diff(before, after))
    weighed = [(*weigh(change), change) for change in changes]
    if not weighed:
        return Plan()
    impact, reason, decides = max(weighed, key=lambda one: one[0])
    return Plan(changes, impact, reason, _cause(decides) if reason else "")


def _cause(change: Change) -> str:
    kind, _, field = change.place
    return f"{change.verb} {kind} {field}".rstrip()


def diff(before: object, after: object, path: tuple[str, ...] = ()) -> list[Change]:
    """Dataclasses by field, tuples of named things by name, all else as a whole; Origins do not count."""
    if before is after or before == after:
        return []
    if is_dataclass(before) and type(before) is type(after) and not isinstance(before, type):
        found: list[Change] = []
        for field in fields(before):
            if field.compare:
                found += diff(getattr(before, field.name), getattr(after, field.name), (*path, field.name))
        return found
    if isinstance(before, tuple) and isinstance(after, tuple) and _named(before) and _named(after):
        return _diff_named({x.name: x for x in before}, {x.name: x for x in after}, path)
    return [Change(path, before, after)]


def _diff_named(before: dict[str, object], after: dict[str, object], path: tuple[str, ...]) -> list[Change]:
    found: list[Change] = []
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            found += diff(before[name], after[name], (*path, name))
        else:
            found.append(Change((*path, name), before.get(name), after.get(name)))
    return found


def _named(items: tuple[object, ...]) -> bool:
    return all(hasattr(item, "name") for item in items)


_SINGULAR = {"listeners": "listener", "pools": "pool", "servers": "server", "routes": "route", "certificates": "certificate"}


def _singular(part: str) -> str:
    return _SINGULAR.get(part, part)


def _plain(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return repr(value) if is_dataclass(value) or isinstance(value, Text) else str(value)
