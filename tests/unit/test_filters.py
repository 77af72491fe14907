"""Filters and tests of the operator's own: what they may give, and how each mistake in their file is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from confgen.apart import Apart, Limits, renderer
from confgen.cli.options import settings_from
from confgen.errors import BadInput, BadTemplate
from confgen.proxies.nginx import NGINX
from confgen.render import Renderer
from confgen.values import Text
from tests.unit.test_apart import LITTLE, MAIN, SHORT
from tests.unit.test_given import context

Make = Callable[..., Apart]


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Make]:
    made: list[Apart] = []

    def make(template: str, python: str, limits: Limits = LITTLE) -> Apart:
        (tmp_path / "main.j2").write_text(template)
        (tmp_path / "filters.py").write_text(python)
        made.append(Apart((tmp_path,), NGINX.filters, lambda: False, limits, tmp_path / "filters.py"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def text(apart: Apart, **view: object) -> str:
    return apart.render(MAIN, view).as_dict()["main.conf"].decode()


def refused(apart: Apart, **view: object) -> str:
    with pytest.raises(BadTemplate) as caught:
        text(apart, **view)
    assert "stays live" in caught.value.hint
    return caught.value.message


MIRROR = "def mirror(x, n=1):\n    return x[::-1] * n\nFILTERS = {'mirror': mirror}\nTESTS = {'odd_one': lambda n: n % 2}\n"


def test_templates_call_them_by_their_names(apart: Make) -> None:
    made = apart("{{ a | mirror(n=2) }}{% if 3 is odd_one %}!{% endif %}{% if 2 is odd_one %}?{% endif %}", MIRROR)
    assert text(made, a="abc") == "cbacba!"
    assert made.marked(MAIN, {"a": "abc"})[0].endswith("!")


RAW = """
FILTERS = {
    "raw": lambda x: x.raw,
    "raws": lambda x: [x.raw],
    "head": lambda xs: next(iter(xs)).raw,
    "size": lambda x: len(x.raw),
}
"""


@pytest.mark.parametrize(
    "template",
    ["{{ a | raw }}", "{{ (a | raws)[0] }}", "{{ [a] | head }}", "{{ [a] | select | head }}", "{{ a | raw ~ 'x' }}"],
)
def test_what_comes_out_of_free_text_is_free_text(apart: Make, template: str) -> None:
    made = apart(template, RAW)
    assert "free text must go through the quoting filter" in refused(made, a=Text('x"; }'))


def test_it_is_printed_through_the_quoting_filter(apart: Make) -> None:
    made = apart("{{ a | raw | q }} {{ a | size }}", RAW)
    assert text(made, a=Text('x"; }')) == '"x\\"; }" 5'


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("import nothing_of_this_name\n", "filters.py:1: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("a = 1\nb = (\n", "filters.py:2: '(' was never closed"),
        ("a = 1\nraise SystemExit(3)\n", "filters.py:2: SystemExit: 3"),
        ("a = 1\nopen('/no/such')\n", "filters.py:2: FileNotFoundError"),
        ("a = 'a' * 10 ** 9\n", "filters.py:1: it needs more memory"),
        ("a = 1\nwhile True:\n    pass\n", "it is not done after 0.7 s"),
        ("def f(x): return x\n", "filters.py: it has neither FILTERS nor TESTS"),
        ("FILTERS = [len]\n", "filters.py: FILTERS is no dict"),
        ("FILTERS = {'a-b': len}\n", "filters.py: FILTERS: 'a-b' is no name"),
        ("FILTERS = {'size': 3}\n", "filters.py: FILTERS: size is no function"),
        ("FILTERS = {'q': str}\n", "filters.py: FILTERS: q is there already"),
        ("FILTERS = {'upper': str}\n", "filters.py: FILTERS: upper is there already"),
        ("TESTS = {'defined': bool}\n", "filters.py: TESTS: defined is there already"),
        ("\xff", "filters.py"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(apart: Make, tmp_path: Path, python: str, said: str) -> None:
    made = apart("fine", "", SHORT)
    (tmp_path / "filters.py").write_bytes(python.encode("latin-1"))
    assert said in refused(made)
    assert refused(made).startswith("filters ")
    (tmp_path / "filters.py").write_text(MIRROR)
    made.forget()
    assert text(made) == "fine"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return {}[x]", "main.j2:2: FILE:2: filter f: KeyError: 1"),
        ("raise SystemExit", "main.j2:2: FILE:2: filter f: SystemExit"),
        ("return open", "main.j2:2: FILE: filter f: it gives a builtin_function_or_method, and may give"),
        ("return {'a': 1}", "main.j2:2: FILE: filter f: it gives a dict, and may give"),
        ("return 'a' * 10 ** 9", "main.j2:2: it needs more memory"),
        ("while True: pass", "main.j2:2: it is not done after 0.7 s"),
        ("import os; os._exit(3)", "its process ended (code 3)"),
        ("import time; time.sleep(100)", "main.j2:2: it is not done after 0.7 s"),
        ("return __import__('sys').stdin.read() or 'end'", ""),
    ],
)
def test_a_filter_that_fails_is_told_with_both_places(apart: Make, tmp_path: Path, body: str, said: str) -> None:
    made = apart("a\n{{ 1 | f }}", f"def f(x):\n    {body}\nFILTERS = {{'f': f}}\n", Limits(seconds=0.7, memory=128 << 20))
    if said:
        assert said.replace("FILE", str(tmp_path / "filters.py")) in refused(made)
        (tmp_path / "filters.py").write_text("FILTERS = {'f': str}\n")
        made.forget()
        assert text(made) == "a\n1"
    else:
        assert text(made) == "a\nend"


def test_one_that_swallows_every_error_is_ended(apart: Make) -> None:
    loop = "def f(x):\n    while True:\n        try: sum(range(100000))\n        except BaseException: pass\nFILTERS = {'f': f}\n"
    assert "it was not done after 0.2 s" in refused(apart("{{ 1 | f }}", loop, Limits(seconds=0.2)))


def test_a_missing_file_is_told(apart: Make, tmp_path: Path) -> None:
    made = apart("fine", MIRROR)
    (tmp_path / "filters.py").unlink()
    assert "filters.py: it cannot be read: No such file" in refused(made)


def test_it_is_never_run_in_this_process(tmp_path: Path) -> None:
    (tmp_path / "filters.py").write_text(f"import os\nopen({str(tmp_path / 'ran')!r}, 'w').write(str(os.getpid()))\n{MIRROR}")
    made = renderer((), NGINX.filters, own=tmp_path / "filters.py")
    assert not isinstance(made, Renderer)
    with pytest.raises(BadTemplate):  # there is no such template: the file is run for all that
        made.render(MAIN, {})
    made.close()
    assert (tmp_path / "ran").read_text() != str(os.getpid())


def test_nothing_is_imported_from_the_folder_that_one_works_in(
    apart: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert text(apart("fine", MIRROR)) == "fine"
    assert not (tmp_path / "ran").exists()


SETTINGS = '[templates]\nfilters = "filters.py"\n'


def test_a_file_of_settings_that_merely_lies_there_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "confgen.toml").write_text(SETTINGS)
    (tmp_path / "filters.py").write_text(MIRROR)
    with pytest.raises(BadInput, match=r"confgen\.toml:2: templates\.filters has something run, and nobody named this file"):
        context("check")
    with context("check", "--config", "confgen.toml") as made:
        assert settings_from(made.params).filters == tmp_path / "filters.py"
