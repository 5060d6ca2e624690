"""The members of documents of the CloudFront API, as data: to report what one has beyond them, and to keep only them.

API version 2020-05-31, as of 2026-11:
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginRequestPolicy.html
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicy.html
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_VpcOrigin.html
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ContinuousDeploymentPolicy.html
An unknown member is never a reason to refuse a document: AWS adds members faster than tools learn them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfrunbook.cloudfront.documents import MAX_ITEMS
from cfrunbook.redaction import REDACTED
from cfrunbook.text import visible

Shape = Mapping[str, Any]
"""Member name to the shape of its value; None: a plain value, or not looked into; SECRET: never kept."""
SECRET = object()


def _members(names: str, **nested: Any) -> Shape:
    return {**dict.fromkeys(names.split()), **nested}


def _items(item: Shape | None = None) -> Shape:
    return {"Quantity": None, "Items": item}


ORIGIN = _members(
    "Id DomainName OriginPath ConnectionAttempts ConnectionTimeout ResponseCompletionTimeout OriginAccessControlId",
    CustomHeaders=_items(_members("HeaderName", HeaderValue=SECRET)),
    S3OriginConfig=_members("OriginAccessIdentity OriginReadTimeout"),
    CustomOriginConfig=_members(
        "HTTPPort HTTPSPort OriginProtocolPolicy OriginReadTimeout OriginKeepaliveTimeout IpAddressType",
        OriginSslProtocols=_items(),
        OriginMtlsConfig=_members("ClientCertificateArn"),
    ),
    VpcOriginConfig=_members("VpcOriginId OwnerAccountId OriginReadTimeout OriginKeepaliveTimeout"),
    OriginShield=_members("Enabled OriginShieldRegion"),
)

ORIGIN_GROUP = _members(
    "Id SelectionCriteria",
    FailoverCriteria=_members("", StatusCodes=_items()),
    Members=_items(_members("OriginId")),
)

BEHAVIOR = _members(
    "PathPattern TargetOriginId ViewerProtocolPolicy SmoothStreaming Compress FieldLevelEncryptionId"
    " RealtimeLogConfigArn CachePolicyId OriginRequestPolicyId ResponseHeadersPolicyId MinTTL DefaultTTL MaxTTL",
    TrustedSigners=_members("Enabled Quantity Items"),
    TrustedKeyGroups=_members("Enabled Quantity Items"),
    AllowedMethods=_members("Quantity Items", CachedMethods=_items()),
    LambdaFunctionAssociations=_items(_members("LambdaFunctionARN EventType IncludeBody")),
    FunctionAssociations=_items(_members("FunctionARN EventType")),
    GrpcConfig=_members("Enabled"),
    ForwardedValues=_members(
        "QueryString",
        Cookies=_members("Forward", WhitelistedNames=_items()),
        Headers=_items(),
        QueryStringCacheKeys=_items(),
    ),
)

CONFIG = _members(
    "CallerReference DefaultRootObject Comment PriceClass Enabled WebACLId HttpVersion IsIPV6Enabled"
    " ContinuousDeploymentPolicyId Staging AnycastIpListId ConnectionMode TenantConfig ViewerMtlsConfig"
    " ConnectionFunctionAssociation CacheTagConfig",
    Aliases=_items(),
    Origins=_items(ORIGIN),
    OriginGroups=_items(ORIGIN_GROUP),
    DefaultCacheBehavior=BEHAVIOR,
    CacheBehaviors=_items(BEHAVIOR),
    CustomErrorResponses=_items(_members("ErrorCode ResponsePagePath ResponseCode ErrorCachingMinTTL")),
    Logging=_members("Enabled IncludeCookies Bucket Prefix"),
    ViewerCertificate=_members(
        "CloudFrontDefaultCertificate IAMCertificateId ACMCertificateArn SSLSupportMethod MinimumProtocolVersion"
        " Certificate CertificateSource"
    ),
    Restrictions=_members("", GeoRestriction=_members("RestrictionType Quantity Items")),
)

DISTRIBUTION = _members(
    "Id ARN Status LastModifiedTime InProgressInvalidationBatches DomainName ActiveTrustedSigners"
    " ActiveTrustedKeyGroups AliasICPRecordals",
    DistributionConfig=CONFIG,
)

SUMMARY: Shape = {**CONFIG, **_members("Id ARN ETag Status LastModifiedTime DomainName AliasICPRecordals")}
"""An item of a DistributionList: the configuration with the distribution's own members beside it."""


_ANY_FORM: Shape = {**SUMMARY, **DISTRIBUTION}
DOCUMENT: Shape = {**_ANY_FORM, "Distribution": _ANY_FORM}
"""Whatever form a distribution comes in: get-distribution, get-distribution-config, a bare one, or a list item."""

_HEADERS = _members("HeaderBehavior", Headers=_items())
_COOKIES = _members("CookieBehavior", Cookies=_items())
_QUERY_STRINGS = _members("QueryStringBehavior", QueryStrings=_items())

POLICY = _members(
    "ETag Type",
    OriginRequestPolicy=_members(
        "Id LastModifiedTime",
        OriginRequestPolicyConfig=_members(
            "Comment Name", HeadersConfig=_HEADERS, CookiesConfig=_COOKIES, QueryStringsConfig=_QUERY_STRINGS
        ),
    ),
    CachePolicy=_members(
        "Id LastModifiedTime",
        CachePolicyConfig=_members(
            "Comment Name DefaultTTL MaxTTL MinTTL",
            ParametersInCacheKeyAndForwardedToOrigin=_members(
                "EnableAcceptEncodingGzip EnableAcceptEncodingBrotli",
                HeadersConfig=_HEADERS,
                CookiesConfig=_COOKIES,
                QueryStringsConfig=_QUERY_STRINGS,
            ),
        ),
    ),
    VpcOrigin=_members(
        "Id Arn AccountId Status CreatedTime LastModifiedTime",
        VpcOriginEndpointConfig=_members(
            "Name Arn HTTPPort HTTPSPort OriginProtocolPolicy IpAddressType", OriginSslProtocols=_items()
        ),
    ),
    ContinuousDeploymentPolicy=_members(
        "Id LastModifiedTime",
        ContinuousDeploymentPolicyConfig=_members(
            "Enabled",
            StagingDistributionDnsNames=_items(),
            TrafficConfig=_members(
                "Type",
                SingleWeightConfig=_members("Weight", SessionStickinessConfig=_members("IdleTTL MaximumTTL")),
                SingleHeaderConfig=_members("Header", Value=SECRET),
            ),
        ),
    ),
)
"""The output of get-origin-request-policy, get-cache-policy, get-vpc-origin or get-continuous-deployment-policy, or an
item of a list- output."""


def unknown(document: Mapping[str, Any], shape: Shape, where: str = "") -> Iterator[str]:
    """Yield the JSON path of every member of `document` that `shape` does not have."""
    for key, value in document.items():
        path = f"{where}.{key}" if where else key
        if key not in shape:
            yield visible(path, 200)
        elif isinstance(nested := shape[key], Mapping):
            if isinstance(value, Mapping):
                yield from unknown(value, nested, path)
            elif isinstance(value, list) and isinstance(of_item := _of_item(nested), Mapping):
                for index, item in enumerate(value[:MAX_ITEMS]):
                    if isinstance(item, Mapping):
                        yield from unknown(item, of_item, f"{path}[{index}]")


def redacted(value: Any, shape: Any) -> Any:
    """Return a copy that is fit to keep: values of secret and unknown members are replaced, all others are as they are.

    Also replaced is what stands where the API has something else, as text in place of an object. What was an object
    or a list stays one, so a reader finds the same wrong types as in the original. Twice is the same as once.
    """
    if shape is SECRET:
        return REDACTED
    if isinstance(value, Mapping):
        if not isinstance(shape, Mapping):
            return {}
        return {key: redacted(inner, shape[key]) if key in shape else REDACTED for key, inner in value.items()}
    if isinstance(value, list):
        of_item = _of_item(shape)
        return [[] if isinstance(item, list) else redacted(item, of_item) for item in value]
    return REDACTED if isinstance(shape, Mapping) and isinstance(value, str) else value


def secrets(value: Any, shape: Any) -> Iterator[str]:
    """Yield the texts of secret members that `redacted` replaces."""
    if shape is SECRET:
        if isinstance(value, str):
            yield value
    elif isinstance(value, Mapping) and isinstance(shape, Mapping):
        for key, inner in value.items():
            if key in shape:
                yield from secrets(inner, shape[key])
    elif isinstance(value, list):
        for item in value:
            if not isinstance(item, list):
                yield from secrets(item, _of_item(shape))


def known(document: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    """Return the members of `document` that `shape` has."""
    return {key: value for key, value in document.items() if key in shape}


def _of_item(shape: Any) -> Any:
    """Return the shape of a list's items; a plain list may stand for the API's `{Quantity, Items}`."""
    return shape.get("Items", shape) if isinstance(shape, Mapping) else shape
