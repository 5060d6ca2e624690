"""The result codes of what an AWS account shows about the origin: load balancers, certificates, hosted zones.

Each belongs to the cause that it concerns; `cfrunbook.causes.aws_facts` judges them together.
"""

from __future__ import annotations

from cfrunbook.causes.family import Family
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
_502 = f"{_ELB}/load-balancer-troubleshooting.html#http-502-issues"
_503 = f"{_ELB}/load-balancer-troubleshooting.html#http-503-issues"
_HEALTH = f"{_ELB}/target-group-health-checks.html"
_LISTENERS = f"{_ELB}/load-balancer-listeners.html"
_ACM = "https://docs.aws.amazon.com/acm/latest/userguide"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_CONNECT = f"{_GUIDE}/cnames-and-https-requirements.html#https-requirements-certificate-issuer"
_NAMES = f"{_GUIDE}/http-502-bad-gateway.html#ssl-negotitation-failure"
_DNS = f"{_GUIDE}/http-502-bad-gateway.html#http-502-dns-error"
_PORTS = f"{_GUIDE}/DownloadDistValuesOrigin.html#DownloadDistValuesHTTPPort"

# --- targets ------------------------------------------------------------------------------------------------------

_SHOW_HEALTH = "aws elbv2 describe-target-health --region {region!q} --target-group-arn {group_arn!q}"
_targets = Family(
    Cause.ORIGIN_RESPONSE,
    Stage.HTTP,
    source=_502,
    reproduce=_SHOW_HEALTH,
    verify=Step(
        text="Every target is healthy; then request the failing URL again. CloudFront caches an error for at least"
        " 10 seconds.",
        command=_SHOW_HEALTH,
    ),
)
_TARGETS = Remedy(
    steps=(
        Step(text="Ask a target from within the VPC what the health check asks ({check}), and look at its log."),
        Step(
            text="Let its security group and network ACL take the load balancer's connections, also on the port of the"
            " health check: EC2 console > Target groups > {group} > Targets.",
        ),
        Step(
            text="If the targets are fine and the check is wrong: EC2 console > Target groups > {group} >"
            " Health checks."
        ),
    )
)
TARGETS_UNHEALTHY = _targets.rule(
    "alb_targets_unhealthy",
    Status.FAULT,
    "None of the {count} targets of target group {group} behind {balancer} is healthy: {reasons}.",
    "The load balancer then sends requests to all of them all the same. What it does not get from a target it answers"
    " itself, with 502 where the target refuses or breaks off and with 504 where it is silent; CloudFront passes that"
    " on.{depends}",
    remedy=_TARGETS,
)
SOME_UNHEALTHY = _targets.rule(
    "alb_some_targets_unhealthy",
    Status.WARNING,
    "{bad} of {count} targets of target group {group} behind {balancer} are not healthy: {reasons}.",
    "The load balancer leaves them out, but notices only after several failed checks: requests in between may have got"
    " 502 or 504.",
    source=_HEALTH,
    remedy=_TARGETS,
)
NO_TARGETS = _targets.rule(
    "alb_no_targets",
    Status.FAULT,
    "Target group {group} behind {balancer} has no target in use.",
    "The load balancer answers 503 by itself, and CloudFront passes that on; it is no 502.{depends}",
    source=_503,
    cloudfront_status=503,
    remedy=Remedy(
        steps=(
            Step(
                text="Register targets: EC2 console > Target groups > {group} > Register targets; see that their"
                " Availability Zones are enabled for the load balancer.",
                command="aws elbv2 register-targets --region {region!q} --target-group-arn {group_arn!q} --targets"
                " Id=TARGET",
            ),
        )
    ),
)

# --- listeners ----------------------------------------------------------------------------------------------------

_SHOW_LISTENERS = "aws elbv2 describe-listeners --region {region!q} --load-balancer-arn {balancer_arn!q}"
_listeners = Family(
    Cause.PORT,
    Stage.TCP,
    source=_LISTENERS,
    reproduce=_SHOW_LISTENERS,
    verify=Step(text="There is a listener of the wanted protocol on port {port}.", command=_SHOW_LISTENERS),
)
_PORT_REMEDY = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Add a listener for port {port}: EC2 console > Load balancers > {balancer} > Add listener.",
            command="aws elbv2 create-listener --region {region!q} --load-balancer-arn {balancer_arn!q} --protocol"
            " HTTPS --port {port} --certificates CertificateArn=ARN --default-actions Type=forward,TargetGroupArn=ARN",
        ),
        Step(
            text="Or let CloudFront use a port that has one ({listening}): CloudFront console > Distributions >"
            " {distribution} > Origins > {origin} > Edit.",
        ),
    ),
)
LISTENER_MISSING = _listeners.rule(
    "alb_listener_missing",
    Status.FAULT,
    "Load balancer {balancer} has no listener on port {port}, to which CloudFront connects for {domain}; it listens on"
    " {listening}.",
    "Nothing takes the connection. A load balancer is silent on such a port, which CloudFront answers with 504; where"
    " the connection is refused, it is 502.",
    cloudfront_status=504,
    remedy=_PORT_REMEDY,
)
LISTENER_NOT_TLS = _listeners.rule(
    "alb_listener_not_tls",
    Status.FAULT,
    "CloudFront speaks HTTPS to port {port} of {balancer}, and the listener there is {protocol}.",
    "The load balancer answers the TLS hello with plain HTTP, so that no handshake comes about.",
    source=_PORTS,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Make the listener HTTPS, with a certificate for the name that CloudFront asks for.",
                command="aws elbv2 modify-listener --region {region!q} --listener-arn {listener_arn!q} --protocol"
                " HTTPS --certificates CertificateArn=ARN",
            ),
            Step(
                text="Or let CloudFront use HTTP only, without secrecy: CloudFront console > Distributions >"
                " {distribution} > Origins > {origin} > Edit > Protocol.",
            ),
        ),
    ),
)
LISTENER_NOT_PLAIN = _listeners.rule(
    "alb_listener_not_plain",
    Status.WARNING,
    "CloudFront speaks plain HTTP to port {port} of {balancer}, and the listener there is {protocol}.",
    "The load balancer answers 400, which CloudFront passes on; it is no 502.",
    source=_PORTS,
    remedy=Remedy(
        steps=(
            Step(
                text="Set Protocol to HTTPS only, or the HTTP port to one that is plain: CloudFront console >"
                " Distributions > {distribution} > Origins > {origin} > Edit.",
            ),
        )
    ),
)
NOT_ACTIVE = _listeners.rule(
    "alb_not_active",
    Status.WARNING,
    "Load balancer {balancer} is {state}, not active: {reason}.",
    "It may take no connections, or only some of them: CloudFront then answers 504, or 502 where they are refused.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerState.html",
    remedy=Remedy(
        steps=(
            Step(
                text="See its state and reason; it becomes active by itself within minutes after it was made.",
                command="aws elbv2 wait load-balancer-available --region {region!q} --load-balancer-arns"
                " {balancer_arn!q}",
            ),
        )
    ),
)
TARGETS_HEALTHY = Rule(
    code="distribution.targets_healthy",
    cause=Cause.DISTRIBUTION,
    stage=Stage.ORIGIN,
    status=Status.INFO,
    title="All {count} targets behind {balancer} are healthy.",
    meaning="The load balancer reached each of them with its health check a moment ago. That says nothing about the way"
    " from CloudFront to the load balancer, nor about single requests.",
    source=_HEALTH,
    reproduce="aws elbv2 describe-target-groups --region {region!q} --load-balancer-arn {balancer_arn!q}",
)

# --- certificates -------------------------------------------------------------------------------------------------

_SHOW_CERTIFICATE = "aws acm describe-certificate --region {region!q} --certificate-arn {certificate!q}"
_certificates = Family(
    Cause.CERTIFICATE,
    Stage.CERTIFICATE,
    source=f"{_ACM}/managed-renewal.html",
    reproduce=_SHOW_CERTIFICATE,
    verify=Step(text="Status is ISSUED, and NotAfter is far enough away.", command=_SHOW_CERTIFICATE),
)
_REPLACE = Step(
    text="Request or import another certificate for {names}, and make it the listener's.",
    command="aws elbv2 modify-listener --region {region!q} --listener-arn {listener_arn!q} --certificates"
    " CertificateArn=ARN",
)
_RENEW = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Let ACM renew it: publish the CNAME records of its validation (ACM console > the certificate >"
            " Create records in Route 53), and see that a CAA record allows Amazon.",
        ),
        _REPLACE,
    ),
)
ACM_EXPIRED = _certificates.rule(
    "acm_expired",
    Status.FAULT,
    "The certificate that {balancer} presents for {sni} expired on {until}.",
    "CloudFront drops the connection to an origin whose certificate has expired.{renewal}",
    source=f"{_GUIDE}/http-502-bad-gateway.html#ssl-certificate-expired",
    remedy=_RENEW,
)
ACM_EXPIRES_SOON = _certificates.rule(
    "acm_expires_soon",
    Status.WARNING,
    "The certificate that {balancer} presents for {sni} expires on {until}.",
    "It works now. From that moment on CloudFront answers 502.{renewal}",
    remedy=_RENEW,
)
ACM_PRIVATE = _certificates.rule(
    "acm_private",
    Status.FAULT,
    "The certificate that {balancer} presents for {sni} is one of a private certificate authority.",
    "CloudFront trusts only certificates issued by a CA in Mozilla's list; no setting makes it accept another one.",
    source=_CONNECT,
    remedy=Remedy(steps=(_REPLACE,)),
)
ACM_STATUS = _certificates.rule(
    "acm_status",
    Status.WARNING,
    "ACM calls the certificate that {balancer} presents for {sni} {state}.",
    "Only one that is issued is sure to be presented and renewed.{renewal}",
    remedy=_RENEW,
)
ACM_NAME_MISSING = Family(
    Cause.TLS_NAME,
    Stage.NAME,
    source=_NAMES,
    reproduce=_SHOW_CERTIFICATE,
    verify=Step(
        text="A certificate of the listener has one of the names.",
        command="aws elbv2 describe-listener-certificates --region {region!q} --listener-arn {listener_arn!q}",
    ),
).rule(
    "acm_name_missing",
    Status.FAULT,
    "No certificate of {balancer} on port {port} has the name {acceptable}; for {sni} it presents one for {names}.",
    "CloudFront accepts a certificate only if it carries the Origin Domain or, where Host is forwarded, that name."
    "{perhaps}",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Add a certificate for {acceptable} to the listener.",
                command="aws elbv2 add-listener-certificates --region {region!q} --listener-arn {listener_arn!q}"
                " --certificates CertificateArn=ARN",
            ),
            Step(
                text="Or set Origin domain to a name that the certificate has and that leads to the load balancer:"
                " CloudFront console > Distributions > {distribution} > Origins > {origin} > Edit.",
            ),
        ),
    ),
)

# --- hosted zones -------------------------------------------------------------------------------------------------

_SHOW_ZONE = "aws route53 get-hosted-zone --id {zone_id!q} --query DelegationSet.NameServers"
_SHOW_DELEGATION = "dig +trace +nodnssec {zone!q} NS"
_zones = Family(
    Cause.DNS,
    Stage.DNS,
    source=_DNS,
    reproduce=f"{_SHOW_ZONE}\n{_SHOW_DELEGATION}",
    verify=Step(text="The name servers of both lists are the same.", command=f"{_SHOW_ZONE}\n{_SHOW_DELEGATION}"),
)
_DELEGATE = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Put the name servers of zone {zone_id} ({servers}) where {zone} is delegated: at its registrar, or as"
            " the NS record in the zone above.",
        ),
        Step(text="Or make the record for {domain} where the delegation leads: {delegated}."),
    ),
)
NOT_DELEGATED = _zones.rule(
    "route53_not_delegated",
    Status.FAULT,
    "Hosted zone {zone_id} of {zone} is not the one that the world asks: {zone} is delegated to {delegated}.",
    "Records in it, that for {domain} among them, have no effect. A zone that was deleted and made again has other name"
    " servers than before.{resolves}",
    remedy=_DELEGATE,
)
DELEGATION_DIFFERS = _zones.rule(
    "route53_delegation_differs",
    Status.WARNING,
    "{zone} is delegated to {delegated}, of which {others} are not name servers of its hosted zone {zone_id}.",
    "Some resolvers ask a server that may not hold the zone, or an old copy of it: some requests may then get 502.",
    remedy=Remedy(
        steps=(Step(text="Leave exactly these where {zone} is delegated (registrar, or the zone above): {servers}."),)
    ),
)
DUPLICATE_ZONES = _zones.rule(
    "route53_duplicate_zones",
    Status.WARNING,
    "This account has {count} public hosted zones of the name {zone}: {ids}. {which}",
    "Only one of them can be the one that the world asks; a record for {domain} made in another has no effect.",
    reproduce="aws route53 list-hosted-zones-by-name --dns-name {zone!q}",
    remedy=Remedy(
        steps=(
            Step(text="Find the one that is delegated, and make every record there.", command=_SHOW_DELEGATION),
            Step(text="Delete the others once nothing uses them."),
        )
    ),
)
RECORD_MISSING = _zones.rule(
    "route53_record_missing",
    Status.FAULT,
    "Hosted zone {zone_id} of {zone}, which is the one that the world asks, has no record for {domain}.",
    "So CloudFront finds no address.",
    reproduce="aws route53 list-resource-record-sets --hosted-zone-id {zone_id!q} --start-record-name {domain!q}"
    " --max-items 3",
    verify=Step(text="The name has an address.", command="dig +short {domain!q}"),
    remedy=Remedy(
        steps=(
            Step(
                text="Make the record: Route 53 console > Hosted zones > {zone} ({zone_id}) > Create record.",
            ),
        )
    ),
)
PRIVATE_ONLY = _zones.rule(
    "route53_private_only",
    Status.FAULT,
    "{domain} is in the private hosted zone {zone_id} of {zone} only; CloudFront resolves names in public DNS.",
    "What resolves inside the VPC does not for CloudFront.{resolves}",
    reproduce="dig +short {domain!q} @1.1.1.1",
    verify=Step(text="The name has an address in public DNS.", command="dig +short {domain!q} @1.1.1.1"),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Make a record for {domain} in the public zone of the name."),
            Step(text="Or, for an origin that is to stay private, make it a VPC origin."),
        ),
    ),
)

RULES: tuple[Rule, ...] = (
    TARGETS_UNHEALTHY,
    SOME_UNHEALTHY,
    NO_TARGETS,
    LISTENER_MISSING,
    LISTENER_NOT_TLS,
    LISTENER_NOT_PLAIN,
    NOT_ACTIVE,
    TARGETS_HEALTHY,
    ACM_EXPIRED,
    ACM_EXPIRES_SOON,
    ACM_PRIVATE,
    ACM_STATUS,
    ACM_NAME_MISSING,
    NOT_DELEGATED,
    DELEGATION_DIFFERS,
    DUPLICATE_ZONES,
    RECORD_MISSING,
    PRIVATE_ONLY,
)
