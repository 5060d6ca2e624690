"""The result codes of the cause "TLS protocol": what each says, how to see it, fix it and prove the fix."""

from __future__ import annotations

from cfrunbook.causes.remedies import UPDATE_DISTRIBUTION
from cfrunbook.causes.tls_remedies import ENABLE
from cfrunbook.cloudfront.origin_tls import DOCUMENTED_AT
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"
MINIMUM_PAGE = _GUIDE + "DownloadDistValuesOrigin.html#DownloadDistValuesOriginSSLProtocols"
CLIENT_CERTIFICATE_PAGE = _GUIDE + "RequestAndResponseBehaviorCustomOrigin.html#RequestCustomClientSideSslAuth"
TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
ALERTS_RFC = "https://www.rfc-editor.org/rfc/rfc8446#section-6.2"
TLS13_RFC = "https://www.rfc-editor.org/rfc/rfc8446#section-4"
DEPRECATION_RFC = "https://www.rfc-editor.org/rfc/rfc8996"
WARNINGS_IN_S2N = "https://github.com/aws/s2n-tls/blob/main/tls/s2n_alerts.c"

HELLO = "openssl s_client -connect {connect!q} {sni_option} {openssl} </dev/null"
"""Offers what CloudFront offers, as far as the local OpenSSL can."""

_EACH_VERSION = (
    "for v in tls1 tls1_1 tls1_2 tls1_3; do printf '%s: ' $v; openssl s_client -connect {connect!q} {sni_option} -$v"
    " -cipher ALL:@SECLEVEL=0 </dev/null 2>/dev/null | grep -m1 'Cipher is'; done"
)
_REQUESTED = HELLO + " 2>/dev/null | grep -E 'Acceptable client certificate|Requested Signature'"
_ALERTS = HELLO + " -msg 2>&1 | grep -A1 '<<<.*Alert'"
_WITHOUT_CERTIFICATE = (
    "curl -svk -o /dev/null --max-time 10 --connect-to {connect_option!q} {url!q} 2>&1 | grep -iE 'alert|error|< HTTP'"
    " | grep -v 'close notify'"
)

_VERIFY = Step(
    text="It must print a version and a cipher suite, not “Cipher is (NONE)”. Then request the failing URL again;"
    " CloudFront caches an error for at least 10 seconds.",
    command=HELLO + " 2>/dev/null | grep 'Cipher is'",
)

_LOWER_MINIMUM = Step(
    text="Only if the origin cannot do TLS 1.2 (now the minimum is {minimum}): lower Minimum origin SSL protocol in"
    " CloudFront. TLS 1.0 and 1.1 are deprecated and weak.",
    command="# Console: Distributions > {distribution} > Origins > Edit > Minimum origin SSL protocol\n"
    '# API: "OriginSslProtocols": {{"Quantity": 3, "Items": ["TLSv1", "TLSv1.1", "TLSv1.2"]}} in config.json:\n'
    + UPDATE_DISTRIBUTION,
)
_CERTIFICATE_KIND = Step(
    text="Look at the kind of key: suites with ECDSA in their name need an ECDSA certificate, the others RSA."
    " Ed25519 and Ed448 certificates never work with CloudFront; a P-521 one only in TLS 1.3.",
    command="openssl x509 -in CERTIFICATE_FILE -noout -text | grep -E 'Public Key Algorithm|ASN1 OID'",
)
_READ_THE_LOG = Step(
    text="Read the origin's error log at the moment of the attempt: it says what the server could not do.",
    command="tail -n 50 /var/log/nginx/error.log   # Apache: /var/log/apache2/error.log; Caddy: journalctl -u caddy",
)
_SERVE_THE_NAMES = Step(
    text="Caddy and other Go servers answer alert 80 where they have no certificate for the server name: add a site for"
    " {names}, or let CloudFront send another name (see the cause “TLS name”).",
)
_OLD_VERSION_AND_OPENSSL = Step(
    text="OpenSSL 3 answers alert 80 to TLS 1.0 and 1.1 at its default security level: allow TLS 1.2 at the origin.",
    command="ssl_protocols TLSv1.2 TLSv1.3;",
)
_IN_FRONT = Step(
    text="Look at what stands in front of the origin and may have closed: a proxy that waits for the PROXY protocol, a"
    " limit on connections, a firewall that inspects TLS, a listener whose process has no certificate.",
)


def _rule(
    code: str,
    status: Status,
    title: str,
    meaning: str,
    *,
    source: str = AWS_PAGE,
    cloudfront_status: int | None = 502,
    remedy: Remedy | None = None,
    reproduce: str = HELLO,
    verify: Step = _VERIFY,
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
        verify=verify if remedy else Step(text=""),
        cloudfront_status=cloudfront_status if status in (Status.FAULT, Status.UNKNOWN) else None,
        next_check=next_check,
    )


OK = _rule(
    "ok",
    Status.OK,
    "{place}{where} accepts CloudFront's TLS hello and chooses {chosen}.",
    "Version, cipher suite, curve and signature fit what CloudFront offers.",
    source=DOCUMENTED_AT,
)
NO_COMMON_VERSION = _rule(
    "no_common_version",
    Status.FAULT,
    "{place}{where} speaks none of the versions that CloudFront offers ({offered}): it {how}.",
    "CloudFront offers every version from the origin's minimum ({minimum}) up to TLS 1.3 and cannot connect where the"
    " origin has none of them.{sometimes}",
    source=MINIMUM_PAGE,
    remedy=Remedy(kind="one_of", steps=(*ENABLE.steps, _LOWER_MINIMUM)),
    reproduce=HELLO + "\n" + _EACH_VERSION,
)
NO_COMMON_SUITE = _rule(
    "no_common_suite",
    Status.FAULT,
    "{place}{where} refuses CloudFront's TLS hello: it {how}.",
    "The server found no set of parameters that suits it. Either no cipher suite in common (CloudFront has no DHE suite"
    " and, in TLS 1.2, no ChaCha20), or no curve (CloudFront has P-256, X25519 and P-384; no P-521), or a certificate"
    " whose key no suite or signature in common can use (Ed25519; P-521 in TLS 1.2; an ECDSA certificate with RSA-only"
    " suites).{sometimes}",
    source=DOCUMENTED_AT,
    remedy=Remedy(kind="one_of", steps=(_CERTIFICATE_KIND, *ENABLE.steps)),
    reproduce=HELLO + "\n" + _EACH_VERSION,
)
INTERNAL_ERROR = _rule(
    "internal_error",
    Status.FAULT,
    "{place}{where} fails at CloudFront's TLS hello: it {how}.",
    "The server gave up for a reason of its own. Usual ones: it has no certificate for the server name (Caddy and other"
    " Go servers say it this way), or OpenSSL 3 refuses the old version or weak key that it is configured"
    " for.{sometimes}",
    source=ALERTS_RFC,
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _SERVE_THE_NAMES, _OLD_VERSION_AND_OPENSSL)),
    reproduce=HELLO + "\n" + _EACH_VERSION,
)
REFUSED = _rule(
    "refused",
    Status.FAULT,
    "{place}{where} refuses CloudFront's TLS hello: it {how}.",
    "A server that ends the handshake with an alert gets no request from CloudFront.{sometimes}",
    source=ALERTS_RFC,
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, *ENABLE.steps)),
)
MALFORMED = _rule(
    "malformed",
    Status.FAULT,
    "{place}{where} answers CloudFront's TLS hello with something that breaks the protocol: {how}.",
    "No TLS client can go on from there. Typical of an outdated or misconfigured TLS library, or of a device on the way"
    " that changes TLS.{sometimes}",
    source=TLS13_RFC,
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _IN_FRONT)),
)
TRUNCATED = _rule(
    "truncated",
    Status.FAULT,
    "{place}{where} breaks off its answer to CloudFront's TLS hello: {how}.",
    "The server, or what stands in front of it, closes before it has sent its certificates.{sometimes}",
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _IN_FRONT)),
)
TOO_LARGE = _rule(
    "too_large",
    Status.FAULT,
    "{place}{where} answers CloudFront's TLS hello with more than any certificate chain needs: {how}.",
    "AWS's TLS library takes handshake messages of at most 64 KiB; a chain of a few certificates has less than"
    " 10.{sometimes}",
    source="https://github.com/aws/s2n-tls/blob/main/tls/s2n_tls_parameters.h",
    remedy=Remedy(
        steps=(Step(text="Send the leaf and its intermediates only, not a whole bundle of roots."), _READ_THE_LOG)
    ),
)
CLOSED = _rule(
    "closed",
    Status.UNKNOWN,
    "{place}{where} accepts the connection and closes it on CloudFront's TLS hello: {how}.",
    "The server said nothing about why. It may not tolerate the hello, have no certificate, refuse this client's"
    " address, or be overloaded; CloudFront gives 502 if it is treated alike.{sometimes}",
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _IN_FRONT)),
    next_check="Run the command that reproduces this from another network, several times, one after the other. If it"
    " is always closed, so it is for CloudFront.",
)
RESET = _rule(
    "reset",
    Status.UNKNOWN,
    "{place}{where} accepts the connection and resets it on CloudFront's TLS hello: {how}.",
    "A firewall or proxy that refuses after looking at the hello, a crashed process, or a rate limit; CloudFront gives"
    " 502 if it is treated alike.{sometimes}",
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _IN_FRONT)),
    next_check="Run the command that reproduces this from another network, several times, one after the other. If it"
    " is always reset, so it is for CloudFront.",
)
TIMEOUT = _rule(
    "timeout",
    Status.UNKNOWN,
    "{place}{where} accepts the connection and does not complete its answer to CloudFront's TLS hello: {how}.",
    "The port is open but the TLS server behind it hangs or is slow. CloudFront gives up after its timeouts, and gives"
    " 504, not 502.{sometimes}",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
    remedy=Remedy(kind="one_of", steps=(_READ_THE_LOG, _IN_FRONT)),
    next_check="Give it as long as CloudFront does: --deadline {connection_timeout}. If it stays silent, it hangs.",
)
_NO_CERTIFICATES = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Stop asking for client certificates on this port (nginx: server block; Apache: virtual host).",
            command="ssl_verify_client off;   # nginx\nSSLVerifyClient none     # Apache",
        ),
        Step(
            text="Load balancer: turn mutual authentication off for the listener.",
            command="aws elbv2 modify-listener --listener-arn LISTENER_ARN --mutual-authentication Mode=off",
        ),
        Step(
            text="Or configure origin mTLS: a client certificate in AWS Certificate Manager in us-east-1, given to"
            " the origin.",
            command="# Console: Distributions > {distribution} > Origins > Edit > Origin mTLS\n"
            "# API: CustomOriginConfig.OriginMtlsConfig.ClientCertificateArn in config.json:\n" + UPDATE_DISTRIBUTION,
        ),
    ),
)
WHETHER_CONFIGURED = (
    "The origin demands one, so all hangs on whether CloudFront has one: give the distribution (--distribution), or"
    " look for Origin mTLS in the origin's settings. Without it, this is the 502."
)
"""What is still to be found out where the origin refused our own request, which showed no certificate."""
CLIENT_CERTIFICATE_REQUIRED = _rule(
    "client_certificate_required",
    Status.FAULT,
    "{place}{where} demands a client certificate, and CloudFront has none for it: without one it answers {refusal}.",
    "The distribution has no origin mTLS for this origin, so CloudFront has no certificate to show; AWS documents that"
    " it drops the request where an origin asks for one. A test by hand with a certificate succeeds.{passed_on}"
    "{sometimes}",
    source=CLIENT_CERTIFICATE_PAGE,
    remedy=_NO_CERTIFICATES,
    reproduce=_WITHOUT_CERTIFICATE,
    verify=Step(
        text="It must print an HTTP status, no alert, and no 400 or 403 that is about a certificate.",
        command=_WITHOUT_CERTIFICATE,
    ),
)
CLIENT_CERTIFICATE = _rule(
    "client_certificate",
    Status.UNKNOWN,
    "{place}{where} asks for a client certificate, and origin mTLS is not known to be configured for it in CloudFront.",
    "AWS documents that CloudFront drops the request where an origin asks for a client certificate. Where it is"
    " required, the origin refuses a client without one and viewers get 502; where it is optional, what CloudFront does"
    " is not known.{without}{sometimes}",
    source=CLIENT_CERTIFICATE_PAGE,
    remedy=_NO_CERTIFICATES,
    reproduce=_REQUESTED,
    verify=Step(text="It must print nothing: the origin does not ask any more.", command=_REQUESTED),
    next_check="See whether the origin goes on without one: `" + _WITHOUT_CERTIFICATE + "`. An alert (certificate"
    " required, handshake failure) or a 400 that speaks of a certificate says that it is required: CloudFront gives"
    " 502. Any other answer says that it is optional (nginx: ssl_verify_client optional): then see whether 502 goes"
    " away with ssl_verify_client off.",
)
UNDOCUMENTED_SUITE = _rule(
    "undocumented_suite",
    Status.WARNING,
    "{place}{where} chooses {chosen}, which CloudFront's documentation does not list.",
    "It is in AWS's own TLS policy for CloudFront, so it should work, but only the documented suites are promised. It"
    " has no forward secrecy either.",
    source=DOCUMENTED_AT,
    remedy=ENABLE,
)
DEPRECATED = _rule(
    "deprecated",
    Status.WARNING,
    "{place}{where} chooses {chosen}, which is deprecated.",
    "It works with this origin's minimum ({minimum}) and fails as soon as CloudFront or its configuration asks for"
    " TLS 1.2 or drops the suite.",
    source=DEPRECATION_RFC,
    remedy=ENABLE,
)
WARNING_ALERT = _rule(
    "warning_alert",
    Status.UNKNOWN,
    "{place}{where} sends a warning alert before its ServerHello: {how}.",
    "Most clients pass over such a warning. AWS's TLS library, as it comes, takes any alert as fatal; whether"
    " CloudFront has it configured otherwise is not known. If it has not, this alone is a 502. unrecognized_name (112)"
    " means that the server does not know the server name.{sometimes}",
    source=WARNINGS_IN_S2N,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Apache and Tomcat warn where no virtual host has the server name: name it.",
                command="ServerName  {site}\nServerAlias {site}",
            ),
            _READ_THE_LOG,
        ),
    ),
    reproduce=_ALERTS,
    verify=Step(text="It must print no alert from the origin (<<<).", command=_ALERTS),
    next_check="See whether requests to this origin succeed at all: where the warning is fatal, CloudFront's access log"
    " has OriginConnectError for every one of them. Without a log, make the server know {names} and request the failing"
    " URL again.",
)

RULES: tuple[Rule, ...] = (
    NO_COMMON_VERSION,
    NO_COMMON_SUITE,
    INTERNAL_ERROR,
    REFUSED,
    MALFORMED,
    TRUNCATED,
    TOO_LARGE,
    RESET,
    CLOSED,
    TIMEOUT,
    CLIENT_CERTIFICATE_REQUIRED,
    CLIENT_CERTIFICATE,
    WARNING_ALERT,
    UNDOCUMENTED_SUITE,
    DEPRECATED,
    OK,
)
