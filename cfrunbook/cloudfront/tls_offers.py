"""ClientHellos beside the exact one: each asks an origin one question about a version, a suite, a group or a key.

Every offer has a stable name by which an observation says what it was answered to: `cloudfront-TLSv1.2` (the exact
hello), `version-TLSv1.1`, `suite-TLSv1.2-C02F`, `group-TLSv1.3-P-384`, `ecdsa-TLSv1.2`, `rsa-TLSv1.3`,
`beyond-groups-TLSv1.2`, `beyond-TLSv1.2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import get_args

import msgspec

from cfrunbook.cloudfront import origin_tls
from cfrunbook.cloudfront.origin_tls import (
    GROUPS,
    P_256,
    PROTOCOLS,
    SCHEMES,
    SUITES,
    TLS_1_0,
    TLS_1_2,
    TLS_1_3,
    CipherSuite,
    Offer,
)
from cfrunbook.cloudfront.other_tls import OTHER_GROUPS, OTHER_SCHEMES, OTHER_SUITES
from cfrunbook.cloudfront.targets import TlsMinimum


class Purpose(StrEnum):
    """What an offer asks."""

    EXACT = "cloudfront"
    VERSION = "version"
    SUITE = "suite"
    GROUP = "group"
    ECDSA = "ecdsa"
    RSA = "rsa"
    BEYOND = "beyond"


class Beyond(StrEnum):
    """Which part of a hello goes beyond what CloudFront offers."""

    SUITES = "suites"
    GROUPS = "groups"
    KEYS = "keys"
    """The kinds of certificate keys, by their signature schemes."""


class Question(msgspec.Struct, frozen=True):
    """An offer, and what its answer tells."""

    offer: Offer
    purpose: Purpose
    version: int
    """The one version offered; of the exact hello the lowest."""
    code: int = 0
    """Of the suite or group asked for."""
    part: Beyond | None = None
    """Of what goes beyond CloudFront's hello; None: everything."""


def version_tag(version: int) -> str:
    """Return a version as offers are named after it: `TLSv1.2`. Raises KeyError for an unknown one."""
    return _TAGS[version]


_TAGS: Mapping[int, str] = {p.code: p.openssl for p in PROTOCOLS}


def suites_of(version: int) -> tuple[CipherSuite, ...]:
    """Return CloudFront's cipher suites that `version` may negotiate, in the order of its hello."""
    return tuple(s for s in SUITES if (s.minimum == TLS_1_3) == (version == TLS_1_3) and s.minimum <= version)


def authenticates(suite: CipherSuite) -> str:
    """Return the kind of key that a suite before TLS 1.3 needs in the certificate: `ECDSA` or `RSA`; else empty."""
    if suite.minimum == TLS_1_3:
        return ""
    return "ECDSA" if "ECDSA" in suite.openssl else "RSA"


def version_offer(version: int) -> Offer:
    """Return the hello that offers one version, with all that CloudFront has for it. Raises KeyError if unknown."""
    return _offer(f"version-{version_tag(version)}", version, tuple(s.code for s in suites_of(version)))


def suite_offer(version: int, suite: int) -> Offer:
    """Return the hello that offers one version with one cipher suite of CloudFront's."""
    return _offer(f"suite-{version_tag(version)}-{suite:04X}", version, (suite,))


def group_offer(version: int, group: int) -> Offer:
    """Return the hello that offers one version with one group of CloudFront's, and no suite that needs none."""
    suites = tuple(s.code for s in suites_of(version) if _is_elliptic(s))
    name = f"group-{version_tag(version)}-{origin_tls.group_name(group)}"
    return _offer(name, version, suites, groups=(group,), key_shares=(group,))


def ecdsa_offer(version: int = TLS_1_2) -> Offer:
    """Return the hello that leaves a server only its ECDSA certificate."""
    return _certificate_offer("ECDSA", version)


def rsa_offer(version: int = TLS_1_2) -> Offer:
    """Return the hello that leaves a server only its RSA certificate."""
    return _certificate_offer("RSA", version)


def _certificate_offer(kind: str, version: int) -> Offer:
    suites = tuple(s.code for s in suites_of(version) if authenticates(s) in ("", kind))
    schemes = tuple(s.code for s in SCHEMES if s.iana.startswith(kind.lower()))
    return _offer(f"{kind.lower()}-{version_tag(version)}", version, suites, schemes=schemes)


def beyond_offer(version: int, part: Beyond | None = None) -> Offer:
    """Return the hello with what CloudFront does not offer in one version: other suites, groups, keys, or all of it.

    Where CloudFront's own hello is refused, the part that is answered is what stands in the way. Other groups and keys
    come before CloudFront's, because the curve of a certificate may need them too; other suites come alone, and groups
    with such suites only as use one.
    """
    own, has_groups = suites_of(version), part in (None, Beyond.GROUPS)
    if part is Beyond.GROUPS:
        own = tuple(s for s in own if _is_elliptic(s))
    others = tuple(
        s.code for s in OTHER_SUITES if (s.minimum == TLS_1_3) == (version == TLS_1_3) and s.minimum <= version
    )
    return _offer(
        f"beyond-{f'{part}-' if part else ''}{version_tag(version)}",
        version,
        (others if part in (None, Beyond.SUITES) else ())
        + (tuple(s.code for s in own) if part is not Beyond.SUITES else ()),
        groups=(tuple(g.code for g in OTHER_GROUPS if g.minimum <= version) if has_groups else ())
        + tuple(g.code for g in GROUPS),
        schemes=(tuple(code for code, _ in OTHER_SCHEMES) if part in (None, Beyond.KEYS) else ())
        + tuple(s.code for s in SCHEMES),
    )


def question(name: str) -> Question | None:
    """Return what an offer's name stands for; None for a name that is none of ours."""
    return _questions().get(name)


@cache
def _questions() -> Mapping[str, Question]:
    found = [Question(origin_tls.offer(m), Purpose.EXACT, origin_tls.offer(m).minimum) for m in get_args(TlsMinimum)]
    for version in _TAGS:
        found.append(Question(version_offer(version), Purpose.VERSION, version))
        found.append(Question(ecdsa_offer(version), Purpose.ECDSA, version))
        found.append(Question(rsa_offer(version), Purpose.RSA, version))
        found += [Question(beyond_offer(version, p), Purpose.BEYOND, version, part=p) for p in (None, *Beyond)]
        found += [Question(suite_offer(version, s.code), Purpose.SUITE, version, s.code) for s in suites_of(version)]
        found += [Question(group_offer(version, g.code), Purpose.GROUP, version, g.code) for g in GROUPS]
    return {q.offer.name: q for q in found}


def _is_elliptic(suite: CipherSuite) -> bool:
    return suite.minimum == TLS_1_3 or suite.openssl.startswith("ECDHE")


def _offer(
    name: str,
    version: int,
    suites: tuple[int, ...],
    *,
    groups: tuple[int, ...] | None = None,
    key_shares: tuple[int, ...] = (P_256,),
    schemes: tuple[int, ...] | None = None,
) -> Offer:
    is_elliptic = version >= TLS_1_0  # RFC 8422 does not define them for SSL 3.0
    all_groups = tuple(g.code for g in GROUPS) if groups is None else groups
    return Offer(
        name=name,
        minimum=version,
        maximum=version,
        suites=suites,
        groups=all_groups if is_elliptic else (),
        key_shares=key_shares if version == TLS_1_3 else (),
        schemes=tuple(s.code for s in SCHEMES) if schemes is None else schemes,
    )
