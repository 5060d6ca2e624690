"""Origins that answer CloudFront's TLS hello as no good server would, or differently from time to time."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from cfrunbook.lab import middlebox, tls_flight
from cfrunbook.lab.authority import DAY, SERVER_AUTH, Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, VIEWER_HOST, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.scenarios.rows import fault, row, unknown
from cfrunbook.lab.servers import Address, Banner, Behind, Chain, Servers, Tls

_PROTOCOL: Final = "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"
_CIPHERS: Final = "secure-connections-supported-ciphers-cloudfront-to-origin.html"
_CERTIFICATE: Final = "http-502-bad-gateway.html#ssl-certificate-expired"
_NAME: Final = "http-502-bad-gateway.html#ssl-negotitation-failure"
_PAGER: Final = "17:31 PAGE  CloudFront 502 for www.shop.example since the origin's new front end of 17:30."
_FINE: Final = "17:31 PAGE  CloudFront 502 for www.shop.example, a few, while the origin's new front end came up."
_SOMETIMES: Final = "17:31 PAGE  CloudFront 502 for www.shop.example, some of the requests, since 17:30."
_STEPS: Final = (
    "Send CloudFront's hello, and look at the bytes that come back.",
    "Which is the first thing that the server says, and which is the last?",
)
_HUGE: Final = 300_000
"""Bytes: more than any certificate chain needs."""


def _chain(authority: Authority) -> Chain:
    return Chain((authority.leaf(ORIGIN), authority.intermediate))


def _says(sent: bytes, *, resets: bool = False) -> Callable[[Authority], Setup]:
    """Return an origin that says this to a hello."""
    return lambda _: Setup(web(Banner(sent, waits=True, then="resets" if resets else "closes")))


def _sends(chain: Callable[[Authority], tuple[bytes, ...]]) -> Callable[[Authority], Setup]:
    """Return an origin that sends these as its certificates."""
    return lambda authority: Setup(web(Banner(tls_flight.whole(chain(authority)), waits=True, then="closes")))


def _behind(quirk: middlebox.Quirk) -> Callable[[Authority], Setup]:
    def set_up(authority: Authority) -> Setup:
        def relay(servers: Servers, behind: Address, address: str) -> Address:
            return middlebox.listen(servers, behind, quirk, address)

        return Setup(web(Behind(Tls(_chain(authority)), relay)))

    return set_up


def _balanced(authority: Authority) -> Setup:
    """Return an origin with two nodes behind one address, of which every second hello of a kind meets the old one."""
    old = Chain((authority.leaf(ORIGIN, begins=-93 * DAY, ends=-3 * DAY), authority.intermediate))

    def relay(servers: Servers, behind: Address, address: str) -> Address:
        second = servers.listen(Tls(old), address)
        return middlebox.listen(servers, behind, middlebox.Balances((second,)), address)

    return Setup(web(Behind(Tls(_chain(authority)), relay)))


def _old(authority: Authority) -> Tls:
    return Tls(_chain(authority), maximum=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES256-CCM")


def _by_name_only(authority: Authority) -> Setup:
    return Setup(web(Tls(None, by_name={ORIGIN: _chain(authority)})))


def _host_refused(authority: Authority) -> Setup:
    served = Tls(None, by_name={ORIGIN: _chain(authority)})
    return Setup(web(served), host_forwarded=True, url="")


def _second_for_another(authority: Authority) -> Setup:
    rsa = Chain((authority.leaf("old.shop.example", key="RSA 2048"), authority.intermediate))
    return Setup(web(Tls(_chain(authority), beside=rsa)))


def _ccm_only(authority: Authority) -> Setup:
    return Setup(web(_old(authority)))


def _ccm_and_p521(authority: Authority) -> Setup:
    return Setup(web(dataclasses.replace(_old(authority), curve="secp521r1")))


def _names_unreadable(authority: Authority) -> tuple[bytes, ...]:
    junk = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x03\x82\x05ab")
    leaf = authority.mint(ORIGIN, issuer=authority.intermediate, usages=(SERVER_AUTH,), extra=((junk, False),))
    return leaf.der, authority.intermediate.der


def _unusable_key(authority: Authority) -> tuple[bytes, ...]:
    return authority.leaf(ORIGIN, key="Ed25519").der, authority.intermediate.der


_SHA256_WITH_RSA, _SHA1_WITH_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")


def _weak_signature(authority: Authority) -> tuple[bytes, ...]:
    """Return a certificate that is signed over SHA-1, as no library makes them any more."""
    old = authority.mint("Lab Old CA", issuer=authority.root, ca=True, ends=DAY * 300, key="RSA 2048")
    leaf = authority.leaf(ORIGIN, issuer=old)
    content = leaf.certificate.tbs_certificate_bytes
    head, _, tail = leaf.der.partition(content)
    content, tail = (part.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA) for part in (content, tail))
    assert isinstance(old.key, rsa.RSAPrivateKey)
    signature = old.key.sign(content, PKCS1v15(), hashes.SHA1())  # noqa: S303 - what the scenario is about
    return head + content + tail[: -len(signature)] + signature, old.der


def _hello(  # noqa: PLR0917 - the rows of a table
    name: str,
    expected: Expected,
    set_up: Callable[[Authority], Setup],
    title: str,
    ticket: str,
    hint: str,
    why: str,
    *,
    page: str = _PROTOCOL,
    difficulty: Difficulty = Difficulty.HARD,
    pager: str = _PAGER,
    is_fickle: bool = False,
    needs_s2n: bool = False,
) -> Scenario:
    return row(
        name,
        expected,
        set_up,
        title=title,
        pager=_FINE if expected.status == "ok" else pager,
        ticket=ticket,
        hints=(*_STEPS, hint),
        why=why,
        page=page,
        difficulty=difficulty,
        is_fickle=is_fickle,
        needs_s2n=needs_s2n,
    )


_BOTH: Final = frozenset({200, 502})

SCENARIOS = (
    _hello(
        "tls-protocol-version-alert",
        fault("tls_protocol.no_common_version"),
        _says(tls_flight.alert(70)),
        "The origin answers the hello with alert 70: no version in common",
        "the new front end speaks TLS, we see bytes of it.",
        "What does that alert mean?",
        "A device with a version of its own, or a policy that allows none of those that CloudFront offers.",
        difficulty=Difficulty.MEDIUM,
    ),
    _hello(
        "tls-protocol-suite-alert",
        fault("tls_protocol.no_common_suite"),
        _says(tls_flight.alert(40)),
        "The origin answers every hello with alert 40",
        "the new front end speaks TLS, we see bytes of it.",
        "What does that alert mean, and what does it leave open?",
        "A server without a certificate, or one whose suites nobody has.",
        difficulty=Difficulty.MEDIUM,
    ),
    _hello(
        "tls-protocol-internal-error",
        fault("tls_protocol.internal_error"),
        _says(tls_flight.alert(80)),
        "The origin answers the hello with alert 80: something is wrong with itself",
        "the new front end is up, its process runs.",
        "What does that alert mean: is it about the client, or about the server?",
        "A front end that cannot read its key says so in its own log, and to clients only this.",
        difficulty=Difficulty.MEDIUM,
    ),
    _hello(
        "tls-protocol-illegal-parameter",
        fault("tls_protocol.refused"),
        _says(tls_flight.alert(47)),
        "The origin refuses the hello with alert 47",
        "the new front end speaks TLS, we see bytes of it.",
        "What does that alert mean?",
        "Strict devices refuse extensions that they do not know.",
    ),
    _hello(
        "tls-protocol-garbage",
        fault("tls_protocol.malformed"),
        _says(tls_flight.record(b"\x63\x00\x00\x04oops")),
        "The origin answers the hello with something that is no TLS message",
        "it is TLS, the first bytes look like it.",
        "Take the record apart: which message is in it?",
        "A proxy of another make speaks a protocol of its own at that port.",
    ),
    _hello(
        "tls-protocol-breaks-off",
        fault("tls_protocol.truncated"),
        _says(tls_flight.record(tls_flight.server_hello())[:40]),
        "The origin's answer breaks off in the middle of a message",
        "a capture shows that the server answers.",
        "How long is the record by its own header, and how much came?",
        "A process dies at each handshake, and its supervisor starts it anew.",
    ),
    _hello(
        "tls-protocol-too-large",
        fault("tls_protocol.too_large"),
        _sends(lambda _: (b"\x30" * _HUGE,)),
        "The origin's certificates are larger than any client takes",
        "the handshake is slow, and then it fails.",
        "How many bytes come before the handshake could go on?",
        "Every customer's certificate ended up in one bundle.",
    ),
    _hello(
        "tls-protocol-resets",
        fault("tls_protocol.reset"),
        _says(tls_flight.record(tls_flight.server_hello()), resets=True),
        "The origin resets the connection in the middle of the handshake",
        "telnet to port 443 connects at once.",
        "At which byte does the connection end, and how?",
        "An inspection device ends what it does not like.",
    ),
    _hello(
        "tls-protocol-hangs-up",
        fault("tls_protocol.closed"),
        _says(tls_flight.record(tls_flight.server_hello())),
        "The origin hangs up in the middle of the handshake",
        "telnet to port 443 connects at once.",
        "At which byte does the connection end, and how?",
        "The certificate's file is empty, and the process gives up where it would send it.",
    ),
    _hello(
        "tls-protocol-warns-first",
        unknown("tls_protocol.warning_alert", frozenset({502})),
        _behind(middlebox.Warns()),
        "The origin sends a warning before its answer",
        "openssl prints a line that we never saw, and connects.",
        "Who goes on after a warning, and who does not?",
        "Servers that do not know a name may warn and go on. AWS's library does not go on.",
        needs_s2n=True,
    ),
    _hello(
        "tls-protocol-version-intolerance",
        fault("tls_protocol.version_intolerance"),
        _behind(middlebox.Intolerant(middlebox.TLS_1_3)),
        "The origin cannot bear a hello that also offers TLS 1.3",
        "`openssl s_client -tls1_2` connects, and without -tls1_2 it does not.",
        "What is in CloudFront's hello that is not in the one that works?",
        "Old devices close on a version that they do not know, in place of choosing a lower one.",
    ),
    _hello(
        "tls-protocol-answers-sometimes",
        unknown("tls_protocol.answers_sometimes", _BOTH),
        _behind(middlebox.Rations(3, 3)),
        "The origin answers some hellos and closes the others",
        "it works and it fails, on the same machine, with the same command.",
        "Repeat the very same hello, and count.",
        "A limit, or nodes of which some are down.",
        pager=_SOMETIMES,
        is_fickle=True,
    ),
    _hello(
        "certificate-nodes-differ",
        fault("certificate.expired", edge=_BOTH),
        _balanced,
        "One of two nodes behind the address still has the old certificate",
        "the certificate was renewed, and the monitor sees the new one.",
        "Ask several times, and compare the certificates.",
        "The renewal reached one node of two.",
        page=_CERTIFICATE,
        pager=_SOMETIMES,
        is_fickle=True,
    ),
    _hello(
        "healthy-name-required",
        HEALTHY,
        _by_name_only,
        "The origin answers only hellos with its name",
        "`openssl s_client -connect` with the address fails. Is TLS broken?",
        "Does CloudFront send a server name?",
        "Front ends with many sites have no default one.",
        page=_NAME,
        difficulty=Difficulty.EASY,
    ),
    _hello(
        "tls-name-host-refused",
        fault("tls_name.sni_refused"),
        _host_refused,
        "If CloudFront sends the viewer's Host as server name, the origin refuses it",
        f"the origin works under its own name. What {VIEWER_HOST} does there nobody has tried.",
        "Which name does CloudFront send, where the viewer's Host is forwarded?",
        "AllViewer forwards Host, and with it goes the server name.",
        page=_NAME,
    ),
    _hello(
        "healthy-second-certificate-elsewhere",
        HEALTHY,
        _second_for_another,
        "The origin has a second certificate, for another name, which CloudFront does not get",
        "a scanner reports a certificate for old.shop.example on the origin. Is that the incident?",
        "Which of the two certificates does CloudFront's hello get?",
        "RSA certificates stay beside ECDSA ones for old clients, and are forgotten.",
        page=_NAME,
    ),
    _hello(
        "tls-protocol-ccm-only",
        fault("tls_protocol.other_suites_only"),
        _ccm_only,
        "The origin has only suites of a family that CloudFront does not offer",
        "TLS 1.2, AES-256, forward secrecy: it is all on the list.",
        "Compare the suites letter by letter with AWS's list.",
        "Embedded devices prefer AES in CCM mode.",
        page=_CIPHERS,
    ),
    _hello(
        "tls-protocol-ccm-and-p521",
        fault("tls_protocol.other_parameters"),
        _ccm_and_p521,
        "The origin wants two things that CloudFront does not offer",
        "TLS 1.2, AES-256, the strongest curve.",
        "Change one thing at a time.",
        "A hardening template from another world.",
        page=_CIPHERS,
    ),
    _hello(
        "certificate-unreadable",
        fault("certificate.unparseable"),
        _sends(lambda authority: (b"-----BEGIN CERTIFICATE-----", authority.intermediate.der)),
        "What the origin sends as its certificate is none",
        "the certificate's file is in place, and the server starts.",
        "Are these bytes a certificate?",
        "A home-made server sends the file as it is, PEM in place of DER.",
        page=_CERTIFICATE,
    ),
    _hello(
        "certificate-none-sent",
        fault("tls_protocol.malformed"),
        _sends(lambda _: ()),
        "The origin sends an empty list of certificates",
        "the handshake goes on for a while and then fails.",
        "How many certificates are sent?",
        "A home-made server could not read its file and goes on without.",
        page=_CERTIFICATE,
    ),
    _hello(
        "certificate-key-unsupported",
        fault("certificate.key_unsupported"),
        _sends(_unusable_key),
        "The origin sends a certificate whose key CloudFront does not support, without being asked for one",
        "the certificate is right, and the server insists on it.",
        "Which kind of key is in the certificate?",
        "A home-made server has one certificate and sends it to everybody.",
        page=_CERTIFICATE,
    ),
    _hello(
        "certificate-weak-signature",
        fault("certificate.weak_signature"),
        _sends(_weak_signature),
        "The certificate is signed over SHA-1",
        "name, dates and authority are right; the device has had it since it was bought.",
        "With which algorithm is the certificate signed?",
        "Devices keep what their maker put there ten years ago.",
        page=_CERTIFICATE,
    ),
    _hello(
        "tls-name-unreadable",
        unknown("certificate.other", frozenset({502})),
        _sends(_names_unreadable),
        "The names on the certificate cannot be read",
        "the tool that made it says that the name is in it.",
        "Let openssl print the certificate's names.",
        "Home-made tools write extensions with a wrong length.",
        page=_NAME,
    ),
)
