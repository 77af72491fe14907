"""Who is compared: each a compose project on the same engine, reached through a published port, with the same app."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.bed import peers
from tests.bed.shell import run
from tests.bench.engine import pid, resident_mb
from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import ROOT, Stack, docker, get, stack, until
from tests.ports import free_port

FILES = ROOT / "tests" / "bench" / "files"
#: What the page calls them.
OURS = ("confgen, nginx", "confgen, HAProxy")
#: What is added to that where the proxy writes no access log.
SILENT = ", no log"
#: Traefik's `providersThrottleDuration`, in seconds: what comes within it is held back, after which it lasts anew.
THROTTLE = 2.0
#: The host that each project's own app answers.
HOST = "shop.localhost"


@dataclass(frozen=True, slots=True)
class Place:
    """One way to follow containers.  follower: the compose service that does it; proxy: the one that is asked."""

    name: str
    world: Stack
    follower: str
    #: The labels that route a host to a container.
    labels: Callable[[str, str], Mapping[str, str]]
    #: How many times the proxy was given something new to serve, so far; and by a reload, with new workers.
    applied: Callable[[], int]
    reloads: Callable[[], int]
    #: After the last event it takes so many seconds until nothing is held back any more.
    quiet: float

    def create(self, name: str, host: str) -> str:
        """A container that listens within milliseconds (busybox httpd), labelled but not started; its full name."""
        full = f"{self.world.name}-{name}"
        labels = words({**self.labels(full, host), "cgtest": self.world.name})
        docker("create", "--name", full, "--network", self.world.network, *labels, "confgen-test/web")
        return full

    def run(self, name: str, host: str) -> str:
        full = self.create(name, host)
        docker("start", full)
        return full

    def status(self, host: str = HOST) -> int:
        return get(self.world.port, host, timeout=2).status

    def serves(self, host: str = HOST) -> None:
        until(lambda: self.status(host) == 200, f"{self.name} serves {host}")

    def forgets(self, host: str) -> None:
        until(lambda: self.status(host) == 404, f"{self.name} has forgotten {host}")

    def replicas(self, count: int, manner: str = "dies") -> list[str]:
        """So many containers of the project's app, made anew with these manners, all of them answering."""
        self.world.env["MANNER"] = manner
        self.world.compose("up", "-d", "--no-build", "--scale", f"web={count}", "web")
        told = f"{self.name}: {count} replicas answer"
        until(lambda: len(self.world.hostnames(HOST, 4 * count) - {""}) == count, told, deadline=60)
        return [self.world.container("web", number + 1) for number in range(count)]

    @property
    def containers(self) -> list[str]:
        """What it takes to follow and to serve."""
        return [self.world.container(service) for service in dict.fromkeys((self.follower, "proxy"))]

    @property
    def pid(self) -> int:
        return pid(self.world.container(self.follower))

    @property
    def resident_mb(self) -> float:
        """Of the program that follows the containers, by itself."""
        return resident_mb(self.pid)


def words(labels: Mapping[str, str]) -> tuple[str, ...]:
    """As `docker run` takes them."""
    return tuple(word for key, value in labels.items() for word in ("--label", f"{key}={value}"))


def for_confgen(_: str, host: str) -> dict[str, str]:
    return {"confgen.host": host, "confgen.port": "80"}


def for_traefik(name: str, host: str) -> dict[str, str]:
    return {
        "traefik.enable": "true",
        f"traefik.http.routers.{name}.rule": f"Host(`{host}`)",
        f"traefik.http.services.{name}.loadbalancer.server.port": "80",
    }


@contextlib.contextmanager
def confgen(proxy: str, env: Mapping[str, str] | None = None, *, silent: bool = False) -> Iterator[Place]:
    """The example that users copy, with the newest proxy and an app of chosen manners.  silent: with no access log."""
    title = dict(zip(EXAMPLES, OURS, strict=True))[proxy] + (SILENT if silent else "")
    over = (
        FILES / "app.yaml",
        *([FILES / "haproxy.yaml"] if proxy == "haproxy" else []),
        *([FILES / "silent.yaml"] if silent else []),
    )
    with stack(EXAMPLES[proxy], env={"MANNER": "dies", **(env or {})}, files=over) as world:

        def told(words: str) -> int:
            return len(re.findall(f"serves generation .*{words}", world.log()))

        place = Place(title, world, "confgen", for_confgen, lambda: told(""), lambda: told(", reload [0-9]+[)]"), 1.5)
        place.serves()
        yield place


@contextlib.contextmanager
def traefik(env: Mapping[str, str] | None = None) -> Iterator[Place]:
    """Traefik with its defaults, in a container too; its own counter says how often it took a configuration."""
    counter = free_port()
    settings = {"MANNER": "dies", "TRAEFIK": str(peers.ensure()["traefik"]), "COUNTER_PORT": str(counter)}
    with stack(FILES / "traefik.yaml", env={**settings, **(env or {})}) as world:
        place = Place("Traefik", world, "proxy", for_traefik, lambda: _taken(counter), lambda: 0, 2 * THROTTLE + 0.5)
        place.serves()
        yield place


def _taken(port: int) -> int:
    body = get(port, "127.0.0.1", "/metrics").body
    found = re.search(r"^traefik_config_reloads_total ([0-9.e+]+)$", body, re.MULTILINE)
    assert found, "Traefik tells how often it was configured"
    return int(float(found[1]))


def versions() -> dict[str, str]:
    """Of all programs that take part."""
    programs = peers.ensure()
    return {
        "nginx": _version(docker("run", *APART, "--entrypoint", "nginx", "nginx:1.30", "-v", merged=True)),
        "HAProxy": _version(docker("run", *APART, "--entrypoint", "haproxy", "haproxy:3.4", "-v")),
        "Traefik": _version(run([programs["traefik"], "version"])),
        "Caddy": _version(run([programs["caddy"], "version"])),
    }


#: How a container runs that only says something.
APART = ("--rm", "--network", "none")


def _version(text: str) -> str:
    found = re.search(r"\d+\.\d+\.\d+", text)
    return found[0] if found else "?"
