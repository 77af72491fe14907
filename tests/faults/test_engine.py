"""F1 to F7, F11: an engine that goes, freezes, forgets and comes back costs nobody a request."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import engine as private_engine
from tests.faults import rig
from tests.faults.engine import Daemon
from tests.faults.faultsock import Faultsock, faultsock
from tests.faults.netns import inside, namespace
from tests.faults.probe import HOST, Probe
from tests.faults.record import Seen
from tests.faults.rig import Docker, World
from tests.faults.sizes import FULL, pace, size

Worlds = Callable[..., World]


@pytest.fixture(scope="module")
def daemon(docker: Docker) -> Iterator[Daemon]:
    """The private engine, with a healthy container of its own."""
    with private_engine.private(docker) as made:
        made.docker.run("healthy", host=HOST)
        yield made


@pytest.fixture
def inner(daemon: Daemon, home: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds in the private engine's network namespace."""
    made: list[World] = []

    def make(**given: object) -> World:
        if not daemon.process.running:
            daemon.start()
        up = daemon.docker("ps", "-q", "--filter", f"name={daemon.docker.label}-healthy")
        if not up:
            daemon.docker("start", f"{daemon.docker.label}-healthy")
        given.setdefault("engine", f"unix://{daemon.socket}")
        made.append(World(home=home, netns=daemon.netns, **given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.end()
    if daemon.process.running:
        left = daemon.docker("ps", "-aq", "--filter", "label=cgf").split()
        kept = daemon.docker("ps", "-aq", "--filter", f"name={daemon.docker.label}-healthy").split()
        daemon.docker.remove(*(i for i in left if i not in kept)) if set(left) - set(kept) else None


def _resync(made: World, times: int) -> float:
    """Waits for the turn after the next reconnect."""
    return made.tells("woken by watching the engine", times=times)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["f01-SIGTERM", "f02-SIGKILL"])
def test_f01_the_engine_restarts_and_containers_stay(daemon: Daemon, inner: Worlds, probed, seen: Seen, number: int) -> None:
    made = inner().boot()
    before = made.footprint()
    times = made.log().count("woken by watching the engine")
    with probed(made) as probe:
        daemon.end(number)
        made.tells("does not answer")
        time.sleep(size("outage", 0, 5))
        back = daemon.start()
        synced = _resync(made, times + 1)
        assert made.footprint() == before, made.log()
        name = daemon.docker.run("after", host="after.localhost")
        follows = made.serves("after.localhost")
    assert synced <= 2.0
    daemon.docker.remove(name)
    seen(
        f"engine back in {back:.1f} s, looked at again {synced:.2f} s later, 0 writes, 0 reloads, then follows ({follows:.2f} s); {probe.requests} probes, 0 errors"
    )


def test_f03_the_engine_freezes(daemon: Daemon, inner: Worlds, probed, seen: Seen) -> None:
    made = inner(pace=pace("ping=1.5,ping_deadline=1")).boot()
    before = made.footprint()
    with probed(made) as probe:
        daemon.process.send(signal.SIGSTOP)
        frozen = time.monotonic()
        try:
            detected = made.tells("the engine is silent", 12)
            time.sleep(max(0.0, size("freeze", 4, 60) - (time.monotonic() - frozen)))
            assert made.footprint() == before
        finally:
            daemon.process.send(signal.SIGCONT)
        thawed = time.monotonic()
        name = daemon.docker.run("thawed", host="thawed.localhost")
        made.serves("thawed.localhost", deadline=30)
        back = time.monotonic() - thawed
    daemon.docker.remove(name)
    assert detected <= 10
    seen(
        f"told after {detected:.1f} s, nothing written, follows again {back:.1f} s after the thaw; {probe.requests} probes, 0 errors"
    )


def test_f04_the_engine_is_back_before_its_containers(daemon: Daemon, inner: Worlds, seen: Seen) -> None:
    """Without live-restore: all containers die with the engine and come back with it; no route may vanish meanwhile."""
    daemon.end()
    daemon.start(live_restore=False)
    daemon.docker("start", f"{daemon.docker.label}-healthy")
    made = inner().boot()
    names = [daemon.docker.run(f"again{n}", "--restart", "always", host=f"again{n}.localhost") for n in range(5)]
    for n in range(5):
        made.serves(f"again{n}.localhost")
    made.settle()
    daemon.docker("update", "--restart", "always", f"{daemon.docker.label}-healthy")
    dropped: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            dropped.extend(f"again{n}" for n in range(5) if made.get(f"again{n}.localhost")[0] == 404)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Probe(made.port, made.netns) as probe:
            daemon.end()
            time.sleep(0.5)
            daemon.start(live_restore=False)
            for n in range(5):
                made.serves(f"again{n}.localhost", deadline=30)
            time.sleep(1)
    finally:
        stop.set()
        watcher.join()
        daemon.docker.remove(*names)
    told = probe.errors
    assert not dropped, f"routes were gone for a while: {dropped}; log:\n{made.log()[-3000:]}"
    assert set(told) <= {502, 503, 504}, "while a container is dead its route says so; it is never unknown"
    seen(f"0 of 6 routes dropped; the dead containers themselves answered {told or 'nothing wrong'}")


def test_f04_a_list_that_lacks_most_after_a_reconnect_is_not_believed(liar: Faultsock, world: Worlds, probed, seen: Seen) -> None:
    hold = 30 if FULL else 3
    made = world(pace="" if FULL else "hold=3,guard=2,relist=1")
    rows = [liar.row(n, f"h{n}.localhost") for n in range(8)]
    liar.extra.update({r["Id"]: r for r in rows})
    made.boot()
    before = made.footprint()
    with probed(made) as probe:
        opened = liar.asked["events"]
        liar.rows = lambda found: [r for r in found if r["Id"] not in liar.extra] if liar.asked["events"] > opened else found
        liar.hang_up()
        made.tells("they are kept for")
        time.sleep(hold * 0.6)
        assert made.footprint() == before
        liar.rows = lambda found: found
        made.confgen.send(signal.SIGHUP)
        made.tells("SIGHUP")
        time.sleep(hold * 0.6)
        assert made.footprint() == before
        liar.take(*rows[:1])
        gone = made.serves("h0.localhost", 404, deadline=5)
    seen(
        f"8 of 9 missing after the reconnect: kept, back after {hold * 0.6:.0f} s, 0 writes; a true removal then took {gone:.2f} s; {probe.requests} probes, 0 errors"
    )


def test_f04_a_list_that_lacks_most_after_failed_ones_is_not_believed(liar: Faultsock, world: Worlds, probed, seen: Seen) -> None:
    """As an engine that starts: the list fails for a while, then comes without the containers; the event stream stands."""
    made = world(pace="retry_most=1")
    rows = [liar.row(n, f"h{n}.localhost") for n in range(8)]
    liar.extra.update({r["Id"]: r for r in rows})
    made.boot()
    made.tells("woken by watching the engine")
    before = made.footprint()
    with probed(made) as probe:
        liar.answers["list"] = (503, b"starting")
        made.confgen.send(signal.SIGHUP)
        made.tells("it answers 503: starting")
        time.sleep(size("starting", 1, 15))  # longer than a reconnect counts as recent
        liar.rows = lambda found: [r for r in found if r["Id"] not in liar.extra]
        liar.answers.clear()
        made.tells("they are kept for", 30)
        assert made.footprint() == before
        liar.rows = lambda found: found
    seen(f"8 of 9 missing after lists that failed: kept, 0 writes; {probe.requests} probes, 0 errors")


def test_f05_a_stale_socket(docker: Docker, home: Path, world: Worlds, probed, seen: Seen) -> None:
    """The engine makes its socket anew; whoever mounted the old file never sees it."""
    mounted = home / "mounted.sock"
    mounted.touch()
    one = home / "engine.sock"
    address = docker.address("healthy")
    made = world(engine=f"unix://{mounted}", pace=pace("stale=4"))
    with contextlib.ExitStack() as undo:
        with faultsock(docker.host.removeprefix("unix://"), docker.label, one, address):
            subprocess.run(["mount", "--bind", one, mounted], check=True)
            undo.callback(subprocess.run, ["umount", "-l", mounted], check=False)
            made.boot()
            before = made.footprint()
        probe = undo.enter_context(probed(made))
        again = undo.enter_context(faultsock(docker.host.removeprefix("unix://"), docker.label, one, address))
        started = time.monotonic()
        code = made.confgen.wait(75)
        ended = time.monotonic() - started
        assert made.footprint() == before
        assert code == 75
        # What a restart policy does: the container is started anew, and its mount with it.
        subprocess.run(["umount", "-l", mounted], check=True)
        subprocess.run(["mount", "--bind", one, mounted], check=True)
        made.confgen.start()
        again.extra.update({(r := again.row(1, "after.localhost"))["Id"]: r})
        back = made.serves("after.localhost")
    seen(
        f"ended with 75 after {ended:.0f} s, live untouched, after the restart right in {back:.1f} s; {probe.requests} probes, 0 errors"
    )


STORM = """
import docker, statistics, sys, time
client = docker.APIClient(base_url=sys.argv[1], version="1.41")
times = []
for number in range(int(sys.argv[2])):
    started = time.monotonic()
    client.tag(sys.argv[3], "storm", str(number % 50))
    times.append(time.monotonic() - started)
print(statistics.median(times) * 1000, max(times) * 1000)
"""


CHURNING = 4


def _storm(daemon: Daemon, tags: int) -> tuple[float, float]:
    """Image tags as fast as they go, each an event; median and longest in ms."""
    done = subprocess.run(
        [sys.executable, "-c", STORM, daemon.docker.host, str(tags), rig.IMAGE], capture_output=True, text=True, check=True
    )
    median, longest = done.stdout.split()
    return float(median), float(longest)


def _churn(daemon: Daemon, starts: int) -> None:
    for number in range(starts):
        name = f"{daemon.docker.label}-churn{number % CHURNING}"
        daemon.docker("restart", "-t", "0", name)


def test_f06_f07_a_storm_of_events_and_a_paused_confgen(daemon: Daemon, inner: Worlds, probed, seen: Seen) -> None:
    tags, starts = size("tags", 100, 5000), size("starts", 2, 100)
    alone, _ = _storm(daemon, tags)
    made = inner().boot()
    names = [daemon.docker.run(f"churn{n}", host=f"churn{n}.localhost") for n in range(CHURNING)]
    for n in range(CHURNING):
        made.serves(f"churn{n}.localhost")
    made.settle()
    memory = made.confgen.status("VmRSS")
    told = made.log().count("serves generation")
    with probed(made) as probe:
        started = time.monotonic()
        churn = threading.Thread(target=_churn, args=(daemon, starts))
        churn.start()
        with_us, longest = _storm(daemon, tags)
        churn.join()
        took = time.monotonic() - started
        renders = made.log().count("serves generation") - told
        for n in range(CHURNING):
            made.serves(f"churn{n}.localhost", deadline=5)
        made.settle()
        assert renders <= 3 * starts, "a restart is a removal, which waits for nothing, and an addition"
        made.confgen.send(signal.SIGSTOP)
        try:
            churn = threading.Thread(target=_churn, args=(daemon, starts))
            churn.start()
            _storm(daemon, tags)
            churn.join()
            time.sleep(size("pause", 1, 60))
            late = daemon.docker.run("late", host="late.localhost")
        finally:
            made.confgen.send(signal.SIGCONT)
        caught_up = made.serves("late.localhost", deadline=10)
        grown = (made.confgen.status("VmRSS") - memory) / 1024
    daemon.docker.remove(*names, late)
    assert caught_up <= 2.0
    assert grown < 10
    assert longest < 2000
    seen(
        f"{tags} tags and {starts} restarts in {took:.1f} s: {renders} reloads, 0 routes lost; one tag {with_us:.2f} ms "
        f"({alone:.2f} ms without confgen and churn); stopped in a second storm and continued: right after {caught_up:.2f} s, "
        f"memory {grown:+.1f} MB; {probe.requests} probes, 0 errors"
    )


def test_f11_a_half_open_connection(docker: Docker, home: Path, seen: Seen) -> None:
    """The network to an engine on TCP swallows everything without a word."""
    with namespace(rig.name()) as netns, contextlib.ExitStack() as undo:
        port = 2375
        liar = undo.enter_context(
            faultsock(
                docker.host.removeprefix("unix://"),
                docker.label,
                home / "liar.sock",
                docker.address("healthy"),
                netns=netns,
                port=port,
            )
        )
        made = World(
            home=home, engine=f"tcp://127.0.0.1:{port}", pace=pace("ping=1.5,ping_deadline=1,deadline=2"), before=inside(netns)
        )
        undo.callback(made.end)
        made.boot()
        before = made.footprint()
        probe = undo.enter_context(Probe(made.port))
        rule = ("INPUT", "-i", "lo", "-p", "tcp", "-m", "multiport", "--ports", str(port), "-j", "DROP")
        subprocess.run([*inside(netns), "iptables", "-w", "-A", *rule], check=True)
        detected = made.tells("the engine is silent", 12)
        assert made.footprint() == before
        subprocess.run([*inside(netns), "iptables", "-w", "-D", *rule], check=True)
        liar.add(liar.row(1, "after.localhost"), tell=False)
        back = made.serves("after.localhost", deadline=40)
    assert not probe.errors
    assert detected <= 10
    seen(
        f"told after {detected:.1f} s, nothing written, follows {back:.1f} s after packets pass again; {probe.requests} probes, 0 errors"
    )
