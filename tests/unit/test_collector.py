"""Python's garbage collector, and what lives as long as the process."""

from __future__ import annotations

import subprocess
import sys

#: In a process of its own, whose collector is nobody else's.
PROGRAM = """
import gc
from confgen.cli.watch import _Collector
collector, before = _Collector(), gc.get_freeze_count()
collector.tell(None)
after = gc.get_freeze_count()
more = [[] for _ in range(1000)]
collector.tell(None)
print(before, after > 10_000, gc.get_freeze_count() - after, gc.isenabled())
"""


def test_what_is_there_after_the_first_turn_is_left_alone_and_what_comes_later_is_not() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["0", "True", "0", "True"]
