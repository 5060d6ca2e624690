"""`cfrunbook report`, a real process, stopped at several moments: a sentence, what was gathered, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cfrunbook import evidence
from tests.report.test_runner import processes_under

RECORDING = Path(__file__).parent.parent / "data" / "port-refused.evidence.json"
PATIENCE = 60
BACKGROUND = ("sh", "-c", 'trap "" INT && exec "$@"', "sh")
"""Starts a command as a script does with &: Ctrl-C is not for it."""


class Stopped(NamedTuple):
    """How a report ended."""

    status: int
    said: str
    folder: Path
    temporary: Path
    alert: Path

    @property
    def kept(self) -> Path:
        (kept,) = self.folder.iterdir()
        return kept


class Reporting:
    """A report being made, with a folder of its own for everything."""

    def __init__(self, home: Path, *arguments: str, under: tuple[str, ...] = ()) -> None:
        self.home, self.folder, self.temporary = home, home / "out", home / "t"
        self.temporary.mkdir()
        given = ("--output", str(self.folder), "--notify-file", str(home / "alert.json"), *arguments)
        self.process = subprocess.Popen(
            [*under, sys.executable, "-m", "cfrunbook", "report", *given],
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def when(self, moment: Callable[[Path], object]) -> Reporting:
        """Wait for a moment that can be seen in its folders."""
        until = time.monotonic() + PATIENCE
        while not moment(self.home):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        return self

    def end(self, number: int | None = None) -> Stopped:
        """Send it a signal, Ctrl-C as a terminal does, and wait for its end."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        elif number is not None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        return Stopped(self.process.returncode, said, self.folder, self.temporary, self.home / "alert.json")


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """What is started here listens to signals, also where these tests run under nohup or with &."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets, so that they are in it too."""
    with tempfile.TemporaryDirectory(prefix="st", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def silent() -> Iterator[tuple[socket.socket, list[str]]]:
    """An origin that takes connections and says nothing, and the options for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"origin.shop.example:443:127.0.0.1:{listener.getsockname()[1]}"
        yield listener, ["--origin", "origin.shop.example", "--connect-to", place, "--deadline", "300"]


def runbook_done(home: Path) -> bool:
    return any(home.glob("out/.*.part/notebooks/*.ipynb"))


def kernels_started(home: Path) -> bool:
    return any(home.glob("t/cfr-*/*-ipc-*"))


@pytest.mark.parametrize(
    ("options", "under", "moment", "number"),
    [
        ((), (), kernels_started, signal.SIGINT),
        ((), BACKGROUND, runbook_done, signal.SIGTERM),
        (("--kernels", "ordinary"), (), runbook_done, signal.SIGINT),
        (("--kernels", "ordinary"), (), kernels_started, signal.SIGHUP),
    ],
    ids=["ctrl-c", "told to end", "ctrl-c ordinary", "terminal closed"],
)
def test_what_was_gathered_is_kept_and_nothing_is_left(home, options, under, moment, number):
    ended = Reporting(home, "--evidence", str(RECORDING), *options, under=under).when(moment).end(number)
    assert ended.status == 130
    assert ended.said.splitlines()[2:] == [f"cfrunbook: interrupted; what was gathered is in {ended.kept}."]
    assert ended.kept.name.endswith("-incomplete")
    assert {"evidence.json", "diagnosis.json", "summary.md"} <= {p.name for p in ended.kept.iterdir()}
    alert = json.loads(ended.alert.read_text())
    assert (alert["code"], alert["report"]) == ("port.refused", "")
    assert alert["problems"] == [f"Stopped; what was gathered is in {ended.kept}."]
    assert_nothing_is_left(ended, home)


STRUCK_AT_ITS_BIRTH = """
import asyncio, os, signal, threading
from pathlib import Path
from cfrunbook.report.kernels import Kernels
signal.signal(signal.SIGINT, lambda *_: None)
async def main():
    with Kernels(forked=False) as kernels:
        struck = False
        while not struck:
            over, manager = threading.Event(), kernels.manager()
            def strike():
                while not over.is_set():
                    os.killpg(0, signal.SIGINT)
            striking = threading.Thread(target=strike)
            striking.start()
            await manager.start_kernel(cwd=".", env=kernels.environment)
            over.set()
            striking.join()
            struck = os.getpgid(manager.provisioner.pid) == os.getpgrp()
            await manager.end()
asyncio.run(main())
print("still here")
"""


def test_a_kernel_that_ctrl_c_ends_before_it_has_a_group_does_not_take_ours_along(tmp_path):
    """Ctrl-C is for the whole group, of which a process is until it has one of its own."""
    command = [sys.executable, "-c", STRUCK_AT_ITS_BIRTH]
    ended = subprocess.run(command, cwd=tmp_path, start_new_session=True, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "still here\n"), ended.stderr


def test_what_could_not_be_written_beside_is_told_when_it_is_stopped(home):
    options = ("--evidence", str(RECORDING), "--save-evidence", "/dev/full")
    ended = Reporting(home, *options).when(runbook_done).end(signal.SIGINT)
    assert ended.status == 130
    assert ended.said.splitlines()[-1] == (
        f"cfrunbook: interrupted; what was gathered is in {ended.kept}."
        " Cannot write /dev/full: No space left on device."
    )
    assert evidence.load(ended.kept / "evidence.json").connections
    assert_nothing_is_left(ended, home)


@pytest.fixture
def refusing() -> Iterator[list[str]]:
    """The options for an origin at whose port nobody listens, nor can."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        place = f"origin.shop.example:443:127.0.0.1:{deaf.getsockname()[1]}"
        yield ["--origin", "origin.shop.example", "--connect-to", place]


def test_it_is_stopped_while_somebody_lets_it_wait_for_the_recording(home, refusing):
    """A pipe that nobody reads: what was seen is then kept where temporary files go."""
    os.mkfifo(home / "pipe")
    reporting = Reporting(home, *refusing, "--save-evidence", str(home / "pipe"))
    assert reporting.process.stdout is not None
    assert reporting.process.stdout.readline().startswith("Verdict: ")
    ended = reporting.end(signal.SIGINT)
    assert ended.status == 130
    told = ended.said.splitlines()[-1]
    assert told.startswith("cfrunbook: interrupted; what was seen is in ")
    kept = Path(told.rpartition(" is in ")[2].removesuffix("."))
    assert evidence.load(kept).connections[0].outcome == "refused"
    assert json.loads(ended.alert.read_text())["problems"] == [f"Stopped; what was seen is in {kept}."]
    assert processes_under(home) == []


def test_who_reads_what_is_printed_may_go_away(home):
    reporting = Reporting(home, "--evidence", str(RECORDING), "--format", "json")
    assert reporting.process.stdout is not None
    reporting.process.stdout.close()
    reporting.process.stdout = None
    ended = reporting.end()
    assert ended.status == 1
    assert "cfrunbook:" not in ended.said
    assert (ended.kept / "diagnosis.json").is_file()
    assert json.loads(ended.alert.read_text())["report"] == str(ended.kept)


def assert_nothing_is_left(ended: Stopped, home: Path) -> None:
    assert processes_under(home) == []
    # Jinja's compiled templates stay, for whoever comes next.
    assert [p.name for p in ended.temporary.iterdir() if not p.name.startswith("_jinja2")] == []
    assert [p.name for p in home.rglob("*.part")] == []
    assert "Traceback" not in ended.said


def test_a_look_that_is_stopped_keeps_what_was_seen(home, silent):
    listener, options = silent
    reporting = Reporting(home, *options)
    peer, _ = listener.accept()
    with peer:
        ended = reporting.end(signal.SIGINT)
    assert ended.status == 130
    assert ended.said.splitlines()[1:] == [f"cfrunbook: interrupted; what was seen until then is in {ended.kept}."]
    seen = evidence.load(ended.kept / "evidence.json")
    assert seen.stopped_after is not None
    assert [c.outcome for c in seen.connections][:1] == ["connected"]
    assert json.loads(ended.alert.read_text())["status"] == "unknown"
    assert_nothing_is_left(ended, home)


SMALL_DISK = """
mount -t tmpfs -o size="$1"k none "$2" || exit 99
out=$2; shift 2; "$@"; status=$?
cp -r "$out" "$out-after"; exit "$status"
"""


@pytest.mark.needs("unshare")
@pytest.mark.parametrize(("size", "kept"), [(16, "what was seen"), (600, "what was gathered")], ids=["soon", "later"])
def test_on_a_disk_that_is_full(home, size, kept):
    """On a file system of so many KiB; it is only seen in the process and by who copies it away."""
    (home / "out").mkdir()
    under = ("unshare", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh", str(size), str(home / "out"))
    with socket.create_server(("127.0.0.1", 0)) as freed:
        place = f"origin.shop.example:443:127.0.0.1:{freed.getsockname()[1]}"
    ended = Reporting(home, "--origin", "origin.shop.example", "--connect-to", place, under=under).end()
    assert ended.status == 2
    told = ended.said.splitlines()[-1]
    assert told.startswith(f"cfrunbook: Cannot write the report to {home}/out: No space left on device; {kept} is in ")
    at = Path(told.rpartition(" is in ")[2].rstrip("."))
    recording = at if at.is_relative_to(ended.temporary) else home / "out-after" / at.name / "evidence.json"
    assert evidence.load(recording).connections[0].outcome == "refused"
    alert = json.loads(ended.alert.read_text())
    assert (alert["code"], alert["problems"]) == ("port.refused", [told.removeprefix("cfrunbook: ")])
    assert processes_under(home) == []


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99; shift; exec "$@"'


@pytest.mark.needs("unshare")
def test_a_folder_that_is_read_only_is_refused_before_anything_is_probed(home, silent):
    (home / "out").mkdir()
    under = ("unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", str(home / "out"))
    ended = Reporting(home, *silent[1], under=under).end()
    assert (ended.status, ended.said) == (
        2,
        f"cfrunbook: --output: cannot write in the folder {home}/out: Read-only file system.\n",
    )
    assert_nothing_is_left(ended, home)


def test_what_cannot_be_written_beside_the_report_costs_only_that(home):
    (home / "out").mkdir()
    options = ("--evidence", str(RECORDING), "--save-evidence", "/dev/full", "--format", "json")
    ended = Reporting(home, *options).end()
    assert ended.status == 2
    assert ended.said.splitlines()[-1] == "cfrunbook: Cannot write /dev/full: No space left on device."
    assert (ended.kept / "diagnosis.json").is_file()
    alert = json.loads(ended.alert.read_text())
    assert (alert["report"], alert["problems"]) == (
        str(ended.kept),
        ["Cannot write /dev/full: No space left on device."],
    )
