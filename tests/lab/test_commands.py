"""The command line's side of the lab: rows, a command inside a scenario, one that stays up."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS, list_scenarios, run_command, serve, start
from cfrunbook.lab.commands import introduction
from cfrunbook.lab.servers import Address


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_rows_are_plain_and_complete() -> None:
    rows = list_scenarios()
    assert [row["name"] for row in rows] == list(SCENARIOS)
    assert json.loads(msgspec.json.encode(rows)) == rows


@pytest.mark.parametrize("status", [0, 1, 3, 77])
def test_the_exit_status_is_the_commands(status: int) -> None:
    assert run_command("healthy", python(f"raise SystemExit({status})")) == status


def test_a_command_that_a_signal_ended() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run_command("healthy", python(code)) == 128 + signal.SIGKILL


def test_the_command_finds_the_scenario(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, json; file = pathlib.Path(os.environ['CFRUNBOOK_LAB']);"
        f"pathlib.Path({str(tmp_path / 'seen.json')!r}).write_text(json.dumps([str(file), file.read_text()]))"
    )
    assert run_command("port-refused", python(code)) == 0
    file, content = json.loads((tmp_path / "seen.json").read_text())
    assert json.loads(content)["scenario"] == "port-refused"
    assert not Path(file).exists()
    assert "CFRUNBOOK_LAB" not in os.environ


@pytest.mark.parametrize("argv", [[], ["/no/such/program"], [""], ["nul\0byte"]])
def test_a_command_that_cannot_start_is_bad_input(argv: list[str]) -> None:
    with pytest.raises(BadInput, match=r"^Lab: .*\.$"):
        run_command("healthy", argv)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_go_to_the_command(number: signal.Signals) -> None:
    command = (
        "import os, signal, sys, time\n"
        f"signal.signal({number:d}, lambda *_: sys.exit(42))\n"
        "print(os.environ['CFRUNBOOK_LAB'], flush=True)\n"
        "signal.pause()\n"
    )
    code = f"import sys; from cfrunbook.lab import run_command; sys.exit(run_command('healthy', {python(command)!r}))"
    with subprocess.Popen(
        python(code), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        file = Path(process.stdout.readline().strip())
        assert file.is_file()
        process.send_signal(number)
        assert process.wait(30) == 42
    assert not file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stays_until_told(number: signal.Signals) -> None:
    code = "import sys; from cfrunbook.lab import serve; sys.exit(serve('healthy', sys.stdout))"
    with subprocess.Popen(
        python(code), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = iter(process.stdout.readline, "")
        said = next(line for line in lines if line.startswith("Diagnose:"))
        file = Path(said.split()[-1])
        assert file.is_file()
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert not file.exists()


def test_serve_says_how_to_get_there_and_what_the_pager_says(is_listening: Callable[[Address], bool]) -> None:
    over, out = threading.Event(), io.StringIO()
    over.set()
    assert serve("port-refused", out, until=over) == 0
    said = out.getvalue()
    assert all(line in said for line in SCENARIOS["port-refused"].story)
    assert "Nothing listens" not in said
    edge = re.search(r":80:(127\.0\.0\.1):(\d+) ", said)
    assert edge
    assert not is_listening((edge[1], int(edge[2])))


@pytest.mark.needs("openssl", "curl")
@pytest.mark.parametrize(
    ("name", "first", "origin"),
    [
        ("certificate-expired", "HTTP/1.1 502 Bad Gateway", "BEGIN CERTIFICATE"),
        ("healthy-http-only", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
        ("http-only-answers-502", "HTTP/1.1 502 Bad Gateway", "HTTP/1.1 502 Bad Gateway"),
    ],
)
def test_the_printed_commands_work(name: str, first: str, origin: str) -> None:
    with start(name) as running:
        printed = dict(re.findall(r"^(Ask the \w+): +(.+)$", introduction(running), re.MULTILINE))
        results = {
            who: subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=30).stdout
            for who, command in printed.items()
        }
    assert results["Ask the edge"].startswith(first)
    assert origin in results["Ask the origin"]


def test_every_address_and_origin_has_its_command() -> None:
    for name, domains in {
        "one-address-of-three-refuses": ["origin.shop.example"] * 3,
        "origin-group-primary-broken": ["origin.shop.example", "standby.shop.example"],
    }.items():
        with start(name) as running:
            said = introduction(running)
            places = [f"{address}:{port}" for origin in running.origins for address, port in origin.places]
        commands = re.findall(
            r"^Ask the origin: +openssl s_client -connect (\S+) -servername (\S+)", said, re.MULTILINE
        )
        assert commands == list(zip(places, domains, strict=True))
        assert all(f"({domain})" in said.splitlines()[-1] for domain in domains)
