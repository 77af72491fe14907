"""A hostile container beside a decent one, and what comes of it in the texts of both proxies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from confgen import want
from confgen.build import Built
from confgen.problem import Effect, Problem
from confgen.proxies import PROXIES
from confgen.readback import Statement
from confgen.render import Renderer
from confgen.settings import Settings
from confgen.state import Instance
from tests.golden.story import VERSIONS
from tests.unit.facts import FRONT, container, state

DECENT = container("web-1", {"host": "shop.test", "port": "8080"}, address="10.0.0.1", created=1)
#: What every attack tries to get into the text.
SIGN = "pwned"


@dataclass(frozen=True)
class Outcome:
    """What one proxy gets: its model, problems, and files (without model.json, which no proxy reads)."""

    proxy: str
    built: Built
    files: dict[str, str]

    @property
    def text(self) -> str:
        return "".join(self.files.values())

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Those that carry the model."""
        return PROXIES[self.proxy].structure({name: text.encode() for name, text in self.files.items()})

    @property
    def comments(self) -> list[str]:
        return [line.partition("#")[2] for line in self.text.splitlines() if "#" in line]

    def problems(self, name: str = "evil") -> list[Problem]:
        return [problem for problem in self.built.problems if name in problem.origin.object]


def evil(labels: Mapping[str, str], name: str = "evil", **more: object) -> Instance:
    """A container that came later.  It has a host and a port unless its labels say otherwise."""
    said = {"host": "evil.test", "port": "80", **labels}
    return container(name, said, address="10.0.0.9", created=2, **more)  # type: ignore[arg-type]


def outcome(proxy: str, *instances: Instance, templates: tuple[Path, ...] = ()) -> Outcome:
    """Raises what the line raises: BadTemplate, RefusedText."""
    known = PROXIES[proxy]
    place = want.Offline(proxy, known, known.caps(VERSIONS[proxy]), FRONT)
    wanted = want.want_offline(state(DECENT, *instances), place, Settings(templates=templates))
    files = {name: content.decode() for name, content in wanted.candidate.files if name != want.MODEL_FILE}
    return Outcome(proxy, wanted.built, files)


def leaves_no_trace(proxy: str, labels: Mapping[str, str], code: str, effect: Effect, **more: object) -> None:
    """The attack costs what it should, is told, and every byte of the text is as if the bad label (or route) were not there."""
    found = outcome(proxy, evil(labels, **more))
    assert [p for p in found.problems() if p.code == code and p.effect is effect], found.built.problems
    assert SIGN not in found.text
    expected = outcome(proxy) if effect in (Effect.ROUTE, Effect.SERVER) else outcome(proxy, evil({}, **more))
    assert _unnamed(found) == _unnamed(expected)
    assert all(str(problem).isprintable() for problem in found.built.problems)


def _unnamed(found: Outcome) -> str:
    return found.text


def is_withheld(proxy: str, labels: Mapping[str, str]) -> None:
    """The route is there, answers 503, and leads nowhere; the decent one is as it was."""
    found = outcome(proxy, evil(labels))
    assert [p for p in found.problems() if p.effect is Effect.WITHHELD], found.built.problems
    (route,) = [r for r in found.built.model.routes() if "evil.test" in r.hosts]
    assert route.withheld
    assert route.pool is None
    assert "10.0.0.9" not in found.text
    answers = set(_answers(found, "evil.test"))
    assert answers == {"503"}, answers
    assert "10.0.0.1:8080" in found.text


def _answers(found: Outcome, host: str) -> Iterator[str]:
    """The status of each answer that stands for a host, or "passed on"."""
    if found.proxy == "nginx":
        for said in found.statements:
            if ("server", host) in said.blocks and said.words[0] in ("return", "proxy_pass"):
                yield said.words[1] if said.words[0] == "return" else "passed on"
        return
    for said in found.statements:
        if said.blocks and said.blocks[0][0] in ("exact.map", "prefixes.map") and said.words[0].startswith(host + ":"):
            yield "503" if said.words[2] == "confgen:withheld" else "passed on"


def rendered(proxy: str) -> Renderer:
    return Renderer((), PROXIES[proxy].filters)


def words(found: Outcome) -> set[str]:
    """Every word of the statements that carry the model."""
    return {word for statement in found.statements for word in statement.words}
