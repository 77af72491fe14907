"""examples/stacks: each project checks, passes both proxies' own tests, and is served by both as its README says.

What is routed runs with a stand-in on the same ports; what is not routed is left out.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from confgen.cli import cli
from tests.e2e.stack import ROOT, Stack, docker, free_port, get, stack, until

FOLDER = ROOT / "examples/stacks"
NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir() and folder.name != "edge")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\|.*\| `([a-z.]+)(/\S*)` \| (.*?) \|$", README, re.MULTILINE)
VERSIONS = {"nginx": "1.30", "haproxy": "3.2"}
#: The ports of each proxy, as the proxies' own compose file calls them: http, ssh, AMQP.
PORTS = {
    "nginx": ("HTTP_PORT", "SSH_PORT", "AMQP_PORT"),
    "haproxy": ("HAPROXY_PORT", "HAPROXY_SSH_PORT", "HAPROXY_AMQP_PORT"),
}
_WHOAMI = "python3 -I -S -E /whoami.py --port"


def routed(name: str) -> dict[str, dict[str, Any]]:
    services = yaml.safe_load((FOLDER / name / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return {service: body for service, body in services.items() if "labels" in body}


def stand_ins(name: str) -> str:
    """A compose file over the stack's own: what is routed answers with its name, on each of its ports."""
    lines = ["services:"]
    for service, body in routed(name).items():
        listening = " & ".join(f"{_WHOAMI} {port}" for port in body["expose"])
        lines += [
            f"  {service}:",
            "    image: confgen-test/whoami",
            f'    entrypoint: [sh, -c, "{listening} & wait"]',
            f"    environment: {{WHOAMI_NAME: {service}}}",
            "    depends_on: !reset []",
            "    volumes: !reset []",
            "    stop_grace_period: 0s",
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def edge(image: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The proxies with all ten stacks behind them."""
    network = f"cgt-edge-{os.getpid()}"
    ports = {name: str(free_port()) for names in PORTS.values() for name in names if name != "HTTP_PORT"}
    env = {"EDGE_NETWORK": network, **ports}
    folder = tmp_path_factory.mktemp("stand-ins")
    with stack(FOLDER / "edge/compose.yaml", env=env) as made, ThreadPoolExecutor(4) as pool:
        ups = []
        for name in NAMES:
            (folder / f"{name}.yaml").write_text(stand_ins(name), encoding="utf-8")
            ups.append(stack(FOLDER / name / "compose.yaml", *routed(name), env=env, files=(folder / f"{name}.yaml",)))
        try:
            list(pool.map(lambda up: up.__enter__(), ups))
            for proxy in VERSIONS:
                for host, path, _ in ROWS:
                    port = at(made, proxy)
                    until(
                        lambda port=port, host=host, path=path: get(port, host, path).status in (200, 308),
                        f"{proxy} serves {host}",
                    )
            yield made
        finally:
            list(pool.map(lambda up: up.__exit__(None, None, None), ups))


@pytest.fixture(params=list(VERSIONS))
def proxy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at(world: Stack, proxy: str, which: int = 0) -> int:
    return int(world.env[PORTS[proxy][which]])


def answer(body: str) -> tuple[str, str]:
    """Which service answered, and for which path it was asked."""
    found = re.search(r"^Name: (\S+)$.*?^[A-Z]+ (\S+) HTTP", body, re.MULTILINE | re.DOTALL)
    return (found[1], found[2]) if found else ("", "")


def test_the_readme_has_every_stack() -> None:
    assert len(NAMES) == 10
    assert sorted(re.findall(r"^\| `([a-z]+)` \|", README, re.MULTILINE)) == NAMES
    assert len(ROWS) == 15


@pytest.mark.parametrize("name", NAMES)
def test_it_checks_and_renders_for_either_proxy(name: str, proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(os.environ.get("CONFGEN_BED", "")) / "bin" / f"{proxy}-{VERSIONS[proxy]}"
    assert program.is_file(), "`make test` provides the native proxies"
    (tmp_path / proxy).symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    file, chosen = str(FOLDER / name / "compose.yaml"), ("--proxy", proxy, "--proxy-version", VERSIONS[proxy])
    checked = CliRunner().invoke(cli, ["check", file, *chosen], standalone_mode=False)
    assert "fine" in checked.output, checked.output
    assert f"tested natively with {VERSIONS[proxy]}" in checked.output
    rendered = CliRunner().invoke(cli, ["render", file, *chosen, "-o", str(tmp_path / "out")], standalone_mode=False)
    assert rendered.return_value == 0, rendered.output
    assert list((tmp_path / "out").iterdir())


#: What docs/ci.md says that the stock images are started with.
ALONE = {
    "nginx": ("nginx", "-c", "/rendered/nginx.conf", "-g", "daemon off;"),
    "haproxy": ("haproxy", "-f", "/rendered/haproxy.cfg"),
}


@pytest.mark.parametrize("name", ["blog", "files", "monitoring", "release", "wiki"])
def test_what_is_rendered_from_its_file_alone_serves_it_without_confgen(
    edge: Stack, proxy: str, name: str, tmp_path: Path
) -> None:
    """Those whose services have names of their own: all ten share one network here, and Docker's DNS goes by the name."""
    file, out = str(FOLDER / name / "compose.yaml"), tmp_path / "rendered"
    words = ("render", file, "--proxy", proxy, "--proxy-version", VERSIONS[proxy], "-o", str(out))
    assert CliRunner().invoke(cli, words, standalone_mode=False).return_value == 0
    port, container = free_port(), f"{edge.name}-{name}-alone"
    where = ("--network", edge.env["EDGE_NETWORK"], "-p", f"127.0.0.1:{port}:80", "-v", f"{out}:/rendered:ro")
    image = f"{proxy}:{VERSIONS[proxy]}"
    docker("run", "-d", "--name", container, "--label", f"cgtest={edge.name}", *where, image, *ALONE[proxy])
    try:
        hosts = {host for service in routed(name).values() for host in re.findall(r"[a-z.]+localhost", str(service["labels"]))}
        mine = [row for row in ROWS if row[0] in hosts]
        assert mine
        for host, path, promised in mine:
            status, service = (int(promised), "") if promised.isdecimal() else (200, promised.rpartition(" `")[0])
            until(
                lambda host=host, path=path, status=status: get(port, host, path).status == status, f"{status} for {host}{path}"
            )
            assert answer(get(port, host, path).body)[0] in service.split(" or ") or not service
    finally:
        docker("rm", "-f", container)


@pytest.mark.parametrize(("host", "path", "promised"), ROWS, ids=[host + path for host, path, _ in ROWS])
def test_each_row_of_the_table(edge: Stack, proxy: str, host: str, path: str, promised: str) -> None:
    found = get(at(edge, proxy), host, path)
    if promised.isdecimal():
        assert found.status == int(promised)
        return
    services, at_path = re.fullmatch(r"(.*) `(.*)`", promised).groups()  # type: ignore[union-attr]
    service, asked = answer(found.body)
    assert service in services.split(" or "), found
    assert asked == at_path


def test_ssh_and_amqp_come_through_their_ports(edge: Stack, proxy: str) -> None:
    for which, service in ((1, "gitea"), (2, "rabbitmq")):
        port = at(edge, proxy, which)
        until(
            lambda port=port, service=service: answer(get(port, "any").body)[0] == service, f"{service} behind a port of {proxy}"
        )


def test_a_large_upload_reaches_the_files(edge: Stack, proxy: str) -> None:
    size = 20 * 1024 * 1024
    with closing(http.client.HTTPConnection("127.0.0.1", at(edge, proxy), timeout=60)) as connection:
        connection.request("PUT", "/upload", body=bytes(size), headers={"Host": "files.localhost"})
        assert f"Body: {size} bytes" in connection.getresponse().read().decode("latin-1")


def test_a_websocket_reaches_the_push_service(edge: Stack, proxy: str) -> None:
    with socket.create_connection(("127.0.0.1", at(edge, proxy)), 10) as client:
        words = (
            "GET /push/ws HTTP/1.1",
            "Host: files.localhost",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        )
        client.sendall("\r\n".join((*words, "", "")).encode())
        said = client.makefile("rb")
        assert said.readline().startswith(b"HTTP/1.1 101 ")
        while said.readline() not in (b"\r\n", b""):
            pass
        client.sendall(b"\x81\x02ok")
        assert said.read(4) == b"\x81\x02ok"


def test_the_new_version_gets_one_request_in_ten(edge: Stack, proxy: str) -> None:
    counted = Counter(answer(get(at(edge, proxy), "release.localhost").body)[0] for _ in range(40))
    assert {name: round(number / 4) for name, number in counted.items()} == {"blue": 9, "green": 1}, counted


def test_everything_that_asks_is_served(edge: Stack) -> None:
    """confgen has nothing to complain of in any of them."""
    proxies = json.loads(edge.confgen("status", "--json"))["proxies"]
    networks = {f"{proxy['name']}": proxy["unserved"] for proxy in proxies}
    services = {service for name in NAMES for service in routed(name)}
    wrong = [
        one for some in networks.values() for one in some if re.fullmatch(rf"cgt\w+-({'|'.join(services)})-1", one["container"])
    ]
    assert len(proxies) == len(VERSIONS)
    assert not wrong
