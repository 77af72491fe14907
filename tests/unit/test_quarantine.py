"""Which few of many make the whole fail."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from confgen.quarantine import offenders


class Judge:
    """Passes whatever holds none of the bad ones and no clashing pair; counts how often it was asked."""

    def __init__(self, bad: set[int], clashes: frozenset[tuple[int, int]] = frozenset()) -> None:
        self.bad, self.clashes, self.asked = bad, clashes, 0

    def __call__(self, items: Sequence[int]) -> bool:
        self.asked += 1
        there = set(items)
        return not there & self.bad and not any({a, b} <= there for a, b in self.clashes)


def test_nothing_is_to_blame_when_all_passes() -> None:
    assert offenders([1, 2, 3], Judge(set())) == []


def test_none_of_them_is_to_blame_when_even_nothing_fails() -> None:
    assert offenders([1, 2, 3], lambda items: False) is None


def test_of_two_that_clash_the_later_one_goes() -> None:
    assert offenders([1, 2, 3, 4], Judge(set(), frozenset({(2, 4)}))) == [4]


def test_one_of_a_thousand_costs_about_a_dozen_tests() -> None:
    judge = Judge({617})
    assert offenders(range(1000), judge) == [617]
    assert judge.asked <= 13


@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, max(0, n - 1)), max_size=n))))
def test_just_the_bad_ones_are_found(case: tuple[int, set[int]]) -> None:
    size, bad = case
    bad &= set(range(size))
    assert offenders(range(size), Judge(bad)) == sorted(bad)


@given(st.frozensets(st.tuples(st.integers(0, 15), st.integers(0, 15)).filter(lambda pair: pair[0] < pair[1]), max_size=12))
def test_what_is_left_passes_and_nothing_went_without_need(clashes: frozenset[tuple[int, int]]) -> None:
    found = offenders(range(16), Judge(set(), clashes))
    assert found is not None
    left = [item for item in range(16) if item not in found]
    judge = Judge(set(), clashes)
    assert judge(left)
    assert all(not judge(sorted({*[x for x in left if x < item], item})) for item in found)
