"""What the pages tell people to write is what the program takes: commands, compose files, policies, labels of the migration."""

from __future__ import annotations

import fnmatch
import re
import shlex
import shutil
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from confgen.cli import cli
from confgen.observe.metrics import Metrics
from confgen.toml import parse as settings_file
from tests.certificates import one, put
from tests.e2e.stack import ROOT
from tests.e2e.test_pages import PAGES, text

OPERATORS = {"|", "||", "&&", ";", "&", ">", "<", "do", "then", "done", "fi", "$(", ")"}


@dataclass(frozen=True)
class Fence:
    """A fenced block.  mark: the comment right above it, as `<!-- fails: CG006 -->`."""

    page: Path
    line: int
    language: str
    body: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(page: Path) -> Iterator[Fence]:
    whole = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^(?:<!-- (.*) -->\n)?( *)```(\w*)\n(.*?)^ *```$", whole, re.MULTILINE | re.DOTALL):
        yield Fence(page, whole.count("\n", 0, found.start()) + 1, found[3], textwrap.dedent(found[4]), found[1] or "")


FENCES = [fence for page in PAGES for fence in fences(page)]


def script(fence: Fence) -> str:
    """The lines that a person would type."""
    if fence.language in {"sh", "bash", "shell"}:
        return fence.body
    return "\n".join(line[2:] for line in fence.body.splitlines() if line.startswith("$ ")) if not fence.language else ""


def calls(line: str) -> Iterator[list[str]]:
    """The words behind each `confgen` that a line runs, by itself or in a container."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    for place, word in enumerate(words):
        before = words[place - 1] if place else "|"
        run = before in OPERATORS or (before == "confgen" and words[place - 2] in {"exec", "run"})
        if word == "confgen" and place + 1 < len(words) and (run or words[place + 1] in cli.commands):
            rest = words[place + 1 :]
            end = next((n for n, other in enumerate(rest) if other in OPERATORS), len(rest))
            if rest[0] != "confgen":
                yield [word for word in rest[:end] if word != "…"]


def refused(words: list[str], *, named: bool = False) -> str:
    """What the real command line has against these words; "" for nothing.  Nothing is run.

    named: only a command or an option is named, as in a sentence, so what belongs to it may be left out.
    """
    if words[0] in {"--help", "--version"} or (named and words[-1] in cli.commands):
        return ""
    group: click.Command = cli
    names: list[str] = []
    while isinstance(group, click.Group):
        if not words or words[0] not in group.commands:
            return f"no such command: {' '.join([*names, *words[:1]])}"
        names.append(words[0])
        group, words = group.commands[words[0]], words[1:]
    context = click.Context(group, info_name=" ".join(names))
    try:
        given, rest, _ = group.make_parser(context).parse_args(list(words))
        for option in group.params:
            value = given.get(option.name or "")
            there = isinstance(value, str | tuple | list) and bool(value)
            if there and not isinstance(option.type, click.Path):
                option.type_cast_value(context, value)
            if option.required and not there:
                return f"{option.name} is missing"
    except click.BadOptionUsage as error:
        return "" if named and error.option_name == words[-1] else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return f"too many words: {rest}" if rest else ""


TYPED = [(fence, words) for fence in FENCES for line in script(fence).replace("\\\n", " ").splitlines() for words in calls(line)]
SPOKEN = [
    (page, shlex.split(span)[1:])
    for page in PAGES
    # `C` stands for confgen in its container, in docs/operations.md.
    for span in re.findall(r"(?<!`)`((?:confgen|C) [a-z][^`]*)`(?!`)", page.read_text(encoding="utf-8"))
]


def test_every_command_that_a_page_types_or_names_is_one_that_the_program_takes() -> None:
    assert len(TYPED) > 20
    assert len(SPOKEN) > 40
    wrong = [f"{where}: confgen {' '.join(words)}: {why}" for where, words in TYPED if (why := refused(words))]
    wrong += [f"{where}: confgen {' '.join(words)}: {why}" for where, words in SPOKEN if (why := refused(words, named=True))]
    assert not wrong


@pytest.mark.parametrize(
    "words", ["chek compose.yaml", "check --formt json", "check --format yaml", "health now", "rollback a b", "explain"]
)
def test_a_command_that_the_program_does_not_take_is_found(words: str) -> None:
    assert refused(words.split())


def test_commands_are_found_wherever_they_stand() -> None:
    assert list(calls("docker compose exec confgen confgen status | grep x && confgen check a.yaml")) == [
        ["status"],
        ["check", "a.yaml"],
    ]
    assert list(calls("docker compose logs confgen; docker run --rm confgen check b.yaml")) == [["check", "b.yaml"]]
    assert list(calls("confgen chek a.yaml")) == [["chek", "a.yaml"]]


# Compose files, and parts of them


def project(content: dict[str, Any]) -> dict[str, Any]:
    """A fragment as a whole compose file: the part that it shows, in the smallest project that holds it."""
    if "services" in content:
        return content
    if set(content) <= {"networks", "volumes"}:
        return {"services": {"app": {"image": "app"}}, **content}
    return {"services": {"app": {"image": "app", **content}}}


def check(folder: Path, content: object, *words: str) -> tuple[int, str]:
    """`confgen check`: its exit code and what it said."""
    (folder / "compose.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    done = CliRunner().invoke(cli, ["check", str(folder / "compose.yaml"), *words], standalone_mode=False)
    assert not done.exception, done.exception
    return done.return_value or 0, done.output


#: What a fragment of a compose file may begin with; whatever else is YAML belongs to CI or to Prometheus.
PARTS = {"services", "networks", "volumes", "labels", "healthcheck", "ports", "environment", "image"}

YAML = [(fence, yaml.safe_load(fence.body)) for fence in FENCES if fence.language in {"yaml", "yml"}]
COMPOSED = [fence for fence, content in YAML if isinstance(content, dict) and set(content) <= PARTS]


def nested(content: object) -> Iterator[tuple[str, Any]]:
    """Every key of a document with its value, however deep."""
    for item in content if isinstance(content, list) else [content]:
        for key, value in item.items() if isinstance(item, dict) else ():
            yield str(key), value
            yield from nested(value)


def test_what_ci_is_given_is_there() -> None:
    action = yaml.safe_load(text("action.yml"))
    hooks = {hook["id"] for hook in yaml.safe_load(text(".pre-commit-hooks.yaml"))}
    steps = [item for _, content in YAML for key, value in nested(content) if key == "steps" for item in value]
    ours = [step for step in steps if "/confgen@" in step.get("uses", "")]
    assert ours
    assert all(set(step["with"]) <= set(action["inputs"]) for step in ours)
    used = [hook["id"] for _, content in YAML for key, value in nested(content) if key == "hooks" for hook in value]
    assert used
    assert set(used) <= hooks
    scripts = [line for _, content in YAML for key, value in nested(content) if key == "script" for line in value]
    run = [words for line in (*scripts, *(step.get("run", "") for step in steps)) for words in calls(line)]
    assert len(run) > 1
    assert not [refused(words) for words in run if refused(words)]


@pytest.mark.parametrize("fence", COMPOSED, ids=str)
def test_every_compose_fragment_is_checked(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_GID", "0")
    content = project(yaml.safe_load(fence.body))
    code, said = check(tmp_path, content, "--certificates", str(certified(tmp_path)), "--users", str(users(tmp_path)))
    codes = set(re.findall(r"CG[0-9]{3}", fence.mark)) if fence.mark.startswith("fails:") else set()
    assert set(re.findall(r": (CG[0-9]{3}) ", said)) == codes, said
    assert code == bool(codes), said
    for service in content["services"].values():
        if service.get("image") == "confgen" and service.get("command"):
            assert not refused(list(service["command"]))


@pytest.mark.parametrize("fence", [fence for fence in FENCES if fence.language == "toml"], ids=str)
def test_every_policy_and_every_file_of_settings_is_taken(fence: Fence, tmp_path: Path) -> None:
    if "allow" not in tomllib.loads(fence.body):
        assert settings_file(fence.body, tmp_path / "confgen.toml")
        return
    (tmp_path / "policy.toml").write_text(fence.body, encoding="utf-8")
    code, said = check(tmp_path, {"services": {"app": {"image": "app"}}}, "--policy", str(tmp_path / "policy.toml"))
    assert code == 0, said


# What the program is shown to answer, where it needs no engine


def example(folder: Path) -> None:
    shutil.copytree(ROOT / "examples/06-one-shot-ci", folder, dirs_exist_ok=True)


def example_changed(folder: Path) -> None:
    """The label that docs/ci.md's plan is about was changed after the text was rendered."""
    example(folder)
    CliRunner().invoke(cli, ["render", "compose.yaml", "-o", "rendered"], standalone_mode=False)
    file = folder / "compose.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("leastconn", "roundrobin"), encoding="utf-8")


def begun_with_a_mistake(folder: Path) -> None:
    """The project of docs/start.md, with the host that it warns of."""
    whole, *_, own = (fence.body for fence in fences(ROOT / "docs/start.md") if fence.language == "yaml")
    (folder / "compose.yaml").write_text(whole, encoding="utf-8")
    (folder / "compose.override.yaml").write_text(own.replace("blog.example.com", "my_blog.localhost"), encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "prepare"), [("docs/cli.md", example), ("docs/ci.md", example_changed), ("docs/start.md", begun_with_a_mistake)]
)
def test_answers_that_pages_show_are_what_the_program_prints(
    page: str, prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ci"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DOCKER_GID", "0")
    monkeypatch.setenv("PATH", "/nowhere")  # no proxy is installed there
    prepare(folder)
    shown = 0
    for fence in fences(ROOT / page):
        for command, answer in re.findall(
            r"^\$ (confgen (?:check|render|plan|templates) .*)\n((?:[^$].*\n|\n)*)", fence.body, re.MULTILINE
        ):
            done = CliRunner().invoke(cli, shlex.split(command)[1:], standalone_mode=False)
            missing = [line for line in answer.splitlines() if line not in done.output.splitlines()]
            assert not missing, f"{fence}: {command}\n{done.output}"
            shown += 1
    assert shown


def test_metrics_that_pages_name_are_there() -> None:
    known = re.findall(r"^# (?:HELP|TYPE) (confgen_\w+)", Metrics().text().decode(), re.MULTILINE)
    for page in PAGES:
        named = set(re.findall(r"[`\s(](confgen_[a-z_]+)(?=[`{\s])", page.read_text(encoding="utf-8")))
        assert named <= set(known), page


# Labels of the migration


def certified(folder: Path) -> Path:
    (folder / "certificates").mkdir()
    put(folder / "certificates", "shared.pem", one("example.com", "*.example.com"))
    return folder / "certificates"


def users(folder: Path) -> Path:
    shutil.copytree(ROOT / "examples/08-passwords-and-limits/users", folder / "users")
    return folder / "users"


def rows() -> list[tuple[str, str, str]]:
    """The tables of docs/migration.md: theirs, ours, what differs."""
    found = []
    for line in text("docs/migration.md").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[1] not in {"confgen", "---"}:
            found.append((cells[0], cells[1], cells[2]))
    return found


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_row_of_the_migration_says_what_it_is_here_or_that_there_is_nothing() -> None:
    flags = {flag for option in cli.commands["watch"].params for flag in (*option.opts, *option.secondary_opts)}
    assert len(rows()) > 90
    for theirs, ours, differs in rows():
        said = spans(ours)
        assert ours == "none" or (said and all(span.startswith("confgen.") or span in flags for span in said)), theirs
        assert {span for span in spans(differs) if span.startswith("--")} <= flags, theirs


def labels(number: int, said: list[str]) -> dict[str, str]:
    """The labels of a row, with a host and a port of its own, so that all rows fit into one project."""
    found: dict[str, str] = {}
    for span in said:
        mine = re.sub(r"(\*|\b[ab])\.example\.com", rf"\1.r{number}.example.com", span)
        mine = re.sub(r"^(confgen\.(?:tcp|udp))\.[0-9]+", rf"\1.{20000 + number}", mine)
        found |= {key: str(value) for key, value in yaml.safe_load(mine).items()}
    if not any(key.startswith(("confgen.routes.", "confgen.tcp.", "confgen.udp.")) for key in found):
        found = {"confgen.host": f"r{number}.example.com", "confgen.port": "80"} | found
    return found


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_every_label_of_the_migration_is_taken(proxy: str, tmp_path: Path) -> None:
    other = {"nginx": "HAProxy", "haproxy": "nginx"}[proxy]
    services = {}
    for number, (_, ours, differs) in enumerate(rows()):
        said = [span for span in (*spans(ours), *spans(differs)) if span.startswith("confgen.") and ": " in span]
        if said and f"{other} alone" not in differs:
            services[f"r{number}"] = {"image": "app", "labels": labels(number, said), "networks": ["default", "edge"]}
    assert len(services) > 80
    content = {"services": services, "networks": {"edge": {"name": "edge"}}}
    given = ["--proxy", proxy, "--certificates", str(certified(tmp_path)), "--users", str(users(tmp_path))]
    code, said = check(tmp_path, content, *given)
    assert code == 0, said


# Files


def test_source_files_that_pages_name_by_the_end_of_their_path_exist() -> None:
    there = [
        "/" + str(file.relative_to(ROOT))
        for folder in ("confgen", "templates", "tests", "examples", "docs")
        for file in (ROOT / folder).rglob("*.*")
    ]
    missing = {
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        for name in re.findall(r"`((?:[\w*-]+/)*[\w*-]+\.(?:py|j2))`", page.read_text(encoding="utf-8"))
        if not name.startswith(("my-", "my/")) and not fnmatch.filter(there, f"*/{name}")
    }
    assert not missing


def test_make_targets_and_modules_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    for page in PAGES:
        whole = page.read_text(encoding="utf-8")
        spans_and_scripts = re.findall(r"`([^`\n]+)`", whole) + [script(fence) for fence in fences(page)]
        for span in spans_and_scripts:
            assert set(re.findall(r"(?:^|&& )make ([a-z]+)", span, re.MULTILINE)) <= targets, f"{page}: {span}"
            for module in re.findall(r"-m ((?:tests|confgen)[\w.]*)", span):
                path = ROOT / module.replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page}: {module}"
