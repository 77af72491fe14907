"""What `confgen watch` has done, as numbers for Prometheus.  docs/operations.md says what each is good for.

Labels are names of proxies and sources, Problem codes and fixed words; never a host or a container, of which there may
be any number.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from confgen import __version__
from confgen.model import ServerState
from confgen.report import Report, SeatReport

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Seconds.  Around what a change takes: some 10 ms where nothing reloads, 100 to 200 ms with a reload, more with many routes.
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts what the reports of turns say.  `tell` and `text` may be called by different threads."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("confgen", "The confgen that runs here.", registry=registry).info({"version": __version__})
        self._turns = Counter("confgen_turns", "Looks at everything, and what followed from each.", registry=registry)
        self._turn_seconds = Histogram("confgen_turn_seconds", "Duration of a turn.", buckets=_BUCKETS, registry=registry)
        self._applied_seconds = Histogram(
            "confgen_event_to_applied_seconds",
            "From the first event of a turn until the running proxy has shown what follows from it.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._changes = Counter(
            "confgen_applies",
            "What was brought to a proxy: how (result), and the kind of change that made it necessary (reason).",
            ("proxy", "result", "reason"),
            registry=registry,
        )
        self._failures = Counter(
            "confgen_apply_failures",
            "What could not be brought to a proxy, by the kind of error.",
            ("proxy", "error"),
            registry=registry,
        )
        self._looked = Gauge("confgen_last_turn_timestamp_seconds", "When the last turn ended, in Unix time.", registry=registry)
        self._instances = Gauge("confgen_instances", "Containers that sources tell of.", registry=registry)
        self._stale = Gauge(
            "confgen_source_stale", "1 while a source does not answer and its last word stands.", ("source",), registry=registry
        )
        self._problems = Gauge("confgen_problems", "Mistakes that users should mend, by code.", ("code",), registry=registry)
        self._right = Gauge(
            "confgen_proxy_right", "1 while the proxy is known to serve what is wanted.", ("proxy",), registry=registry
        )
        self._pinned = Gauge(
            "confgen_proxy_pinned", "1 while `confgen rollback` holds a generation.", ("proxy",), registry=registry
        )
        self._routes = Gauge("confgen_routes", "Routes of a proxy.", ("proxy",), registry=registry)
        self._withheld = Gauge(
            "confgen_routes_withheld", "Routes that answer 503 for the sake of security.", ("proxy",), registry=registry
        )
        self._servers = Gauge("confgen_servers", "Servers of a proxy, by state.", ("proxy", "state"), registry=registry)
        self._unserved = Gauge(
            "confgen_unserved", "Containers that ask for routes and are not served, by reason (docs/explain.md).", ("proxy", "reason"), registry=registry
        )  # fmt: skip
        self._generation = Gauge(
            "confgen_generation", "1 for the generation that is wanted, and for the one that is live.", ("proxy", "kind", "generation"), registry=registry
        )  # fmt: skip

    def tell(self, report: Report) -> None:
        """Takes in one turn."""
        self._turns.inc()
        self._turn_seconds.observe(report.took)
        self._looked.set_to_current_time()
        self._instances.set(report.instances)
        for source in report.sources:
            self._stale.labels(source).set(source in report.stale)
        self._problems.clear()
        for problem in report.all_problems():
            self._problems.labels(problem.code).inc()
        for gauge in (self._right, self._pinned, self._routes, self._withheld, self._servers, self._generation, self._unserved):
            gauge.clear()
        for one in report.unserved:
            self._unserved.labels(one.seat, one.reason.value).inc()
        for seat in report.seats:
            self._tell_seat(seat)
        if report.changed:
            self._applied_seconds.observe(report.waited + report.took)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def _tell_seat(self, seat: SeatReport) -> None:
        self._right.labels(seat.seat).set(seat.right)
        self._pinned.labels(seat.seat).set(bool(seat.pinned))
        for kind, generation in (("wanted", seat.wanted), ("live", seat.live)):
            if generation:
                self._generation.labels(seat.seat, kind, generation).set(1)
        if seat.error:
            self._failures.labels(seat.seat, type(seat.error).__name__).inc()
            return
        routes = seat.model.routes()
        self._routes.labels(seat.seat).set(len(routes))
        self._withheld.labels(seat.seat).set(sum(bool(route.withheld) for route in routes))
        for state in ServerState:
            self._servers.labels(seat.seat, state.value).set(sum(s.state is state for p in seat.model.pools for s in p.servers))
        if seat.applied and seat.applied.changed:
            self._changes.labels(seat.seat, seat.applied.result.value, seat.plan.cause or "brought back").inc()
