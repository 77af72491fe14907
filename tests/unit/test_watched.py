"""Files that are followed: whatever way they are changed in, and where the kernel has no watch left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from confgen.sources import watched
from confgen.sources.watched import Watched

#: Longer than two looks of the poll.
PATIENCE = 10.0


@pytest.fixture(params=["kernel", "poll"])
def follow(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], bool]]:
    """Follows *.j2 below tmp_path; the answer waits for a change and says whether one was told."""
    if request.param == "poll":
        monkeypatch.setattr(watched, "Observer", exhausted)
        monkeypatch.setattr(watched, "PollingObserver", exhausted)
        monkeypatch.setattr(watched, "_POLL", 0.2)
    told, stop = threading.Event(), threading.Event()
    follower = Watched((tmp_path,), ("**/*.j2",), told.set, recursive=True)
    ready = threading.Event()
    observe = follower._observe

    def observed() -> object:
        made = observe()
        ready.set()
        return made

    monkeypatch.setattr(follower, "_observe", observed)
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    assert ready.wait(PATIENCE)

    def changed() -> bool:
        seen = told.wait(PATIENCE)
        told.clear()
        return seen

    yield changed
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def exhausted() -> object:
    raise OSError(24, "inotify instance limit reached")


def test_a_new_file_a_change_and_a_removal_are_told(tmp_path: Path, follow: Callable[[], bool]) -> None:
    file = tmp_path / "nginx" / "site.j2"
    file.parent.mkdir()
    file.write_text("one")
    assert follow()
    file.write_text("two")
    assert follow()
    file.unlink()
    assert follow()


def test_an_editor_that_writes_beside_and_renames(tmp_path: Path, follow: Callable[[], bool]) -> None:
    file = tmp_path / "site.j2"
    file.write_text("one")
    assert follow()
    (tmp_path / ".site.j2.swp").write_text("two")
    os.rename(tmp_path / ".site.j2.swp", file)
    assert follow()


def test_a_folder_behind_a_link_that_is_swapped(tmp_path: Path, follow: Callable[[], bool]) -> None:
    """As orchestrators mount their maps: `..data` is a link, and an update is one rename of it."""
    for name, text in (("first", "one"), ("second", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text(text)
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "site.j2").symlink_to("..data/text")
    assert follow()
    (tmp_path / "..new").symlink_to("second")
    os.rename(tmp_path / "..new", tmp_path / "..data")
    assert follow()


def test_the_kernel_may_be_asked_for_other_folders_than_those_that_are_looked_into(tmp_path: Path) -> None:
    """A shared folder is written to at each turn, and only the one of wishes in it is news."""
    changed, stop = threading.Event(), threading.Event()
    asked = tmp_path / "asked"
    asked.mkdir()
    follower = Watched((tmp_path,), ("asked/pin", "*/asked/pin"), changed.set, recursive=False, told=(asked,))
    observer = follower._observe()
    assert observer
    assert {emitter.watch.path for emitter in observer.emitters} == {str(asked)}
    observer.stop()
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    (tmp_path / "other" / "asked").mkdir(parents=True)
    (tmp_path / "other" / "asked" / "pin").write_text("found by the look now and then")
    try:
        assert changed.wait(PATIENCE)
    finally:
        stop.set()
        thread.join(PATIENCE)
