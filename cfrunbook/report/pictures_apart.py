"""Draw the pictures of the page in a process of its own, while the runbooks run."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from cfrunbook.report.forking import ForkServerLost

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.report.forking import ForkServer
    from cfrunbook.report.kernels import Kernels
    from cfrunbook.views.figures import Picture

POLL_SECONDS = 0.02

Pictures: TypeAlias = "tuple[tuple[Picture, ...], tuple[Picture, ...]]"
"""Those of the way and its stages, and those of the access logs."""


def draw(evidence: str, at: str, output: str) -> None:
    """Write the pictures of a recording, judged at a moment (empty: as recorded), to the file `output`."""
    from cfrunbook.diagnosis import judge
    from cfrunbook.incident import Incident

    incident = Incident.load(evidence=evidence, at=at or None)
    assert incident.observations is not None
    pictures = drawn(incident, incident.observations, judge(incident, incident.observations))
    Path(output).write_bytes(msgspec.json.encode(pictures))


def drawn(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Pictures:
    """Draw the pictures here."""
    from cfrunbook.runbook import pictures

    return pictures.everything(incident, observations, diagnosis), pictures.of_logs(observations)


def begin(kernels: Kernels, evidence: Path, at: str) -> Callable[[], Pictures | None]:
    """Begin to draw; call what is returned for the pictures. None: they could not be drawn apart."""
    if kernels.server is None:
        return lambda: None
    output = kernels.folder / "pictures.json"
    executor = ThreadPoolExecutor(max_workers=1)
    pending: Future[None] = executor.submit(_drawn, kernels.server, (str(evidence.absolute()), at, str(output)))
    executor.shutdown(wait=False)

    def result() -> Pictures | None:
        from cfrunbook.views.figures import Picture

        pending.result()
        with suppress(OSError, msgspec.DecodeError):  # it ended before it had written all
            return msgspec.json.decode(output.read_bytes(), type=tuple[tuple[Picture, ...], tuple[Picture, ...]])
        return None

    return result


def _drawn(server: ForkServer, arguments: tuple[str, str, str]) -> None:
    from cfrunbook.views import html

    html.prepare()  # the server may still be importing
    with suppress(ForkServerLost):
        process = server.call(f"{__name__}:draw", arguments)
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
