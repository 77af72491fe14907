"""The sign of life: fresh, right, and readable by whoever asks."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from confgen.errors import BadVolume, TargetUnavailable
from confgen.observe.health import FILE, Pulse, ailments
from confgen.report import Report, SeatReport
from confgen.targets.folder import Folder

RIGHT = Report(seats=(SeatReport(seat="edge", proxy="nginx"),))
WRONG = Report(seats=(SeatReport(seat="edge", proxy="nginx", error=TargetUnavailable("the proxy is silent", "")),))


def test_a_fresh_look_at_a_right_proxy_is_healthy(tmp_path: Path) -> None:
    Pulse(tmp_path).tell(RIGHT)
    assert ailments(tmp_path, 60) == []


def test_without_a_sign_of_life_it_is_not(tmp_path: Path) -> None:
    assert "no sign of life" in ailments(tmp_path, 60)[0]


def test_garbage_is_no_sign_of_life(tmp_path: Path) -> None:
    for garbage in (b"", b"{", b"[]", b'{"monotonic": "x", "seats": {}, "stale": []}'):
        (tmp_path / FILE).write_bytes(garbage)
        assert "no sign of life" in ailments(tmp_path, 60)[0]


def test_an_old_look_and_one_from_the_future_are_not_fresh(tmp_path: Path) -> None:
    Pulse(tmp_path).tell(RIGHT)
    data = json.loads((tmp_path / FILE).read_text())
    for moment in (time.monotonic() - 61, time.monotonic() + 1000):
        (tmp_path / FILE).write_text(json.dumps({**data, "monotonic": moment}))
        assert "s old" in ailments(tmp_path, 60)[0]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    Pulse(tmp_path).tell(WRONG)
    assert ailments(tmp_path, 60) == ["edge: the proxy is silent"]
    Pulse(tmp_path).tell(Report(stale=("docker",)))
    assert ailments(tmp_path, 60) == ["source docker does not answer"]


def test_a_change_is_written_at_once_and_the_same_only_now_and_then(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path, every=1000)
    pulse.tell(RIGHT)
    written = (tmp_path / FILE).stat().st_mtime_ns
    pulse.tell(RIGHT)
    assert (tmp_path / FILE).stat().st_mtime_ns == written
    pulse.tell(WRONG)
    assert ailments(tmp_path, 60) == ["edge: the proxy is silent"]


def test_a_source_that_is_stale_is_a_change_too(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path, every=1000)
    pulse.tell(RIGHT)
    pulse.tell(replace(RIGHT, stale=("docker",)))
    assert ailments(tmp_path, 60) == ["source docker does not answer"]


def test_what_stays_the_same_is_written_again_before_it_looks_old(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path, every=0)
    pulse.tell(RIGHT)
    (tmp_path / FILE).unlink()
    pulse.tell(RIGHT)
    assert ailments(tmp_path, 60) == []


@pytest.mark.parametrize("room", [True, False])
def test_on_a_full_disk_what_was_said_before_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool) -> None:
    """Without it there may be room for what is true; else there is no sign of life, which is true as well."""
    pulse, remember = Pulse(tmp_path), Folder.remember
    pulse.tell(RIGHT)

    def full(folder: Folder, name: str, content: bytes) -> None:
        if not room or (folder.path / name).exists():
            raise BadVolume("the disk is full")
        remember(folder, name, content)

    monkeypatch.setattr(Folder, "remember", full)
    pulse.tell(WRONG)
    (said,) = ailments(tmp_path, 60)
    assert said == "edge: the proxy is silent" if room else "no sign of life" in said


def test_with_several_proxies_it_lies_in_the_folder_of_each(tmp_path: Path) -> None:
    for name in ("inner", "outer"):
        (tmp_path / name / "generations").mkdir(parents=True)
    Pulse(tmp_path).tell(RIGHT)
    assert not (tmp_path / FILE).exists()
    assert ailments(tmp_path, 60) == ailments(tmp_path / "inner", 60) == ailments(tmp_path / "outer", 60) == []
