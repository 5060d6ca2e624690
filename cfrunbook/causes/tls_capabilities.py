"""What an origin accepts of what CloudFront offers, folded from all the hellos it was asked: versions, suites, groups.

Three values everywhere: accepted, refused, unknown. Refused takes an answer that says so: an alert, another version
chosen, a ServerHello that breaks the protocol, or a connection closed twice by an origin that is otherwise steady.
Silence, a failed connection and a hello never asked stay unknown. Pure; never raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from cfrunbook.cloudfront.origin_tls import (
    GROUPS,
    PROTOCOLS,
    TLS_1_0,
    TLS_1_2,
    TLS_1_3,
    alert_name,
    suite,
    suite_name,
    version_name,
)
from cfrunbook.cloudfront.tls_offers import Beyond, Purpose, Question, authenticates, question, suites_of
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.text import visible

KINDS = ("ECDSA", "RSA")
_NAME_ALERT = 112
_CLOSE_NOTIFY, _USER_CANCELED = 0, 90
_AFTER_SERVER_HELLO = frozenset(
    {
        HandshakeOutcome.TRUNCATED,
        HandshakeOutcome.TOO_LARGE,
        HandshakeOutcome.TIMEOUT,
        HandshakeOutcome.CLOSED,
        HandshakeOutcome.RESET,
    }
)
_ENDED = frozenset({HandshakeOutcome.CLOSED, HandshakeOutcome.RESET})
ENOUGH_ALONE = 3
"""Hellos asked alone that show how an origin treats a single connection."""


class Answer(StrEnum):
    """What is known of a question."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Fact(msgspec.Struct, frozen=True):
    """An answer, what it rests on, and why in a clause."""

    answer: Answer = Answer.UNKNOWN
    why: str = "not asked"
    alert: int | None = None
    """The alert of a refusal, if it was one."""
    handshakes: tuple[str, ...] = ()
    """Ids of the observations."""

    @property
    def accepted(self) -> bool:
        """True where it was seen to be accepted."""
        return self.answer is Answer.ACCEPTED

    @property
    def refused(self) -> bool:
        """True where it was seen to be refused."""
        return self.answer is Answer.REFUSED


class Share(msgspec.Struct, frozen=True):
    """How many of CloudFront's own hellos were answered, where not all were."""

    answered: int
    count: int
    alone: bool
    """True where only hellos asked one at a time are counted."""
    handshakes: tuple[str, ...]
    """Ids of the observations that ended without a word."""


class Choice(msgspec.Struct, frozen=True):
    """What a server chose."""

    version: int
    suite: int
    group: int | None
    scheme: int | None
    leaf: bytes
    """The first certificate sent, DER; empty where none was read."""
    handshake: str
    """Id of the observation."""


class Capabilities(msgspec.Struct, frozen=True):
    """What one address of an origin accepts."""

    address: str
    connected_to: str
    exact: Fact
    """CloudFront's own hello, with the server name that CloudFront may send."""
    negotiated: Choice | None
    """What is chosen in answer to it."""
    versions: Mapping[int, Fact]
    """By version: with what CloudFront has for it."""
    suites: Mapping[tuple[int, int], Fact]
    """By version and cipher suite of CloudFront's."""
    groups: Mapping[tuple[int, int], Fact]
    """By version and group of CloudFront's."""
    kinds: Mapping[tuple[int, str], Fact]
    """By version and kind of certificate key: `ECDSA`, `RSA`."""
    beyond: Mapping[tuple[int, Beyond | None], Choice]
    """What is chosen where a hello goes beyond CloudFront's, by version and part; absent where nothing was."""
    needs_sni: Fact
    """Accepted: the address answers no hello without a server name."""
    intolerance: Fact
    """Accepted: a version that CloudFront offers is answered by itself, but not beside newer ones."""
    differing: tuple[str, ...] = ()
    """Ids of hellos that were the same and were answered differently, other than by a limit: nodes that differ."""
    limited: tuple[str, ...] = ()
    """Ids of hellos that ended before any byte, and were answered another time: a limit on connections or rate."""
    sometimes: Share | None = None
    """CloudFront's own hello is answered one time and not another, and not for the number of connections at a time."""
    client_certificate: tuple[str, ...] = ()
    """Ids of the hellos in answer to which a client certificate was asked for."""
    choices: Mapping[str, Choice] = msgspec.field(default_factory=dict)
    """By id of the observation."""

    def alive(self) -> tuple[int, ...]:
        """Return the versions accepted with what CloudFront has for them, newest first."""
        return tuple(v for v in sorted(self.versions, reverse=True) if self.versions[v].accepted)

    def spoken(self) -> tuple[int, ...]:
        """Return the versions that it speaks at all, also with what CloudFront does not have, newest first."""
        return tuple(sorted({*self.alive(), *(version for version, _ in self.beyond)}, reverse=True))

    def accepted_suites(self, version: int) -> tuple[int, ...]:
        """Return CloudFront's suites accepted in a version, in the order of CloudFront's hello."""
        return tuple(code for (v, code), fact in self.suites.items() if v == version and fact.accepted)

    def accepted_groups(self, version: int) -> tuple[int, ...]:
        """Return CloudFront's groups accepted in a version, in the order of CloudFront's hello."""
        return tuple(code for (v, code), fact in self.groups.items() if v == version and fact.accepted)

    def certificate_kinds(self) -> tuple[str, ...]:
        """Return the kinds of certificate keys seen."""
        return tuple(kind for kind in KINDS if any(f.accepted for (_, k), f in self.kinds.items() if k == kind))


def fold_each(handshakes: Sequence[Handshake]) -> tuple[Capabilities, ...]:
    """Return what each address accepts, in the order in which the addresses were seen."""
    by_place: dict[tuple[str, str], list[Handshake]] = {}
    for handshake in handshakes:
        by_place.setdefault((handshake.address, handshake.connected_to), []).append(handshake)
    return tuple(fold(each) for each in by_place.values())


def fold(handshakes: Sequence[Handshake]) -> Capabilities:
    """Return what one address accepts, from all hellos to it. Those whose offer is not known to us are passed over."""
    return _Fold(handshakes).capabilities()


class _Fold:
    """The hellos to one address, by question."""

    def __init__(self, handshakes: Sequence[Handshake]) -> None:
        self._first = handshakes[0] if handshakes else None
        self._asked = [(h, q) for h in handshakes if (q := question(h.offer)) is not None]
        self._by_question: dict[tuple[Purpose, int, int], list[tuple[Handshake, Question]]] = {}
        self._by_version: dict[int | None, list[Handshake]] = {}
        for one, what in self._asked:
            self._by_question.setdefault((what.purpose, what.version, what.code), []).append((one, what))
            if what.purpose is not Purpose.BEYOND and _consents(one, what):
                self._by_version.setdefault(one.version, []).append(one)
        self._served = {h.sni for h, q in self._asked if _consents(h, q)}
        same: dict[tuple[str, str | None], list[tuple[Handshake, Question]]] = {}
        for handshake, asked in self._asked:
            same.setdefault((handshake.offer, handshake.sni), []).append((handshake, asked))
        self._limited: list[str] = []
        self._differing: list[str] = []
        for group in same.values():
            ended = [h for h, _ in group if h.is_wordless]
            answered = [h for h, _ in group if h.bytes_received]
            if ended and answered:
                self._limited += [h.id for h in ended]
            if len({_signature(h) for h in answered if h.outcome in _DECIDED}) > 1:
                self._differing += [h.id for h in answered]

    def capabilities(self) -> Capabilities:
        """Return everything that the hellos show."""
        exact = self._exact()
        negotiated = self._negotiated()
        versions = {p.code: self._version(p.code) for p in PROTOCOLS}
        kinds = {(v, kind): self._kind(v, kind) for v in versions for kind in KINDS}
        suites = {
            (v, s.code): self._suite(v, s.code, kinds, versions[v]) for v in reversed(versions) for s in suites_of(v)
        }
        kinds = {key: self._by_suites(*key, fact, suites) for key, fact in kinds.items()}
        groups = {
            (v, g.code): self._group(v, g.code, kinds, suites, versions[v])
            for v in reversed(versions)
            if v >= TLS_1_0
            for g in GROUPS
        }
        beyond = self._beyond()
        return Capabilities(
            address=self._first.address if self._first else "",
            connected_to=self._first.connected_to if self._first else "",
            exact=exact,
            negotiated=negotiated,
            versions=versions,
            suites=suites,
            groups=groups,
            kinds=kinds,
            beyond=beyond,
            needs_sni=self._needs_sni(),
            intolerance=self._intolerance(exact, versions, beyond),
            differing=tuple(self._differing),
            limited=tuple(self._limited),
            sometimes=self._sometimes(),
            client_certificate=tuple(h.id for h, _ in self._asked if h.client_certificate_requested),
            choices={h.id: c for h, q in self._asked if (c := _choice(h, q)) is not None},
        )

    # --- facts ----------------------------------------------------------------------------------------------------

    def _fact(self, asked: Iterable[tuple[Handshake, Question]], accepted: Iterable[Handshake] = ()) -> Fact:
        """Return what hellos that ask the same say together; `accepted` are others that show consent as well."""
        asked = list(asked)
        consenting = [*(h for h, q in asked if _consents(h, q)), *accepted]
        if consenting:
            ids = tuple(dict.fromkeys(h.id for h in consenting))
            return Fact(Answer.ACCEPTED, _chosen(consenting[0]), handshakes=ids)
        refusals = [(h, why) for h, q in asked if (why := self._refusal(h, q))]
        if refusals:
            ids = tuple(dict.fromkeys(h.id for h, _ in refusals))
            return Fact(Answer.REFUSED, refusals[0][1], alert=refusals[0][0].alert, handshakes=ids)
        ended = [h for h, _ in asked if _ended_early(h)]
        ids = tuple(dict.fromkeys(h.id for h, _ in asked))
        if len(ended) > 1 and len(ended) == len(asked) and not self._limited and self._served:
            return Fact(Answer.REFUSED, f"{ended[0].outcome} {len(ended)} times before any byte", handshakes=ids)
        return Fact(Answer.UNKNOWN, _unanswered(asked[0][0]) if asked else "not asked", handshakes=ids)

    def _refusal(self, handshake: Handshake, asked: Question) -> str:
        """Return why a hello is refused, as a clause; empty where that is not known."""
        if handshake.outcome is HandshakeOutcome.ALERT:
            alert = handshake.alert
            is_name = alert == _NAME_ALERT and handshake.sni not in self._served
            if alert is None or alert in (_CLOSE_NOTIFY, _USER_CANCELED) or is_name:
                return ""
            return f"alert {alert} ({alert_name(alert)})"
        if handshake.outcome is HandshakeOutcome.MALFORMED and handshake.version is not None:
            if handshake.version not in asked.offer.versions:
                return f"chooses {version_name(handshake.version)}"
            return visible(handshake.detail, 160) or "breaks the protocol"
        return ""

    def _about(self, purpose: Purpose, *, version: int, code: int = 0) -> list[tuple[Handshake, Question]]:
        return self._by_question.get((purpose, version, code), [])

    def _consenting(self, version: int) -> list[Handshake]:
        """Return the hellos in answer to which a version was chosen with what CloudFront has."""
        return self._by_version.get(version, [])

    def _version(self, version: int) -> Fact:
        return self._fact(self._about(Purpose.VERSION, version=version), self._consenting(version))

    def _suite(self, version: int, code: int, kinds: Mapping[tuple[int, str], Fact], alive: Fact) -> Fact:
        shown = [h for h in self._consenting(version) if h.cipher_suite == code]
        fact = self._fact(self._about(Purpose.SUITE, version=version, code=code), shown)
        row = suite(code)
        kind = authenticates(row) if row else ""
        return self._by_the_whole(fact, alive, kinds.get((version, kind)), f"no {kind} certificate")

    def _group(
        self,
        version: int,
        code: int,
        kinds: Mapping[tuple[int, str], Fact],
        suites: Mapping[tuple[int, int], Fact],
        alive: Fact,
    ) -> Fact:
        shown = [h for h in self._consenting(version) if h.group == code]
        fact = self._fact(self._about(Purpose.GROUP, version=version, code=code), shown)
        if (
            fact.refused
            and version <= TLS_1_2
            and not kinds[version, "RSA"].accepted
            and kinds[version, "ECDSA"].accepted
        ):
            # RFC 8422 section 5.1: the curve of an ECDSA certificate must be among those offered too.
            why = f"{fact.why}, maybe for the curve of the certificate"
            fact = Fact(Answer.UNKNOWN, why, handshakes=fact.handshakes)
        elliptic = [f for (v, c), f in suites.items() if v == version and suite_name(c).startswith("ECDHE")]
        if elliptic and all(f.refused for f in elliptic):  # each was offered with every group
            return self._by_the_whole(fact, elliptic[0], None, "")
        return self._by_the_whole(fact, alive, None, "")

    def _kind(self, version: int, kind: str) -> Fact:
        purpose = Purpose.ECDSA if kind == "ECDSA" else Purpose.RSA
        shown = [h for h in self._consenting(version) if _kind_of(h) == kind]
        return self._by_the_whole(
            self._fact(self._about(purpose, version=version), shown), self._version(version), None, ""
        )

    @staticmethod
    def _by_suites(version: int, kind: str, fact: Fact, suites: Mapping[tuple[int, int], Fact]) -> Fact:
        """Return what the suites say of a kind of certificate that was not asked for by itself."""
        its = [suites[version, s.code] for s in suites_of(version) if authenticates(s) == kind]
        if fact.answer is not Answer.UNKNOWN or fact.handshakes or not its or not all(f.refused for f in its):
            return fact
        ids = tuple(dict.fromkeys(h for f in its for h in f.handshakes))
        return Fact(Answer.REFUSED, f"every suite for it: {its[0].why}", its[0].alert, ids)

    @staticmethod
    def _by_the_whole(fact: Fact, version: Fact, kind: Fact | None, why: str) -> Fact:
        """Return what a refusal of the whole says of a part that was not asked for."""
        if fact.answer is Answer.UNKNOWN and not fact.handshakes:
            if version.refused:
                return version
            if kind is not None and kind.refused:
                return Fact(Answer.REFUSED, f"{why}: {kind.why}", kind.alert, kind.handshakes)
        return fact

    # --- the exact hello ------------------------------------------------------------------------------------------

    def _exact_hellos(self) -> list[tuple[Handshake, Question]]:
        asked = [(h, q) for h, q in self._asked if q.purpose is Purpose.EXACT]
        return [(h, q) for h, q in asked if h.sni is not None] or asked

    def _exact(self) -> Fact:
        return self._fact(self._exact_hellos())

    def _negotiated(self) -> Choice | None:
        return next((c for h, q in self._exact_hellos() if (c := _choice(h, q)) is not None), None)

    def _sometimes(self) -> Share | None:
        """Count how CloudFront's hello fares with the name for which it fares worst; None where it does not vary.

        What ended while others were under way does not count where every hello asked alone was answered.
        """
        found: list[Share] = []
        own = [h for h, q in self._asked if q.purpose is Purpose.EXACT and h.sni is not None]
        for sni in dict.fromkeys(h.sni for h in own):
            hellos = [h for h in own if h.sni == sni and (h.bytes_received or h.is_wordless)]
            alone = [h for h in hellos if h.alone]
            if len(alone) >= ENOUGH_ALONE and not any(h.is_wordless for h in alone):
                continue
            counted = alone if any(h.is_wordless for h in alone) else hellos
            ended = tuple(h.id for h in counted if h.is_wordless)
            if ended and any(h.bytes_received for h in hellos):
                found.append(Share(len(counted) - len(ended), len(counted), counted is alone, ended))
        return min(found, key=lambda share: (share.answered / share.count, -share.count), default=None)

    def _needs_sni(self) -> Fact:
        """Compare hellos that differ in their server name alone."""
        served = {h.offer for h, q in self._asked if h.sni is not None and _consents(h, q)}
        without = [(h, q) for h, q in self._asked if h.sni is None and h.offer in served]
        if not without:
            return Fact()
        if any(_consents(h, q) for h, q in without):
            ids = tuple(h.id for h, q in without if _consents(h, q))
            return Fact(Answer.REFUSED, "a hello without a server name is answered", handshakes=ids)
        refusing = [h for h, _ in without if h.outcome is HandshakeOutcome.ALERT and h.alert is not None]
        if refusing:
            alert = refusing[0].alert or 0
            why = f"without one, alert {alert} ({alert_name(alert)})"
            return Fact(Answer.ACCEPTED, why, alert, tuple(h.id for h in refusing))
        fact = self._fact(without)
        if fact.refused:
            return Fact(Answer.ACCEPTED, f"without one, {fact.why}", handshakes=fact.handshakes)
        return fact

    def _intolerance(
        self, exact: Fact, versions: Mapping[int, Fact], beyond: Mapping[tuple[int, Beyond | None], Choice]
    ) -> Fact:
        hellos = self._exact_hellos()
        if not hellos:
            return Fact()
        minimum = min(q.version for _, q in hellos)
        alive = [v for v in sorted(versions, reverse=True) if minimum <= v < TLS_1_3 and versions[v].accepted]
        by_itself = [h for v in alive for h, q in self._about(Purpose.VERSION, version=v) if _consents(h, q)]
        if exact.accepted:
            return Fact(Answer.REFUSED, exact.why, handshakes=exact.handshakes)
        if not by_itself or any(version > alive[0] for version, _ in beyond):
            return Fact(why=exact.why if by_itself else "no older version is seen to be answered by itself")
        if any(h.version is not None for h, _ in hellos):
            return Fact(why=exact.why)  # it chose a version, and failed later
        is_asked_alone = sum(h.alone for h, _ in hellos) >= ENOUGH_ALONE and any(h.alone for h in by_itself)
        if all(_ended_early(h) for h, _ in hellos) and not is_asked_alone:  # maybe only one connection of too many
            return Fact(why="ended without a word, and not asked alone", handshakes=exact.handshakes)
        is_silent = sum(h.outcome is HandshakeOutcome.TIMEOUT for h, _ in hellos) > 1
        if exact.refused or is_silent:
            why = f"{version_name(alive[0])} by itself is answered; beside newer versions: {exact.why}"
            return Fact(Answer.ACCEPTED, why, exact.alert, (*exact.handshakes, *(h.id for h in by_itself)))
        return Fact(why=exact.why, handshakes=exact.handshakes)

    def _beyond(self) -> dict[tuple[int, Beyond | None], Choice]:
        found: dict[tuple[int, Beyond | None], Choice] = {}
        for handshake, asked in self._asked:
            choice = _choice(handshake, asked)
            if asked.purpose is Purpose.BEYOND and choice is not None:
                found.setdefault((asked.version, asked.part), choice)
        return found


_DECIDED = frozenset({HandshakeOutcome.HELLO, HandshakeOutcome.ALERT})


def _consents(handshake: Handshake, asked: Question) -> bool:
    """True where the server chose from what was offered, even if its flight did not come to its end."""
    if handshake.version not in asked.offer.versions or handshake.cipher_suite not in asked.offer.suites:
        return False
    if handshake.outcome is HandshakeOutcome.HELLO or handshake.outcome in _AFTER_SERVER_HELLO:
        return True
    # A group that we can name in a hello but have no arithmetic for still is the group the server asks for.
    return (
        asked.purpose is Purpose.BEYOND
        and handshake.outcome is HandshakeOutcome.MALFORMED
        and handshake.hello_retry
        and handshake.group in asked.offer.groups
    )


def _choice(handshake: Handshake, asked: Question) -> Choice | None:
    if not _consents(handshake, asked) or handshake.version is None or handshake.cipher_suite is None:
        return None
    leaf = handshake.certificates[0] if handshake.certificates else b""
    return Choice(
        handshake.version, handshake.cipher_suite, handshake.group, handshake.signature_scheme, leaf, handshake.id
    )


def _kind_of(handshake: Handshake) -> str:
    """Return the kind of key with which the server proves itself: `ECDSA`, `RSA`; empty where that is not seen."""
    row = suite(handshake.cipher_suite or 0)
    kind = authenticates(row) if row else ""
    if kind or handshake.signature_scheme is None:
        return kind
    scheme = handshake.signature_scheme
    if scheme in (0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B):
        return "RSA"
    return "ECDSA" if scheme in (0x0403, 0x0503, 0x0603) else ""


def _ended_early(handshake: Handshake) -> bool:
    """True where a connection came about and ended before any byte."""
    return handshake.outcome in _ENDED and not handshake.bytes_received


def _signature(handshake: Handshake) -> tuple[object, ...]:
    """Return what must be the same whenever the same node is asked the same."""
    leaf = handshake.certificates[:1]
    return (handshake.outcome, handshake.alert, handshake.version, handshake.cipher_suite, handshake.group, leaf)


def _chosen(handshake: Handshake) -> str:
    return f"{version_name(handshake.version or 0)} with {suite_name(handshake.cipher_suite or 0)}"


def _unanswered(handshake: Handshake) -> str:
    if handshake.outcome is HandshakeOutcome.ALERT:
        return f"alert {handshake.alert} ({alert_name(handshake.alert or 0)})"
    return visible(handshake.detail, 160) or handshake.outcome.value
