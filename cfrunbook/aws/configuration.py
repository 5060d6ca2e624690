"""Tier 0: the distribution by id, ARN or name, its policies and VPC origins, and the tenant that serves a host."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cfrunbook import hostname
from cfrunbook.aws import reading
from cfrunbook.aws.identity import identity
from cfrunbook.aws.session import AwsError, Reason, Session
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_ARN, MAX_NAME, Tenant
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

_PARAMETER = re.compile(r"\{\{\s*([A-Za-z0-9_-]{1,128})\s*\}\}")


def fetch_distribution(session: Session, given: str) -> dict[str, Any]:
    """Return what get-distribution answers for an id, an ARN, or a name that the distribution serves.

    Raises BadInput where there is none, and AwsError where it could not be had.
    """
    found = identity(given) or _of_name(session, given)
    try:
        return session.call("cloudfront", "GetDistribution", Id=found)
    except AwsError as error:
        if error.reason is not Reason.NOT_FOUND:
            raise
        raise BadInput(
            f"Distribution: the account of profile {visible(session.profile, 80)} has no distribution {found};"
            " look at the id, and at the account (aws sts get-caller-identity)."
        ) from None


def _of_name(session: Session, given: str) -> str:
    """Return the id of the distribution that serves a name by an alias or its cloudfront.net name; exact names win."""
    wanted = hostname.to_ascii(given.strip(), "Distribution")
    wildcard = f"*.{wanted.partition('.')[2]}"
    by_name: dict[str, str] = {}
    for item in _summaries(session):
        for name in (*reading.texts(reading.node(item, "Aliases"), "Items"), reading.text(item, "DomainName")):
            by_name.setdefault(name.lower().removesuffix("."), reading.text(item, "Id"))
    found = by_name.get(wanted) or by_name.get(wildcard)
    if not found:
        raise BadInput(
            f"Distribution: no distribution of the account of profile {visible(session.profile, 80)} has the name"
            f" {visible(wanted, 120)}; give its id."
        )
    return found


def _summaries(session: Session, most: int = 20) -> Iterator[dict[str, Any]]:
    """Yield the items of the account's list of distributions, at most `most` pages of 100."""
    marker: dict[str, str] = {}
    for _ in range(most):
        listing = reading.node(
            session.call("cloudfront", "ListDistributions", MaxItems="100", **marker), "DistributionList"
        )
        yield from reading.nodes(listing, "Items", 1000)
        following = reading.text(listing, "NextMarker", MAX_ARN)
        if not following or {"Marker": following} == marker:
            return
        marker = {"Marker": following}


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """What get-cache-policy, get-origin-request-policy, get-vpc-origin … answered."""

    kind: str
    id: str
    document: dict[str, Any]


def start(steps: Steps, distribution: Distribution, then: Callable[[Steps, str, Mapping[str, Any]], None]) -> None:
    """Start fetching the policies that are not CloudFront's own, and the VPC origins.

    `then` is called with the id of each VPC origin and what it is, when that has come.
    """
    known = Policies()
    wanted: dict[tuple[str, str], str] = {}
    for behavior in distribution.behaviors:
        if behavior.cache_policy_id and behavior.cache_policy_id not in known.cache:
            wanted["GetCachePolicy", behavior.cache_policy_id] = "cache policy"
        if behavior.origin_request_policy_id and behavior.origin_request_policy_id not in known.origin_request:
            wanted["GetOriginRequestPolicy", behavior.origin_request_policy_id] = "origin request policy"
    if distribution.continuous_deployment_policy_id:
        wanted["GetContinuousDeploymentPolicy", distribution.continuous_deployment_policy_id] = (
            "continuous deployment policy"
        )
    for (operation, found), title in wanted.items():
        steps.start(f"{title} {visible(found, 60)}", _policy, operation, found)
    for found in dict.fromkeys(origin.vpc_origin_id for origin in distribution.origins if origin.vpc_origin_id):
        steps.start(f"VPC origin {visible(found, 60)}", _vpc_origin, found, then)


def _policy(steps: Steps, operation: str, found: str) -> None:
    document = steps.session.call("cloudfront", operation, Id=found)
    steps.keep(PolicyDocument(operation, found, document))


def _vpc_origin(steps: Steps, found: str, then: Callable[[Steps, str, Mapping[str, Any]], None]) -> None:
    document = steps.session.call("cloudfront", "GetVpcOrigin", Id=found)
    steps.keep(PolicyDocument("GetVpcOrigin", found, document))
    then(steps, found, reading.node(reading.node(document, "VpcOrigin"), "VpcOriginEndpointConfig"))


def fetch_tenant(session: Session, distribution: str, host: str) -> tuple[Tenant, dict[str, str]]:
    """Return the tenant that serves a host, and the values of its parameters. Raises AwsError.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-config-options.html
    """
    answer = reading.node(
        session.call("cloudfront", "GetDistributionTenantByDomain", Domain=host), "DistributionTenant"
    )
    if reading.text(answer, "DistributionId") != distribution:
        raise BadInput(
            f"Distribution: {host} is served by a tenant of {visible(reading.text(answer, 'DistributionId'), 60)}, not"
            f" of {distribution}."
        )
    values = {
        reading.text(node, "Name"): reading.text(node, "Value", MAX_NAME)
        for node in reading.nodes(answer, "Parameters")
    }
    domain = next((n for n in reading.nodes(answer, "Domains") if reading.text(n, "Domain").lower() == host), {})
    tenant = Tenant(
        id=reading.text(answer, "Id"),
        name=reading.text(answer, "Name"),
        domain=host,
        domain_status=reading.text(domain, "Status"),
        enabled=reading.flag(answer, "Enabled", default=True),
        status=reading.text(answer, "Status"),
        parameters=tuple(values)[:50],
        group_id=reading.text(answer, "ConnectionGroupId"),
    )
    return tenant, values


def connection_group(steps: Steps, group: str) -> None:
    """Fetch whether a tenant's connection group is enabled."""
    answer = steps.session.call("cloudfront", "GetConnectionGroup", Identifier=group)
    steps.keep(ConnectionGroup(group, reading.flag(reading.node(answer, "ConnectionGroup"), "Enabled", default=True)))


@dataclass(frozen=True, slots=True)
class ConnectionGroup:
    """A connection group: it says where a tenant's names lead, and whether they do at all."""

    id: str
    enabled: bool


def filled_in(document: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a distribution's document with the parameters in its origins' names and paths replaced by a tenant's.

    A parameter that the tenant does not give has its default; without one it stays as it is.
    """
    filled = copy.deepcopy(dict(document))
    config = reading.node(reading.node(filled, "Distribution"), "DistributionConfig")
    known = {**_defaults(config), **values}
    for origin in reading.nodes(reading.node(config, "Origins"), "Items"):
        for member in ("DomainName", "OriginPath"):
            if isinstance(origin.get(member), str):
                origin[member] = _PARAMETER.sub(lambda m: known.get(m[1]) or m[0], origin[member])
    return filled


def _defaults(config: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for node in reading.nodes(reading.node(config, "TenantConfig"), "ParameterDefinitions"):
        schema = reading.node(reading.node(node, "Definition"), "StringSchema")
        found[reading.text(node, "Name")] = reading.text(schema, "DefaultValue", MAX_NAME)
    return found
