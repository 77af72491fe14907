"""What we read in compose files is what compose itself reads in them (`docker compose config`)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from confgen.sources.compose import read
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Instance
from tests.e2e.composed import CASES, Folder

#: What of this process's environment would change a project.
_OURS = ("COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_FILE", "COMPOSE_ENV_FILES")


def config(folder: Path, case: Folder) -> dict[str, Any]:
    files = [word for name in case.read for word in ("-f", name)]
    clean = {name: value for name, value in os.environ.items() if name not in _OURS}
    done = subprocess.run(
        ["docker", "compose", *files, "config", "--format", "json"],
        cwd=folder,
        env={**clean, **case.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def meant(project: dict[str, Any]) -> dict[str, dict[str, object]]:
    """Compose's words as ours, for the services that would run."""
    networks = project.get("networks") or {}
    return {
        name: {
            "project": project["name"],
            "labels": {key: text.replace("$$", "$") for key, text in (body.get("labels") or {}).items()},
            "networks": sorted(networks[n]["name"] for n in body.get("networks") or {}),
            "mode": body.get("network_mode") or "default",
            "exposed": exposed(body),
        }
        for name, body in project["services"].items()
        if 0 not in (body.get("scale"), (body.get("deploy") or {}).get("replicas"))
    }


def exposed(body: dict[str, Any]) -> set[tuple[int, str]]:
    said = {(int(str(item).partition("/")[0]), str(item).partition("/")[2] or "tcp") for item in body.get("expose") or ()}
    return said | {(item["target"], item["protocol"]) for item in body.get("ports") or ()}


def ours(instances: list[Instance]) -> dict[str, dict[str, object]]:
    return {
        one.name: {
            "project": one.label(COMPOSE_PROJECT),
            "labels": {key: text for key, text in one.labels if key not in (COMPOSE_PROJECT, COMPOSE_SERVICE)},
            "networks": sorted(a.network for a in one.attachments) if one.host_name == one.name else [],
            "mode": one.network_mode if one.host_name == one.name else f"service:{one.host_name}",
            "exposed": {(e.port, e.protocol) for e in one.exposed},
        }
        for one in instances
    }


@pytest.mark.parametrize("name", CASES)
def test_our_reading_is_composes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    folder = tmp_path / "shop"
    for path, text in case.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for variable in _OURS:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in case.env.items():
        monkeypatch.setenv(variable, value)
    assert ours(read(tuple(folder / file for file in case.read))) == meant(config(folder, case))


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40
