"""Ranking and the edge's path: which finding becomes the verdict, and what the path says behind a broken stage."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import socket
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Deviation,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
    Icmp,
    IdleEnd,
    Observations,
    Resolution,
    ResolutionOutcome,
)
from cfrunbook.findings import STAGES, Stage
from cfrunbook.observation import POLITE_HELLOS

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def custom_origin(name: str, domain: str) -> dict[str, Any]:
    return {
        "Id": name,
        "DomainName": domain,
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        },
    }


GROUP: dict[str, Any] = {
    "CallerReference": "x",
    "Comment": "",
    "Enabled": True,
    "Aliases": {"Quantity": 1, "Items": ["www.example.com"]},
    "Origins": {"Quantity": 2, "Items": [custom_origin("a", "a.example.com"), custom_origin("b", "b.example.com")]},
    "OriginGroups": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "pair",
                "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}},
                "Members": {"Quantity": 2, "Items": [{"OriginId": "a"}, {"OriginId": "b"}]},
            }
        ],
    },
    "DefaultCacheBehavior": {
        "TargetOriginId": "pair",
        "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    },
}


def connection(number: int, host: str, outcome: ConnectOutcome) -> Connection:
    return Connection(id=f"connection-{number}", host=host, port=443, address=f"198.51.100.{number}", outcome=outcome)


def seen(*connections: Connection, **more: Any) -> Observations:
    return Observations(recorded_at=NOW, connections=connections, **more)


def incident(document: dict[str, Any] | None = None, **more: Any) -> cf.Incident:
    return cf.Incident.load(distribution=document or GROUP, url="https://www.example.com/", **more)


def test_public_names_are_what_they_say_whatever_was_imported_first() -> None:
    for name in cf.__all__:
        assert getattr(cf, name) is not None
    assert all(callable(f) for f in (cf.diagnose, cf.diagnose_sync, cf.judge, cf.observe, cf.observe_sync))


def test_the_primary_origin_comes_before_the_secondary() -> None:
    observations = seen(
        connection(1, "a.example.com", ConnectOutcome.REFUSED), connection(2, "b.example.com", ConnectOutcome.REFUSED)
    )
    diagnosis = cf.judge(incident(), observations)
    assert diagnosis.verdict.target == "a:443"
    assert diagnosis.findings[0].target == "a:443"
    assert diagnosis.findings[0].code == diagnosis.verdict.code == "port.refused"


@pytest.fixture(scope="module")
def healthy() -> Observations:
    """A real look at a healthy origin, whose parts the tests move to other names."""
    with lab.start("healthy") as running:
        return cf.observe_sync(cf.Incident.load(**running.options))


def well(healthy: Observations, host: str, number: int, *, port: int = 443) -> tuple[Connection, Handshake]:
    """Return what a healthy origin `host` shows at one address."""
    where = {"host": host, "port": port, "address": f"198.51.100.{number}", "connected_to": ""}
    hello = next(h for h in healthy.handshakes if h.sni == "origin.shop.example")
    return (
        msgspec.structs.replace(healthy.connections[0], id=f"connection-{number}", **where),
        msgspec.structs.replace(hello, id=f"handshake-{number}", sni=host, **where),
    )


def group(*codes: int) -> dict[str, Any]:
    document = copy.deepcopy(GROUP)
    document["OriginGroups"]["Items"][0]["FailoverCriteria"]["StatusCodes"] = {
        "Quantity": len(codes),
        "Items": list(codes),
    }
    return document


def judged(healthy: Observations, a: str, b: str, *codes: int) -> cf.Diagnosis:
    """Judge a group of which each member is `well`, refuses or drops (only the names differ from the real look)."""
    connections: list[Connection] = []
    handshakes: list[Handshake] = []
    outcomes = {
        "refused": ConnectOutcome.REFUSED,
        "dropped": ConnectOutcome.TIMEOUT,
        "local drop": ConnectOutcome.TIMEOUT,
    }
    for number, (host, state) in enumerate((("a.example.com", a), ("b.example.com", b)), 1):
        if state == "well":
            connected, hello = well(healthy, host, number)
            connections.append(connected)
            handshakes.append(hello)
        else:
            tried = connection(number, host, outcomes[state])
            local = (
                "127.0.0.1:5" if state.startswith("local") else ""
            )  # with nothing in between, silence is the origin's
            connections.append(msgspec.structs.replace(tried, connected_to=local))
    return cf.judge(incident(group(*codes)), seen(*connections, handshakes=tuple(handshakes)))


@pytest.mark.parametrize(
    ("a", "b", "codes", "status", "target", "says"),
    [
        ("refused", "refused", (502, 503, 504), "fault", "a:443", "Failover does not help"),
        ("refused", "dropped", (502, 503, 504), "fault", "a:443", "Failover does not help"),
        ("refused", "refused", (500, 502), "fault", "a:443", "503 is not among its status codes (500 and 502)"),
        ("dropped", "refused", (502, 503, 504), "unknown", "a:443", "Inconclusive"),
        ("local drop", "refused", (502, 504), "fault", "a:443", "503 is not among its status codes (502 and 504)"),
    ],
)
def test_what_a_group_makes_of_broken_members(
    healthy: Observations, a: str, b: str, codes: tuple[int, ...], status: str, target: str, says: str
) -> None:
    verdict = judged(healthy, a, b, *codes).verdict
    assert (verdict.status, verdict.target) == (status, target)
    assert says in verdict.sentence


def test_ok_needs_everything_that_cloudfront_would_do_to_have_been_tried() -> None:
    with lab.start("healthy") as running:
        loaded = cf.Incident.load(**running.options)
        whole = cf.observe_sync(loaded)
    assert cf.judge(loaded, whole).verdict.status == "ok"
    for lacking in (
        msgspec.structs.replace(whole, exchanges=()),
        msgspec.structs.replace(
            whole, exchanges=tuple(msgspec.structs.replace(e, sni="other.example") for e in whole.exchanges)
        ),
        msgspec.structs.replace(whole, handshakes=()),
        msgspec.structs.replace(whole, handshakes=(), connections=()),
        msgspec.structs.replace(whole, handshakes=tuple(h for h in whole.handshakes if h.sni is None)),
        msgspec.structs.replace(
            whole,
            resolutions=(
                Resolution(
                    id="resolution-1",
                    name="origin.shop.example",
                    resolver="system",
                    outcome=ResolutionOutcome.ANSWER,
                    ipv4=("127.0.0.1", "198.51.100.99"),
                ),
            ),
        ),
    ):
        diagnosis = cf.judge(loaded, lacking)
        assert diagnosis.verdict.status == "unknown", diagnosis.verdict.sentence
        assert any("not tried" in n.why for n in diagnosis.not_examined)


def test_where_the_name_did_not_resolve_nobody_is_told_to_connect_again() -> None:
    loaded = cf.Incident.load(origin="gone.example.com")
    gone = Resolution(id="resolution-1", name="gone.example.com", resolver="system", outcome=ResolutionOutcome.NXDOMAIN)
    diagnosis = cf.judge(
        loaded, Observations(vantage="here", recorded_at=NOW, inputs=loaded.inputs, resolutions=(gone,))
    )
    (behind,) = [n for n in diagnosis.not_examined if n.what.startswith("everything behind name resolution")]
    assert behind.why == "no IPv4 address was found for gone.example.com, so there was nothing to connect to"
    assert "--evidence" not in behind.next_check


def test_a_recording_of_another_name_does_not_clear_this_one() -> None:
    with lab.start("healthy") as running:
        loaded = cf.Incident.load(**running.options)
        recording = running.folder / "evidence.json"
        cf.observe_sync(loaded).save(recording)
        other = cf.Incident.load(evidence=recording, host="never.example.net")
    verdict = cf.diagnose_sync(other).verdict
    assert verdict.status == "unknown"
    assert "never.example.net" in verdict.sentence


def test_an_intermittent_fault_says_so_in_the_verdict() -> None:
    document = copy.deepcopy(GROUP)
    document["DefaultCacheBehavior"]["TargetOriginId"] = "a"
    some = (
        connection(1, "a.example.com", ConnectOutcome.REFUSED),
        connection(2, "a.example.com", ConnectOutcome.CONNECTED),
    )
    verdict = cf.judge(incident(document), seen(*some)).verdict
    assert verdict.sentence.endswith("some requests fail. CloudFront answers 502 to those.")


def test_the_first_broken_stage_is_the_root_and_what_lies_behind_is_not_reached() -> None:
    diagnosis = cf.judge(incident(), seen(connection(1, "a.example.com", ConnectOutcome.REFUSED)))
    path = next(p for p in diagnosis.paths if p.target == "a:443")
    assert [s.stage for s in path.stages] == list(STAGES)
    by_stage = {s.stage: s.status for s in path.stages}
    assert by_stage[Stage.DISTRIBUTION] == by_stage[Stage.BEHAVIOR] == by_stage[Stage.ORIGIN] == "ok"
    assert by_stage[Stage.TCP] == "fault"
    assert {by_stage[s] for s in (Stage.TLS, Stage.CERTIFICATE, Stage.NAME, Stage.HTTP)} == {"not_reached"}
    assert diagnosis.stages == path.stages


def test_dropped_from_one_vantage_point_is_inconclusive_with_a_next_check() -> None:
    diagnosis = cf.judge(incident(), seen(connection(1, "a.example.com", ConnectOutcome.TIMEOUT)))
    assert diagnosis.verdict.status == "unknown"
    assert diagnosis.verdict.sentence.startswith("Inconclusive")
    assert diagnosis.verdict.next_check


def test_no_evidence_is_no_verdict() -> None:
    diagnosis = cf.judge(incident(), seen())
    assert diagnosis.verdict.status == "unknown"
    assert diagnosis.verdict.cloudfront_status is None


def test_our_own_missing_ipv6_is_never_the_origins_fault() -> None:
    document = copy.deepcopy(GROUP)
    for origin in document["Origins"]["Items"]:
        origin["CustomOriginConfig"]["IpAddressType"] = "dualstack"
    local = Connection(
        id="connection-1", host="a.example.com", port=443, address="2001:db8::1", outcome=ConnectOutcome.NO_LOCAL_ROUTE
    )
    diagnosis = cf.judge(incident(document), seen(local))
    assert diagnosis.verdict.status == "unknown"
    assert all(f.status is not cf.Status.FAULT for f in diagnosis.findings)


def test_judging_is_pure_and_its_json_is_the_same_each_time() -> None:
    with lab.start("certificate-wrong-order") as running:
        loaded = cf.Incident.load(**running.options)
        observations = cf.observe_sync(loaded)
    assert cf.judge(loaded, observations).to_json() == cf.judge(loaded, observations).to_json()


def test_diagnose_sync_works_inside_a_running_loop() -> None:
    async def notebook() -> str:
        with lab.start("healthy") as running:
            return cf.diagnose_sync(cf.Incident.load(**running.options)).verdict.status

    assert asyncio.run(notebook()) == "ok"


def test_a_silent_origin_costs_one_deadline_however_many_names_there_are() -> None:
    document = copy.deepcopy(GROUP)
    names = [f"www{n}.example.com" for n in range(40)]
    document["Aliases"] = {"Quantity": len(names), "Items": names}
    document["DefaultCacheBehavior"]["OriginRequestPolicyId"] = "216adef6-5c7f-47e4-b989-5492eafa07d3"  # AllViewer
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        port = silent.getsockname()[1]
        loaded = cf.Incident.load(
            distribution=document, origin="a", connect_to=[f"a.example.com:443:127.0.0.1:{port}"], deadline=0.2
        )
        observations = cf.observe_sync(loaded)
    assert 1 <= len(observations.handshakes) <= 1 + POLITE_HELLOS
    assert {h.outcome for h in observations.handshakes} == {HandshakeOutcome.TIMEOUT}
    assert any("got no answer within the deadline" in n.why for n in observations.not_observed)
    assert any("40 names" in n.what for n in cf.judge(loaded, observations).not_examined)


def test_one_request_goes_to_each_address_and_no_more() -> None:
    with lab.start("one-address-of-three-expired") as running:
        observations = cf.observe_sync(cf.Incident.load(**running.options))
    places = [(e.address, e.connected_to) for e in observations.exchanges]
    assert len(places) == len(set(places)) == 3
    assert {e.request for e in observations.exchanges} == {"GET /cart HTTP/1.1\nHost: origin.shop.example"}


@pytest.mark.parametrize("name", ["tls-protocol-old-only", "port-refused", "port-silent", "port-wrong-service"])
def test_no_request_is_tried_where_the_hello_failed(name: str) -> None:
    with lab.start(name, deadline=0.3) as running:
        assert cf.observe_sync(cf.Incident.load(**running.options)).exchanges == ()


@pytest.mark.parametrize("pace", ["polite", "fast"])
def test_every_name_and_no_name_is_asked_at_either_pace(pace: str) -> None:
    with lab.start("healthy") as running:
        observations = cf.observe_sync(cf.Incident.load(**running.options, pace=pace))
    assert {h.sni for h in observations.handshakes} >= {None, "origin.shop.example"}
    assert [h.id for h in observations.handshakes] == [
        f"handshake-{n}" for n in range(1, len(observations.handshakes) + 1)
    ]


DOMAINS = st.sampled_from(["a.example.com", "b.example.com", "elsewhere.example"])
ADDRESSES = st.sampled_from(["198.51.100.1", "2001:db8::1", "10.0.0.1", "127.0.0.1", "not an address", ""])
PORTS = st.sampled_from([80, 443])
TEXTS = st.text(max_size=40)


def numbered(kind: str, items: Any) -> Any:
    return items.map(lambda many: tuple(msgspec.structs.replace(o, id=f"{kind}-{n}") for n, o in enumerate(many, 1)))


ANYTHING = st.builds(
    Observations,
    recorded_at=st.just(NOW),
    resolutions=numbered(
        "resolution",
        st.lists(
            st.builds(
                Resolution,
                id=st.just(""),
                name=DOMAINS,
                resolver=TEXTS,
                outcome=st.sampled_from(ResolutionOutcome),
                ipv4=st.tuples(ADDRESSES) | st.just(()),
                ipv6=st.tuples(ADDRESSES) | st.just(()),
                detail=TEXTS,
            ),
            max_size=2,
        ),
    ),
    connections=numbered(
        "connection",
        st.lists(
            st.builds(
                Connection,
                id=st.just(""),
                host=DOMAINS,
                port=PORTS,
                address=ADDRESSES,
                connected_to=st.sampled_from(["", "127.0.0.1:5", "[::1]:5"]),
                outcome=st.sampled_from(ConnectOutcome),
                icmp=st.none() | st.builds(Icmp, type=st.integers(0, 255), code=st.integers(0, 255), reporter=TEXTS),
                detail=TEXTS,
            ),
            max_size=4,
        ),
    ),
    exchanges=numbered(
        "exchange",
        st.lists(
            st.builds(
                Exchange,
                id=st.just(""),
                host=DOMAINS,
                port=PORTS,
                address=ADDRESSES,
                scheme=st.sampled_from(["http", "https"]),
                sni=st.sampled_from(["a.example.com", None]),
                request=TEXTS,
                outcome=st.sampled_from(ExchangeOutcome),
                status_line=st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 502 Bad Gateway"]) | TEXTS,
                header_bytes=st.integers(0, 100_000),
                header_complete=st.booleans(),
                deviations=st.lists(st.tuples(st.sampled_from(Deviation), st.integers(0, 9)), max_size=2).map(tuple),
                end=st.none() | st.sampled_from(ExchangeEnd),
                tls_version=st.none() | st.integers(0, 0xFFFF),
                renegotiation_requested=st.booleans(),
                idle_end=st.none() | st.sampled_from(IdleEnd),
                detail=TEXTS,
                first_bytes=st.binary(max_size=64),
                service=TEXTS,
            ),
            max_size=2,
        ),
    ),
    handshakes=numbered(
        "handshake",
        st.lists(
            st.builds(
                Handshake,
                id=st.just(""),
                host=DOMAINS,
                port=PORTS,
                address=ADDRESSES,
                sni=st.sampled_from(["a.example.com", "www.example.com", None]),
                offer=st.just("cloudfront-TLSv1.2"),
                outcome=st.sampled_from(HandshakeOutcome),
                alert=st.none() | st.integers(0, 255),
                warnings=st.lists(st.integers(0, 255), max_size=2).map(tuple),
                version=st.none() | st.integers(0, 0xFFFF),
                cipher_suite=st.none() | st.integers(0, 0xFFFF),
                group=st.none() | st.integers(0, 0xFFFF),
                signature_scheme=st.none() | st.integers(0, 0xFFFF),
                certificates=st.lists(st.binary(max_size=40), max_size=3).map(tuple),
                client_certificate_requested=st.booleans(),
                first_bytes=st.binary(max_size=64),
                bytes_received=st.integers(0, 1000),
            ),
            max_size=4,
        ),
    ),
)


@given(ANYTHING)
def test_any_recording_is_judged_without_an_exception_and_the_verdict_is_founded(observations: Observations) -> None:
    diagnosis = cf.judge(incident(), observations)
    verdict = diagnosis.verdict
    if verdict.status == "fault":
        assert diagnosis.findings[0].code == verdict.code
        assert diagnosis.findings[0].status is cf.Status.FAULT
    else:
        # A secondary's fault does not speak while nobody knows about the primary.
        assert all(f.target == "b:443" for f in diagnosis.findings if f.status is cf.Status.FAULT)
    if verdict.status == "ok":
        assert any(f.status is cf.Status.OK for f in diagnosis.findings)
        assert not any(f.status is cf.Status.UNKNOWN for f in diagnosis.findings)
    for path in diagnosis.paths:
        assert len(path.stages) == len(STAGES)
    assert msgspec.json.decode(diagnosis.to_json(), type=cf.Diagnosis) == diagnosis
