"""Containers of which each kind of label is on one: what templates are tried on where there is nothing else to try them on."""

from __future__ import annotations

from collections.abc import Mapping

from confgen.settings import LabelSettings
from confgen.snippets import Snippets, placed
from confgen.state import Attachment, Instance, Phase, Snapshot, State

_ROUTES: Mapping[str, Mapping[str, str]] = {
    "site": {"host": "site.example.com", "port": "80"},
    "replica": {
        "host": "site.example.com",
        "port": "80",
        "pool": "replicas",
        "path": "/shared",
        "weight": "3",
        "sticky": "cookie",
    },
    "api": {
        "host": "site.example.com, api.example.com",
        "path": "/api",
        "strip-prefix": "true",
        "port": "8080",
        "timeout.read": "5m",
    },
    "exact": {"host": "site.example.com", "path": "=/status", "rewrite": "/healthz", "port": "80", "balance": "leastconn"},
    "wildcard": {"host": "*.example.org", "port": "80", "balance": "source"},
    "moved": {"host": "old.example.com", "redirect": "https://site.example.com/new", "redirect.code": "301"},
    "inside": {"host": "inside.example.com", "port": "80", "allow": "10.0.0.0/8", "deny": "10.6.6.0/24"},
    "headers": {"host": "headers.example.com", "port": "80", "header.response.X-Robots-Tag": 'noindex; $x %y "z"'},
    "limited": {
        "host": "limited.example.com",
        "port": "80",
        "limit.rate": "10r/s",
        "limit.burst": "20",
        "limit.connections": "10",
        "limit.body": "10m",
    },
    "shut": {"host": "shut.example.com", "port": "80", "auth.unknown": "x"},
    "tls": {"host": "backend.example.com", "port": "8443", "scheme": "https", "max-connections": "10", "backup": "true"},
    "database": {"tcp.3306": "3306", "balance": "first"},
    "names": {"udp.53": "53"},
}


def states(labels: LabelSettings, snippets: Snippets = ()) -> dict[str, State]:
    """Worlds by name: none, one container, one of each kind and one for each snippet, and the same with nobody who answers."""
    asked = {**{name: (name, said) for name, said in _ROUTES.items()}, **_for(snippets)}
    every = tuple(_instance(*told, number, labels) for number, told in enumerate(asked.values(), 2))
    stopped = tuple(_instance(*told, number, labels, Phase.PAUSED) for number, told in enumerate(asked.values(), 2))
    worlds = {"no container": (), "one container": every[:1], "one of each kind": every, "nobody answers": stopped}
    return {name: State.of((Snapshot("samples", instances),)) for name, instances in worlds.items()}


def _for(snippets: Snippets) -> dict[str, tuple[str, Mapping[str, str]]]:
    """A container for each host, route and pool that a snippet is for: its name and its labels."""
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for host in placed(snippets, "nginx", "server"):
        found[f"server {host}"] = (f"host-{len(found)}", {"host": host, "port": "80"})
    for route in placed(snippets, "nginx", "location"):
        group, _, name = route.rpartition(".")
        own = f"routes.{name}." if name != "default" else ""
        found[f"location {route}"] = (group, {f"{own}host": f"route-{len(found)}.example.com", f"{own}port": "80"})
    for pool in placed(snippets, "haproxy", "backend"):
        found[f"backend {pool}"] = (f"pool-{len(found)}", {"host": f"pool-{len(found)}.example.com", "port": "80", "pool": pool})
    return found


def _instance(name: str, said: Mapping[str, str], number: int, labels: LabelSettings, phase: Phase = Phase.RUNNING) -> Instance:
    return Instance(
        name=name,
        source="samples",
        phase=phase,
        labels=tuple(sorted((f"{labels.prefix}.{key}", text) for key, text in said.items())),
        attachments=(Attachment("front", f"10.0.{number // 250}.{number % 250}"),),
        created=number,
    )
