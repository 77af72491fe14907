"""What was: history, and back to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from confgen.cli import complete
from confgen.cli.options import FINE, cli, options
from confgen.errors import UsageError

if TYPE_CHECKING:
    from confgen.targets.folder import Folder


@cli.command(short_help="The generations that are kept.")
@options("directory", "json")
def history(directory: Path, as_json: bool) -> int:
    """The generations that are kept, the newest first, and which one is live or pinned.

    \b
    Example: confgen history
    """
    from confgen.observe.status import past, show_past

    found = past(_folder(directory).path)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        show_past(found)
    return FINE


def _folder(directory: Path) -> Folder:
    """The one folder that is meant; raises UsageError where several proxies have one each."""
    from confgen.observe.health import folders

    found = folders(directory)
    if len(found) > 1:
        names = " or ".join(f"--directory {folder.path}" for folder in found)
        raise UsageError(f"{len(found)} proxies have a folder in {directory}", f"say which one is meant: {names}")
    return found[0]


@cli.command(short_help="Go back to a kept generation and stay there.")
@click.argument("generation", required=False, shell_complete=complete.generations)
@click.option("--release", is_flag=True, help="Follow the containers again.")
@options("directory")
def rollback(generation: str | None, release: bool, directory: Path) -> int:
    """Go back to a kept generation and stay there, whatever the containers do, until --release.

    Without a GENERATION it is the one before the live one. `confgen watch` has the proxy test it again before it goes
    live; `confgen status` shows the pin.

    \b
    Example: confgen rollback 5d578f50731564d6
    """
    from confgen.keep import PIN_FILE

    folder = _folder(directory)
    if release:
        pinned = folder.recall(PIN_FILE)
        folder.forget(PIN_FILE)
        click.echo(
            "released: the proxy follows the containers again" if pinned else f"no generation is pinned in {folder.path}",
            err=True,
        )
        return FINE
    kept = [name for name, _ in folder.history() if name != folder.live()]
    chosen = generation or (kept[0] if kept else "")
    if not chosen or chosen not in {name for name, _ in folder.history()}:
        known = ", ".join(kept) or "none but the live one"
        raise UsageError(f"there is no generation {generation or 'before the live one'} in {folder.path}", f"kept are: {known}")
    folder.remember(PIN_FILE, f"{chosen}\n".encode())
    click.echo(f"pinned generation {chosen}; `confgen rollback --release` follows the containers again", err=True)
    return FINE
