"""Whole turns of confgen in forked children that may be killed anywhere: `python -m tests.faults.turner KIND FOLDER PORT`.

A request is one JSON line: {"hosts": {host: address}} or {"engine": url}; "hold": stop before the turn (SIGSTOP);
"die": kill at the reload.  The answers: the child's pid, and when it has ended its wait status.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from confgen.errors import ConfgenError
from confgen.loop import Loop
from confgen.proxies import PROXIES
from confgen.settings import Frame, Settings
from confgen.sources import rows
from confgen.sources.docker import DockerSource
from confgen.sources.engine import Engine
from confgen.sources.source import Source, Wake
from confgen.state import Snapshot
from tests.faults.faultsock import made_row


class Fixed:
    """A source that always says the same."""

    name = "docker"

    def __init__(self, hosts: dict[str, str]) -> None:
        found = (rows.instance(made_row(n, host, address)) for n, (host, address) in enumerate(hosts.items()))
        self._snapshot = Snapshot(self.name, tuple(found))

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def expects(self) -> bool:
        return False

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        stop.wait()


def main(kind: str, folder: str, port: str) -> None:
    settings = Settings(directory=Path(folder), target="process", proxy=kind, frame=Frame(http_port=int(port)))
    turn(settings, {"hosts": {"warm.localhost": "10.99.0.2"}}, dry=True)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            if request.get("hold"):
                os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(turn(settings, request))
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def turn(settings: Settings, request: dict[str, Any], *, dry: bool = False) -> int:
    """One turn; 0 when the proxy is right.  dry: only look, so that all modules are loaded before the first fork."""
    labels = settings.labels
    source: Source = DockerSource(Engine(request["engine"]), labels) if "engine" in request else Fixed(request["hosts"])
    if request.get("die"):
        type(PROXIES[settings.proxy]).reload = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    loop = Loop(settings, (source,))
    if dry:
        loop.look()
        return 0
    try:
        report = loop.turn("a test")
    except ConfgenError as error:
        print(error.message, error.hint, file=sys.stderr)
        return error.exit_code
    for seat in report.seats:
        if seat.error:
            print(seat.error.message, seat.error.hint, file=sys.stderr)
            return seat.error.exit_code
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
