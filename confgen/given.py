"""What the operator gives beside labels: settings, policy, certificates, templates, snippets, users.

All of it is watched, and what has changed is taken between two turns; a file with a mistake in it changes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from confgen.errors import BadInput, ConfgenError
from confgen.keep import ASKED, DRAINED_FILE, PIN_FILE
from confgen.observe.health import folders
from confgen.observe.log import set_up
from confgen.options import OPTIONS, Option, taken
from confgen.problem import Effect, Origin, Problem
from confgen.settings import Settings
from confgen.sources.certificates import PATTERNS, Certificates
from confgen.sources.snippets import read_snippets
from confgen.sources.watched import Watched
from confgen.tls import Shelf
from confgen.toml import misread
from confgen.want import read_policy

log = logging.getLogger(__name__)


class Rereads(Protocol):
    """Whoever can read the settings anew.  file: where they stand, None where they stand in none.

    settings raises ConfgenError when there is a mistake in them.  took: what settings gave last is in force.
    """

    @property
    def file(self) -> Path | None: ...

    def settings(self) -> Settings: ...

    def took(self) -> None: ...


class Given:
    """All that an operator gave.  ring: asks for a turn.  `renew` is for the thread that turns, all else for any."""

    def __init__(self, settings: Settings, rereads: Rereads | None, ring: Callable[[str, bool], None]) -> None:
        self.settings = settings
        self._rereads = rereads
        self._ring = ring
        self._wrong: tuple[Problem, ...] = ()
        self.policy = read_policy(settings)
        self.snippets, self._odd = read_snippets(settings.snippets)
        self._certificates = Certificates(settings.certificates) if settings.certificates else None
        self.shelf = self._certificates.look() if self._certificates else Shelf()
        self._stale_settings = self._stale_templates = self._stale_certificates = False
        self._start: Callable[[Callable[[], None], str], None] | None = None
        self._over, self._end = threading.Event(), threading.Event()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong in what was given, beside what is in force."""
        return (*self._wrong, *self._odd)

    def renew(self) -> bool:
        """Takes what has changed since it was called last; whether what was rendered may be other text now."""
        fresh = self._stale_settings and self._take_settings()
        if self._certificates and self._stale_certificates:
            self._stale_certificates = False
            self.shelf = self._certificates.look()
        fresh, self._stale_templates = fresh or self._stale_templates, False
        return fresh

    def look_again(self) -> None:
        """What may have changed without a word: a certificate may have ended, or be valid by now."""
        self._stale_certificates = True

    def reread(self) -> None:
        """The settings too, even where no file has changed."""
        self._stale_settings = True

    def watch(self, start: Callable[[Callable[[], None], str], None]) -> None:
        """Has `start` run a thread for each folder; they end by `close`, or when other folders are to be watched."""
        self._start, self._end = start, threading.Event()
        if self._rereads and (file := self._rereads.file):
            one = Watched((file.absolute().parent,), (file.name,), self._settings_changed, recursive=False)
            start(partial(one.run, self._end), "confgen-settings")
        self._watch_folders()

    def close(self) -> None:
        self._end.set()
        self._over.set()

    def _watch_folders(self) -> None:
        """Those that the settings name, and no others."""
        if self._start is None:
            return
        self._over.set()
        self._over = threading.Event()
        for watched in self._watched():
            self._start(partial(watched.run, self._over), "confgen-files")

    # --- settings ---

    def _take_settings(self) -> bool:
        self._stale_settings = False
        if self._rereads is None:
            return False
        before = self.settings
        try:
            wanted, left = taken(before, self._rereads.settings())
            policy, snippets = read_policy(wanted), read_snippets(wanted.snippets)
        except ConfgenError as error:
            self._wrong = (misread(error),)
            self._stale_settings = True  # another file may be to blame, and be right by the next turn
            return False
        self._rereads.took()
        self._wrong = tuple(_later(option) for option in left)
        if wanted == before:
            return False
        self.settings, self.policy = wanted, policy
        self.snippets, self._odd = snippets
        if wanted.certificates != before.certificates:
            self._certificates = Certificates(wanted.certificates) if wanted.certificates else None
            self.shelf = self._certificates.look() if self._certificates else Shelf()
        if wanted.log != before.log:
            set_up(wanted.log)
        if _folders(wanted) != _folders(before):
            self._watch_folders()
            self._policy_changed()  # between the look and the watch it may have changed once more
            self._snippets_changed()
        log.info("the settings have changed: %s", ", ".join(_changes(before, wanted)))
        return True

    # --- files ---

    def _watched(self) -> Iterator[Watched]:
        settings = self.settings
        if settings.templates:
            yield Watched(settings.templates, ("**/*",), self._templates_changed, recursive=True)
        if settings.filters:
            yield Watched((settings.filters.parent,), (settings.filters.name,), self._templates_changed, recursive=False)
        for folder in sorted({output.template.parent for output in settings.outputs}):
            yield Watched((folder,), ("*",), self._templates_changed, recursive=False)
        if settings.snippets:
            yield Watched((settings.snippets,), ("**/*",), self._snippets_changed, recursive=True)
        if settings.policy:
            yield Watched((settings.policy.parent,), (settings.policy.name,), self._policy_changed, recursive=False)
        if settings.certificates:
            yield Watched((settings.certificates,), PATTERNS, self._certificates_changed, recursive=True)
        if settings.users:
            yield Watched((settings.users,), ("*",), lambda: self._ring("changed users", True), recursive=False)
        if settings.directory.is_dir():
            names = tuple(name for file in (PIN_FILE, DRAINED_FILE) for name in (file, f"*/{file}"))
            yield Watched((settings.directory,), names, self._asked, recursive=False, told=tuple(_prepared(settings.directory)))

    def _asked(self) -> None:
        self._ring("rollback, drain or undrain", True)

    def _settings_changed(self) -> None:
        self._stale_settings = True
        self._ring("changed settings", True)

    def _policy_changed(self) -> None:
        """A policy with a mistake in it grants nothing new and takes nothing away: the last good one stays."""
        try:
            self.policy = read_policy(self.settings)
        except BadInput as error:
            log.error("%s; the former policy stays. %s", error.message, error.hint)
            return
        self._ring("changed policy", True)

    def _snippets_changed(self) -> None:
        """A folder that cannot be read takes nothing away: what was read before stays."""
        try:
            self.snippets, self._odd = read_snippets(self.settings.snippets)
        except BadInput as error:
            log.error("%s; the former snippets stay. %s", error.message, error.hint)
            return
        self._stale_templates = True
        self._ring("changed snippets", True)

    def _templates_changed(self) -> None:
        self._stale_templates = True
        self._ring("changed templates", True)

    def _certificates_changed(self) -> None:
        self._stale_certificates = True
        self._ring("changed certificates", True)


def _prepared(directory: Path) -> Iterator[Path]:
    """The folders in which somebody's wishes are left; those of proxies that come later are looked at now and then."""
    for folder in folders(directory):
        with suppress(OSError):  # told where a generation cannot be written either
            yield folder.prepare(ASKED)


def _later(option: Option) -> Problem:
    message = f"{option.key} has changed, and can only be taken at the start"
    return Problem(Origin("settings"), "CG010", message, Effect.SETTING, "docker compose restart confgen, or put it back")


def _folders(settings: Settings) -> tuple[object, ...]:
    return (
        settings.templates,
        settings.outputs,
        settings.filters,
        settings.snippets,
        settings.policy,
        settings.certificates,
        settings.users,
    )


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    return (option.key for option in OPTIONS if option.of(before) != option.of(after))
