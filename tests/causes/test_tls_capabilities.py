"""From hellos to what an origin accepts: three values, and never refused for want of knowledge."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes.tls_capabilities import Answer, Capabilities, Fact, fold, fold_each
from cfrunbook.cloudfront import tls_offers
from cfrunbook.cloudfront.origin_tls import GROUPS, PROTOCOLS, SUITES, TLS_1_2, TLS_1_3
from cfrunbook.evidence import Handshake
from cfrunbook.evidence import HandshakeOutcome as Outcome

NAME = "shop.example.com"
NAMES = sorted(tls_offers._questions())
EXACT = "cloudfront-TLSv1.2"
GOOD = {"outcome": Outcome.HELLO, "version": TLS_1_2, "cipher_suite": 0xC02F, "group": 0x17, "bytes_received": 900}
ALERT_40 = {"outcome": Outcome.ALERT, "alert": 40, "bytes_received": 7}
CLOSED = {"outcome": Outcome.CLOSED}
RESET = {"outcome": Outcome.RESET}
SILENT = {"outcome": Outcome.TIMEOUT, "detail": "the server stopped before any byte; waited 5 s"}


def seen(offer: str, sni: str | None = NAME, **more: Any) -> Handshake:
    given = {"id": "", "host": NAME, "port": 443, "address": "192.0.2.1"} | more
    return Handshake(offer=offer, sni=sni, **given)


def of(*handshakes: Handshake) -> Capabilities:
    return fold(
        [
            Handshake(**{f: getattr(h, f) for f in h.__struct_fields__} | {"id": f"h{n}"})
            for n, h in enumerate(handshakes)
        ]
    )


VERSION = "version-TLSv1.2"
SUITE = "suite-TLSv1.2-C030"
SERVED = seen(VERSION, **GOOD)


@pytest.mark.parametrize(
    ("answers", "expected", "why"),
    [
        ([ALERT_40], Answer.REFUSED, "alert 40 (handshake_failure)"),
        ([GOOD | {"cipher_suite": 0xC030}], Answer.ACCEPTED, "TLS 1.2 with ECDHE-RSA-AES256-GCM-SHA384"),
        ([GOOD | {"cipher_suite": 0xC030}, ALERT_40], Answer.ACCEPTED, "TLS 1.2"),
        ([GOOD | {"cipher_suite": 0xC030, "outcome": Outcome.TRUNCATED}], Answer.ACCEPTED, "TLS 1.2"),
        ([{"outcome": Outcome.MALFORMED, "version": 0x0301, "bytes_received": 50}], Answer.REFUSED, "chooses TLS 1.0"),
        ([CLOSED], Answer.UNKNOWN, "closed"),
        ([CLOSED, CLOSED], Answer.REFUSED, "closed 2 times before any byte"),
        ([RESET, CLOSED], Answer.REFUSED, "reset 2 times before any byte"),
        ([CLOSED, SILENT], Answer.UNKNOWN, "closed"),
        ([SILENT], Answer.UNKNOWN, "the server stopped before any byte; waited 5 s"),
        ([SILENT, SILENT, SILENT], Answer.UNKNOWN, "the server stopped"),
        ([{"outcome": Outcome.NOT_CONNECTED}] * 3, Answer.UNKNOWN, "not_connected"),
        ([{"outcome": Outcome.MALFORMED, "bytes_received": 9}], Answer.UNKNOWN, "malformed"),
        ([{"outcome": Outcome.ALERT, "alert": 0, "bytes_received": 7}], Answer.UNKNOWN, "close_notify"),
        ([], Answer.UNKNOWN, "not asked"),
    ],
)
def test_one_suite(answers: list[dict[str, Any]], expected: Answer, why: str) -> None:
    fact = of(SERVED, *(seen(SUITE, **a) for a in answers)).suites[TLS_1_2, 0xC030]
    assert fact.answer is expected
    assert why in fact.why


def test_what_ends_without_a_word_proves_nothing_where_nothing_is_answered() -> None:
    able = of(*(seen(SUITE, **CLOSED) for _ in range(4)))
    assert able.suites[TLS_1_2, 0xC030].answer is Answer.UNKNOWN


def test_what_ends_without_a_word_proves_nothing_where_the_origin_has_shown_a_limit() -> None:
    steady = [SERVED, seen(SUITE, **CLOSED), seen(SUITE, **CLOSED)]
    assert of(*steady).suites[TLS_1_2, 0xC030].refused
    limited = of(*steady, seen(VERSION, **RESET))
    assert limited.suites[TLS_1_2, 0xC030].answer is Answer.UNKNOWN
    assert limited.limited == ("h3",)
    assert limited.versions[TLS_1_2].accepted


def test_a_version_refused_has_no_suites_and_no_groups() -> None:
    able = of(seen("version-TLSv1.3", **ALERT_40 | {"alert": 70}))
    assert {f.alert for (v, _), f in (*able.suites.items(), *able.groups.items()) if v == TLS_1_3} == {70}
    assert able.suites[TLS_1_2, 0xC02F].answer is Answer.UNKNOWN


def test_unrecognized_name_says_nothing_of_versions_and_suites() -> None:
    able = of(seen(VERSION, **ALERT_40 | {"alert": 112}), seen(EXACT, **ALERT_40 | {"alert": 112}))
    assert (able.exact.answer, able.versions[TLS_1_2].answer) == (Answer.UNKNOWN, Answer.UNKNOWN)


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ([ALERT_40 | {"alert": 112}], Answer.ACCEPTED),
        ([GOOD], Answer.REFUSED),
        ([SILENT], Answer.UNKNOWN),
        ([CLOSED, CLOSED], Answer.ACCEPTED),
        ([], Answer.UNKNOWN),
    ],
)
def test_whether_a_server_name_is_needed(without: list[dict[str, Any]], expected: Answer) -> None:
    assert of(seen(EXACT, **GOOD), *(seen(EXACT, None, **w) for w in without)).needs_sni.answer is expected
    assert of(seen(EXACT, **ALERT_40), *(seen(EXACT, None, **w) for w in without)).needs_sni.answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        ([CLOSED, CLOSED], Answer.UNKNOWN),
        ([CLOSED], Answer.UNKNOWN),
        ([ALERT_40 | {"alert": 70}], Answer.ACCEPTED),
        ([SILENT, SILENT], Answer.ACCEPTED),
        ([SILENT], Answer.UNKNOWN),
        ([GOOD], Answer.REFUSED),
        ([], Answer.UNKNOWN),
    ],
)
def test_version_intolerance(exact: list[dict[str, Any]], expected: Answer) -> None:
    assert of(SERVED, *(seen(EXACT, **e) for e in exact)).intolerance.answer is expected


ALONE = {"alone": True}


@pytest.mark.parametrize(
    ("exact", "control", "expected"),
    [
        ([CLOSED | ALONE] * 3, [GOOD | ALONE], Answer.ACCEPTED),
        ([CLOSED, RESET | ALONE, CLOSED | ALONE, CLOSED | ALONE], [GOOD, GOOD | ALONE], Answer.ACCEPTED),
        ([CLOSED, CLOSED, CLOSED], [GOOD | ALONE], Answer.UNKNOWN),
        ([CLOSED | ALONE] * 2, [GOOD | ALONE], Answer.UNKNOWN),
        ([CLOSED | ALONE] * 3, [GOOD], Answer.UNKNOWN),
        ([CLOSED | ALONE] * 3, [GOOD | ALONE, CLOSED | ALONE], Answer.UNKNOWN),
        ([CLOSED | ALONE] * 3, [], Answer.UNKNOWN),
        ([CLOSED | ALONE] * 3 + [GOOD], [GOOD | ALONE], Answer.REFUSED),
    ],
)
def test_what_ends_without_a_word_is_intolerance_only_where_it_was_always_so_and_asked_alone(
    exact: list[dict[str, Any]], control: list[dict[str, Any]], expected: Answer
) -> None:
    able = of(*(seen(EXACT, **e) for e in exact), *(seen(VERSION, **c) for c in control))
    assert able.intolerance.answer is expected


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        ([GOOD], None),
        ([GOOD, GOOD | ALONE], None),
        ([CLOSED] * 5, None),
        ([GOOD, CLOSED], (1, 2, False)),
        ([GOOD, {"outcome": Outcome.NOT_CONNECTED}], (1, 2, False)),
        ([GOOD, CLOSED, GOOD | ALONE, GOOD | ALONE], (3, 4, False)),
        ([GOOD, CLOSED, *[GOOD | ALONE] * 3], None),
        ([GOOD, RESET, *[GOOD | ALONE] * 3, CLOSED | ALONE], (3, 4, True)),
        ([GOOD, *[CLOSED | ALONE] * 4], (0, 4, True)),
        ([GOOD, CLOSED, *[GOOD | ALONE] * 3, SILENT], None),
    ],
)
def test_a_hello_that_is_answered_only_sometimes(
    exact: list[dict[str, Any]], expected: tuple[int, int, bool] | None
) -> None:
    share = of(*(seen(EXACT, **e) for e in exact)).sometimes
    assert (share and (share.answered, share.count, share.alone)) == expected
    of_the_others = of(SERVED, seen(EXACT, **GOOD), *(seen(VERSION, **e) for e in exact)).sometimes
    assert of_the_others is None, "only CloudFront's own hello counts"


def test_of_several_names_the_one_that_fares_worst_counts() -> None:
    hellos = [seen(EXACT, name, **e) for name in (NAME, "other.example") for e in (GOOD, CLOSED)]
    share = of(*hellos, seen(EXACT, "other.example", **CLOSED), seen(EXACT, None, **CLOSED)).sometimes
    assert share is not None
    assert (share.answered, share.count) == (1, 3)


def test_a_newer_version_that_lacks_a_curve_is_not_intolerance() -> None:
    beyond = seen("beyond-groups-TLSv1.3", **GOOD | {"version": TLS_1_3, "cipher_suite": 0x1301, "group": 0x19})
    assert of(SERVED, seen(EXACT, **ALERT_40), beyond).intolerance.answer is Answer.UNKNOWN


def test_nodes_that_differ_are_noticed_and_a_limit_is_not_taken_for_that() -> None:
    assert of(seen(EXACT, **GOOD), seen(EXACT, **GOOD)).differing == ()
    assert of(seen(EXACT, **GOOD), seen(EXACT, **ALERT_40)).differing == ("h0", "h1")
    assert of(seen(EXACT, **GOOD), seen(EXACT, **GOOD | {"certificates": (b"other",)})).differing == ("h0", "h1")
    assert of(seen(EXACT, **GOOD), seen(EXACT, **RESET)).differing == ()
    assert of(seen(EXACT, **GOOD), seen(EXACT, "other.example", **ALERT_40)).differing == ()


def test_a_group_refused_beside_an_ecdsa_certificate_alone_may_be_about_its_curve() -> None:
    refused = seen("group-TLSv1.2-X25519", **ALERT_40)
    assert of(SERVED, refused).groups[TLS_1_2, 0x1D].refused
    ecdsa = seen(VERSION, **GOOD | {"cipher_suite": 0xC02B})
    assert of(ecdsa, refused).groups[TLS_1_2, 0x1D].answer is Answer.UNKNOWN


def test_each_address_has_its_own() -> None:
    one, other = fold_each([seen(VERSION, **GOOD), seen(VERSION, **ALERT_40 | {"address": "192.0.2.2"})])
    assert (one.versions[TLS_1_2].answer, other.versions[TLS_1_2].answer) == (Answer.ACCEPTED, Answer.REFUSED)


# --- whatever comes -----------------------------------------------------------------------------------------------

codes = st.none() | st.sampled_from([0, *(s.code for s in SUITES), 0x009E, 0xFFFF])
handshakes = st.builds(
    Handshake,
    id=st.uuids().map(str),
    host=st.just(NAME),
    port=st.just(443),
    address=st.sampled_from(["192.0.2.1", "2001:db8::1"]),
    sni=st.sampled_from([NAME, "other.example", None]),
    offer=st.sampled_from([*NAMES, "", "cloudfront-TLSv9"]),
    outcome=st.sampled_from(Outcome),
    alert=st.none() | st.integers(0, 255),
    warnings=st.lists(st.integers(0, 255), max_size=2).map(tuple),
    version=st.none() | st.sampled_from([*(p.code for p in PROTOCOLS), 0x7F00]),
    cipher_suite=codes,
    group=st.none() | st.sampled_from([*(g.code for g in GROUPS), 0x19, 0xFFFF]),
    signature_scheme=st.none() | st.sampled_from([0x0403, 0x0804, 0x0807, 0xFFFF]),
    hello_retry=st.booleans(),
    certificates=st.lists(st.binary(max_size=8), max_size=2).map(tuple),
    client_certificate_requested=st.booleans(),
    bytes_received=st.sampled_from([0, 7, 5000]),
    detail=st.text(max_size=10),
    alone=st.booleans(),
)


def facts(able: Capabilities) -> list[Fact]:
    maps = (able.versions, able.suites, able.groups, able.kinds)
    return [able.exact, *(f for each in maps for f in each.values())]


@given(st.lists(handshakes, max_size=12))
def test_a_refusal_always_rests_on_an_answer_that_says_so(hellos: list[Handshake]) -> None:
    by_id = {h.id: h for h in hellos}
    for able in fold_each(hellos):
        for fact in (*facts(able), able.needs_sni, able.intolerance):
            assert set(fact.handshakes) <= set(by_id)
            if fact.answer is not Answer.UNKNOWN:
                assert fact.handshakes
        for fact in facts(able):
            resting = [by_id[i] for i in fact.handshakes]
            if fact.refused:
                ended = [h for h in resting if h.outcome in (Outcome.CLOSED, Outcome.RESET) and not h.bytes_received]
                said = [h for h in resting if h.outcome in (Outcome.ALERT, Outcome.MALFORMED)]
                assert len(ended) > 1 or said
            if fact.accepted:
                assert all(h.version and h.cipher_suite for h in resting)


UNKNOWING = [Outcome.TIMEOUT, Outcome.NOT_CONNECTED, Outcome.NOT_TLS]


@given(st.lists(handshakes, max_size=12), st.sampled_from(UNKNOWING))
def test_without_answers_nothing_is_known(hellos: list[Handshake], outcome: Outcome) -> None:
    silent = [
        Handshake(id=h.id, host=h.host, port=h.port, address=h.address, sni=h.sni, offer=h.offer, outcome=outcome)
        for h in hellos
    ]
    for able in fold_each(silent):
        assert {f.answer for f in facts(able)} == {Answer.UNKNOWN}
        assert able.needs_sni.answer is Answer.UNKNOWN


@given(st.lists(handshakes, max_size=8), handshakes, st.sampled_from(UNKNOWING))
def test_a_further_hello_without_an_answer_makes_nothing_refused(
    hellos: list[Handshake], more: Handshake, outcome: Outcome
) -> None:
    silent = Handshake(
        id="more", host=NAME, port=443, address="192.0.2.1", sni=more.sni, offer=more.offer, outcome=outcome
    )
    before = fold([h for h in hellos if h.address == "192.0.2.1"])
    after = fold([*(h for h in hellos if h.address == "192.0.2.1"), silent])
    for old, new in zip(facts(before), facts(after), strict=True):
        assert old.answer is new.answer or (old.refused and new.answer is Answer.UNKNOWN)


@given(st.lists(handshakes, max_size=12))
def test_cloudfronts_hello_is_accepted_only_where_it_was_answered(hellos: list[Handshake]) -> None:
    for able in fold_each(hellos):
        here = [h for h in hellos if h.address == able.address]
        own = [h for h in here if (q := tls_offers.question(h.offer)) and q.purpose is tls_offers.Purpose.EXACT]
        if not any(h.version is not None and h.cipher_suite is not None for h in own):
            assert not able.exact.accepted
            assert able.negotiated is None
        if not any(h.bytes_received for h in own):
            assert able.sometimes is None
        if able.intolerance.accepted:
            assert not able.exact.accepted


@given(st.lists(handshakes, max_size=10).flatmap(lambda hellos: st.tuples(st.just(hellos), st.permutations(hellos))))
def test_the_order_of_hellos_does_not_matter(both: tuple[list[Handshake], list[Handshake]]) -> None:
    def answers(hellos: list[Handshake]) -> list[object]:
        able = fold([h for h in hellos if h.address == "192.0.2.1"])
        share = able.sometimes
        told = [f.answer for f in (*facts(able), able.needs_sni, able.intolerance)]
        counts = (share.answered / share.count, share.count) if share else None
        return [*told, set(able.beyond), sorted(able.differing), sorted(able.limited), counts]

    one, other = both
    assert answers(one) == answers(other)
