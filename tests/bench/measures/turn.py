"""What one turn costs, stage by stage: confgen's own CPU for one container more, and one less."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from confgen import keep, loop, want
from confgen.proxies import PROXIES
from confgen.render import Renderer
from confgen.settings import Frame, Settings
from confgen.sources.docker import DockerSource
from confgen.wellness import Wellness
from tests.bed.shell import cache
from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.places import OURS
from tests.bench.scene import Scene
from tests.e2e.stack import ROOT, docker, until
from tests.faults.faultsock import Row, event, made_row
from tests.faults.rig import NATIVE
from tests.ports import free_port

SIZES = (3, 200, 1000)
#: The stages of a turn, and the functions that are their work.
STAGES: dict[str, tuple[tuple[object, str], ...]] = {
    "read": ((loop.Loop, "look"),),
    "build": ((keep, "shape"), (Wellness, "judged")),
    "render": ((Renderer, "render"), *((type(proxy), "view") for proxy in PROXIES.values())),
    "read back": ((want, "verify"), *((type(proxy), name) for proxy in PROXIES.values() for name in ("expected", "structure"))),
    "plan": ((keep, "planned"),),
    "apply": ((keep, "apply"),),
}


class Rows:
    """An engine whose list is text already: what is read is read, and no call is made."""

    def __init__(self, rows: Collection[Row]) -> None:
        self.texts = {row["Id"]: json.dumps(row) for row in rows}

    def containers(self, ids: Sequence[str] = ()) -> object:
        found = (self.texts[one] for one in (ids or self.texts) if one in self.texts)
        return json.loads(f"[{','.join(found)}]")


class Clock:
    """CPU by stage; what a stage calls of another one counts there alone."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = ["the rest"]
        self._since = time.process_time()

    def turn_to(self, stages: list[str]) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += (now - self._since) * 1000
        self._open, self._since = stages, now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            around = self._open
            self.turn_to([*around, stage])
            try:
                return function(*given, **named)
            finally:
                self.turn_to(around)

        return run


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    app = scene.places[0].world
    template = f'{{{{(index .NetworkSettings.Networks "{app.network}").IPAddress}}}}'
    address = docker("inspect", "--format", template, app.container("web"))
    for size in SIZES:
        for proxy, place in zip(PROXIES, OURS, strict=True):
            with _proxy(proxy) as (folder, port):
                spent, took = _turns(
                    scene, proxy, folder, port, [made_row(n, f"app{n}.localhost", address) for n in range(size + 1)]
                )
            for stage, values in spent.items():
                yield Figure(f"{size:,} routes: {stage}", place, tuple(values), "ms")
            yield Figure(f"{size:,} routes: all of it, with the proxy's part, from start to end", place, tuple(took), "ms")


def _turns(scene: Scene, proxy: str, folder: Path, port: int, rows: list[Row]) -> tuple[dict[str, list[float]], list[float]]:
    """The last row comes and goes; each time the stages' CPU, and how long the turn took."""
    *there, last = rows
    engine, spent, took = Rows(there), defaultdict[str, list[float]](list), list[float]()
    settings = Settings(directory=folder, target="process", proxy=proxy, frame=Frame(http_port=port))
    source = DockerSource(engine, settings.labels)  # type: ignore[arg-type]  # all of an engine that a look needs
    made = loop.Loop(settings, (source,))
    for number in scene.each(range(2 * scene.times(5) + 2), f"{proxy}: turns, {len(there):,} routes"):
        if number % 2:
            engine.texts[last["Id"]] = json.dumps(last)
        else:
            engine.texts.pop(last["Id"], None)
        source._hint(event("start" if number % 2 else "destroy", last), lambda *_: None)
        clock = Clock()
        with _timed(clock):
            started = time.monotonic()
            report = made.turn("a measure")
            clock.turn_to([])
        assert not report.failed, report
        if number > 1:  # at the first ones nothing is known from before
            took.append((time.monotonic() - started) * 1000)
            for stage in (*STAGES, "the rest"):
                spent[stage].append(clock.spent[stage])
    return spent, took


@contextlib.contextmanager
def _timed(clock: Clock) -> Iterator[None]:
    with contextlib.ExitStack() as undo:
        for stage, places in STAGES.items():
            for owner, name in places:
                undo.enter_context(mock.patch.object(owner, name, _bound(clock, stage, owner, name)))
        yield


def _bound(clock: Clock, stage: str, owner: object, name: str) -> Callable[..., Any]:
    return clock.timed(stage, getattr(owner, name))


@contextlib.contextmanager
def _proxy(kind: str) -> Iterator[tuple[Path, int]]:
    """A real one as a process of this machine, with its start script; its shared folder and its port."""
    with tempfile.TemporaryDirectory(prefix="cgb") as scratch:
        home, port = Path(scratch), free_port()
        (home / kind).symlink_to(cache() / "bin" / NATIVE[kind])
        env = {
            **os.environ,
            "PATH": f"{home}:{os.environ['PATH']}",
            "CONFGEN_DIR": f"{home}/shared",
            "CONFGEN_HTTP_PORT": str(port),
            "CONFGEN_GID": str(os.getgid()),
        }
        script = str(ROOT / f"templates/{kind}/start.sh")
        process = subprocess.Popen(
            ("sh", script), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            sockets = {"nginx": "nginx.sock", "haproxy": "master.sock"}
            until((home / "shared" / "run" / sockets[kind]).exists, f"{kind} listens")
            yield home / "shared", port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


MEASURE = Measure(
    title="What a turn costs, stage by stage",
    how=f"""confgen's own CPU in one turn that brings one container more, or one less, to a real proxy on this machine, with
{", ".join(f"{size:,}" for size in SIZES)} routes beside it, each with a pool of its own. *Read*: the row that an event named, from the engine's JSON; the call itself is not in it. *Build*: labels to
model. *Render*: model to text. *Read back*: the proof that the text says what the model says. *Plan*: what changes, and what it takes. *Apply*: files, the
proxy's test and its reload or runtime change, without the proxy's own CPU. *The rest*: claims, checks of servers, the report.""",
    run=run,
)
