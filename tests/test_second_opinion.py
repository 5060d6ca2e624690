"""AWS's own TLS library inside a look: asked once per target where it is there, and never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.evidence import Observations, SecondOpinion
from cfrunbook.lab import middlebox
from cfrunbook.lab.servers import Servers
from cfrunbook.probes import s2n
from cfrunbook.probes.endpoint import Endpoint
from tests.conftest import REQUIRE_ALL

WHY_NOT = s2n.available()
asked = pytest.mark.skipif(bool(WHY_NOT) and not REQUIRE_ALL, reason=f"needs awscrt: {WHY_NOT}")

Answer = str | dict[str, object]
Put = Callable[..., list[Endpoint]]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put answers in the place of the library's; return the list of the endpoints that it is then asked about."""

    def put(*answers: Answer) -> list[Endpoint]:
        waiting, questions = list(answers), list[Endpoint]()

        async def observe(endpoint: Endpoint, *, sni: str, **_: object) -> SecondOpinion | str:
            questions.append(endpoint)
            answer = waiting.pop(0)
            if isinstance(answer, str):
                return answer
            where = {"host": endpoint.host, "port": endpoint.port, "address": endpoint.address}
            return SecondOpinion(
                **{"id": "", "sni": sni, "policy": s2n.POLICIES["TLSv1.2"], "connected": False} | where | answer,  # type: ignore[arg-type]
                connected_to=endpoint.connected_to,
            )

        monkeypatch.setattr(s2n, "installed", lambda: True)
        monkeypatch.setattr(s2n, "observe", observe)
        return questions

    return put


def look(scenario: str) -> tuple[Observations, cf.Diagnosis]:
    with lab.start(scenario) as running:
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
    return observations, cf.judge(incident, observations)


@asked
@pytest.mark.parametrize(
    ("scenario", "errors"),
    [
        ("healthy", [""]),
        ("certificate-expired", ["CERT_EXPIRED"]),
        ("one-address-of-three-expired", [""]),  # at the first address
        ("origin-group-secondary-broken", ["", "CERT_EXPIRED"]),
        ("healthy-http-only", []),
        ("port-refused", []),
        ("port-silent", []),
        ("port-http-on-443", []),
    ],
)
def test_it_is_asked_once_per_target_that_answers_in_tls(scenario: str, errors: list[str]) -> None:
    observations, _ = look(scenario)
    assert [o.error for o in observations.second_opinions] == errors
    assert [o.id for o in observations.second_opinions] == [f"second-opinion-{n + 1}" for n in range(len(errors))]
    assert "awscrt" in observations.versions


def test_where_it_is_not_installed_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s2n, "_library", lambda: "")
    observations, diagnosis = look("healthy")
    assert observations.second_opinions == observations.not_observed == ()
    assert "s2n" not in diagnosis.to_json().decode()


def test_where_it_cannot_be_asked_that_is_not_examined(library: Put) -> None:
    library("This awscrt is another.")
    observations, diagnosis = look("healthy")
    assert (observations.second_opinions, diagnosis.verdict.status) == ((), "ok")
    (left_out,) = [n for n in diagnosis.not_examined if n.why == "This awscrt is another."]
    assert left_out.what.startswith("what AWS's own TLS library makes of origin.shop.example:443 at ")


@pytest.mark.parametrize("error", ["CLOSED", "IO", "NOT_CONNECTED", "TIMEOUT"])
def test_an_ending_without_a_word_is_looked_at_again_alone(library: Put, error: str) -> None:
    questions = library({"error": error}, {"connected": True, "version": 0x0304})
    observations, _ = look("healthy")
    assert [o.connected for o in observations.second_opinions] == [True]
    assert len(questions) == 2


def test_what_it_says_is_not_asked_twice(library: Put) -> None:
    questions = library({"error": "CERT_EXPIRED"})
    observations, diagnosis = look("healthy")
    assert [o.error for o in observations.second_opinions] == ["CERT_EXPIRED"]
    assert len(questions) == 1
    assert [f.code for f in diagnosis.findings if f.status is cf.Status.WARNING] == ["tls_protocol.s2n_fails"]
    assert diagnosis.verdict.status == "ok"


@asked
def test_it_does_not_run_into_a_limit_of_one_connection() -> None:
    with Servers() as servers, lab.start("healthy") as running:
        behind = running.origins[0].addresses[0][443]
        address, port = middlebox.listen(servers, behind, middlebox.AtMost(1))
        options = running.options | {"connect_to": [f"{lab.scenario.ORIGIN}:443:{address}:{port}"]}
        observations = cf.observe_sync(cf.Incident.load(**options))
    assert [o.error for o in observations.second_opinions] == [""]


def test_a_look_that_is_cancelled_ends_with_it(library: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    library()
    ended: list[str] = []

    async def cancelled() -> None:
        reached = asyncio.Event()

        async def observe(*_: object, **__: object) -> str:
            reached.set()
            try:
                return await asyncio.Future()
            finally:
                ended.append("yes")

        monkeypatch.setattr(s2n, "observe", observe)
        with lab.start("healthy") as running:
            task = asyncio.create_task(cf.observe(cf.Incident.load(**running.options)))
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert ended == ["yes"]


def test_a_recording_brings_its_opinion_along(library: Put) -> None:
    library({"error": "ALERT", "alert": 112})
    with lab.start("healthy") as running:
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
        live = cf.judge(incident, observations)
        observations.save(running.folder / "evidence.json")
        again = cf.diagnose_sync(cf.Incident.load(evidence=running.folder / "evidence.json"))
    assert again.findings == live.findings
    assert "tls_protocol.s2n_fails" in {f.code for f in again.findings}
