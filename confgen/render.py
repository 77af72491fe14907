"""A model becomes text: the Jinja environment, template errors with file and line, and the Candidate."""

from __future__ import annotations

import hashlib
import os
import re
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, cast

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    pass_context,
)
from jinja2.ext import Extension
from jinja2.filters import FILTERS as BUILT_IN_FILTERS
from jinja2.lexer import Token, TokenStream
from jinja2.loaders import split_template_path
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as BUILT_IN_TESTS

from confgen.errors import BadTemplate
from confgen.recent import Recent
from confgen.snippets import Snippet
from confgen.values import Text

#: Stands in the text where the generation goes until the digest over that very text is known; no value can hold \x01.
_GENERATION = "\x01generation\x01"

#: Around the place of a template, where rendering marks what it prints: "\x02FILE:LINE\x03".
_MARK = re.compile("\x02([^\x03]*)\x03")
_LEAD = re.compile("(?:\x02[^\x03]*\x03|[ \t])*")

#: The version of what templates get: raised when a name goes or means something else, not when one comes.
CONTEXT = 1
#: What rendering adds to every view, and what it is.
ADDED: Mapping[str, str] = {
    "context": "the version of this context",
    "generation": "the digest that names this text; printed as it is, since it is known only when all is printed",
    "parts": 'the same for each of many things: `{{ parts("haproxy/backend.j2", "back", backs) }}`',
    "part": 'prints a template for one thing of many: `{{ part("nginx/port.j2", port=port) }}`',
}

#: What every template has of jinja itself.
FILTERS, TESTS = frozenset(BUILT_IN_FILTERS), frozenset(BUILT_IN_TESTS)

#: No files beside those that templates make.
NOTHING: Mapping[str, bytes] = {}


class Recipe(Protocol):
    """One file to make: the part of a proxy's Output that rendering needs."""

    @property
    def template(self) -> str: ...

    @property
    def path(self) -> str: ...


class Renders(Protocol):
    """What makes a Candidate: a Renderer, or one in a process apart (apart.py)."""

    def render(self, recipes: tuple[Recipe, ...], view: Mapping[str, object], beside: Mapping[str, bytes] = NOTHING) -> Candidate:
        """All files of one generation; `beside` are those that no template makes.

        Raises BadTemplate with the template's file, and the line where known.
        """

    def marked(self, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> list[str]:
        """The text of each recipe, in which marks say what printed it; `origins` reads them.  Raises BadTemplate."""

    def forget(self) -> None:
        """The templates have changed: they are read anew."""

    def close(self) -> None:
        """It is no longer needed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The files of one generation, by their path inside its folder, and the digest that names it.

    private: the paths of those that only the proxy may read.
    """

    generation: str
    files: tuple[tuple[str, bytes], ...]
    private: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, bytes]:
        return dict(self.files)


class _Common:
    """What of a view every part may use: all but the lists of things, each of which is a part of its own.

    Compared by identity: the same object stands for as long as its names mean the same.
    """

    __slots__ = ("names",)

    def __init__(self, view: Mapping[str, object]) -> None:
        self.names = {name: value for name, value in view.items() if not _is_list(value)}


def _is_list(value: object) -> bool:
    return isinstance(value, tuple) and any(is_dataclass(item) for item in value[:1])


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which free text has no attributes: `{{ value.raw }}` would print it past the quoting filter."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute[:1] != "_" and attribute in getattr(type(obj), "__dataclass_fields__", ()):
            return getattr(obj, attribute)  # of our values, as below: most of what templates ask for, a thousand times a text
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        if attr in getattr(type(obj), "__dataclass_fields__", ()):  # of our values: what jinja looks for cannot be in one
            return not attr.startswith("_")
        return not isinstance(obj, Text) and super().is_safe_attribute(obj, attr, value)


class _Marks(Extension):
    """Each line that a template prints begins with its place in that template."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        file = stream.filename or stream.name
        for token in stream:
            if token.type == "variable_begin":
                yield Token(token.lineno, "data", _mark(file, token.lineno))
            if token.type != "data":
                yield token
                continue
            lines = enumerate(token.value.split("\n"), token.lineno)
            yield Token(token.lineno, "data", "\n".join(f"{_mark(file, number)}{line}" for number, line in lines))


def _mark(file: str | None, line: int) -> str:
    return f"\x02{file}:{line}\x03"


#: Marks make a text so many times longer at most; they are wanted for messages alone.
MARKED = 8


class TooLong(Exception):
    """Rendering takes too long: raised from without, on the line of the template that is at work then."""


class FilterFailed(Exception):
    """A filter or test of the operator's own failed: its place and what it said."""


@dataclass(frozen=True, slots=True)
class Own:
    """Filters and tests of the operator's own, by the names that templates call them."""

    filters: Mapping[str, Callable[..., object]]
    tests: Mapping[str, Callable[..., bool]]


NONE = Own({}, {})


class Renderer:
    """Templates of the shipped set, shadowed by the operator's folders; made once, used for every turn.

    most: how many characters all files of a generation may have together, None without limit.  marks: what is printed says
    where it comes from.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        filters: Mapping[str, Callable[..., str]],
        most: int | None = None,
        *,
        own: Own = NONE,
        marks: bool = False,
    ) -> None:
        self._given, self._own, self._most = (folders, filters), own, most
        ours = FileSystemLoader(str(shipped()))
        # "shipped/nginx/site.j2" is always ours, so that a template that shadows one can extend it.
        loaders = [*(_Overlay(str(folder)) for folder in folders), ours, PrefixLoader({"shipped": ours})]
        self._environment = _Sandbox(
            loader=ChoiceLoader(loaders),
            undefined=StrictUndefined,
            finalize=_finalize_marked if marks else _finalize,
            extensions=[_Marks] if marks else [],
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        self._environment.filters.update(filters)
        self._environment.filters.update({name: _late(function) for name, function in own.filters.items()})
        self._environment.tests.update({name: _late(function) for name, function in own.tests.items()})
        self._parts, self._common = Recent(), _Common({})
        self._print, self._print_thing = self._whole_part, self._whole_thing  # objects by which their answers are known again

    def render(self, recipes: tuple[Recipe, ...], view: Mapping[str, object], beside: Mapping[str, bytes] = NOTHING) -> Candidate:
        return seal(recipes, self.texts(recipes, view), beside)

    def marked(self, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> list[str]:
        most = None if self._most is None else MARKED * self._most
        return Renderer(*self._given, most, own=self._own, marks=True).texts(recipes, view)

    def texts(self, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> list[str]:
        """The text of each recipe, with a mark where the generation goes; `seal` makes the Candidate of them."""
        self._parts.next()
        common = _Common(view)
        if common.names != self._common.names:
            self._common = common
        found: list[str] = []
        for recipe in recipes:
            left = None if self._most is None else self._most - sum(map(len, found))
            found.append(self._one(recipe.template, {**view, "part": self._part, "parts": self._each_part}, left))
        return found

    def forget(self) -> None:
        self._parts = Recent()
        if self._environment.cache is not None:
            self._environment.cache.clear()

    def close(self) -> None:
        """Nothing is held."""

    def _part(self, template: str, **pieces: object) -> str:
        """`part` of the templates: a template for one thing of many, printed anew only when something in it has changed."""
        return self._parts.of(self._print, template, self._common, *pieces, *pieces.values())

    def _each_part(self, template: str, name: str, things: tuple[object, ...], **pieces: object) -> str:
        """`parts` of the templates: `part` for each of many things, which the template calls by this name, each after an empty line."""
        if self._most is not None:  # what comes from another process is never the same object
            return "".join(f"\n{self._part(template, **{name: thing}, **pieces)}" for thing in things)
        printed = self._parts.over(self._print_thing, template, self._common, name, *pieces, *pieces.values())
        return "".join(f"\n{printed(thing)}" for thing in things)

    def _whole_thing(self, thing: object, template: str, common: _Common, name: str, *pieces: object) -> str:
        """One of many.  pieces: as below, without this thing."""
        half = len(pieces) // 2
        return self._whole_part(template, common, name, *pieces[:half], thing, *pieces[half:])

    def _whole_part(self, template: str, common: _Common, *pieces: object) -> str:
        """pieces: their names, then what they are."""
        names, values = pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]
        return self._one(template, {**common.names, **dict(zip(cast(tuple[str, ...], names), values, strict=True))}, self._most)

    def _one(self, name: str, view: Mapping[str, object], most: int | None) -> str:
        try:
            template = self._environment.get_template(name)
            if most is None:
                return template.render(view, generation=_GENERATION, context=CONTEXT)
            parts = cast(Generator[str], template.generate(view, generation=_GENERATION, context=CONTEXT))
            return "".join(_within(most, parts))
        except TemplateSyntaxError as error:
            raise _bad(f"{error.filename or error.name or name}:{error.lineno}", error.message or "syntax error") from error
        except TemplateError as error:
            raise _bad(_where(error, name), error.message or type(error).__name__) from error
        except UnicodeDecodeError as error:
            raise _bad(name, "it is not UTF-8 text") from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise _bad(_where(error, name), f"{type(error).__name__}: {error}") from error
        except (TooLong, FilterFailed) as error:
            raise _bad(_where(error, name), str(error)) from error
        except MemoryError as error:
            raise _bad(_where(error, name), "it needs more memory than rendering may have") from error


class _Overlay(FileSystemLoader):
    """An operator's folder.  What has a template's name there and is no file is a mistake, and not as if it were not there."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        file = Path(self.searchpath[0], *split_template_path(template))
        if os.path.lexists(file) and not file.is_file():
            raise TemplateError(f"{file} is no file, or a link that leads nowhere")
        return super().get_source(environment, template)


def _late(function: Callable[..., object]) -> Callable[..., object]:
    """Not called before the template runs: of what fails when a template is read, jinja makes nothing."""

    @pass_context
    def call(_context: object, *given: object, **named: object) -> object:
        return function(*given, **named)

    return call


def _within(most: int, parts: Generator[str]) -> Iterator[str]:
    """The parts, as long as they are not too many."""
    for part in parts:
        most -= len(part)
        if most < 0:
            raise _bad(_printing(parts), "all files together are longer than they may be; is there a loop without end?")
        yield part


def _printing(parts: Generator[str]) -> str:
    """file:line of the innermost template that prints: Jinja's include is a loop over a generator that it calls `gen`."""
    inner: Any = parts
    while inner and inner.gi_frame:  # without one it has ended
        frame = inner.gi_frame
        inner = inner.gi_yieldfrom or frame.f_locals.get("gen")
    template = frame.f_globals["__jinja_template__"]
    return f"{template.filename}:{template.get_corresponding_lineno(frame.f_lineno)}"


def seal(recipes: tuple[Recipe, ...], texts: Sequence[str], beside: Mapping[str, bytes] = NOTHING) -> Candidate:
    """The texts, and what lies beside them, under the name that a digest over all gives; raises BadTemplate."""
    named = list(zip((recipe.path for recipe in recipes), texts, strict=True))
    digest = hashlib.sha256()
    for path, content in (*((path, _encoded(path, text)) for path, text in named), *beside.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    generation = digest.hexdigest()[:16]
    files = ((path, _named(path, text, generation).encode()) for path, text in named)
    return Candidate(generation, (*files, *beside.items()))


def _encoded(path: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _bad(path, f"{text[error.start]!a} is printed, which is half of a character") from error


def _named(path: str, text: str, generation: str) -> str:
    """The text with its generation; raises BadTemplate when a template printed it in pieces or through a filter."""
    text = text.replace(_GENERATION, generation)
    if _GENERATION[0] in text:
        raise _bad(path, "the generation must be printed as it is: {{ generation }}")
    return text


def origins(marked: str, text: str) -> list[str]:
    """ "FILE:LINE" of what printed each line of a text, by the same text with marks; empty where the two differ in their lines."""
    lines = marked.split("\n")
    if len(lines) != text.count("\n") + 1:
        return []
    found, last = [], ""
    for line in lines:
        # What stands last before the first visible character: the indentation may be of another template.
        before = _MARK.findall(_LEAD.match(line)[0])  # type: ignore[index]  # it fits everything
        found.append(before[-1] if before else last)
        last = (_MARK.findall(line) or [last])[-1]
    return found


def shipped() -> Path:
    """The folder of the shipped templates: inside the wheel, or at the root of a checkout."""
    inside = Path(str(resources.files("confgen"))) / "templates"
    return inside if inside.is_dir() else Path(__file__).resolve().parent.parent / "templates"


def shipped_names(kind: str) -> tuple[str, ...]:
    """The names of a proxy's shipped templates: "nginx/main.j2"."""
    return tuple(sorted(f"{kind}/{file.name}" for file in (shipped() / kind).glob("*.j2")))


def _finalize(value: object) -> object:
    """What `{{ … }}` may print: words and numbers of the typed values; never None, containers or free text."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises with the name that is missing
    if isinstance(value, Snippet):
        return value.text
    if isinstance(value, Text):
        raise TypeError("free text must go through the quoting filter: {{ value | q }}")
    raise TypeError(f"a {type(value).__name__} cannot be printed into a proxy's file")


def _finalize_marked(value: object) -> object:
    if not isinstance(value, Snippet):
        return _finalize(value)
    lines = value.text.split("\n")
    return "\n".join(f"{_mark(value.file, number)}{line}" if line else "" for number, line in enumerate(lines, 1))


def _where(error: BaseException, name: str) -> str:
    """file:line of the innermost template frame: Jinja rewrites tracebacks so that template lines show."""
    places = [
        f"{f.f_code.co_filename}:{n}" for f, n in traceback.walk_tb(error.__traceback__) if "__jinja_exception__" in f.f_globals
    ]
    return places[-1] if places else name


def _bad(where: str, what: str) -> BadTemplate:
    return BadTemplate(f"template {where}: {what}", "mend the template; the last good text stays live")
