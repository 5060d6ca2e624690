"""What is read in the outputs of programs that look at name servers: cut from real ones."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from support.dns_peers import PEERS, commands, saw
from support.name_servers import Trouble
from support.network import is_question

SOA = "ns1.shop.lab. hostmaster.shop.lab. 2026112201 7200 900 1209600 300"
NSSEARCH = "".join(f"SOA {SOA} from server 198.51.100.{n} in 20 ms.\n" for n in (1, 3, 4))
HOST = f"Nameserver 198.51.100.1:\n\tshop.lab has SOA record {SOA}\n"
TRACE = """
shop.lab.		300	IN	NS	ns1.shop.lab.
shop.lab.		300	IN	NS	ns2.shop.lab.
;; Received 180 bytes from 192.0.2.12#53(b.nic.lab) in 28 ms
"""
TIMED_OUT = ";; communications error to 198.51.100.2#53: timed out\n"
RESOLVER_TIMED_OUT = ";; communications error to 127.0.0.1#53: timed out\n;; no servers could be reached\n"
REFUSES = "Nameserver 198.51.100.2:\n\tshop.lab not found: 5(REFUSED)\n"
ZONEMASTER_DEAD = "   0.09 WARNING   Nameserver ns2.shop.lab/198.51.100.2 does not respond to any queries over UDP.\n"
ZONEMASTER_LAME = "   0.37 ERROR     Lame delegation.\n   0.03 ERROR     No nameserver was successfully resolved.\n"
DNSVIZ_DEAD = '{"errors": [{"description": "not responsive", "code": "X", "servers": [\n "198.51.100.2"]}]}'
OURS_DEAD = "1 of 4 name servers of shop.lab does not answer: ns2.shop.lab (198.51.100.2); about 25 % go there first."
ALL = "None of the 4 name servers of shop.lab answers: ns1.shop.lab, ns2.shop.lab, ns3.shop.lab and ns4.shop.lab."


@pytest.mark.parametrize(
    ("trouble", "said", "expected"),
    [
        (Trouble.NONE, NSSEARCH + HOST + TRACE, True),
        (Trouble.NONE, NSSEARCH + TIMED_OUT, False),
        (Trouble.NONE, REFUSES, False),
        (Trouble.NONE, RESOLVER_TIMED_OUT, True),
        (Trouble.ONE_DEAD, NSSEARCH + TIMED_OUT, True),
        (Trouble.ONE_DEAD, TRACE + TIMED_OUT, True),
        (Trouble.ONE_DEAD, TRACE, False),
        (Trouble.ONE_DEAD, TRACE + RESOLVER_TIMED_OUT, False),
        (Trouble.ONE_DEAD, TIMED_OUT.replace("100.2#", "100.20#"), False),
        (Trouble.ONE_DEAD, ZONEMASTER_DEAD, True),
        (Trouble.ONE_DEAD, DNSVIZ_DEAD, True),
        (Trouble.ONE_DEAD, OURS_DEAD, True),
        (Trouble.ONE_DEAD, REFUSES, False),
        (Trouble.ONE_REFUSES, HOST + REFUSES, True),
        (Trouble.ONE_REFUSES, REFUSES + HOST, True),
        (Trouble.ONE_REFUSES, NSSEARCH, False),
        (Trouble.ALL_DEAD, ALL, True),
        (Trouble.ALL_DEAD, "".join(TIMED_OUT.replace("100.2", f"100.{n}") for n in (1, 2, 3, 4)), True),
        (Trouble.ALL_DEAD, TIMED_OUT, False),
        (Trouble.ALL_DEAD, RESOLVER_TIMED_OUT, False),
        (Trouble.ALL_DEAD, ZONEMASTER_LAME, False),
        (Trouble.ALL_DEAD, "", False),
    ],
)
def test_whether_it_saw_the_trouble(trouble: Trouble, said: str, expected: bool) -> None:
    assert saw(trouble, said) is expected


def test_every_peer_has_a_command() -> None:
    assert set(commands("origin.shop.lab", "root.hints")) == set(PEERS)


def packet(to: str, protocol: int, port: int, flags: int = 0) -> bytes:
    source, target = ipaddress.IPv4Address("192.0.2.9").packed, ipaddress.IPv4Address(to).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, protocol, 0) + source + target
    return head + struct.pack("!HHIIBB", 40_000, port, 0, 0, 0x50, flags)


@pytest.mark.parametrize(
    ("sent", "counts"),
    [
        (packet("192.0.2.1", 17, 53), True),
        (packet("192.0.2.1", 17, 40_000), False),
        (packet("127.0.0.1", 17, 53), False),
        (packet("192.0.2.1", 6, 53, flags=0x02), True),
        (packet("192.0.2.1", 6, 53, flags=0x12), False),
        (packet("192.0.2.1", 6, 53, flags=0x10), False),
        (packet("192.0.2.1", 1, 53), False),
        (packet("192.0.2.1", 17, 53)[:24], False),
    ],
)
def test_what_is_counted_as_a_question(sent: bytes, counts: bool) -> None:
    assert is_question(sent) is counts
