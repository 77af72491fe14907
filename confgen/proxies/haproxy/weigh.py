"""What it takes to bring a change of the model into a running HAProxy.  Pure."""

from __future__ import annotations

from confgen.model import Route, Server, ServerState
from confgen.plan import Change, Impact

#: What of the model no text holds.
_UNWRITTEN = {
    *(("pools", "drain"), ("pools", "check"), ("pools", "waits"), ("servers", "why"), ("routes", "send")),
    *(("certificates", "names"), ("certificates", "not_after"), ("certificates", "expired")),
}


def weigh(change: Change) -> tuple[Impact, str]:
    """RELOAD with the reason in words ("new server web-2 of pool shop.web-80"), NONE for what alters no text."""
    kind, names, field = change.place
    if (kind, field) in _UNWRITTEN or (field == "withheld" and change.before and change.after):
        return Impact.NONE, ""
    if _unseen(change.before) and _unseen(change.after):
        return Impact.NONE, ""
    return Impact.RELOAD, _reason(change, kind, names, field)


def _unseen(side: object) -> bool:
    """What a server that was not there leaves in the text, or one that has not taken anything yet: nothing."""
    return side in (None, ServerState.STARTING) or (isinstance(side, Server) and side.state is ServerState.STARTING)


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
