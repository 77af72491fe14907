"""What confgen must know of a proxy.  Knowledge only: it touches the world through a Target alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confgen.model import Model
from confgen.plan import Change, Impact
from confgen.problem import Problem
from confgen.readback import Statement, Structure
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet
from confgen.targets.target import Answer, Target


@dataclass(frozen=True, slots=True)
class Caps:
    """What one running proxy can do: its version, and words for what it has ("stream", "keepalive_min_timeout", "ipv6")."""

    proxy: str
    version: tuple[int, ...]
    features: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return ".".join(str(part) for part in self.version)


def has_mlkem(said: str) -> bool:
    """Whether a program says that it runs with an OpenSSL that knows the group X25519MLKEM768 (3.5: its CHANGES)."""
    versions = re.findall(
        r"(?:built with|running with|Running on (?:OpenSSL|SSL library) version :) OpenSSL ([0-9]+)\.([0-9]+)", said
    )
    return bool(versions) and tuple(int(part) for part in versions[-1]) >= (3, 5)


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a generation, and the template that makes it."""

    template: str
    path: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is said to a running proxy.  answers: a pattern of its good answers, "" for silence.

    there: a pattern of answers that are good too, where what is there already was made by the same words.
    """

    said: str
    answers: str = ""
    there: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a running proxy is brought from one text to another.

    reload: why it takes a reload, "" where the proxy has no other way; None where the steps will do.  first: those that only
    take requests away from servers, while others of the pool go on; they hold whatever becomes of the rest.
    """

    reload: str | None = None
    first: tuple[Step, ...] = ()
    then: tuple[Step, ...] = ()


class Proxy(Protocol):
    """nginx or HAProxy."""

    name: str
    #: The files of a generation; the first is the one that the proxy is started with.
    outputs: tuple[Output, ...]
    #: Filters for the templates; `q` quotes a value as one word of the proxy's language.
    filters: Mapping[str, Callable[..., str]]
    #: Type and meaning of each name in `view`.
    names: Mapping[str, tuple[Any, str]]
    #: The version that is rendered for where none can be asked.
    newest: str

    def caps(self, said: str) -> Caps:
        """From what the start script's `version` said, or from a bare version such as "1.30".

        Raises BadInput when neither can be read there.
        """

    # `recent` in the next four: what the last text was made of; most of it is the same in this one.

    def fit(self, model: Model, caps: Caps, recent: Recent | None = None) -> tuple[Model, tuple[Problem, ...]]:
        """The part of the model that this proxy in this version can do, and a Problem for each thing it cannot (pure)."""

    def view(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> dict[str, object]:
        """What the templates get (pure).  `generation` and `part` are added by render."""

    def secrets(self, model: Model) -> Mapping[str, bytes]:
        """Files that no template makes, by their path inside a generation: users with the hashes of their passwords (pure)."""

    def expected(self, model: Model, caps: Caps, frame: Frame, recent: Recent | None = None) -> Structure:
        """The statements that carry the model, made without the templates (pure)."""

    def structure(self, files: Mapping[str, bytes], recent: Recent | None = None) -> Structure:
        """The same, read from the rendered files as the proxy reads them.

        A statement that neither carries the model nor belongs to the skeleton is part of the answer too, so that it is
        seen as not meant.  Raises RefusedText when the text cannot be read at all.
        """

    def lines(self, files: Mapping[str, bytes]) -> Mapping[Statement, tuple[str, int]]:
        """File and line of each statement that stands in the files (pure); for messages."""

    def mistake(self, snippet: Snippet) -> Mistake | None:
        """What is wrong in an operator's snippet before any proxy is asked: it is no whole, or leaves its block (pure)."""

    def weigh(self, change: Change) -> tuple[Impact, str]:
        """What it takes to bring a change into the running proxy, and why, in words (pure)."""

    def way(self, running: Mapping[str, bytes], wanted: Mapping[str, bytes], caps: Caps) -> Way:
        """From the files of one generation to those of another (pure)."""

    def change(self, target: Target, steps: Sequence[Step]) -> str:
        """Says the steps to the running proxy, which shows no known generation from then on.

        Returns "" when each was answered as it should be; else what was answered, in words, and no more is said.
        """

    def confirm(self, target: Target, generation: str, files: Mapping[str, bytes]) -> str:
        """Compares what runs with the files and has the proxy show their generation; "" or what is different, in words."""

    def probe(self, target: Target) -> Caps:
        """Asks the running proxy what it is."""

    def test(self, target: Target, generation: str) -> Answer:
        """The proxy's own test of a staged generation."""

    def reload(self, target: Target) -> None:
        """Tells the running proxy to take what `live` points at; raises ReloadFailed where it says no at once."""

    def running(self, target: Target) -> str:
        """The generation that the running proxy serves, "" when it says none."""

    def open_requests(self, target: Target, pool: str, server: str) -> int | None:
        """How many requests (or connections) a server has open, old workers included; None where the proxy does not tell."""

    def patience(self, tested: float) -> float:
        """How many seconds a reload may take until the new generation shows, given how long the test took."""
