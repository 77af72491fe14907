"""nginx: what confgen knows of it.  1.22 to 1.31; stock open source, no modules but its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confgen.model import Model
from confgen.plan import Change, Impact
from confgen.problem import Problem
from confgen.proxies.nginx import caps as _caps
from confgen.proxies.nginx import control as _control
from confgen.proxies.nginx import fit as _fit
from confgen.proxies.nginx import guards as _guards
from confgen.proxies.nginx import structure as _structure
from confgen.proxies.nginx import view as _view
from confgen.proxies.nginx import weigh as _weigh
from confgen.proxies.proxy import Caps, Output, Proxy, Step, Way
from confgen.readback import Statement, Structure
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet
from confgen.targets.target import Answer, Target

_ONLY_BY_RELOAD = Way(reload="")


class Nginx:
    """The functions of this package under the names that confgen.proxies.proxy.Proxy asks for."""

    name = "nginx"
    outputs: tuple[Output, ...] = (Output("nginx/nginx.conf.j2", _structure.MAIN),)
    filters: Mapping[str, Callable[..., str]] = _view.FILTERS
    names: Mapping[str, tuple[Any, str]] = _view.NAMES
    newest = _caps.NEWEST

    def caps(self, said: str) -> Caps:
        return _caps.read(said)

    def fit(self, model: Model, caps: Caps, recent: Recent | None = None) -> tuple[Model, tuple[Problem, ...]]:
        return _fit.fit(model, caps, recent or Recent())

    def view(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> dict[str, object]:
        return _view.view(model, caps, frame, recent or Recent())

    def secrets(self, model: Model) -> Mapping[str, bytes]:
        return _guards.users_files(model)

    def expected(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> Structure:
        return _structure.expected(model, caps, frame, recent or Recent())

    def structure(self, files: Mapping[str, bytes], recent: Recent | None = None) -> Structure:
        return _structure.structure(files, recent or Recent())

    def lines(self, files: Mapping[str, bytes]) -> Mapping[Statement, tuple[str, int]]:
        return _structure.lines(files)

    def mistake(self, snippet: Snippet) -> Mistake | None:
        return _structure.mistake(snippet)

    def weigh(self, change: Change) -> tuple[Impact, str]:
        return _weigh.weigh(change)

    def way(self, running: Mapping[str, bytes], wanted: Mapping[str, bytes], caps: Caps) -> Way:
        return _ONLY_BY_RELOAD

    def change(self, target: Target, steps: Sequence[Step]) -> str:
        return "nginx takes no changes but by a reload"

    def confirm(self, target: Target, generation: str, files: Mapping[str, bytes]) -> str:
        return "nginx takes no changes but by a reload"

    def probe(self, target: Target) -> Caps:
        return _control.probe(target)

    def test(self, target: Target, generation: str) -> Answer:
        return _control.test(target, generation)

    def reload(self, target: Target) -> None:
        _control.reload(target)

    def running(self, target: Target) -> str:
        return _control.running(target)

    def open_requests(self, target: Target, pool: str, server: str) -> int | None:
        return None  # stub_status counts clients, not servers

    def patience(self, tested: float) -> float:
        return _control.patience(tested)


NGINX: Proxy = Nginx()
