"""The result codes of what an AWS account shows about the edge: functions, metrics, tenants, VPC origins."""

from __future__ import annotations

from cfrunbook.causes.family import Family
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_METRICS = f"{_GUIDE}/programming-cloudwatch-metrics.html"

_SHOW_LOG = "aws logs filter-log-events --region {region!q} --log-group-name {group!q} --start-time {since!q}"
_SHOW_METRIC = (
    "aws cloudwatch get-metric-statistics --region us-east-1 --namespace AWS/CloudFront --metric-name {metric!q}"
    " --dimensions {dimensions!q}"
    " --start-time {start!q} --end-time {end!q} --period 300 --statistics {statistic!q}"
)

_functions = Family(
    Cause.EDGE_FUNCTION,
    Stage.EDGE_FUNCTION,
    source=f"{_GUIDE}/lambda-edge-testing-debugging.html",
    reproduce=_SHOW_LOG,
    verify=Step(text="After the fix no new line comes, in whichever region.", command=_SHOW_LOG),
)
_FIX_RESULT = Remedy(
    steps=(
        Step(
            text="Take the result that the function returns for the failing request, check it"
            " (`cfrunbook function --result FILE`), and return what the message asks for.",
        ),
        Step(text="Publish a new version, and associate it with the behavior: until then the old one runs."),
    )
)
VALIDATION_LOGGED = _functions.rule(
    "validation_logged",
    Status.FAULT,
    "CloudFront refused {count} results of Lambda@Edge functions from {first} to {last}; the last said: {text}",
    "CloudFront itself wrote this, in the region near the viewer ({regions}): for each of these requests it answered"
    " 502.{broken}{age}",
    source=f"{_GUIDE}/edge-functions-logs.html",
    remedy=_FIX_RESULT,
)
VALIDATION_COUNTED = _functions.rule(
    "validation_counted",
    Status.FAULT,
    "CloudWatch counted {count} results of {what} that CloudFront did not accept, the last at {last}.",
    "For each of these requests CloudFront answered 502.{age}",
    source=_METRICS,
    reproduce=_SHOW_METRIC,
    verify=Step(text="After the fix the metric {metric} has no value above zero.", command=_SHOW_METRIC),
    remedy=_FIX_RESULT,
)
EXECUTION_COUNTED = _functions.rule(
    "execution_counted",
    Status.FAULT,
    "CloudWatch counted {count} times that {what} failed or was throttled ({metric}), the last at {last}.",
    "CloudFront answers 503 for each of these requests; it is no 502.{age}",
    source=f"{_GUIDE}/http-503-service-unavailable.html",
    reproduce=_SHOW_METRIC,
    verify=Step(text="After the fix the metric {metric} has no value above zero.", command=_SHOW_METRIC),
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(
                text="Read the function's own log: a Lambda@Edge function writes to /aws/lambda/us-east-1.NAME in the"
                " region near the viewer, a CloudFront Function to /aws/cloudfront/function/NAME in us-east-1.",
            ),
            Step(text="For throttles, ask for a higher quota of concurrent executions, or do less at the edge."),
        )
    ),
)
ROLE_NOT_TRUSTED = _functions.rule(
    "role_not_trusted",
    Status.WARNING,
    "The role of {function} lets {trusts} assume it, but not {missing}.",
    "Lambda@Edge cannot run the function under this role in every region: CloudFront then answers 503.",
    source=f"{_GUIDE}/lambda-edge-permissions.html",
    reproduce="aws iam get-role --role-name {role!q} --query Role.AssumeRolePolicyDocument",
    verify=Step(
        text="Both lambda.amazonaws.com and edgelambda.amazonaws.com may assume it.",
        command="aws iam get-role --role-name {role!q} --query Role.AssumeRolePolicyDocument",
    ),
    remedy=Remedy(
        steps=(Step(text="IAM console > Roles > {role} > Trust relationships: add {missing} to the services."),)
    ),
)
FUNCTION_NOT_ACTIVE = _functions.rule(
    "not_active",
    Status.WARNING,
    "{function} is in the state {state}, not Active.",
    "A function that cannot run makes CloudFront answer 503.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
    reproduce="aws lambda get-function-configuration --region us-east-1 --function-name {arn!q}",
    verify=Step(
        text="State is Active.",
        command="aws lambda get-function-configuration --region us-east-1 --function-name {arn!q} --query State",
    ),
    remedy=Remedy(steps=(Step(text="See StateReason, publish a working version, and associate that one."),)),
)

_metrics = Family(
    Cause.DISTRIBUTION,
    Stage.DISTRIBUTION,
    source=_METRICS,
    reproduce=_SHOW_METRIC,
    verify=Step(text="The rate goes down.", command=_SHOW_METRIC),
)
METRICS_502 = _metrics.rule(
    "metrics_502",
    Status.INFO,
    "CloudFront answered 502 to up to {peak} % of the requests, at most at {when}, the last time at {last}.",
    "This is CloudWatch's 502ErrorRate from {start} to {end}: CloudFront's own count over all edge locations and"
    " behaviors, errors that the origin made and cached ones among them.{others}",
)
METRICS_NO_502 = _metrics.rule(
    "metrics_no_502",
    Status.INFO,
    "CloudWatch has no 502 in the time from {start} to {end}: the highest 502ErrorRate of {points} points is 0 %.",
    "Over all edge locations, in minutes with requests. If viewers got a 502 in that time, it was not from this"
    " distribution.{others}",
)
METRICS_5XX = _metrics.rule(
    "metrics_5xx",
    Status.INFO,
    "CloudFront answered 5xx to up to {peak} % of the requests, at most at {when}; how many of them are 502 is not"
    " known.",
    "{why} The rate of 502 alone is an additional metric, with data only from the moment on at which they are enabled.",
    remedy=Remedy(
        steps=(
            Step(
                text="Enable additional metrics: CloudFront console > Monitoring > the distribution > Manage additional"
                " metrics. They cost extra.",
                command="aws cloudfront create-monitoring-subscription --distribution-id {distribution!q}"
                " --monitoring-subscription"
                " RealtimeMetricsSubscriptionConfig={{RealtimeMetricsSubscriptionStatus=Enabled}}",
            ),
        )
    ),
)
METRICS_NO_5XX = _metrics.rule(
    "metrics_no_5xx",
    Status.INFO,
    "CloudWatch has no 5xx in the time from {start} to {end}: the highest 5xxErrorRate of {points} points is 0 %.",
    "Over all edge locations, in minutes with requests. If viewers got a 502 in that time, it was not from this"
    " distribution.",
)
METRICS_NONE = _metrics.rule(
    "metrics_none",
    Status.INFO,
    "CloudWatch has no data about errors of distribution {distribution} from {start} to {end}.",
    "That is not zero errors: without requests there is no data, nor where the id is another account's.",
)
VPC_ORIGIN_NOT_DEPLOYED = Rule(
    code="distribution.vpc_origin_not_deployed",
    cause=Cause.DISTRIBUTION,
    stage=Stage.ORIGIN,
    status=Status.WARNING,
    title="VPC origin {vpc_origin} of origin {origin} is {state}, not Deployed.",
    meaning="CloudFront reaches it only once it is deployed, which takes up to 15 minutes.",
    source=f"{_GUIDE}/private-content-vpc-origins.html",
    reproduce="aws cloudfront get-vpc-origin --id {vpc_origin!q} --query VpcOrigin.Status",
    remedy=Remedy(
        steps=(Step(text="Wait; where it stays so, look at it: CloudFront console > VPC origins > {vpc_origin}."),)
    ),
    verify=Step(
        text="Its status is Deployed.",
        command="aws cloudfront get-vpc-origin --id {vpc_origin!q} --query VpcOrigin.Status",
    ),
)
TENANT_OFF = Rule(
    code="distribution.tenant_off",
    cause=Cause.DISTRIBUTION,
    stage=Stage.DISTRIBUTION,
    status=Status.WARNING,
    title="Tenant {tenant}, which serves {domain}, does not: {problem}.",
    meaning="What viewers of {domain} get does not come from the origins below.",
    source=f"{_GUIDE}/distribution-config-options.html",
    reproduce="aws cloudfront get-distribution-tenant-by-domain --domain {domain!q}",
    remedy=Remedy(steps=(Step(text="CloudFront console > Distribution tenants > {tenant}: enable what is off."),)),
    verify=Step(
        text="Tenant, domain and connection group are enabled.",
        command="aws cloudfront get-distribution-tenant-by-domain --domain {domain!q}",
    ),
)

RULES: tuple[Rule, ...] = (
    VALIDATION_LOGGED,
    VALIDATION_COUNTED,
    EXECUTION_COUNTED,
    ROLE_NOT_TRUSTED,
    FUNCTION_NOT_ACTIVE,
    METRICS_502,
    METRICS_NO_502,
    METRICS_5XX,
    METRICS_NO_5XX,
    METRICS_NONE,
    VPC_ORIGIN_NOT_DEPLOYED,
    TENANT_OFF,
)
