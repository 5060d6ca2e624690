"""`cfrunbook watch`: one line for each look, what changed, and the exit status of the last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.commands.watch import watch
from cfrunbook.diagnosis import Diagnosis
from cfrunbook.errors import BadInput
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
