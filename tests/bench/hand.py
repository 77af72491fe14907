"""nginx told of a container by hand: the least that whoever follows containers with it has to do, and nothing else.

Beside it a follower's own share is seen: what the engine, nginx's test and its reload take is in both.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import engine
from tests.bench.places import Place
from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import docker, stack, until

#: What tells the host, in the event itself.
_LABEL = "hand.host"
#: Where confgen and nginx share their folder, as this machine sees it.
_FOLDER = '{{range .Mounts}}{{if eq .Destination "/confgen"}}{{.Source}}{{end}}{{end}}'
_SERVER = """
    server {
        listen 80;
        server_name %s;
        location / {
            proxy_pass http://%s;
        }
    }
}
"""


@contextlib.contextmanager
def hand() -> Iterator[Place]:
    """nginx as the first example has it, with the text that confgen wrote last; confgen is stopped, and this follows instead."""
    with stack(EXAMPLES["nginx"]) as world:
        world.serves("shop.localhost")
        docker("stop", world.container("confgen"))
        folder = Path(docker("inspect", "--format", _FOLDER, world.container("proxy")))
        nginx = _Nginx(folder, (folder / "live/nginx.conf").read_text(encoding="utf-8").rstrip().removesuffix("}"))
        starts = engine.starts(f"cgtest={world.name}")

        def follow() -> None:
            for line in starts:
                container = json.loads(line)["Actor"]
                nginx.route(container["Attributes"][_LABEL], engine.address(container["ID"], world.network))

        thread = threading.Thread(target=follow, name="hand")
        thread.start()
        try:
            yield Place("nginx told by hand", world, "proxy", lambda _, host: {_LABEL: host}, lambda: 0, lambda: 0, 1.0)
        finally:
            starts.close()
            thread.join()


@dataclass(frozen=True, slots=True)
class _Nginx:
    """text: what it serves besides, without the last bracket."""

    folder: Path
    text: str

    def route(self, host: str, address: str) -> None:
        """Written, tested, made live and loaded, in the order and by the ways that confgen has."""
        generation = secrets.token_hex(8)
        place = self.folder / "generations" / generation
        place.mkdir()
        (place / "nginx.conf").write_text(self.text + _SERVER % (host, address), encoding="utf-8")
        self._ask(f"test {generation}")
        link = self.folder / ".live.hand"
        link.symlink_to(f"generations/{generation}")
        link.rename(self.folder / "live")
        self._ask("reload")

    def _ask(self, words: str) -> None:
        request = secrets.token_hex(8)
        answer = self.folder / "run" / f"answer.{request}"
        descriptor = os.open(self.folder / "run/request", os.O_WRONLY)
        try:
            os.write(descriptor, f"{request} {words}\n".encode())
        finally:
            os.close(descriptor)
        until(answer.exists, f"nginx's start script answers {words!r}", pause=0.001)
        said = answer.read_text(encoding="utf-8")
        answer.unlink()
        assert said.startswith("0\n"), f"{words}: {said}"
