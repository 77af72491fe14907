"""What the files of a generation say, parted into what can be altered in a running HAProxy (servers, lines of maps) and the
rest.  Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from confgen.proxies.haproxy import tokens
from confgen.proxies.haproxy.structure import BEGINS, SECTIONS
from confgen.proxies.haproxy.view import OUTPUTS

MAIN = OUTPUTS[0].path
#: From the host to the path; what stands further on takes what the one before leaves to it.
MAPS = ("wildcards.map", "hosts.map", "prefixes.map", "exact.map")
#: The map whose first line that fits holds.
IN_ORDER = "wildcards.map"
_OTHERS = tuple(output.path for output in OUTPUTS if output.path not in (MAIN, *MAPS))
_SECTIONS = frozenset(title.encode() for title in SECTIONS)
#: What has a meaning within a line.
_MEANING = re.compile(rb"[\\\"'#$]")
#: So many texts are remembered as they were read: the one that runs and the next, of two proxies.
_TEXTS = 4
#: So many backends are remembered.
_PARTS = 4096


@dataclass(frozen=True, slots=True)
class Server:
    """A server line.  most: connections at once, 0 without limit.  rest: its other words, which nothing alters at run time."""

    name: str
    address: str
    weight: int = 1
    most: int = 0
    disabled: bool = False
    rest: tuple[str, ...] = ()

    @property
    def takes(self) -> bool:
        """It gets new requests."""
        return self.weight > 0 and not self.disabled

    @property
    def place(self) -> tuple[str, str]:
        """Its IP address and its port."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), port


@dataclass(frozen=True, slots=True)
class Section:
    """A section, or several of the same title.

    servers: those at an IP address; a server that HAProxy looks up by itself is one of the lines.  lines: all the rest but
    comments and blanks.
    """

    lines: tuple[bytes, ...]
    servers: Mapping[str, Server]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A generation's files: sections by title, the lines of each map as key and value, and the other files as they are."""

    sections: Mapping[str, Section]
    maps: Mapping[str, tuple[tuple[str, str], ...]]
    others: Mapping[str, bytes]

    @property
    def backends(self) -> dict[str, Section]:
        """By name."""
        return {title.split(" ")[1]: section for title, section in self.sections.items() if title.startswith("backend ")}


def read(files: Mapping[str, bytes]) -> Sheet:
    """Reads text that was proven before."""
    maps = {name: _entries(files.get(name, b"")) for name in MAPS}
    return Sheet(_sections(files.get(MAIN, b"")), maps, {name: files.get(name, b"") for name in _OTHERS})


@lru_cache(_TEXTS)
def _sections(text: bytes) -> Mapping[str, Section]:
    found: dict[str, Section] = {}
    for part in BEGINS.split(text):
        for title, section in _in_part(part):
            found[title] = _joined(found[title], section) if title in found else section
    return found


def _joined(one: Section, other: Section) -> Section:
    return Section(one.lines + other.lines, {**one.servers, **other.servers})


@lru_cache(_PARTS)
def _in_part(text: bytes) -> tuple[tuple[str, Section], ...]:
    """The sections of a part, most of which is the same in the next text."""
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    servers: defaultdict[str, dict[str, Server]] = defaultdict(dict)
    title = ""
    for line in map(bytes.strip, text.split(b"\n")):
        first = line.partition(b" ")[0]
        if first in _SECTIONS:
            title = " ".join(_words(line))
            lines[title] += []
        elif first == b"server" and b" resolvers " not in line:
            server = _server(_words(line))
            servers[title][server.name] = server
        elif line and not line.startswith(b"#"):
            lines[title].append(line)
    return tuple((title, Section(tuple(found), servers[title])) for title, found in lines.items())


def _words(line: bytes) -> list[str]:
    """Cut at blanks, which is quick, where nothing on the line has a meaning."""
    return [word.decode("utf-8", "surrogateescape") for word in (tokens.words(line) if _MEANING.search(line) else line.split())]


def _server(words: list[str]) -> Server:
    options, rest = iter(words[3:]), list[str]()
    found = {"weight": "1", "maxconn": "0"}
    for option in options:
        if option in found:
            found[option] = next(options)
        elif option != "disabled":
            rest.append(option)
    return Server(words[1], words[2], int(found["weight"]), int(found["maxconn"]), "disabled" in words, tuple(rest))


@lru_cache(_TEXTS * len(MAPS))
def _entries(text: bytes) -> tuple[tuple[str, str], ...]:
    found = (b" ".join(words).decode("utf-8", "surrogateescape").partition(" ") for words in tokens.entries(text))
    return tuple((key, value) for key, _, value in found)
