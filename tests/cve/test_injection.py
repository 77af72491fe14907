"""Text of tenants that became configuration: sixteen CVEs of ingress-nginx, and one hole of haproxy-ingress.

The root cause each time: free text, a text template, and a check that lists what is bad.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from confgen.errors import RefusedText
from confgen.keys import KEYS
from confgen.problem import Effect
from confgen.values import Refusal
from tests.cve.attack import SIGN, evil, is_withheld, leaves_no_trace, outcome, words

ROUTE_KEYS = [key for key in KEYS if key.wrong is Effect.ROUTE]


@pytest.mark.parametrize("key", ["snippet", "configuration-snippet", "server-snippet", "routes.default.snippet", "nginx.snippet"])
def test_cve_2021_25742_snippet(proxy: str, key: str) -> None:
    """R1: no text of a container becomes configuration; there is no such label."""
    leaves_no_trace(proxy, {key: f"return 200 {SIGN};"}, "CG001", Effect.LABEL)


@pytest.mark.parametrize(
    "path", ["/x { alias /var/run/secrets/pwned; }", "/x#{alias\t/pwned;}", "/var/run/secrets;} location /pwned {"]
)
def test_cve_2021_25745_path_to_secrets(proxy: str, path: str) -> None:
    """R2: a grammar that says what is right, not a list of what is wrong."""
    leaves_no_trace(proxy, {"path": path}, "CG185" if "\t" in path else "CG111", Effect.ROUTE)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
@pytest.mark.parametrize(
    "payload",
    ["; } server { listen 81; return 200 pwned; } #", "\nbackend pwned\n server s 192.0.2.1:80\n", "' if { env(pwned) }"],
)
def test_cve_2021_25746_any_annotation(proxy: str, key: object, payload: str) -> None:
    """R2, for every label that there is."""
    row = next(k for k in KEYS if k is key)
    found = outcome(proxy, evil({row.sample: row.example + payload}))
    if row.parameter and not found.problems():  # free text may say this, as one word
        assert any(SIGN in word and " " in word for word in words(found))
        assert not [s for s in found.statements if s.words[0] in ("backend", "return", SIGN) and SIGN in s.words]
        return
    assert SIGN not in found.text
    assert found.problems(), "it is told"


def test_cve_2021_25748_path_with_a_line_break(proxy: str) -> None:
    """R3: control characters are refused before anything is looked at, and a grammar holds for the whole text."""
    leaves_no_trace(proxy, {"path": "/fine\n;return 200 pwned;"}, "CG185", Effect.ROUTE)
    leaves_no_trace(proxy, {"path": "/fine\n"}, "CG185", Effect.ROUTE)


def test_cve_2022_4886_path_that_a_blocklist_lets_pass(proxy: str) -> None:
    for path in ("/a/{x}/pwned", '/a"pwned', "/a\\pwned", "/a pwned", "/a|pwned", "/a^~pwned{", "~^/pwned", "@pwned"):
        leaves_no_trace(proxy, {"path": path}, "CG111", Effect.ROUTE)


def test_cve_2023_5043_configuration_snippet(proxy: str) -> None:
    leaves_no_trace(proxy, {"configuration-snippet": "}\n}\npwned {"}, "CG001", Effect.LABEL)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/;} location /pwned {",
        "https://x.test/$pwned",
        'https://x.test/" pwned',
        "https://x.test\\pwned",
        "javascript:pwned",
        "https://pwned@x.test/",
    ],
)
def test_cve_2023_5044_permanent_redirect(proxy: str, url: str) -> None:
    leaves_no_trace(proxy, {"redirect": url}, "CG184", Effect.ROUTE)


def test_cve_2023_5044_what_a_url_may_hold_stays_one_word(proxy: str) -> None:
    """A ";" is right in a URL; it does not end the statement."""
    found = outcome(proxy, evil({"redirect": "https://x.test/a;return(200)&pwned"}))
    assert "https://x.test/a;return(200)&pwned" in words(found)
    assert not found.problems()


def test_a_label_without_a_reader_cannot_exist() -> None:
    """R4, for 2023-5043 and its kind: every row has one, and none takes control characters or a text without an end."""
    for key in KEYS:
        assert key.kind.parse(key.example.strip("`")) is not None, key.name
        for wrong in ("\n" + key.example, "\0", key.example + "\x7f", key.example + "x" * 5000):
            with pytest.raises(Refusal):
                key.kind.parse(wrong)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_cve_2024_7646_carriage_return(proxy: str, key: object) -> None:
    """R3 again: a CR ends a line of HAProxy's, and the anchors of a regular expression do not always see it."""
    row = next(k for k in KEYS if k is key)
    found = outcome(proxy, evil({row.sample: f"{row.example}\rpwned"}))
    assert SIGN not in found.text
    assert "\r" not in found.text
    assert [p for p in found.problems() if p.code in ("CG185", "CG132", "CG161")]


def test_cve_2025_1097_auth_tls_match_cn(proxy: str) -> None:
    """No such feature here: a label that was to shut a door shuts it."""
    is_withheld(proxy, {"tls.client-verify": 'CN=x"; return 200 pwned; #'})
    is_withheld(proxy, {"auth.tls-match-cn": "CN=shop"})


def test_cve_2025_1098_mirror(proxy: str) -> None:
    leaves_no_trace(proxy, {"mirror": "http://x.test;pwned"}, "CG001", Effect.LABEL)
    leaves_no_trace(proxy, {"mirror.target": "web;}pwned{"}, "CG001", Effect.LABEL)


def test_cve_2025_24514_auth_url(proxy: str) -> None:
    is_withheld(proxy, {"auth.forward": "http://x.test/#;return 200 pwned;"})
    is_withheld(proxy, {"auth-url": "http://x.test/"})


def test_cve_2025_1097_a_template_that_forgets_to_quote(proxy: str, tmp_path: Path) -> None:
    """R5: what keeps a value in its place is its type and the read-back, not the memory of who writes a template."""
    file = {"nginx": "location.j2", "haproxy": "answers.j2"}[proxy]
    folder = tmp_path / proxy
    folder.mkdir()
    source = (Path(__file__).parents[2] / "templates" / proxy / file).read_text(encoding="utf-8")
    assert " | q" in source
    (folder / file).write_text(source.replace(" | q", ""), encoding="utf-8")
    attack = {"redirect": "https://x.test/a;return(200)&it's'"} if proxy == "nginx" else {"redirect": "https://x.test/(a)"}
    if proxy == "haproxy":  # nothing that a URL may hold ends a word of HAProxy's, so its blanks come from the template
        (folder / file).write_text(source.replace("{{ to.location | q }}", "{{ to.location }} if TRUE"), encoding="utf-8")
    with pytest.raises(RefusedText, match="not meant"):
        outcome(
            proxy, evil(attack if proxy == "haproxy" else {"redirect": "https://x.test/a;return(200)&x"}), templates=(tmp_path,)
        )


@pytest.mark.parametrize("name", ["../../etc/cron.d/pwned", "pwned/x", "..", "pwned\n"])
def test_cve_2025_24513_file_names(proxy: str, name: str) -> None:
    """R6: no file is named after anything that a container says."""
    files = set(outcome(proxy).files)
    found = outcome(proxy, evil({}, name=name), evil({"pool": name}, name="evil-2"), evil({"auth.basic": name}, name="evil-3"))
    assert set(found.files) == files
    assert SIGN not in found.text


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("nginx/main.j2", "load_module /tmp/pwned.so;"),
        ("nginx/main.j2", "ssl_engine pwned;"),
        ("nginx/main.j2", "include /tmp/pwned;"),
        ("nginx/main.j2", "env PWNED;"),
        ("nginx/site.j2", "server { root /; }"),
        ("nginx/location.j2", "alias /pwned/;"),
        ("haproxy/global.j2", "global\n    lua-load /tmp/pwned.lua"),
        ("haproxy/global.j2", "global\n    setenv PWNED x"),
        ("haproxy/global.j2", "global\n    stats socket /tmp/pwned"),
        ("haproxy/backend.j2", "backend pwned\n    external-check command /bin/sh"),
        ("haproxy/answers.j2", "program pwned\n    command /bin/sh"),
    ],
)
def test_cve_2025_1974_the_test_runs_the_text(place: str, statement: str, tmp_path: Path) -> None:
    """R7: `nginx -t` loads modules and reads includes, so what was not meant is refused before any program sees it."""
    file = tmp_path / place
    file.parent.mkdir()
    source = (Path(__file__).parents[2] / "templates" / place).read_text(encoding="utf-8")
    file.write_text(f"{statement}\n{source}", encoding="utf-8")
    with pytest.raises(RefusedText):
        outcome(place.partition("/")[0], evil({}), templates=(tmp_path,))


def test_cve_2025_15566_auth_proxy_set_headers(proxy: str) -> None:
    is_withheld(proxy, {"auth.proxy-set-headers": "X-A: b;pwned"})
    leaves_no_trace(proxy, {"header.request.X-A": "b\npwned"}, "CG132", Effect.LABEL)
    leaves_no_trace(proxy, {"header.request.X-A pwned;": "b"}, "CG131", Effect.LABEL)
    text = "b\"; return 200 'own' $host %[env(HOME)] \\"
    found = outcome(proxy, evil({"header.request.X-A": text}))
    written = text.replace("$", "${confgen_dollar}") if proxy == "nginx" else text.replace("%", "%%")
    assert written in words(found), "what a header may hold is one word"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_cve_2026_1580_missing_anchors(key: object) -> None:
    """R3: what is right must be the whole text, not a line of it."""
    row = next(k for k in KEYS if k is key)
    for around in (f"{row.example}\npwned", f"pwned\n{row.example}", f"\n{row.example}\n"):
        with pytest.raises(Refusal):
            row.kind.parse(around)


def test_cve_2026_1580_auth_method(proxy: str) -> None:
    is_withheld(proxy, {"auth.method": "GET\nreturn 200 pwned"})


def test_cve_2026_24512_unquoted_location(proxy: str) -> None:
    """R5: a path may hold quotes and braces, percent-encoded; decoded they stay one word."""
    found = outcome(proxy, evil({"path": "/a%22%7B%20%7D;'%23"}))
    assert not found.problems()
    decoded = "/a\"{ };'#"
    if proxy == "nginx":
        assert any(s.words == ("location", "=", decoded) for s in found.statements)
    else:
        assert any(s.words[0] == f"evil.test:80{decoded.replace(' ', '%20')}/" for s in found.statements)
    leaves_no_trace(proxy, {"path": '/a" { return 200 pwned; }'}, "CG111", Effect.ROUTE)
    leaves_no_trace(proxy, {"path": "/a%5Cpwned"}, "CG111", Effect.ROUTE)


def test_cve_2026_3288_rewrite_target(proxy: str) -> None:
    """R5: every place where the path is written, with one way to quote it; this test was red once (";" ended proxy_pass)."""
    for scheme in ("http", "grpc"):
        found = outcome(proxy, evil({"path": "/v1", "rewrite": "/a;return(200)'pwned", "scheme": scheme}))
        assert not found.problems()
        assert not [s for s in found.statements if s.words[0].startswith(("pwned", "return(200)"))]
        assert any("/a;return(200)'pwned" in word for word in words(found))
    leaves_no_trace(proxy, {"path": "/v1", "rewrite": '/a" pwned'}, "CG111", Effect.ROUTE)


def test_cve_2026_4342_comment(proxy: str) -> None:
    """R9: what containers say stands in no comment, but for names of servers, which cannot hold a line break."""
    found = outcome(proxy, evil({"path": "/pwned", "pool": "pwned-pool", "redirect": "https://pwned.test/"}, name="evil-name"))
    assert SIGN not in "".join(found.comments)
    found = outcome(proxy, evil({"path": "/pwned", "pool": "pwned-pool"}, name="evil-name"))
    assert SIGN not in "".join(found.comments)
    leaves_no_trace(proxy, {"path": "/x\n} pwned {"}, "CG185", Effect.ROUTE)
    leaves_no_trace(proxy, {}, "CG185", Effect.SERVER, name="evil\n} pwned {")


@pytest.mark.parametrize("key", ["backend-config-snippet", "config-backend", "config.backend", "haproxy.snippet"])
def test_haproxy_ingress_1469_backend_config_snippet(proxy: str, key: str) -> None:
    leaves_no_trace(proxy, {key: "server pwned 192.0.2.1:80"}, "CG001", Effect.LABEL)


@pytest.mark.parametrize("said", ["return 200;", 'return 200 "{{ generation }}" more;', "return;", "return 200 $args;"])
def test_the_answer_that_names_the_generation_is_read_whole(said: str, tmp_path: Path) -> None:
    """Found by fuzzing: the read-back itself stumbled over an answer without a text, where it should have refused it."""
    file = tmp_path / "nginx" / "control.j2"
    file.parent.mkdir()
    source = (Path(__file__).parents[2] / "templates/nginx/control.j2").read_text(encoding="utf-8")
    assert 'return 200 "{{ generation }}";' in source
    file.write_text(source.replace('return 200 "{{ generation }}";', said), encoding="utf-8")
    with pytest.raises(RefusedText):
        outcome("nginx", templates=(tmp_path,))
