"""Certificates and chains that are wrong, or only look so, in the ways that are rarer than those of `certificate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography import x509

from cfrunbook.lab.authority import CLIENT_AUTH, DAY, SERVER_AUTH, YEAR, Authority, Identity
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.scenarios.rows import fault, row, unknown
from cfrunbook.lab.servers import Chain, Tls

_CERTIFICATE: Final = "http-502-bad-gateway.html#ssl-certificate-expired"
_REQUIREMENTS: Final = "cnames-and-https-requirements.html"
_KEYS: Final = "cnames-and-https-size-of-public-key.html"
_CIPHERS: Final = "secure-connections-supported-ciphers-cloudfront-to-origin.html"
_MISSING_PIECES = (
    "List the certificates exactly as sent (openssl s_client -showcerts), with subject and issuer.",
    "Verify them one by one, from the origin's own upwards.",
)
_PAGER: Final = "09:12 PAGE  CloudFront 502 for www.shop.example since the origin's new certificate of 09:10."
_FINE: Final = "09:12 PAGE  CloudFront 502 for www.shop.example, three requests, resolved by itself."

Sent = Callable[[Authority], tuple[Identity, ...]]


def _usual(authority: Authority) -> tuple[Identity, ...]:
    return authority.leaf(ORIGIN), authority.intermediate


def _private_ca(authority: Authority) -> tuple[Identity, ...]:
    root = authority.mint("Shop Root", ca=True, begins=-YEAR, ends=YEAR, organization="Shop")
    corp = authority.mint("Shop Issuing CA", ca=True, issuer=root, ends=YEAR, aia="", organization="Shop")
    leaf = authority.mint(ORIGIN, names=(ORIGIN,), issuer=corp, usages=(SERVER_AUTH,), aia="")
    return leaf, corp


def _wrong_intermediate(authority: Authority) -> tuple[Identity, ...]:
    other = authority.intermediate_ca(authority.intermediate.common_name, issuer=authority.root)
    return authority.leaf(ORIGIN), other


def _bad_signature(authority: Authority) -> tuple[Identity, ...]:
    stranger = authority.root_ca("Stranger")
    leaf = authority.mint(
        ORIGIN,
        names=(ORIGIN,),
        issuer=authority.intermediate,
        usages=(SERVER_AUTH,),
        signed_by=stranger.key,
    )
    return leaf, authority.intermediate


def _loop(authority: Authority) -> tuple[Identity, ...]:
    one, two = authority.root_ca("Bridge A"), authority.root_ca("Bridge B")
    one_by_two = authority.mint("Bridge A", issuer=two, ca=True, ends=YEAR, key=one.key)
    two_by_one = authority.mint("Bridge B", issuer=one, ca=True, ends=YEAR, key=two.key)
    return authority.leaf(ORIGIN, issuer=one), one_by_two, two_by_one


def _expired_aside(authority: Authority) -> tuple[Identity, ...]:
    old = authority.root_ca("Old Root X0")
    issuing = authority.intermediate
    cross = authority.mint(
        authority.root.common_name,
        issuer=old,
        ca=True,
        begins=-3 * YEAR,
        ends=-30 * DAY,
        key=authority.root.key,
    )
    return authority.leaf(ORIGIN), issuing, cross


def _duplicate(authority: Authority) -> tuple[Identity, ...]:
    leaf, issuing = _usual(authority)
    return leaf, leaf, issuing


def _unrelated(authority: Authority) -> tuple[Identity, ...]:
    return *_usual(authority), authority.intermediate_ca("Last year's CA", issuer=authority.root_ca("Elsewhere"))


def _too_many(authority: Authority) -> tuple[Identity, ...]:
    return *_usual(authority), *(authority.root_ca(f"Root {number} of the bundle") for number in range(9))


def _client_only(authority: Authority) -> tuple[Identity, ...]:
    return authority.leaf(ORIGIN, usages=(CLIENT_AUTH,)), authority.intermediate


def _no_ca(authority: Authority) -> tuple[Identity, ...]:
    department = authority.mint("Shop department", issuer=authority.intermediate, ends=YEAR)
    return authority.leaf(ORIGIN, issuer=department), department, authority.intermediate


def _path_length(authority: Authority) -> tuple[Identity, ...]:
    last = authority.intermediate_ca("Lab Last CA", issuer=authority.root, path_length=0)
    more = authority.intermediate_ca("Shop department CA", issuer=last)
    return authority.leaf(ORIGIN, issuer=more), more, last


def _name_constraints(authority: Authority) -> tuple[Identity, ...]:
    only = x509.NameConstraints([x509.DNSName("other.example")], None)
    limited = authority.mint(
        "Other's own CA", issuer=authority.root, ca=True, begins=-YEAR, ends=YEAR, extra=((only, True),)
    )
    return authority.leaf(ORIGIN, issuer=limited), limited


def _critical_extension(authority: Authority) -> tuple[Identity, ...]:
    own = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    leaf = authority.mint(
        ORIGIN, names=(ORIGIN,), issuer=authority.intermediate, usages=(SERVER_AUTH,), extra=((own, True),)
    )
    return leaf, authority.intermediate


def _weak_key(authority: Authority) -> tuple[Identity, ...]:
    return authority.leaf(ORIGIN, key="RSA 1024"), authority.intermediate


def _p384(authority: Authority) -> tuple[Identity, ...]:
    return authority.leaf(ORIGIN, key="EC P-384"), authority.intermediate


def _without_issuer_key(authority: Authority) -> tuple[Identity, ...]:
    leaf = authority.mint(
        ORIGIN, names=(ORIGIN,), issuer=authority.intermediate, usages=(SERVER_AUTH,), names_issuer_key=False
    )
    return leaf, authority.intermediate


def _common_name_only(authority: Authority) -> tuple[Identity, ...]:
    return authority.mint(ORIGIN, issuer=authority.intermediate, usages=(SERVER_AUTH,)), authority.intermediate


def _chain(  # noqa: PLR0917 - one row of a table
    name: str,
    expected: Expected,
    sent: Sent,
    title: str,
    ticket: str,
    hint: str,
    why: str,
    *,
    page: str = _CERTIFICATE,
    difficulty: Difficulty = Difficulty.MEDIUM,
    ciphers: str = "",
    disagreement: str = "",
) -> Scenario:
    return row(
        name,
        expected,
        lambda authority: Setup(web(Tls(Chain(sent(authority)), ciphers=ciphers))),
        title=title,
        pager=_FINE if expected.status == "ok" else _PAGER,
        ticket=ticket,
        hints=(*_MISSING_PIECES, hint),
        why=why,
        page=page,
        difficulty=difficulty,
        disagreement=disagreement,
    )


SCENARIOS = (
    _chain(
        "certificate-private-ca",
        fault("certificate.private_ca"),
        _private_ca,
        "The certificate's authority is a private one, and its root is not sent",
        "our own authority issued it, as for all servers inside. The bundle has two certificates.",
        "Who issued the last certificate that is sent, and who in the world knows that authority?",
        "An internal authority is trusted by managed machines; CloudFront is none of them.",
        page=_REQUIREMENTS,
    ),
    _chain(
        "certificate-wrong-intermediate",
        fault("certificate.wrong_intermediate"),
        _wrong_intermediate,
        "The CA certificate that is sent has the right name and another key",
        "certificate and bundle are both of the same authority; the names fit. openssl on the server says OK.",
        "Two CA certificates can have the same name. Compare key identifiers, not names.",
        "Authorities renew their CAs under the same name, and the bundle of last year is still on the server.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "certificate-bad-signature",
        fault("certificate.bad_signature"),
        _bad_signature,
        "The signature on the certificate is not its issuer's",
        "names, dates, authority: all as it should be, we compared it line by line.",
        "Let openssl verify the signature, not the names.",
        "A file was edited, or a test authority of the same name made it.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "certificate-loop",
        fault("certificate.loop"),
        _loop,
        "Two authorities certify each other, and no root is reached",
        "three certificates are sent, each one issued by another. What more can there be?",
        "Follow the issuers: where do they end?",
        "Bridges between authorities certify in both directions, and the way to a root was left out.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "healthy-old-cross-certificate",
        HEALTHY,
        _expired_aside,
        "A certificate beside the way has passed its date, and nothing depends on it",
        "a checker is red because of a date in the chain. Is that the incident?",
        "Is that certificate on the way from the origin's own to a trusted root?",
        "Cross-signatures for old clients stay in the bundle for years after their end.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "healthy-duplicate-certificate",
        HEALTHY,
        _duplicate,
        "The origin's certificate is sent twice",
        "a checker counts one certificate too many. Is that the incident?",
        "What is done with a certificate that was there already?",
        "fullchain.pem was appended to cert.pem.",
        difficulty=Difficulty.EASY,
    ),
    _chain(
        "healthy-unrelated-certificate",
        HEALTHY,
        _unrelated,
        "A certificate is sent along that belongs to no chain here",
        "a checker does not know what the third certificate is for. Is that the incident?",
        "Does the chain hold without it?",
        "The old authority's certificate was left in the bundle after the move to a new one.",
    ),
    _chain(
        "certificate-whole-bundle",
        Expected("ok", edge=frozenset({502})),
        _too_many,
        "A whole bundle of roots is sent along, more than AWS's library takes unless it is told to",
        "the handshake is large. Is that the incident?",
        "Which of the certificates are needed?",
        "Somebody put the system's ca-bundle into the chain file.",
        disagreement="AWS's s2n-tls refuses more than seven certificates by default; whether CloudFront raises that is"
        " not documented, so the verdict warns and does not call it the cause.",
    ),
    _chain(
        "certificate-client-only",
        fault("certificate.wrong_usage"),
        _client_only,
        "The certificate is for clients, not for servers",
        "it is from the same authority, valid, and carries the right name.",
        "What may the certificate be used for?",
        "Two templates at the authority, one letter apart.",
    ),
    _chain(
        "certificate-not-a-ca",
        fault("certificate.not_a_ca"),
        _no_ca,
        "The issuer of the certificate is no certificate authority",
        "the department made its certificate itself, below the one that it was given. All three are sent.",
        "May the second certificate issue others?",
        "Whoever has a key can sign; only who is a CA may.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "certificate-path-length",
        fault("certificate.path_length"),
        _path_length,
        "There is one authority more below a CA than it may have",
        "a CA was added for our department, below the old one. All of them are sent.",
        "How many authorities may follow below each?",
        "Public CAs are limited to issuing certificates of servers, not of further CAs.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "certificate-name-constraints",
        fault("certificate.name_constraints"),
        _name_constraints,
        "The authority may issue for other names only",
        "the sister company's authority issued it for us. Their own sites work with it.",
        "For which names may that authority issue?",
        "A company's own CA under a public root is limited to the company's domains.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "certificate-critical-extension",
        fault("certificate.critical_extension"),
        _critical_extension,
        "The certificate has a critical extension that nobody knows",
        "it was made by the device vendor's tool, and the vendor's client accepts it.",
        "Which extensions are critical, and who knows them?",
        "Vendors put their own marks into certificates, and one check box makes them critical.",
        difficulty=Difficulty.HARD,
    ),
    _chain(
        "healthy-weak-key",
        HEALTHY,
        _weak_key,
        "The certificate's key is short: a warning, and not why it fails",
        "the auditor says that the key is broken. Is that the incident?",
        "Which keys does CloudFront accept, and which should nobody use?",
        "Old devices cannot do better. CloudFront accepts RSA keys from 1024 bits on.",
        page=_KEYS,
        ciphers="DEFAULT:@SECLEVEL=0",
    ),
    _chain(
        "healthy-p384-key",
        HEALTHY,
        _p384,
        "The certificate's key is one that works and is not documented",
        "the key is EC P-384. AWS's page names 256 bits only. Is that the incident?",
        "Shake hands and see.",
        "Authorities offer it, and it works; nobody promises that it will.",
        page=_CIPHERS,
    ),
    _chain(
        "certificate-without-issuer-key",
        unknown("certificate.other", frozenset({200})),
        _without_issuer_key,
        "A strict verifier refuses the certificate, and others do not",
        "it was made by a script. openssl and every browser accept it.",
        "Which parts must a certificate have by RFC 5280?",
        "Scripts leave out identifiers that some verifiers insist on.",
        difficulty=Difficulty.HARD,
        disagreement="OpenSSL and AWS's s2n-tls accept it, and RFC 5280 does not; the verdict leaves it open.",
    ),
    _chain(
        "healthy-common-name-only",
        HEALTHY,
        _common_name_only,
        "The certificate has its name only as common name",
        "browsers refuse the origin's certificate, by its name, and the name is right.",
        "Where is the name, and who still reads it there?",
        "An authority in the house makes certificates as in 2005.",
        page="http-502-bad-gateway.html#ssl-negotitation-failure",
    ),
)
