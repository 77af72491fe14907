"""The benchmark's arithmetic, and that its page says what the figures say."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench import page
from tests.bench.__main__ import again, foreign, order, parsed, reason
from tests.bench.chart import chart
from tests.bench.figures import Figure, as_json, beaten, cases, cell, counted, from_json, growth, joined, number, ratios
from tests.bench.measure import Measure
from tests.bench.measures import MEASURES, replicas, turn, wire
from tests.e2e.stack import ROOT
from tests.load import Result

OURS = ("confgen, nginx", "confgen, HAProxy")


def test_ratios_are_of_pairs_and_need_as_many_on_both_sides() -> None:
    assert ratios([10, 30], [20, 10]) == (0.5, 3.0)
    with pytest.raises(ValueError, match="zip"):
        ratios([1], [1, 2])


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (99.96, "100"), (12.34, "12.3"), (1.204, "1.2"), (0.5678, "0.57"), (0, "0"), (-3, "-3"), (20, "20")],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_cell_has_the_median_and_the_spread() -> None:
    assert cell(Figure("c", "p", (3, 1, 8))) == "3 (1 to 8)"
    assert cell(Figure("c", "p", (3,))) == "3"
    assert cell(counted("c", "p", 2, of=4000)) == "2 of 4,000"
    assert cell(None) == "-"


def test_figures_survive_json() -> None:
    for figure in (Figure("c", "p", (0.0, 1.5), "ms"), counted("c", "p", 0, of=7), Figure("c", "p", (1,), "1/s", "more")):
        assert from_json(json.loads(json.dumps(as_json(figure)))) == figure


def figures(ours: float, peer: float, better: str = "less") -> list[Figure]:
    return [Figure("c", OURS[0], (ours,), better=better), Figure("c", "Traefik", (peer,), better=better)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ours", "peer", "better", "lost"),
    [
        (10, 8, "less", True),
        (10, 9.5, "less", False),
        (10, 12, "less", False),
        (0, 0, "less", False),
        (10, 12, "more", True),
        (10, 8, "more", False),
        (10, 1, "", False),
    ],
)
def test_a_peer_is_better_by_more_than_noise_in_the_right_direction(ours: float, peer: float, better: str, lost: bool) -> None:
    assert bool(beaten(figures(ours, peer, better), OURS, ("Traefik",))) is lost


def test_counts_are_compared_by_how_many_they_are_out_of() -> None:
    found = [counted("c", OURS[0], 2, of=100), counted("c", "Traefik", 3, of=10_000)]
    assert [peer.place for peer, _ in beaten(found, OURS, ("Traefik",))] == ["Traefik"]


def test_what_clients_noticed_is_counted() -> None:
    seen = Result(times=[0.01, 0.3, 1.5, 0.02])
    seen.failed["503"] += 1
    found = {figure.case: figure for figure in replicas.noticed("dies", "Traefik", seen)}
    assert [cell(found[f"dies: {what}"]) for what in ("failed", "over 250 ms", "over 1 s", "longest")] == [
        "1 of 4",
        "2 of 4",
        "1 of 4",
        "1,500",
    ]


def test_wrk_is_read_in_all_its_units() -> None:
    said = "  Latency Distribution\n     50%  100.00us\n     99%    {}\nRequests/sec:  12345.67\nTransfer/sec: 1MB\n"
    assert [wire.read(said.format(t)) for t in ("250.00us", "1.50ms", "2.00s")] == [
        wire.Seen(12345.67, 0.25),
        wire.Seen(12345.67, 1.5),
        wire.Seen(12345.67, 2000),
    ]


def test_few_others_come_first_and_never_more_than_allowed() -> None:
    assert order(MEASURES, 50)[0][0] == 3
    small = order({"calls": MEASURES["calls"], "dead": MEASURES["dead"]}, 20)
    assert small == [(3, "dead"), (10, "calls"), (20, "calls")]


def test_a_measure_of_several_passes_goes_from_few_to_many_and_back() -> None:
    twice = Measure("Twice", "How.", MEASURES["start"].run, others=(3, 200), passes=2)
    assert order({"calls": MEASURES["calls"], "twice": twice}, 50) == [
        (3, "twice"),
        (10, "calls"),
        (50, "calls"),
        (50, "twice"),
        (3, "twice"),
        (50, "twice"),
    ]


def test_the_passes_of_a_case_are_one_figure() -> None:
    first, second = [Figure("c", "p", (1, 2)), Figure("d", "p", (5,))], [Figure("c", "p", (3,)), Figure("c", "q", (4,))]
    assert joined(first, second) == [Figure("c", "p", (1, 2, 3)), Figure("d", "p", (5,)), Figure("c", "q", (4,))]


def test_growth_is_told_pass_by_pass_and_beside_it_what_the_machine_does_alone() -> None:
    found = [Figure("c, 3 others", "p", (9, 10, 11, 20, 20, 90)), Figure("c, 200 others", "p", (11, 1, 12, 24, 24, 24))]
    assert growth(found, 2, ("c",)) == [
        Figure("c, 200 others against 3", "p", (1.1, 1.2), "×", ""),
        Figure("c, 3 others against 3 a pass before", "p", (2.0,), "×", ""),
    ]
    assert growth(found, 2, ()) == []
    assert growth(found[:1], 2, ("c",)) == [Figure("c, 3 others against 3 a pass before", "p", (2.0,), "×", "")]


def test_a_chart_has_a_bar_for_each_place_and_is_as_long_as_the_figure() -> None:
    found = [Figure("c", OURS[0], (10, 20, 40), "ms"), Figure("c", "Traefik", (80,), "ms"), counted("d<", "Traefik", 0, of=9)]
    tree = ET.fromstring(chart("A <title>", cases(found), OURS))
    bars = [(float(bar.get("width", "")), bar.get("class")) for bar in tree.iter() if bar.tag.endswith("rect")]
    assert bars == [(95.0, "bar ours"), (380.0, "bar"), (1.5, "bar")]
    assert [text.text for text in tree.iter() if text.get("class") == "head"] == ["c, ms", "d<"]


@pytest.fixture
def data() -> dict[str, object]:
    rows = [as_json(figure) for figure in figures(100, 60)]
    return {
        "date": "2026-01-02",
        "machine": "a machine",
        "load": 0.1,
        "seconds": 120,
        "rounds": 0,
        "versions": {"nginx": "1.30.0"},
        "measures": {"start": rows},
        "missing": {"kill": "with 3 others: the reason"},
    }


def test_the_page_names_each_figure_and_where_a_peer_is_better(tmp_path: Path, data: dict[str, object]) -> None:
    (tmp_path / "bench-old.svg").touch()
    measure = Measure("Starts", "How.", MEASURES["start"].run, chart=("c",))
    page.write(data, {"start": measure, "kill": MEASURES["kill"]}, tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "| c | 100 | 60 |" in text
    assert "- Starts; c: **Traefik 60**; confgen, nginx 100" in text
    assert "Not measured to its end: kill, with 3 others: the reason." in text
    assert "busy" not in text
    assert MEASURES["kill"].title not in text
    assert {path.name for path in tmp_path.iterdir()} == {"benchmarks.md", "bench-start.svg"}
    assert all((tmp_path / name).exists() for name in re.findall(r"\]\((bench-[^)]*)\)", text))


def test_a_picture_shows_what_was_measured_and_no_ratio_of_it(tmp_path: Path, data: dict[str, object]) -> None:
    rows = [Figure("c, 3 others", OURS[0], (9, 10)), Figure("c, 200 others", OURS[0], (11, 12))]
    rows += growth(rows, 2, ("c",))
    page.write({**data, "measures": {"start": [as_json(row) for row in rows]}}, {"start": MEASURES["memory"]}, tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "| c, 200 others against 3, × | 1.21 (1.2 to 1.22) |" in text
    assert not list(tmp_path.glob("*.svg"))
    measure = Measure("Starts", "How.", MEASURES["start"].run, chart=("c",))
    page.write({**data, "measures": {"start": [as_json(row) for row in rows]}}, {"start": measure}, tmp_path)
    tree = ET.parse(tmp_path / "bench-start.svg")
    assert [text.text for text in tree.iter() if text.get("class") == "head"] == ["c, 3 others", "c, 200 others"]


def test_the_page_owns_up_to_a_busy_machine(tmp_path: Path, data: dict[str, object]) -> None:
    page.write({**data, "load": 2.5}, {"start": MEASURES["start"]}, tmp_path)
    assert "The machine was busy" in (tmp_path / "benchmarks.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--into", "figures.json"], "say which, with --only"),
        (["--only", "start", "--into", "absent.json"], "absent.json: .* No such file"),
        (["--only", "start", "--into", "list.json"], "list.json has no figures of a run"),
        (["--from", "half.json"], "half.json: "),
        (["--only", "strat"], "strat: no such measure; there are start, "),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"figures.json": '{"measures": {}}', "list.json": "[]", "half.json": '{"meas'}.items():
        Path(name).write_text(text)
    with pytest.raises(SystemExit):
        parsed(words)
    assert re.search(said, capsys.readouterr().err)


def test_a_measure_that_ran_again_takes_its_place_and_says_when(tmp_path: Path, data: dict[str, object]) -> None:
    later = {**data, "date": "2026-12-24", "load": 0.7, "seconds": 480, "measures": {"kill": []}, "missing": {}}
    both = again({**data, "missing": {"kill": "it failed"}}, later)
    assert both["measures"] == {**data["measures"], "kill": []}  # type: ignore[dict-item]
    assert (both["date"], both["missing"]) == (data["date"], {})
    page.write(both, {"start": MEASURES["start"], "kill": MEASURES["kill"]}, tmp_path)
    told = (tmp_path / "benchmarks.md").read_text()
    assert told.count("Measured again by itself: 2026-12-24; load before it 0.7; 8 min; the machine was busy") == 1


def test_figures_of_another_machine_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.__main__.machine", lambda: "2 cores")
    monkeypatch.setattr("tests.bench.places.versions", lambda: {"nginx": "1.30.6"})
    assert foreign({"machine": "2 cores", "versions": {"nginx": "1.30.6"}}) == ""
    assert "another machine (64 cores)" in foreign({"machine": "64 cores", "versions": {"nginx": "1.30.6"}})
    assert "another version" in foreign({"machine": "2 cores", "versions": {"nginx": "1.22.1"}})


def test_a_reason_is_the_end_of_what_was_said_and_names_no_place() -> None:
    assert (
        reason(AssertionError(f"docker -f {ROOT}/tests/x.yaml up:\n  no such image\n"))
        == "docker -f tests/x.yaml up: no such image"
    )


def test_the_stages_whose_cost_is_measured_are_functions_of_confgen() -> None:
    missing = [
        (owner, name) for parts in turn.STAGES.values() for owner, name in parts if not callable(getattr(owner, name, None))
    ]
    assert not missing
