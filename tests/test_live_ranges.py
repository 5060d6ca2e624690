"""`--address-ranges live` or a URL: fetched from a real server, recorded, and never a failed run where it does not come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cfrunbook import cli, live_ranges
from cfrunbook.errors import BadInput
from cfrunbook.firewall.published import SOURCE
from cfrunbook.incident import Incident
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.servers import Chain, Reply, Servers, Tls
from cfrunbook.observation import observe_sync

ENTRY = {"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT_ORIGIN_FACING"}
NOW = json.dumps({"createDate": "2026-11-20-00-00-00", "syncToken": "7", "prefixes": [ENTRY]}).encode()
ORIGIN = ("--origin", "shop.example.com", "--connect-to", "::127.0.0.1:9", "--deadline", "2")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def serve(authority: Authority, tmp_path: Path) -> Iterator[Callable[[bytes], list[str]]]:
    """Serve an answer on this machine, and return the options that fetch it."""
    trust = tmp_path / "trust.pem"
    trust.write_bytes(authority.root.pem)
    chain = Chain((authority.leaf("localhost"), authority.intermediate))
    with Servers() as servers:

        def options(body: bytes, status: str = "200 OK") -> list[str]:
            _, port = servers.listen(Tls(chain, reply=Reply(f"HTTP/1.1 {status}\r\n\r\n".encode() + body)))
            return ["--address-ranges", f"https://localhost:{port}/ip-ranges.json", "--trust-store", str(trust)]

        yield options


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.txt"
    path.write_text("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.0/25 -j ACCEPT\nCOMMIT\n")
    return str(path)


def firewall(*options: str) -> int:
    return cli.entry(["firewall", "--port", "443", *options])


def test_the_command_holds_the_rules_against_what_it_fetched(serve, rules, capsys):
    assert firewall("--json", rules, *serve(NOW)) == 1
    told = json.loads(capsys.readouterr().out)
    ranges = told["address_ranges"]
    assert (ranges["create_date"], ranges["sync_token"], ranges["note"]) == ("2026-11-20-00-00-00", "7", "")
    assert ranges["source"].startswith("https://localhost:")
    assert ", fetched 20" in ranges["source"]
    assert [part["prefixes"] for part in told["answers"][0]["parts"]] == [["192.0.2.0/25"], ["192.0.2.128/25"]]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (NOW, "503 Slow Down", "the answer is 503"),
        (b"<html>", "200 OK", "it is not JSON"),
        (b"{}", "200 OK", "this is not AWS's ip-ranges.json (it has no list of prefixes)"),
        (NOW.replace(b"2026-11-20", b"2025-07-24"), "200 OK", "what is there is the list of 2025-07-24"),
        (b'{"createDate": "2026-11-20-00-00-00", "prefixes": []}', "200 OK", "has no prefix of the service"),
    ],
)
def test_where_it_does_not_come_the_dated_copy_counts_and_that_is_said(serve, rules, capsys, body, status, why):
    assert firewall(rules, *serve(body, status)) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("CloudFront's addresses: the list of 2026-08-22, ")
    assert "Not fetched: AWS's list of addresses as it is now (https://localhost:" in shown
    assert why in shown
    assert "the list of 2026-08-22, " in shown
    assert "counts instead. Fetch it where that is possible, with curl -sO https://localhost:" in shown
    assert "All of CloudFront's IPv4 addresses are blocked at port 443." in shown


def test_a_diagnosis_records_what_it_fetched_and_a_replay_judges_the_same(serve, rules, tmp_path, capsys):
    saved = tmp_path / "evidence.json"
    arguments = ["diagnose", *ORIGIN, "--firewall", rules, "--json"]
    assert cli.entry([*arguments, *serve(NOW), "--save-evidence", str(saved)]) == 1
    told = json.loads(capsys.readouterr().out)
    (found,) = [f for f in told["findings"] if f["code"] == "port.firewall_blocks_some"]
    assert "128 of 256 addresses (50.0 %)" in found["title"]
    assert "the list of 2026-11-20, " in found["meaning"]
    assert told["inputs"]["address_ranges"] == "2026-11-20-00-00-00"
    recorded = json.loads(saved.read_text())["inputs"]["address_ranges"]
    assert (recorded["sync_token"], recorded["ipv4"]) == ("7", ["192.0.2.0/24"])
    assert cli.entry(["diagnose", "--evidence", str(saved), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"] == told["findings"]


def test_a_diagnosis_goes_on_without_it(serve, rules, capsys):
    assert cli.entry(["diagnose", *ORIGIN, "--firewall", rules, "--json", *serve(b"", "404 Not Found")]) == 1
    told = json.loads(capsys.readouterr().out)
    (said,) = [n for n in told["not_examined"] if n["what"].startswith("AWS's list of addresses as it is now")]
    assert said["why"].startswith("the answer is 404; the list of 2026-08-22, ")
    assert "address_ranges" not in told["inputs"]
    assert "port.firewall_blocks_all" in [f["code"] for f in told["findings"]]


def test_a_recording_can_be_held_against_the_list_of_today(serve, rules, tmp_path, capsys):
    saved = tmp_path / "evidence.json"
    cli.entry(["diagnose", *ORIGIN, "--firewall", rules, "--save-evidence", str(saved)])
    capsys.readouterr()
    assert cli.entry(["diagnose", "--evidence", str(saved), "--json", *serve(NOW)]) == 1
    assert json.loads(capsys.readouterr().out)["inputs"]["address_ranges"] == "2026-11-20-00-00-00"


def test_without_rules_nothing_is_fetched(serve):
    _, url, _, trust = serve(NOW)
    incident = Incident.load(
        origin="shop.example.com:9", connect_to="::127.0.0.1:9", address_ranges=url, trust_store=trust
    )
    assert observe_sync(incident).inputs.address_ranges is None


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("live", SOURCE),
        ("https://Mirror.example/x.json", "https://mirror.example/x.json"),
        ("./live", ""),
        ("folder/ip-ranges.json", ""),
        ("", ""),
        (None, ""),
        ({"prefixes": []}, ""),
        ('{"prefixes": "://"}', ""),
    ],
)
def test_what_is_a_url_and_what_a_file(given, url):
    assert live_ranges.url_of(given) == url


@pytest.mark.parametrize("url", ["http://ip-ranges.amazonaws.com/ip-ranges.json", "ftp://mirror.example/x"])
def test_only_https_is_fetched(url, rules, capsys):
    with pytest.raises(BadInput, match="only HTTPS is fetched"):
        Incident.load(origin="shop.example.com", address_ranges=url)
    assert firewall(rules, "--address-ranges", url) == 2
    assert capsys.readouterr().err.startswith("cfrunbook: Address ranges: ")


def test_what_is_examined_says_that_it_will_be_fetched():
    incident = Incident.load(origin="shop.example.com", address_ranges="live")
    assert f"fetched from {SOURCE}" in [fact.why for fact in incident.describe()]
