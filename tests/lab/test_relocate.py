"""The wrappers of a lab's shell: what names a host of the lab goes there, everything else stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cfrunbook.lab import relocate

TRUST = "/lab/trust.pem"
TOLD = {
    "connect_to": [
        "www.shop.example:80:127.0.0.1:8001",
        "www.shop.example:443:127.0.0.1:8002",
        "origin.shop.example:443:127.0.0.1:8003",
        "[2001:db8::10]:443:127.0.0.1:8004",
        "198.51.100.1:53:127.0.0.1:8005",
        ":53:127.0.0.1:8006",
    ],
    "trust": TRUST,
    "names": {"ns1.shop.lab": "198.51.100.1"},
    "resolver": "127.0.0.1:8007",
}


@pytest.fixture
def lab(tmp_path: Path) -> relocate.Lab:
    (tmp_path / "tools.json").write_text(json.dumps(TOLD))
    return relocate.Lab(str(tmp_path))


WWW = "--connect-to www.shop.example:443:127.0.0.1:8002 --connect-to www.shop.example:80:127.0.0.1:8001"
Change = Callable[[Sequence[str], relocate.Lab], list[str]]
CASES: list[tuple[Change, str, str]] = [
    (relocate.curl, "-si https://www.shop.example/", f"{WWW} --cacert {TRUST} -si https://www.shop.example/"),
    (relocate.curl, "-q https://WWW.shop.example/", f"-q {WWW} --cacert {TRUST} https://WWW.shop.example/"),
    (
        relocate.curl,
        "http://www.shop.example/a --next http://www.shop.example/b",
        f"{WWW} --cacert {TRUST} http://www.shop.example/a --next {WWW} --cacert {TRUST} http://www.shop.example/b",
    ),
    (relocate.curl, "https://example.com/", "https://example.com/"),
    (
        relocate.openssl,
        "s_client -connect origin.shop.example:443 -showcerts",
        f"s_client -connect 127.0.0.1:8003 -showcerts -servername origin.shop.example -CAfile {TRUST}",
    ),
    (
        relocate.openssl,
        "s_client -connect origin.shop.example:443 -servername www.shop.example -CAfile x.pem",
        "s_client -connect 127.0.0.1:8003 -servername www.shop.example -CAfile x.pem",
    ),
    (
        relocate.openssl,
        "s_client -showcerts origin.shop.example:443",
        f"s_client -showcerts -connect 127.0.0.1:8003 -servername origin.shop.example -CAfile {TRUST}",
    ),
    (
        relocate.openssl,
        "s_client -connect [2001:db8::10]:443",
        f"s_client -connect 127.0.0.1:8004 -CAfile {TRUST}",
    ),
    (relocate.openssl, "s_client -connect example.com:443", "s_client -connect example.com:443"),
    (relocate.openssl, "x509 -in origin.shop.example:443", "x509 -in origin.shop.example:443"),
    (relocate.dig, "+short origin.shop.lab", "@127.0.0.1 -p 8007 +short origin.shop.lab"),
    (relocate.dig, "origin.shop.lab @ns1.shop.lab.", "@127.0.0.1 -p 8005 origin.shop.lab"),
    (relocate.dig, "@198.51.100.1 shop.lab NS", "@127.0.0.1 -p 8005 shop.lab NS"),
    (relocate.dig, "+norecurse @127.0.0.1 -p 8005 shop.lab", "+norecurse @127.0.0.1 -p 8005 shop.lab"),
    (relocate.dig, "@1.1.1.1 origin.shop.lab A", "@127.0.0.1 -p 8007 origin.shop.lab A"),
    (relocate.delv, "origin.shop.lab A", "@127.0.0.1 -p 8007 origin.shop.lab A"),
    (
        relocate.curl,
        "--connect-to ::127.0.0.1:8003 https://origin.shop.example/",
        "--connect-to ::127.0.0.1:8003 https://origin.shop.example/",
    ),
    (relocate.nc, "-zv origin.shop.example 443", "-zv 127.0.0.1 8003"),
    (relocate.nc, "-zv example.com 443", "-zv example.com 443"),
    (relocate.nc, "-h", "-h"),
]


@pytest.mark.parametrize(("change", "given", "wanted"), CASES, ids=[given for _, given, _ in CASES])
def test_arguments(lab: relocate.Lab, change: Change, given: str, wanted: str) -> None:
    assert change(given.split(), lab) == wanted.split()


@pytest.mark.parametrize("given", ["+trace shop.lab", "@203.0.113.53 shop.lab"])
def test_no_question_leaves_the_lab(lab: relocate.Lab, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        relocate.dig(given.split(), lab)
    assert caught.value.code == 9
    assert capsys.readouterr().err.startswith("lab: ")


def test_where_names_are_not_looked_up_dig_says_so(lab: relocate.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.resolver = ""
    with pytest.raises(SystemExit):
        relocate.dig(["origin.shop.example"], lab)
    assert "not looked up in this scenario" in capsys.readouterr().err


def test_each_of_several_addresses_has_its_turn(tmp_path: Path) -> None:
    several = [f"origin.shop.example:443:127.0.0.{n}:8000" for n in (1, 2, 3)]
    (tmp_path / "tools.json").write_text(json.dumps({**TOLD, "connect_to": several}))
    lab = relocate.Lab(str(tmp_path))
    assert {lab.find("origin.shop.example", "443") for _ in range(200)} == {(f"127.0.0.{n}", "8000") for n in (1, 2, 3)}


def test_a_tool_that_is_not_there_and_a_lab_that_is_gone(tmp_path: Path) -> None:
    script = [sys.executable, "-I", relocate.__file__]
    gone = subprocess.run([*script, str(tmp_path), "curl", "x"], capture_output=True, text=True, check=False)
    assert (gone.returncode, gone.stderr) in {
        (9, "lab: this lab does not run any more.\n"),
        (127, "lab: curl is not installed.\n"),
    }
    none = subprocess.run(
        [*script, str(tmp_path), "dig", "x"], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert (none.returncode, none.stderr) == (127, "lab: dig is not installed.\n")
