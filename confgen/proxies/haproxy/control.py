"""How HAProxy is asked, tested and reloaded: its master's socket, and the start script for what that cannot do."""

from __future__ import annotations

import re
import time

from confgen.errors import ReloadFailed, TargetUnavailable
from confgen.problem import show
from confgen.proxies.haproxy import caps as known
from confgen.proxies.proxy import Caps
from confgen.targets.target import Answer, Command, Target

#: The socket of `-S`, in run/ of the shared folder.
SOCKET = "master.sock"
#: Seconds for an answer of the master or a worker that has nothing to wait for.
_SOON = 10.0
#: Seconds that a worker is first given for an answer.
_FIRST = 0.1
#: Seconds that a reload may take: with 20,000 servers on a busy host it is slow, and slow is not failed.
PATIENCE = 90.0
#: Before that no test is done (20 to 30 ms, measured).
_SOONEST = 0.015
#: Seconds between two questions while the master replaces itself.
_PAUSE = 0.02
_BUSY = b"Another reload is still in progress"


def probe(target: Target) -> Caps:
    """Raises TargetUnavailable when nobody answers, BadInput when what comes back is not HAProxy's."""
    return known.read(target.run(Command("version", "", ("haproxy", "-vv")), _SOON).output)


def test(target: Target, generation: str) -> Answer:
    """`haproxy -c` of a staged generation; its maps are found beside it (default-path config)."""
    file = str(target.view / "generations" / generation / "haproxy.cfg")
    return target.run(Command("test", generation, ("haproxy", "-c", "-f", file), _SOONEST), PATIENCE)


def running(target: Target) -> str:
    """What the current worker says; `@1` is the newest one that has started, also while old ones are leaving."""
    said = _worker(target, b"@1 get var proc.confgen\n")
    match = re.search(rb"^proc\.confgen: type=str value=<([0-9a-z]{1,64})>", said, re.MULTILINE)
    return match[1].decode() if match else ""


def _worker(target: Target, request: bytes) -> bytes:
    """What the current worker says.  Raises TargetUnavailable at once where nobody listens.

    A master that listens while its worker still starts takes a request and never answers it (measured on 3.2 and 3.4), so
    a patient wait would be in vain: the question is put again, with more patience each time.
    """
    until, patience = time.monotonic() + _SOON, _FIRST
    while True:
        asked = time.monotonic()
        try:
            return target.talk(SOCKET, request, patience)
        except TargetUnavailable:
            if time.monotonic() - asked < patience or asked + patience > until:
                raise
            patience *= 2


def open_requests(target: Target, pool: str, server: str) -> int:
    """Connections that are in use between any worker and a server."""
    workers = re.findall(rb"^([0-9]+) +worker ", _when_back(target), re.MULTILINE)
    said = (target.talk(SOCKET, b"@!%s show servers conn %s\n" % (pid, pool.encode()), _SOON) for pid in workers)
    return sum(_in_use(text.decode("utf-8", "replace"), f"{pool}/{server}") for text in said)


def _in_use(table: str, server: str) -> int:
    """The column `used_cur` of `show servers conn`, found by its heading; the last one stands for one column a thread."""
    head, *rows = [line.removeprefix("# ").split() for line in table.splitlines() if line.strip()] or [[]]
    if "used_cur" not in head:
        return 0
    return sum(int(row[head.index("used_cur")]) for row in rows if len(row) >= len(head) and row[0] == server)


def reload(target: Target) -> None:
    """Returns once the new worker serves (from 2.7 on), or the master answers again (2.6).  Raises ReloadFailed on a no."""
    said = _ask(target)
    if b"Success=1" in said:
        return
    if b"Success=0" in said:
        raise _failed(target, _complaint(said))
    processes = _when_back(target)
    failed = re.search(rb"\[failed: ([0-9]+)\]", processes)
    if failed and failed[1] != b"0":
        raise _failed(target, "it could not start a worker with it")


def _ask(target: Target) -> bytes:
    """Tells the master to reload, once the reload before is over.  Nothing comes back where it cuts the line (2.6)."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            said = target.talk(SOCKET, b"reload\n", PATIENCE)
        except TargetUnavailable:
            return b""
        if _BUSY not in said or time.monotonic() > until:
            return said
        time.sleep(_PAUSE)


def _when_back(target: Target) -> bytes:
    """What the master says of its processes once it listens again after having replaced itself."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return target.talk(SOCKET, b"show proc\n", _SOON)
        except TargetUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE)


def _complaint(said: bytes) -> str:
    """HAProxy's own words: its alerts, or all that it said."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").partition("--")[2].splitlines()]
    alerts = [line for line in lines if line.startswith("[ALERT]")]
    return " | ".join(alerts or [line for line in lines if line])[:1000]


def _failed(target: Target, words: str) -> ReloadFailed:
    return ReloadFailed(
        f"{target.name} could not take the new text: {show(words, 1000)}",
        "the former worker goes on serving; its log has more (a port that is taken, a limit of the system)",
    )
