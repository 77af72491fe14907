"""confgen.toml: what it may say, and how a mistake in it is told."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from confgen.errors import BadInput, UsageError
from confgen.options import BY_NAME, OPTIONS, Sort, settings, taken
from confgen.output import Output
from confgen.settings import Frame, Pace, Settings
from confgen.toml import parse

FILE = Path("/etc/confgen/confgen.toml")

#: A value other than the default for each option, as TOML and as a setting.
OTHER: dict[Sort, tuple[str, Any]] = {
    Sort.TEXT: ('"other"', "other"),
    Sort.FLAG: ("true", True),
    Sort.NUMBER: ("8080", 8080),
    Sort.FILE: ('"a/b"', Path("/etc/confgen/a/b")),
    Sort.OUTPUT: ('{name = "a", template = "b.j2", to = "/c"}', Output(name="a", template=FILE.parent / "b.j2", to=Path("/c"))),
    Sort.FOLDER: ('"a/b"', Path("/etc/confgen/a/b")),
}


def values(text: str) -> dict[str, Any]:
    return {name: said.value for name, said in parse(text, FILE).items()}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_can_stand_in_the_file_and_becomes_a_setting(option: Any) -> None:
    text, value = OTHER[option.kind.sort]
    if option.kind.words:
        value = option.kind.words[-1]
        text = f'"{value}"'
    if option.default is True:
        text, value = "false", False
    if option.kind.many:
        text, value = f"[{text}]", (value,)
    table, _, key = option.key.rpartition(".")
    found = values((f"[{table}]\n" if table else "") + f"{key} = {text}\n")
    assert found == {option.name: value}
    assert option.of(settings(found)) == value
    assert option.of(Settings()) != value


def test_there_is_an_option_for_every_setting_but_a_few() -> None:
    """What follows from where the proxy is, and what nobody asked to choose yet."""

    def leaves(kind: Any, before: str = "") -> set[str]:
        made = kind()
        return {
            name
            for field in fields(kind)
            for value in (getattr(made, field.name),)
            for name in (leaves(type(value), f"{field.name}.") if is_dataclass(value) else {f"{before}{field.name}"})
        }

    without = {
        "frame.directory",
        "frame.followed",
        "frame.may_omit",
        "frame.snippets",
        "keep",
        *(f"pace.{field.name}" for field in fields(Pace)),
    }
    assert leaves(Settings) - without == {option.field for option in OPTIONS}


def test_nothing_given_is_the_default() -> None:
    assert values("") == values("# nothing\n") == {}
    assert settings({}) == Settings()
    assert settings(dict.fromkeys(BY_NAME)) == Settings()


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("\n[proxy]\nhttp-port = 80\n", 3, "there is no setting proxy.http-port", '"proxy.http_port"'),
        ("http_port = 80\n", 1, "there is no setting http_port", '"proxy.http_port", that is http_port under [proxy]'),
        ("[proxy]\npolicy = 'x'\n", 2, "there is no setting proxy.policy", 'did you mean "policy"?'),
        ("polici = 'x'\n", 1, "there is no setting polici", 'did you mean "policy"?'),
        ("a = 1\n", 1, "there is no setting a", "docs/settings.md"),
        ("# one\n\n[prox]\nkind = 'nginx'\n", 3, "there is no table prox", '"proxy"'),
        ("proxy = 'nginx'\n", 1, "proxy is a table", "write [proxy]"),
        ("[engine]\nurl = 'x'\n", 1, "engine: it is a table, and should be text", "in quotes"),
        ("[proxy]\n\nhttp_port = '80'\n", 3, "proxy.http_port: it is text, and should be a whole number", "without quotes"),
        ("[proxy]\nhttp_port = true\n", 2, "it is true or false, and should be a whole number", ""),
        ("[proxy]\nhttp_port = 80.5\n", 2, "it is a number, and should be a whole number", ""),
        ("[proxy]\nhttp_port = 0\n", 2, "0 is out of range", "from 1 to 65535"),
        ("[proxy]\nversion = 1.30\n", 2, "it is a number, and should be text", "in quotes"),
        ("[proxy]\nipv6 = 'no'\n", 2, "it is text, and should be true or false", "without quotes"),
        ("[proxy]\nkind = 'ngin'\n", 2, '"ngin" is not known here', 'did you mean "nginx"?'),
        ("[templates]\nfolders = 'x'\n", 2, "it is no list", "in brackets"),
        ("[templates]\nfolders = [\n  'x',\n  1,\n]\n", 2, "it is a number, and should be a list, each a folder", ""),
        ("policy = 2026-01-01\n", 1, "it is a date", ""),
        ("policy = 'x'\n[proxy\n", 2, "it is not TOML", "`[table]`"),
        ("policy = 'x'\n\npolicy = 'y'\n", 3, "it is not TOML", ""),
        ("policy = '''x\n", 1, "it is not TOML", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line_and_what_to_do(text: str, line: int, message: str, hint: str) -> None:
    with pytest.raises(BadInput) as told:
        parse(text, FILE)
    assert told.value.message.startswith(f"{FILE}:{line}: ")
    assert message in told.value.message
    assert hint in told.value.hint
    assert told.value.hint


def test_a_path_starts_where_the_file_is() -> None:
    assert values("policy = '/policy.toml'")["policy"] == Path("/policy.toml")
    assert parse("policy = 'policy.toml'", Path("confgen.toml"))["policy"].value == Path.cwd() / "policy.toml"


def test_two_ports_that_are_one_are_refused() -> None:
    with pytest.raises(UsageError):
        settings({"http_port": 443})


def test_what_cannot_change_as_it_runs_stays_and_is_named() -> None:
    now = Settings(listen=":1", proxy="nginx")
    made, left = taken(now, Settings(listen=":2", proxy="nginx", frame=Frame(http_port=81)))
    assert made == Settings(listen=":1", proxy="nginx", frame=Frame(http_port=81))
    assert [option.name for option in left] == ["listen"]
    assert taken(now, now) == (now, ())
