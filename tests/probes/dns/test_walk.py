"""The walk as a state machine, in simulated time: where it goes, how long it takes, and that it always ends."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsRecord, DnsTransport, ResolutionOutcome
from cfrunbook.lab.dns.internet import (
    ROUTE_53,
    SHOP,
    SHOP_SERVERS,
    Domain,
    Tree,
    domain,
    internet,
    route_53_names,
    zone,
)
from cfrunbook.lab.dns.setup import Fault
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, RECORDS, cloud, cloud_name, failing, shop
from cfrunbook.probes.dns import message
from cfrunbook.probes.dns.hints import Hint, parse
from cfrunbook.probes.dns.questions import WIDTH, Question
from cfrunbook.probes.dns.walk import MAX_ALIASES, MAX_TARGETS, PATIENCE, Walk
from cfrunbook.probes.endpoint import Endpoint
from tests.probes.dns.replayed import responding

NAME = "origin.shop.lab"
RTT, DEADLINE = 0.02, 3.0
HINTS = (Hint("a.root", "192.0.2.1"), Hint("b.root", "192.0.2.2"))

Answer = Callable[[Question], DnsQuery]


@dataclass
class Simulated:
    """What happened: every question with its outcome, and when, in simulated seconds."""

    walk: Walk
    seen: list[tuple[Question, DnsQuery]] = field(default_factory=list)
    resolved_at: float | None = None
    ended_at: float = 0.0

    def asked(self, **wanted: object) -> list[Question]:
        return [q for q, _ in self.seen if all(getattr(q, key) == value for key, value in wanted.items())]


def simulate(names: Sequence[str], hints: Sequence[Hint], answer: Answer, *, limit: int = 0) -> Simulated:
    """Run a walk: an answer takes one round trip, over TCP two; silence takes the deadline."""
    done = Simulated(Walk(names, hints, limit=limit))
    order = itertools.count()
    events: list[tuple[float, int, Question, DnsQuery]] = []

    def ask(questions: Iterable[Question], now: float) -> None:
        for question in questions:
            seen = answer(question)
            takes = RTT * (1 + (question.transport is DnsTransport.TCP))
            takes = DEADLINE if seen.outcome is DnsOutcome.TIMEOUT else takes
            heapq.heappush(events, (now + takes, next(order), question, seen))

    ask(done.walk.begin(0.0), 0.0)
    now = 0.0
    while events:
        wake_at = done.walk.wake_at
        if wake_at is not None and wake_at < events[0][0]:
            now = max(now, wake_at)
            ask(done.walk.wake(now), now)
            continue
        now, _, question, seen = heapq.heappop(events)
        done.seen.append((question, seen))
        ask(done.walk.feed(question, seen, now), now)
        if done.resolved_at is None and all(done.walk.resolved(name) for name in names):
            done.resolved_at = now
    assert done.walk.is_done
    done.ended_at = now
    return done


def made(question: Question, outcome: str = "timeout", **more: object) -> DnsQuery:
    return DnsQuery(
        id="",
        zone=question.zone,
        server=question.server,
        address=question.address,
        transport=question.transport,
        name=question.name,
        type=question.type,
        outcome=DnsOutcome(outcome),
        **more,  # type: ignore[arg-type]
    )


def record(owner: str, kind: str, data: str) -> DnsRecord:
    return DnsRecord(owner=owner, ttl=60, type=kind, data=data)


def of_tree(tree: Tree) -> Answer:
    respond = responding(tree)

    def answer(question: Question) -> DnsQuery:
        over_tcp = question.transport is DnsTransport.TCP
        try:
            wire = message.wire(1, question.name, question.type, edns=question.edns, dnssec_ok=question.edns)
        except ValueError:  # a name that is too long; nothing else may come of a walk
            assert len(question.name) > 200
            return made(question, "error")
        said = respond(Endpoint(question.server, 53, question.address), wire, over_tcp)
        if said is None or isinstance(said, DnsOutcome):
            return made(question, said or "timeout")
        if not message.answers(wire, said):
            return made(question)
        reply = message.read(question.name, question.type, said)
        return made(
            question,
            reply.outcome,
            rcode=reply.rcode,
            authoritative=reply.authoritative,
            answer=reply.answer,
            authority=reply.authority,
            additional=reply.additional,
        )

    return answer


def through(tree: Tree, *names: str, limit: int = 0) -> Simulated:
    return simulate(names, parse(tree.hints()), of_tree(tree), limit=limit)


# --- how long it takes --------------------------------------------------------------------------------------------------


def test_three_levels_take_three_round_trips_and_tcp_one_more() -> None:
    done = through(internet(shop()), NAME)
    assert done.resolved_at == pytest.approx(3 * RTT)
    assert done.ended_at == pytest.approx(4 * RTT)
    assert not done.walk.cut_short


@pytest.mark.parametrize("dead", [1, 2, 3, 4])
def test_any_number_of_dead_servers_costs_one_deadline(dead: int) -> None:
    done = through(internet(shop(faults=failing(Fault.DROP, servers=EVERY_SERVER[:dead]))), NAME)
    assert done.ended_at == pytest.approx(2 * RTT + DEADLINE)
    assert done.resolved_at == (pytest.approx(3 * RTT) if dead < 4 else None)


def test_names_of_servers_are_looked_up_meanwhile() -> None:
    """Route 53's servers have their names below four top-level domains: two levels more, once, for all of them."""
    done = through(internet(domain(zone(SHOP, ROUTE_53, RECORDS), ROUTE_53), *route_53_names()), NAME)
    assert done.resolved_at == pytest.approx(6 * RTT)
    assert {q.address for q in done.asked(zone="shop.lab")} == set(ROUTE_53.values())


def test_an_alias_costs_only_the_levels_that_are_not_known_yet() -> None:
    into_another = internet(shop(f"origin CNAME {cloud_name('x')}"), cloud(f"x A {FIRST}"))
    assert through(into_another, NAME).resolved_at == pytest.approx(6 * RTT)
    assert through(internet(shop(f"origin CNAME x\nx A {FIRST}")), NAME).resolved_at == pytest.approx(4 * RTT)


def test_a_dead_root_server_is_passed_over_after_a_moment() -> None:
    tree = internet(shop())
    answer = of_tree(tree)
    silent = [Hint(f"dead{n}.root", f"192.0.2.{n}") for n in range(100, 100 + WIDTH)]
    hints = (*silent, *parse(tree.hints()))
    done = simulate([NAME], hints, answer)
    assert done.resolved_at == pytest.approx(PATIENCE + 3 * RTT)


# --- whom it asks what --------------------------------------------------------------------------------------------------


def test_every_server_of_the_zone_is_asked_everything_and_the_zones_above_little() -> None:
    done = through(internet(shop()), NAME)
    asked = Counter((q.zone, q.name, q.type, q.transport.value, q.edns) for q, _ in done.seen)
    zone_questions = {key: n for key, n in asked.items() if key[0] == "shop.lab" and key[1] in (NAME, "shop.lab")}
    assert zone_questions == {
        ("shop.lab", NAME, "A", "udp", True): 4,
        ("shop.lab", NAME, "A", "udp", False): 4,
        ("shop.lab", NAME, "A", "tcp", True): 4,
        ("shop.lab", NAME, "AAAA", "udp", True): 4,
        ("shop.lab", NAME, "SOA", "udp", True): 4,
        ("shop.lab", "shop.lab", "SOA", "udp", True): 4,
        ("shop.lab", "shop.lab", "NS", "udp", True): 4,
        ("shop.lab", "shop.lab", "DNSKEY", "udp", True): 4,
    }
    assert Counter(q.type for q in done.asked(zone=".")) == {"A": 2, "DNSKEY": 2}
    assert Counter(q.type for q in done.asked(zone="lab")) == {"A": 2, "DNSKEY": 2, "DS": 3}  # one of them over TCP


def test_of_many_root_servers_three_are_asked() -> None:
    many = [Hint(f"{n}.root", f"198.18.0.{n}") for n in range(13)]
    referral = {
        "authority": (record("lab", "NS", "ns.lab."),),
        "additional": (record("ns.lab", "A", "192.0.2.9"),),
    }
    done = simulate(
        [NAME], many, lambda q: made(q, "referral", rcode="NOERROR", **referral) if q.zone == "." else made(q)
    )
    assert len(done.asked(zone=".", name=NAME)) == WIDTH
    assert len(done.asked(zone=".", type="DNSKEY")) == 2


def test_different_answers_are_asked_for_again() -> None:
    assert not [q for q, _ in through(internet(shop()), NAME).seen if q.number]
    other = zone(SHOP, SHOP_SERVERS, "origin A 203.0.113.99")
    done = through(internet(shop(instead={EVERY_SERVER[0]: other})), NAME)
    assert Counter(q.number for q in done.asked(name=NAME, type="A", edns=True)) == {0: 12, 1: 4, 2: 4}


def test_what_is_truncated_is_asked_for_over_tcp() -> None:
    done = through(internet(shop(faults=failing(Fault.TRUNCATE))), NAME)
    assert {q.type for q in done.asked(transport=DnsTransport.TCP)} >= {"A", "AAAA", "SOA", "NS", "DNSKEY"}
    assert done.resolved_at is not None


def test_several_names_share_what_is_known() -> None:
    tree = internet(shop(f"{RECORDS}www A {FIRST}\n"))
    both = through(tree, NAME, "www.shop.lab")
    assert len(both.seen) < 1.5 * len(through(tree, NAME).seen)
    assert both.resolved_at == pytest.approx(3 * RTT)


def test_servers_that_only_the_zone_names_are_asked_too() -> None:
    listed = {name: SHOP_SERVERS[name] for name in EVERY_SERVER[:2]}
    from cfrunbook.lab.dns.internet import delegation

    done = through(internet(shop(published=delegation(SHOP, listed))), NAME)
    assert {q.server for q in done.asked(name=NAME, type="A")} >= {s.removesuffix(".") for s in EVERY_SERVER}


# --- what it makes of what it hears -------------------------------------------------------------------------------------


def answering(**by_zone: dict[str, object]) -> Answer:
    """Return servers that say the same to everything asked of them as servers of a zone."""
    return lambda q: made(q, **by_zone[key]) if (key := q.zone.replace(".", "_") or "_") in by_zone else made(q)  # type: ignore[arg-type]


REFERRAL: dict[str, object] = {"outcome": "referral", "rcode": "NOERROR"}


@pytest.mark.parametrize("owner", [".", "com", "other", "lab.lab", "shop.lab.other"])
def test_a_referral_that_leads_nowhere_is_not_followed(owner: str) -> None:
    sideways = {
        **REFERRAL,
        "authority": (record(owner, "NS", "ns.evil."),),
        "additional": (record("ns.evil", "A", "192.0.2.66"),),
    }
    done = simulate([NAME], HINTS, answering(_=sideways))
    assert {q.address for q, _ in done.seen} <= {hint.address for hint in HINTS}


def test_addresses_that_are_not_the_servers_to_tell_are_not_believed() -> None:
    root = {
        **REFERRAL,
        "authority": (record("lab", "NS", "ns.lab."),),
        "additional": (record("ns.lab", "A", "192.0.2.9"),),
    }
    lab = {
        **REFERRAL,
        "authority": (record("shop.lab", "NS", "ns1.elsewhere.net."),),
        "additional": (record("ns1.elsewhere.net", "A", "192.0.2.66"),),
    }
    done = simulate([NAME], HINTS, answering(_=root, lab=lab))
    assert "192.0.2.66" not in {q.address for q, _ in done.seen}
    assert done.asked(zone=".", name="ns1.elsewhere.net")


def test_an_answer_without_authority_settles_nothing() -> None:
    said = {"outcome": "answer", "rcode": "NOERROR", "answer": (record(NAME, "A", "192.0.2.66"),)}
    done = simulate([NAME], HINTS, answering(_=said))
    assert done.walk.resolved(NAME, final=True) is None


@pytest.mark.parametrize(
    ("records", "outcome", "cnames"),
    [
        (RECORDS, "answer", ()),
        ("origin AAAA 2001:db8::1", "answer", ()),
        ("origin TXT x", "nodata", ()),
        ("other A 192.0.2.1", "nxdomain", ()),
        (f"origin CNAME x\nx A {FIRST}", "answer", ("x.shop.lab",)),
        ("origin CNAME x", "nxdomain", ("x.shop.lab",)),
    ],
)
def test_what_is_known_in_the_end(records: str, outcome: str, cnames: tuple[str, ...]) -> None:
    walk = through(internet(shop(records)), NAME).walk
    found = walk.resolved("Origin.Shop.Lab.", final=True)
    assert found is not None
    assert (found.outcome, found.cnames) == (ResolutionOutcome(outcome), cnames)
    assert bool(walk.resolved(NAME)) == (outcome == "answer")


# --- that it ends -------------------------------------------------------------------------------------------------------


def endless_aliases(question: Question) -> DnsQuery:
    alias = record(question.name, "CNAME", f"x{question.name}.")
    return made(question, "answer", rcode="NOERROR", authoritative=True, answer=(alias,))


def endless_delegations(question: Question) -> DnsQuery:
    deeper = question.name if question.zone == "." else f"x.{question.name}"
    servers = tuple(record(deeper, "NS", f"ns{n}.{deeper}x{n}.") for n in range(60))
    glue = tuple(record(f"ns{n}.{deeper}x{n}", "A", f"192.0.2.{n}") for n in range(60))
    return made(question, "referral", rcode="NOERROR", authority=servers, additional=glue)


def endless_server_names(question: Question) -> DnsQuery:
    """Every zone has its servers' names in another zone, which has them in another zone."""
    cut = question.name.partition(".")[2] or question.name
    servers = tuple(record(cut, "NS", f"ns.{n}x{cut}.") for n in range(9))
    return made(question, "referral", rcode="NOERROR", authority=servers)


def endless_addresses(question: Question) -> DnsQuery:
    many = tuple(record(question.name, question.type, f"10.{len(question.name)}.0.{n}") for n in range(99))
    own = (record("lab", "NS", f"{question.name}."), record(question.name, "NS", f"n{question.name}."))
    return made(question, "answer", rcode="NOERROR", authoritative=True, answer=(*many, *own), authority=own)


@pytest.mark.parametrize(
    "answer",
    [endless_aliases, endless_delegations, endless_server_names, endless_addresses, made],
    ids=lambda a: a.__name__,
)
def test_a_walk_that_could_go_on_for_ever_ends(answer: Answer) -> None:
    done = simulate([NAME], HINTS, answer)
    assert len(done.seen) <= 600


def test_every_target_of_an_alias_is_followed() -> None:
    """Two servers name one target, two the other; the first that is named says what the aliases are."""
    other = zone("shop.lab.", SHOP_SERVERS, "origin CNAME green\ngreen A 203.0.113.20")
    tree = internet(shop(f"origin CNAME blue\nblue A {FIRST}", instead=dict.fromkeys(EVERY_SERVER[2:], other)))
    found = through(tree, NAME).walk.resolved(NAME, final=True)
    assert found is not None
    assert (sorted(found.ipv4), len(found.cnames)) == ([FIRST, "203.0.113.20"], 1)


def test_of_an_alias_that_always_leads_elsewhere_so_many_targets_are_followed() -> None:
    tree, number = internet(shop()), itertools.count()
    well = of_tree(tree)

    def answer(question: Question) -> DnsQuery:
        if question.name != NAME or question.zone != "shop.lab":
            return well(question)
        target = f"n{next(number)}.shop.lab."
        return made(question, "answer", rcode="NOERROR", authoritative=True, answer=(record(NAME, "CNAME", target),))

    done = simulate([NAME], parse(tree.hints()), answer)
    assert len({q.name for q, _ in done.seen if q.name.startswith("n") and q.name[1].isdecimal()}) == MAX_TARGETS
    assert done.walk.cut_short


def test_aliases_are_followed_so_far_and_no_further() -> None:
    done = simulate([NAME], HINTS, endless_aliases)
    assert (
        len({q.name for q in done.asked(type="A") if q.name.endswith(NAME) and "cfrunbook" not in q.name})
        == MAX_ALIASES + 1
    )


def test_no_more_is_asked_than_may_be() -> None:
    done = through(internet(shop()), NAME, limit=20)
    assert (len(done.seen), done.walk.cut_short) == (20, True)


def test_without_hints_nothing_is_asked() -> None:
    assert not simulate([NAME], (), made).seen


FAULTS = st.lists(st.sampled_from(Fault), max_size=2).map(tuple)
OUTCOMES = st.sampled_from([None, None, None, *DnsOutcome])


@given(
    records=st.lists(
        st.sampled_from(
            ["origin A 192.0.2.1", "www CNAME origin", "origin AAAA 2001:db8::1", "origin CNAME ns-101.awsdns-12.com.",
             "origin NS ns1", "origin NS ns.gone.org.", "* CNAME www", "x.origin A 192.0.2.2", "origin CNAME origin"]
        ),
        max_size=4,
        unique=True,
    ),
    faults=st.dictionaries(st.sampled_from(EVERY_SERVER), FAULTS),
    delegated=st.none() | st.lists(st.sampled_from([*EVERY_SERVER, *ROUTE_53, "ns.gone.org."]), max_size=3, unique=True),
    broken=st.dictionaries(st.integers(0, 150), OUTCOMES, max_size=40),
)  # fmt: skip
def test_any_tree_with_any_faults_is_walked_to_an_end(
    records: list[str], faults: dict[str, tuple[Fault, ...]], delegated: list[str] | None, broken: dict[int, object]
) -> None:
    text = "\n".join(r for r in records if "CNAME" not in r or not any(o.startswith("origin A") for o in records))
    try:
        held = shop(text, faults=faults)
        published = held.delegation if delegated is None else "".join(f"{SHOP} 300 IN NS {s}\n" for s in delegated)
        tree = internet(Domain(held.name, published, held.servers), *route_53_names())
        answer = of_tree(tree)
    except Exception:  # noqa: BLE001 - records that no zone may hold together
        return
    number = itertools.count()

    def sometimes(question: Question) -> DnsQuery:
        outcome = broken.get(next(number))
        return made(question, outcome, rcode="NOERROR", authoritative=True) if outcome else answer(question)  # type: ignore[arg-type]

    done = simulate(["www.shop.lab", NAME], parse(tree.hints()), sometimes)
    assert len(done.seen) <= done.walk.limit
    assert done.ended_at <= 5 * DEADLINE
    for name in ("www.shop.lab", NAME):
        done.walk.resolved(name, final=True)


def test_a_name_that_nobody_has_created_is_one_also_below_the_root() -> None:
    said = {"outcome": "answer", "rcode": "NOERROR", "authoritative": True, "answer": (record("x", "A", "192.0.2.1"),)}
    assert simulate(["x"], HINTS, answering(_=said)).asked(name="cfrunbook-0")
