"""What is said to a running HAProxy, and what is made of its answers; the real ones: tests/integration/test_haproxy_runtime.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from confgen.errors import TargetUnavailable
from confgen.model import ServerState
from confgen.proxies.haproxy import HAPROXY, sheet
from confgen.proxies.proxy import Step
from confgen.targets.folder import Folder
from confgen.values import Weight
from tests.unit.haproxy_models import model, pool, route, server, text_of
from tests.unit.test_haproxy_control import Fake

MARKED = b"proc.confgen: type=str value=<changing>\n\n"
STEPS = (Step("set server a/one weight 0"), Step("add server a/two 10.0.0.2:80", r"New server registered\."))
CANDIDATE = text_of(
    model(route("a", "a.test", to="a"), pool("a", server("one"), server("two", "fd00::2", state=ServerState.DOWN)))
)[1]
HEAD = b"1\n# be_id be_name srv_id srv_name srv_addr srv_admin_state srv_uweight srv_time_since_last_change srv_port\n"
ROWS = HEAD + b"1 a 1 one 10.0.0.2 0 1 3 8080\n1 a 2 two fd00:0::2 5 1 3 8080\n\n"
MAPS = b"# id (file) description\n7 (hosts.map) pattern loaded\n8 (prefixes.map) pattern loaded\n\n"
HOSTS, PREFIXES = b"0x1 a.test:80 a.test:80\n\n", b"0x2 a.test:80/ a a\n\n"
SHOWN = f"proc.confgen: type=str value=<{CANDIDATE.generation}>\n".encode()


def together(*answers: bytes) -> bytes:
    """Several answers over one connection."""
    return b"".join(answer + MARKED for answer in answers)


SAME = together(HOSTS, PREFIXES)


def confirm(*answers: bytes | Exception) -> tuple[str, Fake]:
    target = Fake(list(answers))
    return HAPROXY.confirm(target, CANDIDATE.generation, CANDIDATE.as_dict()), target


def test_steps_are_said_one_by_one_and_no_generation_is_shown_meanwhile() -> None:
    target = Fake([MARKED, b"\n", b"Server a/two is new.\nNew server registered.\n\n"])
    assert HAPROXY.change(target, STEPS) == ""
    assert [request for _, request in target.asked] == [  # type: ignore[misc]
        b"experimental-mode on\n@1 set var proc.confgen str(changing)\n@1 get var proc.confgen\n",
        b"@1 set server a/one weight 0\n",
        b"@1 add server a/two 10.0.0.2:80\n",
    ]
    assert HAPROXY.change(Fake([]), ()) == "", "without a step nothing is said"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([b"proc.confgen: undefined\n"], "it cannot be told to show another generation"),
        ([MARKED, b"No such server.\n"], '"set server a/one weight 0" was answered with "No such server."'),
        ([MARKED, b"\n", b"New server registered. Not.\n"], "New server registered. Not."),
        ([MARKED, b"\n", b"\n"], "was answered with"),
        ([MARKED, TargetUnavailable("no answer in time")], "no answer in time"),
        ([TargetUnavailable("gone")], "gone"),
    ],
)
def test_any_other_answer_ends_it(answers: list[bytes | Exception], why: str) -> None:
    target = Fake(list(answers))
    assert why in HAPROXY.change(target, STEPS)
    assert target.answers == []


@pytest.mark.parametrize("kind", ["server", "backend"])
@pytest.mark.parametrize(
    ("generations", "fine"),
    [
        (["https"], True),
        (["https", ""], True),
        (["https", "http"], False),
        (["http", "https", "", ""], True),
        (["https", "http", ""], False),
        ([""], False),
        ([], False),
    ],
)
def test_what_is_there_still_is_woken_only_where_it_was_made_by_the_same_words(
    tmp_path: Path, generations: list[str], fine: bool, kind: str
) -> None:
    """Each generation has the server with this protocol, or not at all; the last one is what runs."""
    target = Fake([MARKED, THERE[kind]], folder=Folder(tmp_path))
    for number, protocol in enumerate(generations):
        name = f"{number:016x}"
        target.folder.stage(name, speaking(protocol))
        os.utime(target.folder.generations / name, (number, number))
    rest = sheet.read(speaking("https")).backends["b"].servers["two"].rest
    said = {"server": f"add server b/two 10.0.0.9:80 {' '.join(rest)}", "backend": "add backend b from confgen:https"}[kind]
    assert (HAPROXY.change(target, (Step(said, "New .*", THERE[kind].decode()),)) == "") is fine


THERE = {
    "server": b"Already exists a server with the same name in backend.",
    "backend": b"b name is already used by other proxy 'backend b'.",
}


def speaking(protocol: str) -> dict[str, bytes]:
    """Files with a pool b that speaks it, or without b; its backend has another name for its defaults, too."""
    parts = (route("b", "b.test", to="b"), pool("b", server("two"), protocol=protocol)) if protocol else ()
    files = text_of(model(route("a", "a.test", to="a"), pool("a"), *parts))[1].as_dict()
    main = files["haproxy.cfg"].replace(b"backend b from confgen:http", b"backend b from confgen:%s" % protocol.encode())
    return {**files, "haproxy.cfg": main}


def test_what_runs_is_compared_before_its_generation_is_shown() -> None:
    found, target = confirm(together(ROWS, MAPS), SAME, SHOWN)
    assert found == ""
    assert str(CANDIDATE.generation) in str(target.asked[-1])


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([together(HEAD, MAPS)], "server a/one is not there"),
        ([together(b"Unknown command\n", MAPS)], "server a/one is not there"),
        ([together(ROWS.replace(b"10.0.0.2", b"10.0.0.3"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b"0 1 3 8080", b"0 2 3 8080"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b"0 1 3 8080", b"0 1 3 8081"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b"0 1 3 8080", b"1 1 3 8080"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b"0 1 3 8080", b"8 1 3 8080"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b"0 1 3 8080", b"x 1 3 8080"), MAPS)], "server a/one is not as it should be"),
        ([together(ROWS.replace(b" 5 1 3", b" 0 1 3"), MAPS)], "server a/two is not as it should be"),
        ([together(ROWS[:-1] + b"1 a 3 more 10.0.0.9 0 1 3 8080\n", MAPS)], "server a/more should not be there"),
        ([together(ROWS, MAPS), together(b"\n", PREFIXES)], "hosts.map is not as it should be"),
        ([together(ROWS, MAPS), together(HOSTS + HOSTS, PREFIXES)], "hosts.map is not as it should be"),
        ([together(ROWS, MAPS), together(HOSTS, PREFIXES.replace(b"a a", b"a b"))], "prefixes.map is not as it should be"),
        ([together(ROWS, MAPS), together(HOSTS)], "prefixes.map is not as it should be"),
        ([together(ROWS, MAPS), HOSTS + PREFIXES], "hosts.map is not as it should be"),
        ([together(ROWS, MAPS), SAME, MARKED], "it does not show the new generation"),
        ([together(ROWS, MAPS), TargetUnavailable("gone")], "gone"),
    ],
)  # fmt: skip
def test_any_difference_is_told(answers: list[bytes | Exception], why: str) -> None:
    assert confirm(*answers)[0] == why


def test_what_left_is_deleted_when_it_was_left_alone_for_a_while_and_a_no_is_no_harm() -> None:
    old, young = b"1 a 3 old 10.0.0.9 1 1 5 8080\n", b"1 a 4 young 10.0.0.9 1 1 4 8080\n"
    found, target = confirm(
        together(ROWS[:-1] + old + young, MAPS), SAME, b"Server still has connections attached to it\n", SHOWN
    )
    assert found == ""
    assert [request for _, request in target.asked][-2] == b"@1 del server a/old\n"  # type: ignore[misc]
    gone = b"2 b 1 old 10.0.0.9 1 1 9 8080\n"
    found, target = confirm(together(ROWS[:-1] + gone, MAPS), SAME, b"Server deleted.\n", b"Backend deleted.\n", SHOWN)
    assert (found, target.answers) == ("", [])
    assert [request for _, request in target.asked][-3:-1] == [b"@1 del server b/old\n", b"@1 del backend b\n"]  # type: ignore[misc]


def test_servers_that_haproxy_looks_up_by_itself_are_left_alone() -> None:
    dns = text_of(model(route("a", "a.test", to="a"), pool("a", server("web", "web", resolve=True, weight=Weight(2)))))[1]
    rows = HEAD + b"".join(b"1 a %d web.dns%d - 32 2 3 0\n" % (n, n) for n in range(1, 17))
    target = Fake([together(rows, MAPS), SAME, f"value=<{dns.generation}>".encode()])
    assert HAPROXY.confirm(target, dns.generation, dns.as_dict()) == ""
