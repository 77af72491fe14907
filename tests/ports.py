"""Ports for what a test starts."""

from __future__ import annotations

import contextlib
import random
import socket


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody listens on, below those that the kernel gives to clients for their own side (32768 and up).

    One of those could be taken by a connection between now and the moment at which the test's program listens.
    """
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
