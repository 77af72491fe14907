"""The first files of somebody who begins: a compose.yaml with a proxy, confgen and an app, and the start script of the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from confgen.options import OPTIONS, Option
from confgen.proxies import PROXIES
from confgen.render import Renderer, shipped
from confgen.settings import Settings


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


def files(settings: Settings, *, gate: bool) -> dict[str, str]:
    """The files by name.  gate: a socket proxy stands between confgen and the engine.

    What is set of a proxy's text becomes variables of confgen's container.  Raises BadInput when the version is none that the
    proxy has.
    """
    proxy, version = settings.proxy or "nginx", settings.proxy_version
    image = _IMAGES[proxy]
    if version:
        PROXIES[proxy].caps(version)
    words = {
        "proxy": proxy,
        "title": image.title,
        "image": f"{proxy}:{version or image.tag}",
        "directory": image.directory,
        "gate": gate,
        "http_port": settings.frame.http_port,
        "https_port": settings.frame.https_port,
        "environment": {o.variable: _text(o.of(settings)) for o in OPTIONS if _of_the_text(o) and o.of(settings) != o.default},
    }
    with closing(Renderer((), {})) as renderer:
        (text,) = renderer.texts((_Recipe("compose/compose.yaml.j2", "compose.yaml"),), words)
    script = (shipped() / proxy / "start.sh").read_text(encoding="utf-8")
    return {"compose.yaml": text, f"start-{proxy}.sh": script}


def _of_the_text(option: Option) -> bool:
    return option.field.startswith("frame.") and bool(option.variable)


def _text(value: object) -> str:
    """As it stands in a variable of the environment."""
    return str(value).lower() if isinstance(value, bool) else str(value)
