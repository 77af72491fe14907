"""Every error that confgen raises on purpose.

ConfgenError                        exit code
  UsageError                        64  a flag, file name or setting that makes no sense
  BadInput                          65  a file that was given cannot be read as what it should be
  BadTemplate                       65  a template has a mistake, with file and line
  Unavailable                       69  something outside does not answer
    SourceUnavailable               69  no whole snapshot could be had; says nothing about what runs
    TargetUnavailable               69  the proxy's side does not answer (not started yet, no control channel)
  StaleSocket                       75  the engine's socket was replaced under us: restart to mount it anew
  NotApplied                        73  a generation was refused or did not go live; the last good one stays
    RefusedText                     73  what was rendered is not what was meant (read-back)
    RefusedByProxy                  73  the proxy's own test says no
    ReloadFailed                    73  the test passed, but the running proxy never showed the generation
    BadVolume                       73  the shared folder cannot be written safely

Caught in two places: the loop (log, keep running) and the command line (print, exit code).  A user's mistake in
a label is not an error but a value, see problem.py.
"""

from __future__ import annotations


class ConfgenError(Exception):
    """What was being done, to what, and what came back; `hint` says what you can do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Stopped(Exception):
    """confgen is being stopped in the middle of something that can be dropped.  No error; the loop alone catches it."""


class UsageError(ConfgenError):
    exit_code = 64


class BadInput(ConfgenError):
    exit_code = 65


class BadTemplate(ConfgenError):
    exit_code = 65


class Unavailable(ConfgenError):
    exit_code = 69


class SourceUnavailable(Unavailable):
    pass


class TargetUnavailable(Unavailable):
    pass


class NotApplied(ConfgenError):
    exit_code = 73


class RefusedText(NotApplied):
    """spots: file and line of the rendered text that are meant, as far as they are known."""

    def __init__(self, message: str, hint: str = "", spots: tuple[tuple[str, int], ...] = ()) -> None:
        super().__init__(message, hint)
        self.spots = spots


class RefusedByProxy(NotApplied):
    pass


class ReloadFailed(NotApplied):
    pass


class BadVolume(NotApplied):
    pass


class StaleSocket(ConfgenError):
    exit_code = 75
