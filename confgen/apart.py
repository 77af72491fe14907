"""Rendering in a process apart: an operator's template or filter that has no end costs that process, not confgen.

Jinja's sandbox bounds neither time nor memory.  The shipped templates need no bound, and no second process.

The child reads one pickle for each request from confgen, which made it, and answers with one line of JSON: nothing that
a template could influence is ever unpickled.  It has no descriptor but its socket and stderr, and nothing of the
environment but what Python needs to start.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from confgen.errors import BadTemplate, Stopped
from confgen.filters import load
from confgen.render import MARKED, NONE, NOTHING, Candidate, Recipe, Renderer, Renders, TooLong, seal

#: How long a new child may take until it is ready, in seconds: 0.1 on an idle machine.
_START = 30.0
_READY = b"\n"
#: After its limit the child tells the template's line, if it hears at all: it may compute so much longer, and is waited for
#: so much longer, since a busy machine may let it wait.
_DEAF, _GRACE = 1.0, 5.0
#: Between two looks whether confgen is being stopped, in seconds.
_GLANCE = 0.1
#: So many bytes a character of text can take in the child's answer.
_ESCAPED = 8
_NEEDED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
_MAIN = "from confgen.apart import serve; serve()"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one set of files.  seconds: to render it.  text: its characters.  memory: bytes of address space of the child.

    The shipped templates and 5,000 routes take 0.5 s, 1.7 MB of text and 55 MB (measured).
    """

    seconds: float = 10.0
    text: int = 16 << 20
    memory: int = 256 << 20


LIMITS = Limits()


def renderer(
    folders: tuple[Path, ...],
    filters: Mapping[str, Callable[..., str]],
    stopped: Callable[[], bool] = lambda: False,
    own: Path | None = None,
) -> Renders:
    """What renders these templates: in this process where they are the shipped ones alone, else in one apart.

    own: a Python file of more filters.
    """
    return Apart(folders, filters, stopped, LIMITS, own) if folders or own else Renderer((), filters)


class Apart:
    """A Renderer in a process of its own, started when it is first needed, and anew when it had to be ended.

    stopped: whether confgen is being stopped, which waits for nobody.  Not for more than one thread.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        filters: Mapping[str, Callable[..., str]],
        stopped: Callable[[], bool],
        limits: Limits,
        own: Path | None = None,
    ) -> None:
        self._folders, self._filters, self._own = folders, dict(filters), own
        self._stopped = stopped
        self._limits = limits
        self._child: _Child | None = None
        self._stale = False

    def render(self, recipes: tuple[Recipe, ...], view: Mapping[str, object], beside: Mapping[str, bytes] = NOTHING) -> Candidate:
        """As Renderer.render.  Raises BadTemplate too where a limit is exceeded, Stopped when confgen is being stopped."""
        return seal(recipes, self._texts(recipes, view, marked=False), beside)

    def marked(self, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> list[str]:
        return self._texts(recipes, view, marked=True)

    def _texts(self, recipes: tuple[Recipe, ...], view: Mapping[str, object], *, marked: bool) -> list[str]:
        try:
            answer = self._ask(recipes, view, marked)
        except (OSError, EOFError, ValueError) as error:
            raise self._ended(error) from error
        finally:
            self._stale = False
        if "texts" not in answer:
            raise BadTemplate(answer["message"], answer["hint"])
        texts: list[str] = answer["texts"]
        return texts

    def forget(self) -> None:
        if self._own:
            self.close()  # what a Python file has done to its process stays done
        self._stale = True

    def close(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def _ask(self, recipes: tuple[Recipe, ...], view: Mapping[str, object], marked: bool) -> dict[str, Any]:
        if self._child is None:
            self._child = _Child()
            self._child.tell((self._folders, self._filters, self._own, self._limits))
            self._child.hear(_START, len(_READY), self._stopped)
        self._child.tell((self._stale, marked, recipes, view))
        most = _ESCAPED * self._limits.text * (MARKED if marked else 1)
        answer: dict[str, Any] = json.loads(self._child.hear(self._limits.seconds + _GRACE, most, self._stopped))
        return answer

    def _ended(self, error: Exception) -> BadTemplate:
        code = self._child.end() if self._child else 0
        self._child = None
        if isinstance(error, TimeoutError) or code == -signal.SIGVTALRM:
            why = f"it was not done after {self._limits.seconds:g} s"
        else:
            why = f"its process ended ({signal.strsignal(-code) if code < 0 else f'code {code}'}); is it short of memory?"
        given = ", ".join(map(str, (*self._folders, *((self._own,) if self._own else ()))))
        return BadTemplate(
            f"rendering with {given} failed: {why}",
            "mend the template that was changed last, or take it away; the last good text stays live",
        )


class _Child:
    """The process, and our end of its socket."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this very Python
                (sys.executable, "-P", "-c", _MAIN),  # nothing is imported from the folder that confgen was called in
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _NEEDED if name in os.environ},
            )

    def tell(self, what: object) -> None:
        self._socket.settimeout(_START)
        self._socket.sendall(pickle.dumps(what, pickle.HIGHEST_PROTOCOL))

    def hear(self, seconds: float, most: int, stopped: Callable[[], bool]) -> bytes:
        """One line, of so many bytes at most.  Raises TimeoutError, EOFError when the child is gone, Stopped."""
        until = time.monotonic() + seconds
        heard = bytearray()
        self._socket.settimeout(_GLANCE)
        while not heard.endswith(b"\n"):
            if stopped():
                raise Stopped
            if time.monotonic() > until or len(heard) > most:
                raise TimeoutError
            try:
                part = self._socket.recv(1 << 20)
            except TimeoutError:
                continue
            if not part:
                raise EOFError
            heard += part
        return bytes(heard)

    def end(self) -> int:
        """Ends it at once; its exit code."""
        self._socket.close()
        self._process.kill()
        return self._process.wait()


def serve() -> None:
    """The child: renders what it is asked for on its stdin, a socket, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it is meant for confgen
    with socket.socket(fileno=os.dup(0)) as line, line.makefile("rb") as requests:
        _shut_stdin()
        folders, filters, own, limits = pickle.load(requests)  # noqa: S301 - from confgen itself
        _bound(limits)
        line.sendall(_READY)
        made: list[Renderer] = []

        def texts(stale: bool, marked: bool, recipes: tuple[Recipe, ...], view: Mapping[str, object]) -> list[str]:
            if not made:
                made.append(Renderer(folders, filters, limits.text, own=load(own, filters) if own else NONE))
            if stale:
                made[0].forget()
            return made[0].marked(recipes, view) if marked else made[0].texts(recipes, view)

        while requests.peek(1):
            asked = pickle.load(requests)  # noqa: S301 - from confgen itself
            line.sendall(json.dumps(_answer(partial(texts, *asked), limits)).encode() + b"\n")


def _shut_stdin() -> None:
    """So that a filter that reads there finds an end, and not what confgen says."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _bound(limits: Limits) -> None:
    """What holds for the whole life of the process, and what it does when a time is up."""

    def too_long(*_signal: object) -> None:
        raise TooLong(f"it is not done after {limits.seconds:g} s; is there a loop without end?")

    signal.signal(signal.SIGALRM, too_long)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = limits.memory if hard == resource.RLIM_INFINITY else min(limits.memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _answer(texts: Callable[[], list[str]], limits: Limits) -> dict[str, object]:
    _alarm(limits.seconds)
    try:
        return {"texts": texts()}
    except BadTemplate as error:
        return {"message": error.message, "hint": error.hint}
    finally:
        _alarm(0)


def _alarm(seconds: float) -> None:
    """The first timer tells the line; the second ends a process that computes and hears nothing, even if confgen is gone."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds + _DEAF if seconds else 0)
