"""The pieces of the rig as fixtures: the healthy container, the lying engine, worlds, the probe, the table's rows."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bed import engine as bed_engine
from tests.bed.tools import ensure_apt
from tests.faults import record, rig
from tests.faults.faultsock import Faultsock, faultsock
from tests.faults.probe import HOST, Probe
from tests.faults.rig import Docker, World


def pytest_configure() -> None:
    """Whoever ends a run wants nothing of it left: SIGTERM takes the same way out as Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="package")  # gone when the tests of other folders look at the engine
def docker() -> Iterator[Docker]:
    """The engine that answers, with one healthy container in it that no test touches, and one that all made-up rows lead to."""
    found = bed_engine.find()
    if found is None:
        pytest.fail("no engine answers; run the tests with `make faults` or `make test`, which start one")
    made = Docker(found.host or "unix:///var/run/docker.sock", rig.name())
    try:
        made.run("healthy", host=HOST)
        made.run("crowd", image=rig.CROWD)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def tools() -> None:
    """strace and faketime."""
    ensure_apt("strace", "faketime")


@pytest.fixture
def home() -> Iterator[Path]:
    with rig.home() as path:
        yield path


@pytest.fixture
def liar(docker: Docker, home: Path) -> Iterator[Faultsock]:
    """The lying engine before the real one; it tells the truth until told otherwise."""
    with faultsock(docker.host.removeprefix("unix://"), docker.label, home / "liar.sock", docker.address("crowd")) as made:
        yield made


@pytest.fixture
def world(liar: Faultsock, home: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds behind the lying engine: `world(kind="haproxy", pace=...)`; ended afterwards."""
    made: list[World] = []

    def make(**given: Any) -> World:
        given.setdefault("engine", f"unix://{liar.path}")
        made.append(World(home=home, **given))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def probed() -> Callable[[World], contextlib.AbstractContextManager[Probe]]:
    """`with probed(world) as probe:` fails at the end when the healthy route had a single error."""

    @contextlib.contextmanager
    def watch(made: World) -> Iterator[Probe]:
        with Probe(made.port, made.netns) as probe:
            yield probe
        assert probe.requests > 0
        assert not probe.errors, f"the healthy route failed: {probe.errors} of {probe.requests}; log:\n{made.log()[-3000:]}"

    return watch


@pytest.fixture(params=["nginx", "haproxy"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> record.Seen:
    """`seen("...")` tells the figure that goes into the table; the fault is the test's name: test_f13_..."""
    return record.Seen(request.node.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    path = os.environ.get("CONFGEN_FAULTS_RECORD")
    if path and (report.when == "call" or report.failed):
        record.write(Path(path), item.nodeid, report)
    return report
