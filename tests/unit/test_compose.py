"""Compose files: read as `docker compose config` (2.26) reads them, and what it refuses is bad input with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from confgen.errors import BadInput
from confgen.offer import Vantage
from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.nginx import NGINX
from confgen.settings import Settings
from confgen.sources.compose import read
from confgen.sources.static import FileSource
from confgen.state import COMPOSE_PROJECT, COMPOSE_SERVICE, Attachment, Exposed, Instance, State
from confgen.want import offline
from tests.unit.facts import built

Read = Callable[..., dict[str, Instance]]


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads texts as the files of a project called shop, and gives its services by name."""
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    folder = tmp_path / "shop"
    folder.mkdir()

    def reading(*texts: str) -> dict[str, Instance]:
        files = []
        for number, text in enumerate(texts):
            files.append(folder / f"compose{number or ''}.yaml")
            files[-1].write_text(text)
        return {i.name: i for i in read(tuple(files))}

    return reading


def labels(one: Instance) -> dict[str, str]:
    return {key: text for key, text in one.labels if key not in (COMPOSE_PROJECT, COMPOSE_SERVICE)}


def service(**parts: str) -> str:
    return "services:\n  web:\n" + "".join(f"    {key}: {text}\n" for key, text in parts.items())


# --- the common case ---


def test_two_labels_in_a_file_make_a_route(compose: Read) -> None:
    (web,) = compose(
        "services:\n  web:\n    image: x\n    labels:\n      confgen.host: shop.example.com\n      confgen.port: 8080\n"
    ).values()
    assert (web.name, web.host_name, web.group, web.owner) == ("web", "web", "shop.web", "shop")
    assert web.attachments == (Attachment("shop_default"),)
    assert str(web.origin) == "service web"
    found = built(web, vantage=Vantage(None))
    assert found.problems == ()
    (one,) = found.model.pools[0].servers
    assert (one.address, one.port, one.resolve) == ("web", 8080, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "services:\n",
        "services: {}\n",
        "# nothing\n",
        "name: x\n",
        "services:\n  web:\n",
        "services: {web: {labels: , networks: , ports: }}",
    ],
)
def test_little_is_enough(compose: Read, text: str) -> None:
    assert list(compose(text)) == (["web"] if "web" in text else [])


# --- labels, as compose 2.26 prints them ---


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"8080"', "8080"), ("8080", "8080"), ("off", "off"), ("Off", "Off"), ("yes", "yes"), ("on", "on"), ("true", "true"), ("True", "true"), ("FALSE", "false"), ("~", ""), ("", ""), ("null", ""),
        ("1.10", "1.1"), ("3.0", "3"), ("010", "8"), ("1_000", "1000"), ("0x10", "16"), ("0b11", "3"), ("12:30", "12:30"), ("1:30:00", "1:30:00"), (".5", "0.5"), ("a: b", None), ("*.example.com", None),
        ('"*.example.com"', "*.example.com"), ("=/healthz", "=/healthz"), ("/api", "/api"), ("a.example, b.example", "a.example, b.example"), ("2001-13-45", "2001-13-45"), ("|-\n        a\n        b", "a\nb"),
    ],
)  # fmt: skip
def test_labels_as_a_mapping(compose: Read, written: str, text: str | None) -> None:
    source = service(labels=f"\n      confgen.x: {written}")
    if text is None:
        with pytest.raises(BadInput):
            compose(source)
    else:
        assert labels(compose(source)["web"]) == {"confgen.x": text}


def test_labels_as_a_list(compose: Read) -> None:
    assert labels(compose(service(labels='[a.b=c, d, "e=f=g", "h="]'))["web"]) == {"a.b": "c", "d": "", "e": "f=g", "h": ""}


def test_anchors_and_merge_keys(compose: Read) -> None:
    source = "x-base: &base\n  labels: &labels {confgen.balance: leastconn, confgen.port: 80}\nservices:\n  web:\n    <<: *base\n  api:\n    labels:\n      <<: *labels\n      confgen.port: 81\n"
    found = compose(source)
    assert labels(found["web"]) == {"confgen.balance": "leastconn", "confgen.port": "80"}
    assert labels(found["api"]) == {"confgen.balance": "leastconn", "confgen.port": "81"}


# --- names of projects and networks ---


@pytest.mark.parametrize(
    ("written", "environment", "project"),
    [("", "", "shop"), ("name: My-Shop\n", "", "my-shop"), ("name: ${N:-a}b\n", "", "ab"), ("name: file\n", "env", "env"), ("name: _.-X\n", "", "x"), ("name: '...'\n", "", "default"), ("name: 5\n", "", "5")],
)  # fmt: skip
def test_the_projects_name(compose: Read, monkeypatch: pytest.MonkeyPatch, written: str, environment: str, project: str) -> None:
    if environment:
        monkeypatch.setenv("COMPOSE_PROJECT_NAME", environment)
    assert compose(written + service())["web"].owner == project


@pytest.mark.parametrize(
    ("networks", "top", "names"),
    [
        ("", "", ["shop_default"]), ("[front]", "", ["shop_front"]), ("{front: , back: {aliases: [x]}}", "", ["shop_back", "shop_front"]), ("[front]", "networks: {front: {name: edge}}", ["edge"]),
        ("[front]", "networks: {front: {external: true}}", ["front"]), ("[front]", "networks: {front: {external: true, name: edge}}", ["edge"]),
        ("[front]", "networks: {front: {external: {name: edge}}}", ["edge"]), ("", "networks: {default: {name: edge}}", ["edge"]), ("[front]", "networks: {front: }", ["shop_front"]),
    ],
)  # fmt: skip
def test_networks(compose: Read, networks: str, top: str, names: list[str]) -> None:
    found = compose(service(networks=networks) + top + "\n")
    assert [a.network for a in found["web"].attachments] == names


@pytest.mark.parametrize(("mode", "attachments"), [("host", 0), ("none", 0), ("bridge", 1)])
def test_network_modes(compose: Read, mode: str, attachments: int) -> None:
    web = compose(service(network_mode=mode))["web"]
    assert (web.network_mode, len(web.attachments)) == (mode, attachments)


def test_one_that_uses_anothers_network_is_reached_under_its_name(compose: Read) -> None:
    found = compose(
        "services:\n  vpn: {networks: [front]}\n  web: {network_mode: 'service:vpn'}\n  lost: {network_mode: 'service:gone'}\n"
    )
    assert (found["web"].host_name, [a.network for a in found["web"].attachments]) == ("vpn", ["shop_front"])
    assert found["lost"].host_name == "lost"


# --- ports ---


@pytest.mark.parametrize(
    ("key", "written", "ports"),
    [
        ("expose", '["3000", 3001, 5353/udp, "4000-4002"]', {(3000, "tcp"), (3001, "tcp"), (5353, "udp")}), ("ports", '["80", "8080:81", "127.0.0.1:8080:82", "8080:83/udp", "[::1]:80:84"]', {(80, "tcp"), (81, "tcp"), (82, "tcp"), (83, "udp"), (84, "tcp")}),
        ("ports", "[22:22, 53:53, 1:30]", {(22, "tcp"), (53, "tcp"), (30, "tcp")}), ("ports", "[{target: 80}, {target: 53, protocol: udp, published: 5353}]", {(80, "tcp"), (53, "udp")}),
        ("ports", '["3000-3005", "x", "0", "70000", "", "80/sctp"]', set()), ("ports", "[{}, {target: x}]", set()), ("ports", '["${PORT:-80}"]', {(80, "tcp")}),
    ],
)  # fmt: skip
def test_ports(compose: Read, key: str, written: str, ports: set[tuple[int, str]]) -> None:
    assert set(compose(service(**{key: written}))["web"].exposed) == {Exposed(*port) for port in ports}


# --- interpolation ---


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("$SET", "set"), ("${SET}", "set"), ("a${SET}b$SET.c", "asetbset.c"), ("$UNSET", ""), ("${UNSET}", ""), ("$$SET", "$SET"), ("$$$$", "$$"), ("$${SET}", "${SET}"), ("100%", "100%"),
        ("${UNSET:-d}", "d"), ("${UNSET-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${SET:-d}", "set"), ("${SET-d}", "set"), ("${SET:+y}", "y"), ("${SET+y}", "y"), ("${UNSET:+y}", ""),
        ("${UNSET+y}", ""), ("${EMPTY:+y}", ""), ("${EMPTY+y}", "y"), ("${SET:?must}", "set"), ("${EMPTY?must}", ""), ("${UNSET:-}", ""), ("${UNSET:-a:-b}", "a:-b"), ("${UNSET:-${EMPTY:-deep}}", "deep"),
        ("${UNSET:-a${SET}b}c", "asetbc"), ("${SET:+${SET}${SET}}", "setset"), ("${UNSET:-$$}", "$"), ("${UNSET:-{x}}", "{x}"),
    ],
)  # fmt: skip
def test_interpolation(compose: Read, monkeypatch: pytest.MonkeyPatch, written: str, text: str) -> None:
    monkeypatch.setenv("SET", "set")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    assert labels(compose(service(labels=f"{{a: '{written}'}}"))["web"]) == {"a": text}


@pytest.mark.parametrize(
    "written",
    [
        "${SET",
        "${}",
        "$1",
        "${1}",
        "$",
        "a $ b",
        "${SET!x}",
        "${SET:}",
        "${ SET}",
        "${UNSET:?must be set}",
        "${EMPTY:?must}",
        "${UNSET?}",
        "${UNSET:-${SET}",
    ],
)
def test_interpolation_that_compose_refuses(compose: Read, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SET", "set")
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(BadInput, match=r"compose\.yaml:3: ") as caught:
        compose(service(labels=f"{{a: '{written}'}}"))
    assert caught.value.hint


def test_keys_are_not_interpolated(compose: Read) -> None:
    assert labels(compose(service(labels="{$A: x}"))["web"]) == {"$A": "x"}


def test_the_env_file_and_the_environment_above_it(compose: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "export E1=x\nE2 = y # c\nE3='q # r'\nE4=\"a b\"\n# E5=no\n  E6=a#b\nE7=\nnonsense\nE8=file\n=x\n"
    (tmp_path / "shop" / ".env").write_text(text)
    monkeypatch.setenv("E8", "environment")
    web = compose(service(labels="{a: '$E1|$E2|$E3|$E4|$E5|$E6|$E7|$E8'}"))["web"]
    assert labels(web) == {"a": "x|y|q # r|a b||a#b||environment"}


def test_an_env_file_that_is_no_text_is_passed_over(compose: Read, tmp_path: Path) -> None:
    (tmp_path / "shop" / ".env").write_bytes(b"\xff\xfe")
    assert compose(service())["web"].name == "web"


# --- merging ---


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": "1", "b": "3", "c": "4"}), ("[a=1, b=2]", "[b=3, c=4]", {"a": "1", "b": "3", "c": "4"}), ("{a: 1, b: 2}", "[b=3]", {"a": "1", "b": "3"}),
        ("[a=1, b=2]", "{b: 3}", {"a": "1", "b": "3"}), ("{a: 1}", "", {"a": "1"}), ("", "{a: 1}", {"a": "1"}),
    ],
)  # fmt: skip
def test_labels_are_merged_whatever_their_form(compose: Read, base: str, over: str, merged: dict[str, str]) -> None:
    assert labels(compose(service(labels=base), service(labels=over))["web"]) == merged


def test_networks_and_ports_are_merged(compose: Read) -> None:
    web = compose(
        service(networks="[front]", ports='["80"]'), service(networks="{back: {aliases: [x]}}", ports='["81"]', expose="[82]")
    )["web"]
    assert [a.network for a in web.attachments] == ["shop_back", "shop_front"]
    assert [e.port for e in web.exposed] == [80, 81, 82]


def test_nothing_over_something_changes_nothing(compose: Read) -> None:
    web = compose(
        service(networks="[front]", ports='["80"]', network_mode="bridge"), service(networks="", ports="", network_mode="")
    )["web"]
    assert ([a.network for a in web.attachments], [e.port for e in web.exposed], web.network_mode) == (
        ["shop_front"],
        [80],
        "bridge",
    )


def test_a_service_that_the_second_file_only_names_keeps_what_it_has(compose: Read) -> None:
    found = compose(service(labels="{a: 1}") + "  api: {labels: {b: 1}}\n", "services:\n  web:\n  new: {}\n")
    assert {name: labels(one) for name, one in found.items()} == {"web": {"a": "1"}, "api": {"b": "1"}, "new": {}}


# --- what is wrong, with file and line ---


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("services:\n  web:\n    labels: {a: b\n", 4, "is not YAML"), ("services:\n\tweb:\n", 2, "cannot start any token"), ("a: b\n- c\n", 2, "is not YAML"), ("services: &a\n  web: *b\n", 2, "undefined alias"),
        ("services:\n  web:\n    labels: {a: 1, a: 2}\n", 3, 'the key "a" stands twice'), ("services:\n  web: {}\n  web: {}\n", 3, 'the key "web" stands twice'), ("services: !!python/object:os.system {}\n", 1, "could not determine"),
        ("services:\n  ? [a]\n  : b\n", 2, "unhashable"), ("a: *x\n", 1, "undefined alias"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_told_with_its_line(compose: Read, text: str, line: int, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose(text)
    assert f"compose.yaml:{line}: " in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]\n", "the file is not a mapping"), ("x\n", "the file is not a mapping"), ("services: []\n", "services is not a mapping"), ("services: {web: []}\n", "services.web is not a mapping"),
        ("networks: []\n", "networks is not a mapping"), (service(networks="[front]") + "networks: {front: x}\n", "networks.front is not a mapping"), (service(labels="x"), "services.web.labels is neither"),
        (service(labels="[{a: b}]"), "services.web.labels is neither"), (service(labels="{a: [1]}"), "services.web.labels.a is not a text"), (service(labels="{a: {b: c}}"), "services.web.labels.a is not a text"),
        (service(ports="80"), "services.web.ports is not a list"), (service(expose='"80"'), "services.web.expose is not a list"), (service(networks="front"), "networks of a service is not a mapping"),
        ("services: {'we b': {}}\n", 'services: "we b" is no name'), ("services: {'x; }': {}}\n", "is no name of a service"), ("services: {'é': {}}\n", "is no name of a service"), ("services: {'': {}}\n", "is no name of a service"),
        (service(extends="{service: x}"), 'services.web extends "x", which is not in'), ("include: [x.yaml]\n", "there is no such file"),
        (service(extends="web"), "extends itself"), ("include: [compose.yaml]\n", "includes or extends itself"), ("include: x\n", "include is not a list"), (service(extends="{file: compose.yaml, service: web}"), "includes or extends itself"),
    ],
)  # fmt: skip
def test_what_is_no_compose_file_is_told_with_the_place(compose: Read, text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose(text)
    assert re.search(r"compose\.yaml(:[0-9]+)?: ", caught.value.message)
    assert said.removeprefix("services: ") in caught.value.message
    assert caught.value.hint


def test_the_file_with_the_mistake_is_named(compose: Read) -> None:
    with pytest.raises(BadInput, match=r"compose1\.yaml:3: "):
        compose(service(), "services:\n  web:\n - x\n")
    with pytest.raises(BadInput, match=r"compose1\.yaml: services is not a mapping"):
        compose(service(), "services: 5\n")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2000, "{a: " * 2000, "a: &a [*a]\n", "services: &s {web: *s}\n", "a: " + "1" * 5000 + "\n", "a: 2001-99-99\n", "a: 0b_\n", "a: 0x_\n", "a: _\n", "? \n: \n", "\x00", "a: \x07\n", "services: {web: {labels: {a: '" + "$$" * 50_000 + "'}}}",
        "services: {web: {labels: {a: '" + "${A:-" * 2000 + "}" * 2000 + "'}}}", "%YAML 9.9\n---\na: b\n", "---\na: b\n---\nc: d\n", "a: !!binary x\n", "a: !!timestamp x\n", "a: !!int x\n", "a: !!float x\n", "a: !!bool x\n",
    ],
)  # fmt: skip
def test_nothing_in_a_file_raises_anything_else(compose: Read, text: str) -> None:
    try:
        compose(text)
    except BadInput as error:
        assert error.hint  # noqa: PT017 - both outcomes are fine, and one of them has words


def test_a_billion_laughs_are_none(compose: Read) -> None:
    """Nine lines that name a billion texts: read in no time, since each is made once."""
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert compose("\n".join(lines) + "\nservices: {web: {}}\n")["web"].name == "web"


@given(text=st.text(max_size=60) | st.lists(st.sampled_from(["services", ":", " ", "\n", "  web", "labels", "- ", "{", "}", "[", "]", "&a", "*a", "${A:-", "}", "$", "'", '"', "!x", "<<", "1", "a=b"]), max_size=20).map("".join))  # fmt: skip
@example("services:\n  web:\n    <<: [1]\n")
@example("services:\n  web:\n    labels:\n      <<: 5\n")
def test_any_text_is_a_project_or_bad_input(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        FileSource((file,)).snapshot()
    except BadInput as error:
        assert str(file) in error.message  # noqa: PT017 - both outcomes are fine, and one of them names the file


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read((tmp_path / "compose.yaml",))


@pytest.mark.parametrize(
    ("kind", "image", "version"),
    [
        ("nginx", "nginx:1.26", "1.26"),
        ("nginx", "nginx:1.26.2-alpine", "1.26.2"),
        ("nginx", "docker.io/library/nginx:1.26@sha256:0123", "1.26"),
        ("nginx", "localhost:5000/nginxinc/nginx-unprivileged:1.28-slim", "1.28"),
        ("haproxy", "haproxy:3.0-alpine", "3.0"),
        ("haproxy", "haproxy:lts", HAPROXY.newest),
        ("nginx", "nginx", NGINX.newest),
        ("nginx", "nginx:1", NGINX.newest),
        ("nginx", "localhost:5000/nginx", NGINX.newest),
        ("haproxy", "acme/balancer:2.9", HAPROXY.newest),
    ],
)
def test_the_version_of_a_proxy_is_that_of_its_image(tmp_path: Path, kind: str, image: str, version: str) -> None:
    (tmp_path / "compose.yaml").write_text(f"services: {{proxy: {{image: '{image}', labels: {{confgen.proxy: {kind}}}}}}}\n")
    state = State(tuple(read((tmp_path / "compose.yaml",))))
    (place,) = offline(state, Settings())
    assert place.caps.text == version
    (place,) = offline(state, Settings(proxy_version="3.2"))
    assert place.caps.text == "3.2", "the option says more"


# --- what nobody would notice ---


def doubted(compose: Read, text: str) -> list[str]:
    return [problem.code for one in compose(text).values() for problem in one.doubts]


@pytest.mark.parametrize(
    "text",
    [
        service(ports="['8000:80']", labels="{confgen.port: 3000}"),  # the image may expose it
        service(ports="['8000:80', '80']", labels="{confgen.port: 80}"),
        service(ports="['8000-8010:9000-9010']", labels="{confgen.port: 9003}"),
        service(ports="[{target: 80, published: 8000}]", labels="{confgen.port: 80}"),
        service(expose="['8000-8010']", labels="{confgen.port: 8003}"),
        service(expose="['80', '9000-9010']", labels="{confgen.port: 9005}"),
        service(expose="['80']", ports="['8000-8010:9000-9010']", labels="{confgen.port: 9003}"),
        service(expose="['80']", labels="{confgen.tcp.443: 80, confgen.routes.a.port: 80, other.port: 81}"),
        service(build="{labels: {a: b}}", deploy="{labels: [c=d]}"),
        service(build="."),
        service(labels="{other: $NOBODY, confgen.host: '${NOBODY:-x}'}"),
        service(labels="{confgen.host: $$NOBODY}"),
    ],
)
def test_what_may_be_meant_is_not_doubted(compose: Read, text: str) -> None:
    assert doubted(compose, text) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (service(ports="['127.0.0.1:8000:80/tcp']", labels="{confgen.port: 8000}"), ["CG121"]),
        (service(ports="[{target: 80, published: '8000'}]", labels="{confgen.routes.a.port: 8000}"), ["CG121"]),
        (service(expose="['80']", ports="['81:81']", labels="{confgen.port: 82}"), ["CG121"]),
        (service(build="{labels: [confgen.host=a.test, confgen.port=80]}"), ["CG201", "CG201"]),
        (service(labels="[confgen.host=$NOBODY.$NOBODY]"), ["CG202"]),
    ],
)
def test_what_cannot_be_meant_is_doubted(compose: Read, text: str, codes: list[str]) -> None:
    assert doubted(compose, text) == codes


def test_doubts_are_of_our_labels_whatever_they_begin_with(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(service(expose="['80']", labels="{edge.port: 81, confgen.port: 82}"))
    (one,) = read((file,), "edge")
    assert [str(problem.origin) for problem in one.doubts] == ["service web, label edge.port"]


def test_a_hidden_service_is_not_doubted(compose: Read) -> None:
    one = compose(service(expose="['80']", labels="{confgen.enable: false, confgen.port: 81}"))["web"]
    assert one.doubts
    assert built(one, vantage=Vantage(None)).problems == ()


def test_the_hash_of_a_password_is_not_told(compose: Read) -> None:
    one = compose(service(labels="{confgen.auth.basic: 'bob:$saltsalt$hashhash'}"))["web"]
    assert not [problem for problem in one.doubts if "salt" in f"{problem}{problem.hint}"]
    with pytest.raises(BadInput) as caught:
        compose(service(labels="{confgen.auth.basic: 'bob:$2y$05$hashhash'}"))
    assert "hashhash" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(("number", "said"), [("9" * 5000, "+Inf"), ("-" + "9" * 5000, "-Inf"), ("1e999", "+Inf")])
def test_a_number_without_an_end_is_told_as_compose_writes_it(compose: Read, number: str, said: str) -> None:
    web = compose(f"services: {{web: {{image: x, labels: {{confgen.port: {number}}}}}}}")["web"]
    assert labels(web)["confgen.port"] == said
