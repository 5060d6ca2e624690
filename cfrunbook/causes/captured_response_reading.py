"""A captured response with what its fields mean, and the way through the distribution that it took. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cfrunbook.causes.remedies import NO_ID
from cfrunbook.cloudfront import behaviors, error_caching, error_pages, viewer_url, x_cache
from cfrunbook.cloudfront.behaviors import Route
from cfrunbook.cloudfront.distribution import Behavior, CustomErrorResponse, Distribution
from cfrunbook.cloudfront.edge_locations import EdgeLocation, locate
from cfrunbook.cloudfront.error_pages import Reason
from cfrunbook.cloudfront.origins import kind_of
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.cloudfront.x_cache import XCache
from cfrunbook.errors import BadInput
from cfrunbook.evidence import CapturedResponse

_HOP = re.compile(r"\b[0-9a-z]{1,80}\.cloudfront\.(?:net|cn)\b", re.IGNORECASE | re.ASCII)
_REQUEST_ID = re.compile(r"[\w-]{10,100}={0,2}", re.ASCII)
_EXAMPLE_URL = "https://www.example.com/"


@dataclass(frozen=True, slots=True)
class Reading:
    """One captured response, read."""

    response: CapturedResponse
    status: int | None
    """Of the status line, else what the page itself names."""
    x_cache: XCache | None
    reason: Reason | None
    """What the sentence on CloudFront's own page says, where that is known."""
    is_own_page: bool
    """CloudFront made the page; or it made the response, by its Server field, and the page was not captured."""
    is_cloudfronts: bool
    """Something in it shows that it came through CloudFront."""
    hops: int
    """CloudFront distributions that `Via` names."""
    age: int | None
    distribution: Distribution | None
    policies: Policies
    route: Route | None
    """The way of the request; None: the distribution or the URL is not known, or they do not belong together."""
    asked: str
    """The URL that was asked for, redacted; empty where it is not known."""

    @property
    def is_error(self) -> bool:
        """True for 4xx and 5xx."""
        return (self.status or 0) >= 400

    @property
    def server(self) -> str:
        """The Server field."""
        return self.response.field("server")

    @property
    def sentence(self) -> str:
        """The sentence of reason on CloudFront's own page."""
        return self.response.page.sentence if self.response.page else ""

    @property
    def request_id(self) -> str:
        """X-Amz-Cf-Id, else the one that CloudFront's page names; empty where there is none that is well-formed."""
        page = self.response.page.request_id if self.response.page else ""
        given = self.response.field("x-amz-cf-id").rpartition(",")[2].strip() or page
        return given if _REQUEST_ID.fullmatch(given) else ""

    @property
    def whose(self) -> str:
        """Which of several distributions made the page, as an insertion; empty where there is one, or nothing tells.

        The page names the request id of the one that made it, the header that of the one next to the viewer.
        """
        page = self.response.page.request_id if self.response.page else ""
        if self.hops < 2 or not page or not self.request_id or self.age:
            return ""
        return "" if page == self.request_id else " (the inner of two distributions)"

    @property
    def pop(self) -> str:
        """The edge location's code as it stands there."""
        return self.response.field("x-amz-cf-pop").rpartition(",")[2].strip()[:40]

    @property
    def place(self) -> EdgeLocation | None:
        """Where the edge location is."""
        return locate(self.pop) if self.pop else None

    @property
    def behavior(self) -> Behavior | None:
        """The cache behavior that takes the request; the only one there is, where the URL is not known."""
        if self.route is not None:
            return self.route.behavior
        every = self.distribution.behaviors if self.distribution else ()
        return every[0] if len(every) == 1 else None

    @property
    def origin_kind(self) -> OriginKind:
        """What the origin is, where all that the request can come to are of one kind."""
        if self.distribution is None:
            return OriginKind.CUSTOM
        if (behavior := self.behavior) is None:
            found = self.distribution.origins
        else:
            found = tuple(d.origin for d in behaviors.route_of(self.distribution, behavior).destinations)
        kinds = {kind_of(origin) for origin in found}
        return kinds.pop() if len(kinds) == 1 else OriginKind.CUSTOM

    @property
    def url(self) -> str:
        """The URL for commands; an example where it is not known."""
        return self.asked or _EXAMPLE_URL

    @property
    def path(self) -> str:
        """The path for an invalidation."""
        return _parsed(self.asked).path if self.asked and _parsed(self.asked) else "/*"  # type: ignore[union-attr]

    @property
    def host(self) -> str:
        """The name that was asked for; an example where it is not known."""
        parsed = _parsed(self.url)
        return parsed.host if parsed else "www.example.com"

    @property
    def distribution_id(self) -> str:
        """The distribution's id for commands."""
        return (self.distribution.id if self.distribution else "") or NO_ID

    def custom_error(self, status: int) -> CustomErrorResponse | None:
        """Return the distribution's own error page for `status`; None where there is none, or that is not known."""
        every = self.distribution.custom_error_responses if self.distribution else ()
        return next((e for e in every if e.error_code == status and e.page), None)

    def shown_as(self, status: int) -> tuple[int, ...]:
        """Return the errors that the distribution shows to viewers as `status`."""
        every = self.distribution.custom_error_responses if self.distribution else ()
        return tuple(e.error_code for e in every if e.response_code == str(status) != str(e.error_code))


def read(response: CapturedResponse, *, distribution: Distribution | None, policies: Policies, url: str) -> Reading:
    """Return a captured response with what its fields mean; `url` is what was asked for where it does not say."""
    page = response.page
    status = response.status if response.status is not None else page.status if page else None
    says = x_cache.read(response.field("x-cache"))
    hops = len(set(_HOP.findall(response.field("via"))))
    server = response.field("server").lower()
    is_page = page is not None and page.made_by == "cloudfront"
    marks = (response.field("x-amz-cf-id"), response.field("x-amz-cf-pop"))
    asked = response.url if _parsed(response.url) else url
    return Reading(
        response=response,
        status=status,
        x_cache=says,
        reason=error_pages.reason_of(page.sentence) if page and page.sentence else None,
        is_own_page=is_page or (server == "cloudfront" and page is None and not response.body_bytes),
        is_cloudfronts=is_page or says is not None or hops > 0 or any(marks) or server == "cloudfront",
        hops=hops,
        age=error_caching.seconds_of(response.field("age")),
        distribution=distribution,
        policies=policies,
        route=_route(distribution, asked),
        asked=asked,
    )


def _parsed(url: str) -> viewer_url.ViewerUrl | None:
    try:
        return viewer_url.parse(url)
    except BadInput:
        return None


def _route(distribution: Distribution | None, url: str) -> Route | None:
    parsed = _parsed(url)
    if distribution is None or parsed is None:
        return None
    try:
        return behaviors.route(distribution, parsed)
    except BadInput:
        return None
