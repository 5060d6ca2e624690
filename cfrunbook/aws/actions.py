"""Every call to AWS that cfrunbook makes, declared: read-only, in tiers, with the permission that each needs.

`Session` refuses any call that is not in this table. The IAM policies in `policies/` allow these permissions and no
others. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from cfrunbook.errors import BadInput
from cfrunbook.text import visible


class Tier(IntEnum):
    """How far cfrunbook may look into an account. Each tier is useful by itself, on top of the first."""

    CONFIGURATION = 0
    LOGS = 1
    FUNCTIONS = 2
    ORIGIN = 3
    METRICS = 4


TITLES: Mapping[Tier, str] = {
    Tier.CONFIGURATION: "the distribution, its policies, VPC origins and tenants",
    Tier.LOGS: "where access logs go, and the logs themselves",
    Tier.FUNCTIONS: "edge functions, and what CloudFront logged about their results",
    Tier.ORIGIN: "the origin: load balancers, security groups, certificates, hosted zones",
    Tier.METRICS: "CloudWatch metrics of the distribution",
}


class Action(NamedTuple):
    """One operation of one service."""

    tier: Tier
    service: str
    """boto3's name of the service."""
    operation: str
    permission: str
    """IAM's name of what allows it."""
    command: str
    """The same with the AWS command line; what it asks for is to be filled in."""


def _action(tier: Tier, service: str, operation: str, command: str, permission: str = "") -> Action:
    return Action(tier, service, operation, permission or f"{service}:{operation}", f"aws {command}")


_ELB = "elasticloadbalancing:"

ACTIONS: tuple[Action, ...] = (
    _action(Tier.CONFIGURATION, "cloudfront", "GetDistribution", "cloudfront get-distribution --id ID"),
    _action(Tier.CONFIGURATION, "cloudfront", "ListDistributions", "cloudfront list-distributions"),
    _action(Tier.CONFIGURATION, "cloudfront", "GetCachePolicy", "cloudfront get-cache-policy --id ID"),
    _action(Tier.CONFIGURATION, "cloudfront", "GetOriginRequestPolicy", "cloudfront get-origin-request-policy --id ID"),
    _action(Tier.CONFIGURATION, "cloudfront", "GetVpcOrigin", "cloudfront get-vpc-origin --id ID"),
    _action(
        Tier.CONFIGURATION,
        "cloudfront",
        "GetContinuousDeploymentPolicy",
        "cloudfront get-continuous-deployment-policy --id ID",
    ),
    _action(
        Tier.CONFIGURATION,
        "cloudfront",
        "GetDistributionTenantByDomain",
        "cloudfront get-distribution-tenant-by-domain --domain NAME",
    ),
    _action(Tier.CONFIGURATION, "cloudfront", "GetConnectionGroup", "cloudfront get-connection-group --identifier ID"),
    _action(Tier.LOGS, "logs", "DescribeDeliverySources", "logs describe-delivery-sources --region us-east-1"),
    _action(Tier.LOGS, "logs", "DescribeDeliveries", "logs describe-deliveries --region us-east-1"),
    _action(
        Tier.LOGS, "logs", "DescribeDeliveryDestinations", "logs describe-delivery-destinations --region us-east-1"
    ),
    _action(Tier.LOGS, "s3", "ListObjectsV2", "s3api list-objects-v2 --bucket BUCKET", "s3:ListBucket"),
    # How boto3 finds out in which region a bucket is.
    _action(Tier.LOGS, "s3", "HeadBucket", "s3api head-bucket --bucket BUCKET", "s3:ListBucket"),
    _action(Tier.LOGS, "s3", "GetObject", "s3api get-object --bucket BUCKET --key KEY FILE"),
    _action(Tier.FUNCTIONS, "cloudfront", "DescribeFunction", "cloudfront describe-function --stage LIVE --name NAME"),
    _action(Tier.FUNCTIONS, "cloudfront", "GetFunction", "cloudfront get-function --stage LIVE --name NAME FILE"),
    _action(
        Tier.FUNCTIONS,
        "lambda",
        "GetFunctionConfiguration",
        "lambda get-function-configuration --region us-east-1 --function-name ARN",
    ),
    _action(Tier.FUNCTIONS, "iam", "GetRole", "iam get-role --role-name NAME"),
    _action(
        Tier.FUNCTIONS,
        "logs",
        "FilterLogEvents",
        "logs filter-log-events --region REGION --log-group-name /aws/cloudfront/LambdaEdge/ID",
    ),
    _action(
        Tier.ORIGIN, "elbv2", "DescribeLoadBalancers", "elbv2 describe-load-balancers", f"{_ELB}DescribeLoadBalancers"
    ),
    _action(
        Tier.ORIGIN,
        "elbv2",
        "DescribeListeners",
        "elbv2 describe-listeners --load-balancer-arn ARN",
        f"{_ELB}DescribeListeners",
    ),
    _action(
        Tier.ORIGIN,
        "elbv2",
        "DescribeRules",
        "elbv2 describe-rules --listener-arn ARN",
        f"{_ELB}DescribeRules",
    ),
    _action(
        Tier.ORIGIN,
        "elbv2",
        "DescribeListenerCertificates",
        "elbv2 describe-listener-certificates --listener-arn ARN",
        f"{_ELB}DescribeListenerCertificates",
    ),
    _action(
        Tier.ORIGIN,
        "elbv2",
        "DescribeTargetGroups",
        "elbv2 describe-target-groups --load-balancer-arn ARN",
        f"{_ELB}DescribeTargetGroups",
    ),
    _action(
        Tier.ORIGIN,
        "elbv2",
        "DescribeTargetHealth",
        "elbv2 describe-target-health --target-group-arn ARN",
        f"{_ELB}DescribeTargetHealth",
    ),
    _action(
        Tier.ORIGIN,
        "ec2",
        "DescribeNetworkInterfaces",
        "ec2 describe-network-interfaces --filters Name=association.public-ip,Values=ADDRESS",
    ),
    _action(Tier.ORIGIN, "ec2", "DescribeSecurityGroups", "ec2 describe-security-groups --group-ids ID"),
    _action(Tier.ORIGIN, "ec2", "DescribeManagedPrefixLists", "ec2 describe-managed-prefix-lists"),
    _action(
        Tier.ORIGIN,
        "ec2",
        "GetManagedPrefixListEntries",
        "ec2 get-managed-prefix-list-entries --prefix-list-id ID",
    ),
    _action(Tier.ORIGIN, "acm", "DescribeCertificate", "acm describe-certificate --certificate-arn ARN"),
    _action(Tier.ORIGIN, "route53", "ListHostedZonesByName", "route53 list-hosted-zones-by-name --dns-name NAME"),
    _action(Tier.ORIGIN, "route53", "GetHostedZone", "route53 get-hosted-zone --id ID"),
    _action(
        Tier.ORIGIN,
        "route53",
        "ListResourceRecordSets",
        "route53 list-resource-record-sets --hosted-zone-id ID --start-record-name NAME",
    ),
    _action(
        Tier.METRICS,
        "cloudfront",
        "GetMonitoringSubscription",
        "cloudfront get-monitoring-subscription --distribution-id ID",
    ),
    _action(Tier.METRICS, "cloudwatch", "GetMetricData", "cloudwatch get-metric-data --region us-east-1"),
)
"""The whole list. Nothing in it changes anything.

TestFunction of CloudFront is left out on purpose: it runs the function's code in the account, on an event that somebody
made, and a key value store or a log then sees it. What a function returns can be given as a result, or run here.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_TestFunction.html
"""

WITHOUT_CALL: Mapping[str, Tier] = {"kms:Decrypt": Tier.LOGS}
"""Permissions that another call needs: S3 decrypts objects encrypted with a KMS key on behalf of who reads them."""

_BY_CALL = {(action.service, action.operation): action for action in ACTIONS}


def action_for(service: str, operation: str) -> Action:
    """Return the declared action of a call. Raises KeyError for one that is not declared."""
    return _BY_CALL[service, operation]


def is_declared(service_id: str, operation: str) -> bool:
    """Tell whether a call that botocore is about to make is in the list, by the service's endpoint prefix or name."""
    return (service_id, operation) in _BY_CALL


def policy(tiers: Iterable[int] | None = None) -> dict[str, Any]:
    """Return the IAM policy that allows what these tiers need, tier 0 always among them; None: all tiers.

    `LOG_BUCKET` and `LOG_PREFIX` in it are to be replaced. Raises BadInput for a tier that there is none of.
    """
    wanted = {Tier.CONFIGURATION}
    for tier in Tier if tiers is None else tiers:
        try:
            wanted.add(Tier(tier))
        except ValueError:
            known = ", ".join(f"{t.value} ({TITLES[t]})" for t in Tier)
            raise BadInput(f"Tier: '{visible(tier, 40)}' is none of {known}.") from None
    statements = [statement for tier in sorted(wanted) for statement in _document(tier)["Statement"]]
    return {"Version": "2012-10-17", "Statement": statements}


def _document(tier: Tier) -> dict[str, Any]:
    """Return the policy of one tier, as it comes with the package."""
    from importlib import resources

    file = resources.files("cfrunbook.aws") / "policies" / f"tier{tier.value}_{tier.name.lower()}.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
