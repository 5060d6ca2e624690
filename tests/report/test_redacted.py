"""The edition to share outside: nothing that identifies is left in any of its bytes, and it is still readable."""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import re
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cfrunbook import lab
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.findings import Diagnosis
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.report import redacted, write_report
from cfrunbook.report.formats import DEFAULT, Format

NOW = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)
PUBLIC = {"docs.aws.amazon.com", "ip-ranges.amazonaws.com", "www.rfc-editor.org"}
SCENARIOS = ["function-other-account", "response-alb-502", "dns-stale-server-denies", "tls-name-mismatch"]


def look(scenario: str, **options: Any) -> tuple[Incident, Any, Diagnosis]:
    with lab.start(scenario) as running:
        incident = Incident.load(lab=running.file, **options)
        observations = observe_sync(incident)
    observations = msgspec.structs.replace(observations, inputs=incident.inputs)
    return incident, observations, judge(incident, observations)


def identifying(incident: Incident, observations: Any) -> set[str]:
    """What must not be found, told from the recording by other means than the edition's own."""
    recording = observations.to_json().decode()
    names = set(re.findall(r"[a-z0-9][a-z0-9.-]*\.(?:example|lab|cloudfront\.net)\b", recording))
    addresses = {a for a in re.findall(r"\b(?:\d+\.){3}\d+\b", recording) if not a.startswith("127.")}
    ids = set(re.findall(r"EDFDVBD6EXAMPLE|111122223333|shop-origin|shop-2026", recording))
    logs = json.loads(recording)["inputs"]["logs"] or {}
    asked = {e["request_id"] for t in logs.get("types", ()) for e in t["examples"]}
    ids |= {f"{name}:" for name in re.findall(r"arn:aws:lambda:[^\"]*:function:([\w-]+)", recording)}
    paths = set(re.findall(r"/tmp/[^\s\"]+", recording)) | {"/cart", "/product/1001", "/images/hero.jpg"}
    told: set[str] = set()
    for der in {der for h in observations.handshakes for der in h.certificates}:
        certificate = x509.load_der_x509_certificate(der)
        told |= {str(a.value) for name in (certificate.subject, certificate.issuer) for a in name}
        told |= {
            f"{certificate.serial_number:x}",
            str(certificate.serial_number),
            certificate.fingerprint(hashes.SHA256()).hex()[:16],
        }
        told |= {base64.b64encode(der).decode()[:40], der.hex()[:40], der[20:60].hex()}
    return {t for t in names | addresses | ids | asked | paths | told if t}


def stands(secret: str, content: str) -> bool:
    """Whether it is there; of an address, not as the beginning of another."""
    at = content.find(secret)
    return at >= 0 and (
        not re.fullmatch(r"[\d.]+", secret) or bool(re.search(rf"(?<![\d.]){re.escape(secret)}(?![\d])", content))
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_that_identifies_is_left_in_any_byte(scenario, tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn: list[str] = []
    text = Axes.text
    monkeypatch.setattr(Axes, "text", lambda self, x, y, s, *a, **k: (drawn.append(s), text(self, x, y, s, *a, **k))[1])

    incident, observations, diagnosis = look(scenario, name="Acme shop outage", vantage="bastion-acme-1")
    written = write_report(
        incident, observations, diagnosis, output=tmp_path, notebooks=[], now=NOW, redacted=True, formats=DEFAULT
    )
    secret = identifying(incident, observations) | {"bastion-acme-1", "Acme shop outage", "acme-shop-outage"}
    assert len(secret) > 20
    assert written.redacted == written.path / "redacted"
    files = {p.name: p.read_text(encoding="utf-8") for p in written.redacted.iterdir()}
    assert set(files) == {"report.html", "summary.md", "diagnosis.json", "notification.json"}
    shown = {name: html.unescape(content).replace("\\", "").lower() for name, content in files.items()}
    whole = (written.path / "report.html").read_text(encoding="utf-8").lower()
    assert [s for s in secret if s.lower() in whole], "the test would see what is there"
    assert len(whole.encode()) < 2_000_000

    # A pseudonym may be what is another's original: an address of the ranges for documentation.
    own = {p.lower() for p in json.loads((written.path / redacted.KEY).read_text())}
    secret = {s.lower() for s in secret} - own
    assert {(name, s) for name, content in shown.items() for s in secret if stands(s, content)} == set()
    figures = "\n".join(drawn[len(drawn) // 2 :]).lower()  # the page's own are drawn first
    assert not [s for s in secret if stands(s, figures)]
    assert not [p for p in written.redacted.iterdir() if "acme" in p.name.lower()]


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory):
    incident, observations, diagnosis = look("tls-name-mismatch")
    folder = tmp_path_factory.mktemp("edition")
    known = redacted.write(
        folder, incident=incident, observations=observations, diagnosis=diagnosis, formats=DEFAULT, written_at=NOW
    )
    return folder, known, diagnosis


def test_the_edition_is_a_diagnosis_with_the_same_answer(edition):
    folder, _, diagnosis = edition
    said = msgspec.json.decode((folder / "diagnosis.json").read_bytes(), type=Diagnosis)
    assert said.verdict.code == diagnosis.verdict.code
    assert [(f.code, f.status, f.source) for f in said.findings] == [
        (f.code, f.status, f.source) for f in diagnosis.findings
    ]
    assert [s.status for s in said.stages] == [s.status for s in diagnosis.stages]
    assert "it is for site-1.example and viewer-1.site-1.example" in said.verdict.sentence
    assert "https://viewer-1.site-1.example/path-1" in (folder / "summary.md").read_text()


def test_the_key_leads_back_and_the_same_thing_has_one_name(edition):
    _, known, _ = edition
    key = known.key()
    assert key["origin-1.site-1.example"] == "origin.shop.example"
    assert len(set(key.values())) == len(key)


def test_what_would_remain_stops_the_edition(edition, tmp_path, monkeypatch):
    incident, observations, diagnosis = look("certificate-missing-intermediate")
    monkeypatch.setattr(redacted, "pseudonymous", lambda diagnosis, known: diagnosis)
    with pytest.raises(BadInput, match=r"The redacted edition was not written: diagnosis\.json would still hold "):
        redacted.write(
            tmp_path,
            incident=incident,
            observations=observations,
            diagnosis=diagnosis,
            formats=frozenset({Format.JSON}),
            written_at=NOW,
        )
    assert list(tmp_path.iterdir()) == []
    written = write_report(
        incident,
        observations,
        diagnosis,
        output=tmp_path,
        notebooks=[],
        redacted=True,
        formats=frozenset({Format.JSON}),
    )
    assert written.redacted is None
    assert written.notes[0].startswith("The redacted edition was not written")
    assert {p.name for p in written.path.iterdir()} == {"evidence.json", "diagnosis.json", "notebooks"}
