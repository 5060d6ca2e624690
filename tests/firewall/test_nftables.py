"""nftables as `nft -j` prints it: what it does not show, and chains that only some interfaces have."""

from __future__ import annotations

import pytest

PORT = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}}


def ruleset(*expr: dict, family: str = "inet", hook: str = "input", policy: str = "accept", **more: object) -> dict:
    base = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": policy}
    rule = {"family": family, "table": "t", "chain": "c", "expr": list(expr)}
    return {"nftables": [{"metainfo": {"json_schema_version": 1}}, {"chain": base | more}, {"rule": rule}]}


@pytest.mark.parametrize(
    "expr",
    [[{"xt": None}], [PORT, {"counter": None}, {"xt": None}], [{"xt": None}, {"drop": None}]],
    ids=["nothing but it", "as a target", "as a condition"],
)
def test_a_part_of_iptables_without_a_name_may_be_a_condition_or_a_target(ask, expr):
    found = ask(ruleset(*expr))
    assert found.verdict == "undecidable"
    assert found.parts[0].why.endswith("give the output of iptables-save instead")


@pytest.mark.parametrize(
    ("devices", "interface", "verdict"),
    [
        ("docker0", "", "allowed"),
        ("eth0", "", "undecidable"),
        ("eth0", "eth0", "dropped"),
        ("eth0", "eth1", "allowed"),
        (["eth0", "eth1"], "eth1", "dropped"),
    ],
)
def test_a_chain_of_an_interface_is_for_its_packets_alone(told, devices, interface, verdict):
    given = ruleset({"counter": None}, family="netdev", hook="ingress", policy="drop", dev=devices)
    assert told(given, interface=interface) == verdict


def test_a_chain_of_an_interface_names_what_to_ask_again_with(ask):
    (part,) = ask(ruleset({"drop": None}, family="netdev", hook="ingress", dev="eth0")).parts
    assert "ask again with --interface eth0" in part.why
    assert part.place.text == "netdev t c: drop"
