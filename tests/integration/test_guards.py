"""Passwords, limits and ambiguous paths, as the real proxies see them: nginx and HAProxy of every version."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import pytest

from confgen.limits import Limits, Rate, Size
from confgen.model import Redirect, ServerState
from confgen.problem import Effect
from confgen.users import Users, parse_users
from confgen.values import Header, Name, Text, Url, parse_ranges
from tests.integration import haproxy_bed
from tests.integration.nginx_bed import Backend, backends, free_port, model, pool, route, server, stream, wait_for  # noqa: F401 - fixtures
from tests.integration.test_access import Bench, Make, bench  # noqa: F401 - fixtures

#: The password of each is "secret".
HASHES = {
    "bcrypt": "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "sha256": "$5$rounds=10000$saltsalt$RUsnTSO2Cw.gkRW/RZSmG6BCeuh1a6eDbZfnX4oz1c5",
    "sha512": "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
}
APR1 = "apache:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0"


def users(*said: str) -> Users:
    found = parse_users(",".join(said))
    assert isinstance(found, tuple)
    return found


EVERYBODY = users(*(f"{name}:{hashed}" for name, hashed in HASHES.items()))


def basic(name: str, password: str = "secret") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def web(bench: Bench, backends: Make, **more: object) -> Backend:
    """One route of a.test with those guards, and one of open.test with none."""
    backend = backends("web")
    bench.serve(
        model(route("a", "a.test", to="web", **more), route("o", "open.test", to="web"), pool("web", server("web", backend.port)))
    )
    return backend


# --- passwords


def test_passwords(bench: Bench, backends: Make) -> None:
    backend = web(bench, backends, users=EVERYBODY)
    assert {name: bench.ask("a.test", headers=basic(name)).status for name in HASHES} == dict.fromkeys(HASHES, 200)
    before = backend.requests
    for headers in ({}, basic("bcrypt", "wrong"), basic("bcrypt", ""), basic("nobody"), basic(""), {"Authorization": "Basic !"}):
        answer = bench.ask("a.test", headers=headers)
        assert (answer.status, answer.headers["www-authenticate"].lower()) == (401, 'basic realm="restricted"')
    assert backend.requests == before
    assert bench.ask("open.test").status == 200
    said = dict(bench.ask("a.test", headers=basic("bcrypt")).json()["headers"])  # type: ignore[call-overload]
    assert said["authorization"] == basic("bcrypt")["Authorization"], "as behind other proxies"


def test_who_is_not_let_in_gets_the_headers_of_the_route_too(bench: Bench, backends: Make) -> None:
    said = (Header(Name("X-Frame-Options"), Text("DENY")),)
    web(bench, backends, users=EVERYBODY, response_headers=said)
    answers = [bench.ask("a.test", headers=headers) for headers in ({}, basic("sha512"))]
    assert [(answer.status, answer.headers["x-frame-options"]) for answer in answers] == [(401, "DENY"), (200, "DENY")]


def test_what_is_answered_without_a_server_has_the_headers_of_the_route_too(bench: Bench) -> None:
    said = (Header(Name("Server"), Text("")), Header(Name("X-Frame-Options"), Text("DENY")))
    bench.serve(
        model(
            route("a", "a.test", to="web", response_headers=said),
            route("old", "old.test", redirect=Redirect(Url("https://new.test/"), 308), response_headers=said),
            pool("web", server("web", free_port(), state=ServerState.DOWN)),
        )
    )
    answers = [bench.ask(host) for host in ("a.test", "old.test")]
    assert [(answer.status, answer.headers["x-frame-options"]) for answer in answers] == [(503, "DENY"), (308, "DENY")]


def test_a_password_that_the_server_does_not_see(bench: Bench, backends: Make) -> None:
    web(bench, backends, users=EVERYBODY, request_headers=(Header(Name("Authorization"), Text("")),))
    answer = bench.ask("a.test", headers=basic("sha512"))
    assert (answer.status, "authorization" in dict(answer.json()["headers"])) == (200, False)  # type: ignore[call-overload]


def test_only_the_proxy_reads_the_hashes(bench: Bench, backends: Make) -> None:
    web(bench, backends, users=EVERYBODY)
    top = bench.target.folder.path / "live"
    holders = [path for path in top.rglob("*") if path.is_file() and b"saltsalt" in path.read_bytes()]
    assert len(holders) == 1
    assert oct(holders[0].stat().st_mode & 0o777) == oct(0o640)
    assert "saltsalt" not in bench.log.read_text()


def test_a_password_and_an_address(bench: Bench, backends: Make) -> None:
    """Both have to be right, and who comes from elsewhere is not even asked."""
    web(bench, backends, users=EVERYBODY, deny=parse_ranges("127.0.0.1"))
    assert bench.ask("a.test", headers=basic("sha512")).status == 403


def test_apr1_is_for_nginx_alone(bench: Bench, backends: Make) -> None:
    web(bench, backends, users=users(APR1))
    answer = bench.ask("a.test", headers=basic("apache")).status
    if isinstance(bench, haproxy_bed.Bench):
        assert (answer, [p.effect for p in bench.problems]) == (503, [Effect.WITHHELD])
    else:
        assert (answer, bench.ask("a.test", headers=basic("apache", "wrong")).status) == (200, 401)


def test_a_redirect_for_those_who_log_in_or_for_nobody(bench: Bench) -> None:
    bench.serve(model(route("old", "old.test", redirect=Redirect(Url("https://new.test/"), 308), users=EVERYBODY)))
    answers = [bench.ask("old.test", headers=headers).status for headers in ({}, basic("sha512"))]
    assert answers == ([401, 308] if isinstance(bench, haproxy_bed.Bench) else [503, 503])


# --- limits


def raw(bench: Bench, request: bytes) -> int:
    """The status that a request in these very bytes is answered with."""
    with socket.create_connection(("127.0.0.1", bench.http_port), 10) as connection:
        connection.sendall(request)
        return int(connection.makefile("rb").readline().split()[1])


def test_the_size_of_a_body(bench: Bench, backends: Make) -> None:
    backend = web(bench, backends, limits=Limits(body=Size(1000)))
    statuses = [bench.ask("a.test", method="POST", body=b"x" * size).status for size in (0, 1000, 1001)]
    assert (statuses, backend.requests) == ([200, 200, 413], 2)
    assert bench.ask("open.test", method="POST", body=b"x" * 5000).status == 200
    before = backend.requests
    for length in (2**31 + 5, 2**32 + 1, 2**63 + 1, 2**64 + 1):
        assert raw(bench, f"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\nabc".encode()) in (400, 413)
    chunks = b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"
    chunked = raw(bench, b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert chunked in ((411, 413) if isinstance(bench, haproxy_bed.Bench) else (413,))
    assert backend.requests == before


def test_any_size_where_a_label_says_so(bench: Bench, backends: Make) -> None:
    web(bench, backends, limits=Limits(body=Size(0)))
    assert bench.ask("a.test", method="POST", body=b"x" * 3_000_000).status == 200


def test_a_body_of_http2_whose_length_nobody_says(bench: Bench, backends: Make) -> None:
    """HTTP/2 has no chunks: HAProxy has to wait for the first byte to see that there is a body."""
    if not isinstance(bench, haproxy_bed.Bench):
        pytest.skip("nginx measures what comes, and speaks HTTP/2 here only where gRPC needs it")
    backend = web(bench, backends, limits=Limits(body=Size(1000)))
    speak = ["curl", "-s", "-m", "5", "-o", "/dev/null", "--http2-prior-knowledge", "-H", "Host: a.test"]
    url = f"http://127.0.0.1:{bench.http_port}/"
    subprocess.run([*speak, "-T", "-", "-X", "POST", url], input=b"x" * 5000, check=False, timeout=10)
    assert backend.requests == 0
    subprocess.run([*speak, url], check=True, timeout=10)
    assert backend.requests == 1


def test_requests_over_time(bench: Bench, backends: Make) -> None:
    """Ten at once, then ten a second; who goes on knocking is let in as often as who waits."""
    web(bench, backends, limits=Limits(rate=Rate(10), burst=9))
    started = time.monotonic()
    at_once = Counter(bench.ask("a.test").status for _ in range(30))
    assert 10 <= at_once[200] <= 11 + 10 * (time.monotonic() - started)
    assert set(at_once) == {200, 429}
    assert bench.ask("open.test").status == 200, "another route does not count"
    started, let_in = time.monotonic(), 0
    while time.monotonic() - started < 2.5:
        let_in += bench.ask("a.test").status == 200
        time.sleep(0.01)
    assert 12 <= let_in <= 3 + 10 * (time.monotonic() - started)


def test_requests_at_once(bench: Bench, backends: Make) -> None:
    web(bench, backends, limits=Limits(connections=2))
    found: list[int] = []
    clients = [threading.Thread(target=lambda: found.append(bench.ask("a.test", "/stream").status)) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert Counter(found) == {200: 2, 429: 4}
    assert bench.ask("a.test").status == 200, "they are gone"


def test_connections_of_a_port(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as held:
        port = free_port()
        bench.serve(
            model(
                pool("db", server("db", listener.getsockname()[1]), protocol="tcp"),
                stream("tcp", port, "db", limits=Limits(connections=2)),
            )
        )
        listener.settimeout(5)
        for _ in range(2):
            held.enter_context(socket.create_connection(("127.0.0.1", port), 5)).sendall(b"x")
            held.enter_context(listener.accept()[0])
        with contextlib.suppress(ConnectionResetError), socket.create_connection(("127.0.0.1", port), 5) as third:
            assert third.recv(1) == b""


def test_a_changed_limit_is_taken_and_an_unchanged_one_keeps_its_count(bench: Bench, backends: Make) -> None:
    backend = backends("web")
    parts = (route("a", "a.test", to="web", limits=Limits(rate=Rate(1, 60), burst=1)), pool("web", server("web", backend.port)))
    bench.serve(model(*parts))
    assert [bench.ask("a.test").status for _ in range(3)] == [200, 200, 429]
    bench.serve(model(*parts, route("b", "b.test", to="web")))
    assert bench.ask("a.test").status == 429, "HAProxy takes this one without a reload"
    bench.serve(model(replace(parts[0], limits=Limits(rate=Rate(100), burst=99)), parts[1]))
    wait_for(lambda: bench.ask("a.test").status == 200)  # an old worker may answer for a moment after the reload
    assert [bench.ask("a.test").status for _ in range(3)] == [200] * 3


# --- spellings

#: Each may lead an app that decodes twice, cuts parameters off, or takes a backslash for a slash, to /admin.
SPELLINGS = [
    "/admin", "/admin/", "/admin/x", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/%41dmin/../admin", "/x/%2e%2e/admin", "/x/%2E./admin",
    "/x/..%2fadmin", "/x/..%2Fadmin", "/x%2f..%2fadmin", "/%2fadmin", "/%2Fadmin", "/.%2fadmin", "/x/..%5cadmin", "/x%5c..%5cadmin", "/x\\..\\admin", "/\\admin",
    "/%5cadmin", "/%2561dmin", "/x/%252e%252e/admin", "/x/..%252fadmin", "/%25%36%31dmin", "/%2525%36%31dmin", "/x/..;/admin", "/x/..;a=b/admin", "/;/admin",
    "/x;/../admin", "/admin;a=b", "/admin;/x", "/x/%2e%2e;/admin", "/x/..%3b/admin", "/admin%3bx", "/admin%00", "/%00/../admin", "/admin%00.css", "/x%00/../admin",
    "/x/%c0%ae%c0%ae/admin", "/x/..%c0%afadmin", "/x/..%C1%9Cadmin", "/admin#x", "/x#/../admin", "/admin%23", "/admin%3fx", "/x/.%2e/admin?y", "/x/..//admin", "/admin%2fx",
    "/admin/..", "/admin/../", "/admin/../x", "/admin/x/../..", "/admin/x/../../y", "/admin/%2e%2e/x", "/admin/.%2E", "/admin/%2e.?x", "/admin/..?x",
    "/x/../../admin", "/..%2f..%2fadmin", "/x/.%252e/admin", "/admin%2e%2e/../admin", "/x/..%2f;/admin", "/%61%64%6d%69%6e", "/x/%2e%2e%2fadmin", "/x/y/..%2f../admin",
]  # fmt: skip


def lenient(path: str) -> set[str]:
    """All that some app takes this path for: decoded up to three times, with parameters cut off, backslashes turned, dots resolved or not."""
    found, fresh = set(), {path.partition("?")[0]}
    for _ in range(3):
        fresh |= {unquote_to_bytes(one).replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/").replace(b"\xc1\x9c", b"\\").decode("latin-1") for one in fresh}  # fmt: skip
    for one in fresh:
        for cut in (one, *(one.partition(end)[0] for end in "\0#?")):
            turned = cut.replace("\\", "/")
            for plain in (turned, re.sub(r";[^/]*", "", turned)):
                found |= {_resolved(plain), plain}
    return found


def _resolved(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def seen(bench: Bench, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """Status, which server answered, and the path that it was asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", bench.http_port, timeout=10)
    connection._validate_path = lambda url: None  # type: ignore[attr-defined]  # what a hostile client sends
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, value in {"Host": "a.test", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    said = re.search(rb'"server": "(\w+)".*?"path": "((?:[^"\\]|\\.)*)"', body)
    return answer.status, said[1].decode() if said else "", said[2].decode().replace("\\\\", "\\") if said else ""


@pytest.mark.parametrize("guard", ["users", "allow", "withheld"])
def test_no_spelling_leads_past_a_guard(bench: Bench, backends: Make, guard: str) -> None:
    given: dict[str, object] = {"users": {"users": EVERYBODY}, "allow": {"allow": parse_ranges("192.0.2.1")}, "withheld": {}}[
        guard
    ]
    shut = {"withheld": "auth.forward"} if guard == "withheld" else {"to": "adm", **given}
    bench.serve(
        model(
            route("adm", "a.test", "/admin", **shut),
            route("web", "a.test", to="web"),
            pool("web", server("web", backends("web").port)),
            *([] if guard == "withheld" else [pool("adm", server("adm", backends("adm").port))]),
        )
    )
    assert seen(bench, "/", {})[:2] == (200, "web")
    assert seen(bench, "/caf%C3%A9/a%20b/...x/..y/z../.%2ex?q=%2f%25;/../", {})[:2] == (200, "web"), (
        "what can be read in one way alone passes"
    )
    for path in SPELLINGS:
        status, name, asked = seen(bench, path, {})
        assert name != "adm", f"{path}: nobody has logged in"
        meant = lenient(asked) if name else set()
        assert not any(one == "/admin" or one.startswith("/admin/") for one in meant), (
            f"{path} reaches {name} ({status}), which may take it for /admin"
        )


def test_who_may_come_in_asks_in_the_same_spellings(bench: Bench, backends: Make) -> None:
    bench.serve(
        model(
            route("adm", "a.test", "/admin", to="adm", users=EVERYBODY),
            route("web", "a.test", to="web"),
            pool("web", server("web", backends("web").port)),
            pool("adm", server("adm", backends("adm").port)),
        )
    )
    answers = {
        path: seen(bench, path, basic("sha512"))[:2]
        for path in ("/admin", "//admin", "/x/../admin/y", "/./admin/y", "/%61dmin", "/admin%2fx", "/admin;x")
    }
    assert answers == {
        "/admin": (200, "adm"), "//admin": (200, "adm"), "/x/../admin/y": (400, ""), "/./admin/y": (200, "adm"), "/%61dmin": (200, "adm"),
        "/admin%2fx": (400, ""), "/admin;x": (400, ""),
    }  # fmt: skip


def test_where_no_path_decides_every_spelling_passes(bench: Bench, backends: Make) -> None:
    web(bench, backends, users=EVERYBODY)
    assert bench.ask("a.test", "/a%2fb;c/%25", headers=basic("sha512")).status == 200
