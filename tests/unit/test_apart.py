"""An operator's template that has no end costs the process that renders it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from confgen.apart import Apart, Limits, renderer
from confgen.errors import BadTemplate, Stopped
from confgen.proxies.nginx import NGINX
from confgen.render import Renderer
from confgen.settings import Frame
from tests.unit.nginx_models import CAPS
from tests.unit.test_nginx_text import SHOP
from tests.unit.test_render import Recipe

MAIN = (Recipe("main.j2", "main.conf"),)
LITTLE = Limits(text=100_000, memory=128 << 20)
SHORT = Limits(seconds=0.7)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Callable[..., Apart]]:
    made: list[Apart] = []

    def make(text: str, stopped: Callable[[], bool] = lambda: False, limits: Limits = LITTLE) -> Apart:
        (tmp_path / "main.j2").write_text(text)
        made.append(Apart((tmp_path,), {}, stopped, limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


def child(apart: Apart) -> int:
    assert apart._child is not None
    return apart._child._process.pid


def refused(apart: Apart) -> str:
    with pytest.raises(BadTemplate) as caught:
        apart.render(MAIN, {})
    assert "stays live" in caught.value.hint
    return caught.value.message


def test_the_same_bytes_as_in_this_process(tmp_path: Path) -> None:
    view = NGINX.view(SHOP, CAPS["1.30.6"], Frame())
    made = renderer((tmp_path,), NGINX.filters)
    assert isinstance(made, Apart)
    try:
        assert made.render(NGINX.outputs, view) == Renderer((), NGINX.filters).render(NGINX.outputs, view)
    finally:
        made.close()


def test_shipped_templates_need_no_second_process() -> None:
    assert isinstance(renderer((), NGINX.filters), Renderer)


LOOP = "a\n{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}\n"


@pytest.mark.parametrize(
    ("text", "said", "limits"),
    [
        (LOOP, "main.j2:2: it is not done after 0.7 s", SHORT),
        ("a\nb\n{% for a in range(100000) %}0123456789\n{% endfor %}", "main.j2:3: all files together are longer", LITTLE),
        ("{% include 'less.j2' %}\n{% include 'more.j2' %}", "more.j2:2: all files together are longer", LITTLE),
        ("a\n{% set x = 'a' * 10 ** 9 %}", "main.j2:2: it needs more memory", LITTLE),
        ("a\n{{ 9 ** (9 ** 9) }}", "failed: it was not done after 0.7 s", SHORT),
        ("a\n{{ nope }}", "main.j2:2: 'nope' is undefined", LITTLE),
    ],
    ids=["time", "text", "text-below", "memory", "deaf", "mistake"],
)
def test_an_endless_template_is_told(apart: Callable[..., Apart], tmp_path: Path, text: str, said: str, limits: Limits) -> None:
    (tmp_path / "more.j2").write_text("a\n{% for a in range(100000) %}0123456789\n{% endfor %}")
    (tmp_path / "less.j2").write_text("a\n")
    made = apart(text, limits=limits)
    assert said in refused(made)
    (tmp_path / "main.j2").write_text("mended")
    made.forget()
    assert made.render(MAIN, {}).as_dict() == {"main.conf": b"mended"}


def test_a_changed_template_is_read_anew_by_the_same_process(apart: Callable[..., Apart], tmp_path: Path) -> None:
    made = apart("one")
    assert made.render(MAIN, {}).as_dict() == {"main.conf": b"one"}
    before, stamp = child(made), (tmp_path / "main.j2").stat().st_mtime_ns
    (tmp_path / "main.j2").write_text("two")
    os.utime(tmp_path / "main.j2", ns=(stamp, stamp))
    made.forget()
    assert made.render(MAIN, {}).as_dict() == {"main.conf": b"two"}
    assert child(made) == before


def test_a_process_that_died_is_made_anew(apart: Callable[..., Apart]) -> None:
    made = apart("fine")
    made.render(MAIN, {})
    os.kill(child(made), 9)
    assert "its process ended (Killed)" in refused(made)
    assert made.render(MAIN, {}).as_dict() == {"main.conf": b"fine"}


def test_being_stopped_waits_for_no_template(apart: Callable[..., Apart]) -> None:
    looks = iter([False] * 20)
    made = apart(LOOP, lambda: next(looks, True))
    with pytest.raises(Stopped):  # and not BadTemplate, which comes after its time is over
        made.render(MAIN, {})


def test_the_process_knows_nothing_of_our_environment(apart: Callable[..., Apart], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFGEN_SECRET", "s3cret")
    made = apart("fine")
    made.render(MAIN, {})
    assert b"s3cret" not in Path(f"/proc/{child(made)}/environ").read_bytes()


def test_nothing_is_left_when_it_is_closed(apart: Callable[..., Apart]) -> None:
    made = apart("fine")
    made.render(MAIN, {})
    pid = child(made)
    made.close()
    assert not Path(f"/proc/{pid}").exists()
