"""HAProxy's words, as parse_line() cuts them.  The same table is held against the real binaries in tests/integration."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.errors import RefusedText
from confgen.proxies.haproxy.quote import decoded, lf, period, q
from confgen.proxies.haproxy.tokens import entries, lines, words
from confgen.values import Text

WORDS = [
    (b"", ()),
    (b"   \t ", ()),
    (b"# all of it", ()),
    (b"a b", (b"a", b"b")),
    (b"  a\t\v\f b  ", (b"a", b"b")),
    (b"a b#c d", (b"a", b"b")),
    (b"a '#' \"#\" \\# b", (b"a", b"#", b"#", b"#", b"b")),
    (b"a 'b c' \"d e\" f\\ g", (b"a", b"b c", b"d e", b"f g")),
    (b"a x'y z'w\"v u\"t", (b"a", b"xy zwv ut")),
    (b"a 'it'\\''s'", (b"a", b"it's")),
    (b"a '\\n' \"\\n\" \\n \\t \\r", (b"a", b"\\n", b"\n", b"\n", b"\t", b"\r")),
    (b"a \\x41 \"\\x41\" '\\x41' \\xfF", (b"a", b"A", b"A", b"\\x41", b"\xff")),
    (b'a \\1 \\q "\\q" b\\', (b"a", b"\\1", b"\\q", b"\\q", b"b\\")),
    (b"a $HOME '$HOME' \\$x \"\\$x\"", (b"a", b"$HOME", b"$HOME", b"\\$x", b"$x")),
    (b'a \\" \\\' "\\\'" "\\""', (b"a", b'"', b"'", b"'", b'"')),
    (b"a '' b", (b"a", b"", b"b")),
    (b"a\rb", (b"a",)),
    (b"a \rb", (b"a", b"b")),
    (b"a 'b'\r c", (b"a", b"b")),
    (b"a \xc3\xa9 \xff", (b"a", b"\xc3\xa9", b"\xff")),
    (b" ".join([b"w"] * 64), (b"w",) * 64),
]

REFUSED = [
    b"a 'b",
    b'a "b',
    b"a 'b\rc'",
    b'a "$HOME"',
    b'a "${HOME}"',
    b'a "$.LINE"',
    b"a \\x4",
    b"a \\xzz",
    b"a \\x00",
    b"a\0b",
    b"[scope] a",
    b"  [scope]",
    b".if 1",
    b"'.notice' x",
    b"'' a",
    b"a b ''",
    b"''",
    b" ".join([b"w"] * 65),
    b" ".join([b"w"] * 64) + b" ",
]


@pytest.mark.parametrize(("line", "cut"), WORDS)
def test_a_line_is_cut_as_haproxy_cuts_it(line: bytes, cut: tuple[bytes, ...]) -> None:
    assert words(line) == cut


@pytest.mark.parametrize("line", REFUSED)
def test_what_haproxy_refuses_or_would_look_up_is_refused(line: bytes) -> None:
    with pytest.raises(RefusedText):
        words(line)


def test_the_last_line_has_to_end() -> None:
    assert lines(b"") == []
    assert lines(b"a\n\n  b c\n") == [(b"a",), (b"b", b"c")]
    with pytest.raises(RefusedText, match="does not end"):
        lines(b"a\nb")


def test_map_files() -> None:
    text = b"# comment\n\nkey value\n  k2\t v1  v2 \n #k3 v\nalone\nk4 v # w\r\n"
    assert entries(text) == [
        (b"key", b"value"),
        (b"k2", b"v1", b"v2"),
        (b"#k3", b"v"),  # HAProxy looks for "#" before it takes leading blanks away
        (b"alone",),
        (b"k4", b"v", b"#", b"w"),
    ]
    with pytest.raises(RefusedText):
        entries(b"k " + b"v" * 17_000)
    with pytest.raises(RefusedText):
        entries(b"k\0v w\n")


@given(st.text(st.characters(blacklist_characters="\0\r\n", blacklist_categories=("Cs",)), min_size=1))
def test_whatever_is_quoted_stays_one_word(text: str) -> None:
    assert words(b"a " + q(text).encode() + b" b") == (b"a", text.encode(), b"b")
    assert words(b"a " + q(Text(text)).encode() + b" b") == (b"a", text.encode(), b"b")


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_a_line_break_cannot_be_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        q(text)


@given(st.binary(max_size=80))
def test_no_bytes_make_the_reader_stumble(text: bytes) -> None:
    """RefusedText is the only way out."""
    for read in (lines, entries):
        with contextlib.suppress(RefusedText):
            assert all(isinstance(word, bytes) for line in read(text) for word in line)


def test_small_filters() -> None:
    assert (q("plain/1.2:3"), q("a b"), q("it's"), q("")) == ("plain/1.2:3", "'a b'", "'it'\\''s'", "''")
    assert lf("100%[env(HOME)]") == "100%%[env(HOME)]"
    assert (period(60_000), period(500), period(1500), period(90_000)) == ("60s", "500ms", "1500ms", "90s")
    assert decoded("/caf%C3%A9") == "/café"
