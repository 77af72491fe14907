"""What is rendered, and texts of templates gone wrong, against the real programs of every version."""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath

from confgen import readback
from confgen.build import build
from confgen.errors import RefusedText
from confgen.model import Model
from confgen.settings import Frame
from confgen.state import Snapshot, State
from confgen.values import Port
from tests.bed import natives
from tests.fuzz import reading, texts
from tests.fuzz.line import SETTINGS, VERSIONS, Side, Tally
from tests.fuzz.worlds import FRONT, labels, world
from tests.integration import test_haproxy_syntax, test_nginx_accepts
from tests.integration.nginx_bed import free_port

#: Containers of a sampled world: the programs take longer than we do, and a small text says better what is wrong.
SIZE = 8


@dataclass(frozen=True, slots=True)
class Program:
    """One real program: "nginx" or "haproxy", its version as "1.30", and its command."""

    proxy: str
    version: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.proxy} {self.version}"


@cache
def programs() -> tuple[Program, ...]:
    """All that the bed has."""
    found = [(native.name.partition("-"), Path(native.path)) for native in natives.build()]
    return tuple(Program(proxy, version, path) for (proxy, _, version), path in found if version in VERSIONS[proxy])


def until(seconds: float) -> Iterator[int]:
    """Numbers from 0, at least one, until the time is over."""
    end, number = time.monotonic() + seconds, 0
    while not number or time.monotonic() < end:
        yield number
        number += 1


# --- worlds that the program has to take


def accepted(program: Program, seed: str, seconds: float) -> Tally:
    """Texts of worlds made by chance: the program takes each without a word against it."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="cgf") as folder:
        for number in until(seconds):
            some = world(f"{seed}/{program.name}/{number}", SIZE)
            complaint = complaint_of(
                program, build(State.of((Snapshot("docker", some),)), FRONT, SETTINGS.labels, SETTINGS.frame).model, Path(folder)
            )
            tally.counts[f"{program.name}: texts"] += 1
            tally.counts[f"{program.name}: labels"] += labels(some)
            if complaint:
                tally.failures.append(
                    (number, f"{program.name} refuses the text of world {seed}/{program.name}/{number}: {complaint[:400]}")
                )
    return tally


def complaint_of(program: Program, model: Model, folder: Path) -> str:
    """What the program has against the text of a model; "" for nothing."""
    if program.proxy == "haproxy":
        return test_haproxy_syntax.complaint(program.path, program.version, model, folder, SETTINGS.frame)
    text = test_nginx_accepts.rendered(_on_free_ports(model), program.path, folder)
    return test_nginx_accepts.refusal(program.path, text, folder)


def _on_free_ports(model: Model) -> Model:
    """nginx -t binds: ports that are free here, and not those of the labels."""
    listeners = tuple(li if li.protocol == "http" else replace(li, port=Port(free_port())) for li in model.listeners)
    return replace(model, listeners=listeners)


# --- templates that do not quote


def unquoted(program: Program, seed: str, seconds: float, one_is_enough: bool = False) -> Tally:
    """Hostile text anywhere in a text: what the program takes and the read-back lets pass says what the model says.

    one_is_enough: ends with the first failure.
    """
    tally = Tally()
    side = _side(program)
    with tempfile.TemporaryDirectory(prefix="cgf") as name:
        folder = Path(name)
        (folder / "run").mkdir()
        frame = replace(SETTINGS.frame, http_port=free_port(), directory=PurePosixPath(folder))
        for number in until(seconds):
            if tally.failures and one_is_enough:
                break
            chance = random.Random(f"confgen unquoted {seed}/{program.name}/{number}")
            model, files = _clean(chance, side, frame)
            for _ in range(50):
                main, text = _spoiled(chance, side, files)
                verdict = _verdict(program, side, model, {**files, main: text}, frame)
                tally.counts[f"{program.name}: {verdict}"] += 1
                if verdict == "ESCAPED":
                    tally.failures.append(
                        (number, f"{program.name} takes what the model does not hold: {_changed(files[main], text)!r}")
                    )
    return tally


def _side(program: Program) -> Side:
    """With what this very program can do."""
    side = Side.of(program.proxy, program.version)
    if program.proxy == "haproxy":
        return side
    said = subprocess.run([program.path, "-V"], capture_output=True, check=True).stderr.decode()
    return replace(side, caps=side.proxy.caps(said))


def _clean(chance: random.Random, side: Side, frame: Frame) -> tuple[Model, dict[str, bytes]]:
    some = world(f"unquoted {chance.random()}", 3)
    model = _on_free_ports(build(State.of((Snapshot("docker", some),)), FRONT, SETTINGS.labels, frame).model)
    model, _ = side.proxy.fit(model, side.caps)
    return model, side.renderer.render(
        side.proxy.outputs, side.proxy.view(model, side.caps, frame), side.proxy.secrets(model)
    ).as_dict()


def _spoiled(chance: random.Random, side: Side, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Hostile text at the end of a word of a line that is not a comment, as a template prints what it does not quote."""
    main = chance.choice([name for name, content in files.items() if _spoilable(content)])
    lines = files[main].split(b"\n")
    at = chance.choice(_spoilable(files[main]))
    words = lines[at].split(b" ")
    word = chance.choice([n for n, said in enumerate(words) if said])
    payload = "".join(chance.choice(texts.HOSTILE) for _ in range(chance.choice((1, 1, 2, 3))))
    words[word] = words[word].rstrip(b";") + payload.encode("utf-8", "replace") + (b";" if words[word].endswith(b";") else b"")
    lines[at] = b" ".join(words)
    return main, b"\n".join(lines)


def _spoilable(content: bytes) -> list[int]:
    return [n for n, line in enumerate(content.split(b"\n")) if line.strip() and not line.strip().startswith(b"#")]


def _verdict(program: Program, side: Side, model: Model, files: dict[str, bytes], frame: Frame) -> str:
    try:
        readback.verify(side.proxy.expected(model, side.caps, frame), side.proxy.structure(files))
    except RefusedText:
        return "refused by the read-back"
    try:
        other = reading.differences(program.proxy, files, model, side.caps.features)
    except UnicodeDecodeError:
        other = ["bytes that are no text"]
    if not [what for what in other if "comment" not in what and "control character" not in what]:
        return "passed and says the same"
    return "passed, refused by the program" if _refused(program, files, Path(frame.directory)) else "ESCAPED"


def _refused(program: Program, files: dict[str, bytes], folder: Path) -> bool:
    """Warnings do not count: a program that warns takes the text."""
    if program.proxy == "nginx":
        said = test_nginx_accepts.refusal(program.path, files["nginx.conf"], folder)
        return "[emerg]" in said
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return test_haproxy_syntax.said(program.path, folder / "haproxy.cfg")[0] != 0


def _changed(clean: bytes, spoiled: bytes) -> bytes:
    start = next((n for n, (a, b) in enumerate(zip(clean, spoiled, strict=False)) if a != b), len(clean))
    return spoiled[max(0, start - 80) : start + 160]


# --- the tokenizers


def tokenizers(program: Program, seed: str, seconds: float) -> Tally:
    """The differential tests of tests/integration, for longer than they run there."""
    del seed  # they have their own
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="cgf") as folder:
        try:
            _TOKENS[program.proxy](program, Path(folder), seconds, tally)
        except AssertionError as error:
            tally.failures.append((0, f"{program.name}: the tokenizer reads otherwise: {error}"))
    return tally


def _nginx_tokens(program: Program, folder: Path, seconds: float, tally: Tally) -> None:
    given = {program.version: program.path}
    length = test_nginx_accepts.LENGTH = max(1, round(seconds / 14))  # 600 texts at about 20 ms, both tests
    test_nginx_accepts.test_the_first_word_is_the_one_that_nginx_reads(program.version, given, folder)
    test_nginx_accepts.test_statements_end_where_nginx_sees_their_end(program.version, given, folder)
    tally.counts[f"{program.name}: texts cut alike"] += 600 * length


def _haproxy_tokens(program: Program, folder: Path, seconds: float, tally: Tally) -> None:
    for _ in until(seconds):
        test_haproxy_syntax.ROUNDS = 3000
        test_haproxy_syntax.test_any_line_is_cut_as_haproxy_cuts_it(program.version, {program.version: program.path}, folder)
        tally.counts[f"{program.name}: texts cut alike"] += 3000


_TOKENS = {"nginx": _nginx_tokens, "haproxy": _haproxy_tokens}
PARTS = {"accepted": accepted, "unquoted": unquoted, "tokenizers": tokenizers}
