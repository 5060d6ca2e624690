"""Edge functions as the distribution associates them: the origin is fine, and what is odd is in the configuration.

One row for each result code about them. What a function does is not in the distribution, and not in the lab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import ACCOUNT
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Function, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_ALL = _GUIDE + "edge-function-restrictions-all.html"
_LAMBDA = _GUIDE + "lambda-at-edge-function-restrictions.html"
_EVENTS = _GUIDE + "lambda-cloudfront-trigger-events.html"
_ASSOCIATE = _GUIDE + "associate-function.html"
_MUTUAL_TLS = _GUIDE + "origin-enable-mtls-distributions.html"
_VPC = _GUIDE + "private-content-vpc-origins.html"
_HELPERS = _GUIDE + "helper-functions-origin-modification.html"

_AUTH = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:auth"
_TIDY = f"arn:aws:cloudfront::{ACCOUNT}:function/tidy"
_INSIDE = "inside.shop.example"


@dataclass(frozen=True, slots=True)
class Row:
    """One result code, and the settings of a distribution that show it."""

    code: str
    """Without `distribution.`; the scenario is named after it."""
    title: str
    ticket: str
    hint: str
    """The last one, which says where to look."""
    why: str
    page: str
    functions: tuple[Function, ...]
    change: Callable[[Setup, Authority], Setup] = lambda setup, _: setup


def _mutual_tls(setup: Setup, _: Authority) -> Setup:
    return replace(setup, origin=replace(setup.origin, mutual_tls=True))


def _grpc(setup: Setup) -> Setup:
    return replace(setup, grpc=True)


def _vpc_standby(setup: Setup, authority: Authority) -> Setup:
    chain = Chain((authority.leaf(_INSIDE), authority.intermediate))
    standby = OriginSetup(web(Tls(chain)).addresses, id="shop-inside", domain=_INSIDE, in_vpc=True)
    return replace(setup, secondary=standby)


ROWS = (
    Row(
        code="function_arn_malformed",
        title="A function's ARN is cut off",
        ticket="Ticket: the pipeline says the distribution is invalid. The site is up. Is the new one safe to force?",
        hint="Compare the function's ARN with the form that such ARNs have.",
        why="Templates put ARNs together from parts, and one part is empty.",
        page=_ASSOCIATE,
        functions=(Function("arn:aws:cloudfront::function/tidy", "viewer-request"),),
    ),
    Row(
        code="function_unversioned",
        title="A function of Lambda@Edge is associated by $LATEST",
        ticket="Ticket: the update of the distribution fails with 400, and the old function keeps running.",
        hint="Read the function's ARN to its end.",
        why="For other triggers of Lambda $LATEST and aliases are fine, and tools write them without being asked.",
        page=_LAMBDA,
        functions=(Function(f"{_AUTH}:$LATEST", "viewer-request"),),
    ),
    Row(
        code="function_region",
        title="A function of Lambda@Edge is in another region than us-east-1",
        ticket="Ticket: the function is published in eu-west-1, as all of ours, but the distribution does not take it.",
        hint="In which region must a function be, for CloudFront to copy it from there?",
        why="Everything else of the stack is in the region next door.",
        page=_LAMBDA,
        functions=(Function(f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:auth:7", "viewer-request"),),
    ),
    Row(
        code="function_other_account",
        title="A function belongs to another account than the distribution",
        ticket="Ticket: the platform team's function works in their distribution; ours cannot be updated with it.",
        hint="Compare the account in the function's ARN with the distribution's.",
        why="Shared functions live in a shared account, and most other resources can be shared.",
        page=_ALL,
        functions=(Function("arn:aws:lambda:us-east-1:999999999999:function:auth:7", "origin-response"),),
    ),
    Row(
        code="function_body_of_response",
        title="A function asks for the body at a response event",
        ticket="Ticket: the function shall rewrite pages, so it was given the body. The update fails.",
        hint="At which events does a function see a body?",
        why="IncludeBody reads as if it were about any body; it is the request's.",
        page=_LAMBDA,
        functions=(Function(f"{_AUTH}:7", "origin-response", include_body=True),),
    ),
    Row(
        code="function_wrong_event",
        title="A CloudFront Function is associated with an origin event",
        ticket="Ticket: to save money the function moved from Lambda@Edge to CloudFront Functions. The update fails.",
        hint="At which events does each kind of function run?",
        why="The code runs in both; the events are not the same.",
        page=_ASSOCIATE,
        functions=(Function(_TIDY, "origin-request"),),
    ),
    Row(
        code="function_event_twice",
        title="Two functions are associated with one event",
        ticket="Ticket: security added a function to the behavior, and the update fails. The site answers as before.",
        hint="How many functions does each event have?",
        why="Two teams each add their own function to the same behavior.",
        page=_ALL,
        functions=(Function(_TIDY, "viewer-response"), Function(f"{_TIDY}-2", "viewer-response")),
    ),
    Row(
        code="function_kinds_mixed",
        title="Both kinds of functions are at viewer events",
        ticket="Ticket: one function was added at viewer-response, another has long been at viewer-request. It fails.",
        hint="Which kind of function is at which viewer event?",
        why="It looks as if every event were free to choose; the two viewer events belong together.",
        page=_ALL,
        functions=(Function(f"{_AUTH}:7", "viewer-request"), Function(_TIDY, "viewer-response")),
    ),
    Row(
        code="function_with_mutual_tls",
        title="A function is at an origin event of an origin with mutual TLS",
        ticket="Ticket: since the origin has a client certificate, we are not sure that our function still runs.",
        hint="What does AWS list as not supported with origin mutual TLS?",
        why="The function was there first, and nobody reads the list again when security adds the certificate.",
        page=_MUTUAL_TLS,
        functions=(Function(f"{_AUTH}:7", "origin-response"),),
        change=_mutual_tls,
    ),
    Row(
        code="function_with_vpc_origin",
        title="A function is at an origin event, and one of the origins is a VPC origin",
        ticket="Ticket: the standby moved into a private subnet. Do our functions run there?",
        hint="What does AWS list as not supported with VPC origins?",
        why="The primary is an ordinary origin, where the function runs; after a failover it is another matter.",
        page=_VPC,
        functions=(Function(f"{_AUTH}:7", "origin-response"),),
        change=_vpc_standby,
    ),
    Row(
        code="grpc_with_mutual_tls",
        title="gRPC is allowed to an origin with mutual TLS",
        ticket="Ticket: the web works. The mobile application, which speaks gRPC, does not get through.",
        hint="What does AWS list as not supported with origin mutual TLS?",
        why="Each feature is a check box by itself, and both can be checked.",
        page=_MUTUAL_TLS,
        functions=(),
        change=lambda setup, authority: _grpc(_mutual_tls(setup, authority)),
    ),
    Row(
        code="grpc_with_vpc_origin",
        title="gRPC is allowed, and one of the origins is a VPC origin",
        ticket="Ticket: the standby moved into a private subnet. Does gRPC work there?",
        hint="What does AWS list as not supported with VPC origins?",
        why="Each feature is a check box by itself, and both can be checked.",
        page=_VPC,
        functions=(),
        change=lambda setup, authority: _grpc(_vpc_standby(setup, authority)),
    ),
    Row(
        code="function_moves_vpc_origin",
        title="A function may call updateRequestOrigin() for a VPC origin",
        ticket="Ticket: the function sends some customers to another origin. After a failover that broke.",
        hint="Which helpers may a function call where the origin is a VPC origin?",
        why="The helper is the documented way to choose an origin, and the exception is a line in a note.",
        page=_HELPERS,
        functions=(Function(_TIDY, "viewer-request"),),
        change=_vpc_standby,
    ),
    Row(
        code="function_after_dns",
        title="An origin-request function cannot rescue a name that does not resolve",
        ticket="Ticket: our function chooses the origin anyway. Does it matter what the Origin Domain is?",
        hint="What does CloudFront do before an origin-request function runs?",
        why="People put a placeholder into Origin Domain, because the function replaces it. Here it still resolves.",
        page=_LAMBDA,
        functions=(Function(f"{_AUTH}:7", "origin-request"),),
    ),
    Row(
        code="functions_met",
        title="Three functions are on the way, and each runs at its own time",
        ticket="Ticket: the function at viewer-response did not run for the broken page. Is it not deployed?",
        hint="For each event: when does CloudFront run the function there, and when not?",
        why="Viewer-response functions do not run after an error of the origin, origin-response functions do.",
        page=_EVENTS,
        functions=(
            Function(_TIDY, "viewer-response"),
            Function(f"{_AUTH}:7", "origin-response"),
            Function(f"{_TIDY}-2", "viewer-request"),
        ),
    ),
)


def name_of(code: str) -> str:
    """Return the name of the scenario that shows a result code, given without its cause."""
    return code.removeprefix("distribution.").replace("_", "-")


def _scenario(row: Row) -> Scenario:
    def set_up(authority: Authority) -> Setup:
        chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
        return row.change(Setup(web(Tls(chain)), functions=row.functions), authority)

    return Scenario(
        name=name_of(row.code),
        title=row.title,
        story=(
            "14:25 PAGE  CloudFront 502 for www.shop.example, a few, while the distribution was worked on.",
            row.ticket,
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "See whether the origin is fine, before you look at anything that is configured around it.",
            "List the functions of the behavior, with their events.",
            row.hint,
        ),
        why_in_real_life=row.why,
        page=row.page,
        set_up=set_up,
    )


SCENARIOS = tuple(map(_scenario, ROWS))
