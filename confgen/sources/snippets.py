"""The operator's folder of snippets, read whole."""

from __future__ import annotations

from pathlib import Path

from confgen.contents import contents
from confgen.errors import BadInput
from confgen.problem import Effect, Origin, Problem
from confgen.snippets import Snippet, Snippets, strays

#: In bytes, of one snippet.
_MOST = 1 << 20


def read_snippets(folder: Path | None) -> tuple[Snippets, tuple[Problem, ...]]:
    """Every snippet, sorted, and a Problem for each file that no proxy's text takes; none where there is no folder.

    Hidden files and folders are left alone: editors and mounts put theirs there.  Raises BadInput where one cannot be read.
    """
    if folder is None:
        return (), ()
    try:
        found = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if not path.is_dir() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }
        odd = dict(strays(found))
        texts = {name: contents(path, _MOST).decode() for name, path in found.items() if name not in odd}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the snippets in {folder} cannot be read: {error}", "confgen's user has to read them, as UTF-8"
        ) from error
    snippets = tuple(sorted(Snippet(name, _whole(text), str(found[name])) for name, text in texts.items()))
    return snippets, tuple(_stray(folder, name, hint) for name, hint in odd.items())


def _whole(text: str) -> str:
    """Ends with a line, or what follows in the proxy's text would be a part of a comment."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def _stray(folder: Path, name: str, hint: str) -> Problem:
    origin = Origin(str(folder), f"snippet {name}", place=str(folder / name))
    return Problem(origin, "CG191", "no proxy's text takes a file of this name", Effect.NOTHING, hint)
