"""What the rules of a firewall say of CloudFront's addresses: for the terminal, and as JSON."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.evidence import AddressRanges
from cfrunbook.firewall import address_ranges, answer, intervals, remedies
from cfrunbook.firewall.answer import Answer
from cfrunbook.firewall.model import Part, Verdict
from cfrunbook.text import visible
from cfrunbook.views import style

MAX_PREFIXES = 200
"""Prefixes of one part that are printed; the rest is counted."""
MAX_ALLOWED = 3
"""Rules that allow, of which each is printed with its prefixes; what is blocked or undecidable is printed in full."""
LOOKS: Mapping[Verdict, style.Look] = {
    Verdict.ALLOWED: "ok",
    Verdict.DROPPED: "fault",
    Verdict.REJECTED: "fault",
    Verdict.UNDECIDABLE: "unknown",
}
"""How each verdict looks, here and in the picture."""
_STATUS = {"allowed": "ok", "undecidable": "unknown"}
_COLORS = {"ok": "\x1b[32m", "fault": "\x1b[31m", "unknown": "\x1b[35m"}


def status(told: Sequence[Answer]) -> str:
    """Return `fault` where any address is blocked, `unknown` where any is undecidable, else `ok`."""
    found = {_STATUS.get(one.verdict, "fault") for one in told}
    return next(s for s in ("fault", "unknown", "ok") if s in found)


def sentence(one: Answer) -> str:
    """Return the answer for one family in a sentence."""
    family, port = one.question.family, one.question.port
    if one.verdict == "allowed":
        return f"All of CloudFront's IPv{family} addresses are allowed at port {port}."
    if one.verdict == "undecidable":
        return f"What becomes of {answer.share(one.undecidable, one.universe, family)} at port {port} is undecidable."
    rest = f", {answer.share(one.undecidable, one.universe, family)} are undecidable" if one.undecidable else ""
    if one.verdict == "blocked":
        return f"All of CloudFront's IPv{family} addresses are blocked at port {port}."
    return f"{_capital(answer.share(one.blocked, one.universe, family))} are blocked at port {port}{rest}."


def stale(one: Answer, ranges: AddressRanges) -> str:
    """Return which old list of AWS's the rules were made from, and what comes of it; empty where none fits."""
    older = address_ranges.lacked_by(one.blocked, ranges, one.question.family)
    made = address_ranges.published_at(older) if older else None
    if made is None or one.verdict == "blocked":
        return ""
    codes = {504 if part.verdict is Verdict.DROPPED else part.status or 502 for part in one.having(*answer.BLOCKED)}
    return (
        f"That is exactly what AWS's list of {made:%Y-%m-%d} lacks, as if the rules were made from it."
        f" Some requests fail, with {' or '.join(map(str, sorted(codes)))}."
    )


def render(
    told: Sequence[Answer], ranges: AddressRanges, at: dt.datetime, *, note: str = "", color: bool, width: int
) -> str:
    """Return the partition and what is missing as text of `width` columns; `note` is about the list of addresses."""
    lines = [f"CloudFront's addresses: {address_ranges.describe(ranges, at)} ({visible(ranges.source, 200)})."]
    lines += _wrapped([note] if note else [], width)
    for one in told:
        lines += ["", sentence(one), *_wrapped([old] if (old := stale(one, ranges)) else [], width)]
        lines += _wrapped(one.notes, width)
        if one.open_to_all and one.verdict == "allowed":
            lines += _wrapped(
                ("Everybody else is let in too: whoever knows the address goes around CloudFront.",), width
            )
        good = one.having(Verdict.ALLOWED)
        for part in (*one.having(*answer.BLOCKED), *one.having(Verdict.UNDECIDABLE)):
            lines += ["", *_part(part, one, color=color, width=width)]
        for part in good[:MAX_ALLOWED]:
            lines += ["", *_part(part, one, color=color, width=width)]
        if len(good) > MAX_ALLOWED:
            lines += ["", f"  and {len(good) - MAX_ALLOWED} more rules that allow (--json has them all)"]
        steps = remedies.steps(one)
        if steps:
            lines += ["", "What is missing:"]
        for step in steps:
            lines += [
                *_wrapped((step.text,), width),
                *(f"    {visible(line, 6000)}" for line in step.command.splitlines()),
            ]
    return "\n".join(lines)


def _part(part: Part, one: Answer, *, color: bool, width: int) -> Iterator[str]:
    look = LOOKS[part.verdict]
    family = one.question.family
    mark = f"{style.SYMBOLS[look]} {part.verdict.value}{f' with {part.status}' if part.status else ''}"
    painted = f"{_COLORS[look]}{mark}\x1b[0m" if color else mark
    yield f"{painted}: {answer.share(part.sources, one.universe, family)}"
    yield from _wrapped((f"by {visible(part.place, 400)}",), width)
    if part.why:
        yield from _wrapped((f"because {part.why}",), width)
    if part.sources == one.universe:
        return
    prefixes = intervals.to_networks(part.sources, family)
    more = f" and {len(prefixes) - MAX_PREFIXES} more" if len(prefixes) > MAX_PREFIXES else ""
    yield from _wrapped((" ".join(prefixes[:MAX_PREFIXES]) + more,), width)


def _wrapped(sentences: Sequence[str], width: int) -> list[str]:
    return [
        line
        for text in sentences
        for line in textwrap.wrap(
            visible(text, 8000), width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    ]


def to_json(told: Sequence[Answer], ranges: AddressRanges, at: dt.datetime, *, note: str = "") -> bytes:
    """Return the answers as JSON (UTF-8, indented)."""
    value = {
        "schema": 1,
        "status": status(told),
        "address_ranges": {
            "create_date": ranges.create_date,
            "sync_token": ranges.sync_token,
            "source": ranges.source,
            "described": address_ranges.describe(ranges, at),
            "note": note,
        },
        "answers": [_answer(one, ranges) for one in told],
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _answer(one: Answer, ranges: AddressRanges) -> dict[str, Any]:
    family = one.question.family
    return {
        "family": f"ipv{family}",
        "port": one.question.port,
        "verdict": one.verdict,
        "sentence": sentence(one),
        "stale": stale(one, ranges),
        "open_to_all": one.open_to_all,
        "notes": list(one.notes),
        # Numbers of IPv6 addresses are beyond what JSON readers hold.
        "addresses": str(one.universe.size),
        "parts": [
            {
                "verdict": part.verdict.value,
                "status": part.status or None,
                "addresses": str(part.sources.size),
                "prefixes": list(intervals.to_networks(part.sources, family)),
                "rule": {"file": part.place.file, "where": part.place.where, "text": part.place.text},
                "layer": part.layer,
                "why": part.why,
            }
            for part in one.parts
        ],
        "remedy": [{"text": step.text, "command": step.command} for step in remedies.steps(one)],
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
