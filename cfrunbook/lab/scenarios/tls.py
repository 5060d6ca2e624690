"""Origins whose certificate is fine and not for this name, and origins with which no TLS version is shared."""

from __future__ import annotations

import ssl
from dataclasses import replace

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import ORIGIN, VIEWER_HOST, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_NAME_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-negotitation-failure"
_PROTOCOL_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"


def _name_mismatch(authority: Authority) -> Setup:
    leaf = authority.leaf("shop.example", VIEWER_HOST)
    return Setup(web(Tls(Chain((leaf, authority.intermediate)))))


def _forwarded_host(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    origin = web(Tls(by_name={ORIGIN: chain}))
    return Setup(origin, host_forwarded=True, before=Setup(origin))


def _default_certificate(authority: Authority) -> Setup:
    right = Chain((authority.leaf(ORIGIN), authority.intermediate))
    default = Chain((authority.leaf("panel.hosting.example"), authority.intermediate))
    return Setup(web(Tls(default, by_name={ORIGIN: right})), host_forwarded=True)


def _old_only(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    old = Tls(chain, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1, ciphers="ECDHE+AES:@SECLEVEL=0")
    return Setup(web(old), before=Setup(replace(web(old), minimum_tls="TLSv1")))


def _client_certificate(authority: Authority) -> Setup:
    # Below TLS 1.3 the handshake itself fails without one; in TLS 1.3 the refusal comes after it.
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    clients = authority.root_ca("Shop Partners Root")
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, clients=clients)))


def _optional_client_certificate(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    partners = authority.root_ca("Shop Partners Root")
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, clients=partners, clients_optional=True)))


SCENARIOS = (
    Scenario(
        name="tls-name-mismatch",
        title="The certificate is not for the name CloudFront asks for",
        story=(
            "08:55 PAGE  CloudFront 502 for www.shop.example, every uncached page.",
            "Ticket: the origin got a name of its own yesterday. Its certificate is new and says www.shop.example.",
        ),
        difficulty=Difficulty.EASY,
        expected=Expected(status="fault", cause=Cause.TLS_NAME, code="tls_name.mismatch", cloudfront_status=502),
        hints=(
            "Which name does CloudFront use towards the origin: the viewer's or the origin's?",
            "Read the distribution: Origin Domain, and whether a policy forwards Host.",
            "Compare that name with the names in the certificate.",
        ),
        why_in_real_life=(
            "The certificate is for the public name, the origin is addressed by another one and Host is not forwarded."
        ),
        page=_NAME_PAGE,
        set_up=_name_mismatch,
        has_logs=True,
    ),
    Scenario(
        name="tls-name-forwarded-host",
        title="The viewer's Host is forwarded, and the origin knows no such name",
        story=(
            "17:31 PAGE  CloudFront 502 for www.shop.example since the distribution was re-created in the console.",
            "Ticket: openssl s_client -connect origin.shop.example:443 -servername origin.shop.example is all green.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(status="fault", cause=Cause.TLS_NAME, code="tls_name.sni_refused", cloudfront_status=502),
        hints=(
            "The test in the ticket chose its own server name. CloudFront chooses another way.",
            "Look up which headers the cache behavior's origin request policy sends to the origin.",
            "Repeat the test with -servername set to the Host that the viewer sends.",
        ),
        why_in_real_life=(
            "The console's defaults attach the managed policy AllViewer, which forwards Host; CloudFront then asks for "
            "the viewer's name, and Caddy or nginx with ssl_reject_handshake refuse a name they do not serve."
        ),
        page=_NAME_PAGE,
        set_up=_forwarded_host,
    ),
    Scenario(
        name="tls-name-default-certificate",
        title="The viewer's Host is forwarded, and the origin answers with its default certificate",
        story=(
            "12:12 PAGE  CloudFront 502 for www.shop.example since the origin moved to the hosting provider.",
            "Ticket: https://origin.shop.example shows a good certificate for exactly that name.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(status="fault", cause=Cause.TLS_NAME, code="tls_name.mismatch", cloudfront_status=502),
        hints=(
            "One address can have several certificates.",
            "Which server name does CloudFront send when a policy forwards Host?",
            "Look at the certificate that comes for that name.",
        ),
        why_in_real_life=(
            "Apache, nginx and load balancers answer an unknown server name with the certificate of the default site, "
            "often the hosting panel's."
        ),
        page=_NAME_PAGE,
        set_up=_default_certificate,
    ),
    Scenario(
        name="tls-protocol-old-only",
        title="The origin speaks nothing newer than TLS 1.1",
        story=(
            "07:45 PAGE  CloudFront 502 for www.shop.example after the distribution's security review.",
            "Ticket: the reviewers raised minimums everywhere. The old origin was not touched.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(
            status="fault", cause=Cause.TLS_PROTOCOL, code="tls_protocol.old_versions_only", cloudfront_status=502
        ),
        hints=(
            "Two sides must agree. Only one was changed.",
            "Read the origin's minimum protocol in the distribution.",
            "Try the origin with each TLS version by itself.",
        ),
        why_in_real_life="An appliance or an old JVM tops out at TLS 1.1 and the distribution no longer allows it.",
        page=_PROTOCOL_PAGE,
        set_up=_old_only,
    ),
    Scenario(
        name="tls-client-certificate-optional",
        title="The origin asks its clients for a certificate, and goes on without one",
        story=(
            "10:38 PAGE  CloudFront 502 for www.shop.example since the partners' log-in was prepared at the origin.",
            "Ticket: certificates are optional there, curl gets the page without one. So it cannot be that?",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="unknown",
            cause=Cause.TLS_PROTOCOL,
            code="tls_protocol.client_certificate",
            edge=frozenset({200}),
        ),
        hints=(
            "curl is not CloudFront: what does each of them do when it is asked for something that it has not?",
            "Look at what the server asks for in the handshake (openssl s_client: Acceptable client certificate CA).",
            "Read what AWS says of origins that ask for client certificates, and whether it depends on insisting.",
        ),
        why_in_real_life=(
            "`ssl_verify_client optional` serves partners and everybody else at one address. AWS documents that "
            "CloudFront drops a request where the origin asks for a client certificate, and not what optional means."
        ),
        page=_PROTOCOL_PAGE,
        set_up=_optional_client_certificate,
        disagreement="OpenSSL and AWS's s2n-tls go on without a certificate; AWS documents that CloudFront drops such"
        " requests, and the verdict leaves it open.",
    ),
    Scenario(
        name="tls-client-certificate-required",
        title="The origin wants a certificate from its clients, and CloudFront shows none",
        story=(
            "10:08 PAGE  CloudFront 502 for www.shop.example since the zero-trust project reached the origin.",
            "Ticket: our partners' machines get through as before, with what we had issued to them.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="fault",
            cause=Cause.TLS_PROTOCOL,
            code="tls_protocol.client_certificate_required",
            cloudfront_status=502,
        ),
        hints=(
            "What was issued to the partners, and does CloudFront have one?",
            "Look at what the server asks for in the handshake (openssl s_client: Acceptable client certificate CA).",
            "Asking is not demanding: finish the handshake without a certificate, and see what the server says.",
        ),
        why_in_real_life=(
            "`ssl_verify_client on` or a load balancer's mutual authentication protects the origin from everybody, "
            "also from CloudFront, unless origin mutual TLS is set up there."
        ),
        page=_PROTOCOL_PAGE,
        set_up=_client_certificate,
    ),
)
