"""What one proxy should serve: from State to a proven Candidate, the same way for `watch`, `render`, `check` and `plan`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from confgen.apart import renderer
from confgen.build import Built, build
from confgen.codec import decode, encode
from confgen.contents import contents, why
from confgen.errors import BadInput, BadTemplate, RefusedText
from confgen.kept import Kept
from confgen.labels import proxy_kind
from confgen.model import Listener, Model, Route, Server, withheld
from confgen.offer import GONE, Vantage
from confgen.plan import Impact, Plan, make
from confgen.policy import Policy
from confgen.policy import parse as parse_policy
from confgen.problem import Effect, Origin, Problem, show
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Caps, Proxy
from confgen.readback import verify
from confgen.recent import Recent
from confgen.render import Candidate, Renders, origins
from confgen.rival import leads
from confgen.secure import secure
from confgen.settings import Frame, Settings
from confgen.snippets import Snippets
from confgen.sources.certificates import Certificates
from confgen.sources.snippets import read_snippets
from confgen.sources.users import read_users
from confgen.state import State
from confgen.targets.folder import Folder
from confgen.tls import Shelf
from confgen.users import Files
from confgen.values import Address, Name, nearest

#: The model as JSON beside the proxy's files: what `plan` and `status` compare with.
MODEL_FILE = "model.json"
#: Why a route is withheld that the proxy refuses.
QUARANTINE = "quarantine"
_NOTHING = Model()
_NOTHING_KEPT = Kept()
_EMPTY_SHELF = Shelf()
_NO_FILES: Files = {}


@dataclass(frozen=True, slots=True)
class Live:
    """What is live in a folder: its generation, the model of it, and all its files."""

    generation: str = ""
    model: Model = _NOTHING
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


_NOBODY = Live()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The model of one proxy, its text, what was wrong on the way, and the way there from what is live."""

    built: Built
    plan: Plan
    candidate: Candidate


def shape(
    state: State,
    proxy: Proxy,
    caps: Caps | None,
    vantage: Vantage,
    settings: Settings,
    frame: Frame,
    kept: Kept = _NOTHING_KEPT,
    policy: Policy | None = None,
    shelf: Shelf = _EMPTY_SHELF,
    recent: Recent | None = None,
    users: Files = _NO_FILES,
    followed: bool = False,
    hold: Callable[[Model], Model] | None = None,
) -> Built:
    """What this proxy in this version should do, as far as it can, and all that is wrong; without what is in quarantine.

    caps: None where it could not be asked what it can; then what it cannot do is not known either.  followed: whoever is known
    by a DNS name has an address, as once `watch` follows the containers.  hold: shuts the routes that wait for something; before
    quarantine, which the proxy may call for as they are then.
    """
    claims = {claim.name: claim for claim in kept.claims}
    built = build(state, vantage, settings.labels, frame, claims, policy, recent, users)
    model, bare = secure(located(built.model) if followed else built.model, shelf.certificates)
    model, cannot = proxy.fit(model, caps, recent) if caps else (model, ())
    model = hold(model) if hold else model
    problems = {*built.problems, *shelf.problems, *bare, *cannot}
    for quarantined in kept.quarantined:
        route = next((r for r in model.routes() if r.name == quarantined.name), None)
        if route and definition(route, model) == quarantined.definition:
            problems.add(refused(route, quarantined.words))
            if route.guarded and not quarantined.unwritable:
                model = _shut(model, {route.name})
            elif route.guarded:
                model = without(_shut(model, _beside(route, built, state)), {route.name})
            else:
                model = without(model, {route.name})
    return replace(built, model=model, problems=tuple(sorted(problems)))


def located(model: Model) -> Model:
    """The model with an address for each server that is known by a DNS name, of those that nobody has (RFC 2544)."""
    number = count(1)

    def at(server: Server) -> Server:
        high, low = divmod(next(number), 256)
        return replace(server, address=Address(f"198.18.{high % 256}.{low}"), resolve=False) if server.resolve else server

    return replace(model, pools=tuple(replace(pool, servers=tuple(map(at, pool.servers))) for pool in model.pools))


def definition(route: Route, model: Model) -> str:
    """A digest of all that a route asks of the proxy: itself, its certificates, its pool, whatever servers come and go in it."""
    pool = model.pool(route.pool)
    certificates = tuple(c.digest for c in model.certificates if not {*c.hosts}.isdisjoint(route.hosts))
    asked = (route, certificates, pool and replace(pool, servers=()))
    return hashlib.sha256(json.dumps(encode(asked), sort_keys=True).encode()).hexdigest()[:16]


def refused(route: Route, words: str) -> Problem:
    """The Problem of a route that is in quarantine."""
    message = f"the proxy refuses this route: {words}"
    effect = Effect.WITHHELD if route.guarded else Effect.ROUTE
    return Problem(route.origin, "CG301", message, effect, "change its labels; it is tried again by itself from time to time")


def _shut(model: Model, names: Container[str]) -> Model:
    """With these routes answering 503: left out, their requests would go to one that asks nobody who they are."""
    listeners = tuple(
        replace(x, routes=tuple(withheld(r, QUARANTINE) if r.name in names else r for r in x.routes)) for x in model.listeners
    )
    return without(replace(model, listeners=listeners), ())


def _beside(route: Route, built: Built, state: State) -> frozenset[Name]:
    """The routes of the same owner to which its requests would go without it."""
    owners = {instance.name: instance.owner for instance in state.instances}
    # The oldest of a route speaks for it: one that redirects may be another owner's too, who says the very same.
    owner = {placement.route: owners[placement.instance] for placement in reversed(built.placements)}
    return frozenset(
        other.name
        for other in built.model.routes()
        if other.name in owner and owner[other.name] == owner.get(route.name) and any(leads(h, other.hosts) for h in route.hosts)
    )


def without(model: Model, names: Container[str]) -> Model:
    """The model without some routes, and without the pools and listeners that only they used."""
    listeners = tuple(replace(x, routes=tuple(r for r in x.routes if r.name not in names)) for x in model.listeners)
    listeners = tuple(x for x in listeners if x.routes or x.protocol == "http")
    used = {route.pool for listener in listeners for route in listener.routes}
    return replace(model, listeners=listeners, pools=tuple(pool for pool in model.pools if pool.name in used))


def write(model: Model, proxy: Proxy, caps: Caps, frame: Frame, renderer: Renders, recent: Recent | None = None) -> Candidate:
    """The text of a model, proven to say what the model says.

    recent: what the last text was made of, and what was read in it.
    Raises BadTemplate when a template has a mistake, RefusedText when the text is not what the model says.
    """
    recent = recent or Recent()
    recent.next()
    view = proxy.view(model, caps, frame, recent)
    candidate = renderer.render(proxy.outputs, view, proxy.secrets(model))
    rendered = candidate.as_dict()
    try:
        said = proxy.structure(rendered, recent)
        verify(proxy.expected(model, caps, frame, recent), said, frame.may_omit, lambda: proxy.lines(rendered))
    except RefusedText as error:
        where = _printed(error.spots, rendered, proxy, view, renderer)
        raise RefusedText(f"{error.message}{where}", error.hint, error.spots) from error
    files = (*candidate.files, (MODEL_FILE, _as_json(model, recent)))
    return replace(candidate, files=files, private=_private(candidate, model))


def printed(words: str, candidate: Candidate, model: Model, proxy: Proxy, caps: Caps, frame: Frame, renderer: Renders) -> str:
    """Which lines of templates and snippets printed the lines of the text that a proxy's words name; "" where none is known."""
    rendered = candidate.as_dict()
    named = [(path, int(line)) for path in rendered for line in re.findall(rf"{re.escape(path)}:([0-9]+)", words)]
    return _printed(tuple(dict.fromkeys(named)), rendered, proxy, proxy.view(model, caps, frame), renderer)


def _printed(
    spots: tuple[tuple[str, int], ...],
    rendered: Mapping[str, bytes],
    proxy: Proxy,
    view: Mapping[str, object],
    renderer: Renders,
) -> str:
    try:
        texts = renderer.marked(proxy.outputs, view) if spots else []
    except BadTemplate:
        return ""
    lines = {
        output.path: origins(marked, rendered[output.path].decode("utf-8", "replace"))
        for output, marked in zip(proxy.outputs, texts, strict=bool(spots))
    }
    found = (lines.get(path, [])[line - 1 : line] for path, line in spots)
    places = ", ".join(dict.fromkeys(place for one in found for place in one if place))
    return f"; printed by {places}" if places else ""


def _private(candidate: Candidate, model: Model) -> frozenset[str]:
    """The files in which a hash of a password stands."""
    hashes = {user.hash.raw.encode() for route in model.routes() for user in route.users}
    return frozenset(path for path, content in candidate.files if any(one in content for one in hashes))


def _as_json(model: Model, recent: Recent) -> bytes:
    """What `read_model` reads: most of its routes and pools are the text that they were the last time."""
    listeners = (_listener_as_json(listener, recent) for listener in model.listeners)
    pools = map(recent.over(_json), model.pools)
    rest = _json(replace(model, listeners=(), pools=()))
    return _with(_with(rest, "listeners", listeners), "pools", pools).encode()


def _listener_as_json(listener: Listener, recent: Recent) -> str:
    routes = map(recent.over(_json), listener.routes)
    return _with(_json(replace(listener, routes=())), "routes", routes)


def _json(value: object) -> str:
    return json.dumps(encode(value), sort_keys=True)


def _with(said: str, name: str, items: Iterable[str]) -> str:
    """An object's text with one more member, a list."""
    return f'{{"{name}": [{", ".join(items)}]{"" if said == "{}" else ", "}{said[1:]}'


def planned(live: Live, model: Model, candidate: Candidate, proxy: Proxy, caps: Caps) -> Plan:
    """The plan from what is live; whether the proxy can be changed as it runs follows from the texts."""
    plan = make(live.model, model, proxy.weigh)
    if plan.impact is not Impact.RELOAD or not live.files:
        return plan
    way = proxy.way(live.files, candidate.as_dict(), caps)
    if way.reload is None:
        return replace(plan, impact=Impact.HOT)
    return replace(plan, reason=f"{plan.reason} ({way.reload})") if way.reload else plan


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
            found.append(_offline(instance.name, kind, _tagged(instance.image, kind), Vantage(networks), settings))
    return tuple(found) or (_offline("", settings.proxy or "nginx", "", Vantage(None), settings),)


def _offline(name: str, kind: str, tagged: str, vantage: Vantage, settings: Settings) -> Offline:
    proxy = PROXIES[kind]
    return Offline(name or kind, proxy, proxy.caps(settings.proxy_version or tagged or proxy.newest), vantage)


def _tagged(image: str, kind: str) -> str:
    """The version in an image's tag: "1.26" of nginx:1.26-alpine; "" where the image is not named after the proxy."""
    match = re.fullmatch(r"(?:.*/)?([^/:@]+):([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:[-_+.][^/:@]*)?(?:@.*)?", image)
    return match[2] if match and kind in match[1] else ""


def want_offline(state: State, place: Offline, settings: Settings, live: Live = _NOBODY, shelf: Shelf = _EMPTY_SHELF) -> Wanted:
    """What a proxy should serve that is not there to be asked, against what is `live`."""
    built, frame = _shaped(state, place, settings, shelf)
    with closing(renderer(settings.templates, place.proxy.filters, own=settings.filters)) as renders:
        candidate = write(built.model, place.proxy, place.caps, frame, renders)
    return Wanted(built, planned(live, built.model, candidate, place.proxy, place.caps), candidate)


def followed(state: State, place: Offline, settings: Settings, shelf: Shelf) -> Built:
    """What `watch` would make of the same containers, once they run and have addresses."""
    return _shaped(state, place, settings, shelf, followed=True)[0]


def _shaped(state: State, place: Offline, settings: Settings, shelf: Shelf, followed: bool = False) -> tuple[Built, Frame]:
    policy, (snippets, odd) = read_policy(settings), read_snippets(settings.snippets)
    frame = _framed(settings, policy, snippets, place.proxy)
    given = (place.proxy, place.caps, place.vantage, settings, frame)
    built = shape(state, *given, policy=policy, shelf=shelf, users=read_users(settings.users), followed=followed)
    return replace(built, problems=tuple(sorted({*built.problems, *odd, *_unknown_proxies(state, settings)}))), frame


def _framed(settings: Settings, policy: Policy | None, snippets: Snippets, proxy: Proxy) -> Frame:
    """With the snippets of this proxy.  Raises BadTemplate: where nothing is live, nothing can stand in for one that is wrong."""
    own = tuple(s for s in snippets if s.name.startswith(f"{proxy.name}/"))
    for mistake in (mistake for s in own if (mistake := proxy.mistake(s))):
        raise BadTemplate(f"snippet {mistake.where}: {mistake.words}", "mend the snippet")
    return replace(settings.frame, may_omit=policy.may_omit if policy else settings.frame.may_omit, snippets=own)


def printed_offline(words: str, wanted: Wanted, place: Offline, settings: Settings) -> str:
    """As `printed`, for what `want_offline` made."""
    frame = _framed(settings, read_policy(settings), read_snippets(settings.snippets)[0], place.proxy)
    with closing(renderer(settings.templates, place.proxy.filters, own=settings.filters)) as renders:
        return printed(words, wanted.candidate, wanted.built.model, place.proxy, place.caps, frame, renders)


def unknown_proxy(origin: Origin, kind: str) -> Problem:
    """The Problem of a container that is marked as a proxy which there is not."""
    return Problem(origin, "CG181", f"{show(kind)} is no proxy that is known", Effect.PROXY, nearest(kind, tuple(PROXIES)))


def _unknown_proxies(state: State, settings: Settings) -> Iterator[Problem]:
    key = f"{settings.labels.prefix}.proxy"
    for instance in state.instances:
        kind = proxy_kind(instance, settings.labels)
        if kind and kind not in PROXIES:
            said_by = instance.origin.object or f"container {instance.name}"
            yield unknown_proxy(Origin(instance.source, said_by, f"label {key}", instance.place(key)), kind)


def read_policy(settings: Settings) -> Policy | None:
    """What the policy file grants; None where there is none.  Raises BadInput."""
    if settings.policy is None:
        return None
    try:
        return parse_policy(contents(settings.policy).decode(), str(settings.policy))
    except OSError as error:
        raise BadInput(f"the policy {settings.policy} cannot be read: {why(error)}", "mount it, or leave --policy out") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"the policy {settings.policy} is not UTF-8 text", "save it as plain UTF-8 text") from error


def read_shelf(settings: Settings) -> Shelf:
    """The certificates in the operator's folder; none where no folder is given."""
    return Certificates(settings.certificates).look() if settings.certificates else _EMPTY_SHELF


def look_into(folder: Folder) -> Live:
    """What is live there; the model is empty where there is none, or one that this version cannot read."""
    generation = folder.live()
    return Live(generation, read_model(folder.generations / generation / MODEL_FILE), folder.read(generation))


def read_model(file: Path) -> Model:
    """The model in a file; an empty one where there is none, or one that this version cannot read."""
    try:
        return decode(Model, json.loads(contents(file)))
    except (OSError, ValueError, BadInput):
        return _NOTHING
