"""Access logs as an input: read once, kept as counts, joined with what was seen and captured in one verdict."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook import cli, lab
from cfrunbook import evidence as recordings
from cfrunbook.evidence import Observations
from cfrunbook.findings import Status
from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.logs import story_of
from cfrunbook.lab.scenario import URL, VIEWER_HOST, LogStory
from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import reading
from cfrunbook.runbook import onward, open_runbook, pictures
from cfrunbook.views import html
from tests import captures
from tests.captures import classic, curl, of_2026
from tests.logs.made import EPOCH, failed, request, standard
from tests.test_start import DATACLASSES, RUN, python

LOGGED = [name for name, scenario in SCENARIOS.items() if scenario.has_logs and not name.startswith("logs-")]
"""Those whose logs fit an answer that is seen at the origin; of the others the log itself is the story."""
HOUR = 3600
AT = dt.datetime.fromtimestamp(EPOCH + 3 * HOUR, dt.UTC)
NOTHING = Observations(recorded_at=AT)


def logs(detailed: str = "", number: int = 60, **columns: str) -> bytes:
    """Three hours of the lab's host, with errors in the last one."""
    rows = [request(at, host=VIEWER_HOST) for at in range(0, 3 * HOUR, 20)]
    if detailed:
        ats = range(2 * HOUR, 2 * HOUR + 59 * number, 59)
        rows += [failed(at, detailed, host=VIEWER_HOST, path=f"/{at % 9}", **columns) for at in ats]
    return standard(rows)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(logs("OriginDnsError"))
    return path


# --- as an input --------------------------------------------------------------------------------------------------


def test_a_file_a_folder_a_list_and_a_summary_say_the_same(file: Path) -> None:
    given: tuple[Any, ...] = (file, str(file), file.parent, [file], reading.read([file]))
    told = {str(cf.judge(cf.Incident.load(logs=one), NOTHING).verdict) for one in given}
    assert len(told) == 1
    assert "60 of 600 requests (10 %)" in told.pop()


def test_a_recording_carries_the_counts_and_no_line(file: Path) -> None:
    incident = cf.Incident.load(logs=file, url=URL)
    seen = msgspec.structs.replace(NOTHING, inputs=incident.inputs)
    written = seen.to_json()
    assert b"secret" not in written  # of cookie, query, referer and agent
    assert b"203.0.113.7" not in written
    assert len(written) < 200_000
    file.unlink()
    again = recordings.from_json(written)
    assert cf.judge(cf.Incident.load(evidence=again), again) == cf.judge(incident, seen)
    facts = {fact.label: fact for fact in cf.Incident.load(evidence=again, at=AT).describe()}
    assert facts["Access logs"].value == "600 requests from 2026-11-20 00:00 to 02:59 UTC"
    assert "also what is far from the moment" in facts["Access logs"].why


def test_counts_in_a_recording_that_contradict_each_other_are_refused(file: Path) -> None:
    incident = cf.Incident.load(logs=file)
    assert incident.inputs.logs
    wrong = msgspec.structs.replace(incident.inputs.logs, first_error=None)
    recorded = msgspec.structs.replace(NOTHING, inputs=msgspec.structs.replace(incident.inputs, logs=wrong))
    with pytest.raises(cf.BadInput, match="contradicts itself"):
        cf.Incident.load(evidence=recordings.from_json(recorded.to_json()))


BAD: dict[str, tuple[Any, str]] = {
    "missing": ("/no/such/folder", "no such file or folder"),
    "a page": (b"<html><body>Not a log</body></html>", "HTML"),
    "a number": (7, "a value of type int"),
    "a summary and a file": ([LogSummary(), "x"], "a value of type LogSummary"),
}


@pytest.mark.parametrize(("given", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, given: Any, says: str) -> None:
    if isinstance(given, bytes):
        (tmp_path / "log").write_bytes(given)
        given = tmp_path / "log"
    with pytest.raises(cf.BadInput, match=says) as error:
        cf.Incident.load(logs=given)
    assert str(error.value).startswith("Access logs: ")
    assert "\n" not in str(error.value)


def test_progress_is_told_while_reading(file: Path) -> None:
    told: list[tuple[int, int]] = []
    cf.Incident.load(logs=file, progress=lambda done, total: told.append((done, total)))
    size = file.stat().st_size
    assert told[-1] == (size, size)


def test_other_inputs_are_refused_before_logs_are_read(file: Path) -> None:
    with pytest.raises(cf.BadInput, match="Pace"):
        cf.Incident.load(logs=file, pace="slow", progress=lambda *_: pytest.fail("read all the same"))


def test_the_command_line_and_the_environment_take_several(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = file.parent / "other"
    other.write_bytes(logs())
    assert cli.entry(["diagnose", "--json", "--logs", str(file), str(other)]) == 1
    diagnosis = json.loads(capsys.readouterr().out)
    assert diagnosis["verdict"]["code"] == "dns.logged_cannot_resolve"
    assert diagnosis["inputs"]["logs"] == [str(file), str(other)]
    monkeypatch.setenv("CFRUNBOOK_LOGS", str(other))
    assert cli.entry(["diagnose", "--json"]) == 0
    assert cli.entry(["diagnose", "--logs", str(file.parent / "none")]) == 2
    assert capsys.readouterr().err.startswith("cfrunbook: Access logs: no such file")


def test_a_runbook_takes_logs_and_names_them_again(file: Path) -> None:
    runbook = open_runbook("00_start_here", logs=str(file), origin="origin.shop.example")
    assert f"--logs {file}" in onward.command_line("cfrunbook diagnose", runbook.given)
    assert any("600 requests" in fact.value for fact in runbook.incident.describe())


# --- in the verdict -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looks() -> dict[str, Observations]:
    """Real looks at lab origins."""
    found = {}
    for scenario in ("dns-healthy", "certificate-expired", "dns-nxdomain", "port-http-on-443"):
        with lab.start(scenario) as running:
            options = {name: value for name, value in running.options.items() if name != "logs"}
            found[scenario] = cf.observe_sync(cf.Incident.load(**options))
    return found


def of_today(content: bytes, now: dt.datetime) -> bytes:
    """The same requests, moved to the last 24 hours before `now`."""
    return content.replace(b"2026-11-20", f"{now - dt.timedelta(hours=3):%Y-%m-%d}".encode())


DNS, CONNECT, FUNCTION = "OriginDnsError", "OriginConnectError", "LambdaValidationError"

# The scenario that was seen, what was logged, the verdict's status and code, and a word of how the two go together.
TOGETHER = [
    ("dns-healthy", logs(DNS), "fault", "dns.logged_cannot_resolve", "Only some of the requests in the logs fail"),
    ("dns-healthy", logs(CONNECT), "unknown", "cloudfront.logged_could_not_connect", "no fault was found on the way"),
    ("dns-healthy", logs(), "ok", None, "None of the 540 requests in the access logs"),
    ("dns-healthy", logs(DNS) + logs(CONNECT, 90), "fault", "dns.logged_cannot_resolve", "More often something else is logged"),
    ("certificate-expired", logs(CONNECT), "fault", "certificate.expired", "The access logs fit: 60 of 600"),
    ("certificate-expired", logs("OriginCommError"), "fault", "certificate.expired", "speak of something else, though"),
    ("certificate-expired", logs(CONNECT, status="504"), "fault", "certificate.expired", "have 504, though"),
    ("certificate-expired", logs("Error"), "fault", "certificate.expired", "repeats of an error"),
    ("certificate-expired", logs(), "fault", "certificate.expired", "The access logs do not show it"),
    ("certificate-expired", logs(FUNCTION, result=FUNCTION), "fault", "edge_function.logged_refused", "something else was seen"),
    ("dns-nxdomain", logs(DNS), "fault", "dns.nxdomain", "CloudFront itself says so too"),
    # CloudFront calls the answer invalid; what was seen says that the port speaks another protocol.
    ("port-http-on-443", logs("OriginInvalidResponseError"), "fault", "port.http_on_tls_port", "says so too"),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "content", "status", "code", "says"), TOGETHER)
def test_the_logs_come_first_and_a_difference_is_explained(
    looks: dict[str, Observations], tmp_path: Path, scenario: str, content: bytes, status: str, code: str, says: str
) -> None:
    observations = looks[scenario]
    (tmp_path / "log").write_bytes(of_today(content, observations.recorded_at))
    diagnosis = cf.judge(cf.Incident.load(evidence=observations, logs=tmp_path), observations)
    assert (diagnosis.verdict.status, diagnosis.verdict.code) == (status, code)
    assert says in diagnosis.verdict.sentence
    assert not code or diagnosis.findings[0].code == code


def test_logs_of_last_week_are_a_warning_beside_a_look_of_now(looks: dict[str, Observations], file: Path) -> None:
    for scenario, status in (("dns-healthy", "ok"), ("certificate-expired", "fault")):
        later = looks[scenario]
        moment = f"{later.recorded_at - dt.timedelta(days=7):%Y-%m-%d}".encode()
        file.write_bytes(logs("OriginDnsError").replace(b"2026-11-20", moment))
        diagnosis = cf.judge(cf.Incident.load(evidence=later, logs=file), later)
        assert diagnosis.verdict.status == status
        logged = next(f for f in diagnosis.findings if f.code == "dns.logged_cannot_resolve")
        assert logged.status is Status.WARNING
    assert cf.judge(cf.Incident.load(logs=file, at="2027-01-01"), NOTHING).verdict.status == "fault"


# A captured response beside the logs of many: the code of the verdict.
CAPTURED = {
    "no reason": (curl(502, of_2026()), DNS, "dns.logged_cannot_resolve"),
    "the same": (curl(502, classic(502, captures.DNS_SENTENCE)), DNS, "dns.logged_cannot_resolve"),
    "another": (curl(502, x_cache=FUNCTION), DNS, "dns.logged_cannot_resolve"),
    "logs leave it open": (curl(502, x_cache=FUNCTION), CONNECT, "edge_function.refused_at_edge"),
    "both leave it open": (curl(502, classic()), CONNECT, "cloudfront.logged_could_not_connect"),
}


@pytest.mark.parametrize(("text", "detailed", "code"), CAPTURED.values(), ids=CAPTURED)
def test_logs_and_a_captured_response_together(tmp_path: Path, text: str, detailed: str, code: str) -> None:
    (tmp_path / "log").write_bytes(logs(detailed))
    diagnosis = cf.judge(cf.Incident.load(logs=tmp_path, response=text), NOTHING)
    assert diagnosis.verdict.code == code
    assert any(n.why.endswith("only a captured response and access logs") for n in diagnosis.not_examined)


# --- in the lab ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOGGED)
def test_the_log_of_a_scenario_fits_its_answer(name: str) -> None:
    expected = SCENARIOS[name].expected
    with lab.start(name) as running:
        incident = cf.Incident.load(lab=running.file)
        story = story_of(running.setup, expected)
    assert incident.inputs.logs
    just_now = Observations(recorded_at=dt.datetime.now(dt.UTC))
    found = cf.judge(cf.Incident.load(logs=incident.inputs.logs, url=URL), just_now).findings
    typed = [f for f in found if f.data.get("name") == story.type and f.data.get("count")]
    assert bool(typed) is (expected.status == "fault")
    if typed:
        assert typed[0].cloudfront_status == (expected.cloudfront_status or 502)
        assert expected.cause in (typed[0].cause, *typed[0].data["candidates"])
    else:
        assert {f.code for f in found} == {"cloudfront.logs_without_error"}


def test_the_same_seed_gives_the_same_requests_and_a_place_and_a_time_can_be_told(tmp_path: Path) -> None:
    from cfrunbook.lab import logs as made

    story = LogStory("OriginReadError", pops=("NRT",), methods=("POST", "GET"), began=40, ended=20)
    for folder in ("a", "b"):
        made.write(tmp_path / folder, story, seed="x", until=AT)
    files = [sorted(p.read_bytes() for p in (tmp_path / folder).iterdir()) for folder in ("a", "b")]
    assert files[0] == files[1]
    summary = reading.read([tmp_path / "a"])
    assert [k.key[:3] for k in summary.pops.keys if k.errors] == ["NRT"]
    assert summary.first_error
    assert summary.last_error
    assert EPOCH + 3 * HOUR - 40 * 60 <= summary.first_error <= summary.last_error <= EPOCH + 3 * HOUR - 20 * 60
    assert not summary.lines.malformed


def test_a_diagnosis_with_logs_imports_no_more_than_it_needs() -> None:
    script = RUN.format(arguments=["diagnose"], report=DATACLASSES)
    assert python(script, scenario="port-refused", status=1) == []
    plain = "import sys, cfrunbook, cfrunbook.cli; print(*[m for m in sys.modules if m.startswith('cfrunbook.logs')])"
    done = subprocess.run([sys.executable, "-c", plain], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()


# --- to look at ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stale_server() -> Any:
    with lab.start("dns-stale-server-denies") as running:
        runbook = open_runbook("99_incident_report", lab=running.file)
        asyncio.run(runbook.look())
    return runbook


def test_figures_and_numbers_are_there_where_logs_were_given(stale_server: Any) -> None:
    for kind in ("log_rate", "log_heat", "log_types", "log_top"):
        assert "<svg" in stale_server.figure(kind).svg
    shown = stale_server.access_logs()
    assert shown.html.count("<svg") == 4
    assert "OriginDnsError" in shown.text
    assert "OriginDnsError" in stale_server.table("log_types").text
    assert "Edge location" in stale_server.table("log_keys").text


def test_without_logs_a_sentence_says_so(looks: dict[str, Observations]) -> None:
    runbook = open_runbook("99_incident_report", evidence=looks["dns-healthy"])
    asyncio.run(runbook.look())
    assert runbook.access_logs().text == "No access logs were given (parameter logs)."
    assert runbook.figure("log_rate").text.startswith("No access logs were given")  # type: ignore[union-attr]
    assert runbook.table("log_keys").text == "Nothing of that kind was seen."


def test_the_report_has_a_section_of_its_own(stale_server: Any, looks: dict[str, Observations]) -> None:
    now = dt.datetime.now(dt.UTC)
    drawn = pictures.of_logs(stale_server.incident, stale_server.observations, stale_server.diagnosis)
    page = html.report_page(stale_server.diagnosis, stale_server.observations, log_figures=drawn, generated_at=now)
    section = page.partition('<section id="access-logs">')[2].partition("</section>")[0]
    assert section.count("<svg") == 4
    assert "requests were answered with 502" in section
    assert "OriginDnsError" in section
    other = html.report_page(stale_server.diagnosis, looks["dns-healthy"], generated_at=now)
    assert "access-logs" not in other
