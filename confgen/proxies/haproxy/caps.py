"""What one HAProxy can do: from `haproxy -vv` of the very binary that will run the text, or from a bare version for CI.  Pure."""

from __future__ import annotations

import re

from confgen.errors import BadInput
from confgen.problem import show
from confgen.proxies.proxy import Caps, has_mlkem

#: The newest branch that the tests run against; what is rendered for where none can be asked.
NEWEST = "3.4"
#: The oldest branch that the text is right for: named defaults with `from` and normalize-uri came with 2.4, `default-path`
#: with 2.5, `balance hash` and a usable `add server` with 2.6.
OLDEST = (2, 6)

#: Since which version a word is there.  Sources: the configuration and management manuals, and the binaries of 2.6, 3.0, 3.2
#: and 3.4.  Beside these, the words of "Feature list" in `haproxy -vv` in lower case ("openssl", "quic"), and "ipv6".
SINCE: dict[str, tuple[int, ...]] = {
    # management, "reload": since 2.7 the master CLI answers Success=0|1 and the log; 2.6 says nothing and cuts the line.
    "reload-answer": (2, 7),
    # `add server` takes a cookie: 3.0 does, 2.6 says "'cookie' option is not accepted for dynamic server".
    "add-cookie": (3, 0),
    # configuration, "init-state": what a server with a check is taken for until its first one.
    "init-state": (3, 1),
    # management, "add backend": whole backends without a reload.
    "add-backend": (3, 4),
}

#: What the official images are built with, as far as the text depends on it.
_OFFICIAL = frozenset({"openssl", "ipv6"})
_VERSION = r"([0-9]{1,2}(?:\.[0-9]{1,3}){1,2})"


def read(said: str) -> Caps:
    """From what the start script's `version` said, from `haproxy -vv`, or from a version such as "3.2".

    Suffixes (3.5-dev5, 2.6.12-1+deb12u4, 2.8.1-ss1) do not count.  Where nothing is said of IPv6 it is taken to be there, as
    it is on nearly every kernel.  Raises BadInput when no version can be read, or it is older than OLDEST.
    """
    bare = re.fullmatch(rf"\s*{_VERSION}(?:-[A-Za-z0-9.+~-]+)?\s*", said, re.ASCII)
    match = bare or re.search(rf"^HA-?Proxy version {_VERSION}", said, re.ASCII | re.MULTILINE)
    if not match:
        raise BadInput(
            f"no version of HAProxy can be read in {show(said)}", "it is what `haproxy -vv` prints, or a version such as 3.2"
        )
    version = tuple(int(part) for part in match[1].split("."))
    if version < OLDEST:
        raise BadInput(f"HAProxy {match[1]} is too old", f"use {'.'.join(map(str, OLDEST))} or later")
    built = _OFFICIAL if bare else _built(said)
    return Caps("haproxy", version, built | {word for word, since in SINCE.items() if version >= since})


def _built(said: str) -> frozenset[str]:
    listed = re.search(r"^Feature list :(.*)$", said, re.MULTILINE)
    features = {word[1:].lower() for word in listed[1].split() if word.startswith("+")} if listed else set()
    features |= {"mlkem"} if has_mlkem(said) else set()
    return frozenset(features if "confgen: ipv6=no" in said.splitlines() else features | {"ipv6"})
