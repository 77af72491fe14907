"""confgen's own image, built from the checkout with the project's Dockerfile, from wheels that are kept in the cache."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from pathlib import Path

from tests.bed import venv
from tests.bed.engine import Engine
from tests.bed.images import LABEL
from tests.bed.shell import CHECKOUT, BedError, cache, key, prune, published, run, step

TAG = "confgen:latest"
_PARTS = ("pyproject.toml", "README.md", "LICENSE", "Dockerfile", "confgen", "templates")
#: What the Dockerfile's default base runs.
_PYTHON = "3.13"


def ensure(engine: Engine) -> None:
    """Have confgen:latest in the engine, made of what the checkout holds now."""
    recipe = key([(str(p.relative_to(CHECKOUT)), p.read_bytes()) for p in _files()])
    try:
        there = run(
            ["docker", "image", "inspect", f'--format={{{{index .Config.Labels "{LABEL}"}}}}', TAG], env=engine.environment
        )
    except BedError:
        there = ""
    if there.strip() == recipe:
        return
    wheels = _wheels()
    with step("images", f"building {TAG}"), tempfile.TemporaryDirectory(prefix="confgen-image-") as scratch:
        context = Path(scratch)
        for part in _PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, context / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, context / part)
        shutil.copytree(wheels, context / "wheels")
        options = [f"--tag={TAG}", f"--label={LABEL}={recipe}", "--build-arg=PIP_ARGS=--no-index"]
        run(["docker", "build", "--quiet", "--force-rm", *options, context], env=engine.environment)


def _files() -> list[Path]:
    found = [p for part in _PARTS for p in ([CHECKOUT / part] if (CHECKOUT / part).is_file() else (CHECKOUT / part).rglob("*"))]
    return sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


def _wheels() -> Path:
    """Every wheel that the image needs, for its Python, taken once for each set of dependencies."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"], "pip"]
    folder = cache() / f"wheels-{key(needed, _PYTHON)}"
    if not folder.is_dir():
        pip: list[str | Path] = [
            venv.ensure() / "bin" / "python",
            "-m",
            "pip",
            "download",
            "--quiet",
            "--only-binary=:all:",
            f"--python-version={_PYTHON}",
        ]
        with step("images", "downloading wheels for the image"), published(folder) as draft:
            run([*pip, "--dest", draft, *needed])
        prune(cache().glob("wheels-*"), keep=3)
    return folder
