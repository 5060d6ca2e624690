"""Ports that refuse, swallow, close, or speak something else. Refused is 502, swallowed is 504."""

from __future__ import annotations

import dataclasses

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import Difficulty, Expected, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.servers import Banner, Closed, Closes, Dropped, Http, Silent

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
_TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
_WEBSITE_PAGE = _GUIDE + "DownloadDistS3AndCustomOrigins.html"

S3_WEBSITE = "www.shop.example.s3-website-eu-west-1.amazonaws.com"


def _fault(code: str, cloudfront_status: int) -> Expected:
    return Expected(status="fault", cause=Cause.PORT, code=code, cloudfront_status=cloudfront_status)


def _refused(_: Authority) -> Setup:
    return Setup(web(Closed()))


def _silent(_: Authority) -> Setup:
    return Setup(dataclasses.replace(web(Silent()), connection_timeout=1))  # as long as the lab waits


def _dropped(_: Authority) -> Setup:
    return Setup(web(Dropped()))


def _http_on_443(_: Authority) -> Setup:
    return Setup(OriginSetup(({443: Http(), 80: Http()},)))


def _wrong_service(_: Authority) -> Setup:
    return Setup(web(Banner(b"SSH-2.0-OpenSSH_9.9\r\n")))


def _closes(_: Authority) -> Setup:
    return Setup(web(Closes()))


def _s3_website(_: Authority) -> Setup:
    return Setup(OriginSetup(({443: Dropped(), 80: Http()},), domain=S3_WEBSITE))


SCENARIOS = (
    Scenario(
        name="port-refused",
        title="Nothing listens on the origin's port",
        story=(
            "05:02 PAGE  CloudFront 502 for www.shop.example; the failing requests take a few milliseconds.",
            "Ticket: the host was patched and rebooted at 05:00. It answers ping, and http://origin.shop.example too.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("port.refused", 502),
        hints=(
            "Fast failures mean that somebody says no.",
            "Read in the distribution which port CloudFront connects to.",
            "Connect to exactly that port.",
        ),
        why_in_real_life=(
            "The server did not come back, or came back without its TLS site, or a firewall rejects with a reset."
        ),
        page=_PAGE,
        set_up=_refused,
        has_logs=True,
    ),
    Scenario(
        name="port-silent",
        title="The origin accepts connections and never says a word",
        story=(
            "13:40 PAGE  CloudFront 504 for www.shop.example, requests hang for some seconds before they fail.",
            "Ticket: the port check of the monitoring (TCP connect to 443) is green all the time.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("port.silent", 504),
        hints=(
            "What exactly does the port check prove?",
            "Connect, send what CloudFront would send first, and see what comes.",
            "Who accepts a connection when the application hangs?",
        ),
        why_in_real_life=(
            "The process hangs while the kernel goes on accepting, or a load balancer in TCP mode forwards to a dead "
            "backend, or the server waits for a PROXY protocol line."
        ),
        page=_TIMEOUT_PAGE,
        set_up=_silent,
    ),
    Scenario(
        name="port-dropped",
        title="Packets to the origin's port are dropped",
        story=(
            "15:15 PAGE  CloudFront 504 for www.shop.example after the network team's hardening change.",
            "Ticket: from inside the VPC the origin answers at once.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("port.dropped", 504),
        hints=(
            "Slow failures mean that nobody says anything.",
            "Connect to the port from outside, and see whether it is refused or just takes forever.",
            "Who may reach this port according to the security group?",
        ),
        why_in_real_life=(
            "A security group or network ACL no longer allows com.amazonaws.global.cloudfront.origin-facing. From "
            "your own machine it may look the same although CloudFront is allowed."
        ),
        page=_TIMEOUT_PAGE,
        set_up=_dropped,
        has_logs=True,
    ),
    Scenario(
        name="port-http-on-443",
        title="The origin speaks plain HTTP on the TLS port",
        story=(
            "18:22 PAGE  CloudFront 502 for www.shop.example since the new ingress.",
            "Ticket: port 443 is open, and `curl http://origin.shop.example:443/` answers 200.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("port.http_on_tls_port", 502),
        hints=(
            "Read the command in the ticket once more.",
            "What does CloudFront speak on the origin's HTTPS port?",
            "Shake hands with the port, and look at the first bytes that come back.",
        ),
        why_in_real_life="`listen 443;` without `ssl`, or a load balancer that ends TLS somewhere else than expected.",
        page=_PAGE,
        set_up=_http_on_443,
    ),
    Scenario(
        name="port-wrong-service",
        title="Another service has the origin's port",
        story=(
            "22:48 PAGE  CloudFront 502 for www.shop.example since the new port forwarding.",
            "Ticket: port 443 is open, the connection comes up at once. The web server's log shows nothing.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("port.wrong_service", 502),
        hints=(
            "If the web server's log shows nothing, who took the connection?",
            "Connect to the port and wait a moment before you say anything.",
            "Who speaks first?",
        ),
        why_in_real_life="A forwarding rule leads to the wrong host or port; SSH on 443 gets through many firewalls.",
        page=_PAGE,
        set_up=_wrong_service,
    ),
    Scenario(
        name="port-s3-website",
        title="An S3 website endpoint is addressed by HTTPS",
        story=(
            "20:10 PAGE  CloudFront 504 for www.shop.example since the origin became `HTTPS only`.",
            "Ticket: security asked for encryption to every origin. The bucket's website itself works.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("distribution.s3_website_https", 504),
        hints=(
            "What kind of origin is this? Its name says it.",
            "Which ports does such an endpoint have?",
            "Compare with the origin protocol policy.",
        ),
        why_in_real_life=(
            "S3 website endpoints have no HTTPS. `HTTPS only`, or `Match viewer` with a viewer on HTTPS, leads to a "
            "port on which nothing answers."
        ),
        page=_WEBSITE_PAGE,
        set_up=_s3_website,
    ),
    Scenario(
        name="port-closes",
        title="The origin accepts connections and closes them at once",
        story=(
            "06:30 PAGE  CloudFront 502 for www.shop.example since the deployment of 06:28.",
            "Ticket: the load balancer is up and port 443 is open; the targets are being replaced.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("port.closes", 502),
        hints=(
            "Open is not the same as willing.",
            "Connect, say nothing, and see what the other side does.",
            "Who accepts here, and has it anybody to hand the connection to?",
        ),
        why_in_real_life=(
            "A load balancer without healthy targets, a TCP wrapper or an allow list inside the server accepts first "
            "and closes then."
        ),
        page=_PAGE,
        set_up=_closes,
    ),
)
