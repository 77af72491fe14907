"""What is: explain and status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from confgen.cli import complete, config
from confgen.cli.options import FINE, LIVE, PROBLEMS, TEXT, cli, options, proxies, settings_from
from confgen.errors import UsageError
from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.report import Report, SeatReport


@cli.command(short_help="Why something is served, or is not.")
@click.argument("what", shell_complete=complete.containers_and_hosts)
@options(*LIVE, *TEXT, "json")
def explain(what: str, as_json: bool, **given: Any) -> int:
    """Why a container, a host or a URL is served or not: the chain, up to the first step that fails, and the mend.

    \b
    Example: confgen explain shop-web-1
    Example: confgen explain http://shop.example.com/api
    """
    from confgen.codec import encode
    from confgen.observe.status import show_chain

    settings = settings_from(given)
    report, state = _look(settings)
    chains = [chain for seat in report.seats for chain in _chains(what, seat, state, settings)]
    if as_json:
        click.echo(json.dumps([encode(chain) for chain in chains], indent=1))
    else:
        for chain in chains:
            show_chain(chain)
    return FINE if chains and all(chain.ok for chain in chains) else PROBLEMS


def _chains(what: str, seat: SeatReport, state: Any, settings: Settings) -> Iterator[Any]:
    """By container name or id first; everything else is a host or URL."""
    from urllib.parse import urlsplit

    from confgen import explain as chain

    found = [i for i in state.instances if what == i.name or (len(what) >= 6 and i.id.startswith(what))]
    for instance in found:
        yield chain.container(instance, seat, settings.labels)
    if not found:
        try:
            url = urlsplit(what if "://" in what else f"http://{what}")
        except ValueError as error:
            raise UsageError(
                f"{what} is no container here, no host and no URL: {error}", "name a container, a host or a URL"
            ) from error
        yield chain.request(url.hostname or what, url.path or "/", seat, secure=url.scheme == "https")


@cli.command(short_help="What is live.")
@options(*LIVE, *TEXT, "json")
def status(as_json: bool, **given: Any) -> int:
    """What is live: generation, routes, pools, servers and their states, Problems.

    \b
    Example: confgen status --json > snapshot.json
    """
    from confgen.observe.status import as_data, show

    report, state = _look(settings_from(given))
    if as_json:
        click.echo(json.dumps(as_data(report, state), indent=1))
    else:
        show(report)
    return PROBLEMS if report.all_problems() or report.failed else FINE


def _look(settings: Settings) -> tuple[Report, Any]:
    """One look at the engine and its proxies, that changes nothing."""
    from confgen.report import Report

    seats, state = [], None
    for loop, seat, found in proxies(settings):
        seats.append(loop.keeper(seat).inspect(seat, found))
        state = found
    instances = len(state.instances) if state else 0
    return Report(woken="look", instances=instances, seats=tuple(seats), problems=config.problems()), state
