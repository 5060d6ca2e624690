"""The plan of an examination: which ports of which origins CloudFront would connect to, under which names, and why.

Pure: a distribution or an origin's name in, targets out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

import msgspec

from cfrunbook import hostname
from cfrunbook.cloudfront import behaviors, origins, server_names
from cfrunbook.cloudfront.behaviors import Role, Route
from cfrunbook.cloudfront.distribution import Distribution, Origin
from cfrunbook.cloudfront.function_associations import reach
from cfrunbook.cloudfront.origins import Protocol
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import OriginKind, ServerName, Target, TlsMinimum
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.findings import NotExamined
from cfrunbook.text import join_names, visible

MAX_TARGETS = 50

_TLS_VERSIONS: tuple[TlsMinimum, ...] = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")
_ORIGIN_ARGUMENT = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>[^/]*?)(?::(?P<port>[^:/\]]*))?/?", re.IGNORECASE)


class Stop(msgspec.Struct, frozen=True):
    """One target of the plan, and the routes of requests that come there."""

    target: Target
    origin: Origin | None
    """None: no distribution was given."""
    routes: tuple[Route, ...]


class Plan(msgspec.Struct, frozen=True):
    """What is to be examined, and what is not."""

    stops: tuple[Stop, ...]
    not_examined: tuple[NotExamined, ...] = ()
    routes: tuple[Route, ...] = ()
    """The URL's route, or one for each behavior that counts; a route may lead nowhere."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets, in the order in which CloudFront comes to them."""
        return tuple(stop.target for stop in self.stops)

    def stop(self, target_id: str) -> Stop | None:
        """Return the stop of a target, or None."""
        return next((stop for stop in self.stops if stop.target.id == target_id), None)


def of_distribution(
    distribution: Distribution,
    policies: Policies,
    *,
    url: ViewerUrl | None = None,
    origin: str = "",
    host: str = "",
) -> Plan:
    """Return the plan for the URL's behavior, for one origin (by id or Origin Domain), or for every behavior's origins.

    `host` is the Host header that reaches the origin, where it is known better than the configuration tells. Raises
    BadInput for a URL that no behavior serves and for an origin that is not there.
    """
    chosen = _chosen(distribution, origin) if origin else None
    routes = _routes(distribution, url, chosen)
    planner = _Planner(distribution, policies, url, hostname.to_ascii(host, "Host") if host else "")
    met = _met(routes, chosen)
    for found, role, ways in met[:MAX_TARGETS]:  # each makes at least one target
        planner.visit(found, role, ways)
    stops = planner.stops[:MAX_TARGETS]
    left_out = [
        *(n for stop in stops for n in _not_probed(stop.target)),
        *planner.left_out,
        *_functions(routes),
        *_origins_left_out(distribution, {origin.id for origin, _, _ in met}, url),
    ]
    rest = len(met) - len({stop.target.origin_id for stop in stops})
    if rest or len(stops) < len(planner.stops):
        left_out.append(
            NotExamined(
                what=f"{rest} of {len(met)} origins, and ports beyond the first {MAX_TARGETS}",
                why=f"at most {MAX_TARGETS} targets are examined at once",
                next_check="give the failing URL, or one origin",
            )
        )
    return Plan(tuple(stops), tuple(dict.fromkeys(left_out)), routes)


def of_origin(origin: str, *, host: str = "", url: ViewerUrl | None = None) -> Plan:
    """Return the plan for `NAME[:PORT]`, without a distribution: https, unless the port is 80 or it starts http://.

    Raises BadInput where it is no host name or the port is no port.
    """
    given = origin.strip()
    match = _ORIGIN_ARGUMENT.fullmatch(given)
    if match is None:
        raise BadInput(f"Origin: '{visible(given, 120)}' is not NAME or NAME:PORT{_instead(given)}.")
    is_address = hostname.problem(given) is hostname.NameProblem.IP_ADDRESS
    domain = hostname.to_ascii(given if is_address else match["host"], "Origin")
    port = _port(match["port"], given) if match["port"] is not None else 0
    scheme = (match["scheme"] or "").lower() or ("http" if port == 80 else "https")
    protocol: Protocol = "http" if scheme == "http" else "https"
    port = port or (80 if protocol == "http" else 443)
    kind = origins.kind_of_name(domain)
    target = Target(
        id=f"{domain}:{port}",
        origin_id=domain,
        domain=domain,
        port=port,
        protocol=protocol,
        kind=kind,
        names=_names_without_distribution(domain, host, url),
        path=url.path if url else "/",
        why=f"You asked for {domain}, port {port}, by {protocol}.",
        not_probed=origins.KINDS[kind].not_probed,
    )
    left_out = NotExamined(
        what="the distribution: its behaviors, its functions, whether Host is forwarded",
        why="no distribution was given",
        next_check="aws cloudfront get-distribution --id ... > distribution.json; give it with the failing URL",
    )
    return Plan((Stop(target, None, ()),), (left_out, *_not_probed(target)))


def of_functions(
    why: str = "neither a distribution nor an origin was given, only an edge function",
    next_check: str = "Give the distribution and the failing URL too, or the origin.",
) -> Plan:
    """Return the plan where only an edge function is to be judged: no origin is examined, and why."""
    return Plan((), (NotExamined(what="the origin", why=why, next_check=next_check),))


def _instead(given: str) -> str:
    """Return what to give in the place of a string that is no origin."""
    scheme, mark, rest = given.partition("://")
    if mark and scheme.lower() not in ("http", "https"):
        return ": only http:// and https:// may stand before it"
    if "/" in (rest if mark else given):
        return ": leave out the path; the URL that fails goes to --url"
    return ""


def of_direct_evidence(given: str) -> Plan:
    """Return the plan where only what CloudFront itself said is to be judged: no origin is examined.

    `given` says what that is, for people.
    """
    left_out = NotExamined(
        what="the origin",
        why=f"neither a distribution nor an origin was given, only {given}",
        next_check="Give the distribution and the failing URL too, or the origin.",
    )
    return Plan((), (left_out,))


def of_nothing() -> Plan:
    """Return the plan where nothing that was given says what to examine: what is missing is told."""
    left_out = NotExamined(
        what="the origin",
        why="neither a distribution nor an origin was given",
        next_check="Give the distribution and the failing URL, or the origin.",
    )
    return Plan((), (left_out,))


def _names_without_distribution(domain: str, host: str, url: ViewerUrl | None) -> tuple[ServerName, ...]:
    if host:
        return (server_names.forwarded(hostname.to_ascii(host, "Host"), domain, _SAID),)
    if url and url.host != domain:
        why = "without the distribution it is not known whether Host is forwarded"
        return (
            server_names.own(domain, f"{why}; if not", certain=False),
            server_names.forwarded(url.host, domain, f"{why}; if so, the URL's host", certain=False),
        )
    return (server_names.own(domain, "no Host was given, and by default CloudFront sends the Origin Domain"),)


_SAID = "you said that CloudFront sends this Host"


def _port(text: str, origin: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535:
        return int(text)
    raise BadInput(f"Origin: '{visible(origin, 120)}' has the port '{visible(text, 20)}'; a port is from 1 to 65535.")


def _chosen(distribution: Distribution, given: str) -> Origin:
    """Return the origin with this id or Origin Domain."""
    if found := distribution.origin(given):
        return found
    wanted = given.strip().lower().removesuffix(".")
    same = [o for o in distribution.origins if wanted and o.domain_name.lower().removesuffix(".") == wanted]
    if len(same) == 1:
        return same[0]
    ids = join_names([f"{o.id} ({o.domain_name})" for o in same or distribution.origins], 12)
    problem = "more than one origin has the domain" if same else "no origin has the id or domain"
    title = visible(distribution.title, 80)
    raise BadInput(f"Origin: in distribution {title} {problem} '{visible(given, 120)}'; its origins are: {ids}.")


def _routes(distribution: Distribution, url: ViewerUrl | None, chosen: Origin | None) -> tuple[Route, ...]:
    if url:
        route = behaviors.route(distribution, url)
        if chosen is None or any(d.origin == chosen for d in route.destinations):
            return (route,)
    found = behaviors.leads_to(distribution, chosen.id) if chosen else distribution.behaviors
    return tuple(behaviors.route_of(distribution, behavior) for behavior in found)


def _met(routes: Sequence[Route], chosen: Origin | None) -> list[tuple[Origin, Role, tuple[Route, ...]]]:
    """Return each origin met, once, with its role at the first meeting and all routes that lead there."""
    met: dict[str, tuple[Origin, Role, tuple[Route, ...]]] = {}
    for route in routes:
        for destination in route.destinations:
            if chosen is None or destination.origin == chosen:
                origin = destination.origin
                _, role, before = met.get(origin.id, (origin, destination.role, ()))
                met[origin.id] = (origin, role, (*before, route))
    if chosen and not met:
        met[chosen.id] = (chosen, "only", ())
    return list(met.values())


class _Planner:
    """Turns origins met into stops."""

    def __init__(self, distribution: Distribution, policies: Policies, url: ViewerUrl | None, host: str) -> None:
        self.distribution = distribution
        self.policies = policies
        self.url = url
        self.host = host
        self.stops: list[Stop] = []
        self.left_out: list[NotExamined] = []

    def visit(self, origin: Origin, role: Role, routes: tuple[Route, ...]) -> None:
        """Add one stop for each protocol that CloudFront would use to this origin."""
        settings = self.policies.vpc_origins.get(origin.vpc_origin_id, origin)
        policy = settings.protocol_policy
        ports: tuple[tuple[Protocol, int], ...] = (("https", settings.https_port), ("http", settings.http_port))
        for protocol, port in ports:
            through = tuple(r for r in routes if protocol in _origin_schemes(policy, self._viewer_schemes(r)))
            if through or (not routes and protocol in _origin_schemes(policy, ("https",))):
                is_taken = any(stop.target.id == f"{origin.id}:{port}" for stop in self.stops)
                target = Target(
                    id=f"{origin.id}:{port}/{protocol}" if is_taken else f"{origin.id}:{port}",
                    origin_id=origin.id,
                    domain=_domain(origin),
                    port=port,
                    protocol=protocol,
                    kind=origins.kind_of(origin),
                    names=self._names(origin, through),
                    ip_address_type=settings.ip_address_type,
                    tls_minimum=_tls_minimum(settings.ssl_protocols),
                    connection_attempts=min(max(origin.connection_attempts, 1), 3),
                    connection_timeout=min(max(origin.connection_timeout, 1), 10),
                    read_timeout=max(origin.read_timeout, 1),
                    keepalive_timeout=max(origin.keepalive_timeout, 1),
                    path=self._path(origin),
                    custom_headers=origin.custom_headers,
                    role=role,
                    why=_why(origin, policy, protocol, port, through),
                    not_probed=origins.not_probed(origin) or _no_such_port(port),
                )
                self.stops.append(Stop(target, origin, through))

    def _path(self, origin: Origin) -> str:
        """Return what CloudFront asks this origin for: the URL's path, or `/`, behind the origin path.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginPath
        """
        path = self.url.path if self.url else "/"
        if path == "/":
            path += self.distribution.default_root_object.removeprefix("/")
        return origin.path.rstrip("/") + path

    def _viewer_schemes(self, route: Route) -> Sequence[str]:
        """Return by which protocols viewers' requests get past CloudFront to the origin."""
        if route.behavior.viewer_protocol_policy != "allow-all":
            return ("https",)
        return (self.url.scheme,) if self.url and self.url.scheme else ("https", "http")

    def _names(self, origin: Origin, routes: Sequence[Route]) -> tuple[ServerName, ...]:
        domain = _domain(origin)
        if self.host:
            return (server_names.forwarded(self.host, domain, _SAID),)
        if not routes:
            return (server_names.own(domain, "no behavior sends requests there, so nothing forwards Host"),)
        names, left_out = server_names.of_routes(
            self.distribution, self.policies, origin, routes, domain=domain, url=self.url
        )
        self.left_out += left_out
        return names


def _no_such_port(port: int) -> str:
    return "" if 1 <= port <= 65535 else f"its port {port} is none (1 to 65535), so there is nothing to connect to"


def _domain(origin: Origin) -> str:
    """Return the Origin Domain in canonical form, or as written where it is no host name."""
    if hostname.problem(origin.domain_name):
        return visible(origin.domain_name, hostname.MAX_NAME).lower()
    return hostname.to_ascii(origin.domain_name)


def _origin_schemes(policy: str, viewers: Sequence[str]) -> Sequence[str]:
    return {"https-only": ("https",), "http-only": ("http",)}.get(policy, viewers)


def _tls_minimum(protocols: Sequence[str]) -> TlsMinimum:
    """Return the lowest protocol listed; TLSv1.2, the console's default, where none is.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginSSLProtocols
    """
    return next((version for version in _TLS_VERSIONS if version in protocols), "TLSv1.2")


def _why(origin: Origin, policy: str, protocol: Protocol, port: int, routes: Sequence[Route]) -> str:
    name = f"origin {visible(origin.id, 80)} ({visible(origin.domain_name, 120)})"
    if not routes:
        return f"You asked for {name}; no behavior sends requests there."
    titles = list(dict.fromkeys(route.behavior.title for route in routes))
    sentence = f"{join_names(titles, 4)} send{'s' if len(titles) == 1 else ''} requests to {name}"
    group = next((route.group for route in routes if route.group), None)
    if group:
        place = "primary" if group.members[:1] == (origin.id,) else "secondary"
        sentence += f", the {place} of origin group {visible(group.id, 80)}"
    kind = origins.kind_of(origin)
    if kind in (OriginKind.S3, OriginKind.VPC):
        sentence += f", which is {origins.KINDS[kind].title}"
    else:
        by = f"{policy} and {protocol} viewers" if policy == "match-viewer" else policy
        sentence += f": {by}, so by {protocol} to port {port}"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _not_probed(target: Target) -> list[NotExamined]:
    if not target.not_probed:
        return []
    check = "aws cloudfront list-vpc-origins, and test from inside the VPC" if target.kind is OriginKind.VPC else ""
    what = f"origin {visible(target.origin_id, 80)} ({visible(target.domain, 120)})"
    return [NotExamined(what=what, why=target.not_probed, next_check=check)]


def _functions(routes: Sequence[Route]) -> list[NotExamined]:
    """Return the functions whose code could change where a request goes."""
    found = dict.fromkeys(
        (function, route.behavior.title) for route in routes for function in route.functions if reach(function)
    )
    return [
        NotExamined(
            what=f"the code of the {function.event} {visible(function.title, 160)} of {title}",
            why="it may send the request to another origin or with another Host, which the configuration does not show",
            next_check=function.fetch,
        )
        for function, title in found
    ]


def _origins_left_out(distribution: Distribution, met: Set[str], url: ViewerUrl | None) -> list[NotExamined]:
    rest = [f"{o.id} ({o.domain_name})" for o in distribution.origins if o.id not in met]
    if not rest:
        return []
    why = "the URL does not lead there" if url else "no examined behavior leads there"
    return [NotExamined(what=f"origin{'s' * (len(rest) > 1)} {join_names(rest, 8)}", why=why)]
