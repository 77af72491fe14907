"""Stands in for wollomatic/socket-proxy, which cannot be had without the internet: understands the options of examples/07.

`-allow<METHOD>=<pattern>` may be given several times; a pattern must match the whole path.  What matches none is refused.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
from pathlib import Path

REQUEST = re.compile(rb"([A-Z]+) ([^ ?]+)(\?[^ ]*)? HTTP/1\.[01]\r\n")


def main(options: list[str]) -> None:
    said = [option.lstrip("-").partition("=")[::2] for option in options]
    settings = dict(said)
    allowed = [(name.removeprefix("allow"), pattern) for name, pattern in said if name.startswith("allow")]
    endpoint = Path(settings["proxysocketendpoint"])
    endpoint.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(endpoint))
        endpoint.chmod(int(settings["proxysocketendpointfilemode"], 8))
        server.listen()
        while True:
            client, _ = server.accept()
            threading.Thread(target=serve, args=(client, settings["socketpath"], allowed), daemon=True).start()


def serve(client: socket.socket, engine: str, allowed: list[tuple[str, str]]) -> None:
    """One request a connection: the engine is told to close after its answer."""
    with client, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = client.recv(65536)
            if not chunk:
                return
            head += chunk
        request = REQUEST.match(head)
        method, path = (request[1].decode(), request[2].decode()) if request else ("", "")
        if not any(method == name and re.fullmatch(pattern, path) for name, pattern in allowed):
            print(f"blocked request {method} {path}", flush=True)
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.socket(socket.AF_UNIX) as behind:
            behind.connect(engine)
            lines = [line for line in head.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.lower().startswith(b"connection:")]
            behind.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
            while chunk := behind.recv(65536):
                client.sendall(chunk)


if __name__ == "__main__":
    main(sys.argv[1:])
