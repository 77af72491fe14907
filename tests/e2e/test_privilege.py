"""What confgen may do, and what it knows: little, and nothing of any container's environment."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed import own
from tests.e2e.conftest import EXAMPLES, VIEWS
from tests.e2e.gate import Gate, gate
from tests.e2e.stack import Stack, docker, engine_socket, stack, until
from tests.e2e.test_follow import labels

#: As little as can be given, beside what the examples take away already: no shell, files of its own in memory alone, few processes,
#: little memory; and a secret in the environment of all that is there.
LOCKED = """
services:
  proxy:
    environment: {{CANARY: {canary}}}
  confgen:
    environment: {{CANARY: {canary}}}
    tmpfs: [/tmp]
    pids_limit: 32
    mem_limit: 128m
    volumes: ["/dev/null:/bin/sh:ro", "/dev/null:/bin/bash:ro"]
  web:
    environment: {{CANARY: {canary}}}
"""


@dataclass(frozen=True)
class Locked:
    """The first example of a proxy, behind a gate that lets through what is on the list alone."""

    world: Stack
    made: Gate
    canary: str


@pytest.fixture
def locked(proxy: str, image: None, tmp_path: Path) -> Iterator[Locked]:
    canary = f"canary{secrets.token_hex(12)}"
    tmp_path.chmod(0o755)
    override = tmp_path / "locked.yaml"
    override.write_text(LOCKED.format(canary=canary))
    with (
        gate(engine_socket(), tmp_path / "engine.sock") as made,
        stack(EXAMPLES[proxy], env={"DOCKER_SOCKET": str(made.path)}, files=(override,)) as world,
    ):
        world.serves("shop.localhost")
        yield Locked(world, made, canary)


def test_the_secrets_of_containers_show_up_nowhere(locked: Locked, proxy: str) -> None:
    """Neither when all goes well, nor in what is told of containers that make mistakes, come, go and fail."""
    world, secret = locked.world, ("-e", f"CANARY={locked.canary}")
    world.run("good", *labels("good.localhost"), *secret)
    world.run("bad", *labels("bad_name.localhost"), *secret)
    world.run("shut", *labels("shut.localhost"), "--label", "confgen.auth.basic=nobody", *secret)
    world.run("rival", *labels("shop.localhost"), *secret)
    world.serves("good.localhost")
    world.serves("shut.localhost", status=503)
    docker("rm", "-f", f"{world.name}-good")
    world.serves("good.localhost", status=404)
    said = {
        "log of confgen": world.log(),
        "log of the proxy": docker("logs", world.container("proxy"), merged=True),
        **{
            " ".join(words): docker("exec", world.container("confgen"), "confgen", *words, check=False, merged=True)
            for words in ASKED
        },
        "explain": docker(
            "exec", world.container("confgen"), "confgen", "explain", f"{world.name}-bad", check=False, merged=True
        ),
    }
    assert all("Traceback" not in text for text in said.values()), said
    assert "bad_name" in said["log of confgen"]
    assert [name for name, text in said.items() if locked.canary in text] == []
    assert "shop.localhost" in grep(world, "shop.localhost"), "the search finds what is there"
    assert grep(world, locked.canary) == ""
    assert locked.canary in str(world.inspect(world.container("web"))["Config"]["Env"]), "and the secret is there to be found"


ASKED = (("status",), ("status", "--json"), ("history",), ("health",), ("plan",), ("check",))


def grep(world: Stack, text: str) -> str:
    """Every line of any file in the shared folder that holds a text, with its file."""
    search = ("find", "/volume", "-type", "f", "-exec", "grep", "-aFH", "--", text, "{}", "+")  # never the FIFO, which would wait
    return docker("run", "--rm", "-v", f"{world.name}_confgen:/volume:ro", "busybox", *search, check=False)


def test_the_gate_refused_nothing_and_saw_only_what_is_on_its_list(locked: Locked) -> None:
    world = locked.world
    world.run("new", *labels("new.localhost"))
    world.serves("new.localhost")
    assert "new.localhost" in world.confgen("status")
    assert locked.made.refused == []
    assert {asked.split("?")[0] for asked in locked.made.asked} <= {
        *("GET /version", "GET /events", "GET /containers/json", "GET /_ping", "HEAD /_ping")
    }


def test_it_has_no_rights_and_needs_none(locked: Locked) -> None:
    world = locked.world
    found = world.inspect(world.container("confgen"))
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["PortBindings"], "nothing is published"
    ours = dict(line.split(":", 1) for line in proc(world, "/proc/1/status").splitlines() if ":" in line)
    assert [ours[key].strip() for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb")] == ["0" * 16] * 4
    assert ours["NoNewPrivs"].strip() == "1"
    assert "0" not in ours["Uid"].split(), "not root"
    assert int(ours["VmHWM"].split()[0]) < 128 * 1024


def proc(world: Stack, path: str) -> str:
    """A file of the container, read without a shell."""
    return docker("exec", world.container("confgen"), "python", "-c", f"print(open({path!r}).read())")


def test_it_can_write_its_volume_alone(locked: Locked, proxy: str) -> None:
    world = locked.world
    attempts = ("/x", "/etc/x", "/usr/local/bin/confgen", "/templates/x", "/var/x", "/home/x")
    for path in attempts:
        said = docker("exec", world.container("confgen"), "python", "-c", f"open({path!r}, 'w')", check=False, merged=True)
        assert any(word in said for word in ("Read-only file system", "Permission denied", "No such file")), (path, said)
    docker("exec", world.container("confgen"), "python", "-c", f"open('{VIEWS[proxy]}/probe', 'w')")


def test_the_image_runs_as_nobody_without_a_shell(image: None) -> None:
    """Commands are lists of words: nothing is read by a shell, and there need not be one."""
    config = json.loads(docker("image", "inspect", own.tag()))[0]["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["confgen"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    bare = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
    no_shell = ("-v", "/dev/null:/bin/sh:ro", "-v", "/dev/null:/bin/bash:ro")
    assert "confgen" in docker("run", "--rm", *bare, *no_shell, own.tag(), "--version")


def test_the_engine_may_hide_what_confgen_does_not_need(locked: Locked) -> None:
    """The gate refuses what would show an environment, whoever asks: it is the gate that protects, not a mount's `:ro`."""
    world = locked.world
    ask = (
        "import http.client, socket\n"
        "c = http.client.HTTPConnection('engine')\n"
        "c.sock = socket.socket(socket.AF_UNIX); c.sock.connect('/var/run/docker.sock')\n"
        f"c.request('GET', '/containers/{world.container('web')}/json'); print(c.getresponse().status)"
    )
    assert docker("exec", world.container("confgen"), "python", "-c", ask) == "403"
    until(lambda: locked.made.refused, "the gate tells of it")
    assert locked.made.refused[-1].endswith("/json")
