"""What is remembered changes no answer, and does not pile up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confgen.errors import RefusedText
from confgen.proxies import PROXIES
from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.haproxy.structure import _carrying
from confgen.proxies.nginx import NGINX
from confgen.proxies.nginx.structure import MAIN, _walk
from confgen.proxies.nginx.tokens import Unreadable
from confgen.proxies.proxy import Proxy
from confgen.readback import Statement, Structure
from confgen.recent import _ROUNDS, Recent
from confgen.render import Candidate, Renderer
from confgen.settings import Settings
from confgen.state import Instance, Snapshot, State
from confgen.want import shape, write
from tests.fuzz.worlds import FRONT, world

SETTINGS = Settings()


def test_the_same_question_is_answered_once() -> None:
    recent = Recent()
    assert recent.of(_noted, 1, "a") is recent.of(_noted, 1, "a")
    assert recent.of(_noted, 1, "a") is not recent.of(_noted, 2, "a")


def _noted(number: object, text: str) -> list[object]:
    return [number, text]


def test_what_nobody_asks_for_is_forgotten() -> None:
    recent = Recent()
    first, kept = recent.of(_noted, 1, "a"), recent.of(_noted, 2, "a")
    for _ in range(_ROUNDS):
        recent.next()
        assert recent.of(_noted, 2, "a") is kept
    assert recent.of(_noted, 1, "a") is first
    for _ in range(_ROUNDS + 1):
        recent.next()
    assert recent.of(_noted, 1, "a") is not first


def test_it_does_not_grow_with_what_comes_and_goes() -> None:
    recent = Recent()
    for number in range(1000):
        recent.next()
        recent.of(_noted, number, "a")
    assert len(recent._known) <= _ROUNDS + 1


def test_of_many_things_each_is_known_by_being_the_same_object() -> None:
    recent, calls = Recent(), list[list[int]]()

    def noted(thing: list[int], text: str) -> str:
        calls.append(thing)
        return f"{text}{thing}"

    one, equal = [1], [1]
    assert [recent.over(noted, "a")(thing) for thing in (one, one, equal)] == ["a[1]"] * 3
    assert [id(thing) for thing in calls] == [id(one), id(equal)]
    assert recent.over(noted, "b")(one) == "b[1]"
    assert recent.over(noted, "a")(one) == "a[1]"
    assert len(calls) == 3


def test_pieces_of_a_text_are_known_by_what_they_say() -> None:
    recent, calls = Recent(), list[bytes]()

    def noted(piece: bytes, number: int) -> int:
        calls.append(piece)
        return len(piece) + number

    for _ in range(2):
        assert [recent.over_texts(noted, 1)(piece) for piece in b"aa bb aa".split()] == [3, 3, 3]
    assert calls == [b"aa", b"bb"]


def test_of_many_things_those_that_nobody_asks_for_are_forgotten() -> None:
    recent, kept = Recent(), [0]
    first = recent.over(_noted, "a")(kept)
    for number in range(10 * _ROUNDS):
        recent.next()
        assert recent.over(_noted, "a")(kept) is first
        recent.over(_noted, "a")([number])
    (many,) = (known.answer for known in recent._known.values())
    assert len({*many.lately, *many.before}) <= 2 * _ROUNDS + 1


class Line:
    """State to Candidate for one proxy, as a Keeper walks it: with what was worked out before, or as if for the first time."""

    def __init__(self, proxy: Proxy, version: str) -> None:
        self._proxy, self._caps = proxy, proxy.caps(version)
        self._renderer, self._asked, self._parts = Renderer((), proxy.filters), Recent(), Recent()

    def walk(self, instances: tuple[Instance, ...]) -> tuple[object, object, Candidate]:
        state = State.of((Snapshot("docker", instances),))
        self._asked.next()
        built = shape(state, self._proxy, self._caps, FRONT, SETTINGS, SETTINGS.frame, recent=self._asked)
        candidate = write(built.model, self._proxy, self._caps, SETTINGS.frame, self._renderer, self._parts)
        said = [(p.code, p.message, p.effect, p.hint, p.origin) for p in built.problems]
        return said, built.placements, candidate


@pytest.mark.parametrize(("name", "version"), [("nginx", "1.30"), ("haproxy", "3.2")])
@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), kept=st.lists(st.sets(st.integers(0, 11)), min_size=2, max_size=4), data=st.data())
def test_no_answer_depends_on_what_was_asked_before(
    name: str, version: str, seed: int, kept: list[set[int]], data: st.DataObject
) -> None:
    """Any labels, containers that come and go, and labels that change places between two turns."""
    line = Line(PROXIES[name], version)
    everybody = list(world(str(seed), 12))
    for numbers in kept:
        one, other = data.draw(st.integers(0, 11)), data.draw(st.integers(0, 11))
        everybody[one] = replace(everybody[one], labels=everybody[other].labels)
        instances = tuple(everybody[number] for number in sorted(numbers))
        assert line.walk(instances) == Line(PROXIES[name], version).walk(instances)


#: What texts may be made of: ends of blocks inside of words, quotes and comments too, where a part is not a whole.
_NGINX = st.sampled_from([
    "http {\n", "stream {\n", "    server {\n", "    upstream a {\n", "    }\n", "}\n", "        listen 80;\n", "    allow all;\n",
    "        server_name a b;\n", '        return 200 "\n    }\n";\n', "        # {\n    }\n", "        set $a\n    }\n", '"', "'", "\\", "#",
    "    listen 1;\n", "        location / {\n        }\n", " ;", "server", "\n",
])  # fmt: skip
_HAPROXY = st.sampled_from([
    "backend a\n", "backend b from x\n", " backend c\n", "frontend f\n", "    server s 10.0.0.2:80\n", "    http-request deny\n", "\n",
    "    option x\n", "'backend d\n", '"', "\\", "#", "stray\n", "    'a\nbackend b'\n", "global\n",
])  # fmt: skip


@given(pieces=st.lists(_NGINX, max_size=14), before=st.lists(_NGINX, max_size=14))
def test_nginx_text_read_in_parts_is_the_whole(pieces: list[str], before: list[str]) -> None:
    recent = Recent()
    _outcome(lambda: NGINX.structure({MAIN: "".join(before).encode()}, recent))
    text = "".join(pieces).encode()
    assert _outcome(lambda: NGINX.structure({MAIN: text}, recent)) == _outcome(lambda: _walk([text], recent))


@given(pieces=st.lists(_HAPROXY, max_size=14), before=st.lists(_HAPROXY, max_size=14))
def test_haproxy_text_read_in_parts_is_the_whole(pieces: list[str], before: list[str]) -> None:
    recent = Recent()
    _outcome(lambda: HAPROXY.structure({"haproxy.cfg": "".join(before).encode()}, recent))
    text = "".join(pieces).encode()
    parts, whole = (lambda: HAPROXY.structure({"haproxy.cfg": text}, recent)), (lambda: _carrying(text))
    assert _outcome(parts) == _outcome(whole)


def _outcome(read: Callable[[], Structure]) -> list[Statement] | str:
    """What was read, in one order, or that it could not be."""
    try:
        return sorted(read())
    except (RefusedText, Unreadable):
        return "cannot be read"


def test_the_very_same_objects_are_known_and_not_what_took_their_place() -> None:
    """By their ids, which another object may have as soon as nobody holds the first: then it must be worked out anew."""
    recent = Recent()
    for number in range(200):
        assert recent.of(_noted, (number,), "a") == [(number,), "a"]
        assert recent.once(_noted, [number], "a") == [[number], "a"]


def test_large_inputs_are_known_by_being_the_same() -> None:
    recent, large = Recent(), ["a model"]
    assert recent.once(_noted, 1, large) is recent.once(_noted, 1, large)
    assert recent.once(_noted, 1, list(large)) is not recent.once(_noted, 1, large)
    for _ in range(_ROUNDS + 1):
        recent.next()
    assert not recent._same


def test_equal_values_become_one() -> None:
    recent = Recent()
    first = recent.one(("a", 1))
    assert recent.one(("".join("a"), int("1"))) is first
