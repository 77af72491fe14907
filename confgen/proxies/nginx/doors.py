"""The ports on which nginx takes requests, plain and over TLS, with what is served there.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from confgen.model import Listener, Model
from confgen.proxies.nginx.guards import Directives
from confgen.proxies.nginx.shape import Site, listens, sites
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.settings import Frame

#: Mozilla's guideline 6.0, intermediate: what every client of the last ten years can do.
CIPHERS = ":".join((
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """One port.  http2: the directive of that name is to be said in each server of it.

    bare: what each of its sites needs of it, the same whatever other sites there are; None in what is bare itself.
    """

    listens: tuple[str, ...]
    tls: bool
    http2: bool
    sites: tuple[Site, ...] = ()
    bare: Door | None = None


def doors(model: Model, caps: Caps, frame: Frame, recent: Recent) -> tuple[Door, ...]:
    """The door for http, and the one for https where any host is served over TLS; of a model that is opened."""
    return recent.once(_doors, model, caps, frame, recent)


def _doors(model: Model, caps: Caps, frame: Frame, recent: Recent) -> tuple[Door, ...]:
    return tuple(_door(listener, model, caps, frame, recent) for listener in model.listeners if listener.web)


def _door(listener: Listener, model: Model, caps: Caps, frame: Frame, recent: Recent) -> Door:
    tls, http2 = listener.protocol == "https", "http2" in caps.features
    directive = "http2_directive" in caps.features
    words = (" ssl" if tls else "") + (" http2" if tls and http2 and not directive else "")
    found = listens(frame.https_port if tls else frame.http_port, caps, frame, words)
    bare = recent.one(Door(found, tls, tls and http2 and directive))
    return replace(bare, sites=sites(listener, model, caps, frame, recent), bare=bare)


def settings(caps: Caps) -> Directives:
    """What holds for every connection over TLS."""
    groups = ("X25519MLKEM768:" if "mlkem" in caps.features else "") + "X25519:prime256v1:secp384r1"
    return (
        ("ssl_protocols", "TLSv1.2 TLSv1.3"),
        ("ssl_ciphers", CIPHERS),
        ("ssl_prefer_server_ciphers", "off"),
        ("ssl_ecdh_curve", groups),
        ("ssl_session_cache", "shared:confgen_tls:10m"),
        ("ssl_session_timeout", "1d"),
        # Before 1.23.2 the key of the tickets stayed the same for as long as nginx ran.
        *(() if "ticket_keys" in caps.features else (("ssl_session_tickets", "off"),)),
    )
