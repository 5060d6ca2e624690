"""DNSSEC followed from the root down, over trees of the lab that are signed to different depths; BIND's signer beside."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from cfrunbook.causes import dns_chain, dns_signatures
from cfrunbook.causes.dns_chain import MAX_ITERATIONS, Security, follow
from cfrunbook.causes.dns_delegation import Delegations, ZoneView, fold
from cfrunbook.causes.dns_trust import IANA
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsRecord
from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS, Signers, Tree, delegation, domain, internet, zone
from cfrunbook.lab.dns.shop import RECORDS
from cfrunbook.lab.dns.signing import Signer
from tests.causes.test_dns_walk import target
from tests.probes.dns.replayed import walked

NAME = "origin.shop.lab"
NOW = dt.datetime.now(dt.UTC)
IN_A_MONTH = NOW + dt.timedelta(days=30)
"""The lab signs for two weeks."""


def tree(*, root: bool = True, tld: bool = True, shop: bool = True, ds: bool = True) -> Tree:
    """Return a tree of which some parts are signed; `ds`: whether the registry says that the shop's zone is."""
    signer = Signer()
    held = zone(SHOP, SHOP_SERVERS, RECORDS, signer=signer if shop else None)
    published = delegation(SHOP, SHOP_SERVERS) + (f"{SHOP} 300 IN DS {signer.ds(SHOP)}\n" if ds else "")
    signers = Signers(Signer(), {"lab.": Signer()} if tld else {}) if root else None
    return internet(domain(held, SHOP_SERVERS, published=published), signers=signers)


def walk(grown: Tree, change: Callable[[DnsQuery], DnsQuery] = lambda query: query) -> Delegations:
    return fold([change(q) for q in walked(grown, NAME).queries], NAME)


def without(kind: str, asked: str) -> Callable[[DnsQuery], DnsQuery]:
    """Return how an answer looks whose records of one type, in authority, got lost."""
    return lambda q: (
        msgspec.structs.replace(q, authority=tuple(r for r in q.authority if r.type != kind)) if q.name == asked else q
    )


def no_keys_of(name: str) -> Callable[[DnsQuery], DnsQuery]:
    return lambda q: (
        msgspec.structs.replace(q, outcome=DnsOutcome.TIMEOUT, answer=(), rcode="")
        if (q.name, q.type) == (name, "DNSKEY")
        else q
    )


SIGNED = tree()
NOT_SIGNED = tree(shop=False, ds=False)
CASES: Mapping[str, tuple[Tree, Callable[[DnsQuery], DnsQuery], dt.datetime, Security, str]] = {
    "signed all the way": (SIGNED, lambda q: q, NOW, Security.SECURE, ""),
    "the zone is not": (
        NOT_SIGNED,
        lambda q: q,
        NOW,
        Security.INSECURE,
        "lab proves that shop.lab has no DS record (NSEC)",
    ),
    "nothing above is": (
        tree(tld=False),
        lambda q: q,
        NOW,
        Security.INSECURE,
        "the root proves that lab has no DS rec",
    ),
    "nothing at all is": (
        tree(root=False, tld=False),
        lambda q: q,
        NOW,
        Security.UNSIGNED_ROOT,
        "the root has no keys",
    ),
    "the proof is lost": (
        NOT_SIGNED,
        lambda q: without("NSEC", "shop.lab")(without("NSEC", NAME)(q)),
        NOW,
        Security.UNKNOWN,
        "lab gives no DS record for shop.lab, and no proof came that there is none",
    ),
    "the root's keys were not told": (SIGNED, no_keys_of("."), NOW, Security.UNKNOWN, "no root server told its keys"),
    "the registry's keys were not told": (
        SIGNED,
        no_keys_of("lab"),
        NOW,
        Security.UNKNOWN,
        "no server of lab told its k",
    ),
    "signatures have ended": (SIGNED, lambda q: q, IN_A_MONTH, Security.UNKNOWN, "the signature over . DNSKEY ended "),
}


@pytest.mark.parametrize(("grown", "change", "at", "security", "why"), CASES.values(), ids=CASES)
def test_how_far_a_tree_is_signed(
    grown: Tree, change: Callable[[DnsQuery], DnsQuery], at: dt.datetime, security: Security, why: str
) -> None:
    anchor = grown.anchor or IANA[0].ds
    seen = walk(grown, change)
    chain = follow(seen, seen.last.zone, at, [anchor])
    assert chain.security is security
    assert why in chain.why


def test_another_root_is_not_the_internets() -> None:
    seen = walk(SIGNED)
    chain = follow(seen, seen.last.zone, NOW, [anchor.ds for anchor in IANA])
    assert chain.security is Security.UNKNOWN
    assert "the root that was asked has other keys" in chain.why


TOLD: Mapping[str, tuple[Tree, bool, Sequence[str]]] = {
    "signed": (SIGNED, True, ["shop.lab is signed, and so is every step from the root down to it."]),
    "signed, from another root": (
        SIGNED,
        False,
        ["shop.lab is signed, and its keys fit its DS record; that record was not followed up to the root: the root"],
    ),
    "not signed": (
        NOT_SIGNED,
        True,
        ["shop.lab is not protected by DNSSEC: lab proves that shop.lab has no DS record"],
    ),
    "no DNSSEC anywhere": (tree(root=False, tld=False, shop=False, ds=False), False, []),
}


@pytest.mark.parametrize(("grown", "own", "told"), TOLD.values(), ids=TOLD)
def test_what_was_followed_is_told(grown: Tree, own: bool, told: Sequence[str]) -> None:
    anchors = [grown.anchor] if own else [anchor.ds for anchor in IANA]
    found = list(dns_signatures.judge(walk(grown), target(), NOW, anchors=anchors))
    assert [f.code for f in found] == ["dns.dnssec_followed"] * len(told)
    assert all(words in f.title for f, words in zip(found, told, strict=True))


def test_the_anchors_are_two_keys_of_the_root() -> None:
    """The tags and the algorithm are in the clear; the digests are compared with the published file by hand."""
    assert [(a.name, a.ds.split()[:3], len(a.ds.split()[3])) for a in IANA] == [
        ("KSK-2017", ["20326", "8", "2"], 64),
        ("KSK-2024", ["38696", "8", "2"], 64),
    ]


# --- NSEC3, signed by BIND ---------------------------------------------------------------------------------------------

PARENT = """$TTL 300
@ IN SOA a.nic.lab. hostmaster.nic.lab. 1 1800 900 604800 300
@ IN NS a.nic.lab.
a.nic IN A 192.0.2.11
shop IN NS ns1.shop
ns1.shop IN A 198.51.100.1
signed IN NS ns1.shop
signed IN DS 4711 13 2 {digest}
"""


def signed_by_bind(folder: Path, options: tuple[str, ...]) -> list[DnsRecord]:
    """Return the records of a zone `lab.` that dnssec-signzone has signed with NSEC3."""
    folder.mkdir()
    (folder / "zone").write_text(PARENT.format(digest="AB" * 32))
    run = ["dnssec-keygen", "-K", ".", "-a", "ECDSAP256SHA256", "-f", "KSK", "lab."]
    key = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    sign = ["dnssec-signzone", "-S", "-z", "-x", "-O", "full", "-o", "lab.", *options, "-f", "out", "zone", key]
    subprocess.run(sign, cwd=folder, check=True, capture_output=True)
    found = []
    for line in (folder / "out").read_text().splitlines():
        words = line.split(None, 4)
        if len(words) == 5 and words[1].isdecimal() and not line.startswith(";"):
            owner, ttl, _, kind, data = words
            found.append(DnsRecord(owner=owner.lower().rstrip("."), ttl=int(ttl), type=kind, data=data))
    return found


PROOFS = {
    "of every name": (("-3", "ab12", "-H", "5"), "shop.lab", "NSEC3"),
    "of signed names only": (("-3", "-", "-A", "-H", "0"), "shop.lab", "NSEC3, opt-out"),
    "of more rounds than are computed": (("-3", "ab12", "-H", str(MAX_ITERATIONS - 350)), "shop.lab", "NSEC3"),
    "there is a DS record": (("-3", "ab12", "-H", "5"), "signed.lab", ""),
}


@pytest.mark.needs("dnssec-signzone", "dnssec-keygen")
@pytest.mark.parametrize(("options", "name", "proof"), PROOFS.values(), ids=PROOFS)
def test_that_there_is_no_ds_record_is_proven_by_nsec3(
    tmp_path: Path, options: tuple[str, ...], name: str, proof: str
) -> None:
    records = signed_by_bind(tmp_path / "zone", options)
    keys = dns_chain.rrset_of(records, "lab", "DNSKEY")
    cut = ZoneView(name, "lab", (), ())
    assert dns_chain.proof_of_none(records, cut, keys, NOW) == proof
    damaged = [
        msgspec.structs.replace(r, data=r.data.replace(" NS", " TXT")) if r.type == "NSEC3" else r for r in records
    ]
    assert not dns_chain.proof_of_none(damaged, cut, keys, NOW)
