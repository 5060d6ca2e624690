"""The names under which CloudFront asks an origin: SNI and Host, from who forwards Host and what viewers send.

CloudFront sends the viewer's Host, as SNI too, where Host is forwarded, else the Origin Domain; the certificate must
carry the one or the other:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#ssl-negotitation-failure
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cfrunbook.cloudfront.behaviors import Route
from cfrunbook.cloudfront.distribution import Distribution, Origin
from cfrunbook.cloudfront.policies import Forwarding, Policies, host_forwarding
from cfrunbook.cloudfront.targets import ServerName
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

MAX_NAMES = 12
"""Names per target: every one costs a TLS hello to every address of the origin."""


class ViewerHost(msgspec.Struct, frozen=True):
    """A host that viewers ask for."""

    name: str
    why: str
    certain: bool = True
    """False where nothing shows that viewers use it."""


def forwarded(host: str, domain: str, why: str, *, certain: bool = True) -> ServerName:
    """Return the name sent where `host` is forwarded to the origin `domain`."""
    return ServerName(sni=host, host=host, acceptable=tuple(dict.fromkeys((host, domain))), why=why, certain=certain)


def own(domain: str, why: str, *, certain: bool = True) -> ServerName:
    """Return the name sent where Host is not forwarded: the Origin Domain."""
    return ServerName(sni=domain, host=domain, acceptable=(domain,), why=why, certain=certain)


def of_routes(
    distribution: Distribution,
    policies: Policies,
    origin: Origin,
    routes: Sequence[Route],
    *,
    domain: str,
    url: ViewerUrl | None,
) -> tuple[tuple[ServerName, ...], tuple[NotExamined, ...]]:
    """Return the names that requests on `routes` bring to `origin`, the certain ones first, and what stays open.

    `domain` is the Origin Domain in canonical form.
    """
    found: dict[str, ServerName] = {}
    open_: list[NotExamined] = []
    shown = visible(origin.id, 80)
    hosts = viewer_hosts(distribution, url)

    def is_new(name: str, certain: bool) -> bool:
        return name not in found or (certain and not found[name].certain)

    for route in routes:
        forwarding = host_forwarding(route.behavior, origin, policies)
        why = f"{route.behavior.title}: {forwarding.why}"
        is_known = forwarding.value is not Forwarding.UNKNOWN
        if forwarding.configured is not Forwarding.YES and is_new(domain, is_known):
            found[domain] = own(domain, why, certain=is_known)
        if forwarding.configured is not Forwarding.NO:
            for host in hosts:
                certain = host.certain and is_known
                if is_new(host.name, certain):
                    found[host.name] = forwarded(host.name, domain, f"{why}; {host.why}", certain=certain)
            if not hosts:
                if is_new(domain, certain=False):
                    found[domain] = own(domain, f"{why}, but no viewer's host is known", certain=False)
                open_.append(
                    NotExamined(
                        what=f"the Host that viewers send to origin {shown}",
                        why="the document has neither an alternate domain name nor the distribution's own name",
                        next_check="give the failing URL, or the output of aws cloudfront get-distribution",
                    )
                )
        if not is_known:
            what = f"whether {route.behavior.title} forwards Host to origin {shown}"
            open_.append(NotExamined(what=what, why=forwarding.why, next_check=forwarding.next_check))
    names = sorted(found.values(), key=lambda name: not name.certain)
    if len(names) > MAX_NAMES:
        open_.append(
            NotExamined(
                what=f"{len(names) - MAX_NAMES} of the {len(names)} names by which origin {shown} may be asked",
                why=f"at most {MAX_NAMES} names are tried",
                next_check="give the failing URL: its host alone is then tried",
            )
        )
    return tuple(names[:MAX_NAMES]), tuple(open_)


def viewer_hosts(distribution: Distribution, url: ViewerUrl | None) -> tuple[ViewerHost, ...]:
    """Return the hosts that viewers may ask for: the URL's alone, or else all names of the distribution."""
    if url:
        return (ViewerHost(url.host, "the URL's host"),)
    return tuple(_all_hosts(distribution))


def _all_hosts(distribution: Distribution) -> Iterable[ViewerHost]:
    for alias in distribution.aliases:
        if alias.startswith("*."):
            yield ViewerHost(f"www{alias[1:]}", f"www stands here for any name under {alias}", certain=False)
        else:
            yield ViewerHost(alias, "an alternate domain name")
    if distribution.domain_name:
        is_only = not distribution.aliases
        yield ViewerHost(distribution.domain_name, "the distribution's own name, open to viewers too", certain=is_only)
