"""What somebody who begins is given comes up and serves as it was written; settings in a file are followed there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from confgen.cli import cli
from tests.e2e.stack import ROOT, Stack, docker, stack, until
from tests.e2e.test_examples import STANDIN


def confgen(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words), standalone_mode=False)
    if done.exception:
        raise done.exception
    assert not done.return_value, done.output
    return done.stdout


@pytest.fixture
def begin(tmp_path: Path, image: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.setenv("DOCKER_GID", "1")

    def beginning(proxy: str, *options: str) -> Path:
        confgen("init", "--proxy", proxy, "-o", str(tmp_path / "shop"), *options)
        return tmp_path / "shop" / "compose.yaml"

    return beginning


def test_it_serves_as_written_and_there_is_nothing_to_mend(begin: Callable[..., Path], proxy: str, tmp_path: Path) -> None:
    """But for the gate, for which a stand-in does what its options say."""
    file, standin = begin(proxy), tmp_path / "standin.yaml"
    standin.write_text(STANDIN.format(root=ROOT))
    assert ": fine, 1 route" in confgen("check", str(file))
    assert "risk" not in confgen("doctor", str(file))
    with stack(file, files=(standin,)) as world:
        world.serves("shop.localhost")
        until(lambda: len(world.hostnames("shop.localhost")) == 2, "both replicas answer")
        until(lambda: "risk" not in world.confgen("doctor"), "doctor tells of no risk")
        assert "blocked" not in world.compose("logs", "engine"), "confgen asks for nothing else"


def proxy_log(world: Stack) -> str:
    return docker("logs", world.container("proxy"), check=False, merged=True)


def test_settings_in_a_file_are_followed_and_a_broken_one_changes_nothing(begin: Callable[..., Path], tmp_path: Path) -> None:
    file, conf, over = begin("nginx", "--direct"), tmp_path / "conf", tmp_path / "over.yaml"
    conf.mkdir()
    over.write_text(f'services: {{confgen: {{volumes: ["{conf}:/etc/confgen:ro"]}}}}\n')
    settings = conf / "confgen.toml"
    settings.write_text('[proxy]\naccess_log = "off"\n')
    os.chmod(conf, 0o755)
    with stack(file, files=(over,)) as world:
        world.serves("shop.localhost")
        settings.write_text('[proxy]\naccess_log = "json"\n')
        until(
            lambda: '{"' in world.compose("logs", "--no-log-prefix", "proxy") or not world.get("shop.localhost"),
            "its access log is JSON",
        )
        settings.write_text('[proxy]\naccess-log = "text"\n')
        until(lambda: "confgen.toml:2: there is no setting proxy.access-log" in world.log(), "the mistake is told")
        said = json.loads(world.confgen("status", "--json"))
        assert [problem["code"] for problem in said["problems"]] == ["CG010"]
        assert said["proxies"][0]["right"], "it goes on as before"
        assert docker("exec", world.container("confgen"), "confgen", "health") == ""
        settings.write_text('[proxy]\naccess_log = "json"\n')
        until(lambda: "gone: CG010" in world.log(), "it is mended")
        assert world.get("shop.localhost").status == 200
