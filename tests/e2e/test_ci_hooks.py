"""The hook for pre-commit and the action for GitHub do what they say, on the example's good and bad files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.stack import ROOT

EXAMPLE = ROOT / "examples/06-one-shot-ci"
PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def run(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=EXAMPLE,
        env={"PATH": PATH, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_hook_is_red_for_a_bad_file_and_takes_compose_files_alone() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert run(f"{hook['entry']} compose.yaml").returncode == 0
    bad = run(f"{hook['entry']} compose.yaml compose.broken.yaml")
    assert bad.returncode == 1
    assert "compose.broken.yaml:5: CG101" in bad.stdout
    names = ("compose.yaml", "a/docker-compose.yml", "compose.live.yaml", "composer.yaml", "a/my-compose.yaml", "compose.json")
    assert [bool(re.search(hook["files"], name)) for name in names] == [True, True, True, False, False, False]


@pytest.mark.parametrize(("files", "code", "lines"), [("compose.yaml", 0, 0), ("compose.yaml compose.broken.yaml", 1, 4)])
def test_the_action_shows_each_problem_beside_its_line(files: str, code: int, lines: int) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    install, check = action["runs"]["steps"]
    assert "$GITHUB_ACTION_PATH" in install["run"]
    given = {
        "files": files,
        "proxy": action["inputs"]["proxy"]["default"],
        "proxy-version": action["inputs"]["proxy-version"]["default"],
    }
    env = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: given[match[1]], text) for name, text in check["env"].items()
    }
    done = run(check["run"], **env)
    assert done.returncode == code, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == lines
    assert all(re.match(r"::error file=compose\.broken\.yaml,line=[0-9]+,title=CG", line) for line in said)
