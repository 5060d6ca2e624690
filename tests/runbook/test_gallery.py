"""Pictures that one process draws for several: the same as each would draw, taken where they are, drawn where not."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from cfrunbook import lab
from cfrunbook.diagnosis import judge
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.runbook import gallery, pictures


@pytest.fixture(scope="module")
def seen():
    with lab.start("certificate-expired") as running:
        incident = Incident.load(lab=running.file)
        observations = observe_sync(incident)
    return incident, observations, judge(incident, observations)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(gallery.VARIABLE, str(tmp_path))
    return tmp_path


def test_what_is_kept_is_what_would_be_drawn(seen, folder, monkeypatch):
    drawn = {kind: pictures.draw(kind, *seen) for kind in ("path", "chain", "delegation")}
    assert drawn["chain"] is not None
    assert drawn["delegation"] is None
    pictures.fill_gallery(*seen)
    monkeypatch.setattr(pictures, "_drawn", lambda *_: pytest.fail("it was drawn again"))
    assert {kind: pictures.draw(kind, *seen) for kind in drawn} == drawn


def test_the_key_tells_apart_whatever_changes_a_picture(seen):
    incident, observations, diagnosis = seen
    other = msgspec.structs.replace(diagnosis.verdict, sentence="Something else.")
    keys = [
        gallery.key("chain", *seen),
        gallery.key("path", *seen),
        gallery.key("chain", incident, msgspec.structs.replace(observations, handshakes=()), diagnosis),
        gallery.key("chain", incident, observations, msgspec.structs.replace(diagnosis, verdict=other)),
    ]
    assert len(set(keys)) == len(keys)
    assert gallery.key("chain", *seen) == keys[0]


@pytest.mark.parametrize("content", [None, b"", b'{"svg": 1}'])
def test_what_is_missing_or_broken_is_drawn(seen, folder, content):
    if content is not None:
        (folder / gallery.key("path", *seen)).write_bytes(content)
    assert pictures.draw("path", *seen) == pictures.path(seen[2])


def test_without_a_folder_nothing_is_looked_for(monkeypatch):
    monkeypatch.delenv(gallery.VARIABLE, raising=False)
    with pytest.raises(LookupError):
        gallery.take("any")


def test_who_asks_early_waits_as_long_as_there_is_more_to_come(folder):
    picture = pictures.figures.Picture(svg="<svg/>", alt="a", title="t")
    (folder / gallery.DRAWING).touch()

    def draw() -> None:
        time.sleep(0.05)
        gallery.put("late", picture)
        time.sleep(0.05)
        (folder / gallery.DRAWING).unlink()

    drawing = threading.Thread(target=draw)
    drawing.start()
    assert gallery.take("late") == picture
    with pytest.raises(LookupError):
        gallery.take("never")
    drawing.join()


def test_nobody_waits_for_one_who_is_stuck(folder):
    drawing, now = folder / gallery.DRAWING, time.time()
    drawing.touch()
    for seconds in (gallery.PATIENCE, -gallery.PATIENCE):  # and where the clock is set back
        os.utime(drawing, (now - 1.1 * seconds,) * 2)
        with pytest.raises(LookupError):
            gallery.take("never")
    gallery.put("another", None)
    assert gallery.more_to_come(folder)
