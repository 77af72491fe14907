"""Doors that stood open: options that were not obeyed, names that meant two things, headers that lied, templates that ran."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from confgen.errors import BadTemplate
from confgen.problem import Effect
from confgen.proxies import PROXIES
from confgen.render import shipped
from tests.cve.attack import Outcome, evil, is_withheld, leaves_no_trace, outcome


def test_cve_2026_24513_auth_and_custom_errors(proxy: str) -> None:
    """R8: nothing beside it opens a route that must be shut, neither a redirect nor an error page."""
    is_withheld(proxy, {"auth.forward": "http://auth.test/", "redirect": "https://x.test/"})
    is_withheld(proxy, {"auth.forward": "http://auth.test/", "custom-http-errors": "401"})
    found = outcome(proxy, evil({"auth.forward": "http://auth.test/"}))
    assert not re.search(r"error_page|errorfile|errorloc|auth_request", found.text)


@pytest.mark.parametrize("key", ["tls.client-ca", "tls.client_ca", "tls.ca", "tlss.client-ca", "TLS.client-ca"])
def test_traefik_cve_2022_46153_wrong_client_ca(proxy: str, key: str) -> None:
    """R8: an option that shuts a door, whether misspelt or not offered, never leaves it open."""
    is_withheld(proxy, {key: "nowhere.pem"})


def test_traefik_cve_2022_23632_names_that_mean_one_host(proxy: str) -> None:
    """R10: a dot at the end and capitals make no other host, so nobody gets a host by spelling it otherwise."""
    for host in ("shop.test.", "SHOP.test", "Shop.Test."):
        leaves_no_trace(proxy, {"host": host}, "CG006", Effect.ROUTE)
    is_withheld(proxy, {"tls.client-ca": "ca.pem", "host": "evil.test."})


def test_traefik_cve_2022_23632_a_wildcard_does_not_take_a_name(proxy: str) -> None:
    """Requests for a host with routes of its own never fall back to those of a wildcard."""
    found = outcome(
        proxy, evil({"host": "*.shop.test,*.x.test"}), evil({"host": "a.x.test", "tls.client-ca": "x"}, name="evil-2")
    )
    if proxy == "nginx":
        assert not [
            s for s in found.statements if s.blocks and s.blocks[-1][:2] == ("server", "a.x.test") and "pass" in s.words[0]
        ]
    else:
        assert found.files["prefixes.map"].count("a.x.test:80/") == 1
        assert "unless { var(txn.site) -m found }" in found.text


@pytest.mark.parametrize(
    "path", ["/admin/..", "/a/../admin", "/a/%2e%2e/admin", "/a/%2E./x", "//admin", "/a//b", "/.", "/a%2fb", "/a%5c.."]
)
def test_traefik_cve_2025_32431_dot_segments_in_labels(proxy: str, path: str) -> None:
    """R11: a path that two programs may read as two is no path."""
    leaves_no_trace(proxy, {"path": path}, "CG111", Effect.ROUTE)


def test_traefik_cve_2025_66490_encoded_characters_in_requests(proxy: str) -> None:
    """R11: what is compared is normalised first: nginx does so by itself, HAProxy is told to, before any look-up.

    tests/integration sends such requests to both.
    """
    found = outcome(proxy, evil({"path": "/admin", "tls.client-ca": "x"}))
    if proxy == "nginx":
        assert "merge_slashes off" not in found.text
        return
    text = found.files["haproxy.cfg"]
    order = [
        text.index(f"normalize-uri {how}") for how in ("percent-decode-unreserved", "path-merge-slashes", "path-strip-dotdot")
    ]
    assert order == sorted(order)
    assert order[-1] < text.index("map_beg(prefixes.map)")


def test_traefik_cve_2026_48020_strip_prefix(proxy: str) -> None:
    """R11: a server gets the rest of the path as it was matched; what was matched is the normalised one."""
    found = outcome(proxy, evil({"path": "/app", "strip-prefix": "true"}))
    if proxy == "haproxy":
        rule = next(line for line in found.files["haproxy.cfg"].splitlines() if "set-path " in line)
        assert "var(txn.clean)" in rule
    else:
        assert [s.words for s in found.statements if s.words[0] == "proxy_pass" and s.words[1].endswith("/")]


def test_traefik_cve_2026_35051_forwarded_headers(proxy: str) -> None:
    """R12: what a server is told of the client is made here."""
    text = outcome(proxy).text
    for header in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP"):
        assert re.search(rf"(proxy_set_header|add-header) +{header} ", text), header
    for header in ("Forwarded", "Proxy", "X-Forwarded-User", "X-Original-Uri", "X-Rewrite-Url"):
        assert _dropped(proxy, header, text), header


def _dropped(proxy: str, header: str, text: str) -> bool:
    if proxy == "nginx":
        return bool(re.search(rf'proxy_set_header +{header} +"";', text))
    (theirs,) = set(re.findall(r"del-header (\S+) -m reg", text))
    return bool(re.search(theirs, header.lower()))


def test_traefik_cve_2026_39858_underscore_aliases(proxy: str) -> None:
    """R12: X_Forwarded_User is X-Forwarded-User to many an app.  nginx drops names with an underscore unless it is told not to."""
    text = outcome(proxy).text
    assert "underscores_in_headers" not in text if proxy == "nginx" else _dropped(proxy, "X_Forwarded_User", text)


def test_traefik_cve_2026_54764_no_label_sets_a_forwarded_header(proxy: str) -> None:
    for name in ("X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP"):
        leaves_no_trace(proxy, {f"header.request.{name}": "pwned"}, "CG131", Effect.LABEL)


@pytest.mark.parametrize("key", ["tls.client-ca", "tls.client-verify"])
def test_nginx_cve_2025_23419_session_resumption(proxy: str, key: str) -> None:
    """R13: there are no client certificates here, so none can be skipped; whoever asks for them is not served."""
    is_withheld(proxy, {key: "require"})
    assert not re.search(r"ssl_session|ssl_verify_client|verify required", outcome(proxy, evil({key: "require"})).text)


@pytest.mark.parametrize("scheme", ["http", "https", "grpc", "grpcs"])
def test_nginx_cve_2026_42945_rift(scheme: str) -> None:
    """R14: no rewrite whose replacement has a "?", and no `set` of a capture."""
    for labels in ({"strip-prefix": "true"}, {"rewrite": "/b%3Fc"}, {"rewrite": "/b"}):
        found = outcome("nginx", evil({"path": "/a%3Fb", "scheme": scheme, **labels}))
        rewrites = [s.words for s in found.statements if s.words[0] == "rewrite"]
        assert not [words for words in rewrites if "?" in words[2]]
        assert not [s for s in found.statements if s.words[0] == "set" and re.search(r"\$[0-9]", s.words[2])]
        assert rewrites or scheme.startswith("http") or found.problems()


# --- Jinja2: CVE-2016-10745, 2019-10906, 2024-56201, 2024-56326, 2025-27516


def test_cve_2025_27516_jinja_is_new_enough() -> None:
    assert tuple(int(part) for part in version("jinja2").split(".")[:3]) >= (3, 1, 6)


def test_cve_2024_56326_labels_are_no_templates(proxy: str) -> None:
    """R15: what a label says is printed, never compiled."""
    found = outcome(proxy, evil({"path": "/%7B%7B7*7%7D%7D"}))
    assert not found.problems()
    assert "/{{7*7}}" in found.text
    assert "/49" not in found.text
    leaves_no_trace(proxy, {"path": "/{{ 7*7 }}pwned"}, "CG111", Effect.ROUTE)
    leaves_no_trace(proxy, {"redirect": "https://x.test/{% include 'pwned' %}"}, "CG184", Effect.ROUTE)


def test_cve_2024_56201_no_template_is_named_by_a_label(proxy: str) -> None:
    """R15: neither what is rendered nor what it includes depends on anything but the shipped names."""
    assert all(re.fullmatch(rf"{proxy}/[a-z.]+\.j2", output.template) for output in PROXIES[proxy].outputs)
    for file in (shipped() / proxy).glob("*.j2"):
        for kind, name in re.findall(r"{%-? *(include|extends|import|from) +(\S+)", file.read_text(encoding="utf-8")):
            assert re.fullmatch(rf'"{proxy}/[a-z-]+(?:\.map)?\.j2"', name), (file.name, kind, name)


@pytest.mark.parametrize(
    "way",
    [
        "{{ '{0.__class__.__mro__}'.format(headers if headers is defined else hosts) }}",
        "{{ ('%s' | format).__globals__ }}",
        "{{ caps.__class__.__base__.__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ caps | attr('__class__') }}",
        "{{ ['{0.__class__}'] | map('format', caps) | first }}",
    ],
)
def test_cve_2016_10745_and_2019_10906_ways_out_of_the_sandbox(proxy: str, way: str, tmp_path: Path) -> None:
    """Not even an operator's template gets at Python."""
    main = PROXIES[proxy].outputs[0].template
    file = tmp_path / main
    file.parent.mkdir()
    file.write_text("# " + way + "\n" + (shipped() / main).read_text(encoding="utf-8"), encoding="utf-8")
    try:
        found: Outcome | None = outcome(proxy, templates=(tmp_path,))
    except BadTemplate:
        return
    assert found
    assert not re.search(r"class|object|<", found.text.splitlines()[0])
