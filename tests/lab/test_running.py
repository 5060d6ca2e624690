"""A running scenario says where it is, leaves nothing behind, and does not mind company."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.lab import DEFAULT, SCENARIOS, Running, start
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.edge import fetch
from cfrunbook.lab.scenario import Setup
from cfrunbook.lab.servers import Address, Closed

IsListening = Callable[[Address], bool]


def listening(running: Running) -> list[Address]:
    host, port = running.edge_url.removeprefix("http://").split(":")
    return [(host, int(port)), *running.addresses.values()]


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
    def no_edge(*_: object) -> None:
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
        assert [fetch(r.edge_facts).status for r in (one, two, three)] == [200, 502, 200]


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
                    f"origin.shop.example:{port}:127.0.0.1:{address[1]}" for port, address in running.addresses.items()
                ],
                "trust_store": "trust.pem",
                "deadline": 2.5,
            },
        }
        assert json.loads((file.parent / "distribution.json").read_bytes()) == running.options["distribution"]
        assert (file.parent / "trust.pem").read_bytes() == running.authority.root.pem
        assert running.environment() == {"CFRUNBOOK_LAB": str(running.file)}
        assert running.file.is_absolute()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_distribution_says_what_the_edge_does(name: str) -> None:
    """The edge is told plain facts; here they are compared with the configuration that people get."""
    with start(name) as running:
        config = running.options["distribution"]["Distribution"]["DistributionConfig"]
        (origin,) = config["Origins"]["Items"]
        custom = origin["CustomOriginConfig"]
        forwards = config["DefaultCacheBehavior"]["OriginRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"
        assert running.edge_facts.domain == origin["DomainName"]
        assert f"{running.edge_facts.protocol}-only" == custom["OriginProtocolPolicy"]
        assert running.edge_facts.minimum_tls == custom["OriginSslProtocols"]["Items"][0]
        assert running.edge_facts.host_forwarded == forwards
        assert running.edge_facts.viewer_host in config["Aliases"]["Items"]
        port = custom["HTTPSPort" if running.edge_facts.protocol == "https" else "HTTPPort"]
        address, real = running.edge_facts.connect_to
        assert f"{origin['DomainName']}:{port}:{address}:{real}" in running.options["connect_to"]


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
    def nothing(_: Authority) -> Setup:
        return Setup({443: Closed(), 80: Closed()}, protocol_policy="match-viewer", host_forwarded=True)

    setup = nothing(Authority())
    assert (setup.protocol, setup.port, setup.sni) == ("https", 443, "www.shop.example")


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
