"""What a scenario is: a story, a really broken (or suspicious but healthy) origin, and the answer to be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.edge import MinimumTls
from cfrunbook.lab.servers import Http, Service

ORIGIN = "origin.shop.example"
VIEWER_HOST = "www.shop.example"
URL = f"https://{VIEWER_HOST}/cart"


class Difficulty(StrEnum):
    """How many steps it takes to find."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer: what a diagnosis must say."""

    status: Literal["fault", "ok", "unknown"]
    cause: Cause | None = None
    code: str | None = None
    """The code of the finding that names the root cause; for `ok` none."""
    cloudfront_status: int | None = None
    """What CloudFront answers instead of the page: 502 or 504; None where it answers with the page."""


HEALTHY = Expected(status="ok")


@dataclass(frozen=True, slots=True)
class Setup:
    """How a scenario is set: what the distribution says, and what each port of the origin does."""

    ports: Mapping[int, Service]
    domain: str = ORIGIN
    protocol_policy: Literal["https-only", "http-only", "match-viewer"] = "https-only"
    host_forwarded: bool = False
    """By the managed origin request policy AllViewer; else AllViewerExceptHostHeader."""
    minimum_tls: MinimumTls = "TLSv1.2"

    @property
    def protocol(self) -> Literal["https", "http"]:
        """What CloudFront speaks to the origin for `URL`."""
        return "http" if self.protocol_policy == "http-only" else "https"

    @property
    def port(self) -> int:
        """Where CloudFront connects for `URL`."""
        return 80 if self.protocol == "http" else 443

    @property
    def sni(self) -> str:
        """The name that goes to the origin, as SNI and as Host."""
        return VIEWER_HOST if self.host_forwarded else self.domain


@dataclass(frozen=True, slots=True)
class Scenario:
    """One incident to practice on, and to hold the diagnosis against."""

    name: str
    title: str
    """For a list of scenarios; it may give the answer away."""
    story: tuple[str, str]
    """What the pager and the ticket say; the answer is not in it."""
    difficulty: Difficulty
    expected: Expected
    hints: tuple[str, str, str]
    """To be opened one by one: each names the next check."""
    why_in_real_life: str
    """How people get there."""
    page: str
    """Where AWS documents it."""
    set_up: Callable[[Authority], Setup] = field(repr=False)
    """Mint what it takes and say what each port does."""


def web(secured: Service) -> dict[int, Service]:
    """Return the ports of an ordinary web server: `secured` at 443, and at 80 a redirect to https."""
    return {443: secured, 80: Http(redirect=True)}
