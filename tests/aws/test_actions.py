"""What may be asked of an account: the table, AWS's own models and the shipped policies say the same, and all only read."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import botocore.session
import pytest

from cfrunbook import aws
from cfrunbook.aws.actions import ACTIONS, WITHOUT_CALL, Action, Tier, is_declared
from cfrunbook.errors import BadInput

MODELS = botocore.session.get_session()
READS = re.compile(r"(Get|List|Describe|Head|Filter)[A-Z]")
ACTION = pytest.mark.parametrize("action", ACTIONS, ids=lambda a: f"{a.service}:{a.operation}")


def statements(tier: Tier) -> list[dict[str, Any]]:
    name = f"tier{tier.value}_{tier.name.lower()}.json"
    document = json.loads((resources.files("cfrunbook.aws") / "policies" / name).read_text())
    assert document["Version"] == "2012-10-17"
    return list(document["Statement"])


def allowed(found: list[dict[str, Any]]) -> list[str]:
    actions = [s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in found]
    return [action for some in actions for action in some]


@ACTION
def test_every_operation_exists_and_only_reads(action: Action) -> None:
    model = MODELS.get_service_model(action.service)
    assert action.operation in model.operation_names
    assert READS.match(action.operation)
    assert not re.search(r"Update|Create|Delete|Put|Test|Start|Modify", action.operation)


@ACTION
def test_the_command_is_that_of_the_operation(action: Action) -> None:
    from botocore import xform_name

    _, service, command, *_ = action.command.split()
    assert command == xform_name(action.operation, "-")
    assert service == {"s3": "s3api"}.get(action.service, action.service)


def test_permissions_are_named_as_iam_does() -> None:
    prefixes = {"elbv2": "elasticloadbalancing"}
    other = {"ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket"}
    for action in ACTIONS:
        service = prefixes.get(action.service, action.service)
        assert action.permission == f"{service}:{other.get(action.operation, action.operation)}"


@pytest.mark.parametrize("tier", Tier)
def test_a_tiers_policy_allows_what_its_calls_need_and_nothing_else(tier: Tier) -> None:
    needed = {a.permission for a in ACTIONS if a.tier is tier} | {p for p, t in WITHOUT_CALL.items() if t is tier}
    found = allowed(statements(tier))
    assert sorted(found) == sorted(needed)
    assert all(s["Effect"] == "Allow" and s["Resource"] and s["Sid"].isalnum() for s in statements(tier))
    assert not [action for action in found if "*" in action]


def test_the_policy_of_several_tiers_is_one_document() -> None:
    everything = aws.policy()
    assert set(allowed(everything["Statement"])) == {a.permission for a in ACTIONS} | set(WITHOUT_CALL)
    assert len({s["Sid"] for s in everything["Statement"]}) == len(everything["Statement"])
    assert allowed(aws.policy([4])["Statement"]) == allowed(statements(Tier(0))) + allowed(statements(Tier(4)))
    # IAM takes managed policies of up to 6144 characters without white space.
    assert len(json.dumps(everything, separators=(",", ":"))) < 6144


def test_a_tier_that_is_none_is_bad_input() -> None:
    with pytest.raises(BadInput, match="Tier: '7' is none of 0"):
        aws.policy([7])


def test_what_is_not_in_the_table_is_not_declared() -> None:
    assert is_declared("cloudfront", "GetDistribution")
    assert not is_declared("cloudfront", "UpdateDistribution")
    assert not is_declared("s3", "PutObject")
