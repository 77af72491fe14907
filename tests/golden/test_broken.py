"""Compose files that are wrong in one way each: what `check` prints of them, and that its mend mends.

    Words about the mistake.
    ---- compose.yaml ----
    ---- check OPTIONS ----            what it prints; the options are what else it is given
    ---- mend: words of the hint ----  the lines that go (-) and come (+), as the hint says

The first line that goes, or the one above the first that comes, is the line that the message has to name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from confgen.cli import cli
from tests import certificates
from tests.golden.story import Story

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.story"))
BROKEN = [pytest.param(file, id=file.stem) for file in FILES]
#: The certificate that the folder of --certificates has.
COVERED = ("shop", "shop.example.com")


class Broken(NamedTuple):
    """text: the file.  options: what `check` is given beside it.  printed: what it says.  words: the part of its hint that mends."""

    story: Story
    text: str
    options: tuple[str, ...]
    printed: str
    words: str
    edits: tuple[str, ...]

    @classmethod
    def read(cls, file: Path) -> Broken:
        story = Story.read(file)
        (_, text), (check, printed), (mend, edits) = story.parts
        options = tuple(check.split()[1:])
        return cls(story, text, options, printed, mend.removeprefix("mend: "), tuple(edits.splitlines()))

    @property
    def gone(self) -> list[str]:
        return [line[1:] for line in self.edits if line.startswith("-")]

    @property
    def come(self) -> list[str]:
        return [line[1:] for line in self.edits if line.startswith("+")]

    @property
    def context(self) -> str:
        """The line below which something comes, where nothing goes."""
        return next((line[1:] for line in self.edits if line.startswith(" ")), "")

    @property
    def line(self) -> int:
        return self.text.splitlines().index((self.gone or [self.context])[0]) + 1

    @property
    def mended(self) -> str:
        """The text after its edits, which follow each other down the file."""
        lines, at = self.text.splitlines(), 0
        for edit in self.edits:
            if edit.startswith("+"):
                lines.insert(at, edit[1:])
                at += 1
            else:
                at = lines.index(edit[1:], at)
                at += 1 if edit.startswith(" ") else 0
                lines[at : at + edit.startswith("-")] = []
        return "\n".join(lines) + "\n"


Check = Callable[..., str]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """What `confgen check` prints of a text; with --certificates there is one."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    certificates.put(folder / "certificates", f"{COVERED[0]}.pem", certificates.one(*COVERED[1:]))

    def checking(text: str, *options: str) -> str:
        Path("compose.yaml").write_text(text, encoding="utf-8")
        done = CliRunner().invoke(cli, ["check", "compose.yaml", *options], standalone_mode=False)
        assert done.exception is None, done.exception
        return done.stdout

    return checking


def test_there_are_as_many_as_there_are_ways_to_go_wrong() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize("file", BROKEN)
def test_it_is_told_as_it_is_written(file: Path, check: Check, request: pytest.FixtureRequest) -> None:
    broken = Broken.read(file)
    printed = check(broken.text, *broken.options)
    if request.config.getoption("--rewrite", default=False):
        parts = [(title, printed if title.startswith("check") else text) for title, text in broken.story.parts]
        file.write_text(str(Story(broken.story.words, tuple(parts))), encoding="utf-8")
        return
    assert printed == broken.printed, "see what changed with: make golden"


@pytest.mark.parametrize("file", BROKEN)
def test_it_names_the_line_and_what_to_write_there(file: Path) -> None:
    broken = Broken.read(file)
    assert re.search(rf"^compose\.yaml:{broken.line}: CG[0-9]{{3}} ", broken.printed, re.MULTILINE), broken.line
    hints = re.findall(r"^  (.*)", broken.printed, re.MULTILINE)
    assert any(broken.words in hint for hint in hints), hints
    written = "\n".join(broken.come)
    for word in re.findall(r'"(.*?)"', broken.words):
        assert word in written, "the mend is what the hint says"


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
@pytest.mark.parametrize("file", BROKEN)
def test_the_mend_mends(file: Path, proxy: str, check: Check) -> None:
    broken = Broken.read(file)
    options = broken.options if "confgen.proxy" in broken.mended else (*broken.options, "--proxy", proxy)
    printed = check(broken.mended, *options)
    assert re.fullmatch(r"\w+ [0-9.]+: fine, [1-9] routes?; .*\n", printed), printed


@pytest.mark.parametrize("file", BROKEN)
def test_ci_gets_the_same_place(file: Path, check: Check) -> None:
    broken = Broken.read(file)
    first = check(broken.text, *broken.options, "--format", "github").splitlines()
    assert any(line.startswith(f"::error file=compose.yaml,line={broken.line},title=CG") for line in first), first
