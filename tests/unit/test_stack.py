"""How the tests remove what they started, where the engine will not: one that really keeps a network cannot be had at will."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import stack
from tests.e2e.stack import Stack

#: What Docker 20.10 said when it had lost count.
REFUSED = "failed to remove network edge: Error response from daemon: error while removing network: network edge id 4bfd55 has active endpoints"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(stack, "LEAVING", 0.2)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Stack(Path("compose.yaml"), 1, "cgt", {})


def engine(folder: Path, *, members: int, down: str) -> None:
    """A client that answers as the engine did; down: a shell's words for `compose down`."""
    client = folder / "docker"
    client.write_text(f'#!/bin/sh\ncase "$*" in *down*) {down};; *inspect*) echo {members};; esac\n', encoding="utf-8")
    client.chmod(0o755)


def test_a_network_that_the_engine_keeps_though_it_is_empty_stays_and_is_told(
    made: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(tmp_path, members=0, down=f"echo '{REFUSED}' >&2; exit 1")
    made.remove()
    assert "the engine keeps edge" in capsys.readouterr().err


def test_a_network_that_is_free_a_moment_later_is_removed(
    made: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(tmp_path, members=1, down=f"test -e {tmp_path}/once || {{ : >{tmp_path}/once; echo '{REFUSED}' >&2; exit 1; }}")
    made.remove()
    assert capsys.readouterr().err == ""


def test_somebody_who_is_left_on_it_is_an_error(made: Stack, tmp_path: Path) -> None:
    engine(tmp_path, members=1, down=f"echo '{REFUSED}' >&2; exit 1")
    with pytest.raises(AssertionError, match="somebody is on edge"):
        made.remove()


def test_whatever_else_goes_wrong_is_an_error(made: Stack, tmp_path: Path) -> None:
    engine(tmp_path, members=0, down="echo 'no space left on device' >&2; exit 1")
    with pytest.raises(AssertionError, match="no space left"):
        made.remove()
