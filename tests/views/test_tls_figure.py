"""The matrix of suites and the ladder say in words what they draw, for every way in which a hello can end."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from cfrunbook.causes.tls_capabilities import fold
from cfrunbook.cloudfront.origin_tls import P_256, P_521, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, X25519, offer
from cfrunbook.cloudfront.tls_offers import Beyond, beyond_offer, group_offer, suite_offer, version_offer
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations
from cfrunbook.views import figures, tables
from tests.views.test_figures import SVG, check

AES128, AES256, CHACHA20 = 0xC02F, 0xC030, 0xCCA8
ACCEPTED = {"version": TLS_1_2, "cipher_suite": AES128, "group": P_256, "bytes_received": 3000}


def hello(name: str = "cloudfront-TLSv1.2", **fields: Any) -> Handshake:
    told = {"outcome": HandshakeOutcome.HELLO} | fields
    where = {"host": "shop.example", "port": 443, "address": "192.0.2.1", "sni": "shop.example"}
    return Handshake(**{"id": name, "offer": name, **where, **told})


def alert(name: str = "cloudfront-TLSv1.2", number: int = 40) -> Handshake:
    return hello(name, outcome=HandshakeOutcome.ALERT, alert=number, bytes_received=7)


HEALTHY = (
    hello(**ACCEPTED),
    alert(version_offer(TLS_1_3).name, 70),
    hello(version_offer(TLS_1_2).name, **ACCEPTED),
    hello(suite_offer(TLS_1_2, AES256).name, **{**ACCEPTED, "cipher_suite": AES256}),
    alert(suite_offer(TLS_1_2, 0xC02B).name),
    hello(suite_offer(TLS_1_2, 0xC02C).name, outcome=HandshakeOutcome.TIMEOUT),
    hello(group_offer(TLS_1_2, X25519).name, **{**ACCEPTED, "group": X25519}),
    alert(version_offer(TLS_1_1).name, 70),
)
CHACHA20_ONLY = (
    alert(),
    *(alert(version_offer(v).name, 40 if v == TLS_1_2 else 70) for v in (TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3)),
    hello(beyond_offer(TLS_1_2, Beyond.SUITES).name, **{**ACCEPTED, "cipher_suite": CHACHA20}),
    hello(beyond_offer(TLS_1_2).name, **{**ACCEPTED, "cipher_suite": CHACHA20}),
)


def matrix(hellos: tuple[Handshake, ...], minimum: Any = "TLSv1.2") -> figures.Picture:
    return check(figures.suites(fold(hellos), offer(minimum), place="shop.example:443"))


def test_the_matrix_says_what_is_negotiated_accepted_refused_and_not_known() -> None:
    told = matrix(HEALTHY).alt
    assert told.startswith("shop.example:443: CloudFront's hello gets TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256.")
    of_12 = told[told.index("TLS 1.2: ") : told.index("TLS 1.1 (not offered")]
    assert "negotiated ECDHE-RSA-AES128-GCM-SHA256 and P-256" in of_12
    assert "accepted ECDHE-RSA-AES256-GCM-SHA384 and X25519" in of_12
    assert "refused ECDHE-ECDSA-AES128-GCM-SHA256;" in of_12
    assert "unknown ECDHE-ECDSA-AES256-GCM-SHA384;" in of_12
    assert "not asked ECDHE-RSA-AES128-SHA256" in of_12 or "not asked ECDHE-ECDSA-AES128-SHA256" in of_12
    assert "TLS 1.3: everything refused as a whole." in told
    assert "TLS 1.1 (not offered to this origin): everything refused as a whole." in told
    assert "TLS 1.0 (not offered to this origin): everything not asked." in told


def test_the_matrix_says_what_the_origin_takes_instead_once() -> None:
    told = matrix(CHACHA20_ONLY).alt
    assert told.count("is answered where a hello also offers ECDHE-RSA-CHACHA20-POLY1305") == 1
    assert "TLS 1.2: everything refused as a whole." in told, "nothing is said of a curve that was never the reason"


def test_the_matrix_frames_what_the_distribution_lets_cloudfront_offer() -> None:
    assert "not offered to this origin" not in matrix(HEALTHY, "TLSv1").alt
    assert "SSL 3.0" not in matrix(HEALTHY, "TLSv1").alt
    assert "SSL 3.0: everything not asked." in matrix(HEALTHY, "SSLv3").alt
    assert matrix(HEALTHY) == matrix(HEALTHY)


def test_the_matrix_of_nothing_asked_claims_nothing() -> None:
    told = matrix((hello("of another tool"),)).alt
    assert "no certain answer" in told
    assert "refused" not in told
    assert "accepted" not in told


def test_a_ladder_goes_as_far_as_the_certificates() -> None:
    seen = {**ACCEPTED, "certificates": (b"a" * 700, b"b" * 900), "signature_scheme": 0x0804, "warnings": (112,)}
    told = check(figures.ladder(hello(**seen))).alt
    steps = (
        "ClientHello (TLS 1.2 and TLS 1.3; 22 suites;",
        "Alert 112 (unrecognized_name) (a warning",
        "ServerHello (",
    )
    steps = (*steps, "Certificate (2 certificates, 1600 bytes)", "ServerKeyExchange (signed with rsa_pss_rsae_sha256)")
    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    assert "comes as far as the certificates: TLS 1.2, ECDHE-RSA-AES128-GCM-SHA256, P-256." in told
    assert "not reached" not in told


def test_a_ladder_shows_a_second_hello_and_a_client_certificate() -> None:
    seen = {"version": TLS_1_3, "cipher_suite": 0x1301, "group": X25519, "hello_retry": True, "certificates": (b"x",)}
    told = check(figures.ladder(hello(**seen, client_certificate_requested=True))).alt
    assert "HelloRetryRequest (asks for a key share of X25519): ok; ClientHello, once more" in told
    assert told.index("CertificateRequest") < told.index("Certificate (1 certificate, 1 bytes)")
    assert "whether it is demanded shows only later" in told


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (alert(), "Alert 40 (handshake_failure) (at byte 7 of the answer): fault; ServerHello: not reached"),
        (alert(number=40), "means: The server found no suite, curve or signature in common"),
        (alert(number=80), "Caddy and other Go servers have no certificate for the server name"),
        (alert(number=254), "Alert 254 (unassigned) means: The server ended the handshake."),
        (hello(outcome=HandshakeOutcome.CLOSED), "Connection closed (not one byte came back): fault; ServerHello: not"),
        (hello(outcome=HandshakeOutcome.RESET), "Connection reset (not one byte came back): fault"),
        (hello(outcome=HandshakeOutcome.TIMEOUT), "Silence (not one byte came back): could not tell"),
        (
            hello(outcome=HandshakeOutcome.NOT_CONNECTED, detail="refused"),
            "No TCP connection (refused): could not tell",
        ),
        (
            hello(outcome=HandshakeOutcome.NOT_TLS, first_bytes=b"HTTP/1.1 400", bytes_received=12),
            "Not TLS (at byte 12 of the answer; first bytes 48 54 54 50 2f 31 2e 31): fault",
        ),
        (
            hello(outcome=HandshakeOutcome.TRUNCATED, **{**ACCEPTED, "bytes_received": 900}),
            "P-256): ok; Cut off (at byte 900 of the answer): fault; Certificate: not reached. Cut off: the connection",
        ),
        (
            hello(outcome=HandshakeOutcome.MALFORMED, version=TLS_1_1, cipher_suite=0x2F, bytes_received=80),
            "Breaks the protocol (at byte 80 of the answer; it chooses TLS 1.1, AES128-SHA): fault; ServerHello: not",
        ),
        (hello(outcome=HandshakeOutcome.TOO_LARGE, **ACCEPTED, certificates=(b"x",)), "Too large (at byte 3000 of the"),
    ],
)
def test_a_ladder_ends_where_it_broke(seen: Handshake, said: str) -> None:
    assert said in check(figures.ladder(seen)).alt


@pytest.mark.parametrize("outcome", HandshakeOutcome)
def test_every_outcome_and_hostile_text_can_be_drawn(outcome: HandshakeOutcome, samples: dict[str, Any]) -> None:
    (hostile,) = samples["hostile"].observations.handshakes
    hellos = [
        msgspec.structs.replace(hostile, outcome=outcome),
        msgspec.structs.replace(hostile, outcome=outcome, alert=None, version=None, sni=None),
    ]
    drawn = [figures.ladder(one) for one in hellos]
    drawn.append(figures.suites(fold((hostile,)), offer("TLSv1.2"), place=hostile.host, note=hostile.detail))
    for picture in drawn:
        root = ElementTree.fromstring(picture.svg)
        assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "g", "path", "use", "defs", "clipPath", "rect"}
        assert root.attrib["aria-label"] == picture.alt


def recording(hellos: tuple[Handshake, ...], samples: dict[str, Any]) -> Observations:
    return msgspec.structs.replace(samples["fault"].observations, handshakes=hellos)


def test_the_table_of_hellos_holds_cloudfronts_own_and_the_others_are_summed_up(samples: dict[str, Any]) -> None:
    seen = recording((*HEALTHY, hello("of another tool")), samples)
    assert [row[3] for row in tables.handshakes(seen).rows] == ["cloudfront-TLSv1.2", "of another tool"]
    rows = {row[1]: row[2:] for row in tables.capabilities(seen).rows}
    assert rows["TLS 1.3"] == ("refused: alert 70 (protocol_version)", "–", "–", "–")
    assert rows["TLS 1.2"] == (
        "accepted",
        "ECDHE-RSA-AES128-GCM-SHA256 and ECDHE-RSA-AES256-GCM-SHA384",
        "P-256 and X25519",
        "–",
    )
    assert rows["TLS 1.0"][0] == "unknown: not asked"


@pytest.mark.parametrize(
    ("fields", "instead"),
    [
        ({"cipher_suite": CHACHA20}, "ECDHE-RSA-CHACHA20-POLY1305"),
        ({"group": P_521}, "P-521"),
        ({"signature_scheme": 0x0807}, "ed25519"),
        ({}, "–"),
    ],
)
def test_the_table_says_what_an_origin_takes_that_cloudfront_does_not_offer(
    fields: dict[str, int], instead: str, samples: dict[str, Any]
) -> None:
    answered = hello(beyond_offer(TLS_1_2).name, **{**ACCEPTED, **fields})
    seen = recording((alert(), alert(version_offer(TLS_1_2).name), answered), samples)
    assert {row[1]: row[5] for row in tables.capabilities(seen).rows}["TLS 1.2"] == instead


def test_nothing_is_summed_up_where_only_cloudfronts_hello_was_said(samples: dict[str, Any]) -> None:
    seen = recording((hello(**ACCEPTED),), samples)
    assert tables.capabilities(seen).rows == ()
    assert "What the origin accepts" not in [t.title for t in tables.observations(seen)]
