"""https as clients see it: nginx and HAProxy of every version, with certificates from a folder."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from confgen import vault
from confgen.model import Model, Redirect
from confgen.secure import secure
from confgen.sources.certificates import Certificates
from confgen.tls import Shelf, Tls
from confgen.values import Name, Url, parse_ranges
from tests import certificates
from tests.integration import nginx_bed
from tests.integration.nginx_bed import Backend, Seen, backends, model, pool, route, server, wait_for  # noqa: F401 - fixtures
from tests.integration.test_access import VERSIONS, Bench, Make, bench  # noqa: F401 - fixtures
from tests.load import Load

SHOP, ALL, OTHER = ("shop.test", "www.shop.test"), ("*.wild.test",), ("other.test",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator's folder."""
    path = tmp_path_factory.mktemp("certificates")
    certificates.put(path, "shop.pem", certificates.one(*SHOP))
    certificates.put(path, "wild.pem", certificates.one(*ALL))
    certificates.put(path, "other.pem", certificates.one(*OTHER))
    return path


def serve(bench: Bench, model: Model, shelf: Shelf) -> None:
    """As the line does it: choose, put the files there, prove the text, test, load."""
    model, _ = secure(model, shelf.certificates)
    vault.put(bench.target.folder, model, shelf)
    bench.serve(model)


def connect(bench: Bench, name: str | None, alpn: str = "http/1.1") -> ssl.SSLSocket:
    """A client that trusts anybody and asks for the certificate of this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    plain = socket.create_connection(("127.0.0.1", bench.https_port), 10)
    return context.wrap_socket(plain, server_hostname=name)


def names(bench: Bench, name: str) -> set[str]:
    """What the certificate is for that a client gets."""
    with connect(bench, name) as client:
        found = x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")
    said = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(said.get_values_for_type(x509.DNSName))


def ask(bench: Bench, name: str, path: str = "/", host: str = "", headers: dict[str, str] | None = None) -> Seen:
    """One request over TLS."""
    connection = http.client.HTTPConnection("127.0.0.1", bench.https_port, timeout=10)
    connection.sock = connect(bench, name)
    try:
        connection.request("GET", path, headers={"Host": host or name, **(headers or {})})
        response = connection.getresponse()
        return Seen(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def shelf(folder: Path) -> Shelf:
    return Certificates(folder).look()


def site(port: int) -> Model:
    """Hosts that a certificate covers, and some that none does."""
    strict = Tls(hsts=86_400)
    return model(
        route("a.shop", "shop.test www.shop.test", to="web", tls=strict),
        route("a.adm", "shop.test", "/admin", to="web", tls=strict, allow=parse_ranges("203.0.113.0/24")),
        route("a.off", "shop.test", "/plain", to="web", tls=Tls(mode="off")),
        route("a.both", "a.wild.test bare.test", to="web", tls=Tls(redirect=False)),
        route("a.wild", "*.wild.test", to="web"),
        route("a.under", "own.wild.test", to="web", tls=Tls(mode="off")),
        route("a.need", "other.test missing.test", to="web", tls=Tls(mode="require")),
        route("a.only", "only.wild.test", to="web", tls=Tls(mode="require", redirect=False)),
        route(
            "a.old", "b.wild.test old.test", redirect=Redirect(Url("https://new.test/"), 308), tls=Tls(redirect=False, hsts=60)
        ),
        route("a.gone", "named.test", to="web", tls=Tls(certificate=Name("nobody"))),
        pool("web", server("web-1", port)),
    )


@pytest.fixture(scope="module")
def served(bench: Bench, shelf: Shelf) -> Iterator[Bench]:
    """A proxy that serves all of it; what a test changes it puts back."""
    web = Backend("web")
    serve(bench, site(web.port), shelf)
    yield bench
    web.close()


def test_each_name_gets_its_certificate(served: Bench) -> None:
    assert names(served, "shop.test") == names(served, "www.shop.test") == set(SHOP)
    assert names(served, "a.wild.test") == set(ALL)
    assert names(served, "other.test") == set(OTHER)
    assert ask(served, "shop.test").status == ask(served, "a.wild.test").status == ask(served, "other.test").status == 200


@pytest.mark.parametrize("name", ["unknown.test", "bare.test", "missing.test", None])
def test_a_name_that_is_not_served_gets_none(served: Bench, name: str | None) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        connect(served, name).close()


def test_a_host_that_is_not_served_is_not_found(served: Bench) -> None:
    assert ask(served, "shop.test", host="unknown.test").status == 404
    assert ask(served, "shop.test", host="bare.test").status == 404


def test_http_leads_to_https_with_path_and_query(served: Bench) -> None:
    seen = served.ask("www.shop.test:8080", "/a%20b/%2e?x=%25&y=1")
    assert (seen.status, seen.headers["location"]) == (308, f"https://www.shop.test:{served.https_port}/a%20b/%2e?x=%25&y=1")
    seen = served.ask("shop.test", "http://shop.test/x?y")
    assert (seen.status, seen.headers["location"]) == (308, f"https://shop.test:{served.https_port}/x?y")
    assert served.ask("shop.test", "/admin").status == 308


def test_who_may_not_come_in_may_not_over_tls_either(served: Bench) -> None:
    assert ask(served, "shop.test", "/admin").status == ask(served, "shop.test", "//admin/%2e").status == 403


def test_without_redirect_both_serve(served: Bench) -> None:
    assert served.ask("a.wild.test").status == served.ask("bare.test").status == ask(served, "a.wild.test").status == 200


def test_what_requires_tls_is_never_served_without(served: Bench) -> None:
    assert served.ask("other.test").status == 308
    assert served.ask("missing.test").status == 503
    assert (served.ask("only.wild.test").status, ask(served, "only.wild.test").status) == (503, 200)
    assert served.ask("named.test").status == 503


def test_a_redirect_of_hosts_of_which_some_are_covered(served: Bench) -> None:
    answers = [served.ask("b.wild.test"), served.ask("old.test"), ask(served, "b.wild.test")]
    assert [(answer.status, answer.headers["location"]) for answer in answers] == [(308, "https://new.test/")] * 3


def test_off_is_not_served_over_tls(served: Bench) -> None:
    assert served.ask("shop.test", "/plain/x").status == 200
    assert ask(served, "shop.test", "/plain/x").status == 404


def test_the_server_is_told(served: Bench) -> None:
    told = dict(ask(served, "shop.test", headers={"X-Forwarded-Proto": "http"}).json()["headers"])  # type: ignore[call-overload]
    assert (told["x-forwarded-proto"], told["x-forwarded-port"], told["host"]) == ("https", "443", "shop.test")
    told = dict(ask(served, "shop.test", host="shop.test:8443").json()["headers"])  # type: ignore[call-overload]
    assert (told["x-forwarded-port"], told["x-forwarded-host"]) == ("8443", "shop.test:8443")
    told = dict(served.ask("bare.test").json()["headers"])  # type: ignore[call-overload]
    assert (told["x-forwarded-proto"], told["x-forwarded-port"]) == ("http", "80")


def test_browsers_are_told_to_stay(served: Bench) -> None:
    assert ask(served, "shop.test").headers["strict-transport-security"] == "max-age=86400"
    assert "strict-transport-security" not in ask(served, "a.wild.test").headers
    assert ask(served, "b.wild.test").headers["strict-transport-security"] == "max-age=60", "a redirect too"
    assert "strict-transport-security" not in served.ask("b.wild.test").headers
    assert "strict-transport-security" not in served.ask("shop.test").headers


def test_http_2_is_offered(served: Bench) -> None:
    with connect(served, "shop.test", "h2") as client:
        assert (client.selected_alpn_protocol(), client.version()) == ("h2", "TLSv1.3")


def test_http_2_is_spoken(served: Bench) -> None:
    url = f"https://shop.test:{served.https_port}/x?y"
    words = ["curl", "-sk", "--http2", "--resolve", f"shop.test:{served.https_port}:127.0.0.1", "-w", "%{http_version}", url]
    said = subprocess.run([*words, "-H", "X-Forwarded-For: 192.0.2.1"], capture_output=True, text=True, check=True).stdout
    text, version = said.rsplit("}", 1)
    told = json.loads(text + "}")
    headers = dict(told["headers"])
    assert (version, told["path"]) == ("2", "/x?y")
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", str(served.https_port))
    assert headers["x-forwarded-for"] == "127.0.0.1"


def test_a_websocket_passes(served: Bench) -> None:
    with connect(served, "shop.test") as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: shop.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        got = b""
        while b"\r\n\r\n" not in got:
            got += client.recv(4096)
        assert got.startswith(b"HTTP/1.1 101")
        client.sendall(b"echo")
        assert client.recv(4) == b"echo"


def test_an_upgrade_to_h2c_does_not_pass(served: Bench) -> None:
    told = dict(ask(served, "shop.test", headers={"Upgrade": "h2c", "Connection": "Upgrade"}).json()["headers"])  # type: ignore[call-overload]
    assert "upgrade" not in told


def test_a_wildcard_does_not_answer_for_a_host_without_https(served: Bench) -> None:
    assert served.ask("own.wild.test").status == 200
    assert ask(served, "any.wild.test").status == 200
    assert ask(served, "any.wild.test", host="own.wild.test").status == 404


def _idle(bench: Bench) -> set[str]:
    """What a client may meet who uses a connection just as the proxy closes it: nginx before 1.27.4 gives it no time to see that."""
    old = isinstance(bench, nginx_bed.Bench) and "keepalive_min_timeout" not in bench.caps().features
    return {"EOFError", "ConnectionResetError"} if old else set()


def test_a_renewal_under_load_costs_no_request(served: Bench, backends: Make, folder: Path) -> None:
    web, renewed = backends("web"), Certificates(folder)
    certificates.put(folder, "shop.pem", certificates.one(*SHOP))
    serve(served, site(web.port), renewed.look())
    with Load(served.https_port, "shop.test", rate=100, clients=4, tls=True) as load:
        for number in range(2):
            certificates.put(folder, "shop.pem", certificates.one(*SHOP, f"x{number}.test"))
            serve(served, site(web.port), renewed.look())
            wait_for(lambda number=number: f"x{number}.test" in names(served, "shop.test"))  # type: ignore[misc]
    assert load.result.requests > 20
    assert not load.result.failed.keys() - _idle(served), load.result.failed


def test_without_a_certificate_nothing_listens(bench: Bench, backends: Make) -> None:
    serve(bench, model(route("a.web", "shop.test", to="web"), pool("web", server("web-1", backends("web").port))), Shelf())
    with pytest.raises(ConnectionRefusedError):
        connect(bench, "shop.test")
    assert bench.ask("shop.test").status == 200
