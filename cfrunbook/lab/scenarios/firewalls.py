"""What stands before the origin, as rules that somebody dumped: who is let in, judged on paper.

This machine is no edge location, so what such rules do to CloudFront cannot be tried here: the edge answers 200.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from cfrunbook.firewall.published import OLDER
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Difficulty, Expected, Scenario, Setup, web
from cfrunbook.lab.scenarios.rows import fault, row, unknown
from cfrunbook.lab.servers import Chain, Tls

_PORT: Final = "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
_TIMEOUT: Final = "http-504-gateway-timeout.html"
_RANGES: Final = "LocationsOfEdgeServers.html"
_EDGE: Final = frozenset({200})
_CLOUDFRONT: Final = "pl-3b927c52"
"""com.amazonaws.global.cloudfront.origin-facing in us-east-1:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html"""


def _group(cidrs: Sequence[str] = (), *, lists: Sequence[str] = (), groups: Sequence[str] = ()) -> bytes:
    """Return `aws ec2 describe-security-groups` of one group."""
    permission: dict[str, Any] = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs],
        "Ipv6Ranges": [],
        "PrefixListIds": [{"PrefixListId": one} for one in lists],
        "UserIdGroupPairs": [{"GroupId": one} for one in groups],
    }
    group = {"GroupId": "sg-0a1b2c3d4e5f60718", "VpcId": "vpc-1", "IpPermissions": [permission]}
    return json.dumps({"SecurityGroups": [group]}, indent=2).encode() + b"\n"


def _iptables(*rules: str, policy: str = "DROP", is_whole: bool = True) -> bytes:
    """Return `iptables-save`."""
    lines = ["*filter", f":INPUT {policy} [0:0]", *rules, *(["COMMIT"] if is_whole else [])]
    return ("\n".join(lines) + "\n").encode()


def _rules(  # noqa: PLR0917 - one row of a table
    name: str,
    expected: Expected,
    file: str,
    dump: bytes,
    title: str,
    ticket: str,
    hint: str,
    why: str,
    *,
    page: str = _RANGES,
    difficulty: Difficulty = Difficulty.MEDIUM,
) -> Scenario:
    def set_up(authority: Authority) -> Setup:
        chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
        return Setup(web(Tls(chain)), firewall={file: dump})

    return row(
        name,
        expected,
        set_up,
        title=title,
        pager="13:05 PAGE  CloudFront errors for www.shop.example since the firewall change of 13:00.",
        ticket=ticket,
        hints=(
            "From here the origin answers. Who else has to be let in?",
            "Go through the rules in their order, for port 443.",
            hint,
        ),
        why=why,
        page=page,
        difficulty=difficulty,
        on_paper=True,
    )


SCENARIOS = (
    _rules(
        "firewall-office-only",
        fault("port.firewall_blocks_all", status=504, edge=_EDGE),
        "security-group.json",
        _group(["10.0.0.0/8"]),
        "The security group lets in the company's own addresses only",
        "from the office everything works. The group's rules are in the file.",
        "Is any address of CloudFront among those that are let in?",
        "The rule was made when the origin had no CloudFront before it.",
        page=_TIMEOUT,
        difficulty=Difficulty.EASY,
    ),
    _rules(
        "firewall-stale-list",
        fault("port.firewall_stale_list", status=504, edge=_EDGE),
        "security-group.json",
        _group(OLDER[0].ipv4),
        "The firewall knows CloudFront's addresses of last year",
        "some requests fail, from some places. CloudFront's addresses are all in the group, we put them there.",
        "Compare the list with today's ip-ranges.json.",
        "AWS adds addresses; a list that was copied by hand stays as it was.",
        page=_TIMEOUT,
        difficulty=Difficulty.HARD,
    ),
    _rules(
        "firewall-one-network",
        fault("port.firewall_blocks_some", status=502, edge=_EDGE),
        "iptables.txt",
        _iptables("-A INPUT -s 18.68.0.0/16 -j REJECT --reject-with tcp-reset", policy="ACCEPT"),
        "One network is rejected, and a part of CloudFront is in it",
        "we blocked an attacker's network at 13:00, one line. Some customers have had errors since.",
        "Whose network is it, also?",
        "Attackers rent machines beside everybody else's, and whole networks are blocked.",
        page=_PORT,
    ),
    _rules(
        "firewall-another-group",
        unknown("port.firewall_undecidable", _EDGE),
        "security-group.json",
        _group(groups=["sg-0ffff0000ffff0000"]),
        "The rules let in the members of another group, and whose addresses those are they do not say",
        "the group lets in a group. Is CloudFront in it?",
        "What would have to be known about the other group?",
        "Internal rules name groups, not addresses.",
        difficulty=Difficulty.HARD,
    ),
    _rules(
        "firewall-cut-off-dump",
        unknown("port.firewall_unreadable", _EDGE),
        "iptables.txt",
        _iptables("-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", is_whole=False),
        "The dump of the rules is not whole",
        "here are the rules, copied out of a terminal.",
        "How does a whole dump end?",
        "Terminals keep so many lines and no more.",
    ),
    _rules(
        "firewall-nginx-denies",
        HEALTHY,
        "nginx.conf",
        b"server {\n    listen 443 ssl;\n    allow 10.0.0.0/8;\n    deny all;\n}\n",
        "nginx answers 403 to CloudFront, which is no 502",
        "customers see 403, says support, and somebody said 502. The web server's rules are in the file.",
        "What does nginx send to whom it denies?",
        "An allow list in the web server answers; a firewall would not.",
    ),
    _rules(
        "firewall-open",
        HEALTHY,
        "security-group.json",
        _group(["0.0.0.0/0"]),
        "The security group lets in everybody",
        "is CloudFront let in? The group's rules are in the file.",
        "Who else is let in?",
        "It works, and whoever knows the origin's name goes around CloudFront.",
        difficulty=Difficulty.EASY,
    ),
    _rules(
        "firewall-right",
        HEALTHY,
        "security-group.json",
        _group(lists=[_CLOUDFRONT]),
        "The security group lets in CloudFront's own prefix list",
        "there is not one address in these rules. How can that let anybody in?",
        "What is in the prefix list?",
        "AWS keeps the list up to date; that is how it should be.",
        difficulty=Difficulty.EASY,
    ),
)
