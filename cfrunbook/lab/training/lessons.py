"""What each lesson teaches: one cause of a 502, how to see it by hand, how it is broken and mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cfrunbook.findings import Cause
from cfrunbook.lab.training.asking import Question
from cfrunbook.lab.training.questions import QUESTIONS

_S_CLIENT: Final = (
    "openssl s_client -connect origin.shop.example:443 -servername origin.shop.example </dev/null 2>/dev/null"
)
_EDGE: Final = "curl -si https://www.shop.example/cart | head -9"
_SERVER: Final = "origins/origin.shop.example/server.json"
_FOLDER: Final = "origins/origin.shop.example/address-1-port-443"
_ISSUE: Final = f"cfrunbook lab certificate origin.shop.example --folder {_FOLDER}"
_KEY: Final = '"key": "address-1-port-443/privkey.pem"'
_HTTPS: Final = f'"answers": "https", "certificate": "address-1-port-443/fullchain.pem", {_KEY}'
_INDENT: Final = " " * 10


@dataclass(frozen=True, slots=True)
class Look:
    """One command of a look by hand: what is asked, and what is to be read in its output."""

    why: str
    command: str
    read: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file of the site, to be made in an editor."""

    file: str
    old: str
    new: str


Todo = Edit | str
"""An edit, or a command to type."""


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
    broken: str
    """How the scenario breaks it."""
    by_hand: tuple[Look, ...]
    to_mend: str
    mending: tuple[Todo, ...]
    """What mends the scenario."""
    to_break: str
    breaking: tuple[Todo, ...]
    """What breaks it in another way of the same cause, once it was mended."""

    @property
    def file(self) -> str:
        """The file that is to be looked at first."""
        return next((todo.file for todo in self.mending if isinstance(todo, Edit)), _SERVER)

    @property
    def questions(self) -> tuple[Question, Question, Question]:
        """What is asked at the end."""
        return QUESTIONS[self.cause]


_ALL: Final = (
    Plan(
        cause=Cause.TLS_NAME,
        title="The certificate's name",
        notebook="02_tls_name",
        runbook="01_tls_name",
        scenario="tls-name-mismatch",
        what=(
            "CloudFront connects to the origin by HTTPS and asks for a name: the Origin Domain, or the viewer's Host"
            " where it is forwarded. The certificate that comes back must carry that name, or the Origin Domain.",
            "The certificate that viewers see is CloudFront's own. It says nothing of the origin's.",
        ),
        broken="The origin got a new certificate, and its own name is not on it.",
        by_hand=(
            Look(
                "What do viewers get?", _EDGE, "A 502, and X-Cache says no more than Error. The page gives no reason."
            ),
            Look(
                "Which names are on the origin's certificate?",
                f"{_S_CLIENT} | openssl x509 -noout -subject -ext subjectAltName",
                "CloudFront asks for the Origin Domain, `origin.shop.example`. Is it among the DNS names?",
            ),
            Look(
                "Does another client agree?",
                "curl -sS https://origin.shop.example/ 2>&1 | grep -o 'SSL: .*'",
                "curl asks for the same name as CloudFront, and refuses for the same reason.",
            ),
        ),
        to_mend="Have a certificate issued that carries the name which CloudFront asks for:",
        mending=(_ISSUE,),
        to_break="Wildcards look wider than they are. Install this one, look again, and say why it is of no use:",
        breaking=(f"cfrunbook lab certificate shop.example '*.origin.shop.example' --folder {_FOLDER}",),
    ),
    Plan(
        cause=Cause.TLS_PROTOCOL,
        title="The TLS handshake",
        notebook="03_tls_protocol",
        runbook="02_tls_protocol",
        scenario="tls-protocol-chacha20-only",
        what=(
            "CloudFront offers the origin certain versions of TLS, cipher suites and curves: fewer than browsers and"
            " openssl do.",
            "If the origin takes none of them, it ends the handshake with an alert, and CloudFront answers 502.",
        ),
        broken="A hardening template left the origin's TLS 1.2 with ChaCha20 only.",
        by_hand=(
            Look(
                "Does the origin speak TLS?",
                f"{_S_CLIENT} | grep -E 'Protocol|Cipher is|Verify return' | sort -u",
                "With openssl's own offer it works, and the certificate is fine. But openssl is not CloudFront.",
            ),
            Look(
                "And with what CloudFront offers?",
                "openssl s_client -connect origin.shop.example:443 -servername origin.shop.example -tls1_2"
                " -cipher ECDHE+AESGCM:ECDHE+AES </dev/null 2>&1 | grep -E 'alert|Cipher is'",
                "CloudFront's suites of TLS 1.2 are of this kind. The alert says that none of them is taken.",
            ),
        ),
        to_mend="Let the server take what OpenSSL takes by default: remove “maximum” and “ciphers” of port 443.",
        mending=(
            Edit(
                _SERVER,
                f'{_KEY},\n{_INDENT}"maximum": "TLSv1.2",\n{_INDENT}"ciphers": "ECDHE+CHACHA20"',
                _KEY,
            ),
        ),
        to_break="Suites are not all that has to fit. Let the server insist on a curve that CloudFront does not offer:",
        breaking=(Edit(_SERVER, _KEY, f'{_KEY}, "curve": "secp521r1"'),),
    ),
    Plan(
        cause=Cause.CERTIFICATE,
        title="The certificate and its chain",
        notebook="04_certificate",
        runbook="03_certificate",
        scenario="certificate-expired",
        what=(
            "CloudFront wants a certificate that is valid now, from a public authority, sent together with its"
            " intermediates, each followed by its issuer.",
            "It fetches nothing that is missing, and has no switch to accept anything else.",
        ),
        broken="The renewal of the origin's certificate failed some time ago, and nobody was told.",
        by_hand=(
            Look(
                "From when until when is it valid?",
                f"{_S_CLIENT} | openssl x509 -noout -subject -issuer -dates; date -u",
                "Compare notAfter with the time below it.",
            ),
            Look(
                "Which certificates are sent, and does the chain hold?",
                f"{_S_CLIENT} | grep -E '^ *[0-9] s:|^ *i:|^Verify'",
                "Each certificate (`s:`) should be followed by its issuer (`i:`). It is: the chain is whole, and only"
                " the date is wrong.",
            ),
        ),
        to_mend="Renew it:",
        mending=(_ISSUE,),
        to_break="The other classic: keep the first certificate of the file only, as a copy of cert.pem would.",
        breaking=(f"cd {_FOLDER} && openssl x509 -in fullchain.pem -out cert.pem && mv cert.pem fullchain.pem",),
    ),
    Plan(
        cause=Cause.PORT,
        title="The port and what listens there",
        notebook="05_port",
        runbook="04_port",
        scenario="port-refused",
        what=(
            "CloudFront connects to the ports that the distribution names, 80 and 443 unless set otherwise.",
            "A port that refuses is a 502, within milliseconds. Packets that a firewall drops are a 504, after ten"
            " seconds and more: another incident, with another page.",
        ),
        broken="The host was rebooted, and the service on port 443 did not come up.",
        by_hand=(
            Look(
                "What happens on the port that CloudFront uses?",
                "curl -sS -o /dev/null -w '%{http_code} after %{time_total} s\\n' https://origin.shop.example/ 2>&1",
                "It failed at once: the connection was refused, and that is a 502. A timeout would take"
                " seconds, and be a 504.",
            ),
            Look(
                "Is the host there at all?",
                "curl -sS -o /dev/null -w '%{http_code}\\n' http://origin.shop.example/ 2>&1",
                "Port 80 answers. So the host is up, and one service is not.",
            ),
        ),
        to_mend="Start the service again: let port 443 answer https, with the certificate that lies there.",
        mending=(Edit(_SERVER, '"answers": "refuses"', _HTTPS),),
        to_break="A typing error in the distribution looks the same from outside:",
        breaking=(Edit("distribution.json", '"HTTPSPort": 443', '"HTTPSPort": 4443'),),
    ),
    Plan(
        cause=Cause.DNS,
        title="The name's resolution",
        notebook="06_dns",
        runbook="05_dns",
        scenario="dns-stale-server-denies",
        what=(
            "CloudFront looks the Origin Domain up in public DNS, from many places. If one of four name servers is"
            " wrong, a quarter of fresh lookups is wrong, and your own resolver may never show it.",
            "So ask each authoritative name server by itself, and not your resolver.",
        ),
        broken="One of the zone's four name servers still answers from an old copy of the zone.",
        by_hand=(
            Look("What does a resolver say?", "dig +short origin.shop.lab", "It gives an address. All well?"),
            Look(
                "Who answers for the zone?",
                "dig +short NS shop.lab | sort",
                "Four name servers, to be asked one by one.",
            ),
            Look(
                "What does each of them say?",
                "for s in $(dig +short NS shop.lab | sort); do"
                " echo $s $(dig +norecurse @$s origin.shop.lab +noall +comments | grep -o 'status: [A-Z]*')"
                " serial $(dig +norecurse @$s SOA shop.lab +short | cut -d' ' -f3); done",
                "One says NXDOMAIN: there is no such name. Its serial number is older than the others'.",
            ),
        ),
        to_mend="Give that server the zone file that the others hold:",
        mending=(Edit("dns/name-servers.json", "shop.lab-2.zone", "shop.lab.zone"),),
        to_break="Now all servers agree. So make a typing error in the zone that they share:",
        breaking=(Edit("dns/shop.lab.zone", "origin A", "orgin A"),),
    ),
    Plan(
        cause=Cause.EDGE_FUNCTION,
        title="The edge function's result",
        notebook="07_edge_function",
        runbook="06_edge_function",
        scenario="lambda-edge-header-read-only-deleted",
        what=(
            "A Lambda@Edge function or a CloudFront Function may change requests and responses, within rules. A result"
            " that breaks one becomes a 502, though the origin is fine.",
            "X-Cache tells: LambdaValidationError or FunctionValidationError. A function that throws is a 503.",
        ),
        broken="A function at origin-response was deployed that makes the response anew.",
        by_hand=(
            Look("What do viewers get?", _EDGE, "Read X-Cache: it names the function, and not the origin."),
            Look(
                "Is the origin fine?",
                "curl -sS -o /dev/null -w '%{http_code}\\n' http://origin.shop.example/cart",
                "It is: the 502 was made on the way back.",
            ),
            Look(
                "Which header fields was the function given, and which did it return?",
                'sed -n \'/"response"/,$p\' function/event.json | grep -oE \'"key": *"[A-Za-z-]+"\' | sort -u;'
                ' echo ---; grep -oE \'"key": *"[A-Za-z-]+"\' function/result.json | sort -u',
                "One of the origin's is missing below the line: Via. A function at this event may not take it away.",
            ),
        ),
        to_mend="Correct the function, so that its result passes Via on as it came:",
        mending=(
            Edit(
                "function/result.json",
                '"server": [',
                '"via": [{"key": "Via", "value": "1.1 2afae0d44e2540f472c0635ab62c232b.cloudfront.net (CloudFront)"}],'
                ' "server": [',
            ),
        ),
        to_break="Names count, too. Call the status as other platforms do:",
        breaking=(Edit("function/result.json", '"status": "200"', '"statusCode": "200"'),),
    ),
    Plan(
        cause=Cause.ORIGIN_RESPONSE,
        title="The origin's answer",
        notebook="08_origin_response",
        runbook="07_origin_response",
        scenario="response-empty",
        what=(
            "Name, port, TLS and certificate are fine, and then there is no proper answer: the origin hangs up, sends"
            " what is no HTTP, or header fields that are too large. CloudFront answers 502.",
            "Or the origin is a gateway and itself says 502: then CloudFront passes its page on.",
        ),
        broken="The application ends before it has answered.",
        by_hand=(
            Look(
                "Is it TLS?",
                f"{_S_CLIENT} | grep -E 'Cipher is|Verify return' | sort -u",
                "The handshake is fine, and so is the certificate.",
            ),
            Look(
                "And what comes after it?",
                "curl -sS -i https://origin.shop.example/cart 2>&1",
                "“Empty reply from server”: the origin took the request and hung up. Its own log will say why.",
            ),
        ),
        to_mend="Let the shop's page come: remove “reply” of port 443.",
        mending=(Edit(_SERVER, f',\n{_INDENT}"reply": "address-1-port-443/reply.http"', ""),),
        to_break="A proxy that greets in another protocol is as bad as none. Let the port say what is no HTTP:",
        breaking=(
            f"printf 'ERROR: no backend\\n' > {_FOLDER}/reply.http",
            Edit(_SERVER, _KEY, f'{_KEY}, "reply": "address-1-port-443/reply.http"'),
        ),
    ),
)

LESSONS: Final[Mapping[str, Plan]] = {plan.cause.value: plan for plan in _ALL}
"""By cause, in the order of the runbooks."""
