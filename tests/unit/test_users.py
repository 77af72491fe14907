"""Who may log in: the lists of labels and the files of the operator."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from confgen.build import build
from confgen.codec import decode, encode
from confgen.limits import Limits
from confgen.model import Model
from confgen.observe.status import as_data
from confgen.offer import LOGINS, LOGINS_AT_ONCE
from confgen.plan import diff
from confgen.problem import Effect
from confgen.proxies import PROXIES
from confgen.readback import verify
from confgen.render import Renderer
from confgen.report import Report
from confgen.settings import Frame, LabelSettings
from confgen.sources.users import read_users
from confgen.users import Files, Hash, parse_file, parse_users
from confgen.values import Header, Name, Refusal, Text
from confgen.want import write
from tests.unit.facts import FRONT, container, state

BCRYPT = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
OTHER = "$2y$05$bbcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
SHA512 = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
SHA256 = "$5$rounds=10000$saltsalt$RUsnTSO2Cw.gkRW/RZSmG6BCeuh1a6eDbZfnX4oz1c5"
APR1 = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0"
SHOP = {"host": "shop.example", "port": "80"}


def test_a_list() -> None:
    found = parse_users(f" bob:{BCRYPT},ann@a.example : x".replace(" : x", f":{SHA512}") + " ")
    assert isinstance(found, tuple)
    assert [(user.name, user.hash) for user in found] == [("ann@a.example", Hash(SHA512)), ("bob", Hash(BCRYPT))]
    assert parse_users("admins") == Name("admins")
    for hashed in (BCRYPT, BCRYPT.replace("$05", "$04"), BCRYPT.replace("$2y", "$2a"), SHA256, SHA512, APR1):
        assert parse_users(f"bob:{hashed}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither a list"), ("a b", "neither a list"), (BCRYPT, "neither a list"), ("bob:secret", "plain text is refused"), ("bob:", "plain text"),
        (f":{BCRYPT}", "has no name"), (f"a b:{BCRYPT}", "has no name"), (f"bob:{BCRYPT}\n", "plain text"), (f"bob:{BCRYPT},", "user 2"),
        (f"bob:{BCRYPT.replace('$05', '$07')}", "cost 7"), (f"bob:{BCRYPT.replace('$05', '$10')}", "cost 10"), (f"bob:{BCRYPT.replace('$05', '$03')}", "cost 3"),
        (f"bob:{SHA256.replace('10000', '10001')}", "10001 rounds"), (f"bob:{SHA256.replace('10000', '999')}", "999 rounds"), ("bob:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "plain text"),
        ("bob:$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "plain text"), ("bob:rqXexS6ZhobKA", "plain text"), (f"bob:{BCRYPT},bob:{OTHER}", "bob is there twice"), (f"bob:$${BCRYPT[1:]}", "plain text"),
        (f"bob:{BCRYPT}\0", "plain text"), ("bob:x" * 2000, "4096"),
    ],
)  # fmt: skip
def test_what_is_no_list(text: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        parse_users(text)
    assert refused.value.code == "CG161"
    assert refused.value.hint
    for secret in ("secret", "saltsalt", BCRYPT[7:], "rqXexS"):
        assert secret not in refused.value.message + refused.value.hint


def test_a_hash_is_shown_by_its_digest_alone() -> None:
    one = Hash(BCRYPT)
    assert BCRYPT not in repr(one)
    for show in (str, format, json.dumps):
        with pytest.raises(TypeError):
            show(one)
    assert (one == Hash(BCRYPT), one == Hash(OTHER), one == Text(BCRYPT)) == (True, False, False)
    known = decode(Hash, encode(one))
    assert (known == one, hash(known) == hash(one), known.raw) == (True, True, "*")
    assert pickle.loads(pickle.dumps(one)).raw == BCRYPT


def test_a_snapshot_holds_no_hash() -> None:
    shown = as_data(
        Report(seats=()), state(container(labels=SHOP | {"auth.basic": f"bob:{BCRYPT}, ann:{SHA512}", "basic-auth": f"z:{APR1}"}))
    )
    assert all(hashed not in json.dumps(shown) for hashed in (BCRYPT, SHA512, APR1))
    assert "bob:hidden, ann:hidden" in json.dumps(shown)


def test_a_file() -> None:
    found = parse_file(f"# ours\n\nbob:{BCRYPT}\r\nann:secret\n:x\nbob:{OTHER}\nzoe:{SHA512}")
    assert [user.name for user in found.users] == ["bob", "zoe"]
    assert found.users[0].hash == Hash(BCRYPT)
    assert [mistake.split(":")[0] for mistake, _ in found.mistakes] == ["line 4", "line 5", "line 6"]
    assert "secret" not in str(found.mistakes)


def test_the_folder(tmp_path: Path) -> None:
    """Looked up in a list of what is there: no path is made of a name."""
    (tmp_path / "admins").write_text(f"bob:{BCRYPT}\n")
    (tmp_path / "latin").write_bytes(b"b\xf6b:x\n")
    (tmp_path / ".hidden").write_text(f"eve:{BCRYPT}\n")
    (tmp_path / "below").mkdir()
    found = read_users(tmp_path)
    assert sorted(found) == ["admins", "latin"]
    assert "UTF-8" in found["latin"].mistakes[0][0]
    assert read_users(None) == read_users(tmp_path / "nowhere") == {}


def shaped(labels: dict[str, str], users: Files) -> tuple[Model, tuple[tuple[str, Effect], ...]]:
    found = build(state(container(labels=SHOP | labels)), FRONT, LabelSettings(), Frame(), users=users)
    return found.model, tuple((p.message, p.effect) for p in found.problems)


def test_users_of_a_label_and_of_a_file() -> None:
    model, problems = shaped({"auth.basic": f"bob:{BCRYPT}"}, {})
    (route,) = model.routes()
    assert ([user.name for user in route.users], route.request_headers, problems) == (["bob"], (), ())
    assert route.limits == Limits(rate=LOGINS, burst=LOGINS_AT_ONCE), "each check costs time"
    model, problems = shaped({"auth.basic": "admins", "limit.rate": "5r/s"}, {"admins": parse_file(f"bob:{BCRYPT}\nann:x\n")})
    (route,) = model.routes()
    assert [user.name for user in route.users] == ["bob"]
    assert route.request_headers == (Header(Name("Authorization"), Text("")),), "the operator's passwords are not the container's"
    assert (str(route.limits.rate), route.limits.burst) == ("5r/s", 4)
    assert [effect for _, effect in problems] == [Effect.USER]


@pytest.mark.parametrize(
    ("name", "files"), [("admins", {}), ("../admins", {}), ("admin", {"admins": f"bob:{BCRYPT}"}), ("admins", {"admins": "bob:plain"}), ("admins", {"admins": ""})]
)  # fmt: skip
def test_a_file_that_lets_nobody_in_shuts_the_route(name: str, files: dict[str, str]) -> None:
    model, problems = shaped({"auth.basic": name}, {key: parse_file(text) for key, text in files.items()})
    (route,) = model.routes()
    assert (route.withheld, route.pool) == ("auth.basic", None)
    assert [effect for _, effect in problems] == [Effect.WITHHELD]
    assert "plain:" not in str(problems)


def test_another_password_is_another_text_and_is_told_without_it() -> None:
    one, other = (shaped({"auth.basic": f"bob:{hashed}"}, {})[0] for hashed in (BCRYPT, OTHER))
    (change,) = diff(one, other)
    assert BCRYPT not in str(change)
    for name in PROXIES:
        proxy = PROXIES[name]
        caps, frame = proxy.caps(proxy.newest), Frame()
        texts = [write(model, proxy, caps, frame, Renderer((), proxy.filters)) for model in (one, other)]
        assert texts[0].generation != texts[1].generation
        assert len(texts[0].private) == 1
        holders = {path for path, content in texts[0].files if BCRYPT.encode() in content}
        assert holders == texts[0].private
        with pytest.raises(Exception, match="not meant") as refused:
            verify(proxy.expected(one, caps, frame), proxy.structure(texts[1].as_dict()))
        assert OTHER not in str(refused.value)


@pytest.mark.parametrize("name", PROXIES)
def test_users_of_a_route_that_lacks_its_certificate_cost_nobody_else(name: str) -> None:
    """The port for http withholds it, and its users are written nevertheless."""
    model, _ = shaped({"auth.basic": f"bob:{BCRYPT}", "tls": "require"}, {})
    proxy = PROXIES[name]
    assert write(model, proxy, proxy.caps(proxy.newest), Frame(), Renderer((), proxy.filters)).files
