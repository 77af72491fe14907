"""Servers that are DNS names: text made from a compose file serves with no confgen running, whatever is up already."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import re
from collections.abc import Callable

from confgen.proxies.haproxy.control import SOCKET
from confgen.values import Name, Sticky
from tests.integration.haproxy_bed import Bench, bench, binaries  # noqa: F401 - the fixtures
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    ask,
    backends,
    free_port,
    model,
    pool,
    route,
    server,
    stream,
    wait_for,
)
from tests.integration.test_nginx_names import Docker, docker  # noqa: F401 - the fixture

Make = Callable[..., Backend]


def test_names_are_found_when_they_are_there_and_followed_when_they_move(bench: Bench, docker: Docker, backends: Make) -> None:
    web, tcp = backends("web"), free_port()
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route("b.there", "b.test", to="there"),
            route("c.sticky", "c.test", to="sticky"),
            stream("tcp", tcp, "db"),
            pool("web", server("web", web.port, "web", resolve=True)),
            pool("there", server("there", web.port)),
            pool("sticky", server("web", web.port, "web", resolve=True), sticky=Sticky("cookie", Name("sid"))),
            pool("db", server("db", web.port, "db", resolve=True), protocol="tcp"),
        )
    )
    assert bench.ask("b.test").server == "web", "the others serve"
    assert bench.ask("a.test").status == 503
    docker.names.update({"web": ["127.0.0.1"], "db": ["127.0.0.1"]})
    wait_for(lambda: {bench.ask(host).status for host in ("a.test", "c.test")} == {200})

    def reached() -> bool:
        try:
            return ask(tcp, "any", "/").server == "web"
        except (OSError, IndexError, ValueError):
            return False

    wait_for(reached)
    docker.names["web"] = ["127.0.0.99"]
    wait_for(lambda: bench.ask("a.test").status != 200)
    docker.names["web"] = ["127.0.0.1"]
    wait_for(lambda: bench.ask("a.test").status == 200)


def test_all_addresses_of_a_name_are_used(bench: Bench, docker: Docker, backends: Make) -> None:
    """As a service that is scaled to two has them; one of the two is not there, and no request fails for it."""
    docker.names["web"] = ["127.0.0.1", "127.0.0.2"]
    web = pool("web", server("web", backends("one").port, "web", resolve=True))
    bench.serve(model(route("a.web", "a.test", to="web"), web))

    def used() -> set[str]:
        said = bench.target.talk(SOCKET, b"@1 show servers state web\n", 5).decode()
        return set(re.findall(r"web\.dns\d+ (127\.[0-9.]+) 2 ", said))

    wait_for(lambda: used() == {"127.0.0.1", "127.0.0.2"})
    assert bench.spread("a.test", 10) == {"one": 10}
