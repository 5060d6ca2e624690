"""Run a walk over a transport, all questions at once, and record every one of them."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec.structs import replace

from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.probes.dns import effort, message
from cfrunbook.probes.dns.hints import Hint
from cfrunbook.probes.dns.names import plain
from cfrunbook.probes.dns.patience import DEADLINE, Lateness, Patience, enough, send_times
from cfrunbook.probes.dns.questions import Question
from cfrunbook.probes.dns.transport import Received, Sockets, Transport
from cfrunbook.probes.dns.walk import Resolved, Walk
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.relocation import Relocations

PORT = 53
MAX_OPEN = 300
"""Sockets of a walk at a time, where the system allows so many."""
QUIET = 0.3
"""Seconds without an answer after which it is said for whom the walk waits."""
_OTHERS = 300  # files that the rest of the program may need meanwhile


class Walked(msgspec.Struct):
    """What a walk brought: every question with its outcome, and what the servers say of each name."""

    queries: list[DnsQuery] = msgspec.field(default_factory=list)
    """In the order in which they were first sent, without ids."""
    cut_short: bool = False
    """Whether there was more to ask than may be asked, or than there was time for."""


class Walking:
    """A walk under way. `addresses` comes to know a name's addresses before the last dead server is given up."""

    def __init__(
        self,
        names: Iterable[str],
        hints: Sequence[Hint],
        *,
        relocations: Relocations | None = None,
        transport: Transport | None = None,
        deadline: float = DEADLINE,
        lab: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare a walk; a server gets at most `deadline` seconds to answer, and the walk twice that and a second.

        Less where the other servers of its zone have answered and it has been asked often enough, and more where this
        machine is late (`patience`): the walk at most twice its time.

        In a lab only servers that are relocated exist.
        """
        self._walk = Walk(names, hints, label=os.urandom(4).hex())
        self._relocations = relocations or Relocations()
        self._transport = transport or Sockets()
        self._deadline = deadline
        self._lab = lab
        self._progress = progress
        self._begin = 0.0
        self._end = 2 * deadline + 1  # in seconds after the beginning
        self._last_end = 2 * self._end
        self._late = False
        self._lateness = Lateness(self._postpone)
        self._tell_at = QUIET
        self._open = asyncio.Semaphore(_most_sockets())
        self._done: asyncio.Queue[tuple[Question, DnsQuery]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader = ThreadPoolExecutor(max_workers=1)  # starts its thread when there is something to read
        self._stopping = False
        self._waiting: dict[str, asyncio.Future[Resolved | None]] = {}
        self._seconds: dict[str, float] = {}  # that a question to the servers of a zone is waited for
        self._patience: dict[Question, Patience] = {}  # with what is under way
        self._seen: list[tuple[Question, DnsQuery]] = []
        self.ended = asyncio.Event()
        """Set when the walk is over."""

    async def run(self) -> Walked:
        """Walk to the end. Never raises for what servers do; on cancellation every socket is closed."""
        loop = asyncio.get_running_loop()
        self._begin = loop.time()
        self._lateness.begin()
        try:
            self._ask(self._walk.begin(self._elapsed()))
            while not self._walk.is_done:
                wake_at = self._walk.wake_at
                until = self._end if wake_at is None else min(self._end, wake_at)
                until = min(until, self._tell_at) if self._progress else until
                try:
                    async with asyncio.timeout_at(self._begin + until):
                        question, seen = await self._done.get()
                except TimeoutError:
                    if self._elapsed() >= self._end:
                        self._late = True
                        break
                    self._tell_standing()
                    self._ask(self._walk.wake(self._elapsed()))
                    continue
                self._take(question, seen)
        finally:
            self._lateness.end()
            await self._stop()
            self._reader.shutdown(wait=False, cancel_futures=True)
            for name in self._waiting:
                self._tell(name, final=True)
            self.ended.set()
        queries = [seen for _, seen in sorted(self._seen, key=lambda pair: pair[1].sent_at)]
        return Walked(queries, cut_short=self._late or self._walk.cut_short)

    def final(self, name: str) -> Resolved | None:
        """Return what name servers say of `name`, when the walk is over; None if none said anything."""
        return self._walk.resolved(name, final=True)

    async def addresses(self, name: str) -> Resolved | None:
        """Return what name servers say of `name` as soon as one says where it is; None if in the end none did.

        That there is no address is known only when the walk is over.
        """
        future = self._waiting.setdefault(plain(name), asyncio.get_running_loop().create_future())
        self._tell(plain(name))
        return await asyncio.shield(future)

    def _tell_standing(self) -> None:
        """Say what is known already while only slow or dead servers are waited for."""
        if self._progress and self._elapsed() >= self._tell_at:
            self._tell_at = math.inf
            for line in self._walk.standing():
                self._progress(line)

    def _take(self, question: Question, seen: DnsQuery) -> None:
        self._seen.append((question, seen))
        self._tell_at = self._elapsed() + QUIET
        self._ask(self._walk.feed(question, seen, self._elapsed()))
        self._adapt(question.zone)
        for line in self._walk.news:
            if self._progress:
                self._progress(line)
        self._walk.news.clear()
        for name in self._waiting:
            self._tell(name)

    def _adapt(self, zone: str) -> None:
        """Wait for the silent servers of a zone as long as its other servers' answers make worth it."""
        if (slowest := self._walk.slowest(zone)) is None:
            return
        seconds = enough(self._deadline, slowest=slowest)
        if seconds != self._seconds[zone]:
            self._seconds[zone] = seconds
            for question, patience in self._patience.items():
                if question.zone == zone:
                    patience.change(seconds)

    def _postpone(self, late: float) -> None:
        """Wait longer for everything, since this machine was late."""
        self._end = min(self._last_end, self._end + late)
        for patience in self._patience.values():
            patience.postpone(late)

    def _tell(self, name: str, *, final: bool = False) -> None:
        """Hand over what is known of a name, if that is enough."""
        future = self._waiting[name]
        found = self._walk.resolved(name, final=final)
        if not future.done() and (found or final):
            future.set_result(found)

    def _ask(self, questions: Iterable[Question]) -> None:
        for question in questions:
            task = asyncio.get_running_loop().create_task(self._one(question))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, question: Question) -> None:
        async with self._open:
            begin = self._elapsed()
            endpoint = self._endpoint(question)
            received = await self._exchange(question, endpoint, begin)
            if received.seconds is None:
                received = replace(received, seconds=self._elapsed() - begin)
        reply = await self._read(question, received)
        seen = self._record(question, endpoint, received, reply, begin)
        self._done.put_nowait((question, seen))

    async def _exchange(self, question: Question, endpoint: Endpoint, begin: float) -> Received:
        if self._lab and not endpoint.connected_to:
            return Received(outcome=DnsOutcome.UNREACHABLE, sends=0, detail="there is no such name server in this lab")
        number, over_tcp = int.from_bytes(os.urandom(2)), question.transport is DnsTransport.TCP
        try:
            wire = message.wire(number, question.name, question.type, edns=question.edns, dnssec_ok=question.edns)
        except ValueError as error:
            return Received(outcome=DnsOutcome.ERROR, sends=0, detail=str(error)[:200])
        if question.zone not in self._seconds:
            self._seconds[question.zone] = enough(self._deadline, asked_at=begin)
        patience = self._patience[question] = Patience(self._deadline)
        patience.change(self._seconds[question.zone])
        try:
            return await self._transport.exchange(endpoint, wire, over_tcp=over_tcp, patience=patience)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            waited = self._elapsed() - begin
            sends = sum(at <= waited for at in patience.sends)
            return Received(outcome=DnsOutcome.UNFINISHED, sends=sends, detail="the walk had to end before an answer")
        finally:
            del self._patience[question]

    def _endpoint(self, question: Question) -> Endpoint:
        """Return where a name server really is. Only a relocation of port 53 counts: the others are for origins."""
        address = question.address
        entry = next((e for e in self._relocations.entries if e.port == PORT and e.matches(address, PORT)), None)
        if entry is None:
            return Endpoint(question.server, PORT, address)
        return Endpoint(question.server, PORT, address, connect_address=entry.address, connect_port=entry.to_port)

    async def _read(self, question: Question, received: Received) -> message.Reply:
        """Return what came back; what takes long to read is read elsewhere, so that nothing else has to wait."""
        if not received.data:
            if received.stray:
                why = "what came has another id than the question, or is no answer"
                return message.malformed(received.stray, why)
            return message.Reply(outcome=received.outcome, detail=received.detail)
        if self._elapsed() < self._end:
            if effort.points(received.data) < effort.LABORIOUS:
                return message.read(question.name, question.type, received.data)
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(
                    self._reader, message.read, question.name, question.type, received.data
                )
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
        # Answers made to be slow to read may all be here at once: they are not to hold up everything else.
        self._late = True
        return message.Reply(outcome=DnsOutcome.UNFINISHED, detail="the walk had to end before this answer was read")

    def _record(
        self, question: Question, endpoint: Endpoint, received: Received, reply: message.Reply, begin: float
    ) -> DnsQuery:
        sent = (0.0,) if question.transport is DnsTransport.TCP else send_times(self._deadline)
        return DnsQuery(
            id="",
            zone=question.zone,
            server=question.server,
            address=question.address,
            connected_to=endpoint.connected_to,
            transport=question.transport,
            name=question.name,
            type=question.type,
            edns=question.edns,
            dnssec_ok=question.edns,
            sent_at=tuple(round((begin + at) * 1000, 3) for at in sent[: received.sends]),
            outcome=reply.outcome,
            rcode=reply.rcode,
            authoritative=reply.authoritative,
            truncated=reply.truncated,
            answer=reply.answer,
            authority=reply.authority,
            additional=reply.additional,
            first_bytes=reply.first_bytes,
            detail=reply.detail,
            elapsed_ms=round((received.seconds or 0.0) * 1000, 3),
        )

    async def _stop(self) -> None:
        """End what is under way, and record it."""
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while not self._done.empty():
            self._seen.append(self._done.get_nowait())

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._begin


def _most_sockets() -> int:
    """Return how many sockets a walk may have open: a shell may allow no more than 256 files (macOS)."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_OPEN if soft == resource.RLIM_INFINITY else max(32, min(MAX_OPEN, soft - _OTHERS))
