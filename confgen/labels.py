"""The labels of one instance become wishes and Problems, by the table of keys.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher, get_close_matches

from confgen.keys import BY_NAME, KEYS, SECURITY, Key, Scope, find, row
from confgen.limits import Rate, Size
from confgen.problem import Effect, Origin, Problem, show
from confgen.settings import LabelSettings
from confgen.state import Instance
from confgen.users import Users
from confgen.values import (
    Balance,
    Cidr,
    Duration,
    Header,
    Host,
    Match,
    Name,
    Path,
    Port,
    Refusal,
    Sticky,
    Url,
    Weight,
    Wildcard,
    parse_bool,
    parse_name,
    parse_port,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One route that an instance asks for; None where its labels say nothing.

    name: "default" for the short form, the route's own name, or "tcp-3306".  protocol: http, tcp, udp.
    listen: the port of a tcp or udp listener.  withheld: the security label that could not be obeyed.
    """

    name: str
    protocol: str = "http"
    listen: Port | None = None
    withheld: str = ""
    hosts: tuple[Host | Wildcard, ...] = ()
    match: Match | None = None
    strip: bool | None = None
    rewrite: Match | None = None
    redirect: Url | None = None
    redirect_code: int | None = None
    connect: Duration | None = None
    read: Duration | None = None
    send: Duration | None = None
    idle: Duration | None = None
    allow: tuple[Cidr, ...] = ()
    deny: tuple[Cidr, ...] = ()
    tls: str | None = None
    tls_cert: Name | None = None
    tls_redirect: bool | None = None
    tls_hsts: int | None = None
    users: Users | Name = ()
    body: Size | None = None
    connections: int | None = None
    rate: Rate | None = None
    burst: int | None = None
    request_headers: tuple[Header, ...] = ()
    response_headers: tuple[Header, ...] = ()
    port: Port | None = None
    scheme: str | None = None
    pool: Name | None = None
    balance: Balance | None = None
    sticky: Sticky | None = None
    retry: int | None = None
    drain: Duration | None = None
    slow_start: Duration | None = None
    health: Path | str | None = None
    health_interval: Duration | None = None
    health_timeout: Duration | None = None
    health_rise: int | None = None
    health_fall: int | None = None
    health_status: tuple[tuple[int, int], ...] | None = None
    health_start: str | None = None
    weight: Weight | None = None
    backup: bool | None = None
    max_connections: int | None = None
    network: str | None = None
    stop_signal: tuple[str, ...] | None = None
    origin: Origin = field(default=Origin(""), compare=False)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one instance asks for.  enabled: it is looked at at all."""

    enabled: bool
    routes: tuple[Wish, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """One label, taken apart: in which section of the container it stands, which key it names, and its text."""

    section: str
    key: str
    text: str
    origin: Origin


def read(instance: Instance, settings: LabelSettings) -> Wishes:
    """Everything an instance's labels ask for.  Never raises for what a label says."""
    problems: list[Problem] = []
    if not _enabled(instance, settings, problems):
        return Wishes(False, (), tuple(problems))
    number = sum(label.startswith(settings.prefix + ".") for label, _ in instance.labels)
    if many := _too_many(number, "labels", instance, settings.prefix):
        return Wishes(True, (), (*problems, many))
    said = [s for s in _take_apart(instance, settings.prefix, problems) if s.section or s.key not in ("enable", "proxy")]
    strays = _strays(instance, settings.prefix, problems)
    unknown = [s.key for s in said if not find(s.key)]
    withheld = _withheld(said, settings.prefix, problems) | strays
    said = _each_once(said, problems)
    common = {s.key: s for s in said if s.section == ""}
    sections = sorted({s.section for s in said if s.section})
    own: dict[str, list[_Said]] = {section: [] for section in sections}
    for s in said:
        if s.section:
            own[s.section].append(s)
    wishes = [_wish(section, _merge(common, own[section]), problems) for section in sections]
    withheld |= _lost({section: own[section] for section, wish in zip(sections, wishes, strict=True) if not wish}, problems)
    if "host" in common:
        wishes.append(_wish("", dict(common), problems))
    elif not sections and common and not withheld and "host" not in map(_nearest, unknown):
        problems.append(_hostless(sorted(common)[0], common, settings.prefix))
    elif sections:
        problems += _stray_route_keys(common)
    routes = sorted((w for w in wishes if w), key=lambda w: w.name)
    if many := _too_many(sum(len(w.hosts) for w in routes), "hosts", instance, settings.prefix):
        return Wishes(True, (), (*problems, many))
    withheld = _widened(withheld, sections)
    return Wishes(True, tuple(_withhold(w, withheld) for w in routes), tuple(dict.fromkeys(problems)))


def proxy_kind(instance: Instance, settings: LabelSettings) -> str:
    """What `confgen.proxy` says: "nginx", "haproxy", or "" for everything that is not a proxy of ours."""
    return instance.label(f"{settings.prefix}.proxy").strip().lower()


def _enabled(instance: Instance, settings: LabelSettings, problems: list[Problem]) -> bool:
    key = f"{settings.prefix}.enable"
    text = instance.label(key)
    if not text:
        return not settings.require_enable
    try:
        return parse_bool(text)
    except Refusal as refusal:
        problems.append(_problem(refusal, _origin(instance, key), Effect.SERVER))
        return False


#: So many labels of ours and hosts are taken of one container: with more, all others would have to wait for it.
_MOST = 1000


def _too_many(number: int, what: str, instance: Instance, prefix: str) -> Problem | None:
    if number <= _MOST:
        return None
    message = f"it has {number} {what}; of a container with more than {_MOST} none is taken"
    return Problem(_origin(instance, f"{prefix}.*"), "CG012", message, Effect.SERVER, "spread its routes over several containers")


_SECTION = re.compile(r"(routes)\.([^.]*)\.(.+)|(tcp|udp)\.([^.]*)(?:\.(.+))?", re.DOTALL)
#: Stands for the key of `confgen.tcp.3306` itself, which no label can spell.
_TO = ""
#: The section of a security label whose route's name cannot be read.
_NOWHERE = "?"


def _take_apart(instance: Instance, prefix: str, problems: list[Problem]) -> Iterator[_Said]:
    """Labels of ours, each with its section: "" (short form, also "routes.default"), "routes.<name>", "tcp.<port>" or "udp.<port>"."""
    for label, text in instance.labels:
        if not label.startswith(prefix + "."):
            continue
        rest, origin = label[len(prefix) + 1 :], _origin(instance, label)
        match = _SECTION.fullmatch(rest)
        if not match:
            yield _Said("", rest, text, origin)
            continue
        kind, name = (match[1], match[2]) if match[1] else (match[4], match[5])
        key = (match[3] if match[1] else match[6]) or _TO
        try:
            name = str((parse_name if kind == "routes" else parse_port)(name))
        except Refusal as refusal:
            listens = f'the port to listen on stands in the label: {prefix}.{kind}.{_port_in(text)}: "<container port>"'
            problems.append(replace(_problem(refusal, origin, Effect.ROUTE), hint=refusal.hint if match[1] else listens))
            if _security(key):
                yield _Said(_NOWHERE, key, text, origin)  # nobody can say which route was meant to be shut: all are
            continue
        yield _Said("" if (kind, name) == ("routes", "default") else f"{kind}.{name}", key, text, origin)


def _each_once(said: list[_Said], problems: list[Problem]) -> list[_Said]:
    """The first of each key in each section; `routes.default.host` beside `host`, or blanks in a key, say one thing twice."""
    first: dict[tuple[str, str], _Said] = {}
    for s in said:
        key = find(s.key)
        holder = first.setdefault((s.section, s.key.lower() if key and key.parameter else s.key), s)
        if holder is not s:
            message = f"says the same thing as the {holder.origin.key}, which holds"
            problems.append(Problem(s.origin, "CG003", message, Effect.LABEL, "remove one of them"))
    return list(first.values())


def _origin(instance: Instance, label: str) -> Origin:
    said_by = instance.origin.object or f"container {instance.name}"
    return Origin(instance.source, said_by, f"label {_safe(label)}", instance.place(label))


def _safe(label: str) -> str:
    return label if re.fullmatch(r"[A-Za-z0-9._-]{1,80}", label, re.ASCII) else show(label)


def _problem(refusal: Refusal, origin: Origin, effect: Effect) -> Problem:
    return Problem(origin, refusal.code, refusal.message, effect, refusal.hint)


def _port_in(text: str) -> str:
    """A port to show in a hint: the one that the text names, if it does."""
    try:
        return str(parse_port(text))
    except Refusal:
        return "3306"


def _strays(instance: Instance, prefix: str, problems: list[Problem]) -> dict[str, str]:
    """Labels that are ours but for their beginning ("congfen.host", "confgen-host"); what of them shuts, as `_withheld` has it."""
    withheld: dict[str, str] = {}
    for label, _ in instance.labels:
        if label.startswith(prefix + "."):
            continue
        rest = _ours_but_for_the_prefix(label, prefix)
        section = _SECTION.fullmatch(rest)
        key = (section[3] or section[6] or "") if section else rest
        if rest:
            effect = Effect.WITHHELD if key and _security(key) else Effect.LABEL
            origin = _origin(instance, label)
            message = f"{show(label)} does not begin with {prefix}."
            problems.append(Problem(origin, "CG001", message, effect, f'did you mean "{prefix}.{_shown(rest)}"?'))
            withheld |= {_NOWHERE: key} if effect is Effect.WITHHELD else {}
    return withheld


def _ours_but_for_the_prefix(label: str, prefix: str) -> str:
    """What follows in a label that begins with something like the prefix and ends in what only we read; "" for none."""
    for mark in re.finditer(r"[._/-]", label[: len(prefix) + 2]):
        head, rest = label[: mark.start()], label[mark.end() :]
        ours = find(rest) or rest in ("enable", "proxy") or (_SECTION.fullmatch(rest) and len(rest) <= _MAX_KEY)
        if ours and _slipped(head.lower(), prefix.lower()):
            return rest
    return ""


def _slipped(said: str, meant: str) -> bool:
    """The same word, its letters in another order, or one letter too many or too few within it.

    "confgen2", "edge-b" beside "edge-a" are no slips: somebody's second confgen goes by them.
    """
    if sorted(said) == sorted(meant):
        return True
    short, long = sorted((said, meant), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(1, len(short)))


#: What keys begin with.
_FIRST = ("routes", *(name.split(".")[0] for name in BY_NAME))


def _nearest(key: str) -> str:
    """The key of ours that an unknown one was meant to be; "" where none is near."""
    close = get_close_matches(key[:_MAX_KEY].lower(), (*BY_NAME, "enable"), n=1)
    return close[0] if close else ""


def _whole_label(said: _Said, key: str, prefix: str) -> str:
    """The label with another key in its place, as it has to be written."""
    return ".".join(part for part in (prefix, said.section, key) if part)


def _mend(said: _Said, prefix: str) -> str:
    """What to write in place of a key that nobody knows."""
    first, _, rest = said.key.partition(".")
    if said.key in ("tcp", "udp"):
        return f'the port to listen on stands in the label: {prefix}.{said.key}.{_port_in(said.text)}: "{_port_in(said.text)}"'
    nearly = _likeness(first, "routes")
    if not said.section and first not in _FIRST and find(rest.partition(".")[2] if nearly else rest):
        return f'did you mean "{prefix}.routes.{_shown(rest if nearly else said.key)}"?'
    close = _nearest(said.key)
    return f'did you mean "{_whole_label(said, close, prefix)}"?' if close else "docs/labels.md lists every key"


def _shown(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9._-]{1,80}", text, re.ASCII) else show(text)[1:-1]


def _withheld(said: list[_Said], prefix: str, problems: list[Problem]) -> dict[str, str]:
    """Sections that must not be served, each with the security label that could not be obeyed; removes unknown keys."""
    withheld: dict[str, str] = {}
    for s in list(said):
        if s.section != _NOWHERE and (find(s.key) or (s.key == _TO and s.section)):
            continue
        said.remove(s)
        security = _security(s.key)
        if security:
            withheld[s.section] = s.key if re.fullmatch(r"[A-Za-z0-9._-]{1,80}", s.key, re.ASCII) else security
            problems.append(_unknown_security(s, security, prefix))
        else:
            problems.append(Problem(s.origin, "CG001", f"unknown key {show(s.key)}", Effect.LABEL, _mend(s, prefix)))
    return withheld


def _lost(own: dict[str, list[_Said]], problems: list[Problem]) -> dict[str, str]:
    """A security label of a section that makes no route was meant for another one: all are shut."""
    keys = [s for said in own.values() for s in sorted(said, key=lambda s: s.key) if s.key != _TO and row(s.key).security]
    for s in keys:
        message = f"{s.key} stands in {s.section}, which makes no route: every route of the container is shut"
        problems.append(
            Problem(s.origin, "CG002", message, Effect.WITHHELD, "mend the route, or the name that the label gives it")
        )
    return {"": keys[0].key} if keys else {}


def _widened(withheld: dict[str, str], sections: list[str]) -> dict[str, str]:
    """A security label of a route that is not there was meant for another: all are shut."""
    lost = [reason for section, reason in sorted(withheld.items()) if section not in sections]
    return {**withheld, "": lost[0]} if lost else withheld


#: What of an unknown key is compared with the known ones: the engine takes keys of any length, and comparing is slow.
_MAX_KEY = 100

#: Every other word that stands in a key, so that one of them is not taken for a misspelt security word.
_WORDS = tuple(
    sorted({word for key in (*(k.stem for k in KEYS), "enable") for word in re.split(r"[.-]", key) if word} - {*SECURITY})
)


def _security(key: str) -> str:
    """The security word that a key holds or misspells ("auth-basic", "alow", "TLS.ca"); "" for none.

    Guessing wrong in one direction answers 503, in the other it opens a door, so this is generous.
    """
    key = key[:_MAX_KEY].lower()
    for part in dict.fromkeys((*re.findall(r"[a-z0-9]+", key), *(re.sub(r"[^a-z0-9]", "", piece) for piece in key.split(".")))):
        for security in SECURITY if part not in _WORDS else ():
            likeness = 1.0 if security in part else _likeness(part, security)
            if likeness and all(likeness >= _likeness(part, known) for known in _WORDS):
                return security
    return ""


def _likeness(one: str, other: str) -> float:
    """1 for the same letters in any order, else difflib's ratio where it is at least 3/4, else 0."""
    if sorted(one) == sorted(other):
        return 1.0
    matcher = SequenceMatcher(None, one, other)
    near = matcher.real_quick_ratio() >= 0.75 and matcher.quick_ratio() >= 0.75
    return ratio if near and (ratio := matcher.ratio()) >= 0.75 else 0.0


def _unknown_security(said: _Said, meant: str, prefix: str) -> Problem:
    what = (
        f"{show(said.key)} is a security label"
        if said.key.split(".")[0] == meant
        else f"{show(said.key)} looks like the security label {meant!r}"
    )
    if said.section == _NOWHERE:
        message, hint = f"{what} of a route whose name cannot be read: all are shut", "mend the name of the route"
        return Problem(said.origin, "CG001", message, Effect.WITHHELD, hint)
    near = _nearest(said.key)
    hint = f'did you mean "{_whole_label(said, near, prefix)}"? ' if near in BY_NAME and row(near).security else ""
    return Problem(
        said.origin,
        "CG001",
        f"{what} that this version cannot obey",
        Effect.WITHHELD,
        hint + "remove it if the route may be open; docs/labels.md lists every key",
    )


def _withhold(wish: Wish, withheld: dict[str, str]) -> Wish:
    """A security label in the short form holds for every route of the container: closed is the safe reading."""
    section = _section_of(wish)
    reason = withheld.get(section) or withheld.get("")
    return replace(wish, withheld=reason) if reason else wish


def _section_of(wish: Wish) -> str:
    if wish.protocol != "http":
        return f"{wish.protocol}.{wish.listen}"
    return "" if wish.name == "default" else f"routes.{wish.name}"


def _merge(common: dict[str, _Said], own: list[_Said]) -> dict[str, _Said]:
    """The keys of a section; pool, server and security keys of the short form are the container's defaults for all its routes."""
    defaults = {name: s for name, s in common.items() if row(name).scope is not Scope.ROUTE or row(name).security}
    return {**defaults, **{s.key: s for s in own}}


#: What costs a route, or this instance's part in it.
_COSTS_ALL = (Effect.ROUTE, Effect.SERVER)


def _wish(section: str, said: dict[str, _Said], problems: list[Problem]) -> Wish | None:
    """One route, or None when a label that decides where it leads cannot be read."""
    kind, _, name = section.partition(".")
    stream = kind in ("tcp", "udp")
    start = len(problems)
    values, whole = _values(said, kind if stream else "", problems)
    if stream:
        whole = _stream_port(section, said, values, problems) and whole
        values |= {"protocol": kind, "listen": Port(int(name))}
        name = f"{kind}-{name}"
    else:
        whole = _complete(section, said, values, problems) and whole
        name = name or "default"
        guard = next((key for key in sorted(said) if key != _TO and row(key).security), "")
        if not whole and guard and "hosts" in values and ("match" in values or "path" not in said):
            # Left out, its requests would go to a route that asks nobody who they are.
            values["withheld"], whole = guard, True
            problems[start:] = [replace(p, effect=Effect.WITHHELD) if p.effect in _COSTS_ALL else p for p in problems[start:]]
    first = said.get("host") or said.get(_TO) or next(s for _, s in sorted(said.items()))
    lines = tuple((key, s.origin.place) for key, s in sorted(said.items()) if s.origin.place)
    origin = replace(first.origin, key=f"route {name}", lines=lines)
    return Wish(name=name, origin=origin, **values) if whole else None  # type: ignore[arg-type]  # each key's reader gives its field's type


def _values(said: dict[str, _Said], stream: str, problems: list[Problem]) -> tuple[dict[str, object], bool]:
    """What the labels of a route say, by field of Wish, and whether all could be read that decides where it leads.

    stream: "tcp" or "udp", "" for HTTP.
    """
    values: dict[str, object] = {}
    whole = True
    for key_name, s in sorted(said.items()):
        if key_name == _TO:
            continue
        key = row(key_name)
        wrong = None
        if not stream or key.stream:
            try:
                values[key.field] = key.value(key_name, s.text, values.get(key.field))
            except Refusal as refusal:
                wrong = _problem(refusal, s.origin, key.wrong)
                whole = whole and key.wrong in (Effect.LABEL, Effect.WITHHELD)
        elif s.section or key.security:
            wrong = _meaningless(key, s, stream)
        if wrong:
            problems.append(wrong)
        if wrong and wrong.effect is Effect.WITHHELD:
            values["withheld"] = key_name
    return values, whole


def _meaningless(key: Key, said: _Said, protocol: str) -> Problem:
    effect = Effect.WITHHELD if key.security else Effect.LABEL
    hint = "remove it" if said.section else f"give it to the routes that it is for: routes.<name>.{key.name}"
    return Problem(said.origin, "CG003", f"{show(key.name)} has no meaning for {protocol}", effect, hint)


def _whole(said: _Said, section: str) -> str:
    """The name of a section with the prefix that this confgen goes by, from a label that was found there."""
    return said.origin.key.removeprefix("label ").partition(section)[0] + section


def _stream_port(section: str, said: dict[str, _Said], values: dict[str, object], problems: list[Problem]) -> bool:
    """`confgen.tcp.3306: "3306"`: the label's own value is the container's port."""
    if _TO not in said:
        first = next(s for s in said.values() if s.section)
        message = f"{section} has settings but no port of the container"
        problems.append(
            Problem(first.origin, "CG002", message, Effect.ROUTE, f'add the label {_whole(first, section)}: "<container port>"')
        )
        return False
    try:
        values["port"] = parse_port(said[_TO].text)
    except Refusal as refusal:
        problems.append(_problem(refusal, said[_TO].origin, Effect.ROUTE))
        return False
    return True


def _complete(section: str, said: dict[str, _Said], values: dict[str, object], problems: list[Problem]) -> bool:
    """A route needs a host, and its keys must not contradict each other."""
    if "host" not in said:
        first = next(s for s in said.values() if s.section == section)
        problems.append(
            Problem(
                first.origin,
                "CG002",
                "the route has no host",
                Effect.ROUTE,
                f"add the label {_whole(first, section)}.host: shop.example.com",
            )
        )
        return False
    match, rewrite = values.get("match"), values.get("rewrite")
    if isinstance(rewrite, Match) and rewrite.exact:
        problems.append(
            Problem(
                said["rewrite"].origin, "CG111", 'a path to rewrite to starts with "/", not "="', Effect.ROUTE, "remove the ="
            )
        )
        return False
    if values.get("strip") and rewrite:
        problems.append(
            Problem(
                said["rewrite"].origin,
                "CG003",
                "strip-prefix and rewrite contradict each other",
                Effect.ROUTE,
                "keep one of them",
            )
        )
        return False
    if values.get("strip") and (match is None or (isinstance(match, Match) and match.path == "/")):
        problems.append(
            Problem(said["strip-prefix"].origin, "CG003", "there is no prefix to strip", Effect.LABEL, "set path, or remove it")
        )
        values["strip"] = None
    if "burst" in values and "limit.rate" not in said:
        message, hint = "limit.burst needs a rate", "set limit.rate, as in 10r/s"
        problems.append(Problem(said["limit.burst"].origin, "CG003", message, Effect.WITHHELD, hint))
        values["withheld"] = "limit.burst"
    if values.get("redirect_code") in (304, 305, 306):
        problems.append(
            Problem(said["redirect.code"].origin, "CG182", "not a redirect's code", Effect.LABEL, "301, 302, 303, 307 or 308")
        )
        values["redirect_code"] = None
    return True


def _hostless(key: str, common: dict[str, _Said], prefix: str) -> Problem:
    return Problem(
        common[key].origin,
        "CG002",
        f"{key} is set, but no host: the container is not routed",
        Effect.ROUTE,
        f'add a label such as {prefix}.host: shop.example.com, or {prefix}.enable: "false" to say that this is meant',
    )


def _stray_route_keys(common: dict[str, _Said]) -> list[Problem]:
    """Route keys of the short form have no route to belong to when there is no host beside them."""
    return [
        Problem(
            s.origin,
            "CG002",
            f"{name} belongs to the short form's route, which has no host",
            Effect.LABEL,
            "add a host, or move it to a route",
        )
        for name, s in sorted(common.items())
        if row(name).scope is Scope.ROUTE and not row(name).security
    ]
