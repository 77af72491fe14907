"""HAProxy is changed as it runs: it then does what a fresh process does with the same files, whatever came before."""

# ruff: noqa: F811 - a fixture's name is an argument's name

from __future__ import annotations

import csv
import io
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from confgen.apply import Result, apply
from confgen.errors import RefusedByProxy, ReloadFailed
from confgen.model import Model, Server, ServerState
from confgen.proxies.haproxy import HAPROXY, alter, control
from confgen.targets.channel import ChannelTarget
from confgen.targets.folder import Folder
from confgen.targets.target import Answer, Command
from confgen.values import Duration, Name, Sticky, Weight
from tests.integration.haproxy_bed import Bench, bench, binaries, newest  # noqa: F401 - the fixtures
from tests.integration.nginx_bed import Backend, backends, model, pool, route, server, wait_for  # noqa: F401 - the fixtures
from tests.integration.test_haproxy_retry import CHOICES
from tests.load import Load

Make = Callable[..., Backend]


def said(bench: Bench, command: str) -> str:
    return bench.target.talk("master.sock", f"@1 {command}\n".encode(), 5).decode()


def reloads(bench: Bench) -> int:
    """How many the master has done."""
    return int(re.findall(r"master +([0-9]+)", bench.target.talk("master.sock", b"show proc\n", 5).decode())[0])


def servers(bench: Bench) -> dict[tuple[str, str], tuple[str, str, str, int]]:
    """Address, port, weight and state of each server, as the process tells of them."""
    rows = [line.split(" ") for line in said(bench, "show servers state").splitlines()[2:] if line]
    return {(row[1], row[3]): (row[4], row[18], row[7], int(row[6]) & 0x39) for row in rows}


def maps(bench: Bench) -> dict[str, list[str]]:
    names = ("hosts.map", "wildcards.map", "exact.map", "prefixes.map")
    found = {name: [x.partition(" ")[2] for x in said(bench, f"show map {name}").splitlines() if x[:2] == "0x"] for name in names}
    return {name: lines if name == "wildcards.map" else sorted(lines) for name, lines in found.items()}


def does_what_a_fresh_one_does(bench: Bench) -> None:
    """A reload of the very same files alters nothing that a request could meet."""
    before, before_maps = servers(bench), maps(bench)
    HAPROXY.reload(bench.target)
    wait_for(lambda: bench.running() == bench.target.folder.live())
    fresh = servers(bench)
    assert {place: before.get(place) for place in fresh} == fresh
    assert all(state & 1 for place, (*_, state) in before.items() if place not in fresh), "what is left over is in maintenance"
    assert before_maps == maps(bench)


def one_pool(*found: Server, **more: object) -> Model:
    return model(route("a.web", "a.test", to="web"), pool("web", *found, **more))


# --- any change ---


class World:
    """Models that differ as containers make them differ, one after the other."""

    def __init__(self, seed: int, pools_come: bool) -> None:
        self.chance, self.pools_come = random.Random(seed), pools_come
        self.pools = ["web", "api", "web.x", "db_1"]

    def next(self) -> Model:
        chance = self.chance
        there = [name for name in self.pools if not self.pools_come or chance.random() < 0.8] or ["web"]
        parts = [pool(name, *self._servers()) for name in there]
        hosts = [route(f"r.{name}", f"{name.replace('_', '-')}.test *.{name.replace('_', '-')}.test", to=name) for name in there]
        paths = ["/deep", "/deep/er", "=/it's", "/a%20b;c", "/%C3%A9", "=/x=1"]
        more = [
            route(f"p{number}", f"{there[0].replace('_', '-')}.test", path, to=chance.choice(there))
            for number, path in enumerate(paths)
            # One path of each kind is always there: with the first and the last, a rule of the port comes and goes.
            if number in (2, 3) or chance.random() < 0.6
        ]
        return model(*parts, *hosts, *more)

    def _servers(self) -> list[Server]:
        names = sorted(self.chance.sample(["s-1", "s-2", "s.3", "S_4"], self.chance.randint(0, 4)))
        return [self._server(name) for name in names]

    def _server(self, name: str) -> Server:
        chance = self.chance
        return server(
            name,
            chance.choice([8001, 8002]),
            chance.choice(["127.0.0.1", "127.0.0.2", "::1", "fd00::a:2"]),
            weight=Weight(chance.choice([1, 1, 7, 256])),
            state=chance.choice([ServerState.READY, ServerState.READY, ServerState.DRAINING, ServerState.DOWN]),
            max_connections=chance.choice([None, None, 5]),
        )


def test_whatever_came_before_it_does_what_a_fresh_process_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alter, "_LEFT_ALONE", 1)  # so that servers are deleted within the test too
    world, seen = World(7, bench.version == "3.4"), []
    for turn in range(14):
        applied = bench.serve(world.next())
        seen.append(applied.result)
        assert bench.running() == applied.generation == bench.target.folder.live()
        assert applied.result is Result.ADJUSTED or applied.why, applied
        if turn % 7 == 6:
            does_what_a_fresh_one_does(bench)
    assert seen.count(Result.ADJUSTED) > 7, seen


def test_servers_and_hosts_come_and_go_without_a_reload(bench: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    first = one_pool(server("one", one.port))
    both = one_pool(server("one", one.port), server("two", two.port))
    bench.serve(first)
    before = reloads(bench)
    assert bench.serve(both).result is Result.ADJUSTED
    assert set(bench.spread("a.test", 6)) == {"one", "two"}
    assert (
        bench.serve(one_pool(server("one", one.port), server("two", two.port, state=ServerState.DRAINING))).result
        is Result.ADJUSTED
    )
    assert set(bench.spread("a.test", 6)) == {"one"}
    assert bench.serve(first).result is Result.ADJUSTED
    assert bench.serve(one_pool(server("one", two.port))).result is Result.ADJUSTED
    assert set(bench.spread("a.test", 6)) == {"two"}, "its address has changed"
    again = model(route("b.web", "b.test", to="web"), *first.routes(), *first.pools)
    assert bench.serve(again).result is Result.ADJUSTED
    assert bench.ask("b.test").server == "one", "a host of a pool that is there"
    assert bench.serve(first).result is Result.ADJUSTED
    assert bench.ask("b.test").status == 404
    assert reloads(bench) == before


def test_a_host_with_a_pool_of_its_own(bench: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    first = one_pool(server("one", one.port))
    more = model(route("b.web", "b.test", to="b"), *first.routes(), pool("b", server("two", two.port)), *first.pools)
    bench.serve(first)
    added = bench.serve(more)
    assert bench.ask("b.test").server == "two"
    removed = bench.serve(first)
    assert bench.ask("b.test").status == 404
    assert removed.result is Result.ADJUSTED
    if bench.version == "3.4":
        assert added.result is Result.ADJUSTED
        assert bench.serve(more).result is Result.ADJUSTED, "back before it was swept out"
        assert bench.ask("b.test").server == "two"
    else:
        assert (added.result, added.why) == (Result.RELOADED, "backend b is new, and only HAProxy 3.4 and later can add one")


@pytest.mark.parametrize("first", ["http", "https", "h2c"])
@pytest.mark.parametrize("then", ["http", "https", "h2c"])
def test_who_is_back_and_speaks_another_protocol_is_not_taken_for_who_left(
    bench: Bench, backends: Make, first: str, then: str
) -> None:
    """What HAProxy keeps of a server in maintenance would speak the former one, and shows nothing of it."""
    one, two = backends("one"), backends("two")
    without = one_pool(server("one", one.port), server("base", one.port), protocol="http")

    def having(protocol: str) -> Model:
        more = pool("b", server("two", two.port), protocol=protocol)
        return model(route("b.web", "b.test", to="b"), *without.routes(), more, *without.pools)

    bench.serve(having(first))
    bench.serve(without)
    again = bench.serve(having(then))
    assert again.result is (Result.ADJUSTED if first == then and bench.version == "3.4" else Result.RELOADED), again.why
    does_what_a_fresh_one_does(bench)


def test_every_way_to_choose_and_to_speak_takes_new_servers(bench: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    kinds: dict[str, dict[str, object]] = {
        **CHOICES,
        **{scheme: {"protocol": scheme} for scheme in ("https", "h2c", "grpc", "grpcs")},
    }
    if bench.version == "2.6":
        del kinds["sticky-cookie"]
    routes = [route(f"a.{kind}", f"{kind}.test", to=kind) for kind in kinds]
    bench.serve(model(*routes, *(pool(kind, server("one", one.port), **how) for kind, how in kinds.items())))
    both = [pool(kind, server("one", one.port), server("two", two.port), **how) for kind, how in kinds.items()]
    applied = bench.serve(model(*routes, *both))
    assert (applied.result, applied.why) == (Result.ADJUSTED, "")
    one.close()
    for kind in CHOICES.keys() & kinds.keys():
        assert bench.ask(f"{kind}.test").server == "two", kind


def test_what_takes_a_reload_says_why(bench: Bench) -> None:
    bench.serve(one_pool(server("one", 8001), sticky=Sticky("cookie", Name("sid"))))
    applied = bench.serve(one_pool(server("one", 8001), server("two", 8002), sticky=Sticky("cookie", Name("sid"))))
    told = "server web/two has a cookie, and only HAProxy 3.0 and later can add such a one"
    assert (applied.result, applied.why) == ((Result.RELOADED, told) if bench.version == "2.6" else (Result.ADJUSTED, ""))
    applied = bench.serve(one_pool(server("one", 8001), retry=7))
    assert (applied.result, applied.why) == (Result.RELOADED, "backend web has other settings")


# --- requests meanwhile ---


def test_a_drained_server_keeps_its_cookies_and_what_it_has_begun(bench: Bench, backends: Make) -> None:
    found = [backends("one"), backends("two")]
    sticky = {"sticky": Sticky("cookie", Name("sid"))}
    bench.serve(one_pool(*(server(b.name, b.port) for b in found), **sticky))
    cookie = next(seen for seen in (bench.ask("a.test") for _ in range(8)) if seen.server == "two").headers["set-cookie"]
    draining = one_pool(server("one", found[0].port), server("two", found[1].port, state=ServerState.DRAINING), **sticky)
    assert bench.serve(draining).result is Result.ADJUSTED
    assert set(bench.spread("a.test", 6)) == {"one"}
    assert bench.ask("a.test", headers={"Cookie": cookie.split(";")[0]}).server == "two"


def test_no_request_is_lost_while_a_server_comes_and_goes(bench: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    alone, both = one_pool(server("one", one.port)), one_pool(server("one", one.port), server("two", two.port))
    bench.serve(both)
    with Load(bench.http_port, "a.test", rate=300) as load:
        seen = [bench.serve(found).result for _ in range(6) for found in (alone, both)]
    assert load.result.requests > 20
    assert load.result.failures == 0, load.result
    assert set(seen) == {Result.ADJUSTED}


def test_a_request_that_was_begun_ends_though_its_server_is_gone_and_back(newest: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    alone, both = one_pool(server("one", one.port)), one_pool(server("one", one.port), server("two", two.port))
    newest.serve(one_pool(server("two", two.port)))
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(newest.ask("a.test", "/slow?1").status))
    asking.start()
    wait_for(lambda: two.requests == 1)
    for found in (both, alone, both):
        assert newest.serve(found).result is Result.ADJUSTED
    assert set(newest.spread("a.test", 6)) == {"one", "two"}
    asking.join()
    assert answers == [200]


# --- what goes wrong ---


def test_what_is_not_as_it_was_left_is_made_right_by_a_reload(bench: Bench) -> None:
    """Somebody else deletes a server, then alters a weight, then a line of a map."""
    two = one_pool(server("one", 8001), server("two", 8002))
    gone = one_pool(server("one", 8001), server("two", 8002, state=ServerState.DRAINING))
    for meddle, why in (
        (("set server web/two state maint", "del server web/two"), "No such server"),
        (("set server web/one weight 9",), "server web/one is not as it should be"),
        ((f"del map hosts.map a.test:{bench.http_port}",), "hosts.map is not as it should be"),
        (("set server web/two state drain",), "server web/two is not as it should be"),
    ):
        bench.serve(two)
        for command in meddle:
            said(bench, command)
        applied = bench.serve(gone)
        assert applied.result is Result.RELOADED
        assert why in applied.why
        does_what_a_fresh_one_does(bench)


class Killed(BaseException):
    """As SIGKILL: nothing of confgen runs after it."""


@dataclass(frozen=True, slots=True)
class Dying:
    """A target whose confgen is killed at its n-th word to the proxy.  Talks through the real one until then."""

    real: ChannelTarget
    left: list[None]

    @property
    def name(self) -> str:
        return self.real.name

    @property
    def folder(self) -> Folder:
        return self.real.folder

    @property
    def view(self) -> PurePosixPath:
        return self.real.view

    def run(self, command: Command, deadline: float) -> Answer:
        self._step()
        return self.real.run(command, deadline)

    def talk(self, socket: str, request: bytes, deadline: float) -> bytes:
        self._step()
        return self.real.talk(socket, request, deadline)

    def _step(self) -> None:
        if not self.left:
            raise Killed
        self.left.pop()


def test_a_death_at_any_point_is_made_right_by_the_next_start(newest: Bench) -> None:
    before = one_pool(server("one", 8001), server("two", 8002), server("three", 8003))
    after = one_pool(server("one", 8001), server("two", 8002, state=ServerState.DRAINING), server("four", 8004))
    caps, died = newest.caps(), 0
    candidate = newest.candidate(after, caps)
    while True:
        newest.serve(before)
        try:
            apply(candidate, HAPROXY, caps, Dying(newest.target, [None] * died), 5)
            break
        except Killed:
            died += 1
        assert apply(candidate, HAPROXY, caps, newest.target, 5).generation == newest.running()
        does_what_a_fresh_one_does(newest)
    assert died > 10


class Refusing(ChannelTarget):
    """A proxy whose test says no."""

    def run(self, command: Command, deadline: float) -> Answer:
        return Answer(1, "[ALERT] no memory left\n")


def test_what_was_drained_for_a_text_that_is_then_refused_is_let_back_in(newest: Bench) -> None:
    """Requests are taken away before the test, and stay away: the container that was stopping may stay after all."""
    two = one_pool(server("one", 8001), server("two", 8002))
    candidate = newest.candidate(one_pool(server("one", 8001), server("two", 8002, state=ServerState.DRAINING)))
    good, target = newest.serve(two), newest.target
    with pytest.raises(RefusedByProxy, match="no memory left"):
        apply(candidate, HAPROXY, newest.caps(), Refusing(target.name, target.folder, target.view), 5)
    assert servers(newest)["web", "two"][2] == "0"
    assert target.folder.live() == good.generation != newest.running()
    again = newest.serve(two)
    assert (again.result, newest.running()) == (Result.RELOADED, good.generation)
    does_what_a_fresh_one_does(newest)


def test_what_was_added_for_a_text_that_is_then_refused_is_taken_back(newest: Bench) -> None:
    """A runtime change comes before the test of the files; what they are refused for is not served."""
    one = one_pool(server("one", 8001))
    candidate = newest.candidate(model(route("b.web", "b.test", to="web"), *one.routes(), *one.pools))
    good, target = newest.serve(one), newest.target
    with pytest.raises(RefusedByProxy, match="no memory left"):
        apply(candidate, HAPROXY, newest.caps(), Refusing(target.name, target.folder, target.view), 5)
    assert target.folder.live() == good.generation == newest.running()
    assert newest.ask("b.test").status == 404
    does_what_a_fresh_one_does(newest)


def test_what_cannot_be_taken_back_at_once_is_told_for_what_it_was_refused(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody's port would be blamed for it, as after a reload that failed."""
    one = one_pool(server("one", 8001))
    candidate = newest.candidate(model(route("b.web", "b.test", to="web"), *one.routes(), *one.pools))
    good, target = newest.serve(one), newest.target

    def fails(_: object) -> None:
        raise ReloadFailed("it could not start a worker", "its log has more")

    with monkeypatch.context() as broken:
        broken.setattr(control, "reload", fails)
        with pytest.raises(RefusedByProxy, match="no memory left"):
            apply(candidate, HAPROXY, newest.caps(), Refusing(target.name, target.folder, target.view), 5)
    assert target.folder.live() == good.generation != newest.running()
    assert newest.serve(one).result is Result.RELOADED
    assert newest.ask("b.test").status == 404


def test_what_is_added_at_run_time_waits_for_no_test_of_the_files(newest: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    found = newest.ask
    newest.serve(one_pool(server("one", one.port)))
    candidate = newest.candidate(one_pool(server("two", two.port)))
    served: list[str] = []

    class Looking(ChannelTarget):
        def run(self, command: Command, deadline: float) -> Answer:
            served.append(found("a.test").server)
            return super().run(command, deadline)

    target = newest.target
    assert apply(candidate, HAPROXY, newest.caps(), Looking(target.name, target.folder, target.view), 5).result is Result.ADJUSTED
    assert served == ["two"]


def test_what_left_is_swept_out_by_a_later_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (one_pool(server(name, 8001)) for name in ("one", "other"))
    bench.serve(one)
    bench.serve(other)
    assert ("web", "one") in servers(bench), "deleted at once, HAProxy might crash"
    bench.serve(one_pool(server("other", 8002)))
    assert ("web", "one") in servers(bench)
    monkeypatch.setattr(alter, "_LEFT_ALONE", 0)
    assert bench.serve(other).result is Result.ADJUSTED
    assert set(servers(bench)) == {("web", "other")}


def test_a_new_start_of_the_proxy_finds_what_was_changed(newest: Bench, backends: Make) -> None:
    one, two = backends("one"), backends("two")
    newest.serve(one_pool(server("one", one.port)))
    generation = newest.serve(one_pool(server("two", two.port))).generation
    newest.stop()
    newest.start()
    assert newest.running() == generation
    assert newest.ask("a.test").server == "two"


def test_the_share_of_a_new_server_grows(bench: Bench, backends: Make) -> None:
    one, two = (server(name, backends(name).port, weight=Weight(10)) for name in ("one", "two"))
    slow = {"slow_start": Duration(60_000)}
    bench.serve(one_pool(one, **slow))
    assert bench.serve(one_pool(one, two, **slow)).result is Result.ADJUSTED
    rows = {row["svname"]: row for row in csv.DictReader(io.StringIO(said(bench, "show stat").removeprefix("# ")))}
    assert (rows["one"]["throttle"], rows["one"]["weight"]) == ("", "10")
    assert int(rows["two"]["throttle"]) < 50
    assert bench.spread("a.test", 20)["two"] < 5
