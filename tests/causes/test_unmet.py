"""Certificates that CloudFront's own hello does not get: which hellos get them, and what the two causes say of them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook import lab
from cfrunbook.causes import certificate, leaves, tls_name
from cfrunbook.causes.case import Case
from cfrunbook.causes.leaves import CLOUDFRONTS, Way
from cfrunbook.causes.unmet import unmet
from cfrunbook.cloudfront import tls_offers
from cfrunbook.cloudfront.origin_tls import SSL_3_0, TLS_1_0, TLS_1_2, TLS_1_3
from cfrunbook.cloudfront.targets import ServerName, Target, TlsMinimum
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations
from cfrunbook.findings import Finding, Status
from tests.x509.pki import DAY, NAME, NOW, Party, Pki, mint

PKI = Pki()
ELLIPTIC = [PKI.leaf, PKI.inter]
ELLIPTIC_OLD = [mint(NAME, PKI.inter, ends=-DAY), PKI.inter]
RSA = [mint(NAME, PKI.inter, key_kind="RSA 2048"), PKI.inter]
RSA_OLD = [mint(NAME, PKI.inter, key_kind="RSA 2048", ends=-3 * DAY), PKI.inter]
RSA_BARE = RSA[:1]
RSA_ELSEWHERE = [mint("www.other.test", PKI.inter, key_kind="RSA 2048", names=("www.other.test",)), PKI.inter]
ELSEWHERE = mint("www.other.test", PKI.inter, names=("www.other.test",))
RSA_SOON = [mint(NAME, PKI.inter, key_kind="RSA 2048", ends=3 * DAY), PKI.inter]
P_521 = [mint(NAME, PKI.inter, key_kind="P-521"), PKI.inter]

EXACT = "cloudfront-TLSv1.2"
V13, V12, V10 = (tls_offers.version_offer(v).name for v in (TLS_1_3, TLS_1_2, TLS_1_0))
RSA_13 = tls_offers.rsa_offer(TLS_1_3).name
RSA_SUITE = tls_offers.suite_offer(TLS_1_2, 0xC02F).name
BEYOND = tls_offers.beyond_offer(TLS_1_2).name


def hello(offer: str, sent: Sequence[Party], version: int = TLS_1_3, **more: Any) -> Handshake:
    told = {"address": "192.0.2.1", "sni": NAME, "outcome": HandshakeOutcome.HELLO, "id": f"{offer}/{len(sent)}"}
    ders = tuple(p.der for p in sent)
    return Handshake(host=NAME, port=443, offer=offer, version=version, certificates=ders, **told | more)


def refused(offer: str, number: int = 70) -> Handshake:
    return hello(offer, (), outcome=HandshakeOutcome.ALERT, alert=number)


def case(*handshakes: Handshake, minimum: TlsMinimum = "TLSv1.2") -> Case:
    name = ServerName(sni=NAME, host=NAME, acceptable=(NAME,), why="Origin Domain")
    where = {"id": "shop:443", "origin_id": "shop", "domain": NAME, "port": 443, "protocol": "https"}
    target = Target(**where, names=(name,), tls_minimum=minimum)  # type: ignore[arg-type]
    seen = Observations(recorded_at=NOW, handshakes=handshakes)
    return Case(target=target, observations=seen, at=NOW, roots=PKI.roots)


GOOD = (hello(EXACT, ELLIPTIC), hello(V13, ELLIPTIC))


def of(findings: Sequence[Finding], code: str) -> list[Finding]:
    return [f for f in findings if f.code == code]


@pytest.mark.parametrize(
    ("others", "ways", "meets", "problem"),
    [
        (
            [hello(V12, RSA_OLD, TLS_1_2)],
            ["TLS 1.2"],
            "wherever a server, a load balancer or a change leaves it TLS 1.2 without TLS 1.3",
            f"certificate 0 (leaf, CN={NAME}) expired 3 days ago",
        ),
        (
            [hello(RSA_13, RSA_OLD)],
            ["TLS 1.3 (RSA only)"],
            "if the ECDSA certificate went away",
            "expired 3 days ago",
        ),
        (
            [hello(V12, ELLIPTIC, TLS_1_2), hello(RSA_SUITE, RSA_BARE, TLS_1_2)],
            ["TLS 1.2 (RSA only)"],
            "if the ECDSA certificate went away",
            "the intermediate CN=Test CA 1 is missing",
        ),
        (
            [hello(RSA_13, RSA_OLD), hello(V12, RSA_OLD, TLS_1_2), hello(RSA_SUITE, RSA_OLD, TLS_1_2)],
            ["TLS 1.3 (RSA only)", "TLS 1.2"],
            "leaves it TLS 1.2 without TLS 1.3",
            "expired 3 days ago",
        ),
    ],
)
def test_a_bad_certificate_that_cloudfront_does_not_get_is_a_warning(
    others: list[Handshake], ways: list[str], meets: str, problem: str
) -> None:
    (warning,) = of(certificate.judge_case(case(*GOOD, *others)), "certificate.other_bad")
    assert warning.status is Status.WARNING
    assert warning.cloudfront_status is None
    assert warning.data["ways"] == ways
    assert meets in warning.meaning
    assert f"gets CN={NAME} (EC P-256, TLS 1.3)." in warning.meaning
    assert f"(CN={NAME}, RSA 2048; shown for {' and '.join(ways)}), and that one is bad: " in warning.title
    assert problem in warning.title
    assert {e.observation for e in warning.evidence} <= {h.id for h in others}
    assert warning.remedy.steps


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([hello(V12, RSA, TLS_1_2)], id="the other is good"),
        pytest.param([hello(V12, RSA_SOON, TLS_1_2)], id="the other is good for now"),
        pytest.param([hello(BEYOND, RSA_OLD, TLS_1_2)], id="CloudFront does not offer what it takes"),
        pytest.param([hello(V10, RSA_OLD, TLS_1_0)], id="the distribution does not allow that version"),
        pytest.param([hello(EXACT, RSA_OLD, sni=None)], id="CloudFront always sends a name"),
        pytest.param([hello("of another tool", RSA_OLD)], id="not our hello"),
        pytest.param([hello(V12, RSA_OLD, TLS_1_2, sni="www.other.test")], id="not a name of this origin"),
        pytest.param([refused(V12)], id="refused"),
        pytest.param([], id="nothing else was asked"),
    ],
)
def test_what_cloudfront_cannot_meet_or_would_accept_is_no_warning(others: list[Handshake]) -> None:
    found = certificate.judge_case(case(*GOOD, *others)) + tls_name.judge_case(case(*GOOD, *others))
    assert {f.status for f in found} <= {Status.OK, Status.INFO}


def test_a_version_that_the_distribution_allows_counts() -> None:
    seen = (hello("cloudfront-TLSv1", ELLIPTIC), hello(V10, RSA_OLD, TLS_1_0))
    assert of(certificate.judge_case(case(*seen, minimum="TLSv1")), "certificate.other_bad")


def test_what_neither_version_nor_key_explains_are_servers_that_differ() -> None:
    seen = [hello(V13, ELLIPTIC), hello("suite-TLSv1.3-1302", ELLIPTIC), hello("group-TLSv1.3-P-384", ELLIPTIC_OLD)]
    found = certificate.judge_case(case(GOOD[0], *seen))
    assert not of(found, "certificate.other_bad")
    (differing,) = of(found, "certificate.differing")
    assert differing.status is Status.UNKNOWN
    assert differing.title.startswith(
        "In 1 of 3 comparable hellos came another certificate than CloudFront's hello got"
    )
    assert "seq 20" in differing.next_check


def test_one_of_two_addresses_is_named() -> None:
    good = [hello(o, ELLIPTIC, v, address="192.0.2.2") for o, v in ((EXACT, TLS_1_3), (V12, TLS_1_2))]
    (warning,) = of(certificate.judge_case(case(*GOOD, *good, hello(V12, RSA_OLD, TLS_1_2))), "certificate.other_bad")
    assert "bad on 1 of 2 addresses (192.0.2.1): " in warning.title
    assert "-connect 192.0.2.1:443" in warning.reproduce


def test_where_cloudfronts_hello_gets_nothing_the_certificates_of_its_parts_are_judged() -> None:
    found = certificate.judge_case(case(refused(EXACT, 40), hello(V12, RSA_OLD, TLS_1_2)))
    (warning,) = of(found, "certificate.other_bad")
    assert "gets no certificate at all." in warning.meaning
    assert "once its own hello is answered" in warning.meaning


def test_a_name_that_is_not_on_the_other_certificate_is_a_warning() -> None:
    found = tls_name.judge_case(case(*GOOD, hello(V12, RSA_ELSEWHERE, TLS_1_2)))
    assert of(found, "tls_name.ok")
    (warning,) = of(found, "tls_name.other_mismatch")
    assert warning.status is Status.WARNING
    assert f"that one does not carry {NAME}: it is for www.other.test." in warning.title
    assert "-tls1_2 </dev/null" in warning.reproduce
    at_times = tls_name.judge_case(case(*GOOD, hello("suite-TLSv1.3-1302", [ELSEWHERE])))
    assert [f.code for f in at_times if f.status is Status.UNKNOWN] == ["tls_name.differing"]


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ([], "a change without TLS 1.3 makes this a 502."),
        ([refused(V12, 40)], "a 502. Here TLS 1.2 is refused already."),
        ([hello(V12, RSA, TLS_1_2)], "Here TLS 1.2 is answered with another certificate (RSA 2048)"),
    ],
)
def test_a_p521_key_needs_tls_1_3_and_it_is_said_what_tls_1_2_brings(others: list[Handshake], says: str) -> None:
    (warning,) = of(certificate.judge_case(case(hello(EXACT, P_521), *others)), "certificate.key_needs_tls_1_3")
    assert warning.status is Status.WARNING
    assert says in warning.meaning


def test_the_ways_of_one_leaf_are_told_by_server_name_without_what_goes_without_saying() -> None:
    seen = [hello(o, ELLIPTIC, v) for o, v in ((V12, TLS_1_2), ("suite-TLSv1.2-C02B", TLS_1_2), (EXACT, TLS_1_3))]
    other = hello(RSA_SUITE, RSA, TLS_1_2)
    first, second = leaves.shown([other, *seen, hello(EXACT, ELLIPTIC, sni=None), hello(BEYOND, RSA_OLD)])
    assert (first.kind, second.kind) == ("ECDSA", "RSA")
    assert first.ways == {NAME: (CLOUDFRONTS, Way(TLS_1_2)), None: (CLOUDFRONTS,)}
    assert second.ways == {NAME: (Way(TLS_1_2, "RSA"),)}
    assert [str(w) for w in (CLOUDFRONTS, Way(TLS_1_3), Way(SSL_3_0, "RSA"))] == [
        "CloudFront's hello",
        "TLS 1.3",
        "SSL 3.0 (RSA only)",
    ]


def test_every_question_has_a_way_unless_it_goes_beyond() -> None:
    for name in tls_offers._questions():
        assert (leaves.way_of(hello(name, ())) is None) == name.startswith("beyond-")


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(("way", "number"), [(Way(TLS_1_3), 0), (Way(TLS_1_3, "RSA"), 1), (Way(TLS_1_2), 1)])
def test_openssl_asks_the_same_way(way: Way, number: int) -> None:
    with lab.start("healthy-two-certificates") as running:
        service = running.setup.origin.addresses[0][443]
        chains = [service.chain, service.beside]  # type: ignore[union-attr]
        address, port = running.origins[0].addresses[0][443]
        command = ["openssl", "s_client", "-connect", f"{address}:{port}", *way.openssl.split()]
        asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    assert chains[number].sent[0].pem in asked.stdout


offers = st.sampled_from(sorted(tls_offers._questions()))
chains = st.sampled_from([(), ELLIPTIC, RSA, RSA_OLD, RSA_ELSEWHERE, P_521])


@given(st.lists(st.tuples(offers, chains, st.sampled_from([None, 0, TLS_1_2, TLS_1_3, 0xFFFF])), max_size=8))
def test_judging_never_fails_and_calls_nothing_a_fault_that_cloudfront_does_not_get(answers: list[Any]) -> None:
    seen = case(*(hello(*answer, id=f"h{n}") for n, answer in enumerate(answers)))
    got = {h.certificates for h in seen.handshakes}
    assert not got & {other.hellos[0].certificates for other in unmet(seen)}
    assert faults(seen) == faults(case(*seen.handshakes))


def faults(seen: Case) -> set[str]:
    found = certificate.judge_case(seen) + tls_name.judge_case(seen)
    return {f.code for f in found if f.status is Status.FAULT}
