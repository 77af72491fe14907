"""Folders of files that are watched: templates, and what operators put beside the generations.

Events of the kernel are hints here too: what counts is whether the files hold something else than before.  Editors write
by renaming, orchestrators swap links: so folders are watched, not files.  Where the kernel has no watch left, they are
polled.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from confgen.contents import contents

log = logging.getLogger(__name__)
#: It complains of what the kernel still tells while it ends, and without a handler Python prints that to stderr.
logging.getLogger("watchdog").addHandler(logging.NullHandler())

#: Seconds between two looks where the kernel does not tell.
_POLL = 2.0
#: A save comes as several events; this long after the last one the files are looked at.
_QUIET = 0.1
#: What can change a file.  The kernel is not asked for the rest: each look of ours opens and closes all of them.
_CHANGES: list[type[FileSystemEvent]] = [
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
    *(FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent),
]


class Watched:
    """Calls `changed` whenever files that fit one of the patterns hold something else than before.

    recursive: the kernel is to tell of the folders below too.  told: the folders that the kernel is to tell of, where these
    are others than those in which the files are looked for.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        patterns: tuple[str, ...],
        changed: Callable[[], None],
        *,
        recursive: bool,
        told: tuple[Path, ...] | None = None,
    ) -> None:
        self._folders = folders
        self._told = folders if told is None else told
        self._patterns = patterns
        self._changed = changed
        self._recursive = recursive
        self._touched = threading.Event()
        self._before = self._digest()  # from here on: what is read after this and changes later is told

    def run(self, stop: threading.Event) -> None:
        """Blocks until `stop` is set."""
        observer = self._observe()
        try:
            while not stop.is_set():
                # A look now and then costs little and finds what was not told (an overflow, a network's file system).
                self._touched.wait(_POLL)
                while self._touched.is_set():
                    self._touched.clear()
                    stop.wait(_QUIET)
                now = self._digest()
                if now != self._before:
                    self._before = now
                    self._changed()
        finally:
            if observer:
                observer.stop()
                observer.join()

    def _observe(self) -> BaseObserver | None:
        """None where neither the kernel nor a poll can be had: the look now and then remains."""
        touch = _Touch(self._touched)
        for make in (Observer, PollingObserver):
            try:
                observer: BaseObserver = make()
                for folder in self._told:
                    observer.schedule(touch, str(folder), recursive=self._recursive, event_filter=_CHANGES)
                observer.start()
            except OSError as error:
                log.warning("the kernel cannot watch %s (%s); it is looked at every %g s", self._folders[0], error, _POLL)
                continue
            return observer
        return None

    def _digest(self) -> bytes:
        """Of the names and contents of all files that fit a pattern; a file that vanishes meanwhile counts as gone."""
        digest = hashlib.sha256()
        for folder in self._folders:
            for path in sorted(found for pattern in self._patterns for found in folder.glob(pattern)):
                try:
                    digest.update(str(path).encode() + b"\0" + contents(path) + b"\0")
                except OSError:
                    continue
        return digest.digest()


class _Touch(FileSystemEventHandler):
    def __init__(self, touched: threading.Event) -> None:
        self._touched = touched

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._touched.set()
