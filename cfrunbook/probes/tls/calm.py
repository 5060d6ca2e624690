"""Asks again, one at a time, what ended without a word: only that tells a limit on connections from a refusal.

Many connections at once may be more than an origin allows one client. What it does with a single one, after a pause,
is no matter of how many we opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from cfrunbook.cloudfront.origin_tls import Offer
from cfrunbook.cloudfront.tls_offers import Purpose, question
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tls.probe import hello

TIMES = 5
"""Times that each doubtful hello is asked: an origin that serves four connections in a row still shows its limit."""
CONTROLS = 2
"""Times that a hello which was answered is asked in between, where CloudFront's own never was."""
MAX_NAMES = 6
"""Server names that are asked for again."""
PAUSE = 0.2
"""Seconds before each: the previous connection must be gone at the origin, too."""

Hello = tuple[Offer, str | None]
"""What is offered, and the server name."""


def in_doubt(seen: Sequence[Handshake], exact: Offer) -> tuple[Hello, ...]:
    """Return what to ask again, in this order, given all that was seen at one address; empty where nothing is in doubt.

    CloudFront's `exact` hello is, for every name with which it ended without a word, and for the first one as soon as
    any hello was answered one time and ended without a word another time. Where it was never answered, a hello that
    was shows whether anything is answered at that moment. Nothing is in doubt where nothing was ever answered.
    """
    if not any(h.bytes_received for h in seen):
        return ()
    own = [h for h in seen if h.offer == exact.name]
    names = list(dict.fromkeys(h.sni for h in own if h.is_wordless))
    if own and own[0].sni not in names and shows_limit(seen):
        names.insert(0, own[0].sni)
    asked: list[Hello] = []
    for name in names[:MAX_NAMES]:
        is_never_answered = not any(h.bytes_received for h in own if h.sni == name)
        control = _control(seen, name, exact) if is_never_answered else None
        asked += [(exact, name)] * TIMES
        asked += [(control, name)] * CONTROLS if control is not None else []
    return tuple(asked)


def shows_limit(seen: Sequence[Handshake]) -> bool:
    """Tell whether any hello to one address was answered one time and ended without a word another time."""
    answered = {(h.offer, h.sni) for h in seen if h.bytes_received}
    return any(h.is_wordless and (h.offer, h.sni) in answered for h in seen)


def _control(seen: Sequence[Handshake], name: str | None, exact: Offer) -> Offer | None:
    """Return the hello for the newest single version that was answered, of those that `exact` offers."""
    answered = [
        q
        for h in seen
        if h.sni == name and h.outcome is HandshakeOutcome.HELLO and (q := question(h.offer)) is not None
    ]
    versions = [q for q in answered if q.purpose is Purpose.VERSION and q.version in exact.versions]
    newest = max(versions, key=lambda q: q.version, default=None)
    return newest.offer if newest is not None else None


async def ask_alone(endpoint: Endpoint, hellos: Sequence[Hello], *, deadline: float) -> tuple[Handshake, ...]:
    """Ask `hellos` one after the other with a pause before each, while nothing else is asked of the address.

    Each has `deadline` seconds; after one that stays without an answer no other is asked. Only cancellation is raised.
    """
    answers: list[Handshake] = []
    for offer, sni in hellos:
        await asyncio.sleep(PAUSE)
        seen = await hello(endpoint, sni=sni, offer=offer, deadline=deadline)
        answers.append(msgspec.structs.replace(seen, alone=True))
        if seen.outcome is HandshakeOutcome.TIMEOUT or seen.elapsed_ms >= deadline * 900:
            break
    return tuple(answers)
