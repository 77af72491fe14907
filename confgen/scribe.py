"""Keeps one output right: rendered apart, checked, put in its place whole, and told to whoever reads it.

A crash between the new file and the end of the program that is run for it must not lose that run: a small hidden file beside
the output says that it is due, from before the rename until it has succeeded.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from confgen import facts, settle
from confgen.apart import renderer
from confgen.build import build
from confgen.contents import contents, why
from confgen.errors import ConfgenError, NotApplied
from confgen.offer import Vantage
from confgen.output import Output
from confgen.policy import Policy
from confgen.render import Renders
from confgen.report import OutputReport
from confgen.settings import Settings
from confgen.sources.users import read_users
from confgen.state import State
from confgen.targets.folder import Folder
from confgen.want import read_policy

#: For each program, in seconds; and how much of what it says is kept, in bytes.
DEADLINE, _KEPT = 30.0, 2000
_LOOK = 0.05
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Order:
    """All that one output follows from.  edition: another number where templates or settings are others."""

    output: Output
    state: State
    settings: Settings
    policy: Policy | None = None
    edition: int = 0


@dataclass(frozen=True, slots=True)
class _Recipe:
    template: str
    path: str


class Scribe:
    """For one output; not for more than one thread at once.  told: called when its report has become another."""

    def __init__(self, told: Callable[[], None] = lambda: None, deadline: float = DEADLINE) -> None:
        self._told = told
        self._deadline = deadline
        self._stopped = False
        self._renders: Renders | None = None
        self._made_for: tuple[object, ...] = ()
        self._edition = 0
        self._text: tuple[Order, bytes] | None = None
        self._failed: tuple[Order, float] | None = None
        self._failures = self._writes = 0
        self.report: OutputReport | None = None

    def keep(self, order: Order) -> float | None:
        """Brings the file to what the state asks for; seconds until it is to be tried again, None when all is right."""
        if self._failed and self._failed[0] == order and time.monotonic() < self._failed[1]:
            return self._failed[1] - time.monotonic()
        before, error = self.report, None
        try:
            self._keep(order)
        except ConfgenError as failed:
            error = failed
        self.report = OutputReport(name=order.output.name, to=str(order.output.to), writes=self._writes, error=error)
        if before is None or (before.writes, str(before.error)) != (self._writes, str(error)):
            self._told()
        if error:
            return self._again(order)
        self._failed, self._failures = None, 0
        return None

    def stop(self) -> None:
        """Whatever is being run is ended; for any thread."""
        self._stopped = True

    def close(self) -> None:
        if self._renders:
            self._renders.close()
            self._renders = None

    def _again(self, order: Order) -> float:
        self._failures += 1
        pause = settle.backoff(self._failures, order.settings.pace)
        self._failed = (order, time.monotonic() + pause)
        return pause

    def _keep(self, order: Order) -> None:
        """Raises ConfgenError."""
        output, text = order.output, self.text(order)
        if _there(output.to) != text:
            self._replace(output, text)
            self._writes += 1
        if _due(output).exists():
            self._run(output)

    def text(self, order: Order) -> bytes:
        """What the file should hold.  Raises BadTemplate."""
        if self._text is None or self._text[0] != order:
            self._text = None
            renders = self._renderer(order)
            candidate = renders.render((_Recipe(order.output.template.name, order.output.name),), view(order))
            self._text = (order, candidate.files[0][1])
        return self._text[1]

    def _renderer(self, order: Order) -> Renders:
        made_for = (order.output.template.parent, order.settings.filters)
        if self._renders and made_for != self._made_for:
            self.close()
        if self._renders is None:
            self._made_for = made_for
            self._renders = renderer((order.output.template.parent,), facts.FILTERS, own=order.settings.filters)
        elif order.edition != self._edition:
            self._renders.forget()
        self._edition = order.edition
        return self._renders

    def _replace(self, output: Output, text: bytes) -> None:
        """Whole or not at all, and only what its check has taken."""
        folder = Folder(output.to.parent)

        def before(new: Path) -> None:
            with suppress(FileNotFoundError):
                new.chmod(output.to.stat().st_mode & 0o777)
            proven(output, new, self._said)
            if output.run:
                folder.remember(_due(output).name, b"it has not been run yet")

        folder.remember(output.to.name, text, before)

    def _said(self, argv: tuple[str, ...], what: str) -> None:
        said(argv, what, self._deadline, lambda: self._stopped)

    def _run(self, output: Output) -> None:
        """Raises NotApplied, and the run stays due."""
        folder, due = Folder(output.to.parent), _due(output).name
        try:
            if output.run:
                self._said(output.run, f"output {output.name}: the file is in its place, and {output.run[0]} failed")
        except NotApplied as error:
            folder.remember(due, error.message.encode())
            raise
        folder.forget(due)


def inspected(state: State, settings: Settings) -> tuple[OutputReport, ...]:
    """How each output stands; nothing is written and nothing is run."""
    policy = read_policy(settings)
    return tuple(inspect(Order(output, state, settings, policy)) for output in settings.outputs)


def texts(state: State, settings: Settings) -> dict[Output, bytes]:
    """What each output should hold.  Raises BadTemplate."""
    policy, found = read_policy(settings), {}
    for output in settings.outputs:
        with closing(Scribe()) as scribe:
            found[output] = scribe.text(Order(output, state, settings, policy))
    return found


def inspect(order: Order) -> OutputReport:
    """How an output stands; nothing is written and nothing is run."""
    output, error = order.output, None
    with closing(Scribe()) as scribe:
        try:
            text = scribe.text(order)
        except ConfgenError as failed:
            error = failed
        else:
            error = _amiss(output, text)
    return OutputReport(name=output.name, to=str(output.to), error=error)


def _amiss(output: Output, text: bytes) -> ConfgenError | None:
    if _there(output.to) != text:
        return NotApplied(f"output {output.name}: {output.to} is not what is wanted", "is `confgen watch` running?")
    due = _there(_due(output))
    return None if due is None else NotApplied(due.decode("utf-8", "replace"), "`confgen watch` tries it again by itself")


def view(order: Order) -> dict[str, object]:
    """What the template gets."""
    settings = order.settings
    users = read_users(settings.users)
    built = build(order.state, Vantage(None), settings.labels, settings.frame, policy=order.policy, users=users)
    return facts.view(order.state, built.model)


def proven(output: Output, new: Path, ask: Callable[[tuple[str, ...], str], None] | None = None) -> None:
    """Raises NotApplied when the output's own check says no."""
    if output.check:
        (ask or said)((*output.check, str(new)), f"output {output.name}: {output.check[0]} refuses the new text")


def said(argv: tuple[str, ...], what: str, deadline: float = DEADLINE, stopped: Callable[[], bool] = lambda: False) -> None:
    """Runs a program, with no shell and nothing of our environment.  Raises NotApplied with its words where it fails."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own words, of a file that they named
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", _PATH)},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise NotApplied(
            f"{what}: {argv[0]} cannot be run: {why(error)}", "install it, or name it with its whole path"
        ) from error
    words, code = _heard(process, deadline, stopped)
    if code != 0:
        ended = f"was not done after {deadline:g} s" if code is None else f"code {code}"
        raise NotApplied(f"{what} ({ended}): {words or 'it said nothing'}", "it is tried again by itself")


def _heard(process: subprocess.Popen[bytes], deadline: float, stopped: Callable[[], bool]) -> tuple[str, int | None]:
    """The end of what it says, and its exit code, None where it had to be ended.

    Whom it leaves behind with its output open is not waited for.
    """
    until, heard = time.monotonic() + deadline, b""
    assert process.stdout is not None
    with process.stdout as pipe:
        while time.monotonic() < until and not stopped():
            ended = process.poll() is not None
            speaks = select.select([pipe], [], [], 0 if ended else _LOOK)[0]
            part = os.read(pipe.fileno(), 1 << 16) if speaks else b""
            heard = (heard + part)[-_KEPT:]
            if ended and not part:
                break
            if speaks and not part:
                time.sleep(_LOOK)  # it has closed its output, and goes on
        code = process.poll()
        if code is None:  # and only then is the pipe closed: one that still speaks would end by that, with a code of its own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return heard.decode("utf-8", "replace").strip(), code


def _due(output: Output) -> Path:
    return output.to.with_name(f".due.{output.to.name}")


def _there(file: Path) -> bytes | None:
    """What stands in a file, None where there is none that can be read."""
    try:
        return contents(file)
    except OSError:
        return None
