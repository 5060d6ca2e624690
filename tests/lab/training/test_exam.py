"""An exam in a terminal and by our own diagnosis; what a trainee can see does not say what it is."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cfrunbook import cli
from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS, background, mending, runtime
from cfrunbook.lab.running import Running
from cfrunbook.lab.training import drawing, exam
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import LONGEST, Answer
from cfrunbook.lab.training.sheet import Sheet

EXAM = [sys.executable, "-m", "cfrunbook", "lab", "exam", "--seed", "7"]
PATIENCE = 60.0


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


def scripted(*lines: str) -> tuple[Callable[[str], str], list[str]]:
    """Return somebody who answers so and then has no more to say, and what was said to them."""
    left, said = iter(lines), list[str]()

    def ask(question: str) -> str:
        said.append(question)
        if (line := next(left, None)) is None:
            raise EOFError
        return line

    return ask, said


def test_somebody_takes_it(own_labs: Path) -> None:
    draw = Draw(seed=1, count=2)
    (first, second) = drawing.incidents(draw)
    cause, code = str(first.expected.cause), str(first.expected.code)
    kept: list[Sheet] = []
    ask, said = scripted("again", "hint", "", "tls", "hint", code, "skip", "edge", "", cause)
    taken = exam.Exam(draw, ask, said.append, keep=kept.append)
    with pytest.raises(EOFError):
        taken.take()
    told = "\n".join(said)
    assert first.story[0] in told
    assert second.story[0] in told
    assert "Write something down, or `skip`." in told
    assert "The edge answers " in told
    assert ("Now mend it" in told) == mending.is_mendable(first)
    one, two = taken.sheet().lines
    assert (one.answer.hints, one.answer.cause, one.answer.fix) == (2, "tls", "")
    assert (two.answer.cause, two.answer.evidence) == (cause, ""), "what was begun is kept"
    assert [sum(bool(line.scenario) for line in sheet.lines) for sheet in kept] == [0, 1, 2]
    assert list(runtime.running()) == []


@pytest.mark.parametrize("typed", ["certifcate", "no idea", "42"])
def test_what_names_no_cause_is_asked_again(own_labs: Path, typed: str) -> None:
    ask, said = scripted(typed, "quit")
    with pytest.raises(EOFError):
        exam.Exam(Draw(seed=1, count=1), ask, said.append).take()
    assert any(f"No cause is recognised in {typed!r}" in text for text in said)
    assert any("did you mean certificate?" in text for text in said) == (typed == "certifcate")


def test_two_take_an_exam_at_the_same_time(own_labs: Path) -> None:
    names: list[str] = []

    def ask(question: str) -> str:
        names.extend(state.name for state in runtime.running())
        if len(names) == 1:
            with pytest.raises(EOFError):
                exam.Exam(Draw(seed=2, count=1), ask, lambda _: None).take()
        raise EOFError

    with pytest.raises(EOFError):
        exam.Exam(Draw(seed=1, count=1), ask, lambda _: None).take()
    assert sorted(names) == ["incident-1", "incident-1", "incident-1-2"]


def test_a_sheet_that_cannot_be_written_is_said_before_anything_begins(
    own_labs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = own_labs / "file"
    file.write_text("")
    assert cli.entry(["lab", "exam", "--seed", "1", "--sheet", str(file / "score")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert cli.entry(["lab", "exam", "--seed", "1", "--sheet", "."]) == 2
    assert "is a folder; give the name of a file in it" in capsys.readouterr().err


# --- what can be seen ---------------------------------------------------------------------------------------------

SEEN = (
    *("certificate-expired", "tls-name-mismatch", "dns-subdomain-dead", "http-only-answers-502", "firewall-stale-list"),
    *(
        "logs-write-failed",
        "capture-relayed",
        "cloudfront-function-value-control",
        "compound-three-addresses",
        "healthy",
    ),
)


@pytest.mark.parametrize("name", SEEN)
def test_no_file_says_its_name(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    with Running(scenario, folder=tmp_path, alias="incident-1") as running:
        assert running.site.is_dir()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        secrets = [scenario.title, *scenario.hints, scenario.expected.code or scenario.title]
        secrets += [scenario.name] if "-" in scenario.name else []
        for path in files:
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path
            assert scenario.name not in str(path.relative_to(tmp_path))
        assert json.loads(running.file.read_bytes())["scenario"] == "incident-1"


def test_neither_processes_nor_status_say_its_name(own_labs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = Draw(seed=1, count=1)
    (scenario,) = drawing.incidents(draw)
    with background.tie() as tie:
        tied = background.Exam(tie, by_hand=True)
        state = background.start(drawing.token(draw, 1), name="incident-1", exam=tied)
        assert cli.entry(["lab", "status", "incident-1", "--json"]) == 0
        assert cli.entry(["lab", "list", "--running"]) == 0
        shown = [capsys.readouterr().out, state.introduction]
        for what in ("cmdline", "environ"):
            if (file := Path(f"/proc/{state.pid}/{what}")).exists():
                shown.append(file.read_bytes().decode())
        assert not [text for text in shown if scenario.name in text or str(scenario.expected.code) in text]
        assert "cfrunbook diagnose" not in state.introduction
        assert "lab stop" not in state.introduction
        assert not Path(state.site).exists(), "what the owners can change says what is wrong"
    until(lambda: not list(runtime.running()))


# --- in a terminal ------------------------------------------------------------------------------------------------


class Terminal:
    """A process that has a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.screen, inside = pty.openpty()
        self.process = subprocess.Popen(
            [*EXAM, *arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self.text = ""

    def shows(self, *wanted: str) -> None:
        """Wait until all of this was shown since the last time."""
        seen = ""
        while not all(text in seen for text in wanted):
            assert select.select([self.screen], [], [], PATIENCE)[0], seen
            read = os.read(self.screen, 65536).decode(errors="replace")
            assert read, seen
            seen += read
        self.text += seen

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def ends(self) -> int:
        """Wait for the end, reading what is said until then."""
        try:
            while read := os.read(self.screen, 65536):
                self.text += read.decode(errors="replace")
        except OSError:  # how Linux says that nobody is inside any more
            pass
        os.close(self.screen)
        return self.process.wait(PATIENCE)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Tell whether there is such a process, and not only what is left of it until somebody asks."""
    return subprocess.run(["ps", "-o", "stat=", str(pid)], capture_output=True, check=False).stdout[:1] not in (
        b"",
        b"Z",
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_however_it_ends_nothing_is_left_and_what_was_answered_is_kept(
    own_labs: Path, number: int, status: int
) -> None:
    terminal = Terminal("--count", "2", "--sheet", str(own_labs / "score"), "--team", "north")
    terminal.shows("Cause: ")
    terminal.type("dns\n")
    terminal.shows("Evidence")
    terminal.type("the first line\nand the second, pasted\n")
    terminal.shows("Fix: ")
    terminal.type("none\n")
    terminal.shows("It is up until you press Enter")
    terminal.type("\n")
    terminal.shows("Incident 2 of 2", "Cause: ")
    (state,) = runtime.running()
    assert runs(state.pid)
    os.kill(terminal.process.pid, number)
    assert terminal.ends() == status, terminal.text
    kept = json.loads((own_labs / "score.json").read_bytes())
    assert [line["answer"]["cause"] for line in kept["lines"]] == ["dns", ""]
    evidence = re.sub(r"\s+", " ", kept["lines"][0]["answer"]["evidence"])
    assert evidence == "the first line and the second, pasted"
    assert kept["lines"][1]["scenario"] == "", "what it was stays a secret"
    until(lambda: not list(runtime.running()))
    until(lambda: not [path for path in (own_labs / "cfrunbook-lab").iterdir() if path.is_dir()])
    until(lambda: not runs(state.pid))


def test_an_exam_goes_on_where_it_was_left(
    own_labs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lab", "exam", "--seed", "7", "--count", "2", "--sheet", str(own_labs / "score")]
    for typed in ("dns\nx\ny\n", "port\nx\ny\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert cli.entry(arguments) == 1
    told = capfd.readouterr().out
    assert told.count("--- Incident 1 of 2") == told.count("Going on after incident 1") == 1
    lines = json.loads((own_labs / "score.json").read_bytes())["lines"]
    assert [line["answer"]["cause"] for line in lines] == ["dns", "port"]
    assert cli.entry(arguments) == 2, "it is complete"
    assert "is there already" in capfd.readouterr().err


def test_the_hints_of_an_incident_that_was_left_still_cost(own_labs: Path) -> None:
    draw, file = Draw(seed=1, count=1), own_labs / "score"
    (scenario,) = drawing.incidents(draw)
    ask, said = scripted("hint")
    with pytest.raises(EOFError):
        exam.Exam(draw, ask, said.append, keep=lambda sheet: sheet.save(file)).take()
    left = exam.begun(file, draw)
    assert [(answer.hints, answer.is_given) for answer in left] == [(1, False)]
    assert scenario.name not in (own_labs / "score.md").read_text()
    ask, said = scripted("dns", "skip", "skip")
    again = exam.Exam(draw, ask, said.append, waits=False, answered=left)
    again.take()
    assert scenario.hints[0] in "\n".join(said)
    assert again.sheet().lines[0].answer.hints == 1


def test_an_exam_goes_on_whatever_was_pasted_into_it(own_labs: Path) -> None:
    draw, file = Draw(seed=1, count=1), own_labs / "score.json"
    ask, said = scripted("dns", "x" * 5_000_000)
    with pytest.raises(EOFError):
        exam.Exam(draw, ask, said.append, keep=lambda sheet: sheet.save(file)).take()
    (answer,) = exam.read(file).answers
    assert answer.evidence == "x" * LONGEST, "as much as is graded"


def test_an_incident_that_was_left_out_stays_so(tmp_path: Path) -> None:
    draw = Draw(seed=1, count=3)
    exam.graded(draw, [Answer(), Answer(cause="dns")]).save(tmp_path / "score")
    assert [answer.cause for answer in exam.begun(tmp_path / "score", draw)] == ["", "dns"]


def test_a_lab_that_was_stopped_has_nothing_to_mend(own_labs: Path) -> None:
    state = background.start("healthy")
    background.stop(["healthy"])
    assert exam._opened(state) == ""
    assert "was the lab stopped?" in exam._edge_says(state)


def test_nothing_typed_ends_it(own_labs: Path) -> None:
    command = [*EXAM, "--count", "1"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.returncode, "0 of 100 points" in done.stdout, done.stderr) == (1, True, "")
    assert not any(name in done.stdout for name in SCENARIOS if "-" in name)


# --- files --------------------------------------------------------------------------------------------------------


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.entry(["lab", "exam", "--seed", "7", "--count", "1", "--headless", "--json"]) == 0
    sheet = capsys.readouterr().out
    assert json.loads(sheet)["percent"] == 100.0
    assert cli.entry(["lab", "exam", "--seed", "7", "--count", "1", "--template"]) == 0
    template = tmp_path / "south.json"
    template.write_text(capsys.readouterr().out)
    assert cli.entry(["lab", "grade", str(template), "--sheet", str(tmp_path / "score"), "--team", "A"]) == 1
    told = capsys.readouterr().out
    assert "0 of 100 points (0 %)" in told
    assert not any(name in told for name in SCENARIOS if "-" in name), "what nobody answered is not told"
    assert {p.name for p in tmp_path.glob("score*")} == {"score.json", "score.csv", "score.md"}
    assert cli.entry(["lab", "exam", "--cause", "moon"]) == 2
    assert "is no cause" in capsys.readouterr().err
    north = tmp_path / "north.json"
    north.write_text(sheet)
    assert cli.entry(["lab", "grade", str(template), str(north), "--sheet", str(tmp_path / "all")]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("1. north  100 of 100 points")
    assert second.startswith("2. south  0 of 100 points")
    assert (tmp_path / "all.csv").read_text().splitlines()[1].startswith("1,north,100,100,0,")
    assert "| 1 | north | 100 | 100 |" in (tmp_path / "all.md").read_text()


def test_no_score_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But what is made of the same answers once more is."""
    (tmp_path / "others").mkdir()
    for team in ("north", "south", "west", "others/north"):
        template = {"seed": 7, "count": 1, "answers": [{"cause": "dns", "evidence": team}]}
        (tmp_path / f"{team}.json").write_text(json.dumps(template))
    north, south, west, ranking = (
        str(tmp_path / name) for name in ("north.json", "south.json", "west.json", "ranking")
    )
    for notes in ("notes.md", "west.md"):
        (tmp_path / notes).write_text("To do.")
    (tmp_path / "deep.json").write_text('{"x": ' + "[" * 100_000)
    (tmp_path / "odd.json").write_bytes(b'{"kind": "\xff"}')
    exam.graded(Draw(seed=7, count=2), [Answer(cause="dns")], team="north").save(tmp_path / "unfinished")
    unfinished = ["lab", "exam", "--seed", "7", "--count", "2", "--sheet", str(tmp_path / "unfinished")]
    grade = ["lab", "grade"]
    for arguments, taken in (
        ([*grade, north, "--sheet", str(tmp_path / "north")], ""),
        ([*grade, north, "--sheet", str(tmp_path / "north")], ""),
        ([*grade, north, "--sheet", str(tmp_path / "south")], "south.json"),
        ([*grade, str(tmp_path / "others/north.json"), "--sheet", str(tmp_path / "north")], "north.json"),
        ([*grade, west, "--sheet", str(tmp_path / "west")], "west.md"),
        ([*grade, west, "--sheet", west], ""),
        ([*grade, north, "--sheet", str(tmp_path / "notes")], "notes.md"),
        ([*grade, north, south, "--sheet", ranking], ""),
        ([*grade, north, south, "--sheet", ranking], ""),
        ([*grade, north, south, "--sheet", str(tmp_path / "north")], "north.json"),
        ([*grade, north, south, "--sheet", str(tmp_path / "deep")], "deep.json"),
        ([*grade, north, south, "--sheet", str(tmp_path / "odd")], "odd.json"),
        ([*unfinished, "--team", "south"], "unfinished.json"),
        (["lab", "exam", "--seed", "7", "--headless", "--team", "north", "--sheet", north], "north.json"),
        (["lab", "exam", "--seed", "7", "--sheet", str(tmp_path / "notes")], "notes.md"),
    ):
        status = cli.entry(arguments)
        said = capsys.readouterr().err
        assert (status == 2) == bool(taken), arguments
        assert f"{taken} is there already" in said if taken else not said
        assert said.count("\n") == bool(taken)
    assert {(tmp_path / notes).read_text() for notes in ("notes.md", "west.md")} == {"To do."}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no file of answers"),
        ("[]", "is no file of answers"),
        ('{"kind": "cfrunbook.score", "draw": {"seed": 7}, "lines": [{"answ', "is no file of answers"),
        ('{"kind": "cfrunbook.score"}', "is no file of answers"),
        ('{"seed": 7, "answers": [], "version": "0.0.1"}', "is of cfrunbook 0.0.1"),
        ('{"seed": -7, "answers": []}', "a seed is a number from 0"),
        ('{"seed": 7, "count": 1, "answers": [{}, {}]}', "there are 2 answers and 1 incidents"),
        ("[" * 100_000, "is no file of answers"),
    ],
)
def test_what_cannot_be_graded_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    file = tmp_path / "answers.json"
    file.write_text(content)
    assert cli.entry(["lab", "grade", str(file)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_different_incidents_are_not_ranked() -> None:
    from cfrunbook.lab.training.ranking import Ranking

    sheets = [exam.graded(Draw(seed=seed, count=1), [], team="A") for seed in (1, 2)]
    with pytest.raises(BadInput, match="different incidents"):
        Ranking.of(sheets)
