"""Files as a source, for CI: compose files, or a snapshot that an engine or `confgen status --json` gave."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path

from confgen.codec import decode
from confgen.errors import BadInput, SourceUnavailable
from confgen.sources import compose, rows
from confgen.sources.files import read_text
from confgen.sources.source import Wake
from confgen.state import Instance, Snapshot

_HINT = "save the answer of GET /containers/json, or `confgen status --json`"


@dataclass(frozen=True, slots=True)
class FileSource:
    """What stands in files; read once, never changes."""

    files: tuple[Path, ...]
    name: str = "file"
    prefix: str = "confgen"

    def snapshot(self) -> Snapshot:
        """Raises BadInput when a file is not there or is neither a compose file nor a snapshot."""
        snapshots = [f for f in self.files if f.suffix == ".json"]
        composed = tuple(f for f in self.files if f.suffix != ".json")
        found = [instance for file in snapshots for instance in read_json(file)]
        if composed:
            found += compose.read(composed, self.prefix)
        return Snapshot(self.name, tuple(found))

    def expects(self) -> bool:
        return False

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        stop.wait()


def read_json(file: Path) -> list[Instance]:
    """An engine's answer to /containers/json (a list of rows), or what `confgen status --json` printed."""
    try:
        data = json.loads(read_text(file))
        if isinstance(data, list):
            return [rows.instance(row, str(file)) for row in data]
        if isinstance(data, dict) and isinstance(data.get("instances"), list):
            return [decode(Instance, item) for item in data["instances"]]
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: is not JSON: {error}", _HINT) from error
    except SourceUnavailable as error:
        raise BadInput(f"{file}: {error.message}", _HINT) from error
    except BadInput as error:
        raise error if str(file) in error.message else BadInput(f"{file}: {error.message}", error.hint) from error
    raise BadInput(f"{file}: holds neither a list of containers nor a snapshot", _HINT)
