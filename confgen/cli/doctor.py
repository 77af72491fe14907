"""What is wrong or risky in this set-up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.options import FINE, FRESH, LIVE, PROBLEMS, TEXT, cli, options, proxies, settings_from

if TYPE_CHECKING:
    from confgen.doctor import Setup
    from confgen.settings import Settings


@cli.command(short_help="What is wrong or risky here, with the mend.")
@options(*LIVE, *TEXT, "json")
def doctor(as_json: bool, **given: Any) -> int:
    """What is wrong or risky in this set-up, each with the mend. The exit code is 1 when there is a risk.

    \b
    Example: confgen doctor
    """
    from confgen.codec import encode
    from confgen.doctor import Level, examine
    from confgen.observe.status import show_advice

    found = examine(_setup(settings_from(given)))
    if as_json:
        click.echo(json.dumps([encode(advice) for advice in found], indent=1))
    else:
        show_advice(found)
    return PROBLEMS if any(advice.level is Level.RISK for advice in found) else FINE


def _setup(settings: Settings) -> Setup:
    from confgen.doctor import Setup
    from confgen.observe.health import ailments
    from confgen.seats import own

    seats, state = [], None
    for loop, seat, found in proxies(settings):
        seats.append(loop.keeper(seat).inspect(seat, found))
        state = found
    assert state is not None  # proxies raises where there is none
    return Setup(
        state=state,
        seats=tuple(seats),
        own=own(state),
        ailments=ailments(settings.directory, FRESH),
        guarded=settings.policy is not None,
        ours=bool(settings.templates),
        labels=settings.labels,
    )
