"""What a shell offers to complete: names that stand in files.  No engine is asked, so the shell never waits for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from confgen.settings import Settings

if TYPE_CHECKING:
    from confgen.targets.folder import Folder


def containers(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Those that take requests, by what is live."""
    from confgen.want import look_into

    found = {str(s.name) for folder in _folders(ctx) for pool in look_into(folder).model.pools for s in pool.servers}
    return _fitting(found, begun)


def containers_and_hosts(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """And the hosts of all routes."""
    from confgen.want import look_into

    hosts = {str(h) for folder in _folders(ctx) for route in look_into(folder).model.routes() for h in route.hosts}
    return containers(ctx, parameter, begun) + _fitting(hosts, begun)


def generations(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Those that are kept."""
    return _fitting({name for folder in _folders(ctx) for name, _ in folder.history()}, begun)


def templates(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The shipped ones."""
    from confgen.proxies import PROXIES
    from confgen.render import shipped_names

    return _fitting({name for kind in PROXIES for name in shipped_names(kind)}, begun)


def _fitting(names: set[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def _folders(ctx: click.Context) -> Iterator[Folder]:
    from confgen.observe.health import folders

    yield from folders(Path(ctx.params.get("directory") or Settings().directory))
