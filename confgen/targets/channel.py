"""The start script's control channel: requests through a FIFO in the shared folder, each answer a file beside it.

Costs no engine call, needs no write access to the engine, and the test runs in the proxy's own container, with its own
binary and its own keys.  See templates/nginx/start.sh and templates/haproxy/start.sh for the other end.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import select
import socket as sockets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from confgen.errors import TargetUnavailable
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command

#: Pause between two looks for an answer, in seconds: short against the test itself (12 to 20 ms); and its share of the time
#: that has passed, where a test takes longer.
_PAUSE, _SHARE = 0.002, 0.1


@dataclass(frozen=True, slots=True)
class ChannelTarget:
    """A proxy that was started by our start script, in a container or on the host."""

    name: str
    folder: Folder
    view: PurePosixPath

    def run(self, command: Command, deadline: float) -> Answer:
        request = secrets.token_hex(8)
        with self._sent(" ".join(part for part in (request, command.verb, command.argument) if part) + "\n") as reader:
            text = self._answered(self.folder.run / f"answer.{request}", command, deadline, reader)
        return _read(text, self.name, command)

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        return talk(self.name, self.folder.run / socket, request, deadline)

    @contextmanager
    def _sent(self, line: str) -> Iterator[_Reader]:
        """Sends a request; while this lasts one sees whether its reader is still there."""
        path = self.folder.run / "request"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise TargetUnavailable(
                f"{self.name} takes no requests at {path}: {os.strerror(error.errno or 0)}", _hint(error)
            ) from error
        try:
            if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                raise TargetUnavailable(f"{self.name} takes no requests: {path} is no FIFO", "remove it and restart the proxy")
            try:
                os.write(descriptor, line.encode())
            except OSError as error:
                raise TargetUnavailable(
                    f"{self.name} takes no more requests: {error.strerror}", "its start script hangs; restart it"
                ) from error
            yield _Reader(descriptor)
        finally:
            os.close(descriptor)

    def _answered(self, answer: Path, command: Command, deadline: float, reader: _Reader) -> str:
        """The text of an answer, once it is there.  Raises TargetUnavailable when none can come any more."""
        started = now = time.monotonic()
        there = True
        while there and now - started < deadline:
            there = not reader.gone(max(_PAUSE, (now - started) * _SHARE, command.soonest - (now - started)))
            now = time.monotonic()
            try:
                os.stat(answer)  # a tenth of the cost of a failure to open it, and it is not there many times
                text = answer.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise TargetUnavailable(
                    f"{self.name} answered {command.verb!r}, but its answer cannot be read: {error.strerror}", _hint(error)
                ) from error
            with suppress(OSError):  # one that cannot be taken away is an answer all the same
                answer.unlink()
            return text
        if not there:
            raise TargetUnavailable(f"{self.name} ended before it answered {command.verb!r}", "it is tried again when it is back")
        raise TargetUnavailable(
            f"{self.name} did not answer {command.verb!r} within {deadline:g} s",
            "is it started by the start script, and not overloaded? Its log tells more",
        )


class _Reader:
    """Whoever reads the FIFO that a request was written to: with it the request is gone (a proxy killed, or made anew)."""

    def __init__(self, descriptor: int) -> None:
        self._poll = select.poll()
        self._poll.register(descriptor, 0)  # POLLERR is told without being asked for: no reader is left (pipe(7), poll(2))

    def gone(self, pause: float) -> bool:
        """Waits so many seconds, or until it has gone."""
        return bool(self._poll.poll(pause * 1000))


def _read(text: str, name: str, command: Command) -> Answer:
    """The exit code on a line of its own, then the output."""
    code, end, output = text.partition("\n")
    if not end:
        raise TargetUnavailable(
            f"{name} could not write its answer to {command.verb!r} whole", "is the disk full? It is tried again by itself"
        )
    return Answer(int(code) if re.fullmatch(r"[0-9]{1,3}", code, re.ASCII) else 1, output)


def _hint(error: OSError) -> str:
    if error.errno == errno.ENXIO:
        return "the proxy is not running; it is tried again when it is"
    if error.errno == errno.ENOENT:
        return "start the proxy with confgen's start script, with the shared volume mounted (see examples/)"
    return "confgen's user must be allowed to write there (see docs/operations.md, permissions)"


def talk(name: str, path: Path, request: bytes, deadline: float) -> bytes:
    """One request and its whole answer over a unix socket; raises TargetUnavailable."""
    until = time.monotonic() + deadline
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        try:
            connection.settimeout(deadline)
            connection.connect(str(path))
            connection.sendall(request)
            connection.shutdown(sockets.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                connection.settimeout(left)
        except OSError as error:
            what = "no answer in time" if isinstance(error, TimeoutError) else str(error.strerror or error)
            raise TargetUnavailable(
                f"{name} cannot be asked at {path}: {what}", "the proxy is not running, or not started by the start script"
            ) from error
    return b"".join(parts)
