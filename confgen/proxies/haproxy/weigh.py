"""What it takes to bring a change of the model into a running HAProxy.  Pure."""

from __future__ import annotations

from confgen.plan import Change, Impact

#: What of the model no text holds.
_UNWRITTEN = {("pools", "drain"), ("servers", "why"), ("routes", "send")}


def weigh(change: Change) -> tuple[Impact, str]:
    """RELOAD with the reason in words, NONE for what alters no text."""
    kind, field = _place(change)
    if (kind, field) in _UNWRITTEN or (field == "withheld" and change.before and change.after):
        return Impact.NONE, ""
    return Impact.RELOAD, f"reload: {change}"


def _place(change: Change) -> tuple[str, str]:
    """Of what kind of thing the change is, and which of its fields; "" where the thing itself came or went.

    A path reads (kind, name, kind, name, field, ...): names may be any word, so positions count and not what they hold.
    """
    path = change.path
    kind, rest = path[0], path[2:]
    if rest[:1] in (("servers",), ("routes",)) and len(rest) > 1:
        kind, rest = rest[0], rest[2:]
    return kind, rest[0] if rest else ""
