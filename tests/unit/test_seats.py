"""Which proxies there are, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from confgen.seats import nobody, seats
from confgen.settings import LabelSettings, Settings
from confgen.state import Instance, Mount, Phase
from tests.unit.facts import container, state

SETTINGS = Settings(directory=Path("/srv/shared"))


def proxy(name: str, phase: Phase = Phase.RUNNING, folder: str = "/srv/shared") -> Instance:
    """A proxy, for a confgen that runs in no container: it goes by the path on the host."""
    mounts = (Mount(folder, folder, "/confgen"),)
    return replace(container(name, {"proxy": "nginx"}, phase=phase), mounts=mounts)


def test_a_proxy_that_shares_our_folder_has_a_seat() -> None:
    found, problems = seats(state(proxy("mine"), proxy("theirs", folder="/srv/other")), SETTINGS)
    assert [seat.name for seat in found] == ["mine"]
    assert problems == ()


@pytest.mark.parametrize("phase", [Phase.EXITED, Phase.CREATED, Phase.DEAD])
def test_a_proxy_that_does_not_run_is_named(phase: Phase) -> None:
    found, (problem,) = seats(state(proxy("mine", phase), proxy("theirs", folder="/srv/other")), SETTINGS)
    assert found == ()
    assert (problem.code, problem.origin.object) == ("CG009", "container mine")
    assert phase.value in problem.message
    assert problem.hint == "docker start mine"


def test_a_stopped_proxy_of_others_is_nobodys_business() -> None:
    assert seats(state(proxy("theirs", Phase.EXITED, "/srv/other")), SETTINGS) == ((), ())


def test_a_stranger_is_named_where_there_is_no_other_sign_of_ours() -> None:
    _, (problem,) = seats(state(proxy("theirs", folder="/srv/other")), SETTINGS)
    assert problem.code == "CG007"


def test_what_is_said_where_there_is_nobody() -> None:
    assert nobody(SETTINGS) == "label one with confgen.proxy=nginx or confgen.proxy=haproxy"
    assert "acme.proxy=nginx" in nobody(replace(SETTINGS, labels=LabelSettings(prefix="acme")))
    assert nobody(replace(SETTINGS, target="container:web")) == "there is no container web"
