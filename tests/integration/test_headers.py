"""Headers that labels set or remove, as servers and clients see them, on the real proxies of every version."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

from confgen.values import Header, Name, parse_settable_header, parse_text
from tests.integration.nginx_bed import backends, model, pool, route, server  # noqa: F401 - fixtures
from tests.integration.test_access import Bench, Make, bench  # noqa: F401 - fixtures

#: What means something to one of the proxies.
ODD = "a \"b\" 'c' $host ${HOME} %[env(HOME)] %ci \\n \\ ; # { } ,x"


def headers(**said: str) -> tuple[Header, ...]:
    found = ((parse_settable_header(name.replace("_", "-")), parse_text(text)) for name, text in said.items())
    return tuple(sorted((Header(Name(name), text) for name, text in found), key=lambda h: h.name.lower()))


def test_headers_are_set_and_removed(bench: Bench, backends: Make) -> None:
    bench.serve(
        model(
            route("a.web", "a.test", to="web"),
            route(
                "a.set",
                "a.test",
                "/set",
                to="web",
                request_headers=headers(X_Odd=ODD, X_Mine="new", X_Gone="", Front_End_Https="on"),
                response_headers=headers(X_Odd=ODD, Content_Type="text/x-odd", X_Accel="x", Cache_Control="no-store"),
            ),
            route("a.cut", "a.test", "/cut", to="web", response_headers=headers(Content_Type="")),
            pool("web", server("web", backends("web").port)),
        )
    )
    sent = {"X-Mine": "old", "X-Gone": "here", "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6"}
    seen = bench.ask("a.test", "/set", headers=sent)
    told = seen.json()["headers"]
    assert isinstance(told, list)
    both = dict(told)
    assert len(both) == len(told), "each once"
    assert {name: both.get(name) for name in ("x-odd", "x-mine", "x-gone", "front-end-https", "x-forwarded-for", "x-real-ip", "host")} == {
        "x-odd": ODD, "x-mine": "new", "x-gone": None, "front-end-https": "on", "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1",
        "host": "a.test",
    }  # fmt: skip
    assert {name: seen.headers.get(name) for name in ("x-odd", "content-type", "cache-control")} == {
        "x-odd": ODD, "content-type": "text/x-odd", "cache-control": "no-store",
    }  # fmt: skip
    other = bench.ask("a.test", "/", headers=sent)
    assert "x-odd" not in other.headers
    assert dict(other.json()["headers"])["x-mine"] == "old"  # type: ignore[call-overload]
    assert "content-type" not in bench.ask("a.test", "/cut").headers


def test_headers_stay_with_their_route_where_pools_are_shared(bench: Bench, backends: Make) -> None:
    bench.serve(
        model(
            *(route(f"a.{name}", f"{name}.test", to="web", response_headers=headers(X_Who=name)) for name in ("one", "two")),
            pool("web", server("web", backends("web").port)),
        )
    )
    assert [bench.ask(f"{name}.test").headers["x-who"] for name in ("one", "two")] == ["one", "two"]
