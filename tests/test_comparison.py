"""Two recordings, and an incident with its configuration of before: what became of the verdict, and what explains it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook import comparison, lab, seen_changes
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    DnsOutcome,
    DnsQuery,
    DnsTransport,
    Exchange,
    ExchangeOutcome,
    Observations,
    Resolution,
    ResolutionOutcome,
)
from cfrunbook.evidence import from_json as recording
from cfrunbook.findings import Diagnosis, Verdict
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.views import html, markdown, terminal
from cfrunbook.views.comparison import render

NOW = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)
OK = Verdict(status="ok", sentence="No fault found.")
FAULT = Verdict(status="fault", sentence="It expired.", code="certificate.expired", target="web:443")
OTHER = Verdict(status="fault", sentence="Refused.", code="port.refused", target="web:443")
UNKNOWN = Verdict(status="unknown", sentence="Inconclusive: nobody knows.")


@pytest.mark.parametrize(
    ("before", "after", "outcome", "word"),
    [
        (FAULT, OK, "fixed", "Fixed"),
        (OK, FAULT, "broken", "Broken"),
        (FAULT, OTHER, "changed", "Changed"),
        (FAULT, FAULT, "same", "Same"),
        (OK, OK, "same", "Same"),
        (UNKNOWN, OK, "unknown", "Cannot tell"),
        (FAULT, UNKNOWN, "unknown", "Cannot tell"),
    ],
)
def test_what_became_of_the_verdict_is_one_word_first(before: Verdict, after: Verdict, outcome: str, word: str) -> None:
    found, sentence = comparison.became(before, after)
    assert found == outcome
    assert sentence.startswith(word)


def resolution(*addresses: str) -> Resolution:
    outcome = ResolutionOutcome.ANSWER if addresses else ResolutionOutcome.NXDOMAIN
    return Resolution(id="r-1", name="web.example.com", resolver="system", outcome=outcome, ipv4=addresses)


def connection(outcome: ConnectOutcome) -> Connection:
    return Connection(id="c-1", host="web.example.com", port=443, address="192.0.2.1", outcome=outcome)


def answer(line: str) -> Exchange:
    return Exchange(
        id="e-1", host="web.example.com", port=443, address="192.0.2.1", scheme="https", request="GET / HTTP/1.1",
        outcome=ExchangeOutcome.HTTP, status_line=line,
    )  # fmt: skip


def question(server: str, outcome: DnsOutcome) -> DnsQuery:
    return DnsQuery(
        id="q-1", zone="example.com", server=server, address="192.0.2.53", transport=DnsTransport.UDP,
        name="web.example.com", type="A", outcome=outcome,
    )  # fmt: skip


REFUSED, CONNECTED = ConnectOutcome.REFUSED, ConnectOutcome.CONNECTED
PLACE = "web.example.com:443"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"resolutions": (resolution("192.0.2.1"),)},
            {"resolutions": (resolution("192.0.2.2"),)},
            [("web.example.com", "addresses", "192.0.2.1", "192.0.2.2")],
        ),
        ({"resolutions": (resolution("a", "b"),)}, {"resolutions": (resolution("b", "a"),)}, []),
        (
            {"resolutions": (resolution("192.0.2.1"),)},
            {"resolutions": (resolution(),)},
            [("web.example.com", "addresses", "192.0.2.1", "NXDOMAIN: no such name")],
        ),
        (
            {"connections": (connection(CONNECTED),)},
            {"connections": (connection(REFUSED),)},
            [(PLACE, "port 443 at 192.0.2.1", "connected", "refused")],
        ),
        (
            {"exchanges": (answer("HTTP/1.1 200 OK"),)},
            {"exchanges": (answer("HTTP/1.1 502 Bad Gateway"),)},
            [(PLACE, "answer by https", "200", "502")],
        ),
        (
            {"dns_queries": (question("ns1.example.com", DnsOutcome.ANSWER),)},
            {"dns_queries": (question("ns2.example.com", DnsOutcome.TIMEOUT),)},
            [
                ("example.com", "name servers", "ns1.example.com", "ns2.example.com"),
                ("example.com", "name server ns1.example.com at 192.0.2.53", "A web.example.com: answer", "not looked at"),
                ("example.com", "name server ns2.example.com at 192.0.2.53", "not looked at",
                 "A web.example.com: no answer in time"),
            ],
        ),
    ],
    ids=["addresses", "only the order", "name gone", "port", "status", "name servers"],
)  # fmt: skip
def test_what_was_seen_is_compared_fact_by_fact(before: Any, after: Any, expected: list[tuple[str, ...]]) -> None:
    sides = [Observations(recorded_at=NOW, **side) for side in (before, after)]
    found = seen_changes.between(*sides)
    assert [(s.target, s.what, s.before, s.after) for s in found] == expected
    assert seen_changes.between(sides[0], sides[0]) == ()


# --- really broken origins ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken() -> tuple[Observations, Diagnosis]:
    """An origin that speaks TLS 1.1 at most, whose minimum was raised: with the configuration of before."""
    with lab.start("tls-protocol-old-only") as running:
        incident = Incident.load(lab=running.file)
        observations = observe_sync(incident)
    return observations, judge(incident, observations)


@pytest.fixture(scope="module")
def healthy() -> Observations:
    with lab.start("healthy") as running:
        return observe_sync(Incident.load(lab=running.file))


def test_the_change_that_explains_the_root_cause_is_named(broken: tuple[Observations, Diagnosis]) -> None:
    changed = broken[1].changes
    assert changed is not None
    assert changed.explanation == (
        "Origins[shop-origin].CustomOriginConfig.OriginSslProtocols was changed from TLSv1, TLSv1.1, TLSv1.2 to TLSv1.2"
        " between the two configurations: this can explain tls_protocol.old_versions_only."
    )
    assert [c.on_path for c in changed.changes] == [True]
    for shown in (
        terminal.render(broken[1], color=False, width=100),
        markdown.summary(broken[1], broken[0]),
        html.report_page(broken[1], broken[0], generated_at=NOW),
    ):
        assert "What changed" in shown or "WHAT CHANGED" in shown
        assert "OriginSslProtocols" in shown


def test_the_recording_keeps_what_changed(broken: tuple[Observations, Diagnosis]) -> None:
    kept = recording(broken[0].to_json())
    again = judge(Incident.load(evidence=kept), kept)
    assert again.changes == broken[1].changes
    assert msgspec.json.decode(again.to_json(), type=Diagnosis) == again


def test_a_recording_of_before_is_judged_and_compared(
    broken: tuple[Observations, Diagnosis], healthy: Observations
) -> None:
    incident = Incident.load(evidence=broken[0], before=healthy)
    changed = judge(incident, broken[0]).changes
    assert changed is not None
    assert changed.outcome == "broken"
    assert {s.what for s in changed.seen} >= {"certificate for origin.shop.example", "TLS with origin.shop.example"}
    new = [f.code for f in changed.findings if f.kind == "new"]
    assert "tls_protocol.old_versions_only" in new
    assert changed.can_502
    assert changed.explanation.startswith("Nothing in the configuration changed")
    labels = {f.label: f.value for f in incident.describe()}
    assert "Before" in labels
    after_fix = Incident.load(evidence=healthy, before=broken[0])
    fixed = judge(after_fix, healthy).changes
    assert fixed is not None
    assert fixed.outcome == "fixed"
    assert "younger one" in " ".join((*fixed.notes, *changed.notes)), "one of the two is the wrong way round"


def test_the_report_has_it_and_the_recording_of_before_beside_it(
    tmp_path: Path, broken: tuple[Observations, Diagnosis], healthy: Observations
) -> None:
    from cfrunbook.report import write_report

    incident = Incident.load(evidence=broken[0], before=healthy)
    written = write_report(incident, broken[0], judge(incident, broken[0]), output=tmp_path, notebooks=())
    page = (written.path / "report.html").read_text()
    assert 'id="changes"' in page
    assert "Seen differently" in page
    assert json.loads((written.path / "diagnosis.json").read_text())["changes"]["outcome"] == "broken"
    assert recording((written.path / "before.json").read_bytes()) == healthy


# --- inputs -------------------------------------------------------------------------------------------------------------


def config(**custom: Any) -> dict[str, Any]:
    origin = {
        "Id": "web",
        "DomainName": "web.example.com",
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Key", "HeaderValue": "hunter2"}]},
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", **custom},
    }
    behavior = {"TargetOriginId": "web", "ViewerProtocolPolicy": "https-only"}
    return {"Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behavior}


def test_a_configuration_of_before_is_compared_as_given_and_its_secrets_are_not_kept() -> None:
    old = config(HTTPSPort=8443)
    old["Origins"]["Items"][0]["CustomHeaders"]["Items"][0]["HeaderValue"] = "swordfish"
    incident = cf.Incident.load(distribution=config(), before=old)
    changed = incident.inputs.before
    assert changed is not None
    assert [c.where.rpartition(".")[2] for c in changed.changes] == ["HTTPSPort", "HeaderValue"]
    assert "hunter2" not in repr(incident)
    assert "swordfish" not in repr(incident)


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"before": config()}, "Before: there is no configuration now to compare with"),
        ({"before": "E1EXAMPLE"}, "Before: E1EXAMPLE is an id, not a file; what a distribution was before, AWS does not keep"),
        ({"before": "/nowhere.json"}, "Before: no such file"),
        ({"before": {"Resources": {}}}, "Before: the document is a CloudFormation template"),
        ({"before": {"VpcOrigin": {"Id": "vo_1"}}}, "Before: the document is a policy"),
        ({"before": b"\xff\xfe"}, "Before: "),
        ({"before": 7}, "Before: give a file"),
        ({"before": {"kind": "cfrunbook.evidence", "schema": 99}}, "Evidence: the document has schema 99"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_sentence(inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as raised:
        Incident.load(origin="web.example.com", **inputs)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_hostile_names_are_shown_harmlessly() -> None:
    hostile = "<script>alert(1)</script>`|\x1b[2J\u202e"
    old, new = config(), config()
    for document, value in ((old, "a"), (new, hostile)):
        document["Origins"]["Items"][0]["DomainName"] = f"{value}.example.com"
        document["Origins"]["Items"][0]["CustomHeaders"]["Items"][0]["HeaderName"] = hostile + value
        document[hostile] = value
    incident = Incident.load(distribution=new, before=old)
    changed = incident.inputs.before
    assert changed is not None
    diagnosis = judge(incident, Observations(recorded_at=NOW, inputs=incident.inputs))
    text = render(changed, color=False, width=80) + terminal.render(diagnosis, color=False, width=80)
    assert not set(text) & {"\x1b", "\u202e"}
    page = html.report_page(diagnosis, generated_at=NOW)
    assert "<script" not in page
    ticket = markdown.summary(diagnosis)
    rows = [line for line in ticket.splitlines() if "Origins[web].DomainName" in line and line.startswith("|")]
    assert rows
    assert all(line.count(" | ") == 3 for line in rows)
