"""The lab's resolver answers as a public one: through aliases, with codes, over UDP and TCP."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.query
import dns.rcode
import pytest

from cfrunbook import lab
from cfrunbook.lab.dns import recursor
from cfrunbook.lab.dns.resolver import View

CASES = [
    ("dns-healthy", "origin.shop.lab", "A", "NOERROR", ["203.0.113.10"]),
    ("dns-nodata", "origin.shop.lab", "A", "NOERROR", []),
    ("dns-nxdomain", "origin.shop.lab", "A", "NXDOMAIN", []),
    ("dns-all-servers-refuse", "origin.shop.lab", "A", "SERVFAIL", []),
    ("dns-ds-mismatch", "origin.shop.lab", "A", "SERVFAIL", []),
    ("dns-nodata", "shop.lab", "NS", "NOERROR", [f"ns{n}.shop.lab." for n in (1, 2, 3, 4)]),
]


@pytest.mark.parametrize(("scenario", "name", "kind", "rcode", "wanted"), CASES)
def test_what_it_answers(scenario: str, name: str, kind: str, rcode: str, wanted: list[str]) -> None:
    asks: list[Callable[..., dns.message.Message]] = [dns.query.udp, dns.query.tcp]
    with lab.start(scenario) as running:
        address, _, port = running.recursor().rpartition(":")
        assert running.recursor() == f"{address}:{port}"
        for ask in asks:
            answer = ask(dns.message.make_query(name, kind), address, port=int(port), timeout=20)
            assert dns.rcode.to_text(answer.rcode()) == rcode
            assert sorted(str(record) for rrset in answer.answer for record in rrset) == wanted


def test_aliases_come_along() -> None:
    with lab.start("dns-three-aliases") as running:
        address, _, port = running.recursor().rpartition(":")
        answer = dns.query.udp(dns.message.make_query("origin.shop.lab", "A"), address, port=int(port), timeout=20)
    assert [str(rrset.rdtype.name) for rrset in answer.answer] == ["CNAME", "CNAME", "CNAME", "A"]


def test_it_follows_what_is_mended() -> None:
    with lab.start("dns-nodata") as running:
        address, _, port = running.recursor().rpartition(":")
        running.mend()
        answer = dns.query.udp(dns.message.make_query("origin.shop.lab", "A"), address, port=int(port), timeout=20)
    assert [str(record) for record in answer.answer[0]] == ["203.0.113.10"]


@pytest.mark.parametrize(
    "wire",
    [b"", b"\0" * 11, b"\xff" * 12, dns.message.make_response(dns.message.make_query("a", "A", id=1)).to_wire()],
    ids=["empty", "too short", "ones", "an answer"],
)
def test_what_is_no_question_gets_no_answer(wire: bytes) -> None:
    assert recursor.answer(wire, View((), {})) is None


def test_scenarios_without_names_have_none() -> None:
    with lab.start("healthy") as running:
        assert running.recursor() == ""
