"""Changes of a distribution that wait for somebody's word: what is wrong with them shows before CloudFront has them.

In each, CloudFront still serves by the distribution before, so the edge answers 200; what is given is the changed one.
Most such mistakes CloudFront's API refuses and the console sets right, so they are met in files and templates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import ALL_VIEWER_EXCEPT_HOST_HEADER
from cfrunbook.lab.scenario import (
    HEALTHY,
    ORIGIN,
    VIEWER_HOST,
    Difficulty,
    Expected,
    OriginSetup,
    Scenario,
    Setup,
    web,
)
from cfrunbook.lab.servers import Chain, Closed, Http, Tls

_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_ORIGIN: Final = _GUIDE + "DownloadDistValuesOrigin.html"
_BEHAVIOR: Final = _GUIDE + "DownloadDistValuesCacheBehavior.html"
_GENERAL: Final = _GUIDE + "DownloadDistValuesGeneral.html"
_FAILOVER: Final = _GUIDE + "high_availability_origin_failover.html"
_STAGING: Final = _GUIDE + "continuous-deployment.html"
_S3: Final = _GUIDE + "DownloadDistS3AndCustomOrigins.html"
_ERRORS: Final = _GUIDE + "GeneratingCustomErrorResponses.html"
_REGION: Final = "eu-west-1"
_STAGING_NAME: Final = "d999999abcdef8.cloudfront.net"
_POLICY_ID: Final = "11111111-aaaa-bbbb-cccc-222222222222"
_CACHE_WITH_HOST: Final = "83da9c7e-98b4-4e11-a168-04f0df8e2c65"  # UseOriginCacheControlHeaders

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One change, and what is to be found in it."""

    code: str
    """The result code that it shows, without its cause."""
    title: str
    ticket: str
    hint: str
    why: str
    change: Callable[[Document], None]
    """Changes a DistributionConfig."""
    expected: Expected = HEALTHY
    page: str = _ORIGIN
    relocated: tuple[str, ...] = ()
    """Names that the change brings in."""
    policies: tuple[Document, ...] = field(default=())
    port: int = 0
    """A port that the change brings in; nothing listens there."""
    secure: bool = False
    """CloudFront speaks HTTPS to the origin; else HTTP, where it makes no difference."""
    standby: bool = False
    """There is an origin group."""
    difficulty: Difficulty = Difficulty.EASY


def _fault(code: str, cause: Cause = Cause.DISTRIBUTION, status: int | None = None) -> Expected:
    return Expected("fault", cause, f"distribution.{code}", status, frozenset({200}))


def _items(*values: Any) -> Document:
    return {"Quantity": len(values), "Items": list(values)}


def _origin(**settings: Any) -> Callable[[Document], None]:
    """Return a change of the first origin."""

    def change(config: Document) -> None:
        config["Origins"]["Items"][0].update(settings)

    return change


def _custom(domain: str = "", **settings: Any) -> Callable[[Document], None]:
    """Return a change of the first origin's connection settings, and of its name."""

    def change(config: Document) -> None:
        origin = config["Origins"]["Items"][0]
        origin["CustomOriginConfig"].update(settings)
        origin["DomainName"] = domain or origin["DomainName"]

    return change


def _behavior(**settings: Any) -> Callable[[Document], None]:
    def change(config: Document) -> None:
        config["DefaultCacheBehavior"].update(settings)

    return change


def _config(**settings: Any) -> Callable[[Document], None]:
    def change(config: Document) -> None:
        config.update(settings)

    return change


def _group(**settings: Any) -> Callable[[Document], None]:
    def change(config: Document) -> None:
        config["OriginGroups"]["Items"][0].update(settings)

    return change


def _policy(*, enabled: bool) -> Document:
    traffic = {"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.05}}
    named = {"StagingDistributionDnsNames": _items(_STAGING_NAME), "Enabled": enabled, "TrafficConfig": traffic}
    return {"ContinuousDeploymentPolicy": {"Id": _POLICY_ID, "ContinuousDeploymentPolicyConfig": named}}


_NO_PORT = (
    "Ticket: the pipeline's file is below. The shop listens on port 3000, so that went into the name. Will it work?"
)

ROWS: Final = (
    Row(
        "ip_address",
        "The Origin Domain is an IP address",
        "Ticket: to be rid of DNS we put the server's address into the template. May it go out?",
        "What kinds of names does CloudFront take as Origin Domain?",
        "After an outage of DNS, an address looks safer than a name. CloudFront takes names only.",
        _custom("203.0.113.10"),
        _fault("ip_address"),
    ),
    Row(
        "port_in_domain",
        "The Origin Domain has a port in it",
        _NO_PORT,
        "Where does a distribution say which port CloudFront connects to?",
        "In most configurations host:port is one value.",
        _custom(f"{ORIGIN}:3000"),
        _fault("port_in_domain"),
    ),
    Row(
        "scheme_or_path",
        "The Origin Domain is a URL",
        "Ticket: the template takes the origin from the same variable as the health check. May it go out?",
        "Compare the Origin Domain with a host name, letter by letter.",
        "A variable ORIGIN_URL is put where a host name is asked for.",
        _custom(f"https://{ORIGIN}/"),
        _fault("scheme_or_path"),
    ),
    Row(
        "not_a_host_name",
        "The Origin Domain is no host name",
        "Ticket: the template was generated for a new environment. The diff is one line. May it go out?",
        "Which letters may a host name have?",
        "A template's variable was empty, or had a space in it, and nobody reads generated files.",
        _custom("origin shop example"),
        _fault("not_a_host_name"),
    ),
    Row(
        "tenant_parameter",
        "The Origin Domain holds a parameter that each tenant fills in",
        "Ticket: whose origin is this? The name cannot be looked up by anybody here.",
        "What do two braces mean in a multi-tenant distribution?",
        "A distribution for many tenants names no origin by itself: its tenants' parameters do.",
        _custom("{{tenant}}.shop.example"),
        Expected("unknown", None, None, None),
        _GUIDE + "tenant-customization.html",
    ),
    Row(
        "target_missing",
        "The behavior's target is no origin of the distribution",
        "Ticket: an origin was renamed in the template, and validation is green. May it go out?",
        "Follow the behavior's TargetOriginId to the list of origins.",
        "An origin's id was changed in one place of two.",
        _behavior(TargetOriginId="shop-origin-v2"),
        _fault("target_missing"),
        _BEHAVIOR,
    ),
    Row(
        "member_missing",
        "A member of the origin group is no origin of the distribution",
        "Ticket: the standby got a new id. The site has two origins, as before. May it go out?",
        "Follow each member of the group to the list of origins.",
        "Ids are written twice, and the group is far down in the file.",
        _group(Members=_items({"OriginId": "shop-origin"}, {"OriginId": "shop-standby-2"})),
        _fault("member_missing"),
        _FAILOVER,
        standby=True,
    ),
    Row(
        "group_size",
        "The origin group has one member",
        "Ticket: the standby is being rebuilt, so it was taken out of the group for today. May it go out?",
        "How many members does an origin group have?",
        "Taking a member out seems the careful thing to do; a group has exactly two.",
        _group(Members=_items({"OriginId": "shop-origin"})),
        _fault("group_size"),
        _FAILOVER,
        standby=True,
    ),
    Row(
        "port_not_allowed",
        "The origin's port is one that CloudFront does not connect to",
        "Ticket: the appliance has its second listener on 444. One number in the template. May it go out?",
        "Which ports does CloudFront connect to?",
        "444 is the usual second port of appliances; CloudFront takes 80, 443 and 1024 to 65535.",
        _custom(HTTPSPort=444),
        _fault("port_not_allowed"),
        port=444,
        secure=True,
    ),
    Row(
        "service_plain_http",
        "CloudFront would speak plain HTTP to a service that has HTTPS only",
        "Ticket: the shop moves to API Gateway. All settings of the origin stay as they were. May it go out?",
        "Which protocols does that service speak?",
        "The old origin was http-only, and the new one was put into its place.",
        _custom(f"abc123.execute-api.{_REGION}.amazonaws.com", OriginProtocolPolicy="http-only"),
        Expected("fault", Cause.PORT, "distribution.service_plain_http", None, frozenset({200})),
        relocated=(f"abc123.execute-api.{_REGION}.amazonaws.com",),
        difficulty=Difficulty.MEDIUM,
        secure=True,
    ),
    Row(
        "service_port",
        "CloudFront would connect to a port at which that service does not listen",
        "Ticket: the shop moves to a function URL. All settings of the origin stay as they were. May it go out?",
        "At which port does that service listen?",
        "The old origin had a port of its own, and the new one was put into its place.",
        _custom(f"abc123.lambda-url.{_REGION}.on.aws", HTTPSPort=8443),
        Expected("fault", Cause.PORT, "distribution.service_port", None, frozenset({200})),
        relocated=(f"abc123.lambda-url.{_REGION}.on.aws",),
        port=8443,
        difficulty=Difficulty.MEDIUM,
        secure=True,
    ),
    Row(
        "mediastore_ended",
        "The origin is a container of a service that has ended",
        "Ticket: the archive's old distribution is to be switched on again. May it go out?",
        "Does the origin's service still exist?",
        "AWS ended MediaStore in November 2025; templates keep its names.",
        _custom(f"abc123.data.mediastore.{_REGION}.amazonaws.com"),
        _fault("mediastore_ended"),
        _S3,
        relocated=(f"abc123.data.mediastore.{_REGION}.amazonaws.com",),
        secure=True,
    ),
    Row(
        "internal_load_balancer",
        "The origin is an internal load balancer",
        "Ticket: the balancer of the new environment is up, and its targets are healthy. May it go out?",
        "Read the balancer's name. Who can reach it?",
        "The scheme of a load balancer is one line in a template; its name begins with internal- then.",
        _custom(f"internal-shop-1.{_REGION}.elb.amazonaws.com", OriginProtocolPolicy="http-only"),
        Expected("fault", Cause.PORT, "distribution.internal_load_balancer", 504, frozenset({200})),
        relocated=(f"internal-shop-1.{_REGION}.elb.amazonaws.com",),
        secure=True,
    ),
    Row(
        "aws_name_https",
        "CloudFront would ask for a load balancer's own name by HTTPS",
        "Ticket: the balancer has our certificate on 443, and Origin Domain is the balancer's name. May it go out?",
        "Whose name must be on the certificate, where the viewer's Host is not forwarded?",
        "The console offers the balancer's name, and no certificate for that name can be had.",
        _custom(f"shop-1.{_REGION}.elb.amazonaws.com"),
        Expected("fault", Cause.TLS_NAME, "distribution.aws_name_https", 502, frozenset({200})),
        relocated=(f"shop-1.{_REGION}.elb.amazonaws.com",),
        difficulty=Difficulty.MEDIUM,
        secure=True,
    ),
    Row(
        "sslv3_only",
        "CloudFront may use nothing but SSLv3",
        "Ticket: the security template now lists the protocols itself. May it go out?",
        "Which versions may CloudFront use with the origin, and which does any server of today speak?",
        "A list of what is forbidden was put where the list of what is allowed belongs.",
        _custom(OriginSslProtocols=_items("SSLv3")),
        Expected("fault", Cause.TLS_PROTOCOL, "distribution.sslv3_only", 502, frozenset({200})),
        secure=True,
    ),
    Row(
        "sslv3_among_others",
        "SSLv3 is among the protocols that CloudFront may use",
        "Ticket: an auditor found SSLv3 in the distribution. Is that why there were errors?",
        "Which version do CloudFront and this origin agree on?",
        "Old distributions have it, and the highest version that both speak is used anyway.",
        _custom(OriginSslProtocols=_items("SSLv3", "TLSv1.2")),
        secure=True,
    ),
    Row(
        "tls13_in_api",
        "TLSv1.3 is listed where the API does not have it",
        "Ticket: CloudFront speaks TLS 1.3 with origins now, so we added it to the list. May it go out?",
        "Which values has OriginSslProtocols in the API?",
        "CloudFront uses TLS 1.3 by itself, whatever the list says; there is no value for it.",
        _custom(OriginSslProtocols=_items("TLSv1.2", "TLSv1.3")),
        _fault("tls13_in_api"),
        secure=True,
    ),
    Row(
        "s3_path_style",
        "The origin is S3's endpoint, without the bucket",
        "Ticket: the bucket's name went into the origin path, as in our scripts. May it go out?",
        "Where does CloudFront want the name of a bucket?",
        "Scripts of old name a bucket behind the endpoint; CloudFront wants it before.",
        _custom(f"s3.{_REGION}.amazonaws.com"),
        page=_S3,
        relocated=(f"s3.{_REGION}.amazonaws.com",),
    ),
    Row(
        "s3_accelerate",
        "The origin is S3's endpoint for accelerated transfer",
        "Ticket: faster is better, so the bucket's accelerated name went in. May it go out?",
        "Which of a bucket's names does CloudFront support?",
        "The accelerated endpoint is CloudFront itself, one more time.",
        _custom("shop.s3-accelerate.amazonaws.com"),
        page=_S3,
        relocated=("shop.s3-accelerate.amazonaws.com",),
    ),
    Row(
        "origin_is_own_name",
        "The Origin Domain is one of the distribution's own names",
        "Ticket: there is one name too many, so the origin is now www.shop.example as well. May it go out?",
        "Where does that name lead, once DNS points it to CloudFront?",
        "Before the move to CloudFront, the name was the server's.",
        _custom(VIEWER_HOST),
        relocated=(VIEWER_HOST,),
        difficulty=Difficulty.MEDIUM,
    ),
    Row(
        "chained",
        "The origin is another distribution",
        "Ticket: the team next door has a distribution for all of us; ours shall go through it. May it go out?",
        "Who makes the error, where two distributions are one behind the other?",
        "Platform teams put a distribution before everything, and product teams have one already.",
        _custom("d222222abcdef8.cloudfront.net"),
        relocated=("d222222abcdef8.cloudfront.net",),
    ),
    Row(
        "custom_header_denied",
        "The origin has a custom header that CloudFront does not add",
        "Ticket: the origin wants its own Host, so we add it as a custom header. May it go out?",
        "Which headers may not be added?",
        "A web server's virtual hosts want a name, and a custom header seems the place for it.",
        _origin(CustomHeaders=_items({"HeaderName": "Host", "HeaderValue": "shop.internal.example"})),
        page=_GUIDE + "add-origin-custom-headers.html",
    ),
    Row(
        "legacy_ignored",
        "Settings of old stand beside the policy that took their place",
        "Ticket: the Host header is forwarded by ForwardedValues, and the origin does not get it. Why?",
        "Which of the two counts: ForwardedValues, or the cache policy?",
        "Templates are added to, and what was there before stays.",
        _behavior(ForwardedValues={"QueryString": True, "Cookies": {"Forward": "none"}, "Headers": _items("Host")}),
        page=_BEHAVIOR,
    ),
    Row(
        "host_by_cache_policy",
        "The cache policy forwards Host, and the origin request policy leaves it out",
        "Ticket: the origin request policy says AllViewerExceptHostHeader. Which Host does the origin get?",
        "What does the cache policy do with Host?",
        "Whatever is in the cache key is sent to the origin, too.",
        _behavior(CachePolicyId=_CACHE_WITH_HOST, OriginRequestPolicyId=ALL_VIEWER_EXCEPT_HOST_HEADER),
        page=_GUIDE + "controlling-origin-requests.html",
        difficulty=Difficulty.HARD,
        secure=True,
    ),
    Row(
        "disabled",
        "The distribution is disabled",
        "Ticket: www.shop.example is gone for everybody, and the origin is up. What happened?",
        "Does the distribution serve anybody?",
        "A distribution has to be disabled before it can be deleted, and somebody chose the wrong one.",
        _config(Enabled=False),
        page=_GENERAL,
    ),
    Row(
        "unknown_fields",
        "The document has members that are not known here",
        "Ticket: this is what our tool exports, with its own notes in it. Is anything wrong with it?",
        "Which members has a DistributionConfig?",
        "Tools keep their own state beside the API's, and AWS adds members every year.",
        _config(TerraformState={"serial": 42}),
        page=_GENERAL,
    ),
    Row(
        "malformed",
        "A part of the document does not have its shape",
        "Ticket: the file was edited by hand and is valid JSON. Is anything wrong with it?",
        "What does a list look like in CloudFront's API?",
        "Lists of CloudFront's API are Quantity and Items, and people write something else.",
        _config(CustomErrorResponses="none"),
        page=_GENERAL,
    ),
    Row(
        "error_masked",
        "Viewers get a page with 200 in place of 502",
        "Ticket: monitoring never saw a 502, customers see a blank shop. How can that be?",
        "What does the distribution do with errors?",
        "Single-page applications answer every error with /index.html and 200.",
        _config(
            CustomErrorResponses=_items(
                {
                    "ErrorCode": 502,
                    "ResponseCode": "200",
                    "ResponsePagePath": "/index.html",
                    "ErrorCachingMinTTL": 10,
                }
            )
        ),
        page=_ERRORS,
        difficulty=Difficulty.MEDIUM,
    ),
    Row(
        "continuous_deployment",
        "Some requests go to a staging distribution",
        "Ticket: one of twenty viewers has errors, and the distribution has none. Where are the others sent?",
        "Which other distribution has a part in this?",
        "A continuous deployment policy sends a share of viewers to another configuration, days after the release too.",
        _config(ContinuousDeploymentPolicyId=_POLICY_ID),
        page=_STAGING,
        policies=(_policy(enabled=True),),
        difficulty=Difficulty.MEDIUM,
    ),
    Row(
        "continuous_deployment_unknown",
        "A continuous deployment policy is named, and was not given",
        "Ticket: one of twenty viewers has errors, and the distribution has none. What else is needed?",
        "Which other document does the distribution name?",
        "get-distribution does not say what the policy does; get-continuous-deployment-policy does.",
        _config(ContinuousDeploymentPolicyId=_POLICY_ID),
        page=_STAGING,
        difficulty=Difficulty.MEDIUM,
    ),
    Row(
        "continuous_deployment_disabled",
        "The continuous deployment policy is disabled",
        "Ticket: there is a staging distribution with a broken origin. Does anybody get there?",
        "Is the policy that leads there enabled?",
        "After a release the policy is disabled, and the staging distribution stays.",
        _config(ContinuousDeploymentPolicyId=_POLICY_ID),
        page=_STAGING,
        policies=(_policy(enabled=False),),
    ),
    Row(
        "staging",
        "It is a staging distribution",
        "Ticket: this distribution answers nobody who asks it by its name. Is its origin broken?",
        "Who reaches a staging distribution, and how?",
        "Staging distributions answer only what their primary one sends on.",
        _config(Staging=True),
        page=_STAGING,
    ),
    Row(
        "in_progress",
        "A change is still being deployed",
        "Ticket: the origin was set right five minutes ago, and some locations still fail. Is it not fixed?",
        "What does Status say?",
        "A change takes minutes to get to every edge location; until then both are served.",
        _config(),
        page=_GENERAL,
    ),
)


def name_of(code: str) -> str:
    """Return the name of the scenario that shows a result code, given without its cause."""
    return f"change-{code}".replace("_", "-")


def _scenario(row: Row) -> Scenario:
    def revise(document: Document) -> None:
        row.change(document["Distribution"]["DistributionConfig"])
        if row.code == "in_progress":
            document["Distribution"]["Status"] = "InProgress"

    def set_up(authority: Authority) -> Setup:
        names = [name for name in row.relocated if len(name) < 64]
        services = [name for name in names if not name.endswith("elb.amazonaws.com")]
        if row.secure:
            origin = web(Tls(Chain((authority.leaf(ORIGIN, *services), authority.intermediate))))
        else:
            origin = OriginSetup(({80: Http(), 443: Closed()},), protocol_policy="http-only")
        if row.port:
            origin = replace(origin, addresses=tuple({**ports, row.port: Closed()} for ports in origin.addresses))
        standby = replace(origin, id="shop-standby", domain="standby.shop.example")
        return Setup(
            origin,
            secondary=standby if row.standby else None,
            policies=row.policies,
            revise=revise,
            relocated=row.relocated,
        )

    return Scenario(
        name=name_of(row.code),
        title=row.title,
        story=("11:20 REVIEW  A change of the distribution of www.shop.example waits for your word.", row.ticket),
        difficulty=row.difficulty,
        expected=row.expected,
        hints=(
            "Read what would be deployed, not what is.",
            "Go through the way of a request: behavior, origin, name, port, protocol, policies.",
            row.hint,
        ),
        why_in_real_life=row.why,
        page=row.page,
        set_up=set_up,
    )


SCENARIOS = tuple(map(_scenario, ROWS))
