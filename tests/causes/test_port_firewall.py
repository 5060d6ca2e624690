"""What the rules of a firewall mean for CloudFront: each result code with a realistic dump, and its remedy."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import subprocess

import msgspec
import pytest

from cfrunbook.causes import port, port_firewall
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.diagnosis import judge
from cfrunbook.evidence import Connection, ConnectOutcome, FirewallDump, Observations, Resolution, ResolutionOutcome
from cfrunbook.findings import Finding, Stage, Status
from cfrunbook.firewall import address_ranges, dumps, intervals
from cfrunbook.firewall.published import LATEST, OLDER
from cfrunbook.incident import Incident
from cfrunbook.x509.roots import from_der

AT = dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)
HOST = "shop.example.com"


def target(**more) -> Target:
    names = (ServerName(sni=HOST, host=HOST, acceptable=(HOST,), why="the Origin Domain"),)
    return Target(
        **{
            "id": "shop:443",
            "origin_id": "shop",
            "domain": HOST,
            "port": 443,
            "protocol": "https",
            "names": names,
            **more,
        }
    )


def security_group(*cidrs: str, lists=(), groups=(), six=()) -> FirewallDump:
    permission = {
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": c} for c in cidrs],
        "Ipv6Ranges": [{"CidrIpv6": c} for c in six], "PrefixListIds": [{"PrefixListId": p} for p in lists],
        "UserIdGroupPairs": [{"GroupId": g} for g in groups],
    }  # fmt: skip
    return dump({"SecurityGroups": [{"GroupId": "sg-0a1", "VpcId": "vpc-1", "IpPermissions": [permission]}]}, "sg.json")


def dump(content, name: str = "rules.txt") -> FirewallDump:
    return dumps.read((content if isinstance(content, str) else json.dumps(content)).encode(), name)


def iptables(*rules: str, policy: str = "DROP") -> FirewallDump:
    return dump(f"*filter\n:INPUT {policy} [0:0]\n" + "".join(f"{r}\n" for r in rules) + "COMMIT\n")


def judged(*given: FirewallDump, families=(4,), **more) -> list[Finding]:
    return list(port_firewall.judge(given, target=target(**more), at=AT, families=families))


ALLOW = "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT"


@pytest.mark.parametrize(
    ("given", "code", "status", "cloudfront_status", "title"),
    [
        (security_group("10.0.0.0/8"), "blocks_all", Status.FAULT, 504, "The firewall drops every one of CloudFront's IPv4 addresses at port 443: sg.json: no inbound rule of sg-0a1 lets this in"),
        (iptables("-A INPUT -p tcp -j REJECT --reject-with tcp-reset"), "blocks_all", Status.FAULT, 502, "The firewall rejects every one of CloudFront's IPv4 addresses at port 443: rules.txt, line 3: -A INPUT -p tcp -j REJECT"),
        (dump("server { listen 443 ssl; allow 10.0.0.0/8; deny all; }"), "forbids", Status.WARNING, None, "nginx answers all 343,616 addresses of CloudFront 403 at port 443: rules.txt, line 1: deny all"),
        (dump("stream { server { listen 443; deny all; } }"), "blocks_all", Status.FAULT, 502, "The firewall rejects every one of CloudFront's IPv4 addresses at port 443: rules.txt, line 1: deny all"),
        (iptables("-A INPUT -s 18.68.0.0/16 -j DROP", policy="ACCEPT"), "blocks_some", Status.FAULT, 504, "The firewall drops 65,536 of 343,616 addresses (19.1 %) of CloudFront at port 443 (18.68.0.0/16; rules.txt, line 3: -A INPUT -s 18.68.0.0/16 -j DROP); some requests fail."),
        (iptables("-A INPUT -s 18.68.0.0/16 -j REJECT", policy="ACCEPT"), "blocks_some", Status.FAULT, 502, "The firewall rejects 65,536 of 343,616 addresses"),
        (security_group(*OLDER[0].ipv4), "stale_list", Status.FAULT, 504, "The firewall's list of CloudFront's addresses is that of 2025-07-24: at port 443 it drops 36,864 of 343,616 addresses (10.7 %) that AWS added since (24.110.128.0/17 and 52.46.0.0/20); some requests fail."),
        (security_group(groups=["sg-9"]), "undecidable", Status.UNKNOWN, None, "Whether the firewall lets in all 343,616 addresses of CloudFront at port 443 cannot be told from sg.json, SecurityGroups[0]"),
        (security_group(lists=["pl-3b927c52"]), "allows", Status.OK, None, "The firewall lets in all of CloudFront's IPv4 addresses at port 443: sg.json, SecurityGroups[0].IpPermissions[0].PrefixListIds[0]: sg-0a1 inbound: tcp 443 from pl-3b927c52"),
        (FirewallDump(name="cut.txt", kind="iptables", text="*filter\n:INPUT DROP [0:0]\n"), "unreadable", Status.UNKNOWN, None, "The firewall's rules could not be read: Firewall: cut.txt ends before COMMIT"),
    ],
)  # fmt: skip
def test_what_rules_mean(given, code, status, cloudfront_status, title):
    (finding,) = judged(given)
    assert (finding.code, finding.status, finding.cloudfront_status) == (
        f"port.firewall_{code}",
        status,
        cloudfront_status,
    )
    assert finding.title.startswith(title)
    assert "\n" not in finding.title
    assert (
        finding.meaning.endswith("92 days old, https://ip-ranges.amazonaws.com/ip-ranges.json.") or code == "unreadable"
    )
    assert finding.data["intermittent"] == (code in ("blocks_some", "stale_list")) if status is Status.FAULT else True
    assert all(e.observation == "input:firewall" for e in finding.evidence)
    assert finding.next_check or status is not Status.UNKNOWN


def test_what_nginx_answers_403_is_told_apart_from_what_never_gets_there():
    cut, refused = judged(
        iptables("-A INPUT -s 18.68.0.0/16 -j DROP", policy="ACCEPT"),
        dump("server { listen 443 ssl; deny 3.172.0.0/18; }", "nginx.conf"),
    )
    assert (cut.code, cut.cloudfront_status, cut.data["networks"]) == (
        "port.firewall_blocks_some",
        504,
        ["18.68.0.0/16"],
    )
    assert (refused.code, refused.data["networks"]) == ("port.firewall_forbids", ["3.172.0.0/18"])
    assert ["iptables" in f.remedy.steps[0].command for f in (cut, refused)] == [True, False]
    assert len(refused.remedy.steps) == 1
    assert (cut.stage, refused.stage) == (Stage.TCP, Stage.HTTP)


def test_letting_in_everybody_is_said_for_information():
    allows, everybody = judged(security_group("0.0.0.0/0"))
    assert (allows.status, everybody.status) == (Status.OK, Status.INFO)
    assert everybody.title.startswith(
        "The firewall lets in everybody at port 443, not only CloudFront: sg.json, SecurityGroups[0]"
    )


def test_blocked_and_undecidable_parts_are_told_apart():
    codes = [f.code for f in judged(iptables("-A INPUT -s 18.68.0.0/16 -j DROP", "-A INPUT -i eth0 -j ACCEPT"))]
    assert codes == ["port.firewall_blocks_some", "port.firewall_undecidable"]


def test_an_undecidable_rule_says_what_to_give():
    (finding,) = judged(iptables("-A INPUT -i eth0 -p tcp --dport 443 -j ACCEPT"))
    assert "eth0" in finding.meaning
    assert "Ask again with --interface eth0" in finding.next_check


@pytest.mark.parametrize(
    ("kind", "resolved", "families"),
    [
        ("ipv4", True, ["IPv4"]),
        ("ipv6", True, ["IPv6"]),
        ("dualstack", True, ["IPv4", "IPv6"]),
        ("dualstack", False, ["IPv4"]),
    ],
)
def test_ipv6_counts_only_where_the_origin_uses_it(kind, resolved, families):
    resolution = Resolution(
        id="resolution-1",
        name=HOST,
        resolver="system",
        outcome=ResolutionOutcome.ANSWER,
        ipv4=("203.0.113.1",),
        ipv6=("2001:db8::1",) if resolved else (),
    )
    case = Case(
        target=target(ip_address_type=kind), observations=Observations(recorded_at=AT, resolutions=(resolution,)), at=AT,
        roots=from_der([], name="none"), firewall=(security_group("10.0.0.0/8"),),
    )  # fmt: skip
    assert [f.data["family"] for f in port.judge_case(case)] == families


def test_origins_that_cloudfront_reaches_another_way_are_left_out():
    case = Case(
        target=target(not_probed="a VPC origin"), observations=Observations(recorded_at=AT), at=AT,
        roots=from_der([], name="none"), firewall=(security_group("10.0.0.0/8"),),
    )  # fmt: skip
    assert port.judge_case(case) == ()
    assert port_firewall.answers(case) == ()


def test_newer_ranges_win_and_their_age_is_told():
    ranges = address_ranges.read(
        {
            "createDate": "2026-11-20-00-00-00",
            "prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT_ORIGIN_FACING"}],
        }
    )
    (finding,) = port_firewall.judge((security_group("192.0.2.0/25"),), target=target(), at=AT, ranges=ranges)
    assert "128 of 256 addresses (50.0 %)" in finding.title
    assert "the list of 2026-11-20, 2 days old" in finding.meaning


# --- the remedy, in the firewall's own language -------------------------------------------------------------------


def commands(*given: FirewallDump, families=(4,)) -> str:
    finding = judged(*given, families=families)[0]
    return "\n".join(step.command for step in finding.remedy.steps)


NSG = {"name": "web-nsg", "securityRules": [], "defaultSecurityRules": []}
ACL = {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [{"RuleNumber": 90, "Protocol": "6", "RuleAction": "deny", "Egress": False, "CidrBlock": "18.68.0.0/16", "PortRange": {"From": 443, "To": 443}}, *({"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": e, "CidrBlock": "0.0.0.0/0"} for e in (True, False))]}]}  # fmt: skip
GOOGLE = [{"name": "no", "network": "default", "direction": "INGRESS", "priority": 900, "sourceRanges": ["18.68.0.0/16"], "denied": [{"IPProtocol": "all"}]}, {"name": "in", "network": "default", "direction": "INGRESS", "priority": 1000, "sourceRanges": ["0.0.0.0/0"], "allowed": [{"IPProtocol": "all"}]}]  # fmt: skip
POLICY = {"kind": "NetworkPolicy", "metadata": {"name": "web"}, "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["18.68.0.0/16"]}}]}]}}  # fmt: skip
NFT = {"nftables": [{"chain": {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}}, {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "18.68.0.0", "len": 16}}}}, {"drop": None}]}}]}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (security_group(*OLDER[0].ipv4), ["Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing", "authorize-security-group-ingress --group-id sg-0a1",
                "PrefixListIds=[{PrefixListId=$PREFIX_LIST}]", "IpRanges=[{CidrIp=24.110.128.0/17},{CidrIp=52.46.0.0/20}]"]),
        (dump(ACL), ["create-network-acl-entry --network-acl-id acl-1 --ingress", " 18.68.0.0/16\nEND", "From=443,To=443"]),
        (iptables("-A INPUT -s 18.68.0.0/16 -j DROP", policy="ACCEPT"), ["add cloudfront4 18.68.0.0/16", "iptables -I INPUT 1 -p tcp --dport 443 -m set --match-set cloudfront4 src -j ACCEPT"]),
        (dump(NFT), ["add element inet filter cloudfront4 { 18.68.0.0/16 }", "insert rule inet filter input ip saddr @cloudfront4 tcp dport 443 accept"]),
        (dump("server { listen 443 ssl; deny 18.68.0.0/16; allow all; }"), ["allow 18.68.0.0/16;"]),
        (dump(POLICY), ["kubectl apply -f -", '"namespace": "default"', '"ipBlock": {"cidr": "18.68.0.0/16"}']),
        (dump(GOOGLE), ["gcloud compute firewall-rules create", "--priority=899", "--source-ranges=18.68.0.0/16"]),
        (dump(NSG), ["az network nsg rule create", "--nsg-name web-nsg", "--source-address-prefixes 3.29.57.0/26"]),
    ],
)  # fmt: skip
def test_the_remedy_speaks_the_firewalls_language(given, lines):
    shown = commands(given)
    assert [line for line in lines if line not in shown] == []
    assert len(shown) < 4000
    if not given.kind.startswith("nginx"):
        subprocess.run(["bash", "-n"], input=shown, text=True, check=True)


def test_the_remedy_for_iptables_lets_in_what_was_missing():
    before = iptables("-A INPUT -s 18.68.0.0/16 -j DROP", "-A INPUT -s 15.158.0.0/17 -j REJECT", policy="ACCEPT")
    shown = commands(before).splitlines()
    rule = shlex.split(shown[-1])
    after = iptables(
        " ".join(["-A", "INPUT", *rule[rule.index("1") + 1 :]]), *before.text.splitlines()[2:-1], policy="ACCEPT"
    )
    sets = dump("\n".join([*shown[1:-2], ""]), "sets")
    assert [f.code for f in judged(before)] == ["port.firewall_blocks_some"]
    assert judged(after, sets)[0].code == "port.firewall_allows"


# --- in a diagnosis -----------------------------------------------------------------------------------------------


def distribution(*domains: str) -> dict:
    origins = [
        {
            "Id": d,
            "DomainName": d,
            "CustomOriginConfig": {
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "https-only",
                "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
            },
        }
        for d in domains
    ]
    behaviors = [
        {"PathPattern": f"/{n}/*", "TargetOriginId": d, "ViewerProtocolPolicy": "https-only"}
        for n, d in enumerate(domains[1:])
    ]
    return {
        "Origins": {"Quantity": len(origins), "Items": origins},
        "DefaultCacheBehavior": {"TargetOriginId": domains[0], "ViewerProtocolPolicy": "https-only"},
        "CacheBehaviors": {"Quantity": len(behaviors), "Items": behaviors},
        "Enabled": True,
    }


def test_a_recording_with_rules_is_judged_elsewhere_the_same():
    stale = json.loads(security_group(*OLDER[0].ipv4).text)
    incident = Incident.load(origin=HOST, firewall=stale)
    diagnosis = judge(incident, Observations(recorded_at=AT, inputs=incident.inputs))
    assert (diagnosis.verdict.code, diagnosis.verdict.cloudfront_status) == ("port.firewall_stale_list", 504)
    recording = msgspec.json.decode(Observations(recorded_at=AT, inputs=incident.inputs).to_json(), type=Observations)
    assert judge(Incident.load(evidence=recording), recording) == diagnosis


def test_what_was_seen_comes_before_what_the_rules_say():
    incident = Incident.load(origin=HOST, firewall=json.loads(security_group("10.0.0.0/8").text))
    refused = Connection(id="connection-1", host=HOST, port=443, address="203.0.113.1", outcome=ConnectOutcome.REFUSED)
    diagnosis = judge(incident, Observations(recorded_at=AT, inputs=incident.inputs, connections=(refused,)))
    assert diagnosis.verdict.code == "port.refused"
    assert [f.code for f in diagnosis.findings if f.status is Status.FAULT] == [
        "port.refused",
        "port.firewall_blocks_all",
    ]
    assert diagnosis.inputs["firewall"] == ["given"]


def test_of_several_origins_nobody_knows_whose_firewall_it_is():
    given = json.loads(security_group("10.0.0.0/8").text)
    incident = Incident.load(distribution=distribution("a.example.com", "b.example.com"), firewall=given)
    diagnosis = judge(incident, Observations(recorded_at=AT, inputs=incident.inputs))
    assert not [f for f in diagnosis.findings if f.code.startswith("port.firewall")]
    assert "there are 2 origins, and which of them it protects is not known" in [n.why for n in diagnosis.not_examined]
    one = Incident.load(
        distribution=distribution("a.example.com", "b.example.com"), origin="b.example.com", firewall=given
    )
    assert judge(one, Observations(recorded_at=AT, inputs=one.inputs)).verdict.code == "port.firewall_blocks_all"


def test_shares_are_never_rounded_to_none_or_all():
    all_but_one = intervals.to_networks(
        address_ranges.sources(LATEST, 4) - intervals.of_networks(["3.29.57.1/32"], 4), 4
    )
    (finding,) = judged(security_group(*all_but_one))
    assert "1 of 343,616 addresses (less than 0.1 %)" in finding.title
    (finding,) = judged(security_group("3.29.57.1/32"))
    assert "343,615 of 343,616 addresses (more than 99.9 %)" in finding.title
