"""Changing a running HAProxy, and seeing that it then does what the files say.

All goes through the master's socket to the newest worker.  While steps are said the worker shows a generation that is none,
so that whoever finds it so later (this one was killed, an answer was not the right one) knows that only a reload makes it
right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from confgen.errors import TargetUnavailable
from confgen.problem import show
from confgen.proxies.haproxy import sheet, steps
from confgen.proxies.haproxy.control import SOCKET
from confgen.proxies.haproxy.sheet import Sheet
from confgen.proxies.proxy import Step
from confgen.targets.target import Target

#: What is shown while steps are said.
_CHANGING = "changing"
#: Seconds for an answer.
_SOON = 2.0
#: Seconds that a server has been in maintenance before it is deleted: the tries of a stream that was there are long over
#: (a failed connection waits 1 s for its next try), and a container that is restarted is mostly back.
_LEFT_ALONE = 5
#: Bits of srv_admin_state (haproxy/server-t.h): forced into maintenance; told to drain, by itself or by a server it follows.
_MAINTENANCE, _DRAIN = 0x01, 0x18


@dataclass(frozen=True, slots=True)
class Row:
    """A server as `show servers state` tells of it.  since: seconds in its state."""

    address: str
    port: str
    weight: int
    admin: int
    since: int


def change(target: Target, said: Sequence[Step]) -> str:
    """Says each step; "" when every answer was right, else the one that was not."""
    if not said:
        return ""
    try:
        if not _show(target, _CHANGING):
            return "it cannot be told to show another generation"
        for step in said:
            answer = _said(target, step.said)
            if not re.fullmatch(step.answers, answer) and not _woken(target, step, answer):
                return f"{show(step.said)} was answered with {show(answer)}"
    except TargetUnavailable as error:
        return error.message
    return ""


def _woken(target: Target, step: Step, answer: str) -> bool:
    """Whether what is there already will do: the last generation that had it made it by the same words."""
    if not step.there or not re.fullmatch(step.there, answer):
        return False
    folder = target.folder
    found = (steps.made_so(step.said, sheet.read(folder.read(generation))) for generation, _ in folder.history())
    return next((so for so in found if so is not None), False)


def confirm(target: Target, generation: str, files: Mapping[str, bytes]) -> str:
    """Compares servers and maps with the files, shows the generation, and sweeps out what left some time ago."""
    try:
        wanted = sheet.read(files)
        servers, maps = _answers(target, "show servers state", "show map")
        rows = _rows(servers)
        different = next(_servers_differ(wanted, rows), "") or next(_maps_differ(target, wanted, maps), "")
        if not different:
            _sweep(target, wanted, rows)
            different = "" if _show(target, generation) else "it does not show the new generation"
    except TargetUnavailable as error:
        return error.message
    return different


def _ask(target: Target, *commands: str) -> str:
    lines = "".join(f"{command}\n" if command.startswith("experimental-mode") else f"@1 {command}\n" for command in commands)
    return target.talk(SOCKET, lines.encode("utf-8", "surrogateescape"), _SOON).decode("utf-8", "surrogateescape")


#: Its answer stands between two others, and can be in none: names and addresses have no space.
_BETWEEN = "get var proc.confgen"
_PARTS = re.compile(r"^proc\.confgen: .*$", re.MULTILINE)


def _answers(target: Target, *commands: str) -> tuple[str, ...]:
    """To several questions over one connection, each for itself; "" for those that were not answered."""
    if not commands:
        return ()
    said = _ask(target, *(word for command in commands for word in (command, _BETWEEN)))
    parts = [part.lstrip("\n") for part in _PARTS.split(said)[:-1]]
    return (*parts, *[""] * len(commands))[: len(commands)]


def _said(target: Target, command: str) -> str:
    """The last line of an answer: what stands before it are notices, also of what was said by others."""
    return _ask(target, command).strip().rpartition("\n")[2]


def _show(target: Target, generation: str) -> bool:
    """`set var` is an experiment to HAProxy; the mode counts for the commands that follow on the same connection."""
    commands = ("experimental-mode on", f"set var proc.confgen str({generation})", "get var proc.confgen")
    return f"value=<{generation}>" in _ask(target, *commands)


# --- what runs ---


def _rows(said: str) -> dict[tuple[str, str], Row]:
    """By backend and name.  Columns are found by their titles; nothing is found where there are none."""
    lines = [line.removeprefix("# ").split(" ") for line in said.splitlines()[1:] if line]
    if not lines or "srv_admin_state" not in lines[0]:
        return {}
    found = [dict(zip(lines[0], line, strict=False)) for line in lines[1:] if len(line) >= len(lines[0])]
    return {(row["be_name"], row["srv_name"]): _row(row) for row in found}


def _row(said: Mapping[str, str]) -> Row:
    numbers = (_number(said[title]) for title in ("srv_uweight", "srv_admin_state", "srv_time_since_last_change"))
    return Row(said["srv_addr"], said["srv_port"], *numbers)


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() else -1


def _servers_differ(wanted: Sheet, rows: Mapping[tuple[str, str], Row]) -> Iterator[str]:
    for backend, section in wanted.backends.items():
        for name, server in section.servers.items():
            row = rows.get((backend, name))
            if row is None or not _is(server, row):
                yield f"server {backend}/{name} is {'not there' if row is None else 'not as it should be'}"
    for (backend, name), row in _left(wanted, rows).items():
        if not row.admin & _MAINTENANCE:
            yield f"server {backend}/{name} should not be there"


def _left(wanted: Sheet, rows: Mapping[tuple[str, str], Row]) -> dict[tuple[str, str], Row]:
    """What runs and is not in the files any more; not those that HAProxy makes from a DNS name."""
    backends = wanted.backends
    looked_up = {name for name, section in backends.items() if any(line.startswith(b"server") for line in section.lines)}
    known = {(backend, name) for backend, section in backends.items() for name in section.servers}
    return {place: row for place, row in rows.items() if place not in known and place[0] not in looked_up}


def _is(server: sheet.Server, row: Row) -> bool:
    address, port = server.place
    return (
        (row.port, row.weight) == (port, server.weight)
        and (row.address == address or ip_address(row.address) == ip_address(address))
        and bool(row.admin & _MAINTENANCE) is server.disabled
        and not row.admin & _DRAIN
    )


def _maps_differ(target: Target, wanted: Sheet, maps: str) -> Iterator[str]:
    """Of the maps that a rule asks.  maps: the list of those that HAProxy knows."""
    used = sorted(wanted.maps.keys() & set(re.findall(r"^[0-9]+ \(([a-z.]+)\) ", maps, re.MULTILINE)))
    for name, said in zip(used, _answers(target, *(f"show map {name}" for name in used)), strict=True):
        shown = [line.split(" ", 2)[1:] for line in said.splitlines() if line.startswith("0x")]
        found = [(key, value) for key, value in (line for line in shown if len(line) == 2)]
        if not _same(name, found, wanted.maps[name]):
            yield f"{name} is not as it should be"


def _same(name: str, found: list[tuple[str, str]], entries: tuple[tuple[str, str], ...]) -> bool:
    return tuple(found) == entries if name == sheet.IN_ORDER else sorted(found) == sorted(entries)


def _sweep(target: Target, wanted: Sheet, rows: Mapping[tuple[str, str], Row]) -> None:
    """Deletes servers that left some time ago, and backends that are empty by that.  A no is no harm: they get no requests."""
    left = _left(wanted, rows)
    for (backend, name), row in left.items():
        if row.since >= _LEFT_ALONE:
            _said(target, f"del server {backend}/{name}")
    for backend in {backend for backend, _ in left} - wanted.backends.keys():
        _said(target, f"del backend {backend}")
