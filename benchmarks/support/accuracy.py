"""Is what a tool says of a server true? Pure: what is true, what was read, and the mark for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cfrunbook.cloudfront.origin_tls import offer, suite_name, version_name
from support.difficult_servers import Difficult
from support.readers import Reading, Trouble


class Mark(StrEnum):
    """What an output is worth to somebody who asks whether CloudFront connects, and why not."""

    RIGHT = "✓"
    """True, and it answers the question."""
    WRONG = "✗"
    """A person who believes it believes something false."""
    SILENT = "–"
    """Nothing false, but no answer: it does not say, or says that it could not tell."""
    GAVE_UP = "…"
    """Not done when its time was over."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A mark, why, and how long it took."""

    mark: Mark
    why: str
    seconds: float = 0.0


def judge_peer(row: Difficult, peer: str, reading: Reading) -> Judged:
    """Return what a peer's reading is worth.

    Wrong: a version that the server speaks, or a suite that it accepts, is not listed, and nothing says that the
    scan went wrong. Right: on a server to which CloudFront connects, everything listed; on another, the trouble is
    named, or the list has nothing that CloudFront offers. Otherwise silent.
    """
    if set(row.trouble) & reading.troubles:
        return Judged(Mark.RIGHT, ", ".join(t for t in row.trouble if t in reading.troubles))
    lacks = [version_name(version) for version in row.speaks if version not in reading.versions]
    lacks += [suite for suite in row.suites if suite not in {name for _, name in reading.suites}]
    if lacks and peer in row.cannot_ask:
        return Judged(Mark.SILENT, "built without what this server wants")
    if lacks and Trouble.FAILED in reading.troubles:
        return Judged(Mark.SILENT, "says that it failed")
    if lacks:
        return Judged(Mark.WRONG, "lists nothing" if not reading.suites else f"does not list {', '.join(lacks)}")
    common = in_common(row, reading)
    if row.connects and not common and reading.suites:
        return Judged(Mark.WRONG, "lists nothing that CloudFront offers")
    if row.connects:
        return Judged(Mark.RIGHT, f"{len(common)} suites in common" if common else "version listed, no suite")
    if row.speaks and not row.trouble and not common:
        return Judged(Mark.RIGHT, "lists nothing that CloudFront offers")
    if reading.suites:
        return Judged(Mark.SILENT, "lists suites, not the trouble")
    return Judged(Mark.SILENT, "says that it failed" if Trouble.FAILED in reading.troubles else "lists nothing")


def in_common(row: Difficult, reading: Reading) -> set[tuple[int, str]]:
    """Return what is listed and in CloudFront's offer for the row's minimum."""
    offered = offer(row.minimum)
    names = {suite_name(code) for code in offered.suites}
    return {(v, name) for v, name in reading.suites if offered.minimum <= v <= offered.maximum and name in names}


def judge_ours(row: Difficult, status: str, code: str, seconds: float) -> Judged:
    """Return what cfrunbook's verdict is worth. Unknown is silent, and right only where it is the honest answer."""
    said = f"{status} {code}".strip()
    expected = row.code.removesuffix("?")
    if status == "unknown":
        return Judged(Mark.RIGHT if row.code.endswith("?") and code == expected else Mark.SILENT, said, seconds)
    if (status == "ok") != row.connects or row.code.endswith("?"):
        return Judged(Mark.WRONG, said, seconds)
    return Judged(Mark.RIGHT if code == expected else Mark.WRONG, said, seconds)


# --- the table ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One server and what everybody said."""

    server: str
    truth: str
    oracle: str
    """What AWS's own library did; empty where it could not be asked."""
    judged: dict[str, Judged]


CELL = len("… 60.0 s")


def text(lines: Sequence[Line], tools: Sequence[str]) -> str:
    """Return the table for a terminal; why somebody is wrong or silent stands below its server."""
    width = max(len(line.server) for line in lines)
    columns = {tool: max(len(tool), CELL) for tool in tools}
    shown = [f"{'':<{width}}  {'  '.join(f'{tool:<{columns[tool]}}' for tool in tools)}  right answer"]
    for line in lines:
        marks = "  ".join(f"{_cell(line.judged.get(tool)):<{columns[tool]}}" for tool in tools)
        shown.append(f"{line.server:<{width}}  {marks}  {line.truth}{f' (s2n: {line.oracle})' if line.oracle else ''}")
        for tool, judged in line.judged.items():
            if judged.mark is not Mark.RIGHT:
                shown.append(f"{'':<{width}}    {tool}: {judged.why}")
    return "\n".join([*shown, "", *counts(lines, tools)])


def markdown(lines: Sequence[Line], tools: Sequence[str]) -> str:
    """Return the table for a page."""
    rows = [["server", "right answer", *tools], ["---"] * (len(tools) + 2)]
    for line in lines:
        cells = [_cell(line.judged.get(tool), why=True) for tool in tools]
        rows.append([line.server, f"{line.truth}{f' (s2n: {line.oracle})' if line.oracle else ''}", *cells])
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", *(f"- {c}" for c in counts(lines, tools))])


def _cell(judged: Judged | None, *, why: bool = False) -> str:
    if judged is None:
        return ""
    seconds = f" {judged.seconds:.1f} s"
    return judged.mark + seconds + (f", {judged.why}" if why and judged.why else "")


def counts(lines: Iterable[Line], tools: Sequence[str]) -> list[str]:
    """Return how often each tool was right, wrong, silent, or gave up."""
    judged = {tool: [line.judged[tool] for line in lines if tool in line.judged] for tool in tools}
    words = {Mark.RIGHT: "right", Mark.WRONG: "wrong", Mark.SILENT: "silent", Mark.GAVE_UP: "gave up"}
    return [
        f"{tool}: {', '.join(f'{sum(j.mark is mark for j in all_)} {word}' for mark, word in words.items())}"
        f" of {len(all_)}"
        for tool, all_ in judged.items()
    ]
