"""Which proxies there are, and what is said where there is none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from confgen.errors import UsageError
from confgen.seats import nobody, seats
from confgen.settings import LabelSettings, Settings
from confgen.state import Instance, Mount, Phase
from confgen.targets.channel import ChannelTarget
from confgen.targets.process import ProcessTarget
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


def test_a_target_names_one_container_labelled_or_not() -> None:
    bare = replace(proxy("bare"), labels=())
    facts = state(proxy("mine"), bare)
    settings = replace(SETTINGS, target="container:bare", proxy="haproxy")
    (seat,), problems = seats(facts, settings)
    assert (seat.name, seat.proxy.name, problems) == ("bare", "haproxy", ())
    assert seats(facts, replace(SETTINGS, target="container:other")) == ((), ())
    _, (problem,) = seats(facts, replace(SETTINGS, target="container:bare"))
    assert problem.code == "CG181", "nobody says which proxy it is"


@pytest.mark.parametrize(
    ("given", "name", "version"), [("", "nginx", ""), ("haproxy", "haproxy", ""), ("haproxy", "haproxy", "3.0")]
)
def test_a_target_may_be_a_folder_that_nobody_runs(tmp_path: Path, given: str, name: str, version: str) -> None:
    settings = replace(SETTINGS, target=f"dir:{tmp_path}", proxy=given, proxy_version=version)
    (seat,), problems = seats(state(proxy("mine")), settings)
    assert (seat.proxy.name, seat.target.folder.path, seat.vantage.networks, problems) == (name, tmp_path, None, ())
    assert seat.caps == seat.proxy.caps(version or seat.proxy.newest)


def test_a_target_may_be_the_program_beside_us_asked_by_its_start_script_where_that_is_there(tmp_path: Path) -> None:
    settings = replace(SETTINGS, directory=tmp_path, target="process", proxy="haproxy")
    (seat,), _ = seats(state(proxy("mine")), settings)
    assert (seat.proxy.name, type(seat.target), seat.vantage.networks, seat.caps) == ("haproxy", ProcessTarget, None, None)
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "request")
    (seat,), _ = seats(state(), settings)
    assert isinstance(seat.target, ChannelTarget)
    with pytest.raises(UsageError, match="needs --proxy"):
        seats(state(), replace(settings, proxy=""))


@pytest.mark.parametrize("target", ["container:", "dir:", "container", "folder:x", "processes"])
def test_a_target_that_makes_no_sense_is_told(target: str) -> None:
    with pytest.raises(UsageError, match="is not known"):
        seats(state(proxy("mine")), replace(SETTINGS, target=target))


def test_from_where_a_proxy_looks() -> None:
    mine = proxy("mine")
    (inside, outside), _ = seats(state(mine, replace(proxy("host"), network_mode="host")), SETTINGS)
    seen = {seat.name: seat.vantage.networks for seat in (inside, outside)}
    assert seen == {"mine": frozenset(a.network for a in mine.attachments), "host": None}
    assert seen["mine"]


def test_in_a_container_a_proxy_is_known_by_the_volume_that_it_has_in_common_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is mounted on either side, or a folder below where several proxies are kept."""

    def mounted(name: str, labels: dict[str, str], *mounts: tuple[str, str]) -> Instance:
        return replace(container(name, labels), mounts=tuple(Mount(v, f"/volumes/{v}/_data", at) for v, at in mounts))

    ours = mounted("confgen", {}, ("one", "/srv/shared/one"), ("two", "/srv/shared/two"), ("other", "/elsewhere"))
    monkeypatch.setattr("confgen.seats.own", lambda state: ours)
    label = {"proxy": "nginx"}
    facts = state(
        ours,
        mounted("a", label, ("one", "/confgen")),
        mounted("b", label, ("logs", "/logs"), ("two", "/var/lib/haproxy")),
        mounted("c", label, ("three", "/confgen")),
        mounted("d", label, ("other", "/confgen")),
    )
    found, problems = seats(facts, SETTINGS)
    where = {seat.name: (str(seat.target.folder.path), str(seat.target.view)) for seat in found}
    assert where == {"a": ("/srv/shared/one", "/confgen"), "b": ("/srv/shared/two", "/var/lib/haproxy")}
    assert problems == ()


def test_what_is_said_where_there_is_nobody() -> None:
    assert nobody(SETTINGS) == "label one with confgen.proxy=nginx or confgen.proxy=haproxy"
    assert "acme.proxy=nginx" in nobody(replace(SETTINGS, labels=LabelSettings(prefix="acme")))
    assert nobody(replace(SETTINGS, target="container:web")) == "there is no container web"
