"""The pictures of one incident, from what was seen and concluded: for a runbook's cells and for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cfrunbook.findings import Cause, Status
from cfrunbook.runbook import gallery
from cfrunbook.views import drawing, figures, outline

if TYPE_CHECKING:
    from cfrunbook.causes.case import Case
    from cfrunbook.causes.dns_delegation import Delegations
    from cfrunbook.causes.leaf_grid import Grid
    from cfrunbook.causes.tls_capabilities import Capabilities
    from cfrunbook.cloudfront.targets import Target
    from cfrunbook.evidence import Handshake, Observations
    from cfrunbook.findings import Diagnosis, Finding
    from cfrunbook.incident import Incident
    from cfrunbook.log_summary import LogSummary
    from cfrunbook.views.figures import Picture
    from cfrunbook.x509.path import ChainReport


_NO_LOGS = "No access logs were given (parameter logs)"
KINDS: Mapping[str, str] = {
    "path": "Nothing was examined",
    "delegation": "No name server was asked",
    "servers": "No name server was asked",
    "aliases": "No name server was asked",
    "firewall": "No rules of a firewall were given for this origin (parameter firewall), or they could not be read",
    "suites": "No TLS hello was sent",
    "ladder": "No TLS hello was sent",
    "served": "No certificate was seen",
    "chain": "No certificate was seen",
    "validity": "No certificate was seen",
    "exchange": "No request was sent",
    "log_rate": _NO_LOGS,
    "log_heat": _NO_LOGS,
    "log_types": _NO_LOGS,
    "log_top": _NO_LOGS,
}
"""The kinds of pictures, each with the reason why there may be none."""


def draw(kind: str, incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return one picture, out of the gallery where it is kept there; None where its reason in `KINDS` holds.

    Raises KeyError for another kind.
    """
    name = gallery.key(kind, incident, observations, diagnosis) if gallery.is_open() else ""
    try:
        return gallery.take(name)
    except LookupError:
        return _drawn(kind, incident, observations, diagnosis)


def fill_gallery(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> None:
    """Draw every picture into the gallery, for the other processes that show the same. Raises BadInput."""
    with drawing.settings():
        for kind in KINDS:
            name = gallery.key(kind, incident, observations, diagnosis)
            gallery.put(name, _drawn(kind, incident, observations, diagnosis))


def _drawn(kind: str, incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    shown = (incident, observations, diagnosis)
    makers: dict[str, Callable[[], Picture | None]] = {
        "path": lambda: path(diagnosis),
        "delegation": lambda: delegation(*shown),
        "servers": lambda: servers(*shown),
        "aliases": lambda: aliases(*shown),
        "firewall": lambda: firewall(*shown),
        "suites": lambda: suites(*shown),
        "ladder": lambda: handshake(*shown),
        "served": lambda: served(*shown),
        "chain": lambda: chain(*shown),
        "validity": lambda: validity(*shown),
        "exchange": lambda: exchange(*shown),
        **{name: partial(logged, name, observations) for name in _LOGGED},
    }
    return makers[kind]()


def path(diagnosis: Diagnosis) -> Picture:
    """Return the way of the edge to the target that the verdict is about."""
    return figures.stage_path(diagnosis)


def delegation(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return the way from the root to the name that tells most; None if no name server was asked."""
    walked = _walk(incident, observations, diagnosis)
    return figures.delegation(*walked) if walked else None


def servers(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return what every name server answers for the name that tells most; None if none was asked."""
    walked = _walk(incident, observations, diagnosis)
    return figures.servers(walked[0]) if walked else None


def aliases(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return the chain of aliases of the name that tells most; None if no name server was asked."""
    walked = _walk(incident, observations, diagnosis)
    return figures.aliases(*walked) if walked else None


def chain(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return the chain that tells most, as sent and as it should be; None if no certificate was seen."""
    found = _certificates(incident, observations, diagnosis)
    return figures.chain(found[0]) if found else None


def validity(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return when the certificates that `chain` shows are valid; None if none was seen."""
    found = _certificates(incident, observations, diagnosis)
    return figures.validity_timeline(found[0].sent, found[1].at) if found else None


def handshake(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return CloudFront's own hello that tells most, message by message; None if none was sent."""
    for case in _https(incident, observations, diagnosis):
        hello = _telling(case.target, case.handshakes, diagnosis)
        if hello is not None:
            return figures.ladder(hello)
    return None


def suites(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return what the address that tells most accepts of CloudFront's suites and curves; None if none was asked."""
    from cfrunbook.cloudfront.origin_tls import offer

    for case in _https(incident, observations, diagnosis):
        folded = _capabilities(case)
        hello = _telling(case.target, case.handshakes, diagnosis)
        told = next((c for c in folded if hello and (c.address, c.connected_to) == _place(hello)), None)
        if told is None:
            continue
        others = [c for c in folded if c is not told]
        alike = sum(_answers(c) == _answers(told) for c in others)
        note = f"{alike} of {len(others)} other addresses answer alike" if others else ""
        target = case.target
        place = f"{target.domain}:{target.port} at {told.address}"
        return figures.suites(told, offer(target.tls_minimum), place=place, note=note)
    return None


def served(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return which certificate the address that tells most shows to which hello; None if none was seen."""
    found = _grids(incident, observations, diagnosis)
    if found is None:
        return None
    target, (told, *others) = found
    alike = sum(_to_cloudfront(g) == _to_cloudfront(told) for g in others)
    note = f"CloudFront gets the same at {alike} of {len(others)} other addresses" if others else ""
    return figures.served(told, place=f"{target.domain}:{target.port} at {told.place[0]}", note=note)


def exchange(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return where the time of the requests went, at the target that the verdict is about; None if none was sent."""
    from cfrunbook.diagnosis import cases

    target = diagnosis.verdict.target
    for case in sorted(cases(incident, observations), key=lambda case: case.target.id != target):
        if case.exchanges:
            return figures.exchange_timeline(case.exchanges, case.connections)
    return None


def firewall(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Picture | None:
    """Return which of CloudFront's addresses the firewall's rules let in; None where no rules were given or read."""
    from cfrunbook.causes import port_firewall
    from cfrunbook.diagnosis import cases
    from cfrunbook.errors import BadInput

    target = diagnosis.verdict.target
    for case in sorted(cases(incident, observations), key=lambda case: case.target.id != target):
        try:
            told = port_firewall.answers(case)
        except BadInput:  # the finding says why
            return None
        if told:
            return figures.address_space(told)
    return None


_LOGGED = ("log_rate", "log_types", "log_heat", "log_top")
"""Of access logs: when, what CloudFront says, at which edge location when, and where. In their order on a page."""


def logged(kind: str, observations: Observations) -> Picture | None:
    """Return one picture of the access logs; None where none were given."""
    summary = observations.inputs.logs
    if summary is None:
        return None
    from cfrunbook.views import log_figures

    makers: dict[str, Callable[[LogSummary], Picture]] = {
        "log_rate": log_figures.error_rate,
        "log_types": log_figures.detailed_types,
        "log_heat": log_figures.heat_map,
        "log_top": log_figures.top_keys,
    }
    return makers[kind](summary)


def of_logs(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> tuple[Picture, ...]:
    """Return every picture of the access logs; none where none were given, or nothing fails in them."""
    summary = observations.inputs.logs
    if summary is None or not summary.errors:
        return ()
    return tuple(_those(_LOGGED, incident, observations, diagnosis))


def why_browser_works(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> str:
    """Return why a browser may well reach what CloudFront cannot, as a paragraph; empty if that is not known."""
    from cfrunbook.causes import tls_answers

    for case in _https(incident, observations, diagnosis):
        told = tls_answers.why_browser_works(_capabilities(case), case.target)
        if told:
            return told
    return ""


def everything(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> tuple[Picture, ...]:
    """Return the picture of the path, those of the cause, and what else tells something.

    Of the cause are the name servers, the handshake or the request; else there are the firewall, the chain, and which
    hello gets which certificate, where one address shows several.
    """
    kinds = ["path", *_OF_CAUSE.get(diagnosis.verdict.cause, ()), "firewall", "chain", "validity"]
    found = _grids(incident, observations, diagnosis)
    if found is not None and len(found[1][0].leaves) > 1:
        kinds.append("served")
    return tuple(_those(kinds, incident, observations, diagnosis))


_OF_CAUSE: Mapping[Cause | None, tuple[str, ...]] = {
    Cause.ORIGIN_RESPONSE: ("exchange",),
    Cause.DNS: ("delegation", "servers"),
    Cause.TLS_PROTOCOL: ("suites", "ladder"),
}
"""What else a page shows, by the cause of the verdict."""


def _those(
    kinds: Iterable[str], incident: Incident, observations: Observations, diagnosis: Diagnosis
) -> Iterator[Picture]:
    for kind in kinds:
        if (picture := draw(kind, incident, observations, diagnosis)) is not None:
            yield picture


def _walk(
    incident: Incident, observations: Observations, diagnosis: Diagnosis
) -> tuple[Delegations, tuple[Finding, ...]] | None:
    """Return the walk to the name that tells most, and what was found there; None if no name server was asked.

    That is the name that the verdict is about; else one whose findings say that something is wrong with it.
    """
    from cfrunbook.causes.dns_delegation import fold
    from cfrunbook.diagnosis import cases
    from cfrunbook.probes.dns.names import plain

    asked = {q.name for q in observations.dns_queries}
    found = [c.target for c in cases(incident, observations) if plain(c.target.domain) in asked]
    told = {t.id: tuple(f for f in diagnosis.findings if (f.cause, f.target) == (Cause.DNS, t.id)) for t in found}
    wrong = {i for i, findings in told.items() if any(f.status not in (Status.OK, Status.INFO) for f in findings)}
    found.sort(key=lambda target: (target.id != diagnosis.verdict.target, target.id not in wrong))
    if not found:
        return None
    kind = "AAAA" if found[0].ip_address_type == "ipv6" else "A"
    return fold(observations.dns_queries, found[0].domain, kind=kind), told[found[0].id]


def _certificates(
    incident: Incident, observations: Observations, diagnosis: Diagnosis
) -> tuple[ChainReport, Case] | None:
    """Return what the hello that tells most got, and where; None if no certificate was seen."""
    from cfrunbook.diagnosis import cases
    from cfrunbook.x509.path import analyze

    target = diagnosis.verdict.target
    for case in sorted(cases(incident, observations), key=lambda case: case.target.id != target):
        hello = _telling(case.target, [h for h in case.handshakes if h.certificates], diagnosis)
        if hello is not None:
            return analyze(hello.certificates, roots=case.roots, at=case.at), case
    return None


def _grids(
    incident: Incident, observations: Observations, diagnosis: Diagnosis
) -> tuple[Target, tuple[Grid, ...]] | None:
    """Return the target that tells most, and what its addresses show, the one that tells most first.

    None if no certificate was seen.
    """
    for case in _https(incident, observations, diagnosis):
        if grids := _served(case, diagnosis):
            return case.target, grids
    return None


def _served(case: Case, diagnosis: Diagnosis) -> tuple[Grid, ...]:
    """Return what the addresses show, the one that tells most first; nothing where no certificate was seen."""
    from cfrunbook.causes.hellos import place_of
    from cfrunbook.causes.leaf_grid import grid

    places = dict.fromkeys(place_of(h) for h in (*case.handshakes, *case.scanned) if h.certificates)
    hello = _telling(case.target, [h for h in case.handshakes if place_of(h) in places], diagnosis)
    first = place_of(hello) if hello is not None else next(iter(places), None)
    return tuple(grid(case, place) for place in sorted(places, key=lambda place: place != first))


def _to_cloudfront(shown: Grid) -> object:
    """Return what CloudFront's own hello gets, by server name."""
    from cfrunbook.causes.leaves import CLOUDFRONTS

    cells = {sni: shown.cells.get((sni, CLOUDFRONTS)) for sni in shown.sent}
    return {sni: [shown.leaves[n].facts.der for n in cell.leaves] if cell else None for sni, cell in cells.items()}


def _https(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> list[Case]:
    """Return the cases in which TLS is spoken, the one that the verdict is about first."""
    from cfrunbook.diagnosis import cases

    found = [case for case in cases(incident, observations) if case.target.protocol == "https"]
    return sorted(found, key=lambda case: case.target.id != diagnosis.verdict.target)


def _capabilities(case: Case) -> tuple[Capabilities, ...]:
    """Return what the addresses of a case accept."""
    from cfrunbook.causes.tls_capabilities import fold_each

    return fold_each(case.scanned)


def _place(handshake: Handshake) -> tuple[str, str]:
    return handshake.address, handshake.connected_to


def _answers(accepts: Capabilities) -> list[object]:
    """Return what must be the same where two addresses are said to answer alike."""
    facts = (*accepts.versions.values(), *accepts.suites.values(), *accepts.groups.values(), accepts.exact)
    return [f.answer for f in facts]


def _telling(target: Target, hellos: Sequence[Handshake], diagnosis: Diagnosis) -> Handshake | None:
    """Return the hello that tells most: one that the root cause cites, else that of the likeliest name."""
    root = outline.root(diagnosis)
    cited = {e.observation for e in root.evidence} if root else set()
    names = [name.sni for name in target.names]
    return min(
        hellos,
        key=lambda h: (h.id not in cited, names.index(h.sni) if h.sni in names else len(names)),
        default=None,
    )
