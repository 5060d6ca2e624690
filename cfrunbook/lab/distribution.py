"""The distribution of a scenario, as `aws cloudfront get-distribution` would print it.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetDistribution.html
"""

from __future__ import annotations

from typing import Any

from cfrunbook.lab.scenario import (
    DISTRIBUTION_ID,
    DOMAIN_NAME,
    READING,
    VIEWER_HOST,
    Function,
    OriginSetup,
    Setup,
)

GROUP_ID = "shop-origins"
# Managed policies: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-policies.html
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")
ACCOUNT = "111122223333"
_NONE: dict[str, Any] = {"Quantity": 0}


def document(setup: Setup) -> dict[str, Any]:
    """Return the whole answer of GetDistribution for `setup`, as people have it."""
    made = served(setup)
    if setup.revise:
        setup.revise(made)
    return made


def served(setup: Setup) -> dict[str, Any]:
    """Return what CloudFront serves by, which a change that waits is not in."""
    return {
        "ETag": "E2QWRUHEXAMPLE",
        "Distribution": {
            "Id": DISTRIBUTION_ID,
            "ARN": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{DISTRIBUTION_ID}",
            "Status": "Deployed",
            "LastModifiedTime": "2026-01-01T00:00:00+00:00",
            "InProgressInvalidationBatches": 0,
            "DomainName": DOMAIN_NAME,
            "ActiveTrustedSigners": {"Enabled": False, **_NONE},
            "ActiveTrustedKeyGroups": {"Enabled": False, **_NONE},
            "DistributionConfig": _config(setup),
        },
    }


def _config(setup: Setup) -> dict[str, Any]:
    return {
        "CallerReference": "shop-2026",
        "Aliases": _items([VIEWER_HOST]),
        "DefaultRootObject": "",
        "Origins": _items([_origin(origin) for origin in (*setup.origins, *setup.others)]),
        "OriginGroups": _items([_group(setup)] if setup.secondary else []),
        "DefaultCacheBehavior": _behavior(setup),
        "CacheBehaviors": _NONE,
        "CustomErrorResponses": _NONE,
        "Comment": "Shop",
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Enabled": True,
        "ViewerCertificate": {
            "CloudFrontDefaultCertificate": False,
            "ACMCertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555",
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "Certificate": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555",
            "CertificateSource": "acm",
        },
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", **_NONE}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
    }


def _origin(setup: OriginSetup) -> dict[str, Any]:
    return {
        "Id": setup.id,
        "DomainName": setup.domain,
        "OriginPath": "",
        "CustomHeaders": _NONE,
        **_origin_config(setup),
        "ConnectionAttempts": 3,
        "ConnectionTimeout": setup.connection_timeout,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "E327GJI25M56DG" if setup.bucket else "",
    }


def _origin_config(setup: OriginSetup) -> dict[str, Any]:
    timeouts = {"OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5}
    if setup.bucket:
        return {"S3OriginConfig": {"OriginAccessIdentity": ""}}
    if setup.in_vpc:
        return {"VpcOriginConfig": {"VpcOriginId": "vo_AbCdEf0123456789", **timeouts}}
    certificate = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/99999999-2222-3333-4444-555555555555"
    return {
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": setup.protocol_policy,
            "OriginSslProtocols": _items(list(_VERSIONS[_VERSIONS.index(setup.minimum_tls) :])),
            **timeouts,
            "IpAddressType": setup.ip_address_type,
            **({"OriginMtlsConfig": {"ClientCertificateArn": certificate}} if setup.mutual_tls else {}),
        }
    }


def _group(setup: Setup) -> dict[str, Any]:
    return {
        "Id": GROUP_ID,
        "FailoverCriteria": {"StatusCodes": _items(list(setup.failover_at))},
        "Members": _items([{"OriginId": origin.id} for origin in setup.origins]),
        "SelectionCriteria": "default",
    }


def _behavior(setup: Setup) -> dict[str, Any]:
    named = (Function(f"arn:aws:cloudfront::{ACCOUNT}:function/{setup.function}", "viewer-request"),)
    functions = (*(named if setup.function else ()), *setup.functions)
    return {
        "TargetOriginId": GROUP_ID if setup.secondary else setup.origin.id,
        "TrustedSigners": {"Enabled": False, **_NONE},
        "TrustedKeyGroups": {"Enabled": False, **_NONE},
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**_items(list(setup.methods)), "CachedMethods": _items(list(READING))},
        "SmoothStreaming": False,
        "Compress": True,
        "LambdaFunctionAssociations": _items(
            [
                {"LambdaFunctionARN": f.arn, "EventType": f.event, "IncludeBody": f.include_body}
                for f in functions
                if f.is_lambda_edge
            ]
        ),
        "FunctionAssociations": _items(
            [{"FunctionARN": f.arn, "EventType": f.event} for f in functions if not f.is_lambda_edge]
        ),
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": setup.grpc},
        "CachePolicyId": CACHING_OPTIMIZED,
        "OriginRequestPolicyId": ALL_VIEWER if setup.host_forwarded else ALL_VIEWER_EXCEPT_HOST_HEADER,
    }


def _items(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items} if items else _NONE
