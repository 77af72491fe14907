"""Finds out whether servers answer: asks each as long as it is of interest, and rings when a verdict changes.

From where confgen stands: a server that it cannot reach (silence, no route) is not a server that is down.  A closed port and
a bad answer are certain wherever one stands; silence counts only where a check was asked for, and only while others answer.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confgen.kept import Verdict
from confgen.model import Check
from confgen.unverified import unverified
from confgen.verdict import Probe, Tally

#: A port that refuses connections is asked again after this, doubled up to _SLOWEST; in seconds.
_SOON, _SLOWEST = 0.005, 1.0
#: So long a port may be closed before somebody is told: apps take their time to start.
_LONG = 15.0
#: How long a connection may take that only shows that a port is open.
_CONNECT = 1.0
#: So many stand for all where it is in doubt whether anybody can be heard.
_FEW = 3
#: How long the other side may take to end a TLS connection, in seconds; nobody waits for it.
_FAREWELL = 1.0
#: The longest status line that is read of an answer.
_LINE = 4096


@dataclass(slots=True)
class _Watched:
    """One probe that is under way.

    heard: the last answer was one, good or bad, and not silence.  missed: somebody went on without its first answer.
    """

    probe: Probe
    tally: Tally = Tally()
    words: str = ""
    heard: bool = False
    missed: bool = False
    since: float = field(default_factory=time.monotonic)
    told_long: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None

    @property
    def verdict(self) -> Verdict | None:
        up = self.tally.up
        return None if up is None else Verdict(self.probe.name, up, "" if up else self.words, self.told_long)


class Judge:
    """Answers of servers, gathered by a thread of its own that starts with the first question."""

    def __init__(self, ring: Callable[[str, bool], None]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._watched: dict[Probe, _Watched] = {}
        self._of: dict[str, tuple[Probe, ...]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self, seat: str, wanted: tuple[Probe, ...], before: Mapping[str, Verdict], patience: float) -> dict[str, Verdict]:
        """What is known of the servers of one proxy; from now on these are asked, and no others.

        before: verdicts of another process, from which checks go on.  patience: so many seconds the first answers of new
        servers may take.
        """
        fresh = self._follow(seat, wanted, before)
        until = time.monotonic() + patience
        for watched in fresh:
            watched.asked.wait(max(0.0, until - time.monotonic()))
        with self._lock:
            known = {p.name: (w, w.verdict) for p in wanted if (w := self._watched.get(p))}
            for watched, verdict in known.values():
                watched.missed = verdict is None
            return {name: verdict for name, (_, verdict) in known.items() if verdict}

    def keep_to(self, seats: frozenset[str]) -> None:
        """Asks nobody any more for the sake of proxies that are gone."""
        with self._lock:
            gone = self._of.keys() - seats
        for seat in gone:
            self._follow(seat, (), {})

    def _follow(self, seat: str, wanted: tuple[Probe, ...], before: Mapping[str, Verdict]) -> list[_Watched]:
        with self._lock:
            if wanted == self._of.get(seat, ()):
                return []
            self._of = {name: probes for name, probes in {**self._of, seat: wanted}.items() if probes}
            known = frozenset[Probe]().union(*self._of.values())
            gone = [self._watched.pop(probe) for probe in list(self._watched) if probe not in known]
            fresh = [_first(probe, before) for probe in sorted({*wanted}) if probe not in self._watched]
            self._watched |= {watched.probe: watched for watched in fresh}
            if fresh and self._loop is None:
                self._start()
        if self._loop and (gone or fresh):
            self._loop.call_soon_threadsafe(self._change, gone, fresh)
        return fresh

    def _start(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="confgen-probe").start()

    def _change(self, gone: list[_Watched], fresh: list[_Watched]) -> None:
        for watched in gone:
            if watched.task:
                watched.task.cancel()
        for watched in fresh:
            watched.task = asyncio.ensure_future(self._watch(watched))

    async def _watch(self, watched: _Watched) -> None:
        probe = watched.probe
        pause = _SOON
        while True:
            words = await _asked(probe)
            self._count(watched, words, deaf=words is _SILENCE and await self._deaf(watched))
            watched.asked.set()
            if probe.check:
                await asyncio.sleep(probe.check.interval / 1000)
            elif not words or words is _SILENCE:
                return
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _SLOWEST)

    def _count(self, watched: _Watched, words: str, deaf: bool) -> None:
        """One more answer; rings when it changes what is known."""
        silent = words is _SILENCE
        with self._lock:
            watched.heard = not silent
            if silent and (watched.probe.check is None or deaf):
                return
            before = watched.verdict
            watched.words = words
            watched.tally = watched.tally.and_one(not words, watched.probe.check)
            watched.told_long = bool(words) and time.monotonic() - watched.since > _LONG
            after = watched.verdict
            first = before is None and not watched.asked.is_set() and not watched.missed
        if after != before and after and not first and (before is None or before.up != after.up or before.long != after.long):
            said = watched.probe.name.split(" ")[1]
            self._ring(
                f"{said} is up" if after.up else f"{said}: {after.words}", watched.probe.check is not None and not after.up
            )

    async def _deaf(self, silent: _Watched) -> bool:
        """Nobody else answers either: then it is we who hear nothing.

        What was said by those who are not asked any more counts no longer: a few of them are asked once more.
        """
        with self._lock:
            heard = [watched for watched in self._watched.values() if watched.heard and watched is not silent]
        if any(watched.task and not watched.task.done() for watched in heard):
            return False
        answers = await asyncio.gather(*(_asked(watched.probe) for watched in heard[:_FEW]))
        return all(words is _SILENCE for words in answers)


def _first(probe: Probe, before: Mapping[str, Verdict]) -> _Watched:
    known = before.get(probe.name) if probe.check else None
    return _Watched(probe, Tally(known.up), known.words) if known else _Watched(probe)


#: Stands for an answer that did not come.
_SILENCE = "it does not answer"


async def _asked(probe: Probe) -> str:
    """What is wrong with a server, "" when nothing is."""
    check = probe.check or Check(timeout=type(Check().timeout)(int(_CONNECT * 1000)))
    try:
        async with asyncio.timeout(check.timeout / 1000):
            return await _answer(probe, check)
    except ConnectionRefusedError:
        return f"port {probe.port} refuses connections"
    except ssl.SSLError:
        return "it does not speak TLS"
    except ConnectionError:
        return "it closed the connection"
    except (TimeoutError, OSError):
        return _SILENCE


async def _answer(probe: Probe, check: Check) -> str:
    http = probe.check is not None and check.path is not None
    # A container's own certificate can vouch for no name; the proxies do not verify it either.
    tls = unverified() if http and probe.tls else None
    ending = {"ssl_shutdown_timeout": _FAREWELL} if tls else {}
    reader, writer = await asyncio.open_connection(probe.address, probe.port, ssl=tls, limit=_LINE, **ending)
    try:
        return await _status(reader, writer, probe, check) if http else ""
    finally:
        writer.close()  # how it ends is no part of the answer: one that hangs would hang here too


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, probe: Probe, check: Check) -> str:
    host = f"[{probe.address}]" if ":" in probe.address else probe.address
    writer.write(
        f"GET {check.path} HTTP/1.1\r\nHost: {host}:{probe.port}\r\nUser-Agent: confgen\r\nConnection: close\r\n\r\n".encode()
    )
    await writer.drain()
    try:
        words = (await reader.readline()).split(b" ", 2)
    except ValueError:  # a line without an end
        words = []
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1][:3].isdigit():
        return "its answer is not HTTP"
    status = int(words[1][:3])
    return "" if any(first <= status <= last for first, last in check.status) else f"it answers {status}"
