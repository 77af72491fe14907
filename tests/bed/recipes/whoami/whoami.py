"""A stand-in for traefik/whoami: answers who it is and what it was asked, with manners that tests can choose.

As the real one: `/` and unknown paths (who am I, and the request), `/data?size=N`, `/echo` (WebSocket), `/health`
(POST a status to change it), `/bench`, `?wait=200ms`, WHOAMI_PORT_NUMBER or `--port`, WHOAMI_NAME or `--name`. For
tests besides: `/slow?ms=N`, `/status/NNN`, `/fail-health`, `/ok-health`, and MANNER, which says what SIGTERM does:
  dies     it exits at once (the default, as the real one does)
  drains   it takes no new connection, answers what is asked on open ones with `Connection: close`, for up to 3 s
  lingers  it serves for 3 s more as if nothing were

Few imports, and typing only in annotations: it is started by the dozen, and each has to be there in no time.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
import signal
import socket
import sys
from urllib.parse import parse_qs, urlsplit

GRACE_SECONDS = 3
MAX_BODY = 64 * 1024 * 1024
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
LETTERS = b"-ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Request:
    """One request, read to its end."""

    def __init__(self, head: str, peer: tuple[str, int]) -> None:
        line, *rest = head.rstrip("\r\n").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        self.headers = [tuple(part.strip() for part in text.split(":", 1)) for text in rest]
        self.peer = peer
        self.body = b""
        parts = urlsplit(self.target)
        self.path, self.query = parts.path, parse_qs(parts.query)

    def header(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key.lower() == name), default)

    def asked(self, name: str, default: str) -> str:
        return self.query.get(name, [default])[0]

    @property
    def wants_to_stay(self) -> bool:
        wish = self.header("connection").lower()
        return "keep-alive" in wish if self.version == "HTTP/1.0" else "close" not in wish

    @property
    def wait_seconds(self) -> float:
        if self.path == "/slow":
            return int(self.asked("ms", "1000")) / 1000
        wish = self.asked("wait", "0s")
        return float(wish.removesuffix("ms")) / 1000 if wish.endswith("ms") else float(wish.removesuffix("s"))

    def dump(self) -> str:
        """The request in wire format, in the order in which Go writes it: Host, User-Agent, the rest by name."""
        first = {"host": 0, "user-agent": 1}
        ordered = sorted(self.headers, key=lambda item: (first.get(item[0].lower(), 2), item[0].lower()))
        named = ("-".join(part.capitalize() for part in name.split("-")) + f": {value}" for name, value in ordered)
        return "\r\n".join((f"{self.method} {self.target} {self.version}", *named, "", ""))


class Whoami:
    """The server and what it remembers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hostname = socket.gethostname()
        self.health = 200
        self.draining = False
        self.connections: set[asyncio.Task[None]] = set()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until one side has enough of it."""
        task = asyncio.current_task()
        if task:
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)
        # The client went away or spoke nonsense: its own affair.
        with contextlib.suppress(ConnectionError, EOFError, ValueError, asyncio.LimitOverrunError):
            while await self.exchange(reader, writer):
                pass
        writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        request = Request(head.decode("latin-1"), writer.get_extra_info("peername"))
        if request.header("upgrade").lower() == "websocket":
            await echo_websocket(request, reader, writer)
            return False
        request.body = await read_body(request, reader)
        try:
            await asyncio.sleep(request.wait_seconds)
            status, body = self.answer(request)
        except (ValueError, KeyError) as error:
            status, body = 400, f"{error!r}\n".encode()
        stays = request.wants_to_stay and not self.draining
        writer.write(response_head(status, len(body), stays=stays))
        writer.write(b"" if request.method == "HEAD" else body)
        await writer.drain()
        return stays

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Status and body for a request."""
        path = request.path
        if path == "/health":
            if request.method == "POST":
                self.health = int(request.body)
            return self.health, b""
        if path in {"/fail-health", "/ok-health"}:
            self.health = 503 if path == "/fail-health" else 200
            return 200, f"health is {self.health} now\n".encode()
        if path.startswith("/status/"):
            status = int(path.removeprefix("/status/"))
            return status, f"{status}\n".encode()
        if path == "/data":
            size = int(request.asked("size", "1")) * UNITS[request.asked("unit", "").upper()]
            return 200, (b"|" + LETTERS * (size // len(LETTERS) + 1))[:size]
        return 200, b"1" if path == "/bench" else self.introduction(request)

    def introduction(self, request: Request) -> bytes:
        """Who am I, who are you, and what did you ask."""
        lines = [f"Name: {self.name}"] if self.name else []
        lines += [f"Hostname: {self.hostname}", *(f"IP: {address}" for address in addresses())]
        lines.append(f"RemoteAddr: {request.peer[0]}:{request.peer[1]}")
        if request.body:
            lines.append(f"Body: {len(request.body)} bytes")
        return ("\n".join(lines) + "\n" + request.dump()).encode("latin-1")

    async def end(self, server: asyncio.Server, manner: str) -> None:
        """What SIGTERM does."""
        if manner == "lingers":
            await asyncio.sleep(GRACE_SECONDS)
        if manner == "drains":
            self.draining = True
            server.close()
            if self.connections:
                await asyncio.wait(self.connections, timeout=GRACE_SECONDS)
        sys.stdout.flush()
        os._exit(0)


async def read_body(request: Request, reader: asyncio.StreamReader) -> bytes:
    """By length or by chunks."""
    if request.header("transfer-encoding").lower() != "chunked":
        return await reader.readexactly(min(int(request.header("content-length", "0")), MAX_BODY))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def response_head(status: int, size: int, *, stays: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {size}",
    ]
    if not stays:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


@functools.cache
def addresses() -> list[str]:
    """This container's addresses, as the kernel's table of local routes has them."""
    with contextlib.suppress(OSError), open("/proc/net/fib_trie", encoding="ascii") as table:
        return sorted(set(re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", table.read())))
    return []


async def echo_websocket(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Shake hands, then send back each frame (RFC 6455) until the client closes."""
    import base64
    import hashlib

    key = request.header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    head = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    writer.write("\r\n".join((*head, f"Sec-WebSocket-Accept: {accept}", "", "")).encode())
    kind = 0
    while kind & 0x0F != 0x8:
        kind, size = await reader.readexactly(2)
        masked, size = size & 0x80, size & 0x7F
        if size > 125:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask = await reader.readexactly(4) if masked else bytes(4)
        sent = await reader.readexactly(min(size, MAX_BODY))
        writer.write(frame(kind, bytes(byte ^ mask[index % 4] for index, byte in enumerate(sent))))
        await writer.drain()


def frame(kind: int, payload: bytes) -> bytes:
    """One unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((kind, size)) + payload
    width, marker = (2, 126) if size < 65536 else (8, 127)
    return bytes((kind, marker)) + size.to_bytes(width, "big") + payload


def option(name: str, variable: str, default: str) -> str:
    """`--name value` or `--name=value` before the environment, as the real one has it."""
    words = sys.argv[1:]
    for index, word in enumerate(words):
        flag, _, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            return value or words[index + 1]
    return os.environ.get(variable, default)


async def main() -> None:
    whoami = Whoami(option("name", "WHOAMI_NAME", ""))
    port = int(option("port", "WHOAMI_PORT_NUMBER", "80"))
    server = await asyncio.start_server(whoami.connection, None, port, backlog=1024)
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    print(f"whoami: listening on {port}", flush=True)
    await told_to_end.wait()
    await whoami.end(server, os.environ.get("MANNER", "dies"))


asyncio.run(main())
