"""The proxy follows the containers: what is served is right after each thing that can happen to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, VIEWS
from tests.e2e.stack import Stack, docker, stack, until


def labels(host: str, **more: str) -> list[str]:
    pairs = {"confgen.host": host, "confgen.port": "80", **{f"confgen.{k}": v for k, v in more.items()}}
    return [word for key, value in pairs.items() for word in ("--label", f"{key}={value}")]


def test_unknown_hosts_get_404_and_never_the_first_site(world: Stack) -> None:
    assert world.get("nobody.localhost").status == 404
    assert world.get("127.0.0.1").status == 404


def test_start_and_stop(world: Stack) -> None:
    name = world.run("new", *labels("new.localhost"))
    world.serves("new.localhost")
    docker("stop", "-t", "1", name)
    world.serves("new.localhost", status=404)
    docker("start", name)
    world.serves("new.localhost")
    docker("rm", "-f", name)
    world.serves("new.localhost", status=404)
    assert world.get("shop.localhost").status == 200


def test_scale_to_five_and_back(world: Stack) -> None:
    world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=5")
    until(lambda: len(world.hostnames("shop.localhost", 25)) == 5, "five containers answer")
    world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=1")
    until(lambda: len(world.hostnames("shop.localhost", 25)) == 1, "one container answers")


def test_a_changed_label_takes_effect_when_compose_makes_the_container_anew(world: Stack, tmp_path: Path) -> None:
    override = tmp_path / "override.yaml"
    override.write_text("services: {web: {labels: {confgen.host: renamed.localhost}}}\n")
    docker("compose", "-p", world.name, "-f", str(world.file), "-f", str(override), "up", "-d", "--no-build", env=world.env)
    world.serves("renamed.localhost")
    world.serves("shop.localhost", status=404)


def test_pause_takes_a_container_out_and_unpause_back_in(world: Stack) -> None:
    world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=2")
    until(lambda: len(world.hostnames("shop.localhost")) == 2, "both answer")
    docker("pause", world.container("web", 2))
    until(lambda: world.server_state(world.container("web", 2)) == "down", "confgen has the paused one out of rotation")
    assert all(world.get("shop.localhost").status == 200 for _ in range(20))
    docker("unpause", world.container("web", 2))
    until(lambda: len(world.hostnames("shop.localhost")) == 2, "both answer again")


def test_a_crash_with_a_restart_policy(world: Stack) -> None:
    name = world.run("crash", "--restart", "always", *labels("crash.localhost"))
    world.serves("crash.localhost")
    pid = world.inspect(name)["State"]["Pid"]
    docker("exec", name, "sh", "-c", "kill -9 1", check=False)
    import os
    import signal

    if world.inspect(name)["State"]["Pid"] == pid:
        os.kill(pid, signal.SIGKILL)
    until(
        lambda: world.inspect(name)["State"]["Running"] and world.inspect(name)["State"]["Pid"] != pid,
        "the engine starts it again",
    )
    world.serves("crash.localhost")


def test_networks_connect_and_disconnect(world: Stack) -> None:
    name = world.run("net", *labels("net.localhost"))
    world.serves("net.localhost")
    docker("network", "disconnect", world.network, name)
    until(lambda: world.get("net.localhost").status == 404, "a container on no shared network is not routed")
    assert "docker network connect" in world.confgen("explain", name)
    docker("network", "connect", world.network, name)
    world.serves("net.localhost")


def test_rename(world: Stack) -> None:
    name = world.run("before", *labels("rename.localhost"))
    world.serves("rename.localhost")
    docker("rename", name, f"{world.name}-after")
    until(lambda: f"{world.name}-after" in world.confgen("status"), "the new name is known")
    assert world.get("rename.localhost").status == 200


def test_unhealthy_containers_get_nothing(world: Stack) -> None:
    health = ["--health-cmd", "test -f /tmp/well", "--health-interval", "300ms", "--health-retries", "1"]
    name = world.run("sick", *health, *labels("sick.localhost"))
    world.serves("sick.localhost", status=503)
    docker("exec", name, "touch", "/tmp/well")
    world.serves("sick.localhost")
    docker("exec", name, "rm", "/tmp/well")
    world.serves("sick.localhost", status=503)


def test_the_proxy_restarted_killed_and_made_anew(world: Stack) -> None:
    proxy = world.container("proxy")
    docker("restart", "-t", "1", proxy)
    world.serves("shop.localhost")
    pid = world.inspect(proxy)["State"]["Pid"]
    import os
    import signal

    os.kill(pid, signal.SIGKILL)
    until(lambda: world.inspect(proxy)["State"]["Pid"] not in (0, pid), "the restart policy starts it again, stale socket or not")
    world.serves("shop.localhost")
    world.compose("rm", "-s", "-f", "proxy")
    late = world.run("late", *labels("late.localhost"))
    world.compose("up", "-d", "--no-build", "proxy")
    world.serves("shop.localhost")
    world.serves("late.localhost")
    assert late


@pytest.mark.parametrize("first", ["proxy", "confgen"])
def test_either_container_may_start_first_on_an_empty_volume(proxy: str, image: None, first: str) -> None:
    with stack(EXAMPLES[proxy], first) as world:
        if first == "proxy":
            until(lambda: world.get("shop.localhost").status == 404, "the skeleton answers 404")
        else:
            until(lambda: "no proxy container is running" in world.log(), "confgen waits for a proxy")
        world.compose("up", "-d", "--no-build")
        world.serves("shop.localhost")
        for service in ("proxy", "confgen"):
            assert world.inspect(world.container(service))["RestartCount"] == 0, f"{service} looped: {world.log()}"


def test_unrelated_containers_cost_no_write_and_no_reload(world: Stack, proxy: str) -> None:
    before = (
        world.generation(VIEWS[proxy]),
        docker("exec", world.container("proxy"), "stat", "-c", "%Y %Z", f"{VIEWS[proxy]}/live", f"{VIEWS[proxy]}/generations"),
    )
    told = world.log().count("serves generation")
    for number in range(30):
        world.run(f"idle{number}", image="confgen-test/web", command=("sleep", "3600"))
    marker = world.run("marker", *labels("marker.localhost"))
    world.serves("marker.localhost")
    # The marker's change is told once the proxy has shown it twice; all that came before it is told by then.
    until(lambda: "marker.localhost" in world.log(), "the marker's change is told")
    assert world.log().count("serves generation") == told + 1, world.log()
    docker("rm", "-f", marker)
    world.serves("marker.localhost", status=404)
    assert world.generation(VIEWS[proxy]) == before[0]


def test_a_bad_label_is_refused_and_told_and_costs_nobody_else(world: Stack) -> None:
    bad = world.run("bad", *labels("bad..localhost; }"))
    until(lambda: "CG101" in world.log(), "the Problem is told")
    assert bad in world.log()
    assert world.get("shop.localhost").status == 200
    explained = world.confgen("explain", bad)
    assert "CG101" in explained
    assert "STOP" in explained


def test_a_restarted_confgen_leaves_a_right_proxy_alone(world: Stack) -> None:
    told = world.log().count("serves generation")
    world.compose("restart", "-t", "3", "confgen")
    name = world.run("after", *labels("after.localhost"))
    world.serves("after.localhost")
    until(lambda: "after.localhost" in world.log(), "that change is told")
    assert world.log().count("serves generation") == told + 1, world.log()
    assert name


def test_an_exec_of_the_marker_drains_and_lets_back_in(world: Stack) -> None:
    """What a pre_stop hook or a script can send without a port, a label or an API."""
    shared = {"pool": "pair", "drain": "0s"}
    one, two = (world.run(name, *labels("pair.localhost", **shared)) for name in ("one", "two"))
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "both answer")
    docker("exec", two, "sh", "-c", ": confgen-drain")
    until(lambda: world.hostnames("pair.localhost", 20) == {"one"}, "the drained one gets nothing new", deadline=4)
    until(lambda: world.hostnames("pair.localhost") == {"one", "two"}, "it did not go, so it is back")
    assert one
