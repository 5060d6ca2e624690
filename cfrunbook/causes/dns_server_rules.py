"""Result codes of the cause "dns" about name servers and delegations: what each says, how to see, fix and prove it.

`{servers}` are the name servers concerned, each with its address; `{which}` says how many of how many, `{consequence}`
what that does to look-ups of `{name}`; `{server}` and `{server_port}` are where the first of them is asked.
"""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
ROUTE_53_PAGE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/route-53-concepts.html"
SERVFAIL_PAGE = "https://repost.aws/knowledge-center/route-53-dns-servfail-response"
_RFC = "https://www.rfc-editor.org/rfc/"

_DIG = "dig +norecurse {server!q} -p {server_port!q} {asked!q} {kind!q}"
_DIG_TCP = "dig +norecurse +tcp {server!q} -p {server_port!q} {asked!q} {kind!q}"
_DIG_PARENT = "dig +norecurse {parent_server!q} -p {parent_port!q} {zone!q} NS"
_VERIFY = Step(
    text="The server gives an authoritative answer (flags: aa, status: NOERROR); resolvers that cached the error do so"
    " only after its TTL.",
    command=_DIG,
)

_TELL = Step(text="Tell whoever runs {them} what was asked and what came: {said}.", command=_DIG)
_REMOVE = Step(
    text="If {them} should no longer serve {zone}: take {it} out of the domain's name servers at the registrar (or out"
    " of the NS records in {parent}).",
)
_MOVED = Step(
    text="If {them} moved to other addresses: give the registrar the new ones (host records, glue); {parent} still"
    " sends everybody to these.",
    command=_DIG_PARENT,
)
HOSTED_ZONES = (
    "for id in $(aws route53 list-hosted-zones-by-name --dns-name {zone!q} --query {hosted_zones!q} --output text); do"
    ' echo "$id"; aws route53 get-hosted-zone --id "$id" --query DelegationSet.NameServers --output text; done'
)
"""Lists the hosted zones of a name, two of which may be there, each with its name servers."""
_ROUTE_53 = Step(
    text="Amazon Route 53: see which of your hosted zones of that name has the name servers that {parent} names"
    " ({listed_servers}). If none has, it was deleted, or created again (it then has other servers), or is in another"
    " account; two hosted zones of one name are a common mistake. Then give {parent} the name servers of the zone that"
    " holds the records (HOSTED_ZONE): at the registrar, or for a subdomain in the NS record in the zone above."
    " Changing the NS record inside the zone changes nothing for resolvers.",
    command=HOSTED_ZONES + "\n{delegated}\n{delegate}",
)
AT_ROUTE_53 = Remedy(kind="one_of", steps=(_ROUTE_53, _REMOVE))
"""What to do where Route 53's own servers do not hold a zone: nothing can be loaded there by hand."""
_START = Step(
    text="Start the name server, and let UDP and TCP port 53 in from everywhere (security group, network ACL, host"
    " firewall): resolvers, CloudFront's too, ask from any address.",
)
MOVED = Remedy(kind="one_of", steps=(_START, _MOVED, _TELL, _REMOVE))
"""What to do about servers that do not answer at the addresses that the zone above gives for them."""
DELEGATION = (_ROUTE_53,)


def _rule(code: str, title: str, meaning: str, *, status: Status = Status.FAULT, **more: Any) -> Rule:
    fields: dict[str, Any] = {
        "source": AWS_PAGE,
        "reproduce": _DIG,
        "verify": _VERIFY,
        "cloudfront_status": 502 if status is Status.FAULT else None,
        "remedy": Remedy(kind="one_of", steps=(_START, _TELL, _REMOVE)),
        **more,
    }
    return Rule(
        code=f"dns.{code}", cause=Cause.DNS, stage=Stage.DNS, status=status, title=title, meaning=meaning, **fields
    )


_RESOLVER_WAITS = (
    " A resolver waits, typically 0.4 to 1 s, and goes on to another server: a cold lookup is slow, and where"
    " CloudFront does not wait that long, it answers 502."
)
_RESOLVER_GOES_ON = " A resolver that gets this goes on to another server."

SERVER_SILENT = _rule(
    "server_silent",
    "{which} of {zone} {do} not answer: {servers}; {consequence}.",
    "Asked {sends} times over UDP within {seconds} s, and once over TCP; servers of the zones above did answer"
    " meanwhile, so it is not port 53 here that is blocked." + _RESOLVER_WAITS,
    status=Status.WARNING,
)
SERVER_NOT_RUNNING = _rule(
    "server_not_running",
    "{which} of {zone} {run} no name server: {servers}, port 53 is closed; {consequence}.",
    "The host is up and says by ICMP or RST that nothing listens on port 53." + _RESOLVER_WAITS,
    status=Status.WARNING,
)
SERVER_WITHOUT_UDP = _rule(
    "server_without_udp",
    "{which} of {zone} {answer} over TCP only: {servers}; {consequence}.",
    "Resolvers ask over UDP first, and over TCP only when told to: for them the server is silent." + _RESOLVER_WAITS,
    remedy=Remedy(
        kind="one_of",
        steps=(Step(text="Open UDP port 53 to {them} (security group, network ACL, firewall)."), _TELL, _REMOVE),
    ),
    status=Status.WARNING,
)
SERVER_UNREACHABLE = _rule(
    "server_unreachable",
    "{which} of {zone} cannot be reached from here: {servers} ({said}); {consequence}.",
    "A router or firewall on the way answers instead of the name server; from elsewhere this may be different."
    + _RESOLVER_WAITS,
    status=Status.WARNING,
)
SERVER_UNPROVEN = _rule(
    "server_unproven",
    "{which} of {zone} did not answer within {seconds} s: {servers}.",
    "Too short a time to call a server dead: three questions over at least 2 s are needed.",
    status=Status.UNKNOWN,
    next_check="Look again with a deadline of 3 s or more (--deadline 5).",
)
SERVER_UNFINISHED = _rule(
    "server_unfinished",
    "There was no time left to hear {which} of {zone}: {servers}.",
    "The time for asking name servers was over before that: servers of the zones above are slow or silent, answers take"
    " long to read, or this machine is too busy. That says nothing about the servers of {zone}.",
    status=Status.UNKNOWN,
    next_check="Look again when this machine and its network have less to do, or ask the servers one by one with dig.",
)
SERVER_REFUSES = _rule(
    "server_refuses",
    "{which} of {zone} {refuse} to answer for it ({said}): {servers}; {consequence}.",
    "{parent} names a server that does not hold the zone, or not for everybody: a lame delegation." + _RESOLVER_GOES_ON,
    source=SERVFAIL_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Load the zone {zone} on {them}, and let everybody ask (BIND: allow-query)."),
            _REMOVE,
            *DELEGATION,
        ),
    ),
    status=Status.WARNING,
)
SERVER_FAILS = _rule(
    "server_fails",
    "{which} of {zone} {fail} with {said}: {servers}; {consequence}.",
    "SERVFAIL from an authoritative server means that it could not load the zone, or that its copy has expired because"
    " zone transfers fail." + _RESOLVER_GOES_ON,
    source=SERVFAIL_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="On the server: see its log for {zone} (a syntax error, an expired secondary, a failed transfer).",
                command='named-checkzone {zone!q} "$ZONE_FILE"; rndc zonestatus {zone!q}',
            ),
            _TELL,
            _REMOVE,
        ),
    ),
    status=Status.WARNING,
)
SERVER_NOT_AUTHORITATIVE = _rule(
    "server_not_authoritative",
    "{which} of {zone} {answer} without authority: {servers}; {consequence}.",
    "The answer lacks the flag aa, or refers to where one already is: a resolver or forwarder runs there, or the zone"
    " is not loaded. Resolvers call that lame and go on.",
    source=_RFC + "rfc1912#section-2.8",
    remedy=Remedy(kind="one_of", steps=(Step(text="Make {them} authoritative for {zone}: load the zone."), _REMOVE)),
    status=Status.WARNING,
)
SERVER_REFERS_UPWARD = _rule(
    "server_refers_upward",
    "{which} of {zone} {refer} back up ({said}): {servers}; {consequence}.",
    "A server that does not know the zone points to the root instead of answering: a lame delegation. Resolvers go on.",
    source=_RFC + "rfc1912#section-2.8",
    remedy=Remedy(kind="one_of", steps=(Step(text="Load the zone {zone} on {them}."), _REMOVE, *DELEGATION)),
    status=Status.WARNING,
)
SERVER_GARBLES = _rule(
    "server_garbles",
    "{which} of {zone} {send} what is no DNS answer ({said}): {servers}; {consequence}.",
    "What came cannot be read as an answer to the question; resolvers drop it and go on. First bytes: {first_bytes}",
    source=_RFC + "rfc1035#section-4",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="See what answers at port 53 of {them}: another service, or a firewall or load balancer on the way"
                " that changes DNS messages."
            ),
            _TELL,
            _REMOVE,
        ),
    ),
    status=Status.WARNING,
)
EDNS_DROPPED = _rule(
    "edns_dropped",
    "{which} of {zone} {drop} questions with EDNS: {servers}; {consequence}.",
    "Without EDNS the same question is answered. Since 2019 resolvers no longer try without; a firewall or an old"
    " server drops what it does not know.",
    source=_RFC + "rfc6891#section-7",
    reproduce="dig +norecurse +edns=0 {server!q} -p {server_port!q} {asked!q} {kind!q};"
    " dig +norecurse +noedns {server!q} -p {server_port!q} {asked!q} {kind!q}",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Let the firewall before {them} pass DNS with EDNS (Cisco: inspect dns, message-length auto)."),
            Step(text="Update the name server: one that does not know EDNS must answer FORMERR, not be silent."),
        ),
    ),
)
TCP_NEEDED = _rule(
    "tcp_needed",
    "{which} of {zone} {send} answers too large for UDP and none over TCP ({said}): {servers}; {consequence}.",
    "The answer has the flag tc, so resolvers ask again over TCP, and get nothing there.",
    source=_RFC + "rfc7766#section-5",
    reproduce=_DIG_TCP,
    verify=Step(text="The answer comes over TCP.", command=_DIG_TCP),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Open TCP port 53 to {them} (security group, network ACL, firewall), and let {it} listen."),
            Step(text="Make the answer smaller: fewer addresses in one record set."),
        ),
    ),
)
SERVER_IGNORES = _rule(
    "server_ignores",
    "{which} of {zone} {answer} other questions, but not {kind} of {asked}: {servers}; {consequence}.",
    "Some of the questions that went there at the same time were answered, so it is up; a rate limiter, a firewall or"
    " the server drops this one." + _RESOLVER_WAITS,
    status=Status.WARNING,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="See what drops questions for {kind} of {asked} on {them}: the server's log, its rate limiter, a"
                " firewall that looks into DNS."
            ),
            _TELL,
            _REMOVE,
        ),
    ),
)
SERVER_LIMITS = _rule(
    "server_limits",
    "{which} of {zone} {answer} {kind} of {asked} over TCP and not over UDP: {servers}; {consequence}.",
    "Other questions were answered over UDP at the same time, so it is up and reachable: it limits how often it answers"
    " whom (response rate limiting), or something on the way drops this answer. A limit counts for each network that"
    " asks: this machine may be over it, and CloudFront's resolvers not. Where they are, and get nothing instead of a"
    " truncated answer, CloudFront answers 502.",
    status=Status.WARNING,
    source="https://bind9.readthedocs.io/en/stable/reference.html#response-rate-limiting",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Let the limiter truncate instead of drop, so that whoever is real comes back over TCP (BIND:"
                " rate-limit {{ slip 1; }}), or raise the limit."
            ),
            Step(text="Look again in a minute: a limit that this machine has run into is over by then."),
            _TELL,
        ),
    ),
)
SERVER_WITHOUT_TCP = _rule(
    "server_without_tcp",
    "{which} of {zone} {give} no answer over TCP ({said}): {servers}.",
    "Today's answers fit into UDP. Once one does not (more addresses, DNSSEC), nobody can resolve the name there; name"
    " servers must answer over TCP.",
    status=Status.WARNING,
    source=_RFC + "rfc7766#section-5",
    reproduce=_DIG_TCP,
    verify=Step(text="The answer comes over TCP.", command=_DIG_TCP),
    remedy=Remedy(steps=(Step(text="Open TCP port 53 to {them}, and let {it} listen there."),)),
)
ALL_SERVERS_DEAD = _rule(
    "all_servers_dead",
    "None of the {total} name servers of {zone} answers, so {consequence}: {account}.",
    "Every address of every one was asked, again and again over UDP, and over TCP. Servers of the zones above did"
    " answer meanwhile, so it is not port 53 here that is blocked.",
)
ALL_SERVERS_REFUSE = _rule(
    "all_servers_refuse",
    "All {total} name servers of {zone} refuse to answer for it, so {consequence}: {account}.",
    "{parent} names servers that do not hold the zone: a lame delegation. Typically the zone was deleted, or moved to"
    " other servers, and {parent} still names the old ones.",
    source=SERVFAIL_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            *DELEGATION,
            Step(text="Servers of your own: load the zone {zone} on {them}, and let everybody ask (allow-query)."),
        ),
    ),
)
SERVFAIL = _rule(
    "servfail",
    "All {total} name servers of {zone} fail, so {consequence}: {account}.",
    "SERVFAIL from an authoritative server means that it could not load the zone, that its copy has expired because"
    " zone transfers fail, or that what computes the answer is down.",
    source=SERVFAIL_PAGE,
    remedy=SERVER_FAILS.remedy,
)
ALL_SERVERS_LAME = _rule(
    "all_servers_lame",
    "All {total} name servers of {zone} answer without authority, so resolvers believe none of them about {name}:"
    " {account}.",
    "The answers lack the flag aa, or refer back up or to where one already is: these servers do not hold the zone.",
    source=_RFC + "rfc1912#section-2.8",
    remedy=Remedy(kind="one_of", steps=(Step(text="Load the zone {zone} on {them}."), *DELEGATION)),
)
NO_SERVER_HELPS = _rule(
    "no_server_helps",
    "None of the {total} name servers of {zone} gives an answer that helps, so {consequence}: {account}.",
    "Every address of every one was asked. {why_none}",
    remedy=Remedy(kind="one_of", steps=(*DELEGATION, _START, _TELL)),
)
GLUE_MISSING = _rule(
    "glue_missing",
    "{parent} gives no address for {which_ones} of {zone}: {servers}; {consequence}.",
    "These servers are named inside the very zone that they serve: without their addresses in the zone above (glue),"
    " nobody who comes from there can get to them.",
    source=_RFC + "rfc9471",
    reproduce=_DIG_PARENT,
    verify=Step(text="The zone above gives the addresses of these servers (glue).", command=_DIG_PARENT),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Set the addresses of the name servers at the registrar (host records, glue), of all of them at"
                " once. Amazon Route 53 as registrar:",
                command="aws route53domains update-domain-nameservers --region us-east-1 --domain-name {zone!q}"
                " --nameservers {with_glue}",
            ),
            _REMOVE,
        ),
    ),
)
SERVER_NAMES_UNRESOLVED = _rule(
    "server_names_unresolved",
    "{which} of {zone} {have} no address, because their names do not resolve: {servers}; {consequence}.",
    "{why_no_address}",
    source=ROUTE_53_PAGE,
    reproduce=_DIG_PARENT,
    verify=Step(text="The name has an address again.", command="dig {first_server!q}"),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Renew the domain of {them}, or create their address records."),
            Step(text="Give the registrar of {zone} other name servers."),
            _ROUTE_53,
        ),
    ),
)
GLUE_WRONG = _rule(
    "glue_wrong",
    "{parent} gives {old} as the address of {servers}, a name server of {zone}; the zone itself says {new}.",
    "Resolvers begin with the address that the zone above gives (glue). It is from before the server moved: what is"
    " there now may be silent, or answer with an old copy.",
    status=Status.WARNING,
    source=_RFC + "rfc1912#section-2.3",
    reproduce=_DIG_PARENT,
    verify=Step(text="The zone above gives the new address.", command=_DIG_PARENT),
    remedy=Remedy(
        steps=(Step(text="Change the host record of {servers} at the registrar of {zone} from {old} to {new}."),)
    ),
)
_HELD = Step(text="Give the registrar of {zone} the list that the zone has: {held}.")
_LISTED = Step(text="Or change the NS records in the zone to those that the registrar has: {listed}.")
LIST_OF_THE_ZONE = Remedy(kind="one_of", steps=(_HELD, *DELEGATION))
"""What to do about a mismatch where servers that only the zone above lists do not help."""
SERVERS_MISMATCH = _rule(
    "servers_mismatch",
    "The name servers of {zone} are not the same in {parent} and in the zone itself: {difference}.",
    "Resolvers use both lists, depending on what they have cached: a server that is only in one of them still gets"
    " questions. Harmless while all of them answer alike.",
    status=Status.WARNING,
    source=ROUTE_53_PAGE,
    reproduce=_DIG_PARENT + "; dig +norecurse {server!q} -p {server_port!q} {zone!q} NS",
    remedy=Remedy(kind="one_of", steps=(_HELD, _LISTED, *DELEGATION)),
    verify=Step(text="Both lists are the same.", command=_DIG_PARENT),
)
SERIALS_DIFFER = _rule(
    "serials_differ",
    "The name servers of {zone} hold different versions of it: {versions}.",
    "Unless two providers count each in its own way, the lower serials are old copies: zone transfers to {servers} fail"
    " or are late, and what changed since is not there.{same_answers}",
    status=Status.WARNING,
    source=_RFC + "rfc1982",
    reproduce="dig +norecurse {server!q} -p {server_port!q} {zone!q} SOA",
    verify=Step(
        text="Every server has the same serial.",
        command="dig +norecurse {server!q} -p {server_port!q} {zone!q} SOA +short",
    ),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="On the secondaries: transfer the zone again, and see why it failed (TCP port 53, TSIG, notify).",
                command="rndc retransfer {zone!q}; rndc zonestatus {zone!q}",
            ),
            Step(text="Servers of two providers: publish each change to both."),
        ),
    ),
)
INSTANCES_DIFFER = _rule(
    "instances_differ",
    "{which} of {zone} {answer} now from one version of the zone, now from another: {servers}, {versions}.",
    "Several servers stand behind one address (anycast, a load balancer), and not all of them have the newest copy:"
    " which one answers depends on chance and on where one asks from. If the zone was changed a moment ago, look again."
    "{same_answers}",
    status=Status.WARNING,
    source=_RFC + "rfc4786#section-4.4.1",
    reproduce="for n in 1 2 3 4 5 6 7 8; do dig +norecurse +short {server!q} -p {server_port!q} {zone!q} SOA; done",
    verify=Step(
        text="The serial is the same each time.",
        command="for n in 1 2 3 4 5 6 7 8; do dig +norecurse +short {server!q} -p {server_port!q} {zone!q} SOA; done",
    ),
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Bring every instance behind {them} up to date: see why zone transfers to one of them fail."),
            Step(text="The servers are a DNS provider's: tell them which serials were seen, and at what time."),
        ),
    ),
)
NOT_WALKED = _rule(
    "not_walked",
    "Nothing was learned from the name servers of {name}: {why}.",
    "What is known about {name} is what a resolver says. This says nothing about the name servers themselves.",
    status=Status.INFO,
    reproduce="dig +norecurse {server!q} -p {server_port!q} . NS;"
    " dig +norecurse +tcp {server!q} -p {server_port!q} . NS",
    remedy=Remedy(),
    verify=Step(text=""),
)
RULES: tuple[Rule, ...] = (
    ALL_SERVERS_DEAD,
    ALL_SERVERS_REFUSE,
    SERVFAIL,
    ALL_SERVERS_LAME,
    NO_SERVER_HELPS,
    SERVER_SILENT,
    SERVER_NOT_RUNNING,
    SERVER_WITHOUT_UDP,
    SERVER_UNREACHABLE,
    SERVER_UNPROVEN,
    SERVER_UNFINISHED,
    SERVER_REFUSES,
    SERVER_FAILS,
    SERVER_NOT_AUTHORITATIVE,
    SERVER_REFERS_UPWARD,
    SERVER_GARBLES,
    EDNS_DROPPED,
    TCP_NEEDED,
    SERVER_IGNORES,
    SERVER_LIMITS,
    SERVER_WITHOUT_TCP,
    GLUE_MISSING,
    SERVER_NAMES_UNRESOLVED,
    GLUE_WRONG,
    SERVERS_MISMATCH,
    SERIALS_DIFFER,
    INSTANCES_DIFFER,
    NOT_WALKED,
)
