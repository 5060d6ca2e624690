"""Origins whose own answer is the error, or is none that CloudFront can use; and answers that are odd and pass."""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Closed, Http, Reply, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_ALB_PAGE = _GUIDE + "http-502-bad-gateway.html#cloudfront-alb-502-error"
_STATUS_CODES_PAGE = _GUIDE + "HTTPStatusCodes.html"
_LOG_PAGE = _GUIDE + "standard-logs-reference.html"
_LIMITS_PAGE = _GUIDE + "cloudfront-limits.html"
_BEHAVIOR_PAGE = _GUIDE + "RequestAndResponseBehaviorCustomOrigin.html"
_TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
_KEEP_ALIVE_PAGE = _GUIDE + "DownloadDistValuesOrigin.html#DownloadDistValuesOriginKeepaliveTimeout"

_ALB_ANSWER = (
    b"HTTP/1.1 502 Bad Gateway\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\nContent-Length: 122\r\n"
    b"Connection: close\r\n\r\n<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
_NGINX_ANSWER = (
    b"HTTP/1.1 504 Gateway Time-out\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 160\r\n"
    b"Connection: close\r\n\r\n<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"
    b"<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_SHOP = b"HTTP/1.1 200 OK\r\nServer: lab-origin\r\nConnection: close\r\n"
_PAGE = b"<h1>Shop</h1>\n"
_SETTINGS = bytes.fromhex("000000040000000000")  # HTTP/2: an empty SETTINGS frame
_GOAWAY = bytes.fromhex("0000080700000000000000000000000001")  # and GOAWAY, PROTOCOL_ERROR


def _answers_502(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(status=502), 443: Closed()},), protocol_policy="http-only"))


def _chain(authority: Authority) -> Chain:
    return Chain((authority.leaf(ORIGIN), authority.intermediate))


def _replies(authority: Authority, sent: bytes, *, keeps: bool = False) -> Setup:
    """Return a healthy origin whose answer to every request is `sent`."""
    return Setup(web(Tls(_chain(authority), reply=Reply(sent, "keeps" if keeps else "closes"))))


def _cookies(number: int) -> bytes:
    return b"".join(b"Set-Cookie: item%d=%s\r\n" % (n, b"x" * 1000) for n in range(number))


def _alb(authority: Authority) -> Setup:
    return _replies(authority, _ALB_ANSWER)


def _nginx(authority: Authority) -> Setup:
    return _replies(authority, _NGINX_ANSWER)


def _empty(authority: Authority) -> Setup:
    return _replies(authority, b"")


def _cut_off(authority: Authority) -> Setup:
    return _replies(authority, _SHOP + b"Content-Ty")


def _too_slow(authority: Authority) -> Setup:
    return _replies(authority, b"", keeps=True)


def _http2(authority: Authority) -> Setup:
    return _replies(authority, _SETTINGS + _GOAWAY)


def _not_http(authority: Authority) -> Setup:
    return _replies(authority, b"SSH-2.0-OpenSSH_9.9\r\n")


def _too_many_cookies(authority: Authority) -> Setup:
    return _replies(authority, _SHOP + _cookies(40) + b"Content-Length: 14\r\n\r\n" + _PAGE)


def _many_cookies(authority: Authority) -> Setup:
    return _replies(authority, _SHOP + _cookies(24) + b"Content-Length: 14\r\n\r\n" + _PAGE)


def _two_lengths(authority: Authority) -> Setup:
    return _replies(authority, _SHOP + b"Content-Length: 14\r\nContent-Length: 15\r\n\r\n" + _PAGE)


def _half_a_page(authority: Authority) -> Setup:
    return _replies(authority, _SHOP + b"Content-Length: 28\r\n\r\n" + _PAGE)


def _closes_idle(authority: Authority) -> Setup:
    return Setup(web(Tls(_chain(authority), keep_alive=0.25)), keep_alive=True)


def _fault(code: str, cloudfront_status: int = 502) -> Expected:
    return Expected(
        status="fault",
        cause=Cause.ORIGIN_RESPONSE,
        code=f"origin_response.{code}",
        cloudfront_status=cloudfront_status,
    )


SCENARIOS = (
    Scenario(
        name="http-only-answers-502",
        title="The origin's own proxy answers 502",
        story=(
            "16:45 PAGE  CloudFront 502 for www.shop.example since the deployment of the application.",
            "Ticket: the origin's port is open and its web server runs. So it is CloudFront, isn't it?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(
            status="fault",
            cause=Cause.ORIGIN_RESPONSE,
            code="origin_response.origin_status",
            cloudfront_status=502,
        ),
        hints=(
            "An open port says nothing about the application behind it.",
            "Ask the origin itself, as CloudFront does, and read the first line of the answer.",
            "Who made that answer: CloudFront, the web server, or what stands behind it?",
        ),
        why_in_real_life=(
            "nginx or a load balancer cannot reach its upstream and says 502 by itself. CloudFront passes it on, and "
            "it looks like one of its own."
        ),
        page=_ALB_PAGE,
        set_up=_answers_502,
    ),
    Scenario(
        name="response-alb-502",
        title="The origin's load balancer answers 502",
        story=(
            "11:20 PAGE  CloudFront 502 for www.shop.example, from the moment the new version took traffic.",
            "Ticket: the load balancer is up, its certificate is fine, its port is open.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("origin_status"),
        hints=(
            "A load balancer that is up need not have anybody behind it.",
            "Ask it for the failing URL as CloudFront does, and read the whole header of the answer.",
            "Which field of the answer names its maker?",
        ),
        why_in_real_life=(
            "An Application Load Balancer gets no usable answer from its targets and says 502 by itself, with "
            "Server: awselb/2.0. CloudFront passes it on."
        ),
        page=_ALB_PAGE,
        set_up=_alb,
        has_logs=True,
    ),
    Scenario(
        name="response-nginx-504",
        title="The origin's nginx gives up on its upstream",
        story=(
            "09:40 PAGE  CloudFront 504 for www.shop.example/cart; other pages are fine.",
            "Ticket: the response timeout of the origin is 30 s, and the error comes after 10 s.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("origin_status", 504),
        hints=(
            "Whose patience is 10 s?",
            "Read the body of the error page.",
            "CloudFront's pages do not name nginx.",
        ),
        why_in_real_life=(
            "proxy_read_timeout is shorter than CloudFront's response timeout: the 504 is nginx's, and CloudFront "
            "only relays it."
        ),
        page=_STATUS_CODES_PAGE,
        set_up=_nginx,
    ),
    Scenario(
        name="response-empty",
        title="The origin takes the request and hangs up",
        story=(
            "14:05 PAGE  CloudFront 502 for www.shop.example; openssl s_client says that everything is fine.",
            "Ticket: certificate, chain and protocols were checked twice.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("empty"),
        hints=(
            "A handshake is not an answer.",
            "Send a request after the handshake.",
            "What is in the web server's log at that second?",
        ),
        why_in_real_life=(
            "A worker that crashes or is killed on the first request, or a filter that drops requests it does not "
            "like without a word."
        ),
        page=_LOG_PAGE,
        set_up=_empty,
    ),
    Scenario(
        name="response-cut-off",
        title="The origin hangs up in the middle of the header",
        story=(
            "17:30 PAGE  CloudFront 502 for www.shop.example since the change of the session library.",
            "Ticket: the application's log says that it answered.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("cut_off"),
        hints=(
            "The application answered; did the answer arrive?",
            "Look at the answer byte by byte.",
            "Which line of the header is the last one, and is it whole?",
        ),
        why_in_real_life=("The process dies, or a proxy runs into a limit, while the header is being written."),
        page=_LOG_PAGE,
        set_up=_cut_off,
        has_logs=True,
    ),
    Scenario(
        name="response-too-slow",
        title="The origin takes the request and never answers",
        story=(
            "12:15 PAGE  CloudFront 504 for www.shop.example/cart.",
            "Ticket: the origin's port is open and TLS works; the database was moved at noon.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(
            status="unknown",
            cause=Cause.ORIGIN_RESPONSE,
            code="origin_response.too_slow",
            edge=frozenset({504}),
        ),
        hints=(
            "502 and 504 are different questions.",
            "How long does CloudFront wait, and how long did you?",
            "Ask the origin directly and wait longer than the response timeout.",
        ),
        why_in_real_life=(
            "The application waits for something that does not come: a database, a lock, another service."
        ),
        page=_TIMEOUT_PAGE,
        set_up=_too_slow,
    ),
    Scenario(
        name="response-http2-only",
        title="The origin speaks HTTP/2 only",
        story=(
            "10:10 PAGE  CloudFront 502 for www.shop.example since the new ingress.",
            "Ticket: every browser shows the origin's page.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("http2"),
        hints=(
            "What do browsers negotiate that CloudFront does not?",
            "CloudFront speaks HTTP/1.1 to origins. Do the same.",
            "Ask with curl --http1.1 --no-alpn and look at the first bytes.",
        ),
        why_in_real_life=(
            "A server that takes HTTP/2 for granted within TLS, without looking at ALPN: gRPC servers and some "
            "ingresses."
        ),
        page=_BEHAVIOR_PAGE,
        set_up=_http2,
    ),
    Scenario(
        name="response-not-http",
        title="Another service answers within TLS",
        story=(
            "21:55 PAGE  CloudFront 502 for www.shop.example after the change of the TLS tunnel.",
            "Ticket: port 443 speaks TLS with the right certificate. The web server's log shows nothing.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("not_http"),
        hints=(
            "TLS says nothing about what is inside.",
            "Shake hands, then wait a moment before you say anything.",
            "Who speaks first within the tunnel?",
        ),
        why_in_real_life=(
            "A TLS tunnel or load balancer in TCP mode ends TLS and hands the connection to the wrong backend."
        ),
        page=_LOG_PAGE,
        set_up=_not_http,
    ),
    Scenario(
        name="response-header-too-large",
        title="The origin's header is larger than CloudFront takes",
        story=(
            "16:20 PAGE  CloudFront 502 for www.shop.example, for customers with full carts only.",
            "Ticket: the origin answers 200 to everybody.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("header_too_large"),
        hints=(
            "What does a full cart change in the answer?",
            "Measure the answer's header.",
            "What is CloudFront's quota for it?",
        ),
        why_in_real_life=("State is kept in cookies, and every item sets one more."),
        page=_LIMITS_PAGE,
        set_up=_too_many_cookies,
    ),
    Scenario(
        name="response-two-lengths",
        title="The origin gives two different lengths",
        story=(
            "13:50 PAGE  CloudFront 502 for www.shop.example since the compression module.",
            "Ticket: browsers show the origin's page.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("malformed"),
        hints=(
            "Browsers forgive much.",
            "Read the answer's header line by line.",
            "How long is the body, according to which line?",
        ),
        why_in_real_life=("Two layers each add their own Content-Length, one before and one after changing the body."),
        page=_BEHAVIOR_PAGE,
        set_up=_two_lengths,
    ),
    Scenario(
        name="response-half-a-page",
        title="The origin hangs up in the middle of the page",
        story=(
            "19:05 MAIL  Customers see half a page at www.shop.example.",
            "Ticket: no 502 in the log, all 200.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "What would CloudFront do with a page whose end is missing?",
            "Compare Content-Length with what comes.",
            "Why is nothing cached?",
        ),
        why_in_real_life=("A worker is killed while it sends: CloudFront has passed on the status long before."),
        page=_BEHAVIOR_PAGE,
        set_up=_half_a_page,
    ),
    Scenario(
        name="healthy-many-cookies",
        title="The origin's header is large, and still passes",
        story=(
            "08:45 MAIL  Is it a problem that www.shop.example sets so many cookies?",
            "Ticket: no complaints so far.",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "How large is the header?",
            "What is the quota today, and what was it?",
            "How much is left?",
        ),
        why_in_real_life=("Headers grow by a cookie at a time, until the day on which they are too large."),
        page=_LIMITS_PAGE,
        set_up=_many_cookies,
    ),
    Scenario(
        name="port-keep-alive-short",
        title="The origin closes idle connections sooner than CloudFront",
        story=(
            "03:30 PAGE  A 502 for www.shop.example now and then, at night more than by day.",
            "Ticket: a second try always works.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "What is different at night?",
            "Connections are reused. Who closes an idle one first?",
            "Compare the server's keep-alive time with the origin's keep-alive timeout in CloudFront.",
        ),
        why_in_real_life=(
            "A Node.js server keeps idle connections for 5 s, as long as CloudFront does: a request that is on its "
            "way meanwhile gets no answer."
        ),
        page=_KEEP_ALIVE_PAGE,
        set_up=_closes_idle,
    ),
)
