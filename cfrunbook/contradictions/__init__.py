"""Pieces of evidence that cannot both hold of the same request at the same time: both sides, why, what decides. Pure.

A contradiction is no fault. It says that one of two witnesses looked from another place, at another time, or at
something else; which one that is decides how much the verdict is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cfrunbook import direct_evidence
from cfrunbook.findings import Contradiction, Witness
from cfrunbook.joining import Scene, witness_of

__all__ = ["find"]

MOST = 12
"""Contradictions shown of one incident."""

Detector = Callable[[Scene], Iterator[Contradiction]]


def find(scene: Scene) -> tuple[Contradiction, ...]:
    """Return what does not go together, CloudFront's own word first; each pair of statements once."""
    found: dict[tuple[str, str, str, str], Contradiction] = {}
    for detect in _detectors(scene):
        for one in detect(scene):
            found.setdefault((one.code, one.sides[0].says, one.sides[1].says, one.target), one)
    ordered = sorted(found.values(), key=lambda c: "direct" not in (c.sides[0].strength, c.sides[1].strength))
    return tuple(ordered[:MOST])


def _detectors(scene: Scene) -> Iterator[Detector]:
    """Yield what may find something: a look alone contradicts itself nowhere but in what resolvers say."""
    if any(direct_evidence.is_direct(f) for f in scene.findings):
        from cfrunbook.contradictions import edge

        yield from edge.DETECTORS
    is_given = any(witness_of(f) is Witness.FIREWALL or f.code == "dns.resolver_differs" for f in scene.findings)
    if scene.responses or is_given:
        from cfrunbook.contradictions import given

        yield from given.DETECTORS
    if scene.facts is not None:
        from cfrunbook.contradictions import account

        yield from account.DETECTORS
