"""The statements that carry the model: as they must be, and as they stand in the rendered files.  Pure.

All that a pool's backend, a port's binding, a redirect or a line of a map says is compared word for word.  What the
templates say beside it is recognised by its section and first words (SKELETON) and left out, so that an operator's template
may tune it; what is neither is reported, and refused by readback.verify().
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.haproxy import entrance, guards, shape, tokens
from confgen.proxies.haproxy.quote import period
from confgen.proxies.proxy import Caps
from confgen.readback import Statement, Structure, within
from confgen.recent import Recent
from confgen.settings import Frame
from confgen.snippets import Mistake, Snippet, only, placed
from confgen.users import Hash
from confgen.values import Text

_MAIN = "haproxy.cfg"
#: Words that open a section.
SECTIONS = frozenset({
    *("acme", "backend", "cache", "crt-store", "defaults", "dynamic-update", "fcgi-app", "frontend", "global", "http-errors"),
    *("listen", "log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist"),
})  # fmt: skip

#: Statements that carry nothing of the model, by kind of section: how they start.  Nothing here can send a request anywhere,
#: open a port, run a program or read another file.
SKELETON: Mapping[str, tuple[str, ...]] = {
    "global": (
        *("default-path config", "set-var proc.confgen ", "log ", "hard-stop-after ", "fd-hard-limit "),
        *("expose-experimental-directives", "maxconn ", "nbthread ", "thread-groups ", "cpu-map ", "cpu-policy ", "tune."),
        *("ssl-default-bind-", "ssl-default-server-", "log-tag ", "log-send-hostname", "spread-checks ", "close-spread-time "),
        *("busy-polling", "node ", "description "),
    ),
    "defaults": (
        *("mode ", "log ", "log-format ", "option ", "no option ", "no log", "retry-on ", "retries ", "timeout ", "maxconn "),
        *(
            "http-error status 503 content-type text/plain string ",
            "balance roundrobin ",
            "hash-type ",
            "http-reuse ",
            "compression ",
            "unique-id-",
        ),
    ),
    "resolvers": ("nameserver dns 127.0.0.11:53", "resolve_retries ", "timeout ", "hold ", "accepted_payload_size "),
    "frontend": (
        *(
            "http-request deny ",
            "http-request disable-l7-retry",
            "http-request set-var(txn.",
        ),
        *("http-request del-header ", "http-request set-header ", "http-request capture "),
        *("http-response del-header ", "http-response set-header ", "option ", "log-format ", "maxconn ", "compression "),
    ),
    "backend": ("option ",),
}


def expected(model: Model, caps: Caps, frame: Frame, recent: Recent) -> Structure:
    """What must stand in the files, made without the templates."""
    model = recent.once(shape.ports, model, frame, recent)
    found = [Statement((), tuple(words.split(" "))) for words in _shared(model)]
    for users in guards.user_lists(model):
        found += _section(f"userlist {users.name}", (("user", u.name, "password", u.hash.digest) for u in users.users))
    for table in guards.tables(model):
        counted = f"stick-table type ipv6 size 100k expire {period(table.expire)} store {table.counts}"
        found += _section(f"backend {table.name} from confgen:http", [tuple(counted.split(" "))])
    every = only(frame.snippets, "haproxy", "frontend")
    for front in recent.once(shape.fronts, model, caps, frame):
        title = f"frontend {front.name} from confgen:{'http' if front.web else front.protocol}"
        found += _section(title, (*_front(front), *_own(every if front.web else None, "frontend")))
    own, said = placed(frame.snippets, "haproxy", "backend"), recent.over(_pool)
    for back in recent.once(shape.backs, model, recent):
        found += _pool(back, own[back.name]) if back.name in own else said(back)
    for name, statements in _answers(model, frame):
        found += _section(f"backend {name} from confgen:http", statements)
    found += _placed(("global",), _own(only(frame.snippets, "haproxy", "global"), "global"))
    found += _statements(_own_lines(only(frame.snippets, "haproxy", "haproxy")))
    return (*found, *_maps(model, recent), *_certificates(model, frame))


def _own_lines(snippet: Snippet | None) -> list[tuple[bytes, ...]]:
    """The words of each line of the operator's own text."""
    return tokens.lines(snippet.text.encode()) if snippet else []


def _own(snippet: Snippet | None, section: str) -> list[tuple[str, ...]]:
    """Without skeleton."""
    said = (tuple(map(_text, words)) for words in _own_lines(snippet))
    return [words for words in said if not _skeleton((section,), words)]


def mistake(snippet: Snippet) -> Mistake | None:
    """Why a snippet cannot stand where it is meant to: it opens a section of its own, or says what the model says."""
    sections = snippet.place[0] == "haproxy"
    inside = False
    for number, line in enumerate(snippet.text.encode().split(b"\n"), 1):
        try:
            words = tuple(map(_text, tokens.words(line)))
        except RefusedText as error:
            return Mistake(snippet, error.message.removeprefix(f"{tokens.READING}: "), number)
        if words and words[0] in SECTIONS and not sections:
            return Mistake(snippet, f'"{words[0]}" begins a section: a snippet stays inside its own', number)
        inside = inside or bool(words and words[0] in SECTIONS)
        if words and not inside and sections:
            return Mistake(snippet, f'"{words[0]}" stands in no section', number)
        ours = bool(words[1:]) and words[0] in SECTIONS and words[1].startswith(("confgen:", "port:", "redirect:"))
        if ours or any(map(entrance.SETS.match, words[1:3])) or "proc.confgen" in words[1:2]:
            return Mistake(snippet, f'"{" ".join(words[:2])}" is said by confgen, which reads it back', number)
    return None


def _shared(model: Model) -> list[str]:
    return ["global", "defaults confgen:http", "defaults confgen:tcp", *(["resolvers docker"] if shape.resolves(model) else [])]


def _section(title: str, statements: Iterable[tuple[str, ...]]) -> list[Statement]:
    words = tuple(title.split(" "))
    return [Statement((), words), *_placed(words, statements)]


def _placed(section: tuple[str, ...], statements: Iterable[tuple[str, ...]]) -> Iterator[Statement]:
    """With its place among its like, where what comes first holds: the rules of a backend, and what a port does to requests."""
    places: Counter[str] = Counter()
    for words in statements:
        part = entrance.part(words) if section[0] == "frontend" else ""
        ordered = words[0] in _ORDERED.get(section[0], ())
        places[part] += ordered
        yield Statement((section, *within(part), *([(str(places[part]),)] if ordered else [])), words)


_ORDERED: Mapping[str, tuple[str, ...]] = {
    "backend": ("http-request", "http-response", "http-after-response"),
    "frontend": ("tcp-request", "http-request", "http-response"),
}


def _front(front: shape.Front) -> Iterator[tuple[str, ...]]:
    for bind in front.binds:
        yield ("bind", *bind.split(" "))
    if not front.web:
        yield ("timeout", "client", period(front.idle))
        yield from _acl(front.acls)
        for condition in front.refused:
            yield ("tcp-request", "connection", "reject", "if", *condition.split(" "))
        if front.table:
            yield ("tcp-request", "connection", "track-sc0", "src", "table", front.table)
            yield ("tcp-request", "connection", "reject", "if", "{", "sc_conn_cur(0)", "gt", str(front.most), "}")
        yield ("default_backend", front.backend) if front.backend else ("tcp-request", "connection", "reject")
        return
    yield from entrance.entrance(front)
    yield ("use_backend", "%[var(txn.match),word(2, )]", *["if", "{", "var(txn.match)", "-m", "found", "}"])
    yield ("default_backend", shape.NOT_FOUND)


def _pool(back: shape.Back, snippet: Snippet | None = None) -> list[Statement]:
    title = f"backend {back.name} from confgen:{'tcp' if back.protocol == 'tcp' else 'http'}"
    return _section(title, (*_back(back), *_own(snippet, "backend")))


def _back(back: shape.Back) -> Iterator[tuple[str, ...]]:
    stream = back.protocol == "tcp"
    settings = (
        (True, f"balance {back.balance}"),
        (back.cookie, f"cookie {back.cookie} insert indirect nocache httponly attr SameSite=Lax"),
        (back.retries != 2, f"retries {back.retries}"),
        (back.connect != 500, f"timeout connect {period(back.connect)}"),
        (back.silence != 60_000, f"timeout server {period(back.silence)}"),
        (back.silence != 60_000 and not stream, f"timeout tunnel {period(back.silence)}"),
    )
    for given, words in settings:
        if given:
            yield tuple(words.split(" "))
    yield from _acl(back.acls)
    yield from _rules(back.rules)
    for server in back.servers:
        yield tuple(server_words(server))


def _acl(acls: tuple[guards.Acl, ...]) -> Iterator[tuple[str, ...]]:
    return (("acl", acl.name, "src", "--", *acl.networks) for acl in acls)


def _rules(rules: tuple[shape.Rule, ...]) -> Iterator[tuple[str, ...]]:
    for rule in rules:
        condition = f"if {{ var(txn.route) -m str -- {rule.route} }} {{ fe_name {rule.front} }} {rule.also}".strip()
        value = rule.value.raw if isinstance(rule.value, Text) else rule.value
        yield (f"http-{rule.of}", *rule.action.split(" "), *([value] if value else []), *condition.split(" "))


def server_words(server: shape.Line) -> list[str]:
    """The line of one server, as words: in the file, and for `add server`."""
    words = ["server-template", server.name, str(server.slots)] if server.slots > 1 else ["server", server.name]
    words += [server.address, "weight", str(server.weight)]
    words += ["maxconn", str(server.most)] if server.most else []
    words += ["backup"] if server.backup else []
    words += ["cookie", server.cookie] if server.cookie else []
    words += server.transport.split(" ") if server.transport else []
    words += ["slowstart", period(server.slow)] if server.slow else []
    words += ["resolvers", "docker", "resolve-prefer", "ipv4", "init-addr", "none"] if server.slots else []
    return words + (["disabled"] if server.disabled else [])


def _answers(model: Model, frame: Frame) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    answer = ("http-request", "return", "status")
    plain = ("content-type", "text/plain", "string")
    yield shape.NOT_FOUND, [(*answer, "404", *plain, "404 Not Found: nothing is served here\n")]
    if shape.withholds(model):
        yield shape.WITHHELD, [(*answer, "503", *plain, "503 Service Unavailable\n", "hdr", "Retry-After", "60")]
    if location := shape.secures(model, frame):
        yield shape.SECURE, [("http-request", "redirect", "location", location, "code", "308")]
    for to in shape.elsewheres(model):
        redirect = ("http-request", "redirect", "location", to.location, "code", str(to.code))
        yield to.name, [*_acl(to.acls), *_rules(to.rules), redirect]


def _maps(model: Model, recent: Recent) -> Iterator[Statement]:
    maps = recent.once(shape.maps, model, recent)
    for position, entry in enumerate(maps.wildcards):
        yield _mapped(entry, _FIRST_WINS, position)
    for name in ("hosts", "exact", "prefixes"):
        yield from map(recent.over(_mapped, f"{name}.map"), getattr(maps, name))
    for position, site in enumerate(guards.strict(model)):
        yield _entry("strict.map", position, site, "1")


def _certificates(model: Model, frame: Frame) -> Iterator[Statement]:
    for entry in shape.certificates(model, frame):
        yield _entry(shape.CERTIFICATES, 0, entry.value, entry.key)


def _mapped(entry: shape.Entry, file: str, position: int = 0) -> Statement:
    return _entry(file, position, entry.key, *entry.value.split(" "))


#: The map in which the order counts.
_FIRST_WINS = "wildcards.map"


def _entry(file: str, position: int, *words: str) -> Statement:
    """A line of a map; where the order counts, its position is part of it."""
    return Statement(((file,), (str(position),)) if file == _FIRST_WINS else ((file,),), words)


#: Where a backend begins: HAProxy reads line by line, and a section knows nothing of the one before it.
BEGINS = re.compile(rb"(?<=\n)(?=backend )")


def structure(files: Mapping[str, bytes], recent: Recent) -> Structure:
    """What stands in the files, without what is known to be skeleton.  Raises RefusedText where they cannot be read."""
    found: list[Statement] = []
    if _MAIN not in files:
        raise RefusedText(f"there is no {_MAIN}", "render it from a template too")
    carrying = recent.over_texts(_carrying)
    for part in BEGINS.split(files[_MAIN]):
        found += carrying(part)
    for name, content in sorted(files.items()):
        if name == _FIRST_WINS:
            found += _listed(content, name)
        elif name != _MAIN:
            found += chain.from_iterable(map(recent.over_texts(_listed, name), content.split(b"\n")))
    return tuple(found)


def _listed(text: bytes, file: str) -> Structure:
    """What lines of a map say."""
    return tuple(_entry(file, position, *map(_text, words)) for position, words in enumerate(tokens.entries(text)))


def lines(files: Mapping[str, bytes]) -> dict[Statement, tuple[str, int]]:
    """Where each statement stands: file and line.  Of a text that can be read."""
    words = ((number, tokens.words(line)) for number, line in enumerate(files[_MAIN].split(b"\n"), 1))
    found = {statement: (_MAIN, number) for statement, number in _numbered(line for line in words if line[1])}
    for name, content in files.items():
        if name != _MAIN:
            for number, line in enumerate(content.split(b"\n"), 1):
                found |= {
                    _entry(name, position, *map(_text, words)): (name, number)
                    for position, words in enumerate(tokens.entries(line))
                }
    return found


def _carrying(part: bytes) -> Structure:
    """What whole sections say, without skeleton."""
    return tuple(_statements(tokens.lines(part)))


def _statements(lines: list[tuple[bytes, ...]]) -> Iterator[Statement]:
    return (statement for statement, _ in _numbered(enumerate(lines)))


def _numbered(lines: Iterable[tuple[int, tuple[bytes, ...]]]) -> Iterator[tuple[Statement, int]]:
    """What lines say, each with its number, without skeleton."""
    section: tuple[str, ...] = ()
    inside: list[tuple[int, tuple[str, ...]]] = []
    for number, line in chain(lines, [(0, (b"",))]):
        words = _unsaid(section, tuple(map(_text, line)))
        if words[0] and words[0] not in SECTIONS:
            inside.append((number, words))
            continue
        carrying = [(at, stray) for at, stray in inside if not _skeleton(section, stray)]
        said = _placed(section, (stray for _, stray in carrying)) if section else (Statement((), stray) for _, stray in carrying)
        yield from zip(said, (at for at, _ in carrying), strict=True)
        section, inside = words, []
        if words[0]:
            yield Statement((), words), number


def _unsaid(section: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """A hash by its digest, as no message may show it."""
    if section[:1] != ("userlist",) or words[0] in SECTIONS or len(words) < 4:
        return words
    return (*words[:3], *(Hash(word).digest for word in words[3:]))


def _skeleton(section: tuple[str, ...], words: tuple[str, ...]) -> bool:
    kind = section[0] if section else ""
    if kind == "frontend" and entrance.belongs(words):
        return False
    return (" ".join(words) + " ").startswith(SKELETON.get(kind, ()))


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")
