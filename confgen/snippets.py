"""Text of the operator's own that stands in a proxy's text as it is: what it is, and where each piece goes.  Pure.

A snippet never comes from a container: only from a folder that the operator named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from confgen.model import Model, Route, withheld
from confgen.problem import Effect, Origin, Problem
from confgen.values import nearest

#: The files that a proxy's text takes, below the folder of that proxy, and where each stands.
PLACES: Mapping[str, Mapping[str, str]] = {
    "nginx": {
        "main.conf": "before `http`",
        "http.conf": "at the end of `http`",
        "server/*.conf": "at the end of the server blocks of one host: `server/HOST.conf`",
        "location/*.conf": "at the end of the locations of one route: `location/ROUTE.conf`",
    },
    "haproxy": {
        "global.cfg": "at the end of `global`",
        "frontend.cfg": "in every frontend for http and https, when host and route are known, before the backend is chosen",
        "backend/*.cfg": "at the end of one pool's backend: `backend/POOL.cfg`",
        "haproxy.cfg": "sections of your own, at the end of the file",
    },
}


@dataclass(frozen=True, slots=True, order=True)
class Snippet:
    """name: its path in the folder ("nginx/server/shop.example.com.conf").  text: whole lines.  file: for messages."""

    name: str
    text: str
    file: str = field(default="", compare=False)

    @property
    def place(self) -> tuple[str, str]:
        """Which of PLACES, and of which host, route or pool: ("server", "shop.example.com"), ("http", "")."""
        kind, _, of = self.name.partition("/")[2].rpartition(".")[0].partition("/")
        return kind, of


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a snippet, in the words of whoever refused it.  line: where, 0 where that is not known."""

    snippet: Snippet
    words: str
    line: int = 0

    @property
    def where(self) -> str:
        return f"{self.snippet.file}:{self.line}" if self.line else self.snippet.file

    def problem(self) -> Problem:
        origin = Origin(self.snippet.file, f"snippet {self.snippet.name}", place=self.where)
        hint = "mend the snippet; it is read again when it changes"
        return Problem(origin, "CG191", self.words, Effect.SNIPPET, hint)


Snippets = tuple[Snippet, ...]


def placed(snippets: Snippets, proxy: str, kind: str) -> dict[str, Snippet]:
    """Those of one place, by host, route or pool ("" where there is but one)."""
    return {s.place[1]: s for s in snippets if s.name.startswith(f"{proxy}/") and s.place[0] == kind}


def only(snippets: Snippets, proxy: str, kind: str) -> Snippet | None:
    """The one of a place of which there is but one."""
    return placed(snippets, proxy, kind).get("")


def strays(names: Iterable[str]) -> list[tuple[str, str]]:
    """Files that no proxy's text takes, each with what may have been meant."""
    known = {proxy: tuple(places) for proxy, places in PLACES.items()}
    found = []
    for name in names:
        proxy, _, rest = name.partition("/")
        if not any(fnmatchcase(rest, one) and rest.count("/") == one.count("/") for one in known.get(proxy, ())):
            every = tuple(f"{proxy}/{one}" for proxy, places in known.items() for one in places)
            found.append((name, nearest(name, every)))
    return found


def in_force(there: Snippets, bad: Mapping[Snippet, Mistake], good: Snippets) -> Snippets:
    """With the last good text in place of each that is bad, and without it where there is none."""
    last = {snippet.name: snippet for snippet in good}
    found = (replace(last[s.name], file=s.file) if s in bad and s.name in last else s for s in there)
    return tuple(s for s in found if s not in bad)


#: The places of which each stands around every route for http and https.
_AROUND_THE_WEB = {("http", ""), ("frontend", "")}


def waiting(model: Model, missing: Iterable[Snippet], served: frozenset[str]) -> Model:
    """With the new routes answering 503 that a missing snippet is about: it may say who may come in.

    served: names of the routes that are served without it already; those stay as they are.
    """
    about = [snippet.place for snippet in missing]

    def waits(route: Route, protocol: str) -> bool:
        of = {("location", route.name), ("backend", route.pool or ""), *(("server", str(host)) for host in route.hosts)}
        of |= _AROUND_THE_WEB if protocol == "http" else set()
        return route.name not in served and any(place in of for place in about)

    if not about:
        return model
    return replace(
        model,
        listeners=tuple(
            replace(x, routes=tuple(withheld(r, "snippet") if waits(r, x.protocol) else r for r in x.routes))
            for x in model.listeners
        ),
    )
