"""The typed values: tables of good and bad texts, and that nothing else than a Refusal ever comes out.

The regular expressions here are written anew from the rules, not taken from the code: two spellings of one rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from confgen import values
from confgen.problem import CODES, show
from confgen.values import (
    Balance,
    Duration,
    Host,
    Match,
    Name,
    Path,
    Port,
    Refusal,
    Sticky,
    Text,
    Url,
    Weight,
    Wildcard,
    number,
    parse_address,
    parse_balance,
    parse_bool,
    parse_duration,
    parse_duration_or_zero,
    parse_header_name,
    parse_host,
    parse_hosts,
    parse_name,
    parse_network,
    parse_path,
    parse_port,
    parse_signals,
    parse_sticky,
    parse_url,
    parse_weight,
    word,
)

LABEL63 = "a" * 63
HOST253 = ".".join([LABEL63, LABEL63, LABEL63, "a" * 61])

GOOD = [
    (parse_host, "shop.example.com", Host("shop.example.com")),
    (parse_host, "Shop.Example.COM", Host("shop.example.com")),
    (parse_host, "shop.example.com.", Host("shop.example.com")),
    (parse_host, "  shop.example.com ", Host("shop.example.com")),
    (parse_host, "localhost", Host("localhost")),
    (parse_host, "xn--bcher-kva.example", Host("xn--bcher-kva.example")),
    (parse_host, "a--b.example", Host("a--b.example")),
    (parse_host, "1.example", Host("1.example")),
    (parse_host, f"{LABEL63}.example", Host(f"{LABEL63}.example")),
    (parse_host, HOST253, Host(HOST253)),
    (parse_host, "*.example.com", Wildcard("*.example.com")),
    (parse_host, "*.Example.com.", Wildcard("*.example.com")),
    (parse_hosts, "b.example, a.example", (Host("a.example"), Host("b.example"))),
    (parse_hosts, "a.example,A.example.", (Host("a.example"),)),
    (parse_path, "/", Match(Path("/"))),
    (parse_path, "/api", Match(Path("/api"))),
    (parse_path, "/api/", Match(Path("/api"))),
    (parse_path, "=/api/", Match(Path("/api/"), exact=True)),
    (parse_path, "=/healthz", Match(Path("/healthz"), exact=True)),
    (parse_path, "=/", Match(Path("/"), exact=True)),
    (parse_path, "/a.b/..c/.d/e..", Match(Path("/a.b/..c/.d/e.."))),
    (parse_path, "/caf%C3%A9", Match(Path("/caf%C3%A9"))),
    (parse_path, "/caf%c3%a9", Match(Path("/caf%C3%A9"))),
    (parse_path, "/a%20b", Match(Path("/a%20b"))),
    (parse_path, "/~!&'()*+,;=:@-_", Match(Path("/~!&'()*+,;=:@-_"))),
    (parse_path, "/" + "a" * 1023, Match(Path("/" + "a" * 1023))),
    (parse_port, "1", Port(1)),
    (parse_port, "65535", Port(65535)),
    (parse_port, " 80 ", Port(80)),
    (parse_duration, "1ms", Duration(1)),
    (parse_duration, "30s", Duration(30_000)),
    (parse_duration, "5m", Duration(300_000)),
    (parse_duration, "2h", Duration(7_200_000)),
    (parse_duration, "24d", Duration(2_073_600_000)),
    (parse_duration_or_zero, "0s", Duration(0)),
    (parse_duration_or_zero, "0ms", Duration(0)),
    (parse_weight, "0", Weight(0)),
    (parse_weight, "256", Weight(256)),
    (number(0, 100), "0", 0),
    (number(0, 100), "100", 100),
    (parse_bool, "true", True),
    (parse_bool, "false", False),
    (parse_name, "web", Name("web")),
    (parse_name, "Web_1.a-b", Name("Web_1.a-b")),
    (parse_name, "x" * 63, Name("x" * 63)),
    (parse_network, "shop_front", "shop_front"),
    (parse_header_name, "X-User", Name("X-User")),
    (parse_balance, "leastconn", Balance("leastconn")),
    (parse_balance, "header:X-User", Balance("header", Name("X-User"))),
    (parse_balance, "cookie:session_id", Balance("cookie", Name("session_id"))),
    (parse_sticky, "off", None),
    (parse_sticky, "source", Sticky("source")),
    (parse_sticky, "cookie", Sticky("cookie", Name("confgen"))),
    (parse_sticky, "cookie:srv", Sticky("cookie", Name("srv"))),
    (parse_url, "https://www.example.com", Url("https://www.example.com")),
    (parse_url, "http://Example.com:8080/a?b=c&d=%20", Url("http://example.com:8080/a?b=c&d=%20")),
    (parse_signals, "TERM", ("TERM",)),
    (parse_signals, "sigwinch, term", ("TERM", "WINCH")),
    (parse_address, "10.0.0.2", "10.0.0.2"),
    (parse_address, "2001:0DB8::1", "2001:db8::1"),
    (word("http", "grpc"), "grpc", "grpc"),
]


@pytest.mark.parametrize(("parse", "text", "value"), GOOD)
def test_good(parse: Callable[[str], object], text: str, value: object) -> None:
    found = parse(text)
    assert found == value
    assert type(found) is type(value) or isinstance(found, str)


#: What no parser may let pass: everything that Python's own conversions and `$` in patterns would.
TRAPS = ["\n", "\r", "\t", "\0", "\x7f", "\x1b[2J", "a\n", "80\n", "true\n", "30s\n", "٣٤", "²", "８０", "\u202e", "\ud800"]

BAD = [
    (parse_host, "CG101", ["", ".", "a..b", "-a.example", "a-.example", "a_b.example", "shop example", "a" * 64 + ".example",
                           HOST253 + "a", "http://shop.example.com", "shop.example.com/api", "shop.example.com:80", "10.0.0.1", "1.2",
                           "a.example..", "[::1]", "$host", "a;b", "a{b", 'a"b', "a'b", "a#b", "~^a", "a\\b", "%61"]),
    (parse_host, "CG102", ["*", "*.com", "a.*.example", "*a.example.com", "*.*.example.com", "a.example.*", "*.", "*..example.com"]),
    (parse_hosts, "CG101", ["", "a.example,", ",", "a.example b.example", "a.example;b.example"]),
    (parse_path, "CG111", ["", "api", "=api", "=", "~ /a", "^~/a", "@n", "/a//b", "//", "/a/../b", "/a/..", "/./a", "/..", "/%2e%2e/a",
                           "/%2E/a", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00", "/a%0a", "/a%1f", "/a%7f", "/a%25", "/%61", "/a%zz", "/a%", "/a%4", "/a b",
                           "/a?b", "/a#b", '/a"b', "/a{b", "/a}b", "/a|b", "/a\\b", "/a^b", "/a`b", "/a<b", "/$host", "/a%24b", "/a%3Ab", "/a%21", "/a%3b",
                           "/" + "a" * 1024, "== /a", "= /a"]),
    (parse_port, "CG121", ["", "0", "65536", "70000", "-1", "+80", "080", "0x50", "80.0", "1e3", "8 0", "99999999999", "http"]),
    (parse_duration, "CG141", ["", "30", "0s", "0ms", "25d", "577h", "1.5s", "-1s", "1s1s", "1 s", "s", "1S", "1us", "1w", "9999999999s"]),
    (parse_duration_or_zero, "CG141", ["", "0", "25d", "s", "00"]),
    (parse_weight, "CG143", ["", "-1", "257", "1000", "01", "1.0", "x"]),
    (number(1, 10), "CG182", ["", "0", "11", "01", "-1", "x", "9999999999999"]),
    (parse_bool, "CG181", ["", "True", "TRUE", "yes", "on", "1", "0", "no"]),
    (parse_name, "CG185", ["", "-a", ".a", "_a", "a b", "a/b", "a:b", "x" * 64, "a$b", "a\"b", "../a", "a;b"]),
    (parse_header_name, "CG131", ["", "X Y", "X:Y", "X_Y", "x" * 65, "X\"", "X;"]),
    (parse_balance, "CG181", ["", "leastcon", "LEASTCONN", "header", "header:", "cookie:", "leastconn:x", "source:", "hdr(X)"]),
    (parse_balance, "CG131", ["header:X Y", "header:X:Y", "header:X_Y"]),
    (parse_balance, "CG185", ["cookie:a b", "cookie:a;b"]),
    (parse_sticky, "CG181", ["", "on", "cookies", "source:x", "true", "OFF"]),
    (parse_sticky, "CG185", ["cookie:", "cookie:a b"]),
    (parse_url, "CG184", ["", "www.example.com", "ftp://a.example", "https://", "https://u:p@a.example/", "https://a.example/#x", "https://a.example/$x",
                          "https://a.example/%zz", "https://a.example/a b", 'https://a.example/"', "https://a.example/'", "https://a.example/{x}", "//a.example",
                          "javascript:alert(1)", "https://*.example.com/", "https://a.example?x", "https://[::1]/", "https://a.example/" + "a" * 2000]),
    (parse_url, "CG101", ["https://10.0.0.1/", "https://-a.example/", "https://a..b/"]),
    (parse_url, "CG121", ["https://a.example:0/", "https://a.example:70000/"]),
    (parse_signals, "CG181", ["", "STOP", "15", "TERM,", "TERM;INT"]),
    (parse_address, "CG122", ["", "web", "127.0.0.1", "127.1.2.3", "0.0.0.0", "::", "::1", "169.254.169.254", "fe80::1", "fe80::1%eth0; } evil {", "224.0.0.1", "ff02::1",
                              "010.0.0.1", "10.0.0", "10.0.0.0/8", "unix:/run/docker.sock", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "255.255.255.255",
                              "64:ff9b::7f00:1%x"]),
    (word("http", "grpc"), "CG181", ["", "htp", "HTTP"]),
]  # fmt: skip


@pytest.mark.parametrize(("parse", "code", "text"), [(parse, code, text) for parse, code, texts in BAD for text in texts])
def test_bad(parse: Callable[[str], object], code: str, text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.hint


PARSERS: dict[str, Callable[[str], object]] = {
    **{name: getattr(values, name) for name in dir(values) if name.startswith("parse_")},
    "number": number(0, 100),
    "word": word("http"),
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
def test_no_parser_falls_into_a_trap(parse: Callable[[str], object], trap: str) -> None:
    if parse is values.parse_text and trap == "\t":
        pytest.skip("in free text a tab is a blank")
    with pytest.raises(Refusal):
        parse(trap)


@pytest.mark.parametrize("parse", [parse_port, parse_weight, parse_duration, parse_bool, number(0, 100), parse_address])
@pytest.mark.parametrize("text", ["1_0", "1_0s", "1_0.0.0.1", "+1", "1e1", "0x1", "0b1", "1L", "True1"])
def test_what_python_would_take_for_a_number_is_none(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(Refusal):
        parse(text)


@pytest.mark.parametrize("parse", [p for n, p in PARSERS.items() if n != "parse_address"])
def test_a_control_character_is_refused_wherever_it_stands(parse: Callable[[str], object]) -> None:
    for text, at in (("\nweb", 1), ("we\0b", 3), ("web\r", 4)):
        with pytest.raises(Refusal, match=f"at position {at}"):
            parse(text)


def test_an_overlong_text_is_refused_by_its_length_before_anything_looks_at_it() -> None:
    for parse in (parse_host, parse_path, parse_network, parse_name):
        with pytest.raises(Refusal, match="5000 characters"):
            parse("a" * 5000)


# --- what is accepted matches a pattern written from the rules, and nothing but a Refusal is raised ---

_DNS = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SEGMENT = r"(?!\.{1,2}(/|\Z))([A-Za-z0-9._~!&'()*+,;=:@-]|%[0-9A-F]{2})+"
RULES: dict[str, str] = {
    "parse_host": rf"(\*(\.{_DNS}){{2,}}|{_DNS}(\.{_DNS})*)",
    "parse_port": r"[1-9][0-9]{0,4}",
    "parse_weight": r"[0-9]{1,3}",
    "parse_name": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
    "parse_header_name": r"[A-Za-z0-9-]{1,64}",
    "parse_url": rf"https?://{_DNS}(\.{_DNS})*(:[0-9]{{1,5}})?(/[A-Za-z0-9._~!&()*+,;=:@%/?-]*)?",
    "parse_address": r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]{2,39}",
    "parse_duration": r"[1-9][0-9]*",
    "parse_duration_or_zero": r"[0-9]+",
    "parse_bool": r"True|False",
    "parse_network": r"[ -~]*",
    "number": r"[0-9]{1,3}",
    "word": r"http",
}

_SOUP = st.text(alphabet=st.sampled_from("aZ09.-_*/=%:, ;{}#\"'\\$~^@+?&|()[]<>\n\r\t\0é٣²\ud800"), max_size=40)
_PIECES = st.lists(
    st.sampled_from(["a", "b.c", "*", ".", "..", "/", "//", "%2e", "%2F", "%c3%a9", "%24", "=", ":", "80", "0", "s", "ms", "24d", ",", " ", "http://", "https://", "header:",
                     "cookie:", "::", "ffff", "10.0.0.1", "%eth0", "TERM", "SIG", "\n", "}", ";", '"'], ),
    max_size=12,
).map("".join)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), _SOUP, _PIECES)


def outcome(parse: Callable[[str], object], text: str) -> object:
    """The value, or the Refusal as one."""
    try:
        return parse(text)
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("name", PARSERS)
@given(text=TEXTS)
@example("a" * 4097)
@example("\u2488com")
@example("xn--" + "é" * 70)
def test_any_text_is_a_value_of_its_rule_or_a_refusal(name: str, text: str) -> None:
    value = outcome(PARSERS[name], text)
    if isinstance(value, Refusal):
        assert value.code in CODES
        assert value.message.isprintable()
        assert value.message.replace("…", "").isascii()
        assert value.hint.isprintable()
    elif name in RULES:
        assert re.fullmatch(RULES[name], str(value), re.ASCII), value


@given(
    text=st.one_of(
        TEXTS,
        st.lists(st.sampled_from(["/", "a", "b.", "..", ".", "%41", "%c3", "%A9", "%20", "%2e", "=", "~"]), max_size=10).map(
            "".join
        ),
    )
)
def test_an_accepted_path_has_one_reading(text: str) -> None:
    try:
        match = parse_path(text)
    except Refusal:
        return
    assert re.fullmatch(rf"/|(/{_SEGMENT})+/?", match.path, re.ASCII), match
    assert match.exact or match.path == "/" or not match.path.endswith("/")
    assert parse_path(("=" if match.exact else "") + match.path) == match


@given(text=TEXTS)
def test_hosts_are_sorted_and_each_once(text: str) -> None:
    try:
        hosts = parse_hosts(text)
    except Refusal:
        return
    assert list(hosts) == sorted(set(hosts))
    assert parse_hosts(",".join(hosts)) == hosts


def test_lengths_are_allowed_up_to_their_last_character() -> None:
    """A DNS name has 253 characters, dots included; a URL 2000 here."""
    wildcard = "*." + ".".join([LABEL63, LABEL63, LABEL63, "a" * 59])
    assert parse_host(wildcard) == Wildcard(wildcard)
    url = "https://a.example/" + "a" * (2000 - len("https://a.example/"))
    assert parse_url(url) == url
    for parse, text in ((parse_host, wildcard + "a"), (parse_url, url + "a")):
        with pytest.raises(Refusal):
            parse(text)


def test_two_spellings_of_one_path_are_one_path() -> None:
    assert parse_path("/caf%c3%a9") == parse_path("/caf%C3%A9")


# --- words to people ---


@pytest.mark.parametrize(
    ("parse", "text", "message", "hint"),
    [
        (parse_host, "shop_1.example", '"_" at position 5', 'use letters, digits, "-" and "."'),
        (parse_host, "https://shop.example.com/x", '":" at position 6', 'leave out the scheme: "shop.example.com"'),
        (parse_host, "shop.example.com/api", '"/" at position 17', "label of its own: path: /api"),
        (parse_host, "shop.example.com:80", '":" at position 17', "leave out the port"),
        (parse_host, "bücher.example", "position 2 is not ASCII", "xn--bcher-kva.example"),
        (parse_host, "a.*.example", "only as the whole first label", "*.example.com"),
        (parse_path, "api", 'does not start with "/"', "/api"),
        (parse_path, "=/a b", '" " at position 4', "percent-encoded"),
        (parse_duration, "30", "has no unit", '"30s"'),
        (parse_balance, "leastcon", '"leastcon" is not known', 'did you mean "leastconn"?'),
        (parse_sticky, "cookies", '"cookies" is not known', 'did you mean "cookie"?'),
        (parse_signals, "TERN", '"TERN" is not known', 'did you mean "TERM"?'),
    ],
)
def test_a_refusal_says_what_is_wrong_where_and_what_is_right(
    parse: Callable[[str], object], text: str, message: str, hint: str
) -> None:
    with pytest.raises(Refusal) as caught:
        parse(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("shop", '"shop"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb", '"a\\x0ab"'),
        ("\x1b[2J", '"\\x1b[2J"'),
        ("é", '"\\xc3\\xa9"'),
        ("\u202e", '"\\xe2\\x80\\xae"'),
        ("\ud800", '"\\xed\\xa0\\x80"'),
        ("a" * 81, '"' + "a" * 80 + '"… (81 characters)'),
    ],
)
def test_show_prints_anything_safely_on_one_line(text: str, shown: str) -> None:
    assert show(text) == shown


@given(text=st.text())
def test_show_never_prints_what_could_steer_a_terminal(text: str) -> None:
    assert show(text).isprintable()
    assert len(show(text)) <= 4 * 4 * 80 + 40


# --- free text prints by no other way than the quoting filter ---


def test_text_is_a_value_that_does_not_print() -> None:
    secret = Text("s3cret; }")
    for printing in (str, format, "{}".format, "{0:>9}".format, "%s".__mod__, "".join, "".__add__, lambda text: f"{text}"):
        with pytest.raises(TypeError):
            printing(secret)  # type: ignore[operator]
    assert "s3cret" not in repr(secret)
    assert secret == Text("s3cret; }")
    assert secret != Text("other")
    assert secret != "s3cret; }"
    assert len({secret, Text("s3cret; }")}) == 1


# --- address ranges ---


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        (" 192.0.2.7 ,10.0.0.0/8,10.0.0.0/8", ["10.0.0.0/8", "192.0.2.7/32"]),
        ("2001:DB8:0::/32, ::1, 0.0.0.0/0", ["0.0.0.0/0", "::1/128", "2001:db8::/32"]),
        ("::/0", ["::/0"]),
    ],
)
def test_address_ranges(text: str, ranges: list[str]) -> None:
    assert list(values.parse_ranges(text)) == ranges
    assert values.parse_ranges(",".join(ranges)) == values.parse_ranges(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "10.0.0.0/8,", "all", "unix:", "localhost", "10.0.0.0/33", "10.0.0/8", "010.0.0.1", "10.0.0.0/08", "10.0.0.0/255.0.0.0",
     "10.0.0.0-10.0.0.9", "fe80::1%eth0", "fe80::1%eth0; } evil {", "::/129", "1.2.3.4 5.6.7.8", "10.0.0.0/8;", "::ffff:10.0.0.0/104",
     "-f", "10.0.0.0/8\n", "٣.0.0.0/8", ",".join(f"10.0.{n}.0/24" for n in range(256)) + ",10.1.0.0/16"],
)  # fmt: skip
def test_what_is_no_address_range(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        values.parse_ranges(text)
    assert refused.value.hint


def test_host_bits_are_refused_with_both_things_that_may_be_meant() -> None:
    with pytest.raises(Refusal) as refused:
        values.parse_ranges("10.0.0.1/8")
    assert refused.value.code == "CG151"
    assert refused.value.hint == "did you mean 10.0.0.0/8 or 10.0.0.1/32?"


# --- header values ---


def test_header_values_are_free_text_of_one_line() -> None:
    assert values.parse_text("  a\tb  ") == values.Text("a b")
    assert values.parse_text("") == values.Text("")
    everything = "".join(map(chr, range(0x21, 0x7F)))
    assert values.parse_text(everything).raw == everything


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb: c", "a\0", "\x1b", "é", "\x7f", "x" * 2001, "\u2028"])
def test_what_is_no_header_value(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        values.parse_text(text)
    assert refused.value.code == "CG132"
    assert refused.value.hint
