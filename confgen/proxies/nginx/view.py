"""What the templates of templates/nginx get.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from confgen.model import Model
from confgen.proxies.nginx import guards, shape
from confgen.proxies.nginx.caps import SINCE, modules_path
from confgen.proxies.nginx.doors import doors, settings
from confgen.proxies.nginx.headers import TOLD
from confgen.proxies.nginx.quote import literal, quoted
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.secure import opened
from confgen.settings import Frame
from confgen.values import Text


def word(value: str | Text) -> str:
    """One word, in quotes unless it is plain; a dollar arrives as a dollar."""
    return (
        value
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/.:_-]+|\[[0-9a-f:.]+\]:[0-9]+", value, re.ASCII)
        else quoted(value)
    )


def plain(value: str | Text) -> str:
    """As `word`, for directives that take a dollar as it is (location)."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/.:_-]+", value, re.ASCII) else literal(value)


def header(value: str | Text) -> str:
    """A header's value: what a label says as one word, our own as written, since it holds variables."""
    return quoted(value) if isinstance(value, Text) else value or '""'


FILTERS: Mapping[str, Callable[..., str]] = {"q": word, "literal": plain, "header": header}


def view(model: Model, caps: Caps, frame: Frame, recent: Recent) -> dict[str, object]:
    """Every name that a template may use, but for `generation` and `part`, which rendering adds."""
    model = recent.once(opened, model, frame)
    ways = doors(model, caps, frame, recent)
    sites = [site for door in ways for site in door.sites]
    ports = shape.ports(model, caps, frame)
    bucket, most = shape.hash_sizes([name for site in sites for name in site.names])
    passes = [location.to for site in sites for location in site.locations if location.to]
    return {
        "caps": {feature: feature in caps.features for feature in SINCE},
        "ambiguous": guards.AMBIGUOUS if any(site.strict for site in sites) else "",
        "ambiguous_text": guards.AMBIGUOUS_TEXT,
        "access_log": frame.access_log,
        "control": f"unix:{frame.directory}/run/nginx.sock" if frame.followed else "",
        "doors": ways,
        "defaults": shape.defaults("proxy"),
        "grpc": any(to.module == "grpc" for to in passes),
        "grpc_defaults": shape.defaults("grpc"),
        "hash_bucket": bucket,
        "hash_max": most,
        "headers": tuple((name, value or '""') for name, value in TOLD),
        "http2": any(to.module == "grpc" for to in passes),
        "not_found": shape.NOT_FOUND,
        "ports": ports,
        "realm": guards.REALM,
        "resolver": shape.RESOLVER if any(to.target for to in passes) else "",
        "stream_module": f"{modules_path(caps)}/ngx_stream_module.so" if ports and "stream" not in caps.features else "",
        "stream_resolver": shape.RESOLVER if any(port.target for port in ports) else "",
        "stream_upstreams": shape.upstreams(model, caps, recent, stream=True),
        "stream_zones": guards.zones(model, stream=True),
        "tls": any(to.tls for to in passes),
        "tls_settings": settings(caps) if any(door.tls for door in ways) else (),
        "upstreams": shape.upstreams(model, caps, recent, stream=False),
        "zones": guards.zones(model, stream=False),
    }
