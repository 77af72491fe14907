"""What is wrong or risky in this set-up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.options import FILES, FINE, FRESH, LIVE, PROBLEMS, TEXT, cli, options, proxies, read, settings_from

if TYPE_CHECKING:
    from confgen.doctor import Setup
    from confgen.settings import Settings
    from confgen.state import Instance, State


@cli.command(short_help="What is wrong or risky here, with the mend.")
@FILES
@options(*LIVE, *TEXT, "allow_exec", "json")
def doctor(files: tuple[Path, ...], as_json: bool, **given: Any) -> int:
    """What is wrong or risky in this set-up, each with the mend. The exit code is 1 when there is a risk.

    With compose FILES it is what they say that is looked at, some of which no engine tells. Without a FILE what runs is.

    \b
    Example: confgen doctor
    Example: confgen doctor compose.yaml
    """
    from confgen.codec import encode
    from confgen.doctor import Level, examine
    from confgen.observe.status import show_advice

    settings = settings_from(given)
    found = examine(_setup_of_files(files, settings) if files else _setup(settings))
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
        ours=settings.has_own_text,
        exec=settings.allow_exec,
        labels=settings.labels,
    )


def _setup_of_files(files: tuple[Path, ...], settings: Settings) -> Setup:
    from confgen.apply import Applied, Result
    from confgen.doctor import Setup
    from confgen.report import SeatReport
    from confgen.sources.compose.declared import declared
    from confgen.want import offline, read_shelf, want_offline

    said, state, shelf = declared(files), read(files, settings), read_shelf(settings)
    found = tuple(
        replace(i, published=said[i.name].published, mounts=said[i.name].mounts) if i.name in said else i for i in state.instances
    )
    state, seats = replace(state, instances=found), []
    for place in offline(state, settings):
        wanted = want_offline(state, place, settings, shelf=shelf)
        seats.append(
            SeatReport(
                seat=place.name,
                proxy=place.proxy.name,
                version=place.caps.text,
                model=wanted.built.model,
                problems=wanted.built.problems,
                placements=wanted.built.placements,
                applied=Applied(wanted.candidate.generation, Result.UNCHANGED),
            )
        )
    return Setup(
        state=state,
        seats=tuple(seats),
        own=_companion(state, settings),
        guarded=settings.policy is not None,
        ours=settings.has_own_text,
        exec=settings.allow_exec,
        declared=said,
        labels=settings.labels,
    )


def _companion(state: State, settings: Settings) -> Instance | None:
    """confgen's own service in a file: it has a volume in common with a proxy, and is none."""
    from confgen.labels import proxy_kind

    kinds = {i.name: proxy_kind(i, settings.labels) for i in state.instances}
    shared = {m.origin for i in state.instances if kinds[i.name] for m in i.mounts if m.origin != m.source}
    return next((i for i in state.instances if not kinds[i.name] and any(m.origin in shared for m in i.mounts)), None)
