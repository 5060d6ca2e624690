"""The command line as a person and as a pager use it: real processes, exit statuses, one sentence for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cfrunbook.findings import Diagnosis


def run(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CFRUNBOOK_")}
    return subprocess.run(
        [sys.executable, "-m", "cfrunbook", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean | (env or {}),
        cwd=cwd,
        check=False,
    )


@pytest.mark.parametrize(
    ("scenario", "status", "words"),
    [
        ("healthy", 0, "No fault found"),
        ("certificate-expired", 1, "expired"),
        ("port-dropped", 1, "504"),
    ],
)
def test_exit_status_and_sentence_say_the_verdict(scenario: str, status: int, words: str) -> None:
    done = run("lab", "run", scenario, "--", "cfrunbook", "diagnose")
    assert done.returncode == status, done.stderr
    assert words in done.stdout
    assert "Traceback" not in done.stderr


def test_could_not_tell_is_exit_3(tmp_path: Path) -> None:
    hints = tmp_path / "named.root"
    hints.write_text(".  3600000  NS  a.root.\na.root.  3600000  A  192.0.2.1\n")
    nobody = ("--root-hints", str(hints), "--connect-to", "192.0.2.1:53:127.0.0.1:9", "--resolver", "127.0.0.1:9")
    done = run("diagnose", "--origin", "nothing.invalid", *nobody, "--deadline", "0.3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Inconclusive" in done.stdout
    assert "port 53 seems to be blocked from here" in " ".join(done.stdout.split())


def test_a_root_hints_file_that_is_none_is_bad_input(tmp_path: Path) -> None:
    hints = tmp_path / "named.root"
    hints.write_text("$INCLUDE /etc/passwd\n")
    done = run("diagnose", "--origin", "nothing.invalid", "--root-hints", str(hints))
    assert done.returncode == 2
    assert "is not a root hints file like https://www.internic.net/domain/named.root" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_json_is_the_public_contract() -> None:
    done = run("lab", "run", "certificate-missing-intermediate", "--", "cfrunbook", "diagnose", "--json")
    diagnosis = msgspec.json.decode(done.stdout, type=Diagnosis)
    assert diagnosis.verdict.code == "certificate.missing_intermediate"
    contract = json.loads(done.stdout)
    assert set(contract) >= {
        *("schema", "verdict", "stages", "causes", "findings", "not_examined", "inputs", "versions"),
    }
    assert set(contract["verdict"]) >= {"status", "cause", "code", "cloudfront_status", "confidence", "sentence"}
    assert set(contract["findings"][0]) >= {
        *("code", "cause", "status", "title", "data", "evidence", "reproduce", "remedy", "verify", "source"),
        "cloudfront_status",
    }


def test_evidence_recorded_once_is_judged_again_without_the_origin(tmp_path: Path) -> None:
    recording = tmp_path / "evidence.json"
    live = run(
        "lab", "run", "tls-name-mismatch", "--", "cfrunbook", "diagnose", "--json", "--save-evidence", str(recording)
    )
    again = run("diagnose", "--json", "--evidence", str(recording))
    assert live.returncode == again.returncode == 1
    assert json.loads(live.stdout)["findings"] == json.loads(again.stdout)["findings"]


def test_options_come_from_the_environment_and_the_command_line_wins(tmp_path: Path) -> None:
    env = {"CFRUNBOOK_ORIGIN": "not a host name"}
    assert run("diagnose", env=env).returncode == 2
    recording = tmp_path / "evidence.json"
    run("lab", "run", "healthy", "--", "cfrunbook", "diagnose", "--save-evidence", str(recording))
    assert run("diagnose", env={"CFRUNBOOK_EVIDENCE": str(recording)}).returncode == 0
    done = run("diagnose", "--evidence", "absent.json", env={"CFRUNBOOK_EVIDENCE": str(recording)})
    assert done.returncode == 2
    assert "absent.json" in done.stderr


FULL = Path(__file__).parent


def write(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


CONFIG: dict[str, object] = {
    "CallerReference": "x",
    "Comment": "",
    "Enabled": True,
    "Aliases": {"Quantity": 1, "Items": ["www.example.com"]},
    "Origins": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "shop",
                "DomainName": "origin.example.com",
                "CustomOriginConfig": {
                    "HTTPPort": 80,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "https-only",
                    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                },
            }
        ],
    },
    "DefaultCacheBehavior": {"TargetOriginId": "shop", "ViewerProtocolPolicy": "https-only"},
}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], ["nothing to examine", "distribution", "origin"]),
        (["--distribution", "{tmp}/absent.json"], ["absent.json", "no such file"]),
        (["--distribution", "{text}"], ["text.json", "JSON"]),
        (["--distribution", "{other}"], ["other.json"]),
        (["--distribution", "{empty}"], ["origin"]),
        (
            ["--distribution", "{good}", "--url", "https://elsewhere.example.net/"],
            ["elsewhere.example.net", "www.example.com"],
        ),
        (["--distribution", "{good}", "--origin", "basket"], ["basket", "shop"]),
        (["--evidence", "{future}"], ["schema 99"]),
        (["--evidence", "{huge}"], ["MiB"]),
        (["--origin", "bad name"], ["bad name"]),
        (["--origin", "192.0.2.1"], ["192.0.2.1"]),
        (["--origin", "shop.example.com:99999"], ["99999"]),
        (["--origin", "shop.example.com", "--deadline", "soon"], ["soon", "seconds"]),
        (["--origin", "shop.example.com", "--at", "yesterday"], ["yesterday"]),
        (["--origin", "shop.example.com", "--connect-to", "x"], ["connect-to"]),
        (["--origin", "shop.example.com", "--trust-store", "{text}"], ["text.json"]),
        (["--lab", "{other}"], ["other.json"]),
        (["--nonsense"], ["--nonsense"]),
        (["--origin", "shop.example.com", "--resolver", "foo"], ["foo", "resolver"]),
        (["--origin", "shop.example.com", "--save-evidence", "{tmp}"], ["--save-evidence", "folder"]),
        (["--origin", "shop.example.com", "--save-evidence", "{tmp}/no/such/folder/e.json"], ["folder"]),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tmp_path: Path, arguments: list[str], says: list[str]) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    files = {
        "tmp": str(tmp_path),
        "text": write(tmp_path, "text.json", b"hello"),
        "other": write(tmp_path, "other.json", b'{"Buckets": []}'),
        "empty": write(tmp_path, "empty.json", json.dumps(CONFIG | {"Origins": {"Quantity": 0}}).encode()),
        "good": write(tmp_path, "good.json", json.dumps(CONFIG).encode()),
        "future": write(tmp_path, "future.json", b'{"kind": "cfrunbook.evidence", "schema": 99}'),
        "huge": str(huge),
    }
    before = sorted(p.name for p in tmp_path.iterdir())
    done = run("diagnose", *(a.format(**files) for a in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for word in says:
        assert word.lower() in done.stderr.lower(), done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "command", [[], ["diagnose"], ["report"], ["lab"], ["lab", "list"], ["lab", "run"], ["lab", "start"], ["notebooks"]]
)
def test_every_command_has_help_with_an_example(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Exit status" in done.stdout
    assert not command or "Example:\n  cfrunbook" in done.stdout


def test_lab_run_without_a_command_or_with_an_unknown_scenario_is_bad_input() -> None:
    for arguments in (["lab", "run", "healthy"], ["lab", "run", "no-such-thing", "--", "true"]):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_lab_run_returns_the_commands_own_exit_status() -> None:
    assert run("lab", "run", "healthy", "--", sys.executable, "-c", "raise SystemExit(41)").returncode == 41


def test_a_defect_is_one_sentence_and_never_looks_like_a_verdict(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import cfrunbook.incident as i\ni.Incident.load = lambda **_: 1 / 0\n")
    env = {"PYTHONPATH": str(tmp_path)}
    done = run("diagnose", "--origin", "shop.example.com", env=env)
    assert (done.returncode, done.stderr.count("\n")) == (70, 1), done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" in run("diagnose", "--origin", "shop.example.com", env=env | {"CFRUNBOOK_DEBUG": "1"}).stderr


def test_a_stray_quote_in_the_environment_is_named() -> None:
    done = run("diagnose", "--origin", "shop.example.com", env={"CFRUNBOOK_POLICIES": "it's"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "CFRUNBOOK_POLICIES" in done.stderr


def test_a_terminal_without_unicode_gets_escapes_instead_of_a_traceback() -> None:
    done = run("lab", "run", "healthy", "--", "cfrunbook", "diagnose", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "No fault found" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence() -> None:
    command = f"{sys.executable} -m cfrunbook lab list > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "No space left" in done.stderr


def test_an_output_folder_that_cannot_be_made_is_refused_before_any_probe(tmp_path: Path) -> None:
    occupied = tmp_path / "incident"
    occupied.write_text("a file")
    done = run("report", "--origin", "shop.example.com", "--output", str(occupied))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "--output" in done.stderr
