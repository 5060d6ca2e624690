"""Incidents behind a load balancer, of which the AWS account knows more than a look at it shows, or only seems to.

What the account says is given as it is fetched. What is up here is broken as it would be behind a load balancer; a VPC
origin is not to be reached from here at all.
"""

from __future__ import annotations

from dataclasses import replace
from http.client import responses
from typing import Any, Final

from cfrunbook.findings import Cause
from cfrunbook.lab import accounts
from cfrunbook.lab.accounts import answering, balancer, forwarding, guarded, listener, targets
from cfrunbook.lab.authority import DAY, Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, OriginSetup, Setup, web
from cfrunbook.lab.scenarios.rows import SetUp, account_row, fault, fine, unknown
from cfrunbook.lab.servers import Chain, Closed, Dropped, Http, Reply, Tls

_502: Final = "http-502-bad-gateway.html"
_ALB: Final = _502 + "#cloudfront-alb-502-error"
_PORTS: Final = _502 + "#origin-not-responding-on-specified-ports"
_EXPIRED: Final = _502 + "#ssl-certificate-expired"
_NAMES: Final = _502 + "#ssl-negotitation-failure"
_503: Final = "http-503-service-unavailable.html"
_VPC: Final = "private-content-vpc-origins.html"
_ISSUERS: Final = "cnames-and-https-requirements.html"

_NOT_LOOKED_AT: Final = Expected("unknown")
"""A VPC origin is reached from CloudFront alone: that nothing speaks against it is all that can be said."""

# --- what is up ---------------------------------------------------------------------------------------------------


def _leaf(authority: Authority, *names: str, **more: Any) -> Chain:
    return Chain((authority.leaf(*(names or (ORIGIN,)), **more), authority.intermediate))


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


LOAD_BALANCERS: Final = (
    account_row(
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
    account_row(
        "account-some-targets-unhealthy",
        HEALTHY,
        fine,
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
    account_row(
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
    account_row(
        "account-targets-healthy",
        HEALTHY,
        fine,
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
        "account-balancer-impaired",
        HEALTHY,
        fine,
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
        "account-certificate-revoked",
        HEALTHY,
        fine,
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
    account_row(
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

VPC_ORIGINS: Final = (
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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

SCENARIOS = (*LOAD_BALANCERS, *CERTIFICATES, *VPC_ORIGINS)
