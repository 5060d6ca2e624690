"""Origins on which ordinary TLS tests mislead: they pass where CloudFront fails, and frighten where it does not."""

from __future__ import annotations

import dataclasses
import ssl

from cfrunbook.findings import Cause
from cfrunbook.lab import middlebox
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.servers import Address, Behind, Chain, Servers, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PROTOCOL_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"
_CIPHERS_PAGE = _GUIDE + "secure-connections-supported-ciphers-cloudfront-to-origin.html"
_REQUIREMENTS = _GUIDE + "cnames-and-https-requirements.html"
_MINIMUM_PAGE = _GUIDE + "DownloadDistValuesOrigin.html"

_MANY = 1200
"""Names in one certificate: about 57 KB, just below the 64 KB that AWS's TLS library takes in one message."""


def _chacha20_only(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE+CHACHA20")))


def _static_rsa_only(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN, key="RSA 2048"), authority.intermediate))
    suites = "AES128-GCM-SHA256:AES128-SHA256"
    return Setup(web(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, ciphers=suites)))


def _tls10_allowed(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    old = Tls(chain, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1, ciphers="ECDHE+AES:@SECLEVEL=0")
    return Setup(dataclasses.replace(web(old), minimum_tls="TLSv1"))


def _large_certificate(authority: Authority) -> Setup:
    customers = (f"shop-{number:05}.customers-of-the-shop.example" for number in range(_MANY))
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN, *customers), authority.intermediate)))))


def _behind(authority: Authority, quirk: middlebox.Quirk) -> Setup:
    def relay(servers: Servers, behind: Address, address: str) -> Address:
        return middlebox.listen(servers, behind, quirk, address)

    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    return Setup(web(Behind(Tls(chain), relay)))


def _two_connections(authority: Authority) -> Setup:
    return _behind(authority, middlebox.AtMost(2))


def _short_records(authority: Authority) -> Setup:
    return _behind(authority, middlebox.Splits(1))


SCENARIOS = (
    Scenario(
        name="healthy-two-connections-at-most",
        title="The origin serves two connections at a time and closes any other",
        story=(
            "12:50 PAGE  CloudFront 502 for www.shop.example during the security scan.",
            "Ticket: the scanner found one cipher suite, then none, then others. Is the origin's TLS broken?",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Who asks can change what is answered.",
            "Ask again, one question after the other.",
            "Does the one hello that CloudFront sends get its answer?",
        ),
        why_in_real_life="Small appliances, tarpits and rate limits. Scanners that open many connections see ghosts.",
        page=_MINIMUM_PAGE,
        set_up=_two_connections,
    ),
    Scenario(
        name="healthy-short-records",
        title="The origin sends its handshake one byte at a time: odd and allowed",
        story=(
            "02:26 PAGE  CloudFront 502 for www.shop.example from one location, for a minute.",
            "Ticket: two scanners find no TLS at all on the origin, a third says all is well. Which one is right?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Tools disagree where a protocol leaves room.",
            "A handshake message may be spread over any number of records.",
            "Let something shake hands that has to get it right, not something that guesses.",
        ),
        why_in_real_life="Accelerators, embedded stacks and test devices split messages where nobody else does.",
        page=_CIPHERS_PAGE,
        set_up=_short_records,
    ),
    Scenario(
        name="tls-protocol-chacha20-only",
        title="The origin has no cipher suite in TLS 1.2 but ChaCha20, and no TLS 1.3",
        story=(
            "16:20 PAGE  CloudFront 502 for www.shop.example since the new hardening template at 16:18.",
            "Ticket: every browser opens https://origin.shop.example, openssl s_client too. Top grade in the test.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="fault", cause=Cause.TLS_PROTOCOL, code="tls_protocol.chacha20_only", cloudfront_status=502
        ),
        hints=(
            "A browser and openssl offer far more than CloudFront does.",
            "Read AWS's list of what CloudFront offers to origins, and compare it with what the template left.",
            "Repeat the test with -cipher set to CloudFront's list.",
        ),
        why_in_real_life=(
            "Hardening guides put ChaCha20 first, and somebody keeps the first line only. CloudFront has it in TLS 1.3"
            " alone."
        ),
        page=_PROTOCOL_PAGE,
        set_up=_chacha20_only,
    ),
    Scenario(
        name="healthy-static-rsa-only",
        title="The origin has only suites that CloudFront offers without documenting them",
        story=(
            "11:47 PAGE  CloudFront 502 for www.shop.example, two of a thousand requests.",
            "Ticket: none of the origin's cipher suites is on AWS's list. How can this ever have worked?",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "A list can be shorter than what is done.",
            "AWS's TLS library is public, and so are its policies for CloudFront.",
            "Look at what is negotiated with CloudFront's whole offer.",
        ),
        why_in_real_life=(
            "An appliance without ECDHE. AWS's policy for CloudFront has three such suites more than its documentation;"
            " it works, nobody promises it."
        ),
        page=_CIPHERS_PAGE,
        set_up=_static_rsa_only,
    ),
    Scenario(
        name="healthy-tls10-allowed",
        title="The origin speaks TLS 1.0 only, and the distribution allows it",
        story=(
            "03:15 PAGE  CloudFront 502 for www.shop.example while the appliance was rebooted.",
            "Ticket: the appliance speaks nothing but TLS 1.0; no browser opens it any more. Case closed?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "What a browser wants is not what CloudFront wants.",
            "Read the origin's minimum protocol in the distribution.",
            "Offer exactly that, and see what is chosen.",
        ),
        why_in_real_life="Old appliances live on behind CloudFront. It is a question of security, not the cause.",
        page=_MINIMUM_PAGE,
        set_up=_tls10_allowed,
    ),
    Scenario(
        name="healthy-large-certificate",
        title="One certificate with 1200 names, 57 KB: unwieldy and harmless",
        story=(
            "14:02 PAGE  CloudFront 502 for www.shop.example, single requests, at the top of every hour.",
            "Ticket: a scanner hangs for a minute at the origin's certificate. Does CloudFront hang as well?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "A tool that hangs tells about the tool first.",
            "How long does the whole handshake take, and how many bytes come?",
            "Compare the size with what a TLS library takes in one message.",
        ),
        why_in_real_life="Hosting platforms put all their customers into one certificate, and it grows.",
        page=_REQUIREMENTS,
        set_up=_large_certificate,
    ),
)
