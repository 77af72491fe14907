"""The shared folder: whole generations, one link, and nothing half-written or unsaid when the volume will not have it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from confgen.errors import BadVolume
from confgen.targets.folder import Folder

FILES = {"nginx.conf": b"main\n", "maps/hosts.map": b"a b\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def everything(folder: Folder) -> set[str]:
    return {str(p.relative_to(folder.path)) for p in folder.path.rglob("*")}


# --- the way of a generation ---


def test_a_generation_is_staged_swapped_in_and_read_through_the_link(folder: Folder) -> None:
    folder.stage("aa", FILES)
    assert folder.live() == ""
    folder.swap("aa")
    assert folder.live() == "aa"
    assert folder.read("aa") == FILES
    assert (folder.path / "live" / "maps" / "hosts.map").read_bytes() == b"a b\n"
    assert os.readlink(folder.path / "live") == "generations/aa", "relative: the proxy sees the folder under another name"


def test_nothing_is_written_that_is_there_already(folder: Folder) -> None:
    folder.stage("aa", FILES)
    before = (folder.generations / "aa").stat()
    folder.stage("aa", FILES)
    after = (folder.generations / "aa").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("damage", [{"nginx.conf": b""}, {"nginx.conf": b"other\n"}, {}, {**FILES, "surplus": b"x"}])
def test_a_generation_that_is_not_what_its_name_says_is_made_anew(folder: Folder, damage: dict[str, bytes]) -> None:
    (folder.generations / "aa" / "maps").mkdir(parents=True)
    for path, content in damage.items():
        (folder.generations / "aa" / path).write_bytes(content)
    folder.stage("aa", FILES)
    assert folder.read("aa") == FILES


def test_what_a_crash_left_half_written_is_replaced(folder: Folder) -> None:
    left = folder.generations / ".aa.new" / "maps"
    left.mkdir(parents=True)
    (left / "hosts.map").write_bytes(b"half")
    folder.path.joinpath(".live.new").symlink_to("generations/gone")
    folder.stage("aa", FILES)
    folder.swap("aa")
    assert folder.read("aa") == FILES
    assert folder.live() == "aa"
    assert not [name for name in everything(folder) if ".new" in name]


def test_swapping_moves_the_link_at_no_moment_away(folder: Folder) -> None:
    for generation in ("aa", "bb"):
        folder.stage(generation, FILES)
        folder.swap(generation)
    assert folder.live() == "bb"
    assert not (folder.path / ".live.new").is_symlink()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_the_proxys_own_user_can_read_it_whatever_our_umask(folder: Folder, mask: int) -> None:
    before = os.umask(mask)
    try:
        folder.stage("aa", FILES)
        folder.swap("aa")
    finally:
        os.umask(before)
    for path in (folder.generations, *folder.generations.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), (path, oct(mode))


def test_a_link_in_the_place_of_a_file_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    target = folder.generations / ".aa.new"
    target.mkdir(parents=True)
    (target / "nginx.conf").symlink_to(outside)
    folder.stage("aa", FILES)
    assert outside.read_bytes() == b"precious"
    assert not (folder.generations / "aa" / "nginx.conf").is_symlink()


# --- removing ---


def test_a_refused_generation_is_removed_but_never_the_live_one(folder: Folder) -> None:
    for generation in ("aa", "bb"):
        folder.stage(generation, FILES)
    folder.swap("aa")
    folder.discard("bb")
    folder.discard("aa")
    folder.discard("not there")
    assert [p.name for p in folder.generations.iterdir()] == ["aa"]


def staged_in_turn(folder: Folder, *generations: str) -> None:
    for age, generation in enumerate(generations):
        folder.stage(generation, FILES)
        os.utime(folder.generations / generation, ns=(age, age))


def test_of_many_generations_the_newest_stay_and_the_live_one(folder: Folder) -> None:
    staged_in_turn(folder, "a", "b", "c", "d", "e")
    folder.swap("a")
    os.utime(folder.generations / "a", ns=(0, 0))  # live for so long that others are newer
    folder.prune(2)
    assert {p.name for p in folder.generations.iterdir()} == {"a", "d", "e"}
    folder.prune(0)
    assert {p.name for p in folder.generations.iterdir()} == {"a"}


def test_pruning_takes_away_what_crashes_left(folder: Folder) -> None:
    staged_in_turn(folder, "a", "b")
    (folder.generations / ".c.new").mkdir()
    folder.swap("b")
    folder.prune(5)
    assert {p.name for p in folder.generations.iterdir()} == {"a", "b"}


def test_pruning_a_folder_that_is_not_there_is_told(folder: Folder) -> None:
    with pytest.raises(BadVolume, match="list the generations"):
        folder.prune(3)


# --- reading ---


def test_nothing_there_reads_as_nothing(folder: Folder) -> None:
    assert (folder.live(), folder.read("aa"), folder.read("")) == ("", {}, {})


def test_a_live_that_is_no_link_is_nothing_of_ours(folder: Folder) -> None:
    (folder.path / "live").mkdir()
    assert folder.live() == ""
    folder.stage("aa", FILES)
    with pytest.raises(BadVolume, match="point live at a generation"):
        folder.swap("aa")


# --- volumes that will not have it; nothing live is touched, and the words say what to do ---


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"needs leave to mount: {done.stderr.decode().strip()}")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Folder]:
    """A volume of 64 KiB."""
    path = tmp_path / "small"
    path.mkdir()
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path))
    yield Folder(path)
    subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def fixed(folder: Folder) -> Iterator[Folder]:
    """A read-only volume on which generation aa is live and bb is staged."""
    for generation in ("aa", "bb"):
        folder.stage(generation, FILES)
    folder.swap("aa")
    mount("--bind", str(folder.path), str(folder.path))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(folder.path)], check=True)
    yield folder
    subprocess.run(["umount", str(folder.path)], check=True)


def test_a_full_disk_leaves_nothing_half_written(small: Folder) -> None:
    small.stage("aa", FILES)
    small.swap("aa")
    before = everything(small)
    with pytest.raises(BadVolume, match="No space left on device; the live files were not touched") as caught:
        small.stage("bb", {"nginx.conf": b"x" * 30_000, "big": b"x" * 60_000})
    assert "make room" in caught.value.hint
    assert everything(small) == before
    assert small.read(small.live()) == FILES
    small.stage("bb", {"nginx.conf": b"x" * 100})
    assert small.read("bb")


def test_a_read_only_volume_is_told_with_what_to_do(fixed: Folder) -> None:
    for act in (lambda: fixed.stage("cc", FILES), lambda: fixed.swap("bb")):
        with pytest.raises(BadVolume, match="Read-only file system") as caught:
            act()
        assert "mounted read-only" in caught.value.hint
    fixed.discard("bb")
    fixed.prune(0)
    assert (fixed.live(), fixed.read("bb")) == ("aa", FILES)


def test_a_file_of_ours_that_is_mounted_by_itself_is_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.stage("aa", FILES)
    for name in ("live", "other"):
        (tmp_path / name).write_bytes(b"")
    mount("--bind", str(tmp_path / "other"), str(tmp_path / "live"))
    try:
        with pytest.raises(BadVolume, match="busy") as caught:
            folder.swap("aa")
        assert "mount the whole folder" in caught.value.hint
    finally:
        subprocess.run(["umount", str(tmp_path / "live")], check=True)


def test_a_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    """Root may write everywhere, so another user tries."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    for path in (*tmp_path.parents, tmp_path):
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o111)
    folder = Folder(tmp_path)
    folder.stage("aa", FILES)
    os.seteuid(65534)
    try:
        for act in (lambda: folder.stage("bb", FILES), lambda: folder.swap("aa")):
            with pytest.raises(BadVolume, match="Permission denied") as caught:
                act()
            assert "permissions" in caught.value.hint
    finally:
        os.seteuid(0)


def test_a_generation_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    for path in (*tmp_path.parents, tmp_path):
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o111)
    folder = Folder(tmp_path)
    folder.stage("aa", FILES)
    (folder.generations / "aa" / "nginx.conf").chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(BadVolume, match="Permission denied"):
            folder.stage("aa", FILES)
    finally:
        os.seteuid(0)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(BadVolume, match="could not write a generation") as caught:
        Folder(file).stage("aa", FILES)
    assert "a file stands where a folder should be" in caught.value.hint


@pytest.mark.parametrize("step", range(40))
def test_a_crash_at_any_step_leaves_the_old_or_the_new_generation_whole(tmp_path: Path, step: int) -> None:
    """A child dies at its n-th system call of this kind, as kill -9 would have it; the next start comes through."""
    folder = Folder(tmp_path)
    folder.stage("aa", FILES)
    folder.swap("aa")
    new = {"nginx.conf": b"new\n", "maps/hosts.map": b"c d\n"}
    child = os.fork()
    if child == 0:
        try:
            _die_at(step)
            folder.stage("bb", new)
            folder.swap("bb")
            folder.prune(1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert folder.read(folder.live()) == {"aa": FILES, "bb": new}[folder.live()]
    folder.stage("bb", new)
    folder.swap("bb")
    folder.prune(1)
    assert folder.read("bb") == new
    assert everything(folder) == {
        "live",
        "generations",
        "generations/bb",
        "generations/bb/nginx.conf",
        "generations/bb/maps",
        "generations/bb/maps/hosts.map",
    }


def _die_at(step: int) -> None:
    """The audit hook sees open, rename, symlink, mkdir, rmtree ...; fsync has none, and changes nothing that can be seen here."""
    seen = iter(range(step + 1))

    def hook(event: str, _: object) -> None:
        if event.startswith(("open", "os.", "shutil.")) and next(seen, None) is None:
            os._exit(9)

    sys.addaudithook(hook)


def test_a_small_file_may_stand_in_a_folder_of_its_own_which_is_as_open_as_the_one_around_it(folder: Folder) -> None:
    folder.path.chmod(0o2775)
    folder.remember("asked/pin", b"aa\n")
    assert folder.recall("asked/pin") == b"aa\n"
    assert everything(folder) == {"asked", "asked/pin"}
    assert stat.S_IMODE((folder.path / "asked").stat().st_mode) == 0o2775
    folder.forget("asked/pin")
    assert folder.recall("asked/pin") == b""


def test_a_link_in_place_of_that_folder_is_not_followed(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pin").write_text("theirs")
    (folder.path / "asked").symlink_to(elsewhere)
    folder.forget("asked/pin")
    folder.remember("asked/pin", b"aa\n")
    assert (elsewhere / "pin").read_text() == "theirs"
    assert (folder.path / "asked" / "pin").read_bytes() == b"aa\n"
