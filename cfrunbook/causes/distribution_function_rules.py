"""The table of result codes of `cfrunbook.causes.distribution_functions`: edge functions and their associations.

What CloudFront refuses when a distribution is created or updated is never deployed, and so never the cause of a 502:
it is information. AWS says of each where it is refused; of what is only "not supported", it does not say what happens.
"""

from __future__ import annotations

from collections.abc import Mapping

from cfrunbook.causes.distribution_rules import DEPLOYED, SHOW
from cfrunbook.causes.remedies import UPDATE_DISTRIBUTION
from cfrunbook.cloudfront.function_associations import Obstacle, Trouble
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference"
_ALL = f"{_GUIDE}/edge-function-restrictions-all.html"
_LAMBDA = f"{_GUIDE}/lambda-at-edge-function-restrictions.html"
_BEHAVIORS = (
    "CloudFront console > Distributions > {distribution} > Behaviors > {pattern} > Edit > Function associations: "
)
_REFUSED = (
    "CloudFront refuses this when the distribution is created or updated, so that it is not what is deployed, and no"
    " cause of a 502. "
)


def _refused(code: str, *, title: str, meaning: str, source: str, fix: str, others: tuple[Step, ...] = ()) -> Rule:
    """Return a row about what CloudFront refuses; `others` come before the change of the distribution."""
    return Rule(
        code=f"distribution.function_{code}",
        cause=Cause.DISTRIBUTION,
        stage=Stage.BEHAVIOR,
        status=Status.INFO,
        title=f"CloudFront refuses this: {title}",
        meaning=_REFUSED + meaning,
        source=source,
        reproduce=SHOW,
        remedy=Remedy(steps=(*others, Step(text=_BEHAVIORS + fix, command=UPDATE_DISTRIBUTION))),
        verify=DEPLOYED,
    )


def _noted(
    code: str,
    *,
    title: str,
    meaning: str,
    source: str,
    status: Status = Status.INFO,
    cause: Cause = Cause.DISTRIBUTION,
    steps: tuple[Step, ...] = (),
) -> Rule:
    """Return a row about what CloudFront takes, and what follows from it; of several steps one suffices."""
    return Rule(
        code=f"distribution.{code}",
        cause=cause,
        stage=Stage.BEHAVIOR,
        status=status,
        title=title,
        meaning=meaning,
        source=source,
        reproduce=SHOW,
        remedy=Remedy(kind="one_of" if len(steps) > 1 else "steps", steps=steps),
        verify=DEPLOYED,
    )


MALFORMED = _refused(
    "arn_malformed",
    title="at {event} of {behavior} stands {arn!r}, which is not the ARN of a {kind}.",
    meaning="It must have the form {form}.",
    source=f"{_API}/API_FunctionAssociation.html",
    fix="choose the function at {event} again, so that its ARN is right.",
)
UNVERSIONED = _refused(
    "unversioned",
    title="the {event} {function} of {behavior} names no published version: {says}.",
    meaning="Lambda@Edge takes a version's number, neither $LATEST nor an alias. The error is"
    " InvalidLambdaFunctionAssociation: The function ARN must reference a specific function version.",
    source=f"{_LAMBDA}#lambda-at-edge-restrictions-version",
    others=(
        Step(
            text="Publish a version; its ARN ends with the number.",
            command="aws lambda publish-version --region us-east-1 --function-name {name!q}"
            " --query FunctionArn --output text",
        ),
    ),
    fix="put the published version's ARN at {event}.",
)
REGION = _refused(
    "region",
    title="the {event} {function} of {behavior} is in {says}; Lambda@Edge takes functions of us-east-1 only.",
    meaning="CloudFront copies the function from US East (N. Virginia) to where it runs.",
    source=f"{_LAMBDA}#lambda-at-edge-restrictions-region",
    others=(
        Step(
            text="Create the function in us-east-1 and publish a version there. What is created already, shows:",
            command="aws lambda list-versions-by-function --region us-east-1 --function-name {name!q}"
            " --query 'Versions[].FunctionArn'",
        ),
    ),
    fix="put that version's ARN at {event}.",
)
OTHER_ACCOUNT = _refused(
    "other_account",
    title="the {event} {function} of {behavior} belongs to another account than the distribution: {says}.",
    meaning="A function and the distribution that it is associated with must be owned by the same AWS account.",
    source=f"{_ALL}#function-restrictions-account-ownership",
    fix="put a function of the account that owns the distribution at {event}.",
)
BODY_OF_RESPONSE = _refused(
    "body_of_response",
    title="the {event} {function} of {behavior} asks for the body (IncludeBody), which only request events have.",
    meaning="No function sees the body of a response. The error is InvalidLambdaFunctionAssociation: The IncludeBody"
    " option can only be used with viewer-request or origin-request events.",
    source=f"{_API}/API_LambdaFunctionAssociation.html",
    fix="clear Include body at {event}.",
)
WRONG_EVENT = _refused(
    "wrong_event",
    title="{function} of {behavior} is at {event}; such functions run at viewer-request and viewer-response only.",
    meaning="At origin events only Lambda@Edge runs.",
    source=f"{_API}/API_FunctionAssociation.html",
    fix="move it to a viewer event, or put a function of Lambda@Edge at {event}.",
)
EVENT_TWICE = _refused(
    "event_twice",
    title="{behavior} has {says}: {functions}.",
    meaning="Each event of a cache behavior can have one function only.",
    source=f"{_ALL}#function-restrictions-combining-functions",
    fix="keep one function at {event}, and have it do what both did.",
)
KINDS_MIXED = _refused(
    "kinds_mixed",
    title="{behavior} has both kinds of edge functions at its viewer events: {says}.",
    meaning="CloudFront Functions and Lambda@Edge cannot be combined at viewer events of one cache behavior, not even"
    " one at the request and the other at the response.",
    source=f"{_ALL}#function-restrictions-combining-functions",
    fix="have functions of one kind only at Viewer request and Viewer response; Lambda@Edge may stay at origin events.",
)
REFUSALS: Mapping[Trouble, Rule] = {
    Trouble.MALFORMED_ARN: MALFORMED,
    Trouble.UNVERSIONED: UNVERSIONED,
    Trouble.REGION: REGION,
    Trouble.ACCOUNT: OTHER_ACCOUNT,
    Trouble.BODY_OF_RESPONSE: BODY_OF_RESPONSE,
    Trouble.WRONG_EVENT: WRONG_EVENT,
    Trouble.EVENT_TWICE: EVENT_TWICE,
    Trouble.KINDS_MIXED: KINDS_MIXED,
}
FORMS: Mapping[str, str] = {
    "lambda-edge": "arn:aws:lambda:us-east-1:ACCOUNT:function:NAME:VERSION",
    "cloudfront-function": "arn:aws:cloudfront::ACCOUNT:function/NAME",
}

_WITH = {
    Obstacle.MUTUAL_TLS: ("with_mutual_tls", f"{_GUIDE}/origin-enable-mtls-distributions.html"),
    Obstacle.VPC: ("with_vpc_origin", f"{_GUIDE}/private-content-vpc-origins.html"),
}


def _not_supported(what: Obstacle) -> Rule:
    suffix, source = _WITH[what]
    return _noted(
        f"function_{suffix}",
        status=Status.WARNING,
        cause=Cause.EDGE_FUNCTION,
        title="CloudFront does not support the functions at origin events of {behavior} ({functions}): {why}.",
        meaning=f"Functions of Lambda@Edge at origin-request and origin-response are not supported where the origin"
        f" {what}, WebSocket and gRPC neither. AWS does not say whether CloudFront refuses the setting, fails such"
        " requests or does not run the function: do not rely on what it does.",
        source=source,
        steps=(
            Step(
                text=_BEHAVIORS + "take the functions from Origin request and Origin response, and do what they do at"
                " viewer events, where functions run.",
                command=UPDATE_DISTRIBUTION,
            ),
        ),
    )


def _grpc_not_supported(what: Obstacle) -> Rule:
    suffix, source = _WITH[what]
    return _noted(
        f"grpc_{suffix}",
        status=Status.WARNING,
        title="CloudFront does not support the gRPC that {behavior} allows: {why}.",
        meaning=f"gRPC is not supported where the origin {what}. AWS does not say what CloudFront answers.",
        source=source,
        steps=(
            Step(
                text="CloudFront console > Distributions > {distribution} > Behaviors > {pattern} > Edit: clear Allow"
                " gRPC requests over HTTP/2, or send the behavior to an ordinary custom origin.",
                command=UPDATE_DISTRIBUTION,
            ),
        ),
    )


NOT_SUPPORTED: Mapping[Obstacle, Rule] = {what: _not_supported(what) for what in _WITH}
GRPC_NOT_SUPPORTED: Mapping[Obstacle, Rule] = {what: _grpc_not_supported(what) for what in _WITH}
MOVES_VPC_ORIGIN = _noted(
    "function_moves_vpc_origin",
    title="If the viewer-request {function} of {behavior} calls updateRequestOrigin(), requests fail: {why}.",
    meaning="The helper cannot change a VPC origin. The configuration does not show whether the code calls it.",
    source=f"{_GUIDE}/helper-functions-origin-modification.html",
    steps=(Step(text="Look whether the code calls updateRequestOrigin().", command="{fetch}"),),
)
AFTER_DNS = _noted(
    "function_after_dns",
    title="The origin-request {function} runs only after CloudFront has resolved {domains}.",
    meaning="Where the Origin Domain does not resolve, the function is not invoked and CloudFront answers 502, even if"
    " the function would have chosen another origin. A name that it chooses is resolved after it.",
    source=f"{_LAMBDA}#lambda-at-edge-restrictions-dns",
)
MET = _noted(
    "functions_met",
    title="Requests of {behaviors} meet {functions}, in this order.",
    meaning="{runs}",
    source=f"{_GUIDE}/lambda-cloudfront-trigger-events.html",
)

RULES: tuple[Rule, ...] = (
    *REFUSALS.values(),
    *NOT_SUPPORTED.values(),
    *GRPC_NOT_SUPPORTED.values(),
    MOVES_VPC_ORIGIN,
    AFTER_DNS,
    MET,
)
