"""What a shell is offered; with the shells' own scripts, as click writes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_given import Watch, watch

__all__ = ["watch"]  # a fixture

BIN = Path(sys.executable).parent
BASH = """
eval "$(_CONFGEN_COMPLETE=bash_source confgen)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_confgen_completion confgen
printf "%s\\n" "${COMPREPLY[@]}"
"""


def environment(**more: str) -> dict[str, str]:
    """With an engine that would never answer."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("CONFGEN_")}
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "DOCKER_HOST": "tcp://192.0.2.1:2375", **more}


def offered(*words: str, **more: str) -> list[str]:
    """What bash makes of a line."""
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", "confgen", *words], capture_output=True, text=True, check=True, env=environment(**more)
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_words_and_names(tmp_path: Path) -> None:
    (tmp_path / "confgen.toml").write_text("[broken")
    assert offered("dr") == ["drain"]
    assert offered("templates", "ej") == ["eject"]
    assert offered("watch", "--certif") == ["--certificates"]
    assert offered("render", "--proxy", "") == ["nginx", "haproxy"]
    assert "nginx/main.j2" in offered("templates", "show", "nginx/m")
    assert offered("explain", "", CONFGEN_DIR=str(tmp_path), CONFGEN_CONFIG=str(tmp_path / "confgen.toml")) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_what_is_live_is_offered_without_an_engine(watch: object) -> None:
    running: Watch = watch("")  # type: ignore[operator]
    running.until(lambda: "a.example.com" in running.text())
    folder = {"CONFGEN_DIR": str(running.out)}
    assert offered("explain", "", **folder) == ["web", "a.example.com"]
    assert offered("drain", "w", **folder) == ["web"]
    (generation,) = offered("rollback", "", **folder)
    assert (running.out / "generations" / generation).is_dir()


@pytest.mark.parametrize(("shell", "line", "answer"), [("zsh", "confgen dr", "drain"), ("fish", "confgen dr", "drain")])
def test_zsh_and_fish_get_a_script_and_answers(shell: str, line: str, answer: str) -> None:
    def run(**more: str) -> str:
        return subprocess.run(["confgen"], capture_output=True, text=True, check=True, env=environment(**more)).stdout

    assert "_confgen_completion" in run(_CONFGEN_COMPLETE=f"{shell}_source")
    word = line.rsplit(maxsplit=1)[-1] if shell == "fish" else "1"
    assert answer in run(_CONFGEN_COMPLETE=f"{shell}_complete", COMP_WORDS=line, COMP_CWORD=word)
