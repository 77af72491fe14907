"""A load that counts every failure: keep-alive clients at a steady rate, against 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Result:
    """What the clients saw.  Times in seconds; failed: by kind ("503", "ConnectionResetError", ...)."""

    times: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    #: When the last request that each of them answered was sent, in seconds since the epoch.
    last_sent: dict[str, float] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return len(self.times)

    @property
    def failures(self) -> int:
        return sum(self.failed.values())

    def over(self, seconds: float) -> int:
        """How many requests took longer."""
        return sum(1 for t in self.times if t > seconds)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def __str__(self) -> str:
        worst = max(self.times, default=0.0) * 1000
        return (
            f"{self.requests} requests, {self.failures} failed {dict(self.failed) or ''}, "
            f"median {self.quantile(0.5) * 1000:.1f} ms, 99% {self.quantile(0.99) * 1000:.1f} ms, longest {worst:.0f} ms"
        )


class Load:
    """`with Load(port, host) as load: ...` then `load.result`."""

    def __init__(
        self,
        port: int,
        host: str,
        rate: float = 200,
        clients: int = 10,
        path: str = "/",
        timeout: float = 10.0,
        tls: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.port, self.host, self.path, self.timeout = port, host, path, timeout
        self.pause, self.clients = clients / rate, clients
        self.name = host if tls else ""
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.result = Result()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        """One client with one connection, kept as long as the server keeps it."""
        await asyncio.sleep(self.pause * number / self.clients)
        connection: _Connection | None = None
        due = time.monotonic()
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                if connection is None or connection.gone():
                    connection = await asyncio.wait_for(_Connection.open(self.port, self.name), self.timeout)
                sent = time.time()
                status, body = await asyncio.wait_for(connection.get(self.host, self.path, self.headers), self.timeout)
                self._count(status, body, sent)
                if connection.closing:
                    connection = connection.close()
            except (TimeoutError, OSError, EOFError, ValueError) as error:
                self.result.failed[type(error).__name__] += 1
                connection = connection and connection.close()
            self.result.times.append(time.monotonic() - started)
            due = max(due + self.pause, time.monotonic() - self.pause)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        if connection:
            connection.close()

    def _count(self, status: int, body: bytes, sent: float) -> None:
        if status != 200:
            self.result.failed[str(status)] += 1
        first = body.split(b"\n", 1)[0].decode("ascii", "replace").removeprefix("Hostname: ")
        self.result.answered_by[first] += 1
        self.result.last_sent[first] = max(sent, self.result.last_sent.get(first, 0.0))


class _Connection:
    """A kept-alive HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.closing = reader, writer, False

    @classmethod
    async def open(cls, port: int, name: str = "") -> _Connection:
        """name: over TLS, asking for this certificate, whoever has signed it."""
        if not name:
            return cls(*await asyncio.open_connection("127.0.0.1", port))
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=anybody, server_hostname=name))

    def gone(self) -> bool:
        """A close that has arrived is seen before the connection is used again, as real clients do."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def get(self, host: str, path: str, headers: str = "") -> tuple[int, bytes]:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
        status = int((await self._line()).split()[1])
        length = 0
        while line := await self._line():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            if name.lower() == b"connection" and value.strip().lower() == b"close":
                self.closing = True
        return status, await self.reader.readexactly(length)

    async def _line(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("closed in the middle of a response")
        return line.rstrip(b"\r\n")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self.writer.get_extra_info("ssl_object"):
                self.writer.transport.abort()  # a polite end takes turns of a loop that is about to end
            self.writer.close()
