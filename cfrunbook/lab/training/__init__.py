"""The training room: lessons, a guided first incident, exams and game days on the lab's scenarios.

>>> import cfrunbook as cf
>>> lesson = cf.lab.training.lesson("tls_name")
>>> lesson.broken()
>>> lesson.by_hand()

In a terminal: `cfrunbook lab exam`, `cfrunbook lab grade`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.lab.training.game import GameDay as GameDay
    from cfrunbook.lab.training.game import game_day as game_day
    from cfrunbook.lab.training.grading import Answer as Answer
    from cfrunbook.lab.training.grading import Grade as Grade
    from cfrunbook.lab.training.grading import grade as grade
    from cfrunbook.lab.training.lessons import LESSONS as LESSONS
    from cfrunbook.lab.training.room import Lesson as Lesson
    from cfrunbook.lab.training.room import guided as guided
    from cfrunbook.lab.training.room import lesson as lesson

_HOME = {
    "Answer": "grading",
    "GameDay": "game",
    "Grade": "grading",
    "LESSONS": "lessons",
    "Lesson": "room",
    "game_day": "game",
    "grade": "grading",
    "guided": "room",
    "lesson": "room",
}

__all__ = [*_HOME]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
