"""Out of rotation by hand, and back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from confgen.cli import complete
from confgen.cli.options import FINE, LIVE, PROBLEMS, TEXT, cli, options, proxies, settings_from
from confgen.errors import TargetUnavailable, UsageError

if TYPE_CHECKING:
    from confgen.model import Model, Pool, Server
    from confgen.seats import Seat
    from confgen.state import Instance, State

#: Seconds in which `watch` has to act on it.
_FOLLOWS = 10.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class _Place:
    """A container as a server of one proxy."""

    seat: Seat
    pool: Pool
    server: Server


@cli.command(short_help="Take a container out of rotation and wait for its open requests.")
@click.argument("container", shell_complete=complete.containers)
@click.option(
    "--wait", type=click.FloatRange(0), help="Most seconds to wait for open requests; the pool's drain (10 s) if not given."
)
@click.option("--force", is_flag=True, help="Also where nobody else can answer.")
@options(*LIVE, *TEXT)
def drain(container: str, wait: float | None, force: bool, **given: Any) -> int:
    """Take a container out of rotation: it gets no new requests until `confgen undrain`, and its open ones are waited for.

    It holds over restarts of the container, of confgen and of the proxy; a container that is made anew is another one. With
    HAProxy the open requests are counted, with nginx, which does not tell, the time is waited.

    \b
    Example: confgen drain shop-web-1 && docker restart shop-web-1 && confgen undrain shop-web-1
    """
    instance, places = _find(container, given)
    if not places:
        raise UsageError(f"{instance.name} gets no requests from any proxy", "confgen explain says why")
    last = [place for place in places if not _others(place)]
    if last and not force:
        raise UsageError(
            f"{instance.name} is the only ready server of pool {last[0].pool.name}: its requests would be answered with 503",
            "start another one first, or --force",
        )
    for place in places:
        _write(place.seat, instance.id, add=True)
    click.echo(f"{instance.name}: waits until it is out of rotation…", err=True)
    for place in places:
        _until_out(place)
    click.echo(f"{instance.name}: gets no new requests", err=True)
    return max(_until_idle(place, wait) for place in places)


@cli.command(short_help="Back into rotation.")
@click.argument("container", shell_complete=complete.containers)
@options(*LIVE, *TEXT)
def undrain(container: str, **given: Any) -> int:
    """Undo `confgen drain`: the container gets requests again, if nothing else is in the way.

    \b
    Example: confgen undrain shop-web-1
    """
    found = False
    for _, seat, state in proxies(settings_from(given)):
        instance = _instance(container, state)
        if instance.id in _read(seat):
            found = True
            _write(seat, instance.id, add=False)
    if not found:
        raise UsageError(f"{container} is not drained", "confgen status shows who takes requests")
    click.echo(f"{container}: back in rotation", err=True)
    return FINE


def _find(container: str, given: dict[str, Any]) -> tuple[Instance, list[_Place]]:
    instance, places = None, []
    for loop, seat, state in proxies(settings_from(given)):
        instance = _instance(container, state)
        report = loop.keeper(seat).inspect(seat, state)
        if report.error:
            raise report.error
        places += list(_places(instance.name, seat, report.model))
    assert instance is not None  # proxies raises where there is none
    return instance, places


def _instance(container: str, state: State) -> Instance:
    found = [i for i in state.instances if container == i.name or (len(container) >= 6 and i.id.startswith(container))]
    if len(found) != 1:
        raise UsageError(f"there is {'more than one' if found else 'no'} container {container}", "docker ps names them")
    return found[0]


def _places(name: str, seat: Seat, model: Model) -> Iterator[_Place]:
    for pool in model.pools:
        yield from (_Place(seat, pool, server) for server in pool.servers if server.name == name)


def _others(place: _Place) -> bool:
    return any(server.name != place.server.name for server in place.pool.ready)


def _read(seat: Seat) -> list[str]:
    from confgen.keep import DRAINED_FILE

    return seat.target.folder.recall(DRAINED_FILE).decode("ascii", "replace").split()


def _write(seat: Seat, identity: str, add: bool) -> None:
    from confgen.keep import DRAINED_FILE

    others = [known for known in _read(seat) if known != identity]
    lines = [*others, identity] if add else others
    seat.target.folder.remember(DRAINED_FILE, "".join(f"{line}\n" for line in lines).encode())


def _until_out(place: _Place) -> None:
    """Until what is live says so too; raises TargetUnavailable when nobody acts on it."""
    from confgen.model import ServerState
    from confgen.want import look_into

    until = time.monotonic() + _FOLLOWS
    while time.monotonic() < until:
        pool = look_into(place.seat.target.folder).model.pool(place.pool.name)
        servers = [s for s in pool.servers if s.name == place.server.name] if pool else []
        if all(s.state is not ServerState.READY for s in servers):
            return
        time.sleep(_POLL)
    raise TargetUnavailable(
        f"{place.seat.name} still sends it requests after {_FOLLOWS:g} s", "is `confgen watch` running? Is a generation pinned?"
    )


def _until_idle(place: _Place, wait: float | None) -> int:
    """Waits for open requests; FINE when there is none left, or nobody counts them."""
    seat, pool, server = place.seat, str(place.pool.name), str(place.server.name)
    started = time.monotonic()
    most = place.pool.drain / 1000 if wait is None else wait
    while True:
        left = seat.proxy.open_requests(seat.target, pool, server)
        waited = time.monotonic() - started
        if left == 0:
            click.echo(f"{seat.name}: none of its requests is open any more", err=True)
            return FINE
        if waited >= most:
            break
        time.sleep(min(_POLL if left is not None else 1.0, most - waited))
    if left is None:
        click.echo(f"{seat.name}: waited {most:g} s for open requests ({seat.proxy.name} does not count them)", err=True)
        return FINE
    click.echo(f"{seat.name}: {left} still open after {most:g} s", err=True)
    return PROBLEMS
