"""What a viewer of the failing URL gets from a lab's edge."""

from __future__ import annotations

import http.client
from typing import Final

from cfrunbook.lab.scenario import URL, VIEWER_HOST

_PATIENCE: Final = 20.0
"""Seconds: longer than the edge itself waits for an origin."""


def status(edge: str) -> int:
    """Return the status that a viewer gets from the edge at this URL. Raises OSError and HTTPException."""
    connection = http.client.HTTPConnection(edge.removeprefix("http://"), timeout=_PATIENCE)
    try:
        connection.request("GET", URL.partition(VIEWER_HOST)[2], headers={"Host": VIEWER_HOST})
        return connection.getresponse().status
    finally:
        connection.close()
