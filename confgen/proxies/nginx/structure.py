"""The statements that carry the model: made from the model, and read back from the text.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.nginx import shape
from confgen.proxies.nginx.caps import modules_path
from confgen.proxies.nginx.doors import Door, doors
from confgen.proxies.nginx.quote import DOLLAR
from confgen.proxies.nginx.skeleton import belongs
from confgen.proxies.nginx.tokens import Unreadable, statements
from confgen.proxies.proxy import Caps
from confgen.readback import Statement, Structure
from confgen.secure import opened
from confgen.settings import Frame
from confgen.values import Text

MAIN = "nginx.conf"
Words = tuple[str, ...]

#: Behind the names of a server block that listens for TLS; no name of a host has parentheses.
_TLS = "(tls)"
#: Stands for the generation, which is a digest over the text and so not known to the model.
GENERATION = "<generation>"


def structure(files: Mapping[str, bytes]) -> Structure:
    """Every statement of the text that is not skeleton.  Raises RefusedText where nginx could not read it."""
    try:
        found = tuple(_walk(files[MAIN]))
    except (Unreadable, KeyError) as error:
        raise RefusedText(
            f"the rendered {MAIN} cannot be read: {error}", "a template prints something that nginx would refuse"
        ) from error
    # Headers that an operator adds are free; one that stands in place of the server's is a label's.
    hidden = {(s.blocks, s.words[1].lower()) for s in found if s.words[0].endswith("_hide_header") and len(s.words) > 1}
    ours = {s for s in found if s.words[0] == "add_header" and len(s.words) > 1 and (s.blocks, s.words[1].lower()) in hidden}
    return tuple(_unnamed(s) for s in found if s in ours or not belongs(s))


@dataclass(slots=True)
class _Block:
    """A block while it is read: its words, and what a server block is known by (its names and whether over TLS, or its first listen)."""

    words: Words
    names: Words = ()
    listen: Words = ()
    tls: bool = False
    rules: int = 0

    @property
    def known(self) -> Words:
        if self.words != ("server",):
            return self.words
        return (*self.words, *(self.names or self.listen), *([_TLS] if self.tls else []))

    def note(self, words: Words) -> None:
        if words[0] == "server_name":
            self.names += words[1:]
        elif words[0] == "listen":
            self.listen = self.listen or words[1:]
            self.tls = self.tls or "ssl" in words[2:]

    def place(self, words: Words) -> Words:
        """With its place among its like, where the first that fits is obeyed."""
        if words[0] not in ("allow", "deny"):
            return words
        self.rules += 1
        return (*words, str(self.rules))


def _walk(text: bytes) -> Iterator[Statement]:
    """Blocks are statements too: an empty one would not be seen otherwise.

    A server block is called by its names, so that a location that strayed into another one is seen.
    """
    blocks: list[_Block] = []
    found: list[tuple[tuple[_Block, ...], Words | _Block]] = []
    for raw, end in statements(text):
        words = tuple(word.decode("utf-8", "surrogateescape") for word in raw)
        if end == "}":
            if not blocks:
                raise Unreadable('a "}" too many')
            blocks.pop()
            continue
        for block in blocks[-1:]:
            block.note(words)
            words = block.place(words)
        here = tuple(blocks)
        if end == "{":
            blocks.append(_Block(words))
        found.append((here, blocks[-1] if end == "{" else words))
    if blocks:
        raise Unreadable(f'a "}}" is missing for {blocks[-1].words[0]}')
    for around, what in found:
        yield Statement(tuple(block.known for block in around), what.known if isinstance(what, _Block) else what)


def _unnamed(statement: Statement) -> Statement:
    """The answer that names the generation, without the name."""
    inside = statement.blocks[-1:] == (("location", "=", "/.confgen/generation"),)
    names = statement.words[:2] == ("return", "200") and len(statement.words) == 3
    if inside and names and re.fullmatch(r"skeleton|[0-9a-f]{16}", statement.words[2], re.ASCII):
        return Statement(statement.blocks, ("return", "200", GENERATION))
    return statement


def expected(model: Model, caps: Caps, frame: Frame) -> Structure:
    """The same from the model alone."""
    model = opened(model, frame)
    ways, ports = doors(model, caps, frame), shape.ports(model, caps, frame)
    found = [*_plain((), ("events",), ("http",), *([("stream",)] if ports else []))]
    found += _plain((), *([_module(caps)] if ports and "stream" not in caps.features else []))
    http: tuple[Words, ...] = (("http",),)
    found += _plain(http, ("keepalive_timeout", "60s"), *shape.defaults("proxy"))
    if any(at.to and at.to.module == "grpc" for door in ways for site in door.sites for at in site.locations):
        found += _plain(http, *shape.defaults("grpc"))
    for upstream in shape.upstreams(model, caps, stream=False):
        found += _upstream(http, upstream)
    for door in ways:
        found += _site(http, replace(door, listens=tuple(f"{at} default_server" for at in door.listens)), _UNKNOWN)
        for site in door.sites:
            found += _site(http, door, site)
    found += _control(http, frame)
    for upstream in shape.upstreams(model, caps, stream=True):
        found += _upstream((("stream",),), upstream)
    for port in ports:
        found += _port(port)
    return tuple(found)


_UNKNOWN = shape.Site(("_",), (shape.Location("", "/", "-", shape.Answer(404, shape.NOT_FOUND)),))


def _plain(blocks: tuple[Words, ...], *statements: Words) -> Iterator[Statement]:
    return (Statement(blocks, words) for words in statements)


def _block(blocks: tuple[Words, ...], words: Words, *inside: Words) -> list[Statement]:
    return [Statement(blocks, words), *_plain((*blocks, words), *inside)]


def _module(caps: Caps) -> Words:
    return ("load_module", f"{modules_path(caps)}/ngx_stream_module.so")


def _upstream(blocks: tuple[Words, ...], upstream: shape.Upstream) -> list[Statement]:
    directives = (("zone", upstream.zone), ("resolver", upstream.resolver), ("", upstream.method), ("sticky", upstream.sticky))
    return _block(
        blocks,
        ("upstream", upstream.name),
        *(_words(f"{name} {value}") for name, value in directives if value),
        *(_words(f"server {server.address} {server.parameters}") for server in upstream.servers),
    )


def _words(line: str) -> Words:
    return tuple(line.split())


def _site(blocks: tuple[Words, ...], door: Door, site: shape.Site) -> list[Statement]:
    server = ("server", *site.names, *([_TLS] if door.tls else []))
    found = _block(blocks, server, *(("listen", *at.split()) for at in door.listens), ("server_name", *site.names))
    found += _plain((*blocks, server), *_door(door, site))
    for location in site.locations:
        found += _location((*blocks, server), location)
    return found


def _door(door: Door, site: shape.Site) -> Iterator[Words]:
    if door.http2:
        yield ("http2", "on")
    if site.certificate:
        yield from ((name, site.certificate) for name in ("ssl_certificate", "ssl_certificate_key"))
    elif door.tls:
        yield ("ssl_reject_handshake", "on")


def _location(blocks: tuple[Words, ...], location: shape.Location) -> list[Statement]:
    words = ("location", *([location.modifier] if location.modifier else []), location.path)
    inside: list[Words] = [("set", "$confgen_route", location.route)]
    if location.answer:
        told = location.answer.url or location.answer.text.replace("$", DOLLAR)
        inside.append(("return", str(location.answer.code), told))
    if location.to:
        inside += _pass(location.to)
    return _block(blocks, words, *inside, *_access(location.access))


def _access(access: shape.Directives) -> Iterator[Words]:
    return ((*directive, str(place)) for place, directive in enumerate(access, 1))


def _pass(to: shape.Pass) -> list[Words]:
    optional: tuple[Words, ...] = (
        ("rewrite", *to.rewrite, "break") if to.rewrite else (),
        ("set", "$confgen_server", to.target) if to.target else (),
        ("proxy_http_version", "2") if to.http2 else (),
    )
    passed = (f"{to.module}_pass", to.url)
    return [*(words for words in optional if words), *to.timeouts, *_headers(to), passed]


def _headers(to: shape.Pass) -> Iterator[Words]:
    for name, value in to.told:
        yield (f"{to.module}_set_header", name, _expanded(value) if isinstance(value, Text) else value)
    for name, text in to.answered:
        yield (f"{to.module}_hide_header", name)
        if text.raw:
            yield ("add_header", name, _expanded(text), "always")


def _expanded(text: Text) -> str:
    return text.raw.replace("$", DOLLAR)


def _control(blocks: tuple[Words, ...], frame: Frame) -> list[Statement]:
    if not frame.followed:
        return []
    listen = f"unix:{frame.directory}/run/nginx.sock"
    server = ("server", listen)
    return [
        *_block(blocks, server, ("listen", listen), ("access_log", "off")),
        *_block((*blocks, server), ("location", "=", "/.confgen/generation"), ("return", "200", GENERATION)),
        *_block((*blocks, server), ("location", "/"), ("return", "404")),
    ]


def _port(port: shape.Port) -> list[Statement]:
    inside: list[Words] = [*(("listen", *at.split()) for at in port.listens), ("set", "$confgen_route", port.route)]
    if port.target:
        inside += [("set", "$confgen_server", port.target), ("proxy_pass", "$confgen_server")]
    else:
        inside.append(("proxy_pass", port.upstream) if port.upstream else ("return", ""))
    return _block((("stream",),), ("server", *port.listens[0].split()), *inside, *port.timeouts, *_access(port.access))
