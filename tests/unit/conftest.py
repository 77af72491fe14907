"""Unit tests are pure: no network.  Hypothesis repeats itself, so that a red run is red for everybody."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3.util.connection  # noqa: F401 - tries once, when it is imported, whether there is IPv6
from hypothesis import HealthCheck, settings

settings.register_profile("unit", max_examples=60, deadline=None, derandomize=True, database=None)
#: `pytest --hypothesis-profile=search` looks further, with another seed each time.
settings.register_profile("search", max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("unit")

_INET = {socket.AF_INET, socket.AF_INET6}
_watching = False


def _no_network(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook sees every socket, whoever makes it; pytest's failure is no Exception, so no library can swallow it."""
    if event == "socket.__new__" and _watching and args[1] in _INET:
        pytest.fail(
            "a unit test opened a network socket: give the code under test a fake (see tests/unit/facts.py), use a unix socket "
            "under tmp_path, or move the test to tests/integration"
        )


sys.addaudithook(_no_network)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    global _watching  # noqa: PLW0603 - an audit hook cannot be taken away again, only told to look away
    _watching = True
    yield
    _watching = False
