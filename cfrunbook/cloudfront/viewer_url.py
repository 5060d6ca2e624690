"""The URL a viewer asked for: what of it selects a behavior, and a form that is safe to keep."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

from cfrunbook import hostname
from cfrunbook.errors import BadInput
from cfrunbook.redaction import redact_url, without_user
from cfrunbook.text import visible

MAX_URL = 8192
"""Bytes of a URL that CloudFront takes: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""

_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?//(?P<authority>[^/?#\\]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?"
)
_SCHEMES: dict[str, Literal["https", "http", ""]] = {
    "https": "https", "wss": "https", "http": "http", "ws": "http", "": "",
}  # fmt: skip


class ViewerUrl(msgspec.Struct, frozen=True):
    """The parts of a viewer's URL that CloudFront looks at before it chooses an origin."""

    scheme: Literal["https", "http", ""]
    """Empty: not given, so both are possible."""
    host: str
    """Lower case, A-labels, without user information and port."""
    path: str
    """As sent: starts with `/`, without the query, not normalized."""
    text: str
    """The URL without user information and fragment, its query values redacted."""


def parse(url: str) -> ViewerUrl:
    """Return the parts of `url`; the scheme may be missing. Raises BadInput with one sentence."""
    given = url.strip()
    shown = visible(redact_text(given), 200)
    if not given:
        raise BadInput("URL: it is empty.")
    if len(given) > MAX_URL:
        raise BadInput(f"URL: it is longer than {MAX_URL} characters, which is more than CloudFront takes.")
    if any(c.isspace() or unicodedata.category(c) in {"Cc", "Cs"} for c in given):
        raise BadInput(f"URL: {shown!r} holds a space or a control character.")
    match = _URL.match(given if "://" in given.partition("?")[0] or given.startswith("//") else f"//{given}")
    scheme = (match["scheme"] or "").lower() if match else "?"
    if match is None or scheme not in _SCHEMES:
        raise BadInput(f"URL: {shown!r} is not an http or https URL.")
    host, port = _split_port(match["authority"].rpartition("@")[2])
    if port and not (port.isdecimal() and port.isascii() and 1 <= int(port[:6]) <= 65535):
        raise BadInput(f"URL: {shown!r} has the port '{visible(port, 20)}'; a port is a number from 1 to 65535.")
    host = hostname.to_ascii(host, "URL")
    path = match["path"].replace("\\", "/") or "/"
    prefix = f"{scheme}://" if scheme else "//"
    text = redact_url(f"{prefix}{host}{f':{port}' if port else ''}{path}{match['query'] or ''}")
    return ViewerUrl(scheme=_SCHEMES[scheme], host=host, path=path, text=text)


def redact_text(url: str) -> str:
    """Return what of a URL that may not even parse can be shown: no user information, no query, no fragment."""
    return without_user(re.split(r"[?#]", url, maxsplit=1)[0])


def _split_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, ""
    return host, port
