"""What it takes to bring a change of the model into a running HAProxy.  Pure."""

from __future__ import annotations

from confgen.model import Route, ServerState
from confgen.plan import Change, Impact

#: What of the model no text holds.
_UNWRITTEN = {("pools", "drain"), ("servers", "why"), ("routes", "send")}


def weigh(change: Change) -> tuple[Impact, str]:
    """RELOAD with the reason in words ("new server web-2 of pool shop.web-80"), NONE for what alters no text."""
    kind, names, field = _place(change)
    if (kind, field) in _UNWRITTEN or (field == "withheld" and change.before and change.after):
        return Impact.NONE, ""
    return Impact.RELOAD, _reason(change, kind, names, field)


def _place(change: Change) -> tuple[str, tuple[str, ...], str]:
    """Of what kind of thing the change is, its names from the outermost in, and the field; "" where the thing came or went.

    A path reads (kind, name, kind, name, field, ...): names may be any word, so positions count and not what they hold.
    """
    path = change.path
    if len(path) > 3 and path[2] in ("servers", "routes"):
        return path[2], (path[1], path[3]), "".join(path[4:5])
    return path[0], path[1:2], "".join(path[2:3])


def _reason(change: Change, kind: str, names: tuple[str, ...], field: str) -> str:
    what = f"{kind.removesuffix('s')} {names[-1]}" if names else kind
    where = f" of pool {names[0]}" if kind == "servers" else ""
    if isinstance(change.after, ServerState):
        return f"{what}{where} {change.after.value}"
    if field:
        return f"{field} of {what}{where}"
    verb = {"add": "new", "remove": "removed"}.get(change.verb, change.verb)
    thing = change.after or change.before
    return f"{verb} host {', '.join(thing.hosts[:3])}" if isinstance(thing, Route) and thing.hosts else f"{verb} {what}{where}"
