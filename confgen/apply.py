"""The transaction that brings a candidate into the running proxy, or leaves everything as it was.

a runtime change -> stage -> the proxy's own test of the very bytes -> swap
  -> the runtime change read back; else a reload -> the running proxy shows the generation, or put back

A runtime change comes first because nothing that it does needs the files: the running proxy looks at each of its steps itself,
and its test, half of the time that it all takes, is about the next start.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from confgen.errors import RefusedByProxy, ReloadFailed, TargetUnavailable
from confgen.proxies.proxy import Caps, Proxy
from confgen.render import Candidate
from confgen.targets.folder import Folder
from confgen.targets.target import Target

#: Between two looks whether the new generation serves, in seconds: at first, by how much more each time, and at most.
_POLL, _GROWTH, _POLL_MOST = 0.002, 1.5, 0.020


class Result(enum.Enum):
    """UNCHANGED: nothing was written, nobody was disturbed.  WRITTEN: the files are there, and
    there is no proxy to load them.  STANDBY: another confgen has the right to write there, this one only looks on.
    WAITING: nothing was written, since what is wanted is not what an operator approved.
    OUTDATED: a look only, and the running proxy serves another generation.  ADJUSTED: the running proxy was changed without a
    reload, and does what the files say.  RELOADED: the running proxy has shown the generation.
    """

    UNCHANGED = "unchanged"
    WRITTEN = "written"
    STANDBY = "standby"
    WAITING = "waiting"
    OUTDATED = "outdated"
    ADJUSTED = "adjusted"
    RELOADED = "reloaded"


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it.  tested, loaded: seconds that the proxy's test took, and the change or the reload until it showed.

    why: what led to a reload beyond the change itself, in words.
    """

    generation: str
    result: Result
    tested: float = 0.0
    loaded: float = 0.0
    why: str = ""

    @property
    def changed(self) -> bool:
        """Something was brought to the proxy, or to its folder."""
        return self.result in (Result.WRITTEN, Result.ADJUSTED, Result.RELOADED)


_NONE: Mapping[str, Mapping[str, bytes]] = MappingProxyType({})


def apply(
    candidate: Candidate, proxy: Proxy, caps: Caps, target: Target, keep: int, known: Mapping[str, Mapping[str, bytes]] = _NONE
) -> Applied:
    """Makes the running proxy serve the candidate.  known: the files of generations that need not be read from the folder.

    Raises TargetUnavailable when the proxy does not answer (then nothing was swapped, unless it went away after its test
    had passed: it comes back with the new text), RefusedByProxy when its test says no, ReloadFailed when the running
    proxy never showed the generation (then `live` points at the former one again).
    """
    folder, files = target.folder, candidate.as_dict()
    running = proxy.running(target)
    if running == folder.live() == candidate.generation:
        return Applied(candidate.generation, Result.UNCHANGED)
    way = proxy.way(known.get(running) or folder.read(running), files, caps)
    why = way.reload
    started = time.monotonic()
    if way.first or way.then:
        why = proxy.change(target, (*way.first, *way.then)) or None
    changed = time.monotonic()
    former = folder.live()
    folder.stage(candidate.generation, files, candidate.private)
    tested = _test(candidate.generation, proxy, target, former if way.then else "")
    folder.swap(candidate.generation)
    swapped = time.monotonic()
    if why is None:
        why = proxy.confirm(target, candidate.generation, files) or None
    if why is not None:
        _reload(candidate.generation, former, proxy, target, proxy.patience(tested))
    folder.prune(keep)
    result = Result.ADJUSTED if why is None else Result.RELOADED
    loaded = changed - started + time.monotonic() - swapped
    return Applied(candidate.generation, result, tested, loaded, why or "")


def _reload(generation: str, former: str, proxy: Proxy, target: Target, patience: float) -> None:
    try:
        proxy.reload(target)
        _await(generation, proxy, target, time.monotonic() + patience)
    except ReloadFailed:
        if former:
            target.folder.swap(former)
        raise


def put(candidate: Candidate, folder: Folder, keep: int) -> Applied:
    """Makes a folder hold the candidate, where no proxy is there to test and load it."""
    if folder.live() == candidate.generation:
        return Applied(candidate.generation, Result.UNCHANGED)
    folder.stage(candidate.generation, candidate.as_dict(), candidate.private)
    folder.swap(candidate.generation)
    folder.prune(keep)
    return Applied(candidate.generation, Result.WRITTEN)


def _test(generation: str, proxy: Proxy, target: Target, altered: str) -> float:
    """altered: the live generation, where the running proxy is to be that again after a no; "" where nothing was added to it."""
    started = time.monotonic()
    answer = proxy.test(target, generation)
    tested = time.monotonic() - started
    if answer.code != 0:
        target.folder.discard(generation)
        if altered:
            with suppress(ReloadFailed, TargetUnavailable):  # then it shows no known generation, and the next turn reloads it
                proxy.reload(target)
                _await(altered, proxy, target, time.monotonic() + proxy.patience(tested))
        raise RefusedByProxy(f"{target.name} refuses the new text: {words(answer.output)}", "the last good text stays live")
    return tested


def words(output: str) -> str:
    """The proxy's own complaint, on one line; notices around it are left out."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("emerg", "ALERT", "error", "Fatal"))]
    return " | ".join((telling or lines)[:4])[:1000] or "it says nothing"


def _await(generation: str, proxy: Proxy, target: Target, until: float) -> None:
    """Waits until two answers in a row show the generation: while old workers still accept, answers alternate."""
    seen, pause = 0, _POLL
    while seen < 2:
        seen = seen + 1 if proxy.running(target) == generation else 0
        if seen < 2:
            if time.monotonic() > until:
                raise ReloadFailed(
                    f"{target.name} was told to reload and still serves the former generation",
                    "its log says why (a port that is taken, a changed shared zone); the former text was put back",
                )
            time.sleep(pause)
            pause = min(pause * _GROWTH, _POLL_MOST)
