"""confgen's own image, built from the checkout with the project's Dockerfile, from wheels that are kept in the cache."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
import tomllib
from pathlib import Path

from tests.bed import venv
from tests.bed.engine import Engine
from tests.bed.images import LABEL
from tests.bed.shell import CHECKOUT, BedError, cache, key, prune, published, run, step

#: As users name it; what runs in tests goes by `tag`, so that two checkouts do not take each other's image.
TAG = "confgen:latest"
#: Images of other states of the checkout that are kept: their layers are what makes the next one quick.
_KEEP = 8
_PARTS = ("pyproject.toml", "README.md", "LICENSE", "Dockerfile", "confgen", "templates")
#: What the Dockerfile's default base runs.
_PYTHON = "3.13"


def tag() -> str:
    """The image of what the checkout holds now."""
    return f"confgen-test/confgen:{_recipe()}"


@functools.cache
def _recipe() -> str:
    """Found once: a checkout that changes meanwhile is for the next run."""
    return key([(str(p.relative_to(CHECKOUT)), p.read_bytes()) for p in _files()])


def ensure(engine: Engine) -> None:
    """Have that image in the engine; confgen:latest is the same."""
    recipe, name = _recipe(), tag()
    try:
        run(["docker", "image", "inspect", "--format=.", name], env=engine.environment)
    except BedError:
        _build(engine, recipe, name)
    run(["docker", "tag", name, TAG], env=engine.environment)
    _prune(engine, name)


def _prune(engine: Engine, name: str) -> None:
    """Removes the oldest images of other checkouts; one that is in use stays."""
    listed = run(["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", name.partition(":")[0]], env=engine.environment)
    for old in [other for other in listed.split() if other != name][_KEEP:]:
        with contextlib.suppress(BedError):
            run(["docker", "image", "rm", old], env=engine.environment)


def _build(engine: Engine, recipe: str, name: str) -> None:
    wheels = _wheels()
    with step("images", "building confgen's own"), tempfile.TemporaryDirectory(prefix="confgen-image-") as scratch:
        context = Path(scratch)
        for part in _PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, context / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, context / part)
        shutil.copytree(wheels, context / "wheels")
        options = [f"--tag={name}", f"--label={LABEL}={recipe}", "--build-arg=PIP_ARGS=--no-index"]
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
