"""What every Source must keep: a whole snapshot or an error, never a part; and a watch that ends when it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from confgen.errors import BadInput, ConfgenError, SourceUnavailable
from confgen.settings import LabelSettings
from confgen.sources.docker import DockerSource
from confgen.sources.source import Source
from confgen.sources.static import FileSource
from confgen.state import State
from tests.unit.test_docker_source import FakeEngine, Stream
from tests.unit.test_rows import ROW_1_41, ROW_1_52

#: Makes a source that knows two instances, and a way to break it.
Make = Callable[[Path], tuple[Source, Callable[[], None]]]


class Endless(Stream):
    """A stream that says nothing until it is closed."""

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.closed.wait(30)
        return iter(())


def compose(folder: Path) -> tuple[Source, Callable[[], None]]:
    file = folder / "compose.yaml"
    file.write_text(
        "services:\n  web: {labels: {confgen.host: a.example, confgen.port: 80}}\n  api: {labels: {confgen.host: b.example, confgen.port: 80}}\n"
    )
    return FileSource((file,)), file.unlink


def saved(folder: Path) -> tuple[Source, Callable[[], None]]:
    file = folder / "rows.json"
    file.write_text(json.dumps([ROW_1_41, ROW_1_52 | {"Id": "b" * 64, "Names": ["/api"]}]))
    return FileSource((file,)), lambda: file.write_text("[{}]") and None


def docker(folder: Path) -> tuple[Source, Callable[[], None]]:
    engine = FakeEngine()
    engine.stream = Endless([])
    for name in ("web", "api"):
        engine.run(name, host=f"{name}.example", port="80")
    source = DockerSource(engine, LabelSettings())  # type: ignore[arg-type]

    def broken() -> None:
        engine.error = SourceUnavailable("gone")
        source.refresh()

    return source, broken


every = pytest.mark.parametrize("make", [compose, saved, docker])


@every
def test_a_snapshot_is_whole_and_says_from_where(make: Make, tmp_path: Path) -> None:
    source, _ = make(tmp_path)
    found = source.snapshot()
    assert source.name
    assert found.source == source.name
    assert not found.stale
    assert len(found.instances) == 2
    for one in found.instances:
        assert one.name
        assert one.origin.object, "every message can say where a fact comes from"
        assert one.labels == tuple(sorted(one.labels))
        assert one.attachments == tuple(sorted(one.attachments))
        assert hash(one)


@every
def test_two_looks_at_the_same_world_are_equal(make: Make, tmp_path: Path) -> None:
    source, _ = make(tmp_path)
    assert source.snapshot() == source.snapshot()
    assert State.of((source.snapshot(),)) == State.of((source.snapshot(),))


@every
def test_a_source_that_cannot_answer_says_so_and_never_that_nothing_is_there(make: Make, tmp_path: Path) -> None:
    source, broken = make(tmp_path)
    source.snapshot()
    broken()
    for _ in range(3):
        with pytest.raises(ConfgenError) as caught:
            source.snapshot()
        assert isinstance(caught.value, (SourceUnavailable, BadInput))


@every
def test_a_watch_ends_when_it_is_told_to(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confgen.sources.docker._PING", 0.01)
    monkeypatch.setattr("confgen.sources.docker.Engine", lambda url: FakeEngine())  # the pinger's
    source, _ = make(tmp_path)
    stop, ended = threading.Event(), threading.Event()
    watching = threading.Thread(target=lambda: (source.watch(lambda *_: None, stop), ended.set()), daemon=True)
    watching.start()
    assert not ended.wait(0.05), "it blocks while there is nothing to tell"
    stop.set()
    assert ended.wait(10)
    watching.join(5)
