"""F13, F14, F26, F31: whoever dies, wherever, leaves the old or the new, whole; and the next one goes on."""

from __future__ import annotations

import json
import mmap
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from confgen.targets.folder import Folder
from tests.faults.faultsock import Faultsock
from tests.faults.probe import HOST, Probe
from tests.faults.record import Seen
from tests.faults.rig import ROOT, Docker, Process, World, until
from tests.faults.sizes import FULL, size

Worlds = Callable[..., World]

#: What changes something outside of the process, or tells somebody else to.
CALLS = (
    "openat", "write", "fsync", "fdatasync", "rename", "renameat2", "symlink", "unlink", "unlinkat", "mkdir", "rmdir", "chmod",
    "fchmod", "utimensat", "flock", "connect", "sendto", "close",
)  # fmt: skip


@dataclass
class Turner:
    """The process from which turns are forked; it is loaded once."""

    world: World
    popen: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.turner", self.world.kind, str(self.world.folder.path), str(self.world.port)],
            env={**os.environ, **self.world.env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def ask(self, **request: object) -> int:
        """Starts a child; its pid."""
        assert self.popen.stdin
        self.popen.stdin.write(json.dumps(request) + "\n")
        self.popen.stdin.flush()
        return self._number()

    def ended(self) -> int:
        """Waits for it; its exit code, or the signal that ended it, negative."""
        return os.waitstatus_to_exitcode(self._number())

    def turn(self, **request: object) -> int:
        self.ask(**request)
        return self.ended()

    def traced(self, *options: str, **request: object) -> int:
        """A turn under strace, from its first system call on."""
        pid = self.ask(hold=True, **request)
        until(lambda: _stopped(pid), "the child waits")
        strace = subprocess.Popen(["strace", "-f", "-p", str(pid), *options], stderr=subprocess.PIPE, text=True)
        assert strace.stderr
        assert "attached" in strace.stderr.readline()
        os.kill(pid, signal.SIGCONT)
        code = self.ended()
        strace.communicate(timeout=10)
        return code

    def _number(self) -> int:
        assert self.popen.stdout
        return int(self.popen.stdout.readline())

    def end(self) -> None:
        self.popen.communicate(timeout=10)


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def turning(
    docker: Docker, world: Worlds, kind: str, tools: None
) -> Iterator[tuple[World, Turner, Callable[[int], dict[str, str]]]]:
    """A world without a confgen, a turner, and states that differ by a host."""
    made = world(kind=kind)
    made.proxy.start()
    until(lambda: made.get("nobody.localhost")[0] == 404, "the skeleton answers")
    turner = Turner(made)
    address = docker.address("healthy")
    yield made, turner, lambda n: {HOST: address, f"state{n}.localhost": address}
    turner.end()


def _calls(trace: Path) -> list[tuple[str, int]]:
    """Each system call of a traced turn that is worth dying at: its name, and the how manieth of that name it is."""
    counted: Counter[str] = Counter()
    found = []
    for line in trace.read_text(encoding="utf-8").splitlines():
        call = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if call:
            counted[call[1]] += 1
            waiting = "answer." in line and "ENOENT" in line  # the poll for an answer: its number differs from turn to turn
            if not waiting:
                found.append((call[1], counted[call[1]]))
    return found


def test_f13_killed_at_every_system_call(turning, home: Path, seen: Seen) -> None:  # type: ignore[no-untyped-def]
    """kill -9 at each call of a turn that brings a new generation: never torn, and the next turn converges."""
    made, turner, hosts = turning
    assert turner.turn(hosts=hosts(0)) == 0
    trace = home / "trace"
    options = ("-e", f"trace={','.join(CALLS)}")
    assert turner.traced("-o", str(trace), *options, hosts=hosts(1)) == 0
    calls = _calls(trace)
    assert len(calls) > 40
    killed = torn = 0
    chosen = calls[:: 1 if FULL else size("step", 7, 1)]
    with Probe(made.port) as probe:
        for number, (call, nth) in enumerate(chosen, start=2):
            old = made.folder.live()
            code = turner.traced("-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={nth}", hosts=hosts(number))
            assert code in (0, -signal.SIGKILL), (call, nth, code)
            killed += code != 0
            left = {p.name: made.folder.read(p.name) for p in made.folder.generations.iterdir() if p.name[0] != "."}
            live, running = made.folder.live(), made.running()
            assert turner.turn(hosts=hosts(number)) == 0, (call, nth)
            new = made.folder.live()
            assert live in (old, new), (call, nth)
            assert running in (old, new, "changing"), (call, nth)
            torn += any(files != made.folder.read(name) for name, files in left.items() if name in (old, new))
            assert made.running() == new
            assert made.get(f"state{number}.localhost")[0] == 200
            assert len(_drafts(made)) <= 1, "what a death in the tidying leaves goes with the next change"
        assert turner.turn(hosts=hosts(0)) == 0
        assert not _drafts(made)
        assert not probe.errors, probe.errors
    assert torn == 0
    assert killed > len(chosen) * 0.8, "the calls were met"
    seen(
        f"{killed} kills at {len(chosen)} of {len(calls)} system calls: 0 torn, {len(chosen)} converged; {probe.requests} probes, 0 errors"
    )


def _drafts(made: World) -> list[Path]:
    """What is half written or half removed."""
    return [path for path in made.folder.generations.iterdir() if path.name[0] == "."]


def test_f14_killed_between_write_and_reload(liar: Faultsock, turning, probed, seen: Seen) -> None:  # type: ignore[no-untyped-def]
    made, turner, _ = turning
    made.confgen.start()
    made.serves(HOST)
    made.settle()
    made.confgen.stop(signal.SIGKILL)
    liar.extra.update({(r := liar.row(1, "next.localhost"))["Id"]: r})
    with probed(made) as probe:
        assert turner.turn(engine=made.engine, die=True) == -signal.SIGKILL
        assert made.folder.live() != made.running(), "written, and never told"
        started = time.monotonic()
        made.confgen.start()
        made.serves("next.localhost", deadline=10)
        took = time.monotonic() - started
        made.settle()
        loaded = float(re.findall(r"changes in (\d+) ms", made.log())[-1]) / 1000
    assert loaded <= 1.0
    seen(
        f"the first turn of the next one sees it and reloads in {loaded:.2f} s ({took:.2f} s with Python's start); {probe.requests} probes, 0 errors"
    )


def test_f26_two_replicas_on_one_volume(liar: Faultsock, world: Worlds, probed, seen: Seen) -> None:
    made = world().boot()
    rounds = size("takeovers", 3, 25)
    spare = made.companion("spare").start()
    _stand_by(spare)
    holder, other = made.confgen, spare
    times = []
    try:
        with probed(made) as probe:
            for number in range(rounds):
                told = other.log().count("serves generation")
                liar.add(liar.row(number, f"h{number}.localhost"))
                made.serves(f"h{number}.localhost")
                assert other.log().count("serves generation") == told, "the standby writes nothing"
                holder.stop(signal.SIGKILL)
                killed = time.monotonic()
                liar.add(liar.row(1000 + number, f"t{number}.localhost"))
                made.serves(f"t{number}.localhost", deadline=10)
                times.append(time.monotonic() - killed)
                _stand_by(holder.start())
                holder, other = other, holder
    finally:
        spare.stop()
    assert max(times) <= 2.0
    seen(
        f"{rounds} takeovers after kill -9: longest {max(times):.2f} s, the standby wrote nothing; {probe.requests} probes, 0 errors"
    )


def _stand_by(confgen: Process) -> None:
    """Waits until one that was just started is told to wait."""
    said = confgen.log().count("stands by")
    until(lambda: confgen.log().count("stands by") > said, "it stands by")


def test_f26_never_two_writers(home: Path, seen: Seen) -> None:
    """Contenders for the lock are killed at random; whoever holds it finds nobody else's mark."""
    folder = Folder(home)
    marks = mmap.mmap(-1, 16)  # who is inside; how often somebody else was found there
    entries = size("kills", 60, 1000)
    random = Random(7)
    children = [_contender(folder, marks) for _ in range(3)]
    kills = met = 0
    try:
        while kills < entries:
            inside = struct.unpack_from("q", marks, 0)[0]
            time.sleep(random.random() * 0.004)
            victim = inside if inside in children and random.random() < 0.8 else random.choice(children)
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            met += victim == inside
            children[children.index(victim)] = _contender(folder, marks)
            kills += 1
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    violations = struct.unpack_from("q", marks, 8)[0]
    assert violations == 0
    assert met > kills / 4
    seen(f"{kills} kills, {met} of whom had the lock a moment before: two writers 0 times")


def _contender(folder: Folder, marks: mmap.mmap) -> int:
    """A child that takes the lock, stays inside for a while, and leaves, over and over."""
    pid = os.fork()
    if pid:
        return pid
    own = os.getpid()
    while True:
        held = folder.lock()
        if held is None:
            time.sleep(0.0005)
            continue
        struct.pack_into("q", marks, 0, own)
        for _ in range(20):
            time.sleep(0.0002)
            if struct.unpack_from("q", marks, 0)[0] != own:
                struct.pack_into("q", marks, 8, struct.unpack_from("q", marks, 8)[0] + 1)
                struct.pack_into("q", marks, 0, own)
        os.close(held)


def test_f31_as_the_first_process_of_a_container(liar: Faultsock, world: Worlds, probed, seen: Seen) -> None:
    """As PID 1 nothing has a default: SIGHUP looks again, SIGTERM ends it with 0, also in the middle of a turn."""
    made = world(before=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"))
    times = []
    with_probe: list[int] = []
    for number in range(size("terms", 3, 20)):
        made.confgen.output.unlink(missing_ok=True)
        if number:
            made.confgen.start()
        else:
            made.boot()
        made.tells("DEBUG")
        first = _only_child(made.confgen.pid)
        assert "NSpid:" in Path(f"/proc/{first}/status").read_text()
        assert Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].split("\n")[0].split()[-1] == "1"
        with probed(made) as probe:
            liar.add(liar.row(number, f"hup{number}.localhost"), tell=False)
            os.kill(first, signal.SIGHUP)
            made.serves(f"hup{number}.localhost", deadline=5)
            liar.add(liar.row(100 + number, f"term{number}.localhost"))
            time.sleep(0.01 * number)  # each time at another step of the turn
            started = time.monotonic()
            os.kill(first, signal.SIGTERM)
            code = made.confgen.wait(10)
            times.append(time.monotonic() - started)
        assert code == 0
        until(lambda: made.running() == made.folder.live(), "what is live runs")
        with_probe.append(probe.requests)
    assert not _drafts(made)
    assert max(times) <= 2.0
    seen(
        f"{len(times)} SIGTERMs in the middle of turns: code 0, longest {max(times):.2f} s, nothing half done; SIGHUP looks again; {sum(with_probe)} probes, 0 errors"
    )


def _only_child(pid: int) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: path.read_text().split(), "the inner process is there")
    return int(path.read_text().split()[0])
