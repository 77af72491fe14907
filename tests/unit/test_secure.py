"""Which hosts are served over TLS, by which certificate, and what that makes of the ports."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from confgen import vault
from confgen.model import Model, Route
from confgen.problem import Effect, Origin, Problem
from confgen.proxies import PROXIES
from confgen.recent import Recent
from confgen.secure import opened, secure
from confgen.settings import Frame
from confgen.targets.folder import Folder
from confgen.tls import Certificate, Shelf, Tls, choose, parse_certificate, parse_hsts, parse_mode
from confgen.users import Hash, User
from confgen.values import Name, Refusal, parse_host
from tests.integration.nginx_bed import model, pool, route, server

WEB = pool("web", server("web-1", 80, "10.0.0.2"))


def certificate(name: str, names: str, until: str = "2027", **more: object) -> Certificate:
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return Certificate(name=Name(name), digest=digest, names=tuple(names.split()), not_after=until, **more)  # type: ignore[arg-type]


SHOP, WILD = certificate("shop", "shop.test"), certificate("wild", "*.test", "2028")


def served(*routes: Route, by: tuple[Certificate, ...] = (SHOP, WILD)) -> tuple[Model, tuple[Problem, ...]]:
    return secure(model(WEB, *routes), by)


def ports(found: Model) -> dict[str, dict[str, str]]:
    """What becomes of each host on each port: pool, only or withheld."""
    told: dict[str, dict[str, str]] = {}
    for listener in opened(found, Frame(), Recent()).listeners:
        for one in listener.routes:
            does = one.withheld or (one.only and f"only {one.only}") or str(one.pool)
            told.setdefault(str(listener.name), {}).update(dict.fromkeys(map(str, one.hosts), does))
    return told


@pytest.mark.parametrize(
    ("host", "names", "chosen"),
    [
        ("shop.test", {"a": "shop.test", "b": "*.test"}, "a"), ("www.test", {"a": "shop.test", "b": "*.test"}, "b"),
        ("a.b.test", {"b": "*.test"}, ""), ("test", {"b": "*.test"}, ""), ("*.b.test", {"b": "*.b.test"}, "b"),
        ("*.b.test", {"b": "*.test"}, ""), ("shop.test", {"b": "shop.test", "a": "shop.test"}, "a"),
    ],
)  # fmt: skip
def test_the_certificate_that_fits_best(host: str, names: dict[str, str], chosen: str) -> None:
    found = choose(parse_host(host), [certificate(name, said) for name, said in names.items()])
    assert (found.name if found else "") == chosen


def test_one_that_has_ended_is_the_last_choice_and_the_longest_the_first() -> None:
    host = parse_host("shop.test")
    ended, short, long = (
        replace(SHOP, expired=True),
        certificate("a", "shop.test", "2027-01"),
        certificate("b", "shop.test", "2027-02"),
    )
    assert choose(host, (ended, WILD)) == WILD
    assert choose(host, (ended,)) == ended
    assert choose(host, (short, long)) == long


def test_auto_is_https_where_there_is_a_certificate() -> None:
    found, problems = served(route("r", "shop.test a.b.test", to="web"))
    assert problems == ()
    assert ports(found) == {"http": {"shop.test": "only https", "a.b.test": "web"}, "https": {"shop.test": "web"}}
    assert [(c.name, c.hosts) for c in found.certificates] == [("shop", ("shop.test",))]


def test_a_route_of_which_only_the_digest_of_a_hash_is_known_does_not_stand_for_the_whole_one() -> None:
    """They are equal, and what is live holds the digest alone after a restart."""
    whole, recent = Hash("$6$abcdefgh$" + "a" * 86), Recent()
    for hashed in (Hash.known(whole.digest), whole):
        users = (User(Name("bob"), hashed),)
        found, _ = served(replace(route("r", "shop.test", to="web"), users=users, tls=Tls(redirect=False)))
        told = {one.users[0].hash.raw for port in opened(found, Frame(), recent).listeners for one in port.routes}
        assert told == {hashed.raw}


def test_without_certificates_no_port_is_opened() -> None:
    found, problems = served(route("r", "shop.test", to="web"), by=())
    assert problems == ()
    assert ports(found) == {"http": {"shop.test": "web"}}


def test_a_route_that_requires_tls_is_never_served_without() -> None:
    found, (problem,) = served(route("r", "shop.test a.b.test", to="web", tls=Tls(mode="require")))
    assert ports(found) == {"http": {"shop.test": "only https", "a.b.test": "tls"}, "https": {"shop.test": "web"}}
    assert (problem.code, problem.effect) == ("CG171", Effect.WITHHELD)
    assert "a.b.test" in problem.message
    assert "shop.test" not in problem.message


def test_off_stands_on_the_https_port_so_that_nobody_else_answers_there() -> None:
    found, _ = served(route("a", "shop.test", to="web"), route("b", "shop.test", "/b", to="web", tls=Tls(mode="off")))
    plain, tls = opened(found, Frame(), Recent()).listeners
    assert [(r.name, r.only) for r in plain.routes] == [("a", "https"), ("b", "")]
    assert [(r.name, r.only) for r in tls.routes] == [("a", ""), ("b", "http")]


def test_a_wildcard_with_https_does_not_answer_for_a_host_without() -> None:
    others = route("b", "x.w.test y.x.w.test other.test", to="web", tls=Tls(mode="off"))
    found, _ = served(route("a", "*.w.test", to="web"), others, by=(certificate("w", "*.w.test"),))
    assert ports(found)["https"] == {"*.w.test": "web", "x.w.test": "only http", "y.x.w.test": "only http"}


def test_what_is_withheld_is_withheld_on_both() -> None:
    found, _ = served(route("a", "shop.test", withheld="auth"))
    assert ports(found) == {"http": {"shop.test": "auth"}, "https": {"shop.test": "auth"}}


def test_what_is_withheld_is_so_on_the_https_port_too_where_it_wants_no_tls() -> None:
    """It may be a label that says who may come in: 503, and not as if nothing were there."""
    shut = replace(route("r", "shop.test", "/b", tls=Tls(mode="off")), withheld="allow")
    found, _ = served(route("a", "shop.test", to="web"), shut)
    parts = {listener.name: listener.routes for listener in opened(found, Frame(), Recent()).listeners}
    there = [(one.withheld, one.only) for port in ("http", "https") for one in parts[port] if one.name == "r"]
    assert there == [("allow", "")] * 2


def test_a_certificate_that_is_named_where_there_is_no_tls_is_nobodys_mistake() -> None:
    found, problems = served(route("r", "shop.test", to="web", tls=Tls(mode="off", certificate=Name("none"))))
    assert problems == ()
    assert ports(found)["http"] == {"shop.test": "web"}


@pytest.mark.parametrize(("name", "said"), [("shpo", "there is no certificate shpo"), ("shop", "is not for www.test")])
def test_a_certificate_that_is_named_has_to_be_there_and_right(name: str, said: str) -> None:
    found, (problem,) = served(route("a", "www.test", to="web", tls=Tls(certificate=Name(name))))
    assert problem.effect is Effect.WITHHELD
    assert said in problem.message
    assert ports(found)["http"] == {"www.test": "tls.cert"}


def test_one_that_is_named_holds_for_the_whole_host() -> None:
    found, problems = served(
        route("a", "shop.test", to="web"), route("b", "shop.test", "/b", to="web", tls=Tls(certificate=Name("wild")))
    )
    assert problems == ()
    assert [c.name for c in found.certificates] == ["wild"]


def test_of_two_that_are_named_for_a_host_one_holds() -> None:
    a, b = (route(n, "shop.test", f"/{n}", to="web", tls=Tls(certificate=Name(c))) for n, c in (("a", "shop"), ("b", "wild")))
    found, (problem,) = served(a, b)
    assert [c.name for c in found.certificates] == ["shop"]
    assert problem.effect is Effect.LABEL
    assert ports(found)["https"] == {"shop.test": "web"}


@pytest.mark.parametrize(("mode", "plain"), [("auto", "web"), ("require", "tls")])
def test_what_requires_tls_is_not_served_without_where_nothing_redirects_to_it(mode: str, plain: str) -> None:
    found, _ = served(route("r", "shop.test", to="web", tls=Tls(mode=mode, redirect=False)))
    assert ports(found) == {"http": {"shop.test": plain}, "https": {"shop.test": "web"}}


def test_hsts_is_said_over_tls_alone() -> None:
    found, _ = served(route("a", "shop.test", to="web", tls=Tls(hsts=60, redirect=False)))
    plain, tls = opened(found, Frame(), Recent()).listeners
    assert plain.routes[0].response_headers == ()
    assert [(h.name, h.value.raw) for h in tls.routes[0].response_headers] == [("Strict-Transport-Security", "max-age=60")]


@pytest.mark.parametrize(("name", "feature"), [("nginx", "ssl"), ("haproxy", "openssl")])
def test_a_proxy_without_tls_says_so_and_serves_nothing_that_needs_it(name: str, feature: str) -> None:
    proxy = PROXIES[name]
    caps = proxy.caps(proxy.newest)
    a, b = route("a", "shop.test", to="web"), route("b", "b.test", to="web", tls=Tls(mode="require"), origin=Origin("b"))
    found, _ = served(a, b)
    fitted, problems = proxy.fit(found, replace(caps, features=caps.features - {feature}))
    assert [(p.code, p.effect) for p in problems] == [("CG004", Effect.LABEL), ("CG004", Effect.WITHHELD)]
    assert ports(fitted) == {"http": {"shop.test": "web", "b.test": "tls"}}


@pytest.mark.parametrize(("text", "seconds"), [("off", 0), ("1", 1), ("60s", 60), ("2h", 7200), ("365d", 31_536_000)])
def test_hsts(text: str, seconds: int) -> None:
    assert parse_hsts(text) == seconds


@pytest.mark.parametrize("text", ["0", "", "-1", "1w", "99999999999", "3651d", "60 s", "٣"])
def test_no_hsts(text: str) -> None:
    with pytest.raises(Refusal):
        parse_hsts(text)


@pytest.mark.parametrize("text", ["acme", "passthrough", "on", "true", ""])
def test_no_mode(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_mode(text)
    assert refusal.value.hint


@pytest.mark.parametrize("text", ["../shop", "a/b", "a..b", "Shop", "", ".shop", "shop.", "a" * 129])
def test_no_name_of_a_certificate(text: str) -> None:
    with pytest.raises(Refusal):
        parse_certificate(text)


# --- the shared folder


def stored(tmp_path: Path, *names: str) -> tuple[Folder, Model, Shelf]:
    """A folder, and a model with certificates whose files are still to be put there."""
    pems = {name: f"key of {name}".encode() for name in names}
    made = [replace(certificate(name, "shop.test"), digest=hashlib.sha256(pem).hexdigest()[:32]) for name, pem in pems.items()]
    shelf = Shelf(certificates=tuple(made), pems={c.digest: pems[str(c.name)] for c in made})
    return Folder(tmp_path / "shared"), Model(certificates=tuple(made)), shelf


def test_a_key_is_for_owner_and_group_alone(tmp_path: Path) -> None:
    folder, found, shelf = stored(tmp_path, "shop")
    vault.put(folder, found, shelf)
    (file,) = (folder.path / "certs").iterdir()
    assert file.name == f"{found.certificates[0].digest}.pem"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o640, 0o750)
    assert file.read_bytes() == b"key of shop"


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    folder, found, shelf = stored(tmp_path, "shop")
    vault.put(folder, found, shelf)
    (file,) = (folder.path / "certs").iterdir()
    before = file.stat()
    vault.put(folder, found, shelf)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_no_kept_generation_names_is_removed(tmp_path: Path) -> None:
    folder, found, shelf = stored(tmp_path, "live", "kept", "old")
    vault.put(folder, found, shelf)
    live, kept, _ = (c.digest for c in found.certificates)
    folder.stage("a" * 16, {"model.json": f'{{"digest": "{kept}"}}'.encode()})
    vault.tidy(folder, replace(found, certificates=found.certificates[:1]))
    assert folder.secrets() == {f"{live}.pem", f"{kept}.pem"}


def test_what_is_live_outlives_a_restart_while_its_files_are_broken(tmp_path: Path) -> None:
    folder, found, shelf = stored(tmp_path, "shop")
    vault.put(folder, found, shelf)
    again = vault.recall(folder, found, Shelf(broken=(Name("shop"),)))
    assert (again.certificates, again.pems) == (shelf.certificates, shelf.pems)
    assert vault.recall(folder, found, Shelf()) == Shelf()


def test_a_copy_that_was_changed_is_not_used_again(tmp_path: Path) -> None:
    folder, found, shelf = stored(tmp_path, "shop")
    vault.put(folder, found, shelf)
    next((folder.path / "certs").iterdir()).write_bytes(b"another's")
    assert vault.recall(folder, found, Shelf(broken=(Name("shop"),))).certificates == ()
