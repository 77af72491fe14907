"""https on the real engine: confgen without rights of its own reads the operator's folder, and the proxy its copy of the keys."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import certificates
from tests.e2e.conftest import EXAMPLES, VIEWS
from tests.e2e.stack import Stack, docker, get, stack, until
from tests.ports import free_port

OVERLAY = """
services:
  proxy: {{ports: ["{port}:443"]}}
  confgen:
    environment: {{CONFGEN_CERTIFICATES: /certificates}}
    volumes: ["{folder}:/certificates:ro"]
"""
GROUPS = {"nginx": 65532, "haproxy": 99}


def trusting(certificate: bytes) -> ssl.SSLContext:
    """A client that believes this certificate alone."""
    return ssl.create_default_context(cadata=certificate.decode())


@pytest.fixture
def secured(proxy: str, image: None, tmp_path: Path) -> Iterator[tuple[Stack, Path, int]]:
    """The first example of a proxy with a folder of certificates; the folder, and the port for https."""
    folder, port = tmp_path / "certificates", free_port()
    tmp_path.chmod(0o755)
    renew(folder, proxy)
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAY.format(port=port, folder=folder))
    with stack(EXAMPLES[proxy], files=(overlay,)) as world:
        yield world, folder, port


def renew(folder: Path, proxy: str) -> bytes:
    """A key that confgen may read by its group alone; the certificate."""
    chain, key = certificates.pair("shop.localhost")
    certificates.put(folder, "shop.crt", chain, 0o644)
    file = certificates.put(folder, "shop.key", key)
    os.chown(file, 0, GROUPS[proxy])
    folder.chmod(0o755)
    return chain


def test_a_certificate_is_served_and_renewed(secured: tuple[Stack, Path, int], proxy: str) -> None:
    world, folder, port = secured
    first = trusting((folder / "shop.crt").read_bytes())
    until(lambda: get(port, "shop.localhost", tls=first).status == 200, "it is served over TLS")
    second = trusting(renew(folder, proxy))
    until(lambda: get(port, "shop.localhost", tls=second).status == 200, "the renewal is taken")
    assert "X-Forwarded-Proto: https" in get(port, "shop.localhost", tls=second).body
    seen = world.get("shop.localhost", "/a?b=c")
    assert (seen.status, seen.headers["location"]) == (308, "https://shop.localhost/a?b=c")
    assert "shop until" in world.confgen("status")
    assert "PRIVATE" not in world.confgen("status", "--json") + world.log()
    kept = docker("exec", world.container("proxy"), "sh", "-c", f"stat -c '%a %g' {VIEWS[proxy]}/certs {VIEWS[proxy]}/certs/*")
    assert set(kept.splitlines()) == {f"750 {GROUPS[proxy]}", f"640 {GROUPS[proxy]}"}
