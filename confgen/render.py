"""A model becomes text: the Jinja environment, template errors with file and line, and the Candidate."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from confgen.errors import BadTemplate
from confgen.values import Text

#: Stands in the text where the generation goes until the digest over that very text is known; no value can hold \x01.
_GENERATION = "\x01generation\x01"


class Recipe(Protocol):
    """One file to make: the part of a proxy's Output that rendering needs."""

    @property
    def template(self) -> str: ...

    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """The files of one generation, by their path inside its folder, and the digest that names it."""

    generation: str
    files: tuple[tuple[str, bytes], ...]

    def as_dict(self) -> dict[str, bytes]:
        return dict(self.files)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which free text has no attributes: `{{ value.raw }}` would print it past the quoting filter."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        return not isinstance(obj, Text) and super().is_safe_attribute(obj, attr, value)


class Renderer:
    """Templates of the shipped set, shadowed by the operator's folders; made once, used for every turn."""

    def __init__(self, folders: tuple[Path, ...], filters: Mapping[str, Callable[..., str]]) -> None:
        ours = FileSystemLoader(str(shipped()))
        # "shipped/nginx/site.j2" is always ours, so that a template that shadows one can extend it.
        loaders = [*(FileSystemLoader(str(folder)) for folder in folders), ours, PrefixLoader({"shipped": ours})]
        self._environment = _Sandbox(
            loader=ChoiceLoader(loaders),
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        self._environment.filters.update(filters)

    def render(self, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> Candidate:
        """All files of one generation.  Raises BadTemplate with the template's file and line."""
        texts = [(recipe.path, self._one(recipe.template, view)) for recipe in recipes]
        digest = hashlib.sha256()
        for path, text in texts:
            digest.update(f"{path}\0{len(text)}\0{text}".encode())
        generation = digest.hexdigest()[:16]
        return Candidate(generation, tuple((path, _named(path, text, generation).encode()) for path, text in texts))

    def _one(self, name: str, view: Mapping[str, object]) -> str:
        try:
            return self._environment.get_template(name).render(view, generation=_GENERATION)
        except TemplateSyntaxError as error:
            raise _bad(f"{error.filename or error.name or name}:{error.lineno}", error.message or "syntax error") from error
        except TemplateError as error:
            raise _bad(_where(error, name), error.message or type(error).__name__) from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise _bad(_where(error, name), f"{type(error).__name__}: {error}") from error


def _named(path: str, text: str, generation: str) -> str:
    """The text with its generation; raises BadTemplate when a template printed it in pieces or through a filter."""
    text = text.replace(_GENERATION, generation)
    if _GENERATION[0] in text:
        raise _bad(path, "the generation must be printed as it is: {{ generation }}")
    return text


def shipped() -> Path:
    """The folder of the shipped templates: inside the wheel, or at the root of a checkout."""
    inside = Path(str(resources.files("confgen"))) / "templates"
    return inside if inside.is_dir() else Path(__file__).resolve().parent.parent / "templates"


def _finalize(value: object) -> object:
    """What `{{ … }}` may print: words and numbers of the typed values; never None, containers or free text."""
    if isinstance(value, Undefined):
        str(value)  # raises with the name that is missing
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return value
    if isinstance(value, Text):
        raise TypeError("free text must go through the quoting filter: {{ value | q }}")
    raise TypeError(f"a {type(value).__name__} cannot be printed into a proxy's file")


def _where(error: BaseException, name: str) -> str:
    """file:line of the innermost template frame: Jinja rewrites tracebacks so that template lines show."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith((".j2", ".conf", ".cfg", ".map"))]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name


def _bad(where: str, what: str) -> BadTemplate:
    return BadTemplate(f"template {where}: {what}", "mend the template; the last good text stays live")
