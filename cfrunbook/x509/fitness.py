"""What makes a certificate unfit for its place in a path: validity, authority, purpose, key, signature.

The rules are those of RFC 5280 section 6 as OpenSSL applies them for a TLS server, with CloudFront's key limits:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from cfrunbook.x509.certificate import CertificateFacts, KeyType

MIN_RSA_BITS, MAX_RSA_BITS = 1024, 4096
"""RSA key sizes of a leaf that CloudFront documents: 1024, 2048, 3072 and 4096 bits."""
OFFERED_CURVES = frozenset({"EC P-256", "EC P-384", "EC P-521"})
"""Keys for which CloudFront's hello offers an ECDSA signature scheme; P-256 alone is documented."""

WEAK_HASHES = frozenset({"MD2", "MD5", "SHA-1"})
_SERVER_PURPOSES = frozenset({"serverAuth", "msSGC", "nsSGC"})
_SERVER_USAGES = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})


class Flaw(StrEnum):
    """One reason why a path does not hold."""

    UNREADABLE = "unreadable"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NOT_A_CA = "not_a_ca"
    PATH_LENGTH = "path_length"
    WRONG_USAGE = "wrong_usage"
    UNHANDLED_CRITICAL = "unhandled_critical"
    WEAK_SIGNATURE = "weak_signature"
    KEY_TOO_SMALL = "key_too_small"
    KEY_TOO_LARGE = "key_too_large"
    KEY_UNSUPPORTED = "key_unsupported"


TIME_FLAWS = frozenset({Flaw.EXPIRED, Flaw.NOT_YET_VALID})


class Unfit(msgspec.Struct, frozen=True):
    """A flaw of the certificate at `position` of a path: 0 is the leaf, the trusted root comes last."""

    position: int
    flaw: Flaw


def unfit(path: Sequence[CertificateFacts], anchor: CertificateFacts | None, at: dt.datetime) -> tuple[Unfit, ...]:
    """Return every flaw of a path (leaf first, without the root) that ends at `anchor`, at the moment `at`."""
    found = [Unfit(i, flaw) for i, facts in enumerate(path) for flaw in _of_one(facts, i, at)]
    found += [Unfit(i, Flaw.PATH_LENGTH) for i in _too_long(path)]
    if anchor is not None and anchor not in path:
        end = len(path)
        found += [Unfit(end, flaw) for flaw in _validity(anchor, at)]
        if not _for_servers(anchor):
            found.append(Unfit(end, Flaw.WRONG_USAGE))
        if anchor.path_length is not None and _intermediates(path) > anchor.path_length:
            found.append(Unfit(end, Flaw.PATH_LENGTH))
    return tuple(found)


def _of_one(facts: CertificateFacts, position: int, at: dt.datetime) -> Iterator[Flaw]:
    if not facts.readable:
        yield Flaw.UNREADABLE
        return
    yield from _validity(facts, at)
    if facts.unhandled_critical:
        yield Flaw.UNHANDLED_CRITICAL
    # The signature of a self-signed certificate proves nothing and is not relied upon.
    if facts.signature_hash in WEAK_HASHES and not facts.self_issued:
        yield Flaw.WEAK_SIGNATURE
    if not _for_servers(facts):
        yield Flaw.WRONG_USAGE
    if position:
        if facts.is_ca is not True or (facts.key_usage is not None and "keyCertSign" not in facts.key_usage):
            yield Flaw.NOT_A_CA
        return
    if facts.key_usage is not None and not _SERVER_USAGES & set(facts.key_usage):
        yield Flaw.WRONG_USAGE
    if facts.key_type is not KeyType.RSA and facts.key not in OFFERED_CURVES:
        yield Flaw.KEY_UNSUPPORTED
    elif facts.key_type is KeyType.RSA and facts.key_bits < MIN_RSA_BITS:
        yield Flaw.KEY_TOO_SMALL
    elif facts.key_type is KeyType.RSA and facts.key_bits > MAX_RSA_BITS:
        yield Flaw.KEY_TOO_LARGE


def _validity(facts: CertificateFacts, at: dt.datetime) -> Iterator[Flaw]:
    if facts.not_after is not None and at >= facts.not_after:
        yield Flaw.EXPIRED
    if facts.not_before is not None and at < facts.not_before:
        yield Flaw.NOT_YET_VALID


def _for_servers(facts: CertificateFacts) -> bool:
    return facts.eku is None or bool(_SERVER_PURPOSES & set(facts.eku))


def _intermediates(path: Sequence[CertificateFacts]) -> int:
    """Count the certificates that a path length limits: neither the leaf nor self-issued (RFC 5280 4.2.1.9)."""
    return sum(1 for facts in path[1:] if not facts.self_issued)


def _too_long(path: Sequence[CertificateFacts]) -> Iterator[int]:
    for i, facts in enumerate(path[1:], 1):
        if facts.path_length is not None and _intermediates(path[:i]) > facts.path_length:
            yield i
