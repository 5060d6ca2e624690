"""A runbook in a script: its parameters, its steps, and what each says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.findings import Cause, Diagnosis, Finding, Stage, Status, Verdict
from cfrunbook.runbook import GUIDES, PARAMETERS, Runbook, comparing, guides, open_runbook, pictures
from cfrunbook.runbook.guides import from_environment, given
from cfrunbook.views.mime import DIAGNOSIS, FINDING


def text(value: Any) -> str:
    return value._repr_mimebundle_()[0]["text/plain"]


def page(value: Any) -> str:
    return value._repr_mimebundle_()[0]["text/html"]


def looked(name: str, **parameters: Any) -> Runbook:
    runbook = open_runbook(name, **parameters)
    asyncio.run(runbook.look())
    return runbook


@pytest.fixture(scope="module")
def expired():
    with lab.start("certificate-expired") as running:
        yield running


@pytest.fixture(scope="module")
def healthy():
    with lab.start("healthy") as running:
        yield running


@pytest.fixture(scope="module")
def stale_server():
    with lab.start("dns-stale-server-denies") as running:
        yield looked("05_dns", lab=running.file)


@pytest.fixture(scope="module")
def recording(expired, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return looked("03_certificate", lab=expired.file).save(tmp_path_factory.mktemp("recording") / "evidence.json")


# --- parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["03_certificate", "certificate", Cause.CERTIFICATE])
def test_a_runbook_opens_by_its_name_or_its_cause(name, recording):
    assert open_runbook(name, evidence=recording).guide is GUIDES["03_certificate"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: open_runbook("05_\x1b[31m"), r"There is no runbook '05_\x1b[31m'; there are 00_start_here,"),
        (
            lambda: open_runbook("04_port", hosts="x"),
            "open_runbook: no parameter 'hosts'; there are anything, distribution,",
        ),
        (lambda: open_runbook("04_port", lab="certificat-expired"), "did you mean certificate-expired"),
        (lambda: open_runbook("04_port", url="https://www.example.com/"), "There is nothing to examine"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(call, said):
    with pytest.raises(cf.BadInput) as raised:
        call()
    assert said in str(raised.value)
    assert raised.value._render_traceback_() == [f"BadInput: {raised.value}"]


def test_empty_values_are_not_given_and_one_value_stands_for_a_list():
    nothing = dict.fromkeys(PARAMETERS, "") | {"policies": [], "connect_to": (), "deadline": 0, "resolver": None}
    assert given(nothing) == {}
    assert given({"resolver": "192.0.2.53", "deadline": 2, "In": ["x"], "cf": cf}) == {
        "resolver": ["192.0.2.53"],
        "deadline": 2,
    }


def test_what_is_given_wins_over_a_notebooks_variables_and_those_over_the_environment(recording, monkeypatch):
    monkeypatch.setenv("CFRUNBOOK_VANTAGE", "environment")
    monkeypatch.setenv("CFRUNBOOK_AT", "2026-01-01T00:00:00Z")
    monkeypatch.setenv("CFRUNBOOK_CONNECT_TO", "'a.example:443:127.0.0.1:1' b.example:443:127.0.0.1:2")
    assert from_environment()["connect_to"] == ["a.example:443:127.0.0.1:1", "b.example:443:127.0.0.1:2"]
    namespace = {"vantage": "notebook", "evidence": str(recording), "at": "", "other": 1}
    runbook = open_runbook("03_certificate", namespace=namespace, at="2030-01-01T00:00:00Z")
    assert (runbook.given["vantage"], runbook.given["at"]) == ("notebook", "2030-01-01T00:00:00Z")
    assert open_runbook("03_certificate", namespace=namespace).given["at"] == "2026-01-01T00:00:00Z"


def test_an_environment_that_cannot_be_read_is_one_sentence(monkeypatch):
    monkeypatch.setenv("CFRUNBOOK_RESOLVER", "'unclosed")
    with pytest.raises(cf.BadInput, match="quoted as for a shell"):
        open_runbook("04_port")


def test_opened_again_it_examines_the_same_broken_origin():
    first, second = open_runbook("04_port"), open_runbook("04_port", vantage="elsewhere")
    assert first.incident.inputs.connect_to == second.incident.inputs.connect_to
    assert "Lab scenario: simulated" in page(first)
    assert lab.SCENARIOS["port-refused"].story[0] in text(first)


# --- the steps ----------------------------------------------------------------------------------------------------


def test_steps_out_of_order_say_what_to_run_first(expired):
    runbook = open_runbook("03_certificate", lab=expired.file)
    for step in (runbook.judge, runbook.fix, runbook.next, lambda: runbook.figure("chain"), lambda: runbook.save("x")):
        with pytest.raises(cf.BadInput, match=r"run the cell with `await runbook\.look\(\)` first"):
            step()


def test_the_runbook_of_the_root_cause_says_it_and_how_to_fix_and_verify_it(expired):
    runbook = looked("03_certificate", lab=expired.file)
    judged = runbook.judge()
    assert judged.root is not None
    assert judged.root.code == "certificate.expired"
    data, _ = judged._repr_mimebundle_()
    assert data[FINDING]["code"] == "certificate.expired"
    assert {f["cause"] for f in data[DIAGNOSIS]["findings"]} == {"certificate"}
    assert [f.code for f in runbook.fix().findings] == ["certificate.expired"]
    assert "00_start_here.ipynb" in page(runbook.next())
    verified = asyncio.run(runbook.verify())
    assert (verified.status, verified.label) == ("fault", "Not fixed yet")
    assert verified.steps


def test_another_runbook_leads_there(expired):
    runbook = looked("04_port", lab=expired.file)
    assert runbook.judge().status == "ok"
    assert runbook.judge().root is None
    for shown in (page(runbook.judge()), page(runbook.fix()), page(runbook.next())):
        assert "03_certificate.ipynb" in shown
    assert runbook.fix().findings == ()
    assert "Nothing to verify" in text(asyncio.run(runbook.verify()))


def test_a_root_cause_without_a_runbook_leads_to_the_first(monkeypatch):
    monkeypatch.setattr(guides, "GUIDES", {n: g for n, g in GUIDES.items() if n != "07_origin_response"})
    with lab.start("http-only-answers-502") as running:
        runbook = looked("03_certificate", lab=running.file)
        assert runbook.next().runbook == "00_start_here"
        for kind in ("chain", "served", "suites", "ladder"):
            assert "nothing to draw" in text(runbook.figure(kind))
        assert "does not show why" in text(runbook.why())


def test_verify_sees_a_repair(expired, healthy):
    runbook = looked("03_certificate", lab=expired.file)
    runbook.incident = cf.Incident.load(lab=healthy.file)  # the origin is repaired
    verified = asyncio.run(runbook.verify())
    assert (verified.status, verified.label) == ("ok", "Fixed")
    assert "Before: Certificate 0" in verified.sentence
    assert verified.before is not None
    assert verified.after is not None
    assert verified.before.verdict.status == "fault"
    assert verified.after.verdict.status == "ok"


def test_verify_does_not_take_silence_for_a_repair(expired):
    runbook = looked("03_certificate", lab=expired.file)
    with lab.start("port-refused") as running:
        runbook.incident = cf.Incident.load(lab=running.file)  # somebody switched the origin off
        verified = asyncio.run(runbook.verify())
    assert (verified.status, verified.label) == ("unknown", "Cannot tell")


def test_verify_tells_what_breaks_behind_a_repair(expired):
    runbook = looked("03_certificate", lab=expired.file)
    with lab.start("tls-name-mismatch") as running:
        runbook.incident = cf.Incident.load(lab=running.file)
        verified = asyncio.run(runbook.verify())
    assert (verified.status, verified.label) == ("warning", "Fixed here")


def test_nothing_wrong_is_said_with_its_limits(healthy):
    runbook = looked("00_start_here", lab=healthy.file)
    assert runbook.judge().diagnosis.verdict.status == "ok"
    assert text(runbook.fix()) == "Nothing to fix: no fault was found."
    assert "No fault was found in what was examined" in text(runbook.next())


def test_a_recording_is_judged_and_nothing_is_probed(recording, monkeypatch):
    monkeypatch.setattr("cfrunbook.probes.tcp.connect", None)
    runbook = looked("03_certificate", evidence=recording)
    assert "Nothing was probed" in text(asyncio.run(runbook.look()))
    assert runbook.judge().root.code == "certificate.expired"  # type: ignore[union-attr]
    verified = asyncio.run(runbook.verify())
    assert (verified.status, verified.after) == ("unknown", None)
    assert "--evidence" not in text(verified), "it says how to look again"
    assert f"cfrunbook report --evidence {recording}" in text(runbook.next())


def test_commands_for_the_next_step_are_quoted(recording):
    runbook = open_runbook(
        "04_port", evidence=recording, vantage="my host; rm -rf /", resolver=["192.0.2.1", "192.0.2.2"]
    )
    asyncio.run(runbook.look())
    shown = text(runbook.next())
    assert "--vantage 'my host; rm -rf /'" in shown
    assert "--resolver 192.0.2.1 192.0.2.2" in shown
    assert 'vantage = "my host; rm -rf /"' in shown


@pytest.mark.parametrize("kind", ["path", "suites", "ladder", "served", "chain", "validity"])
def test_figures(expired, kind):
    assert "svg" in looked("03_certificate", lab=expired.file).figure(kind).svg


@pytest.mark.parametrize("kind", ["delegation", "servers", "aliases"])
def test_figures_of_name_servers(stale_server, expired, kind):
    assert "svg" in stale_server.figure(kind).svg
    lacking = text(looked("03_certificate", lab=expired.file).figure(kind))
    assert lacking.startswith("No name server was asked, so there is nothing to draw.")


def test_the_runbook_of_dns_shows_which_server_is_wrong(stale_server):
    assert "DNS questions, " in text(asyncio.run(stale_server.look()))
    assert "ns3.shop.lab (198.51.100.3) NXDOMAIN" in stale_server.figure("delegation").alt
    assert "the zone&#39;s name servers" in page(stale_server.table("resolutions"))
    assert "✕ NXDOMAIN" in page(stale_server.table("name_servers"))
    assert text(stale_server.table("alias_chain")) == "Nothing of that kind was seen."
    assert stale_server.judge().root.code == "dns.servers_disagree"


def test_a_report_draws_the_delegation_where_dns_is_the_cause(stale_server, expired):
    def titles(runbook: Runbook) -> list[str]:
        drawn = pictures.everything(runbook.incident, runbook.observations, runbook.diagnosis)
        return [picture.title for picture in drawn]

    drawn = {"From the root to the name, server by server", "What every name server answers"}
    assert drawn <= set(titles(stale_server))
    assert not drawn & set(titles(looked("03_certificate", lab=expired.file)))


def test_an_unknown_table_is_one_sentence(expired):
    with pytest.raises(cf.BadInput, match="table: 'pie' is none of resolutions, name_servers, alias_chain,"):
        looked("03_certificate", lab=expired.file).table("pie")


def test_an_unknown_figure_is_one_sentence(expired):
    with pytest.raises(
        cf.BadInput, match="none of path, delegation, servers, aliases, firewall, suites, ladder, served"
    ):
        looked("03_certificate", lab=expired.file).figure("pie")  # type: ignore[arg-type]


def test_hostile_text_stays_text(recording, tmp_path):
    hostile = "<script>alert(1)</script>\x1b]0;x\x07"
    runbook = looked("00_start_here", evidence=recording, vantage=hostile)
    for shown in (runbook, runbook.judge(), runbook.next()):
        assert "<script" not in page(shown)
        assert "\x1b" not in text(shown)


# --- what changed between two looks -------------------------------------------------------------------------------


def problems(*found: tuple[str, Status]) -> dict[tuple[str, str], Finding]:
    return {
        (code, "o:443"): Finding(
            code=code, cause=Cause.PORT, stage=Stage.TCP, status=status, title=f"{code}.", meaning="", target="o:443"
        )
        for code, status in found
    }


def diagnosis(*found: tuple[str, Status], status: str = "ok") -> Diagnosis:
    return Diagnosis(
        verdict=Verdict(status=status, sentence="It is so."),  # type: ignore[arg-type]
        stages=(),
        causes=(),
        findings=tuple(problems(*found).values()),
        not_examined=(),
    )


A, B, U = ("a", Status.FAULT), ("b", Status.FAULT), ("u", Status.UNKNOWN)
OK = diagnosis(("ok", Status.OK))
SILENT = diagnosis(status="unknown")
ELSEWHERE = diagnosis(("ok", Status.OK), status="fault")


@pytest.mark.parametrize(
    ("before", "after", "now", "status", "label"),
    [
        ([], [], OK, "ok", "Nothing to verify"),
        ([A], [], OK, "ok", "Fixed"),
        ([U], [], OK, "ok", "Fixed"),
        ([A], [], SILENT, "unknown", "Cannot tell"),
        ([A], [], ELSEWHERE, "warning", "Fixed here"),
        ([A], [A], OK, "fault", "Not fixed yet"),
        ([A, B], [B], OK, "fault", "Partly fixed"),
        ([A], [B], OK, "fault", "Changed"),
        ([], [A], OK, "fault", "Changed"),
        ([A], [U], OK, "unknown", "Changed"),
        ([U], [U], OK, "unknown", "Still not known"),
    ],
)
def test_two_looks_are_compared(before, after, now, status, label):
    found = comparing.compare(problems(*before), problems(*after), now)
    assert found[:2] == (status, label)
    assert found[2].endswith(".")


# --- whatever a person has ----------------------------------------------------------------------------------------


def test_the_next_runbook_gets_what_was_recognised_as_its_parameters():
    with lab.start("certificate-expired") as running:
        options = json.loads(running.file.read_text())["options"]
        folder = running.file.parent
        files = [folder / options["distribution"], options["url"], "2026-11-22T18:00:00Z"]
        runbook = cf.open_runbook("00_start_here", anything=[str(one) for one in files], lab=str(running.file))
        asyncio.run(runbook.look())
    assert [item.input for item in runbook.recognized().items] == ["distribution", "url", "at"]
    shown = runbook.next()._repr_mimebundle_()[0]["text/plain"]
    assert f'distribution = "{files[0]}"' in shown
    assert f'url = "{files[1]}"' in shown
    assert "papermill 03_certificate.ipynb 03_certificate.out.ipynb -p distribution" in shown
    assert f"cfrunbook report {files[0]} {files[1]}" in shown
    assert "Not known yet: neither a response that fails" in runbook.said()._repr_mimebundle_()[0]["text/plain"]
    wanted = runbook.wanted()
    assert [one.key for one in wanted.items] == ["response", "logs"]
    assert "&gt; response.txt" in page(wanted)


def test_what_was_pasted_is_used_and_not_written_down_again():
    from tests.captures import verbose

    runbook = cf.open_runbook("00_start_here", anything=[verbose()])
    asyncio.run(runbook.look())
    shown = "".join(
        step._repr_mimebundle_()[0][kind]
        for step in (runbook, runbook.recognized(), runbook.said(), runbook.wanted(), runbook.next())
        for kind in ("text/plain", "text/html")
    )
    assert "hunter2" not in shown
    assert "cfrunbook report anything.txt" in shown
    assert "Get first, for this runbook" in shown


def test_what_changed_is_a_step_of_the_first_runbook(recording, tmp_path):
    document = json.loads(recording.read_bytes())["inputs"]["distribution"]
    before = json.loads(
        json.dumps(document).replace('"OriginProtocolPolicy": "https-only"', '"OriginProtocolPolicy": "http-only"')
    )
    assert before != document
    (tmp_path / "before.json").write_text(json.dumps(before))
    runbook = looked("00_start_here", evidence=str(recording), before=str(tmp_path / "before.json"))
    assert "http-only → https-only" in text(runbook.changed())
    alone = looked("00_start_here", evidence=str(recording))
    assert "neither the configuration nor a recording of when it worked" in text(alone.changed())
