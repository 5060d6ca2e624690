"""Lessons and game days as a notebook has them, with nobody before the screen."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cfrunbook import lab
from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.lab import SCENARIOS, mending, site
from cfrunbook.lab.training import LESSONS, GameDay, Lesson, drawing, forms, game_day, guided, lesson, room, tools
from cfrunbook.lab.training import game as games
from cfrunbook.lab.training.desk import Desk
from cfrunbook.lab.training.forms import Form
from cfrunbook.lab.training.grading import LONGEST
from cfrunbook.lab.training.lessons import Edit, Todo
from cfrunbook.lab.training.questions import DECISION
from cfrunbook.views.training import Block

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


def test_questions_are_not_to_be_guessed() -> None:
    questions = [q for plan in LESSONS.values() for q in plan.questions]
    assert {[q.right for q in questions].count(n) for n in range(3)} == {7}, (
        "no letter is right more often than another"
    )
    longest = [max(range(3), key=lambda n: len(q.choices[n].text)) == q.right for q in questions]
    assert 4 <= sum(longest) <= 10, "the longest answer is right about as often as any"
    for question in [*questions, DECISION]:
        assert question.source.startswith(("https://docs.aws.amazon.com/", "https://www.rfc-editor.org/"))
        assert all(len(choice.why) > 15 for choice in question.choices), "each answer is told about"
        assert len({choice.text for choice in question.choices}) == len(question.choices)


def do(taught: Lesson, todos: Sequence[Todo]) -> None:
    """Do as a trainee does: edit the files of the site, type the commands."""
    for todo in todos:
        if isinstance(todo, Edit):
            text = taught.scene.read(todo.file)
            assert text.count(todo.old) == 1, f"{todo.file}: {todo.old}"
            taught.scene.write(todo.file, text.replace(todo.old, todo.new))
        else:
            ran = tools.run(taught.running, todo)
            assert ran.status == 0, ran.output


@pytest.mark.needs("openssl", "curl", "dig")
@pytest.mark.parametrize("cause", LESSONS)
def test_a_lesson_from_end_to_end(cause: str) -> None:
    """What a lesson prints is done to the letter: it mends, and then breaks in another way of the same cause."""
    taught = lesson(cause)
    assert "Works: The edge answers 200." in str(taught.healthy())
    assert "Broken: The edge answers" in str(taught.broken())
    by_hand = taught.by_hand()
    printed = [block.output for block in by_hand.blocks if block.kind == "command"]
    assert all(output and "(nothing" not in output for output in printed), str(by_hand)
    code = SCENARIOS[taught.plan.scenario].expected.code
    assert str(code) in asyncio.run(taught.look()).text
    assert "Not fixed yet" in str(asyncio.run(taught.verify()))
    do(taught, taught.plan.mending)
    assert "Works: The edge answers 200." in str(taught.reload())
    assert "Verified" in str(asyncio.run(taught.verify()))
    mended = site.fingerprint(taught.running.site)
    taught.mend()
    assert site.fingerprint(taught.running.site) == mended, "what somebody mended stays theirs"
    do(taught, taught.plan.breaking)
    assert "Broken: The edge answers" in str(taught.reload())
    verdict = asyncio.run(taught.diagnose()).verdict
    assert verdict.cause == taught.plan.cause
    assert (verdict.code == code) == (cause in ("tls_name", "port")), "in another way"
    assert "Works: The edge answers 200." in str(taught.mend())


@pytest.mark.needs("openssl", "curl")
def test_the_guided_incident_is_mended_by_the_command_that_it_names() -> None:
    incident = guided()
    assert incident.running.scenario.story[0] in str(incident.pager())
    assert "502 Bad Gateway" in str(incident.run("curl -si https://www.shop.example/cart"))
    issue = "cfrunbook lab certificate origin.shop.example --folder origins/origin.shop.example/address-1-port-443"
    assert "Written: " in str(incident.run(issue))
    issued = site.fingerprint(incident.running.site)
    assert "Works: The edge answers 200." in str(incident.mend())
    assert site.fingerprint(incident.running.site) == issued, "what was saved a moment ago is somebody's mend, too"
    assert "Works: The edge answers 200." in str(incident.reload())
    (incident.running.site / "distribution.json").write_text("{")
    assert "Not used" in str(incident.reload())
    assert "is not right" in str(guided(decision="a").decide())
    assert "c) is right" in str(guided(decision="C").decide())
    assert "Broken" in str(guided().edge()), "opened again, it begins anew"


def test_a_desk_goes_on_where_its_file_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("display", "do"):
        monkeypatch.setattr(Desk, name, lambda *_, **__: None)
    incident = guided()
    desk = Desk(incident.scene, incident.first_file)
    desk.show()
    whole = desk.text.value
    file = incident.running.site / incident.first_file
    file.unlink()
    wait_until(lambda: desk.text.disabled)
    assert str(desk._save()).startswith("Not saved: ")
    file.write_text(whole)
    wait_until(lambda: desk.text.value == whole)
    assert str(desk._save()) == f"Saved {incident.first_file}."


def test_what_is_saved_is_the_file_that_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """To choose another one before it is written would take what was typed with it."""
    asked: list[str] = []
    monkeypatch.setattr(Form, "display", lambda *_, **__: None)
    monkeypatch.setattr(Form, "do", lambda *given: asked.append(given[-1]))
    incident = guided()
    desk = Desk(incident.scene, incident.first_file)
    desk.show()
    assert not desk.file.disabled
    desk.do(desk._save, "saved")
    assert (desk.file.disabled, asked[-1]) == (True, "saved")
    assert str(desk._save()) == f"Saved {incident.first_file}."
    assert not desk.file.disabled


def test_a_command_ends_with_all_that_it_started() -> None:
    with lab.start("healthy") as running:
        began = time.monotonic()
        late = tools.run(running, "echo begun; sleep 600 | cat", patience=0.5)
        assert (late.output, late.status) == ("begun\n(ended: it took longer than 0 s)", 124)
        endless = tools.run(running, "yes")
        assert endless.output.endswith("(ended: it printed more than 200 KB)")
        assert time.monotonic() - began < 60, "nobody waits for what goes on"
        assert tools.run(running, "exit 3").status == 3
        assert "Unterminated" in tools.run(running, "echo 'x").output or tools.run(running, "echo 'x").status == 2


def test_the_lab_of_a_kernel_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    """Its ports go with it; and a command that runs in it ends, too."""
    code = (
        "import sys; from cfrunbook import lab; from cfrunbook.lab.training import tools\n"
        "tools.run(lab.start('healthy'), 'echo $$ > \"$OUT\"; sleep 600')"
    )
    pid = tmp_path / "pid"
    kernel = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OUT": str(pid)})
    wait_until(lambda: pid.exists() and pid.read_text().strip() != "")
    kernel.kill()
    kernel.wait()
    wait_until(lambda: not is_alive(int(pid.read_text())))


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_terminal_gets_into_the_lab(tmp_path: Path) -> None:
    with lab.start("certificate-missing-intermediate") as running:
        shell = subprocess.run(
            [tools.door(running)],
            input="pwd; command -v curl; echo $CFRUNBOOK_LAB",
            env={**os.environ, "SHELL": "/bin/sh"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shell.stdout.splitlines()[1:] == [
            str(running.site),
            str(running.folder / "bin" / "curl"),
            str(running.file),
        ]


def test_questions_are_graded() -> None:
    taught = lesson("port", answers={"1": "b", "2": "a", "3": "A)"})
    told = str(taught.questions())
    assert "2 of 3 right." in told
    assert "To answer, put" in str(lesson("port").questions())
    with pytest.raises(BadInput, match="there is none about 'moon'"):
        lesson("moon")


def test_a_game_day_without_anybody(tmp_path: Path) -> None:
    game = game_day(14, count=2, team="A|B", by_hand=True)
    names = [scenario.name for scenario in drawing.incidents(game.draw)]
    names += [scenario.title for scenario in drawing.incidents(game.draw)]
    shown = [game._repr_mimebundle_()[0]["text/html"], repr(game), repr(game.open(1))]
    shown += [game.open(1)._repr_mimebundle_()[0]["text/html"], str(game.play(1)), str(game.score())]
    shown.append(str(game.open(1).hint()))
    shown += [repr(vars(thing)) for thing in (game, game.open(1))]
    shown += [game.sheet().to_json().decode(), str(game.save(str(tmp_path)))]
    assert list(tmp_path.iterdir()) == [], "nothing was handed in"
    assert not any(name in text for name in names for text in shown), "what it is shows with the grade only"
    assert "2 of 2" not in str(game.score())
    graded = str(game.play(1, {"cause": "dns", "evidence": "x", "fix": "<b>x</b>"}))
    assert "of 100 points" in graded
    assert "not handed in" in str(game.score())
    assert names[1] not in str(game.score()) + game.sheet().to_markdown()
    assert str(game.play(1, {"cause": "tls_name", "evidence": "y", "fix": "y"})) == graded, "the first one counts"
    assert "Written: " in str(game.save(str(tmp_path)))
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(BadInput, match="by hand today"):
        asyncio.run(game.open(1).look())
    with pytest.raises(BadInput, match="there is no incident 3"):
        game.open(3)
    game.stop()


@pytest.fixture
def attended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Somebody is before the screen, and the notebook is in this folder."""
    monkeypatch.setattr(forms, "are_shown", lambda: True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    while games._ON:
        games._ON.pop().stop()


def test_a_game_goes_on_where_its_kernel_ended(attended: Path) -> None:
    game = game_day(14, count=2, team="north")
    game.clock = lambda: 1_000.0
    names = [name for s in drawing.incidents(game.draw) for name in (s.name, s.title, str(s.expected.cause))]
    assert "goes on" not in shown(game)
    game.open(1).hint()
    game.open(1).answer(cause="dns", evidence="x")
    game.open(2).hint()
    game.save("scores")
    (kept,) = (attended / ".cfrunbook" / "game-day").iterdir()
    assert not [text for text in (*names, "dns", "north") if text.encode() in kept.read_bytes()]
    games._ON.clear()  # as it is for a new kernel
    game.stop()

    again = game_day(14, count=2, team="north")
    assert "and goes on: 1 of 2 handed in; the clock of incident 2 ran on." in shown(again)
    assert again.sheet().lines[0] == game.sheet().lines[0]
    assert again.current == 2
    assert "Hint 1 of " in str(again.open(2).hints())
    again.clock = lambda: 1_600.0
    assert again.open(2).seconds == 600
    again.open(2).answer(cause="port", evidence="x")
    assert "score-14.json" in str(again.save("scores")), "the same game's sheet, further on"
    assert not game_day(14, count=2, team="south").past, "another team's game is another one"


def test_begun_again_a_game_is_the_same_one_and_another_takes_its_place(attended: Path) -> None:
    game = game_day(14, count=2)
    played = game.open(1)
    assert game_day(14, count=2).open(1) is played, "its servers stay, and what was mended"
    port = played.running.edge.address
    other = game_day(15, count=2)
    assert "The game of before (seed 14) was taken down. What was done in it is kept" in shown(other)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(port)
    back = game_day(14, count=2)
    assert back.current == 1, "it is come back to"
    back.forget()
    assert not game_day(14, count=2).past
    back.open(1)
    (kept,) = (attended / ".cfrunbook" / "game-day").glob("seed-14-*")
    hostile = (b'{"1":{"began":1e300}}', b'{"1":{"began":1,"hints":1000000000}}', b'{"77":{"began":1}}', b"[" * 100_000)
    for content in (b"{", b'{"packed": "AAAA"}', b'{"packed": ""}', '{"packed": "é"}'.encode(), *map(packed, hostile)):
        kept.write_bytes(content)
        games._ON.clear()
        with pytest.raises(BadInput, match=f"{kept.name}, where this game was kept, cannot be read; remove it"):
            game_day(14, count=2)
    back.stop()


def test_whatever_is_pasted_into_an_answer_is_kept(attended: Path) -> None:
    game = game_day(14, count=1)
    game.open(1).answer(cause="dns", evidence=f"\ud800{'x' * 5_000_000}")
    game.stop()
    games._ON.clear()
    kept = game_day(14, count=1).answered(1)
    assert kept == game.answered(1)
    assert kept is not None
    assert kept.evidence == f"?{'x' * (LONGEST - 1)}", "as much as is graded"


def packed(content: bytes) -> bytes:
    return b'{"packed": "%s"}' % base64.b64encode(zlib.compress(content))


def test_two_kernels_with_the_same_game_do_not_write_over_each_other(attended: Path) -> None:
    first, _ = game_day(14, count=1), games._ON.clear()
    second, _ = game_day(14, count=1), games._ON.clear()
    first.open(1).answer(cause="dns", evidence="x")
    with pytest.raises(BadInput, match="another kernel plays this game, too"):
        second.open(1).answer(cause="port", evidence="y")
    first.stop()
    second.stop()
    assert game_day(14, count=1).past == first.past


def test_nobodys_score_is_written_over(tmp_path: Path) -> None:
    """With nobody before the screen each game is a new one, and the one of before goes."""
    for answer in ("dns", "port"):
        game = game_day(14, count=1)
        game.play(1, {"cause": answer, "evidence": "x"})
        game.save(str(tmp_path))
        game.save(str(tmp_path))
    assert "The game of before (seed 14) was taken down." in shown(game)
    assert {path.name for path in tmp_path.glob("*.json")} == {"score-14.json", "score-14-2.json"}
    game.stop()


def shown(game: GameDay) -> str:
    return str(game._repr_mimebundle_()[0]["text/plain"])


def test_an_incident_of_a_game_day_is_mended_once_it_was_handed_in() -> None:
    seed = next(n for n in range(99) if mending.is_mendable(drawing.incidents(drawing.Draw(seed=n, count=1))[0]))
    played = game_day(seed, count=1).open(1)
    told: list[Block] = []
    assert not played.to_mend(told.append).blocks
    assert not played.running.site_folder.exists(), "it says what is wrong"
    played.answer(cause="dns", evidence="x")
    assert str(played.running.site) in str(played.to_mend(told.append))
    (played.running.site / "distribution.json").write_text("{")
    wait_until(lambda: "Not used, all stays as it was" in [block.label for block in told])
    played.stop()


def test_parameters_that_are_none_are_bad_input() -> None:
    for seed in (float("inf"), "x", None):
        with pytest.raises(BadInput, match="whole numbers"):
            game_day(seed)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="give them by number"):
        lesson("port", answers="a")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="answer 1 is no"):
        game_day(14, count=1).play(1, "dns")  # type: ignore[arg-type]
    assert "is right" in str(lesson("port", answers={1: "b"}).questions())  # type: ignore[dict-item]


def test_what_people_write_is_escaped() -> None:
    game = game_day(14, count=1, team="<script>alert(1)</script>")
    page = game.play(1, {"cause": "<script>", "evidence": "<img src=x onerror=x>", "fix": "\x1b[31m"})
    assert page is not None
    html = page._repr_mimebundle_()[0]["text/html"] + game.score()._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    game.stop()
