"""The edition of a report to share outside: pseudonyms for everything that identifies, and the key stays at home.

What a person or a server wrote freely is left out: header fields that are not known to be harmless, banners, results
and output of functions, the account's own words, notebooks and the recording. Nothing is written where a known name
would have remained.
"""

from __future__ import annotations

import datetime as dt
import html as markup
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.report.formats import Format
from cfrunbook.text import join_names

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.pseudonyms import Pseudonyms

KEY = "redaction-key.json"
"""In the owner's folder: which pseudonym stands for what."""
_KEPT = frozenset({
    "schema", "status", "stage", "cause", "causes", "code", "kind", "confidence", "strength", "witness", "source",
    "page", "weight", "outcome", "at", "since", "until", "parameter", "key", "observation", "cloudfront_status", "lab",
})  # fmt: skip
"""Keys of a diagnosis whose values are words of the contract; not within `data` and `inputs`, which hold anything."""
_FREE = frozenset({"data", "inputs"})
_HARMLESS_FIELDS = frozenset({
    "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "server",
    "transfer-encoding", "vary", "via", "x-cache", "x-amz-cf-pop",
})  # fmt: skip


def write(
    folder: Path,
    *,
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    formats: frozenset[Format],
    written_at: dt.datetime,
) -> Pseudonyms:
    """Write the edition's files into `folder` and return its pseudonyms.

    Raises BadInput, and leaves `folder` without a file, where something known would have remained; OSError where it
    cannot be written.
    """
    from cfrunbook import identifying

    known = identifying.pseudonyms(observations, diagnosis, incident.inputs)
    said = pseudonymous(diagnosis, known)
    files: dict[str, bytes] = {}
    if Format.JSON in formats:
        files["diagnosis.json"] = said.to_json()
    if Format.MARKDOWN in formats:
        files["summary.md"] = _summary(said, observations, known)
    if not formats.isdisjoint({Format.HTML, Format.PDF}):
        files["report.html"] = _page(incident, observations, diagnosis, said=said, known=known, written_at=written_at)
    files["notification.json"] = _notification(said, observations, known)
    for name, content in files.items():
        if found := known.remaining(_plain(content)):
            raise BadInput(
                f"The redacted edition was not written: {name} would still hold {join_names(list(found), 3)}."
                " That is a defect of cfrunbook; share nothing of this report until it is mended."
            )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return known


def pseudonymous(diagnosis: Diagnosis, known: Pseudonyms) -> Diagnosis:
    """Return the diagnosis with pseudonyms in every sentence and value; codes, statuses and sources stay."""
    return msgspec.convert(_walk(msgspec.to_builtins(diagnosis), known, free=False), type(diagnosis))


def _walk(value: Any, known: Pseudonyms, *, free: bool) -> Any:
    if isinstance(value, str):
        return known.text(value)
    if isinstance(value, Mapping):
        return {
            name: item
            if not free and name in _KEPT and not _holds_objects(item)
            else _walk(item, known, free=free or name in _FREE)
            for name, item in value.items()
        }
    if isinstance(value, Sequence):
        return [_walk(item, known, free=free) for item in value]
    return value


def _holds_objects(value: Any) -> bool:
    """Whether it is a list of objects, as `causes` of a diagnosis is, and not one of words, as that of a change."""
    return isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(v, Mapping) for v in value)


def _summary(said: Diagnosis, observations: Observations, known: Pseudonyms) -> bytes:
    from cfrunbook.views import markdown

    return markdown.summary(said, _named(observations, known)).encode()


def _notification(said: Diagnosis, observations: Observations, known: Pseudonyms) -> bytes:
    from cfrunbook.views import notification

    return notification.of(said, _named(observations, known)).to_json()


def _named(observations: Observations, known: Pseudonyms) -> Observations:
    """Return observations that say only from where and when, for what shows no more of them."""
    return type(observations)(
        recorded_at=observations.recorded_at,
        vantage=known.text(observations.vantage),
        inputs=type(observations.inputs)(lab=observations.inputs.lab),
    )


def _page(
    incident: Incident,
    observations: Observations,
    diagnosis: Diagnosis,
    *,
    said: Diagnosis,
    known: Pseudonyms,
    written_at: dt.datetime,
) -> bytes:
    from cfrunbook.runbook import pictures
    from cfrunbook.views import drawing, html

    seen = without_free_text(observations)
    with drawing.shown_as(known.text):
        drawn = pictures.everything(incident, seen, diagnosis)
        of_logs = pictures.of_logs(incident, seen, diagnosis)
    page = html.report_page(
        said,
        seen,
        targets=incident.targets,
        figures=drawn,
        log_figures=of_logs,
        title="CloudFront 502 incident report, redacted",
        generated_at=written_at,
        shown_as=known.text,
    )
    return page.encode()


def without_free_text(observations: Observations) -> Observations:
    """Return the observations without what a server or a person wrote freely, which may name anybody."""
    change = msgspec.structs.replace
    exchanges = tuple(
        change(e, headers=tuple(h for h in e.headers if h[0].strip().lower() in _HARMLESS_FIELDS), first_bytes=b"")
        for e in observations.exchanges
    )
    return change(
        observations,
        exchanges=exchanges,
        handshakes=tuple(change(h, first_bytes=b"") for h in observations.handshakes),
        function_runs=(),
        inputs=change(observations.inputs, functions=(), aws=None, recognized=(), responses=()),
    )


_DRAWN = re.compile(
    r"<style>.*?</style>|\s(?:d|transform)=\"[^\"]*\"|\s(?:id|href)=\"#?cfr[0-9a-f]{8}-[^\"]*\"", re.DOTALL
)


def _plain(content: bytes) -> str:
    """Return what a file says as its reader reads it: style and outlines of letters say nothing."""
    return markup.unescape(_DRAWN.sub("", content.decode()).replace("\u200b", "")).replace("\\", "")
