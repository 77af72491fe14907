"""What the commands share: options, the settings made of them, the sources, the exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen import __version__
from confgen.cli import config
from confgen.cli.exits import Command
from confgen.errors import UsageError
from confgen.options import BY_NAME, Kind, Option, Sort, settings
from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.sources.source import Source


#: Exit codes beside those in errors.py.
FINE, PROBLEMS, CHANGES, USAGE, BUG = 0, 1, 2, 64, 70
#: How many seconds old the last look of a healthy `watch` may be: a full look is due each 30 s, and may take its time.
FRESH = 75.0


def options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Those options of the table, in that order, and --config, which may give a value to each; "json" is one too."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = _AS_JSON(command) if name == "json" else _option(BY_NAME[name])(command)
        made: Callable[..., Any] = config.option(command)
        return made

    return decorate


def _option(option: Option) -> Callable[..., Any]:
    """What click makes of a row of the table; "" and () are its None, so that a default is not checked as a value."""
    given: dict[str, Any] = {"help": option.means}
    if option.variable:
        given |= {"envvar": option.variable, "show_envvar": True}
    if option.kind.sort is Sort.FLAG:
        given |= {"is_flag": True, "default": option.default, "show_default": option.default}
    else:
        given |= {"type": _type(option.kind), "multiple": option.kind.many}
        if option.default:
            given |= {"default": str(option.default), "show_default": True}
    decorate: Callable[..., Any] = click.option(*option.flags, option.name, **given)
    return decorate


def _type(kind: Kind) -> Any:
    if kind.words:
        return click.Choice(kind.words)
    match kind.sort:
        case Sort.NUMBER:
            return click.IntRange(kind.least, kind.most)
        case Sort.FILE:
            return click.Path(dir_okay=False, exists=kind.there, path_type=Path)
        case Sort.FOLDER:
            return click.Path(file_okay=False, exists=kind.there, path_type=Path)
    return str


_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")

LOOK = ("engine", "target", "proxy", "directory", "prefix", "require_enable", "policy", "certificates", "users")
#: Where it counts what an operator approved, too.
LIVE = (*LOOK, "expect")
TEXT = ("proxy_version", "templates", "snippets", "http_port", "https_port", "ipv6", "access_log")
LOG = ("log_format", "verbose", "quiet")
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


def settings_from(given: dict[str, Any]) -> Settings:
    """Settings from the options that a command has and from confgen.toml; the others keep their defaults."""
    return settings(config.given_or_said(given))


#: The commands as one meets them, not as the alphabet has them.
_ORDER = (
    "watch",
    "render",
    "check",
    "plan",
    "explain",
    "status",
    "doctor",
    "drain",
    "undrain",
    "history",
    "rollback",
    "templates",
    "health",
    "init",
)


class _Inner(click.Group):
    command_class = Command


class _Group(_Inner):
    group_class = _Inner

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.commands, key=_ORDER.index)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="confgen")
def cli() -> None:
    """The nginx or HAProxy you already know follows your containers.

    \b
    Example: two labels route a container
      docker run -d --label confgen.host=shop.example.com --label confgen.port=8080 my/shop
    """


def engine(settings: Settings) -> Source:
    from confgen.sources.docker import DockerSource
    from confgen.sources.engine import Engine

    return DockerSource(Engine(settings.engine), settings.labels)


def read(files: tuple[Path, ...], settings: Settings) -> Any:
    from confgen.sources.static import FileSource
    from confgen.state import State

    source: Source = FileSource(files, prefix=settings.labels.prefix) if files else engine(settings)
    return State.of((source.snapshot(),))


def proxies(settings: Settings) -> Iterator[tuple[Any, Any, Any]]:
    """The engine's proxies, each with the state around it.  Raises UsageError where there is none."""
    loop, state, found = at_work(replace(settings, outputs=()))
    for seat in found:
        yield loop, seat, state


def at_work(settings: Settings) -> tuple[Any, Any, Any]:
    """A loop, what the engine says, and its proxies.  Raises UsageError where there is neither a proxy nor an output."""
    from confgen.loop import Loop
    from confgen.seats import nobody, seats

    loop = Loop(settings, (engine(settings),))
    state = loop.look()
    found, problems = seats(state, settings)
    if not found and not settings.outputs:
        hints = [f"{p.origin}: {p.message}; {p.hint}" for p in sorted(problems)[:3]]
        raise UsageError("no proxy container is running", "\n  ".join(hints) or nobody(settings))
    return loop, state, found
