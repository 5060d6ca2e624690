"""Pictures that one process draws for several: kept in a folder by what they show, taken by whoever shows them.

Drawing starts matplotlib and takes long, and the runbooks and the page of one report show the same. Whoever starts
these processes names the folder in the environment. Without it, and for what is not in it, each draws for itself: the
same picture, only later.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cfrunbook.files import write_whole

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.views.drawing import Picture

VARIABLE = "CFRUNBOOK_PICTURES"
"""Names the folder in the environment."""
DRAWING = "drawing"
"""This file is in the folder as long as more pictures may come, and as new as the last one."""
PATIENCE = 20.0
"""Seconds without a new picture after which whoever draws them is taken to be stuck."""
POLL_SECONDS = 0.01


def is_open() -> bool:
    """Return whether a folder is named."""
    return bool(os.environ.get(VARIABLE))


def key(kind: str, incident: Incident, observations: Observations, diagnosis: Diagnosis) -> str:
    """Return the name under which a picture is kept: the same where everything that it is drawn from is the same."""
    drawn_from = (kind, incident.at, incident.inputs, observations, diagnosis)
    return hashlib.sha256(msgspec.json.encode(drawn_from)).hexdigest()


def put(name: str, picture: Picture | None) -> None:
    """Keep a picture, or that there is none. Raises BadInput if it cannot be written."""
    folder = Path(os.environ[VARIABLE])
    write_whole(folder / name, msgspec.json.encode(picture))
    with suppress(OSError):
        os.utime(folder / DRAWING)


def more_to_come(folder: Path) -> bool:
    """Return whether somebody draws into `folder`, and is not stuck."""
    try:
        drawn_at = (folder / DRAWING).stat().st_mtime
    except OSError:
        return False
    return abs(time.time() - drawn_at) < PATIENCE  # the clock may have been set back


def take(name: str) -> Picture | None:
    """Return what was kept, once it is there. Raises LookupError where it is not, and no more pictures are to come."""
    from cfrunbook.views.drawing import Picture

    if not is_open():
        raise LookupError(name)
    folder = Path(os.environ[VARIABLE])
    while not (folder / name).exists() and more_to_come(folder):
        time.sleep(POLL_SECONDS)
    try:
        return msgspec.json.decode((folder / name).read_bytes(), type=Picture | None)
    except (OSError, msgspec.DecodeError):
        raise LookupError(name) from None
