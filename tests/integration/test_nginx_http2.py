# ruff: noqa: F811 - a fixture's name is an argument's name
"""gRPC and HTTP/2 to servers: a second nginx is the server, since it speaks HTTP/2 without TLS, and curl the client."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.tools import ensure_apt
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Bench,
    Seen,
    ask,
    binaries,
    free_port,
    model,
    newest,
    pool,
    route,
    server,
    wait_for,
)

TEXT = """
daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    http2 on;
    server {{
        listen 127.0.0.1:{port};
        return 200 "$server_protocol $request_uri host=$host for=$http_x_forwarded_for upgrade=$http_upgrade";
    }}
}}
"""


@pytest.fixture
def speaker(binaries: dict[str, Path], tmp_path: Path) -> Iterator[int]:
    """A server that speaks HTTP/1.1 and HTTP/2 on one port and says which it was asked in."""
    port = free_port()
    (tmp_path / "c.conf").write_text(TEXT.format(folder=tmp_path, port=port))
    process = subprocess.Popen([binaries["1.30"], "-c", tmp_path / "c.conf"], stderr=subprocess.DEVNULL)

    def up() -> bool:
        try:
            return ask(port, "x", "/").status == 200
        except OSError:
            return False

    wait_for(up)
    yield port
    process.terminate()
    process.wait(10)


def curl(port: int, host: str, path: str) -> str:
    """HTTP/2 without TLS from the first byte, as a gRPC client does."""
    ensure_apt("curl")
    command = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "--http2-prior-knowledge",
        "-H",
        f"Host: {host}",
        f"http://127.0.0.1:{port}{path}",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def test_grpc_goes_through_and_http_1_stays(newest: Bench, speaker: int) -> None:
    newest.serve(
        model(
            route("a.grpc", "grpc.test", to="grpc"),
            route("a.cut", "grpc.test", "/cut", to="grpc", strip=True),
            route("a.plain", "plain.test", to="plain"),
            pool("grpc", server("s", speaker), protocol="grpc"),
            pool("plain", server("s", speaker)),
        )
    )
    said = "HTTP/2.0 /pkg.Service/Call host=grpc.test for=127.0.0.1 upgrade="
    assert curl(newest.http_port, "grpc.test", "/pkg.Service/Call") == said
    assert curl(newest.http_port, "grpc.test", "/cut/x").startswith("HTTP/2.0 /x ")
    assert ask(newest.http_port, "plain.test", "/x").body == b"HTTP/1.1 /x host=plain.test for=127.0.0.1 upgrade="
    assert curl(newest.http_port, "plain.test", "/x").startswith("HTTP/1.1 /x "), "HTTP/2 in, HTTP/1.1 out"


def test_h2c_servers_are_asked_in_http_2(newest: Bench, speaker: int) -> None:
    newest.serve(model(route("a.h2c", "a.test", "/p", to="h", strip=True), pool("h", server("s", speaker), protocol="h2c")))
    assert newest.problems == ()

    def asked(headers: dict[str, str]) -> Seen:
        return ask(newest.http_port, "a.test", "/p/x", headers=headers)

    assert asked({}).body == b"HTTP/2.0 /x host=a.test for=127.0.0.1 upgrade="
    assert asked({"Upgrade": "websocket", "Connection": "Upgrade"}).status in (200, 502), "no upgrades in HTTP/2"
