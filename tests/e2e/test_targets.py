"""Where a proxy can run: several in one engine, on the host's network, without the start script, as a local process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import ROOT, Stack, docker, engine_socket, free_port, get, stack, until
from tests.e2e.test_follow import labels

CONFGEN = """
  confgen:
    image: ${{CONFGEN_IMAGE}}
    user: "{user}"
    command: [watch{options}]
    volumes:
{volumes}
      - ${{DOCKER_SOCKET}}:/var/run/docker.sock
    group_add: ["${{DOCKER_GID}}"]
    cap_drop: [ALL]
"""


def confgen(*volumes: str, options: str = "", user: str = "65532:65532") -> str:
    return CONFGEN.format(volumes="\n".join(f"      - {v}" for v in volumes), options=options, user=user)


@pytest.fixture
def write(tmp_path: Path, image: None) -> Path:
    return tmp_path / "compose.yaml"


def test_two_proxies_each_have_their_own_files_and_see_their_own_networks(write: Path) -> None:
    write.write_text(f"""
services:
  inner:
    image: nginx:1.30
    command: [sh, /start.sh]
    labels: {{confgen.proxy: nginx}}
    ports: ["${{HTTP_PORT}}:80"]
    volumes: ["inner:/confgen", "{ROOT}/templates/nginx/start.sh:/start.sh:ro"]
    networks: [one]
  outer:
    image: nginx:1.26
    command: [sh, /start.sh]
    labels: {{confgen.proxy: nginx}}
    ports: ["${{SECOND_PORT}}:80"]
    volumes: ["outer:/confgen", "{ROOT}/templates/nginx/start.sh:/start.sh:ro"]
    networks: [two]
{confgen("inner:/confgen/inner", "outer:/confgen/outer")}
    networks: [one]
  web:
    image: confgen-test/whoami
    labels: {{confgen.host: one.localhost, confgen.port: "80"}}
    networks: [one]
    depends_on: [inner, outer]  # one that starts before its proxy is rightly told that no proxy shares its network
  other:
    image: confgen-test/whoami
    labels: {{confgen.host: two.localhost, confgen.port: "80"}}
    networks: [two]
    depends_on: [inner, outer]
networks: {{one: , two: }}
volumes: {{inner: , outer: }}
""")
    second = free_port()
    with stack(write, env={"SECOND_PORT": str(second)}) as world:
        world.serves("one.localhost")
        until(lambda: get(second, "two.localhost").status == 200, "the second proxy serves its network")
        assert world.get("two.localhost").status == 404
        assert get(second, "one.localhost").status == 404
        told = [line for line in world.log().splitlines() if "CG122" in line and f"container {world.name}-" in line]
        assert not told, "that a container is another proxy's is nobody's mistake"


def test_a_proxy_on_the_hosts_network_reaches_every_bridge_address(write: Path) -> None:
    port = free_port()
    write.write_text(f"""
services:
  proxy:
    image: haproxy:3.2
    command: [sh, /start.sh]
    network_mode: host
    environment: {{CONFGEN_HTTP_PORT: "{port}"}}
    labels: {{confgen.proxy: haproxy}}
    volumes: ["shared:/var/lib/haproxy", "{ROOT}/templates/haproxy/start.sh:/start.sh:ro"]
{confgen("shared:/var/lib/haproxy", options=f', --directory, /var/lib/haproxy, --http-port, "{port}"', user="99:99")}
  web:
    image: confgen-test/whoami
    labels: {{confgen.host: host.localhost, confgen.port: "80"}}
volumes: {{shared: }}
""")
    with stack(write):
        until(lambda: get(port, "host.localhost").status == 200, "it is served")


def test_exec_through_the_engine_is_the_last_resort(write: Path) -> None:
    """A stock nginx without the start script; the folder is made bootable by init."""
    write.write_text(f"""
services:
  init:
    image: ${{CONFGEN_IMAGE}}
    command: [init, --volume, /confgen, --proxy, nginx, --proxy-version, "1.30"]
    volumes: ["shared:/confgen"]
  proxy:
    image: nginx:1.30
    command: [nginx, -g, daemon off;, -c, /confgen/live/nginx.conf]
    labels: {{confgen.proxy: nginx}}
    ports: ["${{HTTP_PORT}}:80"]
    volumes: ["shared:/confgen"]
    depends_on: {{init: {{condition: service_completed_successfully}}}}
{confgen("shared:/confgen", options=", --allow-exec")}
    depends_on: {{init: {{condition: service_completed_successfully}}}}
  web:
    image: confgen-test/whoami
    labels: {{confgen.host: exec.localhost, confgen.port: "80"}}
volumes: {{shared: }}
""")
    with stack(write) as world:
        world.serves("exec.localhost")
        world.run("more", *labels("more.localhost"))
        world.serves("more.localhost")


@contextlib.contextmanager
def program(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process of the test's own, ended at the end."""
    process = subprocess.Popen(words, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reasons(page: str) -> set[str]:
    """Why something was brought to a proxy, by its metrics."""
    families = text_string_to_metric_families(page)
    return {s.labels["reason"] for f in families for s in f.samples if s.name == "confgen_applies_total"}


@pytest.fixture(params=["nginx-1.30", "haproxy-3.2"])
def native(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A proxy's program of the bed under its plain name, in a folder for PATH."""
    name = str(request.param)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / name.partition("-")[0]).symlink_to(Path(os.environ["CONFGEN_BED"]) / "bin" / name)
    return name.partition("-")[0], programs


def test_a_local_process_follows_too(native: tuple[str, Path], tmp_path: Path) -> None:
    """Proxy and confgen as plain processes of this machine, the proxy started by the start script."""
    kind, programs = native
    port, folder, pages = free_port(), tmp_path / "shared", free_port()
    env = {
        "CONFGEN_LISTEN": f"127.0.0.1:{pages}",
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CONFGEN_DIR": str(folder),
        "CONFGEN_HTTP_PORT": str(port),
        "CONFGEN_GID": str(os.getgid()),
        "CONFGEN_ENGINE": f"unix://{engine_socket()}",
    }
    name = f"cgt-process-{os.getpid()}-{kind}"
    with program("sh", str(ROOT / f"templates/{kind}/start.sh"), env=env) as proxy:
        until(lambda: get(port, "any.localhost").status == 404, "the skeleton answers")
        with program(sys.executable, "-m", "confgen", "watch", "--target", "process", "--proxy", kind, env=env) as watcher:
            try:
                docker("run", "-d", "--name", name, *labels("process.localhost"), "confgen-test/whoami")
                until(lambda: get(port, "process.localhost").status == 200, "it is served")
                until(lambda: get(pages, "any", "/healthz").body == "ok\n", "the turn is told")
                assert {"add listeners", "add pools", "add routes"} & reasons(get(pages, "any", "/metrics").body)
                docker("rm", "-f", name)
                until(lambda: get(port, "process.localhost").status == 404, "it is gone")
            finally:
                docker("rm", "-f", name, check=False)
            assert watcher.poll() is None
        assert watcher.wait(10) == 0, "SIGTERM ends it with 0"
        assert proxy.poll() is None


def test_the_start_scripts_path_is_what_the_examples_mount() -> None:
    for proxy, file in EXAMPLES.items():
        assert f"../../templates/{proxy}/start.sh:" in file.read_text()


def test_status_and_plan_say_what_is_live(world: Stack) -> None:
    assert "shop.localhost/" in world.confgen("status")
    assert "nothing to change" in world.confgen("plan")
    assert "it is served" in world.confgen("explain", world.container("web"))
    assert "it is served" in world.confgen("explain", "http://shop.localhost/some/path")
    assert "no route has the host" in world.confgen("explain", "nobody.localhost")


ALONE = {
    "nginx": ("nginx:1.30", "nginx, -g, daemon off;, -c, /out/nginx.conf"),
    "haproxy": ("haproxy:3.2", "haproxy, -f, /out/haproxy.cfg"),
}


def test_text_made_from_a_compose_file_serves_with_no_confgen_running(proxy: str, tmp_path: Path, image: None) -> None:
    """Servers by Docker's DNS names: they are found when they come, and their replicas too."""
    tag, command = ALONE[proxy]
    file = tmp_path / "compose.yaml"
    file.write_text(f"""
services:
  proxy:
    image: {tag}
    command: [{command}]
    ports: ["${{HTTP_PORT:-80}}:80"]
    volumes: ["{tmp_path}/out:/out:ro"]
  web:
    image: confgen-test/whoami
    labels: {{confgen.host: alone.localhost, confgen.port: "80"}}
""")
    tmp_path.chmod(0o755)
    version = tag.partition(":")[2]
    words = [
        sys.executable,
        "-m",
        "confgen",
        "render",
        str(file),
        "--proxy",
        proxy,
        "--proxy-version",
        version,
        "-o",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with stack(file) as world:
        world.serves("alone.localhost")
        assert world.get("other.localhost").status == 404
        world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=2")
        until(lambda: len(world.hostnames("alone.localhost", 20)) == 2, "the second replica is found by its DNS name")
