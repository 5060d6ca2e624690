"""A running scenario says where it is, leaves nothing behind, and does not mind company."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cfrunbook import Incident
from cfrunbook.errors import BadInput
from cfrunbook.lab import DEFAULT, SCENARIOS, Running, start
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.edge import Origin, Refusing, fetch
from cfrunbook.lab.scenario import OriginSetup
from cfrunbook.lab.servers import Address, Closed
from tests.scenarios import APART, distinct

IsListening = Callable[[Address], bool]


def listening(running: Running) -> list[Address]:
    host, port = running.edge_url.removeprefix("http://").split(":")
    return [(host, int(port)), *(a for o in running.origins for ports in o.addresses for a in ports.values())]


def test_stop_leaves_no_port_and_no_file(is_listening: IsListening) -> None:
    with start("healthy") as running:
        assert all(map(is_listening, listening(running)))
        assert running.file.is_file()
    assert not any(map(is_listening, listening(running)))
    assert not running.folder.exists()
    running.stop()


def test_a_crash_inside_cleans_up(is_listening: IsListening) -> None:
    with pytest.raises(ZeroDivisionError), start("port-closes") as running:
        raise ZeroDivisionError
    assert not any(map(is_listening, listening(running)))
    assert not running.folder.exists()


def test_a_crash_at_start_cleans_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_edge(*_: object, **__: object) -> None:
        raise OSError("as wanted")

    monkeypatch.setattr("cfrunbook.lab.running.Edge", no_edge)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match="as wanted"):
        start("healthy")
    assert not list(tmp_path.iterdir())


def test_two_side_by_side() -> None:
    with start("healthy") as one, start("certificate-expired") as two, start("healthy") as three:
        addresses = {address for running in (one, two, three) for address in listening(running)}
        assert len(addresses) == 9
        assert [fetch(r.edge_facts, patience=10.0).status for r in (one, two, three)] == [200, 502, 200]


def test_a_folder_that_was_given_stays(tmp_path: Path) -> None:
    with start("healthy", folder=tmp_path / "lab") as running:
        assert running.folder == tmp_path / "lab"
    assert sorted(p.name for p in (tmp_path / "lab").iterdir()) == ["distribution.json", "lab.json", "trust.pem"]


def test_the_lab_file_says_everything_relative_to_itself(tmp_path: Path) -> None:
    with start(DEFAULT, deadline=2.5) as running:
        file = running.write(tmp_path / "elsewhere")
        content = json.loads(file.read_bytes())
        assert content == {
            "kind": "cfrunbook.lab",
            "schema": 1,
            "scenario": DEFAULT,
            "options": {
                "distribution": "distribution.json",
                "url": "https://www.shop.example/cart",
                "connect_to": [
                    f"origin.shop.example:{port}:127.0.0.1:{address[1]}"
                    for port, address in running.origins[0].addresses[0].items()
                ],
                "trust_store": "trust.pem",
                "deadline": 2.5,
                "keep_alive": False,
            },
        }
        assert json.loads((file.parent / "distribution.json").read_bytes()) == running.options["distribution"]
        assert (file.parent / "trust.pem").read_bytes() == running.authority.root.pem
        assert running.environment() == {"CFRUNBOOK_LAB": str(running.file)}
        assert running.file.is_absolute()


@pytest.mark.parametrize("name", distinct())
def test_the_distribution_says_what_the_edge_does(name: str) -> None:
    """The edge is told plain facts; here they are compared with the configuration that people get."""
    with start(name) as running:
        config = document(running.setup)["Distribution"]["DistributionConfig"]
        facts = running.edge_facts
        if isinstance(facts, Refusing):
            facts = facts.target
        known = (facts,) if isinstance(facts, Origin) else (facts.primary, facts.secondary)
        origins = config["Origins"]["Items"]
        behavior = config["DefaultCacheBehavior"]
        if isinstance(facts, Origin):
            assert behavior["TargetOriginId"] == origins[0]["Id"]
        else:
            (group,) = config["OriginGroups"]["Items"]
            assert behavior["TargetOriginId"] == group["Id"]
            assert [m["OriginId"] for m in group["Members"]["Items"]] == [o["Id"] for o in origins]
            assert tuple(group["FailoverCriteria"]["StatusCodes"]["Items"]) == facts.failover_at
        assert len(origins) == len(known) + len(running.setup.others)
        for origin, fact in zip(origins, known, strict=False):  # nothing is sent to the others
            forwards = behavior["OriginRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"
            assert fact.domain == origin["DomainName"]
            assert fact.host_forwarded == forwards
            assert fact.viewer_host in config["Aliases"]["Items"]
            if "VpcOriginConfig" in origin:  # its ports and protocols are not in the distribution
                continue
            custom = origin["CustomOriginConfig"]
            assert f"{fact.protocol}-only" == custom["OriginProtocolPolicy"]
            assert fact.minimum_tls == custom["OriginSslProtocols"]["Items"][0]
            port = custom["HTTPSPort" if fact.protocol == "https" else "HTTPPort"]
            wanted = [f"{origin['DomainName']}:{port}:{address}:{real}" for address, real in fact.addresses]
            given = [c for c in running.options["connect_to"] if c.startswith(f"{origin['DomainName']}:{port}:")]
            assert given == wanted


@pytest.mark.parametrize(
    ("name", "count"), [("healthy", 1), ("one-address-of-three-refuses", 3), ("origin-group-primary-broken", 2)]
)
def test_every_address_is_one_of_its_own_where_the_system_has_several(name: str, count: int) -> None:
    with start(name) as running:
        places = [place for origin in running.origins for place in origin.places]
    assert len(set(places)) == count
    if sys.platform == "linux":
        assert [address for address, _ in places] == [f"127.0.0.{n}" for n in range(1, count + 1)]


def test_the_function_is_in_the_distribution() -> None:
    with start("function-and-healthy") as running:
        config = running.options["distribution"]["Distribution"]["DistributionConfig"]
    (function,) = config["DefaultCacheBehavior"]["FunctionAssociations"]["Items"]
    assert function == {
        "FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite-paths",
        "EventType": "viewer-request",
    }


def test_a_url_that_is_not_known_is_not_given() -> None:
    with start("healthy-all-viewer-no-url") as running:
        assert running.options["url"] == ""
        assert json.loads(running.file.read_bytes())["options"]["url"] == ""


def one_of_each_kind_of_option() -> list[str]:
    """Return one scenario for every combination of what an incident is loaded with."""
    chosen: dict[tuple[bool, ...], str] = {}
    for name, scenario in (distinct() | {name: SCENARIOS[name] for name in APART}).items():
        setup = scenario.set_up(Authority())
        given = (setup.response, setup.logs or scenario.has_logs, setup.firewall, setup.policies, setup.account)
        further = (setup.before, setup.dns, setup.resolver, setup.function_result, setup.is_given, setup.revise)
        chosen.setdefault(tuple(map(bool, (*given, *further))), name)
    return sorted(chosen.values())


def test_the_lab_file_gives_what_the_options_give() -> None:
    """`cfrunbook diagnose --lab FILE` examines the very incident that tests load in this process."""
    for name in one_of_each_kind_of_option():
        with start(name) as running:
            here, there = Incident.load(**running.options), Incident.load(lab=running.file)
        assert msgspec.structs.replace(there.inputs, lab="") == msgspec.structs.replace(here.inputs, lab=""), name
        for field in set(Incident.__struct_fields__) - {"inputs"}:
            assert getattr(here, field) == getattr(there, field), (name, field)


def test_lists_without_items_have_no_items_key() -> None:
    def check(value: object) -> None:
        if isinstance(value, dict):
            if "Quantity" in value:
                assert len(value.get("Items", [])) == value["Quantity"]
                assert ("Items" in value) == (value["Quantity"] > 0)
            for child in value.values():
                check(child)
        elif isinstance(value, list):
            for child in value:
                check(child)

    with start("healthy") as running:
        check(running.options["distribution"])


def test_setup_knows_where_cloudfront_connects() -> None:
    setups = [
        OriginSetup(({443: Closed(), 80: Closed()},), protocol_policy=policy)
        for policy in ("https-only", "match-viewer", "http-only")
    ]
    assert [(s.protocol, s.port) for s in setups] == [("https", 443), ("https", 443), ("http", 80)]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("certificate-expird", "did you mean certificate-expired"),
        ("", "see `cfrunbook lab list`"),
        ("\x1b[31m", "see `cfrunbook lab list`"),
    ],
)
def test_an_unknown_scenario_is_one_sentence(name: str, hint: str) -> None:
    with pytest.raises(BadInput, match="there is no scenario") as caught:
        start(name)
    assert hint in str(caught.value)
    assert "\x1b" not in str(caught.value)
