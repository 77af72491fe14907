"""Values as JSON and back: nothing is lost on the way, and what is not of the shape is BadInput and nothing else."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confgen.codec import decode, encode
from confgen.errors import BadInput
from confgen.model import Model, Pool, Route, Server
from confgen.state import Instance
from confgen.values import Address, Duration, Host, Name, Path, Port, Wildcard
from tests.unit.models import INSTANCES, MODELS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def through_json(value: object) -> object:
    return json.loads(json.dumps(encode(value)))


@settings(max_examples=30)
@given(model=MODELS)
def test_a_model_comes_back(model: Model) -> None:
    found = decode(Model, through_json(model))
    assert found == model
    assert all(p.origin == q.origin for p, q in zip(found.pools, model.pools, strict=True)), (
        "origins do not compare, but they travel"
    )


@given(instance=INSTANCES)
def test_an_instance_comes_back(instance: Instance) -> None:
    found = decode(Instance, through_json(instance))
    assert found == instance
    assert found.origin == instance.origin


@settings(max_examples=20)
@given(model=MODELS)
def test_types_come_back_too(model: Model) -> None:
    found = decode(Model, through_json(model))
    for pool in found.pools:
        assert type(pool.name) is Name
        assert type(pool.connect) is Duration
        for server in pool.servers:
            assert (type(server.address), type(server.port), type(server.backup)) == (Address, Port, bool)
    for route in found.routes():
        assert type(route.match.path) is Path
        assert {type(h) for h in route.hosts} <= {Host, Wildcard}


def test_defaults_are_left_out() -> None:
    server = Server(name=Name("web"), address=Address("10.0.0.2"), port=Port(80))
    assert encode(server) == {"name": "web", "address": "10.0.0.2", "port": 80}
    assert encode(Model()) == {}


def test_what_a_later_version_added_is_passed_over() -> None:
    assert decode(Model, {"pools": [{"name": "web", "mirror": "x"}], "zones": []}) == Model((), (Pool(name=Name("web")),))


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", 1, {"pools": {}}, {"pools": "x"}, {"pools": [1]}, {"pools": [{}]}, {"pools": [{"name": None}]}, {"pools": [{"name": 5}]}, {"pools": [{"name": "a", "retry": "x"}]},
        {"pools": [{"name": "a", "retry": None}]}, {"pools": [{"name": "a", "retry": 1.5}]}, {"pools": [{"name": "a", "servers": [{"name": "b"}]}]}, {"pools": [{"name": "a", "connect": float("inf")}]},
        {"pools": [{"name": "a", "connect": float("nan")}]}, {"pools": [{"name": "a", "connect": True}]}, {"pools": [{"name": "a", "servers": [{"name": "b", "address": "c", "port": 1, "state": "odd"}]}]},
        {"pools": [{"name": "a", "servers": [{"name": "b", "address": "c", "port": 1, "backup": "false"}]}]}, {"listeners": [{"name": "a", "port": 1, "routes": [{"name": "r", "hosts": ["bad_host"]}]}]},
        {"listeners": [{"name": "a", "port": 1, "routes": [{"name": "r", "hosts": [5]}]}]}, {"listeners": [{"name": "a", "port": 1, "routes": [{"name": "r", "match": "/"}]}]},
    ],
)  # fmt: skip
def test_what_is_no_model_is_bad_input(data: object) -> None:
    with pytest.raises(BadInput, match="does not hold a model"):
        decode(Model, data)


@given(data=JSON)
def test_no_json_raises_anything_else(data: object) -> None:
    for kind in (Model, Instance, Route):
        try:
            decode(kind, data)
        except BadInput as error:
            assert error.hint  # noqa: PT017 - both outcomes are fine, and one of them has words


@settings(max_examples=40)
@given(data=st.data(), model=MODELS, junk=JSON)
def test_one_field_of_nonsense_raises_nothing_else(data: st.DataObject, model: Model, junk: object) -> None:
    encoded = through_json(model)
    assert isinstance(encoded, dict)
    spots = [(encoded, key) for key in encoded]
    for part in (x for key in encoded for x in encoded[key]):
        spots += [(part, key) for key in part]
        spots += [
            (inner, key)
            for many in part.values()
            if isinstance(many, list)
            for inner in many
            if isinstance(inner, dict)
            for key in inner
        ]
    if not spots:
        return
    holder, key = data.draw(st.sampled_from(spots))
    holder[key] = junk
    with contextlib.suppress(BadInput):
        decode(Model, encoded)


def test_every_field_of_the_line_can_be_encoded() -> None:
    """A field of a kind that codec does not know would be lost; this walks them."""
    for kind in (Model, Pool, Server, Route, Instance):
        assert all(f.init for f in fields(kind))
