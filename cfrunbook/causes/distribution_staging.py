"""Continuous deployment: a part of the requests is served by a staging distribution with another configuration. Pure.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-continuous-deployment.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.findings import Cause, Finding, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_HOW = f"{_GUIDE}/understanding-continuous-deployment.html"
_WORKING = f"{_GUIDE}/working-with-staging-distribution-continuous-deployment-policy.html"
_POLICY = "aws cloudfront get-continuous-deployment-policy --id {policy!q}"
_LIST = (
    "aws cloudfront list-distributions --query"
    " 'DistributionList.Items[?Staging].[Id, DomainName, Comment]' --output table"
)
_COMPARE = (
    "aws cloudfront get-distribution --id {distribution!q} > primary.json\n"
    "aws cloudfront get-distribution --id STAGING_ID > staging.json\n"
    "cfrunbook compare primary.json staging.json"
)

_EXAMINE = Step(
    text="Examine the staging distribution as well, and see what differs between the two (its id: the list above).",
    command=_COMPARE,
)
SPLIT = Rule(
    code="distribution.continuous_deployment",
    cause=Cause.DISTRIBUTION,
    stage=Stage.DISTRIBUTION,
    status=Status.WARNING,
    title="Distribution {distribution} sends {requests} to a staging distribution ({staging}): its configuration is not"
    " this one.",
    meaning="A 502 may come from either. AWS documents no response header that tells which of the two served a request;"
    " metrics and access logs are kept for each by its own id. When CloudFront is busy it sends all requests to the"
    " primary one.",
    source=_HOW,
    reproduce=f"{_POLICY}\n{_LIST}",
    remedy=Remedy(
        kind="one_of",
        steps=(
            _EXAMINE,
            Step(
                text="CloudFront console > Distributions > {distribution} > Continuous deployment > Edit policy:"
                " disable it, and all requests go to the primary distribution again.",
            ),
        ),
    ),
    verify=Step(
        text="Once the policy is disabled or both are examined, 502s that remain are the primary's.",
        command=f"{_POLICY} --query ContinuousDeploymentPolicy.ContinuousDeploymentPolicyConfig.Enabled",
    ),
)
PERHAPS_SPLIT = Rule(
    code="distribution.continuous_deployment_unknown",
    cause=Cause.DISTRIBUTION,
    stage=Stage.DISTRIBUTION,
    status=Status.INFO,
    title="Distribution {distribution} has the continuous deployment policy {policy}: some requests may go to a staging"
    " distribution, with a configuration that is not this one.",
    meaning="Which requests, the policy tells; it was not given. A 502 may come from either distribution.",
    source=_HOW,
    reproduce=f"{_POLICY}\n{_LIST}",
    remedy=Remedy(
        kind="steps",
        steps=(
            Step(text="Give the policy among the policies (--policies).", command=f"{_POLICY} > policy.json"),
            _EXAMINE,
        ),
    ),
    verify=Step(text="With the policy given, this says which requests go to the staging distribution."),
)
DISABLED = Rule(
    code="distribution.continuous_deployment_disabled",
    cause=Cause.DISTRIBUTION,
    stage=Stage.DISTRIBUTION,
    status=Status.INFO,
    title="Distribution {distribution} has a staging distribution ({staging}), but its policy {policy} is disabled.",
    meaning="All requests are served by the primary distribution, as examined here.",
    source=_HOW,
    reproduce=_POLICY,
)
STAGING = Rule(
    code="distribution.staging",
    cause=Cause.DISTRIBUTION,
    stage=Stage.DISTRIBUTION,
    status=Status.INFO,
    title="Distribution {distribution} is a staging distribution: viewers reach it only through its primary one.",
    meaning="It cannot be asked by a name of its own: CloudFront sends it a part of the primary's requests, by weight"
    " or by a header of the request. What fails only now and then, or only with that header, may be due to it.",
    source=_WORKING,
    reproduce="aws cloudfront list-continuous-deployment-policies",
    remedy=Remedy(
        kind="steps",
        steps=(
            Step(
                text="See what differs from the primary distribution.",
                command="aws cloudfront get-distribution --id PRIMARY_ID > primary.json\n"
                "aws cloudfront get-distribution --id {distribution!q} > staging.json\n"
                "cfrunbook compare primary.json staging.json",
            ),
        ),
    ),
)

RULES: tuple[Rule, ...] = (SPLIT, PERHAPS_SPLIT, DISABLED, STAGING)


def judge(distribution: Distribution, known: Policies, say: Callable[..., Finding]) -> Iterator[Finding]:
    """Yield what the configuration says of continuous deployment."""
    if distribution.staging:
        yield say(STAGING, "Staging", "true")
    policy = distribution.continuous_deployment_policy_id
    if not policy:
        return
    where = "ContinuousDeploymentPolicyId"
    found = known.continuous.get(policy)
    if found is None:
        yield say(PERHAPS_SPLIT, where, policy, policy=policy)
        return
    staging = list(found.staging_names) or ["its name is not in the policy"]
    rule = SPLIT if found.enabled else DISABLED
    yield say(rule, where, f"{policy}: {found.requests}", policy=policy, staging=staging, requests=found.requests)
