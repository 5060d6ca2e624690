"""Rules, findings and the JSON contract."""

from __future__ import annotations

import json
import shlex
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import (
    STAGE_TITLES,
    STAGES,
    Cause,
    CauseResult,
    Diagnosis,
    Evidence,
    Finding,
    NotExamined,
    Remedy,
    Rule,
    Stage,
    StageResult,
    Status,
    Step,
    Verdict,
    json_schema,
)

RULE = Rule(
    code="certificate.expired",
    cause=Cause.CERTIFICATE,
    stage=Stage.CERTIFICATE,
    status=Status.FAULT,
    title="The certificate of {host} expired on {not_after}.",
    meaning="CloudFront refuses it.",
    source="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html",
    reproduce="openssl s_client -connect {host!q}:443 -servername {host!q}",
    remedy=Remedy(steps=(Step(text="Renew it for {host}.", command="certbot renew --cert-name {host!q}"),)),
    verify=Step(text="Look again at {host}.", command="cfrunbook diagnose --origin {host!q}"),
    cloudfront_status=502,
    next_check="",
)
DATA = {"host": "shop.example.com", "not_after": "2026-11-01"}
SEEN = Evidence(observation="handshake-1", says="notAfter is 2026-11-01")


def test_a_rule_makes_a_complete_finding() -> None:
    finding = RULE.finding(target="shop:443", evidence=[SEEN], **DATA)
    assert finding.title == "The certificate of shop.example.com expired on 2026-11-01."
    assert finding.reproduce == "openssl s_client -connect shop.example.com:443 -servername shop.example.com"
    assert finding.remedy.steps[0].command == "certbot renew --cert-name shop.example.com"
    assert finding.verify.text == "Look again at shop.example.com."
    assert (finding.target, finding.evidence, finding.data) == ("shop:443", (SEEN,), DATA)
    assert (finding.status, finding.cloudfront_status, finding.source) == (Status.FAULT, 502, RULE.source)


def test_circumstances_override_the_rule() -> None:
    remedy = Remedy(kind="one_of", steps=(Step(text="Ask {host}."),))
    finding = RULE.finding(status=Status.UNKNOWN, cloudfront_status=504, remedy=remedy, **DATA)
    assert (finding.status, finding.cloudfront_status) == (Status.UNKNOWN, 504)
    assert finding.remedy == Remedy(kind="one_of", steps=(Step(text="Ask shop.example.com."),))


def test_a_judge_that_forgets_a_value_is_told() -> None:
    with pytest.raises(KeyError, match="not_after"):
        RULE.finding(host="shop.example.com")


@given(st.text())
def test_a_hostile_name_stays_one_word_of_the_command(host: str) -> None:
    words = shlex.split(RULE.finding(host=host, not_after="never").verify.command)
    assert words[:3] == ["cfrunbook", "diagnose", "--origin"]
    assert len(words) == 4


def test_every_stage_has_a_title() -> None:
    assert set(STAGE_TITLES) == set(STAGES)


def diagnosis() -> Diagnosis:
    finding = RULE.finding(target="shop:443", evidence=[SEEN], **DATA)
    stage = StageResult(stage=Stage.CERTIFICATE, status="fault", sentence=finding.title, findings=(finding.code,))
    return Diagnosis(
        verdict=Verdict(
            status="fault",
            sentence=finding.title,
            cause=Cause.CERTIFICATE,
            code=finding.code,
            cloudfront_status=502,
            confidence="high",
            target="shop:443",
        ),
        stages=(stage,),
        causes=(CauseResult(cause=Cause.CERTIFICATE, status="fault", why=finding.title),),
        findings=(finding,),
        not_examined=(NotExamined(what="name resolution", why="--connect-to says where to go"),),
    )


def validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json_schema())


def test_the_json_of_a_diagnosis_follows_its_schema() -> None:
    sample = json.loads(diagnosis().to_json())
    validator().validate(sample)
    assert sample["schema"] == 1
    assert sample["verdict"]["code"] == "certificate.expired"


@pytest.mark.parametrize(
    "break_it",
    [
        {"schema": 2},
        {"surprise": True},
        {"verdict": {"status": "maybe", "sentence": ""}},
        {"findings": [{"code": "certificate.expired"}]},
        {"not_examined": None},
    ],
)
def test_the_schema_refuses_anything_else(break_it: dict[str, Any]) -> None:
    assert not validator().is_valid(json.loads(diagnosis().to_json()) | break_it)


def test_the_shipped_schema_is_up_to_date() -> None:
    shipped = json.loads(files("cfrunbook").joinpath("diagnosis.schema.json").read_text())
    assert shipped == json.loads(json.dumps(json_schema())), "run `make schema`"


def test_a_finding_is_immutable() -> None:
    finding: Finding = RULE.finding(**DATA)
    with pytest.raises(AttributeError):
        finding.title = "something else"  # type: ignore[misc]
