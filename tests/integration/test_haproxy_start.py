"""The start script and the master's socket: first starts, reloads that lose nothing, reloads that fail, kill -9 and back."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from confgen.apply import Result, apply
from confgen.errors import RefusedByProxy, ReloadFailed, TargetUnavailable
from confgen.model import Model
from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.haproxy.control import SOCKET
from confgen.render import Candidate
from confgen.targets.process import ProcessTarget
from confgen.targets.target import Command
from confgen.values import Duration
from tests.integration.haproxy_bed import Bench, bench, binaries, newest  # noqa: F401 - the fixtures
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    alive,
    ask,
    backends,
    children,
    free_port,
    model,
    pool,
    route,
    server,
    stream,
    wait_for,
)
from tests.load import Load

Make = Callable[..., Backend]


def site(backend: Backend, *more: object) -> Model:
    return model(route("a.web", "a.test", to="web"), pool("web", server("web", backend.port)), *more)  # type: ignore[arg-type]


def master(bench: Bench) -> int:
    """The master's process; the shell above it is the container's first."""
    found = re.search(rb"(?m)^([0-9]+) +master ", bench.target.talk(SOCKET, b"show proc\n", 5))
    assert found
    return int(found[1])


def workers(bench: Bench) -> int:
    return len(re.findall(rb"(?m)^[0-9]+ +worker ", bench.target.talk(SOCKET, b"show proc\n", 5)))


def test_an_empty_volume_gets_a_skeleton_that_confgen_replaces(bench: Bench, backends: Make) -> None:
    assert bench.running() == "skeleton"
    assert bench.ask("a.test").status == 404
    assert bench.caps().version[:2] == tuple(int(part) for part in bench.version.split("."))
    assert "ipv6" in bench.caps().features
    applied = bench.serve(site(backends("web")))
    assert (applied.result, bench.running()) == (Result.RELOADED, applied.generation)
    assert bench.ask("a.test").server == "web"


def test_it_can_be_asked_while_it_starts(bench: Bench) -> None:
    """Both containers start at once: a question that the starting worker never saw must not cost its whole deadline."""
    bench.stop()
    started = time.monotonic()
    bench.start()
    assert time.monotonic() - started < 3


def test_the_same_text_is_not_applied_twice(newest: Bench, backends: Make) -> None:
    web = backends("web")
    newest.serve(site(web))
    before = workers(newest), newest.log.read_text().count("Loading success")
    assert newest.serve(site(web)).result is Result.UNCHANGED
    assert (workers(newest), newest.log.read_text().count("Loading success")) == before


def test_a_restart_serves_what_was_live(bench: Bench, backends: Make) -> None:
    applied = bench.serve(site(backends("web")))
    bench.stop()
    with pytest.raises(TargetUnavailable):
        HAPROXY.running(bench.target)
    with pytest.raises(TargetUnavailable, match="takes no requests"):
        bench.caps()
    bench.start()
    assert bench.running() == applied.generation
    assert bench.ask("a.test").server == "web"


def test_killed_with_9_it_comes_back(bench: Bench, backends: Make) -> None:
    applied = bench.serve(site(backends("web")))
    os.kill(master(bench), signal.SIGKILL)
    assert bench.process is not None
    assert bench.process.wait(10) == 128 + signal.SIGKILL
    with pytest.raises(TargetUnavailable):
        bench.caps()
    bench.start()
    assert bench.running() == applied.generation
    assert bench.ask("a.test").server == "web"


def test_live_text_that_is_refused_does_not_keep_it_from_starting(newest: Bench) -> None:
    newest.stop()
    (newest.shared / "generations/skeleton/haproxy.cfg").write_text("nonsense\n")
    newest.start()
    assert newest.running() == "skeleton"
    assert "nonsense" in newest.log.read_text()


@pytest.mark.parametrize("sign", [signal.SIGUSR1, signal.SIGTERM])
def test_it_ends_when_it_is_told_to_and_leaves_nobody_behind(bench: Bench, sign: int) -> None:
    everybody = [bench.pid, *children(bench.pid)]
    assert len(everybody) == 3, "the shell, the loop, the master"
    bench.stop(sign)
    wait_for(lambda: not any(alive(pid) for pid in everybody), 5)


def test_a_reload_loses_nothing(bench: Bench, backends: Make) -> None:
    web = backends("web")
    bench.serve(site(web))
    with Load(bench.http_port, "a.test", rate=200) as load:
        for number in range(5):
            slow = route("b", "b.test", to="web", read=Duration(90_000 + number))
            assert bench.serve(site(web, slow)).result is Result.RELOADED
    assert load.result.requests > 20
    assert load.result.failures == 0, load.result
    wait_for(lambda: workers(bench) == 1, 10)


def on_taken_port(backend: Backend, port: int) -> Model:
    return site(backend, stream("tcp", port, "t"), pool("t", server("web", backend.port), protocol="tcp"))


@pytest.mark.parametrize("at", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_seen_before_the_reload(bench: Bench, backends: Make, at: str) -> None:
    """A reload would see it too, but HAProxy's old worker refuses everybody for the 2 s that the new one tries."""
    web = backends("web")
    good = bench.serve(site(web))
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    with socket.create_server((at, 0), family=family) as busy, Load(bench.http_port, "a.test", rate=200) as load:
        port = int(busy.getsockname()[1])
        with pytest.raises(RefusedByProxy, match=f":{port}\\]"):
            bench.serve(on_taken_port(web, port))
        wait_for(lambda: load.result.requests > 50)
    assert load.result.failures == 0, load.result
    assert bench.running() == bench.target.folder.live() == good.generation
    assert bench.serve(on_taken_port(web, port)).result is Result.RELOADED, "it is free now"


def test_a_port_that_is_taken_is_told_and_undone(bench: Bench, backends: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no start script looks at the ports, or the port was taken a moment later."""
    monkeypatch.setenv("PATH", f"{bench.folder}/path:{os.environ['PATH']}")
    web = backends("web")
    good = bench.serve(site(web))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = int(busy.getsockname()[1])
        candidate = bench.candidate(on_taken_port(web, port))
        with pytest.raises(ReloadFailed) as caught:
            apply(candidate, HAPROXY, bench.caps(), ProcessTarget("HAProxy", bench.target.folder), 5)
    if bench.version != "2.6":
        assert f":{port}" in caught.value.message
    assert bench.target.folder.live() == good.generation
    assert bench.running() == good.generation
    assert bench.ask("a.test").server == "web"
    after = bench.serve(site(web, route("c.web", "c.test", to="web")))
    assert bench.running() == after.generation
    assert bench.ask("c.test").server == "web"
    wait_for(lambda: workers(bench) == 1, 10)


def test_text_that_haproxy_refuses_never_goes_live(bench: Bench, backends: Make) -> None:
    good = bench.serve(site(backends("web")))
    bad = Candidate("0123456789abcdef", (("haproxy.cfg", b"global\n    nonsense\n"),))
    with pytest.raises(RefusedByProxy, match="nonsense"):
        apply(bad, HAPROXY, bench.caps(), bench.target, 5)
    assert bench.target.folder.live() == good.generation == bench.running()


def test_many_reloads_leak_nothing(bench: Bench, backends: Make) -> None:
    web = backends("web")
    bench.serve(site(web))
    process, loop = master(bench), set(children(bench.pid))
    before = len(os.listdir(f"/proc/{process}/fd"))
    for number in range(6):
        bench.serve(site(web, route(f"b.{number}", "b.test", to="web")))
    wait_for(lambda: workers(bench) == 1, 10)
    assert master(bench) == process
    assert set(children(bench.pid)) == loop
    assert len(os.listdir(f"/proc/{process}/fd")) <= before + 1
    assert bench.caps().proxy == "haproxy"


def test_two_reloads_at_once_are_taken_one_after_the_other(bench: Bench) -> None:
    for _ in range(4):
        HAPROXY.reload(bench.target)
    wait_for(lambda: bench.running() == "skeleton")


def test_no_secret_of_the_environment_reaches_haproxy(bench: Bench) -> None:
    for pid in (master(bench), *children(master(bench))):
        assert b"must not be seen" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert b"must not be seen" in Path(f"/proc/{bench.pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("verb", "argument"),
    [
        ("test", "../../etc"),
        ("test", ""),
        ("test", "0123456789ABCDEF"),
        ("rm", "-rf"),
        ("version", "x"),
        ("$(touch x)", "`id`"),
        ("test", "*"),
    ],
)
def test_the_loop_refuses_what_it_does_not_know(newest: Bench, verb: str, argument: str) -> None:
    answer = newest.target.run(Command(verb, argument, ()), 5)
    assert answer.code == 64
    assert newest.caps().proxy == "haproxy"


def test_the_loop_survives_anything_a_request_can_hold(newest: Bench) -> None:
    descriptor = os.open(newest.shared / "run/request", os.O_WRONLY | os.O_NONBLOCK)
    for line in (
        b"\n",
        b"\0\0\n",
        b"zz version\n",
        b"\xff\xfe \\\n",
        b"x" * 3000 + b"\n",
        b"0123456789abcdef\n",
        b"-n -e -E\n",
        b"../../../x version\n",
    ):
        os.write(descriptor, line)
    os.close(descriptor)
    assert newest.caps().proxy == "haproxy"
    strangers = [
        p.name
        for p in (newest.shared / "run").iterdir()
        if p.name not in ("master.sock", "request", "drafts", "answer.0123456789abcdef")
    ]
    assert strangers == []


def test_haproxy_without_ipv6_listens_on_ipv4_alone(newest: Bench, backends: Make) -> None:
    caps = HAPROXY.caps(newest.version)
    without = type(caps)(caps.proxy, caps.version, caps.features - {"ipv6"})
    text = newest.candidate(site(backends("web")), without).as_dict()["haproxy.cfg"]
    assert b"[::]" not in text
    assert b"[::]" in newest.candidate(site(backends("web"))).as_dict()["haproxy.cfg"]
    assert ask(newest.http_port, "a.test", "/").status == 404
