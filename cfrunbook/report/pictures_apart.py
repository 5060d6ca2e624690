"""Draw the pictures of a report once, in a process of their own, while the runbooks run that show them too."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from cfrunbook.report.forking import ForkServerLost
from cfrunbook.runbook import gallery

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.report.forking import ForkedProcess
    from cfrunbook.report.kernels import Kernels
    from cfrunbook.views.drawing import Picture

POLL_SECONDS = 0.02
PAGE = "page.json"
"""Holds the pictures of the page, in the folder of those of the runbooks."""

Pictures: TypeAlias = "tuple[tuple[Picture, ...], tuple[Picture, ...]]"
"""Those of the way and its stages, and those of the access logs."""


def prepare(kernels: Kernels) -> None:
    """Have a process import what drawing takes while others look; where kernels are forked, theirs has done that."""
    if kernels.server is None:
        with suppress(OSError):  # then it is started when it is needed
            kernels.drawer = _waiting(kernels)


def draw_what_is_ordered() -> None:
    """Import what drawing takes, and draw what a line of standard input says; without one nothing is wanted."""
    from cfrunbook.runbook import rehearsal

    gc.disable()  # a process that draws a dozen pictures and ends: there is nothing worth collecting
    folder = os.environ.pop(gallery.VARIABLE)  # in which it would wait for itself
    drawn(*rehearsal.nothing_seen())
    os.environ[gallery.VARIABLE] = folder
    if order := sys.stdin.buffer.readline():
        draw(*msgspec.json.decode(order, type=list[str]))


def draw(evidence: str, at: str, before: str) -> None:
    """Draw a recording, judged at a moment, compared with another (empty: as recorded, with none), into the gallery."""
    from cfrunbook.diagnosis import judge
    from cfrunbook.incident import Incident
    from cfrunbook.runbook import pictures

    gc.disable()  # as above: this one may have been forked
    incident = Incident.load(evidence=evidence, at=at or None, before=before or None)
    assert incident.observations is not None
    diagnosis = judge(incident, incident.observations)
    pictures.fill_gallery(incident, incident.observations, diagnosis)
    drawn_pictures = msgspec.json.encode(drawn(incident, incident.observations, diagnosis))
    (Path(os.environ[gallery.VARIABLE]) / PAGE).write_bytes(drawn_pictures)


def drawn(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Pictures:
    """Draw the pictures of the page here."""
    from cfrunbook.runbook import pictures

    shown = (incident, observations, diagnosis)
    return pictures.everything(*shown), pictures.of_logs(*shown)


def begin(kernels: Kernels, evidence: Path, at: str, before: str) -> Callable[[], Pictures | None]:
    """Begin to draw; call what is returned for the pictures of the page. None: they could not be drawn apart.

    The kernels take theirs as they come, and draw what they do not find once this has ended.
    """
    folder = kernels.gallery
    try:
        folder.mkdir(exist_ok=True)
        (folder / gallery.DRAWING).touch()
    except OSError:  # no room where temporary files go: everybody draws what they show
        return lambda: None
    executor = ThreadPoolExecutor(max_workers=1)
    pending: Future[None] = executor.submit(_drawn, kernels, (str(evidence.absolute()), at, before))
    executor.shutdown(wait=False)

    def result() -> Pictures | None:
        from cfrunbook.views.drawing import Picture

        pending.result()
        with suppress(OSError, msgspec.DecodeError):  # it ended before it had written all
            return msgspec.json.decode(
                (folder / PAGE).read_bytes(), type=tuple[tuple[Picture, ...], tuple[Picture, ...]]
            )
        return None

    return result


def _drawn(kernels: Kernels, arguments: tuple[str, str, str]) -> None:
    from cfrunbook.views import html

    drawing = kernels.gallery / gallery.DRAWING
    try:
        process = _started(kernels, arguments)
        drawing.touch()
        html.prepare()
        while process.poll() is None and gallery.more_to_come(kernels.gallery):
            time.sleep(POLL_SECONDS)
        process.kill()  # it is stuck, or has ended
    except (ForkServerLost, OSError):
        return
    finally:
        drawing.unlink(missing_ok=True)


def _started(kernels: Kernels, arguments: tuple[str, str, str]) -> subprocess.Popen[bytes] | ForkedProcess:
    if kernels.server is not None:
        return kernels.server.call(f"{__name__}:draw", arguments)
    process, kernels.drawer = kernels.drawer or _waiting(kernels), None
    assert process.stdin is not None
    with process.stdin as orders:
        orders.write(msgspec.json.encode(arguments) + b"\n")
    return process


def _waiting(kernels: Kernels) -> subprocess.Popen[bytes]:
    return kernels.beside([sys.executable, "-m", __name__], stdin=subprocess.PIPE)


if __name__ == "__main__":
    draw_what_is_ordered()
