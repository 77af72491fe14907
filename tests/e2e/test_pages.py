"""The pages are true: links lead somewhere, and what they list is what the code has."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from confgen import errors
from confgen.cli import cli
from confgen.proxies import PROXIES
from tests.bed import venv
from tests.bed.shell import BedError, alone
from tests.e2e.stack import ROOT

PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/README.md"), ROOT / "templates/README.md")
    if page.is_file()
)


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub names them in links."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_tells_the_figures_of_the_benchmark() -> None:
    told = re.findall(r"\b[0-9]+ of [0-9,]+\b", text("README.md"))
    assert told
    assert [figure for figure in told if f"| {figure} |" not in text("docs/benchmarks.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} in {page}"
        assert not anchor or anchor in anchors(there), f"{target} in {page}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for path in re.findall(r"`((?:confgen|templates|tests|docs|examples)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), f"{path} in {page}"


def test_every_command_and_option_is_listed() -> None:
    page, settings = text("docs/cli.md"), text("docs/settings.md")
    for name, command in cli.commands.items():
        assert f"\nconfgen {name} " in page
        assert f"\n## {name}\n" in page
        for option in command.params:
            said = [*option.opts, *option.secondary_opts]
            listed = any(re.search(rf"{word}(?![\w-])", page + settings) for word in said)
            assert listed or not isinstance(option, click.Option), f"{name} {said}"


def test_every_exit_code_is_listed() -> None:
    raised = {
        error.exit_code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.ConfgenError)
    }
    listed = set(map(int, re.findall(r"^\| ([0-9]+) \|", text("docs/cli.md"), re.MULTILINE)))
    assert raised <= listed


@pytest.mark.parametrize("name", sorted(PROXIES))
def test_the_template_contract_has_every_template(name: str) -> None:
    contract = text("templates/README.md")
    assert {file.name for file in (ROOT / "templates" / name).glob("*.j2") if f"`{file.name}`" not in contract} == set()


def test_every_dependency_has_its_reason_and_its_place() -> None:
    table = text("docs/decisions.md").split("|---|---|---|\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([a-z0-9-]+)(?: ≥ [0-9.]+)? \|.*\| (.*?) \|$", table, re.MULTILINE)
    needed = tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]
    assert {name for name, _ in rows} == {re.match(r"[a-z0-9-]+", line)[0] for line in needed}  # type: ignore[index]
    for name, places in rows:
        packages = {
            line
            for line in (importlib.metadata.distribution(name).read_text("top_level.txt") or name.replace("-", "_")).split()
            if line[0] != "_"
        }
        pattern = rf"^\s*(?:import|from) ({'|'.join(packages)})\b"
        importing = {
            str(file.relative_to(ROOT / "confgen"))
            for file in (ROOT / "confgen").rglob("*.py")
            if re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
        }
        assert importing == set(re.findall(r"`(.*?)`", places)), name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as `make docs` builds them, from a cold start."""
    try:
        with alone("site"):
            folder = venv.ensure_site()
    except BedError as error:
        pytest.skip(f"the packages that build the site cannot be had: {error}")
    built = tmp_path_factory.mktemp("site")
    (recipe,) = re.findall(r"^docs:.*\n\t.*?(-m sphinx .*)", text("Makefile"), re.MULTILINE)
    words = recipe.replace("-d build/doctrees", f"-d {built / 'doctrees'}").split()
    assert words.pop() == "site"
    done = subprocess.run(
        [folder / "bin/python", *words, built / "site"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return built / "site"


def test_the_site_builds_without_a_warning_and_has_every_page(site: Path) -> None:
    for page in PAGES:
        assert (site / page.relative_to(ROOT)).with_suffix(".html").is_file(), page


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=.(?:https?:)?//[^>]*", html), page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style


def test_every_page_is_named_in_the_index() -> None:
    named = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)", text("docs/index.md"))}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {page.name for page in named} == {"index.md"}


def test_every_example_is_in_the_list() -> None:
    listed = set(re.findall(r"^\| \[([\w-]+)\]", text("examples/README.md"), re.MULTILINE))
    assert listed == {folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir()}


def test_the_architecture_has_every_room_and_the_walls_that_are_checked() -> None:
    page = text("docs/architecture.md")
    rooms = {path.name + "/" * path.is_dir() for path in (ROOT / "confgen").iterdir() if not path.name.startswith("__")}
    assert {room for room in rooms - {"py.typed"} if f"`{room}" not in page} == set()
    walls = page.split("### Who may know whom\n```\n")[1].split("```")[0]
    layers = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    assert " ".join(walls.split()) == " > ".join(layer for layer in layers if layer != "__main__")
