"""`pytest tests/golden --rewrite` writes every story anew; the difference is reviewed like code."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write what is rendered now into the stories")
