"""What one proxy should serve: from State to a proven Candidate, the same way for `watch`, `render`, `check` and `plan`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from confgen.build import GONE, Built, Vantage, build
from confgen.codec import decode, encode
from confgen.errors import BadInput
from confgen.labels import proxy_kind
from confgen.model import Model
from confgen.plan import Plan, make
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Caps, Proxy
from confgen.readback import verify
from confgen.render import Candidate, Renderer
from confgen.settings import Frame, Settings
from confgen.state import State
from confgen.targets.folder import Folder

#: The model as JSON beside the proxy's files: what `plan` and `status` compare with.
MODEL_FILE = "model.json"
_NOTHING = Model()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The model of one proxy, its text, what was wrong on the way, and the way there from what is live."""

    built: Built
    plan: Plan
    candidate: Candidate


def want(
    state: State, proxy: Proxy, caps: Caps, vantage: Vantage, settings: Settings, frame: Frame, renderer: Renderer, live: Model
) -> Wanted:
    """Raises BadTemplate when a template has a mistake, RefusedText when the text is not what the model says."""
    built = build(state, vantage, settings.labels, frame)
    model, cannot = proxy.fit(built.model, caps)
    candidate = renderer.render(proxy.outputs, proxy.view(model, caps, frame))
    verify(proxy.expected(model, caps, frame), proxy.structure(candidate.as_dict()))
    kept = json.dumps(encode(model), indent=1, sort_keys=True).encode()
    candidate = replace(candidate, files=(*candidate.files, (MODEL_FILE, kept)))
    problems = tuple(sorted({*built.problems, *cannot}))
    return Wanted(replace(built, model=model, problems=problems), make(live, model, proxy.weigh), candidate)


@dataclass(frozen=True, slots=True)
class Offline:
    """A proxy that is only written about: in a compose file, a snapshot, or by --proxy."""

    name: str
    proxy: Proxy
    caps: Caps
    vantage: Vantage


def offline(state: State, settings: Settings) -> tuple[Offline, ...]:
    """The proxies of a snapshot or compose file; where it holds none, the one of --proxy, which reaches every network."""
    found = []
    for instance in state.instances:
        kind = proxy_kind(instance, settings.labels)
        if kind in PROXIES and settings.proxy in ("", kind) and instance.phase not in GONE:
            networks = None if instance.network_mode == "host" else frozenset(a.network for a in instance.attachments)
            found.append(_offline(instance.name, kind, Vantage(networks), settings))
    return tuple(found) or (_offline("", settings.proxy or "nginx", Vantage(None), settings),)


def _offline(name: str, kind: str, vantage: Vantage, settings: Settings) -> Offline:
    proxy = PROXIES[kind]
    return Offline(name or kind, proxy, proxy.caps(settings.proxy_version or proxy.newest), vantage)


def want_offline(state: State, place: Offline, settings: Settings, live: Model = _NOTHING) -> Wanted:
    """`want` for a proxy that is not there to be asked."""
    renderer = Renderer(settings.templates, place.proxy.filters)
    return want(state, place.proxy, place.caps, place.vantage, settings, settings.frame, renderer, live)


def live_model(folder: Folder) -> Model:
    """The model of the live generation; an empty one where there is none, or one that this version cannot read."""
    return read_model(folder.path / "live" / MODEL_FILE)


def read_model(file: Path) -> Model:
    """The model in a file; an empty one where there is none, or one that this version cannot read."""
    try:
        return decode(Model, json.loads(file.read_bytes()))
    except (OSError, ValueError, BadInput):
        return _NOTHING
