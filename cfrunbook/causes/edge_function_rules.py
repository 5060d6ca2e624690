"""The result codes of the cause "edge function": one for each rule about results, and what else can be said of a run.

The rules themselves are in `cfrunbook.functions`; here each becomes a row as every cause has them.
"""

from __future__ import annotations

from collections.abc import Mapping

from cfrunbook.causes.family import Family
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step
from cfrunbook.functions.model import TITLES, FunctionRule
from cfrunbook.functions.validation import rules as function_rules

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-lambda-validation-error"
_STRUCTURE = _GUIDE + "lambda-event-structure.html"
_LOGS = _GUIDE + "edge-functions-logs.html"
_TESTING = _GUIDE + "lambda-edge-testing-debugging.html"

REPRODUCE = "{reproduce_command}"
"""The judge knows which files were given."""

_VERIFY = Step(
    text="Check the changed function's result first, then deploy it. A CloudFront that uses the result has no"
    " ValidationError or ExecutionError in X-Cache; an error page may be cached for 10 seconds or more.",
    command="{reproduce_command}\ncurl -sS -o /dev/null -D - {failing_url!q}"
    " | grep -iE '^(HTTP/|x-cache|x-amz-cf-(id|pop))'",
)

FAMILY = Family(
    cause=Cause.EDGE_FUNCTION, stage=Stage.EDGE_FUNCTION, source=_STRUCTURE, reproduce=REPRODUCE, verify=_VERIFY
)

OK = FAMILY.rule(
    "ok",
    Status.OK,
    title="CloudFront accepts what the {function} returned at {event_type}.",
    meaning="None of the {rules} rules about such a result is broken{unsaid}. That holds for this one result: another"
    " request may make the function return something else.",
)
THREW = FAMILY.rule(
    "threw",
    Status.FAULT,
    title="Run here, the {function} failed instead of returning a result at {event_type}: {error}.",
    meaning="At the edge that is an execution error, which is 503 and not 502: X-Cache says {x_cache}. It was seen on"
    " this machine, in {runtime}, with {event_is}; the edge may fare differently.",
    source=_LOGS,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(text="Catch the failure in the handler, and return the request or a response that does without."),
            Step(text="Find the same failure in the function's own log.", command="{logs_command}"),
        )
    ),
)
TIMED_OUT = FAMILY.rule(
    "timed_out",
    Status.FAULT,
    title="Run here, the {function} had not answered {event_type} after {seconds} s and was ended.",
    meaning="At the edge that is an execution error, which is 503 and not 502: X-Cache says {x_cache}. A handler that"
    " never returns waits for something that never comes, or loops.{longer}",
    source=_LOGS,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(
                text="Let every way through the handler return, and give what it waits for a timeout of its own that"
                " is shorter than the function's."
            ),
            Step(text="See in the function's own log whether the edge ended it too.", command="{logs_command}"),
        )
    ),
)
RAN_OUT_OF_MEMORY = FAMILY.rule(
    "ran_out_of_memory",
    Status.FAULT,
    title="Run here, the {function} ran out of its {memory} MB of memory at {event_type}.",
    meaning="At the edge that is an execution error, which is 503 and not 502: X-Cache says {x_cache}. {larger}",
    source=_LOGS,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(text="Hold less in memory at once; for Lambda@Edge, give the function more memory."),
            Step(text="See in the function's own log what it used.", command="{logs_command}"),
        )
    ),
)
OUTPUT_TOO_LARGE = FAMILY.rule(
    "output_too_large",
    Status.FAULT,
    title="Run here, the {function} returned more than {size} at {event_type}, which no edge function may.",
    meaning="{allowed} That is an execution error, which is 503 and not 502: X-Cache says {x_cache}. That this is the"
    " status is inferred; a result that is too large for CloudFront alone (40 KB at viewer events, 1 MB at origin"
    " events) gives 502.",
    source=_GUIDE + "cloudfront-limits.html#limits-lambda-at-edge",
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(text="Put the body where CloudFront can fetch it (S3, the origin), and redirect or rewrite to it."),
            Step(text="Or return the part that is needed."),
        )
    ),
)
COULD_NOT_RUN = FAMILY.rule(
    "could_not_run",
    Status.UNKNOWN,
    title="The {function} could not be run here: {error}.",
    meaning="What is missing here says nothing about the edge: this is no cause of a 502.",
    source=_TESTING,
    next_check="{what_to_do}",
)
EVENT_TYPE_UNKNOWN = FAMILY.rule(
    "event_type_unknown",
    Status.UNKNOWN,
    title="When the {function} runs was not said, so only what holds for all events was checked.",
    meaning="Which fields may be changed, how large a body may be, and whether a request may be returned at all depend"
    " on the event.",
    next_check="Give the event type (--event-type), or the event itself (--function-event).",
)


def _of(rule: FunctionRule) -> Rule:
    """Return the row for a rule about results: its texts, and what all rows have in common."""
    steps = []
    if rule.node:
        steps.append(Step(text="In JavaScript:" if not rule.python else "In Node.js:", command=rule.node))
    if rule.python:
        steps.append(Step(text="In Python:", command=rule.python))
    logged = f" CloudFront's log in CloudWatch then says: “{rule.log}”" if rule.log else ""
    return FAMILY.rule(
        rule.id,
        rule.status,
        title=f"{TITLES[rule.kind]}, {{event_type}}: {rule.title}",
        meaning=rule.meaning + logged,
        source=rule.source,
        remedy=Remedy(kind="one_of", steps=tuple(steps)) if steps else None,
        cloudfront_status=rule.effect.status if rule.status is Status.FAULT else None,
        next_check=rule.next_check,
    )


OF_FUNCTION_RULES: Mapping[str, Rule] = {rule.id: _of(rule) for rule in function_rules().values()}
"""A result code for each rule about results, by the rule's id."""

RULES = (
    OK,
    THREW,
    TIMED_OUT,
    RAN_OUT_OF_MEMORY,
    OUTPUT_TOO_LARGE,
    COULD_NOT_RUN,
    EVENT_TYPE_UNKNOWN,
    *OF_FUNCTION_RULES.values(),
)
