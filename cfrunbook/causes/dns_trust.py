"""The keys of the DNS root that everybody trusts, as data.

https://data.iana.org/root-anchors/root-anchors.xml
"""

from __future__ import annotations

import msgspec

SOURCE = "https://data.iana.org/root-anchors/root-anchors.xml"


class Anchor(msgspec.Struct, frozen=True):
    """One key-signing key of the root."""

    name: str
    ds: str
    """Data of the DS record of the key, as text."""
    since: str
    """The day from which it is valid, ISO 8601."""


IANA: tuple[Anchor, ...] = (
    Anchor(
        "KSK-2017",
        "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
        "2017-02-02",
    ),
    Anchor(
        "KSK-2024",
        "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
        "2024-07-18",
    ),
)
