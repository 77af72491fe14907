"""The control channel: a real FIFO with a shell at its other end, and the sockets beside it."""

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
from confgen.targets.channel import ChannelTarget, talk
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command

#: The other end as the start scripts have it; `answer` is what it does with a request.
LOOP = """
exec 3<>"$RUN/request"
echo listening
while read -r id verb argument <&3; do
    %s
done
"""
ANSWER = """printf '%%s\\n' "$verb" >>"$RUN/seen"; %s >"$RUN/draft.$id"; mv "$RUN/draft.$id" "$RUN/answer.$id" """
Serve = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.fixture
def target(tmp_path: Path, run: Path) -> ChannelTarget:
    return ChannelTarget("container proxy", Folder(tmp_path), PurePosixPath("/confgen"))


@pytest.fixture
def serve(run: Path) -> Iterator[Serve]:
    loops: list[subprocess.Popen[str]] = []

    def start(answer: str) -> subprocess.Popen[str]:
        if not (run / "request").exists():
            os.mkfifo(run / "request")
        script = LOOP % (ANSWER % answer if answer else ":")
        loop = subprocess.Popen(["sh", "-c", script], env={**os.environ, "RUN": str(run)}, stdout=subprocess.PIPE, text=True)
        loops.append(loop)
        assert loop.stdout is not None
        assert loop.stdout.readline() == "listening\n"
        return loop

    yield start
    for loop in loops:
        loop.kill()
        loop.wait()
        assert loop.stdout is not None
        loop.stdout.close()


def command(verb: str = "test", argument: str = "00ff00ff00ff00ff") -> Command:
    return Command(verb, argument, (verb, argument))


# --- answers ---


def test_a_request_is_answered_with_code_and_words(target: ChannelTarget, serve: Serve, run: Path) -> None:
    serve("""printf '3\\nsaid %s to %s\\nand more\\n' "$verb" "$argument" """)
    assert target.run(command(), 5) == Answer(3, "said test to 00ff00ff00ff00ff\nand more\n")
    assert [p.name for p in run.iterdir() if p.name.startswith("answer")] == [], "the answer is taken away"


def test_each_request_gets_its_own_answer(target: ChannelTarget, serve: Serve) -> None:
    serve("""printf '0\\n%s' "$argument" """)
    for i in range(20):
        assert target.run(command(argument=f"{i:016x}"), 5).output == f"{i:016x}"


def test_a_request_has_an_id_of_sixteen_hex_digits_and_one_line(target: ChannelTarget, serve: Serve) -> None:
    serve("""printf '0\\n%s %s [%s]' "${#id}" "$id" "$argument" """)
    length, identity, argument = target.run(command("version", ""), 5).output.split()
    assert (length, argument) == ("16", "[]")
    assert set(identity) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        ("0\\n", Answer(0, "")),
        ("\\n\\n", Answer(1, "\n")),
        ("1\\nemerg\\n", Answer(1, "emerg\n")),
        ("not a number\\nx", Answer(1, "x")),
        ("-1\\nx", Answer(1, "x")),
        ("²\\nx", Answer(1, "x")),
        ("٣\\nx", Answer(1, "x")),
        ("0\\n\\0377\\0376", Answer(0, "\ufffd\ufffd")),
    ],
)
def test_odd_answers(target: ChannelTarget, serve: Serve, printed: str, answer: Answer) -> None:
    serve(f"printf '%b' '{printed}'")
    assert target.run(command(), 5) == answer


@pytest.mark.parametrize("printed", ["", "0", "1"])
def test_an_answer_that_is_cut_is_told_at_once(target: ChannelTarget, serve: Serve, printed: str) -> None:
    serve(f"printf '%s' '{printed}'")
    with pytest.raises(TargetUnavailable, match="could not write its answer to 'test' whole"):
        target.run(command(), 5)


def test_an_answer_that_cannot_be_read_is_told(target: ChannelTarget, serve: Serve) -> None:
    serve('mkdir "$RUN/answer.$id"; :')
    with pytest.raises(TargetUnavailable, match="its answer cannot be read: Is a directory"):
        target.run(command(), 5)


def test_an_answer_comes_late_but_in_time(target: ChannelTarget, serve: Serve) -> None:
    serve("sleep 0.2; printf '0\\nlate'")
    assert target.run(command(), 5).output == "late"


# --- nobody there ---


def test_without_an_answer_the_deadline_ends_the_wait(target: ChannelTarget, serve: Serve) -> None:
    serve("")
    with pytest.raises(TargetUnavailable, match=r"container proxy did not answer 'test' within 0\.1 s") as caught:
        target.run(command(), 0.1)
    assert "start script" in caught.value.hint


def test_a_fifo_without_a_reader_is_a_proxy_that_does_not_run(target: ChannelTarget, run: Path) -> None:
    os.mkfifo(run / "request")
    with pytest.raises(TargetUnavailable, match="takes no requests") as caught:
        target.run(command(), 5)
    assert "not running" in caught.value.hint


def test_the_moment_the_loop_is_gone_it_is_known(target: ChannelTarget, serve: Serve) -> None:
    loop = serve("printf '0\\n'")
    assert target.run(command(), 5).code == 0
    loop.kill()
    loop.communicate()  # until the last of its children is gone too, who hold the FIFO open
    with pytest.raises(TargetUnavailable) as caught:
        target.run(command(), 5)
    assert "not running" in caught.value.hint


def test_a_loop_that_ends_over_a_request_will_not_answer_it(target: ChannelTarget, serve: Serve) -> None:
    """A proxy killed or made anew meanwhile: nobody waits for the deadline, a minute and a half for a test."""
    serve('kill -9 $$; printf "0\\nnever"')
    with pytest.raises(TargetUnavailable, match="ended before it answered 'test'"):
        target.run(command(), 600)


def test_what_was_answered_before_the_loop_ended_counts(target: ChannelTarget, serve: Serve) -> None:
    serve("""printf '0\nlast words' >"$RUN/answer.$id"; kill -9 $$; printf '' """)
    assert target.run(command(), 600) == Answer(0, "last words")


def test_without_a_fifo_the_start_script_is_missing(target: ChannelTarget) -> None:
    with pytest.raises(TargetUnavailable, match="No such file") as caught:
        target.run(command(), 5)
    assert "start script" in caught.value.hint


def test_a_fifo_that_is_full_is_a_loop_that_hangs(target: ChannelTarget, run: Path) -> None:
    os.mkfifo(run / "request")
    held = os.open(run / "request", os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            try:
                os.write(held, b"x" * 4096)
            except BlockingIOError:
                break
        with pytest.raises(TargetUnavailable, match="takes no more requests") as caught:
            target.run(command(), 5)
        assert "restart" in caught.value.hint
    finally:
        os.close(held)


def test_a_link_in_the_place_of_the_fifo_is_not_followed(target: ChannelTarget, run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    (run / "request").symlink_to(elsewhere)
    with pytest.raises(TargetUnavailable):
        target.run(command(), 5)
    assert elsewhere.read_bytes() == b""


def test_a_file_in_the_place_of_the_fifo_is_told_at_once(target: ChannelTarget, run: Path) -> None:
    (run / "request").write_bytes(b"")
    with pytest.raises(TargetUnavailable, match="is no FIFO"):
        target.run(command(), 60)
    assert (run / "request").read_bytes() == b""


# --- the sockets ---


@pytest.fixture
def listener(run: Path) -> Iterator[Callable[[Callable[[socket.socket], None]], None]]:
    """A server of one connection on run/admin.sock."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(run / "admin.sock"))
    server.listen()
    threads: list[threading.Thread] = []

    def answer(behave: Callable[[socket.socket], None]) -> None:
        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    behave(connection)
                except OSError:
                    return

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()

    yield answer
    server.close()
    for thread in threads:
        thread.join(5)


Listener = Callable[[Callable[[socket.socket], None]], None]


def read_to_the_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(100):
        parts.append(part)
    return b"".join(parts)


def test_a_request_is_sent_whole_and_the_answer_read_to_its_end(target: ChannelTarget, listener: Listener) -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(read_to_the_end(connection))
        for _ in range(3):
            connection.sendall(b"x" * 100_000)

    listener(behave)
    assert target.talk("admin.sock", b"show version\n", 5) == b"x" * 300_000
    assert seen == [b"show version\n"]


def test_an_empty_answer_is_an_answer(target: ChannelTarget, listener: Listener) -> None:
    listener(lambda connection: read_to_the_end(connection) and None)
    assert target.talk("admin.sock", b"", 5) == b""


@pytest.mark.parametrize(
    "behave",
    [
        lambda connection: time.sleep(0.5),
        lambda connection: [connection.sendall(b"x") or time.sleep(0.05) for _ in range(40)],
        lambda connection: [connection.sendall(b"x" * 65536) for _ in range(100_000)],
    ],
    ids=["silent", "drips", "never ends"],
)
def test_an_answer_that_is_not_whole_in_time_is_none(
    target: ChannelTarget, listener: Listener, behave: Callable[[socket.socket], None]
) -> None:
    """One that waited longer would get a whole answer, or never an end."""
    listener(behave)
    with pytest.raises(TargetUnavailable, match="no answer in time"):
        target.talk("admin.sock", b"x\n", 0.2)


def test_a_peer_that_hangs_up_is_told(run: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(run / "s"))
    server.close()
    with pytest.raises(TargetUnavailable, match="Connection refused"):
        talk("proxy", run / "s", b"x", 1)
    with pytest.raises(TargetUnavailable, match="No such file"):
        talk("proxy", run / "absent", b"x", 1)


def test_a_path_too_long_for_a_socket_is_told(run: Path) -> None:
    with pytest.raises(TargetUnavailable, match="too long"):
        talk("proxy", run / ("x" * 120), b"x", 1)
