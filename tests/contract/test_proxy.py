"""What every Proxy must keep, whatever world it is given: it renders, reads back, and sees what was not meant."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confgen.build import build
from confgen.errors import BadInput, RefusedText
from confgen.plan import Impact, make
from confgen.proxies import PROXIES
from confgen.proxies.proxy import Proxy
from confgen.readback import verify
from confgen.render import Renderer
from confgen.settings import Frame, LabelSettings
from confgen.state import Instance
from confgen.want import Live, planned
from tests.golden.story import want
from tests.unit.facts import FRONT, built, container, state
from tests.unit.test_build import BAD, WORLDS

VERSIONS = [("nginx", "1.22"), ("nginx", "1.30"), ("nginx", "1.31"), ("haproxy", "2.6"), ("haproxy", "3.2"), ("haproxy", "3.4")]
both = pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES.keys())
every = pytest.mark.parametrize(("name", "version"), VERSIONS)

#: A world with something of everything that a file can hold.
FULL = (
    container(
        "web-1", {"host": "shop.example.com, *.example.com", "port": "80", "weight": "3"}, of="shop/web", address="10.0.0.1"
    ),
    container("web-2", {"host": "shop.example.com, *.example.com", "port": "80"}, of="shop/web", address="10.0.0.2"),
    container(
        "api",
        {"host": "shop.example.com", "path": "/api", "strip-prefix": "true", "port": "80", "timeout.read": "5s"},
        address="10.0.0.3",
    ),
    container("db", {"tcp.3306": "3306"}, address="10.0.0.4"),
    container("old", {"host": "old.example.org", "redirect": "https://shop.example.com/"}),
    container("adm", {"host": "adm.example.org", "port": "80", "auth": "x"}),
)


# --- knowledge of itself ---


@both
def test_it_is_what_it_is_called(proxy: Proxy) -> None:
    assert PROXIES[proxy.name] is proxy
    assert proxy.outputs
    assert len({output.path for output in proxy.outputs}) == len(proxy.outputs)
    assert "q" in proxy.filters


@both
def test_the_newest_version_and_any_of_its_patches_can_be_rendered_for(proxy: Proxy) -> None:
    assert proxy.caps(proxy.newest).proxy == proxy.name
    major, minor, *_ = proxy.newest.split(".")
    assert proxy.caps(f"{major}.{minor}").version[:2] == proxy.caps(f"{major}.{minor}.1").version[:2] == (int(major), int(minor))


@both
@given(
    said=st.text(max_size=40)
    | st.sampled_from(
        ["nginx version: nginx/", "HAProxy version ", "1.", ".1", "v1.2", "1_0.2", "١.٢", "1.2; }", "-1.2", "1.2\n3.4"]
    )
)
def test_what_is_no_version_is_bad_input(proxy: Proxy, said: str) -> None:
    try:
        caps = proxy.caps(said)
    except BadInput as error:
        assert error.hint  # noqa: PT017 - both outcomes are fine, and one of them has words
        return
    assert all(isinstance(part, int) for part in caps.version)
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)*", caps.text, re.ASCII)


# --- any world ---


@every
@settings(max_examples=15)
@given(world=WORLDS)
def test_any_world_is_rendered_and_reads_back(name: str, version: str, world: list[Instance]) -> None:
    found = want(state(*world), name, version)
    assert found.candidate.generation in found.candidate.as_dict()[PROXIES[name].outputs[0].path].decode()
    assert want(state(*reversed(world)), name, version).candidate == found.candidate


@every
@given(world=WORLDS)
def test_what_fits_once_fits(name: str, version: str, world: list[Instance]) -> None:
    proxy = PROXIES[name]
    model, problems = proxy.fit(built(*world).model, proxy.caps(version))
    assert proxy.fit(model, proxy.caps(version))[0] == model
    for problem in problems:
        assert problem.hint
        assert str(problem).isprintable()
        assert problem.origin.object, "a problem belongs to somebody"
    used = {route.pool for route in model.routes() if route.pool}
    assert used == {pool.name for pool in model.pools}


@both
@given(one=WORLDS, other=WORLDS)
def test_every_change_is_weighed(proxy: Proxy, one: list[Instance], other: list[Instance]) -> None:
    before, after = (build(state(*world), FRONT, LabelSettings(), Frame()).model for world in (one, other))
    plan = make(before, after, proxy.weigh)
    assert isinstance(plan.impact, Impact)
    assert (plan.changes == ()) is (before == after)
    if plan.impact is Impact.RELOAD:
        assert plan.reason
        assert plan.reason.isprintable()


@every
@settings(max_examples=15)
@given(one=WORLDS, other=WORLDS)
def test_a_change_without_impact_changes_no_byte(name: str, version: str, one: list[Instance], other: list[Instance]) -> None:
    before = want(state(*one), name, version)
    after = want(state(*other), name, version)
    plan = make(before.built.model, after.built.model, PROXIES[name].weigh)
    if plan.impact is Impact.NONE:
        assert before.candidate.generation == after.candidate.generation
    if before.candidate.generation != after.candidate.generation:
        assert plan.impact is not Impact.NONE


@every
@settings(max_examples=15)
@given(one=WORLDS, other=WORLDS)
def test_a_plan_says_runtime_change_where_there_are_steps_and_nowhere_else(
    name: str, version: str, one: list[Instance], other: list[Instance]
) -> None:
    proxy, caps = PROXIES[name], PROXIES[name].caps(version)
    before, after = (want(state(*world), name, version) for world in (one, other))
    live = Live("0", before.built.model, before.candidate.as_dict())
    plan = planned(live, after.built.model, after.candidate, proxy, caps)
    way = proxy.way(live.files, after.candidate.as_dict(), caps)
    assert (plan.impact is Impact.HOT) is (way.reload is None and plan.impact is not Impact.NONE)
    if plan.impact is Impact.RELOAD:
        assert way.reload is not None
        assert way.reload in plan.reason
    if name == "nginx":
        assert way.reload == "", "it has no other way"


@every
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_container_changes_no_byte_for_the_others(name: str, version: str, bad: dict[str, object]) -> None:
    good = (
        container("s-web-1", {"host": "a.example", "port": "80"}, of="s/web", created=1),
        container("lone", {"host": "b.example", "port": "80"}, created=1),
    )
    without, beside = want(state(*good), name, version), want(state(*good, container("bad", **bad)), name, version)  # type: ignore[arg-type]
    assert beside.candidate.generation == without.candidate.generation
    assert beside.built.problems != ()


# --- what was not meant is seen ---


def rendered(proxy: Proxy) -> dict[str, bytes]:
    return {path: content for path, content in want(state(*FULL), proxy.name).candidate.files if path != "model.json"}


def check(proxy: Proxy, files: dict[str, bytes]) -> None:
    """Reads files back against the model of FULL."""
    caps = proxy.caps({"nginx": "1.30", "haproxy": "3.2"}[proxy.name])
    model, _ = proxy.fit(built(*FULL).model, caps)
    verify(proxy.expected(model, caps, Frame()), proxy.structure(files))


@both
def test_what_was_rendered_reads_back(proxy: Proxy) -> None:
    check(proxy, rendered(proxy))


@both
@pytest.mark.parametrize("telling", ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:3306", "*.example.com", "shop.example.com", "adm.example.org", "old.example.org", "https://shop.example.com/", "3306", "/api"])  # fmt: skip
def test_a_line_of_the_model_that_is_missing_twice_or_other_is_seen(proxy: Proxy, telling: str) -> None:
    files = rendered(proxy)
    hits = 0
    for path, content in files.items():
        lines = content.decode().splitlines(keepends=True)
        for number, line in enumerate(lines):
            if telling not in line.split("#")[0]:
                continue
            hits += 1
            others = ["", line + line, line.replace(telling, telling[:-1] + "9"), "# " + line]
            seen = 0
            for other in others:
                changed = {**files, path: "".join([*lines[:number], other, *lines[number + 1 :]]).encode()}
                try:
                    check(proxy, changed)
                except RefusedText:
                    seen += 1
            assert seen >= len(others) - 1, (path, line, "one more of the same may be harmless, nothing else")
    assert hits


EVIL = {
    "nginx": [
        "load_module modules/evil.so;", "include /etc/passwd;", "env SECRET;", "user root;", "http { }", "perl_set $x 'sub {}';", "js_import x.js;", "lua_code_cache off;", "error_log /etc/x;", "working_directory /tmp;",
    ],
    "haproxy": ["lua-load /x.lua", "external-check", "program x", "insecure-fork-wanted", "setenv A b", "presetenv A b", "stats socket /x level admin", "user root", "group root", "chroot /x", ".if true", "frontend evil", "backend evil", "listen evil", "peers evil", "resolvers evil"],
}  # fmt: skip


def _in_a_table(before: str) -> bool:
    """Inside a `map` or `geo` block of nginx."""
    return re.search(r"\n    (map|geo) [^{}\n]*\{(?:\n|(?!\n    \}).)*$", before, re.DOTALL) is not None and not before.endswith(
        "    }\n"
    )


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EVIL.items() for line in lines])
def test_a_line_that_nobody_meant_is_seen_wherever_it_stands(name: str, line: str) -> None:
    proxy = PROXIES[name]
    files = rendered(proxy)
    main = proxy.outputs[0].path
    lines = files[main].decode().splitlines(keepends=True)
    for number in range(0, len(lines) + 1, 3):
        if number and lines[number - 1].rstrip().endswith("\\"):
            continue
        if name == "nginx" and number and not re.search(r"([;{}]|^\s*|#.*)$", lines[number - 1].rstrip()):
            continue  # in the middle of a statement it would be words of that one
        before = "".join(lines[:number])
        if name == "nginx" and (_in_a_table(before) or (line.startswith(("user", "error_log")) and "http {" not in before)):
            continue  # there it would be a line of the table; or the operator's to set
        with pytest.raises(RefusedText):
            check(proxy, {**files, main: "".join([*lines[:number], line + "\n", *lines[number:]]).encode()})


@both
@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"{", b"}", b'"', b"'", b"\x00", b"server {", b"\\", b"a" * 100_000])
def test_garbage_is_refused_and_raises_nothing_else(proxy: Proxy, garbage: bytes) -> None:
    files = rendered(proxy)
    main = proxy.outputs[0].path
    for content in (garbage, garbage + files[main], files[main][: len(files[main]) // 2] + garbage):
        with pytest.raises(RefusedText):
            check(proxy, {**files, main: content})


@both
def test_a_file_that_is_missing_is_refused(proxy: Proxy) -> None:
    files = rendered(proxy)
    for path in [
        output.path for output in proxy.outputs[1:] if any(not x.startswith(b"#") for x in files[output.path].splitlines())
    ]:
        with pytest.raises(RefusedText):
            check(proxy, {p: c for p, c in files.items() if p != path})


@both
@settings(max_examples=40)
@given(data=st.data())
def test_a_byte_that_changes_is_seen_or_says_the_same(proxy: Proxy, data: st.DataObject) -> None:
    """Anywhere in the files: the reading back either refuses it or finds the very structure that was meant."""
    files = rendered(proxy)
    path = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, max(0, len(files[path]) - 1)))
    byte = data.draw(st.sampled_from([b";", b"}", b"{", b"\n", b"#", b'"', b"'", b"\\", b"\x00", b" ", b"x", b"\xff"]))
    with contextlib.suppress(RefusedText):
        check(proxy, {**files, path: files[path][:at] + byte + files[path][at + 1 :]})


@both
def test_the_view_is_all_that_a_template_gets_and_it_holds_no_raw_text(proxy: Proxy) -> None:
    """Rendering the same view twice gives the same bytes: nothing in it is used up, and nothing looks at a clock."""
    caps = proxy.caps(proxy.newest)
    model, _ = proxy.fit(built(*FULL).model, caps)
    renderer = Renderer((), proxy.filters)
    view = proxy.view(model, caps, Frame())
    assert (
        renderer.render(proxy.outputs, view)
        == renderer.render(proxy.outputs, view)
        == renderer.render(proxy.outputs, proxy.view(model, caps, Frame()))
    )
