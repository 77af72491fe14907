"""Docker's engine as a source: one table of containers, kept right by looking.

The event stream is drained by whoever calls `watch`, without ever waiting for anything else: the engine skips slow
readers after holding up every operation for them (measured).  Events are hints: they name the rows to look at again.  One
call answers for all rows named since the last look, whatever the number of containers; a full list follows on every
(re)connect and whenever `refresh` was asked for.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import docker
import docker.errors
import requests

from confgen.errors import SourceUnavailable, StaleSocket
from confgen.labels import BY_NAME
from confgen.settings import LabelSettings
from confgen.sources import rows
from confgen.sources.source import Wake
from confgen.state import Instance, Snapshot
from confgen.values import Duration, Refusal

log = logging.getLogger(__name__)

#: A prefix match, since `health_status` is in the list too: any exec whose command is this marker means "drain me".
DRAIN_MARKER = "exec_create: sh -c : confgen-drain"
_ACTIONS = (
    "start", "die", "kill", "pause", "unpause", "rename", "destroy", "health_status", DRAIN_MARKER,
    "connect", "disconnect",
)  # fmt: skip
#: Somebody leaves: these wait for nothing.
_URGENT = ("die", "kill", "pause", "destroy", "disconnect", "health_status: unhealthy", DRAIN_MARKER)
_SIGNALS = {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "10": "USR1", "12": "USR2", "15": "TERM", "28": "WINCH"}
_STOP_SIGNALS = ("TERM", "INT", "QUIT")
#: Beyond `drain`, an instance that was told to stop and still runs is taken back after this many seconds.
_GRACE = 5.0
_MAX_LINE = 1 << 20
#: Seconds for one answer of the engine.
_DEADLINE = 10


class DockerSource:
    """The containers of one engine."""

    def __init__(self, url: str, labels: LabelSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "docker"
        self._url = url or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self._labels = labels
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[str, Instance] = {}
        self._named: set[str] = set()
        self._everything = True
        self._stopping: dict[str, float] = {}
        self._client: docker.APIClient | None = None

    def snapshot(self) -> Snapshot:
        """All containers.  Asks the engine for the rows that were named since the last look, or for all of them."""
        with self._lock:
            named, everything = self._named, self._everything
            self._named, self._everything = set(), False
        try:
            self._look(named, everything)
        except (SourceUnavailable, StaleSocket):
            with self._lock:
                self._named |= named
                self._everything = True
            raise
        now = self._clock()
        with self._lock:
            self._stopping = {i: until for i, until in self._stopping.items() if until > now and i in self._rows}
            stopping = set(self._stopping)
        instances = (replace(row, stopping=row.id in stopping) for row in self._rows.values())
        return Snapshot(self.name, tuple(sorted(instances, key=lambda i: (i.name, i.id))))

    def refresh(self) -> None:
        """The next snapshot asks for everything."""
        with self._lock:
            self._everything = True

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Drains the event stream; the full list is asked for only after the subscription stands."""
        stream = self._call(lambda api: api.events(filters={"type": ["container", "network"], "event": list(_ACTIONS)}))
        closer = threading.Thread(target=lambda: (stop.wait(), stream.close()), daemon=True, name="confgen-unwatch")
        closer.start()
        self.refresh()
        wake("watching the engine", False)
        try:
            for line in lines(stream):
                self._hint(line, wake)
        except (OSError, requests.RequestException, docker.errors.DockerException, ValueError) as error:
            if not stop.is_set():
                raise SourceUnavailable(f"the engine's event stream broke: {_words(error)}", "it is opened again") from error

    def _look(self, named: set[str], everything: bool) -> None:
        if everything:
            self._rows = self._list({})
        elif named:
            fresh = self._list({"id": sorted(named)})
            self._rows = {i: row for i, row in self._rows.items() if i not in named} | fresh

    def _list(self, filters: dict[str, list[str]]) -> dict[str, Instance]:
        answer = self._call(lambda api: api.containers(all=True, filters=filters))
        if not isinstance(answer, list):
            raise SourceUnavailable(
                "the engine's list of containers is not a list", "is this a Docker-compatible engine, API 1.41 or later?"
            )
        found = (rows.instance(row, self.name) for row in answer)
        return {row.id: row for row in found}

    def _hint(self, line: bytes, wake: Wake) -> None:
        """One event: which row to look at again, and whether somebody is leaving."""
        try:
            event = json.loads(line)
            action, kind, actor = str(event["Action"]), str(event["Type"]), event["Actor"]
            attributes: dict[str, Any] = actor.get("Attributes") or {}
            container = str(attributes.get("container", "") if kind == "network" else actor["ID"])
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("an event of the engine cannot be read; everything is looked at again")
            self.refresh()
            wake("unreadable event", False)
            return
        with self._lock:
            self._named.add(container)
            self._mind_stops(container, action, attributes)
        name = str(attributes.get("name", container[:12]))
        wake(f"{kind} {action.split(':', maxsplit=1)[0]} {name}", action.startswith(_URGENT))

    def _mind_stops(self, container: str, action: str, attributes: dict[str, Any]) -> None:
        """`kill` with a stop signal is the notice that comes before `die`; the list of containers does not show it."""
        if action in ("die", "destroy", "start"):
            self._stopping.pop(container, None)
            return
        row = self._rows.get(container)
        if row is None or not (action == "kill" or action.startswith(DRAIN_MARKER)):
            return
        signal = str(attributes.get("signal", ""))
        signal = _SIGNALS.get(signal, signal.removeprefix("SIG"))
        if action == "kill" and signal not in ("KILL", *self._said(row, "stop-signal", _STOP_SIGNALS)):
            return
        drain = self._said(row, "drain", Duration(10_000))
        self._stopping[container] = self._clock() + drain / 1000 + _GRACE

    def _said(self, row: Instance, key: str, default: Any) -> Any:
        """A label of the container's short form that the source itself must know."""
        text = row.label(f"{self._labels.prefix}.{key}")
        try:
            return BY_NAME[key].kind.parse(text) if text else default
        except Refusal:
            return default  # the same mistake is a Problem where the labels are read

    def _call(self, ask: Callable[[docker.APIClient], Any]) -> Any:
        """One engine call; every way in which the library can fail becomes SourceUnavailable."""
        try:
            if self._client is None:
                self._client = docker.APIClient(base_url=self._url, version="auto", timeout=_DEADLINE)
            return ask(self._client)
        except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as error:
            self._client = None
            raise SourceUnavailable(
                f"the engine at {self._url} does not answer: {_words(error)}", self._hint_for(error)
            ) from error

    def _hint_for(self, error: Exception) -> str:
        text = str(error)
        path = self._url.removeprefix("unix://")
        if "PermissionError" in text or "Permission denied" in text:
            return f"confgen's user may not open {path}: add its group to the container (group_add), or use a socket proxy"
        if self._url.startswith("unix://") and not _is_socket(path):
            return f"{path} is not there: mount the engine's socket, or set DOCKER_HOST"
        return "what was known before stays; it is tried again by itself"


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines of a raw stream, whatever its chunks; a line over 1 MiB is cut off and given as b"" (unreadable)."""
    buffer, skipping = b"", False
    for chunk in chunks:
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            line, buffer = buffer[:end].strip(), buffer[end + 1 :]
            if skipping:
                skipping = False
            elif line:
                yield line
        if len(buffer) > _MAX_LINE:
            if not skipping:
                yield b""
            buffer, skipping = b"", True


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _words(error: BaseException) -> str:
    """The innermost cause, in a few words: the libraries wrap it several times."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
