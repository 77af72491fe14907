"""No fault of the catalogue is left out without a word."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.catalogue import FAULTS


def test_every_fault_has_a_test_or_a_reason() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    tested = {f"F{int(n)}" for words in re.findall(r"def test_((?:f[0-9]+_)+)", text) for n in re.findall(r"f([0-9]+)_", words)}
    tested |= {f"F{int(n)}" for n in re.findall(r'"f([0-9]+)-', text)}
    assert [fault.name for fault in FAULTS] == [f"F{n}" for n in range(1, 36)]
    for fault in FAULTS:
        assert (fault.name in tested) != bool(fault.missing), fault.name
