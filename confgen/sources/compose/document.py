"""One YAML file as compose reads it, and where each text in it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from confgen.errors import BadInput
from confgen.problem import show
from confgen.sources.files import read_text


class Word(str):
    """A text of a file.  place: where it stands, as "compose.yaml:12".  unset: variables in it that were not set."""

    __slots__ = ("place", "unset")
    place: str
    unset: tuple[str, ...]

    def __new__(cls, text: str, place: str, unset: tuple[str, ...] = ()) -> Word:
        made = super().__new__(cls, text)
        made.place, made.unset = place, unset
        return made


def place_of(value: object, otherwise: str) -> str:
    """Where a key or a text stands."""
    return value.place if isinstance(value, Word) else otherwise


@dataclass(frozen=True, slots=True)
class Override:
    """`!override`: stands in place of what the files before say, instead of being merged with it."""

    value: Any


class Reset:
    """`!reset`: what the files before say is not there."""


class _Loader(yaml.SafeLoader):
    """YAML as compose reads it (1.2 for the most part): `off` and `yes` are texts, `22:22` is no number, a key stands once."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"the key {show(key.value)} stands twice", key.start_mark)
            seen.add(key.value)
        return node

    def construct_word(self, node: yaml.ScalarNode) -> Word:
        return Word(str(self.construct_scalar(node)), f"{self.name}:{node.start_mark.line + 1}")

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """`010` is octal and `08`, which cannot be, a decimal number; so reads compose."""
        text = str(self.construct_scalar(node)).replace("_", "").lower()
        try:
            return int(text, 0) if not re.fullmatch(r"[-+]?0[0-7]+", text) else int(text, 8)
        except ValueError:
            return float(text)

    def construct_override(self, node: yaml.Node) -> Override:
        if isinstance(node, yaml.MappingNode):
            return Override(self.construct_mapping(node, deep=True))
        if isinstance(node, yaml.SequenceNode):
            return Override(self.construct_sequence(node, deep=True))
        return Override(self.construct_word(node))  # type: ignore[arg-type]  # the third kind of node

    def construct_reset(self, node: yaml.Node) -> type[Reset]:
        return Reset


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_word)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Loader.add_constructor("!override", _Loader.construct_override)
_Loader.add_constructor("!reset", _Loader.construct_reset)

_KEPT = {
    "tag:yaml.org,2002:bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)"),
    "tag:yaml.org,2002:float": re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"),
    "tag:yaml.org,2002:null": re.compile(r"~|null|Null|NULL|"),
    "tag:yaml.org,2002:merge": re.compile(r"<<"),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in _KEPT.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern.pattern})\Z"), None)


def parse(file: Path) -> Mapping[str, Any]:
    """What the file holds: mappings, lists, Words, numbers, true and false.  Raises BadInput."""
    text = read_text(file)
    try:
        loader = _Loader(text)
        loader.name = str(file)
        document = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{file}:{line}: is not YAML: {error.problem}", _mend(error, text)) from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:  # `!!bool x` is a KeyError to PyYAML
        raise BadInput(f"{file}: is not YAML: {error}", "save it as plain UTF-8 text") from error
    return mapping(document, str(file), "the file")


def _mend(error: yaml.MarkedYAMLError, text: str) -> str:
    """What to do about a line that is not YAML, with the text in quotes where a sign that it begins with is the trouble."""
    line = text.splitlines()[error.problem_mark.line : error.problem_mark.line + 1] if error.problem_mark else []
    if line and line[0].startswith("\t"):
        return "indent with blanks, not with tabs"
    if "stands twice" in str(error.problem):
        return "remove one of the two; several hosts stand in one label, separated by commas"
    if line and (said := re.search(r"(?:[:=-]\s+)([*&@`%!|>][^#\"']*)", line[0])):
        return f"put it in quotes: {show(said[1].strip())}"
    return "check the indentation and quotes near that line"


def mapping(value: object, file: str, what: str) -> Mapping[str, Any]:
    """The value, {} for none.  Raises BadInput for anything else."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadInput(f"{place_of(value, file)}: {what} is not a mapping", "see compose-spec.io")
    return value
