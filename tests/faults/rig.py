"""A small world that can be broken at leisure: confgen and a real proxy as plain processes, and containers of ours."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from confgen.errors import TargetUnavailable
from confgen.proxies import PROXIES
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from tests.bed.shell import cache
from tests.faults.netns import inside
from tests.faults.probe import HOST, ask
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
NATIVE = {"nginx": "nginx-1.30", "haproxy": "haproxy-3.2"}
IMAGE = "confgen-test/web"
#: As many connections at once as a crowd of routes to one container brings; of IMAGE's listener nine can wait.
CROWD = "confgen-test/whoami"


def until(true: Callable[[], Any], what: str | Callable[[], str], deadline: float = 15.0, pause: float = 0.01) -> float:
    """Waits for the thing itself; how many seconds it took."""
    started = time.monotonic()
    while not true():
        late = time.monotonic() - started > deadline
        assert not late, f"after {deadline:g} s still not: {what if isinstance(what, str) else what()}"
        time.sleep(pause)
    return time.monotonic() - started


@dataclass
class Docker:
    """The client of one engine, and the containers that a test made there; all carry the label `cgf`."""

    host: str
    label: str

    def __call__(self, *words: str, check: bool = True, timeout: float = 60) -> str:
        done = subprocess.run(["docker", "-H", self.host, *words], capture_output=True, text=True, check=False, timeout=timeout)
        assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr or done.stdout}"
        return done.stdout.strip()

    def run(self, name: str, *options: str, host: str = "", labels: dict[str, str] | None = None, image: str = IMAGE) -> str:
        """A container, of the smallest backend unless said; its full name."""
        full = f"{self.label}-{name}"
        wanted = {"cgf": self.label, **({"confgen.host": host, "confgen.port": "80"} if host else {}), **(labels or {})}
        words = [word for key, value in wanted.items() for word in ("--label", f"{key}={value}")]
        self("run", "-d", "--name", full, "--hostname", name, *words, *options, image)
        return full

    def address(self, name: str) -> str:
        return self("inspect", "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}", f"{self.label}-{name}")

    def remove(self, *names: str) -> None:
        found = list(names) or self("ps", "-aq", "--filter", f"label=cgf={self.label}", check=False).split()
        if found:
            self("rm", "-f", "-v", *found, check=False)


@dataclass
class Process:
    """A program of ours with its output in a file."""

    words: tuple[str, ...]
    env: dict[str, str]
    output: Path
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> Process:
        with self.output.open("ab") as log:
            self.popen = subprocess.Popen(
                self.words, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
            )
        return self

    @property
    def pid(self) -> int:
        assert self.popen
        return self.popen.pid

    def send(self, number: int) -> None:
        assert self.popen
        self.popen.send_signal(number)

    def wait(self, seconds: float = 15.0) -> int:
        assert self.popen
        return self.popen.wait(seconds)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it, by force when asking does not help; its exit code."""
        assert self.popen
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.send_signal(number)
            try:
                return self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait(10)

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def log(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace") if self.output.exists() else ""

    def children(self) -> list[int]:
        """The processes that it has started and that are still there."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]

    def status(self, name: str, pid: int = 0) -> int:
        """A number of /proc/<pid>/status: VmRSS (kB), Threads; of itself, or of one of its children."""
        text = Path(f"/proc/{pid or self.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:"))

    def cpu(self) -> float:
        """Seconds of CPU so far, of its children too once they have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@dataclass
class World:
    """One proxy, one confgen, one shared folder.

    engine: URL for confgen.  netns: where both run ("" for here).  before, env, options: words before `confgen`, its
    environment and its options; pace: see paced.py.  target: "process", or "" for a labelled container.
    """

    home: Path
    engine: str
    kind: str = "nginx"
    netns: str = ""
    port: int = 0
    pace: str = ""
    before: tuple[str, ...] = ()
    proxy_before: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    target: str = "process"
    folder: Folder = field(init=False)
    proxy: Process = field(init=False)
    confgen: Process = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.folder = Folder(self.home / "shared")
        programs = self.home / "bin"
        programs.mkdir(exist_ok=True)
        link = programs / self.kind
        link.unlink(missing_ok=True)
        link.symlink_to(cache() / "bin" / NATIVE[self.kind])
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "CONFGEN_DIR": str(self.folder.path),
            "CONFGEN_HTTP_PORT": str(self.port),
            "CONFGEN_GID": str(os.getgid()),
            "CONFGEN_ENGINE": self.engine,
            "PYTHONPATH": str(ROOT),
            **self.env,
        }
        start = str(ROOT / f"templates/{self.kind}/start.sh")
        self.proxy = Process((*self.proxy_before, *inside(self.netns), "sh", start), self.env, self.home / "proxy.log")
        self.confgen = self.companion("confgen")

    def companion(self, name: str, *options: str) -> Process:
        """A confgen (a second one too) on the folder, not started yet."""
        words = (*inside(self.netns), *self.before, sys.executable, "-m", "tests.faults.paced", self.pace, "watch")
        where = ("--target", self.target) if self.target else ()
        kind = ("--proxy", self.kind) if self.target else ()
        return Process((*words, *where, *kind, "-v", *self.options, *options), self.env, self.home / f"{name}.log")

    def get(self, host: str, path: str = "/") -> tuple[int | str, str]:
        return ask(self.port, host, path, self.netns)

    def serves(self, host: str, status: int = 200, deadline: float = 15.0) -> float:
        """Waits until a host is answered so; the seconds."""
        try:
            return until(lambda: self.get(host)[0] == status, f"{status} for {host}", deadline)
        except AssertionError as error:
            raise AssertionError(f"{error} (now {self.get(host)[0]}); log:\n{self.log()[-4000:]}") from None

    def log(self) -> str:
        return self.confgen.log()

    def tells(self, text: str, deadline: float = 15.0, *, times: int = 1) -> float:
        """Waits until the log holds the text so often; the seconds."""
        try:
            return until(lambda: self.log().count(text) >= times, f"{text!r} is told", deadline)
        except AssertionError as error:
            raise AssertionError(f"{error}; log:\n{self.log()[-4000:]}") from None

    def boot(self) -> World:
        """Starts the proxy, then confgen, and waits until the healthy route is served."""
        self.proxy.start()
        until(lambda: self.get("nobody.localhost")[0] == 404, lambda: f"the skeleton answers: {self.proxy.log()}")
        self.confgen.start()
        self.serves(HOST)
        self.settle()
        return self

    def settle(self) -> None:
        """Waits until live, running and told are the same: the turn that brought the last change is over."""
        until(lambda: self.running() == self.folder.live(), "the running proxy shows what is live")
        until(lambda: f"serves generation {self.folder.live()}" in self.log() or not self.confgen.running, "the turn is told")

    @property
    def hands(self) -> ChannelTarget:
        return ChannelTarget("the proxy", self.folder, PurePosixPath(self.folder.path))

    def running(self) -> str:
        """The generation that the proxy shows, "" when nobody answers."""
        try:
            return PROXIES[self.kind].running(self.hands)
        except TargetUnavailable:
            return ""

    def live_bytes(self) -> dict[str, bytes]:
        return self.folder.read(self.folder.live())

    def footprint(self) -> tuple[object, ...]:
        """What any write or reload would change: the link, when it was made, the generations, what was told."""
        link = os.lstat(self.folder.path / "live")
        return (
            self.folder.live(),
            link.st_ino,
            link.st_mtime_ns,
            tuple(sorted(p.name for p in self.folder.generations.iterdir())),
            self.log().count("serves generation"),
        )

    def end(self) -> None:
        for process in (self.confgen, self.proxy):
            if process.popen:
                process.stop()


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A folder with a short name: a unix socket's path has room for 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="cgf"))
    try:
        yield path
    finally:
        for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
            point = line.split()[1]
            if point.startswith(f"{path}/"):
                subprocess.run(["umount", "-l", point], check=False)
        shutil.rmtree(path, ignore_errors=True)


def name() -> str:
    """A name of this run's own, so that only what it made is removed."""
    return f"cgf{secrets.token_hex(3)}"
