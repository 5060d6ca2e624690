"""Incidents of which only papers are left: a response that somebody captured, or the hour's access logs.

It is over, or it is nothing that this machine can do: the origin is fine and the edge answers 200. What can still be
said, and what not, is in CloudFront's own words alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from cfrunbook.findings import Cause
from cfrunbook.functions.model import Kind
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.response import SENTENCES
from cfrunbook.lab.scenario import (
    VIEWER_HOST,
    Capture,
    Difficulty,
    Expected,
    FunctionResult,
    LogStory,
    OriginSetup,
    Scenario,
    Setup,
)
from cfrunbook.lab.servers import Closed, Http

_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_502: Final = _GUIDE + "http-502-bad-gateway.html"
_503: Final = _GUIDE + "http-503-service-unavailable.html"
_504: Final = _GUIDE + "http-504-gateway-timeout.html"
_FUNCTION_LOGS: Final = _GUIDE + "edge-functions-logs.html"
_ERRORS: Final = _GUIDE + "custom-error-pages-expiration.html"
_MASKING: Final = _GUIDE + "GeneratingCustomErrorResponses.html"
_STANDARD: Final = _GUIDE + "standard-logs-reference.html"
_HEADERS: Final = _GUIDE + "RequestAndResponseBehaviorCustomOrigin.html"

_ALB = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
_NGINX = _ALB.replace("</body>", "<hr><center>nginx/1.24.0</center>\r\n</body>")
_ALB_502, _NGINX_502 = _ALB.format("502 Bad Gateway"), _NGINX.format("502 Bad Gateway")


@dataclass(frozen=True, slots=True)
class Row:
    """One incident on paper."""

    name: str
    title: str
    ticket: str
    hint: str
    why: str
    expected: Expected
    response: Capture | None = None
    logs: LogStory | None = None
    page: str = _502
    difficulty: Difficulty = Difficulty.MEDIUM
    own_page: bool = False
    """The distribution has a page of its own for 502."""
    function: FunctionResult | None = None
    pager: str = ""
    """Empty: of today, or the log's."""


def _fault(code: str, status: int = 502) -> Expected:
    return Expected("fault", Cause(code.partition(".")[0]), code, status, frozenset({200}))


def _unknown(code: str, status: int | None = None) -> Expected:
    return Expected("unknown", Cause(code.partition(".")[0]), code, status, frozenset({200}))


_OK: Final = Expected("ok")
_LAST_NIGHT: Final = "03:40 PAGE  CloudFront errors for www.shop.example. Over by 03:52, before anybody was awake."
_TODAY: Final = "16:05 TICKET  Customers saw errors of www.shop.example this afternoon; here is what was kept."
_LOGGED: Final = "16:05 PAGE  CloudFront errors for www.shop.example within the last hour, says the log's alarm."

RESPONSES: Final = (
    Row(
        "capture-function-refused",
        "X-Cache says that a function's result was refused",
        "Ticket: a customer kept the response. The release of 03:38 was rolled back at 03:52. Which part was it?",
        "Read X-Cache, word by word.",
        "A release brings a function and other things, and all of it is rolled back together.",
        _fault("edge_function.refused_at_edge"),
        Capture(x_cache="LambdaValidationError"),
        page=_FUNCTION_LOGS,
        difficulty=Difficulty.EASY,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-function-failed",
        "X-Cache says that a function failed while it ran",
        "Ticket: the response is below, it is a 503. Was that the origin?",
        "Read X-Cache, word by word.",
        "A function threw for one kind of request that nobody had tried.",
        _fault("edge_function.failed_at_edge", 503),
        Capture(503, "FunctionExecutionError"),
        page=_FUNCTION_LOGS,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "capture-function-throttled",
        "X-Cache says that functions met a limit",
        "Ticket: the sale began at 03:40, and so did this. Is the origin too small?",
        "Read X-Cache: who was too busy?",
        "Lambda@Edge shares the account's limit of concurrent executions in each region.",
        _fault("edge_function.throttled_at_edge", 503),
        Capture(503, "LambdaLimitExceeded"),
        page=_503,
        difficulty=Difficulty.EASY,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-function-answered",
        "The 502 is what a function answered itself",
        "Ticket: the origin's log has not a single request at that time. Where did they go?",
        "Read X-Cache: who generated the response?",
        "A function answers in place of the origin, and for what it does not know it answers 502.",
        _fault("edge_function.answered_itself"),
        Capture(x_cache="LambdaGeneratedResponse", page="Bad Gateway\n"),
        page=_FUNCTION_LOGS,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-cannot-resolve",
        "The page says that CloudFront could not resolve the origin's name",
        "Ticket: DNS works, we looked it up at 09:00 and it is right. Here is the page of 03:44.",
        "What does the sentence on the page say?",
        "The name servers' outage was over before anybody looked.",
        _fault("dns.cloudfront_cannot_resolve"),
        Capture(sentence=SENTENCES["dns"]),
        page=_502 + "#dns-resolution-failure",
        difficulty=Difficulty.EASY,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-relayed",
        "The 502 is a load balancer's, and CloudFront passed it on",
        "Ticket: it must be CloudFront, since the customers see it there. The response is below.",
        "Who is named as Server, and who makes pages like this one?",
        "A load balancer says 502 where its target broke off; CloudFront only carries it.",
        _fault("origin_response.relayed"),
        Capture(page=_ALB_502, fields={"Server": "awselb/2.0"}),
        page="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html",
        difficulty=Difficulty.EASY,
    ),
    Row(
        "capture-page-recognised",
        "A page alone was kept: nginx made it, and whether it came through CloudFront does not show",
        "Ticket: a customer sent what was in the browser's window, saved as a file. Is that enough?",
        "What on the page is CloudFront's, and what is missing that would tell?",
        "Customers save pages, not header fields.",
        _unknown("origin_response.page_recognised", 502),
        Capture(page=_NGINX_502, has_head=False),
    ),
    Row(
        "capture-limit",
        "CloudFront met a limit of its own",
        "Ticket: a 503 with a name in X-Cache that nobody here knows. Whose is it?",
        "Read X-Cache: whose limit is it?",
        "Requests for one distribution have quotas, which can be raised.",
        _fault("cloudfront.limit", 503),
        Capture(503, "LimitExceeded"),
        page=_503,
    ),
    Row(
        "capture-could-not-connect",
        "The page says that CloudFront could not connect, and not why",
        "Ticket: so port 443 was closed, wasn't it? It is open now.",
        "To what else does CloudFront say that it could not connect?",
        "The sentence is the same for a refused port, a failed handshake and a bad certificate.",
        _unknown("cloudfront.could_not_connect", 502),
        Capture(sentence=SENTENCES["connect"]),
        difficulty=Difficulty.HARD,
    ),
    Row(
        "capture-page-without-reason",
        "CloudFront made the page, and it gives no reason",
        "Ticket: this is the whole response, with its page. What does it say?",
        "Which sentence on the page is about this error, and not about errors?",
        "Since January 2026 CloudFront's pages have no reason.",
        _unknown("cloudfront.page_without_reason", 502),
        Capture(),
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-page-not-captured",
        "CloudFront made the response, and its page was not kept",
        "Ticket: monitoring keeps header fields only. Is that enough?",
        "Who is named as Server?",
        "Probes ask with HEAD, or throw the body away.",
        _unknown("cloudfront.page_not_captured", 502),
        Capture(page="", fields={"Server": "CloudFront", "Content-Length": ""}),
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-sentence-not-known",
        "CloudFront's page gives a reason that is not known here",
        "Ticket: the page has a sentence that we never saw. What does it mean?",
        "Who made the page is one question, what its sentence means another.",
        "AWS changes its pages without notice.",
        _unknown("cloudfront.sentence_not_known", 502),
        Capture(sentence="The origin is on holiday."),
        difficulty=Difficulty.HARD,
    ),
    Row(
        "capture-timeout",
        "CloudFront waited for the origin in vain: 504, and no 502",
        "Ticket: somebody said 502. The response is below.",
        "Read the status.",
        "People say 502 for all errors of CloudFront.",
        _unknown("cloudfront.timeout", 504),
        Capture(504),
        page=_504,
        difficulty=Difficulty.EASY,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-unavailable",
        "CloudFront made a 503 itself, which is no 502",
        "Ticket: somebody said 502. The response is below.",
        "Read the status.",
        "People say 502 for all errors of CloudFront.",
        _unknown("cloudfront.unavailable", 503),
        Capture(503),
        page=_503,
        difficulty=Difficulty.EASY,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-error-masked",
        "A page with 200 hides an error",
        "Ticket: it says 200 and looks like our page for errors. Was there an error at all?",
        "What does X-Cache say of this 200?",
        "A custom error response with the status 200 hides errors from monitoring too.",
        _unknown("cloudfront.error_masked"),
        Capture(200, page="<h1>Sorry</h1>\n", fields={"Server": "AmazonS3"}),
        page=_MASKING,
    ),
    Row(
        "capture-maker-not-known",
        "Nothing tells who made the 502",
        "Ticket: the response has no page and no Server. Who made it?",
        "Which fields would tell, and are they there?",
        "Applications answer 502 without a word, and so might anybody on the way.",
        _unknown("cloudfront.maker_not_known", 502),
        Capture(page="", fields={"Content-Length": "0"}),
        difficulty=Difficulty.HARD,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-not-from-cloudfront",
        "The response did not come through CloudFront",
        "Ticket: a developer captured this one. Same error, isn't it?",
        "Which fields does CloudFront add to everything?",
        "The developer's hosts file still points to the origin.",
        _unknown("cloudfront.not_from_cloudfront"),
        Capture(
            page=_NGINX_502,
            fields={"X-Cache": "", "Via": "", "X-Amz-Cf-Pop": "", "X-Amz-Cf-Id": "", "Server": "nginx/1.24.0"},
        ),
    ),
    Row(
        "capture-proxy-answered",
        "A proxy on the viewer's side answered",
        "Ticket: from the office it fails, from home it works. The developer's curl -v is below.",
        "To which request is this the answer?",
        "The company's proxy could not get out, and says so with 502.",
        _unknown("cloudfront.proxy_answered"),
        Capture(
            page="",
            fields={"X-Cache": "", "Via": "", "X-Amz-Cf-Pop": "", "X-Amz-Cf-Id": "", "Content-Type": ""},
            asked="CONNECT www.shop.example:443 HTTP/1.1\nHost: www.shop.example:443",
        ),
    ),
    Row(
        "capture-request-refused",
        "CloudFront refused the request: 403, and no 502",
        "Ticket: a customer cannot get in and sent this. Same incident?",
        "Read the status and the sentence.",
        "A firewall rule or a country setting refuses requests before any origin is asked.",
        _OK,
        Capture(403, sentence="Request blocked.", fields={"Server": "CloudFront"}),
        difficulty=Difficulty.EASY,
    ),
    Row(
        "capture-other-error",
        "The response is a 404, which is no 502",
        "Ticket: a customer sent this. Same incident?",
        "Read the status.",
        "During an incident everything is sent to the incident's channel.",
        _OK,
        Capture(404, page="gone\n", fields={"Server": "nginx"}),
        difficulty=Difficulty.EASY,
    ),
    Row(
        "capture-fine",
        "The response is no error",
        "Ticket: I was asked for a response, here is one.",
        "Read the status.",
        "By the time that somebody asks, it works again.",
        _OK,
        Capture(200, "Miss", page="<h1>Shop</h1>\n"),
        difficulty=Difficulty.EASY,
    ),
    Row(
        "capture-own-page",
        "Viewers get the distribution's own page for errors, which tells nothing",
        "Ticket: the page is ours. So the error is ours, too?",
        "Who sends that page, and in place of what?",
        "A page of one's own looks better, and hides what CloudFront would say.",
        _unknown("cloudfront.custom_error_page", 502),
        Capture(page="<h1>Sorry</h1>\n", fields={"Server": "AmazonS3"}),
        page=_MASKING,
        own_page=True,
    ),
    Row(
        "result-at-no-event",
        "A function's result was captured, and nobody said when it runs",
        "Ticket: here is what the function returned. Would CloudFront use it?",
        "When does the function run, and what may it change then?",
        "What is right at one event is refused at another.",
        Expected("unknown", Cause.EDGE_FUNCTION, "edge_function.cloudfront_function.not_compared"),
        function=FunctionResult(Kind.CLOUDFRONT_FUNCTION, None, b'{"method": "GET", "uri": "/"}\n'),
        page=_FUNCTION_LOGS,
    ),
    Row(
        "capture-error-cached",
        "The error came from CloudFront's cache, after the origin was mended",
        "Ticket: the certificate was replaced at 03:50, and this is of 03:50 and some seconds. So it did not help?",
        "How old is the response?",
        "CloudFront goes on serving an error for ten seconds, or as long as the distribution says.",
        _unknown("cloudfront.page_without_reason", 502),
        Capture(fields={"Age": "7"}),
        page=_ERRORS,
        pager=_LAST_NIGHT,
    ),
    Row(
        "capture-chained",
        "The response went through two distributions",
        "Ticket: our own log has 502 with no reason, and our origin is fine. Who else is there?",
        "Count the hops in Via.",
        "A vendor's service is behind CloudFront itself.",
        _unknown("cloudfront.page_without_reason", 502),
        Capture(
            fields={"Via": "1.1 aaaaaaaaaaaa.cloudfront.net (CloudFront), 1.1 bbbbbbbbbbbb.cloudfront.net (CloudFront)"}
        ),
        page=_HEADERS,
    ),
    Row(
        "capture-x-cache-not-known",
        "X-Cache has a value that is not known here",
        "Ticket: what does this X-Cache mean? The guide has no such value.",
        "What of the response can be told without it?",
        "AWS adds values without notice.",
        _unknown("cloudfront.page_without_reason", 502),
        Capture(x_cache="MoonError"),
        page=_HEADERS,
    ),
)

_C = LogStory("OriginConnectError", 502, (0.004, 0.18))
LOGS: Final = (
    Row(
        "logs-function-failed",
        "The log says that a function failed while it ran",
        "Ticket: 503, not 502. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "A function throws where the request lacks what it expects.",
        _fault("edge_function.logged_failed", 503),
        logs=LogStory("LambdaExecutionError", 503, (0.002, 0.06)),
        page=_FUNCTION_LOGS,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-function-throttled",
        "The log says that functions met a limit",
        "Ticket: it came with the sale. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "Concurrent executions have a limit in each region.",
        _fault("edge_function.logged_throttled", 503),
        logs=LogStory("FunctionThrottledError", 503, (0.002, 0.06)),
        page=_503,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-invalid-answer",
        "The log says that the origin's answer is not valid HTTP",
        "Ticket: every health check was green. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "One of many servers got another release, and its framework writes a field that no parser takes.",
        _fault("origin_response.logged_invalid"),
        logs=LogStory("OriginInvalidResponseError", 502, (0.02, 0.3)),
        page=_STANDARD,
    ),
    Row(
        "logs-header-too-big",
        "The log says that a header of the origin's answer is too big",
        "Ticket: single customers, always the same ones. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "Cookies that grow with each visit, until the header is over CloudFront's limit.",
        _fault("origin_response.logged_header_too_big"),
        logs=LogStory("OriginHeaderTooBigError", 502, (0.02, 0.3)),
        page=_STANDARD,
    ),
    Row(
        "logs-write-failed",
        "The log says that the origin hung up while CloudFront was still sending",
        "Ticket: uploads, says support. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "The server has a limit for bodies, and closes instead of answering 413.",
        _fault("origin_response.logged_write_failed"),
        logs=LogStory("OriginWriteError", 502, (0.02, 0.3), methods=("POST",)),
        page=_STANDARD,
    ),
    Row(
        "logs-range",
        "The log says that the length of a range does not agree",
        "Ticket: videos stop, pages are fine. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "The file was replaced while it was being read, or a proxy counts wrong.",
        _fault("origin_response.logged_range"),
        logs=LogStory("OriginContentRangeLengthError", 502, (0.02, 0.3)),
        page=_STANDARD,
    ),
    Row(
        "logs-empty-object",
        "The log says that an empty object led to the error",
        "Ticket: it began with the deployment of half past three. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "A deployment was broken off and left files of no bytes.",
        _fault("origin_response.logged_empty_object"),
        logs=LogStory("OriginZeroSizeObjectError", 502, (0.02, 0.3)),
        page=_STANDARD,
    ),
    Row(
        "logs-limit",
        "The log says that CloudFront met a limit of its own",
        "Ticket: 503 for some seconds, again and again. The hour's logs are there.",
        "Read x-edge-detailed-result-type of what failed.",
        "Requests for one distribution have quotas, which can be raised.",
        _fault("cloudfront.logged_limit", 503),
        logs=LogStory("LimitExceeded", 503, (0.002, 0.06)),
        page=_503,
    ),
    Row(
        "logs-communication",
        "The log says that an exchange did not come to its end",
        "Ticket: who hung up, CloudFront or we? The hour's logs are there.",
        "Which stages does this type leave open?",
        "The type is the same for a handshake that hangs and for an answer that breaks off.",
        _unknown("cloudfront.logged_communication_failed", 502),
        logs=LogStory("OriginCommError", 502, (0.05, 2.0)),
        page=_STANDARD,
        difficulty=Difficulty.HARD,
    ),
    Row(
        "logs-unspecific",
        "The log says that the origin is concerned, and no more",
        "Ticket: a type that we never saw. The hour's logs are there.",
        "What does the type say, and what not?",
        "Some types are about rare ends of a connection.",
        _unknown("cloudfront.logged_unspecific", 502),
        logs=LogStory("AbortedOrigin", 502, (0.05, 2.0)),
        page=_STANDARD,
        difficulty=Difficulty.HARD,
    ),
    Row(
        "logs-value-not-known",
        "The log has a type that is not known here",
        "Ticket: the guide has no such type. The hour's logs are there.",
        "What can be told without it: when, where, how long?",
        "AWS adds types without notice.",
        _unknown("cloudfront.logged_value_not_known", 502),
        logs=LogStory("OriginMoonError", 502, (0.05, 2.0)),
        page=_STANDARD,
        difficulty=Difficulty.HARD,
    ),
    Row(
        "logs-of-2014",
        "The logs have no detailed type: they are of the old form",
        "Ticket: logs are there, from the archive's tool. What do they say?",
        "Which columns are there, and which is missing that would tell?",
        "Tools that were written in 2014 still keep the columns of 2014.",
        _unknown("cloudfront.logged_without_type", 502),
        logs=replace(_C, columns=19),
        page=_STANDARD,
        difficulty=Difficulty.HARD,
        pager=_TODAY,
    ),
    Row(
        "logs-only-repeats",
        "Of the errors the log has only repeats from CloudFront's cache",
        "Ticket: the detailed type is Error, everywhere. What does that say?",
        "Where does a response come from whose detailed type is just Error?",
        "The log begins after the first failure, or was cut at the hour.",
        _unknown("cloudfront.logged_only_repeats", 502),
        logs=replace(_C, are_repeats=True),
        page=_ERRORS,
        difficulty=Difficulty.HARD,
    ),
    Row(
        "logs-of-other-hosts",
        "The logs are of another host",
        "Ticket: these are the logs that operations sent. There are errors in them, so that is it?",
        "Whose requests are these?",
        "Operations sent the folder next to the one that was asked for.",
        _OK,
        logs=replace(_C, hosts=("www.other.example",)),
        page=_STANDARD,
        pager=_TODAY,
    ),
    Row(
        "logs-not-whole",
        "Some lines of the logs are cut off",
        "Ticket: the disk was full for a while. What is left of the logs is there.",
        "How much of the logs can be used?",
        "A download broke off, or a disk was full.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), unreadable=50),
        page=_STANDARD,
    ),
    Row(
        "logs-empty",
        "The logs hold no request",
        "Ticket: the logs are there and say nothing. So nothing happened?",
        "How many requests are in them?",
        "Logs come up to a day late, and the first files are often empty.",
        _OK,
        logs=LogStory(is_empty=True),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
        pager=_TODAY,
    ),
    Row(
        "logs-end-earlier",
        "The logs end long before the moment in question",
        "Ticket: it goes on right now. Here are the logs that have come so far.",
        "When does the log end?",
        "CloudFront delivers standard logs within an hour, and up to 24 hours late.",
        _fault("dns.logged_cannot_resolve"),
        response=Capture(),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), earlier=600),
        page=_STANDARD,
    ),
    Row(
        "logs-masked",
        "Requests failed like a 502 and were answered 200",
        "Ticket: monitoring counts 5xx and saw none. Customers saw the page for errors.",
        "Compare sc-status with the detailed type.",
        "A custom error response with the status 200 hides errors from monitoring too.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 200, (0.05, 0.4)),
        page=_MASKING,
        pager=_TODAY,
    ),
    Row(
        "logs-beside",
        "There are 504 beside the 502, of another cause",
        "Ticket: some say 502, some say 504. The hour's logs are there.",
        "Take each status by itself.",
        "A name server failed, and what was resolved came to a server that was too busy.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory(
            "OriginDnsError",
            502,
            (0.05, 0.4),
            methods=("GET",),
            beside=LogStory("OriginCommError", 504, (30.0, 30.1), methods=("POST",)),
        ),
        page=_STANDARD,
        difficulty=Difficulty.HARD,
    ),
    Row(
        "logs-burst-and-over",
        "A burst that is over",
        "Ticket: did it begin with the deployment, and is it over? The hour's logs are there.",
        "When was the first one, and when the last?",
        "A name server was restarted.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), began=45, ended=40),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-steady",
        "It fails all the time, for a part of the requests",
        "Ticket: since when? The hour's logs are there.",
        "Is there a beginning in the log?",
        "One of several name servers gives the wrong answer, for weeks.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), share=0.15, began=60),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-one-location",
        "Only one edge location is concerned",
        "Ticket: it is said to be Tokyo. Is it? The hour's logs are there.",
        "Count by x-edge-location.",
        "A firewall before the name servers knows some of the world only.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), began=60, pops=("NRT57-P2",)),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-one-host",
        "Only one host is concerned",
        "Ticket: two names lead to this distribution. Which one failed? The hour's logs are there.",
        "Count by x-host-header.",
        "Each name has an origin of its own, chosen by a function.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), began=60, hosts=("shop.example", VIEWER_HOST)),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-one-path",
        "Only one path is concerned",
        "Ticket: which page is it? The hour's logs are there.",
        "Count by cs-uri-stem.",
        "A path has a behavior of its own, and that an origin.",
        _fault("dns.logged_cannot_resolve"),
        logs=LogStory("OriginDnsError", 502, (0.05, 0.4), began=60, paths=("/cart",)),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-one-method",
        "Only one method is concerned",
        "Ticket: reading works and buying does not. The hour's logs are there.",
        "Count by cs-method.",
        "In an origin group only reading fails over to the standby.",
        _fault("origin_response.logged_read_failed"),
        logs=LogStory("OriginReadError", 502, (0.02, 0.3), began=60, methods=("POST",)),
        page=_STANDARD,
        difficulty=Difficulty.EASY,
    ),
    Row(
        "logs-by-the-clock",
        "It fails by the clock",
        "Ticket: one request at a time, all day. The hour's logs are there.",
        "How much time is between one failure and the next?",
        "Every five minutes a job restarts something.",
        _fault("origin_response.logged_read_failed"),
        logs=LogStory("OriginReadError", 502, (0.02, 0.3), every=300),
        page=_STANDARD,
    ),
)


def _own_page(document: dict[str, Any]) -> None:
    response = {"ErrorCode": 502, "ResponseCode": "502", "ResponsePagePath": "/sorry.html", "ErrorCachingMinTTL": 10}
    document["Distribution"]["DistributionConfig"]["CustomErrorResponses"] = {"Quantity": 1, "Items": [response]}


def _scenario(row: Row) -> Scenario:
    def set_up(_: Authority) -> Setup:
        shop = OriginSetup(({80: Http(), 443: Closed()},), protocol_policy="http-only")
        return Setup(
            shop,
            response=row.response,
            logs=row.logs,
            revise=_own_page if row.own_page else None,
            function_result=row.function,
            is_given=row.function is None,
        )

    return Scenario(
        name=row.name,
        title=row.title,
        story=(row.pager or (_LOGGED if row.logs else _TODAY), row.ticket),
        difficulty=row.difficulty,
        expected=row.expected,
        hints=(
            "Whatever the origin does by now, CloudFront's own words are of then.",
            "Look at what was kept before you look at what is up.",
            row.hint,
        ),
        why_in_real_life=row.why,
        page=row.page,
        set_up=set_up,
        has_logs=row.logs is not None,
        on_paper=True,
    )


SCENARIOS = tuple(map(_scenario, (*RESPONSES, *LOGS)))
