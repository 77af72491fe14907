"""Labels become wishes and Problems: the table of keys, the forms, and that no security label ever opens a door."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from confgen.keys import BY_NAME, KEYS, SECURITY, Key, Scope, find
from confgen.labels import Wish, proxy_kind
from confgen.problem import CODES, Effect
from confgen.settings import LabelSettings
from confgen.values import Duration, Header, Host, Match, Name, Path, Port, Refusal, Text, Weight, Wildcard
from tests.unit.facts import container, problem, wish, wishes

ON = {"host": "shop.example.com"}


# --- the table ---


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_reads_its_own_example(key: Key) -> None:
    key.value(key.sample, key.example, ())
    assert re.search(key.kind.pattern, key.example), "editors would underline the example"
    assert key.means
    assert key.default


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_has_its_field_in_wish(key: Key) -> None:
    assert key.field in {f.name for f in dataclasses.fields(Wish)}


def test_no_two_keys_share_a_name_or_a_field() -> None:
    assert len({k.name for k in KEYS}) == len({k.field for k in KEYS}) == len(KEYS) == len(BY_NAME)


@pytest.mark.parametrize("key", [k for k in KEYS if k.http], ids=lambda key: key.name)
def test_every_key_reaches_the_wish(key: Key) -> None:
    labels = (
        ON
        | ({"path": "/api"} if key.name == "strip-prefix" else {"limit.rate": "1r/s"} if key.name == "limit.burst" else {})
        | {key.sample: key.example}
    )
    assert getattr(wish(labels), key.field) == key.value(key.sample, key.example, ())


@pytest.mark.parametrize("key", [k for k in KEYS if k.stream], ids=lambda key: key.name)
def test_every_stream_key_reaches_the_wish_of_a_tcp_port(key: Key) -> None:
    found = wish({"tcp.3306": "3306", f"tcp.3306.{key.sample}": key.example})
    assert getattr(found, key.field) == key.value(key.sample, key.example, ())


@pytest.mark.parametrize("key", [k for k in KEYS if not k.stream], ids=lambda key: key.name)
def test_an_http_key_behind_a_tcp_port_is_named_and_costs_the_label_alone_but_for_one_that_shuts_a_door(key: Key) -> None:
    found = wishes({"tcp.3306": "3306", f"tcp.3306.{key.sample}": key.example})
    assert problem(found.problems, "CG003").effect is (Effect.WITHHELD if key.security else Effect.LABEL)
    assert [w.port for w in found.routes] == [3306]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_wrong_value_costs_what_the_table_says(key: Key) -> None:
    found = wishes(ON | {key.sample: "\n"})
    (wrong,) = found.problems
    assert wrong.effect is key.wrong
    assert wrong.origin.key == f"label confgen.{key.sample}"
    assert bool(found.routes) is (key.wrong in (Effect.LABEL, Effect.WITHHELD))
    assert [w.withheld for w in found.routes if w.withheld] == [key.name] * (key.wrong is Effect.WITHHELD)


@given(text=st.text(max_size=30), key=st.sampled_from(KEYS))
def test_an_editors_pattern_underlines_nothing_that_the_reader_takes(text: str, key: Key) -> None:
    try:
        key.kind.parse(text)
    except Refusal:
        return
    assert re.search(key.kind.pattern, text.strip(" ")) or key.name in ("network",)


# --- keys with a parameter ---


def test_headers_are_sorted_whatever_order_their_labels_have() -> None:
    found = wish(ON | {"header.request.X-B": "2", "header.request.X-a": "1", "header.response.Server": ""})
    assert found.request_headers == (Header(Name("X-a"), Text("1")), Header(Name("X-B"), Text("2")))
    assert found.response_headers == (Header(Name("Server"), Text("")),)


def test_one_header_in_two_spellings_is_named() -> None:
    found = wishes(ON | {"header.request.X-User": "a", "header.request.x-user": "b"})
    assert problem(found.problems, "CG003").effect is Effect.LABEL
    assert [len(w.request_headers) for w in found.routes] == [1]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "X-Forwarded-For",
        "X-Accel-Redirect",
        "Proxy-Authorization",
        "TE",
        "a b",
        "X:Y",
        "X_Y",
        "<Name>",
    ],
)
def test_a_header_that_is_not_a_labels_to_set_is_named(name: str) -> None:
    found = wishes(ON | {f"header.request.{name}": "x"})
    assert problem(found.problems, "CG131").effect is Effect.LABEL
    assert [w.request_headers for w in found.routes] == [()]


def test_a_key_that_lacks_its_parameter_names_the_form() -> None:
    for key in ("header.request.", "header.request", "header.reqest.X-A", "headers.response.X-A"):
        assert "header.re" in problem(wishes(ON | {key: "x"}).problems, "CG001").hint


def test_what_only_an_http_request_has_means_nothing_to_a_tcp_port() -> None:
    """Written here anew: the table's own column cannot prove itself."""
    http = {
        "host",
        "path",
        "strip-prefix",
        "rewrite",
        "redirect",
        "redirect.code",
        "timeout.read",
        "timeout.send",
        "port",
        "scheme",
    }
    assert {name for name in http if BY_NAME[name].stream} == set()
    both = {
        "timeout.connect",
        "timeout.idle",
        "pool",
        "balance",
        "retry",
        "drain",
        "weight",
        "backup",
        "max-connections",
        "network",
    }
    assert {name for name in both if not BY_NAME[name].stream} == set()


@pytest.mark.parametrize("code", ["300", "304", "305", "306", "309", "200", "404", "3080"])
def test_only_redirects_have_a_redirects_code(code: str) -> None:
    found = wishes(ON | {"redirect": "https://b.example", "redirect.code": code})
    assert problem(found.problems, "CG182").effect is Effect.LABEL
    assert found.routes[0].redirect_code is None


# --- forms ---


def test_two_labels_are_enough() -> None:
    found = wish({"host": "shop.example.com", "port": "8080"})
    assert (found.name, found.hosts, found.port, found.protocol) == ("default", (Host("shop.example.com"),), Port(8080), "http")


def test_several_hosts_and_a_wildcard() -> None:
    assert wish({"host": "b.example, *.shop.example, a.example"}).hosts == (
        Wildcard("*.shop.example"),
        Host("a.example"),
        Host("b.example"),
    )


def test_named_routes_are_told_apart() -> None:
    found = wishes(
        {"routes.web.host": "a.example", "routes.api.host": "a.example", "routes.api.path": "/api", "routes.api.port": "9000"}
    )
    assert found.problems == ()
    assert [(w.name, w.match, w.port) for w in found.routes] == [("api", Match(Path("/api")), Port(9000)), ("web", None, None)]


def test_pool_and_server_keys_of_the_short_form_are_defaults_for_all_routes() -> None:
    found = wishes(
        {"port": "8080", "weight": "3", "drain": "20s", "path": "/x", "host": "s.example", "routes.a.host": "a.example", "routes.a.weight": "5",
         "tcp.25": "2525"}
    )  # fmt: skip
    assert found.problems == ()
    assert {w.name: (w.port, w.weight, w.drain, w.match) for w in found.routes} == {
        "default": (8080, 3, 20_000, Match(Path("/x"))),
        "a": (8080, 5, 20_000, None),
        "tcp-25": (2525, 3, 20_000, None),
    }


def test_a_route_key_of_the_short_form_without_a_host_is_named() -> None:
    for key in (k for k in KEYS if k.scope is Scope.ROUTE and k.name != "host" and not k.security):
        found = wishes({key.sample: key.example, "routes.a.host": "a.example"})
        assert problem(found.problems, "CG002").effect is Effect.LABEL
        assert len(found.routes) == 1
        found = wishes({key.sample: key.example, "tcp.25": "25"})
        assert problem(found.problems, "CG002").effect is Effect.LABEL, key.name


def test_tcp_and_udp_ports() -> None:
    found = wishes({"tcp.3306": "3306", "tcp.3306.balance": "leastconn", "udp.53": "5353"})
    assert found.problems == ()
    assert [(w.name, w.protocol, w.listen, w.port) for w in found.routes] == [
        ("tcp-3306", "tcp", 3306, 3306),
        ("udp-53", "udp", 53, 5353),
    ]
    assert found.routes[0].balance is not None


@pytest.mark.parametrize(
    ("label", "code"),
    [("tcp.0", "CG121"), ("tcp.70000", "CG121"), ("tcp.http", "CG121"), ("udp.", "CG121"), ("tcp.080", "CG121"), ("routes..host", "CG185"), ("routes.a b.host", "CG185"),
     ("routes.-a.host", "CG185"), ("routes.; }.host", "CG185")],
)  # fmt: skip
def test_a_section_that_cannot_be_read_is_named_and_the_others_stay(label: str, code: str) -> None:
    found = wishes(ON | {label: "80"})
    assert problem(found.problems, code).effect is Effect.ROUTE
    assert [w.name for w in found.routes] == ["default"]


def test_settings_of_a_tcp_port_without_the_port_itself() -> None:
    found = wishes({"tcp.3306.balance": "leastconn"})
    assert "add the label confgen.tcp.3306" in problem(found.problems, "CG002").hint
    assert found.routes == ()


@pytest.mark.parametrize("text", ["", "x", "0", "70000", "80\n"])
def test_a_tcp_port_that_leads_to_no_port(text: str) -> None:
    found = wishes({"tcp.3306": text})
    assert found.routes == ()
    assert found.problems[0].effect is Effect.ROUTE


def test_the_prefix_is_a_setting() -> None:
    edge = LabelSettings(prefix="edge")
    assert wishes({" edge.host": "a.example", "host": "b.example"}, edge).routes[0].hosts == ("a.example",)
    assert wishes({"host": "b.example"}, edge).routes == ()
    assert wishes({" confgenx.host": "b.example", " confgen": "x", " xconfgen.host": "y"}).problems == ()


def test_blanks_around_a_name_make_no_second_route() -> None:
    found = wishes({"routes.web.host": "a.example", "routes. web .port": "80", "tcp. 25 ": "25"})
    assert [(w.name, w.port) for w in found.routes] == [("tcp-25", 25), ("web", 80)]


def test_the_short_form_is_the_route_named_default() -> None:
    found = wishes({"host": "a.example", "routes.default.path": "/api"})
    assert found.problems == ()
    assert [(w.name, w.match) for w in found.routes] == [("default", Match(Path("/api")))]


def test_one_thing_said_twice_is_named() -> None:
    found = wishes({"host": "a.example", "routes.default.host": "b.example"})
    assert problem(found.problems, "CG003").origin.key == "label confgen.routes.default.host"
    assert [w.hosts for w in found.routes] == [("a.example",)]


def test_timeouts_keep_their_units() -> None:
    found = wish(ON | {"timeout.connect": "1s", "timeout.read": "5m", "timeout.send": "10ms", "timeout.idle": "1h"})
    assert (found.connect, found.read, found.send, found.idle) == (
        Duration(1000),
        Duration(300_000),
        Duration(10),
        Duration(3_600_000),
    )


def test_weight_nothing_is_not_nothing_said() -> None:
    assert wish(ON | {"weight": "0"}).weight == Weight(0)
    assert wish(ON | {"retry": "0"}).retry == 0
    assert wish(ON | {"drain": "0s"}).drain == 0


# --- enable ---


@pytest.mark.parametrize(("text", "require", "enabled"), [("true", True, True), ("true", False, True), ("false", False, False), ("false", True, False), ("", False, True), ("", True, False)])  # fmt: skip
def test_enable(text: str, require: bool, enabled: bool) -> None:
    labels = ON | ({"enable": text} if text else {})
    found = wishes(labels, LabelSettings(require_enable=require))
    assert found.enabled is enabled
    assert bool(found.routes) is enabled
    assert found.problems == ()


@pytest.mark.parametrize("text", ["yes", "True", "flase", "1", " ", "\n"])
def test_an_enable_that_cannot_be_read_hides_and_is_named(text: str) -> None:
    found = wishes(ON | {"enable": text})
    assert not found.enabled
    assert problem(found.problems, found.problems[0].code).effect is Effect.SERVER


def test_of_a_hidden_container_nothing_is_told() -> None:
    for labels in ({"enable": "false"}, {}):
        found = wishes(
            labels | {"hots": "x", "routes.a b.host": "x", "tcp.x": "y", "auth.basic": "u"}, LabelSettings(require_enable=True)
        )
        assert found.problems == ()


def test_a_proxy_is_no_mistake() -> None:
    assert wishes({"proxy": "nginx"}).problems == ()
    assert proxy_kind(container(labels={"proxy": " NGINX "}), LabelSettings()) == "nginx"
    assert proxy_kind(container(labels={" edge.proxy": "haproxy"}), LabelSettings(prefix="edge")) == "haproxy"
    assert proxy_kind(container(), LabelSettings()) == ""


# --- mistakes ---


@pytest.mark.parametrize(
    ("key", "meant"),
    [("hots", "host"), ("prot", "port"), ("wieght", "weight"), ("strip_prefix", "strip-prefix"), ("timeout.conect", "timeout.connect"), ("Host", "host"), ("max-connection", "max-connections"),
     ("enabled", "enable"), ("routes.a.pth", "path"), ("stickey", "sticky")],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(key: str, meant: str) -> None:
    found = wishes(ON | {"routes.a.host": "a.example", key: "x"})
    wrong = problem(found.problems, "CG001")
    assert meant in wrong.hint
    assert wrong.effect is Effect.LABEL
    assert not [w for w in found.routes if w.withheld]


@pytest.mark.parametrize(
    "label",
    ["congfen.host", "confgn.host", "confggen.host", "Confgen.host", "confgen_host", "confgen/host", "confgen-tls.redirect"],
)
def test_a_label_that_is_ours_but_for_its_beginning_is_told(label: str) -> None:
    wrong = problem(wishes({f" {label}": "x"}).problems, "CG001")
    assert wrong.hint == f'did you mean "confgen.{re.split("[._/-]", label, maxsplit=1)[1]}"?'


@pytest.mark.parametrize("key", ["allow", "routes.adm.auth.basic", "tls"])
def test_under_a_misspelt_prefix_what_shuts_a_door_shuts_all(key: str) -> None:
    found = wishes(ON | {f" congfen.{key}": "x"})
    assert [w.withheld for w in found.routes] == [key.removeprefix("routes.adm.")]
    assert problem(found.problems, "CG001").effect is Effect.WITHHELD


@pytest.mark.parametrize(
    "label",
    [
        "confgen2.host",
        "confgens.host",
        "config.port",
        "com.example.host",
        "confgen-test",
        "xconfgen.host",
        "congfen.hots",
        "org.confgen.host",
        "traefik.enable",
    ],
)
def test_other_peoples_labels_are_theirs(label: str) -> None:
    assert wishes({f" {label}": "x"}).problems == ()


def test_beside_a_misspelt_host_it_is_not_told_that_there_is_none() -> None:
    assert problem(wishes({"hots": "a.example", "port": "80"}).problems, "CG001").origin.key == "label confgen.hots"


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("route.api.host", "x", '"confgen.routes.api.host"'),
        ("api.host", "x", '"confgen.routes.api.host"'),
        ("routes.api.hots", "x", '"confgen.routes.api.host"'),
        ("tcp", "5432", 'confgen.tcp.5432: "5432"'),
        ("udp", "dns", 'confgen.udp.3306: "3306"'),
        ("tcp.db", "5432", 'confgen.tcp.5432: "<container port>"'),
        ("alow", "10.0.0.0/8", '"confgen.allow"'),
        ("host ", "x", '"confgen.host"'),
    ],
)
def test_a_hint_has_the_whole_label(key: str, text: str, hint: str) -> None:
    assert hint in wishes({"routes.api.host": "a.example", key: text}).problems[0].hint


def test_an_unknown_key_near_to_nothing_points_to_the_list() -> None:
    assert "docs/labels.md" in problem(wishes(ON | {"zzzzz": "x"}).problems, "CG001").hint


def test_labels_without_a_host_are_told_once_with_what_to_add() -> None:
    wrong = problem(wishes({"port": "80", "balance": "leastconn"}).problems, "CG002")
    assert "confgen.host" in wrong.hint
    assert problem(wishes({"routes.a.port": "80"}).problems, "CG002").effect is Effect.ROUTE


def test_no_labels_no_word() -> None:
    for labels in ({}, {" com.example": "x"}, {" traefik.enable": "true"}):
        found = wishes(labels)
        assert (found.enabled, found.routes, found.problems) == (True, (), ())


@pytest.mark.parametrize(
    ("labels", "code", "routes"),
    [
        ({"path": "/a", "strip-prefix": "true", "rewrite": "/b"}, "CG003", 0),
        ({"rewrite": "=/b"}, "CG111", 0),
        ({"strip-prefix": "true"}, "CG003", 1),
        ({"path": "/", "strip-prefix": "true"}, "CG003", 1),
        ({"redirect": "https://a.example", "redirect.code": "304"}, "CG182", 1),
        ({"redirect": "https://a.example", "redirect.code": "200"}, "CG182", 1),
    ],
)
def test_labels_that_contradict_each_other(labels: dict[str, str], code: str, routes: int) -> None:
    found = wishes(ON | labels)
    assert problem(found.problems, code).hint
    assert len(found.routes) == routes
    assert all(not w.strip and w.redirect_code is None for w in found.routes)


# --- security: a label that cannot be obeyed closes the door ---

#: As labels.md has them, as people spell them, and as people think they might be called.
SECURITY_KEYS = [
    "tls", "tls.client-ca", "tls.redirect", "auth.basic", "auth.forward", "allow", "deny", "limit.rate", "limit.connections",
    "ath.basic", "auht.basic", "aut", "oauth", "auth-basic", "auth_basic", "basic-auth", "basicauth", "basic_auth", "authbasic", "AUTH.basic", "Auth.Basic", "auth .basic",
    "alow", "allwo", "Allow", "allowlist", "allow-list", "allowed", "ip-allow", "denny", "deney", "denied-ips.deny", "DENY", "limits.rate", "rate-limit", "ratelimit", "lmit.rate", "limt",
    "TLS.client-ca", "tsl", "tls-client-ca", "tls_client_ca", "mtls", "tls\n", "auth.basic\n", "auth\0", "auth.ba\nsic", "authentication", "authorization", "a uth", "\u0430uth", "route.web.auth.basic",
]  # fmt: skip


@pytest.mark.parametrize("section", ["", "routes.web.", "routes.default.", "tcp.25."])
@pytest.mark.parametrize("key", SECURITY_KEYS)
def test_a_security_label_that_cannot_be_obeyed_withholds_the_route(section: str, key: str) -> None:
    labels = {"routes.web.host": "a.example", "host": "b.example", "tcp.25": "25", f"{section}{key}": ""}
    found = wishes(labels)
    name = {"": "default", "routes.web.": "web", "routes.default.": "default", "tcp.25.": "tcp-25"}[section]
    withheld = {w.name for w in found.routes if w.withheld}
    assert name in withheld, "the door is open"
    assert withheld == ({"default", "web", "tcp-25"} if name == "default" else {name})
    assert {p.effect for p in found.problems} == {Effect.WITHHELD}


@pytest.mark.parametrize("word", SECURITY)
@given(data=st.data())
def test_a_slip_of_the_finger_in_a_security_word_opens_nothing(word: str, data: st.DataObject) -> None:
    """One letter too many, one doubled, two changed places, wrong case: what fingers do."""
    at = data.draw(st.integers(0, len(word) - 1))
    slip = data.draw(st.sampled_from(["double", "swap", "case", "extra"]))
    if slip == "double":
        key = word[:at] + word[at] + word[at:]
    elif slip == "swap":
        key = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    elif slip == "case":
        key = word[:at] + word[at:].upper()
    else:
        key = word[:at] + data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz-_")) + word[at:]
    found = wishes(ON | {f"{key}.basic": ""})
    assert all(w.withheld for w in found.routes), key


@pytest.mark.parametrize("key", [k for k in KEYS if k.security], ids=lambda key: key.name)
class TestASecurityKeyThatIsKnown:
    def test_a_wrong_value_withholds_its_route_alone(self, key: Key) -> None:
        found = wishes({"routes.a.host": "a.example", "routes.b.host": "b.example", f"routes.a.{key.name}": "\n"})
        assert {w.name: bool(w.withheld) for w in found.routes} == {"a": True, "b": False}
        assert found.problems[0].effect is Effect.WITHHELD

    def test_in_the_short_form_it_holds_for_all_routes(self, key: Key) -> None:
        found = wishes({"routes.a.host": "a.example", "limit.rate": "10r/s", key.sample: key.example})
        assert [getattr(w, key.field) for w in found.routes] == [key.value(key.sample, key.example, ())]
        assert found.problems == ()
        assert [bool(w.withheld) for w in wishes({"routes.a.host": "a.example", key.sample: "\n"}).routes] == [True]

    def test_beside_a_mistake_that_costs_the_route_the_door_stays_shut(self, key: Key) -> None:
        """Left out, its requests would go to the route of `/`, which asks nobody."""
        for mistake in ({"strip-prefix": "treu"}, {"port": "x"}, {"weight": "x"}, {"rewrite": "=/x"}):
            labels = {"host": "a.example", "path": "/adm", key.sample: key.example, **mistake}
            found = wishes({f"routes.adm.{name}": text for name, text in labels.items()} | {"routes.web.host": "a.example"})
            assert {w.name: bool(w.withheld) for w in found.routes} == {"adm": True, "web": False}
            assert {p.effect for p in found.problems} == {Effect.WITHHELD}

    @pytest.mark.parametrize("lost", [{}, {"routes.adm.host": "a b"}, {"routes.adm.host": "a.example", "routes.adm.path": "x y"}])
    def test_of_a_route_that_is_not_there_it_shuts_all(self, key: Key, lost: dict[str, str]) -> None:
        found = wishes({"routes.web.host": "a.example", f"routes.adm.{key.sample}": key.example, **lost})
        assert {w.name: bool(w.withheld) for w in found.routes} == {"web": True}
        found = wishes({"routes.web.host": "a.example", f"routes.a b.{key.sample}": key.example})
        assert {w.name: bool(w.withheld) for w in found.routes} == {"web": True}


#: Of labels.md, and no security labels: an older confgen that does not know them must not close the door for them.
LATER = [
    "methods", "headers.X-User", "query.page", "header.request.X-A", "header.response.X-B", "cors.origins", "compress", "cache.ttl", "buffering", "hold", "priority", "snippet", "health",
    "health.interval", "health.timeout", "health.rise", "health.fall", "health.status", "health.start", "slow-start", "zone", "adaptive", "idle", "canary", "mirror", "proxy-protocol", "owner",
    "heal", "heal.max", "heal.window", "websocket", "queue",
]  # fmt: skip


@pytest.mark.parametrize("key", LATER)
def test_a_key_that_shuts_no_door_is_only_named(key: str) -> None:
    if find(key):
        return
    found = wishes(ON | {key: "x"})
    assert problem(found.problems, "CG001").effect is Effect.LABEL
    assert [w.withheld for w in found.routes] == [""]


def test_withheld_comes_before_every_other_mistake_of_the_route() -> None:
    found = wishes(ON | {"auth.basic": "u:u", "balance": "leastcon"})
    assert found.routes[0].withheld == "auth.basic"


# --- whatever a label holds ---

_KEYS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([k.name for k in KEYS]),
    st.sampled_from(
        [
            *LATER,
            *SECURITY_KEYS,
            "enable",
            "proxy",
            "",
            ".",
            "..",
            "to",
            "routes",
            "routes.",
            "routes.a",
            "tcp",
            "tcp.",
            "tcp.80",
            "udp.53.to",
            "routes.a.to",
        ]
    ),
)
_PREFIXES = st.sampled_from(
    ["", "routes.a.", "routes.default.", "routes.é.", "routes..", "tcp.80.", "tcp.80", "udp.53.", "tcp.x."]
)
_TEXTS = st.one_of(st.text(max_size=30), st.sampled_from([k.example for k in KEYS]))


@given(
    labels=st.dictionaries(st.builds(str.__add__, _PREFIXES, _KEYS), _TEXTS, max_size=8),
    raw=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=2),
)
@example(labels={"routes.default.host": "a.example", "routes.default.auth": "x"}, raw={})
@example(labels={"tcp.80": "80", "to": "x", "routes.a.to": "y"}, raw={})
def test_no_labels_raise_and_every_problem_can_be_shown(labels: dict[str, str], raw: dict[str, str]) -> None:
    found = wishes(labels | {f" {k}": v for k, v in raw.items()})
    for wrong in found.problems:
        assert wrong.code in CODES
        assert str(wrong).isprintable()
        assert wrong.hint.isprintable()
        assert wrong.hint
    for route in found.routes:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", route.name, re.ASCII)
        assert route.hosts or route.protocol != "http"
    assert len({(w.protocol, w.name) for w in found.routes}) == len(found.routes)


@given(
    labels=st.dictionaries(st.builds(str.__add__, _PREFIXES, _KEYS), _TEXTS, max_size=6),
    key=st.sampled_from(SECURITY),
    section=st.sampled_from(["", "routes.a.", "routes.default.", "tcp.80."]),
)
def test_with_a_security_label_no_route_of_its_section_is_open(labels: dict[str, str], key: str, section: str) -> None:
    found = wishes(labels | {f"{section}{key}": "x"})
    name = {"": None, "routes.default.": None, "routes.a.": "a", "tcp.80.": "tcp-80"}[section]
    assert all(w.withheld for w in found.routes if name is None or w.name == name)


def test_a_container_with_too_many_labels_keeps_nobody_waiting() -> None:
    many = {f"routes.r{number}.host": f"h{number}.test" for number in range(1001)}
    found = wishes(many)
    assert found.routes == ()
    assert [(p.code, p.effect) for p in found.problems] == [("CG012", Effect.SERVER)]
    assert "1001 labels" in found.problems[0].message
    assert len(wishes(dict(list(many.items())[1:])).routes) == 1000
    hosts = {f"routes.r{number}.host": ", ".join(f"h{n}.r{number}.test" for n in range(101)) for number in range(10)}
    assert [p.message for p in wishes(hosts).problems] == ["it has 1010 hosts; of a container with more than 1000 none is taken"]
    assert wishes(hosts).routes == ()
