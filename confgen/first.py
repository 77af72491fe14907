"""The first files of somebody who begins: a compose.yaml with a proxy, confgen and an app, and the start script of the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from confgen.proxies import PROXIES
from confgen.render import Renderer, shipped


@dataclass(frozen=True, slots=True)
class _Recipe:
    template: str
    path: str


@dataclass(frozen=True, slots=True)
class _Image:
    """title: as its people write it.  tag: if no version is asked for, one with long support.  directory: where the image's user
    may have the shared folder."""

    title: str
    tag: str
    directory: str


_IMAGES: Mapping[str, _Image] = {
    "nginx": _Image("nginx", "1.30", "/confgen"),
    "haproxy": _Image("HAProxy", "3.2", "/var/lib/haproxy"),
}


def files(proxy: str, version: str, *, gate: bool) -> dict[str, str]:
    """The files by name.  gate: a socket proxy stands between confgen and the engine.

    Raises BadInput when the version is none that the proxy has.
    """
    image = _IMAGES[proxy]
    if version:
        PROXIES[proxy].caps(version)
    words = {
        "proxy": proxy,
        "title": image.title,
        "image": f"{proxy}:{version or image.tag}",
        "directory": image.directory,
        "gate": gate,
    }
    with closing(Renderer((), {})) as renderer:
        (text,) = renderer.texts((_Recipe("compose/compose.yaml.j2", "compose.yaml"),), words)
    script = (shipped() / proxy / "start.sh").read_text(encoding="utf-8")
    return {"compose.yaml": text, f"start-{proxy}.sh": script}
