"""Incidents of which the AWS account knows more than a look at the origin shows, and some of which it only seems so.

What the account says is given as it is fetched. Where a load balancer, a zone or a function is at fault, what is
up here is broken as it would be behind one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http.client import responses
from typing import Any, Final

from cfrunbook.aws_facts import AdditionalMetrics
from cfrunbook.findings import Cause
from cfrunbook.functions.model import Effect, EventType, Kind
from cfrunbook.lab import accounts
from cfrunbook.lab.accounts import Account, answering, balancer, forwarding, guarded, listener, metrics, targets, zone
from cfrunbook.lab.authority import DAY, Authority
from cfrunbook.lab.distribution import ACCOUNT
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, setup, shop
from cfrunbook.lab.scenario import (
    HEALTHY,
    ORIGIN,
    Difficulty,
    Expected,
    Function,
    FunctionResult,
    OriginSetup,
    Scenario,
    Setup,
    web,
)
from cfrunbook.lab.scenarios.rows import fault, row, unknown
from cfrunbook.lab.servers import Chain, Closed, Dropped, Http, Reply, Tls

_502: Final = "http-502-bad-gateway.html"
_ALB: Final = _502 + "#cloudfront-alb-502-error"
_PORTS: Final = _502 + "#origin-not-responding-on-specified-ports"
_EXPIRED: Final = _502 + "#ssl-certificate-expired"
_NAMES: Final = _502 + "#ssl-negotitation-failure"
_DNS: Final = _502 + "#http-502-dns-error"
_503: Final = "http-503-service-unavailable.html"
_VPC: Final = "private-content-vpc-origins.html"
_FUNCTION_LOGS: Final = "edge-functions-logs.html"
_METRICS: Final = "programming-cloudwatch-metrics.html"
_TENANTS: Final = "distribution-config-options.html"
_ISSUERS: Final = "cnames-and-https-requirements.html"

_DOMAIN: Final = "origin.shop.lab"
_SERVERS: Final = tuple(server.rstrip(".") for server in EVERY_SERVER)
_LAMBDA: Final = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:auth:7"
_TIDY: Final = f"arn:aws:cloudfront::{ACCOUNT}:function/tidy"

_NOT_LOOKED_AT: Final = Expected("unknown")
"""A VPC origin is reached from CloudFront alone: that nothing speaks against it is all that can be said."""

SetUp = Callable[[Authority], Setup]


# --- what is up ---------------------------------------------------------------------------------------------------


def _leaf(authority: Authority, *names: str, **more: Any) -> Chain:
    return Chain((authority.leaf(*(names or (ORIGIN,)), **more), authority.intermediate))


def _fine(authority: Authority) -> Setup:
    return Setup(web(Tls(_leaf(authority))))


def _answers(status: int) -> SetUp:
    """Return a load balancer that makes this answer itself."""
    title = f"{status} {responses[status]}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
    head = f"HTTP/1.1 {title}\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n"
    reply = Reply(f"{head}Connection: close\r\n\r\n{page}".encode())
    return lambda authority: Setup(web(Tls(_leaf(authority), reply=reply)))


def _expired(authority: Authority) -> Setup:
    return Setup(web(Tls(_leaf(authority, begins=-93 * DAY, ends=-3 * DAY))))


def _soon(authority: Authority) -> Setup:
    return Setup(web(Tls(_leaf(authority, begins=-81 * DAY, ends=9 * DAY))))


def _other_name(authority: Authority) -> Setup:
    return Setup(web(Tls(_leaf(authority, "www.shop.example"))))


def _private(authority: Authority) -> Setup:
    private = Authority()
    return Setup(web(Tls(Chain((private.leaf(ORIGIN), private.intermediate)))))


def _plain_on_443(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(redirect=True), 443: Http()},)))


def _tls_on_80(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(status=400), 443: Closed()},), protocol_policy="http-only"))


def _no_listener(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(redirect=True), 443: Dropped()},)))


def _resolves(authority: Authority) -> Setup:
    return setup(authority, shop())


def _no_record(authority: Authority) -> Setup:
    return setup(authority, shop(f"www A {FIRST}\n"))


def _in_vpc(authority: Authority) -> Setup:
    return Setup(replace(web(Tls(_leaf(authority))), in_vpc=True))


def _vpc_being_made(authority: Authority) -> Setup:
    endpoint = {
        "Name": "shop",
        "Arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60711",
        "HTTPPort": 80,
    }
    endpoint |= {"HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    made = {"VpcOrigin": {"Id": "vo_AbCdEf0123456789", "Status": "Deploying", "VpcOriginEndpointConfig": endpoint}}
    return replace(_in_vpc(authority), policies=(made,))


def _refused(arn: str, kind: Kind, effect: Effect) -> SetUp:
    """Return a healthy shop before which a function is refused, or fails; nobody captured what it returned."""
    returned = FunctionResult(kind, EventType.VIEWER_REQUEST, b"{}\n", effect=effect, is_captured=False)
    associated = (Function(arn, "viewer-request"),)
    return lambda authority: replace(_fine(authority), functions=associated, function_result=returned)


def _with_function(authority: Authority) -> Setup:
    return replace(_fine(authority), functions=(Function(_LAMBDA, "viewer-request"),))


def _row(  # noqa: PLR0917 - the rows of a table
    name: str,
    expected: Expected,
    set_up: SetUp,
    account: Account,
    title: str,
    pager: str,
    ticket: str,
    hints: tuple[str, str, str],
    why: str,
    page: str,
    *,
    difficulty: Difficulty = Difficulty.MEDIUM,
    on_paper: bool = False,
) -> Scenario:
    return row(
        name,
        expected,
        lambda authority: replace(set_up(authority), account=account),
        title=title,
        pager=pager,
        ticket=ticket,
        hints=hints,
        why=why,
        page=page,
        difficulty=difficulty,
        on_paper=on_paper,
    )


LOAD_BALANCERS: Final = (
    _row(
        "account-targets-unhealthy",
        fault("origin_response.origin_status"),
        _answers(502),
        balancer(behind=targets("unhealthy", "Target.FailedHealthChecks")),
        "No target behind the load balancer is healthy, and it says 502 itself",
        "11:21 PAGE  CloudFront 502 for www.shop.example since the rollout of 11:20.",
        "TLS to the origin is fine. What the account says of the load balancer was fetched.",
        (
            "Who made the answer: CloudFront, the load balancer, or what stands behind it?",
            "The load balancer asks its targets whether they are well. What did they answer?",
            "Look at the state of each target, and at the reason that is given for it.",
        ),
        "The new version does not listen where the health check asks. With no target healthy, a load balancer sends"
        " requests to all of them all the same.",
        _ALB,
    ),
    _row(
        "account-some-targets-unhealthy",
        HEALTHY,
        _fine,
        balancer(behind=(*targets("unhealthy", "Target.Timeout", number=1), *targets(number=2))),
        "One of three targets is not healthy, and the load balancer leaves it out",
        "14:31 PAGE  CloudFront 502 for www.shop.example, twenty of them within a minute, then none.",
        "one instance is red in the console. Is that the incident?",
        (
            "Red somewhere is not red everywhere.",
            "What does a load balancer do with a target that is not healthy?",
            "How long does it take to notice, and what got the requests in that time?",
        ),
        "A health check fails a few times before the target is left out: what is sent there meanwhile may fail.",
        _ALB,
    ),
    _row(
        "account-no-targets",
        fault("origin_response.origin_status", status=503),
        _answers(503),
        balancer(behind=()),
        "Nothing is registered behind the load balancer: 503, and no 502",
        "05:45 PAGE  www.shop.example fails with errors of CloudFront since the scale-in of 05:40.",
        "somebody said 502. The load balancer is up. What the account says of it was fetched.",
        (
            "Which status is it, really?",
            "Who does a load balancer ask, and what if there is nobody?",
            "Count what is registered in the target group.",
        ),
        "Scaling to zero, or a deployment that takes the old targets out before the new ones are in.",
        _503,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-targets-healthy",
        HEALTHY,
        _fine,
        balancer(),
        "All targets behind the load balancer are healthy, and so is the way there",
        "22:01 PAGE  CloudFront 502 for www.shop.example, four of them, during the deployment.",
        "is it the targets? What the account says of the load balancer was fetched.",
        (
            "The targets are one half of the way to them.",
            "What does a health check prove, and from where?",
            "See the way from outside to the load balancer as well.",
        ),
        "Requests in flight are lost when a target goes away without draining, and nothing of it is left to see.",
        _ALB,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-listener-missing",
        fault("port.dropped", status=504),
        _no_listener,
        balancer(listener(80, "HTTP")),
        "The load balancer has no listener on the port to which CloudFront connects",
        "10:03 PAGE  CloudFront 504 for www.shop.example since the new load balancer of 10:00.",
        "its targets are healthy, and http://origin.shop.example answers. What the account says was fetched.",
        (
            "Healthy targets are behind a door. Which door?",
            "Read in the distribution to which port CloudFront connects.",
            "Compare that port with those on which the load balancer listens.",
        ),
        "The template of the new load balancer has one listener, and the certificate was to come later.",
        _PORTS,
    ),
    _row(
        "account-listener-not-tls",
        fault("port.http_on_tls_port"),
        _plain_on_443,
        balancer(listener(443, "HTTP")),
        "The load balancer's listener on port 443 speaks plain HTTP",
        "10:13 PAGE  CloudFront 502 for www.shop.example since the listener was added at 10:10.",
        "port 443 is open now, telnet connects. What the account says of the load balancer was fetched.",
        (
            "That a port is open does not say what is spoken there.",
            "Say a TLS hello to it, and read the first bytes of the answer.",
            "Compare the listener's protocol with the distribution's origin protocol policy.",
        ),
        "The protocol's field was left at HTTP, and only the port's number was changed.",
        _PORTS,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-listener-not-plain",
        Expected("ok", edge=frozenset({400})),
        _tls_on_80,
        balancer(listener(80, "HTTPS")),
        "CloudFront speaks plain HTTP to a listener with HTTPS, which answers 400: no 502",
        "08:51 PAGE  www.shop.example fails since HTTPS was switched on at the load balancer. Somebody said 502.",
        "TLS is on now, on every port. What the account says of the load balancer was fetched.",
        (
            "Which status is it, really?",
            "What does CloudFront speak to the origin, and on which port?",
            "Compare that with the protocol of the listener there.",
        ),
        "The listener was made HTTPS in place, on port 80, and the distribution goes on in plain HTTP.",
        "DownloadDistValuesOrigin.html",
    ),
    _row(
        "account-balancer-impaired",
        HEALTHY,
        _fine,
        balancer(state="active_impaired", state_reason="There are not enough free addresses in a subnet to scale."),
        "The load balancer lacks addresses to grow, and answers so far",
        "20:16 PAGE  CloudFront 502 for www.shop.example, a few, at the top of the campaign.",
        "it is calm again. Is anything left of it? What the account says was fetched.",
        (
            "Calm is when to look at what was short.",
            "A load balancer grows with its load. What does it take to?",
            "Read the state of the load balancer, and the reason beside it.",
        ),
        "Subnets of a size for yesterday: a load balancer needs free addresses in each of them.",
        _ALB,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-fixed-503",
        fault("origin_response.origin_status", status=503),
        _answers(503),
        balancer(answering("503", forwarding("www.shop.example"))),
        "No rule of the listener takes what CloudFront asks for, and its default action is a 503",
        "13:07 PAGE  www.shop.example fails with errors of CloudFront since the distribution's change of 13:05.",
        "all targets are healthy, and `curl -H 'Host: www.shop.example'` to the origin works.",
        (
            "That curl chose its own Host. Which one does CloudFront send?",
            "A listener has rules. Who takes a request that none of them takes?",
            "Go through the rules with the Host that the distribution lets through.",
        ),
        "Rules by host were written when Host was forwarded. Without it the origin's own name comes, and the default"
        " action answers.",
        _503,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-fixed-404",
        Expected("ok", edge=frozenset({404})),
        _answers(404),
        balancer(answering("404")),
        "The load balancer answers 404 to everything by itself: no 502",
        "13:27 PAGE  www.shop.example shows an error since the rules were tidied up. Somebody said 502.",
        "the targets are healthy and idle. What the account says of the load balancer was fetched.",
        (
            "Which status is it, really?",
            "Idle targets get no requests. Who answers in their place?",
            "Read the default action of the listener.",
        ),
        "The last rule was taken away, and what remains is the default action of a safe template.",
        "HTTPStatusCodes.html",
        difficulty=Difficulty.EASY,
    ),
)

CERTIFICATES: Final = (
    _row(
        "account-certificate-expired",
        fault("certificate.expired"),
        _expired,
        balancer(certificate={"type": "IMPORTED", "issuer": "Lab Issuing CA E1", "status": "EXPIRED"}, days=-3),
        "The listener's certificate was imported, so nobody renewed it",
        "00:03 PAGE  CloudFront 502 for www.shop.example, all of it, since midnight.",
        "ACM renews certificates by itself, so it cannot be that. What the account says was fetched.",
        (
            "Does anything change at midnight by itself?",
            "Look at what the origin sends, and at what the account says of it.",
            "Which certificates does ACM renew, and which not? Read the type.",
        ),
        "ACM renews what it issued. What was imported has to be imported again.",
        _EXPIRED,
    ),
    _row(
        "account-certificate-not-renewed",
        HEALTHY,
        _soon,
        balancer(certificate={"renewal": "PENDING_VALIDATION", "failure": "CAA_ERROR"}, days=9),
        "The listener's certificate ends in nine days, and its renewal is stuck",
        "09:31 PAGE  CloudFront 502 for www.shop.example, one, in the night.",
        "the certificate is from ACM and renews itself. Nothing to see there?",
        (
            "It renews itself, if it can.",
            "How long is the certificate good, and is its renewal under way?",
            "Read the state of the renewal, and the reason beside it.",
        ),
        "The record of the validation was deleted in a clean-up, or a CAA record forbids Amazon.",
        _EXPIRED,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-certificate-private",
        fault("certificate.private_ca"),
        _private,
        balancer(certificate={"type": "PRIVATE", "issuer": "Shop Private CA"}),
        "The listener's certificate comes from AWS Private CA",
        "15:32 PAGE  CloudFront 502 for www.shop.example since the listener's new certificate of 15:30.",
        "it is from ACM, green and issued. What the account says of it was fetched.",
        (
            "From ACM can mean from several authorities.",
            "Who issued it, and who in the world knows that authority?",
            "Read the certificate's type in what the account says.",
        ),
        "AWS Private CA issues through ACM as well; its certificates look alike in the console.",
        _ISSUERS,
    ),
    _row(
        "account-certificate-revoked",
        HEALTHY,
        _fine,
        balancer(certificate={"status": "REVOKED"}),
        "ACM calls the listener's certificate revoked, and it is still presented and good",
        "17:41 PAGE  CloudFront 502 for www.shop.example, two of them, an hour ago.",
        "the account says REVOKED, and the site works. Who is right?",
        (
            "Both can be right: about what does each of them speak?",
            "Look at the certificate as it is sent: dates, chain, name.",
            "What will become of it at its next renewal?",
        ),
        "A key was reported and the certificate revoked; nobody gave the listener another one.",
        _ISSUERS,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-certificate-other-name",
        fault("tls_name.mismatch"),
        _other_name,
        balancer(certificate={"names": ("www.shop.example",)}),
        "The listener has a certificate for the viewers' name only",
        "16:52 PAGE  CloudFront 502 for www.shop.example since the load balancer got a name of its own at 16:50.",
        "its certificate is valid and from a public authority. What the account says was fetched.",
        (
            "A certificate is valid for names.",
            "For which name does CloudFront ask at the origin?",
            "Compare that with the names of all the listener's certificates.",
        ),
        "The certificate of the site was reused for the origin, which has another name.",
        _NAMES,
        difficulty=Difficulty.EASY,
    ),
)

ZONES: Final = (
    _row(
        "account-zone-not-delegated",
        fault("dns.nxdomain"),
        _no_record,
        accounts.zones(zone(_DOMAIN, *accounts.NAME_SERVERS, address=FIRST)),
        "The record is in a hosted zone that nobody asks",
        "12:41 PAGE  CloudFront 502 for www.shop.example since the zone was made anew at 12:35.",
        "the record is there, in Route 53, with the right address. What the account says was fetched.",
        (
            "That a record is somewhere does not say that anybody asks there.",
            "Who are the zone's name servers by the registry, and who by the account?",
            "Compare both lists name by name.",
        ),
        "A hosted zone that was deleted and made again gets other name servers; the registry still names the old ones.",
        _DNS,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-zone-without-record",
        fault("dns.nxdomain"),
        _no_record,
        accounts.zones(zone(_DOMAIN, *_SERVERS)),
        "The hosted zone is the right one, and has no record for the origin",
        "12:51 PAGE  CloudFront 502 for www.shop.example since the stack was updated at 12:47.",
        "the zone is delegated as it should be. What the account says of it was fetched.",
        (
            "The right zone is a beginning.",
            "Ask its name servers for the origin's name.",
            "What does the account list for that name in the zone?",
        ),
        "A template owned the record, and an update of the stack took it away.",
        _DNS,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-zone-delegation-differs",
        HEALTHY,
        _resolves,
        accounts.zones(zone(_DOMAIN, *_SERVERS[:2], *accounts.NAME_SERVERS[:2], address=FIRST)),
        "Of the name servers that the registry lists two are not those of the hosted zone",
        "18:14 PAGE  CloudFront 502 for www.shop.example, one now and then, since the move of the zone.",
        "the name resolves for everybody here. What the account says of the zone was fetched.",
        (
            "It resolves, from whom?",
            "Which name servers does the registry list, and which ones belong to the hosted zone?",
            "What becomes of the others on the day when they are switched off?",
        ),
        "During a move both providers' servers are in the delegation, and it was never tidied up.",
        _DNS,
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-zone-twice",
        HEALTHY,
        _resolves,
        accounts.zones(
            zone(_DOMAIN, *_SERVERS, address=FIRST),
            zone(_DOMAIN, *accounts.NAME_SERVERS, identity="Z9876543210JIHGFEDCBA", address=FIRST),
        ),
        "The account has two hosted zones of the same name, and the right one is asked",
        "18:24 PAGE  CloudFront 502 for www.shop.example, one, yesterday.",
        "there are two zones shop.lab in our account! Which of them is it?",
        (
            "Two can have one name, and the world asks one.",
            "Which name servers does the registry list?",
            "Which of the two zones has exactly those, and what is the other one for?",
        ),
        "A template made the zone a second time. A record made in the wrong one has no effect.",
        _DNS,
    ),
    _row(
        "account-zone-private",
        fault("dns.nxdomain"),
        _no_record,
        accounts.zones(zone(_DOMAIN, address="10.0.3.7", private=True)),
        "The name is in a private hosted zone only",
        "12:58 PAGE  CloudFront 502 for www.shop.example since the new origin of 12:55.",
        "`dig` on the instance gives the address at once. What the account says was fetched.",
        (
            "Who asks from where?",
            "Which DNS does CloudFront use?",
            "Is the hosted zone with the record a public one?",
        ),
        "A private hosted zone answers inside its VPCs. CloudFront resolves names in public DNS.",
        _DNS,
    ),
)

VPC_ORIGINS: Final = (
    _row(
        "account-vpc-origin-shut-out",
        Expected("fault", Cause.PORT, "port.vpc_origin_shut_out", 504, frozenset({504})),
        lambda authority: replace(_in_vpc(authority), origin=replace(_no_listener(authority).origin, in_vpc=True)),
        guarded("sg-0f9e8d7c6b5a49382", "web-servers"),
        "The security group before the VPC origin lets other servers in, and not CloudFront",
        "07:33 PAGE  CloudFront 504 for www.shop.example since the VPC origin of 07:30.",
        "from the instances beside it the load balancer answers. What the account says of it was fetched.",
        (
            "Who comes to a VPC origin, and from which addresses?",
            "Read the inbound rules of the load balancer's security group.",
            "Is one of the sources CloudFront's: its prefix list, or its own group?",
        ),
        "A VPC origin is still behind its security group, which has to let CloudFront in.",
        _VPC,
    ),
    _row(
        "account-vpc-origin-let-in",
        _NOT_LOOKED_AT,
        _in_vpc,
        guarded("pl-3b927c52", accounts.ORIGIN_FACING),
        "The VPC origin lets CloudFront in by its prefix list, and nobody else",
        "07:43 PAGE  CloudFront 502 for www.shop.example, seconds only, when the VPC origin was made.",
        "from the office nothing gets to the load balancer. Is that it?",
        (
            "Who is to get there, and who not?",
            "Read the inbound rules of the load balancer's security group.",
            "Which addresses are in that prefix list?",
        ),
        "It is what a VPC origin is for: nobody but CloudFront gets there.",
        _VPC,
        on_paper=True,
    ),
    _row(
        "account-vpc-origin-own-list",
        unknown("port.vpc_origin_not_certain"),
        _in_vpc,
        guarded("pl-0a1b2c3d4e5f60718", "our-list"),
        "The VPC origin lets in a list of somebody's own, whose content is not known",
        "07:53 PAGE  CloudFront 502 for www.shop.example, one, in the night.",
        "the security group has one source, our-list. Is CloudFront in there?",
        (
            "A list's name is not its content.",
            "What would have to be in it, for CloudFront to get through?",
            "CloudFront gets through by now. Who keeps the list up to date?",
        ),
        "Lists of one's own are copies, and copies grow old.",
        _VPC,
        on_paper=True,
    ),
    _row(
        "account-vpc-origin-being-made",
        _NOT_LOOKED_AT,
        _vpc_being_made,
        accounts.facts(),
        "The VPC origin is still being deployed",
        "08:03 PAGE  CloudFront 502 for www.shop.example, some, for ten minutes.",
        "the VPC origin was made a quarter of an hour ago. What is it waiting for?",
        (
            "Who has to know of it before it works?",
            "Read the status of the VPC origin.",
            "How long may that take?",
        ),
        "CloudFront reaches a VPC origin once it is deployed, which takes up to 15 minutes.",
        _VPC,
        difficulty=Difficulty.EASY,
        on_paper=True,
    ),
)

_HOST_DELETED: Final = (
    "ERROR Validation error: Lambda function result failed validation, the function tried to delete read-only header,"
    " headerName : host."
)

FUNCTIONS: Final = (
    _row(
        "account-result-refused-logged",
        fault("edge_function.validation_logged"),
        _refused(_LAMBDA, Kind.LAMBDA_EDGE, Effect.VALIDATION),
        accounts.logged(_HOST_DELETED, _HOST_DELETED, _HOST_DELETED),
        "CloudFront logged why it refuses a function's results",
        "19:04 PAGE  CloudFront 502 for www.shop.example since version 7 of the function auth.",
        "us-east-1 has no log of it at all. What all regions have was fetched.",
        (
            "Where does a function at the edge run, and where does it write?",
            "CloudFront itself writes a line when it refuses a result.",
            "Read that line word by word.",
        ),
        "Logs of Lambda@Edge are in the region near the viewer, and people look into us-east-1.",
        _FUNCTION_LOGS,
    ),
    _row(
        "account-result-refused-counted",
        fault("edge_function.validation_counted"),
        _refused(_TIDY, Kind.CLOUDFRONT_FUNCTION, Effect.VALIDATION),
        metrics(FunctionValidationErrors__tidy=(4.0, 9.0, 7.0), _5xxErrorRate=(100.0, 100.0, 100.0)),
        "CloudWatch counts what CloudFront did not accept of a function",
        "19:14 PAGE  CloudFront 502 for www.shop.example since the function tidy was published.",
        "the function's test in the console is green. What CloudWatch counts was fetched.",
        (
            "The console's test had one event. Viewers send others.",
            "CloudFront counts results that it does not accept.",
            "Look for a metric of the function that is not zero.",
        ),
        "It fails for requests that nobody tried: without a cookie, with a query string.",
        _502 + "#http-502-cloudfront-function-validation-error",
    ),
    _row(
        "account-function-failed-counted",
        fault("edge_function.execution_counted", status=503),
        _refused(_LAMBDA, Kind.LAMBDA_EDGE, Effect.EXECUTION),
        metrics(LambdaExecutionError=(3.0, 5.0, 8.0), _5xxErrorRate=(100.0, 100.0, 100.0)),
        "CloudWatch counts that a function fails while it runs: 503, and no 502",
        "19:24 PAGE  www.shop.example fails with errors of CloudFront since version 7 of the function auth.",
        "somebody said 502. The origin's log has no such requests. What CloudWatch counts was fetched.",
        (
            "Which status is it, really?",
            "Requests that do not come to the origin end before it.",
            "Look for a metric of functions that is not zero, and read its name.",
        ),
        "A function throws for input that nobody expected, or runs into its timeout.",
        _503,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-role-not-trusted",
        HEALTHY,
        _with_function,
        accounts.function("auth:7", _LAMBDA, trusts=("lambda.amazonaws.com",)),
        "The function's role is not for the edge as well, and so far it runs",
        "19:34 PAGE  CloudFront 502 for www.shop.example, a few, from one region.",
        "the roles were tightened last week. What the account says of the function was fetched.",
        (
            "It works from here. From where does it have to?",
            "Under which role does the function run, and who may assume it?",
            "Which two services have to be able to?",
        ),
        "Lambda@Edge needs a role that edgelambda.amazonaws.com may assume too: replicas are made with it.",
        "lambda-edge-permissions.html",
        difficulty=Difficulty.HARD,
    ),
    _row(
        "account-function-inactive",
        HEALTHY,
        _with_function,
        accounts.function("auth:7", _LAMBDA, status="Inactive"),
        "Lambda calls the function inactive, and the edge runs its replicas",
        "19:44 PAGE  CloudFront 502 for www.shop.example, one.",
        "the account says that the function is Inactive! What else does it say?",
        (
            "What runs at the edge is a copy.",
            "Does the page come, through the function?",
            "What will happen where the next copy is to be made?",
        ),
        "Lambda puts functions to sleep that are not called in their own region.",
        "lambda-edge-testing-debugging.html",
    ),
)

METRICS: Final = (
    _row(
        "account-metrics-502",
        HEALTHY,
        _fine,
        metrics(_502ErrorRate=(0.0, 12.5, 40.0, 3.0, 0.0), _504ErrorRate=(0.0, 1.0, 0.0, 0.0, 0.0)),
        "CloudWatch has the 502s of the last minutes, and they are over",
        "06:20 PAGE  CloudFront 502 for www.shop.example, over after three minutes.",
        "was it real, and how much was it? What CloudWatch has was fetched.",
        (
            "What is over cannot be seen at the origin.",
            "CloudFront counts its answers, minute by minute.",
            "Read when the rate of 502 was highest, and what else was there at that time.",
        ),
        "Metrics remember what a look at the origin cannot see any more.",
        _METRICS,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-metrics-no-502",
        HEALTHY,
        _fine,
        metrics(_502ErrorRate=(0.0, 0.0, 0.0, 0.0)),
        "CloudWatch counts no 502 at all in the time in question",
        "06:30 PAGE  One customer reports CloudFront 502 for www.shop.example.",
        "only this one customer sees it. What CloudWatch has was fetched.",
        (
            "Whose 502 is it?",
            "CloudFront counts its answers, over all edge locations.",
            "If it counts none: through whom does this customer get there?",
        ),
        "A proxy on the customer's side makes 502s of its own.",
        _METRICS,
    ),
    _row(
        "account-metrics-5xx",
        HEALTHY,
        _fine,
        metrics(AdditionalMetrics.DISABLED, _5xxErrorRate=(0.0, 4.0, 9.0, 0.0)),
        "CloudWatch has the 5xx of the last minutes, and which of them are 502 it does not count",
        "06:40 PAGE  5xx rate of the distribution of www.shop.example above 5 %, for two minutes.",
        "which of them were 502? What CloudWatch has was fetched.",
        (
            "5xx is a family.",
            "Which metric counts 502 alone, and does this distribution have it?",
            "What else keeps the status of every request?",
        ),
        "The rate of 502 alone is an additional metric, which somebody has to switch on.",
        "viewing-cloudfront-metrics.html",
    ),
    _row(
        "account-metrics-no-5xx",
        HEALTHY,
        _fine,
        metrics(AdditionalMetrics.DISABLED, _5xxErrorRate=(0.0, 0.0, 0.0)),
        "CloudWatch counts no 5xx at all in the time in question",
        "06:50 PAGE  The synthetic check reports CloudFront 502 for www.shop.example.",
        "no customer called. What CloudWatch has was fetched.",
        (
            "A check has a way of its own.",
            "CloudFront counts its answers, over all edge locations.",
            "If it counts none: what did the check talk to?",
        ),
        "The check's own network, or its proxy, made the error.",
        _METRICS,
    ),
    _row(
        "account-metrics-none",
        HEALTHY,
        _fine,
        metrics(),
        "CloudWatch has no data, which is not zero errors",
        "07:00 PAGE  CloudFront 502 for www.shop.example, said somebody in the chat.",
        "CloudWatch shows an empty graph. So there were no errors?",
        (
            "Empty is not zero.",
            "When does CloudWatch have no data for a distribution?",
            "Is it the distribution that viewers use, and the account that owns it?",
        ),
        "Nobody asked for anything in that time, or somebody looked into another account.",
        _METRICS,
        difficulty=Difficulty.EASY,
    ),
    _row(
        "account-tenant-off",
        HEALTHY,
        _fine,
        accounts.tenant(enabled=False),
        "The tenant that serves the name is switched off: the origin is fine, and nobody gets there",
        "07:10 PAGE  www.shop.example fails since 07:08. Somebody said 502.",
        "the origin is idle and healthy. What the account says of the tenant was fetched.",
        (
            "Who serves the name: a distribution, or a tenant of one?",
            "What of a tenant can be switched off, without touching the origin?",
            "Read whether tenant, domain and connection group are enabled.",
        ),
        "A tenant was disabled for a bill, or by a script that took the wrong one.",
        _TENANTS,
        difficulty=Difficulty.HARD,
        on_paper=True,
    ),
)

SCENARIOS = (*LOAD_BALANCERS, *CERTIFICATES, *ZONES, *VPC_ORIGINS, *FUNCTIONS, *METRICS)
