"""The result codes of the cause "port": what each says, how to see it, fix it and prove the fix.

`{host}:{port}` is what CloudFront connects to, `{at}` the addresses concerned, `{address}` and `{address_port}` the
first of them as reached from here.
"""

from __future__ import annotations

from cfrunbook.findings import Cause, Remedy, Rule, Stage, Status, Step

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
SETTINGS_PAGE = _GUIDE + "DownloadDistValuesOrigin.html"

_CURL = "curl -svk -o /dev/null --connect-timeout 5 --max-time {patience!q} --connect-to {connect_to!q} {url!q}"
_EVERYWHERE = (
    "for at in {everywhere}; do echo \"$at:\"; curl -sSk -o /dev/null -w '%{{http_code}}\\n' --connect-timeout 5"
    ' --max-time {patience!q} --connect-to "::$at" {url!q}; done'
)
"""Prints for each address the HTTP status, or why there is none."""

_FIRST_BYTES = (
    "curl -s --http0.9 --connect-timeout 5 --max-time 5 --connect-to {connect_to!q} http://{host!q}:{port}/ -o -"
    " | head -c 64 | od -c"
)
_HELLO = "openssl s_client -connect {at_first!q} -servername {host!q} </dev/null"

_CACHED = " Then request the failing URL again; CloudFront caches an error for at least 10 seconds."
_VERIFY = Step(text="Every address gives a status, none an error." + _CACHED, command=_EVERYWHERE)

_LISTENING = Step(
    text="On the origin: see what listens on port {port}, and on which address (127.0.0.1 alone is not enough).",
    command="ss -ltnp 'sport = :{port}'",
)
_START = Step(
    text="Start the server, or make it listen on port {port}; nginx, for both families:",
    command="listen {port}{ssl};\nlisten [::]:{port}{ssl};\n# then: nginx -t && systemctl reload nginx",
)
_OTHER_PORT = Step(
    text="If the server is meant to listen elsewhere: CloudFront console > the distribution > Origins > {origin} >"
    " Edit: set {port_label} to that port ({port_key} in CustomOriginConfig; 80, 443 or 1024 to 65535).",
)
_SECURITY_GROUP = Step(
    text="Security group of the origin (EC2, load balancer): let in TCP {port} from CloudFront's managed prefix list."
    " It counts as 55 rules.",
    command="PREFIX_LIST=$(aws ec2 describe-managed-prefix-lists"
    " --filters Name=prefix-list-name,Values={prefix_list}"
    " --query 'PrefixLists[0].PrefixListId' --output text)\n"
    'aws ec2 authorize-security-group-ingress --group-id "$SECURITY_GROUP" --ip-permissions'
    ' "IpProtocol=tcp,FromPort={port},ToPort={port},PrefixListIds=[{{PrefixListId=$PREFIX_LIST}}]"',
)
_OTHER_FIREWALL = Step(
    text="Network ACL, host firewall or a firewall outside AWS: allow TCP {port} from the ranges of the service"
    " CLOUDFRONT_ORIGIN_FACING, and answers to ports 1024 to 65535.",
    command="curl -s https://ip-ranges.amazonaws.com/ip-ranges.json | jq -r"
    ' \'(.prefixes[] | select(.service=="CLOUDFRONT_ORIGIN_FACING").ip_prefix),'
    ' (.ipv6_prefixes[] | select(.service=="CLOUDFRONT_ORIGIN_FACING").ipv6_prefix)\'',
)
_PRIVATE = Step(
    text="If the origin is meant to have no public address: make it a VPC origin (CloudFront console > VPC origins)."
)
_WHO_MAY = (
    "An origin that lets in only CloudFront treats this machine the same way, so find out whom it lets in: look whether"
    " the security group, network ACL or firewall of {address} allows TCP {port} from {prefix_list}; or test from a"
    " machine that may connect: " + _CURL
)


def _rule(code: str, status: Status, title: str, meaning: str, **more: object) -> Rule:
    fields: dict[str, object] = {"source": AWS_PAGE, "reproduce": _CURL, "verify": _VERIFY, **more}
    return Rule(
        code=f"port.{code}",
        cause=Cause.PORT,
        stage=Stage.TCP,
        status=status,
        title=title,
        meaning=meaning + "{sometimes}",
        **fields,  # type: ignore[arg-type]
    )


REFUSED = _rule(
    "refused",
    Status.FAULT,
    "{host}:{port} refuses connections at {at}.",
    "A reset came back at once: nothing listens on this port, or a firewall rejects with a reset. CloudFront is refused"
    " in the same way and answers 502.",
    cloudfront_status=502,
    remedy=Remedy(steps=(_LISTENING, _START, _OTHER_PORT, _OTHER_FIREWALL)),
)
REJECTED = _rule(
    "rejected",
    Status.UNKNOWN,
    "A firewall rejects connections to {host}:{port} at {at}: {detail}.",
    "The answer is an ICMP error, which a closed TCP port does not send: a firewall or router rejects us with a rule."
    " Where the rule also meets CloudFront, viewers get 502.",
    cloudfront_status=502,
    remedy=Remedy(
        steps=(
            Step(
                text="Find the rule on {reporter}, which sent the rejection.",
                command="nft list ruleset | grep -n reject",
            ),
            _SECURITY_GROUP,
            _OTHER_FIREWALL,
        )
    ),
    next_check=_WHO_MAY,
)
DROPPED = _rule(
    "dropped",
    Status.UNKNOWN,
    "{host}:{port} does not answer connection attempts at {at} within {seconds} s.",
    "No answer to our SYN: a firewall drops it, the host is down, or its accept queue is full. Where CloudFront's"
    " packets meet the same end, viewers get 504 after {gives_up_after} s ({attempts} attempts of"
    " {connection_timeout} s).",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
    remedy=Remedy(kind="one_of", steps=(_SECURITY_GROUP, _OTHER_FIREWALL, _LISTENING, _PRIVATE)),
    next_check=_WHO_MAY,
)
UNREACHABLE = _rule(
    "unreachable",
    Status.UNKNOWN,
    "{host}:{port} is unreachable from here at {at}: {detail}.",
    "A router says that it cannot deliver to this address. If that is so for CloudFront too, viewers get 504.",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
    remedy=Remedy(
        steps=(
            Step(
                text="See whether the host is up and still has this address; correct the DNS record otherwise.",
                command="dig +short {host!q} A {host!q} AAAA",
            ),
            Step(text="See where the path ends.", command="traceroute {address!q}"),
            _PRIVATE,
        )
    ),
    next_check=_WHO_MAY,
)
NO_LOCAL_ROUTE = _rule(
    "no_local_route",
    Status.UNKNOWN,
    "{at} could not be tried: this machine has no route there.",
    "This says nothing about the origin: this machine has no {families} connectivity.",
    reproduce="ip route get {address!q}",
    next_check="Run this on a machine with {families} connectivity, for example an EC2 instance.",
)
NOT_TRIED = _rule(
    "not_tried",
    Status.UNKNOWN,
    "{host}:{port} could not be tried from here at {at}: {detail}.",
    "This says nothing about the origin: the attempt failed on this machine.",
    next_check="Remove what stops it here, or run this on another machine: " + _CURL,
)
SILENT = _rule(
    "silent",
    Status.FAULT,
    "{host}:{port} accepts connections at {at}, then says nothing for {seconds} s to {spoken}.",
    "The kernel or a load balancer accepts, but no application answers: it hangs, waits for a PROXY protocol line, or"
    " the port leads to the wrong backend. CloudFront waits in vain and answers 504.",
    source=TIMEOUT_PAGE,
    cloudfront_status=504,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="On the origin: see whether connections pile up unread (Recv-Q) on port {port}, and restart what"
                " hangs.",
                command="ss -tnp 'sport = :{port}'; ss -ltn 'sport = :{port}'",
            ),
            Step(
                text="Load balancer in TCP mode: look at the health of the targets and at the target port; switch off"
                " PROXY protocol unless the target expects it.",
                command='aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP"',
            ),
            _OTHER_PORT,
        ),
    ),
    next_check="Wait as long as CloudFront may, with --deadline {enough}, or by hand: " + _CURL,
)
CLOSES = _rule(
    "closes",
    Status.FAULT,
    "{host}:{port} accepts connections at {at} and {ends} them without a byte.",
    "Typical of a load balancer without healthy targets, of a server that wants a PROXY protocol line first, of an"
    " allow list inside the server, and of some servers that dislike a TLS hello. CloudFront gets no answer: 502.",
    cloudfront_status=502,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Load balancer: see whether a target is healthy, and that the listener's and target's ports and"
                " protocols fit.",
                command='aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP"',
            ),
            Step(
                text="On the origin: read what its log says at the moment of a connection.",
                command="ss -ltnp 'sport = :{port}'; journalctl -n 50 --no-pager",
            ),
            Step(
                text="If the server expects the PROXY protocol, switch that off: CloudFront does not send it. nginx:",
                command="listen {port}{ssl};  # without proxy_protocol",
            ),
        ),
    ),
)
HTTP_ON_TLS_PORT = _rule(
    "http_on_tls_port",
    Status.FAULT,
    "{host}:{port} speaks plain HTTP at {at}, and CloudFront speaks TLS to this port.",
    "The answer to a TLS hello was {banner}. CloudFront cannot shake hands and answers 502.",
    cloudfront_status=502,
    reproduce=_HELLO,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Make the server speak TLS on port {port}; nginx needs the word ssl:",
                command="listen {port} ssl;\nlisten [::]:{port} ssl;\n# then: nginx -t && systemctl reload nginx",
            ),
            _OTHER_PORT,
            Step(
                text="If TLS to this origin is not wanted: set Protocol to HTTP only and HTTP port to {port}"
                " (OriginProtocolPolicy http-only, HTTPPort {port}). Requests then cross the internet in clear text.",
            ),
        ),
    ),
    verify=Step(text="openssl prints the certificate." + _CACHED, command=_HELLO),
)
TLS_ON_PLAIN_PORT = _rule(
    "tls_on_plain_port",
    Status.FAULT,
    "{host}:{port} speaks TLS at {at}, and CloudFront speaks plain HTTP to this port.",
    "The answer to an HTTP request was a TLS record. CloudFront cannot read it as HTTP and answers 502.",
    cloudfront_status=502,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Let CloudFront speak TLS there: set Protocol to HTTPS only and HTTPS port to {port}"
                " (OriginProtocolPolicy https-only, HTTPSPort {port}).",
            ),
            Step(text="Or make the server speak plain HTTP on port {port}; nginx:", command="listen {port};"),
            _OTHER_PORT,
        ),
    ),
)
WRONG_SERVICE = _rule(
    "wrong_service",
    Status.FAULT,
    "{host}:{port} speaks {service} at {at}, not {protocol}: {banner}.",
    "Another service has this port. CloudFront cannot make sense of its answer and answers 502.",
    cloudfront_status=502,
    reproduce=_FIRST_BYTES,
    remedy=Remedy(kind="one_of", steps=(_OTHER_PORT, _LISTENING, _START)),
)
OK = _rule(
    "ok",
    Status.OK,
    "{host}:{port} accepts connections at {at}{speaks}.",
    "The port is open from here, and what CloudFront speaks is spoken there.",
)

RULES: tuple[Rule, ...] = (
    REFUSED,
    REJECTED,
    DROPPED,
    UNREACHABLE,
    NO_LOCAL_ROUTE,
    NOT_TRIED,
    SILENT,
    CLOSES,
    HTTP_ON_TLS_PORT,
    TLS_ON_PLAIN_PORT,
    WRONG_SERVICE,
    OK,
)
