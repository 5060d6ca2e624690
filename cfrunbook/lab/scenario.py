"""What a scenario is: a story, a really broken (or suspicious but healthy) origin, and the answer to be found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from cfrunbook.findings import Cause
from cfrunbook.functions.model import Effect, EventType, Kind
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.setup import NameServer, Tree
from cfrunbook.lab.edge import MinimumTls
from cfrunbook.lab.servers import Http, Service

if TYPE_CHECKING:
    from cfrunbook.aws_facts import AwsFacts

ORIGIN_ID = "shop-origin"
ORIGIN = "origin.shop.example"
VIEWER_HOST = "www.shop.example"
URL = f"https://{VIEWER_HOST}/cart"
DISTRIBUTION_ID, DOMAIN_NAME = "EDFDVBD6EXAMPLE", "d111111abcdef8.cloudfront.net"
READING = ("HEAD", "GET")
"""The methods that a new behavior allows."""
ALL_METHODS = ("HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH")


class Difficulty(StrEnum):
    """How many steps it takes to find."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer: what a diagnosis must say."""

    status: Literal["fault", "ok", "unknown"]
    cause: Cause | None = None
    code: str | None = None
    """The code of the finding that names the root cause; for `ok` none."""
    cloudfront_status: int | None = None
    """What CloudFront answers instead of the page: 502 or 504; None where it answers with the page, or may."""
    edge: frozenset[int] = frozenset()
    """What the edge answers over all methods and addresses, where this is not just `cloudfront_status` or 200."""

    @property
    def edge_answers(self) -> frozenset[int]:
        """All that the edge answers to the methods that are allowed, over all addresses of the origin."""
        return self.edge or frozenset({self.cloudfront_status or 200})


HEALTHY = Expected(status="ok")


@dataclass(frozen=True, slots=True)
class Function:
    """An edge function that the distribution associates with the behavior; what it does is not in there."""

    arn: str
    event: Literal["viewer-request", "origin-request", "origin-response", "viewer-response"]
    include_body: bool = False

    @property
    def is_lambda_edge(self) -> bool:
        """Tell whether it is of Lambda@Edge; else it is a CloudFront Function."""
        return ":lambda:" in self.arn


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """What an edge function returned, as somebody captured it."""

    kind: Kind
    event_type: EventType | None
    """None: nobody said when it runs."""
    result: bytes
    """The file's content; mostly JSON."""
    event: Mapping[str, Any] | None = None
    """What it was invoked with, if that was captured too."""
    effect: Effect = Effect.NONE
    """What CloudFront really does with it."""
    answers: int = 0
    """The status of a response that the function makes itself, in place of the origin's; 0: it makes none."""
    is_captured: bool = True
    """Whoever looks into the incident has the result; else only what CloudFront made of it."""

    @property
    def status(self) -> int | None:
        """The status that the viewer gets for it; None where the origin's answer is used."""
        return self.answers or self.effect.status

    @property
    def x_cache(self) -> str:
        """What X-Cache then says."""
        prefix = "Lambda" if self.kind is Kind.LAMBDA_EDGE else "Function"
        if self.answers:
            return f"{prefix}GeneratedResponse"
        return prefix + {Effect.VALIDATION: "ValidationError", Effect.EXECUTION: "ExecutionError"}.get(
            self.effect, "ThrottledError" if self.kind is Kind.CLOUDFRONT_FUNCTION else "LimitExceeded"
        )


@dataclass(frozen=True, slots=True)
class LogStory:
    """What CloudFront logs of a scenario; nothing fails where there is no type."""

    type: str = ""
    """The detailed result type of the requests that fail."""
    status: int = 502
    took: tuple[float, float] = (0.01, 0.1)
    """Seconds that such a request takes, from and to."""
    share: float = 1.0
    """Of the requests that come to the origin."""
    began: float = 25.0
    """Minutes before the end of the log."""
    ended: float = 0.0
    """Minutes before the end of the log; 0: it goes on."""
    pops: tuple[str, ...] = ()
    """Beginnings of the edge locations' names where it happens; empty: everywhere."""
    methods: tuple[str, ...] = ()
    """The methods that it happens to; empty: all."""
    hosts: tuple[str, ...] = (VIEWER_HOST,)
    """The hosts that are asked for; it happens to the last one."""
    paths: tuple[str, ...] = ()
    """The paths that it happens to; empty: all."""
    every: int = 0
    """Seconds between requests that fail, beside the others, as of what runs by a clock; 0: there are none."""
    beside: LogStory | None = None
    """What else fails."""
    are_repeats: bool = False
    """Of every error the log has only what came from CloudFront's cache: it begins after the first."""
    columns: int = 33
    """Of standard logs: 33 since 2019, 19 in 2014."""
    unreadable: int = 0
    """Lines that are cut off."""
    is_empty: bool = False
    """There was not one request."""
    earlier: float = 0.0
    """Minutes between the end of the log and the moment when somebody looks; below 0: it goes on after that."""

    def hits(self, ago: float, pop: str, method: str, draw: float) -> bool:
        """Tell whether a request fails that comes to the origin `ago` minutes before the end."""
        return (
            bool(self.type)
            and not self.every
            and self.ended <= ago <= self.began
            and (not self.pops or pop.startswith(self.pops))
            and (not self.methods or method in self.methods)
            and draw < self.share
        )


@dataclass(frozen=True, slots=True)
class Capture:
    """A response that somebody captured."""

    status: int = 502
    x_cache: str = "Error"
    """What X-Cache says before "from cloudfront"."""
    page: str | None = None
    """The body; None: the page that CloudFront makes since 2026, which gives no reason."""
    sentence: str | None = None
    """The reason on the page that CloudFront made until 2025; None: it is not such a page."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Header fields that are otherwise, or more; an empty value takes one away."""
    has_head: bool = True
    """Else somebody kept the page alone."""
    asked: str = ""
    """The request as `curl -v` shows it, in lines; empty: it was not kept."""


@dataclass(frozen=True, slots=True)
class OriginSetup:
    """How one origin is set: what each port of each of its addresses does, and what the distribution says about it."""

    addresses: tuple[Mapping[int, Service], ...]
    """For every address of the origin's name, its ports."""
    id: str = ORIGIN_ID
    domain: str = ORIGIN
    protocol_policy: Literal["https-only", "http-only", "match-viewer"] = "https-only"
    minimum_tls: MinimumTls = "TLSv1.2"
    connection_timeout: int = 10
    """Seconds that CloudFront waits to connect, 1 to 10."""
    published: tuple[str, ...] = ()
    """What DNS says the addresses are, one for each of `addresses`; empty: the origin's name is not looked up."""
    ip_address_type: Literal["ipv4", "ipv6", "dualstack"] = "ipv4"
    mutual_tls: bool = False
    """The distribution has a client certificate for it, which it does not ask for."""
    bucket: bool = False
    """It is an S3 bucket with origin access control."""
    in_vpc: bool = False
    """It is a VPC origin: nothing outside CloudFront gets there."""

    @property
    def protocol(self) -> Literal["https", "http"]:
        """What CloudFront speaks to the origin for `URL`."""
        return "http" if self.protocol_policy == "http-only" else "https"

    @property
    def port(self) -> int:
        """Where CloudFront connects for `URL`."""
        return 80 if self.protocol == "http" else 443


@dataclass(frozen=True, slots=True)
class Setup:
    """How a scenario is set: its origins, and what the distribution says about the way there."""

    origin: OriginSetup
    secondary: OriginSetup | None = None
    """The other member of an origin group, whose primary is then `origin`."""
    failover_at: tuple[int, ...] = (502, 503, 504)
    """The origin group's failover criteria."""
    methods: tuple[str, ...] = READING
    host_forwarded: bool = False
    """By the managed origin request policy AllViewer; else AllViewerExceptHostHeader."""
    function: str = ""
    """Name of the CloudFront Function at viewer-request; what it does is not in the distribution."""
    functions: tuple[Function, ...] = ()
    """Further edge functions."""
    function_result: FunctionResult | None = None
    before: Setup | None = None
    """How it was set when it worked; only what the distribution says about it counts. None: nobody kept that."""
    is_given: bool = True
    """Whoever looks into the incident has the distribution; else only the function's result."""
    others: tuple[OriginSetup, ...] = ()
    """Further origins of the distribution, to which nothing is sent; they are not up."""
    grpc: bool = False
    url: str = URL
    """The failing URL, as far as it is known; may be empty."""
    keep_alive: bool = False
    """Whether the answer takes watching idle connections, which costs a second or more."""
    dns: Tree | None = None
    """The DNS in which origins that are `published` are looked up."""
    resolver: NameServer | None = None
    """What whoever looks into the incident has as resolver, where that is known; CloudFront has another."""
    logs: LogStory | None = None
    """What is in its access logs, where the answer of the scenario does not tell."""
    response: Capture | None = None
    """What was captured, where somebody kept a response that failed."""
    firewall: Mapping[str, bytes] = field(default_factory=dict)
    """What whoever looks into the incident has of the rules before the origin: a dump by its file's name."""
    account: Callable[[dt.datetime], AwsFacts] | None = None
    """What whoever looks into the incident has fetched of the AWS account at that moment."""
    policies: tuple[Mapping[str, Any], ...] = ()
    """Policies that whoever looks into the incident has beside the distribution."""
    revise: Callable[[dict[str, Any]], None] | None = None
    """Changes the distribution that people have, while CloudFront still serves by the one before."""
    relocated: tuple[str, ...] = ()
    """Further names of the origin's servers, for what a changed distribution names."""

    @property
    def origins(self) -> tuple[OriginSetup, ...]:
        """The origin, or the members of the origin group, the primary first."""
        return (self.origin, self.secondary) if self.secondary else (self.origin,)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One incident to practice on, and to hold the diagnosis against."""

    name: str
    title: str
    """For a list of scenarios; it may give the answer away."""
    story: tuple[str, str]
    """What the pager and the ticket say; the answer is not in it."""
    difficulty: Difficulty
    expected: Expected
    hints: tuple[str, str, str]
    """To be opened one by one: each names the next check."""
    why_in_real_life: str
    """How people get there."""
    page: str
    """Where AWS documents it."""
    set_up: Callable[[Authority], Setup] = field(repr=False)
    """Mint what it takes and say what each port does."""
    needs_s2n: bool = False
    """The edge's answer needs AWS's TLS library: OpenSSL, which Python cannot limit enough, connects."""
    has_logs: bool = False
    """Whoever looks into the incident has access logs of its last hour."""
    on_paper: bool = False
    """What is wrong shows on paper only, in a capture, in logs or in rules: it is over, or it is nothing that this
    machine can do. The edge here answers 200, and there is nothing to mend."""
    is_fickle: bool = False
    """One and the same address does otherwise from one connection to the next: what the edge answers is a draw."""
    also: tuple[Cause, ...] = ()
    """Further causes that are at fault: whoever accuses them is right, too."""
    disagreement: str = ""
    """Why the edge answers otherwise than the verdict says, where it does."""


def web(*secured: Service) -> OriginSetup:
    """Return ordinary web servers, one per address: what is given at 443, and at 80 a redirect to https."""
    return OriginSetup(tuple({443: service, 80: Http(redirect=True)} for service in secured))
