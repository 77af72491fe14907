"""The page of outputs is true: its hosts file is what it says, and its third proxy follows containers with no other proxy about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from confgen.check import check
from confgen.options import settings
from confgen.scribe import texts
from confgen.state import State
from confgen.toml import parse
from tests.bed import own, peers
from tests.e2e.stack import ROOT, Stack, docker, stack, until
from tests.guide import write
from tests.unit.facts import container
from tests.unit.test_desk import save

PAGE = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^\*\*`([\w./]+)`\*\*\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the page says, in a folder that every user can read."""
    tmp_path.chmod(0o755)
    for name, text in FILES.items():
        write(tmp_path / name, text)
    return tmp_path


def test_the_hosts_file(folder: Path) -> None:
    said = parse(FILES["my/hosts.toml"], folder / "my/hosts.toml")
    given = settings({name: one.value for name, one in said.items()})
    full, empty = State((container("web"),)), State()
    assert [text.decode() for text in texts(full, given).values()] == ["10.0.0.2 web.front\n"]
    assert [*check(full, given)[-1].lines()] == ["output hosts: fine; tested with grep"]
    assert "output hosts: grep refuses the new text (code 1): it said nothing" in check(empty, given)[-1].native


@pytest.fixture
def world(image: None, folder: Path) -> Iterator[Stack]:
    """Caddy's program stands in for its image."""
    (folder / "caddy").symlink_to(peers.ensure()["caddy"])
    edge = {
        "image": own.tag(),
        "entrypoint": [],
        "user": "0",
        "healthcheck": {"disable": True},
        "environment": {"HOME": "/tmp", "XDG_DATA_HOME": "/tmp"},
        "volumes": [f"{(folder / 'caddy').resolve()}:/usr/bin/caddy:ro"],
    }
    override = folder / "override.yaml"
    override.write_text(yaml.safe_dump({"services": {"edge": edge}}))
    with stack(folder / "compose.yaml", files=(override,)) as made:
        made.serves("shop.localhost")
        yield made


def standing(world: Stack) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = json.loads(world.confgen("status", "--json"))["outputs"]
    return found


def test_a_third_proxy_follows_containers_and_keeps_what_is_good(world: Stack, folder: Path) -> None:
    right = [{"name": "caddy", "to": "/confgen/Caddyfile", "error": None}]
    until(lambda: standing(world) == right, lambda: world.log()[-2000:])
    world.run("api", "--label", "confgen.host=shop.localhost", "--label", "confgen.path=/api", "--label", "confgen.port=80")
    until(lambda: world.get("shop.localhost", "/api/x").hostname == "api", lambda: world.log()[-2000:])
    assert world.get("shop.localhost", "/").hostname != "api"
    world.run(
        "shut", "--label", "confgen.host=shop.localhost", "--label", "confgen.path=/shut", "--label", "confgen.port=80",
        "--label", "confgen.allow=192.0.2.1",
    )  # fmt: skip
    until(lambda: world.get("shop.localhost", "/shut").status == 503, lambda: world.log()[-2000:])

    save(folder / "my/Caddyfile.j2", "{{ nothing }}")
    until(lambda: "Caddyfile.j2:1: 'nothing' is undefined" in world.log(), lambda: world.log()[-2000:])
    assert "is undefined" in str(standing(world)[0]["error"])
    assert world.get("shop.localhost", "/api/x").hostname == "api"
    save(folder / "my/Caddyfile.j2", FILES["my/Caddyfile.j2"])
    until(lambda: "output caddy: is right again" in world.log(), lambda: world.log()[-2000:])
    docker("rm", "-f", world.container("web"))
    until(
        lambda: world.get("shop.localhost", "/").status in (200, 503) and world.get("shop.localhost", "/").hostname == "", "gone"
    )
    assert standing(world) == right
