"""What the templates get.  Pure."""

from __future__ import annotations

from confgen.model import Model
from confgen.proxies.haproxy import guards, shape
from confgen.proxies.haproxy.shape import CERTIFICATES
from confgen.proxies.proxy import Caps, Output
from confgen.recent import Recent
from confgen.settings import Frame

OUTPUTS = (
    Output("haproxy/haproxy.cfg.j2", "haproxy.cfg"),
    Output("haproxy/hosts.map.j2", "hosts.map"),
    Output("haproxy/wildcards.map.j2", "wildcards.map"),
    Output("haproxy/exact.map.j2", "exact.map"),
    Output("haproxy/prefixes.map.j2", "prefixes.map"),
    Output("haproxy/strict.map.j2", "strict.map"),
    Output("haproxy/certificates.list.j2", CERTIFICATES),
)


def view(model: Model, caps: Caps, frame: Frame, recent: Recent) -> dict[str, object]:
    """Every name that a template may use, but for `generation` and `part`, which rendering adds."""
    model = recent.once(shape.ports, model, frame)
    maps, backs = recent.once(shape.maps, model, recent), recent.once(shape.backs, model, recent)
    fronts = shape.fronts(model, caps, frame)
    return {
        "branch": ".".join(str(part) for part in caps.version[:2]),
        "caps": sorted(caps.features),
        "access_log": frame.access_log,
        "fronts": fronts,
        "backs": backs,
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
