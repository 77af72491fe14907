"""What lies where a file is expected, and is none: nobody waits for it, nothing of it is read, and it is told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from confgen.contents import contents
from confgen.errors import BadInput, BadTemplate
from confgen.proxies import PROXIES
from confgen.render import Renderer
from confgen.settings import Settings
from confgen.sources.certificates import Certificates
from confgen.sources.compose import read
from confgen.sources.compose.variables import dotenv
from confgen.sources.users import read_users
from confgen.sources.watched import Watched
from confgen.targets.folder import Folder
from confgen.want import read_model, read_policy


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def itself(path: Path) -> None:
    path.symlink_to(path.name)


THINGS = (fifo, device, itself, Path.mkdir)
anything = pytest.mark.parametrize("thing", THINGS, ids=["fifo", "device", "link to itself", "folder"])


def in_time(work: Callable[[], object]) -> object:
    """What comes of it; a reader that waits for a pipe would wait for ever."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert found, "it waits for ever"
    return found[0]


@anything
def test_it_is_not_read(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    thing(tmp_path / "x")
    assert isinstance(in_time(lambda: contents(tmp_path / "x")), OSError)


def test_no_more_is_read_than_may_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert contents(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        contents(tmp_path / "x", 4)
    with pytest.raises(OSError, match="larger than 4 bytes"):
        contents(Path("/dev/zero"), 4, pipe=True)


def test_a_pipe_is_read_where_it_is_meant() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"services: {}")
    os.close(writer)
    assert contents(Path(f"/dev/fd/{reader}"), pipe=True) == b"services: {}"
    os.close(reader)


@anything
def test_as_a_policy(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    thing(tmp_path / "x")
    error = in_time(lambda: read_policy(Settings(policy=tmp_path / "x")))
    assert isinstance(error, BadInput)
    assert "cannot be read" in error.message
    assert "Errno" not in error.message


@anything
def test_among_certificates_and_users(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    thing(tmp_path / "x.pem")
    thing(tmp_path / "admins")
    shelf = in_time(lambda: Certificates(tmp_path).look())
    assert [problem.code for problem in shelf.problems] == ["CG171"]  # type: ignore[attr-defined]
    assert in_time(lambda: read_users(tmp_path)) == {}


@anything
def test_in_the_shared_folder(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    """Whoever is in the proxy's container may write there."""
    thing(tmp_path / "x")
    assert in_time(lambda: Folder(tmp_path).recall("x")) == b""
    assert not in_time(lambda: read_model(tmp_path / "x")).listeners  # type: ignore[attr-defined]


@anything
def test_as_a_template(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    """And not as if it were not there: the operator's would be left out in silence."""
    (tmp_path / "nginx").mkdir()
    thing(tmp_path / "nginx" / "nginx.conf.j2")
    proxy = PROXIES["nginx"]
    error = in_time(lambda: Renderer((tmp_path,), proxy.filters).render(proxy.outputs, {}))
    assert isinstance(error, BadTemplate)
    assert "is no file" in error.message


@anything
def test_beside_a_compose_file(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    thing(tmp_path / "x")
    thing(tmp_path / ".env")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, label_file: x}}\n")
    error = in_time(lambda: read((tmp_path / "compose.yaml",)))
    assert isinstance(error, BadInput)
    assert "Errno" not in error.message
    assert in_time(lambda: dotenv(tmp_path / ".env", {})) == {}


@anything
def test_among_what_is_watched(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    thing(tmp_path / "x")
    (tmp_path / "y").write_text("1")
    watched = Watched((tmp_path,), ("*",), lambda: None, recursive=False)
    before = in_time(watched._digest)
    (tmp_path / "y").write_text("2")
    assert in_time(watched._digest) != before
