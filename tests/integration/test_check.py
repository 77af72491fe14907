# ruff: noqa: F811 - a fixture's name is an argument's name
"""`confgen check` with a program that is there: what is tested is what that program can take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.nginx_bed import binaries  # noqa: F401 - a fixture

COMPOSE = """
services:
  web:
    image: web
    expose: ["80"]
    labels: {confgen.host: web.localhost}
  db:
    image: db
    labels: {confgen.tcp.3306: "3306"}
"""
#: A process that may do all but listen on low ports.
UNABLE = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service", "--")


@pytest.fixture
def checked(binaries: dict[str, Path], tmp_path: Path):
    """Runs `confgen check` where nginx 1.30 is installed; before: words before it; path: a folder that is searched first."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nginx").symlink_to(binaries["1.30"])
    (tmp_path / "compose.yaml").write_text(COMPOSE)

    def run(*before: str, path: str = "") -> tuple[int, str]:
        words = (*before, sys.executable, "-m", "confgen", "check", "--proxy", "nginx", "--proxy-version", "1.30", "compose.yaml")
        env = {**os.environ, "PATH": f"{path}:{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_modules_that_have_to_be_loaded_are_loaded(checked) -> None:
    """Debian's nginx has the stream module in a file of its own, the official image has it built in."""
    code, said = checked()
    assert (code, "tested natively with 1.30" in said) == (0, True), said


def test_who_may_not_listen_on_low_ports_tests_in_a_namespace(checked) -> None:
    code, said = checked(*UNABLE)
    assert (code, "tested natively with 1.30" in said) == (0, True), said


def test_where_there_are_no_namespaces_it_is_said_and_nothing_is_red(checked, tmp_path: Path) -> None:
    """As unshare(1) answers where the kernel does not let it."""
    (tmp_path / "first").mkdir()
    refusing = tmp_path / "first/unshare"
    refusing.write_text('#!/bin/sh\necho "unshare: unshare failed: Operation not permitted"\nexit 1\n')
    refusing.chmod(0o755)
    code, said = checked(*UNABLE, path=str(tmp_path / "first"))
    assert (code, "not tested natively: nginx may not listen on low ports here" in said) == (0, True), said
