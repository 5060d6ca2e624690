"""Which certificate an origin shows to which hello: it may depend on the server name, the version and the kind of key.

Only hellos that keep to what CloudFront has are looked at: what an origin shows to one that goes beyond, CloudFront
never meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cfrunbook.cloudfront.origin_tls import SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, suite, version_name
from cfrunbook.cloudfront.tls_offers import Purpose, authenticates, question
from cfrunbook.evidence import Handshake
from cfrunbook.x509.certificate import CertificateFacts, KeyType, read
from cfrunbook.x509.path import MAX_CERTIFICATES, presumed_leaf

_KINDS = {KeyType.RSA: "RSA", KeyType.EC: "ECDSA"}
_VERSION_OPTIONS = {SSL_3_0: "-ssl3", TLS_1_0: "-tls1", TLS_1_1: "-tls1_1", TLS_1_2: "-tls1_2", TLS_1_3: "-tls1_3"}
_SIGNATURES = {"RSA": "RSA-PSS+SHA256:RSA+SHA256", "ECDSA": "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"}


class Way(msgspec.Struct, frozen=True):
    """How a hello asks: as CloudFront does (version 0), or for one version and perhaps one kind of key."""

    version: int = 0
    kind: str = ""
    """`ECDSA` or `RSA`; empty: any."""

    def __str__(self) -> str:
        if not self.version:
            return "CloudFront's hello"
        return version_name(self.version) + (f" ({self.kind} only)" if self.kind else "")

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Sorts CloudFront's own way first, then the newest version."""
        return bool(self.version), -self.version, self.kind

    @property
    def openssl(self) -> str:
        """The options of `openssl s_client` that ask this way."""
        if not self.version:
            return ""
        options = [_VERSION_OPTIONS[self.version]]
        if self.version < TLS_1_3 and (self.kind or self.version < TLS_1_2):
            suites = f"a{self.kind}" if self.kind else "ALL"
            options.append(f"-cipher {suites}{':@SECLEVEL=0' if self.version < TLS_1_2 else ''}")
        if self.version >= TLS_1_2 and self.kind:
            options.append(f"-sigalgs {_SIGNATURES[self.kind]}")
        return " ".join(options)


CLOUDFRONTS = Way()
"""As CloudFront asks."""


def way_of(handshake: Handshake) -> Way | None:
    """Return how a hello asked; None for one that is none of ours, or that went beyond what CloudFront has."""
    asked = question(handshake.offer)
    if asked is None or asked.purpose is Purpose.BEYOND:
        return None
    if asked.purpose is Purpose.EXACT:
        return CLOUDFRONTS
    if asked.purpose in (Purpose.ECDSA, Purpose.RSA):
        return Way(asked.version, asked.purpose.upper())
    row = suite(asked.code) if asked.purpose is Purpose.SUITE else None
    return Way(asked.version, authenticates(row) if row else "")


class Shown(msgspec.Struct, frozen=True):
    """One certificate, the leaf of what was sent, and all hellos that got it."""

    leaf: CertificateFacts
    hellos: tuple[Handshake, ...]

    @property
    def kind(self) -> str:
        """The kind of its key, as suites name it: `ECDSA` or `RSA`; the key itself for any other."""
        return kind_of(self.leaf)

    @property
    def ways(self) -> Mapping[str | None, tuple[Way, ...]]:
        """How it was asked for, see `ways_by_name`."""
        return ways_by_name(self.hellos)


def ways_by_name(hellos: Iterable[Handshake]) -> Mapping[str | None, tuple[Way, ...]]:
    """Return by server name how was asked: CloudFront's way first; a kind of key only where that made a difference.

    None stands for no server name.
    """
    found: dict[str | None, set[Way]] = {}
    for hello in hellos:
        if (way := way_of(hello)) is not None:
            found.setdefault(hello.sni, set()).add(way)
    return {
        sni: tuple(sorted((w for w in ways if not w.kind or Way(w.version) not in ways), key=lambda w: w.rank))
        for sni, ways in found.items()
    }


def kind_of(leaf: CertificateFacts) -> str:
    """Return the kind of a certificate's key, as suites name it: `ECDSA` or `RSA`; the key itself for any other."""
    return _KINDS.get(leaf.key_type, leaf.key)


def shown(handshakes: Iterable[Handshake]) -> tuple[Shown, ...]:
    """Return the different leaves among what was sent, those for CloudFront's own hello with a name first."""
    reader = Reader()
    found: dict[bytes, tuple[CertificateFacts, list[Handshake]]] = {}
    asked = [(way, h) for h in handshakes if h.certificates and (way := way_of(h)) is not None]
    for _, hello in sorted(asked, key=lambda pair: (pair[1].sni is None, bool(pair[0].version))):
        leaf = reader.leaf(hello)
        found.setdefault(leaf.der, (leaf, []))[1].append(hello)
    return tuple(Shown(leaf, tuple(hellos)) for leaf, hellos in found.values())


class Reader:
    """Reads each certificate once: the same chain comes with many hellos."""

    def __init__(self) -> None:
        self._facts: dict[bytes, CertificateFacts] = {}
        self._leaves: dict[tuple[bytes, ...], CertificateFacts] = {}

    def leaf(self, handshake: Handshake) -> CertificateFacts:
        """Return the leaf of what was sent to a hello. Raises IndexError where nothing was."""
        chain = handshake.certificates
        if chain not in self._leaves:
            facts = [self._read(der) for der in chain[:MAX_CERTIFICATES]]
            self._leaves[chain] = facts[presumed_leaf(facts) or 0]
        return self._leaves[chain]

    def _read(self, der: bytes) -> CertificateFacts:
        if der not in self._facts:
            self._facts[der] = read(der)
        return self._facts[der]
