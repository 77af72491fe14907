"""confgen.toml as the commands find it: where it is, what it gives to options that nobody gave, and what a running `watch` makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from confgen.errors import BadInput, BadVolume
from confgen.options import BY_NAME, OPTIONS, Sort, settings
from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.problem import Problem
    from confgen.report import Report
    from confgen.toml import Said

#: Where a file is looked for that nobody named.
PLACES = (Path("confgen.toml"), Path("/etc/confgen/confgen.toml"))
#: What `watch` leaves in the shared folder: the file that it last took, for commands that find a broken one.
TAKEN = "settings.json"
#: These look at what runs, or tell of it: a mistake in the file must not stop them, since it does not stop `watch`.
_LOOKING = frozenset({"status", "explain", "doctor", "plan", "drain", "undrain", "history", "rollback", "health"})
_META, _DIRECTORY = "confgen.config", "confgen.directory"


@dataclass(frozen=True, slots=True)
class Found:
    """The file of a command: what it says, and what is wrong with it where what was taken last stands in.

    near: nobody named it, it lies in the folder that the command was called in.
    """

    file: Path | None = None
    text: str = ""
    said: Mapping[str, Said] | None = None
    error: BadInput | None = None
    near: bool = False

    @property
    def values(self) -> dict[str, Any]:
        return {name: one.value for name, one in (self.said or {}).items()}


class _Config(click.Option):
    """Comes before the others, and may need the shared folder that one of them names."""

    def handle_parse_result(self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]) -> tuple[Any, list[str]]:
        ctx.meta[_DIRECTORY] = opts.get("directory")
        return super().handle_parse_result(ctx, opts, args)


def option(command: Any) -> Any:
    """--config, which gives to the other options what the file says."""
    return click.option(
        "--config",
        cls=_Config,
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="CONFGEN_CONFIG",
        show_envvar=True,
        is_eager=True,  # before the others, which ask for what it says
        expose_value=False,
        callback=_load,
        help="A file of settings; else ./confgen.toml or /etc/confgen/confgen.toml, where there is one.",
    )(command)


def _load(ctx: click.Context, _: click.Parameter, named: Path | None) -> None:
    if ctx.resilient_parsing:
        return  # the shell completes a line: no file is read for that
    try:
        found = _read(named)
    except BadInput as error:
        last = _taken_last(ctx.meta[_DIRECTORY]) if ctx.info_name in _LOOKING else None
        if last is None:
            raise
        click.echo(f"confgen: {error.message}; what was taken last holds. {error.hint}", err=True)
        found = Found(last.file, last.text, last.said, error)
    ctx.meta[_META] = found
    ctx.default_map = found.values


def found() -> Found:
    """The file of the command that runs."""
    return click.get_current_context().meta.get(_META, Found())  # type: ignore[no-any-return]


def problems() -> tuple[Problem, ...]:
    """What is wrong with the file, where the command goes on with what was taken last."""
    from confgen.toml import misread

    error = found().error
    return (misread(error),) if error else ()


def given_or_said(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options of a command say, and what the file says of those that no command has."""
    said = {name: value for name, value in found().values.items() if not BY_NAME[name].flags}
    return {**said, **{name: value for name, value in given.items() if name in BY_NAME}}


def _read(named: Path | None, near: bool = False) -> Found:
    from confgen.toml import parse

    file = named or next((place for place in PLACES if place.is_file()), None)
    near = near or (named is None and file == PLACES[0])
    if file is None:
        return Found()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadInput(f"{file}: there is no such file", "mount it, or leave --config and CONFGEN_CONFIG out") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {_words(error)}", "confgen's user has to be able to read it, as UTF-8") from error
    said = parse(text, file)
    for option in OPTIONS:
        if near and option.runs and option.name in said:
            place = said[option.name].place
            raise BadInput(f"{place}: {option.key} has something run, and nobody named this file", f"name it: --config {file}")
        if option.name in said and option.kind.there:
            _all_there(said[option.name], option.key, file=option.kind.sort is Sort.FILE)
    return Found(file, text, said, near=near)


def _words(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "it failed") if isinstance(error, OSError) else "it is not UTF-8 text"


def _all_there(said: Said, key: str, *, file: bool) -> None:
    for path in said.value if isinstance(said.value, tuple) else (said.value,):
        if not (path.is_file() if file else path.is_dir()):
            what = "file" if file else "folder"
            raise BadInput(f"{said.place}: {key}: there is no {what} {path}", "make it, mount it, or take the line out")


def _taken_last(directory: str | None) -> Found | None:
    """What `watch` took last, by what it left in the shared folder; None where nothing is there.

    directory: the folder of --directory, None where it was not given.
    """
    import os

    from confgen.observe.health import folders
    from confgen.toml import parse

    for folder in folders(Path(directory or os.environ.get("CONFGEN_DIR") or Settings().directory)):
        with suppress(ValueError, KeyError, TypeError, BadInput):
            data = json.loads(folder.recall(TAKEN))
            file, text = Path(data["file"]), str(data["text"])
            # The proxies may write there too: what has something run is not taken from it.
            return Found(file, text, {name: one for name, one in parse(text, file).items() if not BY_NAME[name].runs})
    return None


class Rereads:
    """The settings of a running `watch`, again and again: what was given on the command line and in the environment stays."""

    def __init__(self, given: Mapping[str, Any], directory: Path) -> None:
        context = click.get_current_context()
        free = (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
        fixed = {name: value for name, value in given.items() if context.get_parameter_source(name) not in free}
        self._fixed = {name: value for name, value in fixed.items() if name in BY_NAME}
        self._directory = directory
        self._taken = self._read = found()
        self._left = ""

    @property
    def file(self) -> Path | None:
        return self._taken.file

    def settings(self) -> Settings:
        """As they are now.  Raises ConfgenError; what was taken last is what holds then."""
        self._read = _read(self.file, self._taken.near)
        return settings({**self._read.values, **self._fixed})

    def took(self) -> None:
        """What was read last holds from now on."""
        self._taken = self._read

    def tell(self, report: Report) -> None:
        """Leaves in the shared folders what was taken last."""
        from confgen.observe.health import folders

        text = json.dumps({"file": str(self.file and self.file.absolute()), "text": self._taken.text})
        if self.file is None or text == self._left:
            return
        self._left = text
        for folder in folders(self._directory):
            with suppress(BadVolume):  # told where the generation could not be written
                folder.remember(TAKEN, text.encode())
