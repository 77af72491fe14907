"""A file that a command writes for people: whole or not at all, and what was there stays until it is."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from errno import EACCES, EBUSY, EDQUOT, EFBIG, ENOSPC, EPERM
from pathlib import Path

from confgen.errors import UsageError

#: No space, the quota is used up, larger than a file may be (open(2), write(2)).
_FULL = {ENOSPC, EDQUOT, EFBIG}
#: A folder in which nothing may be made, a file that is mounted by itself (rename(2)): the file itself may be written all the same.
_FIXED = {EACCES, EPERM, EBUSY}


def save(file: Path, content: bytes) -> None:
    """Writes beside the file and puts it in its place; a link is followed, and what is replaced keeps its mode and its owner.

    What can only be written in place (a pipe, a device, a file in a folder that is not ours) is, and alone can be left
    half-written.  Raises UsageError.
    """
    place = Path(os.path.realpath(file))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and not place.is_file():
            place.write_bytes(content)
            return
        try:
            _replace(place, content)
        except OSError as error:
            if error.errno not in _FIXED or not place.exists():
                raise
            place.write_bytes(content)
    except OSError as error:
        mend = "make room there, or name another folder" if error.errno in _FULL else "name a folder that you may write to"
        raise UsageError(f"{file} cannot be written: {error.strerror}", mend) from error


def _replace(place: Path, content: bytes) -> None:
    beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    opened = beside.open("xb")
    try:
        with opened:
            opened.write(content)
        if place.exists():
            there = place.stat()
            with suppress(OSError):  # its owner only by root, and its group by its members
                os.chown(beside, there.st_uid, there.st_gid)
            beside.chmod(there.st_mode & 0o7777)
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)
