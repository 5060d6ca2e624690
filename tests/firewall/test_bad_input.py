"""Rules and lists that are wrong, cut, strange or huge: one sentence or an honest "undecidable", never a wrong "allowed".

Through the command, since that is where a person meets them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cfrunbook import cli
from cfrunbook.firewall.published import LATEST, OLDER
from tests.firewall.test_dumps import TEXTS

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `cfrunbook firewall` on contents of files; return its status and all that it printed, as one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")

    def run(*contents: Any, options: tuple[str, ...] = ()) -> tuple[int, str]:
        for number, content in enumerate(contents):
            made = content if isinstance(content, bytes | str) else json.dumps(content)
            Path(f"rules-{number}").write_bytes(made if isinstance(made, bytes) else made.encode())
        files = [f"rules-{number}" for number in range(len(contents))]
        status = cli.entry(["firewall", "--port", "443", *files, *options])
        shown = capsys.readouterr()
        assert (status == 2) == bool(shown.err)
        assert shown.err.count("\n") == (status == 2)
        return status, " ".join((shown.out + shown.err).split())

    return run


def iptables(*lines: str, policy: str = "DROP") -> str:
    return f"*filter\n:INPUT {policy} [0:0]\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n"


def nft(*expr: Any) -> Any:
    chain = {
        "family": "inet",
        "table": "t",
        "name": "in",
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": "drop",
    }
    rule = {"family": "inet", "table": "t", "chain": "in", "expr": [*expr, {"accept": None}]}
    return {"nftables": [{"chain": chain}, {"rule": rule}]}


def group(**source: Any) -> Any:
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **source}
    return {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [permission]}]}


UNKNOWN_MATCHES: dict[str, tuple[Any, str]] = {
    "iptables, geoip": (iptables("-A INPUT -m geoip --source-country US -j ACCEPT"), "where an address is (geoip)"),
    "iptables, limit": (iptables("-A INPUT -m limit --limit 5/min -j ACCEPT"), "how many packets came before"),
    "iptables, string": (iptables('-A INPUT -m string --string "x" --algo bm -j ACCEPT'), "the packet's content"),
    "iptables, a match of tomorrow": (iptables("-A INPUT -m tomorrow --mood good -j ACCEPT"), "what is not in the dump"),
    "iptables, a target of tomorrow": (iptables("-A INPUT -j TOMORROW"), "what the target TOMORROW does is not in the dump"),
    "iptables, a set that is not given": (iptables("-A INPUT -m set --match-set far src -j ACCEPT"), "give the output of ipset save too"),
    "nft, an expression of tomorrow": (nft({"match": {"op": "==", "left": {"osf": {"key": "name"}}, "right": "x"}}), "is not evaluated"),
    "nft, a statement of tomorrow": (nft({"tomorrow": None}), "what `tomorrow` does is not evaluated"),
    "nft, a part of iptables": (nft({"xt": {"type": "match", "name": "geoip"}}), "give the output of iptables-save"),
    "security group, members of a group": (group(UserIdGroupPairs=[{"GroupId": "sg-2"}]), "it lets in members of the group sg-2, not addresses"),
    "security group, a prefix list": (group(PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}]), "what the prefix list pl-0123456789abcdef0 holds is not known"),
    "nginx, include": ("http { server { listen 443; include allow.conf; deny all; } }", "what allow.conf holds is not in the dump"),
    "Azure, a service tag": ({"name": "n", "securityRules": [{"name": "a", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*", "sourceAddressPrefix": "AzureFrontDoor.Backend", "destinationPortRange": "443"}]}, "which addresses the service tag AzureFrontDoor.Backend stands for"),
    "Google, a tag": ([{"name": "a", "network": "n", "direction": "INGRESS", "sourceRanges": ["0.0.0.0/0"], "targetTags": ["web"], "allowed": [{"IPProtocol": "tcp"}]}], "whether the origin has them is not known"),
    "Kubernetes, pods": ({"kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}, "it lets in pods, not addresses"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), UNKNOWN_MATCHES.values(), ids=UNKNOWN_MATCHES)
def test_an_unknown_match_is_undecidable_and_says_what_would_settle_it(run: Run, content: Any, why: str) -> None:
    status, shown = run(content)
    assert status == 3
    assert "What becomes of all 343,616 addresses at port 443 is undecidable." in shown
    assert why in shown


WRONG_KINDS: dict[str, tuple[Any, str]] = {
    "nothing": ("", "rules-0 is empty"),
    "white space": (" \n\t\n", "rules-0 is empty"),
    "an empty object": ({}, "is JSON, but no rule dump that is known"),
    "an empty list": ([], "is an empty list: it has no rule in it"),
    "a number": ("7", "is no rule dump that is known"),
    "null": ("null", "is no rule dump that is known"),
    "a distribution": ({"Distribution": {"Id": "E1"}}, "is JSON, but no rule dump that is known"),
    "our own recording": ({"kind": "cfrunbook.evidence", "schema": 1}, "is JSON, but no rule dump that is known"),
    "AWS's ip-ranges.json": ({"syncToken": "1", "prefixes": []}, "is JSON, but no rule dump that is known"),
    "instances": ({"Reservations": []}, "is JSON, but no rule dump that is known"),
    "no group in it": ({"SecurityGroups": []}, "has no security group in it: look at the region"),
    "no ACL in it": ({"NetworkAcls": []}, "has no network ACL in it"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text"),
    "a zip file": (b"PK\x03\x04\x14\0\0\0", "is not text"),
    "gzip": (b"\x1f\x8b\x08\0", "is compressed"),
    "a web page": ("<!doctype html><html></html>", "is no rule dump that is known"),
    "a certificate": ("-----BEGIN CERTIFICATE-----\nMIIB\n", "is no rule dump that is known"),
    "an error message": ("An error occurred (UnauthorizedOperation) when calling", "is no rule dump that is known"),
    "ufw status": ("Status: active\n\nTo  Action  From\n", "is what `ufw status` prints"),
    "iptables -L": ("Chain INPUT (policy DROP)\ntarget prot opt\n", "is what `iptables -L` prints"),
    "nft list ruleset": ("table inet filter {\n chain input {\n }\n}\n", "is nft's language"),
    "only a set": (TEXTS["ipset"], "what was given only goes with rules"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_what_is_no_dump_is_refused_in_a_sentence(run: Run, content: Any, says: str) -> None:
    status, shown = run(content)
    assert status == 2
    assert says in shown


@pytest.mark.parametrize("kind", sorted(set(TEXTS) - {"ipset", "prefix_lists", "prefix_list_entries"}))
def test_a_dump_that_is_cut_in_the_middle_is_refused_or_lets_in_no_more(run: Run, kind: str) -> None:
    text = TEXTS[kind]
    for at in range(1, len(text) - 1, max(1, len(text) // 23)):
        status, shown = run(text[:at])
        assert status == 2, shown
        assert "Firewall: rules-0" in shown


MANY = 100_000
ODD = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(MANY)]
HUGE: dict[str, Callable[[], Any]] = {
    "iptables": lambda: iptables(*(f"-A INPUT -s {a}/32 -p tcp -m tcp --dport 443 -j ACCEPT" for a in ODD[: MANY // 4]), "-A INPUT -s 18.68.0.0/16 -j ACCEPT"),
    "nftables": lambda: {"nftables": [*nft()["nftables"][:1], *({"rule": {"family": "inet", "table": "t", "chain": "in", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": a}}, {"accept": None}]}} for a in [*ODD[: MANY // 5], {"prefix": {"addr": "18.68.0.0", "len": 16}}])]},
    "security group": lambda: group(IpRanges=[{"CidrIp": f"{a}/32"} for a in ODD] + [{"CidrIp": "18.68.0.0/16"}]),
    "nginx": lambda: "stream { server { listen 443;\n" + "".join(f"allow {a};\n" for a in ODD[: MANY // 5]) + "allow 18.68.0.0/16; deny all; } }",
}  # fmt: skip


@pytest.mark.parametrize("make", HUGE.values(), ids=HUGE)
def test_tens_of_thousands_of_rules_are_evaluated(run: Run, make: Callable[[], Any]) -> None:
    status, shown = run(make())
    assert status == 1
    assert "278,080 of 343,616 addresses (80.9 %) are blocked at port 443." in shown


def test_more_than_can_be_read_is_refused(run: Run) -> None:
    assert run("#" * (20 * 1024 * 1024 + 1)) == (
        2, "cfrunbook: Firewall: rules-0 is larger than 20 MiB; refused.",
    )  # fmt: skip


def ranges(of: Any) -> bytes:
    entries = [{"ip_prefix": p, "service": "CLOUDFRONT_ORIGIN_FACING"} for p in of.ipv4]
    return json.dumps({"createDate": of.create_date, "syncToken": of.sync_token, "prefixes": entries}).encode()


LISTS: dict[str, tuple[bytes, int, str]] = {
    "old": (ranges(OLDER[0]), 0, "CloudFront's addresses: the list of 2026-08-22, "),
    "old, and that is said": (ranges(OLDER[0]), 0, "; the list given, of 2025-07-24, is older than that and does not count)."),
    "empty": (b"", 2, "ip-ranges.json is empty"),
    "an empty object": (b"{}", 2, "this is not AWS's ip-ranges.json (it has no list of prefixes)"),
    "no prefixes": (b'{"createDate": "2026-11-01-00-00-00", "prefixes": []}', 2, "has no prefix of the service"),
    "not JSON": (b"<html>", 2, "ip-ranges.json is not JSON"),
    "cut off": (ranges(LATEST)[:-20], 2, "ip-ranges.json is not JSON"),
    "of another kind": (TEXTS["security_groups"].encode(), 2, "this is not AWS's ip-ranges.json"),
    "without a date": (b'{"prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT_ORIGIN_FACING"}]}', 2, "is no date like"),
    "not there": (b"missing", 2, "Address ranges: no such file"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "status", "says"), LISTS.values(), ids=LISTS)
def test_lists_of_addresses(run: Run, content: bytes, status: int, says: str) -> None:
    if content != b"missing":
        Path("ip-ranges.json").write_bytes(content)
    found, shown = run(iptables("-A INPUT -j ACCEPT"), options=("--address-ranges", "ip-ranges.json"))
    assert found == status
    assert says in shown
