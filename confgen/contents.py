"""What stands in a file that somebody else put there: a regular file alone, and no more than is read of one.

A pipe would be waited on for ever, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: In bytes; the saved list of 5,000 containers has 20 million.
MOST = 64 * 1024 * 1024


def contents(path: Path, most: int = MOST, pipe: bool = False) -> bytes:
    """All of the file.  pipe: it may be one, as `<(docker compose config)` is.

    Raises OSError, with words of its own where it is no regular file or larger than `most`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if pipe else os.O_NONBLOCK))
    with os.fdopen(descriptor, "rb") as file:
        if not pipe and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes")
    return content


def why(error: OSError) -> str:
    """In words for people."""
    return error.strerror or "it failed"
