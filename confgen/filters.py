"""Filters and tests of the operator's own, from a Python file: read and run only where templates are rendered apart (apart.py).

They see what templates see, free text too.  So that it stays opaque, text that comes out of free text is free text again:
only the proxy's quoting filter prints it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

from confgen.contents import contents, why
from confgen.errors import BadTemplate
from confgen.render import FILTERS, TESTS, FilterFailed, Own, TooLong
from confgen.values import Text

_MODULE = "confgen_filters"
_HINT = "mend it; the last good text stays live"
_MAY = "text, a number, true or false, none, a value that it was given, or a list of these"


def load(file: Path, shipped: Mapping[str, object]) -> Own:
    """What the file's FILTERS and TESTS name.  shipped: the proxy's filters, which no other may take the place of.

    Runs the file.  Raises BadTemplate with the line where known, TooLong.
    """
    module = _run(file)
    found = Own(
        {name: _filter(name, one, file) for name, one in _named(module, "FILTERS", {*FILTERS, *shipped}, file).items()},
        {name: _test(name, one, file) for name, one in _named(module, "TESTS", TESTS, file).items()},
    )
    if not found.filters and not found.tests:
        raise _bad(f"{file}", 'it has neither FILTERS nor TESTS; write FILTERS = {"name": function}')
    return found


def _run(file: Path) -> ModuleType:
    module = ModuleType(_MODULE)
    module.__file__ = str(file)
    sys.modules[_MODULE] = module  # what a dataclass looks for
    try:
        exec(compile(contents(file), str(file), "exec"), vars(module))  # noqa: S102 - the operator's own, in a process apart
    except TooLong as error:
        raise _bad(_place(file, error), str(error)) from error
    except MemoryError as error:
        raise _bad(_place(file, error), "it needs more memory than rendering may have") from error
    except SyntaxError as error:
        raise _bad(f"{error.filename}:{error.lineno}", error.msg) from error
    except OSError as error:
        ours = _line(file, error) == 0
        raise _bad(str(file), f"it cannot be read: {why(error)}") if ours else _raised(file, error) from error
    except (Exception, SystemExit) as error:  # it is somebody else's code, and may raise anything
        raise _raised(file, error) from error
    return module


def _raised(file: Path, error: BaseException) -> BadTemplate:
    return _bad(_place(file, error), _words(error))


def _named(module: ModuleType, kind: str, taken: frozenset[str] | set[str], file: Path) -> dict[str, Callable[..., Any]]:
    """What stands in one of the two; raises BadTemplate."""
    found = getattr(module, kind, {})
    if not isinstance(found, dict):
        raise _bad(f"{file}", f'{kind} is no dict; write {kind} = {{"name": function}}')
    for name, function in found.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise _bad(f"{file}", f"{kind}: {name!r} is no name; use letters, digits and _")
        if not callable(function):
            raise _bad(f"{file}", f"{kind}: {name} is no function")
        if name in taken:
            raise _bad(f"{file}", f"{kind}: {name} is there already, and nothing may take its place; give it another name")
    return found


def _filter(name: str, function: Callable[..., object], file: Path) -> Callable[..., object]:
    def call(*given: object, **named: object) -> object:
        free = any(map(_free, (*given, *named.values())))
        return _held(_called(f"filter {name}", function, file, given, named), free, f"{file}: filter {name}")

    return call


def _test(name: str, function: Callable[..., object], file: Path) -> Callable[..., bool]:
    def call(*given: object, **named: object) -> bool:
        return bool(_called(f"test {name}", function, file, given, named))

    return call


def _called(
    what: str, function: Callable[..., object], file: Path, given: tuple[object, ...], named: Mapping[str, object]
) -> object:
    try:
        return function(*given, **named)
    except (TooLong, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # it is somebody else's code, and may raise anything
        raise FilterFailed(f"{_place(file, error)}: {what}: {_words(error)}") from error


def _free(value: object) -> bool:
    """Whether free text may be in a value: it is, in whatever is not known to hold none."""
    if value is None or isinstance(value, (str, int, float, Enum)):
        return False
    if isinstance(value, (tuple, list, set, frozenset)):
        return any(map(_free, value))
    if isinstance(value, dict):
        return any(map(_free, value.values()))
    if is_dataclass(value) and not isinstance(value, Text):
        return any(_free(getattr(value, field.name)) for field in fields(value))
    return True


def _held(value: object, free: bool, who: str) -> object:
    """What a filter gave, as templates may have it; raises FilterFailed."""
    if isinstance(value, str):
        return Text(str(value)) if free else value
    if isinstance(value, (list, tuple)):
        return tuple(_held(one, free, who) for one in value)
    ours = isinstance(value, Text) or (is_dataclass(value) and type(value).__module__.startswith("confgen."))
    if value is None or isinstance(value, (int, float)) or ours:
        return value
    raise FilterFailed(f"{who}: it gives a {type(value).__name__}, and may give {_MAY}")


def _line(file: Path, error: BaseException) -> int:
    """The innermost line of the file, 0 where it was not at work."""
    return next((f.lineno or 0 for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(file)), 0)


def _place(file: Path, error: BaseException) -> str:
    line = _line(file, error)
    return f"{file}:{line}" if line else f"{file}"


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _bad(where: str, what: str) -> BadTemplate:
    return BadTemplate(f"filters {where}: {what}", _HINT)
