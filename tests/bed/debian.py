"""Packages of other Debian suites, without touching the machine's own sources: apt with a folder of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bed.shell import BedError, cache, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Archive:
    """A set of suites that are resolved together; the last one is preferred ("sid", "experimental")."""

    suites: tuple[str, ...]
    home: Path

    def fetch(self, packages: tuple[str, ...]) -> list[Path]:
        """Download packages and all that they depend on, as apt would for a machine that has nothing yet."""
        into = Path(tempfile.mkdtemp(dir=self.home))
        (into / "partial").mkdir()
        options = [f"-oDir::Cache::archives={into}", "--yes", "--download-only", "--no-install-recommends"]
        run([*self._apt(), "install", *options, f"--target-release={self.suites[-1]}", *packages], timeout=600)
        return sorted(into.glob("*.deb"))

    def fetch_one(self, package: str) -> Path:
        """Download one package without what it depends on."""
        run([*self._apt(), "download", package], cwd=self.home, timeout=300)
        return next(self.home.glob(f"{package}_*.deb"))

    def update(self) -> None:
        """Fetch the package lists."""
        for folder in ("lists/partial", "archives/partial", "preferences.d"):
            (self.home / folder).mkdir(parents=True)
        (self.home / "status").touch()
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        lines = [f"deb {signed}{mirror()} {suite} main\n" for suite in self.suites]
        (self.home / "sources.list").write_text("".join(lines), encoding="utf-8")
        run([*self._apt(), "update", "--error-on=any"], timeout=300)

    def _apt(self) -> list[str]:
        """Call apt with the machine's own settings (proxies, credentials), but with lists and a state of our own."""
        home = self.home
        settings = {
            # A mirror that stands still, or a machine whose clock runs ahead, is good enough for a test.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
            "Dir::Cache": home,
            "Dir::Cache::archives": home / "archives",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": home / "preferences.d",
            "Dir::Etc::sourcelist": home / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": home / "lists",
            "Dir::State::status": home / "status",
        }
        return ["apt-get", *(f"-o{name}={value}" for name, value in settings.items())]


@contextlib.contextmanager
def opened(suites: tuple[str, ...]) -> Iterator[Archive]:
    """An archive with fresh lists, which are big and stale tomorrow, so they go when the work is done."""
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=cache()) as home:
        archive = Archive(suites, Path(home))
        archive.update()
        yield archive


def mirror() -> str:
    """The Debian mirror that this machine is set up with, as apt itself reads its sources."""
    listing = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    for uri in listing.split():
        if "debian" in urlsplit(uri).path.split("/"):
            return uri
    raise BedError("apt's sources name no Debian mirror", "the stand-ins for images are made of Debian's packages")
