"""confgen.toml: the table of options (options.py) as a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confgen.errors import BadInput, ConfgenError
from confgen.options import OPTIONS
from confgen.problem import Effect, Origin, Problem
from confgen.values import Refusal, nearest

_PAGE = "docs/settings.md lists all of them"


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of one option.  place: "confgen.toml:3"."""

    value: Any
    place: str


def parse(text: str, file: Path) -> dict[str, Said]:
    """What a file says, by the options' names; paths in it start where the file is.

    Raises BadInput with file and line, what is wrong, and what to do.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), text, file) from error
    by_key = {option.key: option for option in OPTIONS}
    said = {}
    for key, value in _flat(data, _tables()):
        place = f"{file}:{_line(text, key)}"
        option = by_key.get(key)
        if option is None and key in _tables():
            inner = ", ".join(known.partition(".")[2] for known in by_key if known.startswith(f"{key}."))
            raise BadInput(f"{place}: {key} is a table", f"write [{key}], and below it what it has: {inner}")
        if option is None:
            what = "table" if isinstance(value, dict) else "setting"
            raise BadInput(f"{place}: there is no {what} {key}", _meant(key, tuple(by_key)))
        try:
            said[option.name] = Said(option.kind.read(value, file.absolute().parent), place)
        except Refusal as refusal:
            raise BadInput(f"{place}: {key}: {refusal.message}", refusal.hint) from refusal
    return said


def misread(error: ConfgenError) -> Problem:
    """The Problem of settings that cannot be read."""
    return Problem(Origin("settings"), "CG010", error.message, Effect.SETTING, error.hint)


def _tables() -> frozenset[str]:
    return frozenset(option.key.partition(".")[0] for option in OPTIONS if "." in option.key)


def _flat(data: Mapping[str, Any], tables: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Each key with its value, those in a table that is known as "table.key"."""
    for key, value in data.items():
        if key in tables and isinstance(value, dict):
            yield from ((f"{key}.{inner}", one) for inner, one in value.items())
        else:
            yield key, value


def _meant(key: str, keys: tuple[str, ...]) -> str:
    """The key that was probably meant: one that is spelt alike, or the same word in another table."""
    last = key.rpartition(".")[2].replace("-", "_")
    same = [known for known in keys if known.rpartition(".")[2] == last]
    if same:
        return (
            f'did you mean "{same[0]}"?'
            if "." not in same[0]
            else f'did you mean "{same[0]}", that is {last} under [{same[0].partition(".")[0]}]?'
        )
    hint = nearest(key.replace("-", "_"), (*keys, *sorted(_tables())))
    return hint if hint.startswith("did") else _PAGE


def _line(text: str, key: str) -> int:
    """Where a key stands: after which lines TOML's own reader knows of it.  A statement of several lines counts by its first."""
    lines = text.splitlines()
    whole = 0
    for number in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue
        if key in dict(_flat(data, _tables())):
            return whole + 1
        whole = number
    return len(lines)


def _not_toml(words: str, text: str, file: Path) -> BadInput:
    match = re.fullmatch(r"(.*) \(at (?:line ([0-9]+), column [0-9]+|end of document)\)", words, re.DOTALL)
    message, line = (match[1], match[2] or len(text.splitlines())) if match else (words, 1)
    return BadInput(
        f"{file}:{line}: it is not TOML: {message}", 'a line is `key = "text"`, `key = 80`, `key = true` or `[table]`'
    )
