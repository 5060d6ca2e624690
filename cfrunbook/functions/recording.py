"""Results and events of edge functions on their way into a recording and out of it: masked once, judged alike."""

from __future__ import annotations

from cfrunbook.evidence import FunctionDocument, FunctionFlaw
from cfrunbook.functions import masking
from cfrunbook.functions.documents import Document, Flaw, FlawKind
from cfrunbook.functions.model import Kind


def to_record(document: Document, kind: Kind) -> FunctionDocument:
    """Return `document` as it may be kept: secrets masked, so that every rule says of it what it said before."""
    kept = masking.mask(document, kind)
    return FunctionDocument(
        value=kept.value,
        size=kept.size,
        flaws=tuple(FunctionFlaw(kind=f.kind, detail=f.detail[:200], path=f.path) for f in kept.flaws),
    )


def of_record(recorded: FunctionDocument) -> Document:
    """Return the document that was recorded; a flaw that this version does not know makes it unreadable."""
    known = frozenset(FlawKind)
    flaws = tuple(
        Flaw(FlawKind(f.kind) if f.kind in known else FlawKind.NOT_JSON, f.detail, f.path) for f in recorded.flaws
    )
    return Document(recorded.value, recorded.size, flaws)
