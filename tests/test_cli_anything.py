"""Whatever a person has, on the command line: words anywhere, the environment, standard input, and no command at all."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cfrunbook import cli
from tests.captures import REQUEST_ID, curl, of_2026
from tests.recognizing.samples import ID, PAGER, TICKET, URL, distribution


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be fetched: there is nobody to sign in as."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 3) -> dict[str, object]:
    assert cli.entry(["diagnose", "--json", *arguments]) == status
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def keys(diagnosis: dict[str, object]) -> list[str]:
    return [one["key"] for one in diagnosis["wanted"]]  # type: ignore[attr-defined]


def test_words_may_stand_anywhere_on_the_line(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "x.bin"
    file.write_text(curl(body=of_2026()), newline="")
    for line in ([str(file), "--name", "a", URL], ["--name", "a", URL, str(file)], [URL, str(file), "--name", "a"]):
        found = told(capsys, *line)
        assert found["verdict"]["code"] == "cloudfront.page_without_reason"  # type: ignore[index]
        assert found["inputs"]["url"] == URL  # type: ignore[index]


def test_a_url_alone_says_what_to_get(capsys: pytest.CaptureFixture[str]):
    assert cli.entry(["diagnose", URL]) == 3
    shown = capsys.readouterr().out
    assert "GET NEXT (what tells most" in shown
    assert f"curl -sSi {URL} > response.txt" in shown


def test_an_id_that_cannot_be_fetched_ends_nothing(capsys: pytest.CaptureFixture[str]):
    found = told(capsys, PAGER)
    assert keys(found)[0] == "distribution"
    assert f"--id {ID}" in found["wanted"][0]["how"]["command"]  # type: ignore[index]
    assert "could not be fetched" in json.dumps(found["not_examined"])
    assert cli.entry(["diagnose", "--distribution", ID]) == 2, "given by name it is bad input"


def test_standard_input_and_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TICKET.encode())))
    assert told(capsys, "-")["verdict"]["code"] == "cloudfront.page_without_reason"  # type: ignore[index]
    monkeypatch.setenv("CFRUNBOOK_ANYTHING", f"{URL} '{REQUEST_ID}'")
    assert told(capsys)["inputs"]["url"] == URL  # type: ignore[index]
    assert told(capsys, "https://other.example.com/")["inputs"]["url"] == "https://other.example.com/"  # type: ignore[index]


def test_watch_takes_them_too_and_reads_standard_input_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TICKET.encode())))
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("CFRUNBOOK_ANYTHING", "-")
    assert cli.entry(["watch", "--count", "2", "--every", "0.5", "--json"]) == 3
    looks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [look["verdict"]["code"] for look in looks] == ["cloudfront.page_without_reason"] * 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["dist.json"], "'dist.json' is no command; did you mean: cfrunbook diagnose dist.json"),
        ([URL, "x y"], f"did you mean: cfrunbook diagnose {URL} 'x y'"),
        ([ID], f"did you mean: cfrunbook diagnose {ID}"),
        (["diagnos", "x"], "did you mean: cfrunbook diagnose"),
        (["xyz"], "'xyz' is no command; there are diagnose, watch, report"),
        (["diagnose", "dist.json"], "Anything: dist.json is a file that is not there."),
        (["diagnose", "--nonsense", "dist.json"], "unrecognized arguments: --nonsense"),
        (["lab", "list", "x"], "unrecognized arguments: x"),
        (["diagnose", json.dumps(distribution()), json.dumps(distribution("EDFDVBD632BHDS5"))],
         "There are 2 distributions"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_sentence(line: list[str], says: str, capsys: pytest.CaptureFixture[str]):
    assert cli.entry(line) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.startswith("cfrunbook: ")
    assert said.count("\n") == 1


def test_every_command_is_known_to_be_one():
    actions = next(a for a in cli._parser()._actions if a.dest == "==SUPPRESS==" or getattr(a, "choices", None))
    assert set(cli._COMMANDS) == set(actions.choices)  # type: ignore[arg-type]
