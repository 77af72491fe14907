"""The steps from one text to another: said to a HAProxy of paper, they make it do what the other text says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.model import Model, Redirect, ServerState
from confgen.proxies.haproxy import HAPROXY, sheet
from confgen.proxies.haproxy.sheet import Server
from confgen.proxies.haproxy.steps import MOST, escaped
from confgen.proxies.proxy import Step, Way
from confgen.values import Balance, Cidr, Duration, Name, Sticky, Url, Weight
from tests.unit.haproxy_models import STORY, model, models, pool, route, server, servers, stream, text_of


def way(before: Model, after: Model, version: str = "3.4") -> Way:
    caps = HAPROXY.caps(version)
    return HAPROXY.way(text_of(before, version)[1].as_dict(), text_of(after, version)[1].as_dict(), caps)


def said(found: Way) -> list[str]:
    assert found.reload is None
    return [step.said for step in (*found.first, *found.then)]


# --- a HAProxy of paper ---


@dataclass
class Paper:
    """What a process holds, by the rules of the management manual; an error where the real one would give another answer."""

    servers: dict[str, dict[str, Server]]
    maps: dict[str, list[tuple[str, str]]]
    hidden: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, found: sheet.Sheet) -> Paper:
        return cls({n: dict(b.servers) for n, b in found.backends.items()}, {n: list(m) for n, m in found.maps.items()})

    def taking(self) -> set[str]:
        return {name for name, servers in self.servers.items() if any(server.takes for server in servers.values())}

    def obey(self, step: Step) -> None:
        words = [re.sub(r"\\(.)", r"\1", word) for word in re.split(r"(?<!\\) ", step.said)]
        getattr(self, f"{words[0]}_{words[1]}")(*words[2:])

    def add_server(self, at: str, address: str, *rest: str) -> None:
        backend, name = at.split("/")
        assert not set(rest) & {"weight", "disabled"}
        self.servers[backend].setdefault(name, Server(name, address, 1, 0, True, rest))

    def set_server(self, at: str, what: str, value: str, *port: str) -> None:
        backend, name = at.split("/")
        old = self.servers[backend][name]
        if what == "addr":
            ip = f"[{value}]" if ":" in value else value
            new = replace(old, address=f"{ip}:{port[1]}")
        elif what == "weight":
            new = replace(old, weight=int(value))
        else:
            new = replace(old, disabled={"maint": True, "ready": False}[value])
        self.servers[backend][name] = new

    def set_maxconn(self, _: str, at: str, value: str) -> None:
        backend, name = at.split("/")
        self.servers[backend][name] = replace(self.servers[backend][name], most=int(value))

    def add_backend(self, name: str, _: str, defaults: str) -> None:
        assert defaults == "confgen:http"
        self.servers.setdefault(name, {})
        self.hidden.add(name)

    def publish_backend(self, name: str) -> None:
        self.hidden.remove(name)

    def unpublish_backend(self, name: str) -> None:
        self.hidden.add(name)

    def add_map(self, name: str, key: str, value: str) -> None:
        assert key not in dict(self.maps[name])
        self.maps[name].append((key, value))

    def set_map(self, name: str, key: str, value: str) -> None:
        assert key in dict(self.maps[name])
        self.maps[name] = [(k, value if k == key else v) for k, v in self.maps[name]]

    def del_map(self, name: str, key: str) -> None:
        assert key in dict(self.maps[name])
        self.maps[name] = [(k, v) for k, v in self.maps[name] if k != key]

    def is_like(self, wanted: sheet.Sheet) -> None:
        """What is left over takes no requests, and no line of a map leads there."""
        for backend, held in self.servers.items():
            known = wanted.backends.get(backend)
            listed = known.servers if known else {}
            assert {name: held[name] for name in listed} == dict(listed)
            assert all(held[name].disabled for name in held.keys() - listed.keys())
            assert known is None or backend not in self.hidden
        assert wanted.backends.keys() <= self.servers.keys()
        for name, entries in wanted.maps.items():
            assert (list if name == "wildcards.map" else sorted)(self.maps[name]) == list(entries), name


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Model, Model]:
    """A model, and another that containers could make of it: other servers, some of the routes."""
    one = draw(models())
    names = draw(st.lists(servers, max_size=6, unique_by=lambda s: s.name))

    def pools(found: Model) -> Model:
        return replace(
            found,
            pools=tuple(
                replace(
                    p,
                    servers=tuple(
                        sorted(
                            draw(st.sets(st.sampled_from([*p.servers, *names])) if p.servers or names else st.just(set())),
                            key=lambda s: s.name,
                        )
                    ),
                )
                for p in found.pools
            ),
        )

    def unique(found: Model) -> Model:
        return replace(
            found, pools=tuple(replace(p, servers=tuple({s.name: s for s in p.servers}.values())) for p in found.pools)
        )

    lost = draw(st.sets(st.sampled_from([r.name for r in one.routes()]))) if one.routes() and draw(st.booleans()) else set()
    fewer = tuple(
        replace(x, routes=tuple(r for r in x.routes if x.protocol != "http" or r.name not in lost)) for x in one.listeners
    )
    used = {r.pool for x in fewer for r in x.routes}
    other = Model(fewer, tuple(p for p in one.pools if p.name in used))
    pair = (unique(pools(one)), unique(pools(other)))
    return pair if draw(st.booleans()) else (pair[1], pair[0])


@pytest.mark.parametrize("version", ["2.6", "3.2", "3.4"])
@given(pair=neighbours())
def test_the_steps_lead_from_any_text_to_any_other(version: str, pair: tuple[Model, Model]) -> None:
    before, after = (text_of(found, version)[1].as_dict() for found in pair)
    found = HAPROXY.way(before, after, HAPROXY.caps(version))
    if found.reload is not None:
        assert found.reload
        assert found.reload.isprintable()
        return
    paper, wanted = Paper.of(sheet.read(before)), Paper.of(sheet.read(after))
    go_on = paper.taking() & wanted.taking()
    for step in found.first:
        assert re.fullmatch(r"set server \S+ (weight 0|state maint)", step.said), "what comes first adds nothing"
    for step in (*found.first, *found.then):
        paper.obey(step)
        assert paper.taking() >= go_on, "who has somebody for requests before and after has somebody at every moment"
    paper.is_like(sheet.read(after))


@given(models())
def test_the_same_text_needs_no_step(found: Model) -> None:
    assert way(found, found) == Way(first=(), then=())


# --- what each change takes ---

A = route("a.web", "a.test", to="a")
ONE = model(A, pool("a", server("one"), server("two")))


def other(*found: object, **more: object) -> Model:
    return model(A, pool("a", *found, **more))  # type: ignore[arg-type]


def test_a_server_that_stops_is_told_so_before_anything_else() -> None:
    draining = other(server("one"), server("two", state=ServerState.DRAINING))
    assert way(ONE, draining) == Way(first=(Step("set server a/two weight 0"),))
    assert way(draining, ONE) == Way(then=(Step("set server a/two weight 1"),))
    down = other(server("one"), server("two", state=ServerState.DOWN))
    assert way(ONE, down) == Way(first=(Step("set server a/two state maint"),))
    assert way(ONE, other(server("one"))) == Way(first=(Step("set server a/two state maint"),))


def test_the_last_one_goes_after_the_new_one_has_come() -> None:
    found = way(other(server("old")), other(server("new")))
    assert found.first == ()
    assert said(found)[-1] == "set server a/old state maint"
    moved = way(other(server("one"), server("two")), other(server("one", "10.0.0.9")))
    assert moved.first == (), "one that changes its address is nobody to rely on meanwhile"


def test_a_new_server_gets_requests_when_all_is_said() -> None:
    new = server("new", "fd00::2", weight=Weight(3), max_connections=9)
    assert said(way(ONE, other(server("one"), server("two"), new))) == [
        "add server a/new [fd00::2]:8080",
        "set server a/new addr fd00::2 port 8080",
        "set maxconn server a/new 9",
        "set server a/new weight 3",
        "set server a/new state ready",
    ]
    down = replace(new, state=ServerState.DOWN)
    assert "set server a/new state ready" not in said(way(ONE, other(server("one"), server("two"), down)))


def test_one_that_left_lately_is_woken_but_not_as_a_backup() -> None:
    there = "Already exists a server with the same name in backend."
    for server_, woken in ((server("new"), True), (server("new", backup=True), False)):
        step = way(ONE, other(server("one"), server("two"), server_)).then[0]
        assert re.fullmatch(step.answers, "New server registered.")
        assert not re.fullmatch(step.answers, there)
        assert bool(re.fullmatch(step.there, there)) is woken


def test_a_site_is_whole_before_its_host_is_known_and_until_it_is_not() -> None:
    site = [
        route("b.web", "b.test", to="b"),
        route("b.api", "b.test", "/api", to="a"),
        route("b.deep", "b.test", "/api/x", to="a"),
    ]
    path = route("a.path", "a.test", "/p", to="a")
    small = model(A, path, pool("a", server("one")))
    big = model(A, path, *site, pool("a", server("one")), pool("b", server("b")))
    came = said(way(small, big))
    assert came[0] == "add backend b from confgen:http"
    assert came.index("publish backend b") < came.index(r"add map prefixes.map b.test:80/api/x/ b.deep\ a")
    assert came[-4:] == [
        r"add map prefixes.map b.test:80/api/x/ b.deep\ a",
        r"add map prefixes.map b.test:80/api/ b.api\ a",
        r"add map prefixes.map b.test:80/ b.web\ b",
        "add map hosts.map b.test:80 b.test:80",
    ]
    assert said(way(big, small)) == [
        "del map hosts.map b.test:80",
        "del map prefixes.map b.test:80/",
        "del map prefixes.map b.test:80/api/",
        "del map prefixes.map b.test:80/api/x/",
        "set server b/b state maint",
        "unpublish backend b",
    ]


def test_what_shuts_comes_before_what_opens() -> None:
    shut = {"withheld": "auth: unknown"}
    one = model(route("a", "a.test", **shut), route("b", "b.test", to="p"), route("c", "c.test", to="p"), pool("p"))
    two = model(route("a", "a.test", to="p"), route("b", "b.test", to="p"), route("c", "c.test", **shut), pool("p"))
    found = said(way(one, two))
    assert [step.split()[3] for step in found] == ["c.test:80/", "a.test:80/"]


@pytest.mark.parametrize(
    ("after", "version", "why"),
    [
        (other(server("one"), server("two"), retry=5), "3.4", "backend a has other settings"),
        (other(server("one"), server("two"), balance=Balance("leastconn")), "3.4", "has other settings"),
        (other(server("one"), server("two"), protocol="h2c"), "3.4", "server a/one has other settings"),
        (other(server("one"), server("two", backup=True)), "3.4", "server a/two has other settings"),
        (other(server("one"), server("two"), server("dns", "web", resolve=True)), "3.4", "resolvers docker is new"),
        (model(replace(A, read=Duration(5000)), *ONE.pools), "3.4", "has other settings"),
        (model(replace(A, allow=(Cidr("10.0.0.0/8"),)), *ONE.pools), "3.4", "has other settings"),
        (model(A, route("p", "a.test", "/x", to="a"), *ONE.pools), "3.4", "frontend port:http has other settings"),
        (model(A, *ONE.pools, pool("db", protocol="tcp"), stream(3306, "db")), "3.4", "frontend port:tcp-3306 is new"),
        (model(A, route("b", "b.test", to="b"), *ONE.pools, pool("b")), "3.2", "backend b is new, and only HAProxy 3.4"),
        (model(A, route("b", "b.test", to="b"), *ONE.pools, pool("b", retry=9)), "3.4", "backend b has settings of its own"),
        (model(A, route("b", "b.test", to="b", allow=(Cidr("10.0.0.0/8"),)), *ONE.pools, pool("b")), "3.4", "settings of its own"),
        (model(A, route("b", "b.test", redirect=Redirect(Url("https://x.test/"))), *ONE.pools), "3.4", "settings of its own"),
        (model(A, route("b", "b.test", withheld="x"), *ONE.pools), "3.4", "backend confgen:withheld has settings of its own"),
        (model(A, route("w", "*.b.test", to="a"), *ONE.pools), "3.4", "frontend port:http has other settings"),
        (other(*(server(f"s{n}") for n in range(MOST))), "3.4", "[0-9]+ steps at once"),
    ],
)  # fmt: skip
def test_what_has_no_step_takes_a_reload_and_says_why(after: Model, version: str, why: str) -> None:
    found = way(ONE, after, version)
    assert found.reload is not None
    assert re.search(why, found.reload)
    assert (found.first, found.then) == ((), ())


def test_a_backup_leaves_only_by_a_reload_since_nothing_tells_later_that_it_was_one() -> None:
    found = way(other(server("one"), server("two", backup=True)), other(server("one")))
    assert found.reload == "server a/two is a backup, and must not be taken for another one later"


def test_sticky_servers_come_at_run_time_where_haproxy_takes_their_cookie() -> None:
    sticky = {"sticky": Sticky("cookie", Name("sid"))}
    before, after = other(server("one"), **sticky), other(server("one"), server("two"), **sticky)
    assert "cookie" in str(way(before, after, "2.6").reload)
    assert way(before, after, "3.0").reload is None
    assert way(after, before, "2.6").reload is None


def test_wildcards_can_only_be_put_last() -> None:
    def wild(*names: str) -> Model:
        return model(*(route(name.strip("*."), name, to="a") for name in names), *ONE.pools)

    assert said(way(wild("*.long.test"), wild("*.long.test", "*.b.test"))) == [
        r"add map prefixes.map *.b.test:80/ b.test\ a",
        "add map wildcards.map .b.test:80 *.b.test:80",
    ]
    assert way(wild("*.b.test"), wild("*.b.test", "*.long.test")).reload == "a wildcard host comes before another one"
    assert said(way(wild("*.b.test", "*.long.test"), wild("*.b.test")))[0] == "del map wildcards.map .long.test:80"


def test_what_was_not_written_by_us_is_left_by_a_reload() -> None:
    text = text_of(STORY, "3.4")[1].as_dict()
    for before in ({}, {"haproxy.cfg": b"defaults\n"}):
        assert HAPROXY.way(before, text, HAPROXY.caps("3.4")).reload == "what is running is no text that is known"


def test_an_operators_other_template_is_a_reload() -> None:
    text = text_of(STORY, "3.4")[1].as_dict()
    tuned = {**text, "haproxy.cfg": text["haproxy.cfg"].replace(b"timeout queue   30s", b"timeout queue   40s")}
    found = HAPROXY.way(text, tuned, HAPROXY.caps("3.4"))
    assert found.reload == "defaults confgen:tcp has other settings"
    comment = {**text, "haproxy.cfg": b"# words\n" + text["haproxy.cfg"].replace(b"    option ", b"  option ")}
    assert HAPROXY.way(text, comment, HAPROXY.caps("3.4")) == Way(), "how it is written is no difference"


@pytest.mark.parametrize("word", ["a b", "/it's/", 'x"y', "a;b", "a\\b", "#", "é"])
def test_words_of_commands_are_escaped(word: str) -> None:
    assert re.sub(r"\\(.)", r"\1", escaped(word)) == word
    assert not re.search(r"(?<!\\)[ ;#\"']", escaped(word).replace(r"\\", ""))
