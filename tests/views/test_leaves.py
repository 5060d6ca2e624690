"""Which certificate each hello gets: the table and the grid say which one CloudFront gets, and claim nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from cfrunbook.causes.case import Case
from cfrunbook.causes.leaf_grid import Grid, grid
from cfrunbook.causes.leaves import CLOUDFRONTS, Way
from cfrunbook.cloudfront.origin_tls import TLS_1_0, TLS_1_2, TLS_1_3
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.cloudfront.tls_offers import beyond_offer, rsa_offer, suite_offer, version_offer
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations
from cfrunbook.findings import Status
from cfrunbook.views import figures, tables
from cfrunbook.views.leaf_table import leaves
from tests.views.test_figures import SVG, check
from tests.x509.pki import DAY, NAME, NOW, Party, Pki, mint

PKI = Pki()
OTHER, MAYBE = "www.shop.test", "maybe.shop.test"
GOOD = [PKI.leaf, PKI.inter]
OLD = [mint(NAME, PKI.inter, key_kind="RSA 2048", ends=-3 * DAY), PKI.inter]
DEFAULT = [mint("localhost", names=("localhost",))]
EXACT = "cloudfront-TLSv1.2"
V13, V12, V10 = (version_offer(v).name for v in (TLS_1_3, TLS_1_2, TLS_1_0))
PLACE = ("192.0.2.1", "")


def hello(offer: str, sent: Sequence[Party] = (), version: int = TLS_1_3, **more: Any) -> Handshake:
    told = {"address": PLACE[0], "sni": NAME, "outcome": HandshakeOutcome.HELLO, "id": offer, "host": NAME, "port": 443}
    return Handshake(offer=offer, version=version, certificates=tuple(p.der for p in sent), **told | more)


def alert(offer: str, number: int = 40, **more: Any) -> Handshake:
    return hello(offer, outcome=HandshakeOutcome.ALERT, alert=number, **more)


def target(*names: str, maybe: str = "") -> Target:
    sent = [ServerName(sni=n, host=n, acceptable=(n,), why="") for n in names]
    sent += [ServerName(sni=maybe, host=maybe, acceptable=(maybe,), why="", certain=False)] if maybe else []
    where = {"id": "shop:443", "origin_id": "shop", "domain": NAME, "port": 443, "protocol": "https"}
    return Target(**where, names=tuple(sent))  # type: ignore[arg-type]


def recorded(*handshakes: Handshake) -> Observations:
    return Observations(recorded_at=NOW, handshakes=handshakes)


def drawn(*handshakes: Handshake, of: Target | None = None) -> tuple[Grid, str]:
    case = Case(target=of or target(NAME), observations=recorded(*handshakes), at=NOW, roots=PKI.roots)
    told = grid(case, PLACE)
    return told, check(figures.served(told, place=f"{NAME}:443")).alt


TWO = (
    hello(EXACT, GOOD),
    hello(EXACT, GOOD),
    hello(EXACT, DEFAULT, sni=None),
    hello(V13, GOOD),
    hello(V12, OLD, TLS_1_2),
    hello(suite_offer(TLS_1_2, 0xC02F).name, OLD, TLS_1_2),
    hello(rsa_offer(TLS_1_3).name, OLD),
    alert(V10, 70),
    hello(beyond_offer(TLS_1_2).name, DEFAULT, TLS_1_2),
)


# --- the table ----------------------------------------------------------------------------------------------------


def test_equal_leaves_are_one_row_that_says_who_gets_it() -> None:
    table = leaves(recorded(*TWO), (target(NAME),))
    assert "At" not in table.columns, "there is one place only"
    assert [row[:-1] for row in table.rows] == [
        ("yes", NAME, "EC P-256", "Test CA 1", "2027-01-21", "yes", f"{NAME}: CloudFront's hello, TLS 1.3"),
        ("no", NAME, "RSA 2048", "Test CA 1", "2026-11-19", "yes", f"{NAME}: TLS 1.3 (RSA only), TLS 1.2"),
        ("no", "localhost", "EC P-256", "localhost", "2027-01-21", "not asked", "no server name"),
    ]
    assert len({row[-1] for row in table.rows}) == 3


@pytest.mark.parametrize(
    ("names", "maybe", "got"),
    [
        ((NAME,), "", ["yes", "no", "no"]),
        ((NAME, OTHER), "", ["yes", "yes", "no"]),
        ((OTHER,), NAME, ["yes", "perhaps", "no"]),
    ],
)
def test_cloudfront_gets_what_comes_for_a_name_that_it_sends(
    names: tuple[str, ...], maybe: str, got: list[str]
) -> None:
    seen = recorded(hello(EXACT, GOOD), hello(EXACT, DEFAULT, sni=OTHER), hello(EXACT, OLD, sni=None))
    assert [row[0] for row in leaves(seen, (target(*names, maybe=maybe),)).rows] == got


def test_the_name_that_is_lacking_is_said() -> None:
    seen = recorded(hello(EXACT, GOOD), hello(EXACT, GOOD, sni=OTHER))
    (row,) = leaves(seen, (target(NAME, OTHER),)).rows
    assert row[5] == f"yes, {NAME}; no, not {OTHER}"
    assert row[6] == f"{NAME}: CloudFront's hello; {OTHER}: CloudFront's hello"


def test_a_refusal_is_a_row_where_it_tells_something_of_certificates() -> None:
    other_kind = alert(rsa_offer(TLS_1_3).name)
    single_suite, too_old = alert(suite_offer(TLS_1_2, 0xC02F).name, 41), alert(V10, 70)
    refused = alert(EXACT, 112, sni=OTHER)
    table = leaves(recorded(hello(EXACT, GOOD), other_kind, single_suite, too_old, refused), (target(NAME, OTHER),))
    assert [(row[0], row[1], row[6]) for row in table.rows] == [
        ("yes", NAME, f"{NAME}: CloudFront's hello"),
        ("yes", "none: unrecognized_name (alert 112)", f"{OTHER}: CloudFront's hello"),
        ("no", "none: handshake_failure (alert 40)", f"{NAME}: TLS 1.3 (RSA only)"),
    ]


def test_places_are_named_where_they_differ() -> None:
    table = leaves(recorded(hello(EXACT, GOOD), hello(EXACT, OLD, address="192.0.2.2")), (target(NAME),))
    assert [row[7] for row in table.rows] == [f"{NAME}:443 at 192.0.2.1", f"{NAME}:443 at 192.0.2.2"]


def test_without_targets_the_name_that_was_sent_counts() -> None:
    (row,) = leaves(recorded(hello(EXACT, GOOD, sni=OTHER))).rows
    assert (row[0], row[5]) == ("yes", f"no, not {OTHER}")


def test_nothing_seen_is_no_table(samples: dict[str, Any]) -> None:
    for nothing in (recorded(), recorded(alert(EXACT)), recorded(hello("of another tool", GOOD))):
        assert leaves(nothing, (target(NAME),)).rows == ()
        assert "Which certificate each hello gets" not in [t.title for t in tables.observations(nothing)]
    assert "Which certificate each hello gets" in [t.title for t in tables.observations(samples["fault"].observations)]


def test_junk_is_a_row_too() -> None:
    (row,) = leaves(recorded(msgspec.structs.replace(hello(EXACT), certificates=(b"junk",)))).rows
    assert row[1].startswith("cannot be read: these 4 bytes")


# --- the grid -----------------------------------------------------------------------------------------------------


def test_the_grid_has_a_letter_for_each_leaf_and_says_what_cloudfront_thinks_of_it() -> None:
    told, alt = drawn(*TWO)
    assert told.ways == (CLOUDFRONTS, Way(TLS_1_3), Way(TLS_1_3, "RSA"), Way(TLS_1_2), Way(TLS_1_2, "RSA"))
    assert told.names == (NAME, None)
    assert [leaf.status for leaf in told.leaves] == [Status.OK, Status.FAULT, None]
    assert f"{NAME}: CloudFront's hello gets A, TLS 1.3 gets A, TLS 1.3 (RSA only) gets B (fault)" in alt
    assert "No server name: CloudFront's hello gets C." in alt
    assert f"B: CN={NAME}, RSA 2048, issued by Test CA 1, until 2026-11-19" in alt
    assert f"Certificate 0 (leaf, CN={NAME}) expired 3 days ago" in alt


def test_the_grid_judges_the_name_of_each_row_by_itself() -> None:
    seen = (hello(EXACT, GOOD), hello(EXACT, GOOD, sni=OTHER), hello(EXACT, GOOD, sni=MAYBE))
    told, alt = drawn(*seen, of=target(NAME, OTHER, maybe=MAYBE))
    assert [told.cells[sni, CLOUDFRONTS].status for sni in (NAME, OTHER, MAYBE)] == ["ok", "fault", "unknown"]
    assert f"It does not carry {OTHER}." in alt
    assert f"It does not carry {MAYBE}, which CloudFront may send." in alt


def test_equal_hellos_that_get_different_certificates_share_a_cell() -> None:
    _, alt = drawn(hello(EXACT, GOOD), hello(EXACT, OLD), hello(EXACT, GOOD))
    assert "CloudFront's hello gets A and B (fault)." in alt


def test_refusal_and_silence_are_told_apart() -> None:
    refused, silent = alert(EXACT, 112), hello(EXACT, outcome=HandshakeOutcome.TIMEOUT, sni=OTHER)
    told, alt = drawn(refused, silent, hello(EXACT, GOOD, sni=None), of=target(NAME, OTHER))
    assert [told.cells[sni, CLOUDFRONTS].is_known for sni in (NAME, OTHER)] == [True, False]
    assert f"{NAME}: CloudFront's hello gets none: alert 112 (unrecognized_name)." in alt
    assert f"{OTHER}: CloudFront's hello gets none: timeout." in alt
    assert told.leaves[0].status is None, "CloudFront always sends a name"


def test_another_address_is_another_grid() -> None:
    told, _ = drawn(hello(EXACT, GOOD), hello(EXACT, OLD, address="192.0.2.2"))
    assert len(told.leaves) == 1


def test_many_names_and_leaves_are_counted() -> None:
    names = [f"n{i}.shop.test" for i in range(30)]
    seen = [hello(EXACT, [mint(n, names=(n,))], sni=n) for n in names]
    told, alt = drawn(*seen, of=target(*names))
    assert "and 17 more server names, not drawn" in alt
    assert "and 18 more certificates, not drawn" in alt
    assert len(told.leaves) == 26


def test_the_same_is_drawn_for_the_same() -> None:
    told, _ = drawn(*TWO)
    assert figures.served(told) == figures.served(told)


def test_hostile_text_can_be_drawn(samples: dict[str, Any]) -> None:
    for sample in samples.values():
        for seen in sample.observations.handshakes:
            asked = msgspec.structs.replace(seen, host=NAME, port=443, address=PLACE[0], connected_to="", offer=EXACT)
            case = Case(target=target(NAME), observations=recorded(asked), at=NOW, roots=PKI.roots)
            root = ElementTree.fromstring(figures.served(grid(case, PLACE), place=seen.host, note=seen.detail).svg)
            assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
                "svg",
                "g",
                "path",
                "use",
                "defs",
                "clipPath",
                "rect",
            }
