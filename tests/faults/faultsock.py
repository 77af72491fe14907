"""A lying engine: an HTTP proxy on a unix socket (or TCP) before a real one, that delays, drips, cuts, forges and forgets.

Rows that only it knows (`extra`) stand beside the real ones, so that thousands of containers cost nothing, and only those
real containers are let through that carry the label `cgf=<world>`: whatever else runs on the engine is none of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.netns import enter

Row = dict[str, Any]
_KINDS = {"/version": "version", "/_ping": "ping", "/events": "events", "/containers/json": "list"}
#: What the engine behind is asked in; `versions` only says what is pretended.
_SPOKEN = "1.41"


def made_row(number: int, host: str, address: str, *, state: str = "running", labels: dict[str, str] | None = None) -> Row:
    """A container that nobody runs, as the engine's list shows one."""
    return {
        "Id": f"{number:064x}",
        "Names": [f"/made-{number}"],
        "Image": "made",
        "Labels": labels or {"confgen.host": host, "confgen.port": "80"},
        "State": state,
        "Status": "Up 1 second",
        "Created": 1_700_000_000 + number,
        "Ports": [{"PrivatePort": 80, "Type": "tcp"}],
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address, "GlobalIPv6Address": ""}}},
        "Mounts": [],
    }


def event(action: str, made: Row, **attributes: str) -> bytes:
    """A line of the event stream about a row."""
    now = time.time()
    actor = {"ID": made["Id"], "Attributes": {"name": made["Names"][0][1:], **attributes}}
    return json.dumps(
        {"Type": "container", "Action": action, "Actor": actor, "scope": "local", "time": int(now), "timeNano": int(now * 1e9)}
    ).encode()


@dataclass
class Faultsock:
    """What is told wrongly; every field may be changed at any time.  address: of the container that rows lead to.

    delay: seconds before an answer of that kind (version, ping, events, list); drip: seconds a byte; cut: bytes after
    which the connection ends; answers: status and body instead of the true ones; frozen: takes connections and says
    nothing; versions: the oldest and newest API that it pretends to speak.  rows: makes another list of the list; line:
    makes none, one or several event lines of one.
    """

    engine: str
    world: str
    path: Path
    address: str
    delay: dict[str, float] = field(default_factory=dict)
    drip: dict[str, float] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    frozen: bool = False
    versions: tuple[str, str] = ()  # type: ignore[assignment]
    rows: Callable[[list[Row]], list[Row]] = lambda rows: rows
    line: Callable[[bytes], list[bytes]] = lambda line: [line]
    extra: dict[str, Row] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    queues: set[asyncio.Queue[bytes]] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop | None = None
    ids: set[str] = field(default_factory=set)

    def emit(self, *lines: bytes) -> None:
        """Sends events into every open stream, as they are; waits until they are queued."""

        async def put() -> None:
            for queue in self.queues:
                for one in lines:
                    queue.put_nowait(one)

        assert self.loop
        asyncio.run_coroutine_threadsafe(put(), self.loop).result(30)

    def hang_up(self) -> None:
        """Ends every open stream, as an engine that stops does."""
        self.emit(b"")

    def waiting(self) -> int:
        """Events that no reader has taken yet."""
        return max((queue.qsize() for queue in self.queues), default=0)

    def add(self, *rows: Row, tell: bool = True) -> None:
        """Containers that start."""
        for made in rows:
            self.extra[made["Id"]] = made
        if tell:
            self.emit(*(event("start", made) for made in rows))

    def take(self, *rows: Row, tell: bool = True) -> None:
        """Containers that die and are removed."""
        for made in rows:
            self.extra.pop(made["Id"], None)
        if tell:
            self.emit(*(event(action, made) for made in rows for action in ("die", "destroy")))

    def row(self, number: int, host: str, *, state: str = "running", labels: dict[str, str] | None = None) -> Row:
        """A container that nobody runs; requests to it go to the one at `address`."""
        return made_row(number, host, self.address, state=state, labels=labels)

    # --- one connection ---

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            await self._answer(target, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        spoken = re.match(r"/v([0-9.]+)(/.*)", url.path)
        path = spoken[2] if spoken else url.path
        kind = _KINDS.get(path, "")
        self.asked[kind] += 1
        self.times.setdefault(kind, []).append(time.monotonic())
        await self._thaw()
        await asyncio.sleep(self.delay.get(kind, 0))
        if spoken and self.versions and not _within(spoken[1], *self.versions):
            self.refused.append(spoken[1])
            return await self._whole(kind, writer, 400, json.dumps({"message": _too_far(spoken[1], *self.versions)}).encode())
        if kind in self.answers:
            return await self._whole(kind, writer, *self.answers[kind])
        if kind == "events":
            return await self._stream(url.query, writer)
        if kind == "list":
            return await self._whole(kind, writer, 200, await self._list(url.query))
        status, body = await self._upstream(path, url.query)
        if kind == "version" and self.versions:
            body = json.dumps(json.loads(body) | dict(zip(("MinAPIVersion", "ApiVersion"), self.versions, strict=True))).encode()
        return await self._whole(kind, writer, status, body)

    async def _thaw(self) -> None:
        while self.frozen:
            await asyncio.sleep(0.02)

    async def _whole(self, kind: str, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        body = body[: self.cut.get(kind, len(body))]
        if kind in self.drip:
            for byte in body:
                if kind not in self.drip:
                    break
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.drip[kind])
        else:
            writer.write(body)
        await writer.drain()

    async def _list(self, query: str) -> bytes:
        _, body = await self._upstream("/containers/json", query)
        filters = json.loads(parse_qs(query).get("filters", ["{}"])[0])
        wanted = filters.get("id")
        found = [r for r in json.loads(body) if (r.get("Labels") or {}).get("cgf") == self.world]
        self.ids |= {r["Id"] for r in found}
        found += [r for i, r in list(self.extra.items()) if wanted is None or i in wanted]
        return json.dumps(self.rows(found)).encode()

    async def _upstream(self, path: str, query: str) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_unix_connection(self.engine)
        writer.write(f"GET /v{_SPOKEN}{path}?{query} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body

    # --- the event stream ---

    async def _stream(self, query: str, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        source, back = await asyncio.open_unix_connection(self.engine)
        back.write(f"GET /v{_SPOKEN}/events?{query} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
        await source.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        await writer.drain()
        self.queues.add(queue)
        pump = asyncio.ensure_future(self._pump(source, queue))
        try:
            sent = 0
            while True:
                lines = await queue.get()
                await self._thaw()
                if not lines:
                    return
                for line in self.line(lines):
                    writer.write(b"%x\r\n%s\r\n" % (len(line) + 1, line + b"\n"))
                    await writer.drain()
                    sent += len(line)
                if sent >= self.cut.get("events", 1 << 62):
                    return
        finally:
            self.queues.discard(queue)
            pump.cancel()
            back.close()

    async def _pump(self, source: asyncio.StreamReader, queue: asyncio.Queue[bytes]) -> None:
        """The engine's own events about our own containers."""
        while line := await source.readline():
            told = json.loads(line)
            attributes = told["Actor"].get("Attributes") or {}
            if attributes.get("cgf") == self.world or attributes.get("container") in self.ids:
                queue.put_nowait(line.rstrip())


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _within(spoken: str, oldest: str, newest: str) -> bool:
    return _number(oldest) <= _number(spoken) <= _number(newest)


def _too_far(spoken: str, oldest: str, newest: str) -> str:
    """The words of Docker's own server."""
    if _number(spoken) < _number(oldest):
        return f"client version {spoken} is too old. Minimum supported API version is {oldest}, please upgrade your client"
    return f"client version {spoken} is too new. Maximum supported API version is {newest}"


@contextlib.contextmanager
def faultsock(engine: str, world: str, path: Path, address: str, *, netns: str = "", port: int = 0) -> Iterator[Faultsock]:
    """Stands before the engine's socket until the end of the block; with `port` also on 127.0.0.1 of a network namespace."""
    made = Faultsock(engine, world, path, address)
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_run(made, ready, stop, netns, port)), name="faultsock")
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        stop.set()
        thread.join()


async def _run(made: Faultsock, ready: threading.Event, stop: threading.Event, netns: str, port: int) -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    made.loop = asyncio.get_running_loop()
    made.path.unlink(missing_ok=True)
    servers = [await asyncio.start_unix_server(accept, made.path, limit=1 << 24)]
    made.path.chmod(0o666)
    if port:
        with enter(netns):
            servers.append(await asyncio.start_server(accept, "127.0.0.1", port))
    ready.set()
    while not stop.is_set():
        await asyncio.sleep(0.02)
    for server in servers:
        server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
