"""The Docker engine: the one that answers, or a private one that this module starts and, only that one, ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bed.shell import BedError, cache, run, say, step, works
from tests.bed.tools import ensure_apt

# One place for the whole machine, not one per cache: two engines would fight over docker0 and the firewall.
RUN = Path("/run/confgen-bed")
SOCKET = RUN / "docker.sock"
PIDFILE = RUN / "docker.pid"
EXEC_ROOT = RUN / "exec"
CONTAINERD_PIDFILE = EXEC_ROOT / "containerd" / "containerd.pid"
# The bridges that were there before us, one per line.
BRIDGES = RUN / "bridges-before"
# Written by `up`, so that the `run` of somebody else does not end an engine that is meant to stay.
KEEP = RUN / "keep"
HOST = f"unix://{SOCKET}"

START_SECONDS = 60
STOP_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. `host` is empty when the docker command finds it without being told."""

    host: str
    ours: bool

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to reach it."""
        return {"DOCKER_HOST": self.host} if self.host else {}


def find() -> Engine | None:
    """Look for an engine that answers: the user's first, then the private one."""
    if not shutil.which("docker"):
        return None
    if os.environ.get("DOCKER_HOST") != HOST and works(["docker", "version"]):
        return Engine(host=_their_host(), ours=False)
    if SOCKET.exists() and works(["docker", "version"], env={"DOCKER_HOST": HOST}):
        return Engine(host=HOST, ours=True)
    return None


def _their_host() -> str:
    """Tell tests the socket of the user's context, which the docker command knows and Docker's Python library does not.

    Only a local socket: an address alone is not enough where certificates or ssh are in play.
    """
    host = run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).strip()
    return host if host.startswith("unix://") else ""


def up() -> Engine:
    """Find an engine or start the private one."""
    engine = find()
    if engine:
        whose = "the private one" if engine.ours else "the one that was there"
        say("engine", f"using {whose} ({engine.host or 'default socket'}, {_version(engine)})")
        return engine
    if not shutil.which("dockerd") or not shutil.which("docker"):
        ensure_apt("docker.io")
    with step("engine", "starting a private one (none answers here)"):
        _start()
    engine = Engine(host=HOST, ours=True)
    say("engine", f"it answers at {HOST} ({_version(engine)})")
    return engine


def down() -> bool:
    """End the private engine and what is left of it; never any other. Returns whether there was one."""
    pid = _alive(PIDFILE, "dockerd")
    if pid:
        with step("engine", "stopping the private one"):
            _end(pid)
    # It outlives a dockerd that was killed.
    containerd = _alive(CONTAINERD_PIDFILE, "containerd")
    if containerd:
        _end(containerd)
    _remove_bridges()
    for path in (PIDFILE, CONTAINERD_PIDFILE, SOCKET, KEEP, BRIDGES):
        path.unlink(missing_ok=True)
    return pid is not None


def keep() -> None:
    """The private engine, if it is the one that runs, stays until `down`."""
    if SOCKET.exists():
        KEEP.touch()


def started_for_a_while() -> bool:
    """Whether a private engine runs that nobody asked to keep."""
    return SOCKET.exists() and not KEEP.exists()


def _version(engine: Engine) -> str:
    server = json.loads(run(["docker", "version", "--format", "{{json .Server}}"], env=engine.environment))
    return f"Docker {server['Version']}"


def _start() -> None:
    if os.geteuid() != 0:
        raise BedError("no Docker engine answers, and only root may start one", "start Docker, or run this as root")
    # After a SIGKILL or a reboot a pid file names nobody or a stranger: dockerd would refuse to start, or wait for it.
    down()
    EXEC_ROOT.mkdir(parents=True, exist_ok=True)
    BRIDGES.write_text("".join(f"{name}\n" for name in _bridges()), encoding="utf-8")
    home = cache() / "engine"
    home.mkdir(exist_ok=True)
    log_path = home / "dockerd.log"
    with log_path.open("ab") as log, contextlib.ExitStack() as undo:
        daemon = subprocess.Popen(_command(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        # Last in, first out: if it does not come up, or somebody presses Ctrl-C meanwhile, nothing of it stays.
        undo.callback(down)
        undo.callback(daemon.wait, STOP_SECONDS)
        undo.callback(daemon.terminate)
        _wait_until_it_answers(daemon, log_path)
        undo.pop_all()


def _command(home: Path) -> list[str]:
    return [
        "dockerd",
        f"--host={HOST}",
        f"--pidfile={PIDFILE}",
        f"--exec-root={EXEC_ROOT}",
        f"--data-root={home / 'data'}",
        # Nobody configured this one: the machine's daemon.json is about another engine.
        f"--config-file={_settings(home)}",
    ]


def _settings(home: Path) -> Path:
    """Small networks, since the default pools run dry after about 30; a short goodbye, since the tests are over."""
    path = home / "daemon.json"
    settings = {
        "default-address-pools": [{"base": "10.213.0.0/16", "size": 24}],
        "log-opts": {"max-size": "10m"},
        "shutdown-timeout": 5,
    }
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return path


def _wait_until_it_answers(daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if SOCKET.exists() and works(["docker", "version"], env={"DOCKER_HOST": HOST}):
            return
        if daemon.poll() is not None:
            raise BedError(f"dockerd ended with {daemon.returncode} at its start:\n{_tail(log)}", f"see {log}")
        time.sleep(0.1)
    raise BedError(f"dockerd does not answer after {START_SECONDS} s:\n{_tail(log)}", f"see {log}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _alive(pidfile: Path, name: str) -> int | None:
    """The process that a pid file names, if it is the one we mean: it runs that program and was told of our folder."""
    try:
        pid = int(pidfile.read_text(encoding="utf-8"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    runs_it = Path(words[0].decode()).name == name
    return pid if runs_it and any(bytes(RUN) in word for word in words) else None


def _end(pid: int) -> None:
    """Ask; wait; and insist only when asking did not help."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _gone(pid):
                return
            time.sleep(0.05)
        say("engine", f"process {pid} is still there {seconds} s after {number.name}")


def _gone(pid: int) -> bool:
    """A zombie counts as gone: where nobody reaps orphans it stays in the table for ever."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def _bridges() -> set[str]:
    """The network bridges of this machine that have Docker's kind of name."""
    return {name for _, name in socket.if_nameindex() if re.fullmatch(r"docker0|br-[0-9a-f]{12}", name)}


def _remove_bridges() -> None:
    """dockerd leaves its bridges behind, and the next one would take over our address with docker0."""
    if not BRIDGES.exists() or not shutil.which("ip"):
        return
    before = set(BRIDGES.read_text(encoding="utf-8").split())
    for name in _bridges() - before:
        run(["ip", "link", "delete", name])
