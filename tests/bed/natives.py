"""The proxies' real binaries as plain commands on this machine, for tests that need no engine.

Each is a small script that runs the binary of a root through that root's own dynamic loader, so that it finds its own
libraries while every path in a configuration means the machine's path.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bed import roots
from tests.bed.shell import BedError, cache, say

ROOTS = tuple(name for name in roots.ROOTS if name.startswith(("nginx-", "haproxy-")))
#: The shell of the Alpine images; its binary is linked to nothing.
SHELL = "busybox-trixie"

# `--argv0` names the script itself: HAProxy's master executes its argv[0] again at each reload.
SCRIPT = """#!/bin/sh
exec '{loader}' --library-path '{libraries}' --argv0 '{path}' '{binary}' "$@"
"""

# `nginx -V` tells where the dynamic modules are, and these are not where Debian's build believes them to be.
NGINX_SCRIPT = """#!/bin/sh
for word in "$@"; do
    [ "$word" = -V ] || continue
    '{loader}' --library-path '{libraries}' '{binary}' -V 2>&1 |
        sed 's|--modules-path=[^ ]*|--modules-path={modules}|' >&2
    exit
done
exec '{loader}' --library-path '{libraries}' --argv0 '{path}' '{binary}' "$@"
"""


@dataclass(frozen=True, slots=True)
class Native:
    """One command. `modules` is nginx's folder of dynamic modules (ngx_stream_module.so), empty for HAProxy."""

    name: str
    version: str
    path: str
    root: str
    modules: str


def build() -> list[Native]:
    """Write one command per proxy and version into `<cache>/bin`, `natives.json` beside them (what they are), and `busybox`."""
    built = roots.build((*ROOTS, SHELL))
    natives = [_wrap(name.partition("-")[0], built[name]) for name in ROOTS if name in built]
    _link(folder() / "busybox", built[SHELL] / "bin" / "busybox")
    described = json.dumps([asdict(native) for native in natives], indent=2)
    _write(folder() / "natives.json", described + "\n", 0o644)
    say("natives", f"{folder()}: {', '.join(f'{native.name} ({native.version})' for native in natives)}")
    return natives


def folder() -> Path:
    return cache() / "bin"


def _wrap(program: str, root: Path) -> Native:
    loader = next(root.glob("usr/lib/*-linux-gnu*/ld-linux*.so.*"))
    binary = root / "usr/sbin" / program
    modules = root / "usr/lib/nginx/modules" if program == "nginx" else ""
    version = _version([loader, "--library-path", loader.parent, binary, "-v"])
    name = f"{program}-{'.'.join(version.split('.')[:2])}"
    path = folder() / name
    script = NGINX_SCRIPT if program == "nginx" else SCRIPT
    text = script.format(loader=loader, libraries=loader.parent, binary=binary, modules=modules, path=path)
    _write(path, text, 0o755)
    return Native(name=name, version=version, path=str(path), root=str(root), modules=str(modules))


def _link(path: Path, target: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.symlink_to(target)
    draft.replace(path)


def _version(command: list[str | Path]) -> str:
    """nginx says it on stderr, HAProxy on stdout."""
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
    if not found:
        raise BedError(f"{command[-2]} does not tell its version: {said.stdout}{said.stderr}")
    return found.group()


def _write(path: Path, text: str, mode: int) -> None:
    """Replace in one step, and only what differs: a test may be running the old one at this moment."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(mode)
    draft.replace(path)
