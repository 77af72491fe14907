"""The rendered text says what the model says, and nothing else gets past the read-back."""

from __future__ import annotations

import re
from pathlib import Path as File

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from confgen.errors import RefusedText
from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.proxies.nginx import NGINX
from confgen.proxies.proxy import Caps
from confgen.readback import verify
from confgen.render import Renderer
from confgen.settings import Frame
from confgen.values import Address, Balance, Duration, Name, Port, Sticky, Url, Weight, parse_host, parse_path
from tests.unit.nginx_models import CAPS, models

RENDERER = Renderer((), NGINX.filters)
FRAME = Frame()

caps_of_each_line = st.sampled_from(sorted(CAPS)).map(CAPS.__getitem__)
frames = st.builds(Frame, ipv6=st.booleans(), access_log=st.sampled_from(["text", "json", "off"]))


def text(model: Model, caps: Caps, frame: Frame = FRAME) -> str:
    """The text for a model, proven."""
    fitted, _ = NGINX.fit(model, caps)
    files = RENDERER.render(NGINX.outputs, NGINX.view(fitted, caps, frame), NGINX.secrets(fitted)).as_dict()
    verify(NGINX.expected(fitted, caps, frame), NGINX.structure(files))
    return files["nginx.conf"].decode()


@given(models(), caps_of_each_line, frames)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_model_reads_back(model: Model, caps: Caps, frame: Frame) -> None:
    assert text(model, caps, frame) == text(model, caps, frame)


@given(models(), caps_of_each_line)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_fits_fits(model: Model, caps: Caps) -> None:
    """Nothing that is left needs a second look, and no pool is left without a route."""
    fitted, _ = NGINX.fit(model, caps)
    again, problems = NGINX.fit(fitted, caps)
    assert (again, problems) == (fitted, ())
    assert {p.name for p in fitted.pools} == {r.pool for r in fitted.routes() if r.pool}


SHOP = Model(
    (
        Listener(
            name=Name("http"),
            port=Port(80),
            routes=(
                Route(
                    name=Name("shop.api"),
                    hosts=(parse_host("shop.test"),),
                    match=parse_path("/api"),
                    pool=Name("api"),
                    strip=True,
                ),
                Route(name=Name("shop.old"), hosts=(parse_host("old.test"),), redirect=Redirect(Url("https://shop.test"))),
                Route(
                    name=Name("shop.web"),
                    hosts=(parse_host("*.shop.test"), parse_host("shop.test")),
                    pool=Name("web"),
                    read=Duration(90_000),
                ),
            ),
        ),
        Listener(name=Name("tcp-3306"), port=Port(3306), protocol="tcp", routes=(Route(name=Name("db"), pool=Name("db")),)),
    ),
    (
        Pool(
            name=Name("api"),
            servers=(Server(name=Name("api-1"), address=Address("10.0.0.9"), port=Port(8080)),),
            balance=Balance("uri"),
        ),
        Pool(name=Name("db"), protocol="tcp", servers=(Server(name=Name("db-1"), address=Address("10.0.0.7"), port=Port(3306)),)),
        Pool(
            name=Name("web"),
            servers=(
                Server(name=Name("web-1"), address=Address("10.0.0.1"), port=Port(80), weight=Weight(3)),
                Server(name=Name("web-2"), address=Address("fd00::2"), port=Port(80), backup=True),
                Server(
                    name=Name("web-3"), address=Address("10.0.0.3"), port=Port(80), state=ServerState.DRAINING, why="stopping"
                ),
            ),
        ),
    ),
)


def refused(changed: str) -> str:
    """Why the read-back refuses a text for SHOP."""
    caps = CAPS["1.30.6"]
    with pytest.raises(RefusedText) as caught:
        verify(NGINX.expected(SHOP, caps, FRAME), NGINX.structure({"nginx.conf": changed.encode()}))
    return caught.value.message


GOOD = text(SHOP, CAPS["1.30.6"])

#: Where a statement could be slipped in, with what an attacker would like to have there.
INJECTIONS = [
    ("http {", "http { include /etc/passwd;"),
    ("worker_processes        auto;", "worker_processes auto; load_module /tmp/evil.so;"),
    ("location / {", "location / { root /;"),
    ("location / {", "location /x { return 200; } location / {"),
    ("location / {", "location / { internal;"),
    ("location / {", "location / { proxy_set_header X-Real-IP 6.6.6.6;"),
    ("location / {", "location / { deny all;"),
    ("upstream web {", "upstream web { server 6.6.6.6:80;"),
    ("upstream web {", "upstream evil { server 6.6.6.6:80; } upstream web {"),
    ("server_name old.test;", "server_name old.test evil.test;"),
    ("server_name old.test;", "server_name old.test; listen 81;"),
    ("stream {", "stream { server { listen 22; proxy_pass db; }"),
    ("events {", "events { debug_connection 127.0.0.1;"),
    ("http {", "http { map $x $y { default 1; }"),
    ("http {", "http { js_import evil.js;"),
    ("http {", "http { access_log /etc/nginx/nginx.conf;"),
    ("http {", "http { access_log;"),
    ("stream {", "stream { access_log /confgen/kept.json confgen;"),
    ("events {", "error_log /etc/cron.d/x; events {"),
    ("http {", "http { proxy_read_timeout 1ms;"),
    ("http {", "http { proxy_set_header x-real-ip $http_x_real_ip;"),
    ("http {", "http { proxy_ignore_headers Expires;"),
    ("default $http_upgrade;", "default $http_upgrade; x y;"),
    ("geo $confgen_dollar {", "geo $confgen_dollar { 10.0.0.0/8 x;"),
    ("location = /.confgen/generation {", "location = /.confgen/generation { proxy_pass http://web;"),
]


@pytest.mark.parametrize(("place", "with_more"), INJECTIONS)
def test_a_statement_that_was_not_meant_is_refused(place: str, with_more: str) -> None:
    assert place in GOOD
    assert "has what was not meant" in refused(GOOD.replace(place, with_more, 1))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("weight=3", "weight=4"),
        ("weight=3", ""),
        ("10.0.0.9:8080", "10.0.0.8:8080"),
        (" backup;", ";"),
        ("hash $request_uri consistent;", "least_conn;"),
        ("proxy_pass http://api/;", "proxy_pass http://api;"),
        ("proxy_pass http://api/;", "proxy_pass http://web/;"),
        ("location ^~ /api/", "location /api/"),
        ("server_name old.test", "server_name new.test"),
        ("return 308 https://shop.test", "return 308 https://evil.test"),
        ("listen 3306;", "listen 3307;"),
        ("proxy_read_timeout 90s;", ""),
        ("default_server", ""),
        ("proxy_connect_timeout       500ms;", "proxy_connect_timeout 5s;"),
        ("keepalive_timeout     60s;", "keepalive_timeout 0;"),
        ("set $confgen_route shop.old;", "set $confgen_route shop.web;"),
        ("unix:/confgen/run/nginx.sock", "unix:/tmp/other.sock"),
        ('return 404 "', 'return 200 "'),
        ('return 200 "', 'return 201 "'),
    ],
)
def test_a_change_is_refused(was: str, becomes: str) -> None:
    assert was in GOOD
    assert "lacks what was meant" in refused(GOOD.replace(was, becomes, 1))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_line_that_carries_the_model_can_go(data: st.DataObject) -> None:
    """Every line from the pools on is needed, but for comments and tuning."""
    lines = GOOD.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if "--- Pools" in line)
    kept = re.compile(
        r"\s*(#.*|keepalive\b.*|keepalive_timeout 1s;|add_header .*|log_format .*|'.*|access_log /dev.*|proxy_(next_upstream|socket_keepalive) .*)?\n"
    )
    gone = data.draw(st.sampled_from([i for i in range(start, len(lines)) if not kept.fullmatch(lines[i])]))
    refused("".join(lines[:gone] + lines[gone + 1 :]))


@given(st.integers(0, len(GOOD) - 1), st.sampled_from([";", "{", "}", '"', "'", "\\", "#", "\n", "$", " x;", "\x00"]))
@settings(max_examples=150, deadline=None)
def test_a_stray_character_never_changes_the_meaning_unseen(at: int, char: str) -> None:
    """Either it is refused, or the statements are the same as before but for tuning."""
    changed = {"nginx.conf": (GOOD[:at] + char + GOOD[at:]).encode()}
    try:
        verify(NGINX.expected(SHOP, CAPS["1.30.6"], FRAME), NGINX.structure(changed))
    except RefusedText:
        return
    assert NGINX.structure(changed) == NGINX.structure({"nginx.conf": GOOD.encode()})


def test_locations_cannot_change_places() -> None:
    """The same statements in the wrong server block are not the same."""
    a, b = "server_name old.test;", "server_name *.shop.test;"
    assert "not meant" in refused(GOOD.replace(a, "server_name @;").replace(b, a).replace("server_name @;", b))


def test_braces_have_to_match() -> None:
    assert "cannot be read" in refused(GOOD + "}")
    assert "cannot be read" in refused(GOOD[: GOOD.rindex("}")])


def test_tuning_may_be_changed_by_an_operator() -> None:
    tuned = GOOD.replace("worker_connections 8192", "worker_connections 99").replace(
        "location / {", "location / { proxy_buffering off; add_header X-A b;"
    )
    tuned = tuned.replace("http {", "http { access_log syslog:server=10.0.0.9 confgen; access_log /dev/stderr;")
    verify(NGINX.expected(SHOP, CAPS["1.30.6"], FRAME), NGINX.structure({"nginx.conf": tuned.encode()}))


def test_what_protects_cannot_be_left_out() -> None:
    lines = GOOD.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if "What a server is told of the client" in line)
    end = next(i for i, line in enumerate(lines) if "One line a request" in line)
    free = re.compile(r"\s*(#.*|proxy_headers_hash.*)?\n")
    places = [i for i in range(start, end) if not free.fullmatch(lines[i])]
    places += [i for i, line in enumerate(lines) if "_ignore_headers" in line]
    assert len(places) > 50
    for at in places:
        refused("".join(lines[:at] + lines[at + 1 :]))


def test_what_servers_are_told_is_the_templates_own_where_a_policy_says_so() -> None:
    expected = NGINX.expected(SHOP, CAPS["1.30.6"], FRAME)
    theirs = re.sub(r"proxy_set_header X-Forwarded-For .*;", "proxy_set_header X-Forwarded-For $http_cf_connecting_ip;", GOOD)
    theirs = re.sub(r"proxy_set_header X-Original-Url .*;\n", "", theirs)
    found = NGINX.structure({"nginx.conf": theirs.encode()})
    verify(expected, found, ("forwarded",))
    with pytest.raises(RefusedText) as caught:
        verify(expected, found, ("accel",))
    assert '[templates] may_omit = ["forwarded"]' in caught.value.hint
    steered = re.sub(r"proxy_ignore_headers .*;\n", "", GOOD)
    verify(expected, NGINX.structure({"nginx.conf": steered.encode()}), ("accel",))
    with pytest.raises(RefusedText):
        verify(expected, NGINX.structure({"nginx.conf": steered.encode()}), ("forwarded",))


def test_a_server_that_takes_nothing_leaves_no_trace() -> None:
    """Or each stop would cost a second reload, for a comment."""
    assert "web-3" not in GOOD
    assert "stopping" not in GOOD


def test_the_generation_is_a_digest_of_the_text() -> None:
    found = set(re.findall(r"\b[0-9a-f]{16}\b", GOOD))
    assert len(found) == 1


def test_one_block_for_hosts_with_the_same_routes() -> None:
    same = Model(
        (
            Listener(
                name=Name("http"),
                port=Port(80),
                routes=(Route(name=Name("a"), hosts=tuple(map(parse_host, ("a.test", "b.test"))), pool=Name("p")),),
            ),
        ),
        (Pool(name=Name("p"), servers=(Server(name=Name("s"), address=Address("10.0.0.1"), port=Port(80)),)),),
    )
    assert "server_name a.test b.test;" in text(same, CAPS["1.30.6"])


def test_each_host_on_ipv4_and_ipv6_unless_there_is_none() -> None:
    both, four = text(SHOP, CAPS["1.22"]), text(SHOP, CAPS["1.22"], Frame(ipv6=False))
    assert both.count("listen [::]:80") == both.count("listen 80") == 4
    assert "[::]" not in four
    assert "[::]" not in text(SHOP, Caps("nginx", (1, 22, 1), CAPS["1.22"].features - {"ipv6"}))


def test_directives_only_where_the_version_has_them() -> None:
    old, new = text(SHOP, CAPS["1.22"]), text(SHOP, CAPS["1.30.6"])
    assert "keepalive_min_timeout 10s;" in new
    assert "keepalive_min_timeout" not in old


def test_the_stream_module_is_loaded_where_it_is_a_module() -> None:
    dynamic = Caps("nginx", (1, 30, 6), (CAPS["1.30.6"].features - {"stream"}) | {"stream_module", "modules_path=/m"})
    assert "load_module /m/ngx_stream_module.so;" in text(SHOP, dynamic)
    assert "load_module" not in text(SHOP, CAPS["1.30.6"])
    assert "load_module" not in text(Model((SHOP.listeners[0],), SHOP.pools[:1] + SHOP.pools[2:]), dynamic)


def test_an_operator_shadows_one_template(tmp_path: File) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "main.j2").write_text("worker_processes 7;\nevents {}\n")
    files = Renderer((tmp_path,), NGINX.filters).render(NGINX.outputs, NGINX.view(SHOP, CAPS["1.30.6"], FRAME)).as_dict()
    verify(NGINX.expected(SHOP, CAPS["1.30.6"], FRAME), NGINX.structure(files))
    assert b"worker_processes 7;" in files["nginx.conf"]


def test_pools_whose_names_differ_by_case_are_two() -> None:
    def twin(name: str) -> Pool:
        return Pool(name=Name(name), servers=(Server(name=Name("s"), address=Address("10.0.0.1"), port=Port(80)),))

    routes = tuple(Route(name=Name(n), hosts=(parse_host(f"{n}.test"),), pool=Name(p)) for n, p in (("a", "Web"), ("b", "web")))
    found = re.findall(
        r"upstream (\S+) \{",
        text(Model((Listener(name=Name("http"), port=Port(80), routes=routes),), (twin("Web"), twin("web"))), CAPS["1.26"]),
    )
    assert len({name.lower() for name in found}) == 2


def test_sticky_cookies_name_servers_without_telling_their_names() -> None:
    pool = Pool(
        name=Name("p"),
        sticky=Sticky("cookie", Name("sid")),
        servers=tuple(Server(name=Name(f"secret-{i}"), address=Address(f"10.0.0.{i}"), port=Port(80)) for i in (1, 2)),
    )
    route = Route(name=Name("a"), hosts=(parse_host("a.test"),), pool=Name("p"))
    found = text(Model((Listener(name=Name("http"), port=Port(80), routes=(route,)),), (pool,)), CAPS["1.30.6"])
    assert "sticky cookie sid path=/ httponly samesite=lax;" in found
    assert len(set(re.findall(r"route=([0-9a-f]{16});", found))) == 2
