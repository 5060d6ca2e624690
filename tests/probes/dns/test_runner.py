"""A walk over the lab's real name servers: what is recorded, where it goes, and that it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cfrunbook.evidence import DnsOutcome, DnsTransport, ResolutionOutcome
from cfrunbook.lab.dns.internet import SHOP_SERVERS, Tree, internet
from cfrunbook.lab.dns.server import listen
from cfrunbook.lab.dns.setup import Fault
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, RECORDS, failing, shop, shop_zone
from cfrunbook.lab.servers import Servers
from cfrunbook.probes import relocation
from cfrunbook.probes.dns import Resolved, Walked, Walking, effort, message
from cfrunbook.probes.dns.hints import parse
from cfrunbook.probes.relocation import Relocations
from tests.probes.dns.replayed import walked

NAME = "origin.shop.lab"


@contextmanager
def up(tree: Tree) -> Iterator[Relocations]:
    """Bring the name servers of `tree` up on loopback; yield where they are."""
    servers = Servers()
    try:
        places = {server.address: listen(servers, server) for server in tree.servers}
        yield relocation.parse_all(f"{a}:53:{at}:{port}" for a, (at, port) in places.items())
    finally:
        servers.stop()


def walk(tree: Tree, *, deadline: float = 10.0) -> tuple[Walked, Resolved | None, list[str]]:
    said: list[str] = []

    async def run(relocations: Relocations) -> tuple[Walked, Resolved | None]:
        hints = parse(tree.hints())
        walking = Walking([NAME], hints, relocations=relocations, deadline=deadline, lab=True, progress=said.append)
        early = asyncio.create_task(walking.addresses(NAME))
        done = await walking.run()
        assert walking.ended.is_set()
        return done, await early

    with up(tree) as relocations:
        return *asyncio.run(run(relocations)), said


def test_every_question_is_recorded_with_where_it_went() -> None:
    done, early, said = walk(internet(shop()))
    assert early == Resolved(ResolutionOutcome.ANSWER, (FIRST,))
    assert not done.cut_short
    assert len(done.queries) == len({(q.address, q.transport, q.name, q.type, q.edns) for q in done.queries})
    for query in done.queries:
        assert query.connected_to.startswith("127.0.0.1:")
        assert 1 <= len(query.sent_at) <= 4  # a busy machine may answer late
        assert query.rcode in ("NOERROR", "NXDOMAIN")
        assert query.elapsed_ms > 0
    assert [q.sent_at[0] for q in done.queries] == sorted(q.sent_at[0] for q in done.queries)
    assert said[:2] == ["lab: 2 name servers", "shop.lab: 4 name servers"]


def test_the_address_is_known_before_a_dead_server_is_given_up() -> None:
    tree = internet(shop(faults=failing(Fault.DROP, servers=EVERY_SERVER[:3])))

    async def run(relocations: Relocations) -> bool:
        walking = Walking([NAME], parse(tree.hints()), relocations=relocations, deadline=1.0, lab=True)
        walked = asyncio.create_task(walking.run())
        found = await walking.addresses(NAME)
        assert found == Resolved(ResolutionOutcome.ANSWER, (FIRST,))
        early = not walked.done()
        await walked
        return early

    with up(tree) as relocations:
        assert asyncio.run(run(relocations))


def test_what_is_known_is_told_while_a_dead_server_is_waited_for() -> None:
    _, _, said = walk(internet(shop(faults=failing(Fault.DROP, servers=EVERY_SERVER[3:]))), deadline=2.0)
    told = f"{NAME}: {FIRST}; 3 of 4 name servers have answered, waiting for ns4.shop.lab"
    assert told in said
    assert said.index(told) > said.index("shop.lab: 4 name servers")


def test_slow_servers_are_heard_out_beside_a_dead_one() -> None:
    """Real servers that take 0.3, 0.9 and 1.5 s: a resolver would go on sooner, and none of them is dead."""
    tree = internet(shop(faults=failing(Fault.DROP, servers=EVERY_SERVER[3:])))
    delays = dict(zip(SHOP_SERVERS.values(), (0.3, 0.9, 1.5, 0.0), strict=True))
    slow = tuple(replace(server, delay=delays.get(server.address, 0.0)) for server in tree.servers)
    done, early, _ = walk(replace(tree, servers=slow), deadline=3.0)
    assert early == Resolved(ResolutionOutcome.ANSWER, (FIRST,))
    silent = {q.address for q in done.queries if q.zone == "shop.lab" and not q.rcode}
    assert silent == {SHOP_SERVERS[EVERY_SERVER[3]]}
    assert not done.cut_short


def test_silence_is_recorded_with_every_sending() -> None:
    done, early, _ = walk(internet(shop(faults=failing(Fault.DROP))), deadline=1.0)
    assert early is None
    silent = [q for q in done.queries if q.zone == "shop.lab"]
    assert {q.outcome for q in silent} == {DnsOutcome.TIMEOUT}
    assert {len(q.sent_at) for q in silent if q.transport is DnsTransport.UDP} == {4}
    assert {len(q.sent_at) for q in silent if q.transport is DnsTransport.TCP} == {1}


def test_answers_that_take_too_long_to_read_do_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    read, elapsed, spent = message.read, Walking._elapsed, [0.0]

    def slow(name: str, kind: str, received: bytes) -> message.Reply:
        spent[0] += 10.0
        return read(name, kind, received)

    monkeypatch.setattr(message, "read", slow)
    monkeypatch.setattr(Walking, "_elapsed", lambda self: elapsed(self) + spent[0])
    done = walked(internet(shop()), NAME, deadline=5.0)  # in memory: all answers are here at once
    assert done.cut_short
    assert spent[0] < 30  # the end of the walk is at 11 s
    assert any("before this answer was read" in q.detail for q in done.queries)


def test_what_is_laborious_to_read_holds_up_no_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server gives a page full of addresses: reading it waits here until all others have been read to the end."""
    crowded = shop_zone("".join(f"origin A 203.0.113.{n}\n" for n in range(1, 129)))
    tree = internet(shop(instead={EVERY_SERVER[0]: crowded}))
    read, begun, others = message.read, threading.Event(), threading.Event()

    def slow(name: str, kind: str, received: bytes) -> message.Reply:
        if effort.points(received) >= effort.LABORIOUS:
            assert threading.current_thread() is not threading.main_thread()
            begun.set()
            assert others.wait(60), "nothing else was read meanwhile"
        elif begun.is_set():
            others.set()
        return read(name, kind, received)

    monkeypatch.setattr(message, "read", slow)
    done, early, _ = walk(tree)
    assert early == Resolved(ResolutionOutcome.ANSWER, (FIRST,))
    assert any(len(q.answer) == 128 for q in done.queries)


def test_what_is_still_being_read_at_the_end_is_recorded_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = shop_zone("".join(f"origin A 203.0.113.{n}\n" for n in range(1, 129)))
    tree = internet(shop(instead=dict.fromkeys(EVERY_SERVER, crowded)))
    read, over = message.read, threading.Event()

    def stuck(name: str, kind: str, received: bytes) -> message.Reply:
        if effort.points(received) >= effort.LABORIOUS:
            over.wait(60)
        return read(name, kind, received)

    monkeypatch.setattr(message, "read", stuck)
    try:
        done, _, _ = walk(tree, deadline=0.5)
    finally:
        over.set()
    assert done.cut_short
    unread = [q for q in done.queries if "before this answer was read" in q.detail]
    assert {(q.zone, q.type, q.outcome) for q in unread} == {("shop.lab", "A", DnsOutcome.UNFINISHED)}


def test_in_a_lab_only_relocated_servers_exist() -> None:
    from cfrunbook.lab.dns.internet import SHOP, delegation

    elsewhere = dict(SHOP_SERVERS) | {EVERY_SERVER[-1]: "203.0.113.53"}
    done, _, _ = walk(internet(shop(published=delegation(SHOP, elsewhere))))
    outside = [q for q in done.queries if not q.connected_to]
    assert {q.address for q in outside} == {"203.0.113.53"}
    assert {(q.outcome, q.sent_at) for q in outside} == {(DnsOutcome.UNREACHABLE, ())}


@pytest.mark.parametrize("entry", ["198.51.100.1::127.0.0.1:9", ":443:127.0.0.1:9", "::127.0.0.1:9"])
def test_relocations_of_origins_are_not_for_name_servers(entry: str) -> None:
    tree = internet(shop(RECORDS))

    async def run() -> Walked:
        relocations = relocation.parse_all([entry])
        return await Walking([NAME], parse(tree.hints()), relocations=relocations, lab=True).run()

    assert not [q for q in asyncio.run(run()).queries if q.connected_to]


def test_a_walk_that_is_cancelled_ends_at_once_and_leaves_nothing_behind() -> None:
    tree = internet(shop(faults=failing(Fault.DROP)))

    async def run(relocations: Relocations) -> int:
        walking = Walking([NAME], parse(tree.hints()), relocations=relocations, deadline=60, lab=True)
        task = asyncio.create_task(walking.run())
        waiting = asyncio.create_task(walking.addresses(NAME))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await waiting is None
        return len(asyncio.all_tasks())

    with up(tree) as relocations:
        assert asyncio.run(run(relocations)) == 1
