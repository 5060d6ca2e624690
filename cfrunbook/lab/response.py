"""Captured responses of a scenario: what `curl -si` showed when it failed, in the words of the lab's edge.

What was captured follows from what the edge answers (`of_answer`), or is told by hand (`Setup.response`).
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from email.utils import format_datetime
from http.client import responses
from typing import Final

from cfrunbook.lab import edge_pages
from cfrunbook.lab.scenario import Capture

SENTENCES: Final = {
    "dns": "CloudFront wasn't able to resolve the origin domain name.",
    "connect": "CloudFront wasn't able to connect to the origin.",
}
"""Reasons on the pages that CloudFront made until 2025.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html"""


def text(capture: Capture, *, at: dt.datetime, seed: str = "") -> str:
    """Return the captured response as `curl -si` prints it, captured at `at`; the same seed gives the same ids."""
    request_id = _unique(f"{seed}-request", 40)
    if capture.page is not None:
        body = capture.page
    elif capture.sentence is not None:
        body = edge_pages.classic(capture.status, capture.sentence, request_id)
    else:
        body = edge_pages.page(capture.status, request_id).decode("ascii")
    if not capture.has_head:
        return body
    head = {
        "Content-Type": edge_pages.CONTENT_TYPE,
        "Content-Length": str(len(body.encode())),
        "Connection": "keep-alive",
        "Date": format_datetime(at, usegmt=True),
        "X-Cache": f"{capture.x_cache} from cloudfront",
        "Via": f"1.1 {hashlib.sha256(seed.encode()).hexdigest()[:32]}.cloudfront.net (CloudFront)",
        "X-Amz-Cf-Pop": edge_pages.POP,
        "X-Amz-Cf-Id": request_id,
    } | dict(capture.fields)
    lines = [f"HTTP/1.1 {capture.status} {responses.get(capture.status, '')}"]
    lines += [f"{name}: {value}" for name, value in head.items() if value]
    if capture.asked:  # as curl -v shows it
        asked = [f"> {line}".rstrip() for line in (*capture.asked.splitlines(), "")]
        return "\n".join([*asked, *(f"< {line}" for line in lines), "< ", body])
    return "\n".join([*lines, "", body])


def of_answer(status: int, x_cache: str, *, age: int | None = None) -> Capture:
    """Return the capture of an answer that CloudFront made itself; with `age`, seconds, from its cache."""
    return Capture(status, x_cache, fields={} if age is None else {"Age": str(age)})


def _unique(seed: str, size: int) -> str:
    found = hashlib.shake_256(seed.encode()).digest(size)
    return base64.urlsafe_b64encode(found).decode()
