"""Templates that were compiled once are not compiled again, and where they cannot be kept all is the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import jinja2
import pytest

from cfrunbook.views import compiled


def render(folder: Path) -> str:
    (folder / "a.j2").write_text("{{ 1 + 1 }}")
    loader = jinja2.FileSystemLoader(folder)
    return (
        jinja2.Environment(loader=loader, autoescape=True, bytecode_cache=compiled.templates())
        .get_template("a.j2")
        .render()
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_compiled_once(place, monkeypatch):
    assert render(place) == "2"
    (kept,) = place.glob("*/cfrunbook-*.cache")
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(jinja2.Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))
    assert render(place) == "2"


@pytest.mark.parametrize("content", [b"", b"junk", b"j2" * 100])
def test_what_is_broken_is_compiled_again(place, content):
    render(place)
    (kept,) = place.glob("*/cfrunbook-*.cache")
    kept.write_bytes(content)
    assert render(place) == "2"


def test_a_folder_of_others_is_not_used(place):
    render(place)
    (folder,) = (p for p in place.iterdir() if p.is_dir())
    for kept in folder.iterdir():
        kept.unlink()
    folder.rmdir()
    folder.touch()
    assert compiled.templates() is None
    assert render(place) == "2"


def test_a_folder_that_vanishes_is_no_error(place, monkeypatch):
    cache = compiled.templates()
    assert cache is not None
    monkeypatch.setattr(cache, "directory", str(place / "gone"))
    (place / "a.j2").write_text("x")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(place), autoescape=True, bytecode_cache=cache)
    assert environment.get_template("a.j2").render() == "x"
