"""Which server answered, as the proxies' own logs say it; and what `explain --request` makes of it."""

from __future__ import annotations

import pytest

from confgen.errors import UsageError
from confgen.explain import Chain, Step, with_answer
from confgen.reason import Reason
from confgen.report import SeatReport
from confgen.sources.engine import unframed
from confgen.trial import answered, parse
from tests.unit.facts import container, model

NGINX = '172.18.0.4 [2026-11-23T01:00:00+00:00] shop.localhost "GET / HTTP/1.1" 200 312 0.002s route=shop.web.default server={} upstream_time=0.002 "confgen-explain/00"'
HAPROXY = '172.18.0.4 [23/Nov/2026:01:00:00.000] shop.localhost "GET / HTTP/1.1" 200 400 "confgen-explain/00" route=shop.web.default server={} ms=1 connect_ms=0 response_ms=1 retries=0 state=----'


@pytest.mark.parametrize(
    ("line", "server"),
    [
        (NGINX.format("10.0.0.2:80"), "10.0.0.2:80"),
        (NGINX.format("10.0.0.9:80, 10.0.0.2:80"), "10.0.0.2:80"),
        (NGINX.format("[fd00::2]:80"), "[fd00::2]:80"),
        (NGINX.format("-"), "-"),
        (HAPROXY.format("shop.web-80/shop-web-1"), "shop.web-80/shop-web-1"),
        (HAPROXY.format("http/<NOSRV>"), "-"),
        ('{"host":"a","server":"10.0.0.9:80, 10.0.0.2:80"}', "10.0.0.2:80"),
        ('{"host":"a","server":"shop-web-1"}', "shop-web-1"),
        ('{"host":"a","server":"<NOSRV>"}', "-"),
        ('{"host":"a"', ""),
        ("a log of one's own confgen-explain/00", ""),
    ],
)
def test_a_line_names_who_answered(line: str, server: str) -> None:
    assert answered(line) == server


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize(
    ("raw", "text"),
    [(frame(b"one\n") + frame(b"two\n", 2), b"one\ntwo\n"), (b"a terminal\n", b"a terminal\n"), (b"", b""), (frame(b""), b"")],
)
def test_a_log_loses_the_heads_of_its_frames(raw: bytes, text: bytes) -> None:
    assert unframed(raw) == text


SEAT = SeatReport(
    seat="proxy", proxy="nginx", model=model(container("web-1", {"host": "a.example", "port": "80"}, address="10.0.0.2"))
)
FINE = Chain("a.example", (Step("host", True, ""),))
STOPPED = Chain("a.example", (Step("host", False, "", "mend", Reason.UNKNOWN_HOST),))


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("10.0.0.2:80", "from web-1 in 12 ms"),
        ("web-1-80/web-1", "from web-1 in"),
        ("-", "from the proxy itself"),
        ("", "does not tell"),
    ],
)
def test_the_answer_is_the_last_step(server: str, said: str) -> None:
    found = with_answer(FINE, 200, 0.0123, server, "", SEAT)
    assert found.ok
    assert said in found.steps[-1].text
    assert (
        "308 to https://a.example/ from the proxy itself"
        in with_answer(FINE, 308, 0.1, "-", "to https://a.example/", SEAT).steps[-1].text
    )


def test_nobody_answers_and_the_proxy_alone_answers() -> None:
    silent = with_answer(FINE, 0, 0.0, "", "nobody answers at 10.0.0.5:80: timed out", SEAT)
    assert (silent.reason, silent.steps[-1].hint != "") == (Reason.NO_ANSWER, True)
    assert with_answer(FINE, 502, 0.0, "-", "", SEAT).reason is Reason.NO_ANSWER
    assert with_answer(FINE, 502, 0.0, "10.0.0.2:80", "", SEAT).ok, "an app may say so itself"
    assert with_answer(STOPPED, 404, 0.0, "-", "", SEAT).reason is Reason.UNKNOWN_HOST, "what the chain says comes first"


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("shop.example.com", "http://shop.example.com"),
        ("https://Shop.example.com:8443/a%20b?c=%C3%A9#d", "https://shop.example.com:8443/a%20b?c=%C3%A9"),
        ("bücher.example/café?q=ü", "http://xn--bcher-kva.example/caf%C3%A9?q=%C3%BC"),
        ("http://a.example/a b\x01", "http://a.example/a%20b%01"),
        ("http://a.example/~a!$&'()*+,;=:@b", "http://a.example/~a!$&'()*+,;=:@b"),
        ("tcp://:3306", "tcp://:3306"),
        ("http://[::1]:80/", "http://[::1]:80/"),
    ],
)
def test_what_is_asked_for_is_spelled_as_it_is_sent(what: str, sent: str) -> None:
    assert parse(what).geturl() == sent
    sent.encode("ascii")


@pytest.mark.parametrize(
    "what", ["a..example", "http://a\u2100b.example/", "x" * 64 + ".example", "http://a b.example/", "/x", "a:b", ""]
)
def test_what_is_no_host_is_told(what: str) -> None:
    with pytest.raises(UsageError, match="is no container here, no host and no URL"):
        parse(what)
