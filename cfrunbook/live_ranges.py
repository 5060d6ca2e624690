"""AWS's ip-ranges.json as it is now: fetched where that was asked for, and otherwise never.

https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.firewall import address_ranges
from cfrunbook.firewall.published import LATEST, SOURCE

if TYPE_CHECKING:
    from cfrunbook.evidence import AddressRanges
    from cfrunbook.findings import NotExamined
    from cfrunbook.probes.relocation import Relocations
    from cfrunbook.x509.roots import TrustStore

LIVE = "live"
"""The word for AWS's own URL."""
MAX_BYTES = 16 * 1024 * 1024
"""AWS's file has about 2.5 MB."""
DEADLINE = 10.0
"""Seconds for the whole file, where nothing else says so."""


def url_of(given: Any) -> str:
    """Return the URL that a value of `--address-ranges` means; empty where it is a file or a value.

    Raises BadInput, in one sentence, for a URL other than https.
    """
    if not isinstance(given, str) or (given != LIVE and "://" not in given[:12]):
        return ""
    from cfrunbook.probes import download

    return SOURCE if given == LIVE else str(download.parse(given, "Address ranges"))


async def fetch(
    url: str, *, roots: TrustStore, deadline: float, at: dt.datetime, relocations: Relocations | None = None
) -> AddressRanges | str:
    """Return CloudFront's ranges from the ip-ranges.json at `url`; as a clause why it did not come, if it did not.

    `roots` count beside Mozilla's: they may be those of an origin, or of a mirror of one's own. `at` (aware) is noted
    as the moment of the fetch. Never raises for what the other side does.
    """
    import msgspec

    from cfrunbook.probes import download
    from cfrunbook.x509.roots import mozilla

    trusted = mozilla().pem + (b"" if roots.is_mozilla else roots.pem)
    location = download.parse(url, "Address ranges")
    try:
        content = await download.fetch(
            location,
            deadline=deadline,
            limit=MAX_BYTES,
            trust_pem=trusted,
            relocations=relocations,
        )
        ranges = address_ranges.read(content)
    except download.DownloadFailed as error:
        return str(error)
    except BadInput as error:
        return str(error).removeprefix("Address ranges: ").partition(";")[0].rstrip(".")
    if address_ranges.newest(ranges) is not ranges:
        return f"what is there is {address_ranges.describe(ranges, at)}"
    return msgspec.structs.replace(ranges, source=f"{url}, fetched {at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC")


def not_fetched(url: str, why: str, instead: AddressRanges | None, at: dt.datetime) -> NotExamined:
    """Return what is said where the file did not come, and which list counts `instead` (None: our own)."""
    from cfrunbook.findings import NotExamined

    return NotExamined(
        what=f"AWS's list of addresses as it is now ({url})",
        why=f"{why}; {address_ranges.describe(instead or LATEST, at)}, counts instead",
        next_check=f"Fetch it where that is possible, with curl -sO {url}, and give the file with --address-ranges.",
    )
