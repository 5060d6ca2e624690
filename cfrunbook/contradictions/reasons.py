"""Why two pieces of evidence may differ: what is known to be so comes before what is only possible. Pure."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from cfrunbook.findings import Finding, Statement, Witness
from cfrunbook.joining import Scene
from cfrunbook.text import visible

_SAME_TIME = dt.timedelta(minutes=1)
_MOST = 4


class Reason(NamedTuple):
    """One explanation; the lower its rank, the more speaks for it."""

    rank: int
    text: str


def ranked(*reasons: Reason | None) -> tuple[str, ...]:
    """Return the sentences of those that apply, the most likely first; of equal ones the first given."""
    known = sorted((r for r in reasons if r is not None), key=lambda r: r.rank)
    return tuple(dict.fromkeys(r.text for r in known))[:_MOST]


KNOWN, LIKELY, POSSIBLE = 0, 1, 2
"""Ranks: something seen speaks for it; usual where two such witnesses differ; not excluded."""

ELSEWHERE = Reason(LIKELY, "CloudFront asks from other places, and may have met another address, node or name server.")
OTHER_REQUEST = Reason(
    LIKELY, "It is not the same request: path, Host, method or header fields of the one that failed may differ."
)
SPLIT_VIEW = Reason(
    LIKELY, "The name has another answer inside than on the public internet (split horizon), or one server is stale."
)


def noun(statement: Statement) -> str:
    """Return whose word a statement is, in words that a sentence can go on with."""
    if statement.witness is Witness.PROBE:
        return f"the look from {visible(statement.seen_from or 'here', 80)}"
    return _NOUNS[statement.witness]


_NOUNS = {
    Witness.RESPONSE: "the captured response",
    Witness.LOGS: "the access log",
    Witness.ACCOUNT: "the AWS account",
    Witness.FUNCTION: "the function's result",
    Witness.FIREWALL: "the firewall's rules",
    Witness.CONFIGURATION: "the configuration",
    Witness.PROBE: "the look",
}


def between(bad: Statement, well: Statement, *, differs: bool = False) -> Reason | None:
    """Return that the two are of different times; None where they are of the same minute or of one look.

    `differs`: neither of them is well, they only differ.
    """
    one, other = bad, well
    if one.at is None or other.at is None:
        if one.witness is other.witness:
            return None
        unknown = one if one.at is None else other
        word = "changed" if differs else "been put right"
        return Reason(POSSIBLE, f"It may have {word} meanwhile: of when {noun(unknown)} is, is not known.")
    first, last = sorted((one, other), key=lambda s: s.at or dt.datetime.min.replace(tzinfo=dt.UTC))
    if first.at is None or last.at is None or last.at - first.at <= _SAME_TIME:
        return None
    changed = "changed" if differs else "been put right" if first is bad else "been broken"
    return Reason(
        KNOWN,
        f"It may have {changed} meanwhile: {noun(first)} is of {_moment(first.at)}, {noun(last)}"
        f" {_span(last.at - first.at)} later.",
    )


def cached(scene: Scene) -> Reason | None:
    """Return that the response came from the cache; None where it did not, or nothing tells."""
    old = _of(scene, "cloudfront.error_cached")
    if old is None:
        return None
    age = visible(old.data.get("age", ""), 20)
    return Reason(KNOWN, f"The response came from CloudFront's cache, {age} s old, so the fault may be over.")


def intermittent(scene: Scene) -> Reason | None:
    """Return that only some requests fail; known where a finding says so, likely where there are several addresses."""
    told = next((f for f in scene.findings if f.data.get("intermittent")), None)
    if told is not None:
        return Reason(KNOWN, f"Only some requests fail: {told.title}")
    addresses = {c.address for c in scene.observations.connections}
    if len(addresses) > 1:
        return Reason(
            LIKELY, f"The origin has {len(addresses)} addresses, or several nodes behind one: some may be fine."
        )
    return Reason(POSSIBLE, "There may be several nodes behind one address, of which some are fine.")


def allow_listed(scene: Scene) -> Reason:
    """Return that the origin lets in CloudFront and not who looked; known where firewall rules say so."""
    where = visible(scene.vantage, 80)
    lets_in = _of(scene, "port.firewall_allows")
    if lets_in is not None and _of(scene, "port.firewall_open_to_all") is None:
        return Reason(KNOWN, f"The origin's firewall lets in CloudFront's addresses, and not {where}.")
    return Reason(LIKELY, f"The origin may let in CloudFront's addresses only (an allow list), and not {where}.")


def shut_out(scene: Scene) -> Reason:
    """Return that the origin lets in who looked and not CloudFront; known where firewall rules say so."""
    rules = next((f for f in scene.findings if f.code in _BLOCKS), None)
    if rules is not None:
        return Reason(KNOWN, f"The firewall keeps CloudFront out: {rules.title}")
    where = visible(scene.vantage, 80)
    return Reason(LIKELY, f"A firewall may let in {where} and not all of CloudFront: give its rules (--firewall).")


def local(scene: Scene) -> Reason:
    """Return that something on the side of who looked stands between."""
    return Reason(POSSIBLE, f"A firewall or proxy may stand between {visible(scene.vantage, 80)} and the origin.")


_BLOCKS = ("port.firewall_blocks_all", "port.firewall_stale_list", "port.firewall_blocks_some")


def _of(scene: Scene, code: str) -> Finding | None:
    return next((f for f in scene.findings if f.code == code), None)


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(span: dt.timedelta) -> str:
    """Return a length of time in its largest fitting unit: `68 minutes`, `3 hours`, `12 days`."""
    minutes = int(span.total_seconds() // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= 2 * size or size == 1:
            number = minutes // size
            return f"{number:,} {unit}{'s' * (number > 1)}"
    return "a moment"
