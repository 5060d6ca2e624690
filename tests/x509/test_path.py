"""Chains as sent: the best path, the delivery, and two independent judges (OpenSSL, the verifier of cryptography)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.x509 import verification
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cfrunbook.x509 import certificate, path, roots
from cfrunbook.x509.fitness import Flaw
from cfrunbook.x509.path import MAX_CERTIFICATES, ChainReport, End, analyze
from tests.x509.pki import CLIENT, DAY, NAME, NOW, SERVER, Party, Pki, mint, name, openssl_verify, usage, weaken

PKI = Pki()
ROOT, INTER, LEAF = PKI.root, PKI.inter, PKI.leaf

INTER2 = mint("Test CA 2", INTER, ca=True)
DEEP = mint(NAME, INTER2)
SAME_NAME = mint("Test CA 1", ROOT, ca=True, number=991)
STRANGER = mint("Stranger", ca=True)
PRIVATE_LEAF = mint(NAME, STRANGER)
SELF_SIGNED = mint(NAME)
EXPIRED = mint(NAME, INTER, ends=-DAY)
FUTURE = mint(NAME, INTER, begins=DAY)
EXPIRED_INTER = mint("Test CA 1", ROOT, ca=True, begins=-400 * DAY, ends=-DAY)
OTHER_ROOT = mint("Other Root", ca=True)
CROSS = mint("Test Root", OTHER_ROOT, ca=True)  # the trusted root's name and key, signed by another root
NOT_A_CA = mint("No CA", INTER, ca=False)
UNDER_NOT_A_CA = mint(NAME, NOT_A_CA)
TIGHT = mint("Tight CA", ROOT, ca=True, path_length=0)
TIGHT_SUB = mint("Tight sub CA", TIGHT, ca=True)
TOO_DEEP = mint(NAME, TIGHT_SUB)
CLIENT_ONLY = mint(NAME, INTER, eku=[CLIENT])
CLIENT_CA = mint("Client CA", ROOT, ca=True, eku=[CLIENT])
UNDER_CLIENT_CA = mint(NAME, CLIENT_CA)
LOOP_A = mint("Loop A", ca=True)
LOOP_B = mint("Loop B", LOOP_A, ca=True)
LOOP_A2 = mint("Loop A", LOOP_B, ca=True)
LOOP_LEAF = mint(NAME, LOOP_A)
PRINTABLE = mint(NAME, INTER, issuer_name=name("Test CA 1", _type=x509.name._ASN1Type.PrintableString))


def look(*sent: Party | bytes) -> ChainReport:
    return analyze([s if isinstance(s, bytes) else s.der for s in sent], roots=PKI.roots, at=NOW)


@pytest.mark.parametrize(
    ("sent", "end", "path", "order_ok", "flaws"),
    [
        ([LEAF, INTER], End.TRUSTED, (0, 1), True, []),
        ([DEEP, INTER2, INTER], End.TRUSTED, (0, 1, 2), True, []),
        ([LEAF, INTER, ROOT], End.TRUSTED, (0, 1), True, []),
        ([DEEP, INTER, INTER2], End.TRUSTED, (0, 2, 1), False, []),
        ([LEAF, ROOT, INTER], End.TRUSTED, (0, 2), False, []),
        ([INTER, LEAF], End.TRUSTED, (1, 0), False, []),
        ([ROOT, INTER, LEAF], End.TRUSTED, (2, 1), False, []),
        ([LEAF], End.MISSING_ISSUER, (0,), True, []),
        ([DEEP, INTER2], End.MISSING_ISSUER, (0, 1), True, []),
        ([DEEP, INTER], End.MISSING_ISSUER, (0,), True, []),
        ([LEAF, SAME_NAME], End.WRONG_ISSUER, (0,), True, []),
        ([LEAF, SAME_NAME, INTER], End.TRUSTED, (0, 2), True, []),
        ([PRIVATE_LEAF, STRANGER], End.UNTRUSTED_ROOT, (0, 1), True, []),
        ([PRIVATE_LEAF], End.MISSING_ISSUER, (0,), True, []),
        ([SELF_SIGNED], End.SELF_SIGNED_LEAF, (0,), True, []),
        ([EXPIRED, INTER], End.TRUSTED, (0, 1), True, [(0, Flaw.EXPIRED)]),
        ([FUTURE, INTER], End.TRUSTED, (0, 1), True, [(0, Flaw.NOT_YET_VALID)]),
        ([LEAF, EXPIRED_INTER], End.TRUSTED, (0, 1), True, [(1, Flaw.EXPIRED)]),
        ([LEAF, EXPIRED_INTER, INTER], End.TRUSTED, (0, 2), True, []),
        ([LEAF, INTER, CROSS], End.TRUSTED, (0, 1), True, []),
        ([LEAF, INTER, STRANGER], End.TRUSTED, (0, 1), True, []),
        ([UNDER_NOT_A_CA, NOT_A_CA, INTER], End.TRUSTED, (0, 1, 2), True, [(1, Flaw.NOT_A_CA)]),
        ([TOO_DEEP, TIGHT_SUB, TIGHT], End.TRUSTED, (0, 1, 2), True, [(2, Flaw.PATH_LENGTH)]),
        ([CLIENT_ONLY, INTER], End.TRUSTED, (0, 1), True, [(0, Flaw.WRONG_USAGE)]),
        ([UNDER_CLIENT_CA, CLIENT_CA], End.TRUSTED, (0, 1), True, [(1, Flaw.WRONG_USAGE)]),
        ([LOOP_LEAF, LOOP_A2, LOOP_B], End.LOOP, (0, 1, 2), True, []),
        ([mint(NAME, INTER, key_kind="Ed25519"), INTER], End.TRUSTED, (0, 1), True, [(0, Flaw.KEY_UNSUPPORTED)]),
        ([mint(NAME, INTER, key_kind="P-224"), INTER], End.TRUSTED, (0, 1), True, [(0, Flaw.KEY_UNSUPPORTED)]),
        ([b"junk", LEAF], End.UNREADABLE, (), False, []),
        ([LEAF, b"junk", INTER], End.TRUSTED, (0, 2), True, []),
        ([], End.UNREADABLE, (), False, []),
    ],
)
def test_chains(
    sent: Sequence[Party | bytes], end: End, path: tuple[int, ...], order_ok: bool, flaws: list[tuple[int, Flaw]]
) -> None:
    report = look(*sent)
    assert (report.end, report.path, report.order_ok) == (end, path, order_ok)
    assert [(u.position, u.flaw) for u in report.unfit] == flaws
    assert report.refusal == ""
    assert report.path_ok is (end is End.TRUSTED and not flaws)


def test_extras_are_told_apart() -> None:
    report = look(LEAF, LEAF, STRANGER, INTER, ROOT, CROSS)
    assert report.duplicates == ((1, 0),)
    assert report.unrelated == (2,)
    assert report.path == (0, 3)
    assert report.roots_sent == (4,)
    assert report.alternates == (5,)


def test_the_chain_as_it_should_be_sent() -> None:
    report = look(DEEP, ROOT, INTER, INTER2)
    assert [(n.kind, n.sent_index, n.subject) for n in report.needed] == [
        ("leaf", 0, f"CN={NAME}"),
        ("intermediate", 3, "CN=Test CA 2"),
        ("intermediate", 2, "CN=Test CA 1"),
        ("root", 1, "CN=Test Root"),
    ]


def test_the_missing_issuer_is_described() -> None:
    leaf = mint(NAME, INTER, aia="http://ca.test/1.cer")
    missing = look(leaf).missing
    assert missing is not None
    assert (missing.subject, missing.child, missing.urls) == ("CN=Test CA 1", 0, ("http://ca.test/1.cer",))
    assert missing.claims_public
    assert not missing.known_root


def test_a_root_of_the_same_name_with_another_key() -> None:
    again = mint("Test Root", ca=True, number=992)
    missing = look(mint(NAME, again)).missing
    assert missing is not None
    assert missing.known_root


def test_a_damaged_signature() -> None:
    damaged = LEAF.der[:-1] + bytes([LEAF.der[-1] ^ 1])
    assert look(damaged, INTER).end is End.BROKEN_SIGNATURE


def test_names_written_in_another_string_type_are_the_same_name() -> None:
    report = look(PRINTABLE, INTER)
    assert (report.end, report.path) == (End.TRUSTED, (0, 1))
    assert report.refusal  # the strict verifier compares bytes, and is heard


@pytest.mark.parametrize("digest", ["SHA-1", "MD5"])
def test_an_old_signature_is_followed_and_blamed(digest: str) -> None:
    old = mint("Old CA", ROOT, ca=True, key_kind="RSA 2048")
    report = look(weaken(mint(NAME, old), old, digest), old)
    assert (report.end, report.path) == (End.TRUSTED, (0, 1))
    assert [(u.position, u.flaw) for u in report.unfit] == [(0, Flaw.WEAK_SIGNATURE)]


def test_the_strict_verifier_is_heard_where_we_find_nothing() -> None:
    report = look(mint(NAME, INTER, aki=False), INTER)
    assert report.end is End.TRUSTED
    assert not report.unfit
    assert "2.5.29.35" in report.refusal
    assert not report.path_ok


def test_the_strict_verifier_is_heard_behind_an_expiry() -> None:
    report = look(mint(NAME, INTER, aki=False, ends=-DAY), INTER)
    assert [u.flaw for u in report.unfit] == [Flaw.EXPIRED]
    assert "2.5.29.35" in report.refusal


def test_mozilla_s_roots_do_not_trust_the_test_root() -> None:
    report = analyze([LEAF.der, INTER.der], roots=roots.mozilla(), at=NOW)
    assert report.end is End.MISSING_ISSUER


def test_of_a_trust_store_only_the_roots_that_a_chain_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = roots.from_der([*roots.mozilla().anchors, ROOT.der], name="Mozilla's and ours")
    read: list[bytes] = []
    monkeypatch.setattr(path, "read", lambda der: read.append(der) or certificate.read(der))
    assert analyze([LEAF.der, INTER.der], roots=everybody, at=NOW).end is End.TRUSTED
    assert sorted(read) == sorted([LEAF.der, INTER.der, ROOT.der])


def test_an_anchor_that_is_no_certificate_is_left_out() -> None:
    damaged = roots.from_der([b"", b"\x30\x03\x02\x01\x01", ROOT.der[:-9], ROOT.der], name="damaged")
    assert analyze([LEAF.der, INTER.der], roots=damaged, at=NOW).end is End.TRUSTED


def _hostile(count: int) -> list[bytes]:
    """Certificates of one name and few keys that all certify one another."""
    return [mint("Same", mint("Same", ca=True, number=n % 4), ca=True, number=n % 3).der for n in range(count)]


def test_hundreds_of_certificates_that_certify_one_another_are_bounded() -> None:
    leaf = mint(NAME, mint("Same", ca=True, number=0))
    sent = [leaf.der, *_hostile(80) * 4]
    began = time.process_time()
    report = analyze(sent, roots=PKI.roots, at=NOW)
    assert time.process_time() - began < 5  # a generous bound on work, not a timing
    assert len(report.sent) == MAX_CERTIFICATES
    assert report.unexamined == len(sent) - MAX_CERTIFICATES
    assert not report.path_ok


A_ROOT = mint("A root", ca=True)
A_CROSS = mint("A root", ROOT, ca=True)
A_BY_STRANGER = mint("A root", STRANGER, ca=True)
A_EXPIRED = mint("A root", ends=-DAY, ca=True)
UNDER_A = mint(NAME, A_ROOT)
UNNAMED_KEY = mint(NAME, INTER, aki=False)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("sent", "detour"),
    [
        ([UNDER_A, A_CROSS], None),
        ([UNDER_A, A_ROOT, A_CROSS], (1, 2)),
        ([UNDER_A, A_CROSS, A_ROOT], None),
        ([UNDER_A, A_BY_STRANGER, A_CROSS], (1, 2)),
        ([UNDER_A, A_BY_STRANGER, STRANGER, A_CROSS], (1, 3)),
        ([UNDER_A, A_CROSS, A_BY_STRANGER], None),
        ([UNDER_A, A_EXPIRED, A_CROSS], None),
        ([UNDER_A, STRANGER, A_CROSS], None),
        ([LEAF, INTER, CROSS, OTHER_ROOT], None),
        ([LEAF, SAME_NAME, INTER], None),
        ([UNNAMED_KEY, SAME_NAME, INTER], (1, 2)),
        ([UNNAMED_KEY, INTER, SAME_NAME], None),
        ([DEEP, INTER2, mint("Test CA 1", STRANGER, ca=True, number=hash(INTER.certificate.subject)), INTER], (2, 3)),
    ],
)
def test_a_dead_end_before_the_way_is_where_openssl_stops(sent: list[Party], detour: tuple[int, int] | None) -> None:
    report = look(*sent)
    assert (report.end, report.detour) == (End.TRUSTED, detour)
    accepted, said = openssl_verify([p.der for p in sent], [ROOT.der])
    assert accepted is (detour is None), said


PARTS: list[bytes] = [
    p.der
    for p in (
        LEAF,
        INTER,
        ROOT,
        INTER2,
        DEEP,
        SAME_NAME,
        STRANGER,
        PRIVATE_LEAF,
        SELF_SIGNED,
        EXPIRED,
        FUTURE,
        EXPIRED_INTER,
        OTHER_ROOT,
        CROSS,
        NOT_A_CA,
        UNDER_NOT_A_CA,
        TIGHT,
        TIGHT_SUB,
        TOO_DEEP,
        CLIENT_ONLY,
        CLIENT_CA,
        UNDER_CLIENT_CA,
        LOOP_A2,
        LOOP_B,
        LOOP_LEAF,
        PRINTABLE,
        mint(NAME, INTER, aki=False),
        mint(NAME, INTER, eku=[SERVER], key_usage=usage("key_cert_sign")),
        mint("CA leaf", INTER, ca=True, names=(NAME,)),
        mint(NAME, INTER, ca=None),
        mint("CA without constraints", ROOT, ca=None, key_usage=usage("key_cert_sign"), names=()),
        mint(NAME, INTER, extra=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)]),
    )
]


@st.composite
def _sent(draw: st.DrawFn) -> list[bytes]:
    """Draw parts of chains: any subset in any order, with repetitions, a few of them damaged."""
    chosen = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6))
    if draw(st.integers(0, 5)) == 0:
        index, at = draw(st.integers(0, len(chosen) - 1)), draw(st.integers(0, 5000))
        damaged = bytearray(chosen[index])
        damaged[at % len(damaged)] ^= draw(st.integers(1, 255))
        chosen[index] = bytes(damaged)
    return chosen


def _strict(report: ChainReport) -> str:
    """Return the refusal of cryptography's own server verifier, defaults and all, given everything that was sent."""
    assert report.leaf is not None
    assert report.leaf.parsed is not None
    others = [f.parsed for i, f in enumerate(report.sent) if i != report.leaf_index and f.parsed is not None]
    builder = verification.PolicyBuilder().store(verification.Store([ROOT.certificate])).time(NOW)
    try:
        builder.build_server_verifier(x509.DNSName(NAME)).verify(report.leaf.parsed, others)
    except verification.VerificationError as error:
        return str(error)
    return ""


@settings(max_examples=300)
@example([LEAF.der, INTER.der])
@example([PRINTABLE.der, INTER.der])
@given(_sent())
def test_we_are_never_laxer_than_the_strict_verifier(sent: list[bytes]) -> None:
    report = analyze(sent, roots=PKI.roots, at=NOW)
    if report.path_ok:
        assert report.leaf is not None
        if NAME in report.leaf.dns_names:  # the name is another cause's business
            assert _strict(report) == ""


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "sent",
    [
        [LEAF, INTER],
        [DEEP, INTER, INTER2],
        [LEAF, ROOT, INTER],
        [LEAF],
        [LEAF, SAME_NAME],
        [PRIVATE_LEAF, STRANGER],
        [SELF_SIGNED],
        [EXPIRED, INTER],
        [FUTURE, INTER],
        [LEAF, EXPIRED_INTER],
        [LEAF, INTER, CROSS],
        [UNDER_NOT_A_CA, NOT_A_CA, INTER],
        [TOO_DEEP, TIGHT_SUB, TIGHT],
        [CLIENT_ONLY, INTER],
        [UNDER_CLIENT_CA, CLIENT_CA],
        [LOOP_LEAF, LOOP_A2, LOOP_B],
        [PRINTABLE, INTER],
        [mint(NAME, INTER, eku=[x509.ObjectIdentifier("2.5.29.37.0")]), INTER],
        [mint(NAME, INTER, key_usage=usage("key_cert_sign")), INTER],
        [
            mint(NAME, INTER, extra=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)]),
            INTER,
        ],
    ],
)
def test_openssl_agrees_on_the_path(sent: list[Party]) -> None:
    report = look(*sent)
    accepted, said = openssl_verify([p.der for p in sent], [ROOT.der])
    assert (report.end is End.TRUSTED and not report.unfit) is accepted, said
