"""The score sheet of an exam or a game day: as JSON, as a table for a spreadsheet, and as Markdown for a chat."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cfrunbook import __version__
from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded, write_whole
from cfrunbook.findings import Struct
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer, Grade, Part
from cfrunbook.text import visible

FORMATS: Final = (".json", ".csv", ".md")


class Kind(msgspec.Struct):
    """What a file says that it is."""

    kind: str = ""


def kind_of(path: Path) -> str:
    """Return what a file says that it is; empty where it does not say so, or cannot be read."""
    try:
        return msgspec.json.decode(read_bounded(path, "File"), type=Kind).kind
    except (BadInput, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


class Line(Struct, frozen=True, kw_only=True):
    """One incident: what was answered, and what that is worth."""

    incident: int
    scenario: str = ""
    """Its name; empty for an incident that was not answered, which stays a secret."""
    title: str = ""
    answer: Answer = Answer()
    grade: Grade = Grade(points=0, parts=(), explanation=())


class Sheet(Struct, frozen=True, kw_only=True):
    """What a team came to."""

    kind: str = "cfrunbook.score"
    schema: int = 1
    version: str = __version__
    """Of cfrunbook: with another one, the seed may draw other incidents."""
    team: str = ""
    draw: Draw
    lines: tuple[Line, ...]

    @property
    def points(self) -> int:
        """All points."""
        return sum(line.grade.points for line in self.lines)

    @property
    def of(self) -> int:
        """How many there could be."""
        return sum(line.grade.of for line in self.lines)

    @property
    def percent(self) -> float:
        """Points in percent."""
        return 100 * self.points / self.of if self.of else 0.0

    def to_json(self) -> bytes:
        """Return the sheet as JSON."""
        told = msgspec.to_builtins(self) | {"points": self.points, "of": self.of, "percent": round(self.percent, 1)}
        return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"

    def to_csv(self) -> str:
        """Return one line for each incident; what people wrote cannot become a formula of a spreadsheet."""
        head = ("team", "incident", "scenario", "points", "of", "cause", "evidence", "fix", "hints", "seconds")
        return rows_as_csv([head, *(self._cells(line) for line in self.lines)])

    def _cells(self, line: Line) -> tuple[object, ...]:
        answer, grade = line.answer, line.grade
        said = (cell(answer.cause), cell(answer.evidence), cell(answer.fix))
        of_line = (cell(self.team), line.incident, line.scenario, grade.points, grade.of)
        return (*of_line, *said, answer.hints, round(answer.seconds))

    def to_markdown(self) -> str:
        """Return a table, and what each incident really was."""
        named = f"{plain(self.team)}: " if self.team else ""
        rows = [
            f"# {named}{self.points} of {self.of} points ({self.percent:.0f} %)",
            "",
            f"Seed {self.draw.seed}, cfrunbook {self.version}.",
            "",
            "| Incident | What it was | Answered | Hints | Minutes | Points |",
            "|---|---|---|---|---|---|",
        ]
        for line in self.lines:
            answer, what = line.answer, plain(line.title) or "not answered"
            minutes = f"{answer.seconds / 60:.0f}" if answer.seconds else ""
            rows.append(
                f"| {line.incident} | {what} | {plain(answer.cause)} | {answer.hints or ''}"
                f" | {minutes} | {line.grade.points} of {line.grade.of} |"
            )
        for line in self.lines:
            if line.scenario:
                rows += ["", f"## Incident {line.incident}: {plain(line.title)}", ""]
                rows += [f"- {part.name}: {_of(part)}. {plain(part.why)}" for part in line.grade.parts]
                rows += ["", *(f"- {plain(text, 2000)}" for text in line.grade.explanation[1:])]
        return "\n".join(rows) + "\n"

    def save(self, path: Path) -> tuple[Path, ...]:
        """Write the sheet beside `path` in all formats, or, where it ends in one of them, in that; return the files.

        Raises BadInput.
        """
        return save_as(path, {".json": self.to_json(), ".csv": self.to_csv(), ".md": self.to_markdown()})


def save_as(path: Path, made: Mapping[str, bytes | str]) -> tuple[Path, ...]:
    """Write what is made of something by suffix: beside `path` all, or, where it ends in one of them, that.

    Return the files. Raises BadInput.
    """
    written = []
    for suffix in (path.suffix,) if path.suffix in made else tuple(made):
        file = file_of(path, suffix)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"Score sheet: cannot make {visible(file.parent)}: {error.strerror}.") from None
        content = made[suffix]
        write_whole(file, content.encode() if isinstance(content, str) else content)
        written.append(file)
    return tuple(written)


def taken(path: Path) -> tuple[Path, ...]:
    """Return the files that are there already of those that `save_as` would write. Raises BadInput."""
    suffixes = (path.suffix,) if path.suffix in FORMATS else FORMATS
    files = (file_of(path, suffix) for suffix in suffixes)
    return tuple(file for file in files if os.path.lexists(file))


def in_the_way(path: Path, is_same: Callable[[Path], bool] = lambda _: False) -> Path | None:
    """Return a file that `save_as` would write over, and that nobody may lose; None where there is none.

    `is_same` tells of a JSON file whether all that it holds is written anew. Raises BadInput.
    """
    there = taken(path)
    if there and there[0].suffix == ".json" and is_same(there[0]):
        there = () if kind_of(there[0]) else there[1:]  # what is beside somebody's answers was not made of them
    return next(iter(there), None)


def refuse_taken(path: Path, is_same: Callable[[Path], bool] = lambda _: False) -> None:
    """Raise BadInput where something would be written over: nobody's score is. `is_same`: see `in_the_way`."""
    if file := in_the_way(path, is_same):
        raise BadInput(f"Score sheet: {visible(file)} is there already, and is not written over; choose another name.")


def file_of(path: Path, suffix: str) -> Path:
    """Return the file beside `path` for one format, or `path` where it ends so. Raises BadInput for a folder's name."""
    if path.name in ("", ".."):
        raise BadInput(f"Score sheet: {visible(path)} is a folder; give the name of a file in it.")
    return path if path.suffix == suffix else path.with_name(path.name + suffix)


def rows_as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    shown = visible(text.replace("\n", " / "), 1000)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t", "\r") else shown


def _of(part: Part) -> str:
    return f"{part.points} of {part.of}" if part.of else f"{part.points}"


def plain(text: str, limit: int = 300) -> str:
    """Return a text that is one cell of a Markdown table."""
    shown = visible(text, limit).replace("\n", " ")
    return "".join(f"\\{c}" if c in "|`*_<>[]\\" else c for c in shown)
