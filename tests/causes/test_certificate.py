"""The cause "certificate": one table of chains and codes; then cases of several hellos; then the promises."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.causes import certificate
from cfrunbook.causes.case import Case
from cfrunbook.causes.certificate import RULES, judge, judge_case
from cfrunbook.cloudfront.origin_tls import offer
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations, Resolution, ResolutionOutcome
from cfrunbook.findings import Finding, Status
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tls.flight import Flight
from cfrunbook.x509 import roots
from cfrunbook.x509.roots import from_der, from_pem
from tests.x509.pki import CLIENT, DAY, NAME, NOW, SERVER, Party, Pki, mint, openssl_verify, usage, weaken

HOUR = DAY / 24
PKI = Pki()
ROOT, INTER, LEAF = PKI.root, PKI.inter, PKI.leaf
STRANGER = mint("Stranger", ca=True)
RSA_CA = mint("RSA CA", ROOT, ca=True, key_kind="RSA 2048")
OTHERS_ONLY = x509.NameConstraints([x509.DNSName("other.test")], None)
CONSTRAINED = mint("Constrained CA", ROOT, ca=True, extra=[(OTHERS_ONLY, True)])
AIA = "http://ca.test/1.cer"
OK = {"path_ok": "ok", "delivery_ok": "ok"}
UNKNOWN_CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")


def conclude(sent: Sequence[Party | bytes], **more: object) -> tuple[Finding, ...]:
    ders = [s if isinstance(s, bytes) else s.der for s in sent]
    return judge(ders, names=[NAME], **({"roots": PKI.roots, "host": NAME, "at": NOW} | more))  # type: ignore[arg-type]


def codes(findings: Sequence[Finding]) -> dict[str, str]:
    return {f.code.removeprefix("certificate."): f.status.value for f in findings}


@pytest.mark.parametrize(
    ("sent", "expected", "says"),
    [
        ([LEAF, INTER], OK, f"CN={NAME} leads to the trusted root CN=Test Root, all valid until 2027-01-21"),
        (
            [mint(NAME, INTER, ends=-3 * DAY), INTER],
            {"expired": "fault", "delivery_ok": "ok"},
            f"Certificate 0 (leaf, CN={NAME}) expired 3 days ago, on 2026-11-19 12:00 UTC.",
        ),
        (
            [LEAF, mint("Test CA 1", ROOT, ca=True, ends=-DAY / 24)],
            {"expired": "fault", "delivery_ok": "ok"},
            "Certificate 1 (intermediate, CN=Test CA 1) expired 1 hour ago",
        ),
        (
            [mint(NAME, INTER, begins=2 * DAY), INTER],
            {"not_yet_valid": "fault", "delivery_ok": "ok"},
            "is not valid before 2026-11-24 12:00 UTC, 2 days from now",
        ),
        (
            [mint(NAME, INTER, ends=5 * DAY), INTER],
            {"expires_soon": "warning", **OK},
            "expires in 5 days, on 2026-11-27 12:00 UTC",
        ),
        ([mint(NAME)], {"self_signed": "fault"}, f"Certificate 0 (leaf, CN={NAME}) is signed by itself"),
        (
            [mint(NAME, STRANGER), STRANGER],
            {"untrusted_root": "fault"},
            "The chain ends at CN=Stranger, which is not a trusted root in test-roots.pem.",
        ),
        (
            [mint(NAME, mint("Corp CA", STRANGER, ca=True)), mint("Corp CA", STRANGER, ca=True)],
            {"private_ca": "fault"},
            "was issued by CN=Stranger, which is not sent and not known to test-roots.pem",
        ),
        (
            [mint(NAME, mint("Test Root", ca=True, number=7))],
            {"private_ca": "fault"},
            "was issued by CN=Test Root",
        ),
        (
            [mint(NAME, INTER, aia=AIA)],
            {"missing_intermediate": "fault"},
            f"The intermediate CN=Test CA 1 is missing: it issued certificate 0 (CN={NAME}) but is not sent.",
        ),
        ([LEAF], {"missing_intermediate": "fault"}, "CN=Test CA 1 is missing"),
        (
            [LEAF, mint("Test CA 1", ROOT, ca=True, number=8)],
            {"wrong_intermediate": "fault"},
            "Certificate 1 (CN=Test CA 1) has the issuer's name but another key",
        ),
        (
            [LEAF, ROOT, INTER],
            {"wrong_order": "fault", "root_included": "info", "path_ok": "ok"},
            f"sent is 0 ({NAME}), 1 (Test Root) and 2 (Test CA 1), right is 0 ({NAME}) and 2 (Test CA 1)",
        ),
        (
            [INTER, LEAF],
            {"wrong_order": "fault", "path_ok": "ok"},
            "wrong order, the leaf not first but as number 1:",
        ),
        ([LEAF, LEAF, INTER], {"duplicate": "warning", **OK}, "Certificate 1 repeats certificate 0."),
        (
            [LEAF, INTER, STRANGER],
            {"unrelated": "warning", **OK},
            f"Certificate 2 (CN=Stranger) does not belong to the chain of CN={NAME}.",
        ),
        ([LEAF, INTER, ROOT], {"root_included": "info", **OK}, "Certificate 2 is the root CN=Test Root itself"),
        (
            [mint(NAME, INTER, eku=[CLIENT]), INTER],
            {"wrong_usage": "fault", "delivery_ok": "ok"},
            "is for clientAuth, not for serverAuth",
        ),
        (
            [mint(NAME, INTER, key_usage=usage("key_cert_sign")), INTER],
            {"wrong_usage": "fault", "delivery_ok": "ok"},
            "has the key usage keyCertSign, none for a TLS server",
        ),
        (
            [mint(NAME, mint("No CA", INTER)), mint("No CA", INTER), INTER],
            {"not_a_ca": "fault", "delivery_ok": "ok"},
            "Certificate 1 (intermediate, CN=No CA) issued another certificate but is not a CA",
        ),
        (
            [mint(NAME, INTER, extra=[(UNKNOWN_CRITICAL, True)]), INTER],
            {"critical_extension": "fault", "delivery_ok": "ok"},
            "has the unknown critical extension 1.2.3",
        ),
        (
            [weaken(mint(NAME, RSA_CA), RSA_CA, "SHA-1"), RSA_CA],
            {"weak_signature": "fault", "delivery_ok": "ok"},
            "is signed with sha1WithRSAEncryption",
        ),
        (
            [weaken(mint(NAME, RSA_CA), RSA_CA, "MD5"), RSA_CA],
            {"weak_signature": "fault", "delivery_ok": "ok"},
            "is signed with md5WithRSAEncryption",
        ),
        (
            [mint(NAME, INTER, key_kind="Ed25519"), INTER],
            {"key_unsupported": "fault", "delivery_ok": "ok"},
            "has the key Ed25519, which CloudFront does not support",
        ),
        (
            [mint(NAME, INTER, key_kind="Ed448"), INTER],
            {"key_unsupported": "fault", "delivery_ok": "ok"},
            "has the key Ed448",
        ),
        ([mint(NAME, INTER, key_kind="RSA 1024"), INTER], {"weak_key": "warning", **OK}, "has the key RSA 1024"),
        ([mint(NAME, INTER, key_kind="P-384"), INTER], {"key_undocumented": "warning", **OK}, "has the key EC P-384"),
        ([mint(NAME, INTER, key_kind="RSA 2048"), INTER], OK, "leads to the trusted root"),
        ([mint(NAME, INTER, names=()), INTER], OK, "leads to the trusted root"),  # only a common name: tls_name's
        (
            [mint(NAME, INTER, aki=False), INTER],
            {"other": "unknown", "delivery_ok": "ok"},
            "2.5.29.35",
        ),
        (
            [mint(NAME, CONSTRAINED), CONSTRAINED],
            {"name_constraints": "fault", "delivery_ok": "ok"},
            f"A CA above CN={NAME} is not allowed to issue certificates for its names",
        ),
        ([b"junk", INTER], {"unparseable": "fault"}, "these 4 bytes are no certificate: truncated"),
        ([LEAF, b""], {"unparseable": "fault", "missing_intermediate": "fault"}, "these 0 bytes are no certificate"),
        ([], {"none_sent": "fault"}, "empty list of certificates"),
        (
            [LEAF, INTER, *[mint("Stranger", ca=True, number=n) for n in range(7)]],
            {"unrelated": "warning", "too_many": "warning", **OK},
            "and 1 more do not belong",
        ),
    ],
)
def test_codes(sent: Sequence[Party | bytes], expected: dict[str, str], says: str) -> None:
    findings = conclude(sent)
    assert codes(findings) == expected
    assert any(says in f.title for f in findings), [f.title for f in findings]


def test_rsa_above_4096_bits_is_a_fault() -> None:
    # Making such a key takes seconds and its private half is not needed: any odd number will do.
    public = rsa.RSAPublicNumbers(65537, (1 << 8191) + 1).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(LEAF.certificate.subject)
        .issuer_name(LEAF.certificate.issuer)
        .public_key(public)
        .serial_number(5)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 60 * DAY)
    )
    for extension in LEAF.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    big = Party(builder.sign(INTER.key, hashes.SHA256()), None)
    (fault, *_) = conclude([big, INTER])
    assert fault.code == "certificate.key_unsupported"
    assert "RSA 8192" in fault.title


def test_p521_depends_on_the_tls_version() -> None:
    sent = [mint(NAME, INTER, key_kind="P-521"), INTER]
    assert "key_unsupported" in codes(conclude(sent, tls_version=0x0303))
    assert codes(conclude(sent, tls_version=0x0304)) == {"key_needs_tls_1_3": "warning", **OK}
    assert codes(conclude(sent)) == {"key_needs_tls_1_3": "warning", **OK}


def test_every_certificate_that_expired_is_named() -> None:
    sent = [mint(NAME, INTER, ends=-DAY), mint("Test CA 1", ROOT, ca=True, ends=-2 * DAY)]
    (expired, _) = conclude(sent)
    assert "Certificate 0 (leaf" in expired.title
    assert "certificate 1 (intermediate" in expired.title
    assert [(c["index"], c["role"]) for c in expired.data["certificates"]] == [(0, "leaf"), (1, "intermediate")]


def test_an_expired_trusted_root_is_named() -> None:
    old = mint("Old Root", ca=True, ends=-DAY)
    (expired, _) = conclude([mint(NAME, old)], roots=from_der([old.der], name="old.pem"))
    assert expired.code == "certificate.expired"
    assert "the trusted root CN=Old Root expired 1 day ago" in expired.title.lower().replace(
        "cn=old root", "CN=Old Root"
    )


def test_path_and_delivery_are_kept_apart() -> None:
    aspects = {f.code.removeprefix("certificate."): f.data["aspect"] for f in conclude([INTER, LEAF])}
    assert aspects == {"wrong_order": "delivery", "path_ok": "path"}
    assert conclude([LEAF])[0].data["aspect"] == "delivery"
    assert conclude([mint(NAME)])[0].data["aspect"] == "path"


def test_a_missing_intermediate_says_where_to_get_it_and_where_to_put_it() -> None:
    (missing,) = conclude([mint(NAME, INTER, aia=AIA + "?a=1&b='x'")])
    fetch = missing.remedy.steps[1]
    assert "directly after certificate 0" in missing.remedy.steps[0].text
    assert "curl -sS 'http://ca.test/1.cer?a=1&b='\"'\"'x'\"'\"''" in fetch.command
    assert missing.cloudfront_status == 502
    assert missing.reproduce.startswith(f"openssl s_client -connect {NAME}:443 -servername {NAME} </dev/null")


def test_the_right_order_is_written_out() -> None:
    two = mint("Test CA 2", INTER, ca=True)
    (wrong, *_) = conclude([mint(NAME, two), INTER, two])
    assert wrong.remedy.steps[0].command.splitlines()[1:] == [
        f"#   1. CN={NAME}",
        "#   2. CN=Test CA 2",
        "#   3. CN=Test CA 1",
    ]
    assert wrong.data["confidence"] == "medium"  # s2n-tls sorts; AWS documents a 502


OLD_ROOT = mint("Old Root", ca=True, ends=-30 * DAY)
NEW_ROOT = mint("New Root", ca=True)
CROSS_BY_OLD = mint("New Root", OLD_ROOT, ca=True, ends=-30 * DAY)
CROSS = mint("New Root", ROOT, ca=True)
ISSUING = mint("New CA", NEW_ROOT, ca=True)
UNDER_NEW = mint(NAME, ISSUING)


def test_a_dead_end_that_is_sent_before_the_way_is_a_fault_of_the_delivery() -> None:
    fault, path = conclude([UNDER_NEW, ISSUING, NEW_ROOT, CROSS])
    assert codes([fault, path]) == {"dead_end_first": "fault", "path_ok": "ok"}
    assert fault.title == (
        "Certificate 2 (CN=New Root, issued by CN=New Root) leads to no trusted root and is sent before certificate 3"
        " (the same CA, issued by CN=Test Root), which does."
    )
    assert (fault.data["aspect"], fault.data["confidence"]) == ("delivery", "medium")
    assert codes(conclude([UNDER_NEW, ISSUING, CROSS, NEW_ROOT])) == OK
    both = from_der([ROOT.der, NEW_ROOT.der], name="both")
    assert codes(conclude([UNDER_NEW, ISSUING, NEW_ROOT, CROSS], roots=both)) == {"root_included": "info", **OK}


def test_what_has_expired_aside_from_the_path_is_a_warning() -> None:
    trusted = from_der([NEW_ROOT.der], name="new")
    found = conclude([UNDER_NEW, ISSUING, CROSS_BY_OLD], roots=trusted)
    assert codes(found) == {"expired_aside": "warning", **OK}
    assert found[0].title == (
        "Certificate 2 (CN=New Root, issued by CN=Old Root) expired 30 days ago, on 2026-10-23 12:00 UTC; the chain"
        " holds without it."
    )


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (dt.datetime(9999, 12, 30, tzinfo=dt.UTC), "expires_soon"),
        (dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(-14 * HOUR)), "expired"),
        (dt.datetime(1, 1, 1, tzinfo=dt.timezone(14 * HOUR)), "not_yet_valid"),
    ],
)
def test_the_ends_of_the_calendar(at: dt.datetime, code: str) -> None:
    forever = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC) - NOW
    root = mint("Eternal", ca=True, ends=forever)
    found = conclude([mint(NAME, root, ends=forever)], at=at, roots=from_der([root.der], name="eternal"))
    assert code in codes(found)


@pytest.mark.parametrize(
    ("store", "option", "note"),
    [
        (
            from_pem(ROOT.pem, name="r.pem", path="/etc/my roots/r.pem"),
            "-CAfile '/etc/my roots/r.pem' </dev/null",
            False,
        ),
        (from_der([ROOT.der], name="r.pem"), f"-servername {NAME} </dev/null", True),
        (roots.mozilla(), f"-servername {NAME} </dev/null", False),
    ],
)
def test_the_trust_store_in_commands(store: roots.TrustStore, option: str, note: bool) -> None:
    (expired, *_) = conclude(OLD, roots=store)
    assert option in expired.verify.command.splitlines()[1]
    assert ("add -CAfile root.pem" in expired.verify.text) is note


def test_a_private_ca_under_mozilla_s_roots() -> None:
    assert codes(conclude([LEAF], roots=roots.mozilla())) == {"private_ca": "fault"}
    assert codes(conclude([mint(NAME, INTER, aia=AIA)], roots=roots.mozilla())) == {"missing_intermediate": "fault"}


# --- several hellos -----------------------------------------------------------------------------------------------

WWW = "www.shop.test"


def hello(
    number: int, sent: Sequence[Party], *, address: str = "192.0.2.1", sni: str | None = NAME, **more: object
) -> Handshake:
    settings_ = {"outcome": HandshakeOutcome.HELLO, "version": 0x0304, "offer": "cloudfront-TLSv1.2"} | more
    return Handshake(
        id=f"handshake-{number}",
        host=NAME,
        port=443,
        address=address,
        sni=sni,
        certificates=tuple(p.der for p in sent),
        **settings_,  # type: ignore[arg-type]
    )


def case(*handshakes: Handshake, uncertain: bool = False, protocol: str = "https") -> Case:
    names = [
        ServerName(sni=NAME, host=NAME, acceptable=(NAME,), why="Origin Domain"),
        ServerName(sni=WWW, host=WWW, acceptable=(WWW, NAME), why="Host is forwarded", certain=not uncertain),
    ]
    target = Target(
        id="shop:443",
        origin_id="shop",
        domain=NAME,
        port=443,
        protocol=protocol,
        names=tuple(names),  # type: ignore[arg-type]
    )
    return Case(
        target=target, observations=Observations(recorded_at=NOW, handshakes=handshakes), at=NOW, roots=PKI.roots
    )


GOOD, BARE, OLD = [LEAF, INTER], [LEAF], [mint(NAME, INTER, ends=-DAY), INTER]


def test_equal_chains_are_reported_once() -> None:
    found = judge_case(case(hello(1, BARE), hello(2, BARE, address="192.0.2.2"), hello(3, BARE, sni=WWW)))
    assert codes(found) == {"missing_intermediate": "fault"}
    (missing,) = found
    assert missing.title.endswith("is not sent.")
    assert missing.target == "shop:443"
    assert [e.observation for e in missing.evidence] == ["handshake-1"]
    assert not missing.data["intermittent"]


def test_one_address_of_three_is_an_intermittent_fault() -> None:
    found = judge_case(case(hello(1, GOOD), hello(2, BARE, address="192.0.2.2"), hello(3, GOOD, address="192.0.2.3")))
    assert codes(found) == {"missing_intermediate": "fault", **OK}
    missing = found[0]
    assert missing.title.endswith(" on 1 of 3 addresses (192.0.2.2); some requests fail.")
    assert "intermittent" in missing.meaning
    assert "-connect 192.0.2.2:443" in missing.reproduce
    assert found[1].title.endswith(" on 2 of 3 addresses (192.0.2.1 and 192.0.2.3).")


def test_a_fault_for_one_server_name_names_it() -> None:
    (missing, *_) = judge_case(case(hello(1, GOOD), hello(2, BARE, sni=WWW)))
    assert f"(when asked for {WWW})" in missing.title
    assert f"-servername {WWW}" in missing.reproduce
    assert not missing.data["intermittent"]


def test_a_fault_for_a_name_that_may_not_be_sent_is_unknown() -> None:
    (missing, *_) = judge_case(case(hello(1, GOOD), hello(2, BARE, sni=WWW), uncertain=True))
    assert missing.status is Status.UNKNOWN
    assert missing.cloudfront_status is None
    assert "--policies" in missing.next_check
    assert f"whether CloudFront sends {WWW} is not certain" in missing.title


def uncertain(*handshakes: Handshake) -> Case:
    """Return a case in which CloudFront may send either name."""
    given = case(*handshakes, uncertain=True)
    names = tuple(msgspec.structs.replace(n, certain=False) for n in given.target.names)
    return msgspec.structs.replace(given, target=msgspec.structs.replace(given.target, names=names))


@pytest.mark.parametrize(
    ("handshakes", "status", "why"),
    [
        ([hello(1, BARE), hello(2, BARE, sni=WWW)], Status.FAULT, "whatever is sent"),
        ([hello(1, BARE), hello(2, OLD, sni=WWW)], Status.FAULT, "the other name fares no better"),
        ([hello(1, BARE), hello(2, (), sni=WWW, outcome=HandshakeOutcome.ALERT)], Status.FAULT, "nor is it served"),
        ([hello(1, BARE), hello(2, GOOD, sni=WWW)], Status.UNKNOWN, "the other name is fine"),
        ([hello(1, BARE), hello(2, GOOD, sni=WWW, address="192.0.2.2")], Status.FAULT, "elsewhere does not count"),
        ([hello(1, BARE), hello(2, GOOD, sni=None)], Status.FAULT, "CloudFront always sends a name"),
    ],
)
def test_names_that_may_not_be_sent_only_matter_where_one_fares_better(
    handshakes: list[Handshake], status: Status, why: str
) -> None:
    missing = next(f for f in judge_case(uncertain(*handshakes)) if f.code == "certificate.missing_intermediate")
    assert missing.status is status, why
    assert missing.data["confidence"] == ("medium" if status is Status.FAULT else "low")
    assert bool(missing.next_check) is (status is Status.UNKNOWN)


def test_a_certain_name_speaks_before_one_that_may_not_be_sent() -> None:
    refused = hello(1, (), outcome=HandshakeOutcome.ALERT, alert=112)
    (missing,) = judge_case(case(refused, hello(2, BARE, sni=WWW), uncertain=True))
    assert missing.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("ip_address_type", "address", "connected_to", "expected"),
    [
        ("ipv4", "2001:db8::1", "", OK),
        ("ipv6", "192.0.2.9", "", {}),
        ("dualstack", "2001:db8::1", "", {"expired": "fault", **OK}),
        ("ipv4", "::1", "[::1]:8443", {"expired": "fault", **OK}),  # where --connect-to leads counts
        ("ipv6", "127.0.0.1", "127.0.0.1:8443", {"expired": "fault", "delivery_ok": "ok"}),
        ("ipv4", "not an address", "", {"expired": "fault", **OK}),
    ],
)
def test_addresses_of_a_family_that_cloudfront_does_not_use_do_not_count(
    ip_address_type: str, address: str, connected_to: str, expected: dict[str, str]
) -> None:
    given = case(hello(1, GOOD), hello(2, OLD, address=address, connected_to=connected_to))
    of = msgspec.structs.replace(given.target, ip_address_type=ip_address_type)
    assert codes(judge_case(msgspec.structs.replace(given, target=of))) == expected


def test_an_address_that_no_resolver_gave_was_given_by_a_person() -> None:
    given = case(hello(1, OLD, address="::1"))
    seen = Resolution(id="r", name=NAME, resolver="connect-to", outcome=ResolutionOutcome.RELOCATED)
    with_resolution = msgspec.structs.replace(given.observations, resolutions=(seen,))
    assert "expired" in codes(judge_case(msgspec.structs.replace(given, observations=with_resolution)))


def test_hellos_that_offer_something_else_are_another_origins() -> None:
    assert codes(judge_case(case(hello(1, GOOD), hello(2, OLD, offer="cloudfront-TLSv1")))) == OK


def test_a_hello_is_observed_and_its_certificates_judged(tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    key = OLD[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(OLD[0].pem + INTER.pem + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    of = case().target
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        endpoint = Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", listener.getsockname()[1])
        seen = asyncio.run(certificate.observe(of, endpoint, deadline=10))
        thread.join(10)
    assert [h.sni for h in seen] == [NAME, WWW, None]
    assert codes(judge_case(case(*seen))) == {"expired": "fault", "delivery_ok": "ok"}


def test_an_empty_list_of_certificates_is_recognised_as_our_probe_reports_it() -> None:
    flight = Flight(offer("TLSv1.2"), NAME)
    flight.start()
    server_hello = bytes.fromhex("0303") + bytes(32) + b"\x00" + bytes.fromhex("c02b00")
    messages = b"\x02" + len(server_hello).to_bytes(3) + server_hello + b"\x0b" + (3).to_bytes(3) + bytes(3)
    flight.feed(b"\x16\x03\x03" + len(messages).to_bytes(2) + messages)
    assert flight.outcome is HandshakeOutcome.MALFORMED
    found = judge_case(case(hello(1, (), version=0x0303, outcome=flight.outcome, detail=flight.detail)))
    assert codes(found) == {"none_sent": "fault"}


def test_one_finding_per_code_over_different_chains() -> None:
    other = [mint(NAME, INTER, ends=-9 * DAY), INTER]
    found = judge_case(case(hello(1, OLD), hello(2, other, address="192.0.2.2"), hello(3, GOOD, address="192.0.2.3")))
    expired = [f for f in found if f.code == "certificate.expired"]
    assert len(expired) == 1
    assert [e.observation for e in expired[0].evidence] == ["handshake-1", "handshake-2"]
    assert expired[0].data["addresses"] == ["192.0.2.1", "192.0.2.2"]


def test_what_cloudfront_would_not_be_sent_is_not_judged() -> None:
    assert codes(judge_case(case(hello(1, GOOD), hello(2, BARE, sni=None)))) == OK


@pytest.mark.parametrize(
    ("handshake", "expected"),
    [
        (hello(1, (), version=None, outcome=HandshakeOutcome.TIMEOUT), {}),
        (hello(1, (), version=None, outcome=HandshakeOutcome.ALERT, alert=70), {}),
        (hello(1, (), version=None, outcome=HandshakeOutcome.NOT_TLS), {}),
        (hello(1, (), outcome=HandshakeOutcome.TRUNCATED), {"not_seen": "unknown"}),
        (hello(1, (), outcome=HandshakeOutcome.TOO_LARGE, detail="more than 256 KiB"), {"not_seen": "unknown"}),
        (
            hello(1, (), outcome=HandshakeOutcome.MALFORMED, detail="the Certificate message has no certificate"),
            {"none_sent": "fault"},
        ),
    ],
)
def test_hellos_without_certificates(handshake: Handshake, expected: dict[str, str]) -> None:
    assert codes(judge_case(case(handshake))) == expected


def test_plain_http_has_no_certificate() -> None:
    assert judge_case(case(hello(1, BARE), protocol="http")) == ()


# --- promises -----------------------------------------------------------------------------------------------------


def test_the_table_of_rules_is_complete() -> None:
    assert len({r.code for r in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source.startswith("https://")
        assert (rule.cloudfront_status == 502) is (rule.status is Status.FAULT)
        if rule.status in (Status.FAULT, Status.WARNING):
            assert rule.remedy.steps
            assert rule.verify.command
        if rule.status is Status.UNKNOWN:
            assert rule.next_check


def test_hostile_subjects_do_no_harm() -> None:
    evil = "x;`reboot`\x1b[2J{which}\n$(id)"
    hostile = mint(evil, mint("Ca {leaf_name!q}\n#", ca=True), aia="http://ca.test/$(reboot)", names=(NAME,))
    for finding in conclude([hostile]) + conclude([INTER, hostile]) + conclude([hostile, STRANGER]):
        shown = msgspec.json.encode(finding).decode()
        assert "\\u001b" not in shown
        assert "'http://ca.test/$(reboot)'" in shown or "curl" not in shown
        assert all("\x1b" not in s.command for s in finding.remedy.steps)


POOL = [
    p.der
    for p in (
        LEAF,
        INTER,
        ROOT,
        STRANGER,
        *BARE,
        *OLD,
        mint(NAME),
        mint(NAME, STRANGER),
        mint(NAME, INTER, eku=[SERVER]),
    )
] + [b"", b"junk", LEAF.der[:100]]


@settings(max_examples=150)
@given(st.lists(st.one_of(st.sampled_from(POOL), st.binary(max_size=60)), max_size=8))
def test_any_bytes_are_judged_without_an_error(sent: list[bytes]) -> None:
    findings = judge(sent, at=NOW, roots=PKI.roots)
    assert findings
    json.loads(msgspec.json.encode(findings))
    statuses = {f.status for f in findings}
    assert Status.FAULT in statuses or Status.UNKNOWN in statuses or {"path_ok", "delivery_ok"} <= set(codes(findings))


@pytest.mark.needs("openssl")
def test_openssl_accepts_what_we_call_good_and_only_that() -> None:
    constrained = [mint(NAME, CONSTRAINED), CONSTRAINED]
    for sent, good in (([LEAF, INTER], True), (OLD, False), (BARE, False), (constrained, False)):
        accepted, said = openssl_verify([p.der for p in sent], [ROOT.der])
        assert accepted is good, said
        assert ("path_ok" in codes(conclude(sent))) is good


@pytest.mark.needs("openssl", "sh", "sed")
def test_the_commands_run_against_a_real_server(tmp_path: Path) -> None:
    assert shutil.which("openssl")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    old = OLD[0]
    chain.write_bytes(old.pem + INTER.pem)
    key.write_bytes(old.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    anchors = tmp_path / "test-roots.pem"
    anchors.write_bytes(ROOT.pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                try:
                    with context.wrap_socket(connection, server_side=True) as tls:
                        tls.recv(1)
                except (OSError, ssl.SSLError):
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        store = from_pem(ROOT.pem, name=anchors.name, path=str(anchors))
        (expired, *_) = judge([p.der for p in OLD], names=[NAME], at=NOW, roots=store, host="127.0.0.1", port=port)

        def run(command: str) -> str:
            return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=20).stdout

        printed = run(expired.reproduce)
        assert f"0 s:CN = {NAME}" in printed
        assert "NotAfter: Nov 21 12:00:00 2026 GMT" in printed
        assert "1 s:CN = Test CA 1" in printed
        verified = run(expired.verify.command)
        assert "certificate has expired" in verified
        thread.join(20)
