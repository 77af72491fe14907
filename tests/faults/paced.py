"""confgen with other times, for the short form: `python -m tests.faults.paced stale=4,ping=1 watch ...`."""

from __future__ import annotations

import select
import sys
import time
from dataclasses import replace

from confgen import apart, loop, settings
from confgen.sources import docker, engine

#: Which constant each word stands for.
_PLACES = {
    "stale": (docker, "_STALE"),
    "ping": (docker, "_PING"),
    "guard": (docker, "_GUARD"),
    "hold": (docker, "_HOLD"),
    "deadline": (engine, "DEADLINE"),
    "ping_deadline": (engine, "PING_DEADLINE"),
    "takeover": (loop, "_TAKEOVER"),
}


def main() -> None:
    given, *sys.argv[1:] = sys.argv[1:]
    for pair in filter(None, given.split(",")):
        name, _, seconds = pair.partition("=")
        if name == "nap":  # libfaketime 0.9.10 breaks sleeps until an absolute time, which Python's are from 3.11 on
            time.sleep = lambda seconds: select.select((), (), (), seconds) and None
        elif name == "rendering":
            apart.LIMITS = replace(apart.LIMITS, seconds=float(seconds))
        elif name in _PLACES:
            module, constant = _PLACES[name]
            assert hasattr(module, constant), constant
            setattr(module, constant, float(seconds))
        else:
            defaults = settings.Settings.__init__.__kwdefaults__
            defaults["pace"] = replace(defaults["pace"], **{name: float(seconds)})
    from confgen.cli import main as command

    command()


if __name__ == "__main__":
    main()
