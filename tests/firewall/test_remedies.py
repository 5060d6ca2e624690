"""Whoever does what the remedy says has let in CloudFront: its commands are run with recording tools, and judged again.

The commands go through a real shell, in which `aws`, `iptables` and the others only note what they are told; what they
were told is then put into the dump, as the real tools would, and the dump is asked again.
"""

from __future__ import annotations

import copy
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.evidence import FirewallDump
from cfrunbook.firewall import dumps, remedies
from cfrunbook.firewall.answer import Answer
from tests.firewall.conftest import asked, dumped

Told = tuple[list[str], str]
"""What a tool was told: its arguments, and its input where it reads that."""
LIST = "pl-0123456789abcdef0"
SHELL = f"""
exec 3>&1 >&2
told() {{
    {{ printf '%s\\x1f' "$@"; printf '\\x1e'; case $1 in ipset|nft|kubectl) cat;; esac; printf '\\x1d'; }} >&3
    case "$*" in *describe-managed-prefix-lists*) echo {LIST};; esac
}}
for tool in aws iptables ip6tables ipset nft kubectl gcloud az; do eval "$tool() {{ told $tool \\"\\$@\\"; }}"; done
RESOURCE_GROUP=rg
"""


def run(command: str) -> Iterator[Told]:
    """Run a command in bash and yield what every tool was told."""
    done = subprocess.run(["bash", "-euc", SHELL + command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for one in done.stdout.split("\x1d")[:-1]:
        arguments, _, given_ = one.partition("\x1e")
        yield arguments.split("\x1f")[:-1], given_


def options(arguments: list[str]) -> dict[str, str]:
    """Return the options of a command line, of `--name value` and `--name=value`; several values stay one text."""
    found: dict[str, str] = {}
    name = ""
    for word in arguments:
        if word.startswith("-"):
            name, _, value = word.partition("=")
            found[name] = value
        elif name:
            found[name] = f"{found[name]} {word}".strip()
    return found


# --- what the real tools would make of it -------------------------------------------------------------------------


def security_groups(document: Any, told: Iterator[Told]) -> None:
    for arguments, _ in told:
        if "authorize-security-group-ingress" not in arguments:
            continue
        given_ = options(arguments)
        (group,) = [g for g in document["SecurityGroups"] if g["GroupId"] == given_["--group-id"]]
        text = given_["--ip-permissions"]
        low, high = re.findall(r"(?:From|To)Port=(\d+)", text)
        permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": int(low), "ToPort": int(high)}
        for key, inner in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId")):
            permission[key] = [{inner: v} for v in re.findall(rf"{{{inner}=([^}}]+)}}", text)]
        group["IpPermissions"].append(permission)


def network_acls(document: Any, told: Iterator[Told]) -> None:
    for arguments, _ in told:
        given_ = options(arguments)
        (acl,) = [a for a in document["NetworkAcls"] if a["NetworkAclId"] == given_["--network-acl-id"]]
        number, egress = int(given_["--rule-number"]), "--egress" in given_
        assert 1 <= number <= 32766
        assert number not in [e["RuleNumber"] for e in acl["Entries"] if e["Egress"] is egress], "EntryAlreadyExists"
        low, high = re.findall(r"(?:From|To)=(\d+)", given_["--port-range"])
        six = "--ipv6-cidr-block" in given_
        acl["Entries"].append(
            {
                "RuleNumber": number,
                "Egress": egress,
                "Protocol": "6",
                "RuleAction": given_["--rule-action"],
                "Ipv6CidrBlock" if six else "CidrBlock": given_["--ipv6-cidr-block" if six else "--cidr-block"],
                "PortRange": {"From": int(low), "To": int(high)},
            }
        )


def google(document: Any, told: Iterator[Told]) -> None:
    for arguments, _ in told:
        given_ = options(arguments)
        name = arguments[arguments.index("create") + 1]
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        assert name not in [rule["name"] for rule in document]
        protocol, _, port = given_["--rules"].partition(":")
        assert 0 <= int(given_["--priority"]) <= 65535
        document.append(
            {
                "name": name,
                "network": given_["--network"],
                "direction": given_["--direction"],
                "priority": int(given_["--priority"]),
                "sourceRanges": given_["--source-ranges"].split(","),
                "allowed": [{"IPProtocol": protocol, "ports": [port]}],
            }
        )


def azure(document: Any, told: Iterator[Told]) -> None:
    for arguments, _ in told:
        given_ = options(arguments)
        assert given_["--nsg-name"] == document["name"]
        priority = int(given_["--priority"])
        assert 100 <= priority <= 4096
        assert priority not in [r["priority"] for r in document["securityRules"] if r["direction"] == "Inbound"]
        assert given_["-n"].lower() not in [r["name"].lower() for r in document["securityRules"]]
        document["securityRules"].append(
            {
                "name": given_["-n"],
                "priority": priority,
                "direction": given_["--direction"],
                "access": given_["--access"],
                "protocol": given_["--protocol"],
                "sourceAddressPrefixes": given_["--source-address-prefixes"].split(),
                "destinationPortRange": given_["--destination-port-ranges"],
            }
        )


def network_policies(document: Any, told: Iterator[Told]) -> None:
    for arguments, text in told:
        assert arguments == ["kubectl", "apply", "-f", "-"]
        policy = json.loads(text)
        names = [(p["metadata"].get("namespace", "default"), p["metadata"]["name"]) for p in document["items"]]
        assert (policy["metadata"]["namespace"], policy["metadata"]["name"]) not in names
        document["items"].append(policy)


def nftables(document: Any, told: Iterator[Told]) -> None:
    for arguments, text in told:
        assert arguments == ["nft", "-f", "-"]
        for line in text.splitlines():
            words = line.replace("{", " ").replace("}", " ").replace(",", " ").replace(";", " ").split()
            match words:
                case ["add", "set", family, table, name, "type", kind, "flags", "interval"]:
                    held = {"family": family, "table": table, "name": name, "type": kind, "flags": ["interval"]}
                    assert not [i for i in document["nftables"] if i.get("set", {}).get("name") == name]
                    document["nftables"].insert(0, {"set": held | {"elem": []}})
                case ["add", "element", _, _, name, *elements]:
                    (into,) = [i["set"] for i in document["nftables"] if i.get("set", {}).get("name") == name]
                    into["elem"] = [
                        {"prefix": {"addr": a, "len": int(n)}} for a, _, n in (e.partition("/") for e in elements)
                    ]
                case ["insert", "rule", family, table, chain, header, "saddr", name, *condition, "accept"]:
                    saddr = {"payload": {"protocol": header, "field": "saddr"}}
                    expr = [equal(saddr, name), *port_of(condition), {"accept": None}]
                    rule = {"family": family, "table": table, "chain": chain, "expr": expr}
                    places = [n for n, i in enumerate(document["nftables"]) if i.get("rule", {}).get("chain") == chain]
                    document["nftables"].insert(min(places, default=len(document["nftables"])), {"rule": rule})
                case _:
                    pytest.fail(f"nft was told {line!r}")


def equal(left: Any, right: Any) -> Any:
    return {"match": {"op": "==", "left": left, "right": right}}


def port_of(words: list[str]) -> list[Any]:
    match words:
        case ["tcp", "dport", port]:
            return [equal({"payload": {"protocol": "tcp", "field": "dport"}}, int(port))]
        case ["meta", "l4proto", "tcp", "ct", "original", "proto-dst", port]:
            original = {"ct": {"key": "proto-dst", "dir": "original"}}
            return [equal({"meta": {"key": "l4proto"}}, "tcp"), equal(original, int(port))]
    pytest.fail(f"nft was told {words}")


def iptables(text: str, told: Iterator[Told]) -> tuple[str, str]:
    """Return the rules and the sets after what `iptables` and `ipset` were told."""
    sets = ""
    for arguments, given_ in told:
        if arguments[0] == "ipset":
            assert arguments[1:] == ["restore", "-exist"]
            sets += given_
            continue
        words = arguments[1:]
        table = words.pop(1) if words[0] == "-t" else "filter"
        if words[0] == "-t":
            words.pop(0)
        assert (words[0], words[2]) == ("-I", "1")
        lines = text.splitlines()
        begin = lines.index(f"*{table}")
        at = next(n for n in range(begin, len(lines)) if lines[n] == "COMMIT" or lines[n].startswith(f"-A {words[1]} "))
        lines.insert(at, shlex.join(["-A", words[1], *words[3:]]))
        text = "\n".join(lines) + "\n"
    return text, sets


APPLY: dict[str, Callable[[Any, Iterator[Told]], None]] = {
    "security_groups": security_groups,
    "network_acls": network_acls,
    "google": google,
    "azure": azure,
    "network_policies": network_policies,
    "nftables": nftables,
}


def after(dump: FirewallDump, found: Answer, command: str) -> tuple[FirewallDump, ...]:
    """Return the dump, and what belongs to it, after the remedy's command."""
    if dump.kind == "nginx":
        (place,) = {p.place.where for p in found.having(*remedies.BLOCKED)}
        lines = dump.text.splitlines()
        number = int(place.removeprefix("line ")) - 1
        lines[number] = lines[number].replace("deny ", " ".join(command.splitlines()[:-1]) + " deny ", 1)
        return (dumped("\n".join(lines) + "\n"),)
    if dump.kind == "iptables":
        rules, sets = iptables(dump.text, run(command))
        return (dumped(rules), dumped(sets, "sets"))
    document = copy.deepcopy(dumps.document(dump))
    APPLY[dump.kind](document, run(command))
    name = f"com.amazonaws.global.{'ipv6.' if found.question.family == 6 else ''}cloudfront.origin-facing"
    names = {"PrefixLists": [{"PrefixListId": LIST, "PrefixListName": name}]}
    return (dumped(document), dumped(names)) if dump.kind == "security_groups" else (dumped(document),)


def lets_in(given_: Any, family: int = 4) -> None:
    """Assert that after each alternative of the remedy, all of CloudFront's addresses are allowed."""
    dump = dumped(given_)
    found = asked(dump, family=family)
    assert not found.undecidable
    steps = remedies.steps(found)
    assert bool(steps) == bool(found.blocked)
    alternatives = (
        [s.command for s in steps] if dump.kind == "security_groups" else ["\n".join(s.command for s in steps)]
    )
    for command in alternatives if steps else ():
        now = asked(*after(dump, found, command), family=family)
        assert now.verdict == "allowed", command


# --- rules at random ----------------------------------------------------------------------------------------------

NETWORKS = {
    4: ("0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.77/32", "198.51.100.0/22", "198.51.100.128/26"),
    6: ("::/0", "2001:db8::/32", "2001:db8:8000::/33", "2001:db8::7/128", "2001:db8:ff::/48"),
}
families = st.sampled_from([4, 6])
ports = st.sampled_from([(443, 443), (80, 80), (0, 65535), (400, 500), (444, 65535)])


@st.composite
def questions(draw: st.DrawFn, rule: Callable[..., Any], most: int = 6) -> tuple[int, list[Any]]:
    """Return a family, and rules of one kind about networks of that family or the other."""
    family = draw(families)
    held = [*NETWORKS[family], NETWORKS[10 - family][1]]
    return family, [rule(draw, n, draw(st.sampled_from(held))) for n in range(draw(st.integers(0, most)))]


def a_permission(draw: st.DrawFn, _: int, network: str) -> Any:
    low, high = draw(ports)
    key, inner = ("Ipv6Ranges", "CidrIpv6") if ":" in network else ("IpRanges", "CidrIp")
    return {"IpProtocol": "tcp", "FromPort": low, "ToPort": high, key: [{inner: network}]}


def an_entry(draw: st.DrawFn, _: int, network: str) -> Any:
    low, high = draw(ports)
    egress = draw(st.booleans())
    return {
        "RuleNumber": draw(st.integers(1, 30)),
        "Egress": egress,
        "Protocol": draw(st.sampled_from(["6", "17", "-1"])),
        "RuleAction": draw(st.sampled_from(["allow", "deny"])),
        "Ipv6CidrBlock" if ":" in network else "CidrBlock": network,
        "PortRange": {"From": 0 if egress else low, "To": 65535 if egress else high},
    }


def a_google_rule(draw: st.DrawFn, number: int, network: str) -> Any:
    low, high = draw(ports)
    return {
        "name": draw(st.sampled_from([f"rule-{number}", f"allow-cloudfront-443-ipv{6 if ':' in network else 4}"])),
        "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/web",
        "direction": draw(st.sampled_from(["INGRESS", "INGRESS", "EGRESS"])),
        "priority": draw(st.integers(1, 6)),
        "sourceRanges": [network],
        draw(st.sampled_from(["allowed", "denied"])): [{"IPProtocol": "tcp", "ports": [f"{low}-{high}"]}],
    }


def an_azure_rule(draw: st.DrawFn, number: int, network: str) -> Any:
    low, high = draw(ports)
    return {
        "name": draw(st.sampled_from([f"rule-{number}", "Allow-CloudFront-443-IPv4"])),
        "priority": draw(st.integers(110, 130)),
        "direction": draw(st.sampled_from(["Inbound", "Inbound", "Outbound"])),
        "access": draw(st.sampled_from(["Allow", "Deny"])),
        "protocol": draw(st.sampled_from(["Tcp", "*", "Udp"])),
        "sourceAddressPrefix": network,
        "destinationPortRange": f"{low}-{high}",
    }


def a_policy(draw: st.DrawFn, number: int, network: str) -> Any:
    name = draw(st.sampled_from([f"web-{number}", "allow-cloudfront-443-ipv4"]))
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "it's"}}, "policyTypes": ["Ingress"]}
    if draw(st.booleans()):
        spec["ingress"] = [{"from": [{"ipBlock": {"cidr": network}}], "ports": [{"port": 443}]}]
    return {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def a_line(draw: st.DrawFn, _: int, network: str) -> str:
    if ":" in network:
        network = "192.0.2.0/25"
    chain = draw(st.sampled_from(["INPUT", "INPUT", "web"]))
    state = draw(st.sampled_from(["", "-m conntrack --ctstate NEW ", "-m conntrack --ctstate ESTABLISHED "]))
    port = draw(st.sampled_from(["-p tcp ", "-p tcp -m tcp --dport 443 ", "-p tcp -m tcp --dport 8443 "]))
    targets = ["ACCEPT", "DROP", "REJECT", *(["web"] if chain == "INPUT" else ["RETURN"])]
    return f"-A {chain} -s {network} {port}{state}-j {draw(st.sampled_from(targets))}"


def a_statement(draw: st.DrawFn, _: int, network: str) -> Any:
    address, _, length = network.partition("/")
    field = {"payload": {"protocol": "ip6" if ":" in network else "ip", "field": "saddr"}}
    expr = [equal(field, {"prefix": {"addr": address, "len": int(length)}})]
    if draw(st.booleans()):
        expr += port_of(["tcp", "dport", draw(st.sampled_from(["443", "8443"]))])
    if draw(st.booleans()):
        expr.append(equal({"ct": {"key": "state"}}, draw(st.sampled_from(["new", "established"]))))
    verdict = {draw(st.sampled_from(["accept", "drop", "reject"])): None}
    chain = draw(st.sampled_from(["input", "early", "input"]))
    return {"rule": {"family": "inet", "table": "t", "chain": chain, "expr": [*expr, verdict]}}


SOME = settings(max_examples=60, deadline=None)


@given(questions(a_permission))
@SOME
def test_security_groups(question):
    family, permissions = question
    lets_in({"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": permissions}]}, family)


@given(questions(an_entry, 12))
@SOME
def test_network_acls(question):
    family, entries = question
    unique = {(e["RuleNumber"], e["Egress"]): {**e, "RuleNumber": e["RuleNumber"] + 20} for e in entries}
    lets_in({"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": list(unique.values())}]}, family)


@given(questions(a_google_rule))
@SOME
def test_google(question):
    family, rules = question
    first = {**a_google_rule_of_nobody(), "name": "first"}
    lets_in([first, *{r["name"]: r for r in rules}.values()], family)


def a_google_rule_of_nobody() -> Any:
    allowed = [{"IPProtocol": "tcp", "ports": ["22"]}]
    return {
        "network": "web",
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": ["10.0.0.0/8"],
        "allowed": allowed,
    }


@given(questions(an_azure_rule))
@SOME
def test_azure(question):
    family, rules = question
    unique = {(r["priority"], r["direction"]): r for r in {r["name"]: r for r in rules}.values()}
    lets_in({"name": "web nsg", "securityRules": list(unique.values())}, family)


@given(questions(a_policy))
@SOME
def test_network_policies(question):
    family, policies = question
    nobody = {"kind": "NetworkPolicy", "metadata": {"name": "none", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "it's"}}}}  # fmt: skip
    lets_in({"kind": "List", "items": [nobody, *{p["metadata"]["name"]: p for p in policies}.values()]}, family)


NAT = {
    "": "",
    "redirect": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8443\nCOMMIT\n",
    "docker": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:8443\nCOMMIT\n",
}


@given(
    questions(a_line),
    st.sampled_from(list(NAT)),
    st.sampled_from(["ACCEPT", "DROP"]),
    st.sampled_from(["", "raw", "mangle"]),
)
@SOME
def test_iptables(question, nat, policy, before):
    _, lines = question
    chain = "FORWARD" if nat == "docker" else "INPUT"
    rules = "".join(f"{line.replace('-A INPUT', f'-A {chain}')}\n" for line in lines)
    text = f"*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n{rules}COMMIT\n".replace(":INPUT DROP", f":INPUT {policy}")
    if nat == "docker":
        text = text.replace("*filter\n", f"*filter\n:FORWARD {policy} [0:0]\n")
    if before:
        text = f"*{before}\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.64/26 -j DROP\nCOMMIT\n{text}"
    lets_in(NAT[nat] + text)


@given(questions(a_statement), st.sampled_from(["accept", "drop"]), st.booleans())
@SOME
def test_nftables(question, policy, is_redirected):
    family, rules = question
    chains = [
        {"chain": {"family": "inet", "table": "t", "name": name, "type": "filter", "hook": "input", "prio": prio, "policy": policy}}
        for name, prio in (("early", -10), ("input", 0))
    ]  # fmt: skip
    nat = [
        {"chain": {"family": "inet", "table": "t", "name": "nat", "type": "nat", "hook": "prerouting", "prio": -100}},
        {"rule": {"family": "inet", "table": "t", "chain": "nat", "expr": [*port_of(["tcp", "dport", "443"]), {"redirect": {"port": 8443}}]}},
    ]  # fmt: skip
    taken = [
        {"set": {"family": "inet", "table": "t", "name": "cloudfront4", "type": "ipv4_addr", "elem": ["192.0.2.9"]}}
    ]
    lets_in({"nftables": [*taken, *chains, *(nat if is_redirected else []), *rules]}, family)


@pytest.mark.parametrize(
    "deny", ["deny all;", "deny 192.0.2.0/25;", "deny 192.0.2.0/24;", "allow 192.0.2.0/25; deny all;"]
)
@pytest.mark.parametrize("kind", ["http", "stream"])
def test_nginx(deny, kind):
    lets_in(f"{kind} {{\n  server {{\n    listen 443;\n    {deny}\n  }}\n}}\n")


# --- where there is no room ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [{"RuleNumber": 1, "Egress": False, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "192.0.2.0/25"}]}]}, "Network ACL acl-1: no number from 1 on is free before the rule that keeps out what is missing (acl-1 rule 1: deny all inbound from 192.0.2.0/25)"),
        ([{"name": "no", "network": "web", "direction": "INGRESS", "priority": 0, "sourceRanges": ["192.0.2.0/25"], "denied": [{"IPProtocol": "all"}]}], "Google Cloud, network web: no number from 0 on is free"),
        ({"name": "web", "securityRules": [{"name": "no", "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourceAddressPrefix": "192.0.2.0/25", "destinationPortRange": "*"}]}, "Azure, network security group web: no number from 100 on is free"),
    ],
)  # fmt: skip
def test_where_no_number_is_free_the_order_is_left_to_its_owner(given_, says):
    step = remedies.steps(asked(given_))[0]
    assert step.text.startswith(says)
    assert step.command == "192.0.2.0/24\n198.51.100.0/24"


def test_a_network_acl_with_too_little_room_lets_in_everybody():
    entry = {"Egress": False, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "192.0.2.0/25"}
    odd = [{**entry, "RuleNumber": 2, "CidrBlock": f"192.0.2.{n}/32"} for n in (1,)]
    more = [{**entry, "RuleNumber": 3 + n, "CidrBlock": f"192.0.2.{2 * n + 3}/32"} for n in range(3)]
    rest = [{**entry, "RuleNumber": 100, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}, {**entry, "RuleNumber": 100, "Egress": True, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}]  # fmt: skip
    document = {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [*odd, *more, *rest]}]}
    (step,) = remedies.steps(asked(document))
    assert "<<'END'\n1 0.0.0.0/0\nEND" in step.command
    assert "allow the port for everybody here, and let the security group hold the list" in step.text
    lets_in(document)


def test_what_stands_behind_another_that_blocks_gets_its_rule_too():
    group = {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": []}]}
    acl = {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": []}]}
    shown = "\n".join(step.command for step in remedies.steps(asked(group, acl)))
    assert [word in shown for word in ("--group-id sg-1", "acl-1 --ingress", "acl-1 --egress")] == [True] * 3
