"""The command line: options become Settings, errors become exit codes.  Imports stay inside the commands that need them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen import __version__
from confgen.errors import ConfgenError, UsageError
from confgen.settings import Frame, LabelSettings, Settings

if TYPE_CHECKING:
    from confgen.loop import Loop
    from confgen.report import Report, SeatReport
    from confgen.sources.source import Source
    from confgen.want import Offline, Wanted

#: Exit codes beside those in errors.py.
FINE, PROBLEMS, CHANGES, USAGE, BUG = 0, 1, 2, 64, 70


def main() -> None:
    """The entry point: every error becomes a message and an exit code; anything unforeseen is a bug, told as one."""
    try:
        sys.exit(cli.main(standalone_mode=False) or FINE)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE if isinstance(error, click.UsageError) else error.exit_code)
    except BrokenPipeError:
        # The reader of stdout has seen enough; Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FINE)
    except ConfgenError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("confgen: this is a bug, please report it with the lines above", err=True)
        sys.exit(BUG)


def _complain(error: ConfgenError) -> None:
    click.echo(f"confgen: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)


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
    "proxy_version": click.option("--proxy-version", default="", help="Its version, as 1.30 or 3.2; the newest known if not given.", **_env("PROXY_VERSION")),
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
    "allow_exec": click.option("--allow-exec", is_flag=True,
                               help="Test and reload through the engine's exec (needs write access to the engine).", **_env("ALLOW_EXEC")),
    "log_format": click.option("--log-format", default="text", type=click.Choice(["text", "json"]), help="Format of confgen's own log.", **_env("LOG_FORMAT")),
    "verbose": click.option("-v", "--verbose", is_flag=True, help="Tell every turn."),
    "quiet": click.option("-q", "--quiet", is_flag=True, help="Tell only what is wrong."),
    "json": click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
}  # fmt: skip

_LOOK = ("engine", "target", "proxy", "directory", "prefix", "require_enable", "policy")
_TEXT = ("proxy_version", "templates", "http_port", "https_port", "ipv6", "access_log")
_LOG = ("log_format", "verbose", "quiet")
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


def settings_from(given: dict[str, Any]) -> Settings:
    """Settings from the options that a command has; the others keep their defaults."""
    frame = {name: given[name] for name in ("http_port", "https_port", "ipv6", "access_log") if name in given}
    if frame.get("http_port", 80) == frame.get("https_port", 443):
        raise UsageError("--http-port and --https-port are the same", "give each listener a port of its own")
    labels = {name: given[name] for name in ("prefix", "require_enable") if name in given}
    rest = {
        name: given[name] for name in ("directory", "target", "proxy_version", "engine", "allow_exec", "policy") if name in given
    }
    return Settings(
        frame=Frame(**frame),
        labels=LabelSettings(**labels),
        proxy=given.get("proxy") or "",
        templates=tuple(given.get("templates", ())),
        **rest,
    )


class _Group(click.Group):
    """Commands in the order in which one meets them, not in the alphabet's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="confgen")
def cli() -> None:
    """The nginx or HAProxy you already know follows your containers.

    \b
    Example: two labels route a container
      docker run -d --label confgen.host=shop.example.com --label confgen.port=8080 my/shop
    """


@cli.command()
@options(*_LOOK, *_TEXT, "allow_exec", *_LOG)
@click.option("--once", is_flag=True, help="One turn, then end; the exit code says how it went.")
def watch(once: bool, log_format: str, verbose: bool, quiet: bool, **given: Any) -> int:
    """Follow the engine and keep the proxy right, until stopped.

    \b
    Example: confgen watch --directory /confgen
    """
    from confgen.loop import Loop
    from confgen.observe.health import Pulse
    from confgen.observe.log import Teller, set_up

    set_up(log_format, -1 if quiet else 1 if verbose else 0)
    settings = settings_from(given)
    loop = Loop(settings, (_engine(settings),))
    if once:
        report = loop.turn("--once")
        Teller().tell(report)
        return _outcome(report)
    stop = threading.Event()
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # also what makes SIGTERM count for a PID 1
    threading.Thread(target=_mind_signals, args=(signals, loop, stop), daemon=True, name="confgen-signals").start()
    teller, pulse = Teller(), Pulse(settings.directory)

    def tell(report: Report) -> None:
        teller.tell(report)
        pulse.tell(report)

    loop.run(stop, tell)
    return FINE


def _mind_signals(signals: set[signal.Signals], loop: Loop, stop: threading.Event) -> None:
    """A thread of its own waits for signals, so that no handler ever interrupts code that holds a lock."""
    while signal.sigwait(signals) == signal.SIGHUP:
        loop.look_again("SIGHUP")
    stop.set()


def _engine(settings: Settings) -> Source:
    from confgen.sources.docker import DockerSource
    from confgen.sources.engine import Engine

    return DockerSource(Engine(settings.engine), settings.labels)


def _outcome(report: Report) -> int:
    errors = [seat.error for seat in report.seats if seat.error]
    if errors:
        return errors[0].exit_code
    return PROBLEMS if report.all_problems() or not report.seats else FINE


@cli.command()
@FILES
@options(*_LOOK, *_TEXT, "json")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write the files into this folder instead."
)
def render(files: tuple[Path, ...], output: Path | None, as_json: bool, **given: Any) -> int:
    """Print (or write with -o) the proxy's text for compose files, a snapshot, or what runs now.

    Several FILES are merged as compose does. Without a FILE the engine is asked. Problems go to stderr, and the exit code
    is 1 when there is one. The text for FILES serves with no confgen running.

    \b
    Example: confgen render compose.yaml --proxy haproxy --proxy-version 3.2 -o out
    """
    settings = settings_from(given)
    settings = replace(settings, frame=replace(settings.frame, followed=not files))
    places = _offline(files, settings)
    problems = False
    for place, wanted in places:
        texts = {path: content.decode() for path, content in wanted.candidate.files if path != "model.json"}
        if output:
            _write(output / place.name if len(places) > 1 else output, texts)
        else:
            _print_texts(place, wanted, texts, as_json, several=len(places) > 1)
        problems = _warn(wanted) or problems
    return PROBLEMS if problems else FINE


def _offline(files: tuple[Path, ...], settings: Settings) -> list[tuple[Offline, Wanted]]:
    """What each proxy of the files (or of the engine, without files) should serve."""
    from confgen.want import offline, want_offline

    state = _state(files, settings)
    return [(place, want_offline(state, place, settings)) for place in offline(state, settings)]


def _state(files: tuple[Path, ...], settings: Settings) -> Any:
    from confgen.sources.static import FileSource
    from confgen.state import State

    source: Source = FileSource(files) if files else _engine(settings)
    return State.of((source.snapshot(),))


def _write(folder: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        file = folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}", "name a folder that you may write to") from error
        click.echo(f"wrote {file}", err=True)


def _print_texts(place: Offline, wanted: Wanted, texts: dict[str, str], as_json: bool, several: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {"proxy": place.proxy.name, "name": place.name, "generation": wanted.candidate.generation, "files": texts},
                indent=1,
            )
        )
        return
    for path, text in texts.items():
        if len(texts) > 1 or several:
            click.echo(f"# ---- {place.name + '/' if several else ''}{path}")
        click.echo(text, nl=False)


def _warn(wanted: Wanted) -> bool:
    for problem in wanted.built.problems:
        click.echo(f"confgen: {problem}" + (f"\n  {problem.hint}" if problem.hint else ""), err=True)
    return bool(wanted.built.problems)


@cli.command()
@FILES
@options(*_LOOK, *_TEXT)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
def check(files: tuple[Path, ...], style: str, **given: Any) -> int:
    """Check labels, the rendered structure, and the proxy's own test; nothing is changed.

    The proxy's own test runs where its program is installed here; else the answer says that it did not run.

    \b
    Example: confgen check compose.yaml --proxy nginx
    """
    from confgen.check import check as checked

    settings = settings_from(given)
    results = checked(_state(files, settings), settings)
    if style == "json":
        from confgen.codec import encode

        click.echo(json.dumps([encode(result) for result in results], indent=1))
    else:
        for result in results:
            for line in result.lines():
                click.echo(line)
    return FINE if all(result.ok for result in results) else PROBLEMS


@cli.command()
@FILES
@options(*_LOOK, *_TEXT, "json")
def plan(files: tuple[Path, ...], as_json: bool, **given: Any) -> int:
    """What would change against what is live, and what it takes: nothing, a runtime change, or a reload.

    The exit code is 2 when something would change, 1 when there are Problems and nothing would change.

    \b
    Example: confgen plan
    """
    from confgen.codec import encode

    settings = settings_from(given)
    seats = _planned(files, settings)
    if as_json:
        click.echo(json.dumps([{"seat": name, **_json_plan(wanted, encode)} for name, wanted in seats], indent=1))
    for name, wanted in seats:
        if not as_json:
            click.echo(f"{name}: {_plan_line(wanted)}")
            for change in wanted.plan.changes:
                click.echo(f"  {change}")
    if any(wanted.plan.changes for _, wanted in seats):
        return CHANGES
    return PROBLEMS if [p for _, wanted in seats for p in wanted.built.problems] else FINE


def _planned(files: tuple[Path, ...], settings: Settings) -> list[tuple[str, Wanted]]:
    """What is wanted, with its way from what is live: of files against the folder, else of the engine's proxies."""
    from confgen.targets.folder import Folder
    from confgen.want import live_model, offline, want_offline

    if files:
        state, live = _state(files, settings), live_model(Folder(settings.directory))
        return [(place.name, want_offline(state, place, settings, live)) for place in offline(state, settings)]
    return [(seat.name, loop.keeper(seat).want(seat, state)) for loop, seat, state in _live(settings)]


def _live(settings: Settings) -> Iterator[tuple[Any, Any, Any]]:
    """The engine's proxies, each with the state around it."""
    from confgen.loop import Loop
    from confgen.seats import seats

    loop = Loop(settings, (_engine(settings),))
    state = loop.look()
    found, problems = seats(state, settings)
    if not found:
        hint = str(problems[0]) if problems else "label one with confgen.proxy=nginx or confgen.proxy=haproxy"
        raise UsageError("no proxy container is running", hint)
    for seat in found:
        yield loop, seat, state


def _json_plan(wanted: Wanted, encode: Callable[[object], object]) -> dict[str, object]:
    return {
        "generation": wanted.candidate.generation,
        "impact": wanted.plan.impact.name.lower(),
        "reason": wanted.plan.reason,
        "changes": [
            {"verb": c.verb, "path": c.path, "before": encode(c.before), "after": encode(c.after)} for c in wanted.plan.changes
        ],
    }


def _plan_line(wanted: Wanted) -> str:
    if not wanted.plan.changes:
        return "nothing to change"
    from confgen.problem import count

    return f"{count(len(wanted.plan.changes), 'change')}, {wanted.plan.impact.name.lower()}" + (
        f": {wanted.plan.reason}" if wanted.plan.reason else ""
    )


@cli.command()
@options(*_LOOK, *_TEXT, "json")
def status(as_json: bool, **given: Any) -> int:
    """What is live: generation, routes, pools, servers and their states, Problems.

    \b
    Example: confgen status --json > snapshot.json
    """
    from confgen.observe.status import as_data, show

    report, state = _look(settings_from(given))
    if as_json:
        click.echo(json.dumps(as_data(report, state), indent=1))
    else:
        show(report)
    return PROBLEMS if report.all_problems() or report.failed else FINE


def _look(settings: Settings) -> tuple[Report, Any]:
    """One look at the engine and its proxies, that changes nothing."""
    from confgen.report import Report

    seats, state = [], None
    for loop, seat, found in _live(settings):
        seats.append(loop.keeper(seat).inspect(seat, found))
        state = found
    return Report(woken="look", instances=len(state.instances) if state else 0, seats=tuple(seats)), state


@cli.command()
@options("directory")
@click.option("--longest", default=75.0, show_default=True, help="How many seconds old the last look may be.")
def health(directory: Path, longest: float) -> int:
    """0 when the last look is fresh and every proxy serves what it should; for the container's HEALTHCHECK.

    \b
    Example: confgen health --directory /confgen
    """
    from confgen.observe.health import ailments

    found = ailments(directory, longest)
    for ailment in found:
        click.echo(ailment, err=True)
    return PROBLEMS if found else FINE


@cli.command()
@options("directory", "json")
def history(directory: Path, as_json: bool) -> int:
    """The generations that are kept, the newest first, and which one is live or pinned.

    \b
    Example: confgen history
    """
    from confgen.observe.status import past, show_past

    found = past(directory)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        show_past(found)
    return FINE


@cli.command()
@click.argument("generation", required=False)
@click.option("--release", is_flag=True, help="Follow the containers again.")
@options("directory")
def rollback(generation: str | None, release: bool, directory: Path) -> int:
    """Go back to a kept generation and stay there, whatever the containers do, until --release.

    Without a GENERATION it is the one before the live one. `confgen watch` has the proxy test it again before it goes
    live; `confgen status` shows the pin.

    \b
    Example: confgen rollback 5d578f50731564d6
    """
    from confgen.keep import PIN_FILE
    from confgen.targets.folder import Folder

    folder = Folder(directory)
    if release:
        folder.forget(PIN_FILE)
        click.echo("released: the proxy follows the containers again", err=True)
        return FINE
    kept = [name for name, _ in folder.history() if name != folder.live()]
    chosen = generation or (kept[0] if kept else "")
    if not chosen or chosen not in {name for name, _ in folder.history()}:
        known = ", ".join(kept) or "none but the live one"
        raise UsageError(f"there is no generation {generation or 'before the live one'} in {directory}", f"kept are: {known}")
    folder.remember(PIN_FILE, f"{chosen}\n".encode())
    click.echo(f"pinned generation {chosen}; `confgen rollback --release` follows the containers again", err=True)
    return FINE


@cli.command()
@options("proxy", "proxy_version", "http_port", "https_port", "ipv6", "access_log")
@click.option(
    "--volume", required=True, type=click.Path(file_okay=False, path_type=Path), help="The shared folder to make bootable."
)
def init(volume: Path, **given: Any) -> int:
    """Make an empty shared folder bootable: a proxy that is started with it answers 404 until confgen runs.

    Needed only where the proxy is not started by the start script, which does the same. A folder that holds a live
    generation is left alone.

    \b
    Example: confgen init --volume /confgen --proxy haproxy --proxy-version 3.2
    """
    from pathlib import PurePosixPath

    from confgen.apply import put
    from confgen.state import State
    from confgen.targets.folder import Folder
    from confgen.want import offline, want_offline

    folder, settings = Folder(volume), settings_from(given)
    if folder.live():
        click.echo(f"{volume} holds generation {folder.live()}; nothing was changed", err=True)
        return FINE
    settings = replace(settings, frame=replace(settings.frame, directory=PurePosixPath(volume.absolute())))
    wanted = want_offline(State(), offline(State(), settings)[0], settings)
    put(wanted.candidate, folder, settings.keep)
    folder.run.mkdir(exist_ok=True)
    click.echo(f"{volume} holds generation {wanted.candidate.generation}", err=True)
    return FINE


@cli.command()
@click.argument("what")
@options(*_LOOK, *_TEXT, "json")
def explain(what: str, as_json: bool, **given: Any) -> int:
    """Why a container, a host or a URL is served or not: the chain, up to the first step that fails, and the mend.

    \b
    Example: confgen explain shop-web-1
    Example: confgen explain http://shop.example.com/api
    """
    from confgen.codec import encode
    from confgen.observe.status import show_chain

    settings = settings_from(given)
    report, state = _look(settings)
    chains = [chain for seat in report.seats for chain in _chains(what, seat, state, settings)]
    if as_json:
        click.echo(json.dumps([encode(chain) for chain in chains], indent=1))
    else:
        for chain in chains:
            show_chain(chain)
    return FINE if chains and all(chain.ok for chain in chains) else PROBLEMS


def _chains(what: str, seat: SeatReport, state: Any, settings: Settings) -> Iterator[Any]:
    """By container name or id first; everything else is a host or URL."""
    from urllib.parse import urlsplit

    from confgen import explain as chain

    found = [i for i in state.instances if what == i.name or (len(what) >= 6 and i.id.startswith(what))]
    for instance in found:
        yield chain.container(instance, seat, settings.labels)
    if not found:
        url = urlsplit(what if "://" in what else f"http://{what}")
        yield chain.request(url.hostname or what, url.path or "/", seat)
