"""The difference of two models: empty for equal ones, and told in words that name what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from confgen.model import Model
from confgen.plan import Change, Impact, Plan, diff, make
from confgen.problem import Origin
from tests.unit.facts import container, model
from tests.unit.models import MODELS


def weigh(change: Change) -> tuple[Impact, str]:
    """A proxy that changes weights while it runs, and needs a reload for all else."""
    hot = change.path[-1] == "weight"
    return (Impact.HOT, "a weight") if hot else (Impact.RELOAD, f"{change.verb} {change.path[-1]}")


def shop(**labels: str) -> Model:
    said = {"host": "shop.example.com", "port": "80"} | {key.replace("_", "-"): text for key, text in labels.items()}
    return model(*(container(f"web-{i}", said, of="shop/web", address=f"10.0.0.{i}") for i in (1, 2)))


def changes(before: Model, after: Model) -> list[str]:
    return [str(change) for change in diff(before, after)]


@settings(max_examples=25)
@given(one=MODELS)
def test_from_a_model_to_itself_there_is_nothing_to_do(one: Model) -> None:
    assert make(one, one, weigh) == Plan()


@settings(max_examples=25)
@given(one=MODELS, other=MODELS)
def test_no_difference_goes_unseen_and_none_is_made_up(one: Model, other: Model) -> None:
    assert (make(one, other, weigh).changes == ()) is (one == other)
    assert len(diff(one, other)) == len(diff(other, one))
    assert [c.path for c in diff(one, other)] == [c.path for c in diff(other, one)]
    assert all(c.before != c.after for c in diff(one, other))


def test_origins_do_not_count() -> None:
    before = shop()
    after = replace(before, pools=tuple(replace(p, origin=Origin("elsewhere")) for p in before.pools))
    assert diff(before, after) == []


def test_a_new_server_is_one_change() -> None:
    before = model(container("web-1", {"host": "shop.example.com", "port": "80"}, of="shop/web", address="10.0.0.1"))
    assert changes(before, shop()) == ["add pool shop.web-80 server web-2"]
    assert changes(shop(), before) == ["remove pool shop.web-80 server web-2"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            {"weight": "5"},
            ["change pool shop.web-80 server web-1 weight: 1 -> 5", "change pool shop.web-80 server web-2 weight: 1 -> 5"],
        ),
        ({"balance": "leastconn"}, ["change pool shop.web-80 balance algorithm: roundrobin -> leastconn"]),
        ({"path": "/api"}, ["change listener http route shop.web.default match path: / -> /api"]),
        ({"drain": "1s"}, ["change pool shop.web-80 drain: 10000 -> 1000"]),
        (
            {"host": "b.example,a.example"},
            ["change listener http route shop.web.default hosts: shop.example.com -> a.example, b.example"],
        ),
        ({"weight": "0"}, None),
        ({"port": "81"}, None),
    ],
)
def test_changes_are_named_from_the_root_down(labels: dict[str, str], said: list[str] | None) -> None:
    found = changes(shop(), shop(**labels))
    assert found
    assert said is None or found == said


def test_a_server_that_drains_is_a_change_of_its_state() -> None:
    gone = model(
        *(
            container(
                f"web-{i}", {"host": "shop.example.com", "port": "80"}, of="shop/web", address=f"10.0.0.{i}", stopping=i == 1
            )
            for i in (1, 2)
        )
    )
    assert "change pool shop.web-80 server web-1 state: ready -> draining" in changes(shop(), gone)


def test_a_new_site_is_a_route_and_a_pool() -> None:
    before = model()
    assert changes(before, shop()) == ["add listener http route shop.web.default", "add pool shop.web-80"]


def test_a_new_port_is_a_listener() -> None:
    assert changes(model(), model(container("db", {"tcp.25": "25"}))) == ["add listener tcp-25", "add pool db-25-tcp"]


def test_what_is_set_or_unset_is_added_or_removed() -> None:
    assert changes(shop(), shop(max_connections="5"))[0] == "add pool shop.web-80 server web-1 max_connections"
    assert changes(shop(sticky="cookie"), shop()) == ["remove pool shop.web-80 sticky"]
    (change,) = diff(shop(), shop(sticky="cookie:x"))
    assert (change.verb, change.path) == ("add", ("pools", "shop.web-80", "sticky"))


def test_the_strongest_change_gives_the_impact_and_the_reason() -> None:
    assert make(shop(), shop(weight="2"), weigh).impact is Impact.HOT
    plan = make(shop(), shop(weight="2", balance="uri"), weigh)
    assert (plan.impact, plan.reason) == (Impact.RELOAD, "change algorithm")
    assert Impact.NONE < Impact.HOT < Impact.RELOAD
