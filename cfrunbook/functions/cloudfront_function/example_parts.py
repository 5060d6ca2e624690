"""What examples are made of: a captured event for each of the two events, and a value for what a function did with it.

The events have the structure and the documentation names of
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html#functions-event-structure-example
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigin, KnownOrigins
from cfrunbook.functions.cloudfront_function.validation import validate
from cfrunbook.functions.documents import Document, of_value, read
from cfrunbook.functions.model import EventType, Validation

AT_REQUEST, AT_RESPONSE = EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE
VIA = "1.1 04f2e9d1e5c2d4a8b9c0EXAMPLE.cloudfront.net (CloudFront)"


def value(text: str) -> dict[str, Json]:
    """Return an entry: `{"value": text}`."""
    return {"value": text}


def request(**changes: Json) -> dict[str, Any]:
    """Return the request of the events, with some of its fields replaced; None leaves one out."""
    plain: dict[str, Json] = {
        "method": "GET",
        "uri": "/media/index.html",
        "querystring": {"id": value("42"), "size": {"value": "a", "multiValue": [value("a"), value("b")]}},
        "headers": headers(),
        "cookies": {"consent": value("yes")},
    }
    return _changed(plain, changes)


def response(**changes: Json) -> dict[str, Any]:
    """Return the response of the event at viewer-response, with some of its fields replaced; None leaves one out."""
    plain: dict[str, Json] = {
        "statusCode": 200,
        "statusDescription": "OK",
        "headers": answer_headers(),
        "cookies": {"session": {"value": "s1", "attributes": "Secure; Path=/"}},
    }
    return _changed(plain, changes)


def headers(**changes: Json) -> dict[str, Json]:
    """Return the request's headers; names are written with `_` for `-`."""
    plain: dict[str, Json] = {
        "host": value("video.example.com"),
        "user-agent": value("curl/8.9"),
        "accept": {"value": "text/html", "multiValue": [value("text/html"), value("image/webp")]},
        "cloudfront-viewer-country": value("DE"),
    }
    return _changed(plain, {name.replace("_", "-"): item for name, item in changes.items()})


def answer_headers(**changes: Json) -> dict[str, Json]:
    """Return the response's headers; names are written with `_` for `-`."""
    plain: dict[str, Json] = {
        "content-type": value("text/html"),
        "content-length": value("1024"),
        "server": value("nginx"),
        "via": value(VIA),
    }
    return _changed(plain, {name.replace("_", "-"): item for name, item in changes.items()})


def event(at: EventType) -> dict[str, Any]:
    """Return the event that functions of the examples are run on."""
    made: dict[str, Any] = {
        "version": "1.0",
        "context": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": at.value,
            "requestId": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
        },
        "viewer": {"ip": "198.51.100.11"},
        "request": request(),
    }
    if at is AT_RESPONSE:
        made["response"] = response()
    return made


ORIGINS = KnownOrigins(
    (
        KnownOrigin("bucket", "s3", has_access_control=True),
        KnownOrigin("web"),
        KnownOrigin("private", "vpc"),
        KnownOrigin("partner", has_mutual_tls=True),
    ),
    assigned_id="web",
)
"""The origins of the distribution that the examples' functions run in."""


@dataclass(frozen=True, slots=True)
class Given:
    """A function's result, and everything it is judged with."""

    result: str
    """JSON text, as the harness or a person gives it."""
    at: EventType = AT_REQUEST
    event: Json = None
    """None: there is none to compare with."""
    calls: tuple[OriginCall, ...] = ()
    origins: KnownOrigins | None = None
    run: Run = field(default_factory=Run)

    @property
    def document(self) -> Document:
        """The result, read."""
        return read(self.result)

    def validate(self) -> Validation:
        """Return what CloudFront makes of it."""
        came = None if self.event is None else of_value(self.event)
        return validate(self.document, self.at, came, calls=self.calls, origins=self.origins, run=self.run)


@dataclass(frozen=True, slots=True)
class Example:
    """How a rule is broken: what a function gave, and what it should have given."""

    rule: str
    """Its id."""
    story: str
    """What the author had in mind, in a line."""
    broken: Given
    valid: Given


def given(result: Json, at: EventType = AT_REQUEST, **rest: Any) -> Given:
    """Return a function's result on the examples' event."""
    text = json.dumps(result)
    return Given(text, at, **{"event": event(at), **rest})


def at_request(name: str, story: str, broken: Json, valid: Json = None) -> Example:
    """Return the example of a rule at viewer-request; without `valid`, the request as it came is right."""
    return _example(name, story, AT_REQUEST, broken, request() if valid is None else valid)


def at_response(name: str, story: str, broken: Json, valid: Json = None) -> Example:
    """Return the example of a rule at viewer-response; without `valid`, the response as it came is right."""
    return _example(name, story, AT_RESPONSE, broken, response() if valid is None else valid)


def calling(name: str, story: str, broken: OriginCall, valid: OriginCall, assigned: str = "web") -> Example:
    """Return the example of a rule about a call of an origin helper."""
    origins = KnownOrigins(ORIGINS.origins, assigned)
    wrong, right = (given(request(), calls=(call,), origins=origins) for call in (broken, valid))
    return Example(f"cloudfront_function.{name}", story, wrong, right)


def pair(name: str, story: str, broken: Given, valid: Given) -> Example:
    """Return an example whose two halves differ in more than the result."""
    return Example(f"cloudfront_function.{name}", story, broken, valid)


def _example(name: str, story: str, at: EventType, broken: Json, valid: Json) -> Example:
    return pair(name, story, given(broken, at), given(valid, at))


def _changed(plain: dict[str, Json], changes: dict[str, Json]) -> dict[str, Json]:
    made = {**plain, **changes}
    return {name: item for name, item in made.items() if item is not None}
