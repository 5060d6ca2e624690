"""What each lesson teaches: one cause of a 502, how to see it by hand, how it is broken and mended, three questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cfrunbook.findings import Cause

_S_CLIENT: Final = (
    "openssl s_client -connect origin.shop.example:443 -servername origin.shop.example </dev/null 2>/dev/null"
)
_EDGE: Final = "curl -si https://www.shop.example/cart | head -9"


@dataclass(frozen=True, slots=True)
class Question:
    """One question with a few answers, of which one is right."""

    text: str
    choices: tuple[str, ...]
    right: int
    """Which of the choices, from 0."""
    why: str


@dataclass(frozen=True, slots=True)
class Look:
    """One command of a look by hand, and what is to be read in its output."""

    command: str
    read: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One lesson."""

    cause: Cause
    title: str
    notebook: str
    runbook: str
    """The runbook for this cause."""
    scenario: str
    what: tuple[str, ...]
    by_hand: tuple[Look, ...]
    to_break: str
    """How somebody breaks it with an editor."""
    to_mend: str
    questions: tuple[Question, Question, Question]


_ALL: Final = (
    Plan(
        cause=Cause.TLS_NAME,
        title="The certificate's name",
        notebook="02_tls_name",
        runbook="01_tls_name",
        scenario="tls-name-mismatch",
        what=(
            "CloudFront connects to the origin by HTTPS and asks for a name: the Origin Domain, or the viewer's Host"
            " where the origin request policy forwards it. The certificate must carry that name, or the Origin Domain.",
            "The certificate that viewers see is CloudFront's own, and has nothing to do with it.",
        ),
        by_hand=(
            Look(_EDGE, "502, and X-Cache says no more than Error: the page gives no reason."),
            Look(
                f"{_S_CLIENT} | openssl x509 -noout -subject -ext subjectAltName",
                "The names on the certificate. Is the Origin Domain among them?",
            ),
            Look(
                "curl -sS https://origin.shop.example/ 2>&1 | grep -o 'SSL: .*'",
                "curl asks for the same name as CloudFront, and refuses for the same reason.",
            ),
        ),
        to_break="Install a certificate for another name at the origin: one for www.shop.example only.",
        to_mend="cfrunbook lab certificate origin.shop.example --folder origins/origin.shop.example/address-1-port-443",
        questions=(
            Question(
                "Host is not forwarded. Which name must be on the origin's certificate?",
                (
                    "The viewer's www.shop.example",
                    "The Origin Domain",
                    "d111111abcdef8.cloudfront.net",
                ),
                1,
                "Without Host, CloudFront sends the Origin Domain as server name and as Host.",
            ),
            Question(
                "https://www.shop.example shows a fine certificate in the browser. What does that say of the origin's?",
                ("Nothing: that one is CloudFront's", "The origin's is fine, too", "The origin's has expired"),
                0,
                "Viewers see the certificate of the distribution; only CloudFront sees the origin's.",
            ),
            Question(
                "The origin's certificate cannot be changed, and is for www.shop.example. What helps?",
                ("Lower the minimum protocol", "Turn on compression", "Forward Host: AllViewer"),
                2,
                "Then CloudFront asks for www.shop.example, which is on the certificate.",
            ),
        ),
    ),
    Plan(
        cause=Cause.TLS_PROTOCOL,
        title="The TLS handshake",
        notebook="03_tls_protocol",
        runbook="02_tls_protocol",
        scenario="tls-protocol-chacha20-only",
        what=(
            "CloudFront offers the origin certain versions, cipher suites and curves: fewer than browsers and openssl.",
            "If the origin takes none of them, the handshake ends in an alert, and CloudFront answers 502.",
        ),
        by_hand=(
            Look(
                f"{_S_CLIENT} | grep -E 'Protocol|Cipher is|Verify return'",
                "With openssl's own offer it works. openssl is not CloudFront.",
            ),
            Look(
                "openssl s_client -connect origin.shop.example:443 -servername origin.shop.example -tls1_2"
                " -cipher ECDHE+AESGCM:ECDHE+AES </dev/null 2>&1 | grep -E 'alert|Cipher is'",
                "With CloudFront's suites it does not: the alert says that there is none in common.",
            ),
        ),
        to_break="In server.json, set “ciphers” of port 443 to ECDHE+CHACHA20 and “maximum” to TLSv1.2.",
        to_mend="Edit origins/origin.shop.example/server.json: take “ciphers” and “maximum” out.",
        questions=(
            Question(
                "Every browser opens the origin. Does CloudFront?",
                ("Not certain: it offers less than browsers do", "Yes, TLS is TLS", "Only over HTTP/2"),
                0,
                "ChaCha20 in TLS 1.2, DHE and the curve P-521 are what others have and CloudFront has not.",
            ),
            Question(
                "What does the distribution's Minimum origin SSL protocol decide?",
                ("What viewers may use", "Which versions CloudFront offers to the origin", "How long it waits"),
                1,
                "It is about the connection to the origin; viewers have a security policy of their own.",
            ),
            Question(
                "The handshake ends in alert 40. What is the next look?",
                ("The DNS zone", "The certificate's dates", "The same handshake with one thing changed at a time"),
                2,
                "handshake_failure does not say what was missing: suites, curves or signatures. Offers one by one do.",
            ),
        ),
    ),
    Plan(
        cause=Cause.CERTIFICATE,
        title="The certificate and its chain",
        notebook="04_certificate",
        runbook="03_certificate",
        scenario="certificate-expired",
        what=(
            "CloudFront wants a certificate that is valid today, from a public authority in Mozilla's list, sent"
            " together with its intermediates in their order.",
            "It fetches nothing that is missing and has no switch to accept anything else.",
        ),
        by_hand=(
            Look(f"{_S_CLIENT} | openssl x509 -noout -issuer -dates", "The dates. Compare notAfter with now."),
            Look(
                f"{_S_CLIENT} | grep -E '^ *[0-9] s:|i:|Verify return' | head -5",
                "The chain as sent: each certificate should be followed by its issuer. And what openssl makes of it.",
            ),
        ),
        to_break="Put an old certificate in place of the one that is there.",
        to_mend="cfrunbook lab certificate origin.shop.example --folder origins/origin.shop.example/address-1-port-443",
        questions=(
            Question(
                "The browser accepts the origin, CloudFront does not: no issuer found. What is missing?",
                ("The intermediate", "The private key", "The root"),
                0,
                "Browsers remember or fetch intermediates; CloudFront takes what is sent. The root is never sent.",
            ),
            Question(
                "The certificate was renewed an hour ago, and the origin still sends the old one. Why?",
                ("CloudFront caches certificates", "DNS has not spread yet", "The web server was not reloaded"),
                2,
                "Servers read the file at start or reload; the file on disk is not what is sent.",
            ),
            Question(
                "Our own authority issued it, and every machine in the office trusts it. Does CloudFront?",
                (
                    "Yes, if the root is sent along",
                    "No: it trusts public authorities only",
                    "After an invalidation",
                ),
                1,
                "It trusts Mozilla's list. There is no way to add a root of one's own.",
            ),
        ),
    ),
    Plan(
        cause=Cause.PORT,
        title="The port and what listens there",
        notebook="05_port",
        runbook="04_port",
        scenario="port-refused",
        what=(
            "CloudFront connects to the ports that the distribution says, 80 and 443 unless set otherwise.",
            "Refused is a 502 within milliseconds. Dropped by a firewall is a 504 after ten seconds or more: another"
            " incident, with another page.",
        ),
        by_hand=(
            Look(
                "curl -sS -o /dev/null -w '%{http_code} after %{time_connect} s\\n' https://origin.shop.example/ 2>&1",
                "“Connection refused”, or a timeout? The difference is the difference between 502 and 504.",
            ),
            Look(
                "curl -sS -o /dev/null -w '%{http_code}\\n' http://origin.shop.example/ 2>&1",
                "Port 80 answers. So the host is up, and something is wrong with one port.",
            ),
        ),
        to_break='In server.json, let port 443 say {"answers": "refuses"}.',
        to_mend="Edit origins/origin.shop.example/server.json: let port 443 answer https, with certificate and key.",
        questions=(
            Question(
                "A security group drops packets from CloudFront. What do viewers get?",
                ("502 at once", "504 after a while", "403"),
                1,
                "Nothing answers, so CloudFront waits for its connection timeout: 504.",
            ),
            Question(
                "Which addresses must be allowed at the origin?",
                (
                    "Those of all viewers",
                    "The list copied last year",
                    "CloudFront's managed prefix list",
                ),
                2,
                "com.amazonaws.global.cloudfront.origin-facing: AWS keeps it up to date.",
            ),
            Question(
                "The port accepts connections and answers “400 The plain HTTP request…”. What is it?",
                ("It speaks TLS, and was asked in plain HTTP", "A firewall", "DNS"),
                0,
                "The protocol policy and the port do not fit each other.",
            ),
        ),
    ),
    Plan(
        cause=Cause.DNS,
        title="The name's resolution",
        notebook="06_dns",
        runbook="05_dns",
        scenario="dns-stale-server-denies",
        what=(
            "CloudFront looks the Origin Domain up in public DNS, from many places. If one of four name servers is"
            " wrong, a quarter of cold lookups is wrong, and your own resolver may never show it.",
            "So ask each authoritative server by itself, not your resolver.",
        ),
        by_hand=(
            Look("dig +short origin.shop.lab", "The lab's resolver gives an address. All well?"),
            Look("dig +short NS shop.lab", "These are the name servers of the zone."),
            Look(
                "for s in $(dig +short NS shop.lab); do"
                " echo $s $(dig +norecurse @$s origin.shop.lab +noall +comments | grep -o 'status: [A-Z]*')"
                " serial $(dig +norecurse @$s SOA shop.lab +short | cut -d' ' -f3); done",
                "The same question to each: one of them says NXDOMAIN, and its serial number is older.",
            ),
        ),
        to_break="In dns/, give one of the four name servers an old zone file, without the record.",
        to_mend="Edit dns/: let that server hold the zone file that the others hold (name-servers.json says which).",
        questions=(
            Question(
                "dig gives the right address of the origin each time. Is DNS excluded?",
                ("Yes", "No: a resolver asks one server, and remembers", "Only with +tcp"),
                1,
                "What your resolver remembers is not what CloudFront's asks for the first time.",
            ),
            Question(
                "Three servers have serial 2026112301, one has 2026010101. What follows?",
                ("The one gets no zone transfers any more", "Nothing", "The registry is down"),
                0,
                "A secondary with an old serial serves old data until somebody looks.",
            ),
            Question(
                "The Origin Domain resolves to 10.0.0.5. What do viewers get?",
                ("403", "200, if the VPN is up", "504: CloudFront cannot reach private addresses"),
                2,
                "A private address leads nowhere from CloudFront; VPC origins are the way.",
            ),
        ),
    ),
    Plan(
        cause=Cause.EDGE_FUNCTION,
        title="The edge function's result",
        notebook="07_edge_function",
        runbook="06_edge_function",
        scenario="lambda-edge-header-read-only-deleted",
        what=(
            "A Lambda@Edge function or a CloudFront Function may change requests and responses, within rules. What"
            " breaks a rule becomes a 502, though the origin is fine.",
            "X-Cache tells: LambdaValidationError or FunctionValidationError. A function that throws is a 503.",
        ),
        by_hand=(
            Look(_EDGE, "Read X-Cache."),
            Look("curl -sS -o /dev/null -w '%{http_code}\\n' http://origin.shop.example/cart", "And the origin?"),
            Look(
                'cd "$CFRUNBOOK_LAB_SITE"/function; cat result.json',
                "What the function returned. What is missing that event.json has?",
            ),
        ),
        to_break="Let function/result.json be a response that the function made anew, without the origin's headers.",
        to_mend="Edit function/result.json: put the response of event.json there, changed as little as possible.",
        questions=(
            Question(
                "X-Cache says LambdaExecutionError. Which status?",
                ("502", "504", "503"),
                2,
                "A function that throws or runs out of time is a 503; one whose result is refused is a 502.",
            ),
            Question(
                "Where are the logs of a Lambda@Edge function?",
                ("In CloudWatch of the region where it ran", "In us-east-1 only", "In the distribution's access logs"),
                0,
                "It runs near the viewer, and writes its log there.",
            ),
            Question(
                "A function at origin-response builds a new response object. What does it forget?",
                ("The viewer's cookies", "Headers that it may not remove", "The HTTP version"),
                1,
                "Some headers are read-only at that event: they must be passed on as they came.",
            ),
        ),
    ),
    Plan(
        cause=Cause.ORIGIN_RESPONSE,
        title="The origin's answer",
        notebook="08_origin_response",
        runbook="07_origin_response",
        scenario="response-empty",
        what=(
            "Name, port, TLS and certificate are fine, and then the answer is none: the origin hangs up, or sends what"
            " is no HTTP/1.1, or a header of more than 32 KB. CloudFront answers 502.",
            "Or the origin itself says 502, since it is a gateway: then CloudFront passes its page on.",
        ),
        by_hand=(
            Look(f"{_S_CLIENT} | grep -E 'Cipher is|Verify return' | head -2", "The handshake is fine."),
            Look(
                "curl -sS -i https://origin.shop.example/cart 2>&1",
                "And then? “Empty reply from server”: it took the request and hung up.",
            ),
        ),
        to_break="In server.json, give the port a reply that is an empty file.",
        to_mend="Edit origins/origin.shop.example/server.json: take “reply” out, so that the shop's page comes.",
        questions=(
            Question(
                "The 502 has the header “Server: awselb/2.0”. Who made it?",
                ("The load balancer, in front of its targets", "CloudFront", "The viewer's proxy"),
                0,
                "CloudFront passes on what the origin answers, errors too.",
            ),
            Question(
                "The origin needs 40 s for an answer. What do viewers get?",
                ("502", "504, after the response timeout of 30 s", "200, later"),
                1,
                "Too slow is 504. The timeout can be raised to 120 s.",
            ),
            Question(
                "The log says OriginHeaderTooBigError. What grows?",
                ("The body", "The URL", "The response header, often by cookies"),
                2,
                "All header fields together must stay within CloudFront's limit.",
            ),
        ),
    ),
)

LESSONS: Final[Mapping[str, Plan]] = {plan.cause.value: plan for plan in _ALL}
"""By cause, in the order of the runbooks."""
