"""The score sheet of an exam or a game day: as JSON, as a table for a spreadsheet, and as Markdown for a chat."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import write_whole
from cfrunbook.findings import Struct
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer, Grade
from cfrunbook.text import visible

FORMATS: Final = (".json", ".csv", ".md")


class Line(Struct, frozen=True, kw_only=True):
    """One incident: what was answered, and what that is worth."""

    incident: int
    scenario: str
    """Its name, which is no secret any more."""
    title: str
    answer: Answer
    grade: Grade


class Sheet(Struct, frozen=True, kw_only=True):
    """What a team came to."""

    kind: str = "cfrunbook.score"
    schema: int = 1
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
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(("team", "incident", "scenario", "points", "of", "cause", "evidence", "fix", "hints", "seconds"))
        for line in self.lines:
            answer = line.answer
            said = (answer.cause, answer.evidence, answer.fix)
            table.writerow(
                [
                    _cell(self.team),
                    line.incident,
                    line.scenario,
                    line.grade.points,
                    line.grade.of,
                    *map(_cell, said),
                    answer.hints,
                    round(answer.seconds),
                ]
            )
        return out.getvalue()

    def to_markdown(self) -> str:
        """Return a table, and what each incident really was."""
        named = f"{_plain(self.team)}: " if self.team else ""
        rows = [
            f"# {named}{self.points} of {self.of} points ({self.percent:.0f} %)",
            "",
            f"Seed {self.draw.seed}.",
            "",
            "| Incident | What it was | Answered | Hints | Minutes | Points |",
            "|---|---|---|---|---|---|",
        ]
        for line in self.lines:
            minutes = f"{line.answer.seconds / 60:.0f}" if line.answer.seconds else ""
            rows.append(
                f"| {line.incident} | {_plain(line.title)} | {_plain(line.answer.cause)} | {line.answer.hints or ''}"
                f" | {minutes} | {line.grade.points} of {line.grade.of} |"
            )
        for line in self.lines:
            rows += ["", f"## Incident {line.incident}: {_plain(line.title)}", ""]
            rows += [f"- {part.name}: {part.points} of {part.of}. {_plain(part.why)}" for part in line.grade.parts]
            rows += ["", *line.grade.explanation[1:]]
        return "\n".join(rows) + "\n"

    def save(self, path: Path) -> tuple[Path, ...]:
        """Write the sheet beside `path` in all formats, or, where it ends in one of them, in that; return the files.

        Raises BadInput.
        """
        made = {".json": self.to_json(), ".csv": self.to_csv().encode(), ".md": self.to_markdown().encode()}
        wanted: Sequence[str] = (path.suffix,) if path.suffix in FORMATS else FORMATS
        written = []
        for suffix in wanted:
            file = path if path.suffix == suffix else path.with_name(path.name + suffix)
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadInput(f"Score sheet: cannot make {visible(file.parent)}: {error.strerror}.") from None
            write_whole(file, made[suffix])
            written.append(file)
        return tuple(written)


def _cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    shown = visible(text, 1000)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t", "\r") else shown


def _plain(text: str) -> str:
    """Return a text that is one cell of a Markdown table."""
    shown = visible(text, 300).replace("\n", " ")
    return "".join(f"\\{c}" if c in "|`*_<>[]\\" else c for c in shown)
