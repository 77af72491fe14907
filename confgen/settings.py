"""What can be set, once, before the line starts to run.

Order of precedence: flags, then CONFGEN_* in the environment, then confgen.toml, then the default given here.  Which option sets
what stands in options.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from confgen.output import Output
from confgen.snippets import Snippets


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a proxy's text needs to know beside the model.

    http_port, https_port: the ports of the HTTP listeners, 80 and 443.
    ipv6: listen on IPv6 too; true, as clients come that way.
    access_log: "text", "json" or "off"; one line a request on stdout, so that `docker logs` shows it.
    directory: the shared folder as the proxy sees it.
    followed: confgen will ask the running proxy for its generation; false for text that is to serve with no confgen
    running, which then must not expect the shared folder.
    may_omit: parts of the text that the operator's templates need not write (the policy's `may_omit`); none.
    snippets: the operator's own text (snippets.py); none, as long as no folder of it is given.
    """

    http_port: int = 80
    https_port: int = 443
    ipv6: bool = True
    access_log: str = "text"
    directory: PurePosixPath = PurePosixPath("/confgen")
    followed: bool = True
    may_omit: tuple[str, ...] = ()
    snippets: Snippets = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSettings:
    """How labels are read.

    prefix: what every label of ours starts with.
    require_enable: only containers with `<prefix>.enable: "true"` are looked at; false, as two labels shall be enough.
    """

    prefix: str = "confgen"
    require_enable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When to act; all in seconds.

    quiet, most: additions wait until nothing has happened for `quiet`, at most `most` (a burst becomes one reload); longer
    where changes take long (settle.adapted).  gap: so long after a change additions wait at all; as long as reloads are rare,
    less than `most` (settle.adapted).  hold: at most, where a source knows that more are about to come.
    relist: a full look even if no event came, since the engine drops events of slow readers without a word.
    retry: first pause after a failure; doubled up to `retry_most`.
    """

    quiet: float = 0.05
    most: float = 0.5
    gap: float = 0.5
    hold: float = 2.0
    relist: float = 30.0
    retry: float = 0.5
    retry_most: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """confgen's own log: format "text" or "json"; verbose: tell every turn; quiet: tell only what is wrong."""

    format: str = "text"
    verbose: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything, for one run.

    directory: the shared folder as confgen sees it.
    target: "" for the containers that are labelled as proxies; "container:NAME", "process" or "dir:PATH".
    proxy, proxy_version: what to render for where no proxy is there to be asked.
    templates: folders whose files shadow the shipped templates, first wins.
    filters: a Python file with filters and tests for templates, None where there is none.
    snippets: a folder of text that goes into the proxy's text as it is, None where there is none.
    outputs: files of the operator's own that are written too.
    engine: URL of the engine, "" for DOCKER_HOST or the default socket.
    policy: a file that grants hosts, paths and ports to owners (policy.py), None where everything may be claimed.
    certificates: the operator's folder of certificates, None where there is none.
    users: a folder of users files that labels may name (`auth.basic: admins`), None where there is none.
    listen: address and port for /healthz and /metrics, "" for none.
    allow_exec: run the proxy's test and reload through the engine's exec; needs write access to the engine, so off.
    expect: the generations that may go live, as an operator approved them; () where every one may.
    keep: how many applied generations stay in the shared folder.
    """

    frame: Frame = Frame()
    labels: LabelSettings = LabelSettings()
    pace: Pace = Pace()
    log: LogSettings = LogSettings()
    directory: Path = Path("/confgen")
    target: str = ""
    proxy: str = ""
    proxy_version: str = ""
    templates: tuple[Path, ...] = ()
    filters: Path | None = None
    snippets: Path | None = None
    outputs: tuple[Output, ...] = ()
    engine: str = ""
    policy: Path | None = None
    certificates: Path | None = None
    users: Path | None = None
    listen: str = ""
    allow_exec: bool = False
    expect: tuple[str, ...] = ()
    keep: int = 10

    @property
    def has_own_text(self) -> bool:
        """Text of the operator's own goes into the proxy's."""
        return bool(self.templates or self.snippets)
