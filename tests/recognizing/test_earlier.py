"""Two configurations of one distribution, or two looks at it: the older one is how it was before, where that shows."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.incident import Incident
from cfrunbook.recognizing import recognize
from tests.recognizing.samples import ID, OTHER_ID, URL, distribution


def at(day: int) -> str:
    return f"2026-11-{day:02}T03:12:05Z"


def configuration(day: int = 0, **more: Any) -> bytes:
    """Return what get-distribution prints, last modified on that day of November; 0: it does not say when."""
    document = distribution(**more)
    if day:
        document["Distribution"]["LastModifiedTime"] = at(day)
    return json.dumps(document).encode()


NOW, THEN = {"origin": "new.example.com"}, {"origin": "shop.example.com"}


def bare(content: bytes) -> bytes:
    """Return what get-distribution-config prints."""
    return json.dumps(json.loads(content)["Distribution"]["DistributionConfig"]).encode()


def recording(day: int, *, vantage: str = "bastion", **given: Any) -> bytes:
    incident = Incident.load(**(given or {"distribution": json.loads(configuration(**THEN))}))
    moment = dt.datetime.fromisoformat(at(day))
    return Observations(recorded_at=moment, vantage=vantage, inputs=incident.inputs).to_json()


@pytest.mark.parametrize(
    ("files", "before", "why"),
    [
        ({"a.json": configuration(22, **NOW), "b.json": configuration(20, **THEN)}, "b.json",
         "it is of 2026-11-20 03:12:05 UTC, and the other one of 2026-11-22 03:12:05 UTC"),
        ({"before.json": configuration(22, **NOW), "now.json": configuration(20, **THEN)}, "now.json", "it is of"),
        ({"dist.json": configuration(**NOW), "dist.json.bak": configuration(**THEN)}, "dist.json.bak",
         "the name dist.json.bak says so"),
        ({"dist-new.json": configuration(20, **NOW), "dist.json": bare(configuration(**THEN))}, "dist.json",
         "the name dist-new.json says so"),
        ({"2026-11-20.json": configuration(**THEN), "2026-11-22.json": configuration(**NOW)}, "2026-11-20.json",
         "its name has the earlier date"),
        ({"a.json": configuration(22, **NOW), "b.json": recording(20)}, "b.json", "it is of 2026-11-20"),
        ({"a.json": configuration(22, **NOW), "b.json": recording(20, origin="new.example.com")}, "b.json", "it is of"),
    ],
)  # fmt: skip
def test_the_older_one_is_how_it_was_before(files: dict[str, bytes], before: str, why: str, tmp_path: Path):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for given in ([tmp_path], [tmp_path / name for name in reversed(files)]):
        found = recognize(given)
        (now,) = files.keys() - {before}
        assert found.conflicts == ()
        assert (found.inputs["distribution"], found.inputs["before"]) == (tmp_path / now, tmp_path / before)
        said = next(item for item in found.items if item.input == "before")
        assert f"taken for how it was before, because {why}" in said.notes[0]
        incident = Incident.load(anything=given)
        assert incident.inputs.before is not None or incident.before is not None


def test_the_times_of_files_tell_where_nothing_else_does(tmp_path: Path):
    then, now = tmp_path / "a.json", tmp_path / "b.json"
    then.write_bytes(configuration(**THEN))
    now.write_bytes(configuration(**NOW))
    said = recognize([tmp_path]).conflicts[0]
    assert said.startswith("There are 2 configurations of one distribution")
    assert "--before" in said
    os.utime(then, (1, 1))
    assert recognize([tmp_path]).inputs["before"] == then


def test_what_cannot_be_told_is_a_sentence():
    pasted = [configuration(**NOW).decode(), configuration(**THEN).decode()]
    with pytest.raises(BadInput, match=r"^Anything: There are 2 configurations .* --distribution, .* --before\.$"):
        Incident.load(anything=pasted)
    three = [configuration(day, origin=f"o{day}.example.com") for day in (20, 21, 22)]
    assert "There are 3 configurations" in recognize(three).conflicts[0]
    others = [configuration(20), configuration(22, identity=OTHER_ID)]
    assert "There are 2 distributions" in recognize(others).conflicts[0], "two ids are two distributions"


@pytest.mark.parametrize(
    "when",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "then", "", 7, None, ["2026-11-20T03:12:05Z"], {}],
)
def test_a_time_that_is_none_tells_nothing(when: Any):
    document = distribution(**THEN)
    document["Distribution"]["LastModifiedTime"] = when
    found = recognize([json.dumps(document), configuration(22, **NOW)])
    assert found.conflicts[0].startswith("There are 2 configurations of one distribution")


def test_copies_of_one_configuration_are_one():
    whole = configuration(22)
    found = recognize([bare(whole), whole, json.dumps(json.loads(whole), indent=4, sort_keys=True), ID])
    assert (found.conflicts, found.inputs) == ((), {"distribution": whole})
    assert sum("says the same as" in note for item in found.items for note in item.notes) == 2


def test_the_url_chooses_the_distribution_then_time_its_configuration():
    other = configuration(22, identity=OTHER_ID, alias="www.example.org")
    then, now = configuration(20, **THEN), configuration(21, **NOW)
    found = recognize([then, other, now, URL])
    assert (found.conflicts, found.inputs["distribution"], found.inputs["before"]) == ((), now, then)


def test_of_two_looks_from_one_place_the_older_one_is_before(tmp_path: Path):
    for name, content in {"a": recording(20), "b": recording(22), "c": recording(21, vantage="laptop")}.items():
        (tmp_path / name).write_bytes(content)
    found = recognize([tmp_path / "b", tmp_path / "a"])
    assert (found.inputs["evidence"], found.inputs["before"]) == (tmp_path / "b", tmp_path / "a")
    assert Incident.load(anything=[tmp_path / "b", tmp_path / "a"]).before is not None
    apart = recognize([tmp_path / "b", tmp_path / "c"])
    assert apart.inputs == {"evidence": tmp_path / "b"}, "from another place it may look otherwise without a change"


def test_a_recording_of_the_configuration_as_it_is_is_judged(tmp_path: Path):
    (tmp_path / "r").write_bytes(recording(22))
    (tmp_path / "d").write_bytes(configuration(20, **THEN))
    found = recognize([tmp_path / "r", tmp_path / "d"])
    assert found.inputs == {"evidence": tmp_path / "r", "distribution": tmp_path / "d"}


def test_what_is_given_by_name_wins(tmp_path: Path):
    then, now = configuration(20, **THEN), configuration(22, **NOW)
    incident = Incident.load(anything=[now, then], before=json.loads(now))
    assert incident.inputs.before is not None
    assert incident.inputs.before.outcome == "same"
    assert any("--before was given" in note for item in incident.inputs.recognized for note in item.notes)
