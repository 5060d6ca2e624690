"""`cfrunbook watch`: one line for each look, what changed, and the exit status of the last."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.commands.past import Past
from cfrunbook.commands.watch import watch
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.findings import Diagnosis
from cfrunbook.lab.scenario import VIEWER_HOST
from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import reading
from tests import captures
from tests.captures import classic, curl
from tests.logs.made import failed, standard
from tests.test_cli import run


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Diagnosis, Diagnosis]]:
    """A diagnosis before a scenario was mended, and one after."""
    with lab.start("port-refused") as running:
        before = cf.diagnose_sync(cf.Incident.load(lab=running.file))
        running.mend()
        yield before, cf.diagnose_sync(cf.Incident.load(lab=running.file))


def looks(*results: Diagnosis | BaseException) -> Callable[[], Diagnosis]:
    left = iter(results)

    def diagnose() -> Diagnosis:
        found = next(left)
        if isinstance(found, BaseException):
            raise found
        return found

    return diagnose


def test_it_ends_when_the_verdict_flips(both: tuple[Diagnosis, Diagnosis]) -> None:
    broken, mended = both
    lines: list[str] = []
    pauses: list[float] = []
    status = watch(looks(broken, broken, mended), lines.append, until="ok", every=3, pause=pauses.append)
    assert (status, pauses) == (0, [3, 3])
    first, second, last = lines
    assert broken.verdict.sentence in first
    assert second.endswith("fault   as before")
    assert f"ok      CHANGED from fault: {mended.verdict.sentence}" in last
    assert last.endswith("[gone: cloudfront.logged_could_not_connect, port.refused]")


def test_it_ends_after_so_many_looks_with_the_status_of_the_last(both: tuple[Diagnosis, Diagnosis]) -> None:
    broken, mended = both
    for results, status in (((mended, broken), 1), ((broken, mended), 0)):
        assert watch(looks(*results), lambda _: None, count=2, pause=lambda _: None) == status


def test_ctrl_c_is_a_clean_end(both: tuple[Diagnosis, Diagnosis]) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    assert watch(looks(both[0]), lambda _: None, pause=interrupt) == 1
    with pytest.raises(KeyboardInterrupt):  # nothing was seen yet
        watch(looks(KeyboardInterrupt()), lambda _: None)


def test_a_look_that_cannot_be_made_is_said_and_passed_over(both: tuple[Diagnosis, Diagnosis]) -> None:
    lines: list[str] = []
    diagnose = looks(both[0], BadInput("Lab: no such file."), both[1])
    assert watch(diagnose, lines.append, count=3, pause=lambda _: None) == 0
    assert lines[1].endswith("error   CHANGED from fault: Lab: no such file.")
    with pytest.raises(BadInput):
        watch(looks(BadInput("Lab: no such file.")), lines.append)
    assert watch(looks(both[0], BadInput("gone")), lines.append, count=2, pause=lambda _: None) == 2


# --- what CloudFront said before it began -------------------------------------------------------------------------

Seen = tuple[cf.Incident, Observations]


@pytest.fixture(scope="module")
def seen() -> Iterator[tuple[Seen, Seen]]:
    """What is seen of a broken origin, and of the same one mended, as if it were no lab's."""

    def look(file: Path) -> Seen:
        incident = cf.Incident.load(lab=file)
        observations = cf.observe_sync(incident)
        none = msgspec.structs.replace(incident.inputs, lab="", responses=(), logs=None)
        inputs = msgspec.structs.replace(observations.inputs, lab="", responses=(), logs=None)
        return (
            msgspec.structs.replace(incident, inputs=none),
            msgspec.structs.replace(observations, inputs=inputs),
        )

    with lab.start("port-refused") as running:
        before = look(running.file)
        running.mend()
        yield before, look(running.file)


DENIED = curl(502, classic(502, captures.DNS_SENTENCE))
COULD_NOT = curl(502, classic())
WELL = curl(200, "x", x_cache="Miss", Via=f"1.1 a.cloudfront.net (x), {captures.VIA}")


def logged() -> LogSummary:
    """Return what logs of the last ten minutes say."""
    ats = [dt.datetime.now(dt.UTC) - dt.timedelta(minutes=n) for n in range(10, 0, -1)]
    columns = [{"host": VIEWER_HOST, "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}"} for at in ats]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "log").write_bytes(standard(failed(0, "OriginDnsError", **more) for more in columns))
        return reading.read([folder])


LOGGED = logged()
LATER = msgspec.structs.replace(LOGGED, last_request=(LOGGED.last_request or 0) + 600)
AGAIN = msgspec.structs.replace(LATER, last_error=LATER.last_request)

# What is given at each look, whether the origin is broken then, and the verdicts.
FOLLOWED = {
    "a response that is seen here too": [
        (COULD_NOT, True, "fault"), (COULD_NOT, True, "fault"), (COULD_NOT, False, "ok"), (COULD_NOT, True, "fault"),
    ],
    "a response that is not": [(DENIED, False, "fault"), (DENIED, False, "unknown"), (WELL, False, "ok"), (WELL, False, "ok")],
    "one that breaks meanwhile": [(DENIED, False, "fault"), (DENIED, True, "fault"), (DENIED, False, "unknown")],
    "a response that is well": [(WELL, True, "fault"), (WELL, False, "ok")],
    "another fault meanwhile": [(COULD_NOT, True, "fault"), (COULD_NOT, False, "ok"), (DENIED, False, "fault")],
    "logs": [
        (LOGGED, True, "fault"), (LOGGED, False, "unknown"), (LATER, False, "ok"), (AGAIN, False, "fault"),
        (AGAIN, False, "unknown"),
    ],
    "nothing": [("", True, "fault"), ("", False, "ok")],
}  # fmt: skip


@pytest.mark.parametrize("steps", FOLLOWED.values(), ids=FOLLOWED)
def test_what_cloudfront_said_before_is_no_fault_for_ever(seen: tuple[Seen, Seen], steps: list[Any]) -> None:
    past = Past()
    told = []
    for given, is_broken, _ in steps:
        incident, observations = seen[not is_broken]
        response = cf.Incident.load(response=[given]).inputs.responses if isinstance(given, str) and given else ()
        logs = given if isinstance(given, LogSummary) else None
        inputs = msgspec.structs.replace(incident.inputs, responses=response, logs=logs)
        incident = msgspec.structs.replace(incident, inputs=inputs)
        told.append(past.settle(incident, observations, cf.judge(incident, observations)).verdict)
    assert [verdict.status for verdict in told] == [status for _, _, status in steps]
    assert bool(past.note) == bool(steps[0][0])
    for before, verdict in itertools.pairwise(told):
        assert verdict.status != "unknown" or verdict.next_check
        if (before.status, verdict.status) == ("fault", "ok") and steps[0][0] in (COULD_NOT, LOGGED):
            assert verdict.sentence.startswith("Mended since, as far as this shows")


def test_that_it_is_of_before_is_said_once(seen: tuple[Seen, Seen], both: tuple[Diagnosis, Diagnosis]) -> None:
    lines: list[str] = []
    watch(looks(*both, *both), lines.append, count=3, pause=lambda _: None, note=lambda: "It is of before.")
    assert [line.partition("Z  ")[2][:24] for line in lines[1:2]] == ["note    It is of before."]
    assert sum("of before" in line for line in lines) == 1


def test_json_lines(both: tuple[Diagnosis, Diagnosis]) -> None:
    lines: list[str] = []
    watch(looks(*both), lines.append, count=2, as_json=True, pause=lambda _: None)
    first, last = map(json.loads, lines)
    assert (first["look"], first["changed"], first["new"], first["gone"]) == (1, False, [], [])
    assert (last["look"], last["changed"], last["status"]) == (2, True, "ok")
    assert [one["code"] for one in last["gone"]] == ["cloudfront.logged_could_not_connect", "port.refused"]
    assert first["verdict"]["code"] == "port.refused"


def test_from_the_command_line() -> None:
    done = run("lab", "run", "port-refused", "--", "cfrunbook", "watch", "--count", "2", "--every", "0.5")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert "CloudFront answers 502" in first
    assert second.endswith("as before")


@pytest.mark.parametrize("option", [["--every", "0"], ["--every", "x"], ["--count", "0"], ["--until", "never"]])
def test_bad_options_are_one_sentence(option: list[str]) -> None:
    done = run("watch", "--origin", "origin.shop.example", *option)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
