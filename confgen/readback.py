"""Proof that the text is what was meant: its structure, read as the proxy reads it, against the model's."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from confgen.errors import RefusedText
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


def verify(expected: Structure, found: Structure) -> None:
    """Raises RefusedText when the text holds a statement that the model does not, or lacks one, or has one twice.

    The order does not count: neither proxy gives a meaning to the order of the statements that carry the model
    (where one does, the proxy's `structure` puts the position into the words).
    """
    meant, there = Counter(expected), Counter(found)
    if dict(meant) == dict(there):
        return
    missing, surplus = meant - there, there - meant
    parts = [f"has what was not meant: {show(str(s), 200)}" for s in sorted(surplus)[:3]]
    parts += [f"lacks what was meant: {show(str(s), 200)}" for s in sorted(missing)[:3]]
    raise RefusedText(
        "the rendered text " + "; ".join(parts),
        "a template prints something else than the model says; the last good text stays live",
    )
