"""iptables-save as hosts have it: which rule decides, and what cannot be decided and why. CloudFront is 192.0.2.0/24
and 198.51.100.0/24 here; the kernel judges the same reader in test_kernel.py."""

from __future__ import annotations

import pytest

from cfrunbook.errors import BadInput


def table(*rules: str, policy: str = "DROP", before: str = "") -> str:
    chains = f":INPUT {policy} [0:0]\n:FORWARD {policy} [0:0]\n:own - [0:0]\n"
    return (
        f"{before}*filter\n{chains}-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
        + "\n".join(rules)
        + "\nCOMMIT\n"
    )


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ("-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "dropped"),
        ("-A INPUT -p tcp -m tcp --dport 400:500 -j ACCEPT", "allowed"),
        ("-A INPUT -p udp -m udp --dport 443 -j ACCEPT", "dropped"),
        ("-A INPUT -p tcp -m multiport --dports 22,80,440:443 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp -m tcp ! --dport 443 -j ACCEPT", "dropped"),
        ("-A INPUT -s 192.0.2.0/24 -p tcp -j ACCEPT", "allowed dropped"),
        ("-A INPUT ! -s 192.0.2.0/24 -p tcp -j ACCEPT", "dropped allowed"),
        ("-A INPUT -m iprange --src-range 192.0.2.0-192.0.2.127 -j ACCEPT", "allowed dropped"),
        ("-A INPUT -p tcp -m state --state NEW -m tcp --dport 443 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp -m conntrack --ctstate INVALID -j ACCEPT", "dropped"),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "dropped"),
        ("-A INPUT -i lo -j ACCEPT", "dropped"),
        ("-A INPUT ! -i lo -p tcp --dport 443 -j ACCEPT", "allowed"),
        ("-A INPUT -i docker0 -j ACCEPT", "dropped"),
        ("-A INPUT -d 224.0.0.251/32 -j ACCEPT", "dropped"),
        ("-A INPUT -m addrtype --dst-type LOCAL -p tcp -j ACCEPT", "allowed"),
        ('-A INPUT -p tcp -m comment --comment "no -j DROP here" -j ACCEPT', "allowed"),
        ("-A INPUT -p tcp --sport 1024:65535 --dport 443 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp --dport 443 -m mark --mark 0x0 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp --dport 443 -j LOG --log-prefix x\n-A INPUT -p tcp --dport 443 -j ACCEPT", "allowed"),
        ("[7:420] -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", "allowed"),
        ("-A INPUT -p tcp -j own\n-A own -s 192.0.2.0/24 -j RETURN\n-A own -j ACCEPT", "dropped allowed"),
        ("-A INPUT -p tcp -g own\n-A INPUT -p tcp -j ACCEPT\n-A own -s 192.0.2.0/24 -j ACCEPT", "allowed dropped"),
        ("-A INPUT -p tcp --dport 443 -j REJECT --reject-with icmp-port-unreachable", "rejected"),
    ],
)  # fmt: skip
def test_a_rule(told, rule, verdict):
    assert told(table(rule)) == verdict


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("-A INPUT -i eth0 -p tcp --dport 443 -j ACCEPT", "ask again with --interface eth0"),
        ("-A INPUT -d 10.0.0.5/32 -p tcp --dport 443 -j ACCEPT", "--destination ADDRESS"),
        ("-A INPUT -p tcp --dport 443 -m limit --limit 25/min -j ACCEPT", "how many packets came before"),
        ("-A INPUT -p tcp --dport 443 -m recent --update --seconds 60 --name x -j ACCEPT", "seen before"),
        ("-A INPUT -p tcp --dport 443 -m connlimit --connlimit-above 20 -j ACCEPT", "how many connections"),
        ("-A INPUT -p tcp --dport 443 -m geoip --source-country US -j ACCEPT", "geoip"),
        ("-A INPUT -p tcp --dport 443 -m string --string x --algo bm -j ACCEPT", "content"),
        ("-A INPUT -p tcp --dport 443 -m bpf --bytecode 4 -j ACCEPT", "--bytecode"),
        ("-A INPUT -p tcp --dport 443 -m set --match-set far src -j ACCEPT", "ipset save"),
        ("-A INPUT -p tcp --dport 443 -j NFQUEUE --queue-num 0", "NFQUEUE"),
        ("-A INPUT -p tcp --dport 443 -m mark --mark 0x1 -j ACCEPT\n-A INPUT -j MARK --set-mark 1", "marks"),
        ("-A INPUT -s nonsense -j ACCEPT", "not understood"),
    ],
)
def test_what_cannot_be_told_is_undecidable_and_says_why(ask, rule, why):
    found = ask(table(rule))
    assert found.verdict == "undecidable"
    assert why in found.parts[0].why
    assert rule.split("\n")[0] in found.parts[0].place.text


def test_the_interface_and_the_destination_can_be_told(told):
    rules = "-A INPUT -i eth0 -d 10.0.0.5/32 -p tcp --dport 443 -j ACCEPT"
    assert told(table(rules), interface="eth0", destination="10.0.0.5") == "allowed"
    assert told(table(rules), interface="eth1", destination="10.0.0.5") == "dropped"


@pytest.mark.parametrize(
    ("sets", "flags", "verdict"),
    [
        ("create far hash:net family inet\nadd far 192.0.2.0/24", "src", "allowed dropped"),
        ("create far hash:net family inet\nadd far 192.0.2.0/24\nadd far 192.0.2.128/25 nomatch", "src", "allowed dropped"),
        ("create far hash:net family inet\nadd far 192.0.0.0/16 nomatch\nadd far 192.0.2.0/24", "src", "allowed dropped"),
        ("create far hash:ip family inet\nadd far 192.0.2.0-192.0.2.9", "src", "allowed dropped"),
        ("create far hash:ip family inet hashsize 64 netmask 24\nadd far 198.51.100.0", "src", "dropped allowed"),
        ("create far hash:ip family inet bitmask 255.255.0.255\nadd far 192.0.2.1", "src", "undecidable"),
        ("create far hash:net,port family inet\nadd far 198.51.100.0/24,tcp:443", "src,dst", "dropped allowed"),
        ("create far hash:net,port family inet\nadd far 198.51.100.0/24,udp:443", "src,dst", "dropped"),
        ("create far bitmap:port range 0-1024\nadd far 443", "dst", "allowed"),
        ("create a hash:net family inet\nadd a 192.0.2.0/24\ncreate far list:set size 8\nadd far a", "src", "allowed dropped"),
        ("create far hash:net family inet6\nadd far 2001:db8::/32", "src", "dropped"),
        ("create far hash:mac\nadd far 02:00:00:00:00:01", "src", "undecidable"),
    ],
)  # fmt: skip
def test_sets_of_ipset_save(told, sets, flags, verdict):
    assert told(table(f"-A INPUT -p tcp -m set --match-set far {flags} -j ACCEPT"), f"{sets}\n") == verdict


@pytest.mark.parametrize(
    ("marking", "verdict"),
    [
        ("-A own -j MARK --set-xmark 0x4000/0x4000", "allowed"),
        ("-A own -j CONNMARK --save-mark", "allowed"),
        ("-A own -j MARK --set-xmark 0x8000/0x8000", "undecidable"),
        ("-A own -j MARK --xor-mark 0x1", "undecidable"),
        ("-A own -j CONNMARK --restore-mark --nfmask 0xffff --ctmask 0xffff", "undecidable"),
    ],
)
def test_a_mark_that_no_rule_sets_is_on_no_packet(told, marking, verdict):
    drop = "-A INPUT -m mark --mark 0x8000/0x8000 -j DROP"  # kubelet's chain KUBE-FIREWALL
    assert told(table(drop, marking, policy="ACCEPT")) == verdict


MADE = "# Generated by iptables-save v1.8.9\n"
ONLY_NAT = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("*filter\n:ufw-before-input - [0:0]\n-A ufw-before-input -j DROP\nCOMMIT\n", "undecidable"),
        (f"{MADE}{ONLY_NAT}", "undecidable"),
        (f"{MADE}*filter\n:FORWARD DROP [0:0]\nCOMMIT\n{ONLY_NAT}", "allowed"),
    ],
    ids=["ufw's before.rules", "iptables-save -t nat", "no chain INPUT was ever made"],
)
def test_part_of_the_rules_is_not_taken_for_all_of_them(told, text, verdict):
    assert told(text) == verdict


@pytest.mark.parametrize(
    "comment", ["!", "-s", "-j", '"- office -j ACCEPT"', '"a\x0c# b"', '"a\u2028-A INPUT -j ACCEPT"', '"a\x85b"']
)
def test_a_comment_is_never_read_as_part_of_the_rule(told, comment):
    assert told(table(f"-A INPUT -m comment --comment {comment} -j DROP", policy="ACCEPT")) == "dropped"


@pytest.mark.parametrize("module", ["socket", "rpfilter", "eui64"])
def test_a_match_without_options_is_a_condition_all_the_same(told, module):
    assert told(table(f"-A INPUT -m {module} -j ACCEPT")) == "undecidable"


DOCKER = """*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:8443
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 8443 -j ACCEPT
-A DOCKER-USER -s 198.51.100.0/24 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
"""


def test_a_port_that_docker_publishes_goes_through_forward_not_input(ask, told):
    found = ask(DOCKER)
    assert told(DOCKER) == "allowed dropped"
    assert [p.place.where for p in found.parts] == ["line 18", "line 19"]
    assert found.notes == ("rules-1 sends port 443 on to 172.17.0.2 port 8443: FORWARD counts.",)
    assert told(DOCKER, port=22) == "allowed"


UFW = """*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
:ufw-not-local - [0:0]
:ufw-logging-deny - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -j ufw-user-input
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-user-input -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
"""


def test_ufw_is_read_through_its_chains(ask, told):
    assert told(UFW) == "allowed dropped"
    assert ask(UFW).parts[0].place.where == "line 17"


def test_accepting_only_new_connections_drops_the_packets_that_follow(ask):
    only_new = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 443 -m state --state NEW -j ACCEPT\nCOMMIT\n"
    found = ask(only_new)
    assert found.verdict == "blocked"
    assert found.parts[0].place.text == "policy DROP of chain INPUT (table filter), for packets after the first"


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("", "dropped"),
        ("-A OUTPUT -m state --state RELATED,ESTABLISHED -j ACCEPT", "allowed"),
        ("-A OUTPUT -m state --state NEW -j ACCEPT", "dropped"),
        ("-A OUTPUT -o lo -j ACCEPT", "dropped"),
        ("-A OUTPUT -p tcp -m tcp --sport 443 -j ACCEPT", "allowed"),
        ("-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT", "dropped"),
        ("-A OUTPUT -p tcp -m tcp --dport 6667 -j DROP\n-A OUTPUT -j ACCEPT", "allowed"),
        ("-A OUTPUT -p tcp -m tcp --dport 1024:32767 -j DROP\n-A OUTPUT -j ACCEPT", "undecidable"),
        ("-A OUTPUT -d 192.0.2.0/24 -p tcp -j ACCEPT", "allowed dropped"),
        ("-A OUTPUT -d 192.0.2.0/24 -p tcp -j REJECT\n-A OUTPUT -j ACCEPT", "dropped allowed"),
        ("-A OUTPUT -m owner --uid-owner 33 -j ACCEPT", "undecidable"),
        ("-A OUTPUT -p tcp ! --syn -j ACCEPT", "allowed"),
        ("-A OUTPUT -p tcp -m tcp --tcp-flags SYN,ACK ACK -j ACCEPT", "dropped"),
        ("-A OUTPUT -s 10.0.0.5/32 -j ACCEPT", "undecidable"),
    ],
)  # fmt: skip
def test_answers_need_a_way_out(told, rules, verdict):
    assert told(f"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n{rules}\nCOMMIT\n") == verdict


def test_answers_of_a_container_need_a_way_out_too(ask, told):
    sent = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 172.17.0.2:8443\nCOMMIT\n"
    filtered = (
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -d 172.17.0.2/32 -o docker0 -p tcp -m tcp --dport 8443 -j ACCEPT\n{}COMMIT\n"
    )
    found = ask(sent + filtered.format(""))
    assert found.verdict == "blocked"
    assert found.parts[0].place.text == "policy DROP of chain FORWARD (table filter), for answers"
    assert told(sent + filtered.format("-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n")) == "allowed"


@pytest.mark.parametrize(
    ("remark", "ask_for"),
    [
        ("# Warning: iptables-legacy tables present, use iptables-legacy-save to see them", "iptables-legacy-save"),
        ("# Table `own' is incompatible, use 'nft' tool.", "nft -j list ruleset"),
    ],
)
def test_tables_that_are_not_shown_leave_it_undecidable(ask, remark, ask_for):
    open_table = table("-A INPUT -p tcp -j ACCEPT", before=remark + "\n")
    found = ask(open_table)
    assert (found.verdict, ask_for in found.parts[0].why) == ("undecidable", True)
    assert (
        ask(
            open_table, table("-A INPUT -p tcp -j ACCEPT"), {"nftables": [{"table": {"family": "ip", "name": "own"}}]}
        ).verdict
        == "allowed"
    )
    assert ask(table("-A INPUT -p udp -j ACCEPT", before=remark + "\n")).verdict == "blocked"


@pytest.mark.parametrize(
    ("policy", "rules", "says"),
    [
        ("DROP", ["-A INPUT -p tcp --dport 443 -j ACCEPT"], "-A INPUT -p tcp --dport 443 -j ACCEPT"),
        (
            "ACCEPT",
            ["-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"],
            "policy ACCEPT of chain PREROUTING (table raw)",
        ),
    ],
)
def test_what_lets_in_is_named_and_not_a_policy_on_the_way_to_it(ask, policy, rules, says):
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.1 -p udp -j DROP\nCOMMIT\n"
    found = ask(table(*rules, policy=policy, before=raw))
    assert [(part.verdict.value, part.place.text) for part in found.parts] == [("allowed", says)]


def test_rules_for_the_other_family_say_nothing(ask, told):
    assert told(table("-A INPUT -p tcp -j ACCEPT"), family=6) == "undecidable"
    assert "ip6tables-save" in ask(table("-A INPUT -p tcp -j ACCEPT"), family=6).parts[0].why
    six = "# Generated by ip6tables-save\n*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::/33 -p tcp -j ACCEPT\nCOMMIT\n"
    assert told(table("-A INPUT -p tcp -j ACCEPT"), six, family=6) == "allowed dropped"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACC", "ends before COMMIT: it is cut off"),
        (
            "*filter\n:INPUT DROP [0:0]\n-A MISSING -j ACCEPT\nCOMMIT\n",
            "line 3: '-A MISSING -j ACCEPT' is no rule of a chain",
        ),
        (
            "*filter\n:INPUT DROP [0:0]\nCOMMIT\n" * 2,
            "line 4: the table filter is there twice; give the output of iptables-save and ip6tables-save in files of their own",
        ),
        ("hello\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n", "line 1: 'hello' is outside of any table"),
    ],
)
def test_a_broken_dump_is_refused_in_a_sentence(ask, text, says):
    with pytest.raises(BadInput, match="Firewall: rules-1") as error:
        ask(text)
    assert says in str(error.value)


def test_many_thousand_rules(told):
    many = (
        f"-A INPUT -s 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 -p tcp -m tcp --dport 443 -j DROP" for n in range(20_000)
    )
    assert told(table(*many, "-A INPUT -p tcp --dport 443 -j ACCEPT")) == "allowed"
