"""An exam in a terminal and by our own diagnosis; what a trainee can see does not say what it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfrunbook import cli
from cfrunbook.lab import SCENARIOS, background, runtime, start
from cfrunbook.lab.training import drawing, exam
from cfrunbook.lab.training.drawing import Draw


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_the_expert_scores_everything(seed: int) -> None:
    sheet = exam.headless(Draw(seed=seed, count=4))
    assert [(line.scenario, line.grade.points) for line in sheet.lines] == [
        (line.scenario, 100) for line in sheet.lines
    ]


@pytest.fixture
def own_labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    yield tmp_path
    background.stop(everything=True)


def scripted(*lines: str) -> Iterator[str]:
    yield from lines


def test_somebody_takes_it(own_labs: Path) -> None:
    draw, said = Draw(seed=1, count=2), list[str]()
    (first, second) = drawing.incidents(draw)
    lines = scripted("again", "hint", str(first.expected.cause), str(first.expected.code), "hint", "renew")

    def ask(question: str) -> str:
        said.append(question)
        if (line := next(lines, None)) is None:
            raise EOFError
        seen.update(path.read_bytes() for path in own_labs.rglob("*.json") if path.name in ("state.json", "lab.json"))
        return line

    seen: set[bytes] = set()
    sheet = exam.take(draw, ask, said.append)
    told = "\n".join(said)
    assert first.story[0] in told
    assert second.story[0] in told
    assert [line.answer.hints for line in sheet.lines] == [2, 0]
    assert sheet.lines[0].grade.parts[0].points == 40
    assert sheet.lines[1].grade.points == 0, "left out"
    # Whoever looks into the lab's own files finds neither name nor code.
    assert seen
    assert not any(first.name.encode() in content or b'"code"' in content for content in seen)
    assert list(runtime.running()) == []


def test_neither_files_nor_the_diagnosis_say_its_name(tmp_path: Path) -> None:
    draw = Draw(seed=1, count=1)
    (scenario,) = drawing.incidents(draw)
    with start(drawing.token(draw, 1), folder=tmp_path) as running:
        assert running.scenario is scenario
        files = [path for path in (*tmp_path.rglob("*"), *running.site.rglob("*")) if path.is_file()]
        assert not any(scenario.name.encode() in path.read_bytes() for path in files)
        assert json.loads(running.file.read_bytes())["scenario"] == "incident-1"


def test_the_processes_of_an_exam_do_not_say_its_name(own_labs: Path) -> None:
    draw = Draw(seed=1, count=1)
    (scenario,) = drawing.incidents(draw)
    state = background.start(drawing.token(draw, 1), name="incident-1", by_hand=True)
    command = Path(f"/proc/{state.pid}/cmdline")
    if command.exists():
        assert scenario.name.encode() not in command.read_bytes()
    assert "cfrunbook diagnose" not in state.introduction
    assert state.scenario == "incident-1"


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.entry(["lab", "exam", "--seed", "7", "--count", "1", "--headless", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["percent"] == 100.0
    assert cli.entry(["lab", "exam", "--seed", "7", "--count", "1", "--template"]) == 0
    answers = tmp_path / "answers.json"
    answers.write_text(capsys.readouterr().out)
    assert cli.entry(["lab", "grade", str(answers), "--sheet", str(tmp_path / "score"), "--team", "A"]) == 1
    assert "0 of 100 points (0 %)." in capsys.readouterr().out
    assert {p.name for p in tmp_path.glob("score*")} == {"score.json", "score.csv", "score.md"}
    assert cli.entry(["lab", "exam", "--cause", "moon"]) == 2
    assert "is no cause" in capsys.readouterr().err


def test_nothing_typed_ends_it(own_labs: Path) -> None:
    command = [sys.executable, "-m", "cfrunbook", "lab", "exam", "--seed", "7", "--count", "1"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "0 of 100 points" in done.stdout) == (1, True)
    assert not any(name in done.stdout.partition("Ended here")[0] for name in SCENARIOS if "-" in name)
