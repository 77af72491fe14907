"""The tokenizer's corners, each as nginx was seen to read it (the fuzz in tests/integration compares thousands more)."""

from __future__ import annotations

import pytest

from confgen.proxies.nginx.tokens import Unreadable, statements


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"a b;", [((b"a", b"b"), ";")]),
        (b"a{b;}", [((b"a",), "{"), ((b"b",), ";"), ((), "}")]),
        (b"# only\n", []),
        (b"a#b # c;\n;", [((b"a#b",), ";")]),
        (b"a }b;", None),
        (b"#" + b"c" * 4094 + b"\n", []),
        (b"#" + b"c" * 4095 + b"\n", None),
        (b"#" + b"c" * 4095, []),
        (b"#" + b"c" * 4096, None),
        (b"a b}c;", [((b"a", b"b}c"), ";")]),
        (b"a ${b}c;", [((b"a", b"${b}c"), ";")]),
        (b"a x$y{}", [((b"a", b"x$y"), "{"), ((), "}")]),
        (b"a ${{b;", [((b"a", b"${{b"), ";")]),
        (b'a "b;{}#\n";', [((b"a", b"b;{}#\n"), ";")]),
        (b"a 'b\"c';", [((b"a", b'b"c'), ";")]),
        (rb'a "b\"c\\d\te\xf";', [((b"a", b'b"c\\d\te\\xf'), ";")]),
        (rb"a b\;c\ d;", [((b"a", rb"b\;c\ d"), ";")]),
        (b'a ("b")c;', [((b"a", b'("b")c'), ";")]),
        (b'a "b")c;', [((b"a", b"b", b")c"), ";")]),
        (b'a "";', [((b"a", b""), ";")]),
        (b'a b"c;', [((b"a", b'b"c'), ";")]),
        (b"a\x00b;", [((b"a\x00b",), ";")]),
        (b"a\x0bb;", [((b"a\x0bb",), ";")]),
        (b";", None),
        (b"{", None),
        (b"a b", None),
        (b'a "b"c;', None),
        (b'a "b', None),
        (b'a "b"', None),
        (b"a \\", None),
        (b"a " + b"x" * 4094 + b";", [((b"a", b"x" * 4094), ";")]),
        (b"a " + b"x" * 4095 + b";", [((b"a", b"x" * 4095), ";")]),
        (b"a " + b"x" * 4096 + b";", None),
        (b"a " + b"x" * 4095 + b" ;", None),
        (b'a "' + b"x" * 4094 + b'";', [((b"a", b"x" * 4094), ";")]),
        (b'a "' + b"x" * 4095 + b'";', None),
    ],
)
def test_words(text: bytes, found: list[object] | None) -> None:
    if found is None:
        with pytest.raises(Unreadable, match=r"^line 1: "):
            list(statements(text))
    else:
        assert list(statements(text)) == found


def test_the_line_is_told() -> None:
    with pytest.raises(Unreadable, match=r"^line 3: "):
        list(statements(b"a;\nb;\n;"))
