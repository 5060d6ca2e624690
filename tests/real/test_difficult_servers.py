"""Difficult origins: what our probe sees, what we conclude, and what AWS's own TLS library does there.

s2n-tls, under the policy that its authors named after CloudFront, is the oracle: we say "CloudFront connects" exactly
where it does. Every difference is in the table, with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.cloudfront.origin_tls import GROUPS, TLS_1_2, TLS_1_3, offer, suite_name
from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.lab import catalogue, middlebox
from cfrunbook.lab.catalogue import Judge
from cfrunbook.lab.distribution import document
from cfrunbook.lab.edge import OriginGroup, fetch_all
from cfrunbook.lab.scenario import URL, OriginSetup, Setup
from cfrunbook.lab.scenarios import families
from cfrunbook.lab.servers import Banner, Closed, Closes, Silent
from cfrunbook.observation import MAX_HELLOS
from cfrunbook.probes import s2n, tls
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.x509 import certificate
from tests.conftest import REQUIRE_ALL
from tests.real import difficult
from tests.real.difficult import (
    Bench,
    Serve,
    behind,
    gnutls,
    nginx,
    nodes,
    port,
    s_server,
    selfserv,
    tlslite,
    warning_s_server,
)
from tests.real.origins import ORIGIN, OTHER
from tests.scenarios import OTHERS

pytestmark = pytest.mark.needs("nginx", "openssl")
WHY_NOT = s2n.available()
asked = pytest.mark.skipif(bool(WHY_NOT) and not REQUIRE_ALL, reason=f"needs awscrt: {WHY_NOT}")

PATIENCE = 10.0
"""Seconds for a server that answers."""
IMPATIENCE = 0.3
"""Seconds for one that does not."""


LOOKED: dict[str, tuple[Handshake | None, cf.Diagnosis]] = {}
"""What `ours` said, by the row's server: two tests ask."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with difficult.bench(tmp_path_factory.mktemp("difficult")) as bench:
        yield bench


@dataclass(frozen=True)
class Row:
    server: str
    serve: Serve
    sees: str
    """The outcome of CloudFront's exact hello."""
    says: str = ""
    """The code of the verdict; empty: CloudFront connects. With a question mark: unknown; several where a race decides."""
    s2n: str = ""
    """The name of s2n's error; empty: it connects. Several where the time of a RST decides."""
    minimum: TlsMinimum = "TLSv1.2"
    also: str = ""
    """The code of a finding that must come along."""
    differs: str = ""
    """Why we say otherwise than s2n."""
    patience: float = PATIENCE
    needs: tuple[str, ...] = ()


NSS = ("selfserv", "certutil", "pk12util")
GNUTLS = ("gnutls-serv",)
OLD_VERSION, NO_SUITE = "tls_protocol.old_versions_only", "tls_protocol.no_common_suite"
NO_CURVE, UNUSABLE_KEY = "tls_protocol.no_common_curve", "tls_protocol.unusable_key"
OTHER_SUITES, UNDOCUMENTED = "tls_protocol.other_suites_only", "tls_protocol.undocumented_suite"
INTOLERANT, SOMETIMES = "tls_protocol.version_intolerance", "tls_protocol.answers_sometimes?"
DEPRECATED, LIMITS = "tls_protocol.deprecated", "tls_protocol.limits_connections"
SUITE = 5 + 4 + 2 + 32 + 1 + 32
"""Where the suite is in an answer: behind the heads of record and message, version, random and session id."""
NODES_DIFFER = "tls_protocol.nodes_differ"
WARNED = "tls_protocol.warning_alert?"
DEMANDED = "tls_protocol.client_certificate_required"
RC4_AND_3DES = "NONE:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:+ARCFOUR-128:+3DES-CBC:+RSA:+MD5:+SHA1:+COMP-NULL:+SIGN-ALL"
NOT_FINISHED = (
    "the origin refuses after the handshake, where s2n stops, or takes a client without a certificate; and AWS documents"
    " that CloudFront drops such requests"
)
FIRST_ONLY = "s2n asks once, and the first connection is served; CloudFront opens many"

NOT_ASKED = "origin_response.not_asked?"
NO_SUCH_TLS = "Python's OpenSSL has neither SSL 3.0 nor RC4 nor 3DES, nor does it take odd record versions, so the request whose answer would prove it is never sent"

TABLE = (
    # --- healthy, if peculiar
    Row("nginx, RSA and ECDSA", nginx("plain"), "hello"),
    Row("nginx, TLS 1.2 only", nginx("tls12"), "hello"),
    Row("nginx, TLS 1.3 only", nginx("tls13"), "hello"),
    Row("server name required", nginx("sni-required"), "hello"),
    Row("another certificate without a server name", nginx("by-name"), "hello", also="tls_name.default_differs"),
    Row("one ECDSA suite", nginx("ecdsa-one-suite"), "hello"),
    Row("ECDSA P-384 certificate", nginx("p384"), "hello", also="certificate.key_undocumented"),
    Row("ECDSA P-521 certificate, TLS 1.3", nginx("p521-13"), "hello", also="certificate.key_needs_tls_1_3"),
    Row("P-384 curve only: HelloRetryRequest", nginx("p384-curve"), "hello"),
    Row("X25519 only: HelloRetryRequest", nginx("x25519-curve"), "hello"),
    Row("ChaCha20 only, TLS 1.3", nginx("chacha-13"), "hello"),
    Row("name in CN only", nginx("cn-only"), "hello", also="tls_name.common_name_only"),
    Row("57 KB certificate, TLS 1.3", nginx("57k"), "hello"),
    Row("57 KB certificate, TLS 1.2", nginx("57k-12"), "hello"),
    Row("another certificate for each version", nginx("per-version"), "hello"),
    Row("P-521 curve, or RSA key exchange", nginx("p521-curve-rsa-kx"), "hello", also=UNDOCUMENTED),
    Row(
        "undocumented RSA key exchange only",
        nginx("rsa-kx-undocumented"),
        "hello",
        also="tls_protocol.undocumented_only",
    ),
    Row("the server's preference, its own", nginx("server-preference"), "hello"),
    Row("IPv6 only", nginx("ipv6"), "hello"),
    Row("tlslite-ng", tlslite(leaf_first=True), "hello"),
    # --- nothing in common
    Row("P-521 curve only", nginx("p521-curve"), "alert", NO_CURVE, "ALERT"),
    Row("P-521 curve only, TLS 1.3", nginx("p521-curve-13"), "alert", NO_CURVE, "ALERT"),
    Row("DHE only", s_server("rsa", "-tls1_2", "-cipher", "DHE"), "alert", "tls_protocol.dhe_only", "ALERT"),
    Row("ChaCha20 only, TLS 1.2", nginx("chacha-12"), "alert", "tls_protocol.chacha20_only", "ALERT"),
    Row("CCM only, TLS 1.3", nginx("ccm-13"), "alert", OTHER_SUITES, "ALERT"),
    Row("AES256-SHA256 only", nginx("rsa-kx-aes256-sha256"), "alert", OTHER_SUITES, "ALERT"),
    Row("ECDSA suites, RSA certificate", nginx("ecdsa-suites-rsa-certificate"), "alert", NO_SUITE, "ALERT"),
    Row("Ed25519 certificate", nginx("ed25519"), "alert", UNUSABLE_KEY, "ALERT"),
    Row("ECDSA P-521 certificate, TLS 1.2", nginx("p521-12"), "alert", UNUSABLE_KEY, "ALERT"),
    Row("RC4-SHA only", selfserv("tls1.0:tls1.2", ":0005"), "alert", OTHER_SUITES, "ALERT", needs=NSS),
    # --- old versions and suites
    Row("TLS 1.1 only", nginx("tls11"), "alert", OLD_VERSION, "ALERT"),
    Row("TLS 1.1 only, minimum 1.0", nginx("tls11"), "hello", minimum="TLSv1", also=DEPRECATED),
    Row("TLS 1.0 to 1.3, minimum 1.0", s_server("rsa", "-cipher", "ALL:@SECLEVEL=0"), "hello", minimum="TLSv1"),
    Row("TLS 1.0 only", nginx("tls10"), "alert", OLD_VERSION, "ALERT"),
    Row("TLS 1.0 only, minimum 1.0", nginx("tls10"), "hello", minimum="TLSv1", also=DEPRECATED),
    Row("TLS 1.0 only, minimum 1.1", nginx("tls10"), "alert", OLD_VERSION, "ALERT", minimum="TLSv1.1"),
    Row(
        "TLS 1.0 at OpenSSL's security level, minimum 1.0",
        nginx("old-security-level"),
        "alert",
        "tls_protocol.internal_error",
        "ALERT",
        minimum="TLSv1",
    ),
    Row(
        "GnuTLS, TLS 1.0 only: chooses what was not offered",
        gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0"),
        "malformed",
        OLD_VERSION,
        "PROTOCOL_VERSION_UNSUPPORTED",
        needs=GNUTLS,
    ),
    Row(
        "GnuTLS, TLS 1.0 only, minimum 1.0",
        gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0"),
        "hello",
        minimum="TLSv1",
        also=DEPRECATED,
        needs=GNUTLS,
    ),
    Row(
        "GnuTLS, RC4 and 3DES only",
        gnutls(RC4_AND_3DES),
        "hello",
        NOT_ASKED,
        also=DEPRECATED,
        differs=NO_SUCH_TLS,
        needs=GNUTLS,
    ),
    Row("SSL 3.0 only", selfserv("ssl3:ssl3", ":000A:002F"), "alert", OLD_VERSION, "ALERT", needs=NSS),
    Row(
        "SSL 3.0 only, minimum SSL 3.0",
        selfserv("ssl3:ssl3", ":000A:002F"),
        "hello",
        NOT_ASKED,
        minimum="SSLv3",
        also=DEPRECATED,
        needs=NSS,
        differs=NO_SUCH_TLS,
    ),
    Row(
        "SSL 3.0 with RC4-MD5, minimum SSL 3.0",
        selfserv("ssl3:ssl3", ":0004"),
        "hello",
        NOT_ASKED,
        minimum="SSLv3",
        also=DEPRECATED,
        needs=NSS,
        differs=NO_SUCH_TLS,
    ),
    Row(
        "RC4-MD5 only",
        selfserv("tls1.0:tls1.2", ":0004"),
        "hello",
        NOT_ASKED,
        also=DEPRECATED,
        differs=NO_SUCH_TLS,
        needs=NSS,
    ),
    Row(
        "3DES only",
        selfserv("tls1.0:tls1.2", ":000A"),
        "hello",
        NOT_ASKED,
        also=DEPRECATED,
        differs=NO_SUCH_TLS,
        needs=NSS,
    ),
    # --- names and certificates
    Row("server name refused", nginx("sni-refused"), "alert", "tls_name.sni_refused", "ALERT"),
    Row(
        "somebody else's certificate",
        nginx("default-certificate"),
        "hello",
        "tls_name.mismatch",
        "CERT_INVALID_HOSTNAME",
    ),
    Row("leaf not first", tlslite(leaf_first=False), "hello", "certificate.wrong_order", "CERT_INVALID_HOSTNAME"),
    Row("80 KB certificate", nginx("80k"), "hello", "tls_protocol.too_large", "BAD_MESSAGE"),
    Row("client certificate, TLS 1.3", nginx("client-certificate"), "hello", DEMANDED, differs=NOT_FINISHED),
    Row("client certificate, TLS 1.2", nginx("client-certificate-12"), "hello", DEMANDED, differs=NOT_FINISHED),
    Row(
        "client certificate or alert, TLS 1.3",
        s_server("rsa", "-Verify", "1"),
        "hello",
        DEMANDED,
        differs=NOT_FINISHED,
    ),
    Row(
        "client certificate or alert, TLS 1.2",
        s_server("rsa", "-Verify", "1", "-tls1_2"),
        "hello",
        DEMANDED,
        "ALERT",
    ),
    # --- warnings: fatal for s2n unless the program that uses it wants otherwise, and what CloudFront wants is not known
    Row("OpenSSL warns of the name", warning_s_server, "hello", WARNED, "ALERT"),
    Row(
        "GnuTLS warns of the name, TLS 1.3",
        gnutls("NORMAL", "--sni-hostname", OTHER),
        "hello",
        WARNED,
        "ALERT",
        needs=GNUTLS,
    ),
    Row(
        "GnuTLS warns of the name, TLS 1.2",
        gnutls("NORMAL:-VERS-TLS1.3", "--sni-hostname", OTHER),
        "hello",
        WARNED,
        "ALERT",
        needs=GNUTLS,
    ),
    Row("a device warns of the name", behind("plain", middlebox.Warns()), "hello", WARNED, "ALERT"),
    # --- what stands between
    Row("one byte in a record, TLS 1.3", behind("tls13", middlebox.Splits()), "hello"),
    Row("one byte in a record, TLS 1.2", behind("tls12", middlebox.Splits()), "hello"),
    Row("seven bytes in a segment", behind("plain", middlebox.Dribbles()), "hello"),
    Row("57 KB in short segments", behind("57k-12", middlebox.Dribbles(256)), "hello"),
    Row("slow", behind("plain", middlebox.Delays(0.3)), "hello"),
    Row("two connections at most", behind("plain", middlebox.AtMost(2)), "hello", also=LIMITS),
    Row("one connection at most", behind("plain", middlebox.AtMost(1)), "hello", also=LIMITS),
    Row("four connections in six", behind("plain", middlebox.Rations(4, 6)), "hello", SOMETIMES, differs=FIRST_ONLY),
    Row("one connection in five", behind("plain", middlebox.Rations(1, 4)), "hello", SOMETIMES, differs=FIRST_ONLY),
    Row(
        "one connection in ten seconds", behind("plain", middlebox.RateLimit(1)), "hello", SOMETIMES, differs=FIRST_ONLY
    ),
    Row("closes on TLS 1.3", behind("tls12", middlebox.Intolerant(TLS_1_3)), "closed", INTOLERANT, "CLOSED"),
    Row(
        "closes on TLS 1.1 and higher, minimum 1.0",
        behind("tls10", middlebox.Intolerant(middlebox.TLS_1_1)),
        "closed",
        INTOLERANT,
        "CLOSED",
        minimum="TLSv1",
    ),
    Row(
        "closes in its certificate",
        behind("plain", middlebox.Cuts(700)),
        "truncated",
        "tls_protocol.truncated",
        "CLOSED",
    ),
    Row(
        "resets in its certificate",
        behind("plain", middlebox.Cuts(700, reset=True)),
        "reset",
        "tls_protocol.reset",
        "IO",
    ),
    Row("resets on the hello", behind("plain", middlebox.Cuts(0, reset=True)), "reset", "port.closes", "IO"),
    Row(
        "TLS 1.5 chosen",
        behind("tls12", middlebox.Overwrites(9, b"\x03\x06")),
        "malformed",
        "tls_protocol.malformed",
        "PROTOCOL_VERSION_UNSUPPORTED",
    ),
    Row(
        "a suite chosen that was not offered, TLS 1.2",
        behind("tls12", middlebox.Overwrites(SUITE, b"\x5a\x5a")),
        "malformed",
        "tls_protocol.malformed",
        "CIPHER_NOT_SUPPORTED",
    ),
    Row(
        "a suite chosen that was not offered, TLS 1.3",
        behind("tls13", middlebox.Overwrites(SUITE, b"\x13\x04")),
        "malformed",
        "tls_protocol.malformed",
        "CIPHER_NOT_SUPPORTED",
    ),
    Row(
        "a first record of version 0x0000",
        behind("tls12", middlebox.Overwrites(1, b"\x00\x00")),
        "hello",
        NOT_ASKED,
        differs=NO_SUCH_TLS,
    ),
    Row(
        "resets all but one in a while",
        behind("plain", middlebox.RateLimit(1, 600.0)),
        "hello",
        SOMETIMES,
        differs="the limit counts connections, and AWS's library makes only one",
    ),
    # --- nodes behind one address, in turns
    Row("one node has TLS 1.3, one not", nodes("tls12", "plain"), "hello", also=NODES_DIFFER),
    Row(
        "one node has another certificate",
        nodes("default-certificate", "plain"),
        "hello",
        "tls_name.mismatch",
        "CERT_INVALID_HOSTNAME",
        also=NODES_DIFFER,
    ),
    Row(
        "one node has the curve P-521 only",
        nodes("p521-curve-13", "tls13"),
        "alert",
        NO_SUITE,
        "ALERT",
        also=NODES_DIFFER,
    ),
    Row(
        "one node is too old",
        nodes("tls11", "plain"),
        "alert",
        "tls_protocol.no_common_version",
        "ALERT",
        also=NODES_DIFFER,
    ),
    # --- no TLS
    Row("plain HTTP", nginx("http"), "not_tls", "port.http_on_tls_port", "CLOSED"),
    Row(
        "SMTP",
        port(Banner(b"220 mail.shop.example ESMTP\r\n")),
        "not_tls",
        "port.wrong_service",
        "TIMEOUT",
        patience=IMPATIENCE,
    ),
    Row("silence", port(Silent()), "timeout", "port.silent?", "TIMEOUT", patience=IMPATIENCE),
    Row("closes at once", port(Closes()), "closed reset", "port.closes", "CLOSED IO"),
    Row("nobody there", port(Closed()), "", "port.refused", "NOT_CONNECTED"),
)


def ours(bench: Bench, row: Row) -> tuple[Handshake | None, cf.Diagnosis]:
    if row.server not in LOOKED:
        LOOKED[row.server] = _look(bench, row)
    return LOOKED[row.server]


def _look(bench: Bench, row: Row) -> tuple[Handshake | None, cf.Diagnosis]:
    with row.serve(bench) as (address, number):
        where = f"[{address}]:{number}" if ":" in address else f"{address}:{number}"
        incident = cf.Incident.load(
            distribution=document(Setup(OriginSetup((), minimum_tls=row.minimum))),
            url=URL,
            connect_to=(f"{ORIGIN}:443:{where}",),
            trust_store=bench.certificates.trust,
            deadline=row.patience,
        )
        observations = cf.observe_sync(incident)
    assert len(observations.handshakes) <= MAX_HELLOS or any(h.is_wordless for h in observations.handshakes)
    exact = [h for h in observations.handshakes if (h.sni, h.offer) == (ORIGIN, offer(row.minimum).name)]
    return exact[0] if exact else None, cf.judge(incident, observations)


def theirs(bench: Bench, row: Row) -> s2n.S2nResult:
    with row.serve(bench) as (address, number):
        trust = bench.certificates.trust.read_bytes()
        return s2n.connect(address, number, sni=ORIGIN, minimum=row.minimum, trust_pem=trust, deadline=row.patience)


each = pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.server, marks=pytest.mark.needs(*row.needs)) for row in TABLE]
)


@each
def test_what_we_see_and_say(bench: Bench, row: Row) -> None:
    if row.server == "IPv6 only" and "ipv6" not in bench.nginx:
        pytest.skip("needs ::1, which this machine does not have")
    seen, diagnosis = ours(bench, row)
    verdict = diagnosis.verdict
    assert (seen.outcome.value if seen else "") in (row.sees.split() or [""])
    if row.says.endswith("?"):
        assert verdict.status == "unknown", verdict.sentence
        assert f"{verdict.code}?" in row.says.split(), verdict.sentence
        assert next(f for f in diagnosis.findings if f.code == verdict.code).next_check
    else:
        expected = ("fault", row.says) if row.says else ("ok", None)
        assert (verdict.status, verdict.code) == expected, verdict.sentence
    assert not row.also or row.also in {f.code for f in diagnosis.findings if f.status is not cf.Status.OK}


@each
def test_the_second_opinion_goes_with_our_reading_or_says_why_not(bench: Bench, row: Row) -> None:
    """Also inside a diagnosis: AWS's library never says that we are wrong, where the server is what it seems."""
    if row.server == "IPv6 only" and "ipv6" not in bench.nginx:
        pytest.skip("needs ::1, which this machine does not have")
    _, diagnosis = ours(bench, row)
    assert not {f.code for f in diagnosis.findings} & {"tls_protocol.s2n_fails", "tls_protocol.s2n_connects"}


@asked
def test_what_only_a_whole_handshake_shows_is_said_by_the_second_opinion(bench: Bench) -> None:
    """A changed session id passes every check up to where we stop; then the two sides have seen different messages."""
    row = Row("changed on the way", behind("tls12", middlebox.Overwrites(SUITE - 4, b"\0\0\0\0")), "hello")
    _, diagnosis = _look(bench, row)
    (finding,) = [f for f in diagnosis.findings if f.status is cf.Status.WARNING]
    assert (finding.code, finding.data["error"]) == ("tls_protocol.s2n_fails", "ALERT")
    assert f"{diagnosis.verdict.code}?" == NOT_ASKED  # OpenSSL notices it too


@asked
@each
def test_awss_own_library_agrees(bench: Bench, row: Row) -> None:
    if row.server == "IPv6 only" and "ipv6" not in bench.nginx:
        pytest.skip("needs ::1, which this machine does not have")
    its = theirs(bench, row)
    assert its.asked, its.detail
    assert its.error in (row.s2n.split() or [""]), its
    if row.differs:  # never that we say more than AWS's library does, but for what it stops before
        assert its.connected
        assert row.says.endswith("?") or row.says == DEMANDED
        return
    assert its.connected == (not row.says)
    if its.connected:
        seen, _ = ours(bench, row)
        assert seen is not None
        group = next((g.iana for g in GROUPS if g.code == seen.group), "")
        assert (seen.version, suite_name(seen.cipher_suite or 0), group) == (its.version, its.cipher, its.group)


LOOKED_UP = {*(scenario.name for scenario in families.SCENARIOS), "compound-dead-server-and-last-days"}
"""Scenarios whose addresses only the lab's DNS knows, like those about DNS."""
TLS_SCENARIOS = [
    n for n in OTHERS if "http-only" not in n and not n.startswith(("dns-", "account-")) and n not in LOOKED_UP
]
"""What is up where an account is asked is up in another scenario, too."""


@asked
@pytest.mark.parametrize("name", TLS_SCENARIOS)
def test_awss_own_library_agrees_in_the_lab(name: str) -> None:
    """At every address of every origin AWS's library connects where the edge, which has OpenSSL, gets its answer."""
    with lab.start(name) as running:
        expected = running.scenario.expected
        silent = 504 in expected.edge_answers or name == "port-wrong-service"
        patience = IMPATIENCE if silent else PATIENCE
        facts = running.edge_facts
        origins_there = (facts.primary, facts.secondary) if isinstance(facts, OriginGroup) else (facts,)
        answers = [answer for origin in origins_there for answer in fetch_all(origin, patience=patience)]
        alone = [a for origin in origins_there for a in fetch_all(origin, patience=patience, with_s2n=False)]
        theirs = [
            s2n.connect(
                *address,
                sni=origin.host,
                minimum=origin.minimum_tls,
                trust_pem=origin.roots.encode(),
                deadline=patience,
            )
            for origin in origins_there
            for address in origin.addresses
        ]
    assert all(its.asked for its in theirs), theirs
    assert {a.status for a in answers} >= expected.edge_answers
    # Without AWS's library the edge answers the same, but where that is said.
    differs = [a.status for a in alone] != [a.status for a in answers]
    assert differs == ((name, Judge.OPENSSL) in catalogue.disagreements())
    # An answer that is the error, or that is passed on, comes after a whole handshake.
    is_answered = expected.cause is cf.Cause.ORIGIN_RESPONSE
    connects = [is_answered or not answer.reason for answer in answers]
    if (name, Judge.S2N) in catalogue.disagreements():
        assert (connects, [its.connected for its in theirs]) == ([False], [True])
    else:
        assert [its.connected for its in theirs] == connects, theirs


@pytest.mark.parametrize(
    ("server", "sni", "highest", "names", "key"),
    [
        ("by-name", ORIGIN, TLS_1_3, [ORIGIN], "EC P-256"),
        ("by-name", None, TLS_1_3, [OTHER], "EC P-256"),
        ("by-name", "nobody.shop.example", TLS_1_3, [OTHER], "EC P-256"),
        ("per-version", ORIGIN, TLS_1_3, [ORIGIN], "EC P-256"),
        ("per-version", ORIGIN, TLS_1_2, [ORIGIN], "RSA 2048"),
    ],
)
def test_another_certificate_for_each_name_and_version(
    bench: Bench, server: str, sni: str | None, highest: int, names: list[str], key: str
) -> None:
    address, number = bench.nginx[server]
    asked_with = msgspec.structs.replace(offer("TLSv1.2"), maximum=highest)
    endpoint = Endpoint(ORIGIN, 443, address, address, number)
    seen = asyncio.run(tls.hello(endpoint, sni=sni, offer=asked_with, deadline=PATIENCE))
    assert seen.outcome is HandshakeOutcome.HELLO
    leaf = certificate.read(seen.certificates[0])
    assert (list(leaf.dns_names), leaf.key) == (names, key)
