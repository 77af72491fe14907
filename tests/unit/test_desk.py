"""Outputs beside the line: no proxy waits for one, and no output for another."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from confgen.cli.options import settings_from
from confgen.loop import Loop
from tests.unit.test_given import Source, Watch, context

TEMPLATE = "{% for container in containers %}{{ container.name }}\n{% endfor %}"
OUTPUT = '[[output]]\nname = "{name}"\ntemplate = "names.j2"\nto = "{name}.txt"\n{more}\n'


def output(name: str, more: str = "") -> str:
    return OUTPUT.format(name=name, more=more)


def run(python: str) -> str:
    return f"run = {json.dumps([sys.executable, '-c', python])}"


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watch]]:
    monkeypatch.setattr("confgen.probe.Judge.ask", lambda self, name, wanted, kept, patience: kept)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "names.j2").write_text(TEMPLATE)
    made: list[Watch] = []

    def start(text: str) -> Watch:
        made.append(Watch(tmp_path))
        made[-1].start(text)
        return made[-1]

    yield start
    for one in made:
        one.end()


def save(file: Path, text: str) -> None:
    """As editors do: at no moment is half of it there."""
    new = file.with_name(f".{file.name}.saved")
    new.write_text(text)
    new.replace(file)


def written(watch: Watch, name: str) -> str:
    file = watch.file.with_name(f"{name}.txt")
    return file.read_text() if file.exists() else ""


def test_one_that_hangs_holds_up_no_proxy_and_no_other_output(watch: Callable[..., Watch], tmp_path: Path) -> None:
    running = watch(
        output(
            "slow",
            run(f"import os, time; open({str(tmp_path / 'conf' / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"),
        )
        + output("quick")
    )
    running.until(lambda: "listen 80" in running.text())
    running.until(lambda: written(running, "quick") == "web\n" == written(running, "slow"))
    running.file.write_text("[proxy]\nhttp_port = 8081\n" + running.file.read_text())
    running.until(lambda: "listen 8081" in running.text())
    assert running.file.with_name(".due.slow.txt").exists(), "it is still at it"
    pid = running.file.with_name("pid")
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    running.end()
    assert not Path("/proc", pid.read_text()).exists(), "it is ended with confgen, and due at the next start"
    assert running.file.with_name(".due.slow.txt").exists()


def test_what_is_wrong_is_reported_and_what_was_mended_taken_by_itself(watch: Callable[..., Watch]) -> None:
    running = watch(output("names"))
    running.until(lambda: written(running, "names") == "web\n")
    template = running.file.with_name("names.j2")
    save(template, "{{ nothing }}")
    running.until(lambda: "'nothing' is undefined" in running.outputs.get("names", ""))
    assert written(running, "names") == "web\n"
    save(template, "mended {{ containers[0].name }}\n")
    running.until(lambda: written(running, "names") == "mended web\n")
    running.until(lambda: running.outputs == {"names": ""})


def test_one_that_comes_and_one_that_goes_are_taken_as_it_runs(watch: Callable[..., Watch]) -> None:
    running = watch("")
    running.until(lambda: "listen 80" in running.text())
    running.file.write_text(output("names"))
    running.until(lambda: written(running, "names") == "web\n")
    running.until(lambda: running.outputs == {"names": ""})
    running.file.write_text("")
    running.until(lambda: running.outputs == {})


def test_a_single_turn_waits_for_all_and_needs_no_proxy(tmp_path: Path) -> None:
    (tmp_path / "names.j2").write_text(TEMPLATE)
    ran = tmp_path / "ran"
    (tmp_path / "confgen.toml").write_text(output("names", run(f"open({str(ran)!r}, 'w')")))
    with context("watch", "--config", str(tmp_path / "confgen.toml")) as made:
        settings = settings_from({name: value for name, value in made.params.items() if name != "once"})
    report = Loop(settings, (Source(),)).turn("--once")
    assert (report.seats, [one.error for one in report.outputs]) == ((), [None])
    assert ((tmp_path / "names.txt").read_text(), ran.exists()) == ("web\n", True)
