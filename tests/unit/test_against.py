"""What a pull request would change, against what was rendered before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from confgen.cli.options import cli
from confgen.errors import NotApplied


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    made = tmp_path / "shop/compose.yaml"
    made.write_text('services: {web: {labels: {confgen.host: shop.example.com, confgen.port: "80"}}}\n')
    return made


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_what_was_rendered_is_no_difference_and_a_new_host_is_one(file: Path, tmp_path: Path, proxy: str) -> None:
    rendered = tmp_path / "rendered"
    assert not run("render", str(file), "--proxy", proxy, "-o", str(rendered)).return_value
    same = run("plan", str(file), "--proxy", proxy, "--against", str(rendered))
    assert (same.return_value or 0, "no difference" in same.stdout) == (0, True)
    file.write_text(file.read_text().replace("shop.example.com", '"shop.example.com, www.example.com"'))
    changed = run("plan", str(file), "--proxy", proxy, "--against", str(rendered), "--json")
    assert changed.return_value == 2
    lines = [line for one in json.loads(changed.stdout) for line in one["diff"]]
    assert any(line.startswith("+") and "www.example.com" in line for line in lines)
    shown = run("plan", str(file), "--proxy", proxy, "--against", str(rendered))
    assert shown.return_value == 2
    assert "\x1b" not in shown.stdout, "colour is for terminals"


def test_a_file_that_is_not_there_is_all_new(file: Path, tmp_path: Path) -> None:
    said = run("plan", str(file), "--proxy", "nginx", "--against", str(tmp_path))
    assert said.return_value == 2
    assert not [line for line in said.stdout.splitlines() if line.startswith("-") and not line.startswith("---")]


def test_what_was_approved_is_written_and_nothing_else(file: Path, tmp_path: Path) -> None:
    generation = json.loads(run("render", str(file), "--json").stdout)["generation"]
    out = tmp_path / "out"
    assert not run("render", str(file), "-o", str(out), "--expect", generation).return_value
    before = (out / "nginx.conf").read_bytes()
    file.write_text(file.read_text().replace("shop", "shop2"))
    refused = run("render", str(file), "-o", str(out), "--expect", generation)
    assert isinstance(refused.exception, NotApplied)
    assert generation in refused.exception.message
    assert (out / "nginx.conf").read_bytes() == before
