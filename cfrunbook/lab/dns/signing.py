"""DNSSEC: a key for a zone, its DS record, and the signatures, also ones that have expired."""

from __future__ import annotations

import datetime as dt

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

_SECURE_ENTRY_POINT = 0x0101  # a zone key that the parent's DS record names


class Signer:
    """The one key of a zone (ECDSA P-256), and the days for which it signs."""

    def __init__(self, *, days: tuple[int, int] = (-1, 14), pem: bytes = b"") -> None:
        """`days` from now: beginning and end of the signatures' validity. `pem`: the key; empty: a new one.

        Raises ValueError or TypeError for what is no ECDSA P-256 key.
        """
        self._private = _loaded(pem) if pem else ec.generate_private_key(ec.SECP256R1())
        self.days = days
        self._dnskey = dns.dnssec.make_dnskey(
            self._private.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=_SECURE_ENTRY_POINT
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signer) and (self.days, self._dnskey) == (other.days, other._dnskey)

    def __hash__(self) -> int:
        return hash((self.days, self._dnskey))

    @property
    def pem(self) -> bytes:
        """The private key, unencrypted PKCS #8 PEM."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, zone: dns.zone.Zone) -> None:
        """Add DNSKEY, NSEC and RRSIG records."""
        now = dt.datetime.now(dt.UTC)
        begin, end = (now + dt.timedelta(days=days) for days in self.days)
        dns.dnssec.sign_zone(zone, keys=[(self._private, self._dnskey)], inception=begin, expiration=end)

    def ds(self, origin: str) -> str:
        """Return the data of the DS record for the zone `origin`, as text."""
        return dns.dnssec.make_ds(dns.name.from_text(origin), self._dnskey, dns.dnssectypes.DSDigest.SHA256).to_text()


def _loaded(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("another kind of key")
    return key
