"""Servers on which TLS scanners disagree, and what is true of each: the rows of the accuracy table.

Whether CloudFront connects is not written here: AWS's own TLS library says so while the table is made, where it is
installed; `connects` is what it said when the row was written, and a difference is an error.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # the servers themselves are shared with the tests

from cfrunbook.cloudfront.origin_tls import SSL_3_0, TLS_1_0, TLS_1_2, TLS_1_3
from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.lab.middlebox import TLS_1_1, AtMost, Cuts, Delays, Dribbles, Intolerant, RateLimit, Splits, Warns
from cfrunbook.lab.servers import Banner, Silent
from support.peers import S_CLIENT
from support.readers import Trouble
from tests.real.difficult import Serve, behind, nginx, port, s_server, selfserv, tlslite

NSS = ("selfserv", "certutil", "pk12util")


@dataclass(frozen=True, slots=True)
class Difficult:
    """One server and what is true of it."""

    server: str
    serve: Serve
    truth: str
    """What a person should learn, in a few words."""
    connects: bool
    """Whether a client with CloudFront's offer gets through its handshake and accepts the certificate."""
    speaks: tuple[int, ...] = ()
    """Versions in which it completes a handshake with who asks for exactly that version."""
    suites: tuple[str, ...] = ()
    """Some of the suites that it accepts: nobody may leave one out."""
    trouble: tuple[Trouble, ...] = ()
    """Whoever says one of these has said what is wrong."""
    minimum: TlsMinimum = "TLSv1.2"
    code: str = ""
    """Of cfrunbook's verdict; empty where it must say ok. A question mark: unknown is the honest answer."""
    needs: tuple[str, ...] = ()
    cannot_ask: tuple[str, ...] = ()
    """Peers that are built without what this server wants, and so cannot say anything about it."""


RSA_SUITES = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384", "AES128-SHA")
BOTH = (TLS_1_2, TLS_1_3)

ROWS: tuple[Difficult, ...] = (
    Difficult("nginx, RSA and ECDSA", nginx("plain"), "connects", True, BOTH, RSA_SUITES),
    Difficult("TLS 1.3 only", nginx("tls13"), "connects", True, (TLS_1_3,)),
    Difficult("P-384 only: HelloRetryRequest", nginx("p384-curve"), "connects", True, (TLS_1_3,)),
    Difficult("server name required", nginx("sni-required"), "connects", True, BOTH, RSA_SUITES),
    Difficult("57 KB certificate", nginx("57k-12"), "connects", True, (TLS_1_2,)),
    Difficult("RSA key exchange that AWS does not list", nginx("rsa-kx-undocumented"), "connects", True, (TLS_1_2,)),
    Difficult("P-521 curve, or RSA key exchange", nginx("p521-curve-rsa-kx"), "connects", True, (TLS_1_2,)),
    Difficult("one byte in a record", behind("tls12", Splits()), "connects", True, (TLS_1_2,), RSA_SUITES),
    Difficult("seven bytes in a segment", behind("plain", Dribbles()), "connects", True, BOTH, RSA_SUITES),
    Difficult("answers after 6 s", behind("plain", Delays(6)), "connects, slowly", True, BOTH, RSA_SUITES),
    Difficult("two connections at most", behind("plain", AtMost(2)), "connects", True, BOTH, RSA_SUITES),
    Difficult("4 connections in 10 s", behind("plain", RateLimit(4)), "connects", True, BOTH, RSA_SUITES),
    Difficult("20 connections in 10 s", behind("plain", RateLimit(20)), "connects", True, BOTH, RSA_SUITES),
    Difficult(
        *("SSL 3.0 only, minimum SSL 3.0", selfserv("ssl3:ssl3", ":000A:002F"), "connects", True, (SSL_3_0,)),
        minimum="SSLv3",
        needs=NSS,
        cannot_ask=(S_CLIENT,),
    ),
    Difficult(
        *("3DES only", selfserv("tls1.2:tls1.2", ":000A"), "connects", True, (TLS_1_2,)),
        needs=NSS,
        cannot_ask=(S_CLIENT,),
    ),
    Difficult(
        *("TLS 1.0 only", nginx("tls10"), "old version only", False, (TLS_1_0,)),
        code="tls_protocol.old_versions_only",
    ),
    Difficult(
        *("DHE only", s_server("rsa", "-tls1_2", "-cipher", "DHE"), "no common suite", False, (TLS_1_2,)),
        code="tls_protocol.dhe_only",
    ),
    Difficult(
        *("P-521 curve only", nginx("p521-curve"), "no common curve", False, (TLS_1_2,)),
        trouble=(Trouble.CURVE,),
        code="tls_protocol.no_common_curve",
    ),
    Difficult(
        *("Ed25519 certificate", nginx("ed25519"), "key CloudFront cannot use", False, BOTH),
        trouble=(Trouble.KEY,),
        code="tls_protocol.unusable_key",
    ),
    Difficult(
        *("server name refused", nginx("sni-refused"), "refuses this server name", False),
        trouble=(Trouble.NAME_REFUSED,),
        code="tls_name.sni_refused",
    ),
    Difficult(
        *("somebody else's certificate", nginx("default-certificate"), "wrong name", False, BOTH),
        trouble=(Trouble.NAME,),
        code="tls_name.mismatch",
    ),
    Difficult(
        *("leaf not first", tlslite(leaf_first=False), "wrong order", False, BOTH, RSA_SUITES),
        trouble=(Trouble.ORDER, Trouble.NAME),
        code="certificate.wrong_order",
    ),
    Difficult(
        *("warning before its hello", behind("plain", Warns()), "AWS's library gives up", False, BOTH, RSA_SUITES),
        trouble=(Trouble.WARNING,),
        code="tls_protocol.warning_alert?",
    ),
    Difficult(
        *("closes on a TLS 1.3 hello", behind("tls12", Intolerant(TLS_1_3)), "version intolerance", False, (TLS_1_2,)),
        trouble=(Trouble.INTOLERANT,),
        code="tls_protocol.version_intolerance",
    ),
    Difficult(
        "closes on TLS 1.1 and higher, minimum 1.0",
        *(behind("tls10", Intolerant(TLS_1_1)), "version intolerance", False, (TLS_1_0,)),
        trouble=(Trouble.INTOLERANT,),
        minimum="TLSv1",
        code="tls_protocol.version_intolerance",
    ),
    Difficult(
        *("client certificate required", s_server("rsa", "-Verify", "1", "-tls1_2"), "asks for one", False),
        trouble=(Trouble.CLIENT_CERTIFICATE,),
        code="tls_protocol.client_certificate_required",
    ),
    Difficult(
        *("closes in its certificate", behind("plain", Cuts(700)), "answer cut off", False),
        trouble=(Trouble.CLOSED,),
        code="tls_protocol.truncated",
    ),
    Difficult(
        *("resets on the hello", behind("plain", Cuts(0, reset=True)), "reset", False),
        trouble=(Trouble.RESET,),
        code="port.closes",
    ),
    Difficult(
        *("plain HTTP", nginx("http"), "HTTP, not TLS", False),
        trouble=(Trouble.NOT_TLS,),
        code="port.http_on_tls_port",
    ),
    Difficult(
        *("SMTP", port(Banner(b"220 mail.shop.example ESMTP\r\n")), "SMTP, not TLS", False),
        trouble=(Trouble.NOT_TLS,),
        code="port.wrong_service",
    ),
    Difficult(
        *("silence", port(Silent()), "accepts, never answers", False),
        trouble=(Trouble.TIMEOUT,),
        code="port.silent",
    ),
)
