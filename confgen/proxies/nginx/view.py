"""What the templates of templates/nginx get.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from confgen.model import Model
from confgen.proxies.nginx import guards, shape
from confgen.proxies.nginx.caps import SINCE, modules_path
from confgen.proxies.nginx.doors import Door, doors, settings
from confgen.proxies.nginx.guards import Directives
from confgen.proxies.nginx.headers import TOLD
from confgen.proxies.nginx.quote import literal, quoted
from confgen.proxies.proxy import Caps
from confgen.recent import Recent
from confgen.secure import opened
from confgen.settings import Frame
from confgen.snippets import Snippet, only
from confgen.values import Text


def word(value: str | Text) -> str:
    """One word, in quotes unless it is plain; a dollar arrives as a dollar."""
    return (
        value
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/.:_-]+|\[[0-9a-f:.]+\]:[0-9]+", value, re.ASCII)
        else quoted(value)
    )


def plain(value: str | Text) -> str:
    """As `q`, for directives that take a dollar as it is (location)."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/.:_-]+", value, re.ASCII) else literal(value)


def header(value: str | Text) -> str:
    """A header's value: what a label says as one word, our own as written, since it holds variables."""
    return quoted(value) if isinstance(value, Text) else value or '""'


FILTERS: Mapping[str, Callable[..., str]] = {"q": word, "literal": plain, "header": header}

#: What each name is: its type, and what for.  The page of the context is made of it.
NAMES: Mapping[str, tuple[Any, str]] = {
    "access_log": (str, "`text`, `json` or `off`"),
    "ambiguous": (str, 'the expression for paths that can be read in two ways, "" where no site asks'),
    "ambiguous_text": (str, "the answer to such a path"),
    "caps": (dict[str, bool], "what this nginx can do: write for these and not for a version"),
    "control": (str, 'the address of the control socket, "" where nobody will ask for the generation'),
    "defaults": (Directives, "name and value of the timeouts and retries that hold unless a location says otherwise"),
    "doors": (tuple[Door, ...], "the ports for http and https"),
    "grpc": (bool, "whether any location passes to gRPC"),
    "grpc_defaults": (Directives, "as `defaults`, for gRPC"),
    "hash_bucket": (int, "a size that fits the server names"),
    "hash_max": (int, "a size that fits the server names"),
    "headers": (Directives, "name and value of each header that servers are told"),
    "http2": (bool, "whether any location needs it"),
    "not_found": (str, "the text for hosts that nobody claims"),
    "ports": (tuple[shape.Port, ...], "tcp and udp ports"),
    "realm": (str, "what is shown beside the name and the password"),
    "resolver": (str, 'Docker\'s DNS where a name has to be looked up for each request, else ""'),
    "snippets": (dict[str, Snippet | None], "the operator's own text for `main` and `http`"),
    "stream_module": (str, 'the file of the stream module where it has to be loaded, else ""'),
    "stream_resolver": (str, "as `resolver`, for tcp and udp"),
    "stream_upstreams": (tuple[shape.Upstream, ...], "pools of tcp and udp"),
    "stream_zones": (Directives, "as `zones`, for tcp and udp"),
    "tls": (bool, "whether any location passes to https"),
    "tls_settings": (Directives, "name and value of the directives for TLS to clients; empty where there is no https"),
    "upstreams": (tuple[shape.Upstream, ...], "pools of http"),
    "zones": (Directives, "name and value of each zone in which clients are counted"),
}


def view(model: Model, caps: Caps, frame: Frame, recent: Recent) -> dict[str, object]:
    """Every name that a template may use, but for `generation` and `part`, which rendering adds."""
    model = recent.once(opened, model, frame, recent)
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
        "snippets": {kind: only(frame.snippets, "nginx", kind) for kind in ("main", "http")},
        "stream_module": f"{modules_path(caps)}/ngx_stream_module.so" if ports and "stream" not in caps.features else "",
        "stream_resolver": shape.RESOLVER if any(port.target for port in ports) else "",
        "stream_upstreams": shape.upstreams(model, caps, recent, stream=True),
        "stream_zones": guards.zones(model, stream=True),
        "tls": any(to.tls for to in passes),
        "tls_settings": settings(caps) if any(door.tls for door in ways) else (),
        "upstreams": shape.upstreams(model, caps, recent, stream=False),
        "zones": guards.zones(model, stream=False),
    }
