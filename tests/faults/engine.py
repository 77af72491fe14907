"""A private engine that may be stopped, frozen and killed: own socket, folders and network namespace."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import rig
from tests.faults.netns import inside, namespace
from tests.faults.rig import Docker, Process, until


@dataclass
class Daemon:
    """One dockerd.  `live_restore`: whether containers outlive it, for the next start."""

    home: Path
    netns: str
    docker: Docker = field(init=False)
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.docker = Docker(f"unix://{self.socket}", self.netns)
        words = (
            *inside(self.netns),
            "dockerd",
            f"--host=unix://{self.socket}",
            f"--pidfile={self.home / 'docker.pid'}",
            f"--exec-root={self.home / 'exec'}",
            f"--data-root={self.home / 'data'}",
            f"--config-file={self.home / 'daemon.json'}",
        )
        self.process = Process(words, {}, self.home / "dockerd.log")

    @property
    def socket(self) -> Path:
        return self.home / "docker.sock"

    @property
    def answers(self) -> bool:
        try:
            return not subprocess.run(
                ["docker", "-H", self.docker.host, "version"], capture_output=True, check=False, timeout=5
            ).returncode
        except subprocess.TimeoutExpired:
            return False

    def start(self, *, live_restore: bool = True) -> float:
        """Starts it and waits until it answers; the seconds."""
        settings = {"live-restore": live_restore, "bip": "10.214.0.1/24", "shutdown-timeout": 3}
        (self.home / "daemon.json").write_text(json.dumps(settings), encoding="utf-8")
        self.process.start()
        return until(lambda: self.answers, lambda: f"the private engine answers: {self.process.log()[-6000:]}", 60)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ends it: SIGTERM as `systemctl stop` does, SIGKILL as a crash."""
        self.process.send(number)
        self.process.wait(40)
        if number == signal.SIGKILL:
            # Its containerd dies with it.  Where nobody reaps orphans it stays as a zombie, which the next dockerd would
            # take for a running one and wait for.
            until(lambda: self.containerd() is None, "containerd is gone")
            (self.home / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def containerd(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.home / "exec/containerd/containerd.pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            return pid if str(self.home).encode() in words else None
        return None

    def remove(self) -> None:
        """All of it: containers, the daemon, its containerd, its folders."""
        if self.process.running:
            self.process.send(signal.SIGCONT)
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.docker.remove()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
        pid = self.containerd()
        if pid:
            os.kill(pid, signal.SIGKILL)
        self._end_containers()
        for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
            point = line.split()[1]
            if point.startswith(f"{self.home}/"):
                subprocess.run(["umount", "-l", point], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def _end_containers(self) -> None:
        """Those that outlived an engine which could not be asked to remove them."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes()
                if b"containerd-shim" in words and bytes(self.home) in words:
                    children = (folder / "task" / folder.name / "children").read_text().split()
                    for pid in (*children, folder.name):
                        os.kill(int(pid), signal.SIGKILL)


@contextlib.contextmanager
def private(images: Docker) -> Iterator[Daemon]:
    """A running one with the smallest backend's image, taken from the bed's engine."""
    folder = Path(tempfile.mkdtemp(prefix="cgfd"))
    with namespace(rig.name()) as netns:
        daemon = Daemon(folder, netns)
        try:
            daemon.start()
            with subprocess.Popen(["docker", "-H", images.host, "save", rig.IMAGE], stdout=subprocess.PIPE) as save:
                subprocess.run(
                    ["docker", "-H", daemon.docker.host, "load", "-q"], stdin=save.stdout, check=True, stdout=subprocess.DEVNULL
                )
            yield daemon
        finally:
            daemon.remove()
