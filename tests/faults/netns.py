"""Network namespaces of the tests' own, and one thread's visit in one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def enter(name: str) -> Iterator[None]:
    """This thread's sockets belong to that namespace while the block lasts; "" stays where we are."""
    if not name:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _set(there)
        yield
    finally:
        _set(home)
        os.close(there)
        os.close(home)


def _set(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def inside(name: str) -> tuple[str, ...]:
    """Words before a command that is to run there; not `ip netns exec`, which hides /sys/fs/cgroup from an engine."""
    return ("nsenter", f"--net=/run/netns/{name}") if name else ()


@contextlib.contextmanager
def namespace(name: str) -> Iterator[str]:
    """A network namespace with nothing but its own loopback."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*inside(name), "ip", "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
