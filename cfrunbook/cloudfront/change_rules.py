"""What a change of a setting can lead to, as data: the place, the statuses, the causes, why, and where AWS says so.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

import msgspec

from cfrunbook.findings import Cause, Weight

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_ORIGIN = _GUIDE + "DownloadDistValuesOrigin.html"
_BEHAVIOR = _GUIDE + "DownloadDistValuesCacheBehavior.html"
_GENERAL = _GUIDE + "DownloadDistValuesGeneral.html"
_FAILOVER = _GUIDE + "high_availability_origin_failover.html"
_ERRORS = _GUIDE + "http-502-bad-gateway.html"
_VPC = _GUIDE + "private-content-vpc-origins.html"
_TOGETHER = _GUIDE + "understanding-how-origin-request-policies-and-cache-policies-work-together.html"
_STAGING = _GUIDE + "understanding-continuous-deployment.html"
API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html"

_CONNECTING = (Cause.DNS, Cause.PORT, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME, Cause.ORIGIN_RESPONSE)
"""What another origin can bring: everything behind its name is another's."""
_TLS = (Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME)


class Only(Enum):
    """Which way a setting must go for its rule to hold."""

    ANY = auto()
    LOWER = auto()
    """To a smaller number, or from no limit to one."""
    HIGHER = auto()
    FEWER = auto()
    """A list that lacks something of what it had."""
    MORE = auto()
    """To something that was not there before."""


class ChangeRule(msgspec.Struct, frozen=True):
    """What a change at one place can lead to."""

    weight: Weight
    statuses: tuple[int, ...]
    causes: tuple[Cause, ...]
    why: str
    source: str
    only: Only = Only.ANY


def _to_502(
    why: str, source: str, *causes: Cause, statuses: tuple[int, ...] = (502,), only: Only = Only.ANY
) -> ChangeRule:
    return ChangeRule(Weight.CAN_502, statuses, causes, why, source, only)


def _to_other_error(
    why: str, source: str, *statuses: int, causes: tuple[Cause, ...] = (), only: Only = Only.ANY
) -> ChangeRule:
    return ChangeRule(Weight.NEIGHBOUR, statuses, causes, why, source, only)


def _harmless(why: str, source: str) -> ChangeRule:
    return ChangeRule(Weight.OTHER, (), (), why, source)


_PORT = _to_502(
    "CloudFront connects to another port: if nothing listens there it answers 502, if packets are dropped 504.",
    _ORIGIN + "#DownloadDistValuesHTTPPort",
    *(Cause.PORT, *_TLS),
    statuses=(502, 504),
)
_POLICY = _to_502(
    "CloudFront speaks to another port in another way: HTTPS takes a certificate and TLS that fit, HTTP none of it.",
    _ORIGIN + "#DownloadDistValuesOriginProtocolPolicy",
    *(Cause.PORT, *_TLS),
    statuses=(502, 504),
)
_PROTOCOLS = _to_502(
    "CloudFront's TLS hello offers other versions and cipher suites: the origin must share one of each.",
    _ERRORS + "#origin-not-responding-with-supported-ciphers-protocols",
    Cause.TLS_PROTOCOL,
)
_FAMILY = _to_502(
    "CloudFront connects to addresses of another family: they must be in DNS, and let CloudFront in.",
    _GUIDE + "cloudfront-enable-ipv6.html",
    *(Cause.DNS, Cause.PORT, *_TLS),
    statuses=(502, 504),
)
_READ_TIMEOUT = _to_other_error(
    "CloudFront waits a shorter time for the origin's answer: a slower one becomes 504.",
    _ORIGIN + "#DownloadDistValuesOriginResponseTimeout",
    504,
    causes=(Cause.ORIGIN_RESPONSE,),
    only=Only.LOWER,
)
_KEEP_ALIVE = _to_502(
    "CloudFront keeps idle connections longer: if the origin closes them earlier, a request now and then meets a"
    " closing one.",
    _ORIGIN + "#DownloadDistValuesOriginKeepaliveTimeout",
    Cause.PORT,
    only=Only.HIGHER,
)
_LAMBDA = _to_502(
    "Another Lambda@Edge function, version or event: a result that CloudFront refuses is 502, an exception 503.",
    _ERRORS + "#http-502-lambda-validation-error",
    *(Cause.EDGE_FUNCTION, *_CONNECTING),
    statuses=(502, 503),
)
_FUNCTION = _to_502(
    "Another CloudFront Function or event: it may send requests to another origin or path, or return what CloudFront"
    " refuses (502) or fail (503).",
    _GUIDE + "edge-function-restrictions-all.html",
    *(Cause.EDGE_FUNCTION, *_CONNECTING),
    statuses=(502, 503),
)
_SIGNED = _to_other_error(
    "Other requests must be signed: those that are not get 403.",
    _GUIDE + "private-content-signed-urls.html",
    403,
)

_ORIGINS: Mapping[str, ChangeRule] = {
    "Origins[].DomainName": _to_502(
        "CloudFront asks another host: its name must resolve, its port listen, its certificate be trusted and for the"
        " name.",
        _ORIGIN + "#DownloadDistValuesDomainName",
        *_CONNECTING,
        statuses=(502, 504),
    ),
    "Origins[].CustomOriginConfig.OriginProtocolPolicy": _POLICY,
    "Origins[].CustomOriginConfig.HTTPSPort": _PORT,
    "Origins[].CustomOriginConfig.HTTPPort": _PORT,
    "Origins[].CustomOriginConfig.OriginSslProtocols": _PROTOCOLS,
    "Origins[].CustomOriginConfig.IpAddressType": _FAMILY,
    "Origins[].CustomOriginConfig.OriginMtlsConfig": _to_502(
        "CloudFront shows another client certificate, or none: an origin that wants one ends the handshake without it.",
        _GUIDE + "origin-mtls-authentication.html",
        Cause.TLS_PROTOCOL,
    ),
    "Origins[].CustomOriginConfig": _to_502(
        "The origin became one of another kind: ports, protocol and certificate rules are others.",
        _GUIDE + "DownloadDistS3AndCustomOrigins.html",
        *_CONNECTING,
        statuses=(502, 504),
    ),
    "Origins[].VpcOriginConfig.VpcOriginId": _to_502(
        "CloudFront connects through another VPC origin, with ports and protocols of its own.",
        _VPC,
        *(Cause.PORT, *_TLS),
        statuses=(502, 504),
    ),
    "Origins[].VpcOriginConfig": _to_502(
        "The origin is reached another way: inside a VPC or over the internet.",
        _VPC,
        *_CONNECTING,
        statuses=(502, 504),
    ),
    "Origins[].S3OriginConfig": _to_502(
        "The origin became one of another kind: a bucket has no port, protocol or certificate settings.",
        _GUIDE + "DownloadDistS3AndCustomOrigins.html",
        *_CONNECTING,
        statuses=(502, 504),
    ),
}
_ORIGINS_LESS: Mapping[str, ChangeRule] = {
    "Origins[].CustomOriginConfig.OriginKeepaliveTimeout": _KEEP_ALIVE,
    "Origins[].VpcOriginConfig.OriginKeepaliveTimeout": _KEEP_ALIVE,
    "Origins[].ConnectionAttempts": _to_502(
        "CloudFront tries fewer times to connect: one refused or dropped connection weighs more.",
        _ORIGIN + "#origin-connection-attempts",
        Cause.PORT,
        statuses=(502, 504),
        only=Only.LOWER,
    ),
    "Origins[].OriginShield": _to_502(
        "Requests reach the origin from another place: what DNS says there, and whom the firewall lets in, may differ.",
        _GUIDE + "origin-shield.html",
        *(Cause.DNS, Cause.PORT),
        statuses=(502, 504),
    ),
    "Origins[].ConnectionTimeout": _to_other_error(
        "CloudFront waits a shorter time for a connection: a slower one becomes 504.",
        _ORIGIN + "#origin-connection-timeout",
        504,
        causes=(Cause.PORT,),
        only=Only.LOWER,
    ),
    "Origins[].CustomOriginConfig.OriginReadTimeout": _READ_TIMEOUT,
    "Origins[].VpcOriginConfig.OriginReadTimeout": _READ_TIMEOUT,
    "Origins[].S3OriginConfig.OriginReadTimeout": _READ_TIMEOUT,
    "Origins[].ResponseCompletionTimeout": _to_other_error(
        "The whole answer, all attempts together, has less time: what takes longer becomes 504.",
        _ORIGIN + "#response-completion-timeout",
        504,
        causes=(Cause.ORIGIN_RESPONSE,),
        only=Only.LOWER,
    ),
    "Origins[].OriginPath": _to_other_error(
        "The origin is asked for another path: where it has nothing, it answers 403 or 404.",
        _ORIGIN + "#DownloadDistValuesOriginPath",
        *(403, 404),
    ),
    "Origins[].CustomHeaders": _to_other_error(
        "An origin that wants to see this header from CloudFront refuses requests without it, mostly with 403.",
        _GUIDE + "add-origin-custom-headers.html",
        403,
    ),
    "Origins[].OriginAccessControlId": _to_other_error(
        "Requests are signed another way, or not: a bucket or function URL that wants it answers 403.",
        _GUIDE + "private-content-restricting-access-to-s3.html",
        403,
    ),
    "Origins[].S3OriginConfig.OriginAccessIdentity": _to_other_error(
        "CloudFront shows the bucket another identity, or none: it answers 403 to whom its policy does not name.",
        _GUIDE + "private-content-restricting-access-to-s3.html",
        403,
    ),
}

_GROUPS: Mapping[str, ChangeRule] = {
    "OriginGroups[].Members": _to_502(
        "Other origins are tried, or in another order: the first one that breaks decides what viewers get.",
        _FAILOVER,
        *_CONNECTING,
        statuses=(502, 504),
    ),
    "OriginGroups[].FailoverCriteria.StatusCodes": _to_502(
        "CloudFront no longer turns to the secondary origin at some statuses: viewers get the primary's error.",
        _FAILOVER,
        *(Cause.DISTRIBUTION, *_CONNECTING),
        statuses=(502, 503, 504),
        only=Only.FEWER,
    ),
}

_HEADERS = _harmless("Other headers, cookies or query strings reach the origin; Host as before.", _TOGETHER)
_CACHE_KEY = _harmless("Other headers, cookies or query strings decide about the cache; Host as before.", _TOGETHER)
_OF_A_BEHAVIOR: Mapping[str, ChangeRule] = {
    "TargetOriginId": _to_502(
        "Requests go to another origin: everything about its name, port and certificate counts now.",
        _BEHAVIOR + "#DownloadDistValuesTargetOriginId",
        *_CONNECTING,
        statuses=(502, 504),
    ),
    "OriginRequestPolicyId": _HEADERS,
    "CachePolicyId": _CACHE_KEY,
    "ForwardedValues": _HEADERS,
    "LambdaFunctionAssociations": _LAMBDA,
    "FunctionAssociations": _FUNCTION,
    "ViewerProtocolPolicy": _to_other_error(
        "With https-only, http viewers get 403; with it or a redirect none of them reaches a match-viewer origin's HTTP"
        " port.",
        _BEHAVIOR + "#DownloadDistValuesViewerProtocolPolicy",
        403,
    ),
    "AllowedMethods": _to_other_error(
        "Methods that are no longer allowed get 403.",
        _BEHAVIOR + "#DownloadDistValuesAllowedHTTPMethods",
        403,
        only=Only.FEWER,
    ),
    "TrustedSigners": _SIGNED,
    "TrustedKeyGroups": _SIGNED,
}

HOST_FORWARDING = _to_502(
    "The origin is asked for another name, by SNI too, and needs a certificate for it.",
    _ERRORS + "#ssl-negotitation-failure",
    *(Cause.TLS_NAME, Cause.CERTIFICATE, Cause.TLS_PROTOCOL, Cause.ORIGIN_RESPONSE),
)
"""Where the viewer's Host is forwarded from now on, or no longer."""
NEW_BEHAVIOR = _to_502(
    "Requests that its pattern takes are sent on by another behavior than before, perhaps to another origin.",
    _BEHAVIOR + "#DownloadDistValuesPathPattern",
    *(*_CONNECTING, Cause.EDGE_FUNCTION),
    statuses=(502, 503, 504),
)
REORDERED = _to_502(
    "The first pattern that matches takes a request: some may go another way than before.",
    _BEHAVIOR + "#DownloadDistValuesPathPattern",
    *(*_CONNECTING, Cause.EDGE_FUNCTION),
    statuses=(502, 503, 504),
)
NEW_ORIGIN = _to_502(
    "Requests are sent there: its name must resolve, its port listen, its certificate be trusted and for the name.",
    _ORIGIN + "#DownloadDistValuesDomainName",
    *_CONNECTING,
    statuses=(502, 504),
)
NEW_GROUP = _to_502("Requests are sent to its members.", _FAILOVER, *_CONNECTING, statuses=(502, 504))
UNUSED = _harmless("No behavior sends requests there.", _BEHAVIOR + "#DownloadDistValuesTargetOriginId")
GONE = _harmless(
    "What was sent there goes elsewhere now: see the behaviors.", _BEHAVIOR + "#DownloadDistValuesTargetOriginId"
)
RENAMED = _harmless("Only its id is another: everything else about it is the same.", _ORIGIN)
MATCH_VIEWER = _to_502(
    "An origin is match-viewer: whether http viewers are redirected decides if it is asked by HTTP or by HTTPS.",
    _ORIGIN + "#DownloadDistValuesOriginProtocolPolicy",
    *(Cause.PORT, *_TLS),
    statuses=(502, 504),
)
OF_STAGING = _harmless(
    "A staging distribution differs in this from its primary: viewers ask for the primary's names only.", _STAGING
)
ERROR_AS_502 = _to_502(
    "Viewers get 502 in place of this status, whatever the origin answered.",
    _GUIDE + "custom-error-pages-response-code.html",
    Cause.DISTRIBUTION,
)

_WHOLE: Mapping[str, ChangeRule] = {
    "ContinuousDeploymentPolicyId": _to_502(
        "With a policy, some requests are served by a staging distribution, with a configuration of its own.",
        _STAGING,
        *(Cause.DISTRIBUTION, *_CONNECTING, Cause.EDGE_FUNCTION),
        only=Only.MORE,
    ),
    "Enabled": _to_other_error(
        "A disabled distribution serves nobody: what viewers get is no origin's.", _GENERAL, only=Only.LOWER
    ),
    "Aliases": _to_other_error(
        "Viewers who ask for a name that is gone from the distribution get 403.",
        _GUIDE + "CNAMEs.html",
        403,
        only=Only.FEWER,
    ),
    "WebACLId": _to_other_error(
        "AWS WAF decides by other rules; what it blocks gets 403.", _GUIDE + "distribution-web-awswaf.html", 403
    ),
    "Restrictions": _to_other_error("Viewers of other countries get 403.", _GUIDE + "georestrictions.html", 403),
    "DefaultRootObject": _to_other_error(
        "Requests for / ask the origin for another object: where there is none, it answers 403 or 404.",
        _GUIDE + "DefaultRootObject.html",
        *(403, 404),
    ),
    "CustomErrorResponses": _harmless(
        "Another page, status or caching time in place of an error: viewers and monitoring see it otherwise, and a 502"
        " may stay cached longer or shorter.",
        _GUIDE + "custom-error-pages.html",
    ),
    "Staging": _harmless(
        "One of the two is a staging distribution: the two serve different requests at the same time.",
        _STAGING,
    ),
    "Logging": _harmless(
        "No request goes another way; without access logs there is less to look into.", _GUIDE + "AccessLogs.html"
    ),
    "HttpVersion": _harmless("Only how viewers speak to CloudFront; to the origin it speaks as before.", _GENERAL),
    "IsIPV6Enabled": _harmless("Only how viewers reach CloudFront; to the origin it connects as before.", _GENERAL),
    "ViewerCertificate": _harmless(
        "Only TLS between viewers and CloudFront: errors there are no HTTP status.", _GENERAL
    ),
    "PriceClass": _harmless("Other edge locations serve viewers; the origin's settings are the same.", _GENERAL),
    "Comment": _harmless("Words for people.", _GENERAL),
    "CallerReference": _harmless("A number that the API uses to recognise a request to create a distribution.", API),
}

_ENDPOINT = "VpcOrigin[].VpcOriginEndpointConfig"
_POLICIES: Mapping[str, ChangeRule] = {
    "OriginRequestPolicy[].OriginRequestPolicyConfig": _harmless(
        "Other headers, cookies or query strings reach the origin; Host as before.", _TOGETHER
    ),
    "CachePolicy[].CachePolicyConfig": _harmless(
        "Other headers, cookies or query strings decide about the cache, or how long; Host as before.", _TOGETHER
    ),
    f"{_ENDPOINT}.HTTPPort": _PORT,
    f"{_ENDPOINT}.HTTPSPort": _PORT,
    f"{_ENDPOINT}.OriginProtocolPolicy": _POLICY,
    f"{_ENDPOINT}.OriginSslProtocols": _PROTOCOLS,
    f"{_ENDPOINT}.IpAddressType": _FAMILY,
    f"{_ENDPOINT}.Arn": _to_502(
        "CloudFront connects to another resource in the VPC.", _VPC, *_CONNECTING, statuses=(502, 504)
    ),
    "VpcOrigin[].Status": _to_502("Only a VPC origin that is Deployed is reached.", _VPC, Cause.PORT),
    "ContinuousDeploymentPolicy[].ContinuousDeploymentPolicyConfig": _to_502(
        "Other requests are served by the staging distribution, with a configuration of its own.",
        _STAGING,
        *(Cause.DISTRIBUTION, *_CONNECTING, Cause.EDGE_FUNCTION),
    ),
}

RULES: Mapping[str, ChangeRule] = MappingProxyType({
    **_ORIGINS,
    **_GROUPS,
    **{f"DefaultCacheBehavior.{name}": rule for name, rule in _OF_A_BEHAVIOR.items()},
    **{f"CacheBehaviors[].{name}": rule for name, rule in _OF_A_BEHAVIOR.items()},
    **_ORIGINS_LESS,
    **_POLICIES,
    **_WHOLE,
})  # fmt: skip
"""By place: lists are `[]`. A rule also holds for what is inside its place. Of the same weight, what breaks more often
comes first."""

UNKNOWN_MEMBER = _harmless(
    "This member is not known here: AWS has added it since, or it is misspelt; what it does is not known.", API
)
NOT_KNOWN = _harmless("No way is known in which this makes CloudFront answer with an error.", API)


def rule_at(place: str) -> tuple[int, ChangeRule]:
    """Return the rule of the nearest enclosing place, and its rank; one that says that nothing is known, else."""
    at = place
    while at:
        if at in RULES:
            return _RANKS[at], RULES[at]
        at = at[:-2] if at.endswith("[]") else at.rpartition(".")[0] if "." in at else ""
    return len(RULES), NOT_KNOWN


_RANKS = {place: rank for rank, place in enumerate(RULES)}
