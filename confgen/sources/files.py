"""Reading files that a user named."""

from __future__ import annotations

from pathlib import Path

from confgen.errors import BadInput


def read_text(file: Path) -> str:
    """The file's text; raises BadInput with what to do."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadInput(f"{file}: there is no such file", "name a compose file or a snapshot in JSON") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: cannot be read as UTF-8 text: {error}", "name a compose file or a snapshot in JSON") from error
