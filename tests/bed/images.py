"""Images: what the engine has or can pull, else stand-ins made of Debian roots, tagged with the names that users write.

A stand-in behaves like the official image where a proxy's companion can tell: entrypoint, user, signals, paths. Its
root is imported, and a Dockerfile in recipes/ puts the rest on top.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bed import roots
from tests.bed.engine import Engine
from tests.bed.shell import RECIPES, BedError, key, run, say, step

LABEL = "confgen-bed.recipe"
ROOT_IMAGE = "confgen-test/root"
PULL_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Image:
    """A tag and how to make it: the folder in recipes/, on a root of ours or on another image."""

    tag: str
    folder: str
    base: str
    # In no registry: always ours.
    private: bool = False
    # Made when a test asks for it, not by `up`.
    lazy: bool = False

    @property
    def recipe(self) -> str:
        """What is in it, with what is below it, so that a change anywhere makes it anew."""
        paths = sorted((RECIPES / self.folder).iterdir())
        files = [(path.name, os.access(path, os.X_OK), path.read_bytes()) for path in paths]
        below = IMAGES[self.base].recipe if self.base in IMAGES else roots.ROOTS[self.base].path.name
        return key(files, below)


IMAGES = {
    image.tag: image
    for image in (
        Image("nginx:1.22", "nginx", "nginx-bookworm"),
        Image("nginx:1.26", "nginx", "nginx-trixie"),
        Image("nginx:1.30", "nginx", "nginx-forky"),
        Image("haproxy:2.6", "haproxy", "haproxy-bookworm"),
        Image("haproxy:3.0", "haproxy", "haproxy-trixie"),
        Image("haproxy:3.2", "haproxy", "haproxy-forky"),
        Image("haproxy:3.4", "haproxy", "haproxy-experimental"),
        Image("python:3.13-slim", "python", "python-trixie"),
        Image("busybox:latest", "busybox", "busybox-trixie"),
        Image("traefik/whoami:latest", "whoami", "python:3.13-slim"),
        Image("confgen-test/whoami:latest", "whoami", "python:3.13-slim", private=True),
        Image("confgen-test/web:latest", "web", "busybox:latest", private=True),
        Image("mariadb:11", "mariadb", "mariadb-trixie", lazy=True),
    )
}


def ensure(engine: Engine, tags: Iterable[str] = ()) -> None:
    """Have these images in the engine (without any named: all that are not lazy)."""
    wanted = [_named(tag) for tag in tags] or [image for image in IMAGES.values() if not image.lazy]
    missing = _missing(engine, _with_bases(wanted))
    if missing and not engine.ours:
        missing = _missing(engine, _pull(engine, missing))
    if missing:
        with step("images", f"building {', '.join(image.tag for image in missing)}"):
            missing = _build(engine, missing)
    if missing and tags:
        raise BedError(f"{', '.join(image.tag for image in missing)}: can be neither pulled nor built here")
    say("images", f"there: {', '.join(image.tag for image in wanted if image not in missing)}")


def _named(tag: str) -> Image:
    image = IMAGES.get(tag) or IMAGES.get(f"{tag}:latest")
    if not image:
        raise BedError(f"the bed has no image {tag}", f"it has: {', '.join(IMAGES)}")
    return image


def _with_bases(wanted: list[Image]) -> list[Image]:
    """What is built on another image needs that one first."""
    below = [IMAGES[image.base] for image in wanted if image.base in IMAGES]
    return list(dict.fromkeys([*below, *wanted]))


def _missing(engine: Engine, wanted: list[Image]) -> list[Image]:
    """What is not there, or is an older stand-in of ours. An image without our label is somebody's, and is good."""
    words = ["docker", "image", "inspect", *(image.tag for image in wanted)]
    done = subprocess.run(words, check=False, env={**os.environ, **engine.environment}, capture_output=True, text=True)
    there: dict[str, str | None] = {}
    for found in json.loads(done.stdout or "[]"):
        labels = found["Config"].get("Labels") or {}
        there.update({tag: labels.get(LABEL) for tag in found["RepoTags"]})
    return [image for image in wanted if image.tag not in there or there[image.tag] not in (None, image.recipe)]


def _pull(engine: Engine, missing: list[Image]) -> list[Image]:
    """Take the real ones if a registry can be reached; returns the same list, for another look."""
    public = [image.tag for image in missing if not image.private]
    with step("images", f"trying to pull {', '.join(public)}"), ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda tag: _try_pull(engine, tag), public))
    return missing


def _try_pull(engine: Engine, tag: str) -> None:
    try:
        run(["docker", "pull", "--quiet", tag], env=engine.environment, timeout=PULL_SECONDS)
    except BedError as error:
        say("images", str(error))


def _build(engine: Engine, missing: list[Image]) -> list[Image]:
    """First what stands on a root, two at a time, then what stands on those. Returns what could not be made."""
    built = roots.build(tuple(image.base for image in missing if image.base in roots.ROOTS))
    on_roots = [image for image in missing if image.base in built]
    on_images = [image for image in missing if image.base in IMAGES]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda image: _build_on_root(engine, image, built[image.base]), on_roots))
    for image in on_images:
        _build_on(engine, image, image.base)
    _tidy(engine)
    return [image for image in missing if image not in (*on_roots, *on_images)]


def _build_on_root(engine: Engine, image: Image, root: Path) -> None:
    base = f"{ROOT_IMAGE}:{root.name}"
    words = ["tar", "--create", "--numeric-owner", f"--directory={root}", "."]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as tar:
        done = subprocess.run(
            ["docker", "import", f"--change=LABEL {LABEL}=root", "-", base],
            check=False,
            env={**os.environ, **engine.environment},
            stdin=tar.stdout,
            capture_output=True,
            text=True,
        )
    if tar.returncode or done.returncode:
        raise BedError(f"importing {root}: {done.stderr.strip()}")
    _build_on(engine, image, base)


def _build_on(engine: Engine, image: Image, base: str) -> None:
    options = [f"--tag={image.tag}", f"--label={LABEL}={image.recipe}", f"--build-arg=BASE={base}"]
    run(["docker", "build", "--quiet", "--force-rm", *options, RECIPES / image.folder], env=engine.environment)


def _tidy(engine: Engine) -> None:
    """Take away what only the building needed, and what earlier recipes of these very images left without a name."""
    listed = run(["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", ROOT_IMAGE], env=engine.environment)
    if listed.split():
        run(["docker", "image", "rm", "--no-prune", *listed.split()], env=engine.environment)
    run(["docker", "image", "prune", "--force", f"--filter=label={LABEL}"], env=engine.environment)
