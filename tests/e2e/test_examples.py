"""Every folder of examples/ does what its README says, through every proxy that it offers; so does the front page."""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.bed import engine as bed_engine
from tests.bed import images as bed_images
from tests.e2e.conftest import VIEWS
from tests.e2e.stack import ROOT, Stack, docker, free_port, get, stack, steadily, until

#: `stacks` is a folder of folders, with a test of its own (test_stacks.py).
FOLDERS = sorted(folder.name for folder in (ROOT / "examples").iterdir() if (folder / "compose.yaml").is_file())
SIDES = ("nginx", "haproxy")
#: Folders that a test of this file runs, by the mark `shows`.
SHOWN: set[str] = set()


def shows(folder: str) -> Callable[[object], object]:
    """Marks the test or fixture that runs an example."""
    SHOWN.add(folder)
    return lambda test: test


def readme(folder: str) -> str:
    return (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a page, in order."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for name, body in fenced if name == language]


def ports(**names: str) -> dict[str, str]:
    return {name: str(free_port()) for name in names.values()}


def ask(world: Stack, side: str, host: str, path: str = "/") -> str:
    """Which container answers, by the name that whoami was given; "" when none does."""
    body = get(port(world, side), host, path).body
    return next((line.removeprefix("Name: ") for line in body.splitlines() if line.startswith("Name: ")), "")


def port(world: Stack, side: str) -> int:
    return int(world.env["HTTP_PORT" if side == "nginx" else "HAPROXY_PORT"])


def answers(world: Stack, side: str, host: str, requests: int) -> Counter[str]:
    return Counter(ask(world, side, host) for _ in range(requests))


def user(world: Stack) -> str:
    """As whom confgen runs, as "65532:65532"."""
    numbers = re.search(r"uid=([0-9]+).*? gid=([0-9]+)", world.compose("exec", "-T", "confgen", "id"))
    assert numbers
    return f"{numbers[1]}:{numbers[2]}"


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- What all have in common


def test_every_example_is_run_by_a_test() -> None:
    assert set(FOLDERS) == SHOWN, "a folder of examples/ needs a test here, marked with @shows"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_example_says_what_it_shows_how_to_run_it_and_who_runs_as_whom(folder: str) -> None:
    headings = re.findall(r"^## (.*)", readme(folder), re.MULTILINE)
    assert [h for h in headings if h != "Good to know"] == [
        "Run it",
        "What you should see",
        "What to try next",
        "Who runs as whom",
    ]
    assert (ROOT / "examples" / folder / "compose.yaml").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_example_passes_its_own_check(folder: str) -> None:
    users = {"CONFGEN_USERS": "users"} if (ROOT / "examples" / folder / "users").is_dir() else {}
    done = confgen(ROOT / "examples" / folder, "check", "compose.yaml", DOCKER_GID="1", **users)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fine" in done.stdout


# --- 01, 02


@shows("01-nginx")
@shows("02-haproxy")
def test_the_first_two(world: Stack, proxy: str) -> None:
    said = readme("01-nginx" if proxy == "nginx" else "02-haproxy")
    steadily(lambda: world.get("shop.localhost").status == 200, "it is served")
    assert "X-Forwarded-Host: shop.localhost" in world.get("shop.localhost").body
    unknown = world.get("other.localhost")
    assert unknown.status == 404
    assert unknown.body.strip() in said
    assert f"confgen runs as {user(world)}" in said.replace("\n", " ")
    assert "shop.localhost/" in world.confgen("status")
    world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=3")
    until(lambda: len(world.hostnames("shop.localhost")) == 3, "three hostnames take turns")


# --- 03

ALL = {"one", "two", "three"}


@pytest.fixture(scope="module")
@shows("03-weights-and-balance")
def weights(image: None) -> Iterator[Stack]:
    with stack(ROOT / "examples/03-weights-and-balance/compose.yaml", env=ports(name="HAPROXY_PORT")) as world:
        for side in SIDES:
            steadily(
                lambda side=side: set(answers(world, side, "weighted.localhost", 12)) == ALL, f"all three answer through {side}"
            )
        yield world


def test_weights_are_kept(weights: Stack, side: str) -> None:
    counted = answers(weights, side, "weighted.localhost", 60)
    assert {name: round(count, -1) for name, count in counted.items()} == {"one": 30, "two": 20, "three": 10}, counted


def test_the_server_with_the_fewest_open_requests_is_chosen(weights: Stack, side: str) -> None:
    busy: list[str] = []
    slow = threading.Thread(target=lambda: busy.append(ask(weights, side, "leastconn.localhost", "/?wait=3s")))
    slow.start()
    quick: Counter[str] = Counter()
    while slow.is_alive():
        quick[ask(weights, side, "leastconn.localhost")] += 1
    # The slow request and the first quick ones arrive together; what was answered after that is what counts.
    assert busy[0] in ALL
    assert quick[busy[0]] <= sum(quick.values()) * 0.05, (busy, quick)
    assert len(quick) >= 2


def test_a_client_stays_where_its_address_leads(weights: Stack, side: str) -> None:
    assert len(answers(weights, side, "source.localhost", 12)) == 1


def test_a_path_stays_with_one_server_and_paths_are_spread(weights: Stack, side: str) -> None:
    by_path = {path: {ask(weights, side, "uri.localhost", path) for _ in range(3)} for path in map("/page/{}".format, range(20))}
    assert all(len(names) == 1 for names in by_path.values()), by_path
    assert set.union(*by_path.values()) == ALL


def test_a_backup_takes_over_when_nobody_else_is_ready(weights: Stack) -> None:
    for side in SIDES:
        assert set(answers(weights, side, "backup.localhost", 12)) == {"one", "two"}
    weights.compose("stop", "-t", "1", "one", "two")
    for side in SIDES:
        until(lambda side=side: set(answers(weights, side, "backup.localhost", 3)) == {"three"}, f"three answers through {side}")
    weights.compose("start", "one", "two")
    for side in SIDES:
        until(lambda side=side: set(answers(weights, side, "backup.localhost", 6)) == {"one", "two"}, f"they are back at {side}")


def test_one_confgen_runs_as_its_readmes_say(weights: Stack) -> None:
    for folder in ("03-weights-and-balance", "04-tcp-mysql", "05-several-routes"):
        assert f"HAProxy and confgen run as {user(weights)}" in readme(folder)


# --- 04


@pytest.fixture(scope="module")
@shows("04-tcp-mysql")
def mysql(image: None) -> Iterator[Stack]:
    engine = bed_engine.find()
    assert engine
    bed_images.ensure(engine, ["mariadb:11"])
    env = ports(nginx="NGINX_MYSQL_PORT", haproxy="HAPROXY_MYSQL_PORT")
    with stack(ROOT / "examples/04-tcp-mysql/compose.yaml", "--wait", env=env) as world:
        yield world


def query(world: Stack, side: str, sql: str, check: bool = False) -> str:
    """What the MariaDB client prints for a query through that proxy."""
    return world.compose("run", "--rm", "-T", "client", "-h", side, "-e", sql, check=check)


def test_a_query_through_the_proxy(mysql: Stack, side: str) -> None:
    until(lambda: "db" in query(mysql, side, "SELECT @@hostname"), f"the database answers through {side}")
    table = query(mysql, side, "SELECT @@hostname, CURRENT_USER()")
    assert table in readme("04-tcp-mysql")
    written = query(mysql, side, f"CREATE TABLE {side} (item TEXT); INSERT INTO {side} VALUES ('apple'); SELECT * FROM {side}")
    assert "apple" in written


def test_the_spare_takes_over_and_gives_back(mysql: Stack) -> None:
    sql = "SELECT @@hostname, @@read_only"
    mysql.compose("stop", "db")
    for side in SIDES:
        until(lambda side=side: "spare" in query(mysql, side, sql), f"the spare answers through {side}")
        assert query(mysql, side, sql) in readme("04-tcp-mysql")
        with pytest.raises(AssertionError, match="running with the --read-only option"):
            query(mysql, side, "CREATE TABLE orders (item TEXT)", check=True)
    mysql.compose("start", "db")
    for side in SIDES:
        until(lambda side=side: "db" in query(mysql, side, sql), f"the database answers through {side} again")


# --- 05


@pytest.fixture(scope="module")
@shows("05-several-routes")
def routes(image: None) -> Iterator[Stack]:
    with stack(ROOT / "examples/05-several-routes/compose.yaml", env=ports(name="HAPROXY_PORT")) as world:
        for side in SIDES:
            steadily(lambda side=side: get(port(world, side), "shop.localhost").status == 200, f"it is served through {side}")
        yield world


ROWS = re.findall(r"^\| `([a-z0-9.]+)(/\S*)` \| (.*?) \|", readme("05-several-routes"), re.MULTILINE)


def test_the_table_of_routes_was_read() -> None:
    assert len(ROWS) == 12


@pytest.mark.parametrize(("host", "path", "promised"), ROWS, ids=[host + path for host, path, _ in ROWS])
def test_each_row_of_the_table(routes: Stack, side: str, host: str, path: str, promised: str) -> None:
    answer = get(port(routes, side), host, path)
    if promised.startswith("`"):
        assert (answer.status, answer.body.strip()) == (200, promised.strip("`"))
    else:
        status, location = re.fullmatch(r"([0-9]{3})(?: to `(.*)`)?", promised).groups()  # type: ignore[union-attr]
        assert (answer.status, answer.headers.get("location")) == (int(status), location)


def test_explain_says_which_route_a_url_takes(routes: Stack) -> None:
    said = routes.confgen("explain", "http://shop.localhost/api/v1")
    assert said.count(".app.api (/api)") == 2, said  # at either proxy


# --- 06


def confgen(folder: Path, *words: str, path: str = "/usr/bin:/bin", **env: str) -> subprocess.CompletedProcess[str]:
    """The real program, without nginx or HAProxy at hand unless `path` has them."""
    return run(folder, "confgen", *words, path=path, **env)


def run(folder: Path, *words: str, path: str = "/usr/bin:/bin", **env: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{Path(sys.executable).parent}:{path}", **env}
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=60)


@pytest.fixture
@shows("06-one-shot-ci")
def project(tmp_path: Path) -> Path:
    """A copy of the example, since rendering writes into it.  Its name is part of the names of pools."""
    return Path(shutil.copytree(ROOT / "examples/06-one-shot-ci", tmp_path / "06-one-shot-ci"))


def test_its_readme_shows_what_the_program_prints(project: Path) -> None:
    shown = [block for block in blocks(readme("06-one-shot-ci"), "") if block.startswith("$ ")]
    assert len(shown) == 3
    codes = []
    for block in shown:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            done = run(project, *command.split())
            assert done.stdout + done.stderr == output
            codes.append(done.returncode)
    assert codes == [0, 1, 0, 0]


def test_its_script_is_green_for_the_project_and_red_for_the_broken_variant(project: Path) -> None:
    green = run(project, "sh", "ci.sh")
    assert green.returncode == 0, green.stdout + green.stderr
    assert (project / "rendered/nginx.conf").read_text(encoding="utf-8").count("server api:3000") == 1
    shutil.rmtree(project / "rendered")
    red = run(project, "sh", "ci.sh", "compose.broken.yaml")
    assert red.returncode == 1
    assert 'did you mean "leastconn"?' in red.stdout
    assert not (project / "rendered").exists(), "what is wrong is not rendered"


def test_its_workflow_runs_its_script(project: Path) -> None:
    workflow = yaml.safe_load((project / "github-workflow.yaml").read_text(encoding="utf-8"))
    assert "sh ci.sh" in [step.get("run") for step in workflow["jobs"]["check"]["steps"]]


def test_what_an_older_version_cannot_do_is_a_problem(project: Path) -> None:
    (project / "sticky.yaml").write_text("services: {shop: {labels: {confgen.sticky: cookie}}}\n")
    done = confgen(project, "check", "compose.yaml", "sticky.yaml", "--proxy-version", "1.22")
    assert done.returncode == 1
    assert "nginx 1.22 has no sticky cookie" in done.stdout


@pytest.mark.parametrize(("name", "version"), [("nginx", "1.30"), ("haproxy", "3.2")])
def test_where_the_proxy_is_installed_its_own_test_runs_too(project: Path, tmp_path: Path, name: str, version: str) -> None:
    program = Path(os.environ.get("CONFGEN_BED", "")) / "bin" / f"{name}-{version}"
    if not program.is_file():
        pytest.skip(f"{name} {version} is not here as a native program")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).symlink_to(program)
    options = ("--proxy", name, "--proxy-version", version)
    done = confgen(project, "check", "compose.yaml", *options, path=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"tested natively with {version}." in done.stdout


# --- 08


@pytest.fixture(scope="module")
@shows("08-passwords-and-limits")
def passwords(image: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A copy, since the test adds a user."""
    folder = tmp_path_factory.mktemp("examples") / "08-passwords-and-limits"
    shutil.copytree(ROOT / "examples/08-passwords-and-limits", folder)
    for path in (folder.parent, folder, folder / "users"):
        path.chmod(0o755)
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    (folder / "compose.yaml").write_text(text.replace("../..", str(ROOT)), encoding="utf-8")
    with stack(folder / "compose.yaml", env=ports(name="HAPROXY_PORT")) as world:
        for side in SIDES:
            steadily(lambda side=side: get(port(world, side), "team.localhost").status == 401, f"it is served through {side}")
        yield world


def logged_in(said: str) -> dict[str, str]:
    return {} if said == "nobody" else {"Authorization": "Basic " + base64.b64encode(said.strip("`").encode()).decode()}


LOGINS = re.findall(r"^\| `([a-z.]+)(/\S*)` \| (.*?) \| ([0-9]+) \|", readme("08-passwords-and-limits"), re.MULTILINE)


@pytest.mark.parametrize(("host", "path", "name", "status"), LOGINS, ids=[f"{h}{p} {n}" for h, p, n, _ in LOGINS])
def test_each_login_of_the_table(passwords: Stack, side: str, host: str, path: str, name: str, status: str) -> None:
    assert get(port(passwords, side), host, path, headers=logged_in(name)).status == int(status)


def test_the_table_of_logins_was_read() -> None:
    assert len(LOGINS) == 8


def test_whose_password_the_app_sees(passwords: Stack, side: str) -> None:
    told = [
        get(port(passwords, side), host, path, headers=logged_in(name)).body
        for host, path, name in (("team.localhost", "/", "bob:battery staple"), ("shop.localhost", "/admin", "ann:correct horse"))
    ]
    assert ["Authorization" in body for body in told] == [True, False]


def test_what_one_client_may_take(passwords: Stack, side: str) -> None:
    started = time.monotonic()
    found = Counter(get(port(passwords, side), "shop.localhost").status for _ in range(40))
    assert set(found) == {200, 429}
    assert 9 <= found[200] <= 11 + 5 * (time.monotonic() - started)


def test_a_user_who_is_added_can_log_in_and_nobody_else_reads_the_hashes(passwords: Stack, side: str) -> None:
    users = passwords.file.parent / "users/admins"
    name = f"carol-{side}"
    hashed = users.read_text(encoding="utf-8").partition("ann:")[2].strip()
    users.write_text(users.read_text(encoding="utf-8") + f"{name}:{hashed}\n", encoding="utf-8")
    login = logged_in(f"{name}:correct horse")
    until(lambda: get(port(passwords, side), "shop.localhost", "/admin", headers=login).status == 200, f"{name} may come in")
    folder = "/confgen/live/users/*" if side == "nginx" else "/var/lib/haproxy/live/haproxy.cfg"
    assert "-rw-r-----" in passwords.compose("exec", "-T", side, "sh", "-c", f"ls -l {folder}")
    assert hashed not in passwords.log() + passwords.confgen("status", "--json") + passwords.confgen("status")


# --- The first ten minutes


START = (ROOT / "docs/start.md").read_text(encoding="utf-8")


def begun(tmp_path: Path, proxy: str) -> Path:
    """A fresh folder, made as docs/start.md says: its commands up to compose.yaml, and its compose file."""
    prepare = next(block for block in blocks(START, "sh") if f"templates/{proxy}/start.sh" in block)
    script = "\n".join(line for line in prepare.splitlines() if not line.startswith("docker build"))
    done = subprocess.run(
        ["sh", "-eu", "-c", script + "\npwd"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.splitlines()[-1])
    assert tmp_path in folder.parents
    (compose,) = (block for block in blocks(START, "yaml") if f"confgen.proxy: {proxy}" in block)
    (folder / "compose.yaml").write_text(compose, encoding="utf-8")
    return folder / "compose.yaml"


def test_the_first_ten_minutes_go_as_written(tmp_path: Path, image: None, proxy: str) -> None:
    with stack(begun(tmp_path, proxy)) as world:
        steadily(lambda: bool(world.get("shop.localhost").hostname), "it is served")
        world.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "shop=3")
        steadily(lambda: len(world.hostnames("shop.localhost")) == 3, "three containers answer")
        docker("stop", "-t", "1", world.container("shop", 2))
        steadily(lambda: len(world.hostnames("shop.localhost")) == 2, "two containers answer")
        (look_around,) = (block for block in blocks(START, "sh") if "confgen doctor" in block)
        if proxy == "haproxy":
            look_around = look_around.replace("/confgen/live/nginx.conf", "/var/lib/haproxy/live/haproxy.cfg")
        for line in look_around.splitlines():
            words = shlex.split(line, comments=True)
            assert words[:3] == ["docker", "compose", "exec"]
            assert "shop" in world.compose("exec", "-T", *words[3:], check=False), line


def test_a_saved_volume_brings_the_proxy_up_with_the_same_bytes_and_no_confgen(tmp_path: Path, image: None, proxy: str) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    save, restore = re.findall(r"^docker run --rm -v site_confgen:.* tar .*", page, re.MULTILINE)
    live = {"nginx": "cat /confgen/live/nginx.conf", "haproxy": "cat /var/lib/haproxy/live/haproxy.cfg"}[proxy]
    with stack(begun(tmp_path, proxy)) as world:
        volume = f"{world.name}_confgen"

        def run(line: str) -> None:
            docker(*shlex.split(line.replace("site_confgen", volume).replace("$PWD", str(tmp_path)))[1:])

        world.serves("shop.localhost")
        before = world.compose("exec", "-T", "proxy", "sh", "-c", live)
        world.confgen("rollback", world.generation(VIEWS[proxy]), check=True)
        run(save)
        world.compose("down", "-v", "-t", "1")
        try:
            run(restore)
            world.compose("up", "-d", "--no-build", "proxy")
            until(lambda: world.get("other.localhost").status == 404, f"{proxy} runs")
            assert world.compose("exec", "-T", "proxy", "sh", "-c", live) == before
            # and confgen may go on with it: what was pinned is so still
            world.compose("up", "-d", "--no-build", "confgen")
            until(
                lambda: "pinned to" in world.confgen("status"),
                lambda: f"the pin is there: {world.confgen('status')} {world.log()}",
            )
        finally:
            world.compose("down", "-v", "-t", "1")
            docker("volume", "rm", "-f", volume)


def test_the_front_page_begins_in_the_same_way() -> None:
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    (compose,) = blocks(front, "yaml")
    assert compose in blocks(START, "yaml")
    assert {block for block in blocks(front, "sh") if "docker" in block} <= set(blocks(START, "sh"))


# --- 07

#: The socket proxy's image cannot be had here; what stands in for it takes the same options.
STANDIN = """
services:
  engine:
    image: python:3.13-slim
    entrypoint: [python, /standin.py]
    volumes: ["{root}/tests/e2e/standin.py:/standin.py:ro"]
"""


@pytest.fixture
@shows("07-socket-proxy")
def guarded(image: None, tmp_path: Path) -> Iterator[Stack]:
    override = tmp_path / "standin.yaml"
    override.write_text(STANDIN.format(root=ROOT))
    with stack(ROOT / "examples/07-socket-proxy/compose.yaml", files=(override,)) as world:
        yield world


def test_behind_a_socket_proxy_everything_works_and_no_environment_is_shown(guarded: Stack) -> None:
    guarded.serves("shop.localhost")
    guarded.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "web=2")
    until(lambda: len(guarded.hostnames("shop.localhost")) == 2, "a new container is followed")
    assert "blocked" not in guarded.compose("logs", "engine"), "confgen asks for nothing else"
    curious = blocks(readme("07-socket-proxy"), "sh")[1].splitlines()[0].partition(' -c "')[2].rstrip('"')
    said = docker("exec", guarded.container("confgen"), "python", "-c", curious, check=False, merged=True)
    assert "403 Client Error" in said
    assert "blocked request GET /v" in guarded.compose("logs", "engine")
    assert user(guarded) == "65532:65532"
    assert not [m for m in guarded.inspect(guarded.container("confgen"))["Mounts"] if m["Destination"].endswith("docker.sock")]


# --- 09


def certificate(folder: Path) -> ssl.SSLContext:
    """Made as the README says; a client that believes it."""
    script = ROOT / "examples/09-https/certificate.sh"
    subprocess.run(["sh", str(script), str(folder)], check=True)
    return ssl.create_default_context(cafile=str(folder / "shop.crt"))


@shows("09-https")
def test_https(image: None, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    believes = certificate(folder)
    env = {**ports(name="HTTPS_PORT"), "CERTIFICATES": str(folder)}
    with stack(ROOT / "examples/09-https/compose.yaml", env=env) as world:
        https = int(env["HTTPS_PORT"])
        until(lambda: get(https, "shop.localhost", tls=believes).status == 200, "it is served over TLS")
        for line in ("X-Forwarded-Host: shop.localhost", "X-Forwarded-Port: 443", "X-Forwarded-Proto: https"):
            assert line in get(https, "shop.localhost", tls=believes).body
            assert line in readme("09-https")
        steadily(lambda: world.get("shop.localhost", "/a?b=c").status == 308, "http leads there")
        assert world.get("shop.localhost", "/a?b=c").headers["location"] == "https://shop.localhost/a?b=c"
        assert world.get("api.shop.localhost").status == get(https, "api.shop.localhost", tls=believes).status == 200
        assert world.get("plain.localhost").status == 200
        assert "UNRECOGNIZED_NAME" in get(https, "plain.localhost", tls=believes).body
        assert "shop until" in world.confgen("status")
        assert "-> put a certificate for it" in world.confgen("explain", "https://plain.localhost/")
        renewed = certificate(folder)
        until(lambda: get(https, "shop.localhost", tls=renewed).status == 200, "the renewal is taken")
        os.truncate(folder / "shop.key", 100)
        until(lambda: "the last good copy is used" in world.log(), "what is broken is told")
        assert get(https, "shop.localhost", tls=renewed).status == 200
        assert f"confgen runs as {user(world)}" in readme("09-https").replace("\n", " ")
