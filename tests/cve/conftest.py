"""What holds for one proxy holds for the other."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest) -> str:
    return str(request.param)
