"""The walk from the root to every name server of a zone, as a state machine without input or output.

It is fed with answers and the time, and yields questions; nothing else happens here. Like a resolver it goes from the
root by referrals, asking for the full name at each level; unlike a resolver it asks every address of the name servers
that the parent lists, all at once, and a server that fails holds up nobody.

The root and top-level domains are well run and not ours to load: three of their addresses are asked, and the others
only if those do not answer.
https://www.rfc-editor.org/rfc/rfc1034#section-5.3.3
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsRecord, DnsTransport, ResolutionOutcome
from cfrunbook.probes.dns import questions
from cfrunbook.probes.dns.hints import Hint
from cfrunbook.probes.dns.names import ROOT, depth, enclosing, is_below, is_within, plain
from cfrunbook.probes.dns.questions import (
    CONTROL,
    MAX_ADDRESSES,
    MAX_SERVERS,
    RANDOM_LABEL,
    WIDTH,
    Few,
    Lookup,
    Question,
    Zone,
)

MAX_QUESTIONS = 600
"""For one name; every further name may have a quarter more, up to `MAX_QUESTIONS_IN_ALL`."""
MAX_QUESTIONS_IN_ALL = 3000
MAX_ALIASES = 16
"""Aliases followed one after the other: resolvers give up at about as many."""
MAX_TARGETS = 8
"""Targets of one alias that are followed: a weighted alias has as many as there are answers."""
MAX_LOOKUPS, MAX_ZONES, MAX_NESTING, MAX_APEXES = 200, 100, 5, 3
PATIENCE = 0.3
"""Seconds without any answer after which all the others are asked there."""
_REPLIES = frozenset({DnsOutcome.ANSWER, DnsOutcome.NODATA, DnsOutcome.NXDOMAIN})


class Resolved(msgspec.Struct, frozen=True):
    """What the name servers say a name's addresses are."""

    outcome: ResolutionOutcome
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()


class Walk:
    """The walk for several names at once: what one has learned serves the others."""

    def __init__(self, names: Iterable[str], hints: Sequence[Hint], *, label: str = "0", limit: int = 0) -> None:
        """Prepare to walk from `hints` to `names`; `label` makes a name that nobody has created."""
        self.names = tuple(dict.fromkeys(plain(name) for name in names))
        most = MAX_QUESTIONS + MAX_QUESTIONS // 4 * (len(self.names) - 1)
        self.limit = limit or min(most, MAX_QUESTIONS_IN_ALL)
        self.cut_short = False
        """Whether there was more to ask than may be asked."""
        self.news: list[str] = []
        """What has been found out, in short lines; whoever reads it empties it."""
        self._label = RANDOM_LABEL + label
        self._zones = {ROOT: Zone(ROOT, "", apexes=[ROOT])}
        for hint in hints:
            self._zones[ROOT].servers.setdefault(hint.server, {})[hint.address] = None
        self._lookups: dict[str, Lookup] = {}
        self._asked: dict[Question, None] = {}
        self._open: set[Question] = set()
        self._few: dict[tuple[str, str], Few] = {}
        self._extra: list[Question] = []
        self._changed = True

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way any more."""
        return not self._open

    @property
    def wake_at(self) -> float | None:
        """When `wake` is to be called at the latest; None: not at all."""
        waiting = [f.since + PATIENCE for f in self._few.values() if f.waiting and not f.helped and f.width == WIDTH]
        return min(waiting, default=None)

    def begin(self, now: float) -> list[Question]:
        """Return the first questions; `now` is in seconds, as in all that follows."""
        for name in self.names:
            self._look_up(Lookup(name, for_origin=True))
        return self._questions(now)

    def feed(self, question: Question, seen: DnsQuery, now: float) -> list[Question]:
        """Take what came of `question`, and return what to ask because of it."""
        self._open.discard(question)
        if seen.rcode:
            zone = self._zones[question.zone]
            zone.slowest = max(zone.slowest or 0.0, seen.elapsed_ms / 1000)
        lookup = self._lookups.get(question.name)
        helps = False
        if question.number == CONTROL:
            pass
        elif seen.outcome is DnsOutcome.TRUNCATED and question.transport is DnsTransport.UDP:
            self._extra.append(replace(question, transport=DnsTransport.TCP, number=0))
            self._changed = helps = True
        elif seen.outcome is DnsOutcome.REFERRAL and (cut := _cut(question, seen)):
            self._delegate(question, seen, cut, lookup)
            helps = True
        elif seen.outcome in _REPLIES and seen.authoritative:
            self._take(question, seen, lookup)
            helps = True
        self._settle_few(question, helps=helps)
        return self._questions(now)

    def wake(self, now: float) -> list[Question]:
        """Return what to ask because time has passed."""
        for key, few in self._few.items():
            if few.waiting and not few.helped and now >= few.since + PATIENCE:
                self._widen(*key, few)
        return self._questions(now)

    def slowest(self, zone: str) -> float | None:
        """Return the seconds that the slowest answer of a zone's servers took; None while none has answered."""
        return self._zones[zone].slowest

    def standing(self) -> list[str]:
        """Return where the walk to each name stands, in a line for people; nothing where it waits for nobody."""
        found = []
        for name in self.names:
            open_here = {(q.zone, q.server) for q in self._open if self._zones[q.zone].thorough}
            waiting = sorted({server for _, server in open_here})
            if not waiting:
                continue
            known = self.resolved(name)
            says = ", ".join((*known.ipv4, *known.ipv6)[:2]) if known else ""
            zones = {zone for zone, _ in open_here}
            total = len({server for zone in zones for server in self._zones[zone].servers})
            more = f" and {len(waiting) - 2} more" if len(waiting) > 2 else ""
            words = (
                f"{total - len(waiting)} of {total} name servers have answered, waiting for {', '.join(waiting[:2])}"
            )
            found.append(f"{name}: {f'{says}; ' if says else ''}{words}{more}")
        return found

    def resolved(self, name: str, *, final: bool = False) -> Resolved | None:
        """Return what is known of a name's addresses; None while servers may still say more, or if none said a thing.

        That there is an address is believed the first server that says so; that there is none, only when `final`.
        """
        ends, cnames = self._ends(plain(name))
        known = [end for end in ends if final or len(end.found) == 2]
        v4, v6 = (tuple(dict.fromkeys(a for end in known for a in end.found.get(kind, ()))) for kind in ("A", "AAAA"))
        if v4 or v6:
            return Resolved(ResolutionOutcome.ANSWER, v4, v6, cnames)
        if final and any(end.missing for end in ends):
            return Resolved(ResolutionOutcome.NXDOMAIN, cnames=cnames)
        if final and any(len(end.found) == 2 for end in ends):
            return Resolved(ResolutionOutcome.NODATA, cnames=cnames)
        return None

    def _ends(self, name: str) -> tuple[list[Lookup], tuple[str, ...]]:
        """Return the names without alias to which aliases lead from `name`, and the aliases on the first way there."""
        waiting: list[tuple[str, tuple[str, ...]]] = [(name, ())]
        passed: set[str] = set()
        ends: list[Lookup] = []
        first: tuple[str, ...] = ()
        while waiting:
            name, way = waiting.pop()
            lookup = self._lookups.get(name)
            if name in passed or lookup is None:
                continue
            passed.add(name)
            if not lookup.aliases:
                first = first if ends else way
                ends.append(lookup)
            waiting += [(target, (*way, target)) for target in reversed(lookup.aliases)]
        return ends, first

    # --- what an answer changes ---------------------------------------------------------------------------------------

    def _delegate(self, question: Question, seen: DnsQuery, cut: str, lookup: Lookup | None) -> None:
        """Take a referral to the zone `cut`, and the addresses in it that are this server's to know."""
        zone = self._zones.get(cut)
        if zone is None:
            if len(self._zones) >= MAX_ZONES:
                self.cut_short = True
                return
            zone = self._zones[cut] = Zone(cut, question.zone, apexes=[cut])
            self.news.append(f"{cut}: {sum(r.type == 'NS' for r in seen.authority)} name servers")
        if question.zone == zone.parent and (by := (question.server, question.address)) not in zone.referrers:
            zone.referrers.append(by)
            self._changed = True
        servers = [plain(r.data) for r in seen.authority if r.type == "NS" and r.owner == cut]
        self._add_servers(zone, servers, seen.additional, bailiwick=question.zone)
        if lookup is not None and cut not in lookup.zones:
            self._join(lookup, zone)
        self._find_servers(zone, lookup.nesting if lookup else 0)

    def _take(self, question: Question, seen: DnsQuery, lookup: Lookup | None) -> None:
        """Take an authoritative answer."""
        zone = self._zones[question.zone]
        if lookup is not None:
            self._find_apex(zone, question, seen, lookup)
        if question.type == "NS" and question.name == zone.name:
            servers = [plain(r.data) for r in seen.answer if r.type == "NS" and r.owner == zone.name]
            self._add_servers(zone, servers, seen.additional, bailiwick=zone.name)
            self._find_servers(zone, 0)
        if lookup is None or question.type not in ("A", "AAAA"):
            return
        if zone.name not in lookup.answered_in:
            lookup.answered_in.add(zone.name)
            self._changed = True
            if lookup.for_origin and seen.outcome is not DnsOutcome.NXDOMAIN:
                zone.thorough = True
        if seen.outcome is DnsOutcome.NXDOMAIN:
            lookup.missing = True
            return
        targets = [plain(r.data) for r in seen.answer if r.type == "CNAME" and r.owner == lookup.name]
        if targets:
            self._follow(lookup, targets)
            return
        found = [r.data for r in seen.answer if r.type == question.type and r.owner == lookup.name]
        self._add_addresses(lookup, question, found)

    def _find_apex(self, zone: Zone, question: Question, seen: DnsQuery, lookup: Lookup) -> None:
        """Notice by its SOA record a zone below `zone` that the same servers hold."""
        for record in (*seen.answer, *seen.authority):
            if record.type != "SOA" or record.owner in zone.apexes or not lookup.for_origin:
                continue
            between = is_below(record.owner, zone.name) and is_within(question.name, record.owner)
            if between and len(zone.apexes) < MAX_APEXES:
                zone.apexes.append(record.owner)
                self._changed = True

    def _follow(self, lookup: Lookup, targets: Sequence[str]) -> None:
        for target in targets:
            if target in lookup.aliases:
                continue
            if len(lookup.aliases) >= MAX_TARGETS:
                self.cut_short = True
                break
            lookup.aliases[target] = None
            self.news.append(f"{lookup.name}: alias of {target}")
            # A name server's name must be no alias (RFC 2181, section 10.3).
            if lookup.for_origin and lookup.hops < MAX_ALIASES:
                self._look_up(Lookup(target, for_origin=True, hops=lookup.hops + 1, nesting=lookup.nesting))
        if lookup.for_origin:
            self._compare(lookup, targets)

    def _compare(self, lookup: Lookup, answer: Sequence[str]) -> None:
        """Notice that not every answer is the same."""
        before = len(lookup.sets)
        lookup.sets.add(tuple(sorted(answer)))
        self._changed |= before != len(lookup.sets) > 1

    def _add_addresses(self, lookup: Lookup, question: Question, found: Sequence[str]) -> None:
        known = lookup.found.setdefault(question.type, {})
        new = [address for address in found[:MAX_ADDRESSES] if address not in known]
        known.update(dict.fromkeys(new))
        if new and lookup.for_origin:
            self.news.append(f"{lookup.name}: {', '.join(new[:4])}, says {question.server}")
        if lookup.for_origin and question.type == "A":
            self._compare(lookup, found)
        for zone in self._zones.values():
            if lookup.name in zone.servers and zone.name != ROOT:
                for address in new:
                    self._add_address(zone, lookup.name, address)

    def _add_servers(self, zone: Zone, servers: Iterable[str], glue: Iterable[DnsRecord], *, bailiwick: str) -> None:
        if zone.name == ROOT:  # the hints are to be believed
            return
        for server in servers:
            if server not in zone.servers and len(zone.servers) < MAX_SERVERS:
                zone.servers[server] = {}
                self._changed = True
                known = self._lookups.get(server)
                for address in [a for found in known.found.values() for a in found] if known else []:
                    self._add_address(zone, server, address)
        for record in glue:
            if record.type in ("A", "AAAA") and record.owner in zone.servers and is_within(record.owner, bailiwick):
                self._add_address(zone, record.owner, record.data)

    def _add_address(self, zone: Zone, server: str, address: str) -> None:
        if address not in zone.servers[server]:
            zone.servers[server][address] = None
            self._changed = True

    def _find_servers(self, zone: Zone, nesting: int) -> None:
        """Look up the name servers whose addresses are not known, and compare those that the zone itself knows."""
        have_some = any(zone.servers.values())
        for server, addresses in zone.servers.items():
            if addresses and zone.thorough and is_within(server, zone.name):
                self._look_up(Lookup(server, for_origin=False, nesting=nesting + 1, checking=True))
            elif not addresses and (zone.thorough or not have_some):
                self._look_up(Lookup(server, for_origin=False, nesting=nesting + 1))

    def _look_up(self, wanted: Lookup) -> None:
        known = self._lookups.get(wanted.name)
        if known is not None:
            known.checking = known.checking and wanted.checking
            if wanted.for_origin and not known.for_origin:
                known.for_origin, known.hops = True, wanted.hops
                for name in known.zones:
                    self._join(known, self._zones[name])
            return
        if len(self._lookups) >= MAX_LOOKUPS or wanted.nesting > MAX_NESTING:
            self.cut_short = True
            return
        self._lookups[wanted.name] = wanted
        self._join(wanted, next(self._zones[n] for n in enclosing(wanted.name) if n in self._zones))

    def _join(self, lookup: Lookup, zone: Zone) -> None:
        """Let `lookup` be asked of the servers of `zone`."""
        if zone.name not in lookup.zones:
            lookup.zones.append(zone.name)
        if lookup.for_origin:
            zone.first = zone.first or lookup.name
            if depth(zone.name) > 1:
                zone.thorough = True
                self._find_servers(zone, lookup.nesting)
        self._changed = True

    # --- where a few servers will do ----------------------------------------------------------------------------------

    def _settle_few(self, question: Question, *, helps: bool) -> None:
        few = self._few.get((question.name, question.zone))
        if few is None:
            return
        few.waiting -= 1
        few.helped |= helps
        if few.waiting <= 0 and not few.helped:
            self._widen(question.name, question.zone, few)

    def _widen(self, name: str, zone: str, few: Few) -> None:
        if few.width > WIDTH or self._lookups[name].checking:
            few.helped = True  # no more to be done
            return
        few.width = MAX_ADDRESSES
        self._changed = True
        for server, addresses in self._zones[zone].servers.items():
            if not addresses:
                self._look_up(Lookup(server, for_origin=False, nesting=self._lookups[name].nesting + 1))

    # --- what to ask --------------------------------------------------------------------------------------------------

    def _questions(self, now: float) -> list[Question]:
        """Return the questions that have not been asked yet."""
        found: list[Question] = []
        while self._changed:
            self._changed = False
            for question in [*self._extra, *self._wanted()]:
                if question in self._asked:
                    continue
                if len(self._asked) >= self.limit:
                    self.cut_short = True
                    break
                self._asked[question] = None
                self._open.add(question)
                found.append(question)
                if few := self._few.get((question.name, question.zone)):
                    few.since = few.since if few.waiting else now
                    few.waiting += 1
            self._extra.clear()
        return found

    def _wanted(self) -> Iterator[Question]:
        for lookup in list(self._lookups.values()):
            for name in list(lookup.zones):
                zone = self._zones[name]
                if lookup.for_origin and zone.thorough:
                    self._few.pop((lookup.name, name), None)
                    yield from questions.to_all(lookup, zone, self._label)
                else:
                    few = self._few.setdefault((lookup.name, name), Few())
                    yield from questions.to_few(lookup, zone, few, with_control=lookup.name in self.names)
        for zone in self._zones.values():
            yield from questions.for_trust(zone)


def _cut(question: Question, seen: DnsQuery) -> str:
    """Return the zone that a referral leads down to; empty if it leads nowhere: sideways, up, or to where we are."""
    for record in seen.authority:
        if record.type == "NS" and is_below(record.owner, question.zone) and is_within(question.name, record.owner):
            return record.owner
    return ""
