"""Dumps are told apart by their content, lose secrets when read, and never raise anything but one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.evidence import AddressRanges, FirewallDump
from cfrunbook.firewall import answer, dumps, kinds
from cfrunbook.firewall.model import Question

RANGES = AddressRanges(create_date="2026-08-22-15-17-05", ipv4=("192.0.2.0/24",), ipv6=("2001:db8::/32",))
IPTABLES = '*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A INPUT -p tcp -m multiport --dports 80,443 -m comment --comment "a b" -j web\n-A web ! -s 192.0.2.0/25 -m set --match-set far src -j ACCEPT\nCOMMIT\n'
NFT = {
    "nftables": [
        {"metainfo": {"json_schema_version": 1}},
        {"table": {"family": "inet", "name": "filter", "handle": 1}},
        {"set": {"family": "inet", "name": "far", "table": "filter", "type": "ipv4_addr", "flags": ["interval"], "elem": [{"prefix": {"addr": "192.0.2.0", "len": 25}}, {"range": ["192.0.2.128", "192.0.2.140"]}]}},
        {"chain": {"family": "inet", "table": "filter", "name": "web", "handle": 2}},
        {"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 3, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
        {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["established", {"accept": None}], ["invalid", {"drop": None}]]}}}]}},
        {"rule": {"family": "inet", "table": "filter", "chain": "input", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [80, 443]}}}, {"counter": {"packets": 0, "bytes": 0}}, {"jump": {"target": "web"}}]}},
        {"rule": {"family": "inet", "table": "filter", "chain": "web", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@far"}}, {"accept": None}]}},
        {"rule": {"family": "inet", "table": "filter", "chain": "web", "expr": [{"xt": {"type": "match", "name": "multiport"}}, {"accept": None}]}},
    ]
}  # fmt: skip
GROUPS = {
    "SecurityGroups": [
        {
            "GroupId": "sg-1",
            "VpcId": "vpc-1",
            "OwnerId": "123456789012",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "IpRanges": [{"CidrIp": "192.0.2.0/25", "Description": "password=hunter2"}],
                    "PrefixListIds": [{"PrefixListId": "pl-12345678"}],
                }
            ],
        }
    ]
}
ACLS = {
    "NetworkAcls": [
        {
            "NetworkAclId": "acl-1",
            "Entries": [
                {
                    "RuleNumber": 100,
                    "Protocol": "6",
                    "RuleAction": "allow",
                    "Egress": False,
                    "CidrBlock": "0.0.0.0/0",
                    "PortRange": {"From": 443, "To": 443},
                }
            ],
        }
    ]
}
POLICY = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "web"},
    "spec": {
        "podSelector": {},
        "ingress": [
            {"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/25"]}}], "ports": [{"port": 443}]}
        ],
    },
}
GOOGLE = [
    {
        "name": "web",
        "network": "default",
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": ["192.0.2.0/25"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
    }
]
AZURE = {
    "name": "nsg",
    "securityRules": [
        {
            "name": "in",
            "priority": 100,
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "Tcp",
            "sourceAddressPrefix": "192.0.2.0/25",
            "destinationPortRange": "443",
        }
    ],
}
NGINX = 'http { server { listen 443 ssl; proxy_set_header Authorization "Bearer hunter2"; allow 192.0.2.0/25; deny all; } }\n'
EVERY = {
    "iptables": IPTABLES,
    "ipset": "create far hash:net family inet\nadd far 192.0.2.0/25\n",
    "nftables": NFT,
    "security_groups": GROUPS,
    "security_group_rules": {
        "SecurityGroupRules": [{"GroupId": "sg-1", "IpProtocol": "-1", "CidrIpv4": "192.0.2.0/25"}]
    },
    "prefix_lists": {"PrefixLists": [{"PrefixListId": "pl-12345678", "PrefixListName": "mine"}]},
    "prefix_list_entries": {"Entries": [{"Cidr": "192.0.2.0/25"}]},
    "network_acls": ACLS,
    "network_policies": POLICY,
    "google": GOOGLE,
    "azure": AZURE,
    "nginx": NGINX,
}
TEXTS = {kind: given if isinstance(given, str) else json.dumps(given) for kind, given in EVERY.items()}


def test_every_kind_has_a_sample_here():
    assert set(TEXTS) == set(kinds.KINDS)


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_kind_is_told_by_the_content(kind, encoding):
    assert dumps.read(TEXTS[kind].encode(encoding), "a.txt").kind == kind


def test_what_a_recording_tool_wraps_is_unwrapped():
    assert dumps.read(json.dumps({"status_code": 200, "data": GROUPS}).encode(), "x").kind == "security_groups"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_may_be_missing(encoding):
    assert dumps.read(TEXTS["network_acls"].encode(encoding), "a.txt").kind == "network_acls"
    assert dumps.read(TEXTS["iptables"].encode(encoding), "a.txt").kind == "iptables"


@pytest.mark.parametrize(
    ("left", "whole"),
    [
        (GROUPS["SecurityGroups"], GROUPS),
        (GROUPS["SecurityGroups"][0], GROUPS),
        ([{"GroupId": "sg-1", "IsEgress": False, "IpProtocol": "-1", "CidrIpv4": "192.0.2.0/25"}], {"SecurityGroupRules": [{"GroupId": "sg-1", "IsEgress": False, "IpProtocol": "-1", "CidrIpv4": "192.0.2.0/25"}]}),
        (ACLS["NetworkAcls"], ACLS),
        (ACLS["NetworkAcls"][0], ACLS),
        ({"NetworkAclId": "acl-1", "Entries": []}, {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": []}]}),
        (NFT["nftables"], NFT),
        ([POLICY], {"kind": "List", "items": [POLICY]}),
        (GOOGLE[0], GOOGLE),
        ([{"PrefixListId": "pl-12345678", "PrefixListName": "mine"}], {"PrefixLists": [{"PrefixListId": "pl-12345678", "PrefixListName": "mine"}]}),
        ([{"Cidr": "192.0.2.0/25", "Description": "x"}], {"Entries": [{"Cidr": "192.0.2.0/25", "Description": "x"}]}),
    ],
)  # fmt: skip
def test_what_a_query_leaves_is_the_same_dump(left, whole):
    assert dumps.read(json.dumps(left).encode(), "x") == dumps.read(json.dumps(whole).encode(), "x")


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (GROUPS["SecurityGroups"][0]["IpPermissions"], "permissions that do not say of which group they are, nor whether inbound; give the whole groups: aws ec2 describe-security-groups without --query"),
        (ACLS["NetworkAcls"][0]["Entries"], "entries that do not say of which network ACL they are"),
        ([{"GroupId": "sg-1", "GroupName": "web"}], "names of security groups, not their rules"),
        (AZURE["securityRules"], "rules that do not say of which network security group they are"),
        ([[GROUPS]], "is JSON, but no rule dump that is known"),
        ([1, 2], "is JSON, but no rule dump that is known"),
    ],
)  # fmt: skip
def test_what_a_query_leaves_may_be_too_little(left, says):
    with pytest.raises(BadInput) as error:
        dumps.read(json.dumps(left).encode(), "x")
    assert says in str(error.value)
    one_sentence(error.value)


SERVER = "server { listen 443; allow 192.0.2.0/25; deny all; }"


@pytest.mark.parametrize(
    ("text", "verdicts", "note"),
    [
        ("allow 192.0.2.0/25;\ndeny all;\n", ["allowed", "rejected"], "x is judged as if it stood in a server (http) that answers at port 443; nginx -T says where it stands."),
        ("location / { deny all; }", ["rejected"], "x is judged as if it stood in a server (http)"),
        (SERVER, ["allowed", "rejected"], "x is judged as if it were the whole of http"),
        ("server { listen 443; deny all; }", ["rejected"], ""),
        (f"http {{ {SERVER} }}", ["allowed", "rejected"], ""),
        (f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ {SERVER} }}", ["allowed", "rejected"], ""),
    ],
)  # fmt: skip
def test_a_part_of_nginxs_configuration_is_judged_and_what_was_assumed_is_said(text, verdicts, note):
    found = ask(dumps.read(text.encode(), "x"))
    assert [p.verdict.value for p in found.parts] == verdicts
    assert "".join(found.notes).startswith(note)
    assert bool(found.notes) == bool(note)


@pytest.mark.parametrize(
    ("policy", "others", "says"),
    [
        ("accept", [], "The table inet filter of x is taken for the whole ruleset"),
        ("accept", [{"table": {"family": "ip", "name": "nat"}}], ""),
        ("drop", [], ""),
    ],
)
def test_one_table_is_taken_for_the_whole_ruleset_and_that_is_said_where_it_matters(policy, others, says):
    chain = {"family": "inet", "table": "filter", "name": "in", "type": "filter", "hook": "input", "prio": 0}
    table = {"table": {"family": "inet", "name": "filter"}}
    document = {"nftables": [table, *others, {"chain": {**chain, "policy": policy}}]}
    found = ask(dumps.read(json.dumps(document).encode(), "x"))
    assert found.verdict == {"accept": "allowed", "drop": "blocked"}[policy]
    assert "".join(found.notes).startswith(says)
    assert bool(found.notes) == bool(says)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_dump_reads_the_same_again(kind):
    first = dumps.read(TEXTS[kind].encode(), "x")
    assert dumps.read(first.text.encode(), "x") == first
    dumps.check((first,))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Status: active\n\nTo   Action  From\n443  ALLOW  Anywhere\n", "what `ufw status` prints, which leaves out too much; give the output of iptables-save"),
        ("Chain INPUT (policy DROP)\ntarget prot opt source destination\n", "iptables-save"),
        ("-P INPUT DROP\n-A INPUT -p tcp -j ACCEPT\n", "iptables-save"),
        ("table inet filter {\n  chain input {\n  }\n}\n", "nft -j list ruleset"),
        ("Name: far\nType: hash:net\nMembers:\n", "ipset save"),
        ('resource "aws_security_group" "web" {\n}\n', "aws ec2 describe-security-groups"),
        ("public (active)\n  target: default\n", "nft -j list ruleset"),
        ("", "is empty; give the output of one of: aws ec2 describe-security-groups"),
        ("hello", "no rule dump that is known"),
        ('{"SecurityGroups": [', "is cut off, or not JSON"),
        ('{"Distribution": {}}', "is JSON, but no rule dump that is known"),
        ("[" * 100 + "]" * 100, "nested deeper than 40 levels"),
        ("kind: NetworkPolicy\na: &a [1]\nb: *a\n", "YAML aliases"),
        ("kind: NetworkPolicy\n\ta: {", "is not YAML that can be read"),
    ],
)  # fmt: skip
def test_other_things_are_refused_with_what_to_give_instead(text, says):
    with pytest.raises(BadInput, match=r"^Firewall: x ") as error:
        dumps.read(text.encode(), "x")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_family_is_what_the_first_line_says():
    four = '# Generated by iptables-save v1.8.9\n*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "not ::/0" -j ACCEPT\nCOMMIT\n'
    assert answer.iptables.family_of(four) == 4
    assert answer.iptables.family_of(four.replace("iptables-save", "ip6tables-save")) == 6
    assert answer.iptables.family_of("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::/32 -j ACCEPT\nCOMMIT\n") == 6


@pytest.mark.parametrize(
    "text", ["\n" * 3_000_000 + "x", "a-" * 1_000_000, "# password " + "a_" * 1_000_000, "server {" * 1_000_000]
)
def test_long_nonsense_is_refused_at_once(text):
    with pytest.raises(BadInput):
        dumps.read(text.encode(), "x")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("rules.txt", "rules.txt"),
        ("dumps/of the host/rules.txt", "dumps/of the host/rules.txt"),
        (Path("dumps") / "rules.txt", "dumps/rules.txt"),
        ("-rules", "./-rules"),
        ("\x1b[2J", ""),
        ("password=hunter2/rules.txt", ""),
        ("x/" * 210 + "rules.txt", ""),
    ],
)
def test_the_path_is_kept_as_it_was_given_if_it_can_be_typed_again(tmp_path, monkeypatch, given, kept):
    monkeypatch.chdir(tmp_path)
    Path(given).parent.mkdir(parents=True, exist_ok=True)
    Path(given).write_text(IPTABLES)
    assert dumps.load(given).path == kept
    assert dumps.load(given).name


def test_files_that_are_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="Firewall: no such file"):
        dumps.load(tmp_path / "missing")
    monkeypatch.setattr(dumps, "MAX_BYTES", 10)
    with pytest.raises(BadInput, match="larger than"):
        dumps.read(b"x" * 11, "x")
    (tmp_path / "binary").write_bytes(b"\0\1\2\0")
    with pytest.raises(BadInput, match="is not text"):
        dumps.load(tmp_path / "binary")


@pytest.mark.parametrize("value", [7, None, ["x"], {"x": object()}])
def test_values_that_are_no_dump(value):
    with pytest.raises(BadInput, match="Firewall: "):
        dumps.load(value)


def test_secrets_and_account_numbers_are_not_kept_and_line_numbers_are():
    kept = dumps.read(TEXTS["security_groups"].encode(), "x").text
    assert "hunter2" not in kept
    assert "123456789012" not in kept
    assert "192.0.2.0/25" in kept
    rules = '*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "vpn token: hunter2 of bob" -j ACCEPT\nCOMMIT\n'
    kept = dumps.read(rules.encode(), "x").text
    assert kept == rules.replace("hunter2", "[redacted]")
    config = "http {\n  server {\n    listen 443 ssl;\n    ssl_password_file /secret/path;\n    location ~ ^/(a|b){1} {\n      allow 192.0.2.0/25;\n    }\n  }\n}\n"
    kept = dumps.read(config.replace("{1}", "").encode(), "x").text
    assert "/secret/path" not in kept
    assert kept.splitlines()[5].strip() == "allow 192.0.2.0/25;"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([FirewallDump(name="x", kind="pf", text="")], "the kind 'pf' is not known"),
        ([FirewallDump(name="x", kind="nftables", text="{}")], "is JSON, but no rule dump"),
        ([FirewallDump(name="x", kind="nftables", text="no")], "is not JSON"),
        ([FirewallDump(name="x", kind="google", text=TEXTS["nftables"])], "is not of the kind google"),
        ([FirewallDump(name="x", kind="nginx", text="")] * 51, "51 dumps; refused"),
    ],
)
def test_dumps_of_a_recording_are_checked(given, says):
    with pytest.raises(BadInput) as error:
        dumps.check(tuple(given))
    assert says in str(error.value)


def ask(dump: FirewallDump) -> answer.Answer:
    return answer.ask((dump,), RANGES, Question(443, 4))


def one_sentence(error: BadInput) -> None:
    assert re.fullmatch(r"Firewall: [^\n\x1b]{10,1200}\.", str(error))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a realistic dump with pieces taken out, doubled, or replaced."""
    text = TEXTS[draw(st.sampled_from(sorted(TEXTS)))]
    for _ in range(draw(st.integers(1, 4))):
        a = draw(st.integers(0, len(text)))
        b = min(len(text), a + draw(st.integers(0, 30)))
        text = (
            text[:a]
            + draw(
                st.sampled_from(
                    ["", text[a:b] * 2, "{", "}", "[]", '"', "0", "-1", "!", "null", " ", "\n", "é", "\x1b", ";"]
                )
            )
            + text[b:]
        )
    return text.encode()


@given(mutated())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_mutated_dumps_give_an_answer_or_one_sentence(content):
    try:
        found = ask(dumps.read(content, "x"))
    except BadInput as error:
        one_sentence(error)
        return
    covered = sorted(pair for part in found.parts for pair in part.sources.pairs)
    assert sum(b - a for a, b in covered) == found.universe.size == 256


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """Return a JSON dump in which one value is of another type."""
    document = json.loads(TEXTS[draw(st.sampled_from(sorted(set(TEXTS) - {"iptables", "ipset", "nginx"})))])
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(document)
    node, key = draw(st.sampled_from(places))
    node[key] = draw(
        st.sampled_from(
            [
                None,
                True,
                0,
                -1,
                10**30,
                1.5,
                "",
                "x",
                "@",
                [],
                [None],
                [[]],
                {},
                {"a": None},
                {"set": None},
                {"range": ["b", "a"]},
                {"prefix": {"addr": "x", "len": 99}},
            ]
        )
    )
    return json.dumps(document)


@given(mistyped())
@settings(max_examples=400, deadline=None)
def test_mistyped_documents_give_an_answer_or_one_sentence(text):
    try:
        ask(dumps.read(text.encode(), "x"))
    except BadInput as error:
        one_sentence(error)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda rules: rules, ["allowed", "undecidable"]),
        (lambda rules: rules[:-1], ["allowed", "dropped"]),
        (lambda rules: rules[:6] + rules[7:], ["dropped"]),  # without the jump
        (lambda rules: [r for r in rules if "set" not in r], ["undecidable"]),
    ],
)
def test_nftables(change, verdict):
    found = ask(dumps.read(json.dumps({"nftables": change(NFT["nftables"])}).encode(), "x"))
    assert [p.verdict.value for p in found.parts] == verdict


def test_what_iptables_hides_from_nft_asks_for_iptables_save():
    found = ask(dumps.read(TEXTS["nftables"].encode(), "x"))
    assert "give the output of iptables-save" in found.having(found.parts[-1].verdict)[0].why
    assert found.parts[0].place.where == "nftables[7].rule"
    assert found.parts[0].place.text == "inet filter web: ip saddr @far accept"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"create s hash:net family inet\nadd s 192.0.2.0/1", "ends within a line: it is cut off"),
        (b"\x1f\x8b\x08\0", "is compressed; give what gunzip makes of it"),
        (b'{"Entries": [{"Cidr": "192.0.2.0/24"}], "NextToken": "x"}', "is one page of several"),
        (b'{"SecurityGroupRules": [], "NextToken": "x"}', "is one page of several"),
    ],
)
def test_a_part_is_not_taken_for_the_whole(content, says):
    with pytest.raises(BadInput, match=says):
        dumps.read(content, "rules")
