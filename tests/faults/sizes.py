"""How long and how much: `make test` runs the short form, `make faults` the long one (CONFGEN_FAULTS=full).

Each size can be set by itself: CONFGEN_FAULTS_<NAME>.
"""

from __future__ import annotations

import os

FULL = os.environ.get("CONFGEN_FAULTS") == "full"


def size(name: str, short: float, full: float) -> int:
    """A number of things, or of seconds."""
    return int(os.environ.get(f"CONFGEN_FAULTS_{name.upper()}", full if FULL else short))


def pace(short: str) -> str:
    """confgen's own times in the short form; in the long one they are as shipped."""
    return "" if FULL else short
