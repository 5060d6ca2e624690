"""Origins that answer, and whose own answer is the error: CloudFront passes it on."""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import Difficulty, Expected, OriginSetup, Scenario, Setup
from cfrunbook.lab.servers import Closed, Http

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"


def _answers_502(_: Authority) -> Setup:
    return Setup(OriginSetup(({80: Http(status=502), 443: Closed()},), protocol_policy="http-only"))


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
        page=_GUIDE + "http-502-bad-gateway.html#cloudfront-alb-502-error",
        set_up=_answers_502,
    ),
)
