"""Origins with which CloudFront has no suite, curve or key in common though other clients do, and healthy twins."""

from __future__ import annotations

import ssl

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PROTOCOL_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"
_CIPHERS_PAGE = _GUIDE + "secure-connections-supported-ciphers-cloudfront-to-origin.html"

FFDHE2048 = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
"""The group ffdhe2048 of RFC 7919: https://www.rfc-editor.org/rfc/rfc7919#appendix-A.1"""


def _p521_curve(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate)), curve="secp521r1")))


def _p384_curve(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate)), curve="secp384r1")))


def _ed25519(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, key="Ed25519"), authority.intermediate)))))


def _p521_certificate(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN, key="EC P-521"), authority.intermediate))
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2)))


def _p521_certificate_tls13(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, key="EC P-521"), authority.intermediate)))))


def _dhe_only(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN, key="RSA 2048"), authority.intermediate))
    suites = "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, ciphers=suites, dh_parameters=FFDHE2048)))


def _fault(code: str) -> Expected:
    return Expected(status="fault", cause=Cause.TLS_PROTOCOL, code=f"tls_protocol.{code}", cloudfront_status=502)


SCENARIOS = (
    Scenario(
        name="tls-protocol-p521-curve-only",
        title="The origin does key exchange on the curve P-521 only",
        story=(
            "13:37 PAGE  CloudFront 502 for www.shop.example since the compliance change of 13:30.",
            "Ticket: TLS 1.2 and 1.3, AES-GCM, ECDHE: all of it is on AWS's list. curl and Firefox get through.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("no_common_curve"),
        hints=(
            "Version and cipher suite are not all that two sides have to agree on.",
            "Read what else is on AWS's page about ciphers between CloudFront and origins.",
            "Repeat the test with -groups P-256:X25519:P-384, which is what CloudFront offers.",
        ),
        why_in_real_life=(
            "“The strongest curve” reads well in a compliance sheet: ssl_ecdh_curve secp521r1, or a load balancer"
            " policy that keeps P-521 alone. Chrome would fail too; curl, openssl and Firefox do not."
        ),
        page=_CIPHERS_PAGE,
        set_up=_p521_curve,
        needs_s2n=True,
    ),
    Scenario(
        name="healthy-p384-curve-only",
        title="The origin wants the curve P-384, for which it asks with a HelloRetryRequest",
        story=(
            "13:52 PAGE  CloudFront 502 for www.shop.example, one request, during the compliance change.",
            "Ticket: the origin refuses our first key share. Is that it?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Refusing a key share is not refusing the client.",
            "Which curves does CloudFront offer besides the one that it sends a key share for?",
            "Follow the handshake to its end.",
        ),
        why_in_real_life="Suite B rules ask for P-384. It costs one more round trip and works.",
        page=_CIPHERS_PAGE,
        set_up=_p384_curve,
    ),
    Scenario(
        name="tls-protocol-ed25519-certificate",
        title="The certificate's key is Ed25519, which CloudFront cannot use",
        story=(
            "10:15 PAGE  CloudFront 502 for www.shop.example since this morning's certificate.",
            "Ticket: name, dates and chain of the new one are right, openssl verifies it and curl is happy.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("unusable_key"),
        hints=(
            "What in a certificate is neither name, nor date, nor issuer?",
            "Compare the new certificate's public key algorithm with the old one's.",
            "Which signature schemes does CloudFront offer?",
        ),
        why_in_real_life="A key generator's modern default in an internal authority. No public one issues such.",
        page=_CIPHERS_PAGE,
        set_up=_ed25519,
    ),
    Scenario(
        name="tls-protocol-p521-certificate",
        title="The certificate's key is on P-521, and the origin speaks TLS 1.2 only",
        story=(
            "18:04 PAGE  CloudFront 502 for www.shop.example since the key rotation.",
            "Ticket: still ECDSA, still the same authority, only longer. Our other site runs with such a key too.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("unusable_key"),
        hints=(
            "What differs between the two sites besides the name?",
            "Below TLS 1.3 the curve of the key must be among those that the client offers.",
            "Which curves does CloudFront offer, and which TLS versions has each site?",
        ),
        why_in_real_life="The longest key on offer was taken. With TLS 1.3 it works, so it depends on the server.",
        page=_PROTOCOL_PAGE,
        set_up=_p521_certificate,
    ),
    Scenario(
        name="healthy-p521-certificate-tls13",
        title="The certificate's key is on P-521, and the origin speaks TLS 1.3",
        story=(
            "18:09 PAGE  CloudFront 502 for www.shop.example, resolved by itself.",
            "Ticket: this is the other site with the long key. It must be about to fail as well, please confirm.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "The same key is not the same handshake.",
            "In TLS 1.3 curves and signatures are negotiated separately.",
            "Send CloudFront's hello and see what is chosen.",
        ),
        why_in_real_life="It works and nobody promises it: AWS documents ECDSA keys of 256 bits.",
        page=_CIPHERS_PAGE,
        set_up=_p521_certificate_tls13,
    ),
    Scenario(
        name="tls-protocol-dhe-only",
        title="The origin has DHE cipher suites only",
        story=(
            "20:41 PAGE  CloudFront 502 for www.shop.example since the appliance's firmware update.",
            "Ticket: TLS 1.2 with forward secrecy and AES-GCM, as the auditors wanted. openssl s_client connects.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dhe_only"),
        hints=(
            "There is more than one way to forward secrecy.",
            "Read the first word of the cipher suites on AWS's list.",
            "Repeat the test with -cipher set to CloudFront's list.",
        ),
        why_in_real_life="Old appliances know DHE and no elliptic curves. CloudFront has no DHE suite.",
        page=_PROTOCOL_PAGE,
        set_up=_dhe_only,
    ),
)
