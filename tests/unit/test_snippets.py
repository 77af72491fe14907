"""An operator's own text: where it goes, that it stays there, and what one that is wrong costs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.build import build
from confgen.errors import BadInput, BadTemplate, RefusedText
from confgen.offer import Vantage
from confgen.proxies import PROXIES
from confgen.render import Renderer, origins
from confgen.report import SeatReport
from confgen.settings import Frame, LabelSettings, Settings
from confgen.snippets import PLACES, Mistake, Snippet, in_force, strays, waiting
from confgen.sources.snippets import read_snippets
from confgen.state import State
from confgen.tls import Shelf
from confgen.want import Offline, shape, want_offline, write
from tests.unit.facts import container, state
from tests.unit.test_keep import World as Kept

SHOP, API = {"host": "shop.example.com", "port": "80"}, {"host": "api.example.com", "path": "/v1", "port": "80", "pool": "api"}
WORLD = state(container("shop", SHOP), container("api", API, address="10.0.0.3"))
FINE = {
    "nginx/main.conf": "worker_priority -5;\npcre_jit on;\n",
    "nginx/http.conf": 'map $host $mine {\n    default "{";\n}\nserver {\n    listen 8081;\n    return 204;\n}\n',
    "nginx/server/shop.example.com.conf": "error_page 503 /sorry;\nif ($mine) {\n    return 503;\n}\n",
    "nginx/location/api.default.conf": "deny 10.1.2.3;\nproxy_cache off;\nadd_header X-Mine 1;\n",
    "haproxy/global.cfg": "    tune.bufsize 32768\n    lua-load /etc/mine.lua\n",
    "haproxy/frontend.cfg": "    http-request deny if { src 10.6.6.6 }\n    stick-table type ip size 1k\n",
    "haproxy/backend/api.cfg": "    http-request set-header X-Mine 1\n    errorfile 503 /etc/503\n",
    "haproxy/haproxy.cfg": "frontend mine from confgen:http\n    bind :8081\n    default_backend api\n",
}


def text(proxy: str, snippets: dict[str, str], world: State = WORLD) -> str:
    """The main file with the snippets, read back."""
    known = PROXIES[proxy]
    frame = Frame(snippets=tuple(Snippet(name, body, f"my/{name}") for name, body in sorted(snippets.items())))
    caps = known.caps(known.newest)
    built = shape(world, known, caps, Vantage(None), settings_with(frame), frame)
    files = write(built.model, known, caps, frame, Renderer((), known.filters)).as_dict()
    return files[known.outputs[0].path].decode()


def settings_with(frame: Frame) -> Settings:
    return Settings(frame=frame, labels=LabelSettings())


@pytest.mark.parametrize("name", FINE)
def test_a_snippet_stands_as_it_is_where_its_name_says_and_nowhere_else(name: str) -> None:
    proxy = name.partition("/")[0]
    with_it, without = text(proxy, {name: FINE[name]}), text(proxy, {})
    assert with_it.count(FINE[name]) == (2 if name == "nginx/location/api.default.conf" else 1)
    assert FINE[name] not in without
    assert PROXIES[proxy].mistake(Snippet(name, FINE[name])) is None


def test_every_place_is_tried_here_and_told_in_the_guide() -> None:
    guide = Path("docs/templates.md").read_text()
    for proxy, places in PLACES.items():
        for place in places:
            start = f"{proxy}/{place.partition('*')[0]}"
            assert any(name.startswith(start) for name in FINE), place
            assert f"| `{start}" in guide


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_all_of_them_together_are_read_back(proxy: str) -> None:
    assert text(proxy, FINE).count("Mine") >= 1


def test_a_host_with_a_snippet_does_not_share_its_block_with_another() -> None:
    world = state(container("shop", {"host": "a.example.com, b.example.com", "port": "80"}))
    assert "server_name a.example.com b.example.com;" in text("nginx", {}, world)
    parted = text("nginx", {"nginx/server/b.example.com.conf": "error_page 503 /sorry;\n"}, world)
    assert parted.index("server_name a.example.com;") < parted.index("server_name b.example.com;") < parted.index("/sorry")


@pytest.mark.parametrize(
    ("name", "body", "line", "said"),
    [
        ("nginx/server/a.conf", "error_page 503 /x;\n}\nserver {\n", 2, 'a "}" too many'),
        ("nginx/server/a.conf", "location /x {\n    return 204;\n", 1, 'a "}" is missing'),
        ("nginx/server/a.conf", "\nlisten 81;\n", 2, '"listen" says which requests come here'),
        ("nginx/server/a.conf", "server_name evil.example;\n", 1, '"server_name" says which'),
        ("nginx/location/a.conf", "set $confgen_route other;\n", 1, "$confgen_route is set by confgen"),
        ("nginx/http.conf", 'log_format x "no end;\n', 2, "ends inside a quoted word"),
        ("nginx/http.conf", "gzip on\n", 2, 'where ";" or "}" should be'),
        ("haproxy/frontend.cfg", "    option x\nbackend mine\n", 2, '"backend" begins a section'),
        ("haproxy/backend/a.cfg", "    http-request set-var(txn.route) str(x)\n", 1, "is said by confgen"),
        ("haproxy/frontend.cfg", '    http-request set-var-fmt(txn.route) "x"\n', 1, "is said by confgen"),
        ("haproxy/frontend.cfg", "    http-request set-var-fmt(txn.site,ifnotexists) x\n", 1, "is said by confgen"),
        ("haproxy/frontend.cfg", "    http-request unset-var(txn.match)\n", 1, "is said by confgen"),
        ("haproxy/frontend.cfg", "    tcp-request content set-var(txn.match) str(x)\n", 1, "is said by confgen"),
        ("haproxy/global.cfg", "    set-var proc.confgen str(x)\n", 1, "is said by confgen"),
        ("haproxy/haproxy.cfg", "    bind :81\n", 1, "stands in no section"),
        ("haproxy/haproxy.cfg", "backend confgen:mine\n", 1, "is said by confgen"),
        ("haproxy/frontend.cfg", '    http-request deny if { path "/x }\n', 1, "a quote is not closed"),
        ("haproxy/frontend.cfg", '    http-request set-header X "$HOME"\n', 1, "a variable of the environment"),
    ],
)
def test_one_that_leaves_its_block_is_told_with_its_line(name: str, body: str, line: int, said: str) -> None:
    proxy = PROXIES[name.partition("/")[0]]
    found = proxy.mistake(Snippet(name, body, f"my/{name}"))
    assert found is not None
    assert (said in found.words, found.where) == (True, f"my/{name}:{line}"), found


@given(st.text(alphabet=st.sampled_from("{}\"'#;\\ \nab$"), max_size=40))
def test_whatever_it_says_it_changes_no_statement_but_its_own(body: str) -> None:
    """One that is taken is a whole, so that the rest means what it meant before: the read-back agrees, or `text` raises."""
    snippet = Snippet("nginx/server/shop.example.com.conf", body + "\n")
    if PROXIES["nginx"].mistake(snippet) is None:
        assert snippet.text in text("nginx", {snippet.name: snippet.text})


def test_the_folder_is_read_with_what_is_out_of_place(tmp_path: Path) -> None:
    for name in ("nginx/http.conf", "nginx/servers/a.conf", "nginx/.http.conf.swp", "haproxy/backend/a.cfg", "readme"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# no line end")
    found, odd = read_snippets(tmp_path)
    assert [s.name for s in found] == ["haproxy/backend/a.cfg", "nginx/http.conf"]
    assert {s.text for s in found} == {"# no line end\n"}
    assert [p.origin.object for p in odd] == ["snippet nginx/servers/a.conf", "snippet readme"]
    assert "nginx/server/*.conf" in odd[0].hint
    (tmp_path / "nginx/http.conf").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="cannot be read"):
        read_snippets(tmp_path)
    (tmp_path / "nginx/http.conf").unlink()
    os.mkfifo(tmp_path / "nginx/http.conf")  # nobody waits for its other end
    with pytest.raises(BadInput, match="it is no regular file"):
        read_snippets(tmp_path)
    assert strays(["nginx/server/a/b.conf"]) != []


def test_the_last_good_text_stands_in_for_a_wrong_one() -> None:
    old, new, never = Snippet("nginx/http.conf", "a;\n"), Snippet("nginx/http.conf", "b;\n"), Snippet("nginx/main.conf", "c;\n")
    wrong = {snippet: Mistake(snippet, "no") for snippet in (new, never)}
    assert in_force((new, never), wrong, (old,)) == (old,)
    assert in_force((new, never), {}, (old,)) == (new, never)


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("nginx/location/shop.default.conf", ["shop.default"]),
        ("nginx/server/shop.example.com.conf", ["shop.default"]),
        ("haproxy/backend/api.cfg", ["api.default"]),
        ("nginx/http.conf", ["api.default", "shop.default"]),
        ("haproxy/frontend.cfg", ["api.default", "shop.default"]),
        ("nginx/main.conf", []),
        ("haproxy/global.cfg", []),
        ("haproxy/haproxy.cfg", []),
    ],
)
def test_the_new_routes_that_a_missing_snippet_is_about_wait_for_it(name: str, waits: list[str]) -> None:
    """One that stands around every web route is about all of them, and about no port of another kind."""
    facts = state(*WORLD.instances, container("db", {"tcp.3306": "3306"}, address="10.0.0.4"))
    model = build(facts, Vantage(None), LabelSettings(), Frame()).model
    assert {str(route.name) for route in model.routes()} == {"api.default", "db.tcp-3306", "shop.default"}

    def shut(served: frozenset[str]) -> list[str]:
        return sorted(str(r.name) for r in waiting(model, [Snippet(name, "x")], served).routes() if r.withheld == "snippet")

    assert shut(frozenset()) == waits
    assert shut(frozenset({"api.default"})) == [route for route in waits if route != "api.default"]


def test_a_line_of_the_text_leads_to_the_line_that_printed_it(tmp_path: Path) -> None:
    (tmp_path / "inner.j2").write_text("{% if on %}\none {{ word }}\n{% endif %}\ntwo\n")
    (tmp_path / "main.j2").write_text(
        "# head\n{% for on in (1, 0) %}\n    {% include 'inner.j2' %}\n{{ own }}{% endfor %}\n{{ word }}\n"
    )
    view = {"word": "x", "own": Snippet("nginx/http.conf", "a;\nb;\n", "my/http.conf")}
    recipe = PROXIES["nginx"].outputs[0]
    recipes = (replace(recipe, template="main.j2"),)
    made = Renderer((tmp_path,), {})
    marked, plain = made.marked(recipes, view)[0], made.texts(recipes, view)[0]
    found = [
        f"{line.strip()} {place.rpartition('/')[2]}"
        for line, place in zip(plain.split("\n"), origins(marked, plain), strict=True)
    ]
    own = ["a; http.conf:1", "b; http.conf:2"]
    assert found[:-1] == ["# head main.j2:1", "one x inner.j2:2", "two inner.j2:4", *own, "two inner.j2:4", *own, "x main.j2:5"]


# --- in `watch` ---


class World(Kept):
    edition = 0

    def give(self, **snippets: str) -> None:
        given = sorted(Snippet(f"nginx/{name}.conf", body, f"my/nginx/{name}.conf") for name, body in snippets.items())
        self.edition += 1
        self.keeper.obey(self.settings, self.edition, None, Shelf(), tuple(given))


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.settings = replace(made.settings, snippets=tmp_path)
    made.restart()
    return made


def wrong(report: SeatReport) -> list[str]:
    assert report.error is None, report.error
    return [f"{p.origin.place} {p.message}" for p in report.problems if p.code == "CG191"]


def test_a_snippet_that_the_proxy_refuses_is_left_to_its_last_good_text_and_named(world: World) -> None:
    world.give(http="gzip_vary on;\n", main="pcre_jit on;\n")
    assert wrong(world.keep("a")) == []
    world.nginx.poison.add("poison")
    world.give(http="gzip_vary off;\npoison on;\n", main="pcre_jit off;\n")
    assert wrong(world.keep("a", "b")) == ["my/nginx/http.conf nginx: [emerg] poison is poison"]
    assert "gzip_vary on;" in world.text()
    assert "pcre_jit off;" in world.text()
    assert "b.example.com" in world.text()
    tests = world.nginx.tests
    world.keep("a", "b")
    assert world.nginx.tests == tests, "what is known to be wrong is not tried at every turn"
    world.restart()
    world.give(http="gzip_vary off;\npoison on;\n", main="pcre_jit off;\n")
    assert wrong(world.keep("a", "b")) != []
    assert "gzip_vary on;" in world.text(), "the last good text outlives a restart"
    world.give(http="gzip_vary off;\n", main="pcre_jit off;\n")
    assert wrong(world.keep("a", "b")) == []
    assert "gzip_vary off;" in world.text()


def test_a_new_route_waits_for_its_snippet_and_what_is_served_goes_on(world: World) -> None:
    """It may say who may come in."""
    world.keep("a")
    world.give(**{"server/a.example.com": "deny all;\n}\n", "server/b.example.com": "deny all;\n}\n"})
    assert wrong(world.keep("a", "b")) == [
        f'my/nginx/server/{host}.example.com.conf:2 a "}}" too many: a snippet stays inside its block' for host in "ab"
    ]
    answers = world.text().partition("server_name b.example.com;")
    assert ("return 503" in answers[0].partition("server_name a.example.com;")[2], "return 503" in answers[2]) == (False, True)
    world.give(**{"server/b.example.com": "deny all;\n"})
    assert wrong(world.keep("a", "b")) == []
    assert "proxy_pass" in world.text().partition("server_name b.example.com;")[2]


def test_it_is_tried_again_by_itself(world: World) -> None:
    world.keep("a")
    world.nginx.poison.add("upstream-that-is-not-yet-there")
    world.give(http="gzip_vary on; # upstream-that-is-not-yet-there\n")
    assert wrong(world.keep("a")) != []
    world.nginx.poison.clear()
    world.now += 31
    assert wrong(world.keep("a")) == []


def test_a_wrong_snippet_and_a_wrong_route_cost_no_more_than_both(world: World) -> None:
    world.keep("a")
    world.nginx.poison |= {"poison", "b.example.com"}
    world.give(http="poison on;\n")
    report = world.keep("a", "b", "c")
    assert wrong(report) != []
    assert [p.code for p in report.problems if p.code != "CG191"] == ["CG301"]
    assert "b.example.com" not in world.text()
    assert "return 503" in world.text().partition("server_name c.example.com;")[2], "it may be the snippet that shuts it"
    world.give(http="gzip_vary on;\n")
    report = world.keep("a", "b", "c")
    assert [p.code for p in report.problems] == ["CG301"]
    assert "proxy_pass" in world.text().partition("server_name c.example.com;")[2]


def test_with_nothing_live_a_wrong_one_is_an_error_of_check_and_render(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/http.conf").write_text("}\n")
    proxy = PROXIES["nginx"]
    place = Offline("nginx", proxy, proxy.caps(proxy.newest), Vantage(None))
    settings = replace(settings_with(Frame(directory=PurePosixPath("/x"))), snippets=tmp_path)
    with pytest.raises(BadTemplate, match=r"nginx/http.conf:1: a \"}\" too many"):
        want_offline(WORLD, place, settings)


@pytest.mark.parametrize(
    ("name", "opens"), [("site.j2", "    server {"), ("location.j2", "        location {{"), ("unknown.j2", "    server {")]
)
def test_a_template_that_lost_the_end_of_a_block_is_told_with_the_line_where_it_begins(
    tmp_path: Path, name: str, opens: str
) -> None:
    lines = (Path("templates/nginx") / name).read_text().split("\n")
    begins = next(number for number, line in enumerate(lines, 1) if line.startswith(opens))
    indent = opens[: len(opens) - len(opens.lstrip())]
    del lines[next(number for number in range(begins, len(lines)) if lines[number] == indent + "}")]
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / name).write_text("\n".join(lines))
    proxy, frame = PROXIES["nginx"], Frame()
    built = shape(WORLD, proxy, proxy.caps(proxy.newest), Vantage(None), settings_with(frame), frame)
    with pytest.raises(RefusedText, match=rf'a "}}" is missing for the block that begins here; printed by \S*{name}:{begins}$'):
        write(built.model, proxy, proxy.caps(proxy.newest), frame, Renderer((tmp_path,), proxy.filters))


def test_a_template_that_forgot_the_snippets_is_told(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    shipped = Path("templates/nginx/nginx.conf.j2").read_text()
    (tmp_path / "nginx/nginx.conf.j2").write_text(shipped.replace("{{ snippets.http }}", ""))
    proxy = PROXIES["nginx"]
    frame = Frame(snippets=(Snippet("nginx/http.conf", "server_tokens build;\nperl_modules x;\n"),))
    built = shape(WORLD, proxy, proxy.caps(proxy.newest), Vantage(None), settings_with(frame), frame)
    with pytest.raises(RefusedText, match=r'lacks what was meant: "http > perl_modules x".*printed by .*nginx.conf.j2:'):
        write(built.model, proxy, proxy.caps(proxy.newest), frame, Renderer((tmp_path,), proxy.filters))


def test_a_snippet_with_which_the_reload_never_shows_is_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of its own that is taken passes the proxy's test."""
    monkeypatch.setattr(type(PROXIES["nginx"]), "patience", lambda self, tested: 0.05)
    world.keep("a")
    before = world.text()
    world.nginx.deaf = True
    world.give(http="server {\n    listen 8081;\n}\n")
    (said,) = wrong(world.keep("a"))
    assert "still serves the former generation" in said
    assert world.text() == before
    world.nginx.deaf = False
    world.now += 31
    assert wrong(world.keep("a")) == []
    assert "listen 8081;" in world.text()
