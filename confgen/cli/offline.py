"""What would be: render, check and plan, from files or from what runs now."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from confgen.cli.options import CHANGES, FILES, FINE, LOOK, PROBLEMS, TEXT, at_work, cli, options, read, settings_from
from confgen.cli.save import save
from confgen.errors import BadInput, NotApplied
from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.check import Checked
    from confgen.report import OutputReport
    from confgen.state import State
    from confgen.want import Offline, Wanted


@cli.command(short_help="Print or write the proxy's text.")
@FILES
@options(*LOOK, *TEXT, "json")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write the files into this folder instead."
)
@click.option(
    "--expect",
    "approved",
    multiple=True,
    help="The generation that it has to be, as `render --json` or `plan --json` named it; one for each proxy.",
)
def render(files: tuple[Path, ...], output: Path | None, as_json: bool, approved: tuple[str, ...], **given: Any) -> int:
    """Print (or write with -o) the proxy's text for compose files, a snapshot, or what runs now.

    Several FILES are merged as compose does. Without a FILE the engine is asked. Problems go to stderr, and the exit code
    is 1 when there is one. The text for FILES serves with no confgen running.

    \b
    Example: confgen render compose.yaml --proxy haproxy --proxy-version 3.2 -o out
    """
    from confgen.scribe import texts as texts_of

    settings = settings_from(given)
    settings = replace(settings, frame=replace(settings.frame, followed=not files))
    state = read(files, settings)
    places = _offline(state, settings)
    _hold_to(approved, places)
    problems = False
    for place, wanted in places:
        texts = {path: content.decode() for path, content in wanted.candidate.files if path != "model.json"}
        if output:
            _write(output / place.name if len(places) > 1 else output, texts)
        else:
            _print_texts(place, wanted, texts, as_json, several=len(places) > 1)
        problems = _warn(wanted) or problems
    for made, content in texts_of(state, settings).items():
        if output:
            _write(output / "outputs", {made.name: content.decode()})
        elif as_json:
            click.echo(json.dumps({"output": made.name, "to": str(made.to), "text": content.decode()}, indent=1))
        else:
            click.echo(f"# ---- output {made.name}")
            click.echo(content, nl=False)
    return PROBLEMS if problems else FINE


def _hold_to(approved: tuple[str, ...], places: list[tuple[Offline, Wanted]]) -> None:
    """Raises NotApplied where what was approved is not what would be written; nothing is written then."""
    made = [wanted.candidate.generation for _, wanted in places]
    if approved and set(made) != set(approved):
        raise NotApplied(
            f"this is generation {', '.join(made)}, and {', '.join(approved)} was expected", "look at `confgen plan --against`"
        )


def _offline(state: State, settings: Settings) -> list[tuple[Offline, Wanted]]:
    """What each proxy of the state should serve."""
    from confgen.want import offline, read_shelf, want_offline

    shelf = read_shelf(settings)
    return [(place, want_offline(state, place, settings, shelf=shelf)) for place in offline(state, settings)]


def _write(folder: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        save(folder / path, text.encode())
        click.echo(f"wrote {folder / path}", err=True)


def _print_texts(place: Offline, wanted: Wanted, texts: dict[str, str], as_json: bool, several: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {"proxy": place.proxy.name, "name": place.name, "generation": wanted.candidate.generation, "files": texts},
                indent=1,
            )
        )
        return
    for path, text in texts.items():
        if len(texts) > 1 or several:
            click.echo(f"# ---- {place.name + '/' if several else ''}{path}")
        click.echo(text, nl=False)


def _warn(wanted: Wanted) -> bool:
    for problem in wanted.built.problems:
        click.echo(f"confgen: {problem}" + (f"\n  {problem.hint}" if problem.hint else ""), err=True)
    return bool(wanted.built.problems)


@cli.command(short_help="Check labels, structure, and the proxy's own test.")
@FILES
@options(*LOOK, *TEXT)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
@click.option("--json", "style", flag_value="json", help="As --format json.")
def check(files: tuple[Path, ...], style: str, **given: Any) -> int:
    """Check labels, the rendered structure, and the proxy's own test; nothing is changed.

    The proxy's own test runs where its program is installed here; else the answer says that it did not run.

    \b
    Example: confgen check compose.yaml --proxy nginx
    """
    from confgen.check import check as checked
    from confgen.check import unread

    settings = settings_from(given)
    try:
        state = read(files, settings)
    except BadInput as error:
        click.echo(_formatted([unread(error)], style), nl=False)
        return error.exit_code
    results = checked(state, settings)
    click.echo(_formatted(results, style), nl=False)
    return FINE if all(result.ok for result in results) else PROBLEMS


def _formatted(results: list[Checked], style: str) -> str:
    from confgen.codec import encode
    from confgen.observe.findings import github, junit, sarif

    findings = [finding for result in results for finding in result.findings()]
    match style:
        case "json":
            return json.dumps([encode(result) for result in results], indent=1) + "\n"
        case "github":
            return github(findings)
        case "sarif":
            return sarif(findings)
        case "junit":
            return junit(findings, [result.name for result in results])
    return "".join(f"{line}\n" for result in results for line in result.lines())


@cli.command(short_help="What would change, and what it takes.")
@FILES
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of `render -o` to compare FILES with.",
)
@options(*LOOK, *TEXT, "json")
def plan(files: tuple[Path, ...], against: Path | None, as_json: bool, **given: Any) -> int:
    """What would change against what is live, and what it takes: nothing, a runtime change, or a reload.

    The exit code is 2 when the proxy would change, 1 when there are Problems and it would not.

    \b
    Example: confgen plan
    Example: confgen plan compose.yaml --against rendered
    """
    from confgen.codec import encode

    settings = settings_from(given)
    if against:
        return _compare(files, against, as_json, settings)
    seats, outputs = _planned(files, settings)
    if as_json:
        told = [{"output": o.name, "to": o.to, "error": o.error.message if o.error else None} for o in outputs]
        click.echo(json.dumps([*({"seat": name, **_json_plan(wanted, encode)} for name, wanted in seats), *told], indent=1))
    for name, wanted in seats:
        if not as_json:
            click.echo(f"{name}: {_plan_line(wanted)}")
            for change in wanted.plan.changes:
                click.echo(f"  {change}")
    for output in outputs if not as_json else ():
        click.echo(output.error.message if output.error else f"output {output.name}: nothing to change")
    if any(wanted.plan.impact for _, wanted in seats) or any(output.error for output in outputs):
        return CHANGES
    return PROBLEMS if [p for _, wanted in seats for p in wanted.built.problems] else FINE


def _compare(files: tuple[Path, ...], folder: Path, as_json: bool, settings: Settings) -> int:
    """The text of FILES against the text in a folder, line by line."""
    from confgen.observe.difference import Difference, show

    places = _offline(read(files, settings), replace(settings, frame=replace(settings.frame, followed=False)))
    found = []
    for place, wanted in places:
        before = folder / place.name if len(places) > 1 else folder
        texts = [(path, content.decode()) for path, content in wanted.candidate.files if path != "model.json"]
        found += [Difference.of(place.name, path, before / path, text) for path, text in texts]
    if as_json:
        click.echo(json.dumps([{"seat": d.seat, "file": d.path, "diff": d.lines} for d in found], indent=1))
    else:
        show(found)
    if any(difference.lines for difference in found):
        return CHANGES
    return PROBLEMS if [p for _, wanted in places for p in wanted.built.problems] else FINE


def _planned(files: tuple[Path, ...], settings: Settings) -> tuple[list[tuple[str, Wanted]], tuple[OutputReport, ...]]:
    """What is wanted, with its way from what is live: of files against the folder, else of the engine's proxies and outputs."""
    from confgen.scribe import inspected
    from confgen.targets.folder import Folder
    from confgen.want import look_into, offline, read_shelf, want_offline

    if files:
        state, live, shelf = read(files, settings), look_into(Folder(settings.directory)), read_shelf(settings)
        return [(place.name, want_offline(state, place, settings, live, shelf)) for place in offline(state, settings)], ()
    loop, state, found = at_work(settings)
    return [(seat.name, loop.keeper(seat).want(seat, state)) for seat in found], inspected(state, settings)


def _json_plan(wanted: Wanted, encode: Callable[[object], object]) -> dict[str, object]:
    return {
        "generation": wanted.candidate.generation,
        "impact": wanted.plan.impact.name.lower(),
        "reason": wanted.plan.reason,
        "changes": [
            {"verb": c.verb, "path": c.path, "before": encode(c.before), "after": encode(c.after)} for c in wanted.plan.changes
        ],
    }


def _plan_line(wanted: Wanted) -> str:
    if not wanted.plan.changes:
        return "nothing to change"
    from confgen.problem import count

    return f"{count(len(wanted.plan.changes), 'change')}, {wanted.plan.impact.words}" + (
        f": {wanted.plan.reason}" if wanted.plan.reason else ""
    )
