"""Incidents of which the AWS account knows more than a look at the origin shows, and some of which it only seems so.

What the account says is given as it is fetched. Where a zone or a function is at fault, what is up here is broken as it
would be behind one. Load balancers are in `balancers`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cfrunbook.aws_facts import AdditionalMetrics
from cfrunbook.functions.model import Effect, EventType, Kind
from cfrunbook.lab import accounts
from cfrunbook.lab.accounts import metrics, zone
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import ACCOUNT
from cfrunbook.lab.dns.internet import made_anew
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, RECORDS, setup, shop
from cfrunbook.lab.scenario import HEALTHY, Difficulty, Function, FunctionResult, Setup
from cfrunbook.lab.scenarios.rows import SetUp, account_row, fault, fine

_502: Final = "http-502-bad-gateway.html"
_DNS: Final = _502 + "#http-502-dns-error"
_503: Final = "http-503-service-unavailable.html"
_FUNCTION_LOGS: Final = "edge-functions-logs.html"
_METRICS: Final = "programming-cloudwatch-metrics.html"
_TENANTS: Final = "distribution-config-options.html"

_DOMAIN: Final = "origin.shop.lab"
_SERVERS: Final = tuple(server.rstrip(".") for server in EVERY_SERVER)
_LAMBDA: Final = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:auth:7"
_TIDY: Final = f"arn:aws:cloudfront::{ACCOUNT}:function/tidy"


# --- what is up ---------------------------------------------------------------------------------------------------


def _resolves(authority: Authority) -> Setup:
    return setup(authority, shop())


def _no_record(authority: Authority) -> Setup:
    return setup(authority, shop(f"www A {FIRST}\n"))


def _record_elsewhere(authority: Authority) -> Setup:
    return setup(authority, shop(f"www A {FIRST}\n"), *made_anew(RECORDS))


def _refused(arn: str, kind: Kind, effect: Effect) -> SetUp:
    """Return a healthy shop before which a function is refused, or fails; nobody captured what it returned."""
    returned = FunctionResult(kind, EventType.VIEWER_REQUEST, b"{}\n", effect=effect, is_captured=False)
    associated = (Function(arn, "viewer-request"),)
    return lambda authority: replace(fine(authority), functions=associated, function_result=returned)


def _with_function(authority: Authority) -> Setup:
    return replace(fine(authority), functions=(Function(_LAMBDA, "viewer-request"),))


ZONES: Final = (
    account_row(
        "account-zone-not-delegated",
        fault("dns.nxdomain"),
        _record_elsewhere,
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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

_HOST_DELETED: Final = (
    "ERROR Validation error: Lambda function result failed validation, the function tried to delete read-only header,"
    " headerName : host."
)

FUNCTIONS: Final = (
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
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
    account_row(
        "account-metrics-502",
        HEALTHY,
        fine,
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
    account_row(
        "account-metrics-no-502",
        HEALTHY,
        fine,
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
    account_row(
        "account-metrics-5xx",
        HEALTHY,
        fine,
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
    account_row(
        "account-metrics-no-5xx",
        HEALTHY,
        fine,
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
    account_row(
        "account-metrics-none",
        HEALTHY,
        fine,
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
    account_row(
        "account-tenant-off",
        HEALTHY,
        fine,
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

SCENARIOS = (*ZONES, *FUNCTIONS, *METRICS)
