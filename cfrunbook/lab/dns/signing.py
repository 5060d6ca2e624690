"""DNSSEC: a key for a zone, its DS record, and the signatures, also ones that have expired."""

from __future__ import annotations

import datetime as dt

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

_SECURE_ENTRY_POINT = 0x0101  # a zone key that the parent's DS record names


class Signer:
    """The one key of a zone (ECDSA P-256), and the days for which it signs."""

    def __init__(self, *, days: tuple[int, int] = (-1, 14)) -> None:
        """`days` from now: beginning and end of the signatures' validity."""
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._days = days
        self._dnskey = dns.dnssec.make_dnskey(
            self._private.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=_SECURE_ENTRY_POINT
        )

    def sign(self, zone: dns.zone.Zone) -> None:
        """Add DNSKEY, NSEC and RRSIG records."""
        now = dt.datetime.now(dt.UTC)
        begin, end = (now + dt.timedelta(days=days) for days in self._days)
        dns.dnssec.sign_zone(zone, keys=[(self._private, self._dnskey)], inception=begin, expiration=end)

    def ds(self, origin: str) -> str:
        """Return the data of the DS record for the zone `origin`, as text."""
        return dns.dnssec.make_ds(dns.name.from_text(origin), self._dnskey, dns.dnssectypes.DSDigest.SHA256).to_text()
