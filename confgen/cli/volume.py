"""The shared folder itself: its health, and its first generation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.options import FINE, FRESH, PROBLEMS, cli, options, settings_from

if TYPE_CHECKING:
    pass


@cli.command(short_help="0 when the look is fresh and the proxy right.")
@options("directory")
@click.option("--longest", default=FRESH, show_default=True, help="How many seconds old the last look may be.")
def health(directory: Path, longest: float) -> int:
    """0 when the last look is fresh and every proxy serves what it should; for the container's HEALTHCHECK.

    \b
    Example: confgen health --directory /confgen
    """
    from confgen.observe.health import ailments

    found = ailments(directory, longest)
    for ailment in found:
        click.echo(ailment, err=True)
    return PROBLEMS if found else FINE


@cli.command(short_help="Make an empty shared folder bootable.")
@options("proxy", "proxy_version", "http_port", "https_port", "ipv6", "access_log")
@click.option(
    "--volume", required=True, type=click.Path(file_okay=False, path_type=Path), help="The shared folder to make bootable."
)
def init(volume: Path, **given: Any) -> int:
    """Make an empty shared folder bootable: a proxy that is started with it answers 404 until confgen runs.

    Needed only where the proxy is not started by the start script, which does the same. A folder that holds a live
    generation is left alone.

    \b
    Example: confgen init --volume /confgen --proxy haproxy --proxy-version 3.2
    """
    from pathlib import PurePosixPath

    from confgen.apply import put
    from confgen.state import State
    from confgen.targets.folder import Folder
    from confgen.want import offline, want_offline

    folder, settings = Folder(volume), settings_from(given)
    if folder.live():
        click.echo(f"{volume} holds generation {folder.live()}; nothing was changed", err=True)
        return FINE
    settings = replace(settings, frame=replace(settings.frame, directory=PurePosixPath(volume.absolute())))
    wanted = want_offline(State(), offline(State(), settings)[0], settings)
    put(wanted.candidate, folder, settings.keep)
    folder.run.mkdir(exist_ok=True)
    click.echo(f"{volume} holds generation {wanted.candidate.generation}", err=True)
    return FINE
