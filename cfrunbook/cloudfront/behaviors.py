"""From a URL to an origin: which cache behavior takes the request, and where it sends it.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html#DownloadDistValuesPathPattern
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote

import msgspec

from cfrunbook.cloudfront import viewer_url
from cfrunbook.cloudfront.distribution import Behavior, Distribution, FunctionAssociation, Origin, OriginGroup
from cfrunbook.cloudfront.function_associations import in_order
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.text import join_names, visible

Role = Literal["only", "primary", "secondary"]

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_CLOUDFRONT_NAME = re.compile(r"[a-z0-9]+\.cloudfront\.(net|cn)")


class Destination(msgspec.Struct, frozen=True):
    """An origin that a request goes to, and its place there."""

    origin: Origin
    role: Role


class Route(msgspec.Struct, frozen=True):
    """The way of a request through a distribution, up to its origin or the members of its origin group."""

    url: ViewerUrl | None
    """None: any request that the behavior takes."""
    behavior: Behavior
    group: OriginGroup | None
    destinations: tuple[Destination, ...]
    """In the order in which CloudFront tries them; empty where the behavior's target does not exist."""
    why: tuple[str, ...]
    """One sentence for each step: host, behavior, target, functions."""

    @property
    def functions(self) -> tuple[FunctionAssociation, ...]:
        """The edge functions met on the way there and back, in this order."""
        return in_order(self.behavior.functions)


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path pattern takes a path (both as written; no query).

    `*` stands for any number of characters, slashes included, `?` for exactly one; case matters; a leading slash of
    the pattern makes no difference. The path is normalized first, as CloudFront does for matching only.
    """
    return wildcard(pattern.removeprefix("/"), normalize(path).removeprefix("/"))


def normalize(path: str) -> str:
    """Return `path` as CloudFront compares it with patterns: normalized by RFC 3986, section 6.2.2.

    Unreserved characters are decoded, escapes upper-cased, dot segments removed; repeated slashes count once.
    """
    escaped = quote(path, safe="/!\"#$%&'()*+,:;<=>?@[\\]^_`{|}~-.", errors="replace")
    decoded = _ESCAPE.sub(_normal_escape, escaped)
    return re.sub("/{2,}", "/", _remove_dot_segments(decoded)) or "/"


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _remove_dot_segments(path: str) -> str:
    """Remove `.` and `..` segments (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
        if is_last and segment in (".", ".."):
            kept.append("")
    return "/".join(kept)


def wildcard(pattern: str, text: str) -> bool:
    """Match `*` and `?` in linear space and at most len(pattern) * len(text) steps, whatever the pattern."""
    p = t = 0
    star, resume = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", text[t]):
            p, t = p + 1, t + 1
        elif star >= 0:
            resume += 1
            p, t = star + 1, resume
        else:
            return False
    return not pattern[p:].strip("*")


def select(distribution: Distribution, path: str) -> Behavior:
    """Return the first behavior whose pattern takes `path`; the default one takes everything."""
    return next(b for b in distribution.behaviors if b.is_default or matches(b.path_pattern, path))


def route(distribution: Distribution, url: str | ViewerUrl) -> Route:
    """Return the way of a request for `url` through the distribution.

    Raises BadInput, naming the distribution's names, where the URL's host is none of them.
    """
    parsed = viewer_url.parse(url) if isinstance(url, str) else url
    host_why = _host(distribution, parsed)
    behavior = select(distribution, parsed.path)
    path = visible(normalize(parsed.path), 120)
    if behavior.is_default:
        others = len(distribution.behaviors) - 1
        reason = f"none of the {others} path patterns takes {path}" if others else "there is no other"
        why = f"The default cache behavior takes it: {reason}."
    else:
        before = sum(1 for b in distribution.behaviors[: distribution.behaviors.index(behavior)])
        why = f"{visible(behavior.path_pattern)} is the first path pattern that takes {path}" + (
            f" ({before} before it {'does' if before == 1 else 'do'} not)." if before else "."
        )
    if parsed.path == "/" and distribution.default_root_object:
        root = "/" + distribution.default_root_object.lstrip("/")
        if (other := select(distribution, root)) != behavior:
            why += (
                f" The default root object {visible(root, 80)} alone would go to {other.title}; AWS does not say"
                " which of the two decides."
            )
    return _route(distribution, behavior, parsed, (host_why, why))


def route_of(distribution: Distribution, behavior: Behavior) -> Route:
    """Return the way of any request that `behavior` takes."""
    return _route(distribution, behavior, None, ())


def leads_to(distribution: Distribution, origin_id: str) -> tuple[Behavior, ...]:
    """Return the behaviors whose requests may reach an origin, directly or through a group."""
    return tuple(
        behavior
        for behavior in distribution.behaviors
        if any(d.origin.id == origin_id for d in route_of(distribution, behavior).destinations)
    )


def _host(distribution: Distribution, url: ViewerUrl) -> str:
    """Return why the URL's host belongs to the distribution; raises BadInput where it does not."""
    if distribution.serves(url.host):
        name = "its own name" if url.host == distribution.domain_name else "one of its alternate domain names"
        return f"{url.host} is {name}."
    if not distribution.domain_name and _CLOUDFRONT_NAME.fullmatch(url.host):
        return f"{url.host} may be its own name: the document does not say (get-distribution does)."
    if distribution.tenant_only:
        return f"{url.host} may be a name of one of its tenants: the names of tenants are not in the document."
    names = join_names(list(distribution.names), 12) if distribution.names else "not in the document"
    raise BadInput(
        f"URL: no behavior of distribution {visible(distribution.title, 80)} serves {url.host}; its names are: {names}."
    )


def _route(distribution: Distribution, behavior: Behavior, url: ViewerUrl | None, why: tuple[str, ...]) -> Route:
    target = visible(behavior.target_origin_id, 120)
    group = None
    destinations: tuple[Destination, ...] = ()
    if origin := distribution.origin(behavior.target_origin_id):
        destinations = (Destination(origin, "only"),)
        said = f"It sends requests to origin {target}."
    elif group := distribution.group(behavior.target_origin_id):
        roles: tuple[Role, ...] = ("primary", "secondary")
        members = zip(group.members, roles, strict=False)
        found = ((distribution.origin(member), role) for member, role in members)
        destinations = tuple(Destination(origin, role) for origin, role in found if origin)
        named = [f"{visible(d.origin.id, 80)} ({d.role})" for d in destinations]
        said = f"It sends requests to origin group {target}: {join_names(named)}."
    else:
        said = f"Its target {target!r} is neither an origin nor an origin group of this distribution."
    met = tuple(f"At {f.event}, {visible(f.title, 160)} runs." for f in in_order(behavior.functions))
    return Route(url, behavior, group, destinations, (*why, said, *met))
