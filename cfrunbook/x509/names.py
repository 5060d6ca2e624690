"""Host names, and whether a certificate carries one, as CloudFront's TLS library (s2n-tls) decides it.

The subject's alternative names count; the common name only where there are none. `*.` stands for exactly one
left-most label, a partial wildcard (`f*.example.com`) for nothing, and an address is never a name.
https://www.rfc-editor.org/rfc/rfc6125#section-6.4
https://github.com/aws/s2n-tls/blob/main/tls/s2n_x509_validator.c
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from cfrunbook.hostname import MAX_NAME, is_address
from cfrunbook.text import visible

_MAX_NEAR = 512  # names compared with one another for near misses
_MAX_TYPO = 2


def matches(pattern: str, name: str) -> bool:
    """Return whether `pattern`, a name in a certificate, covers the host name `name`.

    Case does not count; `*.example.com` covers `a.example.com`, not `example.com` nor `a.b.example.com`.
    """
    if not name or is_address(name):
        return False
    pattern, name = _ascii_lower(pattern), _ascii_lower(name)
    if pattern == name:
        return True
    _, dot, parent = name.partition(".")
    return bool(dot) and len(pattern) > 2 and pattern == f"*.{parent}"


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)


class MatchedBy(StrEnum):
    """Which part of a certificate carries the name."""

    ALTERNATIVE_NAME = "subject alternative name"
    COMMON_NAME = "common name"


class Match(msgspec.Struct, frozen=True):
    """A name in a certificate that covers a host name."""

    pattern: str
    by: MatchedBy


def find_match(
    name: str, *, dns_names: Sequence[str], common_name: str, has_alternative_names: bool | None = None
) -> Match | None:
    """Return what in a certificate covers `name`, or None.

    `has_alternative_names` tells that there are alternative names even if none is a dNSName (addresses, URIs); the
    common name is then not looked at. A common name that is an address never matches.
    """
    for pattern in dns_names:
        if matches(pattern, name):
            return Match(pattern, MatchedBy.ALTERNATIVE_NAME)
    present = bool(dns_names) if has_alternative_names is None else has_alternative_names
    if not present and common_name and not is_address(common_name) and matches(common_name, name):
        return Match(common_name, MatchedBy.COMMON_NAME)
    return None


class Near(StrEnum):
    """How a name in a certificate just misses a host name; the order is that of usefulness."""

    WILDCARD_PARENT = "wildcard_parent"
    WILDCARD_DEPTH = "wildcard_depth"
    WILDCARD_PARTIAL = "wildcard_partial"
    WWW = "www"
    TRAILING_DOT = "trailing_dot"
    COMMON_NAME_IGNORED = "common_name_ignored"
    TYPO = "typo"
    SIBLING = "sibling"


class NearMiss(msgspec.Struct, frozen=True):
    """A name in a certificate that nearly covers the wanted one, and a sentence that says why it does not."""

    pattern: str
    kind: Near
    sentence: str


def near_misses(patterns: Iterable[str], name: str, *, common_name: str = "", limit: int = 3) -> tuple[NearMiss, ...]:
    """Return the names among `patterns` that come closest to `name`, most telling first, at most `limit`.

    At most 512 patterns are looked at.
    """
    found: list[NearMiss] = []
    wanted = _ascii_lower(name)
    looked_at = list(dict.fromkeys(_ascii_lower(p) for p, _ in zip(patterns, range(_MAX_NEAR), strict=False)))
    for pattern in looked_at:
        if not matches(pattern, wanted) and (miss := _near(pattern, wanted)):
            found.append(miss)
    if common_name and looked_at and matches(common_name, wanted):
        shown = visible(common_name, MAX_NAME)
        found.append(
            NearMiss(
                common_name,
                Near.COMMON_NAME_IGNORED,
                f"the common name {shown} would fit, but it is ignored because there are subject alternative names",
            )
        )
    order = list(Near)
    return tuple(sorted(found, key=lambda m: (order.index(m.kind), len(m.pattern), m.pattern))[:limit])


def _near(pattern: str, name: str) -> NearMiss | None:
    shown = visible(pattern, MAX_NAME)
    kind: Near | None = None
    why = ""
    if pattern.startswith("*."):
        parent = pattern[2:]
        if name == parent:
            kind, why = Near.WILDCARD_PARENT, f"{shown} covers names one level below {parent}, not {name} itself"
        elif parent and name.endswith("." + parent):
            labels = name.removesuffix("." + parent).count(".") + 1
            kind = Near.WILDCARD_DEPTH
            why = f"{shown} covers exactly one label in place of *; {name} has {labels}"
    elif "*" in pattern:
        if len(pattern) <= MAX_NAME and _glob(pattern, name):
            kind = Near.WILDCARD_PARTIAL
            why = f"{shown} is a partial wildcard; only a whole left-most label may be *"
    elif pattern.removesuffix(".") == name and pattern.endswith("."):
        kind, why = Near.TRAILING_DOT, f"{shown} ends in a dot and so equals no name that is sent"
    elif pattern == "www." + name or name == "www." + pattern:
        kind, why = Near.WWW, f"{shown} is on it, {name} is another name: www. is not implied"
    elif 0 < _distance(pattern, name, _MAX_TYPO) <= _MAX_TYPO and len(name) > 6:
        kind, why = Near.TYPO, f"{shown} differs from {name} by a character or two"
    elif "." in _parent(name) and _parent(pattern) == _parent(name):
        kind, why = Near.SIBLING, f"{shown} is another name under {_parent(name)}"
    return NearMiss(pattern, kind, why) if kind else None


def _parent(name: str) -> str:
    return name.partition(".")[2]


def _glob(pattern: str, name: str) -> bool:
    head, _, rest = pattern.partition(".")
    label, _, parent = name.partition(".")
    start, _, end = head.partition("*")
    fits = len(label) >= len(start) + len(end) and label.startswith(start) and label.endswith(end)
    return fits and rest == parent and "*" not in end


def _distance(left: str, right: str, limit: int) -> int:
    """Return the edit distance (adjacent transpositions count one), or `limit` + 1 if it is more."""
    if abs(len(left) - len(right)) > limit or max(len(left), len(right)) > MAX_NAME:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]
