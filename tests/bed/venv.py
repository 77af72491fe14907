"""A virtual environment with the project (editable) and its tools, named after what was asked of it."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path

from tests.bed.shell import CHECKOUT, BedError, cache, key, prune, run, say, step
from tests.bed.tools import ensure_apt

LOCK = "requirements-dev.lock"


def ensure(checkout: Path = CHECKOUT) -> Path:
    """Have the environment for this checkout; returns its folder."""
    project = checkout / "pyproject.toml"
    if not project.exists():
        raise BedError(f"{project} does not exist, so there is nothing to install")
    # An editable install points at its checkout, so each checkout has its own.
    family = f"venv-{key(str(checkout))[:8]}"
    folder = cache() / f"{family}-{_recipe(checkout)}"
    if not (folder / "complete").exists():
        with step("venv", f"making {folder}"):
            _make(folder, checkout)
        prune(cache().glob(f"{family}-*"), keep=3)
    return folder


def _recipe(checkout: Path) -> str:
    """What decides on the packages. The settings of linters and of pytest do not, and change often."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    project["tool"] = project.get("tool", {}).get("hatch")
    lock = checkout / LOCK
    locked = lock.read_bytes() if lock.exists() else b""
    return key(project, locked, sys.version)


def _make(folder: Path, checkout: Path) -> None:
    """In its final place, since the scripts in it carry its path; `complete` is written last."""
    if not importlib.util.find_spec("ensurepip"):
        ensure_apt("python3-venv")
    run([sys.executable, "-m", "venv", "--clear", folder])
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    if (checkout / LOCK).exists():
        run([*pip, "--requirement", checkout / LOCK])
        run([*pip, "--no-deps", "--editable", checkout])
    else:
        say("venv", f"no {LOCK}: taking the newest of everything")
        _install_unlocked(pip, checkout)
    (folder / "complete").touch()


def _install_unlocked(pip: list[str | Path], checkout: Path) -> None:
    """`--group` came with pip 25.1."""
    run([*pip, "--upgrade", "pip>=25.1"])
    run([*pip, "--editable", checkout, "--group", f"{checkout / 'pyproject.toml'}:dev"])
