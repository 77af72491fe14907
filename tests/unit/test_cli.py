"""The command line: exit codes, what goes to stdout and what to stderr, and help that is quick and has examples."""

from __future__ import annotations

import gc
import json
import os
import re
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml

from confgen import cli
from confgen.codec import encode
from confgen.render import shipped
from confgen.targets.folder import Folder
from confgen.want import look_into
from tests.unit import facts

FINE, PROBLEMS, CHANGES, USAGE, INPUT, UNAVAILABLE, BUG = 0, 1, 2, 64, 65, 69, 70
COMPOSE = "services:\n  web:\n    labels: {confgen.host: shop.example.com, confgen.port: 8080}\n"
WRONG = COMPOSE + "  bad:\n    labels: {confgen.host: bad.example.com}\n"
COMMANDS = ["watch", "render", "check", "plan", "explain", "status", "history", "rollback", "health", "init"]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `confgen ...` in a folder of its own, with no engine to be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/absent.sock")

    def running(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["confgen", *map(str, arguments)])
        code: int | str | None = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        assert code is not None, "main ends with an exit code"
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ResourceWarning
            )  # the library leaves a socket that could not connect to the collector
            gc.collect()
        out, err = capsys.readouterr()
        return Ended(int(code), out, err)

    return running


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE)
    return file


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    return file


# --- help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example_that_names_it(run: Run, command: str) -> None:
    found = run(command, "--help")
    assert found.code == FINE
    assert f"Example: confgen {command}" in found.out
    assert run(command, "-h").out == found.out


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands(cli.cli))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_help_of_every_command_says_what_it_is_for_how_it_is_used_and_how_it_ends(run: Run, path: tuple[str, ...]) -> None:
    out = run(*path, "--help").out
    assert re.search(r"\n\n  [A-Z0-9][^.;]{20,}[.;]", out), "a sentence"
    assert f"Example: confgen {' '.join(path)}" in out
    told = out.split("\nExit codes:\n")[1]
    codes = [int(code) for code in re.findall(r"^  ([0-9]+) ", told, re.MULTILINE)]
    assert codes[0] == FINE
    assert codes == sorted(set(codes))
    assert set(codes) <= {0, 1, 2, 64, 65, 69, 73, 75}


def test_every_option_says_what_it_is_for() -> None:
    for command in cli.cli.commands.values():
        for option in (p for p in command.params if isinstance(p, click.Option)):
            assert option.help, (command.name, option.name)


def test_the_help_names_every_command_in_the_order_in_which_one_meets_them(run: Run) -> None:
    out = run("--help").out
    assert [out.index(f"\n  {name} ") for name in COMMANDS] == sorted(out.index(f"\n  {name} ") for name in COMMANDS)
    assert COMMANDS[0] == "watch"


def test_help_pays_for_nothing_that_it_does_not_need() -> None:
    """0.13 s for docker, jinja2 and rich on every --help and health check (measured)."""
    heavy = ("docker", "requests", "jinja2", "rich", "yaml", "watchdog")
    code = (
        "import sys; sys.argv = ['confgen', '--help']\n"
        "from confgen.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print([m for m in {heavy} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_check_in_ci_pays_for_no_engine_no_terminal_and_no_certificates(compose: Path) -> None:
    """`make bench ONLY=check` has the time."""
    heavy = ("docker", "requests", "rich", "watchdog", "cryptography", "prometheus_client", "asyncio")
    code = (
        f"import sys; sys.argv = ['confgen', 'check', {str(compose)!r}]\n"
        "from confgen.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print([m for m in {heavy} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version(run: Run) -> None:
    assert run("--version").out.startswith("confgen, version ")


# --- exit codes ---


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nope",), ("nope",), ("render", "--nope"), ("render", "--proxy", "apache"), ("watch", "--http-port", "0"), ("watch", "--http-port", "x"), ("render", "--http-port", "443"), ("explain",),
        ("render", "--templates", "absent"), ("watch", "--access-log", "loud"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_64_and_told(run: Run, arguments: tuple[str, ...]) -> None:
    found = run(*arguments)
    assert found.code == USAGE
    assert found.err
    assert "Traceback" not in found.err


@pytest.mark.parametrize("command", ["render", "plan"])
@pytest.mark.parametrize("text", [None, "a: [", "services: []", "\xff"])
def test_a_file_that_cannot_be_read_is_65_and_named(run: Run, tmp_path: Path, command: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / "x.yaml").write_bytes(text.encode("latin-1"))
    found = run(command, "x.yaml")
    assert (found.code, found.out) == (INPUT, "")
    assert "x.yaml" in found.err


@pytest.mark.parametrize("style", ["text", "json", "github", "sarif", "junit"])
@pytest.mark.parametrize("text", [None, "a: [", "services: []", "\xff"])
def test_to_check_a_file_that_cannot_be_read_is_65_and_a_finding(run: Run, tmp_path: Path, style: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / "x.yaml").write_bytes(text.encode("latin-1"))
    found = run("check", "x.yaml", "--format", style)
    assert (found.code, found.err) == (INPUT, "")
    assert "x.yaml" in found.out
    assert "CG203" in found.out


@pytest.mark.parametrize("arguments", [("watch", "--once"), ("status",), ("plan",), ("render",), ("check",), ("explain", "web")])
def test_an_engine_that_is_not_there_is_69_with_what_to_do(run: Run, arguments: tuple[str, ...]) -> None:
    found = run(*arguments)
    assert (found.code, found.out) == (UNAVAILABLE, "")
    assert "absent.sock is not there" in found.err
    assert "DOCKER_HOST" in found.err


@pytest.mark.parametrize("version", ["x", "9", "0.1", "1.30; }"])
def test_a_version_that_is_none_is_told(run: Run, compose: Path, version: str) -> None:
    found = run("render", compose, "--proxy", "nginx", "--proxy-version", version)
    assert found.code in (FINE, INPUT, USAGE)
    assert "Traceback" not in found.err
    assert version != "x" or found.code != FINE


def test_a_template_with_a_mistake_is_65_with_file_and_line(run: Run, compose: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for kind in ("nginx/nginx.conf.j2", "nginx.conf.j2"):
        (folder / kind).parent.mkdir(exist_ok=True)
        (folder / kind).write_text("\n{{ nope }}\n")
    found = run("render", compose, "--proxy", "nginx", "--templates", folder)
    assert found.code == INPUT
    assert "nginx.conf.j2:2: 'nope' is undefined" in found.err


def test_a_bug_is_70_and_told_as_one(run: Run, compose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confgen.want.offline", lambda *_: 1 / 0)
    found = run("render", compose)
    assert found.code == BUG
    assert "ZeroDivisionError" in found.err
    assert "this is a bug" in found.err


# --- render ---


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_render_prints_the_text_and_nothing_else(run: Run, compose: Path, proxy: str) -> None:
    found = run("render", compose, "--proxy", proxy)
    assert (found.code, found.err) == (FINE, "")
    assert "shop.example.com" in found.out
    assert run("render", compose, "--proxy", proxy).out == found.out


def test_problems_go_to_stderr_and_make_1(run: Run, wrong: Path, compose: Path) -> None:
    found = run("render", wrong, "--proxy", "nginx")
    assert found.code == PROBLEMS
    assert "CG121 service bad" in found.err
    assert "add the label confgen.port" in found.err
    assert found.out.replace(found.out.split("generation ")[1][:16], "") == (
        (fine := run("render", compose, "--proxy", "nginx").out).replace(fine.split("generation ")[1][:16], "")
    ), "and nobody else loses a byte"


def test_render_as_json(run: Run, compose: Path) -> None:
    found = json.loads(run("render", compose, "--proxy", "haproxy", "--json").out)
    assert (found["proxy"], len(found["generation"])) == ("haproxy", 16)
    assert "haproxy.cfg" in found["files"]


def test_render_into_a_folder(run: Run, compose: Path, tmp_path: Path) -> None:
    found = run("render", compose, "--proxy", "nginx", "-o", tmp_path / "out")
    assert (found.code, found.out) == (FINE, "")
    assert (tmp_path / "out" / "nginx.conf").read_text() == run("render", compose, "--proxy", "nginx").out
    (tmp_path / "file").write_text("")
    found = run("render", compose, "--proxy", "nginx", "-o", tmp_path / "file" / "out")
    assert found.code == USAGE
    assert "cannot be written" in found.err


def test_a_full_disk_costs_no_file_that_was_there(compose: Path, tmp_path: Path) -> None:
    """As where the disk ends, a file here may have no more than 1,000 bytes (setrlimit(2))."""
    kept, out = "# what serves now\n", tmp_path / "out"
    out.mkdir()
    (out / "nginx.conf").write_text(kept)
    found = subprocess.run(
        [sys.executable, "-B", "-m", "confgen", "render", compose, "--proxy", "nginx", "-o", out],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    assert found.returncode == USAGE
    assert "nginx.conf cannot be written: File too large\n  make room there" in found.stderr
    assert {file.name: file.read_text() for file in out.iterdir()} == {"nginx.conf": kept}


def test_what_is_written_goes_where_a_link_leads_and_keeps_mode_and_owner(run: Run, compose: Path, tmp_path: Path) -> None:
    there, out = tmp_path / "there.conf", tmp_path / "out"
    out.mkdir()
    there.write_text("")
    there.chmod(0o600)
    owner = 1234 if os.geteuid() == 0 else os.geteuid()  # only root can give a file away
    os.chown(there, owner, -1)
    (out / "nginx.conf").symlink_to(there)
    assert run("render", compose, "--proxy", "nginx", "-o", out).code == FINE
    assert (out / "nginx.conf").is_symlink()
    assert "listen" in there.read_text()
    assert there.stat().st_mode & 0o777 == 0o600
    assert there.stat().st_uid == owner


def test_what_cannot_be_replaced_is_written_in_place(run: Run, compose: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / "nginx.conf")
    reader = os.open(out / "nginx.conf", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("render", compose, "--proxy", "nginx", "-o", out).code == FINE
        assert b"listen" in os.read(reader, 65536)
    finally:
        os.close(reader)
    assert [file.name for file in out.iterdir()] == ["nginx.conf"]
    assert (out / "nginx.conf").is_fifo()


def test_files_are_merged(run: Run, compose: Path, tmp_path: Path) -> None:
    (tmp_path / "over.yaml").write_text("services:\n  web:\n    labels: [confgen.host=other.example.com]\n")
    out = run("render", compose, "over.yaml", "--proxy", "nginx").out
    assert "other.example.com" in out
    assert "shop.example.com" not in out


def test_the_environment_sets_what_no_flag_says(run: Run, compose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFGEN_PROXY", "haproxy")
    monkeypatch.setenv("CONFGEN_HTTP_PORT", "8081")
    assert "bind :8081" in run("render", compose).out
    assert "listen 8081" in run("render", compose, "--proxy", "nginx").out
    assert "listen 8082" in run("render", compose, "--proxy", "nginx", "--http-port", "8082").out
    monkeypatch.setenv("CONFGEN_PREFIX", "edge")
    assert "shop.example.com" not in run("render", compose).out


def test_a_reader_that_has_seen_enough_is_no_error(compose: Path) -> None:
    command = f"{sys.executable} -m confgen render {compose} --proxy nginx; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; ({command}) | head -c 10"], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines() == ["0"]


# --- check ---


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_check_without_the_program_says_that_it_was_not_tested(
    run: Run, compose: Path, wrong: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = run("check", compose, "--proxy", proxy)
    assert (found.code, found.err) == (FINE, "")
    assert "fine, 1 route;" in found.out
    assert "not installed here" in found.out
    found = run("check", wrong, "--proxy", proxy)
    assert found.code == PROBLEMS
    assert "CG121 service bad" in found.out


def test_check_as_json(run: Run, wrong: Path) -> None:
    (found,) = json.loads(run("check", wrong, "--proxy", "nginx", "--format", "json").out)
    assert [p["code"] for p in found["problems"]] == ["CG121"]


@pytest.mark.parametrize(
    ("option", "file"), [("--templates", "nginx/location.j2"), ("--snippets", "nginx/location/web.default.conf")]
)
def test_doctor_knows_a_hole_that_only_text_of_ones_own_meets(run: Run, tmp_path: Path, option: str, file: str) -> None:
    world = tmp_path / "world.yaml"
    world.write_text(
        "services:\n  proxy: {image: 'nginx:1.26.2', labels: {confgen.proxy: nginx}}\n"
        "  web: {image: app, labels: {confgen.host: a.example.com, confgen.port: '80'}}\n"
    )
    mine = tmp_path / "mine" / file
    mine.parent.mkdir(parents=True)
    shipped_one = shipped() / file
    mine.write_text(shipped_one.read_text() if shipped_one.exists() else "rewrite ^/(.*)$ /x/$1? break;\n")
    assert "CVE-2026-42945" not in run("doctor", world).out
    assert "CVE-2026-42945" in run("doctor", world, option, tmp_path / "mine").out


def test_what_only_names_forbid_is_no_problem_of_what_watch_will_do(run: Run, tmp_path: Path) -> None:
    """nginx before 1.27.3 cannot balance DNS names; followed, the containers have addresses."""
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n  web:\n    image: web\n    expose: ['80']\n"
        "    labels: {confgen.host: a.test, confgen.balance: leastconn, confgen.slow-start: 5s}\n"
    )
    found = run("check", file, "--proxy", "nginx", "--proxy-version", "1.26")
    assert found.code == PROBLEMS, "for the slow start, which it never has"
    assert "only where `render` writes names for addresses: " in found.out
    assert found.out.count("CG004") == 2
    file.write_text(file.read_text().replace(", confgen.slow-start: 5s", ""))
    found = run("check", file, "--proxy", "nginx", "--proxy-version", "1.26")
    assert (found.code, found.out.count("CG004")) == (FINE, 1)
    assert run("render", file, "--proxy", "nginx", "--proxy-version", "1.26").code == PROBLEMS


def test_check_leaves_nothing_behind(run: Run, compose: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    run("check", compose, "--proxy", "nginx")
    assert set(tmp_path.iterdir()) == before


# --- plan ---


def test_plan_is_2_while_something_would_change_and_then_0(run: Run, compose: Path, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    found = run("plan", compose, "--proxy", "nginx", "--directory", folder)
    assert found.code == CHANGES
    assert "add pool" in found.out
    assert run("init", "--volume", folder, "--proxy", "nginx").code == FINE
    assert run("plan", compose, "--proxy", "nginx", "--directory", folder).code == CHANGES
    (tmp_path / "nothing.yaml").write_text("")
    found = run("plan", "nothing.yaml", "--proxy", "nginx", "--directory", folder)
    assert (found.code, "nothing to change" in found.out) == (FINE, True)


def test_plan_as_json(run: Run, compose: Path, tmp_path: Path) -> None:
    (found,) = json.loads(run("plan", compose, "--proxy", "nginx", "--directory", tmp_path, "--json").out)
    assert found["impact"] == "reload"
    assert {c["verb"] for c in found["changes"]} == {"add"}


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
@pytest.mark.parametrize("direct", [False, True])
def test_init_writes_what_check_and_doctor_have_nothing_against(run: Run, tmp_path: Path, proxy: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("DOCKER_GID", "999")
    found = run("init", "--proxy", proxy, "-o", "shop", *(["--direct"] if direct else []))
    assert (found.code, found.out) == (FINE, "")
    file = tmp_path / "shop" / "compose.yaml"
    assert run("check", file).code == FINE
    told = run("doctor", file)
    assert (told.code, "rules the engine" in told.out) == ((PROBLEMS, True) if direct else (FINE, False))
    assert "{%" not in file.read_text()
    assert "{{" not in file.read_text()


@pytest.mark.parametrize("name", ["compose.yaml", "start-nginx.sh", "docker-compose.yml"])
def test_init_writes_over_nothing(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    found = run("init", "--proxy", "nginx")
    assert found.code == USAGE
    assert f"{name} is there already; nothing was written" in found.err
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_init_takes_the_version_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    assert run("init", "--proxy", "haproxy", "--proxy-version", "3.0").code == FINE
    assert "image: haproxy:3.0\n" in (tmp_path / "compose.yaml").read_text()
    assert run("init", "--proxy", "nginx", "--proxy-version", "x", "-o", "other").code != FINE
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("direct", [False, True])
def test_init_writes_the_settings_that_were_given(
    run: Run, tmp_path: Path, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_GID", "999")
    given = ("--http-port", "8080", "--https-port", "8443", "--no-ipv6", "--access-log", "json")
    assert run("init", "--proxy", "nginx", "-o", "shop", *given, *(["--direct"] if direct else [])).code == FINE
    file = tmp_path / "shop" / "compose.yaml"
    said = yaml.safe_load(file.read_text())["services"]
    assert said["proxy"]["ports"] == ["${HTTP_PORT:-8080}:8080", "${HTTPS_PORT:-8443}:8443"]
    assert said["proxy"]["environment"] == {"CONFGEN_HTTP_PORT": "8080"}, "its skeleton is behind the published port too"
    made = {name: value for name, value in said["confgen"]["environment"].items() if name.startswith("CONFGEN_")}
    assert made == {
        "CONFGEN_HTTP_PORT": "8080",
        "CONFGEN_HTTPS_PORT": "8443",
        "CONFGEN_IPV6": "false",
        "CONFGEN_ACCESS_LOG": "json",
    }
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    text = run("render", file).out
    assert ("listen 8080" in text, "[::]" in text) == (True, False)
    assert "curl http://shop.localhost:8080/" in file.read_text()


def applied(folder: Folder, *generations: str) -> None:
    """As if these had been live, one after the other."""
    live = facts.model(facts.container("web", {"host": "shop.example.com", "port": "80"}))
    for generation in generations:
        folder.stage(generation, {"model.json": json.dumps(encode(live)).encode()})
        folder.swap(generation)
        os.utime(folder.generations / generation, (int(generation[:4]), int(generation[:4])))


def test_where_several_proxies_have_a_folder_one_has_to_be_named(run: Run, tmp_path: Path) -> None:
    nginx, haproxy = Folder(tmp_path / "shared/nginx"), Folder(tmp_path / "shared/haproxy")
    applied(nginx, "0001456789abcdef", "0002456789abcdef")
    applied(haproxy, "0003456789abcdef")
    for words in (("history",), ("rollback",), ("rollback", "--release"), ("rollback", "0003456789abcdef")):
        ended = run(*words, "--directory", tmp_path / "shared")
        assert (ended.code, ended.out) == (USAGE, "")
        assert f"2 proxies have a folder in {tmp_path}/shared" in ended.err
        assert f"--directory {haproxy.path} or --directory {nginx.path}" in ended.err
    assert "0002456789abcdef" in run("history", "--directory", nginx.path).out
    assert run("rollback", "--directory", nginx.path).code == FINE
    assert (nginx.recall("asked/pin"), haproxy.recall("asked/pin")) == (b"0001456789abcdef\n", b"")


def test_the_folder_of_the_only_proxy_below_is_meant(run: Run, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "shared/edge")
    applied(folder, "0001456789abcdef", "0002456789abcdef")
    assert "0002456789abcdef" in run("history", "--directory", tmp_path / "shared").out
    assert f"pinned in {folder.path}" in run("rollback", "--release", "--directory", tmp_path / "shared").err
    assert run("rollback", "--directory", tmp_path / "shared").code == FINE
    assert folder.recall("asked/pin") == b"0001456789abcdef\n"
    assert "released" in run("rollback", "--release", "--directory", tmp_path / "shared").err
    assert folder.recall("asked/pin") == b""


def test_init_makes_a_folder_bootable_once(run: Run, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "volume")
    assert run("init", "--volume", folder.path, "--proxy", "haproxy").code == FINE
    live = folder.live()
    assert folder.read(live)["haproxy.cfg"]
    assert look_into(folder).model.routes() == ()
    found = run("init", "--volume", folder.path, "--proxy", "nginx")
    assert (found.code, "nothing was changed" in found.err, folder.live()) == (FINE, True, live)


@pytest.mark.parametrize("below", [".", "edge"])
def test_status_without_an_engine_shows_what_was_applied_last(run: Run, tmp_path: Path, below: str) -> None:
    folder = Folder(tmp_path / "shared" / below)
    applied(folder, "0123456789abcdef")
    ended = run("status", "--directory", tmp_path / "shared")
    assert ended.code == UNAVAILABLE
    assert "generation 0123456789abcdef was applied last" in ended.out
    assert "shop.example.com" in ended.out
    assert "absent.sock is not there" in ended.err
    assert not run("status", "--json", "--directory", tmp_path / "shared").out, "half an answer would be taken for a whole one"
