"""A short fuzz in every run of the tests; and that it sees what it is there for when a layer is taken away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from confgen import keys, want
from confgen.proxies import PROXIES
from confgen.state import Instance
from confgen.values import Host, Match, Name, Path
from tests.fuzz import differential, run, texts
from tests.fuzz.line import VERSIONS, Difference, Side, unguarded, written
from tests.fuzz.worlds import crowded, minimal, world

NAMES = tuple(VERSIONS)


@pytest.mark.parametrize("seed", ["confgen", secrets.token_hex(4)])
def test_no_label_makes_a_text_that_its_model_is_not(seed: str) -> None:
    """A fixed seed, so that a red run is red for everybody, and another one each time; a failure names it."""
    tally = run.batch(seed, 0, 12)
    assert not tally.failures, [line for number, _ in tally.failures[:3] for line in run.reproduced(seed, number)]
    assert tally.counts["labels"] > 1500
    assert tally.counts["accepted"] > tally.counts["labels"] // 2, "most of it must reach the text"
    assert len([key for key in tally.counts if key.startswith("key ")]) == len(keys.KEYS), "every kind of label"
    assert min(tally.counts["nginx routes"], tally.counts["haproxy routes"]) > 100


@pytest.mark.parametrize("seed", ["confgen", secrets.token_hex(4)])
def test_no_open_route_answers_for_what_its_owner_wants_guarded(seed: str) -> None:
    oldest = [Side.of(name, versions[0]) for name, versions in VERSIONS.items()]
    for number in range(400):
        some = crowded(f"{seed}/{number}")
        assert [unguarded(some, one) for one in oldest] == [[]] * len(oldest), f"{seed}/{number}"


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("part", ["accepted", "unquoted"])
def test_the_real_programs_take_it_and_nothing_else(part: str, number: int) -> None:
    programs = differential.programs()
    if number >= len(programs):
        pytest.skip("not every version is there")
    seed = secrets.token_hex(4)
    tally = differential.PARTS[part](programs[number], seed, 0.3)
    assert not tally.failures, (seed, tally.failures[:3])
    assert tally.counts


# --- It can fail: one layer at a time is broken, and the fuzz is red.


def bare(text: object) -> str:
    return str(getattr(text, "raw", text))


def side(name: str, filters: Callable[[str], Callable[..., str]] | None = None) -> Side:
    """The newest of a proxy, with filters of our own where given."""
    real = Side.of(name, VERSIONS[name][-1])
    if not filters:
        return real
    broken = {key: filters(key) for key in real.proxy.filters if key in ("q", "literal")}
    return replace(real, renderer=type(real.renderer)((), {**real.proxy.filters, **broken}))


def first_failure(at: Side, worlds: int = 150) -> tuple[tuple[Instance, ...], str]:
    """The first world of the fixed seed that fails, and how; ((), "") where none does."""
    for number in range(worlds):
        some = world(f"confgen/{number}")
        try:
            written(some, at)
        except Difference as difference:
            return some, str(difference)
    return (), ""


@pytest.fixture
def read_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(want, "verify", lambda *_: None)
    for name in NAMES:
        monkeypatch.setattr(type(PROXIES[name]), "structure", lambda self, files, recent: ())


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_that_does_not_quote_is_seen(name: str) -> None:
    _, said = first_failure(side(name, lambda _: bare))
    assert "RefusedText" in said


@pytest.mark.parametrize("name", NAMES)
def test_without_the_read_back_other_eyes_see_it(name: str, read_back_off: None) -> None:
    _, said = first_failure(side(name, lambda _: bare))
    assert "the text has" in said


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_that_quotes_almost_all_is_seen(name: str) -> None:
    """Quotes, but what is inside goes as it is: only a text with a quote in it can tell."""
    quote = {"nginx": '"', "haproxy": "'"}[name]
    _, said = first_failure(side(name, lambda _: lambda text: f"{quote}{bare(text)}{quote}"))
    assert said


@pytest.mark.parametrize(
    ("name", "key"), [("nginx", "host"), ("haproxy", "host"), ("haproxy", "path"), ("nginx", "pool"), ("haproxy", "pool")]
)
def test_a_reader_that_takes_anything_is_seen(name: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for nginx's path, which is quoted so well that nothing comes of it."""
    loose = {"path": lambda text: Match(Path("/" + text)), "host": lambda text: (Host(text),), "pool": Name}
    row = keys.BY_NAME[key]
    monkeypatch.setitem(keys.BY_NAME, key, replace(row, kind=replace(row.kind, parse=loose[key])))
    assert first_failure(side(name))[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_whose_grammar_is_not_anchored_at_its_end_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake of CVE-2021-25748 and 2026-1580: what stands behind a line break is not looked at."""
    row = keys.BY_NAME["host"]

    def loose(text: str) -> object:
        return tuple(Host(part) for part in text.split(",") if re.match(r"^[a-z0-9.-]+$", part, re.MULTILINE))

    monkeypatch.setitem(keys.BY_NAME, "host", replace(row, kind=replace(row.kind, parse=loose)))
    assert first_failure(side(name))[1]


def test_what_a_template_adds_is_seen_without_the_read_back(
    read_back_off: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name, file, added in (
        ("nginx", "nginx/site.j2", "# {{ site.names[0] }}\n    server { server_name other.test; }\n"),
        ("haproxy", "haproxy/answers.j2", "backend own\n    server s 192.0.2.9:80\n"),
    ):
        folder = tmp_path_factory.mktemp(name)
        (folder / file).parent.mkdir()
        real = side(name)
        loader = real.renderer._environment.loader
        assert loader
        source, _, _ = loader.get_source(real.renderer._environment, file)
        (folder / file).write_text(added + source)
        said = first_failure(replace(real, renderer=type(real.renderer)((folder,), real.proxy.filters)))[1]
        assert "the text has" in said


def test_what_the_programs_take_and_the_read_back_lets_pass_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a read-back that sees nothing, hostile text in a text gets through nginx -t and haproxy -c."""
    monkeypatch.setattr(differential, "readback", SimpleNamespace(verify=lambda expected, found: None))
    monkeypatch.setattr(texts, "HOSTILE", ("; return 200 own; set $x", "\nbackend own\n  server s 192.0.2.9:80\n"))
    for program in (differential.programs()[0], differential.programs()[-1]):
        found = differential.unquoted(program, "confgen", 120, one_is_enough=True).failures
        assert any("takes what the model does not hold" in said for _, said in found)


def test_a_failure_is_made_small() -> None:
    broken = side("nginx", lambda _: lambda text: f'"{bare(text)}"')
    some, _ = first_failure(broken)

    def wrong(part: tuple[Instance, ...]) -> bool:
        try:
            written(part, broken)
        except Difference:
            return True
        return False

    small = minimal(some, wrong)
    assert len(small) <= 2
    assert all(len(instance.labels) <= 3 for instance in small), small
    assert wrong(small)
