"""`cfrunbook firewall`, and rules as an input of diagnose: exit statuses, JSON, one sentence for bad input."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from cfrunbook import cli
from cfrunbook.firewall.published import LATEST, OLDER
from cfrunbook.incident import Incident

CODES = ("port.firewall_undecidable", "port.firewall_allows")
AGE = "CloudFront's addresses: the list of 2026-08-22, "


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")


def save(folder: Path, *rules: str, policy: str = "DROP") -> str:
    path = folder / "rules.txt"
    path.write_text(f"*filter\n:INPUT {policy} [0:0]\n" + "".join(f"{r}\n" for r in rules) + "COMMIT\n")
    return str(path)


@pytest.mark.parametrize(
    ("rule", "status", "says"),
    [
        ("-A INPUT -p tcp --dport 443 -j ACCEPT", 0, "All of CloudFront's IPv4 addresses are allowed at port 443."),
        ("-A INPUT -p tcp --dport 80 -j ACCEPT", 1, "All of CloudFront's IPv4 addresses are blocked at port 443."),
        ("-A INPUT -i eth0 -j ACCEPT", 3, "What becomes of all 343,616 addresses at port 443 is undecidable."),
    ],
)
def test_the_exit_status_says_the_verdict(tmp_path, capsys, rule, status, says):
    assert cli.entry(["firewall", "--port", "443", save(tmp_path, rule)]) == status
    shown = capsys.readouterr().out
    assert shown.startswith(AGE)
    assert says in shown.splitlines()


def test_what_the_dump_does_not_tell_can_be_told(tmp_path):
    file = save(tmp_path, "-A INPUT -i eth0 -d 10.0.0.5/32 -j ACCEPT")
    told = ["--interface", "eth0", "--destination", "10.0.0.5"]
    assert cli.entry(["firewall", "--port", "443", file, *told]) == 0


def test_a_diagnosis_can_be_told_the_same_and_its_recording_keeps_it(tmp_path, capsys):
    file = save(tmp_path, "-A INPUT -i eth0 -d 10.0.0.5/32 -j ACCEPT")
    origin = ["diagnose", "--origin", "shop.example.com", "--connect-to", "::127.0.0.1:9", "--deadline", "1", "--json"]
    saved = tmp_path / "evidence.json"

    def found(*options: str) -> dict:
        cli.entry([*options])
        (one,) = [f for f in json.loads(capsys.readouterr().out)["findings"] if f["code"] in CODES]
        return one

    asks = found(*origin, "--firewall", file)
    assert (asks["code"], asks["next_check"]) == (
        "port.firewall_undecidable",
        "Ask again with --interface eth0 if this is how they come in.",
    )
    told = ["--firewall", file, "--interface", "eth0"]
    assert found(*origin, *told)["next_check"] == "Ask again with --destination ADDRESS."
    lets_in = found(*origin, *told, "--destination", "10.0.0.5", "--save-evidence", str(saved))
    assert lets_in["code"] == "port.firewall_allows"
    assert f"--interface eth0 --destination 10.0.0.5 {file}" in lets_in["reproduce"]
    assert found("diagnose", "--evidence", str(saved), "--json") == lets_in
    assert cli.entry(shlex.split(lets_in["reproduce"])[1:]) == 0


@pytest.mark.parametrize(
    ("option", "value"), [("--destination", "here"), ("--interface", "eth 0"), ("--interface", "x" * 16)]
)
def test_what_is_no_address_or_interface_is_refused_in_a_sentence(tmp_path, capsys, option, value):
    assert cli.entry(["diagnose", "--origin", "shop.example.com", "--firewall", save(tmp_path), option, value]) == 2
    assert f"{value!r} is no " in capsys.readouterr().err


def test_json_and_newer_ranges(tmp_path, capsys):
    ranges = tmp_path / "ip-ranges.json"
    entry = {"ip_prefix": "192.0.2.0/24", "service": "CLOUDFRONT_ORIGIN_FACING"}
    ranges.write_text(json.dumps({"createDate": "2026-11-01-00-00-00", "syncToken": "1", "prefixes": [entry]}))
    file = save(tmp_path, "-A INPUT -s 192.0.2.0/25 -j ACCEPT")
    assert cli.entry(["firewall", "--json", "--port", "443", file, "--address-ranges", str(ranges)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["address_ranges"]["create_date"] == "2026-11-01-00-00-00"
    assert [part["prefixes"] for part in told["answers"][0]["parts"]] == [["192.0.2.0/25"], ["192.0.2.128/25"]]


def test_rules_made_from_an_old_list_are_not_held_against_that_same_list(tmp_path, capsys):
    (old,) = OLDER
    entries = [{"ip_prefix": p, "service": "CLOUDFRONT_ORIGIN_FACING"} for p in old.ipv4]
    ranges = tmp_path / "ip-ranges.json"
    ranges.write_text(json.dumps({"createDate": old.create_date, "syncToken": old.sync_token, "prefixes": entries}))
    file = save(tmp_path, *(f"-A INPUT -s {p} -p tcp --dport 443 -j ACCEPT" for p in old.ipv4))
    assert cli.entry(["firewall", "--port", "443", file, "--address-ranges", str(ranges)]) == 1
    assert "36,864 of 343,616 addresses (10.7 %) are blocked" in capsys.readouterr().out
    incident = Incident.load(origin="shop.example.com", firewall=file, address_ranges=ranges)
    assert incident.inputs.address_ranges is not None
    assert incident.inputs.address_ranges.create_date == LATEST.create_date


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "0", "x"], "'0' is not a port from 1 to 65535"),
        (["--port", "443"], "the following arguments are required: FILE"),
        (["x"], "the following arguments are required: --port"),
        (["--port", "443", "missing"], "Firewall: no such file: missing."),
        (["--port", "443", "sets"], "what was given only goes with rules"),
        (["--port", "443", "rules.txt", "--destination", "here"], "the destination 'here' is no IP address"),
        (["--port", "443", "rules.txt", "--address-ranges", "rules.txt"], "Address ranges: rules.txt is not JSON"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    save(tmp_path)
    (tmp_path / "sets").write_text("create far hash:net\n")
    assert cli.entry(["firewall", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_rules_are_an_input_of_diagnose_also_from_the_environment(tmp_path, monkeypatch, capsys):
    file = save(tmp_path, *(f"-A INPUT -s {p} -j ACCEPT" for p in OLDER[0].ipv4))
    origin = ["diagnose", "--origin", "shop.example.com", "--connect-to", "::127.0.0.1:9", "--deadline", "1", "--json"]
    saved = tmp_path / "evidence.json"
    assert cli.entry([*origin, "--firewall", file, "--save-evidence", str(saved)]) == 1
    codes = {f["code"] for f in json.loads(capsys.readouterr().out)["findings"]}
    assert "port.firewall_stale_list" in codes
    assert cli.entry(["diagnose", "--json", "--evidence", str(saved)]) == 1
    assert codes == {f["code"] for f in json.loads(capsys.readouterr().out)["findings"]}
    monkeypatch.setenv("CFRUNBOOK_FIREWALL", f"'{file}'")
    assert cli.entry(origin) == 1
    assert codes == {f["code"] for f in json.loads(capsys.readouterr().out)["findings"]}


def test_rules_made_from_an_old_list_are_named(tmp_path, capsys):
    file = save(tmp_path, *(f"-A INPUT -s {p} -j ACCEPT" for p in OLDER[0].ipv4))
    assert cli.entry(["firewall", "--port", "443", "--json", file]) == 1
    (told,) = json.loads(capsys.readouterr().out)["answers"]
    assert told["stale"] == (
        "That is exactly what AWS's list of 2025-07-24 lacks, as if the rules were made from it."
        " Some requests fail, with 504."
    )
    assert cli.entry(["firewall", "--port", "443", file]) == 1
    assert "AWS's list of 2025-07-24 lacks" in capsys.readouterr().out


def test_rules_of_a_recording_are_checked_as_strictly(tmp_path, capsys):
    file = save(tmp_path, "-A INPUT -j ACCEPT")
    saved = tmp_path / "evidence.json"
    cli.entry(
        [
            "diagnose",
            "--origin",
            "shop.example.com",
            "--connect-to",
            "::127.0.0.1:9",
            "--firewall",
            file,
            "--save-evidence",
            str(saved),
            "--json",
        ]
    )
    saved.write_text(saved.read_text().replace('"iptables"', '"pf"'))
    capsys.readouterr()
    assert cli.entry(["diagnose", "--evidence", str(saved)]) == 2
    assert capsys.readouterr().err == "cfrunbook: Firewall: the kind 'pf' is not known to this version.\n"
