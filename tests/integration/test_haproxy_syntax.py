"""The real binaries on whatever text can be made, and on whatever a line may hold.

`HAPROXY_FUZZ=20000 pytest tests/integration/test_haproxy_syntax.py` looks longer, with another seed each time.
"""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from confgen.errors import RefusedText
from confgen.model import Model
from confgen.proxies.haproxy import HAPROXY
from confgen.proxies.haproxy.tokens import words
from confgen.render import Renderer
from confgen.settings import Frame
from tests.integration.haproxy_bed import VERSIONS, binaries  # noqa: F401 - the fixture
from tests.unit.haproxy_models import STORY, models
from tests.unit.test_haproxy_tokens import REFUSED, WORDS

ROUNDS = int(os.environ.get("HAPROXY_FUZZ", "0"))
RENDERER = Renderer((), HAPROXY.filters)


def said(binary: Path, file: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run([binary, *options, "-c", "-f", file], check=False, capture_output=True, timeout=30)
    return done.returncode, (done.stdout + done.stderr).decode("latin-1")


def complaint(binary: Path, version: str, model: Model, folder: Path, frame: Frame) -> str:
    """What `haproxy -c` has against the text of a model: warnings count."""
    caps = HAPROXY.caps(version)
    fitted, _ = HAPROXY.fit(model, caps)
    for name, content in RENDERER.render(HAPROXY.outputs, HAPROXY.view(fitted, caps, frame)).files:
        (folder / name).write_bytes(content)
    code, words = said(binary, folder / "haproxy.cfg")
    return words if code or words.strip() not in ("", "Configuration file is valid") else ""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("access_log", ["text", "json", "off"])
def test_the_story_is_valid_without_a_warning(version: str, access_log: str, binaries: dict[str, Path], tmp_path: Path) -> None:
    for model in (STORY, Model()):
        assert complaint(binaries[version], version, model, tmp_path, Frame(access_log=access_log)) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_model_is_valid_without_a_warning(version: str, binaries: dict[str, Path], tmp_path: Path) -> None:
    @settings(
        max_examples=ROUNDS // 100 or 40,
        deadline=None,
        derandomize=not ROUNDS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(models())
    def check(model: Model) -> None:
        assert complaint(binaries[version], version, model, tmp_path, Frame()) == ""

    check()


def cut(binary: Path, lines: list[bytes], folder: Path) -> list[str] | None:
    """Each line as HAProxy has cut it, words joined by a space; None where it refuses to.

    2.6 cannot dump what it has read, but `.notice` says its second word, or its first where it is alone.
    """
    if "2.6" in binary.name:
        some = [_noticed(binary, lines[at : at + 40], folder) for at in range(0, len(lines), 40)]  # it stops at 50 errors
        return None if None in some else [word for found in some for word in found or ()]
    file = folder / "cut.cfg"
    file.write_bytes(b"global\n" + b"".join(b"  description " + line + b"\n" for line in lines) + b"global\n")
    _, out = said(binary, file, "-dC0")
    if REFUSES.search(out):
        return None
    dump = out[out.index("global \n") + 8 :].split("global \n")[0].split("\n")
    return [line[len("\tdescription ") : -1] for line in dump if line.startswith("\t")]


REFUSES = re.compile("unmatched quote|too many words|unmatched brace|hexadecimal")


def _noticed(binary: Path, lines: list[bytes], folder: Path) -> list[str] | None:
    file = folder / "cut.cfg"
    file.write_bytes(b"global\n" + b"".join(b".notice " + line + b"\n" for line in lines) + b"global\n")
    _, out = said(binary, file)
    found = re.findall(r"parsing \[[^]]*\]: (?:Unexpected argument '(.*)' for '\.notice'|'(.*)'\.$)", out, re.MULTILINE)
    return None if REFUSES.search(out) else [second or alone for second, alone in found]


def mine(line: bytes, version: str) -> str | None:
    """What `cut` should say, None for a line that we refuse."""
    try:
        found = words(b"x " + line)[1:]
    except RefusedText:
        return None
    return b" ".join(found[:2][-1:] if version == "2.6" else found).decode("latin-1")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_of_the_unit_tests_is_haproxys(version: str, binaries: dict[str, Path], tmp_path: Path) -> None:
    rows = [row for row, found in WORDS if found and not {b"\n", b"\r"} & {bytes([c]) for word in found for c in word}]
    for row in rows:
        if version == "2.6" and b" ''" in row:
            continue  # 2.6 does not say an empty word
        line = row.removesuffix(b" w")  # the row of 64 words, which has one more here
        assert cut(binaries[version], [line], tmp_path) == [mine(line, version)], line
    for line in (row for row in REFUSED if row.startswith((b"a '", b'a "b', b"w", b"a \\x4", b"a \\xz"))):
        assert cut(binaries[version], [line], tmp_path) is None, line


ALPHABET = [b"a", b"b", b" ", b"  ", b"\t", b"\v", b"\f", b"\r", b"'", b'"', b"\\", b"\\\\", b"\\x41", b"\\x2", b"#", b"\\#", b"$", b"$a",
            b"{", b"}", b"[", b"]", b".", b"-", b"%", b"\xc3\xa9", b"\xff", b"\x01", b"\\t", b"x", b"0", b"n"]  # fmt: skip


def random_lines(seed: int, count: int) -> Iterator[bytes]:
    source = random.Random(seed)
    for _ in range(count):
        yield b"".join(source.choices(ALPHABET, k=source.randint(1, 14)))


@pytest.mark.parametrize("version", VERSIONS)
def test_any_line_is_cut_as_haproxy_cuts_it(version: str, binaries: dict[str, Path], tmp_path: Path) -> None:
    """Lines that we accept are put into one file, so that thousands cost one run; of those we refuse some are tried."""
    seed = random.randrange(1 << 30) if ROUNDS else 1
    lines = list(random_lines(seed, ROUNDS or 3000))
    plain = [(line, found) for line in lines if (found := mine(line, version)) and not set(found) & set("\n\r")]
    assert len(plain) > len(lines) // 4
    found = cut(binaries[version], [line for line, _ in plain], tmp_path)
    assert found is not None, f"seed {seed}: HAProxy refuses a line that we read"
    assert found == [words for _, words in plain], f"seed {seed}"
    stricter = (b"$", b"\\x00", b"''", b'""')  # what HAProxy takes and we do not
    refused = [line for line in lines if mine(line, version) is None and not any(text in line for text in stricter)]
    for line in refused[: max(40, ROUNDS // 50)]:
        assert cut(binaries[version], [line], tmp_path) is None, (seed, line)
