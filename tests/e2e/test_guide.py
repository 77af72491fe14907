"""The guide's examples on a running proxy: each does what it says, and no wrong version costs a request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, VIEWS
from tests.e2e.stack import Stack, docker, stack, steadily, until
from tests.guide import Wrong, examples, write

OWN = """
services:
  confgen:
    environment: {{CONFGEN_CONFIG: /my/confgen.toml, CONFGEN_TEMPLATES: /my/templates, CONFGEN_SNIPPETS: /my/snippets}}
    volumes: ["{folder}:/my:ro"]
  web:
    labels: {{confgen.pool: shop}}
"""
#: Whoever tests is let in by the example of a maintenance page, so the same requests go on through all of them.
TESTER = {"X-Tester": "me"}


@pytest.fixture
def my(tmp_path: Path) -> Path:
    for folder in ("templates", "snippets"):
        (tmp_path / "my" / folder).mkdir(parents=True)
    for path, text in (one for example in examples() for one in example.common.items()):
        write(tmp_path / path, text)
    tmp_path.chmod(0o755)
    return tmp_path / "my"


@pytest.fixture
def world(proxy: str, image: None, my: Path, tmp_path: Path) -> Iterator[Stack]:
    override = tmp_path / "override.yaml"
    override.write_text(OWN.format(folder=my))
    with stack(EXAMPLES[proxy], files=(override,)) as made:
        steadily(lambda: made.get("shop.localhost").status == 200, f"served; log: {made.log()[-2000:]}")
        yield made


class Clients:
    """Requests without a pause until told to end; what failed of them."""

    def __init__(self, world: Stack) -> None:
        self._world, self._end = world, threading.Event()
        self.failed: list[str] = []
        self.good = 0
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._end.is_set():
            answer = self._world.get("shop.localhost", headers=TESTER)
            if answer.status == 200:
                self.good += 1
            else:
                self.failed.append(f"{answer.status} {answer.body[:100]}")
            self._end.wait(0.02)

    def end(self) -> None:
        self._end.set()
        self._thread.join()


def main_file(world: Stack, proxy: str) -> str:
    name = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[proxy]
    return docker("exec", world.container("proxy"), "cat", f"{VIEWS[proxy]}/live/{name}")


def cached(world: Stack) -> bool:
    one, two = (world.get("status.localhost", "/x", headers={"X-N": n}) for n in ("1", "2"))
    return one.status == two.status == 200 and one.body == two.body


#: What each example comes to, by the number of its chapter.
SEEN: dict[str, Callable[[Stack, str], bool]] = {
    "1": lambda world, proxy: world.get("shop.localhost", headers=TESTER).headers.get("x-robots-tag") == "noindex",
    "2": lambda world, proxy: "mine " in docker("logs", "--tail", "20", world.container("proxy"), merged=True),
    "3": lambda world, proxy: {"nginx": "keepalive 64;", "haproxy": "prefer-last-server"}[proxy] in main_file(world, proxy),
    "4": lambda world, proxy: world.get("shop.localhost").body == "<h1>We are back at noon</h1>\n",
    "5": lambda world, proxy: cached(world),
    "6": lambda world, proxy: len(world.get("shop.localhost", headers=TESTER).headers.get("x-mark", "")) == 8,
}


def told(wrong: Wrong, log: str) -> bool:
    """In the log a snippet's place and what is wrong with it stand around its code."""
    said = (line.removeprefix("snippet ").removeprefix("template ").removeprefix("printed by ") for line in wrong.said)
    return all(piece in log for line in said for piece in re.split(r"(?<=:[0-9]): ", line))


def test_each_does_what_it_says_and_no_wrong_version_costs_a_request(world: Stack, proxy: str, my: Path) -> None:
    clients = Clients(world)
    for example in examples():
        number = example.title[:1]
        until(lambda n=number: not SEEN[n](world, proxy) or n == "2", f"{example.title}: not yet")
        example.put(my.parent, proxy)
        until(lambda n=number: SEEN[n](world, proxy), f"{example.title}; log: {world.log()[-2000:]}")
        for wrong in (wrong for wrong in example.wrong if proxy in wrong.proxies):
            good = (my.parent / wrong.path).read_text()
            write(my.parent / wrong.path, wrong.text)
            until(lambda w=wrong: told(w, world.log()), f"{wrong.said} in {world.log()[-2000:]}")
            assert SEEN[number](world, proxy), "the last good text stays"
            write(my.parent / wrong.path, good)
        for path in example.of(proxy):
            (my.parent / path).unlink()
        until(lambda n=number: n == "2" or not SEEN[n](world, proxy), f"{example.title}: taken back; {world.log()[-1000:]}")
    clients.end()
    assert (clients.failed, clients.good > 100) == ([], True)
