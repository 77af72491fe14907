"""`explain` on the real engine: the true first failing step of containers that are there, and who answers a request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.stack import ROOT, Stack, docker, free_port, get, stack, until

PROXIES = ("nginx", "haproxy")
HEALTH = ("--health-interval", "1s", "--health-retries", "1", "--health-cmd")
#: What each container is run with; all but the first stop at the reason that is their name.
CASES: dict[str, tuple[str, ...]] = {
    "served": (),
    "not-running": (),
    "paused": (),
    "unhealthy": (*HEALTH, "false"),
    "nothing-listens": ("--label", "confgen.port=8081"),
    "held-by-another": ("--label", "confgen.host=shop.localhost"),
    "unknown-label": ("--label", "confgen.hots=x.localhost", "--label", "confgen.host="),
    "withheld": ("--label", "confgen.alow=10.0.0.0/8"),
    "network-not-shared": (),
}


@pytest.fixture(scope="module")
def world(image: None) -> Iterator[Stack]:
    haproxy = free_port()
    with stack(ROOT / "examples/05-several-routes/compose.yaml", env={"HAPROXY_PORT": str(haproxy)}) as made:
        for name, more in CASES.items():
            host = () if name in ("unknown-label",) else ("--label", f"confgen.host={name}.localhost")
            last = more[:-2] if name == "unknown-label" else more
            made.run(name, *host, "--label", "confgen.port=80", *last)
        docker("stop", "-t", "0", f"{made.name}-not-running")
        docker("pause", f"{made.name}-paused")
        docker("network", "disconnect", made.network, f"{made.name}-network-not-shared")
        docker("network", "connect", "bridge", f"{made.name}-network-not-shared")
        for port in (made.port, haproxy):
            until(lambda port=port: get(port, "served.localhost").status == 200, "the last of them is served")
        yield made


def explained(world: Stack, *words: str) -> list[dict[str, object]]:
    return json.loads(world.confgen("explain", "--json", *words))  # type: ignore[no-any-return]


def test_each_that_is_not_served_has_its_reason_at_either_proxy(world: Stack) -> None:
    """In `status` all at once, and in `explain` one by one."""
    wanted = {f"{world.name}-{name}": name for name in CASES if name != "served"}
    seen: list[object] = []

    def told() -> bool:
        proxies = json.loads(world.confgen("status", "--json"))["proxies"]
        missed = [{one["container"]: one["reason"] for one in proxy["unserved"]} for proxy in proxies]
        # The engine may have others' containers too.
        seen[:] = [{name: reason for name, reason in some.items() if name.startswith(world.name)} for some in missed]
        return seen == [wanted, wanted]

    until(told, "all but one are named", deadline=60)
    for name in CASES:
        reasons = [chain["reason"] for chain in explained(world, f"{world.name}-{name}")]
        assert reasons == [wanted.get(f"{world.name}-{name}")] * len(PROXIES)


def test_a_request_is_sent_through_either_proxy_and_who_answered_is_told(world: Stack) -> None:
    said = world.confgen("explain", "--request", "http://served.localhost/some/path?a=b")
    name = re.escape(f"{world.name}-served")
    assert len(re.findall(rf"ok +answer +200 from {name} in [0-9]+ ms", said)) == len(PROXIES), said
    assert said.count("it is served") == len(PROXIES)


def test_what_the_proxy_answers_itself_is_told_so(world: Stack) -> None:
    said = world.confgen("explain", "--request", "http://www.shop.localhost/")
    assert said.count("301 to http://shop.localhost/ from the proxy itself") == len(PROXIES), said
    said = world.confgen("explain", "--request", "nobody.localhost")
    assert said.count("(unknown-host)") == said.count("404 from the proxy itself") == len(PROXIES), said
