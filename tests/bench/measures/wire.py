"""The way of the bytes: requests a second and the slowest hundredth, through each proxy to the same app."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bed import peers
from tests.bench import places
from tests.bench.engine import address
from tests.bench.figures import Figure, ratios
from tests.bench.measure import Measure
from tests.bench.places import FILES, Place
from tests.bench.scene import Scene
from tests.e2e.stack import docker, stack, until

HOST = "wire.localhost"
SECONDS = 2
CLIENTS = 32
#: The services of files/wire.yaml that stand between wrk and the app.
BY_HAND = {
    "nginx-same": "nginx by hand, same duties",
    "haproxy-same": "HAProxy by hand, same duties",
    "nginx": "nginx by hand, bare",
    "haproxy": "HAProxy by hand, bare",
    "caddy": "Caddy",
    "app": "the app itself",
}
#: What is set against what: the generated text against that by hand, of the same program.
SAME = {"confgen, nginx": "nginx by hand, same duties", "confgen, HAProxy": "HAProxy by hand, same duties"}
BARE = {"confgen, nginx, no log": "nginx by hand, bare", "confgen, HAProxy, no log": "HAProxy by hand, bare"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What wrk tells of one run."""

    per_second: float
    p99_ms: float


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    with (
        places.confgen("nginx", silent=True) as nginx,
        places.confgen("haproxy", silent=True) as haproxy,
        _around((*scene.places, nginx, haproxy)) as addresses,
    ):
        found = defaultdict(list)
        names = list(addresses)
        # There and back: of a pair each is first in half of the rounds, so that who comes after whom weighs on both alike.
        rounds = [(number, name) for number in range(scene.times(20)) for name in (names[::-1] if number % 2 else names)]
        for to in addresses.values():
            _wrk(to, 1)
        for _, name in scene.each(rounds, "wrk"):
            found[name].append(_wrk(addresses[name], SECONDS))
    yield from _figures(found)


def _figures(found: dict[str, list[Seen]]) -> Iterator[Figure]:
    for name, seen in found.items():
        yield Figure("requests a second", name, tuple(s.per_second for s in seen), "1/s", "more")
        yield Figure("slowest hundredth", name, tuple(s.p99_ms for s in seen), "ms")
    for case, pairs in (("same duties by hand", SAME), ("bare by hand", BARE)):
        for ours, by_hand in pairs.items():
            values = ratios((s.per_second for s in found[ours]), (s.per_second for s in found[by_hand]))
            yield Figure(f"requests a second, against the {case}", ours, values, "×", "")


@contextlib.contextmanager
def _around(all_places: tuple[Place, ...]) -> Iterator[dict[str, str]]:
    """Every proxy on the app's network; by name, the address in front of it.

    All of the way is there: where bridged packets pass the firewall, the engine's rules are asked network by network, and
    proxies on networks of their own would each have other rules before them.
    """
    env = {"CADDY": str(peers.ensure()["caddy"]), "FILES": str(FILES)}
    with stack(FILES / "wire.yaml", env=env) as world, contextlib.ExitStack() as undo:
        for place in all_places:
            proxy = place.world.container("proxy")
            docker("network", "connect", world.network, proxy)
            undo.callback(docker, "network", "disconnect", world.network, proxy)
        proxies = {place.name: place.world.container("proxy") for place in all_places}
        proxies |= {name: world.container(service) for service, name in BY_HAND.items()}
        # Inside the engine's network: a published port would have the engine's own forwarder in the way.
        addresses = {name: address(proxy, world.network) for name, proxy in proxies.items()}
        side_by_side = [name for pair in (SAME | BARE).items() for name in pair]
        addresses = {name: addresses[name] for name in dict.fromkeys((*side_by_side, *addresses))}
        for name, to in addresses.items():
            until(lambda to=to: _answers(to), f"{name} serves {HOST}")  # type: ignore[misc]
        yield addresses


def _answers(to: str) -> bool:
    words = ["wrk", "-t1", "-c1", "-d1s", "--latency", *_host(to)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "Non-2xx" not in done.stdout and read(done.stdout).per_second > 0


def _host(to: str) -> list[str]:
    return ["-H", f"Host: {HOST}", f"http://{to}/"]


def _wrk(to: str, seconds: int) -> Seen:
    words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", *_host(to)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    return read(said)


def read(said: str) -> Seen:
    """wrk's words: `99%   12.34ms`, `Requests/sec:  12345.67`."""
    slow = re.search(r"99%\s+([0-9.]+)(us|ms|s)\b", said)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert slow, said
    assert rate, said
    return Seen(float(rate[1]), float(slow[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slow[2]])


MEASURE = Measure(
    title="The way of the bytes",
    how=f"""`wrk` with {CLIENTS} keep-alive connections for {SECONDS} s at a time, in turns, there and back, through each proxy to the same app (nginx that answers
1 KB from memory), all on one network and without published ports. *By hand, same duties*: the same nginx and HAProxy with the text that a person would write for this one site
([nginx](../tests/bench/files/nginx-same.conf), [HAProxy](../tests/bench/files/haproxy-same.cfg)), with the same line in the access log, the second
try, the websockets and the headers for the server that confgen's text has too, and what a client must not forge dropped as there. *Bare*: written for nothing but speed
([nginx](../tests/bench/files/nginx.conf), [HAProxy](../tests/bench/files/haproxy.cfg)), without all that; set against it is confgen
with `access_log = "off"` (*no log*), since a line a request on stdout is work for the engine above all. Where HAProxy's
time goes beyond that by hand, in instructions a request (valgrind's callgrind, 3.4.7, one header): 90,200 by hand, 101,700 here, of which
9,000 find the route in maps that can be changed as it runs and 1,900 tell the port that the client named; in nginx 1.30.6 25,900
by hand, 29,300 here. A line on stdout is read by the engine on the same cores, so its length counts: 28 bytes were 2.5 % here. Caddy has no part in following
containers here; it runs a [hand-written Caddyfile](../tests/bench/files/Caddyfile). wrk, proxy and app share the machine's cores,
so what is measured is the work of all three, and *the app itself* is what is left without a proxy.""",
    run=run,
    chart=("requests a second", "slowest"),
)
