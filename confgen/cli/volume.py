"""To begin with: a first compose.yaml, a shared folder's first generation; and the shared folder's health."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.options import FINE, FRESH, PROBLEMS, cli, options, settings_from
from confgen.cli.save import save
from confgen.errors import UsageError

if TYPE_CHECKING:
    from confgen.settings import Settings

#: Names under which compose would find another file in the same folder.
_OTHERS = ("compose.yml", "docker-compose.yaml", "docker-compose.yml")


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


@cli.command(short_help="A first compose.yaml, or a bootable folder.")
@options("proxy", "proxy_version", "http_port", "https_port", "ipv6", "access_log")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where compose.yaml and the start script are written; the folder that one is in if not given.",
)
@click.option("--direct", is_flag=True, help="confgen gets the engine's own socket, with no gate before it.")
@click.option("--volume", type=click.Path(file_okay=False, path_type=Path), help="A shared folder to make bootable instead.")
def init(volume: Path | None, output: Path, direct: bool, **given: Any) -> int:
    """A first compose.yaml for a proxy that follows your containers, with comments, and the start script that it mounts.

    What is there is not written over. With --volume an empty shared folder is made bootable instead: a proxy that is
    started with it answers 404 until confgen runs. That is needed only where the proxy is not started by the start script,
    which does the same.

    \b
    Example: confgen init --proxy nginx -o shop && cd shop && docker compose up -d
    Example: confgen init --volume /confgen --proxy haproxy --proxy-version 3.2
    """
    settings = settings_from(given)
    return _make_bootable(volume, settings) if volume else _write_first(output, direct, settings)


def _write_first(output: Path, direct: bool, settings: Settings) -> int:
    from confgen.first import files

    made = files(settings, gate=not direct)
    there = [str(output / name) for name in (*made, *_OTHERS) if os.path.lexists(output / name)]
    if there:
        raise UsageError(f"{there[0]} is there already; nothing was written", "name another folder with -o")
    for name, text in made.items():
        save(output / name, text.encode())
        click.echo(f"wrote {output / name}", err=True)
    return FINE


def _make_bootable(volume: Path, settings: Settings) -> int:
    from confgen.apply import put
    from confgen.state import State
    from confgen.targets.folder import Folder
    from confgen.want import offline, want_offline

    folder = Folder(volume)
    if folder.live():
        click.echo(f"{volume} holds generation {folder.live()}; nothing was changed", err=True)
        return FINE
    settings = replace(settings, frame=replace(settings.frame, directory=PurePosixPath(volume.absolute())))
    wanted = want_offline(State(), offline(State(), settings)[0], settings)
    put(wanted.candidate, folder, settings.keep)
    folder.run.mkdir(exist_ok=True)
    click.echo(f"{volume} holds generation {wanted.candidate.generation}", err=True)
    return FINE
