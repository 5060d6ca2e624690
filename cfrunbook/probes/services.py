"""What speaks on a port, told from the first bytes that it sent. Pure: bytes in, a name out."""

from __future__ import annotations

import re

ENOUGH = 64
"""Bytes of an answer that are looked at, and kept."""

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"HTTP/", "http"),
    (b"SSH-", "ssh"),
    (b"RFB 0", "vnc"),
    (b"* OK", "imap"),
    (b"* PREAUTH", "imap"),
    (b"* BYE", "imap"),
    (b"+OK", "pop3"),
    (b"-ERR unknown command", "redis"),
    (b"-ERR wrong number", "redis"),
    (b"-DENIED Redis", "redis"),
    (b"-NOAUTH", "redis"),
    (b"-ERR", "pop3"),
    (b"AMQP", "amqp"),
    (b"INFO {", "nats"),
    (b"@RSYNCD:", "rsync"),
    (b"RTSP/", "rtsp"),
    (b"SIP/", "sip"),
    (b"ICY ", "icecast"),
    (b"<?xml version='1.0'?><stream:stream", "xmpp"),
    (b'<?xml version="1.0"?><stream:stream', "xmpp"),
    (b"PROXY ", "proxy-protocol"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "proxy-protocol"),
    (b"\x03\x00\x00", "rdp"),  # TPKT, RFC 1006
    (b"GET /", "echo"),
    (b"HEAD /", "echo"),
)
# Compiled, by `re` itself, when first used.
_PATTERNS: tuple[tuple[bytes, str], ...] = (
    # A TLS record: alert, handshake, application data or change_cipher_spec, version 3.x (RFC 8446 section 5.1).
    (rb"[\x14-\x18]\x03[\x00-\x04]", "tls"),
    # A SETTINGS or GOAWAY frame on stream 0: HTTP/2 without TLS (RFC 9113 section 4.1).
    (rb"(?s)\x00[\x00-\xff]{2}(?:\x04[\x00\x01]|\x07\x00)\x00\x00\x00\x00", "http/2"),
    (rb"(?is)(?:220|421)[ -].*ftp", "ftp"),
    (rb"(?is)(?:220|421|554)[ -].*(?:smtp|mail|mx)", "smtp"),
    (rb"554[ -]", "smtp"),
    (rb"(?:220|421)[ -]", "smtp or ftp"),
    # A MySQL packet, sequence number 0: protocol version 10 or an error (host not allowed).
    (rb"(?s)[\x00-\xff]{2}\x00\x00(?:\x0a[0-9]|\xff[\x00-\xff]{2})", "mysql"),
    (rb"(?s)E\x00\x00[\x00-\xff]{2}S?(?:FATAL|ERROR)", "postgresql"),
    (rb"E(?:FATAL|ERROR):", "postgresql"),
    (rb"ERROR\r\n", "memcached"),
    (rb"\xff[\xfb-\xfe]", "telnet"),
    (rb"(?s)0[\x00-\xff]{1,40}?1\.3\.6\.1\.4\.1\.1466\.20036", "ldap"),
    # A document without a status line: what HTTP/0.9 looked like.
    (rb"(?i)\s*<(?:!doctype html|html)", "http/0.9"),
)


def service_of(first_bytes: bytes) -> str:
    """Name what sent `first_bytes`: `http`, `tls`, `ssh`, `smtp`, `mysql` …; empty where they do not tell."""
    head = bytes(first_bytes[:ENOUGH])
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    return next((name for pattern, name in _PATTERNS if re.match(pattern, head)), "")
