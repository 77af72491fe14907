"""The statements that carry the model: made from the model, and read back from the text.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.nginx import guards, shape
from confgen.proxies.nginx.caps import modules_path
from confgen.proxies.nginx.doors import Door, doors
from confgen.proxies.nginx.headers import IGNORED, MAPS, TOLD, UPGRADE
from confgen.proxies.nginx.headers import part as part_of
from confgen.proxies.nginx.quote import DOLLAR
from confgen.proxies.nginx.skeleton import belongs
from confgen.proxies.nginx.tokens import Token, Unreadable, located, statements, unclosed
from confgen.proxies.proxy import Caps
from confgen.readback import Statement, Structure, within
from confgen.recent import Recent
from confgen.secure import opened
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet, only
from confgen.users import Hash
from confgen.values import Text

MAIN = "nginx.conf"
Words = tuple[str, ...]

#: Behind the names of a server block that listens for TLS; no name of a host has parentheses.
_TLS = "(tls)"
#: Stands for the generation, which is a digest over the text and so not known to the model.
GENERATION = "<generation>"


#: Where a block of http or stream ends, as the shipped templates write it.
_ENDS = re.compile(rb"(?<=\n    }\n)")


def structure(files: Mapping[str, bytes], recent: Recent) -> Structure:
    """Every statement of the text that is not skeleton.  Raises RefusedText where nginx could not read it."""
    try:
        return (*_parts(files[MAIN], recent), *_users(files))
    except (Unreadable, KeyError) as error:
        spots = ((MAIN, error.line),) if isinstance(error, Unreadable) and error.line else ()
        raise RefusedText(
            f"the rendered {MAIN} cannot be read: {error}", "a template prints something that nginx would refuse", spots
        ) from error


def _parts(text: bytes, recent: Recent) -> Structure:
    """Read in parts, so that what stood in the last text too is not read again.

    Words, quotes and comments that are whole in each part are the same in the whole text: nginx reads from left to right,
    and each part ends with a line.  Where one is not whole, all is read as one part, which also tells an error's line.
    """
    try:
        first, end, rest = text.partition(b"\n")  # the first line tells the generation, which is another in each text
        return _walk([first + end, *_ENDS.split(rest)], recent)
    except Unreadable:
        if line := unclosed(text):
            raise Unreadable(_UNCLOSED, line) from None
        return _walk([text], recent)


def _walk(parts: Iterable[bytes], recent: Recent) -> Structure:
    around: tuple[Words, ...] = ()
    loose: list[tuple[Token, ...]] = []
    found: list[Statement] = []
    whole_block = {blocks: recent.over_texts(_whole_block, blocks) for blocks in _AROUND}
    for part in parts:
        whole = whole_block[around](part) if around in _AROUND else ()
        found += whole
        if not whole and (tokens := recent.of(_tokens, part)):
            around = recent.of(_after, tokens, around)
            loose.append(tokens)
    if around:
        raise Unreadable(_UNCLOSED)
    return (*recent.of(_loose, tuple(loose)), *found)


def _after(tokens: tuple[Token, ...], around: tuple[Words, ...]) -> tuple[Words, ...]:
    """The blocks that are open after these tokens."""
    reading = _Reading([_Block(words) for words in around])
    reading.take(tokens)
    return tuple(block.words for block in reading.blocks)


def _loose(parts: tuple[tuple[Token, ...], ...]) -> Structure:
    """What is said around the blocks that are read by themselves: the same in nearly all texts."""
    reading = _Reading()
    for tokens in parts:
        reading.take(tokens)
    return _carrying(reading.ended())


_UNCLOSED = 'a "}" is missing for the block that begins here'


def _tokens(part: bytes) -> tuple[Token, ...]:
    return tuple(statements(part))


#: Blocks whose own blocks are read by themselves: they note nothing of what stands in them.
_AROUND: tuple[tuple[Words, ...], ...] = ((("http",),), (("stream",),))


def _whole_block(part: bytes, around: tuple[Words, ...]) -> Structure:
    """What a part says that is one whole `server` or `upstream`; empty for any other."""
    reading = _Reading([_Block(words) for words in around])
    tokens = tuple(statements(part))
    if not tokens or tokens[0][0][:1] not in ((b"server",), (b"upstream",)):
        return ()
    for number, token in enumerate(tokens, 1):
        reading.take([token])
        if len(reading.blocks) <= len(around):
            return _carrying(reading.said()) if number == len(tokens) else ()
    return ()


def _carrying(found: tuple[Statement, ...]) -> Structure:
    """Without skeleton."""
    # Headers that an operator adds are free; one that stands in place of the server's is a label's.
    hidden = {(s.blocks, s.words[1].lower()) for s in found if s.words[0].endswith("_hide_header") and len(s.words) > 1}
    ours = {s for s in found if s.words[0] == "add_header" and len(s.words) > 1 and (s.blocks, s.words[1].lower()) in hidden}
    return tuple(_parted(_unnamed(s)) for s in found if s in ours or not belongs(s))


def _parted(statement: Statement) -> Statement:
    """With the part that it belongs to as a block around it."""
    belonging = part_of(statement)
    return Statement((*statement.blocks, *within(belonging)), statement.words) if belonging else statement


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


@dataclass(slots=True)
class _Reading:
    """A text while it is read: the blocks that are open, and what was said so far, each with the blocks around it.

    Blocks are statements too: an empty one would not be seen otherwise.  A server block is called by its names, so that a
    location that strayed into another one is seen.
    """

    blocks: list[_Block] = field(default_factory=list)
    found: list[tuple[tuple[_Block, ...], Words | _Block]] = field(default_factory=list)

    def take(self, tokens: Iterable[Token]) -> None:
        for raw, end in tokens:
            words = tuple(word.decode("utf-8", "surrogateescape") for word in raw)
            if end == "}":
                if not self.blocks:
                    raise Unreadable('a "}" too many')
                self.blocks.pop()
                continue
            for block in self.blocks[-1:]:
                block.note(words)
                words = block.place(words)
            here = tuple(self.blocks)
            if end == "{":
                self.blocks.append(_Block(words))
            self.found.append((here, self.blocks[-1] if end == "{" else words))

    def said(self) -> tuple[Statement, ...]:
        return tuple(
            Statement(tuple(block.known for block in around), what.known if isinstance(what, _Block) else what)
            for around, what in self.found
        )

    def ended(self) -> tuple[Statement, ...]:
        """All of it, at the end of the text."""
        if self.blocks:
            raise Unreadable(_UNCLOSED)
        return self.said()


def lines(files: Mapping[str, bytes]) -> dict[Statement, tuple[str, int]]:
    """Where each statement stands: file and line.  Of a text that can be read."""
    text, reading = files[MAIN], _Reading()
    starts = []
    for token, start in located(text):
        reading.take((token,))
        if token[1] != "}":
            starts.append(start)
    places = ((MAIN, text.count(b"\n", 0, start) + 1) for start in starts)
    return dict(zip((_parted(_unnamed(said)) for said in reading.said()), places, strict=True))


#: The folder of the generation, in a path.
_FOLDER = re.compile(r"(?<=/generations)/([0-9a-f]{16})/", re.ASCII)


def _users(files: Mapping[str, bytes]) -> Iterator[Statement]:
    """The lines of the users files; a hash by its digest, as no message may show it."""
    for path, content in files.items():
        if path != MAIN:
            for line in content.decode("utf-8", "surrogateescape").splitlines():
                name, _, hashed = line.partition(":")
                yield Statement(((path,),), (name, Hash(hashed).digest))


def _unnamed(statement: Statement) -> Statement:
    """What names the generation, without the name."""
    if statement.words[0] == "auth_basic_user_file":
        return Statement(statement.blocks, tuple(re.sub(_FOLDER, f"/{GENERATION}/", word) for word in statement.words))
    inside = statement.blocks[-1:] == (("location", "=", "/.confgen/generation"),)
    names = statement.words[:2] == ("return", "200") and len(statement.words) == 3
    if inside and names and re.fullmatch(r"skeleton|[0-9a-f]{16}", statement.words[2], re.ASCII):
        return Statement(statement.blocks, ("return", "200", GENERATION))
    return statement


def expected(model: Model, caps: Caps, frame: Frame, recent: Recent) -> Structure:
    """The same from the model alone."""
    lists = guards.users_lists(model)  # as they are written: also those of a route that the port for http withholds
    model = recent.once(opened, model, frame, recent)
    ways, ports = doors(model, caps, frame, recent), shape.ports(model, caps, frame)
    found = [*_plain((), ("events",), ("http",), *([("stream",)] if ports else []))]
    found += _plain((), *([_module(caps)] if ports and "stream" not in caps.features else []))
    http = _HTTP
    found += _plain(http, ("keepalive_timeout", "60s"), *shape.defaults("proxy"))
    if _speaks_grpc(ways):
        found += _plain(http, *shape.defaults("grpc"))
    found += recent.of(_passing, http, _speaks_grpc(ways))
    found += _plain(http, *_zones(model, stream=False))
    if any(site.strict for door in ways for site in door.sites):
        found += _block(http, ("map", "$request_uri", "$confgen_ambiguous"), ("default", ""), (guards.AMBIGUOUS, "1"))
    said = recent.over(_upstream, http)
    for upstream in shape.upstreams(model, caps, recent, stream=False):
        found += said(upstream)
    for door in ways:
        found += _site(_UNKNOWN, http, replace(door, listens=tuple(f"{at} default_server" for at in door.listens)))
        said = recent.over(_site, http, door.bare or door)
        for site in door.sites:
            found += said(site)
    found += _control(http, frame)
    for around, kind in (((), "main"), (http, "http")):
        found += _carrying(_own(around, only(frame.snippets, "nginx", kind)))
    found += _plain((("stream",),), *_zones(model, stream=True))
    for upstream in shape.upstreams(model, caps, recent, stream=True):
        found += _upstream(upstream, (("stream",),))
    for port in ports:
        found += _port(port)
    for path, users in lists.items():
        found += _plain(((path,),), *((str(user.name), user.hash.digest) for user in users))
    return tuple(found)


def _passing(http: tuple[Words, ...], grpc: bool) -> Structure:
    """What holds for whatever is passed on: what servers are told of the client, and what they may say to the proxy."""
    return tuple(map(_parted, _told(http, ("proxy", "grpc") if grpc else ("proxy",))))


def _told(http: tuple[Words, ...], modules: tuple[str, ...]) -> Iterator[Statement]:
    yield from _block(http, ("geo", DOLLAR[:1] + DOLLAR[2:-1]), ("default", "$"))
    for words, inside in MAPS:
        yield from _block(http, words, *inside)
    for module in modules:
        yield from _plain(http, (f"{module}_ignore_headers", *IGNORED))
        for name, value in (*TOLD, *(UPGRADE if module == "proxy" else ())):
            yield from _plain(http, (f"{module}_set_header", name, value))


def _speaks_grpc(ways: Iterable[Door]) -> bool:
    return any(at.to and at.to.module == "grpc" for door in ways for site in door.sites for at in site.locations)


def _own(blocks: tuple[Words, ...], snippet: Snippet | None, rules: int = 0) -> tuple[Statement, ...]:
    """What the operator's own text says inside those blocks, the innermost of which has so many rules of access before it."""
    if snippet is None:
        return ()
    reading = _Reading([_Block(words) for words in blocks])
    for block in reading.blocks[-1:]:
        block.rules = rules
    reading.take(statements(snippet.text.encode()))
    return reading.said()


#: What names a server block, and so must be the model's, by where it stands.
_NAMING = {"server": ("listen", "server_name"), "location": (), "http": (), "main": ()}


def mistake(snippet: Snippet) -> Mistake | None:
    """Why a snippet cannot stand where it is meant to: it is no whole, leaves its block, or says what the model says."""
    raw, depth = snippet.text.encode(), 0
    try:
        for (words, end), start in located(raw):
            line = raw.count(b"\n", 0, start) + 1
            if end == "}":
                depth -= 1
                if depth < 0:
                    return Mistake(snippet, 'a "}" too many: a snippet stays inside its block', line)
                continue
            said = [word.decode("utf-8", "replace") for word in words]
            if depth == 0 and said[0] in _NAMING.get(snippet.place[0], ()):
                return Mistake(snippet, f'"{said[0]}" says which requests come here, and is the labels\' to say', line)
            if said[0] == "set" and said[1:2] and said[1].startswith("$confgen_"):
                return Mistake(snippet, f"{said[1]} is set by confgen, which reads it back", line)
            if end == "{":
                depth += 1
    except Unreadable as error:
        return Mistake(snippet, error.what, error.line)
    return Mistake(snippet, _UNCLOSED, unclosed(raw)) if depth else None


def _zones(model: Model, stream: bool) -> Iterator[Words]:
    return (_words(f"{name} {value}") for name, value in guards.zones(model, stream))


_HTTP: tuple[Words, ...] = (("http",),)
_UNKNOWN = shape.Site(("_",), (shape.Location("", "/", "-", shape.Answer(404, shape.NOT_FOUND)),))


def _plain(blocks: tuple[Words, ...], *statements: Words) -> Iterator[Statement]:
    return (Statement(blocks, words) for words in statements)


def _block(blocks: tuple[Words, ...], words: Words, *inside: Words) -> list[Statement]:
    return [Statement(blocks, words), *_plain((*blocks, words), *inside)]


def _module(caps: Caps) -> Words:
    return ("load_module", f"{modules_path(caps)}/ngx_stream_module.so")


def _upstream(upstream: shape.Upstream, blocks: tuple[Words, ...]) -> list[Statement]:
    directives = (("zone", upstream.zone), ("resolver", upstream.resolver), ("", upstream.method), ("sticky", upstream.sticky))
    return _block(
        blocks,
        ("upstream", upstream.name),
        *(_words(f"{name} {value}") for name, value in directives if value),
        *(_words(f"server {server.address} {server.parameters}") for server in upstream.servers),
    )


def _words(line: str) -> Words:
    return tuple(line.split())


def _site(site: shape.Site, blocks: tuple[Words, ...], door: Door) -> list[Statement]:
    server = ("server", *site.names, *([_TLS] if door.tls else []))
    found = _block(blocks, server, *(("listen", *at.split()) for at in door.listens), ("server_name", *site.names))
    found += _plain((*blocks, server), *_door(door, site))
    if site.strict:
        found += _block((*blocks, server), ("if", "($confgen_ambiguous)"), ("return", "400", guards.AMBIGUOUS_TEXT))
    for location in site.locations:
        found += _location((*blocks, server), location)
    return [*found, *_carrying(_own((*blocks, server), site.snippet))]


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
        inside += _answered("proxy", location.answer.headers)
        inside.append(("return", str(location.answer.code), told))
    if location.to:
        inside += _pass(location.to)
    if location.users:
        folder = f"{location.generations}{GENERATION}/" if location.generations else ""
        inside += [("auth_basic", guards.REALM), ("auth_basic_user_file", folder + location.users)]
    inside += (_words(f"{name} {value}") for name, value in location.limits)
    found = _block(blocks, words, *inside, *_access(location.access))
    if location.snippet is None:
        return found
    return list(_carrying((*found, *_own((*blocks, words), location.snippet, len(location.access)))))


def _access(access: guards.Directives) -> Iterator[Words]:
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
    yield from _answered(to.module, to.answered)


def _answered(module: str, headers: tuple[tuple[str, Text], ...]) -> Iterator[Words]:
    """By being hidden a header is known for one that a label puts in place of the server's."""
    for name, text in headers:
        yield (f"{module}_hide_header", name)
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
    limits = (_words(f"{name} {value}") for name, value in port.limits)
    return _block((("stream",),), ("server", *port.listens[0].split()), *inside, *port.timeouts, *limits, *_access(port.access))
