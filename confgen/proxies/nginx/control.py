"""Asking and telling a running nginx, through a Target."""

from __future__ import annotations

import re

from confgen.errors import ReloadFailed
from confgen.proxies.nginx.caps import read
from confgen.proxies.nginx.structure import MAIN
from confgen.proxies.proxy import Caps
from confgen.targets.target import Answer, Command, Target

SOCKET = "nginx.sock"

#: Seconds for an answer: `nginx -V` and a signal are quick, a test of 10,000 sites takes 5 (measured).
_QUICK, _TEST = 5.0, 60.0
#: Before that neither a test nor a reload with its relief of the former workers is done (10 to 25 ms, measured).
_SOONEST = 0.008

#: HTTP/1.0, so that nginx closes and the answer ends; a new connection each time, so that the newest workers answer too.
_ASK = b"GET /.confgen/generation HTTP/1.0\r\n\r\n"


def probe(target: Target) -> Caps:
    """What the running nginx is and was built with."""
    return read(target.run(Command("version", "", ("nginx", "-V")), _QUICK).output)


def test(target: Target, generation: str) -> Answer:
    """`nginx -t` of a staged generation: it reads, resolves and binds as a start would, and leaves live sockets alone."""
    path = target.view / "generations" / generation / MAIN
    return target.run(Command("test", generation, ("nginx", "-t", "-q", "-c", str(path)), _SOONEST), _TEST)


def reload(target: Target) -> None:
    """Sends HUP to the master.  That it was sent says nothing of what came of it: `running` does."""
    argv = ("nginx", "-s", "reload", "-c", str(target.view / "live" / MAIN))
    answer = target.run(Command("reload", "", argv, _SOONEST), _QUICK)
    if answer.code:
        raise ReloadFailed(f"{target.name} could not be told to reload: {answer.output.strip()[:500]}", "look at the proxy's log")


def running(target: Target) -> str:
    """The generation that one of the running workers serves.

    After a reload old ones answer too: for 3 ms where our start script has told them to finish, else for about 105 ms (measured).
    """
    answer = target.talk(SOCKET, _ASK, _QUICK)
    match = re.fullmatch(rb"HTTP/1\.[01] 200 .*?\r\n\r\n(skeleton|[0-9a-f]{16})\s*", answer, re.DOTALL)
    return match[1].decode() if match else ""


def patience(tested: float) -> float:
    """nginx reads the file once more and tries a port that is taken 5 times in 2.5 s before it gives up (measured)."""
    return max(5.0, 5 * tested)
