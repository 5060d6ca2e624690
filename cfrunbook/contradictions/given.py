"""What a person gave, against itself and against what was seen: function results, firewall rules, captures. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cfrunbook.contradictions import reasons as why
from cfrunbook.errors import BadInput
from cfrunbook.evidence import CapturedResponse
from cfrunbook.findings import Cause, Contradiction, Finding, Statement, Status, Witness
from cfrunbook.joining import Scene, moment_of, witness_of
from cfrunbook.text import fill, join_names, visible

_KINDS = {"edge_function.lambda_edge.": "lambda-edge", "edge_function.cloudfront_function.": "cloudfront-function"}


def function_accepted(scene: Scene) -> Iterator[Contradiction]:
    """Yield where a given result breaks a rule, and CloudFront sent a response that such a function made."""
    for prefix, kind in _KINDS.items():
        refused = next((f for f in scene.findings if f.status is Status.FAULT and f.code.startswith(prefix)), None)
        response = next((r for r in scene.responses if _generated_by(r) == kind), None)
        if refused is None or response is None or witness_of(refused) is not Witness.FUNCTION:
            continue
        value = visible(response.field("x-cache"), 80)
        one = _captured(response, f"X-Cache says “{value}”: CloudFront used what a function returned.")
        yield Contradiction(
            code="function_accepted",
            cause=Cause.EDGE_FUNCTION,
            sentence="The captured response was made by a function, whose result CloudFront used; the function's result"
            " that was given breaks a rule.",
            sides=(one, scene.statement(refused)),
            reasons=why.ranked(
                why.Reason(why.LIKELY, "The response and the result are of different requests, events or functions."),
                why.Reason(why.LIKELY, "The version that is deployed is another than the one that made this result."),
                why.Reason(why.POSSIBLE, "CloudFront may not hold every function to this rule."),
            ),
            next_check="Take the result and the response of one request: its request id is X-Amz-Cf-Id in the response"
            " and requestId in the event.",
        )


def _generated_by(response: CapturedResponse) -> str:
    """Return the kind of function that made a response, by X-Cache; empty where it says nothing like that."""
    from cfrunbook.cloudfront import x_cache

    read = x_cache.read(response.field("x-cache"))
    return read.answered.value if read is not None and read.outcome is x_cache.Outcome.GENERATED else ""


def response_of_another(scene: Scene) -> Iterator[Contradiction]:
    """Yield where the captured response is of a host that the distribution does not serve."""
    if scene.distribution is None or not scene.distribution.names:
        return
    from cfrunbook.cloudfront import viewer_url

    for response in scene.responses:
        try:
            host = viewer_url.parse(response.url).host if response.url else ""
        except BadInput:
            continue
        if host and not scene.distribution.serves(host):
            names = join_names(list(scene.distribution.names), 4)
            shown = visible(host, 120)
            yield Contradiction(
                code="response_of_another_host",
                cause=Cause.DISTRIBUTION,
                sentence=f"The captured response is of {shown}; the configuration given serves {names}.",
                sides=(
                    _captured(response, f"The request was for {shown}."),
                    Statement(
                        says=f"Distribution {visible(scene.distribution.title, 80)} serves {names}.",
                        witness=Witness.CONFIGURATION,
                        strength="strong",
                    ),
                ),
                reasons=why.ranked(
                    why.Reason(why.LIKELY, "The response is of another distribution, or the configuration is."),
                    why.Reason(why.POSSIBLE, "The alias was added or taken away since the configuration was saved."),
                    why.Reason(why.POSSIBLE, "Another proxy or CDN stands before CloudFront and changes the name."),
                ),
                next_check=fill(
                    "See which distribution serves the name, and give that one: dig +short {host!q}; aws cloudfront"
                    " list-distributions",
                    {"host": host},
                ),
            )
            return


def _captured(response: CapturedResponse, says: str) -> Statement:
    return Statement(says=says, witness=Witness.RESPONSE, strength="direct", at=moment_of(response))


def resolvers_differ(scene: Scene) -> Iterator[Contradiction]:
    """Yield where a resolver says something else about a name than its zone's own servers."""
    for finding in scene.findings:
        if finding.code != "dns.resolver_differs":
            continue
        data = {key: visible(finding.data.get(key, ""), 300) for key in _DIFFERS}
        whole = scene.statement(finding)
        public = f"The zone's own servers say {data['servers_say']} for {data['name']}."
        here = f"{data['resolver_capital']} {data['resolver_says']} for {data['name']}."
        yield Contradiction(
            code="resolvers_differ",
            cause=Cause.DNS,
            sentence=f"In {why.noun(whole)}, a resolver and the zone's own servers say different things about"
            f" {data['name']}.",
            sides=(
                msgspec.structs.replace(whole, says=public, strength="strong"),
                msgspec.structs.replace(whole, says=here, strength="weak"),
            ),
            reasons=(data["why_different"] or why.SPLIT_VIEW.text,),
            next_check="What the zone's servers say counts for CloudFront: look from the public internet, or name a"
            " public resolver (--resolver 1.1.1.1).",
            target=finding.target,
        )


_DIFFERS = ("name", "resolver_capital", "resolver_says", "servers_say", "why_different")


def firewall_against_the_rest(scene: Scene) -> Iterator[Contradiction]:
    """Yield where the rules given cannot be those before the origin, by what was seen."""
    blocks, allows = _find(scene, "port.firewall_blocks_all"), _find(scene, "port.firewall_allows")
    is_open, dropped = _find(scene, "port.firewall_open_to_all"), _find(scene, "port.dropped")
    relayed, timeout = _find(scene, "origin_response.relayed"), _find(scene, "cloudfront.timeout")
    keeps_out = "the firewall's rules keep it out"
    if blocks and relayed:
        said = f"The captured response was made by the origin, so that CloudFront reached it; {keeps_out}."
        yield _of_rules(scene, "firewall_blocks_but_reached", said, relayed, blocks, _NOT_IN_EFFECT, _OTHER_WAY)
    if allows and timeout and not blocks:
        said = "The captured response is a 504; the firewall's rules let all of CloudFront in."
        yield _of_rules(scene, "firewall_allows_but_timeout", said, timeout, allows, _ANOTHER_STAGE, _SLOW)
    if is_open and dropped:
        one = scene.statement(dropped)
        said = f"The firewall's rules let everybody in; {why.noun(one)} gets no answer."
        yield _of_rules(
            scene, "firewall_open_but_silent", said, dropped, is_open, _NOT_IN_EFFECT, _ANOTHER_STAGE, why.local(scene)
        )


_NOT_IN_EFFECT = why.Reason(why.LIKELY, "The rules given are not those in effect: of another machine, or older.")
_OTHER_WAY = why.Reason(why.LIKELY, "CloudFront takes another way: another address, port or load balancer.")
_ANOTHER_STAGE = why.Reason(
    why.LIKELY,
    "There is another filter on the way: network ACL, the load balancer's group, the machine's own firewall.",
)
_SLOW = why.Reason(why.LIKELY, "The connection is made, and the application takes longer than the response timeout.")


def _of_rules(
    scene: Scene, code: str, sentence: str, one: Finding, other: Finding, *reasons: why.Reason
) -> Contradiction:
    sides = (scene.statement(one), scene.statement(other))
    return Contradiction(
        code=code,
        cause=Cause.PORT,
        sentence=sentence,
        sides=sides,
        reasons=why.ranked(why.between(sides[0], sides[1], differs=True), *reasons),
        next_check="Print the rules again on every firewall before the origin (cfrunbook firewall), and watch for"
        " CloudFront's packets there: tcpdump -ni any tcp port PORT.",
        target=other.target,
    )


def _find(scene: Scene, code: str) -> Finding | None:
    return next((f for f in scene.findings if f.code == code), None)


DETECTORS = (function_accepted, response_of_another, resolvers_differ, firewall_against_the_rest)
