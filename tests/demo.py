"""`make demo`: the main job for real, on a real engine, with nginx and then with HAProxy; cleans up after itself."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from tests.bed import engine as bed_engine
from tests.bed import own
from tests.e2e.conftest import EXAMPLES
from tests.e2e.stack import Stack, docker, stack, until
from tests.load import Load

console = Console(highlight=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    console.print(Text(text, style=style))


def main() -> int:
    engine = bed_engine.find()
    if engine is None:
        sys.stderr.write("no engine answers; run `make demo`\n")
        return 1
    own.ensure(engine)
    lost = sum(show(proxy) for proxy in EXAMPLES)
    say(f"\nDone, and everything is removed again. Requests lost: {lost}.", "bold green" if not lost else "bold red")
    return 1 if lost else 0


def show(proxy: str) -> int:
    """One proxy's part; how many requests were lost."""
    console.print(Rule(f"confgen beside a stock {proxy}"))
    say(f"docker compose -f examples/{EXAMPLES[proxy].parent.name}/compose.yaml up -d", "dim")
    with stack(EXAMPLES[proxy]) as world:
        world.serves("shop.localhost")
        say(
            f"1. A container with two labels is served: GET http://shop.localhost:{world.port}/ -> {world.get('shop.localhost').status}"
        )
        added(world)
        lost = stopped_under_load(world)
        refused(world)
        say("5. What confgen says of it all (confgen status):")
        sys.stdout.flush()
        print(world.confgen("status"))
    return lost


def added(world: Stack) -> None:
    started = time.monotonic()
    world.run("blog", "--label", "confgen.host=blog.localhost", "--label", "confgen.port=80")
    created = time.monotonic()
    world.serves("blog.localhost")
    say(
        f"2. A container is added: blog.localhost is served {(time.monotonic() - created) * 1000:.0f} ms after `docker run` "
        f"returned (which took {(created - started) * 1000:.0f} ms)"
    )


def stopped_under_load(world: Stack) -> int:
    world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=3")
    until(lambda: len(world.hostnames("shop.localhost")) == 3, "three replicas answer")
    with Load(world.port, "shop.localhost") as load:
        time.sleep(2)
        docker("stop", world.container("web", 2))
        time.sleep(3)
        docker("start", world.container("web", 2))
        time.sleep(2)
    say(
        f"3. One of three replicas is stopped and started at 200 requests/s: {load.result}",
        "green" if not load.result.failures else "red",
    )
    return load.result.failures


def refused(world: Stack) -> None:
    world.run("evil", "--label", "confgen.host=evil.localhost; } server { listen 81", "--label", "confgen.port=80")
    until(lambda: "CG101" in world.log(), "the Problem is told")
    told = next(line for line in world.log().splitlines() if "CG101" in line)
    say(f"4. A bad label is refused, and everybody else is served (shop.localhost -> {world.get('shop.localhost').status}):")
    say(f"   {told}", "yellow")


if __name__ == "__main__":
    sys.exit(main())
