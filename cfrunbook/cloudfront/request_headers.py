"""Header fields of requests at the edge: those that CloudFront adds, forwards or takes away.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-headers-behavior
As of 2026-04.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VIEWER_HEADERS: Mapping[str, str] = MappingProxyType({
    "CloudFront-Forwarded-Proto": "{scheme}",
    "CloudFront-Is-Android-Viewer": "false",
    "CloudFront-Is-Desktop-Viewer": "true",
    "CloudFront-Is-IOS-Viewer": "false",
    "CloudFront-Is-Mobile-Viewer": "false",
    "CloudFront-Is-SmartTV-Viewer": "false",
    "CloudFront-Is-Tablet-Viewer": "false",
    "CloudFront-Viewer-Address": "{address}:46532",
    "CloudFront-Viewer-ASN": "64496",
    "CloudFront-Viewer-City": "Ashburn",
    "CloudFront-Viewer-Country": "US",
    "CloudFront-Viewer-Country-Name": "United States",
    "CloudFront-Viewer-Country-Region": "VA",
    "CloudFront-Viewer-Country-Region-Name": "Virginia",
    "CloudFront-Viewer-Http-Version": "2.0",
    "CloudFront-Viewer-Latitude": "39.04370",
    "CloudFront-Viewer-Longitude": "-77.48750",
    "CloudFront-Viewer-Metro-Code": "511",
    "CloudFront-Viewer-Postal-Code": "20147",
    "CloudFront-Viewer-Time-Zone": "America/New_York",
    "CloudFront-Viewer-TLS": "TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake",
    "CloudFront-Viewer-Header-Count": "{count}",
    "CloudFront-Viewer-Header-Order": "{order}",
    "CloudFront-Viewer-JA3-Fingerprint": "e7d705a3286e19ea42f587b344ee6865",
    "CloudFront-Viewer-JA4-Fingerprint": "t13d1516h2_8daaf6152771_b186095e22b6",
})  # fmt: skip
"""What CloudFront can say of a viewer, with a typical value; a policy must ask for each."""

ALL_CLOUDFRONT_2022_06 = tuple(VIEWER_HEADERS)[:21]
"""Those that the managed policy AllViewerAndCloudFrontHeaders-2022-06 asks for.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html"""

NEVER_FORWARDED = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "upgrade", "x-forwarded-proto", "x-real-ip",
})  # fmt: skip
"""Fields of a viewer's request that CloudFront takes away, whatever the policies say."""

ALWAYS_FORWARDED = frozenset({
    "cache-control", "content-length", "content-md5", "content-type", "date", "from", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "max-forwards", "pragma", "range", "request-range",
    "transfer-encoding", "via", "warning",
})  # fmt: skip
"""Fields that reach the origin without being asked for; CloudFront needs them, or they describe the body."""

LEGACY_TAKEN_AWAY = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cookie", "host", "referer", "user-agent",
    "x-http-method-override", "x-requested-with",
})  # fmt: skip
"""With the legacy settings (ForwardedValues), everything is forwarded but these, unless they are listed."""
