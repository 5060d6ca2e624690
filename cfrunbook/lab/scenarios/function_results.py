"""Edge functions that return what CloudFront refuses, or what only looks so: one scenario for every rule about results.

The rules' own examples are the scenarios: the origin is fine, and the function's result was captured, mostly with the
event that it was invoked with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cfrunbook.findings import Cause, Status
from cfrunbook.functions.cloudfront_function import examples as cloudfront_functions
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigin, KnownOrigins
from cfrunbook.functions.inputs import write_run
from cfrunbook.functions.lambda_edge import examples as lambda_edge
from cfrunbook.functions.model import TITLES, Effect, EventType, FunctionRule, Kind
from cfrunbook.functions.validation import rules
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import ACCOUNT
from cfrunbook.lab.scenario import Difficulty, Expected, Function, FunctionResult, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.servers import Chain, Closed, Http, Tls
from cfrunbook.text import fill

_ARNS = {
    Kind.LAMBDA_EDGE: f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:shop:7",
    Kind.CLOUDFRONT_FUNCTION: f"arn:aws:cloudfront::{ACCOUNT}:function/shop",
}
_PAGER = "18:20 PAGE  CloudFront {errors} for www.shop.example since the last deployment of the {event} function."
_CHANGED = "11:40 REVIEW  A new version of the {event} function of www.shop.example waits for your word."
_FAILING = "Is the origin asked at all? X-Cache on the response says who failed, and of which kind that is."
_WAITING = "Nothing fails by now: judge what the function returns, not what the page looks like."
_COMPARE = "Compare what the function returned with what it was given"
_SUBJECTS: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("request_body", "input"): (
        "it rewrites what viewers post. A result was captured.",
        f"{_COMPARE}: the body, how it is encoded, and how long it is.",
    ),
    ("request_member", "method", "client_ip"): (
        "it passes the request on, with small changes. A result was captured.",
        f"{_COMPARE}: which member of the request is otherwise, or gone?",
    ),
    ("uri", "not_percent"): (
        "it rewrites paths. A result was captured.",
        "Read the uri that it returned as a path: kind, first sign, every further sign, length.",
    ),
    ("querystring",): (
        "it rewrites query strings. A result was captured.",
        "Read the query string that it returned: its kind, and every sign in it.",
    ),
    ("origin", "custom_header"): (
        "it chooses the origin and its settings. A result was captured.",
        "Go through the settings of the origin that it returned, one by one: name, kind, value.",
    ),
    ("status", "no_content"): (
        "it answers some of the requests itself. A result was captured.",
        "Look at the response's first line as it would be sent: status, description, and whether a body fits.",
    ),
    ("body", "viewer_response", "response_size", "size"): (
        "it makes a page of its own. A result was captured.",
        "Look at the body that it returned: its kind, how it is encoded, and how long it is.",
    ),
    ("kvs", "handler", "code", "compute", "memory", "restricted", "runtime", "timed", "throttled"): (
        "it does more than before. What a run of it gave was kept.",
        "Look at how it ran before you look at what it returned.",
    ),
    ("result", "json", "unreadable", "foreign", "event_type", "not_compared"): (
        "its own log has no error. A result was captured.",
        "Look at the result as a whole: its kind, and whether it has the shape of a request or of a response.",
    ),
    (): (
        "it sets and removes headers. A result was captured.",
        f"{_COMPARE}, header by header: names, the shape of the values, and which are missing.",
    ),
}
"""What a ticket and a hint say, by how the name of the rule begins; the last holds for all others."""
_RULES = rules()
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGES = {
    Kind.LAMBDA_EDGE: _GUIDE + "http-502-bad-gateway.html#http-502-lambda-validation-error",
    Kind.CLOUDFRONT_FUNCTION: _GUIDE + "http-502-bad-gateway.html#http-502-cloudfront-function-validation-error",
}
"""Where a rule is known from elsewhere."""

_WITHOUT_DISTRIBUTION = frozenset({
    "cloudfront_function.origin_access_control_unknown", "cloudfront_function.origin_id_unchecked",
})  # fmt: skip
"""Rules that say what the distribution would tell."""
_REFUSED_EARLIER = frozenset({"cloudfront_function.event_unusable", "lambda_edge.event_unusable"})
"""Rules about events that are none: whoever gives one is told so in a sentence, before anything is judged."""

_LOGGED = "lambda_edge.header_read_only_deleted"
"""The rule that the runbook about edge functions breaks: of its scenario there are access logs as well."""
_ANY = {"noun": "header or cookie", "known": "the guide lists them", "what": "the origin"}
"""Words for a rule's meaning that hold wherever it is broken."""

Case = tuple[str, FunctionResult, KnownOrigins | None]
"""A story, what the function returned, and the origins of the distribution where those decide."""


def _cloudfront_functions() -> Mapping[str, Case]:
    """Return the case of every rule about CloudFront Functions."""
    found = {}
    for example in cloudfront_functions.EXAMPLES:
        given = example.broken
        is_plain = not given.calls and given.run == type(given.run)()
        content = given.result.encode() if is_plain else write_run(given.result, given.calls, given.run)
        returned = _result(_RULES[example.rule], given.at, content, given.event)
        found[example.rule] = (example.story, returned, given.origins)
    return found


def _lambda_edge() -> Mapping[str, Case]:
    """Return the case of every rule about Lambda@Edge."""
    found: dict[str, Case] = {}
    for rule, example in lambda_edge.examples().items():
        content = example.text.encode("utf-8", "surrogatepass")
        found[rule] = (example.story, _result(_RULES[rule], example.event_type, content, example.event), None)
    return found


def _result(rule: FunctionRule, at: EventType | None, content: bytes, event: Any) -> FunctionResult:
    effect = rule.effect if rule.status is Status.FAULT else Effect.NONE
    return FunctionResult(rule.kind, at, content, event, effect)


def _set_up(rule: str, returned: FunctionResult, known: KnownOrigins | None, authority: Authority) -> Setup:
    """Return a healthy shop, with the origins that the function knows of, and the function."""
    shop = OriginSetup(({80: Http(), 443: Closed()},), protocol_policy="http-only")
    made = [_origin(origin, authority) for origin in known.origins] if known else [shop]
    assigned = next((origin for origin in made if known and origin.id == known.assigned_id), made[0])
    return Setup(
        assigned,
        is_given=not (known is None and rule in _WITHOUT_DISTRIBUTION),
        others=tuple(origin for origin in made if origin is not assigned),
        functions=(Function(_ARNS[returned.kind], returned.event_type.value),) if returned.event_type else (),
        function_result=returned,
    )


def _origin(origin: KnownOrigin, authority: Authority) -> OriginSetup:
    """Return an origin of that kind; whichever requests go to is healthy."""
    if origin.type == "s3":
        domain = f"{origin.id}-shop.s3.eu-west-1.amazonaws.com"
        up = web(Tls(Chain((authority.leaf(domain), authority.intermediate))))
        return replace(up, id=origin.id, domain=domain, bucket=True)
    return OriginSetup(
        ({80: Http(), 443: Closed()},),
        id=origin.id,
        domain=f"{origin.id}.shop.example",
        protocol_policy="http-only",
        in_vpc=origin.type == "vpc",
        mutual_tls=origin.has_mutual_tls,
    )


def _scenario(rule: FunctionRule, story: str, returned: FunctionResult, known: KnownOrigins | None) -> Scenario:
    kind = TITLES[rule.kind]
    status = returned.effect.status
    pager = (_PAGER if status else _CHANGED).format(errors=status, event=returned.event_type or "shop")
    about = rule.id.partition(".")[2]
    ticket, look = next(said for heads, said in _SUBJECTS.items() if about.startswith(heads) or not heads)
    return Scenario(
        name=name_of(rule.id),
        title=f"{kind}: {story.rstrip('.')}",
        story=(pager, f"Ticket: {ticket} Does CloudFront use it?"),
        difficulty=Difficulty.EASY if status else Difficulty.MEDIUM,
        expected=_expected(rule, status),
        hints=(
            _FAILING if status else _WAITING,
            look,
            fill(rule.meaning, {**_ANY, "event_type": returned.event_type or "function's"}),
        ),
        why_in_real_life=story,
        page=rule.source if rule.source.startswith(_GUIDE) else _PAGES[rule.kind],
        set_up=partial(_set_up, rule.id, returned, known),
        has_logs=rule.id == _LOGGED,
    )


def _expected(rule: FunctionRule, status: int | None) -> Expected:
    code = f"edge_function.{rule.id}"
    match rule.status:
        case Status.FAULT:
            return Expected("fault", Cause.EDGE_FUNCTION, code, status)
        case Status.UNKNOWN:
            return Expected("unknown", Cause.EDGE_FUNCTION, code)
        case _:
            return Expected("ok")


def name_of(rule: str) -> str:
    """Return the name of the scenario about a rule: `lambda-edge-status-missing`."""
    return rule.replace(".", "-").replace("_", "-")


_CASES = {**_lambda_edge(), **_cloudfront_functions()}
SCENARIOS = tuple(_scenario(_RULES[rule], *case) for rule, case in _CASES.items() if rule not in _REFUSED_EARLIER)
