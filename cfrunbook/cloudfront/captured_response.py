"""A response as a person captured it: read from whatever it was saved or pasted as, redacted, its body recognised.

curl, wget, a browser's HAR file, header fields alone, a page alone, or the text of a browser's window. Pure, but for
the file that a path names. What cannot be read is refused in one sentence.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.cloudfront import capture_har, capture_headers, capture_transcripts, error_pages
from cfrunbook.cloudfront.capture_parts import MAX_FIELDS, Parts
from cfrunbook.errors import BadInput
from cfrunbook.evidence import MAX_RESPONSES, CapturedPage, CapturedResponse, CaptureForm
from cfrunbook.files import MAX_FILE_BYTES, read_bounded
from cfrunbook.probes.error_pages import page_of
from cfrunbook.redaction import hidden, lost_values, redact_headers, redact_url, redact_words
from cfrunbook.text import visible

ResponseSource = Path | str | bytes | Mapping[str, Any] | CapturedResponse
"""A file, what it would hold (text of several lines, or of one that no file has as its name), or a HAR as a value."""

_WANTED = "give the output of `curl -i` (or `curl -v`), a HAR file, the header fields, or the page"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BINARY = (
    (b"\x1f\x8b", "it is gzip: unpack it first (gunzip)"),
    (b"PK\x03\x04", "it is a ZIP archive: unpack it first"),
    (b"\x89PNG", "it is a picture: copy the page's text instead"),
    (b"\xff\xd8\xff", "it is a picture: copy the page's text instead"),
    (b"%PDF", "it is a PDF: copy the page's text instead"),
)
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t", re.ASCII)
_LOG_MEMBERS = frozenset({"sc-status", "x-edge-location", "x-edge-result-type"})
_HTML = re.compile(r"<(?:!doctype|html|head|title|body|h1|center|pre)\b", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_STARTS = ("http/", "<", "{", "[", ":status")


def load(sources: ResponseSource | Sequence[ResponseSource]) -> tuple[CapturedResponse, ...]:
    """Return the responses in files, text or values, redacted, at most `MAX_RESPONSES`.

    Raises BadInput, in one sentence, for what cannot be read or holds no response.
    """
    given = sources if isinstance(sources, list | tuple) else (sources,)
    found: list[CapturedResponse] = []
    for source in given:
        found += [source] if isinstance(source, CapturedResponse) else _load(source)
    if len(found) > MAX_RESPONSES:
        left_out = found[MAX_RESPONSES - 1].left_out + len(found) - MAX_RESPONSES
        found[MAX_RESPONSES - 1 :] = [msgspec.structs.replace(found[MAX_RESPONSES - 1], left_out=left_out)]
    return tuple(found)


def _load(source: Any) -> tuple[CapturedResponse, ...]:
    if isinstance(source, bytes):
        return read(source)
    if isinstance(source, Mapping):
        try:
            return read(msgspec.json.encode(source))
        except (TypeError, ValueError, RecursionError, OverflowError):
            raise BadInput("Response: what was given has no JSON form.") from None
    if isinstance(source, str) and _is_text(source):
        return read(source.encode("utf-8", "surrogatepass"))
    if isinstance(source, str | os.PathLike):
        if not os.fspath(source):
            raise BadInput("Response: '' is not a file name.")
        return read(read_bounded(Path(source), "Response"), name=visible(source, 4096))
    raise BadInput(f"Response: give a file or text, not a value of type {type(source).__name__}.")


def _is_text(source: str) -> bool:
    """Tell whether a string is what was captured, and not the name of a file."""
    start = source.lstrip("\ufeff \t\r\n")[:10].lower()
    return "\n" in source.strip() or start.startswith(_STARTS)


def read(content: bytes, *, name: str = "") -> tuple[CapturedResponse, ...]:
    """Return the responses in what was captured, in its order; `name` is its file. Raises BadInput in one sentence."""
    file = visible(name, 200) or "what was given"
    if len(content) > MAX_FILE_BYTES:
        raise BadInput(f"Response: {file} is larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB; refused.")
    text = _text(content, file)
    parts = _parts(text, file)
    kept = parts[:MAX_RESPONSES]
    responses = [_response(one, name, number) for number, one in enumerate(kept, 1)]
    if len(parts) > len(kept):
        responses[-1] = msgspec.structs.replace(responses[-1], left_out=len(parts) - len(kept))
    return tuple(responses)


def _text(content: bytes, file: str) -> str:
    """Return the text; bytes that are no UTF-8 stay in it as surrogates, since a body may be compressed."""
    if not content.strip():
        raise BadInput(f"Response: {file} is empty; {_WANTED}.")
    for magic, what in _BINARY:
        if content.startswith(magic):
            raise BadInput(f"Response: {file} is no captured response, {what}.")
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and content[1:2] == b"\0" and content[:1].isascii():
        encoding = "utf-16-le"  # PowerShell's redirection, its mark lost
    return content.decode(encoding, "replace" if encoding.startswith("utf-16") else "surrogateescape")


def _parts(text: str, file: str) -> list[Parts]:
    start = text.lstrip()[:2000]
    if start[:1] in ("{", "["):
        return _of_json(text, file)
    if start.startswith(("#Version:", "#Fields:")) or _LOG_LINE.match(start):
        raise BadInput(f"Response: {file} is an access log, not a response; {_WANTED}.")
    if capture_transcripts.is_transcript(text):
        if found := capture_transcripts.read(text):
            return found
        raise BadInput(f"Response: {file} holds interim answers only, and no final one; {_WANTED}.")
    if _CONTROLS.search(text[:4096]):
        raise BadInput(f"Response: {file} is binary and holds no response that can be read; {_WANTED}.")
    if (listed := capture_headers.read(text)) is not None:
        return [listed]
    if (page := _page_alone(text)) is not None:
        return [page]
    raise BadInput(f"Response: {file} holds no HTTP response, header fields or error page; {_WANTED}.")


def _of_json(text: str, file: str) -> list[Parts]:
    """Return the responses of a HAR file, or a gateway's JSON body; say of other JSON what it is. Raises BadInput."""
    content = text.encode("utf-8", "replace")
    found = capture_har.read(content)
    if found:
        return found
    if found is not None:
        raise BadInput(
            f"Response: {file} is a HAR file without a failing response and without one from CloudFront; save it"
            " again while the request fails."
        )
    if page_of(content[: error_pages.MAX_TEXT]):
        return [Parts(CaptureForm.BODY, body=text)]
    try:
        value = msgspec.json.decode(text.strip().partition("\n")[0] if text.count("\n") > 1 else content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = None
    members = set(value) if isinstance(value, dict) else set()
    if members & _LOG_MEMBERS:
        raise BadInput(f"Response: {file} is an access log, not a response; {_WANTED}.")
    head = text[:4096]
    if '"DistributionConfig"' in head or '"CallerReference"' in head:
        raise BadInput(f"Response: {file} is a distribution's configuration: give it as --distribution.")
    if '"cfrunbook.evidence"' in head:
        raise BadInput(f"Response: {file} is a recording of cfrunbook: give it as --evidence.")
    raise BadInput(f"Response: {file} is JSON, but neither a HAR file nor an error that is known; {_WANTED}.")


def _page_alone(text: str) -> Parts | None:
    """Return the response that a page without header is part of; None where it is no error page."""
    form = CaptureForm.BODY if _HTML.search(text[:4096]) else CaptureForm.TEXT
    page = _page(text)
    if form is CaptureForm.TEXT and not (page.made_by or page.status):
        return None
    return Parts(form, body=text)


# --- what is kept -------------------------------------------------------------------------------------------------


def _response(parts: Parts, name: str, number: int) -> CapturedResponse:
    """Return what is kept of a response: secrets taken out, the body recognised."""
    page = _page(parts.body) if parts.body is not None and parts.body.strip() else None
    size = None if parts.body is None else len(parts.body.encode("utf-8", "surrogateescape"))
    if parts.form in (CaptureForm.BODY, CaptureForm.TEXT):
        size = None  # a copy: its size says nothing
    return CapturedResponse(
        name=name,
        number=number,
        form=parts.form,
        method=visible(parts.method, 20),
        url=_url(parts.url),
        version=visible(parts.version, 20),
        status=parts.status if parts.status is not None else page.status if page else None,
        reason=_clean(redact_words(hidden(parts.reason, lost_values(parts.headers[:MAX_FIELDS]))), 120),
        headers=tuple((_clean(n, 256), _clean(v, 1024)) for n, v in redact_headers(parts.headers[:MAX_FIELDS])),
        page=page,
        body_bytes=size if parts.body_bytes is None or size is None else parts.body_bytes,
        at=parts.at,
    )


def _url(url: str) -> str:
    kept = redact_url(_clean(url[:8192], 8192)) if url else ""
    return kept if len(kept) <= 8192 else ""


def _clean(text: str, limit: int) -> str:
    """Return text that JSON can hold, of at most `limit` characters."""
    return text.encode("utf-8", "replace").decode("utf-8")[:limit]


def _page(body: str) -> CapturedPage:
    """Return what is recognised in a body."""
    head = body[: error_pages.MAX_TEXT]
    if (own := error_pages.recognise(head)) is not None:
        return CapturedPage(
            made_by="cloudfront",
            skeleton=own.skeleton.value,
            status=own.status,
            sentence=_clean(visible(redact_words(own.sentence), 400), 400),
            request_id=_clean(own.request_id, 120),
        )
    maker = page_of(head.lstrip("\ufeff").encode("utf-8", "replace")) or _shown_by(head)
    return CapturedPage(made_by="" if maker == "cloudfront" else maker, status=error_pages.status_in(head))


_SHOWN = re.compile(
    r"\A\s{0,40}(?:5\d\d )?[A-Z][A-Za-z -]{3,40}\s{1,10}(nginx|openresty)(?:/[\d.]{1,20})?\s{0,40}\Z", re.ASCII
)


def _shown_by(text: str) -> str:
    """Name whose error page a browser showed, where the text alone tells."""
    match = _SHOWN.match(text[:400])
    return "nginx" if match else ""
