"""Labs in the background: up, inside, watched, mended and down, as from a terminal; and nothing left, however they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS, background, runtime
from cfrunbook.lab.runtime import Home
from cfrunbook.lab.servers import Address

LIMIT = 60.0
"""Seconds; only a broken test waits that long."""
NAME = "certificate-expired"
URL = "https://www.shop.example/cart"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module", autouse=True)
def here(place: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(place))
        yield
        background.stop(everything=True)


def run(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "cfrunbook", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == status, done.stderr
    return done.stdout if status in (0, 1) else done.stderr


def inside(*command: str) -> str:
    return run("lab", "shell", NAME, "--", *command)


@pytest.fixture(scope="module")
def started(here: None) -> str:
    return run("lab", "start", NAME)


def edge(name: str = NAME) -> Address:
    host, port = background.the_one(name).edge.removeprefix("http://").split(":")
    return host, int(port)


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_says_what_the_pager_says_and_no_more(started: str) -> None:
    scenario = SCENARIOS[NAME]
    assert all(line in started for line in scenario.story)
    hidden = (scenario.title, *scenario.hints, scenario.why_in_real_life, scenario.expected.code or "", scenario.page)
    assert not any(text in started for text in hidden)
    assert f"cfrunbook lab shell {NAME}" in started


def test_the_same_twice_is_refused(started: str) -> None:
    assert run("lab", "start", NAME, status=2) == (
        f"cfrunbook: Lab: {NAME} runs already; see `cfrunbook lab status {NAME}`, or stop it first.\n"
    )


def test_only_this_user_may_look_into_the_folder(started: str, place: Path) -> None:
    assert (place / "cfrunbook-lab").stat().st_mode & 0o077 == 0
    (place / "cfrunbook-lab").chmod(0o755)
    try:
        with pytest.raises(BadInput, match="not a folder of this user alone"):
            runtime.root()
    finally:
        (place / "cfrunbook-lab").chmod(0o700)


@pytest.mark.needs("curl", "openssl", "dig")
def test_peoples_own_tools_work_inside(started: str) -> None:
    assert "HTTP/1.1 502 Bad Gateway" in inside("curl", "-si", URL)
    connect = ["openssl", "s_client", "-connect", "origin.shop.example:443", "-verify_return_error"]
    script = f"{' '.join(connect)} </dev/null 2>&1; dig origin.shop.example 2>&1; true"
    said = inside("sh", "-c", script)
    assert "certificate has expired" in said
    assert "names are not looked up in this scenario" in said


def test_watched_while_it_is_mended_the_verdict_flips(started: str) -> None:
    state = background.the_one(NAME)
    folder = Path(state.site) / "origins/origin.shop.example/address-1-port-443"
    command = [sys.executable, "-m", "cfrunbook", "watch", "--every", "0.5", "--until", "ok", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"CFRUNBOOK_LAB": state.lab_file}
    ) as watching:
        assert watching.stdout
        first: dict[str, Any] = json.loads(watching.stdout.readline())
        assert (first["status"], first["verdict"]["code"]) == ("fault", "certificate.expired")
        run("lab", "certificate", "origin.shop.example", "--lab", NAME, "--folder", str(folder))
        *_, last = (json.loads(line) for line in watching.stdout)
        assert watching.wait(LIMIT) == 0
    assert (last["status"], last["changed"]) == ("ok", True)
    assert {"code": "certificate.expired", "status": "fault"} in last["gone"]
    assert "the site was changed" in run("lab", "status", NAME)
    (Path(state.site) / "distribution.json").write_text("{")
    wait_for(lambda: "not used, all stays as it was: distribution.json" in run("lab", "status"))


def test_several_run_side_by_side_and_are_stopped_one_by_one(
    started: str, is_listening: Callable[[Address], bool]
) -> None:
    run("lab", "start", NAME, "--name", "another")
    rows = json.loads(run("lab", "list", "--running", "--json"))
    assert [(row["name"], row["scenario"]) for row in rows] == [("another", NAME), (NAME, NAME)]
    assert "several run (another, certificate-expired); say which" in run("lab", "stop", status=2)
    where = edge("another")
    assert run("lab", "stop", "another") == "Stopped: another.\n"
    assert not is_listening(where)
    assert not Home("another").folder.exists()
    assert "does not run" in run("lab", "stop", "another", status=2)
    assert is_listening(edge())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_when_the_owner_ends_everything_ends(number: signal.Signals, is_listening: Callable[[Address], bool]) -> None:
    state = background.start("port-refused", name="victim")
    where, home = edge("victim"), Home("victim")
    assert home.owner() == state.pid
    os.kill(state.pid, number)
    wait_for(lambda: home.owner() is None)
    assert not is_listening(where)
    assert home.folder.exists() == (number == signal.SIGKILL)
    assert "victim" not in {state.name for state in runtime.running()}
    assert not home.folder.exists()  # whoever looks cleans up


def test_one_that_does_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    state = background.start("port-refused", name="deaf")
    os.kill(state.pid, signal.SIGSTOP)
    monkeypatch.setattr(runtime, "_PATIENCE", 0.2)
    try:
        assert background.stop(["deaf"]) == ("deaf",)
    except BadInput:  # a process that is stopped takes a moment to die, too
        wait_for(lambda: Home("deaf").owner() is None)
    assert not any(state.name == "deaf" for state in runtime.running())


@pytest.mark.parametrize("ended_by", [subprocess.TimeoutExpired("x", 0), KeyboardInterrupt()])
def test_one_that_is_given_up_while_it_comes_up_is_not_left_behind(
    place: Path, monkeypatch: pytest.MonkeyPatch, ended_by: BaseException
) -> None:
    communicate = subprocess.Popen.communicate

    def interrupted(process: subprocess.Popen[bytes], *_: object, timeout: float | None = None) -> tuple[bytes, bytes]:
        if timeout is None:
            return communicate(process)
        wait_for(Home("healthy").folder.exists)
        raise ended_by

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises((BadInput, KeyboardInterrupt)):
        background.start("healthy")
    assert Home("healthy").owner() is None
    assert not Home("healthy").folder.exists()


def test_a_lab_whose_folder_is_removed_ends() -> None:
    background.start("port-refused", name="homeless")
    home = Home("homeless")
    (home.folder / runtime.STATE_FILE).unlink()
    wait_for(lambda: home.owner() is None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "certificate-expird"], "did you mean certificate-expired"),
        (["start", "healthy", "--name", "../x"], "cannot be a lab's name"),
        (["shell", "nothing", "--", "true"], "nothing does not run; `cfrunbook lab start nothing`"),
        (["stop", "nothing"], "nothing does not run"),
        (["stop", "x", "--all"], "names or --all"),
        (["certificate", "no_name!", "--lab", NAME], "is not a DNS name"),
    ],
)
def test_bad_input_is_one_sentence(started: str, arguments: list[str], sentence: str) -> None:
    said = run("lab", *arguments, status=2)
    assert sentence in said
    assert said.count("\n") == 1
