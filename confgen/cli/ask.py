"""What is: explain and status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from confgen.cli import complete, config
from confgen.cli.options import FINE, LIVE, PROBLEMS, TEXT, at_work, cli, options, settings_from
from confgen.errors import UsageError
from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.report import Report, SeatReport
    from confgen.trial import Trial


@cli.command(short_help="Why something is served, or is not.")
@click.argument("what", shell_complete=complete.containers_and_hosts)
@click.option("--request", is_flag=True, help="Send one request through the proxy too: its status, who answered, the time.")
@options(*LIVE, *TEXT, "json")
def explain(what: str, as_json: bool, request: bool, **given: Any) -> int:
    """Why a container, a host or a URL is served or not: the chain, up to the first step that fails, and the mend.

    A URL begins with http, https, tcp or udp; of the last two the port counts.

    \b
    Example: confgen explain shop-web-1
    Example: confgen explain http://shop.example.com/api
    Example: confgen explain --request shop.example.com
    """
    from confgen.observe.status import as_chain, show_chain

    settings = replace(settings_from(given), outputs=())
    report, state = _look(settings)
    chains = [chain for seat in report.seats for chain in _chains(what, seat, state, settings, request)]
    if as_json:
        click.echo(json.dumps([as_chain(chain) for chain in chains], indent=1))
    else:
        for chain in chains:
            show_chain(chain)
    return FINE if chains and all(chain.ok for chain in chains) else PROBLEMS


def _chains(what: str, seat: SeatReport, state: Any, settings: Settings, send: bool) -> Iterator[Any]:
    """By container name or id first; everything else is a host or URL.  send: a request too."""
    from confgen import explain as chain
    from confgen.trial import parse

    found = [i for i in state.instances if what == i.name or (len(what) >= 6 and i.id.startswith(what))]
    if found and send:
        raise UsageError(f"{what} is a container, and --request needs to know what to ask for", "name a host or a URL")
    for instance in found:
        yield chain.container(instance, seat, settings.labels)
    if not found:
        url = parse(what)
        if url.scheme in ("tcp", "udp") and url.port:
            yield chain.connection(url.scheme, url.port, seat)
            return
        host, path, secure = url.hostname or "", url.path or "/", url.scheme == "https"
        made = chain.request(host, path, seat, secure=secure)
        if send:
            asked = path + (f"?{url.query}" if url.query else "")
            trial = _send(host, asked, secure, seat, state, settings)
            words = trial.words if trial.status else f"nobody answers at {trial.at or seat.seat}: {trial.words}"
            made = chain.with_answer(made, trial.status, trial.seconds, trial.server, words, seat)
        yield made


def _send(host: str, path: str, secure: bool, seat: SeatReport, state: Any, settings: Settings) -> Trial:
    """One request to the proxy: at its container's addresses, or on this machine where it has none of its own."""
    import time

    from confgen.errors import SourceUnavailable
    from confgen.sources.engine import Engine
    from confgen.trial import send

    since = int(time.time()) - 5
    proxy = next((i for i in state.instances if i.name == seat.seat), None)
    own = [a.address or a.address6 for a in proxy.attachments] if proxy and proxy.network_mode != "host" else ["127.0.0.1"]
    port = settings.frame.https_port if secure else settings.frame.http_port
    engine = Engine(settings.engine)

    def log() -> str | None:
        try:
            return engine.log(proxy.id, since) if proxy else None
        except SourceUnavailable:  # a gate before the engine may not let it through
            return None

    return send(host, path, secure, [(address, port) for address in own if address], log)


@cli.command(short_help="What is live.")
@options(*LIVE, *TEXT, "json")
def status(as_json: bool, **given: Any) -> int:
    """What is live: generation, routes, pools, servers and their states, Problems.

    Where the engine does not answer, what the shared folder says was applied last.

    \b
    Example: confgen status --json > snapshot.json
    """
    from confgen.errors import SourceUnavailable
    from confgen.observe.status import as_data, show, show_live

    settings = settings_from(given)
    try:
        report, state = _look(settings)
    except SourceUnavailable:
        if not as_json:
            show_live(settings.directory)
        raise
    if as_json:
        click.echo(json.dumps(as_data(report, state), indent=1))
    else:
        show(report)
    wrong = report.all_problems() or report.failed or any(output.error for output in report.outputs)
    return PROBLEMS if wrong else FINE


def _look(settings: Settings) -> tuple[Report, Any]:
    """One look at the engine and its proxies, that changes nothing."""
    from confgen.explain import unserved
    from confgen.report import Report
    from confgen.scribe import inspected

    loop, state, found = at_work(settings)
    seats = tuple(loop.keeper(seat).inspect(seat, state) for seat in found)
    missed = tuple(one for seat in seats for one in unserved(state, seat, settings.labels))
    report = Report(
        woken="look",
        instances=len(state.instances),
        seats=seats,
        problems=config.problems(),
        unserved=missed,
        outputs=inspected(state, settings),
    )
    return report, state
