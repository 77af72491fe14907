"""Packages that the machine itself must have. Installing them starts no service, and what is there is left alone."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bed.shell import BedError, run, say, step, works

POLICY = Path("/usr/sbin/policy-rc.d")
NO_SERVICES = "#!/bin/sh\n# confgen's test bed is installing packages: start nothing.\nexit 101\n"


def ensure_apt(*packages: str) -> None:
    """Install those of `packages` that are missing."""
    missing = [package for package in packages if not _installed(package)]
    if not missing:
        return
    wanted = " ".join(missing)
    if not shutil.which("apt-get"):
        raise BedError(f"{wanted}: not installed", "this is no Debian: install it by the means of your system")
    if os.geteuid() != 0:
        raise BedError(f"{wanted}: not installed, and only root may", f"run: sudo apt-get install {wanted}")
    with step("apt", f"installing {wanted}"), _services_stay_off():
        _install(missing)


def _installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    try:
        return run(query) == "installed"
    except BedError:
        return False


def _install(packages: list[str]) -> None:
    """Take the package lists that are there; only when they are missing or stale is it worth fetching new ones."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if works(command, env=quiet, timeout=600):
        return
    say("apt", "that did not work with the lists at hand: fetching new ones")
    if not works(["apt-get", "update"], timeout=300):
        say("apt", "not all lists could be fetched; trying with those that could")
    run(command, env=quiet, timeout=600)


@contextlib.contextmanager
def _services_stay_off() -> Iterator[None]:
    """Debian asks policy-rc.d before it starts a service; a policy that is already there is the owner's and stays."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO_SERVICES, encoding="utf-8")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
