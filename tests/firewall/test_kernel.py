"""What we say of rules is what the kernel does with them: the same rulesets loaded, and connected to from every prefix."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from cfrunbook.firewall import address_ranges, answer, dumps, intervals, remedies
from cfrunbook.firewall.model import Question
from cfrunbook.firewall.published import LATEST, OLDER

pytestmark = [
    pytest.mark.netns,
    pytest.mark.needs("unshare", "nsenter", "ip", "nft", "iptables-restore", "ip6tables-restore", "ipset"),
]
PORTS = (443, 8443)
PREFIXES = (*LATEST.ipv4, *LATEST.ipv6)
HOLES = ("18.68.0.0/17", "15.158.7.0/24", "130.176.0.0/16", "54.182.0.0/16", "52.46.16.0/20", "64.252.64.7/32")
HOLES6 = ("2600:9000:1000::/39", "2600:9000::/32", "2600:9000:5200::/40")


def sample(family: int) -> list[str]:
    """Return the first, second, middle and last address of every prefix."""
    found = []
    for prefix in LATEST.ipv4 if family == 4 else LATEST.ipv6:
        _, (a, b) = intervals.network(prefix)
        found += [intervals.show(n, family) for n in (a, a + 1, (a + b) // 2, b - 1)]
    return found


IPTABLES = """
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 70.132.0.0/18 -p tcp -m tcp --dport 8443 -j REDIRECT --to-ports 443
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 3.29.57.0/26 -j DROP
COMMIT
*filter
:INPUT DROP [0:0]
:web - [0:0]
:late - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -m pkttype --pkt-type multicast -j ACCEPT
-A INPUT -d 224.0.0.0/4 -j ACCEPT
-A INPUT -p udp -m udp --dport 443 -j ACCEPT
-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -m comment --comment "say \\"443\\" -j DROP" -j web
-A INPUT -p tcp -m tcp --dport 8000:9000 -m conntrack --ctstate NEW -m set --match-set far src -j ACCEPT
-A INPUT -s 54.239.128.0/18 -g late
-A INPUT -s 204.246.166.0/24 -p tcp -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A web -p tcp -m iprange --src-range 18.68.0.0-18.68.3.255 -j REJECT --reject-with tcp-reset
-A web ! -s 130.176.0.0/16 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m set ! --match-set far src -j RETURN
-A web -s 130.176.128.0/17 -j DROP
-A web -j ACCEPT
-A late -s 54.239.204.0/22 -j ACCEPT
COMMIT
"""
IP6TABLES = """
*filter
:INPUT ACCEPT [0:0]
-A INPUT -s 2600:9000:1000::/38 -p tcp -m tcp --dport 443 -j REJECT --reject-with icmp6-adm-prohibited
-A INPUT -s 2600:9000:6000::/36 -p tcp -m tcp ! --dport 443 -j DROP
COMMIT
"""
IPSET = """
create far hash:net family inet
add far 15.158.0.0/16
add far 15.158.128.0/24 nomatch
add far 64.252.64.0/18
add far 130.176.0.0/16
"""
NFT = """
table inet filter {
  set office { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 18.68.0.0-18.68.1.77 } }
  set pair { type ipv4_addr . inet_service; flags interval; elements = { 15.158.0.0/17 . 443, 64.252.64.0/18 . 8000-9000 } }
  map ports { type inet_service : verdict; elements = { 80 : accept, 443 : jump web, 8443 : goto other } }
  chain web {
    ip saddr @office drop
    ip saddr . tcp dport @pair reject with tcp reset
    ip saddr { 204.246.166.0/24, 205.251.218.0/24 } return
    ip saddr != 130.176.0.0/16 ip saddr != 54.182.0.0/16 accept
    ip6 saddr vmap { 2600:9000:1000::/37 : accept, 2600:9000:6000::/36 : drop }
  }
  chain other {
    ip saddr . tcp dport @pair accept
    ip6 saddr 2600:9000:5200::/40 accept
    meta nfproto ipv4 ip saddr 70.132.0.0/18 reject
  }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iif lo accept
    udp dport 443 accept
    tcp flags & (fin|syn|rst|ack) != syn ct state new drop
    meta l4proto tcp tcp dport vmap @ports
    ip saddr 54.182.128.0/20 tcp dport >= 400 tcp dport < 500 accept
  }
}
table ip early {
  chain pre { type filter hook prerouting priority -150; ip saddr 3.172.0.0/18 fib daddr type local drop; }
  chain late { type filter hook input priority 10; policy accept; ip saddr 3.172.64.0/19 tcp dport 443 reject with icmp type admin-prohibited; }
}
table ip6 late {
  chain late { type filter hook input priority 5; ip6 saddr 2600:9000:1000::/40 drop; }
}
"""
STALE = (
    "*filter\n:INPUT DROP [0:0]\n"
    + "".join(f"-A INPUT -s {prefix} -p tcp -m tcp --dport 443 -j ACCEPT\n" for prefix in OLDER[0].ipv4)
    + "COMMIT\n"
)


def random_iptables(seed: int) -> str:
    """Return rules made at random: jumps only forward, so that nothing is a circle."""
    dice = random.Random(seed)
    chains = ["INPUT", "one", "two"]
    lines = ["*filter", f":INPUT {dice.choice(['ACCEPT', 'DROP'])} [0:0]", ":one - [0:0]", ":two - [0:0]"]
    for number, chain in enumerate(chains):
        for _ in range(dice.randint(2, 7)):
            words = [f"-A {chain}"]
            if dice.random() < 0.8:
                words.append(f"{dice.choice(['', '! '])}-s {dice.choice((*HOLES, *LATEST.ipv4))}")
            words.append(
                dice.choice(
                    [
                        "-p tcp",
                        "-p tcp -m tcp --dport 443",
                        "-p tcp -m multiport --dports 22,8443",
                        "-p tcp -m tcp ! --dport 443",
                    ]
                )
            )
            words.append(
                dice.choice(
                    [
                        "",
                        "-m conntrack --ctstate NEW",
                        "! -i lo",
                        "-m conntrack --ctstate RELATED,ESTABLISHED",
                        "-m tcp --tcp-flags SYN,ACK SYN",
                    ]
                )
            )
            target = dice.choice(
                ["ACCEPT", "DROP", "REJECT --reject-with tcp-reset", "RETURN", *chains[number + 1 :] * 2]
            )
            words.append(f"-{dice.choice('jjg') if target in chains else 'j'} {target}")
            lines.append(" ".join(w for w in words if w))
    return "\n".join([*lines, "COMMIT"]) + "\n"


def random_nft(seed: int) -> str:
    """Return a ruleset made at random."""
    dice = random.Random(seed)
    chains = ["two", "one", "input"]
    text = []
    for number, name in enumerate(chains):
        lines = (
            [
                f"type filter hook input priority 0; policy {dice.choice(['accept', 'drop'])};",
                "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
            ]
            if name == "input"
            else []
        )
        for _ in range(dice.randint(2, 7)):
            held = dice.sample((*HOLES, *LATEST.ipv4), 2)
            source = dice.choice(
                [
                    f"ip saddr {held[0]}",
                    f"ip saddr != {held[0]}",
                    f"ip6 saddr {dice.choice(HOLES6)}",
                    f"ip6 saddr != {dice.choice(HOLES6)}",
                    "",
                ]
            )
            port = dice.choice(
                ["tcp dport 443", "tcp dport { 22, 8443 }", "tcp dport != 443", "tcp dport > 500", "meta l4proto tcp"]
            )
            state = dice.choice(["", "ct state new", "ct state established,related", 'iifname != "lo"'])
            verdict = dice.choice(
                [
                    "accept",
                    "drop",
                    "reject with tcp reset",
                    "return",
                    *(f"{how} {c}" for c in chains[:number] for how in ("jump", "goto")),
                ]
            )
            lines.append(" ".join(w for w in (source, port, state, verdict) if w))
        text.append(f"chain {name} {{\n" + "\n".join(lines) + "\n}")
    return "table inet t {\n" + "\n".join(text) + "\n}\n"


REDIRECTED = """
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8443
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 18.68.0.0/16 -j DROP
COMMIT
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 54.182.0.0/16 -j REJECT
COMMIT
"""


def matches(left: object, right: object) -> dict:
    return {"match": {"op": "==", "left": left, "right": right}}


def in_table(kind: str, **more: object) -> dict:
    return {"add": {kind: {"family": "inet", "table": "t", **more}}}


PORT, SOURCE = ({"payload": {"protocol": p, "field": f}} for p, f in (("tcp", "dport"), ("ip", "saddr")))
OURS = matches(SOURCE, {"prefix": {"addr": "18.68.0.0", "len": 16}})
REDIRECTED_NFT = {
    "nftables": [
        {"add": {"table": {"family": "inet", "name": "t"}}},
        in_table("chain", name="nat", type="nat", hook="prerouting", prio=-100, policy="accept"),
        in_table("chain", name="early", type="filter", hook="prerouting", prio=-150, policy="accept"),
        in_table("chain", name="input", type="filter", hook="input", prio=0, policy="drop"),
        in_table("rule", chain="nat", expr=[matches(PORT, 443), {"redirect": {"port": 8443}}]),
        in_table("rule", chain="early", expr=[OURS, matches(PORT, 443), {"drop": None}]),
        in_table("rule", chain="input", expr=[OURS, {"reject": None}]),
    ]
}


ANSWERING = """
*raw
:OUTPUT ACCEPT [0:0]
-A OUTPUT -d 15.158.128.0/17 -p tcp -m tcp --sport 8443 -j DROP
COMMIT
*mangle
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -p tcp -m iprange --dst-range 18.68.0.0-18.68.3.255 -j DROP
-A POSTROUTING -d 54.182.128.0/20 -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -m conntrack --ctstate INVALID -j DROP
-A OUTPUT -d 130.176.0.0/17 -p tcp -m tcp --sport 443 --dport 1024:65535 -j REJECT --reject-with tcp-reset
-A OUTPUT -d 64.252.64.0/18 -p tcp -m tcp --dport 443 -j DROP
-A OUTPUT -d 70.132.0.0/18 -m conntrack --ctdir REPLY -j DROP
-A OUTPUT -d 52.46.0.0/18 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
-A OUTPUT -m addrtype --src-type LOCAL -p tcp -m multiport --sports 80,443 -m state --state RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p tcp -m set ! --match-set far dst -m tcp --sport 8443 -j ACCEPT
COMMIT
"""
ANSWERING_NFT = """
table inet t {
  chain input { type filter hook input priority 0; policy accept; }
  chain output {
    type filter hook output priority 0; policy drop;
    meta nfproto ipv6 accept
    oifname "lo" accept
    ct state new accept
    ip daddr 130.176.0.0/17 tcp sport 443 reject with tcp reset
    ip daddr { 15.158.128.0/17, 18.68.0.0-18.68.3.255 } tcp sport vmap { 443 : drop, 8443 : accept }
    ip daddr 70.132.0.0/18 ct direction reply drop
    ip daddr . tcp sport { 64.252.64.0/18 . 8443 } drop
    tcp flags & (syn|ack) == syn|ack accept
    ct state established fib saddr type local accept
  }
}
table ip late {
  chain route { type route hook output priority -150; ip daddr 54.182.128.0/20 drop; }
  chain post { type filter hook postrouting priority 0; ip daddr 3.172.0.0/18 tcp sport 443 drop; }
}
"""
SILENT = "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n"
SILENT_REDIRECTED = REDIRECTED.replace("*filter", "*filter\n:OUTPUT DROP [0:0]")
SILENT_NFT = {
    "nftables": [
        *REDIRECTED_NFT["nftables"],
        in_table("chain", name="output", type="filter", hook="output", prio=0, policy="drop"),
    ]
}


def remedied(content: str) -> str:
    """Return the commands of the remedy for a ruleset, for a shell."""
    found = answer.ask((dumps.read(content.encode(), "rules"),), LATEST, Question(443, 4))
    return "\n".join(step.command for step in remedies.steps(found))


RESTORE, RESTORE6, SETS, RULES = ["iptables-restore"], ["ip6tables-restore"], ["ipset", "restore"], ["nft", "-f", "-"]
SHELL = ["bash", "-eu"]
RULESETS = {
    "iptables": [(SETS, IPSET), (RESTORE, IPTABLES), (RESTORE6, IP6TABLES)],
    "nft": [(RULES, NFT)],
    "stale": [(RESTORE, STALE)],
    "remedied iptables": [(RESTORE, STALE), (SHELL, remedied(STALE))],
    "remedied and redirected iptables": [(RESTORE, REDIRECTED), (SHELL, remedied(REDIRECTED))],
    "remedied and redirected nft": [
        (["nft", "-j", "-f", "-"], json.dumps(REDIRECTED_NFT)),
        (SHELL, remedied(json.dumps({"nftables": [item["add"] for item in REDIRECTED_NFT["nftables"]]}))),
    ],
    "answering iptables": [(SETS, IPSET), (RESTORE, ANSWERING)],
    "answering nft": [(RULES, ANSWERING_NFT)],
    "remedied and answering iptables": [(RESTORE, SILENT), (SHELL, remedied(SILENT))],
    "remedied, redirected and answering iptables": [(RESTORE, SILENT_REDIRECTED), (SHELL, remedied(SILENT_REDIRECTED))],
    "remedied, redirected and answering nft": [
        (["nft", "-j", "-f", "-"], json.dumps(SILENT_NFT)),
        (SHELL, remedied(json.dumps({"nftables": [item["add"] for item in SILENT_NFT["nftables"]]}))),
    ],
    **{f"random iptables {n}": [(RESTORE, random_iptables(n)), (RESTORE6, IP6TABLES)] for n in range(6)},
    **{f"random nft {n}": [(RULES, random_nft(n))] for n in range(6)},
}


@pytest.fixture(scope="module")
def told() -> dict[str, dict]:
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs permission to make a network namespace (unshare -rn)")
    program = Path(__file__).parent / "firewall_oracle.py"
    given = {"addresses": sample(4) + sample(6), "ports": PORTS, "rulesets": list(RULESETS.values())}
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, str(program)],
        input=json.dumps(given), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(RULESETS, json.loads(done.stdout), strict=True))


def kept(name: str, printed: dict[str, str]) -> tuple:
    """Return the dumps that a person would give for a ruleset."""
    wanted = ("nft",) if "nft" in name else ("iptables-save", "ip6tables-save", "ipset")
    return tuple(dumps.read(printed[n].encode(), n) for n in wanted if printed[n].strip())


@pytest.mark.parametrize("name", RULESETS)
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("family", [4, 6])
def test_the_kernel_does_what_we_say(told, name, port, family):
    given = kept(name, told[name]["dumps"])
    if not any(
        d.kind == "nftables" or (d.kind == "iptables" and answer.iptables.family_of(d.text) == family) for d in given
    ):
        return  # no rules of this family, so nothing to compare
    found = answer.ask(given, LATEST, Question(port, family))
    said: dict[str, str] = {}
    by_icmp: set[str] = set()
    for part in found.parts:
        for address in sample(family):
            if intervals.address(address)[1] in part.sources:
                said[address] = part.verdict.value
                by_icmp |= {address} if "icmp" in part.place.text or "admin-prohibited" in part.place.text else set()
    seen = {address: told[name]["outcomes"][f"{address} {port}"] for address in sample(family)}
    # The kernel sends few ICMP errors per second, over all namespaces: one that is left out looks like a drop.
    seen |= {a: "rejected" for a in by_icmp if seen[a] == "dropped"}
    assert said == seen


@pytest.mark.parametrize("name", [name for name in RULESETS if name.startswith("remedied")])
def test_after_the_remedy_the_kernel_lets_in_all_of_cloudfront(told, name):
    assert {told[name]["outcomes"][f"{address} 443"] for address in sample(4)} == {"allowed"}
    assert answer.ask(kept(name, told[name]["dumps"]), LATEST, Question(443, 4)).verdict == "allowed"


def test_the_stale_list_blocks_exactly_what_the_kernel_blocks(told):
    found = answer.ask(kept("stale", told["stale"]["dumps"]), LATEST, Question(443, 4))
    blocked = {a for a, is_ in ((a, told["stale"]["outcomes"][f"{a} 443"]) for a in sample(4)) if is_ == "dropped"}
    assert blocked == {a for a in sample(4) if intervals.address(a)[1] in found.blocked}
    assert intervals.to_networks(found.blocked, 4) == ("24.110.128.0/17", "52.46.0.0/20")
    older = address_ranges.lacked_by(found.blocked, LATEST, 4)
    assert older is OLDER[0]
