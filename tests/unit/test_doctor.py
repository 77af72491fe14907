"""What is risky in a set-up, and what is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from confgen.apply import Applied, Result
from confgen.build import Placement
from confgen.cli.options import cli
from confgen.doctor import Advice, Level, Setup, examine
from confgen.errors import RefusedByProxy
from confgen.report import SeatReport
from confgen.state import Health, Instance, Mount, Published
from confgen.tls import Certificate
from confgen.values import Name, parse_host
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
        (setup(exec=True), Level.RISK, "exec"),
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


@pytest.mark.parametrize(("version", "told"), [("1.26", True), ("1.30", False), ("1.30.0", True), ("1.30.1", False)])
def test_a_tag_that_names_a_branch_counts_as_its_newest(version: str, told: bool) -> None:
    found = examine(setup(seats=(seat(*WELL, version=version),), ours=True))
    assert any("CVE-2026-42945" in advice.message for advice in found) is told


def test_a_fragile_haproxy_is_a_risk_and_comes_first() -> None:
    found = examine(setup(seats=(seat(*WELL, proxy="haproxy", version="2.8.0"),)))
    assert [advice.level for advice in found] == [Level.RISK, Level.RISK, Level.HINT]
    assert "kills" in found[1].message


def test_projects_that_may_claim_each_others_hosts() -> None:
    other = [replace(container(f"api-{n}", {"host": "api.example.com", "port": "80"}, of="other/api", address=f"10.0.1.{n}"), health=Health.HEALTHY) for n in (2, 3)]  # fmt: skip
    assert "2 projects" in only(examine(setup(*WELL, *other))).message
    assert examine(setup(*WELL, *other, guarded=True)) == ()


def test_who_takes_no_requests_is_not_counted() -> None:
    nowhere = seat(*WELL, placements=(Placement("web-2", Name("x"), None, None),))
    assert examine(setup(*(replace(i, health=Health.NONE) for i in WELL), seats=(nowhere,))) == ()


# --- versions with known holes


def holes(proxy: str, version: str, **model: object) -> list[str]:
    made = seat(*WELL, proxy=proxy, version=version)
    made = replace(made, model=replace(made.model, **model))  # type: ignore[arg-type]
    return sorted(word for advice in examine(setup(seats=(made,))) for word in re.findall(r"CVE-[0-9-]+", advice.message))


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("2.6.8", ["CVE-2023-25725", "CVE-2023-40225"]),
        ("2.6.9", ["CVE-2023-40225"]),
        ("2.6.14", ["CVE-2023-40225"]),
        ("2.6.15", []),
        ("2.7.2", ["CVE-2023-25725", "CVE-2023-40225"]),
        ("2.8.1", ["CVE-2023-40225"]),
        ("2.8.2", []),
        ("2.9.9", []),
        ("3.2.0", []),
        ("2.6", []),
    ],
)
def test_a_haproxy_with_a_known_hole_is_a_risk(version: str, found: list[str]) -> None:
    assert holes("haproxy", version) == found


def certified() -> tuple[Certificate, ...]:
    hosts = (parse_host("shop.example.com"),)
    ends = "2099-01-01T00:00:00Z"
    return (Certificate(name=Name("shop"), digest="0" * 32, names=("shop.example.com",), not_after=ends, hosts=hosts),)


@pytest.mark.parametrize(("version", "hole"), [("2.8.10", False), ("2.9.9", True), ("2.9.10", False), ("3.0.3", True), ("3.0.4", False), ("3.1.0", False)])  # fmt: skip
def test_a_hole_of_http2_counts_where_there_is_http2(version: str, hole: bool) -> None:
    assert ("CVE-2024-45506" in holes("haproxy", version, certificates=certified())) is hole
    assert "CVE-2024-45506" not in holes("haproxy", version)


@pytest.mark.parametrize(("version", "hole"), [("1.27.5", True), ("1.28.1", True), ("1.28.2", False), ("1.29.4", True), ("1.29.5", False), ("1.30.0", False)])  # fmt: skip
def test_a_hole_towards_https_servers_counts_where_there_are_some(version: str, hole: bool) -> None:
    pools = tuple(replace(pool, protocol="https") for pool in seat(*WELL).model.pools)
    assert ("CVE-2026-1642" in holes("nginx", version, pools=pools)) is hole
    assert "CVE-2026-1642" not in holes("nginx", version)


# --- what a compose file tells

GOOD = """services:
  proxy:
    image: nginx:1.30
    labels: {confgen.proxy: nginx}
    ports: ["80:80"]
    volumes: ["confgen:/confgen"]
  confgen:
    image: confgen
    volumes: ["confgen:/confgen", "engine:/engine"]
  web:
    image: shop
    labels: {confgen.host: shop.example.com, confgen.port: "80"}
    healthcheck: {test: [CMD, "true"]}
    stop_grace_period: 10s
    deploy: {replicas: 2}
  db:
    image: mysql
    labels: {confgen.tcp.3306: "3306"}
    healthcheck: {test: [CMD, "true"]}
    deploy: {replicas: 2}
volumes: {confgen: , engine: }
"""


def told(tmp_path: Path, text: str) -> list[dict[str, str]]:
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    done = CliRunner().invoke(cli, ["doctor", str(file), "--json"], standalone_mode=False)
    if done.exception:
        raise done.exception
    found: list[dict[str, str]] = json.loads(done.stdout)
    assert (done.return_value or 0) == any(advice["level"] == "risk" for advice in found)
    return found


def test_of_a_good_file_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert told(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "level", "about", "words"),
    [
        ("period: 10s", "period: 5s", "risk", "compose.yaml:14", "web is killed 5 s after its stop signal, and its open requests may take 10 s"),
        ('port: "80"', 'port: "80", confgen.drain: 30s', "risk", "compose.yaml:14", "may take 30 s"),
        ("    stop_grace_period: 10s\n", '    stop_grace_period: "9s500ms"\n', "risk", "compose.yaml:14", "killed 9.5 s"),
        ("mysql\n    labels: {confgen.tcp", "mysql\n    labels: {confgen.drain: 1m, confgen.tcp", "risk", "compose.yaml:16", "db is killed 10 s"),
        ("3306\"}\n    healthcheck: {test: [CMD, \"true\"]}\n    deploy: {", "3306\"}\n    healthcheck: {test: [CMD, \"true\"]}\n    deploy: {endpoint_mode: vip, ", "risk", "compose.yaml:16", "one address for all replicas, and Swarm forgets"),
        ("10s\n    deploy: {", "10s\n    deploy: {endpoint_mode: vip, ", "hint", "compose.yaml:10", "can neither balance nor drain"),
        ('"80:80"', '"127.0.0.1:80:80"', "hint", "proxy", "own address"),
        ('["80:80"]', "[{target: 80, published: 80, host_ip: 127.0.0.1}]", "hint", "proxy", "own address"),
        ('["80:80"]', '["80"]', "hint", "proxy", "none of its ports"),
        ("nginx:1.30", "nginx:1.26", "hint", "proxy", "idle connection"),
        ('confgen:/confgen"]\n  confgen', 'confgen:/confgen", "./x.conf:/etc/nginx/nginx.conf:ro"]\n  confgen', "hint", "proxy", "single file"),
        ("engine:/engine", "/var/run/docker.sock:/var/run/docker.sock:ro", "risk", "confgen", "rules the engine"),
        ('    healthcheck: {test: [CMD, "true"]}\n    stop', "    stop", "hint", "proxy", "web: nobody asks"),
        ('    healthcheck: {test: [CMD, "true"]}\n    stop', "    healthcheck: {disable: true}\n    stop", "hint", "proxy", "web: nobody asks"),
        ("    stop_grace_period: 10s\n    deploy: {replicas: 2}\n", "", "hint", "proxy", "one server"),
    ],
)  # fmt: skip
def test_each_thing_in_a_file_is_told_alone(tmp_path: Path, before: str, after: str, level: str, about: str, words: str) -> None:
    assert GOOD.count(before) == 1, "the text to be changed stands there once"
    (found,) = told(tmp_path, GOOD.replace(before, after))
    assert found["level"] == level
    assert found["about"].endswith(about), found
    assert words in found["message"]
    assert found["mend"]


def test_a_mend_mends(tmp_path: Path) -> None:
    (found,) = told(tmp_path, GOOD.replace('port: "80"', 'port: "80", confgen.drain: 30s'))
    assert told(tmp_path, GOOD.replace('port: "80"', 'port: "80", confgen.drain: 30s').replace("stop_grace_period: 10s", found["mend"].split(",")[0])) == []  # fmt: skip
