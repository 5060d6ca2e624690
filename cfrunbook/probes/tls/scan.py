"""Enumerates what an origin accepts of what CloudFront offers: which questions to ask (pure), and asking them.

The questions are ClientHellos of `cloudfront.tls_offers`; the exact hello of CloudFront, with each server name, is
asked elsewhere. Answers decide what to ask next, see `next_offers`. Nothing is concluded here: a hello that was not
asked, or not answered, simply has no observation that tells.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import count
from typing import Literal

from cfrunbook.cloudfront.origin_tls import (
    GROUPS,
    P_384,
    PROTOCOLS,
    TLS_1_0,
    TLS_1_2,
    TLS_1_3,
    X25519,
    Offer,
    suite,
)
from cfrunbook.cloudfront.origin_tls import offer as exact_offer
from cfrunbook.cloudfront.targets import TlsMinimum
from cfrunbook.cloudfront.tls_offers import (
    Beyond,
    Purpose,
    authenticates,
    beyond_offer,
    ecdsa_offer,
    group_offer,
    question,
    rsa_offer,
    suite_offer,
    suites_of,
    version_offer,
)
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.probes.endpoint import POLITE_CONNECTIONS, Endpoint
from cfrunbook.probes.tls.probe import hello

Pace = Literal["polite", "fast"]

JITTER = 0.01
"""Seconds: the most by which the first polite connections are delayed; each later one starts when another ends."""
MAX_CONNECTIONS = 52
"""Connections of one scan for first questions; what does not fit is left out, the oldest versions first."""
MAX_REPETITIONS = 48
"""Further connections, only to an origin that ends some before any byte: most of them one after the other."""
RETRY_PAUSE = 0.05
"""Seconds between connections to an origin that limits them: the previous one must be gone there too."""
_SAMPLE = 3
"""Hellos that are repeated one by one before the rest is, to find out whether a limit is the reason at all."""
_NOT_ABOUT_PARAMETERS = frozenset({70, 112})
"""protocol_version and unrecognized_name: other suites or groups would be refused alike."""
_DEAD = frozenset({HandshakeOutcome.TIMEOUT, HandshakeOutcome.NOT_TLS, HandshakeOutcome.NOT_CONNECTED})
_KINDS = {"ECDSA": ecdsa_offer, "RSA": rsa_offer}
_LIKELY = (
    rsa_offer(TLS_1_2),
    group_offer(TLS_1_3, X25519),
    group_offer(TLS_1_3, P_384),
    group_offer(TLS_1_2, X25519),
    group_offer(TLS_1_2, P_384),
    suite_offer(TLS_1_3, 0x1303),
    *(suite_offer(TLS_1_2, code) for code in (0xC027, 0xC013, 0x002F)),
)
"""What servers seldom choose by themselves, so that it must be asked for; nine, which fill the first connections."""


# --- what to ask --------------------------------------------------------------------------------------------------


def version_offers() -> tuple[Offer, ...]:
    """Return the first questions: each version by itself, the newest first."""
    return tuple(version_offer(p.code) for p in reversed(PROTOCOLS))


def opening_offers(known: Sequence[Handshake], minimum: TlsMinimum) -> tuple[Offer, ...]:
    """Return the polite first questions: what `next_offers` asks, and what a healthy origin is asked sooner or later.

    All of it would be asked anyway of an origin with TLS 1.2 and 1.3 and an RSA certificate beside one for ECDSA, and
    most of it of any other: so the first connections are as many as may be open at a time, and little is left for
    later. Where CloudFront's hello is known to fail, nothing is guessed.
    """
    asked = next_offers(known, minimum)
    if any(h.outcome is not HandshakeOutcome.HELLO for h in known):
        return asked
    guesses = _LIKELY[1:] if "RSA" in _Seen(known, ()).kinds(TLS_1_3, TLS_1_2) else _LIKELY
    chosen = {suite_offer(h.version, h.cipher_suite).name for h in known if h.version and h.cipher_suite}
    chosen |= {group_offer(h.version, h.group).name for h in known if h.version and h.group}
    return tuple(dict.fromkeys((*asked, *(o for o in guesses if o.name not in chosen))))


def speculative_offers(minimum: TlsMinimum) -> tuple[Offer, ...]:
    """Return all that may be asked at once before anything is known: versions, and the parts of TLS 1.2 and 1.3.

    The rest depends on answers, see `next_offers`.
    """
    offers = list(version_offers())
    for version in (TLS_1_3, TLS_1_2):
        if version >= exact_offer(minimum).minimum:
            offers += [suite_offer(version, s.code) for s in suites_of(version)]
            offers += [group_offer(version, g.code) for g in GROUPS]
    return (*offers, ecdsa_offer(TLS_1_3), rsa_offer(TLS_1_3))


def next_offers(seen: Sequence[Handshake], minimum: TlsMinimum, *, asked: Iterable[str] = ()) -> tuple[Offer, ...]:
    """Return what to ask next, given what was seen at one address; empty where nothing more is worth a connection.

    First the versions; then, of every version alive that CloudFront would use here, the suites that the certificates
    allow, the groups and the other kind of certificate; and where a version is answered with anything but its own
    refusal, what it would rather have. Nothing that has been answered, or shown by another answer, or that stands in
    `asked` (names of offers under way), is asked.
    """
    look = _Seen(seen, asked)
    wanted = (*version_offers(), *look.details(exact_offer(minimum).minimum))
    return tuple(dict.fromkeys(o for o in wanted if o.name not in look.asked))


class _Seen:
    """What the answers so far show."""

    def __init__(self, seen: Sequence[Handshake], asked: Iterable[str]) -> None:
        self.answered = {h.offer for h in seen}
        self.asked = frozenset(self.answered.union(asked))
        self._questions = [(h, q) for h in seen if (q := question(h.offer)) is not None]
        self._chosen = [
            h for h, q in self._questions if h.outcome is HandshakeOutcome.HELLO and q.purpose is not Purpose.BEYOND
        ]
        self.alive = {h.version for h in self._chosen}

    def details(self, minimum: int) -> Iterator[Offer]:
        """Yield the questions about single versions, the most telling first."""
        under_way = self.asked - self.answered  # what the version by itself shows need not be asked for
        used = [v for v in (TLS_1_3, TLS_1_2) if v in self.alive and version_offer(v).name not in under_way]
        is_early = not {version_offer(v).name for v in (TLS_1_3, TLS_1_2)} <= self.answered
        for version in used:
            yield from self._of(version)
        if not is_early:
            yield from self._of_old_versions(minimum)
        has_modern = is_early or bool({TLS_1_2, TLS_1_3} & self.alive)
        for protocol in reversed(PROTOCOLS):
            version = protocol.code
            if version >= TLS_1_2 or (version >= TLS_1_0 and not has_modern):
                yield from self._beyond(version)

    def _of(self, version: int) -> Iterator[Offer]:
        yield from self._other_kind(version)  # first: what it finds leads to more
        yield from self._suites(version)
        yield from self._groups(version)

    def _of_old_versions(self, minimum: int) -> Iterator[Offer]:
        """Yield the questions about the newest old version of which not all is known, once newer ones leave none open.

        So the newest versions come first where there are too many questions.
        """
        for protocol in reversed(PROTOCOLS):
            version = protocol.code
            if version < minimum or (version < TLS_1_2 and version not in self.alive):
                continue
            questions = list(self._of(version)) if version in self.alive else []
            if version < TLS_1_2:
                yield from questions
            if any(o.name not in self.answered for o in questions) or self._is_under_way(version):
                return

    def _is_under_way(self, version: int) -> bool:
        return any((q := question(name)) and q.version == version for name in self.asked - self.answered)

    def _suites(self, version: int) -> Iterator[Offer]:
        shown = {h.cipher_suite for h in self._chosen if h.version == version}
        known = self.kinds(version)
        for row in suites_of(version):
            kind = authenticates(row)
            if row.code not in shown and (not kind or kind in known):
                yield suite_offer(version, row.code)

    def _other_kind(self, version: int) -> Iterator[Offer]:
        known = self.kinds(version)
        for kind, build in _KINDS.items():
            suites = [suite_offer(version, s.code).name for s in suites_of(version) if authenticates(s) == kind]
            if known and kind not in known and not (suites and self.asked.issuperset(suites)):
                yield build(version)

    def _groups(self, version: int) -> Iterator[Offer]:
        chosen = {h.group for h in self._chosen if h.version == version}
        if any(chosen):  # a version that is served with static RSA alone may have no group at all: one is enough to see
            yield from (group_offer(version, g.code) for g in GROUPS if g.code not in chosen)
        elif version >= TLS_1_0:
            yield group_offer(version, GROUPS[0].code)

    def kinds(self, *versions: int) -> set[str]:
        """Return the kinds of certificate keys seen in any of these versions."""
        kinds = set()
        for handshake in self._chosen:
            row = suite(handshake.cipher_suite or 0)
            if handshake.version in versions and row is not None:
                scheme = handshake.signature_scheme or 0
                is_ecdsa = scheme >> 8 < 8 and scheme & 0xFF == 3
                kinds.add(authenticates(row) or ("ECDSA" if is_ecdsa else "RSA"))
        return kinds

    def _beyond(self, version: int) -> Iterator[Offer]:
        """Yield what asks for the other things that a version may want, where it gave a reason to ask.

        That is an answer which is neither consent nor a refusal of the version itself, or consent without any curve.
        """
        answers = [h for h, q in self._questions if q.purpose is Purpose.VERSION and q.version == version]
        if any(h.outcome is HandshakeOutcome.HELLO for h in answers):
            if not any(h.group for h in self._chosen if h.version == version):
                yield beyond_offer(version, Beyond.GROUPS)
        elif any(
            h.outcome not in _DEAD and h.alert not in _NOT_ABOUT_PARAMETERS and h.version in (None, version)
            for h in answers
        ):
            yield from (beyond_offer(version, part) for part in (Beyond.SUITES, Beyond.GROUPS))
            if version >= TLS_1_2:  # signature schemes do not exist before
                yield from (beyond_offer(version, part) for part in (Beyond.KEYS, None))


# --- asking -------------------------------------------------------------------------------------------------------


async def scan(
    endpoint: Endpoint,
    *,
    sni: str | None,
    minimum: TlsMinimum,
    deadline: float,
    pace: Pace = "polite",
    gate: AbstractAsyncContextManager[object] | None = None,
    progress: Callable[[Handshake], None] | None = None,
    known: Sequence[Handshake] = (),
    most: int = MAX_CONNECTIONS,
) -> tuple[Handshake, ...]:
    """Ask `endpoint` what it accepts of what CloudFront offers, and return every answer in the order of asking.

    Each hello has `deadline` seconds; after one that stays without an answer nothing new is asked, so that any number
    of dead answers costs about one deadline. `pace="polite"` keeps to sixteen connections at a time, or to those of
    `gate` (a semaphore shared with other probes of the address); `fast` asks everything at once. A connection that
    ends before any byte, while others are answered, is repeated by itself: an origin may limit connections.
    `known` is what is known of the address already. Never more than `most` (at most `MAX_CONNECTIONS`) connections, the
    newest versions first, and `MAX_REPETITIONS` where an origin limits them. Only cancellation is raised.
    """
    if gate is None:
        gate = asyncio.Semaphore(POLITE_CONNECTIONS) if pace == "polite" else nullcontext()
    run = _Scan(
        lambda offer: hello(endpoint, sni=sni, offer=offer, deadline=deadline),
        minimum=minimum,
        deadline=deadline,
        jitter=JITTER if pace == "polite" else 0,
        gate=gate,
        progress=progress or (lambda _: None),
        known=known,
        most=min(most, MAX_CONNECTIONS),
    )
    offers = speculative_offers(minimum) if pace == "fast" else opening_offers(known, minimum)
    while offers and not run.is_over:
        await run.ask(offers)
        await run.repeat_the_wordless()
        offers = run.next_offers()
    return run.answers


class _Scan:
    """A scan under way."""

    def __init__(
        self,
        ask: Callable[[Offer], Awaitable[Handshake]],
        *,
        minimum: TlsMinimum,
        deadline: float,
        jitter: float,
        gate: AbstractAsyncContextManager[object],
        progress: Callable[[Handshake], None],
        known: Sequence[Handshake],
        most: int,
    ) -> None:
        self._ask = ask
        self._minimum = minimum
        self._deadline = deadline
        self._jitter = jitter
        self._gate = gate
        self._progress = progress
        self._known = known
        self._answers: dict[int, Handshake] = {}
        self._asked: Counter[str] = Counter()
        self._places = count()
        self._left = most
        self._repetitions_left = MAX_REPETITIONS
        self._is_silent = False
        self._is_limited = False

    @property
    def answers(self) -> tuple[Handshake, ...]:
        """Every answer, in the order of asking."""
        return tuple(self._answers[place] for place in sorted(self._answers))

    @property
    def is_over(self) -> bool:
        """True where another connection would bring nothing, or is one too many."""
        return self._is_silent or self._left <= 0

    def next_offers(self) -> tuple[Offer, ...]:
        """Return what is worth asking and has not been asked."""
        return next_offers((*self._known, *self.answers), self._minimum, asked=self._asked)

    async def ask(self, offers: Sequence[Offer]) -> None:
        """Ask, and what the answers lead to: at once or, where the origin has shown a limit, one after the other."""
        if self._is_limited:
            for offer in offers:
                await self._ask_alone(offer)
            return
        async with asyncio.TaskGroup() as group:

            async def one(offer: Offer) -> None:
                await self._hello(offer)
                launch(self.next_offers())

            def launch(more: Sequence[Offer]) -> None:
                for offer in more:
                    self._asked[offer.name] += 1
                    group.create_task(one(offer))

            launch(offers)

    async def repeat_the_wordless(self) -> None:
        """Ask again what ended before any byte, as long as that may be a limit rather than an answer.

        A few are repeated one by one. Where all of them end in the same way, the origin means it and the others are
        repeated together. A hello that was answered before shows at the end whether repeating was worth anything: where
        even that one fails, its two answers say so.
        """
        wordless = self._wordless(1)
        control = next((h.offer for h in self.answers if h.outcome is HandshakeOutcome.HELLO), None)
        if not wordless or control is None:
            return
        self._left += min(len(wordless) + _SAMPLE, self._repetitions_left)
        self._repetitions_left -= min(len(wordless) + _SAMPLE, self._repetitions_left)
        first, rest = wordless[:_SAMPLE], wordless[_SAMPLE:]
        for offer in first:
            await self._ask_alone(offer)
        if any(h.bytes_received for h in self.answers if h.offer in {o.name for o in first}):
            self._is_limited = True
            for offer in rest:
                await self._ask_alone(offer)
            for offer in self._wordless(2):  # its slot may not have been free yet
                await self._ask_alone(offer)
        elif rest:
            async with asyncio.TaskGroup() as group:
                for offer in rest:
                    self._asked[offer.name] += 1
                    group.create_task(self._hello(offer))
        proof = question(control)
        if proof is not None:
            await self._ask_alone(proof.offer)

    async def _ask_alone(self, offer: Offer) -> None:
        if not self.is_over:
            self._asked[offer.name] += 1
            await asyncio.sleep(RETRY_PAUSE)
            await self._hello(offer)

    def _wordless(self, times: int) -> list[Offer]:
        """Return what has been asked so many times and was always answered without a word."""
        answers: dict[str, list[bool]] = {}
        for handshake in self.answers:
            answers.setdefault(handshake.offer, []).append(handshake.is_wordless)
        names = [name for name, wordless in answers.items() if len(wordless) == times and all(wordless)]
        return [q.offer for name in names if (q := question(name)) is not None]

    async def _hello(self, offer: Offer) -> None:
        place = next(self._places)
        async with self._gate:
            if self.is_over:
                return
            self._left -= 1
            if self._jitter and place < POLITE_CONNECTIONS:
                await asyncio.sleep(random.uniform(0, self._jitter))  # noqa: S311 - spreads load, guards nothing
            seen = await self._ask(offer)
        is_unanswered = seen.outcome is HandshakeOutcome.TIMEOUT or (
            seen.outcome is HandshakeOutcome.NOT_CONNECTED and seen.elapsed_ms >= self._deadline * 900
        )
        if seen.outcome is HandshakeOutcome.NOT_TLS or (is_unanswered and not seen.bytes_received):
            self._is_silent = True
        self._answers[place] = seen
        self._progress(seen)
