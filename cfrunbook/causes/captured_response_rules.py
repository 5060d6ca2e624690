"""The result codes of a captured response: who made it, what CloudFront names as the cause, what to look at next.

What CloudFront names outright is a fault of that cause (its code begins with it); what is about the response itself is
of `cloudfront`. `{answered}` is the status, `{by}` where CloudFront says so, `{also}` an insertion where several do.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cfrunbook.causes import told_rules
from cfrunbook.findings import Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "HTTPStatusCodes.html"
PAGE_502 = _GUIDE + "http-502-bad-gateway.html"
PAGE_503 = _GUIDE + "http-503-service-unavailable.html"
PAGE_504 = _GUIDE + "http-504-gateway-timeout.html"
_DNS_PAGE = PAGE_502 + "#http-502-dns-error"
_CACHING_PAGE = _GUIDE + "custom-error-pages-expiration.html"
_CUSTOM_PAGE = _GUIDE + "creating-custom-error-pages.html"
_LOG_PAGE = _GUIDE + "standard-logs-reference.html"
_SAMPLE_2026 = "https://github.com/caddyserver/caddy/issues/7445"

_SHOW = "curl -sS -o /dev/null -D - {url!q} | grep -iE '^(HTTP/|server|age|via|x-cache|x-amz-cf-(id|pop))'"
_WHOLE = "curl -sSi {url!q}"
_VERIFY = Step(
    text="Request the failing URL again: the status is no error any more. CloudFront caches an error for 10 seconds or"
    " more, so look at Age too.",
    command=_SHOW,
)
_LOG = Step(
    text="Find this request in the access log: x-edge-detailed-result-type names what failed (OriginDnsError,"
    " OriginConnectError, OriginInvalidResponseError …). Logs come within an hour or so.",
    command="zgrep -h {request_id!q} *.gz",
)
_NEXT_LOG = (
    "Look at x-edge-detailed-result-type of {this_request} in the access log; and examine the origin as"
    " CloudFront sees it: cfrunbook diagnose --distribution distribution.json --url {url!q}"
)

_rule = partial(told_rules.rule, source=AWS_PAGE, reproduce=_SHOW, proof=_VERIFY)


# --- what CloudFront itself names as the cause ---------------------------------------------------------------------

_FUNCTION_LOG = Step(
    text="Read what the edge logged about it: {log_words}",
    command="{log_command}",
)
REFUSED_AT_EDGE = _rule(
    "edge_function.refused_at_edge",
    Stage.EDGE_FUNCTION,
    Status.FAULT,
    "CloudFront refused what {function} returned and answered {answered}: {by}{also}.",
    "The function ran, and its result broke a rule: it is malformed, too large, or changes what may not be changed."
    "{sentence_says} The origin is not the reason.",
    source=PAGE_502 + "#http-502-lambda-validation-error",
    cloudfront_status=502,
    remedy=Remedy(
        steps=(
            Step(
                text="Judge what the function returned against CloudFront's rules: invoke it with the failing request"
                " and give the result (add --event event.json and --event-type where you have them).",
                command="cfrunbook function --kind {kind!q} --result result.json",
            ),
            _FUNCTION_LOG,
        )
    ),
    verify=Step(
        text="X-Cache says no ValidationError any more. An error page may be cached for 10 seconds or more.",
        command=_SHOW,
    ),
)
FAILED_AT_EDGE = _rule(
    "edge_function.failed_at_edge",
    Stage.EDGE_FUNCTION,
    Status.FAULT,
    "CloudFront answered {answered}, since {function} failed while it ran at the edge: {by}{also}.",
    "An execution error, which is 503 (500 in the guide of 2023) and not 502: the code threw, took too long, or lacks a"
    " permission.{sentence_says} The origin is not the reason.",
    source=PAGE_503,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            _FUNCTION_LOG,
            Step(
                text="Run the handler here on the failing request, to see what it throws.",
                command="cfrunbook function --kind {kind!q} --handler index.js --event event.json --run-handler",
            ),
            Step(
                text="Lambda@Edge: see that the role can be assumed by edgelambda.amazonaws.com, and that the version"
                " which is associated still exists."
            ),
        )
    ),
)
THROTTLED_AT_EDGE = _rule(
    "edge_function.throttled_at_edge",
    Stage.EDGE_FUNCTION,
    Status.FAULT,
    "CloudFront answered {answered}, since {function} met a limit at the edge and was not run: {by}{also}.",
    "Too many requests or concurrent executions in a region, which is 503 and not 502.{sentence_says} The code is not"
    " the reason, and neither is the origin.",
    source=PAGE_503,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(
                text="Lambda@Edge: look at throttles and concurrency in the regions of the edge, and ask for a higher"
                " quota: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"
            ),
            Step(text="Let the function run less often (origin instead of viewer events), and faster."),
        )
    ),
)
ANSWERED_ITSELF = _rule(
    "edge_function.answered_itself",
    Stage.EDGE_FUNCTION,
    Status.FAULT,
    "This {answered} was made by {function}: {by}{also}.",
    "CloudFront sent the response that the function returned. The status is the function's own choice, and the origin"
    " was not asked for this response.",
    source=_GUIDE + "lambda-generating-http-responses.html",
    remedy=Remedy(
        steps=(
            Step(text="See in the function's code when it returns {answered}, and why that is so for this request."),
            _FUNCTION_LOG,
        )
    ),
)
CANNOT_RESOLVE = _rule(
    "dns.cloudfront_cannot_resolve",
    Stage.DNS,
    Status.FAULT,
    "CloudFront{whose} could not resolve the name of its origin and answered {answered}: {by}{also}.",
    "Public name servers did not give the edge an address at that time. It may be one name server of several, so"
    " look at"
    " each of them; in the log this is OriginDnsError.",
    source=_DNS_PAGE,
    cloudfront_status=502,
    remedy=Remedy(
        steps=(
            Step(
                text="Ask every authoritative name server of the origin's name, from the root down.",
                command="cfrunbook diagnose --distribution distribution.json --url {url!q}",
            ),
            _LOG,
        )
    ),
)
RELAYED = _rule(
    "origin_response.relayed",
    Stage.HTTP,
    Status.FAULT,
    "The origin answered {answered}, and CloudFront passed it on: the response was made by {maker}{also}.",
    "CloudFront reached the origin: name, port, TLS and certificate were fine for this request. {because}",
    source=PAGE_502 + "#cloudfront-alb-502-error",
    remedy=Remedy(kind="one_of", steps=(Step(text="Read the log of the origin for the time of the request."),)),
    verify=_VERIFY,
)
RECOGNISED = _rule(
    "origin_response.page_recognised",
    Stage.HTTP,
    Status.UNKNOWN,
    "The page with this {answered} was made by {maker}; whether it came through CloudFront the capture does not"
    " show{also}.",
    "{because} If it did, CloudFront reached the origin and passed its error on: name, port, TLS and certificate were"
    " fine.",
    source=PAGE_502 + "#cloudfront-alb-502-error",
    remedy=Remedy(kind="one_of", steps=(Step(text="Read the log of the origin for the time of the request."),)),
    next_check="Capture the header fields too, to see that it came through CloudFront: curl -sSi {url!q} (or the"
    " browser's"
    " HAR file).",
)

# --- about the response itself ------------------------------------------------------------------------------------

_EXAMINE = Step(
    text="Examine the origin as CloudFront sees it: name servers, port, TLS, certificate, name, answer.",
    command="cfrunbook diagnose --distribution distribution.json --url {url!q}",
)


def _about(code: str, status: Status, title: str, meaning: str, **more: Any) -> Rule:
    return _rule(f"cloudfront.{code}", Stage.HTTP, status, title, meaning, **more)


LIMIT = _about(
    "limit",
    Status.FAULT,
    "CloudFront met a limit of its own and answered {answered}: {by}{also}.",
    "Capacity of the edge location or of the account, as in load tests. A custom error page is never used for"
    " it; neither"
    " the origin nor a function is the reason.",
    source=PAGE_503,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(text="In a load test: spread it over time, places and addresses, and do not fix one edge location."),
            Step(text="Else ask AWS Support, with the request id {request_id}."),
        )
    ),
)
COULD_NOT_CONNECT = _about(
    "could_not_connect",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered}: it could not connect to the origin, or not use what came; its page"
    " does not"
    " say which{also}.",
    "The sentence “{sentence}” stands for a closed port, a failed TLS handshake, a certificate or a name that"
    " CloudFront"
    " refuses{or_answer}. It was seen with status {statuses} ({seen}), so it decides nothing alone. Name"
    " resolution has a"
    " sentence of its own on such pages and is less likely.",
    source=PAGE_502,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_EXAMINE, _LOG)),
    next_check=_NEXT_LOG,
)
WITHOUT_REASON = _about(
    "page_without_reason",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered} itself, and its page gives no reason{also}.",
    "{no_reason} The cause can only come from X-Cache, the access log, or a look at the origin. It is none of the"
    " functions where X-Cache says Error.",
    source=_SAMPLE_2026,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_EXAMINE, _LOG)),
    next_check=_NEXT_LOG,
)
NOT_CAPTURED = _about(
    "page_not_captured",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered} itself (Server: CloudFront); its page was not captured{also}.",
    "An error of the origin keeps the origin's Server field. A page of 2025 or before may name the reason; pages since"
    " January 2026 do not.",
    source=PAGE_502,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_EXAMINE, Step(text="Capture the page too.", command=_WHOLE), _LOG)),
    next_check=_NEXT_LOG,
)
SENTENCE_NOT_KNOWN = _about(
    "sentence_not_known",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered} itself and says: “{sentence}”{also}.",
    "This sentence is not known here.",
    source=PAGE_502,
    cloudfront_status=502,
    remedy=Remedy(kind="one_of", steps=(_EXAMINE, _LOG)),
    next_check=_NEXT_LOG,
)
TIMEOUT = _about(
    "timeout",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered} itself: the origin did not accept the connection, or did not answer, in"
    " time{also}.",
    "504 is not 502: packets to the origin are dropped (security group, network ACL, firewall, private address), or the"
    " application takes longer than the origin's response timeout (30 s by default).{sentence_says}",
    source=PAGE_504,
    cloudfront_status=504,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="See whether the port is reached at all, and whether the firewall lets CloudFront's addresses in.",
                command="nc -zv ORIGIN 443\ncfrunbook firewall --port 443 rules.json",
            ),
            Step(
                text="See how long the origin itself takes for this request.",
                command="curl -sS -o /dev/null -w 'connect %{{time_connect}} tls %{{time_appconnect}} first byte"
                " %{{time_starttransfer}} total %{{time_total}}\\n' https://ORIGIN/PATH",
            ),
            _LOG,
        ),
    ),
    next_check="Tell the two apart: cfrunbook diagnose --distribution distribution.json --url {url!q} (port and"
    " firewall),"
    " and time-taken of {this_request} in the access log.",
)
UNAVAILABLE = _about(
    "unavailable",
    Status.UNKNOWN,
    "CloudFront{whose} made this {answered} itself{also}.",
    "503 is not 502: an edge function that failed or was throttled, a limit, or no capacity at the edge."
    "{sentence_says} An overloaded origin says 503 with a page of its own.",
    source=PAGE_503,
    cloudfront_status=503,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="With edge functions: read their logs and metrics for that time (LambdaExecutionError,"
                " FunctionExecutionErrors, throttles)."
            ),
            Step(text="In a load test: spread it over time, places and addresses."),
            _LOG,
        ),
    ),
    next_check="Look at X-Cache and at x-edge-detailed-result-type of {this_request} in the access log.",
)
CUSTOM_PAGE = _about(
    "custom_error_page",
    Status.UNKNOWN,
    "Viewers get this distribution's own error page {error_page} with the {answered}, so it does not show who made the"
    " error{also}.",
    "The custom error response for {answered} replaces CloudFront's page and the origin's alike.",
    source=_CUSTOM_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            _EXAMINE,
            _LOG,
            Step(
                text="Or take the custom error response away for a short time: CloudFront console > the distribution >"
                " Error pages."
            ),
        ),
    ),
    next_check=_NEXT_LOG,
)
MASKED = _about(
    "error_masked",
    Status.UNKNOWN,
    "This {answered} hides an error: X-Cache says Error{masks}{also}.",
    "A custom error response replaces the status, so monitoring and viewers see {answered}; in the access log sc-status"
    " is {answered} too, and only x-edge-result-type says Error.",
    source=_GUIDE + "custom-error-pages-response-code.html",
    remedy=Remedy(
        kind="one_of",
        steps=(
            _LOG,
            _EXAMINE,
            Step(
                text="Answer errors with their own status: CloudFront console > the distribution > Error pages >"
                " the error"
                " > HTTP response code."
            ),
        ),
    ),
    next_check=_NEXT_LOG,
)
MAKER_NOT_KNOWN = _about(
    "maker_not_known",
    Status.UNKNOWN,
    "Who made this {answered} cannot be told from what was captured{also}.",
    "{because} “X-Cache: Error from cloudfront” alone proves nothing: CloudFront adds it to errors of the origin too.",
    remedy=Remedy(
        kind="one_of", steps=(Step(text="Capture header and page together.", command=_WHOLE), _EXAMINE, _LOG)
    ),
    next_check="{settles}",
)
NOT_FROM_CLOUDFRONT = _about(
    "not_from_cloudfront",
    Status.UNKNOWN,
    "Nothing in this {answered} is of CloudFront: no X-Cache, no Via with cloudfront.net, no X-Amz-Cf-Id{also}.",
    "It was answered by something else ({maker}), or a proxy took these fields away. Then it says nothing about"
    " CloudFront.",
    next_check="See where the name leads, and ask again without a proxy: dig +short {host!q}; curl --noproxy '*' -sSi"
    " {url!q}",
)
PROXY = _about(
    "proxy_answered",
    Status.UNKNOWN,
    "A proxy on the viewer's side answered {answered} to CONNECT: the request never came to CloudFront{also}.",
    "The 502 is the proxy's own: it could not reach the name, or may not.",
    next_check="Ask again without the proxy: curl --noproxy '*' -sSi {url!q}",
)
REQUEST_REFUSED = _about(
    "request_refused",
    Status.INFO,
    "CloudFront{whose} refused the request with {answered}; that is no 502{also}.",
    "AWS WAF, a geographic restriction, a method that is not allowed, a signed URL, a name without a"
    " distribution, or two distributions that call each other.{sentence_says} The origin was not asked.",
    source=_GUIDE + "http-403-permission-denied.html",
)
OTHER_ERROR = _about(
    "other_error",
    Status.INFO,
    "This response is {answered}, which is no 502{also}.",
    "{because}",
)
CACHED = _about(
    "error_cached",
    Status.INFO,
    "This {answered} is {age} s old: CloudFront sent it from its cache{until}{also}.",
    "So it says how things were {age} s before. CloudFront keeps an error for at least {ttl} s ({ttl_why}); no-store on"
    " a 5xx does not shorten that, max-age may prolong it. {longer}{bypass}",
    source=_CACHING_PAGE,
    reproduce="curl -sS -o /dev/null -D - {again!q} | grep -iE '^(HTTP/|age|x-cache)'",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Wait until it has expired, then request it again."),
            Step(
                text="Or have it forgotten.",
                command="aws cloudfront create-invalidation --distribution-id {distribution!q} --paths {path!q}",
            ),
        ),
    ),
    verify=Step(text="There is no Age, or a small one, and the status is no error any more.", command=_SHOW),
    next_check="{bypass_check}",
)
CHAINED = _about(
    "chained",
    Status.INFO,
    "The response went through {hops} CloudFront distributions, one behind the other{also}.",
    "The origin of yours is CloudFront again (an edge-optimized API, Amplify, another distribution). {inner}"
    " X-Amz-Cf-Id"
    " and X-Amz-Cf-Pop are those of the one next to the viewer.",
    source=_GUIDE + "cloudfront-limits.html",
    remedy=Remedy(
        steps=(
            Step(
                text="Examine the inner distribution by itself. An edge-optimized API: use the regional endpoint as the"
                " origin instead. No more than two may be chained."
            ),
        )
    ),
)
FOR_SUPPORT = _about(
    "for_support",
    Status.INFO,
    "For AWS Support and for the logs: {answered}{where}, request id {request_id}{when}{more}.",
    "X-Amz-Cf-Id is the access log's x-edge-request-id, and requestId in an event of Lambda@Edge. {place}",
    source=_LOG_PAGE,
    reproduce="zgrep -h {request_id!q} *.gz",
)
X_CACHE_NOT_KNOWN = _about(
    "x_cache_not_known",
    Status.INFO,
    "X-Cache says “{x_cache}”, which is not known here{also}.",
    "CloudFront adds values without documenting them. Its name may say what it is about.",
    source=_LOG_PAGE,
)
OK = _about(
    "ok",
    Status.OK,
    "CloudFront answered {answered}{x_cache_says}: this response is no error{also}.",
    "It says nothing about other requests: capture one that fails, or look at the access log.",
)

RULES: tuple[Rule, ...] = (
    REFUSED_AT_EDGE,
    FAILED_AT_EDGE,
    THROTTLED_AT_EDGE,
    ANSWERED_ITSELF,
    CANNOT_RESOLVE,
    RELAYED,
    RECOGNISED,
    LIMIT,
    COULD_NOT_CONNECT,
    WITHOUT_REASON,
    NOT_CAPTURED,
    SENTENCE_NOT_KNOWN,
    TIMEOUT,
    UNAVAILABLE,
    CUSTOM_PAGE,
    MASKED,
    MAKER_NOT_KNOWN,
    NOT_FROM_CLOUDFRONT,
    PROXY,
    REQUEST_REFUSED,
    OTHER_ERROR,
    OK,
    CACHED,
    CHAINED,
    FOR_SUPPORT,
    X_CACHE_NOT_KNOWN,
)
"""The worst first, then what is worth knowing beside it."""
