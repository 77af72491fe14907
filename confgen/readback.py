"""Proof that the text is what was meant: its structure, read as the proxy reads it, against the model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from confgen.errors import RefusedText
from confgen.policy import PARTS
from confgen.problem import show


class Statement(NamedTuple):
    """One statement of a proxy's file: the words of each block around it, outermost first, and its own words.

    A plain tuple: ten thousands of them are compared in each turn that changes something.
    """

    blocks: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " > ".join(" ".join(words) for words in (*self.blocks, self.words))


Structure = tuple[Statement, ...]


def within(part: str) -> tuple[tuple[str, ...], ...]:
    """The block that stands around the statements of a part; no proxy has one of such a name."""
    return ((f"({part})",),) if part else ()


def verify(
    expected: Structure,
    found: Structure,
    omitted: tuple[str, ...] = (),
    lines: Callable[[], Mapping[Statement, tuple[str, int]]] = dict,
) -> None:
    """Raises RefusedText when the text holds a statement that the model does not, or lacks one, or has one twice.

    omitted: parts (policy.PARTS) that are not looked at.  lines: where each statement of the text stands, asked for only when something is
    wrong.

    The order does not count: neither proxy gives a meaning to the order of the statements that carry the model
    (where one does, the proxy's `structure` puts the position into the words).
    """
    if omitted:
        free = {block for part in omitted for block in within(part)}
        expected, found = (tuple(s for s in said if free.isdisjoint(s.blocks)) for said in (expected, found))
    meant, there = Counter(expected), Counter(found)
    if dict(meant) == dict(there):
        return
    # What is in another place because something before it is missing is no mistake of its own.
    unplaced = Counter(map(_unplaced, expected)), Counter(map(_unplaced, found))
    if unplaced[0] != unplaced[1]:
        meant, there = unplaced
    missing, surplus = meant - there, there - meant
    parts = [f"has what was not meant: {show(str(s), 200)}" for s in sorted(surplus)[:3]]
    parts += [f"lacks what was meant: {show(str(s), 200)}" for s in sorted(missing)[:3]]
    hint = "a template prints something else than the model says; the last good text stays live"
    protecting = [part for part in PARTS if any({*within(part)} & {*s.blocks} for s in (*surplus, *missing))]
    if protecting:
        listed = ", ".join(f'"{part}"' for part in protecting)
        hint += f". If this is meant, write into the policy file: [templates] may_omit = [{listed}]"
    where = lines()
    where = {**{_unplaced(statement): spot for statement, spot in where.items()}, **where}
    spots = (_spot(statement, where) for statement in (*sorted(surplus)[:3], *sorted(missing)[:3]))
    found_at = tuple(dict.fromkeys(spot for spot in spots if spot))
    raise RefusedText("the rendered text " + "; ".join(parts), hint, found_at)


def _spot(statement: Statement, where: Mapping[Statement, tuple[str, int]]) -> tuple[str, int] | None:
    """Where a statement stands; of one that is not there, where the innermost block around it begins."""
    while statement not in where:
        if not statement.blocks:
            return None
        statement = Statement(statement.blocks[:-1], statement.blocks[-1])
    return where[statement]


def _unplaced(statement: Statement) -> Statement:
    """Without its place among its like, which a proxy's `structure` puts around it as a block."""
    return Statement(tuple(words for words in statement.blocks if not (len(words) == 1 and words[0].isdigit())), statement.words)
