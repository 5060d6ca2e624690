"""Results as hypothesis makes them up: any JSON, and valid results with something else in some of their places."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import strategies as st

from cfrunbook.findings import Json
from cfrunbook.functions.lambda_edge.examples import twins
from cfrunbook.functions.model import EventType

NAMES = st.sampled_from(
    [
        "status",
        "statusCode",
        "statusDescription",
        "headers",
        "body",
        "bodyEncoding",
        "uri",
        "method",
        "querystring",
        "clientIp",
        "origin",
        "custom",
        "s3",
        "action",
        "encoding",
        "data",
        "inputTruncated",
        "domainName",
        "path",
        "port",
        "protocol",
        "sslProtocols",
        "readTimeout",
        "keepaliveTimeout",
        "responseCompletionTimeout",
        "customHeaders",
        "authMethod",
        "region",
        "Records",
        "cf",
        "request",
        "response",
        "config",
        "eventType",
        "key",
        "value",
        "multiValue",
        "cookies",
        "isBase64Encoded",
        "multiValueHeaders",
        "host",
        "via",
        "Via",
        "connection",
        "transfer-encoding",
        "content-length",
        "x-foo",
        "X-Foo",
        "set-cookie",
        "location",
        "cloudfront-viewer-country",
        "x-edge-key",
        "cache-control",
    ]
)
WORDS = st.sampled_from(
    ["", "200", "204", "200 OK", "/", "/a b", "index.html", "text", "base64", "replace", "read-only", "GET", "https",
     "example.com", "https://example.com/", "10.0.0.1", "b.s3.eu-central-1.amazonaws.com", "origin-access-identity",
     "TLSv1.2", "a\r\nb", "eA==", "é", "\ud800", "x" * 300]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
ANYTHING: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=8),
    max_leaves=30,
)


def _places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += _places(item, (*path, key))
    return found


@st.composite
def _spoilt(draw: st.DrawFn) -> tuple[Json, EventType, Json]:
    """A valid result with anything in up to three of its places."""
    twin = draw(st.sampled_from(twins()))
    result: Any = copy.deepcopy(twin.result)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(result)))
        value = draw(ANYTHING)
        if not path:
            return value, twin.event_type or EventType.VIEWER_REQUEST, twin.event
        holder = result
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder.pop(path[-1])
            holder[draw(NAMES)] = value
        else:
            holder[path[-1]] = value
    return result, twin.event_type or EventType.VIEWER_REQUEST, twin.event


@pytest.fixture(scope="session")
def anything() -> st.SearchStrategy[Json]:
    """Any JSON, with the names that requests and responses have."""
    return ANYTHING


@pytest.fixture(scope="session")
def names() -> st.SearchStrategy[str]:
    """Names of members and headers."""
    return NAMES


@pytest.fixture(scope="session")
def spoilt() -> st.SearchStrategy[tuple[Json, EventType, Json]]:
    """A valid Lambda@Edge result with anything in up to three of its places, its event type and its event."""
    return _spoilt()
