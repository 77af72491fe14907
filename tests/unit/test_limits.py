"""Sizes, rates, and what a rate and a burst come to."""

from __future__ import annotations

import pytest

from confgen.limits import Limits, Rate, parse_rate, parse_size
from confgen.values import Refusal
from tests.unit.facts import container, model, wishes


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1000", 1000), ("512k", 512 * 1024), ("10m", 10 * 1024**2), ("10MB", 10 * 1024**2), ("1g", 1024**3), ("1024g", 1024**4), ("7b", 7)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1t", "10 m", "1.5m", "1025g", "٣", "1_0", "m", "10kib", "9999999999"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_size(text)
    assert refused.value.hint


@pytest.mark.parametrize(("text", "rate"), [("10r/s", Rate(10)), ("100r/m", Rate(100, 60)), ("999999r/s", Rate(999_999))])
def test_rates(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate
    assert str(rate) == text


@pytest.mark.parametrize("text", ["", "10", "0r/s", "10r/h", "10/s", "r/s", "10 r/s", "1000000r/s", "-1r/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_rate(text)
    assert refused.value.code == "CG183"


@pytest.mark.parametrize(
    ("rate", "burst", "window"),
    [(Rate(10), 9, 1000), (Rate(10), 20, 2100), (Rate(1, 60), 0, 60_000), (Rate(7), 0, 143), (Rate(999_999), 0, 1), (Rate(1, 60), 10_000, 600_060_000)],
)  # fmt: skip
def test_the_time_in_which_a_burst_is_made_up_for(rate: Rate, burst: int, window: int) -> None:
    assert Limits(rate=rate, burst=burst).window == window < 2**31


def test_a_burst_is_the_rates_own_number_where_none_is_said() -> None:
    labels = {"host": "a.example", "port": "80"}
    said = [labels | {"limit.rate": "10r/s"} | more for more in ({}, {"limit.burst": "0"}, {"limit.burst": "50"})]
    assert [route.limits.burst for one in said for route in model(container(labels=one)).routes()] == [9, 0, 50]


def test_a_burst_without_a_rate_shuts_the_route() -> None:
    found = wishes({"host": "a.example", "limit.burst": "5"})
    assert [wish.withheld for wish in found.routes] == ["limit.burst"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10", 'write "10r/s" or "10r/m"'),
        ("10/s", 'write "10r/s"'),
        ("10 req/min", 'write "10r/m"'),
        ("10 per second", 'write "10r/s"'),
        ("fast", 'write it as in "10r/s", "100r/m"'),
        ("0r/s", "write at least 1r/m, or use deny"),
    ],
)
def test_what_was_meant_by_a_rate_is_what_the_hint_says(text: str, hint: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_rate(text)
    assert refused.value.hint == hint


def test_without_any_limit_it_is_none() -> None:
    assert not Limits()
    assert Limits().window == 0
    assert Limits(connections=1)
    assert Limits(rate=Rate(10), burst=9).window == 1000
