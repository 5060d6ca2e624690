from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest

from cfrunbook.findings import Diagnosis, Finding
from cfrunbook.views import mime


def strict(value: Any) -> Any:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    return json.loads(text)


def test_a_diagnosis_shows_itself_as_text_html_and_json(sample: Any) -> None:
    data, _ = sample.diagnosis._repr_mimebundle_()

    assert set(data) == {"text/plain", "text/html", mime.DIAGNOSIS}
    assert strict(data[mime.DIAGNOSIS])
    again = msgspec.convert(data[mime.DIAGNOSIS], Diagnosis, strict=False)
    assert again.verdict.status == sample.diagnosis.verdict.status
    assert [f.status for f in again.findings] == [f.status for f in sample.diagnosis.findings]


def test_a_finding_reads_back(samples: dict[str, Any]) -> None:
    finding = samples["fault"].diagnosis.findings[0]
    data, metadata = finding._repr_mimebundle_(include=None, exclude=None)

    assert metadata == {mime.FINDING: {"data": {"elapsed_ms": 41.25}}}
    body = data[mime.FINDING]
    assert body["data"] == {"missing": ["CN=Example R11"]}
    body["data"] |= metadata[mime.FINDING]["data"]
    assert msgspec.convert(body, Finding, strict=False) == finding
    assert data["text/plain"].startswith("✕ origin.shop.example.com:443 sends its certificate without")


def test_what_changes_from_run_to_run_is_in_the_metadata(samples: dict[str, Any]) -> None:
    diagnosis = samples["fault"].diagnosis
    data, metadata = mime.bundle(diagnosis)

    volatile = metadata[mime.DIAGNOSIS]
    assert volatile["versions"] == diagnosis.versions
    assert volatile["inputs"] == {"at": "2026-11-22T03:12:05Z"}
    assert volatile["findings"][0] == {"data": {"elapsed_ms": 41.25}}
    assert "versions" not in data[mime.DIAGNOSIS]
    assert diagnosis.inputs["at"]  # the value itself is untouched
    assert mime.bundle(samples["unknown"].diagnosis)[1] == {}


def test_strings_that_json_cannot_hold(samples: dict[str, Any]) -> None:
    data, _ = samples["hostile"].diagnosis.findings[0]._repr_mimebundle_()
    assert strict(data[mime.FINDING])["data"]["nan"] is None
    assert "\\ud800" in data[mime.FINDING]["title"]


def test_without_jinja2_there_is_text_only(samples: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    data, metadata = mime.bundle(samples["fault"].diagnosis)
    assert set(data) == {"text/plain"}
    assert metadata == {}
