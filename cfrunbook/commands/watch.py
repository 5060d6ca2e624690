"""`cfrunbook watch`: look again and again, and say when the verdict changes."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.findings import Diagnosis, Finding

EXAMPLE = "cfrunbook watch --distribution dist.json --url https://www.example.com/cart --until ok"
DESCRIPTION = "Diagnose again and again, one line for each look: when, the verdict, and what changed."
EVERY = 5.0
LEAST = 0.5
"""Seconds between two looks; an origin in trouble is not to be asked more often."""

_EXIT = {"ok": 0, "fault": 1, "unknown": 3}
_BAD_INPUT = 2
_SHOWN = ("fault", "unknown", "warning")


def options(parser: argparse.ArgumentParser) -> None:
    """Add the command's own options to `parser`."""
    how = parser.add_argument_group("how it watches")
    how.add_argument(
        "--every", type=_seconds, default=EVERY, metavar="SECONDS", help=f"between two looks (default: {EVERY:g})"
    )
    how.add_argument("--until", choices=tuple(_EXIT), help="end with the first look that says so (default: Ctrl-C)")
    how.add_argument("--count", type=_count, default=0, metavar="N", help="end after so many looks")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not LEAST <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from {LEAST:g} to 86400")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of looks from 1 to 1000000")
    return int(text)


class Look(NamedTuple):
    """One look: what came of it, or why nothing did."""

    at: dt.datetime
    diagnosis: Diagnosis | None
    problem: str = ""

    @property
    def status(self) -> str:
        """The verdict's status, or `error`."""
        return self.diagnosis.verdict.status if self.diagnosis else "error"

    @property
    def exit_status(self) -> int:
        """The exit status of `diagnose` for this look."""
        return _EXIT[self.status] if self.diagnosis else _BAD_INPUT

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, or what kept it from one."""
        return self.diagnosis.verdict.sentence if self.diagnosis else self.problem

    @property
    def codes(self) -> frozenset[tuple[str, str]]:
        """The code and status of every finding that somebody may have to act on."""
        return frozenset(map(_key, self.findings))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings that somebody may have to act on."""
        return tuple(f for f in self.diagnosis.findings if f.status.value in _SHOWN) if self.diagnosis else ()


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.status.value


def watch(
    diagnose: Callable[[], Diagnosis],
    say: Callable[[str], None],
    *,
    every: float = EVERY,
    until: str | None = None,
    count: int = 0,
    as_json: bool = False,
    pause: Callable[[float], None] = time.sleep,
    note: Callable[[], str] = lambda: "",
) -> int:
    """Look with `diagnose` every so many seconds, and say one line each; return the exit status of the last look.

    `note` gives what is said once, after the first look. It ends with the first verdict of the status `until`, after
    `count` looks, or with Ctrl-C. Raises BadInput where the first look cannot be made; later ones that cannot are said
    and passed over.
    """
    last: Look | None = None
    number = 0
    try:
        while True:
            number += 1
            look = _look(diagnose, is_first=last is None)
            is_last = look.status == until or number == count
            remark = note() if last is None and not is_last else ""
            say(_json(number, look, last, remark) if as_json else _line(look, last))
            if remark and not as_json:
                say(f"{look.at:%H:%M:%S}Z  {'note':<8}{visible(remark, 500)}")
            last = look
            if is_last:
                return look.exit_status
            pause(every)
    except KeyboardInterrupt:
        if last is None:
            raise
        return last.exit_status


def _look(diagnose: Callable[[], Diagnosis], *, is_first: bool) -> Look:
    try:
        diagnosis = diagnose()
    except BadInput as error:
        if is_first:
            raise
        return Look(dt.datetime.now(dt.UTC), None, str(error))
    return Look(dt.datetime.now(dt.UTC), diagnosis)


def _line(look: Look, last: Look | None) -> str:
    begin = f"{look.at:%H:%M:%S}Z  {look.status:<8}"
    sentence = visible(look.sentence, 500)
    if last is None:
        return f"{begin}{sentence}"
    said = [f"{what}: {', '.join(sorted({code for code, _ in codes}))}" for what, codes in _changes(look, last).items()]
    if look.status != last.status:
        return f"{begin}CHANGED from {last.status}: {sentence}" + "".join(f"  [{one}]" for one in said)
    if look.sentence != last.sentence:
        return f"{begin}{sentence}" + "".join(f"  [{one}]" for one in said)
    return f"{begin}{'; '.join(said) if said else 'as before'}"


def _changes(look: Look, last: Look) -> dict[str, frozenset[tuple[str, str]]]:
    """Return what appeared and what is gone; of a look that could not be made nothing is known."""
    if look.diagnosis is None or last.diagnosis is None:
        return {}
    found = {"new": look.codes - last.codes, "gone": last.codes - look.codes}
    return {what: codes for what, codes in found.items() if codes}


def _json(number: int, look: Look, last: Look | None, note: str) -> str:
    import msgspec

    changes = _changes(look, last) if last else {}
    value: dict[str, Any] = {
        "schema": 1,
        "look": number,
        "at": look.at.isoformat(timespec="seconds"),
        "status": look.status,
        "changed": last is not None and (look.status, look.sentence) != (last.status, last.sentence),
        "verdict": look.diagnosis.verdict if look.diagnosis else None,
        "problem": look.problem,
        "note": note,
        "new": [{"code": code, "status": status} for code, status in sorted(changes.get("new", ()))],
        "gone": [{"code": code, "status": status} for code, status in sorted(changes.get("gone", ()))],
    }
    return msgspec.json.encode(value).decode()
