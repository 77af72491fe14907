"""The door: `python3 -m tests.bed up | down | env | run -- CMD | natives | image TAG | own | tools PACKAGE | venv | site`."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from tests.bed import compose, engine, images, natives, own, tools, venv
from tests.bed.shell import BedError, alone, cache, say, speak, together


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    speak(quiet=asked.quiet)
    command: Callable[[argparse.Namespace], int] = asked.command
    try:
        return command(asked)
    except BedError as error:
        print(f"tests.bed: {error}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.bed", description="confgen's test bed")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--quiet", action="store_true", help="tell only what goes wrong")
        sub.set_defaults(command=command)
        return sub

    add("up", _up, "have an engine, Compose, images and native proxies; the engine stays until `down`")
    add("down", _down, "end the private engine, if there is one; never any other")
    add("env", _env, "print shell exports for the engine that answers")
    sub = add("run", _run, "up, run CMD in that environment, and down again what this brought up")
    sub.add_argument("words", nargs=argparse.REMAINDER, metavar="-- CMD")
    add("natives", _natives, "only the native proxy commands (no engine); prints their folder")
    sub = add("image", _image, "have these images in the engine that answers, also those that `up` leaves out")
    sub.add_argument("tags", nargs="+", metavar="TAG")
    add("own", _own, "build confgen:latest from the checkout into the engine that answers")
    sub = add("tools", _tools, "install Debian packages that are missing, starting no service")
    sub.add_argument("packages", nargs="+", metavar="PACKAGE")
    add("venv", _venv, "have a virtual environment with the project and its tools; prints its path")
    add("site", _site, "have the environment that builds the pages as a site; prints its path")
    return parser


def _up(_: argparse.Namespace) -> int:
    with alone("bed"):
        _raise_bed()
        engine.keep()
    say("bed", 'ready; for a shell: eval "$(python3 -m tests.bed env)"')
    return 0


def _raise_bed() -> dict[str, str]:
    """Everything, and the environment in which tests find it."""
    running = engine.up()
    environment = {**running.environment, **compose.ensure()}
    images.ensure(running)
    try:
        natives.build()
    except BedError as error:
        if running.ours:
            raise
        say("natives", f"doing without, since this machine is no Debian or has no mirror: {error}")
    return {**environment, "CONFGEN_BED": str(cache())}


def _down(_: argparse.Namespace) -> int:
    with alone("bed"):
        if not engine.down():
            say("engine", "no private one is running")
    return 0


def _env(_: argparse.Namespace) -> int:
    found = engine.find()
    if not found:
        raise BedError("no engine answers", "run: python3 -m tests.bed up")
    environment = {**found.environment, **compose.environment(), "CONFGEN_BED": str(cache())}
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _run(asked: argparse.Namespace) -> int:
    command = asked.words[1:] if asked.words[:1] == ["--"] else asked.words
    if not command:
        raise BedError("run: no command given", "python3 -m tests.bed run -- pytest tests/e2e")
    # While the bed is coming up, an end asked for by `kill` is as orderly as one by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _engine_for_a_while():
        with alone("bed"):
            environment = _raise_bed()
        return _call(command, environment)


@contextlib.contextmanager
def _engine_for_a_while() -> Iterator[None]:
    """The last `run` ends the engine that a `run` started; one that `up` started, or a user's, stays."""
    try:
        with together("users"):
            yield
    finally:
        with alone("bed"):
            if engine.started_for_a_while() and not _others_use_it():
                engine.down()


def _others_use_it() -> bool:
    try:
        with alone("users", wait=False):
            return False
    except BlockingIOError:
        return True


def _call(command: list[str], environment: dict[str, str]) -> int:
    """Ctrl-C reaches the command from the terminal; SIGTERM reaches only us and is passed on. Either way we wait."""
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        process = subprocess.Popen(command, env={**os.environ, **environment})
    except OSError as error:
        raise BedError(f"running {command[0]}: {error.strerror}") from error

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _natives(_: argparse.Namespace) -> int:
    with alone("bed"):
        natives.build()
    print(natives.folder())
    return 0


def _image(asked: argparse.Namespace) -> int:
    found = engine.find()
    if not found:
        raise BedError("no engine answers", "run: python3 -m tests.bed up")
    with alone("bed"):
        images.ensure(found, asked.tags)
    return 0


def _own(_: argparse.Namespace) -> int:
    found = engine.find()
    if not found:
        raise BedError("no engine answers", "run: python3 -m tests.bed up")
    own.ensure(found)
    return 0


def _tools(asked: argparse.Namespace) -> int:
    tools.ensure_apt(*asked.packages)
    return 0


def _venv(_: argparse.Namespace) -> int:
    with alone("venv"):
        print(venv.ensure())
    return 0


def _site(_: argparse.Namespace) -> int:
    with alone("site"):
        print(venv.ensure_site())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
