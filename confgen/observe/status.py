"""What `status` and `explain` print: tables for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from confgen import __version__
from confgen.codec import encode
from confgen.doctor import Advice, Level
from confgen.explain import Chain
from confgen.keep import PIN_FILE
from confgen.model import Model, Pool, Route, Server
from confgen.plan import diff
from confgen.problem import Problem
from confgen.report import OutputReport, Report, SeatReport
from confgen.state import Instance, State
from confgen.targets.folder import Folder
from confgen.users import without_hashes
from confgen.want import MODEL_FILE, read_model

if TYPE_CHECKING:
    from rich.console import Console

#: Where nobody looks at a terminal (a pipe, `docker compose exec -T`), nothing is cut to fit one.
_WIDE = 400


def as_data(report: Report, state: State) -> dict[str, object]:
    """The whole as JSON.  `instances` is a snapshot, without hashes of passwords: `confgen render` and `check` accept the file."""
    return {
        "confgen": __version__,
        "instances": [encode(_shown(instance)) for instance in state.instances],
        "proxies": [_seat_data(seat, report) for seat in report.seats],
        "problems": [_problem_data(problem) for problem in report.problems],
        "outputs": [_output_data(output) for output in report.outputs],
    }


def _output_data(output: OutputReport) -> dict[str, object]:
    return {"name": output.name, "to": output.to, "error": output.error.message if output.error else None}


def _shown(instance: Instance) -> Instance:
    return replace(instance, labels=tuple((label, without_hashes(text)) for label, text in instance.labels))


def as_chain(chain: Chain) -> dict[str, object]:
    """A chain as JSON, with the reason of the first step that fails; docs/explain.md has them all."""
    steps = [{"name": s.name, "ok": s.ok, "text": s.text, "hint": s.hint or None} for s in chain.steps]
    return {"subject": chain.subject, "ok": chain.ok, "reason": chain.reason.value if chain.reason else None, "steps": steps}


def _seat_data(seat: SeatReport, report: Report) -> dict[str, object]:
    return {
        "name": seat.seat,
        "proxy": seat.proxy,
        "version": seat.version,
        "generation": seat.applied.generation if seat.applied else None,
        "wanted": seat.wanted or None,
        "pinned": seat.pinned or None,
        "right": seat.right,
        "impact": seat.plan.impact.name.lower(),
        "reason": seat.plan.reason or None,
        "error": seat.error.message if seat.error else None,
        "model": encode(seat.model),
        "problems": [_problem_data(problem) for problem in seat.problems],
        "unserved": [
            {"container": u.instance, "reason": u.reason.value, "step": u.step, "text": u.text, "hint": u.hint}
            for u in report.unserved
            if u.seat == seat.seat
        ],
    }


def _problem_data(problem: Problem) -> dict[str, object]:
    return {
        "code": problem.code,
        "origin": str(problem.origin),
        "message": problem.message,
        "effect": problem.effect.value,
        "hint": problem.hint,
    }


def show(report: Report) -> None:
    """A heading, a table of routes and servers, and the Problems of each proxy."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    for seat in report.seats:
        generation = seat.applied.generation if seat.applied else seat.live or "?"
        console.print(Text(f"{seat.seat}: {seat.proxy} {seat.version}, generation {generation}", style="bold"))
        if seat.pinned:
            console.print(
                Text(f"  pinned to {seat.pinned} by `confgen rollback`; --release follows the containers again", style="yellow")
            )
        if seat.error:
            console.print(Text(f"  not right: {seat.error.message}. {seat.error.hint}", style="red"))
        elif not seat.right:
            console.print(Text(f"  {_difference(seat)}; is `confgen watch` running? `confgen plan` shows all of it", style="red"))
        console.print(_table(seat.model))
        _show_problems(console, seat.problems)
    for output in report.outputs:
        console.print(Text(f"output {output.name}: {output.to}", style="bold"))
        if output.error:
            console.print(Text(f"  not right: {output.error.message}. {output.error.hint}", style="red"))
    _show_problems(console, report.problems)


def show_live(directory: Path) -> None:
    """What a shared folder, and those in it, say is live, where there is nobody to ask for more."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    for path in (directory, *sorted(directory.glob("*/"))):
        folder = Folder(path)
        if generation := folder.live():
            console.print(Text(f"{path}: generation {generation} was applied last", style="bold"))
            console.print(_table(read_model(folder.generations / generation / MODEL_FILE)))


def _show_problems(console: Console, problems: Sequence[Problem]) -> None:
    from rich.text import Text

    for problem in problems:
        console.print(Text(f"  {problem}", style="yellow"))
        if problem.hint:
            console.print(Text(f"    {problem.hint}"))


def _difference(seat: SeatReport) -> str:
    plan = seat.plan
    return "not what is wanted" + (f" ({plan.impact.words}: {plan.reason})" if plan.reason else "")


def _table(model: Model) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("LISTENER", "ROUTE", "REQUESTS", *(("TLS",) if model.certificates else ()), "POOL", "SERVERS"):
        table.add_column(name, overflow="fold")
    for listener in model.listeners:
        for route in listener.routes:
            requests = ", ".join(f"{host}{_path(route)}" for host in route.hosts) or f"port {listener.port}"
            tls = (_tls(route, model),) if model.certificates else ()
            goal = (_goal(route), _servers(model.pool(route.pool)))
            cells = (f"{listener.protocol} {listener.port}", route.name, requests, *tls, *goal)
            table.add_row(*(Text(cell) for cell in cells))
    return table


def _path(route: Route) -> str:
    return f"{'=' if route.match.exact else ''}{route.match.path}"


def _tls(route: Route, model: Model) -> str:
    """The certificates of its hosts, "" where it is not served over TLS."""
    found = [model.certificate(host) for host in route.hosts] if route.tls.mode != "off" else []
    return ", ".join(dict.fromkeys(str(certificate) for certificate in found if certificate))


def _goal(route: Route) -> str:
    if route.withheld:
        return f"503 ({route.withheld})"
    return f"{route.redirect.code} {route.redirect.url}" if route.redirect else str(route.pool)


def _servers(pool: Pool | None) -> str:
    if pool is None:
        return ""
    return "\n".join(_server(s) for s in pool.servers)


def _server(server: Server) -> str:
    marks = [f"weight {server.weight}"] if server.weight != 1 else []
    marks += ["backup"] if server.backup else []
    marks += [server.why] if server.why else []
    return f"{server.name} {server.address}:{server.port} {server.state.value}" + (f" ({', '.join(marks)})" if marks else "")


def past(directory: Path) -> list[dict[str, object]]:
    """Each kept generation, the newest first: when it went live, how many routes and servers, what it changed."""
    folder = Folder(directory)
    found = folder.history()
    models = [read_model(folder.generations / name / MODEL_FILE) for name, _ in found]
    pinned = folder.recall(PIN_FILE).decode("ascii", "replace").strip()
    return [
        {
            "generation": name,
            "live_since": datetime.fromtimestamp(when, tz=UTC).isoformat(timespec="seconds"),
            "live": name == folder.live(),
            "pinned": name == pinned,
            "routes": len(model.routes()),
            "servers": sum(len(pool.ready) for pool in model.pools),
            "changes": [str(change) for change in diff(before, model)],
        }
        for (name, when), model, before in zip(found, models, [*models[1:], Model()], strict=False)
    ]


def show_past(found: list[dict[str, object]]) -> None:
    """One line a generation, with the first of its changes."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("GENERATION", "LIVE SINCE", "", "ROUTES", "SERVERS", "CHANGES"):
        table.add_column(name, overflow="fold")
    for one in found:
        mark = "pinned" if one["pinned"] else "live" if one["live"] else ""
        changes = [str(change) for change in one["changes"]] if isinstance(one["changes"], list) else []
        text = "; ".join(changes[:2]) + (f"; and {len(changes) - 2} more" if len(changes) > 2 else "")
        cells = (str(one["generation"]), str(one["live_since"]), mark, str(one["routes"]), str(one["servers"]), text)
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def show_advice(found: Sequence[Advice]) -> None:
    """Each finding with its mend below."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for advice in found:
        style = "red" if advice.level is Level.RISK else "yellow"
        console.print(Text.assemble((advice.level.value, style), f"  {advice.about}: {advice.message}"))
        console.print(Text(f"      -> {advice.mend}"))
    if not found:
        console.print(Text("nothing to mend", style="green"))


def show_chain(chain: Chain) -> None:
    """One line a step, the failing one with its mend."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(chain.subject, style="bold"))
    width = max((len(step.name) for step in chain.steps), default=0)
    for step in chain.steps:
        mark, style = ("ok  ", "green") if step.ok else ("STOP", "red")
        console.print(Text.assemble(("  " + mark, style), f"  {step.name:<{width}}  {step.text}"))
        if step.reason:
            console.print(Text(f"        {' ' * width}  ({step.reason.value})"))
        if step.hint and not step.ok:
            console.print(Text(f"        {' ' * width}  -> {step.hint}"))
    console.print(Text("  it is served" if chain.ok else "  it is not served", style="green" if chain.ok else "red"))
