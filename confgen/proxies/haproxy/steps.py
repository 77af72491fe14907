"""What to say to a running HAProxy so that it does what another text says, without a reload; or why there is no such way.  Pure.

Both texts are compared, and not their models: what has no step here (a setting, a rule, a template that an operator changed)
differs and is a reason to reload.  What a request can meet between two steps is what the one text says or the other: a
backend is there before a map leads to it, the longer path before the shorter one, and what is taken away goes last.

What leaves is not deleted at once.  A stream that waits for its next try still points at its server, and HAProxy can crash
when that is deleted (haproxy issues 2298, 2323, 3455).  It stays in maintenance, and is swept out by a later change; see
alter.py.  If its container is back before that, the same server is woken with what has changed, if that is no more than can be
changed: HAProxy does not tell by which words a server was made, but a former generation does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from confgen.proxies.haproxy.shape import WITHHELD
from confgen.proxies.haproxy.sheet import IN_ORDER, MAIN, MAPS, Section, Server, Sheet, read
from confgen.proxies.proxy import Caps, Step, Way

#: So many steps take about 0.2 ms each (measured); with more, a reload is as quick.
MOST = 400

_NEW_SERVER = r"New server registered\."
_SERVER_THERE = r"Already exists a server with the same name in backend\."
_NEW_BACKEND = r"New backend registered\."
_BACKEND_THERE = r".* name is already used by other proxy 'backend .*"
_ADDRESS = r".* by 'stats socket command'|nothing changed"


class NeedsReload(Exception):
    """There is no way at run time; the message says why, for people."""


@dataclass(slots=True)
class _Found:
    """Steps by when they come.  first: what takes requests away from a server while others of its pool go on."""

    first: list[Step] = field(default_factory=list)
    up: list[Step] = field(default_factory=list)
    maps: list[Step] = field(default_factory=list)
    down: list[Step] = field(default_factory=list)


def way(before: Mapping[str, bytes], after: Mapping[str, bytes], caps: Caps) -> Way:
    """From the files that are running to those that are wanted."""
    try:
        found = _found(before, after, caps)
    except NeedsReload as needs:
        return Way(reload=str(needs))
    then = (*found.up, *found.maps, *found.down)
    if len(then) > MOST:
        return Way(reload=f"{len(then)} steps at once")
    return Way(first=tuple(found.first), then=then)


def _found(before: Mapping[str, bytes], after: Mapping[str, bytes], caps: Caps) -> _Found:
    if not before.keys() >= {MAIN, *MAPS}:
        raise NeedsReload("what is running is no text that is known")
    running, wanted, found = read(before), read(after), _Found()
    _the_same(running, wanted)
    _backends(running, wanted, caps, found)
    found.maps += _maps(running, wanted)
    return found


def _the_same(running: Sheet, wanted: Sheet) -> None:
    """Raises NeedsReload unless all but backends is the same."""
    for title in sorted(running.sections.keys() | wanted.sections.keys()):
        if not title.startswith("backend "):
            _lines(title, running.sections.get(title), wanted.sections.get(title))
    for name in sorted(running.others):
        if running.others[name] != wanted.others[name]:
            raise NeedsReload(f"{name} has changed")


def _lines(title: str, before: Section | None, after: Section | None) -> None:
    if before is None or after is None:
        raise NeedsReload(f"{_plainly(title)} is {'new' if before is None else 'gone'}")
    if _said(before) != _said(after):
        raise NeedsReload(f"{_plainly(title)} has other settings")


def _plainly(title: str) -> str:
    return title.partition(" from ")[0]


def _said(section: Section) -> list[bytes]:
    """Without the generation, which each text has of its own."""
    return [line for line in section.lines if not line.startswith(b"set-var proc.confgen ")]


# --- backends and servers ---


def _backends(running: Sheet, wanted: Sheet, caps: Caps, found: _Found) -> None:
    titles = running.sections.keys() | wanted.sections.keys()
    for title in sorted(title for title in titles if title.startswith("backend ")):
        before, after = running.sections.get(title), wanted.sections.get(title)
        if before is None and after is not None:
            _arrives(title, after, wanted, caps, found)
        elif after is None and before is not None:
            _leaves(title, before, running, caps, found)
        elif before is not None and after is not None and before != after:
            _lines(title, before, after)
            _servers(title.split(" ")[1], before.servers, after.servers, caps, found)


def _arrives(title: str, section: Section, sheet: Sheet, caps: Caps, found: _Found) -> None:
    if "add-backend" not in caps.features:
        raise NeedsReload(f"{_plainly(title)} is new, and only HAProxy 3.4 and later can add one")
    _plain(title, section, sheet)
    name = title.split(" ")[1]
    found.up.append(Step(f"add {title}", _NEW_BACKEND, _BACKEND_THERE))
    _servers(name, {}, section.servers, caps, found)
    found.up.append(Step(f"publish backend {name}", r"Backend published\."))


def _leaves(title: str, section: Section, sheet: Sheet, caps: Caps, found: _Found) -> None:
    """It stays, without a server that takes requests and without a line of a map that leads there."""
    name = title.split(" ")[1]
    _servers(name, section.servers, {}, caps, found)
    if "add-backend" in caps.features:
        _plain(title, section, sheet)  # else it could later be woken as one that is plain
        found.down.append(Step(f"unpublish backend {name}", r"Backend unpublished\."))


def _plain(title: str, section: Section, sheet: Sheet) -> None:
    """Raises NeedsReload where a backend is more than its defaults and its servers: no more can be said at run time."""
    defaults = sheet.sections.get(f"defaults {title.partition(' from ')[2]}")
    if defaults is None or not set(section.lines) <= set(defaults.lines):
        raise NeedsReload(f"{_plainly(title)} has settings of its own")


def _servers(backend: str, before: Mapping[str, Server], after: Mapping[str, Server], caps: Caps, found: _Found) -> None:
    stays = any(s.takes and s.name in after and after[s.name].takes and after[s.name].place == s.place for s in before.values())
    down = found.first if stays else found.down
    for name in sorted(before.keys() | after.keys()):
        at, old, new = f"{backend}/{name}", before.get(name), after.get(name)
        if old is None and new is not None:
            found.up += _added(at, new, caps)
        elif new is None and old is not None:
            down += _removed(at, old)
        elif old is not None and new is not None and old != new:
            (down if old.takes and not new.takes else found.up).extend(_changed(at, old, new))


def _added(at: str, server: Server, caps: Caps) -> list[Step]:
    """A server of that name may be there still, in maintenance, and is woken; none that is a backup, see _removed."""
    if "cookie" in server.rest and "add-cookie" not in caps.features:
        raise NeedsReload(f"server {at} has a cookie, and only HAProxy 3.0 and later can add such a one")
    there = "" if "backup" in server.rest else _SERVER_THERE
    bare = Server(server.name, "", weight=-1, most=-1, disabled=True, rest=server.rest)
    return [Step(" ".join(("add server", at, server.address, *server.rest)), _NEW_SERVER, there), *_changed(at, bare, server)]


def made_so(said: str, sheet: Sheet) -> bool | None:
    """Whether a text makes what a step adds by the same words, but for an address; None where it has no such thing."""
    _, kind, at, *words = said.split(" ")
    if kind == "backend":
        titles = [title for title in sheet.sections if title.startswith(f"backend {at} ")]
        return titles == [f"backend {at} {' '.join(words)}"] if titles else None
    backend, _, name = at.partition("/")
    section = sheet.backends.get(backend)
    server = section.servers.get(name) if section else None
    return " ".join(server.rest) == " ".join(words[1:]) if server else None


def _removed(at: str, server: Server) -> list[Step]:
    if "backup" in server.rest:
        raise NeedsReload(f"server {at} is a backup, and must not be taken for another one later")
    return [] if server.disabled else [_state(at, "maint")]


def _changed(at: str, old: Server, new: Server) -> list[Step]:
    """Its state comes last, or first where it is not to get requests."""
    if old.rest != new.rest:
        raise NeedsReload(f"server {at} has other settings")
    settings = (
        (old.address != new.address, Step("set server {} addr {} port {}".format(at, *new.place), _ADDRESS)),
        (old.most != new.most, Step(f"set maxconn server {at} {new.most}")),
        (old.weight != new.weight, Step(f"set server {at} weight {new.weight}")),
        (old.disabled and not new.disabled, _state(at, "ready")),
    )
    stopped = [_state(at, "maint")] if new.disabled and not old.disabled else []
    return stopped + [step for differs, step in settings if differs]


def _state(at: str, state: str) -> Step:
    return Step(f"set server {at} state {state}")


# --- maps ---


def _maps(running: Sheet, wanted: Sheet) -> list[Step]:
    """Paths are added before the hosts that lead to them, and go after them; so no half of a site is ever seen."""
    added, changed, removed = list[Step](), list[tuple[bool, str]](), list[Step]()
    for name in (name for name in MAPS if running.maps[name] != wanted.maps[name]):
        before, after = dict(running.maps[name]), dict(wanted.maps[name])
        if name == IN_ORDER:
            _appends([key for key in before if key in after], list(after))
        new = [key for key in after if key not in before] if name == IN_ORDER else sorted(after.keys() - before, key=_longest)
        added[:0] = [Step(f"add map {name} {escaped(key)} {escaped(after[key])}") for key in new]
        kept = sorted(key for key in before if key in after and before[key] != after[key])
        changed += [(WITHHELD not in after[key], f"set map {name} {escaped(key)} {escaped(after[key])}") for key in kept]
        removed += [Step(f"del map {name} {escaped(key)}") for key in sorted(before.keys() - after, key=_longest, reverse=True)]
    return [*added, *(Step(said) for _, said in sorted(changed)), *removed]


def _appends(kept: list[str], after: list[str]) -> None:
    """Raises NeedsReload where new lines do not all come last: only there can they be put."""
    if after[: len(kept)] != kept:
        raise NeedsReload("a wildcard host comes before another one")


def _longest(key: str) -> tuple[int, str]:
    return -len(key), key


def escaped(word: str) -> str:
    """One word of a command: HAProxy's command line knows a backslash before a blank, a `;` and what else has a meaning."""
    return _MEANING.sub(r"\\\g<0>", word)


_MEANING = re.compile(r"[ ;\\#\"']")
