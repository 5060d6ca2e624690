"""Root hints: those built in, and files."""

from __future__ import annotations

from pathlib import Path

import dns.rdatatype
import dns.zonefile
import pytest

from cfrunbook.cloudfront.special_purpose import special_purpose
from cfrunbook.errors import BadInput
from cfrunbook.lab.dns.internet import internet
from cfrunbook.lab.dns.shop import shop
from cfrunbook.probes import address
from cfrunbook.probes.dns import hints
from cfrunbook.probes.dns.hints import Hint

ORIGINAL = hints.built_in  # before conftest takes the internet away
NAMED_ROOT = """
;       last update:     April 18, 2024
.                        3600000      NS    A.ROOT-SERVERS.NET.
A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4
A.ROOT-SERVERS.NET.      3600000      AAAA  2001:503:BA3E::2:30
.                        3600000      NS    B.ROOT-SERVERS.NET.
B.ROOT-SERVERS.NET.      3600000      A     170.247.170.2
x.example.               3600000      A     192.0.2.1
; End of file
"""


def test_every_root_server_has_an_address_of_each_family() -> None:
    built_in = ORIGINAL()
    assert sorted({hint.server for hint in built_in}) == [f"{letter}.root-servers.net" for letter in "abcdefghijklm"]
    assert [address.version(hint.address) for hint in built_in] == [4, 6] * 13
    assert not [hint for hint in built_in if special_purpose(hint.address)]


def test_a_file_names_servers_and_only_their_addresses_count(tmp_path: Path) -> None:
    path = tmp_path / "named.root"
    path.write_text(NAMED_ROOT)
    assert hints.load(path) == (
        Hint("a.root-servers.net", "198.41.0.4"),
        Hint("a.root-servers.net", "2001:503:ba3e::2:30"),
        Hint("b.root-servers.net", "170.247.170.2"),
    )


@pytest.mark.parametrize(
    "text",
    [
        ".\t518400\tIN\tNS\ta.root-servers.net.\na.root-servers.net.\t518400\tIN\tA\t198.41.0.4\n",
        ". 6D IN NS A.ROOT-SERVERS.NET.\r\n  IN 6D NS b.root-servers.net ; no address\r\nA.root-servers.net. a 198.41.0.4\r\n",
        "a.root-servers.net. A 198.41.0.4\n. NS a.root-servers.net.\n. IN RRSIG NS 8 0 518400 20261206050000 20 . abc=\n",
        ". IN NS a.root-servers.net.\na.root-servers.net. 1 A 198.41.0.4\na.root-servers.net. 2 A 198.41.0.4\n",
    ],
    ids=["dig", "no TTL, same owner, CRLF", "other types", "twice"],
)
def test_what_other_programs_print_is_read_as_well(text: str) -> None:
    assert hints.parse(text) == (Hint("a.root-servers.net", "198.41.0.4"),)


def of_dnspython(text: str) -> tuple[Hint, ...]:
    rrsets = dns.zonefile.read_rrsets(text, rdclass="IN", default_ttl=3600)
    servers = {str(r.target).lower() for s in rrsets if s.rdtype == dns.rdatatype.NS and str(s.name) == "." for r in s}
    records = [(str(s.name).lower(), r.address) for s in rrsets if s.rdtype != dns.rdatatype.NS for r in s]
    return tuple(Hint(name.rstrip("."), address) for name, address in records if name in servers)


@pytest.mark.parametrize("text", [NAMED_ROOT, internet(shop()).hints()], ids=["named.root", "lab"])
def test_dnspython_reads_the_same(text: str) -> None:
    assert sorted(hints.parse(text), key=repr) == sorted(of_dnspython(text), key=repr)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it names no name server of the root with an address"),
        (b".  NS  a.\n", "it names no name server of the root with an address"),
        (b"a. 5 A 192.0.2.1\n", "it names no name server of the root with an address"),
        (b"$INCLUDE /etc/passwd\n", "line 1 is no record of a name server or its address"),
        (b"$TTL 3600 ; seconds\n", "line 1 is no record of a name server or its address"),
        (b"$GENERATE 1-1000000000 a$ A 192.0.2.1\n", "line 1 is no record of a name server or its address"),
        (b"\n A 192.0.2.1\n", "line 2 is no record of a name server or its address"),
        (b". NS a. b.\n", "line 1 is no record of a name server or its address"),
        (b". NS a.\na. A 999.0.0.1\n", "line 2: 999.0.0.1 is no address of type A"),
        (b". NS a.\na. AAAA 192.0.2.1\n", "line 2: 192.0.2.1 is no address of type AAAA"),
        (b"\xff\xfe", "it is not text"),
        (b"\x1b[2J", "line 1 is no record of a name server or its address"),
        (b". NS a.\na. A \x1b[2J\n", "is no address of type A"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "named.root"
    path.write_bytes(content)
    with pytest.raises(
        BadInput, match=r"^--root-hints: .*named\.root is not a root hints file like https://"
    ) as refused:
        hints.load(path)
    assert why in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_shuffled_hints_are_the_same_servers() -> None:
    shuffled = hints.shuffled(ORIGINAL())
    assert set(shuffled) == set(ORIGINAL())
    assert [shuffled[n].server for n in range(0, 26, 2)] == [shuffled[n].server for n in range(1, 26, 2)]
