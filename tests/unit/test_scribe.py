"""A file that is wholly the operator's own: written whole, checked, told, and never half done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from confgen import facts
from confgen.check import check
from confgen.cli import cli
from confgen.options import BY_NAME
from confgen.output import Output
from confgen.scribe import Order, Scribe, inspected
from confgen.settings import Pace, Settings
from confgen.state import Phase, State
from confgen.toml import parse
from confgen.values import Text
from tests.unit.facts import container

HOSTS = """{% for container in containers %}
{% for network in container.networks if network.address %}
{{ network.address }} {{ container.name }}
{% endfor %}
{% endfor %}
"""
ONE = State((container("web"),))
TWO = State((container("api", address="10.0.0.3"), container("web")))
TEXT = {1: "10.0.0.2 web\n", 2: "10.0.0.3 api\n10.0.0.2 web\n"}
SOON = Settings(pace=Pace(retry=0.01, retry_most=0.02))


class Place:
    """A folder with a template, and what was run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hosts.j2").write_text(HOSTS)
        self.output = Output(name="hosts", template=folder / "hosts.j2", to=folder / "out" / "hosts")
        self.scribe = Scribe(deadline=10)

    def script(self, name: str, text: str) -> tuple[str, ...]:
        (self.folder / name).write_text(text)
        return (sys.executable, str(self.folder / name), str(self.folder / f"{name}.ran"))

    def ran(self, name: str) -> list[str]:
        file = self.folder / f"{name}.ran"
        return file.read_text().splitlines() if file.exists() else []

    def keep(self, state: State, **changed: object) -> str:
        """What is wrong then, "" when nothing is."""
        self.output = replace(self.output, **changed)  # type: ignore[arg-type]
        pause = self.scribe.keep(Order(self.output, state, replace(SOON, outputs=(self.output,))))
        assert self.scribe.report is not None
        error = self.scribe.report.error
        assert (pause is None) == (error is None)
        return error.message if error else ""

    @property
    def text(self) -> str:
        return self.output.to.read_text() if self.output.to.exists() else ""

    @property
    def left(self) -> list[str]:
        return sorted(file.name for file in self.output.to.parent.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.scribe.close()


#: Notes that it was run, and with what.
NOTE = "import sys\nopen(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '.\\n')\n"
LOOK = "import sys\nopen(sys.argv[1], 'a').write(open(sys.argv[2]).readline())\n"
BAD = "import sys\nprint('line 1: no api here'); sys.exit('api' in open(sys.argv[2]).read())\n"


def test_it_is_written_when_it_changes_and_then_told(place: Place) -> None:
    run = (*place.script("run", NOTE), "a b", "$HOME;")
    assert place.keep(ONE, run=run) == ""
    assert (place.text, place.ran("run"), place.left) == (TEXT[1], ["a b $HOME;."], ["hosts"])
    stamp = place.output.to.stat().st_mtime_ns
    assert place.keep(ONE) == ""
    assert (place.output.to.stat().st_mtime_ns, len(place.ran("run"))) == (stamp, 1)
    assert place.keep(TWO) == ""
    assert (place.text, len(place.ran("run")), place.left) == (TEXT[2], 2, ["hosts"])


def test_nothing_is_written_or_run_by_another_process_that_finds_it_right(place: Place) -> None:
    run = place.script("run", NOTE)
    place.keep(ONE, run=run)
    place.scribe.close()
    place.scribe = Scribe()
    place.keep(ONE)
    assert (place.ran("run"), place.scribe.report and place.scribe.report.writes) == (["."], 0)


def test_what_somebody_else_wrote_there_is_put_right(place: Place) -> None:
    place.keep(ONE)
    place.output.to.write_text("mine")
    place.output.to.chmod(0o600)
    place.keep(ONE)
    assert (place.text, place.output.to.stat().st_mode & 0o777) == (TEXT[1], 0o600)


def test_the_check_sees_the_new_text_before_it_is_live_and_its_no_leaves_the_last_good(place: Place) -> None:
    assert place.keep(ONE, check=place.script("check", LOOK), run=place.script("run", NOTE)) == ""
    assert place.ran("check") == ["10.0.0.2 web"]
    said = place.keep(TWO, check=place.script("bad", BAD))
    assert said.startswith(f"output hosts: {sys.executable} refuses the new text (code 1): line 1: no api here")
    assert (place.text, place.ran("run"), place.left) == (TEXT[1], ["."], ["hosts"])
    assert place.keep(ONE) == ""


def test_what_is_run_is_run_again_until_it_succeeds(place: Place) -> None:
    run = place.script("run", f"{NOTE}import os\nprint('not yet'); sys.exit(not os.path.exists(sys.argv[1] + '.go'))\n")
    assert "is in its place, and" in place.keep(ONE, run=run)
    (report,) = inspected(ONE, replace(SOON, outputs=(place.output,)))
    assert report.error is not None
    assert report.error.message.endswith("(code 1): not yet")
    place.scribe.close()
    place.scribe = Scribe()  # also after a crash
    assert "not yet" in place.keep(ONE)
    (place.folder / "run.ran.go").touch()
    assert place.keep(State((container("web", {"other": "label"}),))) == ""  # another state, the same text
    assert (len(place.ran("run")), place.left) == (3, ["hosts"])


def test_a_failure_is_not_tried_again_before_its_pause_is_over(place: Place) -> None:
    run = place.script("run", f"{NOTE}sys.exit(1)\n")
    slow = replace(SOON, pace=Pace(retry=60))
    order = Order(replace(place.output, run=run), ONE, slow)
    assert place.scribe.keep(order) == 60
    again = place.scribe.keep(order)
    assert (again is not None and 0 < again < 60, len(place.ran("run"))) == (True, 1)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import time\ntime.sleep(60)\n", "(was not done after 0.5 s): it said nothing"),
        ("import os\nos.close(1); os.close(2)\nimport time\ntime.sleep(60)\n", "(was not done after 0.5 s)"),
    ],
)
def test_a_program_without_an_end_is_ended(place: Place, script: str, said: str) -> None:
    place.scribe = Scribe(deadline=0.5)
    words = place.keep(ONE, check=place.script("check", script))
    assert said in words
    assert (len(words) < 3000, place.text) == (True, "")


def test_of_a_program_that_speaks_without_end_the_last_words_are_kept(place: Place) -> None:
    for _ in range(3):  # whoever closes the pipe first and looks then finds it ended by that, but not every time
        place.scribe = Scribe(deadline=1)
        words = place.keep(ONE, check=("yes", "no, " * 250))
        assert "(was not done after 1 s)" in words
        place.scribe.close()
    assert "no, no, " in words
    assert (len(words) < 3000, place.text) == (True, "")


def test_whom_a_program_leaves_behind_is_not_waited_for(place: Place) -> None:
    script = "import subprocess, sys\np = subprocess.Popen(['sleep', '60'])\nopen(sys.argv[1], 'w').write(str(p.pid))\n"
    try:
        assert place.keep(ONE, run=place.script("run", script)) == ""
    finally:
        subprocess.run(["kill", *place.ran("run")], check=True)


def test_a_program_gets_nothing_of_our_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFGEN_SECRET", "s3cret")
    script = (
        "import json, os, sys\nopen(sys.argv[1], 'w').write(json.dumps([sorted(os.environ), os.getcwd(), sys.stdin.read()]))\n"
    )
    assert place.keep(ONE, run=place.script("run", script)) == ""
    names, folder, stdin = json.loads(place.ran("run")[0])
    assert ({*names} <= {"PATH", "LC_CTYPE"}, folder, stdin) == (True, "/", "")


def test_a_program_that_is_not_there_is_told(place: Place) -> None:
    assert "no-such-program cannot be run: No such file" in place.keep(ONE, check=("no-such-program",))
    assert place.text == ""


def test_a_wrong_template_leaves_the_last_good_and_is_taken_when_mended(place: Place) -> None:
    place.keep(ONE)
    (place.folder / "hosts.j2").write_text("a\n{{ nothing }}")
    order = Order(place.output, ONE, SOON, edition=1)
    assert place.scribe.keep(order) is not None
    assert place.scribe.report is not None
    assert "hosts.j2:2: 'nothing' is undefined" in str(place.scribe.report.error)
    assert place.text == TEXT[1]
    (place.folder / "hosts.j2").write_text("mended")
    assert place.scribe.keep(replace(order, edition=2)) is None
    assert place.text == "mended"


def test_a_folder_that_cannot_be_written_is_told(place: Place) -> None:
    (place.folder / "out").write_text("a file")
    assert "could not write hosts" in place.keep(ONE)


def test_check_renders_outputs_and_asks_their_own_check(place: Place) -> None:
    output = replace(place.output, check=place.script("check", BAD)[:2])
    (place.folder / "check").write_text("import sys\nprint('no'); sys.exit('api' in open(sys.argv[1]).read())\n")

    def lines(state: State, output: Output) -> str:
        return "\n".join(check(state, Settings(outputs=(output,)))[-1].lines())

    assert lines(ONE, output) == f"output hosts: fine; tested with {sys.executable}"
    assert f"refuses the new text (code 1): no\noutput hosts: 1 problem; tested with {sys.executable}" in lines(TWO, output)
    assert lines(ONE, place.output) == "output hosts: fine; it has no check of its own"
    (place.folder / "hosts.j2").write_text("{{ nothing }}")
    assert "'nothing' is undefined" in lines(ONE, output)
    assert not place.output.to.exists()


# --- what templates get ---


def seen(template: str, *containers: object, place: Place) -> str:
    (place.folder / "hosts.j2").write_text(template)
    place.scribe.close()
    place.scribe = Scribe()
    said = place.keep(State(tuple(containers)))  # type: ignore[arg-type]
    return said or place.text


def test_labels_are_asked_for_and_printed_through_a_filter(place: Place) -> None:
    web = container("web", {" tier": 'a "b"; $(c)\n'})
    assert seen('{% for c in containers if c.label("tier") %}{{ c.label("tier") | json }}{% endfor %}', web, place=place) == (
        '"a \\"b\\"; $(c)\\n"'
    )
    assert seen('{{ containers[0].label("tier") | word }}', web, place=place) == "a__b_____c__"
    assert seen('{{ containers[0].label("tier") | shell }}', web, place=place) == "'a \"b\"; $(c) '"
    assert seen('{{ containers[0].says("tier", "x") }}', web, place=place).endswith(
        "a bool cannot be printed into a proxy's file"
    )
    assert "free text must go through" in seen('{{ containers[0].label("tier") }}', web, place=place)
    assert "free text must go through" in seen("{{ containers[0].labels[0].key }}", web, place=place)
    assert "there is nothing to print" in seen('{{ containers[0].label("none") | json }}', web, place=place)


def test_a_container_that_is_gone_or_has_no_name_of_the_engine_is_left_out(place: Place) -> None:
    gone = container("gone", phase=Phase.EXITED)
    odd = container("a\nb")
    assert seen("{% for c in containers %}{{ c.name }} {% endfor %}", gone, odd, container("web"), place=place) == "web "


ROUTES = "{% for r in routes %}{{ r.hosts[0] }} {{ r.path | word }} {% for s in r.servers %}{{ s.address }}:{{ s.port }} {% endfor %}{% endfor %}"


def test_routes_have_the_servers_that_take_requests_and_guarded_ones_none(place: Place) -> None:
    web = container("web", {"host": "a.example.com", "port": "80"})
    assert seen(ROUTES, web, place=place) == "a.example.com / 10.0.0.2:80 "
    shut = container("web", {"host": "a.example.com", "port": "80", "allow": "192.0.2.0/24"})
    assert seen(f"{ROUTES}{{{{ 'shut' if routes[0].guarded }}}}", shut, place=place) == "a.example.com / shut"


# --- what confgen.toml says ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('output = "hosts"', "it is no list"),
        ("output = [3]", "it is no table"),
        ('[[output]]\nname = "a"\ntemplate = "b"', 'to of "a" is missing'),
        ('[[output]]\nname = "a"\ntemplate = "b"\nto = "c"\nruns = []', 'there is no runs of "a"'),
        ('[[output]]\nname = "a"\ntemplate = "b"\nto = "c"\nrun = "make all"', 'run of "a" is no list of words'),
        ('[[output]]\nname = "a"\ntemplate = "b"\nto = "c"\nrun = ["", "x"]', 'run of "a" is no list of words'),
        ('[[output]]\nname = "a/b"\ntemplate = "b"\nto = "c"', '"a/b" is no name for an output'),
        (
            '[[output]]\nname = "a"\ntemplate = "b"\nto = "c"\n[[output]]\nname = "a"\ntemplate = "b"\nto = "d"',
            'two outputs have name = "a"',
        ),
        (
            '[[output]]\nname = "a"\ntemplate = "b"\nto = "c"\n[[output]]\nname = "b"\ntemplate = "b"\nto = "c"',
            "two outputs have to =",
        ),
    ],
)
def test_a_mistake_is_told(text: str, said: str) -> None:
    with pytest.raises(Exception, match=r"confgen\.toml:1: output: ") as caught:
        parse(text, Path("/etc/confgen/confgen.toml"))
    assert said in str(caught.value)


def test_it_is_only_for_a_file_that_somebody_named() -> None:
    assert BY_NAME["outputs"].runs


def test_the_filters_take_any_text() -> None:
    for text in ("", "\x00\x1f\ud800'\"`$\\\n", "ä €", "-n"):
        assert json.loads(facts.json(Text(text))) == text
        assert "\n" not in facts.shell(Text(text))
        assert facts.word(Text(text)).isascii()


def test_render_check_and_plan_know_of_outputs(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    Path("confgen.toml").write_text('[[output]]\nname = "hosts"\ntemplate = "hosts.j2"\nto = "out/hosts"\n')
    Path("compose.yaml").write_text('services: {web: {image: a, labels: {confgen.host: a.example.com, confgen.port: "80"}}}\n')
    Path("hosts.j2").write_text("{% for route in routes %}{{ route.hosts[0] }}\n{% endfor %}")

    def ran(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "--config", "confgen.toml"], standalone_mode=False)
        return done.output if done.exception is None else str(done.exception)

    assert ran("render", "compose.yaml").endswith("# ---- output hosts\na.example.com\n")
    ran("render", "compose.yaml", "-o", "rendered")
    assert Path("rendered/outputs/hosts").read_text() == "a.example.com\n"
    assert "output hosts: fine; it has no check of its own" in ran("check", "compose.yaml")
    assert "output hosts, " in ran("templates", "check", "--proxy", "nginx")
    Path("hosts.j2").write_text("{{ nothing }}")
    said = ran("render", "compose.yaml")
    assert "'nothing' is undefined" in said
    assert not place.output.to.exists()
