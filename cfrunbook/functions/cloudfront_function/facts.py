"""What CloudFront Functions are given, may return and may use: facts with their sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
STRUCTURE: Final = f"{GUIDE}/functions-event-structure.html"
RESTRICTIONS: Final = f"{GUIDE}/edge-function-restrictions-all.html"
QUOTAS: Final = f"{GUIDE}/cloudfront-limits.html#limits-functions"
HELPERS: Final = f"{GUIDE}/helper-functions-origin-modification.html"
KEY_VALUES: Final = f"{GUIDE}/functions-custom-methods.html"
SAMPLES: Final = "https://github.com/aws-samples/amazon-cloudfront-functions/issues"


class Runtime(StrEnum):
    """The JavaScript runtimes of CloudFront Functions.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-features.html
    """

    JS_1_0 = "cloudfront-js-1.0"
    JS_2_0 = "cloudfront-js-2.0"


MAX_CODE: Final = 10 * 1024
"""Bytes of code (`QUOTAS`); not adjustable."""
MAX_MEMORY: Final = 2 * 1024 * 1024
"""Bytes a running function may use (`QUOTAS`)."""
REPORTED_MAX_BODY: Final = 40 * 1024
"""Bytes of body above which people met errors. No limit is documented, so this is a warning."""
URL_LIMIT: Final = 8192
"""Path and query string together must have fewer characters (`RESTRICTIONS`#function-restrictions-uri)."""
LIKELY_THROTTLED: Final = 71
"""Compute utilization in percent from which AWS expects a function to be throttled (`GUIDE`/test-function.html)."""

REQUEST_FIELDS = frozenset({"method", "uri", "querystring", "headers", "cookies"})
RESPONSE_FIELDS = frozenset({"statusCode", "statusDescription", "headers", "cookies", "body"})
FOREIGN_FIELDS: Mapping[str, str] = {
    "status": "Lambda@Edge's field; here it is statusCode, a number",
    "bodyEncoding": "Lambda@Edge's field; here it is body.encoding, beside body.data",
    "isBase64Encoded": "API Gateway's field; here it is body.encoding, beside body.data",
    "multiValueHeaders": "API Gateway's field; here a header that comes twice has multiValue",
    "origin": "Lambda@Edge's way to change the origin; here it is cf.updateRequestOrigin()",
    "clientIp": "Lambda@Edge's field; here it is event.viewer.ip",
}
"""Fields of other platforms' results that CloudFront Functions do not have."""
PLAIN_BODY, BASE64_BODY = "text", "base64"
BODY_ENCODINGS = (PLAIN_BODY, BASE64_BODY)
NO_CONTENT = (204, 304)
"""Statuses of answers without content (https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1)."""
MIN_STATUS, MAX_STATUS = 200, 599
"""Documented for Lambda@Edge; the guide names no range for CloudFront Functions."""

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A header field's name (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)."""
COOKIE_NAME = re.compile(r"[^\x00-\x20\x7f;=,]+")
"""More than a cookie's name may have (https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1)."""
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no field value may hold; a tab may (https://www.rfc-editor.org/rfc/rfc9110#section-5.5)."""
NOT_IN_URI = re.compile(r"[\x00-\x20\x7f]")
NOT_IN_QUERY = re.compile(r"[\x00-\x20\x7f#]")
"""Spaces, control characters and the fragment identifier (`RESTRICTIONS`#function-restrictions-query-strings)."""


class Helper(StrEnum):
    """Methods of the module `cloudfront` (runtime 2.0), as a function calls them."""

    UPDATE = "updateRequestOrigin"
    SELECT = "selectRequestOriginById"
    GROUP = "createRequestOriginGroup"


MAX_DOMAIN, MAX_S3_DOMAIN, MAX_ORIGIN_PATH = 253, 128, 255
MAX_CERTIFICATE_NAMES, MAX_CERTIFICATE_NAME = 20, 64
ATTEMPTS = (1, 3)
TIMEOUTS: Mapping[str, tuple[int, int]] = {
    "readTimeout": (1, 120),
    "keepAliveTimeout": (1, 120),
    "connectionTimeout": (1, 10),
}
"""Seconds, least and most."""
COMPLETION_TIMEOUT: Final = "responseCompletionTimeout"
"""Seconds; at least the read timeout."""
CUSTOM_ORIGIN_REQUIRED = ("port", "protocol", "sslProtocols")
ORIGIN_PROTOCOLS = ("http", "https")
SSL_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")
IP_ADDRESS_TYPES = ("ipv4", "ipv6", "dualstack")
SIGNING_BEHAVIORS = ("always", "never", "no-override")
SIGNING_PROTOCOLS = ("sigv4",)
ACCESS_CONTROL_TYPES = ("s3", "mediapackagev2", "mediastore", "lambda")
MUTUAL_TLS_SETTINGS = ("inherit", "off")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
SELECTION_CRITERIA = ("default", "media-quality-score")
FAILOVER_STATUSES = (400, 403, 404, 416, 429, 500, 502, 503, 504)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html"""

OVERRIDES = frozenset({"hostHeader", "sni", "allowedCertificateNames"})
"""What `selectRequestOriginById` and a member of a group may override."""
UPDATE_SETTINGS = OVERRIDES | {
    "domainName", "originPath", "customHeaders", "connectionAttempts", "originShield", "originAccessControlConfig",
    "timeouts", "customOriginConfig", "mTLSConfig",
}  # fmt: skip
"""What `updateRequestOrigin` knows; `mTLSConfig`: `GUIDE`/origin-mtls-cloudfront-functions.html."""
GROUP_SETTINGS = frozenset({"originIds", "selectionCriteria", "failoverCriteria"})
