"""Lessons and game days as a notebook has them, with nobody before the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.training import LESSONS, drawing, game_day, guided, lesson, room

pytestmark = pytest.mark.usefixtures("closed")


@pytest.fixture
def closed() -> Iterator[None]:
    yield
    while room._OPEN:
        room._OPEN.popitem()[1].stop()


def test_every_documented_cause_has_a_lesson() -> None:
    assert set(LESSONS) == set(Cause) - {Cause.DISTRIBUTION, Cause.CLOUDFRONT}
    for cause, plan in LESSONS.items():
        assert SCENARIOS[plan.scenario].expected.cause == cause
        assert all(0 <= q.right < len(q.choices) == 3 for q in plan.questions)
    rights = [q.right for plan in LESSONS.values() for q in plan.questions]
    assert {rights.count(n) for n in range(3)} == {7}, "no letter is right more often than another"


@pytest.mark.needs("openssl", "curl", "dig")
@pytest.mark.parametrize("cause", LESSONS)
def test_a_lesson_from_end_to_end(cause: str) -> None:
    taught = lesson(cause)
    assert "Works: The edge answers 200." in str(taught.healthy())
    assert "Broken: The edge answers" in str(taught.broken())
    by_hand = taught.by_hand()
    assert all(block.output for block in by_hand.blocks if block.kind == "command"), str(by_hand)
    code = SCENARIOS[taught.plan.scenario].expected.code
    assert str(code) in asyncio.run(taught.look()).text
    assert "Works: The edge answers 200." in str(taught.mend())
    assert "No fault found" in asyncio.run(taught.look()).text


@pytest.mark.needs("openssl", "curl")
def test_the_guided_incident_is_mended_by_the_command_that_it_names() -> None:
    incident = guided()
    assert incident.running.scenario.story[0] in str(incident.pager())
    assert "502 Bad Gateway" in str(incident.run("curl -si https://www.shop.example/cart"))
    issue = "cfrunbook lab certificate origin.shop.example --folder origins/origin.shop.example/address-1-port-443"
    assert "Written: " in str(incident.run(issue))
    assert "Works: The edge answers 200." in str(incident.reload())
    (incident.running.site / "distribution.json").write_text("{")
    assert "Not used" in str(incident.reload())


def test_questions_are_graded() -> None:
    taught = lesson("port", answers={"1": "b", "2": "a", "3": "A)"})
    told = str(taught.questions())
    assert "2 of 3 right." in told
    assert "To answer: put" in str(lesson("port").questions())
    with pytest.raises(BadInput, match="there is none about 'moon'"):
        lesson("moon")


def test_a_game_day_without_anybody(tmp_path: Path) -> None:
    game = game_day(14, count=2, team="A|B", by_hand=True)
    names = [scenario.name for scenario in drawing.incidents(game.draw)]
    shown = [game._repr_mimebundle_()[0]["text/html"], repr(game), repr(game.open(1))]
    shown += [game.open(1)._repr_mimebundle_()[0]["text/html"], str(game.play(1)), str(game.score())]
    shown.append(str(game.open(1).hint()))
    assert not any(name in text for name in names for text in shown), "what it is shows with the grade only"
    assert "2 of 2" not in str(game.score())
    graded = str(game.play(1, {"cause": "dns", "evidence": "x", "fix": "<b>x</b>"}))
    assert "of 100 points" in graded
    assert "not handed in" in str(game.score())
    assert "Written: " in str(game.save(str(tmp_path)))
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(BadInput, match="by hand today"):
        asyncio.run(game.open(1).look())
    with pytest.raises(BadInput, match="there is no incident 3"):
        game.open(3)
    game.stop()


def test_what_people_write_is_escaped() -> None:
    game = game_day(14, count=1, team="<script>alert(1)</script>")
    page = game.play(1, {"cause": "<script>", "evidence": "<img src=x onerror=x>", "fix": "\x1b[31m"})
    assert page is not None
    html = page._repr_mimebundle_()[0]["text/html"] + game.score()._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    game.stop()
