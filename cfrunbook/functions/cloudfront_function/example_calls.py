"""Examples of rules about calls of origin helpers: each is a mistake that is easily made, and the same without it."""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.example_parts import (
    AT_RESPONSE,
    ORIGINS,
    Example,
    calling,
    given,
    pair,
    request,
    response,
)
from cfrunbook.functions.cloudfront_function.facts import Helper, Runtime

_BUCKET = "amzn-s3-demo-bucket.s3.eu-west-1.amazonaws.com"
_TLS: dict[str, Json] = {"port": 443, "protocol": "https", "sslProtocols": ["TLSv1.2"]}
_SIGNED: dict[str, Json] = {
    "enabled": True, "signingBehavior": "always", "signingProtocol": "sigv4", "originType": "s3",
}  # fmt: skip
_FAILOVER: dict[str, Json] = {"statusCodes": [500, 502, 503, 504]}


def _update(**settings: Json) -> OriginCall:
    return OriginCall(Helper.UPDATE, (settings,))


def _select(*arguments: Json) -> OriginCall:
    return OriginCall(Helper.SELECT, arguments)


def _group(**settings: Any) -> OriginCall:
    plain: dict[str, Json] = {"originIds": [{"originId": "web"}, {"originId": "bucket"}], "failoverCriteria": _FAILOVER}
    made = {name: item for name, item in {**plain, **settings}.items() if item is not None}
    return OriginCall(Helper.GROUP, (made,))


_GOOD = _update(domainName="www.example.com")
_MOVED = given(request(), calls=(_GOOD,), origins=ORIGINS)

WHEN: tuple[Example, ...] = (
    pair(
        "origin_at_response",
        "One function is used for both events.",
        given(response(), AT_RESPONSE, calls=(_GOOD,), origins=ORIGINS),
        _MOVED,
    ),
    pair(
        "origin_runtime_1",
        "The function was never moved to runtime 2.0.",
        given(request(), calls=(_GOOD,), origins=ORIGINS, run=Run(runtime=Runtime.JS_1_0)),
        given(request(), calls=(_GOOD,), origins=ORIGINS, run=Run(runtime=Runtime.JS_2_0)),
    ),
    calling(
        "origin_helper_unknown", "The helper's name is guessed.", OriginCall("setOrigin", ("web",)), _select("web")
    ),
    calling(
        "origin_arguments", "The domain is given, not an object.", OriginCall(Helper.UPDATE, ("a.example",)), _GOOD
    ),
    calling(
        "origin_arguments_lost",
        "The settings hold themselves, so that they have no JSON.",
        OriginCall(Helper.UPDATE, None),
        _GOOD,
    ),
)

SETTINGS: tuple[Example, ...] = (
    calling(
        "origin_setting_unknown",
        "The setting has the API's name.",
        _update(OriginPath="/v2"),
        _update(originPath="/v2"),
    ),
    calling("origin_domain", "The origin is given as a URL.", _update(domainName="https://www.example.com"), _GOOD),
    calling(
        "origin_s3_domain",
        "The bucket's name is written in capitals.",
        _update(domainName="Amzn-S3-Demo-Bucket.s3.eu-west-1.amazonaws.com", originAccessControlConfig=_SIGNED),
        _update(domainName=_BUCKET, originAccessControlConfig=_SIGNED),
    ),
    calling(
        "origin_not_for_s3",
        "A bucket is given ports and protocols.",
        _update(domainName=_BUCKET, customOriginConfig=_TLS, originAccessControlConfig=_SIGNED),
        _update(domainName=_BUCKET, originAccessControlConfig=_SIGNED),
    ),
    calling("origin_path", "The path ends with a slash.", _update(originPath="/v2/"), _update(originPath="/v2")),
    calling(
        "origin_custom_header_shape",
        "Custom headers are written like the request's.",
        _update(customHeaders={"x-stage": {"value": "blue"}}),
        _update(customHeaders={"x-stage": "blue"}),
    ),
    calling(
        "origin_custom_header_case",
        "The name is written as documentation writes it.",
        _update(customHeaders={"X-Stage": "blue"}),
        _update(customHeaders={"x-stage": "blue"}),
    ),
    calling(
        "origin_custom_header_denied",
        "The Host is set as a custom header.",
        _update(customHeaders={"host": "www.example.com"}),
        _update(hostHeader="www.example.com"),
    ),
    calling(
        "origin_custom_header_collision",
        "A custom header has the name of one that viewers send.",
        _update(customHeaders={"user-agent": "edge"}),
        _update(customHeaders={"x-from-edge": "1"}),
    ),
    calling(
        "origin_custom_header_value",
        "A decoded parameter goes into a custom header.",
        _update(customHeaders={"x-note": "a\r\nb: c"}),
        _update(customHeaders={"x-note": "a%0D%0Ab"}),
    ),
    calling(
        "origin_attempts", "Five attempts are wanted.", _update(connectionAttempts=5), _update(connectionAttempts=3)
    ),
    calling(
        "origin_timeout",
        "The timeout is in milliseconds.",
        _update(timeouts={"readTimeout": 30000}),
        _update(
            timeouts={
                "readTimeout": 30,
                "keepAliveTimeout": 5,
                "connectionTimeout": 10,
                "responseCompletionTimeout": 60,
            }
        ),
    ),
    calling(
        "origin_config_incomplete",
        "Only the port is to be changed.",
        _update(customOriginConfig={"port": 8443}),
        _update(customOriginConfig={**_TLS, "port": 8443}),
    ),
    calling(
        "origin_port",
        "The port is text.",
        _update(customOriginConfig={**_TLS, "port": "443"}),
        _update(customOriginConfig=_TLS),
    ),
    calling(
        "origin_choice",
        "The protocol is named as in the distribution.",
        _update(customOriginConfig={**_TLS, "protocol": "https-only"}),
        _update(customOriginConfig=_TLS),
    ),
    calling(
        "origin_ssl_protocols",
        "TLS 1.3 is named.",
        _update(customOriginConfig={**_TLS, "sslProtocols": ["TLSv1.3"]}),
        _update(customOriginConfig=_TLS),
    ),
    calling(
        "origin_ip_address_type_alone",
        "The same origin is to be reached over IPv6.",
        _update(customOriginConfig={**_TLS, "ipAddressType": "ipv6"}),
        _update(domainName="www.example.com", customOriginConfig={**_TLS, "ipAddressType": "ipv6"}),
    ),
    calling(
        "origin_shield",
        "Origin Shield is switched on without a region.",
        _update(originShield={"enabled": True}),
        _update(originShield={"enabled": True, "region": "eu-west-1"}),
    ),
    calling(
        "origin_certificate_names",
        "The names are one text.",
        _update(allowedCertificateNames="www.example.com"),
        _update(allowedCertificateNames=["www.example.com"]),
    ),
)

ACCESS: tuple[Example, ...] = (
    calling(
        "origin_access_control",
        "Access control is switched off with null.",
        _update(domainName="www.example.com", originAccessControlConfig=None),
        _update(domainName="www.example.com", originAccessControlConfig={"enabled": False}),
    ),
    calling(
        "origin_access_control_type",
        "The function goes to a Lambda function URL and signs as for S3.",
        _update(domainName="abc123.lambda-url.eu-west-1.on.aws", originAccessControlConfig=_SIGNED),
        _update(
            domainName="abc123.lambda-url.eu-west-1.on.aws",
            originAccessControlConfig={**_SIGNED, "originType": "lambda"},
        ),
    ),
    calling(
        "origin_access_control_inherited",
        "The function goes from a bucket to a web server.",
        _GOOD,
        _update(domainName="www.example.com", originAccessControlConfig={"enabled": False}),
        assigned="bucket",
    ),
    calling(
        "origin_host_header_access_control",
        "hostHeader repeats the name of a signed function URL.",
        _update(
            domainName="abc123.lambda-url.eu-west-1.on.aws",
            hostHeader="abc123.lambda-url.eu-west-1.on.aws",
            originAccessControlConfig={**_SIGNED, "originType": "lambda"},
        ),
        _update(
            domainName="abc123.lambda-url.eu-west-1.on.aws",
            originAccessControlConfig={**_SIGNED, "originType": "lambda"},
        ),
    ),
    pair(
        "origin_access_control_unknown",
        "The distribution is not at hand.",
        given(request(), calls=(_GOOD,)),
        _MOVED,
    ),
    calling("origin_vpc", "A VPC origin is to be changed.", _GOOD, _select("web"), assigned="private"),
)

CHOSEN: tuple[Example, ...] = (
    calling("origin_mutual_tls", "An origin with mutual TLS is selected.", _select("partner"), _select("web")),
    calling("origin_id_unknown", "The origin was renamed.", _select("web-old"), _select("web")),
    pair(
        "origin_id_unchecked",
        "The distribution is not at hand.",
        given(request(), calls=(_select("web"),)),
        given(request(), calls=(_select("web", {"hostHeader": "www.example.com"}),), origins=ORIGINS),
    ),
    calling("origin_group_incomplete", "When to fail over is left out.", _group(failoverCriteria=None), _group()),
    calling(
        "origin_group_members",
        "A third origin is to help.",
        _group(originIds=["web", "bucket", "partner"]),
        _group(originIds=["web", "bucket"]),
    ),
    calling(
        "origin_group_statuses",
        "The statuses are text.",
        _group(failoverCriteria={"statusCodes": ["502"]}),
        _group(selectionCriteria="media-quality-score"),
    ),
    calling(
        "origin_group_host",
        "Each origin of the group is to get its own Host.",
        _group(originIds=[{"originId": "web", "originOverrides": {"hostHeader": "a.example"}}, {"originId": "bucket"}]),
        _group(originIds=[{"originId": "web", "originOverrides": {"sni": "a.example"}}, {"originId": "bucket"}]),
    ),
)
