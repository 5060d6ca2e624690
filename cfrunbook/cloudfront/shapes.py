"""The members of a distribution in the CloudFront API, as data: to report what a document has beyond them.

API version 2020-05-31, as of 2026-11:
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
An unknown member is never a reason to refuse a document: AWS adds members faster than tools learn them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfrunbook.cloudfront.documents import MAX_ITEMS
from cfrunbook.text import visible

Shape = Mapping[str, Any]
"""Member name to the shape of its value; None: not looked into."""


def _members(names: str, **nested: Shape) -> Shape:
    return {**dict.fromkeys(names.split()), **nested}


def _items(item: Shape | None = None) -> Shape:
    return {"Quantity": None, "Items": item}


ORIGIN = _members(
    "Id DomainName OriginPath ConnectionAttempts ConnectionTimeout ResponseCompletionTimeout OriginAccessControlId",
    CustomHeaders=_items(_members("HeaderName HeaderValue")),
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
    "PathPattern TargetOriginId ViewerProtocolPolicy TrustedSigners TrustedKeyGroups SmoothStreaming Compress"
    " FieldLevelEncryptionId RealtimeLogConfigArn CachePolicyId OriginRequestPolicyId ResponseHeadersPolicyId"
    " MinTTL DefaultTTL MaxTTL",
    AllowedMethods=_members("Quantity Items", CachedMethods=_items()),
    LambdaFunctionAssociations=_items(_members("LambdaFunctionARN EventType IncludeBody")),
    FunctionAssociations=_items(_members("FunctionARN EventType")),
    GrpcConfig=_members("Enabled"),
    ForwardedValues=_members(
        "QueryString", Cookies=_members("Forward WhitelistedNames"), Headers=_items(), QueryStringCacheKeys=_items()
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


def unknown(document: Mapping[str, Any], shape: Shape, where: str = "") -> Iterator[str]:
    """Yield the JSON path of every member of `document` that `shape` does not have."""
    for key, value in document.items():
        if key not in shape:
            yield visible(f"{where}.{key}" if where else key, 200)
        elif (nested := shape[key]) is not None:
            path = f"{where}.{key}" if where else key
            if isinstance(value, Mapping):
                yield from unknown(value, nested, path)
            elif isinstance(value, list):
                for index, item in enumerate(value[:MAX_ITEMS]):
                    if isinstance(item, Mapping):
                        yield from unknown(item, nested, f"{path}[{index}]")
