# ruff: noqa: F811 - a fixture's name is an argument's name
"""`nginx -t` of each version on generated models, and our tokenizer against nginx's own reading.

CONFGEN_FUZZ=50 makes both fifty times as long.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.nginx import NGINX
from confgen.proxies.nginx.structure import structure
from confgen.proxies.nginx.tokens import Unreadable, statements
from confgen.readback import verify
from confgen.recent import Recent
from confgen.render import Renderer
from confgen.settings import Frame
from confgen.values import Header, Name, Text
from tests.integration.nginx_bed import VERSIONS, binaries, free_port, model, pool, route, server  # noqa: F401 - a fixture
from tests.unit.nginx_models import models

LENGTH = int(os.environ.get("CONFGEN_FUZZ", "1"))
RENDERER = Renderer((), NGINX.filters)


def refusal(binary: Path, text: bytes, folder: Path) -> str:
    """What nginx says against a text, "" when it takes it."""
    path = folder / "t.conf"
    path.write_bytes(text)
    done = subprocess.run([binary, "-t", "-q", "-c", path, "-g", f"pid {folder}/pid;"], capture_output=True, check=False)
    return "" if done.returncode == 0 and not done.stderr else done.stderr.decode("utf-8", "replace") or "no reason given"


def rendered(made: Model, binary: Path, folder: Path) -> bytes:
    said = subprocess.run([binary, "-V"], capture_output=True, check=True).stderr.decode()
    caps = NGINX.caps(said)
    frame = Frame(http_port=free_port(), directory=PurePosixPath(folder))
    fitted, _ = NGINX.fit(made, caps)
    files = RENDERER.render(NGINX.outputs, NGINX.view(fitted, caps, frame), NGINX.secrets(fitted)).as_dict()
    verify(NGINX.expected(fitted, caps, frame), NGINX.structure(files))
    (folder / "run").mkdir(exist_ok=True)
    return files["nginx.conf"]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("t")


@pytest.mark.parametrize(("letters", "protocol", "written"), [(46, "grpc", True), (47, "grpc", False), (64, "http", True)])
@pytest.mark.parametrize("where", ["request_headers", "response_headers"])
def test_a_header_name_is_as_long_as_the_module_has_room_for(
    newest_binary: Path, folder: Path, letters: int, protocol: str, written: bool, where: str
) -> None:
    name = f"X-{'a' * (letters - 2)}"
    more = {where: (Header(Name(name), Text("a")),)}
    made = model(route("a.grpc", "a.test", to="g", **more), pool("g", server("g", 8080), protocol=protocol))
    text = rendered(made, newest_binary, folder)
    assert refusal(newest_binary, text, folder) == ""
    assert (name.encode() in text) is written


@pytest.fixture
def newest_binary(binaries: dict[str, Path]) -> Path:
    return binaries[VERSIONS[-1]]


@pytest.mark.parametrize("version", VERSIONS)
@given(made=models())
@settings(
    max_examples=40 * LENGTH, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_nginx_takes_every_model_without_a_word(version: str, binaries: dict[str, Path], folder: Path, made: Model) -> None:
    text = rendered(made, binaries[version], folder)
    assert not refusal(binaries[version], text, folder), text.decode()


@pytest.mark.parametrize("version", VERSIONS)
def test_names_at_the_edges_of_the_hash_buckets(version: str, binaries: dict[str, Path], folder: Path) -> None:
    for length in (45, 46, 47, 109, 110, 111, 238, 239, 253):
        name = ".".join(["a" * 60] * 3 + ["b" * 63])[: length - 5] + ".test"
        made = model(
            route("a", name.replace("..", ".a"), redirect=None, withheld="x"),
            route("b", f"*.{'c' * (length % 60)}.test", withheld="x"),
        )
        assert not refusal(binaries[version], rendered(made, binaries[version], folder), folder), length


@pytest.mark.parametrize("version", VERSIONS)
def test_big_pools_fit_into_their_zones(version: str, binaries: dict[str, Path], folder: Path) -> None:
    for count in (31, 32, 63, 64, 127, 300):
        servers = [server(f"web-{i:03}", 18080, f"172.118.{i // 200}.{i % 200 + 1}", max_connections=100) for i in range(count)]
        assert not refusal(
            binaries[version],
            rendered(model(route("a", "a.test", to="p"), pool("p", *servers)), binaries[version], folder),
            folder,
        ), count
    if version == VERSIONS[-1]:
        for count in (15, 16, 31, 32, 100):
            servers = [
                server(f"web-{i:03}", 18080, f"a-rather-long-name-of-a-service-{i}.example.internal", resolve=True)
                for i in range(count)
            ]
            assert not refusal(
                binaries[version],
                rendered(model(route("a", "a.test", to="p"), pool("p", *servers)), binaries[version], folder),
                folder,
            ), count


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("count", [32, 33, 100, 1000, 5000])
def test_many_sites(version: str, count: int, binaries: dict[str, Path], folder: Path) -> None:
    pools = [pool(f"p{i:04}", server("s", 80, f"10.1.{i // 250}.{i % 250 + 1}")) for i in range(count)]
    routes = [route(f"r{i:04}", f"site-{i}.example.com *.any-{i}.example.com", to=f"p{i:04}") for i in range(count)]
    assert not refusal(binaries[version], rendered(model(*routes, *pools), binaries[version], folder), folder)


# --- the tokenizer

#: What the fuzz is made of: bytes that mean something, and some that do not.
PIECES = [
    b" ", b"\t", b"\r", b"\n", b";", b"{", b"}", b'"', b"'", b"\\", b"#", b"$", b"${", b")", b"(", b"\x00", b"\x0b", b"\xc3\xa9", b"a", b"b",
    b"x y", b"\\n", b"\\;", b'\\"', b"''", b'""', b" ;", b"} ", b"{}", b"z" * 4093, b"#" + b"c" * 4200,
]  # fmt: skip


#: What nginx says when it cannot read a text, whatever the words mean.
UNREADABLE = ("unexpected", "too long parameter")


def junk(chance: random.Random) -> bytes:
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 12)))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_first_word_is_the_one_that_nginx_reads(version: str, binaries: dict[str, Path], folder: Path) -> None:
    """nginx names a directive that it does not know: our first word has to be that one, or both of us cannot read it."""
    chance = random.Random(f"confgen words {version}")
    seen = {True: 0, False: 0}
    for _ in range(300 * LENGTH):
        text = junk(chance) + chance.choice([b";", b"{", b";;", b" end;", b'";', b""])
        said = refusal(binaries[version], text, folder)
        try:
            words, end = next(iter(statements(text)), ((), ""))
        except Unreadable:
            assert any(word in said for word in UNREADABLE), f"we refuse, nginx says {said!r}: {text!r}"
            seen[False] += 1
            continue
        if words:
            first = words[0].partition(b"\0")[0].decode("utf-8", "replace")
            named = f'unknown directive "{first}" in'[:900]  # nginx cuts its messages
            assert named in said, f"we read {first!r}, nginx says {said!r}: {text!r}"
            seen[True] += 1
        else:
            assert end == "" or any(word in said for word in UNREADABLE), f"we read {end!r}, nginx says {said!r}: {text!r}"
    assert min(seen.values()) > 50, "the fuzz must reach both sides"


@pytest.mark.parametrize("version", VERSIONS)
def test_statements_end_where_nginx_sees_their_end(version: str, binaries: dict[str, Path], folder: Path) -> None:
    """The words of a log_format are free: what we read as log_formats alone, nginx reads so too; what we refuse it refuses."""
    chance = random.Random(f"confgen ends {version}")
    seen = {True: 0, False: 0}
    for _ in range(300 * LENGTH):
        body = (
            b"events{}\nhttp{access_log off;log_format name "
            + junk(chance)
            + chance.choice([b";", b" end;", b'";', b""])
            + b"\n}\n"
        )
        said = refusal(binaries[version], body, folder)
        try:
            alone = not [s for s in structure({"nginx.conf": body}, Recent()) if s.words[0] not in ("events", "http")]
        except RefusedText:
            assert said, f"we refuse, nginx takes: {body!r}"
            seen[False] += 1
            continue
        if alone:
            assert not any(word in said for word in (*UNREADABLE, "unknown directive")), (
                f"we read it, nginx says {said!r}: {body!r}"
            )
            seen[True] += 1
        else:
            assert said, f"we read other statements, nginx takes: {body!r}"
    assert min(seen.values()) > 30, "the fuzz must reach both sides"
