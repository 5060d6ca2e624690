"""Root hints: those built in, and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfrunbook.cloudfront.special_purpose import special_purpose
from cfrunbook.errors import BadInput
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
    ("content", "why"),
    [
        (b"", "it names no name server of the root with an address"),
        (b".  NS  a.\n", "it names no name server of the root with an address"),
        (b"a. 5 A 192.0.2.1\n", "it names no name server of the root with an address"),
        (b"$INCLUDE /etc/passwd\n", "unknown rdatatype"),
        (b"$GENERATE 1-1000000000 a$ A 192.0.2.1\n", "unknown rdatatype"),
        (b". NS a.\na. A 999.0.0.1\n", "<input>:3"),
        (b"\xff\xfe", "it is not text"),
        (b"\x1b[2J", "<input>:1"),
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
