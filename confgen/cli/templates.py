"""Templates of one's own: what there is to shadow, a copy to start from, the names that it may use, and a try."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen.cli import complete
from confgen.cli.options import FILES, FINE, LOOK, PROBLEMS, TEXT, cli, options, read, settings_from
from confgen.cli.save import save
from confgen.errors import UsageError

if TYPE_CHECKING:
    from confgen.check import Checked
    from confgen.settings import Settings


@cli.group(short_help="Templates: list, show, eject, context, check.")
def templates() -> None:
    """Templates of your own: what there is to shadow, a copy to start from, what they may use, and a try.

    \b
    Example: confgen templates eject nginx/main.j2 -o my-templates
    """


@templates.command("list", short_help="Every template, and which file is in force.")
@options("proxy", "templates", "json")
def list_(as_json: bool, **given: Any) -> int:
    """Every template, and which file is in force: the shipped one, or yours.

    \b
    Example: confgen templates list --proxy nginx --templates my-templates
    """
    settings = settings_from(given)
    found = {name: str(_in_force(name, settings)) for name in _names(settings)}
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        width = max(map(len, found))
        for name, file in found.items():
            click.echo(f"{name:<{width}}  {file if _is_yours(name, settings) else 'shipped'}")
    return FINE


@templates.command(short_help="Print one.")
@click.argument("name", shell_complete=complete.templates)
@options("templates")
def show(name: str, **given: Any) -> int:
    """Print the template that is in force.

    \b
    Example: confgen templates show nginx/location.j2
    """
    from confgen.sources.files import read_text

    settings = settings_from(given)
    click.echo(read_text(_in_force(_known(name, settings), settings)), nl=False)
    return FINE


@templates.command(short_help="Copy shipped ones, to start from.")
@click.argument("names", nargs=-1, required=True, shell_complete=complete.templates)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Your folder of templates.")
@click.option("--force", is_flag=True, help="Also over files that are there.")
def eject(names: tuple[str, ...], output: Path, force: bool) -> int:
    """Copy shipped templates into a folder of yours, to start from.

    \b
    Example: confgen templates eject nginx/main.j2 -o my-templates
    """
    from confgen.render import shipped

    settings = settings_from({})
    for name in names:
        file = output / _known(name, settings)
        if file.exists() and not force:
            raise UsageError(f"{file} is there already", "--force writes over it")
        save(file, (shipped() / name).read_bytes())
        click.echo(f"wrote {file}", err=True)
    return FINE


@templates.command(short_help="What templates may use, as JSON.")
@FILES
@options(*LOOK, *TEXT)
def context(files: tuple[Path, ...], **given: Any) -> int:
    """Every name that the templates get, with its value, for compose files, a snapshot, or what runs now.

    What the names mean stands in docs/context.md.

    \b
    Example: confgen templates context compose.yaml --proxy nginx
    """
    from confgen.observe.view import names
    from confgen.render import CONTEXT
    from confgen.sources.snippets import read_snippets
    from confgen.want import offline, read_shelf, shape

    settings = settings_from(given)
    state, shelf = read(files, settings), read_shelf(settings)
    frame = replace(settings.frame, snippets=read_snippets(settings.snippets)[0])
    found = {}
    for place in offline(state, settings):
        built = shape(state, place.proxy, place.caps, place.vantage, settings, frame, shelf=shelf)
        found[place.name] = {"context": CONTEXT, **names(place.proxy.view(built.model, place.caps, frame))}
    click.echo(json.dumps(found, indent=1))
    return FINE


@templates.command(short_help="Try them on containers of every kind.")
@options("proxy", "proxy_version", "templates", "snippets", "policy")
def check(**given: Any) -> int:
    """Render, read back and test your templates for samples of containers, one of every kind, without any file or engine.

    Of the policy file only `may_omit` counts: the samples belong to nobody.

    \b
    Example: confgen templates check --proxy nginx --templates my-templates
    """
    from confgen.proxies import PROXIES
    from confgen.want import read_policy

    settings = settings_from(given)
    policy = read_policy(settings)
    if policy:
        settings = replace(settings, policy=None, frame=replace(settings.frame, may_omit=policy.may_omit))
    kinds = [settings.proxy] if settings.proxy else sorted(PROXIES)
    right = True
    outputs = {kinds[0]: settings.outputs}  # they are the same for each
    for name, result in _tried([replace(settings, proxy=kind, outputs=outputs.get(kind, ())) for kind in kinds]):
        wrong = [text for text in (result.structure, result.native) if text]
        right = right and not wrong
        click.echo(f"{result.name}, {name}: {'; '.join(wrong) or 'fine'}; {result.tested}")
    return FINE if right else PROBLEMS


def _tried(each: list[Settings]) -> Iterator[tuple[str, Checked]]:
    from confgen.check import check as checked
    from confgen.samples import states
    from confgen.sources.snippets import read_snippets

    for settings in each:
        for name, state in states(settings.labels, read_snippets(settings.snippets)[0]).items():
            yield from ((name, result) for result in checked(state, settings))


def _names(settings: Settings) -> list[str]:
    from confgen.proxies import PROXIES
    from confgen.render import shipped_names

    kinds = [settings.proxy] if settings.proxy else PROXIES
    return sorted(name for kind in kinds for name in shipped_names(kind))


def _known(name: str, settings: Settings) -> str:
    from confgen.values import nearest

    known = _names(replace(settings, proxy=""))
    if name not in known:
        raise UsageError(f"there is no template {name}", nearest(name, tuple(known)))
    return name


def _in_force(name: str, settings: Settings) -> Path:
    from confgen.render import shipped

    return next((folder / name for folder in settings.templates if (folder / name).is_file()), shipped() / name)


def _is_yours(name: str, settings: Settings) -> bool:
    from confgen.render import shipped

    return _in_force(name, settings) != shipped() / name
