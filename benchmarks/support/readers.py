"""What a person reads in the output of each peer: versions, suites, and which trouble it names.

As generous as a person who knows CloudFront's list: words that amount to naming the trouble count, whatever they are.
The certificate's names and kind of key, or the order of the chain, count where the output shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cfrunbook.cloudfront.origin_tls import SSL_3_0, SUITES, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3
from support.peers import NMAP, S_CLIENT, SSLSCAN, SSLYZE, TESTSSL


class Trouble(StrEnum):
    """What an output may say is wrong."""

    CURVE = "ECDHE with P-521 only"
    KEY = "key neither RSA nor ECDSA"
    NAME_REFUSED = "name refused"
    NAME = "wrong name"
    ORDER = "wrong order"
    WARNING = "warning alert"
    INTOLERANT = "version intolerance"
    CLIENT_CERTIFICATE = "wants a client certificate"
    CLOSED = "closed"
    RESET = "reset"
    TIMEOUT = "timeout"
    NOT_TLS = "not TLS"
    FAILED = "says that it failed"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one output says."""

    versions: frozenset[int]
    """Versions that it says are there."""
    suites: frozenset[tuple[int, str]]
    """Version and suite, by OpenSSL's name where CloudFront has it."""
    troubles: frozenset[Trouble]


Suites = Iterator[tuple[int, str, str]]
"""Version, name and curve of each suite."""
VERSIONS: Mapping[str, int] = {
    "SSLv3": SSL_3_0,
    "TLSv1": TLS_1_0,
    "TLSv1.0": TLS_1_0,
    "TLSv1.1": TLS_1_1,
    "TLSv1.2": TLS_1_2,
    "TLSv1.3": TLS_1_3,
}
_OPENSSL = {suite.iana: suite.openssl for suite in SUITES}
_VERSION = r"(SSLv3|TLSv1(?:\.[0-3])?)"
_P_521 = re.compile(r"P-?521|secp521r1|ECDH 521")


def read(peer: str, output: str, name: str) -> Reading:
    """Read a peer's output about a server that should be `name`. Never raises."""
    text = re.sub(r"\x1b\[[\d;]*m", "", output)
    suites, shown_versions, certificate = _READERS[peer]
    listed = list(suites(text))
    ephemeral = [curve for version, suite, curve in listed if version == TLS_1_3 or "ECDHE" in suite]
    troubles = {trouble for trouble, pattern in _SAYS[peer] if re.search(pattern, text)}
    if ephemeral and len(ephemeral) == len(listed) and all(_P_521.search(curve) for curve in ephemeral):
        troubles.add(Trouble.CURVE)
    names = re.findall(certificate, text)
    if names and not any(name in shown for shown in names):
        troubles.add(Trouble.NAME)
    if peer == S_CLIENT:
        troubles |= _loop_troubles(text, name)
    versions = {_version(shown) for shown in re.findall(shown_versions, text)}
    return Reading(
        frozenset(versions | {version for version, _, _ in listed}),
        frozenset((version, _OPENSSL.get(suite, suite)) for version, suite, _ in listed),
        frozenset(troubles),
    )


def _version(shown: str) -> int:
    """Return the version that is written as `TLSv1.2`, `TLS 1.2` or `SSL 3.0`."""
    return VERSIONS[shown.replace(" ", "v").replace("SSLv3.0", "SSLv3")]


# --- suites ---------------------------------------------------------------------------------------------------------


def _s_client(text: str) -> Suites:
    for part in re.split(r"(?m)^CONNECTED", text)[1:]:
        new = re.search(rf"New, {_VERSION}, Cipher is (\w[\w-]+)", part)
        protocol = re.search(rf"Protocol  : {_VERSION}", part)
        curve = re.search(r"Server Temp Key: (.*)", part)
        if new:  # below TLS 1.3, "New" shows the lowest version of the suite
            version = new[1] if new[1] == "TLSv1.3" or not protocol else protocol[1]
            yield VERSIONS[version], new[2], curve[1] if curve else ""


def _loop_troubles(text: str, name: str) -> set[Trouble]:
    """Return what the last of the calls shows: the one with every version, the chain and its verification."""
    last = re.split(r"(?m)^CONNECTED", text)[-1]
    troubles = set()
    errors = re.findall(r":error:.*", text) or [""]
    if next(_s_client(text), None) and "Cipher is (NONE)" in last and "unexpected eof" in errors[-1]:
        troubles.add(Trouble.INTOLERANT)
    subjects = re.findall(r"(?m)^ *\d+ s:(.*)", last)
    if any(name in subject for subject in subjects[1:]) and name not in subjects[0]:
        troubles.add(Trouble.ORDER)
    return troubles


def _sslscan(text: str) -> Suites:
    for version, suite, curve in re.findall(rf"(?m)^(?:Accepted|Preferred) +{_VERSION} +\d+ bits +(\S+)(.*)", text):
        yield VERSIONS[version], suite, curve


def _nmap(text: str) -> Suites:
    version = 0
    for heading, suite, curve in re.findall(rf"(?m)^\| +(?:{_VERSION}:|(TLS_\w+)(?: \((.*?)\))? - )", text):
        if heading:
            version = VERSIONS[heading]
        else:
            yield version, suite.replace("TLS_AKE_WITH_", "TLS_"), curve


def _sslyze(text: str) -> Suites:
    version = 0
    for heading, suite, curve in re.findall(r"(?m)^ \* (SSL 3\.0|TLS 1\.[0-3]) Cipher|^ {8}(TLS_\w+) +\d+(.*)", text):
        if heading:
            version = _version(heading)
        else:
            yield version, suite, curve


def _testssl(text: str) -> Suites:
    version = 0
    table = text.partition("\nHexcode")[2]
    pattern = r"(?m)^(SSLv3|TLS 1(?:\.[0-3])?) *$|^ x[0-9a-f]+ +(\S+) +(\S+(?: \d+)?) "
    for heading, suite, curve in re.findall(pattern, table):
        if heading:
            version = _version(heading)
        else:
            yield version, suite, curve


_READERS: Mapping[str, tuple[Callable[[str], Suites], str, str]] = {
    # peer: how it lists suites, how versions, and where the names of the server's certificate stand
    S_CLIENT: (_s_client, r"(?!)", r"(?m)^subject=(.*)"),
    NMAP: (_nmap, r"(?!)", r"(?:ssl-cert: Subject|Subject Alternative Name): (.*)"),
    SSLSCAN: (_sslscan, rf"(?m)^{_VERSION} +enabled", r"(?m)^(?:Subject|Altnames): +(.*)"),
    SSLYZE: (_sslyze, r"(?!)", r"(?:Common Name:|SubjAltName - DNS Names:) +(.*)"),
    TESTSSL: (_testssl, r"(?m)^ (SSLv3|TLS 1(?:\.[123])?) +offered", r"\((?:CN|SAN)\) +(.*)"),
}

# --- troubles -------------------------------------------------------------------------------------------------------

_SAYS: Mapping[str, tuple[tuple[Trouble, str], ...]] = {
    S_CLIENT: (
        (Trouble.KEY, r" 0 s:.*\n.*\n *a:PKEY: ED25519"),
        (Trouble.NAME_REFUSED, r"unrecognized name"),
        (Trouble.NAME, r"\(hostname mismatch\)"),
        (Trouble.CLIENT_CERTIFICATE, r"Client Certificate Types:|Acceptable client certificate CA names"),
        (Trouble.CLOSED, r"unexpected eof|write:errno=0"),
        (Trouble.RESET, r"write:errno=104|Connection reset"),
        (Trouble.FAILED, r"wrong version number|unexpected eof|write:errno"),
    ),
    NMAP: ((Trouble.KEY, r"Public Key type: (?!rsa|ec\b)"),),
    SSLSCAN: (
        (Trouble.KEY, r"Public Key: Unknown"),
        (Trouble.RESET, r"Connection reset by peer"),
        (Trouble.TIMEOUT, r"(?i)timed? ?out"),
        (Trouble.FAILED, r"ERROR:"),
    ),
    SSLYZE: (
        (Trouble.KEY, r"Ed25519PublicKey"),
        (Trouble.NAME_REFUSED, r"(?i)unrecognized.?name"),
        (Trouble.ORDER, r"Received Chain Order: +FAILED"),
        (Trouble.CLIENT_CERTIFICATE, r"(?:REQUIRED|REQUESTED) client authentication"),
        (Trouble.RESET, r"(?i)connection (?:was )?reset"),
        (Trouble.TIMEOUT, r"(?i)timed? ?out"),
        (Trouble.FAILED, r"ERROR: |Error when running"),
    ),
    TESTSSL: (
        (Trouble.KEY, r"(?i)Server key size +.*ed25519"),
        (Trouble.NAME, r"certificate does not match supplied URI"),
        (Trouble.ORDER, r"(?i)certificate order|chain.* order"),
        (Trouble.CLIENT_CERTIFICATE, r"(?i)client (?:auth|cert)"),
        (Trouble.INTOLERANT, r"(?i)intoleran"),
        (Trouble.NOT_TLS, r"doesn't seem to be a TLS/SSL enabled server"),
        (Trouble.FAILED, r"(?i)client problem|connection problem|fatal error|test failed|syntax error|openssl cannot"),
    ),
}
"""Words by which a peer names a trouble."""
