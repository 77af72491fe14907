"""What the commands share: options, the settings made of them, the sources, the exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen import __version__
from confgen.errors import UsageError
from confgen.settings import Frame, LabelSettings, Settings

if TYPE_CHECKING:
    from confgen.sources.source import Source


#: Exit codes beside those in errors.py.
FINE, PROBLEMS, CHANGES, USAGE, BUG = 0, 1, 2, 64, 70
#: How many seconds old the last look of a healthy `watch` may be: a full look is due each 30 s, and may take its time.
FRESH = 75.0


def options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The named options of OPTIONS, in that order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = OPTIONS[name](command)
        return command

    return decorate


def _env(name: str) -> dict[str, Any]:
    return {"envvar": f"CONFGEN_{name}", "show_envvar": True, "show_default": True}


OPTIONS: dict[str, Callable[..., Any]] = {
    "proxy": click.option("--proxy", type=click.Choice(["nginx", "haproxy"]), help="What to render for, where no proxy is there to be asked.", **_env("PROXY")),
    "proxy_version": click.option("--proxy-version", default="", help="Its version, as 1.30 or 3.2; if not given, that of its image's tag in a compose file, else the newest known.", **_env("PROXY_VERSION")),
    "templates": click.option("--templates", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
                              help="A folder whose files shadow the shipped templates.", **_env("TEMPLATES")),
    "directory": click.option("--directory", default="/confgen", type=click.Path(path_type=Path), help="The shared folder.", **_env("DIR")),
    "engine": click.option("--engine", default="", help="URL of the engine; DOCKER_HOST or the default socket if not given.", **_env("ENGINE")),
    "target": click.option("--target", default="", help="container:NAME, process or dir:PATH; else the containers labelled confgen.proxy.", **_env("TARGET")),
    "prefix": click.option("--prefix", default="confgen", help="What every label starts with.", **_env("PREFIX")),
    "require_enable": click.option("--require-enable", is_flag=True, help='Look only at containers labelled confgen.enable: "true".', **_env("REQUIRE_ENABLE")),
    "http_port": click.option("--http-port", default=80, type=click.IntRange(1, 65535), help="Port of the HTTP listener.", **_env("HTTP_PORT")),
    "https_port": click.option("--https-port", default=443, type=click.IntRange(1, 65535), help="Port of the HTTPS listener.", **_env("HTTPS_PORT")),
    "ipv6": click.option("--ipv6/--no-ipv6", default=True, help="Listen on IPv6 too.", **_env("IPV6")),
    "access_log": click.option("--access-log", default="text", type=click.Choice(["text", "json", "off"]), help="The proxy's access log.", **_env("ACCESS_LOG")),
    "policy": click.option("--policy", type=click.Path(dir_okay=False, path_type=Path), help="A file that grants hosts and ports to owners.",
                           **_env("POLICY")),
    "certificates": click.option("--certificates", type=click.Path(file_okay=False, path_type=Path),
                                 help="A folder of certificates with their keys, for https.", **_env("CERTIFICATES")),
    "users": click.option("--users", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of users files, as htpasswd writes them.",
                          **_env("USERS")),
    "allow_exec": click.option("--allow-exec", is_flag=True,
                               help="Test and reload through the engine's exec (needs write access to the engine).", **_env("ALLOW_EXEC")),
    "listen": click.option("--listen", default="", help="Address and port for /healthz and /metrics, as :9180; none if not given.", **_env("LISTEN")),
    "log_format": click.option("--log-format", default="text", type=click.Choice(["text", "json"]), help="Format of confgen's own log.", **_env("LOG_FORMAT")),
    "verbose": click.option("-v", "--verbose", is_flag=True, help="Tell every turn."),
    "quiet": click.option("-q", "--quiet", is_flag=True, help="Tell only what is wrong."),
    "json": click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
}  # fmt: skip

LOOK = ("engine", "target", "proxy", "directory", "prefix", "require_enable", "policy", "certificates", "users")
TEXT = ("proxy_version", "templates", "http_port", "https_port", "ipv6", "access_log")
LOG = ("log_format", "verbose", "quiet")
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


def settings_from(given: dict[str, Any]) -> Settings:
    """Settings from the options that a command has; the others keep their defaults."""
    frame = {name: given[name] for name in ("http_port", "https_port", "ipv6", "access_log") if name in given}
    if frame.get("http_port", 80) == frame.get("https_port", 443):
        raise UsageError("--http-port and --https-port are the same", "give each listener a port of its own")
    labels = {name: given[name] for name in ("prefix", "require_enable") if name in given}
    rest = {
        name: given[name]
        for name in ("directory", "target", "proxy_version", "engine", "allow_exec", "policy", "certificates", "users")
        if name in given
    }
    return Settings(
        frame=Frame(**frame),
        labels=LabelSettings(**labels),
        proxy=given.get("proxy") or "",
        templates=tuple(given.get("templates", ())),
        **rest,
    )


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


class _Group(click.Group):
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

    source: Source = FileSource(files) if files else engine(settings)
    return State.of((source.snapshot(),))


def proxies(settings: Settings) -> Iterator[tuple[Any, Any, Any]]:
    """The engine's proxies, each with the state around it."""
    from confgen.loop import Loop
    from confgen.seats import nobody, seats

    loop = Loop(settings, (engine(settings),))
    state = loop.look()
    found, problems = seats(state, settings)
    if not found:
        hints = [f"{p.origin}: {p.message}; {p.hint}" for p in sorted(problems)[:3]]
        raise UsageError("no proxy container is running", "\n  ".join(hints) or nobody(settings))
    for seat in found:
        yield loop, seat, state
