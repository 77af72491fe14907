"""Everything that can be set, in one table.

From it come the options of the command line, the reader of confgen.toml (toml.py) and docs/settings.md, so that none of them
can know what another does not.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from confgen import output
from confgen.errors import UsageError
from confgen.settings import Settings
from confgen.values import Refusal, nearest


class Sort(enum.Enum):
    """What a value is made of."""

    TEXT = "text"
    FLAG = "true or false"
    NUMBER = "a whole number"
    FILE = "a file"
    FOLDER = "a folder"
    OUTPUT = "a table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which values an option takes.

    words: the only texts that it takes; any where there are none.  least, most: of a number.  many: a list of such values.
    there: a path that has to be there when it is named.
    """

    sort: Sort
    words: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    many: bool = False
    there: bool = False

    @property
    def grammar(self) -> str:
        """For people."""
        if self.words:
            return " or ".join(f'"{word}"' for word in self.words)
        if self.sort is Sort.NUMBER:
            return f"a whole number from {self.least} to {self.most}"
        return f"a list, each {self.sort.value}" if self.many else self.sort.value

    def read(self, value: object, base: Path) -> Any:
        """The setting that a TOML value is; a path in it starts at `base`.  Raises Refusal."""
        if not self.many:
            return self._one(value, base)
        if not isinstance(value, list):
            raise Refusal("CG010", "it is no list", 'write it in brackets: ["…"]')
        found = tuple(self._one(item, base) for item in value)
        return output.distinct(found) if self.sort is Sort.OUTPUT else found

    def _one(self, value: object, base: Path) -> Any:
        match self.sort:
            case Sort.FLAG:
                if not isinstance(value, bool):
                    raise _wrong(value, self, "write true or false, without quotes")
                return value
            case Sort.NUMBER:
                if not isinstance(value, int) or isinstance(value, bool):
                    raise _wrong(value, self, f"write {self.grammar}, without quotes")
                if not self.least <= value <= self.most:
                    raise Refusal("CG010", f"{value} is out of range", f"write {self.grammar}")
                return value
            case Sort.OUTPUT:
                return output.read(value, base)
        if not isinstance(value, str):
            raise _wrong(value, self, "write it in quotes")
        if self.words and value not in self.words:
            raise Refusal("CG010", f'"{value}" is not known here', nearest(value, self.words))
        return value if self.sort is Sort.TEXT else base / Path(value)


_TOML: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}


def _wrong(value: object, kind: Kind, hint: str) -> Refusal:
    return Refusal("CG010", f"it is {_TOML.get(type(value), 'a date')}, and should be {kind.grammar}", hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that can be set.

    name: as the program calls it.  flags: on the command line, () where it stands in the file alone.  key: in the file,
    "table.key".  field: of Settings, where it ends up; the default stands there.  variable: in the environment, "" for none.
    means: one sentence.  live: `watch` takes a change as it runs; for the others it has to be started anew.
    runs: what it names is run, so it counts only in a file that somebody named.
    """

    name: str
    flags: tuple[str, ...]
    key: str
    field: str
    kind: Kind
    variable: str
    means: str
    live: bool = False
    runs: bool = False

    @property
    def default(self) -> Any:
        return self.of(Settings())

    def of(self, settings: Settings) -> Any:
        """Its value."""
        return attrgetter(self.field)(settings)


_TEXT, _FLAG, _FILE, _FOLDER = (Kind(sort=sort) for sort in (Sort.TEXT, Sort.FLAG, Sort.FILE, Sort.FOLDER))
_PORT = Kind(sort=Sort.NUMBER, least=1, most=65535)


def _choice(*words: str) -> Kind:
    return Kind(sort=Sort.TEXT, words=words)


# fmt: off
OPTIONS: tuple[Option, ...] = (
    Option(name="engine", flags=("--engine",), key="engine", field="engine", kind=_TEXT, variable="CONFGEN_ENGINE",
           means="URL of the engine; DOCKER_HOST or unix:///var/run/docker.sock if not given."),
    Option(name="target", flags=("--target",), key="target", field="target", kind=_TEXT, variable="CONFGEN_TARGET",
           means="container:NAME, process or dir:PATH; else the containers labelled confgen.proxy."),
    Option(name="directory", flags=("--directory",), key="directory", field="directory", kind=_FOLDER, variable="CONFGEN_DIR",
           means="The shared folder."),
    Option(name="policy", flags=("--policy",), key="policy", field="policy", kind=_FILE, variable="CONFGEN_POLICY", live=True,
           means="A file that grants hosts, ports and features to owners."),
    Option(name="certificates", flags=("--certificates",), key="certificates", field="certificates", kind=_FOLDER, variable="CONFGEN_CERTIFICATES", live=True,
           means="A folder of certificates with their keys, for https."),
    Option(name="users", flags=("--users",), key="users", field="users", kind=Kind(sort=Sort.FOLDER, there=True), variable="CONFGEN_USERS", live=True,
           means="A folder of users files, as htpasswd writes them."),
    Option(name="listen", flags=("--listen",), key="listen", field="listen", kind=_TEXT, variable="CONFGEN_LISTEN",
           means="Address and port for /healthz and /metrics, as :9180; none if not given."),
    Option(name="allow_exec", flags=("--allow-exec",), key="allow_exec", field="allow_exec", kind=_FLAG, variable="CONFGEN_ALLOW_EXEC",
           means="Test and reload through the engine's exec, the last resort (needs write access to the engine)."),
    Option(name="expect", flags=("--expect",), key="expect", field="expect", kind=Kind(sort=Sort.TEXT, many=True), variable="CONFGEN_EXPECT", live=True,
           means="A generation that may go live, as an operator approved it; then no other does, and watch waits."),
    Option(name="proxy", flags=("--proxy",), key="proxy.kind", field="proxy", kind=_choice("nginx", "haproxy"), variable="CONFGEN_PROXY",
           means="What to render for, where no proxy is there to be asked."),
    Option(name="proxy_version", flags=("--proxy-version",), key="proxy.version", field="proxy_version", kind=_TEXT, variable="CONFGEN_PROXY_VERSION",
           means="Its version, as 1.30 or 3.2; if not given, that of its image's tag in a compose file, else the newest known."),
    Option(name="http_port", flags=("--http-port",), key="proxy.http_port", field="frame.http_port", kind=_PORT, variable="CONFGEN_HTTP_PORT", live=True,
           means="Port of the HTTP listener, inside the proxy's container."),
    Option(name="https_port", flags=("--https-port",), key="proxy.https_port", field="frame.https_port", kind=_PORT, variable="CONFGEN_HTTPS_PORT", live=True,
           means="Port of the HTTPS listener, inside the proxy's container."),
    Option(name="ipv6", flags=("--ipv6/--no-ipv6",), key="proxy.ipv6", field="frame.ipv6", kind=_FLAG, variable="CONFGEN_IPV6", live=True,
           means="Listen on IPv6 too."),
    Option(name="access_log", flags=("--access-log",), key="proxy.access_log", field="frame.access_log", kind=_choice("text", "json", "off"),
           variable="CONFGEN_ACCESS_LOG", live=True, means="The proxy's access log, on its stdout."),
    Option(name="prefix", flags=("--prefix",), key="labels.prefix", field="labels.prefix", kind=_TEXT, variable="CONFGEN_PREFIX",
           means="What every label starts with."),
    Option(name="require_enable", flags=("--require-enable",), key="labels.require_enable", field="labels.require_enable", kind=_FLAG,
           variable="CONFGEN_REQUIRE_ENABLE", means='Look only at containers labelled confgen.enable: "true".'),
    Option(name="templates", flags=("--templates",), key="templates.folders", field="templates", kind=Kind(sort=Sort.FOLDER, many=True, there=True),
           variable="CONFGEN_TEMPLATES", live=True, means="A folder whose files shadow the shipped templates; the first that has a file wins."),
    Option(name="filters", flags=(), key="templates.filters", field="filters", kind=Kind(sort=Sort.FILE, there=True), variable="", live=True, runs=True,
           means="A Python file with filters and tests of your own, for templates; only in a file of settings that you named."),
    Option(name="snippets", flags=("--snippets",), key="templates.snippets", field="snippets", kind=Kind(sort=Sort.FOLDER, there=True),
           variable="CONFGEN_SNIPPETS", live=True, means="A folder of text of your own that goes into the proxy's text as it is."),
    Option(name="outputs", flags=(), key="output", field="outputs", kind=Kind(sort=Sort.OUTPUT, many=True), variable="", live=True, runs=True,
           means="A file that is wholly your own, with what is run for it: docs/outputs.md; only in a file of settings that you named."),
    Option(name="log_format", flags=("--log-format",), key="log.format", field="log.format", kind=_choice("text", "json"), variable="CONFGEN_LOG_FORMAT",
           live=True, means="Format of confgen's own log."),
    Option(name="verbose", flags=("-v", "--verbose"), key="log.verbose", field="log.verbose", kind=_FLAG, variable="", live=True, means="Tell every turn."),
    Option(name="quiet", flags=("-q", "--quiet"), key="log.quiet", field="log.quiet", kind=_FLAG, variable="", live=True, means="Tell only what is wrong."),
)
# fmt: on

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def settings(given: Mapping[str, Any]) -> Settings:
    """Settings of what was given, by the options' names; None and what is not given leave the default.

    Raises UsageError where two contradict each other.
    """
    made = Settings()
    for name, value in given.items():
        if value is not None:
            made = _put(made, BY_NAME[name].field, value)
    if made.frame.http_port == made.frame.https_port:
        raise UsageError("the ports for http and https are the same", "give each listener a port of its own")
    return made


def taken(now: Settings, wanted: Settings) -> tuple[Settings, tuple[Option, ...]]:
    """What a running `watch` makes of other settings: with what can be changed as it runs, and the options that cannot."""
    left = tuple(option for option in OPTIONS if not option.live and option.of(now) != option.of(wanted))
    for option in left:
        wanted = _put(wanted, option.field, option.of(now))
    return wanted, left


def _put(made: Settings, field: str, value: Any) -> Settings:
    part, _, rest = field.partition(".")
    return replace(made, **{part: replace(getattr(made, part), **{rest: value}) if rest else value})
