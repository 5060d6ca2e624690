"""Observe every target of an incident at once, each probe within its deadline: the only part that uses the network."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import platform
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cfrunbook import __version__, free_text, idle
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import (
    AddressRanges,
    Connection,
    ConnectOutcome,
    DnsQuery,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    FunctionRun,
    Handshake,
    HandshakeOutcome,
    Inputs,
    Observations,
    Resolution,
    ResolutionOutcome,
    SecondOpinion,
)
from cfrunbook.findings import NotExamined
from cfrunbook.probes.address import is_loopback
from cfrunbook.probes.endpoint import POLITE_CONNECTIONS, Endpoint
from cfrunbook.resolving import Resolving, walking
from cfrunbook.text import join_names

if TYPE_CHECKING:
    import socket

    from cfrunbook.incident import Incident

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

Progress = Callable[[str], None]
"""Called with one short line whenever something has been seen."""

MAX_ADDRESSES = 16
"""Addresses examined per origin: an origin's DNS answer is hostile input too."""
POLITE_HELLOS = 4
"""Concurrent connections to one origin with `pace="polite"`, beside the first to each address and what enumerates.

None of them lets one address have more than `endpoint.POLITE_CONNECTIONS` at a time: that is what the gates are for.
"""
MAX_HELLOS = 60
"""TLS connections to one address, but for repetitions where an origin limits connections."""
REPEATS = 2
"""Times that the first hello to an address is said again: behind one address may be nodes that differ."""
MAX_SCANS = 2
"""Addresses of a target that are asked for every version, suite and group."""
MAX_OPINIONS = 8
"""Targets for which AWS's own TLS library is asked as well: each time is a process of its own."""
MAX_OPEN = 200
"""Sockets open at a time over all origins: a shell may allow no more than 256 files (macOS)."""
IDLE_MARGIN = 1.0
"""Seconds by which an idle connection is watched for longer than CloudFront keeps it."""
POLITE_JITTER = 0.02
"""Seconds: the most by which a polite connection after the first is delayed."""
SO_FAR = 2.0
"""Seconds after which, again and again, what was seen so far is told to whoever keeps it."""

_NOTHING_TO_ENUMERATE = frozenset(
    {HandshakeOutcome.TIMEOUT, HandshakeOutcome.NOT_TLS, HandshakeOutcome.NOT_CONNECTED, HandshakeOutcome.TOO_LARGE}
)
_WITHOUT_A_WORD = frozenset({"NOT_CONNECTED", "CLOSED", "IO", "TIMEOUT"})
"""What AWS's own TLS library calls endings that may be chance or a limit on connections."""
_WORDLESS = frozenset({ExchangeOutcome.TLS_FAILED, ExchangeOutcome.CLOSED, ExchangeOutcome.RESET})


async def observe(
    incident: Incident,
    *,
    progress: Progress | None = None,
    afterwards: Sequence[str] = (),
    stop: asyncio.Event | None = None,
    so_far: Callable[[Observations], None] | None = None,
) -> Observations:
    """Look at every target of `incident` as CloudFront would, all at once, each probe within the deadline.

    With a recording as input nothing is probed and the recording is returned. `afterwards` are modules that the caller
    is going to import: that is done while probes wait. Once `stop` is set, the probes that are still under way are
    cancelled and what was seen until then is returned, with `stopped_after` set. A look that takes long tells `so_far`
    the same every now and then, for this process may be killed; it must neither raise nor take long.
    """
    if incident.observations is not None:
        return await _with_live_ranges(incident, incident.observations)
    recorded_at, begun = dt.datetime.now(dt.UTC), time.monotonic()
    look = _Look(incident, progress or (lambda _: None))
    # All at once below: a module that is first imported there may find no file descriptor left to open its file.
    from cfrunbook.probes import exchange, tcp  # noqa: F401

    if look.walking is None and any(t.protocol == "https" for t in incident.targets):
        import cryptography.x509  # noqa: F401

        from cfrunbook.probes import s2n, tls  # noqa: F401

    def seen(*, ended: bool) -> Observations:
        found = look.observations(recorded_at)
        if incident.secrets:
            found = free_text.of_what_was_seen(found, incident.secrets)
        return found if ended else msgspec.structs.replace(found, stopped_after=round(time.monotonic() - begun, 3))

    telling = asyncio.create_task(_tell(so_far, lambda: seen(ended=False))) if so_far is not None else None
    try:
        ended = await _until(look.everything(afterwards), stop)
    finally:
        if telling is not None:
            telling.cancel()
    return seen(ended=ended)


async def _tell(so_far: Callable[[Observations], None], seen: Callable[[], Observations]) -> None:
    """Tell what was seen so far, every now and then."""
    while True:
        await asyncio.sleep(SO_FAR)
        so_far(seen())


async def _until(work: Coroutine[Any, Any, None], stop: asyncio.Event | None) -> bool:
    """Do `work` until it ends or `stop` is set, then cancel it; return whether it ended. Its exceptions are raised."""
    if stop is None:
        await work
        return True
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = task.done()
        for one in (task, stopped):
            one.cancel()
        # Until its sockets are closed: whoever stops a look may look again at once.
        await asyncio.wait((task, stopped))
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
    return ended


async def _with_live_ranges(incident: Incident, recorded: Observations) -> Observations:
    """Return a recording with the address ranges as they are now, where that was asked for."""
    look = _Look(incident, lambda _: None)
    await look.address_ranges()
    if not look.not_observed and look.ranges is None:
        return recorded
    return msgspec.structs.replace(
        recorded, inputs=look.inputs(recorded.inputs), not_observed=(*recorded.not_observed, *look.not_observed)
    )


def observe_sync(incident: Incident, *, progress: Progress | None = None) -> Observations:
    """Observe `incident`; also works where an event loop already runs (Jupyter)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(observe(incident, progress=progress))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(observe(incident, progress=progress))).result()


class _Look:
    """The probes of one incident under way, and what they have brought so far."""

    def __init__(self, incident: Incident, progress: Progress) -> None:
        self.incident = incident
        self.progress = progress
        self.resolutions: list[Resolution] = []
        self.connections: list[tuple[tuple[int, ...], Connection]] = []
        self.exchanges: list[tuple[tuple[int, ...], Exchange]] = []
        self.handshakes: list[tuple[tuple[int, ...], Handshake]] = []
        self.second_opinions: list[tuple[tuple[int, ...], SecondOpinion]] = []
        self.not_observed: list[NotExamined] = []
        self.dns_queries: list[DnsQuery] = []
        self.ranges: AddressRanges | None = None
        self.function_runs: list[FunctionRun] = []
        self.in_lab = bool(incident.inputs.lab)
        self.walking = walking(incident, progress)
        self._open = asyncio.Semaphore(MAX_OPEN)
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._scans: Counter[str] = Counter()
        with_tls = [t.id for t in incident.targets if t.protocol == "https" and not t.not_probed]
        self._second_opinions_on = frozenset(with_tls[:MAX_OPINIONS])

    async def everything(self, afterwards: Sequence[str] = ()) -> None:
        """Look at everything at once; import meanwhile what comes next, and the modules `afterwards`."""
        targets = self.incident.targets
        async with asyncio.TaskGroup() as group:
            group.create_task(self.walk())
            group.create_task(
                idle.bring((*(idle.WALK if self.walking else ()), *idle.JUDGES, *idle.RECORDING, *afterwards))
            )
            group.create_task(self.address_ranges())
            group.create_task(self.handler())
            for domain in dict.fromkeys(t.domain for t in targets if not t.not_probed):
                group.create_task(self.origin(domain, [t for t in targets if t.domain == domain]))

    async def walk(self) -> None:
        """Ask every authoritative name server of the names that are to be resolved, all in one walk."""
        if self.walking is not None:
            from cfrunbook.causes.dns_conditions import Control, control

            found = await self.walking.run()
            self.dns_queries = found.queries
            if control(found.queries) in (Control.BLOCKED, Control.NO_UDP):
                from cfrunbook.causes.dns_servers import why_not_heard

                self.not_observed.append(
                    NotExamined(
                        what="the name servers of the origin",
                        why=why_not_heard(found.queries),
                        next_check="Look again where name servers may be asked (UDP and TCP port 53 to everywhere).",
                    )
                )
            elif found.cut_short:
                self.not_observed.append(
                    NotExamined(what="some questions to name servers", why="a walk has a limit of questions and time")
                )

    async def address_ranges(self) -> None:
        """Fetch AWS's list of addresses, where that was asked for and rules are to be held against it."""
        url = self.incident.address_ranges_url
        if not url or not self.incident.inputs.firewall:
            return
        from cfrunbook import live_ranges

        now = dt.datetime.now(dt.UTC)
        found = await live_ranges.fetch(
            url,
            roots=self.incident.roots,
            deadline=self.incident.deadline,
            at=now,
            relocations=self.incident.relocations,
        )
        if isinstance(found, str):
            instead = self.incident.observations.inputs.address_ranges if self.incident.observations else None
            self.not_observed.append(live_ranges.not_fetched(url, found, instead, now))
        else:
            self.ranges = found
        self.progress(f"{url}: {found if isinstance(found, str) else 'fetched'}")

    def inputs(self, given: Inputs) -> Inputs:
        """Return what was given, with the address ranges that were fetched."""
        return msgspec.structs.replace(given, address_ranges=self.ranges) if self.ranges else given

    async def handler(self) -> None:
        """Run an edge function's handler, if that was asked for."""
        if self.incident.handler is not None:
            from cfrunbook import function_runs

            seen = await function_runs.run(self.incident.handler, deadline=self.incident.deadline)
            self.function_runs.append(seen)
            self.progress(f"{seen.handler}: {seen.outcome}")

    async def origin(self, domain: str, targets: Sequence[Target]) -> None:
        probed = [t for t in targets if not t.not_probed]
        relocated = {t.id: self.incident.relocations.endpoints(domain, t.port) for t in probed}
        polite = asyncio.Semaphore(POLITE_HELLOS if self.incident.pace == "polite" else MAX_OPEN)
        resolved = [t for t in probed if relocated[t.id] is None]
        known: list[str] = []
        async with asyncio.TaskGroup() as group:

            def probe(target: Target, endpoints: Sequence[Endpoint], first: int = 0) -> None:
                place, room = self.incident.targets.index(target), max(0, MAX_ADDRESSES - first)
                self._leave_out(len(endpoints[room:]), first + len(endpoints), domain)
                for number, endpoint in enumerate(endpoints[:room], first):
                    group.create_task(self._endpoint(target, endpoint, (place, number), polite))

            for target in probed:
                probe(target, relocated[target.id] or ())
            if not resolved:
                self.resolutions.append(
                    Resolution(id="", name=domain, resolver="connect-to", outcome=ResolutionOutcome.RELOCATED)
                )
                return
            resolving = Resolving(self.incident, resolved[0], self.walking, self.resolutions.append, self.progress)
            async for addresses in resolving.addresses(group):
                new = [a for a in addresses if a not in known]
                for target in resolved:
                    probe(target, self._endpoints(domain, target.port, new), len(known))
                if not known and any(t.protocol == "https" for t in resolved):
                    group.create_task(idle.bring(idle.TLS))
                known += new

    def _endpoints(self, domain: str, port: int, addresses: Sequence[str]) -> list[Endpoint]:
        """Return where an origin's addresses are from here; in a lab, only those that are relocated exist."""
        found = []
        for address in addresses:
            elsewhere = self.incident.relocations.endpoints(address, port)
            if elsewhere:
                to = elsewhere[0]
                found.append(Endpoint(domain, port, address, connect_address=to.address, connect_port=to.connect_port))
            elif self.in_lab and not is_loopback(address):
                self.not_observed.append(NotExamined(what=f"{address}, port {port}", why="it is not part of this lab"))
            else:
                found.append(Endpoint(domain, port, address))
        return found

    def _leave_out(self, number: int, total: int, domain: str) -> None:
        if number:
            self.not_observed.append(
                NotExamined(
                    what=f"{number} of {total} addresses of {domain}",
                    why=f"at most {MAX_ADDRESSES} addresses are examined per origin",
                )
            )

    async def _endpoint(
        self, target: Target, endpoint: Endpoint, place: tuple[int, ...], polite: asyncio.Semaphore
    ) -> None:
        from cfrunbook.probes import tcp

        async with self._open, contextlib.AsyncExitStack() as connected:
            await connected.enter_async_context(self._gate(endpoint))
            connection, sock = await tcp.connect(endpoint, deadline=self.incident.deadline)
            self.connections.append((place, connection))
            self.progress(f"{target.domain}:{target.port} at {endpoint.address}: {connection.outcome}")
            if connection.outcome is not ConnectOutcome.CONNECTED or sock is None:
                return
            connected.callback(sock.close)
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    self._exchange(target, endpoint, place, sock)
                    if target.protocol == "http"
                    else self._handshakes(target, endpoint, place, sock, connected=connected, polite=polite)
                )
                group.create_task(idle.bring(idle.JUDGES_OF_ANSWERS))

    def _gate(self, endpoint: Endpoint) -> asyncio.Semaphore:
        """Return what every connection to an address goes through, whatever its port, target or purpose."""
        address, _ = endpoint.socket_address
        most = POLITE_CONNECTIONS if self.incident.pace == "polite" else MAX_OPEN
        return self._gates.setdefault(address, asyncio.Semaphore(most))

    async def _exchange(
        self, target: Target, endpoint: Endpoint, place: tuple[int, ...], sock: socket.socket | None = None
    ) -> Exchange:
        """Send the request that CloudFront would send, by the first of its names; watch the connection if asked to."""
        from cfrunbook.probes import exchange

        seen = await exchange.http_get(
            endpoint,
            exchange.of_target(target),
            deadline=self.incident.deadline,
            sock=sock,
            idle=target.keepalive_timeout + IDLE_MARGIN if self.incident.keep_alive else 0.0,
        )
        self.exchanges.append((place, seen))
        answer = self.incident.secrets.hidden(seen.status_line) or seen.outcome
        self.progress(f"{target.domain}:{target.port} at {endpoint.address}: {answer}")
        return seen

    async def _secured_exchange(
        self, target: Target, endpoint: Endpoint, place: tuple[int, ...], polite: asyncio.Semaphore
    ) -> None:
        """Send the request within TLS."""
        if self.incident.keep_alive:  # an idle connection would keep other questions waiting
            polite = asyncio.Semaphore(1)
        async with polite, self._gate(endpoint):
            await self._exchange(target, endpoint, (*place, 0))

    async def _handshakes(
        self,
        target: Target,
        endpoint: Endpoint,
        place: tuple[int, ...],
        sock: socket.socket,
        *,
        connected: contextlib.AsyncExitStack,
        polite: asyncio.Semaphore,
    ) -> None:
        """Ask for TLS on `sock` and on further connections; `connected` is closed as soon as `sock` is not needed."""
        from cfrunbook.cloudfront.origin_tls import offer
        from cfrunbook.probes import tls

        gate = self._gate(endpoint)
        # Also what CloudFront does not send here: another name that is answered shows that only this one is refused.
        names: list[str | None] = [*dict.fromkeys((*(n.sni for n in target.names), target.domain)), None]
        asked = [*names[1:], *[names[0]] * REPEATS]
        skipped: list[str] = []
        stalled = False

        async def one(number: int, sni: str | None) -> Handshake | None:
            nonlocal stalled
            if stalled:  # every further name would cost one more deadline and say the same
                skipped.append(sni or "no server name")
                return None
            seen = await tls.hello(
                endpoint,
                sni=sni,
                offer=offer(target.tls_minimum),
                deadline=self.incident.deadline,
                sock=None if number else sock,
            )
            stalled = stalled or seen.outcome is HandshakeOutcome.TIMEOUT
            self.handshakes.append(((*place, number), seen))
            self.progress(f"{target.domain}:{target.port} at {endpoint.address}, SNI {sni or 'none'}: {seen.outcome}")
            return seen

        async def another(number: int, sni: str | None) -> None:
            async with polite:
                if self.incident.pace == "polite":
                    await asyncio.sleep(random.uniform(0, POLITE_JITTER))  # noqa: S311 - spreads load, guards nothing
                async with gate:
                    await one(number, sni)

        async def first(group: asyncio.TaskGroup) -> None:
            seen = await one(0, names[0])  # on the connection that is open already
            await connected.aclose()
            if seen is None or seen.outcome in _NOTHING_TO_ENUMERATE:
                return
            group.create_task(second())
            if seen.outcome is HandshakeOutcome.HELLO:
                group.create_task(self._secured_exchange(target, endpoint, place, polite))
            if self._scans[target.id] >= MAX_SCANS:
                return
            self._scans[target.id] += 1
            answers = await tls.scan(
                endpoint,
                sni=names[0],
                minimum=target.tls_minimum,
                deadline=self.incident.deadline,
                pace=self.incident.pace,
                gate=gate,
                progress=lambda h: self.progress(f"{target.domain}:{target.port} at {endpoint.address}, {h.offer}"),
                known=(seen,),
                most=max(0, MAX_HELLOS - 3 - len(asked)),  # this hello, the request, the second opinion
            )
            self.handshakes.extend(((*place, len(asked) + n), answer) for n, answer in enumerate(answers, 1))

        async def second() -> None:
            async with polite, gate:
                await self._second_opinion(target, endpoint, place)

        async with asyncio.TaskGroup() as group:
            group.create_task(first(group))
            for number, sni in enumerate(asked, 1):
                group.create_task(another(number, sni))
        await self._ask_again(target, endpoint, place)
        if skipped:
            self.not_observed.append(
                NotExamined(
                    what=f"{join_names(skipped)} at {endpoint.address}, port {target.port} of {target.domain}",
                    why="another TLS hello there got no answer within the deadline",
                )
            )

    async def _second_opinion(self, target: Target, endpoint: Endpoint, place: tuple[int, ...]) -> None:
        """Have AWS's own TLS library shake hands, where it is installed: once per target, at its first address."""
        from cfrunbook.probes import s2n

        if place[-1] or target.id not in self._second_opinions_on or not s2n.installed():
            return
        where = f"{target.domain}:{target.port} at {endpoint.address}"
        seen = await s2n.observe(
            endpoint,
            sni=target.names[0].sni if target.names else target.domain,
            minimum=target.tls_minimum,
            trust_pem=self.incident.roots.pem,
            deadline=self.incident.deadline,
        )
        if isinstance(seen, str):
            self.not_observed.append(NotExamined(what=f"what AWS's own TLS library makes of {where}", why=seen))
            return
        self.second_opinions.append((place, seen))
        self.progress(f"{where}, AWS's own TLS library: {seen.error or 'connected'}")

    async def _ask_again(self, target: Target, endpoint: Endpoint, place: tuple[int, ...]) -> None:
        """Ask again, one at a time, what ended without a word: that leaves open what it means."""
        from cfrunbook.cloudfront.origin_tls import offer
        from cfrunbook.probes import tls

        gate = self._gate(endpoint)
        for one in [o for o in self.second_opinions if o[0] == place and o[1].error in _WITHOUT_A_WORD]:
            self.second_opinions.remove(one)
            await asyncio.sleep(tls.PAUSE)
            async with gate:
                await self._second_opinion(target, endpoint, place)
        here = _in_order((p, h) for p, h in self.handshakes if p[: len(place)] == place)
        hellos = tls.in_doubt(here, offer(target.tls_minimum))
        async with gate:
            answers = await tls.ask_alone(endpoint, hellos, deadline=self.incident.deadline)
        self.handshakes.extend(((*place, len(here) + n), answer) for n, answer in enumerate(answers))
        if any(p[:-1] == place and _is_wordless(e) for p, e in self.exchanges):
            await asyncio.sleep(tls.PAUSE)
            async with gate:
                await self._exchange(target, endpoint, (*place, 1))

    def observations(self, recorded_at: dt.datetime) -> Observations:
        """Return everything seen, in the order of the targets, numbered."""
        return Observations(
            recorded_at=recorded_at,
            vantage=self.incident.vantage,
            inputs=self.inputs(self.incident.inputs),
            resolutions=_numbered("resolution", sorted(self.resolutions, key=lambda r: r.name)),
            dns_queries=_numbered("dns", self.dns_queries),
            connections=_numbered("connection", _in_order(self.connections)),
            exchanges=_numbered("exchange", _in_order(self.exchanges)),
            handshakes=_numbered("handshake", _in_order(self.handshakes)),
            second_opinions=_numbered("second-opinion", _in_order(self.second_opinions)),
            function_runs=_numbered("function-run", self.function_runs),
            not_observed=tuple(self.not_observed),
            versions=versions(),
        )


def _is_wordless(exchange: Exchange) -> bool:
    return exchange.outcome in _WORDLESS and exchange.end is not ExchangeEnd.TIMEOUT


def _in_order(items: Iterable[tuple[tuple[int, ...], T]]) -> list[T]:
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


def _numbered(kind: str, items: Iterable[S]) -> tuple[S, ...]:
    return tuple(msgspec.structs.replace(item, id=f"{kind}-{n}") for n, item in enumerate(items, 1))


def versions() -> dict[str, str]:
    """Return the versions that a conclusion depends on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"cfrunbook": __version__, "python": platform.python_version()}
    for package in ("cryptography", "dnspython", "certifi", "awscrt"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # vendored without metadata: the version is then simply not known
            continue
    return found
