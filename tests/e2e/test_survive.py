"""What is live survives: a refused text, a rollback, a second confgen, templates with mistakes, signals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, VIEWS
from tests.e2e.stack import ROOT, Stack, docker, stack, until
from tests.e2e.test_follow import labels

CHANGED = """
services:
  confgen:
    command: [watch, --templates, /templates]
    volumes: ["{folder}:/templates:ro"]
"""


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A folder of an operator's templates, empty at first; readable by whoever confgen is."""
    folder = tmp_path / "templates"
    folder.mkdir()
    tmp_path.chmod(0o755)
    return folder


@pytest.fixture
def own_templates(proxy: str, image: None, templates: Path, tmp_path: Path) -> Iterator[Stack]:
    override = tmp_path / "override.yaml"
    override.write_text(CHANGED.format(folder=templates))
    with stack(EXAMPLES[proxy]) as world:
        world.files.append(override)
        world.compose("up", "-d", "--no-build")
        world.serves("shop.localhost")
        yield world


#: A template of each proxy into which a mistake goes, and what makes it wrong in the proxy's own eyes for one host alone.
SITE = {"nginx": "nginx/site.j2", "haproxy": "haproxy/backend.j2"}


def test_a_broken_template_is_told_with_its_line_and_costs_nothing(own_templates: Stack, templates: Path, proxy: str) -> None:
    world = own_templates
    file = templates / SITE[proxy]
    file.parent.mkdir()
    good = (ROOT / "templates" / SITE[proxy]).read_text()
    file.write_text(good + "\n{{ nothing.of_this }}\n")
    line = good.count("\n") + 2
    until(lambda: f"{file.name}:{line}" in world.log(), f"file and line are told: {world.log()}")
    assert world.get("shop.localhost").status == 200
    file.write_text(good)
    until(lambda: "is right again" in world.log(), "a mended template is picked up by itself")
    world.run("after", *labels("after.localhost"))
    world.serves("after.localhost")


def test_rollback_pins_a_generation_until_it_is_released(world: Stack, proxy: str) -> None:
    before = world.generation(VIEWS[proxy])
    world.run("new", *labels("new.localhost"))
    world.serves("new.localhost")
    world.confgen("rollback", before, check=True)
    world.serves("new.localhost", status=404)
    world.run("later", *labels("later.localhost"))
    assert "pinned" in world.confgen("status")
    assert before in world.confgen("history")
    assert world.get("later.localhost").status == 404
    world.confgen("rollback", "--release", check=True)
    world.serves("later.localhost")
    world.serves("new.localhost")


def test_a_proxy_that_gets_another_name_is_followed_on(world: Stack) -> None:
    docker("rename", world.container("proxy"), f"{world.name}-edge")
    world.run("new", *labels("new.localhost"))
    world.serves("new.localhost")


def test_rollback_refuses_what_is_not_kept(world: Stack) -> None:
    said = docker("exec", world.container("confgen"), "confgen", "rollback", "0123456789abcdef", check=False, merged=True)
    assert "there is no generation 0123456789abcdef" in said


def test_health_tells_whether_the_look_is_fresh_and_the_proxy_right(world: Stack) -> None:
    until(lambda: docker("exec", world.container("confgen"), "confgen", "health", check=False, merged=True) == "", "healthy")
    docker("pause", world.container("proxy"))
    world.run("more", *labels("more.localhost"))
    until(
        lambda: (
            world.container("proxy") in docker("exec", world.container("confgen"), "confgen", "health", check=False, merged=True)
        ),
        "the silent proxy is named",
        deadline=40,
    )
    docker("unpause", world.container("proxy"))
    world.serves("more.localhost")
    until(
        lambda: docker("exec", world.container("confgen"), "confgen", "health", check=False, merged=True) == "", "healthy again"
    )


def test_a_second_confgen_on_the_volume_stands_by_and_takes_over(world: Stack, proxy: str, tmp_path: Path) -> None:
    override = tmp_path / "spare.yaml"
    text = EXAMPLES[proxy].read_text()
    spare = text[text.index("  confgen:\n") : text.index("  web:\n")].replace("  confgen:\n", "  spare:\n", 1)
    override.write_text("services:\n" + spare.replace("../../", f"{ROOT}/"))
    world.files.append(override)
    world.compose("up", "-d", "--no-build", "spare")
    until(lambda: "stands by" in docker("logs", world.container("spare"), merged=True), "the second one stands by")
    first = world.run("first", *labels("first.localhost"))
    world.serves("first.localhost")
    assert "serves generation" not in docker("logs", world.container("spare"), merged=True)
    world.compose("kill", "confgen")
    world.run("second", *labels("second.localhost"))
    world.serves("second.localhost")
    assert first


def test_sigterm_ends_it_at_once_with_0(world: Stack) -> None:
    started = time.monotonic()
    docker("stop", "-t", "10", world.container("confgen"))
    assert time.monotonic() - started < 5
    assert world.inspect(world.container("confgen"))["State"]["ExitCode"] == 0


def test_the_incumbent_keeps_its_host_over_restarts_and_recreation(world: Stack) -> None:
    """A newcomer that wants the host of another owner never gets it while that one is there, or is made anew."""
    newcomer = world.run("newcomer", *labels("shop.localhost"))
    until(lambda: "CG006" in world.log(), "the newcomer is named")
    world.compose("restart", "-t", "1", "confgen")
    world.compose("up", "-d", "--no-build", "--force-recreate", "web")
    world.serves("shop.localhost")
    assert "newcomer" not in world.hostnames("shop.localhost", 20)
    assert newcomer


#: What an operator's template adds for one route alone.  nginx's own test refuses the first; the second is no statement
#: that a template may add, which the read-back sees.
POISON = {
    "nginx": (
        "nginx/location.j2",
        "            set $confgen_route",
        '{% if "poison" in location.route %}            proxy_buffers 1;\n{% endif %}',
    ),
    "haproxy": ("haproxy/backend.j2", "    balance ", '{% if "poison" in back.name %}    option nonsense\n{% endif %}'),
}


def test_what_the_proxy_refuses_costs_its_own_route_alone(own_templates: Stack, templates: Path, proxy: str) -> None:
    """The offender is found by the proxy's own test, named with its words, and comes back when the cause is gone."""
    world = own_templates
    name, before, addition = POISON[proxy]
    file = templates / name
    file.parent.mkdir()
    good = (ROOT / "templates" / name).read_text()
    assert before in good
    file.write_text(good.replace(before, addition + before, 1))
    world.run("fine", *labels("fine.localhost"))
    world.serves("fine.localhost")
    bad = world.run("poison", *labels("poison.localhost"))
    until(lambda: "CG301" in world.log(), f"the offender is named: {world.log()}")
    assert bad in next(line for line in world.log().splitlines() if "CG301" in line)
    assert world.get("poison.localhost").status == 404
    world.run("later", *labels("later.localhost"))
    world.serves("later.localhost")
    assert world.get("shop.localhost").status == 200
    assert "CG301" in world.confgen("explain", bad)
    file.write_text(good)
    world.serves("poison.localhost")


def test_the_image_tells_its_health_by_itself(world: Stack, tmp_path: Path) -> None:
    override = tmp_path / "health.yaml"
    override.write_text("services: {confgen: {healthcheck: {interval: 1s}}}\n")
    world.files.append(override)
    world.compose("up", "-d", "--no-build", "confgen")
    until(lambda: world.inspect(world.container("confgen"))["State"]["Health"]["Status"] == "healthy", "healthy")
