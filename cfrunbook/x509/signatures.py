"""Did this key sign that certificate? And the strict verifier's word on a whole path."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from enum import StrEnum

from cfrunbook.text import visible
from cfrunbook.x509.certificate import CertificateFacts


class Signature(StrEnum):
    """Whether an issuer's key made a certificate's signature."""

    GOOD = "good"
    BAD = "bad"
    UNVERIFIABLE = "unverifiable"
    """The algorithm is not supported any more (MD5, often SHA-1), or the certificate is not parsed strictly."""


def check(certificate: CertificateFacts, issuer: CertificateFacts) -> Signature:
    """Return whether the key of `issuer` signed `certificate`; names are not looked at."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

    signed = certificate.parsed
    if signed is None or issuer.parsed is None:
        return Signature.UNVERIFIABLE
    try:
        key = issuer.parsed.public_key()
        parameters = signed.signature_algorithm_parameters
        digest = signed.signature_hash_algorithm
        content, signature = signed.tbs_certificate_bytes, signed.signature
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            if digest is not None or parameters is not None:
                return Signature.BAD
            key.verify(signature, content)
        elif digest is None:
            return Signature.BAD
        elif isinstance(key, rsa.RSAPublicKey):
            if parameters is None:  # MD5: recognised, no longer described
                return Signature.UNVERIFIABLE
            if not isinstance(parameters, padding.PKCS1v15 | padding.PSS):
                return Signature.BAD
            key.verify(signature, content, parameters, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(parameters, ec.ECDSA):
                return Signature.BAD
            key.verify(signature, content, parameters)
        else:
            return Signature.UNVERIFIABLE
    except InvalidSignature:
        return Signature.BAD
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        return Signature.UNVERIFIABLE
    return Signature.GOOD


def refusal(path: Sequence[CertificateFacts], anchor: CertificateFacts, at: dt.datetime) -> str:
    """Return why `cryptography`'s verifier refuses this path (leaf first, without the root); empty if it accepts.

    The name is not judged here, nor extended key usages: a leaf without either is CloudFront's to refuse, see
    `names` and `fitness`. Everything else is the verifier's WebPKI profile.
    https://cryptography.io/en/latest/x509/verification/
    """
    from cryptography import x509
    from cryptography.x509 import verification

    if any(facts.parsed is None for facts in (*path, anchor)):
        return "a certificate on the path cannot be parsed strictly"
    anything = verification.Criticality.AGNOSTIC
    leaf_policy = (
        verification.ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, anything, None)
        .may_be_present(x509.ExtendedKeyUsage, anything, None)
    )
    ca_policy = verification.ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, anything, None)
    certificates = [facts.parsed for facts in path if facts.parsed is not None]
    try:
        (
            verification.PolicyBuilder()
            .store(verification.Store([anchor.parsed] if anchor.parsed is not None else []))
            .time(at)
            .extension_policies(ca_policy=ca_policy, ee_policy=leaf_policy)
            .build_client_verifier()
            .verify(certificates[0], certificates[1:])
        )
    except (verification.VerificationError, ValueError, TypeError, KeyError, OverflowError) as error:
        text = re.sub(r"\s*\(encountered processing.*", "", visible(error, 600))
        return visible(text.removeprefix("validation failed: ") or type(error).__name__, 300)
    return ""
