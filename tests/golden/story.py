"""A story: some containers, what is wrong with them, and the whole text that each proxy gets.

    Words about the story.
    ---- instances ----
    web-1: {of: shop/web, labels: {host: shop.example.com, port: "8080"}}
    ---- certificates ----            where there are some
    shop: {names: [shop.example.com]}
    ---- problems ----
    ---- nginx 1.30: nginx.conf ----
    ...

A label's key is written without the prefix; one that begins with a dot stands as it is, without the dot.  What is not said
of an instance: it runs, was made after the one above, is on network front, which the proxy is on, and has the next address.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from confgen.offer import Vantage
from confgen.problem import Problem
from confgen.proxies import PROXIES
from confgen.settings import Settings
from confgen.state import Health, Instance, Phase, State
from confgen.tls import Certificate, Shelf
from confgen.values import Name
from confgen.want import MODEL_FILE, Offline, Wanted, want_offline
from tests.unit.facts import FRONT, container, state

NO_SHELF = Shelf()
FOLDER = Path(__file__).parent
VERSIONS = {"nginx": "1.30", "haproxy": "3.2"}
_TITLE = re.compile(r"^---- (.+) ----$", re.MULTILINE)


@dataclass(frozen=True)
class Story:
    """words: what stands above the first title.  parts: title and text, in order."""

    words: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, file: Path) -> Story:
        words, *rest = _TITLE.split(file.read_text(encoding="utf-8"))
        return cls(words, tuple((title, text[1:]) for title, text in zip(rest[::2], rest[1::2], strict=True)))

    def __str__(self) -> str:
        return self.words + "".join(f"---- {title} ----\n{text}" for title, text in self.parts)

    @property
    def state(self) -> State:
        return state(*instances(dict(self.parts)["instances"]))

    @property
    def shelf(self) -> Shelf:
        """The certificates, each with the names that it is for, and as long as it lasts where that is said."""
        said = yaml.safe_load(dict(self.parts).get("certificates", "")) or {}
        return Shelf(certificates=tuple(_certificate(name, **body) for name, body in sorted(said.items())))

    def told(self) -> Story:
        """The same story as it is told now."""
        wanted = {name: want(self.state, name, shelf=self.shelf) for name in VERSIONS}
        parts = [part for part in self.parts if part[0] in ("instances", "certificates")]
        parts += [("problems", "".join(_problems(wanted)))]
        for name, found in wanted.items():
            parts += [(f"{name} {VERSIONS[name]}: {path}", text) for path, text in texts(found).items()]
        return Story(self.words, tuple(parts))


def stories() -> list[Path]:
    return sorted(FOLDER.glob("*.story"))


def want(state: State, name: str, version: str = "", vantage: Vantage = FRONT, shelf: Shelf = NO_SHELF) -> Wanted:
    """What a proxy gets; raises when what was rendered is not what was meant."""
    proxy = PROXIES[name]
    place = Offline(name, proxy, proxy.caps(version or VERSIONS[name]), vantage)
    return want_offline(state, place, Settings(), shelf=shelf)


def _certificate(name: str, names: list[str], until: str = "2027-01-31T12:00:00Z") -> Certificate:
    """With a digest of its name, since no key is made for a story."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return Certificate(name=Name(name), digest=digest, names=tuple(names), not_after=until)


def texts(wanted: Wanted) -> dict[str, str]:
    return {path: content.decode() for path, content in wanted.candidate.files if path != MODEL_FILE}


def instances(text: str) -> list[Instance]:
    return [_instance(number, name, body or {}) for number, (name, body) in enumerate(yaml.safe_load(text).items(), 1)]


def _instance(number: int, name: str, body: dict[str, Any]) -> Instance:
    body = {"address": f"10.0.0.{number}", "created": 1000 + number, **body}
    if "phase" in body:
        body["phase"] = Phase(body["phase"])
    if "health" in body:
        body["health"] = Health(body["health"])
    labels = {f" {key[1:]}" if key.startswith(".") else key: text for key, text in body.pop("labels", {}).items()}
    return container(name, labels, **body)


def _problems(wanted: dict[str, Wanted]) -> Iterator[str]:
    """One line each and its hint; what only one proxy says begins with its name."""
    sets = {name: set(found.built.problems) for name, found in wanted.items()}
    for problem in sorted(set().union(*sets.values())):
        names = [name for name, some in sets.items() if problem in some]
        hint = next(_hint(problem, wanted[name]) for name in names)
        yield f"{'' if len(names) == len(sets) else names[0] + ': '}{problem}\n  {hint}\n"


def _hint(problem: Problem, wanted: Wanted) -> str:
    return next(p.hint for p in wanted.built.problems if p == problem)
