"""Rows of `GET /containers/json` as engines give them, and as no engine should."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.errors import BadInput, SourceUnavailable
from confgen.problem import Origin
from confgen.sources.rows import instance
from confgen.sources.static import FileSource
from confgen.state import Attachment, Exposed, Health, Mount, Phase

ID = "8dfafdbc3a40f0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef012"

#: As Docker 20.10 (API 1.41) gives it, of a compose service with a volume, a published and an exposed port.
ROW_1_41: dict[str, Any] = {
    "Id": ID,
    "Names": ["/shop-web-1"],
    "Image": "shop:latest",
    "ImageID": "sha256:d74508fb6632491cea586a1fd7d748dfc5274cd6fdfedee309ecdcbc2bf5cb82",
    "Command": "/docker-entrypoint.sh nginx -g 'daemon off;'",
    "Created": 1763834567,
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 32768, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 8080, "PublicPort": 32768, "Type": "tcp"},
        {"PrivatePort": 9000, "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ],
    "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "confgen.host": "shop.example.com"},
    "State": "running",
    "Status": "Up 3 minutes (healthy)",
    "HostConfig": {"NetworkMode": "shop_default"},
    "NetworkSettings": {
        "Networks": {
            "shop_default": {
                "IPAMConfig": None, "Links": None, "Aliases": None, "NetworkID": "n1", "EndpointID": "e1", "Gateway": "172.18.0.1", "IPAddress": "172.18.0.3", "IPPrefixLen": 16,
                "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "02:42:ac:12:00:03", "DriverOpts": None,
            },
            "front": {"IPAddress": "172.19.0.2", "GlobalIPv6Address": "fd00::2", "GlobalIPv6PrefixLen": 64},
        }
    },
    "Mounts": [
        {"Type": "volume", "Name": "shop_data", "Source": "/var/lib/docker/volumes/shop_data/_data", "Destination": "/data", "Driver": "local", "Mode": "z", "RW": True, "Propagation": ""},
        {"Type": "bind", "Source": "/srv/conf", "Destination": "/etc/conf", "Mode": "ro", "RW": False, "Propagation": "rprivate"},
    ],
}  # fmt: skip

#: As Docker 28 and 29 (API 1.48 to 1.52) give it: more fields, null where there is nothing, no top-level addresses.
ROW_1_52: dict[str, Any] = {
    **ROW_1_41,
    "ImageManifestDescriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:d7", "size": 2290},
    "HostConfig": {"NetworkMode": "bridge", "Annotations": {"io.example": "x"}},
    "Health": {"Status": "starting", "FailingStreak": 0},
    "Status": "Up 2 seconds (health: starting)",
    "Ports": [{"PrivatePort": 80, "Type": "tcp"}],
    "Labels": {},
    "NetworkSettings": {
        "Networks": {
            "bridge": {
                "IPAddress": "172.17.0.2",
                "GlobalIPv6Address": "",
                "DNSNames": None,
                "GwPriority": 0,
                "MacAddress": "86:9b:3c:ae:47:2e",
            }
        }
    },
    "Mounts": [],
}


def test_a_row_of_20_10() -> None:
    found = instance(ROW_1_41)
    assert (found.name, found.source, found.id, found.created) == ("shop-web-1", "docker", ID, 1763834567)
    assert (found.phase, found.health, found.network_mode) == (Phase.RUNNING, Health.HEALTHY, "shop_default")
    assert found.attachments == (Attachment("front", "172.19.0.2", "fd00::2"), Attachment("shop_default", "172.18.0.3"))
    assert found.exposed == (Exposed(53, "udp"), Exposed(8080), Exposed(9000))
    assert found.mounts == (
        Mount("/srv/conf", "/srv/conf", "/etc/conf"),
        Mount("shop_data", "/var/lib/docker/volumes/shop_data/_data", "/data"),
    )
    assert found.group == "shop.web"
    assert found.label("confgen.host") == "shop.example.com"
    assert found.origin == Origin("docker", "container shop-web-1")
    assert not found.stopping


def test_a_row_of_29() -> None:
    found = instance(ROW_1_52)
    assert (found.health, found.network_mode, found.labels, found.mounts) == (Health.STARTING, "bridge", (), ())
    assert found.attachments == (Attachment("bridge", "172.17.0.2"),)


def test_a_row_with_nothing_in_it_but_what_must_be() -> None:
    found = instance({"Id": ID, "Names": ["/a"], "State": "created"})
    assert (found.name, found.phase, found.health, found.attachments, found.exposed, found.labels) == (
        "a",
        Phase.CREATED,
        Health.NONE,
        (),
        (),
        (),
    )
    nothing = dict.fromkeys(("Labels", "Ports", "Mounts", "NetworkSettings", "HostConfig", "Status", "Created"))
    assert instance({"Id": ID, "Names": ["/a"], "State": "created"} | nothing) == found
    assert instance(
        {"Id": ID, "Names": ["/a"], "State": "created", "NetworkSettings": {"Networks": {"n": None}}}
    ).attachments == (Attachment("n"),)


@pytest.mark.parametrize(
    ("state", "status", "phase", "health"),
    [
        ("running", "Up 3 minutes", Phase.RUNNING, Health.NONE),
        ("running", "Up 3 minutes (unhealthy)", Phase.RUNNING, Health.UNHEALTHY),
        ("running", "Up Less than a second (health: starting)", Phase.RUNNING, Health.STARTING),
        ("paused", "Up 3 minutes (Paused)", Phase.PAUSED, Health.NONE),
        ("exited", "Exited (137) 2 seconds ago", Phase.EXITED, Health.NONE),
        ("restarting", "Restarting (1) 2 seconds ago", Phase.RESTARTING, Health.NONE),
        ("created", "Created", Phase.CREATED, Health.NONE),
        ("dead", "Dead", Phase.DEAD, Health.NONE),
        ("removing", "Removal In Progress", Phase.DEAD, Health.NONE),
        ("something new", "", Phase.DEAD, Health.NONE),
    ],
)
def test_states_and_health(state: str, status: str, phase: Phase, health: Health) -> None:
    found = instance(ROW_1_41 | {"State": state, "Status": status})
    assert (found.phase, found.health) == (phase, health)


@pytest.mark.parametrize(
    ("names", "name"),
    [(["/web"], "web"), (["/other/alias", "/web"], "web"), (["/web", "/other/alias"], "web"), ([], ID[:12]), (None, ID[:12]), (["/a_b.c-D"], "a_b.c-D"), (["/0a1b2c3d4e5f_shop-web-1"], "0a1b2c3d4e5f_shop-web-1")],
)  # fmt: skip
def test_names(names: object, name: str) -> None:
    assert instance(ROW_1_41 | {"Names": names}).name == name


@pytest.mark.parametrize(
    "change",
    [
        {"Id": None}, {"Id": 5}, {"Id": ""}, {"Id": []}, {"Names": "web"}, {"Names": [5]}, {"Names": ["/we b"]}, {"Names": ["/é"]}, {"Names": ["/a\n"]}, {"Names": ["/-a"]}, {"Names": {}}, {"State": []}, {"State": None},
        {"Labels": []}, {"Labels": "x"}, {"Labels": {"a": None}}, {"Labels": {"a": 1}}, {"Ports": 5}, {"Ports": {}}, {"Ports": [5]}, {"Ports": [{}]}, {"Ports": [{"PrivatePort": "x", "Type": "tcp"}]},
        {"Ports": [{"PrivatePort": None, "Type": "tcp"}]},
        {"Ports": [{"PrivatePort": float("inf"), "Type": "tcp"}]}, {"Ports": [{"PrivatePort": 80.5, "Type": "tcp"}]}, {"Created": "x"}, {"Created": float("inf")}, {"Created": float("nan")}, {"Created": [1]},
        {"NetworkSettings": []}, {"NetworkSettings": {"Networks": []}}, {"NetworkSettings": {"Networks": {"a": 5}}}, {"NetworkSettings": {"Networks": {"a": {"IPAddress": 5}}}}, {"HostConfig": []}, {"HostConfig": {"NetworkMode": 5}},
        {"Mounts": [5]}, {"Mounts": 5}, {"Mounts": [{"Name": [1]}]}, {"Status": 5},
    ],
)  # fmt: skip
def test_what_is_not_shaped_as_the_api_says_is_unavailable(change: dict[str, object]) -> None:
    with pytest.raises(SourceUnavailable, match="a row that cannot be read") as caught:
        instance(ROW_1_41 | change)
    assert "API 1.41" in caught.value.hint


@pytest.mark.parametrize("number", [0, -1, 65536, 70000])
def test_a_port_that_is_none_is_left_out(number: int) -> None:
    assert instance(
        ROW_1_41 | {"Ports": [{"PrivatePort": number, "Type": "tcp"}, {"PrivatePort": 80, "Type": "tcp"}]}
    ).exposed == (Exposed(80),)


@pytest.mark.parametrize("row", [None, [], 5, "x", {}, {"Id": ID}, {"Id": ID, "Names": ["/a"]}])
def test_what_is_no_row_is_unavailable(row: object) -> None:
    with pytest.raises(SourceUnavailable):
        instance(row)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def spots(part: Any) -> list[tuple[Any, Any]]:
    """Every place in a row: the object or list, and the key."""
    keys = list(part) if isinstance(part, dict) else list(range(len(part))) if isinstance(part, list) else []
    return [(part, key) for key in keys] + [spot for key in keys for spot in spots(part[key])]


@given(data=st.data(), junk=JSON)
def test_junk_anywhere_in_a_row_is_unavailable_or_harmless(data: st.DataObject, junk: object) -> None:
    row = copy.deepcopy(data.draw(st.sampled_from([ROW_1_41, ROW_1_52])))
    holder, key = data.draw(st.sampled_from(spots(row)))
    holder[key] = junk
    try:
        found = instance(row)
    except SourceUnavailable:
        return
    assert all(isinstance(text, str) for pair in found.labels for text in pair)
    assert all(0 < e.port < 65536 for e in found.exposed)
    assert all(isinstance(a, str) for x in found.attachments for a in (x.network, x.address, x.address6))
    assert isinstance(found.id, str)
    assert found.id != ""


@given(row=JSON)
def test_any_json_is_a_row_or_unavailable(row: object) -> None:
    with pytest.raises(SourceUnavailable):
        instance(row)


# --- the same rows in a file ---


def test_a_saved_answer_is_a_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([ROW_1_41, ROW_1_52 | {"Names": ["/other"], "Id": "b"}]))
    found = FileSource((file,)).snapshot()
    assert [(i.name, i.source) for i in found.instances] == [("shop-web-1", str(file)), ("other", str(file))]


def test_a_status_is_a_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    file.write_text('{"confgen": "1", "instances": [{"name": "web", "source": "docker", "phase": "paused"}]}')
    (only,) = FileSource((file,)).snapshot().instances
    assert (only.name, only.phase) == ("web", Phase.PAUSED)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "5", '"x"', "{}", '{"instances": {}}', '{"instances": [5]}', '{"instances": [{"name": "x"}]}', "[5]", "[{}]", "[null]", "[" * 100_000, '{"a":' * 100_000,
     '[{"Id": "a", "Names": ["/a"], "State": "running", "Created": 1e999}]', '{"instances": [{"name": "x", "source": "y", "created": Infinity}]}', "1" * 5000],
)  # fmt: skip
def test_a_file_that_holds_neither_is_bad_input(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        FileSource((file,)).snapshot()
    assert str(file) in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_no_text_or_not_there_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for name in ("bytes.json", "absent.json", "."):
        with pytest.raises(BadInput, match=str(tmp_path)):
            FileSource((tmp_path / name,)).snapshot()


@given(data=JSON)
def test_any_json_in_a_file_is_a_snapshot_or_bad_input(tmp_path_factory: pytest.TempPathFactory, data: object) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    for content in (data, [data], {"instances": [data]}):
        file.write_text(json.dumps(content))
        try:
            FileSource((file,)).snapshot()
        except BadInput as error:
            assert error.hint  # noqa: PT017 - both outcomes are fine, and one of them has words
