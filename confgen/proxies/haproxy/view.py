"""What the templates get.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from confgen.model import Model
from confgen.proxies.haproxy import guards, shape
from confgen.proxies.haproxy.shape import CERTIFICATES
from confgen.proxies.proxy import Caps, Output
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Snippet, only, placed

OUTPUTS = (
    Output("haproxy/haproxy.cfg.j2", "haproxy.cfg"),
    Output("haproxy/hosts.map.j2", "hosts.map"),
    Output("haproxy/wildcards.map.j2", "wildcards.map"),
    Output("haproxy/exact.map.j2", "exact.map"),
    Output("haproxy/prefixes.map.j2", "prefixes.map"),
    Output("haproxy/strict.map.j2", "strict.map"),
    Output("haproxy/certificates.list.j2", CERTIFICATES),
)


#: What each name is: its type, and what for.  The page of the context is made of it.
NAMES: Mapping[str, tuple[Any, str]] = {
    "access_log": (str, "`text`, `json` or `off`"),
    "ambiguous": (tuple[str, ...], "what a path holds that can be read in two ways"),
    "backs": (tuple[shape.Back, ...], "pools"),
    "branch": (str, "its version, as `3.2`"),
    "caps": (
        tuple[str, ...],
        "what this HAProxy can do, as `init-state`, `openssl`, `ipv6`: write for these and not for a version",
    ),
    "certificates": (tuple[shape.Entry, ...], "which certificate a host is served with: `key` is the host, `value` the file"),
    "elsewheres": (tuple[shape.Elsewhere, ...], "redirects"),
    "exact": (tuple[shape.Entry, ...], "the map of exact paths"),
    "fronts": (tuple[shape.Front, ...], "ports"),
    "hosts": (tuple[shape.Entry, ...], "the map of hosts"),
    "normalises": (bool, "whether any port compares paths"),
    "not_found": (str, "name of the backend that answers 404"),
    "prefixes": (tuple[shape.Entry, ...], "the map of paths"),
    "resolves": (bool, "whether any server is a DNS name"),
    "secure": (str, "name of the backend that redirects to https"),
    "secures": (str, 'where to; "" where nobody is sent there'),
    "snippets": (
        dict[str, Snippet | None],
        "the operator's own text for `global`, `frontend` and `haproxy`, the end of the file",
    ),
    "strict": (tuple[str, ...], "sites on which a path that can be read in two ways is refused"),
    "tables": (tuple[guards.Table, ...], "what is counted of clients"),
    "tls_groups": (str, "the groups for key exchange that its OpenSSL has"),
    "user_lists": (tuple[guards.UserList, ...], "who may log in"),
    "wildcards": (tuple[shape.Entry, ...], "the map of wildcards"),
    "withheld": (str, 'name of the backend that answers 503, "" where nothing is withheld'),
}


def view(model: Model, caps: Caps, frame: Frame, recent: Recent) -> dict[str, object]:
    """Every name that a template may use, but for `generation` and `part`, which rendering adds."""
    model = recent.once(shape.ports, model, frame, recent)
    maps, backs = recent.once(shape.maps, model, recent), recent.once(shape.backs, model, recent)
    fronts, own = recent.once(shape.fronts, model, caps, frame), placed(frame.snippets, "haproxy", "backend")
    return {
        "branch": ".".join(str(part) for part in caps.version[:2]),
        "caps": sorted(caps.features),
        "access_log": frame.access_log,
        "snippets": {kind: only(frame.snippets, "haproxy", kind) for kind in ("global", "frontend", "haproxy")},
        "fronts": fronts,
        "backs": tuple(replace(back, snippet=own[back.name]) if back.name in own else back for back in backs) if own else backs,
        "elsewheres": shape.elsewheres(model),
        "not_found": shape.NOT_FOUND,
        "withheld": shape.WITHHELD if shape.withholds(model) else "",
        "secure": shape.SECURE,
        "secures": shape.secures(model, frame),
        "certificates": shape.certificates(model, frame),
        "tls_groups": ("X25519MLKEM768:" if "mlkem" in caps.features else "") + "X25519:prime256v1:secp384r1",
        "normalises": any(front.paths for front in fronts),
        "resolves": shape.resolves(model),
        "ambiguous": guards.AMBIGUOUS,
        "strict": guards.strict(model),
        "tables": guards.tables(model),
        "user_lists": guards.user_lists(model),
        "hosts": maps.hosts,
        "wildcards": maps.wildcards,
        "exact": maps.exact,
        "prefixes": maps.prefixes,
    }
