"""What keeps one proxy right: refusals, quarantine, claims, pins, standby; against an nginx that refuses what it is told to.

The knowledge of nginx, the templates, the read-back and the folder are the real ones; only the program behind the target
is pretended, since no real nginx fails on demand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pytest

from confgen.apply import Result
from confgen.errors import RefusedByProxy, ReloadFailed, TargetUnavailable
from confgen.keep import PIN_FILE, Keeper
from confgen.offer import Vantage
from confgen.proxies import PROXIES
from confgen.report import SeatReport
from confgen.seats import Seat
from confgen.settings import Settings
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command
from tests.unit.facts import container, state

HOUR = 3600.0


@dataclass
class Nginx:
    """Pretends to be nginx: its test fails on texts that hold a word of `poison`; `deaf` to reloads if told so."""

    folder: Folder
    poison: set[str] = field(default_factory=set)
    name: str = "container proxy"
    view: PurePosixPath = PurePosixPath("/confgen")
    loaded: str = "skeleton"
    deaf: bool = False
    away: bool = False
    tests: int = 0
    reloads: int = 0

    def run(self, command: Command, deadline: float) -> Answer:
        if self.away:
            raise TargetUnavailable("the proxy is not running", "start it")
        if command.verb == "version":
            return Answer(0, "nginx version: nginx/1.30.0\nconfigure arguments: --with-stream\n")
        if command.verb == "test":
            self.tests += 1
            text = self.folder.read(command.argument)["nginx.conf"].decode()
            found = sorted(word for word in self.poison if word in text)
            return Answer(1, f"nginx: [emerg] {found[0]} is poison") if found else Answer(0, "")
        self.reloads += 1
        if not self.deaf:
            self.loaded = self.folder.live()
        return Answer(0, "")

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        if self.away:
            raise TargetUnavailable("the proxy is not running", "start it")
        return b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + self.loaded.encode()


class World:
    """One keeper at one pretended nginx, with a clock that stands still until it is told to go on."""

    def __init__(self, path: Path) -> None:
        self.now = 1000.0
        self.nginx = Nginx(Folder(path))
        self.settings = Settings(directory=path)
        self.keeper = Keeper(self.settings, lambda: self.now)

    def restart(self) -> None:
        """Another process of confgen; what the former one held is released with it."""
        self.keeper.release()
        self.keeper = Keeper(self.settings, lambda: self.now)

    def seat(self, life: str = "1") -> Seat:
        return Seat("proxy", life, PROXIES["nginx"], self.nginx, Vantage(frozenset({"front"})))

    def keep(self, *names: str, **more: dict[str, str]) -> SeatReport:
        return self.keeper.keep(
            self.seat(), state(*(web(name) for name in names), *(web(n, labels) for n, labels in more.items()))
        )

    def text(self) -> str:
        return (self.nginx.folder.path / "live" / "nginx.conf").read_text()


def web(name: str, labels: dict[str, str] | None = None) -> object:
    return container(name, labels or {"host": f"{name}.example.com", "port": "80"}, created=len(name))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def codes(report: SeatReport) -> list[str]:
    return [p.code for p in report.problems]


def test_what_is_wanted_is_brought_and_then_left_alone(world: World) -> None:
    first = world.keep("a")
    assert first.applied is not None
    assert first.applied.result is Result.RELOADED
    again = world.keep("a")
    assert again.applied is not None
    assert again.applied.result is Result.UNCHANGED
    assert (world.nginx.tests, world.nginx.reloads) == (1, 1)


def test_a_proxy_that_lost_it_gets_it_again(world: World) -> None:
    world.keep("a")
    world.nginx.loaded = "skeleton"  # restarted with a file of its own
    world.keep("a")
    assert world.nginx.loaded == world.nginx.folder.live()


def test_the_refused_route_alone_is_left_out_and_named_with_the_proxys_words(world: World) -> None:
    without = world.keep("a", "b").applied
    world.nginx.poison = {"bad.example.com"}
    report = world.keep("a", "bad", "b")
    assert report.error is None
    assert report.applied is not None
    assert without is not None
    assert report.applied.generation == without.generation, "the others' bytes are what they are without it"
    assert codes(report) == ["CG301"]
    assert "bad.example.com is poison" in report.problems[0].message
    assert report.problems[0].origin.object == "container bad"
    assert "bad" not in {p.instance for p in report.placements}


def test_after_a_restart_passwords_that_are_live_do_not_hide_who_is_refused(world: World) -> None:
    """Of what was live a restart knows digests of the hashes alone, and no text can be made of these."""
    users = {"host": "u.example.com", "port": "80", "auth.basic": f"bob:$6$abcdefgh${'a' * 86}"}
    gone = {"host": "v.example.com", "port": "80", "auth.basic": f"eve:$6$abcdefgh${'b' * 86}"}
    assert world.keep("a", u=users, v=gone).error is None
    world.restart()
    world.nginx.poison = {"bad.example.com"}
    report = world.keep("a", "bad", "newcomer", u=users)
    assert report.error is None
    assert codes(report) == ["CG301"]
    assert "newcomer.example.com" in world.text()


def test_what_is_served_again_leaves_the_quarantine_for_good(world: World) -> None:
    world.nginx.poison = {"bad.example.com"}
    world.keep("a", "bad")
    kept = json.loads(world.nginx.folder.recall("kept.json"))
    assert [one["name"] for one in kept["quarantined"]] == ["bad.default"]
    world.nginx.poison.clear()
    world.now += 31
    assert codes(world.keep("a", "bad")) == []
    assert not json.loads(world.nginx.folder.recall("kept.json")).get("quarantined")


def test_what_is_in_quarantine_costs_no_more_tests(world: World) -> None:
    world.nginx.poison = {"bad.example.com"}
    world.keep("a", "bad")
    tests = world.nginx.tests
    world.keep("a", "bad", "c")
    assert world.nginx.tests == tests + 1
    world.restart()
    assert codes(world.keep("a", "bad", "c")) == ["CG301"], "another process knows it too"
    assert world.nginx.tests == tests + 1


def test_it_is_tried_again_by_itself_and_heals(world: World) -> None:
    world.nginx.poison = {"bad.example.com"}
    world.keep("a", "bad")
    world.nginx.poison = set()
    assert codes(world.keep("a", "bad")) == ["CG301"]
    world.now += 31
    assert codes(world.keep("a", "bad")) == []
    assert "bad.example.com" in world.text()


def test_a_changed_definition_is_tried_at_once(world: World) -> None:
    world.nginx.poison = {"bad.example.com"}
    world.keep("a", "bad")
    assert codes(world.keep("a", bad={"host": "good.example.com", "port": "80"})) == []
    assert "good.example.com" in world.text()


SITE = {"routes.web.host": "a.example", "routes.web.port": "80"}
SHUT = {"routes.adm.host": "a.example", "routes.adm.path": "/poison", "routes.adm.port": "81", "routes.adm.allow": "10.0.0.0/8"}


def answers(world: World) -> dict[str, str]:
    """What becomes of each route in the text that is live."""
    found = {}
    for part in world.text().split("set $confgen_route ")[1:]:
        code = part.partition("return ")[2][:3] if "return " in part.partition("}")[0] else "served"
        found[part.partition(";")[0].strip('"')] = code
    return found


def test_a_guarded_route_that_is_refused_is_shut_told_once_and_not_tried_each_turn(world: World) -> None:
    world.nginx.poison = {"allow 10.0.0.0/8"}
    report = world.keep(app=SITE | SHUT)
    assert report.error is None
    assert (answers(world)["app.adm"], answers(world)["app.web"]) == ("503", "served")
    tests, said = world.nginx.tests, codes(report)
    for _ in range(3):
        world.now += 5
        assert codes(world.keep(app=SITE | SHUT)) == said
    assert world.nginx.tests == tests


def test_where_not_even_a_503_can_be_written_nothing_else_of_its_owner_answers_for_it(world: World) -> None:
    world.nginx.poison = {"/poison"}
    report = world.keep("b", app=SITE | SHUT)
    assert report.error is None
    assert codes(report) == ["CG301"]
    assert {name: code for name, code in answers(world).items() if name != "-"} == {"app.web": "503", "b.default": "served"}
    tests = world.nginx.tests
    for _ in range(3):
        world.now += 5
        assert codes(world.keep("b", app=SITE | SHUT)) == ["CG301"]
    assert world.nginx.tests == tests
    world.now += 20
    world.keep("b", app=SITE | SHUT)
    assert world.nginx.tests > tests, "tried once more after its time"
    tests = world.nginx.tests
    world.now += 31
    world.keep("b", app=SITE | SHUT)
    assert world.nginx.tests == tests, "and then after twice that"
    world.nginx.poison = set()
    world.now += 30
    assert codes(world.keep("b", app=SITE | SHUT)) == []
    assert (answers(world)["app.adm"], answers(world)["app.web"]) == ("served", "served")


def test_when_even_nothing_is_refused_nobody_is_blamed_and_the_last_good_text_stays(world: World) -> None:
    world.keep("a")
    live = world.nginx.folder.live()
    world.nginx.poison = {"worker_processes"}
    report = world.keep("a", "b")
    assert isinstance(report.error, RefusedByProxy)
    assert "worker_processes is poison" in report.error.message
    assert world.nginx.folder.live() == live == world.nginx.loaded
    tests = world.nginx.tests
    world.keep("a", "b")
    assert world.nginx.tests <= tests + 1, "the same text is not put before the proxy at every wake"


def test_a_reload_that_never_shows_is_put_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.keep("a")
    live = world.nginx.folder.live()
    world.nginx.deaf = True
    monkeypatch.setattr(PROXIES["nginx"], "patience", lambda tested: 1.0)
    assert isinstance(world.keep("a", "b").error, ReloadFailed)
    assert world.nginx.folder.live() == live == world.nginx.loaded


def test_a_port_that_cannot_be_opened_costs_its_own_route(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx passes the test and stays with the old text: the new listener is to blame."""
    world.keep("a")
    monkeypatch.setattr(PROXIES["nginx"], "patience", lambda tested: 1.0)
    world.nginx.run = busy_port(world.nginx, "listen 3306")  # type: ignore[method-assign]
    report = world.keep("a", "b", db={"tcp.3306": "3306"})
    assert report.error is None
    assert codes(report) == ["CG301"]
    assert "port could not be opened" in report.problems[0].message
    assert "b.example.com" in world.text()


def busy_port(nginx: Nginx, text: str):  # type: ignore[no-untyped-def]
    """A reload changes nothing while the live text listens where somebody else does."""
    plain = nginx.run

    def run(command: Command, deadline: float) -> Answer:
        live = (nginx.folder.path / "live" / "nginx.conf").read_text() if command.verb == "reload" else ""
        nginx.deaf = text in live
        return plain(command, deadline)

    return run


def test_an_absent_proxy_is_no_refusal(world: World) -> None:
    world.nginx.away = True
    assert isinstance(world.keep("a").error, TargetUnavailable)
    assert codes(world.keep("a", wrong={"host": "wrong", "port": "x"})) == ["CG121"], "labels are judged all the same"
    world.nginx.away = False
    assert world.keep("a").error is None


def test_of_a_proxy_that_cannot_be_asked_what_is_live_is_still_told(world: World) -> None:
    served = world.keep("a")
    world.nginx.away = True
    report = world.keep("a", "b")
    assert isinstance(report.error, TargetUnavailable)
    assert (report.model, report.live) == (served.model, served.live), "requests are answered by it all the while"


def test_a_pin_holds_whatever_the_containers_do(world: World) -> None:
    world.keep("a")
    pinned = world.nginx.folder.live()
    world.keep("a", "b")
    world.nginx.folder.remember(PIN_FILE, pinned.encode())
    report = world.keep("a", "b", "c")
    assert (report.pinned, world.nginx.loaded) == (pinned, pinned)
    world.nginx.folder.forget(PIN_FILE)
    world.keep("a", "b", "c")
    assert "c.example.com" in world.text()


def test_a_pin_of_what_is_gone_changes_nothing(world: World) -> None:
    world.keep("a")
    live = world.nginx.folder.live()
    world.nginx.folder.remember(PIN_FILE, b"0123456789abcdef")
    report = world.keep("a", "b")
    assert report.error is not None
    assert "no longer there" in report.error.message
    assert world.nginx.loaded == live


def test_what_nobody_approved_waits_and_what_was_is_taken(world: World) -> None:
    world.keep("a")
    approved = world.nginx.folder.live()
    world.keeper.take(replace(world.settings, expect=(approved,)))
    report = world.keep("a", "b")
    assert (world.nginx.loaded, world.nginx.folder.live()) == (approved, approved)
    assert report.applied is not None
    assert (report.applied.result, report.applied.changed, report.right) == (Result.WAITING, False, True)
    assert codes(report) == ["CG011"]
    assert report.wanted in report.problems[0].message
    assert codes(world.keeper.inspect(world.seat(), state(web("a"), web("b")))) == ["CG011"]
    world.keeper.take(replace(world.settings, expect=(approved, report.wanted)))
    report = world.keep("a", "b")
    assert (world.nginx.loaded, codes(report)) == (report.wanted, [])
    assert "b.example.com" in world.text()


def test_while_one_waits_the_proxy_gets_again_what_was_approved_and_nothing_else(world: World) -> None:
    world.keep("a")
    approved = world.nginx.folder.live()
    world.keeper.take(replace(world.settings, expect=(approved,)))
    world.nginx.loaded = "lost"
    world.keep("a", "b")
    assert world.nginx.loaded == approved
    world.keeper.take(replace(world.settings, expect=("0123456789abcdef",)))
    world.nginx.loaded = "lost"
    report = world.keep("a", "b")
    assert (world.nginx.loaded, codes(report)) == ("lost", ["CG011"])
    assert not world.keeper.inspect(world.seat(), state(web("a"), web("b"))).right


def test_before_anything_is_approved_nothing_is_written(world: World) -> None:
    world.keeper.take(replace(world.settings, expect=("0123456789abcdef",)))
    report = world.keep("a")
    assert (world.nginx.folder.live(), world.nginx.tests, codes(report)) == ("", 0, ["CG011"])


def test_a_second_keeper_stands_by(world: World) -> None:
    world.keep("a")
    other = Keeper(world.settings, lambda: world.now)
    report = other.keep(world.seat(), state(web("a"), web("b")))  # type: ignore[arg-type]
    assert report.applied is not None
    assert report.applied.result is Result.STANDBY
    assert "b.example.com" not in world.text()


SHARED = {"host": "shared.example.com", "port": "80"}


def holder(report: SeatReport) -> list[str]:
    return [p.instance for p in report.placements if p.server]


def test_who_was_first_keeps_the_host_over_a_restart_and_an_absence(world: World) -> None:
    assert holder(world.keep(second=SHARED)) == ["second"]
    world.restart()
    # By its age alone the other one would be first: "one" is the shorter name, hence the older container here.
    assert holder(world.keep(one=SHARED, second=SHARED)) == ["second"]
    report = world.keep(one=SHARED)
    assert holder(report) == []
    assert "until a moment ago" in report.problems[0].message
    assert holder(world.keep(one=SHARED, second=SHARED)) == ["second"], "it was only being made anew"


def test_a_host_that_nobody_came_back_for_is_free_again(world: World) -> None:
    world.keep(second=SHARED)
    world.keep(one=SHARED)
    world.now += HOUR
    world.keep(one=SHARED)
    assert holder(world.keep(one=SHARED)) == ["one"]


def test_a_standby_takes_over_what_was_released(world: World) -> None:
    world.keep("a")
    other = Keeper(world.settings, lambda: world.now)
    world.keeper.release()
    report = other.keep(world.seat(), state(web("a"), web("b")))  # type: ignore[arg-type]
    assert report.applied is not None
    assert report.applied.result is Result.RELOADED
    other.release()


def test_a_standby_that_takes_over_knows_who_was_granted_what_meanwhile(world: World) -> None:
    world.keep("a")
    other = Keeper(world.settings, lambda: world.now)
    other.keep(world.seat(), state(web("a")))  # type: ignore[arg-type]
    world.keep("a", second=SHARED)
    world.keeper.release()
    report = other.keep(world.seat(), state(web("a"), web("one", SHARED), web("second", SHARED)))  # type: ignore[arg-type]
    assert holder(report) == ["a", "second"], "and not the older one, who came later"
    other.release()


def test_a_renamed_container_keeps_its_host_and_one_made_anew_under_its_name_too(world: World) -> None:
    first = container("before", SHARED, identity="1" * 64)
    assert holder(world.keeper.keep(world.seat(), state(first))) == ["before"]
    renamed = container("after", SHARED, identity="1" * 64)
    assert holder(world.keeper.keep(world.seat(), state(renamed))) == ["after"]
    assert holder(world.keeper.keep(world.seat(), state(container("after", SHARED, identity="2" * 64)))) == ["after"]


def test_unreadable_memory_is_made_anew(world: World) -> None:
    world.nginx.folder.remember("kept.json", b"{nonsense")
    assert world.keep("a").error is None
    assert b"a.example.com" in world.nginx.folder.recall("kept.json")
