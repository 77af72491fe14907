"""The operator's users files: a folder whose files are found by name, in a list of what is there.

No path is ever made of a label's text.
"""

from __future__ import annotations

from pathlib import Path

from confgen.contents import contents, why
from confgen.users import Files, UsersFile, parse_file
from confgen.values import Refusal, parse_name

#: In bytes; of a file with more users than are read (users.py) that is ten times as much.
_LARGEST = 2 * 1024 * 1024


def read_users(folder: Path | None) -> Files:
    """Every file of the folder whose name a label can spell; none where there is no folder.

    What cannot be read is there with its mistake, so that its routes are shut and say why.
    """
    if folder is None:
        return {}
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return {}
    return {path.name: _read(path) for path in files if _spelled(path.name)}


def _spelled(name: str) -> bool:
    try:
        return parse_name(name) == name
    except Refusal:
        return False


def _read(path: Path) -> UsersFile:
    try:
        return parse_file(contents(path, _LARGEST).decode())
    except UnicodeDecodeError:
        return UsersFile(mistakes=(("it is not UTF-8 text", "write it with htpasswd"),))
    except OSError as error:
        return UsersFile(
            mistakes=((f"it cannot be read: {why(error)}", "it has to be a file of users that confgen's user may read"),)
        )
