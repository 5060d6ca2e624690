"""How long CloudFront keeps an error in its cache, and what makes it ask the origin again.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from cfrunbook.cloudfront.distribution import Behavior, Distribution
from cfrunbook.cloudfront.forwarding import query_in_cache_key
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.text import join_names, visible

DEFAULT_MIN_TTL = 10
"""Seconds, where ErrorCachingMinTTL is not set. `no-store`, `no-cache` and `private` on a 5xx do not shorten it."""
CACHED = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
"""Errors that CloudFront caches and for which a custom error page can be set; 503 for its own limits is not one."""
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""The managed cache policy with which nothing is cached, errors neither."""

_MAX_AGE = re.compile(r"(?:^|[,\s])(s-maxage|max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class MinTtl:
    """For how many seconds an error is cached at least, and how we know."""

    seconds: int
    why: str
    """A clause: `ErrorCachingMinTTL of this distribution for 502`."""
    known: bool
    """False: supposed, since nobody gave the distribution."""


def min_ttl(status: int, distribution: Distribution | None) -> MinTtl:
    """Return for how long CloudFront caches an error of this status at least."""
    if distribution is None:
        return MinTtl(DEFAULT_MIN_TTL, "the default, since no distribution was given", known=False)
    for error in distribution.custom_error_responses:
        if error.error_code == status and error.caching_min_ttl is not None:
            return MinTtl(error.caching_min_ttl, f"ErrorCachingMinTTL of this distribution for {status}", known=True)
    return MinTtl(DEFAULT_MIN_TTL, f"the default: this distribution sets none for {status}", known=True)


def max_age(cache_control: str) -> int | None:
    """Return the seconds that a Cache-Control field allows CloudFront to keep something; None where it does not say."""
    found = {name.lower(): int(seconds) for name, seconds in _MAX_AGE.findall(cache_control[:1024])}
    return found.get("s-maxage", found.get("max-age"))


@dataclass(frozen=True, slots=True)
class Bypass:
    """Whether another query string is another object in the cache, and how we know."""

    query: str
    """One that is: `cfrunbook=1`; empty: none is, or that is not known."""
    why: str
    """A sentence."""
    next_check: str = ""
    """Where it is not known: the command that settles it."""


def bypass(behavior: Behavior | None, policies: Policies) -> Bypass:
    """Return how to get past the cache with a query string, for requests that `behavior` takes."""
    if behavior is None:
        return Bypass(
            "",
            "Another query string gets past the cache only if query strings are in the cache key; without the"
            " distribution and the URL that is not known.",
            "Give the distribution and the failing URL.",
        )
    policy = policies.cache.get(behavior.cache_policy_id)
    name = visible(policy.name if policy else behavior.cache_policy_id, 80)
    title = f"Cache policy {name}" if behavior.cache_policy_id else "The cache behavior (legacy settings)"
    selection = query_in_cache_key(behavior, policies)
    if selection is None:
        return Bypass(
            "",
            f"Whether {name} has query strings in the cache key is not known here.",
            f"aws cloudfront get-cache-policy --id {visible(behavior.cache_policy_id, 60)} > policy.json, then give it"
            " as policies.",
        )
    if selection.mode in ("all", "allExcept"):
        query = "cfrunbook=1" if "cfrunbook" not in selection.names else "cfrunbook-again=1"
        return Bypass(query, f"{title} has the query string in the cache key, so a new one gets past the cache.")
    if selection.mode == "whitelist" and selection.names:
        names = sorted(selection.names)
        why = f"{title} has only {join_names(names)} in the cache key: a new value of those gets past the cache."
        return Bypass(f"{names[0]}=cfrunbook-1", why)
    return Bypass("", f"{title} leaves query strings out of the cache key: another one gets the same cached answer.")


def moment_of(field: str) -> dt.datetime | None:
    """Return the moment in a `Date` field; None where it is none."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(field[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def seconds_of(age: str) -> int | None:
    """Return the seconds in an `Age` field; None where it is no number."""
    text = age.rpartition(",")[2].strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
