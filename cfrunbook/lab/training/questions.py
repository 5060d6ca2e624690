"""What is asked in each lesson, and what is to be said of each answer, right or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cfrunbook.findings import Cause
from cfrunbook.lab.training.asking import Choice, Question

_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_502: Final = f"{_GUIDE}/http-502-bad-gateway.html"
_ORIGIN: Final = f"{_GUIDE}/DownloadDistValuesOrigin.html"

DECISION: Final = Question(
    "The edge answers 502. By what you saw: which cause is it?",
    (
        Choice(
            "The certificate is for another name",
            "The certificate's subject is origin.shop.example, which is the name that was asked for.",
        ),
        Choice(
            "No protocol or cipher suite in common",
            "The origin sent its certificate: it had taken version, suite and curve before that.",
        ),
        Choice(
            "The certificate, or the chain that is sent with it",
            "One certificate is sent, its issuer is not, and so nobody can follow it to a root that is trusted.",
        ),
        Choice(
            "The origin does not answer on its port",
            "Port 443 took the connection, and TLS was spoken on it.",
        ),
        Choice(
            "The origin's name does not resolve",
            "Then there would be no origin to send a certificate.",
        ),
        Choice(
            "CloudFront refuses an edge function's result",
            "Then X-Cache would say LambdaValidationError or FunctionValidationError, and not Error.",
        ),
        Choice(
            "The origin itself made the error",
            "It was never asked: the request is sent only once the certificate was accepted.",
        ),
    ),
    2,
    f"{_502}#ssl-certificate-expired",
)
"""What the guided incident asks once everything was seen."""

_NAME: Final = (
    Question(
        "Neither cache policy nor origin request policy forwards Host. Which name must the origin's certificate carry?",
        (
            Choice(
                "www.shop.example, which viewers ask for",
                "That name ends at CloudFront, whose own certificate carries it. It counts at the origin only if Host"
                " is forwarded.",
            ),
            Choice(
                "The Origin Domain, e.g. origin.shop.example",
                "Without Host, CloudFront asks the origin for the Origin Domain, and wants it on the certificate.",
            ),
            Choice(
                "The distribution's d111111abcdef8.cloudfront.net",
                "That is a name for viewers, too; no origin is ever asked for it.",
            ),
        ),
        1,
        f"{_GUIDE}/cnames-and-https-requirements.html#https-requirements-domain-names-in-cert",
    ),
    Question(
        "The browser shows a 502 and a valid certificate for www.shop.example. What does that say of the origin's?",
        (
            Choice(
                "Nothing: the browser's TLS ends at CloudFront",
                "There are two connections with a certificate each, and a viewer sees the first one only.",
            ),
            Choice(
                "It is valid: CloudFront passes it on to viewers",
                "CloudFront passes no certificate on. It shows viewers the one that is set in the distribution.",
            ),
            Choice(
                "It is for another name, else there were no 502",
                "A 502 has seven documented causes, and the name is but one of them.",
            ),
        ),
        0,
        f"{_GUIDE}/using-https.html",
    ),
    Question(
        "The origin's certificate is for www.shop.example only and cannot be replaced today. What makes it fit?",
        (
            Choice(
                "Add origin.shop.example to the distribution's alternate domain names",
                "Those are names for viewers. They change nothing in what the origin is asked for.",
            ),
            Choice(
                "Set the origin's Minimum SSL protocol to TLSv1.2",
                "That is about versions. Whichever it is, the name is compared.",
            ),
            Choice(
                "Forward the viewer's Host to the origin, e.g. with AllViewer",
                "Then CloudFront asks for www.shop.example, and that name is on the certificate.",
            ),
        ),
        2,
        f"{_GUIDE}/using-managed-origin-request-policies.html",
    ),
)

_PROTOCOL: Final = (
    Question(
        "Every browser opens the origin, and the handshake with CloudFront fails. How can that be?",
        (
            Choice(
                "CloudFront offers fewer suites and curves than browsers do",
                "ChaCha20 in TLS 1.2, DHE and the curve P-521, for example, are what others offer and CloudFront not.",
            ),
            Choice(
                "CloudFront must show the origin a client certificate first",
                "An origin may ask for one (mutual TLS), and that is set up by hand; it is not needed by default.",
            ),
            Choice(
                "CloudFront goes on with a failed handshake until it is invalidated",
                "Invalidation is about objects. Each new connection to the origin has a new handshake.",
            ),
        ),
        0,
        f"{_GUIDE}/secure-connections-supported-ciphers-cloudfront-to-origin.html",
    ),
    Question(
        "What does Minimum origin SSL protocol in the origin's settings decide?",
        (
            Choice(
                "Which versions of TLS viewers may use at the distribution",
                "That is the security policy of the distribution, on the other side of CloudFront.",
            ),
            Choice(
                "Which versions of TLS CloudFront offers the origin",
                "If the origin speaks older ones only, there is none in common, and CloudFront answers 502.",
            ),
            Choice(
                "Whether CloudFront connects by http or https",
                "That is the origin's protocol policy; the versions count only once it is https.",
            ),
        ),
        1,
        _ORIGIN,
    ),
    Question(
        "The origin ends the handshake with alert 40, handshake_failure. Which look narrows it down?",
        (
            Choice(
                "The dates of the certificate, compared with now",
                "The origin does not refuse a handshake for its own certificate; it is the client who looks at dates.",
            ),
            Choice(
                "The same question, put to each authoritative name server",
                "The name was resolved: you are talking to the origin.",
            ),
            Choice(
                "CloudFront's offer again, one thing changed at a time",
                "Alert 40 does not say what was missing. Suites, versions and curves one by one do.",
            ),
        ),
        2,
        "https://www.rfc-editor.org/rfc/rfc8446#section-6.2",
    ),
)

_CERTIFICATE: Final = (
    Question(
        "Browsers accept the origin; CloudFront, and curl on a server, find no issuer. What is most likely missing?",
        (
            Choice(
                "The intermediate, sent after the origin's own certificate",
                "Browsers remember intermediates or fetch them. CloudFront takes what is sent.",
            ),
            Choice(
                "The root, which has to be sent last, so that it can be trusted",
                "Whoever verifies has the roots that it trusts; one that is sent is ignored.",
            ),
            Choice(
                "A copy of the certificate in ACM, in us-east-1",
                "That is where the certificate for viewers has to be. The origin's may be anywhere.",
            ),
        ),
        0,
        f"{_502}#ssl-certificate-expired",
    ),
    Question(
        "The certificate file was renewed an hour ago, and openssl s_client still shows the old one. What now?",
        (
            Choice(
                "Invalidate /* in the distribution",
                "CloudFront caches no certificates of origins, and openssl did not ask CloudFront.",
            ),
            Choice(
                "Wait for the TTL of the origin's DNS record",
                "Its address did not change. DNS says where a server is, and not what it sends.",
            ),
            Choice(
                "Reload the web server, and look again",
                "Servers read the file when they start or reload. What counts is what is sent, at each address.",
            ),
        ),
        2,
        f"{_502}#ssl-certificate-expired",
    ),
    Question(
        "The company's own authority issued it, and every machine of the company trusts it. Does CloudFront?",
        (
            Choice(
                "Yes, once the root is sent along with the certificate",
                "Anybody can send a root. Trust is decided by who verifies, with a list of one's own.",
            ),
            Choice(
                "No: it trusts public authorities only",
                "It trusts those on Mozilla's list, and none can be added. Use a certificate of one of them.",
            ),
            Choice(
                "Yes, once the root was imported into ACM",
                "ACM then has it to hand it out. CloudFront does not verify origins with it.",
            ),
        ),
        1,
        f"{_GUIDE}/cnames-and-https-requirements.html",
    ),
)

_PORT: Final = (
    Question(
        "A security group drops CloudFront's packets to the origin. What do viewers get?",
        (
            Choice(
                "502 within milliseconds",
                "That is what a refusal gives: somebody answered, with a reset. Here nobody answers.",
            ),
            Choice(
                "504 after some ten to thirty seconds",
                "CloudFront waits for its connection timeout, three times unless set otherwise, and gives up.",
            ),
            Choice(
                "403, as with any firewall",
                "A web application firewall says 403, in HTTP. A security group says nothing at all.",
            ),
        ),
        1,
        f"{_GUIDE}/http-504-gateway-timeout.html",
    ),
    Question(
        "Which source addresses must the origin's security group let in?",
        (
            Choice(
                "Those that the distribution's domain name resolves to",
                "Those are for viewers. CloudFront connects to origins from others.",
            ),
            Choice(
                "Those in c-ip of the access log",
                "Those are the viewers' own. None of them ever connects to the origin.",
            ),
            Choice(
                "The managed prefix list com.amazonaws.global.cloudfront.origin-facing",
                "AWS keeps it up to date, so that a new range of CloudFront's is no incident.",
            ),
        ),
        2,
        f"{_GUIDE}/LocationsOfEdgeServers.html",
    ),
    Question(
        "The origin logs “The plain HTTP request was sent to HTTPS port” for requests of CloudFront. What is wrong?",
        (
            Choice(
                "Policy HTTP only, with an HTTP port that speaks TLS",
                "CloudFront does as it is told. Policy and port have to fit each other.",
            ),
            Choice(
                "Viewers come by http, since the viewer policy does not redirect",
                "How viewers come decides it only where the origin's policy is Match viewer.",
            ),
            Choice(
                "The origin's certificate is for another name",
                "No certificate was asked for: TLS was not begun.",
            ),
        ),
        0,
        _ORIGIN,
    ),
)

_DNS: Final = (
    Question(
        "Every dig gives the origin's right address, and some edge locations answer 502. Is DNS excluded?",
        (
            Choice(
                "Yes: a resolver asks all name servers of a zone and compares them",
                "It asks one, and is content with its answer.",
            ),
            Choice(
                "No: your resolver asked one server, and remembers",
                "CloudFront's resolvers elsewhere may ask another one of them. Ask each of them yourself.",
            ),
            Choice(
                "Yes, as long as the record's TTL has not run out",
                "The TTL says how long your resolver remembers. Others remember something else.",
            ),
        ),
        1,
        "https://www.rfc-editor.org/rfc/rfc1034#section-5.3.3",
    ),
    Question(
        "Three name servers of a zone have the serial number 2026112201, and one has 2025010101. What follows?",
        (
            Choice(
                "It gets the zone no more, and answers from an old copy",
                "A secondary compares serial numbers to see that it is behind. This one has not succeeded for months.",
            ),
            Choice(
                "Nothing: each server counts the changes that it has seen itself",
                "The serial number is part of the zone, and the same at all of its servers.",
            ),
            Choice(
                "Its signatures ran out, so resolvers ignore it",
                "An old copy may be signed by old keys, but a serial number alone makes nobody ignore it.",
            ),
        ),
        0,
        "https://www.rfc-editor.org/rfc/rfc1034#section-4.3.5",
    ),
    Question(
        "Somebody moved the origin into a VPC, and its public name now resolves to 10.0.0.5. What puts it right?",
        (
            Choice(
                "A lower TTL, so that edge locations learn the new address sooner",
                "They know it already, and it leads nowhere: it is not routed on the internet.",
            ),
            Choice(
                "10.0.0.5 in place of the name as the Origin Domain",
                "CloudFront takes no address there, and could not reach this one either.",
            ),
            Choice(
                "A VPC origin, or a public load balancer before it",
                "A private address can be reached from inside only, which is what VPC origins are for.",
            ),
        ),
        2,
        f"{_GUIDE}/private-content-vpc-origins.html",
    ),
)

_FUNCTION: Final = (
    Question(
        "X-Cache says “LambdaExecutionError from cloudfront”. Which status came with it, and what happened?",
        (
            Choice(
                "502: CloudFront refused what the function returned",
                "That is LambdaValidationError. Here the function did not come to return anything.",
            ),
            Choice(
                "504: the origin was too slow for the function",
                "The origin's timeout is told as an error of the origin, and not of the function.",
            ),
            Choice(
                "503: the function threw, or ran out of time or memory",
                "An execution that failed is a 503; a result that CloudFront refuses is a 502.",
            ),
        ),
        2,
        f"{_GUIDE}/http-503-service-unavailable.html",
    ),
    Question(
        "A Lambda@Edge function fails for viewers in Japan. Where is its log?",
        (
            Choice(
                "In CloudWatch Logs of the region where it ran, e.g. ap-northeast-1",
                "It runs near the viewer and logs there, in the group /aws/lambda/us-east-1.NAME.",
            ),
            Choice(
                "In CloudWatch Logs of us-east-1, where it was deployed",
                "It is deployed there and copied to the regions in which it runs. Its log is where it ran.",
            ),
            Choice(
                "In the distribution's access log, in x-edge-detailed-result-type",
                "That names the kind of error. What the function printed is not in there.",
            ),
        ),
        0,
        f"{_GUIDE}/edge-functions-logs.html",
    ),
    Question(
        "A function at origin-response returns an object of its own making. Which omission does CloudFront refuse?",
        (
            Choice(
                "statusDescription, as in “OK”",
                "It may be left out.",
            ),
            Choice(
                "A header of the origin that is read-only at this event, e.g. Via",
                "Such headers have to be passed on as they came. Change the response that you were given instead.",
            ),
            Choice(
                "body and bodyEncoding",
                "Without a body of its own, the response keeps the origin's.",
            ),
        ),
        1,
        f"{_GUIDE}/edge-function-restrictions-all.html",
    ),
)

_RESPONSE: Final = (
    Question(
        "The 502 has “X-Cache: Error from cloudfront” and “Server: awselb/2.0”. Who made it?",
        (
            Choice(
                "The load balancer: its target gave it no proper answer",
                "CloudFront passes an origin's errors on, and says Error in X-Cache of those, too. Server tells.",
            ),
            Choice(
                "CloudFront: its name is in X-Cache",
                "X-Cache only says that this is an error. A page of CloudFront's own names no load balancer.",
            ),
            Choice(
                "Nobody can tell without the access logs",
                "They help, and the header Server says it already.",
            ),
        ),
        0,
        f"{_502}#cloudfront-alb-502-error",
    ),
    Question(
        "The origin needs 40 s for its answer, and the response timeout is not set. What do viewers get?",
        (
            Choice(
                "200, after 40 s",
                "CloudFront does not wait that long unless it is told to.",
            ),
            Choice(
                "504, after the response timeout of 30 s",
                "Too slow is a 504. The origin's response timeout can be raised.",
            ),
            Choice(
                "502, as the connection is cut",
                "A 502 were it if the origin hung up. Here it is CloudFront who gives up.",
            ),
        ),
        1,
        f"{_GUIDE}/http-504-gateway-timeout.html",
    ),
    Question(
        "The access log says OriginHeaderTooBigError for some users only. What do you look at first?",
        (
            Choice(
                "How large the pages are that they ask for",
                "A body may be gigabytes. This is about the header fields before it.",
            ),
            Choice(
                "How long the URLs are that they ask for",
                "Those are limited, too; but that is the viewer's request, and refused as that.",
            ),
            Choice(
                "Which Set-Cookie fields the origin sends to them",
                "All header fields of the response together are limited, and cookies grow with each user's history.",
            ),
        ),
        2,
        f"{_GUIDE}/standard-logs-reference.html",
    ),
)

QUESTIONS: Final[Mapping[Cause, tuple[Question, Question, Question]]] = {
    Cause.TLS_NAME: _NAME,
    Cause.TLS_PROTOCOL: _PROTOCOL,
    Cause.CERTIFICATE: _CERTIFICATE,
    Cause.PORT: _PORT,
    Cause.DNS: _DNS,
    Cause.EDGE_FUNCTION: _FUNCTION,
    Cause.ORIGIN_RESPONSE: _RESPONSE,
}
"""Three for each lesson."""
