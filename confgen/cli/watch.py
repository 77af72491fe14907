"""The companion container: follow the engine until stopped."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.config import Rereads
from confgen.cli.options import FINE, FRESH, LIVE, LOG, PROBLEMS, TEXT, cli, engine, options, settings_from

if TYPE_CHECKING:
    from confgen.loop import Loop
    from confgen.report import Report
    from confgen.settings import Settings


@cli.command(short_help="Follow the engine and keep the proxy right.")
@options(*LIVE, *TEXT, "allow_exec", "listen", *LOG)
@click.option("--once", is_flag=True, help="One turn, then end; the exit code says how it went.")
def watch(once: bool, **given: Any) -> int:
    """Follow the engine and keep the proxy right, until stopped.

    \b
    Example: confgen watch --directory /confgen
    """
    from confgen.loop import Loop
    from confgen.observe.health import Pulse
    from confgen.observe.log import Teller, set_up
    from confgen.seats import nobody

    settings = settings_from(given)
    set_up(settings.log)
    rereads = Rereads(given, settings.directory)
    loop = Loop(settings, (engine(settings),), rereads=rereads)
    if once:
        report = loop.turn("--once")
        Teller(nobody(settings)).tell(report)
        return _outcome(report)
    stop = threading.Event()
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # also what makes SIGTERM count for a PID 1
    threading.Thread(target=_mind_signals, args=(signals, loop, stop), daemon=True, name="confgen-signals").start()
    sinks: list[Callable[[Report], None]] = [Teller(nobody(settings)).tell, Pulse(settings.directory).tell, rereads.tell]
    sinks.append(_Collector().tell)
    if settings.listen:
        sinks.append(_serve(settings))

    def tell(report: Report) -> None:
        for sink in sinks:
            sink(report)

    loop.run(stop, tell)
    return FINE


class _Collector:
    """Python's garbage collector is spared what lives as long as the process: all that is there after the first turn.

    It walked through that again and again: 10 % of a turn's time with 3 routes, a fifth with 1,000, in pauses of up to
    40 and 90 ms (measured, CPython 3.11).  So young objects are looked at less often too; ours hardly ever form cycles.
    """

    _YOUNG = 10_000

    def __init__(self) -> None:
        self._told = False

    def tell(self, _report: Report) -> None:
        if not self._told:
            self._told = True
            gc.collect()
            gc.freeze()
            gc.set_threshold(self._YOUNG)


def _serve(settings: Settings) -> Callable[[Report], None]:
    """Opens /healthz and /metrics; what the metrics are to be told of."""
    from confgen.observe.endpoint import TEXT as TEXT_TYPE
    from confgen.observe.endpoint import serve
    from confgen.observe.health import ailments
    from confgen.observe.log import log
    from confgen.observe.metrics import CONTENT_TYPE, Metrics

    metrics = Metrics()

    def healthz() -> tuple[str, str, bytes]:
        found = ailments(settings.directory, FRESH)
        return "503 Service Unavailable" if found else "200 OK", TEXT_TYPE, "".join(f"{x}\n" for x in found or ["ok"]).encode()

    port = serve(settings.listen, {"/healthz": healthz, "/metrics": lambda: ("200 OK", CONTENT_TYPE, metrics.text())})
    log.info("/healthz and /metrics are served on port %d", port)
    return metrics.tell


def _mind_signals(signals: set[signal.Signals], loop: Loop, stop: threading.Event) -> None:
    """A thread of its own waits for signals, so that no handler ever interrupts code that holds a lock."""
    while signal.sigwait(signals) == signal.SIGHUP:
        loop.look_again("SIGHUP")
    stop.set()


def _outcome(report: Report) -> int:
    errors = [seat.error for seat in report.seats if seat.error]
    errors += [output.error for output in report.outputs if output.error]
    if errors:
        return errors[0].exit_code
    return PROBLEMS if report.all_problems() or not (report.seats or report.outputs) else FINE
