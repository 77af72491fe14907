"""Which proxies are to be kept right, and how each is reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from confgen.build import GONE, Vantage
from confgen.errors import UsageError
from confgen.labels import proxy_kind
from confgen.problem import Effect, Origin, Problem
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Proxy
from confgen.settings import Settings
from confgen.state import COMPOSE_SERVICE, Instance, State
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from confgen.targets.process import ProcessTarget
from confgen.targets.target import Target
from confgen.values import nearest

#: Where each stock image lets its own user write, hence where the shared volume is mounted.
VIEWS = {"nginx": PurePosixPath("/confgen"), "haproxy": PurePosixPath("/var/lib/haproxy")}


@dataclass(frozen=True, slots=True)
class Seat:
    """One proxy to keep right.  life: changes when the proxy is another one (a new container), so that it is asked anew."""

    name: str
    life: str
    proxy: Proxy
    target: Target
    vantage: Vantage


def seats(state: State, settings: Settings) -> tuple[tuple[Seat, ...], tuple[Problem, ...]]:
    """The proxies that `settings.target` names, or every running container that is labelled as one.

    Raises UsageError when the target makes no sense.
    """
    kind, _, what = settings.target.partition(":")
    if kind == "process":
        return (_process(settings),), ()
    if kind == "container" and what:
        found = [i for i in state.instances if i.name == what]
    elif not settings.target:
        found = [i for i in state.instances if proxy_kind(i, settings.labels)]
    else:
        raise UsageError(f"target {settings.target!r} is not known", "write container:NAME, process or dir:PATH")
    return _containers([i for i in found if i.phase not in GONE], settings)


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


def _containers(found: list[Instance], settings: Settings) -> tuple[tuple[Seat, ...], tuple[Problem, ...]]:
    problems: list[Problem] = []
    made: list[Seat] = []
    known = [i for i in found if _kind(i, settings) in PROXIES]
    for instance in found:
        origin = Origin(instance.source, f"container {instance.name}", f"label {settings.labels.prefix}.proxy")
        kind = _kind(instance, settings)
        if kind not in PROXIES:
            problems.append(
                Problem(origin, "CG181", f"{kind!r} is no proxy that is known", Effect.SERVER, nearest(kind, tuple(PROXIES)))
            )
            continue
        folder = _folder(instance, len(known), settings)
        if folder is None:
            problems.append(_cannot_tell_apart(origin, instance, settings))
            continue
        made.append(_seat(instance, kind, folder, settings))
    return tuple(made), tuple(problems)


def _kind(instance: Instance, settings: Settings) -> str:
    return proxy_kind(instance, settings.labels) or settings.proxy


def _seat(instance: Instance, kind: str, folder: Path, settings: Settings) -> Seat:
    name = f"container {instance.name}"
    view = PurePosixPath(instance.label(f"{settings.labels.prefix}.proxy.directory") or VIEWS[kind])
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


def _folder(instance: Instance, proxies: int, settings: Settings) -> Path | None:
    """One proxy has the whole folder, or the subfolder with its name; several have a subfolder each."""
    service = instance.label(COMPOSE_SERVICE)
    for name in (service, instance.name):
        if (
            name
            and "/" not in name
            and name not in (".", "..", "generations", "live", "run")
            and (settings.directory / name).is_dir()
        ):
            return settings.directory / name
    return settings.directory if proxies == 1 else None


def _cannot_tell_apart(origin: Origin, instance: Instance, settings: Settings) -> Problem:
    name = instance.label(COMPOSE_SERVICE) or instance.name
    return Problem(
        origin,
        "CG007",
        f"there are several proxies, and no folder {settings.directory / name} for this one",
        Effect.SERVER,
        f"give each proxy a volume of its own and mount this one's at {settings.directory / name} in confgen's container",
    )
