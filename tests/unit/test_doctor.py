"""What is risky in a set-up, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confgen.apply import Applied, Result
from confgen.build import Placement
from confgen.doctor import Advice, Level, Setup, examine
from confgen.errors import RefusedByProxy
from confgen.report import SeatReport
from confgen.state import Health, Instance, Mount, Published
from confgen.values import Name
from tests.unit.facts import built, container, state

PROXY = replace(container("proxy", {"proxy": "nginx"}), published=(Published("0.0.0.0", 80),))
WELL = [replace(container(f"web-{n}", of="shop/web", address=f"10.0.0.{n}"), health=Health.HEALTHY) for n in (2, 3)]


def seat(*instances: Instance, **fields: object) -> SeatReport:
    found = built(*instances)
    right = SeatReport(
        seat="proxy",
        proxy="nginx",
        version="1.30.6",
        model=found.model,
        placements=found.placements,
        applied=Applied("a", Result.UNCHANGED),
    )
    return replace(right, **fields)  # type: ignore[arg-type]


def setup(*instances: Instance, proxy: Instance = PROXY, seats: tuple[SeatReport, ...] | None = None, **fields: object) -> Setup:
    instances = instances or tuple(WELL)
    return Setup(state=state(proxy, *instances), seats=(seat(*instances),) if seats is None else seats, **fields)  # type: ignore[arg-type]


def only(found: tuple[Advice, ...]) -> Advice:
    (one,) = found
    return one


def test_of_a_good_set_up_there_is_nothing_to_say() -> None:
    assert examine(setup()) == ()


SOCKET = Mount("/var/run/docker.sock", "/var/run/docker.sock", "/var/run/docker.sock")


@pytest.mark.parametrize(
    ("made", "level", "words"),
    [
        (setup(own=replace(container("confgen", {}), mounts=(SOCKET,))), Level.RISK, "rules the engine"),
        (setup(ailments=("the last look is 90 s old",)), Level.RISK, "90 s old"),
        (setup(seats=(seat(*WELL, error=RefusedByProxy("the proxy refuses", "mend it")),)), Level.RISK, "refuses"),
        (setup(seats=(seat(*WELL, applied=Applied("a", Result.OUTDATED)),)), Level.RISK, "does not serve"),
        (setup(seats=(seat(*WELL, pinned="abc"),)), Level.RISK, "generation abc is pinned"),
        (setup(seats=(seat(*WELL, version="1.27.3"),)), Level.HINT, "idle connection"),
        (setup(seats=(seat(*WELL, version="1.30.0"),), ours=True), Level.RISK, "CVE-2026-42945"),
        (setup(seats=(seat(*WELL, proxy="haproxy", version="3.2.4"),)), Level.HINT, "takes a reload"),
        (setup(proxy=replace(PROXY, published=())), Level.HINT, "none of its ports"),
        (setup(proxy=replace(PROXY, published=(Published("127.0.0.1", 80),))), Level.HINT, "own address"),
        (setup(proxy=replace(PROXY, mounts=(Mount("/x", "/x", "/etc/nginx/nginx.conf"),))), Level.HINT, "single file"),
        (setup(*(replace(i, health=Health.NONE) for i in WELL)), Level.HINT, "shop-web"),
        (setup(WELL[0]), Level.HINT, "one server"),
    ],
)
def test_each_thing_is_told_alone_with_its_mend(made: Setup, level: Level, words: str) -> None:
    if words == "shop-web":
        words = "web-2, web-3: nobody asks"
    found = only(examine(made))
    assert (found.level, words in found.message) == (level, True), found
    assert found.mend


def test_a_fragile_haproxy_is_a_risk_and_comes_first() -> None:
    first, second = examine(setup(seats=(seat(*WELL, proxy="haproxy", version="2.8.0"),)))
    assert (first.level, second.level) == (Level.RISK, Level.HINT)
    assert "kills" in first.message


def test_projects_that_may_claim_each_others_hosts() -> None:
    other = [replace(container(f"api-{n}", {"host": "api.example.com", "port": "80"}, of="other/api", address=f"10.0.1.{n}"), health=Health.HEALTHY) for n in (2, 3)]  # fmt: skip
    assert "2 projects" in only(examine(setup(*WELL, *other))).message
    assert examine(setup(*WELL, *other, guarded=True)) == ()


def test_who_takes_no_requests_is_not_counted() -> None:
    nowhere = seat(*WELL, placements=(Placement("web-2", Name("x"), None, None),))
    assert examine(setup(*(replace(i, health=Health.NONE) for i in WELL), seats=(nowhere,))) == ()
