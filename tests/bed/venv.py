"""A virtual environment with the project (editable) and its tools, named after what was asked of it."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path

from tests.bed.shell import CHECKOUT, BedError, cache, key, prune, run, say, step
from tests.bed.tools import ensure_apt

LOCK = "requirements-dev.lock"
#: What `make docs` needs; nothing of the project is in it, so all checkouts share the environment.
SITE = "requirements-docs.lock"


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


def ensure_site(checkout: Path = CHECKOUT) -> Path:
    """Have the environment that builds the pages as a site; returns its folder."""
    lock = checkout / SITE
    folder = cache() / f"site-{key(lock.read_bytes(), sys.version)}"
    if not (folder / "complete").exists():
        with step("site", f"making {folder}"):
            run([*_pip(folder), "--requirement", lock])
            (folder / "complete").touch()
        prune(cache().glob("site-*"), keep=3)
    return folder


def _recipe(checkout: Path) -> str:
    """What decides on the packages. The settings of linters and of pytest do not, and change often."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    project["tool"] = project.get("tool", {}).get("hatch")
    project.get("dependency-groups", {}).pop("docs", None)
    lock = checkout / LOCK
    locked = lock.read_bytes() if lock.exists() else b""
    return key(project, locked, sys.version)


def _make(folder: Path, checkout: Path) -> None:
    """In its final place, since the scripts in it carry its path; `complete` is written last."""
    pip = _pip(folder)
    if (checkout / LOCK).exists():
        run([*pip, "--requirement", checkout / LOCK])
        run([*pip, "--no-deps", "--editable", checkout])
    else:
        say("venv", f"no {LOCK}: taking the newest of everything")
        _install_unlocked(pip, checkout)
    (folder / "complete").touch()


def _pip(folder: Path) -> list[str | Path]:
    """An empty environment there, and the words that install into it."""
    if not importlib.util.find_spec("ensurepip"):
        ensure_apt("python3-venv")
    run([sys.executable, "-m", "venv", "--clear", folder])
    return [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _install_unlocked(pip: list[str | Path], checkout: Path) -> None:
    """`--group` came with pip 25.1."""
    run([*pip, "--upgrade", "pip>=25.1"])
    run([*pip, "--editable", checkout, "--group", f"{checkout / 'pyproject.toml'}:dev"])
