"""A file that is wholly the operator's own: which template makes it, where it goes, and what is run for it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from confgen.values import Refusal, nearest

_TEXTS, _LISTS = ("name", "template", "to"), ("check", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """name: for people.  template: a file.  to: the file that it makes.

    check: a program with its arguments, to which the path of the new text is added: its word decides whether that goes live.
    run: a program with its arguments, run when `to` has become another.  () for none.
    """

    name: str
    template: Path
    to: Path
    check: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


def read(value: object, base: Path) -> Output:
    """The output that a table of TOML says; paths in it start at `base`.  Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal("CG010", "it is no table", 'write [[output]], and below it name = "hosts", template = …, to = …')
    said: Mapping[str, object] = value
    of = f' of "{said["name"]}"' if isinstance(said.get("name"), str) else ""
    for key in said:
        if key not in (*_TEXTS, *_LISTS):
            raise Refusal("CG010", f"there is no {key}{of}", nearest(key, (*_TEXTS, *_LISTS)))
    for key in _TEXTS:
        if not isinstance(said.get(key), str) or not said[key]:
            raise Refusal("CG010", f"{key}{of} is missing, or no text", f'write {key} = "…"')
    for key in _LISTS:
        words = said.get(key, [])
        if (
            not isinstance(words, list)
            or not all(isinstance(word, str) and "\0" not in word for word in words)
            or words[:1] == [""]
        ):
            raise Refusal("CG010", f"{key}{of} is no list of words", f'write {key} = ["program", "argument"]; there is no shell')
    name, template, to = (str(said[key]) for key in _TEXTS)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        raise Refusal("CG010", f'"{name}" is no name for an output', "use letters, digits, _, . and -")
    return Output(name=name, template=base / template, to=base / to, check=_words(said, "check"), run=_words(said, "run"))


def _words(said: Mapping[str, object], key: str) -> tuple[str, ...]:
    words = said.get(key)
    return tuple(map(str, words)) if isinstance(words, list) else ()


def distinct(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """The outputs, each with a name and a file of its own; raises Refusal."""
    for one in ("name", "to"):
        seen = [getattr(output, one) for output in outputs]
        for value in seen:
            if seen.count(value) > 1:
                raise Refusal("CG010", f'two outputs have {one} = "{value}"', f"give each a {one} of its own")
    return outputs
