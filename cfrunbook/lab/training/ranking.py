"""How several teams did with the same incidents: as text, as a table for a spreadsheet, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.findings import Struct
from cfrunbook.lab.training.sheet import Sheet, cell, kind_of, plain, rows_as_csv, save_as
from cfrunbook.text import visible

KIND: Final = "cfrunbook.ranking"
_HEAD = ("place", "team", "points", "of", "hints", "minutes")


class Row(Struct, frozen=True, kw_only=True):
    """A team's place."""

    place: int
    team: str
    points: int
    of: int
    hints: int
    minutes: float
    incidents: tuple[int, ...]
    """Points for each incident."""


class Ranking(Struct, frozen=True, kw_only=True):
    """Teams by points; time does not count."""

    kind: str = KIND
    schema: int = 1
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, sheets: Sequence[Sheet]) -> Ranking:
        """Rank these sheets. Raises BadInput where they are about different incidents."""
        if len({sheet.draw for sheet in sheets}) > 1:
            drawn = " and ".join(sorted({_named(sheet) for sheet in sheets}))
            raise BadInput(f"Ranking: the files are about different incidents ({drawn}); grade one by one.")
        return cls(rows=tuple(_rows(sorted(sheets, key=lambda sheet: (-sheet.points, sheet.team)))))

    def to_json(self) -> bytes:
        """Return the ranking as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def to_csv(self) -> str:
        """Return one line for each team."""
        return rows_as_csv([(*_HEAD, *self._incidents()), *self._cells(cell)])

    def to_markdown(self) -> str:
        """Return a table."""
        head = (*_HEAD, *self._incidents())
        rows = [head, ["---"] * len(head), *self._cells(plain)]
        return "# Ranking\n\n" + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)

    def to_text(self) -> str:
        """Return it for a terminal."""
        width = max(len(visible(row.team, 40)) for row in self.rows)
        return "\n".join(
            f"{row.place}. {visible(row.team, 40):<{width}}  {row.points} of {row.of} points"
            f"  ({' + '.join(map(str, row.incidents))}; hints: {row.hints}, minutes: {row.minutes:g})"
            for row in self.rows
        )

    def save(self, path: Path) -> tuple[Path, ...]:
        """Write it beside `path` in all formats, or in the one that it ends in. Raises BadInput."""
        return save_as(path, {".json": self.to_json(), ".csv": self.to_csv(), ".md": self.to_markdown()})

    def _incidents(self) -> list[str]:
        return [f"incident {number}" for number, _ in enumerate(self.rows[0].incidents, 1)]

    def _cells(self, escaped: Callable[[str], str]) -> Iterator[tuple[object, ...]]:
        for row in self.rows:
            yield (row.place, escaped(row.team), row.points, row.of, row.hints, f"{row.minutes:g}", *row.incidents)


def is_one(path: Path) -> bool:
    """Tell whether a file is a ranking."""
    return kind_of(path) == KIND


def _rows(sheets: Sequence[Sheet]) -> Iterator[Row]:
    for sheet in sheets:
        yield Row(
            place=1 + sum(other.points > sheet.points for other in sheets),
            team=sheet.team,
            points=sheet.points,
            of=sheet.of,
            hints=sum(line.answer.hints for line in sheet.lines),
            minutes=round(sum(line.answer.seconds for line in sheet.lines) / 60, 1),
            incidents=tuple(line.grade.points for line in sheet.lines),
        )


def _named(sheet: Sheet) -> str:
    draw = sheet.draw
    drawn = (f"seed {draw.seed}", f"{draw.count} incidents", draw.cause, draw.difficulty)
    return f"{visible(sheet.team, 40)}: {', '.join(filter(None, drawn))}"
