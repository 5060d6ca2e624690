"""What a pager is told: small, neutral, the same key as long as the incident is the same, harmless where it is shown."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from cfrunbook.views import notification
from cfrunbook.views.notification import Notification


def told(sample: Any, **options: Any) -> Notification:
    return notification.of(sample.diagnosis, sample.observations, **options)


@pytest.mark.parametrize(
    ("name", "severity", "lab"), [("fault", "critical", ""), ("unknown", "warning", ""), ("ok", "info", "healthy")]
)
def test_a_fault_wakes_people_and_a_lab_does_not(samples: dict[str, Any], name: str, severity: str, lab: str) -> None:
    value = told(samples[name], report="/srv/incident/1")
    assert (value.status, value.severity, value.lab) == (name, severity, lab)
    assert value.report == "/srv/incident/1"
    assert value.title.startswith("LAB: ") == bool(lab)
    assert value.next_step
    assert value.pagerduty["payload"]["severity"] == severity
    assert value.pagerduty["event_action"] == "trigger", "one look from one place resolves nothing"


def test_the_fields_of_three_systems(samples: dict[str, Any]) -> None:
    value = json.loads(told(samples["fault"], report="/srv/incident/1").to_json())
    assert (value["cause"], value["code"], value["cloudfront_status"]) == (
        "certificate",
        "certificate.missing_intermediate",
        502,
    )
    assert value["anchor"] == "#finding-certificate.missing_intermediate--shop-origin-443"
    assert set(value["pagerduty"]) == {"event_action", "dedup_key", "client", "payload", "links"}
    assert {"summary", "source", "severity"} <= set(value["pagerduty"]["payload"])
    assert value["pagerduty"]["dedup_key"] == value["servicenow"]["correlation_id"] == value["dedup_key"]
    assert "/srv/incident/1" in value["slack"]["text"]
    assert "Code: certificate.missing_intermediate" in value["slack"]["text"], "to be copied as it is"


def test_the_key_is_the_incidents_and_not_the_findings(samples: dict[str, Any]) -> None:
    fault = samples["fault"].diagnosis
    key = notification.of(fault).dedup_key
    later = msgspec.structs.replace(
        fault, verdict=msgspec.structs.replace(fault.verdict, code="certificate.expired", sentence="Another.")
    )
    elsewhere = msgspec.structs.replace(fault, inputs={**fault.inputs, "url": "https://other.example.com/"})
    assert notification.of(later).dedup_key == key
    assert notification.of(elsewhere).dedup_key != key
    assert len(key) < 100


def test_hostile_values_stay_text(samples: dict[str, Any], hostile_text: str) -> None:
    assert "<script" in hostile_text
    value = told(samples["hostile"])
    text = value.slack["text"]
    assert "<" not in text
    assert ">" not in text
    for shown in (text, value.title, value.sentence, value.servicenow["description"]):
        assert not [c for c in shown.replace("\n", "").replace("\u200b", "") if not c.isprintable()]
    assert len(value.title) <= 160
    assert len(value.pagerduty["payload"]["summary"]) <= 1024
    assert len(value.servicenow["description"]) <= 4000
    assert msgspec.json.decode(value.to_json(), type=Notification) == value


def test_what_went_wrong_is_told_to_everybody(samples: dict[str, Any]) -> None:
    value = told(samples["fault"], problems=["Runbook 05_dns: the\x1b kernel died.", "No PDF."])
    assert value.problems == (r"Runbook 05_dns: the\x1b kernel died.", "No PDF.")
    for text in (value.slack["text"], value.servicenow["description"]):
        assert r"Problems: Runbook 05_dns: the\x1b kernel died. No PDF." in text.replace("\u200b", "")
    assert value.pagerduty["payload"]["custom_details"]["Problems"].endswith("No PDF.")
    assert "Problems" not in told(samples["fault"]).pagerduty["payload"]["custom_details"]


def test_the_shipped_schema_is_up_to_date_and_holds(samples: dict[str, Any]) -> None:
    shipped = json.loads(files("cfrunbook").joinpath("notification.schema.json").read_text())
    assert shipped == json.loads(json.dumps(notification.json_schema())), "run `make schema`"
    for sample in samples.values():
        Draft202012Validator(shipped).validate(json.loads(told(sample).to_json()))


def test_the_documented_sample_is_one(samples: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    value, real = msgspec.json.decode(sample, type=Notification), json.loads(told(samples["fault"]).to_json())
    assert list(json.loads(sample)) == list(real), "in the order in which it is written"
    for form in ("slack", "pagerduty", "servicenow"):
        assert set(getattr(value, form)) == set(real[form])
