"""Which evidence is missing: what is there is not asked for, what tells most comes first, commands have real values."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
from typing import Any

import msgspec
import pytest

from cfrunbook import wanted
from cfrunbook.diagnosis import judge
from cfrunbook.evidence import Connection, ConnectOutcome, Inputs, Observations
from cfrunbook.findings import Diagnosis, Wanted
from cfrunbook.incident import Incident
from tests.captures import REQUEST_ID, curl, of_2026, seen
from tests.logs.made import failed, standard
from tests.recognizing.samples import FUNCTION_LOG, ID, LAMBDA_EVENT, POLICY, RESULT, URL, distribution

AT = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)
POLICY_ID = POLICY["CachePolicy"]["Id"]
LAMBDA = {
    "Quantity": 1,
    "Items": [
        {
            "LambdaFunctionARN": "arn:aws:lambda:us-east-1:123456789012:function:guard:7",
            "EventType": "origin-request",
            "IncludeBody": False,
        }
    ],
}
FUNCTION = {
    "Quantity": 1,
    "Items": [{"FunctionARN": "arn:aws:cloudfront::123456789012:function/rewrite", "EventType": "viewer-request"}],
}


def behavior(**more: Any) -> dict[str, Any]:
    plain = distribution()["Distribution"]["DistributionConfig"]["DefaultCacheBehavior"]
    return {"DefaultCacheBehavior": {**plain, **more}}


def diagnosed(outcome: ConnectOutcome | None = None, **given: Any) -> Diagnosis:
    """Return what is concluded where nothing was seen, or connections to every origin ended as `outcome` says."""
    incident = Incident.load(**given)
    connections = tuple(
        Connection(id=f"connection-{n}", host=t.domain, port=t.port, address="192.0.2.1", outcome=outcome)
        for n, t in enumerate(incident.targets)
        if outcome
    )
    recorded = Observations(recorded_at=AT, inputs=incident.inputs, connections=connections)
    return judge(incident, recorded)


def missing(outcome: ConnectOutcome | None = None, **given: Any) -> dict[str, Wanted]:
    return {one.key: one for one in diagnosed(outcome, **given).wanted if not one.key.startswith("check:")}


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"anything": [URL]}, ["distribution", "response", "origin", "logs"]),
        ({"anything": [REQUEST_ID]}, ["distribution", "response", "origin", "logs"]),
        ({"origin": "shop.example.com"}, ["distribution", "response", "logs"]),
        ({"distribution": distribution()}, ["response", "logs"]),
        ({"distribution": distribution(), "url": URL, "response": curl(body=of_2026())}, ["logs"]),
        ({"response": seen()}, ["response", "distribution", "origin", "logs"]),
        ({"function_result": json.dumps(RESULT)}, ["response", "distribution", "origin", "logs"]),
    ],
    ids=["URL", "request id", "origin", "distribution", "with response", "page alone", "function's result"],
)
def test_what_is_there_is_not_asked_for(given: dict[str, Any], first: list[str]):
    assert list(missing(**given)) == first


def test_commands_have_the_values_of_this_incident():
    found = missing(anything=[URL, f"distribution {ID}"])
    assert found["distribution"].how.command == f"aws cloudfront get-distribution --id {ID} > {ID}.json"
    assert found["response"].how.command == f"curl -sSi {URL} > response.txt"
    assert found["logs"].how.command.startswith(f"cfrunbook aws logs {ID} --folder logs --since 2026-11-22T17:00Z")
    named = missing(anything=[URL])["distribution"].how.command
    assert "contains(Aliases.Items || `[]`, '\"'\"'www.example.com'\"'\"')" in named
    assert [one.parameter for one in found.values()] == ["distribution", "response", "origin", "logs"]


def test_logs_are_looked_for_where_the_configuration_sends_them():
    logging = {"Enabled": True, "IncludeCookies": False, "Bucket": "acme-logs.s3.amazonaws.com", "Prefix": "cf/"}
    command = missing(distribution=distribution(Logging=logging), at=AT)["logs"].how.command
    assert "aws s3 cp s3://acme-logs/cf/ logs/ --recursive" in command
    assert f"--include '*{ID}.2026-11-22-17*' --include '*{ID}.2026-11-22-18*'" in command
    hostile = {"Enabled": True, "Bucket": "x; rm -rf /", "Prefix": "\n"}
    assert "rm -rf" not in missing(distribution=distribution(Logging=hostile))["logs"].how.command


def test_functions_on_the_way_are_asked_for_with_their_log_group_and_region():
    by_lambda = missing(distribution=distribution(**behavior(LambdaFunctionAssociations=LAMBDA)), url=URL, at=AT,
                        anything=[REQUEST_ID, "FRA56-P1"])  # fmt: skip
    log = by_lambda["function_log"].how
    assert f"/aws/cloudfront/LambdaEdge/{ID}" in log.text
    assert "eu-central-1" in log.text
    assert f"--region eu-central-1 --log-group-name /aws/cloudfront/LambdaEdge/{ID}" in log.command
    assert REQUEST_ID in log.command
    assert (
        "aws lambda invoke --region us-east-1 --function-name guard --qualifier 7"
        in by_lambda["function_result"].how.command
    )
    by_function = missing(distribution=distribution(**behavior(FunctionAssociations=FUNCTION)), url=URL)
    assert "aws cloudfront test-function --stage LIVE --name rewrite" in by_function["function_result"].how.command
    given = {"function_result": json.dumps(RESULT), "function_event": json.dumps(LAMBDA_EVENT)}
    config = distribution(**behavior(LambdaFunctionAssociations=LAMBDA))
    assert not {"function_log", "function_result"} & missing(distribution=config, url=URL, **given).keys()
    assert "function_result" in missing(anything=[FUNCTION_LOG]), "its log names the rule, its result the place"


def test_policies_and_vpc_origins_of_ones_own_are_asked_for():
    config = distribution(**behavior(CachePolicyId=POLICY_ID))
    assert missing(distribution=config)["policies"].how.command == (
        f"aws cloudfront get-cache-policy --id {POLICY_ID} > {POLICY_ID}.json"
    )
    assert "policies" not in missing(distribution=config, policies=POLICY)
    assert "policies" not in missing(distribution=distribution()), "managed ones are known"


def test_where_the_port_is_in_doubt_rules_and_another_place_are_asked_for():
    found = missing(ConnectOutcome.TIMEOUT, origin="shop.example.com")
    assert "iptables-save" in found["firewall"].how.command
    name = "dualstack.shop-1234567890.eu-central-1.elb.amazonaws.com"
    balanced = missing(ConnectOutcome.TIMEOUT, origin=name)["firewall"].how.command
    assert "describe-security-groups --region eu-central-1" in balanced
    assert "DNSName=='\"'\"'shop-1234567890.eu-central-1.elb.amazonaws.com'" in balanced
    rules = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
    assert "firewall" not in missing(ConnectOutcome.TIMEOUT, origin="shop.example.com", firewall=rules.encode())


def test_a_fault_that_was_seen_only_wants_to_be_confirmed():
    said = diagnosed(ConnectOutcome.REFUSED, origin="shop.example.com", url=URL)
    assert said.verdict.status == "fault"
    keys = [one.key for one in said.wanted]
    assert "distribution" not in keys
    assert "To make sure" in next(one.why for one in said.wanted if one.key == "response")


def test_what_an_undecided_finding_asks_for_is_asked_for():
    said = diagnosed(ConnectOutcome.TIMEOUT, distribution=distribution(), url=URL)
    open_ones = {f.next_check for f in said.findings if f.status == "unknown" and f.next_check}
    asked = [one.how for one in said.wanted if one.key.startswith("check:")]
    assert asked
    assert {f"{how.text} {how.command}" for how in asked} <= open_ones


@pytest.mark.parametrize("hostile", ["https://www.example.com/$(reboot)", "https://www.example.com/a'b;c"])
def test_commands_are_quoted_for_a_shell(hostile: str):
    for one in missing(anything=[hostile]).values():
        for line in one.how.command.splitlines():
            words = shlex.split(line, comments=True)
            assert not any(w == "c" or w.startswith("reboot") for w in words)
    assert re.search(
        r"'https://www.example.com/(\$|a)", missing(url=hostile, anything=[REQUEST_ID])["response"].how.command
    )


def test_logs_that_were_given_are_not_asked_for(tmp_path):
    (tmp_path / "log").write_bytes(standard([failed(1)]))
    assert "logs" not in missing(anything=[tmp_path / "log"])


def test_every_kind_has_its_command_and_says_what_takes_it():
    assert wanted.KINDS.keys() == wanted._COMMANDS.keys()
    assert {kind.parameter for kind in wanted.KINDS.values()} - {""} <= set(Incident.load.__kwdefaults__)
    assert Inputs().recognized == ()


def test_a_lab_sends_nobody_to_aws():
    """Its distribution has an id as any other, which no account knows."""
    incident = Incident.load(
        distribution=distribution(**behavior(CachePolicyId=POLICY_ID, LambdaFunctionAssociations=LAMBDA))
    )
    inputs = msgspec.structs.replace(incident.inputs, lab="certificate-expired")
    in_lab = msgspec.structs.replace(incident, inputs=inputs)
    real, trained = (judge(one, Observations(recorded_at=AT, inputs=one.inputs)).wanted for one in (incident, in_lab))
    assert [one.key for one in real] == [one.key for one in trained]
    assert len([one for one in real if "aws " in one.how.command]) >= 3
    assert not [one for one in trained if re.search(r"\b(?:aws|sudo)\b", one.how.command)]
    response = next(one for one in trained if one.key == "response")
    assert response.how.command == next(one.how.command for one in real if one.key == "response"), "inside, it works"
    assert "cfrunbook lab shell" in response.how.text
    assert all(
        one.how.text.startswith("This is a lab")
        for one in trained
        if one.how.command != next(r.how.command for r in real if r.key == one.key)
    )


def test_what_a_fault_that_was_seen_explains_is_not_open(tmp_path):
    """A log that says that the origin could not be connected to leaves nothing open where its port refuses."""
    path = tmp_path / "log"
    path.write_bytes(standard([failed(n) for n in range(5)]))
    given: dict[str, Any] = {"distribution": distribution(), "logs": [str(path)], "at": "2026-11-20T00:00:30Z"}
    code = "check:cloudfront.logged_could_not_connect"
    assert code in {one.key for one in diagnosed(**given).wanted}
    settled = diagnosed(ConnectOutcome.REFUSED, **given)
    assert (settled.verdict.status, settled.verdict.confidence) == ("fault", "high")
    assert code not in {one.key for one in settled.wanted}
