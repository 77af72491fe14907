"""A folder of certificates: what is found, what is refused, and what stays in use while a renewal goes wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from confgen.problem import Effect, Problem
from confgen.sources.certificates import Certificates
from confgen.tls import Shelf
from tests.certificates import DAY, one, pair, put

CHAIN, KEY = pair("shop.test")
OTHER, OTHERS_KEY = pair("shop.test")


def look(folder: Path) -> Shelf:
    return Certificates(folder).look()


def problem(shelf: Shelf) -> Problem:
    """The only one; it costs no route by itself."""
    (only,) = shelf.problems
    assert (only.code, only.effect) == ("CG171", Effect.NOTHING)
    assert only.hint
    return only


@pytest.mark.parametrize(
    "files",
    [
        {"shop.pem": CHAIN + KEY}, {"shop.pem": KEY + CHAIN}, {"shop.pem": b"Bag Attributes\n" + CHAIN + OTHER + KEY}, {"shop.crt": CHAIN, "shop.key": KEY},
        {"shop/fullchain.pem": CHAIN, "shop/privkey.pem": KEY}, {"live/shop/fullchain.pem": CHAIN, "live/shop/privkey.pem": KEY},
    ],
)  # fmt: skip
def test_every_layout_is_found(files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in files.items():
        put(tmp_path, name, content)
    shelf = look(tmp_path)
    assert [(c.name, c.names, c.expired) for c in shelf.certificates] == [("shop", ("shop.test",), False)]
    assert shelf.problems == ()
    (pem,) = shelf.pems.values()
    assert pem.startswith(CHAIN)
    assert pem.endswith(KEY)


def test_the_same_certificate_has_the_same_digest_however_it_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "a.pem", b"a comment\n" + CHAIN + KEY)
    put(tmp_path, "b.crt", CHAIN)
    put(tmp_path, "b.key", KEY)
    assert len({c.digest for c in look(tmp_path).certificates}) == 1


BAD = [
    pytest.param({"shop.crt": CHAIN}, "shop.key is not there", id="no key"),
    pytest.param({"shop.crt": CHAIN, "shop.key": OTHERS_KEY}, "does not belong", id="another's key"),
    pytest.param({"shop.pem": (CHAIN + KEY)[:-40]}, "in the middle", id="half of the key"),
    pytest.param({"shop.crt": CHAIN[:-40], "shop.key": KEY}, "in the middle", id="half of the chain"),
    pytest.param({"shop.crt": b"", "shop.key": KEY}, "no certificate", id="an empty chain"),
    pytest.param({"shop.crt": CHAIN, "shop.key": b""}, "there is no key", id="an empty key"),
    pytest.param({"shop.pem": b"\x00\xff" * 50}, "no certificate", id="no text"),
    pytest.param({"shop.pem": b"x" * ((1 << 20) + 1)}, "larger than", id="too large"),
    pytest.param({"shop.pem": b"".join(pair("shop.test", password=b"x"))}, "encrypted", id="a password"),
    pytest.param({"shop.pem": b"".join(pair("shop.test", since=1))}, "not valid before", id="not valid yet"),
    pytest.param({"shop.pem": b"".join(pair())}, "for no DNS name", id="for nobody"),
]


@pytest.mark.parametrize(("files", "said"), BAD)
def test_what_cannot_be_used_is_told(files: dict[str, bytes], said: str, tmp_path: Path) -> None:
    for name, content in files.items():
        put(tmp_path, name, content)
    shelf = look(tmp_path)
    assert shelf.certificates == ()
    assert shelf.broken == ("shop",)
    assert said in problem(shelf).message
    assert "it is not used" in problem(shelf).message


@pytest.mark.parametrize(("files", "said"), BAD)
def test_what_was_good_stays_in_use(files: dict[str, bytes], said: str, tmp_path: Path) -> None:
    old = put(tmp_path, "shop.pem", one("shop.test"))
    folder = Certificates(tmp_path)
    before = folder.look()
    old.unlink()
    for name, content in files.items():
        put(tmp_path, name, content)
    shelf = folder.look()
    assert (shelf.certificates, shelf.pems, shelf.broken) == (before.certificates, before.pems, ())
    assert said in problem(shelf).message
    assert "the last good copy is used" in problem(shelf).message


def test_files_that_are_gone_are_told_and_stay_in_use(tmp_path: Path) -> None:
    file = put(tmp_path, "shop.pem", one("shop.test"))
    folder = Certificates(tmp_path)
    before = folder.look()
    file.unlink()
    assert folder.look().certificates == before.certificates
    assert "gone" in problem(folder.look()).message


def test_a_folder_that_is_gone_takes_nothing_away(tmp_path: Path) -> None:
    put(tmp_path / "in", "shop.pem", one("shop.test"))
    folder = Certificates(tmp_path / "in")
    before = folder.look()
    (tmp_path / "in").rename(tmp_path / "away")
    assert folder.look().certificates == before.certificates
    assert "cannot be read" in str(folder.look().problems[1])


def test_a_renewal_is_taken(tmp_path: Path) -> None:
    folder = Certificates(tmp_path)
    put(tmp_path, "shop.pem", one("shop.test"))
    before = folder.look()
    put(tmp_path, "shop.pem", one("shop.test", "www.shop.test"))
    (after,) = folder.look().certificates
    assert after.names == ("shop.test", "www.shop.test")
    assert after.digest != before.certificates[0].digest


def test_links_are_followed_as_certbot_swaps_them(tmp_path: Path) -> None:
    for number, content in enumerate((pair("shop.test"), pair("shop.test", days=30)), 1):
        for name, part in zip(("fullchain", "privkey"), content, strict=True):
            put(tmp_path, f"archive/shop/{name}{number}.pem", part)
    (tmp_path / "live/shop").mkdir(parents=True)
    folder, seen = Certificates(tmp_path), []
    for number in (1, 2):
        for name in ("fullchain", "privkey"):
            link = tmp_path / "live/shop" / f"{name}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/shop/{name}{number}.pem")
            seen += [c.digest for c in folder.look().certificates]
    first, second = seen[0], seen[-1]
    assert seen == [first, first, second]
    assert first != second


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "secret.pem", one("shop.test"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shop.pem").symlink_to("../secret.pem")
    assert "leads out of the folder" in problem(look(tmp_path / "in")).message


def test_one_that_has_ended_is_served_and_told(tmp_path: Path) -> None:
    put(tmp_path, "shop.pem", b"".join(pair("shop.test", days=-0.1, since=-9)))
    shelf = look(tmp_path)
    assert [c.expired for c in shelf.certificates] == [True]
    assert "it ended on" in problem(shelf).message


@pytest.mark.parametrize(("days", "told"), [(13.9, 1), (14.1, 0)])
def test_two_weeks_before_it_ends_it_is_told(days: float, told: int, tmp_path: Path) -> None:
    put(tmp_path, "shop.pem", b"".join(pair("shop.test", days=days)))
    assert len(look(tmp_path).problems) == told


def test_a_key_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    put(tmp_path, "shop.pem", one("shop.test"), 0o644)
    shelf = look(tmp_path)
    assert len(shelf.certificates) == 1
    assert problem(shelf).hint == "chmod o-r shop.pem"


def test_a_name_counts_once(tmp_path: Path) -> None:
    put(tmp_path, "shop.pem", one("shop.test"))
    put(tmp_path, "shop/fullchain.pem", CHAIN)
    put(tmp_path, "shop/privkey.pem", KEY)
    assert "has the name of" in problem(look(tmp_path)).message


@pytest.mark.parametrize("name", ["Shop.pem", "..pem.crt", "-.pem", "a b.pem", "x;}.pem"])
def test_a_strange_name_is_no_certificate(name: str, tmp_path: Path) -> None:
    put(tmp_path, name, one("shop.test"))
    assert look(tmp_path).certificates == ()


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    short = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    put(tmp_path, "shop.crt", CHAIN)
    put(tmp_path, "shop.key", short)
    assert "1024 bits" in problem(look(tmp_path)).message


def signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, by: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **more: object
) -> bytes:
    """A certificate for shop.test."""
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.test")]), datetime.now(UTC)
    made = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")]),
        name,
        key.public_key(),
        x509.random_serial_number(),
        now - DAY,
        now + DAY,
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.test")]), critical=False)
    return made.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(("what", "why"), [("leaf", "ee key too small"), ("chain", "ca key too small")])
def test_what_openssl_refuses_takes_the_place_of_nothing_that_is_good(tmp_path: Path, what: str, why: str) -> None:
    """The proxy would refuse the whole text for it."""
    put(tmp_path, "shop.pem", one("shop.test"))
    folder = Certificates(tmp_path)
    good = folder.look().certificates
    key = ec.generate_private_key(ec.SECP192R1() if what == "leaf" else ec.SECP256R1())
    ca = rsa.generate_private_key(65537, 1024)
    chain = [signed(key, key)] if what == "leaf" else [signed(key, ca), signed(ca, ca)]
    put(tmp_path, "shop.pem", b"".join(chain) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = folder.look()
    assert f"OpenSSL refuses it: {why}" in problem(found).message
    assert found.certificates == good


def test_a_bad_one_costs_no_other(tmp_path: Path) -> None:
    put(tmp_path, "good.pem", one("shop.test"))
    put(tmp_path, "bad.pem", b"")
    assert [c.name for c in look(tmp_path).certificates] == ["good"]


def test_no_key_is_shown(tmp_path: Path) -> None:
    put(tmp_path, "shop.pem", one("shop.test"))
    folder = Certificates(tmp_path)
    assert "PRIVATE" not in repr(folder.look()) + repr(list(folder._good.values()))


def test_without_a_folder_the_library_is_not_loaded() -> None:
    """It takes a while, and memory."""
    said = "import confgen.loop, confgen.cli.watch, sys; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0
