"""What is read from `nginx -V`."""

from __future__ import annotations

import pytest

from confgen.errors import BadInput
from confgen.proxies.nginx import NGINX
from confgen.proxies.nginx.caps import modules_path

DEBIAN = """nginx version: nginx/1.30.6
built with OpenSSL 3.6.5 29 Sep 2026
TLS SNI support enabled
configure arguments: --prefix=/usr/share/nginx --modules-path=/usr/lib/nginx/modules --with-http_ssl_module --with-http_v2_module \
--with-stream_ssl_module --with-stream=dynamic
confgen: ipv6=yes
"""


def test_a_whole_answer() -> None:
    caps = NGINX.caps(DEBIAN)
    assert (caps.proxy, caps.version, caps.text) == ("nginx", (1, 30, 6), "1.30.6")
    assert {"stream_module", "http2", "ssl", "ipv6", "sticky", "resolve", "proxy_http2", "keepalive_min_timeout"} <= caps.features
    assert "stream" not in caps.features
    assert modules_path(caps) == "/usr/lib/nginx/modules"


def test_what_was_not_built_in_is_not_there() -> None:
    caps = NGINX.caps("nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/x\nconfgen: ipv6=no\n")
    assert caps.features == frozenset()


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("1.22", {"stream"}, {"http2_directive", "resolve", "keepalive_min_timeout", "sticky", "proxy_http2"}),
        ("1.25.0", set(), {"http2_directive"}),
        ("1.25.1", {"http2_directive"}, {"resolve"}),
        ("1.27.3", {"resolve"}, {"keepalive_min_timeout"}),
        ("1.27.4", {"keepalive_min_timeout"}, {"proxy_http2"}),
        ("1.29.5", {"proxy_http2"}, {"sticky"}),
        ("1.29.6", {"sticky"}, set()),
        ("1.30", {"sticky", "stream", "ipv6"}, {"stream_module"}),
    ],
)
def test_a_bare_version_is_an_official_build(version: str, has: set[str], lacks: set[str]) -> None:
    features = NGINX.caps(version).features
    assert has <= features
    assert not lacks & features


def test_a_bare_version_is_called_by_its_name() -> None:
    assert NGINX.caps("1.30").text == "1.30"


def test_without_a_word_on_ipv6_it_is_taken_as_there() -> None:
    assert "ipv6" in NGINX.caps(DEBIAN.replace("confgen: ipv6=yes", "")).features


def test_other_builds_call_themselves_otherwise() -> None:
    assert NGINX.caps("nginx version: openresty/1.27.1.1\n").version == (1, 27, 1)


@pytest.mark.parametrize("said", ["", "sh: nginx: not found", "HAProxy version 3.2.26", "1", "1.x", "nginx version: nginx/\n"])
def test_no_version_no_guess(said: str) -> None:
    with pytest.raises(BadInput, match="no version of nginx"):
        NGINX.caps(said)
