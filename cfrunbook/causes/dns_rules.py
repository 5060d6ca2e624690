"""Result codes of the cause "dns" where a resolver is all there is to go by: what it says is one view of public DNS.

`{resolver}` is who says it. A resolver's error is unknown, not a fault: the name servers themselves say more.
"""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
IPV6_PAGE = _GUIDE + "cloudfront-enable-ipv6.html"
VPC_PAGE = _GUIDE + "private-content-vpc-origins.html"

_DIG = "dig {server!q} -p {server_port!q} {name!q} A {name!q} AAAA"
_PUBLIC = "dig @1.1.1.1 {name!q} {kind!q} && dig @8.8.8.8 {name!q} {kind!q}"
_ASK_ALL = (
    "CloudFront uses public DNS: ask every name server of the zone itself. `dig +trace {name!q} {kind}` lists them;"
    " then `dig @NAMESERVER {name!q} {kind}` for each. Compare with public resolvers: `dig @1.1.1.1 {name!q} {kind}`."
)
_RESOLVES = Step(
    text="Public resolvers give the address; those that cached the error do so only after its TTL.", command=_PUBLIC
)
_CORRECT_NAME = Step(
    text="If the name is wrong: CloudFront console > the distribution > Origins > {origin} > Edit: correct Origin"
    " domain (DomainName).",
)
_CREATE_RECORD = Step(
    text="If the name is right: create the record in its zone; Amazon Route 53:",
    command='aws route53 change-resource-record-sets --hosted-zone-id "$HOSTED_ZONE" --change-batch'
    ' \'{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{record}","Type":"{kind}","TTL":60,'
    '"ResourceRecords":[{{"Value":"ORIGIN_ADDRESS"}}]}}}}]}}\'',
)
_DELEGATION = Step(
    text="See that the domain is registered and its registrar names the servers of the zone that holds the record"
    " (two hosted zones of one name are a common mistake).",
    command='aws route53 get-hosted-zone --id "$HOSTED_ZONE" --query DelegationSet.NameServers',
)


def _rule(code: str, status: Status, title: str, meaning: str, **more: Any) -> Rule:
    fields: dict[str, Any] = {
        "source": AWS_PAGE,
        "reproduce": _DIG,
        "verify": _RESOLVES,
        "cloudfront_status": 502,
        "remedy": Remedy(steps=(_CORRECT_NAME, _CREATE_RECORD, _DELEGATION)),
        **more,
    }
    return Rule(
        code=f"dns.{code}", cause=Cause.DNS, stage=Stage.DNS, status=status, title=title, meaning=meaning, **fields
    )


def _unresolved(code: str, title: str, meaning: str, **more: Any) -> Rule:
    return _rule(code, Status.UNKNOWN, title, meaning, next_check=_ASK_ALL, **more)


PRIVATE_ADDRESS = _rule(
    "private_address",
    Status.UNKNOWN,
    "{name} resolves to {addresses}{share}, a {purpose} ({rfc}), and CloudFront cannot reach that.",
    "CloudFront connects over the internet. If public DNS gives this address too, the connection never comes about and"
    " viewers get 504. A resolver inside a VPC or company may give another address than public DNS does.",
    source=VPC_PAGE,
    cloudfront_status=504,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Let the public DNS record name a public address, such as an internet-facing load balancer's."),
            Step(
                text="Keep the origin private and make it a VPC origin: CloudFront console > VPC origins > Create, then"
                " choose it as Origin domain of {origin}.",
                command="aws cloudfront create-vpc-origin --vpc-origin-endpoint-config"
                ' "Name=$NAME,Arn=$LOAD_BALANCER_ARN,HTTPPort=80,HTTPSPort=443,OriginProtocolPolicy=https-only"',
            ),
        ),
    ),
    verify=Step(text="Public resolvers give a public address.", command=_PUBLIC),
    next_check="Ask a public resolver, from outside the VPC or company network: dig @1.1.1.1 {name!q} {kind}",
)
WRONG_FAMILY = _rule(
    "wrong_family",
    Status.FAULT,
    "{name} has only {other} addresses ({addresses}), and CloudFront connects to this origin over {family} only.",
    "There is no address that CloudFront may use. That it answers 502 for this, as for a name without any address, is"
    " inferred; AWS does not say so.",
    source=IPV6_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="CloudFront console > the distribution > Origins > {origin} > Edit: set IP address type to"
                " dualstack or {other} (IpAddressType in CustomOriginConfig).",
            ),
            _CREATE_RECORD,
        ),
    ),
)
NXDOMAIN = _unresolved(
    "resolver_nxdomain",
    "{name} does not exist, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). The name is misspelt, its record was"
    " deleted, or the domain has expired.",
)
DANGLING_ALIAS = _unresolved(
    "resolver_dangling_alias",
    "{name} is an alias of {alias}, which does not exist, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). What the alias points to was deleted or"
    " renamed; whoever can create that name takes over the origin.",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Point the alias {name} to the present name of the load balancer or service, or remove it."),
            _CORRECT_NAME,
        ),
    ),
)
NODATA = _unresolved(
    "resolver_nodata",
    "{name} exists but has no address, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). A record of another type exists, or only"
    " names below this one.",
)
SERVFAIL = _unresolved(
    "resolver_servfail",
    "{resolver_capital} cannot resolve {name}: SERVFAIL.",
    "The name servers of the zone do not answer, answer wrongly, or DNSSEC does not validate. CloudFront answers 502"
    " where it meets the same.",
    remedy=Remedy(
        steps=(
            _DELEGATION,
            Step(
                text="Tell DNSSEC from dead servers: if only +cd (checking disabled) gives an answer, the DS record at"
                " the registrar and the zone's keys do not fit.",
                command="dig +cd @1.1.1.1 {name!q} {kind!q}; dig @1.1.1.1 {name!q} {kind!q}",
            ),
        )
    ),
)
REFUSED = _unresolved(
    "resolver_refused",
    "{resolver_capital} refuses to resolve {name}.",
    "Resolvers refuse clients that they do not serve; name servers refuse zones that they do not hold. It says little"
    " about the name itself.",
)
TIMEOUT = _unresolved(
    "resolver_timeout",
    "{resolver_capital} did not say within {seconds} s what addresses {name} has.",
    "Either this machine's way to its resolver is broken, or the name servers of the zone do not answer. In the second"
    " case CloudFront answers 502.",
)
NOT_ASKED = _unresolved(
    "not_asked",
    "{name} could not be resolved from here, by {resolver}: {detail}.",
    "This says nothing about the name: asking failed.",
)
LOCALHOST = _rule(
    "localhost",
    Status.INFO,
    "{name} is this machine itself ({addresses}): no CloudFront reaches it there.",
    "localhost names are loopback by definition (RFC 6761). The origin is examined as it stands.",
    cloudfront_status=None,
    remedy=Remedy(),
)
OK = _rule(
    "ok",
    Status.OK,
    "{name} resolves to {addresses}{through}, says {resolver}.",
    "There is an address of the family that CloudFront uses for this origin ({family}), and it is a public one.",
    cloudfront_status=None,
    remedy=Remedy(),
)
RULES: tuple[Rule, ...] = (
    PRIVATE_ADDRESS,
    WRONG_FAMILY,
    NXDOMAIN,
    DANGLING_ALIAS,
    NODATA,
    SERVFAIL,
    REFUSED,
    TIMEOUT,
    NOT_ASKED,
    LOCALHOST,
    OK,
)
