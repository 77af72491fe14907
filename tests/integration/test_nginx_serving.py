"""What nginx really serves with the rendered text, on every version."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from confgen.apply import Result
from confgen.model import Redirect, ServerState
from confgen.values import Balance, Duration, Name, Sticky, Url, Weight
from confgen.values import Path as UrlPath
from tests.integration.nginx_bed import (  # noqa: F401 - the fixtures
    Backend,
    Bench,
    ask,
    backends,
    bench,
    binaries,
    free_port,
    model,
    newest,
    pool,
    route,
    server,
    stream,
    wait_for,
)

Make = Callable[..., Backend]


def test_requests_go_where_the_model_says(bench: Bench, backends: Make) -> None:
    web, api, exact, any_host = backends("web"), backends("api"), backends("exact"), backends("any")
    bench.serve(
        model(
            route("shop.web", "shop.example.com www.example.com", to="web"),
            route("shop.api", "shop.example.com", "/api", to="api"),
            route("shop.exact", "shop.example.com", "=/api/exact", to="exact"),
            route("shop.only", "only.example.com", "/sub", to="web"),
            route("shop.any", "*.example.com", to="any"),
            route("shop.old", "old.example.com", redirect=Redirect(Url("https://shop.example.com/new?a=b"), 308)),
            route("shop.shut", "shut.example.com", withheld="auth.basic: unknown"),
            route("shop.none", "none.example.com", to="none"),
            route("shop.plus", "shop.example.com", "/caf%C3%A9%20(1)", to="exact"),
            pool("web", server("web", web.port)),
            pool("api", server("api", api.port)),
            pool("exact", server("exact", exact.port)),
            pool("any", server("any", any_host.port)),
            pool("none", server("gone", 1, state=ServerState.DOWN)),
        )
    )
    table = {
        ("shop.example.com", "/"): "web",
        ("SHOP.example.com:8080", "/x?y=z"): "web",
        ("shop.example.com.", "/"): "web",
        ("www.example.com", "/api"): "web",
        ("shop.example.com", "/api"): "api",
        ("shop.example.com", "/api/"): "api",
        ("shop.example.com", "/api/v1?q=1"): "api",
        ("shop.example.com", "/api?q=1"): "api",
        ("shop.example.com", "/apiary"): "web",
        ("shop.example.com", "/api/exact"): "exact",
        ("shop.example.com", "/api/exact/"): "api",
        ("shop.example.com", "/x/../api/v1"): "api",
        ("shop.example.com", "/%61pi"): "api",
        ("shop.example.com", "/caf%C3%A9%20(1)"): "exact",
        ("shop.example.com", "/caf%c3%a9%20%281%29/more"): "exact",
        ("other.example.com", "/"): "any",
        ("a.b.example.com", "/"): "any",
        ("only.example.com", "/sub/x"): "web",
    }
    assert {asked: bench.ask(*asked).server for asked in table} == table
    refused = {
        ("only.example.com", "/"): 404,
        ("only.example.com", "/subway"): 404,
        ("example.com", "/"): 404,
        ("unknown.test", "/"): 404,
        ("127.0.0.1", "/"): 404,
        ("shut.example.com", "/"): 503,
        ("none.example.com", "/x"): 503,
        ("old.example.com", "/any"): 308,
        ("shop.example.com", "/.confgen/generation"): 200,  # the app's own path: the generation is told on the socket alone
    }
    assert {asked: bench.ask(*asked).status for asked in refused} == refused
    assert bench.ask("none.example.com").headers["retry-after"] == "5"
    assert bench.ask("old.example.com").headers["location"] == "https://shop.example.com/new?a=b"
    assert bench.ask("shop.example.com", "/.confgen/generation").server == "web"


def test_paths_are_cut_and_replaced(bench: Bench, backends: Make) -> None:
    web = backends("web")
    bench.serve(
        model(
            route("a.strip", "a.test", "/api", to="web", strip=True),
            route("a.moved", "a.test", "/old", to="web", rewrite=UrlPath("/new/place")),
            route("a.root", "a.test", "/flat", to="web", rewrite=UrlPath("/")),
            route("a.exact", "a.test", "=/one", to="web", rewrite=UrlPath("/two")),
            route("b.all", "b.test", "/", to="web", rewrite=UrlPath("/v2")),
            pool("web", server("web", web.port)),
        )
    )
    table = {
        ("a.test", "/api"): "/",
        ("a.test", "/api/"): "/",
        ("a.test", "/api/x/y?z=1&w=%20"): "/x/y?z=1&w=%20",
        ("a.test", "/api/%C3%A9"): "/%C3%A9",
        ("a.test", "/old"): "/new/place",
        ("a.test", "/old/x"): "/new/place/x",
        ("a.test", "/flat/x"): "/x",
        ("a.test", "/one?q=1"): "/two?q=1",
        ("b.test", "/"): "/v2/",
        ("b.test", "/x"): "/v2/x",
    }
    assert {asked: bench.ask(*asked).json()["path"] for asked in table} == table


def test_the_client_is_told_anew_and_lies_are_dropped(bench: Bench, backends: Make) -> None:
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", backends("web").port))))
    lies = {
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil", "X-Forwarded-Port": "1",
        "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Forwarded-Prefix": "/evil", "X-Original-URL": "/admin",
        "X-Original-Host": "evil", "X-Rewrite-URL": "/admin", "Proxy": "http://evil", "X_Forwarded_For": "6.6.6.6",
        "X-Forwarded-User": "root", "Connection": "close, X-Real-IP",
    }  # fmt: skip
    told = bench.ask("a.test:8443", headers={**lies, "X-Mine": "kept"}).json()["headers"]
    assert isinstance(told, list)
    assert sorted(tuple(pair) for pair in told) == [
        ("host", "a.test:8443"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "a.test:8443"),
        ("x-forwarded-port", "8443"),
        ("x-forwarded-proto", "http"),
        ("x-mine", "kept"),
        ("x-real-ip", "127.0.0.1"),
    ]
    plain = dict(bench.ask("a.test").json()["headers"])  # type: ignore[call-overload]
    assert (plain["host"], plain["x-forwarded-port"]) == ("a.test", "80")


def test_a_server_does_not_steer_the_proxy(bench: Bench, backends: Make) -> None:
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route("a.secret", "a.test", "/secret", redirect=Redirect(Url("https://secret.test"))),
            pool("web", server("web", backends("web").port)),
        )
    )
    seen = bench.ask("a.test", "/accel")
    assert (seen.status, seen.server) == (200, "web")
    assert not [name for name in seen.headers if name.startswith("x-accel")]
    assert "server" not in seen.headers or "/" not in seen.headers["server"]


def test_server_sent_events_arrive_at_once_when_the_app_asks_for_it(bench: Bench, backends: Make) -> None:
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", backends("web").port))))
    with socket.create_connection(("127.0.0.1", bench.http_port), 5) as client:
        client.sendall(b"GET /unbuffered/stream HTTP/1.1\r\nHost: a.test\r\n\r\n")
        got = b""
        while b"first" not in got:
            got += client.recv(4096)
        assert b"second" not in got


def _websocket(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), 5)
    key = base64.b64encode(os.urandom(16))
    client.sendall(
        b"GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
    return client


def test_websockets_pass_and_outlive_a_reload(bench: Bench, backends: Make) -> None:
    web = backends("web")
    one = model(route("a.web", "a.test", to="web"), pool("web", server("web", web.port)))
    bench.serve(one)
    with _websocket(bench.http_port) as client:
        client.sendall(b"before")
        assert client.recv(100) == b"before"
        assert bench.serve(model(*one.routes(), *one.pools, route("b.web", "b.test", to="web"))).result is Result.RELOADED
        client.sendall(b"after")
        assert client.recv(100) == b"after"


def test_h2c_upgrades_do_not_pass(bench: Bench, backends: Make) -> None:
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", backends("web").port))))
    told = dict(bench.ask("a.test", headers={"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"}).json()["headers"])  # type: ignore[call-overload]
    assert "upgrade" not in told
    assert "connection" not in told


def _black_hole() -> tuple[int, list[socket.socket]]:
    """A port that lets SYNs vanish, as the address of a container that is gone does: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    held = [listener]
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        held.append(client)
    return int(listener.getsockname()[1]), held


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_is_gone_costs_its_connect_timeout_at_most(bench: Bench, backends: Make, method: str) -> None:
    hole, held = _black_hole()
    try:
        bench.serve(
            model(
                route("a.web", "a.test", to="web"),
                pool("web", server("gone", hole), server("refuses", free_port()), server("web", backends("web").port)),
            )
        )
        took = []
        for _ in range(6):
            started = time.monotonic()
            seen = bench.ask("a.test", method=method, body=b"x" if method == "POST" else None)
            took.append(time.monotonic() - started)
            assert (seen.status, seen.server) == (200, "web")
        assert max(took) < 3, took  # not the kernel's two minutes, nor a proxy's usual minute; a busy machine has its share
    finally:
        for one in held:
            one.close()


def test_connections_to_servers_are_kept(bench: Bench, backends: Make) -> None:
    web = backends("web")
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", web.port))))
    assert bench.spread("a.test", 40) == {"web": 40}
    assert web.accepted <= 4, "one for each worker, and not one for each request"


def test_an_absolute_url_counts_more_than_the_host_header(bench: Bench, backends: Make) -> None:
    """RFC 9112 section 3.2.2; and the server is told the same name by which the route was chosen."""
    bench.serve(
        model(
            route("a.web", "a.test", to="a"),
            route("b.web", "b.test", to="b"),
            pool("a", server("a", backends("a").port)),
            pool("b", server("b", backends("b").port)),
        )
    )
    told = bench.ask("b.test", "http://a.test/x").json()
    assert (told["server"], told["path"], dict(told["headers"])["host"]) == ("a", "/x", "a.test")  # type: ignore[call-overload]


def test_ipv6_clients_are_served_too(newest: Bench, backends: Make) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 on this machine")
    newest.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", backends("web").port))))
    try:
        client = socket.create_connection(("::1", newest.http_port), 5)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    with client:
        client.sendall(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_retry_zero_tries_no_other_server(newest: Bench, backends: Make) -> None:
    newest.serve(
        model(
            route("a.web", "a.test", to="web"),
            pool("web", server("refuses", free_port()), server("web", backends("web").port), retry=0),
        )
    )
    assert {newest.ask("a.test").status for _ in range(8)} == {200, 502}


def test_each_balance_spreads_as_it_should(bench: Bench, backends: Make) -> None:
    ports = {name: backends(name).port for name in ("one", "two", "three")}
    kinds = ("roundrobin", "leastconn", "source", "random", "uri", "header", "cookie")

    def balance(kind: str) -> Balance:
        return Balance(kind, Name({"header": "X-User", "cookie": "user"}[kind]) if kind in ("header", "cookie") else None)

    pools = [pool(kind, *(server(n, p) for n, p in ports.items()), balance=balance(kind)) for kind in kinds]
    bench.serve(model(*(route(f"a.{kind}", f"{kind}.test", to=kind) for kind in kinds), *pools))
    assert not bench.problems
    assert bench.spread("roundrobin.test", 30) == {"one": 10, "two": 10, "three": 10}
    assert set(bench.spread("leastconn.test", 30)) == set(ports)
    assert set(bench.spread("random.test", 60)) == set(ports)
    assert len(bench.spread("source.test", 12)) == 1
    assert set(bench.spread("uri.test", 60, lambda i: f"/{i}")) == set(ports)
    assert len(bench.spread("uri.test", 12, lambda _: "/same")) == 1
    assert len(bench.spread("header.test", 12, X_User="alice")) == 1
    assert {next(iter(bench.spread("header.test", 1, X_User=f"user{i}"))) for i in range(60)} == set(ports)
    assert set(bench.spread("header.test", 30)) == set(ports), "without the header they take turns"
    assert len(bench.spread("cookie.test", 12, Cookie="user=alice")) == 1


def test_weights_backups_and_states(bench: Bench, backends: Make) -> None:
    one, two, three = backends("one"), backends("two"), backends("three")
    bench.serve(
        model(
            route("a.w", "w.test", to="w"),
            route("a.b", "b.test", to="b"),
            route("a.s", "s.test", to="s"),
            route("a.o", "o.test", to="o"),
            pool("w", server("one", one.port, weight=Weight(3)), server("two", two.port)),
            pool("b", server("one", one.port), server("two", two.port, backup=True)),
            pool(
                "s",
                server("one", one.port, state=ServerState.DRAINING),
                server("three", three.port, weight=Weight(0)),
                server("two", two.port),
            ),
            pool("o", server("one", one.port, backup=True), server("two", two.port, backup=True)),
        )
    )
    assert bench.spread("w.test", 40) == {"one": 30, "two": 10}
    assert bench.spread("b.test", 5) == {"one": 5}
    assert bench.spread("s.test", 5) == {"two": 5}
    assert bench.spread("o.test", 10) == {"one": 5, "two": 5}, "where all are backups they all serve"
    one.close()
    assert bench.spread("b.test", 5) == {"two": 5}


def test_a_cookie_keeps_a_client_on_its_server_while_it_drains(newest: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")

    def sticky(state: ServerState) -> None:
        newest.serve(
            model(
                route("a.web", "a.test", to="web"),
                pool("web", server("one", one.port, state=state), server("two", two.port), sticky=Sticky("cookie", Name("sid"))),
            )
        )

    sticky(ServerState.READY)
    first = next(seen for seen in (newest.ask("a.test") for _ in range(10)) if seen.server == "one")
    cookie = first.headers["set-cookie"].split(";")[0]
    assert sorted(first.headers["set-cookie"].split("; ")[1:]) == ["httponly", "path=/", "samesite=lax"]
    assert newest.spread("a.test", 6, Cookie=cookie) == {"one": 6}
    sticky(ServerState.DRAINING)
    assert newest.spread("a.test", 6, Cookie=cookie) == {"one": 6}
    assert newest.spread("a.test", 6) == {"two": 6}
    sticky(ServerState.DOWN)
    assert newest.spread("a.test", 6, Cookie=cookie) == {"two": 6}


def test_tcp_and_udp_ports(bench: Bench, backends: Make) -> None:
    tcp, empty, udp, answered = (
        free_port(),
        free_port(),
        free_port(socket.SOCK_DGRAM),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    )
    answered.bind(("127.0.0.1", 0))
    answered.settimeout(5)
    web = backends("web")
    bench.serve(
        model(
            stream("tcp", tcp, "t"),
            stream("tcp", empty, "e"),
            stream("udp", udp, "u", idle=Duration(2000)),
            pool("t", server("refuses", free_port()), server("web", web.port), protocol="tcp"),
            pool("e", protocol="tcp"),
            pool("u", server("dns", answered.getsockname()[1]), protocol="udp"),
        )
    )
    seen = [ask(tcp, "any", "/") for _ in range(4)]
    assert {s.server for s in seen} == {"web"}
    with socket.create_connection(("127.0.0.1", empty), 5) as client:
        assert client.recv(10) == b"", "nobody is ready: closed at once"
    with answered, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", udp))
        client.send(b"question")
        said, peer = answered.recvfrom(100)
        answered.sendto(said + b" answered", peer)
        assert client.recv(100) == b"question answered"
    wait_for(lambda: f"tcp-{tcp}" in bench.log.read_text(), 5)


def test_grpc_and_http_side_by_side(bench: Bench, backends: Make) -> None:
    """HTTP/1.1 clients keep what they have where a gRPC route is added; before 1.25.1 the route is left out, with a reason."""
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route("b.grpc", "b.test", to="grpc"),
            pool("web", server("web", backends("web").port)),
            pool("grpc", server("grpc", free_port()), protocol="grpc"),
        )
    )
    assert bench.ask("a.test").server == "web"
    assert bench.ask("b.test").status == (404 if bench.version == "1.22" else 502)
    assert [p.code for p in bench.problems] == (["CG004"] if bench.version == "1.22" else [])


def test_the_log_names_route_server_and_time(bench: Bench, backends: Make) -> None:
    web = backends("web")
    bench.access_log = "json"
    bench.serve(model(route("a.web", "a.test", to="web"), pool("web", server("web", web.port))))
    bench.ask("a.test", '/x"y')
    wait_for(lambda: '"route":"a.web"' in bench.log.read_text(), 5)
    line = json.loads(next(text for text in bench.log.read_text().splitlines() if '"route":"a.web"' in text))
    assert (line["host"], line["status"], line["server"]) == ("a.test", 200, f"127.0.0.1:{web.port}")
    assert float(line["upstream_seconds"]) >= 0
