"""A viewer's request, as events are made of it: URL, method, header fields, body, address."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

import msgspec

from cfrunbook import hostname
from cfrunbook.cloudfront import viewer_url
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
"""What CloudFront takes: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#RequestCustomHTTPMethods"""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body that are worked on; an event carries far less, see `cfrunbook.functions.events`."""

TYPICAL_HEADERS = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br"),
)
"""What a browser sends besides Host."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_LINE_BREAK = re.compile(r"[\r\n\0]")


class ViewerRequest(msgspec.Struct, frozen=True):
    """One request as a viewer sends it to CloudFront."""

    host: str
    path: str = "/"
    query: str = ""
    """Without the question mark."""
    scheme: str = "https"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = TYPICAL_HEADERS
    """In the viewer's order and spelling, without Host."""
    body: bytes = b""
    address: str = "203.0.113.178"
    """The viewer's IP address."""

    @property
    def all_headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields with Host, which comes first."""
        length = (("Content-Length", str(len(self.body))),) if self.body and not self.has("content-length") else ()
        return (("Host", self.host), *self.headers, *length)

    def has(self, name: str) -> bool:
        """Tell whether the viewer sends a header field `name`, given in lower case."""
        return any(n.lower() == name for n, _ in self.headers)

    def request_id(self, distribution: str) -> str:
        """Return a request id of CloudFront's form, always the same for the same request to the same distribution."""
        parts = (distribution, self.scheme, self.host, self.path, self.query, self.method, self.address, *self.headers)
        seed = hashlib.sha512(repr(parts).encode("utf-8", "backslashreplace") + self.body)
        return base64.urlsafe_b64encode(seed.digest()[:40]).decode()


def viewer_request(
    url: str | ViewerUrl,
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] | None = None,
    body: bytes = b"",
    address: str = "203.0.113.178",
) -> ViewerRequest:
    """Return the request for `url`; `headers` replace a browser's typical ones.

    Of a `ViewerUrl` only the redacted query is known. A Host among `headers` is left out: the URL's host counts.
    Raises BadInput for what CloudFront takes from no viewer.
    """
    parsed = viewer_url.parse(url) if isinstance(url, str) else url
    whole = url if isinstance(url, str) else url.text
    query = whole.partition("#")[0].partition("?")[2].strip()
    if method not in METHODS:
        raise BadInput(f"Method: '{visible(method, 40)}' is none that CloudFront takes: {', '.join(METHODS)}.")
    if body and method in ("GET", "HEAD"):
        raise BadInput(f"Body: CloudFront answers 403 to a {method} request with a body.")
    if len(body) > MAX_BODY:
        raise BadInput(f"Body: it is larger than {MAX_BODY // (1024 * 1024)} MiB; refused.")
    if not hostname.is_address(address) or "[" in address:
        raise BadInput(f"Address: '{visible(address, 60)}' is not an IP address.")
    given = TYPICAL_HEADERS if headers is None else tuple(headers)
    for name, value in given:
        if not _TOKEN.fullmatch(name) or _LINE_BREAK.search(value):
            raise BadInput(f"Header: '{visible(name, 60)}' is not a header field that a viewer can send.")
    return ViewerRequest(
        host=parsed.host,
        path=parsed.path,
        query=query,
        scheme=parsed.scheme or "https",
        method=method,
        headers=tuple((n, v) for n, v in given if n.lower() != "host"),
        body=body,
        address=address,
    )
