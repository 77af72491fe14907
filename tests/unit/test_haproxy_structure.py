"""Whatever the model: the text says it and nothing else; and what is not of the model is seen."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.haproxy import HAPROXY, shape
from confgen.proxies.haproxy.tokens import lines
from confgen.readback import verify
from confgen.settings import Frame
from tests.unit.haproxy_models import STORY, models, text_of

CAPS = HAPROXY.caps("3.2")
FRAME = Frame()


@given(models(), st.sampled_from(["2.6", "3.0", "3.2", "3.4"]), st.sampled_from(["text", "json", "off"]), st.booleans())
def test_every_model_reads_back(model: Model, version: str, access_log: str, ipv6: bool) -> None:
    frame = Frame(access_log=access_log, ipv6=ipv6)
    fitted, candidate = text_of(model, version, frame)
    verify(HAPROXY.expected(fitted, HAPROXY.caps(version), frame), HAPROXY.structure(candidate.as_dict()))
    assert HAPROXY.fit(fitted, HAPROXY.caps(version)) == (fitted, ())


@given(models())
def test_the_same_model_is_the_same_bytes(model: Model) -> None:
    assert text_of(model)[1] == text_of(model)[1]


@functools.cache
def example() -> tuple[Model, dict[str, bytes]]:
    """A model with everything in it, and its files."""
    fitted, candidate = text_of(STORY)
    return fitted, candidate.as_dict()


def refused(files: dict[str, bytes]) -> bool:
    fitted, _ = example()
    try:
        verify(HAPROXY.expected(fitted, CAPS, FRAME), HAPROXY.structure(files))
    except RefusedText:
        return True
    return False


INJECTED = [
    "    server evil 6.6.6.6:80",
    "    use_backend evil",
    "    http-request redirect location http://evil.test",
    "    http-request return status 200",
    "    http-request use-service lua.evil",
    "    http-request lua.evil",
    "    http-request auth",
    "    bind :8080",
    "    stick-table type ip size 1m",
    "    lua-load /tmp/x",
    "    external-check command /bin/sh",
    "    insecure-fork-wanted",
    "    user root",
    "    program x",
    "    errorfile 503 /etc/passwd x",
    "    filter trace",
    "    balance first",
    "    redirect location /x",
    "    default_backend evil",
    "    tcp-request content accept",
    "backend evil",
    "frontend evil",
    "listen evil",
    "global",
    "defaults",
    "program evil",
    "peers evil",
    "userlist evil",
    "resolvers evil",
    "something unknown",
    "    http-request set-uri /admin",
    "    http-request set-pathq /admin",
    "    http-request set-var(txn.match) str(web web)",
    "    http-request set-var(txn.site,ifnotexists) str(x)",
    "    http-request set-var(txn.asked) str(/admin)",
    "    http-request set-var-fmt(txn.match) web",
    "    http-request unset-var(txn.route)",
    "    http-request set-header X-Forwarded-For %[req.hdr(x-real-ip)]",
    "    http-request set-header x-real-ip 10.0.0.1",
    "    http-request set-header Host other.test",
    "    http-request set-header X_Forwarded_For 10.0.0.1",
    "    http-request del-header X-Forwarded-For",
    "    http-request add-header X-Forwarded-For 10.0.0.1",
    "    http-request replace-header X-Forwarded-For .* 10.0.0.1",
    "    http-request replace-value Connection .* close",
    "    http-request del-header X- -m beg",
    "    http-request del-header -ip -m end",
    "    http-request del-header nnect -m sub",
    "    http-request del-header ^x -m reg",
    "    http-request normalize-uri path-strip-dot",
]


@pytest.mark.parametrize("injected", INJECTED)
def test_a_line_that_the_model_does_not_hold_is_refused_wherever_it_stands(injected: str) -> None:
    _, files = example()
    text = files["haproxy.cfg"].decode().splitlines(keepends=True)
    assert not refused(files)
    sections = [number for number, line in enumerate(text, 1) if line[0].isalpha()]
    for number in (*sections, len(text)):
        changed = "".join([*text[:number], injected + "\n", *text[number:]])
        assert refused({**files, "haproxy.cfg": changed.encode()}), (number, injected)


def test_a_carrying_line_that_is_lost_doubled_or_changed_is_refused() -> None:
    fitted, files = example()
    text = files["haproxy.cfg"].decode().splitlines(keepends=True)
    carrying = {" ".join(s.words) for s in HAPROXY.expected(fitted, CAPS, FRAME)}
    checked = 0
    section = ""
    for number, line in enumerate(text):
        section = line if line[0] not in " #\n" else section
        if section.startswith("defaults") and line != section:
            continue  # skeleton, where the same words carry nothing
        if not any(" ".join(word.decode() for word in found) in carrying for found in lines(line.encode())):
            continue
        for changed in ("", line * 2, line.rstrip("\n") + " x\n", "# " + line):
            mutated = "".join([*text[:number], changed, *text[number + 1 :]])
            assert refused({**files, "haproxy.cfg": mutated.encode()}), line
        checked += 1
    assert checked > 30


def _requests() -> tuple[list[str], list[int]]:
    """A text, and where in it the lines stand that a port does to each request; but for what is free."""
    text = example()[1]["haproxy.cfg"].decode().splitlines(keepends=True)
    start = next(number for number, line in enumerate(text) if line.startswith("frontend port:http "))
    end = next(number for number, line in enumerate(text) if number > start and line.strip().startswith("use_backend"))
    free = ("    http-request disable-l7-retry", "    http-request set-var(txn.agent)")
    return text, [n for n in range(start, end) if text[n].startswith("    http-re") and not text[n].startswith(free)]


def test_what_protects_cannot_be_left_out_or_change_places() -> None:
    _, files = example()
    text, places = _requests()
    assert len(places) > 30
    for here, there in pairwise(places):
        without = "".join([*text[:here], *text[here + 1 :]])
        assert refused({**files, "haproxy.cfg": without.encode()}), text[here]
        swapped = [*text]
        swapped[here], swapped[there] = text[there], text[here]
        parts = {(text[n].split()[0], "-header" in text[n]) for n in (here, there)}
        if len(parts) == 1:  # parts know nothing of each other
            assert refused({**files, "haproxy.cfg": "".join(swapped).encode()}), text[here]


def test_what_servers_are_told_is_the_templates_own_where_a_policy_says_so() -> None:
    fitted, files = example()
    theirs = files["haproxy.cfg"].replace(b"X-Forwarded-For %[src]", b"X-Forwarded-For %[req.hdr(cf-connecting-ip)]")
    theirs = re.sub(rb"    http-request del-header .* -m reg\n", b"", theirs)
    found = HAPROXY.structure({**files, "haproxy.cfg": theirs})
    verify(HAPROXY.expected(fitted, CAPS, FRAME), found, ("forwarded",))
    with pytest.raises(RefusedText, match=r"del-header .*forwarded.* -m reg") as caught:
        verify(HAPROXY.expected(fitted, CAPS, FRAME), found, ("accel",))
    assert '[templates] may_omit = ["forwarded"]' in caught.value.hint
    for line in (
        b"    http-request normalize-uri path-strip-dot\n",
        b"    http-request deny deny_status 400 if { path -m sub %00 }\n",
    ):
        assert line in theirs
        found = HAPROXY.structure({**files, "haproxy.cfg": theirs.replace(line, b"")})
        with pytest.raises(RefusedText):
            verify(HAPROXY.expected(fitted, CAPS, FRAME), found, ("forwarded", "accel"))


@pytest.mark.parametrize("name", ["hosts.map", "wildcards.map", "exact.map", "prefixes.map"])
def test_maps_are_part_of_the_structure(name: str) -> None:
    _, files = example()
    assert refused({**files, name: files[name] + b"evil.test:80 shop.web pool\n"})
    last = files[name].rstrip(b"\n").rpartition(b"\n")[2]
    assert last
    assert refused({**files, name: files[name].replace(last + b"\n", b"")})


def test_the_order_of_wildcards_counts() -> None:
    _, files = example()
    comment, *entries = files["wildcards.map"].splitlines(keepends=True)
    assert len(entries) > 1
    assert refused({**files, "wildcards.map": b"".join([comment, *reversed(entries)])})
    comment, *entries = files["hosts.map"].splitlines(keepends=True)
    assert not refused({**files, "hosts.map": b"".join([comment, *reversed(entries)])})


def test_a_file_that_is_missing_is_told() -> None:
    with pytest.raises(RefusedText, match=r"there is no haproxy\.cfg"):
        HAPROXY.structure({"hosts.map": b""})


def test_a_template_may_keep_what_it_likes_under_a_name_of_its_own() -> None:
    _, files = example()
    place = b"    http-request disable-l7-retry"
    assert place in files["haproxy.cfg"]
    assert not refused(
        {**files, "haproxy.cfg": files["haproxy.cfg"].replace(place, b"    http-request set-var(txn.mine) path\n" + place, 1)}
    )


def test_a_file_too_much_is_seen() -> None:
    _, files = example()
    assert refused({**files, "more.map": b"a b\n"})


def test_names_of_our_own_cannot_be_a_users() -> None:
    """Names hold no colon, so no pool can stand in for an answer of ours, and no frontend shares a name with a pool."""
    own = [shape.NOT_FOUND, shape.WITHHELD, *(front.name for front in shape.fronts(example()[0], CAPS, FRAME))]
    assert all(":" in name for name in own)
