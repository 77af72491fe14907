"""What is said to HAProxy's master, and what is made of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest

from confgen.errors import ReloadFailed, TargetUnavailable
from confgen.proxies.haproxy import HAPROXY, control
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command


@dataclass
class Fake:
    """A target that answers from a list; an exception in it is raised."""

    answers: list[bytes | Exception] = field(default_factory=list)
    asked: list[object] = field(default_factory=list)
    name: str = "container proxy"
    folder: Folder = field(default_factory=lambda: Folder(Path("/nowhere")))
    view: PurePosixPath = PurePosixPath("/var/lib/haproxy")

    def run(self, command: Command, deadline: float) -> Answer:
        self.asked.append(command)
        return Answer(0, "HAProxy version 3.2.26-1 2026/10/14 - https://haproxy.org/\nconfgen: ipv6=no\n")

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        self.asked.append((socket, request))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


GONE = TargetUnavailable("gone")
YES = b"Success=1\n--\n[NOTICE]   (1) : Loading success.\n\n"
NO = b"Success=0\n--\n[NOTICE]   (7) : haproxy version is 3.2\n[ALERT]    (7) : Binding: cannot bind socket (Address already in use)\n\n"
BUSY = b"Success=0\n--\nAnother reload is still in progress.\n\n"
HEAD = b"#<PID>          <type>          <reloads>       <uptime>        <version>\n"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_PAUSE", 0)


@pytest.mark.parametrize(
    ("said", "generation"),
    [
        (b"proc.confgen: type=str value=<0123456789abcdef>\n\n", "0123456789abcdef"),
        (b"proc.confgen: type=str value=<skeleton>\n", "skeleton"),
        (b"proc.confgen: undefined\n", ""),
        (b"Can't find the target PID matching the prefix '@1'\n", ""),
        (b"proc.confgen: type=str value=<../../etc>\n", ""),
        (b"", ""),
    ],
)
def test_the_generation_is_the_current_workers(said: bytes, generation: str) -> None:
    target = Fake([said])
    assert HAPROXY.running(target) == generation
    assert target.asked == [("master.sock", b"@1 get var proc.confgen\n")]


@dataclass
class Slow(Fake):
    """A target that lets the whole deadline pass, and a moment, before it raises; now: seconds on its clock, which nobody has to wait for."""

    now: float = 0.0

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        if isinstance(self.answers[0], Exception):
            self.now += deadline * 1.01
        return super().talk(socket, request, deadline)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(control, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def test_a_question_that_is_lost_in_a_start_is_put_again(slow: Slow) -> None:
    """Soon, and then with more patience."""
    slow.answers = [GONE, GONE, b"proc.confgen: type=str value=<skeleton>\n"]
    assert HAPROXY.running(slow) == "skeleton"
    assert (len(slow.asked), slow.now) == (3, pytest.approx(0.3, rel=0.1))


def test_a_question_that_nobody_answers_is_not_put_for_ever(slow: Slow) -> None:
    slow.answers = [GONE] * 100
    with pytest.raises(TargetUnavailable):
        HAPROXY.running(slow)
    assert 10 < slow.now < 20


def test_where_nobody_listens_that_is_said_at_once() -> None:
    target = Fake([GONE, b"never asked"])
    with pytest.raises(TargetUnavailable):
        HAPROXY.running(target)
    assert len(target.asked) == 1


def test_a_reload_that_succeeds() -> None:
    target = Fake([YES])
    HAPROXY.reload(target)
    assert target.asked == [("master.sock", b"reload\n")]


def test_a_reload_that_fails_tells_haproxys_own_words() -> None:
    with pytest.raises(ReloadFailed, match="Address already in use") as caught:
        HAPROXY.reload(Fake([NO]))
    assert "haproxy version is" not in caught.value.message


def test_a_reload_waits_for_the_one_before() -> None:
    target = Fake([BUSY, BUSY, YES])
    HAPROXY.reload(target)
    assert len(target.asked) == 3


@pytest.mark.parametrize("cut", [b"", GONE])
def test_an_old_master_says_nothing_and_is_asked_when_it_is_back(cut: bytes | Exception) -> None:
    target = Fake([cut, GONE, GONE, HEAD + b"12   master   1 [failed: 0]   0d00h00m00s   2.6.12\n"])
    HAPROXY.reload(target)
    assert target.asked[-1] == ("master.sock", b"show proc\n")


def test_an_old_master_tells_a_failure_by_its_count() -> None:
    with pytest.raises(ReloadFailed, match="could not start"):
        HAPROXY.reload(Fake([b"", HEAD + b"12   master   2 [failed: 1]   0d00h00m00s   2.6.12\n"]))


def test_a_master_that_does_not_come_back_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0)
    with pytest.raises(TargetUnavailable):
        HAPROXY.reload(Fake([GONE, GONE, GONE]))


def test_probe_and_test_go_to_the_start_script() -> None:
    target = Fake()
    caps = HAPROXY.probe(target)
    assert (caps.version, "ipv6" in caps.features) == ((3, 2, 26), False)
    HAPROXY.test(target, "0123456789abcdef")
    file = "/var/lib/haproxy/generations/0123456789abcdef/haproxy.cfg"
    assert target.asked[-1] == Command("test", "0123456789abcdef", ("haproxy", "-c", "-f", file), soonest=0.015)


def test_a_slow_reload_is_not_a_failed_one() -> None:
    assert HAPROXY.patience(0.01) >= 90
