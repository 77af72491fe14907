"""What the engine tells: when something happened, by its own clock, and what a container has cost so far."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker as sdk
from docker.types.daemon import CancellableStream

from tests.e2e.stack import docker, until


@dataclass
class Events:
    """When each container was started, was told to stop, died: the last time, in seconds since the epoch."""

    seen: dict[tuple[str, str], float] = field(default_factory=dict)

    def time(self, action: str, container: str) -> float:
        """Waits for the event, which may arrive after what it caused."""
        until(lambda: (action, container) in self.seen, f"the engine tells {action} of {container}")
        return self.seen[action, container]

    def forget(self, container: str) -> None:
        """Before it is stopped or started again."""
        for action in ACTIONS:
            self.seen.pop((action, container), None)


ACTIONS = ("start", "kill", "die")


@contextlib.contextmanager
def events() -> Iterator[Events]:
    """Listens until the end of the block."""
    found = Events()
    filters = [word for action in ACTIONS for word in ("--filter", f"event={action}")]
    words = ["docker", "events", "--filter", "type=container", *filters, "--format", "{{json .}}"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    reader = threading.Thread(target=_read, args=(process, found), name="events")
    reader.start()
    try:
        yield found
    finally:
        process.terminate()
        reader.join()
        process.wait()


def _read(process: subprocess.Popen[str], found: Events) -> None:
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            event = json.loads(line)
            found.seen[event["Action"], event["Actor"]["Attributes"]["name"]] = event["timeNano"] / 1e9


def starts(label: str) -> CancellableStream[str]:
    """Listens from now on until it is closed; the event of each container with this label that starts, as the engine writes it."""
    return _api().events(filters={"type": "container", "event": "start", "label": label})


def address(container: str, network: str) -> str:
    """On a network of the engine."""
    return str(_api().inspect_container(container)["NetworkSettings"]["Networks"][network]["IPAddress"])


def version() -> str:
    return docker("version", "--format", "{{.Server.Version}}")


@functools.cache
def _api() -> sdk.APIClient:
    return sdk.APIClient(base_url=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), version="auto")


def start(containers: list[str]) -> None:
    """All at once; a client with several names would start one after the other."""
    with ThreadPoolExecutor(max_workers=len(containers)) as pool:
        list(pool.map(_api().start, containers))


def stop(containers: list[str]) -> None:
    """All at once."""
    with ThreadPoolExecutor(max_workers=len(containers)) as pool:
        list(pool.map(_api().stop, containers))


def cpu_ms(*containers: str) -> float:
    """CPU that all their processes have used, the ended ones too (a proxy's test of a text lives for milliseconds)."""
    return sum(float(_stats(name)["cpu_stats"]["cpu_usage"]["total_usage"]) for name in containers) / 1e6


def memory_mb(*containers: str) -> float:
    """As `docker stats` counts: without files that could be read again."""
    return sum(_memory(_stats(name)["memory_stats"]) for name in containers) / 2**20


def _memory(stats: dict[str, Any]) -> float:
    """The kernel's first and second kind of control groups have two names for the same."""
    inside = stats["stats"]
    return float(stats["usage"] - inside.get("total_inactive_file", inside.get("inactive_file", 0)))


def _stats(container: str) -> dict[str, Any]:
    return _api().stats(container, stream=False, one_shot=True)  # type: ignore[no-any-return]


def pid(container: str) -> int:
    return int(docker("inspect", "--format", "{{.State.Pid}}", container))


def resident_mb(number: int) -> float:
    """Of one process, the parts of its program that are in memory included."""
    status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def own_cpu_ms(number: int) -> float:
    """Of one process, without its children."""
    fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def at_rest(numbers: list[int]) -> bool:
    """Whether none of these processes has used more than hardly any CPU for a moment."""
    before = [own_cpu_ms(number) for number in numbers]
    time.sleep(MOMENT)
    used = [own_cpu_ms(number) - then for number, then in zip(numbers, before, strict=True)]
    return max(used) <= MOMENT * 1000 * REST


def busy() -> float:
    """The share of all cores that this machine has used for a moment."""
    before = _cores()
    time.sleep(MOMENT)
    used, idle = (now - then for now, then in zip(_cores(), before, strict=True))
    return used / (used + idle)


def _cores() -> tuple[int, int]:
    """In ticks since the start: used, and not (proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, idle


#: In seconds, and the share of a core that counts as rest.
MOMENT, REST = 0.5, 0.04


def remove(names: list[str]) -> None:
    """Several at a time: the engine takes most of a second for each."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: docker("rm", "-f", name, check=False), names))
