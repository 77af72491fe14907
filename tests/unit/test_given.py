"""What an operator gives is taken as confgen runs; what has a mistake in it changes nothing."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from confgen.cli import cli
from confgen.cli.config import TAKEN, Rereads
from confgen.cli.options import settings_from
from confgen.errors import BadInput
from confgen.loop import Loop
from confgen.render import shipped
from confgen.report import Report
from confgen.sources.source import Wake
from confgen.state import Snapshot
from tests.unit.facts import container

PATIENCE = 20.0


def context(command: str, *given: str) -> click.Context:
    """What click makes of a command line."""
    parent = click.Context(cli, **cli.context_settings)
    return cli.commands[command].make_context(command, list(given), parent)


class Source:
    """One container that never changes."""

    name = "fake"

    def snapshot(self) -> Snapshot:
        return Snapshot(self.name, (container("web", {"host": "a.example.com", "port": "80"}),))

    def expects(self) -> bool:
        return False

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        self.wake = wake
        stop.wait()


class Watch:
    """`confgen watch` with a file and a folder, beside the test."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.file, self.out = folder / "conf" / "confgen.toml", folder / "out"
        (folder / "conf").mkdir(exist_ok=True)
        self.out.mkdir()
        self._options = ("--target", f"dir:{self.out}", "--directory", str(self.out), *options)
        self._stop = threading.Event()
        self._told: queue.Queue[Report] = queue.Queue()
        self.problems: tuple[str, ...] = ()
        self.error = ""
        self.outputs: dict[str, str] = {}

    def start(self, text: str) -> None:
        self.file.write_text(text)
        with context("watch", "--config", str(self.file), *self._options) as made:
            values = {name: value for name, value in made.params.items() if name != "once"}
            settings = settings_from(values)
            rereads = Rereads(values, settings.directory)
        self._source = Source()
        self._loop = Loop(settings, (self._source,), rereads=rereads)

        def tell(report: Report) -> None:
            rereads.tell(report)
            self._told.put(report)

        self._thread = threading.Thread(target=self._loop.run, args=(self._stop, tell))
        self._thread.start()

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            report = self._told.get(timeout=max(end - time.monotonic(), 0.01))
            self.problems = tuple(str(problem) for problem in report.problems)
            self.outputs = {one.name: one.error.message if one.error else "" for one in report.outputs}
            self.error = "".join(seat.error.message for seat in report.seats if seat.error)

    def again(self) -> None:
        self._loop.look_again("SIGHUP")

    def ring(self) -> None:
        """News of a container: nobody has said that a file has changed."""
        self._source.wake("a container", True)

    def text(self) -> str:
        file = self.out / "live" / "nginx.conf"
        return file.read_text() if file.exists() else ""

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watch]]:
    """Where nobody asks the container how it is: there is none."""
    monkeypatch.setattr("confgen.probe.Judge.ask", lambda self, name, wanted, kept, patience: kept)
    made: list[Watch] = []

    def start(text: str, *options: str) -> Watch:
        made.append(Watch(tmp_path, *options))
        made[-1].start(text)
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_a_changed_file_is_taken_and_a_broken_one_changes_nothing(watch: Callable[..., Watch]) -> None:
    running = watch("[proxy]\nhttp_port = 8081\n")
    running.until(lambda: "listen 8081" in running.text())
    running.file.write_text("[proxy]\nhttp_port = 8082\n")
    running.until(lambda: "listen 8082" in running.text())
    assert running.problems == ()
    running.file.write_text("[proxy]\nhttp_prot = 8083\n")
    running.until(lambda: bool(running.problems))
    assert "confgen.toml:2: there is no setting proxy.http_prot (the former setting stays)" in running.problems[0]
    assert "listen 8082" in running.text()
    running.file.unlink()
    running.until(lambda: "there is no such file" in running.problems[0])
    running.file.write_text("[proxy]\nhttp_port = 8084\n")
    running.until(lambda: "listen 8084" in running.text())
    assert running.problems == ()


def test_settings_that_another_file_made_wrong_are_taken_once_that_file_is_right(
    watch: Callable[..., Watch], tmp_path: Path
) -> None:
    running = watch("")
    running.until(lambda: "listen 80;" in running.text())
    policy = tmp_path / "policy.toml"
    policy.write_text("[[allow\n")
    running.file.write_text(f'policy = "{policy}"\n[templates]\nsnippets = "../mine"\n[proxy]\nhttp_port = 8081\n')
    running.until(lambda: any("there is no folder" in problem for problem in running.problems))
    (tmp_path / "mine").mkdir()
    running.ring()
    running.until(lambda: any("policy.toml" in problem for problem in running.problems))
    assert "listen 80;" in running.text()
    assert json.loads((running.out / TAKEN).read_text())["text"] == "", "what commands fall back on is what was taken"
    policy.write_text('[[allow]]\nowner = "*"\nhosts = ["*"]\n')
    running.ring()
    running.until(lambda: "listen 8081" in running.text())
    assert running.problems == ()


def test_what_cannot_change_is_told_and_the_rest_is_taken(watch: Callable[..., Watch]) -> None:
    running = watch("")
    running.until(lambda: "listen 80" in running.text())
    running.file.write_text('[labels]\nprefix = "edge"\n[proxy]\nhttp_port = 8081\n')
    running.until(lambda: "listen 8081" in running.text())
    assert "labels.prefix has changed, and can only be taken at the start" in running.problems[0]
    assert "a.example.com" in running.text(), "the labels are read as before"
    running.file.write_text("")
    running.until(lambda: running.problems == () and "listen 80;" in running.text())


def test_other_folders_are_watched_from_then_on(watch: Callable[..., Watch], tmp_path: Path) -> None:
    running = watch("")
    running.until(lambda: "a.example.com" in running.text())
    template = tmp_path / "mine" / "nginx" / "main.j2"
    template.parent.mkdir(parents=True)
    main = (shipped() / "nginx" / "main.j2").read_text()
    template.write_text(f"{main}\n# one\n")
    running.file.write_text('[templates]\nfolders = ["../mine"]\n')
    running.until(lambda: "# one" in running.text())
    template.write_text(f"{main}\n# two\n")
    running.until(lambda: "# two" in running.text())


def test_a_signal_finds_what_no_watch_told(watch: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confgen.given.Watched.run", lambda self, stop: stop.wait())
    running = watch("")
    running.until(lambda: "listen 80" in running.text())
    running.file.write_text("[proxy]\nhttp_port = 8081\n")
    running.again()
    running.until(lambda: "listen 8081" in running.text())


def test_an_option_counts_more_than_what_the_file_says_later(watch: Callable[..., Watch]) -> None:
    running = watch("", "--http-port", "8081")
    running.until(lambda: "listen 8081" in running.text())
    running.file.write_text("[proxy]\nhttp_port = 8082\nipv6 = false\n")
    running.until(lambda: "[::]" not in running.text())
    assert "listen 8081" in running.text()


def test_what_was_taken_last_is_left_for_commands_that_find_a_broken_file(
    watch: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = watch("[proxy]\nhttp_port = 8081\n")
    running.until((running.out / TAKEN).exists)
    running.file.write_text("[prox]\n")
    running.until(lambda: bool(running.problems))
    monkeypatch.setenv("CONFGEN_DIR", str(running.out))
    given = ("--config", str(running.file))
    with context("plan", *given) as made:
        assert made.params["http_port"] == 8081
    for command in ("render", "check", "watch"):
        with pytest.raises(BadInput):
            context(command, *given)
    monkeypatch.delenv("CONFGEN_DIR")
    directory = ("--directory", str(running.out))
    for said in ((*given, *directory), (*directory, *given)):
        with context("plan", *said) as made:
            assert (made.params["http_port"], made.params["directory"]) == (8081, running.out)


def test_a_command_that_finds_nothing_that_was_taken_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "confgen.toml"
    file.write_text("[prox]\n")
    with pytest.raises(BadInput) as told:
        context("status", "--config", str(file))
    assert "confgen.toml:1: there is no table prox" in told.value.message


def params(*given: str) -> dict[str, object]:
    with context("watch", *given) as made:
        return dict(made.params)


def test_option_then_variable_then_file_then_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "confgen.toml"
    assert params()["http_port"] in (None, 80)
    file.write_text('users = "."\n[proxy]\nhttp_port = 8081\nipv6 = false\n[templates]\nfolders = ["."]\n')
    config = ("--config", str(file))
    found = params(*config)
    assert (found["http_port"], found["ipv6"], found["templates"], found["users"]) == (8081, False, (tmp_path,), tmp_path)
    monkeypatch.setenv("CONFGEN_HTTP_PORT", "8082")
    monkeypatch.setenv("CONFGEN_IPV6", "true")
    found = params(*config)
    assert (found["http_port"], found["ipv6"]) == (8082, True)
    found = params(*config, "--http-port", "8083", "--no-ipv6")
    assert (found["http_port"], found["ipv6"]) == (8083, False)


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "confgen.toml").write_text("[proxy]\nhttp_port = 8081\n")
    (tmp_path / "other.toml").write_text("[proxy]\nhttp_port = 8082\n")
    assert params()["http_port"] == 8081
    monkeypatch.setenv("CONFGEN_CONFIG", "other.toml")
    assert params()["http_port"] == 8082
    assert params("--config", "confgen.toml")["http_port"] == 8081


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"users = 'none'\n", "confgen.toml:1: users: there is no folder"),
        (b"\n[templates]\nfolders = ['.', 'none']\n", "confgen.toml:3: templates.folders: there is no folder"),
        (b"\xff", "confgen.toml cannot be read: it is not UTF-8 text"),
        (None, "confgen.toml: there is no such file"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, text: bytes | None, words: str) -> None:
    file = tmp_path / "confgen.toml"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(BadInput) as told:
        params("--config", str(file))
    assert words in told.value.message
    assert told.value.hint


FILTERS = '[templates]\nfilters = "filters.py"\n'


def test_filters_of_ones_own_are_taken_and_a_wrong_one_keeps_what_is_good(watch: Callable[..., Watch], tmp_path: Path) -> None:
    log = tmp_path / "mine" / "nginx" / "log.j2"
    log.parent.mkdir(parents=True)
    log.write_text("    # {{ 'one' | mine }}\n    access_log off;\n")
    (tmp_path / "conf").mkdir()
    filters = tmp_path / "conf" / "filters.py"
    filters.write_text("FILTERS = {'mine': lambda x: x}\n")
    running = watch(FILTERS, "--templates", str(tmp_path / "mine"))
    running.until(lambda: "# one" in running.text())
    good = running.text()
    filters.write_text("FILTERS = {'mine': lambda x: x.nope}\n")
    running.until(lambda: "filters.py:1: filter mine: AttributeError" in running.error)
    assert running.text() == good
    filters.write_text("FILTERS = {'mine': lambda x: 'two'}\n")
    running.until(lambda: "# two" in running.text())


def test_filters_are_not_taken_from_where_proxies_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "confgen.toml").write_text("nonsense")
    (tmp_path / "filters.py").write_text("FILTERS = {}\n")
    (tmp_path / "run").mkdir()
    left = {"file": str(tmp_path / "confgen.toml"), "text": FILTERS + "[proxy]\nhttp_port = 8080\n"}
    (tmp_path / TAKEN).write_text(json.dumps(left))
    monkeypatch.setenv("CONFGEN_DIR", str(tmp_path))
    with context("status", "--config", str(tmp_path / "confgen.toml")) as made:
        settings = settings_from(made.params)
    assert (settings.frame.http_port, settings.filters) == (8080, None)


def test_nor_from_a_file_that_was_merely_found_and_has_changed_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "confgen.toml"
    file.write_text("")
    (tmp_path / "filters.py").write_text("FILTERS = {}\n")
    with context("watch") as made:
        rereads = Rereads(made.params, tmp_path)
    assert rereads.settings().filters is None
    file.write_text(FILTERS)
    with pytest.raises(BadInput, match="nobody named this file"):
        rereads.settings()
