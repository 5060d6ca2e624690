"""Who made an origin's own 502, 503 or 504: load balancers, gateways and proxies, what they mean by it, where to look.

Recognised by header fields and by the page that a product sends as it is installed. Each has the causes that its own
documentation lists. Templates in the steps are over the finding's data.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.evidence import Exchange
from cfrunbook.findings import Step

_ALB_PAGE = (
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html"
    "#http-502-issues"
)


class Gateway(msgspec.Struct, frozen=True):
    """Something that stands before an application and answers for it when the application does not."""

    key: str
    title: str
    """For a sentence: `an Application Load Balancer`."""
    steps: tuple[Step, ...]
    source: str


ALB = Gateway(
    "alb",
    "an Application Load Balancer, not its target",
    (
        Step(
            text="Tell its own errors from those of the targets: HTTPCode_ELB_502_Count (503, 504) against"
            " HTTPCode_Target_5XX_Count, and error_reason and target_status_code in its access log.",
            command="aws cloudwatch get-metric-statistics --namespace AWS/ApplicationELB --metric-name"
            ' HTTPCode_ELB_502_Count --dimensions "Name=LoadBalancer,Value=$LOAD_BALANCER" --statistics Sum --period 60'
            ' --start-time "$FROM" --end-time "$TO"',
        ),
        Step(
            text="502, targets closed or refused: a target reset the connection or closed it with a request"
            " outstanding. Its keep-alive must be longer than the load balancer's idle timeout (60 s by default).",
            command='aws elbv2 describe-load-balancer-attributes --load-balancer-arn "$LOAD_BALANCER_ARN"'
            " --query \"Attributes[?Key=='idle_timeout.timeout_seconds']\"",
        ),
        Step(
            text="502 or 503, no healthy target, or a target being deregistered longer than its delay: see why the"
            " health check fails, and that the target's security group lets the load balancer in.",
            command='aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP_ARN"',
        ),
        Step(text="502, answer refused: the target's answer is malformed, or its header is larger than 32 K."),
        Step(text="502, TLS to the target: the handshake fails or takes longer than 10 s."),
        Step(
            text="502, Lambda function as target: its answer is larger than 1 MB or not in the documented form, it"
            " failed, was throttled or did not answer in time."
        ),
        Step(text="504: the target does not accept within 10 s, or does not answer within the idle timeout."),
    ),
    _ALB_PAGE,
)
API_GATEWAY = Gateway(
    "api_gateway",
    "Amazon API Gateway",
    (
        Step(
            text="Lambda proxy integration: the function must return statusCode, headers and a body that is a string"
            ' (JSON.stringify). The execution log says "Malformed Lambda proxy response" where it did not.',
            command='aws logs filter-log-events --log-group-name "API-Gateway-Execution-Logs_$API_ID/$STAGE"'
            " --filter-pattern '\"Execution failed\"'",
        ),
        Step(
            text="The function failed, was throttled, or API Gateway may not invoke it: read the function's log, and"
            " its resource policy.",
            command='aws lambda get-policy --function-name "$FUNCTION"',
        ),
        Step(
            text="504: the integration took longer than its timeout (29 s unless raised). 503: the backend is"
            " overloaded or out of order."
        ),
    ),
    "https://repost.aws/knowledge-center/malformed-502-api-gateway",
)
FUNCTION_URL = Gateway(
    "function_url",
    "a Lambda function URL",
    (
        Step(
            text="The function failed, or returned what is no HTTP answer: read its log at that time; the metric"
            " Url5xxCount counts these.",
            command='aws logs tail "/aws/lambda/$FUNCTION" --since 15m',
        ),
    ),
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html",
)
CLOUDFRONT = Gateway(
    "cloudfront",
    "another CloudFront distribution, which is this one's origin",
    (Step(text="Examine that distribution by itself: its origin is what fails. No more than two may be chained."),),
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html",
)
NGINX = Gateway(
    "nginx",
    "nginx, for the upstream behind it",
    (
        Step(
            text="Its error log names the upstream and the reason: connect() failed (refused), no live upstreams,"
            " upstream prematurely closed, upstream sent too big header, upstream timed out (504).",
            command="grep upstream /var/log/nginx/error.log | tail -n 20",
        ),
        Step(
            text="See that the upstream listens where proxy_pass or fastcgi_pass says; on SELinux, that nginx may"
            " connect (httpd_can_network_connect).",
            command="nginx -T | grep -nE 'proxy_pass|fastcgi_pass|uwsgi_pass|upstream'; ss -ltnp",
        ),
        Step(
            text="Where it says too big header, give it room.",
            command="proxy_buffer_size 16k;\nproxy_buffers 8 16k;",
        ),
    ),
    "https://nginx.org/en/docs/http/ngx_http_upstream_module.html",
)
APACHE = Gateway(
    "apache",
    "Apache httpd, for the backend behind it",
    (
        Step(
            text="Its error log names the backend and the reason: AH01114 (cannot connect), AH00898 and AH01102 (error"
            " reading from it), AH01110.",
            command="grep -E 'proxy|AH0' /var/log/apache2/error.log | tail -n 20",
        ),
        Step(
            text="See that the backend listens where ProxyPass says, and how long ProxyTimeout is.", command="ss -ltnp"
        ),
    ),
    "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html",
)
HAPROXY = Gateway(
    "haproxy",
    "HAProxy, for the server behind it",
    (
        Step(
            text="Its log has a termination state: SC-- cannot connect, SH-- closed or invalid header, sH-- timeout"
            " (504), <NOSRV> no server up (503).",
            command="journalctl -u haproxy -n 50 --no-pager",
        ),
    ),
    "https://docs.haproxy.org/3.0/configuration.html#8.5",
)
CADDY = Gateway(
    "caddy",
    "Caddy, for the upstream behind reverse_proxy",
    (
        Step(
            text="Its log has the reason: dial tcp … connection refused, no upstreams available, x509 errors.",
            command="journalctl -u caddy -n 50 --no-pager",
        ),
    ),
    "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy",
)
ENVOY = Gateway(
    "envoy",
    "Envoy (a service mesh or ingress)",
    (
        Step(
            text="Its access log has response flags: UF cannot connect, UH no healthy upstream, UC connection ended,"
            " UT timeout, NR no route, UPE protocol error."
        ),
    ),
    "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
)
IIS = Gateway(
    "iis",
    "IIS",
    (
        Step(
            text="Application pool stopped (503), or Application Request Routing cannot reach the server farm (502.3,"
            " 502.4): the substatus is in the IIS log, in sc-substatus and sc-win32-status."
        ),
    ),
    "https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/iis/health-diagnostic-performance/http-status-code",
)
VARNISH = Gateway(
    "varnish",
    "Varnish",
    (
        Step(
            text="Backend fetch failed: its log says why.",
            command="varnishlog -g request -q 'BerespStatus >= 500 or FetchError'",
        ),
    ),
    "https://varnish-cache.org/docs/trunk/users-guide/troubleshooting.html",
)
CLOUDFLARE = Gateway(
    "cloudflare",
    "Cloudflare, which stands before the origin",
    (Step(text="Examine the server behind it by its own address, and look at Cloudflare's analytics for that time."),),
    "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/",
)
UNKNOWN = Gateway(
    "",
    "",
    (
        Step(
            text="Look at the log of the origin for the time of the request: a proxy or load balancer that answers"
            " {answered} says there which upstream failed, and how."
        ),
        Step(
            text="An Application Load Balancer says so itself with Server: awselb/2.0. Its metric"
            " HTTPCode_ELB_5XX_Count counts its own errors, HTTPCode_Target_5XX_Count those of the targets: "
            + _ALB_PAGE
        ),
    ),
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html",
)
GATEWAYS = (
    *(ALB, API_GATEWAY, FUNCTION_URL, CLOUDFRONT, NGINX, APACHE, HAPROXY, CADDY, ENVOY, IIS, VARNISH),
    *(CLOUDFLARE, UNKNOWN),
)

_BY_PAGE = {
    g.key: g for g in (NGINX, APACHE, HAPROXY, ENVOY, IIS, VARNISH, CLOUDFRONT)
}  # a page made by the gateway itself
_BY_SERVER = (
    ("awselb", ALB),
    ("istio-envoy", ENVOY),
    ("envoy", ENVOY),
    ("cloudflare", CLOUDFLARE),
    ("varnish", VARNISH),
)  # these put their name only on answers of their own, or are always in between


def maker_of(exchange: Exchange, kind: OriginKind = OriginKind.CUSTOM) -> Gateway:
    """Return who made an error answer of an origin that was asked directly; `UNKNOWN` where nothing tells."""
    fields = _first_values(exchange.headers)
    cloudfronts = fields.get("x-cache", "").lower().endswith("from cloudfront")
    page = "cloudfront" if cloudfronts else exchange.page
    return maker(exchange.headers, page=page, is_empty=not exchange.body_bytes, kind=kind)


def maker(
    headers: Iterable[tuple[str, str]], *, page: str, is_empty: bool, kind: OriginKind = OriginKind.CUSTOM
) -> Gateway:
    """Return who made an error answer, by its header fields and whose page (`probes.error_pages`) its body is.

    `UNKNOWN` where nothing tells. Fields that CloudFront adds do not count.
    """
    fields = _first_values(headers)
    server = fields.get("server", "").lower()
    for beginning, gateway in _BY_SERVER:
        if server.startswith(beginning):
            return gateway
    if page == "cloudfront":
        return CLOUDFRONT
    if "x-amz-apigw-id" in fields or kind is OriginKind.API_GATEWAY:
        return API_GATEWAY
    if kind is OriginKind.FUNCTION_URL:
        return FUNCTION_URL
    if "x-amzn-requestid" in fields and page in ("api-gateway", "internal-server-error"):
        return API_GATEWAY if page == "api-gateway" else FUNCTION_URL
    if server.startswith("caddy") and is_empty:
        return CADDY
    return _BY_PAGE.get(page, UNKNOWN)


def _first_values(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in headers:
        fields.setdefault(name.strip().lower(), value.strip())
    return fields
