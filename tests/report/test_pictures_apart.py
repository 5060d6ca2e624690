"""Pictures drawn in a process of their own: what becomes of a report where that process is stuck."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cfrunbook.diagnosis import judge
from cfrunbook.incident import Incident
from cfrunbook.report import Kernels, pictures_apart
from cfrunbook.runbook import gallery


def test_a_process_that_is_stuck_is_ended_and_holds_up_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PATIENCE", 0.2)
    started = []

    def stuck(kernels, _arguments):
        started.append(kernels.beside([sys.executable, "-c", "import time; time.sleep(600)"]))
        return started[0]

    monkeypatch.setattr(pictures_apart, "_started", stuck)
    with Kernels(forked=False) as kernels:
        pictures = pictures_apart.begin(kernels, tmp_path / "evidence.json", "", "")
        monkeypatch.setenv(gallery.VARIABLE, str(kernels.gallery))
        with pytest.raises(LookupError):
            gallery.take("never")
        assert pictures() is None
        assert started[0].wait() < 0
        assert not gallery.more_to_come(kernels.gallery)


def test_without_room_for_pictures_everybody_draws_their_own(tmp_path):
    with Kernels(forked=False) as kernels:
        kernels.gallery.write_text("a file in its place")
        assert pictures_apart.begin(kernels, tmp_path / "evidence.json", "", "")() is None


def test_what_was_prepared_draws_what_it_is_told_then(tmp_path):
    recording = Path(__file__).parent.parent / "data" / "port-refused.evidence.json"
    with Kernels(forked=False) as kernels:
        pictures_apart.prepare(kernels)
        prepared = kernels.drawer
        drawn = pictures_apart.begin(kernels, recording, "", "")()
        assert prepared is not None
        assert prepared.wait() == 0
        assert kernels.drawer is None, "it draws once"
    incident = Incident.load(evidence=recording)
    assert incident.observations is not None
    here = pictures_apart.drawn(incident, incident.observations, judge(incident, incident.observations))
    assert drawn == here
    assert here[0]


def test_what_was_prepared_in_vain_ends_with_the_kernels():
    with Kernels(forked=False) as kernels:
        pictures_apart.prepare(kernels)
        prepared = kernels.drawer
        assert prepared is not None
    assert prepared.returncode is not None
