"""Which certificate each hello gets, as a table: one row for each different leaf, and for each way of getting none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from cfrunbook.causes import tls_name
from cfrunbook.causes.leaves import CLOUDFRONTS, Shown, shown, way_of, ways_by_name
from cfrunbook.cloudfront.origin_tls import PROTOCOLS, alert_name, offer
from cfrunbook.cloudfront.server_names import own
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.cloudfront.tls_offers import Purpose, question
from cfrunbook.evidence import Handshake, Observations
from cfrunbook.text import join_names, visible
from cfrunbook.views.tables import MAX_ROWS, Table
from cfrunbook.x509.certificate import CertificateFacts

_TELLING = frozenset({Purpose.EXACT, Purpose.VERSION, Purpose.ECDSA, Purpose.RSA})
"""Whose refusal tells of certificates; one of a single suite or curve does not."""
_MAX_NAMES = 4

_COLUMNS = (
    *("CloudFront gets it", "Certificate", "Key", "Issuer", "Valid until", "Carries the name", "Shown to", "At"),
    "SHA-256",
)
_AT = 7
"""The column that is left out where it says the same in every row."""

Got = Literal["yes", "perhaps", "no"]
_ORDER: Sequence[Got] = ("yes", "perhaps", "no")


def leaves(seen: Observations, wanted: Sequence[Target] = ()) -> Table:
    """Return which certificates the origins show, to which hellos, and which of them CloudFront gets.

    Without the targets that are `wanted`, every server name that was sent counts as one that CloudFront sends. Nothing
    where no certificate was seen.
    """
    by_port: dict[tuple[str, int], list[Handshake]] = {}
    for handshake in seen.handshakes:
        by_port.setdefault((handshake.host, handshake.port), []).append(handshake)
    rows = [row for (host, port), hellos in by_port.items() for row in _Port(host, port, hellos, wanted).rows()]
    columns = [*_COLUMNS]
    if len({row[_AT] for row in rows}) == 1:
        del columns[_AT]
        rows = [(*row[:_AT], *row[_AT + 1 :]) for row in rows]
    return Table(
        title="Which certificate each hello gets",
        columns=tuple(columns),
        rows=tuple(rows[:MAX_ROWS]),
        monospace=frozenset({len(columns) - 1}),
        wide=frozenset({1, _AT - 1, _AT} & set(range(len(columns) - 1))),
        empty="No certificate was seen.",
        left_out=max(0, len(rows) - MAX_ROWS),
    )


class _Port:
    """The hellos to one port of one host."""

    def __init__(self, host: str, port: int, hellos: Sequence[Handshake], wanted: Sequence[Target]) -> None:
        targets = [t for t in wanted if (t.domain, t.port, t.protocol) == (host, port, "https")]
        self.hellos = hellos
        self.host, self.port = host, port
        self.offers = {offer(t.tls_minimum).name for t in targets} or {h.offer for h in hellos}
        self.versions = {v for t in targets for v in offer(t.tls_minimum).versions} or {p.code for p in PROTOCOLS}
        self.names: Mapping[str | None, ServerName] = {
            n.sni: n for n in sorted((n for t in targets for n in t.names), key=lambda n: n.certain)
        } or {h.sni: own(h.sni, "") for h in hellos if h.sni}

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row for each leaf, what CloudFront gets first; then, if there are any, one for each refusal."""
        certificates = shown(self.hellos)
        rows = [(self._got(each.hellos), self._leaf(each)) for each in certificates]
        refused: dict[str, list[Handshake]] = {}
        for hello in self.hellos if certificates else ():
            if not hello.certificates and self._tells(hello):
                refused.setdefault(_none(hello), []).append(hello)
        rows += [(self._got(hellos), (end, *[""] * 4, *self._where(hellos), "")) for end, hellos in refused.items()]
        for got, row in sorted(rows, key=lambda pair: _ORDER.index(pair[0])):
            yield got, *row

    def _tells(self, refused: Handshake) -> bool:
        """Tell whether a hello without certificates says something of them, and of what CloudFront offers."""
        asked, way = question(refused.offer), way_of(refused)
        if asked is None or way is None or asked.purpose not in _TELLING:
            return False
        return way == CLOUDFRONTS or way.version in self.versions

    def _leaf(self, each: Shown) -> tuple[str, ...]:
        leaf = each.leaf
        if not leaf.readable:
            told = (f"cannot be read: {leaf.problem}", *[""] * 4)
        else:
            until = f"{leaf.not_after:%Y-%m-%d}" if leaf.not_after else "?"
            issuer = leaf.issuer_name.common_name or leaf.issuer
            told = (_named(leaf), leaf.key, issuer, until, self._carries(each))
        return (*told, *self._where(each.hellos), leaf.fingerprint_sha256[:16])

    def _where(self, hellos: Sequence[Handshake]) -> tuple[str, str]:
        """Return to which server names and offers, and at which addresses."""
        asked = []
        for sni, ways in ways_by_name(hellos).items():
            how = "" if sni is None and ways == (CLOUDFRONTS,) else f": {', '.join(str(way) for way in ways)}"
            asked.append((sni or "no server name") + how)
        places = join_names(list(dict.fromkeys(h.connected_to or h.address for h in hellos)), _MAX_NAMES)
        return "; ".join(asked), f"{self.host}:{self.port} at {places}"

    def _got(self, hellos: Sequence[Handshake]) -> Got:
        """Tell whether CloudFront gets this: what its own hello got, with a name that it sends."""
        sent = [
            self.names[h.sni]
            for h in hellos
            if h.sni in self.names and h.offer in self.offers and way_of(h) == CLOUDFRONTS
        ]
        return "yes" if any(name.certain for name in sent) else "perhaps" if sent else "no"

    def _carries(self, each: Shown) -> str:
        """Return whether a leaf carries the names that CloudFront sends and got it for."""
        names = [self.names[sni] for sni in each.ways if sni in self.names]
        answers = []
        for name in names:
            data = tls_name.judge(each.leaf, name, domain=self.host).data
            if "matched" in data:
                answers.append("yes" if names == [name] and data["matched"] == name.sni else f"yes, {data['matched']}")
            else:
                answers.append("cannot be read" if "reason" in data else f"no, not {visible(name.sni, 120)}")
        return "; ".join(dict.fromkeys(answers)) or "not asked"


def _named(leaf: CertificateFacts) -> str:
    """Return what to call a leaf, and the names on it unless they are the same."""
    names = list(dict.fromkeys((*leaf.dns_names, *leaf.ip_names)))
    return leaf.short_label if names in ([], [leaf.common_name]) else join_names(names, _MAX_NAMES)


def _none(hello: Handshake) -> str:
    """Return how a hello ended that got no certificate."""
    if hello.alert is not None:
        return f"none: {alert_name(hello.alert)} (alert {hello.alert})"
    return f"none: {hello.outcome.replace('_', ' ')}"
