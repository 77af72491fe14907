"""The policy file: what it grants, and what is wrong in it."""

from __future__ import annotations

import pytest

from confgen.build import build
from confgen.errors import BadInput
from confgen.policy import Policy, parse
from confgen.problem import Effect
from confgen.settings import Frame, LabelSettings
from confgen.state import State
from tests.unit.facts import FRONT, container

SHOP = """
[[allow]]
owner = "shop"
hosts = ["shop.example.com", "*.shop.example.com"]
paths = ["/api"]
tcp = [3306]
"""


def served(policy: Policy, labels: dict[str, str], owner: str = "shop") -> tuple[list[str], list[str]]:
    """Hosts and stream ports that a container of `owner` gets, and what it is refused."""
    found = build(State((container("web", labels, of=f"{owner}/web"),)), FRONT, LabelSettings(), Frame(), policy=policy)
    got = [str(h) for r in found.model.routes() for h in r.hosts] + [
        x.name for x in found.model.listeners if x.protocol != "http"
    ]
    return got, [p.message for p in found.problems if p.code == "CG008"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"host": "shop.example.com", "path": "/api"}, ["shop.example.com"]),
        ({"host": "shop.example.com", "path": "/api/v1"}, ["shop.example.com"]),
        ({"host": "a.b.shop.example.com", "path": "/api"}, ["a.b.shop.example.com"]),
        ({"host": "*.shop.example.com", "path": "/api"}, ["*.shop.example.com"]),
        ({"tcp.3306": "3306"}, ["tcp-3306"]),
        ({"host": "shop.example.com", "path": "/apix"}, []),
        ({"host": "shop.example.com"}, []),
        ({"host": "evilshop.example.com", "path": "/api"}, []),
        ({"host": "*.example.com", "path": "/api"}, []),
        ({"tcp.3307": "3306"}, []),
        ({"udp.3306": "3306"}, []),
    ],
)
def test_what_is_granted_is_served_and_nothing_else(labels: dict[str, str], expected: list[str]) -> None:
    got, refused = served(parse(SHOP, "policy.toml"), {"port": "80", **labels} if "host" in labels else labels)
    assert got == expected
    assert bool(refused) == (not expected)


def test_another_owner_gets_nothing_of_it() -> None:
    got, refused = served(parse(SHOP, "policy.toml"), {"host": "shop.example.com", "path": "/api", "port": "80"}, owner="blog")
    assert got == []
    assert refused == ["the policy grants shop.example.com/api not to blog"]


def test_of_several_hosts_the_granted_ones_are_served() -> None:
    got, refused = served(
        parse(SHOP, "policy.toml"), {"host": "shop.example.com, blog.example.com", "path": "/api", "port": "80"}
    )
    assert (got, len(refused)) == (["shop.example.com"], 1)


def test_a_grant_for_everybody() -> None:
    policy = parse('[[allow]]\nowner = "*"\nhosts = ["*.example.com"]\n', "policy.toml")
    assert served(policy, {"host": "any.example.com", "port": "80"}, owner="whoever")[0] == ["any.example.com"]


@pytest.mark.parametrize("port", [2375, 2376, 2377, 4243])
def test_an_engine_is_served_only_where_the_policy_says_so(port: int) -> None:
    everything = '[[allow]]\nowner = "shop"\nhosts = ["shop.example.com"]\n'
    labels = {"host": "shop.example.com", "port": str(port)}
    assert served(parse(everything, "policy.toml"), labels) == ([], [])
    granted = parse(f"{everything}engine_ports = [{port}]\n", "policy.toml")
    assert served(granted, labels) == (["shop.example.com"], [])
    assert served(granted, labels, owner="other")[0] == []


@pytest.mark.parametrize("labels", [{}, {"allow": "10.0.0.0/8"}], ids=["open", "guarded"])
def test_an_engine_is_not_served_without_a_policy(labels: dict[str, str]) -> None:
    web = container("web", {"host": "a.test", "port": "2375", **labels})
    found = build(State((web,)), FRONT, LabelSettings(), Frame())
    assert [(p.code, p.effect) for p in found.problems] == [("CG121", Effect.WITHHELD if labels else Effect.SERVER)]
    assert [bool(route.withheld) for route in found.model.routes()] == ([True] if labels else [])
    assert not found.model.pools


ALL = '[[allow]]\nowner = "shop"\nhosts = ["*"]\ntcp = [3306]\n'
FEATURED = [
    ("redirect", {"redirect": "https://b.example.com"}),
    ("strip-prefix", {"path": "/a", "strip-prefix": "true"}),
    ("header", {"header.response.X-A": "b"}),
    ("wildcard", {"host": "*.example.com"}),
    ("balance", {"balance": "leastconn"}),
    ("timeout", {"timeout.read": "1h"}),
]
#: Each of its own kind of security label.
GUARDED = [
    ("allow", {"allow": "10.0.0.0/8"}),
    ("limit", {"limit.rate": "10r/s"}),
    ("auth", {"auth.basic": "bob:$5$saltsalt$" + "a" * 43}),
    ("tls", {"tls": "require"}),
]


@pytest.mark.parametrize(("feature", "labels"), FEATURED + GUARDED)
@pytest.mark.parametrize("said", ['forbidden = ["{}"]', 'features = ["network"]'], ids=["forbidden", "features"])
def test_what_a_project_may_not_use_costs_its_route_and_opens_nothing(feature: str, labels: dict[str, str], said: str) -> None:
    web = container("web", {"host": "a.example.com", "port": "80", **labels}, of="shop/web")
    other = container("other", {"host": "b.example.com", "port": "80"}, of="shop/other")
    policy = parse(ALL + said.format(feature), "policy.toml")
    found = build(State((web, other)), FRONT, LabelSettings(), Frame(), policy=policy)
    guarded = (feature, labels) in GUARDED
    assert [(p.code, p.message, p.effect) for p in found.problems] == [
        ("CG008", f"the policy does not let shop use {feature}", Effect.WITHHELD if guarded else Effect.ROUTE)
    ]
    routes = {route.hosts[0]: route for route in found.model.routes()}
    assert routes.pop("b.example.com").pool, "the others are served"
    assert [(route.withheld, route.pool) for route in routes.values()] == [("policy", None)] * guarded


@pytest.mark.parametrize(("feature", "labels"), FEATURED + GUARDED)
@pytest.mark.parametrize("said", ["", 'features = ["{}"]', 'forbidden = ["network"]'], ids=["all", "features", "forbidden"])
def test_what_it_may_use_is_served(feature: str, labels: dict[str, str], said: str) -> None:
    policy = parse(ALL + said.format(feature), "policy.toml")
    got, refused = served(policy, {"host": "a.example.com", "port": "80", **labels})
    assert (got, refused) == ([labels.get("host", "a.example.com")], [])


def test_one_grant_has_to_cover_host_path_and_features_together() -> None:
    two = '[[allow]]\nowner = "*"\nhosts = ["*"]\nfeatures = []\n[[allow]]\nowner = "shop"\nhosts = ["shop.example.com"]\n'
    policy = parse(two, "policy.toml")
    redirect = {"redirect": "https://b.example.com"}
    assert served(policy, {"host": "shop.example.com", **redirect})[1] == []
    assert served(policy, {"host": "a.example.com", **redirect})[1] == ["the policy does not let shop use redirect"]
    assert served(policy, {"host": "a.example.com", "port": "80"})[1] == []


def test_a_port_with_a_feature_that_is_not_granted_lets_nobody_in() -> None:
    policy = parse(ALL + 'forbidden = ["allow"]', "policy.toml")
    web = container("web", {"tcp.3306": "3306", "tcp.3306.allow": "10.0.0.0/8"}, of="shop/web")
    found = build(State((web,)), FRONT, LabelSettings(), Frame(), policy=policy)
    assert [p.message for p in found.problems] == ["the policy does not let shop use allow"]
    assert [(route.withheld, route.pool) for route in found.model.routes()] == [("policy", None)]
    assert served(policy, {"tcp.3306": "3306"}) == (["tcp-3306"], [])


def test_what_templates_may_omit() -> None:
    assert parse('[templates]\nmay_omit = ["forwarded", "accel"]', "policy.toml").may_omit == ("accel", "forwarded")
    assert parse(ALL, "policy.toml").may_omit == ()


def test_an_empty_policy_grants_nothing() -> None:
    assert served(parse("", "policy.toml"), {"host": "any.example.com", "port": "80"})[0] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow = 1", "not a list of tables"),
        ("[[allow]]\nhosts = ['a.example.com']", "grant 1 names no owner"),
        ("[[allow]]\nowner = 'a'\nhost = ['a.example.com']", '"host" is not known'),
        ("[[allow]]\nowner = 'a'\nhosts = 'a.example.com'", "hosts is not a list"),
        ("[[allow]]\nowner = 'a'\nhosts = ['a..example.com']", "not a DNS name"),
        ("[[allow]]\nowner = 'a'\ntcp = [0]", "not a number from 1 to 65535"),
        ("[[deny]]\nowner = 'a'", '"deny" is not known'),
        ("[[allow", "is not TOML"),
        ("[[allow]]\nowner = 'a'\nfeatures = ['tsl']", 'features: "tsl" is not known'),
        ("[[allow]]\nowner = 'a'\nforbidden = [1]", 'forbidden: "1" is not known'),
        ("[[allow]]\nowner = 'a'\nforbidden = 'tls'", "forbidden is not a list"),
        ("[[allow]]\nowner = 'a'\nforbidden = ['tls']\nfeatures = ['auth']", "both features and forbidden"),
        ("a = " + "[" * 10_000, "nested too deep"),
        ("[[allow]]\nowner = 'a'\ntcp = [" + "9" * 5_000 + "]", "a number is too long"),
        ("[[allow]]\nowner = 'a'\nhosts = ['*', '..']", "not a DNS name"),
        ("templates = 1", "templates is not a table"),
        ("[templates]\nmay_omit = ['all']", 'may_omit: "all" is not known'),
        ("[templates]\nomit = []", '"omit" is not known'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        parse(text, "policy.toml")
    assert said in error.value.message
    assert error.value.message.startswith("policy.toml")
    assert error.value.hint
