"""Result codes of the cause "dns" about what name servers say of a name: what each says, how to see, fix and prove it.

`{name}` is the Origin Domain, `{hop}` the name in its chain of aliases that the finding is about, `{zone}` the zone
that holds it and `{server}` and `{server_port}` one of that zone's servers.
"""

from __future__ import annotations

from typing import Any

from cfrunbook.causes import dns_server_rules as servers
from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

AWS_PAGE = servers.AWS_PAGE
NXDOMAIN_PAGE = "https://repost.aws/knowledge-center/route-53-troubleshoot-nxdomain-responses"
UNREACHABLE_PAGE = "https://repost.aws/knowledge-center/route-53-dns-website-unreachable"
_ALIAS_PAGE = (
    "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html"
)
_DNSSEC_PAGE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-configuring-dnssec-troubleshoot.html"
_RFC = "https://www.rfc-editor.org/rfc/"

_DIG = "dig +norecurse {server!q} -p {server_port!q} {hop!q} {kind!q}"
_DIG_PARENT = "dig +norecurse {parent_server!q} -p {parent_port!q} {zone!q} NS"
_PUBLIC = "dig @1.1.1.1 {name!q} {kind!q} && dig @8.8.8.8 {name!q} {kind!q}"
_FLUSH = "unbound-control flush {name!q} || rndc flushname {name!q} || resolvectl flush-caches"
_DELV = "delv {name!q} {kind!q}"
_DS_AND_SIGNED = (
    "dig +norecurse +dnssec +multiline {parent_server!q} -p {parent_port!q} {zone!q} DS;"
    " dig +norecurse +dnssec +multiline {server!q} -p {server_port!q} {asked!q} {asked_type!q}"
)
_VERIFY = Step(
    text="The zone's own server gives the address; resolvers that cached the error do so only after its TTL.",
    command=_DIG,
)
CORRECT_NAME = Step(
    text="If the name is wrong: CloudFront console > the distribution > Origins > {origin} > Edit: correct Origin"
    " domain (DomainName).",
)
CREATE_RECORD = Step(
    text="If the name is right: create the record in the zone {zone}. Amazon Route 53 (HOSTED_ZONE: next step):",
    command='aws route53 change-resource-record-sets --hosted-zone-id "$HOSTED_ZONE" --change-batch'
    ' \'{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{record}","Type":"{kind}","TTL":60,'
    '"ResourceRecords":[{{"Value":"ORIGIN_ADDRESS"}}]}}}}]}}\'',
)
_HOSTED_ZONE = Step(
    text="If the record is there already: it is in another zone of that name, to which the zone above does not point."
    " Amazon Route 53: the hosted zone that counts is the one with the name servers {listed_servers}.",
    command=servers.HOSTED_ZONES,
)
_CHANGE_ALIAS = Step(
    text="Point {alias_owner} to the present name of the load balancer, bucket or service, or delete the record."
)


def _rule(code: str, title: str, meaning: str, *, status: Status = Status.FAULT, **more: Any) -> Rule:
    fields: dict[str, Any] = {
        "source": AWS_PAGE,
        "reproduce": _DIG,
        "verify": _VERIFY,
        "cloudfront_status": 502 if status is Status.FAULT else None,
        "remedy": Remedy(steps=(CORRECT_NAME, CREATE_RECORD, _HOSTED_ZONE)),
        **more,
    }
    return Rule(
        code=f"dns.{code}", cause=Cause.DNS, stage=Stage.DNS, status=status, title=title, meaning=meaning, **fields
    )


NXDOMAIN = _rule(
    "nxdomain",
    "{name} does not exist: the zone {zone} (serial {serial}) says so at {servers}.",
    "The zone's own servers deny the name, so every resolver does. It is misspelt in the distribution, or its record"
    " was deleted or never created in this zone.",
    source=NXDOMAIN_PAGE,
)
NOT_DELEGATED = _rule(
    "not_delegated",
    "The domain of {name} does not exist: {zone} does not delegate it.",
    "The zone above, not the domain's own servers, denies the name: the domain has expired, is on hold at the registry"
    " (clientHold, serverHold), was never registered, or is misspelt. Records in its zone are of no use until then.",
    source=NXDOMAIN_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="At the registrar: see expiry and status of the domain, and renew it or lift the hold.",
                command="aws route53domains get-domain-detail --region us-east-1 --domain-name {domain!q}"
                " --query '[ExpirationDate,StatusList]'",
            ),
            CORRECT_NAME,
        ),
    ),
    verify=Step(
        text="The zone above names the domain's servers.",
        command="dig +norecurse {server!q} -p {server_port!q} {domain!q} NS",
    ),
)
NODATA = _rule(
    "nodata",
    "{hop} exists in the zone {zone} (serial {serial}) but has no {kinds} record.",
    "The zone's own servers say that there is none: a record of another type exists, or only names below this one.",
    source=UNREACHABLE_PAGE,
)
DANGLING_ALIAS = _rule(
    "dangling_alias",
    "{alias_owner} is an alias of {hop}, which does not exist: the zone {zone} says so{takeover}.",
    "What the alias points to was deleted or renamed, and the alias stayed behind. Whoever can create that name takes"
    " over the origin.",
    remedy=Remedy(kind="one_of", steps=(_CHANGE_ALIAS, CORRECT_NAME)),
    source=UNREACHABLE_PAGE,
)
ALIAS_LOOP = _rule(
    "alias_loop",
    "The aliases of {name} go round in a circle: {chain}.",
    "No address ever comes of it; resolvers answer SERVFAIL.",
    source=_RFC + "rfc1034#section-3.6.2",
    remedy=Remedy(steps=(Step(text="Give one of these names an address, or an alias that leads out: {chain}."),)),
)
ALIAS_CHAIN_TOO_LONG = _rule(
    "alias_chain_too_long",
    "{name} is an alias of an alias, {count}: {chain}.",
    "Resolvers give up on long chains (unbound after 11 aliases); how many CloudFront follows is not documented. Each"
    " alias is one more place to fail, and one more look-up.",
    source=_RFC + "rfc1034#section-3.6.2",
    remedy=Remedy(steps=(Step(text="Point {name} straight to {end}."),)),
)
ALIAS_AND_OTHER_DATA = _rule(
    "alias_and_other_data",
    "{hop} has a CNAME record beside other records ({others}){at_apex}.",
    "That is not allowed, and resolvers differ in what they make of it: one that has cached the alias finds neither the"
    " zone's name servers nor its other records.",
    status=Status.WARNING,
    source=_ALIAS_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Amazon Route 53: make {hop} an alias record (A, Alias: yes) instead of a CNAME record."),
            Step(
                text="Other DNS providers: use their ALIAS, ANAME or CNAME flattening, or another name for the origin."
            ),
        ),
    ),
)
SEVERAL_ALIASES = _rule(
    "several_aliases",
    "{hop} has more than one CNAME record: {targets}.",
    "A name may have one only. Resolvers differ in what they make of several: unbound follows the first of the answer,"
    " BIND refuses all of it (SERVFAIL). Where CloudFront's resolver does that, CloudFront answers 502.",
    status=Status.WARNING,
    source=_RFC + "rfc2181#section-10.1",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Delete all CNAME records of {hop} but one."),
            Step(
                text="To share load between several targets: Amazon Route 53, weighted records (one answer has one"
                " target); elsewhere, several A records or a load balancer."
            ),
        ),
    ),
    verify=Step(text="The answer has one CNAME record.", command=_DIG),
)
DENIED_BY_TYPE = _rule(
    "denied_by_type",
    "{which} of {zone} {deny} that {hop} exists when asked for {kind}, though it {how_known} when asked for {known}:"
    " {servers}; {consequence}.",
    "NXDOMAIN is about the name, whatever type was asked for: a resolver may keep it for {hop} as a whole (BIND does)"
    " and then deny its {known} records too, until the TTL of the denial is over. Where CloudFront's resolver has"
    " done so, CloudFront answers 502; at other times all is well. Right would be NOERROR without an answer.",
    status=Status.WARNING,
    source=_RFC + "rfc2308#section-5",
    reproduce="dig +norecurse {server!q} -p {server_port!q} {hop!q} {kind!q};"
    " dig +norecurse {server!q} -p {server_port!q} {hop!q} {known!q}",
    verify=Step(
        text="The server says NOERROR for both types, with or without records.",
        command="dig +norecurse {server!q} -p {server_port!q} {hop!q} {kind!q}",
    ),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Update or correct what answers at {servers} (a load balancer that does DNS, a script): for a name"
                " that exists it must say NOERROR to every type (RFC 8020)."
            ),
            Step(text="Until then: create a record of type {kind} for {hop} as well, so that no denial is given."),
        ),
    ),
)
SERVERS_DISAGREE = _rule(
    "servers_disagree",
    "The name servers of {zone} disagree on {hop}: {versions}.",
    "Which answer a resolver gets, and caches, is chance: {share_words} of cold lookups ask the {deviate}.",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Bring {them} up to date: see why zone transfers or the last publication failed there."),
            Step(text="If {them} {belong} to an old DNS provider: take {it} out of the domain's name servers."),
            *servers.DELEGATION,
        ),
    ),
)
ANSWERS_VARY = _rule(
    "answers_vary",
    "The answer for {hop} varies: {versions}.",
    "All servers hold the same version of the zone, so this is meant: weighted, latency, geolocation or multivalue"
    " records. CloudFront may get other answers than these.",
    status=Status.INFO,
    source="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html",
    remedy=Remedy(),
)
TTL_ZERO = _rule(
    "ttl_zero",
    "{hop} has a TTL of 0.",
    "No resolver may keep the answer: every look-up goes to the name servers, and any failure there shows at once.",
    status=Status.INFO,
    source=_RFC + "rfc2181#section-8",
    remedy=Remedy(),
)
ANY_NAME_RESOLVES = _rule(
    "any_name_resolves",
    "Any name in {zone} resolves, to the same address as {hop}: a wildcard, or a parked domain.",
    "A made-up name has the same answer. If {zone} has expired, its registrar may answer for it; a misspelt Origin"
    " Domain does not show as an error here.",
    status=Status.INFO,
    source="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html",
    remedy=Remedy(),
)
RESOLVER_DIFFERS = _rule(
    "resolver_differs",
    "{resolver_capital} {resolver_says} for {name}; the zone's own servers say {servers_say}.",
    "CloudFront uses public DNS, and so what the zone's servers say counts. {why_different}",
    status=Status.WARNING,
    source=servers.AWS_PAGE,
    reproduce=_PUBLIC,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Test from the public internet, or ask a public resolver (--resolver 1.1.1.1 8.8.8.8)."),
            Step(text="A resolver of your own that is out of date: drop what it has cached of {name}.", command=_FLUSH),
        ),
    ),
    verify=Step(text="Public resolvers give what the zone's servers say.", command=_PUBLIC),
)
_DNSSEC_KEYS = (
    Step(
        text="Zone no longer signed, or signed with other keys: delete the DS record at the registrar, or give it the"
        " DS of the present key. Amazon Route 53 as registrar:",
        command="aws route53domains disassociate-delegation-signer-from-domain --region us-east-1"
        ' --domain-name {zone!q} --id "$KEY_ID"',
    ),
    Step(
        text="Amazon Route 53 as DNS provider: see the state of the key-signing key (ACTION_NEEDED, INTERNAL_FAILURE).",
        command='aws route53 get-dnssec --hosted-zone-id "$HOSTED_ZONE"',
    ),
)
_SIGN_AGAIN = Step(
    text="Servers of your own: sign the zone again, and see why automatic signing stopped (a key that cannot be read, a"
    " secondary that no longer transfers).",
    command="rndc sign {zone!q}; rndc dnssec -status {zone!q}",
)
DNSSEC_BOGUS = _rule(
    "dnssec_bogus",
    "DNSSEC of {zone} is broken: {problem}.",
    "{how_so} Resolvers that validate answer SERVFAIL. Whether CloudFront's do is not documented: that it answers 502"
    " for this is likely, not certain.",
    source=_DNSSEC_PAGE,
    reproduce=_DS_AND_SIGNED,
    verify=Step(
        text="The DS record names a key that the zone has, and the signatures have not ended; on the public internet,"
        " delv says that the answer is fully validated.",
        command=_DS_AND_SIGNED + "; " + _DELV,
    ),
    remedy=Remedy(kind="one_of", steps=(*_DNSSEC_KEYS, _SIGN_AGAIN)),
)
DNSSEC_FOLLOWED = _rule(
    "dnssec_followed",
    "{words}.",
    "Followed as a validating resolver would: from the root's keys, as IANA publishes them"
    " (https://data.iana.org/root-anchors/root-anchors.xml), by DS records and signatures, or by the proof that there"
    " is no DS record. Whether CloudFront's resolvers do so is not documented.",
    status=Status.INFO,
    source=_RFC + "rfc4035#section-5",
    reproduce="dig +norecurse +dnssec {parent_server!q} -p {parent_port!q} {zone!q} DS; " + _DELV,
    verify=Step(text="A validating resolver says the same.", command=_DELV),
    remedy=Remedy(),
)
RESOLVES = _rule(
    "resolves",
    "{name} resolves to {addresses}{through}: {asked_servers}.",
    "Asked from the root down, every address of every name server: the zone is {apex}. There is an address of the"
    " family that CloudFront uses for this origin ({family}), and it is a public one.",
    status=Status.OK,
    remedy=Remedy(),
)
RULES: tuple[Rule, ...] = (
    NXDOMAIN,
    NOT_DELEGATED,
    NODATA,
    DANGLING_ALIAS,
    ALIAS_LOOP,
    ALIAS_CHAIN_TOO_LONG,
    ALIAS_AND_OTHER_DATA,
    SEVERAL_ALIASES,
    DENIED_BY_TYPE,
    SERVERS_DISAGREE,
    ANSWERS_VARY,
    TTL_ZERO,
    ANY_NAME_RESOLVES,
    RESOLVER_DIFFERS,
    DNSSEC_BOGUS,
    DNSSEC_FOLLOWED,
    RESOLVES,
)
