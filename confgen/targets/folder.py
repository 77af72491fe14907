"""The shared folder of one proxy: generations side by side, one link to the live one.

    <folder>/generations/<generation>/...   whole, fsynced before anything points at it, never changed afterwards
    <folder>/live -> generations/<generation>
    <folder>/certs/                         keys, for the owner and the group alone; outside generations, which are copied about
    <folder>/run/                           control channel, sockets; belongs to the running proxy

A rename per file could tear a set of files that belong together; one rename of one link cannot.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from confgen.contents import contents
from confgen.errors import BadVolume


@dataclass(frozen=True, slots=True)
class Folder:
    """The proxy's shared folder, as confgen sees it."""

    path: Path

    @property
    def generations(self) -> Path:
        return self.path / "generations"

    @property
    def run(self) -> Path:
        return self.path / "run"

    def live(self) -> str:
        """The generation that `live` points at, "" when there is none."""
        try:
            return os.readlink(f"{self.path}/live").rpartition("/")[2]
        except OSError:
            return ""

    def read(self, generation: str) -> dict[str, bytes]:
        """The files of a generation by their path inside it; empty when it is not there."""
        top = self.generations / generation
        if not generation or not top.is_dir():
            return {}
        return {str(p.relative_to(top)): p.read_bytes() for p in sorted(top.rglob("*")) if p.is_file()}

    def stage(self, generation: str, files: Mapping[str, bytes], private: Container[str] = ()) -> None:
        """Writes a generation whole and makes it durable; a half-written one of an earlier crash is replaced.

        private: paths of files that are for the folder's owner and its group alone, which is the proxy's.
        Raises BadVolume, and leaves nothing behind, when the folder cannot be written.
        """
        temporary = self.generations / f".{generation}.new"
        try:
            if self.read(generation) == dict(files):
                return
            _clear(temporary)
            _make(temporary)
            for path, content in files.items():
                _write(temporary / path, content, 0o640 if path in private else 0o644)
            for folder, _, _ in os.walk(temporary):
                _sync(folder)
            _remove(self.generations / generation)
            os.rename(temporary, self.generations / generation)
            _sync(self.generations)
        except OSError as error:
            with suppress(OSError):
                _clear(temporary)
            raise _bad(self.path, "write a generation", error) from error

    def swap(self, generation: str) -> None:
        """Points `live` at a generation: one rename, made durable."""
        link, temporary = self.path / "live", self.path / ".live.new"
        try:
            temporary.unlink(missing_ok=True)
            os.symlink(f"generations/{generation}", temporary)
            os.rename(temporary, link)
            os.utime(self.generations / generation)  # its age is when it was last made live: history and prune go by it
            _sync(self.path)
        except OSError as error:
            raise _bad(self.path, "point live at a generation", error) from error

    def discard(self, generation: str) -> None:
        """Removes a generation that was refused, unless it is the live one."""
        if generation != self.live():
            with suppress(OSError):
                _remove(self.generations / generation)

    def history(self) -> list[tuple[str, float]]:
        """The generations that are kept, the newest first, each with when it was last made live (seconds since 1970)."""
        try:
            found = [(p.name, p.stat().st_mtime) for p in self.generations.iterdir() if p.is_dir() and not p.name.startswith(".")]
        except OSError:
            return []
        return sorted(found, key=lambda pair: -pair[1])

    def recall(self, name: str) -> bytes:
        """A small file beside the generations; empty when it is not there."""
        try:
            return contents(self.path / name)
        except OSError:
            return b""

    def remember(self, name: str, content: bytes, proven: Callable[[Path], None] | None = None) -> None:
        """Writes a small file whole or not at all, durable; raises BadVolume.

        name: in the folder itself, or in one that `prepare` has made.
        proven: called with the new file before it takes its place; where it raises, all stays as it was.
        """
        place = self.path / name
        temporary = place.with_name(f".{place.name}.new")
        try:
            if place.parent != self.path:
                self.prepare(place.parent.name)
            temporary.unlink(missing_ok=True)
            _write(temporary, content)
            if proven:
                proven(temporary)
            os.rename(temporary, place)
            _sync(place.parent)
        except OSError as error:
            raise _bad(self.path, f"write {name}", error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def prepare(self, name: str) -> Path:
        """Makes a folder in here for small files, where it is not there, writable for whom this one is; raises OSError.

        A link in its place would lead out of here, and is removed.
        """
        folder = self.path / name
        if folder.is_symlink():
            folder.unlink()
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(stat.S_IMODE(self.path.stat().st_mode))
        return folder

    def forget(self, name: str) -> None:
        """Removes a small file; nothing behind a link that somebody planted in place of its folder."""
        place = self.path / name
        try:
            if not place.parent.is_symlink() or place.parent == self.path:
                place.unlink(missing_ok=True)
        except OSError as error:
            raise _bad(self.path, f"remove {name}", error) from error

    def secrets(self) -> frozenset[str]:
        """The names of the files that only owner and group may read."""
        try:
            return frozenset(path.name for path in (self.path / "certs").iterdir() if not path.name.startswith("."))
        except OSError:
            return frozenset()

    def secret(self, name: str) -> bytes:
        """One of them; empty when it is not there."""
        return self.recall(f"certs/{name}")

    def entrust(self, name: str, content: bytes) -> None:
        """Writes one whole or not at all, durable, never readable by others; raises BadVolume."""
        certs = self.path / "certs"
        temporary = certs / f".{name}.new"
        try:
            _make(self.path)
            group = self.path.stat().st_gid
            if not certs.is_dir():
                certs.mkdir(0o700)
                _share(certs, group, 0o750)
            temporary.unlink(missing_ok=True)
            _write(temporary, content, 0o600)
            _share(temporary, group, 0o640)
            os.rename(temporary, certs / name)
            _sync(certs)
        except OSError as error:
            raise _bad(self.path, "write a certificate", error) from error

    def shred(self, names: Iterable[str]) -> None:
        """Removes some of them."""
        for name in names:
            with suppress(OSError):
                (self.path / "certs" / name).unlink()

    def lock(self) -> int | None:
        """The right to write here, as a descriptor that holds it until it is closed; None while another process has it.

        A lock of the kernel (flock) ends with its process, however that ends.
        """
        try:
            _make(self.path)
            descriptor = os.open(self.path / ".confgen.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise _bad(self.path, "take the lock", error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def prune(self, keep: int) -> None:
        """Keeps the live generation and the newest `keep`; removes the older ones, and what a crash left half-written."""
        live = self.live()
        try:
            with os.scandir(self.generations) as entries:
                folders = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in entries if entry.is_dir()]
        except OSError as error:
            raise _bad(self.path, "list the generations", error) from error
        for _, path in folders:
            if path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)
        for _, path in sorted((one for one in folders if not one[1].name.startswith(".")), reverse=True)[keep:]:
            if path.name != live:
                with suppress(OSError):
                    _remove(path)


def _make(folder: Path) -> None:
    """The folder and those above it, where they are not there; the proxy's user can read them whatever our umask is."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _clear(path: Path) -> None:
    """Makes a place free.  A link that somebody planted there goes itself, and nothing is written through it."""
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Out of sight by one rename first: what a crash leaves half-removed must not pass for a generation."""
    away = folder.with_name(f".{folder.name}.old")
    _clear(away)
    with suppress(FileNotFoundError):
        os.rename(folder, away)
    shutil.rmtree(away, ignore_errors=True)


def _share(path: Path, group: int, mode: int) -> None:
    """To the group of the shared folder, where we are in it, and to nobody else."""
    with suppress(PermissionError):
        os.chown(path, -1, group)
    path.chmod(mode)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    _make(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path | str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_HINTS = {
    errno.ENOSPC: "the disk is full: make room; it is tried again by itself",
    errno.EDQUOT: "the quota is used up: make room; it is tried again by itself",
    errno.EROFS: "the volume is mounted read-only: mount it writable for confgen",
    errno.EACCES: "confgen's user may not write there: give the volume to it (see docs/operations.md, permissions)",
    errno.EPERM: "confgen's user may not write there: give the volume to it (see docs/operations.md, permissions)",
    errno.EBUSY: "mount the whole folder, not a single file: a rename over a mounted file is not possible",
    errno.EEXIST: "a file stands where a folder should be: is the right volume mounted?",
    errno.ENOTDIR: "a file stands where a folder should be: is the right volume mounted?",
    errno.ENOENT: "the folder is not there: mount the shared volume",
}


def _bad(path: Path, doing: str, error: OSError) -> BadVolume:
    what = os.strerror(error.errno) if error.errno else "failed"
    return BadVolume(
        f"could not {doing} in {path}: {what}; the live files were not touched",
        _HINTS.get(error.errno or 0, "look at the volume"),
    )
