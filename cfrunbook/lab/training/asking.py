"""Questions with a few answers: asked with buttons or as text, and what is to be said of each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cfrunbook.errors import BadInput
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

LETTERS: Final = "abcdefgh"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, and what is to be said to whoever chose it."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question with a few answers, of which one is right."""

    text: str
    choices: tuple[Choice, ...]
    right: int
    """Which of the choices, from 0."""
    source: str
    """Where AWS or an RFC says so."""


def by_number(answers: object) -> dict[str, Any]:
    """Return answers by their number, as a notebook's parameter gives them. Raises BadInput."""
    if not isinstance(answers, Mapping):
        raise BadInput('Answers: give them by number, as {"1": …, "2": …} (papermill: -y \'answers: {"1": …}\').')
    return {str(number): answer for number, answer in answers.items()}


def ask(questions: Sequence[Question], answers: Mapping[str, str], *, where: str) -> Page | None:
    """Ask: with buttons where somebody is there, else as text; `where` is the parameter that takes the answers."""
    from cfrunbook.lab.training import forms

    if forms.are_shown():
        forms.Quiz(questions, answers).show()
        return None
    return graded(questions, answers, where=where)


def graded(
    questions: Sequence[Question], answers: Mapping[str, str], *, where: str = "", with_choices: bool = True
) -> Page:
    """Return each question, and what is to be said of its answer: right or not, why, and who says so.

    `with_choices`: the choices, too, where they are not on the page already.
    """
    blocks: list[Block] = []
    right = 0
    for number, question in enumerate(questions, 1):
        letter = given(answers, number)
        if with_choices or len(questions) > 1:
            blocks.append(_head(number, question, len(questions)))
        if with_choices:
            blocks.append(_choices(question))
        if letter:
            blocks += [_verdict(question, letter), Block("source", question.source)]
        elif not with_choices:
            blocks.append(Block("muted", "Not answered."))
        right += _is_right(question, letter)
    if any(answers.values()):
        whole = len(questions)
        if whole > 1:
            blocks.append(_score(right, whole))
    elif where:
        how = 'answers = {"1": "a", "2": "b", "3": "c"}' if len(questions) > 1 else f'{where} = "a"'
        blocks.append(Block("muted", f"To answer, put `{how}` into the parameters cell, and run this cell again."))
    return page(blocks)


def given(answers: Mapping[str, str], number: int) -> str:
    """Return the letter that was answered; empty where none was."""
    return str(answers.get(str(number), "")).strip().lower()[:1]


def _head(number: int, question: Question, whole: int) -> Block:
    return Block("heading", f"{number}. {question.text}" if whole > 1 else question.text)


def _choices(question: Question) -> Block:
    letters = LETTERS[: len(question.choices)]
    return Block(
        "list", items=tuple(f"{a}) {choice.text}" for a, choice in zip(letters, question.choices, strict=True))
    )


def _verdict(question: Question, letter: str) -> Block:
    """Say whether an answer is right and why, and, of one that is not, what would be."""
    place = LETTERS.find(letter) if letter else -1
    if not 0 <= place < len(question.choices):
        return Block("verdict", f"There is no answer {visible(letter, 3)}.", "Not an answer", "unknown")
    why, best = question.choices[place].why, question.choices[question.right]
    if place == question.right:
        return Block("verdict", why, f"{letter}) is right", "ok")
    name = LETTERS[question.right]
    return Block("verdict", f"{why} Right is {name}) {best.text}. {best.why}", f"{letter}) is not right", "fault")


def _score(right: int, whole: int) -> Block:
    status = "ok" if right == whole else "warning"
    return Block("verdict", f"{right} of {whole} right.", "Graded", status)


def _is_right(question: Question, letter: str) -> bool:
    return letter == LETTERS[question.right]
