"""The result codes of the cause "origin response": what each says, how to see it, fix it and prove the fix.

`{domain}:{port}` is what CloudFront connects to, `{asked}` the request, `{where}` the addresses concerned where not all
are, `{interim}` the interim answers (1xx) that came before the final one or in its place.
"""

from __future__ import annotations

from typing import Any

from cfrunbook.causes.gateways import UNKNOWN
from cfrunbook.evidence import Deviation
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#cloudfront-alb-502-error"
STATUS_CODES_PAGE = _GUIDE + "HTTPStatusCodes.html"
LIMITS_PAGE = _GUIDE + "cloudfront-limits.html"
LOG_PAGE = _GUIDE + "standard-logs-reference.html"
BEHAVIOR_PAGE = _GUIDE + "RequestAndResponseBehaviorCustomOrigin.html"
EXPECT_PAGE = BEHAVIOR_PAGE + "#request-custom-headers-behavior"
"""Its table says of `Expect`: CloudFront removes the header; a cache policy or origin request policy can ask for it."""
TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
ORIGINS_PAGE = _GUIDE + "DownloadDistS3AndCustomOrigins.html"
HEADERS_PAGE = _GUIDE + "add-origin-custom-headers.html"
MTLS_PAGE = _GUIDE + "origin-mtls-authentication.html"
_RFC = "https://www.rfc-editor.org/rfc/rfc9112"

HEADER_LIMIT = 32_768
"""Bytes of a message without its body that the guide of 2026 names: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""
OLD_HEADER_LIMIT = 20_480
"""What the guide named until 2025, for a request and for an origin's response."""

_CURL = (
    "curl -svk --http1.1 --no-alpn -A 'Amazon CloudFront' -o /dev/null --max-time {patience!q}"
    " --connect-to {connect!q} {url!q}"
)
_HEADER = "curl -sk --http1.1 --no-alpn -A 'Amazon CloudFront' -D - -o /dev/null --connect-to {connect!q} {url!q}"
_RAW = _HEADER + " | cat -A"
_SIZE = _HEADER + " | wc -c"
_CACHED = " Then request the failing URL again; CloudFront caches an error for at least 10 seconds."
_ANSWERS = Step(text="The origin answers with a status and no error." + _CACHED, command=_CURL)

_APPLICATION_LOG = Step(
    text="Read the log of the web server and of the application at the time of the request: a process that crashes, is"
    " killed (out of memory) or restarted ends its connections in just this way.",
    command="journalctl -n 100 --no-pager; dmesg | grep -i 'killed process'",
)
_IN_BETWEEN = Step(
    text="Ask the application itself, past its proxies and load balancers, to see which of them does this."
)


def _rule(code: str, status: Status, title: str, meaning: str, **more: Any) -> Rule:
    fields: dict[str, Any] = {"source": STATUS_CODES_PAGE, "reproduce": _CURL, "verify": _ANSWERS, **more}
    return Rule(
        code=f"origin_response.{code}",
        cause=Cause.ORIGIN_RESPONSE,
        stage=Stage.HTTP,
        status=status,
        title=title,
        meaning=meaning + "{sometimes}",
        **fields,
    )


EMPTY = _rule(
    "empty",
    Status.FAULT,
    "{domain}:{port} takes {asked} and {ends} the connection without a byte of an answer{where}.",
    "TCP and TLS are fine; what answers requests behind them is not. CloudFront has nothing to pass on and answers"
    " 502.",
    source=LOG_PAGE,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_APPLICATION_LOG, _IN_BETWEEN)),
    next_check="It was seen once, which may be chance. Ask again, several times: " + _CURL,
)
CUT_OFF = _rule(
    "cut_off",
    Status.FAULT,
    "{domain}:{port} {ends} the connection in the middle of its answer's header, after {header_bytes} bytes{where}.",
    "CloudFront cannot use half a header: 502, in its log OriginReadError or OriginInvalidResponseError.",
    source=LOG_PAGE,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_APPLICATION_LOG, _IN_BETWEEN)),
)
ONLY_INTERIM = _rule(
    "only_interim",
    Status.FAULT,
    "{domain}:{port} says {interim} to {asked}, then {ends} the connection without a final answer{where}.",
    "An interim answer promises a final one (RFC 9110 section 15.2); without it CloudFront has no status to pass on:"
    " 502, in its log OriginReadError or OriginInvalidResponseError. CloudFront takes Expect: 100-continue out of what"
    " viewers send, unless it is told to forward it: who says 100 Continue and waits for a body may wait for one that"
    " never was announced.",
    source=EXPECT_PAGE,
    cloudfront_status=502,
    remedy=Remedy(
        kind="one_of",
        steps=(
            _APPLICATION_LOG,
            _IN_BETWEEN,
            Step(text="Let only requests with Expect: 100-continue be answered with 100 Continue."),
        ),
    ),
)
TOO_SLOW = _rule(
    "too_slow",
    Status.UNKNOWN,
    "{domain}:{port} takes {asked} and does not {do} within {seconds} s{where}.",
    "CloudFront waits {read_timeout} s for the first byte and between packets (response timeout). It asks up to"
    " {attempts} times where the viewer's request is GET or HEAD, once where it is another; then viewers get 504, not"
    " 502.",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Find out what the application waits for: a database, another service, a lock, a full pool of"
                " workers."
            ),
            Step(
                text="If it has to take so long: CloudFront console > the distribution > Origins > {origin} > Edit:"
                " raise Response timeout (OriginReadTimeout, 1 to 120 s).",
            ),
        ),
    ),
    next_check="See whether an answer comes within the {read_timeout} s that CloudFront waits: " + _CURL,
)
HTTP2_ONLY = _rule(
    "http2",
    Status.FAULT,
    "{domain}:{port} answers {asked} in HTTP/2{where}, and CloudFront speaks HTTP/1.1 to origins.",
    "It takes for granted what CloudFront does not negotiate. HTTP/2 reaches an origin only for gRPC; everything else"
    " meets an answer that is no HTTP/1.1: 502.",
    source=BEHAVIOR_PAGE,
    cloudfront_status=502,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Let the server speak HTTP/1.1 too on this port (it chooses by ALPN, and without ALPN HTTP/1.1)."
            ),
            Step(text="If the origin speaks gRPC only: enable gRPC in the cache behavior, over HTTPS."),
        ),
    ),
)
NOT_HTTP = _rule(
    "not_http",
    Status.FAULT,
    "{domain}:{port} answers {asked} with something else than HTTP{where}: {banner}.",
    "TLS is spoken there, and within it {service}. CloudFront cannot make sense of it and answers 502.",
    source=LOG_PAGE,
    cloudfront_status=502,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="If the web server is elsewhere: CloudFront console > the distribution > Origins > {origin} >"
                " Edit: set the port to that of the web server."
            ),
            _IN_BETWEEN,
        ),
    ),
)
HEADER_TOO_LARGE = _rule(
    "header_too_large",
    Status.FAULT,
    "{domain}:{port} answers {asked} with a header of {header_bytes} bytes{where}, and CloudFront takes {limit}.",
    "Most often cookies that grow, or a Content-Security-Policy. AWS documents the limit; that it ends in 502, in the"
    " log OriginHeaderTooBigError, is our reading.",
    source=LIMITS_PAGE,
    cloudfront_status=502,
    reproduce=_SIZE,
    remedy=Remedy(
        steps=(
            Step(text="See which fields are large.", command=_HEADER + " | awk '{{ print length, $1 }}' | sort -n"),
            Step(text="Send less: fewer and smaller Set-Cookie fields, state on the server instead of in cookies."),
        )
    ),
    verify=Step(text="The size is well under {limit}." + _CACHED, command=_SIZE),
)
HEADER_LARGE = _rule(
    "header_large",
    Status.WARNING,
    "{domain}:{port} answers {asked} with a header of {header_bytes} bytes{where}; CloudFront takes {limit}, until 2025"
    " it was {old_limit}.",
    "A few more cookies and CloudFront refuses the answer (502, in its log OriginHeaderTooBigError).",
    source=LIMITS_PAGE,
    reproduce=_SIZE,
    remedy=HEADER_TOO_LARGE.remedy,
    verify=HEADER_TOO_LARGE.verify,
)
MALFORMED = _rule(
    "malformed",
    Status.UNKNOWN,
    "{domain}:{port} answers {asked} with what HTTP/1.1 does not allow{where}: {deviations}.",
    "{rfc} What CloudFront forgives AWS does not say; what it cannot read is a 502, in its log"
    " OriginInvalidResponseError.",
    source=_RFC,
    cloudfront_status=502,
    reproduce=_RAW,
    remedy=Remedy(
        steps=(
            Step(
                text="Find what writes this: most often an application, a script or an embedded server that builds its"
                " header by hand, or a value with a line break in it.",
                command=_RAW,
            ),
            Step(text="Let the framework or web server write the header, and Content-Length too."),
        )
    ),
    verify=Step(text="Every line ends in ^M$ and is NAME: VALUE; one length at most." + _CACHED, command=_RAW),
    next_check="See in CloudFront's access log whether x-edge-detailed-result-type is OriginInvalidResponseError; or"
    " correct it and see whether the 502 is gone.",
)
ORIGIN_STATUS = _rule(
    "origin_status",
    Status.FAULT,
    "{domain}:{port} itself answers {answered} to {asked}{where}.",
    "The connection is fine: the error is made by {maker}, and CloudFront passes it on. {scope}",
    remedy=Remedy(kind="one_of", steps=UNKNOWN.steps),
    next_check="The fields that CloudFront adds for this origin ({custom_headers}) were not sent: their values are not"
    " kept. See whether the answer is the same with them: " + _CURL + " -H 'NAME: VALUE'",
)
CUT_BODY = _rule(
    "cut_body",
    Status.WARNING,
    "{domain}:{port} {ends} the connection before its answer is complete{where}: {body_bytes} bytes came{of}.",
    "CloudFront passes on what comes as it comes, so viewers get the status {answered} and half a page, not 502; it"
    " does not cache it.",
    source=BEHAVIOR_PAGE,
    remedy=Remedy(kind="one_of", steps=(_APPLICATION_LOG, _IN_BETWEEN)),
)
NOT_ASKED = _rule(
    "not_asked",
    Status.UNKNOWN,
    "No request could be sent to {domain}:{port}{where}: {detail}.",
    "CloudFront's TLS hello was answered{chose}, but the whole handshake did not come about from here. This machine's"
    " OpenSSL offers what it can of CloudFront's hello, not RC4, 3DES or SSL 3.0, and a rate limit meets us sooner than"
    " CloudFront.",
    next_check="See how far another client comes: " + _CURL,
)
NEEDS_CERTIFICATE = _rule(
    "needs_certificate",
    Status.UNKNOWN,
    "{domain}:{port} {demands} a client certificate{where}, which CloudFront has (origin mTLS) and this machine has"
    " not: {detail}.",
    "So what it answers CloudFront was not seen. CloudFront shows the certificate of the origin's settings and does not"
    " look at its dates itself; an origin that refuses it (expired, or of an authority that it does not trust) lets"
    " viewers get 502.",
    source=MTLS_PAGE,
    cloudfront_status=502,
    next_check="See until when it is valid: aws acm describe-certificate --region us-east-1 --certificate-arn"
    " {client_certificate!q} --query Certificate.NotAfter. Then ask with the same certificate and key: "
    + _CURL
    + " --cert CERTIFICATE.pem --key KEY.pem",
)
OTHER_ERROR = _rule(
    "other_error",
    Status.INFO,
    "{domain}:{port} answers {answered} to {asked}{where}.",
    "CloudFront passes it on as {answered}, not as 502. {scope}",
)
WRONG_HOST = _rule(
    "host_refused",
    Status.INFO,
    "{domain}:{port} answers {answered} to the Host {host}{where}: {kind} wants its own name.",
    "CloudFront passes {answered} on, so this is no 502; but do not forward the viewer's Host to this origin (origin"
    " request policy AllViewerExceptHostHeader).",
    source=ORIGINS_PAGE,
)
HEADERS_NOT_SENT = _rule(
    "refused",
    Status.INFO,
    "{domain}:{port} answers {answered} to {asked}{where}.",
    "CloudFront adds {custom_headers} for this origin. Their values are not kept, so they were not sent: that may be"
    " why. CloudFront passes {answered} on, not 502.",
    source=HEADERS_PAGE,
)
EXPECTATION_FAILED = _rule(
    "expectation_failed",
    Status.INFO,
    "{domain}:{port} answers {answered} (Expectation Failed) to {asked}{where}, and the request has no Expect field.",
    "With that status a server says that it cannot do what an Expect field asks for (RFC 9110 section 15.5.18)."
    " CloudFront takes Expect out of what viewers send, unless it is told to forward it; so the application, or a proxy"
    " that adds the field, makes this error. CloudFront passes {answered} on, not 502. {scope}",
    source=EXPECT_PAGE,
)
INTERIM = _rule(
    "interim",
    Status.INFO,
    "{domain}:{port} sends {interim} before its answer to {asked}{where}, which nobody asked for.",
    "HTTP/1.1 allows it: who gets an interim answer reads on until the final one comes (RFC 9110 section 15.2). What"
    " CloudFront makes of it AWS does not say. Uploads do not need 100 Continue: CloudFront takes Expect: 100-continue"
    " out of what viewers send, unless it is told to forward it. If just these requests end in 502, let the origin send"
    " no interim answers (103 Early Hints, an early 100 Continue) and see whether that is gone.",
    source=EXPECT_PAGE,
)
OK = _rule(
    "ok",
    Status.OK,
    "{domain}:{port} answers {asked} with {status_line}{where}.",
    "An answer that CloudFront can use.{unchecked} {scope}",
)

RULES: tuple[Rule, ...] = (
    EMPTY,
    CUT_OFF,
    ONLY_INTERIM,
    HTTP2_ONLY,
    NOT_HTTP,
    HEADER_TOO_LARGE,
    ORIGIN_STATUS,
    MALFORMED,
    TOO_SLOW,
    NOT_ASKED,
    NEEDS_CERTIFICATE,
    HEADER_LARGE,
    CUT_BODY,
    WRONG_HOST,
    HEADERS_NOT_SENT,
    EXPECTATION_FAILED,
    OTHER_ERROR,
    INTERIM,
    OK,
)
"""The worst first."""

DEVIATIONS: dict[Deviation, tuple[Status, str, str]] = {
    # What the RFC wants of a proxy decides how sure a 502 is.
    Deviation.STATUS_LINE: (
        Status.FAULT,
        "a status line without a status of three digits",
        "Without a status there is no answer (RFC 9112 section 4).",
    ),
    Deviation.LENGTH_INVALID: (
        Status.FAULT,
        "a Content-Length that is no number",
        "A proxy must answer 502 to a Content-Length that it cannot read (RFC 9112 section 6.3).",
    ),
    Deviation.LENGTH_DIFFERS: (
        Status.FAULT,
        "several Content-Length fields that differ",
        "A proxy must answer 502 to lengths that differ (RFC 9112 section 6.3).",
    ),
    Deviation.LENGTH_AND_CODING: (
        Status.UNKNOWN,
        "Content-Length together with Transfer-Encoding",
        "A proxy may take both together for an attack (RFC 9112 section 6.3).",
    ),
    Deviation.CODING: (
        Status.UNKNOWN,
        "a Transfer-Encoding other than chunked alone",
        "Only chunked can be counted on (RFC 9112 section 6.1).",
    ),
    Deviation.CHUNK: (
        Status.UNKNOWN,
        "a chunk whose size cannot be read",
        "Where chunks break off, the body does (RFC 9112 section 7.1).",
    ),
    Deviation.NO_COLON: (
        Status.UNKNOWN,
        "a header line without a colon",
        "A header line is a name, a colon and a value (RFC 9112 section 5).",
    ),
    Deviation.FIELD_NAME: (
        Status.UNKNOWN,
        "a field name with characters that are not allowed",
        "A field name is a token, with the colon right behind it (RFC 9112 section 5.1).",
    ),
    Deviation.CONTROL_CHARACTER: (
        Status.UNKNOWN,
        "a control character in a field value",
        "A recipient must refuse or replace CR and NUL in a value (RFC 9110 section 5.5).",
    ),
    Deviation.VERSION: (
        Status.UNKNOWN,
        "a version that is neither HTTP/1.1 nor HTTP/1.0",
        "Over HTTP/1.1 the status line says so (RFC 9112 section 4).",
    ),
    Deviation.SWITCHED: (
        Status.UNKNOWN,
        "101 Switching Protocols, which nobody asked for",
        "A server may switch only where the client asked for it (RFC 9110 section 15.2.2).",
    ),
    Deviation.INTERIM: (
        Status.UNKNOWN,
        "one interim answer after another, and no final one",
        "Interim answers come before a final one (RFC 9110 section 15.2).",
    ),
    Deviation.FOLDED_LINE: (
        Status.WARNING,
        "a header field folded over several lines",
        "A proxy may answer 502 to folded lines, or unfold them (RFC 9112 section 5.2).",
    ),
    Deviation.BARE_LINE_FEED: (
        Status.WARNING,
        "header lines that end in LF alone",
        "A recipient may take LF alone for a line's end (RFC 9112 section 2.2).",
    ),
}
"""How bad, in a sentence, and what the RFC says."""
