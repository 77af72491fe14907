"""A gate before the engine's socket: counts and names every request, and refuses what is not on the list."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: All that confgen may ask of an engine (the paths without their version).
ALLOWED = (
    r"GET /version",
    r"GET /_ping",
    r"HEAD /_ping",
    r"GET /events",
    r"GET /containers/json",
)
_REQUEST = re.compile(rb"^([A-Z]+) (?:/v[0-9.]+)?(/[^ ?]*)(\?[^ ]*)? HTTP/1\.[01]\r\n")


@dataclass
class Gate:
    """`path` is the socket to give to whoever is watched; `asked` what came through, `refused` what did not."""

    path: Path
    allowed: tuple[str, ...] = ALLOWED
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def count(self, request: str) -> int:
        return sum(1 for asked in self.asked if asked.startswith(request))


@contextlib.contextmanager
def gate(engine: str, path: Path, allowed: tuple[str, ...] = ALLOWED) -> Iterator[Gate]:
    """Stands before the engine's socket until the end of the block."""
    made = Gate(path, allowed)
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(made, engine, ready, stop)), name="gate")
    thread.start()
    assert ready.wait(5)
    try:
        yield made
    finally:
        stop.set()
        thread.join()


async def _serve(made: Gate, engine: str, ready: threading.Event, stop: threading.Event) -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_pass(made, engine, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_unix_server(accept, made.path)
    made.path.chmod(0o666)  # in a folder of the test's own; whoever is watched is not root
    ready.set()
    await asyncio.to_thread(stop.wait)
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(made: Gate, engine: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, both ways; every chunk of the client that starts a request is looked at."""
    back_reader, back_writer = await asyncio.open_unix_connection(engine)

    async def answers() -> None:
        while chunk := await back_reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    task = asyncio.ensure_future(answers())
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            request = _REQUEST.match(chunk)
            if request and not _allowed(made, request):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                break
            back_writer.write(chunk)
            await back_writer.drain()
    back_writer.close()
    await asyncio.gather(task, return_exceptions=True)
    with contextlib.suppress(OSError):
        writer.close()


def _allowed(made: Gate, request: re.Match[bytes]) -> bool:
    asked = f"{request[1].decode()} {request[2].decode()}"
    fits = any(re.fullmatch(pattern, asked) for pattern in made.allowed)
    (made.asked if fits else made.refused).append(asked + (request[3] or b"").decode())
    return fits
