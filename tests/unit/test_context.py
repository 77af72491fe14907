"""The page of what templates get says all of it, and a version keeps what it promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from confgen import reference
from confgen.model import Model
from confgen.observe.context import words
from confgen.proxies import PROXIES
from confgen.render import CONTEXT
from confgen.settings import Frame

PROMISED = Path(__file__).parent / f"context-{CONTEXT}.txt"


def test_no_generated_page_is_stale() -> None:
    assert reference.stale() == []


@pytest.mark.parametrize("name", PROXIES)
def test_every_name_that_templates_get_has_its_meaning(name: str) -> None:
    proxy = PROXIES[name]
    assert set(proxy.names) == set(proxy.view(Model(), proxy.caps(proxy.newest), Frame()))
    assert all(function.__doc__ for function in proxy.filters.values())


def test_what_this_version_promised_is_there() -> None:
    """Where a name has to go, CONTEXT is raised, and a file of the new promise stands beside the others."""
    there = {f"{name}: {word}" for name, proxy in PROXIES.items() for word in words(proxy)}
    promised = set(PROMISED.read_text().splitlines())
    assert promised - there == set(), "raise CONTEXT in confgen/render.py"
    assert there - promised == set(), f"new names are promised too: add them to {PROMISED.name}"
