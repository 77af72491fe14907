"""The contracts are pure too, as far as they go without a proxy: the rules of the unit tests hold."""

from __future__ import annotations

from tests.unit.conftest import no_network

__all__ = ["no_network"]
