"""What one nginx can do: from `nginx -V` of the very binary that will run the text, or from a bare version for CI."""

from __future__ import annotations

import re

from confgen.errors import BadInput
from confgen.problem import show
from confgen.proxies.proxy import Caps, has_mlkem

#: The newest version that the tests run against; what is rendered for where none can be asked.
NEWEST = "1.30.6"

#: Where the official images and packages keep their dynamic modules.
MODULES = "/usr/lib/nginx/modules"

#: Since which version a word is there.  Sources: the CHANGES file of nginx, and `nginx -t` of 1.22, 1.26 and 1.30.
SINCE: dict[str, tuple[int, ...]] = {
    # "now nginx automatically rotates the keys of TLS session tickets" where a shared cache is used.
    "ticket_keys": (1, 23, 2),
    # "the "http2" directive", which can be on beside HTTP/1.1 on one plain port; before: `listen ... http2`, which cannot.
    "http2_directive": (1, 25, 1),
    # "the "server" directive in the "upstream" block supports the "resolve" parameter" (was commercial before).
    "resolve": (1, 27, 3),
    # "the "keepalive_min_timeout" directive".
    "keepalive_min_timeout": (1, 27, 4),
    # "HTTP/2 to backends": `proxy_http_version 2`; 1.26 refuses the value (tried).
    "proxy_http2": (1, 29, 4),
    # "the "sticky" directive and the "drain" parameter" (were commercial before); tried on 1.30.
    "sticky": (1, 29, 6),
}

#: Words of `nginx -V` and the feature that each shows.
ARGUMENTS: dict[str, str] = {
    "--with-stream": "stream",
    "--with-stream=dynamic": "stream_module",
    "--with-http_v2_module": "http2",
    "--with-http_ssl_module": "ssl",
}

_OFFICIAL = frozenset({"stream", "http2", "ssl", "ipv6"})
_MODULES_PATH = "modules_path="


def read(said: str) -> Caps:
    """From the output of the start script's `version`, of `nginx -V`, or from a version such as "1.30".

    A bare version means an official build of it.  Raises BadInput when there is no version to be read.
    """
    bare = re.fullmatch(r"\s*([0-9]{1,3}(?:\.[0-9]{1,3}){1,2})\s*", said, re.ASCII)
    if bare:
        version = _version(bare[1])
        return Caps("nginx", version, _OFFICIAL | _since(version))
    match = re.search(r"^nginx version: [A-Za-z-]+/([0-9]{1,3}(?:\.[0-9]{1,3}){1,2})", said, re.ASCII | re.MULTILINE)
    if not match:
        raise BadInput(
            f"no version of nginx can be read in {show(said)}", "it is what `nginx -V` prints, or a version such as 1.30"
        )
    version = _version(match[1])
    return Caps("nginx", version, _built(said) | _since(version))


def modules_path(caps: Caps) -> str:
    """The folder of the dynamic modules."""
    return next((word.removeprefix(_MODULES_PATH) for word in caps.features if word.startswith(_MODULES_PATH)), MODULES)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _since(version: tuple[int, ...]) -> frozenset[str]:
    """A version without its last number is the newest of that line: "1.29" has all that 1.29 brought."""
    whole = version if len(version) == 3 else (*version, 999)
    return frozenset(word for word, since in SINCE.items() if whole >= since)


def _built(said: str) -> frozenset[str]:
    """What this binary was built with.  Where nothing is said of IPv6, the proxy's own test finds out."""
    words = said.split()
    found = {feature for argument, feature in ARGUMENTS.items() if argument in words}
    if has_mlkem(said):
        found.add("mlkem")
    if "confgen: ipv6=no" not in said:
        found.add("ipv6")
    found.update(
        _MODULES_PATH + word.partition("=")[2] for word in words if re.fullmatch(r"--modules-path=/[A-Za-z0-9._/+-]*", word)
    )
    return frozenset(found)
