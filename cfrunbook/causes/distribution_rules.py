"""The table of result codes of `cfrunbook.causes.distribution`, with what each means and what to do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from cfrunbook.causes.remedies import UPDATE_DISTRIBUTION
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step
from cfrunbook.hostname import NameProblem

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_DOMAIN = f"{_GUIDE}/DownloadDistValuesOrigin.html#DownloadDistValuesDomainName"
_KINDS = f"{_GUIDE}/DownloadDistS3AndCustomOrigins.html"
_PROTOCOLS = f"{_GUIDE}/DownloadDistValuesOrigin.html#DownloadDistValuesOriginSSLProtocols"
_POLICY = f"{_GUIDE}/DownloadDistValuesOrigin.html#DownloadDistValuesOriginProtocolPolicy"
_PORT = f"{_GUIDE}/DownloadDistValuesOrigin.html#DownloadDistValuesHTTPPort"
_BEHAVIOR = f"{_GUIDE}/DownloadDistValuesCacheBehavior.html"
_FAILOVER = f"{_GUIDE}/high_availability_origin_failover.html"
_TOGETHER = f"{_GUIDE}/understanding-how-origin-request-policies-and-cache-policies-work-together.html"
_NAME = f"{_GUIDE}/http-502-bad-gateway.html#ssl-negotitation-failure"

SHOW = "aws cloudfront get-distribution-config --id {distribution!q} --query {query!q}"
DEPLOYED = Step(
    text="Wait until the change is deployed, and see that the setting is as intended.",
    command=f"aws cloudfront wait distribution-deployed --id {{distribution!q}} && {SHOW}",
)
_ORIGINS = "CloudFront console > Distributions > {distribution} > Origins > {origin} > Edit: "
_BEHAVIORS = "CloudFront console > Distributions > {distribution} > Behaviors > {pattern} > Edit: "

_TABLE: list[Rule] = []


def _rule(
    code: str,
    stage: Stage,
    status: Status,
    *,
    title: str,
    meaning: str,
    source: str,
    fix: str = "",
    others: tuple[Step, ...] = (),
    cause: Cause = Cause.DISTRIBUTION,
    cloudfront_status: int | None = None,
    reproduce: str = SHOW,
    verify: Step = DEPLOYED,
    since: dt.date | None = None,
) -> Rule:
    """Add a row to the table. `fix` is the console's step, which the command line can do too; `others` suffice each."""
    steps = (Step(text=fix, command=UPDATE_DISTRIBUTION), *others) if fix else others
    rule = Rule(
        code=f"distribution.{code}",
        cause=cause,
        stage=stage,
        status=status,
        title=title,
        meaning=meaning,
        source=source,
        reproduce=reproduce,
        remedy=Remedy(kind="one_of" if len(steps) > 1 else "steps", steps=steps),
        verify=verify,
        cloudfront_status=cloudfront_status,
        since=since,
    )
    _TABLE.append(rule)
    return rule


def _domain_rule(code: str, title: str, fix: str) -> Rule:
    return _rule(
        code,
        Stage.ORIGIN,
        Status.FAULT,
        title=title,
        meaning="An Origin Domain is a host name that public DNS resolves, and nothing else. The API refuses this one,"
        " so that the document is not what is deployed, or CloudFront cannot resolve it.",
        source=_DOMAIN,
        fix=_ORIGINS + fix,
    )


IP_ADDRESS = _domain_rule(
    "ip_address",
    "Origin {origin} has the IP address {domain} as its Origin Domain; CloudFront takes host names only.",
    "set Origin domain to a DNS name that resolves to {domain}, one that the origin's certificate carries.",
)
PORT_IN_DOMAIN = _domain_rule(
    "port_in_domain",
    "The Origin Domain of {origin}, {domain}, holds a port; ports have settings of their own.",
    "take the port out of Origin domain, and put it into HTTP port or HTTPS port.",
)
SCHEME_OR_PATH = _domain_rule(
    "scheme_or_path",
    "The Origin Domain of {origin}, {domain}, {problem}; it must be a host name alone.",
    "leave only the host name in Origin domain; the scheme is Protocol, a path goes into Origin path.",
)
NOT_A_HOST_NAME = _domain_rule(
    "not_a_host_name",
    "The Origin Domain of {origin}, {domain!r}, {problem}.",
    "set Origin domain to the origin's DNS name.",
)
TENANT_PARAMETER = _rule(
    "tenant_parameter",
    Stage.ORIGIN,
    Status.INFO,
    title="The Origin Domain of {origin}, {domain}, {problem}.",
    meaning="What CloudFront connects to depends on the tenant, so it cannot be examined from the distribution alone:"
    " examine the tenant's origin by its name.",
    source=f"{_GUIDE}/distribution-config-options.html",
)
DOMAIN_RULES: Mapping[NameProblem, Rule] = {
    NameProblem.IP_ADDRESS: IP_ADDRESS,
    NameProblem.PORT: PORT_IN_DOMAIN,
    NameProblem.SCHEME: SCHEME_OR_PATH,
    NameProblem.PATH: SCHEME_OR_PATH,
    NameProblem.EMPTY: NOT_A_HOST_NAME,
    NameProblem.TOO_LONG: NOT_A_HOST_NAME,
    NameProblem.NOT_A_NAME: NOT_A_HOST_NAME,
    NameProblem.PARAMETER: TENANT_PARAMETER,
}

TARGET_MISSING = _rule(
    "target_missing",
    Stage.BEHAVIOR,
    Status.FAULT,
    title="The target of {behavior}, {wanted}, is neither an origin nor an origin group of the distribution.",
    meaning="The API refuses this, so that the document is not what is deployed. The ids there are: {ids}.",
    source=_BEHAVIOR,
    fix=_BEHAVIORS + "choose one of these as Origin and origin groups: {ids}.",
)
MEMBER_MISSING = _rule(
    "member_missing",
    Stage.ORIGIN,
    Status.FAULT,
    title="Origin group {group} has the member {wanted}, which is no origin of the distribution.",
    meaning="The API refuses this, so that the document is not what is deployed. The origins there are: {ids}.",
    source=_FAILOVER,
    fix="CloudFront console > Distributions > {distribution} > Origins > Origin groups > {group} > Edit: choose two"
    " of these: {ids}.",
)
GROUP_SIZE = _rule(
    "group_size",
    Stage.ORIGIN,
    Status.FAULT,
    title="Origin group {group} has {count} members; CloudFront takes exactly two, a primary and a secondary.",
    meaning="The API refuses this, so that the document is not what is deployed.",
    source=_FAILOVER,
    fix="CloudFront console > Distributions > {distribution} > Origins > Origin groups > {group} > Edit: leave two"
    " origins, the primary first.",
)
FAILOVER_CRITERIA = _rule(
    "failover_criteria",
    Stage.ORIGIN,
    Status.INFO,
    title="Origin group {group} does not fail over at {missing}; it does at {codes}.",
    meaning="When the primary cannot be connected to, CloudFront turns to the secondary only if 503 is among the"
    " criteria, at a timeout only if 504 is; 502 and 504 are what viewers get for the same without a group. POST, PUT,"
    " PATCH and DELETE never fail over.",
    source=_FAILOVER,
    fix="CloudFront console > Distributions > {distribution} > Origins > Origin groups > {group} > Edit: add {missing}"
    " to Failover criteria.",
)

PORT_NOT_ALLOWED = _rule(
    "port_not_allowed",
    Stage.ORIGIN,
    Status.FAULT,
    title="{member} of origin {origin} is {port}; CloudFront takes 80, 443 and 1024 to 65535.",
    meaning="The API refuses this, so that the document is not what is deployed.",
    source=_PORT,
    fix=_ORIGINS + "set the port that the origin listens on, 80, 443 or one from 1024 to 65535.",
)
BARE_PORT = _rule(
    "origin_port_not_allowed",
    Stage.ORIGIN,
    Status.WARNING,
    title="CloudFront cannot be told to use port {port} of {domain}: it takes 80, 443 and 1024 to 65535.",
    meaning="What is seen on this port says nothing about a request of CloudFront.",
    source=_PORT,
    reproduce="curl -sv -o /dev/null --max-time 10 {protocol!q}://{domain!q}:{port}/",
    others=(Step(text="Examine the port that the distribution has for this origin.", command=SHOW),),
    verify=Step(text="Look again at the port that the distribution has."),
)
S3_WEBSITE_HTTPS = _rule(
    "s3_website_https",
    Stage.ORIGIN,
    Status.FAULT,
    title="CloudFront connects to the S3 website endpoint {domain} by HTTPS, which such endpoints do not speak.",
    meaning="Nothing answers on port {port}: connections are dropped, not refused, and viewers were seen to get 504."
    " With match-viewer this hits https viewers only.",
    source="https://github.com/aws/aws-cdk/issues/23463",
    cause=Cause.PORT,
    cloudfront_status=504,
    reproduce="curl -sv -o /dev/null --max-time 10 https://{domain!q}:{port}/",
    fix=_ORIGINS + "set Protocol to HTTP only, HTTP port 80 (OriginProtocolPolicy http-only).",
    others=(
        Step(
            text="Use the bucket's REST endpoint (BUCKET.s3.REGION.amazonaws.com) with origin access control instead"
            " of the website endpoint; it speaks HTTPS, but knows no index documents and redirects.",
        ),
    ),
    verify=Step(text="The website endpoint answers by HTTP.", command="curl -sI --max-time 10 http://{domain!q}/"),
)
SERVICE_PLAIN_HTTP = _rule(
    "service_plain_http",
    Stage.ORIGIN,
    Status.FAULT,
    title="CloudFront connects to {domain} by HTTP, port {port}; it is {kind}, which speaks HTTPS only.",
    meaning="Viewers get 502 if the port refuses the connection, 504 if it drops it. With match-viewer this hits http"
    " viewers only.",
    source=_KINDS,
    cause=Cause.PORT,
    reproduce="curl -sv -o /dev/null --max-time 10 http://{domain!q}:{port}/",
    fix=_ORIGINS + "set Protocol to HTTPS only, HTTPS port 443 (OriginProtocolPolicy https-only).",
    verify=Step(text="It answers by HTTPS.", command="curl -sI --max-time 10 https://{domain!q}/"),
)
SERVICE_PORT = _rule(
    "service_port",
    Stage.ORIGIN,
    Status.FAULT,
    title="CloudFront connects to port {port} of {domain}; it is {kind}, which listens on {standard}.",
    meaning="Viewers get 502 if the port refuses the connection, 504 if it drops it.",
    source=_KINDS,
    cause=Cause.PORT,
    reproduce="curl -sv -o /dev/null --max-time 10 {protocol!q}://{domain!q}:{port}/",
    fix=_ORIGINS + "set the port for {protocol} to {standard}.",
    verify=Step(text="It answers on the port.", command="curl -sI --max-time 10 {protocol!q}://{domain!q}:{standard}/"),
)
MEDIASTORE_ENDED = _rule(
    "mediastore_ended",
    Stage.ORIGIN,
    Status.FAULT,
    title="Origin {domain} is a MediaStore container; AWS ended MediaStore on 2025-11-13.",
    meaning="Its resources cannot be reached since. Viewers get 502 if the name no longer resolves or the connection"
    " is refused, 504 if it is dropped.",
    source="https://docs.aws.amazon.com/mediastore/latest/ug/what-is.html",
    reproduce="dig +short {domain!q}; curl -sv -o /dev/null --max-time 10 https://{domain!q}/",
    others=(
        Step(text="Move the objects to an S3 bucket (or MediaPackage for live streams), and make that the origin."),
    ),
    verify=DEPLOYED,
    since=dt.date(2025, 11, 13),
)
INTERNAL_LOAD_BALANCER = _rule(
    "internal_load_balancer",
    Stage.ORIGIN,
    Status.FAULT,
    title="Origin {domain} is an internal load balancer: it has private addresses, which CloudFront cannot reach.",
    meaning="CloudFront connects over the internet, except to VPC origins; the connection times out.",
    source=f"{_GUIDE}/private-content-vpc-origins.html",
    cause=Cause.PORT,
    cloudfront_status=504,
    reproduce="dig +short {domain!q}",
    others=(
        Step(
            text="Make the load balancer a VPC origin, and choose that in the distribution.",
            command="aws cloudfront create-vpc-origin --vpc-origin-endpoint-config file://vpc-origin.json",
        ),
        Step(text="Use an internet-facing load balancer."),
    ),
    verify=DEPLOYED,
)
AWS_NAME_HTTPS = _rule(
    "aws_name_https",
    Stage.ORIGIN,
    Status.FAULT,
    title="CloudFront asks {domain} by HTTPS for that name, which no trusted certificate can carry: it is {kind}.",
    meaning="The Origin Domain belongs to AWS, so that you cannot get a certificate for it, and the viewer's Host is"
    " not forwarded ({why}): no name can match.",
    source=_NAME,
    cause=Cause.TLS_NAME,
    cloudfront_status=502,
    reproduce="openssl s_client -connect {domain!q}:{port} -servername {domain!q} -verify_hostname {domain!q}"
    " </dev/null 2>/dev/null | openssl x509 -noout -subject -ext subjectAltName",
    others=(
        Step(
            text="Make a DNS name of your own point to {domain} (CNAME or alias), get a certificate for it on the"
            " origin, and set it as Origin domain.",
            command=UPDATE_DISTRIBUTION,
        ),
        Step(
            text="Forward Host (origin request policy AllViewer or HostHeaderOnly), and have a certificate for the"
            " viewers' name on the origin.",
        ),
        Step(text="Set Protocol to HTTP only (OriginProtocolPolicy http-only): no TLS, no certificate, no secrecy."),
    ),
    verify=Step(
        text="The certificate carries the new Origin Domain (or the viewers' name).",
        command="openssl s_client -connect {domain!q}:{port} -servername NEW_NAME -verify_hostname NEW_NAME"
        " -verify_return_error </dev/null",
    ),
)
SSLV3_ONLY = _rule(
    "sslv3_only",
    Stage.ORIGIN,
    Status.FAULT,
    title="CloudFront may use SSLv3 only with origin {origin} ({domain}): servers of today refuse it.",
    meaning="With SSLv3 chosen, CloudFront says it sends SSLv3 hellos only; the handshake fails.",
    source=f"{_GUIDE}/using-https-cloudfront-to-custom-origin.html",
    cause=Cause.TLS_PROTOCOL,
    cloudfront_status=502,
    fix=_ORIGINS + "set Minimum origin SSL protocol to TLSv1.2.",
)
SSLV3_AMONG_OTHERS = _rule(
    "sslv3_among_others",
    Stage.ORIGIN,
    Status.WARNING,
    title="Origin {origin} ({domain}) has SSLv3 among its protocols: {protocols}.",
    meaning="AWS says that with SSLv3 chosen CloudFront sends SSLv3 hellos only; whether that also holds beside other"
    " protocols is not documented. No server of today needs SSLv3.",
    source=f"{_GUIDE}/using-https-cloudfront-to-custom-origin.html",
    cause=Cause.TLS_PROTOCOL,
    fix=_ORIGINS + "set Minimum origin SSL protocol to TLSv1.2.",
)
TLS13_IN_API = _rule(
    "tls13_in_api",
    Stage.ORIGIN,
    Status.FAULT,
    title="Origin {origin} ({domain}) lists {protocols} as OriginSslProtocols; the API has no TLSv1.3 there.",
    meaning="The API refuses this (MalformedXML), so that the document is not what is deployed. TLS 1.3 needs no"
    " setting: since November 2025 CloudFront uses it with every origin that offers it.",
    source=_PROTOCOLS,
    fix='In the document, leave ["TLSv1.2"] as OriginSslProtocols; TLS 1.3 is then used too.',
)
S3_PATH_STYLE = _rule(
    "s3_path_style",
    Stage.ORIGIN,
    Status.WARNING,
    title="Origin {origin} names the S3 endpoint {domain} without a bucket (path style), which is not supported.",
    meaning="Requests go to S3 with the bucket in the path at best; answers are 403 or 404, not 502.",
    source=_KINDS,
    fix=_ORIGINS + "set Origin domain to BUCKET.s3.REGION.amazonaws.com, and take the bucket out of Origin path.",
)
S3_ACCELERATE = _rule(
    "s3_accelerate",
    Stage.ORIGIN,
    Status.WARNING,
    title="Origin {origin} names the S3 Transfer Acceleration endpoint {domain}, which CloudFront does not support.",
    meaning="Transfer Acceleration itself enters through edge locations; as an origin it is not supported.",
    source=_KINDS,
    fix=_ORIGINS + "set Origin domain to BUCKET.s3.REGION.amazonaws.com.",
)
ORIGIN_IS_OWN_NAME = _rule(
    "origin_is_own_name",
    Stage.ORIGIN,
    Status.WARNING,
    title="The Origin Domain of {origin}, {domain}, is one of the distribution's own names.",
    meaning="If that name points to CloudFront, as it must for viewers, requests go round in a circle, and CloudFront"
    " answers 403.",
    source=f"{_GUIDE}/cloudfront-limits.html",
    reproduce="dig +short {domain!q}",
    fix=_ORIGINS + "set Origin domain to a name that points to the origin itself, e.g. origin.{domain}.",
)
CHAINED = _rule(
    "chained",
    Stage.ORIGIN,
    Status.INFO,
    title="Origin {domain} is another CloudFront distribution: a 502 may come from there.",
    meaning="The answer passes two distributions; look at that one too. More than two in a row are refused with 403.",
    source=f"{_GUIDE}/cloudfront-limits.html",
    reproduce="curl -sI --max-time 10 https://{domain!q}/",
)
CUSTOM_HEADER = _rule(
    "custom_header_denied",
    Stage.ORIGIN,
    Status.WARNING,
    title="Origin {origin} has custom headers that CloudFront does not add: {headers}.",
    meaning="They are on its list of names that it keeps for itself; Host in particular cannot be set this way.",
    source=f"{_GUIDE}/add-origin-custom-headers.html#add-origin-custom-headers-denylist",
    fix=_ORIGINS + "remove {headers} from Add custom header.",
)

LEGACY_IGNORED = _rule(
    "legacy_ignored",
    Stage.BEHAVIOR,
    Status.INFO,
    title="ForwardedValues of {behavior} is ignored, since it has a cache policy.",
    meaning="Which headers are forwarded, Host among them, is decided by the policies alone.",
    source=_TOGETHER,
)
HOST_BY_CACHE_POLICY = _rule(
    "host_by_cache_policy",
    Stage.BEHAVIOR,
    Status.WARNING,
    title="{request} leaves Host out, but {cache} forwards it: requests of {behavior} bring the viewer's Host.",
    meaning="A header in the cache policy is forwarded, whatever the origin request policy says. The origin is asked"
    " for the viewer's name, by SNI too, and needs a certificate for it.",
    source=_TOGETHER,
    fix=_BEHAVIORS + "if the origin is not to see the viewer's Host, choose a cache policy without Host, e.g."
    " CachingOptimized or CachingDisabled.",
    others=(
        Step(
            text="If it is to see it, choose the origin request policy AllViewer or HostHeaderOnly, so that the"
            " configuration says what happens, and have a certificate for the viewers' name on the origin.",
        ),
    ),
)

DISABLED = _rule(
    "disabled",
    Stage.DISTRIBUTION,
    Status.INFO,
    title="Distribution {distribution} is disabled: it serves nobody.",
    meaning="What viewers get does not come from the origins below.",
    source=f"{_GUIDE}/DownloadDistValuesGeneral.html",
    fix="CloudFront console > Distributions > {distribution} > Enable.",
)
IN_PROGRESS = _rule(
    "in_progress",
    Stage.DISTRIBUTION,
    Status.INFO,
    title="A change of distribution {distribution} is being deployed: edge locations may still work by the one before.",
    meaning="What is examined is the configuration that is on its way.",
    source=f"{_GUIDE}/HowToUpdateDistribution.html",
    reproduce="aws cloudfront get-distribution --id {distribution!q} --query Distribution.Status",
    others=(Step(text="Wait for it.", command="aws cloudfront wait distribution-deployed --id {distribution!q}"),),
)
UNKNOWN_FIELDS = _rule(
    "unknown_fields",
    Stage.DISTRIBUTION,
    Status.INFO,
    title="Members of the document that are not known here were not looked at: {fields}.",
    meaning="Either AWS has added them since, or they are misspelt.",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html",
)
MALFORMED = _rule(
    "malformed",
    Stage.DISTRIBUTION,
    Status.WARNING,
    title="In the document, {where} {says}; it was left out of what is examined.",
    meaning="The API does not give or take this ({count} such places in all), so that the document was changed by hand"
    " or by a tool.",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html",
    others=(
        Step(
            text="Fetch the document again, and examine that.",
            command="aws cloudfront get-distribution --id {distribution!q} > distribution.json",
        ),
    ),
    verify=Step(text="Examine the fetched document: this warning is gone."),
)
ERROR_MASKED = _rule(
    "error_masked",
    Stage.DISTRIBUTION,
    Status.INFO,
    title="Viewers get {shown} with the page {page} in place of {error}: look at the access log for the real status.",
    meaning="A custom error response replaces the status: monitoring that counts {error} sees nothing.",
    source=f"{_GUIDE}/custom-error-pages-response-code.html",
)
OK = _rule(
    "ok",
    Stage.DISTRIBUTION,
    Status.OK,
    title="The configuration of distribution {distribution} shows no known mistake.",
    meaning="Its origins ({origins}) and the behaviors that lead there were checked against what CloudFront supports.",
    source="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html",
)

RULES: tuple[Rule, ...] = tuple(_TABLE)
