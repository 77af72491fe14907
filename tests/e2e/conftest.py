"""The real engine: the one that answers, as `make e2e` and `make test` provide it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bed import engine as bed_engine
from tests.bed import own
from tests.e2e.stack import ROOT, Stack, stack, until

EXAMPLES = {"nginx": ROOT / "examples/01-nginx/compose.yaml", "haproxy": ROOT / "examples/02-haproxy/compose.yaml"}
#: Where each proxy sees the shared folder.
VIEWS = {"nginx": "/confgen", "haproxy": "/var/lib/haproxy"}


@pytest.fixture(scope="session")
def image() -> None:
    """confgen:latest, made of the checkout as it is."""
    engine = bed_engine.find()
    if engine is None:
        pytest.fail("no engine answers; run the tests with `make e2e` or `make test`, which start one")
    own.ensure(engine)


@pytest.fixture(params=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest) -> str:
    """Either proxy: what is promised holds for both."""
    return str(request.param)


@pytest.fixture
def world(proxy: str, image: None) -> Iterator[Stack]:
    """The first example of that proxy, up and serving."""
    with stack(EXAMPLES[proxy]) as made:
        made.serves("shop.localhost")
        # A generation serves some milliseconds before confgen has seen it twice and says so.
        until(lambda: "serves generation" in made.log(), "confgen has told its first turn")
        yield made
