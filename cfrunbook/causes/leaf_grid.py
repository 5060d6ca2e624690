"""Which certificate one address shows, by server name and by what is asked for; and what CloudFront thinks of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec

from cfrunbook.causes import tls_name
from cfrunbook.causes.case import Case
from cfrunbook.causes.certificate_chain import drafts
from cfrunbook.causes.hellos import Place, place_of
from cfrunbook.causes.leaves import CLOUDFRONTS, Reader, Way, shown, way_of
from cfrunbook.cloudfront.origin_tls import alert_name, offer
from cfrunbook.cloudfront.targets import ServerName
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.findings import Status
from cfrunbook.text import fill
from cfrunbook.x509.certificate import CertificateFacts

MAX_LEAVES = 26
"""Leaves told apart: there are no more letters."""

_REFUSALS = frozenset({HandshakeOutcome.ALERT, HandshakeOutcome.CLOSED, HandshakeOutcome.RESET})
_WORST = (Status.FAULT, Status.UNKNOWN, Status.WARNING)
_BAD = frozenset({Status.FAULT, Status.UNKNOWN})


class Cell(msgspec.Struct, frozen=True):
    """What came for one server name asked for in one way."""

    leaves: tuple[int, ...] = ()
    """Places in `Grid.leaves`; several where equal hellos got different ones."""
    status: Status | None = None
    """What CloudFront thinks of the worst of it, name included; None for names that CloudFront does not send."""
    refused: str = ""
    """How it ended where no certificate came; empty where one did, or nothing is known."""
    is_known: bool = True
    """False where the hello stayed without an answer that tells."""


class Leaf(msgspec.Struct, frozen=True):
    """A certificate that the address shows."""

    facts: CertificateFacts
    status: Status | None
    """What CloudFront thinks of it at worst; None where it comes for no name that CloudFront sends."""
    problems: tuple[str, ...]
    """Why, a sentence each without a full stop."""


class Grid(msgspec.Struct, frozen=True):
    """One address: rows of server names, columns of ways to ask."""

    place: Place
    names: tuple[str | None, ...]
    """Those that CloudFront sends first; None stands for none sent."""
    sent: tuple[str, ...]
    """The names that CloudFront sends, or may."""
    ways: tuple[Way, ...]
    """Those in which anything came, or that CloudFront would use."""
    cells: Mapping[tuple[str | None, Way], Cell]
    """Only what was asked."""
    leaves: tuple[Leaf, ...]


def grid(case: Case, place: Place) -> Grid:
    """Return what an address of `case` shows; without leaves where it showed none. Pure; never raises."""
    return _Grid(case, place).grid()


class _Grid:
    def __init__(self, case: Case, place: Place) -> None:
        self.case = case
        self.place = place
        self.sent: dict[str | None, ServerName] = {name.sni: name for name in case.target.names}
        own = {id(h) for h in case.handshakes}
        asked = ((h, way_of(h)) for h in (*case.handshakes, *(h for h in case.scanned if id(h) not in own)))
        self.hellos = [
            (h, way) for h, way in asked if way and place_of(h) == place and (way != CLOUDFRONTS or id(h) in own)
        ]
        self.leaves = shown(h for h, _ in self.hellos)[:MAX_LEAVES]
        self.reader = Reader()

    def grid(self) -> Grid:
        names: dict[str | None, None] = dict.fromkeys(n for n in self.sent if any(h.sni == n for h, _ in self.hellos))
        names |= dict.fromkeys(sorted((h.sni for h, _ in self.hellos if h.sni is not None)))
        names |= dict.fromkeys(h.sni for h, _ in self.hellos)
        offered = {CLOUDFRONTS.version, *offer(self.case.target.tls_minimum).versions}
        found: dict[tuple[str | None, Way], list[Handshake]] = {}
        for hello, way in self.hellos:
            found.setdefault((hello.sni, way), []).append(hello)
        cells = {(sni, way): self._cell(sni, hellos) for (sni, way), hellos in found.items()}
        ways = {way for (_, way), cell in cells.items() if cell.leaves or way.version in offered}
        return Grid(
            place=self.place,
            names=tuple(names),
            sent=tuple(n for n in names if n is not None and n in self.sent),
            ways=tuple(sorted(ways, key=lambda way: way.rank)),
            cells=cells,
            leaves=tuple(self._leaf(number) for number in range(len(self.leaves))),
        )

    def _cell(self, sni: str | None, hellos: Sequence[Handshake]) -> Cell:
        served = [h for h in hellos if h.certificates]
        if not served:
            first = next((h for h in hellos if h.outcome in _REFUSALS), hellos[0])
            how = f"alert {first.alert} ({alert_name(first.alert)})" if first.alert is not None else str(first.outcome)
            return Cell(
                refused=how.replace("_", " ") if first.alert is None else how, is_known=first.outcome in _REFUSALS
            )
        ders = [each.leaf.der for each in self.leaves]
        got = dict.fromkeys(self.reader.leaf(h).der for h in served)
        status = None
        if sni in self.sent:
            statuses = {s for h in served for s in (*(s for s, _ in self._chain(h)), self._name(h, self.sent[sni]))}
            status = self._worst(statuses)
        return Cell(leaves=tuple(ders.index(der) for der in got if der in ders), status=status)

    def _leaf(self, number: int) -> Leaf:
        each = self.leaves[number]
        sent = [h for h in each.hellos if h.sni in self.sent]
        told = [told for hello in {h.certificates: h for h in sent}.values() for told in self._chain(hello)]
        for hello in {h.sni: h for h in sent}.values():
            status = self._name(hello, self.sent[hello.sni])
            may = "" if self.sent[hello.sni].certain else ", which CloudFront may send"
            told.append((status, f"It does not carry {hello.sni}{may}"))
        problems = dict.fromkeys(says for status, says in told if status in _BAD)
        return Leaf(each.leaf, self._worst({status for status, _ in told}) if sent else None, tuple(problems))

    def _worst(self, statuses: Set[Status]) -> Status:
        return next((status for status in _WORST if status in statuses), Status.OK)

    def _chain(self, hello: Handshake) -> list[tuple[Status, str]]:
        """Return what the cause "certificate" says of a chain."""
        found = drafts(
            hello.certificates,
            at=self.case.at,
            roots=self.case.roots,
            tls_version=hello.version,
            expiry_warning_days=self.case.expiry_warning_days,
        )
        context = {"where": "", "sometimes": "", "trust_store": self.case.roots.name}
        return [(d.status or d.rule.status, fill(d.rule.title, context | d.data).removesuffix(".")) for d in found]

    def _name(self, hello: Handshake, name: ServerName) -> Status:
        """Return what the cause "TLS name" says of a leaf."""
        return tls_name.judge(self.reader.leaf(hello), name, domain=self.case.target.domain).rule.status
