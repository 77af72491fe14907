# ruff: noqa: F811 - a fixture's name is an argument's name
"""The start script: either side may start first, nothing it is told can break it, and nginx comes back after anything."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from confgen.apply import Result, apply
from confgen.errors import RefusedByProxy, ReloadFailed, TargetUnavailable
from confgen.model import Model
from confgen.proxies.nginx import NGINX
from confgen.render import Candidate
from confgen.targets.target import Command
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    VERSIONS,
    Backend,
    Bench,
    alive,
    backends,
    bench,
    binaries,
    children,
    free_port,
    model,
    newest,
    pool,
    route,
    server,
    stream,
    wait_for,
)

Make = Callable[..., Backend]


def one_site(backend: Backend, host: str = "a.test") -> Model:
    return model(route("a.web", host, to="web"), pool("web", server("web", backend.port)))


def test_an_empty_folder_gets_a_skeleton_that_serves_404(bench: Bench) -> None:
    assert bench.running() == "skeleton"
    assert bench.target.folder.live() == "skeleton"
    assert bench.ask("any.test").status == 404
    assert bench.ask("any.test").body == b"404: confgen has not written anything yet\n"


def test_confgen_may_write_first(binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, backends: Make) -> None:
    found = Bench(VERSIONS[-1], binaries[VERSIONS[-1]], tmp_path_factory.mktemp("first"))
    candidate = found.candidate(one_site(backends("web")), NGINX.caps(NGINX.newest))
    found.target.folder.stage(candidate.generation, candidate.as_dict())
    found.target.folder.swap(candidate.generation)
    try:
        assert found.start().running() == candidate.generation
        assert found.ask("a.test").server == "web"
    finally:
        found.stop()


def program(shell: str) -> str:
    """Where it is: on this machine, or else in the bed, which has busybox."""
    found = shutil.which(shell) or shutil.which(shell, path=Path(os.environ.get("CONFGEN_BED", "")) / "bin")
    if not found:
        pytest.skip(f"{shell} is not on this machine, and the bed has none")
    return found


@pytest.mark.parametrize("shell", [("dash",), ("bash", "--posix"), ("busybox", "sh")], ids=lambda shell: shell[0])
def test_any_posix_shell_will_do(
    shell: tuple[str, ...], binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, backends: Make
) -> None:
    """The official images have dash, the Alpine ones busybox."""
    found = Bench(VERSIONS[-1], binaries[VERSIONS[-1]], tmp_path_factory.mktemp("shell"), shell=(program(shell[0]), *shell[1:]))
    try:
        found.start()
        assert found.serve(one_site(backends("web"))).result is Result.RELOADED
        assert found.target.run(Command("test", "../x", ()), 5).code == 64
        assert found.ask("a.test").server == "web"
    finally:
        found.stop()


def test_folders_belong_to_confgens_group_and_are_not_open_to_all(newest: Bench) -> None:
    shared = newest.target.folder.path
    for folder in (shared, shared / "run", shared / "generations"):
        found = folder.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 65532, 0o2775)
    request = (shared / "run" / "request").stat()
    assert (request.st_gid, stat.S_IMODE(request.st_mode)) == (65532, 0o660)


def test_version_test_and_reload(bench: Bench, backends: Make) -> None:
    said = bench.target.run(Command("version", "", ()), 5)
    assert said.code == 0
    assert re.search(r"^nginx version: nginx/" + re.escape(bench.version), said.output, re.MULTILINE)
    assert re.search(r"^confgen: ipv6=(yes|no)$", said.output, re.MULTILINE)
    assert bench.target.run(Command("test", "skeleton", ()), 5).code == 0
    applied = bench.serve(one_site(backends("web")))
    assert applied.result is Result.RELOADED
    assert bench.running() == applied.generation
    assert bench.serve(one_site(backends("other", 0))).result is Result.RELOADED


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "sh")], ids=lambda shell: shell[0])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_former_workers_finish_as_soon_as_a_new_one_runs(
    version: str, shell: tuple[str, ...], binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, backends: Make
) -> None:
    """The start script tells them, not the master: that is stopped from the moment on at which it has made a worker."""
    found = Bench(version, binaries[version], tmp_path_factory.mktemp("former"), shell=(program(shell[0]), *shell[1:]))
    try:
        found.start().serve(one_site(backends("web")))
        assert found.process
        master = found.process.pid
        former = all_workers(master)
        asking = threading.Thread(target=found.target.run, args=(Command("reload", "", ()), 20))
        asking.start()
        wait_for(lambda: set(workers(master)) - set(former))
        os.kill(master, signal.SIGSTOP)
        try:
            wait_for(lambda: not set(workers(master)) & set(former))
        finally:
            os.kill(master, signal.SIGCONT)
        asking.join()
        assert len(workers(master)) == len(former)
        assert found.ask("a.test").server == "web"
    finally:
        found.stop()


def test_where_nothing_can_wait_for_part_of_a_second_no_worker_is_told_to_finish(bench: Bench) -> None:
    """POSIX knows a sleep of whole seconds alone; and the reload comes to nothing here, so nobody would follow."""
    assert bench.process is not None
    sleep = bench.folder / "path" / "sleep"
    sleep.write_text("#!/bin/sh\nexit 1\n")
    sleep.chmod(0o755)
    (bench.target.folder.path / "live" / "nginx.conf").write_text("no text for nginx")
    former = all_workers(bench.process.pid)
    assert bench.target.run(Command("reload", "", ()), 20).code == 0
    wait_for(lambda: "no text for nginx" in bench.log.read_text() or "unexpected end of file" in bench.log.read_text())
    assert workers(bench.process.pid) == former
    assert bench.ask("any.test").status == 404


def test_reloads_one_after_the_other_leave_as_many_workers_as_there_were(bench: Bench, backends: Make) -> None:
    assert bench.process
    master = bench.process.pid
    before = len(all_workers(master))
    for number in range(6):
        bench.serve(one_site(backends("web"), f"{number}.test"))
    wait_for(lambda: len(workers(master, but=b"")) == before)
    assert len(workers(master)) == before


def all_workers(master: int) -> list[int]:
    """As many as nginx starts, once there are: one answers before the last of them has started."""
    wait_for(lambda: len(workers(master)) == os.sysconf("SC_NPROCESSORS_ONLN"))
    return workers(master)


def workers(master: int, but: bytes = b"is shutting down") -> list[int]:
    """Those that take connections; with `but` empty, those that finish too."""
    found = []
    for pid in children(master):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ends while it is looked at
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"nginx: worker process" in title and not (but and but in title):
                found.append(pid)
    return found


def test_the_same_again_disturbs_nobody(newest: Bench, backends: Make) -> None:
    web = backends("web")
    newest.serve(one_site(web))
    before = children(newest.process.pid) if newest.process else []
    assert newest.serve(one_site(web)).result is Result.UNCHANGED
    assert newest.process
    assert children(newest.process.pid) == before


def test_a_test_leaves_the_live_socket_alone(bench: Bench) -> None:
    """`nginx -t` binds what is free; the socket that is in use is not touched."""
    socket_file = bench.target.folder.run / "nginx.sock"
    before = socket_file.stat().st_ino
    for _ in range(5):
        assert NGINX.test(bench.target, "skeleton").code == 0
        assert bench.running() == "skeleton"
    assert socket_file.stat().st_ino == before


@pytest.mark.parametrize("sign", [signal.SIGQUIT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to_and_starts_again(bench: Bench, backends: Make, sign: int) -> None:
    applied = bench.serve(one_site(backends("web")))
    assert bench.process
    loop = [pid for pid in children(bench.process.pid) if b"start.sh" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    bench.stop(sign)
    wait_for(lambda: not any(alive(pid) for pid in loop), 5)
    with pytest.raises(TargetUnavailable):
        bench.target.run(Command("version", "", ()), 1)
    assert bench.start().running() == applied.generation
    assert bench.ask("a.test").server == "web"


def test_killed_with_9_it_comes_back(bench: Bench, backends: Make) -> None:
    """nginx does not remove its sockets then, and would not start again for them."""
    applied = bench.serve(one_site(backends("web")))
    assert bench.process
    orphans = children(bench.process.pid)
    bench.stop(signal.SIGKILL)
    assert (bench.target.folder.run / "nginx.sock").exists()
    for pid in orphans:  # in a container they die with the first process
        if alive(pid) and b"start.sh" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(alive(pid) for pid in orphans), 5)
    assert bench.start().running() == applied.generation
    assert bench.ask("a.test").server == "web"
    assert NGINX.caps(bench.target.run(Command("version", "", ()), 5).output).features


def test_a_live_text_that_nginx_refuses_does_not_keep_it_from_starting(newest: Bench, backends: Make) -> None:
    newest.serve(one_site(backends("web")))
    newest.stop()
    folder = newest.target.folder
    (folder.generations / folder.live() / "nginx.conf").write_text("not nginx's language")
    assert newest.start().running() == "skeleton"
    assert "refuses the live text" in newest.log.read_text()
    assert newest.serve(one_site(backends("next"), "b.test")).result is Result.RELOADED
    assert newest.ask("b.test").server == "next"


def test_requests_of_any_kind_do_not_break_it(newest: Bench) -> None:
    path = newest.target.folder.run / "request"
    odd = [
        b"\n", b" \n", b"x\n", b"$(touch /tmp/owned) version\n", b"`id` test\n", b"0123456789abcdef\n", b"0123456789abcdef unknown\n",
        b"0123456789ABCDEF version\n", b"../../../../etc/x version\n", b"0123456789abcdef test ../../etc\n", b"0123456789abcdef test a;id\n",
        b"0123456789abcdef test 0123456789abcde\n", b"\x00\x01\xff\n", b"\\\n", b"-n version\n", b"0123456789abcdef test skeleton extra\n",
        secrets.token_bytes(2000).replace(b"\n", b"") + b"\n", b"a" * 4000 + b"\n", b"* version\n",
    ]  # fmt: skip
    for line in odd:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, line)
        os.close(descriptor)
    assert newest.target.run(Command("version", "", ()), 5).code == 0
    assert newest.running() == "skeleton"
    assert sorted(p.name for p in newest.target.folder.run.iterdir()) == [
        "answer.0123456789abcdef",
        "drafts",
        "nginx.sock",
        "request",
    ]


@pytest.mark.parametrize("argument", ["../skeleton", "0123456789abcdeg", "0123456789abcdef0", "", "-c"])
def test_a_test_of_what_is_no_generation_is_refused(newest: Bench, argument: str) -> None:
    said = newest.target.run(Command("test", argument, ()), 5)
    assert said.code == 64
    assert "not a generation" in said.output


def test_a_writer_learns_that_nobody_listens(newest: Bench) -> None:
    newest.stop()
    path = newest.target.folder.run / "request"

    def refused() -> bool:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            return error.errno == errno.ENXIO
        return False

    wait_for(refused, 5)


def test_several_requests_at_once(newest: Bench) -> None:
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(newest.target.run(Command("test", "skeleton", ()), 20).code))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 12


def test_what_nginx_refuses_is_told_and_changes_nothing(bench: Bench, backends: Make) -> None:
    applied = bench.serve(one_site(backends("web")))
    folder = bench.target.folder
    folder.stage("0123456789abcdef", {"nginx.conf": b"events {}\nhttp { server { listen 1:2:3; } }\n"})
    said = NGINX.test(bench.target, "0123456789abcdef")
    assert said.code != 0
    assert "nginx.conf:2" in said.output
    assert bench.running() == applied.generation


def test_a_port_that_is_taken_passes_the_test_and_is_put_back(newest: Bench, backends: Make) -> None:
    """The one thing that `nginx -t` does not see: nginx goes on with the former text, and so do we."""
    web = backends("web")
    applied = newest.serve(one_site(web))
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        with pytest.raises(ReloadFailed, match="still serves the former generation"):
            newest.serve(
                model(
                    *one_site(web).routes(),
                    *one_site(web).pools,
                    stream("tcp", taken, "t"),
                    pool("t", server("s", 9), protocol="tcp"),
                )
            )
        assert newest.target.folder.live() == applied.generation
        assert newest.running() == applied.generation
        assert newest.ask("a.test").server == "web"
    assert newest.serve(one_site(web, "b.test")).result is Result.RELOADED


def test_refused_by_the_proxys_own_test(newest: Bench, backends: Make) -> None:
    """Whatever passes us and not nginx: nothing is swapped, and nginx's own words are told."""
    applied = newest.serve(one_site(backends("web")))
    bad = Candidate("00000000000000ff", (("nginx.conf", b"events {}\nhttp { upstream a { server no.such.host.invalid; } }\n"),))
    with pytest.raises(RefusedByProxy, match="host not found in upstream"):
        apply(bad, NGINX, newest.caps(), newest.target, 5)
    assert newest.target.folder.live() == applied.generation
