"""Variables in compose files: where they come from, and what stands in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confgen.contents import contents
from confgen.errors import BadInput
from confgen.problem import show
from confgen.sources.compose.document import Override, Word, place_of


def dotenv(file: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """`KEY=value` lines as compose reads them: blanks around both, an `export` before, a comment behind ` #`, quotes.

    Variables in values that stand in no quotes or in double ones are put in, from the environment and the lines before.
    """
    try:
        lines = contents(file).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match and match["single"] is not None:
            found[match["key"]] = match["single"]
        elif match:
            text = match["double"] or match["bare"] or ""
            found[match["key"]] = substituted(text, {**found, **environment}, f"{file}:{number}")
    return found


_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>.*?))\s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


def interpolated(value: Any, environment: Mapping[str, str], file: str, seen: dict[int, Any] | None = None) -> Any:
    """With variables put into every value, as compose does; keys stay as they are.  Raises BadInput.

    seen: what an alias (`*name`) stands for is made once, however often it is named: nine lines of YAML can name a billion.
    """
    seen = {} if seen is None else seen
    if isinstance(value, str):
        place = place_of(value, file)
        unset: list[str] = []
        text = substituted(value, environment, place, unset)
        return Word(text, place, tuple(unset))
    if isinstance(value, Override):
        return Override(interpolated(value.value, environment, file, seen))
    if not isinstance(value, (Mapping, list)):
        return value
    if id(value) not in seen:
        seen[id(value)] = None
        if isinstance(value, Mapping):
            seen[id(value)] = {key: interpolated(item, environment, file, seen) for key, item in value.items()}
        else:
            seen[id(value)] = [interpolated(item, environment, file, seen) for item in value]
    return seen[id(value)]


def substituted(text: str, environment: Mapping[str, str], place: str, unset: list[str] | None = None) -> str:
    """`$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR:?message}`, `${VAR:+other}` and `$$`.

    unset: gets the names of variables in whose place nothing stands.
    """
    done = []
    while True:
        head, dollar, text = text.partition("$")
        done.append(head)
        if not dollar:
            return "".join(done)
        if text.startswith("$"):
            done.append("$")
            text = text[1:]
            continue
        braced = text.startswith("{")
        name = _VARIABLE.match(text, 1 if braced else 0)
        end = _closing(text) if braced else name.end() if name else 0
        if not name or not end:
            sign = show("$" + text[:1])  # what follows may be the hash of a password
            raise BadInput(f"{place}: {sign} begins no variable that compose knows", "write $$ for a dollar sign")
        word = text[name.end() : end] if braced else ""
        if unset is not None and not word and name[0] not in environment:
            unset.append(name[0])
        done.append(_variable(name[0], word, environment, place))
        text = text[end + braced :]


def _closing(rest: str) -> int:
    """Where the brace that `rest` begins with is closed, 0 for nowhere; a default may hold variables itself."""
    depth = 0
    for position, char in enumerate(rest):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return position
    return 0


def _variable(name: str, word: str, environment: Mapping[str, str], place: str) -> str:
    """What `${name}` stands for.  word: what follows the name, as `:-default`."""
    operator = _OPERATOR.match(word)
    if word and not operator:
        raise BadInput(f"{place}: {show('${' + name + word + '}')} is not a variable that compose knows", "see compose-spec.io")
    kind, other = (operator[0], word[operator.end() :]) if operator else ("", "")
    found = environment.get(name)
    there = bool(found) if kind.startswith(":") else found is not None
    if kind.endswith("?") and not there:
        what = substituted(other, environment, place) or "it is not set"
        raise BadInput(f"{place}: variable {name} is required: {what}", f"set {name} in the environment or in .env")
    if kind.endswith("+"):
        return substituted(other, environment, place) if there else ""
    if kind.endswith("-") and not there:
        return substituted(other, environment, place)
    return found or ""
