"""What every Target must keep: an answer within its deadline, or TargetUnavailable; and the same sockets for all."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from confgen.errors import TargetUnavailable
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from confgen.targets.process import ProcessTarget
from confgen.targets.target import Command, Target

LOOP = """
exec 3<>"$RUN/request"; echo listening
while read -r id verb argument <&3; do
    output=$(sh -c "$verb" 2>&1 </dev/null 3<&-); printf '%s\\n%s' "$?" "$output" >"$RUN/draft.$id"; mv "$RUN/draft.$id" "$RUN/answer.$id"
done
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "run").mkdir()
    return Folder(tmp_path)


@pytest.fixture(params=["channel", "process"])
def target(request: pytest.FixtureRequest, folder: Folder) -> Iterator[Target]:
    """A target in whose world a verb is a program of the shell."""
    if request.param == "process":
        yield ProcessTarget("the local proxy", folder)
        return
    os.mkfifo(folder.run / "request")
    loop = subprocess.Popen(["sh", "-c", LOOP], env={**os.environ, "RUN": str(folder.run)}, stdout=subprocess.PIPE, text=True)
    assert loop.stdout is not None
    assert loop.stdout.readline() == "listening\n"
    yield ChannelTarget("container proxy", folder, PurePosixPath("/confgen"))
    loop.kill()
    loop.wait()
    loop.stdout.close()


def shell(program: str) -> Command:
    """One word for the channel's loop, a program for a local process; ${IFS} stands for a blank in both."""
    return Command(program.replace(" ", "${IFS}"), "", ("sh", "-c", program))


def test_it_says_what_it_is_and_where(target: Target, folder: Folder) -> None:
    assert target.name
    assert target.folder == folder
    assert target.view.is_absolute()


@pytest.mark.parametrize("code", [0, 1, 2, 127, 255])
def test_the_exit_code_and_both_outputs_come_back(target: Target, code: int) -> None:
    answer = target.run(shell(f"echo out;echo err >&2;exit {code}"), 5)
    assert answer.code == code
    assert sorted(answer.output.split()) == ["err", "out"]


def test_output_that_is_no_text_comes_back_all_the_same(target: Target) -> None:
    assert "\ufffd" in target.run(shell(r"printf '\377'"), 5).output


def test_a_long_output_comes_back_whole(target: Target) -> None:
    assert len(target.run(shell("head -c 1000000 /dev/zero|tr '\\0' x"), 10).output) == 1_000_000


def test_what_does_not_end_in_time_is_unavailable(target: Target) -> None:
    started = time.monotonic()
    with pytest.raises(TargetUnavailable) as caught:
        target.run(shell("sleep 3"), 0.2)
    assert caught.value.hint
    assert time.monotonic() - started < 2


def test_a_command_reads_nothing_from_us(target: Target) -> None:
    assert target.run(shell("cat"), 5).output == ""


def test_a_socket_in_the_folder_is_asked(target: Target, folder: Folder) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder.run / "admin.sock"))
    server.listen()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.recv(100).upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        assert target.talk("admin.sock", b"show\n", 5) == b"SHOW\n"
    finally:
        thread.join(5)
        server.close()


def test_without_anybody_at_the_socket_it_is_unavailable(target: Target) -> None:
    with pytest.raises(TargetUnavailable) as caught:
        target.talk("absent.sock", b"x", 1)
    assert caught.value.hint


Gone = Callable[[Folder], Target]


@pytest.mark.parametrize(
    "gone",
    [
        lambda folder: ChannelTarget("container proxy", folder, PurePosixPath("/confgen")),
        lambda folder: ProcessTarget("the local proxy", folder),
    ],
)
def test_where_nobody_is_it_is_unavailable_at_once(gone: Gone, folder: Folder) -> None:
    started = time.monotonic()
    with pytest.raises(TargetUnavailable) as caught:
        gone(folder).run(Command("test", "", ("/absent/program",)), 5)
    assert caught.value.hint
    assert time.monotonic() - started < 2


def test_a_program_that_may_not_be_run_is_unavailable(folder: Folder) -> None:
    (folder.path / "program").write_text("")
    with pytest.raises(TargetUnavailable):
        ProcessTarget("the local proxy", folder).run(Command("test", "", (str(folder.path / "program"),)), 5)
