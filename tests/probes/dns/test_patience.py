"""How long silent name servers are waited for, by a clock that is set forward whenever there is nothing else to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import pytest

from cfrunbook.causes.dns_conditions import PROOF_SECONDS, PROOF_SENDS
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.lab.dns import internet as lab
from cfrunbook.lab.dns.internet import SHOP_SERVERS, internet
from cfrunbook.lab.dns.setup import Tree
from cfrunbook.lab.dns.shop import shop
from cfrunbook.probes.deadline import USUAL
from cfrunbook.probes.dns import DEADLINE, Patience, Walked, Walking
from cfrunbook.probes.dns.hints import Hint, parse
from cfrunbook.probes.dns.patience import LAST_WAIT, LOOK_EVERY, SENDS, enough
from cfrunbook.probes.dns.questions import WIDTH
from cfrunbook.probes.dns.transport import Received
from cfrunbook.probes.endpoint import Endpoint
from tests.probes.dns.replayed import responding

T = TypeVar("T")
NAME = "origin.shop.lab"
RTT = 0.02
SOON = SENDS[-1] + LAST_WAIT
OVERTIME = 0.3
FOREVER = 1e9
FIRST, SECOND, THIRD, FOURTH = SHOP_SERVERS.values()


class Clock(asyncio.SelectorEventLoop):
    """An event loop that does not wait: when nothing is left to do, it is later."""

    now = 0.0
    _scheduled: list[asyncio.TimerHandle]
    _ready: deque[asyncio.Handle]

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        coming = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        if coming and not self._ready:
            self.now = max(self.now, min(coming))
        super()._run_once()  # type: ignore[misc]


def timed(running: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Return what came of `running`, and when, in seconds."""
    clock = Clock()
    with asyncio.Runner(loop_factory=lambda: clock) as runner:
        return runner.run(running), clock.now


class Slow:
    """Name servers in memory, each of which takes its time, over TCP twice that.

    Of those whose names end with `unlucky`, the first that are asked are dead.
    """

    def __init__(self, tree: Tree, seconds: Mapping[str, float], unlucky: str) -> None:
        self._respond = responding(tree)
        self._seconds = dict(seconds)
        self._unlucky = unlucky
        self.dead: set[str] = set()

    async def exchange(self, endpoint: Endpoint, question: bytes, *, over_tcp: bool, patience: Patience) -> Received:
        begin = asyncio.get_running_loop().time()
        if self._unlucky and endpoint.host.endswith(self._unlucky) and len(self.dead) < WIDTH:
            self.dead.add(endpoint.address)
        slow = FOREVER if endpoint.address in self.dead else self._seconds.get(endpoint.address, RTT)
        try:
            async with patience.limit():
                await asyncio.sleep(slow * (1 + over_tcp))
        except TimeoutError:
            sends = [at for at in patience.sends if at <= asyncio.get_running_loop().time() - begin]
            return Received(sends=1 if over_tcp else len(sends))
        said = self._respond(endpoint, question, over_tcp)
        assert isinstance(said, bytes)
        return Received(data=said)


def walk(
    seconds: Mapping[str, float], *, hints: tuple[Hint, ...] = (), unlucky: str = "", deadline: float = DEADLINE
) -> tuple[Walked, float]:
    """Walk to the shop's origin; return what was seen, and when it was over."""
    tree = internet(shop())
    transport = Slow(tree, seconds, unlucky)
    walking = Walking([NAME], (*hints, *parse(tree.hints())), transport=transport, deadline=deadline)
    return timed(walking.run())


def silent(walked: Walked) -> list[DnsQuery]:
    return [q for q in walked.queries if q.outcome is DnsOutcome.TIMEOUT]


# --- how long -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slowest", "asked_at", "seconds"),
    [
        (0.001, 0.0, SOON),
        (0.02, 0.6, SOON),
        (0.16, 0.0, SOON),
        (0.3, 0.0, 2.9),
        (0.4, 0.0, DEADLINE),
        (2.9, 0.0, DEADLINE),
        (None, 0.0, DEADLINE),
        (None, 0.04, DEADLINE - 0.04),
        (None, 2.0, SOON),
    ],
)
def test_the_last_sending_is_waited_for_as_long_as_others_make_likely(
    slowest: float | None, asked_at: float, seconds: float
) -> None:
    assert enough(DEADLINE, asked_at=asked_at, slowest=slowest) == pytest.approx(seconds)


@pytest.mark.parametrize("deadline", [0.05, 1.0, 2.0, 2.4])
@pytest.mark.parametrize("slowest", [None, 0.001])
def test_a_short_deadline_is_used_to_the_end(deadline: float, slowest: float | None) -> None:
    assert enough(deadline, asked_at=0.0, slowest=slowest) == deadline


def test_a_long_deadline_means_more_patience() -> None:
    assert enough(10 * DEADLINE, slowest=0.001) == pytest.approx(10 * SOON)
    assert enough(10 * DEADLINE, slowest=0.4) == 10 * DEADLINE


def test_nobody_is_called_dead_sooner_than_the_judge_would() -> None:
    assert sum(at <= PROOF_SECONDS for at in SENDS) > PROOF_SENDS
    assert SENDS[-1] - SENDS[0] >= PROOF_SECONDS


@pytest.mark.parametrize(("after", "change", "ends"), [(1.0, 2.5, 2.5), (1.0, 5.0, 5.0), (2.7, 2.5, 2.7)])
def test_patience_may_change_while_something_is_waited_for(after: float, change: float, ends: float) -> None:
    async def run() -> None:
        patience = Patience(3.0)
        asyncio.get_running_loop().call_later(after, patience.change, change)
        with pytest.raises(TimeoutError):
            async with patience.limit():
                await asyncio.sleep(FOREVER)
        patience.change(60.0)  # there is nothing to change any more

    assert timed(run())[1] == ends


# --- whole walks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", [1, 2, 3])
def test_servers_that_are_silent_where_others_answer_are_given_up_before_the_deadline(dead: int) -> None:
    gone = tuple(SHOP_SERVERS.values())[:dead]
    walked, ended = walk(dict.fromkeys(gone, FOREVER))
    assert ended == pytest.approx(2 * RTT + SOON)
    assert {q.address for q in silent(walked)} == set(gone)
    for query in silent(walked):
        assert len(query.sent_at) == (1 if query.transport is DnsTransport.TCP else len(SENDS))
        assert query.elapsed_ms == pytest.approx(SOON * 1000)
    assert {q.transport for q in silent(walked)} == {DnsTransport.UDP, DnsTransport.TCP}


def test_where_nobody_answers_the_deadline_counts() -> None:
    walked, ended = walk(dict.fromkeys(SHOP_SERVERS.values(), FOREVER))
    assert ended == pytest.approx(DEADLINE)
    assert {q.zone for q in silent(walked)} == {"shop.lab"}


@pytest.mark.parametrize("seconds", [0.3, 0.4, 0.9, 1.5, 2.4])
def test_a_slow_server_is_not_called_dead_however_fast_the_others_are(seconds: float) -> None:
    walked, _ = walk({SECOND: seconds, FOURTH: FOREVER})
    udp = [q for q in silent(walked) if q.transport is DnsTransport.UDP]
    assert {q.address for q in udp} == {FOURTH}


def test_where_servers_are_slow_all_are_waited_for() -> None:
    """Over TCP, with its two round trips, the deadline ends it; what counts is that UDP brings the answer."""
    walked, ended = walk({FIRST: 0.9, SECOND: 1.5, THIRD: 2.9, FOURTH: FOREVER})
    udp = [q for q in silent(walked) if q.transport is DnsTransport.UDP]
    assert {q.address for q in udp} == {FOURTH}
    assert ended == pytest.approx(2 * RTT + DEADLINE)


def test_what_comes_after_resolvers_have_long_gone_on_is_silence() -> None:
    walked, ended = walk({SECOND: 2.7})
    assert {q.address for q in silent(walked)} == {SECOND}
    assert ended == pytest.approx(2 * RTT + SOON)


def test_dead_servers_at_every_level_cost_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three that are asked first at the root and the top-level domain, and one or all of the zone's."""
    registry = tuple((f"{letter}.nic.lab.", f"192.0.2.{n}") for n, letter in enumerate("abcdef", 11))
    monkeypatch.setattr(lab, "_REGISTRY", registry)
    hints = tuple(Hint(f"dead{n}.root", f"192.0.2.{n}") for n in range(100, 100 + WIDTH))
    roots = dict.fromkeys((hint.address for hint in hints), FOREVER)
    for gone in ([FIRST], list(SHOP_SERVERS.values())):
        walked, ended = walk(roots | dict.fromkeys(gone, FOREVER), hints=hints, unlucky=".nic.lab")
        dead = {zone: {q.address for q in silent(walked) if q.zone == zone} for zone in (".", "lab", "shop.lab")}
        assert (len(dead["."]), len(dead["lab"]), dead["shop.lab"]) == (WIDTH, WIDTH, set(gone))
        assert not walked.cut_short
        assert ended <= DEADLINE + OVERTIME


def test_far_servers_at_every_level_leave_the_last_ones_their_time() -> None:
    """Root and registry take 0.7 s each: PATIENCE asks them all, and the zone's still get their sends."""
    roots, registry = ("192.0.2.1", "192.0.2.2"), ("192.0.2.11", "192.0.2.12")
    walked, ended = walk(dict.fromkeys((*roots, *registry), 0.7) | dict.fromkeys(SHOP_SERVERS.values(), 0.7))
    assert not silent(walked)
    assert ended == pytest.approx(2 * 0.7 + 2 * 0.7)
    walked, ended = walk(dict.fromkeys((*roots, *registry), 0.7) | dict.fromkeys(SHOP_SERVERS.values(), FOREVER))
    assert {len(q.sent_at) for q in silent(walked) if q.transport is DnsTransport.UDP} == {len(SENDS)}
    assert ended == pytest.approx(2 * 0.7 + SOON)


@pytest.mark.parametrize("stall", [USUAL - LOOK_EVERY, 0.5, 2.4])
def test_time_that_this_machine_itself_was_late_does_not_count(stall: float) -> None:
    tree = internet(shop())
    walking = Walking([NAME], parse(tree.hints()), transport=Slow(tree, {FIRST: FOREVER}, ""))
    begin = 1.0  # s

    async def run() -> Walked:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clock)
        loop.call_at(begin, lambda: setattr(loop, "now", begin + LOOK_EVERY + stall))
        return await walking.run()

    walked, ended = timed(run())
    late = stall if stall > USUAL else 0.0
    assert ended == pytest.approx(2 * RTT + SOON + late, abs=1.01 * LOOK_EVERY)
    assert {q.address for q in silent(walked)} == {FIRST}


def test_a_machine_that_is_late_all_the_time_finds_nobody_dead() -> None:
    tree = internet(shop())
    walking = Walking([NAME], parse(tree.hints()), transport=Slow(tree, {FIRST: FOREVER}, ""))

    async def run() -> Walked:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clock)

        def stall() -> None:
            loop.now += 1.0
            loop.call_later(LOOK_EVERY, stall)

        loop.call_later(1.0, stall)
        return await walking.run()

    walked, ended = timed(run())
    assert not silent(walked)
    assert {q.address for q in walked.queries if q.outcome is DnsOutcome.UNFINISHED} == {FIRST}
    assert walked.cut_short
    assert ended < 2 * (2 * DEADLINE + 1) + 2


def test_a_walk_in_the_lab_waits_for_its_short_deadline() -> None:
    _, ended = walk({FIRST: FOREVER}, deadline=1.0)
    assert ended == pytest.approx(2 * RTT + 1.0)
