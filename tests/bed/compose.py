"""`docker compose`, version 2: what is there, or Debian's package of it (one binary) as a plugin of our own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bed.debian import opened
from tests.bed.shell import cache, key, published, run, say, step, works

SUITE = "trixie"


def ensure() -> dict[str, str]:
    """Make `docker compose` work; returns the environment that it needs."""
    if works(["docker", "compose", "version"]):
        say("compose", "using the one that was there")
        return {}
    folder = cache() / f"docker-config-{key(SUITE, 1)}"
    if not folder.exists():
        with step("compose", f"taking it from Debian {SUITE}"):
            _fetch(folder)
    _borrow_logins(folder)
    return {"DOCKER_CONFIG": str(folder)}


def environment() -> dict[str, str]:
    """What `ensure` said, without doing anything."""
    folder = cache() / f"docker-config-{key(SUITE, 1)}"
    return {"DOCKER_CONFIG": str(folder)} if folder.exists() else {}


def _fetch(folder: Path) -> None:
    plugin = Path("cli-plugins/docker-compose")
    with opened((SUITE,)) as archive, published(folder) as draft:
        run(["dpkg-deb", "--extract", archive.fetch_one("docker-compose"), archive.home])
        (draft / plugin).parent.mkdir()
        (archive.home / "usr/libexec/docker" / plugin).rename(draft / plugin)
        run(["docker", "compose", "version"], env={"DOCKER_CONFIG": str(draft)})


def _borrow_logins(folder: Path) -> None:
    """A DOCKER_CONFIG of our own must not take a user's registry logins away."""
    theirs = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    ours = folder / "config.json"
    if theirs.exists() and not ours.exists():
        ours.symlink_to(theirs.resolve())
