"""`confgen templates`: what there is, a copy, what it may use, and a try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from confgen.cli.options import cli
from confgen.errors import UsageError
from confgen.labels import LabelSettings, read
from confgen.proxies import PROXIES
from confgen.render import shipped
from confgen.samples import states


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["templates", *words], standalone_mode=False)


def test_every_template_is_listed_and_ones_own_is_named(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/main.j2").write_text("x")
    found = json.loads(run("list", "--templates", str(tmp_path), "--json").stdout)
    assert set(found) == {f"{kind}/{f.name}" for kind in PROXIES for f in (shipped() / kind).glob("*.j2")}
    assert found["nginx/main.j2"] == str(tmp_path / "nginx/main.j2")
    lines = dict(
        line.split(maxsplit=1) for line in run("list", "--templates", str(tmp_path), "--proxy", "nginx").stdout.splitlines()
    )
    assert (lines["nginx/main.j2"], lines["nginx/http.j2"]) == (str(tmp_path / "nginx/main.j2"), "shipped")
    assert not any(name.startswith("haproxy") for name in lines)


def test_what_is_ejected_is_the_shipped_one_and_renders_the_same(tmp_path: Path) -> None:
    assert not run("eject", "nginx/main.j2", "haproxy/global.j2", "-o", str(tmp_path)).return_value
    assert (tmp_path / "nginx/main.j2").read_bytes() == (shipped() / "nginx/main.j2").read_bytes()
    assert isinstance(run("eject", "nginx/main.j2", "-o", str(tmp_path)).exception, UsageError)
    assert not run("eject", "nginx/main.j2", "-o", str(tmp_path), "--force").return_value
    assert run("show", "nginx/main.j2").stdout == (shipped() / "nginx/main.j2").read_text()


@pytest.mark.parametrize("name", ["nginx/mian.j2", "../nginx/main.j2", "/etc/passwd", "nginx/start.sh"])
def test_what_is_no_template_is_told_with_the_nearest(name: str, tmp_path: Path) -> None:
    for words in (("show", name), ("eject", name, "-o", str(tmp_path))):
        error = run(*words).exception
        assert isinstance(error, UsageError)
        assert "there is no template" in error.message
    assert list(tmp_path.iterdir()) == []


def test_the_context_is_all_that_a_template_gets(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text('services: {web: {labels: {confgen.host: a.example, confgen.port: "80", confgen.header.request.X: "$$a"}}}')
    found = json.loads(run("context", str(file), "--proxy", "haproxy").stdout)["haproxy"]
    (back,) = found["backs"]
    assert back["servers"][0]["name"] == "web.dns"
    assert "$a" in json.dumps(back)
    assert back["widths"] == [7, 6]


def test_templates_are_tried_on_every_kind_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    good = run("check", "--proxy", "nginx")
    assert (good.return_value or 0, len(good.stdout.splitlines())) == (0, len(states(LabelSettings())))
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/port.j2").write_text("{{ part.nothing }}")  # only a tcp port meets it
    bad = run("check", "--proxy", "nginx", "--templates", str(tmp_path))
    assert bad.return_value == 1
    assert [f"{tmp_path}/nginx/port.j2:1" in line for line in bad.stdout.splitlines()] == [False, False, True, True]


def test_a_sample_has_every_kind_of_label_that_changes_the_text() -> None:
    """What is left out here would not be tried."""
    said = {key for instance in states(LabelSettings())["one of each kind"].instances for key, _ in instance.labels}
    assert {"confgen.path", "confgen.rewrite", "confgen.redirect", "confgen.allow", "confgen.sticky", "confgen.tcp.3306"} <= said
    problems = [p for i in states(LabelSettings())["one of each kind"].instances for p in read(i, LabelSettings()).problems]
    assert {p.code for p in problems} == {"CG001"}, "the one that is shut on purpose"
