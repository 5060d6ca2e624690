"""The result codes that need more than CloudFront's own hello: what an origin wants instead, and what else it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from cfrunbook.causes import tls_remedies as fix
from cfrunbook.cloudfront.origin_tls import DOCUMENTED_AT, TLS13_ANNOUNCED_AT, TLS13_SINCE
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
MINIMUM_PAGE = _GUIDE + "DownloadDistValuesOrigin.html#DownloadDistValuesOriginSSLProtocols"
INTOLERANCE_RFC = "https://www.rfc-editor.org/rfc/rfc8446#section-4.1.1"
SERVER_NAME_RFC = "https://www.rfc-editor.org/rfc/rfc6066#section-3"
SNI_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-negotitation-failure"
PREFIX_LIST_PAGE = _GUIDE + "LocationsOfEdgeServers.html"

HELLO = "openssl s_client -connect {connect!q} {sni_option} {openssl} </dev/null"
"""Offers what CloudFront offers, as far as the local OpenSSL can."""
_OWN = "openssl s_client -connect {connect!q} {sni_option} {its_version!q}"
_INSTEAD = HELLO + "   # refused\n" + _OWN
_VERIFY = Step(
    text="It must print a version and a cipher suite, not “Cipher is (NONE)”. Then request the failing URL again;"
    " CloudFront caches an error for at least 10 seconds.",
    command=HELLO + " 2>/dev/null | grep 'Cipher is'",
)


def _rule(
    code: str,
    status: Status,
    title: str,
    meaning: str,
    *,
    source: str = DOCUMENTED_AT,
    remedy: Remedy | None = None,
    reproduce: str = HELLO,
    verify: Step | None = None,
    next_check: str = "",
) -> Rule:
    return Rule(
        code=f"tls_protocol.{code}",
        cause=Cause.TLS_PROTOCOL,
        stage=Stage.TLS,
        status=status,
        title=title,
        meaning=meaning,
        source=source,
        reproduce=reproduce,
        remedy=remedy or Remedy(),
        verify=verify or (_VERIFY if remedy else Step(text="")),
        cloudfront_status=502 if status in (Status.FAULT, Status.UNKNOWN) else None,
        next_check=next_check,
    )


DHE_ONLY = _rule(
    "dhe_only",
    Status.FAULT,
    "{place}{where} accepts none of CloudFront's cipher suites in {version}: it wants DHE key exchange ({wanted}).",
    "CloudFront offers no DHE suite in any version. The origin needs ECDHE suites, or TLS 1.3.{browser}",
    remedy=fix.ENABLE,
    reproduce=_INSTEAD + " -cipher {wanted!q} </dev/null   # accepted",
)
CHACHA20_ONLY = _rule(
    "chacha20_only",
    Status.FAULT,
    "{place}{where} accepts none of CloudFront's cipher suites in {version}: it wants ChaCha20 ({wanted}).",
    "CloudFront offers ChaCha20-Poly1305 in TLS 1.3 only. The origin needs AES-GCM suites, or TLS 1.3.{browser}",
    remedy=fix.ENABLE,
    reproduce=_INSTEAD + " -cipher {wanted!q} </dev/null   # accepted",
)
OTHER_SUITES_ONLY = _rule(
    "other_suites_only",
    Status.FAULT,
    "{place}{where} accepts none of CloudFront's cipher suites in {version}: it wants {family} ({wanted}).",
    "CloudFront offers no such suite in this version. The origin needs AES-GCM suites.{browser}",
    remedy=fix.ENABLE,
    reproduce=_INSTEAD + " {suite_option!q} {wanted!q} </dev/null   # accepted",
)
NO_COMMON_CURVE = _rule(
    "no_common_curve",
    Status.FAULT,
    "{place}{where} does key exchange in {version} with none of CloudFront's curves: it wants {wanted}.",
    "CloudFront offers P-256, X25519 and P-384, and no other group.{instead}{browser}",
    remedy=fix.ENABLE,
    reproduce=_INSTEAD + " -groups {wanted!q} </dev/null   # accepted",
)
UNUSABLE_KEY = _rule(
    "unusable_key",
    Status.FAULT,
    "{place}{where} has a certificate with a key that CloudFront cannot use in {version}: {wanted}.",
    "CloudFront accepts RSA and ECDSA signatures only, so an Ed25519 or Ed448 certificate never works; an ECDSA"
    " certificate on P-521 works in TLS 1.3 only, because older versions need its curve among the offered"
    " ones.{browser}",
    remedy=fix.ANOTHER_KEY,
    reproduce=_INSTEAD + " </dev/null 2>/dev/null | openssl x509 -noout -text | grep -A2 'Public Key Algorithm'",
)
OTHER_PARAMETERS = _rule(
    "other_parameters",
    Status.FAULT,
    "{place}{where} wants several things in {version} that CloudFront does not offer: {wanted}.",
    "Neither other suites, nor other curves, nor other keys alone were answered; all of them together were.{browser}",
    remedy=fix.ENABLE,
    reproduce=_INSTEAD + " </dev/null   # accepted",
)
OLD_VERSIONS_ONLY = _rule(
    "old_versions_only",
    Status.FAULT,
    "{place}{where} speaks {spoken} only; the minimum that CloudFront asks of this origin is {minimum}.",
    "CloudFront offers every version from the minimum up to TLS 1.3 and none below.{browser}",
    source=MINIMUM_PAGE,
    remedy=Remedy(kind="one_of", steps=(*fix.ENABLE.steps, fix.LOWER_MINIMUM)),
    reproduce=HELLO + "   # refused\n" + _OWN + " -cipher ALL:@SECLEVEL=0 </dev/null   # accepted",
)
VERSION_INTOLERANCE = _rule(
    "version_intolerance",
    Status.FAULT,
    "{place}{where} answers {version} by itself, but not CloudFront's hello, which offers {offered} together: {why}.",
    "A server must choose the newest version it knows of those offered. This one, or a device in front of it, gives up"
    " on a hello that names a newer one; CloudFront does not try again with less.{browser}",
    source=INTOLERANCE_RFC,
    remedy=fix.TOLERATE,
    reproduce=_INSTEAD + " </dev/null   # accepted",
)
NODES_DIFFER = _rule(
    "nodes_differ",
    Status.WARNING,
    "{place}{where} answers the same hello in different ways: {why}.",
    "Several nodes stand behind one address and are not configured alike. CloudFront meets any of them, so what fails"
    " with one of them fails sometimes.{browser}",
    source=SNI_PAGE,
    remedy=fix.SAME_EVERYWHERE,
    reproduce="for n in 1 2 3 4 5 6; do " + HELLO + " 2>&1 | grep -m1 -E 'Cipher is|alert'; done",
    verify=Step(
        text="Every line must be the same.",
        command="for n in 1 2 3 4 5 6; do " + HELLO + " 2>&1 | grep -m1 -E 'Cipher is|alert'; done",
    ),
)
_ONE_BY_ONE = (
    "for n in 1 2 3 4 5 6; do " + HELLO + " 2>&1 | grep -m1 -E 'Cipher is|errno|alert|unexpected eof'; sleep 2; done"
)
ANSWERS_SOMETIMES = _rule(
    "answers_sometimes",
    Status.UNKNOWN,
    "{place}{where} answered {answered} of {count} of CloudFront's hellos{one_by_one} and ended the others without a"
    " byte.",
    "It, or something in front of it, limits how often one client may connect and has counted ours, or it fails now and"
    " then: a node that is down, a process that restarts. CloudFront opens many connections from few addresses and"
    " gives 502 for each that is ended so; whether its addresses are exempt cannot be seen from here.{browser}",
    source=PREFIX_LIST_PAGE,
    remedy=fix.RAISE_LIMIT,
    reproduce=_ONE_BY_ONE,
    verify=Step(text="All must print a cipher suite.", command=_ONE_BY_ONE),
    next_check="Wait a minute, then connect one at a time: `" + _ONE_BY_ONE + "`. If all print a cipher suite, it was a"
    " limit that our connections ran into: look in the origin's firewall, fail2ban and server log whether it also meets"
    " CloudFront's addresses. If some do not, CloudFront gets 502 for as many.",
)
LIMITS_CONNECTIONS = _rule(
    "limits_connections",
    Status.WARNING,
    "{place}{where} ended {count} connections without a word and answered the same hello another time.",
    "It, or a firewall in front of it, limits how many connections one client may have, or how often. CloudFront may"
    " open many at once, and gives 502 for those that are ended.{browser}",
    source=PREFIX_LIST_PAGE,
    remedy=fix.RAISE_LIMIT,
    reproduce="for n in 1 2 3 4 5 6 7 8; do (" + HELLO + " 2>&1 | grep -m1 -E 'Cipher is|errno|alert') & done; wait",
    verify=Step(
        text="All must print a cipher suite.",
        command="for n in 1 2 3 4 5 6 7 8; do (" + HELLO + " 2>&1 | grep -m1 -E 'Cipher is|errno|alert') & done; wait",
    ),
)
UNDOCUMENTED_ONLY = _rule(
    "undocumented_only",
    Status.WARNING,
    "{place}{where} has no cipher suite of CloudFront's documented list, only {accepted}.",
    "These static RSA suites are in AWS's own TLS policy for CloudFront, so they should work, but AWS's documentation"
    " does not promise them, and they have no forward secrecy.",
    remedy=fix.ENABLE,
)
SNI_REQUIRED = _rule(
    "sni_required",
    Status.INFO,
    "{place}{where} answers only hellos with a server name: {why}.",
    "That is fine for CloudFront, which always sends one; a check by IP address, or without -servername, fails.",
    source=SERVER_NAME_RFC,
)
TLS13_ONLY = Rule(
    code="tls_protocol.tls13_only",
    cause=Cause.TLS_PROTOCOL,
    stage=Stage.TLS,
    status=Status.INFO,
    title="{place}{where} speaks TLS 1.3 only, which CloudFront does with origins since November 2025.",
    meaning="No setting is needed: OriginSslProtocols has no value for TLS 1.3, it is offered with every minimum."
    " Before that date such an origin was a certain 502; advice that says so is out of date.",
    source=TLS13_ANNOUNCED_AT,
    since=TLS13_SINCE,
)
TLS13_NOT_YET = Rule(
    code="tls_protocol.tls13_not_yet",
    cause=Cause.TLS_PROTOCOL,
    stage=Stage.TLS,
    status=Status.FAULT,
    title="{place}{where} speaks TLS 1.3 only, which CloudFront did not do with origins before November 2025.",
    meaning="CloudFront offered TLS 1.2 at most, so that no handshake came about. Since November 2025 it offers TLS 1.3"
    " to every origin, and such an origin works without any setting.",
    source=TLS13_ANNOUNCED_AT,
    cloudfront_status=502,
    reproduce=HELLO,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Nothing, for requests since November 2025."),
            Step(text="Let the origin speak TLS 1.2 too; nginx:", command="ssl_protocols TLSv1.2 TLSv1.3;"),
        ),
    ),
    verify=_VERIFY,
    until=TLS13_SINCE - dt.timedelta(days=1),
)
BEFORE: Mapping[str, Rule] = {TLS13_ONLY.code: TLS13_NOT_YET}
"""What was so before a rule came into force."""
ACCEPTED = _rule(
    "accepted_parameters",
    Status.INFO,
    "{place}{where} accepts {accepted_count} of the {offered_count} cipher suites that CloudFront has for {versions}.",
    "CloudFront's hello gets {chosen}. Accepted: {accepted}. Refused: {missing}. Not known: {unknown}. Curves accepted:"
    " {curves}; refused: {missing_curves}.{not_asked}",
)

RULES: tuple[Rule, ...] = (
    OLD_VERSIONS_ONLY,
    UNUSABLE_KEY,
    NO_COMMON_CURVE,
    DHE_ONLY,
    CHACHA20_ONLY,
    OTHER_SUITES_ONLY,
    OTHER_PARAMETERS,
    VERSION_INTOLERANCE,
    ANSWERS_SOMETIMES,
    NODES_DIFFER,
    LIMITS_CONNECTIONS,
    UNDOCUMENTED_ONLY,
    SNI_REQUIRED,
    TLS13_ONLY,
    TLS13_NOT_YET,
    ACCEPTED,
)

_REFUSALS = frozenset(
    f"tls_protocol.{code}" for code in ("no_common_version", "no_common_suite", "internal_error", "refused")
)
_ENDINGS = frozenset(f"tls_protocol.{code}" for code in ("closed", "reset", "timeout"))
SUPERSEDES: Mapping[str, frozenset[str]] = {
    TLS13_NOT_YET.code: frozenset(),
    **{
        rule.code: _REFUSALS | _ENDINGS
        for rule in (
            OLD_VERSIONS_ONLY,
            UNUSABLE_KEY,
            NO_COMMON_CURVE,
            DHE_ONLY,
            CHACHA20_ONLY,
            OTHER_SUITES_ONLY,
            OTHER_PARAMETERS,
            VERSION_INTOLERANCE,
        )
    },
    UNDOCUMENTED_ONLY.code: frozenset({"tls_protocol.undocumented_suite"}),
}
"""By code: the codes judged from CloudFront's hello alone, of which it says the reason."""

BROWSERS: Mapping[str, str] = {
    DHE_ONLY.code: "curl and openssl s_client offer DHE suites; CloudFront does not",
    CHACHA20_ONLY.code: "browsers, curl and openssl s_client offer ChaCha20 in TLS 1.2; CloudFront does not",
    OTHER_SUITES_ONLY.code: "your client offers {wanted}; CloudFront does not",
    NO_COMMON_CURVE.code: "{who} offer {wanted}; CloudFront does not",
    UNUSABLE_KEY.code: "curl and openssl s_client take {wanted}; CloudFront does not",
    OTHER_PARAMETERS.code: "your client offers {wanted}; CloudFront does not",
    TLS13_NOT_YET.code: "browsers and curl speak TLS 1.3; CloudFront did not before November 2025",
    OLD_VERSIONS_ONLY.code: "older tools, or ones told to, go down to {spoken}; CloudFront stops at {minimum}",
    VERSION_INTOLERANCE.code: "a tool told to use {version} alone is answered; CloudFront offers {offered} together",
    NODES_DIFFER.code: "your client met a node that answers well; CloudFront meets the others too",
    ANSWERS_SOMETIMES.code: "your client opens few connections, or met a moment in which it was answered",
    LIMITS_CONNECTIONS.code: "your client opens few connections; CloudFront may open many and run into the limit",
}
"""By code: why other clients do not have the problem."""

ALERT_MEANINGS: Mapping[int, str] = {
    0: "the server closes in good order without a reason",
    40: "the server found no suite, curve or signature in common, or has no certificate that suits the hello",
    42: "the server has a problem with a certificate",
    47: "the server takes something in the hello for illegal",
    50: "the server could not decode the hello: an old TLS library, or a device that changes it on the way",
    70: "the server speaks none of the versions offered",
    71: "the server finds everything offered too weak",
    80: "the server gave up for a reason of its own: Caddy and other Go servers have no certificate for the server"
    " name, OpenSSL 3 refuses old versions at its default security level",
    86: "the server takes the hello for an inappropriate fallback",
    112: "the server does not know the server name (SNI)",
    116: "the server demands a client certificate",
    120: "the server finds no application protocol in common; CloudFront offers none",
}
"""By alert: what servers mean by it, as a clause. RFC 8446 section 6.2, RFC 6066 section 3."""
