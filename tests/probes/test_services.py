"""What speaks on a port, by its first bytes: as servers really send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.probes.services import ENOUGH, service_of


@pytest.mark.parametrize(
    ("first_bytes", "service"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n", "http"),
        (b"HTTP/1.0 200 OK\r\n", "http"),
        (bytes.fromhex("15030300020228"), "tls"),
        (bytes.fromhex("160303007a0200"), "tls"),
        (bytes.fromhex("150301"), "tls"),
        (bytes.fromhex("1503"), ""),
        (bytes.fromhex("000012040000000000000300000080"), "http/2"),
        (bytes.fromhex("000022070000000000000000000000"), "http/2"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "ssh"),
        (b"220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n", "smtp"),
        (b"220-mx1.example.com welcome\r\n", "smtp"),
        (b"554 No service here\r\n", "smtp"),
        (b"220 (vsFTPd 3.0.5)\r\n", "ftp"),
        (b"220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n", "ftp"),
        (b"220 ready\r\n", "smtp or ftp"),
        (b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "imap"),
        (b"+OK Dovecot ready.\r\n", "pop3"),
        (b"-ERR unknown command 'HEAD', with args beginning with: '/'\r\n", "redis"),
        (b"-DENIED Redis is running in protected mode", "redis"),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00", "mysql"),
        (b"\x45\x00\x00\x00\xff\x6a\x04Host '10.0.0.1' is not allowed", "mysql"),
        (b"E\x00\x00\x00\x85SFATAL\x00VFATAL\x00", "postgresql"),
        (b"EFATAL:  unsupported frontend protocol 18501.16708", "postgresql"),
        (b"RFB 003.008\n", "vnc"),
        (b"\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00", "rdp"),
        (b"\xff\xfd\x18\xff\xfd\x20", "telnet"),
        (b"AMQP\x00\x00\x09\x01", "amqp"),
        (b"ERROR\r\n", "memcached"),
        (b'INFO {"server_id":"N"}', "nats"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy-protocol"),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n", "echo"),
        (b"<!DOCTYPE html><title>Hello</title>", "http/0.9"),
        (b"  <html>", "http/0.9"),
        (b"", ""),
        (b"H", ""),
        (b"hello\r\n", ""),
        (b"\x1b[2J", ""),
    ],
)
def test_services_are_named_by_what_they_say_first(first_bytes: bytes, service: str) -> None:
    assert service_of(first_bytes) == service


@given(st.binary(max_size=200))
def test_any_bytes_have_a_name_or_none(first_bytes: bytes) -> None:
    name = service_of(first_bytes)
    assert name.isprintable()
    assert name == service_of(first_bytes[:ENOUGH])
