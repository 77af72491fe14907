"""The proxies that are known, each a module of knowledge that fits the Protocol in proxy.py."""

from __future__ import annotations

from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.nginx import NGINX
from confgen.proxies.proxy import Proxy

PROXIES: dict[str, Proxy] = {"nginx": NGINX, "haproxy": HAPROXY}
