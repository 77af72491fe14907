"""One request through a proxy, as `explain --request` sends it: what came back, how soon, and which server answered.

Which one it was stands in the proxy's own access log; the request is found there by a word that nobody else says.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from confgen.errors import UsageError
from confgen.problem import show
from confgen.unverified import unverified

#: Seconds for the whole request, to each address.
_DEADLINE = 10.0
#: Seconds until the line has to stand in the log: nginx writes once a second.
_LOG_DEADLINE = 3.0
_PAUSE = 0.1
#: What stands in a path for itself (RFC 3986 section 3.3), and what is percent-encoded already.
_AS_IT_IS = "/%!$&'()*+,;=:@"


@dataclass(frozen=True, slots=True)
class Trial:
    """status: 0 where nobody answered; words: what went wrong then, else where a redirect leads.  at: the proxy's address.

    server: as the proxy's log names it: "pool/server", or "10.0.0.2:80"; "" where it is not known, "-" for the proxy itself.
    """

    status: int
    seconds: float
    at: str
    words: str = ""
    server: str = ""


def parse(what: str) -> SplitResult:
    """The URL that is asked for, http if no scheme is said, spelled as a client sends it: the host as DNS knows it, the path in
    percent-encoding.  Raises UsageError.
    """
    try:
        url = urlsplit(what if "://" in what else f"http://{what}")
        host, port = (url.hostname or "").encode("idna").decode(), url.port
    except ValueError as error:
        raise _no_url(what) from error
    if not re.fullmatch(r"[!-~]+", host) and not (url.scheme in ("tcp", "udp") and port):
        raise _no_url(what)
    netloc = (f"[{host}]" if ":" in host else host) + ("" if port is None else f":{port}")
    return SplitResult(url.scheme, netloc, quote(url.path, _AS_IT_IS), quote(url.query, f"{_AS_IT_IS}?"), "")


def _no_url(what: str) -> UsageError:
    hint = "name a container, a host (letters, digits, hyphens and dots) or a URL (http://shop.example.com/api)"
    return UsageError(f"{show(what)} is no container here, no host and no URL", hint)


def send(host: str, path: str, secure: bool, addresses: Sequence[tuple[str, int]], log: Callable[[], str | None]) -> Trial:
    """Asks the first of the proxy's addresses that answers.  log: the end of its access log, None where that cannot be read."""
    token = f"confgen-explain/{secrets.token_hex(8)}"
    trial = Trial(0, 0.0, "", "the proxy has no address that is known")
    for address, port in addresses:
        trial = _ask(host, path, secure, (address, port), token)
        if trial.status:
            return Trial(trial.status, trial.seconds, trial.at, trial.words, _server(token, log))
    return trial


def _ask(host: str, path: str, secure: bool, address: tuple[str, int], token: str) -> Trial:
    started, at = time.monotonic(), f"{address[0]}:{address[1]}"
    connection = http.client.HTTPConnection(*address, timeout=_DEADLINE)
    with closing(connection):
        try:
            if secure:
                bare = socket.create_connection(address, _DEADLINE)
                # Whether the certificate is right is not the question here; the chain names it.
                connection.sock = unverified().wrap_socket(bare, server_hostname=host)
            connection.request("GET", path, headers={"Host": host, "User-Agent": token})
            answer = connection.getresponse()
            answer.read(65536)
        except (OSError, http.client.HTTPException) as error:
            return Trial(0, time.monotonic() - started, at, str(error) or type(error).__name__)
        location = answer.getheader("Location", "")
        return Trial(answer.status, time.monotonic() - started, at, f"to {location}" if location else "")


def _server(token: str, log: Callable[[], str | None]) -> str:
    until = time.monotonic() + _LOG_DEADLINE
    while (text := log()) is not None:
        line = next((line for line in text.splitlines() if token in line), "")
        if line:
            return answered(line)
        if time.monotonic() > until:
            return ""
        time.sleep(_PAUSE)
    return ""


def answered(line: str) -> str:
    """The server in a line of a proxy's access log, in the forms of --access-log text and json; "" where there is none."""
    if line.startswith("{"):
        try:
            said = json.loads(line)
        except ValueError:
            return ""
        name = str(said.get("server", "")) if isinstance(said, dict) else ""
    else:
        found = re.search(r" server=((?:[^ ,]+, )*[^ ,]+) ", line)
        name = found[1] if found else ""
    # Of several that were tried the last one answered; between groups nginx writes a colon.
    last = re.split(r", | : ", name)[-1].strip()
    return "-" if last in ("-", "<NOSRV>") or last.endswith("/<NOSRV>") else last
