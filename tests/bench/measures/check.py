"""`confgen check` of a compose file as a pull request would run it, without a proxy's own test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.measure import Measure
from tests.bench.measures.offline import PROXIES, figures
from tests.bench.scene import Scene

SIZE = 30


def run(scene: Scene, _others: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="confgen-bench-") as scratch:
        file = Path(scratch) / "compose.yaml"
        file.write_text("services:\n" + "".join(map(service, range(SIZE))), encoding="utf-8")
        for proxy, place in PROXIES.items():
            words = ("check", str(file), "--proxy", proxy)
            yield from figures(scene, f"check of {SIZE} services", place, words, rounds=15, path="/nowhere")


def service(number: int) -> str:
    """One service as people have them: two routes, a check, a rule."""
    host = f"confgen.host: app{number}.example.com"
    return f"""\
  app{number}:
    image: registry.example.com/app{number}:1.{number}
    expose: ["8080", "9090"]
    environment: {{APP_NAME: app{number}, DATABASE_URL: "postgres://db/app{number}"}}
    labels:
      {host}
      confgen.port: "8080"
      confgen.health: /healthz
      confgen.routes.api.{host.removeprefix("confgen.")}
      confgen.routes.api.path: /api
      confgen.routes.api.port: "9090"
      confgen.routes.api.allow: 10.0.0.0/8
    restart: unless-stopped
"""


MEASURE = Measure(
    title=f"Check: a compose file of {SIZE} services",
    how=f"""`confgen check` of {SIZE} services with {2 * SIZE} routes: labels, text and read-back, where no proxy is installed whose own test
could run. The whole process, from its start to its end.""",
    run=run,
)
