"""All that is known of HAProxy, 2.6 to 3.4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confgen.model import Model
from confgen.plan import Change, Impact
from confgen.problem import Problem
from confgen.proxies.haproxy import alter, control
from confgen.proxies.haproxy import structure as _structure
from confgen.proxies.haproxy.caps import NEWEST, read
from confgen.proxies.haproxy.fit import fit
from confgen.proxies.haproxy.quote import FILTERS
from confgen.proxies.haproxy.steps import way
from confgen.proxies.haproxy.view import NAMES, OUTPUTS, view
from confgen.proxies.haproxy.weigh import weigh
from confgen.proxies.proxy import Caps, Output, Proxy, Step, Way
from confgen.readback import Statement, Structure
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet
from confgen.targets.target import Answer, Target


class HAProxy:
    """The functions of this package under the names that confgen.proxies.proxy.Proxy asks for."""

    name = "haproxy"
    outputs: tuple[Output, ...] = OUTPUTS
    filters: Mapping[str, Callable[..., str]] = FILTERS
    names: Mapping[str, tuple[Any, str]] = NAMES
    newest = NEWEST

    def caps(self, said: str) -> Caps:
        return read(said)

    def fit(self, model: Model, caps: Caps, recent: Recent | None = None) -> tuple[Model, tuple[Problem, ...]]:
        return fit(model, caps, recent or Recent())

    def view(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> dict[str, object]:
        return view(model, caps, frame, recent or Recent())

    def secrets(self, model: Model) -> Mapping[str, bytes]:
        return {}

    def expected(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> Structure:
        return _structure.expected(model, caps, frame, recent or Recent())

    def structure(self, files: Mapping[str, bytes], recent: Recent | None = None) -> Structure:
        return _structure.structure(files, recent or Recent())

    def lines(self, files: Mapping[str, bytes]) -> Mapping[Statement, tuple[str, int]]:
        return _structure.lines(files)

    def mistake(self, snippet: Snippet) -> Mistake | None:
        return _structure.mistake(snippet)

    def weigh(self, change: Change) -> tuple[Impact, str]:
        return weigh(change)

    def way(self, running: Mapping[str, bytes], wanted: Mapping[str, bytes], caps: Caps) -> Way:
        return way(running, wanted, caps)

    def change(self, target: Target, steps: Sequence[Step]) -> str:
        return alter.change(target, steps)

    def confirm(self, target: Target, generation: str, files: Mapping[str, bytes]) -> str:
        return alter.confirm(target, generation, files)

    def probe(self, target: Target) -> Caps:
        return control.probe(target)

    def test(self, target: Target, generation: str) -> Answer:
        return control.test(target, generation)

    def reload(self, target: Target) -> None:
        control.reload(target)

    def running(self, target: Target) -> str:
        return control.running(target)

    def open_requests(self, target: Target, pool: str, server: str) -> int | None:
        return control.open_requests(target, pool, server)

    def patience(self, tested: float) -> float:
        return control.PATIENCE


HAPROXY: Proxy = HAProxy()
