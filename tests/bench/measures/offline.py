"""What needs no engine: `confgen render` of a thousand containers, and the start of the program itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.scene import Scene

SIZE = 1000
PROXIES = {"nginx": "confgen, nginx", "haproxy": "confgen, HAProxy"}


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="confgen-bench-") as scratch:
        snapshot = Path(scratch) / "containers.json"
        snapshot.write_text(json.dumps([row(number) for number in range(SIZE)]), encoding="utf-8")
        for proxy, place in PROXIES.items():
            words = ("render", str(snapshot), "--proxy", proxy, "-o", f"{scratch}/{proxy}")
            yield from figures(scene, f"render of {SIZE:,}", place, words)
    for place in PROXIES.values():
        yield from figures(scene, "--help", place, ("--help",))


def figures(scene: Scene, case: str, place: str, words: tuple[str, ...], rounds: int = 3, path: str = "") -> Iterator[Figure]:
    """Seconds and memory of one command.  path: where it looks for other programs; where this one does if not given."""
    runs = [_run(words, path) for _ in scene.each(range(scene.times(rounds)), f"confgen {words[0]}")]
    yield Figure(case, place, tuple(seconds for seconds, _ in runs), "s")
    yield Figure(f"{case}: most memory", place, tuple(memory for _, memory in runs), "MB")


def _run(words: tuple[str, ...], path: str) -> tuple[float, float]:
    """Seconds, and MB at the most."""
    command, environment = [sys.executable, "-m", "confgen", *words], {**os.environ, **({"PATH": path} if path else {})}
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    memory = 0.0
    while process.poll() is None:
        memory = max(memory, peak_mb(process.pid))
        time.sleep(0.005)
    assert process.returncode == 0, words
    return time.monotonic() - started, memory


def peak_mb(pid: int) -> float:
    """The most resident memory of a process since it was executed (getrusage would count what forked it)."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0.0)


def row(number: int) -> dict[str, object]:
    """One container as the engine lists it."""
    group, replica = divmod(number, 5)
    return {
        "Id": f"{number:064x}",
        "Names": [f"/app{group}-web-{replica + 1}"],
        "Labels": {
            "confgen.host": f"app{group}.example.com",
            "confgen.port": "8080",
            "com.docker.compose.project": f"app{group}",
            "com.docker.compose.service": "web",
        },
        "State": "running",
        "Status": "Up 3 minutes (healthy)",
        "Ports": [{"PrivatePort": 8080, "Type": "tcp"}],
        "HostConfig": {"NetworkMode": "edge"},
        "NetworkSettings": {"Networks": {"edge": {"IPAddress": f"10.1.{number // 250}.{number % 250 + 2}"}}},
        "Created": 1_700_000_000 + number,
        "Mounts": [],
    }


MEASURE = Measure(
    title=f"Offline: {SIZE:,} containers into text",
    how=f"""`confgen render` of {SIZE:,} containers in {SIZE // 5} pools, read back and all, and `confgen --help`: the whole process, from
its start to its end.""",
    run=run,
)
