"""Which proxies are to be kept right, and how each is reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from confgen.errors import UsageError
from confgen.labels import proxy_kind
from confgen.offer import GONE, Vantage
from confgen.problem import Effect, Origin, Problem
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Caps, Proxy
from confgen.settings import Settings
from confgen.state import Instance, Mount, State
from confgen.targets.channel import ChannelTarget
from confgen.targets.files import FilesTarget
from confgen.targets.folder import Folder
from confgen.targets.process import ProcessTarget
from confgen.targets.target import Target
from confgen.want import unknown_proxy


@dataclass(frozen=True, slots=True)
class Seat:
    """One proxy to keep right.

    life: changes when the proxy is another one (a new container), so that it is asked anew.  caps: known beforehand where
    there is nobody to ask; then the text is only written, neither tested nor loaded.
    """

    name: str
    life: str
    proxy: Proxy
    target: Target
    vantage: Vantage
    caps: Caps | None = None


def seats(state: State, settings: Settings) -> tuple[tuple[Seat, ...], tuple[Problem, ...]]:
    """The proxies that `settings.target` names, or every running container that is labelled as one.

    Raises UsageError when the target makes no sense.
    """
    kind, _, what = settings.target.partition(":")
    if kind == "process":
        return (_process(settings),), ()
    if kind == "dir" and what:
        return (_files(Path(what), settings),), ()
    if kind == "container" and what:
        found = [i for i in state.instances if i.name == what]
    elif not settings.target:
        found = [i for i in state.instances if proxy_kind(i, settings.labels)]
    else:
        raise UsageError(f"target {settings.target!r} is not known", "write container:NAME, process or dir:PATH")
    return _containers(found, state, settings)


def nobody(settings: Settings) -> str:
    """What to say where there is no proxy at all."""
    if settings.target:
        return f"there is no {settings.target.replace(':', ' ', 1)}"
    prefix = settings.labels.prefix
    return f"label one with {prefix}.proxy=nginx or {prefix}.proxy=haproxy"


def _process(settings: Settings) -> Seat:
    proxy = PROXIES.get(settings.proxy)
    if proxy is None:
        raise UsageError("--target process needs --proxy nginx or --proxy haproxy", "say which one runs here")
    folder = Folder(settings.directory)
    name = f"the local {proxy.name}"
    target: Target = ProcessTarget(name, folder)
    if (folder.run / "request").exists():
        target = ChannelTarget(name, folder, PurePosixPath(settings.directory))
    return Seat(name, name, proxy, target, Vantage(None))


def _files(path: Path, settings: Settings) -> Seat:
    proxy = PROXIES[settings.proxy or "nginx"]
    name = f"folder {path}"
    return Seat(
        name, name, proxy, FilesTarget(name, Folder(path)), Vantage(None), proxy.caps(settings.proxy_version or proxy.newest)
    )


def _containers(found: list[Instance], state: State, settings: Settings) -> tuple[tuple[Seat, ...], tuple[Problem, ...]]:
    """Those that run and share a volume with us; the others belong to another confgen, unless there is no other sign of ours."""
    problems: list[Problem] = []
    made: list[Seat] = []
    strangers: list[Problem] = []
    home = own(state)
    mounts = home.mounts if home else None
    for instance in found:
        origin = Origin(instance.source, f"container {instance.name}", f"label {settings.labels.prefix}.proxy")
        kind = _kind(instance, settings)
        if kind not in PROXIES:
            problems.append(unknown_proxy(origin, kind))
            continue
        shared = _shared(instance, mounts, settings.directory)
        if shared is None:
            strangers += [_stranger(origin, settings)] if instance.phase not in GONE else []
            continue
        if instance.phase in GONE:
            problems.append(_stopped(origin, instance))
            continue
        made.append(_seat(instance, kind, *shared, settings))
    return tuple(made), tuple(problems if made or problems else strangers)


def own(state: State) -> Instance | None:
    """The container that confgen runs in; None when it runs in none that the engine knows."""
    ours = _mounted_for()
    return next((i for i in state.instances if i.id in ours), None)


@cache
def _mounted_for() -> frozenset[str]:
    """The containers whose files the engine has mounted where this process runs: its own, for as long as it runs."""
    try:
        return frozenset(re.findall(r"/containers/([0-9a-f]{64})/", Path("/proc/self/mountinfo").read_text(encoding="utf-8")))
    except OSError:
        return frozenset()


def _shared(proxy: Instance, own: tuple[Mount, ...] | None, directory: Path) -> tuple[Path, PurePosixPath] | None:
    """The folder that we share with a proxy: where it is for us (`directory`, or a mount below it), and for the proxy."""
    for theirs in proxy.mounts:
        ours = [m.destination for m in own if m.origin == theirs.origin] if own is not None else [theirs.source]
        for path in map(Path, ours):
            if path == directory or directory in path.parents:
                return path, PurePosixPath(theirs.destination)
    return None


def _kind(instance: Instance, settings: Settings) -> str:
    return proxy_kind(instance, settings.labels) or settings.proxy


def _seat(instance: Instance, kind: str, folder: Path, view: PurePosixPath, settings: Settings) -> Seat:
    name = f"container {instance.name}"
    on_host = instance.network_mode == "host"
    networks = None if on_host else frozenset(a.network for a in instance.attachments)
    return Seat(
        instance.name,
        f"{instance.id} {instance.phase.value}",
        PROXIES[kind],
        _target(instance, name, folder, view, settings),
        Vantage(networks),
    )


def _target(instance: Instance, name: str, folder: Path, view: PurePosixPath, settings: Settings) -> Target:
    if settings.allow_exec:
        from confgen.targets.container import ExecTarget

        return ExecTarget(name, Folder(folder), view, settings.engine, instance.id)
    return ChannelTarget(name, Folder(folder), view)


def _stopped(origin: Origin, instance: Instance) -> Problem:
    return Problem(origin, "CG009", f"the proxy is {instance.phase.value}", Effect.PROXY, f"docker start {instance.name}")


def _stranger(origin: Origin, settings: Settings) -> Problem:
    return Problem(
        origin,
        "CG007",
        f"it shares no volume with confgen's {settings.directory}",
        Effect.PROXY,
        f"mount one volume in both: in confgen's container at {settings.directory} (or below it, for several proxies)",
    )
