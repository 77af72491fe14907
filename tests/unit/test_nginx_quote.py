"""A quoted value is one word, and the same bytes again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.proxies.nginx.quote import DOLLAR, decoded, duration, literal, quoted, regex, variable
from confgen.proxies.nginx.tokens import statements
from confgen.proxies.nginx.view import plain, word
from confgen.values import Text

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)


def read(text: str) -> list[str]:
    """The words of one statement as nginx reads them."""
    ((words, end),) = statements(f"x {text};".encode())
    assert end == ";"
    return [w.decode() for w in words[1:]]


@given(ANY)
def test_a_literal_comes_back_as_it_was(value: str) -> None:
    assert read(literal(value)) == [value]
    assert read(plain(value)) == [value]


@given(ANY)
def test_a_dollar_never_starts_a_variable_of_the_value(value: str) -> None:
    (got,) = read(quoted(value))
    assert got.replace(DOLLAR, "$") == value
    assert "$" not in got.replace(DOLLAR, "")
    (got,) = read(word(value))
    assert "$" not in got.replace(DOLLAR, "")


@given(ANY)
def test_free_text_is_quoted_too(value: str) -> None:
    assert quoted(Text(value)) == quoted(value) == word(Text(value))


def test_plain_words_stay_bare() -> None:
    assert [word(w) for w in ("/api", "shop.web", "10.0.0.1:80", "[fd00::1]:80", "a b", "a;b", "")] == [
        "/api", "shop.web", "10.0.0.1:80", "[fd00::1]:80", '"a b"', '"a;b"', '""',
    ]  # fmt: skip


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quoted("a\0b")


def test_durations() -> None:
    assert [duration(n) for n in (1, 500, 1000, 1500, 60_000)] == ["1ms", "500ms", "1s", "1500ms", "60s"]


@pytest.mark.parametrize(
    ("prefix", "name", "there"),
    [
        ("http", "X-User", "$http_x_user"),
        ("cookie", "Session_1", "$cookie_Session_1"),
        ("cookie", "my.id", ""),
        ("cookie", "my-id", ""),
    ],
)
def test_variables(prefix: str, name: str, there: str) -> None:
    assert variable(prefix, name) == there


def test_paths_as_nginx_compares_them() -> None:
    assert decoded("/caf%C3%A9%20x") == "/café x"
    with pytest.raises(UnicodeDecodeError):
        decoded("/%FF")


@given(ANY)
def test_a_regex_of_a_path_matches_that_path_alone(value: str) -> None:
    import re

    assert re.fullmatch(regex(value), value)
    assert not re.fullmatch(regex(value), value + "x")
