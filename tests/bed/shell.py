"""What every part of the bed needs: to tell what it does, to run a command, to be alone, to publish a folder whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPES = Path(__file__).resolve().parent / "recipes"

_log = logging.getLogger("tests.bed")


class BedError(Exception):
    """The bed cannot be made; `hint` says what the person at the keyboard can do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def speak(*, quiet: bool) -> None:
    """Progress goes to stderr, because stdout belongs to `env` and `venv`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.handlers = [handler]
    _log.propagate = False
    _log.setLevel(logging.WARNING if quiet else logging.INFO)


def say(topic: str, text: str) -> None:
    """One line of progress."""
    _log.info("%s: %s", topic, text)


@contextlib.contextmanager
def step(topic: str, text: str) -> Iterator[None]:
    """Tell that something longer begins, and how long it took: a silent minute looks like a hang."""
    say(topic, f"{text}…")
    began = time.monotonic()
    yield
    say(topic, f"{text}: done in {time.monotonic() - began:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run to the end and return stdout. A failure names the command and carries the last lines that it said."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise BedError(f"running {words[0]}: no such command") from error
    except subprocess.TimeoutExpired as error:
        raise BedError(f"running {' '.join(words)}: no end after {timeout:g} s") from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise BedError(f"running {' '.join(words)}: exit {done.returncode}\n{said}")
    return done.stdout


def works(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout: float = 10) -> bool:
    """Whether the command ends well: for questions whose answer may be no."""
    try:
        run(command, env=env, timeout=timeout)
    except BedError:
        return False
    return True


def cache() -> Path:
    """Where all that was built stays: outside the checkout, so that a fresh clone and `git clean` lose nothing."""
    default = Path.home() / ".cache" / "confgen"
    folder = Path(os.environ.get("CONFGEN_CACHE") or default).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key(*parts: object) -> str:
    """Name a recipe by what is in it, so that a changed recipe is built anew and an unchanged one never is."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def alone(name: str, *, wait: bool = True) -> Iterator[None]:
    """Let one process at a time do this: two `make` side by side must not build the same thing into each other.

    With `wait=False` a BlockingIOError says that somebody else is at it.
    """
    with (cache() / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            say(name, "another process is at it; waiting for it…")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def together(name: str) -> Iterator[None]:
    """Say that this process uses something, which others may use as well but nobody `alone`."""
    with (cache() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def published(target: Path) -> Iterator[Path]:
    """Hand out a folder that becomes `target` only if all went well, so that half a root is never taken for one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield draft
        draft.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        os.utime(draft)  # What was unpacked may have set the folder's age, and `prune` goes by it.
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def prune(found: Iterable[Path], keep: int) -> None:
    """Remove the oldest of what an earlier recipe left, or the cache would grow for ever."""
    newest_first = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[keep:]:
        shutil.rmtree(path, ignore_errors=True)
