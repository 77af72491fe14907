"""Hypothesis strategies for the values of the line: models and instances of any shape that their types allow."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from confgen.model import Listener, Model, Pool, Redirect, Route, Server, ServerState
from confgen.problem import Origin
from confgen.state import Attachment, Exposed, Health, Instance, Mount, Phase
from confgen.values import ALGORITHMS, Address, Balance, Duration, Host, Match, Name, Path, Port, Sticky, Url, Weight, Wildcard
from tests.unit.guards import headers, limits, ranges, users

NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,6}", fullmatch=True).map(Name)
PORTS = st.integers(1, 65535).map(Port)
DURATIONS = st.integers(1, 24 * 86_400_000).map(Duration)
ORIGINS = st.builds(Origin, st.sampled_from(["", "docker", "file"]), st.text(max_size=5), st.text(max_size=5))
HOSTS = st.sampled_from(["a.example", "b.example", "c.d.example"]).map(Host) | st.just(Wildcard("*.example.com"))
PATHS = st.sampled_from(["/", "/api", "/api/v1", "/caf%C3%A9", "/a%20b"]).map(Path)
MATCHES = st.builds(Match, PATHS, st.booleans())
BALANCES = st.builds(Balance, st.sampled_from(ALGORITHMS[:-2])) | st.builds(Balance, st.sampled_from(ALGORITHMS[-2:]), NAMES)
STICKIES = st.none() | st.just(Sticky("source")) | st.builds(Sticky, st.just("cookie"), NAMES)


def tuples(items: SearchStrategy[object], least: int = 0) -> SearchStrategy[tuple[object, ...]]:
    """Sorted by name, each name once, as the model promises."""
    listed = st.lists(items, min_size=least, max_size=3, unique_by=lambda item: item.name)  # type: ignore[attr-defined]
    return listed.map(lambda found: tuple(sorted(found, key=lambda item: item.name)))  # type: ignore[attr-defined]


SERVERS = st.builds(
    Server, name=NAMES, address=st.sampled_from(["10.0.0.2", "fd00::2", "web"]).map(Address), port=PORTS, weight=st.integers(0, 256).map(Weight), backup=st.booleans(),
    state=st.sampled_from(ServerState), max_connections=st.none() | st.integers(1, 1000), resolve=st.booleans(), why=st.sampled_from(["", "paused"]), origin=ORIGINS,
)  # fmt: skip
POOLS = st.builds(
    Pool, name=NAMES, protocol=st.sampled_from(["http", "https", "h2c", "grpc", "grpcs", "tcp", "udp"]), servers=tuples(SERVERS), balance=BALANCES, sticky=STICKIES,
    retry=st.integers(0, 100), connect=DURATIONS, drain=st.integers(0, 60_000).map(Duration), origin=ORIGINS,
)  # fmt: skip
REDIRECTS = st.builds(Redirect, st.just(Url("https://a.example/x?y=1")), st.sampled_from([301, 302, 303, 307, 308]))
ROUTES = st.builds(
    Route, name=NAMES, hosts=st.sets(HOSTS).map(lambda hosts: tuple(sorted(hosts))), match=MATCHES, pool=st.none() | NAMES, redirect=st.none() | REDIRECTS,
    withheld=st.sampled_from(["", "auth.basic"]), strip=st.booleans(), rewrite=st.none() | PATHS, read=DURATIONS, send=DURATIONS, idle=DURATIONS, allow=ranges, deny=ranges, users=users, limits=limits, request_headers=headers, response_headers=headers, origin=ORIGINS,
)  # fmt: skip
LISTENERS = st.builds(Listener, name=NAMES, port=PORTS, protocol=st.sampled_from(["http", "tcp", "udp"]), routes=tuples(ROUTES))
#: Any model that the types allow; not every one of them comes from labels.
MODELS = st.builds(Model, tuples(LISTENERS), tuples(POOLS))

INSTANCES = st.builds(
    Instance, name=NAMES, source=st.sampled_from(["docker", "file"]), id=st.text("0123456789abcdef", max_size=8), labels=st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(lambda d: tuple(sorted(d.items()))),
    phase=st.sampled_from(Phase), health=st.sampled_from(Health), attachments=st.lists(st.builds(Attachment, NAMES, st.text(max_size=4), st.text(max_size=4)), max_size=2).map(tuple),
    network_mode=st.text(max_size=5), exposed=st.lists(st.builds(Exposed, st.integers(1, 65535), st.sampled_from(["tcp", "udp"])), max_size=2).map(tuple),
    mounts=st.lists(st.builds(Mount, st.text(max_size=4), st.text(max_size=4), st.text(max_size=4)), max_size=2).map(tuple), created=st.integers(0, 2**40), stopping=st.booleans(), image=st.text(max_size=4), host_name=st.text(max_size=4), origin=ORIGINS,
)  # fmt: skip
