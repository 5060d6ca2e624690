"""Captured responses that a program printed with their status line: curl (`-i`, `-D -`, `-v`, `-L`), wget -S, HTTPie.

Several responses may follow one another: redirects, a proxy's answer to CONNECT, interim answers, or several calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cfrunbook.cloudfront.capture_parts import (
    MAX_LINE,
    REQUEST_LINE,
    STATUS_LINE,
    Parts,
    field_of,
    read_fields,
    with_status,
)
from cfrunbook.evidence import CaptureForm

MAX_PARTS = 1000
"""Responses in one file that are read at all."""

_TIME = r"(?:\d\d:\d\d:\d\d\.\d{1,6} )?"  # curl --trace-time
_VERBOSE = re.compile(rf"^{_TIME}[<>] (?:HTTP/\d|[A-Z]{{3,7}} \S)", re.MULTILINE | re.ASCII)
_WGET = re.compile(r"^ {2,4}HTTP/\d", re.MULTILINE | re.ASCII)
_PRINTED = re.compile(r"(?:^|(?<=[>}]))HTTP/\d(?:\.\d)?[ \t]+[1-5]\d{2}\b", re.MULTILINE | re.ASCII)
"""At the beginning of a line, or right behind a body that ends without a line feed."""
_MARK = re.compile(rf"{_TIME}([*<>{{}}])(?: (.*)|\s*)", re.ASCII | re.DOTALL)
_METER = re.compile(r"\s*(?:% Total\b.*|Dload\s+Upload\b.*|\d{1,3}\s+\d[\d.kMG]*\s+\d{1,3}\s.*--:--.*)\r?")
_MANNERS = re.compile(rf"{_TIME}\* (?:Connection #\d+ to host|Closing connection|shutting down)", re.ASCII)
_COMMAND = re.compile(r"(?:^|[\s/])(?:curl|wget|https?)(?:\.exe)?\s", re.ASCII)
_URL = re.compile(r"https?://[^\s'\"]{1,8192}", re.ASCII)
_WGET_URL = re.compile(r"^--[\d: -]{10,20}--\s+(https?://\S{1,8192})", re.MULTILINE | re.ASCII)
_WGET_END = re.compile(
    r"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|Saving to:|Length:|Location:|Connecting to|Reusing)", re.ASCII
)


def is_transcript(text: str) -> bool:
    """Tell whether text holds a status line as these programs print it."""
    return any(pattern.search(text) for pattern in (_VERBOSE, _WGET, _PRINTED))


def read(text: str) -> list[Parts]:
    """Return the responses in text, in its order, interim ones left out; at most `MAX_PARTS` are read."""
    if _VERBOSE.search(text):
        found = _verbose(text)
    elif _WGET.search(text) and not _PRINTED.search(text):
        found = _wget(text)
    else:
        found = list(_printed(text))
    return [parts for parts in found if not parts.is_interim]


# --- curl -i, curl -D - -------------------------------------------------------------------------------------------


def _printed(text: str) -> Iterator[Parts]:
    """Yield responses that begin with a status line at the beginning of a line."""
    at = 0
    url = ""
    for _ in range(MAX_PARTS):
        start = _next(text, at)
        if start is None:
            return
        url = _asked(text[max(at, start - 8192) : start]) or url
        parts, body = _header(text, start)
        following = _next(text, body)
        at = len(text) if following is None else following
        parts.url = url
        if text[body:at].strip():
            parts.body = text[body:at]
        elif parts.value("content-length") == "0":
            parts.body = ""
        yield parts


def _asked(before: str) -> str:
    """Return the URL of a command line that stands before a response; empty where there is none."""
    for line in reversed(before.split("\n")[-8:]):
        if _COMMAND.search(line) and (match := _URL.search(line)):
            return match[0]
    return ""


def _next(text: str, at: int) -> int | None:
    """Return where the next status line with a header field, or nothing, behind it begins."""
    for match in _PRINTED.finditer(text, at):
        line_end = text.find("\n", match.start())
        if line_end < 0:
            return match.start() if STATUS_LINE.fullmatch(text[match.start() : match.start() + 300]) else None
        if not STATUS_LINE.fullmatch(text[match.start() : min(line_end, match.start() + 300)]):
            continue
        following = text[line_end + 1 : line_end + 1 + 400].partition("\n")[0]
        if not following.strip() or field_of(following) or STATUS_LINE.fullmatch(following):
            return match.start()
    return None


def _header(text: str, start: int) -> tuple[Parts, int]:
    """Return a response's beginning, and where its body begins."""
    lines: list[str] = []
    at = start
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip():
            at = min(end + 1, len(text))
            break
        if lines and (STATUS_LINE.fullmatch(line) or not (field_of(line) or line[:1] in " \t")):
            break
        lines.append(line[:MAX_LINE])
        at = end + 1
    match = STATUS_LINE.fullmatch(lines[0])
    if match is None:  # `_next` made sure
        raise AssertionError(lines[0][:80])
    parts = with_status(CaptureForm.CURL, match)
    parts.headers = read_fields(lines[1:])
    return parts, min(at, len(text))


# --- curl -v ------------------------------------------------------------------------------------------------------


def _verbose(text: str) -> list[Parts]:
    """Return the responses of `curl -v`, whose lines begin with a mark; what has none is the body."""
    found: list[Parts] = []
    request: tuple[str, str] = ("", "")
    host, scheme = "", "http"
    bodies: list[list[str]] = []
    in_header = False
    for line in text.split("\n"):
        mark = _MARK.fullmatch(line)
        if mark is None:
            if bodies and not in_header and not _METER.fullmatch(line):
                bodies[-1].append(line)
            continue
        said = (mark[2] or "").rstrip("\r")
        if mark[1] == "*":
            scheme = _scheme(said, scheme)
        elif mark[1] == ">":
            if match := REQUEST_LINE.fullmatch(said):
                request, host = (match[1], match[2]), ""
            elif (one := field_of(said)) and one[0].lower() in ("host", ":authority") and not host:
                host = one[1]
        elif mark[1] == "<":
            if match := STATUS_LINE.fullmatch(said):
                if len(found) >= MAX_PARTS:
                    break
                parts = with_status(CaptureForm.CURL_VERBOSE, match)
                parts.method, parts.url = request[0], _url(request, host, scheme)
                found.append(parts)
                bodies.append([])
                in_header = True
            elif not said.strip():
                in_header = False
            elif found and in_header and (one := field_of(said)):
                found[-1].headers += [one]
    for parts, lines in zip(found, bodies, strict=True):
        _put_body(parts, lines)
    return found


def _scheme(said: str, before: str) -> str:
    """Return the scheme of the connection that a line with `*` is about."""
    if "SSL connection using" in said or said.startswith(("TLSv1", "ALPN", "using HTTP/3", "SSL certificate")):
        return "https"
    if said.startswith("Connected to "):
        return "https" if " port 443" in said else "http" if " port 80 " in said else before
    return before


def _url(request: tuple[str, str], host: str, scheme: str) -> str:
    method, target = request
    if method == "CONNECT" or not target or target.startswith(("http://", "https://")):
        return f"https://{target.removesuffix(':443')}/" if method == "CONNECT" else target
    return f"{scheme}://{host}{target}" if host else ""


def _put_body(parts: Parts, lines: Sequence[str]) -> None:
    """Put the lines without a mark into `parts` as its body, without what curl wrote behind the last of them."""
    text = "\n".join(lines)
    if match := _MANNERS.search(text):
        text = text[: match.start()]
    if text.strip():
        parts.body = text
    elif parts.value("content-length") == "0":
        parts.body = ""


# --- wget -S ------------------------------------------------------------------------------------------------------


def _wget(text: str) -> list[Parts]:
    """Return the responses of `wget -S`, whose header lines are set in."""
    found: list[Parts] = []
    urls = {match.start(): match[1] for match in _WGET_URL.finditer(text)}
    place, url = 0, ""
    in_header = False
    rest: list[str] = []
    for line in text.split("\n"):
        url = urls.get(place, url)
        place += len(line) + 1
        stripped = line.strip()
        if line.startswith("  ") and (match := STATUS_LINE.fullmatch(stripped)):
            if len(found) >= MAX_PARTS:
                break
            found.append(with_status(CaptureForm.WGET, match))
            found[-1].url = url
            in_header, rest = True, []
        elif in_header and line.startswith("  ") and (one := field_of(stripped)):
            found[-1].headers += [one]
        else:
            in_header = False
            if found and not _WGET_END.match(line) and not line.startswith("--"):
                rest.append(line)
    if found and any("<" in line for line in rest):  # --content-on-error -O -
        found[-1].body = "\n".join(rest)
    return found
