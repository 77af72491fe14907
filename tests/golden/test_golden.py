"""Every story is told as it is written down; and what it tells reads back, in any order, for every version."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from confgen.state import State
from tests.golden.story import Story, stories, texts, want

STORIES = [pytest.param(file, id=file.stem) for file in stories()]
#: The oldest and the newest that are supported, and one between them.
VERSIONS = [("nginx", "1.22"), ("nginx", "1.26"), ("nginx", "1.31"), ("haproxy", "2.6"), ("haproxy", "3.0"), ("haproxy", "3.4")]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 12


@pytest.mark.parametrize("file", STORIES)
def test_the_story_is_told_as_it_is_written(file: Path, request: pytest.FixtureRequest) -> None:
    story = Story.read(file)
    told = story.told()
    if request.config.getoption("--rewrite", default=False):
        file.write_text(str(told), encoding="utf-8")
        return
    assert str(told) == file.read_text(encoding="utf-8"), "see what changed with: make golden"


@pytest.mark.parametrize("file", STORIES)
@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_version_reads_back(file: Path, name: str, version: str) -> None:
    story = Story.read(file)
    found = want(story.state, name, version, shelf=story.shelf)
    assert all(text.endswith("\n") for text in texts(found).values() if text), (
        "HAProxy takes a last line without its end for a cut file"
    )
    for text in texts(found).values():
        assert all(char.isprintable() or char in "\n\t" for char in text)
        assert "None" not in text


@pytest.mark.parametrize("file", STORIES)
@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_the_order_of_the_containers_changes_no_byte(file: Path, name: str) -> None:
    story = Story.read(file)
    state = story.state
    first = want(state, name, shelf=story.shelf)
    for seed in range(5):
        shuffled = State(tuple(random.Random(seed).sample(state.instances, len(state.instances))))
        assert want(shuffled, name, shelf=story.shelf).candidate == first.candidate
