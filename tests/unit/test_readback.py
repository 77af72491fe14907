"""What was rendered against what was meant: as many of each statement, whatever their order."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.errors import RefusedText
from confgen.readback import Statement, Structure, verify

SERVER = Statement((("http",), ("upstream", "web")), ("server", "10.0.0.2:80"))
OTHER = Statement((("http",), ("upstream", "web")), ("server", "10.0.0.3:80"))
EVIL = Statement((("http",),), ("load_module", "evil.so\n"))

_WORDS = st.tuples(st.sampled_from(["server", "listen", "x"]), st.sampled_from(["a", "b"]))
STRUCTURES = st.lists(st.builds(Statement, st.tuples() | st.tuples(_WORDS), _WORDS), max_size=6).map(tuple)


@given(one=STRUCTURES, data=st.data())
def test_the_same_in_any_order_is_right(one: Structure, data: st.DataObject) -> None:
    verify(one, tuple(data.draw(st.permutations(one))))


@given(one=STRUCTURES, other=STRUCTURES)
def test_what_differs_is_refused(one: Structure, other: Structure) -> None:
    if sorted(one) == sorted(other):
        verify(one, other)
    else:
        with pytest.raises(RefusedText):
            verify(one, other)


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ((SERVER,), (), 'lacks what was meant: "http > upstream web > server 10.0.0.2:80"'),
        ((), (SERVER,), 'has what was not meant: "http > upstream web > server 10.0.0.2:80"'),
        ((SERVER,), (SERVER, SERVER), "has what was not meant"),
        ((SERVER, SERVER), (SERVER,), "lacks what was meant"),
        ((SERVER,), (OTHER,), "10.0.0.3:80"),
        ((), (EVIL,), r"load_module evil.so\x0a"),
        ((SERVER,), (Statement((), SERVER.words),), "lacks what was meant"),
    ],
)
def test_the_difference_is_told_on_one_line(expected: Structure, found: Structure, said: str) -> None:
    with pytest.raises(RefusedText) as caught:
        verify(expected, found)
    assert said in caught.value.message
    assert caught.value.message.isprintable()
    assert "stays live" in caught.value.hint


def test_of_many_differences_the_first_three_are_told_on_each_side() -> None:
    many = tuple(Statement((), ("server", str(i))) for i in (5, 3, 9, 1, 7))
    other = tuple(Statement((), ("listen", str(i))) for i in (4, 2, 8, 6))
    with pytest.raises(RefusedText) as caught:
        verify(many, other)
    assert re.findall(r"(server|listen) ([0-9])", caught.value.message) == [
        ("listen", "2"), ("listen", "4"), ("listen", "6"), ("server", "1"), ("server", "3"), ("server", "5"),
    ]  # fmt: skip
