"""Every example of the guide passes the real proxy's test, and each wrong version is told as the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from confgen.cli.options import cli
from tests.bed import natives
from tests.guide import PROXIES, Example, Wrong, compose_file, examples, write

EXAMPLES = examples()
WRONG = [(example, wrong, proxy) for example in EXAMPLES for wrong in example.wrong for proxy in wrong.proxies]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the guide's compose file, in which the newest proxies of the bed are installed."""
    (tmp_path / "bin").mkdir()
    for native in sorted(natives.build(), key=lambda n: n.name):
        link = tmp_path / "bin" / native.name.partition("-")[0]
        link.unlink(missing_ok=True)
        link.symlink_to(native.path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(compose_file())
    for folder in ("templates", "snippets"):
        (tmp_path / "my" / folder).mkdir(parents=True)
    return tmp_path


def check(*words: str, proxy: str) -> Result:
    given = ("--proxy", proxy, "--proxy-version", {"nginx": "1.30", "haproxy": "3.4"}[proxy])
    if Path("my/confgen.toml").exists():
        given = (*given, "--config", "my/confgen.toml")
    return CliRunner().invoke(
        cli, [*words, *given, "--templates", "my/templates", "--snippets", "my/snippets"], standalone_mode=False
    )


def test_the_guide_has_six_examples_for_both_proxies() -> None:
    assert [{p for p in PROXIES if example.of(p)} for example in EXAMPLES] == [{*PROXIES}] * 6
    assert [{p for wrong in example.wrong for p in wrong.proxies} for example in EXAMPLES] == [{*PROXIES}] * 6


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title[:1])
def test_an_example_is_fine(example: Example, proxy: str, place: Path) -> None:
    example.put(place, proxy)
    result = check("check", "compose.yaml", proxy=proxy)
    assert (result.return_value or 0, "tested natively with" in result.stdout) == (0, True), result.stdout
    tried = check("templates", "check", proxy=proxy).stdout
    assert tried.count(": fine; tested natively with") >= 2, tried
    assert "my/" not in tried


@pytest.mark.parametrize(("example", "wrong", "proxy"), WRONG, ids=[f"{e.title[:1]}-{proxy}" for e, _, proxy in WRONG])
def test_a_wrong_one_is_told_with_its_line(example: Example, wrong: Wrong, proxy: str, place: Path) -> None:
    example.put(place, proxy)
    write(place / wrong.path, wrong.text)
    for words in (("check", "compose.yaml"), ("templates", "check")):
        result = check(*words, proxy=proxy)
        assert result.return_value == 1, result.stdout
        # The samples' pool is another one.
        said = [line for line in wrong.said if words[0] == "check" or "meant" not in line]
        assert not [line for line in said if line not in result.stdout], result.stdout
