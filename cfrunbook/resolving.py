"""Find out where an origin is: its own name servers, all of them, and resolvers beside, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from cfrunbook.evidence import AUTHORITATIVE, Resolution

if TYPE_CHECKING:
    from cfrunbook.cloudfront.targets import Target
    from cfrunbook.incident import Incident
    from cfrunbook.probes.dns import Resolved, Walking

PATIENCE = 1.0
"""Seconds by which the name servers may take longer than a resolver before the latter's addresses are used."""


def walking(incident: Incident, progress: Callable[[str], None]) -> Walking | None:
    """Return the walk, not begun, to the name servers of every name that is to be resolved; None where there is none.

    Names that --connect-to relocates are not resolved.
    """
    from cfrunbook.probes.dns import DEADLINE, Walking, hints
    from cfrunbook.probes.resolve import needs_no_question

    names = dict.fromkeys(
        t.domain
        for t in incident.targets
        if not t.not_probed
        and incident.relocations.endpoints(t.domain, t.port) is None
        and not needs_no_question(t.domain)
    )
    if not names:
        return None
    return Walking(
        names,
        incident.root_hints or hints.shuffled(hints.built_in()),
        relocations=incident.relocations,
        deadline=min(DEADLINE, incident.deadline),
        lab=bool(incident.inputs.lab),
        progress=progress,
    )


class Resolving:
    """One name: what its own name servers say of it, and what resolvers do."""

    def __init__(
        self,
        incident: Incident,
        target: Target,
        walking: Walking | None,
        record: Callable[[Resolution], None],
        progress: Callable[[str], None],
    ) -> None:
        """Prepare to resolve the name of `target`; `walking` is under way elsewhere, `record` takes what is seen."""
        self._incident = incident
        self._target = target
        self._walking = walking
        self._record = record
        self._progress = progress

    async def addresses(self, group: asyncio.TaskGroup) -> AsyncIterator[tuple[str, ...]]:
        """Yield the addresses to connect to: what name servers give, or else resolvers; then all that came later.

        A walk that is held up (port 53 may be blocked from here) holds up nothing: the resolver's addresses then do.
        """
        asking = group.create_task(self._ask_resolvers())
        if self._walking is None:
            yield await asking
            return
        early = group.create_task(self._walking.addresses(self._target.domain))
        await asyncio.wait({asking, early}, return_when=asyncio.FIRST_COMPLETED)
        if not early.done():
            await asyncio.wait({early}, timeout=PATIENCE if asking.result() else None)
        if early.done() and (found := early.result()):
            yield self._in_order(found.ipv4, found.ipv6)
        else:
            yield await asking
        await self._walking.ended.wait()
        if found := self._walking.final(self._target.domain):
            self._record(_resolution(self._target.domain, found))
            yield self._in_order(found.ipv4, found.ipv6)

    async def _ask_resolvers(self) -> tuple[str, ...]:
        """Ask each resolver; return the addresses of the first that has some."""
        from cfrunbook.probes.resolve import resolve

        incident = self._incident
        if incident.inputs.lab and incident.root_hints and not incident.resolver:
            return ()  # the system's resolver knows nothing of the lab's own tree
        resolvers: Sequence[tuple[str, ...]] = [(r,) for r in incident.resolver] or [()]
        asked = (
            resolve(
                self._target.domain,
                ip_address_type=self._target.ip_address_type,
                resolvers=resolver,
                deadline=incident.deadline,
            )
            for resolver in resolvers
        )
        seen = await asyncio.gather(*asked)
        for resolution in seen:
            self._record(resolution)
            self._progress(f"{self._target.domain}: {resolution.outcome}")
        return next((found for r in seen if (found := self._in_order(r.ipv4, r.ipv6))), ())

    def _in_order(self, ipv4: tuple[str, ...], ipv6: tuple[str, ...]) -> tuple[str, ...]:
        # Those that CloudFront uses come first: the others are examined only as far as there is room.
        return ipv6 + ipv4 if self._target.ip_address_type == "ipv6" else ipv4 + ipv6


def _resolution(domain: str, found: Resolved) -> Resolution:
    return Resolution(
        id="",
        name=domain,
        resolver=AUTHORITATIVE,
        outcome=found.outcome,
        ipv4=found.ipv4,
        ipv6=found.ipv6,
        cnames=found.cnames,
    )
