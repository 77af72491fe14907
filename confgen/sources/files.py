"""Reading files that a user named."""

from __future__ import annotations

from pathlib import Path

from confgen.contents import contents, why
from confgen.errors import BadInput


def read_text(file: Path, pipe: bool = True) -> str:
    """The file's text; raises BadInput with what to do.  pipe: it may be one, since somebody named it who waits for it."""
    hint = "name a compose file or a snapshot in JSON"
    try:
        return contents(file, pipe=pipe).decode()
    except FileNotFoundError as error:
        raise BadInput(f"{file}: there is no such file", hint) from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {why(error)}", hint) from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{file}: is not UTF-8 text: byte {error.start + 1} is none of it", "save it as plain UTF-8 text"
        ) from error
