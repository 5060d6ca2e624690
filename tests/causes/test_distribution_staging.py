"""Continuous deployment: which requests a staging distribution serves is said, as far as that was given."""

from __future__ import annotations

from typing import Any

import pytest

from cfrunbook.causes import distribution as cause
from cfrunbook.cloudfront import distribution_reader as distributions
from cfrunbook.cloudfront import policies
from cfrunbook.errors import BadInput
from cfrunbook.incident import Incident
from tests.causes.test_distribution import document

STAGING = "d999999abcdef8.cloudfront.net"
WEIGHT = {"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.05}}
HEADER = {"Type": "SingleHeader", "SingleHeaderConfig": {"Header": "aws-cf-cd-test", "Value": "hunter2"}}


def policy(traffic: Any = None, *, enabled: bool = True) -> dict[str, Any]:
    config = {
        "StagingDistributionDnsNames": {"Quantity": 1, "Items": [STAGING]},
        "Enabled": enabled,
        "TrafficConfig": traffic or WEIGHT,
    }
    return {"ContinuousDeploymentPolicy": {"Id": "policy-1", "ContinuousDeploymentPolicyConfig": config}}


PRIMARY = document(ContinuousDeploymentPolicyId="policy-1")


@pytest.mark.parametrize(
    ("source", "given", "code", "status", "says"),
    [
        (PRIMARY, [policy()], "continuous_deployment", "warning", f"sends 5 % of the requests to a staging distribution ({STAGING})"),
        (PRIMARY, [policy(HEADER)], "continuous_deployment", "warning", "requests with the header aws-cf-cd-test of a certain value"),
        (PRIMARY, [policy(enabled=False)], "continuous_deployment_disabled", "info", "its policy policy-1 is disabled"),
        (PRIMARY, [], "continuous_deployment_unknown", "info", "some requests may go to a staging distribution"),
        (document(Staging=True), [], "staging", "info", "is a staging distribution: viewers reach it only through"),
    ],
)  # fmt: skip
def test_it_is_said_which_requests_go_where(
    source: dict[str, Any], given: list[Any], code: str, status: str, says: str
) -> None:
    known = policies.load(given)
    found = {f.code: f for f in cause.judge(distributions.load(source), known)}
    finding = found[f"distribution.{code}"]
    assert finding.status == status
    assert says in finding.title
    assert "hunter2" not in repr((finding, known))


def test_nothing_is_said_without_it() -> None:
    found = cause.judge(distributions.load(document(ContinuousDeploymentPolicyId="", Staging=False)))
    assert [f.code for f in found] == ["distribution.ok"]


def test_it_is_among_what_is_known_of_the_incident() -> None:
    incident = Incident.load(distribution=PRIMARY, policies=[policy()])
    facts = {f.label: f"{f.value}: {f.why}" for f in incident.describe()}
    assert facts["Continuous deployment"] == f"policy-1: a staging distribution: 5 % of the requests to {STAGING}"
    assert "Staging distribution" in {f.label for f in Incident.load(distribution=document(Staging=True)).describe()}


@pytest.mark.parametrize(
    "broken",
    [{"Id": 7}, {"Id": "p", "ContinuousDeploymentPolicyConfig": {"TrafficConfig": {"Type": "Dice"}}}],
)
def test_a_policy_that_cannot_be_read_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="Policy: continuous deployment"):
        policies.load([{"ContinuousDeploymentPolicy": broken}])
