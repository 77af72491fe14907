"""Docker's engine as a source: one table of containers, kept right by looking.

The event stream is drained by whoever calls `watch`, without ever waiting for anything else: the engine skips slow
readers after holding up every operation for them (measured).  Events are hints: they name the rows to look at again.  One
call answers for all rows named since the last look, whatever the number of containers; a full list follows on every
(re)connect and whenever `refresh` was asked for.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from confgen.errors import SourceUnavailable, StaleSocket
from confgen.keys import BY_NAME
from confgen.settings import LabelSettings
from confgen.sources import rows
from confgen.sources.engine import Engine, refused
from confgen.sources.source import Wake
from confgen.state import Instance, Phase, Snapshot
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
_UP = (Phase.RUNNING, Phase.PAUSED)
_DRAIN = Duration(10_000)
#: Beyond `drain`, an instance that was told to stop and still runs is taken back after this many seconds.
_GRACE = 5.0
#: The engine tells some things before its list shows them (measured on 20.10: pause, connect and disconnect by a
#: moment, a death by some 70 ms, until the network is cleaned up).  The event is believed, and the row is looked at
#: after these seconds, one after the other; if the list still says otherwise then, it is right.
_LAG = (0.05, 0.1, 0.25, 0.5, 1.0, 3.0)
_MAX_LINE = 1 << 20
#: A container that is connected to a network and does not run yet is about to start (by 0.1 s at rest, by 3 s among 20 others);
#: after so many seconds it is taken for one that was connected by hand.
_ANNOUNCED = 5.0
#: Seconds between two pings of an engine that says nothing: a frozen one keeps its event stream open for ever.
_PING = 5.0
#: After so many seconds of refused connections the socket's file is taken for a stale one: an engine that restarts makes
#: a new file, and a container that mounted the old one never sees it.
_STALE = 60.0
#: After a reconnect: for so long a list that lacks many is not believed, and for so long what it lacks is kept.
_GUARD, _HOLD = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class _Note:
    """Something that an event told and the list may not show yet.

    shown: whether a row shows it.  phase: what is believed until then.  tries, due: when to look (again).
    """

    shown: Callable[[Instance], bool]
    phase: Phase | None
    tries: int
    due: float


class DockerSource:
    """The containers of one engine."""

    def __init__(self, engine: Engine, labels: LabelSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "docker"
        self._engine = engine
        self._labels = labels
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[str, Instance] = {}
        self._named: set[str] = set()
        self._looked_at: set[str] = set()
        self._announced: dict[str, float] = {}
        self._everything = True
        self._stopping: dict[str, float] = {}
        self._notes: dict[tuple[str, str], _Note] = {}
        self._refused = 0.0
        self._guarded = 0.0
        self._lost = False
        self._held: dict[str, tuple[Instance, float]] = {}

    def snapshot(self) -> Snapshot:
        """All containers.  Asks the engine for the rows that were named since the last look, or for all of them.

        Raises StaleSocket when the engine's socket has refused connections for a minute.
        """
        with self._lock:
            self._let_go()
            named, everything = self._named, self._everything
            self._named, self._everything = set(), False
            self._looked_at = named
        try:
            self._look(named, everything)
        except SourceUnavailable as error:
            with self._lock:
                self._named |= named
                self._everything = True
                self._lost = True
            if self._is_stale(error):
                raise self._stale() from error
            raise
        with self._lock:
            self._looked_at = set()
            self._believe_the_list()
            believed = {container: note.phase for (container, _), note in self._notes.items() if note.phase}
            stopping = set(self._stopping)
            ends = [
                *self._stopping.values(),
                *(until for _, until in self._held.values()),
                *(note.due for note in self._notes.values()),
                *self._announced.values(),
            ]
        noted = {i: _as_noted(self._rows[i], i in stopping, believed.get(i)) for i in {*stopping, *believed}}
        again = max(0.0, min(ends) - self._clock()) if ends else None
        return Snapshot(self.name, tuple((self._rows | noted).values()), again=again)

    def expects(self) -> bool:
        """Whether more is about to start: what would be added now can be added together with it."""
        now = self._clock()
        with self._lock:
            return any(until > now for until in self._announced.values())

    def refresh(self) -> None:
        """The next snapshot asks for everything."""
        with self._lock:
            self._everything = True

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Drains the event stream; the full list is asked for only after the subscription stands."""
        try:
            stream = self._engine.events(_ACTIONS)
        except SourceUnavailable as error:
            if self._is_stale(error) or not self._lost:
                self.refresh()  # the look tells it, now and not when the next regular one is due
                wake("the engine does not answer", False)
            raise
        done = threading.Event()
        threading.Thread(target=self._end, args=(stream.close, stop, done), daemon=True, name="confgen-ping").start()
        with self._lock:
            self._guarded = self._clock() + _GUARD if self._rows else 0.0
        self.refresh()
        wake("watching the engine", False)
        try:
            for line in lines(stream):
                self._hint(line, wake)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            if not stop.is_set():
                raise SourceUnavailable(f"the engine's event stream broke: {error}", "it is opened again") from error
        finally:
            done.set()

    def _end(self, close: Callable[[], None], stop: threading.Event, done: threading.Event) -> None:
        """Closes the stream when it is time to stop, or when the engine no longer answers a ping."""
        pinger = Engine(self._engine.url)
        try:
            while not done.wait(_PING) and not stop.is_set():
                pinger.ping()
        except SourceUnavailable as error:
            log.warning("the engine is silent: %s", error.message)
        finally:
            if not done.is_set():
                close()

    def _is_stale(self, error: SourceUnavailable) -> bool:
        """Whether the socket has refused every connection, of looks and of watches, for so long that its file is an old one."""
        now = self._clock()
        with self._lock:
            self._refused = (self._refused or now) if refused(error) else 0.0
            return bool(self._refused) and now - self._refused >= _STALE

    def _stale(self) -> StaleSocket:
        return StaleSocket(
            f"the engine's socket at {self._engine.url} has refused every connection for {_STALE:g} s",
            "if the engine runs, its socket is a new file: confgen ends, so that its restart policy mounts it anew",
        )

    def _let_go(self) -> None:
        """Notes whose time has come: who was to stop and still runs is back; what the list did not show is looked at."""
        now = self._clock()
        self._stopping = {i: until for i, until in self._stopping.items() if until > now}
        if any(until <= now for _, until in self._held.values()):
            self._everything = True
        self._named |= {i for i, until in self._announced.items() if until <= now}
        self._announced = {i: until for i, until in self._announced.items() if until > now}
        for (container, topic), note in list(self._notes.items()):
            if note.due > now:
                continue
            self._named.add(container)
            tries = note.tries + 1
            if tries < len(_LAG):
                self._notes[container, topic] = replace(note, tries=tries, due=now + _LAG[tries])
            else:
                del self._notes[container, topic]

    def _believe_the_list(self) -> None:
        """A note is needed only until the list shows the same; a row that is to be looked at again is an old one."""
        rows = self._rows
        self._stopping = {i: until for i, until in self._stopping.items() if i in rows}
        self._notes = {
            key: note
            for key, note in self._notes.items()
            if key[0] in rows and (key[0] in self._named or not note.shown(rows[key[0]]))
        }

    def _look(self, named: set[str], everything: bool) -> None:
        fresh = self._list(() if everything else sorted(named)) if everything or named else {}
        with self._lock:
            if everything:
                self._rows = self._guard(fresh)
            else:
                self._rows = {i: row for i, row in self._rows.items() if i not in named} | fresh
            self._refused = 0.0

    def _list(self, ids: Sequence[str]) -> dict[str, Instance]:
        answer = self._engine.containers(ids)
        if not isinstance(answer, list):
            raise SourceUnavailable(
                "the engine's list of containers is not a list", "is this a Docker-compatible engine, API 1.41 or later?"
            )
        found = (rows.instance(row, self.name) for row in answer)
        # What is as before stays the very same object, by which all that follows from it is known again (recent.py).
        return {row.id: known if (known := self._rows.get(row.id)) == row else row for row in found}

    def _guard(self, fresh: dict[str, Instance]) -> dict[str, Instance]:
        """An engine that has just come back may not have its containers back yet.

        When many are missing right after a reconnect they are kept for a while, until an event says that they are gone.
        Called with the lock held, since events say so in another thread.
        """
        now = self._clock()
        if self._lost and self._rows:
            self._guarded = now + _GUARD
        self._lost = False
        up = {i for i, row in self._rows.items() if row.phase is Phase.RUNNING}
        missing = {i for i in up if i not in fresh or fresh[i].phase is not Phase.RUNNING}
        if now < self._guarded and len(missing) > 3 and 2 * len(missing) > len(up):
            log.warning(
                "after the reconnect the engine lacks %d of %d containers; they are kept for %g s", len(missing), len(up), _HOLD
            )
            self._held = {i: (self._rows[i], now + _HOLD) for i in missing}
            self._guarded = 0.0
        self._held = {i: (row, until) for i, (row, until) in self._held.items() if until > now and i in missing}
        return fresh | {i: row for i, (row, _) in self._held.items()}

    def _hint(self, line: bytes, wake: Wake) -> None:
        """One event: which row to look at again, and whether somebody is leaving."""
        try:
            event = json.loads(line)
            action, kind, actor = str(event["Action"]), str(event["Type"]), event["Actor"]
            attributes: dict[str, Any] = dict(actor.get("Attributes") or {})
            container = str(attributes.get("container", "") if kind == "network" else actor["ID"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            log.warning("an event of the engine cannot be read; everything is looked at again")
            self.refresh()
            wake("unreadable event", False)
            return
        if not container:
            return  # a network that comes or goes names no container
        with self._lock:
            runs = self._runs(container)
            if runs or action not in ("connect", "disconnect"):
                told = True
                self._note(container, action, attributes)
            else:
                told = self._announce(container, action, attributes)
        if told:
            name = str(attributes.get("name", container[:12]))
            urgent = action.startswith(_URGENT) and (action != "destroy" or runs)
            wake(f"{kind} {action.split(':', maxsplit=1)[0]} {name}", urgent)

    def _runs(self, container: str) -> bool:
        """Whether it may run, from what was seen and told; who has just started counts before the list was asked for it."""
        if container in self._named | self._looked_at:
            return True
        row, died = self._rows.get(container), self._notes.get((container, "phase"))
        return row is not None and row.phase in _UP and (died is None or died.phase is not Phase.RESTARTING)

    def _announce(self, container: str, action: str, attributes: dict[str, Any]) -> bool:
        """A network comes before a start, or goes after an end; whether anything follows from it."""
        if action == "disconnect":
            return self._announced.pop(container, None) is not None  # a start that failed
        self._announced[container] = self._clock() + _ANNOUNCED
        self._notes.pop((container, str(attributes.get("name", ""))), None)
        return False

    def _note(self, container: str, action: str, attributes: dict[str, Any]) -> None:
        """What to look at because of an event, and what to believe until the list shows it."""
        if action in ("die", "destroy"):
            self._held.pop(container, None)
        if action in ("die", "destroy", "start"):
            self._stopping.pop(container, None)
            self._announced.pop(container, None)
            self._notes.pop((container, "phase"), None)
        network = str(attributes.get("name", ""))
        if action == "die":  # whether it comes back is not known yet
            self._believe(container, "phase", lambda row: row.phase not in _UP, Phase.RESTARTING)
        elif action == "pause":
            self._believe(container, "phase", lambda row: row.phase is Phase.PAUSED, Phase.PAUSED)
        elif action == "unpause":
            self._believe(container, "phase", lambda row: row.phase is not Phase.PAUSED, Phase.RUNNING)
        elif action == "connect":
            self._named.add(container)  # on a network that it has just left it has another address now
            self._believe(container, network, lambda row: row.phase is not Phase.RUNNING or _is_on(row, network))
        elif action == "disconnect":
            self._believe(container, network, lambda row: not _is_on(row, network))
        elif action != "kill" and not action.startswith(DRAIN_MARKER):  # with these nothing in the list changes
            self._named.add(container)
        row = self._rows.get(container)
        if row is not None and self._means_stop(row, action, attributes):
            drain = max(self._said(row, "drain"), default=_DRAIN)
            self._stopping[container] = self._clock() + drain / 1000 + _GRACE

    def _believe(self, container: str, topic: str, shown: Callable[[Instance], bool], phase: Phase | None = None) -> None:
        self._notes[container, topic] = _Note(shown, phase, 0, self._clock() + _LAG[0])

    def _means_stop(self, row: Instance, action: str, attributes: dict[str, Any]) -> bool:
        if action != "kill":
            return action.startswith(DRAIN_MARKER)
        signal = str(attributes.get("signal", ""))
        signal = _SIGNALS.get(signal, signal.removeprefix("SIG"))
        said = [name for names in self._said(row, "stop-signal") for name in names]
        return signal in ("KILL", *(said or _STOP_SIGNALS))

    def _said(self, row: Instance, key: str) -> Iterator[Any]:
        """What a container says of a key that the source itself must know, for whichever of its routes: it stops as a whole."""
        label = re.compile(rf"{re.escape(self._labels.prefix)}\.(?:(?:routes|tcp|udp)\.[^.]*\.)?{re.escape(key)}")
        for name, text in row.labels:
            if label.fullmatch(name):
                with suppress(Refusal):  # the same mistake is a Problem where the labels are read
                    yield BY_NAME[key].kind.parse(text)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines of a raw stream, whatever its chunks; a line over 1 MiB is cut off and given as b"" (unreadable)."""
    buffer, skipping = b"", False
    for chunk in chunks:
        *whole, buffer = (buffer + chunk).split(b"\n")
        for line in whole:
            if skipping:
                skipping = False
            elif len(line) > _MAX_LINE:
                yield b""
            elif line := line.strip():
                yield line
        if len(buffer) > _MAX_LINE:
            if not skipping:
                yield b""
            buffer, skipping = b"", True


def _as_noted(row: Instance, stopping: bool, phase: Phase | None) -> Instance:
    """The row with what is known beyond it."""
    return replace(row, stopping=stopping, phase=phase or row.phase) if stopping or phase else row


def _is_on(row: Instance, network: str) -> bool:
    return any(a.network == network and (a.address or a.address6) for a in row.attachments)
