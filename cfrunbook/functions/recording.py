"""Results and events of edge functions on their way into a recording and out of it: masked once, judged alike."""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.evidence import FunctionDocument, FunctionFacts, FunctionFlaw, FunctionText
from cfrunbook.findings import Json
from cfrunbook.functions import masking
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.documents import Base64, Document, Flaw, FlawKind, LeftOut, TextSize
from cfrunbook.functions.model import Kind
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

MAX_CODE = 60_000
"""Characters of code that are kept: six times what CloudFront Functions take."""


def to_record(document: Document, kind: Kind) -> FunctionDocument:
    """Return `document` as it may be kept: secrets masked, so that every rule says of it what it said before."""
    return unmasked(masking.mask(document, kind, leave_out=True))


def unmasked(document: Document) -> FunctionDocument:
    """Return `document` as it is. It is never to be kept or shown: only its author's own file may hold it."""
    return FunctionDocument(
        value=document.value,
        size=document.size,
        flaws=tuple(FunctionFlaw(kind=f.kind, detail=f.detail[:200], path=f.path) for f in document.flaws),
        left_out=tuple(
            FunctionText(path=t.path, size=t.measure.size, base64=t.measure.base64.value, decoded=t.measure.decoded)
            for t in document.left_out[:64]
        ),
    )


def of_record(recorded: FunctionDocument) -> Document:
    """Return the document that was recorded; a flaw that this version does not know makes it unreadable."""
    known = frozenset(FlawKind)
    flaws = tuple(
        Flaw(FlawKind(f.kind) if f.kind in known else FlawKind.NOT_JSON, f.detail, f.path) for f in recorded.flaws
    )
    words = frozenset(Base64)
    left_out = tuple(
        LeftOut(t.path, TextSize(t.size, Base64(t.base64) if t.base64 in words else Base64.NOT, t.decoded))
        for t in recorded.left_out
    )
    return Document(recorded.value, recorded.size, flaws, left_out)


def to_facts(calls: Sequence[OriginCall], run: Run) -> FunctionFacts:
    """Return what is kept of a CloudFront Function's run beside its result, without secrets and cut."""
    code = run.code or ""
    return FunctionFacts(
        calls=tuple((visible(call.helper, 100), _arguments(call)) for call in calls[:32]),
        threw=visible(redact_words(run.threw[:1000]), 1000),
        code="\n".join(redact_words(line) for line in code[:MAX_CODE].splitlines()),
        code_bytes=len(code.encode("utf-8", "replace")),
        runtime=run.runtime.value if run.runtime else "",
        compute_utilization=run.compute_utilization,
    )


def _arguments(call: OriginCall) -> list[Json] | None:
    return None if call.arguments is None else [masking.mask_setting(one) for one in call.arguments]


def calls_of(facts: FunctionFacts) -> tuple[OriginCall, ...]:
    """Return the calls of origin helpers that were recorded."""
    return tuple(OriginCall(name, tuple(a) if isinstance(a, list) else None) for name, a in facts.calls)


def run_of(facts: FunctionFacts) -> Run:
    """Return what was recorded of the run."""
    return Run(
        threw=facts.threw,
        code=facts.code or None,
        runtime=Runtime(facts.runtime) if facts.runtime else None,
        compute_utilization=facts.compute_utilization,
        code_bytes=facts.code_bytes or None,
    )
