"""Trust anchors: Mozilla's roots through certifi, or the roots of a file.

CloudFront supports the certificate authorities of Mozilla's included list:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cfrunbook import files
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cryptography import x509


class TrustStore(msgspec.Struct, frozen=True, dict=True):
    """A named set of root certificates."""

    name: str
    """For people: `Mozilla (certifi 2026.10.18)` or the file's name."""
    given: tuple[bytes, ...] = ()
    """DER; empty where they are still to be read from `bundle`."""
    bundle: bytes = b""
    """PEM that holds them."""
    is_mozilla: bool = False
    path: str = ""
    """Where the file is on this machine, for commands that name it; empty where there is none."""

    @cached_property
    def anchors(self) -> tuple[bytes, ...]:
        """The certificates, DER. Mozilla's are read on first use: an incident that ends before TLS needs none."""
        return self.given or (_anchors(self.bundle, self.name) if self.bundle else ())

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The anchors, parsed; an anchor that does not parse is left out."""
        from cryptography import x509

        parsed = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Mozilla's list has a root with a serial number of zero
            for der in self.anchors:
                try:
                    parsed.append(x509.load_der_x509_certificate(der))
                except ValueError:
                    continue
        return tuple(parsed)

    @cached_property
    def pem(self) -> bytes:
        """The anchors as one PEM file."""
        encoded = (base64.encodebytes(der) for der in self.anchors)
        return b"".join(b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % text for text in encoded)

    @cached_property
    def by_subject(self) -> dict[bytes, tuple[x509.Certificate, ...]]:
        """The anchors by the DER bytes of their subject."""
        found: dict[bytes, tuple[x509.Certificate, ...]] = {}
        for certificate in self.certificates:
            key = certificate.subject.public_bytes()
            found[key] = (*found.get(key, ()), certificate)
        return found


def from_pem(content: bytes, *, name: str, path: str = "") -> TrustStore:
    """Return the certificates of a PEM bundle. Raises BadInput if it holds none or one does not parse."""
    return TrustStore(name=name, given=_anchors(content, name), path=path)


def load(path: Path) -> TrustStore:
    """Return the trust store of a PEM file. Raises BadInput."""
    # Shown forms: a file name may hold bytes that JSON cannot.
    content = files.read_bounded(path, "Trust store")
    return from_pem(content, name=visible(path.name), path=visible(path, 4096))


def from_der(anchors: Iterable[bytes], *, name: str, path: str = "") -> TrustStore:
    """Return a trust store of DER certificates, e.g. those of a recording."""
    return TrustStore(name=name, given=tuple(anchors), path=path)


@lru_cache(maxsize=1)
def mozilla() -> TrustStore:
    """Return Mozilla's roots as shipped by certifi, named with certifi's version."""
    import certifi

    bundle = Path(certifi.where()).read_bytes()
    return TrustStore(name=f"Mozilla (certifi {certifi.__version__})", bundle=bundle, is_mozilla=True)


def _anchors(content: bytes, name: str) -> tuple[bytes, ...]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Mozilla's list has a root with a serial number of zero
            certificates = load_pem_x509_certificates(content)
    except ValueError:
        certificates = []
    if not certificates:
        raise BadInput(f"Trust store: {visible(name)} holds no PEM certificate that can be read.")
    return tuple(c.public_bytes(Encoding.DER) for c in certificates)
