"""`cfrunbook compare`: exit statuses, what is printed first, JSON, one sentence for bad input."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cfrunbook import cli, lab
from cfrunbook.findings import Comparison
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from tests.cloudfront.test_changes import OWN, config, custom, request_policy, vpc_origin


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")


def save(folder: Path, name: str, document: Any) -> str:
    (folder / name).write_text(json.dumps(document))
    return str(folder / name)


def changed(port: int = 443, **members: Any) -> dict[str, Any]:
    document = config()
    custom(document)["HTTPSPort"] = port
    return {
        "Distribution": {
            **OWN,
            "LastModifiedTime": f"2026-11-{port % 28 + 1:02}",
            "DistributionConfig": document | members,
        }
    }


@pytest.mark.parametrize(
    ("after", "options", "status", "says"),
    [
        (changed(8443), [], 1, "! 1 difference, which can cause a 502: Origins[web].CustomOriginConfig.HTTPSPort was"),
        (changed(8443), ["--url", "https://www.example.com/api/x"], 0, "are not met by requests for this URL"),
        (changed(HttpVersion="http3"), [], 0, "1 difference, none of which is known to cause a 502"),
        (changed(), [], 0, "✓ The configurations do not differ."),
        (changed(Staging=True), [], 0, "One of the two is a staging distribution, the one after"),
        (request_policy("Host"), [], 2, "the other file does not: nothing to compare."),
        ({"Resources": {}}, [], 2, "is a CloudFormation template"),
    ],
)  # fmt: skip
def test_the_exit_status_and_the_first_line_say_the_answer(tmp_path, capsys, after, options, status, says):
    before = save(tmp_path, "before.json", changed())
    assert cli.entry(["compare", before, save(tmp_path, "after.json", after), *options]) == status
    shown = capsys.readouterr()
    assert says in " ".join((shown.out + shown.err).split())
    assert "hunter2" not in shown.out
    assert (status == 2) == bool(shown.err)


def test_json_is_the_comparison_itself(tmp_path, capsys):
    files = [save(tmp_path, name, side) for name, side in (("a", changed()), ("b", changed(8443)))]
    assert cli.entry(["compare", *files, "--json"]) == 1
    found = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert found.outcome == "changed"
    assert found.before == "distribution E1EXAMPLE, modified 2026-11-24"
    assert [c.where for c in found.changes] == ["Origins[web].CustomOriginConfig.HTTPSPort"]


def test_the_younger_one_first_and_two_distributions_are_said(tmp_path, capsys):
    younger, other = changed(447), changed()
    other["Distribution"]["Id"] = "E2EXAMPLE"
    files = [save(tmp_path, name, side) for name, side in (("y", younger), ("o", changed()), ("x", other))]
    cli.entry(["compare", files[0], files[1]])
    assert "The first configuration is the younger one" in capsys.readouterr().out
    cli.entry(["compare", files[0], files[2]])
    assert "They are two distributions, E1EXAMPLE and E2EXAMPLE." in capsys.readouterr().out


def test_policies_are_compared_too(tmp_path, capsys):
    files = [save(tmp_path, str(port), vpc_origin(port)) for port in (443, 8443)]
    assert cli.entry(["compare", *files]) == 1
    assert "VpcOrigin[vo_1].VpcOriginEndpointConfig.HTTPSPort" in capsys.readouterr().out
    assert cli.entry(["compare", files[0], save(tmp_path, "p", request_policy("Host"))]) == 2
    assert "no policy with the same id" in capsys.readouterr().err


def test_recordings_are_judged_and_a_configuration_beside_one_is_compared_with_its_own(tmp_path, capsys):
    for name in ("port-refused", "healthy"):
        with lab.start(name) as running:
            incident = Incident.load(lab=running.file)
            observe_sync(incident).save(tmp_path / name)
            distribution = copy.deepcopy(running.options["distribution"])
    broken, healthy = str(tmp_path / "port-refused"), str(tmp_path / "healthy")
    assert cli.entry(["compare", broken, healthy]) == 0
    assert capsys.readouterr().out.startswith("✓ Fixed: before, ")
    assert cli.entry(["compare", healthy, broken]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("✕ Broken: no fault was found before.")
    assert "→ refused" in shown
    assert "The first recording is the younger one" in shown
    assert cli.entry(["compare", save(tmp_path, "d", distribution), healthy]) == 0
    assert "One of the two is a recording and the other a configuration" in capsys.readouterr().out
    assert cli.entry(["compare", healthy, str(tmp_path / "absent")]) == 2
    assert "After: no such file" in capsys.readouterr().err


def test_nothing_to_tell_is_exit_3(tmp_path, capsys):
    empty = {
        "kind": "cfrunbook.evidence",
        "schema": 1,
        "recorded_at": "2026-11-22T18:00:00Z",
        "inputs": {"origin": "web.example.com"},
    }
    file = save(tmp_path, "e.json", empty)
    assert cli.entry(["compare", file, file]) == 3
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("? Cannot tell what changed")
    assert "Nothing was looked at in both" in shown
    assert "Neither recording holds a configuration" in shown
