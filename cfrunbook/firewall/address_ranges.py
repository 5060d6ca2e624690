"""AWS's ip-ranges.json: which addresses CloudFront connects from, how old the list is, and what an older one lacks.

https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cfrunbook.cloudfront import documents
from cfrunbook.cloudfront.documents import Source
from cfrunbook.errors import BadInput
from cfrunbook.evidence import AddressRanges
from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.published import LATEST, OLDER, SERVICE, SOURCE
from cfrunbook.text import visible

MAX_PREFIXES = 10_000
"""Prefixes of one family that are taken; AWS publishes about 50."""
_WHAT = "Address ranges"
_FETCH = f"fetch it again: curl -sO {SOURCE}"


def read(source: Source) -> AddressRanges:
    """Return CloudFront's origin-facing ranges of an ip-ranges.json. Raises BadInput with one sentence."""
    document = documents.read(source, _WHAT)
    if not isinstance(document, Mapping) or not isinstance(document.get("prefixes"), list):
        raise BadInput(f"{_WHAT}: this is not AWS's ip-ranges.json (it has no list of prefixes); {_FETCH}.")
    ipv4 = tuple(_prefixes(document, "prefixes", "ip_prefix", 4))
    ipv6 = tuple(_prefixes(document, "ipv6_prefixes", "ipv6_prefix", 6))
    if not ipv4 and not ipv6:
        raise BadInput(f"{_WHAT}: the file has no prefix of the service {SERVICE}; {_FETCH}.")
    ranges = AddressRanges(
        create_date=visible(document.get("createDate", ""), 40),
        sync_token=visible(document.get("syncToken", ""), 40),
        source=SOURCE,
        ipv4=ipv4,
        ipv6=ipv6,
    )
    check(ranges)
    return ranges


def check(ranges: AddressRanges) -> None:
    """Raise BadInput, in one sentence, for ranges that hold what is no prefix of its family, or have no date."""
    for family, prefixes in ((4, ranges.ipv4), (6, ranges.ipv6)):
        if len(prefixes) > MAX_PREFIXES:
            raise BadInput(f"{_WHAT}: {len(prefixes)} prefixes of {SERVICE}; refused, since AWS has about 50.")
        for prefix in prefixes:
            try:
                kind, _ = intervals.network(prefix)
            except ValueError:
                kind = 0  # type: ignore[assignment]
            if kind != family:
                raise BadInput(f"{_WHAT}: '{visible(prefix, 60)}' is no IPv{family} prefix; {_FETCH}.")
    if published_at(ranges) is None:
        raise BadInput(
            f"{_WHAT}: createDate '{visible(ranges.create_date, 40)}' is no date like 2026-08-22-15-17-05; {_FETCH}."
        )


def _prefixes(document: Mapping[str, Any], key: str, name: str, family: Family) -> Iterable[str]:
    entries = document.get(key)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, Mapping) or entry.get("service") != SERVICE:
            continue
        prefix = entry.get(name)
        if not isinstance(prefix, str):
            raise BadInput(f"{_WHAT}: {key}[{number}] has no {name} (IPv{family}); {_FETCH}.")
        yield prefix


def sources(ranges: AddressRanges, family: Family) -> Intervals:
    """Return the addresses of `family` from which CloudFront connects to origins."""
    return intervals.of_networks(ranges.ipv4 if family == 4 else ranges.ipv6, family)


def published_at(ranges: AddressRanges) -> dt.datetime | None:
    """Return when AWS made the list, aware; None if that cannot be read."""
    try:
        return dt.datetime.strptime(ranges.create_date, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def newest(given: AddressRanges) -> AddressRanges:
    """Return the list that counts: the one given, or our own where that is newer, with a source that says so.

    Rules that let in all of an old list's addresses, as those made from it do, need not let in today's.
    """
    made, ours = published_at(given), published_at(LATEST)
    if made is None or ours is None or made >= ours:
        return given
    return msgspec.structs.replace(
        LATEST, source=f"{LATEST.source}; the list given, of {made:%Y-%m-%d}, is older than that and does not count"
    )


def describe(ranges: AddressRanges, at: dt.datetime) -> str:
    """Return `the list of 2026-08-22, 92 days old` at the aware moment `at`."""
    made = published_at(ranges)
    if made is None:
        return "a list without a date"
    days = (at - made).days
    if days < 0:
        return f"the list of {made:%Y-%m-%d}, newer than the moment judged at"
    age = "of the same day" if days == 0 else f"{days} day{'' if days == 1 else 's'} old"
    latest = published_at(LATEST)
    older = latest is not None and made < latest
    return f"the list of {made:%Y-%m-%d}, {age}{f', older than our own of {latest:%Y-%m-%d}' if older else ''}"


def lacked_by(missing: Intervals, ranges: AddressRanges, family: Family) -> AddressRanges | None:
    """Return the older list that lacks exactly `missing` of `ranges`; None where there is none."""
    now = sources(ranges, family)
    for older in (*OLDER, LATEST):
        if missing and now - sources(older, family) == missing:
            return older
    return None
