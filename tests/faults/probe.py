"""The witness: fresh connections to a healthy route at a steady pace, counting everything that is no 200 by its kind."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter

from tests.faults.netns import enter

HOST = "healthy.localhost"
_PAUSE = 0.02


def ask(port: int, host: str, path: str = "/", netns: str = "", timeout: float = 5.0) -> tuple[int | str, str]:
    """One request over a connection of its own: its status, or the kind of error, and the body."""
    with enter(netns):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": host, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, repr(error)
        finally:
            connection.close()


class Probe:
    """`with Probe(port) as probe: ...`, then `probe.errors`; 50 requests a second.

    `quiet()` forgets what is going on until `listen()`: for the moments in which the proxy itself is dead on purpose.
    """

    def __init__(self, port: int, netns: str = "", host: str = HOST) -> None:
        self.port, self.netns, self.host = port, netns, host
        self.seen: Counter[int | str] = Counter()
        self.slowest = 0.0
        self._deaf = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def errors(self) -> dict[int | str, int]:
        return {kind: count for kind, count in self.seen.items() if kind != 200}

    @property
    def requests(self) -> int:
        return sum(self.seen.values())

    def quiet(self) -> None:
        self._deaf = True

    def listen(self) -> None:
        self._deaf = False

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            started = time.monotonic()
            deaf = self._deaf
            kind, _ = ask(self.port, self.host, netns=self.netns)
            if not deaf and not self._deaf:
                self.seen[kind] += 1
                self.slowest = max(self.slowest, time.monotonic() - started)
            due = max(due + _PAUSE, time.monotonic() - _PAUSE)
            self._stop.wait(max(0.0, due - time.monotonic()))
