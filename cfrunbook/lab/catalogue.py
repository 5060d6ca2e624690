"""The catalogue: which scenarios there are, which result codes none can show, and who says otherwise; each with why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.lab.scenario import Difficulty, Scenario
from cfrunbook.lab.scenarios import SCENARIOS
from cfrunbook.text import visible

_RUN = "It is said of a handler that is run here, which `cfrunbook function --run` does when asked, and no scenario."
_MACHINE = "It is about the machine from which somebody looks, or its network, and not about the origin."
_NO_WALK = (
    "It is said where name servers themselves could not be asked, from the root down; in the lab they always can be."
)
_LIBRARY = "It is about a disagreement with AWS's TLS library that is not known to be, so it cannot be made."
_PART = "The lab's name servers fail alike for every question, over UDP and TCP."

NOT_SHOWN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("edge_function.threw", "edge_function.timed_out", "edge_function.ran_out_of_memory"),
            *("edge_function.output_too_large", "edge_function.could_not_run"),
        ),
        _RUN,
    ),
    **dict.fromkeys(
        (
            *("port.rejected", "port.unreachable", "port.no_local_route", "port.not_tried", "dns.not_asked"),
            *("dns.localhost", "dns.server_unreachable"),
        ),
        _MACHINE,
    ),
    **dict.fromkeys(
        (
            *("dns.not_walked", "dns.ok", "dns.resolver_nxdomain", "dns.resolver_dangling_alias"),
            *("dns.resolver_nodata", "dns.resolver_servfail", "dns.resolver_refused", "dns.resolver_timeout"),
        ),
        _NO_WALK,
    ),
    **dict.fromkeys(("dns.server_ignores", "dns.server_limits"), _PART),
    "dns.server_unproven": "It takes a server so slow that one look cannot tell it from a dead one: a draw.",
    "dns.server_unfinished": "It takes a machine, or servers at every level, so slow that the time runs out: a draw.",
    "tls_protocol.s2n_fails": _LIBRARY,
    "edge_function.lambda_edge.event_unusable": "Whoever gives such an event is told so before anything is judged.",
    "edge_function.cloudfront_function.event_unusable": "Whoever gives such an event is told so before that.",
    "port.keep_alive_ok": "It takes watching an idle connection for as long as CloudFront keeps it: five seconds.",
    "tls_protocol.timeout": "It takes a handshake that hangs for as long as CloudFront waits: ten seconds.",
    "tls_protocol.undocumented_suite": "No OpenSSL of today has the old suites that CloudFront offers beside its list.",
    "tls_protocol.renegotiation": "Python's ssl module cannot ask for another handshake; tests do it with Apache.",
    "tls_protocol.renegotiation_optional": "Python's ssl module cannot ask for another handshake.",
    "tls_protocol.tls13_not_yet": "It was so until November 2025, and the scenarios are of today.",
    "cloudfront.logs_go_on_later": "It takes a moment to judge at (--at) in the past, and the scenarios are of now.",
    "cloudfront.logged_one_origin": "It takes real-time logs, and the lab writes standard logs.",
    "certificate.malformed": "The lab's authority makes whole certificates; tests damage them byte by byte.",
    "certificate.differing": "It takes a server that tells CloudFront's hello from others by chance: a draw.",
    "tls_name.differing": "It takes a server that tells CloudFront's hello from others by chance: a draw.",
    "distribution.origin_port_not_allowed": "It is said where an origin is given without any distribution.",
}
"""Codes that no scenario shows, each with the reason in a sentence. A test holds that all others are shown."""


class Judge(StrEnum):
    """Who else says whether CloudFront gets to an origin."""

    EDGE = "the lab's edge"
    """OpenSSL, and AWS's library where it is installed, with what AWS documents beside."""
    OPENSSL = "OpenSSL"
    """The same without AWS's library."""
    S2N = "AWS's s2n-tls"
    UNBOUND = "unbound"
    BIND = "BIND"


_SINGLE: Final[Mapping[tuple[str, Judge], str]] = {
    ("certificate-wrong-order", Judge.S2N): "It sorts the chain itself; AWS documents that a wrong order is a 502.",
    ("tls-protocol-p521-curve-only", Judge.OPENSSL): "Python cannot limit its curves; AWS's s2n-tls does not connect.",
    ("tls-protocol-warns-first", Judge.OPENSSL): "It goes on after a warning, and AWS's s2n-tls does not.",
    ("dns-two-aliases", Judge.BIND): "It refuses two CNAME records of one name, as RFC 2181 forbids them.",
}
"""Judges that alone come to something else than the verdict, each with the reason."""


def disagreements() -> Mapping[tuple[str, Judge], str]:
    """Return who comes to something else than the verdict, by scenario, with the reason in a sentence.

    Tests hold that there are no others, and that each of these is still so.
    """
    whole = {(name, Judge.EDGE): s.disagreement for name, s in SCENARIOS.items() if s.disagreement}
    return {**whole, **_SINGLE}


def choose(*, cause: str = "", difficulty: str = "") -> tuple[Scenario, ...]:
    """Return the scenarios about a cause, of a difficulty; those in which nothing is broken are about none.

    Raises BadInput for a cause or a difficulty that does not exist, and where nothing is left.
    """
    wanted = _of(Cause, cause, "cause")
    level = _of(Difficulty, difficulty, "difficulty")
    found = tuple(
        scenario
        for scenario in SCENARIOS.values()
        if (not wanted or scenario.expected.cause == wanted) and (not level or scenario.difficulty == level)
    )
    if not found:
        raise BadInput(f"Lab: no scenario is about {visible(cause)} and {visible(difficulty)}; leave one of them out.")
    return found


def _of(kind: type[Cause] | type[Difficulty], word: str, what: str) -> str:
    """Return the member of an enumeration that a word names; empty for an empty one. Raises BadInput."""
    given = word.replace("-", "_")
    if given and given not in list(_values(kind)):
        raise BadInput(f"Lab: '{visible(word, 40)}' is no {what}; there are {', '.join(_values(kind))}.")
    return given


def _values(kind: type[Cause] | type[Difficulty]) -> Iterator[str]:
    yield from (member.value for member in kind)
