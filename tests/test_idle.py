"""Importing while probes wait: who has something to do comes first, and nothing that fails there matters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfrunbook import idle


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    names = ("idle_first", "idle_second", "idle_third")
    for name in names:
        (tmp_path / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield names
    for name in names:
        sys.modules.pop(name, None)


def test_questions_are_asked_before_the_first_import_and_answers_followed_up_before_the_next(
    modules: tuple[str, ...],
) -> None:
    async def look() -> list[int]:
        known: list[int] = []
        bringing = asyncio.create_task(idle.bring(modules))
        for _ in range(2 * idle.TURNS):
            await asyncio.sleep(0)
            known.append(sum(name in sys.modules for name in modules))
        await bringing
        return known

    assert asyncio.run(look()) == [*[0] * idle.TURNS, *[1] * idle.TURNS]
    assert set(modules) <= set(sys.modules)


@pytest.mark.parametrize("error", [ImportError("no such module"), OSError(24, "Too many open files")])
def test_what_cannot_be_imported_now_is_left_to_who_needs_it(
    error: Exception, modules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        asked.append(name)
        raise error

    asked: list[str] = []
    monkeypatch.setattr(idle, "import_module", fail)
    asyncio.run(idle.bring(("sys", *modules)))
    assert asked == ["idle_first"]
