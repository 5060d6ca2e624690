"""A seed draws the same incidents for everybody, of every cause, and a token does not say which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.lab import DEFAULT, SCENARIOS
from cfrunbook.lab.training import drawing
from cfrunbook.lab.training.drawing import Draw

seeds = st.integers(0, drawing.LARGEST_SEED)


@given(seeds, st.integers(1, drawing.MOST))
def test_a_draw_is_repeatable_and_has_nothing_twice(seed: int, count: int) -> None:
    draw = Draw(seed=seed, count=count)
    names = [s.name for s in drawing.incidents(draw)]
    assert names == [s.name for s in drawing.incidents(draw)]
    assert len(set(names)) == len(names) == count
    assert DEFAULT not in names


@given(seeds)
def test_the_first_ones_are_of_eight_kinds(seed: int) -> None:
    causes = {s.expected.cause for s in drawing.incidents(Draw(seed=seed, count=8))}
    assert len(causes) == 8
    assert None in causes, "in some incidents nothing is broken"


@given(seeds, st.integers(1, 8))
def test_a_token_leads_back_and_names_no_scenario(seed: int, number: int) -> None:
    draw = Draw(seed=seed, count=8, difficulty="hard")
    text = drawing.token(draw, number)
    assert drawing.is_token(text)
    assert drawing.read(text) == (draw, number)
    assert drawing.find(text) == (drawing.incidents(draw)[number - 1], number)
    assert not any(name in text for name in SCENARIOS)


def test_a_choice_is_kept() -> None:
    drawn = drawing.incidents(Draw(seed=3, count=50, cause="tls_name", difficulty="easy"))
    assert drawn
    assert {(s.expected.cause, s.difficulty) for s in drawn} == {("tls_name", "easy")}


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (Draw(seed=1, count=0), "0 incidents are not possible"),
        (Draw(seed=1, count=51), "51 incidents are not possible"),
        (Draw(seed=-1), "a seed is a number from 0"),
        (Draw(seed=1, cause="moon"), "'moon' is no cause"),
        (Draw(seed=1, difficulty="moon"), "'moon' is no difficulty"),
    ],
)
def test_what_cannot_be_drawn_is_bad_input(draw: Draw, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        drawing.incidents(draw)


@given(st.text(max_size=40))
def test_a_token_of_anybody_else_is_bad_input(text: str) -> None:
    try:
        drawing.find(f"exam-{text}")
    except BadInput as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may also be one of ours
