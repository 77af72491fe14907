"""Statements that do not depend on the model: an operator's template may change them, all others must be the model's."""

from __future__ import annotations

import re

from confgen.proxies.nginx.headers import part
from confgen.readback import Statement

#: Tuning that changes no route and opens no door; also allowed in a location.
TUNING = frozenset({
    "add_header", "client_body_buffer_size", "client_max_body_size", "gzip", "gzip_comp_level", "gzip_min_length", "gzip_proxied",
    "gzip_types", "gzip_vary", "proxy_buffer_size", "proxy_buffering", "proxy_buffers", "proxy_busy_buffers_size",
    "proxy_max_temp_file_size", "proxy_request_buffering",
})  # fmt: skip

_HTTP = frozenset({
    "access_log", "client_body_timeout", "client_header_buffer_size", "client_header_timeout", "default_type", "grpc_buffer_size",
    "grpc_next_upstream", "grpc_set_header", "grpc_socket_keepalive", "grpc_ssl_name", "grpc_ssl_server_name",
    "grpc_ssl_verify", "http2", "http2_max_concurrent_streams", "keepalive_min_timeout", "keepalive_requests",
    "large_client_header_buffers", "log_format", "proxy_headers_hash_bucket_size", "proxy_headers_hash_max_size", "proxy_http_version",
    "proxy_next_upstream", "proxy_redirect", "proxy_set_header", "proxy_socket_keepalive", "proxy_ssl_name",
    "proxy_ssl_server_name", "proxy_ssl_verify", "reset_timedout_connection", "resolver", "resolver_timeout", "sendfile",
    "send_timeout", "server_names_hash_bucket_size", "server_names_hash_max_size", "server_tokens", "ssl_ciphers", "ssl_ecdh_curve", "ssl_prefer_server_ciphers",
    "ssl_protocols", "ssl_session_cache", "ssl_session_tickets", "ssl_session_timeout", "tcp_nodelay", "tcp_nopush",
    "types_hash_bucket_size", "types_hash_max_size", "uninitialized_variable_warn",
})  # fmt: skip

#: Directives by the first words of the blocks around them.
SKELETON: dict[tuple[str, ...], frozenset[str]] = {
    (): frozenset({
        "error_log", "user", "worker_cpu_affinity", "worker_priority", "worker_processes", "worker_rlimit_nofile",
        "worker_shutdown_timeout",
    }),
    ("events",): frozenset({"accept_mutex", "multi_accept", "use", "worker_connections"}),
    ("http",): _HTTP | TUNING,
    ("http", "upstream"): frozenset({"keepalive", "keepalive_requests", "keepalive_timeout"}),
    ("http", "server", "location"): TUNING - {"client_max_body_size"},  # there it is a label's
    ("stream",): frozenset({
        "access_log", "log_format", "proxy_next_upstream", "proxy_socket_keepalive", "resolver", "resolver_timeout", "tcp_nodelay",
    }),
}  # fmt: skip

_LOGS = frozenset({"access_log", "error_log"})
_OUTLETS = frozenset({"off", "stderr", "/dev/stdout", "/dev/stderr"})

#: Variables of ours: the maps that make them hold nothing of the model.
_OURS = re.compile(r"\$confgen_(?!(?:ambiguous|dollar)$)[a-z_]+", re.ASCII)


def belongs(statement: Statement) -> bool:
    """Whether the statement is skeleton."""
    if part(statement):
        return False
    around = tuple(block[0] for block in statement.blocks)
    if statement.words[0] in SKELETON.get(around, ()):
        return statement.words[0] not in _LOGS or _goes_out(statement.words[1:])
    if around == ("http",):
        return _own_map(statement.words)
    # Inside a map every first word is a value to compare with, but for this one, which is a directive there too.
    return len(around) == 2 and around[0] == "http" and _own_map(statement.blocks[1]) and statement.words[0] != "include"


def _goes_out(words: tuple[str, ...]) -> bool:
    """A log into a file would grow for ever in the proxy's container, or spoil another file: nginx opens it as root."""
    return bool(words) and (words[0] in _OUTLETS or words[0].startswith("syslog:"))


def _own_map(words: tuple[str, ...]) -> bool:
    return words[0] in ("map", "geo") and _OURS.fullmatch(words[-1]) is not None
